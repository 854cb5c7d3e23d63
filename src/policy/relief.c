/* policies/relief.yaml: the fields that are asked of a firm, and rules over them. The whole file or
 * nothing; a refusal names the rule and the way to the field ("needs.all[2].in"). */
#include "policy/relief_internal.h"

#include <stdlib.h>

#include "policy/yaml.h"

static const char file_name[] = "policies/relief.yaml";
static const char *const type_names[RELIEF_TYPE_COUNT] = {
#define X(id, name) [id] = name,
    RELIEF_TYPE_TABLE(X)
#undef X
};
static const char *const operator_names[RELIEF_OPERATOR_COUNT] = {
#define X(id, name) [id] = name,
    RELIEF_OPERATOR_TABLE(X)
#undef X
};

static bool bad(const char *source, const char *field, const char *expected, const char *what,
                struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = source, .field = field},
                     expected, "%s", what);
}

/* Names are as those of scenes: [a-z][a-z0-9_]{0,39}. */
static bool check_name(const char *name, const char *source, struct error *err)
{
    size_t length = strlen(name);
    bool good = length >= 1 && length <= 40 && name[0] >= 'a' && name[0] <= 'z' &&
                strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
    return good || bad(source, name, "a name of a-z, 0-9 and _, at most 40", "not a name", err);
}

/* {zh: …, en: …}: both given, not empty. */
static bool read_words(struct relief *relief, json_t *words, const char *source, const char *field,
                       struct words *ret_words, struct error *err)
{
    static const char *const keys[] = {"zh", "en", NULL};
    struct json_place place = {.source = source, .required = true};
    struct slice zh, en;
    if (!json_is_object(words))
        return bad(source, field, "words in zh and en", words ? "not words" : "missing", err);
    if (!json_only_fields(words, keys, place, err) || !json_text(words, "zh", place, &zh, err) ||
        !json_text(words, "en", place, &en, err))
        return false;
    if (!slice_trim(zh).length || !slice_trim(en).length)
        return bad(source, field, "words in zh and en", "empty words", err);
    *ret_words = (struct words){arena_copy(&relief->texts, zh.data, zh.length),
                                arena_copy(&relief->texts, en.data, en.length)};
    return true;
}

/* The object of that name with 1 to `most` entries. */
static bool section(json_t *object, const char *name, size_t most, const char *source,
                    json_t **ret_section, struct error *err)
{
    *ret_section = json_object_get(object, name);
    if (!json_is_object(*ret_section) || !json_object_size(*ret_section))
        return bad(source, name, "a section with at least one entry", "missing or empty", err);
    return json_object_size(*ret_section) <= most ||
           error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = source, .field = name},
                     "fewer entries", "more than %zu entries", most);
}

static bool read_choices(struct relief *relief, json_t *from, const char *source,
                         struct relief_choice *choices, size_t *ret_count, struct error *err)
{
    const char *name;
    json_t *words;
    size_t count = 0;
    json_object_foreach (from, name, words) {
        if (!check_name(name, source, err) ||
            !read_words(relief, words, source, name, &choices[count].title, err))
            return false;
        choices[count++].name = arena_copy(&relief->texts, name, strlen(name));
    }
    *ret_count = count;
    return true;
}

/* ---- Fields */

size_t relief_field_of(const struct relief *relief, struct slice name)
{
    size_t i = 0;
    while (i < relief->field_count && !slice_equal(name, slice_of(relief->fields[i].name)))
        i++;
    return i;
}

static bool read_type(json_t *entry, const char *source, enum relief_type *ret_type,
                      struct error *err)
{
    struct slice name;
    if (!json_text(entry, "type", (struct json_place){.source = source, .required = true}, &name,
                   err))
        return false;
    for (int i = 0; i < RELIEF_TYPE_COUNT; i++)
        if (slice_equal(name, slice_of(type_names[i]))) {
            *ret_type = (enum relief_type)i;
            return true;
        }
    return bad(source, "type", "enum, bool, number, date or code", "no such type", err);
}

