/* Routes of loops: lists and pages, and the table of all. */
#include <stdlib.h>

#include "loops/act_routes.h"
#include "loops/catalogue.h"
#include "loops/catalogue_schema.h"
#include "loops/duties.h"
#include "loops/loops_internal.h"
#include "loops/results.h"
#include "loops/routes_schema.h"
#include "photos/photos.h"
#include "policy/permissions.h"

enum { BODY_BYTES_MAX = 32 << 20 };

static struct loops *loops_of(const struct request *request)
{
    return request->platform->loops;
}

/* ---- Reading */

struct reading {
    struct sql *sql;
    struct engine engine;
    struct json_writer writer;
    bool begun;
};

static bool reading_begin(struct reading *reading, const struct request *request,
                          struct response *response, struct error *err)
{
    *reading = (struct reading){.sql = NULL};
    if (!loops_ready(loops_of(request), err) ||
        !store_read_begin(request->platform->store, &reading->sql, err))
        return false;
    reading->begun =
        engine_begin(&reading->engine, loops_of(request), reading->sql, &request->actor, err);
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(&reading->writer, &response->body);
    return reading->begun;
}

static bool reading_end(struct reading *reading, bool done, const struct request *request,
                        struct response *response, struct error *err)
{
    if (!reading->sql)
        return false;
    json_writer_release(&reading->writer);
    if (reading->begun)
        engine_end(&reading->engine);
    store_read_end(request->platform->store, reading->sql);
    if (done && response->body.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "limit"},
                         "a smaller limit", "the answer is too large");
    if (!done)
        buffer_release(&response->body);
    return done;
}

static bool read_choice(const struct request *request, const char *name, const char *const *choices,
                        const char *expected, int *ret_choice, struct error *err)
{
    struct slice given = request_query(request, name);
    *ret_choice = 0;
    for (int i = 0; given.data && choices[i]; i++)
        if (slice_equal(given, slice_of(choices[i]))) {
            *ret_choice = i;
            return true;
        }
    return !given.data || loop_bad_value(name, expected, "none of the choices", err);
}

/* Where a list begins: at the first deadline at or after a moment; of what was closed, at what was
 * closed last by then. */
static bool read_from(const struct request *request, struct loop_query *query, struct error *err)
{
    struct slice from = request_query(request, "from");
    timestamp moment;
    if (!from.data)
        return true;
    if (query->as_of != TIMESTAMP_NONE || query->told)
        return loop_bad_value("from", "lists of now that are ordered by time",
                              "this list has another order", err);
    if (!time_parse(from, &moment))
        return loop_bad_value("from", "a time, as 2022-04-12T15:00:00+08:00", "not a time", err);
    query->after_key = moment;
    return true;
}

/* A cursor of a list: the key and the number of the last row; of what was closed since a moment, a
 * "c" before them. */
static bool read_after(const struct request *request, struct loop_query *query, struct error *err)
{
    struct slice after = request_query(request, "after");
    bool past = query->as_of != TIMESTAMP_NONE;
    query->after_key = !query->closed ? INT64_MIN : past ? query->as_of : INT64_MAX;
    query->after_no = query->closed ? INT64_MAX : 0;
    if (!after.data)
        return read_from(request, query, err);
    query->closed_since = past && !query->closed && after.length && after.data[0] == 'c';
    if (query->closed_since)
        after = (struct slice){after.data + 1, after.length - 1};
    const char *dot = memchr(after.data, '.', after.length);
    struct slice key = {after.data, dot ? (size_t)(dot - after.data) : 0};
    struct slice no = {dot ? dot + 1 : "", dot ? after.length - key.length - 1 : 0};
    return (slice_to_int64(key, INT64_MIN, INT64_MAX, &query->after_key) &&
            slice_to_int64(no, 0, INT64_MAX, &query->after_no)) ||
           loop_bad_value("after", "a `next` of an answer", "not a cursor of this list", err);
}

/* The past is told of areas: whose a loop was is known, but not which of them were one's own. */
static bool read_as_of(const struct request *request, struct loop_query *query, struct error *err)
{
    if (!request_as_of(request, &query->as_of, err))
        return false;
    return query->as_of == TIMESTAMP_NONE || (!query->mine && !query->told && !query->venue_no) ||
           loop_bad_value("as_of", "owner=area", "only lists of areas are told of the past", err);
}

