/* Keeping the counters. One thread; what it reads it reads from a snapshot, what it finds it writes in
 * one job.
 *
 *   cases    all case records, at each call (they are few): counts of the last 14 days are replaced
 *   tests    evidence with a number above the one read last, added; "evidence.bulk" (a bulk load, an
 *            undone import) makes it begin anew, and until the end is reached tests are not known
 *   scans    the last 24 hours by venue, once a minute; a past day where the day store's count of it
 *            differs from the one at its last pass
 *   persons, venues   by area, where the highest number has grown, and hourly
 *
 * Invariant: a counter and its mark (area 0: how far, true for when) change in the same job. */
#include <stdlib.h>

#include "command/command_internal.h"
#include "status/status.h"

enum { EVIDENCE_BATCH = 100000, KEPT_DAYS = 28 };
static const double seconds_max = 1.0; /* of one kind of work in one call */

const struct sql_text refresh_cases = {
    "refresh_cases",
    "SELECT area_no, at, recorded_at FROM case_record WHERE case_no > ?1 ORDER BY case_no",
    "primary key"};
const struct sql_text refresh_evidence = {
    "refresh_evidence",
    "SELECT evidence_no, area_no, kind, at FROM evidence WHERE evidence_no > ?1"
    " ORDER BY evidence_no LIMIT ?2",
    "primary key"};
const struct sql_text refresh_venues = {
    "refresh_venues",
    "SELECT venue_no, area_no, closed FROM venue WHERE venue_no > ?1 ORDER BY venue_no",
    "primary key"};
const struct sql_text refresh_persons = {
    "refresh_persons", "SELECT count(*) FROM person WHERE area_no = ?1", "person_by_area"};
const struct sql_text refresh_person_last = {
    "refresh_person_last", "SELECT max(person_no) FROM person", "primary key"};

typedef int64_t day_counts[SITUATION_DAYS];

struct refresh {
    struct platform *platform;
    struct sql *sql;
    struct presence_view *view;
    struct arena arena;
    timestamp now;
    int32_t today, first; /* first day shown */
    int64_t *areas;       /* the city and all below it, ascending: the city is the first */
    size_t area_count;
    struct counter_changes changes;
    int32_t *venue_area;  /* index into areas by venue number, −1 none; NULL: not read yet */
    uint32_t venue_limit; /* numbers below it */
};

/* ---- Areas */

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void gather_areas(struct refresh *refresh, int64_t city_no)
{
    struct registry *registry = refresh->platform->registry;
    size_t capacity = 64;
    int64_t *areas = arena_alloc(&refresh->arena, capacity * sizeof *areas);
    size_t count = 0;
    areas[count++] = city_no;
    for (size_t i = 0; i < count; i++) {
        const struct area **below;
        size_t below_count =
            registry_areas_under(registry, areas[i], &refresh->arena, &below);
        if (count + below_count > capacity) {
            capacity = (count + below_count) * 2;
            int64_t *grown = arena_alloc(&refresh->arena, capacity * sizeof *grown);
            memcpy(grown, areas, count * sizeof *grown);
            areas = grown;
        }
        for (size_t k = 0; k < below_count; k++)
            areas[count++] = below[k]->no;
    }
    qsort(areas, count, sizeof *areas, by_number);
    refresh->areas = areas;
    refresh->area_count = count;
}

/* Index of an area; of the city where it is none of the list but within; −1 outside the city. */
static int32_t area_index(const struct refresh *refresh, int64_t area_no)
{
    const int64_t *found = bsearch(&area_no, refresh->areas, refresh->area_count,
                                   sizeof *refresh->areas, by_number);
    if (found)
        return (int32_t)(found - refresh->areas);
    bool inside = area_no == 0 || (area_no > refresh->areas[0] &&
                                   area_no <= area_range_last(refresh->areas[0]));
    return inside ? 0 : -1;
}

static void tally(const struct refresh *refresh, day_counts *counts, int64_t area_no,
                  timestamp time)
{
    int32_t index = area_index(refresh, area_no);
    int32_t slot = time_day_of_seconds(time / SECOND) - refresh->first;
    if (index >= 0 && slot >= 0 && slot < SITUATION_DAYS)
        counts[index][slot]++;
}

static day_counts *new_counts(struct refresh *refresh)
{
    return arena_alloc(&refresh->arena, refresh->area_count * sizeof(day_counts));
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
    for (size_t i = 0; i < refresh->area_count; i++)
        for (int32_t slot = 0; slot < SITUATION_DAYS; slot++)
            if (counts[i][slot])
                change(refresh, act, refresh->areas[i], refresh->first + slot, counter,
                       counts[i][slot]);
}

