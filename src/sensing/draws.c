#include "sensing/draws.h"

#include <math.h>

#include "sensing/numerics.h"

/* Probability by probability from 0 on; `trials` × `probability` below 12. */
static uint32_t invert(struct random *random, uint32_t trials, double probability)
{
    double odds = probability / (1 - probability);
    double none = exp(trials * log1p(-probability));
    for (;;) {
        double left = random_unit(random), mass = none;
        for (uint32_t k = 0; k <= trials; k++) {
            if (left < mass)
                return k;
            left -= mass;
            mass *= odds * (trials - k) / (k + 1);
        }
    }
}

/* log k! less Stirling's formula for it */
static double stirling_rest(double k)
{
    static const double first[] = {0.081061466795327258, 0.041340695955409294, 0.027677925684998339,
                                   0.020790672103765093, 0.016644691189821193, 0.013876128823070748,
                                   0.011896709945891770, 0.010411265261972096, 0.009255462182712733,
                                   0.008330563433362871};
    double square = (k + 1) * (k + 1);
    return k < 10 ? first[(int)k]
                  : (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

/* `probability` at most 0.5, trials × probability at least 10. */
static uint32_t reject(struct random *random, double trials, double probability)
{
    double ratio = probability / (1 - probability);
    double deviation = sqrt(trials * probability * (1 - probability));
    double b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * probability;
    double centre = trials * probability + 0.5, box = 0.92 - 4.2 / b;
    double alpha = (2.83 + 5.1 / b) * deviation, mode = floor((trials + 1) * probability);
    for (;;) {
        double u = random_unit(random) - 0.5, v = random_unit(random), side = 0.5 - fabs(u);
        double k = floor((2 * a / side + b) * u + centre);
        if (k < 0 || k > trials || side <= 0)
            continue;
        if (side >= 0.07 && v <= box)
            return (uint32_t)k;
        double bound = (mode + 0.5) * log((mode + 1) / (ratio * (trials - mode + 1))) +
                       (trials + 1) * log((trials - mode + 1) / (trials - k + 1)) +
                       (k + 0.5) * log(ratio * (trials - k + 1) / (k + 1)) + stirling_rest(mode) +
                       stirling_rest(trials - mode) - stirling_rest(k) - stirling_rest(trials - k);
        if (log(v * alpha / (a / (side * side) + b)) <= bound)
            return (uint32_t)k;
    }
}

uint32_t draw_binomial(struct random *random, uint32_t trials, double probability)
{
    if (trials == 0 || !(probability > 0))
        return 0;
    if (probability >= 1)
        return trials;
    if (probability > 0.5)
        return trials - draw_binomial(random, trials, 1 - probability);
    return trials * probability < 12 ? invert(random, trials, probability)
                                     : reject(random, trials, probability);
}

/* Within (0, 1). */
static double open_unit(struct random *random)
{
    return random_unit(random) + 0x1.0p-54;
}

double draw_normal_value(struct random *random)
{
    return normal_quantile(open_unit(random));
}

double draw_gamma_value(struct random *random, double shape)
{
    struct gamma_shape gamma;
    double p = open_unit(random);
    if (shape < 1) /* Stuart's theorem: the quantile's search is for shapes that have a mode */
        return draw_gamma_value(random, shape + 1) * pow(p, 1 / shape);
    gamma_shape_init(&gamma, shape);
    return gamma_quantile(&gamma, p, normal_quantile(p));
}

double draw_poisson_value(struct random *random, double mean)
{
    return mean > 0 ? fmax(0, poisson_quantile(open_unit(random), mean)) : 0;
}

double draw_negbin_value(struct random *random, double mean, double size)
{
    return mean > 0 ? draw_poisson_value(random, mean / size * draw_gamma_value(random, size)) : 0;
}
