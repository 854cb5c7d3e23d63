/* POST /scans, read as a stream of yajl events into a fixed structure. yajl's own memory comes from
 * a small bump area on the stack, so that the common request costs no malloc. */
#include "checkin/scan_request.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

#define HOLDER_FORMS "session, code, paper_code, id_number or member"
enum { AREA_BYTES = 8192, FIELD_BYTES_MAX = 1024 };

enum place {
    PLACE_START,
    PLACE_TOP,        /* inside the object */
    PLACE_HOLDER,     /* inside "holder" */
    PLACE_COMPANIONS, /* inside the array */
    PLACE_COMPANION,  /* inside one of its objects */
    PLACE_END,
};

enum top_field {
    FIELD_NONE,
    FIELD_VENUE_TOKEN,
    FIELD_HOLDER,
    FIELD_DIRECTION,
    FIELD_COMPANIONS,
    FIELD_CLIENT_TIME,
    FIELD_CLIENT_ID,
    FIELD_COUNT,
};
static const char *const field_names[FIELD_COUNT] = {
    [FIELD_VENUE_TOKEN] = "venue_token", [FIELD_HOLDER] = "holder",
    [FIELD_DIRECTION] = "direction",     [FIELD_COMPANIONS] = "companions",
    [FIELD_CLIENT_TIME] = "client_time", [FIELD_CLIENT_ID] = "client_id",
};
static const char *const form_names[HOLDER_FORM_COUNT] = {
#define X(id, name) [id] = name,
    HOLDER_FORM_TABLE(X)
#undef X
};

struct reader {
    struct scan_request *request;
    struct error *err;
    enum place place;
    enum top_field field;
    enum holder_form form;
    unsigned seen; /* bits of top_field */
};

static int refuse(struct reader *reader, const char *field, const char *expected,
                  const char *what)
{
    error_set(reader->err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected, "%s",
              what);
    return 0;
}

static const char *field_name(const struct reader *reader)
{
    if (reader->place == PLACE_HOLDER || reader->place == PLACE_COMPANION)
        return reader->form ? form_names[reader->form]
                            : field_names[reader->place == PLACE_HOLDER ? FIELD_HOLDER
                                                                        : FIELD_COMPANIONS];
    return reader->field ? field_names[reader->field] : "body";
}

static bool keep_text(struct reader *reader, struct slice text, struct slice *ret_kept)
{
    struct scan_request *request = reader->request;
    if (text.length > FIELD_BYTES_MAX || request->text_bytes + text.length > SCAN_TEXT_BYTES)
        return refuse(reader, field_name(reader), "a shorter text", "the text is too long");
    char *kept = request->texts + request->text_bytes;
    memcpy(kept, text.data, text.length);
    request->text_bytes += text.length;
    *ret_kept = (struct slice){kept, text.length};
    return true;
}

static int take_holder(struct reader *reader, struct scan_holder *holder, struct slice text)
{
    if (!reader->form)
        return refuse(reader, field_name(reader), HOLDER_FORMS,
                      "unknown form of a person");
    if (holder->form)
        return refuse(reader, field_name(reader), "one form of a person", "more than one form");
    holder->form = reader->form;
    return keep_text(reader, text, &holder->text);
}

static int take_direction(struct reader *reader, struct slice text)
{
    static const char *const names[] = {"in", "out", "pass"};
    for (int i = 0; i < 3; i++)
        if (slice_equal(text, slice_of(names[i]))) {
            reader->request->direction = (enum scan_direction)i;
            return 1;
        }
    return refuse(reader, "direction", "in, out or pass", "unknown direction");
}

static int on_string(void *context, const unsigned char *data, size_t length)
{
    struct reader *reader = context;
    struct scan_request *request = reader->request;
    struct slice text = {(const char *)data, length};
    if (reader->place == PLACE_HOLDER)
        return take_holder(reader, &request->holder, text);
    if (reader->place == PLACE_COMPANION)
        return take_holder(reader, &request->companions[request->companion_count - 1], text);
    if (reader->place != PLACE_TOP)
        return refuse(reader, field_name(reader), "an object", "not an object");
    switch (reader->field) {
    case FIELD_VENUE_TOKEN:
        return keep_text(reader, text, &request->venue_token);
    case FIELD_DIRECTION:
        return take_direction(reader, text);
    case FIELD_CLIENT_TIME:
        return time_parse(text, &request->client_time)
                   ? 1
                   : refuse(reader, "client_time", "an RFC 3339 time with its offset",
                            "not a time");
    case FIELD_CLIENT_ID:
        return keep_text(reader, text, &request->client_id);
    default:
        return refuse(reader, field_name(reader), "an object or array", "not a text field");
    }
}

static int on_other(struct reader *reader, const char *what)
{
    return refuse(reader, field_name(reader), "a text", what);
}
static int on_null(void *context)
{
    struct reader *reader = context;
    bool optional = reader->place == PLACE_TOP && reader->field != FIELD_VENUE_TOKEN &&
                    reader->field != FIELD_HOLDER;
    return optional ? 1 : on_other(reader, "null");
}
static int on_bool(void *context, int value)
{
    (void)value;
    return on_other(context, "true or false");
}
static int on_number(void *context, const char *text, size_t length)
{
    (void)text, (void)length;
    return on_other(context, "a number");
}

