/* `chengmai trace`: NDJSON, one exposed person a line, then the summary. */
#include <math.h>
#include <stdlib.h>

#include "tracing/tracing_internal.h"

enum { PLACES_LISTED = 20, CHUNK_PERSONS = 1000, VENUE_SLOTS = 4096 };

struct trace_output {
    struct command_context *context;
    struct sql *sql;
    struct slice source;
    struct arena arena;  /* of a chunk */
    struct arena venues; /* of the run: the latest external id of a slot */
    struct {
        uint32_t no;
        struct slice id;
    } venue_ids[VENUE_SLOTS];
    struct buffer line;
};

static bool external_id(struct trace_output *out, enum registry_kind kind, uint32_t no,
                        struct arena *arena, struct slice *ret_id, struct error *err)
{
    if (!registry_external_id(out->sql, kind, out->source, no, arena, ret_id, err))
        return false;
    if (!ret_id->data)
        *ret_id = slice_of(arena_print(arena, "#%u", no));
    return true;
}

/* Venues come again and again, persons once. */
static bool venue_id(struct trace_output *out, uint32_t no, struct slice *ret_id,
                     struct error *err)
{
    size_t slot = no % VENUE_SLOTS;
    if (out->venue_ids[slot].no != no) {
        if (!external_id(out, REGISTRY_VENUE, no, &out->venues, &out->venue_ids[slot].id, err))
            return false;
        out->venue_ids[slot].no = no;
    }
    *ret_id = out->venue_ids[slot].id;
    return true;
}

/* Six digits are more than the model knows; 1 stays 1. */
static void put_weight(struct json_writer *writer, double weight)
{
    json_field_double(writer, "weight", round(weight * 1e6) / 1e6);
}

static bool put_places(struct trace_output *out, struct json_writer *writer,
                       const struct trace_place *places, size_t count, struct error *err)
{
    json_key(writer, "places");
    json_array_begin(writer);
    for (size_t i = 0; i < count && i < PLACES_LISTED; i++) {
        struct slice venue;
        int64_t gap = (int64_t)places[i].time - places[i].index_time;
        if (!venue_id(out, places[i].venue, &venue, err))
            return false;
        json_object_begin(writer);
        json_field_text(writer, "venue", venue);
        json_field_time(writer, "index_time", places[i].index_time * SECOND);
        json_field_time(writer, "time", places[i].time * SECOND);
        json_field_int64(writer, "gap_s", gap < 0 ? -gap : gap);
        put_weight(writer, (double)places[i].weight);
        json_object_end(writer);
    }
    json_array_end(writer);
    return true;
}

static int by_person(const void *key, const void *place)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct trace_place *)place)->person;
    return (a > b) - (a < b);
}

static bool put_line(struct trace_output *out, struct error *err)
{
    buffer_append(&out->line, "\n", 1);
    if (out->line.overflow)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "trace"},
                         "lines of at most 1 MiB", "external ids are too long");
    return fwrite(out->line.data, 1, out->line.length, out->context->out) == out->line.length ||
           error_set_errno(err, "standard output", "write");
}

static bool put_person(struct trace_output *out, const struct trace_result *result, size_t i,
                       const struct trace_place *places, size_t place_count, struct error *err)
{
    const struct trace_place *first =
        place_count ? bsearch(&result->person[i], places, place_count, sizeof *places, by_person)
                    : NULL;
    size_t count = 0;
    if (first) {
        while (first > places && first[-1].person == result->person[i])
            first--;
        while (first + count < places + place_count && first[count].person == result->person[i])
            count++;
    }
    struct slice person;
    struct json_writer writer;
    if (!external_id(out, REGISTRY_PERSON, result->person[i], &out->arena, &person, err))
        return false;
    buffer_clear(&out->line);
    json_writer_init(&writer, &out->line);
    json_object_begin(&writer);
    json_field_text(&writer, "person", person);
    put_weight(&writer, (double)result->weight[i]);
    json_field_int64(&writer, "co_visits", result->co_visits[i]);
    json_field_int64(&writer, "closest_gap_s", result->closest_gap_seconds[i]);
    bool done = put_places(out, &writer, first, count, err);
    if (done)
        json_object_end(&writer);
    json_writer_release(&writer);
    return done && put_line(out, err);
}

void trace_completeness_write(struct json_writer *writer, const struct trace_completeness *c)
{
    json_object_begin(writer);
    json_field_int64(writer, "visits", c->visits);
    json_field_int64(writer, "visits_direct", c->visits_direct);
    json_field_double(writer, "share_direct",
                      c->visits ? (double)c->visits_direct / (double)c->visits : 0);
    json_field_int64(writer, "venues_visited", c->venues);
    json_field_int64(writer, "venues_silent", c->venues_silent);
    json_field_int64(writer, "days", c->days);
    json_field_int64(writer, "days_missing", c->days_missing);
    json_object_end(writer);
}

static bool put_summary(struct trace_output *out, const struct trace_result *result,
                        struct error *err)
{
    struct json_writer writer;
    buffer_clear(&out->line);
    json_writer_init(&writer, &out->line);
    json_object_begin(&writer);
    json_key(&writer, "summary");
    json_object_begin(&writer);
    json_field_int64(&writer, "visits", (int64_t)result->visit_count);
    json_field_int64(&writer, "venues", result->completeness.venues);
    json_field_int64(&writer, "exposed", (int64_t)result->count);
    json_field_int64(&writer, "rows_read", result->rows_read);
    json_field_double(&writer, "seconds", result->seconds);
    json_key(&writer, "completeness");
    trace_completeness_write(&writer, &result->completeness);
    json_object_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return put_line(out, err);
}

