/* Live intake: the queue, the commit thread, and the one moment at which a scan is acknowledged.
 *
 *   append ──lock──► ordinal, key index, queue ──► commit thread: frames, one sync, tail run ──► done
 *                        │ key known: waits for the record's sync, then its first answer ──► done
 *
 * A failed write or sync: the log goes back to its durable mark, every append of the group gets the
 * error, its keys leave the index. Ordinals of a failed group are not used again while the process
 * lives. The arrival day never goes back, whatever the clock does: a position in the log that lies
 * below the folded one would count as folded. */
#include <stdlib.h>
#include <unistd.h>

#include "presence/presence_internal.h"

struct presence_event event_of_record(const struct scan_record *record)
{
    return (struct presence_event){.person = record->person, .venue = record->venue,
                                   .time = record->time, .flags = record->flags};
}

static bool is_set(const unsigned char key[16])
{
    static const unsigned char zero[16];
    return memcmp(key, zero, sizeof zero) != 0;
}

/* ---- Taking */

/* The event an earlier request with the same key made. */
static bool find_answer(const struct presence *presence, const struct presence_append *append,
                        struct scan_event_id *ret_id)
{
    const struct scan_record *record = &append->records[0];
    return (is_set(record->request_key) &&
            answer_index_find(&presence->index, record->request_key, ret_id)) ||
           (is_set(record->client_key) &&
            answer_index_find(&presence->index, record->client_key, ret_id));
}

static bool remember_keys(struct presence *presence, const struct presence_append *append,
                          struct error *err)
{
    const struct scan_record *record = &append->records[0];
    if (is_set(record->request_key) &&
        !answer_index_add(&presence->index, record->request_key, append->first, err))
        return false;
    return !is_set(record->client_key) ||
           answer_index_add(&presence->index, record->client_key, append->first, err);
}

static void forget_keys(struct presence *presence, const struct presence_append *append)
{
    const struct scan_record *record = &append->records[0];
    if (is_set(record->request_key))
        answer_index_remove(&presence->index, record->request_key);
    if (is_set(record->client_key))
        answer_index_remove(&presence->index, record->client_key);
}

static bool day_is_kept(struct presence *presence, const struct presence_append *append,
                        struct error *err)
{
    int32_t day = time_day_of_seconds(append->records[0].time);
    if (day == presence->arrival_day)
        return true;
    pthread_mutex_lock(&presence->lock);
    bool dropped = catalog_dropped(presence->catalog, day);
    pthread_mutex_unlock(&presence->lock);
    return !dropped || error_set(err, ERROR_GONE, (struct error_place){.field = "client_time"},
                                 "a day within its retention", "that day was forgotten");
}

/* Under intake_lock. */
static bool enqueue(struct presence *presence, struct presence_append *append, struct error *err)
{
    if (presence->stopping || presence->queue_records + append->count > QUEUE_RECORDS_MAX)
        return error_set(err, ERROR_BUSY, (struct error_place){.source = "scans"}, NULL,
                         "too many scans wait already");
    if (atomic_load(&presence->tail_full))
        return error_set(err, ERROR_BUSY, (struct error_place){.source = "scans"}, NULL,
                         "too many scans wait for their segments");
    append->repeated = find_answer(presence, append, &append->first);
    if (!append->repeated) {
        int32_t today = time_day_of_seconds(world_now(presence->world) / SECOND);
        if (today > presence->arrival_day) {
            presence->arrival_day = today;
            presence->next_ordinal = 0;
        }
        if (!day_is_kept(presence, append, err))
            return false;
        append->first = (struct scan_event_id){presence->arrival_day, presence->next_ordinal};
        if (!remember_keys(presence, append, err)) {
            forget_keys(presence, append);
            return false;
        }
        presence->next_ordinal += append->count;
    }
    append->next = NULL;
    if (presence->queue_last)
        presence->queue_last->next = append;
    else
        presence->queue_first = append;
    presence->queue_last = append;
    presence->queue_records += append->count;
    return true;
}

