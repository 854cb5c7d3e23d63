/* The replicates of the scan: their maxima, on several threads, and the p-values of clusters.
 *
 * A replicate depends on its number alone, so that its maximum is the same on any thread. The first
 * few are searched from a low level on; what they show sets a level that nearly every replicate
 * passes in few cylinders. A level changes what a maximum costs, never what it is. */
#include <pthread.h>
#include <stdatomic.h>

#include "sensing/scan_internal.h"

enum { PILOT = 8, BLOCK = 64 };
static const double level_first = 3, level_below = 1.5, tie_share = 1e-9;

struct replicates {
    const struct scan *scan;
    struct scan_null null;
    struct scan_level level;
    double *maxima;
    size_t end; /* of the present block */
    atomic_size_t next;
};
struct worker {
    pthread_t thread;
    bool started;
    struct replicates *replicates;
    struct scan_room room;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct replicates *all = worker->replicates;
    for (;;) {
        size_t i = atomic_fetch_add(&all->next, 1);
        if (i >= all->end)
            return NULL;
        scan_draw(&all->null, i, &worker->room);
        all->maxima[i] = scan_maximum(all->scan, &all->level, worker->room.rows);
    }
}

/* Replicates up to `end`; a thread that cannot be had leaves its share to the others. */
static void run_block(struct replicates *all, struct worker *workers, size_t count, size_t first,
                      size_t end)
{
    all->end = end;
    atomic_store(&all->next, first);
    for (size_t i = 1; i < count; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    work(&workers[0]);
    for (size_t i = 1; i < count; i++)
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
}

/* Counts the replicates first … end - 1 that are as great as each cluster. Whether all clusters
 * have come to `stop` of them. */
static bool count_block(const struct scan_settings *settings, const double *maxima, size_t first,
                        size_t end, struct scan_result *result, size_t *reached)
{
    bool all_stopped = settings->stop > 0;
    for (size_t c = 0; c < result->cluster_count; c++) {
        struct scan_cluster *cluster = &result->clusters[c];
        bool stopped = settings->stop > 0 && reached[c] >= settings->stop;
        for (size_t i = first; !stopped && i < end; i++) {
            reached[c] += maxima[i] >= cluster->llr * (1 - tie_share);
            cluster->replicates = (double)i + 1;
            stopped = settings->stop > 0 && reached[c] >= settings->stop;
        }
        cluster->p = stopped ? (double)settings->stop / cluster->replicates
                             : ((double)reached[c] + 1) / (cluster->replicates + 1);
        all_stopped = all_stopped && stopped;
    }
    return all_stopped;
}

/* A level below the least maximum of the pilot. */
static void raise_level(struct replicates *all, size_t pilot)
{
    double least = INFINITY;
    for (size_t i = 0; i < pilot; i++)
        least = fmin(least, all->maxima[i]);
    if (least - level_below > level_first)
        scan_level_set(all->scan, least - level_below, &all->level);
}

void scan_p_values(const struct scan *scan, const struct scan_settings *settings,
                   struct arena *arena, struct scan_result *result)
{
    struct replicates all = {.scan = scan};
    struct worker workers[SCAN_THREADS_MAX] = {0};
    size_t reached[SCAN_CLUSTERS_MAX] = {0}, count = settings->replicates, done = 0;
    all.maxima = arena_alloc(arena, count * sizeof *all.maxima);
    scan_null_init(scan, settings->seed, arena, &all.null);
    scan_level_init(scan, arena, &all.level);
    scan_level_set(scan, level_first, &all.level);
    for (size_t i = 0; i < settings->threads; i++) {
        workers[i].replicates = &all;
        scan_room_init(&all.null, arena, &workers[i].room);
    }
    for (bool stopped = false; !stopped && done < count;) {
        size_t block = done == 0 ? PILOT : settings->stop ? BLOCK : count;
        size_t end = block < count - done ? done + block : count;
        run_block(&all, workers, settings->threads, done, end);
        stopped = count_block(settings, all.maxima, done, end, result, reached);
        if (done == 0)
            raise_level(&all, end);
        done = end;
    }
    result->replicate_count = done;
    result->maxima = all.maxima;
}
