/* What the files of the space–time scan share.
 *
 * A row of lanes is 16 numbers of one place: lane h holds what fell on its last h + 1 days. Adding
 * the rows of a circle gives all its cylinders at once.
 *
 * Expected counts never change between replicates (both models keep what they are made of), and a
 * ratio grows with its count. So a level of the ratio is, for each cylinder, a critical count: a
 * replicate is searched for a ratio above the level by adding and comparing whole numbers, and only
 * what passes takes a logarithm. */
#ifndef CHENGMAI_SENSING_SCAN_INTERNAL_H
#define CHENGMAI_SENSING_SCAN_INTERNAL_H

#include <math.h>

#include "base/base.h"
#include "sensing/scan.h"

/* Circles of every place: its nearest places, `stride` slots a centre. */
struct circles {
    size_t place_count, stride;
    uint32_t *members; /* nearest first; the first `sizes[centre]` are in its greatest circle */
    double *radii;     /* distance of each member */
    bool *ends;        /* a circle ends with this member */
    uint32_t *sizes;
};
/* ERROR_REFUSED where more than `circle_places_max` places share one point. */
bool circles_make(const struct scan_counts *counts, size_t circle_places_max, struct arena *arena,
                  struct circles *ret_circles, struct error *err) MUST_USE;

struct scan {
    const struct scan_counts *counts;
    enum scan_model model;
    struct circles circles;
    size_t days; /* heights 1 … days */
    double total;
    /* expected cases of places Z over the last h + 1 days: the sum over Z of weights[place][h]
     * × scale[h] / divisor; whole numbers in the permutation model, so that it depends on Z alone
     * and not on the order of adding */
    double *weights; /* place_count rows of lanes */
    double scale[SCAN_LANES], divisor;
    int32_t *observed; /* place_count rows of lanes */
};

/* Checks the counts against the model, makes the circles. */
bool scan_begin(const struct scan_counts *counts, const struct scan_settings *settings,
                struct arena *arena, struct scan *ret_scan, struct error *err) MUST_USE;

/* Logarithm of the likelihood ratio; 0 where there are no more cases than expected. */
static inline double scan_llr(double cases, double expected, double total)
{
    if (!(cases > expected))
        return 0;
    double inside = cases * log(cases / expected), outside = total - cases;
    return outside > 0 ? inside + outside * log1p((expected - cases) / (total - expected)) : inside;
}

static inline double scan_expected(const struct scan *scan, double weight, size_t lane)
{
    return weight * scan->scale[lane] / scan->divisor;
}

/* A level of the ratio and the critical counts of all cylinders, INT32_MAX where none ends. */
struct scan_level {
    double level;
    int32_t *critical; /* place_count × stride rows of lanes */
};
void scan_level_init(const struct scan *scan, struct arena *arena, struct scan_level *ret_level);
/* No count below its critical one has a ratio of `level` > 0 or more. */
void scan_level_set(const struct scan *scan, double level, struct scan_level *ret_level);

/* The greatest ratio over all cylinders of `rows` (lanes as in `observed`). */
double scan_maximum(const struct scan *scan, const struct scan_level *level, const int32_t *rows);

/* ---- Replicates ---- */

/* What maps without a cluster are drawn from: the same for all replicates. */
struct scan_null {
    const struct scan *scan;
    uint64_t seed;
    uint32_t total;
    /* Poisson: cells with their share of what falls into the last days */
    size_t cell_count;
    uint32_t *cells;     /* place × SCAN_LANES + day from the end */
    double *shares;      /* of the cells from this one on */
    double window_share; /* of all cases */
    uint64_t *thresholds;
    uint32_t *others; /* alias method: a cell, or with the rest of its slot another */
    /* permutation: the place of each case; cases of the last days */
    uint32_t *places;
    uint32_t day_cases[SCAN_LANES];
};
void scan_null_init(const struct scan *scan, uint64_t seed, struct arena *arena,
                    struct scan_null *ret_null);
/* Room for one thread: rows of lanes, and a shuffled copy of `places`. */
struct scan_room {
    int32_t *rows;
    uint32_t *shuffled;
};
void scan_room_init(const struct scan_null *null, struct arena *arena, struct scan_room *ret_room);
/* Map number `replicate` into room->rows; depends on the seed and the number alone. */
void scan_draw(const struct scan_null *null, uint64_t replicate, struct scan_room *room);

/* Draws replicates and fills in `p` and `replicates` of the clusters. */
void scan_p_values(const struct scan *scan, const struct scan_settings *settings,
                   struct arena *arena, struct scan_result *result);

#endif
