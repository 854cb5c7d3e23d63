/* The platform's own detector keeps what it promises, on series simulated here: its stated rate of
 * false alarms, a baseline that forgets past outbreaks, a memory of one week that finds what no
 * single week shows and ends with the outbreak; and an answer to every odd series. */
#include <gsl/gsl_randist.h>

#include "base/random.h"
#include "sensing/count_grid.h"
#include "sensing/numerics.h"
#include "sensing/outbreak_evidence.h"
#include "sensing/robust_baseline.h"
#include "sensing/test_support.h"

enum { WEEKS = 600, FIRST = 560, LOOKED_AT = WEEKS - FIRST };

/* Level, trend a week, height of the season, dispersion. */
struct kind {
    double level, trend, season, dispersion;
};

static double mean_of_week(const struct kind *kind, size_t week)
{
    double angle = 2 * M_PI * (double)week / 52;
    return kind->level * exp(kind->trend * (double)week + kind->season * cos(angle));
}

static double draw(struct random *random, double mean, double dispersion)
{
    double p = random_unit(random);
    return dispersion > 1 ? negbin_quantile(p, mean / (dispersion - 1), 1 / dispersion)
                          : poisson_quantile(p, mean);
}

static void simulate(const struct kind *kind, uint64_t seed, double counts[WEEKS])
{
    struct random random;
    random_init(&random, seed, 6);
    for (size_t i = 0; i < WEEKS; i++)
        counts[i] = draw(&random, mean_of_week(kind, i + 1), kind->dispersion);
}

static void look(struct test_run *run, const double counts[WEEKS], const char *parameters)
{
    char *text = test_series(counts, WEEKS);
    test_run(run, "detect", "chengmai_ensemble", text,
             parameters ? parameters : "{\"range\":[561,600]}");
    free(text);
}

/* ---- Rates ---- */

static void false_alarms_come_at_the_stated_rate(void **state)
{
    (void)state;
    static const struct kind kinds[] = {
        {4, 0, 0, 1}, {3, 0.002, 0.5, 2}, {20, 0, 0.8, 3}, {150, 0.0005, 0.1, 1.2}};
    enum { SERIES = 16 };
    static const double rates[] = {0.02, 0.1};
    double alarms[2] = {0}, weeks = 0;
    for (size_t k = 0; k < ROWS(kinds); k++)
        for (uint64_t seed = 1; seed <= SERIES; seed++) {
            double counts[WEEKS];
            struct test_run run;
            simulate(&kinds[k], seed + 100 * k, counts);
            look(&run, counts, NULL);
            const double *p = test_column(&run, "pvalue");
            for (size_t i = 0; i < LOOKED_AT; i++, weeks++)
                for (size_t r = 0; r < 2; r++)
                    alarms[r] += p[i] <= rates[r];
            test_run_release(&run);
        }
    for (size_t r = 0; r < 2; r++) {
        double error = sqrt(rates[r] * (1 - rates[r]) / weeks);
        /* estimates are shared by the weeks of a series: half as much again */
        test_near(alarms[r] / weeks, rates[r], 4.5 * error, "false alarms a week");
    }
}

static void counts_too_few_to_split_the_rate_alarm_less_never_more(void **state)
{
    (void)state;
    static const struct kind sparse = {0.15, 0, 0, 2};
    double alarms = 0, weeks = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        double counts[WEEKS];
        struct test_run run;
        simulate(&sparse, seed, counts);
        look(&run, counts, "{\"range\":[561,600],\"alpha\":0.05}");
        for (size_t i = 0; i < LOOKED_AT; i++, weeks++)
            alarms += test_column(&run, "alarm")[i];
        test_run_release(&run);
    }
    assert_true(alarms > 0);
    assert_true(alarms / weeks < 0.05 + 2 * sqrt(0.05 * 0.95 / weeks));
}