bool presence_append(struct presence *presence, struct presence_append *append, struct error *err)
{
    REQUIRE(append->count >= 1 && append->count <= 1 + PRESENCE_COMPANIONS_MAX);
    if (!store_refuse_sunset(presence->store, err))
        return false;
    pthread_mutex_lock(&presence->intake_lock);
    bool was_empty = presence->queue_first == NULL;
    bool taken = enqueue(presence, append, err);
    if (taken && was_empty)
        pthread_cond_signal(&presence->intake_filled);
    pthread_mutex_unlock(&presence->intake_lock);
    return taken;
}

/* ---- Committing */

/* Copies records of consecutive appends of one day into the frame; *ret_next is the first append
 * that did not fit. Repeats are passed over. */
static size_t fill_frame(struct presence *presence, struct presence_append *group,
                         struct scan_event_id *ret_first, struct presence_append **ret_next)
{
    size_t count = 0;
    for (; group; group = group->next) {
        if (group->repeated)
            continue;
        bool follows = group->first.day == ret_first->day &&
                       group->first.ordinal == ret_first->ordinal + count;
        if (count == 0)
            *ret_first = group->first;
        else if (!follows || count + group->count > FRAME_RECORDS_MAX)
            break;
        memcpy(presence->frame + count, group->records, group->count * sizeof *group->records);
        count += group->count;
    }
    *ret_next = group;
    return count;
}

/* Writes and syncs a group. On failure the log is as it was. */
static bool make_durable(struct presence *presence, struct presence_append *group,
                         struct error *err)
{
    struct scan_log *log = &presence->log;
    uint32_t now = (uint32_t)(world_now(presence->world) / SECOND);
    bool done = true, wrote = false;
    while (done && group) {
        struct scan_event_id first = {0};
        size_t count = fill_frame(presence, group, &first, &group);
        if (count == 0)
            break;
        done = log_write_frame(log, first.day, first.ordinal, now, presence->frame, count, err);
        wrote = true;
    }
    if (!wrote)
        return true;
    done = done && log_sync(log, err);
    struct error again; /* a rewind that fails is tried again before the next frame */
    if (!done && !log_rewind(log, &again))
        log_error("presence", &again);
    if (!done)
        presence->failure = *err;
    atomic_store(&presence->failing, !done);
    return done;
}

bool presence_ready(struct presence *presence, struct error *err)
{
    static const char probe[4096];
    if (!atomic_load(&presence->failing))
        return true;
    pthread_mutex_lock(&presence->log_lock);
    if (atomic_load(&presence->failing)) {
        *err = presence->failure;
        atomic_store(&presence->failing,
                     !file_replace(presence->directory_fd, "probe", probe, sizeof probe, err));
    }
    bool ready = !atomic_load(&presence->failing);
    pthread_mutex_unlock(&presence->log_lock);
    return ready;
}

/* Shows a durable group to readers. */
static void publish(struct presence *presence, struct presence_append *group)
{
    size_t count = 0;
    struct scan_event_id end = {0};
    for (struct presence_append *a = group; a; a = a->next)
        if (!a->repeated)
            count += a->count;
    if (count == 0)
        return;
    struct presence_event *events = x_alloc(count, sizeof *events);
    size_t at = 0;
    for (struct presence_append *a = group; a; a = a->next) {
        if (a->repeated)
            continue;
        for (size_t i = 0; i < a->count; i++)
            events[at++] = event_of_record(&a->records[i]);
        end = (struct scan_event_id){a->first.day, a->first.ordinal + a->count};
    }
    struct run *run = run_create(events, count);
    free(events);
    pthread_mutex_lock(&presence->lock);
    tail_add(presence, run);
    presence->tail_end = end;
    bool fold = presence->tail_events >= FOLD_EVENTS;
    atomic_store(&presence->tail_full, presence->tail_events >= TAIL_EVENTS_MAX);
    pthread_mutex_unlock(&presence->lock);
    if (fold)
        fold_wake(presence);
}

