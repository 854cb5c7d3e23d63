/* A loop between SQL and memory, what was done in it, who has a part in it, and the counters that
 * every write keeps true. */
#include <stdlib.h>

#include "loops/loops_internal.h"

#define LOOP_COLUMNS                                                                               \
    "loop_no, scene_no, stage, state, area_no, subject_no, seat_no, opened_at, entered_at,"        \
    " due_at, wake_at, closed_at, overdue, steps, claim_user, claim_until, unique_key, marks,"     \
    " fields"
static const struct sql_text loop_select = {
    "loop_select", "SELECT " LOOP_COLUMNS " FROM loop WHERE loop_no = ?1", "primary key"};
static const struct sql_text loop_block_open = {
    "loop_block_open",
    "SELECT " LOOP_COLUMNS " FROM loop WHERE scene_no = ?1 AND state = 0 AND loop_no > ?2"
    " ORDER BY loop_no LIMIT ?3",
    "loop_by_scene"};
static const struct sql_text loop_block_closed = {
    "loop_block_closed",
    "SELECT " LOOP_COLUMNS " FROM loop WHERE scene_no = ?1 AND state <> 0"
    " AND (closed_at, loop_no) > (?2, ?3) ORDER BY closed_at, loop_no LIMIT ?4",
    "loop_by_end"};
static const struct sql_text loop_last = {"loop_last", "SELECT max(loop_no) FROM loop",
                                          "primary key"};
