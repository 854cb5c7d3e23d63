/* A scene file from text to model: its form. Whatever can be read is read, so that all findings
 * come at once; what is missing or wrong stays at its neutral value. */
#include <math.h>

#include "scenes/scenes_internal.h"

/* ---- Values */

static bool is_text(const struct yaml_node *node)
{
    bool truth;
    return node->shape == YAML_TEXT && !yaml_is_null(node) && !yaml_is_bool(node, &truth);
}

static void bad(struct reading *reading, const struct yaml_node *node, const char *what,
                const char *expected)
{
    static const char *const shapes[] = {"a text", "a list", "a map"};
    const char *found = yaml_is_null(node) ? "nothing" : shapes[node->shape];
    if (node->shape == YAML_TEXT && node->text.length)
        found = arena_print(reading->arena, "'%.60s'", node->text.data);
    scene_find(reading->findings, node->line, RULE_BAD_VALUE, "%s is %s: write %s", what, found,
               expected);
}

bool read_word(struct reading *reading, const struct yaml_node *node, const char *what,
               const char **ret_text)
{
    if (!is_text(node) || node->text.length == 0) {
        bad(reading, node, what, "a text");
        return false;
    }
    *ret_text = node->text.data;
    return true;
}

static bool is_identifier(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > NAME_BYTES_MAX || text[0] < 'a' || text[0] > 'z')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

bool read_identifier(struct reading *reading, const struct yaml_node *node, const char *what,
                     const char **ret_text)
{
    if (is_text(node) && is_identifier(node->text.data)) {
        *ret_text = node->text.data;
        return true;
    }
    bad(reading, node, what, "a name of small letters, digits and _ (a letter first, at most 40)");
    return false;
}

bool read_duration(struct reading *reading, const struct yaml_node *node, const char *what,
                   int64_t *ret_seconds)
{
    static const char letters[] = "mhd";
    static const int64_t seconds[] = {60, 3600, 86400};
    int64_t number;
    if (is_text(node) && node->text.length >= 2 && node->text.length <= 7) {
        struct slice digits = {node->text.data, node->text.length - 1};
        const char *letter = strchr(letters, node->text.data[digits.length]);
        if (letter && slice_to_int64(digits, 0, 999999, &number) && digits.data[0] != '-') {
            *ret_seconds = number * seconds[letter - letters];
            return true;
        }
    }
    bad(reading, node, what, "a duration such as 15m, 2h or 14d");
    return false;
}

bool read_whole(struct reading *reading, const struct yaml_node *node, const char *what,
                int64_t low, int64_t high, int64_t *ret_value)
{
    if (node->shape == YAML_TEXT && node->plain &&
        slice_to_int64(node->text, low, high, ret_value))
        return true;
    bad(reading, node, what,
        arena_print(reading->arena, "a whole number from %lld to %lld", (long long)low,
                    (long long)high));
    return false;
}

bool read_number(struct reading *reading, const struct yaml_node *node, const char *what,
                 double *ret_value)
{
    if (node->shape == YAML_TEXT && node->plain && slice_to_double(node->text, ret_value))
        return true;
    bad(reading, node, what, "a number");
    return false;
}

bool read_bool(struct reading *reading, const struct yaml_node *node, const char *what,
               bool *ret_value)
{
    if (yaml_is_bool(node, ret_value))
        return true;
    bad(reading, node, what, "true or false");
    return false;
}

bool read_items(struct reading *reading, const struct yaml_node *node, const char *what,
                size_t min, size_t max)
{
    if (node->shape == YAML_LIST && node->count >= min && node->count <= max)
        return true;
    if (node->shape != YAML_LIST)
        bad(reading, node, what, "a list [ … ]");
    else
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "%s has %zu items: write %zu to %zu", what, node->count, min, max);
    return false;
}

bool read_name(struct reading *reading, const struct yaml_node *node, const char *what,
               struct scene_name *ret_name)
{
    *ret_name = (struct scene_name){.line = node->line, .index = -1};
    return read_identifier(reading, node, what, &ret_name->text);
}

void read_names(struct reading *reading, const struct yaml_node *node, const char *what,
                struct scene_names *ret_names)
{
    if (!read_items(reading, node, what, 1, ITEMS_MAX))
        return;
    ret_names->items = arena_alloc(reading->arena, node->count * sizeof *ret_names->items);
    for (size_t i = 0; i < node->count; i++)
        if (read_name(reading, node->entries[i].value, what, &ret_names->items[ret_names->count]))
            ret_names->count++;
}

/* ---- Maps */

