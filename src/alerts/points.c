/* Points of series: one a channel, place and day, the latest report wins; and the feeds, which say
 * how far each series has come. What a report says is checked here, whoever brings it. */
#include "alerts/alerts_internal.h"

enum { TOTAL_MAX = 1000000000 };

static const struct sql_text point_select = {
    "series_point_select",
    "SELECT count, coalesce(total, -1), flow, detection_limit, reported_at FROM series_point"
    " WHERE channel = ?1 AND area_no = ?2 AND day = ?3",
    "primary key"};
static const struct sql_text point_put = {
    "series_point_put",
    "INSERT INTO series_point (channel, area_no, day, count, total, flow, detection_limit,"
    " reported_at, source, import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    " ON CONFLICT (channel, area_no, day) DO UPDATE SET count = excluded.count,"
    " total = excluded.total, flow = excluded.flow, detection_limit = excluded.detection_limit,"
    " reported_at = excluded.reported_at, source = excluded.source,"
    " import_no = excluded.import_no",
    "primary key"};
static const struct sql_text feed_put = {
    "series_feed_put",
    "INSERT INTO series_feed (channel, area_no, first_day, last_day) VALUES (?1, ?2, ?3, ?3)"
    " ON CONFLICT (channel, area_no) DO UPDATE SET"
    " first_day = CASE WHEN excluded.first_day < series_feed.first_day THEN excluded.first_day"
    " ELSE series_feed.first_day END, last_day = CASE WHEN excluded.last_day >"
    " series_feed.last_day THEN excluded.last_day ELSE series_feed.last_day END",
    "primary key"};
static const struct sql_text feed_select = {
    "series_feed_select",
    "SELECT area_no, first_day, last_day FROM series_feed WHERE channel = ?1 ORDER BY area_no",
    "primary key"};
static const struct sql_text point_range = {
    "series_point_range",
    "SELECT day, count, coalesce(total, -1), flow, detection_limit FROM series_point"
    " WHERE channel = ?1 AND area_no = ?2 AND day BETWEEN ?3 AND ?4 AND reported_at <= ?5"
    " ORDER BY day",
    "primary key"};
static const struct sql_text feed_tally = {
    "series_feed_tally",
    "SELECT count(*), sum(CASE WHEN last_day < ?4 AND last_day >= ?5 THEN 1 ELSE 0 END),"
    " sum(CASE WHEN last_day < ?5 THEN 1 ELSE 0 END) FROM series_feed"
    " WHERE channel = ?1 AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text point_undo = {
    "series_point_undo", "DELETE FROM series_point WHERE import_no = ?1 AND import_no > 0",
    "series_point_by_import"};
static const struct sql_text feed_drop = {
    "series_feed_drop",
    "DELETE FROM series_feed WHERE NOT EXISTS (SELECT 1 FROM series_point p WHERE"
    " p.channel = series_feed.channel AND p.area_no = series_feed.area_no)",
    "whole table"};
static const struct sql_text feed_again = {
    "series_feed_again",
    "UPDATE series_feed SET first_day = (SELECT min(day) FROM series_point p WHERE"
    " p.channel = series_feed.channel AND p.area_no = series_feed.area_no),"
    " last_day = (SELECT max(day) FROM series_point p WHERE"
    " p.channel = series_feed.channel AND p.area_no = series_feed.area_no)",
    "whole table"};

const struct sql_list point_statements =
    SQL_LIST(&point_select, &point_put, &feed_put, &feed_select, &point_range, &feed_tally,
             &point_undo, &feed_drop, &feed_again);

/* ---- Reading a report */

static bool bad(const char *field, const char *expected, struct slice given, struct error *err)
{
    if (!given.data)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected,
                         "missing");
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected,
                     "'%.*s' is none", given.length > 60 ? 60 : (int)given.length, given.data);
}

/* NAN where absent. */
static bool read_amount(struct slice text, const char *field, double *ret_value, struct error *err)
{
    *ret_value = NAN;
    return !text.data ||
           (slice_to_double(text, ret_value) && *ret_value > 0 && *ret_value < 1e12) ||
           bad(field, "a number above 0", text, err);
}

static bool read_day(struct slice text, timestamp now, int32_t *ret_day, struct error *err)
{
    int32_t today = time_day_of_seconds(now / SECOND);
    if (!text.data || !time_parse_date(text, ret_day))
        return bad("date", "a date YYYY-MM-DD", text, err);
    return (*ret_day <= today && *ret_day > today - 20 * 366) ||
           bad("date", "a day of the last twenty years, not after today", text, err);
}

bool series_report_read(struct platform *platform, const struct series_texts *texts, timestamp now,
                        struct series_report *report, struct error *err)
{
    const struct area *area = NULL;
    struct series_point *point = &report->point;
    *report = (struct series_report){.reported_at = now, .point = {.total = -1}};
    report->channel = channel_find(platform->alerts, texts->channel);
    if (!report->channel)
        return bad("channel", "a name of `alerts channels`", texts->channel, err);
    if (texts->area.data)
        area = registry_area_by_code(platform->registry, texts->area);
    if (!area)
        return bad("area", "the code of an area", texts->area, err);
    report->area_no = area->no;
    if (!read_day(texts->date, now, &point->day, err))
        return false;
    if (!texts->count.data ||
        !slice_to_int64(texts->count, 0, INT64_C(1000000000000), &point->count))
        return bad("count", "a whole number from 0", texts->count, err);
    if (texts->total.data && !slice_to_int64(texts->total, 1, TOTAL_MAX, &point->total))
        return bad("total", "a whole number from 1", texts->total, err);
    if (report->channel->measure == MEASURE_SHARE && point->total < 0)
        return bad("total", "a total: the channel's measure is a share", texts->total, err);
    if (report->channel->measure == MEASURE_SHARE && point->total < point->count)
        return bad("total", "not less than count", texts->total, err);
    if (texts->reported_at.data &&
        (!time_parse(texts->reported_at, &report->reported_at) || report->reported_at > now))
        return bad("reported_at", "an RFC 3339 time that has come", texts->reported_at, err);
    return read_amount(texts->flow, "flow", &point->flow, err) &&
           read_amount(texts->limit, "limit", &point->limit, err);
}

