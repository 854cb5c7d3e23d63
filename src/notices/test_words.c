/* Goal: what leaves the house is well formed whatever it says: a signature that a known vector
 * proves, a mail whose lines and encoded words keep their bounds and give the text back, ids that
 * stay and differ. */
#include <sodium.h>

#include "base/test_support.h"
#include "notices/notices_internal.h"

static struct notices make_notices(void)
{
    struct notices notices = {.platform = NULL};
    snprintf(notices.settings.link, sizeof notices.settings.link, "https://city.example/{loop}/x");
    return notices;
}

static struct notice make_notice(void)
{
    return (struct notice){
        .no = 7,
        .user_no = 3,
        .kind = NOTICE_OVERDUE,
        .event_no = 99,
        .loop_no = 41,
        .at = 1649917862 * SECOND,
        .found = 1,
        .words = SLICE(
            "{\"scene\":\"s\",\"title\":{\"zh\":"
            "\"一个非常长的闭环标题一个非常长的闭环标题一个非常长的闭环标题\",\"en\":\"Long\"},"
            "\"stage\":\"t\",\"stage_title\":{\"zh\":\"判定\",\"en\":\"Judging\"},"
            "\"deadline\":\"2022-04-14T16:30:00+08:00\"}")};
}

static void the_signature_is_hmac_sha256_over_time_dot_body(void **state)
{
    (void)state;
    char text[SIGNATURE_TEXT_BYTES];
    /* the vector by another program:
     * printf %s 'what do ya want for.nothing?' | openssl dgst -sha256 -hmac Jefe */
    webhook_sign("Jefe", 4, "what do ya want for", SLICE("nothing?"), text);
    assert_string_equal(text,
                        "v1=6cf90e3eec04a3170042cc4b6813dda8e98720a085c6bf2783bc04a5c824003f");
    webhook_sign("Jefe", 4, "what do ya want for", SLICE("nothing!"), text);
    assert_string_not_equal(text + 3,
                            "6cf90e3eec04a3170042cc4b6813dda8e98720a085c6bf2783bc04a5c824003f");
}

static void an_id_stays_and_is_of_one_event_and_user(void **state)
{
    (void)state;
    struct notice notice = make_notice(), other = make_notice();
    char id[NOTICE_ID_BYTES], again[NOTICE_ID_BYTES];
    notice_id(&notice, id);
    other.found = 9; /* a digest that grows is the same one */
    notice_id(&other, again);
    assert_string_equal(id, again);
    other.user_no = 4;
    notice_id(&other, again);
    assert_string_not_equal(id, again);
    other = make_notice();
    other.event_no = 100;
    notice_id(&other, again);
    assert_string_not_equal(id, again);
    other = make_notice();
    other.at += 1; /* a city that was restored and lived on gives other ids */
    notice_id(&other, again);
    assert_string_not_equal(id, again);
}

static void a_body_is_json_with_a_link_and_no_name(void **state)
{
    (void)state;
    struct notices notices = make_notices();
    struct notice notice = make_notice();
    struct buffer body;
    buffer_init(&body, 1 << 16);
    webhook_body(&notices, &notice, "grid_worker", &body);
    json_t *json = json_loadb(body.data, body.length, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "link")),
                        "https://city.example/41/x");
    assert_string_equal(json_string_value(json_object_get(json, "kind")), "overdue");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "to"), "user")), 3);
    static const char *const members[] = {"notice", "kind",  "at",   "found",
                                          "loop",   "about", "link", "to"};
    assert_int_equal(json_object_size(json), ROWS(members)); /* and nothing beside them */
    for (size_t i = 0; i < ROWS(members); i++)
        assert_non_null(json_object_get(json, members[i]));
    json_decref(json);
    buffer_clear(&body);
    notice.loop_no = 0;
    notice.words = SLICE("{}");
    webhook_body(&notices, &notice, "grid_worker", &body);
    assert_non_null(strstr(body.data, "\"link\":\"\""));
    buffer_release(&body);
}

/* ---- Mail */

