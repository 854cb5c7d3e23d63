/* The ladder of a loop's present stage: who is told when nobody acts, step by step, when, and whom
 * that means now.
 *
 *   due_at ── after 0 ──► owner_lead ── after 1 ──► district_duty … ──► command
 *
 * Steps that were taken are in the history: the last `steps` acts of the kind, since each stage
 * begins its ladder anew. A step that is still to come is resolved as the clock will resolve it, by
 * the duties of this moment: who takes a duty over until then is told instead. */
#include "loops/loops_internal.h"
#include "loops/wording.h"

static const struct sql_text told_select = {
    "loop_ladder_told",
    "SELECT at, other_no FROM loop_act WHERE loop_no = ?1 AND kind = ?2 ORDER BY act_no DESC"
    " LIMIT ?3",
    "loop_act_by_loop"};

const struct sql_list loop_ladder_statements = SQL_LIST(&told_select);

enum { RUNGS_MAX = 64, HOLDERS_SHOWN = 5 }; /* a scene has at most 64 steps (ITEMS_MAX) */

struct rung {
    timestamp told_at;
    int64_t seat_no;
};

/* The steps that were taken, first to last. */
static bool read_told(struct engine *engine, const struct loop *loop, struct rung *rungs,
                      size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t most = (size_t)loop->steps < RUNGS_MAX ? (size_t)loop->steps : RUNGS_MAX, left = most;
    bool row, done = sql_begin(
                  engine->sql, &told_select,
                  SQL_ARGUMENTS(sql_int(loop->no), sql_int(ACT_ESCALATED), sql_int((int64_t)most)),
                  &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        if (left)
            rungs[--left] = (struct rung){sql_get_int(query, 0), sql_get_int(query, 1)};
    *ret_count = most;
    if (done && left)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "loop_act"},
                         "an act for each step of the ladder", "loop %lld", (long long)loop->no);
    return done;
}

static void put_to(struct engine *engine, struct json_writer *writer, const struct loop *loop,
                   const struct scene_step *step)
{
    struct scene_owner to = {.form = OWNER_ROLE, .bare = true, .role = step->to};
    if (strcmp(step->to, "owner") == 0)
        to.form = OWNER_SELF;
    else if (strcmp(step->to, "owner_lead") == 0)
        to.form = OWNER_LEAD;
    json_key(writer, "to");
    wording_owner(writer, loop_scene(loop), engine->platform->policy, &to);
}

static bool put_holder(struct engine *engine, struct json_writer *writer, int64_t user_no,
                       struct error *err)
{
    const struct board_user *user = board_user(engine->board, user_no);
    char name[ACCESS_NAME_BYTES] = "";
    if (!access_user_name(engine->sql, user_no, name, err))
        return false;
    const struct area *area =
        user ? registry_area(engine->platform->registry, user->area_no) : NULL;
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(name));
    json_field_text(writer, "role", slice_of(user ? user->role : ""));
    if (area)
        json_field_text(writer, "area", area->code);
    else
        json_field_null(writer, "area");
    json_object_end(writer);
    return true;
}

/* Whom the seat means at this moment: a few by name, and how many there are. */
static bool put_holders(struct engine *engine, struct json_writer *writer, const struct seat *seat,
                        struct error *err)
{
    int64_t *users;
    size_t count;
    if (!board_users_of(engine->board, engine->sql, seat, engine->arena, &users, &count, err))
        return false;
    json_field_int64(writer, "holder_count", (int64_t)count);
    json_key(writer, "holders");
    json_array_begin(writer);
    for (size_t i = 0; i < count && i < HOLDERS_SHOWN; i++)
        if (!put_holder(engine, writer, users[i], err))
            return false;
    json_array_end(writer);
    return true;
}

static bool put_rung(struct engine *engine, struct json_writer *writer, const struct loop *loop,
                     size_t index, const struct rung *told, bool hidden, struct error *err)
{
    const struct scene_step *step = &loop_scene(loop)->escalate[index];
    struct seat seat;
    if (!(told ? seat_read(engine->sql, told->seat_no, &seat, err)
               : step_seat(engine, loop, step, &seat, err)))
        return false;
    json_object_begin(writer);
    json_field_int64(writer, "after_seconds", step->after);
    json_field_time(writer, "at", loop->due_at + step->after * SECOND);
    json_field_text(writer, "state",
                    told                           ? SLICE("done")
                    : index == (size_t)loop->steps ? SLICE("next")
                                                   : SLICE("later"));
    json_field_time(writer, "told_at", told ? told->told_at : TIMESTAMP_NONE);
    put_to(engine, writer, loop, step);
    seat_put(engine, writer, "seat", &seat, hidden);
    bool done = true;
    if (hidden) {
        json_field_null(writer, "holder_count");
        json_field_null(writer, "holders");
    } else {
        done = put_holders(engine, writer, &seat, err);
    }
    json_object_end(writer);
    return done;
}

bool ladder_put(struct engine *engine, struct json_writer *writer, const struct loop *loop,
                bool hidden, struct error *err)
{
    struct rung told[RUNGS_MAX];
    size_t count = 0, steps = loop->state == LOOP_OPEN ? loop_scene(loop)->step_count : 0;
    if (steps && loop->steps && !read_told(engine, loop, told, &count, err))
        return false;
    json_key(writer, "ladder");
    json_array_begin(writer);
    for (size_t i = 0; i < steps; i++)
        if (!put_rung(engine, writer, loop, i, i < count ? &told[i] : NULL, hidden, err))
            return false;
    json_array_end(writer);
    return true;
}
