/* The data of policies/: rule sets, venue categories with the dwell model, roles, numbers. Files
 * of the data directory come before the built-in ones of the same name, save rule sets: those
 * beyond the built-in ones are adopted once they are signed, while others read (the list only
 * grows). */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/policy_internal.h"
#include "policy/yaml.h"

enum { RULE_SETS_MAX = 64, CATEGORIES_MAX = 256, ROLES_MAX = 64, DWELL_MINUTES_MAX = 4320 };

struct category {
    struct venue_category shown;
    float *survival;
    size_t minutes;
};

struct policy {
    struct rule_set *rules[RULE_SETS_MAX]; /* the first rule_count are there and never change */
    atomic_size_t rule_count;
    pthread_mutex_t adopting;              /* owns adding to them */
    char *unsigned_files[RULE_SETS_MAX];
    size_t unsigned_count;
    struct category categories[CATEGORIES_MAX];
    size_t category_count, default_category;
    struct role roles[ROLES_MAX];
    size_t role_count;
    int64_t numbers[POLICY_NUMBER_COUNT];
    struct arena texts;
};

static const struct number_form number_forms[POLICY_NUMBER_COUNT] = {
#define X(id, name, low, high) [id] = {name, low, high},
    POLICY_NUMBER_TABLE(X)
#undef X
};

/* ---- Files */

/* The city's own file where there is one, else the built-in; `own` holds the former. */
static bool policy_file(int directory_fd, const char *name, struct buffer *own,
                        struct slice *ret_text, struct error *err)
{
    buffer_clear(own);
    if (directory_fd >= 0 && faccessat(directory_fd, name, F_OK, 0) == 0) {
        if (!file_read_whole(directory_fd, name, own, err))
            return false;
        *ret_text = buffer_slice(own);
        return true;
    }
    const struct embedded_file *file = embedded_find(name);
    if (!file)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.source = name},
                         "a policy file", "no such file");
    *ret_text = file->content;
    return true;
}

static char *keep(struct policy *policy, struct slice text)
{
    return arena_copy(&policy->texts, text.data, text.length);
}

/* ---- Categories */

/* S(gap) of a lognormal: 1 − Φ((ln gap − ln median) / σ), σ from the 90 % point. */
static void make_survival(struct category *category)
{
    double mu = log(category->shown.dwell_median_minutes);
    double sigma = (log(category->shown.dwell_p90_minutes) - mu) / 1.2815515655446004;
    category->survival = x_alloc(DWELL_MINUTES_MAX, sizeof *category->survival);
    for (size_t m = 0; m < DWELL_MINUTES_MAX; m++) {
        double z = m ? (log((double)m) - mu) / sigma : -INFINITY;
        double survival = 0.5 * erfc(z / sqrt(2));
        if (survival < 0.001)
            return;
        category->survival[m] = (float)survival;
        category->minutes = m + 1;
    }
}

static bool read_category(struct policy *policy, const char *name, json_t *entry,
                          struct error *err)
{
    static const char *const keys[] = {"zh", "en", "median_minutes", "p90_minutes", "check_level",
                                       NULL};
    struct json_place place = {.source = name, .required = true};
    struct slice zh, en;
    int64_t median, p90, level;
    if (!json_only_fields(entry, keys, place, err) || !json_text(entry, "zh", place, &zh, err) ||
        !json_text(entry, "en", place, &en, err) ||
        !json_int64(entry, "median_minutes", place, 1, 1440, &median, err) ||
        !json_int64(entry, "p90_minutes", place, median + 1, 2880, &p90, err) ||
        !json_int64(entry, "check_level", place, 0, 3, &level, err))
        return false;
    if (policy->category_count == CATEGORIES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = name},
                         "at most 256 categories", "too many categories");
    struct category *category = &policy->categories[policy->category_count++];
    category->shown = (struct venue_category){keep(policy, slice_of(name)), keep(policy, zh),
                                              keep(policy, en), (double)median, (double)p90,
                                              (uint8_t)level};
    make_survival(category);
    return true;
}

/* The file's one section, an object; nothing beside it. */
static bool section(json_t *document, const char *name, const char *source, json_t **ret_section,
                    struct error *err)
{
    const char *const keys[] = {name, NULL};
    *ret_section = json_object_get(document, name);
    return json_only_fields(document, keys, (struct json_place){.source = source}, err) &&
           (json_is_object(*ret_section) ||
            error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = source, .field = name},
                      "one section of names", "missing"));
}

