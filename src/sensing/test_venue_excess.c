/* Venues with an excess of later positives: exact tails against sums term by term, strata against
 * all their outcomes, the corrections, and the rate of false finds on venues without an excess. */
#include "base/random.h"
#include "sensing/draws.h"
#include "sensing/test_support.h"
#include "sensing/venue_excess.h"

/* Binomial coefficients as a table would have them: exact in long double up to 60. */
static long double choose(int n, int k)
{
    long double value = 1;
    for (int i = 1; i <= k; i++)
        value = value * (n - k + i) / i;
    return k < 0 || k > n ? 0 : value;
}

static double twin_mass(bool drawn_without_return, int k, int total, int marked, int visitors,
                        double share)
{
    if (k < 0 || k > visitors)
        return 0;
    if (drawn_without_return)
        return (double)(choose(marked, k) * choose(total - marked, visitors - k) /
                        choose(total, visitors));
    return (double)(choose(visitors, k) * powl(share, k) *
                    powl(1 - (long double)share, visitors - k));
}

static void check_relative(double got, double expected, const char *what)
{
    if (!(fabs(got - expected) <= 1e-11 * fabs(expected)))
        fail_msg("%s: %.17g, the sum is %.17g", what, got, expected);
}

static void masses_equal_the_textbooks(void **state)
{
    (void)state;
    for (int total = 1; total <= 40; total += 3)
        for (int marked = 0; marked <= total; marked += 2)
            for (int visitors = 0; visitors <= total; visitors += 3)
                for (int k = -1; k <= visitors + 1; k++) {
                    check_relative(hypergeometric_mass(k, total, marked, visitors),
                                   twin_mass(true, k, total, marked, visitors, 0),
                                   "hypergeometric");
                    check_relative(binomial_mass(k, visitors, marked / (double)total),
                                   twin_mass(false, k, 0, 0, visitors, marked / (double)total),
                                   "binomial");
                }
    /* far out: 10^7 visits, 10^4 positives; the mean's own mass by Stirling's formula */
    double deviation = sqrt(1e4 * 0.001 * 0.999 * (1e7 - 1e4) / (1e7 - 1));
    test_near(hypergeometric_mass(10, 1e7, 1e4, 1e4) * deviation * sqrt(2 * M_PI), 1, 0.02, "peak");
    test_near(binomial_mass(3, 1e9, 1e-9), exp(-1) / 6, 1e-9, "Poisson's limit");
}

/* One row a venue: the p-value is the sum of masses. */
static void one_row_has_the_tail_of_its_law(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 3, 3);
    for (int round = 0; round < 400; round++) {
        struct venue_row rows[4];
        struct venue_excess *excess;
        struct arena arena;
        struct error err;
        int total = 0, marked = 0;
        bool with_share = round % 2;
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        for (uint32_t v = 0; v < 4; v++) {
            uint32_t visitors = random_below(&random, 15), positive;
            positive = random_below(&random, visitors + 1);
            rows[v] = (struct venue_row){v, 0, visitors, positive,
                                         with_share ? random_unit(&random) : NAN};
            total += (int)visitors;
            marked += (int)positive;
        }
        struct venue_counts counts = {
            .source = "test", .row_count = 4, .venue_count = 4, .stratum_count = 1, .rows = rows};
        test_done_or_fail(venue_excess(&counts, &arena, &excess, &err), &err);
        for (size_t i = 0; i < 4; i++) {
            const struct venue_row *row = &rows[excess[i].venue];
            double sum = 0;
            for (int k = (int)row->later_positive; k <= (int)row->visitors; k++)
                sum += twin_mass(!with_share, k, total, marked, (int)row->visitors,
                                 row->expected_share);
            if (row->visitors == 0)
                assert_true(isnan(excess[i].p) && isnan(excess[i].q));
            else
                check_relative(excess[i].p, fmin(1, sum), "p");
        }
        arena_release(&arena);
    }
}