bool read_map(struct reading *reading, const struct yaml_node *node, const char *what,
              const struct key_form *forms, size_t count, void *target, uint64_t *ret_seen)
{
    const char *known[64];
    REQUIRE(count <= 64);
    *ret_seen = 0;
    if (node->shape != YAML_MAP) {
        bad(reading, node, what, "a map {key: value, …}");
        return false;
    }
    for (size_t i = 0; i < count; i++)
        known[i] = forms[i].name;
    for (size_t e = 0; e < node->count; e++) {
        const struct yaml_entry *entry = &node->entries[e];
        size_t i = 0;
        while (i < count && strcmp(forms[i].name, entry->key.data) != 0)
            i++;
        if (i < count) {
            *ret_seen |= (uint64_t)1 << i;
            forms[i].read(reading, entry, target);
            continue;
        }
        scene_find(reading->findings, entry->line, RULE_UNKNOWN_KEY,
                   "%s has no key '%.60s'%s: take it out or write one that exists", what,
                   entry->key.data, scene_guess(reading->arena, entry->key.data, known, count));
    }
    return true;
}

static void title_zh(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct words *words = target;
    read_word(reading, entry->value, "zh", &words->zh);
}
static void title_en(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct words *words = target;
    read_word(reading, entry->value, "en", &words->en);
}

bool read_title(struct reading *reading, const struct yaml_node *node, struct words *ret_words)
{
    static const struct key_form forms[] = {{"zh", title_zh}, {"en", title_en}};
    uint64_t seen;
    if (!read_map(reading, node, "a title", forms, 2, ret_words, &seen))
        return false;
    if (seen != 3)
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "a title needs both languages: write {zh: …, en: …}");
    return seen == 3;
}

/* ---- Opening */

static void opening_on(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_opening *opening = target;
    if (read_word(reading, entry->value, "on", &opening->event_name))
        opening->line = entry->value->line;
}
static void opening_when(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_opening *opening = target;
    read_conditions(reading, entry->value, &opening->when);
}

static void read_openings(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    static const struct key_form forms[] = {{"on", opening_on}, {"when", opening_when}};
    struct scene *scene = target;
    const struct yaml_node *node = entry->value;
    scene->opened_by_line = entry->line;
    if (!read_items(reading, node, "opened_by", 0, ITEMS_MAX))
        return;
    scene->openings = arena_alloc(reading->arena, (node->count + 1) * sizeof *scene->openings);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = node->entries[i].value;
        struct scene_opening *opening = &scene->openings[scene->opening_count];
        uint64_t seen = 0;
        opening->line = item->line;
        if (item->shape == YAML_MAP) {
            read_map(reading, item, "an opening", forms, 2, opening, &seen);
            if (!(seen & 1))
                scene_find(reading->findings, item->line, RULE_BAD_VALUE,
                           "an opening needs its event: add on: EVENT");
        } else if (!read_word(reading, item, "an opening", &opening->event_name)) {
            continue;
        }
        if (!opening->event_name)
            continue;
        opening->manual = item->shape != YAML_MAP && strcmp(opening->event_name, "manual") == 0;
        scene->opening_count++;
    }
}

/* ---- Escalation, indicators, migration */

static void step_after(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_step *step = target;
    if (read_duration(reading, entry->value, "after", &step->after))
        step->line = entry->value->line;
}
static void step_to(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_step *step = target;
    step->to_line = entry->value->line;
    read_role(reading, entry->value, true, &step->to);
}

static void read_escalation(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    static const struct key_form forms[] = {{"after", step_after}, {"to", step_to}};
    struct scene *scene = target;
    const struct yaml_node *node = entry->value;
    scene->escalate_line = entry->line;
    if (!read_items(reading, node, "escalate", 0, ITEMS_MAX))
        return;
    scene->escalate = arena_alloc(reading->arena, (node->count + 1) * sizeof *scene->escalate);
    for (size_t i = 0; i < node->count; i++) {
        struct scene_step *step = &scene->escalate[scene->step_count++];
        uint64_t seen;
        *step = (struct scene_step){.line = node->entries[i].line,
                                    .after = SCENE_UNSET,
                                    .to_line = node->entries[i].line};
        if (read_map(reading, node->entries[i].value, "a step of escalate", forms, 2, step,
                     &seen) &&
            seen != 3)
            scene_find(reading->findings, node->entries[i].line, RULE_BAD_VALUE,
                       "a step needs a time and someone: write {after: D, to: ROLE}");
    }
}

