/* The scan against a naive twin: circles by radius, counts cell by cell, ratios as the papers write
 * them, clusters by looking at every cylinder again; and maps at the edge of what can be. */
#include "sensing/test_scan_support.h"

/* ---- The twin ---- */

struct cylinder {
    size_t centre, places, days;
    bool inside[TEST_PLACES_MAX];
    double cases, expected, llr;
};
enum { CYLINDERS_MAX = TEST_PLACES_MAX * TEST_PLACES_MAX * SCAN_LANES };
static struct cylinder cylinders[CYLINDERS_MAX];

static double twin_distance(const struct scan_counts *counts, size_t p, size_t q)
{
    if (!counts->sphere)
        return hypot(counts->x[p] - counts->x[q], counts->y[p] - counts->y[q]);
    double radian = M_PI / 180, a = counts->y[p] * radian, b = counts->y[q] * radian;
    double lift = sin((b - a) / 2), turn = sin((counts->x[q] - counts->x[p]) * radian / 2);
    return 2 * 6371.0088 * asin(sqrt(lift * lift + cos(a) * cos(b) * turn * turn));
}

static double twin_expected(const struct scan_counts *counts, enum scan_model model,
                            const struct cylinder *cylinder)
{
    long double in = 0, all = 0, cases = 0, of_places = 0, of_days = 0;
    size_t days = counts->day_count;
    for (size_t p = 0; p < counts->place_count; p++)
        for (size_t d = 0; d < days; d++) {
            bool late = d + cylinder->days >= days, inside = cylinder->inside[p];
            long double weight = counts->expected[p * days + d],
                        count = counts->cases[p * days + d];
            all += weight;
            cases += count;
            in += inside && late ? weight : 0;
            of_places += inside ? count : 0;
            of_days += late ? count : 0;
        }
    return (double)(model == SCAN_POISSON ? in * cases / all : of_places * of_days / cases);
}

static double twin_llr(long double cases, long double expected, long double total)
{
    if (cases <= expected)
        return 0;
    long double rest = total - cases;
    return (double)(cases * logl(cases / expected) +
                    (rest > 0 ? rest * logl(rest / (total - expected)) : 0));
}

/* All cylinders with their expected counts; cases and ratios of the map's own counts. */
static size_t twin_cylinders(const struct test_map *map, const struct scan_settings *settings)
{
    const struct scan_counts *counts = &map->counts;
    size_t n = counts->place_count, days = counts->day_count, found = 0;
    double total = 0;
    for (size_t i = 0; i < n * days; i++)
        total += counts->cases[i];
    for (size_t centre = 0; centre < n; centre++)
        for (size_t size = 1; size <= settings->circle_places_max && size <= n; size++)
            for (size_t far = 0; far < n; far++) {
                struct cylinder one = {.centre = centre};
                double radius = twin_distance(counts, centre, far);
                for (size_t p = 0; p < n; p++) {
                    one.inside[p] = twin_distance(counts, centre, p) <= radius * (1 + 1e-6);
                    one.places += one.inside[p];
                }
                if (one.places != size)
                    continue;
                for (one.days = 1; one.days <= settings->days_max && one.days <= days; one.days++) {
                    one.cases = 0;
                    for (size_t p = 0; p < n; p++)
                        for (size_t d = days - one.days; d < days; d++)
                            one.cases += one.inside[p] ? counts->cases[p * days + d] : 0;
                    one.expected = twin_expected(counts, settings->model, &one);
                    one.llr = twin_llr(one.cases, one.expected, total);
                    cylinders[found++] = one;
                }
                break; /* others at the same distance make the same circle */
            }
    return found;
}

static const struct cylinder *twin_next(size_t count, const bool *taken)
{
    const struct cylinder *best = NULL;
    for (size_t i = 0; i < count; i++) {
        bool free_of_taken = true;
        for (size_t p = 0; p < TEST_PLACES_MAX; p++)
            free_of_taken = free_of_taken && !(taken[p] && cylinders[i].inside[p]);
        if (!free_of_taken || cylinders[i].llr <= 1e-9)
            continue;
        if (!best || cylinders[i].llr > best->llr * (1 + 1e-10) ||
            (cylinders[i].places < best->places && cylinders[i].llr >= best->llr * (1 - 1e-10)))
            best = &cylinders[i];
    }
    return best;
}

