/* The rows of an import, whatever they came as: CSV is read as it is; NDJSON, an object a line, and
 * the first sheet of a spreadsheet become CSV rows in a temporary file, so that one reader serves
 * all; a pipe is first spooled to one, because its form shows only in its first bytes and NDJSON is
 * read twice.
 *
 * The columns of NDJSON are the fields of all its lines in the order of their first appearance. A
 * line that is no flat object becomes a row with one field too many, which the reader rejects by
 * its number. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "registry/import.h"

enum { LINE_BYTES = 1 << 20, NAMES_MAX = 256, CHUNK_BYTES = 1 << 16 };

struct converter {
    gzFile in;
    char *line;
    char *names[NAMES_MAX];
    size_t name_count;
    bool begun; /* the first line was read: no byte order mark can follow */
};

/* The next line without its end and blanks; false at the end of the file. A line longer than a row
 * may be comes cut, and is no object then. */
static bool next_line(struct converter *c, struct slice *ret_line)
{
    size_t length = 0;
    int byte = gzgetc(c->in);
    if (byte == -1)
        return false;
    for (; byte != '\n' && byte != -1; byte = gzgetc(c->in))
        if (length < LINE_BYTES)
            c->line[length++] = (char)byte;
    struct slice line = {c->line, length};
    if (!c->begun && length >= 3 && memcmp(c->line, "\xEF\xBB\xBF", 3) == 0)
        line = (struct slice){c->line + 3, length - 3};
    c->begun = true;
    *ret_line = slice_trim(line);
    return true;
}

/* The object of a line; NULL where it is none, or holds more than plain values. */
static json_t *read_flat_object(struct slice line, const char *source)
{
    json_t *object, *value;
    const char *key;
    struct error ignored;
    if (line.length == LINE_BYTES || !json_read(line, source, &object, &ignored))
        return NULL;
    bool flat = json_is_object(object);
    json_object_foreach(object, key, value) flat = flat && !json_is_object(value) &&
                                                   !json_is_array(value);
    if (flat)
        return object;
    json_decref(object);
    return NULL;
}

static bool collect_names(struct converter *c, json_t *object, const char *source,
                          struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < c->name_count && strcmp(c->names[i], key) != 0)
            i++;
        if (i < c->name_count)
            continue;
        if (i == NAMES_MAX)
            return error_set(err, ERROR_TOO_LARGE,
                             (struct error_place){.source = source, .field = key},
                             "at most 256 different fields", "too many different fields");
        c->names[c->name_count++] = strdup(key);
    }
    return true;
}

/* The shortest text that gives the same number again. */
static void real_text(double value, char out[40])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 40, "%.*g", digits, value);
        double again = strtod(out, NULL);
        if (again >= value && again <= value)
            return;
    }
}

static void put_value(struct buffer *out, json_t *value, bool first)
{
    char number[40] = "";
    if (json_is_string(value)) {
        csv_put(out, (struct slice){json_string_value(value), json_string_length(value)}, first);
        return;
    }
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        real_text(json_real_value(value), number);
    else if (json_is_boolean(value))
        snprintf(number, sizeof number, "%s", json_is_true(value) ? "true" : "false");
    csv_put(out, slice_of(number), first);
}

static void put_row(struct converter *c, struct buffer *out, json_t *object)
{
    for (size_t i = 0; i < c->name_count; i++)
        put_value(out, json_object_get(object, c->names[i]), i == 0);
    if (!object)
        csv_put(out, SLICE("not a flat JSON object"), false);
    if (out->length == 0 || out->data[out->length - 1] == '\n')
        buffer_append_text(out, "\"\""); /* one empty column must not be an empty line */
    csv_end(out);
}

static bool flush(struct buffer *out, int fd, const char *source, struct error *err)
{
    if (!file_write_all(fd, out->data, out->length, source, err))
        return false;
    buffer_clear(out);
    return true;
}

/* One pass over the lines: the first (out NULL) gathers names, the second writes rows. */
static bool pass(struct converter *c, struct buffer *out, int out_fd, const char *source,
                 struct error *err)
{
    struct slice line;
    c->begun = false;
    while (next_line(c, &line)) {
        if (line.length == 0)
            continue;
        json_t *object = read_flat_object(line, source);
        bool done = true;
        if (out)
            put_row(c, out, object);
        else
            done = collect_names(c, object, source, err);
        json_decref(object);
        if (!done || (out && out->length > 1 << 20 && !flush(out, out_fd, source, err)))
            return false;
    }
    return gzrewind(c->in) == 0 ||
           error_set(err, ERROR_SYNTAX, (struct error_place){.source = source},
                     "a readable plain or gzip file", "the file cannot be read further");
}

