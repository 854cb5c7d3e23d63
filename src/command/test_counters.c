/* The situation's counters against recounts: what the counters say after random scans, evidence,
 * cases, restarts, bulk loads and undone evidence is what counting the stores anew gives; each has
 * the time it is true for; what is not known is null, never 0. */
#include "command/test_support.h"

/* ---- Recounts */

static int64_t recount(struct fixture *f, const char *table, const char *time,
                       const struct area *area, int slot, const char *where)
{
    struct sql *sql;
    struct error err;
    int64_t count;
    long long start = (long long)(f->today + (slot - TODAY_SLOT) * 86400) * SECOND;
    static char texts[512][300];
    static struct sql_text statements[512];
    static size_t used;
    char text[300];
    snprintf(text, sizeof text,
             "SELECT count(*) FROM %s WHERE %s >= %lld AND %s < %lld AND area_no BETWEEN %lld AND"
             " %lld %s",
             table, time, start, time, start + (long long)DAY, (long long)area->no,
             (long long)area_range_last(area->no), where);
    size_t at = 0;
    while (at < used && strcmp(texts[at], text) != 0)
        at++;
    if (at == used) {
        assert_true(used < 512);
        memcpy(texts[used++], text, sizeof text);
        statements[at] = (struct sql_text){"test", texts[at], ""};
    }
    test_fail_on(store_read_begin(f->city.store, &sql, &err), &err);
    test_fail_on(sql_one_int(sql, &statements[at], NULL, 0, -1, &count, &err), &err);
    store_read_end(f->city.store, sql);
    return count;
}

static void compare_area(struct fixture *f, const struct area *area, int district)
{
    json_t *document = situation(f, area);
    const struct area *city = registry_city(f->platform.registry);
    for (int slot = 0; slot < SITUATION_DAYS; slot++) {
        int64_t scans =
            district < 0 ? f->scans[0][slot] + f->scans[1][slot] : f->scans[district][slot];
        int64_t of_city = f->scans[0][slot] + f->scans[1][slot];
        json_t *day = day_of(document, "scans", slot);
        if (of_city || slot == TODAY_SLOT)
            assert_int_equal(json_integer_value(day), scans);
        else
            assert_true(json_is_null(day));
        char where[40];
        snprintf(where, sizeof where, "AND kind = %d", EVIDENCE_PCR);
        int64_t city_tests = recount(f, "evidence", "at", city, slot, where);
        day = day_of(document, "tests", slot);
        if (city_tests || slot == TODAY_SLOT)
            assert_int_equal(json_integer_value(day),
                             recount(f, "evidence", "at", area, slot, where));
        else
            assert_true(json_is_null(day));
        day = day_of(document, "cases_by_report", slot);
        if (!json_is_null(day))
            assert_int_equal(json_integer_value(day),
                             recount(f, "case_record", "recorded_at", area, slot, ""));
    }
    int64_t cases = 0, unknown = 0;
    for (int slot = 0; slot < SITUATION_DAYS; slot++) {
        cases += recount(f, "case_record", "recorded_at", area, slot, "");
        unknown += json_is_null(day_of(document, "cases_by_report", slot));
    }
    assert_int_equal(counter(document, "cases_14d"), unknown ? -1 : cases);
    assert_int_equal(counter(document, "persons"), district < 0 ? PEOPLE : PEOPLE / 2);
    if (district < 0)
        assert_int_equal(counter(document, "scans_24h"), f->scans_24h);
    json_decref(document);
}

static void compare(struct fixture *f)
{
    compare_area(f, registry_city(f->platform.registry), -1);
    compare_area(f, f->district[0], 0);
    compare_area(f, f->district[1], 1);
}

/* ---- Tests */

