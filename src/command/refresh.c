/* Keeping the counters. One thread; what it reads it reads from a snapshot, what it finds it writes
 * in one job.
 *
 *   cases    all case records, at each call (they are few): counts of the days kept are replaced
 *   tests    evidence with a number above the one read last, added; "evidence.bulk" (a bulk
 *            load, an undone import) makes it begin anew; until its end tests are not known
 *   scans    the last 24 hours by venue, once a minute; a past day where the day store's count of
 *            it differs from the one at its last pass
 *   persons, venues   by area, where the highest number has grown, and hourly
 *   loops    opened, closed, overdue by day, as the event log tells of them; known from the day on
 *            that all of them were heard of; of scenes that hide where they are, the city's alone
 *   colours  of the status table, at each call
 *
 * Invariant: a counter and its mark (area 0: how far, true for when) change in the same job. */
#include <stdlib.h>

#include "command/command_internal.h"
#include "loops/loops.h"
#include "status/status.h"

enum { EVIDENCE_BATCH = 100000 };
static const double seconds_max = 1.0; /* of one kind of work in one call */

const struct sql_text refresh_cases = {
    "refresh_cases",
    "SELECT area_no, at, recorded_at FROM case_record WHERE case_no > ?1 ORDER BY case_no",
    "primary key"};
const struct sql_text refresh_evidence = {
    "refresh_evidence",
    "SELECT evidence_no, area_no, kind, at, recorded_at FROM evidence WHERE evidence_no > ?1"
    " ORDER BY evidence_no LIMIT ?2",
    "primary key"};
const struct sql_text refresh_persons = {
    "refresh_persons", "SELECT count(*) FROM person WHERE area_no = ?1", "person_by_area"};
const struct sql_text refresh_person_last = {
    "refresh_person_last", "SELECT max(person_no) FROM person", "primary key"};

typedef int64_t day_counts[KEPT_DAYS];

struct refresh {
    struct platform *platform;
    struct sql *sql;
    struct presence_view *view;
    struct arena arena;
    timestamp now;
    int32_t today, first; /* first day kept */
    struct counted_areas areas;
    struct counter_changes changes;
    struct venue_areas venues; /* area NULL: not read yet */
};

/* ---- Counts by area and day */

static void tally(const struct refresh *refresh, day_counts *counts, int64_t area_no,
                  timestamp time)
{
    int32_t index = counted_area_index(&refresh->areas, area_no);
    int32_t slot = time_day_of_seconds(time / SECOND) - refresh->first;
    if (index >= 0 && slot >= 0 && slot < KEPT_DAYS)
        counts[index][slot]++;
}

static day_counts *new_counts(struct refresh *refresh)
{
    return arena_alloc(&refresh->arena, refresh->areas.count * sizeof(day_counts));
}

static void change(struct refresh *refresh, enum counter_act act, int64_t area_no, int32_t day,
                   enum counter counter, int64_t value)
{
    counter_change_add(&refresh->changes, act,
                       (struct counter_row){area_no, day, counter, value, refresh->now});
}

/* What is not zero of one day, or of all where slot < 0. */
static void change_counts(struct refresh *refresh, enum counter_act act, enum counter counter,
                          day_counts *counts)
{
    for (size_t i = 0; i < refresh->areas.count; i++)
        for (int32_t slot = 0; slot < KEPT_DAYS; slot++)
            if (counts[i][slot])
                change(refresh, act, refresh->areas.numbers[i], refresh->first + slot, counter,
                       counts[i][slot]);
}

static void clear_days(struct refresh *refresh, enum counter counter)
{
    change(refresh, COUNTER_CLEAR_FROM, 0, refresh->first, counter, 0);
}

/* ---- What the event log says */

struct hearing {
    const struct counted_areas *areas;
    struct loops *loops; /* NULL: none */
    timestamp now;
};

