/* Conditions, roles and owners from text to model. */
#include "scenes/scenes_internal.h"

/* ---- Roles and owners */

bool read_role(struct reading *reading, const struct yaml_node *node, bool relations,
               const char **ret_role)
{
    const char *name, *known[130];
    size_t count = 0;
    if (!read_word(reading, node, "a role", &name))
        return false;
    bool relation = strcmp(name, "owner") == 0 || strcmp(name, "owner_lead") == 0;
    if (policy_role(reading->policy, slice_of(name)) || (relations && relation)) {
        *ret_role = name;
        return true;
    }
    for (size_t i = 0; i < policy_role_count(reading->policy) && count < 128; i++)
        known[count++] = policy_role_at(reading->policy, i)->name;
    if (relations) {
        known[count++] = "owner";
        known[count++] = "owner_lead";
    }
    scene_find(reading->findings, node->line, RULE_UNKNOWN_REFERENCE,
               "there is no role '%.60s'%s: see `scene vocabulary`", name,
               scene_guess(reading->arena, name, known, count));
    return false;
}

static void owner_role(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_owner *owner = target;
    owner->form = OWNER_ROLE;
    read_role(reading, entry->value, false, &owner->role);
}
static void owner_area(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_owner *owner = target;
    read_name(reading, entry->value, "area", &owner->place);
}
static void owner_unit(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_owner *owner = target;
    owner->form = OWNER_UNIT_OF;
    read_name(reading, entry->value, "unit_of", &owner->place);
}
static void owner_person(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_owner *owner = target;
    owner->form = OWNER_PERSON_OF;
    read_name(reading, entry->value, "person_of", &owner->place);
}
static void owner_or(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_owner *owner = target;
    struct scene_owner *otherwise = arena_alloc(reading->arena, sizeof *otherwise);
    if (read_owner(reading, entry->value, otherwise))
        owner->otherwise = otherwise;
}

bool read_owner(struct reading *reading, const struct yaml_node *node,
                struct scene_owner *ret_owner)
{
    enum { ROLE = 1, AREA = 2, UNIT = 4, PERSON = 8 };
    static const struct key_form forms[] = {{"role", owner_role},
                                            {"area", owner_area},
                                            {"unit_of", owner_unit},
                                            {"person_of", owner_person},
                                            {"or", owner_or}};
    uint64_t seen;
    *ret_owner = (struct scene_owner){.line = node->line, .place = {.index = -1}};
    if (!read_map(reading, node, "an owner", forms, 5, ret_owner, &seen))
        return false;
    uint64_t form = seen & (ROLE | AREA | UNIT | PERSON);
    if (form != (ROLE | AREA) && form != UNIT && form != PERSON) {
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "an owner is {role: R, area: subject or FIELD}, {unit_of: FIELD} or "
                   "{person_of: FIELD}, each with an optional or");
        return false;
    }
    return ret_owner->place.text && (form != (ROLE | AREA) || ret_owner->role);
}

/* ---- Conditions */

enum key {
    KEY_FIELD, KEY_IS, KEY_EQ, KEY_NE, KEY_LT, KEY_LE, KEY_GT, KEY_GE, KEY_IN, KEY_TEST,
    KEY_WITHIN, KEY_TIMES, KEY_APART, KEY_ELAPSED, KEY_SINCE, KEY_ACTED, KEY_HANDS, KEY_RISK,
    KEY_OF, KEY_CHILDREN, KEY_NOT, KEY_ANY, KEY_COUNT
};
static const char *const key_names[KEY_COUNT] = {
    "field", "is", "eq", "ne", "lt", "le", "gt", "ge", "in", "test", "within", "times", "apart",
    "elapsed", "since", "acted", "separate_hands", "area_risk", "of", "children", "not", "any",
};
#define BIT(key) (1u << (key))
#define OPERATORS                                                                                  \
    (BIT(KEY_IS) | BIT(KEY_EQ) | BIT(KEY_NE) | BIT(KEY_LT) | BIT(KEY_LE) | BIT(KEY_GT) |           \
     BIT(KEY_GE) | BIT(KEY_IN))