static bool convert(struct converter *c, int out_fd, const char *source, struct error *err)
{
    struct buffer out;
    if (!pass(c, NULL, -1, source, err))
        return false;
    if (c->name_count == 0)
        return error_set(err, ERROR_SYNTAX, (struct error_place){.source = source, .row = 1},
                         "NDJSON: one flat object a line", "no line is a JSON object with fields");
    buffer_init(&out, 16 << 20);
    for (size_t i = 0; i < c->name_count; i++)
        csv_put(&out, slice_of(c->names[i]), i == 0);
    csv_end(&out);
    bool done = pass(c, &out, out_fd, source, err) && flush(&out, out_fd, source, err);
    buffer_release(&out);
    return done;
}

/* ---- Files without a name */

/* In the directory (-1: in memory); gone when closed. */
static bool temporary_file(int directory_fd, int *ret_fd, struct error *err)
{
    *ret_fd = directory_fd < 0 ? -1
                               : openat(directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        *ret_fd = memfd_create("rows", MFD_CLOEXEC);
    return *ret_fd >= 0 || error_set_errno(err, "a temporary file", "create");
}

static bool copy_all(int from, int to, const char *source, struct error *err)
{
    for (;;) {
        char chunk[CHUNK_BYTES];
        ssize_t got = read(from, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, source, "read");
        if (got == 0)
            return true;
        if (!file_write_all(to, chunk, (size_t)got, source, err))
            return false;
    }
}

/* Puts what comes out of a pipe in the place of `*fd`. */
static bool spool(int *fd, int directory_fd, const char *source, struct error *err)
{
    int file;
    if (lseek(*fd, 0, SEEK_CUR) >= 0)
        return true;
    if (!temporary_file(directory_fd, &file, err))
        return false;
    bool done = copy_all(*fd, file, source, err);
    close(*fd);
    *fd = file;
    lseek(file, 0, SEEK_SET);
    return done;
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

static bool open_ndjson(gzFile in, int directory_fd, const char *source,
                        struct csv_reader **ret_reader, struct error *err)
{
    int out;
    struct converter c = {.in = in};
    if (!temporary_file(directory_fd, &out, err))
        return false;
    c.line = x_alloc(1, LINE_BYTES);
    bool done = convert(&c, out, source, err);
    free(c.line);
    for (size_t i = 0; i < c.name_count; i++)
        free(c.names[i]);
    if (!done) {
        close(out);
        return false;
    }
    lseek(out, 0, SEEK_SET);
    return csv_reader_open(out, source, ret_reader, err);
}

static bool open_xlsx(int fd, int directory_fd, const char *source, struct csv_reader **ret_reader,
                      struct error *err)
{
    int out;
    if (!temporary_file(directory_fd, &out, err))
        return false;
    if (!xlsx_to_csv(fd, out, source, err)) {
        close(out);
        return false;
    }
    lseek(out, 0, SEEK_SET);
    return csv_reader_open(out, source, ret_reader, err);
}

bool import_rows_open(int fd, const char *source, int directory_fd,
                      struct csv_reader **ret_reader, bool *ret_ndjson, struct error *err)
{
    if (!spool(&fd, directory_fd, source, err)) {
        close(fd);
        return false;
    }
    if (xlsx_begins(fd)) {
        *ret_ndjson = false;
        bool done = open_xlsx(fd, directory_fd, source, ret_reader, err);
        close(fd);
        return done;
    }
    int again = dup(fd);
    gzFile in = again < 0 ? NULL : gzdopen(again, "rb");
    REQUIRE(in);
    *ret_ndjson = begins_with_brace(in);
    if (!*ret_ndjson) {
        gzclose(in);
        lseek(fd, 0, SEEK_SET);
        return csv_reader_open(fd, source, ret_reader, err);
    }
    bool done = open_ndjson(in, directory_fd, source, ret_reader, err);
    gzclose(in);
    close(fd);
    return done;
}
