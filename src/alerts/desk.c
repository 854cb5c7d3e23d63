/* GET /alerts: the desk. Open alerts are gathered into causes and put in the order of what acting
 * is worth; as many as the reader's role can judge in a day stand first, the others are there and
 * say that they wait. Judged and ended ones are a plain list. `as_of` gives the desk as it was
 * known then, from the times in the tables themselves.
 *
 * Nothing unusual is said too: how many series of the reader's area were looked at, how many are
 * late, how many are missing, and when the last night was. */
#include "access/access.h"
#include "alerts/alerts_internal.h"

enum {
    ALERTS_MAX = 5000, /* that are ranked; more are counted */
    TRAIL_ROWS = 28,
    LIMIT_WITH_TRAIL = 200
};
#define LEVEL_SHIFT 48 /* a cursor of a plain list: level and number in one */

struct desk {
    const struct showing *showing;
    struct sql *sql;
    timestamp as_of, now; /* as_of TIMESTAMP_NONE: now */
    int64_t area_first, area_last, limit, after;
    bool trail;
    struct alert *list;
    size_t count;
    bool beyond;
    struct worth *worths;
    bool *throttled;
    struct records records;
    struct cause *causes;
    size_t cause_count;
    int64_t budget, judged_today;
};

/* ---- Gathering */

static bool read_open(struct desk *desk, struct error *err)
{
    struct alert_query query = {.state = ALERT_OPEN,
                                .as_of = desk->as_of,
                                .area_first = desk->area_first,
                                .area_last = desk->area_last,
                                .limit = ALERTS_MAX,
                                .after_level = INT64_MAX,
                                .after_no = INT64_MAX};
    if (!alerts_read(desk->sql, &query, desk->showing->request->arena, &desk->list, &desk->count,
                     err))
        return false;
    desk->beyond = desk->count > ALERTS_MAX;
    desk->count = desk->beyond ? ALERTS_MAX : desk->count;
    return true;
}

static void weigh(struct desk *desk)
{
    const struct alerts *alerts = desk->showing->alerts;
    const struct request *request = desk->showing->request;
    int32_t today = time_day_of_seconds(desk->now / SECOND);
    desk->worths = arena_alloc(request->arena, (desk->count + 1) * sizeof *desk->worths);
    desk->throttled = arena_alloc(request->arena, (desk->count + 1) * sizeof *desk->throttled);
    for (size_t i = 0; i < desk->count; i++) {
        const struct alert *alert = &desk->list[i];
        const struct area *area = registry_area(request->platform->registry, alert->area_no);
        const struct record *record = record_find(&desk->records, alert);
        desk->worths[i] =
            alert_worth(&alerts->settings, channel_find(alerts, slice_of(alert->channel)), alert,
                        record, area ? area->population : 0, today);
        desk->throttled[i] = record_throttled(&alerts->settings, record);
    }
}

static bool gather(struct desk *desk, struct error *err)
{
    const struct alerts *alerts = desk->showing->alerts;
    const struct request *request = desk->showing->request;
    int64_t day_start = time_day_start_seconds(time_day_of_seconds(desk->now / SECOND)) * SECOND;
    desk->budget = alert_budget(&alerts->settings, request->actor.role);
    if (!read_open(desk, err) ||
        !records_read(desk->sql, desk->now, request->arena, &desk->records, err) ||
        !dispositions_count(desk->sql, day_start, desk->now, desk->area_first, desk->area_last,
                            &desk->judged_today, err))
        return false;
    weigh(desk);
    int64_t left = desk->budget - desk->judged_today;
    desk->cause_count =
        causes_gather(alerts, desk->list, desk->worths, desk->throttled, desk->count, desk->now,
                      left > 0 ? left : 0, request->arena, &desk->causes);
    return true;
}

/* ---- A cause */

static void put_member(const struct desk *desk, size_t index)
{
    json_object_begin(desk->showing->writer);
    show_alert(desk->showing, &desk->list[index]);
    json_object_end(desk->showing->writer);
}

static void put_cause(const struct desk *desk, const struct cause *cause)
{
    static const char *const places[] = {"now", "waits", "throttled", "watched"};
    struct json_writer *writer = desk->showing->writer;
    const struct worth *worth = &cause->worth;
    json_key(writer, "cause");
    json_object_begin(writer);
    json_field_text(writer, "place", slice_of(places[cause->place]));
    json_field_bool(writer, "throttled", cause->throttled);
    json_field_double(writer, "value", worth->value);
    json_field_double(writer, "probability", worth->probability);
    json_field_double(writer, "people", worth->people);
    json_field_double(writer, "days", worth->days);
    json_key(writer, "members");
    json_array_begin(writer);
    for (size_t i = 0; i < cause->member_count; i++)
        put_member(desk, cause->members[i]);
    json_array_end(writer);
    json_object_end(writer);
}

