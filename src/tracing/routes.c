/* Routes of cases. Each opens identity: the purpose must name the case that is read, names are masked,
 * and nothing leaves before the audit row is on disk. A person outside the reader's area is shown as
 * a number only (name and colour null). */
#include <math.h>
#include <stdlib.h>

#include "access/access.h"
#include "access/shown.h"
#include "status/status.h"
#include "tracing/routes_schema.h"
#include "tracing/tracing_internal.h"

enum { PLACES_LISTED = 20, VENUE_SLOTS = 1024, BODY_BYTES_MAX = 64 << 20, MINUTES_MAX = 10080 };

/* What one request works with. Released by visit_end whatever came of it. */
struct visit {
    const struct request *request;
    struct platform *platform;
    struct sql *sql;
    struct presence_view *view;
    struct tracer *tracer;
    struct arena scratch; /* may grow with the city, unlike the request's */
    struct case_row row;
    struct json_writer writer;
    const struct venue *venues[VENUE_SLOTS]; /* by number, the latest of a slot */
};

static bool visit_begin(struct visit *visit, const struct request *request,
                        struct response *response, struct error *err)
{
    *visit = (struct visit){.request = request, .platform = request->platform};
    arena_init(&visit->scratch, (size_t)1 << 30);
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(&visit->writer, &response->body);
    return store_read_begin(visit->platform->store, &visit->sql, err);
}

static bool visit_end(struct visit *visit, bool done, struct response *response, struct error *err)
{
    json_writer_release(&visit->writer);
    presence_view_end(visit->view);
    tracer_free(visit->tracer);
    store_read_end(visit->platform->store, visit->sql);
    arena_release(&visit->scratch);
    if (done && response->body.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "limit"},
                         "a smaller limit", "the answer is too large");
    if (!done)
        buffer_release(&response->body);
    return done;
}

static bool take_case(struct visit *visit, struct error *err)
{
    return case_asked(visit->request, visit->sql, &visit->scratch, &visit->row, err);
}

static bool begin_tracing(struct visit *visit, struct error *err)
{
    return tracer_create(visit->platform, &visit->tracer, err) &&
           presence_view_begin(visit->platform->presence, &visit->view, err);
}

/* Each of the persons can be told of it. */
static bool audit(const struct visit *visit, const char *act, const uint32_t *persons, size_t count,
                  const char *fields, struct error *err)
{
    return access_opened(visit->request, act, visit->row.person, persons, count, slice_of(fields),
                         err);
}

/* ---- Pieces of answers */

static void put_area(struct visit *visit, const char *key, int64_t area_no)
{
    case_area_write(&visit->writer, visit->platform, key, area_no);
}

static void put_text_or_null(struct json_writer *writer, const char *key, struct slice text)
{
    if (text.data)
        json_field_text(writer, key, text);
    else
        json_field_null(writer, key);
}

/* *ret_within: the person is known, and the reader's to know. */
static bool masked_name(struct visit *visit, uint32_t person_no, struct slice *ret_name,
                        bool *ret_within, struct error *err)
{
    const struct actor *actor = &visit->request->actor;
    struct person person;
    int64_t area_no;
    *ret_name = (struct slice){NULL, 0};
    if (!access_person_within(visit->platform, visit->sql, actor, person_no, &area_no, ret_within,
                              err))
        return false;
    if (!*ret_within)
        return true;
    if (!registry_person(visit->platform, visit->sql, person_no, &visit->scratch, &person, err))
        return false;
    if (person.name.data)
        *ret_name = shown_field(actor->reads, FIELD_NAME, person.name, &visit->scratch);
    return true;
}

/* NULL where there is no such venue. */
static bool find_venue(struct visit *visit, uint32_t venue_no, const struct venue **ret_venue,
                       struct error *err)
{
    const struct venue **slot = &visit->venues[venue_no % VENUE_SLOTS];
    if (!*slot || (*slot)->no != venue_no) {
        struct venue *venue = arena_alloc(&visit->scratch, sizeof *venue);
        if (!registry_venue(visit->sql, venue_no, &visit->scratch, venue, err)) {
            if (err->code != ERROR_NOT_FOUND)
                return false;
            *venue = (struct venue){.no = venue_no, .category = SLICE("default")};
        }
        *slot = venue;
    }
    *ret_venue = *slot;
    return true;
}

/* Texts of weights: six digits are more than the model knows. */
static void put_weight(struct json_writer *writer, double weight)
{
    json_field_double(writer, "weight", round(weight * 1e6) / 1e6);
}

