/* bench trace: in process, from person and range to sorted columns (person, co_visits, gap,
 * weight).
 *
 * Window model over the whole range, ±120 minutes, one thread a side, its time on the processor.
 * In each round one side answers all requests, then the other does, and both must give the same
 * columns (digest over person, co_visits, gap). Warm: every request was answered once before; the
 * page cache holds the files. We decrypt, verify and unpack the blocks at every request (there is
 * no cache of decrypted blocks); the peers keep what they like: SQLite maps its file, RocksDB has
 * all uncompressed blocks in its block cache.
 *
 * trace.sqlite_p50, _p99   persons drawn at random, milliseconds
 * trace.rocksdb_rows       rows a second over the persons whose venues give the longest runs */
#include "bench/benches.h"

#include <fcntl.h>
#include <stdlib.h>

#include "tracing/tracing.h"

enum { MINUTES = 120, LONG_RUNS = 20, LONG_MINUTES = 1440 };

struct query {
    uint32_t person;
    int minutes;
    uint64_t weight; /* of a candidate: how much its venues are visited */
};
struct answer {
    double seconds;
    uint64_t rows, count, digest;
};

/* ---- Ours */

static uint64_t digest_of(const struct trace_result *result)
{
    uint64_t digest = 0xCBF29CE484222325u;
    for (size_t i = 0; i < result->count; i++) {
        digest = (digest ^ result->person[i]) * 0x100000001B3u;
        digest = (digest ^ result->co_visits[i]) * 0x100000001B3u;
        digest = (digest ^ result->closest_gap_seconds[i]) * 0x100000001B3u;
    }
    return digest;
}

struct subject {
    struct bench_city city;
    struct presence_view *view;
    struct tracer *tracer;
    int64_t from, to;
};

static bool ask_ours(struct subject *subject, const struct query *query, struct answer *ret_answer,
                     struct error *err)
{
    struct trace_request request = {.person = {query->person},
                                    .from = subject->from,
                                    .to = subject->to,
                                    .model = TRACE_WINDOW,
                                    .minutes = query->minutes};
    struct trace_result result;
    double begun = world_thread_seconds();
    if (!trace_run(subject->tracer, subject->view, &request, &result, err))
        return false;
    double seconds = world_thread_seconds() - begun;
    *ret_answer = (struct answer){.seconds = seconds,
                                  .rows = (uint64_t)result.rows_read,
                                  .count = result.count,
                                  .digest = digest_of(&result)};
    return true;
}

/* One bulk a day, as days close. */
static bool load_ours(struct workshop *workshop, const struct traffic *traffic,
                      const struct event_file *file, struct subject *subject, struct error *err)
{
    int64_t bytes;
    double begun = world_elapsed_seconds();
    if (!bench_city_make(workshop, "ours", &subject->city, err))
        return false;
    struct presence *presence = subject->city.platform.presence;
    for (uint32_t day = 0; day < traffic->days; day++) {
        struct presence_bulk *bulk = NULL;
        struct presence_bulk_result result;
        bool done = presence_bulk_begin(presence, 1, &bulk, err) &&
                    presence_bulk_add(bulk, file->events + (size_t)day * traffic->events_a_day,
                                      traffic->events_a_day, err) &&
                    presence_bulk_commit(bulk, &result, err);
        presence_bulk_abandon(bulk);
        if (!done)
            return false;
    }
    if (!folder_bytes(subject->city.directory, "presence", &bytes, err))
        return false;
    workshop_say(workshop, "ours       loaded in %.1f s, %.2f bytes an event",
                 world_elapsed_seconds() - begun, (double)bytes / (double)file->count);
    subject->from = time_day_start_seconds(traffic->first_day);
    subject->to = time_day_start_seconds(traffic->first_day + (int32_t)traffic->days);
    return presence_view_begin(presence, &subject->view, err) &&
           tracer_create(&subject->city.platform, &subject->tracer, err);
}

