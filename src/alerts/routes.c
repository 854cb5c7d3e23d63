/* GET /alerts, GET /alerts/{id}, POST /alerts/{id}/disposition, POST /series:batch. */
#include "access/access.h"
#include "alerts/alerts_internal.h"
#include "alerts/routes_schema.h"
#include "command/command.h"
#include "loops/things.h"
#include "policy/permissions.h"

enum { BODY_BYTES_MAX = 8 << 20, TAIL_ROWS = 28, PRECISION_DAYS = 28 };
#define LEVEL_SHIFT 48 /* a cursor: level and number in one */

struct showing {
    const struct request *request;
    struct alerts *alerts;
    struct json_writer *writer;
    double below; /* counts below it are not shown to who is shown no person */
};

static void put_words(struct json_writer *writer, const char *key, struct words words)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh));
    json_field_text(writer, "en", slice_of(words.en));
    json_object_end(writer);
}

static void put_day(struct json_writer *writer, const char *key, int32_t day)
{
    char text[TIME_TEXT_BYTES];
    json_field_text(writer, key, slice_of(time_format_date(day, text)));
}

static void put_count(const struct showing *showing, const char *key, double value)
{
    if (isnan(value) || value < showing->below)
        json_field_null(showing->writer, key);
    else
        json_field_double(showing->writer, key, value);
}

static void put_observation(const struct showing *showing, double observed, double expected,
                            double bound, double p)
{
    bool small = !isnan(observed) && observed < showing->below;
    put_count(showing, "observed", observed);
    json_field_double(showing->writer, "expected", expected);
    json_field_double(showing->writer, "bound", bound);
    json_field_double(showing->writer, "p_value", small ? NAN : p); /* it would tell the count */
}

/* Members of an open object. A channel that was taken out of the policy keeps its name. */
static void put_alert(const struct showing *showing, const struct alert *alert)
{
    static const struct words gone = {"", ""};
    static const struct words feed = {"数据中断：联系报送单位，确认是否停报",
                                      "The feed has stopped: ask who reports whether it goes on."};
    struct json_writer *writer = showing->writer;
    const struct channel *channel = channel_find(showing->alerts, slice_of(alert->channel));
    const struct area *area = registry_area(showing->request->platform->registry, alert->area_no);
    json_field_int64(writer, "id", alert->no);
    json_field_text(writer, "kind", slice_of(alert_kind_name(alert->kind)));
    json_field_text(writer, "channel", slice_of(alert->channel));
    put_words(writer, "title", channel ? channel->title : gone);
    json_field_text(writer, "area", area ? area->code : SLICE(""));
    json_field_text(writer, "level", slice_of(level_name(alert->level)));
    json_field_text(writer, "state", slice_of(alert_state_name(alert->state)));
    put_day(writer, "first_day", alert->first_day);
    put_day(writer, "last_day", alert->last_day);
    json_field_time(writer, "raised_at", alert->raised_at);
    json_field_text(writer, "detector", slice_of(alert->detector));
    json_field_bool(writer, "by_rule", alert->by_rule);
    if (alert->kind == ALERT_SIGNAL) {
        put_observation(showing, alert->observed, alert->expected, alert->bound, alert->p);
    } else { /* days of silence */
        json_field_double(writer, "observed", alert->observed);
        json_field_double(writer, "expected", alert->expected);
        json_field_double(writer, "bound", alert->bound);
        json_field_null(writer, "p_value");
    }
    json_field_double(writer, "score", alert->score);
    json_field_int64(writer, "members", alert->members);
    if (alert->verdict < 0)
        json_field_null(writer, "verdict");
    else
        json_field_text(writer, "verdict", slice_of(verdict_name(alert->verdict)));
    put_words(writer, "asks", alert->kind == ALERT_FEED ? feed : channel ? channel->asks : gone);
}

/* ---- GET /alerts */

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

