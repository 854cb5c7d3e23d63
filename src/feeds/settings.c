/* policies/feeds.yaml, the city's own before the built-in one. */
#include "feeds/feeds_internal.h"

static const char source[] = "policies/feeds.yaml";

static const struct number_form forms[FEED_NUMBERS] = {
#define X(id, name, low, high) [id] = {name, low, high},
    FEED_NUMBER_TABLE(X)
#undef X
};

static bool bad(const char *field, int64_t row, const char *expected, const char *what,
                struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = source, .row = row, .field = field}, expected,
                     "%s", what);
}

static bool read_category(json_t *value, const struct policy *policy, const char *field,
                          int64_t row, size_t *ret_category, struct error *err)
{
    const char *name = json_string_value(value);
    if (!name || !policy_category_known(policy, slice_of(name)))
        return bad(field, row, "a category of venue_categories.yaml",
                   name ? "there is no such category" : "not a name", err);
    *ret_category = policy_category_of(policy, slice_of(name));
    return true;
}

static bool read_categories(json_t *document, const struct policy *policy, const char *field,
                            bool flags[CATEGORIES_MAX], struct error *err)
{
    json_t *list = json_object_get(document, field), *value;
    size_t i, category;
    if (!json_is_array(list))
        return bad(field, 0, "a list of categories, perhaps empty", "not a list", err);
    json_array_foreach (list, i, value) {
        if (!read_category(value, policy, field, (int64_t)i + 1, &category, err))
            return false;
        flags[category] = true;
    }
    return true;
}

static bool read_must_test(json_t *document, const struct policy *policy,
                           struct feed_settings *settings, struct error *err)
{
    static const char *const keys[] = {"category", "every_hours", NULL};
    static const char field[] = "must_test";
    json_t *list = json_object_get(document, field), *entry;
    size_t i, category;
    if (!json_is_array(list))
        return bad(field, 0, "a list of {category, every_hours}, perhaps empty", "not a list", err);
    json_array_foreach (list, i, entry) {
        struct json_place place = {source, (int64_t)i + 1, true};
        if (!json_is_object(entry))
            return bad(field, place.row, "{category, every_hours}", "not a map", err);
        if (!json_only_fields(entry, keys, place, err) ||
            !read_category(json_object_get(entry, "category"), policy, field, place.row, &category,
                           err) ||
            !json_int64(entry, "every_hours", place, 1, 744, &settings->test_hours[category], err))
            return false;
    }
    return true;
}

bool feed_settings_read(json_t *document, const struct policy *policy,
                        struct feed_settings *settings, struct error *err)
{
    static const char *const keys[] = {"numbers", "checkpoints", "clusters_leave_out", "must_test",
                                       NULL};
    *settings = (struct feed_settings){.number = {0}};
    REQUIRE(policy_category_count(policy) <= CATEGORIES_MAX);
    if (!json_is_object(document))
        return bad(NULL, 0, "a map", "not a map", err);
    json_t *numbers = json_object_get(document, "numbers");
    if (!json_is_object(numbers))
        return bad("numbers", 0, "a map of numbers", "missing", err);
    return json_only_fields(document, keys, (struct json_place){.source = source}, err) &&
           policy_numbers_read(numbers, source, forms, FEED_NUMBERS, settings->number, err) &&
           read_categories(document, policy, "checkpoints", settings->checkpoint, err) &&
           read_categories(document, policy, "clusters_leave_out", settings->left_out, err) &&
           read_must_test(document, policy, settings, err);
}
