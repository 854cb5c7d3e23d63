/* Firms as `policy relief` is given them: JSON, NDJSON or CSV. All is checked, the whole file or
 * nothing: a misspelt column would leave every rule unknown without a word. */
#include "policy/relief_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 << 20, FIRMS_MAX = 100000 };
#define NUMBER_MOST 1e15

/* ---- Values */

static bool refuse(const struct relief_field *field, struct error_place place, struct error *err)
{
    char expected[190] = "one of ";
    static const char *const forms[RELIEF_TYPE_COUNT] = {
        [RELIEF_BOOL] = "true or false",
        [RELIEF_NUMBER] = "a number",
        [RELIEF_DATE] = "a day, YYYY-MM-DD",
        [RELIEF_CODE] = "a text of 1 to 64 bytes",
    };
    for (size_t i = 0; field->type == RELIEF_ENUM && i < field->choice_count; i++) {
        size_t at = strlen(expected);
        snprintf(expected + at, sizeof expected - at, "%s%s", i ? ", " : "",
                 field->choices[i].name);
    }
    return error_set(err, ERROR_BAD_VALUE, place,
                     field->type == RELIEF_ENUM ? expected : forms[field->type],
                     "not a value of %s", field->name);
}

static bool take_choice(const struct relief_field *field, struct slice given,
                        struct relief_value *value)
{
    for (size_t i = 0; i < field->choice_count; i++)
        if (slice_equal(given, slice_of(field->choices[i].name))) {
            value->number = (double)i;
            return true;
        }
    return false;
}

static bool take_text(const struct relief_field *field, struct slice given, struct arena *arena,
                      struct relief_value *value)
{
    int32_t day;
    switch (field->type) {
    case RELIEF_ENUM:
        return take_choice(field, given, value);
    case RELIEF_DATE:
        if (!time_parse_date(given, &day))
            return false;
        value->number = day;
        return true;
    default:
        if (!given.length || given.length > RELIEF_CODE_BYTES_MAX)
            return false;
        for (size_t i = 0; i < given.length; i++)
            if ((unsigned char)given.data[i] < 0x20 || given.data[i] == 0x7F)
                return false; /* it is shown in reasons, on terminals too */
        value->text = (struct slice){arena_copy(arena, given.data, given.length), given.length};
        return true;
    }
}

bool relief_value_from_json(const struct relief_field *field, json_t *given,
                            struct error_place place, struct arena *arena,
                            struct relief_value *ret_value, struct error *err)
{
    struct relief_value value = {.known = true};
    bool good;
    if (field->type == RELIEF_BOOL) {
        good = json_is_boolean(given);
        value.number = json_is_true(given);
    } else if (field->type == RELIEF_NUMBER) {
        value.number = json_number_value(given);
        good = json_is_number(given) && fabs(value.number) <= NUMBER_MOST;
    } else {
        struct slice text = {json_string_value(given), json_string_length(given)};
        good = text.data && take_text(field, text, arena, &value);
    }
    if (!good)
        return refuse(field, place, err);
    *ret_value = value;
    return true;
}

bool relief_value_from_text(const struct relief_field *field, struct slice given,
                            struct error_place place, struct arena *arena,
                            struct relief_value *ret_value, struct error *err)
{
    struct relief_value value = {.known = true};
    bool good;
    if (field->type == RELIEF_BOOL) {
        value.number = slice_equal(given, SLICE("true"));
        good = value.number > 0 || slice_equal(given, SLICE("false"));
    } else if (field->type == RELIEF_NUMBER) {
        good = slice_to_double(given, &value.number) && fabs(value.number) <= NUMBER_MOST;
    } else {
        good = take_text(field, given, arena, &value);
    }
    if (!good)
        return refuse(field, place, err);
    *ret_value = value;
    return true;
}

/* ---- What was asked */

static bool mark_benefit(const struct relief *relief, struct relief_firm *firm, size_t benefit)
{
    for (size_t i = 0; i < relief->rule_count; i++)
        if (relief->rules[i].benefit == benefit)
            firm->asked[i] = RELIEF_ASKED;
    return true;
}

