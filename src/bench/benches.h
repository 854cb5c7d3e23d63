/* The benchmarks, inside the bench room only. Each takes its options, runs, prints, and gives the
 * exit code. */
#ifndef CHENGMAI_BENCH_BENCHES_H
#define CHENGMAI_BENCH_BENCHES_H

#include "bench/workshop.h"

int bench_ingest(struct command_context *context, int argc, char **argv, struct error *err);
int bench_trace(struct command_context *context, int argc, char **argv, struct error *err);
int bench_scans(struct command_context *context, int argc, char **argv, struct error *err);
int bench_start(struct command_context *context, int argc, char **argv, struct error *err);
int bench_detect(struct command_context *context, int argc, char **argv, struct error *err);
int bench_rt(struct command_context *context, int argc, char **argv, struct error *err);
int bench_noufaily(struct command_context *context, int argc, char **argv, struct error *err);

extern const struct command bench_commands[];

#endif
