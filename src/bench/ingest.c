/* bench ingest: check-ins in order of arrival → durable and readable in both orders.
 *
 * Ours: presence_bulk from the first event to the end of the commit, by when both orders are synced
 * and shown; afterwards (not timed) the day store is read back in both orders and compared.
 * The peers get the same file. RocksDB is slow enough that it takes the first --peer-events of it:
 * its rate only falls as it grows. */
#include <fcntl.h>
#include <inttypes.h>

#include "bench/benches.h"

enum { DEFAULT_EVENTS = 10000000, DEFAULT_PEER_EVENTS = 1000000, BYTES_AN_EVENT_MAX = 12 };

/* ---- Ours */

struct reading {
    int64_t rows;
    uint64_t sum; /* of a mix of every event: the same in both orders */
};

static void take(struct reading *reading, const struct presence_event *event)
{
    reading->rows++;
    reading->sum += random_mix((uint64_t)event->person << 32 | event->time) ^
                    random_mix((uint64_t)event->venue << 8 | event->flags);
}

static bool take_block(void *context, const struct presence_event *events, size_t count,
                       struct error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++)
        take(context, &events[i]);
    return true;
}

/* All events by venue, and a sample of people by person, against what was written. */
static bool read_back(struct bench_city *city, const struct event_file *file,
                      const struct presence_bulk_result *result, struct error *err)
{
    enum { SAMPLE_STEP = 5003 };
    struct presence_view *view;
    struct reading written = {0}, by_venue = {0}, sampled = {0}, by_person = {0};
    if (!presence_view_begin(city->platform.presence, &view, err))
        return false;
    bool done = presence_scan(view, 0, UINT32_MAX, take_block, &by_venue, err);
    for (size_t i = 0; i < file->count; i++) {
        take(&written, &file->events[i]);
        if (file->events[i].person % SAMPLE_STEP == 0)
            take(&sampled, &file->events[i]);
    }
    for (uint32_t person = SAMPLE_STEP; done && person <= TRAFFIC_PEOPLE_MAX;
         person += SAMPLE_STEP)
        done = presence_by_person(view, (struct person_no){person}, 0, UINT32_MAX, take_block,
                                  &by_person, err);
    presence_view_end(view);
    bool whole = by_venue.rows == result->inserted &&
                 by_venue.rows + result->merged == written.rows &&
                 (result->merged || (by_venue.sum == written.sum &&
                                     by_person.sum == sampled.sum));
    return done && (whole || error_set(err, ERROR_CORRUPT,
                                       (struct error_place){.source = "ingest"},
                                       "the events that were written", "others were read"));
}

static bool ingest_ours(struct workshop *workshop, const struct event_file *file,
                        double *ret_seconds, int64_t *ret_bytes, struct error *err)
{
    struct bench_city city;
    struct presence_bulk *bulk = NULL;
    struct presence_bulk_result result = {0};
    if (!bench_city_make(workshop, "ours", &city, err))
        return false;
    double begun = world_elapsed_seconds();
    bool done = presence_bulk_begin(city.platform.presence, 1, &bulk, err) &&
                presence_bulk_add(bulk, file->events, file->count, err) &&
                presence_bulk_commit(bulk, &result, err);
    presence_bulk_abandon(bulk);
    *ret_seconds = world_elapsed_seconds() - begun;
    done = done && read_back(&city, file, &result, err) &&
           folder_bytes(city.directory, "presence", ret_bytes, err);
    bench_city_remove(&city);
    return done;
}

/* ---- Peers */

struct ingest_peer {
    const char *program; /* "rocksdb" */
    const char *act;     /* its first argument */
    size_t count;        /* how much of the file it takes */
    const char *name;    /* of the measure */
    struct measure *measure;
    char path[PEER_PATH_BYTES];
    bool present;
};

