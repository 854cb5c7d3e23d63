/* What a city really feeds: holes, empty histories, one giant outlier, counts of 10^7, series
 * shorter than the window, leap weeks. Each has a documented answer: a value, NA with its reason,
 * or a refusal that says which row and field. And properties that hold for any series. */
#include "base/random.h"
#include "sensing/calendar.h"
#include "sensing/test_support.h"

enum { YEARS = 7, WEEKS = 52 * YEARS };

static const char *const detectors[] = {"ears_c1",
                                        "ears_c2",
                                        "ears_c3",
                                        "farrington_flexible",
                                        "farrington",
                                        "cusum",
                                        "glr_poisson",
                                        "glr_negbin",
                                        "bayes",
                                        "rki",
                                        "cdc",
                                        "outbreak_p",
                                        "outbreak_p_exact",
                                        "chengmai_ensemble"};

/* Parameters with which each detector looks at the last year of WEEKS rows. */
static const char *parameters_of(const char *detector)
{
    if (strncmp(detector, "farr", 4) == 0 || strcmp(detector, "cdc") == 0)
        return "{\"b\":5,\"range\":[313,364]}";
    if (strcmp(detector, "cusum") == 0)
        return "{\"m\":3,\"range\":[313,364]}";
    if (strcmp(detector, "glr_poisson") == 0)
        return "{\"mu0\":3,\"range\":[313,364]}";
    if (strcmp(detector, "glr_negbin") == 0)
        return "{\"mu0\":3,\"alpha\":0.2,\"range\":[313,364]}";
    if (strncmp(detector, "outbreak", 8) == 0)
        return "{\"ret\":\"value\",\"range\":[313,364]}";
    return "{\"range\":[313,364]}";
}

static void draw(double *counts, size_t count, double mean, uint64_t seed)
{
    struct random random;
    random_init(&random, seed, 0);
    for (size_t i = 0; i < count; i++) {
        double product = random_unit(&random), drawn = 0;
        for (; product > exp(-mean); drawn++)
            product *= random_unit(&random);
        counts[i] = drawn;
    }
}

/* A row has a value or a reason, never neither; alarms are 0, 1 or NA. */
static void check_answers(const struct test_run *run, const char *detector, const char *what)
{
    const double *alarm = test_column(run, "alarm");
    for (size_t row = 0; row < run->table.row_count; row++) {
        if (!(isnan(alarm[row]) || alarm[row] == 0 || alarm[row] == 1))
            fail_msg("%s, %s: row %zu has the alarm %g", detector, what, row, alarm[row]);
        if (isnan(alarm[row]) && !run->table.reasons[row])
            fail_msg("%s, %s: row %zu has no answer and no reason", detector, what, row);
    }
}

static void run_all(const double *counts, const char *what)
{
    char *text = test_series(counts, WEEKS);
    for (size_t i = 0; i < ROWS(detectors); i++) {
        struct test_run run;
        test_run(&run, "detect", detectors[i], text, parameters_of(detectors[i]));
        assert_int_equal(run.table.row_count, 52);
        check_answers(&run, detectors[i], what);
        test_run_release(&run);
    }
    free(text);
}

static void hard_series_have_an_answer_from_every_detector(void **state)
{
    (void)state;
    double counts[WEEKS];
    memset(counts, 0, sizeof counts);
    run_all(counts, "all zero");
    draw(counts, WEEKS, 3, 1);
    counts[300] = 1e12;
    run_all(counts, "a giant outlier in the baseline");
    counts[300] = 3;
    counts[340] = 1e12;
    run_all(counts, "a giant outlier in the range");
    draw(counts, WEEKS, 3, 2);
    for (size_t i = 0; i < WEEKS; i++)
        counts[i] = 1e7 + 1000 * counts[i];
    run_all(counts, "counts of ten million");
    draw(counts, WEEKS, 0.02, 3);
    run_all(counts, "hardly a case");
    draw(counts, WEEKS, 4, 4);
    for (size_t i = 0; i < WEEKS; i += 9)
        counts[i] = NAN;
    run_all(counts, "holes");
    for (size_t i = 0; i < WEEKS; i++)
        counts[i] = NAN;
    run_all(counts, "nothing but holes");
}