static bool put_page(const struct showing *showing, struct sql *sql,
                     const struct alert_query *query, struct error *err)
{
    struct json_writer *writer = showing->writer;
    struct alert *alerts;
    size_t count;
    int32_t last;
    int64_t today = world_now(showing->request->platform->world) / SECOND;
    if (!alerts_read(sql, query, showing->request->arena, &alerts, &count, err) ||
        !alerts_last_day(sql, &last, err))
        return false;
    size_t shown = count > (size_t)query->limit ? (size_t)query->limit : count;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; i < shown; i++) {
        json_object_begin(writer);
        put_alert(showing, &alerts[i]);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_field_cursor(writer, count > shown
                                  ? ((int64_t)(alerts[shown - 1].level + 1) << LEVEL_SHIFT) +
                                        alerts[shown - 1].no
                                  : 0);
    if (last == INT32_MIN)
        json_field_null(writer, "judged_to");
    else
        put_day(writer, "judged_to", last);
    json_key(writer, "detectors");
    bool done = precision_put(sql, time_day_of_seconds(today) - PRECISION_DAYS, writer, err);
    json_object_end(writer);
    return done;
}

static struct showing show(const struct request *request, struct response *response,
                           struct json_writer *writer)
{
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(writer, &response->body);
    return (struct showing){
        request, request->platform->alerts, writer,
        command_hides_small(&request->actor)
            ? (double)policy_number(request->platform->policy, NUMBER_SUPPRESS_BELOW)
            : 0};
}

static bool finish(struct response *response, struct json_writer *writer, bool done)
{
    json_writer_release(writer);
    if (!done)
        buffer_release(&response->body);
    return done;
}

static bool handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct alert_query query = {.after_level = INT64_MAX, .after_no = INT64_MAX};
    struct json_writer writer;
    struct sql *sql;
    int64_t after;
    if (!read_state(request, &query.state, err) ||
        !access_area_asked(request, &query.area_first, &query.area_last, err) ||
        !request_limit(request, &query.limit, err) || !request_cursor(request, &after, err))
        return false;
    if (after) {
        query.after_level = (after >> LEVEL_SHIFT) - 1;
        query.after_no = after & (((int64_t)1 << LEVEL_SHIFT) - 1);
    }
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    struct showing showing = show(request, response, &writer);
    bool done = put_page(&showing, sql, &query, err);
    store_read_end(request->platform->store, sql);
    return finish(response, &writer, done);
}

/* ---- GET /alerts/{id} */

/* The last rows up to the alert's last day, each judged as of its own day. */
static bool put_series(const struct showing *showing, struct sql *sql, const struct alert *alert,
                       const struct channel *channel, struct error *err)
{
    struct arena *arena = showing->request->arena;
    struct series_point *points;
    struct arena scratch;
    size_t count = 0;
    bool done = true;
    int32_t last = alert->last_day, span = TAIL_ROWS * (int32_t)(channel ? channel->step_days : 1);
    json_key(showing->writer, "series");
    json_array_begin(showing->writer);
    if (channel)
        done =
            series_points(sql, channel, alert->area_no, last - span - channel_history_days(channel),
                          last, arena, &points, &count, err);
    arena_init(&scratch, METHOD_ARENA_BYTES_MAX);
    for (int row = TAIL_ROWS - 1; done && channel && row >= 0; row--) {
        struct judgement judgement;
        int32_t day = last - row * (int32_t)channel->step_days;
        arena_clear(&scratch);
        done = channel_judge(channel, points, count, day, &scratch, &judgement, err);
        if (!done)
            break;
        json_object_begin(showing->writer);
        put_day(showing->writer, "day", day);
        put_observation(showing, judgement.observed, judgement.expected, judgement.bound,
                        judgement.p);
        json_object_end(showing->writer);
    }
    arena_release(&scratch);
    json_array_end(showing->writer);
    return done;
}

static bool put_place(const struct showing *showing, struct sql *sql, const struct alert *alert,
                      struct error *err)
{
    struct json_writer *writer = showing->writer;
    struct share *shares;
    size_t count;
    double score;
    if (!shares_read(showing->alerts, sql, alert->area_no, alert->last_day, showing->request->arena,
                     &shares, &count, &score, err))
        return false;
    json_key(writer, "place");
    json_object_begin(writer);
    json_field_double(writer, "score", score);
    json_field_text(writer, "level",
                    slice_of(level_name(level_of_score(&showing->alerts->settings, score))));
    json_key(writer, "shares");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(writer);
        json_field_text(writer, "channel", slice_of(shares[i].channel->name));
        put_words(writer, "title", shares[i].channel->title);
        json_field_int64(writer, "alert", shares[i].alert_no);
        json_field_double(writer, "contribution", shares[i].contribution);
        json_field_double(writer, "share", shares[i].contribution / score);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
    return true;
}

