/* The graph of stages and transitions, guards ignored: what can be reached, what ends, which cycles
 * are bounded, and what is certainly known at each stage. Paths are shortest ones, by breadth. */
#include "scenes/scenes_internal.h"

enum { NO_STAGE = -1 };

/* Where a transition leads; NO_STAGE where it names none. */
static int target(const struct scene_transition *transition)
{
    return transition->to.target == TARGET_STAGE ? transition->to.index : NO_STAGE;
}

static bool requires(const struct scene_transition *transition, int field)
{
    for (size_t i = 0; field >= 0 && i < transition->require.count; i++)
        if (transition->require.items[i].target == TARGET_FIELD &&
            transition->require.items[i].index == field)
            return true;
    return false;
}

/* ---- Walking by breadth */

struct walk {
    int from[STAGES_MAX];  /* the stage before, NO_STAGE where not reached; of a root itself */
    int queue[STAGES_MAX];
    size_t count;          /* reached */
};

static void walk_begin(struct walk *walk)
{
    walk->count = 0;
    for (int i = 0; i < STAGES_MAX; i++)
        walk->from[i] = NO_STAGE;
}

static void walk_reach(struct walk *walk, int stage, int from)
{
    if (walk->from[stage] != NO_STAGE)
        return;
    walk->from[stage] = from;
    walk->queue[walk->count++] = stage;
}

/* Goes on from what is reached: over transitions that do not require `skip_field`, into stages that
 * are not `skip_stage`. */
static void walk_run(const struct scene *scene, struct walk *walk, int skip_field, int skip_stage)
{
    for (size_t at = 0; at < walk->count; at++) {
        const struct scene_stage *stage = &scene->stages[walk->queue[at]];
        for (size_t i = 0; i < stage->next_count; i++) {
            int to = target(&stage->next[i]);
            if (to != NO_STAGE && to != skip_stage && !requires(&stage->next[i], skip_field))
                walk_reach(walk, to, walk->queue[at]);
        }
    }
}

static const char *const *walk_path(const struct scene *scene, const struct walk *walk, int to,
                                    struct arena *arena, size_t *ret_count)
{
    size_t count = 1;
    *ret_count = 0;
    if (walk->from[to] == NO_STAGE)
        return NULL;
    for (int at = to; walk->from[at] != at; at = walk->from[at])
        count++;
    const char **path = arena_alloc(arena, (count + 1) * sizeof *path);
    *ret_count = count;
    for (int at = to; count > 0; at = walk->from[at])
        path[--count] = scene->stages[at].name;
    return path;
}

const char *const *scene_path(const struct scene *scene, int to, int skip_field, int skip_stage,
                              struct arena *arena, size_t *ret_count)
{
    struct walk walk;
    walk_begin(&walk);
    *ret_count = 0;
    if (skip_stage == 0)
        return NULL;
    walk_reach(&walk, 0, 0);
    walk_run(scene, &walk, skip_field, skip_stage);
    return walk_path(scene, &walk, to, arena, ret_count);
}

/* ---- Reaching and ending */

static bool is_double(const struct scene *scene, size_t stage)
{
    return scene_stage_of(scene, scene->stages[stage].name) != (int)stage;
}

static void check_reach(const struct scene *scene, struct scene_findings *findings)
{
    struct walk walk;
    walk_begin(&walk);
    walk_reach(&walk, 0, 0);
    walk_run(scene, &walk, -1, NO_STAGE);
    for (size_t i = 0; i < scene->stage_count; i++)
        if (walk.from[i] == NO_STAGE && !is_double(scene, i))
            scene_find(findings, scene->stages[i].line, RULE_UNREACHABLE_STAGE,
                       "no transition leads from '%s' to '%s': add one, or take the stage out",
                       scene->stages[0].name, scene->stages[i].name);
}

/* The stages from which a final one can be reached. */
static void find_ending(const struct scene *scene, bool ends[STAGES_MAX])
{
    for (size_t i = 0; i < scene->stage_count; i++)
        ends[i] = scene->stages[i].final != FINAL_NOT;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < scene->stage_count; i++)
            for (size_t k = 0; !ends[i] && k < scene->stages[i].next_count; k++) {
                int to = target(&scene->stages[i].next[k]);
                if (to != NO_STAGE && ends[to])
                    changed = ends[i] = true;
            }
    }
}

static void check_ending(const struct scene *scene, struct scene_findings *findings)
{
    bool ends[STAGES_MAX];
    find_ending(scene, ends);
    for (size_t i = 0; i < scene->stage_count; i++) {
        size_t count;
        if (ends[i])
            continue;
        const char *const *path = scene_path(scene, (int)i, -1, NO_STAGE, findings->arena, &count);
        scene_find_path(findings, scene->stages[i].line, RULE_DEAD_END, path, count,
                        "a loop that comes to '%s' never ends: add a transition towards a final "
                        "stage",
                        scene->stages[i].name);
    }
}

