/* Goal: who is meant is told, once, and nobody else; a flood becomes one digest a minute; counters
 * are what the rows say; what is told names no person; and nothing is kept longer than its days. */
#include <sys/stat.h>

#include "notices/notices.h"
#include "server/test_loop_support.h"

static int64_t follow(struct loopback *loop)
{
    struct error err;
    int64_t count;
    test_fail_on(notices_follow(loop->platform->notices, &count, &err), &err);
    return count;
}

/* After every test: each reader's counters are what the rows of notices say. */
static int verify_counters(void **state)
{
    struct loopback *loop = *state;
    int64_t wrong = loopback_number(
        loop,
        "SELECT count(*) FROM notice_reader r WHERE r.unread <> (SELECT count(*) FROM notice n"
        " WHERE n.user_no = r.user_no AND n.notice_no > r.read_to)"
        " OR r.newest < (SELECT coalesce(max(n.notice_no), 0) FROM notice n"
        " WHERE n.user_no = r.user_no)");
    if (wrong)
        print_error("counters of %lld readers are wrong\n", (long long)wrong);
    return verify_and_remove(state) || wrong;
}
#define NOTICE_TEST(name) cmocka_unit_test_setup_teardown(name, loopback_create, verify_counters)

/* Everybody of the register lives in one district, whose officers then own what is opened. */
static void move_all(struct loopback *loop)
{
    loopback_change(loop, "UPDATE person SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320412')");
}

static int64_t open_about(struct loopback *loop, int person)
{
    char body[300];
    snprintf(body, sizeof body,
             "{\"scene\":\"contact_management\",\"subject\":%d,\"fields\":{\"source_case\":1,"
             "\"contact_level\":\"close\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
             person);
    return open_loop(loop, "cdc_lead", body, 201);
}

/* How many notices of a kind a user has ("": of any). */
static int64_t told(struct loopback *loop, const char *user, const char *kind)
{
    struct answer answer = as(loop, user, HTTP_GET, "/api/v1/notices?limit=1000", NULL);
    assert_int_equal(answer.status, 200);
    int64_t count = 0;
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer.json, "items"), i, item) {
        const char *is_kind = json_string_value(json_object_get(item, "kind"));
        count += !*kind || strcmp(is_kind, kind) == 0;
    }
    answer_release(&answer);
    return count;
}

/* ---- Who is told */

static void a_new_owner_is_told_and_nobody_else(void **state)
{
    struct loopback *loop = *state;
    move_all(loop);
    int64_t id = open_about(loop, 5);
    assert_int_equal(follow(loop), 1);
    assert_int_equal(follow(loop), 0);
    char text[80];
    snprintf(text, sizeof text, "\"loop\":%lld", (long long)id);
    const char *owner = "cdc_investigator-320412";
    expect(loop, owner, HTTP_GET, "/api/v1/notices", NULL, 200, text);
    expect(loop, owner, HTTP_GET, "/api/v1/notices", NULL, 200, "\"kind\":\"owner\"");
    expect(loop, owner, HTTP_GET, "/api/v1/notices", NULL, 200, "\"stage\":\"judging\"");
    expect(loop, owner, HTTP_GET, "/api/v1/notices", NULL, 200,
           "\"deadline\":\"2022-04-14T16:31:00+08:00\"");
    expect(loop, owner, HTTP_GET, "/api/v1/notices", NULL, 200,
           "\"link\":\"http://127.0.0.1:8021/loops/");
    assert_int_equal(told(loop, owner, ""), 1);
    static const char *const others[] = {"cdc_investigator",
                                         "cdc_investigator-320481",
                                         "command",
                                         "cdc_lead",
                                         "press",
                                         "administrator",
                                         "auditor"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(told(loop, others[i], ""), 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM notice_delivery"),
                     0); /* all off */
}

static void who_does_not_act_is_told_then_others_and_who_opened_it_hears_of_its_end(void **state)
{
    struct loopback *loop = *state;
    move_all(loop);
    int64_t id = open_about(loop, 5);
    follow(loop);
    timestamp opened = now(loop);
    wait_until(loop, opened + 2 * HOUR);
    follow(loop);
    assert_int_equal(told(loop, "cdc_investigator-320412", "overdue"), 1);
    assert_int_equal(told(loop, "command", ""), 0);
    wait_until(loop, opened + 72 * HOUR);
    follow(loop);
    assert_true(told(loop, "command", "told") >= 1);
    assert_int_equal(told(loop, "cdc_lead", "closed"), 0);
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"twice the same\",\"close\":true}", 200,
           NULL);
    follow(loop);
    assert_int_equal(told(loop, "cdc_lead", "closed"), 1);
    assert_int_equal(told(loop, "cdc_lead", ""), 1);
    expect(loop, "cdc_lead", HTTP_GET, "/api/v1/notices", NULL, 200, "\"deadline\":null");
}

