/* The naive twin of the day store: an array of what was stored. Every read of the day store is
 * compared with a walk over it. */
#ifndef CHENGMAI_PRESENCE_TEST_TWIN_H
#define CHENGMAI_PRESENCE_TEST_TWIN_H

#include "presence/presence_internal.h"
#include "presence/test_support.h"

struct twin {
    struct presence_event *events;
    size_t count, capacity;
    int32_t dropped[16];
    size_t dropped_count;
};

static inline void twin_release(struct twin *twin)
{
    free(twin->events);
    *twin = (struct twin){0};
}

static inline void twin_add(struct twin *twin, struct presence_event event)
{
    if (twin->count == twin->capacity) {
        twin->capacity = twin->capacity ? twin->capacity * 2 : 64;
        twin->events = x_realloc(twin->events, twin->capacity * sizeof event);
    }
    twin->events[twin->count++] = event;
}

static inline bool twin_dropped(const struct twin *twin, int32_t day)
{
    for (size_t i = 0; i < twin->dropped_count; i++)
        if (twin->dropped[i] == day)
            return true;
    return false;
}

static inline bool same_place(const struct presence_event *a, const struct presence_event *b)
{
    return a->person == b->person && a->venue == b->venue && a->time == b->time;
}

static inline bool twin_holds(const struct twin *twin, const struct presence_event *event)
{
    for (size_t i = 0; i < twin->count; i++)
        if (same_place(&twin->events[i], event))
            return true;
    return false;
}

/* Takes out the events of one origin or of one day; how many. */
static inline int64_t twin_remove_origin(struct twin *twin, uint16_t origin)
{
    size_t kept = 0, before = twin->count;
    for (size_t i = 0; i < before; i++)
        if (twin->events[i].origin != origin)
            twin->events[kept++] = twin->events[i];
    twin->count = kept;
    return (int64_t)(before - kept);
}
static inline void twin_drop_day(struct twin *twin, int32_t day)
{
    size_t kept = 0;
    for (size_t i = 0; i < twin->count; i++)
        if (time_day_of_seconds(twin->events[i].time) != day)
            twin->events[kept++] = twin->events[i];
    twin->count = kept;
    if (!twin_dropped(twin, day))
        twin->dropped[twin->dropped_count++] = day;
}

static inline int twin_by_venue(const void *a, const void *b)
{
    return event_compare(a, b, ORDER_VENUE);
}
static inline int twin_by_person(const void *a, const void *b)
{
    return event_compare(a, b, ORDER_PERSON);
}

/* What a bulk does, in words: of doubles within it one counts; what is stored already is left out. */
static inline struct presence_bulk_result twin_bulk(struct twin *twin,
                                                    struct presence_event *events, size_t count,
                                                    uint16_t origin)
{
    struct presence_bulk_result result = {0};
    size_t before = twin->count;
    if (count)
        qsort(events, count, sizeof *events, twin_by_venue);
    for (size_t i = 0; i < count; i++) {
        events[i].origin = origin;
        struct twin stored = {.events = twin->events, .count = before};
        if (i && same_place(&events[i - 1], &events[i])) {
            result.merged++;
        } else if (twin_holds(&stored, &events[i])) {
            result.unchanged++;
        } else {
            result.inserted++;
            twin_add(twin, events[i]);
        }
    }
    return result;
}

/* Rows for one key (or all: `key` 0), doubles once with their strongest evidence, in order. */
static inline size_t twin_rows(const struct twin *twin, enum segment_order order, uint32_t key,
                               int64_t first, int64_t last, struct presence_event *out)
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < twin->count; i++) {
        const struct presence_event *event = &twin->events[i];
        uint32_t at = order == ORDER_VENUE ? event->venue : event->person;
        if ((!key || at == key) && event->time >= first && event->time < last)
            out[count++] = *event;
    }
    if (count)
        qsort(out, count, sizeof *out, order == ORDER_VENUE ? twin_by_venue : twin_by_person);
    for (size_t i = 0; i < count; i++)
        if (!kept || !same_place(&out[kept - 1], &out[i]))
            out[kept++] = out[i];
        else if (scan_flags_evidence(out[i].flags) > scan_flags_evidence(out[kept - 1].flags))
            out[kept - 1] = out[i];
    return kept;
}

struct collected {
    struct presence_event *events;
    size_t count;
};

static inline bool collect(void *context, const struct presence_event *events, size_t count,
                           struct error *err)
{
    (void)err;
    struct collected *out = context;
    assert_true(count > 0);
    out->events = x_realloc(out->events, (out->count + count) * sizeof *events);
    memcpy(out->events + out->count, events, count * sizeof *events);
    out->count += count;
    return true;
}

static inline void assert_same_events(const struct presence_event *got, size_t got_count,
                                      const struct presence_event *wanted, size_t wanted_count)
{
    assert_int_equal(got_count, wanted_count);
    for (size_t i = 0; i < got_count; i++) {
        assert_int_equal(got[i].person, wanted[i].person);
        assert_int_equal(got[i].venue, wanted[i].venue);
        assert_int_equal(got[i].time, wanted[i].time);
        assert_int_equal(scan_flags_evidence(got[i].flags), scan_flags_evidence(wanted[i].flags));
    }
}

static inline void compare_key(struct presence_view *view, const struct twin *twin,
                               enum segment_order order, uint32_t key, int64_t first, int64_t last,
                               struct presence_event *room)
{
    struct error err;
    struct collected got = {0};
    bool done = order == ORDER_VENUE ? presence_by_venue(view, (struct venue_no){key}, first, last,
                                                         collect, &got, &err)
                                     : presence_by_person(view, (struct person_no){key}, first,
                                                          last, collect, &got, &err);
    test_fail_on(done, &err);
    size_t count = twin_rows(twin, order, key, first, last, room);
    assert_same_events(got.events, got.count, room, count);
    free(got.events);
}

