/* Distributions, shared by all methods.
 *
 * GSL gives the normal and t distributions, digamma and the hypergeometric function. The incomplete
 * gamma and beta functions are ours: GSL's continued fractions stop after 512 terms and answer NaN
 * for counts from about 10^5 on, where a city needs 10^7; and seven quantiles of one posterior
 * share their constants here. Sources: Abramowitz & Stegun 6.5, 26.5; Gil, Segura & Temme,
 * "Numerical Methods for Special Functions" (2007), ch. 8. */
#ifndef CHENGMAI_SENSING_NUMERICS_H
#define CHENGMAI_SENSING_NUMERICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Standard normal: quantile of p in (0, 1), P(Z > x), P(Z <= x). */
double normal_quantile(double p);
double normal_upper(double x);
double normal_lower(double x);
/* P(|T| > |t|) of Student's t. */
double student_two_sided(double t, double degrees);

/* Regularised lower incomplete gamma function P(a, x), a > 0, and its complement into *ret_upper
 * (may be NULL); both to full relative accuracy. */
double gamma_lower(double a, double x, double *ret_upper);
/* Regularised incomplete beta function I_x(a, b), and its complement. */
double beta_lower(double a, double b, double x, double *ret_upper);

/* Quantiles of the gamma distribution of one shape (scale 1), for several probabilities. */
struct gamma_shape {
    double shape, log_gamma; /* lgamma(shape) */
};
void gamma_shape_init(struct gamma_shape *gamma, double shape);
/* `z` = normal_quantile(p) */
double gamma_quantile(const struct gamma_shape *gamma, double p, double z);

/* P(X > k) and the least k with P(X <= k) >= p. `mean` >= 0; negative binomial: `size` > 0,
 * `probability` in (0, 1), mean size (1 - probability) / probability. k may be -1. */
double poisson_upper(double k, double mean);
double poisson_quantile(double p, double mean);
double negbin_upper(double k, double size, double probability);
double negbin_quantile(double p, double size, double probability);

/* Mean and sample standard deviation (n - 1); NAN in, NAN out. */
double mean_of(const double *values, size_t count);
double deviation_of(const double *values, size_t count, double mean);

/* Gauss hypergeometric function 2F1(1/3, 2/3; 5/3; x) for x <= 0. */
double hypergeometric_third(double x);

#endif