bool relief_mark_asked(const struct relief *relief, struct relief_firm *firm, struct slice rule,
                       struct slice benefit)
{
    size_t at = relief_rule_of(relief, rule);
    if (at < relief->rule_count) {
        firm->asked[at] = RELIEF_ASKED;
        return true;
    }
    for (size_t i = 0; i < relief->benefit_count; i++)
        if (slice_equal(benefit, slice_of(relief->benefits[i].name)))
            return mark_benefit(relief, firm, i);
    for (size_t i = 0; i < relief->rule_count; i++)
        if (firm->asked[i] != RELIEF_ASKED)
            firm->asked[i] = RELIEF_ASKED_UNKNOWN;
    return false;
}

static bool mark_name(const struct relief *relief, struct relief_firm *firm, struct slice name,
                      struct error_place place, struct error *err)
{
    bool known = relief_rule_of(relief, name) < relief->rule_count;
    for (size_t i = 0; !known && i < relief->benefit_count; i++)
        known = slice_equal(name, slice_of(relief->benefits[i].name));
    if (!known)
        return error_set(err, ERROR_BAD_VALUE, place, "names of rules or benefits",
                         "'%.*s' is neither a rule nor a benefit",
                         (int)(name.length < 60 ? name.length : 60), name.data);
    return relief_mark_asked(relief, firm, name, name);
}

void relief_nothing_asked(const struct relief *relief, struct relief_firm *firm)
{
    for (size_t i = 0; i < relief->rule_count; i++)
        firm->asked[i] = RELIEF_NEVER_ASKED;
}

/* Names apart by ';'. */
static bool take_asked_text(const struct relief *relief, struct relief_firm *firm,
                            struct slice given, struct error_place place, struct error *err)
{
    relief_nothing_asked(relief, firm);
    while (given.length) {
        const char *stop = memchr(given.data, ';', given.length);
        size_t length = stop ? (size_t)(stop - given.data) : given.length;
        struct slice name = slice_trim((struct slice){given.data, length});
        if (name.length && !mark_name(relief, firm, name, place, err))
            return false;
        length += stop != NULL;
        given = (struct slice){given.data + length, given.length - length};
    }
    return true;
}

static bool take_asked_json(const struct relief *relief, struct relief_firm *firm, json_t *given,
                            struct error_place place, struct error *err)
{
    size_t i;
    json_t *item;
    if (json_is_string(given))
        return take_asked_text(relief, firm,
                               (struct slice){json_string_value(given), json_string_length(given)},
                               place, err);
    if (!json_is_array(given))
        return error_set(err, ERROR_BAD_VALUE, place, "a list of names of rules or benefits",
                         "not a list");
    relief_nothing_asked(relief, firm);
    json_array_foreach (given, i, item) {
        struct slice name = {json_string_value(item), json_string_length(item)};
        if (!mark_name(relief, firm, name, place, err))
            return false;
    }
    return true;
}

/* ---- Firms */

struct reading {
    const struct relief *relief;
    const char *source;
    struct arena *arena;
    struct relief_firm *firms;
    size_t count, capacity;
    json_t *codes; /* code → row: none is doubled */
};

static bool new_firm(struct reading *reading, int64_t row, struct relief_firm **ret_firm,
                     struct error *err)
{
    const struct relief *relief = reading->relief;
    if (reading->count == FIRMS_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         (struct error_place){.source = reading->source, .row = row},
                         "at most 100000 firms", "too many firms");
    if (reading->count == reading->capacity) {
        reading->capacity = reading->capacity ? 2 * reading->capacity : 16;
        struct relief_firm *firms = arena_alloc(reading->arena, reading->capacity * sizeof *firms);
        if (reading->count)
            memcpy(firms, reading->firms, reading->count * sizeof *firms);
        reading->firms = firms;
    }
    *ret_firm = &reading->firms[reading->count++];
    **ret_firm = (struct relief_firm){
        .values = arena_alloc(reading->arena, relief->field_count * sizeof *(*ret_firm)->values),
        .asked = arena_alloc(reading->arena, relief->rule_count * sizeof *(*ret_firm)->asked)};
    return true;
}