static void a_missing_count_never_alarms_and_says_so(void **state)
{
    (void)state;
    double counts[WEEKS];
    draw(counts, WEEKS, 3, 5);
    counts[330] = NAN;
    char *text = test_series(counts, WEEKS);
    for (size_t i = 0; i < ROWS(detectors); i++) {
        struct test_run run;
        test_run(&run, "detect", detectors[i], text, parameters_of(detectors[i]));
        size_t row = 330 - 312;
        assert_true(isnan(test_column(&run, "observed")[row]));
        assert_false(test_column(&run, "alarm")[row] == 1);
        assert_string_equal(run.table.reasons[row], "missing-count");
        test_run_release(&run);
    }
    free(text);
}

/* The bound of six counts less the missing one is that of the five alone. */
static void bayes_takes_the_counts_that_are_there(void **state)
{
    (void)state;
    struct test_run holed, whole;
    test_run(&holed, "detect", "bayes", "t,count\n1,4\n2,2\n3,NA\n4,3\n5,1\n6,5\n7,9\n",
             "{\"w\":6,\"range\":[7,7]}");
    test_run(&whole, "detect", "bayes", "t,count\n1,4\n2,2\n3,3\n4,1\n5,5\n6,9\n",
             "{\"w\":5,\"range\":[6,6]}");
    assert_true(test_column(&holed, "upperbound")[0] == test_column(&whole, "upperbound")[0]);
    assert_true(test_column(&holed, "alarm")[0] == test_column(&whole, "alarm")[0]);
    test_run_release(&holed);
    test_run_release(&whole);
    test_run(&holed, "detect", "bayes", "t,count\n1,NA\n2,NA\n3,4\n", "{\"w\":2,\"range\":[3,3]}");
    assert_true(isnan(test_column(&holed, "upperbound")[0]));
    assert_string_equal(holed.table.reasons[0], "missing-count");
    test_run_release(&holed);
}

/* What a reference notes of how it was made changes nothing. */
static void notes_of_a_reference_are_taken_by_every_detector(void **state)
{
    (void)state;
    double counts[WEEKS];
    draw(counts, WEEKS, 3, 10);
    char *text = test_series(counts, WEEKS);
    for (size_t i = 0; i < ROWS(detectors); i++) {
        struct test_run run;
        char parameters[300];
        snprintf(parameters, sizeof parameters,
                 "{\"start_epoch\":[2000,1],\"alpha_used\":0.1,"
                 "\"fitFun\":\"algo.farrington.fitGLM.fast\",%s",
                 parameters_of(detectors[i]) + 1);
        test_run(&run, "detect", detectors[i], text, parameters);
        assert_int_equal(run.table.row_count, 52);
        test_run_release(&run);
    }
    free(text);
}

/* No model is found from one case in six years. The reference says 0 cases are expected there. */
static void without_a_model_nothing_but_the_expected_zero_is_said(void **state)
{
    (void)state;
    double counts[WEEKS] = {0};
    struct test_run run;
    counts[33] = 1;
    char *text = test_series(counts, 330);
    test_run(&run, "detect", "farrington_flexible", text,
             "{\"b\":5,\"w\":3,\"noPeriods\":10,\"pastWeeksNotIncluded\":26,\"alpha\":0.01,"
             "\"pThresholdTrend\":1,\"thresholdMethod\":\"nbPlugin\",\"range\":[321,321]}");
    assert_string_equal(run.table.reasons[0], "no-convergence");
    assert_true(test_column(&run, "expected")[0] == 0);
    assert_true(isnan(test_column(&run, "upperbound")[0]) && isnan(test_column(&run, "alarm")[0]) &&
                isnan(test_column(&run, "mu0")[0]));
    test_run_release(&run);
    free(text);
}

/* With alpha above a half the "upper" bound lies below the mean, and the other end may have no real
 * value. */
static void a_bound_below_the_mean_is_a_bound(void **state)
{
    (void)state;
    double counts[WEEKS];
    struct test_run run;
    draw(counts, WEEKS, 3, 11);
    char *text = test_series(counts, WEEKS);
    test_run(&run, "detect", "farrington_flexible", text,
             "{\"b\":5,\"alpha\":0.999,\"range\":[313,364]}");
    for (size_t row = 0; row < run.table.row_count; row++)
        assert_true(test_column(&run, "upperbound")[row] > 0);
    test_run_release(&run);
    free(text);
}

static void a_factor_beyond_all_numbers_makes_outbreak_p_infinite(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "detect", "outbreak_p", "t,count\n1,1\n2,1\n3,1\n4,1\n5,900\n", NULL);
    assert_true(isinf(test_column(&run, "value")[4]) && test_column(&run, "alarm")[4] == 1);
    assert_string_equal(run.table.reasons[4], "overflow");
    test_run_release(&run);
}

