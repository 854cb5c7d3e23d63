/* policies/chains.yaml, the city's own before the built-in one. */
#include <stdlib.h>

#include "chains/chains_internal.h"

static const char source[] = "policies/chains.yaml";

static const struct number_form forms[CHAIN_NUMBERS] = {
#define X(id, name, low, high) [id] = {name, low, high},
    CHAIN_NUMBER_TABLE(X)
#undef X
};

static bool bad(const char *field, int64_t row, const char *expected, const char *what,
                struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = source, .row = row, .field = field}, expected,
                     "%s", what);
}

static bool keep_name(struct slice name, char out[HELD_NAME_BYTES], const char *field, int64_t row,
                      struct error *err)
{
    if (!name.length || name.length >= HELD_NAME_BYTES)
        return bad(field, row, "a name of 1 to 63 bytes", "not such a name", err);
    memcpy(out, name.data, name.length);
    out[name.length] = '\0';
    return true;
}

static bool read_held(json_t *document, struct chains *chains, struct error *err)
{
    static const char *const keys[] = {"scene", "stage", "source", NULL};
    json_t *list = json_object_get(document, "held"), *entry;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > HELD_STAGES_MAX)
        return bad("held", 0, "a list of at most 32 {scene, stage, source}", "not such a list",
                   err);
    json_array_foreach (list, i, entry) {
        struct json_place place = {source, (int64_t)i + 1, true};
        struct slice scene, stage, why;
        char(*names)[HELD_NAME_BYTES] = chains->held_names[i];
        if (!json_is_object(entry))
            return bad("held", place.row, "{scene, stage, source}", "not a map", err);
        if (!json_only_fields(entry, keys, place, err) ||
            !json_text(entry, "scene", place, &scene, err) ||
            !json_text(entry, "stage", place, &stage, err) ||
            !json_text(entry, "source", place, &why, err) ||
            !keep_name(scene, names[0], "scene", place.row, err) ||
            !keep_name(stage, names[1], "stage", place.row, err))
            return false;
        chains->held[i] = (struct loop_stage_name){slice_of(names[0]), slice_of(names[1])};
        chains->held_count = i + 1;
    }
    return true;
}

static bool read_held_at(json_t *document, const struct policy *policy, struct chains *chains,
                         struct error *err)
{
    json_t *list = json_object_get(document, "held_at"), *value;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > HELD_CATEGORIES_MAX)
        return bad("held_at", 0, "a list of at most 16 categories, perhaps empty",
                   "not such a list", err);
    json_array_foreach (list, i, value) {
        struct slice name = {json_string_value(value), json_string_length(value)};
        if (!name.data || !policy_category_known(policy, name))
            return bad("held_at", (int64_t)i + 1, "a category of venue_categories.yaml",
                       name.data ? "there is no such category" : "not a name", err);
        if (!keep_name(name, chains->held_at[i], "held_at", (int64_t)i + 1, err))
            return false;
        chains->held_at_count = i + 1;
    }
    return true;
}

bool chain_settings_read(json_t *document, const struct policy *policy, struct chains *chains,
                         struct error *err)
{
    static const char *const keys[] = {"numbers", "held", "held_at", NULL};
    if (!json_is_object(document))
        return bad(NULL, 0, "a map", "not a map", err);
    json_t *numbers = json_object_get(document, "numbers");
    if (!json_is_object(numbers))
        return bad("numbers", 0, "a map of numbers", "missing", err);
    return json_only_fields(document, keys, (struct json_place){.source = source}, err) &&
           policy_numbers_read(numbers, source, forms, CHAIN_NUMBERS, chains->number, err) &&
           read_held(document, chains, err) && read_held_at(document, policy, chains, err);
}

bool chains_open(struct platform *platform, struct chains **ret_chains, struct error *err)
{
    struct chains *chains = x_alloc(1, sizeof *chains);
    json_t *document;
    chains->platform = platform;
    bool done = policy_document_read(store_directory_fd(platform->store), source, &document, err);
    if (done) {
        done = chain_settings_read(document, platform->policy, chains, err);
        json_decref(document);
    }
    if (!done) {
        chains_close(chains);
        return false;
    }
    *ret_chains = chains;
    return true;
}

void chains_close(struct chains *chains)
{
    free(chains);
}