/* What the lead's series was in its last 28 rows: the band is the alert's own. */
static bool put_trail(const struct desk *desk, const struct alert *alert, struct arena *scratch,
                      struct error *err)
{
    const struct showing *showing = desk->showing;
    const struct channel *channel = channel_find(showing->alerts, slice_of(alert->channel));
    struct series_point *points;
    size_t count;
    double values[TRAIL_ROWS];
    json_key(showing->writer, "trail");
    if (!desk->trail || !channel || alert->kind != ALERT_SIGNAL) {
        json_put_null(showing->writer);
        return true;
    }
    int32_t last = alert->last_day, rows = (int32_t)channel->history_rows;
    rows = rows > TRAIL_ROWS ? rows : TRAIL_ROWS;
    arena_clear(scratch);
    if (!series_points(desk->sql, channel, alert->area_no,
                       last - rows * (int32_t)channel->step_days, last, desk->now, scratch, &points,
                       &count, err))
        return false;
    channel_trail(channel, points, count, last, TRAIL_ROWS, scratch, values);
    json_array_begin(showing->writer);
    for (size_t i = 0; i < TRAIL_ROWS; i++)
        if (isnan(values[i]) || values[i] < showing->below)
            json_put_null(showing->writer);
        else
            json_put_double(showing->writer, values[i]);
    json_array_end(showing->writer);
    return true;
}

static bool put_causes(const struct desk *desk, struct error *err)
{
    struct json_writer *writer = desk->showing->writer;
    struct arena scratch;
    size_t first = 0, shown = 0;
    bool done = true;
    while (desk->after && first < desk->cause_count && desk->causes[first].key >= desk->after)
        first++;
    arena_init(&scratch, METHOD_ARENA_BYTES_MAX);
    json_key(writer, "items");
    json_array_begin(writer);
    for (; done && first + shown < desk->cause_count && shown < (size_t)desk->limit; shown++) {
        const struct cause *cause = &desk->causes[first + shown];
        json_object_begin(writer);
        show_alert(desk->showing, &desk->list[cause->lead]);
        put_cause(desk, cause);
        done = put_trail(desk, &desk->list[cause->lead], &scratch, err);
        json_object_end(writer);
    }
    json_array_end(writer);
    arena_release(&scratch);
    json_field_cursor(writer,
                      first + shown < desk->cause_count ? desk->causes[first + shown - 1].key : 0);
    return done;
}

/* ---- Judged and ended ones */

static bool put_plain(struct desk *desk, enum alert_state state, struct error *err)
{
    struct json_writer *writer = desk->showing->writer;
    struct alert_query query = {.state = state,
                                .as_of = desk->as_of,
                                .area_first = desk->area_first,
                                .area_last = desk->area_last,
                                .limit = desk->limit,
                                .after_level = INT64_MAX,
                                .after_no = INT64_MAX};
    if (desk->after) {
        query.after_level = (desk->after >> LEVEL_SHIFT) - 1;
        query.after_no = desk->after & (((int64_t)1 << LEVEL_SHIFT) - 1);
    }
    if (!alerts_read(desk->sql, &query, desk->showing->request->arena, &desk->list, &desk->count,
                     err))
        return false;
    size_t shown = desk->count > (size_t)desk->limit ? (size_t)desk->limit : desk->count;
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; i < shown; i++) {
        json_object_begin(writer);
        show_alert(desk->showing, &desk->list[i]);
        json_field_null(writer, "cause");
        json_field_null(writer, "trail");
        json_object_end(writer);
    }
    json_array_end(writer);
    json_field_cursor(writer, desk->count > shown
                                  ? ((int64_t)(desk->list[shown - 1].level + 1) << LEVEL_SHIFT) +
                                        desk->list[shown - 1].no
                                  : 0);
    return true;
}

/* ---- What is said of the whole */

static bool tally_feeds(const struct desk *desk, int32_t day, struct feed_tally *ret_tally,
                        struct error *err)
{
    const struct alerts *alerts = desk->showing->alerts;
    bool done = true;
    *ret_tally = (struct feed_tally){0, 0, 0};
    for (size_t i = 0; done && i < alerts->channel_count; i++) {
        const struct channel *channel = &alerts->channels[i];
        struct feed_tally one;
        done = series_tally(desk->sql, channel, desk->area_first, desk->area_last,
                            day - (int32_t)channel->delay_days,
                            day - (int32_t)channel->silent_after_days, &one, err);
        ret_tally->series += one.series;
        ret_tally->late += one.late;
        ret_tally->missing += one.missing;
    }
    return done;
}

