/* Reading a spreadsheet: a zip archive of XML parts, each read as it is unpacked.
 *
 *   workbook.xml ─ first sheet's id ─► workbook.xml.rels ─► its part ─► rows ─► CSV
 *   sharedStrings.xml ─► texts by number ──────────────────────────────┤
 *   styles.xml ─► which cell formats are dates or times ───────────────┘
 *
 * What comes from outside is bounded before it is kept: parts, cells, columns, texts. A document
 * type is refused, so no entity is ever declared. */
#include "base/xlsx_read.h"

#include <expat.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

#include "base/csv.h"
#include "base/time.h"
#include "base/world.h"

enum {
    COLUMNS_MAX = 256,
    CELL_BYTES_MAX = 1 << 20,
    TEXTS_BYTES_MAX = 256 << 20,
    TEXTS_MAX = 8 << 20,
    FORMATS_MAX = 65536,
    PART_BYTES_MAX = 1 << 30,
    CHUNK_BYTES = 1 << 16,
    ID_BYTES = 64,
    PATH_BYTES = 256,
    DAYS_FROM_1899 = 25569,
    DAYS_TO_1904 = 1462,
};

enum look { LOOK_PLAIN, LOOK_DATE, LOOK_TIME };

struct own_format {
    int64_t id;
    enum look look;
};
struct book {
    zip_t *archive;
    const char *source;
    int out_fd;
    struct error *err;
    bool failed;
    XML_Parser parser; /* of the part that is read now */

    bool since_1904;
    char sheet_id[ID_BYTES], sheet_path[PATH_BYTES];

    struct buffer texts; /* shared ones, one after the other */
    size_t *text_ends;
    size_t text_count, text_capacity;

    struct own_format *own;
    size_t own_count;
    enum look *looks; /* by cell format */
    size_t look_count;
    bool in_formats;

    struct buffer cells[COLUMNS_MAX];
    size_t cell_count, head_count;
    struct buffer out, text; /* `text`: what the element has so far */
    size_t column;
    bool takes, phonetic;
    char type;
    int64_t style;
};

/* ---- Refusing */

static void refuse(struct book *book, enum error_code code, const char *expected, const char *what)
{
    if (!book->failed)
        error_set(book->err, code, (struct error_place){.source = book->source}, expected, "%s",
                  what);
    book->failed = true;
    if (book->parser)
        XML_StopParser(book->parser, XML_FALSE);
}

static void refuse_doctype(void *context, const XML_Char *name, const XML_Char *system,
                           const XML_Char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    refuse(context, ERROR_SYNTAX, "a spreadsheet without a document type",
           "a part declares a document type");
}

/* ---- XML */

static const char *attribute(const XML_Char **attributes, const char *name)
{
    for (size_t i = 0; attributes[i]; i += 2)
        if (strcmp(attributes[i], name) == 0)
            return attributes[i + 1];
    return NULL;
}

static int64_t number_attribute(const XML_Char **attributes, const char *name, int64_t most)
{
    int64_t number;
    const char *text = attribute(attributes, name);
    return text && slice_to_int64(slice_of(text), 0, most, &number) ? number : 0;
}

/* The name without its prefix: "x:row" is "row". */
static const char *local(const XML_Char *name)
{
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}

static void take_characters(void *context, const XML_Char *data, int length)
{
    struct book *book = context;
    if (!book->takes || book->phonetic)
        return;
    buffer_append(&book->text, data, (size_t)length);
    if (book->text.overflow)
        refuse(book, ERROR_TOO_LARGE, "at most 1 MiB a cell", "a text is too long");
}

