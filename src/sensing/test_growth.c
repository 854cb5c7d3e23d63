/* Goal: growth, nowcasts by weekday and pooled tests give the right numbers where they are known,
 * at the extremes, and refuse what cannot be estimated. How often their intervals hold the truth:
 * `chengmai bench coverage`, tests/test_bench.c. */
#include "sensing/pooled.h"
#include "sensing/test_support.h"

/* ---- growth */

static void steady_growth_is_found_and_doubles_in_its_time(void **state)
{
    (void)state;
    static const double rates[] = {0.1, -0.08, 0.02};
    for (size_t i = 0; i < ROWS(rates); i++) {
        double counts[20];
        struct test_run run;
        for (size_t t = 0; t < 20; t++)
            counts[t] = floor(1e6 * exp(rates[i] * (double)t));
        char *text = test_series(counts, 20);
        test_run(&run, "rt", "growth", text, NULL);
        assert_int_equal(run.table.row_count, 7);
        for (size_t row = 0; row < 7; row++) {
            test_near(test_column(&run, "growth")[row], rates[i], 1e-6, "growth");
            test_near(test_column(&run, "doubling")[row] * rates[i], log(2), 1e-4, "doubling");
            assert_true(test_column(&run, "doubling_low")[row] <
                        test_column(&run, "doubling_high")[row]);
        }
        test_run_release(&run);
        free(text);
    }
}

static void a_growth_that_may_be_none_doubles_in_a_time_without_end(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "rt", "growth",
             "t,count\n1,4\n2,6\n3,5\n4,3\n5,7\n6,5\n7,4\n8,6\n9,5\n10,7\n11,4\n12,6\n13,5\n14,6\n",
             NULL);
    assert_true(test_column(&run, "growth_low")[0] < 0);
    assert_true(test_column(&run, "growth_high")[0] > 0);
    assert_true(isinf(test_column(&run, "doubling_high")[0]));
    assert_true(test_column(&run, "doubling_low")[0] > 0);
    test_run_release(&run);
}

static void windows_that_say_nothing_have_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"t,count\n1,0\n2,0\n3,0\n4,0\n5,0\n6,0\n", "few-cases"},
        {"t,count\n1,0\n2,0\n3,0\n4,0\n5,0\n6,900\n", "no-spread"},
        {"t,count\n1,90\n2,NA\n3,NA\n4,NA\n5,70\n6,80\n", "missing-count"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        test_run(&run, "rt", "growth", rows[i].text, "{\"width\":6}");
        assert_true(isnan(test_column(&run, "growth")[0]));
        assert_true(isnan(test_column(&run, "doubling_high")[0]));
        assert_non_null(run.table.reasons[0]);
        if (!strstr(run.table.reasons[0], rows[i].reason))
            fail_msg("'%s' is not '%s'", run.table.reasons[0], rows[i].reason);
        test_run_release(&run);
    }
    struct test_run run;
    struct error err;
    assert_false(test_try(&run, "rt", "growth", "t,count\n1,4\n2,6\n", NULL, &err));
    assert_string_equal(err.field, "width");
    test_run_release(&run);
}

/* ---- nowcast weekday */

/* Each of 70 days has 40 cases: a half arrives at once, the others on the next working day. */
static char *working_days(int32_t first, int days)
{
    struct buffer text;
    char one[TIME_TEXT_BYTES], two[TIME_TEXT_BYTES];
    buffer_init(&text, 8 << 20);
    buffer_append_text(&text, "dHosp,dReport\n");
    for (int t = 0; t < days; t++)
        for (int i = 0; i < 40; i++) {
            int32_t report = first + t + i % 2;
            while (i % 2 && (report + 3) % 7 > 4) /* Saturday, Sunday */
                report++;
            buffer_print(&text, "%s,%s\n", time_format_date(first + t, one),
                         time_format_date(report, two));
        }
    return text.data;
}

/* On a Sunday those who wait for the Monday are expected; who knows no weekdays expects too few. */
static void a_weekend_without_reports_is_known(void **state)
{
    (void)state;
    int32_t first;
    struct test_run known, constant;
    assert_true(time_parse_date(SLICE("2022-01-03"), &first)); /* a Monday */
    char *text = working_days(first, 70);
    static const char parameters[] = "{\"now\":\"2022-03-06\",\"D\":5,\"N.tInf.max\":400}";
    test_run(&known, "nowcast", "weekday", text, parameters);
    test_run(&constant, "nowcast", "lawless", text, parameters);
    size_t saturday = 4; /* 2022-03-05, a day before now */
    test_near(test_column(&known, "observed_so_far")[saturday], 20, 0, "reported");
    test_near(test_column(&known, "nowcast_median")[saturday], 40, 6, "of the Saturday");
    assert_true(test_column(&known, "pi_lo")[saturday] >= 20);
    assert_true(test_column(&constant, "nowcast_median")[saturday] <
                test_column(&known, "nowcast_median")[saturday] - 3);
    test_near(test_column(&known, "nowcast_median")[0], 40, 1, "of the Tuesday before");
    test_run_release(&known);
    test_run_release(&constant);
    struct error err;
    struct test_run run;
    assert_false(test_try(&run, "nowcast", "weekday", text,
                          "{\"now\":\"2022-03-06\",\"D\":61,\"m\":62}", &err));
    assert_string_equal(err.field, "D");
    test_run_release(&run);
    free(text);
}