static bool put_case_fields(struct visit *visit, const struct case_row *row, struct error *err)
{
    return case_write(visit->request, visit->sql, &visit->writer, row, &visit->scratch, err);
}

/* ---- GET /cases */

static bool list_cases(struct visit *visit, struct error *err)
{
    int64_t limit, after, first, last;
    struct case_row *rows;
    size_t count;
    if (!request_limit(visit->request, &limit, err) ||
        !request_cursor(visit->request, &after, err) ||
        !access_area_asked(visit->request, &first, &last, err) ||
        !case_list(visit->sql, first, last, after, limit + 1, &visit->scratch, &rows, &count, err))
        return false;
    bool more = (int64_t)count > limit;
    count = more ? (size_t)limit : count;
    struct json_writer *writer = &visit->writer;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    uint32_t *persons = arena_alloc(&visit->scratch, (count + 1) * sizeof *persons);
    for (size_t i = 0; i < count; i++) {
        persons[i] = rows[i].person;
        json_object_begin(writer);
        if (!put_case_fields(visit, &rows[i], err))
            return false;
        json_object_end(writer);
    }
    json_array_end(writer);
    char next[32] = "";
    if (more)
        cursor_format(rows[count - 1].no, next);
    put_text_or_null(writer, "next", more ? slice_of(next) : (struct slice){NULL, 0});
    json_object_end(writer);
    return audit(visit, "case.list", persons, count, "person_no,name,area,kind,at,recorded_at",
                 err);
}

static bool handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct visit visit;
    bool done = visit_begin(&visit, request, response, err) && list_cases(&visit, err);
    return visit_end(&visit, done, response, err);
}

/* ---- GET /cases/{id} */

struct lane {
    uint32_t venue;
    size_t count; /* visits */
};

/* The stays while infectious: those that began in the window, and the one under way when it begins.
 */
struct infectious {
    struct case_range window;
    struct trace_completeness known;
    bool under_way;
    struct trace_visit first; /* of under_way */
};

static int by_venue_then_time(const void *a, const void *b)
{
    const struct trace_visit *x = a, *y = b;
    if (x->venue != y->venue)
        return x->venue < y->venue ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

/* Busiest venue first. */
static int by_count(const void *a, const void *b)
{
    const struct lane *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->venue > y->venue) - (x->venue < y->venue);
}

/* How a visit lies to the window: "under_way", "within" or "outside". */
static struct slice place_in_window(const struct infectious *infectious,
                                    const struct trace_visit *v)
{
    if (infectious->under_way && v->time == infectious->first.time &&
        v->venue == infectious->first.venue)
        return SLICE("under_way");
    return v->time >= infectious->window.from && v->time < infectious->window.to ? SLICE("within")
                                                                                 : SLICE("outside");
}

static void put_lane_visit(struct json_writer *writer, const struct trace_visit *v,
                           const struct infectious *infectious,
                           const struct venue_category *category)
{
    json_object_begin(writer);
    json_field_time(writer, "time", v->time * SECOND);
    json_field_text(writer, "mode", slice_of(scan_mode_name(scan_flags_mode(v->flags))));
    json_field_text(writer, "evidence",
                    slice_of(scan_evidence_name(scan_flags_evidence(v->flags))));
    json_field_text(writer, "decision",
                    slice_of(scan_decision_name(scan_flags_decision(v->flags))));
    json_field_double(writer, "dwell_p50_minutes", category->dwell_median_minutes);
    json_field_double(writer, "dwell_p90_minutes", category->dwell_p90_minutes);
    json_field_text(writer, "infectious", place_in_window(infectious, v));
    json_object_end(writer);
}

static bool put_lane(struct visit *visit, const struct lane *lane, const struct trace_visit *visits,
                     size_t visit_count, const struct infectious *infectious, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    const struct policy *policy = visit->platform->policy;
    const struct venue *venue;
    if (!find_venue(visit, lane->venue, &venue, err))
        return false;
    const struct venue_category *category =
        policy_category(policy, policy_category_of(policy, venue->category));
    json_object_begin(writer);
    json_field_int64(writer, "venue_no", lane->venue);
    put_text_or_null(writer, "venue", venue->name);
    json_field_text(writer, "category", venue->category);
    put_area(visit, "area", venue->area_no);
    json_key(writer, "visits");
    json_array_begin(writer);
    for (size_t i = 0; i < visit_count; i++)
        if (visits[i].venue == lane->venue)
            put_lane_visit(writer, &visits[i], infectious, category);
    json_array_end(writer);
    json_object_end(writer);
    return true;
}