/* One row: S log(S / M) + M - S, about (S - M)^2 / 2M. */
static void a_ratio_of_large_counts_keeps_its_digits(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "detect", "glr_poisson", "t,count\n1,100000001000\n",
             "{\"mu0\":100000000000,\"range\":[1,1]}");
    test_near(test_column(&run, "upperbound_or_stat")[0], 5e-6, 1e-12, "ratio");
    test_run_release(&run);
}

static void an_outbreak_of_a_hundred_alarms_everywhere(void **state)
{
    (void)state;
    double counts[WEEKS];
    draw(counts, WEEKS, 3, 6);
    for (size_t i = 350; i < 353; i++)
        counts[i] = 100 + 40 * (double)(i - 350);
    char *text = test_series(counts, WEEKS);
    for (size_t i = 0; i < ROWS(detectors); i++) {
        struct test_run run;
        test_run(&run, "detect", detectors[i], text, parameters_of(detectors[i]));
        const double *alarm = test_column(&run, "alarm") + (350 - 312);
        if (alarm[0] != 1 && alarm[1] != 1 && alarm[2] != 1)
            fail_msg("%s sleeps", detectors[i]);
        test_run_release(&run);
    }
    free(text);
}

static void what_comes_later_changes_nothing_before(void **state)
{
    (void)state;
    double counts[WEEKS];
    draw(counts, WEEKS, 3, 7);
    char *text = test_series(counts, WEEKS);
    for (size_t i = 340; i < WEEKS; i++)
        counts[i] = 50;
    char *other = test_series(counts, WEEKS);
    for (size_t i = 0; i < ROWS(detectors); i++) {
        struct test_run one, two;
        test_run(&one, "detect", detectors[i], text, parameters_of(detectors[i]));
        test_run(&two, "detect", detectors[i], other, parameters_of(detectors[i]));
        for (size_t c = 0; c < one.table.column_count; c++)
            for (size_t row = 0; row < 340 - 312; row++)
                if (!test_same(one.table.columns[c].values[row], two.table.columns[c].values[row]))
                    fail_msg("%s: %s of row %zu changed", detectors[i], one.table.columns[c].name,
                             row);
        test_run_release(&one);
        test_run_release(&two);
    }
    free(text);
    free(other);
}

static void ears_scales_with_the_counts(void **state)
{
    (void)state;
    double counts[WEEKS];
    draw(counts, WEEKS, 5, 8);
    char *text = test_series(counts, WEEKS);
    for (size_t i = 0; i < WEEKS; i++)
        counts[i] *= 1000;
    char *larger = test_series(counts, WEEKS);
    for (size_t i = 0; i < 3; i++) {
        struct test_run one, two;
        test_run(&one, "detect", detectors[i], text, NULL);
        test_run(&two, "detect", detectors[i], larger, NULL);
        for (size_t row = 0; row < one.table.row_count; row++)
            assert_true(test_same(1000 * test_column(&one, "upperbound")[row],
                                  test_column(&two, "upperbound")[row]));
        test_run_release(&one);
        test_run_release(&two);
    }
    free(text);
    free(larger);
}

static void the_order_of_a_farrington_baseline_within_a_week_window_matters_only_with_a_trend(
    void **state)
{
    (void)state;
    double counts[WEEKS];
    draw(counts, WEEKS, 8, 9);
    char *text = test_series(counts, WEEKS);
    const char *parameters = "{\"trend\":false,\"range\":[364,364],\"b\":5}";
    double swapped = counts[363 - 52 - 3];
    counts[363 - 52 - 3] = counts[363 - 104 + 2];
    counts[363 - 104 + 2] = swapped;
    char *other = test_series(counts, WEEKS);
    struct test_run one, two;
    test_run(&one, "detect", "farrington", text, parameters);
    test_run(&two, "detect", "farrington", other, parameters);
    assert_true(test_same(test_column(&one, "upperbound")[0], test_column(&two, "upperbound")[0]));
    test_run_release(&one);
    test_run_release(&two);
    free(text);
    free(other);
}

static void short_series_are_refused_or_have_a_reason(void **state)
{
    (void)state;
    static const char text[] = "t,count\n1,4\n2,0\n3,7\n";
    for (size_t i = 0; i < ROWS(detectors); i++) {
        struct test_run run;
        struct error err = {0};
        bool starts_at_once =
            strncmp(detectors[i], "outbreak", 8) == 0 || strcmp(detectors[i], "cusum") == 0;
        bool done = test_try(&run, "detect", detectors[i], text, NULL, &err);
        assert_int_equal(done, starts_at_once);
        if (!done)
            assert_int_equal(err.code, ERROR_REFUSED);
        test_run_release(&run);
        bool chart = strncmp(detectors[i], "glr", 3) == 0;
        if (starts_at_once || chart)
            continue;
        test_run(&run, "detect", detectors[i], text, "{\"range\":[2,3]}");
        assert_true(isnan(test_column(&run, "alarm")[0]) && isnan(test_column(&run, "alarm")[1]));
        assert_string_equal(run.table.reasons[0], "short-baseline");
        test_run_release(&run);
    }
}