/* ---- incidence pooled */

static void tubes_of_one_size_have_the_estimate_in_closed_form(void **state)
{
    (void)state;
    static const struct {
        double size, pools, positive;
    } rows[] = {{1, 1000, 20}, {10, 500, 7}, {20, 300, 150}, {5, 40, 39}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct pool_row row = {0, rows[i].size, rows[i].pools, rows[i].positive};
        struct pool_test sure = {1, 1}, unsure = {0.9, 0.995};
        struct pool_estimate got = pool_estimate(&row, 1, &sure, 1.959963984540054);
        double share = 1 - pow(1 - row.positive / row.pools, 1 / row.size);
        test_near(got.share / share, 1, 1e-8, "share");
        assert_true(got.low > 0 && got.low < share && share < got.high && got.high < 1);
        got = pool_estimate(&row, 1, &unsure, 1.96);
        double clean = (0.9 - row.positive / row.pools) / (0.9 + 0.995 - 1);
        if (clean > 0 && clean < 1)
            test_near(got.share / (1 - pow(clean, 1 / row.size)), 1, 1e-8, "test's errors");
    }
}

/* Single swabs: the corrected score's interval is close to the exact mid-p one. 20 of 1000. */
static void single_swabs_have_the_interval_of_a_binomial_share(void **state)
{
    (void)state;
    struct pool_row row = {0, 1, 1000, 20}, split[3] = {{0, 1, 400, 9}, {0, 1, 600, 11}};
    struct pool_test sure = {1, 1};
    struct pool_estimate whole = pool_estimate(&row, 1, &sure, 1.959963984540054);
    struct pool_estimate parts = pool_estimate(split, 2, &sure, 1.959963984540054);
    test_near(whole.low, 0.0126, 0.0004, "low");
    test_near(whole.high, 0.0302, 0.0006, "high");
    test_near(parts.share, whole.share, 1e-12, "split rows");
    test_near(parts.low, whole.low, 1e-12, "split rows");
    test_near(parts.high, whole.high, 1e-12, "split rows");
}

static void no_positive_tube_has_an_upper_end_and_no_tube_no_answer(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "incidence", "pooled",
             "date,pool_size,pools,positive\n2022-03-13,10,300,0\n2022-03-14,10,200,1\n"
             "2022-03-14,20,50,1\n2022-03-15,10,0,0\n2022-03-16,10,5,5\n",
             NULL);
    assert_int_equal(run.table.row_count, 4);
    const double *share = test_column(&run, "share"), *high = test_column(&run, "high");
    test_near(share[0], 0, 0, "none");
    test_near(test_column(&run, "low")[0], 0, 0, "none");
    assert_true(high[0] > 0.0008 && high[0] < 0.0016); /* 3000 persons */
    assert_true(isnan(share[2]) && run.table.reasons[2]);
    test_near(test_column(&run, "persons")[1], 3000, 0, "persons");
    test_near(share[3], 1, 0, "all");
    assert_true(test_column(&run, "low")[3] > 0 && test_column(&run, "low")[3] < 1);
    test_run_release(&run);
}

static void pools_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *parameters, *field;
    } rows[] = {
        {"t,pool_size,pools\n1,10,3\n", NULL, "header"},
        {"t,pool_size,pools,positive\n1,10,3,4\n", NULL, "positive"},
        {"t,pool_size,pools,positive\n1,0,3,1\n", NULL, "pool_size"},
        {"t,pool_size,pools,positive\n1,10,2.5,1\n", NULL, "pools"},
        {"t,pool_size,pools,positive\n2,10,3,1\n1,10,3,1\n", NULL, "t"},
        {"date,pool_size,pools,positive\nx,10,3,1\n", NULL, "date"},
        {"t,pool_size,pools,positive\n1,10,3,1\n", "{\"sensitivity\":0.4}", "sensitivity"},
        {"t,pool_size,pools,positive\n1,10,3,1\n", "{\"sensitivity\":0.5,\"specificity\":0.5}",
         "sensitivity"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        if (test_try(&run, "incidence", "pooled", rows[i].text, rows[i].parameters, &err))
            fail_msg("row %zu is taken", i);
        assert_string_equal(err.field, rows[i].field);
        test_run_release(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_growth_is_found_and_doubles_in_its_time),
        cmocka_unit_test(a_growth_that_may_be_none_doubles_in_a_time_without_end),
        cmocka_unit_test(windows_that_say_nothing_have_a_reason),
        cmocka_unit_test(a_weekend_without_reports_is_known),
        cmocka_unit_test(tubes_of_one_size_have_the_estimate_in_closed_form),
        cmocka_unit_test(single_swabs_have_the_interval_of_a_binomial_share),
        cmocka_unit_test(no_positive_tube_has_an_upper_end_and_no_tube_no_answer),
        cmocka_unit_test(pools_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
