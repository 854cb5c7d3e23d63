/* CSV over libcsv's push parser: a chunk is parsed into a queue of rows, rows are handed out one by
 * one. Field texts of the chunk's rows live in `texts`, with offsets, because it grows. */
#include "base/csv.h"

#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

enum {
    CHUNK_BYTES = 1 << 16,
    ROW_BYTES_MAX = 1 << 20,
    FIELDS_MAX = 256,
    FIELD_GROWTH_BYTES = 1 << 14, /* libcsv's own 128 make a long field quadratic */
};

struct field_span {
    size_t offset;
    size_t length;
};

struct row_span {
    size_t first_field;
    size_t field_count;
    bool too_long;
    bool malformed;
};

struct csv_reader {
    gzFile file;
    char *source;
    struct csv_parser parser;
    struct buffer texts;       /* of the queued rows and the one being read */
    struct field_span *fields; /* same */
    size_t field_count, field_capacity;
    struct row_span *rows;
    size_t row_count, row_capacity, row_next;
    struct row_span open;      /* the row being read */
    size_t open_bytes;
    int64_t row_number;        /* of the last row handed out */
    bool at_end;
    bool skipping;             /* to the end of the line of a row that was given up */
    struct slice out_fields[FIELDS_MAX];
    struct csv_row out_row;
    struct slice header_fields[FIELDS_MAX];
    struct csv_row header;
    char *header_text;
    char chunk[CHUNK_BYTES];
};

static void on_field(void *data, size_t length, void *context)
{
    struct csv_reader *reader = context;
    reader->open_bytes += length + 1;
    if (reader->open_bytes > ROW_BYTES_MAX || reader->open.field_count >= FIELDS_MAX) {
        reader->open.too_long = true;
        return;
    }
    if (reader->field_count == reader->field_capacity) {
        reader->field_capacity = reader->field_capacity ? reader->field_capacity * 2 : 1024;
        reader->fields =
            x_realloc(reader->fields, reader->field_capacity * sizeof *reader->fields);
    }
    reader->fields[reader->field_count++] = (struct field_span){reader->texts.length, length};
    reader->open.field_count++;
    buffer_append(&reader->texts, data ? data : "", length);
}

static void on_row(int end, void *context)
{
    (void)end;
    struct csv_reader *reader = context;
    if (reader->row_count == reader->row_capacity) {
        reader->row_capacity = reader->row_capacity ? reader->row_capacity * 2 : 256;
        reader->rows = x_realloc(reader->rows, reader->row_capacity * sizeof *reader->rows);
    }
    reader->rows[reader->row_count++] = reader->open;
    reader->open = (struct row_span){.first_field = reader->field_count};
    reader->open_bytes = 0;
}

/* All queued rows were handed out: keeps only the texts of the row being read. */
static void drop_consumed(struct csv_reader *reader)
{
    size_t first = reader->open.first_field;
    size_t kept = reader->open.field_count;
    size_t text_start = kept ? reader->fields[first].offset : reader->texts.length;
    size_t text_kept = reader->texts.length - text_start;
    if (text_kept)
        memmove(reader->texts.data, reader->texts.data + text_start, text_kept);
    reader->texts.length = text_kept;
    for (size_t i = 0; i < kept; i++) {
        reader->fields[i] = reader->fields[first + i];
        reader->fields[i].offset -= text_start;
    }
    reader->field_count = kept;
    reader->open.first_field = 0;
    reader->row_count = reader->row_next = 0;
}