static void release_ours(struct subject *subject)
{
    tracer_free(subject->tracer);
    presence_view_end(subject->view);
    bench_city_remove(&subject->city);
}

/* ---- Requests */

static int by_falling_weight(const void *a, const void *b)
{
    const struct query *x = a, *y = b;
    return (x->weight < y->weight) - (x->weight > y->weight);
}

/* Persons drawn at random among those who were anywhere; then, for long runs, those of a larger
 * draw whose ±24 hours hold the most rows. */
static bool draw_queries(struct workshop *workshop, const struct traffic *traffic,
                         struct subject *subject, struct query *queries, struct query *longest,
                         struct error *err)
{
    struct random random;
    struct answer answer;
    random_init(&random, traffic->seed, 1000);
    for (int64_t i = 0; i < workshop->queries;) {
        struct query query = {.person = 1 + random_below(&random, traffic->people),
                              .minutes = MINUTES};
        if (!ask_ours(subject, &query, &answer, err))
            return false;
        if (answer.count)
            queries[i++] = query;
    }
    size_t candidates = (size_t)workshop->queries;
    struct query *all = x_alloc(candidates, sizeof *all);
    for (size_t i = 0; i < candidates; i++) {
        all[i] = (struct query){.person = queries[i].person, .minutes = LONG_MINUTES};
        if (!ask_ours(subject, &all[i], &answer, err)) {
            free(all);
            return false;
        }
        all[i].weight = answer.rows;
    }
    qsort(all, candidates, sizeof *all, by_falling_weight);
    for (size_t i = 0; i < LONG_RUNS; i++)
        longest[i] = all[i % candidates];
    free(all);
    return true;
}

/* ---- A peer */

static bool ask_peer(struct peer *peer, const struct subject *subject, const struct query *query,
                     struct answer *ret_answer, struct error *err)
{
    char line[96], text[PEER_ANSWER_BYTES];
    snprintf(line, sizeof line, "%u %lld %lld %d", query->person, (long long)subject->from,
             (long long)subject->to, query->minutes * 60);
    if (!peer_ask(peer, line, text, err))
        return false;
    return (peer_value(text, "seconds", &ret_answer->seconds) && ret_answer->seconds > 0 &&
            peer_number(text, "rows", &ret_answer->rows) &&
            peer_number(text, "count", &ret_answer->count) &&
            peer_number(text, "digest", &ret_answer->digest)) ||
           error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = peer->name},
                     "seconds=… rows=… count=… digest=…", "'%s'", text);
}

struct sums {
    struct answer *answers; /* ours, by request */
    double *ours, *peer;    /* seconds by request */
    double ours_total, peer_total;
    uint64_t ours_rows, peer_rows, exposed;
};

/* All requests once, ours and then the peer's: to take turns at every request would cool the
 * processor's caches for both. The columns are compared. */
static bool run_round(struct subject *subject, struct peer *peer, const struct query *queries,
                      size_t count, struct sums *sums, struct error *err)
{
    struct answer theirs, *ours = sums->answers;
    *sums = (struct sums){.answers = ours, .ours = sums->ours, .peer = sums->peer};
    for (size_t i = 0; i < count; i++)
        if (!ask_ours(subject, &queries[i], &ours[i], err))
            return false;
    for (size_t i = 0; i < count; i++) {
        if (!ask_peer(peer, subject, &queries[i], &theirs, err))
            return false;
        if (ours[i].count != theirs.count || ours[i].digest != theirs.digest)
            return error_set(err, ERROR_CONFLICT, (struct error_place){.source = peer->name},
                             "the same columns from both",
                             "person %u: %llu exposed here, %llu there", queries[i].person,
                             (unsigned long long)ours[i].count, (unsigned long long)theirs.count);
        sums->ours[i] = ours[i].seconds;
        sums->peer[i] = theirs.seconds;
        sums->ours_total += ours[i].seconds;
        sums->peer_total += theirs.seconds;
        sums->ours_rows += ours[i].rows;
        sums->peer_rows += theirs.rows;
        sums->exposed += ours[i].count;
    }
    return true;
}

