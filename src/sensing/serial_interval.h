/* Serial intervals, windows and infectivity: what the estimates of R(t) stand on. */
#ifndef CHENGMAI_SENSING_SERIAL_INTERVAL_H
#define CHENGMAI_SENSING_SERIAL_INTERVAL_H

#include "sensing/sensing_internal.h"

/* Probabilities w_k, k = 0 … count - 1, of a gamma serial interval shifted by one day, of that mean
 * (> 1) and standard deviation (> 0), discretised (Cori et al. 2013, web appendix 11). Returns how
 * many of them, from 0 on, are not all 0 after. */
size_t serial_interval_gamma(double mean, double deviation, size_t count, double *ret_w);
/* Sum of k w_k. */
double serial_interval_mean(const double *w, size_t count);

/* The epidemic curve: every day's count must be there. */
struct incidence {
    size_t count;
    const double *total;
    double *local; /* total less imported; the first day's are all imported */
};
bool incidence_read(const struct series *series, struct arena *arena, struct incidence *ret,
                    struct error *err) MUST_USE;
/* Infectivity: ret_lambda[t] = sum over k >= 1 of total[t - k] w_k; NAN on the first day. */
void infectivity(const struct incidence *incidence, const double *w, size_t support,
                 double *ret_lambda);

/* Windows [start, end], days from 1. */
struct windows {
    size_t count;
    size_t *start, *end;
};
/* From t_start and t_end, or else `width` (7) and `step` (1), the first beginning on day 2. */
bool windows_read(const struct parameters *parameters, size_t days, struct arena *arena,
                  struct windows *ret_windows, struct error *err) MUST_USE;

/* The parameter si_distr: w_0 = 0, none negative, sum within 0.01 of 1; padded with zeroes to
 * `count`. */
bool si_distribution_read(const struct parameters *parameters, size_t count, struct arena *arena,
                          double **ret_w, size_t *ret_support, struct error *err) MUST_USE;
/* mean_si (> 1) and std_si (> 0). */
bool si_moments_read(const struct parameters *parameters, double *ret_mean, double *ret_deviation,
                     struct error *err) MUST_USE;

#endif
