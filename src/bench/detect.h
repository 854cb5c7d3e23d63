/* A city's morning, the part of `bench detect` that has no peer. */
#ifndef CHENGMAI_BENCH_DETECT_H
#define CHENGMAI_BENCH_DETECT_H

#include "bench/workshop.h"

/* Looks at the newest day and the newest week of 20 000 series with every detector and adds the
 * measure `detect.morning`, whose limit is 10 s. */
bool bench_morning(struct workshop *workshop, struct error *err) MUST_USE;

#endif
