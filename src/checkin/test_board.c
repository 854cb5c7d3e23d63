/* The board of venues: what is in use, silent, suspected, and what nobody knows. */
#include "checkin/test_scan_city.h"

enum { DAY_SECONDS = 86400, IMPORT = 7, OTHER_IMPORT };

static void put(struct scan_city *city, uint16_t origin, uint32_t venue, uint32_t time)
{
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    struct presence *presence = city->base.platform.presence;
    struct presence_event event = {
        .person = 1 + time % 20,
        .venue = venue,
        .time = time,
        .origin = origin,
        .flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_PASS)};
    test_fail_on(presence_bulk_begin(presence, origin, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, &event, 1, &err), &err);
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
}

static void refresh(struct scan_city *city)
{
    struct error err;
    test_fail_on(venue_board_refresh(city->checkin, &err), &err);
}

struct seen {
    enum venue_use use;
    uint32_t last;
    bool suspected, there;
};

static struct seen seen_of(struct scan_city *city, uint32_t venue)
{
    const struct venue_board *board;
    struct error err;
    test_fail_on(venue_board_begin(city->checkin, &board, &err), &err);
    const struct board_venue *row = venue_board_find(board, venue);
    struct seen seen = {.there = row != NULL};
    if (row) {
        seen.use = venue_board_use(board, row, venue_board_since(city->checkin, board));
        seen.last = venue_board_last(board, venue);
        seen.suspected = row->suspected;
    }
    venue_board_end(city->checkin);
    return seen;
}

static void use_is_not_known_before_the_days_are_read_nor_where_the_city_has_no_scan(void **state)
{
    struct scan_city *city = *state;
    assert_int_equal(seen_of(city, 1).use, VENUE_USE_UNKNOWN);
    assert_int_equal(seen_of(city, VENUE_CLOSED).use, VENUE_CLOSED_USE);
    refresh(city);
    assert_int_equal(seen_of(city, 1).use, VENUE_USE_UNKNOWN);
    put(city, IMPORT, 2, city->now - 3 * DAY_SECONDS); /* an old scan says nothing of today */
    refresh(city);
    assert_int_equal(seen_of(city, 2).use, VENUE_USE_UNKNOWN);
    assert_int_equal(seen_of(city, 2).last, city->now - 3 * DAY_SECONDS);
}

static void a_venue_is_in_use_for_the_hours_of_the_policy_and_silent_after(void **state)
{
    struct scan_city *city = *state;
    put(city, IMPORT, 1, city->now - DAY_SECONDS + 1);
    put(city, IMPORT, 2, city->now - DAY_SECONDS);
    put(city, IMPORT, 3, city->now - 60);
    put(city, IMPORT, VENUE_CLOSED, city->now - 60);
    refresh(city);
    assert_int_equal(seen_of(city, 1).use, VENUE_IN_USE);
    assert_int_equal(seen_of(city, 2).use, VENUE_SILENT);
    assert_int_equal(seen_of(city, 3).use, VENUE_IN_USE);
    assert_int_equal(seen_of(city, 4).use, VENUE_SILENT);
    assert_int_equal(seen_of(city, 4).last, 0);
    assert_int_equal(seen_of(city, VENUE_CLOSED).use, VENUE_CLOSED_USE);
    city->base.world.fixed += 2 * SECOND; /* time goes on: the first falls silent by itself */
    refresh(city);
    assert_int_equal(seen_of(city, 1).use, VENUE_SILENT);
    put(city, OTHER_IMPORT, 1, city->now); /* a late scan of today wakes it */
    refresh(city);
    assert_int_equal(seen_of(city, 1).use, VENUE_IN_USE);
}

