/* What a scene owes the scenes around it: children that exist, are about the right thing and are
 * given what they must have; no scene that opens itself; open loops of an earlier version that
 * find a stage. */
#include "scenes/scenes_internal.h"

/* ---- Children */

/* What a child of that kind is about: SCENE_KIND_COUNT where a finding said already that it
 * cannot be. */
static enum scene_kind about_of(const struct scene *scene, const struct scene_child *child)
{
    struct operand operand;
    switch (child->each) {
    case EACH_PERSON:
        return SCENE_PERSON;
    case EACH_SUBJECT:
        return scene->subject_line ? scene->subject : SCENE_KIND_COUNT;
    case EACH_UNIT_IN:
        return SCENE_UNIT;
    case EACH_FIELD:
        break;
    }
    return scene_operand(scene, NULL, &child->field, &operand) ? scene_type_kind(operand.type)
                                                               : SCENE_KIND_COUNT;
}

static void check_given(const struct scene *scene, const struct scene_stage *stage,
                        const struct bits *fields, const struct scene *child,
                        struct scene_findings *findings)
{
    for (size_t i = 0; i < child->field_count; i++) {
        const struct scene_field *needed = &child->fields[i];
        int own = needed->required ? scene_field_of(scene, needed->name) : -1;
        bool fits = false;
        if (!needed->required)
            continue;
        if (own >= 0) {
            const struct scene_field *field = &scene->fields[own];
            struct operand from = {field->type, field->list, field, NULL};
            fits = scene_field_takes(needed, field->type, field->list, &from);
        }
        if (!fits)
            scene_find(findings, stage->children_line, RULE_UNKNOWN_FIELD,
                       "the child scene '%s' requires '%s' (%s), which this scene does not have: "
                       "add a field of that name and type",
                       child->name, needed->name, scene_type_name(needed->type));
        else if (!bits_has(fields, own))
            scene_find(findings, stage->children_line, RULE_UNKNOWN_FIELD,
                       "the child scene '%s' requires '%s', which may be unset in '%s': make it "
                       "required, or require it on every way there",
                       child->name, needed->name, stage->name);
    }
}

/* Scenes that can be reached through children, by breadth. */
struct reach {
    const struct scene *scenes[512];
    size_t from[512];
    size_t count;
};

static void reach_add(struct reach *reach, const struct scene *scene, size_t from)
{
    for (size_t i = 0; i < reach->count; i++)
        if (reach->scenes[i] == scene)
            return;
    if (!scene || reach->count == sizeof reach->scenes / sizeof *reach->scenes)
        return;
    reach->from[reach->count] = from;
    reach->scenes[reach->count++] = scene;
}

static void reach_children(struct reach *reach, struct scene_folder *folder, size_t at)
{
    const struct scene *scene = reach->scenes[at];
    for (size_t s = 0; s < scene->stage_count; s++)
        for (size_t i = 0; i < scene->stages[s].child_count; i++)
            reach_add(reach, scene_folder_find(folder, scene->stages[s].children[i].scene), at);
}

static bool opens(const struct scene *scene, const char *name)
{
    for (size_t s = 0; s < scene->stage_count; s++)
        for (size_t i = 0; i < scene->stages[s].child_count; i++)
            if (strcmp(scene->stages[s].children[i].scene, name) == 0)
                return true;
    return false;
}

/* Whether a child leads back to the scene; the way is the finding's path. */
static void check_return(const struct scene *scene, const struct scene_stage *stage,
                         const struct scene *child, struct scene_folder *folder,
                         struct scene_findings *findings)
{
    struct reach *reach = arena_alloc(findings->arena, sizeof *reach);
    reach_add(reach, child, 0);
    for (size_t at = 0; at < reach->count; at++) {
        if (reach->scenes[at] != scene && !opens(reach->scenes[at], scene->name)) {
            reach_children(reach, folder, at);
            continue;
        }
        size_t length = 2;
        for (size_t i = at; i != 0; i = reach->from[i])
            length++;
        bool itself = reach->scenes[at] == scene;
        const char **path = arena_alloc(findings->arena, (length + 1) * sizeof *path);
        path[0] = scene->name;
        for (size_t i = at, k = length - 1;; i = reach->from[i]) {
            path[k--] = reach->scenes[i]->name;
            if (i == 0)
                break;
        }
        if (!itself)
            path[length++] = scene->name;
        scene_find_path(findings, stage->children_line, RULE_UNBOUNDED_CYCLE, path, length,
                        "the scene opens itself through its children, without end: open another "
                        "scene");
        return;
    }
}