/* The exact sum over all pairs of counts, with nothing shared but the formula of the evidence. */
static double naive_evidence(double mean, double mean_before, double dispersion, double now,
                             double before)
{
    double sum = 0, size = mean / (dispersion - 1), size_before = mean_before / (dispersion - 1);
    double deviation = sqrt(dispersion * mean), p = 1 / dispersion;
    double deviation_before = sqrt(dispersion * mean_before);
    for (double k = 2; k <= 10; k++) {
        double first = k * deviation / 2 / (dispersion - 1);
        double first_before = k * deviation_before / 2 / (dispersion - 1);
        double second = 0.4172 * k * deviation_before / (dispersion - 1);
        double none = gsl_ran_negative_binomial_pdf((unsigned)now, p, size);
        double none_before = gsl_ran_negative_binomial_pdf((unsigned)before, p, size_before);
        sum += gsl_ran_negative_binomial_pdf((unsigned)now, p, size + first) / none;
        sum += gsl_ran_negative_binomial_pdf((unsigned)now, p, size + second) / none *
               gsl_ran_negative_binomial_pdf((unsigned)before, p, size_before + first_before) /
               none_before;
    }
    return sum;
}

static void the_p_value_is_the_sum_over_all_pairs_of_counts(void **state)
{
    (void)state;
    const double mean = 2.6, mean_before = 3.3, dispersion = 1.7, size = mean / 0.7;
    const double size_before = mean_before / 0.7;
    enum { COUNTS = 40 };
    struct robust_prediction prediction = {.mean = mean,
                                           .mean_before = mean_before,
                                           .dispersion = dispersion,
                                           .dispersion_low = dispersion,
                                           .dispersion_high = dispersion};
    struct outbreak_evidence *evidence = x_alloc(1, sizeof *evidence);
    outbreak_evidence_make(&prediction, true, evidence);
    double cap = negbin_quantile(0.98, size_before, 1 / dispersion) + 1;
    for (double now = 3; now < 12; now++)
        for (double before = 0; before < 12; before++) {
            double sum = 0;
            double seen = naive_evidence(mean, mean_before, dispersion, now, fmin(before, cap));
            for (double a = 0; a < COUNTS; a++)
                for (double b = ceil(mean); b < COUNTS; b++)
                    if (naive_evidence(mean, mean_before, dispersion, b, fmin(a, cap)) >=
                        seen * (1 - 1e-7))
                        sum += gsl_ran_negative_binomial_pdf((unsigned)a, 1 / dispersion,
                                                             size_before) *
                               gsl_ran_negative_binomial_pdf((unsigned)b, 1 / dispersion, size);
            test_near(outbreak_evidence_p(evidence, now, before), sum, 1e-6 * sum + 1e-9, "p");
        }
    assert_true(outbreak_evidence_p(evidence, 2, 30) >= 1); /* memory alone */
    free(evidence);
}

static void tables_of_cells_are_those_of_the_law(void **state)
{
    (void)state;
    static const struct {
        double mean, dispersion, error; /* greatest difference of a tail */
    } rows[] = {{3, 2, 1e-9},           /* single counts */
                {10, 50, 1e-9},         /* summed by cell */
                {4000, 90, 1e-4},       /* by the middle of a cell */
                {5e5, 1e5, 1e-4}};      /* gamma */
    for (size_t i = 0; i < ROWS(rows); i++) {
        double tails[GRID_CELLS_MAX], mean = rows[i].mean, dispersion = rows[i].dispersion;
        struct count_grid grid = count_grid_make(mean, mean, sqrt(mean * dispersion), dispersion);
        assert_true(grid.count <= GRID_CELLS_MAX);
        count_upper_tails(&grid, mean, dispersion, tails);
        test_near(tails[0], 1, rows[i].error, "all cells");
        for (size_t cell = 1; cell < grid.count; cell += 11) {
            double below = grid.low + (double)cell * grid.step - 1;
            double upper = negbin_upper(below, mean / (dispersion - 1), 1 / dispersion);
            test_near(tails[cell], upper, rows[i].error, "a tail");
            assert_int_equal(count_grid_cell(&grid, below), cell - 1);
            assert_int_equal(count_grid_cell(&grid, below + 1), cell);
        }
    }
}

static void a_ratio_of_likelihoods_is_the_same_alone_and_in_a_table(void **state)
{
    (void)state;
    static const double dispersions[] = {1, 1.5, 40};
    for (size_t i = 0; i < ROWS(dispersions); i++) {
        double ratios[GRID_CELLS_MAX], before = 0, mean = 12;
        struct count_grid grid =
            count_grid_make(mean, mean, sqrt(mean * dispersions[i]), dispersions[i]);
        count_ratios(&grid, mean, dispersions[i], 9, ratios);
        for (size_t cell = 0; cell < grid.count; cell++) {
            double count = count_grid_middle(&grid, cell);
            double alone = count_ratio(count, mean, dispersions[i], 9);
            test_near(ratios[cell] / alone, 1, 1e-9, "a ratio");
            assert_true(ratios[cell] > before); /* it grows with the count */
            before = ratios[cell];
        }
    }
}

