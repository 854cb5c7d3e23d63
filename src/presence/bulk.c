/* Bulk intake: events of any days in any order become segments that are shown all at once.
 *
 * Events gather in memory up to BULK_EVENTS; then they are split by day and each day is written
 * as one segment without doubles. A day of which nothing is stored goes straight to the two
 * halves, each of which sorts for itself; else it is first sorted by (venue, time, person) and
 * what is stored already is left out. When the memory is full the latest day is kept back, for
 * input mostly is in order of time and its rest is still to come. Commit is one replacement of
 * the manifest.
 *
 * Words. A segment is *written* (files on the disk, known to this bulk alone) or *shown* (named
 * by the manifest).
 *
 * Invariants.
 *  1 Nothing of a bulk is shown before its commit, everything after it.
 *  2 inserted + merged + unchanged = events taken, once all are written.
 *  3 Written segments belong to the bulk until the commit was tried: abandoning removes their
 *    files. After a commit that failed at the rename they may be named on disk: their files stay,
 *    and the next opening keeps or sweeps them.
 *  4 A day that was dropped, before or since, refuses the whole bulk.
 *
 *   gathering ─flush─► written ─commit─► shown
 *       │                 │        └failed─► left to the next opening
 *       └────abandon──────┴─► removed */
#include <stdlib.h>

#include "presence/pages.h"
#include "presence/presence_internal.h"
#include "presence/sort.h"

enum { BULK_EVENTS = 16 * 1024 * 1024 };

struct presence_bulk {
    struct presence *presence;
    uint16_t origin;
    struct presence_event *events; /* room for BULK_EVENTS, of which only what is used costs */
    size_t count;
    uint32_t time_low, time_high;  /* of them */
    struct segment **segments; /* written, not shown */
    size_t segment_count;
    struct presence_bulk_result result;
    bool committed;
};

bool presence_bulk_begin(struct presence *presence, uint16_t origin,
                         struct presence_bulk **ret_bulk, struct error *err)
{
    if (!store_refuse_sunset(presence->store, err))
        return false;
    struct presence_bulk *bulk = x_alloc(1, sizeof *bulk);
    bulk->presence = presence;
    bulk->origin = origin;
    bulk->time_low = UINT32_MAX;
    *ret_bulk = bulk;
    return true;
}

static void keep_segment(struct presence_bulk *bulk, struct segment *segment)
{
    bulk->segments =
        x_realloc(bulk->segments, (bulk->segment_count + 1) * sizeof *bulk->segments);
    bulk->segments[bulk->segment_count++] = segment;
    bulk->result.inserted += segment->rows;
}

static bool add_segment(struct presence_bulk *bulk, int32_t day, struct presence_event *events,
                        size_t count, struct error *err)
{
    struct segment *segment;
    if (!segment_build(bulk->presence, day, events, count, &segment, err))
        return false;
    keep_segment(bulk, segment);
    return true;
}

/* ---- Leaving out what is there */

static bool same_place(const struct presence_event *a, const struct presence_event *b)
{
    return a->venue == b->venue && a->time == b->time && a->person == b->person;
}

/* A sorted day's events without doubles; returns how many are left. */
static size_t merge_doubles(struct presence_event *events, size_t count, int64_t *merged)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept && same_place(&events[kept - 1], &events[i]))
            (*merged)++;
        else
            events[kept++] = events[i];
    return kept;
}

/* Marks events found among stored ones: both run in (venue, time, person) order. */
struct subtraction {
    struct presence_event *events;
    size_t count, at;
    bool *found;
};

static bool subtract(void *context, const struct presence_event *stored, size_t count,
                     struct error *err)
{
    (void)err;
    struct subtraction *s = context;
    for (size_t i = 0; i < count; i++) {
        while (s->at < s->count &&
               event_compare(&s->events[s->at], &stored[i], ORDER_VENUE) < 0 &&
               !same_place(&s->events[s->at], &stored[i]))
            s->at++;
        if (s->at < s->count && same_place(&s->events[s->at], &stored[i]))
            s->found[s->at] = true;
    }
    return true;
}

/* Against one segment of this bulk that is not shown yet. */
static bool subtract_segment(struct subtraction *s, const struct segment *segment,
                             struct error *err)
{
    struct segment_decoder *decoder = x_alloc(1, sizeof *decoder);
    struct row_block *rows = x_alloc(1, sizeof *rows);
    segment_decoder_init(decoder);
    int64_t start = time_day_start_seconds(segment->day);
    bool done = true;
    s->at = 0;
    for (uint32_t b = 0; done && b < segment->venue.block_count; b++) {
        done = segment_decode(decoder, &segment->venue, b, rows, err);
        for (uint32_t i = 0; done && i < rows->count; i++) {
            struct presence_event event = {.venue = rows->key[i], .person = rows->other[i],
                                           .time = (uint32_t)(start + rows->time[i])};
            done = subtract(s, &event, 1, err);
        }
    }
    segment_decoder_release(decoder);
    free(rows);
    free(decoder);
    return done;
}