static bool read_field(struct relief *relief, const char *name, json_t *entry, struct error *err)
{
    static const char *const keys[] = {"type", "title", "values", NULL};
    const char *source = arena_print(&relief->texts, "field %s", name);
    struct relief_field *field = &relief->fields[relief->field_count];
    json_t *values;
    if (!check_name(name, "fields", err) ||
        !json_only_fields(entry, keys, (struct json_place){.source = source}, err) ||
        !read_type(entry, source, &field->type, err) ||
        !read_words(relief, json_object_get(entry, "title"), source, "title", &field->title, err))
        return false;
    if (strcmp(name, "code") == 0 || strcmp(name, "name") == 0 || strcmp(name, "asked") == 0)
        return bad("fields", name, "a name of its own", "every firm has this field already", err);
    field->name = arena_copy(&relief->texts, name, strlen(name));
    relief->field_count++;
    if (field->type != RELIEF_ENUM)
        return !json_object_get(entry, "values") ||
               bad(source, "values", "values of an enum only", "not an enum", err);
    field->choices = arena_alloc(&relief->texts, RELIEF_CHOICES_MAX * sizeof *field->choices);
    return section(entry, "values", RELIEF_CHOICES_MAX, source, &values, err) &&
           read_choices(relief, values, source, field->choices, &field->choice_count, err);
}

/* ---- Conditions */

/* Where a condition stands, for refusals. */
struct way {
    const char *rule;
    char path[96];
    int depth;
    int *count; /* of the rule's conditions so far */
};

static struct way further(const struct way *way, const char *name, size_t index)
{
    struct way next = {.rule = way->rule, .depth = way->depth + 1, .count = way->count};
    snprintf(next.path, sizeof next.path, "%.80s.%s[%zu]", way->path, name, index);
    return next;
}

static bool read_condition(struct relief *relief, json_t *entry, const struct way *way,
                           struct relief_condition *condition, struct error *err);

static bool read_children(struct relief *relief, json_t *list, const struct way *way,
                          struct relief_condition *condition, struct error *err)
{
    const char *name = operator_names[condition->operation];
    size_t i;
    json_t *item;
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > 32)
        return bad(way->rule, further(way, name, 0).path, "a list of 1 to 32 conditions",
                   "not such a list", err);
    condition->count = json_array_size(list);
    condition->children =
        arena_alloc(&relief->texts, condition->count * sizeof *condition->children);
    json_array_foreach (list, i, item) {
        struct way next = further(way, name, i);
        if (!read_condition(relief, item, &next, &condition->children[i], err))
            return false;
    }
    return true;
}

static bool read_values(struct relief *relief, json_t *given, const struct way *way,
                        struct relief_condition *condition, struct error *err)
{
    const struct relief_field *field = &relief->fields[condition->field];
    bool list = condition->operation == RELIEF_IN;
    bool ordered = field->type == RELIEF_NUMBER || field->type == RELIEF_DATE;
    const char *name = operator_names[condition->operation];
    char path[128];
    snprintf(path, sizeof path, "%s.%s", way->path, name);
    struct error_place place = {.source = way->rule, .field = path};
    if ((condition->operation == RELIEF_AT_LEAST || condition->operation == RELIEF_AT_MOST) &&
        !ordered)
        return bad(way->rule, path, "eq or in: only numbers and dates have an order",
                   "the field has no order", err);
    if (list && (!json_is_array(given) || !json_array_size(given) || json_array_size(given) > 32))
        return bad(way->rule, path, "a list of 1 to 32 values", "not such a list", err);
    condition->count = list ? json_array_size(given) : 1;
    condition->values = arena_alloc(&relief->texts, condition->count * sizeof *condition->values);
    for (size_t i = 0; i < condition->count; i++)
        if (!relief_value_from_json(field, list ? json_array_get(given, i) : given, place,
                                    &relief->texts, &condition->values[i], err))
            return false;
    return true;
}