static const struct sql_text loop_put = {
    "loop_insert",
    "INSERT INTO loop (" LOOP_COLUMNS ", subject_kind) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
    " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    "primary key"};
/* A column that an UPDATE names costs every index that holds it or asks for it, also where its
 * value stays: a write names no more than what its kind of change may touch. */
#define SET_KEPT                                                                                   \
    "UPDATE loop SET wake_at = ?2, overdue = ?3, steps = ?4, claim_user = ?5, claim_until = ?6,"   \
    " marks = ?7"
#define SET_MOVED SET_KEPT ", stage = ?8, seat_no = ?9, entered_at = ?10, due_at = ?11"
#define SET_ALL SET_MOVED ", scene_no = ?12, state = ?13, closed_at = ?14, unique_key = ?15"
enum change { CHANGE_KEPT, CHANGE_MOVED, CHANGE_ALL, CHANGES };
static const struct {
    struct sql_text bare, with_fields;
    size_t values; /* of the bare one; the fields come last */
} loop_updates[CHANGES] = {
    /* open in the same stage under the same owner and deadline */
    [CHANGE_KEPT] = {{"loop_keep", SET_KEPT " WHERE loop_no = ?1", "primary key"},
                     {"loop_keep_fields", SET_KEPT ", fields = ?8 WHERE loop_no = ?1",
                      "primary key"},
                     7},
    /* open before and after */
    [CHANGE_MOVED] = {{"loop_move", SET_MOVED " WHERE loop_no = ?1", "primary key"},
                      {"loop_move_fields", SET_MOVED ", fields = ?12 WHERE loop_no = ?1",
                       "primary key"},
                      11},
    [CHANGE_ALL] = {{"loop_update", SET_ALL " WHERE loop_no = ?1", "primary key"},
                    {"loop_update_fields", SET_ALL ", fields = ?16 WHERE loop_no = ?1",
                     "primary key"},
                    15},
};
static const struct sql_text loop_fields_update = {
    "loop_fields_update", "UPDATE loop SET fields = ?2 WHERE loop_no = ?1", "primary key"};
static const struct sql_text act_last = {"loop_act_last", "SELECT max(act_no) FROM loop_act",
                                         "primary key"};
static const struct sql_text act_insert = {
    "loop_act_insert",
    "INSERT INTO loop_act (act_no, loop_no, at, kind, stage, to_stage, user_no, event_no, other_no,"
    " words) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    "primary key"};
static const struct sql_text party_put = {
    "loop_party_put",
    "INSERT INTO loop_party (seat_no, loop_no, told) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (seat_no, loop_no) DO UPDATE SET told = max(told, excluded.told)",
    "primary key"};
static const struct sql_text party_clear = {
    "loop_party_clear", "UPDATE loop_party SET told = 0 WHERE loop_no = ?1 AND told = 1",
    "loop_party_by_loop"};
static const struct sql_text count_add = {
    "loop_count_add",
    "INSERT INTO loop_count (area_no, scene_no, stage, open, overdue) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (area_no, scene_no, stage) DO UPDATE SET open = open + excluded.open,"
    " overdue = overdue + excluded.overdue",
    "primary key"};
static const struct sql_text about_put = {
    "loop_about_put", "INSERT OR IGNORE INTO loop_about (kind, no, loop_no) VALUES (?1, ?2, ?3)",
    "primary key"};
static const struct sql_text about_clear = {
    "loop_about_clear", "DELETE FROM loop_about WHERE loop_no = ?1", "loop_about_by_loop"};
/* The ciphers, for a rotation of the key that they lie under. */
static const struct sql_text fields_block = {
    "loop_fields_block",
    "SELECT loop_no, fields FROM loop WHERE loop_no > ?1 ORDER BY loop_no LIMIT ?2", "primary key"};
static const struct sql_text words_block = {
    "loop_words_block",
    "SELECT act_no, words FROM loop_act WHERE act_no > ?1 AND words IS NOT NULL ORDER BY act_no"
    " LIMIT ?2",
    "primary key"};
static const struct sql_text words_replace = {
    "loop_words_replace", "UPDATE loop_act SET words = ?2 WHERE act_no = ?1", "primary key"};
static const struct sql_text pending_block = {
    "loop_pending_block",
    "SELECT loop_no, words FROM loop_pending WHERE loop_no > ?1 ORDER BY loop_no LIMIT ?2",
    "primary key"};
static const struct sql_text pending_replace = {
    "loop_pending_replace", "UPDATE loop_pending SET words = ?2 WHERE loop_no = ?1", "primary key"};

const struct sql_list loop_record_statements =
    SQL_LIST(&loop_select, &loop_block_open, &loop_block_closed, &loop_last, &loop_put,
             &loop_updates[CHANGE_KEPT].bare, &loop_updates[CHANGE_KEPT].with_fields,
             &loop_updates[CHANGE_MOVED].bare, &loop_updates[CHANGE_MOVED].with_fields,
             &loop_updates[CHANGE_ALL].bare, &loop_updates[CHANGE_ALL].with_fields,
             &loop_fields_update, &act_last, &act_insert,
             &party_put, &party_clear, &count_add, &about_put, &about_clear, &fields_block,
             &words_block, &words_replace, &pending_block, &pending_replace);

const struct cipher_column loop_ciphers[LOOP_CIPHERS] = {
    {"loop.fields", KEY_IDENTITY, CIPHER_FIELDS, &fields_block, &loop_fields_update},
    {"loop_act.words", KEY_IDENTITY, CIPHER_WORDS, &words_block, &words_replace},
    {"loop_pending.words", KEY_IDENTITY, CIPHER_PENDING, &pending_block, &pending_replace},
};

static const char *const state_names[LOOP_STATES] = {"open", "done", "failed", "cancelled"};
const char *loop_state_name(enum loop_state state)
{
    return state_names[state];
}

enum loop_state loop_state_of(enum scene_final final)
{
    return final == FINAL_DONE     ? LOOP_DONE
           : final == FINAL_FAILED ? LOOP_FAILED
           : final == FINAL_NOT    ? LOOP_OPEN
                                   : LOOP_CANCELLED;
}

static const char *const act_names[ACT_KINDS] = {
#define X(id, name) [id] = name,
    ACT_TABLE(X)
#undef X
};
const char *act_name(enum act_kind kind)
{
    return act_names[kind];
}

/* ---- JSON that lives as long as the arena */

static void drop_json(void *value)
{
    json_decref(value);
}

json_t *keep_json(struct engine *engine, json_t *value)
{
    if (value)
        arena_on_clear(engine->arena, drop_json, value);
    return value;
}

struct slice words_pack(struct engine *engine, int64_t base, int64_t no, json_t *words)
{
    char *text = json_dumps(words, JSON_COMPACT | JSON_ENSURE_ASCII);
    REQUIRE(text);
    struct slice cipher = field_encrypt(sql_keys(engine->sql), KEY_IDENTITY, base | no,
                                        slice_of(text), engine->arena);
    free(text);
    return cipher;
}

bool words_read(struct engine *engine, int64_t base, int64_t no, struct slice cipher,
                json_t **ret_words, struct error *err)
{
    struct slice plain;
    if (!field_decrypt(sql_keys(engine->sql), KEY_IDENTITY, base | no, cipher, engine->arena,
                       &plain, err) ||
        !json_read(plain, "loop", ret_words, err))
        return false;
    (void)keep_json(engine, *ret_words);
    return true;
}

bool loop_bad_value(const char *field, const char *expected, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected, "%s",
                     what);
}

/* ---- Reading */

static bool damaged(int64_t no, const char *what, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "loop", .row = no},
                     "what this program wrote", "%s", what);
}

