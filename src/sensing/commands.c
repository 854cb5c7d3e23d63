/* `detect`, `rt`, `nowcast`, `scan`, `incidence`: a file and parameters in, a table out. No data
 * directory. */
#include <gsl/gsl_errno.h>

#include "sensing/plot.h"
#include "sensing/pooled.h"
#include "sensing/scan.h"
#include "sensing/sensing_internal.h"
#include "sensing/sensing_module.h"
#include "sensing/venue_excess.h"

/* A new one goes to the end: fuzz/corpus/sensing names a method by its place. */
const struct method methods[] = {
    {"detect", "ears_c1", INPUT_SERIES, "EARS C1: mean and deviation of the days before",
     ears_c1_run},
    {"detect", "ears_c2", INPUT_SERIES, "EARS C2: as C1, two days kept apart", ears_c2_run},
    {"detect", "ears_c3", INPUT_SERIES, "EARS C3: three days of C2", ears_c3_run},
    {"detect", "farrington_flexible", INPUT_SERIES, "Farrington's regression, improved by Noufaily",
     farrington_flexible_run},
    {"detect", "farrington", INPUT_SERIES, "Farrington's regression of 1996", farrington_run},
    {"detect", "cusum", INPUT_SERIES, "cumulated sums", cusum_run},
    {"detect", "glr_poisson", INPUT_SERIES, "generalised likelihood ratio, Poisson",
     glr_poisson_run},
    {"detect", "glr_negbin", INPUT_SERIES, "generalised likelihood ratio, negative binomial",
     glr_negbin_run},
    {"detect", "bayes", INPUT_SERIES, "Bayesian bound from reference weeks", bayes_run},
    {"detect", "rki", INPUT_SERIES, "reference weeks as at the Robert Koch Institute", rki_run},
    {"detect", "cdc", INPUT_SERIES, "reference months as at the CDC", cdc_run},
    {"detect", "outbreak_p", INPUT_SERIES, "semiparametric likelihood ratio of a rise",
     outbreak_p_run},
    {"detect", "outbreak_p_exact", INPUT_SERIES, "the same, without underflow",
     outbreak_p_exact_run},
    {"rt", "parametric_si", INPUT_SERIES, "R(t), gamma serial interval", rt_parametric_run},
    {"rt", "non_parametric_si", INPUT_SERIES, "R(t), given serial interval", rt_non_parametric_run},
    {"rt", "uncertain_si", INPUT_SERIES, "R(t), uncertain serial interval", rt_uncertain_run},
    {"rt", "infectivity", INPUT_SERIES, "serial interval and overall infectivity",
     rt_infectivity_run},
    {"rt", "discr_si", INPUT_NOTHING, "discretised serial intervals", rt_discr_si_run},
    {"rt", "wallinga_teunis", INPUT_SERIES, "case reproduction number", rt_wallinga_teunis_run},
    {"nowcast", "lawless", INPUT_LINE_LIST, "delays by Lawless, truncation accounted for",
     nowcast_lawless_run},
    {"nowcast", "bayes_notrunc_bnb", INPUT_LINE_LIST, "Bayesian, beta negative binomial",
     nowcast_bnb_run},
    {"detect", "chengmai_ensemble", INPUT_SERIES,
     "robust averaged regressions and two weeks' evidence", chengmai_ensemble_run},
    {"scan", "poisson", INPUT_PLACES, "clusters of places and days, against expected counts",
     scan_poisson_run},
    {"scan", "permutation", INPUT_PLACES, "clusters of places and days, from counts alone",
     scan_permutation_run},
    {"scan", "venues", INPUT_VENUES, "venues with more later positives than their traffic explains",
     venue_excess_run},
    {"rt", "growth", INPUT_SERIES, "growth a day, and the doubling time", rt_growth_run},
    {"nowcast", "weekday", INPUT_LINE_LIST, "delays by the weekday of the report",
     nowcast_weekday_run},
    {"incidence", "pooled", INPUT_POOLS, "the share of positives from pooled tests",
     incidence_pooled_run},
};
const size_t method_count = sizeof methods / sizeof *methods;

const struct method *method_find(const char *command, const char *name)
{
    for (size_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].command, command) == 0 && strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

enum { ASSIGNMENTS_MAX = 64 };
struct request_line {
    const char *json, *table_name, *plot;
    const char *assignments[ASSIGNMENTS_MAX];
    size_t assignment_count;
};

/* Takes --params, --table, --plot and every -p out of argv. */
static bool take_options(int *argc, char **argv, struct request_line *line, struct error *err)
{
    *line = (struct request_line){0};
    if (!command_option(argc, argv, "--params", &line->json, err) ||
        !command_option(argc, argv, "--table", &line->table_name, err) ||
        !command_option(argc, argv, "--plot", &line->plot, err))
        return false;
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], "-p") != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        if (++i == *argc || line->assignment_count == ASSIGNMENTS_MAX)
            return error_set(err, ERROR_USAGE, (struct error_place){.field = "-p"}, "NAME=VALUE",
                             "-p stands without its value, or too often");
        line->assignments[line->assignment_count++] = argv[i];
    }
    *argc = kept;
    return true;
}

