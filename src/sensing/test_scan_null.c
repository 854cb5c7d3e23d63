/* Replicates and p-values: what is drawn follows the null model, p-values are uniform under it, and
 * no smaller than stated when drawing stops early. The seeds are fixed: a bound of four or five
 * standard errors that holds once holds always. */
#include "sensing/draws.h"
#include "sensing/test_scan_support.h"
#include "sensing/venue_excess.h"

/* Chi-square of counts against masses, cells with less than 5 expected taken together; its
 * standardised distance from its mean. */
static double chi_square_z(const double *counts, const double *masses, size_t cells, double draws)
{
    double sum = 0, degrees = -1, rest_count = 0, rest_mass = 0;
    for (size_t i = 0; i <= cells; i++) {
        double count = i < cells ? counts[i] : rest_count;
        double mass = i < cells ? masses[i] : rest_mass;
        if (mass * draws < 5 && i < cells) {
            rest_count += count;
            rest_mass += mass;
        } else if (mass * draws > 0.5) {
            sum += (count - mass * draws) * (count - mass * draws) / (mass * draws);
            degrees++;
        }
    }
    return (sum - degrees) / sqrt(2 * degrees);
}

static void binomial_numbers_have_their_masses(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    static const struct {
        uint32_t trials;
        double probability;
    } rows[] = {{1, 0.3},    {7, 0.5},    {40, 0.02},     {100, 0.1},  {100, 0.93},
                {25, 0.499}, {300, 0.04}, {100000, 1e-4}, {1000, 0.5}, {3000, 0.7}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        static double counts[100001], masses[100001];
        struct random random;
        random_init(&random, 11, i);
        memset(counts, 0, sizeof counts);
        for (size_t k = 0; k <= rows[i].trials; k++)
            masses[k] = binomial_mass((double)k, rows[i].trials, rows[i].probability);
        for (int d = 0; d < DRAWS; d++)
            counts[draw_binomial(&random, rows[i].trials, rows[i].probability)]++;
        double z = chi_square_z(counts, masses, rows[i].trials + 1, DRAWS);
        if (fabs(z) > 4.5)
            fail_msg("binomial(%u, %g): z = %.2f", rows[i].trials, rows[i].probability, z);
    }
    struct random random;
    random_init(&random, 1, 1);
    assert_int_equal(draw_binomial(&random, 9, 0), 0);
    assert_int_equal(draw_binomial(&random, 9, 1), 9);
    assert_int_equal(draw_binomial(&random, 0, 0.5), 0);
}

struct null_map {
    struct test_map map;
    struct scan scan;
    struct scan_null null;
    struct scan_room room;
    struct arena arena;
};

static void null_map_make(struct null_map *out, enum scan_model model, size_t places, size_t days,
                          size_t total, size_t lanes)
{
    struct random random;
    struct error err;
    struct scan_settings settings = test_scan_settings(model, places, lanes, 1);
    random_init(&random, total, 3);
    arena_init(&out->arena, METHOD_ARENA_BYTES_MAX);
    test_map_make(&out->map, places, days, false, false, &random);
    test_map_draw(&out->map, total, &random);
    test_done_or_fail(scan_begin(&out->map.counts, &settings, &out->arena, &out->scan, &err), &err);
    scan_null_init(&out->scan, 5, &out->arena, &out->null);
    scan_room_init(&out->null, &out->arena, &out->room);
}

/* Cases of a place on its last h + 1 days less those of its last h. */
static int32_t cell_cases(const struct null_map *of, size_t place, size_t back)
{
    const int32_t *row = &of->room.rows[place * SCAN_LANES];
    return row[back] - (back ? row[back - 1] : 0);
}