/* The forms: the key that tells it, what must stand beside it, what may, and how it is written. */
struct form {
    enum key lead;
    uint32_t must, may;
    const char *written;
    void (*read)(struct reading *reading, const struct yaml_node *const *values,
                 struct scene_condition *condition);
};

struct condition_keys {
    const struct yaml_node *values[KEY_COUNT];
    int lines[KEY_COUNT];
    uint32_t seen;
};

static void read_value(const struct yaml_node *node, struct scene_value *ret_value)
{
    *ret_value = (struct scene_value){
        .text = node->text.data, .line = node->line, .plain = node->plain};
}

/* One value of any type: a text that is not nothing. What type it must have is seen later. */
static bool read_constant(struct reading *reading, const struct yaml_node *node,
                          struct scene_value *ret_value)
{
    if (node->shape == YAML_TEXT && !yaml_is_null(node)) {
        read_value(node, ret_value);
        return true;
    }
    scene_find(reading->findings, node->line, RULE_BAD_VALUE,
               "a field is compared with one value: write a value of its type");
    return false;
}

static void read_presence(struct reading *reading, const struct yaml_node *node, bool *ret_present)
{
    const char *text;
    *ret_present = true;
    if (!read_word(reading, node, "is", &text) || strcmp(text, "present") == 0)
        return;
    *ret_present = false;
    if (strcmp(text, "absent") != 0)
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "is says '%.60s': write present or absent", text);
}

static void read_field(struct reading *reading, const struct yaml_node *const *values,
                       struct scene_condition *condition)
{
    static const enum scene_operator operators[] = {
        [KEY_EQ] = OPERATOR_EQ, [KEY_NE] = OPERATOR_NE, [KEY_LT] = OPERATOR_LT,
        [KEY_LE] = OPERATOR_LE, [KEY_GT] = OPERATOR_GT, [KEY_GE] = OPERATOR_GE};
    read_name(reading, values[KEY_FIELD], "field", &condition->name);
    condition->form = CONDITION_IS;
    if (values[KEY_IS]) {
        read_presence(reading, values[KEY_IS], &condition->present);
        return;
    }
    const struct yaml_node *list = values[KEY_IN];
    if (list) {
        condition->form = CONDITION_IN;
        if (!read_items(reading, list, "in", 1, ITEMS_MAX))
            return;
        condition->values.items =
            arena_alloc(reading->arena, list->count * sizeof *condition->values.items);
        for (size_t i = 0; i < list->count; i++)
            if (read_constant(reading, list->entries[i].value,
                              &condition->values.items[condition->values.count]))
                condition->values.count++;
        return;
    }
    for (int key = KEY_EQ; key <= KEY_GE; key++)
        if (values[key]) {
            condition->form = CONDITION_COMPARE;
            condition->comparison = operators[key];
            condition->values.items =
                arena_alloc(reading->arena, sizeof *condition->values.items);
            condition->values.count =
                read_constant(reading, values[key], condition->values.items);
        }
}

static void read_test(struct reading *reading, const struct yaml_node *const *values,
                      struct scene_condition *condition)
{
    const char *text;
    condition->times = 1;
    if (read_word(reading, values[KEY_TEST], "test", &text)) {
        condition->positive = strcmp(text, "positive") == 0;
        if (!condition->positive && strcmp(text, "negative") != 0)
            scene_find(reading->findings, values[KEY_TEST]->line, RULE_BAD_VALUE,
                       "a test is not '%.60s': write negative or positive", text);
    }
    read_duration(reading, values[KEY_WITHIN], "within", &condition->within);
    if (values[KEY_TIMES])
        read_whole(reading, values[KEY_TIMES], "times", 1, 100, &condition->times);
    if (values[KEY_APART])
        read_duration(reading, values[KEY_APART], "apart", &condition->apart);
    if (!values[KEY_TIMES] != !values[KEY_APART])
        scene_find(reading->findings, values[KEY_TEST]->line, RULE_BAD_VALUE,
                   "times and apart belong together: write times: N, apart: D");
}

