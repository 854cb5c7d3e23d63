/* Keeping the day store tidy: folding the tail into segments, merging a day's segments, dropping a
 * day, taking an import back. One at a time, under maintenance_lock; readers are never stopped.
 *
 * Words. Runs are *frozen* while they are folded: later groups form runs of their own behind
 * them. An act is *worth it* by MERGE_SEGMENTS, or for a day before yesterday with more than one
 * segment.
 *
 * Invariants.
 *  1 An act prepares new files beside what is shown, and becomes true by one catalog_apply or not
 *    at all; only then do old files go.
 *  2 Runs leave the tail in the instant in which their segments are shown.
 *  3 A fold covers the log up to `tail_end` as it was when the runs were frozen: the folded
 *    position never passes an event that is not in a segment.
 *  4 A drop goes on in this order, and an opening finishes what a death cut short: out of the
 *    manifest, key destroyed, log of its arrivals removed, folder removed.
 *  5 The log keeps 48 hours of arrivals, and always what is not folded.
 *
 *   tail ─freeze─► frozen ─build_days─► written ─catalog_apply─► shown ─merge_day─► shown, fewer
 *                    ▲                     │ failed                   └─drop─► forgotten
 *                    └─────────────────────┘ (nothing is lost: the log holds the tail) */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/presence_internal.h"

/* ---- Folding */

static int compare_by_day(const void *a, const void *b)
{
    int32_t x = time_day_of_seconds(((const struct presence_event *)a)->time);
    int32_t y = time_day_of_seconds(((const struct presence_event *)b)->time);
    return (x > y) - (x < y);
}

/* Builds a segment a day; events of dropped days are left out. */
static bool build_days(struct presence *presence, struct presence_event *events, size_t count,
                       struct segment ***ret_segments, size_t *ret_count, struct error *err)
{
    struct segment **segments = NULL;
    size_t made = 0;
    qsort(events, count, sizeof *events, compare_by_day);
    bool done = true;
    for (size_t i = 0; done && i < count;) {
        int32_t day = time_day_of_seconds(events[i].time);
        size_t end = i;
        while (end < count && time_day_of_seconds(events[end].time) == day)
            end++;
        if (!catalog_dropped(presence->catalog, day)) {
            segments = x_realloc(segments, (made + 1) * sizeof *segments);
            done = segment_build(presence, day, events + i, end - i, &segments[made], err);
            made += done;
        }
        i = end;
    }
    if (!done)
        while (made) {
            segment_discard(presence, segments[--made]);
            segment_unref(segments[made]);
        }
    *ret_segments = segments;
    *ret_count = made;
    return done;
}

/* Under presence->lock. */
static void tail_assert_state(const struct presence *presence)
{
    size_t events = 0;
    for (size_t i = 0; i < presence->run_count; i++)
        events += presence->runs[i]->count;
    REQUIRE(presence->run_count <= TAIL_RUNS_MAX && presence->frozen_runs <= presence->run_count);
    REQUIRE(events == presence->tail_events);
}

/* Under maintenance_lock. */
static bool fold_tail(struct presence *presence, struct error *err)
{
    struct run *runs[TAIL_RUNS_MAX];
    pthread_mutex_lock(&presence->lock);
    tail_assert_state(presence);
    size_t run_count = presence->run_count;
    for (size_t i = 0; i < run_count; i++) {
        runs[i] = presence->runs[i];
        atomic_fetch_add(&runs[i]->references, 1);
    }
    presence->frozen_runs = run_count;
    struct scan_event_id end = presence->tail_end;
    pthread_mutex_unlock(&presence->lock);

    size_t count = 0;
    for (size_t i = 0; i < run_count; i++)
        count += runs[i]->count;
    bool done = true;
    if (count) {
        struct presence_event *events = x_alloc(count, sizeof *events);
        size_t at = 0;
        for (size_t i = 0; i < run_count; i++) {
            memcpy(events + at, runs[i]->by_venue, runs[i]->count * sizeof *events);
            at += runs[i]->count;
        }
        struct catalog_change change = {.folds = true, .folded = end, .consumed_runs = run_count};
        done = build_days(presence, events, count, &change.added, &change.added_count, err);
        free(events);
        if (done && !catalog_apply(presence, &change, err)) {
            done = false;
            for (size_t i = 0; i < change.added_count; i++)
                segment_unref(change.added[i]);
        }
        free(change.added);
    }
    for (size_t i = 0; i < run_count; i++)
        run_unref(runs[i]);
    pthread_mutex_lock(&presence->lock);
    presence->frozen_runs = 0;
    pthread_mutex_unlock(&presence->lock);
    return done;
}