static int64_t count_found(const struct subtraction *s)
{
    int64_t found = 0;
    for (size_t i = 0; i < s->count; i++)
        found += s->found[i];
    return found;
}

static bool subtract_known(struct presence_bulk *bulk, int32_t day, struct subtraction *s,
                           struct error *err)
{
    for (size_t i = 0; i < bulk->segment_count; i++)
        if (bulk->segments[i]->day == day && !subtract_segment(s, bulk->segments[i], err))
            return false;
    int64_t merged = count_found(s);
    bulk->result.merged += merged;
    struct presence_view *view;
    if (!presence_view_begin(bulk->presence, &view, err))
        return false;
    int64_t start = time_day_start_seconds(day);
    s->at = 0;
    bool done = presence_scan(view, start, start + 86400, subtract, s, err);
    presence_view_end(view);
    bulk->result.unchanged += count_found(s) - merged;
    return done;
}

/* True where neither the store nor this bulk has anything of the day. */
static bool day_is_new(struct presence_bulk *bulk, int32_t day, bool *ret_new, struct error *err)
{
    struct presence_view *view;
    *ret_new = false;
    for (size_t i = 0; i < bulk->segment_count; i++)
        if (bulk->segments[i]->day == day)
            return true;
    if (!presence_view_begin(bulk->presence, &view, err))
        return false;
    *ret_new = presence_day_count(view, day) == 0;
    presence_view_end(view);
    return true;
}

static bool add_day(struct presence_bulk *bulk, int32_t day, struct presence_event *events,
                    size_t count, struct error *err)
{
    bool is_new;
    if (!day_is_new(bulk, day, &is_new, err))
        return false;
    if (is_new) {
        struct segment *segment;
        int64_t merged;
        if (!segment_build_unique(bulk->presence, day, events, count, &segment, &merged, err))
            return false;
        bulk->result.merged += merged;
        keep_segment(bulk, segment);
        return true;
    }
    events_sort_day(events, count, day);
    count = merge_doubles(events, count, &bulk->result.merged);
    struct subtraction s = {.events = events, .count = count};
    s.found = x_alloc(count, sizeof *s.found);
    bool done = subtract_known(bulk, day, &s, err);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!s.found[i])
            events[kept++] = events[i];
    free(s.found);
    return done && (kept == 0 || add_segment(bulk, day, events, kept, err));
}

/* ---- Taking */

static bool day_kept(struct presence_bulk *bulk, int32_t day, struct error *err)
{
    pthread_mutex_lock(&bulk->presence->lock);
    bool dropped = catalog_dropped(bulk->presence->catalog, day);
    pthread_mutex_unlock(&bulk->presence->lock);
    char date[TIME_TEXT_BYTES];
    return !dropped || error_set(err, ERROR_GONE, (struct error_place){.field = "time"},
                                 "a day within its retention", "the day %s was forgotten",
                                 time_format_date(day, date));
}

/* Counts events by day over [low, low + days): ends[d + 1] = end of day d once summed up. */
static void count_days(const struct presence_bulk *bulk, int32_t low, size_t days, size_t *ends)
{
    if (days == 1) {
        ends[1] = bulk->count;
        return;
    }
    for (size_t i = 0; i < bulk->count; i++)
        ends[time_day_of_seconds(bulk->events[i].time) - low + 1]++;
    for (size_t d = 0; d < days; d++)
        ends[d + 1] += ends[d];
}

static struct presence_event *split_days(const struct presence_bulk *bulk, int32_t low,
                                         size_t days, const size_t *ends)
{
    struct presence_event *sorted = pages_alloc(bulk->count * sizeof *sorted);
    size_t *at = x_alloc(days, sizeof *at);
    memcpy(at, ends, days * sizeof *at);
    for (size_t i = 0; i < bulk->count; i++)
        sorted[at[time_day_of_seconds(bulk->events[i].time) - low]++] = bulk->events[i];
    free(at);
    return sorted;
}

