/* R(t) and nowcasts: properties, and refusals of what cannot be estimated. */
#include "sensing/serial_interval.h"
#include "sensing/test_support.h"

static void discretised_intervals_sum_to_one_and_keep_their_mean(void **state)
{
    (void)state;
    static const double moments[][2] = {{2.6, 1.5}, {8.4, 3.8}, {1.05, 0.4}, {14.9, 3.9}, {5, 0.2}};
    for (size_t i = 0; i < ROWS(moments); i++) {
        double w[400], sum = 0;
        serial_interval_gamma(moments[i][0], moments[i][1], 400, w);
        for (size_t k = 0; k < 400; k++) {
            assert_true(w[k] >= 0);
            sum += w[k];
        }
        test_near(sum, 1, 1e-9, "sum");
        test_near(serial_interval_mean(w, 400), moments[i][0], 1e-6, "mean");
        assert_true(w[0] == 0);
    }
}

/* Growth by a fixed factor a day: R is what Euler and Lotka's equation says. */
static void steady_growth_gives_the_reproduction_number_of_its_rate(void **state)
{
    (void)state;
    enum { DAYS = 60 };
    double counts[DAYS], w[DAYS], moment = 0;
    const double growth = 1.1;
    for (size_t t = 0; t < DAYS; t++)
        counts[t] = floor(1e6 * pow(growth, (double)t));
    size_t support = serial_interval_gamma(5, 2, DAYS, w);
    for (size_t k = 1; k < support; k++)
        moment += w[k] * pow(growth, -(double)k);
    char *text = test_series(counts, DAYS);
    struct test_run run;
    test_run(&run, "rt", "parametric_si", text, "{\"mean_si\":5,\"std_si\":2}");
    size_t last = run.table.row_count - 1;
    test_near(test_column(&run, "mean")[last] * moment, 1, 1e-4, "R");
    assert_true(test_column(&run, "q025")[last] < test_column(&run, "median")[last]);
    assert_true(test_column(&run, "median")[last] < test_column(&run, "q975")[last]);
    test_run_release(&run);
    test_run(&run, "rt", "wallinga_teunis", text,
             "{\"mean_si\":5,\"std_si\":2,\"n_sim\":0,\"width\":1}");
    test_near(test_column(&run, "mean")[30] * moment, 1, 1e-3, "case R");
    assert_true(isnan(test_column(&run, "sd_mc")[30]));
    test_run_release(&run);
    free(text);
}

static void an_interval_that_is_almost_certain_gives_the_certain_estimate(void **state)
{
    (void)state;
    double counts[40];
    for (size_t t = 0; t < 40; t++)
        counts[t] = 20 + (double)(t * 7 % 13);
    char *text = test_series(counts, 40);
    struct test_run sure, unsure;
    test_run(&sure, "rt", "parametric_si", text, "{\"mean_si\":4,\"std_si\":2}");
    test_run(&unsure, "rt", "uncertain_si", text,
             "{\"mean_si\":4,\"std_mean_si\":0.001,\"min_mean_si\":3.9,\"max_mean_si\":4.1,"
             "\"std_si\":2,\"std_std_si\":0.001,\"min_std_si\":1.9,\"max_std_si\":2.1}");
    for (size_t c = 2; c < sure.table.column_count; c++)
        for (size_t row = 5; row < sure.table.row_count; row++)
            test_near(unsure.table.columns[c].values[row] / sure.table.columns[c].values[row], 1,
                      1e-3, sure.table.columns[c].name);
    test_run_release(&sure);
    test_run_release(&unsure);
    free(text);
}

/* Few cases, and serial intervals from a day to a fortnight: the posterior spans decades. */
static void quantiles_of_an_uncertain_interval_rise_and_hold_the_mean(void **state)
{
    (void)state;
    static const char *const names[] = {"q025", "q05", "q25", "median", "q75", "q95", "q975"};
    double counts[30] = {1};
    for (size_t t = 8; t < 30; t++)
        counts[t] = t < 16 ? 1 : 4000 * (double)(t - 15);
    char *text = test_series(counts, 30);
    struct test_run run;
    test_run(&run, "rt", "uncertain_si", text,
             "{\"mean_si\":8.4,\"std_mean_si\":3,\"min_mean_si\":1.5,\"max_mean_si\":15,"
             "\"std_si\":3.8,\"std_std_si\":1,\"min_std_si\":0.5,\"max_std_si\":6}");
    size_t answers = 0;
    for (size_t row = 0; row < run.table.row_count; row++) {
        double last = 0, mean = test_column(&run, "mean")[row];
        if (isnan(mean))
            continue;
        answers++;
        for (size_t i = 0; i < ROWS(names); i++) {
            double quantile = test_column(&run, names[i])[row];
            if (!(quantile > last))
                fail_msg("row %zu: %s is %g after %g", row, names[i], quantile, last);
            last = quantile;
        }
        assert_true(test_column(&run, "q025")[row] < mean);
        assert_true(last < mean + 20 * test_column(&run, "sd")[row]);
    }
    assert_true(answers > 15);
    test_run_release(&run);
    free(text);
}

