/* Events: a subscriber of the log. What an event changes and the cursor that says it was seen are
 * one transaction, so that each is answered exactly once. First the loops that are open about it
 * move, then those are opened that it opens. */
#include "loops/loops_internal.h"

static const struct sql_text about_subject = {
    "loop_about_subject",
    "SELECT loop_no FROM loop WHERE subject_kind = ?1 AND subject_no = ?2 AND state = 0"
    " ORDER BY loop_no",
    "loop_by_subject"};
static const struct sql_text about_field = {
    "loop_about_field",
    "SELECT loop_no FROM loop_about WHERE kind = ?1 AND no = ?2"
    " ORDER BY loop_no",
    "primary key"};

const struct sql_list loop_follow_statements = SQL_LIST(&about_subject, &about_field);

struct delivery {
    struct engine *engine;
    const struct event *event;
    const struct scene_event *form;
};

/* ---- Loops that wait for it */

struct numbers {
    int64_t *items;
    size_t count, capacity;
};

static bool gather(struct delivery *delivery, const struct sql_text *text, struct numbers *numbers,
                   struct error *err)
{
    struct engine *engine = delivery->engine;
    struct sql_query *query;
    bool row, done = sql_begin(engine->sql, text,
                               SQL_ARGUMENTS(sql_int(delivery->form->kind),
                                             sql_int(delivery->event->subject_no)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (numbers->count == numbers->capacity) {
            size_t capacity = numbers->capacity ? 2 * numbers->capacity : 16;
            int64_t *items = arena_alloc(engine->arena, capacity * sizeof *items);
            if (numbers->count)
                memcpy(items, numbers->items, numbers->count * sizeof *items);
            numbers->items = items;
            numbers->capacity = capacity;
        }
        numbers->items[numbers->count++] = sql_get_int(query, 0);
    }
    return done;
}

/* Whether the transition waits for this event about what it is about. */
static bool waits_for(const struct loop *loop, const struct scene_transition *transition,
                      const struct delivery *delivery)
{
    const struct scene *scene = loop_scene(loop);
    if (transition->trigger != TRIGGER_ON || transition->event != delivery->form)
        return false;
    if (!transition->about.text || transition->about.target == TARGET_SUBJECT)
        return scene->subject == delivery->form->kind &&
               loop->subject_no == delivery->event->subject_no;
    json_t *value = loop_value(loop, &transition->about);
    return json_is_integer(value) && json_integer_value(value) == delivery->event->subject_no &&
           scene_type_kind(scene->fields[transition->about.index].type) == delivery->form->kind;
}

/* Fields are filled before the guards are tried; the newer value wins. */
static bool move(struct delivery *delivery, struct loop *loop, struct error *err)
{
    struct engine *engine = delivery->engine;
    const struct scene_stage *stage = loop_stage(loop);
    struct act how = {.stage = loop->stage};
    json_t *payload = NULL;
    bool named = false;
    for (size_t i = 0; i < stage->next_count; i++) {
        const struct scene_condition *failed;
        bool hold;
        if (!waits_for(loop, &stage->next[i], delivery))
            continue;
        if (!named && !fields_of_payload(engine, loop_scene(loop), delivery->form,
                                         delivery->event->payload, &how.fields, &payload, err))
            return false;
        if (!named)
            json_object_update(loop->fields, how.fields);
        named = true;
        if (!conditions_hold(engine, loop, &stage->next[i].when, delivery->form, payload, &failed,
                             &hold, err))
            return false;
        how.kind = ACT_ADVANCED;
        if (hold)
            return stage_enter(engine, loop, stage->next[i].to.index, &how, err);
    }
    how.kind = ACT_FILLED;
    return !named || !json_object_size(how.fields) ||
           (loop_write(engine, loop, true, err) && act_write(engine, loop, &how, err));
}

static bool move_all(struct delivery *delivery, struct error *err)
{
    struct numbers numbers = {NULL, 0, 0};
    if (!gather(delivery, &about_subject, &numbers, err) ||
        !gather(delivery, &about_field, &numbers, err))
        return false;
    for (size_t i = 0; i < numbers.count; i++) {
        struct loop *loop;
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen |= numbers.items[k] == numbers.items[i];
        if (seen)
            continue;
        if (!loop_read(delivery->engine, numbers.items[i], &loop, err)) {
            if (err->code != ERROR_CORRUPT)
                return false;
            log_error("loops", err); /* a damaged loop stops no other */
            continue;
        }
        if (loop && loop->state == LOOP_OPEN && !move(delivery, loop, err))
            return false;
    }
    return true;
}

/* ---- Loops that it opens */

/* What the scene demands and the event does not carry is told, not guessed. */
static bool tell_not_opened(struct delivery *delivery, const struct scene *scene, const char *field,
                            struct error *err)
{
    char payload[200];
    snprintf(payload, sizeof payload, "{\"scene\":\"%s\",\"missing\":\"%s\",\"event\":%lld}",
             scene->name, field, (long long)delivery->event->no);
    struct event told = {.kind = SLICE("loop.not_opened"),
                         .subject_no = delivery->event->subject_no,
                         .area_no = delivery->event->area_no,
                         .at = delivery->engine->now,
                         .payload = slice_of(payload)};
    return event_emit(delivery->engine->sql, &told, err);
}

static bool open_one(struct delivery *delivery, const struct definition *definition,
                     const struct scene_opening *by, struct error *err)
{
    struct engine *engine = delivery->engine;
    const struct scene *scene = definition->scene;
    const struct scene_condition *failed;
    struct opening opening = {.definition = definition, .subject_no = delivery->event->subject_no};
    json_t *payload;
    int64_t no;
    bool hold, joined;
    if (!fields_of_payload(engine, scene, delivery->form, delivery->event->payload, &opening.fields,
                           &payload, err) ||
        !conditions_hold(engine, NULL, &by->when, delivery->form, payload, &failed, &hold, err))
        return false;
    if (!hold)
        return true;
    for (size_t i = 0; i < scene->field_count; i++)
        if (scene->fields[i].required && !json_object_get(opening.fields, scene->fields[i].name))
            return tell_not_opened(delivery, scene, scene->fields[i].name, err);
    return loop_open(engine, &opening, &no, &joined, err);
}

static bool open_all(struct delivery *delivery, struct error *err)
{
    const struct definitions *set = delivery->engine->definitions;
    for (size_t d = 0; d < set->count; d++) {
        const struct scene *scene = set->items[d].scene;
        for (size_t i = 0; set->items[d].opens && i < scene->opening_count; i++)
            if (scene->openings[i].event == delivery->form &&
                scene->subject == delivery->form->kind &&
                !open_one(delivery, &set->items[d], &scene->openings[i], err))
                return false;
    }
    return true;
}

struct following {
    struct loops *loops;
    int64_t acts;
};

static bool deliver(struct sql *sql, const struct event *event, void *context, struct error *err)
{
    struct following *following = context;
    struct engine engine;
    char kind[48];
    if (event->kind.length >= sizeof kind)
        return true;
    text_copy(kind, sizeof kind, event->kind);
    const struct scene_event *form = scene_event_find(kind);
    if (!form)
        return true;
    if (!engine_begin(&engine, following->loops, sql, NULL, err))
        return false;
    struct delivery delivery = {&engine, event, form};
    engine.event_no = event->no;
    bool done = (form->kind == SCENE_NONE || move_all(&delivery, err)) && open_all(&delivery, err);
    following->acts += engine.acts;
    engine_end(&engine);
    return done;
}

bool loops_follow(struct loops *loops, int64_t *acts, struct error *err)
{
    struct following following = {.loops = loops};
    int64_t events;
    bool done = store_subscriber_run(loops->platform->store, "loops.engine", deliver, &following,
                                     &events, err);
    *acts += following.acts;
    return done;
}