/* Reads a part through the two handlers; absent is done where it may be. */
static bool read_part(struct book *book, const char *path, bool required,
                      XML_StartElementHandler start, XML_EndElementHandler end)
{
    zip_file_t *file = zip_fopen(book->archive, path, 0);
    if (!file) {
        if (required)
            refuse(book, ERROR_SYNTAX, "a spreadsheet as Excel writes it (.xlsx)",
                   "a part of the spreadsheet is missing");
        return !required;
    }
    char *chunk = x_alloc(1, CHUNK_BYTES);
    zip_int64_t got = 1, total = 0;
    book->parser = XML_ParserCreate(NULL);
    REQUIRE(book->parser);
    XML_SetUserData(book->parser, book);
    XML_SetElementHandler(book->parser, start, end);
    XML_SetCharacterDataHandler(book->parser, take_characters);
    XML_SetStartDoctypeDeclHandler(book->parser, refuse_doctype);
    while (!book->failed && got > 0) {
        got = zip_fread(file, chunk, CHUNK_BYTES);
        total += got > 0 ? got : 0;
        if (got < 0 ||
            (XML_Parse(book->parser, chunk, (int)got, got == 0) != XML_STATUS_OK && !book->failed))
            refuse(book, ERROR_SYNTAX, "a spreadsheet that is whole", "a part cannot be read");
        if (total > PART_BYTES_MAX)
            refuse(book, ERROR_TOO_LARGE, "at most 1 GiB a sheet", "the sheet is too large");
    }
    XML_ParserFree(book->parser);
    book->parser = NULL;
    zip_fclose(file);
    free(chunk);
    return !book->failed;
}

/* ---- Which sheet */

static void workbook_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct book *book = context;
    const char *date1904 = attribute(attributes, "date1904"), *id = attribute(attributes, "r:id");
    if (strcmp(local(name), "workbookPr") == 0)
        book->since_1904 =
            date1904 && (strcmp(date1904, "1") == 0 || strcmp(date1904, "true") == 0);
    if (strcmp(local(name), "sheet") == 0 && id && !book->sheet_id[0])
        text_copy(book->sheet_id, sizeof book->sheet_id, slice_of(id));
}

static void relation_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct book *book = context;
    const char *id = attribute(attributes, "Id"), *target = attribute(attributes, "Target");
    if (strcmp(local(name), "Relationship") != 0 || !id || !target ||
        strcmp(id, book->sheet_id) != 0)
        return;
    snprintf(book->sheet_path, sizeof book->sheet_path, "%s%s", target[0] == '/' ? "" : "xl/",
             target[0] == '/' ? target + 1 : target);
}

static void no_end(void *context, const XML_Char *name)
{
    (void)context, (void)name;
}

/* ---- Shared texts */

static void texts_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct book *book = context;
    (void)attributes;
    if (strcmp(local(name), "si") == 0)
        buffer_clear(&book->text);
    book->takes = strcmp(local(name), "t") == 0;
    book->phonetic |= strcmp(local(name), "rPh") == 0;
}

static void texts_end(void *context, const XML_Char *name)
{
    struct book *book = context;
    book->takes = false;
    if (strcmp(local(name), "rPh") == 0)
        book->phonetic = false;
    if (strcmp(local(name), "si") != 0)
        return;
    if (book->text_count == book->text_capacity) {
        book->text_capacity = book->text_capacity ? 2 * book->text_capacity : 1024;
        book->text_ends = x_realloc(book->text_ends, book->text_capacity * sizeof *book->text_ends);
    }
    buffer_append(&book->texts, buffer_slice(&book->text).data, book->text.length);
    book->text_ends[book->text_count++] = book->texts.length;
    if (book->texts.overflow || book->text_count == TEXTS_MAX)
        refuse(book, ERROR_TOO_LARGE, "at most 256 MiB of texts", "the sheet has too many texts");
}

/* ---- Formats */

/* A format of one's own: not looked at is what stands in quotes, in brackets, after a backslash. */
static enum look look_of(const char *code)
{
    bool day = false, clock = false;
    for (const char *at = code; *at && *at != ';'; at++) {
        if (*at == '"' || *at == '[') {
            at = strchr(at + 1, *at == '"' ? '"' : ']');
            if (!at)
                break;
        } else if (*at == '\\' && at[1]) {
            at++;
        } else {
            day |= strchr("yYdD", *at) != NULL;
            clock |= strchr("hHsS", *at) != NULL;
        }
    }
    return day && clock ? LOOK_TIME : day ? LOOK_DATE : LOOK_PLAIN;
}

/* Built-in ones, those of Chinese among them. */
static enum look built_in_look(int64_t id)
{
    if (id == 22)
        return LOOK_TIME;
    return (id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) ||
                   id == 57 || id == 58
               ? LOOK_DATE
               : LOOK_PLAIN;
}