/* Splits what has gathered by day and writes it, `all`, or without the latest of several days. */
static bool flush(struct presence_bulk *bulk, bool all, struct error *err)
{
    if (bulk->count == 0)
        return true;
    int32_t low = time_day_of_seconds(bulk->time_low);
    size_t days = (size_t)(time_day_of_seconds(bulk->time_high) - low) + 1; /* ≤ 49 711: u32 */
    size_t *ends = x_alloc(days + 1, sizeof *ends), count = bulk->count;
    struct presence_event *sorted = bulk->events;
    bool done = true;
    count_days(bulk, low, days, ends);
    if (days > 1)
        sorted = split_days(bulk, low, days, ends);
    size_t written_days = all || days == 1 ? days : days - 1;
    for (size_t d = 0; done && d < written_days; d++)
        if (ends[d + 1] > ends[d])
            done = day_kept(bulk, low + (int32_t)d, err) &&
                   add_day(bulk, low + (int32_t)d, sorted + ends[d], ends[d + 1] - ends[d], err);
    bulk->count = written_days < days ? ends[days] - ends[days - 1] : 0;
    if (bulk->count)
        memcpy(bulk->events, sorted + ends[days - 1], bulk->count * sizeof *sorted);
    bulk->time_low = bulk->count ? (uint32_t)time_day_start_seconds(low + (int32_t)days - 1)
                                 : UINT32_MAX;
    bulk->time_high = bulk->count ? bulk->time_high : 0;
    if (sorted != bulk->events)
        pages_free(sorted, count * sizeof *sorted);
    free(ends);
    return done;
}

bool presence_bulk_add(struct presence_bulk *bulk, const struct presence_event *events,
                       size_t count, struct error *err)
{
    if (count && !bulk->events)
        bulk->events = pages_alloc((size_t)BULK_EVENTS * sizeof *bulk->events);
    while (count) {
        if (bulk->count == BULK_EVENTS && !flush(bulk, false, err))
            return false;
        size_t room = BULK_EVENTS - bulk->count;
        size_t taken = count < room ? count : room;
        struct presence_event *restrict to = bulk->events + bulk->count;
        uint32_t time_low = bulk->time_low, time_high = bulk->time_high;
        for (size_t i = 0; i < taken; i++) {
            to[i] = events[i];
            to[i].origin = bulk->origin;
            time_low = events[i].time < time_low ? events[i].time : time_low;
            time_high = events[i].time > time_high ? events[i].time : time_high;
        }
        bulk->time_low = time_low;
        bulk->time_high = time_high;
        bulk->count += taken;
        events += taken;
        count -= taken;
    }
    return true;
}

bool presence_bulk_day(struct presence_bulk *bulk, int32_t day, struct presence_event *events,
                       size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        events[i].origin = bulk->origin;
    return day_kept(bulk, day, err) && (count == 0 || add_segment(bulk, day, events, count, err));
}

static void bulk_assert_state(const struct presence_bulk *bulk)
{
    int64_t rows = 0;
    for (size_t i = 0; i < bulk->segment_count; i++)
        rows += bulk->segments[i]->rows;
    REQUIRE(bulk->count <= BULK_EVENTS && rows == bulk->result.inserted);
    REQUIRE(bulk->result.merged >= 0 && bulk->result.unchanged >= 0);
}

bool presence_bulk_commit(struct presence_bulk *bulk, struct presence_bulk_result *ret_result,
                          struct error *err)
{
    REQUIRE(!bulk->committed);
    if (!flush(bulk, true, err))
        return false;
    bulk_assert_state(bulk);
    pthread_mutex_lock(&bulk->presence->maintenance_lock);
    struct catalog_change change = {.added = bulk->segments, .added_count = bulk->segment_count};
    for (size_t i = 0; i < bulk->segment_count; i++)
        if (!day_kept(bulk, bulk->segments[i]->day, err)) { /* forgotten since it was written */
            pthread_mutex_unlock(&bulk->presence->maintenance_lock);
            return false;
        }
    bool done = bulk->segment_count == 0 || catalog_apply(bulk->presence, &change, err);
    pthread_mutex_unlock(&bulk->presence->maintenance_lock);
    if (!done) { /* the files may be named on disk: see catalog_apply */
        for (size_t i = 0; i < bulk->segment_count; i++)
            segment_unref(bulk->segments[i]);
        bulk->segment_count = 0;
        return false;
    }
    bulk->committed = true;
    *ret_result = bulk->result;
    return true;
}

void presence_bulk_abandon(struct presence_bulk *bulk)
{
    if (!bulk)
        return;
    for (size_t i = 0; !bulk->committed && i < bulk->segment_count; i++) {
        segment_discard(bulk->presence, bulk->segments[i]);
        segment_unref(bulk->segments[i]);
    }
    free(bulk->segments);
    pages_free(bulk->events, (size_t)BULK_EVENTS * sizeof *bulk->events);
    free(bulk);
}
