/* The hours of a history in which no server ran, from the stores: one pass over each, then hour by
 * hour what had been recorded until then.
 *
 * An hour's figures are sums up to it: `recorded` tells by which hour a thing was known, the day
 * that it counts for is another. What needs the 24 hours before is known from the second day on. */
#include <stdlib.h>

#include "command/command_internal.h"
#include "status/status.h"

enum { DAY_HOURS = 24 };

struct making {
    struct platform *platform;
    struct arena arena;
    struct counted_areas areas;
    struct venue_areas venues;
    int32_t first_day;
    int64_t first_hour;
    size_t days, hours; /* hours: full ones after the beginning */
    int64_t *persons;   /* by area */
    uint32_t *scans;    /* [hour][area]: within the hour that ends there */
    uint32_t
        *open_hours; /* [day][venue]: bits of hours with a scan; the last venue: not registered */
    uint32_t *tests; /* [hour][day][area]: that became known within that hour */
    uint32_t *by_report, *by_sampling; /* likewise, cases */
    struct counter_row *rows;          /* malloc */
    size_t count, capacity;
};

static size_t cell(const struct making *making, size_t hour, size_t day, size_t area)
{
    return (hour * making->days + day) * making->areas.count + area;
}

/* The full hour by which something of that moment is known, 0 for the beginning; beyond the last
 * where it is not. */
static size_t known_by(const struct making *making, timestamp recorded)
{
    int64_t hour = (recorded + HOUR - 1) / HOUR - making->first_hour;
    return hour < 0 ? 0 : (size_t)hour;
}

static void tally(const struct making *making, uint32_t *counts, int64_t area_no, timestamp at,
                  timestamp recorded)
{
    int32_t area = counted_area_index(&making->areas, area_no);
    int32_t day = time_day_of_seconds(at / SECOND) - making->first_day;
    size_t hour = known_by(making, recorded);
    if (area >= 0 && day >= 0 && (size_t)day < making->days && hour <= making->hours)
        counts[cell(making, hour, (size_t)day, (size_t)area)]++;
}

/* ---- Reading the stores */

static bool read_cases(struct making *making, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &refresh_cases, SQL_ARGUMENTS(sql_int(0)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int64_t area_no = sql_get_int(query, 0);
        timestamp at = sql_get_int(query, 1), recorded = sql_get_int(query, 2);
        tally(making, making->by_sampling, area_no, at, recorded);
        tally(making, making->by_report, area_no, recorded, recorded);
    }
    return done;
}