static void parser_init(struct csv_reader *reader)
{
    REQUIRE(csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_blk_size(&reader->parser, FIELD_GROWTH_BYTES);
}

/* Ends the row that cannot be read; the parser begins anew after the line's end. */
static void give_up_row(struct csv_reader *reader)
{
    on_row(0, reader);
    csv_free(&reader->parser);
    parser_init(reader);
    reader->skipping = true;
}

static bool broken(const struct csv_reader *reader, const char *what, struct error *err)
{
    int64_t row = reader->row_number + (int64_t)reader->row_count + 1;
    return error_set(err, ERROR_SYNTAX, (struct error_place){reader->source, row, NULL},
                     "RFC 4180 CSV with rows of at most 1 MiB", "%s", what);
}

/* A line without end must not grow the parser's own buffer without bound. Where a quote is open
 * nobody knows which rows it swallowed: that is no rejected row but the end of reading. */
static bool bound_field(struct csv_reader *reader, struct error *err)
{
    if (reader->parser.entry_pos <= ROW_BYTES_MAX)
        return true;
    if (reader->parser.quoted)
        return broken(reader, "a quote is opened and not closed within 1 MiB", err);
    reader->open.too_long = true;
    give_up_row(reader);
    return true;
}

static bool parse(struct csv_reader *reader, const char *bytes, size_t length, struct error *err)
{
    while (length) {
        size_t parsed;
        if (reader->skipping) {
            const char *end = memchr(bytes, '\n', length);
            parsed = end ? (size_t)(end - bytes) + 1 : length;
            reader->skipping = !end;
        } else {
            parsed = csv_parse(&reader->parser, bytes, length, on_field, on_row, reader);
            if (parsed < length) {
                if (csv_error(&reader->parser) != CSV_EPARSE)
                    return broken(reader, "the row cannot be parsed", err);
                reader->open.malformed = true;
                give_up_row(reader);
            } else if (!bound_field(reader, err)) {
                return false;
            }
        }
        bytes += parsed;
        length -= parsed;
    }
    return true;
}

static bool fill(struct csv_reader *reader, struct error *err)
{
    drop_consumed(reader);
    while (reader->row_count == 0 && !reader->at_end) {
        int got = gzread(reader->file, reader->chunk, CHUNK_BYTES);
        if (got < 0)
            return error_set(err, ERROR_SYNTAX, (struct error_place){.source = reader->source},
                             "a readable plain or gzip file", "the file cannot be read further");
        if (!parse(reader, reader->chunk, (size_t)got, err))
            return false;
        if (got == 0) {
            int state = Z_OK; /* Z_BUF_ERROR: the file ends inside a gzip stream */
            gzerror(reader->file, &state);
            if (state != Z_OK || csv_fini(&reader->parser, on_field, on_row, reader) != 0)
                return broken(reader, "the file ends before its end", err);
            reader->at_end = true;
        }
    }
    return true;
}

static const struct csv_row *hand_out(struct csv_reader *reader, struct error *err)
{
    const struct row_span *row = &reader->rows[reader->row_next++];
    struct error_place place = {reader->source, ++reader->row_number, NULL};
    reader->out_row = (struct csv_row){.number = reader->row_number, .fields = reader->out_fields};
    if (row->too_long) {
        error_set(err, ERROR_TOO_LARGE, place, "at most 1 MiB and 256 fields",
                  "the row is too long");
        return &reader->out_row;
    }
    if (row->malformed) {
        error_set(err, ERROR_SYNTAX, place, "RFC 4180: a field with quotes is quoted whole",
                  "a quote stands inside a field");
        return &reader->out_row;
    }
    for (size_t i = 0; i < row->field_count; i++) {
        struct field_span span = reader->fields[row->first_field + i];
        reader->out_fields[i] = (struct slice){reader->texts.data + span.offset, span.length};
        if (!slice_is_utf8(reader->out_fields[i])) {
            error_set(err, ERROR_BAD_VALUE, place, "UTF-8 without NUL", "field %zu is not UTF-8",
                      i + 1);
            return &reader->out_row;
        }
    }
    if (reader->header.count && row->field_count != reader->header.count) {
        error_set(err, ERROR_BAD_VALUE, place, "as many fields as the header",
                  "%zu fields for %zu columns", row->field_count, reader->header.count);
        return &reader->out_row;
    }
    reader->out_row.count = row->field_count;
    return &reader->out_row;
}

bool csv_reader_next(struct csv_reader *reader, const struct csv_row **ret_row, struct error *err)
{
    if (reader->row_next == reader->row_count && !fill(reader, err))
        return false;
    if (reader->row_next == reader->row_count) {
        *ret_row = NULL;
        return true;
    }
    *ret_row = hand_out(reader, err);
    return true;
}

static bool read_header(struct csv_reader *reader, struct error *err)
{
    const struct csv_row *row;
    struct error_place place = {.source = reader->source};
    if (!csv_reader_next(reader, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_SYNTAX, place, "a header row", "the file is empty");
    if (row->count == 0)
        return false;
    size_t bytes = 0;
    for (size_t i = 0; i < row->count; i++)
        bytes += row->fields[i].length;
    reader->header_text = x_alloc(bytes + 1, 1);
    char *at = reader->header_text;
    for (size_t i = 0; i < row->count; i++) {
        struct slice field = slice_trim(row->fields[i]);
        while (i == 0 && field.length >= 3 && memcmp(field.data, "\xEF\xBB\xBF", 3) == 0)
            field = slice_trim((struct slice){field.data + 3, field.length - 3});
        if (field.length)
            memcpy(at, field.data, field.length);
        reader->header_fields[i] = (struct slice){at, field.length};
        at += field.length;
        for (size_t k = 0; k < i; k++)
            if (slice_equal(reader->header_fields[k], reader->header_fields[i]))
                return error_set(err, ERROR_SYNTAX, place, "column names that differ",
                                 "column %.*s stands twice", SLICE_ARG(field));
    }
    reader->header = (struct csv_row){.count = row->count, .fields = reader->header_fields};
    reader->row_number = 0;
    return true;
}

bool csv_reader_open(int fd, const char *source, struct csv_reader **ret_reader, struct error *err)
{
    struct csv_reader *reader = x_alloc(1, sizeof *reader);
    reader->source = strdup(source);
    buffer_init(&reader->texts, (size_t)8 << 20);
    reader->file = gzdopen(fd, "rb");
    REQUIRE(reader->file && reader->source);
    gzbuffer(reader->file, 1 << 18);
    parser_init(reader);
    if (!read_header(reader, err)) {
        csv_reader_free(reader);
        return false;
    }
    *ret_reader = reader;
    return true;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (!reader)
        return;
    csv_free(&reader->parser);
    if (reader->file)
        gzclose(reader->file);
    buffer_release(&reader->texts);
    free(reader->fields);
    free(reader->rows);
    free(reader->header_text);
    free(reader->source);
    free(reader);
}

const struct csv_row *csv_reader_header(const struct csv_reader *reader)
{
    return &reader->header;
}

int csv_reader_column(const struct csv_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->header.count; i++)
        if (slice_equal(reader->header_fields[i], slice_of(name)))
            return (int)i;
    return -1;
}

/* What a reader takes off around an unquoted field. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool needs_quotes(struct slice field)
{
    for (size_t i = 0; i < field.length; i++)
        if (strchr("\",\r\n", field.data[i]))
            return true;
    return field.length && (is_blank(field.data[0]) || is_blank(field.data[field.length - 1]));
}

void csv_put(struct buffer *out, struct slice field, bool first)
{
    if (!first)
        buffer_append(out, ",", 1);
    if (!needs_quotes(field)) {
        buffer_append(out, field.data, field.length);
        return;
    }
    char *quoted = x_alloc(2 * field.length + 2, 1);
    size_t length = csv_write(quoted, 2 * field.length + 2, field.data, field.length);
    buffer_append(out, quoted, length);
    free(quoted);
}

void csv_end(struct buffer *out)
{
    buffer_append(out, "\n", 1);
}
