/* What was known at full hours, what is counted by day, and what is told of it: the past is what
 * was answered then, also after restarts and gaps; what was not known then is null, never 0. */
#include "command/test_support.h"

/* ---- What was known at a full hour */

static timestamp at_hour(struct fixture *f, int hour)
{
    return ((timestamp)f->today + hour * 3600) * SECOND;
}

static void happen(struct fixture *f, int count)
{
    struct error err;
    struct piece_job job = {f, EVIDENCE_PCR, count};
    for (int i = 0; i < count; i++)
        scan(f, i % 4 ? 0 : (int)random_below(&f->random, 13));
    test_fail_on(store_write(f->city.store, add_pieces, &job, &err), &err);
    job.count = count / 4;
    test_fail_on(store_write(f->city.store, add_cases, &job, &err), &err);
}

static void refresh_at(struct fixture *f, timestamp time)
{
    struct error err;
    f->city.world.fixed = time;
    test_fail_on(command_counters_refresh(&f->platform, &err), &err);
}

/* Without what says of when the answer is. */
static json_t *figures(json_t *document)
{
    json_object_del(document, "as_of");
    json_object_del(document, "past");
    json_object_del(document, "known_at");
    return document;
}

/* A nowcast is cast anew from the cases by the time of their report: where more is on record of
 * that time than was known then, there is none. */
static void expect_same_nowcast(json_t *seen, json_t *expected)
{
    size_t i;
    json_t *then;
    assert_int_equal(json_array_size(seen), json_array_size(expected));
    json_array_foreach (seen, i, then)
        assert_true(json_is_null(then) || json_equal(then, json_array_get(expected, i)));
}

static void expect_same(json_t *seen, json_t *expected)
{
    json_t *cast = json_incref(json_object_get(expected, "nowcast"));
    expect_same_nowcast(json_object_get(seen, "nowcast"), cast);
    json_object_set(expected, "nowcast", json_object_get(seen, "nowcast"));
    if (!json_equal(figures(seen), figures(expected)))
        fail_msg("%s\nexpected\n%s", json_dumps(seen, JSON_COMPACT),
                 json_dumps(expected, JSON_COMPACT));
    json_object_set_new(expected, "nowcast", cast);
    json_decref(seen);
}

static void expect_known_at(struct fixture *f, timestamp as_of, const char *known_at)
{
    json_t *document = situation_at(f, registry_city(f->platform.registry), as_of);
    const char *text = json_string_value(json_object_get(document, "known_at"));
    assert_true(json_is_true(json_object_get(document, "past")));
    if (!known_at ? text != NULL : !text || strcmp(text, known_at) != 0)
        fail_msg("known at %s, expected %s", text ? text : "-", known_at ? known_at : "-");
    json_decref(document);
}

/* The city, then its districts. */
static const struct area *area_of(struct fixture *f, int index)
{
    return index ? f->district[index - 1] : registry_city(f->platform.registry);
}

static void the_past_is_what_was_answered_then(void **state)
{
    enum { HOURS = 5 };
    struct fixture *f = *state;
    json_t *answered[HOURS][3];
    for (int i = 0; i < HOURS; i++) { /* 15:00 … 19:00 */
        happen(f, 20);
        refresh_at(f, at_hour(f, 15 + i) - SECOND);
        for (int a = 0; a < 3; a++)
            answered[i][a] = situation(f, area_of(f, a));
        happen(f, 10); /* before the refresh that keeps the hour: not known at it */
        refresh_at(f, at_hour(f, 15 + i) + SECOND);
        if (i == 2)
            restart(f);
    }
    for (int i = 0; i < HOURS; i++)
        for (int a = 0; a < 3; a++) {
            expect_same(situation_at(f, area_of(f, a), at_hour(f, 15 + i)), answered[i][a]);
            expect_same(situation_at(f, area_of(f, a), at_hour(f, 15 + i) + 59 * MINUTE),
                        answered[i][a]);
            json_decref(answered[i][a]);
        }
    expect_known_at(f, at_hour(f, 17), "2022-04-14T17:00:00+08:00");
}

