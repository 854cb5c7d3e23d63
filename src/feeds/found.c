/* The night's clusters are kept: a row a venue that remains, a row the night that it looked, a
 * point of the channel for every area with venues. GET /venues/clusters shows them. */
#include <math.h>

#include "access/access.h"
#include "alerts/alerts.h"
#include "command/command.h"
#include "feeds/feeds_internal.h"
#include "policy/permissions.h"

static const char channel[] = "venue_clusters";

static const struct sql_text run_put = {
    "venue_cluster_run_put",
    "INSERT INTO venue_cluster_run (day, first_day, days, positives, venues, tested, named,"
    " ran_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "primary key"};
static const struct sql_text cluster_put = {
    "venue_cluster_put",
    "INSERT INTO venue_cluster (day, place, venue_no, area_no, visitors, later_positive, expected,"
    " p, q, with_venue) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "primary key"};
static const struct sql_text run_forget = {
    "venue_cluster_run_forget", "DELETE FROM venue_cluster_run WHERE day <= ?1", "primary key"};
static const struct sql_text cluster_forget = {
    "venue_cluster_forget", "DELETE FROM venue_cluster WHERE day <= ?1", "primary key"};
static const struct sql_text run_select = {
    "venue_cluster_run_select",
    "SELECT day, first_day, days, positives, venues, tested, ran_at FROM venue_cluster_run"
    " WHERE day <= ?1 ORDER BY day DESC LIMIT 1",
    "primary key"};
static const struct sql_text cluster_select = {
    "venue_cluster_select",
    "SELECT c.place, c.venue_no, v.name, v.category, c.area_no, c.visitors, c.later_positive,"
    " c.expected, c.p, c.q, c.with_venue FROM venue_cluster c"
    " LEFT JOIN venue v ON v.venue_no = c.venue_no WHERE c.day = ?1 AND c.place > ?2"
    " AND c.area_no BETWEEN ?3 AND ?4 ORDER BY c.place LIMIT ?5",
    "primary key"};

const struct sql_list found_statements =
    SQL_LIST(&run_put, &cluster_put, &run_forget, &cluster_forget, &run_select, &cluster_select);

/* ---- Keeping */

struct keeping {
    struct feed_run *run;
    const struct traffic *traffic;
    const struct clusters *clusters;
    struct alerts_count *counts; /* a point an area that has venues */
    size_t count;
    int64_t written;
};

static bool keep_clusters(struct keeping *keeping, struct sql *sql, struct error *err)
{
    const struct clusters *clusters = keeping->clusters;
    for (size_t i = 0; i < clusters->named; i++) {
        const struct cluster *c = &clusters->items[i];
        if (!sql_run(sql, &cluster_put,
                     SQL_ARGUMENTS(sql_int(keeping->traffic->window.last), sql_int((int64_t)i + 1),
                                   sql_int(c->venue), sql_int(keeping->run->places.areas[c->area]),
                                   sql_int((int64_t)c->visitors),
                                   sql_int((int64_t)c->later_positive), sql_real(c->expected),
                                   sql_real(c->p), sql_real(c->q), sql_int(c->with)),
                     err))
            return false;
    }
    return true;
}

static bool keep(struct sql *sql, void *context, struct error *err)
{
    struct keeping *keeping = context;
    struct feeds *feeds = keeping->run->feeds;
    const struct cluster_window *window = &keeping->traffic->window;
    struct sql_value old = sql_int(window->last - feeds->settings.number[NUMBER_CLUSTER_KEEP]);
    return sql_run(sql, &run_forget, SQL_ARGUMENTS(old), err) &&
           sql_run(sql, &cluster_forget, SQL_ARGUMENTS(old), err) &&
           sql_run(sql, &run_put,
                   SQL_ARGUMENTS(sql_int(window->last), sql_int(window->first),
                                 sql_int(keeping->traffic->days),
                                 sql_int(keeping->clusters->positives),
                                 sql_int(keeping->clusters->venues),
                                 sql_int((int64_t)keeping->clusters->count),
                                 sql_int((int64_t)keeping->clusters->named), sql_int(sql_now(sql))),
                   err) &&
           keep_clusters(keeping, sql, err) &&
           alerts_feed(feeds->platform->alerts, sql, slice_of(feed_source), keeping->counts,
                       keeping->count, &keeping->written, err) &&
           feed_state_set(sql, channel, window->last, err);
}

/* Named venues by area; 0 where an area's venues were looked at and none stood out. */
static void count_areas(struct keeping *keeping, struct arena *arena)
{
    const struct places *places = &keeping->run->places;
    const struct feed_settings *settings = &keeping->run->feeds->settings;
    int64_t *named = arena_alloc(arena, (places->area_count + 1) * sizeof *named);
    bool *known = arena_alloc(arena, places->area_count + 1);
    keeping->counts = arena_alloc(arena, (places->area_count + 1) * sizeof *keeping->counts);
    for (uint32_t venue = 1; venue < places->venue_limit; venue++) {
        const struct venue_place *place = places_venue(places, venue);
        if (place && !settings->left_out[place->category])
            known[place->area] = true;
    }
    for (size_t i = 0; i < keeping->clusters->named; i++)
        named[keeping->clusters->items[i].area]++;
    for (size_t i = 0; i < places->area_count; i++)
        if (known[i])
            keeping->counts[keeping->count++] = (struct alerts_count){
                channel, places->areas[i], keeping->traffic->window.last, named[i], -1,
                TIMESTAMP_NONE};
}

bool clusters_keep(struct feed_run *run, int32_t day, int64_t *ret_written, struct error *err)
{
    struct feeds *feeds = run->feeds;
    struct arena arena;
    struct traffic traffic;
    struct clusters clusters;
    int32_t last;
    *ret_written = 0;
    if (!feed_state_read(run->sql, channel, &last, err))
        return false;
    if (last >= day)
        return true;
    arena_init(&arena, FEEDS_ARENA_BYTES_MAX);
    bool done = clusters_of_day(feeds, &run->places, run->sql, run->view, day,
                                feeds->settings.number[NUMBER_CLUSTER_DAYS], &arena, &traffic,
                                &clusters, err);
    if (done && traffic.days) { /* without any check-in nothing was looked at */
        struct keeping keeping = {.run = run, .traffic = &traffic, .clusters = &clusters};
        count_areas(&keeping, &arena);
        done = store_write(feeds->platform->store, keep, &keeping, err);
        *ret_written = keeping.written;
    }
    traffic_release(&traffic);
    arena_release(&arena);
    return done;
}

/* ---- GET /venues/clusters */

static void put_day(struct json_writer *writer, const char *key, int64_t day)
{
    char text[TIME_TEXT_BYTES];
    json_field_text(writer, key, slice_of(time_format_date((int32_t)day, text)));
}

static void put_count(struct json_writer *writer, const char *key, int64_t count, int64_t below)
{
    if (count > 0 && count < below)
        json_field_null(writer, key);
    else
        json_field_int64(writer, key, count);
}

/* What would tell a small count is not shown either. */
static void put_cluster(const struct request *request, struct sql_query *query, int64_t below,
                        struct json_writer *writer)
{
    const struct area *area = registry_area(request->platform->registry, sql_get_int(query, 4));
    int64_t positive = sql_get_int(query, 6), with = sql_get_int(query, 10);
    bool small = positive < below;
    struct slice name = sql_get_text(query, 2), category = sql_get_text(query, 3);
    json_object_begin(writer);
    json_field_int64(writer, "venue_no", sql_get_int(query, 1));
    json_field_text(writer, "name", name.data ? name : SLICE(""));
    json_field_text(writer, "category", category.data ? category : SLICE(""));
    json_field_text(writer, "area", area ? area->code : SLICE(""));
    put_count(writer, "visitors", sql_get_int(query, 5), below);
    put_count(writer, "later_positive", positive, below);
    json_field_double(writer, "expected", small ? NAN : sql_get_real(query, 7));
    json_field_double(writer, "p_value", small ? NAN : sql_get_real(query, 8));
    json_field_double(writer, "q_value", small ? NAN : sql_get_real(query, 9));
    if (with)
        json_field_int64(writer, "with_venue", with);
    else
        json_field_null(writer, "with_venue");
    json_object_end(writer);
}

struct page {
    const struct request *request;
    struct json_writer *writer;
    int64_t area_first, area_last, after, limit, below;
    int32_t day;
};

static bool put_items(const struct page *page, struct sql *sql, int64_t day, struct error *err)
{
    struct sql_query *query;
    int64_t count = 0, last = 0;
    bool row, done = sql_begin(sql, &cluster_select,
                               SQL_ARGUMENTS(sql_int(day), sql_int(page->after),
                                             sql_int(page->area_first), sql_int(page->area_last),
                                             sql_int(page->limit)),
                               &query, err);
    json_key(page->writer, "items");
    json_array_begin(page->writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        last = sql_get_int(query, 0);
        count++;
        put_cluster(page->request, query, page->below, page->writer);
    }
    json_array_end(page->writer);
    json_field_cursor(page->writer, count == page->limit ? last : 0);
    return done;
}

/* The count of the whole city's positives is for who has the whole city. */
static bool has_city(const struct request *request)
{
    const struct area *city = registry_city(request->platform->registry);
    return city && request->actor.area_first <= city->no &&
           request->actor.area_last >= area_range_last(city->no);
}

/* The night that looked, the latest at or before the day asked for. */
static bool put_night(const struct page *page, struct sql *sql, int64_t *ret_day, struct error *err)
{
    struct json_writer *writer = page->writer;
    struct sql_query *query;
    bool row;
    *ret_day = INT64_MIN;
    if (!sql_begin(sql, &run_select, SQL_ARGUMENTS(sql_int(page->day)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row) {
        json_field_null(writer, "night");
        return true;
    }
    *ret_day = sql_get_int(query, 0);
    json_key(writer, "night");
    json_object_begin(writer);
    put_day(writer, "day", *ret_day);
    put_day(writer, "first_day", sql_get_int(query, 1));
    json_field_int64(writer, "days_with_scans", sql_get_int(query, 2));
    if (has_city(page->request))
        put_count(writer, "positives", sql_get_int(query, 3), page->below);
    else
        json_field_null(writer, "positives");
    json_field_int64(writer, "venues", sql_get_int(query, 4));
    json_field_int64(writer, "tested", sql_get_int(query, 5));
    json_field_time(writer, "ran_at", sql_get_time(query, 6));
    json_object_end(writer);
    sql_end(query);
    return true;
}

static bool put_page(const struct page *page, struct sql *sql, struct error *err)
{
    int64_t day;
    json_object_begin(page->writer);
    if (!put_night(page, sql, &day, err) || !put_items(page, sql, day, err))
        return false;
    json_object_end(page->writer);
    return true;
}

bool clusters_handle(const struct request *request, struct response *response, struct error *err)
{
    struct json_writer writer;
    struct page page = {.request = request, .writer = &writer, .day = INT32_MAX};
    struct slice day = request_query(request, "day");
    struct sql *sql;
    if (day.data && !time_parse_date(day, &page.day))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "day"},
                         "a date YYYY-MM-DD", "not a date");
    if (!access_area_asked(request, &page.area_first, &page.area_last, err) ||
        !request_limit(request, &page.limit, err) || !request_cursor(request, &page.after, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    if (command_hides_small(&request->actor))
        page.below = policy_number(request->platform->policy, NUMBER_SUPPRESS_BELOW);
    json_writer_init(&writer, &response->body);
    bool done = put_page(&page, sql, err);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

#define S_TEXT "{\"type\":\"string\"}"
#define S_INT "{\"type\":\"integer\"}"
#define S_INT_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define S_NUMBER_OR_NULL "{\"type\":[\"number\",\"null\"]}"
static const char clusters_schema[] =
    "{\"type\":\"object\",\"required\":[\"night\",\"items\",\"next\"],\"properties\":{"
    "\"night\":{\"type\":[\"object\",\"null\"],\"required\":[\"day\",\"first_day\","
    "\"days_with_scans\",\"positives\",\"venues\",\"tested\",\"ran_at\"],\"properties\":{"
    "\"day\":" S_TEXT ",\"first_day\":" S_TEXT ",\"days_with_scans\":" S_INT
    ",\"positives\":" S_INT_OR_NULL ",\"venues\":" S_INT ",\"tested\":" S_INT
    ",\"ran_at\":{\"type\":\"string\",\"format\":\"date-time\"}}},"
    "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"venue_no\","
    "\"name\",\"category\",\"area\",\"visitors\",\"later_positive\",\"expected\",\"p_value\","
    "\"q_value\",\"with_venue\"],\"properties\":{\"venue_no\":" S_INT ",\"name\":" S_TEXT
    ",\"category\":" S_TEXT ",\"area\":" S_TEXT ",\"visitors\":" S_INT_OR_NULL
    ",\"later_positive\":" S_INT_OR_NULL ",\"expected\":" S_NUMBER_OR_NULL
    ",\"p_value\":" S_NUMBER_OR_NULL ",\"q_value\":" S_NUMBER_OR_NULL
    ",\"with_venue\":" S_INT_OR_NULL "}}},\"next\":{\"type\":[\"string\",\"null\"]}}}";

const struct route feed_routes[FEED_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/venues/clusters",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_READ),
     .touches = TOUCH_AGGREGATES,
     .summary = "Venues with more later-positive visitors than their traffic explains",
     .query = "day:string:YYYY-MM-DD, the latest night up to it, default the latest;"
              "area:string:area code within the reader's own, default the reader's own;"
              "limit:integer:1 to 1000, default 100;after:string:`next` of the page before",
     .response_schema = clusters_schema,
     .handle = clusters_handle},
};
