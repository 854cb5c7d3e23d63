/* A loop as its readers see it: who has had it, when, what evidence, what is next, who may do it.
 *
 * Fields that are personal are shown to those who have a part in the loop and to the command
 * centre; others read that something is there. What a scene hides until a stage, only the owner
 * reads. */
#include <stdlib.h>

#include "loops/loops_internal.h"
#include "loops/wording.h"

static const struct sql_text acts_select = {
    "loop_acts_select",
    "SELECT act_no, at, kind, stage, to_stage, user_no, event_no, other_no, words FROM loop_act"
    " WHERE loop_no = ?1 ORDER BY act_no LIMIT 1000",
    "loop_act_by_loop"};
static const struct sql_text children_select = {
    "loop_children_select",
    "SELECT l.loop_no, l.scene_no, l.state, l.stage, l.due_at, l.closed_at FROM loop_child c"
    " JOIN loop l ON l.loop_no = c.child_no WHERE c.parent_no = ?1 ORDER BY c.child_no LIMIT 1001",
    "primary key"};
static const struct sql_text parents_select = {
    "loop_parents_select",
    "SELECT l.loop_no, l.scene_no, l.state, l.stage, l.due_at, l.closed_at FROM loop_child c"
    " JOIN loop l ON l.loop_no = c.parent_no WHERE c.child_no = ?1 ORDER BY c.parent_no LIMIT 100",
    "loop_child_by_child"};

const struct sql_list loop_show_statements =
    SQL_LIST(&acts_select, &children_select, &parents_select);

/* ---- Words */

static void put_area(struct json_writer *writer, struct platform *platform, const char *key,
                     int64_t area_no)
{
    const struct area *area = registry_area(platform->registry, area_no);
    if (area)
        json_field_text(writer, key, area->code);
    else
        json_field_null(writer, key);
}

void seat_put(struct engine *engine, struct json_writer *writer, const char *key,
              const struct seat *seat, bool hidden)
{
    static const char *const forms[SEAT_FORMS] = {"role", "unit", "person", "lead"};
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "form", slice_of(forms[seat->form]));
    json_field_text(writer, "role", slice_of(seat->role));
    if (hidden)
        json_field_null(writer, "area");
    else
        put_area(writer, engine->platform, "area", seat->area_no);
    if (!hidden && (seat->form == SEAT_UNIT || seat->form == SEAT_PERSON))
        json_field_int64(writer, "no", seat->object_no);
    json_object_end(writer);
}

bool seat_show(struct engine *engine, struct json_writer *writer, const char *key, int64_t seat_no,
               bool hidden, struct error *err)
{
    struct seat seat;
    if (!seat_read(engine->sql, seat_no, &seat, err))
        return false;
    seat_put(engine, writer, key, &seat, hidden);
    return true;
}

static bool put_subject(struct engine *engine, struct json_writer *writer,
                        const struct loop_row *row, bool hidden, struct error *err)
{
    enum scene_kind kind = row->definition->scene->subject;
    struct slice code = {NULL, 0};
    if (!hidden && kind_is_thing(kind) &&
        !thing_code(engine->sql, row->subject_no, engine->arena, &code, err))
        return false;
    const struct area *area =
        kind == SCENE_AREA ? registry_area(engine->platform->registry, row->subject_no) : NULL;
    json_key(writer, "subject");
    json_object_begin(writer);
    json_field_text(writer, "kind", slice_of(scene_kind_name(kind)));
    if (hidden || kind == SCENE_NONE)
        json_field_null(writer, "no");
    else if (area)
        json_field_text(writer, "code", area->code);
    else if (code.data)
        json_field_text(writer, "code", code);
    else
        json_field_int64(writer, "no", row->subject_no);
    json_object_end(writer);
    return true;
}

