/* What the names of a scene name. Every name is looked up once, here; the proof and an engine use
 * indexes. Keywords win over names. */
#include "scenes/scenes_internal.h"

struct resolving {
    struct scene *scene;
    struct scene_findings *findings;
};

/* ---- Looking up */

static const char *guess_stage(const struct resolving *resolving, const char *word)
{
    const char *known[STAGES_MAX];
    size_t count = 0;
    for (; count < resolving->scene->stage_count; count++)
        known[count] = resolving->scene->stages[count].name;
    return scene_guess(resolving->findings->arena, word, known, count);
}

static const char *guess_field(const struct resolving *resolving, const char *word)
{
    const char *known[FIELDS_MAX];
    size_t count = 0;
    for (; count < resolving->scene->field_count; count++)
        known[count] = resolving->scene->fields[count].name;
    return scene_guess(resolving->findings->arena, word, known, count);
}

static bool look_up(struct scene_name *name, enum scene_target target, int index)
{
    if (index < 0)
        return false;
    name->target = target;
    name->index = index;
    return true;
}

static bool is_keyword(struct scene_name *name, const char *keyword, enum scene_target target)
{
    if (strcmp(name->text, keyword) != 0)
        return false;
    name->target = target;
    return true;
}

static void stage(const struct resolving *resolving, struct scene_name *name, const char *what)
{
    if (name->text &&
        !look_up(name, TARGET_STAGE, scene_stage_of(resolving->scene, name->text)))
        scene_find(resolving->findings, name->line, RULE_UNKNOWN_REFERENCE,
                   "%s: there is no stage '%s'%s", what, name->text,
                   guess_stage(resolving, name->text));
}

static void field(const struct resolving *resolving, struct scene_name *name, const char *what)
{
    if (name->text &&
        !look_up(name, TARGET_FIELD, scene_field_of(resolving->scene, name->text)))
        scene_find(resolving->findings, name->line, RULE_UNKNOWN_FIELD,
                   "%s: there is no field '%s'%s: declare it under fields", what, name->text,
                   guess_field(resolving, name->text));
}

static void subject_or_field(const struct resolving *resolving, struct scene_name *name,
                             const char *what)
{
    if (name->text && !is_keyword(name, "subject", TARGET_SUBJECT))
        field(resolving, name, what);
}

/* opened, a stage or a field: a moment to count from. */
static void moment(const struct resolving *resolving, struct scene_name *name, const char *what)
{
    if (!name->text || is_keyword(name, "opened", TARGET_OPENED) ||
        look_up(name, TARGET_STAGE, scene_stage_of(resolving->scene, name->text)))
        return;
    field(resolving, name, what);
}

static const struct scene_event *event(const struct resolving *resolving, const char *name,
                                       int line)
{
    const struct scene_event *found = name ? scene_event_find(name) : NULL;
    const char *known[64];
    size_t count;
    const struct scene_event *all = scene_event_all(&count);
    if (!name || found)
        return found;
    REQUIRE(count <= 64);
    for (size_t i = 0; i < count; i++)
        known[i] = all[i].name;
    scene_find(resolving->findings, line, RULE_UNKNOWN_REFERENCE,
               "there is no event kind '%.80s'%s: see `scene vocabulary`", name,
               scene_guess(resolving->findings->arena, name, known, count));
    return NULL;
}