static void scans_that_are_taken_back_are_seen_nowhere(void **state)
{
    struct scan_city *city = *state;
    struct error err;
    int64_t removed;
    put(city, IMPORT, 3, city->now - 90);
    put(city, OTHER_IMPORT, 1, city->now - 60);
    put(city, OTHER_IMPORT, 2, city->now - 5 * DAY_SECONDS);
    refresh(city);
    assert_int_equal(seen_of(city, 1).use, VENUE_IN_USE);
    test_fail_on(presence_undo(city->base.platform.presence, OTHER_IMPORT, &removed, &err), &err);
    assert_int_equal(removed, 2);
    refresh(city);
    assert_int_equal(seen_of(city, 1).use, VENUE_SILENT);
    assert_int_equal(seen_of(city, 1).last, 0);
    assert_int_equal(seen_of(city, 2).last, 0);
    assert_int_equal(seen_of(city, 3).use, VENUE_IN_USE);
}

static void a_scan_older_than_a_fortnight_is_not_told(void **state)
{
    struct scan_city *city = *state;
    put(city, IMPORT, 1, city->now - 13 * DAY_SECONDS);
    put(city, IMPORT, 3, city->now - 60);
    refresh(city);
    assert_int_equal(seen_of(city, 1).last, city->now - 13 * DAY_SECONDS);
    city->base.world.fixed += DAY;
    put(city, OTHER_IMPORT, 3, city->now + DAY_SECONDS - 60);
    refresh(city);
    assert_int_equal(seen_of(city, 1).last, 0);
}

static void a_venue_that_is_registered_after_its_scans_has_them(void **state)
{
    struct scan_city *city = *state;
    struct error err;
    put(city, IMPORT, VENUES + 1, city->now - 60); /* nobody of that number yet */
    put(city, IMPORT, 1, city->now - 60);
    refresh(city);
    assert_false(seen_of(city, VENUES + 1).there);
    test_import(&city->base, "venues", "venue_id,area,name\nv6,320402,Late\n",
                TEST_COUNTS(1, 0, 0, 0));
    test_fail_on(checkin_reload_venues(city->checkin, &err), &err);
    refresh(city);
    assert_true(seen_of(city, VENUES + 1).there);
    refresh(city); /* what was passed over is read again */
    assert_int_equal(seen_of(city, VENUES + 1).use, VENUE_IN_USE);
}

static const struct sql_text suspect = {
    "test_suspect",
    "INSERT INTO venue_suspicion (venue_no, area_no, window_start, reason, scans, raised_at,"
    " token_version) SELECT venue_no, area_no, ?2, 'rate', 300, ?3, token_version FROM venue"
    " WHERE venue_no = ?1",
    "none"};
static bool add_suspicion(struct sql *sql, void *context, struct error *err)
{
    const int64_t *values = context;
    return sql_run(sql, &suspect,
                   SQL_ARGUMENTS(sql_int(values[0]), sql_int(values[1]), sql_int(values[2])), err);
}

static void a_revocation_answers_a_suspicion_and_days_let_it_rest(void **state)
{
    struct scan_city *city = *state;
    struct store *store = city->base.platform.store;
    struct error err;
    timestamp now = city->now * SECOND;
    int64_t fresh[] = {1, city->now, now}, old[] = {2, city->now, now - 15 * DAY};
    int64_t other[] = {3, city->now, now};
    test_fail_on(store_write(store, add_suspicion, fresh, &err), &err);
    test_fail_on(store_write(store, add_suspicion, old, &err), &err);
    test_fail_on(store_write(store, add_suspicion, other, &err), &err);
    refresh(city);
    assert_true(seen_of(city, 1).suspected);
    assert_false(seen_of(city, 2).suspected);
    assert_true(seen_of(city, 3).suspected);
    test_fail_on(checkin_revoke(city->checkin, 1, SLICE("test"), &err), &err);
    refresh(city);
    assert_false(seen_of(city, 1).suspected);
    assert_true(seen_of(city, 3).suspected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        ROW(use_is_not_known_before_the_days_are_read_nor_where_the_city_has_no_scan),
        ROW(a_venue_is_in_use_for_the_hours_of_the_policy_and_silent_after),
        ROW(scans_that_are_taken_back_are_seen_nowhere),
        ROW(a_scan_older_than_a_fortnight_is_not_told),
        ROW(a_venue_that_is_registered_after_its_scans_has_them),
        ROW(a_revocation_answers_a_suspicion_and_days_let_it_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
