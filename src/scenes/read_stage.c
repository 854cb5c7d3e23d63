/* Stages, their transitions and children from text to model. */
#include "scenes/scenes_internal.h"

/* ---- Transitions */

static void next_to(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    read_name(reading, entry->value, "to", &transition->to);
}

static void read_parties(struct reading *reading, const struct yaml_node *node, const char *what,
                         struct scene_owners *ret_owners)
{
    if (!read_items(reading, node, what, 1, ITEMS_MAX))
        return;
    ret_owners->items = arena_alloc(reading->arena, node->count * sizeof *ret_owners->items);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = node->entries[i].value;
        struct scene_owner *owner = &ret_owners->items[ret_owners->count];
        *owner = (struct scene_owner){.line = item->line, .form = OWNER_ROLE, .bare = true};
        if (item->shape == YAML_MAP) {
            if (read_owner(reading, item, owner))
                ret_owners->count++;
        } else if (read_role(reading, item, true, &owner->role)) {
            if (strcmp(owner->role, "owner") == 0)
                owner->form = OWNER_SELF;
            else if (strcmp(owner->role, "owner_lead") == 0)
                owner->form = OWNER_LEAD;
            ret_owners->count++;
        }
    }
}

static void next_by(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    transition->trigger = TRIGGER_BY;
    read_parties(reading, entry->value, "by", &transition->by);
}
static void next_on(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    transition->trigger = TRIGGER_ON;
    transition->event_line = entry->value->line;
    read_word(reading, entry->value, "on", &transition->event_name);
}
static void next_about(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    read_name(reading, entry->value, "about", &transition->about);
}
static void next_after(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    transition->trigger = TRIGGER_AFTER;
    read_duration(reading, entry->value, "after", &transition->after);
}
static void next_when(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    read_conditions(reading, entry->value, &transition->when);
}
static void next_require(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    read_names(reading, entry->value, "require", &transition->require);
}
static void next_note(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    read_bool(reading, entry->value, "note", &transition->note);
}
static void next_sign(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_transition *transition = target;
    read_parties(reading, entry->value, "sign", &transition->sign);
}

enum { NEXT_TO, NEXT_BY, NEXT_ON, NEXT_AFTER, NEXT_ABOUT, NEXT_WHEN, NEXT_REQUIRE };
static const struct key_form next_forms[] = {
    {"to", next_to},       {"by", next_by},           {"on", next_on},     {"after", next_after},
    {"about", next_about}, {"when", next_when},       {"require", next_require},
    {"note", next_note},   {"sign", next_sign},
};

/* Where a key of a map stands. */
static int key_line(const struct yaml_node *node, const char *key)
{
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->entries[i].key.data, key) == 0)
            return node->entries[i].line;
    return node->line;
}

static void check_transition(struct reading *reading, const struct yaml_node *node, uint64_t seen)
{
    struct scene_findings *findings = reading->findings;
    bool by = seen >> NEXT_BY & 1, on = seen >> NEXT_ON & 1, after = seen >> NEXT_AFTER & 1;
    if (!(seen >> NEXT_TO & 1))
        scene_find(findings, node->line, RULE_BAD_VALUE,
                   "a transition needs the stage it leads to: add to: STAGE");
    if (by + on + after != 1)
        scene_find(findings, node->line, RULE_BAD_VALUE,
                   "a transition has exactly one trigger, this one has %d: write one of by: […], "
                   "on: EVENT, after: D",
                   by + on + after);
    if (seen >> NEXT_ABOUT & 1 && !on)
        scene_find(findings, key_line(node, "about"), RULE_BAD_VALUE,
                   "about belongs to an event: write on: EVENT with it, or take it out");
    for (size_t i = NEXT_REQUIRE; i < sizeof next_forms / sizeof *next_forms; i++)
        if (seen >> i & 1 && !by)
            scene_find(findings, key_line(node, next_forms[i].name), RULE_BAD_VALUE,
                       "%s asks a person: it belongs to a transition with by", next_forms[i].name);
}

static void read_next(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    const struct yaml_node *node = entry->value;
    if (!read_items(reading, node, "next", 0, ITEMS_MAX))
        return;
    stage->next = arena_alloc(reading->arena, (node->count + 1) * sizeof *stage->next);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = node->entries[i].value;
        struct scene_transition *transition = &stage->next[stage->next_count];
        uint64_t seen;
        *transition = (struct scene_transition){.line = item->line, .after = SCENE_UNSET};
        if (!read_map(reading, item, "a transition", next_forms,
                      sizeof next_forms / sizeof *next_forms, transition, &seen))
            continue;
        check_transition(reading, item, seen);
        stage->next_count++;
    }
}