static void before_anything_is_known_there_is_null_not_zero(void **state)
{
    struct fixture *f = *state;
    json_t *document = situation(f, registry_city(f->platform.registry));
    static const char *const names[] = {"persons",          "venues",      "scans_today",
                                        "tests_today",      "cases_today", "cases_14d",
                                        "venues_in_use_24h"};
    static const char *const series[] = {"scans", "tests", "cases_by_report", "cases_by_sampling"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(counter(document, names[i]), -1);
    for (size_t i = 0; i < 4; i++)
        for (int slot = 0; slot < SITUATION_DAYS; slot++)
            assert_true(json_is_null(day_of(document, series[i], slot)));
    json_t *district = json_array_get(json_object_get(document, "districts"), 0);
    assert_true(json_is_null(json_object_get(district, "scans_today")));
    assert_true(json_is_null(json_object_get(district, "cases_7d")));
    assert_true(json_is_null(json_object_get(district, "true_for")));
    json_decref(document);
    refresh(f);
    document = situation(f, registry_city(f->platform.registry));
    assert_int_equal(counter(document, "scans_today"), 0); /* known, and none */
    assert_int_equal(counter(document, "persons"), PEOPLE);
    assert_true(json_is_null(day_of(document, "scans", 0))); /* of that day nothing is known */
    json_decref(document);
}

static void random_events_restarts_and_undone_evidence_count_as_a_recount(void **state)
{
    struct fixture *f = *state;
    struct error err;
    for (int round = 0; round < 12; round++) {
        struct piece_job job = {f, EVIDENCE_PCR, (int)random_below(&f->random, 60)};
        for (uint32_t i = random_below(&f->random, 40); i > 0; i--)
            scan(f, random_below(&f->random, 3) ? 0 : (int)random_below(&f->random, 13));
        test_fail_on(store_write(f->city.store, add_pieces, &job, &err), &err);
        job.count = (int)random_below(&f->random, 5);
        test_fail_on(store_write(f->city.store, add_cases, &job, &err), &err);
        job = (struct piece_job){f, EVIDENCE_CLOSE_CONTACT, 3}; /* evidence that is no test */
        test_fail_on(store_write(f->city.store, add_pieces, &job, &err), &err);
        if (round % 4 == 3)
            test_fail_on(store_write(f->city.store, take_back, NULL, &err), &err);
        if (round % 5 == 4)
            restart(f);
        refresh(f);
        compare(f);
    }
    test_fail_on(presence_fold(f->city.presence, &err), &err); /* the same from segments */
    refresh(f);
    compare(f);
}

static void days_move_on_at_midnight(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++)
        scan(f, 0);
    refresh(f);
    compare(f);
    f->city.world.fixed += DAY;
    f->today += 86400;
    for (int d = 0; d < 2; d++) {
        memmove(f->scans[d], f->scans[d] + 1, (SITUATION_DAYS - 1) * sizeof f->scans[d][0]);
        f->scans[d][TODAY_SLOT] = 0;
    }
    f->scans_24h = 0;
    for (int i = 0; i < 5; i++)
        scan(f, 0);
    refresh(f);
    json_t *document = situation(f, registry_city(f->platform.registry));
    assert_int_equal(json_integer_value(day_of(document, "scans", TODAY_SLOT - 1)), 10);
    assert_int_equal(json_integer_value(day_of(document, "scans", TODAY_SLOT)), 5);
    assert_int_equal(counter(document, "scans_today"), 5);
    json_decref(document);
}

/* A refresh that fails halfway leaves counters and their marks as they were; the next one mends. */
static void a_fault_in_a_refresh_leaves_no_half_count(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct piece_job job = {f, EVIDENCE_PCR, 30};
    bool hit = true;
    for (long k = 0; hit && k < 400; k += 1 + k / 10) {
        scan(f, 0);
        job.count = 3;
        test_fail_on(store_write(f->city.store, add_pieces, &job, &err), &err);
        f->city.world.fixed += 61 * SECOND;
        fault_arm(k, FAULT_SQL);
        bool done = command_counters_refresh(&f->platform, &err);
        hit = fault_disarm();
        assert_true(done || hit);
        refresh(f);
        compare(f);
    }
    assert_false(hit);
}

/* The work of one call is bounded by what is new, not by what there is. */
static void a_second_refresh_runs_few_statements(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct piece_job job = {f, EVIDENCE_PCR, 500};
    test_fail_on(store_write(f->city.store, add_pieces, &job, &err), &err);
    for (int i = 0; i < 50; i++)
        scan(f, i % 10);
    refresh(f);
    test_fail_on(command_counters_refresh(&f->platform, &err), &err); /* statements prepared */
    int64_t before = store_statements_run(f->city.store);
    test_fail_on(command_counters_refresh(&f->platform, &err), &err);
    int64_t cost = store_statements_run(f->city.store) - before;
    if (cost > 80)
        fail_msg("%lld statements with nothing new", (long long)cost);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
    const struct CMUnitTest tests[] = {
        TEST(before_anything_is_known_there_is_null_not_zero),
        TEST(random_events_restarts_and_undone_evidence_count_as_a_recount),
        TEST(days_move_on_at_midnight),
        TEST(a_fault_in_a_refresh_leaves_no_half_count),
        TEST(a_second_refresh_runs_few_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