static void styles_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct book *book = context;
    const char *code = attribute(attributes, "formatCode");
    int64_t id = number_attribute(attributes, "numFmtId", INT32_MAX);
    if (strcmp(local(name), "cellXfs") == 0)
        book->in_formats = true;
    if (strcmp(local(name), "numFmt") == 0 && code && book->own_count < FORMATS_MAX) {
        book->own = x_realloc(book->own, (book->own_count + 1) * sizeof *book->own);
        book->own[book->own_count++] = (struct own_format){id, look_of(code)};
    }
    if (strcmp(local(name), "xf") != 0 || !book->in_formats || book->look_count == FORMATS_MAX)
        return;
    enum look look = built_in_look(id);
    for (size_t i = 0; i < book->own_count; i++)
        look = book->own[i].id == id ? book->own[i].look : look;
    book->looks = x_realloc(book->looks, (book->look_count + 1) * sizeof *book->looks);
    book->looks[book->look_count++] = look;
}

static void styles_end(void *context, const XML_Char *name)
{
    struct book *book = context;
    if (strcmp(local(name), "cellXfs") == 0)
        book->in_formats = false;
}

/* ---- Cells */

/* "AB12" is column 27; COLUMNS_MAX where it is none of those. */
static size_t column_of(const char *reference)
{
    size_t column = 0;
    const char *at = reference;
    for (; *at >= 'A' && *at <= 'Z' && column <= COLUMNS_MAX; at++)
        column = column * 26 + (size_t)(*at - 'A') + 1;
    return at == reference || column > COLUMNS_MAX ? COLUMNS_MAX : column - 1;
}

static void put_number(const struct book *book, struct slice text, struct buffer *out)
{
    double value;
    char shown[TIME_TEXT_BYTES];
    enum look look =
        book->style < (int64_t)book->look_count ? book->looks[book->style] : LOOK_PLAIN;
    if (!slice_to_double(text, &value)) {
        buffer_append(out, text.data, text.length);
        return;
    }
    double days = value + (book->since_1904 ? DAYS_TO_1904 : 0) - DAYS_FROM_1899;
    if (look == LOOK_PLAIN || days < -25000 || days > 80000) {
        buffer_print(out, fabs(value) >= 1e15 ? "%.0f" : "%.15g", value);
        return;
    }
    if (look == LOOK_DATE)
        time_format_date((int32_t)floor(days), shown);
    else
        time_format((timestamp)llround(days * 86400 - LOCAL_OFFSET_SECONDS) * SECOND, shown);
    buffer_append_text(out, shown);
}

static void put_shared(struct book *book, struct slice text, struct buffer *out)
{
    int64_t at;
    if (!slice_to_int64(text, 0, (int64_t)book->text_count - 1, &at)) {
        refuse(book, ERROR_SYNTAX, "a spreadsheet that is whole",
               "a cell names a text that is not there");
        return;
    }
    size_t begin = at ? book->text_ends[at - 1] : 0;
    buffer_append(out, book->texts.data + begin, book->text_ends[at] - begin);
}

static void put_cell(struct book *book)
{
    struct slice text = buffer_slice(&book->text);
    if (!text.length)
        return;
    if (book->column >= COLUMNS_MAX) {
        refuse(book, ERROR_TOO_LARGE, "at most 256 columns", "the sheet has too many columns");
        return;
    }
    struct buffer *cell = &book->cells[book->column];
    if (book->column + 1 > book->cell_count)
        book->cell_count = book->column + 1;
    buffer_clear(cell);
    if (book->type == 's')
        put_shared(book, slice_trim(text), cell);
    else if (book->type == 'b')
        buffer_append_text(cell, slice_equal(slice_trim(text), SLICE("1")) ? "true" : "false");
    else if (book->type == 'n')
        put_number(book, slice_trim(text), cell);
    else
        buffer_append(cell, text.data, text.length);
    if (cell->overflow)
        refuse(book, ERROR_TOO_LARGE, "at most 1 MiB a cell", "a text is too long");
}

static void flush(struct book *book)
{
    if (!book->failed &&
        !file_write_all(book->out_fd, book->out.data, book->out.length, book->source, book->err)) {
        book->failed = true;
        if (book->parser)
            XML_StopParser(book->parser, XML_FALSE);
    }
    buffer_clear(&book->out);
}