static void nobody_is_told_of_the_own_act(void **state)
{
    struct loopback *loop = *state;
    move_all(loop);
    int64_t id = open_about(loop, 5);
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command_duty", HTTP_POST, path, "{\"note\":\"ours\"}", 200, NULL);
    follow(loop);
    assert_int_equal(told(loop, "command", "owner"), 1);
    assert_int_equal(told(loop, "command_duty", ""), 0); /* whose act it was */
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"done\",\"close\":true}", 200, NULL);
    follow(loop);
    assert_int_equal(told(loop, "cdc_lead", "closed"), 1);
}

static void who_stands_in_is_told_and_who_is_away_is_not(void **state)
{
    struct loopback *loop = *state;
    move_all(loop);
    loopback_change(loop, "INSERT INTO absence (user_no, delegate_no, from_at, until_at)"
                          " SELECT a.user_no, b.user_no, 0, 9223372036854775807 FROM app_user a,"
                          " app_user b WHERE a.name = 'cdc_investigator-320412'"
                          " AND b.name = 'cdc_duty-320412'");
    loopback_restart(loop);
    open_about(loop, 5);
    follow(loop);
    assert_int_equal(told(loop, "cdc_investigator-320412", ""), 0);
    assert_int_equal(told(loop, "cdc_duty-320412", "owner"), 1);
}

static void a_lead_hears_of_broken_glass_and_of_overrides(void **state)
{
    struct loopback *loop = *state;
    char lead[64];
    struct sql *sql;
    struct error err;
    int64_t user, lead_no;
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(access_user_number(sql, SLICE("cdc_duty"), &user, &err), &err);
    test_fail_on(access_user_lead(sql, user, &lead_no, &err), &err);
    test_fail_on(access_user_name(sql, lead_no, lead, &err), &err);
    store_read_end(loop->platform->store, sql);
    expect(loop, "cdc_duty", HTTP_POST, "/api/v1/break-glass",
           "{\"reason\":\"a child is alone at a checkpoint\"}", 200, NULL);
    assert_int_equal(follow(loop), 1);
    assert_int_equal(told(loop, lead, "glass"), 1);
    loopback_change(loop, "INSERT INTO override_request SELECT 1, 5, 0, 0, 0, 1, 'x', x'00',"
                          " user_no, name, 0, 0, 0 FROM app_user WHERE name = 'cdc_duty'");
    loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('override.requested', 5, 0, 0, 0, '{\"id\":1}')");
    assert_int_equal(follow(loop), 1);
    assert_int_equal(told(loop, lead, "override"), 1);
}

/* ---- A flood */

static void a_flood_becomes_one_digest_a_minute(void **state)
{
    enum { LOOPS = 40, APART = 5 };
    struct loopback *loop = *state;
    const char *owner = "cdc_investigator-320412";
    move_all(loop);
    for (int i = 0; i < LOOPS; i++)
        open_about(loop, 10 + i);
    assert_int_equal(follow(loop), APART + 1);
    assert_int_equal(told(loop, owner, "owner"), APART);
    assert_int_equal(told(loop, owner, "digest"), 1);
    assert_int_equal(loopback_number(loop, "SELECT found FROM notice WHERE kind = 6"),
                     LOOPS - APART);
    /* once it was read, what comes in the same minute is another one */
    int64_t newest = loopback_number(loop, "SELECT max(notice_no) FROM notice");
    char body[60];
    snprintf(body, sizeof body, "{\"up_to\":%lld}", (long long)newest);
    expect(loop, owner, HTTP_POST, "/api/v1/notices:read", body, 200, "\"unread\":0");
    open_about(loop, 100);
    assert_int_equal(follow(loop), 1);
    assert_int_equal(told(loop, owner, "digest"), 2);
    loop->platform->world->fixed += MINUTE; /* the next minute begins anew */
    open_about(loop, 101);
    assert_int_equal(follow(loop), 1);
    assert_int_equal(told(loop, owner, "owner"), APART + 1);
}

