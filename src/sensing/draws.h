/* Random numbers of distributions, from the house's own stable generator. */
#ifndef CHENGMAI_SENSING_DRAWS_H
#define CHENGMAI_SENSING_DRAWS_H

#include "base/random.h"

/* Successes of `trials` with the probability in [0, 1]. Exact up to the resolution of a double.
 * Inversion where few are expected, else Hörmann 1993, "The generation of binomial random
 * variates" (transformed rejection). */
uint32_t draw_binomial(struct random *random, uint32_t trials, double probability);

/* By inversion, exact up to the resolution of a double: slower than drawing need be, for
 * simulations that are judged and not timed. Standard normal; gamma of scale 1 and `shape` > 0;
 * Poisson of `mean` >= 0; negative binomial of that mean and `size` > 0 (variance mean + mean² /
 * size). */
double draw_normal_value(struct random *random);
double draw_gamma_value(struct random *random, double shape);
double draw_poisson_value(struct random *random, double mean);
double draw_negbin_value(struct random *random, double mean, double size);

#endif
