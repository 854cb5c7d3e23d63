/* bench noufaily: what a detector finds of known outbreaks, and what it cries for nothing.
 *
 * Reads series `scenario,replicate,week,cases,outbreak_cases` of 624 weeks each, looks at the last
 * 49 of them in two versions (as they are, and without any outbreak cases) over a grid of alphas,
 * and writes every alarm to standard output, which the benchmark's own scorer reads, as
 * `method,alpha,version,scenario,replicate,week,alarm`. To standard error: the pooled scores by the
 * same definitions and, against the peer (our farrington_flexible with the settings of Noufaily et
 * al. 2013, which equals R's), the share of outbreaks found and the weeks they went on unseen at
 * equal false alarms, with the standard error of the difference. */
#include <math.h>
#include <pthread.h>

#include "bench/benches.h"
#include "bench/detection_scores.h"
#include "sensing/sensing.h"

enum { WEEKS = 624, FIRST_WEEK = WEEKS - EVALUATED_WEEKS, SERIES_MAX = 20000, WORKERS = 2 };

struct contender {
    const char *method, *parameters; /* all but alpha */
    bool by_p_value;                 /* its alarms at every alpha can be read off "pvalue" */
    double alphas[ALPHAS_MAX];       /* 0 ends it */
};
#define ALPHAS_OF_R                                                                                \
    {                                                                                              \
        1e-6, 1e-5, 1e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2                  \
    }
static const struct contender contenders[] = {
    {"chengmai_ensemble",
     "\"freq\":52",
     true,
     {0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.075,
      0.1, 0.15}},
    {"farrington_flexible",
     "\"freq\":52,\"b\":5,\"w\":3,\"noPeriods\":10,\"reweight\":true,\"weightsThreshold\":2.58,"
     "\"trend\":true,\"pThresholdTrend\":1,\"pastWeeksNotIncluded\":26,"
     "\"thresholdMethod\":\"nbPlugin\",\"limit54\":[5,4],\"powertrans\":\"2/3\"",
     false, ALPHAS_OF_R},
    {"farrington",
     "\"freq\":52,\"b\":5,\"w\":3,\"reweight\":true,\"trend\":true,\"limit54\":[5,4],"
     "\"powertrans\":\"2/3\"",
     false, ALPHAS_OF_R},
    {"ears_c1", "\"baseline\":7,\"minSigma\":0", false, ALPHAS_OF_R},
    {"ears_c2", "\"baseline\":7,\"minSigma\":0", false, ALPHAS_OF_R},
    {"ears_c3", "\"baseline\":7,\"minSigma\":0", false, ALPHAS_OF_R},
};
static const struct contender *const own = &contenders[0], *const reference = &contenders[1];

static const struct contender *contender_find(const char *method)
{
    for (size_t i = 0; i < sizeof contenders / sizeof *contenders; i++)
        if (strcmp(contenders[i].method, method) == 0)
            return &contenders[i];
    return NULL;
}

static size_t alpha_count(const struct contender *contender)
{
    size_t count = 0;
    while (count < ALPHAS_MAX && contender->alphas[count] > 0)
        count++;
    return count;
}

/* ---- Series ---- */

struct outbreak_series {
    double full[WEEKS], clean[WEEKS];
    struct judged_series judged; /* without its alarms */
};
struct outbreak_file {
    struct outbreak_series *series;
    size_t count, capacity;
};

static bool bad_row(const struct csv_row *row, const char *source, const char *expected,
                    struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = source, .row = row ? row->number : 0}, expected,
                     "the row is none of the benchmark's");
}

/* Adds the row's week, which must be the `week`th of its series. */
static bool take_row(const struct csv_row *row, const int *columns, const char *source,
                     struct outbreak_file *file, int64_t *week, struct error *err)
{
    int64_t values[5];
    for (size_t i = 0; i < 5; i++)
        if (!slice_to_int64(row->fields[columns[i]], 0, INT64_C(1000000000000), &values[i]))
            return bad_row(row, source, "whole numbers from 0", err);
    if (*week == WEEKS) {
        *week = 0;
        file->count++;
    }
    if (file->count == SERIES_MAX)
        return bad_row(row, source, "at most 20000 series", err);
    if (file->count == file->capacity) {
        file->capacity = file->capacity ? 2 * file->capacity : 64;
        file->series = x_realloc(file->series, file->capacity * sizeof *file->series);
    }
    struct outbreak_series *series = &file->series[file->count];
    struct judged_series *judged = &series->judged;
    if (*week == 0)
        *judged = (struct judged_series){
            .scenario = (int)values[0], .replicate = (int)values[1], .start = -1};
    if (values[0] != judged->scenario || values[1] != judged->replicate || values[2] != *week + 1 ||
        values[4] > values[3])
        return bad_row(row, source, "weeks 1 … 624 of one series after another", err);
    series->full[*week] = (double)values[3];
    series->clean[*week] = (double)(values[3] - values[4]);
    if (*week >= FIRST_WEEK && values[4] > 0) {
        judged->end = (int)*week - FIRST_WEEK;
        judged->start = judged->start < 0 ? judged->end : judged->start;
    }
    ++*week;
    if (*week == WEEKS && judged->start < 0)
        return bad_row(row, source, "an outbreak in weeks 576 … 624", err);
    return true;
}