/* The first answer to a request that came again; the records it made are durable by now. */
static bool answer_again(struct presence *presence, struct presence_append *append,
                         struct error *err)
{
    struct scan_record first;
    if (!log_read(&presence->log, append->first, &first, err))
        return err->code == ERROR_NOT_FOUND &&
               error_set(err, ERROR_BUSY, (struct error_place){.source = "scans"}, NULL,
                         "the first request with this key was not kept; send it again");
    const struct scan_record *again = &append->records[0];
    bool same_request = is_set(again->request_key) &&
                        memcmp(again->request_key, first.request_key, 16) == 0;
    bool same_client =
        is_set(again->client_key) && memcmp(again->client_key, first.client_key, 16) == 0;
    if ((!same_request && !same_client) || again->body_digest != first.body_digest)
        return error_set(err, ERROR_KEY_REUSED,
                         (struct error_place){.field = same_request ? "Idempotency-Key"
                                                                    : "client_id"},
                         "a new key for a new request", "this key answered another request");
    append->records[0] = first;
    append->count = 1u + (first.companion_count <= PRESENCE_COMPANIONS_MAX
                              ? first.companion_count : 0u);
    for (size_t i = 1; i < append->count; i++) {
        struct scan_event_id id = {append->first.day, append->first.ordinal + i};
        if (!log_read(&presence->log, id, &append->records[i], err))
            return false;
    }
    return true;
}

static void commit_group(struct presence *presence, struct presence_append *group)
{
    struct error failure;
    pthread_mutex_lock(&presence->log_lock);
    bool durable = make_durable(presence, group, &failure);
    if (durable)
        publish(presence, group); /* still under log_lock: log and tail agree for scans verify */
    pthread_mutex_unlock(&presence->log_lock);
    if (!durable) {
        pthread_mutex_lock(&presence->intake_lock);
        for (struct presence_append *a = group; a; a = a->next)
            if (!a->repeated)
                forget_keys(presence, a);
        pthread_mutex_unlock(&presence->intake_lock);
    }
    while (group) {
        struct presence_append *next = group->next; /* done may free it */
        if (!group->repeated) {
            group->done(group, durable ? NULL : &failure);
        } else {
            struct error refusal;
            pthread_mutex_lock(&presence->log_lock);
            bool found = answer_again(presence, group, &refusal);
            pthread_mutex_unlock(&presence->log_lock);
            group->done(group, found ? NULL : &refusal);
        }
        group = next;
    }
}

static void *commit_main(void *argument)
{
    struct presence *presence = argument;
    pthread_mutex_lock(&presence->intake_lock);
    for (;;) {
        while (!presence->queue_first && !presence->stopping)
            pthread_cond_wait(&presence->intake_filled, &presence->intake_lock);
        struct presence_append *group = presence->queue_first;
        if (!group)
            break; /* stopping, and all that was taken is done */
        presence->queue_first = presence->queue_last = NULL;
        presence->queue_records = 0;
        pthread_mutex_unlock(&presence->intake_lock);
        commit_group(presence, group);
        pthread_mutex_lock(&presence->intake_lock);
    }
    pthread_mutex_unlock(&presence->intake_lock);
    return NULL;
}

bool intake_start(struct presence *presence, struct error *err)
{
    presence->frame = x_alloc(FRAME_RECORDS_MAX, sizeof *presence->frame);
    if (pthread_create(&presence->commit_thread, NULL, commit_main, presence) != 0)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "presence"}, NULL,
                         "cannot start the commit thread");
    presence->commit_started = true;
    return true;
}

void intake_drain(struct presence *presence)
{
    pthread_mutex_lock(&presence->intake_lock);
    while (presence->queue_first) {
        pthread_mutex_unlock(&presence->intake_lock);
        usleep(1000);
        pthread_mutex_lock(&presence->intake_lock);
    }
    pthread_mutex_unlock(&presence->intake_lock);
    pthread_mutex_lock(&presence->log_lock); /* a group that was taken out holds it */
    pthread_mutex_unlock(&presence->log_lock);
}

void intake_stop(struct presence *presence)
{
    if (!presence->commit_started)
        return;
    pthread_mutex_lock(&presence->intake_lock);
    presence->stopping = true;
    pthread_cond_broadcast(&presence->intake_filled);
    pthread_mutex_unlock(&presence->intake_lock);
    pthread_join(presence->commit_thread, NULL);
    presence->commit_started = false;
}
