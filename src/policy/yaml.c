/* YAML by libyaml's event parser into a tree with lines, everything noted that could hide meaning:
 * anchors, tags, doubled keys. JSON is made from the tree. */
#include "policy/yaml.h"

#include <yaml.h>

enum {
    DEPTH_MAX = 32,
    BYTES_MAX = 1 << 20,
    NODES_MAX = 100000,
    KEYS_MAX = 1024, /* of one map: they are compared with one another */
    TREE_BYTES_MAX = 64 << 20
};

struct reader {
    yaml_parser_t parser;
    struct slice text;
    struct arena *arena;
    struct yaml_tree *tree;
    size_t node_count;
};

/* ---- Faults */

static int line_of(const yaml_mark_t *mark)
{
    return (int)mark->line + 1;
}

/* Notes a fault; false, so that what cannot go on returns it. */
static bool fault(struct reader *reader, int line, const char *expected, const char *what)
{
    struct yaml_tree *tree = reader->tree;
    if (tree->fault_count < YAML_FAULTS_MAX)
        tree->faults[tree->fault_count++] = (struct yaml_fault){line, false, what, expected};
    return false;
}

/* Whether the list of faults has room: a file of nothing but faults is not read to its end. */
static bool may_go_on(const struct reader *reader)
{
    return reader->tree->fault_count < YAML_FAULTS_MAX;
}

/* The line that the parser complains of: of a text that never ends its beginning, of bytes that
 * are no characters their own. */
static int problem_line(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_READER_ERROR) {
        int line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < reader->text.length; i++)
            line += reader->text.data[i] == '\n';
        return line;
    }
    bool at_end = (parser->problem && strstr(parser->problem, "unexpected end of stream")) ||
                  parser->problem_mark.index >= reader->text.length;
    bool quoted = parser->context && strstr(parser->context, "quoted scalar");
    return line_of((at_end || quoted) && parser->context ? &parser->context_mark
                                                         : &parser->problem_mark);
}

static bool next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    const char *problem = reader->parser.problem;
    return fault(reader, problem_line(reader), "well-formed YAML",
                 arena_print(reader->arena, "%s", problem ? problem : "not well formed"));
}

/* ---- The tree */

static bool read_value(struct reader *reader, const yaml_event_t *event, int depth,
                       struct yaml_node **ret_node);

static bool new_node(struct reader *reader, enum yaml_shape shape, const yaml_event_t *event,
                     struct yaml_node **ret_node)
{
    if (++reader->node_count > NODES_MAX)
        return fault(reader, line_of(&event->start_mark), "at most 100 000 values",
                     "the file has too many values");
    struct yaml_node *node = arena_alloc(reader->arena, sizeof *node);
    *node = (struct yaml_node){.shape = shape, .line = line_of(&event->start_mark)};
    *ret_node = node;
    return true;
}

/* Entries of one list or map while their number is not known. */
struct growing {
    struct yaml_entry *entries;
    size_t count, capacity;
};

static void grow(struct reader *reader, struct growing *growing, struct yaml_entry entry)
{
    if (growing->count == growing->capacity) {
        size_t capacity = growing->capacity ? growing->capacity * 2 : 4;
        struct yaml_entry *entries = arena_alloc(reader->arena, capacity * sizeof *entries);
        if (growing->count)
            memcpy(entries, growing->entries, growing->count * sizeof *entries);
        growing->entries = entries;
        growing->capacity = capacity;
    }
    growing->entries[growing->count++] = entry;
}

static bool read_text(struct reader *reader, const yaml_event_t *event,
                      struct yaml_node **ret_node)
{
    struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (event->data.scalar.anchor || event->data.scalar.tag)
        fault(reader, line_of(&event->start_mark), "plain values", "anchors and tags are refused");
    if (!slice_is_utf8(text))
        return fault(reader, line_of(&event->start_mark), "UTF-8 without NUL", "not UTF-8");
    if (!new_node(reader, YAML_TEXT, event, ret_node))
        return false;
    (*ret_node)->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    (*ret_node)->text =
        (struct slice){arena_copy(reader->arena, text.data, text.length), text.length};
    return true;
}