/* access_area_asked; *ret_narrower: less than all that the reader may see. */
static bool area_asked(const struct request *request, int64_t *ret_first, int64_t *ret_last,
                       bool *ret_narrower, struct error *err)
{
    if (!access_area_asked(request, ret_first, ret_last, err))
        return false;
    *ret_narrower = *ret_first > request->actor.area_first || *ret_last < request->actor.area_last;
    return true;
}

static bool read_query(const struct request *request, struct loop_query *query, struct error *err)
{
    static const char *const owners[] = {"", "area", "me", "told", NULL};
    static const char *const states[] = {"open", "closed", NULL};
    static const char *const truths[] = {"false", "true", NULL};
    int owner, state, overdue;
    *query = (struct loop_query){.user_no = request->actor.user_no,
                                 .now = world_now(request->platform->world),
                                 .scene = request_query(request, "scene")};
    if (!read_choice(request, "owner", owners, "area, me or told", &owner, err) ||
        !read_choice(request, "state", states, "open or closed", &state, err) ||
        !read_choice(request, "overdue", truths, "true or false", &overdue, err) ||
        !area_asked(request, &query->area_first, &query->area_last, &query->narrower, err) ||
        !request_limit(request, &query->limit, err))
        return false;
    bool looks_after = request->actor.permissions & PERMISSION_BIT(PERMIT_LOOP_AREA);
    struct slice venue = request_query(request, "venue");
    if (venue.data && !slice_to_int64(venue, 1, UINT32_MAX, &query->venue_no))
        return loop_bad_value("venue", "the number of a venue", "not a number", err);
    if (venue.data && (!looks_after || owner > 1 || state || overdue))
        return loop_bad_value("venue", "open loops of the areas that your role looks after",
                              "loops about a venue are asked for by area alone", err);
    query->mine = owner == 2 || (owner == 0 && !looks_after);
    query->told = owner == 3;
    query->closed = state == 1;
    query->overdue = overdue == 1;
    if (!looks_after && (owner == 1 || query->closed))
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "owner"},
                         "owner=me or owner=told", "your role looks after no areas");
    if (query->closed && (owner > 1 || overdue))
        return loop_bad_value("state", "closed loops by area alone", "closed loops wait for nobody",
                              err);
    return read_as_of(request, query, err) && read_after(request, query, err);
}

static bool put_page(struct reading *reading, const struct request *request,
                     const struct loop_query *query, struct error *err)
{
    struct loop_page page;
    struct json_writer *writer = &reading->writer;
    char next[64];
    bool past = query->as_of != TIMESTAMP_NONE;
    if (past && !query->closed
            ? !loops_list_as_of(&reading->engine, query, request->arena, &page, err)
            : !loops_list_by(reading->engine.board, loops_of(request), reading->sql, query,
                             request->arena, &page, err))
        return false;
    if (past)
        reading->engine.now = query->as_of; /* clocks stand as they stood */
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; i < page.count; i++) {
        bool own = false;
        if (page.rows[i].hidden && query->mine &&
            !loop_row_is_own(reading->engine.board, reading->sql, &page.rows[i], query->user_no,
                             &own, err))
            return false;
        json_object_begin(writer);
        if (!loop_show_row(&reading->engine, writer, &page.rows[i], page.rows[i].hidden && !own,
                           err))
            return false;
        json_object_end(writer);
    }
    json_array_end(writer);
    snprintf(next, sizeof next, "%s%lld.%lld", page.closed_since ? "c" : "",
             (long long)page.last_key, (long long)page.last_no);
    if (page.more)
        json_field_text(writer, "next", slice_of(next));
    else
        json_field_null(writer, "next");
    json_object_end(writer);
    return true;
}

static bool handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct reading reading;
    struct loop_query query;
    if (!read_query(request, &query, err))
        return false;
    bool done =
        reading_begin(&reading, request, response, err) && put_page(&reading, request, &query, err);
    return reading_end(&reading, done, request, response, err);
}