static void what_was_not_known_then_is_null(void **state)
{
    struct fixture *f = *state;
    const struct area *city = registry_city(f->platform.registry);
    happen(f, 12);
    refresh_at(f, at_hour(f, 15) - SECOND);
    json_t *last = situation(f, city);
    refresh_at(f, at_hour(f, 23) - SECOND);   /* nobody served for eight hours */
    expect_known_at(f, at_hour(f, 14), NULL); /* before the first hour kept */
    expect_same(situation_at(f, city, at_hour(f, 15)), last);
    json_decref(last);
    expect_known_at(f, at_hour(f, 21), "2022-04-14T15:00:00+08:00"); /* the last thing known … */
    expect_known_at(f, at_hour(f, 22), NULL);                        /* … until it is too old */
    json_t *document = situation_at(f, city, at_hour(f, 21));
    assert_int_equal(counter(document, "persons"), PEOPLE);
    json_decref(document);
    document = situation_at(f, city, at_hour(f, 22));
    assert_int_equal(counter(document, "persons"), -1);
    assert_int_equal(counter(document, "status_green"), -1);
    for (int slot = 0; slot < SITUATION_DAYS; slot++) {
        assert_true(json_is_null(day_of(document, "cases_by_report", slot)));
        assert_true(json_is_null(day_of(document, "loops_opened", slot)));
    }
    json_decref(document);
    /* past midnight, what was known yesterday says nothing of the new day */
    refresh_at(f, at_hour(f, 23) + MINUTE);
    refresh_at(f, at_hour(f, 30));
    document = situation_at(f, city, at_hour(f, 26));
    assert_int_equal(counter(document, "persons"), PEOPLE);
    assert_int_equal(counter(document, "cases_today"), -1);
    assert_int_equal(counter(document, "cases_7d"), -1);
    assert_int_equal(counter(document, "tests_today"), -1);
    json_decref(document);
}

static int64_t hours_kept(struct fixture *f)
{
    static const struct sql_text hours = {"test_hours",
                                          "SELECT count(*) FROM counter_past WHERE day = 0", ""};
    struct sql *sql;
    struct error err;
    int64_t count;
    test_fail_on(store_read_begin(f->city.store, &sql, &err), &err);
    test_fail_on(sql_one_int(sql, &hours, NULL, 0, 0, &count, &err), &err);
    store_read_end(f->city.store, sql);
    return count;
}

static void old_hours_are_forgotten(void **state)
{
    struct fixture *f = *state;
    int64_t days = policy_number(f->platform.policy, NUMBER_SNAPSHOT_DAYS);
    for (int hour = 15; hour < 15 + ((int)days + 3) * 24; hour++)
        refresh_at(f, at_hour(f, hour));
    assert_int_equal(hours_kept(f), days * 24 + 1);
}

/* A demo city's history: hours made from the stores say what the counters said at them. */
static void made_hours_are_those_that_would_have_been_kept(void **state)
{
    struct fixture *f = *state;
    struct error err;
    const struct area *city = registry_city(f->platform.registry);
    happen(f, 40);
    refresh_at(f, at_hour(f, 15));
    /* before the first thing that happened: what came before the history is not in it */
    int32_t first = time_day_of_seconds(f->today) - KEPT_DAYS + 1;
    test_fail_on(command_past_make(&f->platform, first, at_hour(f, 15), &err), &err);
    json_t *now = situation(f, city), *past = situation_at(f, city, at_hour(f, 15));
    static const char *const counters[] = {"persons",     "venues",    "venues_in_use_24h",
                                           "scans_today", "scans_24h", "tests_today",
                                           "cases_today", "cases_7d",  "cases_14d"};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        if (counter(past, counters[i]) != counter(now, counters[i]))
            fail_msg("%s: %lld as it was known then, %lld now", counters[i],
                     (long long)counter(past, counters[i]), (long long)counter(now, counters[i]));
    static const char *const series[] = {"cases_by_report", "cases_by_sampling", "scans", "tests"};
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        assert_true(json_equal(json_object_get(json_object_get(past, "series"), series[i]),
                               json_object_get(json_object_get(now, "series"), series[i])));
    assert_true(
        json_equal(json_object_get(past, "reproduction"), json_object_get(now, "reproduction")));
    assert_int_equal(counter(past, "status_green"), -1); /* the stores do not tell */
    json_decref(past);
    /* the very first hour knows nothing of the day before */
    past = situation_at(f, city, (timestamp)time_day_start_seconds(first) * SECOND);
    assert_int_equal(counter(past, "scans_24h"), -1);
    assert_int_equal(counter(past, "persons"), PEOPLE);
    json_decref(past);
    json_decref(now);
}

/* ---- Loops by day, and R(t) */

static bool tell_of_loops(struct sql *sql, void *context, struct error *err)
{
    static const struct {
        const char *kind, *state;
    } acts[] = {{"loop.opened", "open"},   {"loop.opened", "open"},  {"loop.opened", "open"},
                {"loop.advanced", "open"}, {"loop.overdue", "open"}, {"loop.advanced", "done"},
                {"loop.closed", "failed"}, {"loop.child", "done"},   {"loop.claimed", "open"}};
    struct fixture *f = context;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        char payload[80];
        snprintf(payload, sizeof payload, "{\"scene\":\"open\",\"state\":\"%s\",\"act\":1}",
                 acts[i].state);
        struct event event = {.kind = slice_of(acts[i].kind),
                              .area_no = f->district[i % 2]->no,
                              .at = world_now(&f->city.world),
                              .payload = slice_of(payload)};
        if (!event_emit(sql, &event, err))
            return false;
    }
    return true;
}

