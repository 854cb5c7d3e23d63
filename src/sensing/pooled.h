/* incidence pooled: how many are positive, from tubes that hold several persons' swabs.
 *
 * A tube of s swabs is positive with probability θ = sensitivity − (sensitivity + specificity − 1)
 * (1 − p)^s, where p is the share of positive persons: Dorfman 1943, "The detection of defective
 * members of large populations"; tubes of several sizes: Walter, Hildreth & Beaty 1980,
 * "Estimation of infection rates in populations of organisms using pools of variable size". The
 * estimate is the most likely p. The interval is the score's with its skewness corrected: Hepworth
 * 2005, "Confidence intervals for proportions estimated by group testing with groups of unequal
 * size" (after Gart & Nam 1988): as few tubes are positive, the likelihood leans to one side, and
 * intervals by its curvature miss on the other.
 *
 * What it does not know: infected persons of one household in one tube make p look smaller. */
#ifndef CHENGMAI_SENSING_POOLED_H
#define CHENGMAI_SENSING_POOLED_H

#include "base/base.h"

enum { POOL_ROWS_MAX = 1 << 20, POOL_SIZE_MAX = 1000 };

/* Tubes of one day and one size. */
struct pool_row {
    double t;                     /* a day number where `dated`, else the number of the file */
    double size, pools, positive; /* whole; positive <= pools */
};
struct pool_counts {
    const char *source;
    bool dated;
    size_t row_count;
    const struct pool_row *rows; /* ascending by t; one t may have several sizes */
};
/* Reads CSV with the columns `date` or `t`, `pool_size`, `pools`, `positive`. Takes over `fd`. */
bool pool_counts_read(int fd, const char *source, struct arena *arena,
                      struct pool_counts *ret_counts, struct error *err) MUST_USE;

struct pool_test {
    double sensitivity, specificity;
};
struct pool_estimate {
    double share, low, high; /* of persons */
};
/* Of rows that belong together; `z` the normal quantile of the interval. NAN shares where no tube
 * was tested; share 1 where all are positive and nothing bounds it. */
struct pool_estimate pool_estimate(const struct pool_row *rows, size_t count,
                                   const struct pool_test *test, double z);

#endif
