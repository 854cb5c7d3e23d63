/* Loops as they stood at a moment: which were open then, in which stage, whose, due when.
 *
 * What has not moved since stands in its row. Everything else follows from its acts up to the
 * moment, as verify.c derives it, and from them the deadline and the owner by the scene's own
 * rules. The owner is looked up in the register of today; a version that the scene has not any
 * more leaves stage and deadline unknown.
 *
 * A list is two merges of runs that an index holds in order: what is open still, by its present
 * deadline, then what was closed since, by when. Each page reads only heads of runs. */
#include "loops/loops_internal.h"

static const struct sql_text acts_until = {
    "loop_acts_until",
    "SELECT act_no, at, kind, to_stage, other_no, words FROM loop_act WHERE loop_no = ?1"
    " ORDER BY act_no",
    "loop_act_by_loop"};

const struct sql_list loop_as_of_statements = SQL_LIST(&acts_until);

struct past_act {
    int64_t no, other_no;
    timestamp at;
    enum act_kind kind;
    int to_stage;
    struct slice words;
};

static bool read_acts(struct engine *engine, int64_t loop_no, struct past_act **ret_acts,
                      size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t count = 0, capacity = 16;
    struct past_act *acts = arena_alloc(engine->arena, capacity * sizeof *acts);
    bool row,
        done = sql_begin(engine->sql, &acts_until, SQL_ARGUMENTS(sql_int(loop_no)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice words = sql_get_blob(query, 5);
        if (count == capacity) {
            struct past_act *more = arena_alloc(engine->arena, 2 * capacity * sizeof *more);
            memcpy(more, acts, capacity * sizeof *more);
            acts = more;
            capacity *= 2;
        }
        acts[count++] = (struct past_act){
            .no = sql_get_int(query, 0),
            .at = sql_get_int(query, 1),
            .kind = (enum act_kind)sql_get_int(query, 2),
            .to_stage = (int)sql_get_int(query, 3),
            .other_no = sql_get_int(query, 4),
            .words = {arena_copy(engine->arena, words.data ? words.data : "", words.length),
                      words.length}};
    }
    *ret_acts = acts;
    *ret_count = count;
    return done;
}

/* ---- Deriving */

/* A loop on its way from its opening to the moment. */
struct past {
    struct loop loop;
    bool moved; /* from another version of its scene: what that one had marked is not told */
    bool lost;  /* it stood in a version that is not there any more */
};

static bool take_fields(struct engine *engine, struct past *past, const struct past_act *act,
                        struct error *err)
{
    json_t *words = NULL;
    if (!act->words.length)
        return true;
    if (!words_read(engine, CIPHER_WORDS, act->no, act->words, &words, err))
        return false;
    json_object_update(past->loop.fields, json_object_get(words, "fields"));
    return true;
}

static bool take_owner(struct engine *engine, struct loop *loop, struct error *err)
{
    struct seat seat;
    int64_t seat_no;
    if (!stage_owner_seat(engine, loop, &seat, err) ||
        !seat_number(engine->sql, &seat, false, &seat_no, err))
        return false;
    loop->seat_no = seat_no ? seat_no : loop->seat_no;
    return true;
}

static bool enter(struct engine *engine, struct past *past, const struct past_act *act,
                  struct error *err)
{
    struct loop *loop = &past->loop;
    if (act->kind == ACT_MIGRATED) {
        loop->definition = definition_of(engine->definitions, act->other_no);
        past->moved = true;
    }
    past->lost = !loop->definition || act->to_stage < 0 ||
                 (size_t)act->to_stage >= loop_scene(loop)->stage_count;
    if (past->lost)
        return true;
    if (act->kind != ACT_ADVANCED)
        loop->marks =
            arena_alloc(engine->arena, loop_scene(loop)->stage_count * sizeof *loop->marks);
    if (act->kind == ACT_OPENED)
        loop->opened_at = act->at;
    loop->stage = act->to_stage;
    loop->entered_at = act->at;
    loop->marks[loop->stage].visits++;
    loop->marks[loop->stage].entered_at = act->at;
    loop->state = loop_state_of(loop_stage(loop)->final);
    return loop->state != LOOP_OPEN || take_owner(engine, loop, err);
}

static bool apply(struct engine *engine, struct past *past, const struct past_act *act,
                  struct error *err)
{
    switch (act->kind) {
    case ACT_OPENED:
    case ACT_ADVANCED:
    case ACT_MIGRATED:
        return take_fields(engine, past, act, err) && enter(engine, past, act, err);
    case ACT_JOINED:
    case ACT_FILLED:
        return take_fields(engine, past, act, err);
    case ACT_TAKEN_OVER:
        past->loop.seat_no = act->other_no;
        return true;
    default:
        return true;
    }
}

/* The version in which it was opened: where it was moved later, nobody wrote down from which. */
static const struct definition *first_definition(const struct past_act *acts, size_t count,
                                                 const struct loop *now)
{
    for (size_t i = 0; i < count; i++)
        if (acts[i].kind == ACT_MIGRATED)
            return NULL;
    return now->definition;
}

static void put_row(const struct past *past, struct loop_row *row)
{
    const struct loop *loop = &past->loop;
    size_t bytes = loop_scene(loop)->stage_count * sizeof *loop->marks;
    row->definition = loop->definition;
    row->stage = loop->stage;
    row->seat_no = loop->seat_no;
    row->entered_at = loop->entered_at;
    row->due_at = past->moved ? TIMESTAMP_NONE : loop_deadline(loop);
    row->hidden =
        loop_is_hidden(loop_scene(loop), (struct slice){(const char *)loop->marks, bytes});
}

/* Whether the row says how it stood: it has not moved since, and is no loop that the command centre
 * may have taken over meanwhile. */
static bool is_as_it_was(struct engine *engine, timestamp as_of, const struct loop_row *row,
                         bool *ret_is, struct error *err)
{
    struct seat seat;
    *ret_is = row->state == LOOP_OPEN && row->entered_at <= as_of;
    if (!*ret_is)
        return true;
    if (!seat_read(engine->sql, row->seat_no, &seat, err))
        return false;
    *ret_is = seat.form != SEAT_ROLE || strcmp(seat.role, "command") != 0;
    return true;
}

bool loop_row_as_of(struct engine *engine, timestamp as_of, struct loop_row *row, struct error *err)
{
    struct past_act *acts;
    struct loop *now;
    size_t count;
    bool same;
    row->claim_user = 0; /* how long somebody held it is not among the acts */
    if (!is_as_it_was(engine, as_of, row, &same, err))
        return false;
    if (same)
        return true;
    if (!loop_read(engine, row->no, &now, err) || !read_acts(engine, row->no, &acts, &count, err))
        return false;
    struct past past = {.loop = {.no = row->no, .area_no = row->area_no}};
    past.loop.subject_no = row->subject_no;
    past.loop.fields = keep_json(engine, json_object());
    past.loop.definition = now ? first_definition(acts, count, now) : NULL;
    past.loop.seat_no = row->seat_no;
    past.lost = true;
    for (size_t i = 0; i < count && acts[i].at <= as_of; i++)
        if (!apply(engine, &past, &acts[i], err))
            return false;
    row->state = LOOP_OPEN;
    row->closed_at = TIMESTAMP_NONE;
    row->stage = -1;
    row->due_at = TIMESTAMP_NONE;
    row->hidden = true;
    if (!past.lost)
        put_row(&past, row);
    return true;
}
