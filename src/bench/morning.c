/* A city's morning: the newest day and the newest week of 20 000 series of five years (62 towns ×
 * syndromes × ages × channels), every detector, on two threads. What counts as one answer: the
 * detectors without memory look at the newest row; the charts (cusum, glr) run over the last 28
 * days or 8 weeks, their baseline fitted to all that was before. The dispersion of glr_negbin is
 * given, not estimated. Series lie in memory; parameters are parsed once. */
#include "bench/detect.h"

#include <math.h>
#include <pthread.h>

#include "sensing/sensing.h"

enum { SERIES_COUNT = 20000, DAYS = 5 * 365 + 1 + 7 * 7, WEEKS = DAYS / 7, WORKERS = 2 };
static const double morning_seconds_max = 10;

struct look {
    const char *method, *daily, *weekly; /* NULL: not asked */
};
static const struct look looks[] = {
    {"ears_c1", "{\"range\":[%d,%d]}", "{\"range\":[%d,%d]}"},
    {"ears_c2", "{\"range\":[%d,%d]}", "{\"range\":[%d,%d]}"},
    {"ears_c3", "{\"range\":[%d,%d]}", "{\"range\":[%d,%d]}"},
    {"bayes", "{\"range\":[%d,%d],\"freq\":365}", "{\"range\":[%d,%d],\"b\":2,\"w\":4}"},
    {"rki", "{\"range\":[%d,%d],\"freq\":365}", "{\"range\":[%d,%d]}"},
    {"cdc", NULL, "{\"range\":[%d,%d],\"b\":4}"},
    {"outbreak_p", "{\"range\":[%d,%d],\"ret\":\"value\"}",
     "{\"range\":[%d,%d],\"ret\":\"value\"}"},
    {"farrington", "{\"range\":[%d,%d],\"b\":4,\"w\":10,\"freq\":365}",
     "{\"range\":[%d,%d],\"b\":4}"},
    {"farrington_flexible",
     "{\"range\":[%d,%d],\"b\":4,\"w\":7,\"freq\":365,\"noPeriods\":6,"
     "\"pastWeeksNotIncluded\":28,\"thresholdMethod\":\"nbPlugin\"}",
     "{\"range\":[%d,%d],\"b\":4,\"noPeriods\":10,\"pastWeeksNotIncluded\":26,"
     "\"thresholdMethod\":\"nbPlugin\",\"pThresholdTrend\":1}"},
    {"cusum", "{\"range\":[%d,%d],\"m\":\"glm\",\"freq\":365,\"trans\":\"rossi\"}",
     "{\"range\":[%d,%d],\"m\":\"glm\",\"trans\":\"rossi\"}"},
    {"glr_poisson", "{\"range\":[%d,%d],\"freq\":365,\"M\":28}", "{\"range\":[%d,%d],\"M\":26}"},
    {"glr_negbin", "{\"range\":[%d,%d],\"freq\":365,\"M\":28,\"alpha\":0.1}",
     "{\"range\":[%d,%d],\"M\":26,\"alpha\":0.1}"},
};
enum { LOOKS = sizeof looks / sizeof *looks };

struct morning {
    const float *counts; /* SERIES_COUNT × DAYS */
    struct parameters daily[LOOKS], weekly[LOOKS];
    bool asked_daily[LOOKS];
};

struct worker {
    pthread_t thread;
    const struct morning *morning;
    size_t first, end;
    struct arena arena;
    uint64_t answers, alarms;
    double seconds; /* on a processor */
    bool done;
    struct error err;
};

static bool is_chart(const char *method)
{
    return strcmp(method, "cusum") == 0 || strncmp(method, "glr", 3) == 0;
}

/* A Poisson number by inversion from its mode's side: good enough for traffic, not for statistics.
 * */
static double draw_count(struct random *random, double mean)
{
    double limit = exp(-mean), product = random_unit(random), count = 0;
    for (; product > limit && count < 1000; count++)
        product *= random_unit(random);
    return count;
}

static float *make_counts(void)
{
    static const double of_week[7] = {1.2, 1.1, 1.05, 1, 1, 0.9, 0.75};
    float *counts = x_alloc((size_t)SERIES_COUNT * DAYS, sizeof *counts);
    struct random random;
    random_init(&random, 20220414, 0);
    for (size_t s = 0; s < SERIES_COUNT; s++) {
        double level = 0.02 * exp(6 * random_unit(&random)), season = 0.5 * random_unit(&random);
        for (size_t day = 0; day < DAYS; day++) {
            double angle = 2 * M_PI * (double)day / 365.25;
            double mean = level * (1 + season * cos(angle)) * of_week[day % 7];
            counts[s * DAYS + day] = (float)draw_count(&random, mean);
        }
    }
    return counts;
}

