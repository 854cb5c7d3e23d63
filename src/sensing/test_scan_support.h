/* Maps for the tests of the space–time scan. */
#ifndef CHENGMAI_SENSING_TEST_SCAN_SUPPORT_H
#define CHENGMAI_SENSING_TEST_SCAN_SUPPORT_H

#include "base/random.h"
#include "sensing/scan_internal.h"
#include "sensing/test_support.h"

enum { TEST_PLACES_MAX = 64, TEST_DAYS_MAX = 40 };
struct test_map {
    struct scan_counts counts;
    double x[TEST_PLACES_MAX], y[TEST_PLACES_MAX];
    const char *names[TEST_PLACES_MAX];
    uint32_t cases[TEST_PLACES_MAX * TEST_DAYS_MAX];
    double expected[TEST_PLACES_MAX * TEST_DAYS_MAX];
};

/* Places at random (on a grid of 5 × n where `grid`), no cases, expected counts of 0.2 … 1.8. */
static inline void test_map_make(struct test_map *map, size_t places, size_t days, bool grid,
                                 bool sphere, struct random *random)
{
    *map = (struct test_map){.counts = {.source = "test",
                                        .place_count = places,
                                        .day_count = days,
                                        .places = map->names,
                                        .x = map->x,
                                        .y = map->y,
                                        .sphere = sphere,
                                        .first_day = 19000,
                                        .cases = map->cases,
                                        .expected = map->expected,
                                        .absent = SIZE_MAX}};
    for (size_t p = 0; p < places; p++) {
        map->names[p] = "place";
        map->x[p] = (sphere ? 119.5 : 0) + (grid ? 0.1 * (double)(p % 5) : random_unit(random));
        map->y[p] = (sphere ? 31.5 : 0) + (grid ? 0.1 * (double)(p / 5) : random_unit(random));
        double level = 0.2 + 0.8 * random_unit(random);
        for (size_t d = 0; d < days; d++)
            map->expected[p * days + d] = level * (1 + 0.8 * random_unit(random));
    }
}

/* `total` cases as expected: no cluster. By search along the sums, not as the scan draws. */
static inline void test_map_draw(struct test_map *map, size_t total, struct random *random)
{
    size_t cells = map->counts.place_count * map->counts.day_count;
    double sum = 0, sums[TEST_PLACES_MAX * TEST_DAYS_MAX];
    memset(map->cases, 0, sizeof map->cases);
    for (size_t i = 0; i < cells; i++)
        sums[i] = sum += map->expected[i];
    for (size_t i = 0; i < total; i++) {
        double at = random_unit(random) * sum;
        size_t low = 0, high = cells - 1;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (sums[middle] > at)
                high = middle;
            else
                low = middle + 1;
        }
        map->cases[low]++;
    }
}

static inline struct scan_settings test_scan_settings(enum scan_model model, size_t places,
                                                      size_t days, size_t replicates)
{
    return (struct scan_settings){.model = model,
                                  .circle_places_max = places,
                                  .days_max = days,
                                  .replicates = replicates,
                                  .clusters_max = 10,
                                  .threads = 1,
                                  .seed = 7};
}

static inline void test_scan(const struct test_map *map, const struct scan_settings *settings,
                             struct arena *arena, struct scan_result *result)
{
    struct error err = {0};
    test_done_or_fail(scan_run(&map->counts, settings, arena, result, &err), &err);
}

#endif
