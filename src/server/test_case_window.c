/* Goal: the page of a case counts the stays while infectious, the one under way when that time
 * begins among them, and looks for who was exposed in it; page and list say the same. */
#include "presence/presence.h"
#include "server/test_loop_support.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
enum { FIRST = 9000 }; /* person 9001 has case 901 */

/* "10T08:00:00" of April 2022. */
static timestamp moment(const char *text)
{
    char whole[40];
    timestamp time;
    snprintf(whole, sizeof whole, "2022-04-%s+08:00", text);
    assert_true(time_parse(slice_of(whole), &time));
    return time;
}

/* Three, the first a case of the 10th at noon. */
static void add_people(struct loopback *loop)
{
    char text[400];
    for (int n = 1; n <= 3; n++) {
        snprintf(text, sizeof text,
                 "INSERT INTO person (person_no, area_no, import_no) VALUES (%d,"
                 " (SELECT min(area_no) FROM area WHERE substr(code, 1, 6) = '320412'"
                 " AND length(code) > 6), 0)",
                 FIRST + n);
        loopback_change(loop, text);
    }
    snprintf(text, sizeof text,
             "INSERT INTO case_record (case_no, area_no, person_no, kind, at, recorded_at,"
             " import_no) SELECT 901, area_no, person_no, 'case', %lld, %lld, 0 FROM person"
             " WHERE person_no = %d",
             (long long)moment("10T12:00:00"), (long long)moment("11T12:00:00"), FIRST + 1);
    loopback_change(loop, text);
}

struct scan {
    int n;
    uint32_t venue;
    const char *at;
};
static void add_scans(struct loopback *loop, const struct scan *scans, size_t count)
{
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    test_fail_on(presence_bulk_begin(loop->platform->presence, 7, &bulk, &err), &err);
    for (size_t i = 0; i < count; i++) {
        struct presence_event event = {
            .person = (uint32_t)(FIRST + scans[i].n),
            .venue = scans[i].venue,
            .time = (uint32_t)(moment(scans[i].at) / SECOND),
            .flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_ATTENDED, SCAN_PASS)};
        test_fail_on(presence_bulk_add(bulk, &event, 1, &err), &err);
    }
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
    assert_int_equal(result.inserted, count);
}

static int64_t number_in(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1000;
}

/* ---- The window of the case's page: from the 6th at noon, four days before t0 */

static json_t *visit_at(const struct answer *answer, const char *at)
{
    json_t *lanes = json_object_get(answer->json, "lanes"), *lane, *visit;
    char text[TIME_TEXT_BYTES];
    size_t i, k;
    time_format(moment(at), text);
    json_array_foreach (lanes, i, lane)
        json_array_foreach (json_object_get(lane, "visits"), k, visit)
            if (strcmp(json_string_value(json_object_get(visit, "time")), text) == 0)
                return visit;
    fail_msg("no visit at %s", at);
    return NULL;
}

/* At work from 11:00 on, with 2 who came at 11:30: the stay lasts into the window. */
static void a_stay_under_way_is_within_the_window_of_a_case(void **state)
{
    struct loopback *loop = *state;
    uint32_t work = (uint32_t)loopback_number(
        loop, "SELECT min(venue_no) FROM venue WHERE category = 'enterprise'");
    uint32_t bus =
        (uint32_t)loopback_number(loop, "SELECT min(venue_no) FROM venue WHERE category = 'bus'");
    const struct scan scans[] = {{1, bus, "06T08:00:00"},
                                 {3, bus, "06T08:00:00"},
                                 {1, work, "06T11:00:00"},
                                 {2, work, "06T11:30:00"},
                                 {1, bus, "08T08:00:00"}};
    static const struct {
        const char *at, *infectious;
    } rows[] = {
        {"06T08:00:00", "outside"}, {"06T11:00:00", "under_way"}, {"08T08:00:00", "within"}};
    assert_true(work > 0 && bus > 0);
    add_people(loop);
    add_scans(loop, scans, COUNT(scans));
    char token[80];
    struct call call = {.path = "/api/v1/cases/901",
                        .authorization = loopback_user(loop, "cdc_lead", token),
                        .purpose = "case:901"};
    struct answer answer = loopback_call(loop, &call);
    assert_int_equal(answer.status, 200);
    json_t *window = json_object_get(answer.json, "window");
    char from[TIME_TEXT_BYTES];
    assert_string_equal(json_string_value(json_object_get(window, "from")),
                        time_format(moment("06T12:00:00"), from));
    assert_int_equal(number_in(window, "visits"), 2);
    assert_int_equal(number_in(window, "under_way"), 1);
    assert_int_equal(number_in(window, "visits_direct"), 2);
    assert_int_equal(number_in(window, "venues"), 2);
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(
            json_string_value(json_object_get(visit_at(&answer, rows[i].at), "infectious")),
            rows[i].infectious);
    answer_release(&answer);
    call.path = "/api/v1/cases/901/exposures";
    answer = loopback_call(loop, &call);
    assert_int_equal(answer.status, 200);
    json_t *summary = json_object_get(answer.json, "summary");
    json_t *items = json_object_get(answer.json, "items");
    assert_int_equal(number_in(summary, "visits"), 2);
    assert_int_equal(number_in(summary, "under_way"), 1);
    bool found = false;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        found |= number_in(item, "person_no") == FIRST + 2;
        assert_true(number_in(item, "person_no") != FIRST + 3);
    }
    assert_true(found);
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_stay_under_way_is_within_the_window_of_a_case),
    };
    return LOOPBACK_RUN(tests);
}
