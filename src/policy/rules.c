/* Rule sets as data: reading one from YAML. Unknown keys, missing numbers and numbers out of range
 * are refused; nothing is taken from a file that has one fault. */
#include "policy/policy_internal.h"

#include <stdlib.h>

#include "policy/yaml.h"

static const struct number_form rule_forms[RULE_NUMBER_COUNT] = {
#define X(id, name, low, high) [id] = {name, low, high},
    RULE_NUMBER_TABLE(X)
#undef X
};

static bool number_read(json_t *object, const char *source, const struct number_form *form,
                        int64_t *out, struct error *err)
{
    static const char *const keys[] = {"value", "source", NULL};
    struct json_place place = {.source = form->name, .required = true};
    struct slice reason;
    json_t *entry = json_object_get(object, form->name);
    if (!json_is_object(entry))
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = source, .field = form->name},
                         "{value: NUMBER, source: \"…\"}", "missing");
    return json_only_fields(entry, keys, place, err) &&
           json_int64(entry, "value", place, form->low, form->high, out, err) &&
           json_text(entry, "source", place, &reason, err);
}

bool policy_numbers_read(json_t *numbers, const char *file, const struct number_form *forms,
                         size_t count, int64_t *out, struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (numbers, key, value) {
        size_t i = 0;
        while (i < count && strcmp(forms[i].name, key) != 0)
            i++;
        if (i == count)
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.source = file, .field = key},
                             "a number that the program knows", "unknown number");
    }
    for (size_t i = 0; i < count; i++)
        if (!number_read(numbers, file, &forms[i], &out[i], err))
            return false;
    return true;
}

static bool read_codes(json_t *document, const char *source, struct rule_set *rules,
                       struct error *err)
{
    json_t *codes = json_object_get(document, "override_reason_codes");
    struct error_place place = {.source = source, .field = "override_reason_codes"};
    size_t count = json_array_size(codes);
    if (!json_is_array(codes) || count < 1 || count > REASON_CODES_MAX)
        return error_set(err, ERROR_BAD_VALUE, place, "1 to 16 codes", "not a list of codes");
    for (size_t i = 0; i < count; i++) {
        const char *code = json_string_value(json_array_get(codes, i));
        if (!code)
            return error_set(err, ERROR_BAD_VALUE, place, "texts", "a code is not a text");
        rules->reason_codes[rules->reason_code_count++] = strdup(code);
    }
    return true;
}

/* Words for people: {zh: …, en: …}, both given. */
static bool read_words(json_t *document, const char *field, const char *source, char **ret_zh,
                       char **ret_en, struct error *err)
{
    static const char *const keys[] = {"zh", "en", NULL};
    struct json_place place = {.source = source, .required = true};
    struct slice zh, en;
    json_t *words = json_object_get(document, field);
    if (!json_is_object(words))
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = source, .field = field},
                         "words in zh and en", "missing");
    place.source = field;
    if (!json_only_fields(words, keys, place, err) || !json_text(words, "zh", place, &zh, err) ||
        !json_text(words, "en", place, &en, err))
        return false;
    *ret_zh = strndup(zh.data, zh.length);
    *ret_en = strndup(en.data, en.length);
    return true;
}

/* What no single number shows: a rule set ends after it begins, yellow ends after its red. */
static bool check_together(const struct rule_set *rules, const char *source, struct error *err)
{
    static const struct {
        enum rule_number red, yellow;
    } pairs[] = {{RULE_CASE_RED, RULE_CASE_YELLOW},
                 {RULE_CLOSE_CONTACT_RED, RULE_CLOSE_CONTACT_YELLOW},
                 {RULE_SOURCE_POSITIVE_RED, RULE_SOURCE_POSITIVE_YELLOW},
                 {RULE_INBOUND_RED, RULE_INBOUND_YELLOW},
                 {RULE_AREA_STAY_RED, RULE_AREA_STAY_YELLOW}};
    if (rules->valid_to != TIMESTAMP_NONE && rules->valid_to <= rules->valid_from)
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = source, .field = "valid_to"},
                         "a time after valid_from, or null", "the rule set is never in force");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (rules->numbers[pairs[i].yellow] < rules->numbers[pairs[i].red])
            return error_set(
                err, ERROR_BAD_VALUE,
                (struct error_place){.source = source, .field = rule_forms[pairs[i].yellow].name},
                "both counted from the same moment: at least the days of red",
                "the yellow ends before its red");
    return true;
}

static bool is_area_code(struct slice code)
{
    int64_t number;
    return code.length == 6 && slice_to_int64(code, 100000, 999999, &number);
}