/* The members that a list and a page share; the object is the caller's. */
bool loop_show_row(struct engine *engine, struct json_writer *writer, const struct loop_row *row,
                   bool hidden, struct error *err)
{
    const struct scene *scene = row->definition->scene;
    static const struct scene_stage unknown = {.name = "", .title = {"未知", "not known"}};
    const struct scene_stage *stage = row->stage < 0 ? &unknown : &scene->stages[row->stage];
    char name[ACCESS_NAME_BYTES] = "";
    bool claimed = row->claim_user && row->claim_until > engine->now;
    json_field_int64(writer, "id", row->no);
    json_field_text(writer, "scene", slice_of(scene->name));
    json_field_int64(writer, "version", scene->version);
    wording_put(writer, "title", scene->title, scene->name);
    json_field_text(writer, "stage", slice_of(stage->name));
    wording_put(writer, "stage_title", stage->title, stage->name);
    json_field_text(writer, "state", slice_of(loop_state_name(row->state)));
    if (!put_subject(engine, writer, row, hidden, err) ||
        (claimed && !access_user_name(engine->sql, row->claim_user, name, err)))
        return false;
    if (hidden)
        json_field_null(writer, "area");
    else
        put_area(writer, engine->platform, "area", row->area_no);
    json_field_time(writer, "opened_at", row->opened_at);
    json_field_time(writer, "entered_at", row->entered_at);
    json_field_time(writer, "due_at", row->due_at);
    json_field_time(writer, "closed_at", row->closed_at);
    json_field_bool(writer, "overdue",
                    row->state == LOOP_OPEN && row->due_at != TIMESTAMP_NONE &&
                        row->due_at <= engine->now);
    if (claimed)
        json_field_text(writer, "claimed_by", slice_of(name));
    else
        json_field_null(writer, "claimed_by");
    json_field_time(writer, "claimed_until", claimed ? row->claim_until : TIMESTAMP_NONE);
    return seat_show(engine, writer, "owner", row->seat_no, hidden, err);
}

/* ---- The page of one loop */

struct showing {
    struct engine *engine;
    struct json_writer *writer;
    const struct loop *loop;
    struct loop_part part;
    bool hidden; /* whom or what it is about, and where */
};

bool loop_part_of(struct engine *engine, const struct loop *loop, struct loop_part *ret_part,
                  struct error *err)
{
    struct seat seat;
    if (!seat_read(engine->sql, loop->seat_no, &seat, err) ||
        !board_names(engine->board, engine->sql, &seat, engine->actor->user_no, &ret_part->owns,
                     err) ||
        !hand_is_party(engine, loop, &ret_part->opens, err))
        return false;
    ret_part->opens |= actor_is_command(engine->actor);
    return true;
}

bool loop_keeps_back(const struct loop *loop, const struct scene_field *field,
                     const struct loop_part *part)
{
    const struct scene_name *until = &field->hidden_until;
    bool waits = until->text && until->target == TARGET_STAGE && !loop->marks[until->index].visits;
    return (waits && !part->owns) || (scene_field_is_personal(field) && !part->opens);
}

static bool is_kept_back(const struct showing *showing, const struct scene_field *field)
{
    return loop_keeps_back(showing->loop, field, &showing->part);
}

void loop_put_json(struct json_writer *writer, json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    REQUIRE(text);
    json_put_raw(writer, slice_of(text));
    free(text);
}

static bool put_value(const struct showing *showing, const struct scene_field *field, json_t *value,
                      struct error *err)
{
    json_t *shown;
    if (!value) {
        json_put_null(showing->writer);
        return true;
    }
    if (!field_show(showing->engine, field, value, &shown, err))
        return false;
    loop_put_json(showing->writer, shown);
    json_decref(shown);
    return true;
}