/* P(X1 + X2 + X3 >= sum) over all outcomes. */
static void several_rows_have_the_tail_of_their_sum(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 4, 3);
    for (int round = 0; round < 200; round++) {
        struct venue_row rows[6];
        struct venue_excess *excess;
        struct arena arena;
        struct error err;
        int total[3], marked[3], own = 0;
        double sum = 0;
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        for (uint32_t s = 0; s < 3; s++) {
            uint32_t here = random_below(&random, 12), there = 1 + random_below(&random, 14);
            uint32_t positive = random_below(&random, here + 1);
            uint32_t others = random_below(&random, there + 1);
            rows[s] = (struct venue_row){0, s, here, positive, round % 2 ? 0.3 : NAN};
            rows[3 + s] = (struct venue_row){1, s, there, others, NAN};
            total[s] = (int)(here + there);
            marked[s] = (int)(positive + others);
            own += (int)positive;
        }
        struct venue_counts counts = {
            .source = "test", .row_count = 6, .venue_count = 2, .stratum_count = 3, .rows = rows};
        test_done_or_fail(venue_excess(&counts, &arena, &excess, &err), &err);
        for (int a = 0; a <= (int)rows[0].visitors; a++)
            for (int b = 0; b <= (int)rows[1].visitors; b++)
                for (int c = 0; c <= (int)rows[2].visitors; c++) {
                    int got[] = {a, b, c};
                    double mass = 1;
                    for (int s = 0; s < 3; s++)
                        mass *= twin_mass(round % 2 == 0, got[s], total[s], marked[s],
                                          (int)rows[s].visitors, 0.3);
                    sum += a + b + c >= own ? mass : 0;
                }
        const struct venue_excess *venue = excess[0].venue == 0 ? &excess[0] : &excess[1];
        if (venue->visitors > 0)
            test_near(venue->p, sum, 1e-12, "p of a sum");
        arena_release(&arena);
    }
}

static void small_tails_keep_their_digits(void **state)
{
    (void)state;
    struct test_run run;
    /* 40 of 40 with a share of 0.01 in two rows: 0.01^40 */
    test_run(&run, "scan", "venues",
             "venue,visitors,later_positive,expected_share,stratum\n"
             "A,20,20,0.01,1\nA,20,20,0.01,2\nB,40,40,0.01,3\nC,7,0,0,1\nD,7,1,0,1\n",
             NULL);
    assert_string_equal(run.table.columns[0].texts[0], "D"); /* was said to be impossible */
    assert_true(test_column(&run, "p")[0] == 0);
    check_relative(test_column(&run, "p")[1], 1e-80, "two rows");
    check_relative(test_column(&run, "p")[2], 1e-80, "one row");
    assert_true(test_column(&run, "p")[3] == 1);
    test_run_release(&run);
}

static void corrections_are_bonferronis_and_benjamini_and_hochbergs(void **state)
{
    (void)state;
    struct test_run run;
    /* visitors 1, one positive: p is the share itself */
    test_run(&run, "scan", "venues",
             "venue,visitors,later_positive,expected_share\n"
             "a,1,1,0.9\nb,1,1,0.01\nc,1,1,0.02\nd,1,1,0.03\ne,1,1,0.02\nf,0,0,0.5\n",
             NULL);
    static const char *const order[] = {"b", "c", "e", "d", "a", "f"};
    static const double q[] = {0.1 / 3, 0.1 / 3, 0.1 / 3, 0.0375, 0.9};
    static const double bonferroni[] = {0.05, 0.1, 0.1, 0.15, 1};
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(run.table.columns[0].texts[i], order[i]);
    for (size_t i = 0; i < 5; i++) {
        test_near(test_column(&run, "q")[i], q[i], 1e-12, "q");
        test_near(test_column(&run, "p_bonferroni")[i], bonferroni[i], 1e-12, "Bonferroni");
    }
    assert_true(isnan(test_column(&run, "q")[5])); /* nobody came: not tested */
    test_run_release(&run);
}

/* Venues without a later positive are the same test with a row and without one. */
static void venues_without_rows_count_among_the_tests(void **state)
{
    (void)state;
    enum { ROWS_WITH = 3, ROWLESS = 40 };
    static struct venue_row rows[ROWS_WITH + ROWLESS] = {
        {0, 0, 50, 6, 0.01}, {1, 0, 80, 4, 0.01}, {2, 0, 30, 1, 0.02}};
    struct venue_excess *whole, *part;
    struct arena arena;
    struct error err;
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    for (uint32_t v = ROWS_WITH; v < ROWS_WITH + ROWLESS; v++)
        rows[v] = (struct venue_row){v, 0, 10, 0, 0.01};
    struct venue_counts counts = {.source = "test",
                                  .row_count = ROWS_WITH + ROWLESS,
                                  .venue_count = ROWS_WITH + ROWLESS,
                                  .stratum_count = 1,
                                  .rows = rows};
    test_done_or_fail(venue_excess(&counts, &arena, &whole, &err), &err);
    counts.row_count = counts.venue_count = ROWS_WITH;
    counts.rowless = ROWLESS;
    test_done_or_fail(venue_excess(&counts, &arena, &part, &err), &err);
    for (size_t i = 0; i < ROWS_WITH; i++) {
        assert_int_equal(part[i].venue, whole[i].venue);
        test_near(part[i].p, whole[i].p, 1e-15, "p");
        test_near(part[i].q, whole[i].q, 1e-12, "q");
        test_near(part[i].p_bonferroni, whole[i].p_bonferroni, 1e-12, "Bonferroni");
    }
    assert_true(part[0].q > 3 * part[0].p);
    arena_release(&arena);
}

/* 300 venues without an excess, 400 cities: the least corrected p is at or below 0.05 in at most
 * one of twenty; with twenty true excesses a q of 0.1 is wrong in at most one of ten. */
