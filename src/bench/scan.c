/* bench scan: the space–time scan of a city, and what it finds of planted clusters.
 *
 * Speed: 1 400 places × 60 days (one case a place and day on average), circles of at most 50
 * places, 14 days, 999 replicates without early stopping, two threads, counts in memory. There is
 * no peer: the stated limit of 2 s stands in its place, for `scan.poisson` and `scan.permutation`;
 * the same with ten cases a place and day is said beside it.
 *
 * Power: 200 places × 60 days, half a case a place and day; a planted cluster is a place with its
 * nearest ones on the last days, its rate raised. Found: p of rank 1 at most 0.05 (drawing stops
 * at 50 replicates as great, which decides the same as all 999). Right: the mean over the found
 * ones of places in both, over places in either. --queries N maps a line. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "bench/benches.h"
#include "sensing/scan.h"
#include "sensing/sensing.h"

static const double scan_seconds_max = 2;

/* ---- Cities ---- */

struct scan_city {
    struct scan_counts counts;
    double *x, *y, *expected;
    uint32_t *cases;
    const char **names;
};

static void city_make(size_t places, size_t days, double level, uint64_t seed,
                      struct scan_city *city)
{
    struct random random;
    random_init(&random, seed, 0);
    *city = (struct scan_city){.x = x_alloc(places, sizeof(double)),
                               .y = x_alloc(places, sizeof(double)),
                               .expected = x_alloc(places * days, sizeof(double)),
                               .cases = x_alloc(places * days, sizeof(uint32_t)),
                               .names = x_alloc(places, sizeof(char *))};
    for (size_t p = 0; p < places; p++) {
        double mean = level * (0.2 + 1.6 * random_unit(&random));
        city->names[p] = "place";
        city->x[p] = 80 * random_unit(&random);
        city->y[p] = 60 * random_unit(&random);
        for (size_t d = 0; d < days; d++)
            city->expected[p * days + d] = mean * (d % 7 < 5 ? 1.1 : 0.75);
    }
    city->counts = (struct scan_counts){.source = "bench scan",
                                        .place_count = places,
                                        .day_count = days,
                                        .places = city->names,
                                        .x = city->x,
                                        .y = city->y,
                                        .first_day = 19000,
                                        .cases = city->cases,
                                        .expected = city->expected,
                                        .absent = SIZE_MAX};
}

static void city_release(struct scan_city *city)
{
    free(city->x);
    free(city->y);
    free(city->expected);
    free(city->cases);
    free(city->names);
}

/* A Poisson number: uniform numbers are multiplied until they are below e^-mean. */
static uint32_t draw_count(struct random *random, double mean)
{
    double limit = exp(-mean), product = random_unit(random);
    uint32_t count = 0;
    for (; product > limit; count++)
        product *= random_unit(random);
    return count;
}

/* Cases as expected, times `risk` at the planted places on the last `days`. */
static void city_draw(struct scan_city *city, const bool *planted, size_t days, double risk,
                      struct random *random)
{
    size_t all = city->counts.day_count;
    for (size_t cell = 0; cell < city->counts.place_count * all; cell++) {
        bool inside = planted && planted[cell / all] && cell % all + days >= all;
        city->cases[cell] = draw_count(random, city->expected[cell] * (inside ? risk : 1));
    }
}

static struct scan_settings settings_of(enum scan_model model)
{
    return (struct scan_settings){.model = model,
                                  .circle_places_max = 50,
                                  .days_max = 14,
                                  .replicates = 999,
                                  .clusters_max = 10,
                                  .threads = 2,
                                  .seed = 1};
}

/* ---- Speed ---- */

static bool time_scan(struct workshop *workshop, enum scan_model model, double level,
                      double *ret_seconds, struct error *err)
{
    struct scan_city city;
    struct scan_result result;
    struct random random;
    struct arena arena;
    struct scan_settings settings = settings_of(model);
    random_init(&random, 8, 0);
    city_make(1400, 60, level, 20220414, &city);
    city_draw(&city, NULL, 0, 1, &random);
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    double begun = world_elapsed_seconds();
    bool done = scan_run(&city.counts, &settings, &arena, &result, err);
    *ret_seconds = world_elapsed_seconds() - begun;
    if (done)
        workshop_say(workshop, "%-11s %4.0f cases a place and day: %.3f s, rank 1 llr %.2f p %.3f",
                     model == SCAN_POISSON ? "poisson" : "permutation", level, *ret_seconds,
                     result.clusters[0].llr, result.clusters[0].p);
    arena_release(&arena);
    city_release(&city);
    return done;
}