/* What a member of a notice of the house says; data NULL where it has none. */
static struct slice member_of(struct slice payload, const char *begin)
{
    const char *at = memmem(payload.data, payload.length, begin, strlen(begin));
    if (!at)
        return (struct slice){NULL, 0};
    at += strlen(begin);
    const char *end = memchr(at, '"', payload.length - (size_t)(at - payload.data));
    return (struct slice){at, end ? (size_t)(end - at) : 0};
}

/* One more in an area would tell where a loop is that hides it. */
static bool is_of_city(const struct hearing *hearing, const struct event *event)
{
    struct slice scene = member_of(event->payload, "\"scene\":\"");
    return hearing->loops && scene.data && loops_hide_places(hearing->loops, scene);
}

/* One more loop of that day and area. */
static bool hear_loop(struct sql *sql, const struct hearing *hearing, const struct event *event,
                      enum counter counter, struct error *err)
{
    int32_t index =
        is_of_city(hearing, event) ? 0 : counted_area_index(hearing->areas, event->area_no);
    return counter_count_one(sql,
                             &(struct counter_row){hearing->areas->numbers[index < 0 ? 0 : index],
                                                   time_day_of_seconds(event->at / SECOND), counter,
                                                   1, hearing->now},
                             err);
}

/* Whether an act closed its loop: the payload names the state after it. */
static bool has_closed(const struct event *event)
{
    static const char open[] = "\"state\":\"open\"";
    return memmem(event->payload.data, event->payload.length, "\"state\":", 8) &&
           !memmem(event->payload.data, event->payload.length, open, sizeof open - 1);
}

/* Tests that were counted are no longer what is stored after "evidence.bulk". */
static bool on_event(struct sql *sql, const struct event *event, void *context, struct error *err)
{
    const struct hearing *hearing = context;
    if (slice_equal(event->kind, SLICE("evidence.bulk")))
        return counter_forget_mark(sql, COUNTER_TESTS_READ, err) &&
               counter_forget_mark(sql, COUNTER_TESTS, err);
    if (slice_equal(event->kind, SLICE("loop.opened")) &&
        !hear_loop(sql, hearing, event, COUNTER_LOOPS_OPENED, err))
        return false;
    if (slice_equal(event->kind, SLICE("loop.overdue")))
        return hear_loop(sql, hearing, event, COUNTER_LOOPS_OVERDUE, err);
    bool ends = slice_equal(event->kind, SLICE("loop.opened")) ||
                slice_equal(event->kind, SLICE("loop.advanced")) ||
                slice_equal(event->kind, SLICE("loop.closed")) ||
                slice_equal(event->kind, SLICE("loop.migrated"));
    return !ends || !has_closed(event) || hear_loop(sql, hearing, event, COUNTER_LOOPS_CLOSED, err);
}

/* The log was heard to its end. Days before the first that was heard from its beginning on are not
 * known; `cases` tells a city whose log was read before loops were counted. */
static bool mark_loops(struct refresh *refresh, struct error *err)
{
    struct counter_mark mark, cases;
    if (!counter_mark_read(refresh->sql, 0, COUNTER_LOOPS_OPENED, &mark, err) ||
        !counter_mark_read(refresh->sql, 0, COUNTER_CASES_BY_REPORT, &cases, err))
        return false;
    int64_t since = mark.known ? mark.value : refresh->today + (cases.known ? 1 : 0);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_LOOPS_OPENED, since);
    return true;
}

/* ---- Colours: of the whole city, the mark is the count */

static void count_colors(struct refresh *refresh)
{
    int64_t colors[COLOR_COUNT];
    if (!refresh->platform->status)
        return;
    status_counts(refresh->platform->status, colors);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_STATUS_GREEN, colors[COLOR_GREEN]);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_STATUS_YELLOW, colors[COLOR_YELLOW]);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_STATUS_RED, colors[COLOR_RED]);
}

/* ---- Cases */