static void put_count(void *context, const struct loop_count *count)
{
    struct json_writer *writer = context;
    const struct scene *scene = count->definition->scene;
    json_object_begin(writer);
    json_field_text(writer, "scene", slice_of(scene->name));
    json_field_int64(writer, "version", scene->version);
    json_field_text(writer, "stage", slice_of(scene->stages[count->stage].name));
    json_field_int64(writer, "open", count->open);
    json_field_int64(writer, "overdue", count->overdue);
    json_object_end(writer);
}

static bool handle_counts(const struct request *request, struct response *response,
                          struct error *err)
{
    struct reading reading;
    int64_t first, last;
    bool narrower;
    if (!area_asked(request, &first, &last, &narrower, err))
        return false;
    bool done = reading_begin(&reading, request, response, err);
    if (done) {
        json_object_begin(&reading.writer);
        json_field_time(&reading.writer, "true_for", reading.engine.now);
        json_key(&reading.writer, "items");
        json_array_begin(&reading.writer);
        done = loops_counts(loops_of(request), reading.sql, first, last, narrower, put_count,
                            &reading.writer, err);
        json_array_end(&reading.writer);
        json_object_end(&reading.writer);
    }
    return reading_end(&reading, done, request, response, err);
}

static bool handle_indicators(const struct request *request, struct response *response,
                              struct error *err)
{
    struct reading reading;
    struct indicator_query query = {.scene = request_query(request, "scene")};
    struct slice days = request_query(request, "days");
    int64_t count = 14;
    if (!area_asked(request, &query.area_first, &query.area_last, &query.narrower, err))
        return false;
    if (days.data && !slice_to_int64(days, 1, 366, &count))
        return loop_bad_value("days", "1 to 366", "not such a number", err);
    bool done = reading_begin(&reading, request, response, err);
    if (done && query.scene.data && !definition_named(reading.engine.definitions, query.scene))
        done = loop_bad_value("scene", "the name of a scene (GET /scenes)", "unknown scene", err);
    if (done) {
        query.day_last = time_day_of_seconds(reading.engine.now / SECOND);
        query.day_first = query.day_last - count + 1;
        json_object_begin(&reading.writer);
        json_field_time(&reading.writer, "true_for", reading.engine.now);
        json_field_int64(&reading.writer, "days", count);
        json_key(&reading.writer, "items");
        json_array_begin(&reading.writer);
        done = indicators_put(&reading.engine, &reading.writer, &query, err);
        json_array_end(&reading.writer);
        json_object_end(&reading.writer);
    }
    return reading_end(&reading, done, request, response, err);
}

/* ---- One loop */

bool loop_path_number(const struct request *request, int64_t *ret_no, struct error *err)
{
    return slice_to_int64(request->parameters[0], 1, ((int64_t)1 << 60) - 1, ret_no) ||
           error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                     "a loop of a list of yours", "there is none of that number");
}

static bool show(struct reading *reading, int64_t no, const struct loop **ret_loop,
                 struct error *err)
{
    struct loop *loop;
    bool visible = false;
    if (!loop_read(&reading->engine, no, &loop, err) ||
        (loop && !loop_is_visible(&reading->engine, loop, &visible, err)))
        return false;
    *ret_loop = loop;
    return visible ? loop_show(&reading->engine, loop, &reading->writer, err)
                   : error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                               "a loop of a list of yours", "there is none of that number");
}

/* Who reads what a loop says about a person is written down before the answer leaves. The board is
 * given back first: this waits for a job. */
static bool audit(const struct request *request, struct reading *reading, const struct loop *loop,
                  int64_t no, struct error *err)
{
    struct request named = *request;
    char purpose[40];
    int64_t person = loop_scene(loop)->subject == SCENE_PERSON ? loop->subject_no : 0;
    engine_end(&reading->engine);
    reading->begun = false;
    snprintf(purpose, sizeof purpose, "loop:%lld", (long long)no);
    named.purpose = slice_of(purpose);
    return status_audit_read(&named, "loop.read", (uint32_t)person, 1, "loop", err);
}