static bool measure_speed(struct workshop *workshop, struct error *err)
{
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++) {
        struct measure *measure =
            figures_add(&workshop->figures,
                        model == SCAN_POISSON ? "scan.poisson" : "scan.permutation", "s", true);
        double seconds;
        measure->peer_is_limit = true;
        for (int64_t pair = 0; pair < workshop->pairs; pair++) {
            if (!time_scan(workshop, model, 1, &seconds, err))
                return false;
            measure_add(measure, seconds, scan_seconds_max);
        }
        if (!time_scan(workshop, model, 10, &seconds, err))
            return false;
    }
    return true;
}

/* ---- Power ---- */

struct plan {
    const char *words;
    size_t places, days;
    double risk;
};
static const struct plan plans[] = {
    {"none", 0, 0, 1},
    {"small, twice", 3, 3, 2},
    {"small, three times", 3, 3, 3},
    {"small, four times", 3, 3, 4},
    {"medium, 1.5 times", 10, 7, 1.5},
    {"medium, twice", 10, 7, 2},
    {"medium, three times", 10, 7, 3},
};
enum { POWER_PLACES = 200, POWER_DAYS = 60 };

/* A place drawn at random and its nearest ones. */
static void plant(const struct scan_city *city, size_t count, struct random *random, bool *planted)
{
    size_t centre = random_below(random, POWER_PLACES);
    memset(planted, 0, POWER_PLACES);
    for (size_t found = 0; found < count; found++) {
        double least = INFINITY;
        size_t next = 0;
        for (size_t p = 0; p < POWER_PLACES; p++) {
            double far = hypot(city->x[p] - city->x[centre], city->y[p] - city->y[centre]);
            if (!planted[p] && far < least) {
                least = far;
                next = p;
            }
        }
        planted[next] = true;
    }
}

static double overlap(const struct scan_cluster *cluster, const bool *planted)
{
    double both = 0, either = cluster->place_count;
    for (size_t p = 0; p < POWER_PLACES; p++)
        either += planted[p];
    for (size_t j = 0; j < cluster->place_count; j++)
        both += planted[cluster->members[j]];
    return both / (either - both);
}

static bool judge_plan(struct workshop *workshop, struct scan_city *city, enum scan_model model,
                       const struct plan *plan, struct error *err)
{
    double found = 0, right = 0, days = 0, runs = (double)workshop->queries;
    struct scan_settings settings = settings_of(model);
    struct arena arena;
    bool done = true;
    settings.stop = 50;
    settings.clusters_max = 1;
    arena_init(&arena, METHOD_ARENA_BYTES_MAX);
    for (int64_t run = 0; done && run < workshop->queries; run++) {
        struct scan_result result;
        struct random random;
        bool planted[POWER_PLACES];
        random_init(&random, 77, (uint64_t)run);
        plant(city, plan->places, &random, planted);
        city_draw(city, planted, plan->days, plan->risk, &random);
        settings.seed = (uint64_t)run + 1;
        done = scan_run(&city->counts, &settings, &arena, &result, err);
        if (done && result.clusters[0].p <= 0.05) {
            found++;
            right += overlap(&result.clusters[0], planted);
            days += result.clusters[0].days;
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    if (done)
        workshop_say(workshop, "%-11s %-20s found %.3f ± %.3f  right %.2f  days %.1f",
                     model == SCAN_POISSON ? "poisson" : "permutation", plan->words, found / runs,
                     sqrt(found / runs * (1 - found / runs) / runs),
                     found > 0 ? right / found : NAN, found > 0 ? days / found : NAN);
    return done;
}

static bool judge_power(struct workshop *workshop, struct error *err)
{
    struct scan_city city;
    bool done = true;
    city_make(POWER_PLACES, POWER_DAYS, 0.5, 3, &city);
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++)
        for (size_t i = 0; done && i < sizeof plans / sizeof *plans; i++)
            done = judge_plan(workshop, &city, model, &plans[i], err);
    city_release(&city);
    return done;
}

int bench_scan(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.pairs = 5, .queries = 200};
    bool speed_only = command_flag(&argc, argv, "--speed-only");
    bool done = workshop_open(&workshop, context, &bench_commands[BENCH_SCAN], argc, argv, err);
    done = done && measure_speed(&workshop, err) && (speed_only || judge_power(&workshop, err));
    return workshop_close(&workshop, "scan", done, err);
}