static bool count_cases(struct refresh *refresh, struct error *err)
{
    day_counts *by_report = new_counts(refresh), *by_sampling = new_counts(refresh);
    struct sql_query *query;
    int64_t total = 0;
    if (!sql_begin(refresh->sql, &refresh_cases, SQL_ARGUMENTS(sql_int(0)), &query, err))
        return false;
    for (bool row = true;; total++) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        int64_t area_no = sql_get_int(query, 0);
        tally(refresh, by_sampling, area_no, sql_get_int(query, 1));
        tally(refresh, by_report, area_no, sql_get_int(query, 2));
    }
    clear_days(refresh, COUNTER_CASES_BY_REPORT);
    clear_days(refresh, COUNTER_CASES_BY_SAMPLING);
    change_counts(refresh, COUNTER_SET, COUNTER_CASES_BY_REPORT, by_report);
    change_counts(refresh, COUNTER_SET, COUNTER_CASES_BY_SAMPLING, by_sampling);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_CASES_BY_REPORT, total);
    return true;
}

/* ---- Tests */

static bool read_evidence(struct refresh *refresh, day_counts *counts, int64_t *io_last,
                          int64_t *ret_rows, struct error *err)
{
    struct sql_query *query;
    int64_t rows = 0;
    if (!sql_begin(refresh->sql, &refresh_evidence,
                   SQL_ARGUMENTS(sql_int(*io_last), sql_int(EVIDENCE_BATCH)), &query, err))
        return false;
    for (bool row = true;; rows++) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        *io_last = sql_get_int(query, 0);
        if (sql_get_int(query, 2) == EVIDENCE_PCR)
            tally(refresh, counts, sql_get_int(query, 1), sql_get_int(query, 3));
    }
    *ret_rows = rows;
    return true;
}

static bool count_tests(struct refresh *refresh, struct error *err)
{
    struct counter_mark mark;
    double begun = world_elapsed_seconds();
    if (!counter_mark_read(refresh->sql, 0, COUNTER_TESTS_READ, &mark, err))
        return false;
    day_counts *counts = new_counts(refresh);
    int64_t last = mark.known ? mark.value : 0, rows;
    do {
        if (!read_evidence(refresh, counts, &last, &rows, err))
            return false;
    } while (rows == EVIDENCE_BATCH && world_elapsed_seconds() - begun < seconds_max);
    if (!mark.known)
        clear_days(refresh, COUNTER_TESTS);
    change_counts(refresh, COUNTER_ADD, COUNTER_TESTS, counts);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_TESTS_READ, last);
    if (rows < EVIDENCE_BATCH) /* read to the end: known */
        change(refresh, COUNTER_SET, 0, 0, COUNTER_TESTS, last);
    return true;
}

/* ---- Scans */

/* Whether a count made at `mark` is due again: unknown, or a minute old, or from the future. */
static bool is_due(const struct refresh *refresh, const struct counter_mark *mark,
                   timestamp after)
{
    return !mark->known || refresh->now < mark->true_for ||
           refresh->now - mark->true_for >= after;
}

/* Reads the venues' areas, and counts the open ones. */
static bool read_venues(struct refresh *refresh, struct error *err)
{
    struct venue_areas *venues = &refresh->venues;
    if (venues->area)
        return true;
    if (!venue_areas_read(refresh->sql, &refresh->areas, &refresh->arena, venues, err))
        return false;
    change(refresh, COUNTER_CLEAR, 0, 0, COUNTER_VENUES, 0);
    for (size_t i = 0; i < refresh->areas.count; i++)
        if (venues->open[i])
            change(refresh, COUNTER_SET, refresh->areas.numbers[i], 0, COUNTER_VENUES,
                   venues->open[i]);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_VENUES, venues->last);
    return true;
}

/* Scans by venue: all of the pass, and those from `split` on. */
struct pass {
    uint32_t limit, split;
    uint32_t *all, *late; /* by venue number; [limit] holds venues that are not registered */
};