/* ---- The outbox */

/* The city's own file with the webhook open to some kinds and roles. */
static void open_webhook(struct loopback *loop, const char *kinds, const char *roles)
{
    struct error err;
    struct buffer text;
    char path[100];
    const struct embedded_file *built_in = embedded_find("policies/notices.yaml");
    const char *end = strstr(built_in->content.data, "  webhook:\n");
    const char *smtp = strstr(built_in->content.data, "  smtp:\n");
    buffer_init(&text, 1 << 20);
    buffer_append(&text, built_in->content.data, (size_t)(end - built_in->content.data));
    buffer_print(&text,
                 "  webhook:\n    on: true\n    url: \"http://127.0.0.1:9/\"\n    address: \"\"\n"
                 "    socket: \"\"\n    ca_file: \"\"\n    secret: \"environment:NONE\"\n"
                 "    kinds: [%s]\n    roles: [%s]\n    retry_seconds: [1]\n"
                 "    timeout_seconds: 1\n    at_once: 1\n%s",
                 kinds, roles, smtp);
    snprintf(path, sizeof path, "%s/policies", loop->directory);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/policies/notices.yaml", loop->directory);
    test_fail_on(file_replace(AT_FDCWD, path, text.data, text.length, &err), &err);
    buffer_release(&text);
    loopback_restart(loop);
}

static int64_t waiting(struct loopback *loop)
{
    struct notice_counts counts[NOTICE_CHANNELS];
    struct error err;
    test_fail_on(notices_counts(loop->platform->notices, counts, &err), &err);
    assert_int_equal(counts[CHANNEL_WEBHOOK].waiting,
                     loopback_number(loop, "SELECT count(*) FROM notice_delivery"));
    return counts[CHANNEL_WEBHOOK].waiting;
}

static void a_channel_gets_its_kinds_and_roles_and_a_digest_when_its_minute_is_over(void **state)
{
    enum { LOOPS = 9, APART = 5 };
    struct loopback *loop = *state;
    move_all(loop);
    open_webhook(loop, "told, digest", "");
    for (int i = 0; i < LOOPS; i++)
        open_about(loop, 10 + i);
    timestamp begun = world_real_now();
    follow(loop);
    assert_int_equal(waiting(loop), 1); /* the digest: `owner` is not among the kinds */
    int64_t due_at = loopback_number(loop, "SELECT max(due_at) FROM notice_delivery");
    assert_true(due_at >= begun + MINUTE - SECOND && due_at <= world_real_now() + MINUTE);
    open_webhook(loop, "owner", "press");
    loop->platform->world->fixed += MINUTE;
    open_about(loop, 30);
    assert_int_equal(follow(loop), 1);
    assert_int_equal(waiting(loop), 1); /* nobody of the press is meant */
    open_webhook(loop, "owner", "press, cdc_investigator");
    loop->platform->world->fixed += 2 * MINUTE;
    open_about(loop, 31);
    assert_int_equal(follow(loop), 1);
    assert_int_equal(waiting(loop), 2);
    due_at = loopback_number(loop, "SELECT min(due_at) FROM notice_delivery");
    assert_true(due_at <= world_real_now());
}

/* ---- Reading */

