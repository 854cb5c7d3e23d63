/* bench detect, bench rt: microseconds a point of every method against the R packages.
 *
 * The work is that of the reference cases (series, parameters, expected rows) in a folder beside
 * the checkout or given by --reference. R is timed by the script that lies with them: the call
 * alone, on objects in memory, the fastest of its batches. Ours likewise: parameters parsed and
 * the series in memory, one call into an arena, the fastest of five batches of at least 20 ms. A
 * method's figure is the geometric mean over its cases; R's process of a method ends before ours
 * begins. */
#include "bench/benches.h"

#include <math.h>

#include "bench/detect.h"
#include "sensing/sensing.h"

struct family {
    const char *bench, *algorithm, *name, *command, *method;
};
static const struct family families[] = {
    {"detect", "surveillance::earsC", "ears_c1", "detect", "ears_c1"},
    {"detect", "surveillance::earsC", "ears_c2", "detect", "ears_c2"},
    {"detect", "surveillance::earsC", "ears_c3", "detect", "ears_c3"},
    {"detect", "surveillance::farringtonFlexible", "farrington_flexible", "detect",
     "farrington_flexible"},
    {"detect", "surveillance::farrington", "farrington", "detect", "farrington"},
    {"detect", "surveillance::algo.cusum", "cusum", "detect", "cusum"},
    {"detect", "surveillance::algo.glrpois", "glr_poisson", "detect", "glr_poisson"},
    {"detect", "surveillance::algo.glrnb", "glr_negbin", "detect", "glr_negbin"},
    {"detect", "surveillance::algo.bayes", "bayes", "detect", "bayes"},
    {"detect", "surveillance::algo.rki", "rki", "detect", "rki"},
    {"detect", "surveillance::algo.cdc", "cdc", "detect", "cdc"},
    {"detect", "surveillance::algo.outbreakP", "outbreak_p", "detect", "outbreak_p"},
    {"rt", "EpiEstim::estimate_R(parametric_si)", "rt_parametric_si", "rt", "parametric_si"},
    {"rt", "EpiEstim::estimate_R(parametric_si, local+imported)", "rt_parametric_si_imported", "rt",
     "parametric_si"},
    {"rt", "EpiEstim::estimate_R(non_parametric_si)", "rt_non_parametric_si", "rt",
     "non_parametric_si"},
    {"rt", "EpiEstim::estimate_R(uncertain_si)", "rt_uncertain_si", "rt", "uncertain_si"},
    {"rt", "EpiEstim::discr_si + overall_infectivity", "rt_infectivity", "rt", "infectivity"},
    {"rt", "EpiEstim::discr_si", "rt_discr_si", "rt", "discr_si"},
    {"rt", "EpiEstim::wallinga_teunis", "rt_wallinga_teunis", "rt", "wallinga_teunis"},
    {"rt", "surveillance::nowcast(lawless)", "nowcast_lawless", "nowcast", "lawless"},
    {"rt", "surveillance::nowcast(bayes.notrunc.bnb)", "nowcast_bayes_notrunc_bnb", "nowcast",
     "bayes_notrunc_bnb"},
};

enum { MANIFEST_BYTES_MAX = 16 << 20, BATCHES = 5, POINTS_MAX = 1 << 20 };
static const double batch_seconds_min = 0.02;

struct reference {
    struct workshop *workshop;
    const char *folder;
    json_t *manifest;
    struct arena arena; /* series */
    struct arena room;  /* one call's table */
};

static bool bad_manifest(const struct reference *reference, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = reference->folder},
                     "manifest_detect.json or manifest_rt.json of the reference",
                     "the reference cases cannot be read");
}

