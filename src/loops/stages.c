/* Stages: entering one, its owner and its clock, and what the clock does there.
 *
 * A clock is an absolute time. `wake_at` is the earliest thing that time alone will do:
 *   the deadline       the loop is overdue from then on
 *   `after`            a transition, so long past the deadline; its guards are looked at once
 *   a child's time     opens it
 *   an escalation step tells one more party
 * At equal times in this order. After a stop of any length they happen in the order of their times,
 * each once; what follows from a stage that is entered late counts from the entry. */
#include "loops/loops_internal.h"

static const struct sql_text pending_clear = {
    "loop_pending_clear", "DELETE FROM loop_pending WHERE loop_no = ?1", "primary key"};
static const struct sql_text signature_clear = {
    "loop_signature_clear", "DELETE FROM loop_signature WHERE loop_no = ?1", "primary key"};

const struct sql_list loop_stage_statements = SQL_LIST(&pending_clear, &signature_clear);

/* A stage that was entered more often than it may be is the command centre's; time alone moves it
 * on no sooner than so. */
enum { OVER_VISITED_SECONDS = 60 };

static bool is_over_visited(const struct loop *loop)
{
    const struct scene_stage *stage = loop_stage(loop);
    return stage->max_visits != SCENE_UNSET && loop->marks[loop->stage].visits > stage->max_visits;
}

/* ---- Deadlines */

static timestamp time_of(const struct loop *loop, const struct scene_name *name)
{
    json_t *value = loop_value(loop, name);
    if (!json_is_integer(value))
        return loop->entered_at;
    return loop_scene(loop)->fields[name->index].type == TYPE_DATE
               ? time_day_start_seconds((int32_t)json_integer_value(value)) * SECOND
               : json_integer_value(value);
}

static int64_t seconds_within(const struct loop *loop, const struct scene_stage *stage)
{
    if (!stage->within_by.text)
        return stage->within;
    const char *choice = json_string_value(loop_value(loop, &stage->within_by));
    int64_t least = stage->within_value_count ? stage->within_values[0].whole : 0;
    for (size_t i = 0; i < stage->within_value_count; i++) {
        if (choice && strcmp(stage->within_values[i].text, choice) == 0)
            return stage->within_values[i].whole;
        if (stage->within_values[i].whole < least)
            least = stage->within_values[i].whole;
    }
    return least; /* the field is always set; a loop that was moved here has the shortest clock */
}

timestamp loop_deadline(const struct loop *loop)
{
    const struct scene_stage *stage = loop_stage(loop);
    if (stage->until.text)
        return time_of(loop, &stage->until);
    timestamp base = loop->entered_at;
    if (stage->from.text && stage->from.target == TARGET_OPENED)
        base = loop->opened_at;
    else if (stage->from.text && stage->from.target == TARGET_STAGE)
        base = loop->marks[stage->from.index].visits ? loop->marks[stage->from.index].entered_at
                                                     : loop->entered_at;
    else if (stage->from.text)
        base = time_of(loop, &stage->from);
    return base + seconds_within(loop, stage) * SECOND;
}

/* ---- What comes next by time alone */

enum due_kind { DUE_NOTHING, DUE_OVERDUE, DUE_AFTER, DUE_CHILD, DUE_TICK, DUE_STEP };
struct due {
    enum due_kind kind;
    timestamp at;
    size_t index; /* of the transition, the child */
};

static void consider(struct due *due, enum due_kind kind, timestamp at, size_t index)
{
    if (due->kind == DUE_NOTHING || at < due->at)
        *due = (struct due){kind, at, index};
}

/* When a child's next time is; TIMESTAMP_NONE: it has none. */
static timestamp child_time(const struct loop *loop, const struct scene_child *child, size_t index)
{
    uint32_t fired = loop->tail.fired[index];
    if (child->repeat != SCENE_UNSET)
        return loop->entered_at + (int64_t)fired * child->repeat * SECOND;
    return fired < child->at_count ? loop->entered_at + child->at[fired] * SECOND : TIMESTAMP_NONE;
}

/* The next passing of an hour or a day (local), where a transition waits for it. */
static timestamp tick_time(const struct loop *loop, const struct scene_transition *transition)
{
    timestamp since = loop->tail.ticked > loop->entered_at ? loop->tail.ticked : loop->entered_at;
    bool hourly = strcmp(transition->event_name, "hour.passed") == 0;
    if (hourly)
        return (since / HOUR + 1) * HOUR;
    return time_day_start_seconds(time_day_of_seconds(since / SECOND) + 1) * SECOND;
}