static void what_was_read_is_counted_and_pages_follow_each_other(void **state)
{
    enum { LOOPS = 4 };
    struct loopback *loop = *state;
    const char *owner = "cdc_investigator-320412";
    move_all(loop);
    for (int i = 0; i < LOOPS; i++)
        open_about(loop, 10 + i);
    follow(loop);
    int64_t first = loopback_number(loop, "SELECT min(notice_no) FROM notice");
    char body[60], path[100];
    snprintf(body, sizeof body, "{\"up_to\":%lld}", (long long)first + 1);
    expect(loop, owner, HTTP_POST, "/api/v1/notices:read", body, 200, "\"unread\":2");
    expect(loop, owner, HTTP_POST, "/api/v1/notices:read", "{\"up_to\":1}", 200, "\"unread\":2");
    struct notice_head head = notices_head(
        loop->platform->notices, loopback_number(loop, "SELECT user_no FROM app_user WHERE name ="
                                                       " 'cdc_investigator-320412'"));
    assert_int_equal(head.unread, 2);
    assert_int_equal(head.newest, first + LOOPS - 1);
    struct answer page = as(loop, owner, HTTP_GET, "/api/v1/notices?unread=true&limit=1", NULL);
    json_t *item = json_array_get(json_object_get(page.json, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(item, "id")), first + LOOPS - 1);
    assert_true(json_is_true(json_object_get(item, "unread")));
    snprintf(path, sizeof path, "/api/v1/notices?unread=true&limit=1&after=%s",
             json_string_value(json_object_get(page.json, "next")));
    answer_release(&page);
    page = as(loop, owner, HTTP_GET, path, NULL);
    item = json_array_get(json_object_get(page.json, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(item, "id")), first + LOOPS - 2);
    assert_true(json_is_null(json_object_get(page.json, "next")));
    answer_release(&page);
    static const struct {
        const char *body;
        const char *words;
    } refused[] = {{"{\"up_to\":9999}", "up_to"},
                   {"{\"up_to\":0}", "up_to"},
                   {"{}", "up_to"},
                   {"{\"up_to\":1,\"user\":3}", "user"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        expect(loop, owner, HTTP_POST, "/api/v1/notices:read", refused[i].body, 400,
               refused[i].words);
    expect(loop, "press", HTTP_POST, "/api/v1/notices:read", body, 400, "up_to"); /* another's */
    expect(loop, owner, HTTP_GET, "/api/v1/notices?unread=perhaps", NULL, 400, "unread");
}

/* ---- What it says, and for how long */

static void a_notice_names_no_person(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    move_all(loop);
    open_about(loop, 5);
    follow(loop);
    struct call call = {.path = "/api/v1/persons/5",
                        .authorization = loopback_user(loop, "cdc_lead", token),
                        .purpose = "duty:case_review"};
    struct answer person = loopback_call(loop, &call);
    assert_int_equal(person.status, 200);
    const char *name = json_string_value(json_object_get(person.json, "name"));
    assert_true(name && *name);
    struct answer answer = as(loop, "cdc_investigator-320412", HTTP_GET, "/api/v1/notices", NULL);
    assert_null(strstr(answer.response.body.data, name));
    assert_null(strstr(answer.response.body.data, "subject"));
    answer_release(&person);
    answer_release(&answer);
    /* and at rest its words are no text */
    assert_int_equal(
        loopback_number(loop, "SELECT count(*) FROM notice WHERE instr(words, 'judging') > 0"), 0);
}

static void what_is_older_than_its_days_is_forgotten_read_or_not(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t count;
    move_all(loop);
    for (int i = 0; i < 3; i++)
        open_about(loop, 10 + i);
    follow(loop);
    loopback_change(loop, "INSERT INTO notice_delivery SELECT min(notice_no), 0, 1, 9, 0 FROM"
                          " notice");
    loopback_change(loop, "INSERT INTO notice_channel VALUES (0, 0, 0, 1, 8)");
    loop->platform->world->fixed += 90 * DAY - HOUR;
    test_fail_on(notices_forget(loop->platform->notices, &count, &err), &err);
    assert_int_equal(count, 0);
    loop->platform->world->fixed += 2 * HOUR;
    test_fail_on(notices_forget(loop->platform->notices, &count, &err), &err);
    assert_int_equal(count, 2); /* the newest stays, so that no number is given twice */
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM notice_delivery"), 0);
    assert_int_equal(loopback_number(loop, "SELECT given_up FROM notice_channel"), 0);
    assert_int_equal(loopback_number(loop, "SELECT unread FROM notice_reader"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NOTICE_TEST(a_new_owner_is_told_and_nobody_else),
        NOTICE_TEST(who_does_not_act_is_told_then_others_and_who_opened_it_hears_of_its_end),
        NOTICE_TEST(nobody_is_told_of_the_own_act),
        NOTICE_TEST(who_stands_in_is_told_and_who_is_away_is_not),
        NOTICE_TEST(a_lead_hears_of_broken_glass_and_of_overrides),
        NOTICE_TEST(a_flood_becomes_one_digest_a_minute),
        NOTICE_TEST(a_channel_gets_its_kinds_and_roles_and_a_digest_when_its_minute_is_over),
        NOTICE_TEST(what_was_read_is_counted_and_pages_follow_each_other),
        NOTICE_TEST(a_notice_names_no_person),
        NOTICE_TEST(what_is_older_than_its_days_is_forgotten_read_or_not),
    };
    return LOOPBACK_RUN(tests);
}