static bool visit_scans(void *context, const struct presence_event *events, size_t count,
                        struct error *err)
{
    (void)err;
    struct pass *pass = context;
    for (size_t i = 0; i < count; i++) {
        uint32_t venue = events[i].venue < pass->limit ? events[i].venue : pass->limit;
        pass->all[venue]++;
        pass->late[venue] += events[i].time >= pass->split;
    }
    return true;
}

struct area_scans {
    int64_t all, late, in_use;
};

/* One pass over [first, last), by area. */
static bool pass_over(struct refresh *refresh, int64_t first, int64_t last, int64_t split,
                      struct area_scans **ret_scans, struct error *err)
{
    size_t slots = (size_t)refresh->venues.limit + 1;
    struct pass pass = {.limit = refresh->venues.limit,
                        .split = (uint32_t)split,
                        .all = x_alloc(slots, sizeof *pass.all),
                        .late = x_alloc(slots, sizeof *pass.late)};
    struct area_scans *scans = arena_alloc(&refresh->arena, refresh->areas.count * sizeof *scans);
    bool done = presence_scan(refresh->view, first, last, visit_scans, &pass, err);
    for (size_t venue = 0; done && venue < slots; venue++) {
        int32_t index = venue < pass.limit ? refresh->venues.area[venue] : 0;
        index = index < 0 ? 0 : index; /* a venue that is not registered: the city's */
        scans[index].all += pass.all[venue];
        scans[index].late += pass.late[venue];
        scans[index].in_use += pass.all[venue] > 0 && venue < pass.limit;
    }
    free(pass.all);
    free(pass.late);
    *ret_scans = scans;
    return done;
}

static bool count_last_day(struct refresh *refresh, struct error *err)
{
    struct area_scans *scans;
    int64_t now = refresh->now / SECOND, today = time_day_start_seconds(refresh->today);
    if (!read_venues(refresh, err) ||
        !pass_over(refresh, now - 86400 + 1, today + 86400, today, &scans, err))
        return false;
    change(refresh, COUNTER_CLEAR, 0, 0, COUNTER_SCANS_24H, 0);
    change(refresh, COUNTER_CLEAR, 0, 0, COUNTER_VENUES_IN_USE, 0);
    change(refresh, COUNTER_CLEAR, 0, refresh->today, COUNTER_SCANS, 0);
    for (size_t i = 0; i < refresh->areas.count; i++) {
        if (!scans[i].all)
            continue;
        change(refresh, COUNTER_SET, refresh->areas.numbers[i], 0, COUNTER_SCANS_24H, scans[i].all);
        change(refresh, COUNTER_SET, refresh->areas.numbers[i], 0, COUNTER_VENUES_IN_USE,
               scans[i].in_use);
        change(refresh, COUNTER_SET, refresh->areas.numbers[i], refresh->today, COUNTER_SCANS,
               scans[i].late);
    }
    change(refresh, COUNTER_SET, 0, 0, COUNTER_SCANS_24H, 0);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_VENUES_IN_USE, 0);
    change(refresh, COUNTER_SET, 0, refresh->today, COUNTER_SCANS,
           presence_day_count(refresh->view, refresh->today));
    return true;
}

/* A past day, where its count differs from the one at the last pass. */
static bool count_past_day(struct refresh *refresh, int32_t day, struct error *err)
{
    struct counter_mark mark;
    struct area_scans *scans;
    int64_t start = time_day_start_seconds(day), count = presence_day_count(refresh->view, day);
    if (!counter_mark_read(refresh->sql, day, COUNTER_SCANS, &mark, err))
        return false;
    if (mark.known ? mark.value == count || !is_due(refresh, &mark, MINUTE) : count == 0)
        return true;
    change(refresh, COUNTER_CLEAR, 0, day, COUNTER_SCANS, 0);
    if (count == 0)
        return true; /* dropped: not known any more */
    if (!read_venues(refresh, err) ||
        !pass_over(refresh, start, start + 86400, start, &scans, err))
        return false;
    for (size_t i = 0; i < refresh->areas.count; i++)
        if (scans[i].all)
            change(refresh, COUNTER_SET, refresh->areas.numbers[i], day, COUNTER_SCANS,
                   scans[i].all);
    change(refresh, COUNTER_SET, 0, day, COUNTER_SCANS, count);
    return true;
}

