/* How counts come in: `import series`, and the batch feed POST /series:batch, a line a report. */
#include <stdlib.h>

#include "alerts/alerts_internal.h"

static const struct import_column columns[] = {
    {"channel", true, "a name of `alerts channels`"},
    {"area", true, "code of the area"},
    {"date", true, "YYYY-MM-DD, the day that is counted"},
    {"count", true, "whole number; copies a litre for wastewater"},
    {"total", false, "of how many; required where the channel is a share"},
    {"flow", false, "of wastewater: what the count is multiplied by"},
    {"limit", false, "of wastewater: limit of detection, in the count's unit"},
    {"reported_at", false, "RFC 3339, default now: the latest report of a day wins"},
    {NULL, false, NULL}};

/* ---- import series */

static bool put_row(struct import_batch *batch, struct sql *sql, size_t row, struct error *err)
{
    const struct series_texts texts = {import_field(batch, row, 0), import_field(batch, row, 1),
                                       import_field(batch, row, 2), import_field(batch, row, 3),
                                       import_field(batch, row, 4), import_field(batch, row, 5),
                                       import_field(batch, row, 6), import_field(batch, row, 7)};
    struct series_report report;
    enum series_put put;
    struct error refusal;
    if (!series_report_read(batch->platform, &texts, sql_now(sql), &report, &refusal)) {
        char words[600];
        snprintf(words, sizeof words, "%s; expected: %s", refusal.what, refusal.expected);
        import_reject(batch, row, refusal.field, words);
        return true;
    }
    report.source = batch->source;
    report.import_no = batch->import_no;
    if (!series_put(sql, &report, &put, err))
        return false;
    batch->result->inserted += put == SERIES_INSERTED;
    batch->result->merged += put == SERIES_REPLACED;
    batch->result->unchanged += put == SERIES_SAME || put == SERIES_OLDER;
    if (put == SERIES_OLDER)
        import_warn(batch, row, "reported_at", "older than the report that is held");
    return true;
}

static bool apply(struct import_batch *batch, struct sql *sql, struct error *err)
{
    for (size_t row = 0; row < batch->row_count; row++)
        if (!put_row(batch, sql, row, err))
            return false;
    return true;
}

static bool undo(struct platform *platform, struct sql *sql, int64_t import_no,
                 int64_t *ret_removed, struct error *err)
{
    (void)platform;
    return series_undo(sql, import_no, ret_removed, err);
}

extern const struct import_kind import_series;
const struct import_kind import_series = {.name = "series",
                                          .words = "counts of places by day, for the alert desk",
                                          .columns = columns,
                                          .apply = apply,
                                          .undo = undo};

/* ---- POST /series:batch */

enum { LINES_MAX = 10000, ANSWER_BYTES_MAX = 8 << 20, SOURCE_BYTES_MAX = 64 };

struct line {
    bool taken;
    struct series_report report;
    enum series_put put;
    struct error refusal;
};
struct feed_job {
    struct line *lines;
    size_t count;
};

/* A number or a text, as the text that an import would have. */
static struct slice text_of(json_t *object, const char *name, struct arena *arena)
{
    json_t *value = json_object_get(object, name);
    if (json_is_string(value))
        return (struct slice){json_string_value(value), json_string_length(value)};
    if (!value || json_is_null(value))
        return (struct slice){NULL, 0};
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    struct slice out = {NULL, 0};
    if (text)
        out = (struct slice){arena_copy(arena, text, strlen(text)), strlen(text)};
    free(text);
    return out;
}

static bool read_line(const struct request *request, struct slice text, struct line *line)
{
    static const char *const names[] = {"channel", "area",  "date",        "count",  "total",
                                        "flow",    "limit", "reported_at", "source", NULL};
    struct json_place place = {.source = "line"};
    struct error *err = &line->refusal;
    struct arena *arena = request->arena;
    const struct actor *actor = &request->actor;
    json_t *object = NULL;
    if (!json_read(text, "line", &object, err))
        return false;
    struct series_texts texts = {
        text_of(object, "channel", arena), text_of(object, "area", arena),
        text_of(object, "date", arena),    text_of(object, "count", arena),
        text_of(object, "total", arena),   text_of(object, "flow", arena),
        text_of(object, "limit", arena),   text_of(object, "reported_at", arena)};
    struct slice source = text_of(object, "source", arena);
    bool done = (json_is_object(object) ||
                 error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "line"}, "an object",
                           "not an object")) &&
                json_only_fields(object, names, place, err) &&
                series_report_read(request->platform, &texts, world_now(request->platform->world),
                                   &line->report, err);
    if (done &&
        (line->report.area_no < actor->area_first || line->report.area_no > actor->area_last))
        done = error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "area"},
                         "an area of your own", "the area is not within your authority");
    if (done && source.length > SOURCE_BYTES_MAX)
        done = error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "source"},
                         "at most 64 bytes", "too long");
    if (done)
        line->report.source =
            source.length
                ? (struct slice){arena_copy(arena, source.data, source.length), source.length}
                : SLICE("feed");
    json_decref(object);
    return done;
}

static bool keep(struct sql *sql, void *context, struct error *err)
{
    struct feed_job *job = context;
    for (size_t i = 0; i < job->count; i++)
        if (job->lines[i].taken && !series_put(sql, &job->lines[i].report, &job->lines[i].put, err))
            return false;
    return true;
}

static void put_answer(const struct line *line, size_t number, struct response *response)
{
    static const char *const words[] = {"inserted", "replaced", "unchanged", "older"};
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "line", (int64_t)number);
    json_field_bool(&writer, "done", line->taken);
    if (line->taken) {
        json_field_text(&writer, "put", slice_of(words[line->put]));
    } else {
        json_field_text(&writer, "error", slice_of(error_kind(line->refusal.code)->type));
        json_field_text(&writer, "detail", slice_of(line->refusal.what));
        json_field_text(&writer, "field", slice_of(line->refusal.field));
        json_field_text(&writer, "expected", slice_of(line->refusal.expected));
    }
    json_object_end(&writer);
    json_writer_release(&writer);
    buffer_append_text(&response->body, "\n");
}

bool series_feed_handle(const struct request *request, struct response *response, struct error *err)
{
    struct slice rest = slice_trim(request->body);
    size_t most = rest.length ? 1 : 0;
    for (size_t i = 0; i < rest.length; i++)
        most += rest.data[i] == '\n';
    if (!most || most > LINES_MAX)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "body"},
                         "1 to 10000 lines, each an object", most ? "too many lines" : "no line");
    struct feed_job job = {x_alloc(most, sizeof *job.lines), 0};
    while (rest.length) {
        const char *end = memchr(rest.data, '\n', rest.length);
        struct slice text = {rest.data, end ? (size_t)(end - rest.data) : rest.length};
        size_t used = text.length + (end != NULL);
        rest = (struct slice){rest.data + used, rest.length - used};
        struct line *line = &job.lines[job.count++];
        line->taken = read_line(request, text, line);
    }
    bool done = store_write(request->platform->store, keep, &job, err);
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    response->content_type = "application/x-ndjson";
    for (size_t i = 0; done && i < job.count; i++)
        put_answer(&job.lines[i], i + 1, response);
    free(job.lines);
    return done;
}
