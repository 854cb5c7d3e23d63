/* The venue that a code belongs to, and its day so far: for whom, by which codes, and which counts
 * are too small to be told. */
#include "server/test_support.h"

enum { VENUE = 3, SCANS = 12 };

static void token_of(struct loopback *loop, uint32_t venue, char out[VENUE_TOKEN_BYTES])
{
    venue_token_format(store_keys(loop->platform->store), venue,
                       checkin_venue_version(loop->platform->checkin, venue), out);
}

static struct answer ask(struct loopback *loop, const char *code, const char *rest,
                         const char *token)
{
    char path[120];
    snprintf(path, sizeof path, "/api/v1/venue-codes/%s%s", code, rest);
    return loopback_call(loop, GET(path, token));
}

static int64_t number_of(const struct answer *answer, const char *field)
{
    json_t *value = json_object_get(answer->json, field);
    return json_is_null(value) ? -1 : json_integer_value(value);
}

/* Scans of as many persons, each a minute after the other, the last of them so long ago. */
static void add_scans_ago(struct loopback *loop, uint32_t count, enum scan_decision decision,
                          timestamp ago)
{
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    uint32_t now = (uint32_t)((world_now(loop->platform->world) - ago) / SECOND);
    test_fail_on(presence_bulk_begin(loop->platform->presence, 1, &bulk, &err), &err);
    for (uint32_t i = 0; i < count; i++) {
        struct presence_event event = {
            .person = 1 + i,
            .venue = VENUE,
            .time = now - 60 * i - (uint32_t)decision,
            .flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, decision)};
        test_fail_on(presence_bulk_add(bulk, &event, 1, &err), &err);
    }
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
}

static void add_scans(struct loopback *loop, uint32_t count, enum scan_decision decision)
{
    add_scans_ago(loop, count, decision, 0);
}

static void a_code_names_its_venue_to_who_has_it(void **state)
{
    struct loopback *loop = *state;
    char code[VENUE_TOKEN_BYTES], shorter[VENUE_SHORT_CODE_BYTES], token[80];
    struct error err;
    uint16_t version = checkin_venue_version(loop->platform->checkin, VENUE);
    token_of(loop, VENUE, code);
    venue_short_code_format(store_keys(loop->platform->store), VENUE, version, shorter);
    loopback_holder(loop, 20, token);
    const char *codes[] = {code, shorter};
    for (size_t i = 0; i < 2; i++) {
        struct answer answer = ask(loop, codes[i], "", token);
        assert_int_equal(answer.status, 200);
        assert_int_equal(number_of(&answer, "venue_no"), VENUE);
        assert_true(json_string_length(json_object_get(answer.json, "name")) > 0);
        answer_release(&answer);
    }
    struct answer answer = ask(loop, "v1.AAAAAAAAAAAAAAAAAAAAAA", "", token);
    assert_int_equal(answer.status, 400);
    answer_release(&answer);
    answer = ask(loop, code, "", NULL);
    assert_int_equal(answer.status, 401);
    answer_release(&answer);
    answer = ask(loop, code, "/today", token); /* the day is the staff's */
    assert_int_equal(answer.status, 403);
    answer_release(&answer);
    test_fail_on(checkin_revoke(loop->platform->checkin, VENUE, SLICE("test"), &err), &err);
    for (size_t i = 0; i < 2; i++) {
        answer = ask(loop, codes[i], "", token);
        assert_int_equal(answer.status, 410);
        answer_release(&answer);
    }
}

static void staff_see_the_day_of_a_venue_in_their_area_only(void **state)
{
    struct loopback *loop = *state;
    char code[VENUE_TOKEN_BYTES], token[80];
    token_of(loop, VENUE, code);
    struct answer answer = ask(loop, code, "/today", loopback_user(loop, "venue_staff", token));
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    answer = ask(loop, code, "/today", loopback_user(loop, "press", token));
    assert_int_equal(answer.status, 403);
    answer_release(&answer);
    loopback_change(loop, "UPDATE venue SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320412') WHERE venue_no = 3");
    answer = ask(loop, code, "/today", loopback_user(loop, "venue_staff-320412", token));
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    answer = ask(loop, code, "/today", loopback_user(loop, "venue_staff-320481", token));
    assert_int_equal(answer.status, 404);
    answer_release(&answer);
}