/* ---- Baseline ---- */

static void past_outbreaks_leave_the_baseline_where_it_was(void **state)
{
    (void)state;
    static const struct kind kind = {8, 0, 0.4, 1.5};
    double counts[WEEKS], ratio = 0, spread = 0;
    enum { SERIES = 12 };
    for (uint64_t seed = 1; seed <= SERIES; seed++) {
        struct test_run clean, full;
        simulate(&kind, seed, counts);
        look(&clean, counts, "{\"range\":[561,561]}");
        for (size_t outbreak = 0; outbreak < 6; outbreak++)
            for (size_t week = 0; week < 3; week++)
                counts[300 + 40 * outbreak + week] += 30 - 8 * (double)week;
        look(&full, counts, "{\"range\":[561,561]}");
        ratio += test_column(&full, "expected")[0] / test_column(&clean, "expected")[0] / SERIES;
        spread +=
            test_column(&full, "dispersion")[0] / test_column(&clean, "dispersion")[0] / SERIES;
        test_run_release(&clean);
        test_run_release(&full);
    }
    test_near(ratio, 1, 0.04, "expected, outbreaks against none"); /* one case in ten is theirs */
    test_near(spread, 1, 0.15, "dispersion, outbreaks against none"); /* it would be fourfold */
}

static void mean_and_dispersion_are_right_without_outbreaks(void **state)
{
    (void)state;
    static const struct kind kinds[] = {{1, 0.002, 0.5, 1.5}, {30, 0, 0.3, 4}, {6, 0, 0, 1}};
    enum { SERIES = 40 };
    for (size_t k = 0; k < ROWS(kinds); k++) {
        double mean = 0, dispersion = 0, truth = mean_of_week(&kinds[k], FIRST + 1);
        for (uint64_t seed = 1; seed <= SERIES; seed++) {
            double counts[WEEKS];
            struct test_run run;
            simulate(&kinds[k], seed + 50, counts);
            look(&run, counts, "{\"range\":[561,561]}");
            mean += test_column(&run, "expected")[0] / truth / SERIES;
            dispersion += test_column(&run, "dispersion")[0] / kinds[k].dispersion / SERIES;
            test_run_release(&run);
        }
        test_near(mean, 1, 0.05, "expected against the truth");
        test_near(dispersion, 1, 0.04, "dispersion against the truth");
    }
}

/* ---- Memory ---- */

static void two_raised_weeks_alarm_where_neither_would_alone(void **state)
{
    (void)state;
    static const struct kind kind = {10, 0, 0, 1.5};
    double counts[WEEKS], bound;
    struct test_run run;
    simulate(&kind, 3, counts);
    counts[598] = 10;
    look(&run, counts, "{\"range\":[599,600]}");
    bound = test_column(&run, "upperbound")[1];
    test_run_release(&run);
    counts[598] = counts[599] = bound - 2;
    look(&run, counts, "{\"range\":[599,600]}");
    assert_true(test_column(&run, "alarm")[0] == 0);
    assert_true(test_column(&run, "alarm")[1] == 1);
    test_run_release(&run);
}

static void an_outbreak_that_has_passed_does_not_alarm(void **state)
{
    (void)state;
    static const struct kind kind = {10, 0, 0, 1.5};
    double counts[WEEKS];
    struct test_run run;
    simulate(&kind, 4, counts);
    counts[597] = 60;
    counts[598] = 50;
    counts[599] = 11;
    look(&run, counts, "{\"range\":[598,600],\"alpha\":0.05}");
    assert_true(test_column(&run, "alarm")[0] == 1 && test_column(&run, "alarm")[1] == 1);
    assert_true(test_column(&run, "alarm")[2] == 0);
    double after_fifty = test_column(&run, "pvalue")[2];
    test_run_release(&run);
    counts[598] = 5000; /* however great: it has had its alarm */
    look(&run, counts, "{\"range\":[600,600],\"alpha\":0.05}");
    assert_true(test_same(test_column(&run, "pvalue")[0], after_fifty));
    test_run_release(&run);
}

