/* Roles: reading one of roles.yaml, and the proofs that no role could be turned against people
 * (domain.md §11): none may do or see everything, none approves what it may request, none that
 * manages users is shown anything of a person, and whoever is shown who somebody is logs in with a
 * second factor. */
#include "policy/policy_internal.h"

static const char *const permission_names[PERMISSION_COUNT] = {
#define X(id, name) [id##_INDEX] = name,
    PERMISSION_TABLE(X)
#undef X
};
static const char *const field_names[FIELD_COUNT] = {
#define X(id, name) [id] = name,
    FIELD_TABLE(X)
#undef X
};
static const char *const where_names[WHERE_COUNT] = {
#define X(id, name) [id] = name,
    WHERE_TABLE(X)
#undef X
};

/* What opens a person: no administrator may do it. */
static const uint64_t opens_person =
    PERMISSION_BIT(PERMIT_PERSON_READ) | PERMISSION_BIT(PERMIT_PERSON_SEARCH) |
    PERMISSION_BIT(PERMIT_STATUS_READ) | PERMISSION_BIT(PERMIT_CASE_READ) |
    PERMISSION_BIT(PERMIT_TRACE_RUN) | PERMISSION_BIT(PERMIT_EXPORT_REQUEST) |
    PERMISSION_BIT(PERMIT_EXPORT_APPROVE) | PERMISSION_BIT(PERMIT_GLASS_BREAK) |
    PERMISSION_BIT(PERMIT_OVERRIDE_REQUEST) | PERMISSION_BIT(PERMIT_OVERRIDE_APPROVE) |
    PERMISSION_BIT(PERMIT_APPEAL_DECIDE);

static int index_of(const char *const *names, int count, const char *text)
{
    for (int i = 0; text && i < count; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

/* The names of a list as bits. */
static bool read_bits(json_t *list, const char *const *names, int count, struct error_place place,
                      uint64_t *ret_bits, struct error *err)
{
    size_t i;
    json_t *entry;
    *ret_bits = 0;
    if (!json_is_array(list))
        return error_set(err, ERROR_BAD_VALUE, place, "a list of names", "missing");
    json_array_foreach(list, i, entry)
    {
        int index = index_of(names, count, json_string_value(entry));
        if (index < 0)
            return error_set(err, ERROR_BAD_VALUE, place, "names that the program knows",
                             "entry %zu is not one", i + 1);
        *ret_bits |= (uint64_t)1 << index;
    }
    return true;
}

static bool read_fields(json_t *reads, struct error_place place, field_mask *ret_mask,
                        struct error *err)
{
    const char *name;
    json_t *entry;
    *ret_mask = 0;
    if (!json_is_object(reads))
        return error_set(err, ERROR_BAD_VALUE, place, "fields with full or partial", "not a map");
    json_object_foreach(reads, name, entry)
    {
        static const char *const levels[] = {"none", "partial", "full"};
        int field = index_of(field_names, FIELD_COUNT, name);
        int level = index_of(levels, 3, json_string_value(entry));
        if (field < 0 || level < 0)
            return error_set(err, ERROR_BAD_VALUE, place,
                             "fields of a person, each none, partial or full", "'%s' is not so",
                             name);
        if (level == SHOWN_PARTIAL && field >= FIELD_STATUS)
            return error_set(err, ERROR_BAD_VALUE, place,
                             "none or full for status, evidence and places",
                             "'%s' cannot be shown in part", name);
        *ret_mask |= (field_mask)level << (2 * field);
    }
    return true;
}

static bool read_duties(json_t *list, struct error_place place, struct arena *texts,
                        struct role *role, struct error *err)
{
    size_t i;
    json_t *entry;
    if (!json_is_array(list) || json_array_size(list) > ROLE_DUTIES_MAX)
        return error_set(err, ERROR_BAD_VALUE, place, "a list of at most 16 names", "not such");
    json_array_foreach(list, i, entry)
    {
        const char *text = json_string_value(entry);
        size_t length = text ? strlen(text) : 0;
        bool plain = length > 0 && length <= 40 &&
                     strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
        if (!plain)
            return error_set(err, ERROR_BAD_VALUE, place, "names of a-z, 0-9 and _",
                             "entry %zu is not one", i + 1);
        role->duties[i] = arena_copy(texts, text, length);
    }
    return true;
}

/* True where every field is shown in full. */
static bool sees_everything(field_mask reads)
{
    for (int field = 0; field < FIELD_COUNT; field++)
        if (shown_of(reads, (enum field)field) != SHOWN_FULL)
            return false;
    return true;
}

static bool shows_who(field_mask reads)
{
    return shown_of(reads, FIELD_NAME) == SHOWN_FULL ||
           shown_of(reads, FIELD_ID_NUMBER) == SHOWN_FULL ||
           shown_of(reads, FIELD_PHONE) == SHOWN_FULL;
}

/* A permission to ask for something, and the one to grant it. */
static const uint64_t both_hands[] = {
    PERMISSION_BIT(PERMIT_EXPORT_REQUEST) | PERMISSION_BIT(PERMIT_EXPORT_APPROVE),
    PERMISSION_BIT(PERMIT_OVERRIDE_REQUEST) | PERMISSION_BIT(PERMIT_OVERRIDE_APPROVE),
    PERMISSION_BIT(PERMIT_RULES_PROPOSE) | PERMISSION_BIT(PERMIT_RULES_SIGN),
};

static bool prove(const struct role *role, struct error *err)
{
    struct error_place permissions = {.source = role->name, .field = "permissions"};
    struct error_place reads = {.source = role->name, .field = "reads"};
    bool manages = strcmp(role->name, "administrator") == 0 ||
                   (role->permissions & PERMISSION_BIT(PERMIT_USER_MANAGE));
    if (role->permissions == ((uint64_t)1 << PERMISSION_COUNT) - 1)
        return error_set(err, ERROR_BAD_VALUE, permissions, "fewer than all",
                         "a role may do everything");
    for (size_t i = 0; i < sizeof both_hands / sizeof *both_hands; i++)
        if ((role->permissions & both_hands[i]) == both_hands[i])
            return error_set(err, ERROR_BAD_VALUE, permissions, "one of request and approve",
                             "a role could approve what it requests");
    if (manages && (role->permissions & opens_person || role->reads))
        return error_set(err, ERROR_BAD_VALUE, role->reads ? reads : permissions,
                         "none that opens a person", "who manages users could read persons");
    if (sees_everything(role->reads))
        return error_set(err, ERROR_BAD_VALUE, reads, "fewer than all in full",
                         "a role is shown everything");
    if (role->reads && !role->where)
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = role->name, .field = "where"},
                         "for persons of which jurisdiction", "missing");
    return role->second_factor || !shows_who(role->reads) ||
           error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = role->name, .field = "second_factor"}, "true",
                     "a role is shown who somebody is without a second factor");
}

