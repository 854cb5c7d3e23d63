/* Log-linear regression by iteratively reweighted least squares.
 *
 * McCullagh & Nelder, "Generalized Linear Models" (2nd ed. 1989), ch. 2 and 6. Start, stopping rule
 * (relative change of the deviance below 1e-8, at most 25 rounds), the floor of the mean at 2^-52
 * and the halving of a step without a finite deviance are those that R's glm documents: where a
 * fit ends a round early or late, the sixth digit shows it. Note that leverages and standard
 * errors belong to the weights of the last round, fitted means to its result. */
#ifndef CHENGMAI_SENSING_GLM_H
#define CHENGMAI_SENSING_GLM_H

#include "base/base.h"

/* ---- One level a group and one common slope (the Farrington methods) ----
 *
 * log mean = level of the group + slope time + offset. The normal equations are an arrow: sums a
 * group and one number for the slope, so that a round costs O(rows) and allocates nothing. */

enum { GROUPS_MAX = 128 };

/* Rows as columns, sorted by group. The caller fills the first part and owns all arrays. */
struct grouped_rows {
    size_t count, group_count;
    size_t start[GROUPS_MAX + 1]; /* rows of group g: start[g] … start[g + 1] - 1, not empty */
    const double *response, *time;
    const double *offset;              /* NULL: none */
    const double *log_response;        /* 0 where the response is 0 */
    const double *log_start;           /* log(response + 0.1) */
    const double *response_two_thirds; /* response^(2/3) */
    double *prior;                     /* prior weights, set before a fit */
    double *eta, *mu;                  /* the fit: log mean, mean */
    double *weight;                    /* weights of the last round */
};

struct grouped_fit {
    bool converged, has_slope;
    double level[GROUPS_MAX], slope;
    /* of the last round: sum of weights, weighted mean time, information of the slope */
    double weight[GROUPS_MAX], time_mean[GROUPS_MAX], slope_information;
    double deviance;
    double degrees; /* of freedom left */
};

/* Fits with the prior weights `rows->prior`. False where there is no finite fit at all. */
bool grouped_fit(const struct grouped_rows *rows, bool with_slope, struct grouped_fit *fit);
/* Pearson's statistic over its degrees of freedom with the given weights; NAN with none left. */
double grouped_dispersion(const struct grouped_rows *rows, const struct grouped_fit *fit,
                          const double *weights);
/* x' (X'WX)^-1 x of a row of that group and time. */
double grouped_variance(const struct grouped_fit *fit, size_t group, double time);
/* Sets the prior weights for a second fit: Anscombe residuals above `threshold`, standardised by
 * `dispersion` and the leverages, weigh their inverse square, scaled so that the weights sum to the
 * number of rows (Farrington et al. 1996, 3.4). False where no weights are left. */
bool grouped_reweight(const struct grouped_rows *rows, const struct grouped_fit *fit,
                      double dispersion, double threshold);

/* ---- Level, trend and seasons (the charts' baseline) ---- */

enum { HARMONICS_MAX = 12, BASELINE_TERMS_MAX = 2 + 2 * HARMONICS_MAX };

struct baseline_model {
    size_t harmonics;
    bool trend;
    double period;
};
/* Fits log mean = level [+ trend t] + harmonics to rows t = 1 … `count` (missing ones left out) and
 * writes the means of rows first … end - 1 (indexes) to `ret_means`. alpha: 0 Poisson; above 0
 * negative binomial with variance mean + alpha mean^2; NAN: estimated (Venables & Ripley, "Modern
 * Applied Statistics with S", 4th ed. 2002, 7.4) and written to *ret_alpha. ERROR_REFUSED where
 * there are too few rows or the fit does not come to an end. */
bool baseline_fit(const struct baseline_model *model, const double *observed, size_t count,
                  size_t first, size_t end, double alpha, struct arena *arena, double *ret_means,
                  double *ret_alpha, struct error *err) MUST_USE;

#endif
