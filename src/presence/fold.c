/* Keeping the day store tidy: folding the tail into segments, merging a day's segments, dropping a
 * day, taking an import back. One at a time, under maintenance_lock; readers are never stopped. */
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

/* Under maintenance_lock. */
static bool fold_tail(struct presence *presence, struct error *err)
{
    struct run *runs[TAIL_RUNS_MAX];
    pthread_mutex_lock(&presence->lock);
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

static bool expire_log(struct presence *presence, struct error *err)
{
    uint32_t now = (uint32_t)(world_now(presence->world) / SECOND);
    pthread_mutex_lock(&presence->log_lock);
    size_t files = presence->log.file_count;
    bool done = log_expire(&presence->log, now - LOG_KEPT_SECONDS, presence->catalog->folded,
                           time_day_of_seconds(now), err);
    bool changed = presence->log.file_count != files;
    struct scan_event_id first = {0};
    if (presence->log.file_count)
        first = (struct scan_event_id){presence->log.files[0].day,
                                       presence->log.files[0].first_ordinal};
    pthread_mutex_unlock(&presence->log_lock);
    if (!done || !changed)
        return done;
    pthread_mutex_lock(&presence->intake_lock);
    done = answer_index_expire(&presence->index, first, err);
    pthread_mutex_unlock(&presence->intake_lock);
    return done;
}

bool presence_fold(struct presence *presence, struct error *err)
{
    pthread_mutex_lock(&presence->maintenance_lock);
    bool done = fold_tail(presence, err) && merge_days(presence, err) && expire_log(presence, err);
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

/* ---- Undoing and dropping */

bool presence_undo(struct presence *presence, uint16_t origin, int64_t *ret_removed,
                   struct error *err)
{
    REQUIRE(origin != 0);
    *ret_removed = 0;
    pthread_mutex_lock(&presence->maintenance_lock);
    bool done = true, found = true;
    while (done && found) {
        found = false;
        const struct catalog *catalog = presence->catalog;
        for (size_t i = 0; i < catalog->day_count && !found; i++) {
            const struct catalog_day *day = &catalog->days[i];
            for (size_t k = 0; k < day->segment_count; k++)
                for (uint32_t f = 0; f < day->segments[k]->venue.dictionary_count; f++)
                    found |= day->segments[k]->venue.dictionary[f].origin == origin;
            if (found) {
                int64_t removed = 0;
                done = merge_day(presence, day, origin, &removed, err);
                *ret_removed += removed;
            }
        }
    }
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

bool presence_drop_day(struct presence *presence, int32_t day, struct error *err)
{
    pthread_mutex_lock(&presence->maintenance_lock);
    struct catalog_change change = {.drops = true, .dropped_day = day};
    char folder[SEGMENT_NAME_BYTES], date[TIME_TEXT_BYTES];
    snprintf(folder, sizeof folder, "day-%s", time_format_date(day, date));
    bool done = fold_tail(presence, err) && catalog_apply(presence, &change, err) &&
                fault_at(FAULT_POINT_before_day_key_destroyed, err) &&
                keys_day_destroy(presence->keys, day, err) &&
                fault_at(FAULT_POINT_after_day_key_destroyed, err) &&
                file_remove_tree(presence->directory_fd, folder, err);
    pthread_mutex_unlock(&presence->maintenance_lock);
    return done;
}

/* ---- The background */

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
        if (!presence_fold(presence, &failure))
            log_error("presence", &failure); /* nothing is lost: the log holds the tail */
        pthread_mutex_lock(&presence->fold_lock);
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
