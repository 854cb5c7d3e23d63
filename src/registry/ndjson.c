/* NDJSON imports: objects a line become CSV rows in a temporary file, so that one reader serves both.
 * The columns are the fields of all lines' first appearance order. A line that is no object becomes a
 * row with one field too many, which the reader rejects with its number. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "registry/import.h"

enum { LINE_BYTES = 1 << 20, NAMES_MAX = 64 };

struct converter {
    gzFile in;
    char *line;
    char *names[NAMES_MAX];
    size_t name_count;
};

/* The next line without its end; false at the end of the file. Longer lines come cut. */
static bool next_line(struct converter *c, struct slice *ret_line)
{
    if (!gzgets(c->in, c->line, LINE_BYTES))
        return false;
    *ret_line = (struct slice){c->line, strlen(c->line)};
    if (ret_line->length == LINE_BYTES - 1)
        for (int byte = gzgetc(c->in); byte != '\n' && byte != -1; byte = gzgetc(c->in))
            ;
    *ret_line = slice_trim(*ret_line);
    return true;
}

static void collect_names(struct converter *c, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < c->name_count && strcmp(c->names[i], key) != 0)
            i++;
        if (i == c->name_count && c->name_count < NAMES_MAX)
            c->names[c->name_count++] = strdup(key);
    }
}

static void put_value(struct buffer *out, json_t *value, bool first)
{
    char number[40];
    if (json_is_string(value)) {
        csv_put(out, (struct slice){json_string_value(value), json_string_length(value)}, first);
        return;
    }
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, sizeof number, "%.17g", json_real_value(value));
    else
        snprintf(number, sizeof number, "%s", json_is_true(value) ? "true"
                                              : json_is_false(value) ? "false" : "");
    csv_put(out, slice_of(number), first);
}

static void put_row(struct converter *c, struct buffer *out, json_t *object)
{
    for (size_t i = 0; i < c->name_count; i++)
        put_value(out, json_object_get(object, c->names[i]), i == 0);
    if (!object)
        csv_put(out, SLICE("not a JSON object"), false);
    csv_end(out);
}

static bool convert(struct converter *c, int out_fd, const char *source, struct error *err)
{
    struct slice line;
    struct error ignored;
    for (int pass = 0; pass < 2; pass++) {
        struct buffer out;
        buffer_init(&out, 16 << 20);
        for (size_t i = 0; pass && i < c->name_count; i++)
            csv_put(&out, slice_of(c->names[i]), i == 0);
        if (pass)
            csv_end(&out);
        while (next_line(c, &line)) {
            json_t *object = NULL;
            if (line.length == 0)
                continue;
            if (json_read(line, source, &object, &ignored) && !json_is_object(object)) {
                json_decref(object);
                object = NULL;
            }
            if (pass)
                put_row(c, &out, object);
            else
                collect_names(c, object);
            json_decref(object);
            bool flush = out.length > 1 << 20;
            if (flush && !file_write_all(out_fd, out.data, out.length, source, err))
                return false;
            if (flush)
                buffer_clear(&out);
        }
        bool done = !pass || file_write_all(out_fd, out.data, out.length, source, err);
        buffer_release(&out);
        if (!done)
            return false;
        gzrewind(c->in);
    }
    return true;
}

static bool begins_with_brace(gzFile in)
{
    int byte = gzgetc(in);
    while (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t' || byte == 0xEF ||
           byte == 0xBB || byte == 0xBF)
        byte = gzgetc(in);
    gzrewind(in);
    return byte == '{';
}

bool import_rows_open(int fd, const char *source, struct csv_reader **ret_reader,
                      struct error *err)
{
    if (lseek(fd, 0, SEEK_CUR) < 0) /* a pipe: CSV only, it cannot be read twice */
        return csv_reader_open(fd, source, ret_reader, err);
    int again = dup(fd);
    struct converter c = {.in = again < 0 ? NULL : gzdopen(again, "rb")};
    REQUIRE(c.in);
    if (!begins_with_brace(c.in)) {
        gzclose(c.in);
        lseek(fd, 0, SEEK_SET);
        return csv_reader_open(fd, source, ret_reader, err);
    }
    c.line = x_alloc(1, LINE_BYTES);
    int out = memfd_create("rows", MFD_CLOEXEC);
    bool done = out >= 0 ? convert(&c, out, source, err) : error_set_errno(err, source, "convert");
    gzclose(c.in);
    close(fd);
    free(c.line);
    for (size_t i = 0; i < c.name_count; i++)
        free(c.names[i]);
    if (!done) {
        if (out >= 0)
            close(out);
        return false;
    }
    lseek(out, 0, SEEK_SET);
    return csv_reader_open(out, source, ret_reader, err);
}
