/* GET /alerts/{id}, and the table of the room's routes. */
#include "access/access.h"
#include "alerts/alerts_internal.h"
#include "alerts/routes_schema.h"
#include "loops/things.h"
#include "policy/permissions.h"

enum { TAIL_ROWS = 28 };

/* ---- GET /alerts/{id} */

struct one {
    const struct showing *showing;
    struct sql *sql;
    struct alert alert;
    const struct channel *channel; /* NULL: taken out of the policy */
    timestamp as_of;               /* TIMESTAMP_NONE: now */
    struct series_point *points;
    size_t count;
};

static bool read_points(struct one *one, struct error *err)
{
    const struct channel *channel = one->channel;
    int32_t last = one->alert.last_day;
    if (!channel)
        return true;
    int32_t span = TAIL_ROWS * (int32_t)channel->step_days + channel_history_days(channel);
    return series_points(one->sql, channel, one->alert.area_no, last - span, last,
                         one->as_of == TIMESTAMP_NONE ? INT64_MAX : one->as_of,
                         one->showing->request->arena, &one->points, &one->count, err);
}

/* The last rows up to the alert's last day, each judged as of its own day. */
static bool put_series(const struct one *one, struct arena *scratch, struct error *err)
{
    const struct channel *channel = one->channel;
    struct json_writer *writer = one->showing->writer;
    bool done = true;
    json_key(writer, "series");
    json_array_begin(writer);
    for (int row = TAIL_ROWS - 1; done && channel && row >= 0; row--) {
        struct judgement judgement;
        int32_t day = one->alert.last_day - row * (int32_t)channel->step_days;
        arena_clear(scratch);
        done = channel_judge(channel, one->points, one->count, day, scratch, &judgement, err);
        if (!done)
            break;
        json_object_begin(writer);
        show_day(writer, "day", day);
        show_observation(one->showing, judgement.observed, judgement.expected, judgement.bound,
                         judgement.p);
        json_object_end(writer);
    }
    json_array_end(writer);
    return done;
}

/* Why it is one: the band's level, the night's own, and the greatest count that would have been
 * quiet. */
static bool put_why(const struct one *one, struct arena *scratch, struct error *err)
{
    const struct channel *channel = one->channel;
    struct json_writer *writer = one->showing->writer;
    struct night night = {.raise_below = 0};
    int64_t quiet = -1;
    bool found = false, signal = channel && one->alert.kind == ALERT_SIGNAL;
    if (signal && !night_of(one->sql, one->alert.last_day + (int32_t)channel->delay_days, &night,
                            &found, err))
        return false;
    arena_clear(scratch);
    double threshold = signal ? channel->alpha : 0;
    if (found && night.raise_below > 0)
        threshold = night.raise_below;
    if (signal && !channel_quiet_count(channel, one->points, one->count, one->alert.last_day,
                                       threshold, scratch, &quiet, err))
        return false;
    json_key(writer, "why");
    json_object_begin(writer);
    json_field_double(writer, "alpha", signal ? channel->alpha : NAN);
    json_field_double(writer, "night_threshold",
                      found && night.raise_below > 0 ? night.raise_below : NAN);
    json_field_double(writer, "minimum_count", signal ? (double)channel->minimum_count : NAN);
    show_count(one->showing, "quiet_count", quiet < 0 ? NAN : (double)quiet);
    json_object_end(writer);
    return true;
}

static bool put_place(const struct one *one, struct error *err)
{
    const struct showing *showing = one->showing;
    struct json_writer *writer = showing->writer;
    struct share *shares;
    size_t count;
    double score;
    if (!shares_read(showing->alerts, one->sql, one->alert.area_no, one->alert.last_day, one->as_of,
                     showing->request->arena, &shares, &count, &score, err))
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
        show_words(writer, "title", shares[i].channel->title);
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
static bool put_disposition(const struct one *one, struct error *err)
{
    const struct request *request = one->showing->request;
    struct json_writer *writer = one->showing->writer;
    struct disposition disposition;
    bool words = request->actor.permissions & PERMISSION_BIT(PERMIT_ALERT_JUDGE);
    if (!disposition_read(one->sql, &one->alert, words, request->arena, &disposition, err))
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
    json_field_time(writer, "until", disposition.until);
    json_object_end(writer);
    return true;
}

static bool read_one(struct one *one, int64_t *ret_loop_no, struct error *err)
{
    const struct request *request = one->showing->request;
    int64_t no = 0;
    bool found = false;
    if (slice_to_int64(request->parameters[0], 1, INT64_MAX, &no) &&
        !alert_read(one->sql, no, one->as_of, &one->alert, &found, err))
        return false;
    if (!found || one->alert.area_no < request->actor.area_first ||
        one->alert.area_no > request->actor.area_last)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "an alert of your area", "there is none of that number");
    one->channel = channel_find(one->showing->alerts, slice_of(one->alert.channel));
    return loop_open_about(one->sql, SCENE_ALERT, one->alert.thing_no, ret_loop_no, err) &&
           read_points(one, err);
}

static bool put_whole(struct one *one, struct arena *scratch, struct error *err)
{
    static const struct words gone = {"", ""};
    struct json_writer *writer = one->showing->writer;
    int64_t loop_no;
    if (!read_one(one, &loop_no, err))
        return false;
    const struct channel *channel = one->channel;
    json_object_begin(writer);
    show_alert(one->showing, &one->alert);
    show_words(writer, "reported_by", channel ? channel->reported_by : gone);
    json_field_text(writer, "source", slice_of(channel ? channel->source : ""));
    if (!put_series(one, scratch, err) || !put_why(one, scratch, err) || !put_place(one, err) ||
        !put_disposition(one, err))
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
    struct one one = {.channel = NULL};
    struct json_writer writer;
    struct arena scratch;
    if (!request_as_of(request, &one.as_of, err) ||
        !store_read_begin(request->platform->store, &one.sql, err))
        return false;
    struct showing showing = show_begin(request, response, &writer);
    one.showing = &showing;
    arena_init(&scratch, METHOD_ARENA_BYTES_MAX);
    bool done = put_whole(&one, &scratch, err);
    arena_release(&scratch);
    store_read_end(request->platform->store, one.sql);
    return show_end(response, &writer, done);
}

const struct route alert_routes[ALERT_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/alerts",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_READ),
     .touches = TOUCH_AGGREGATES,
     .summary = "The desk: causes by what acting is worth, what the role can judge today first;"
                " judged and ended alerts by level; the record of each detector",
     .query =
         "state:string:open (default), judged or ended;area:string:area code within the"
         " reader's own, default the reader's own;as_of:string:the desk as it was known"
         " at the full hour at or before this time;trail:string:true shows the last 28 values of"
         " each cause's series, limit at most 200;limit:integer:1 to 1000, default 100;"
         "after:string:`next` of the page before",
     .response_schema = ALERT_PAGE,
     .handle = desk_handle},
    {.method = HTTP_GET,
     .path = "/alerts/{id}",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_READ),
     .touches = TOUCH_AGGREGATES,
     .summary = "One alert: its series with the expected band, why it alarmed, the channels of its"
                " place, its loop",
     .query = "as_of:string:as it was known at the full hour at or before this time",
     .response_schema = ALERT_WHOLE,
     .handle = handle_one},
    {.method = HTTP_POST,
     .path = "/alerts/{id}/disposition",
     .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_ALERT_JUDGE),
     .touches = TOUCH_AGGREGATES,
     .waits = true,
     .summary = "Says once what an alert and others of its cause were, or watches them until a"
                " time; their loops move where the scene lets the same hand",
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