static void clear_days(struct refresh *refresh, enum counter counter)
{
    for (int32_t slot = 0; slot < SITUATION_DAYS; slot++)
        change(refresh, COUNTER_CLEAR, 0, refresh->first + slot, counter, 0);
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

/* The event log says when what was counted is no longer what is stored. */
static bool on_event(struct sql *sql, const struct event *event, void *context,
                     struct error *err)
{
    (void)context;
    return !slice_equal(event->kind, SLICE("evidence.bulk")) ||
           (counter_forget_mark(sql, COUNTER_TESTS_READ, err) &&
            counter_forget_mark(sql, COUNTER_TESTS, err));
}

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
    struct sql_query *query;
    int64_t *open = arena_alloc(&refresh->arena, refresh->area_count * sizeof *open);
    uint32_t capacity = 0;
    int64_t last = 0;
    if (refresh->venue_area)
        return true;
    if (!sql_begin(refresh->sql, &refresh_venues, SQL_ARGUMENTS(sql_int(0)), &query, err))
        return false;
    for (;;) {
        bool row;
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        uint32_t no = (uint32_t)sql_get_int(query, 0);
        if (no >= capacity) {
            capacity = no < UINT32_MAX / 2 ? no * 2 + 1024 : UINT32_MAX;
            refresh->venue_area =
                x_realloc(refresh->venue_area, (size_t)capacity * sizeof *refresh->venue_area);
        }
        while (refresh->venue_limit < no)
            refresh->venue_area[refresh->venue_limit++] = -1;
        int32_t index = area_index(refresh, sql_get_int(query, 1));
        refresh->venue_area[no] = index;
        refresh->venue_limit = no + 1;
        last = no;
        if (index >= 0 && !sql_get_int(query, 2))
            open[index]++;
    }
    if (!refresh->venue_area)
        refresh->venue_area = x_alloc(1, sizeof *refresh->venue_area);
    change(refresh, COUNTER_CLEAR, 0, 0, COUNTER_VENUES, 0);
    for (size_t i = 0; i < refresh->area_count; i++)
        if (open[i])
            change(refresh, COUNTER_SET, refresh->areas[i], 0, COUNTER_VENUES, open[i]);
    change(refresh, COUNTER_SET, 0, 0, COUNTER_VENUES, last);
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
    size_t slots = (size_t)refresh->venue_limit + 1;
    struct pass pass = {.limit = refresh->venue_limit,
                        .split = (uint32_t)split,
                        .all = x_alloc(slots, sizeof *pass.all),
                        .late = x_alloc(slots, sizeof *pass.late)};
    struct area_scans *scans =
        arena_alloc(&refresh->arena, refresh->area_count * sizeof *scans);
    bool done = presence_scan(refresh->view, first, last, visit_scans, &pass, err);
    for (size_t venue = 0; done && venue < slots; venue++) {
        int32_t index = venue < pass.limit ? refresh->venue_area[venue] : 0;
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
    for (size_t i = 0; i < refresh->area_count; i++) {
        if (!scans[i].all)
            continue;
        change(refresh, COUNTER_SET, refresh->areas[i], 0, COUNTER_SCANS_24H, scans[i].all);
        change(refresh, COUNTER_SET, refresh->areas[i], 0, COUNTER_VENUES_IN_USE,
               scans[i].in_use);
        change(refresh, COUNTER_SET, refresh->areas[i], refresh->today, COUNTER_SCANS,
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
    for (size_t i = 0; i < refresh->area_count; i++)
        if (scans[i].all)
            change(refresh, COUNTER_SET, refresh->areas[i], day, COUNTER_SCANS, scans[i].all);
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
    for (int32_t day = refresh->today - 1; day >= refresh->first; day--)
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
    for (size_t i = 0; i < refresh->area_count; i++) {
        if (!sql_one_int(refresh->sql, &refresh_persons,
                         SQL_ARGUMENTS(sql_int(refresh->areas[i])), 0, &count, err))
            return false;
        if (count)
            change(refresh, COUNTER_SET, refresh->areas[i], 0, COUNTER_PERSONS, count);
    }
    change(refresh, COUNTER_SET, 0, 0, COUNTER_PERSONS, last);
    return true;
}

bool command_counters_refresh(struct platform *platform, struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    int64_t events;
    if (!city || store_is_sunset(platform->store))
        return true; /* no areas yet: nothing to count by; or the counters are what is left */
    if (!store_subscriber_run(platform->store, "command.counters", on_event, NULL, &events, err))
        return false;
    struct refresh refresh = {.platform = platform, .now = world_now(platform->world)};
    refresh.today = time_day_of_seconds(refresh.now / SECOND);
    refresh.first = refresh.today - SITUATION_DAYS + 1;
    arena_init(&refresh.arena, 256 << 20);
    gather_areas(&refresh, city->no);
    bool done = store_read_begin(platform->store, &refresh.sql, err) &&
                presence_view_begin(platform->presence, &refresh.view, err) &&
                count_cases(&refresh, err) && count_tests(&refresh, err) &&
                count_scans(&refresh, err) && count_persons(&refresh, err);
    presence_view_end(refresh.view);
    store_read_end(platform->store, refresh.sql);
    done = done && counter_apply(platform->store, &refresh.changes,
                                 refresh.today - KEPT_DAYS, err);
    free(refresh.venue_area);
    free(refresh.changes.changes);
    arena_release(&refresh.arena);
    return done;
}