/* The words to those who judge themselves. */
static bool put_disposition(const struct showing *showing, struct sql *sql, int64_t alert_no,
                            struct error *err)
{
    struct json_writer *writer = showing->writer;
    struct disposition disposition;
    bool words = showing->request->actor.permissions & PERMISSION_BIT(PERMIT_ALERT_JUDGE);
    if (!disposition_read(sql, alert_no, words, showing->request->arena, &disposition, err))
        return false;
    if (disposition.verdict < 0) {
        json_field_null(writer, "disposition");
        return true;
    }
    json_key(writer, "disposition");
    json_object_begin(writer);
    json_field_text(writer, "verdict", slice_of(verdict_name(disposition.verdict)));
    if (words)
        json_field_text(writer, "words", disposition.words);
    else
        json_field_null(writer, "words");
    json_field_text(writer, "by", slice_of(disposition.by));
    json_field_time(writer, "at", disposition.at);
    json_object_end(writer);
    return true;
}

static bool put_whole(const struct showing *showing, struct sql *sql, struct error *err)
{
    static const struct words gone = {"", ""};
    const struct request *request = showing->request;
    struct json_writer *writer = showing->writer;
    struct alert alert;
    int64_t no = 0, loop_no;
    bool found = false;
    if (slice_to_int64(request->parameters[0], 1, INT64_MAX, &no) &&
        !alert_read(sql, no, &alert, &found, err))
        return false;
    if (!found || alert.area_no < request->actor.area_first ||
        alert.area_no > request->actor.area_last)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "an alert of your area", "there is none of that number");
    const struct channel *channel = channel_find(showing->alerts, slice_of(alert.channel));
    if (!loop_open_about(sql, SCENE_ALERT, alert.thing_no, &loop_no, err))
        return false;
    json_object_begin(writer);
    put_alert(showing, &alert);
    put_words(writer, "reported_by", channel ? channel->reported_by : gone);
    json_field_text(writer, "source", slice_of(channel ? channel->source : ""));
    if (!put_series(showing, sql, &alert, channel, err) || !put_place(showing, sql, &alert, err) ||
        !put_disposition(showing, sql, no, err))
        return false;
    if (loop_no)
        json_field_int64(writer, "loop", loop_no);
    else
        json_field_null(writer, "loop");
    json_object_end(writer);
    return true;
}

static bool handle_one(const struct request *request, struct response *response, struct error *err)
{
    struct json_writer writer;
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    struct showing showing = show(request, response, &writer);
    bool done = put_whole(&showing, sql, err);
    store_read_end(request->platform->store, sql);
    return finish(response, &writer, done);
}

const struct route alert_routes[ALERT_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/alerts",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_READ),
     .touches = TOUCH_AGGREGATES,
     .summary = "Alerts of places, highest level first, and how often each detector is right",
     .query = "state:string:open (default), judged or ended;area:string:area code within the"
              " reader's own, default the reader's own;limit:integer:1 to 1000, default 100;"
              "after:string:`next` of the page before",
     .response_schema = ALERT_PAGE,
     .handle = handle_list},
    {.method = HTTP_GET,
     .path = "/alerts/{id}",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_READ),
     .touches = TOUCH_AGGREGATES,
     .summary = "One alert: its series with the expected band, the channels of its place, its loop",
     .response_schema = ALERT_WHOLE,
     .handle = handle_one},
    {.method = HTTP_POST,
     .path = "/alerts/{id}/disposition",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_JUDGE),
     .touches = TOUCH_AGGREGATES,
     .waits = true,
     .summary = "Says once what an alert was; its loop moves where its scene lets the same hand",
     .request_schema = DISPOSITION_BODY,
     .response_schema = DISPOSITION_DONE,
     .success_status = 201,
     .handle = disposition_handle},
    {.method = HTTP_POST,
     .path = "/series:batch",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_IMPORT_RUN),
     .touches = TOUCH_AGGREGATES,
     .shed = SHED_INTAKE,
     .summary = "Counts of places by day, a report a line; a result a line",
     .request_schema = SERIES_LINE,
     .response_schema = SERIES_LINE_ANSWER,
     .request_type = "application/x-ndjson",
     .response_type = "application/x-ndjson",
     .handle = series_feed_handle},
};