static void decode(const char *from, size_t length, struct buffer *out)
{
    unsigned char bytes[4096];
    size_t count;
    assert_int_equal(sodium_base642bin(bytes, sizeof bytes, from, length, "\r\n", &count, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    buffer_append(out, bytes, count);
}

/* The subject's encoded words, each whole for itself. */
static void read_subject(const char *mail, struct buffer *out)
{
    const char *at = strstr(mail, "\r\nSubject:"), *end = strstr(mail, "\r\nDate: ");
    assert_true(at && end);
    while ((at = strstr(at, "=?UTF-8?B?")) && at < end) {
        const char *close = strstr(at + 10, "?=");
        size_t before = out->length;
        assert_true(close && close + 2 - at <= 67);
        decode(at + 10, (size_t)(close - at - 10), out);
        assert_true(slice_is_utf8((struct slice){out->data + before, out->length - before}));
        at = close;
    }
}

static void a_mail_keeps_the_bounds_of_mail_and_gives_its_text_back(void **state)
{
    (void)state;
    struct notices notices = make_notices();
    struct notice notice = make_notice();
    struct buffer mail, text;
    buffer_init(&mail, 1 << 20);
    buffer_init(&text, 1 << 20);
    mail_write(&notices, &notice, "chengmai@city.example", "w@mail.example",
               1649917862 * SECOND + 5, &mail);
    assert_false(mail.overflow);
    for (const char *line = mail.data; *line;) {
        size_t length = strcspn(line, "\r");
        assert_memory_equal(line + length, "\r\n", 2);
        assert_true(length <= 78 && !memchr(line, '\n', length));
        for (size_t i = 0; i < length; i++)
            assert_true((unsigned char)line[i] < 0x80);
        line += length + 2;
    }
    assert_non_null(strstr(mail.data, "\r\nDate: Thu, 14 Apr 2022 14:31:02 +0800\r\n"));
    assert_non_null(strstr(mail.data, "From: <chengmai@city.example>\r\nTo: <w@mail.example>\r\n"));
    read_subject(mail.data, &text);
    assert_non_null(strstr(text.data, "逾期"));
    assert_non_null(strstr(text.data, "一个非常长的闭环标题 #41"));
    buffer_clear(&text);
    const char *body = strstr(mail.data, "\r\n\r\n") + 4;
    decode(body, strlen(body), &text);
    assert_non_null(strstr(text.data, "判定 · Judging"));
    assert_non_null(strstr(text.data, "Deadline: 2022-04-14T16:30:00+08:00"));
    assert_non_null(strstr(text.data, "https://city.example/41/x"));
    buffer_release(&mail);
    buffer_release(&text);
}

static void an_address_cannot_end_a_line_or_add_another(void **state)
{
    (void)state;
    static const char *const good[] = {"a@b", "zhang.san+x@mail-1.example.org", "A_9@x.y"};
    static const char *const bad[] = {
        "",      "a",    "@b",      "a@",      "a@b@c", "a b@c", "a@b\n", "a@b\r\nRCPT TO:<x@y>",
        "<a@b>", "a@b>", "\"a\"@b", "a@b,c@d", "张@b",  "a@b\t"};
    for (size_t i = 0; i < ROWS(good); i++)
        assert_true(address_is_plain(slice_of(good[i])));
    for (size_t i = 0; i < ROWS(bad); i++)
        if (address_is_plain(slice_of(bad[i])))
            fail_msg("'%s' was taken", bad[i]);
    assert_false(address_is_plain((struct slice){"a@b\0c", 5}));
    char text[300];
    memset(text, 'a', sizeof text);
    text[100] = '@';
    assert_false(address_is_plain((struct slice){text, 255}));
    assert_true(address_is_plain((struct slice){text, 254}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signature_is_hmac_sha256_over_time_dot_body),
        cmocka_unit_test(an_id_stays_and_is_of_one_event_and_user),
        cmocka_unit_test(a_body_is_json_with_a_link_and_no_name),
        cmocka_unit_test(a_mail_keeps_the_bounds_of_mail_and_gives_its_text_back),
        cmocka_unit_test(an_address_cannot_end_a_line_or_add_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
