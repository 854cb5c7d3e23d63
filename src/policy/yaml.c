/* YAML by libyaml's event parser into jansson values, with everything refused that could hide
 * meaning: anchors, tags, doubled keys. */
#include "policy/yaml.h"

#include <yaml.h>

enum { DEPTH_MAX = 32, BYTES_MAX = 1 << 20 };

struct reader {
    yaml_parser_t parser;
    const char *source;
    struct error *err;
};

static bool refuse(struct reader *reader, const yaml_mark_t *mark, const char *expected,
                   const char *what)
{
    return error_set(reader->err, ERROR_SYNTAX,
                     (struct error_place){.source = reader->source, .row = (int64_t)mark->line + 1},
                     expected, "YAML: %s", what);
}

static bool next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    return refuse(reader, &reader->parser.problem_mark, "well-formed YAML",
                  reader->parser.problem ? reader->parser.problem : "not well formed");
}

static json_t *plain_scalar(struct slice text)
{
    int64_t whole;
    double real;
    if (slice_equal(text, SLICE("true")) || slice_equal(text, SLICE("false")))
        return json_boolean(text.data[0] == 't');
    if (text.length == 0 || slice_equal(text, SLICE("null")) || slice_equal(text, SLICE("~")))
        return json_null();
    if (slice_to_int64(text, INT64_MIN + 1, INT64_MAX, &whole))
        return json_integer(whole);
    if (slice_to_double(text, &real))
        return json_real(real);
    return json_stringn(text.data, text.length);
}

static bool read_scalar(struct reader *reader, const yaml_event_t *event, json_t **ret_value)
{
    struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (event->data.scalar.anchor || event->data.scalar.tag)
        return refuse(reader, &event->start_mark, "plain values", "anchors and tags are refused");
    if (!slice_is_utf8(text))
        return refuse(reader, &event->start_mark, "UTF-8 without NUL", "not UTF-8");
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    *ret_value = plain ? plain_scalar(text) : json_stringn(text.data, text.length);
    return true;
}

static bool read_value(struct reader *reader, yaml_event_t *event, int depth, json_t **ret_value);

static bool read_sequence(struct reader *reader, int depth, json_t **ret_value)
{
    json_t *array = json_array();
    for (;;) {
        yaml_event_t event;
        json_t *item = NULL;
        if (!next(reader, &event))
            break;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            *ret_value = array;
            return true;
        }
        bool done = read_value(reader, &event, depth + 1, &item);
        yaml_event_delete(&event);
        if (!done)
            break;
        json_array_append_new(array, item);
    }
    json_decref(array);
    return false;
}

static bool read_entry(struct reader *reader, const yaml_event_t *key, int depth, json_t *object)
{
    if (key->type != YAML_SCALAR_EVENT || key->data.scalar.anchor || key->data.scalar.tag)
        return refuse(reader, &key->start_mark, "a plain key", "a key is not a plain text");
    const char *name = (const char *)key->data.scalar.value;
    if (!slice_is_utf8((struct slice){name, key->data.scalar.length}))
        return refuse(reader, &key->start_mark, "UTF-8 without NUL", "not UTF-8");
    if (json_object_get(object, name))
        return refuse(reader, &key->start_mark, "each key once", "a key stands twice");
    yaml_event_t event;
    json_t *value = NULL;
    if (!next(reader, &event))
        return false;
    bool done = read_value(reader, &event, depth + 1, &value);
    yaml_event_delete(&event);
    if (done)
        json_object_set_new(object, name, value);
    return done;
}

static bool read_mapping(struct reader *reader, int depth, json_t **ret_value)
{
    json_t *object = json_object();
    for (;;) {
        yaml_event_t event;
        if (!next(reader, &event))
            break;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            *ret_value = object;
            return true;
        }
        bool done = read_entry(reader, &event, depth, object);
        yaml_event_delete(&event);
        if (!done)
            break;
    }
    json_decref(object);
    return false;
}

static bool read_value(struct reader *reader, yaml_event_t *event, int depth, json_t **ret_value)
{
    if (depth > DEPTH_MAX)
        return refuse(reader, &event->start_mark, "at most 32 levels", "nested too deep");
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event, ret_value);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            return refuse(reader, &event->start_mark, "plain values",
                          "anchors and tags are refused");
        return read_sequence(reader, depth, ret_value);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return refuse(reader, &event->start_mark, "plain values",
                          "anchors and tags are refused");
        return read_mapping(reader, depth, ret_value);
    case YAML_ALIAS_EVENT:
        return refuse(reader, &event->start_mark, "plain values", "aliases are refused");
    default:
        return refuse(reader, &event->start_mark, "a value", "no value here");
    }
}

/* The stream's frame: start, one document, end. */
static bool read_stream(struct reader *reader, json_t **ret_document)
{
    yaml_event_t event;
    json_t *value = NULL;
    bool done = true, ended = false;
    while (done && !ended) {
        if (!next(reader, &event)) {
            done = false;
            break;
        }
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (value || event.data.document_start.tag_directives.start !=
                             event.data.document_start.tag_directives.end)
                done = refuse(reader, &event.start_mark, "one document without directives",
                              "more than one document, or a directive");
            break;
        case YAML_STREAM_END_EVENT:
            ended = true;
            break;
        default:
            done = read_value(reader, &event, 0, &value);
        }
        yaml_event_delete(&event);
    }
    if (done && !value)
        done = error_set(reader->err, ERROR_SYNTAX, (struct error_place){.source = reader->source},
                         "one YAML document", "YAML: the file is empty");
    if (!done)
        json_decref(value);
    else
        *ret_document = value;
    return done;
}

bool yaml_read(struct slice text, const char *source, json_t **ret_document, struct error *err)
{
    if (text.length > BYTES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = source},
                         "at most 1 MiB", "YAML: the file is too large");
    struct reader reader = {.source = source, .err = err};
    REQUIRE(yaml_parser_initialize(&reader.parser));
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.data, text.length);
    bool done = read_stream(&reader, ret_document);
    yaml_parser_delete(&reader.parser);
    return done;
}