static void check_near(double got, double expected, const char *what, uint64_t seed)
{
    if (!(fabs(got - expected) <= 1e-9 * fmax(1, fabs(expected))))
        fail_msg("seed %llu: %s is %.15g, the twin's %.15g", (unsigned long long)seed, what, got,
                 expected);
}

static void check_clusters(const struct scan_result *result, size_t count, size_t wanted,
                           uint64_t seed)
{
    bool taken[TEST_PLACES_MAX] = {0};
    for (size_t c = 0;; c++) {
        const struct cylinder *twin = twin_next(count, taken);
        if (!twin || c == wanted) {
            assert_int_equal(result->cluster_count, c);
            return;
        }
        assert_true(c < result->cluster_count);
        const struct scan_cluster *cluster = &result->clusters[c];
        check_near(cluster->llr, twin->llr, "the ratio", seed);
        check_near(cluster->expected, twin->expected, "the expected count", seed);
        assert_true(cluster->cases == twin->cases);
        assert_int_equal(cluster->centre, twin->centre);
        assert_int_equal(cluster->days, twin->days);
        assert_int_equal(cluster->place_count, twin->places);
        for (size_t j = 0; j < cluster->place_count; j++)
            assert_true(twin->inside[cluster->members[j]]);
        for (size_t p = 0; p < TEST_PLACES_MAX; p++)
            taken[p] = taken[p] || twin->inside[p];
    }
}

static void make_random_map(struct test_map *map, struct scan_settings *settings, uint64_t seed)
{
    struct random random;
    random_init(&random, seed, 1);
    size_t places = 1 + random_below(&random, 24), days = 1 + random_below(&random, 25);
    test_map_make(map, places, days, random_below(&random, 2), random_below(&random, 2), &random);
    if (random_below(&random, 3) == 0) /* whole numbers: cylinders of equal ratios */
        for (size_t i = 0; i < places * days; i++)
            map->expected[i] = 1 + random_below(&random, 2);
    test_map_draw(map, random_below(&random, 400), &random);
    for (uint32_t extra = random_below(&random, 3); extra > 0; extra--)
        map->cases[random_below(&random, (uint32_t)places) * days + days - 1] +=
            random_below(&random, 30);
    *settings =
        test_scan_settings(random_below(&random, 2) ? SCAN_POISSON : SCAN_PERMUTATION,
                           6 + random_below(&random, 12), 1 + random_below(&random, SCAN_LANES), 0);
    settings->clusters_max = 1 + random_below(&random, 6);
}

static void ratios_and_clusters_equal_the_twins(void **state)
{
    (void)state;
    size_t with_several = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        static struct test_map map;
        struct scan_settings settings;
        struct scan_result result;
        struct arena arena;
        make_random_map(&map, &settings, seed);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        test_scan(&map, &settings, &arena, &result);
        check_clusters(&result, twin_cylinders(&map, &settings), settings.clusters_max, seed);
        with_several += result.cluster_count > 1;
        arena_release(&arena);
    }
    assert_true(with_several > 100);
}

/* The twin's cylinders keep their expected counts: of a replicate only the cases are others. */
static double twin_maximum(size_t count, const int32_t *rows, double total)
{
    double greatest = 0;
    for (size_t i = 0; i < count; i++) {
        double cases = 0;
        for (size_t p = 0; p < TEST_PLACES_MAX; p++)
            cases += cylinders[i].inside[p] ? rows[p * SCAN_LANES + cylinders[i].days - 1] : 0;
        greatest = fmax(greatest, twin_llr(cases, cylinders[i].expected, total));
    }
    return greatest;
}

static void maxima_of_replicates_equal_the_twins_whatever_the_level(void **state)
{
    (void)state;
    static const double levels[] = {0.01, 1, 3, 6, 40};
    for (uint64_t seed = 1000; seed < 1060; seed++) {
        static struct test_map map;
        struct scan_settings settings;
        struct scan scan;
        struct scan_null null;
        struct scan_room room;
        struct scan_level level;
        struct error err = {0};
        struct arena arena;
        make_random_map(&map, &settings, seed);
        size_t count = twin_cylinders(&map, &settings);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        test_done_or_fail(scan_begin(&map.counts, &settings, &arena, &scan, &err), &err);
        if (scan.total > 0) {
            scan_null_init(&scan, seed, &arena, &null);
            scan_room_init(&null, &arena, &room);
            scan_level_init(&scan, &arena, &level);
            for (size_t i = 0; i < ROWS(levels); i++) {
                scan_draw(&null, i, &room);
                scan_level_set(&scan, levels[i], &level);
                check_near(scan_maximum(&scan, &level, room.rows),
                           twin_maximum(count, room.rows, scan.total), "a maximum", seed);
            }
        }
        arena_release(&arena);
    }
}