static void the_bound_is_the_greatest_count_that_does_not_alarm(void **state)
{
    (void)state;
    static const struct kind kinds[] = {{0.3, 0, 0, 2}, {9, 0, 0.5, 2}, {4000, 0, 0.2, 90}};
    for (size_t k = 0; k < ROWS(kinds); k++) {
        double counts[WEEKS];
        struct test_run run;
        simulate(&kinds[k], 5, counts);
        look(&run, counts, "{\"range\":[600,600],\"alpha\":0.02}");
        double bound = test_column(&run, "upperbound")[0];
        test_run_release(&run);
        for (int above = 0; above < 2; above++) {
            counts[599] = bound + above;
            look(&run, counts, "{\"range\":[600,600],\"alpha\":0.02}");
            assert_true(test_column(&run, "alarm")[0] == above);
            test_run_release(&run);
        }
    }
}

/* ---- Odd series ---- */

static void an_empty_history_is_a_level_of_half_a_case(void **state)
{
    (void)state;
    double counts[WEEKS] = {0};
    struct test_run run;
    counts[598] = 1;
    look(&run, counts, "{\"range\":[597,599],\"alpha\":0.005}");
    assert_true(test_column(&run, "alarm")[1] == 0);
    assert_true(test_column(&run, "alarm")[2] == 1); /* the first case in eleven years */
    test_near(test_column(&run, "expected")[0], 0.5 / 520, 1e-5, "expected");
    test_run_release(&run);
}

static void a_giant_in_the_past_is_not_believed(void **state)
{
    (void)state;
    static const struct kind kind = {6, 0, 0.3, 1.5};
    double counts[WEEKS];
    struct test_run run, other;
    simulate(&kind, 7, counts);
    look(&run, counts, NULL);
    counts[400] = 1e12;
    look(&other, counts, NULL);
    for (size_t i = 0; i < LOOKED_AT; i++)
        test_near(test_column(&other, "expected")[i] / test_column(&run, "expected")[i], 1, 0.02,
                  "expected beside a giant");
    test_run_release(&run);
    test_run_release(&other);
}

static void counts_of_ten_million_have_bounds_of_their_deviation(void **state)
{
    (void)state;
    static const struct kind kind = {1e7, 0, 0, 400};
    double counts[WEEKS];
    struct test_run run;
    simulate(&kind, 8, counts);
    look(&run, counts, NULL);
    for (size_t i = 0; i < LOOKED_AT; i++) {
        double z = (test_column(&run, "upperbound")[i] - 1e7) / sqrt(400 * 1e7);
        assert_true(z > 1 && z < 4);
    }
    test_run_release(&run);
}

static void holes_are_left_out_and_a_hole_before_leaves_the_week_alone(void **state)
{
    (void)state;
    static const struct kind kind = {7, 0, 0.3, 1.5};
    double counts[WEEKS];
    struct test_run run;
    simulate(&kind, 9, counts);
    for (size_t i = 5; i < FIRST; i += 7)
        counts[i] = NAN;
    counts[580] = NAN;
    counts[581] = 100;
    look(&run, counts, NULL);
    assert_true(isnan(test_column(&run, "alarm")[580 - FIRST]));
    assert_string_equal(run.table.reasons[580 - FIRST], "missing-count");
    assert_true(test_column(&run, "upperbound")[580 - FIRST] > 7);
    assert_true(test_column(&run, "alarm")[581 - FIRST] == 1);
    test_run_release(&run);
}

static void less_than_a_year_is_no_baseline_and_two_years_are_a_season(void **state)
{
    (void)state;
    static const struct kind kind = {12, 0, 1, 1};
    double counts[WEEKS];
    struct test_run run;
    simulate(&kind, 10, counts);
    look(&run, counts, "{\"range\":[70,300]}");
    const double *alarm = test_column(&run, "alarm"), *expected = test_column(&run, "expected");
    for (size_t t = 69; t < 300; t++)
        assert_int_equal(isnan(alarm[t - 69]), t < 52 + 26);
    assert_string_equal(run.table.reasons[0], "short-baseline");
    assert_null(run.table.reasons[52 + 26 - 69]);
    test_near(expected[207 - 69] / mean_of_week(&kind, 208), 1, 0.15, "the season's height");
    test_near(expected[233 - 69] / mean_of_week(&kind, 234), 1, 0.25, "the season's depth");
    test_run_release(&run);
}