static bool put_lanes(struct visit *visit, const struct trace_result *result,
                      const struct infectious *infectious, struct error *err)
{
    size_t count = result->visit_count, lane_count = 0;
    struct trace_visit *visits = arena_alloc(&visit->scratch, (count + 1) * sizeof *visits);
    struct lane *lanes = arena_alloc(&visit->scratch, (count + 1) * sizeof *lanes);
    if (count) {
        memcpy(visits, result->visits, count * sizeof *visits);
        qsort(visits, count, sizeof *visits, by_venue_then_time);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || visits[i].venue != visits[i - 1].venue)
            lanes[lane_count++].venue = visits[i].venue;
        lanes[lane_count - 1].count++;
    }
    if (lane_count)
        qsort(lanes, lane_count, sizeof *lanes, by_count);
    json_key(&visit->writer, "lanes");
    json_array_begin(&visit->writer);
    for (size_t i = 0; i < lane_count; i++) {
        size_t first = 0;
        while (visits[first].venue != lanes[i].venue)
            first++;
        if (!put_lane(visit, &lanes[i], visits + first, lanes[i].count, infectious, err))
            return false;
    }
    json_array_end(&visit->writer);
    return true;
}

static bool put_status(struct visit *visit, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    struct decision decision;
    if (!status_decide_at(visit->platform, (struct person_no){visit->row.person},
                          world_now(visit->platform->world), &visit->scratch, &decision, err))
        return false;
    json_key(writer, "status");
    json_object_begin(writer);
    json_field_text(writer, "color", slice_of(color_name(decision.color)));
    json_field_time(writer, "since", decision.since);
    json_field_time(writer, "until", decision.until);
    json_key(writer, "reasons");
    json_array_begin(writer);
    for (size_t i = 0; i < decision.reason_count; i++) {
        json_object_begin(writer);
        json_field_text(writer, "rule", slice_of(decision.reasons[i].rule));
        json_field_int64(writer, "evidence", decision.reasons[i].evidence);
        json_field_time(writer, "until", decision.reasons[i].until);
        json_key(writer, "words");
        json_object_begin(writer);
        json_field_text(writer, "zh", slice_of(decision.reasons[i].words.zh));
        json_field_text(writer, "en", slice_of(decision.reasons[i].words.en));
        json_object_end(writer);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
    return true;
}

static struct trace_request infectious_request(const struct visit *visit)
{
    struct case_range window = case_window(visit->platform->policy, &visit->row);
    return (struct trace_request){.person = {visit->row.person},
                                  .from = window.from,
                                  .to = window.to,
                                  .model = TRACE_DWELL,
                                  .under_way = true};
}

/* The stays alone: the run looks no further than each one's own minute. */
static bool read_infectious(struct visit *visit, struct infectious *out, struct error *err)
{
    struct trace_request trace = infectious_request(visit);
    struct trace_result result;
    trace.minutes = 1;
    if (!trace_run(visit->tracer, visit->view, &trace, &result, err) ||
        !trace_completeness_of(visit->tracer, visit->view, &result, err))
        return false;
    *out = (struct infectious){.window = {trace.from, trace.to},
                               .known = result.completeness,
                               .under_way = result.under_way};
    if (result.under_way)
        out->first = result.visits[0];
    return true;
}

static void put_window_and_days(struct visit *visit, const struct infectious *infectious,
                                int32_t first, int32_t last)
{
    struct json_writer *writer = &visit->writer;
    const struct case_range *window = &infectious->window;
    char text[TIME_TEXT_BYTES];
    json_key(writer, "window");
    json_object_begin(writer);
    json_field_time(writer, "from", window->from * SECOND);
    json_field_time(writer, "to", (window->to - 1) * SECOND);
    json_field_int64(writer, "visits", infectious->known.visits);
    json_field_int64(writer, "visits_direct", infectious->known.visits_direct);
    json_field_int64(writer, "venues", infectious->known.venues);
    json_field_int64(writer, "under_way", infectious->under_way);
    json_object_end(writer);
    json_key(writer, "days");
    json_array_begin(writer);
    for (int32_t day = first; day <= last; day++)
        json_put_text(writer, slice_of(time_format_date(day, text)));
    json_array_end(writer);
}

/* The visits of the lanes come from a run that looks no further than each visit's own second. */
static bool show_case(struct visit *visit, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    struct trace_result result;
    struct infectious infectious;
    int32_t first, last;
    if (!take_case(visit, err) || !begin_tracing(visit, err) ||
        !read_infectious(visit, &infectious, err))
        return false;
    case_lane_days(visit->platform->policy, &visit->row, &first, &last);
    struct trace_request trace = {.person = {visit->row.person},
                                  .from = time_day_start_seconds(first),
                                  .to = time_day_start_seconds(last + 1),
                                  .model = TRACE_WINDOW};
    if (!trace_run(visit->tracer, visit->view, &trace, &result, err) ||
        !trace_completeness_of(visit->tracer, visit->view, &result, err))
        return false;
    json_object_begin(writer);
    if (!put_case_fields(visit, &visit->row, err))
        return false;
    put_window_and_days(visit, &infectious, first, last);
    if (!put_lanes(visit, &result, &infectious, err) || !put_status(visit, err))
        return false;
    json_key(writer, "completeness");
    trace_completeness_write(writer, &result.completeness);
    json_object_end(writer);
    return audit(visit, "case.read", &visit->row.person, 1,
                 "person_no,name,area,kind,at,recorded_at,visits,status", err);
}

static bool handle_case(const struct request *request, struct response *response, struct error *err)
{
    struct visit visit;
    bool done = visit_begin(&visit, request, response, err) && show_case(&visit, err);
    return visit_end(&visit, done, response, err);
}

/* ---- GET /cases/{id}/exposures */

static bool read_model(const struct request *request, struct trace_request *trace,
                       struct error *err)
{
    struct slice model = request_query(request, "model");
    struct slice minutes = request_query(request, "minutes");
    int64_t number = 0;
    if (!trace_model_of(model.data ? model : SLICE("dwell"), &trace->model))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "model"},
                         "window or dwell", "unknown model");
    if (minutes.data && !slice_to_int64(minutes, 0, MINUTES_MAX, &number))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "minutes"},
                         "a whole number from 0 to 10080", "not such a number");
    trace->minutes = minutes.data ? (int)number : trace->model == TRACE_WINDOW ? 120 : 0;
    return true;
}

