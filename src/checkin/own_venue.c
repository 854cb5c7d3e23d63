/* The venue that a code belongs to: its name and what it checks, for who has the code before the
 * eyes; and for its staff what the day has brought so far, beside the days before it.
 *
 * Counts are of scans. Small ones are not told (policies/checkin.yaml: suppress_counts_below). The
 * day is silent where it has none and both the median of the days before and the same day of the
 * week before had venue_silent_usual_scans by now: a day off in the week is no silence. Days
 * without any just before today are part of the same silence, and not what is usual. */
#include <stdlib.h>

#include "checkin/checkin_internal.h"

static const struct sql_text venue_of_code = {
    "checkin_venue_of_code",
    "SELECT coalesce(name, ''), category, check_level, closed FROM venue WHERE venue_no = ?1"
    " AND area_no BETWEEN ?2 AND ?3",
    "primary key"};

const struct sql_list own_venue_statements = SQL_LIST(&venue_of_code);

enum { USUAL_DAYS = 7, DECISIONS = 3 };

struct own_venue {
    uint32_t venue;
    struct slice name, category;
    int64_t level;
    bool closed;
};

static bool not_here(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "code"},
                     "the code of a venue in your area", "no such venue");
}

/* A good code of the present version; its venue lies in the reader's area where there is one. */
static bool take_code(const struct request *request, uint32_t *ret_venue, struct error *err)
{
    const struct platform *platform = request->platform;
    const struct keys *keys = store_keys(platform->store);
    struct slice code = request->parameters[0];
    uint16_t version, current;
    uint32_t issued;
    bool is_short = false;
    if (venue_token_is_rotating(code)
            ? !venue_rotating_parse(keys, code, ret_venue, &version, &issued, err)
            : !venue_token_parse(keys, code, ret_venue, &version, &is_short, err))
        return false;
    current = checkin_venue_version(platform->checkin, *ret_venue);
    if (!current)
        return not_here(err);
    return version == (is_short ? current & 15 : current) ||
           error_set(err, ERROR_GONE, (struct error_place){.field = "code"},
                     "the venue's current code", "this venue code was revoked");
}