static bool look_once(struct worker *worker, const char *method, const struct series *series,
                      const struct parameters *parameters)
{
    struct table table;
    struct method_call call = {.series = series, .parameters = parameters, .arena = &worker->arena};
    if (!method_find("detect", method)->run(&call, &table, &worker->err))
        return false;
    worker->answers++;
    worker->alarms += table_values(&table, "alarm")[table.row_count - 1] > 0;
    return true;
}

static void *work(void *context)
{
    struct worker *worker = context;
    const struct morning *morning = worker->morning;
    double daily[DAYS], weekly[WEEKS];
    struct series days = {.source = "days", .count = DAYS, .observed = daily};
    struct series weeks = {.source = "weeks", .count = WEEKS, .observed = weekly};
    arena_init(&worker->arena, METHOD_ARENA_BYTES_MAX);
    worker->done = true;
    for (size_t s = worker->first; worker->done && s < worker->end; s++) {
        memset(weekly, 0, sizeof weekly);
        for (size_t day = 0; day < DAYS; day++) {
            daily[day] = (double)morning->counts[s * DAYS + day];
            weekly[day / 7] += daily[day];
        }
        for (size_t i = 0; worker->done && i < LOOKS; i++) {
            arena_clear(&worker->arena);
            worker->done = (!morning->asked_daily[i] ||
                            look_once(worker, looks[i].method, &days, &morning->daily[i])) &&
                           look_once(worker, looks[i].method, &weeks, &morning->weekly[i]);
        }
    }
    arena_release(&worker->arena);
    worker->seconds = world_thread_seconds();
    return NULL;
}

static bool parse_look(const char *form, int rows, int last, struct parameters *ret,
                       struct error *err)
{
    char text[256];
    const char *comma = strstr(form, "[%d,%d]");
    snprintf(text, sizeof text, "%.*s[%d,%d]%s", (int)(comma - form), form, last - rows + 1, last,
             comma + strlen("[%d,%d]"));
    return parameters_read(text, NULL, 0, ret, err);
}

static bool run_workers(const struct morning *morning, struct worker *workers, struct error *err)
{
    bool done = true;
    size_t started = 0;
    for (; started < WORKERS; started++) {
        struct worker *worker = &workers[started];
        worker->morning = morning;
        worker->first = SERIES_COUNT * started / WORKERS;
        worker->end = SERIES_COUNT * (started + 1) / WORKERS;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
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

bool bench_morning(struct workshop *workshop, struct error *err)
{
    struct morning morning = {0};
    struct worker workers[WORKERS] = {0};
    bool done = true;
    for (size_t i = 0; done && i < LOOKS; i++) {
        bool chart = is_chart(looks[i].method);
        morning.asked_daily[i] = looks[i].daily != NULL;
        done = (!looks[i].daily ||
                parse_look(looks[i].daily, chart ? 28 : 1, DAYS, &morning.daily[i], err)) &&
               parse_look(looks[i].weekly, chart ? 8 : 1, WEEKS, &morning.weekly[i], err);
    }
    float *counts = done ? make_counts() : NULL;
    morning.counts = counts;
    double begun = world_elapsed_seconds();
    done = done && run_workers(&morning, workers, err);
    double took = world_elapsed_seconds() - begun;
    if (done) {
        struct measure *measure = figures_add(&workshop->figures, "detect.morning", "s", true);
        measure->peer_is_limit = true;
        measure_add(measure, took, morning_seconds_max);
        workshop_say(workshop,
                     "a city's morning: %d series, %llu answers, %llu alarms, %.2f s; processor "
                     "time of the two threads %.2f s and %.2f s",
                     SERIES_COUNT, (unsigned long long)(workers[0].answers + workers[1].answers),
                     (unsigned long long)(workers[0].alarms + workers[1].alarms), took,
                     workers[0].seconds, workers[1].seconds);
    }
    for (size_t i = 0; i < LOOKS; i++) {
        parameters_release(&morning.daily[i]);
        parameters_release(&morning.weekly[i]);
    }
    free(counts);
    return done;
}