static bool put_fields(const struct showing *showing, struct error *err)
{
    const struct scene *scene = loop_scene(showing->loop);
    struct json_writer *writer = showing->writer;
    json_key(writer, "fields");
    json_array_begin(writer);
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *field = &scene->fields[i];
        json_t *value = json_object_get(showing->loop->fields, field->name);
        bool hidden = is_kept_back(showing, field);
        json_object_begin(writer);
        json_field_text(writer, "name", slice_of(field->name));
        wording_put(writer, "title", field->title, field->name);
        json_field_text(writer, "type", slice_of(scene_type_name(field->type)));
        json_field_bool(writer, "list", field->list);
        json_field_bool(writer, "hidden", hidden && value);
        json_key(writer, "value");
        if (!put_value(showing, field, hidden ? NULL : value, err))
            return false;
        json_object_end(writer);
    }
    json_array_end(writer);
    return true;
}

static bool put_transition(const struct showing *showing, const struct scene_transition *transition,
                           struct error *err)
{
    struct json_writer *writer = showing->writer;
    bool mine = false;
    for (size_t i = 0; !mine && i < transition->by.count; i++)
        if (!hand_fits(showing->engine, showing->loop, &transition->by.items[i], &mine, err))
            return false;
    json_object_begin(writer);
    json_field_bool(writer, "mine", mine);
    wording_transition(writer, loop_scene(showing->loop), showing->engine->platform->policy,
                       transition);
    if (transition->trigger == TRIGGER_AFTER)
        json_field_time(writer, "at", showing->loop->due_at + transition->after * SECOND);
    json_object_end(writer);
    return true;
}

static bool put_next(const struct showing *showing, struct error *err)
{
    const struct scene_stage *stage = loop_stage(showing->loop);
    json_key(showing->writer, "next");
    json_array_begin(showing->writer);
    for (size_t i = 0; showing->loop->state == LOOP_OPEN && i < stage->next_count; i++)
        if (!put_transition(showing, &stage->next[i], err))
            return false;
    json_array_end(showing->writer);
    return true;
}

/* ---- History */

struct told_act {
    int64_t no, user_no, event_no, other_no;
    timestamp at;
    enum act_kind kind;
    int stage, to_stage;
    struct slice words;
};

/* What was set, without what the reader is not shown. */
static bool put_set(const struct showing *showing, json_t *fields, const char *key,
                    struct error *err)
{
    const struct scene *scene = loop_scene(showing->loop);
    const char *name;
    json_t *value;
    json_key(showing->writer, key);
    json_object_begin(showing->writer);
    json_object_foreach (fields, name, value) {
        int at = scene_field_of(scene, name);
        if (at < 0 || is_kept_back(showing, &scene->fields[at]))
            continue;
        json_key(showing->writer, name);
        if (!put_value(showing, &scene->fields[at], value, err))
            return false;
    }
    json_object_end(showing->writer);
    return true;
}

static bool put_act(const struct showing *showing, const struct told_act *act, struct error *err)
{
    const struct scene *scene = loop_scene(showing->loop);
    struct json_writer *writer = showing->writer;
    char name[ACCESS_NAME_BYTES] = "";
    json_t *words = NULL;
    if ((act->user_no && !access_user_name(showing->engine->sql, act->user_no, name, err)) ||
        (act->words.length &&
         !words_read(showing->engine, CIPHER_WORDS, act->no, act->words, &words, err)))
        return false;
    json_object_begin(writer);
    json_field_time(writer, "at", act->at);
    json_field_text(writer, "act", slice_of(act_name(act->kind)));
    json_field_text(writer, "stage", slice_of(scene->stages[act->stage].name));
    json_field_text(writer, "to", slice_of(scene->stages[act->to_stage].name));
    json_field_text(writer, "by",
                    slice_of(act->user_no    ? name
                             : act->event_no ? "event"
                                             : "clock"));
    if (act->event_no)
        json_field_int64(writer, "event", act->event_no);
    if (act->kind == ACT_CHILD)
        json_field_int64(writer, "loop", act->other_no);
    if (act->kind == ACT_SIGNED)
        json_field_int64(writer, "place", act->other_no);
    if ((act->kind == ACT_OPENED || act->kind == ACT_JOINED) && act->other_no)
        json_field_int64(writer, "parent", act->other_no);
    bool done = (act->kind != ACT_ESCALATED && act->kind != ACT_TAKEN_OVER) ||
                seat_show(showing->engine, writer, "told", act->other_no, showing->hidden, err);
    done = done && put_set(showing, json_object_get(words, "fields"), "fields", err) &&
           put_set(showing, json_object_get(words, "differing"), "differing", err);
    const char *note = json_string_value(json_object_get(words, "note"));
    if (note && showing->part.opens)
        json_field_text(writer, "note", slice_of(note));
    json_t *photos = json_object_get(words, "photos");
    if (photos && showing->part.opens) {
        json_key(writer, "photos");
        loop_put_json(writer, photos);
    }
    json_object_end(writer);
    return done;
}