bool method_read(const struct method *method, int fd, const char *source, struct arena *arena,
                 struct method_room *room, struct method_call *call, struct error *err)
{
    *room = (struct method_room){0};
    switch (method->input) {
    case INPUT_NOTHING:
        break;
    case INPUT_SERIES:
        call->series = &room->series;
        return series_read(fd, source, arena, &room->series, err);
    case INPUT_LINE_LIST:
        call->line_list = &room->line_list;
        return line_list_read(fd, source, arena, &room->line_list, err);
    case INPUT_PLACES:
        call->places = room->places = arena_alloc(arena, sizeof *room->places);
        return scan_counts_read(fd, source, arena, room->places, err);
    case INPUT_VENUES:
        call->venues = room->venues = arena_alloc(arena, sizeof *room->venues);
        return venue_counts_read(fd, source, arena, room->venues, err);
    case INPUT_POOLS:
        call->pools = room->pools = arena_alloc(arena, sizeof *room->pools);
        return pool_counts_read(fd, source, arena, room->pools, err);
    }
    return true;
}

static bool read_input(struct command_context *context, const struct method *method,
                       const char *file, struct method_room *room, struct method_call *call,
                       struct error *err)
{
    int fd;
    return method->input == INPUT_NOTHING ||
           (command_open(context, file, &fd, err) &&
            method_read(method, fd, file, context->arena, room, call, err));
}

static int unknown_method(const char *command, const char *name, struct error *err)
{
    char expected[sizeof err->expected] = "one of";
    for (size_t i = 0; i < method_count; i++)
        if (strcmp(methods[i].command, command) == 0) {
            size_t used = strlen(expected);
            snprintf(expected + used, sizeof expected - used, " %s", methods[i].name);
        }
    error_set(err, ERROR_USAGE, (struct error_place){.field = "METHOD"}, expected,
              "there is no method '%.60s'", name);
    return command_fail(err);
}

/* The picture first: where it cannot be drawn or written, nothing is printed. */
static bool put_plot(struct command_context *context, const struct method *method,
                     const struct method_call *call, const struct table *table, const char *path,
                     struct error *err)
{
    struct buffer picture;
    buffer_init(&picture, 64 << 20);
    bool done = plot_draw(method, call, table, &picture, err) &&
                command_write(context, path, &picture, err);
    buffer_release(&picture);
    return done;
}

static int run_method(struct command_context *context, const struct command *command, int argc,
                      char **argv, struct error *err)
{
    struct request_line line;
    struct parameters parameters = {0};
    if (!take_options(&argc, argv, &line, err) ||
        !command_arguments(command, argc, argv, 1, 2, err))
        return command_fail(err);
    const struct method *method = method_find(command->name, argv[0]);
    if (!method)
        return unknown_method(command->name, argv[0], err);
    if ((argc == 2) != (method->input != INPUT_NOTHING)) {
        error_set(err, ERROR_USAGE, (struct error_place){.source = method->name},
                  argc == 2 ? "no file" : "METHOD FILE", "the arguments are not the method's");
        return command_fail(err);
    }
    gsl_set_error_handler_off();
    struct method_room room;
    struct table table;
    struct method_call call = {
        .parameters = &parameters, .table_name = line.table_name, .arena = context->arena};
    bool done =
        parameters_read(line.json, line.assignments, line.assignment_count, &parameters, err) &&
        read_input(context, method, argc == 2 ? argv[1] : NULL, &room, &call, err) &&
        method->run(&call, &table, err) &&
        (!line.plot || put_plot(context, method, &call, &table, line.plot, err));
    if (done)
        table_print(&table, context->out);
    parameters_release(&parameters);
    return done ? EXIT_DONE : command_fail(err);
}

static int run_detect(struct command_context *context, int argc, char **argv, struct error *err);
static int run_rt(struct command_context *context, int argc, char **argv, struct error *err);
static int run_nowcast(struct command_context *context, int argc, char **argv, struct error *err);
static int run_scan(struct command_context *context, int argc, char **argv, struct error *err);
static int run_incidence(struct command_context *context, int argc, char **argv,
                         struct error *err);

static const struct command sensing_commands[] = {
    {.name = "detect",
     .usage = "METHOD FILE|- [--params JSON] [-p NAME=VALUE …] [--plot F.svg]",
     .words = "alarms in a series of counts",
     .needs_data = false,
     .run = run_detect},
    {.name = "rt",
     .usage = "METHOD [FILE|-] [--params JSON] [-p NAME=VALUE …] [--plot F.svg]",
     .words = "reproduction numbers of an epidemic curve",
     .needs_data = false,
     .run = run_rt},
    {.name = "nowcast",
     .usage = "METHOD FILE|- [--table cdf] [--params JSON] [-p NAME=VALUE …] [--plot F.svg]",
     .words = "cases that are not reported yet",
     .needs_data = false,
     .run = run_nowcast},
    {.name = "scan",
     .usage = "poisson|permutation|venues FILE|- [--table members|maxima] [--params JSON] "
              "[-p NAME=VALUE …] [--plot F.svg]",
     .words = "clusters in space and time, and venues with an excess of later positives",
     .needs_data = false,
     .run = run_scan},
    {.name = "incidence",
     .usage = "pooled FILE|- [--params JSON] [-p NAME=VALUE …] [--plot F.svg]",
     .words = "the share of positives, with its interval, from tubes of several swabs",
     .needs_data = false,
     .run = run_incidence},
};

static int run_detect(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run_method(context, &sensing_commands[0], argc, argv, err);
}
static int run_rt(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run_method(context, &sensing_commands[1], argc, argv, err);
}
static int run_nowcast(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run_method(context, &sensing_commands[2], argc, argv, err);
}
static int run_scan(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run_method(context, &sensing_commands[3], argc, argv, err);
}
static int run_incidence(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run_method(context, &sensing_commands[4], argc, argv, err);
}

const struct module sensing_module = {
    .name = "sensing",
    .commands = sensing_commands,
    .command_count = sizeof sensing_commands / sizeof *sensing_commands,
};