/* Lists all exposed persons, a chunk at a time; columns are copied because places reuse the tracer. */
static bool list_exposed(struct trace_output *out, struct tracer *tracer,
                         struct presence_view *view, const struct trace_request *request,
                         const struct trace_result *result, struct error *err)
{
    bool done = true;
    for (size_t first = 0; done && first < result->count; first += CHUNK_PERSONS) {
        size_t count = result->count - first < CHUNK_PERSONS ? result->count - first
                                                             : (size_t)CHUNK_PERSONS;
        struct trace_place *places;
        size_t place_count;
        arena_clear(&out->arena);
        done = trace_places(tracer, view, request, result->person + first, count, &out->arena,
                            &places, &place_count, err);
        for (size_t i = 0; done && i < count; i++)
            done = put_person(out, result, first + i, places, place_count, err);
    }
    return done;
}

/* Before anything is shown. */
static bool audit_run(struct platform *platform, const struct trace_request *request,
                      const struct trace_result *result, struct error *err)
{
    struct audited entry = {.actor = SLICE("command line"),
                            .act = SLICE("trace"),
                            .purpose = SLICE("duty:command-line"),
                            .fields = SLICE("external_id,places"),
                            .person = request->person.n,
                            .count = (int64_t)result->count};
    return trace_audit(platform, &entry, err);
}

static bool run(struct trace_output *out, const struct trace_request *request, struct error *err)
{
    struct platform *platform = out->context->platform;
    struct tracer *tracer = NULL;
    struct presence_view *view = NULL;
    struct trace_result result;
    bool done = tracer_create(platform, &tracer, err) &&
                presence_view_begin(platform->presence, &view, err) &&
                trace_run(tracer, view, request, &result, err) &&
                trace_completeness_of(tracer, view, &result, err) &&
                audit_run(platform, request, &result, err) &&
                list_exposed(out, tracer, view, request, &result, err) &&
                put_summary(out, &result, err);
    presence_view_end(view);
    tracer_free(tracer);
    return done;
}

static bool parse_options(int *argc, char **argv, struct trace_request *request,
                          const char **ret_person, const char **ret_source, struct error *err)
{
    const char *from, *to, *model, *minutes;
    timestamp first, last;
    int64_t number = 0;
    if (!command_option(argc, argv, "--person", ret_person, err) ||
        !command_option(argc, argv, "--source", ret_source, err) ||
        !command_option(argc, argv, "--from", &from, err) ||
        !command_option(argc, argv, "--to", &to, err) ||
        !command_option(argc, argv, "--model", &model, err) ||
        !command_option(argc, argv, "--minutes", &minutes, err))
        return false;
    struct error_place place = {.source = "trace"};
    if (!*ret_person || !from || !to || *argc)
        return error_set(err, ERROR_USAGE, place, "--person ID --from T --to T",
                         "an option is missing or unknown");
    if (!time_parse(slice_of(from), &first) || !time_parse(slice_of(to), &last))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--from, --to"},
                         "RFC 3339 times with their offset", "not a time");
    if (!trace_model_of(slice_of(model ? model : "dwell"), &request->model))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--model"},
                         "window or dwell", "unknown model");
    if (minutes && !slice_to_int64(slice_of(minutes), 0, 10080, &number))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--minutes"},
                         "a whole number from 0 to 10080", "not such a number");
    request->minutes = minutes ? (int)number : request->model == TRACE_WINDOW ? 120 : 0;
    request->from = (first + SECOND - 1) / SECOND;
    request->to = (last + SECOND - 1) / SECOND;
    return true;
}

static int run_trace(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct trace_request request = {0};
    const char *person, *source;
    if (!parse_options(&argc, argv, &request, &person, &source, err))
        return command_fail(err);
    struct platform *platform = context->platform;
    struct trace_output *out = arena_alloc(context->arena, sizeof *out);
    out->context = context;
    out->source = slice_of(source ? source : "default");
    int64_t no = 0;
    if (!store_refuse_sunset(platform->store, err) ||
        !store_read_begin(platform->store, &out->sql, err))
        return command_fail(err);
    bool done =
        registry_lookup(out->sql, REGISTRY_PERSON, out->source, slice_of(person), &no, err);
    if (done && !no)
        done = error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "--person"},
                         "an external id of this source", "there is no person '%s'", person);
    if (done) {
        request.person = (struct person_no){(uint32_t)no};
        arena_init(&out->arena, (size_t)1 << 30);
        arena_init(&out->venues, (size_t)1 << 28);
        buffer_init(&out->line, 1 << 20);
        done = run(out, &request, err);
        arena_release(&out->arena);
        arena_release(&out->venues);
        buffer_release(&out->line);
    }
    store_read_end(platform->store, out->sql);
    return done ? EXIT_DONE : command_fail(err);
}

const struct command tracing_commands[TRACING_COMMANDS] = {
    {.name = "trace",
     .usage = "--person ID [--source NAME] --from T --to T [--model window|dwell] [--minutes M]",
     .words = "who was where with a person: NDJSON, greatest weight first",
     .needs_data = true,
     .run = run_trace},
};