/* A stage of an older version may not exist any more in this one. */
static int stage_within(const struct scene *scene, int64_t stage)
{
    return stage >= 0 && (size_t)stage < scene->stage_count ? (int)stage : 0;
}

static bool put_history(const struct showing *showing, struct error *err)
{
    struct engine *engine = showing->engine;
    const struct scene *scene = loop_scene(showing->loop);
    struct told_act *acts = arena_alloc(engine->arena, 1000 * sizeof *acts);
    struct sql_query *query;
    size_t count = 0;
    bool row, done = sql_begin(engine->sql, &acts_select, SQL_ARGUMENTS(sql_int(showing->loop->no)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice words = sql_get_blob(query, 8);
        acts[count++] = (struct told_act){
            .no = sql_get_int(query, 0),
            .at = sql_get_int(query, 1),
            .kind = (enum act_kind)sql_get_int(query, 2),
            .stage = stage_within(scene, sql_get_int(query, 3)),
            .to_stage = stage_within(scene, sql_get_int(query, 4)),
            .user_no = sql_get_int(query, 5),
            .event_no = sql_get_int(query, 6),
            .other_no = sql_get_int(query, 7),
            .words = {arena_copy(engine->arena, words.data ? words.data : "", words.length),
                      words.length}};
    }
    json_key(showing->writer, "history");
    json_array_begin(showing->writer);
    for (size_t i = 0; done && i < count; i++)
        done = acts[i].kind < ACT_KINDS && put_act(showing, &acts[i], err);
    json_array_end(showing->writer);
    json_field_int64(showing->writer, "last_act", count ? acts[count - 1].no : 0);
    return done;
}

enum { KIN_MAX = 1000 };

static void put_relative(const struct showing *showing, struct sql_query *query)
{
    const struct definition *definition =
        definition_of(showing->engine->definitions, sql_get_int(query, 1));
    const struct scene *scene = definition ? definition->scene : NULL;
    struct json_writer *writer = showing->writer;
    int64_t state = sql_get_int(query, 2), stage = sql_get_int(query, 3);
    timestamp due_at = sql_get_time(query, 4);
    bool known = scene && stage >= 0 && (size_t)stage < scene->stage_count;
    const char *name = known ? scene->stages[stage].name : "";
    static const struct words none = {NULL, NULL};
    json_object_begin(writer);
    json_field_int64(writer, "id", sql_get_int(query, 0));
    json_field_text(writer, "scene", slice_of(scene ? scene->name : ""));
    wording_put(writer, "title", scene ? scene->title : none, scene ? scene->name : "");
    json_field_text(writer, "stage", slice_of(name));
    wording_put(writer, "stage_title", known ? scene->stages[stage].title : none, name);
    json_field_text(writer, "state",
                    slice_of(loop_state_name(state >= 0 && state < LOOP_STATES
                                                 ? (enum loop_state)state
                                                 : LOOP_OPEN)));
    json_field_time(writer, "due_at", due_at);
    json_field_time(writer, "closed_at", sql_get_time(query, 5));
    json_field_bool(writer, "overdue",
                    state == LOOP_OPEN && due_at != TIMESTAMP_NONE &&
                        due_at <= showing->engine->now);
    json_object_end(writer);
}

/* *ret_more where there are more than can be told. */
static bool put_kin(const struct showing *showing, const char *key, const struct sql_text *text,
                    bool *ret_more, struct error *err)
{
    struct sql_query *query;
    struct json_writer *writer = showing->writer;
    size_t count = 0;
    bool row, done = sql_begin(showing->engine->sql, text,
                               SQL_ARGUMENTS(sql_int(showing->loop->no)), &query, err);
    json_key(writer, key);
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row)
        if (count++ < KIN_MAX)
            put_relative(showing, query);
    json_array_end(writer);
    *ret_more = count > KIN_MAX;
    return done;
}

