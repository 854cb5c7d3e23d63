/* Goal: each indicator counts a loop once, when it is decided: in time, too late, or never reached;
 * cancelled matters miss nothing; splits, areas and days are kept apart; what was counted outlives
 * the loops. */
#include "server/test_loop_support.h"

/* supplies_request: met_in_a_day, from opened to received within 24 h, split by item. */
static int64_t request_supplies(struct loopback *loop, int number)
{
    char body[200];
    snprintf(body, sizeof body,
             "{\"scene\":\"supplies_request\",\"subject\":1,\"fields\":{\"request_no\":\"R-%d\","
             "\"place\":\"320412\"}}",
             number);
    return open_loop(loop, "command_duty-320412", body, 201);
}

static void allot(struct loopback *loop, int64_t id, const char *item)
{
    char body[200];
    snprintf(body, sizeof body,
             "{\"to\":\"allotting\",\"fields\":{\"item\":\"%s\",\"quantity\":5,\"urgency\":"
             "\"today\"}}",
             item);
    advance(loop, "district_duty-320412", id, body, 200, NULL);
}

/* The command centre's way out of allotting: not in stock, not met. */
static void fail_to_meet(struct loopback *loop, int64_t id)
{
    advance(loop, "district_duty-320412", id, "{\"to\":\"short\",\"note\":\"none\"}", 200, NULL);
    advance(loop, "command-320412", id, "{\"to\":\"not_met\",\"note\":\"none\"}", 200, NULL);
}

static void indicator_is(struct loopback *loop, const char *user, const char *query,
                         const char *name, int64_t met, int64_t total)
{
    char path[160];
    size_t i;
    bool found = false;
    snprintf(path, sizeof path, "/api/v1/loops:indicators%s", query);
    struct answer answer = as(loop, user, HTTP_GET, path, NULL);
    json_t *items = json_object_get(answer.json, "items"), *item;
    assert_int_equal(answer.status, 200);
    json_array_foreach (items, i, item)
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0) {
            found = true;
            assert_int_equal(json_integer_value(json_object_get(item, "met")), met);
            assert_int_equal(json_integer_value(json_object_get(item, "total")), total);
            assert_int_equal(json_is_null(json_object_get(item, "share")), total == 0);
        }
    assert_true(found);
    answer_release(&answer);
}

#define SUPPLIES "?scene=supplies_request"

static void a_way_is_counted_when_it_is_walked_or_missed(void **state)
{
    struct loopback *loop = *state;
    loopback_change(loop, "UPDATE unit SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320412') WHERE unit_no = 1");
    int64_t refused = request_supplies(loop, 1), missed = request_supplies(loop, 2);
    indicator_is(loop, "command", SUPPLIES, "met_in_a_day", 0, 0);
    /* cancelled: there was nothing to reach */
    advance(loop, "district_duty-320412", refused, "{\"to\":\"refused\",\"note\":\"twice\"}", 200,
            NULL);
    indicator_is(loop, "command", SUPPLIES, "met_in_a_day", 0, 0);
    /* failed: it was missed */
    allot(loop, missed, "mask");
    fail_to_meet(loop, missed);
    indicator_is(loop, "command", SUPPLIES, "met_in_a_day", 0, 1);
    /* closed by force: missed as well, and once */
    int64_t forced = request_supplies(loop, 3);
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)forced);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"end\",\"close\":true}", 200, NULL);
    indicator_is(loop, "command", SUPPLIES, "met_in_a_day", 0, 2);
    /* by area and by split */
    indicator_is(loop, "command-320481", SUPPLIES, "met_in_a_day", 0, 0);
    indicator_is(loop, "command-320412", SUPPLIES, "met_in_a_day", 0, 2);
    expect(loop, "command", HTTP_GET, "/api/v1/loops:indicators" SUPPLIES, NULL, 200,
           "{\"value\":\"mask\",\"met\":0,\"total\":1,\"share\":0");
}

/* contact_management: placed_in_12_hours, from opened to in_isolation. */
static void in_time_and_too_late_are_told_apart_once_a_loop(void **state)
{
    struct loopback *loop = *state;
    int64_t first = open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", first, PLACING, 200, NULL);
    int64_t before = loopback_number(loop, "SELECT coalesce(sum(total), 0) FROM loop_indicator");
    loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('isolation.ordered', 5, 0, 0, 0, '')");
    wait_until(loop, now(loop));
    is(loop, first, "stage", "in_isolation");
    int64_t after = loopback_number(loop, "SELECT coalesce(sum(total), 0) FROM loop_indicator");
    assert_true(after > before);
    assert_int_equal(loopback_number(loop, "SELECT sum(met) FROM loop_indicator"), after);
    /* the same way too late */
    int64_t second = open_loop(
        loop, "cdc_lead",
        "{\"scene\":\"contact_management\",\"subject\":6,\"fields\":{\"source_case\":1,"
        "\"contact_level\":\"close\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
        201);
    loop->platform->world->fixed += 30 * HOUR;
    advance(loop, "cdc_duty", second, PLACING, 200, NULL);
    loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('isolation.ordered', 6, 0, 0, 0, '')");
    wait_until(loop, now(loop));
    is(loop, second, "stage", "in_isolation");
    assert_true(loopback_number(loop, "SELECT sum(total) - sum(met) FROM loop_indicator") > 0);
    /* days are kept apart, and days that were not asked for do not count */
    assert_true(loopback_number(loop, "SELECT count(DISTINCT day) FROM loop_indicator") == 2);
    expect(loop, "command", HTTP_GET, "/api/v1/loops:indicators?days=0", NULL, 400, "days");
    expect(loop, "command", HTTP_GET, "/api/v1/loops:indicators?scene=none", NULL, 400, "scene");
    expect(loop, "command-320481", HTTP_GET, "/api/v1/loops:indicators?area=320412", NULL, 403,
           "area");
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_way_is_counted_when_it_is_walked_or_missed),
        LOOP_TEST(in_time_and_too_late_are_told_apart_once_a_loop),
    };
    return LOOPBACK_RUN(tests);
}