/* ---- Merging */

static bool merge_day(struct presence *presence, const struct catalog_day *day, uint16_t origin,
                      int64_t *ret_removed, struct error *err)
{
    struct segment *merged = NULL;
    if (!segment_merge(presence, day->day, day->segments, day->segment_count, origin, &merged,
                       ret_removed, err))
        return false;
    struct catalog_change change = {.added = &merged,
                                    .added_count = merged != NULL,
                                    .removed = day->segments,
                                    .removed_count = day->segment_count};
    if (catalog_apply(presence, &change, err))
        return true;
    segment_unref(merged);
    return false;
}

static bool merge_days(struct presence *presence, struct error *err)
{
    int32_t today = time_day_of_seconds(world_now(presence->world) / SECOND);
    for (;;) {
        const struct catalog *catalog = presence->catalog; /* stable under maintenance_lock */
        const struct catalog_day *worth = NULL;
        for (size_t i = 0; i < catalog->day_count && !worth; i++) {
            const struct catalog_day *day = &catalog->days[i];
            bool closed = day->day < today - 1;
            if (day->segment_count >= MERGE_SEGMENTS || (closed && day->segment_count > 1))
                worth = day;
        }
        int64_t removed;
        if (!worth)
            return true;
        if (!merge_day(presence, worth, 0, &removed, err))
            return false;
    }
}

/* Takes from the log what nobody may ask for again, and the whole of the arrival day `forgotten`
 * (INT32_MIN: none); the index follows. */
static bool expire_log(struct presence *presence, int32_t forgotten, struct error *err)
{
    uint32_t now = (uint32_t)(world_now(presence->world) / SECOND);
    pthread_mutex_lock(&presence->log_lock);
    size_t files = presence->log.file_count;
    bool done = forgotten == INT32_MIN || log_forget_day(&presence->log, forgotten, err);
    done = done && log_expire(&presence->log, now - LOG_KEPT_SECONDS, presence->catalog->folded,
                              time_day_of_seconds(now), err);
    bool changed = presence->log.file_count != files;
    struct scan_event_id first = {time_day_of_seconds(now) + 1, 0}; /* no file: nothing is left */
    if (presence->log.file_count)
        first = (struct scan_event_id){presence->log.files[0].day,
                                       presence->log.files[0].first_ordinal};
    pthread_mutex_unlock(&presence->log_lock);
    if (!done || !changed)
        return done;
    pthread_mutex_lock(&presence->intake_lock);
    done = answer_index_expire(&presence->index, first, forgotten, err);
    pthread_mutex_unlock(&presence->intake_lock);
    return done;
}