/* Weeks by date across a year of 53 weeks: the same weekday, nearest to the date a year back. */
static void leap_weeks_are_found_by_their_dates(void **state)
{
    (void)state;
    struct buffer text;
    int32_t day;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "t,date,count\n");
    assert_true(time_parse_date(SLICE("2008-12-29"), &day)); /* 2009 and 2015 have 53 weeks */
    char date[TIME_TEXT_BYTES];
    for (int i = 0; i < 420; i++)
        buffer_print(&text, "%d,%s,%d\n", i + 1, time_format_date(day + 7 * i, date),
                     20 + (i * 7) % 11);
    struct test_run by_date;
    test_run(&by_date, "detect", "farrington_flexible", text.data,
             "{\"epochAsDate\":true,\"b\":5,\"range\":[300,420]}");
    for (size_t row = 0; row < by_date.table.row_count; row++)
        assert_false(isnan(test_column(&by_date, "upperbound")[row]));
    test_run_release(&by_date);
    buffer_release(&text);
    static const struct {
        const char *from, *to;
        int months;
    } moves[] = {{"2016-02-29", "2015-03-01", -12}, {"2016-02-29", "2012-02-29", -48},
                 {"2022-01-31", "2022-03-03", 1},   {"1970-01-01", "1969-12-01", -1},
                 {"2022-12-15", "2023-01-15", 1},   {"2000-02-29", "1999-03-01", -12}};
    for (size_t i = 0; i < ROWS(moves); i++) {
        assert_true(time_parse_date(slice_of(moves[i].from), &day));
        assert_string_equal(time_format_date(day_plus_months(day, moves[i].months), date),
                            moves[i].to);
    }
    assert_true(time_parse_date(SLICE("2022-04-14"), &day));
    assert_int_equal(day_of_week(day), 4);
    assert_int_equal(day_of_month(day), 14);
}

static void an_underflowing_product_is_said_and_has_an_exact_twin(void **state)
{
    (void)state;
    double counts[WEEKS];
    struct test_run run;
    for (size_t i = 0; i < WEEKS; i++)
        counts[i] = i < 200 ? 400 : i < 300 ? 600 : 550;
    char *text = test_series(counts, WEEKS);
    test_run(&run, "detect", "outbreak_p", text, "{\"ret\":\"value\",\"range\":[250,364]}");
    bool said = false;
    for (size_t row = 0; row < run.table.row_count; row++)
        said = said || (run.table.reasons[row] && test_column(&run, "value")[row] == 0);
    assert_true(said);
    test_run_release(&run);
    test_run(&run, "detect", "outbreak_p_exact", text, "{\"ret\":\"value\",\"range\":[250,364]}");
    for (size_t row = 0; row < run.table.row_count; row++)
        assert_true(test_column(&run, "value")[row] >= 1);
    test_run_release(&run);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_series_have_an_answer_from_every_detector),
        cmocka_unit_test(a_missing_count_never_alarms_and_says_so),
        cmocka_unit_test(bayes_takes_the_counts_that_are_there),
        cmocka_unit_test(notes_of_a_reference_are_taken_by_every_detector),
        cmocka_unit_test(without_a_model_nothing_but_the_expected_zero_is_said),
        cmocka_unit_test(a_bound_below_the_mean_is_a_bound),
        cmocka_unit_test(a_factor_beyond_all_numbers_makes_outbreak_p_infinite),
        cmocka_unit_test(a_ratio_of_large_counts_keeps_its_digits),
        cmocka_unit_test(an_outbreak_of_a_hundred_alarms_everywhere),
        cmocka_unit_test(what_comes_later_changes_nothing_before),
        cmocka_unit_test(ears_scales_with_the_counts),
        cmocka_unit_test(
            the_order_of_a_farrington_baseline_within_a_week_window_matters_only_with_a_trend),
        cmocka_unit_test(short_series_are_refused_or_have_a_reason),
        cmocka_unit_test(leap_weeks_are_found_by_their_dates),
        cmocka_unit_test(an_underflowing_product_is_said_and_has_an_exact_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