/* ---- Children */

static void child_scene(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_child *child = target;
    child->scene_line = entry->value->line;
    read_identifier(reading, entry->value, "a child's scene", &child->scene);
}

static void units_in(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_child *child = target;
    read_name(reading, entry->value, "units_in", &child->field);
}
static void units_like(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    const char *text;
    (void)target;
    if (read_word(reading, entry->value, "like", &text) && strcmp(text, "subject") != 0)
        scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                   "units can be like the subject only: write like: subject");
}

static void child_for_each(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    static const struct key_form forms[] = {{"units_in", units_in}, {"like", units_like}};
    struct scene_child *child = target;
    uint64_t seen;
    if (entry->value->shape == YAML_MAP) {
        child->each = EACH_UNIT_IN;
        read_map(reading, entry->value, "for_each", forms, 2, child, &seen);
        if (seen != 3)
            scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                       "write for_each: {units_in: FIELD, like: subject}");
        return;
    }
    if (!read_name(reading, entry->value, "for_each", &child->field))
        return;
    const char *name = child->field.text;
    child->each = strcmp(name, "person") == 0    ? EACH_PERSON
                  : strcmp(name, "subject") == 0 ? EACH_SUBJECT
                                                 : EACH_FIELD;
}

static void repeat_every(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_child *child = target;
    if (read_duration(reading, entry->value, "every", &child->repeat) && child->repeat == 0) {
        scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                   "every 0 would never end: write a duration such as 12h");
        child->repeat = SCENE_UNSET;
    }
}

static void child_repeat(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    static const struct key_form forms[] = {{"every", repeat_every}};
    uint64_t seen;
    if (read_map(reading, entry->value, "repeat", forms, 1, target, &seen) && seen != 1)
        scene_find(reading->findings, entry->line, RULE_BAD_VALUE, "write repeat: {every: D}");
}

static void child_at(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_child *child = target;
    const struct yaml_node *node = entry->value;
    if (!read_items(reading, node, "at", 1, ITEMS_MAX))
        return;
    child->at = arena_alloc(reading->arena, node->count * sizeof *child->at);
    for (size_t i = 0; i < node->count; i++)
        if (read_duration(reading, node->entries[i].value, "at", &child->at[child->at_count]))
            child->at_count++;
}

static void read_child(struct reading *reading, const struct yaml_node *node,
                       struct scene_stage *stage)
{
    static const struct key_form forms[] = {{"scene", child_scene},
                                            {"for_each", child_for_each},
                                            {"repeat", child_repeat},
                                            {"at", child_at}};
    struct scene_child *child = &stage->children[stage->child_count];
    uint64_t seen;
    *child = (struct scene_child){
        .line = node->line, .repeat = SCENE_UNSET, .field = {.index = -1, .line = node->line}};
    if (!read_map(reading, node, "children", forms, 4, child, &seen))
        return;
    if ((seen & 3) != 3)
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "children need a scene and for whom: write {scene: NAME, for_each: …}");
    if ((seen & 12) == 12)
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "children come back by repeat or at times, not both: take one out");
    if (child->scene && seen & 2)
        stage->child_count++;
}

static void read_children(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    const struct yaml_node *node = entry->value;
    stage->children_line = entry->line;
    if (node->shape == YAML_MAP) {
        stage->children = arena_alloc(reading->arena, sizeof *stage->children);
        read_child(reading, node, stage);
        return;
    }
    if (!read_items(reading, node, "children", 1, ITEMS_MAX))
        return;
    stage->children = arena_alloc(reading->arena, node->count * sizeof *stage->children);
    for (size_t i = 0; i < node->count; i++)
        read_child(reading, node->entries[i].value, stage);
}

/* ---- Stages */

static void stage_name(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    stage->is_named = true;
    if (read_identifier(reading, entry->value, "a stage's name", &stage->name))
        stage->line = entry->value->line;
}
static void stage_title(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    read_title(reading, entry->value, &stage->title);
}
static void stage_final(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    const char *text = "";
    stage->final = FINAL_DONE;
    if (!read_word(reading, entry->value, "final", &text))
        return;
    if (strcmp(text, "failed") == 0)
        stage->final = FINAL_FAILED;
    else if (strcmp(text, "cancelled") == 0)
        stage->final = FINAL_CANCELLED;
    else if (strcmp(text, "done") != 0)
        scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                   "a loop does not end '%.60s': write done, failed or cancelled", text);
}
static void stage_owner(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    struct scene_owner *owner = arena_alloc(reading->arena, sizeof *owner);
    stage->owner_line = entry->line;
    if (read_owner(reading, entry->value, owner))
        stage->owner = owner;
}