/* A window takes the intervals whose mean is below its end: 2.3 % of them end before day 4. */
static void an_early_window_takes_the_short_intervals(void **state)
{
    (void)state;
    struct test_run run;
    const char *text = "t,count\n1,3\n2,1\n3,2\n4,1\n5,2\n6,3\n";
    const char *common = "\"mean_si\":5,\"std_mean_si\":0.5,\"max_mean_si\":7,\"std_si\":2,"
                         "\"std_std_si\":0.3,\"min_std_si\":1,\"max_std_si\":3,\"t_start\":[2],"
                         "\"t_end\":[4]";
    static const struct {
        const char *more;
        bool answer;
    } rows[] = {{"\"min_mean_si\":3", true},
                {"\"min_mean_si\":3,\"n1\":20", false}, /* less likely than not to draw one */
                {"\"min_mean_si\":4", false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char parameters[400];
        snprintf(parameters, sizeof parameters, "{%s,%s}", common, rows[i].more);
        test_run(&run, "rt", "uncertain_si", text, parameters);
        assert_int_equal(!isnan(test_column(&run, "mean")[0]), rows[i].answer);
        test_run_release(&run);
    }
}

/* 0.124 + 0.05 + … is 4 in the reference's sum and a little more in a plain one. */
static void a_window_that_ends_on_the_mean_has_no_answer(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "rt", "non_parametric_si", "t,count\n1,3\n2,1\n3,2\n4,1\n5,2\n6,3\n",
             "{\"si_distr\":[0,0.124,0.025,0.042,0.618,0.042,0.025,0.124],\"t_start\":[2,3],"
             "\"t_end\":[4,5]}");
    assert_true(isnan(test_column(&run, "mean")[0]) && !isnan(test_column(&run, "mean")[1]));
    test_run_release(&run);
}

static void estimates_too_large_to_hold_are_refused(void **state)
{
    (void)state;
    enum { DAYS = 20100 };
    static const struct {
        const char *method, *parameters, *field;
    } rows[] = {
        {"uncertain_si",
         "{\"mean_si\":4,\"std_mean_si\":1,\"min_mean_si\":2,\"max_mean_si\":6,\"std_si\":2,"
         "\"std_std_si\":1,\"min_std_si\":1,\"max_std_si\":3}",
         "step"},
        {"uncertain_si",
         "{\"mean_si\":9000,\"std_mean_si\":900,\"min_mean_si\":2,\"max_mean_si\":20000,"
         "\"std_si\":2000,\"std_std_si\":500,\"min_std_si\":1,\"max_std_si\":5000,\"step\":5}",
         "mean_si"},
        {"wallinga_teunis", "{\"mean_si\":4,\"std_si\":2}", "n_sim"},
    };
    double *counts = x_alloc(DAYS, sizeof *counts);
    for (size_t t = 0; t < DAYS; t++)
        counts[t] = 1000;
    char *text = test_series(counts, DAYS);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        assert_false(test_try(&run, "rt", rows[i].method, text, rows[i].parameters, &err));
        assert_string_equal(err.field, rows[i].field);
        test_run_release(&run);
    }
    free(text);
    free(counts);
}

/* Of two cases that one earlier case must have infected, none is left to chance; of cases with two
 * possible infectors in the window or not, the spread is that of a binomial number. */
static void the_spread_of_infectors_is_binomial(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "rt", "wallinga_teunis", "t,count\n1,1\n2,1\n3,400\n4,0\n",
             "{\"method\":\"non_parametric_si\",\"si_distr\":[0,0.5,0.5],\"t_start\":[2],"
             "\"t_end\":[2]}");
    test_near(test_column(&run, "mean")[0], 200, 1e-9, "mean");
    test_near(test_column(&run, "sd_mc")[0], 10, 1e-9, "deviation");
    test_near(test_column(&run, "q025_mc")[0], 180, 1, "low");
    test_near(test_column(&run, "q975_mc")[0], 220, 1, "high");
    test_run_release(&run);
}