static bool take_code(struct reading *reading, struct relief_firm *firm, struct slice code,
                      int64_t row, struct error *err)
{
    struct error_place place = {reading->source, row, "code"};
    if (!code.length || code.length > RELIEF_CODE_BYTES_MAX)
        return error_set(err, ERROR_BAD_VALUE, place, "a text of 1 to 64 bytes",
                         code.length ? "the code is too long" : "the code is missing");
    json_t *earlier = json_object_getn(reading->codes, code.data, code.length);
    if (earlier)
        return error_set(err, ERROR_BAD_VALUE, place, "each firm once",
                         "the firm stands in row %lld already",
                         (long long)json_integer_value(earlier));
    json_object_setn_new(reading->codes, code.data, code.length, json_integer(row));
    firm->code = (struct slice){arena_copy(reading->arena, code.data, code.length), code.length};
    return true;
}

static bool from_object(struct reading *reading, json_t *object, int64_t row, struct error *err)
{
    const struct relief *relief = reading->relief;
    struct relief_firm *firm;
    struct slice code, name;
    const char *key;
    json_t *value;
    struct json_place must = {reading->source, row, true}, may = {reading->source, row, false};
    if (!json_text(object, "code", must, &code, err) ||
        !json_text(object, "name", may, &name, err) || !new_firm(reading, row, &firm, err) ||
        !take_code(reading, firm, code, row, err))
        return false;
    firm->name = (struct slice){arena_copy(reading->arena, name.data ? name.data : "", name.length),
                                name.length};
    struct relief_value *values = (struct relief_value *)(uintptr_t)firm->values;
    json_object_foreach (object, key, value) {
        struct error_place place = {reading->source, row, key};
        size_t at = relief_field_of(relief, slice_of(key));
        if (strcmp(key, "code") == 0 || strcmp(key, "name") == 0 || json_is_null(value))
            continue;
        bool done = at < relief->field_count
                        ? relief_value_from_json(&relief->fields[at], value, place, reading->arena,
                                                 &values[at], err)
                    : strcmp(key, "asked") == 0
                        ? take_asked_json(relief, firm, value, place, err)
                        : error_set(err, ERROR_BAD_VALUE, place, "a field of policies/relief.yaml",
                                    "unknown field");
        if (!done)
            return false;
    }
    return true;
}

static bool from_lines(struct reading *reading, struct slice text, struct error *err)
{
    int64_t line = 1;
    for (const char *at = text.data, *end = text.data + text.length; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        struct slice piece = slice_trim((struct slice){at, (size_t)(stop - at)});
        json_t *object;
        at = stop + 1;
        if (!piece.length)
            continue;
        if (!json_read(piece, reading->source, &object, err)) {
            err->row = line;
            return false;
        }
        bool done = from_object(reading, object, line, err);
        json_decref(object);
        if (!done)
            return false;
    }
    return true;
}

/* One object over many lines, or an array of them. */
static bool from_document(struct reading *reading, json_t *document, struct error *err)
{
    if (!json_is_array(document))
        return from_object(reading, document, 1, err);
    for (size_t i = 0; i < json_array_size(document); i++)
        if (!from_object(reading, json_array_get(document, i), (int64_t)i + 1, err))
            return false;
    return true;
}

/* NDJSON where the first line is an object by itself. */
static bool from_json(struct reading *reading, struct slice text, struct error *err)
{
    const char *stop = memchr(text.data, '\n', text.length);
    struct slice first = {text.data, stop ? (size_t)(stop - text.data) : text.length};
    struct error ignored;
    json_t *document;
    if (stop && text.data[0] == '{' &&
        json_read(slice_trim(first), reading->source, &document, &ignored)) {
        json_decref(document);
        return from_lines(reading, text, err);
    }
    if (!json_read(text, reading->source, &document, err))
        return false;
    bool done = from_document(reading, document, err);
    json_decref(document);
    return done;
}

/* ---- CSV */