static bool read_manifest(struct reference *reference, const char *bench, struct error *err)
{
    struct buffer text;
    char path[WORKSHOP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/manifest_%s.json", reference->folder, bench);
    buffer_init(&text, MANIFEST_BYTES_MAX);
    bool done =
        file_read_whole(reference->workshop->context->working_directory_fd, path, &text, err) &&
        json_read(buffer_slice(&text), path, &reference->manifest, err);
    buffer_release(&text);
    return done;
}

/* ---- One case ---- */

struct bench_case {
    struct series series;
    struct line_list list;
    struct parameters parameters;
    struct method_call call;
    const struct method *method;
    double rows;
};

static bool open_below(const struct reference *reference, const char *name, int *ret_fd,
                       struct error *err)
{
    char path[WORKSHOP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", reference->folder, name);
    return command_open(reference->workshop->context, path, ret_fd, err);
}

static const char *file_of_series(const struct reference *reference, const char *id)
{
    json_t *series;
    size_t i;
    json_array_foreach (json_object_get(reference->manifest, "series"), i, series) {
        const char *name = json_string_value(json_object_get(series, "id"));
        if (name && id && strcmp(name, id) == 0)
            return json_string_value(json_object_get(series, "file"));
    }
    return NULL;
}

/* Puts the column mu0 of the expected file into the parameters, as an array. */
static bool column_as_array(const struct reference *reference, json_t *one, json_t *parameters,
                            struct error *err)
{
    struct csv_reader *reader;
    const struct csv_row *row;
    const char *expected = json_string_value(json_object_get(one, "expected"));
    int fd, column;
    if (!expected || !open_below(reference, expected, &fd, err) ||
        !csv_reader_open(fd, expected, &reader, err))
        return false;
    json_t *array = json_array();
    bool done = (column = csv_reader_column(reader, "mu0")) >= 0 || bad_manifest(reference, err);
    while (done && (done = csv_reader_next(reader, &row, err)) && row) {
        double value;
        done = row->count > (size_t)column && slice_to_double(row->fields[column], &value);
        if (!done)
            bad_manifest(reference, err);
        else
            json_array_append_new(array, json_real(value));
    }
    csv_reader_free(reader);
    json_object_set_new(parameters, "mu0", array);
    return done;
}

static bool case_open(struct reference *reference, const struct family *family, json_t *one,
                      struct bench_case *out, struct error *err)
{
    *out = (struct bench_case){.method = method_find(family->command, family->method)};
    const char *file = file_of_series(reference, json_string_value(json_object_get(one, "series")));
    json_t *parameters = json_deep_copy(json_object_get(one, "params"));
    int fd;
    out->parameters.object = parameters;
    out->rows = (double)json_integer_value(json_object_get(one, "rows"));
    out->call = (struct method_call){.series = &out->series,
                                     .line_list = &out->list,
                                     .parameters = &out->parameters,
                                     .arena = &reference->room};
    if (!parameters || out->rows < 1)
        return bad_manifest(reference, err);
    if (json_is_string(json_object_get(parameters, "mu0")) &&
        !column_as_array(reference, one, parameters, err))
        return false;
    if (out->method->input == INPUT_NOTHING)
        return true;
    if (!file || !open_below(reference, file, &fd, err))
        return file ? false : bad_manifest(reference, err);
    return out->method->input == INPUT_SERIES
               ? series_read(fd, file, &reference->arena, &out->series, err)
               : line_list_read(fd, file, &reference->arena, &out->list, err);
}

/* Microseconds a row: the fastest batch. */
static bool case_time(struct bench_case *one, double *ret_microseconds, struct error *err)
{
    struct table table;
    double best = INFINITY;
    size_t calls = 1;
    for (int batch = 0; batch < BATCHES;) {
        double begun = world_elapsed_seconds();
        for (size_t i = 0; i < calls; i++) {
            arena_clear(one->call.arena);
            if (!one->method->run(&one->call, &table, err))
                return false;
        }
        double took = world_elapsed_seconds() - begun;
        if (took < batch_seconds_min) {
            double more = 1.3 * batch_seconds_min / fmax(took, 1e-6);
            calls = (size_t)((double)calls * fmin(fmax(more, 1.1), 100)) + 1;
            continue;
        }
        best = fmin(best, took / (double)calls);
        batch++;
    }
    *ret_microseconds = best * 1e6 / one->rows;
    return true;
}

/* ---- One method ---- */

static bool belongs(const struct family *family, json_t *one)
{
    const char *algorithm = json_string_value(json_object_get(one, "algorithm"));
    json_t *method = json_object_get(json_object_get(one, "params"), "method");
    if (!algorithm || strcmp(algorithm, family->algorithm) != 0)
        return false;
    if (strcmp(algorithm, "surveillance::earsC") != 0)
        return true;
    const char *kind = json_string_value(method);
    return kind && kind[1] == family->method[strlen("ears_c")];
}

/* R's rows of a family: method,series,evaluated_points,seconds_per_call,microseconds_per_point. */
struct peer_rows {
    double microseconds[64];
    bool without_simulation[64];
    size_t count;
};

static bool peer_rows_read(const struct reference *reference, const struct family *family,
                           struct peer_rows *rows, struct error *err)
{
    char path[PEER_PATH_BYTES], script[WORKSHOP_PATH_BYTES], answer[PEER_ANSWER_BYTES];
    struct peer peer = {0};
    rows->count = 0;
    if (!workshop_peer(reference->workshop, "r", path))
        return true;
    snprintf(script, sizeof script, "%s/time_r.R", reference->folder);
    const char *const arguments[] = {script, reference->folder, family->name, NULL};
    if (!peer_start("R", path, arguments, &peer, err))
        return false;
    while (fgets(answer, sizeof answer, peer.from)) {
        char *last = strrchr(answer, ',');
        double value;
        if (!last || rows->count == 64 || !slice_to_double(slice_trim(slice_of(last + 1)), &value))
            continue;
        rows->without_simulation[rows->count] = strstr(answer, "_nsim0,") != NULL;
        rows->microseconds[rows->count++] = value;
    }
    return peer_finish(&peer) ||
           error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "Rscript"},
                     "times of R's methods", "R's script failed");
}