static bool handle_one(const struct request *request, struct response *response, struct error *err)
{
    struct reading reading;
    const struct loop *loop = NULL;
    int64_t no;
    if (!loop_path_number(request, &no, err))
        return false;
    bool done =
        reading_begin(&reading, request, response, err) && show(&reading, no, &loop, err) &&
        (loop_scene(loop)->retention == SCENE_UNSET || audit(request, &reading, loop, no, err));
    return reading_end(&reading, done, request, response, err);
}

/* ---- The table */

#define VERSION_QUERY "version:integer:an older version, default the one that opens"
#define LANGUAGE_QUERY "language:string:zh (default) or en"
#define SCENE_ROUTE(of, what, ...)                                                                 \
    {.method = HTTP_GET, .path = of, .access = ROUTE_USER, .touches = what,                        \
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ), __VA_ARGS__}
#define DUTY_ROUTE(how, of, ...)                                                                   \
    {.method = how, .path = of, .access = ROUTE_USER, .touches = TOUCH_SYSTEM,                     \
     .permission = PERMISSION_BIT(PERMIT_USER_MANAGE), __VA_ARGS__}
#define LOOP_PAGING "limit:integer:1 to 1000, default 100;after:string:cursor"

const struct route loop_routes[LOOP_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/loops",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .summary = "Loops: of the reader's areas, of the reader's own seats, or escalated to them",
     .query = "owner:string:area, me or told (area where the role looks after areas, else me);"
              "state:string:open (default) or closed;"
              "overdue:string:true: only those past their deadline;scene:string:name of a scene;"
              "area:string:area code within the reader's own, where loops that still hide what they"
              " are about are found by their owner alone;"
              "venue:integer:number of a venue: open loops of the areas about it, likewise;"
              "as_of:string:as they stood at the full hour at or before this time (lists of areas),"
              " default now;from:string:begins at the first deadline at or after this time, of"
              " closed loops at the last that was closed by then;" LOOP_PAGING,
     .response_schema = LOOP_PAGE,
     .handle = handle_list},
    {.method = HTTP_GET,
     .path = "/persons/{no}/loops",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ) | PERMISSION_BIT(PERMIT_STATUS_READ),
     .opens_identity = true,
     .about_person = true,
     .summary = "Open loops about a person, as far as the reader sees them",
     .query = LOOP_PAGING,
     .response_schema = LOOP_PAGE,
     .handle = loops_handle_of_person},
    {.method = HTTP_GET,
     .path = "/cases/{id}/loops",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = FIELD_BIT(FIELD_STATUS) | FIELD_BIT(FIELD_EVIDENCE),
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ) | PERMISSION_BIT(PERMIT_CASE_READ),
     .opens_identity = true,
     .summary = "Loops that name a case, open and closed, as far as the reader sees them",
     .query = "scene:string:only loops of this scene;" LOOP_PAGING,
     .response_schema = LOOP_CASE_PAGE,
     .handle = loops_handle_of_case},
    {.method = HTTP_GET,
     .path = "/loops:purposes",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .summary = "Open loops about a person in which the reader has a part: what X-Purpose may name",
     .query = "person:integer:the number of the person;" LOOP_PAGING,
     .response_schema = LOOP_PAGE,
     .handle = loops_handle_purposes},
    {.method = HTTP_GET,
     .path = "/units/{no}/loops",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .summary = "Open loops about a unit, as far as the reader sees them",
     .query = LOOP_PAGING,
     .response_schema = LOOP_PAGE,
     .handle = loops_handle_of_unit},
    {.method = HTTP_GET,
     .path = "/loops:counts",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ) | PERMISSION_BIT(PERMIT_LOOP_AREA),
     .summary = "Open and overdue loops by scene and stage, as maintained with every act",
     .query = "area:string:area code within the reader's own, without scenes that hide what they"
              " are about where it is less than that",
     .response_schema = LOOP_COUNTS,
     .handle = handle_counts},
    {.method = HTTP_GET,
     .path = "/loops:indicators",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ) | PERMISSION_BIT(PERMIT_LOOP_AREA),
     .shed = SHED_HISTORY,
     .summary = "What scenes measure of themselves, as counted when each loop decided it",
     .query = "area:string:area code within the reader's own, without scenes that hide what they"
              " are about where it is less than that;scene:string:one scene;"
              "days:integer:how many days up to today, default 14",
     .response_schema = LOOP_INDICATORS,
     .handle = handle_indicators},
    {.method = HTTP_GET,
     .path = "/loops/{id}",
     .access = ROUTE_USER,
     .kept_by_nobody = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .summary = "A loop: fields, what is next and who may do it, history, children",
     .response_schema = LOOP_WHOLE,
     .handle = handle_one},
    {.method = HTTP_POST,
     .path = "/loops",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "Opens a loop by hand, or joins the open one about the same",
     .request_schema = LOOP_OPENING,
     .response_schema = LOOP_OUTCOME,
     .success_status = 201,
     .handle = loop_handle_open},
    {.method = HTTP_POST,
     .path = "/loops:advance",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "Many steps at once, each for itself, with a result each",
     .request_schema = LOOP_STEPS,
     .response_schema = LOOP_RESULTS,
     .handle = loop_handle_advance_many},
    {.method = HTTP_POST,
     .path = "/loops/{id}/advance",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "A step to the next stage; 202 while signatures are missing",
     .request_schema = LOOP_STEP,
     .response_schema = LOOP_OUTCOME,
     .handle = loop_handle_advance},
    {.method = HTTP_POST,
     .path = "/loops/{id}/sign",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "Signs the step that waits; 202 while others are missing",
     .request_schema = LOOP_SIGNING,
     .response_schema = LOOP_OUTCOME,
     .handle = loop_handle_sign},
    {.method = HTTP_POST,
     .path = "/loops/{id}/claim",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "Holds the loop for one person of its owner, or gives it back",
     .request_schema = LOOP_CLAIM,
     .response_schema = LOOP_OUTCOME,
     .handle = loop_handle_claim},
    {.method = HTTP_POST,
     .path = "/loops/{id}/note",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "Adds words or photos to the history of an open loop; nothing moves",
     .request_schema = LOOP_NOTING,
     .response_schema = LOOP_OUTCOME,
     .handle = loop_handle_note},
    {.method = HTTP_POST,
     .path = "/loops/{id}/take",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_TAKE),
     .summary = "The command centre takes a loop over, or closes it as failed, with words",
     .request_schema = LOOP_TAKING,
     .response_schema = LOOP_OUTCOME,
     .handle = loop_handle_take},
    {.method = HTTP_PUT,
     .path = "/loops/{id}/viewers/{page}",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .shed = SHED_DECORATION,
     .leaves_nothing = true,
     .runs_again = true,
     .summary = "Says that a page has the loop open, for a lease in memory (nothing is kept), and"
                " reads who else has and which act is the newest",
     .request_schema = LOOP_VIEW,
     .response_schema = LOOP_VIEWERS,
     .handle = viewers_handle_put},
    {.method = HTTP_DELETE,
     .path = "/loops/{id}/viewers/{page}",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .shed = SHED_DECORATION,
     .leaves_nothing = true,
     .runs_again = true,
     .summary = "Says that a page of the asker has the loop open no more",
     .response_schema = S_OBJECT,
     .handle = viewers_handle_remove},
    {.method = HTTP_POST,
     .path = "/photos",
     .access = ROUTE_USER,
     .waits = true,
     .body_bytes_max = PHOTO_BYTES_MAX,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "Sends a photo that a step will name by its digest; the same bytes again: 200",
     .request_type = "image/*",
     .request_schema = PHOTO_BYTES,
     .response_schema = PHOTO_KEPT,
     .success_status = 201,
     .handle = photos_handle_send},
    {.method = HTTP_GET,
     .path = "/photos:limits",
     .access = ROUTE_USER,
     .touches = TOUCH_NOTHING,
     .permission = PERMISSION_BIT(PERMIT_LOOP_ACT),
     .summary = "The largest photo that is taken, its kinds, how long one stays that nothing names",
     .response_schema = PHOTO_LIMITS,
     .handle = photos_handle_limits},
    {.method = HTTP_GET,
     .path = "/photos/{digest}",
     .access = ROUTE_USER,
     .kept_by_nobody = true,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_BIT(PERMIT_LOOP_READ),
     .summary = "A photo, for who has a part in a loop that names it or may act next there",
     .response_type = "image/*",
     .response_schema = PHOTO_BYTES,
     .handle = photos_handle_look},
    {.method = HTTP_POST,
     .path = "/results",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_LOOPS,
     .shed = SHED_INTAKE,
     .permission = PERMISSION_BIT(PERMIT_RESULT_WRITE),
     .summary = "A laboratory result of a person or of a pooled tube; known by its accession",
     .request_schema = RESULT,
     .response_schema = RESULT_KEPT,
     .success_status = 201,
     .handle = results_handle},
    {.method = HTTP_POST,
     .path = "/results:batch",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .shed = SHED_INTAKE,
     .permission = PERMISSION_BIT(PERMIT_RESULT_WRITE),
     .runs_again = true, /* each line by its accession */
     .summary = "Results as NDJSON, each with its own accession: an answer a line",
     .request_type = "application/x-ndjson",
     .response_type = "application/x-ndjson",
     .request_schema = RESULT,
     .response_schema = RESULT_KEPT,
     .handle = results_handle_batch},
    SCENE_ROUTE("/scenes", TOUCH_NOTHING, .response_schema = SCENE_LIST,
                .summary = "The scenes that open loops, in the versions that do",
                .handle = scenes_handle_all),
    SCENE_ROUTE("/scenes/{name}", TOUCH_NOTHING, .response_schema = SCENE_WHOLE,
                .summary = "A scene: fields, stages, steps, the JSON Schema of what opens a loop",
                .query = VERSION_QUERY, .handle = scenes_handle_one),
    SCENE_ROUTE("/scenes/{name}/diagram", TOUCH_NOTHING, .response_type = "image/svg+xml",
                .summary = "The drawing of a scene (SVG), each stage's box with its name as"
                           " data-stage",
                .query = VERSION_QUERY ";" LANGUAGE_QUERY ";plain:string:true for one without"
                                       " title, ground and colours, default false",
                .handle = scenes_handle_diagram),
    SCENE_ROUTE("/scenes/{name}/document", TOUCH_NOTHING, .response_type = "text/markdown",
                .summary = "A scene as a page of words (Markdown), from nothing but its definition",
                .query = VERSION_QUERY ";" LANGUAGE_QUERY, .handle = scenes_handle_document),
    SCENE_ROUTE("/scenes/{name}/versions", TOUCH_LOOPS, .response_schema = SCENE_VERSIONS,
                .summary = "The versions of a scene, newest first, with the open loops under each",
                .handle = scenes_handle_versions),
    SCENE_ROUTE("/scenes:proofs", TOUCH_NOTHING, .response_schema = SCENE_PROOFS,
                .summary = "What `scene check` finds of every scene, also of files that wait",
                .handle = scenes_handle_proofs),
    DUTY_ROUTE(HTTP_GET, "/duties", .response_schema = DUTY_LISTS,
               .summary = "Duties and absences of users of the reader's area that are not over",
               .handle = duties_handle_list),
    DUTY_ROUTE(HTTP_POST, "/duties", .request_schema = DUTY_BODY(""), .success_status = 201,
               .response_schema = DUTY_KEPT,
               .summary = "A row of a table of duties: on duty within its rows only",
               .handle = duties_handle_add),
    DUTY_ROUTE(HTTP_DELETE, "/duties/{no}", .destructive = true, .response_schema = DUTY_GONE,
               .summary = "Takes a row out of a table of duties", .handle = duties_handle_remove),
    DUTY_ROUTE(HTTP_POST, "/absences", .success_status = 201, .response_schema = DUTY_KEPT,
               .request_schema = DUTY_BODY(",\"delegate\":" C_TEXT_OR_NULL),
               .summary = "An absence: what waits for the user waits for the delegate",
               .handle = absences_handle_add),
    DUTY_ROUTE(HTTP_DELETE, "/absences/{no}", .destructive = true, .response_schema = DUTY_GONE,
               .summary = "Takes an absence back", .handle = absences_handle_remove),
};
