/* POST /venues:import: `import venues` for who has a spreadsheet and no shell.
 *
 *   body (CSV, XLSX, NDJSON) ─► import_run ─► the result of the command line
 *                                   └─ rejected rows ─► "rejects": row, field, reason, values
 *
 * The same framework, the same counts, the same number to take it back by. Rows of venues outside
 * the sender's area are rejected like any other fault. A venue has its code from the moment it is
 * there: codes are made by registering. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checkin/checkin_internal.h"
#include "registry/import.h"

extern const struct import_kind import_venues; /* the registry's */

enum { REJECTS_SHOWN = 1000, SOURCE_BYTES_MAX = 64, NOTES_BYTES_MAX = 1 << 16 };

/* The streams of one run; all in memory. */
struct streams {
    char *result, *rejects, *notes;
    size_t result_bytes, rejects_bytes, notes_bytes;
    FILE *out, *rejected, *words;
};

static bool open_streams(struct streams *streams, struct error *err)
{
    *streams = (struct streams){0};
    streams->out = open_memstream(&streams->result, &streams->result_bytes);
    streams->rejected = open_memstream(&streams->rejects, &streams->rejects_bytes);
    streams->words = open_memstream(&streams->notes, &streams->notes_bytes);
    return (streams->out && streams->rejected && streams->words) ||
           error_set_errno(err, "import", "memory");
}

static void flush_streams(struct streams *streams)
{
    fflush(streams->out);
    fflush(streams->rejected);
    fflush(streams->words);
}

static void close_streams(struct streams *streams)
{
    FILE *const files[] = {streams->out, streams->rejected, streams->words};
    for (size_t i = 0; i < 3; i++)
        if (files[i])
            fclose(files[i]);
    free(streams->result);
    free(streams->rejects);
    free(streams->notes);
}

/* A file without a name that holds these bytes, read from its beginning; −1 where it failed. */
static int file_of(struct slice bytes)
{
    int fd = memfd_create("import", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < bytes.length;) {
        ssize_t written = write(fd, bytes.data + at, bytes.length - at);
        if (written <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)written;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* ---- The answer */

/* The last three columns of a rejected row are row, field, reason. */
static bool put_rejects(json_t *answer, struct slice text, struct error *err)
{
    json_t *rows = json_array(), *columns = json_array();
    json_object_set_new(answer, "columns", columns);
    json_object_set_new(answer, "rejects", rows);
    if (!text.length)
        return true;
    struct csv_reader *reader = NULL;
    const struct csv_row *row = NULL;
    int fd = file_of(text);
    if (fd < 0)
        return error_set_errno(err, "import", "memory");
    if (!csv_reader_open(fd, "rejects", &reader, err))
        return false;
    const struct csv_row *header = csv_reader_header(reader);
    for (size_t i = 0; i + 3 < header->count; i++)
        json_array_append_new(columns,
                              json_stringn(header->fields[i].data, header->fields[i].length));
    bool done;
    while ((done = csv_reader_next(reader, &row, err)) && row &&
           json_array_size(rows) < REJECTS_SHOWN) {
        size_t own = row->count >= 3 ? row->count - 3 : 0;
        json_t *values = json_array(), *shown = json_object();
        int64_t number = 0;
        for (size_t i = 0; i < own; i++) {
            struct slice value = import_unprotect(row->fields[i]);
            json_array_append_new(values, json_stringn_nocheck(value.data, value.length));
        }
        if (own && slice_to_int64(row->fields[own], 0, INT64_MAX, &number)) {
            json_object_set_new(shown, "row", json_integer(number));
            json_object_set_new(
                shown, "field",
                json_stringn(row->fields[own + 1].data, row->fields[own + 1].length));
            json_object_set_new(
                shown, "reason",
                json_stringn(row->fields[own + 2].data, row->fields[own + 2].length));
        }
        json_object_set_new(shown, "values", values);
        json_array_append_new(rows, shown);
    }
    csv_reader_free(reader);
    return done;
}

/* What people read: notes and warnings, a line each. */
static void put_notes(json_t *answer, struct slice text)
{
    json_t *notes = json_array();
    while (text.length) {
        const char *stop = memchr(text.data, '\n', text.length);
        size_t length = stop ? (size_t)(stop - text.data) : text.length;
        if (length)
            json_array_append_new(notes, json_stringn(text.data, length));
        size_t used = stop ? length + 1 : length;
        text = (struct slice){text.data + used, text.length - used};
    }
    json_object_set_new(answer, "notes", notes);
}

static bool write_answer(const struct streams *streams, struct response *response,
                         struct error *err)
{
    json_t *answer = json_loadb(streams->result, streams->result_bytes, 0, NULL);
    REQUIRE(answer != NULL);
    size_t notes = streams->notes_bytes > NOTES_BYTES_MAX ? NOTES_BYTES_MAX : streams->notes_bytes;
    bool done = put_rejects(answer, (struct slice){streams->rejects, streams->rejects_bytes}, err);
    put_notes(answer, (struct slice){streams->notes, notes});
    char *text = json_dumps(answer, JSON_COMPACT);
    buffer_append_text(&response->body, text);
    free(text);
    json_decref(answer);
    return done;
}

/* ---- The run */

static bool run_import(const struct request *request, const char *source, bool dry_run,
                       struct streams *streams, struct error *err)
{
    int fd = file_of(request->body);
    if (fd < 0)
        return error_set_errno(err, "import", "memory");
    struct command_context context = {.platform = request->platform,
                                      .arena = request->arena,
                                      .out = streams->out,
                                      .words = streams->words,
                                      .in_fd = fd,
                                      .working_directory_fd = -1};
    struct import_options options = {.source = source,
                                     .actor = slice_of(request->actor.name),
                                     .dry_run = dry_run,
                                     .rejects = streams->rejected,
                                     .area_first = request->actor.area_first,
                                     .area_last = request->actor.area_last};
    bool rejected;
    bool done = import_run(&context, &import_venues, "-", &options, &rejected, err);
    close(fd);
    flush_streams(streams);
    return done;
}

static bool read_query(const struct request *request, const char **ret_source, bool *ret_dry_run,
                       struct error *err)
{
    struct slice source = request_query(request, "source"), dry = request_query(request, "dry_run");
    *ret_source =
        source.length ? arena_copy(request->arena, source.data, source.length) : "default";
    *ret_dry_run = slice_equal(dry, SLICE("true"));
    if (source.length > SOURCE_BYTES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "source"},
                         "at most 64 bytes", "too long");
    if (dry.length && !*ret_dry_run && !slice_equal(dry, SLICE("false")))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "dry_run"},
                         "true or false", "neither");
    return request->body.length ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "body"},
                     "a sheet of venues: CSV, XLSX or NDJSON", "nothing was sent");
}

bool checkin_handle_import(const struct request *request, struct response *response,
                           struct error *err)
{
    struct platform *platform = request->platform;
    struct streams streams;
    const char *source;
    bool dry_run;
    if (!read_query(request, &source, &dry_run, err))
        return false;
    bool done = open_streams(&streams, err) &&
                run_import(request, source, dry_run, &streams, err) &&
                write_answer(&streams, response, err);
    close_streams(&streams);
    return done && (dry_run || checkin_reload_venues(platform->checkin, err));
}