static void false_finds_are_as_rare_as_stated(void **state)
{
    (void)state;
    enum { VENUES = 300, CITIES = 400, TRUE_ONES = 20 };
    double wrong_cities = 0, share_wrong = 0, found = 0;
    for (uint64_t city = 0; city < 2 * CITIES; city++) {
        static struct venue_row rows[2 * VENUES];
        struct venue_excess *excess;
        struct random random;
        struct arena arena;
        struct error err;
        bool with_true = city >= CITIES;
        random_init(&random, city, 9);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        for (uint32_t v = 0; v < VENUES; v++)
            for (uint32_t s = 0; s < 2; s++) {
                uint32_t visitors = 20 + random_below(&random, 400);
                double risk = (s ? 0.01 : 0.03) * (with_true && v < TRUE_ONES ? 4 : 1);
                rows[2 * v + s] =
                    (struct venue_row){v, s, visitors, draw_binomial(&random, visitors, risk), NAN};
            }
        struct venue_counts counts = {.source = "test",
                                      .row_count = 2 * VENUES,
                                      .venue_count = VENUES,
                                      .stratum_count = 2,
                                      .rows = rows};
        test_done_or_fail(venue_excess(&counts, &arena, &excess, &err), &err);
        double named = 0, wrong = 0;
        for (size_t i = 0; i < VENUES && excess[i].q <= 0.1; i++) {
            named++;
            wrong += excess[i].venue >= TRUE_ONES;
        }
        if (!with_true)
            wrong_cities += excess[0].p_bonferroni <= 0.05;
        else {
            share_wrong += named > 0 ? wrong / named : 0;
            found += named - wrong;
        }
        arena_release(&arena);
    }
    print_message("# wrong in %.3f of cities; %.3f of those named wrong; %.1f of %d found\n",
                  wrong_cities / CITIES, share_wrong / CITIES, found / CITIES, TRUE_ONES);
    assert_true(wrong_cities / CITIES <= 0.05 + 3 * sqrt(0.05 * 0.95 / CITIES));
    assert_true(share_wrong / CITIES <= 0.1 + 0.01);
    assert_true(found / CITIES > 0.8 * TRUE_ONES);
}

static void what_is_no_table_of_venues_is_refused_with_row_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"venue,visitors\nA,1\n", "error: the columns are not those of venues and their visitors"},
        {"venue,visitors,later_positive\n,1,1\n",
         "error: '' cannot be read, test.csv, row 1, field venue"},
        {"venue,visitors,later_positive\nA,1.5,1\n",
         "error: '1.5' cannot be read, test.csv, row 1, field visitors"},
        {"venue,visitors,later_positive\nA,1e10,1\n", "error: '1e10' cannot be read"},
        {"venue,visitors,later_positive\nA,3,4\n",
         "error: '4' cannot be read, test.csv, row 1, field later_positive"},
        {"venue,visitors,later_positive\nA,NA,4\n", "error: 'NA' cannot be read"},
        {"venue,visitors,later_positive\nA,600000000,0\nB,600000000,0\n",
         "error: the stratum has too many visitors, test.csv, row 2, field visitors"},
        {"venue,visitors,later_positive,expected_share\nA,3,1,1.1\n",
         "error: '1.1' cannot be read, test.csv, row 1, field expected_share"},
        {"venue,visitors,later_positive,stratum\nA,3,1,x\nB,1,1,x\nA,2,1,x\n",
         "error: venue 'A' has two rows of the stratum 'x', test.csv, field venue"},
        {"venue,visitors,later_positive,stratum\nA,30000,10000,x\nA,2,1,y\n",
         "error: venue 'A' has 10001, test.csv, field later_positive"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        char line[900];
        if (test_try(&run, "scan", "venues", rows[i].text, NULL, &err))
            fail_msg("taken: '%s'", rows[i].text);
        error_line(&err, line, sizeof line);
        if (strncmp(line, rows[i].words, strlen(rows[i].words)) != 0)
            fail_msg("'%s' for '%s'", line, rows[i].text);
        test_run_release(&run);
    }
    struct test_run run;
    test_run(&run, "scan", "venues", "venue,visitors,later_positive\n", NULL);
    assert_int_equal(run.table.row_count, 0);
    test_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masses_equal_the_textbooks),
        cmocka_unit_test(one_row_has_the_tail_of_its_law),
        cmocka_unit_test(several_rows_have_the_tail_of_their_sum),
        cmocka_unit_test(small_tails_keep_their_digits),
        cmocka_unit_test(corrections_are_bonferronis_and_benjamini_and_hochbergs),
        cmocka_unit_test(venues_without_rows_count_among_the_tests),
        cmocka_unit_test(false_finds_are_as_rare_as_stated),
        cmocka_unit_test(what_is_no_table_of_venues_is_refused_with_row_and_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
