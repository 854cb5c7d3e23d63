/* policies/retention.yaml: days, basis and end of every class; hands. The whole file or nothing. */
#include "keeping/keeping_internal.h"
#include "policy/yaml.h"

enum { DAYS_MAX = 3650 };
static const char source[] = "retention.yaml";

static bool bad(struct error *err, const char *class_, const char *field, const char *expected,
                const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = class_, .field = field},
                     expected, "%s", what);
}

static bool read_text(json_t *entry, const char *class_, const char *field, char *out, size_t size,
                      struct error *err)
{
    struct slice text;
    if (!json_text(entry, field, (struct json_place){.source = class_, .required = true}, &text,
                   err))
        return false;
    if (text.length == 0 || text.length >= size)
        return bad(err, class_, field, "a text that is not empty and fits on two lines",
                   "the text is empty or too long");
    text_copy(out, size, text);
    return true;
}

/* A number of days, or "sunset". */
static bool read_days(json_t *entry, const char *class_, enum keeper keeper, int64_t *ret_days,
                      struct error *err)
{
    json_t *days = json_object_get(entry, "days");
    bool until_sunset = json_is_string(days) && strcmp(json_string_value(days), "sunset") == 0;
    *ret_days = json_is_integer(days) ? json_integer_value(days) : 0;
    if (!until_sunset && (*ret_days < 1 || *ret_days > DAYS_MAX))
        return bad(err, class_, "days", "1 to 3650, or sunset", "not a number of days");
    if (until_sunset == (keeper == KEEPER_SUNSET))
        return true;
    return until_sunset ? bad(err, class_, "days", "1 to 3650", "this class has an end of its own")
                        : bad(err, class_, "days", "sunset",
                              "nothing destroys this class before the end");
}

static bool read_rule(json_t *entry, enum record_class class_, struct retention_rule *rule,
                      struct error *err)
{
    static const char *const keys[] = {"title", "days", "at_sunset", "destroys", "basis", "source",
                                       NULL};
    const char *name = record_class_name(class_);
    char at_sunset[16];
    if (!json_is_object(entry))
        return bad(err, source, name, "an entry of classes", "the class is missing");
    if (!json_only_fields(entry, keys, (struct json_place){.source = name}, err) ||
        !read_days(entry, name, record_class_keeper(class_), &rule->days, err) ||
        !read_text(entry, name, "at_sunset", at_sunset, sizeof at_sunset, err) ||
        !read_text(entry, name, "destroys", rule->destroys, sizeof rule->destroys, err) ||
        !read_text(entry, name, "basis", rule->basis, sizeof rule->basis, err) ||
        !read_text(entry, name, "source", rule->source, sizeof rule->source, err))
        return false;
    json_t *title = json_object_get(entry, "title");
    if (!read_text(title, name, "zh", rule->title_zh, sizeof rule->title_zh, err) ||
        !read_text(title, name, "en", rule->title_en, sizeof rule->title_en, err))
        return false;
    rule->kept_at_sunset = strcmp(at_sunset, "keep") == 0;
    return rule->kept_at_sunset || strcmp(at_sunset, "destroy") == 0 ||
           bad(err, name, "at_sunset", "destroy or keep", "neither");
}

/* What names a person is never kept past the end, whatever a file says. */
static bool check_end(const struct retention_policy *policy, struct error *err)
{
    for (size_t i = 0; i < record_table_count; i++)
        if (record_tables[i].closed && policy->rules[record_tables[i].class_].kept_at_sunset)
            return bad(err, record_class_name(record_tables[i].class_), "at_sunset", "destroy",
                       "this class is about persons");
    for (size_t i = 0; i < RECORD_CLASS_COUNT; i++) {
        bool kept = i == CLASS_ACCOUNTS || i == CLASS_AUDIT || i == CLASS_AGGREGATES ||
                    i == CLASS_REFERENCE;
        if (policy->rules[i].kept_at_sunset != kept)
            return bad(err, record_class_name((enum record_class)i), "at_sunset",
                       kept ? "keep" : "destroy", "the end cannot do this");
    }
    return true;
}

static bool read_hands(json_t *list, const char *field, size_t at_least, struct hands *hands,
                       struct error *err)
{
    size_t i;
    json_t *role;
    if (!json_is_array(list) || json_array_size(list) < at_least ||
        json_array_size(list) > HANDS_MAX)
        return bad(err, "hands", field, "a list of roles (two and more for sunset, at most 16)",
                   "too few or too many");
    json_array_foreach(list, i, role)
    {
        const char *name = json_string_value(role);
        if (!name || !*name || strlen(name) >= sizeof hands->roles[0])
            return bad(err, "hands", field, "names of roles", "not a name");
        if (hands_have(hands, name))
            return bad(err, "hands", field, "each role once", "a role stands twice");
        snprintf(hands->roles[hands->count++], sizeof hands->roles[0], "%s", name);
    }
    return true;
}

bool hands_have(const struct hands *hands, const char *role)
{
    for (size_t i = 0; i < hands->count; i++)
        if (strcmp(hands->roles[i], role) == 0)
            return true;
    return false;
}

bool retention_policy_read(json_t *document, struct retention_policy *ret_policy,
                           struct error *err)
{
    static const char *const keys[] = {"classes", "hands", NULL};
    static const char *const hand_keys[] = {"holds", "sunset", NULL};
    struct retention_policy policy = {0};
    json_t *list = json_object_get(document, "classes"), *hands, *entry;
    const char *name;
    hands = json_object_get(document, "hands");
    if (!json_only_fields(document, keys, (struct json_place){.source = source}, err) ||
        !json_only_fields(hands, hand_keys, (struct json_place){.source = "hands"}, err))
        return false;
    if (!json_is_object(list))
        return bad(err, source, "classes", "a section of classes", "missing");
    json_object_foreach(list, name, entry)
        if (record_class_of(slice_of(name)) < 0)
            return bad(err, source, "classes", "classes that this program knows",
                       "an unknown class");
    for (int i = 0; i < RECORD_CLASS_COUNT; i++)
        if (!read_rule(json_object_get(list, record_class_name((enum record_class)i)),
                       (enum record_class)i, &policy.rules[i], err))
            return false;
    if (!check_end(&policy, err) ||
        !read_hands(json_object_get(hands, "holds"), "holds", 1, &policy.holds, err) ||
        !read_hands(json_object_get(hands, "sunset"), "sunset", 2, &policy.sunset, err))
        return false;
    *ret_policy = policy;
    return true;
}

bool keeping_check_policy(struct slice yaml, struct error *err)
{
    json_t *document;
    struct retention_policy policy;
    if (!yaml_read(yaml, source, &document, err))
        return false;
    bool done = retention_policy_read(document, &policy, err);
    json_decref(document);
    return done;
}