static bool read_categories(struct policy *policy, json_t *document, struct error *err)
{
    const char *name;
    json_t *entry, *categories;
    bool done = section(document, "categories", "venue_categories.yaml", &categories, err);
    json_object_foreach(done ? categories : NULL, name, entry)
        done = done && read_category(policy, name, entry, err);
    if (done && !policy_category_known(policy, SLICE("default")))
        done = error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = "venue_categories.yaml"},
                         "a category named default", "no default category");
    policy->default_category = done ? policy_category_of(policy, SLICE("default")) : 0;
    return done;
}

/* ---- Roles: roles.c */

static bool read_roles(struct policy *policy, json_t *document, struct error *err)
{
    const char *name;
    json_t *entry, *roles;
    bool done = section(document, "roles", "roles.yaml", &roles, err);
    json_object_foreach(done ? roles : NULL, name, entry)
    {
        struct error_place place = {.source = name};
        if (done && policy->role_count == ROLES_MAX)
            done = error_set(err, ERROR_TOO_LARGE, place, "at most 64 roles", "too many roles");
        done = done && role_read(name, entry, &policy->texts, &policy->roles[policy->role_count],
                                 err);
        policy->role_count += done;
    }
    return done;
}

/* The numbers [first, end) are those of the file. */
static bool read_number_file(struct policy *policy, json_t *document, const char *source,
                             size_t first, size_t end, struct error *err)
{
    json_t *numbers;
    return section(document, "numbers", source, &numbers, err) &&
           policy_numbers_read(numbers, source, number_forms + first, end - first,
                               policy->numbers + first, err);
}

static bool read_numbers(struct policy *policy, json_t *document, struct error *err)
{
    return read_number_file(policy, document, "checkin.yaml", 0, POLICY_APPEAL_NUMBERS, err);
}

static bool read_appeal_numbers(struct policy *policy, json_t *document, struct error *err)
{
    return read_number_file(policy, document, "appeals.yaml", POLICY_APPEAL_NUMBERS,
                            POLICY_SITUATION_NUMBERS, err);
}

static bool read_situation_numbers(struct policy *policy, json_t *document, struct error *err)
{
    return read_number_file(policy, document, "situation.yaml", POLICY_SITUATION_NUMBERS,
                            POLICY_NUMBER_COUNT, err);
}

/* ---- Opening */

bool policy_document_read(int directory_fd, const char *name, json_t **ret_document,
                          struct error *err)
{
    struct buffer own;
    struct slice text;
    buffer_init(&own, 1 << 20);
    bool done = policy_file(directory_fd, name, &own, &text, err) &&
                yaml_read(text, name, ret_document, err);
    buffer_release(&own);
    return done;
}

static bool read_file(struct policy *policy, int directory_fd, const char *name,
                      bool (*read)(struct policy *policy, json_t *document, struct error *err),
                      struct error *err)
{
    json_t *document;
    if (!policy_document_read(directory_fd, name, &document, err))
        return false;
    bool done = read(policy, document, err);
    json_decref(document);
    return done;
}

static const char rules_prefix[] = "policies/rules/";

static bool add_rule_set(struct policy *policy, struct rule_set *rules, struct error_place place,
                         struct error *err)
{
    size_t count = atomic_load(&policy->rule_count);
    if (count == RULE_SETS_MAX)
        return error_set(err, ERROR_TOO_LARGE, place, "at most 64 rule sets",
                         "too many rule sets");
    if (policy_rules(policy, slice_of(rules->name)))
        return error_set(err, ERROR_BAD_VALUE, place, "a name of its own",
                         "there is a rule set %s already", rules->name);
    policy->rules[count] = rules;
    atomic_store_explicit(&policy->rule_count, count + 1, memory_order_release);
    return true;
}

bool policy_adopt(struct policy *policy, struct slice yaml, const char *source, struct error *err)
{
    struct rule_set *rules;
    struct error_place place = {.source = source, .field = "rule_set"};
    if (!rule_set_read(yaml, source, &rules, err))
        return false;
    pthread_mutex_lock(&policy->adopting);
    bool done = add_rule_set(policy, rules, place, err);
    pthread_mutex_unlock(&policy->adopting);
    if (!done)
        rule_set_free(rules);
    return done;
}