static bool put_places(struct visit *visit, const struct trace_place *places, size_t count,
                       struct error *err)
{
    struct json_writer *writer = &visit->writer;
    json_key(writer, "places");
    json_array_begin(writer);
    for (size_t i = 0; i < count && i < PLACES_LISTED; i++) {
        const struct trace_place *place = &places[i];
        const struct venue *venue;
        if (!find_venue(visit, place->venue, &venue, err))
            return false;
        json_object_begin(writer);
        json_field_int64(writer, "venue_no", place->venue);
        put_text_or_null(writer, "venue", venue->name);
        json_field_time(writer, "index_time", place->index_time * SECOND);
        json_field_time(writer, "time", place->time * SECOND);
        json_field_int64(writer, "gap_s",
                         place->time > place->index_time ? place->time - place->index_time
                                                         : place->index_time - place->time);
        put_weight(writer, (double)place->weight);
        json_object_end(writer);
    }
    json_array_end(writer);
    return true;
}

/* `places` are ordered by person. */
static bool put_exposed(struct visit *visit, const struct trace_result *result, size_t i,
                        const struct trace_place *places, size_t place_count, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    uint32_t person = result->person[i];
    struct slice name;
    bool within;
    size_t first = 0, high = place_count, count = 0;
    while (first < high) {
        size_t middle = first + (high - first) / 2;
        if (places[middle].person < person)
            first = middle + 1;
        else
            high = middle;
    }
    while (first + count < place_count && places[first + count].person == person)
        count++;
    if (!masked_name(visit, person, &name, &within, err))
        return false;
    struct status_entry entry = status_get(visit->platform->status, (struct person_no){person},
                                           world_now(visit->platform->world));
    enum color color = entry.flags & STATUS_KNOWN ? entry.color : COLOR_UNKNOWN;
    json_object_begin(writer);
    json_field_int64(writer, "person_no", person);
    put_text_or_null(writer, "name", name);
    put_text_or_null(writer, "color",
                     within ? slice_of(color_name(color)) : (struct slice){NULL, 0});
    put_weight(writer, (double)result->weight[i]);
    json_field_int64(writer, "co_visits", result->co_visits[i]);
    json_field_int64(writer, "closest_gap_s", result->closest_gap_seconds[i]);
    if (!put_places(visit, places + first, count, err))
        return false;
    json_object_end(writer);
    return true;
}