bool presence_fold(struct presence *presence, struct error *err)
{
    pthread_mutex_lock(&presence->maintenance_lock);
    bool done = fold_tail(presence, err) && merge_days(presence, err) &&
                expire_log(presence, INT32_MIN, err);
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

/* ---- Undoing and dropping */

/* The first day with a segment that holds events of `origin`; NULL where none is left. */
static const struct catalog_day *day_of_origin(const struct catalog *catalog, uint16_t origin)
{
    for (size_t i = 0; i < catalog->day_count; i++)
        for (size_t k = 0; k < catalog->days[i].segment_count; k++) {
            const struct segment_file *file = &catalog->days[i].segments[k]->venue;
            for (uint32_t f = 0; f < file->dictionary_count; f++)
                if (file->dictionary[f].origin == origin)
                    return &catalog->days[i];
        }
    return NULL;
}

bool presence_undo(struct presence *presence, uint16_t origin, int64_t *ret_removed,
                   struct error *err)
{
    REQUIRE(origin != 0);
    *ret_removed = 0;
    pthread_mutex_lock(&presence->maintenance_lock);
    const struct catalog_day *day;
    bool done = true;
    while (done && (day = day_of_origin(presence->catalog, origin))) {
        int64_t removed = 0;
        done = merge_day(presence, day, origin, &removed, err);
        *ret_removed += done ? removed : 0;
    }
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

/* A day that still takes arrivals cannot be forgotten. */
static bool has_ended(struct presence *presence, int32_t day, struct error *err)
{
    char date[TIME_TEXT_BYTES];
    pthread_mutex_lock(&presence->intake_lock);
    bool ended = day < presence->arrival_day ||
                 day < time_day_of_seconds(world_now(presence->world) / SECOND);
    pthread_mutex_unlock(&presence->intake_lock);
    return ended || error_set(err, ERROR_CONFLICT, (struct error_place){.source = "presence"},
                              "a day that has ended", "%s has not ended",
                              time_format_date(day, date));
}

bool presence_drop_day(struct presence *presence, int32_t day, struct error *err)
{
    if (!has_ended(presence, day, err))
        return false;
    pthread_mutex_lock(&presence->maintenance_lock);
    struct catalog_change change = {.drops = true, .dropped_day = day};
    char folder[SEGMENT_NAME_BYTES], date[TIME_TEXT_BYTES];
    snprintf(folder, sizeof folder, "day-%s", time_format_date(day, date));
    bool done = fold_tail(presence, err) && catalog_apply(presence, &change, err) &&
                fault_at(FAULT_POINT_before_day_key_destroyed, err) &&
                keys_day_destroy(presence->keys, day, err) &&
                fault_at(FAULT_POINT_after_day_key_destroyed, err) &&
                expire_log(presence, day, err) &&
                file_remove_tree(presence->directory_fd, folder, err);
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

/* Under maintenance_lock, with nothing taken in any more. */
static bool forget_day(struct presence *presence, int32_t day, struct error *err)
{
    struct catalog_change change = {.drops = true, .dropped_day = day};
    char folder[SEGMENT_NAME_BYTES], date[TIME_TEXT_BYTES];
    snprintf(folder, sizeof folder, "day-%s", time_format_date(day, date));
    return catalog_apply(presence, &change, err) &&
           keys_day_destroy(presence->keys, day, err) && expire_log(presence, day, err) &&
           file_remove_tree(presence->directory_fd, folder, err);
}

/* A day of the store or of its log; INT32_MIN where none is left. */
static int32_t any_day(struct presence *presence)
{
    if (presence->catalog->day_count)
        return presence->catalog->days[0].day;
    pthread_mutex_lock(&presence->log_lock);
    int32_t day = presence->log.file_count ? presence->log.files[0].day : INT32_MIN;
    pthread_mutex_unlock(&presence->log_lock);
    return day;
}

bool presence_forget_all(struct presence *presence, int64_t *ret_days, int64_t *ret_events,
                         struct error *err)
{
    int32_t day;
    *ret_days = *ret_events = 0;
    REQUIRE(store_is_sunset(presence->store)); /* nothing is taken in any more */
    intake_drain(presence);
    pthread_mutex_lock(&presence->maintenance_lock);
    bool done = fold_tail(presence, err);
    while (done && (day = any_day(presence)) != INT32_MIN) {
        const struct catalog_day *stored = catalog_find(presence->catalog, day);
        int64_t events = stored ? stored->rows : 0;
        done = forget_day(presence, day, err);
        *ret_days += done && events > 0;
        *ret_events += done ? events : 0;
    }
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

/* ---- The background */

/* A disk that fails is not asked again at once. Under fold_lock. */
static void pause_after_failure(struct presence *presence)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FOLD_PAUSE_SECONDS;
    int waited = 0;
    while (!presence->fold_stopping && waited == 0)
        waited = pthread_cond_timedwait(&presence->fold_wanted_changed, &presence->fold_lock,
                                        &until);
}

static void *fold_main(void *argument)
{
    struct presence *presence = argument;
    pthread_mutex_lock(&presence->fold_lock);
    while (!presence->fold_stopping) {
        if (!presence->fold_wanted) {
            pthread_cond_wait(&presence->fold_wanted_changed, &presence->fold_lock);
            continue;
        }
        presence->fold_wanted = false;
        pthread_mutex_unlock(&presence->fold_lock);
        struct error failure;
        bool folded = presence_fold(presence, &failure);
        if (!folded)
            log_error("presence", &failure); /* nothing is lost: the log holds the tail */
        pthread_mutex_lock(&presence->fold_lock);
        if (!folded)
            pause_after_failure(presence);
    }
    pthread_mutex_unlock(&presence->fold_lock);
    return NULL;
}

void fold_start(struct presence *presence)
{
    presence->fold_started =
        pthread_create(&presence->fold_thread, NULL, fold_main, presence) == 0;
}

void fold_wake(struct presence *presence)
{
    if (!presence->fold_started)
        return;
    pthread_mutex_lock(&presence->fold_lock);
    presence->fold_wanted = true;
    pthread_cond_signal(&presence->fold_wanted_changed);
    pthread_mutex_unlock(&presence->fold_lock);
}

void fold_stop(struct presence *presence)
{
    if (!presence->fold_started)
        return;
    pthread_mutex_lock(&presence->fold_lock);
    presence->fold_stopping = true;
    pthread_cond_signal(&presence->fold_wanted_changed);
    pthread_mutex_unlock(&presence->fold_lock);
    pthread_join(presence->fold_thread, NULL);
    presence->fold_started = false;
}