/* Late and missing are those of now: how far a feed had come at a past moment is not kept. */
static bool put_statement(const struct desk *desk, struct error *err)
{
    struct json_writer *writer = desk->showing->writer;
    struct night night = {.day = 0};
    struct feed_tally tally;
    bool found;
    if (!night_latest(desk->sql, desk->as_of, &night, &found, err) ||
        !tally_feeds(desk, found ? night.day : 0, &tally, err))
        return false;
    bool known = found && desk->as_of == TIMESTAMP_NONE;
    json_key(writer, "statement");
    json_object_begin(writer);
    static const char *const names[] = {"series", "late", "missing"};
    const int64_t values[] = {tally.series, tally.late, tally.missing};
    for (size_t i = 0; i < 3; i++)
        if (known)
            json_field_int64(writer, names[i], values[i]);
        else
            json_field_null(writer, names[i]);
    if (found)
        show_day(writer, "night", night.day);
    else
        json_field_null(writer, "night");
    json_field_time(writer, "ran_at", found ? night.ran_at : TIMESTAMP_NONE);
    json_object_end(writer);
    return true;
}

static void put_budget(const struct desk *desk)
{
    struct json_writer *writer = desk->showing->writer;
    int64_t places[DESK_PLACES] = {0};
    for (size_t i = 0; i < desk->cause_count; i++)
        places[desk->causes[i].place]++;
    json_key(writer, "budget");
    json_object_begin(writer);
    json_field_text(writer, "role", slice_of(desk->showing->request->actor.role));
    json_field_int64(writer, "a_day", desk->budget);
    json_field_int64(writer, "judged_today", desk->judged_today);
    json_field_int64(writer, "now", places[DESK_NOW]);
    json_field_int64(writer, "waits", places[DESK_WAITS]);
    json_field_int64(writer, "throttled", places[DESK_THROTTLED]);
    json_field_int64(writer, "watched", places[DESK_WATCHED]);
    json_field_bool(writer, "more_not_ranked", desk->beyond);
    json_object_end(writer);
}

static bool put_desk(struct desk *desk, enum alert_state state, struct error *err)
{
    struct json_writer *writer = desk->showing->writer;
    int32_t last;
    if (!gather(desk, err) || !alerts_last_day(desk->sql, &last, err))
        return false;
    json_object_begin(writer);
    bool done = (state == ALERT_OPEN) ? put_causes(desk, err) : put_plain(desk, state, err);
    if (last == INT32_MIN)
        json_field_null(writer, "judged_to");
    else
        show_day(writer, "judged_to", last);
    json_field_time(writer, "as_of", desk->now);
    put_budget(desk);
    done = done && put_statement(desk, err);
    json_key(writer, "detectors");
    records_put(desk->showing->alerts, &desk->records, writer);
    json_object_end(writer);
    return done;
}

/* ---- The request */

static bool read_state(const struct request *request, enum alert_state *ret_state,
                       struct error *err)
{
    struct slice given = request_query(request, "state");
    *ret_state = ALERT_OPEN;
    for (int i = 0; given.data && i < ALERT_STATES; i++)
        if (slice_equal(given, slice_of(alert_state_name((enum alert_state)i)))) {
            *ret_state = (enum alert_state)i;
            return true;
        }
    return !given.data || error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "state"},
                                    "open, judged or ended", "none of these");
}

static bool read_trail(const struct request *request, struct desk *desk, struct error *err)
{
    struct slice given = request_query(request, "trail");
    desk->trail = slice_equal(given, SLICE("true"));
    if (given.data && !desk->trail && !slice_equal(given, SLICE("false")))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "trail"},
                         "true or false", "neither");
    return !desk->trail || desk->limit <= LIMIT_WITH_TRAIL ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "limit"},
                     "at most 200 with trails", "it is more");
}

bool desk_handle(const struct request *request, struct response *response, struct error *err)
{
    struct desk desk = {.after = 0};
    struct json_writer writer;
    enum alert_state state;
    if (!read_state(request, &state, err) || !request_as_of(request, &desk.as_of, err) ||
        !access_area_asked(request, &desk.area_first, &desk.area_last, err) ||
        !request_limit(request, &desk.limit, err) || !request_cursor(request, &desk.after, err) ||
        !read_trail(request, &desk, err))
        return false;
    desk.now = desk.as_of == TIMESTAMP_NONE ? world_now(request->platform->world) : desk.as_of;
    if (!store_read_begin(request->platform->store, &desk.sql, err))
        return false;
    struct showing showing = show_begin(request, response, &writer);
    desk.showing = &showing;
    bool done = put_desk(&desk, state, err);
    store_read_end(request->platform->store, desk.sql);
    return show_end(response, &writer, done);
}
