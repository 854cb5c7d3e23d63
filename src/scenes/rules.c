/* Owners that always resolve, clocks that always stand, hands that are apart, escalation that
 * ends at the command centre, personal fields that are forgotten. */
#include "scenes/scenes_internal.h"

/* ---- Owners */

/* Whether an owner resolves whenever a loop stands there. *ret_missing: the first field that may be
 * unset, −1 where the subject has no area. */
static bool resolves(const struct scene *scene, const struct scene_owner *owner,
                     const struct bits *fields, int *ret_missing)
{
    bool blamed = false;
    for (; owner; owner = owner->otherwise) {
        const struct scene_name *place = &owner->place;
        bool relation = owner->form == OWNER_SELF || owner->form == OWNER_LEAD || owner->bare;
        bool no_subject = place->target == TARGET_SUBJECT && scene->subject_line &&
                          scene->subject == SCENE_NONE;
        bool unset = place->target == TARGET_FIELD && !bits_has(fields, place->index);
        if (relation || (!no_subject && !unset))
            return true;
        if (!blamed)
            *ret_missing = unset ? place->index : -1;
        blamed = true;
    }
    return false;
}

static void find_unresolved(const struct scene *scene, size_t stage, int line, const char *what,
                            int missing, struct scene_findings *findings)
{
    size_t count = 0;
    const char *const *path = NULL;
    if (missing < 0) {
        scene_find(findings, line, RULE_NO_OWNER,
                   "the scene is about nobody, so %s '%s' has no area: name a field that is "
                   "always set",
                   what, scene->stages[stage].name);
        return;
    }
    path = scene_path(scene, (int)stage, missing, -1, findings->arena, &count);
    scene_find_path(findings, line, RULE_NO_OWNER, path, count,
                    "%s '%s' may not resolve: '%s' can be unset there; make it required, require "
                    "it on every way there, or add or: {role: …, area: subject}",
                    what, scene->stages[stage].name, scene->fields[missing].name);
}

static void check_parties(const struct scene *scene, size_t stage, const struct bits *fields,
                          const struct scene_owners *parties, const char *what,
                          struct scene_findings *findings)
{
    int missing;
    for (size_t i = 0; i < parties->count; i++)
        if (!resolves(scene, &parties->items[i], fields, &missing))
            find_unresolved(scene, stage, parties->items[i].line, what, missing, findings);
}

void scene_check_owners(const struct scene *scene, const struct assignment *assigned,
                        struct scene_findings *findings)
{
    for (size_t s = 0; s < scene->stage_count; s++) {
        const struct scene_stage *stage = &scene->stages[s];
        const struct bits *fields = &assigned[s].fields;
        int missing;
        if (stage->final)
            continue;
        if (!stage->owner_line)
            scene_find(findings, stage->line, RULE_NO_OWNER,
                       "the stage '%s' has no owner: add owner: {role: …, area: …} or "
                       "{unit_of: FIELD}",
                       stage->name);
        if (stage->owner && !resolves(scene, stage->owner, fields, &missing))
            find_unresolved(scene, s, stage->owner_line, "the owner of", missing, findings);
        for (size_t i = 0; i < stage->next_count; i++) {
            const struct scene_transition *transition = &stage->next[i];
            struct bits given = *fields;
            for (size_t k = 0; k < transition->require.count; k++)
                if (transition->require.items[k].target == TARGET_FIELD)
                    bits_add(&given, transition->require.items[k].index);
            check_parties(scene, s, fields, &transition->by, "who may act in", findings);
            check_parties(scene, s, &given, &transition->sign, "who signs in", findings);
        }
    }
}

/* ---- Clocks */

static void check_set(const struct scene *scene, size_t stage, const struct bits *fields,
                      const struct scene_name *name, struct scene_findings *findings)
{
    size_t count;
    if (name->target != TARGET_FIELD || bits_has(fields, name->index))
        return;
    const char *const *path =
        scene_path(scene, (int)stage, name->index, -1, findings->arena, &count);
    scene_find_path(findings, name->line, RULE_NO_CLOCK, path, count,
                    "the clock of '%s' may not stand: '%s' can be unset there; make it required, "
                    "or require it on every way there",
                    scene->stages[stage].name, name->text);
}

static void check_from(const struct scene *scene, size_t stage, const struct assignment *assigned,
                       struct scene_findings *findings)
{
    const struct scene_name *from = &scene->stages[stage].from;
    size_t count;
    check_set(scene, stage, &assigned->fields, from, findings);
    if (from->target != TARGET_STAGE || bits_has(&assigned->visited, from->index))
        return;
    const char *const *path =
        scene_path(scene, (int)stage, -1, from->index, findings->arena, &count);
    scene_find_path(findings, from->line, RULE_NO_CLOCK, path, count,
                    "the clock of '%s' counts from '%s', which may not have been visited: count "
                    "from opened, or from a stage on every way there",
                    scene->stages[stage].name, from->text);
}

