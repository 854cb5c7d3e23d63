/* Random numbers of distributions, from the house's own stable generator. */
#ifndef CHENGMAI_SENSING_DRAWS_H
#define CHENGMAI_SENSING_DRAWS_H

#include "base/random.h"

/* Successes of `trials` with the probability in [0, 1]. Exact up to the resolution of a double.
 * Inversion where few are expected, else Hörmann 1993, "The generation of binomial random
 * variates" (transformed rejection). */
uint32_t draw_binomial(struct random *random, uint32_t trials, double probability);

#endif