static int payload_of(const struct scene_event *about, const char *name)
{
    for (int i = 0; about && about->payload[i].name; i++)
        if (strcmp(about->payload[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- Conditions */

/* The name a condition asks about: a field, or what the event that was awaited brings. */
static void asked(const struct resolving *resolving, struct scene_name *name,
                  const struct scene_event *about)
{
    if (!name->text ||
        look_up(name, TARGET_FIELD, scene_field_of(resolving->scene, name->text)) ||
        look_up(name, TARGET_PAYLOAD, payload_of(about, name->text)))
        return;
    field(resolving, name, "when");
}

static void condition(const struct resolving *resolving, struct scene_condition *item,
                      const struct scene_event *about)
{
    switch (item->form) {
    case CONDITION_IS:
    case CONDITION_COMPARE:
    case CONDITION_IN:
        asked(resolving, &item->name, about);
        break;
    case CONDITION_AREA_RISK:
        if (item->name.text && !is_keyword(&item->name, "subject", TARGET_SUBJECT))
            asked(resolving, &item->name, about);
        break;
    case CONDITION_ELAPSED:
        moment(resolving, &item->name, "since");
        break;
    case CONDITION_ACTED:
        stage(resolving, &item->name, "acted");
        break;
    case CONDITION_SEPARATE_HANDS:
        for (size_t i = 0; i < item->stages.count; i++)
            stage(resolving, &item->stages.items[i], "separate_hands");
        break;
    case CONDITION_NOT:
    case CONDITION_ANY:
        for (size_t i = 0; i < item->part_count; i++)
            condition(resolving, &item->parts[i], about);
        break;
    case CONDITION_TEST:
    case CONDITION_CHILDREN:
        break;
    }
}

/* Before a loop is open there is the payload and the subject, nothing else to ask. */
static void opening_condition(const struct resolving *resolving, struct scene_condition *item,
                              const struct scene_event *about)
{
    switch (item->form) {
    case CONDITION_TEST:
        return;
    case CONDITION_NOT:
    case CONDITION_ANY:
        for (size_t i = 0; i < item->part_count; i++)
            opening_condition(resolving, &item->parts[i], about);
        return;
    case CONDITION_ACTED:
    case CONDITION_SEPARATE_HANDS:
    case CONDITION_CHILDREN:
        scene_find(resolving->findings, item->line, RULE_BAD_VALUE,
                   "before a loop is open nobody acted and there are no children: ask what the "
                   "event brings");
        return;
    default:
        break;
    }
    struct scene_name *name = &item->name;
    bool subject = item->form == CONDITION_AREA_RISK && name->text &&
                   is_keyword(name, "subject", TARGET_SUBJECT);
    if (!about || !name->text || subject ||
        look_up(name, TARGET_PAYLOAD, payload_of(about, name->text)))
        return;
    scene_find(resolving->findings, name->line, RULE_UNKNOWN_FIELD,
               "the event %s brings no '%s': see `scene vocabulary`", about->name, name->text);
}

/* ---- Stages */

static void owner(const struct resolving *resolving, struct scene_owner *item)
{
    for (; item; item = item->otherwise)
        subject_or_field(resolving, &item->place, "an owner");
}

static void owners(const struct resolving *resolving, struct scene_owners *list)
{
    for (size_t i = 0; i < list->count; i++)
        owner(resolving, &list->items[i]);
}

static void transition(const struct resolving *resolving, struct scene_transition *item)
{
    stage(resolving, &item->to, "to");
    item->event = event(resolving, item->event_name, item->event_line);
    field(resolving, &item->about, "about");
    owners(resolving, &item->by);
    owners(resolving, &item->sign);
    for (size_t i = 0; i < item->require.count; i++)
        field(resolving, &item->require.items[i], "require");
    for (size_t i = 0; i < item->when.count; i++)
        condition(resolving, &item->when.items[i], item->event);
}

static void resolve_stage(const struct resolving *resolving, struct scene_stage *item)
{
    owner(resolving, item->owner);
    field(resolving, &item->within_by, "within by");
    field(resolving, &item->until, "until");
    moment(resolving, &item->from, "from");
    stage(resolving, &item->verifies, "verifies");
    for (size_t i = 0; i < item->child_count; i++) {
        struct scene_child *child = &item->children[i];
        if (child->each == EACH_FIELD)
            field(resolving, &child->field, "for_each");
        else if (child->each == EACH_UNIT_IN)
            field(resolving, &child->field, "units_in");
    }
    for (size_t i = 0; i < item->next_count; i++)
        transition(resolving, &item->next[i]);
}

static void indicator(const struct resolving *resolving, struct scene_indicator *item)
{
    stage(resolving, &item->share, "share");
    if (item->of.text && !is_keyword(&item->of, "closed", TARGET_CLOSED))
        stage(resolving, &item->of, "of");
    if (item->from.text && !is_keyword(&item->from, "opened", TARGET_OPENED))
        stage(resolving, &item->from, "from");
    if (item->to.text && !is_keyword(&item->to, "closed", TARGET_CLOSED))
        stage(resolving, &item->to, "to");
    field(resolving, &item->split, "split");
}

/* ---- Names that stand twice */

static void find_doubles(const struct resolving *resolving)
{
    const struct scene *scene = resolving->scene;
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *item = &scene->fields[i];
        if (scene_field_of(scene, item->name) != (int)i)
            scene_find(resolving->findings, item->line, RULE_DUPLICATE_NAME,
                       "two fields are named '%s': rename one", item->name);
    }
    for (size_t i = 0; i < scene->stage_count; i++) {
        const struct scene_stage *item = &scene->stages[i];
        int same = scene_field_of(scene, item->name);
        if (scene_stage_of(scene, item->name) != (int)i)
            scene_find(resolving->findings, item->line, RULE_DUPLICATE_NAME,
                       "two stages are named '%s': rename one", item->name);
        if (same >= 0) {
            int other = scene->fields[same].line;
            scene_find(resolving->findings, item->line > other ? item->line : other,
                       RULE_DUPLICATE_NAME,
                       "a stage and a field are both named '%s': rename one", item->name);
        }
    }
}

void scene_resolve(struct scene *scene, struct scene_findings *findings)
{
    struct resolving resolving = {scene, findings};
    find_doubles(&resolving);
    for (size_t i = 0; i < scene->opening_count; i++) {
        struct scene_opening *opening = &scene->openings[i];
        if (opening->manual)
            continue;
        opening->event = event(&resolving, opening->event_name, opening->line);
        for (size_t k = 0; k < opening->when.count; k++)
            opening_condition(&resolving, &opening->when.items[k], opening->event);
    }
    for (size_t i = 0; i < scene->field_count; i++)
        stage(&resolving, &scene->fields[i].hidden_until, "hidden_until");
    for (size_t i = 0; i < scene->unique.count; i++)
        subject_or_field(&resolving, &scene->unique.items[i], "unique");
    for (size_t i = 0; i < scene->stage_count; i++)
        resolve_stage(&resolving, &scene->stages[i]);
    for (size_t i = 0; i < scene->indicator_count; i++)
        indicator(&resolving, &scene->indicators[i]);
    for (size_t i = 0; i < scene->migrates.move_count; i++)
        stage(&resolving, &scene->migrates.moves[i].to, "map");
}