static void put_row(struct book *book)
{
    bool any = false;
    for (size_t i = 0; i < book->cell_count; i++)
        any = any || book->cells[i].length;
    if (!any)
        return;
    if (!book->head_count)
        book->head_count = book->cell_count;
    size_t count = book->cell_count > book->head_count ? book->cell_count : book->head_count;
    while (count > book->head_count && !book->cells[count - 1].length)
        count--;
    for (size_t i = 0; i < count; i++)
        csv_put(&book->out, buffer_slice(&book->cells[i]), i == 0);
    csv_end(&book->out);
    if (book->out.length > 1 << 20)
        flush(book);
}

static void sheet_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct book *book = context;
    const char *element = local(name), *reference = attribute(attributes, "r");
    const char *type = attribute(attributes, "t");
    if (strcmp(element, "row") == 0) {
        for (size_t i = 0; i < book->cell_count; i++)
            buffer_clear(&book->cells[i]);
        book->cell_count = 0;
        book->column = SIZE_MAX;
    } else if (strcmp(element, "c") == 0) {
        book->column = reference ? column_of(reference) : book->column + 1;
        book->style = number_attribute(attributes, "s", FORMATS_MAX);
        book->type = !type || strcmp(type, "n") == 0 ? 'n'
                     : strcmp(type, "s") == 0        ? 's'
                     : strcmp(type, "b") == 0        ? 'b'
                                                     : 't';
        buffer_clear(&book->text);
    }
    book->phonetic |= strcmp(element, "rPh") == 0;
    book->takes = strcmp(element, "v") == 0 || strcmp(element, "t") == 0;
}

static void sheet_end(void *context, const XML_Char *name)
{
    struct book *book = context;
    const char *element = local(name);
    book->takes = false;
    if (strcmp(element, "rPh") == 0)
        book->phonetic = false;
    else if (strcmp(element, "c") == 0)
        put_cell(book);
    else if (strcmp(element, "row") == 0)
        put_row(book);
}

/* ---- The whole */

static bool read_book(struct book *book)
{
    if (!read_part(book, "xl/workbook.xml", true, workbook_start, no_end) ||
        !read_part(book, "xl/_rels/workbook.xml.rels", true, relation_start, no_end))
        return false;
    if (!book->sheet_path[0]) {
        refuse(book, ERROR_SYNTAX, "a spreadsheet with a sheet", "there is no sheet");
        return false;
    }
    if (!read_part(book, "xl/sharedStrings.xml", false, texts_start, texts_end) ||
        !read_part(book, "xl/styles.xml", false, styles_start, styles_end) ||
        !read_part(book, book->sheet_path, true, sheet_start, sheet_end))
        return false;
    flush(book);
    return !book->failed;
}

static void release(struct book *book)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        buffer_release(&book->cells[i]);
    buffer_release(&book->texts);
    buffer_release(&book->text);
    buffer_release(&book->out);
    free(book->text_ends);
    free(book->own);
    free(book->looks);
    if (book->archive)
        zip_discard(book->archive);
    free(book);
}

bool xlsx_begins(int fd)
{
    char head[4];
    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
           memcmp(head, "PK\3\4", sizeof head) == 0;
}

bool xlsx_to_csv(int fd, int out_fd, const char *source, struct error *err)
{
    int code, own_fd = dup(fd);
    if (own_fd < 0)
        return error_set_errno(err, source, "open again");
    lseek(own_fd, 0, SEEK_SET);
    struct book *book = x_alloc(1, sizeof *book);
    book->source = source;
    book->out_fd = out_fd;
    book->err = err;
    buffer_init(&book->texts, TEXTS_BYTES_MAX);
    buffer_init(&book->text, CELL_BYTES_MAX);
    buffer_init(&book->out, (size_t)COLUMNS_MAX * 2 * CELL_BYTES_MAX + (2 << 20));
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        buffer_init(&book->cells[i], CELL_BYTES_MAX);
    book->archive = zip_fdopen(own_fd, 0, &code);
    if (!book->archive) {
        close(own_fd);
        refuse(book, ERROR_SYNTAX, "a spreadsheet as Excel writes it (.xlsx)",
               "the file is no whole archive");
    }
    bool done = book->archive && read_book(book);
    release(book);
    return done;
}