static void read_elapsed(struct reading *reading, const struct yaml_node *const *values,
                         struct scene_condition *condition)
{
    read_duration(reading, values[KEY_ELAPSED], "elapsed", &condition->within);
    read_name(reading, values[KEY_SINCE], "since", &condition->name);
}

static void read_acted(struct reading *reading, const struct yaml_node *const *values,
                       struct scene_condition *condition)
{
    read_name(reading, values[KEY_ACTED], "acted", &condition->name);
    read_presence(reading, values[KEY_IS], &condition->present);
}

static void read_hands(struct reading *reading, const struct yaml_node *const *values,
                       struct scene_condition *condition)
{
    read_names(reading, values[KEY_HANDS], "separate_hands", &condition->stages);
}

static void read_risk(struct reading *reading, const struct yaml_node *const *values,
                      struct scene_condition *condition)
{
    static const char *const levels[] = {"low", "mid", "high"};
    const struct yaml_node *list = values[KEY_RISK];
    read_name(reading, values[KEY_OF], "of", &condition->name);
    if (!read_items(reading, list, "area_risk", 1, 3))
        return;
    for (size_t i = 0; i < list->count; i++) {
        const char *text;
        size_t level = 0;
        if (!read_word(reading, list->entries[i].value, "a risk level", &text))
            continue;
        while (level < 3 && strcmp(levels[level], text) != 0)
            level++;
        if (level < 3)
            condition->risks |= 1u << level;
        else
            scene_find(reading->findings, list->entries[i].line, RULE_BAD_VALUE,
                       "there is no risk level '%.60s': write low, mid or high", text);
    }
}

static void read_children_closed(struct reading *reading, const struct yaml_node *const *values,
                                 struct scene_condition *condition)
{
    const char *text;
    (void)condition;
    if (read_word(reading, values[KEY_CHILDREN], "children", &text) &&
        strcmp(text, "closed") != 0)
        scene_find(reading->findings, values[KEY_CHILDREN]->line, RULE_BAD_VALUE,
                   "children are asked for one thing: write children: closed");
}

static bool read_condition(struct reading *reading, const struct yaml_node *node,
                           struct scene_condition *ret_condition);

static void read_not(struct reading *reading, const struct yaml_node *const *values,
                     struct scene_condition *condition)
{
    condition->parts = arena_alloc(reading->arena, sizeof *condition->parts);
    condition->part_count = read_condition(reading, values[KEY_NOT], condition->parts);
}

static void read_any(struct reading *reading, const struct yaml_node *const *values,
                     struct scene_condition *condition)
{
    struct scene_conditions parts = {0};
    read_conditions(reading, values[KEY_ANY], &parts);
    condition->parts = parts.items;
    condition->part_count = parts.count;
}

static const enum scene_condition_form form_kinds[KEY_COUNT] = {
    [KEY_FIELD] = CONDITION_IS,         [KEY_TEST] = CONDITION_TEST,
    [KEY_ELAPSED] = CONDITION_ELAPSED,  [KEY_ACTED] = CONDITION_ACTED,
    [KEY_HANDS] = CONDITION_SEPARATE_HANDS, [KEY_RISK] = CONDITION_AREA_RISK,
    [KEY_CHILDREN] = CONDITION_CHILDREN, [KEY_NOT] = CONDITION_NOT, [KEY_ANY] = CONDITION_ANY};

