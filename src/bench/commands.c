/* bench list, bench NAME. */
#include "bench/bench.h"
#include "bench/benches.h"

static int bench_list(struct command_context *context, int argc, char **argv, struct error *err);

const struct command bench_commands[] = {
    {.name = "bench list",
     .usage = "",
     .words = "the benchmarks",
     .needs_data = false,
     .run = bench_list},
    {.name = "bench ingest",
     .usage = "[--people N] [--days D] [--events N] [--peer-events N] [--pairs N] [--alone] "
              "[--work DIR]",
     .words = "check-ins a second, durable in both orders, against RocksDB and ClickHouse",
     .needs_data = false,
     .run = bench_ingest},
    {.name = "bench trace",
     .usage = "[--people N] [--days D] [--queries N] [--pairs N] [--alone] [--work DIR]",
     .words = "tracing in process against SQLite and RocksDB",
     .needs_data = false,
     .run = bench_trace},
    {.name = "bench scans",
     .usage = "[--pairs N] [--work DIR]",
     .words = "durable POST /scans a second on one core against nginx",
     .needs_data = false,
     .run = bench_scans},
    {.name = "bench start",
     .usage = "[--people N | --city DIR] [--pairs N] [--work DIR]",
     .words = "seconds to `listening`, and anonymous memory, of a served demo city",
     .needs_data = false,
     .run = bench_start},
    {.name = "bench detect",
     .usage = "[--reference DIR] [--alone]",
     .words = "detectors, microseconds a point, against R; and a city's morning",
     .needs_data = false,
     .run = bench_detect},
    {.name = "bench rt",
     .usage = "[--reference DIR] [--alone]",
     .words = "R(t) and nowcasts, microseconds a point, against R",
     .needs_data = false,
     .run = bench_rt},
    {.name = "bench noufaily",
     .usage = "[--series FILE] [--method M] [--alone]",
     .words = "outbreaks found, and false alarms, on series with known outbreaks",
     .needs_data = false,
     .run = bench_noufaily},
    [BENCH_LISTS] = {.name = "bench lists",
     .usage = "[--loops N] [--queries N] [--work DIR] [--city DIR]",
     .words = "milliseconds of a district officer's lists among N loops, N persons; with --city"
              " only the city of the loops is made, and stays",
     .needs_data = false,
     .run = bench_lists},
    [BENCH_LOOPS] = {.name = "bench loops",
     .usage = "[--loops N] [--work DIR]",
     .words = "durable steps a second, one by one and in bulk; overdue clocks a second",
     .needs_data = false,
     .run = bench_loops},
    [BENCH_SCAN] = {.name = "bench scan",
     .usage = "[--pairs N] [--queries N] [--speed-only] [--work DIR]",
     .words = "seconds of a city's space–time scan; planted clusters found",
     .needs_data = false,
     .run = bench_scan},
    [BENCH_FIRST_MINUTE] = {.name = "bench first-minute",
     .usage = "[--people N] [--queries N] [--pairs N] [--work DIR]",
     .words = "seconds from a positive result to all loops that follow from it",
     .needs_data = false,
     .run = bench_first_minute},
    [BENCH_COVERAGE] = {.name = "bench coverage",
                        .usage = "[--queries N] [--work DIR]",
                        .words = "how often the intervals of estimates hold the truth",
                        .needs_data = false,
                        .run = bench_coverage},
};
enum { BENCH_COMMAND_COUNT = sizeof bench_commands / sizeof *bench_commands };

static int bench_list(struct command_context *context, int argc, char **argv, struct error *err)
{
    if (!command_arguments(&bench_commands[0], argc, argv, 0, 0, err))
        return command_fail(err);
    fprintf(context->out, "%s", context->json ? "[" : "");
    for (size_t i = 1; i < BENCH_COMMAND_COUNT; i++)
        fprintf(context->out,
                context->json ? "%s{\"name\":\"%s\",\"words\":\"%s\"}" : "%s%-8s %s\n",
                context->json && i > 1 ? "," : "", bench_commands[i].name + strlen("bench "),
                bench_commands[i].words);
    fprintf(context->out, "%s", context->json ? "]\n" : "");
    return EXIT_DONE;
}

const struct module bench_module = {
    .name = "bench", .commands = bench_commands, .command_count = BENCH_COMMAND_COUNT,
    .statements = (const struct sql_list *const[]){&bench_list_statements, &bench_person_statements,
                                                   &bench_first_minute_statements, NULL}};