static bool read_document(json_t *document, const char *source, struct rule_set *rules,
                          struct error *err)
{
    static const char *const keys[] = {"rule_set", "version", "title", "valid_from", "valid_to",
                                       "area", "legal_basis", "numbers", "override_reason_codes",
                                       NULL};
    struct json_place must = {.source = source, .required = true}, may = {.source = source};
    struct slice name, version, area;
    if (!json_only_fields(document, keys, must, err) ||
        !json_text(document, "rule_set", must, &name, err) ||
        !json_text(document, "version", must, &version, err) ||
        !json_text(document, "area", must, &area, err) ||
        !read_words(document, "title", source, &rules->title_zh, &rules->title_en, err) ||
        !read_words(document, "legal_basis", source, &rules->legal_basis_zh,
                    &rules->legal_basis_en, err) ||
        !json_time(document, "valid_from", must, &rules->valid_from, err) ||
        !json_time(document, "valid_to", may, &rules->valid_to, err) ||
        !policy_numbers_read(json_object_get(document, "numbers"), source, rule_forms,
                             RULE_NUMBER_COUNT, rules->numbers, err) ||
        !read_codes(document, source, rules, err) || !check_together(rules, source, err))
        return false;
    if (!is_area_code(area))
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = source, .field = "area"},
                         "the six digits of an area code", "not an area code");
    rules->name = strndup(name.data, name.length);
    rules->version = strndup(version.data, version.length);
    return true;
}

bool rule_set_read(struct slice yaml, const char *source, struct rule_set **ret_rules,
                   struct error *err)
{
    json_t *document;
    if (!yaml_read(yaml, source, &document, err))
        return false;
    struct rule_set *rules = x_alloc(1, sizeof *rules);
    rules->document = document;
    if (!read_document(document, source, rules, err)) {
        rule_set_free(rules);
        return false;
    }
    *ret_rules = rules;
    return true;
}

void rule_set_free(struct rule_set *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->reason_code_count; i++)
        free(rules->reason_codes[i]);
    json_decref(rules->document);
    free(rules->name);
    free(rules->version);
    free(rules->title_zh);
    free(rules->title_en);
    free(rules->legal_basis_zh);
    free(rules->legal_basis_en);
    free(rules);
}

const char *rule_set_name(const struct rule_set *rules)
{
    return rules->name;
}
const char *rule_set_version(const struct rule_set *rules)
{
    return rules->version;
}
timestamp rule_set_valid_from(const struct rule_set *rules)
{
    return rules->valid_from;
}
timestamp rule_set_valid_to(const struct rule_set *rules)
{
    return rules->valid_to;
}
struct words rule_set_title(const struct rule_set *rules)
{
    return (struct words){rules->title_zh, rules->title_en};
}
struct words rule_set_legal_basis(const struct rule_set *rules)
{
    return (struct words){rules->legal_basis_zh, rules->legal_basis_en};
}

/* A text of the document, which was found to be there when it was read. */
static struct slice text_of(const json_t *object, const char *name)
{
    return slice_of(json_string_value(json_object_get(object, name)));
}

struct slice rule_set_area(const struct rule_set *rules)
{
    return text_of(rules->document, "area");
}

static void put_words(struct json_writer *writer, const char *key, const json_t *words)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", text_of(words, "zh"));
    json_field_text(writer, "en", text_of(words, "en"));
    json_object_end(writer);
}

void rule_set_put(const struct rule_set *rules, struct json_writer *writer)
{
    const json_t *document = rules->document, *numbers = json_object_get(document, "numbers");
    json_field_text(writer, "rule_set", slice_of(rules->name));
    json_field_text(writer, "version", slice_of(rules->version));
    put_words(writer, "title", json_object_get(document, "title"));
    json_field_time(writer, "valid_from", rules->valid_from);
    json_field_time(writer, "valid_to", rules->valid_to);
    json_field_text(writer, "area", text_of(document, "area"));
    put_words(writer, "legal_basis", json_object_get(document, "legal_basis"));
    json_key(writer, "numbers");
    json_array_begin(writer);
    for (size_t i = 0; i < RULE_NUMBER_COUNT; i++) {
        json_object_begin(writer);
        json_field_text(writer, "name", slice_of(rule_forms[i].name));
        json_field_int64(writer, "value", rules->numbers[i]);
        json_field_text(writer, "source",
                        text_of(json_object_get(numbers, rule_forms[i].name), "source"));
        json_object_end(writer);
    }
    json_array_end(writer);
    json_key(writer, "override_reason_codes");
    json_array_begin(writer);
    for (size_t i = 0; i < rules->reason_code_count; i++)
        json_put_text(writer, slice_of(rules->reason_codes[i]));
    json_array_end(writer);
}

int64_t rule_set_override_approvers(const struct rule_set *rules)
{
    return rules->numbers[RULE_OVERRIDE_APPROVERS];
}
int64_t rule_set_override_days(const struct rule_set *rules)
{
    return rules->numbers[RULE_OVERRIDE_DAYS];
}
const char *const *rule_set_reason_codes(const struct rule_set *rules, size_t *ret_count)
{
    *ret_count = rules->reason_code_count;
    return (const char *const *)rules->reason_codes;
}