/* ---- Rules and edges ---- */

static void places_at_equal_distance_come_together_or_not_at_all(void **state)
{
    (void)state;
    static struct test_map map;
    struct random random;
    struct circles circles;
    struct arena arena;
    struct error err = {0};
    random_init(&random, 1, 1);
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    test_map_make(&map, 25, 3, true, false, &random); /* 5 × 5 */
    assert_true(circles_make(&map.counts, 6, &arena, &circles, &err));
    assert_int_equal(circles.sizes[12], 5); /* itself and four; the next four would make nine */
    assert_true(circles.ends[12 * 6] && circles.ends[12 * 6 + 4]);
    assert_false(circles.ends[12 * 6 + 1] || circles.ends[12 * 6 + 3] || circles.ends[12 * 6 + 5]);
    assert_true(fabs(circles.radii[12 * 6 + 4] - 0.1) < 1e-12);
    for (size_t p = 0; p < 25; p++)
        map.x[p] = map.y[p] = 1;
    assert_false(circles_make(&map.counts, 24, &arena, &circles, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_string_equal(err.field, "places");
    assert_true(circles_make(&map.counts, 25, &arena, &circles, &err));
    assert_int_equal(circles.sizes[7], 25);
    arena_release(&arena);
}

static void a_great_circle_is_as_long_as_the_textbook_says(void **state)
{
    (void)state;
    static struct test_map map;
    struct random random;
    struct circles circles;
    struct arena arena;
    struct error err;
    random_init(&random, 1, 1);
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    test_map_make(&map, 2, 1, false, true, &random);
    map.x[0] = 0;
    map.y[0] = 0;
    map.x[1] = 90;
    map.y[1] = 0;
    assert_true(circles_make(&map.counts, 2, &arena, &circles, &err));
    assert_true(fabs(circles.radii[1] - 6371.0088 * M_PI / 2) < 1e-6); /* a quarter of the globe */
    map.x[1] = 0;
    map.y[1] = 0.00001; /* about a metre */
    assert_true(circles_make(&map.counts, 2, &arena, &circles, &err));
    assert_true(fabs(circles.radii[1] - 6371.0088 * M_PI / 180 * 1e-5) < 1e-9);
    arena_release(&arena);
}

static void a_planted_cluster_comes_first_and_others_share_no_place_with_it(void **state)
{
    (void)state;
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++) {
        static struct test_map map;
        struct random random;
        struct scan_result result;
        struct arena arena;
        struct scan_settings settings = test_scan_settings(model, 12, 14, 199);
        random_init(&random, 5, 1);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        test_map_make(&map, 40, 30, false, false, &random);
        test_map_draw(&map, 1200, &random);
        map.cases[17 * 30 + 28] += 12;
        map.cases[17 * 30 + 29] += 14;
        test_scan(&map, &settings, &arena, &result);
        assert_int_equal(result.clusters[0].centre, 17);
        assert_int_equal(result.clusters[0].days, 2);
        assert_true(result.clusters[0].p == 1.0 / 200);
        assert_true(result.cluster_count > 3);
        size_t times[TEST_PLACES_MAX] = {0};
        for (size_t c = 0; c < result.cluster_count; c++) {
            assert_true(c == 0 || result.clusters[c].llr <= result.clusters[c - 1].llr);
            for (size_t j = 0; j < result.clusters[c].place_count; j++)
                assert_int_equal(times[result.clusters[c].members[j]]++, 0);
        }
        arena_release(&arena);
    }
}

static void maps_at_the_edge_have_an_answer(void **state)
{
    (void)state;
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++) {
        static struct test_map map;
        struct random random;
        struct scan_result result;
        struct arena arena;
        struct scan_settings settings = test_scan_settings(model, 50, 16, 99);
        random_init(&random, 6, 1);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        test_map_make(&map, 9, 20, false, false, &random);
        test_scan(&map, &settings, &arena, &result); /* no case at all */
        assert_int_equal(result.cluster_count, 0);
        map.cases[20 * 3 + 19] = 1; /* one case, on the last day */
        test_scan(&map, &settings, &arena, &result);
        assert_int_equal(result.cluster_count, model == SCAN_POISSON ? 1 : 0);
        map.cases[20 * 3 + 19] = 1000000; /* all cases in one cell */
        test_scan(&map, &settings, &arena, &result);
        if (model == SCAN_POISSON) {
            assert_int_equal(result.clusters[0].centre, 3);
            assert_true(isinf(result.clusters[0].relative_risk));
            assert_true(result.clusters[0].p == 0.01);
        } else
            assert_int_equal(result.cluster_count, 0); /* as place and day demand */
        test_map_make(&map, 1, 1, false, false, &random);
        map.cases[0] = 5;
        test_scan(&map, &settings, &arena, &result); /* one place and day: nothing to compare */
        assert_int_equal(result.cluster_count, 0);
        test_map_make(&map, 1, 30, false, false, &random);
        map.cases[3] = 5;
        map.cases[29] = 9;
        test_scan(&map, &settings, &arena, &result); /* one place: days alone */
        assert_int_equal(result.cluster_count, model == SCAN_POISSON ? 1 : 0);
        arena_release(&arena);
    }
}

