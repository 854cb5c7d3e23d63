/* Goal: of the last days the situation tells how many cases there will be in the end, with an
 * interval that holds the truth of a steady epidemic; it tells nothing where it cannot: of today
 * and yesterday, of few cases, of days whose cases are others than those shown, and to who sees no
 * small count. */
#include <math.h>

#include "command/test_support.h"

/* Of each day's cases so many are reported after 0, 1, 2, 3 days. */
static const int by_delay[] = {4, 5, 2, 1};
enum { A_DAY = 12, DELAYS = 4, YESTERDAY = TODAY_SLOT - 1 };

static bool add_case(struct sql *sql, const struct fixture *f, int slot, int delay,
                     struct error *err)
{
    static const struct sql_text insert = {
        "test_case",
        "INSERT INTO case_record (area_no, person_no, kind, at, recorded_at, import_no)"
        " VALUES (?1, 1, 'case', ?2, ?3, 0)",
        ""};
    int64_t at = f->today + (slot - TODAY_SLOT) * 86400ll + 60;
    return sql_run(sql, &insert,
                   SQL_ARGUMENTS(sql_int(f->district[0]->no), sql_int(at * SECOND),
                                 sql_int((at + delay * 86400ll) * SECOND)),
                   err);
}

/* What was reported by now of a steady epidemic. */
static bool add_epidemic(struct sql *sql, void *context, struct error *err)
{
    const struct fixture *f = context;
    for (int slot = TODAY_SLOT - KEPT_DAYS + 1; slot <= TODAY_SLOT; slot++)
        for (int delay = 0; delay < DELAYS && slot + delay <= TODAY_SLOT; delay++)
            for (int i = 0; i < by_delay[delay]; i++)
                if (!add_case(sql, f, slot, delay, err))
                    return false;
    return true;
}

static bool add_late(struct sql *sql, void *context, struct error *err)
{
    return add_case(sql, context, YESTERDAY - 1, 0, err);
}

static json_t *cast_of(json_t *document, int slot)
{
    json_t *casts = json_object_get(document, "nowcast");
    assert_int_equal(json_array_size(casts), SITUATION_DAYS);
    return json_array_get(casts, (size_t)slot);
}

static double number_of(json_t *cast, const char *name)
{
    assert_true(json_is_number(json_object_get(cast, name)));
    return json_number_value(json_object_get(cast, name));
}

static void a_steady_epidemic_is_told_with_what_is_not_reported_yet(void **state)
{
    struct fixture *f = *state;
    struct error err;
    test_fail_on(store_write(f->city.store, add_epidemic, f, &err), &err);
    refresh(f);
    json_t *document = situation(f, registry_city(f->platform.registry));
    for (int slot = YESTERDAY; slot <= TODAY_SLOT; slot++)
        assert_true(json_is_null(cast_of(document, slot)));
    for (int slot = YESTERDAY - DELAYS; slot < YESTERDAY; slot++) {
        json_t *cast = cast_of(document, slot);
        double low = number_of(cast, "low"), median = number_of(cast, "median");
        double high = number_of(cast, "high");
        assert_true(low <= A_DAY && A_DAY <= high && low <= median && median <= high);
        assert_true(fabs(median - A_DAY) <= 2);
    }
    json_t *last = cast_of(document, YESTERDAY - 1), *first = cast_of(document, YESTERDAY - DELAYS);
    int64_t reported = json_integer_value(day_of(document, "cases_by_sampling", YESTERDAY - 1));
    assert_true((double)reported < number_of(last, "median"));
    assert_true(number_of(last, "high") - number_of(last, "low") >
                number_of(first, "high") - number_of(first, "low"));
    json_decref(document);
}

static void other_areas_few_cases_and_hidden_counts_have_no_estimate(void **state)
{
    struct fixture *f = *state;
    struct error err;
    test_fail_on(store_write(f->city.store, add_late, f, &err), &err);
    refresh(f);
    json_t *few = situation(f, registry_city(f->platform.registry));
    test_fail_on(store_write(f->city.store, add_epidemic, f, &err), &err);
    refresh(f);
    json_t *other = situation(f, f->district[1]);
    struct situation_question question = {
        .area = f->district[0], .as_of = TIMESTAMP_NONE, .hides = true};
    struct buffer text;
    buffer_init(&text, 4 << 20);
    test_fail_on(situation_write(&f->platform, &question, &text, &err), &err);
    json_t *hidden = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    for (int slot = 0; slot < SITUATION_DAYS; slot++) {
        assert_true(json_is_null(cast_of(few, slot)));
        assert_true(json_is_null(cast_of(other, slot)));
        assert_true(json_is_null(cast_of(hidden, slot)));
    }
    buffer_release(&text);
    json_decref(few);
    json_decref(other);
    json_decref(hidden);
}

static void a_day_whose_cases_are_others_than_those_shown_has_no_estimate(void **state)
{
    struct fixture *f = *state;
    struct error err;
    test_fail_on(store_write(f->city.store, add_epidemic, f, &err), &err);
    refresh(f);
    test_fail_on(store_write(f->city.store, add_late, f, &err), &err); /* not counted yet */
    json_t *document = situation(f, f->district[0]);
    assert_true(json_is_null(cast_of(document, YESTERDAY - 1)));
    assert_true(json_is_object(cast_of(document, YESTERDAY - 2)));
    json_decref(document);
    refresh(f);
    document = situation(f, f->district[0]);
    assert_true(json_is_object(cast_of(document, YESTERDAY - 1)));
    json_decref(document);
}

static void scans_stand_beside_those_of_a_week_before(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 9; i++)
        scan(f, 8); /* days before today */
    for (int i = 0; i < 5; i++)
        scan(f, 1);
    refresh(f);
    json_t *document = situation(f, registry_city(f->platform.registry));
    assert_int_equal(json_integer_value(day_of(document, "scans_week_before", YESTERDAY)), 9);
    assert_true(json_is_null(day_of(document, "scans_week_before", TODAY_SLOT)));
    assert_true(json_is_null(day_of(document, "scans_week_before", 0)));
    json_decref(document);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
    const struct CMUnitTest tests[] = {
        TEST(a_steady_epidemic_is_told_with_what_is_not_reported_yet),
        TEST(other_areas_few_cases_and_hidden_counts_have_no_estimate),
        TEST(a_day_whose_cases_are_others_than_those_shown_has_no_estimate),
        TEST(scans_stand_beside_those_of_a_week_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