static bool read_marks(struct engine *engine, struct loop *loop, struct slice blob,
                       struct error *err)
{
    size_t bytes = loop_scene(loop)->stage_count * sizeof *loop->marks;
    if (blob.length != bytes + sizeof loop->tail)
        return damaged(loop->no, "the marks do not fit the scene", err);
    loop->marks = arena_alloc(engine->arena, bytes);
    memcpy(loop->marks, blob.data, bytes);
    memcpy(&loop->tail, blob.data + bytes, sizeof loop->tail);
    return true;
}

static bool read_columns(struct engine *engine, struct loop *loop, struct sql_query *query,
                         struct slice *ret_fields, struct error *err)
{
    loop->no = sql_get_int(query, 0);
    loop->definition = definition_of(engine->definitions, sql_get_int(query, 1));
    loop->stage = (int)sql_get_int(query, 2);
    loop->state = (enum loop_state)sql_get_int(query, 3);
    loop->area_no = sql_get_int(query, 4);
    loop->subject_no = sql_get_int(query, 5);
    loop->seat_no = sql_get_int(query, 6);
    loop->opened_at = sql_get_int(query, 7);
    loop->entered_at = sql_get_int(query, 8);
    loop->due_at = sql_get_int(query, 9);
    loop->wake_at = sql_get_time(query, 10);
    loop->closed_at = sql_get_time(query, 11);
    loop->overdue = sql_get_int(query, 12) != 0;
    loop->steps = sql_get_int(query, 13);
    loop->claim_user = sql_get_int(query, 14);
    loop->claim_until = sql_get_int(query, 15);
    struct slice key = sql_get_blob(query, 16), fields = sql_get_blob(query, 18);
    if (!loop->definition)
        return damaged(loop->no, "its scene is not loaded", err);
    if (loop->state >= LOOP_STATES || loop->stage < 0 ||
        (size_t)loop->stage >= loop_scene(loop)->stage_count)
        return damaged(loop->no, "a stage or state that its scene has not", err);
    loop->keyed = key.length == sizeof loop->unique_key;
    if (loop->keyed)
        memcpy(loop->unique_key, key.data, key.length);
    *ret_fields = (struct slice){
        arena_copy(engine->arena, fields.data ? fields.data : "", fields.length), fields.length};
    return read_marks(engine, loop, sql_get_blob(query, 17), err);
}

static void note_stored(struct loop *loop)
{
    loop->counted = loop->definition;
    loop->stored_stage = loop->stage;
    loop->stored_open = loop->state == LOOP_OPEN;
    loop->stored_overdue = loop->overdue;
    loop->stored_seat = loop->seat_no;
    loop->stored_entered = loop->entered_at;
    loop->stored_due = loop->due_at;
}

