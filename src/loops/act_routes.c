/* Acts of hands over HTTP. Every act answers when it is durable; of many at once each has its own
 * answer. */
#include <stdlib.h>

#include "loops/act_routes.h"
#include "loops/loops_internal.h"

enum { BODY_BYTES_MAX = 32 << 20, STEPS_MAX = 5000 };

static void put_outcome(struct json_writer *writer, const struct loop_outcome *outcome)
{
    json_field_int64(writer, "id", outcome->loop_no);
    json_field_text(writer, "stage", slice_of(outcome->stage ? outcome->stage : ""));
    json_field_bool(writer, "joined", outcome->joined);
    json_key(writer, "missing");
    json_array_begin(writer);
    for (size_t i = 0; outcome->missing[i]; i++)
        json_put_text(writer, slice_of(outcome->missing[i]));
    json_array_end(writer);
}

static bool answer(const struct loop_outcome *outcome, struct response *response)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_outcome(&writer, outcome);
    json_object_end(&writer);
    json_writer_release(&writer);
    if (outcome->missing[0])
        response->status = 202;
    return true;
}

static bool read_step(json_t *object, bool with_id, int64_t row, struct loop_step *step,
                      struct error *err)
{
    static const char *const names[] = {"to", "fields", "note", NULL};
    static const char *const all[] = {"id", "to", "fields", "note", NULL};
    struct json_place place = {.source = "body", .row = row, .required = true};
    struct json_place optional = {.source = "body", .row = row};
    step->fields = json_object_get(object, "fields");
    if (!json_only_fields(object, with_id ? all : names, place, err) ||
        !json_text(object, "to", place, &step->to, err) ||
        !json_text(object, "note", optional, &step->note, err) ||
        (with_id &&
         !json_int64(object, "id", place, 1, ((int64_t)1 << 60) - 1, &step->loop_no, err)))
        return false;
    return !step->fields || json_is_object(step->fields) ||
           error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = "body", .row = row, .field = "fields"},
                     "an object", "not an object");
}

bool loop_handle_advance(const struct request *request, struct response *response,
                         struct error *err)
{
    struct loop_step step = {.loop_no = 0};
    struct loop_outcome outcome;
    json_t *body;
    return loop_path_number(request, &step.loop_no, err) && request_json(request, &body, err) &&
           read_step(body, false, 0, &step, err) &&
           loops_advance(request->platform->loops, &request->actor, &step, request->arena, &outcome,
                         err) &&
           answer(&outcome, response);
}

bool loop_handle_sign(const struct request *request, struct response *response, struct error *err)
{
    static const char *const names[] = {NULL};
    struct json_place place = {.source = "body"};
    struct loop_outcome outcome;
    json_t *body;
    int64_t no;
    return loop_path_number(request, &no, err) && request_json(request, &body, err) &&
           json_only_fields(body, names, place, err) &&
           loops_sign(request->platform->loops, &request->actor, no, request->arena, &outcome,
                      err) &&
           answer(&outcome, response);
}

bool loop_handle_claim(const struct request *request, struct response *response, struct error *err)
{
    static const char *const names[] = {"release", NULL};
    struct json_place place = {.source = "body"};
    struct loop_outcome outcome;
    json_t *body;
    int64_t no;
    if (!loop_path_number(request, &no, err) || !request_json(request, &body, err) ||
        !json_only_fields(body, names, place, err))
        return false;
    json_t *release = json_object_get(body, "release");
    if (release && !json_is_boolean(release))
        return loop_bad_value("release", "true or false", "neither", err);
    return loops_claim(request->platform->loops, &request->actor, no, json_is_true(release),
                       request->arena, &outcome, err) &&
           answer(&outcome, response);
}

bool loop_handle_note(const struct request *request, struct response *response, struct error *err)
{
    static const char *const names[] = {"note", "photos", NULL};
    struct json_place place = {.source = "body"};
    struct loop_outcome outcome;
    struct slice note;
    json_t *body;
    int64_t no;
    return loop_path_number(request, &no, err) && request_json(request, &body, err) &&
           json_only_fields(body, names, place, err) &&
           json_text(body, "note", place, &note, err) &&
           loops_note(request->platform->loops, &request->actor, no, note,
                      json_object_get(body, "photos"), &outcome, err) &&
           answer(&outcome, response);
}

