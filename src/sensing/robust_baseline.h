/* What a series would count without outbreaks: a robust log-linear regression, averaged over
 * models.
 *
 * Assumed: log mean = level [+ trend time] [+ up to H harmonics of the year], variance =
 * dispersion × mean; and that a few weeks of the past hold outbreak cases on top. */
#ifndef CHENGMAI_SENSING_ROBUST_BASELINE_H
#define CHENGMAI_SENSING_ROBUST_BASELINE_H

#include "base/base.h"

enum { ROBUST_HARMONICS_MAX = 6, ROBUST_TERMS_MAX = 2 + 2 * ROBUST_HARMONICS_MAX };
enum { ROBUST_ROWS_LEAST = 20 };

struct robust_settings {
    double period;    /* rows a year, >= 1 */
    size_t harmonics; /* at most so many */
    size_t rows_max;  /* of the baseline */
    size_t excluded;  /* rows before the predicted one that are not in the baseline */
};

/* Design of the whole series and room for one fit; lives in its arena. */
struct robust_room {
    const double *observed;
    size_t terms, harmonics;
    double *design;     /* a row of `terms` for each row of the series: trend, level, harmonics */
    size_t *rows;       /* those of the baseline that have a count */
    size_t count;       /* of them */
    double *response;   /* counts of these rows without presumed outbreak cases */
    double *eta, *mean; /* the fit: log mean, mean */
};
void robust_room_make(const double *observed, size_t series_rows,
                      const struct robust_settings *settings, struct arena *arena,
                      struct robust_room *ret_room);

struct robust_prediction {
    double mean, mean_before; /* of the row and of the row before it */
    double log_error;         /* standard error of the logarithm of both */
    double dispersion;        /* >= 1 */
    /* a standard error (of its logarithm) below and above its estimate, both >= 1 */
    double dispersion_low, dispersion_high;
};
enum robust_outcome { ROBUST_DONE, ROBUST_SHORT, ROBUST_NO_FIT };
/* Predicts row `t` from the rows up to t - 1 - excluded, and depends on nothing else. ROBUST_SHORT
 * where fewer than a year of them, or than ROBUST_ROWS_LEAST, have a count. */
enum robust_outcome robust_predict(const struct robust_settings *settings, struct robust_room *room,
                                   size_t t, struct robust_prediction *ret_prediction);

#endif