static void indicator_name(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_indicator *indicator = target;
    if (read_identifier(reading, entry->value, "an indicator's name", &indicator->name))
        indicator->line = entry->value->line;
}
static void indicator_share(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_indicator *indicator = target;
    indicator->is_share = true;
    read_name(reading, entry->value, "share", &indicator->share);
}
static void indicator_of(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_indicator *indicator = target;
    read_name(reading, entry->value, "of", &indicator->of);
}
static void indicator_from(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_indicator *indicator = target;
    read_name(reading, entry->value, "from", &indicator->from);
}
static void indicator_to(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_indicator *indicator = target;
    read_name(reading, entry->value, "to", &indicator->to);
}
static void indicator_within(struct reading *reading, const struct yaml_entry *entry,
                             void *target)
{
    struct scene_indicator *indicator = target;
    read_duration(reading, entry->value, "within", &indicator->within);
}
static void indicator_target(struct reading *reading, const struct yaml_entry *entry,
                             void *target)
{
    struct scene_indicator *indicator = target;
    if (read_number(reading, entry->value, "target", &indicator->target) &&
        (indicator->target < 0 || indicator->target > 1))
        bad(reading, entry->value, "target", "a share from 0 to 1");
}
static void indicator_split(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_indicator *indicator = target;
    read_name(reading, entry->value, "split", &indicator->split);
}

enum { INDICATOR_NAME = 1, INDICATOR_SHARE = 6, INDICATOR_TIMED = 56, INDICATOR_TARGET = 64 };
static const struct key_form indicator_forms[] = {
    {"name", indicator_name}, {"share", indicator_share},   {"of", indicator_of},
    {"from", indicator_from}, {"to", indicator_to},         {"within", indicator_within},
    {"target", indicator_target}, {"split", indicator_split},
};

static void read_indicators(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    const struct yaml_node *node = entry->value;
    if (!read_items(reading, node, "indicators", 0, ITEMS_MAX))
        return;
    scene->indicators =
        arena_alloc(reading->arena, (node->count + 1) * sizeof *scene->indicators);
    for (size_t i = 0; i < node->count; i++) {
        struct scene_indicator *indicator = &scene->indicators[scene->indicator_count];
        uint64_t seen;
        *indicator =
            (struct scene_indicator){.line = node->entries[i].line, .within = SCENE_UNSET};
        if (!read_map(reading, node->entries[i].value, "an indicator", indicator_forms, 8,
                      indicator, &seen))
            continue;
        uint64_t form = seen & (INDICATOR_SHARE | INDICATOR_TIMED);
        if (!(seen & INDICATOR_NAME) || !(seen & INDICATOR_TARGET) ||
            (form != INDICATOR_SHARE && form != INDICATOR_TIMED))
            scene_find(reading->findings, node->entries[i].line, RULE_BAD_VALUE,
                       "an indicator is {name, share, of, target} or {name, from, to, within, "
                       "target}, each with an optional split");
        for (size_t k = 0; indicator->name && k < scene->indicator_count; k++)
            if (strcmp(scene->indicators[k].name, indicator->name) == 0)
                scene_find(reading->findings, indicator->line, RULE_DUPLICATE_NAME,
                           "two indicators are named '%s': rename one", indicator->name);
        if (indicator->name)
            scene->indicator_count++;
    }
}

static void migrates_from(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    read_whole(reading, entry->value, "from", 1, INT32_MAX, &scene->migrates.from);
}
static void migrates_map(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    const struct yaml_node *node = entry->value;
    struct scene_migration *migration = &scene->migrates;
    migration->map_line = entry->line;
    if (node->shape != YAML_MAP || node->count > STAGES_MAX) {
        bad(reading, node, "map", "{old_stage: new_stage, …}");
        return;
    }
    migration->moves =
        arena_alloc(reading->arena, (node->count + 1) * sizeof *migration->moves);
    for (size_t i = 0; i < node->count; i++) {
        struct scene_move *move = &migration->moves[migration->move_count];
        move->old_stage = node->entries[i].key.data;
        move->line = node->entries[i].line;
        if (read_name(reading, node->entries[i].value, "a stage of this version", &move->to))
            migration->move_count++;
    }
}

static void read_migration(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    static const struct key_form forms[] = {{"from", migrates_from}, {"map", migrates_map}};
    struct scene *scene = target;
    uint64_t seen;
    scene->migrates.line = entry->line;
    if (read_map(reading, entry->value, "migrates", forms, 2, scene, &seen) && seen != 3)
        scene_find(reading->findings, entry->line, RULE_BAD_VALUE,
                   "migrates needs both: write {from: VERSION, map: {old_stage: new_stage}}");
}

/* ---- The top */