/* {all: […]}, {any: […]}, or {field: F, OPERATOR: V}. */
static bool read_condition(struct relief *relief, json_t *entry, const struct way *way,
                           struct relief_condition *condition, struct error *err)
{
    const char *const form = "{field: F, eq|in|at_least|at_most: V}, {all: […]} or {any: […]}";
    struct slice name;
    int found = -1;
    if (way->depth > RELIEF_DEPTH_MAX)
        return bad(way->rule, way->path, "at most 8 levels", "conditions stand too deep", err);
    if (++*way->count > RELIEF_CONDITIONS_MAX)
        return bad(way->rule, way->path, "at most 62 conditions a rule", "too many conditions",
                   err);
    for (int i = 0; i < RELIEF_OPERATOR_COUNT; i++)
        if (json_object_get(entry, operator_names[i])) {
            if (found >= 0)
                return bad(way->rule, way->path, form, "two conditions in one", err);
            found = i;
        }
    bool nested = found == RELIEF_ALL || found == RELIEF_ANY;
    if (found < 0 || json_object_size(entry) != (nested ? 1u : 2u))
        return bad(way->rule, way->path, form, "not a condition", err);
    condition->operation = (enum relief_operator)found;
    json_t *given = json_object_get(entry, operator_names[found]);
    if (nested)
        return read_children(relief, given, way, condition, err);
    if (!json_text(entry, "field", (struct json_place){.source = way->rule, .required = true},
                   &name, err))
        return false;
    condition->field = relief_field_of(relief, name);
    if (condition->field == relief->field_count)
        return bad(way->rule, way->path, "a name of `fields`", "there is no such field", err);
    return read_values(relief, given, way, condition, err);
}

/* ---- Rules */

/* A day, or {field: DATE_FIELD, months: N}. */
static bool read_edge(struct relief *relief, json_t *window, const char *name, const char *rule,
                      struct relief_edge *edge, struct error *err)
{
    static const char *const keys[] = {"field", "months", NULL};
    const char *form = "'YYYY-MM-DD', or {field: a date field, months: 0 to 120}";
    json_t *given = json_object_get(window, name);
    struct json_place place = {.source = rule, .required = true};
    struct slice text = {json_string_value(given), json_string_length(given)};
    int64_t months = 0;
    *edge = (struct relief_edge){.field = -1};
    if (text.data)
        return time_parse_date(text, &edge->day) || bad(rule, name, form, "not a day", err);
    if (!json_is_object(given))
        return bad(rule, name, form, given ? "not a day" : "missing", err);
    if (!json_only_fields(given, keys, place, err) || !json_text(given, "field", place, &text, err))
        return false;
    place.required = false;
    if (!json_int64(given, "months", place, 0, RELIEF_MONTHS_MAX, &months, err))
        return false;
    size_t field = relief_field_of(relief, text);
    if (field == relief->field_count || relief->fields[field].type != RELIEF_DATE)
        return bad(rule, name, form, "not a field with a date", err);
    edge->field = (int)field;
    edge->months = (int)months;
    return true;
}

static bool read_window(struct relief *relief, json_t *entry, struct relief_rule *rule,
                        const char *source, struct error *err)
{
    static const char *const keys[] = {"from", "until", NULL};
    json_t *window = json_object_get(entry, "window");
    if (!json_is_object(window))
        return bad(source, "window", "{from: …, until: …}", "missing", err);
    if (!json_only_fields(window, keys, (struct json_place){.source = source}, err) ||
        !read_edge(relief, window, "from", source, &rule->from, err) ||
        !read_edge(relief, window, "until", source, &rule->until, err))
        return false;
    return rule->from.field >= 0 || rule->until.field >= 0 || rule->from.day <= rule->until.day ||
           bad(source, "window", "a day that is not before `from`", "it ends before it begins",
               err);
}

static bool read_hand_in(struct relief *relief, json_t *entry, struct relief_rule *rule,
                         const char *source, struct error *err)
{
    json_t *list = json_object_get(entry, "hand_in"), *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > RELIEF_HAND_IN_MAX)
        return bad(source, "hand_in", "a list of at most 8 words", "not such a list", err);
    json_array_foreach (list, i, item)
        if (!read_words(relief, item, source, "hand_in", &rule->hand_in[i], err))
            return false;
    rule->hand_in_count = json_array_size(list);
    return true;
}

static bool read_benefit(struct relief *relief, json_t *entry, struct relief_rule *rule,
                         const char *source, struct error *err)
{
    struct slice name;
    if (!json_text(entry, "benefit", (struct json_place){.source = source, .required = true}, &name,
                   err))
        return false;
    for (size_t i = 0; i < relief->benefit_count; i++)
        if (slice_equal(name, slice_of(relief->benefits[i].name))) {
            rule->benefit = i;
            return true;
        }
    return bad(source, "benefit", "a name of `benefits`", "there is no such benefit", err);
}