/* ---- Cycles */

/* Stages that may stand in an unbounded cycle whose first stage in file order is `first`. */
static bool may_pass(const struct scene *scene, int stage, int first)
{
    return stage >= first && !scene->stages[stage].final &&
           scene->stages[stage].max_visits == SCENE_UNSET;
}

/* The shortest unbounded cycle through `first` over later stages only; NULL where there is none. */
static const char *const *find_cycle(const struct scene *scene, int first, struct arena *arena,
                                     size_t *ret_count)
{
    struct walk walk;
    walk_begin(&walk);
    *ret_count = 0;
    if (!may_pass(scene, first, first))
        return NULL;
    walk_reach(&walk, first, first);
    for (size_t at = 0; at < walk.count; at++) {
        const struct scene_stage *stage = &scene->stages[walk.queue[at]];
        for (size_t i = 0; i < stage->next_count; i++) {
            int to = target(&stage->next[i]);
            if (to == first) {
                size_t count;
                const char *const *way = walk_path(scene, &walk, walk.queue[at], arena, &count);
                const char **path = arena_alloc(arena, (count + 1) * sizeof *path);
                memcpy(path, way, count * sizeof *path);
                path[count] = scene->stages[first].name;
                *ret_count = count + 1;
                return path;
            }
            if (to != NO_STAGE && may_pass(scene, to, first))
                walk_reach(&walk, to, walk.queue[at]);
        }
    }
    return NULL;
}

static void check_cycles(const struct scene *scene, struct scene_findings *findings)
{
    for (size_t i = 0; i < scene->stage_count; i++) {
        size_t count;
        const char *const *path = find_cycle(scene, (int)i, findings->arena, &count);
        if (path)
            scene_find_path(findings, scene->stages[i].line, RULE_UNBOUNDED_CYCLE, path, count,
                            "a loop may go round here for ever: give one stage of the cycle "
                            "max_visits");
    }
}

void scene_check_graph(const struct scene *scene, struct scene_findings *findings)
{
    if (scene->stage_count == 0)
        return;
    check_reach(scene, findings);
    check_ending(scene, findings);
    check_cycles(scene, findings);
}

/* ---- What is certain at a stage's entry: the meet over all paths */

static bool meet(struct assignment *at, const struct assignment *coming)
{
    struct assignment before = *at;
    if (!at->reached) {
        *at = *coming;
        return true;
    }
    for (size_t w = 0; w < sizeof at->fields.words / sizeof *at->fields.words; w++) {
        at->fields.words[w] &= coming->fields.words[w];
        at->visited.words[w] &= coming->visited.words[w];
    }
    return memcmp(&before, at, sizeof before) != 0;
}

/* What a transition adds: the fields given with it, the stage it enters. */
static struct assignment passed(const struct assignment *at,
                                const struct scene_transition *transition)
{
    struct assignment coming = *at;
    for (size_t i = 0; i < transition->require.count; i++)
        if (transition->require.items[i].target == TARGET_FIELD)
            bits_add(&coming.fields, transition->require.items[i].index);
    bits_add(&coming.visited, transition->to.index);
    return coming;
}

struct assignment *scene_assign(const struct scene *scene, struct arena *arena)
{
    struct assignment *assigned = arena_alloc(arena, (scene->stage_count + 1) * sizeof *assigned);
    if (scene->stage_count == 0)
        return assigned;
    assigned[0].reached = true;
    bits_add(&assigned[0].visited, 0);
    for (size_t i = 0; i < scene->field_count; i++)
        if (scene->fields[i].required)
            bits_add(&assigned[0].fields, (int)i);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t s = 0; s < scene->stage_count; s++)
            for (size_t i = 0; assigned[s].reached && i < scene->stages[s].next_count; i++) {
                const struct scene_transition *transition = &scene->stages[s].next[i];
                if (target(transition) == NO_STAGE)
                    continue;
                struct assignment coming = passed(&assigned[s], transition);
                changed |= meet(&assigned[transition->to.index], &coming);
            }
    }
    for (size_t s = 0; s < scene->stage_count; s++)
        if (!assigned[s].reached) { /* no path, so everything holds on all of them */
            memset(&assigned[s].fields, 0xFF, sizeof assigned[s].fields);
            memset(&assigned[s].visited, 0xFF, sizeof assigned[s].visited);
        }
    return assigned;
}