static bool read_tests(struct making *making, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &refresh_evidence,
                               SQL_ARGUMENTS(sql_int(0), sql_int(INT64_MAX)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        if (sql_get_int(query, 2) == EVIDENCE_PCR)
            tally(making, making->tests, sql_get_int(query, 1), sql_get_int(query, 3),
                  sql_get_int(query, 4));
    return done;
}

static bool read_persons(struct making *making, struct sql *sql, struct error *err)
{
    for (size_t i = 0; i < making->areas.count; i++)
        if (!sql_one_int(sql, &refresh_persons, SQL_ARGUMENTS(sql_int(making->areas.numbers[i])), 0,
                         &making->persons[i], err))
            return false;
    return true;
}

static bool visit(void *context, const struct presence_event *events, size_t count,
                  struct error *err)
{
    (void)err;
    struct making *making = context;
    size_t venues = (size_t)making->venues.limit + 1;
    int64_t begin = making->first_hour * HOUR / SECOND;
    for (size_t i = 0; i < count; i++) {
        size_t hour = (size_t)(events[i].time - begin) / 3600;
        size_t venue = events[i].venue < making->venues.limit ? events[i].venue : venues - 1;
        int32_t area = venue < venues - 1 ? making->venues.area[venue] : 0;
        making->scans[hour * making->areas.count + (size_t)(area < 0 ? 0 : area)]++;
        making->open_hours[hour / DAY_HOURS * venues + venue] |= 1u << hour % DAY_HOURS;
    }
    return true;
}

static bool read_scans(struct making *making, struct error *err)
{
    struct presence_view *view;
    int64_t begin = making->first_hour * HOUR / SECOND;
    if (!presence_view_begin(making->platform->presence, &view, err))
        return false;
    bool done =
        presence_scan(view, begin, begin + (int64_t)making->hours * 3600, visit, making, err);
    presence_view_end(view);
    return done;
}

static uint32_t *counts(struct making *making, size_t count)
{
    return arena_alloc(&making->arena, count * sizeof(uint32_t));
}

static bool read_stores(struct making *making, struct error *err)
{
    struct sql *sql;
    size_t cells = (making->hours + 1) * making->days * making->areas.count;
    making->persons = arena_alloc(&making->arena, making->areas.count * sizeof *making->persons);
    making->tests = counts(making, cells);
    making->by_report = counts(making, cells);
    making->by_sampling = counts(making, cells);
    making->scans = counts(making, (making->hours + 1) * making->areas.count);
    if (!store_read_begin(making->platform->store, &sql, err))
        return false;
    bool done = venue_areas_read(sql, &making->areas, &making->arena, &making->venues, err) &&
                read_persons(making, sql, err) && read_cases(making, sql, err) &&
                read_tests(making, sql, err);
    store_read_end(making->platform->store, sql);
    if (!done)
        return false;
    making->open_hours = counts(making, making->days * ((size_t)making->venues.limit + 1));
    return read_scans(making, err);
}

/* ---- Hour by hour */

static void put(struct making *making, int64_t area_no, int32_t day, enum counter counter,
                int64_t value, timestamp true_for)
{
    if (making->count == making->capacity) {
        making->capacity = making->capacity ? making->capacity * 2 : 4096;
        making->rows = x_realloc(making->rows, making->capacity * sizeof *making->rows);
    }
    making->rows[making->count++] = (struct counter_row){area_no, day, counter, value, true_for};
}

/* A value an area that has one, and the mark. */
static void put_areas(struct making *making, int32_t day, enum counter counter,
                      const int64_t *values, timestamp true_for)
{
    for (size_t i = 0; i < making->areas.count; i++)
        if (values[i])
            put(making, making->areas.numbers[i], day, counter, values[i], true_for);
    put(making, 0, day, counter, 0, true_for);
}

/* What became known until `hour` adds up in the cells of it. */
static void add_up(struct making *making, uint32_t *counts, size_t hour)
{
    size_t row = making->days * making->areas.count;
    for (size_t i = 0; hour > 0 && i < row; i++)
        counts[hour * row + i] += counts[(hour - 1) * row + i];
}

static void put_days_known(struct making *making, size_t hour, enum counter counter,
                           const uint32_t *counts, timestamp true_for)
{
    for (size_t day = 0; day < making->days; day++)
        for (size_t area = 0; area < making->areas.count; area++)
            if (counts[cell(making, hour, day, area)])
                put(making, making->areas.numbers[area], making->first_day + (int32_t)day, counter,
                    counts[cell(making, hour, day, area)], true_for);
    put(making, 0, 0, counter, 0, true_for);
}

/* Scans of each day up to the hour; a day that is over is true for its end. */
static void put_scans(struct making *making, size_t hour, int64_t *values)
{
    for (size_t day = 0; day * DAY_HOURS <= hour && day < making->days; day++) {
        size_t last = (day + 1) * DAY_HOURS < hour ? (day + 1) * DAY_HOURS : hour;
        memset(values, 0, making->areas.count * sizeof *values);
        for (size_t h = day * DAY_HOURS; h < last; h++)
            for (size_t area = 0; area < making->areas.count; area++)
                values[area] += making->scans[h * making->areas.count + area];
        put_areas(making, making->first_day + (int32_t)day, COUNTER_SCANS, values,
                  (making->first_hour + (int64_t)last) * HOUR);
    }
}

/* The 24 hours before. */
static void put_last_day(struct making *making, size_t hour, int64_t *values, timestamp true_for)
{
    size_t day = hour / DAY_HOURS, rest = hour % DAY_HOURS;
    size_t venues = (size_t)making->venues.limit + 1;
    if (hour < DAY_HOURS)
        return; /* of the day before nothing is known */
    memset(values, 0, making->areas.count * sizeof *values);
    for (size_t h = hour - DAY_HOURS; h < hour; h++)
        for (size_t area = 0; area < making->areas.count; area++)
            values[area] += making->scans[h * making->areas.count + area];
    put_areas(making, 0, COUNTER_SCANS_24H, values, true_for);
    memset(values, 0, making->areas.count * sizeof *values);
    for (size_t venue = 0; venue < making->venues.limit; venue++) {
        uint32_t before = making->open_hours[(day - 1) * venues + venue] >> rest;
        uint32_t now =
            day < making->days ? making->open_hours[day * venues + venue] & ((1u << rest) - 1) : 0;
        int32_t area = making->venues.area[venue];
        if (before | now)
            values[area < 0 ? 0 : area]++;
    }
    put_areas(making, 0, COUNTER_VENUES_IN_USE, values, true_for);
}

static bool write_hour(struct making *making, struct sql *sql, size_t hour, int64_t *values,
                       struct error *err)
{
    int64_t full = making->first_hour + (int64_t)hour;
    timestamp true_for = full * HOUR;
    add_up(making, making->tests, hour);
    add_up(making, making->by_report, hour);
    add_up(making, making->by_sampling, hour);
    making->count = 0;
    put_areas(making, 0, COUNTER_PERSONS, making->persons, true_for);
    put_areas(making, 0, COUNTER_VENUES, making->venues.open, true_for);
    put_last_day(making, hour, values, true_for);
    put_scans(making, hour, values);
    put_days_known(making, hour, COUNTER_TESTS, making->tests, true_for);
    put_days_known(making, hour, COUNTER_CASES_BY_REPORT, making->by_report, true_for);
    put_days_known(making, hour, COUNTER_CASES_BY_SAMPLING, making->by_sampling, true_for);
    int32_t day = time_day_of_seconds(true_for / SECOND);
    return past_write(sql, full, making->first_day, day, making->rows, making->count, err);
}

static bool write_hours(struct sql *sql, void *context, struct error *err)
{
    struct making *making = context;
    char text[TIME_TEXT_BYTES];
    int64_t *values = arena_alloc(&making->arena, making->areas.count * sizeof *values);
    for (size_t hour = 0; hour <= making->hours; hour++)
        if (!write_hour(making, sql, hour, values, err))
            return false;
    return store_setting_set(sql, SETTING_FIRST_DAY,
                             slice_of(time_format_date(making->first_day, text)), err);
}

bool command_past_make(struct platform *platform, int32_t first_day, timestamp until,
                       struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    int64_t begin = time_day_start_seconds(first_day) * SECOND;
    REQUIRE(city && until >= begin && begin % HOUR == 0);
    struct making making = {.platform = platform,
                            .first_day = first_day,
                            .first_hour = begin / HOUR,
                            .hours = (size_t)((until - begin) / HOUR),
                            .days = (size_t)(time_day_of_seconds(until / SECOND) - first_day) + 1};
    arena_init(&making.arena, (size_t)1 << 30);
    counted_areas_gather(platform->registry, city->no, &making.arena, &making.areas);
    bool done =
        read_stores(&making, err) && store_write(platform->store, write_hours, &making, err);
    venue_areas_release(&making.venues);
    free(making.rows);
    arena_release(&making.arena);
    return done;
}