static struct due next_due(const struct loop *loop)
{
    const struct scene_stage *stage = loop_stage(loop);
    const struct scene *scene = loop_scene(loop);
    struct due due = {.kind = DUE_NOTHING};
    if (loop->state != LOOP_OPEN)
        return due;
    if (!loop->overdue)
        consider(&due, DUE_OVERDUE, loop->due_at, 0);
    for (size_t i = 0; i < stage->next_count && i < 64; i++)
        if (stage->next[i].trigger == TRIGGER_AFTER && !(loop->tail.tried >> i & 1)) {
            timestamp at = loop->due_at + stage->next[i].after * SECOND;
            timestamp least = loop->entered_at + OVER_VISITED_SECONDS * SECOND;
            consider(&due, DUE_AFTER, is_over_visited(loop) && at < least ? least : at, i);
        } else if (stage->next[i].trigger == TRIGGER_ON && stage->next[i].event &&
                   stage->next[i].event->kind == SCENE_NONE) {
            consider(&due, DUE_TICK, tick_time(loop, &stage->next[i]), i);
        }
    for (size_t i = 0; i < stage->child_count && i < CHILDREN_MAX; i++) {
        timestamp at = child_time(loop, &stage->children[i], i);
        if (at != TIMESTAMP_NONE)
            consider(&due, DUE_CHILD, at, i);
    }
    if ((size_t)loop->steps < scene->step_count)
        consider(&due, DUE_STEP, loop->due_at + scene->escalate[loop->steps].after * SECOND, 0);
    return due;
}

timestamp loop_next_wake(const struct loop *loop)
{
    struct due due = next_due(loop);
    return due.kind == DUE_NOTHING ? TIMESTAMP_NONE : due.at;
}

/* ---- Entering */

bool stage_owner_seat(struct engine *engine, const struct loop *loop, struct seat *ret_seat,
                      struct error *err)
{
    if (!is_over_visited(loop))
        return owner_seat(engine, loop, loop_stage(loop)->owner, ret_seat, err);
    command_seat(engine, ret_seat);
    return true;
}

static bool take_owner(struct engine *engine, struct loop *loop, struct error *err)
{
    struct seat seat;
    return stage_owner_seat(engine, loop, &seat, err) &&
           seat_number(engine->sql, &seat, true, &loop->seat_no, err);
}

static bool leave(struct engine *engine, struct loop *loop, struct error *err)
{
    if (!loop->no)
        return true;
    if (loop->steps && !party_untell(engine, loop->no, err))
        return false;
    if (!loop->tail.waits)
        return true;
    return sql_run(engine->sql, &pending_clear, SQL_ARGUMENTS(sql_int(loop->no)), err) &&
           sql_run(engine->sql, &signature_clear, SQL_ARGUMENTS(sql_int(loop->no)), err);
}

static void close_loop(struct engine *engine, struct loop *loop, enum scene_final final)
{
    loop->state = loop_state_of(final);
    loop->closed_at = engine->now;
    loop->due_at = engine->now;
    loop->wake_at = TIMESTAMP_NONE;
}

/* Children without a time of their own, and those whose first time is the entry. */
static bool first_children(struct engine *engine, struct loop *loop, struct error *err)
{
    const struct scene_stage *stage = loop_stage(loop);
    for (size_t i = 0; i < stage->child_count; i++) {
        const struct scene_child *child = &stage->children[i];
        bool timed = child->repeat != SCENE_UNSET || child->at_count;
        if (!timed && !children_open(engine, loop, child, err))
            return false;
    }
    return true;
}

bool stage_enter(struct engine *engine, struct loop *loop, int stage, const struct act *how,
                 struct error *err)
{
    if (!leave(engine, loop, err))
        return false;
    if (engine->actor && how->kind == ACT_ADVANCED)
        loop->marks[how->stage].acted++;
    bool is_new = loop->no == 0;
    int64_t seat_before = loop->seat_no;
    loop->stage = stage;
    loop->entered_at = engine->now;
    loop->marks[stage].visits++;
    loop->marks[stage].entered_at = engine->now;
    loop->tail = (struct tail){.tried = 0};
    loop->steps = 0;
    loop->overdue = false;
    loop->claim_user = 0;
    loop->claim_until = 0;
    enum scene_final final = loop_stage(loop)->final;
    if (final != FINAL_NOT) {
        close_loop(engine, loop, final);
    } else {
        if (!take_owner(engine, loop, err))
            return false;
        loop->due_at = loop_deadline(loop);
        loop->wake_at = loop_next_wake(loop);
    }
    struct act done = *how;
    done.new_owner = final == FINAL_NOT && loop->seat_no != seat_before;
    return (is_new ? loop_insert(engine, loop, err) : loop_write(engine, loop, true, err)) &&
           (!done.new_owner ||
            party_add(engine, loop->no, loop->seat_no, false, err)) &&
           act_write(engine, loop, &done, err) && indicators_count(engine, loop, err) &&
           (final != FINAL_NOT || first_children(engine, loop, err));
}