static bool read_list(struct reader *reader, const yaml_event_t *begin, int depth,
                      struct yaml_node **ret_node)
{
    struct growing items = {0};
    struct yaml_node *list;
    if (begin->data.sequence_start.anchor || begin->data.sequence_start.tag)
        fault(reader, line_of(&begin->start_mark), "plain values", "anchors and tags are refused");
    if (!new_node(reader, YAML_LIST, begin, &list))
        return false;
    while (may_go_on(reader)) {
        yaml_event_t event;
        struct yaml_node *item;
        if (!next(reader, &event))
            return false;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        bool done = end || read_value(reader, &event, depth + 1, &item);
        yaml_event_delete(&event);
        if (!done)
            return false;
        if (end) {
            list->entries = items.entries;
            list->count = items.count;
            *ret_node = list;
            return true;
        }
        grow(reader, &items, (struct yaml_entry){.line = item->line, .value = item});
    }
    return false;
}

static bool has_key(const struct growing *map, struct slice key)
{
    for (size_t i = 0; i < map->count; i++)
        if (slice_equal(map->entries[i].key, key))
            return true;
    return false;
}

static bool read_entry(struct reader *reader, const yaml_event_t *key, int depth,
                       struct growing *map)
{
    int line = line_of(&key->start_mark);
    if (key->type != YAML_SCALAR_EVENT)
        return fault(reader, line, "a plain key", "a key is not a plain text");
    if (key->data.scalar.anchor || key->data.scalar.tag)
        fault(reader, line, "a plain key", "a key is not a plain text");
    struct slice name = {(const char *)key->data.scalar.value, key->data.scalar.length};
    if (map->count == KEYS_MAX)
        return fault(reader, line, "at most 1024 keys in one map", "too many keys");
    if (!slice_is_utf8(name))
        return fault(reader, line, "UTF-8 without NUL", "not UTF-8");
    yaml_event_t event;
    struct yaml_node *value;
    bool twice = has_key(map, name);
    if (twice)
        fault(reader, line, "each key once",
              arena_print(reader->arena, "the key '%.60s' stands twice", name.data));
    if (!next(reader, &event))
        return false;
    bool done = read_value(reader, &event, depth + 1, &value);
    yaml_event_delete(&event);
    if (done && !twice) {
        const char *text = arena_copy(reader->arena, name.data, name.length);
        grow(reader, map, (struct yaml_entry){{text, name.length}, line, value});
    }
    return done;
}

static bool read_map(struct reader *reader, const yaml_event_t *begin, int depth,
                     struct yaml_node **ret_node)
{
    struct growing entries = {0};
    struct yaml_node *map;
    if (begin->data.mapping_start.anchor || begin->data.mapping_start.tag)
        fault(reader, line_of(&begin->start_mark), "plain values", "anchors and tags are refused");
    if (!new_node(reader, YAML_MAP, begin, &map))
        return false;
    while (may_go_on(reader)) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        bool done = end || read_entry(reader, &event, depth, &entries);
        yaml_event_delete(&event);
        if (!done)
            return false;
        if (end) {
            map->entries = entries.entries;
            map->count = entries.count;
            *ret_node = map;
            return true;
        }
    }
    return false;
}

static bool read_value(struct reader *reader, const yaml_event_t *event, int depth,
                       struct yaml_node **ret_node)
{
    int line = line_of(&event->start_mark);
    if (depth > DEPTH_MAX)
        return fault(reader, line, "at most 32 levels", "nested too deep");
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_text(reader, event, ret_node);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, event, depth, ret_node);
    case YAML_MAPPING_START_EVENT:
        return read_map(reader, event, depth, ret_node);
    case YAML_ALIAS_EVENT:
        fault(reader, line, "plain values", "aliases are refused");
        if (!new_node(reader, YAML_TEXT, event, ret_node))
            return false;
        (*ret_node)->plain = true;
        (*ret_node)->text = SLICE("");
        return true;
    default:
        return fault(reader, line, "a value", "no value here");
    }
}

