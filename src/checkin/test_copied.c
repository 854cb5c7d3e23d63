/* Copied venue codes: what is suspected and what is not, once a venue and window, and that a
 * suspicion touches no status. */
#include "checkin/test_scan_city.h"

enum { HOME = 1, FORWARDED, NEAR, NOWHERE }; /* venues: 30 km apart, 1 km from home, no place */

static bool run_text(struct sql *sql, void *context, struct error *err)
{
    return sql_run(sql, context, NULL, 0, err);
}
#define CHANGE(city, statement)                                                                    \
    do {                                                                                           \
        static const struct sql_text text = {"test_change", statement, "none"};                    \
        struct error failure;                                                                      \
        test_fail_on(store_write((city)->base.platform.store, run_text, (void *)(uintptr_t)&text,  \
                                 &failure),                                                        \
                     &failure);                                                                    \
    } while (0)

static void give_places(struct scan_city *city)
{
    CHANGE(city, "UPDATE venue SET latitude = 31.80, longitude = 119.95 WHERE venue_no = 1");
    CHANGE(city, "UPDATE venue SET latitude = 31.53, longitude = 119.95 WHERE venue_no = 2");
    CHANGE(city, "UPDATE venue SET latitude = 31.81, longitude = 119.95 WHERE venue_no = 3");
}

static void put(struct scan_city *city, uint16_t origin, const struct presence_event *events,
                size_t count)
{
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    struct presence *presence = city->base.platform.presence;
    test_fail_on(presence_bulk_begin(presence, origin, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, events, count, &err), &err);
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
}

/* `persons` persons, others each time, at one venue, then after `seconds` at the other. */
static void travel(struct scan_city *city, uint16_t origin, uint32_t from, uint32_t to,
                   uint32_t persons, uint32_t seconds, enum scan_evidence grade)
{
    static uint32_t met;
    uint8_t flags = scan_flags(SCAN_PERSON_SCANS_VENUE, grade, SCAN_PASS);
    for (uint32_t p = met + 1; p <= met + persons; p++) {
        struct presence_event events[] = {
            {.person = p, .venue = from, .time = city->now - seconds - 60, .flags = flags,
             .origin = origin},
            {.person = p, .venue = to, .time = city->now - 60, .flags = flags, .origin = origin}};
        put(city, origin, events, 2);
    }
    met += persons;
}

static int64_t watch(struct scan_city *city)
{
    struct error err;
    int64_t raised = -1;
    test_fail_on(checkin_watch(city->checkin, &raised, &err), &err);
    return raised;
}

static const struct sql_text count_events = {
    "test_copied_events", "SELECT count(*) FROM event WHERE kind = 'venue.copied_code'", "none"};
static const struct sql_text count_forwarded = {
    "test_copied_persons",
    "SELECT scans FROM venue_suspicion WHERE venue_no = 2 AND reason = 'impossible_travel'",
    "none"};
static const struct sql_text count_rates = {
    "test_copied_rates", "SELECT scans FROM venue_suspicion WHERE reason = 'rate'", "none"};
static int64_t number_of(struct scan_city *city, const struct sql_text *text)
{
    struct sql *sql;
    struct error err;
    int64_t number = -1;
    test_fail_on(store_read_begin(city->base.platform.store, &sql, &err), &err);
    test_fail_on(sql_one_int(sql, text, NULL, 0, -1, &number, &err), &err);
    store_read_end(city->base.platform.store, sql);
    return number;
}

static void people_who_cannot_have_come_raise_a_suspicion_once(void **state)
{
    struct scan_city *city = *state;
    int64_t before[4], after[4];
    give_places(city);
    status_counts(city->base.platform.status, before);
    travel(city, 0, HOME, FORWARDED, 5, 120, SCAN_CLAIMED);
    assert_int_equal(watch(city), 2); /* both ends: people judge which is the copy */
    assert_int_equal(number_of(city, &count_forwarded), 5);
    assert_int_equal(watch(city), 0);
    travel(city, 0, HOME, FORWARDED, 8, 100, SCAN_CLAIMED); /* the same window */
    assert_int_equal(watch(city), 0);
    assert_int_equal(number_of(city, &count_events), 2);
    status_counts(city->base.platform.status, after);
    assert_memory_equal(before, after, sizeof before);
    city->base.world.fixed += HOUR; /* another window tells anew */
    city->now += HOUR_SECONDS;
    travel(city, 0, HOME, FORWARDED, 5, 120, SCAN_CLAIMED);
    assert_int_equal(watch(city), 2);
}

static void ways_that_people_can_go_raise_nothing(void **state)
{
    struct scan_city *city = *state;
    give_places(city);
    travel(city, 0, HOME, FORWARDED, 2, 120, SCAN_CLAIMED);   /* two lent their phones */
    travel(city, 0, HOME, FORWARDED, 9, 1500, SCAN_CLAIMED);  /* 30 km in 25 minutes */
    travel(city, 0, HOME, NEAR, 9, 5, SCAN_CLAIMED);          /* round the corner */
    travel(city, 0, HOME, NOWHERE, 9, 5, SCAN_CLAIMED);       /* its place is not known */
    assert_int_equal(watch(city), 0);
}

static void what_staff_saw_a_screen_showed_or_a_file_brought_is_no_copied_poster(void **state)
{
    struct scan_city *city = *state;
    give_places(city);
    travel(city, 0, HOME, FORWARDED, 9, 100, SCAN_ATTENDED);
    travel(city, 0, HOME, FORWARDED, 9, 90, SCAN_ROTATING);
    travel(city, 7, HOME, FORWARDED, 9, 80, SCAN_CLAIMED);
    assert_int_equal(watch(city), 0);
}

enum { CROWD = 250 };
static void crowd(struct scan_city *city, uint32_t venue, uint32_t time, uint32_t persons)
{
    struct presence_event events[CROWD];
    uint8_t flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_PASS);
    assert_true(persons <= CROWD);
    for (uint32_t p = 0; p < persons; p++)
        events[p] = (struct presence_event){.person = 100 + p, .venue = venue, .time = time + p,
                                            .flags = flags};
    put(city, 0, events, persons);
}

static void a_crowd_far_above_what_the_venue_ever_had_raises_a_suspicion(void **state)
{
    struct scan_city *city = *state;
    crowd(city, HOME, city->now - 600, CROWD);
    crowd(city, NOWHERE, city->now - 600, 150); /* too few to tell */
    crowd(city, NOWHERE, city->now - 86400 - 600, 10);
    assert_int_equal(watch(city), 1);
    assert_int_equal(number_of(city, &count_rates), CROWD);
}

static void a_crowd_where_crowds_come_raises_nothing(void **state)
{
    struct scan_city *city = *state;
    crowd(city, HOME, city->now - 86400 - 600, 60); /* yesterday */
    crowd(city, HOME, city->now - 600, CROWD);
    assert_int_equal(watch(city), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(people_who_cannot_have_come_raise_a_suspicion_once),
        TEST(ways_that_people_can_go_raise_nothing),
        TEST(what_staff_saw_a_screen_showed_or_a_file_brought_is_no_copied_poster),
        TEST(a_crowd_far_above_what_the_venue_ever_had_raises_a_suspicion),
        TEST(a_crowd_where_crowds_come_raises_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
