/* Every loop of a scene, told to one who compares or exports: block by block, in one read. */
#include <stdlib.h>

#include "loops/loops_internal.h"

struct telling {
    struct loops *loops;
    struct sql *sql;
    unsigned states;
    bool (*take)(void *context, struct sql *sql, const struct loop_told *told, struct error *err);
    void *context;
};

bool scene_hides(const struct scene *scene)
{
    for (size_t i = 0; i < scene->field_count; i++)
        if (scene->fields[i].hidden_until.text)
            return true;
    return false;
}

bool loop_told_fields(struct engine *engine, const struct loop *loop, json_t *into,
                      struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *field = &scene->fields[i];
        json_t *shown, *value = json_object_get(loop->fields, field->name);
        if (!value || field->hidden_until.text || scene_field_is_personal(field))
            continue;
        if (!field_show(engine, field, value, &shown, err))
            return false;
        json_object_set_new(into, field->name, shown);
    }
    return true;
}

static bool tell(const struct telling *telling, struct engine *engine, const struct loop *loop,
                 struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    bool kept_back = scene_hides(scene) || scene_kind_is_personal(scene->subject);
    struct loop_told told = {.no = loop->no,
                             .subject_no = kept_back ? 0 : loop->subject_no,
                             .scene = scene,
                             .state = loop->state,
                             .stage = loop_stage(loop)->name,
                             .opened_at = loop->opened_at,
                             .due_at = loop->due_at,
                             .closed_at = loop->closed_at,
                             .fields = json_object()};
    bool done = loop_told_fields(engine, loop, told.fields, err) &&
                telling->take(telling->context, telling->sql, &told, err);
    json_decref(told.fields);
    return done;
}

/* One block, and where the next begins. */
static bool tell_block(const struct telling *telling, struct loop_block *block, bool *ret_more,
                       struct error *err)
{
    struct engine engine;
    size_t count = 0;
    if (!engine_begin(&engine, telling->loops, telling->sql, NULL, err))
        return false;
    struct loop *loops = arena_alloc(engine.arena, LOOPS_A_BLOCK * sizeof *loops);
    bool done = loops_read_block(&engine, block, loops, &count, err);
    for (size_t i = 0; done && i < count; i++)
        if (telling->states & 1u << loops[i].state)
            done = tell(telling, &engine, &loops[i], err);
    *ret_more = count == LOOPS_A_BLOCK;
    if (count) {
        block->after_no = loops[count - 1].no;
        block->after_closed = loops[count - 1].closed_at;
    }
    engine_end(&engine);
    return done;
}

static bool tell_all(const struct telling *telling, int64_t scene_no, bool closed,
                     struct error *err)
{
    struct loop_block block = {.scene_no = scene_no, .after_closed = INT64_MIN, .closed = closed};
    for (bool more = true; more;)
        if (!tell_block(telling, &block, &more, err))
            return false;
    return true;
}

bool loops_each(struct loops *loops, struct slice scene, unsigned states,
                bool (*take)(void *context, struct sql *sql, const struct loop_told *told,
                             struct error *err),
                void *context, struct error *err)
{
    struct telling telling = {.loops = loops, .states = states, .take = take, .context = context};
    if (!loops_ready(loops, err))
        return false;
    const struct definitions *set = atomic_load(&loops->definitions);
    if (!definition_named(set, scene))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "scene"},
                         "a name of `scene list`", "there is no such scene");
    if (!store_read_begin(loops->platform->store, &telling.sql, err))
        return false;
    bool done = true;
    for (int closed = 0; done && closed < 2; closed++)
        for (size_t i = 0; done && i < set->count; i++) {
            unsigned wanted = closed ? ~(1u << LOOP_OPEN) : 1u << LOOP_OPEN;
            if ((states & wanted) && slice_equal(scene, slice_of(set->items[i].scene->name)))
                done = tell_all(&telling, set->items[i].scene_no, closed == 1, err);
        }
    store_read_end(loops->platform->store, telling.sql);
    return done;
}