static void a_week_of_daily_counts_is_a_season_too(void **state)
{
    (void)state;
    static const double of_week[7] = {1.4, 1.2, 1, 1, 1, 0.5, 0.3};
    double counts[WEEKS];
    struct test_run run;
    struct random random;
    random_init(&random, 11, 0);
    for (size_t i = 0; i < WEEKS; i++)
        counts[i] = draw(&random, 30 * of_week[i % 7], 1.3);
    look(&run, counts, "{\"range\":[594,600],\"freq\":7,\"b\":60,\"pastWeeksNotIncluded\":7}");
    for (size_t i = 0; i < 7; i++)
        test_near(test_column(&run, "expected")[i] / (30 * of_week[(593 + i) % 7]), 1, 0.12,
                  "the weekday's mean");
    test_run_release(&run);
}

/* ---- Sameness and refusals ---- */

static void a_row_depends_on_the_rows_up_to_it_alone(void **state)
{
    (void)state;
    static const struct kind kind = {5, 0.001, 0.5, 2};
    double counts[WEEKS];
    struct test_run all, one, again;
    simulate(&kind, 12, counts);
    look(&all, counts, NULL);
    look(&again, counts, NULL);
    look(&one, counts, "{\"range\":[590,590]}");
    counts[595] = 400;
    static const char *const names[] = {"pvalue", "expected", "upperbound", "dispersion"};
    for (size_t n = 0; n < ROWS(names); n++) {
        const double *values = test_column(&all, names[n]);
        assert_memory_equal(values, test_column(&again, names[n]), LOOKED_AT * sizeof *values);
        assert_memory_equal(&values[589 - FIRST], test_column(&one, names[n]), sizeof *values);
    }
    test_run_release(&all);
    test_run_release(&one);
    test_run_release(&again);
}

static void wrong_parameters_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *parameters;
        enum error_code code;
    } rows[] = {{"{\"alpha\":0}", ERROR_BAD_VALUE},
                {"{\"harmonics\":7}", ERROR_BAD_VALUE},
                {"{\"b\":0}", ERROR_BAD_VALUE},
                {"{\"freq\":0.5}", ERROR_BAD_VALUE},
                {"{\"pastWeeksNotIncluded\":0}", ERROR_BAD_VALUE},
                {"{\"w\":3}", ERROR_BAD_VALUE},
                {"{\"pastWeeksNotIncluded\":560}", ERROR_REFUSED}};
    double counts[WEEKS] = {0};
    char *text = test_series(counts, WEEKS);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        assert_false(test_try(&run, "detect", "chengmai_ensemble", text, rows[i].parameters, &err));
        assert_int_equal(err.code, rows[i].code);
        test_run_release(&run);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(false_alarms_come_at_the_stated_rate),
        cmocka_unit_test(counts_too_few_to_split_the_rate_alarm_less_never_more),
        cmocka_unit_test(the_p_value_is_the_sum_over_all_pairs_of_counts),
        cmocka_unit_test(tables_of_cells_are_those_of_the_law),
        cmocka_unit_test(a_ratio_of_likelihoods_is_the_same_alone_and_in_a_table),
        cmocka_unit_test(past_outbreaks_leave_the_baseline_where_it_was),
        cmocka_unit_test(mean_and_dispersion_are_right_without_outbreaks),
        cmocka_unit_test(two_raised_weeks_alarm_where_neither_would_alone),
        cmocka_unit_test(an_outbreak_that_has_passed_does_not_alarm),
        cmocka_unit_test(the_bound_is_the_greatest_count_that_does_not_alarm),
        cmocka_unit_test(an_empty_history_is_a_level_of_half_a_case),
        cmocka_unit_test(a_giant_in_the_past_is_not_believed),
        cmocka_unit_test(counts_of_ten_million_have_bounds_of_their_deviation),
        cmocka_unit_test(holes_are_left_out_and_a_hole_before_leaves_the_week_alone),
        cmocka_unit_test(less_than_a_year_is_no_baseline_and_two_years_are_a_season),
        cmocka_unit_test(a_week_of_daily_counts_is_a_season_too),
        cmocka_unit_test(a_row_depends_on_the_rows_up_to_it_alone),
        cmocka_unit_test(wrong_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