static void a_cell_without_an_expected_count_takes_no_part(void **state)
{
    (void)state;
    static struct test_map map;
    struct random random;
    struct scan_result result;
    struct arena arena;
    struct scan_settings settings = test_scan_settings(SCAN_POISSON, 5, 3, 99);
    random_init(&random, 8, 1);
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    test_map_make(&map, 10, 12, false, false, &random);
    for (size_t p = 0; p < 10; p++)
        for (size_t d = 0; d < 12; d++)
            map.expected[p * 12 + d] = p < 4 || d == 11 ? 0 : 1;
    test_map_draw(&map, 300, &random);
    map.cases[6 * 12 + 10] += 25;
    test_scan(&map, &settings, &arena, &result);
    assert_int_equal(result.clusters[0].centre, 6);
    assert_int_equal(result.clusters[0].days, 2); /* the last day is missing everywhere */
    assert_true(result.clusters[0].p == 0.01);
    for (size_t c = 0; c < result.cluster_count; c++)
        assert_true(result.clusters[c].expected > 0);
    arena_release(&arena);
}

static void risks_are_those_inside_over_those_outside(void **state)
{
    (void)state;
    static struct test_map map;
    struct random random;
    struct scan_result result;
    struct arena arena;
    struct scan_settings settings = test_scan_settings(SCAN_POISSON, 1, 1, 0);
    random_init(&random, 9, 1);
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    test_map_make(&map, 2, 2, false, false, &random);
    for (size_t i = 0; i < 4; i++)
        map.expected[i] = 10;
    map.cases[0] = map.cases[1] = map.cases[2] = 4;
    map.cases[3] = 12; /* twelve where ten of forty were expected: 24 × 10 / 40 = 6 */
    test_scan(&map, &settings, &arena, &result);
    assert_int_equal(result.cluster_count, 1);
    check_near(result.clusters[0].expected, 6, "expected", 9);
    check_near(result.clusters[0].relative_risk, (12.0 / 6) / (12.0 / 18), "risk", 9);
    check_near(result.clusters[0].llr, 12 * log(2) + 12 * log(12.0 / 18), "ratio", 9);
    assert_true(isnan(result.clusters[0].p));
    settings.model = SCAN_PERMUTATION;
    test_scan(&map, &settings, &arena, &result); /* 16 of the place, 16 of the day, 24 in all */
    check_near(result.clusters[0].expected, 16.0 * 16 / 24, "expected", 9);
    check_near(result.clusters[0].relative_risk, 12 / (16.0 * 16 / 24), "risk", 9);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_and_clusters_equal_the_twins),
        cmocka_unit_test(maxima_of_replicates_equal_the_twins_whatever_the_level),
        cmocka_unit_test(places_at_equal_distance_come_together_or_not_at_all),
        cmocka_unit_test(a_great_circle_is_as_long_as_the_textbook_says),
        cmocka_unit_test(a_planted_cluster_comes_first_and_others_share_no_place_with_it),
        cmocka_unit_test(maps_at_the_edge_have_an_answer),
        cmocka_unit_test(a_cell_without_an_expected_count_takes_no_part),
        cmocka_unit_test(risks_are_those_inside_over_those_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