static void small_counts_are_not_told_nor_what_gives_them_away(void **state)
{
    struct loopback *loop = *state;
    char code[VENUE_TOKEN_BYTES], token[80];
    token_of(loop, VENUE, code);
    loopback_user(loop, "venue_staff", token);
    loop->platform->world->fixed += 3 * DAY; /* days of its own */
    struct answer answer = ask(loop, code, "/today", token);
    assert_int_equal(number_of(&answer, "scans"), 0);
    assert_true(json_is_null(json_object_get(answer.json, "last_scan_at")));
    answer_release(&answer);
    add_scans(loop, 3, SCAN_PASS);
    answer = ask(loop, code, "/today", token);
    assert_int_equal(number_of(&answer, "scans"), -1);
    assert_int_equal(number_of(&answer, "pass"), -1);
    assert_true(json_is_null(json_object_get(answer.json, "last_scan_at")));
    assert_int_equal(number_of(&answer, "told_from"), 5);
    answer_release(&answer);
    add_scans(loop, SCANS, SCAN_PASS);
    answer = ask(loop, code, "/today", token);
    assert_int_equal(number_of(&answer, "scans"), SCANS);
    assert_int_equal(number_of(&answer, "pass"), SCANS);
    assert_int_equal(number_of(&answer, "refuse"), 0);
    assert_false(json_is_null(json_object_get(answer.json, "last_scan_at")));
    answer_release(&answer);
    add_scans(loop, 2, SCAN_REFUSE); /* one small part: no part is told */
    answer = ask(loop, code, "/today", token);
    assert_int_equal(number_of(&answer, "scans"), SCANS + 2);
    assert_int_equal(number_of(&answer, "pass"), -1);
    assert_int_equal(number_of(&answer, "check"), -1);
    assert_int_equal(number_of(&answer, "refuse"), -1);
    answer_release(&answer);
}

static void expect_silent(struct loopback *loop, const char *code, const char *token, bool silent)
{
    struct answer answer = ask(loop, code, "/today", token);
    json_t *said = json_object_get(answer.json, "silent");
    if (answer.status != 200 || !json_is_boolean(said) || json_is_true(said) != silent)
        fail_msg("%d, silent %d, expected %d", answer.status, json_is_true(said), silent);
    answer_release(&answer);
}

/* By 14:30; the days have twenty scans by then, or not. */
static void a_day_without_scans_is_silent_where_twenty_are_usual(void **state)
{
    struct loopback *loop = *state;
    char code[VENUE_TOKEN_BYTES], token[80];
    token_of(loop, VENUE, code);
    loopback_user(loop, "venue_staff", token);
    loop->platform->world->fixed += 8 * DAY; /* days of its own */
    for (int back = 1; back <= 3; back++)
        add_scans_ago(loop, 20, SCAN_PASS, back * DAY);
    expect_silent(loop, code, token, false); /* the median is 0 still */
    add_scans_ago(loop, 20, SCAN_PASS, 4 * DAY);
    expect_silent(loop, code, token, false); /* a week before, it had none: a day off */
    add_scans_ago(loop, 20, SCAN_PASS, 7 * DAY);
    expect_silent(loop, code, token, true);
    loop->platform->world->fixed += DAY; /* the silence goes on, and is not what is usual */
    expect_silent(loop, code, token, false); /* the day off */
    add_scans_ago(loop, 20, SCAN_PASS, 7 * DAY);
    expect_silent(loop, code, token, true);
    loop->platform->world->fixed -= DAY;
    loop->platform->world->fixed -= HOUR; /* an hour earlier none had come on any day */
    expect_silent(loop, code, token, false);
    loop->platform->world->fixed += HOUR;
    add_scans(loop, 1, SCAN_REFUSE); /* also who was refused has scanned */
    expect_silent(loop, code, token, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_code_names_its_venue_to_who_has_it),
        LOOPBACK_TEST(staff_see_the_day_of_a_venue_in_their_area_only),
        LOOPBACK_TEST(small_counts_are_not_told_nor_what_gives_them_away),
        LOOPBACK_TEST(a_day_without_scans_is_silent_where_twenty_are_usual),
    };
    return LOOPBACK_RUN(tests);
}
