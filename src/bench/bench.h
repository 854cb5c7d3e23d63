/* bench: the platform measured against its peers (contracts.md "Benchmarks").
 *
 * `chengmai bench NAME` makes the same events for both sides, runs ours and the peer in turn, and
 * prints a table and one RESULT line a peer and measure. Peers are programs of their own in
 * build/bench/ (bench/setup makes them): this binary links none of them. */
#ifndef CHENGMAI_BENCH_BENCH_H
#define CHENGMAI_BENCH_BENCH_H

#include "module/module.h"

extern const struct module bench_module;

#endif