static void within_map(struct reading *reading, const struct yaml_node *node,
                       struct scene_stage *stage)
{
    stage->within_values =
        arena_alloc(reading->arena, (node->count + 1) * sizeof *stage->within_values);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];
        struct scene_value *value = &stage->within_values[stage->within_value_count];
        if (strcmp(entry->key.data, "by") == 0) {
            read_name(reading, entry->value, "by", &stage->within_by);
            continue;
        }
        *value = (struct scene_value){.text = entry->key.data, .line = entry->line};
        if (read_duration(reading, entry->value, "within", &value->whole))
            stage->within_value_count++;
    }
    if (!stage->within_by.text)
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "a clock by a field names it: write within: {by: FIELD, value: D, …}");
}

static void stage_within(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    stage->within_line = entry->line;
    if (entry->value->shape == YAML_MAP)
        within_map(reading, entry->value, stage);
    else
        read_duration(reading, entry->value, "within", &stage->within);
}
static void stage_until(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    read_name(reading, entry->value, "until", &stage->until);
}
static void stage_from(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    read_name(reading, entry->value, "from", &stage->from);
}
static void stage_visits(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    /* a bound that is wrong is still meant as one: the cycle is not a second finding */
    stage->max_visits = 1;
    read_whole(reading, entry->value, "max_visits", 1, 1000, &stage->max_visits);
}
static void stage_verifies(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    read_name(reading, entry->value, "verifies", &stage->verifies);
}
static void stage_claim(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_stage *stage = target;
    if (read_duration(reading, entry->value, "claim", &stage->claim) && stage->claim == 0)
        scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                   "a claim of no length holds nothing: write a duration such as 15m");
}

enum { STAGE_NAME, STAGE_FINAL = 2, STAGE_WITHIN = 4, STAGE_FROM = 11 };
static const struct key_form stage_forms[] = {
    {"name", stage_name},         {"title", stage_title},       {"final", stage_final},
    {"owner", stage_owner},       {"within", stage_within},     {"until", stage_until},
    {"next", read_next},          {"max_visits", stage_visits}, {"verifies", stage_verifies},
    {"children", read_children},  {"claim", stage_claim},       {"from", stage_from},
};

/* A final stage has a name and a title; nothing more is read of it. */
static void read_final(struct reading *reading, const struct yaml_node *node,
                       struct scene_stage *stage)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_entry *entry = &node->entries[i];
        size_t form = 0;
        while (form < sizeof stage_forms / sizeof *stage_forms &&
               strcmp(stage_forms[form].name, entry->key.data) != 0)
            form++;
        if (form <= STAGE_FINAL)
            stage_forms[form].read(reading, entry, stage);
        else
            scene_find(reading->findings, entry->line,
                       form < sizeof stage_forms / sizeof *stage_forms ? RULE_BAD_VALUE
                                                                       : RULE_UNKNOWN_KEY,
                       "a final stage has a name, final and at most a title: take '%.60s' out",
                       entry->key.data);
    }
}

static bool is_final(const struct yaml_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->entries[i].key.data, "final") == 0)
            return true;
    return false;
}

static void read_stage(struct reading *reading, const struct yaml_node *node,
                       struct scene_stage *stage)
{
    uint64_t seen;
    *stage = (struct scene_stage){.line = node->line,
                                  .within = SCENE_UNSET,
                                  .max_visits = SCENE_UNSET,
                                  .claim = SCENE_UNSET};
    if (node->shape == YAML_MAP && is_final(node))
        read_final(reading, node, stage);
    else if (!read_map(reading, node, "a stage", stage_forms,
                       sizeof stage_forms / sizeof *stage_forms, stage, &seen))
        return;
    else if (seen >> STAGE_FROM & 1 && !(seen >> STAGE_WITHIN & 1))
        scene_find(reading->findings, stage->from.line, RULE_BAD_VALUE,
                   "from says where within counts from: add within: D or take it out");
    if (!stage->is_named)
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "a stage needs a name: add name: NAME");
}

void read_stages(struct reading *reading, const struct yaml_entry *entry)
{
    struct scene *scene = reading->scene;
    const struct yaml_node *node = entry->value;
    if (!read_items(reading, node, "stages", 1, STAGES_MAX))
        return;
    scene->stages = arena_alloc(reading->arena, node->count * sizeof *scene->stages);
    for (size_t i = 0; i < node->count; i++) {
        read_stage(reading, node->entries[i].value, &scene->stages[scene->stage_count]);
        if (scene->stages[scene->stage_count].name)
            scene->stage_count++;
    }
}
