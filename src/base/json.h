/* JSON in (jansson) and out (yajl's generator), with refusals that name the field. */
#ifndef CHENGMAI_BASE_JSON_H
#define CHENGMAI_BASE_JSON_H

#include <jansson.h>

#include "base/time.h"

/* Parses one whole document (nothing after it, no duplicate keys, UTF-8, depth ≤ 2048). `source`
 * names it in errors. The caller owns *ret_document (json_decref). */
bool json_read(struct slice text, const char *source, json_t **ret_document,
               struct error *err) MUST_USE;

/* Fields of an object. `source` and `row` say in errors which piece it is. Texts point into the
 * document. With `required` false an absent or null field is done with the neutral value
 * (NULL slice, 0, TIMESTAMP_NONE). */
struct json_place {
    const char *source;
    int64_t row;
    bool required;
};
bool json_text(json_t *object, const char *field, struct json_place place, struct slice *ret_text,
               struct error *err) MUST_USE;
bool json_int64(json_t *object, const char *field, struct json_place place, int64_t low,
                int64_t high, int64_t *ret_value, struct error *err) MUST_USE;
bool json_time(json_t *object, const char *field, struct json_place place, timestamp *ret_time,
               struct error *err) MUST_USE;
/* Refuses fields that are not among `names` (NULL-terminated). */
bool json_only_fields(json_t *object, const char *const *names, struct json_place place,
                      struct error *err) MUST_USE;

/* A streaming writer onto a buffer. Keys and values in order; misuse is a bug (REQUIRE). */
struct json_writer {
    struct buffer *out;
    void *generator;
};
void json_writer_init(struct json_writer *writer, struct buffer *out);
void json_writer_release(struct json_writer *writer);
void json_object_begin(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer);
void json_array_end(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key);
void json_put_text(struct json_writer *writer, struct slice text);
void json_put_int64(struct json_writer *writer, int64_t value);
/* Not finite becomes null. */
void json_put_double(struct json_writer *writer, double value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
/* A value that is JSON already (a schema of a table, a stored document): written as it is. */
void json_put_raw(struct json_writer *writer, struct slice document);
/* RFC 3339 text; TIMESTAMP_NONE and TIMESTAMP_NEVER become null. */
void json_put_time(struct json_writer *writer, timestamp time);
/* Key and value at once. */
void json_field_text(struct json_writer *writer, const char *key, struct slice text);
void json_field_int64(struct json_writer *writer, const char *key, int64_t value);
void json_field_double(struct json_writer *writer, const char *key, double value);
void json_field_bool(struct json_writer *writer, const char *key, bool value);
void json_field_time(struct json_writer *writer, const char *key, timestamp time);
void json_field_null(struct json_writer *writer, const char *key);

#endif