/* A clock by an enum names every value of it. */
static void check_values(const struct scene *scene, const struct scene_stage *stage,
                         struct scene_findings *findings)
{
    if (stage->within_by.target != TARGET_FIELD)
        return;
    const struct scene_field *field = &scene->fields[stage->within_by.index];
    for (size_t i = 0; i < field->values.count; i++) {
        const char *value = field->values.items[i].text;
        size_t k = 0;
        while (k < stage->within_value_count &&
               strcmp(stage->within_values[k].text, value) != 0)
            k++;
        if (k < stage->within_value_count)
            continue;
        scene_find(findings, stage->within_line, RULE_BAD_VALUE,
                   "within leaves the value '%s' of '%s' out: add %s: D", value, field->name,
                   value);
        scene_find(findings, stage->line, RULE_NO_CLOCK,
                   "the stage '%s' has no clock where '%s' is '%s': name every value in within",
                   stage->name, field->name, value);
    }
}

void scene_check_clocks(const struct scene *scene, const struct assignment *assigned,
                        struct scene_findings *findings)
{
    for (size_t s = 0; s < scene->stage_count; s++) {
        const struct scene_stage *stage = &scene->stages[s];
        bool within = stage->within_line != 0, until = stage->until.line != 0;
        if (stage->final)
            continue;
        if (within == until)
            scene_find(findings, stage->line, RULE_NO_CLOCK,
                       "the stage '%s' has %s: write exactly one of within: D and until: FIELD",
                       stage->name, within ? "two clocks" : "no clock");
        check_set(scene, s, &assigned[s].fields, &stage->until, findings);
        check_set(scene, s, &assigned[s].fields, &stage->within_by, findings);
        check_from(scene, s, &assigned[s], findings);
        check_values(scene, stage, findings);
    }
}

/* ---- Hands */

/* Whether a condition holds only for hands that did not act in the stage. */
static bool demands_other_hands(const struct scene_condition *condition, int stage)
{
    if (condition->form == CONDITION_SEPARATE_HANDS)
        for (size_t i = 0; i < condition->stages.count; i++)
            if (condition->stages.items[i].target == TARGET_STAGE &&
                condition->stages.items[i].index == stage)
                return true;
    if (condition->form != CONDITION_ANY || condition->part_count == 0)
        return false;
    for (size_t i = 0; i < condition->part_count; i++)
        if (!demands_other_hands(&condition->parts[i], stage))
            return false;
    return true;
}

void scene_check_hands(const struct scene *scene, struct scene_findings *findings)
{
    for (size_t s = 0; s < scene->stage_count; s++) {
        const struct scene_stage *stage = &scene->stages[s];
        if (stage->verifies.target != TARGET_STAGE)
            continue;
        for (size_t i = 0; i < stage->next_count; i++) {
            const struct scene_transition *transition = &stage->next[i];
            bool apart = transition->trigger != TRIGGER_BY;
            for (size_t k = 0; !apart && k < transition->when.count; k++)
                apart = demands_other_hands(&transition->when.items[k], stage->verifies.index);
            if (!apart)
                scene_find(findings, transition->line, RULE_SAME_HANDS,
                           "'%s' verifies '%s', but whoever acted there may act here: add when: "
                           "[{separate_hands: [%s]}]",
                           stage->name, stage->verifies.text, stage->verifies.text);
        }
    }
}

/* ---- Escalation and retention */

void scene_check_escalation(const struct scene *scene, struct scene_findings *findings)
{
    if (scene->escalate_line && scene->step_count == 0)
        scene_find(findings, scene->escalate_line, RULE_ESCALATION_OPEN,
                   "nobody is told when a clock runs out: add steps that end at command");
    for (size_t i = 1; i < scene->step_count; i++) {
        int64_t before = scene->escalate[i - 1].after, after = scene->escalate[i].after;
        if (before != SCENE_UNSET && after != SCENE_UNSET && after <= before)
            scene_find(findings, scene->escalate[i].line, RULE_ESCALATION_OPEN,
                       "each step comes later than the one before: raise its after");
    }
    if (scene->step_count == 0)
        return;
    const struct scene_step *last = &scene->escalate[scene->step_count - 1];
    if (!last->to || strcmp(last->to, "command") != 0)
        scene_find(findings, last->to_line, RULE_ESCALATION_OPEN,
                   "the last step goes to %s: let it end at command, or a loop may stay open "
                   "unnoticed",
                   last->to ? last->to : "nobody");
}

void scene_check_retention(const struct scene *scene, struct scene_findings *findings)
{
    if (scene->retention != SCENE_UNSET)
        return;
    if (scene->subject_line && scene_kind_is_personal(scene->subject)) {
        scene_find(findings, scene->subject_line, RULE_PERSONAL_WITHOUT_RETENTION,
                   "the scene is about a %s: say with retention: D when it is forgotten",
                   scene_kind_name(scene->subject));
        return;
    }
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *field = &scene->fields[i];
        if (!field->personal && !scene_kind_is_personal(scene_type_kind(field->type)))
            continue;
        scene_find(findings, field->line, RULE_PERSONAL_WITHOUT_RETENTION,
                   "'%s' is personal: say with retention: D when it is forgotten", field->name);
        return;
    }
}
