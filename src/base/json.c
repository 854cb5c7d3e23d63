/* JSON over jansson (reading) and yajl (writing). */
#include "base/json.h"

#include <math.h>
#include <yajl/yajl_gen.h>

bool json_read(struct slice text, const char *source, json_t **ret_document, struct error *err)
{
    json_error_t problem;
    json_t *document = json_loadb(text.data ? text.data : "", text.length,
                                  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!document)
        return error_set(err, ERROR_SYNTAX,
                         (struct error_place){.source = source, .row = problem.line},
                         "one well-formed JSON document", "JSON: %s", problem.text);
    *ret_document = document;
    return true;
}

static bool bad_field(struct error *err, const char *field, struct json_place place,
                      const char *expected, const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){place.source, place.row, field},
                     expected, "%s", what);
}

/* The member, NULL where absent or null and allowed to be; *ret_found says which. */
static bool member(json_t *object, const char *field, struct json_place place,
                   const char *expected, json_t **ret_member, struct error *err)
{
    if (!json_is_object(object))
        return bad_field(err, field, place, "a JSON object", "not an object");
    json_t *value = json_object_get(object, field);
    if (!value || json_is_null(value)) {
        *ret_member = NULL;
        return !place.required || bad_field(err, field, place, expected, "missing");
    }
    *ret_member = value;
    return true;
}

bool json_text(json_t *object, const char *field, struct json_place place, struct slice *ret_text,
               struct error *err)
{
    json_t *value;
    if (!member(object, field, place, "a text", &value, err))
        return false;
    if (!value) {
        *ret_text = (struct slice){NULL, 0};
        return true;
    }
    if (!json_is_string(value))
        return bad_field(err, field, place, "a text", "not a text");
    *ret_text = (struct slice){json_string_value(value), json_string_length(value)};
    return true;
}

bool json_int64(json_t *object, const char *field, struct json_place place, int64_t low,
                int64_t high, int64_t *ret_value, struct error *err)
{
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)low,
             (long long)high);
    json_t *value;
    if (!member(object, field, place, expected, &value, err))
        return false;
    if (!value) {
        *ret_value = 0;
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < low ||
        json_integer_value(value) > high)
        return bad_field(err, field, place, expected, "not such a number");
    *ret_value = json_integer_value(value);
    return true;
}

bool json_time(json_t *object, const char *field, struct json_place place, timestamp *ret_time,
               struct error *err)
{
    const char *expected = "an RFC 3339 time with its offset";
    struct slice text;
    if (!json_text(object, field, place, &text, err))
        return false;
    if (!text.data) {
        *ret_time = TIMESTAMP_NONE;
        return true;
    }
    return time_parse(text, ret_time) || bad_field(err, field, place, expected, "not a time");
}

bool json_only_fields(json_t *object, const char *const *names, struct json_place place,
                      struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const char *const *name = names;
        while (*name && strcmp(*name, key) != 0)
            name++;
        if (!*name)
            return bad_field(err, key, place, "no such field", "unknown field");
    }
    return true;
}

static void print_to_buffer(void *context, const char *text, size_t length)
{
    buffer_append(context, text, length);
}

void json_writer_init(struct json_writer *writer, struct buffer *out)
{
    writer->out = out;
    writer->generator = yajl_gen_alloc(NULL);
    REQUIRE(writer->generator);
    yajl_gen_config(writer->generator, yajl_gen_print_callback, print_to_buffer, out);
}

void json_writer_release(struct json_writer *writer)
{
    if (writer->generator)
        yajl_gen_free(writer->generator);
    writer->generator = NULL;
}

#define GENERATE(call) REQUIRE((call) == yajl_gen_status_ok)

void json_object_begin(struct json_writer *writer)
{
    GENERATE(yajl_gen_map_open(writer->generator));
}
void json_object_end(struct json_writer *writer)
{
    GENERATE(yajl_gen_map_close(writer->generator));
}
void json_array_begin(struct json_writer *writer)
{
    GENERATE(yajl_gen_array_open(writer->generator));
}
void json_array_end(struct json_writer *writer)
{
    GENERATE(yajl_gen_array_close(writer->generator));
}
void json_key(struct json_writer *writer, const char *key)
{
    json_put_text(writer, slice_of(key));
}
void json_put_text(struct json_writer *writer, struct slice text)
{
    const unsigned char *bytes = (const unsigned char *)(text.data ? text.data : "");
    GENERATE(yajl_gen_string(writer->generator, bytes, text.length));
}
void json_put_int64(struct json_writer *writer, int64_t value)
{
    GENERATE(yajl_gen_integer(writer->generator, value));
}
void json_put_double(struct json_writer *writer, double value)
{
    if (!isfinite(value)) {
        json_put_null(writer);
        return;
    }
    char text[32]; /* the shortest of two forms that reads back to the same number */
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    GENERATE(yajl_gen_number(writer->generator, text, strlen(text)));
}
void json_put_bool(struct json_writer *writer, bool value)
{
    GENERATE(yajl_gen_bool(writer->generator, value));
}
void json_put_null(struct json_writer *writer)
{
    GENERATE(yajl_gen_null(writer->generator));
}
void json_put_raw(struct json_writer *writer, struct slice document)
{
    GENERATE(yajl_gen_number(writer->generator, document.data, document.length));
}
void json_put_time(struct json_writer *writer, timestamp time)
{
    if (time == TIMESTAMP_NONE || time == TIMESTAMP_NEVER) {
        json_put_null(writer);
        return;
    }
    char text[TIME_TEXT_BYTES];
    json_put_text(writer, slice_of(time_format(time, text)));
}
void json_field_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_key(writer, key);
    json_put_text(writer, text);
}
void json_field_int64(struct json_writer *writer, const char *key, int64_t value)
{
    json_key(writer, key);
    json_put_int64(writer, value);
}
void json_field_double(struct json_writer *writer, const char *key, double value)
{
    json_key(writer, key);
    json_put_double(writer, value);
}
void json_field_bool(struct json_writer *writer, const char *key, bool value)
{
    json_key(writer, key);
    json_put_bool(writer, value);
}
void json_field_time(struct json_writer *writer, const char *key, timestamp time)
{
    json_key(writer, key);
    json_put_time(writer, time);
}
void json_field_null(struct json_writer *writer, const char *key)
{
    json_key(writer, key);
    json_put_null(writer);
}
