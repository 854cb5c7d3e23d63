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
int bench_lists(struct command_context *context, int argc, char **argv, struct error *err);
int bench_loops(struct command_context *context, int argc, char **argv, struct error *err);
int bench_first_minute(struct command_context *context, int argc, char **argv,
                       struct error *err);
int bench_rt(struct command_context *context, int argc, char **argv, struct error *err);
int bench_noufaily(struct command_context *context, int argc, char **argv, struct error *err);
int bench_coverage(struct command_context *context, int argc, char **argv, struct error *err);
int bench_scan(struct command_context *context, int argc, char **argv, struct error *err);

enum { BENCH_LISTS = 8, BENCH_LOOPS, BENCH_SCAN, BENCH_FIRST_MINUTE, BENCH_COVERAGE };
/* What the two benches of loops share (lists.c): a demo city that is open, made in that directory
 * (NULL: in the workshop, and gone with it), and --loops N. */
struct platform;
bool bench_loop_city(struct workshop *workshop, const char *directory,
                     struct platform **ret_platform, struct error *err) MUST_USE;
bool bench_loop_count(int *argc, char **argv, int64_t otherwise, int64_t *ret_loops,
                      struct error *err) MUST_USE;

/* The second half of lists (person_list.c), among that many persons. */
bool bench_person_list(struct workshop *workshop, struct platform *platform, int64_t persons,
                       struct error *err) MUST_USE;

extern const struct command bench_commands[];
extern const struct sql_list bench_list_statements, bench_person_statements,
    bench_first_minute_statements;

#endif