/* Few cases are drawn one by one, many a cell at a time: both as expected. */
static void poisson_replicates_follow_what_was_expected(void **state)
{
    (void)state;
    static const size_t totals[] = {60, 40000};
    for (size_t i = 0; i < ROWS(totals); i++) {
        enum { PLACES = 11, DAYS = 23, LANES = 9, MAPS = 4000 };
        static struct null_map of;
        static double sums[PLACES * LANES + 1], masses[PLACES * LANES + 1];
        double expected = 0, square = 0, total = (double)totals[i];
        memset(sums, 0, sizeof sums);
        null_map_make(&of, SCAN_POISSON, PLACES, DAYS, totals[i], LANES);
        for (size_t cell = 0; cell < PLACES * DAYS; cell++)
            expected += of.map.expected[cell];
        masses[PLACES * LANES] = 1;
        for (size_t cell = 0; cell < PLACES * LANES; cell++) {
            size_t at = (cell / LANES + 1) * DAYS - 1 - cell % LANES;
            masses[cell] = of.map.expected[at] / expected;
            masses[PLACES * LANES] -= masses[cell];
        }
        for (uint64_t m = 0; m < MAPS; m++) {
            double window = 0;
            scan_draw(&of.null, m, &of.room);
            for (size_t cell = 0; cell < PLACES * LANES; cell++) {
                int32_t here = cell_cases(&of, cell / LANES, cell % LANES);
                assert_true(here >= 0);
                sums[cell] += here;
                window += here;
            }
            sums[PLACES * LANES] += total - window;
            double away = window - total * (1 - masses[PLACES * LANES]);
            square += away * away;
        }
        /* all cases of all maps: one multinomial draw of MAPS × total */
        double z = chi_square_z(sums, masses, PLACES * LANES + 1, MAPS * total);
        double inside = 1 - masses[PLACES * LANES];
        double variance = square / MAPS / (total * inside * (1 - inside));
        if (fabs(z) > 4.5 || fabs(variance - 1) > 5 * sqrt(2.0 / MAPS))
            fail_msg("%zu cases: z = %.2f, variance over the binomial's %.3f", totals[i], z,
                     variance);
        arena_release(&of.arena);
    }
}

static void a_permutation_keeps_the_cases_of_places_and_days(void **state)
{
    (void)state;
    enum { PLACES = 7, DAYS = 12, TOTAL = 150, MAPS = 4000 };
    static struct null_map of;
    static double sums[PLACES][DAYS];
    double of_place[PLACES] = {0}, of_day[DAYS] = {0};
    null_map_make(&of, SCAN_PERMUTATION, PLACES, DAYS, TOTAL, DAYS);
    for (size_t p = 0; p < PLACES; p++)
        for (size_t d = 0; d < DAYS; d++) {
            of_place[p] += of.map.cases[p * DAYS + d];
            of_day[DAYS - 1 - d] += of.map.cases[p * DAYS + d];
        }
    for (uint64_t m = 0; m < MAPS; m++) {
        scan_draw(&of.null, m, &of.room);
        for (size_t p = 0; p < PLACES; p++)
            assert_true(of.room.rows[p * SCAN_LANES + DAYS - 1] == (int32_t)of_place[p]);
        for (size_t back = 0; back < DAYS; back++) {
            double day = 0;
            for (size_t p = 0; p < PLACES; p++) {
                sums[p][back] += cell_cases(&of, p, back);
                day += cell_cases(&of, p, back);
            }
            assert_true(day == of_day[back]);
        }
    }
    for (size_t p = 0; p < PLACES; p++)
        for (size_t back = 0; back < DAYS; back++) {
            double mean = of_place[p] * of_day[back] / TOTAL; /* hypergeometric */
            double variance =
                mean * (1 - of_place[p] / TOTAL) * (TOTAL - of_day[back]) / (TOTAL - 1);
            double z = (sums[p][back] / MAPS - mean) / sqrt(variance / MAPS);
            if (fabs(z) > 4.5)
                fail_msg("place %zu, day %zu: z = %.2f", p, back, z);
        }
    arena_release(&of.arena);
}

/* ---- p-values ---- */