bool role_read(const char *name, json_t *entry, struct arena *texts, struct role *ret_role,
               struct error *err)
{
    static const char *const keys[] = {"title",  "permissions", "reads", "where",
                                       "duties", "second_factor", NULL};
    struct json_place place = {.source = name, .required = true};
    struct slice zh, en;
    uint64_t where = 0;
    json_t *title = json_object_get(entry, "title"), *reads = json_object_get(entry, "reads");
    json_t *duties = json_object_get(entry, "duties"), *places = json_object_get(entry, "where");
    json_t *factor = json_object_get(entry, "second_factor");
    struct role role = {.name = arena_copy(texts, name, strlen(name))};
    if (!json_only_fields(entry, keys, place, err) || !json_text(title, "zh", place, &zh, err) ||
        !json_text(title, "en", place, &en, err) ||
        !read_bits(json_object_get(entry, "permissions"), permission_names, PERMISSION_COUNT,
                   (struct error_place){.source = role.name, .field = "permissions"},
                   &role.permissions, err) ||
        (reads && !read_fields(reads, (struct error_place){.source = role.name, .field = "reads"},
                               &role.reads, err)) ||
        (places && !read_bits(places, where_names, WHERE_COUNT,
                              (struct error_place){.source = role.name, .field = "where"}, &where,
                              err)) ||
        (duties && !read_duties(duties,
                                (struct error_place){.source = role.name, .field = "duties"},
                                texts, &role, err)))
        return false;
    if (factor && !json_is_boolean(factor))
        return error_set(err, ERROR_BAD_VALUE,
                         (struct error_place){.source = role.name, .field = "second_factor"},
                         "true or false", "neither");
    role.title_zh = arena_copy(texts, zh.data, zh.length);
    role.title_en = arena_copy(texts, en.data, en.length);
    role.where = (unsigned)where;
    role.second_factor = json_is_true(factor);
    *ret_role = role;
    return prove(ret_role, err);
}

int role_where_of(struct slice name)
{
    for (int i = 0; i < WHERE_COUNT; i++)
        if (slice_equal(name, slice_of(where_names[i])))
            return i;
    return -1;
}

bool role_has_duty(const struct role *role, struct slice duty)
{
    if (slice_equal(duty, slice_of(role->name)))
        return true;
    for (const char *const *held = role->duties; *held; held++)
        if (slice_equal(duty, slice_of(*held)))
            return true;
    return false;
}