static void check_child(const struct scene *scene, const struct scene_stage *stage,
                        const struct assignment *assigned, const struct scene_child *item,
                        struct scene_folder *folder, struct scene_findings *findings)
{
    bool itself = scene->name && strcmp(scene->name, item->scene) == 0;
    const struct scene *child = itself ? scene : scene_folder_find(folder, item->scene);
    enum scene_kind about = about_of(scene, item);
    if (!child) {
        const char *known[512];
        size_t count;
        const struct scene_source *all = scene_folder_all(folder, &count);
        for (size_t i = 0; i < count; i++)
            known[i] = all[i].scene->name;
        scene_find(findings, item->scene_line, RULE_UNKNOWN_REFERENCE,
                   "there is no scene '%s'%s: see `scene list`", item->scene,
                   scene_guess(findings->arena, item->scene, known, count));
        return;
    }
    if (child->subject_line && about != SCENE_KIND_COUNT && child->subject != about)
        scene_find(findings, item->scene_line, RULE_TYPE_MISMATCH,
                   "the child scene '%s' is about a %s, here it would be about a %s", item->scene,
                   scene_kind_name(child->subject), scene_kind_name(about));
    check_given(scene, stage, &assigned->fields, child, findings);
    if (scene->name)
        check_return(scene, stage, child, folder, findings);
}

/* ---- Migration */

static bool is_moved(const struct scene_migration *migration, const char *stage)
{
    for (size_t i = 0; i < migration->move_count; i++)
        if (strcmp(migration->moves[i].old_stage, stage) == 0)
            return true;
    return false;
}

static bool is_taken(const struct scene_migration *migration, int stage)
{
    for (size_t i = 0; i < migration->move_count; i++)
        if (migration->moves[i].to.index == stage)
            return true;
    return false;
}

/* The earlier version is at hand: each of its stages moves, and no other. */
static void check_total(const struct scene *scene, const struct scene *before,
                        struct scene_findings *findings)
{
    const struct scene_migration *migration = &scene->migrates;
    for (size_t i = 0; i < before->stage_count; i++)
        if (!before->stages[i].final && !is_moved(migration, before->stages[i].name))
            scene_find(findings, migration->map_line, RULE_BAD_VALUE,
                       "the map leaves the stage '%s' of version %lld out: add %s: NEW_STAGE",
                       before->stages[i].name, (long long)before->version,
                       before->stages[i].name);
    for (size_t i = 0; i < migration->move_count; i++)
        if (scene_stage_of(before, migration->moves[i].old_stage) < 0)
            scene_find(findings, migration->moves[i].line, RULE_UNKNOWN_REFERENCE,
                       "version %lld has no stage '%s'", (long long)before->version,
                       migration->moves[i].old_stage);
}

/* It is not: a stage of this version that the map does not name may have been there before. */
static void check_named(const struct scene *scene, struct scene_findings *findings)
{
    const struct scene_migration *migration = &scene->migrates;
    for (size_t i = 0; i < scene->stage_count; i++) {
        const struct scene_stage *stage = &scene->stages[i];
        if (!stage->final && !is_moved(migration, stage->name) && !is_taken(migration, (int)i))
            scene_find(findings, migration->map_line, RULE_BAD_VALUE,
                       "the map names '%s' nowhere, so loops that stand there in version %lld "
                       "could be lost: add %s: %s",
                       stage->name, (long long)migration->from, stage->name, stage->name);
    }
}

static void check_migration(const struct scene *scene, struct scene_folder *folder,
                            struct scene_findings *findings)
{
    const struct scene_migration *migration = &scene->migrates;
    if (!migration->line || !migration->map_line || !migration->from)
        return;
    if (scene->version && migration->from >= scene->version) {
        scene_find(findings, migration->line, RULE_BAD_VALUE,
                   "loops move from an earlier version: write from: a number below %lld",
                   (long long)scene->version);
        return;
    }
    const struct scene *before =
        scene->name ? scene_folder_version(folder, scene->name, migration->from) : NULL;
    if (before)
        check_total(scene, before, findings);
    else
        check_named(scene, findings);
}

void scene_check_around(const struct scene *scene, const struct assignment *assigned,
                        struct scene_folder *folder, struct scene_findings *findings)
{
    for (size_t s = 0; s < scene->stage_count; s++)
        for (size_t i = 0; i < scene->stages[s].child_count; i++)
            check_child(scene, &scene->stages[s], &assigned[s], &scene->stages[s].children[i],
                        folder, findings);
    check_migration(scene, folder, findings);
}

/* ---- The whole proof */

void scene_verify(const struct scene *scene, struct scene_folder *folder,
                  struct scene_findings *findings)
{
    struct assignment *assigned = scene_assign(scene, findings->arena);
    scene_check_graph(scene, findings);
    scene_check_owners(scene, assigned, findings);
    scene_check_clocks(scene, assigned, findings);
    scene_check_guards(scene, assigned, findings);
    scene_check_hands(scene, findings);
    scene_check_escalation(scene, findings);
    scene_check_retention(scene, findings);
    scene_check_around(scene, assigned, folder, findings);
    scene_findings_order(findings);
}