static int compare_numbers(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* p-values of `count` maps without a cluster. */
static void null_p_values(enum scan_model model, size_t replicates, size_t stop, size_t count,
                          double *p)
{
    for (size_t i = 0; i < count; i++) {
        static struct test_map map;
        struct random random;
        struct scan_result result;
        struct arena arena;
        struct scan_settings settings = test_scan_settings(model, 5, 7, replicates);
        settings.stop = stop;
        settings.seed = 1000 + i;
        random_init(&random, i, 100 + (uint64_t)model);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        test_map_make(&map, 12, 20, false, false, &random);
        if (model == SCAN_PERMUTATION) /* places and days independent */
            for (size_t cell = 0; cell < 12 * 20; cell++)
                map.expected[cell] =
                    map.expected[cell / 20 * 20] * (1 + 0.5 * (double)(cell % 20 % 7));
        test_map_draw(&map, 150, &random);
        test_scan(&map, &settings, &arena, &result);
        p[i] = result.clusters[0].p;
        arena_release(&arena);
    }
    qsort(p, count, sizeof *p, compare_numbers);
}

/* All 999 replicates: p lies on 1/1000 … 1, each with the same probability but for ties, which
 * make it greater. Kolmogorov–Smirnov on that grid; 1.63 / √n is passed once in a hundred. */
static void p_values_are_uniform_without_a_cluster(void **state)
{
    (void)state;
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++) {
        enum { MAPS = 1000 };
        static double p[MAPS];
        double farthest = 0;
        null_p_values(model, 999, 0, MAPS, p);
        for (size_t k = 1, below = 0; k <= 1000; k++) {
            while (below < MAPS && p[below] <= ((double)k + 0.5) / 1000)
                below++;
            farthest = fmax(farthest, fabs((double)below / MAPS - (double)k / 1000));
        }
        print_message("# model %d: farthest from uniform %.4f of at most %.4f\n", model, farthest,
                      1.63 / sqrt(MAPS));
        assert_true(farthest < 1.63 / sqrt(MAPS));
    }
}

static void stopping_early_never_makes_p_smaller_than_stated(void **state)
{
    (void)state;
    static const double alphas[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.8};
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++) {
        enum { MAPS = 1200 };
        static double p[MAPS];
        null_p_values(model, 399, 5, MAPS, p);
        for (size_t i = 0; i < ROWS(alphas); i++) {
            size_t below = 0;
            while (below < MAPS && p[below] <= alphas[i] * (1 + 1e-12))
                below++;
            double error = sqrt(alphas[i] * (1 - alphas[i]) / MAPS), share = (double)below / MAPS;
            if (share > alphas[i] + 3 * error)
                fail_msg("P(p <= %g) is %g", alphas[i], share);
            if (alphas[i] < 0.5 && share < 0.6 * alphas[i] - 3 * error)
                fail_msg("P(p <= %g) is only %g", alphas[i], share);
        }
    }
}

/* What p and the replicates used must be, from the maxima themselves. */
static void p_values_are_what_their_maxima_say(void **state)
{
    (void)state;
    static struct test_map map;
    struct random random;
    struct scan_result all, stopped;
    struct arena arena;
    struct scan_settings settings = test_scan_settings(SCAN_PERMUTATION, 8, 7, 999);
    random_init(&random, 2, 2);
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    test_map_make(&map, 30, 30, false, false, &random);
    test_map_draw(&map, 700, &random);
    map.cases[5 * 30 + 29] += 4;
    test_scan(&map, &settings, &arena, &all);
    settings.stop = 10;
    test_scan(&map, &settings, &arena, &stopped);
    assert_int_equal(all.replicate_count, 999);
    assert_true(stopped.replicate_count <= 999 && all.cluster_count == stopped.cluster_count);
    assert_memory_equal(all.maxima, stopped.maxima, stopped.replicate_count * sizeof(double));
    for (size_t c = 0; c < all.cluster_count; c++) {
        size_t reached = 0, tenth = 0;
        for (size_t i = 0; i < 999; i++) {
            reached += all.maxima[i] >= all.clusters[c].llr * (1 - 1e-9);
            tenth = reached == 10 && tenth == 0 ? i + 1 : tenth;
        }
        assert_true(all.clusters[c].p == ((double)reached + 1) / 1000);
        assert_true(all.clusters[c].replicates == 999);
        assert_true(stopped.clusters[c].p == (tenth ? 10.0 / (double)tenth : all.clusters[c].p));
        assert_true(stopped.clusters[c].replicates == (tenth ? (double)tenth : 999));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binomial_numbers_have_their_masses),
        cmocka_unit_test(poisson_replicates_follow_what_was_expected),
        cmocka_unit_test(a_permutation_keeps_the_cases_of_places_and_days),
        cmocka_unit_test(p_values_are_uniform_without_a_cluster),
        cmocka_unit_test(stopping_early_never_makes_p_smaller_than_stated),
        cmocka_unit_test(p_values_are_what_their_maxima_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