static void say_round(const struct workshop *workshop, const char *name, const char *what,
                      size_t count, struct sums *sums)
{
    double of_count = (double)count;
    workshop_say(
        workshop,
        "%-8s %s: %.0f rows, %.0f exposed a request; ours p50 %.3f ms, p99 %.3f ms, "
        "%.1f M rows/s; %s p50 %.3f ms, p99 %.3f ms, %.1f M rows/s",
        name, what, (double)sums->peer_rows / of_count, (double)sums->exposed / of_count,
        percentile(sums->ours, count, 0.5) * 1e3, percentile(sums->ours, count, 0.99) * 1e3,
        (double)sums->peer_rows / sums->ours_total * 1e-6, name,
        percentile(sums->peer, count, 0.5) * 1e3, percentile(sums->peer, count, 0.99) * 1e3,
        (double)sums->peer_rows / sums->peer_total * 1e-6);
}

struct trace_peer {
    const char *name;
    struct measure *p50, *p99, *rows, *long_rows;
};

/* `random` and `longest` name the measures of rows a second over the two kinds of requests. */
static struct trace_peer add_measures(struct figures *figures, const char *name, const char *random,
                                      const char *longest)
{
    const char *const parts[] = {"p50", "p99", random, longest};
    struct measure *added[4];
    for (size_t i = 0; i < 4; i++) {
        char full[MEASURE_NAME_BYTES];
        snprintf(full, sizeof full, "trace.%s_%s", name, parts[i]);
        added[i] = figures_add(figures, full, i < 2 ? "ms" : "rows/s", i < 2);
    }
    return (struct trace_peer){name, added[0], added[1], added[2], added[3]};
}

static bool run_rounds(struct workshop *workshop, struct subject *subject, struct peer *peer,
                       const struct trace_peer *measures, const struct query *queries,
                       const struct query *longest, struct sums *sums, struct error *err)
{
    size_t count = (size_t)workshop->queries;
    for (int64_t k = 0; k <= workshop->pairs; k++) { /* round 0 warms both */
        if (!run_round(subject, peer, queries, count, sums, err))
            return false;
        say_round(workshop, measures->name, k ? "warm, random persons" : "first, random persons",
                  count, sums);
        if (k) {
            measure_add(measures->p50, percentile(sums->ours, count, 0.5) * 1e3,
                        percentile(sums->peer, count, 0.5) * 1e3);
            measure_add(measures->p99, percentile(sums->ours, count, 0.99) * 1e3,
                        percentile(sums->peer, count, 0.99) * 1e3);
            measure_add(measures->rows, (double)sums->peer_rows / sums->ours_total,
                        (double)sums->peer_rows / sums->peer_total);
        }
        if (!run_round(subject, peer, longest, LONG_RUNS, sums, err))
            return false;
        say_round(workshop, measures->name, k ? "warm, longest runs" : "first, longest runs",
                  LONG_RUNS, sums);
        if (k)
            measure_add(measures->long_rows, (double)sums->peer_rows / sums->ours_total,
                        (double)sums->peer_rows / sums->peer_total);
    }
    return true;
}