/* ---- The document */

static bool begin_document(struct reader *reader, const yaml_event_t *event)
{
    const yaml_version_directive_t *version = event->data.document_start.version_directive;
    int line = line_of(&event->start_mark);
    if (reader->tree->root ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return fault(reader, line, "one document without directives",
                     "more than one document, or a directive");
    if (version && (version->major != 1 || version->minor != 2))
        return fault(reader, line, "YAML 1.2", "the file asks for another version of YAML");
    return true;
}

/* The stream's frame: start, one document, end. */
static bool read_stream(struct reader *reader)
{
    bool done = true, ended = false;
    while (done && !ended) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            done = begin_document(reader, &event);
            break;
        case YAML_STREAM_END_EVENT:
            ended = true;
            break;
        default:
            done = read_value(reader, &event, 0, &reader->tree->root);
        }
        yaml_event_delete(&event);
    }
    if (!done || reader->tree->root)
        return done;
    return fault(reader, 0, "one YAML document", "the file is empty");
}

void yaml_read_tree(struct slice text, struct arena *arena, struct yaml_tree *ret_tree)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    if (text.length >= 3 && memcmp(text.data, byte_order_mark, 3) == 0)
        text = (struct slice){text.data + 3, text.length - 3};
    struct reader reader = {.text = text, .arena = arena, .tree = ret_tree};
    *ret_tree = (struct yaml_tree){0};
    if (text.length > BYTES_MAX) {
        fault(&reader, 0, "at most 1 MiB", "the file is too large");
        ret_tree->faults[0].too_large = true;
        return;
    }
    REQUIRE(yaml_parser_initialize(&reader.parser));
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text.data, text.length);
    if (!read_stream(&reader))
        ret_tree->root = NULL;
    yaml_parser_delete(&reader.parser);
}

/* ---- Meanings of plain texts */

bool yaml_is_null(const struct yaml_node *node)
{
    return node->shape == YAML_TEXT && node->plain &&
           (node->text.length == 0 || slice_equal(node->text, SLICE("null")) ||
            slice_equal(node->text, SLICE("~")));
}

bool yaml_is_bool(const struct yaml_node *node, bool *ret_value)
{
    bool truth = slice_equal(node->text, SLICE("true"));
    if (node->shape != YAML_TEXT || !node->plain ||
        (!truth && !slice_equal(node->text, SLICE("false"))))
        return false;
    *ret_value = truth;
    return true;
}

/* ---- JSON */

static json_t *json_of_text(const struct yaml_node *node)
{
    int64_t whole;
    double real;
    bool truth;
    if (node->plain && yaml_is_bool(node, &truth))
        return json_boolean(truth);
    if (node->plain && yaml_is_null(node))
        return json_null();
    if (node->plain && slice_to_int64(node->text, INT64_MIN + 1, INT64_MAX, &whole))
        return json_integer(whole);
    if (node->plain && slice_to_double(node->text, &real))
        return json_real(real);
    return json_stringn(node->text.data, node->text.length);
}

static json_t *json_of(const struct yaml_node *node)
{
    if (node->shape == YAML_TEXT)
        return json_of_text(node);
    json_t *value = node->shape == YAML_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];
        if (node->shape == YAML_LIST)
            json_array_append_new(value, json_of(entry->value));
        else
            json_object_set_new(value, entry->key.data, json_of(entry->value));
    }
    return value;
}

bool yaml_read(struct slice text, const char *source, json_t **ret_document, struct error *err)
{
    struct arena arena;
    struct yaml_tree tree;
    arena_init(&arena, TREE_BYTES_MAX);
    yaml_read_tree(text, &arena, &tree);
    bool done = tree.fault_count == 0;
    if (done)
        *ret_document = json_of(tree.root);
    else
        error_set(err, tree.faults[0].too_large ? ERROR_TOO_LARGE : ERROR_SYNTAX,
                  (struct error_place){.source = source, .row = tree.faults[0].line},
                  tree.faults[0].expected, "YAML: %s", tree.faults[0].what);
    arena_release(&arena);
    return done;
}