bool loop_handle_take(const struct request *request, struct response *response, struct error *err)
{
    static const char *const names[] = {"note", "close", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct loop_outcome outcome;
    struct slice note;
    json_t *body;
    int64_t no;
    if (!loop_path_number(request, &no, err) || !request_json(request, &body, err) ||
        !json_only_fields(body, names, place, err) || !json_text(body, "note", place, &note, err))
        return false;
    json_t *close = json_object_get(body, "close");
    if (close && !json_is_boolean(close))
        return loop_bad_value("close", "true or false", "neither", err);
    return loops_take_over(request->platform->loops, &request->actor, no, note, json_is_true(close),
                           request->arena, &outcome, err) &&
           answer(&outcome, response);
}

bool loop_handle_open(const struct request *request, struct response *response, struct error *err)
{
    static const char *const names[] = {"scene", "subject", "area", "fields", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct json_place optional = {.source = "body"};
    struct loop_opening opening = {.area = NULL};
    struct loop_outcome outcome;
    struct slice area;
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, names, place, err) ||
        !json_text(body, "scene", place, &opening.scene, err) ||
        !json_text(body, "area", optional, &area, err))
        return false;
    opening.subject = json_object_get(body, "subject");
    opening.fields = json_object_get(body, "fields");
    if (json_is_null(opening.subject))
        opening.subject = NULL;
    if (area.data && !(opening.area = registry_area_by_code(request->platform->registry, area)))
        return loop_bad_value("area", "the code of an area", "unknown area", err);
    if (!loops_open_by_hand(request->platform->loops, &request->actor, &opening, &outcome, err))
        return false;
    response->status = outcome.joined ? 200 : 201;
    return answer(&outcome, response);
}

/* ---- Many at once: each for itself */

static void put_result(struct json_writer *writer, int64_t no, const struct loop_outcome *outcome,
                       const struct error *refusal)
{
    json_object_begin(writer);
    json_field_bool(writer, "done", refusal->code == ERROR_NONE);
    if (refusal->code == ERROR_NONE) {
        put_outcome(writer, outcome);
    } else {
        json_field_int64(writer, "id", no);
        json_field_text(writer, "error", slice_of(error_kind(refusal->code)->type));
        json_field_int64(writer, "status", error_kind(refusal->code)->http_status);
        json_field_text(writer, "detail", slice_of(refusal->what));
        json_field_text(writer, "field", slice_of(refusal->field));
        json_field_text(writer, "expected", slice_of(refusal->expected));
    }
    json_object_end(writer);
}

static bool read_steps(json_t *body, struct arena *arena, struct loop_step **ret_steps,
                       size_t *ret_count, struct error *err)
{
    static const char *const names[] = {"items", NULL};
    struct json_place place = {.source = "body", .required = true};
    json_t *items = json_object_get(body, "items"), *item;
    size_t i;
    if (!json_only_fields(body, names, place, err))
        return false;
    if (!json_is_array(items) || !json_array_size(items) || json_array_size(items) > STEPS_MAX)
        return loop_bad_value("items", "a list of 1 to 5000 steps", "not such a list", err);
    *ret_count = json_array_size(items);
    *ret_steps = arena_alloc(arena, *ret_count * sizeof **ret_steps);
    json_array_foreach (items, i, item) {
        if (!json_is_object(item))
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.source = "body", .row = (int64_t)i + 1},
                             "an object", "not an object");
        if (!read_step(item, true, (int64_t)i + 1, &(*ret_steps)[i], err))
            return false;
    }
    return true;
}

bool loop_handle_advance_many(const struct request *request, struct response *response,
                              struct error *err)
{
    struct loop_step *steps;
    struct json_writer writer;
    json_t *body;
    size_t count;
    if (!request_json(request, &body, err) ||
        !read_steps(body, request->arena, &steps, &count, err))
        return false;
    struct loop_outcome *outcomes = arena_alloc(request->arena, count * sizeof *outcomes);
    struct error *refusals = arena_alloc(request->arena, count * sizeof *refusals);
    if (!loops_advance_many(request->platform->loops, &request->actor, steps, count, request->arena,
                            outcomes, refusals, err))
        return false;
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        put_result(&writer, steps[i].loop_no, &outcomes[i], &refusals[i]);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}
