/* Prospective space–time scan: where, and since when, is there more than chance explains?
 *
 * A cylinder is a circle of places (its base) and the last 1 … 14 days (its height). Each place is
 * the centre of circles with its 1, 2, 3 … nearest places; every cylinder ends on the last day, so
 * that only what still goes on is looked for. Each cylinder's likelihood ratio says how much
 * better a raised rate inside explains the counts than one rate for all; the greatest is the most
 * likely cluster. How often chance alone makes as great a maximum over all cylinders is found by
 * replicates of the whole map, so that one p-value answers for all cylinders at once.
 *
 * Models, both given the total C of cases:
 *   Poisson      a case falls on a place and day in proportion to what was expected there;
 *   permutation  cases keep their places and days, but which day belongs to which place is chance:
 *                no population is needed, only counts.
 *
 * Sources: Kulldorff 1997, "A spatial scan statistic"; Kulldorff 2001, "Prospective time periodic
 * geographical disease surveillance using a scan statistic"; Kulldorff et al. 2005, "A space-time
 * permutation scan statistic for disease outbreak detection"; Besag & Clifford 1991, "Sequential
 * Monte Carlo p-values".
 *
 * Rules of this house:
 *   Ties of distance. Places at equal distance (within a millionth of it) come into a circle
 *   together; where they would make it larger than allowed, the circle is left out. More places on
 *   one point than a circle may hold are refused.
 *   Clusters. Rank 1 is the cylinder of the greatest ratio; the next is the greatest of those that
 *   share no place with one before it, and so on. Of equal ratios (within 1e-10 of them) comes
 *   first: fewer places, then the centre earlier in the file, then fewer days.
 *   p-values. Every rank is compared with the maxima of whole replicates, which is exact for rank 1
 *   and errs on the safe side for the others. A replicate within 1e-9 of the ratio counts as equal.
 *   With n replicates of which g are as great: (g + 1) / (n + 1). With `stop` h, the drawing ends
 *   at replicate l where g reaches h: h / l. Both keep P(p <= alpha) <= alpha without a cluster. */
#ifndef CHENGMAI_SENSING_SCAN_H
#define CHENGMAI_SENSING_SCAN_H

#include "base/base.h"

enum {
    SCAN_LANES = 16, /* most days of a cylinder */
    SCAN_PLACES_MAX = 20000,
    SCAN_CIRCLES_MAX = 2000000, /* places × most places of a circle */
    SCAN_DAYS_MAX = 4096,       /* of a file */
    SCAN_CELLS_MAX = 1 << 23,   /* places × days */
    SCAN_CASES_MAX = 10000000,
    SCAN_REPLICATES_MAX = 99999,
    SCAN_CLUSTERS_MAX = 100,
    SCAN_THREADS_MAX = 8,
};

enum scan_model { SCAN_POISSON, SCAN_PERMUTATION };

/* Counts of places and days; place p and day d at p × day_count + d. Lives in its arena. */
struct scan_counts {
    const char *source;
    size_t place_count, day_count;
    const char **places; /* their names */
    const double *x, *y; /* any unit; on the sphere degrees east and north */
    bool sphere;         /* distances are great circles, in km */
    int32_t first_day;
    const uint32_t *cases;
    const double *expected; /* in proportion; NULL where not told. 0 where the count is missing */
    int64_t missing_row;    /* the first row without a count, 0 where there is none */
    size_t absent;          /* the first place and day without a row, SIZE_MAX where none */
};

/* Reads CSV with the columns `place`, `x,y` or `lat,lon`, `date`, `count` and, for the Poisson
 * model, `expected` or `population`; one row a place and day, in any order. A count of NA is known
 * to be missing. Takes over `fd`. Errors name row and field. */
bool scan_counts_read(int fd, const char *source, struct arena *arena,
                      struct scan_counts *ret_counts, struct error *err) MUST_USE;

struct scan_settings {
    enum scan_model model;
    size_t circle_places_max; /* most places of a circle, from 1 */
    size_t days_max;          /* most days of a cylinder, 1 … SCAN_LANES */
    size_t replicates;        /* 0: no p-values */
    size_t stop;              /* 0: all replicates are drawn */
    size_t clusters_max;      /* 1 … SCAN_CLUSTERS_MAX */
    size_t threads;           /* results are the same for any number */
    uint64_t seed;
};

struct scan_cluster {
    uint32_t centre; /* number of the place */
    uint32_t place_count;
    const uint32_t *members; /* place_count numbers of places, nearest first */
    uint32_t days;           /* up to the last */
    double radius;           /* distance of the farthest place */
    double cases, expected;
    double relative_risk; /* inside over outside; permutation: cases over expected */
    double llr;           /* logarithm of the likelihood ratio, > 0 */
    double p;             /* NAN without replicates */
    double replicates;    /* that the p-value used */
};

struct scan_result {
    size_t cluster_count;
    struct scan_cluster *clusters;
    size_t replicate_count;
    const double *maxima; /* greatest ratio of each replicate drawn; 0 where none is above 0 */
};

/* Scans; the result lives in `arena`. ERROR_BAD_VALUE and ERROR_REFUSED say what of the counts
 * does not fit the model, ERROR_TOO_LARGE where places × circle_places_max is too large. */
bool scan_run(const struct scan_counts *counts, const struct scan_settings *settings,
              struct arena *arena, struct scan_result *ret_result, struct error *err) MUST_USE;

#endif