static bool put_family(const struct showing *showing, struct error *err)
{
    bool more, above;
    if (!put_kin(showing, "children", &children_select, &more, err))
        return false;
    json_field_bool(showing->writer, "more_children", more);
    return put_kin(showing, "parents", &parents_select, &above, err);
}

static void put_missing(const struct showing *showing, const struct loop_waiting *waiting)
{
    struct json_writer *writer = showing->writer;
    const struct scene_owners *sign = &waiting->transition->sign;
    json_key(writer, "missing");
    json_array_begin(writer);
    for (size_t i = 0; i < sign->count && i < SIGNERS_MAX; i++) {
        struct buffer words;
        if (waiting->signatures[i].user_no)
            continue;
        buffer_init(&words, 400);
        scene_owner_words(loop_scene(showing->loop), showing->engine->platform->policy,
                          &sign->items[i], false, &words);
        json_put_text(writer, buffer_slice(&words));
        buffer_release(&words);
    }
    json_array_end(writer);
}

static bool put_signatures(const struct showing *showing, const struct loop_waiting *waiting,
                           struct error *err)
{
    struct json_writer *writer = showing->writer;
    const struct scene_owners *sign = &waiting->transition->sign;
    json_key(writer, "signatures");
    json_array_begin(writer);
    for (size_t i = 0; i < sign->count && i < SIGNERS_MAX; i++) {
        int64_t user_no = waiting->signatures[i].user_no;
        char name[ACCESS_NAME_BYTES] = "";
        if (user_no && !access_user_name(showing->engine->sql, user_no, name, err))
            return false;
        json_object_begin(writer);
        json_key(writer, "who");
        wording_owner(writer, loop_scene(showing->loop), showing->engine->platform->policy,
                      &sign->items[i]);
        if (user_no)
            json_field_text(writer, "by", slice_of(name));
        else
            json_field_null(writer, "by");
        json_field_time(writer, "at", user_no ? waiting->signatures[i].at : TIMESTAMP_NONE);
        json_object_end(writer);
    }
    json_array_end(writer);
    return true;
}

/* Whether a signature that is missing is the reader's to give: not whoever asked for the step or
 * has signed it. */
static bool may_sign(const struct showing *showing, const struct loop_waiting *waiting,
                     bool *ret_may, struct error *err)
{
    const struct scene_owners *sign = &waiting->transition->sign;
    int64_t signers[SIGNERS_MAX];
    enum own_hand hand;
    *ret_may = false;
    for (size_t i = 0; i < SIGNERS_MAX; i++)
        signers[i] = waiting->signatures[i].user_no;
    if (!hand_in_waiting(showing->engine, waiting->asked_by, signers, &hand, err))
        return false;
    for (size_t i = 0; hand == HAND_NONE && !*ret_may && i < sign->count && i < SIGNERS_MAX; i++)
        if (!waiting->signatures[i].user_no &&
            !hand_fits(showing->engine, showing->loop, &sign->items[i], ret_may, err))
            return false;
    return true;
}