static bool read_venue(const struct request *request, struct own_venue *ret_venue,
                       struct error *err)
{
    bool holder = request->actor.kind == ACTOR_HOLDER, row, done;
    struct sql_query *query;
    struct sql *sql;
    *ret_venue = (struct own_venue){.level = 0};
    if (!take_code(request, &ret_venue->venue, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    done = sql_begin(sql, &venue_of_code,
                     SQL_ARGUMENTS(sql_int(ret_venue->venue),
                                   sql_int(holder ? 0 : request->actor.area_first),
                                   sql_int(holder ? INT64_MAX : request->actor.area_last)),
                     &query, err) &&
           sql_next(query, &row, err);
    if (done && row) {
        struct slice name = sql_get_text(query, 0), category = sql_get_text(query, 1);
        ret_venue->name = slice_of(arena_copy(request->arena, name.data, name.length));
        ret_venue->category = slice_of(arena_copy(request->arena, category.data, category.length));
        ret_venue->level = sql_get_int(query, 2);
        ret_venue->closed = sql_get_int(query, 3) != 0;
        sql_end(query);
    }
    store_read_end(request->platform->store, sql);
    return done && (row || not_here(err));
}

static void put_venue(struct json_writer *writer, const struct checkin *checkin,
                      const struct own_venue *venue)
{
    int64_t seconds = checkin->level_seconds[venue->level & 3];
    json_field_int64(writer, "venue_no", venue->venue);
    json_field_text(writer, "name", venue->name);
    json_field_text(writer, "category", venue->category);
    if (seconds)
        json_field_int64(writer, "negative_within_hours", seconds / 3600);
    else
        json_field_null(writer, "negative_within_hours");
    json_field_bool(writer, "closed", venue->closed);
}

bool checkin_handle_venue_of_code(const struct request *request, struct response *response,
                                  struct error *err)
{
    struct own_venue venue;
    struct json_writer writer;
    if (!read_venue(request, &venue, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_venue(&writer, request->platform->checkin, &venue);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

/* ---- The day so far */

struct day_so_far {
    int64_t scans, by_decision[4];
    uint32_t last;
};

static bool count_events(void *context, const struct presence_event *events, size_t count,
                         struct error *err)
{
    (void)err;
    struct day_so_far *day = context;
    for (size_t i = 0; i < count; i++) {
        day->scans++;
        day->by_decision[scan_flags_decision(events[i].flags) & 3]++;
        day->last = events[i].time > day->last ? events[i].time : day->last;
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Each day up to the same second; −1 where the day store does not reach back so far. */
struct usual {
    int64_t median, week_before;
};

static bool count_so_far(struct presence_view *view, uint32_t venue, int32_t day, int64_t seconds,
                         int64_t *ret_count, struct error *err)
{
    struct day_so_far found = {.scans = 0};
    int64_t start = time_day_start_seconds(day);
    bool done = presence_by_venue(view, (struct venue_no){venue}, start, start + seconds,
                                  count_events, &found, err);
    *ret_count = found.scans;
    return done;
}

static bool usual_so_far(struct presence_view *view, uint32_t venue, int32_t today,
                         int64_t seconds, struct usual *ret_usual, struct error *err)
{
    int64_t counts[2 * USUAL_DAYS]; /* yesterday's first */
    int32_t first, last;
    int known = 0, without = 0;
    *ret_usual = (struct usual){-1, -1};
    if (!presence_day_range(view, &first, &last) || first > today - USUAL_DAYS)
        return true;
    for (; known < 2 * USUAL_DAYS && first <= today - 1 - known; known++)
        if (!count_so_far(view, venue, today - 1 - known, seconds, &counts[known], err))
            return false;
    while (without < known - USUAL_DAYS && !counts[without])
        without++;
    int week_before = without < USUAL_DAYS ? USUAL_DAYS - 1 : 2 * USUAL_DAYS - 1;
    ret_usual->week_before = counts[week_before];
    qsort(counts + without, USUAL_DAYS, sizeof *counts, by_size);
    ret_usual->median = counts[without + USUAL_DAYS / 2];
    return true;
}

static bool is_small(int64_t count, int64_t least)
{
    return count > 0 && count < least;
}

static void put_count(struct json_writer *writer, const char *key, int64_t count, bool told)
{
    if (told)
        json_field_int64(writer, key, count);
    else
        json_field_null(writer, key);
}

/* The parts are told where none of them is small: the others would give it away. */
static void put_day(struct json_writer *writer, const struct day_so_far *day,
                    const struct usual *usual, const struct policy *policy)
{
    int64_t least = policy_number(policy, NUMBER_SUPPRESS_BELOW);
    int64_t silent_from = policy_number(policy, NUMBER_VENUE_SILENT_SCANS);
    bool whole = !is_small(day->scans, least), parts = whole;
    for (int i = 0; i < DECISIONS; i++)
        parts &= !is_small(day->by_decision[i], least);
    put_count(writer, "scans", day->scans, whole);
    for (int i = 0; i < DECISIONS; i++)
        put_count(writer, scan_decision_name((enum scan_decision)i), day->by_decision[i], parts);
    put_count(writer, "usual_scans", usual->median,
              usual->median >= 0 && !is_small(usual->median, least));
    if (usual->median < 0)
        json_field_null(writer, "silent");
    else
        json_field_bool(writer, "silent",
                        !day->scans && usual->median >= silent_from &&
                            usual->week_before >= silent_from);
    json_field_time(writer, "last_scan_at",
                    day->last && whole ? day->last * SECOND : TIMESTAMP_NONE);
    json_field_int64(writer, "told_from", least);
}

bool checkin_handle_venue_today(const struct request *request, struct response *response,
                                struct error *err)
{
    struct platform *platform = request->platform;
    struct own_venue venue;
    struct presence_view *view;
    struct day_so_far day = {.scans = 0};
    struct usual usual;
    int64_t now = world_now(platform->world) / SECOND;
    int32_t today = time_day_of_seconds(now);
    int64_t start = time_day_start_seconds(today);
    if (!read_venue(request, &venue, err) ||
        !presence_view_begin(platform->presence, &view, err))
        return false;
    bool done = presence_by_venue(view, (struct venue_no){venue.venue}, start, now + 1,
                                  count_events, &day, err) &&
                usual_so_far(view, venue.venue, today, now + 1 - start, &usual, err);
    presence_view_end(view);
    if (!done)
        return false;
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_venue(&writer, platform->checkin, &venue);
    json_field_time(&writer, "as_of", now * SECOND);
    put_day(&writer, &day, &usual, platform->policy);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}