static void put_summary(struct json_writer *writer, const struct trace_result *result)
{
    json_key(writer, "summary");
    json_object_begin(writer);
    json_field_int64(writer, "visits", (int64_t)result->visit_count);
    json_field_int64(writer, "under_way", result->under_way);
    json_field_int64(writer, "venues", result->completeness.venues);
    json_field_int64(writer, "exposed", (int64_t)result->count);
    json_field_int64(writer, "rows_read", result->rows_read);
    json_field_double(writer, "seconds", result->seconds);
    json_key(writer, "completeness");
    trace_completeness_write(writer, &result->completeness);
    json_object_end(writer);
}

/* The cursor is the rank handed out last: the order is fixed by the stored events, which for a
 * past window change only by late arrivals. */
static bool show_exposures(struct visit *visit, struct error *err)
{
    struct json_writer *writer = &visit->writer;
    struct trace_request asked = {0};
    struct trace_result result;
    struct trace_place *places = NULL;
    int64_t limit, after;
    size_t place_count = 0;
    if (!request_limit(visit->request, &limit, err) ||
        !request_cursor(visit->request, &after, err) || !read_model(visit->request, &asked, err) ||
        !take_case(visit, err) || !begin_tracing(visit, err))
        return false;
    struct trace_request trace = infectious_request(visit);
    trace.model = asked.model;
    trace.minutes = asked.minutes;
    if (!trace_run(visit->tracer, visit->view, &trace, &result, err) ||
        !trace_completeness_of(visit->tracer, visit->view, &result, err))
        return false;
    size_t first = (uint64_t)after < result.count ? (size_t)after : result.count;
    size_t count = result.count - first < (size_t)limit ? result.count - first : (size_t)limit;
    if (count && !trace_places(visit->tracer, visit->view, &trace, result.person + first, count,
                               &visit->scratch, &places, &place_count, err))
        return false;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = first; i < first + count; i++)
        if (!put_exposed(visit, &result, i, places, place_count, err))
            return false;
    json_array_end(writer);
    char next[32] = "";
    bool more = first + count < result.count;
    if (more)
        cursor_format((int64_t)(first + count), next);
    put_text_or_null(writer, "next", more ? slice_of(next) : (struct slice){NULL, 0});
    put_summary(writer, &result);
    json_object_end(writer);
    return audit(visit, "case.exposures", result.person + first, count,
                 "person_no,name,color,places", err);
}

static bool handle_exposures(const struct request *request, struct response *response,
                             struct error *err)
{
    struct visit visit;
    bool done = visit_begin(&visit, request, response, err) && show_exposures(&visit, err);
    return visit_end(&visit, done, response, err);
}

/* ---- The table */

#define OPENS_CASE                                                                                 \
    (FIELD_BIT(FIELD_NAME) | FIELD_BIT(FIELD_HOME) | FIELD_BIT(FIELD_STATUS) |                     \
     FIELD_BIT(FIELD_EVIDENCE))
#define OPENS_PLACES FIELD_BIT(FIELD_PLACES)

const struct route tracing_routes[TRACING_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/cases",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = OPENS_CASE,
     .permission = PERMISSION_BIT(PERMIT_CASE_READ),
     .opens_identity = true,
     .summary = "Cases of the reader's area, newest first",
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor;"
              "area:string:area code within the reader's own",
     .response_schema = CASES_PAGE,
     .handle = handle_list},
    {.method = HTTP_GET,
     .path = "/cases/{id}",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = OPENS_CASE | OPENS_PLACES,
     .permission = PERMISSION_BIT(PERMIT_CASE_READ),
     .opens_identity = true,
     .summary = "A case with the lanes of its last days, its status and what is not known",
     .response_schema = CASE_PAGE,
     .handle = handle_case},
    {.method = HTTP_GET,
     .path = "/cases/{id}/exposures",
     .access = ROUTE_USER,
     .touches = TOUCH_PERSONS,
     .fields = OPENS_CASE | OPENS_PLACES,
     .shed = SHED_HISTORY,
     .permission = PERMISSION_BIT(PERMIT_CASE_READ) | PERMISSION_BIT(PERMIT_TRACE_RUN),
     .opens_identity = true,
     .summary = "Who was where with a case, greatest weight first",
     .query = "model:string:dwell or window, default dwell;"
              "minutes:integer:window 0 to 10080, default 120;"
              "limit:integer:1 to 1000, default 100;after:string:cursor",
     .response_schema = EXPOSURES_PAGE,
     .handle = handle_exposures},
};