bool loop_read(struct engine *engine, int64_t no, struct loop **ret_loop, struct error *err)
{
    struct sql_query *query;
    struct slice fields;
    bool row;
    *ret_loop = NULL;
    if (!sql_begin(engine->sql, &loop_select, SQL_ARGUMENTS(sql_int(no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    struct loop *loop = arena_alloc(engine->arena, sizeof *loop);
    bool done = read_columns(engine, loop, query, &fields, err);
    sql_end(query);
    if (!done || !words_read(engine, CIPHER_FIELDS, no, fields, &loop->fields, err))
        return false;
    note_stored(loop);
    *ret_loop = loop;
    return true;
}

bool loops_read_block(struct engine *engine, const struct loop_block *block, struct loop *loops,
                      size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    struct slice *fields = arena_alloc(engine->arena, LOOPS_A_BLOCK * sizeof *fields);
    size_t count = 0;
    bool row = true;
    bool done =
        block->closed
            ? sql_begin(engine->sql, &loop_block_closed,
                        SQL_ARGUMENTS(sql_int(block->scene_no), sql_int(block->after_closed),
                                      sql_int(block->after_no), sql_int(LOOPS_A_BLOCK)),
                        &query, err)
            : sql_begin(engine->sql, &loop_block_open,
                        SQL_ARGUMENTS(sql_int(block->scene_no), sql_int(block->after_no),
                                      sql_int(LOOPS_A_BLOCK)),
                        &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        loops[count] = (struct loop){.no = 0};
        done = read_columns(engine, &loops[count], query, &fields[count], err);
        if (!done)
            sql_end(query);
        count++;
    }
    for (size_t i = 0; done && i < count; i++) {
        done = words_read(engine, CIPHER_FIELDS, loops[i].no, fields[i], &loops[i].fields, err);
        note_stored(&loops[i]);
    }
    *ret_count = count;
    return done;
}

bool loop_is_hidden(const struct scene *scene, struct slice marks)
{
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_name *until = &scene->fields[i].hidden_until;
        struct mark mark;
        size_t at = (size_t)(until->text && until->target == TARGET_STAGE ? until->index : 0);
        if (!until->text || (at + 1) * sizeof mark > marks.length)
            continue;
        memcpy(&mark, marks.data + at * sizeof mark, sizeof mark);
        if (!mark.visits)
            return true;
    }
    return false;
}

/* ---- Writing */

static bool add_count(struct engine *engine, const struct count_change *change, struct error *err)
{
    return sql_run(engine->sql, &count_add,
                   SQL_ARGUMENTS(sql_int(change->area_no), sql_int(change->scene_no),
                                 sql_int(change->stage), sql_int(change->open),
                                 sql_int(change->overdue)),
                   err);
}

/* In SQL at once, or gathered with others of the same counter until counts_flush. */
static bool count(struct engine *engine, const struct loop *loop, int stage, int open, int overdue,
                  struct error *err)
{
    struct counts *counts = engine->counts;
    struct count_change change = {loop->area_no, loop->definition->scene_no, stage, open, overdue};
    for (size_t i = 0; counts && i < counts->count; i++) {
        struct count_change *known = &counts->items[i];
        if (known->area_no == change.area_no && known->scene_no == change.scene_no &&
            known->stage == stage) {
            known->open += open;
            known->overdue += overdue;
            return true;
        }
    }
    if (!counts || counts->count == COUNTS_GATHERED)
        return add_count(engine, &change, err);
    counts->items[counts->count++] = change;
    return true;
}

bool counts_flush(struct engine *engine, struct error *err)
{
    struct counts *counts = engine->counts;
    engine->counts = NULL;
    for (size_t i = 0; i < counts->count; i++)
        if (!add_count(engine, &counts->items[i], err))
            return false;
    return true;
}

/* What the counters know of the loop becomes what it is. A migration counts under the new scene
 * from here on. */
static bool recount(struct engine *engine, const struct loop *loop, struct error *err)
{
    bool open = loop->state == LOOP_OPEN;
    if (loop->counted == loop->definition && loop->stored_open == open &&
        loop->stored_stage == loop->stage && loop->stored_overdue == loop->overdue)
        return true;
    if (loop->stored_open) {
        struct loop was = *loop;
        was.definition = loop->counted;
        if (!count(engine, &was, loop->stored_stage, -1, loop->stored_overdue ? -1 : 0, err))
            return false;
    }
    return !open || count(engine, loop, loop->stage, 1, loop->overdue, err);
}

static struct slice marks_blob(struct engine *engine, const struct loop *loop)
{
    size_t bytes = loop_scene(loop)->stage_count * sizeof *loop->marks;
    char *blob = arena_alloc(engine->arena, bytes + sizeof loop->tail);
    memcpy(blob, loop->marks, bytes);
    memcpy(blob + bytes, &loop->tail, sizeof loop->tail);
    return (struct slice){blob, bytes + sizeof loop->tail};
}

static struct slice key_blob(const struct loop *loop)
{
    return loop->keyed && loop->state == LOOP_OPEN
               ? (struct slice){(const char *)loop->unique_key, sizeof loop->unique_key}
               : (struct slice){NULL, 0};
}

/* What fields of `about` name: an event about it reaches the loop. */
static bool write_about(struct engine *engine, const struct loop *loop, struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    if (loop->state != LOOP_OPEN)
        return sql_run(engine->sql, &about_clear, SQL_ARGUMENTS(sql_int(loop->no)), err);
    for (size_t i = 0; i < scene->field_count; i++) {
        json_t *value = json_object_get(loop->fields, scene->fields[i].name);
        if (!loop->definition->is_about[i] || !json_is_integer(value))
            continue;
        if (!sql_run(engine->sql, &about_put,
                     SQL_ARGUMENTS(sql_int(scene_type_kind(scene->fields[i].type)),
                                   sql_int(json_integer_value(value)), sql_int(loop->no)),
                     err))
            return false;
    }
    return true;
}

static bool has_about(const struct loop *loop)
{
    for (size_t i = 0; i < loop_scene(loop)->field_count; i++)
        if (loop->definition->is_about[i])
            return true;
    return false;
}

/* What hangs on a row that was just written. */
static bool write_around(struct engine *engine, struct loop *loop, struct error *err)
{
    if ((has_about(loop) && !write_about(engine, loop, err)) || !recount(engine, loop, err))
        return false;
    note_stored(loop);
    return true;
}

bool loop_highest(struct sql *sql, int64_t *ret_no, struct error *err)
{
    return sql_one_int(sql, &loop_last, NULL, 0, 0, ret_no, err);
}

bool loop_insert(struct engine *engine, struct loop *loop, struct error *err)
{
    if (!sql_one_int(engine->sql, &loop_last, NULL, 0, 0, &loop->no, err))
        return false;
    loop->no++;
    struct slice fields = words_pack(engine, CIPHER_FIELDS, loop->no, loop->fields);
    return sql_run(engine->sql, &loop_put,
                   SQL_ARGUMENTS(
                       sql_int(loop->no), sql_int(loop->definition->scene_no), sql_int(loop->stage),
                       sql_int(loop->state), sql_int(loop->area_no), sql_int(loop->subject_no),
                       sql_int(loop->seat_no), sql_int(loop->opened_at), sql_int(loop->entered_at),
                       sql_int(loop->due_at), sql_time(loop->wake_at), sql_time(loop->closed_at),
                       sql_int(loop->overdue), sql_int(loop->steps), sql_int(loop->claim_user),
                       sql_int(loop->claim_until), sql_blob(key_blob(loop)),
                       sql_blob(marks_blob(engine, loop)), sql_blob(fields),
                       sql_int(loop_scene(loop)->subject)),
                   err) &&
           write_around(engine, loop, err);
}

static enum change change_of(const struct loop *loop)
{
    if (!loop->stored_open || loop->state != LOOP_OPEN || loop->counted != loop->definition)
        return CHANGE_ALL;
    return loop->stage == loop->stored_stage && loop->seat_no == loop->stored_seat &&
                   loop->entered_at == loop->stored_entered && loop->due_at == loop->stored_due
               ? CHANGE_KEPT
               : CHANGE_MOVED;
}

bool loop_write(struct engine *engine, struct loop *loop, bool fields_too, struct error *err)
{
    enum change change = change_of(loop);
    size_t count = loop_updates[change].values;
    struct sql_value values[16] = {
        sql_int(loop->no),
        /* kept */
        sql_time(loop->wake_at), sql_int(loop->overdue), sql_int(loop->steps),
        sql_int(loop->claim_user), sql_int(loop->claim_until), sql_blob(marks_blob(engine, loop)),
        /* moved */
        sql_int(loop->stage), sql_int(loop->seat_no), sql_int(loop->entered_at),
        sql_int(loop->due_at),
        /* all */
        sql_int(loop->definition->scene_no), sql_int(loop->state), sql_time(loop->closed_at),
        sql_blob(key_blob(loop))};
    if (fields_too)
        values[count++] = sql_blob(words_pack(engine, CIPHER_FIELDS, loop->no, loop->fields));
    return sql_run(engine->sql,
                   fields_too ? &loop_updates[change].with_fields : &loop_updates[change].bare,
                   values, count, err) &&
           write_around(engine, loop, err);
}

/* ---- Acts */

/* `seat` is who was told where somebody was, else the owner. */
static bool act_emit(struct engine *engine, const struct loop *loop, const struct act *act,
                     int64_t act_no, struct error *err)
{
    char payload[400], name[32];
    snprintf(name, sizeof name, "loop.%s", act_names[act->kind]);
    snprintf(payload, sizeof payload,
             "{\"scene\":\"%s\",\"stage\":\"%s\",\"state\":\"%s\",\"act\":%lld,\"seat\":%lld,"
             "\"new_owner\":%s}",
             loop_scene(loop)->name, loop_stage(loop)->name, state_names[loop->state],
             (long long)act_no,
             (long long)(act->kind == ACT_ESCALATED ? act->other_no : loop->seat_no),
             act->new_owner ? "true" : "false");
    struct event event = {.kind = slice_of(name),
                          .subject_no = loop->no,
                          .area_no = loop->area_no,
                          .at = engine->now,
                          .recorded_at = engine->now,
                          .payload = slice_of(payload)};
    return event_emit(engine->sql, &event, err);
}

bool act_write(struct engine *engine, const struct loop *loop, const struct act *act,
               struct error *err)
{
    struct slice words = {NULL, 0};
    if (!engine->last_act &&
        !sql_one_int(engine->sql, &act_last, NULL, 0, 0, &engine->last_act, err))
        return false;
    int64_t no = ++engine->last_act; /* jobs run one after another: nobody else takes it */
    if (json_object_size(act->fields) || json_object_size(act->differing) || act->note.length ||
        json_array_size(act->photos)) {
        json_t *all = json_object();
        if (json_object_size(act->fields))
            json_object_set(all, "fields", act->fields);
        if (json_object_size(act->differing))
            json_object_set(all, "differing", act->differing);
        if (act->note.length)
            json_object_set_new(all, "note", json_stringn(act->note.data, act->note.length));
        if (json_array_size(act->photos))
            json_object_set(all, "photos", act->photos);
        words = words_pack(engine, CIPHER_WORDS, no, all);
        json_decref(all);
    }
    engine->acts++;
    return sql_run(engine->sql, &act_insert,
                   SQL_ARGUMENTS(sql_int(no), sql_int(loop->no), sql_int(engine->now),
                                 sql_int(act->kind), sql_int(act->stage), sql_int(loop->stage),
                                 sql_int(engine->actor ? engine->actor->user_no : 0),
                                 sql_int(engine->event_no), sql_int(act->other_no),
                                 sql_blob(words)),
                   err) &&
           loop_photos_name(engine, loop, act->fields, err) &&
           loop_photos_name(engine, loop, act->differing, err) &&
           loop_cases_name(engine, loop, act, err) &&
           loop_photos_note(engine, loop, act->photos, err) &&
           act_emit(engine, loop, act, no, err);
}

bool party_add(struct engine *engine, int64_t loop_no, int64_t seat_no, bool told,
               struct error *err)
{
    return sql_run(engine->sql, &party_put,
                   SQL_ARGUMENTS(sql_int(seat_no), sql_int(loop_no), sql_int(told)), err);
}

bool party_untell(struct engine *engine, int64_t loop_no, struct error *err)
{
    return sql_run(engine->sql, &party_clear, SQL_ARGUMENTS(sql_int(loop_no)), err);
}

/* ---- What one transaction works with */

bool engine_begin(struct engine *engine, struct loops *loops, struct sql *sql,
                  const struct actor *actor, struct error *err)
{
    *engine = (struct engine){.loops = loops,
                              .platform = loops->platform,
                              .sql = sql,
                              .definitions = atomic_load(&loops->definitions),
                              .now = sql_now(sql),
                              .actor = actor};
    if (!board_take(loops, sql, &engine->board, err))
        return false;
    engine->arena = x_alloc(1, sizeof *engine->arena);
    arena_init(engine->arena, (size_t)1 << 30);
    return true;
}

void engine_end(struct engine *engine)
{
    board_release(engine->loops);
    arena_release(engine->arena);
    free(engine->arena);
}