static void estimates_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *method, *text, *parameters, *field;
    } rows[] = {
        {"parametric_si", "t,count\n1,1\n2,NA\n3,4\n", "{\"mean_si\":3,\"std_si\":1}", "count"},
        {"parametric_si", "t,count\n1,1\n2,1\n3,4\n", "{\"mean_si\":1,\"std_si\":1}", "mean_si"},
        {"parametric_si", "t,count\n1,1\n2,1\n3,4\n", "{\"mean_si\":3}", "std_si"},
        {"parametric_si", "t,count\n1,1\n2,1\n3,4\n", "{\"mean_si\":3,\"std_si\":0}", "std_si"},
        {"parametric_si", "t,count\n1,1\n2,1\n3,4\n", "{\"mean_si\":3,\"std_si\":1}", "width"},
        {"parametric_si", "t,count\n1,1\n2,1\n3,4\n",
         "{\"mean_si\":3,\"std_si\":1,\"t_start\":[1],\"t_end\":[2]}", "t_start"},
        {"parametric_si", "t,count\n1,1\n2,1\n3,4\n",
         "{\"mean_si\":3,\"std_si\":1,\"t_start\":[2]}", "t_start"},
        {"non_parametric_si", "t,count\n1,1\n2,1\n3,4\n", "{\"si_distr\":[0.1,0.9]}", "si_distr"},
        {"non_parametric_si", "t,count\n1,1\n2,1\n3,4\n", "{\"si_distr\":[0,0.5]}", "si_distr"},
        {"non_parametric_si", "t,count\n1,1\n2,1\n3,4\n", NULL, "si_distr"},
        {"wallinga_teunis", "t,count\n1,0\n2,0\n3,4\n", "{\"mean_si\":3,\"std_si\":1,\"width\":1}",
         ""},
        {"discr_si", NULL, "{\"mean_si\":[2,3],\"std_si\":[1]}", "mean_si"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        if (test_try(&run, "rt", rows[i].method, rows[i].text, rows[i].parameters, &err))
            fail_msg("%s takes %s", rows[i].method, rows[i].parameters);
        assert_string_equal(err.field, rows[i].field);
        test_run_release(&run);
    }
}

static void a_nowcast_is_never_below_what_is_reported(void **state)
{
    (void)state;
    struct buffer text;
    int32_t day;
    char one[TIME_TEXT_BYTES], two[TIME_TEXT_BYTES];
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "dHosp,dReport\n");
    assert_true(time_parse_date(SLICE("2022-03-01"), &day));
    for (int t = 0; t < 40; t++)
        for (int i = 0; i < 12; i++)
            buffer_print(&text, "%s,%s\n", time_format_date(day + t, one),
                         time_format_date(day + t + i * i % 7, two));
    static const char *const names[] = {"lawless", "bayes_notrunc_bnb"};
    for (size_t m = 0; m < ROWS(names); m++) {
        struct test_run run;
        test_run(&run, "nowcast", names[m], text.data, "{\"now\":\"2022-04-05\",\"D\":8}");
        assert_int_equal(run.table.row_count, 8);
        for (size_t row = 0; row < 8; row++) {
            double so_far = test_column(&run, "observed_so_far")[row];
            assert_true(test_column(&run, "pi_lo")[row] >= so_far);
            assert_true(test_column(&run, "nowcast_median")[row] >=
                        test_column(&run, "pi_lo")[row]);
            assert_true(test_column(&run, "pi_hi")[row] >=
                        test_column(&run, "nowcast_median")[row]);
        }
        /* twelve cases a day, all reported after six days */
        test_near(test_column(&run, "nowcast_median")[0], 12, 0, "a finished day");
        test_near(test_column(&run, "nowcast_median")[4], 12, 2, "an open day");
        test_run_release(&run);
    }
    buffer_release(&text);
}

static void a_level_beyond_the_support_is_the_references_zero(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "nowcast", "bayes_notrunc_bnb",
             "dHosp,dReport\n2022-04-01,2022-04-03\n2022-04-02,2022-04-03\n2022-04-03,2022-04-04\n"
             "2022-04-03,2022-04-04\n2022-04-03,2022-04-04\n",
             "{\"now\":\"2022-04-04\",\"D\":2,\"N.tInf.max\":3}");
    size_t last = run.table.row_count - 1;
    assert_true(test_column(&run, "pi_hi")[last] == 0);
    assert_string_equal(run.table.reasons[last], "overflow");
    test_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discretised_intervals_sum_to_one_and_keep_their_mean),
        cmocka_unit_test(steady_growth_gives_the_reproduction_number_of_its_rate),
        cmocka_unit_test(an_interval_that_is_almost_certain_gives_the_certain_estimate),
        cmocka_unit_test(quantiles_of_an_uncertain_interval_rise_and_hold_the_mean),
        cmocka_unit_test(an_early_window_takes_the_short_intervals),
        cmocka_unit_test(a_window_that_ends_on_the_mean_has_no_answer),
        cmocka_unit_test(estimates_too_large_to_hold_are_refused),
        cmocka_unit_test(the_spread_of_infectors_is_binomial),
        cmocka_unit_test(estimates_that_cannot_be_are_refused),
        cmocka_unit_test(a_nowcast_is_never_below_what_is_reported),
        cmocka_unit_test(a_level_beyond_the_support_is_the_references_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
