/* Figures of pairs: ours and the peer's, measured in turn. Pure, but for printing. */
#ifndef CHENGMAI_BENCH_FIGURES_H
#define CHENGMAI_BENCH_FIGURES_H

#include <stdio.h>

#include "base/base.h"

enum { PAIRS_MAX = 64, MEASURES_MAX = 16, MEASURE_NAME_BYTES = 48 };

struct pair {
    double ours, peer;
};

struct measure {
    char name[MEASURE_NAME_BYTES]; /* "ingest.rocksdb" */
    const char *unit;
    bool less_is_better;           /* times and bytes */
    bool peer_is_limit;            /* no peer: what must hold stands in its place */
    struct pair pairs[PAIRS_MAX];
    size_t count;
};

struct figures {
    struct measure measures[MEASURES_MAX];
    size_t count;
};

/* A new measure; lives as long as `figures`. */
struct measure *figures_add(struct figures *figures, const char *name, const char *unit,
                            bool less_is_better);
/* Adds one pair; both must be positive. */
void measure_add(struct measure *measure, double ours, double peer);
/* > 1 where ours is better. */
double pair_ratio(const struct measure *measure, struct pair pair);
/* The pair whose ratio is the median (the lower of the two middle ones). count ≥ 1. */
struct pair measure_median(const struct measure *measure);
/* Middle value of `count` ≥ 1 values (lower of two), which are put in order. */
double median(double *values, size_t count);
/* The smallest value that at least `share` (0 … 1] of the values do not pass; puts in order. */
double percentile(double *values, size_t count, double share);
/* "RESULT name=… ours=… peer=… ratio=… unit=…" without a line break into `out`. */
enum { RESULT_LINE_BYTES = 200 };
void result_line(const struct measure *measure, char out[RESULT_LINE_BYTES]);
/* The table of all pairs, then the RESULT lines; with `json` one object instead. Measures without
 * pairs are left out. */
void figures_print(const struct figures *figures, const char *bench, bool json, FILE *out);

#endif