static const struct form forms[] = {
    {KEY_FIELD, 0, OPERATORS, "{field: F, is: present|absent} or {field: F, OPERATOR: VALUE}",
     read_field},
    {KEY_TEST, BIT(KEY_WITHIN), BIT(KEY_TIMES) | BIT(KEY_APART),
     "{test: negative|positive, within: D}, with times: N, apart: D for several", read_test},
    {KEY_ELAPSED, BIT(KEY_SINCE), 0, "{elapsed: D, since: opened|STAGE|FIELD}", read_elapsed},
    {KEY_ACTED, BIT(KEY_IS), 0, "{acted: STAGE, is: present|absent}", read_acted},
    {KEY_HANDS, 0, 0, "{separate_hands: [STAGE…]}", read_hands},
    {KEY_RISK, BIT(KEY_OF), 0, "{area_risk: [low|mid|high…], of: FIELD}", read_risk},
    {KEY_CHILDREN, 0, 0, "{children: closed}", read_children_closed},
    {KEY_NOT, 0, 0, "{not: CONDITION}", read_not},
    {KEY_ANY, 0, 0, "{any: [CONDITION…]}", read_any},
};

/* The keys of a condition; unknown ones are findings. */
static void gather_keys(struct reading *reading, const struct yaml_node *node,
                        struct condition_keys *keys)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];
        int key = 0;
        while (key < KEY_COUNT && strcmp(key_names[key], entry->key.data) != 0)
            key++;
        if (key == KEY_COUNT) {
            scene_find(reading->findings, entry->line, RULE_UNKNOWN_KEY,
                       "a condition has no key '%.60s'%s: see `scene vocabulary`",
                       entry->key.data,
                       scene_guess(reading->arena, entry->key.data, key_names, KEY_COUNT));
            continue;
        }
        keys->values[key] = entry->value;
        keys->lines[key] = entry->line;
        keys->seen |= BIT(key);
    }
}

static bool check_keys(struct reading *reading, const struct yaml_node *node,
                       const struct form *form, const struct condition_keys *keys)
{
    uint32_t extra = keys->seen & ~(BIT(form->lead) | form->must | form->may);
    bool operators = form->lead != KEY_FIELD || __builtin_popcount(keys->seen & OPERATORS) == 1;
    if ((keys->seen & form->must) != form->must || !operators) {
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "a condition with '%s' is written %s", key_names[form->lead], form->written);
        return false;
    }
    for (int key = 0; key < KEY_COUNT; key++)
        if (extra & BIT(key))
            scene_find(reading->findings, keys->lines[key], RULE_BAD_VALUE,
                       "'%s' does not belong to a condition with '%s': write %s", key_names[key],
                       key_names[form->lead], form->written);
    return extra == 0;
}

static bool read_condition(struct reading *reading, const struct yaml_node *node,
                           struct scene_condition *ret_condition)
{
    struct condition_keys keys = {.seen = 0};
    const struct form *form = NULL;
    *ret_condition = (struct scene_condition){
        .line = node->line, .name = {.index = -1}, .within = SCENE_UNSET, .apart = SCENE_UNSET};
    if (node->shape != YAML_MAP) {
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "a condition is a map: write {field: F, is: present} or another form");
        return false;
    }
    gather_keys(reading, node, &keys);
    for (size_t i = 0; !form && i < sizeof forms / sizeof *forms; i++)
        if (keys.seen & BIT(forms[i].lead))
            form = &forms[i];
    if (!form) {
        if (keys.seen || node->count == 0)
            scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                       "a condition begins with field, test, elapsed, acted, separate_hands, "
                       "area_risk, children, not or any");
        return false;
    }
    if (!check_keys(reading, node, form, &keys))
        return false;
    ret_condition->form = form_kinds[form->lead];
    form->read(reading, keys.values, ret_condition);
    return true;
}

void read_conditions(struct reading *reading, const struct yaml_node *node,
                     struct scene_conditions *ret_conditions)
{
    if (!read_items(reading, node, "a list of conditions", 1, ITEMS_MAX))
        return;
    ret_conditions->items =
        arena_alloc(reading->arena, node->count * sizeof *ret_conditions->items);
    for (size_t i = 0; i < node->count; i++)
        if (read_condition(reading, node->entries[i].value,
                           &ret_conditions->items[ret_conditions->count]))
            ret_conditions->count++;
}