static void loops_are_counted_by_day_from_the_first_day_on(void **state)
{
    struct fixture *f = *state;
    struct error err;
    const struct area *city = registry_city(f->platform.registry);
    test_fail_on(store_write(f->city.store, tell_of_loops, f, &err), &err);
    refresh(f);
    refresh(f);
    json_t *document = situation(f, city);
    assert_true(json_is_null(day_of(document, "loops_opened", TODAY_SLOT - 1)));
    assert_int_equal(json_integer_value(day_of(document, "loops_opened", TODAY_SLOT)), 3);
    assert_int_equal(json_integer_value(day_of(document, "loops_closed", TODAY_SLOT)), 2);
    assert_int_equal(json_integer_value(day_of(document, "loops_overdue", TODAY_SLOT)), 1);
    json_decref(document);
    document = situation(f, f->district[0]);
    assert_int_equal(json_integer_value(day_of(document, "loops_opened", TODAY_SLOT)), 2);
    json_decref(document);
    f->city.world.fixed += DAY;
    refresh(f);
    document = situation(f, city);
    assert_int_equal(json_integer_value(day_of(document, "loops_opened", TODAY_SLOT - 1)), 3);
    assert_int_equal(json_integer_value(day_of(document, "loops_opened", TODAY_SLOT)), 0);
    json_decref(document);
}

/* Cases by day of the fourteen, as those of a city. */
static bool add_epidemic(struct sql *sql, void *context, struct error *err)
{
    static const struct sql_text insert = {
        "test_epidemic",
        "INSERT INTO case_record (area_no, person_no, kind, at, recorded_at, import_no)"
        " VALUES (?1, 1, 'case', ?2, ?2, 0)",
        ""};
    struct fixture *f = context;
    bool done = true;
    for (int slot = 0; slot < SITUATION_DAYS; slot++)
        for (int i = 0; done && i < 6 + 2 * slot; i++)
            done = sql_run(
                sql, &insert,
                SQL_ARGUMENTS(sql_int(f->district[0]->no),
                              sql_int((f->today + (slot - TODAY_SLOT) * 86400ll + 60) * SECOND)),
                err);
    return done;
}

static void a_growing_number_of_cases_has_an_r_above_one_with_its_interval(void **state)
{
    struct fixture *f = *state;
    struct error err;
    test_fail_on(store_write(f->city.store, add_epidemic, f, &err), &err);
    refresh(f);
    json_t *document = situation(f, registry_city(f->platform.registry));
    json_t *estimates = json_object_get(document, "reproduction");
    assert_int_equal(json_array_size(estimates), SITUATION_DAYS);
    for (size_t slot = 0; slot < SITUATION_DAYS; slot++) {
        json_t *estimate = json_array_get(estimates, slot);
        assert_int_equal(json_is_object(estimate), slot >= 7 && slot < TODAY_SLOT);
        if (!json_is_object(estimate))
            continue;
        double mean = json_number_value(json_object_get(estimate, "mean"));
        assert_true(mean > 1 && mean < 3);
        assert_true(json_number_value(json_object_get(estimate, "low")) < mean &&
                    json_number_value(json_object_get(estimate, "high")) > mean);
    }
    json_decref(document);
    document = situation(f, f->district[1]); /* which has no case: nothing can be said */
    for (size_t slot = 0; slot < SITUATION_DAYS; slot++)
        assert_true(json_is_null(json_array_get(json_object_get(document, "reproduction"), slot)));
    json_decref(document);
}

/* A sum over days of which some are not known is not known. */
static void a_week_with_an_unknown_day_has_no_sum(void **state)
{
    struct fixture *f = *state;
    scan(f, 3); /* of the days before nothing is known */
    refresh(f);
    json_t *document = situation(f, registry_city(f->platform.registry));
    json_t *district = json_array_get(json_object_get(document, "districts"), 0);
    assert_int_equal(counter(document, "cases_today"), 0);
    assert_int_equal(counter(document, "cases_7d"), -1);
    assert_true(json_is_null(json_object_get(district, "cases_7d")));
    assert_int_equal(json_integer_value(json_object_get(district, "cases_today")), 0);
    json_decref(document);
    scan(f, 6);
    refresh(f);
    document = situation(f, registry_city(f->platform.registry));
    district = json_array_get(json_object_get(document, "districts"), 0);
    assert_int_equal(counter(document, "cases_7d"), 0);
    assert_int_equal(counter(document, "cases_14d"), -1);
    assert_true(json_is_integer(json_object_get(district, "cases_7d")));
    json_decref(document);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
    const struct CMUnitTest tests[] = {
        TEST(the_past_is_what_was_answered_then),
        TEST(what_was_not_known_then_is_null),
        TEST(old_hours_are_forgotten),
        TEST(made_hours_are_those_that_would_have_been_kept),
        TEST(loops_are_counted_by_day_from_the_first_day_on),
        TEST(a_growing_number_of_cases_has_an_r_above_one_with_its_interval),
        TEST(a_week_with_an_unknown_day_has_no_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
