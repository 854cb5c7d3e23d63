/* Distributions: see numerics.h. */
#include "sensing/numerics.h"

#include <float.h>
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_sf_hyperg.h>

enum { TERMS_MAX = 1000000 };

double normal_quantile(double p)
{
    return gsl_cdf_ugaussian_Pinv(p);
}

double normal_upper(double x)
{
    return 0.5 * erfc(x * M_SQRT1_2);
}

double normal_lower(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

double student_two_sided(double t, double degrees)
{
    return 2 * gsl_cdf_tdist_Q(fabs(t), degrees);
}

/* log Gamma(a + 1) - (a log a - a + log(2 pi a) / 2), Stirling's remainder. */
static double stirling_remainder(double a)
{
    if (a < 15)
        return lgamma(a + 1) - (a * log(a) - a + 0.5 * log(2 * M_PI * a));
    double s = 1 / (a * a);
    return (1. / 12 - s * (1. / 360 - s * (1. / 1260 - s * (1. / 1680 - s / 1188)))) / a;
}

/* x - log(1 + x), without cancellation near 0. */
static double minus_log1p(double x)
{
    if (fabs(x) > 0.1)
        return x - log1p(x);
    double r = x / (2 + x), square = r * r, sum = 0;
    for (int k = 25; k >= 3; k -= 2)
        sum = sum * square + 2. / k;
    /* log(1 + x) = 2r + r^3 sum, and x - 2r = x r */
    return x * r - r * square * sum;
}

/* x^a e^-x / Gamma(a + 1). Near the mean by deviations, so that 10^7 keeps its digits. */
static double gamma_front(double a, double x)
{
    double relative = (x - a) / a;
    if (a < 1 || relative > 1 || relative < -0.9)
        return exp(a * log(x) - x - lgamma(a + 1));
    return exp(-a * minus_log1p(relative) - stirling_remainder(a)) / sqrt(2 * M_PI * a);
}

double gamma_lower(double a, double x, double *ret_upper)
{
    double lower, upper;
    if (!(x > 0)) {
        lower = 0;
        upper = 1;
    } else if (isinf(x)) {
        lower = 1;
        upper = 0;
    } else if (x < a + 1) { /* series */
        double term = 1, sum = 1;
        for (int n = 1; n < TERMS_MAX && term > sum * (DBL_EPSILON / 4); n++)
            sum += term *= x / (a + n);
        lower = gamma_front(a, x) * sum;
        upper = 1 - lower;
    } else { /* continued fraction for the complement, modified Lentz */
        double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, h = d, step = 0;
        for (int n = 1; n < TERMS_MAX && fabs(step - 1) > DBL_EPSILON; n++) {
            double numerator = -n * (n - a);
            b += 2;
            d = 1 / (numerator * d + b);
            c = b + numerator / c;
            h *= step = c * d;
        }
        upper = gamma_front(a, x) * a * h;
        lower = 1 - upper;
    }
    if (ret_upper)
        *ret_upper = upper;
    return lower;
}

/* x^a (1 - x)^b / (a B(a, b)). */
static double beta_front(double a, double b, double x)
{
    double n = a + b, p = a / n, q = b / n, shift = x - p;
    if (a < 1 || b < 1 || fabs(shift) > 0.5 * p || fabs(shift) > 0.5 * q)
        return exp(lgamma(n) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
    double exponent = -a * minus_log1p(shift / p) - b * minus_log1p(-shift / q);
    exponent += stirling_remainder(n) - stirling_remainder(a) - stirling_remainder(b);
    return exp(exponent) * sqrt(b / (2 * M_PI * a * n));
}

static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d, step = 0;
    for (int m = 1; m < TERMS_MAX && fabs(step - 1) > DBL_EPSILON; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        h *= c * d;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        h *= step = c * d;
    }
    return h;
}

double beta_lower(double a, double b, double x, double *ret_upper)
{
    double lower, upper;
    if (!(x > 0) || x >= 1) {
        lower = x >= 1;
        upper = 1 - lower;
    } else if (x < (a + 1) / (a + b + 2)) {
        lower = beta_front(a, b, x) * beta_fraction(a, b, x);
        upper = 1 - lower;
    } else {
        upper = beta_front(b, a, 1 - x) * beta_fraction(b, a, 1 - x);
        lower = 1 - upper;
    }
    if (ret_upper)
        *ret_upper = upper;
    return lower;
}

void gamma_shape_init(struct gamma_shape *gamma, double shape)
{
    *gamma = (struct gamma_shape){shape, lgamma(shape)};
}

/* A start by Wilson and Hilferty (1931), or by the leading power of the density near 0; then steps
 * that solve P(a, y) = p by the expansion of y in (p - P) / density to third order (Halley's
 * correction and the one after it). */
double gamma_quantile(const struct gamma_shape *gamma, double p, double z)
{
    double a = gamma->shape, x, ninth = 1 / (9 * a), cube = 1 - ninth + z * sqrt(ninth);
    x = a * cube * cube * cube;
    if (a < 0.5 || cube < 0.2)
        x = exp((log(p) + gamma->log_gamma + log(a)) / a);
    for (int step = 0; step < 60; step++) {
        if (!(x > DBL_MIN))
            return 0;
        double upper, lower = gamma_lower(a, x, &upper);
        double density = exp((a - 1) * log(x) - x - gamma->log_gamma);
        double miss = p < 0.5 ? p - lower : upper - (1 - p);
        double u = miss / density;
        if (!isfinite(u))
            return x;
        double bend = 1 - (a - 1) / x;                            /* -(log density)' */
        double third = (2 * bend * bend + (a - 1) / (x * x)) / 6; /* y''' / 6 at u = 0 */
        double move = u * (1 + u * (bend / 2 + u * third));
        bool far = fabs(bend * u) > 0.5 || fabs(u) > 0.5 * x;
        if (far)
            move = fmax(-0.5 * x, fmin(u, x));
        x += move;
        if (!far && fabs(move) < 2e-3 * x && fabs(bend * move) < 2e-3)
            break;
    }
    return x;
}

double poisson_upper(double k, double mean)
{
    return k < 0 ? 1 : gamma_lower(k + 1, mean, NULL);
}

double negbin_upper(double k, double size, double probability)
{
    double upper;
    if (k < 0)
        return 1;
    beta_lower(size, k + 1, probability, &upper);
    return upper;
}

/* A discrete law on 0, 1, …: Poisson where size is infinite. */
struct counts_law {
    double mean, size, probability;
};
static double law_upper(const struct counts_law *law, double k)
{
    return isinf(law->size) ? poisson_upper(k, law->mean)
                            : negbin_upper(k, law->size, law->probability);
}
/* P(X = k) / P(X = k - 1) for k >= 1 */
static double law_ratio(const struct counts_law *law, double k)
{
    return isinf(law->size) ? law->mean / k : (1 - law->probability) * (law->size + k - 1) / k;
}
static double law_mass(const struct counts_law *law, double k)
{
    if (isinf(law->size))
        return exp(k * log(law->mean) - law->mean - lgamma(k + 1));
    return exp(lgamma(law->size + k) - lgamma(law->size) - lgamma(k + 1) +
               law->size * log(law->probability) + k * log1p(-law->probability));
}

/* Least k with P(X > k) <= 1 - p. From a start by Cornish and Fisher along the masses; where the
 * start is far off (heavy tails), by doubling and halving. Left-continuous up to rounding, so that
 * P(X <= k) = p counts as reached. */
static double law_quantile(const struct counts_law *law, double p, double skew, double deviation)
{
    double tail = (1 - p) * (1 + 64 * DBL_EPSILON) + 8 * DBL_EPSILON * DBL_EPSILON;
    double z = normal_quantile(p);
    double k = floor(law->mean + deviation * (z + skew * (z * z - 1) / 6) + 0.5);
    k = isfinite(k) && k > 0 ? k : 0;
    double upper = law_upper(law, k), mass = law_mass(law, k);
    enum { WALK_MAX = 24 };
    for (int walked = 0; walked < WALK_MAX; walked++) {
        if (upper <= tail) {
            if (k == 0 || upper + mass > tail)
                return k;
            upper += mass;
            mass /= law_ratio(law, k);
            k--;
        } else {
            k++;
            mass *= law_ratio(law, k);
            upper -= mass;
            if (upper <= tail)
                return k;
        }
    }
    double low = -1, high = k, step = 1 + deviation; /* P(X > low) > tail >= P(X > high) */
    for (; law_upper(law, high) > tail && isfinite(high); step *= 2) {
        low = high;
        high += ceil(step);
    }
    while (high - low > 1 && isfinite(high)) {
        double middle = floor(low + (high - low) / 2);
        if (middle <= low || middle >= high)
            break;
        *(law_upper(law, middle) <= tail ? &high : &low) = middle;
    }
    return high;
}

double poisson_quantile(double p, double mean)
{
    if (!(mean > 0))
        return 0;
    struct counts_law law = {.mean = mean, .size = INFINITY, .probability = 1};
    return law_quantile(&law, p, 1 / sqrt(mean), sqrt(mean));
}

double negbin_quantile(double p, double size, double probability)
{
    double rest = 1 - probability;
    if (!(size > 0) || !(rest > 0))
        return 0;
    struct counts_law law = {size * rest / probability, size, probability};
    double deviation = sqrt(law.mean / probability);
    return law_quantile(&law, p, (1 + rest) / probability / deviation, deviation);
}

double mean_of(const double *values, size_t count)
{
    double sum = 0, rest = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        rest += values[i] - mean;
    return mean + rest / (double)count;
}

double deviation_of(const double *values, size_t count, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(count - 1));
}

double hypergeometric_third(double x)
{
    /* Pfaff's transformation brings x <= 0 into [0, 1) */
    gsl_sf_result result;
    double inside = x / (x - 1);
    if (gsl_sf_hyperg_2F1_e(1. / 3, 1, 5. / 3, inside, &result) != GSL_SUCCESS)
        return NAN;
    return result.val / cbrt(1 - x);
}
