/* Maps without a cluster, for the replicates of the scan: only the last days of each are drawn.
 *
 * Poisson: the number of all cases that fall into the last days is binomial; each of them falls on
 * a place and day in proportion to what was expected there: one by one with Walker's alias method,
 * or by a binomial number a cell where cases are many. Permutation: each day takes its number of
 * cases from all cases without putting back, from the last day on; those of earlier days need no
 * order. */
#include "sensing/draws.h"
#include "sensing/scan_internal.h"

enum { CASES_A_CELL = 8 }; /* above it a binomial number a cell takes less time */

/* Expected cases of one place on one day, counted back from the last. */
static double cell_share(const struct scan *scan, size_t place, size_t back)
{
    return scan->counts->expected[(place + 1) * scan->counts->day_count - 1 - back];
}

/* Slots of equal width: slot i holds cell i up to thresholds[i] of 2^64, then cell others[i]. */
static void alias_init(const double *masses, double sum, struct arena *arena,
                       struct scan_null *null)
{
    size_t count = null->cell_count, low_count = 0, high_count = 0;
    double *filled = x_alloc(count, sizeof *filled);
    uint32_t *low = x_alloc(count, sizeof *low), *high = x_alloc(count, sizeof *high);
    null->thresholds = arena_alloc(arena, count * sizeof *null->thresholds);
    null->others = arena_alloc(arena, count * sizeof *null->others);
    for (size_t i = 0; i < count; i++) {
        filled[i] = masses[i] / sum * (double)count;
        null->thresholds[i] = UINT64_MAX;
        null->others[i] = (uint32_t)i;
        if (filled[i] < 1)
            low[low_count++] = (uint32_t)i;
        else
            high[high_count++] = (uint32_t)i;
    }
    while (low_count > 0 && high_count > 0) {
        uint32_t from = low[--low_count], with = high[high_count - 1];
        null->thresholds[from] = (uint64_t)(filled[from] * 0x1.0p63) * 2;
        null->others[from] = with;
        filled[with] -= 1 - filled[from];
        if (filled[with] < 1) {
            high_count--;
            low[low_count++] = with;
        }
    }
    free(filled);
    free(low);
    free(high);
}

static void poisson_init(const struct scan *scan, struct arena *arena, struct scan_null *null)
{
    size_t places = scan->counts->place_count, count = 0;
    null->cells = arena_alloc(arena, places * scan->days * sizeof *null->cells);
    null->shares = arena_alloc(arena, (places * scan->days + 1) * sizeof *null->shares);
    double *masses = x_alloc(places * scan->days, sizeof *masses);
    for (size_t p = 0; p < places; p++)
        for (size_t back = 0; back < scan->days; back++) {
            double mass = cell_share(scan, p, back);
            if (mass > 0) {
                masses[count] = mass;
                null->cells[count++] = (uint32_t)(p * SCAN_LANES + back);
            }
        }
    null->cell_count = count;
    for (size_t i = count; i-- > 0;)
        null->shares[i] = null->shares[i + 1] + masses[i];
    null->window_share = fmin(1, null->shares[0] / scan->divisor);
    if (scan->days == scan->counts->day_count)
        null->window_share = 1;
    if (count > 0)
        alias_init(masses, null->shares[0], arena, null);
    free(masses);
}

static void permutation_init(const struct scan *scan, struct arena *arena, struct scan_null *null)
{
    size_t at = 0;
    null->places = arena_alloc(arena, (null->total + 1) * sizeof *null->places);
    for (size_t p = 0; p < scan->counts->place_count; p++)
        for (double left = scan->weights[p * SCAN_LANES]; left > 0; left--)
            null->places[at++] = (uint32_t)p;
    for (size_t h = 0; h < scan->days; h++)
        null->day_cases[h] = (uint32_t)(scan->scale[h] - (h ? scan->scale[h - 1] : 0));
    REQUIRE(at == null->total);
}

void scan_null_init(const struct scan *scan, uint64_t seed, struct arena *arena,
                    struct scan_null *ret_null)
{
    *ret_null = (struct scan_null){.scan = scan, .seed = seed, .total = (uint32_t)scan->total};
    if (scan->model == SCAN_POISSON)
        poisson_init(scan, arena, ret_null);
    else
        permutation_init(scan, arena, ret_null);
}

void scan_room_init(const struct scan_null *null, struct arena *arena, struct scan_room *ret_room)
{
    size_t rows = null->scan->counts->place_count * SCAN_LANES;
    *ret_room = (struct scan_room){.rows = arena_alloc(arena, rows * sizeof *ret_room->rows)};
    if (null->places)
        ret_room->shuffled = arena_alloc(arena, (null->total + 1) * sizeof *ret_room->shuffled);
}

static void draw_poisson(const struct scan_null *null, struct random *random, int32_t *rows)
{
    uint32_t left = draw_binomial(random, null->total, null->window_share);
    size_t count = null->cell_count;
    if (count == 0)
        return;
    if (left / CASES_A_CELL > count) {
        for (size_t i = 0; i < count && left > 0; i++) {
            double mass = null->shares[i] - null->shares[i + 1];
            uint32_t here =
                i + 1 == count ? left : draw_binomial(random, left, mass / null->shares[i]);
            rows[null->cells[i]] = (int32_t)here;
            left -= here;
        }
        return;
    }
    for (; left > 0; left--) {
        unsigned __int128 product = (unsigned __int128)random_next(random) * count;
        size_t slot = (size_t)(product >> 64);
        uint32_t cell =
            (uint64_t)product < null->thresholds[slot] ? (uint32_t)slot : null->others[slot];
        rows[null->cells[cell]]++;
    }
}

static void draw_permutation(const struct scan_null *null, struct random *random,
                             struct scan_room *room)
{
    uint32_t *pool = room->shuffled, left = null->total;
    memcpy(pool, null->places, left * sizeof *pool);
    for (size_t h = 0; h < null->scan->days; h++)
        for (uint32_t i = 0; i < null->day_cases[h]; i++) {
            unsigned __int128 product = (unsigned __int128)random_next(random) * left--;
            size_t at = (size_t)(product >> 64), place = pool[at];
            pool[at] = pool[left];
            room->rows[place * SCAN_LANES + h]++;
        }
}

void scan_draw(const struct scan_null *null, uint64_t replicate, struct scan_room *room)
{
    struct random random;
    size_t places = null->scan->counts->place_count;
    memset(room->rows, 0, places * SCAN_LANES * sizeof *room->rows);
    random_init(&random, null->seed, replicate);
    if (null->scan->model == SCAN_POISSON)
        draw_poisson(null, &random, room->rows);
    else
        draw_permutation(null, &random, room);
    for (size_t p = 0; p < places; p++)
        for (size_t h = 1; h < null->scan->days; h++)
            room->rows[p * SCAN_LANES + h] += room->rows[p * SCAN_LANES + h - 1];
}