static int on_object(void *context)
{
    struct reader *reader = context;
    struct scan_request *request = reader->request;
    switch (reader->place) {
    case PLACE_START:
        reader->place = PLACE_TOP;
        return 1;
    case PLACE_TOP:
        if (reader->field != FIELD_HOLDER)
            return refuse(reader, field_name(reader), "a text", "an object");
        reader->place = PLACE_HOLDER;
        return 1;
    case PLACE_COMPANIONS:
        if (request->companion_count == PRESENCE_COMPANIONS_MAX)
            return refuse(reader, "companions", "at most 8 companions", "too many companions");
        request->companions[request->companion_count++] =
            (struct scan_holder){.form = HOLDER_NONE, .text = {NULL, 0}};
        reader->place = PLACE_COMPANION;
        return 1;
    default:
        return refuse(reader, field_name(reader), "a text", "an object");
    }
}

static int on_object_end(void *context)
{
    struct reader *reader = context;
    reader->form = HOLDER_NONE;
    if (reader->place == PLACE_TOP)
        reader->place = PLACE_END;
    else
        reader->place = reader->place == PLACE_HOLDER ? PLACE_TOP : PLACE_COMPANIONS;
    return 1;
}

static int on_array(void *context)
{
    struct reader *reader = context;
    if (reader->place != PLACE_TOP || reader->field != FIELD_COMPANIONS)
        return refuse(reader, field_name(reader), "an object", "an array");
    reader->place = PLACE_COMPANIONS;
    return 1;
}

static int on_array_end(void *context)
{
    struct reader *reader = context;
    reader->place = PLACE_TOP;
    return 1;
}

static int on_key(void *context, const unsigned char *data, size_t length)
{
    struct reader *reader = context;
    struct slice key = {(const char *)data, length};
    if (reader->place == PLACE_HOLDER || reader->place == PLACE_COMPANION) {
        for (int form = 1; form < HOLDER_FORM_COUNT; form++)
            if (slice_equal(key, slice_of(form_names[form]))) {
                reader->form = (enum holder_form)form;
                return 1;
            }
        reader->form = HOLDER_NONE;
        return refuse(reader, field_name(reader), HOLDER_FORMS,
                      "unknown form of a person");
    }
    for (int field = 1; field < FIELD_COUNT; field++)
        if (slice_equal(key, slice_of(field_names[field]))) {
            reader->field = (enum top_field)field;
            if (reader->seen & 1u << field)
                return refuse(reader, field_names[field], "each field once", "given twice");
            reader->seen |= 1u << field;
            return 1;
        }
    char name[40];
    snprintf(name, sizeof name, "%.*s", (int)(length < 36 ? length : 36), (const char *)data);
    return refuse(reader, slice_is_utf8(slice_of(name)) ? name : "body", "no such field",
                  "unknown field");
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,           .yajl_boolean = on_bool,
    .yajl_number = on_number,       .yajl_string = on_string,
    .yajl_start_map = on_object,    .yajl_map_key = on_key,
    .yajl_end_map = on_object_end,  .yajl_start_array = on_array,
    .yajl_end_array = on_array_end,
};

/* ---- The bump area */

struct area {
    size_t used;
    _Alignas(16) char bytes[AREA_BYTES];
};
static bool in_area(const struct area *area, const void *memory)
{
    return (const char *)memory >= area->bytes && (const char *)memory < area->bytes + AREA_BYTES;
}
static void *area_alloc(void *context, size_t size)
{
    struct area *area = context;
    size_t need = (size + 31) & ~(size_t)15; /* 16 bytes before it hold the size */
    if (size > AREA_BYTES || need > AREA_BYTES - area->used)
        return malloc(size);
    char *memory = area->bytes + area->used;
    memcpy(memory, &size, sizeof size);
    area->used += need;
    return memory + 16;
}
static void area_free(void *context, void *memory)
{
    if (memory && !in_area(context, memory))
        free(memory);
}
static void *area_realloc(void *context, void *memory, size_t size)
{
    if (!memory || !in_area(context, memory))
        return memory ? realloc(memory, size) : area_alloc(context, size);
    size_t old;
    memcpy(&old, (char *)memory - 16, sizeof old);
    void *moved = area_alloc(context, size);
    if (moved)
        memcpy(moved, memory, old < size ? old : size);
    return moved;
}

bool scan_request_parse(struct slice body, struct scan_request *ret_request, struct error *err)
{
    struct area area;
    area.used = 0;
    struct scan_request *request = ret_request;
    request->venue_token = request->client_id = (struct slice){NULL, 0};
    request->holder = (struct scan_holder){.form = HOLDER_NONE, .text = {NULL, 0}};
    request->companion_count = 0;
    request->direction = DIRECTION_IN;
    request->client_time = TIMESTAMP_NONE;
    request->text_bytes = 0;
    struct reader reader = {.request = request, .err = err};
    yajl_alloc_funcs functions = {area_alloc, area_realloc, area_free, &area};
    yajl_handle parser = yajl_alloc(&callbacks, &functions, &reader);
    yajl_status state = yajl_parse(parser, (const unsigned char *)body.data, body.length);
    if (state == yajl_status_ok)
        state = yajl_complete_parse(parser);
    yajl_free(parser);
    if (state == yajl_status_client_canceled)
        return false;
    if (state != yajl_status_ok || reader.place != PLACE_END)
        return error_set(err, ERROR_SYNTAX, (struct error_place){.field = "body"},
                         "one JSON object", "the body is not well-formed JSON");
    if (!request->venue_token.data)
        return refuse(&reader, "venue_token", "a venue token", "missing");
    if (!request->holder.form)
        return refuse(&reader, "holder", HOLDER_FORMS, "missing");
    for (size_t i = 0; i < request->companion_count; i++)
        if (!request->companions[i].form)
            return refuse(&reader, "companions", HOLDER_FORMS,
                          "a companion is not named");
    return true;
}