/* ---- Keeping */

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static double real_or_none(struct sql_query *query, int column)
{
    return sql_is_null(query, column) ? NAN : sql_get_real(query, column);
}

static struct sql_value real_value(double value)
{
    return isnan(value) ? sql_null() : sql_real(value);
}

static bool look_up(struct sql *sql, const struct series_report *report, enum series_put *ret_put,
                    struct error *err)
{
    const struct series_point *point = &report->point;
    struct sql_query *query;
    bool row;
    *ret_put = SERIES_INSERTED;
    if (!sql_begin(sql, &point_select,
                   SQL_ARGUMENTS(sql_text(slice_of(report->channel->name)),
                                 sql_int(report->area_no), sql_int(point->day)),
                   &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    bool equal = sql_get_int(query, 0) == point->count && sql_get_int(query, 1) == point->total &&
                 same(real_or_none(query, 2), point->flow) &&
                 same(real_or_none(query, 3), point->limit);
    *ret_put = equal                                          ? SERIES_SAME
               : sql_get_time(query, 4) > report->reported_at ? SERIES_OLDER
                                                              : SERIES_REPLACED;
    sql_end(query);
    return true;
}

bool series_put(struct sql *sql, const struct series_report *report, enum series_put *ret_put,
                struct error *err)
{
    const struct series_point *point = &report->point;
    struct sql_value channel = sql_text(slice_of(report->channel->name));
    if (!look_up(sql, report, ret_put, err))
        return false;
    if (*ret_put == SERIES_SAME || *ret_put == SERIES_OLDER)
        return true;
    return sql_run(sql, &point_put,
                   SQL_ARGUMENTS(channel, sql_int(report->area_no), sql_int(point->day),
                                 sql_int(point->count),
                                 point->total < 0 ? sql_null() : sql_int(point->total),
                                 real_value(point->flow), real_value(point->limit),
                                 sql_int(report->reported_at), sql_text(report->source),
                                 sql_int(report->import_no)),
                   err) &&
           sql_run(sql, &feed_put,
                   SQL_ARGUMENTS(channel, sql_int(report->area_no), sql_int(point->day)), err);
}

bool series_undo(struct sql *sql, int64_t import_no, int64_t *ret_removed, struct error *err)
{
    return sql_run_count(sql, &point_undo, SQL_ARGUMENTS(sql_int(import_no)), ret_removed, err) &&
           sql_run(sql, &feed_drop, NULL, 0, err) && sql_run(sql, &feed_again, NULL, 0, err);
}

/* ---- Reading */

bool series_feeds(struct sql *sql, const struct channel *channel, struct arena *arena,
                  struct series_feed **ret_feeds, size_t *ret_count, struct error *err)
{
    struct series_feed *feeds = NULL;
    size_t count = 0, capacity = 0;
    struct sql_query *query;
    bool row, done = sql_begin(sql, &feed_select, SQL_ARGUMENTS(sql_text(slice_of(channel->name))),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct series_feed *more = arena_alloc(arena, capacity * sizeof *more);
            if (count)
                memcpy(more, feeds, count * sizeof *more);
            feeds = more;
        }
        feeds[count++] = (struct series_feed){sql_get_int(query, 0), (int32_t)sql_get_int(query, 1),
                                              (int32_t)sql_get_int(query, 2)};
    }
    *ret_feeds = feeds;
    *ret_count = count;
    return done;
}

bool series_points(struct sql *sql, const struct channel *channel, int64_t area_no, int32_t first,
                   int32_t last, timestamp known_at, struct arena *arena,
                   struct series_point **ret_points, size_t *ret_count, struct error *err)
{
    size_t count = 0, most = (size_t)(last - first) + 1;
    struct series_point *points = arena_alloc(arena, most * sizeof *points);
    struct sql_query *query;
    bool row, done = sql_begin(sql, &point_range,
                               SQL_ARGUMENTS(sql_text(slice_of(channel->name)), sql_int(area_no),
                                             sql_int(first), sql_int(last), sql_int(known_at)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        REQUIRE(count < most);
        points[count++] = (struct series_point){(int32_t)sql_get_int(query, 0),
                                                sql_get_int(query, 1), sql_get_int(query, 2),
                                                real_or_none(query, 3), real_or_none(query, 4)};
    }
    *ret_points = points;
    *ret_count = count;
    return done;
}

bool series_tally(struct sql *sql, const struct channel *channel, int64_t area_first,
                  int64_t area_last, int32_t due, int32_t silent, struct feed_tally *ret_tally,
                  struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &feed_tally,
                               SQL_ARGUMENTS(sql_text(slice_of(channel->name)), sql_int(area_first),
                                             sql_int(area_last), sql_int(due), sql_int(silent)),
                               &query, err);
    *ret_tally = (struct feed_tally){0, 0, 0};
    while (done && (done = sql_next(query, &row, err)) && row)
        *ret_tally = (struct feed_tally){sql_get_int(query, 0), sql_get_int(query, 1),
                                         sql_get_int(query, 2)};
    return done;
}