static int rule_file(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

/* Rule sets that were put into the data directory by hand are noted and not taken. */
static void note_unsigned(struct policy *policy, int directory_fd)
{
    struct dirent **entries;
    int count = directory_fd < 0 ? -1
                                 : scandirat(directory_fd, rules_prefix, &entries, rule_file,
                                             alphasort);
    if (count < 0) /* there is no such folder */
        return;
    for (int i = 0; i < count; i++) {
        if (policy->unsigned_count < RULE_SETS_MAX)
            policy->unsigned_files[policy->unsigned_count++] =
                arena_print(&policy->texts, "%s%s", rules_prefix, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

size_t policy_unsigned_count(const struct policy *policy)
{
    return policy->unsigned_count;
}
const char *policy_unsigned(const struct policy *policy, size_t index)
{
    REQUIRE(index < policy->unsigned_count);
    return policy->unsigned_files[index];
}

static bool read_rule_sets(struct policy *policy, int directory_fd, struct error *err)
{
    size_t count;
    const struct embedded_file *files = embedded_all(&count);
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        if (strncmp(files[i].name, rules_prefix, sizeof rules_prefix - 1) == 0)
            done = policy_adopt(policy, files[i].content, files[i].name, err);
    note_unsigned(policy, directory_fd);
    return done;
}

bool policy_open(int directory_fd, struct policy **ret_policy, struct error *err)
{
    struct policy *policy = x_alloc(1, sizeof *policy);
    arena_init(&policy->texts, 4 << 20);
    pthread_mutex_init(&policy->adopting, NULL);
    bool done =
        read_rule_sets(policy, directory_fd, err) &&
        read_file(policy, directory_fd, "policies/venue_categories.yaml", read_categories, err) &&
        read_file(policy, directory_fd, "policies/roles.yaml", read_roles, err) &&
        read_file(policy, directory_fd, "policies/checkin.yaml", read_numbers, err) &&
        read_file(policy, directory_fd, "policies/appeals.yaml", read_appeal_numbers, err) &&
        read_file(policy, directory_fd, "policies/situation.yaml", read_situation_numbers, err);
    if (!done) {
        policy_free(policy);
        return false;
    }
    *ret_policy = policy;
    return true;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    for (size_t i = 0; i < policy->rule_count; i++)
        rule_set_free(policy->rules[i]);
    for (size_t i = 0; i < policy->category_count; i++)
        free(policy->categories[i].survival);
    arena_release(&policy->texts);
    pthread_mutex_destroy(&policy->adopting);
    free(policy);
}

/* ---- Asking */

const struct rule_set *policy_rules(const struct policy *policy, struct slice name)
{
    size_t count = atomic_load_explicit(&policy->rule_count, memory_order_acquire);
    for (size_t i = 0; i < count; i++)
        if (slice_equal(name, slice_of(policy->rules[i]->name)))
            return policy->rules[i];
    return NULL;
}

size_t policy_rules_count(const struct policy *policy)
{
    return atomic_load_explicit(&policy->rule_count, memory_order_acquire);
}

const struct rule_set *policy_rules_at(const struct policy *policy, size_t index)
{
    REQUIRE(index < policy_rules_count(policy));
    return policy->rules[index];
}

const struct rule_set *policy_rules_in_force(const struct policy *policy, timestamp at)
{
    const struct rule_set *found = NULL;
    size_t count = atomic_load_explicit(&policy->rule_count, memory_order_acquire);
    for (size_t i = 0; i < count; i++) {
        const struct rule_set *rules = policy->rules[i];
        bool in_force = rules->valid_from <= at &&
                        (rules->valid_to == TIMESTAMP_NONE || at < rules->valid_to);
        if (in_force && (!found || rules->valid_from > found->valid_from))
            found = rules;
    }
    return found;
}

size_t policy_category_count(const struct policy *policy)
{
    return policy->category_count;
}
const struct venue_category *policy_category(const struct policy *policy, size_t index)
{
    REQUIRE(index < policy->category_count);
    return &policy->categories[index].shown;
}

static size_t find_category(const struct policy *policy, struct slice name)
{
    size_t i = 0;
    while (i < policy->category_count &&
           !slice_equal(name, slice_of(policy->categories[i].shown.name)))
        i++;
    return i;
}
size_t policy_category_of(const struct policy *policy, struct slice name)
{
    size_t i = find_category(policy, name);
    return i < policy->category_count ? i : policy->default_category;
}
bool policy_category_known(const struct policy *policy, struct slice name)
{
    return find_category(policy, name) < policy->category_count;
}

const float *policy_dwell_survival(const struct policy *policy, size_t index, size_t *ret_minutes)
{
    REQUIRE(index < policy->category_count);
    *ret_minutes = policy->categories[index].minutes;
    return policy->categories[index].survival;
}

size_t policy_role_count(const struct policy *policy)
{
    return policy->role_count;
}
const struct role *policy_role_at(const struct policy *policy, size_t index)
{
    REQUIRE(index < policy->role_count);
    return &policy->roles[index];
}
const struct role *policy_role(const struct policy *policy, struct slice name)
{
    for (size_t i = 0; i < policy->role_count; i++)
        if (slice_equal(name, slice_of(policy->roles[i].name)))
            return &policy->roles[i];
    return NULL;
}

int64_t policy_number(const struct policy *policy, enum policy_number number)
{
    return policy->numbers[number];
}