/* ---- What the clock does */

bool step_seat(struct engine *engine, const struct loop *loop, const struct scene_step *step,
               struct seat *ret_seat, struct error *err)
{
    bool lead = strcmp(step->to, "owner_lead") == 0;
    if (strcmp(step->to, "owner") == 0)
        return seat_read(engine->sql, loop->seat_no, ret_seat, err);
    if (strcmp(step->to, "command") == 0) {
        command_seat(engine, ret_seat);
        return true;
    }
    *ret_seat = (struct seat){.form = lead ? SEAT_LEAD : SEAT_ROLE,
                              .area_no = loop->area_no,
                              .object_no = lead ? loop->seat_no : 0};
    snprintf(ret_seat->role, sizeof ret_seat->role, "%s", lead ? "district_duty" : step->to);
    return true;
}

static bool escalate(struct engine *engine, struct loop *loop, struct error *err)
{
    const struct scene_step *step = &loop_scene(loop)->escalate[loop->steps++];
    struct seat seat;
    struct act act = {.kind = ACT_ESCALATED, .stage = loop->stage, .other_no = loop->seat_no};
    if (strcmp(step->to, "owner") != 0 &&
        (!step_seat(engine, loop, step, &seat, err) ||
         !seat_number(engine->sql, &seat, true, &act.other_no, err)))
        return false;
    return party_add(engine, loop->no, act.other_no, true, err) &&
           act_write(engine, loop, &act, err);
}

/* *ret_moved where the transition was taken. */
static bool try_after(struct engine *engine, struct loop *loop, size_t index, bool *ret_moved,
                      struct error *err)
{
    const struct scene_transition *transition = &loop_stage(loop)->next[index];
    const struct scene_condition *failed;
    if (!conditions_hold(engine, loop, &transition->when, NULL, NULL, &failed, ret_moved, err))
        return false;
    if (!*ret_moved) {
        loop->tail.tried |= (uint64_t)1 << index;
        return true;
    }
    struct act how = {.kind = ACT_ADVANCED, .stage = loop->stage};
    return stage_enter(engine, loop, transition->to.index, &how, err);
}

/* Hours and days that passed during a stop are looked at once. */
static bool try_tick(struct engine *engine, struct loop *loop, size_t index, bool *ret_moved,
                     struct error *err)
{
    const struct scene_stage *stage = loop_stage(loop);
    const struct scene_event *event = stage->next[index].event;
    const struct scene_condition *failed;
    loop->tail.ticked = engine->now;
    for (size_t i = index; i < stage->next_count; i++) {
        if (stage->next[i].event != event)
            continue;
        if (!conditions_hold(engine, loop, &stage->next[i].when, event, NULL, &failed, ret_moved,
                             err))
            return false;
        struct act how = {.kind = ACT_ADVANCED, .stage = loop->stage};
        if (*ret_moved)
            return stage_enter(engine, loop, stage->next[i].to.index, &how, err);
    }
    return true;
}

static bool do_due(struct engine *engine, struct loop *loop, const struct due *due, bool *ret_moved,
                   struct error *err)
{
    struct act act = {.kind = ACT_OVERDUE, .stage = loop->stage};
    *ret_moved = false;
    switch (due->kind) {
    case DUE_OVERDUE:
        loop->overdue = true;
        return act_write(engine, loop, &act, err);
    case DUE_AFTER:
        return try_after(engine, loop, due->index, ret_moved, err);
    case DUE_CHILD:
        loop->tail.fired[due->index]++;
        return children_open(engine, loop, &loop_stage(loop)->children[due->index], err);
    case DUE_TICK:
        return try_tick(engine, loop, due->index, ret_moved, err);
    case DUE_STEP:
        return escalate(engine, loop, err);
    case DUE_NOTHING:
        break;
    }
    return true;
}

bool loop_wake(struct engine *engine, struct loop *loop, struct error *err)
{
    bool moved = false;
    struct due due = next_due(loop);
    while (!moved && due.kind != DUE_NOTHING && due.at <= engine->now) {
        if (!do_due(engine, loop, &due, &moved, err))
            return false;
        due = next_due(loop);
    }
    timestamp next = loop_next_wake(loop);
    /* what a stage entered just now has to do is for the next round */
    loop->wake_at = moved && next != TIMESTAMP_NONE && next <= engine->now ? engine->now + 1 : next;
    return loop_write(engine, loop, false, err);
}