static bool read_series(struct workshop *workshop, const char *source, struct outbreak_file *file,
                        struct error *err)
{
    static const char *const names[] = {"scenario", "replicate", "week", "cases", "outbreak_cases"};
    struct csv_reader *reader;
    const struct csv_row *row = NULL;
    int columns[5], fd;
    int64_t week = 0;
    if (!command_open(workshop->context, source, &fd, err) ||
        !csv_reader_open(fd, source, &reader, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < 5; i++)
        done = (columns[i] = csv_reader_column(reader, names[i])) >= 0 ||
               bad_row(NULL, source, "scenario,replicate,week,cases,outbreak_cases", err);
    while (done && (done = csv_reader_next(reader, &row, err)) && row)
        done = row->count > 0 && take_row(row, columns, source, file, &week, err);
    if (done && week != WEEKS)
        done = bad_row(NULL, source, "624 weeks of each series", err);
    file->count++;
    csv_reader_free(reader);
    return done;
}

/* ---- Alarms ---- */

struct worker {
    pthread_t thread;
    const struct contender *contender;
    const struct outbreak_file *file;
    struct judged_series *judged; /* of all series; this worker fills its own */
    size_t first, end;
    struct arena arena;
    struct error err;
    bool done;
};

/* Sets bit `a` of the weeks that alarm at alpha number `a`. */
static bool run_alpha(struct worker *worker, const struct series *series, size_t a, uint16_t *weeks)
{
    const struct contender *contender = worker->contender;
    char text[512];
    struct parameters parameters = {0};
    struct table table;
    struct method_call call = {
        .series = series, .parameters = &parameters, .arena = &worker->arena};
    arena_clear(&worker->arena);
    snprintf(text, sizeof text, "{\"range\":[%d,%d],\"alpha\":%.17g,%s}", FIRST_WEEK + 1, WEEKS,
             contender->alphas[a], contender->parameters);
    bool done = parameters_read(text, NULL, 0, &parameters, &worker->err) &&
                method_find("detect", contender->method)->run(&call, &table, &worker->err);
    parameters_release(&parameters);
    if (!done)
        return false;
    const double *values = table_values(&table, contender->by_p_value ? "pvalue" : "alarm");
    size_t last = contender->by_p_value ? alpha_count(contender) : a + 1;
    for (; a < last; a++)
        for (size_t week = 0; week < EVALUATED_WEEKS; week++) {
            bool alarm =
                contender->by_p_value ? values[week] <= contender->alphas[a] : values[week] > 0;
            weeks[week] = (uint16_t)(weeks[week] | (unsigned)alarm << a);
        }
    return true;
}

static void *work(void *context)
{
    struct worker *worker = context;
    size_t alphas = worker->contender->by_p_value ? 1 : alpha_count(worker->contender);
    arena_init(&worker->arena, METHOD_ARENA_BYTES_MAX);
    worker->done = true;
    for (size_t i = worker->first; worker->done && i < worker->end; i++) {
        struct outbreak_series *series = &worker->file->series[i];
        struct series full = {.source = "full", .count = WEEKS, .observed = series->full};
        struct series clean = {.source = "clean", .count = WEEKS, .observed = series->clean};
        worker->judged[i] = series->judged;
        for (size_t a = 0; worker->done && a < alphas; a++)
            worker->done = run_alpha(worker, &full, a, worker->judged[i].full) &&
                           run_alpha(worker, &clean, a, worker->judged[i].clean);
    }
    arena_release(&worker->arena);
    return NULL;
}

/* Alarms of all series; released with free. */
static bool judge(const struct contender *contender, const struct outbreak_file *file,
                  struct judged_series **ret_judged, struct error *err)
{
    struct worker workers[WORKERS] = {0};
    size_t started = 0;
    bool done = true;
    *ret_judged = x_alloc(file->count, sizeof **ret_judged);
    for (; started < WORKERS; started++) {
        workers[started] = (struct worker){.contender = contender,
                                           .file = file,
                                           .judged = *ret_judged,
                                           .first = file->count * started / WORKERS,
                                           .end = file->count * (started + 1) / WORKERS};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) {
            done = error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "bench"},
                             "two threads", "a thread could not be started");
            break;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        if (done && !workers[i].done) {
            *err = workers[i].err;
            done = false;
        }
    }
    return done;
}

static void print_alarms(const struct contender *contender, const struct judged_series *judged,
                         size_t count, FILE *out)
{
    fputs("method,alpha,version,scenario,replicate,week,alarm\n", out);
    for (size_t a = 0; a < alpha_count(contender); a++)
        for (int clean = 0; clean < 2; clean++)
            for (size_t i = 0; i < count; i++)
                for (int week = 0; week < EVALUATED_WEEKS; week++)
                    fprintf(out, "%s,%g,%s,%d,%d,%d,%d\n", contender->method, contender->alphas[a],
                            clean ? "clean" : "full", judged[i].scenario, judged[i].replicate,
                            FIRST_WEEK + 1 + week,
                            (clean ? judged[i].clean : judged[i].full)[week] >> a & 1);
}