/* Adds the logarithms of ours and of R's for each row of R's (ours only, where there is no R). */
static bool family_case(struct reference *reference, const struct family *family, json_t *one,
                        const struct peer_rows *peer, size_t *at, double sums[3], struct error *err)
{
    struct bench_case bench_case;
    double ours;
    bool done = case_open(reference, family, one, &bench_case, err);
    for (size_t first = *at; done;) {
        if (*at > first && (*at == peer->count || !peer->without_simulation[*at]))
            break;
        if (*at > first)
            json_object_set_new(bench_case.parameters.object, "n_sim", json_integer(0));
        done = case_time(&bench_case, &ours, err);
        if (!done)
            break;
        sums[0] += log(ours);
        sums[1] += *at < peer->count ? log(peer->microseconds[*at]) : 0;
        sums[2]++;
        (*at)++;
    }
    parameters_release(&bench_case.parameters);
    return done;
}

static bool run_family(struct reference *reference, const struct family *family,
                       struct figures *figures, double totals[3], struct error *err)
{
    char name[MEASURE_NAME_BYTES];
    double sums[3] = {0};
    struct peer_rows peer;
    json_t *one;
    size_t i, at = 0;
    if (!peer_rows_read(reference, family, &peer, err))
        return false;
    json_array_foreach (json_object_get(reference->manifest, "cases"), i, one) {
        if (belongs(family, one) && !family_case(reference, family, one, &peer, &at, sums, err))
            return false;
    }
    if (sums[2] == 0)
        return true;
    double ours = exp(sums[0] / sums[2]), theirs = exp(sums[1] / sums[2]);
    workshop_say(reference->workshop, "%-28s %2.0f cases  %10.4f us a point  R %12.2f",
                 family->name, sums[2], ours, peer.count ? theirs : NAN);
    if (peer.count == 0)
        return true;
    if (peer.count != (size_t)sums[2])
        return bad_manifest(reference, err);
    snprintf(name, sizeof name, "%s.%s", family->bench, family->name);
    measure_add(figures_add(figures, name, "us/point", true), ours, theirs);
    totals[0] += log(ours);
    totals[1] += log(theirs);
    totals[2]++;
    return true;
}

static int run(struct command_context *context, const struct command *command, const char *bench,
               int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.pairs = 1};
    struct reference reference = {.workshop = &workshop, .folder = "../shared/reference/detection"};
    const char *folder;
    double totals[3] = {0};
    if (!command_option(&argc, argv, "--reference", &folder, err))
        return command_fail(err);
    reference.folder = folder ? folder : reference.folder;
    bool done = workshop_open(&workshop, context, command, argc, argv, err);
    arena_init(&reference.arena, METHOD_ARENA_BYTES_MAX);
    arena_init(&reference.room, METHOD_ARENA_BYTES_MAX);
    done = done && read_manifest(&reference, bench, err);
    for (size_t i = 0; done && i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].bench, bench) == 0)
            done = run_family(&reference, &families[i], &workshop.figures, totals, err);
    if (done && totals[2] > 0)
        measure_add(figures_add(&workshop.figures, "geometric_mean", "us/point", true),
                    exp(totals[0] / totals[2]), exp(totals[1] / totals[2]));
    if (done && strcmp(bench, "detect") == 0)
        done = bench_morning(&workshop, err);
    json_decref(reference.manifest);
    arena_release(&reference.arena);
    arena_release(&reference.room);
    return workshop_close(&workshop, bench, done, err);
}

int bench_detect(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run(context, &bench_commands[5], "detect", argc, argv, err);
}

int bench_rt(struct command_context *context, int argc, char **argv, struct error *err)
{
    return run(context, &bench_commands[6], "rt", argc, argv, err);
}