static bool count_scans(struct refresh *refresh, struct error *err)
{
    struct counter_mark mark;
    double begun = world_elapsed_seconds();
    change(refresh, COUNTER_SET, 0, refresh->today, COUNTER_SCANS_STORED,
           presence_day_count(refresh->view, refresh->today));
    if (!counter_mark_read(refresh->sql, 0, COUNTER_SCANS_24H, &mark, err) ||
        (is_due(refresh, &mark, MINUTE) && !count_last_day(refresh, err)))
        return false;
    for (int32_t day = refresh->today - 1; day > refresh->today - SITUATION_DAYS; day--)
        if (world_elapsed_seconds() - begun < seconds_max && !count_past_day(refresh, day, err))
            return false;
    return true;
}

/* ---- Persons */

static bool count_persons(struct refresh *refresh, struct error *err)
{
    struct counter_mark mark;
    int64_t last, count;
    if (!counter_mark_read(refresh->sql, 0, COUNTER_PERSONS, &mark, err) ||
        !sql_one_int(refresh->sql, &refresh_person_last, NULL, 0, 0, &last, err))
        return false;
    if (!is_due(refresh, &mark, mark.value == last ? HOUR : MINUTE))
        return true;
    change(refresh, COUNTER_CLEAR, 0, 0, COUNTER_PERSONS, 0);
    for (size_t i = 0; i < refresh->areas.count; i++) {
        if (!sql_one_int(refresh->sql, &refresh_persons,
                         SQL_ARGUMENTS(sql_int(refresh->areas.numbers[i])), 0, &count, err))
            return false;
        if (count)
            change(refresh, COUNTER_SET, refresh->areas.numbers[i], 0, COUNTER_PERSONS, count);
    }
    change(refresh, COUNTER_SET, 0, 0, COUNTER_PERSONS, last);
    return true;
}

static bool count_all(struct refresh *refresh, struct error *err)
{
    struct platform *platform = refresh->platform;
    bool done = store_read_begin(platform->store, &refresh->sql, err) &&
                presence_view_begin(platform->presence, &refresh->view, err) &&
                count_cases(refresh, err) && count_tests(refresh, err) &&
                count_scans(refresh, err) && count_persons(refresh, err) &&
                mark_loops(refresh, err);
    presence_view_end(refresh->view);
    store_read_end(platform->store, refresh->sql);
    if (done)
        count_colors(refresh);
    return done;
}

bool command_counters_refresh(struct platform *platform, struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    int64_t events;
    if (!city || store_is_sunset(platform->store))
        return true; /* no areas yet: nothing to count by; or the counters are what is left */
    struct refresh refresh = {.platform = platform, .now = world_now(platform->world)};
    refresh.today = time_day_of_seconds(refresh.now / SECOND);
    refresh.first = refresh.today - KEPT_DAYS + 1;
    arena_init(&refresh.arena, 256 << 20);
    counted_areas_gather(platform->registry, city->no, &refresh.arena, &refresh.areas);
    struct hearing hearing = {&refresh.areas, platform->loops, refresh.now};
    if (hearing.loops) /* where they cannot be read, every scene is taken for one that hides */
        (void)!loops_ready(hearing.loops, err);
    struct counter_keeping keeping = {
        .now = refresh.now,
        .counters_from = refresh.first,
        .snapshots_from =
            refresh.now - policy_number(platform->policy, NUMBER_SNAPSHOT_DAYS) * DAY};
    bool done = store_subscriber_run(platform->store, "command.counters", on_event, &hearing,
                                     &events, err) &&
                count_all(&refresh, err) &&
                counter_apply(platform->store, &refresh.changes, &keeping, err);
    venue_areas_release(&refresh.venues);
    free(refresh.changes.changes);
    arena_release(&refresh.arena);
    return done;
}