static inline void compare_scan(struct presence_view *view, const struct twin *twin, int64_t first,
                                int64_t last, struct presence_event *room)
{
    struct error err;
    struct collected got = {0};
    test_fail_on(presence_scan(view, first, last, collect, &got, &err), &err);
    size_t at = 0;
    for (int32_t day = time_day_of_seconds(first); day <= time_day_of_seconds(last - 1); day++) {
        int64_t start = time_day_start_seconds(day), from = first > start ? first : start;
        int64_t to = last < start + 86400 ? last : start + 86400;
        if (from >= to)
            break;
        size_t count = twin_rows(twin, ORDER_VENUE, 0, from, to, room);
        assert_true(got.count - at >= count);
        assert_same_events(got.events + at, count, room, count);
        at += count;
    }
    assert_int_equal(at, got.count);
    free(got.events);
}

static inline void compare_counts(struct presence_view *view, const struct twin *twin,
                                  uint32_t venue, int32_t day, struct presence_event *room)
{
    struct error err;
    uint32_t got[24], wanted[24] = {0};
    int64_t start = time_day_start_seconds(day), stored = 0;
    test_fail_on(presence_hour_counts(view, (struct venue_no){venue}, day, got, &err), &err);
    size_t count = twin_rows(twin, ORDER_VENUE, venue, start, start + 86400, room);
    for (size_t i = 0; i < count; i++)
        wanted[(room[i].time - start) / 3600]++;
    assert_memory_equal(got, wanted, sizeof got);
    for (size_t i = 0; i < twin->count; i++)
        stored += time_day_of_seconds(twin->events[i].time) == day;
    assert_int_equal(presence_day_count(view, day), stored);
}

static inline void compare_range(struct presence_view *view, const struct twin *twin)
{
    int32_t first = INT32_MAX, last = INT32_MIN, got_first, got_last;
    for (size_t i = 0; i < twin->count; i++) {
        int32_t day = time_day_of_seconds(twin->events[i].time);
        first = day < first ? day : first;
        last = day > last ? day : last;
    }
    bool some = presence_day_range(view, &got_first, &got_last);
    assert_int_equal(some, twin->count > 0);
    if (some) {
        assert_int_equal(got_first, first);
        assert_int_equal(got_last, last);
    }
}

/* All keys up to `venues` and `persons`, whole and in `queries` random windows from `start` on. */
static inline void compare_with_twin(struct presence *presence, const struct twin *twin,
                                     uint32_t venues, uint32_t persons, int64_t start,
                                     uint32_t seconds, int queries, struct random *random)
{
    struct error err;
    struct presence_view *view;
    struct presence_event *room = x_alloc(twin->count, sizeof *room);
    test_fail_on(presence_view_begin(presence, &view, &err), &err);
    int64_t end = (int64_t)UINT32_MAX + 1;
    compare_scan(view, twin, start, start + seconds, room);
    compare_range(view, twin);
    for (int q = 0; q < queries; q++) {
        int64_t first = start + random_below(random, seconds);
        int64_t last = first + random_below(random, seconds);
        uint32_t venue = 1 + random_below(random, venues);
        compare_key(view, twin, ORDER_VENUE, venue, first, last, room);
        compare_key(view, twin, ORDER_PERSON, 1 + random_below(random, persons), first, last,
                    room);
        compare_scan(view, twin, first, last, room);
        compare_counts(view, twin, venue,
                       time_day_of_seconds(start + random_below(random, seconds)), room);
    }
    compare_key(view, twin, ORDER_VENUE, 1 + random_below(random, venues), -5, end + 5, room);
    compare_key(view, twin, ORDER_PERSON, 1 + random_below(random, persons), 0, end, room);
    presence_view_end(view);
    free(room);
}

/* One live scan, waited for. */
static inline enum error_code append_event(struct presence *presence, struct presence_event event)
{
    struct test_wait wait = {.append.count = 1};
    wait.append.records[0] = (struct scan_record){.person = event.person, .venue = event.venue,
                                                  .time = event.time, .flags = event.flags};
    return test_append(presence, &wait);
}

/* A whole bulk; ERROR_NONE where it was committed. */
static inline enum error_code add_bulk(struct presence *presence,
                                       const struct presence_event *events, size_t count,
                                       uint16_t origin, struct presence_bulk_result *ret_result)
{
    struct error err;
    struct presence_bulk *bulk;
    test_fail_on(presence_bulk_begin(presence, origin, &bulk, &err), &err);
    bool done = presence_bulk_add(bulk, events, count, &err) &&
                presence_bulk_commit(bulk, ret_result, &err);
    presence_bulk_abandon(bulk);
    return done ? ERROR_NONE : err.code;
}

struct reported {
    int checks, bad;
    char words[600]; /* of the bad ones */
};
static inline void note_report(void *context, bool good, const char *check, const char *words)
{
    struct reported *reported = context;
    reported->checks++;
    if (!good) {
        size_t used = strlen(reported->words);
        reported->bad++;
        snprintf(reported->words + used, sizeof reported->words - used, "%s: %s\n", check, words);
    }
}
static inline struct reported verify_all(struct presence *presence)
{
    struct reported reported = {0};
    struct error err;
    test_fail_on(presence_verify(presence, note_report, &reported, &err), &err);
    return reported;
}

#endif