/* What the step was submitted with: for whoever signs it, asked for it, signed it or owns the loop.
 * Fields are kept back as anywhere; their number is told. */
static bool put_submitted(const struct showing *showing, const struct loop_waiting *waiting,
                          struct error *err)
{
    const struct scene *scene = loop_scene(showing->loop);
    struct json_writer *writer = showing->writer;
    json_t *fields = json_object_get(waiting->words, "fields"), *value;
    const char *note = json_string_value(json_object_get(waiting->words, "note")), *name;
    int64_t reader = showing->engine->actor->user_no, kept_back = 0;
    bool mine, shown;
    if (!may_sign(showing, waiting, &mine, err))
        return false;
    shown = mine || showing->part.owns || waiting->asked_by == reader;
    for (size_t i = 0; i < SIGNERS_MAX; i++)
        shown |= waiting->signatures[i].user_no == reader;
    json_object_foreach (fields, name, value) {
        int at = scene_field_of(scene, name);
        kept_back += at < 0 || is_kept_back(showing, &scene->fields[at]);
    }
    json_field_bool(writer, "mine", mine);
    json_field_bool(writer, "shown", shown);
    json_field_int64(writer, "kept_back", kept_back);
    if (shown && note)
        json_field_text(writer, "note", slice_of(note));
    else
        json_field_null(writer, "note");
    return put_set(showing, shown ? fields : NULL, "fields", err);
}

static bool put_waiting(const struct showing *showing, struct error *err)
{
    struct loop_waiting waiting;
    char name[ACCESS_NAME_BYTES] = "";
    struct json_writer *writer = showing->writer;
    if (!loop_waits_for(showing->engine, showing->loop, &waiting, err) ||
        (waiting.transition &&
         !access_user_name(showing->engine->sql, waiting.asked_by, name, err)))
        return false;
    json_key(writer, "waiting");
    if (!waiting.transition) {
        json_put_null(writer);
        return true;
    }
    json_object_begin(writer);
    json_field_text(writer, "to", slice_of(waiting.transition->to.text));
    json_field_text(writer, "asked_by", slice_of(name));
    json_field_time(writer, "asked_at", waiting.asked_at);
    put_missing(showing, &waiting);
    bool done = put_signatures(showing, &waiting, err) && put_submitted(showing, &waiting, err);
    json_object_end(writer);
    return done;
}

struct loop_row loop_row_of(const struct loop *loop)
{
    struct slice marks = {(const char *)loop->marks,
                          loop_scene(loop)->stage_count * sizeof *loop->marks};
    return (struct loop_row){.no = loop->no,
                             .area_no = loop->area_no,
                             .subject_no = loop->subject_no,
                             .seat_no = loop->seat_no,
                             .claim_user = loop->claim_user,
                             .definition = loop->definition,
                             .stage = loop->stage,
                             .state = loop->state,
                             .opened_at = loop->opened_at,
                             .entered_at = loop->entered_at,
                             .due_at = loop->due_at,
                             .closed_at = loop->closed_at,
                             .claim_until = loop->claim_until,
                             .overdue = loop->overdue,
                             .hidden = loop_is_hidden(loop_scene(loop), marks)};
}

bool loop_show(struct engine *engine, const struct loop *loop, struct json_writer *writer,
               struct error *err)
{
    struct showing showing = {.engine = engine, .writer = writer, .loop = loop};
    struct loop_row row = loop_row_of(loop);
    if (!loop_part_of(engine, loop, &showing.part, err))
        return false;
    showing.hidden = !showing.part.owns && row.hidden;
    json_object_begin(writer);
    bool done = loop_show_row(engine, writer, &row, showing.hidden, err) &&
                put_fields(&showing, err) && put_next(&showing, err) &&
                put_waiting(&showing, err) &&
                ladder_put(engine, writer, loop, showing.hidden, err) &&
                put_history(&showing, err) && put_family(&showing, err);
    json_object_end(writer);
    return done;
}