static void top_scene(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    scene->line = entry->line;
    read_identifier(reading, entry->value, "scene", &scene->name);
}
static void top_version(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    read_whole(reading, entry->value, "version", 1, INT32_MAX, &scene->version);
}
static void top_title(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    read_title(reading, entry->value, &scene->title);
}
static void top_about(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    if (entry->value->shape == YAML_MAP)
        read_title(reading, entry->value, &scene->about);
    else if (read_word(reading, entry->value, "about", &scene->about.zh))
        scene->about.en = scene->about.zh;
}
static void top_subject(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    const char *name, *known[SCENE_KIND_COUNT];
    if (!read_word(reading, entry->value, "subject", &name))
        return;
    int kind = scene_kind_of(name);
    for (int i = 0; i < SCENE_KIND_COUNT; i++)
        known[i] = scene_kind_name((enum scene_kind)i);
    if (kind >= 0) {
        scene->subject = (enum scene_kind)kind;
        scene->subject_line = entry->value->line;
    } else {
        scene_find(reading->findings, entry->value->line, RULE_UNKNOWN_REFERENCE,
                   "there is no subject kind '%.60s'%s: see `scene vocabulary`", name,
                   scene_guess(reading->arena, name, known, SCENE_KIND_COUNT));
    }
}
static void top_stages(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    (void)target;
    read_stages(reading, entry);
}
static void top_unique(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    scene->unique_line = entry->line;
    read_names(reading, entry->value, "unique", &scene->unique);
}
static void top_retention(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    if (!read_duration(reading, entry->value, "retention", &scene->retention))
        scene->retention = 0; /* it is there, and its form was found fault with */
}

enum { TOP_REQUIRED = 7, TOP_ESCALATE = 7 };
static const struct key_form top_forms[] = {
    {"scene", top_scene},         {"version", top_version},     {"title", top_title},
    {"subject", top_subject},     {"opened_by", read_openings}, {"fields", read_fields},
    {"stages", top_stages},       {"escalate", read_escalation}, {"about", top_about},
    {"unique", top_unique},       {"indicators", read_indicators}, {"retention", top_retention},
    {"migrates", read_migration},
};

static void read_top(struct reading *reading, const struct yaml_node *root)
{
    struct scene *scene = reading->scene;
    uint64_t seen;
    scene->line = root->count ? root->entries[0].line : root->line;
    read_map(reading, root, "a scene", top_forms, sizeof top_forms / sizeof *top_forms, scene,
             &seen);
    for (size_t i = 0; i < TOP_REQUIRED; i++)
        if (!(seen >> i & 1))
            scene_find(reading->findings, scene->line, RULE_BAD_VALUE,
                       "the key '%s' is missing: every scene needs it", top_forms[i].name);
    if (!(seen >> TOP_ESCALATE & 1))
        scene_find(reading->findings, scene->line, RULE_ESCALATION_OPEN,
                   "the key 'escalate' is missing: add steps that end at the command centre, such "
                   "as [{after: 0m, to: owner_lead}, {after: 4h, to: command}]");
}

void scene_read(struct slice text, const struct policy *policy, struct arena *arena,
                struct scene **ret_scene, struct scene_findings *findings)
{
    struct yaml_tree tree;
    *ret_scene = NULL;
    if (text.length > SCENE_BYTES_MAX) {
        scene_find(findings, 1, RULE_SYNTAX, "the file is larger than 256 KiB: a scene is small");
        return;
    }
    yaml_read_tree(text, arena, &tree);
    for (size_t i = 0; i < tree.fault_count; i++)
        scene_find(findings, tree.faults[i].line ? tree.faults[i].line : 1, RULE_SYNTAX,
                   "%s: expected %s", tree.faults[i].what, tree.faults[i].expected);
    if (!tree.root)
        return;
    if (tree.root->shape != YAML_MAP) {
        scene_find(findings, tree.root->line, RULE_SYNTAX,
                   "a scene is a map: begin with `scene: NAME`");
        return;
    }
    struct scene *scene = arena_alloc(arena, sizeof *scene);
    scene->subject = SCENE_NONE;
    scene->retention = SCENE_UNSET;
    struct reading reading = {arena, policy, findings, scene};
    read_top(&reading, tree.root);
    scene_resolve(scene, findings);
    scene_check_types(scene, findings);
    *ret_scene = scene;
}

int scene_field_of(const struct scene *scene, const char *name)
{
    for (size_t i = 0; i < scene->field_count; i++)
        if (strcmp(scene->fields[i].name, name) == 0)
            return (int)i;
    return -1;
}

int scene_stage_of(const struct scene *scene, const char *name)
{
    for (size_t i = 0; i < scene->stage_count; i++)
        if (strcmp(scene->stages[i].name, name) == 0)
            return (int)i;
    return -1;
}