static bool read_rule(struct relief *relief, const char *name, json_t *entry, struct error *err)
{
    static const char *const keys[] = {"benefit", "title",   "gives", "department", "window",
                                       "source",  "hand_in", "needs", NULL};
    const char *source = arena_print(&relief->texts, "rule %s", name);
    struct relief_rule *rule = &relief->rules[relief->rule_count];
    int count = 0;
    struct way way = {.rule = source, .path = "needs", .count = &count};
    struct slice text;
    if (!check_name(name, "rules", err) ||
        !json_only_fields(entry, keys, (struct json_place){.source = source}, err) ||
        !read_benefit(relief, entry, rule, source, err) ||
        !read_words(relief, json_object_get(entry, "title"), source, "title", &rule->title, err) ||
        !read_words(relief, json_object_get(entry, "gives"), source, "gives", &rule->gives, err) ||
        !read_words(relief, json_object_get(entry, "department"), source, "department",
                    &rule->department, err) ||
        !read_window(relief, entry, rule, source, err) ||
        !json_text(entry, "source", (struct json_place){.source = source, .required = true}, &text,
                   err) ||
        !read_hand_in(relief, entry, rule, source, err))
        return false;
    if (!slice_trim(text).length)
        return bad(source, "source", "where the rule stands", "empty", err);
    rule->name = arena_copy(&relief->texts, name, strlen(name));
    rule->source = arena_copy(&relief->texts, text.data, text.length);
    relief->rule_count++;
    return read_condition(relief, json_object_get(entry, "needs"), &way, &rule->needs, err);
}

static bool read_document(struct relief *relief, json_t *document, const char *source,
                          struct error *err)
{
    static const char *const keys[] = {"benefits", "fields", "rules", NULL};
    json_t *benefits, *fields, *rules, *entry;
    const char *name;
    if (!json_is_object(document))
        return bad(source, NULL, "benefits, fields and rules", "not an object", err);
    if (!json_only_fields(document, keys, (struct json_place){.source = source}, err) ||
        !section(document, "benefits", RELIEF_BENEFITS_MAX, source, &benefits, err) ||
        !section(document, "fields", RELIEF_FIELDS_MAX, source, &fields, err) ||
        !section(document, "rules", RELIEF_RULES_MAX, source, &rules, err) ||
        !read_choices(relief, benefits, "benefits", relief->benefits, &relief->benefit_count, err))
        return false;
    json_object_foreach (fields, name, entry)
        if (!read_field(relief, name, entry, err))
            return false;
    json_object_foreach (rules, name, entry)
        if (!read_rule(relief, name, entry, err))
            return false;
    return true;
}

static bool from_document(json_t *document, const char *source, struct relief **ret_relief,
                          struct error *err)
{
    struct relief *relief = x_alloc(1, sizeof *relief);
    arena_init(&relief->texts, 64 << 20);
    if (!read_document(relief, document, source, err)) {
        relief_free(relief);
        return false;
    }
    *ret_relief = relief;
    return true;
}

bool relief_read(struct slice yaml, const char *source, struct relief **ret_relief,
                 struct error *err)
{
    json_t *document;
    if (!yaml_read(yaml, source, &document, err))
        return false;
    bool done = from_document(document, source, ret_relief, err);
    json_decref(document);
    return done;
}

bool relief_open(int directory_fd, struct relief **ret_relief, struct error *err)
{
    json_t *document;
    if (!policy_document_read(directory_fd, file_name, &document, err))
        return false;
    bool done = from_document(document, file_name, ret_relief, err);
    json_decref(document);
    return done;
}

void relief_free(struct relief *relief)
{
    if (!relief)
        return;
    arena_release(&relief->texts);
    free(relief);
}

/* ---- Asking */

size_t relief_rule_count(const struct relief *relief)
{
    return relief->rule_count;
}
const struct relief_rule *relief_rule_at(const struct relief *relief, size_t index)
{
    REQUIRE(index < relief->rule_count);
    return &relief->rules[index];
}
size_t relief_rule_of(const struct relief *relief, struct slice name)
{
    size_t i = 0;
    while (i < relief->rule_count && !slice_equal(name, slice_of(relief->rules[i].name)))
        i++;
    return i;
}
const char *relief_rule_name(const struct relief_rule *rule)
{
    return rule->name;
}
size_t relief_benefit_count(const struct relief *relief)
{
    return relief->benefit_count;
}
const char *relief_benefit_name(const struct relief *relief, size_t index)
{
    REQUIRE(index < relief->benefit_count);
    return relief->benefits[index].name;
}
