/* Verifying: what a loop is follows from its acts alone. Every loop is derived again from loop_act
 * and compared with its row; the maintained counters are compared with the rows. */
#include "loops/loops_internal.h"

static const struct sql_text next_loops = {
    "loop_verify_block", "SELECT loop_no FROM loop WHERE loop_no > ?1 ORDER BY loop_no LIMIT ?2",
    "primary key"};
static const struct sql_text acts_of = {
    "loop_verify_acts",
    "SELECT act_no, at, kind, stage, to_stage, words FROM loop_act WHERE loop_no = ?1"
    " ORDER BY act_no",
    "loop_act_by_loop"};
static const struct sql_text counts_differ = {
    "loop_verify_counts",
    "SELECT count(*) FROM (SELECT area_no, scene_no, stage, sum(open) AS open,"
    " sum(overdue) AS overdue FROM (SELECT area_no, scene_no, stage, open, overdue FROM loop_count"
    " UNION ALL SELECT area_no, scene_no, stage, -1, -overdue FROM loop WHERE state = 0) q"
    " GROUP BY area_no, scene_no, stage) r WHERE r.open <> 0 OR r.overdue <> 0",
    "whole table"};

const struct sql_list loop_verify_statements = SQL_LIST(&next_loops, &acts_of, &counts_differ);

/* What the acts say so far. */
struct derived {
    int stage;
    enum loop_state state;
    timestamp opened_at, entered_at;
    bool overdue, began;
    int64_t steps;
    json_t *fields;
};

struct told_act {
    int64_t no;
    timestamp at;
    enum act_kind kind;
    int stage, to_stage;
    struct slice words;
};

static enum loop_state state_of(const struct scene *scene, int stage)
{
    return loop_state_of(
        stage >= 0 && (size_t)stage < scene->stage_count ? scene->stages[stage].final : FINAL_NOT);
}

static void enter(struct derived *derived, const struct scene *scene, const struct told_act *act)
{
    derived->stage = act->to_stage;
    derived->state = state_of(scene, act->to_stage);
    derived->entered_at = act->at;
    derived->overdue = false;
    derived->steps = 0;
    if (act->kind == ACT_OPENED)
        derived->opened_at = act->at;
    derived->began |= act->kind == ACT_OPENED;
}

static bool apply(struct engine *engine, struct derived *derived, const struct scene *scene,
                  const struct told_act *act, struct error *err)
{
    json_t *words = NULL;
    if (act->words.length && !words_read(engine, CIPHER_WORDS, act->no, act->words, &words, err))
        return false;
    switch (act->kind) {
    case ACT_OPENED:
    case ACT_ADVANCED:
    case ACT_MIGRATED:
        enter(derived, scene, act); /* fall through */
    case ACT_JOINED:
    case ACT_FILLED:
        json_object_update(derived->fields, json_object_get(words, "fields"));
        return true;
    case ACT_OVERDUE:
        derived->overdue = true;
        return true;
    case ACT_ESCALATED:
        derived->steps++;
        return true;
    case ACT_CLOSED:
        derived->state = LOOP_FAILED;
        return true;
    default:
        return true;
    }
}

static bool read_acts(struct engine *engine, int64_t loop_no, struct told_act **ret_acts,
                      size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t capacity = 32;
    struct told_act *acts = arena_alloc(engine->arena, capacity * sizeof *acts);
    bool row, done = sql_begin(engine->sql, &acts_of, SQL_ARGUMENTS(sql_int(loop_no)), &query, err);
    *ret_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice words = sql_get_blob(query, 5);
        if (*ret_count == capacity) {
            struct told_act *more = arena_alloc(engine->arena, 2 * capacity * sizeof *more);
            memcpy(more, acts, capacity * sizeof *more);
            acts = more;
            capacity *= 2;
        }
        acts[(*ret_count)++] = (struct told_act){
            .no = sql_get_int(query, 0),
            .at = sql_get_int(query, 1),
            .kind = (enum act_kind)sql_get_int(query, 2),
            .stage = (int)sql_get_int(query, 3),
            .to_stage = (int)sql_get_int(query, 4),
            .words = {arena_copy(engine->arena, words.data ? words.data : "", words.length),
                      words.length}};
    }
    *ret_acts = acts;
    return done;
}

/* What differs between the row and its acts; NULL where nothing does. */
static const char *difference(const struct loop *loop, const struct derived *derived)
{
    if (!derived->began)
        return "it has no opening";
    if (derived->opened_at != loop->opened_at)
        return "it was opened at another time";
    if (derived->stage != loop->stage)
        return "it stands in another stage";
    if (derived->state != loop->state)
        return "its state is another";
    if (derived->entered_at != loop->entered_at)
        return "it entered its stage at another time";
    if (derived->overdue != loop->overdue || derived->steps != loop->steps)
        return "another number of escalations was taken";
    return json_equal(derived->fields, loop->fields) ? NULL : "its fields are others";
}

static bool verify_one(struct engine *engine, int64_t no, const char **ret_words, struct error *err)
{
    struct loop *loop;
    struct told_act *acts;
    size_t count;
    struct derived derived = {.stage = -1};
    *ret_words = NULL;
    if (!loop_read(engine, no, &loop, err) || !loop)
        return loop == NULL;
    derived.fields = keep_json(engine, json_object());
    if (!read_acts(engine, no, &acts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!apply(engine, &derived, loop_scene(loop), &acts[i], err))
            return false;
    *ret_words = difference(loop, &derived);
    return true;
}

static bool verify_block(struct engine *engine, int64_t *io_after, size_t *ret_count,
                         struct loops_verification *verification, struct error *err)
{
    struct sql_query *query;
    int64_t numbers[LOOPS_A_BLOCK];
    size_t count = 0;
    bool row,
        done = sql_begin(engine->sql, &next_loops,
                         SQL_ARGUMENTS(sql_int(*io_after), sql_int(LOOPS_A_BLOCK)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        numbers[count++] = sql_get_int(query, 0);
    *ret_count = count;
    for (size_t i = 0; done && !verification->wrong_no && i < count; i++) {
        const char *words;
        done = verify_one(engine, numbers[i], &words, err);
        arena_clear(engine->arena);
        verification->loops++;
        if (done && words) {
            verification->wrong_no = numbers[i];
            verification->words = words;
        }
    }
    if (count)
        *io_after = numbers[count - 1];
    return done;
}

bool loops_verify(struct loops *loops, struct loops_verification *ret_verification,
                  struct error *err)
{
    struct store *store = loops->platform->store;
    struct engine engine;
    struct sql *sql;
    int64_t after = 0;
    size_t count = LOOPS_A_BLOCK;
    *ret_verification = (struct loops_verification){.loops = 0};
    if (!loops_ready(loops, err) || !store_read_begin(store, &sql, err))
        return false;
    bool done = true;
    while (done && count == LOOPS_A_BLOCK && !ret_verification->wrong_no) {
        if (!(done = engine_begin(&engine, loops, sql, NULL, err)))
            break;
        done = verify_block(&engine, &after, &count, ret_verification, err);
        engine_end(&engine);
    }
    done = done &&
           sql_one_int(sql, &counts_differ, NULL, 0, 0, &ret_verification->counters_wrong, err);
    store_read_end(store, sql);
    return done;
}