static bool from_row(struct reading *reading, const struct csv_row *header,
                     const struct csv_row *row, struct error *err)
{
    const struct relief *relief = reading->relief;
    struct relief_firm *firm;
    if (!new_firm(reading, row->number, &firm, err))
        return false;
    struct relief_value *values = (struct relief_value *)(uintptr_t)firm->values;
    for (size_t i = 0; i < row->count; i++) {
        struct slice name = header->fields[i], cell = slice_trim(row->fields[i]);
        char shown[64];
        text_copy(shown, sizeof shown, name);
        struct error_place place = {reading->source, row->number, shown};
        size_t at = relief_field_of(relief, name);
        bool done = true;
        if (slice_equal(name, SLICE("name")))
            firm->name =
                (struct slice){arena_copy(reading->arena, cell.data, cell.length), cell.length};
        else if (slice_equal(name, SLICE("asked")))
            done = take_asked_text(relief, firm, cell, place, err);
        else if (slice_equal(name, SLICE("code")))
            done = take_code(reading, firm, cell, row->number, err);
        else if (cell.length)
            done = relief_value_from_text(&relief->fields[at], cell, place, reading->arena,
                                          &values[at], err);
        if (!done)
            return false;
    }
    return true;
}

static bool check_header(struct reading *reading, const struct csv_row *header, struct error *err)
{
    bool code = false;
    for (size_t i = 0; i < header->count; i++) {
        struct slice name = header->fields[i];
        char shown[64];
        text_copy(shown, sizeof shown, name);
        code = code || slice_equal(name, SLICE("code"));
        if (!slice_equal(name, SLICE("code")) && !slice_equal(name, SLICE("name")) &&
            !slice_equal(name, SLICE("asked")) &&
            relief_field_of(reading->relief, name) == reading->relief->field_count)
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.source = reading->source, .field = shown},
                             "a field of policies/relief.yaml", "unknown field");
    }
    return code || error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.source = reading->source, .field = "code"},
                             "a header with the column code", "the column is missing");
}

static bool from_csv(struct reading *reading, struct slice text, struct error *err)
{
    struct csv_reader *reader;
    int fd = memfd_create("firms", MFD_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "a temporary file", "create");
    if (!file_write_all(fd, text.data, text.length, reading->source, err)) {
        close(fd);
        return false;
    }
    lseek(fd, 0, SEEK_SET);
    if (!csv_reader_open(fd, reading->source, &reader, err))
        return false;
    const struct csv_row *header = csv_reader_header(reader), *row;
    bool done = check_header(reading, header, err);
    while (done) {
        done = csv_reader_next(reader, &row, err);
        if (!done || !row)
            break;
        if (!row->count) /* `err` says why the row cannot be read */
            err->row = row->number;
        done = row->count && from_row(reading, header, row, err);
    }
    csv_reader_free(reader);
    return done;
}

bool relief_firms_read(const struct relief *relief, struct slice text, const char *source,
                       struct arena *arena, struct relief_firm **ret_firms, size_t *ret_count,
                       struct error *err)
{
    struct reading reading = {.relief = relief, .source = source, .arena = arena};
    if (text.length >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        text = (struct slice){text.data + 3, text.length - 3};
    struct slice trimmed = slice_trim(text);
    if (!trimmed.length)
        return error_set(err, ERROR_SYNTAX, (struct error_place){.source = source},
                         "JSON, NDJSON or CSV with a header", "the file is empty");
    reading.codes = json_object();
    bool json = trimmed.data[0] == '{' || trimmed.data[0] == '[';
    bool done = json ? from_json(&reading, trimmed, err) : from_csv(&reading, text, err);
    json_decref(reading.codes);
    if (!done)
        return false;
    *ret_firms = reading.firms;
    *ret_count = reading.count;
    return true;
}

bool relief_firms_read_file(const struct relief *relief, int fd, const char *source,
                            struct arena *arena, struct relief_firm **ret_firms, size_t *ret_count,
                            struct error *err)
{
    struct buffer text;
    char chunk[16384];
    ssize_t got = 1;
    buffer_init(&text, FILE_BYTES_MAX);
    while (got != 0 && !text.overflow) {
        got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno != EINTR)
            break;
        if (got > 0)
            buffer_append(&text, chunk, (size_t)got);
    }
    bool done = got >= 0 || error_set_errno(err, source, "read");
    close(fd);
    if (done && text.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = source},
                         "at most 64 MiB", "the file is too large");
    done = done &&
           relief_firms_read(relief, buffer_slice(&text), source, arena, ret_firms, ret_count, err);
    buffer_release(&text);
    return done;
}