/* ---- Scores ---- */

static void score(struct workshop *workshop, const struct contender *contender,
                  const struct judged_series *judged, size_t count, struct detection_score *scores)
{
    workshop_say(workshop, "%-20s %9s %9s %9s %6s %19s %14s", contender->method, "alpha",
                 "fpr_clean", "fpr_quiet", "pod", "timeliness_detected", "timeliness_all");
    for (size_t a = 0; a < alpha_count(contender); a++) {
        scores[a] = detection_score(judged, count, a);
        workshop_say(workshop, "%-20s %9g %9.5f %9.5f %6.4f %19.3f %14.3f", "",
                     contender->alphas[a], scores[a].fpr_clean, scores[a].fpr_quiet, scores[a].pod,
                     scores[a].timeliness_detected, scores[a].timeliness_all);
    }
}

static void compare(struct workshop *workshop, const struct judged_series *const judged[2],
                    const struct detection_score *ours, size_t our_alphas,
                    const struct detection_score *peers, size_t peer_alphas, size_t count)
{
    static const double rates[] = {0.01, 0.02, 0.05};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct between_alphas places[2];
        char name[MEASURE_NAME_BYTES];
        if (!detection_at_rate(ours, our_alphas, rates[i], &places[0]) ||
            !detection_at_rate(peers, peer_alphas, rates[i], &places[1])) {
            workshop_say(workshop, "a rate of %g is out of the alphas' reach", rates[i]);
            continue;
        }
        struct detection_pair pair = detection_compare(judged, places, count);
        workshop_say(workshop,
                     "at %g false alarms a week: found %.4f against %.4f, difference %+.4f ± %.4f; "
                     "weeks unseen %.3f against %.3f, difference %+.3f ± %.3f",
                     rates[i], pair.pod[0], pair.pod[1], pair.pod[0] - pair.pod[1], pair.pod_error,
                     pair.weeks[0], pair.weeks[1], pair.weeks[0] - pair.weeks[1], pair.weeks_error);
        if (!(pair.pod[0] > 0 && pair.pod[1] > 0 && pair.weeks[0] > 0 && pair.weeks[1] > 0))
            continue;
        snprintf(name, sizeof name, "noufaily.unseen_weeks_at_%g", rates[i]);
        measure_add(figures_add(&workshop->figures, name, "weeks", true), pair.weeks[0],
                    pair.weeks[1]);
        snprintf(name, sizeof name, "noufaily.found_at_%g", rates[i]);
        measure_add(figures_add(&workshop->figures, name, "share", false), pair.pod[0],
                    pair.pod[1]);
    }
}

static void print_results(struct workshop *workshop)
{
    char line[RESULT_LINE_BYTES];
    for (size_t m = 0; m < workshop->figures.count; m++) {
        result_line(&workshop->figures.measures[m], line);
        workshop_say(workshop, "%s", line);
    }
    workshop->figures.count = 0; /* standard output holds the alarms alone */
}

static bool run(struct workshop *workshop, const char *source, const struct contender *contender,
                struct error *err)
{
    struct outbreak_file file = {0};
    struct judged_series *ours = NULL, *peers = NULL;
    struct detection_score our_scores[ALPHAS_MAX], peer_scores[ALPHAS_MAX];
    bool done = read_series(workshop, source, &file, err) && judge(contender, &file, &ours, err);
    if (done) {
        print_alarms(contender, ours, file.count, workshop->context->out);
        score(workshop, contender, ours, file.count, our_scores);
    }
    if (done && !workshop->alone && (done = judge(reference, &file, &peers, err))) {
        score(workshop, reference, peers, file.count, peer_scores);
        compare(workshop, (const struct judged_series *const[]){ours, peers}, our_scores,
                alpha_count(contender), peer_scores, alpha_count(reference), file.count);
        print_results(workshop);
    }
    free(ours);
    free(peers);
    free(file.series);
    return done;
}

int bench_noufaily(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *source, *method;
    struct workshop workshop = {.context = context, .alone = command_flag(&argc, argv, "--alone")};
    if (!command_option(&argc, argv, "--series", &source, err) ||
        !command_option(&argc, argv, "--method", &method, err) ||
        !command_arguments(&bench_commands[7], argc, argv, 0, 0, err))
        return command_fail(err);
    const struct contender *contender = method ? contender_find(method) : own;
    if (!contender) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "--method"},
                  "chengmai_ensemble, farrington_flexible, farrington, ears_c1, ears_c2 or ears_c3",
                  "there is no benchmark of '%.60s'", method);
        return command_fail(err);
    }
    if (!source)
        source = "../shared/reference/benchmark/noufaily_series.csv.gz";
    return run(&workshop, source, contender, err) ? EXIT_DONE : command_fail(err);
}