static bool ingest_peer(struct workshop *workshop, const struct ingest_peer *subject,
                        const struct event_file *file, double *ret_rate, double *ret_bytes,
                        struct error *err)
{
    struct peer peer = {0};
    char place[WORKSHOP_PATH_BYTES], number[24], answer[PEER_ANSWER_BYTES];
    double seconds = 0;
    workshop_path(workshop, "peer", place);
    snprintf(number, sizeof number, "%zu", subject->count);
    const char *const arguments[] = {subject->act, file->path, number, place, NULL};
    if (!peer_start(subject->program, subject->path, arguments, &peer, err))
        return false;
    bool done = peer_ask(&peer, NULL, answer, err);
    done = peer_finish(&peer) && done;
    done = done && peer_value(answer, "seconds", &seconds) && seconds > 0 &&
           peer_value(answer, "bytes", ret_bytes);
    *ret_rate = done ? (double)subject->count / seconds : 0;
    *ret_bytes /= (double)subject->count;
    if (!done && err->code == ERROR_NONE)
        error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = subject->program},
                  "seconds=… bytes=…", "the peer failed");
    struct error ignored;
    return file_remove_tree(AT_FDCWD, place, done ? err : &ignored) && done;
}

static bool run_ours(struct workshop *workshop, const struct event_file *file,
                     struct measure *bytes, double *ret_rate, struct error *err)
{
    double seconds;
    int64_t stored;
    if (!ingest_ours(workshop, file, &seconds, &stored, err))
        return false;
    *ret_rate = (double)file->count / seconds;
    double each = (double)stored / (double)file->count;
    workshop_say(workshop, "%-18s %11.0f events/s, %.2f bytes an event", "ours", *ret_rate, each);
    if (bytes->count < PAIRS_MAX)
        measure_add(bytes, each, BYTES_AN_EVENT_MAX);
    return true;
}

static bool run_pairs(struct workshop *workshop, const struct event_file *file,
                      struct ingest_peer *peers, size_t peer_count, struct measure *bytes,
                      struct error *err)
{
    double ours, rate, each;
    bool any = false;
    for (size_t p = 0; p < peer_count; p++)
        any |= peers[p].present;
    for (int64_t k = 0; k < workshop->pairs; k++) {
        if (!any && !run_ours(workshop, file, bytes, &ours, err))
            return false;
        for (size_t p = 0; p < peer_count; p++) {
            if (!peers[p].present)
                continue;
            if (!run_ours(workshop, file, bytes, &ours, err) ||
                !ingest_peer(workshop, &peers[p], file, &rate, &each, err))
                return false;
            workshop_say(workshop, "%-18s %11.0f events/s, %.2f bytes an event", peers[p].name,
                         rate, each);
            measure_add(peers[p].measure, ours, rate);
        }
    }
    return true;
}

/* How many of the days' events are taken. */
static uint64_t count_of(const struct workshop *workshop, const struct traffic *traffic)
{
    uint64_t all = (uint64_t)traffic->events_a_day * traffic->days, count = DEFAULT_EVENTS;
    if (workshop->events)
        count = (uint64_t)workshop->events;
    else if (workshop->days > 1)
        count = all;
    return count < all ? count : all;
}

int bench_ingest(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {
        .people = 5278121, .days = 1, .pairs = 5, .peer_events = DEFAULT_PEER_EVENTS};
    struct event_file file = {0};
    if (!workshop_open(&workshop, context, &bench_commands[1], argc, argv, err))
        return workshop_close(&workshop, "ingest", false, err);
    struct traffic traffic = traffic_of((uint32_t)workshop.people, (uint32_t)workshop.days);
    uint64_t count = count_of(&workshop, &traffic);
    size_t part = (size_t)workshop.peer_events < count ? (size_t)workshop.peer_events : count;
    struct ingest_peer peers[] = {
        {.program = "rocksdb", .act = "ingest", .count = part, .name = "ingest.rocksdb"},
        {.program = "rocksdb", .act = "load", .count = part, .name = "ingest.rocksdb_load"},
        {.program = "clickhouse", .act = "ingest", .count = count, .name = "ingest.clickhouse"},
    };
    enum { PEERS = sizeof peers / sizeof *peers };
    workshop_say(&workshop, "%" PRIu64 " check-ins of %u people at %u venues; RocksDB: %zu",
                 count, traffic.people, traffic.venues, part);
    for (int p = 0; p < PEERS; p++) {
        peers[p].present = workshop_peer(&workshop, peers[p].program, peers[p].path);
        peers[p].measure = figures_add(&workshop.figures, peers[p].name, "events/s", false);
    }
    struct measure *bytes = figures_add(&workshop.figures, "ingest.bytes", "bytes/event", true);
    bytes->peer_is_limit = true;
    bool done = event_file_make(&workshop, &traffic, count, &file, err) &&
                run_pairs(&workshop, &file, peers, PEERS, bytes, err);
    event_file_close(&file);
    return workshop_close(&workshop, "ingest", done, err);
}