static bool run_peer(struct workshop *workshop, const struct event_file *file,
                     struct subject *subject, const struct trace_peer *measures,
                     const struct query *queries, const struct query *longest, struct error *err)
{
    struct peer peer = {0};
    char path[PEER_PATH_BYTES], place[WORKSHOP_PATH_BYTES], number[24], text[PEER_ANSWER_BYTES];
    double seconds, bytes;
    if (!workshop_peer(workshop, measures->name, path))
        return true;
    workshop_path(workshop, measures->name, place);
    snprintf(number, sizeof number, "%zu", file->count);
    const char *const arguments[] = {"trace", file->path, number, place, NULL};
    if (!peer_start(measures->name, path, arguments, &peer, err))
        return false;
    struct sums sums = {0};
    size_t room = (size_t)workshop->queries + LONG_RUNS;
    sums.ours = x_alloc(2 * room, sizeof *sums.ours);
    sums.peer = sums.ours + room;
    sums.answers = x_alloc(room, sizeof *sums.answers);
    bool done = peer_ask(&peer, NULL, text, err);
    if (done && peer_value(text, "seconds", &seconds) && peer_value(text, "bytes", &bytes))
        workshop_say(workshop, "%-10s loaded in %.1f s, %.2f bytes an event", measures->name,
                     seconds, bytes / (double)file->count);
    done = done && run_rounds(workshop, subject, &peer, measures, queries, longest, &sums, err);
    peer_finish(&peer);
    free(sums.ours);
    free(sums.answers);
    struct error ignored;
    return file_remove_tree(AT_FDCWD, place, done ? err : &ignored) && done;
}

/* ---- Alone: our figures without RESULT lines */

static bool run_alone(struct workshop *workshop, struct subject *subject,
                      const struct query *queries, size_t count, const char *what,
                      struct error *err)
{
    double *seconds = x_alloc(count, sizeof *seconds), total = 0;
    uint64_t rows = 0;
    bool done = true;
    for (int64_t k = 0; done && k <= workshop->pairs; k++) {
        struct answer answer;
        total = 0;
        rows = 0;
        for (size_t i = 0; done && i < count; i++) {
            done = ask_ours(subject, &queries[i], &answer, err);
            seconds[i] = answer.seconds;
            total += answer.seconds;
            rows += answer.rows;
        }
        if (done)
            workshop_say(workshop, "%s: %.0f rows; p50 %.3f ms, p99 %.3f ms, %.1f M rows/s", what,
                         (double)rows / (double)count, percentile(seconds, count, 0.5) * 1e3,
                         percentile(seconds, count, 0.99) * 1e3, (double)rows / total * 1e-6);
    }
    free(seconds);
    return done;
}

int bench_trace(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.people = 500000, .days = 14, .pairs = 5, .queries = 200};
    struct event_file file = {0};
    struct subject subject = {0};
    if (!workshop_open(&workshop, context, &bench_commands[2], argc, argv, err))
        return workshop_close(&workshop, "trace", false, err);
    struct traffic traffic = traffic_of((uint32_t)workshop.people, (uint32_t)workshop.days);
    uint64_t count = (uint64_t)traffic.events_a_day * traffic.days;
    struct trace_peer sqlite = add_measures(&workshop.figures, "sqlite", "rows", "long");
    struct trace_peer rocksdb = add_measures(&workshop.figures, "rocksdb", "short", "rows");
    workshop_say(&workshop, "%llu check-ins of %u people at %u venues in %u days; window ±%d min",
                 (unsigned long long)count, traffic.people, traffic.venues, traffic.days, MINUTES);
    struct query *queries = x_alloc((size_t)workshop.queries, sizeof *queries);
    struct query longest[LONG_RUNS];
    bool done = event_file_make(&workshop, &traffic, count, &file, err) &&
                load_ours(&workshop, &traffic, &file, &subject, err) &&
                draw_queries(&workshop, &traffic, &subject, queries, longest, err);
    if (done && workshop.alone)
        done = run_alone(&workshop, &subject, queries, (size_t)workshop.queries, "random", err) &&
               run_alone(&workshop, &subject, longest, LONG_RUNS, "longest", err);
    else if (done)
        done = run_peer(&workshop, &file, &subject, &sqlite, queries, longest, err) &&
               run_peer(&workshop, &file, &subject, &rocksdb, queries, longest, err);
    release_ours(&subject);
    event_file_close(&file);
    free(queries);
    return workshop_close(&workshop, "trace", done, err);
}
