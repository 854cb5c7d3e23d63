/* Steps by hand: advancing, signing, claiming, and what the command centre may always do.
 *
 * A step is looked at whole before anything is written: which transitions lead there, whose hands
 * they name, what their guards say, what must be given. Of several refusals the one that came
 * furthest is told. */
#include <stdlib.h>

#include "loops/loops_internal.h"
#include "policy/permissions.h"

static const struct sql_text pending_select = {
    "loop_pending_select",
    "SELECT transition, user_no, words, at FROM loop_pending WHERE loop_no = ?1", "primary key"};
static const struct sql_text pending_put = {
    "loop_pending_put",
    "INSERT INTO loop_pending (loop_no, transition, user_no, at, words)"
    " VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (loop_no) DO UPDATE SET transition = excluded.transition,"
    " user_no = excluded.user_no, at = excluded.at, words = excluded.words",
    "primary key"};
static const struct sql_text signature_put = {
    "loop_signature_put",
    "INSERT INTO loop_signature (loop_no, place, user_no, at) VALUES (?1, ?2, ?3, ?4)",
    "primary key"};
static const struct sql_text signature_select = {
    "loop_signature_select",
    "SELECT place, user_no, at FROM loop_signature WHERE loop_no = ?1 ORDER BY place",
    "primary key"};
static const struct sql_text signature_drop = {
    "loop_signature_drop", "DELETE FROM loop_signature WHERE loop_no = ?1", "primary key"};

const struct sql_list loop_step_statements =
    SQL_LIST(&pending_select, &pending_put, &signature_put, &signature_select, &signature_drop);

static bool refuse(struct error *err, enum error_code code, const char *field, const char *expected,
                   const char *what)
{
    return error_set(err, code, (struct error_place){.field = field}, expected, "%s", what);
}

/* ---- Finding the loop */

bool hand_is_next(struct engine *engine, const struct loop *loop, bool *ret_next, struct error *err)
{
    const struct scene_stage *stage = loop_stage(loop);
    *ret_next = false;
    for (size_t i = 0; loop->state == LOOP_OPEN && i < stage->next_count; i++) {
        const struct scene_owners *hands[] = {&stage->next[i].by, &stage->next[i].sign};
        for (size_t h = 0; h < 2; h++)
            for (size_t k = 0; !*ret_next && k < hands[h]->count; k++)
                if (!hand_fits(engine, loop, &hands[h]->items[k], ret_next, err))
                    return false;
    }
    return true;
}

bool loop_is_visible(struct engine *engine, const struct loop *loop, bool *ret_visible,
                     struct error *err)
{
    const struct actor *actor = engine->actor;
    *ret_visible = (actor->permissions & PERMISSION_BIT(PERMIT_LOOP_AREA)) &&
                   loop->area_no >= actor->area_first && loop->area_no <= actor->area_last;
    return *ret_visible || ((hand_is_party(engine, loop, ret_visible, err)) &&
                            (*ret_visible || hand_is_next(engine, loop, ret_visible, err)));
}

bool take_loop(struct engine *engine, int64_t no, struct loop **ret_loop, struct error *err)
{
    bool visible = false;
    if (!loop_read(engine, no, ret_loop, err) ||
        (*ret_loop && !loop_is_visible(engine, *ret_loop, &visible, err)))
        return false;
    if (!visible)
        return refuse(err, ERROR_NOT_FOUND, "id", "a loop of a list of yours",
                      "there is none of that number");
    return (*ret_loop)->state == LOOP_OPEN ||
           error_set(err, ERROR_CONFLICT, (struct error_place){.field = "id"}, "an open loop",
                     "the loop is closed: %s", loop_stage(*ret_loop)->name);
}

/* Somebody else of the owner may hold it for a while. */
static bool is_not_claimed(struct engine *engine, const struct loop *loop, struct error *err)
{
    char name[ACCESS_NAME_BYTES], until[TIME_TEXT_BYTES];
    if (!loop->claim_user || loop->claim_until <= engine->now ||
        loop->claim_user == engine->actor->user_no)
        return true;
    if (!access_user_name(engine->sql, loop->claim_user, name, err))
        return false;
    return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "id"},
                     "a loop that nobody else holds", "%s holds it until %s", name,
                     time_format(loop->claim_until, until));
}

/* ---- Looking at a step */

enum rank { RANK_NOT_NEXT, RANK_HANDS, RANK_GUARD, RANK_REQUIRED, RANK_FITS };

struct looking {
    struct engine *engine;
    struct loop *loop; /* with the given fields in it */
    const struct loop_step *step;
    json_t *given;
    enum rank best;
    int transition;
    struct error refusal; /* of the best rank */
};

static bool keeps_refusal(struct looking *looking, enum rank rank)
{
    if (looking->best >= rank)
        return false;
    looking->best = rank;
    return true;
}

static bool look_at_hands(struct looking *looking, const struct scene_transition *transition,
                          bool *ret_fits, struct error *err)
{
    struct buffer words;
    *ret_fits = false;
    for (size_t i = 0; !*ret_fits && i < transition->by.count; i++)
        if (!hand_fits(looking->engine, looking->loop, &transition->by.items[i], ret_fits, err))
            return false;
    if (*ret_fits || !keeps_refusal(looking, RANK_HANDS))
        return true;
    buffer_init(&words, sizeof looking->refusal.expected - 8);
    for (size_t i = 0; i < transition->by.count; i++) {
        buffer_append_text(&words, i ? ", or " : "");
        scene_owner_words(loop_scene(looking->loop), looking->engine->platform->policy,
                          &transition->by.items[i], false, &words);
    }
    error_set(&looking->refusal, ERROR_FORBIDDEN, (struct error_place){.field = "to"},
              words.data ? words.data : "another hand", "this step is not yours");
    buffer_release(&words);
    return true;
}

void refuse_guard(const struct loop *loop, const struct scene_condition *failed, struct error *err)
{
    struct buffer words;
    buffer_init(&words, sizeof err->what - 40);
    scene_condition_words(loop_scene(loop), NULL, failed, false, &words);
    error_set(err, ERROR_CONFLICT, (struct error_place){.field = "to"}, NULL,
              "it must hold that %s", words.data ? words.data : "the guard holds");
    buffer_release(&words);
}

/* What must be given now. */
static bool look_at_given(struct looking *looking, const struct scene_transition *transition)
{
    for (size_t i = 0; i < transition->require.count; i++) {
        const char *name = transition->require.items[i].text;
        if (json_object_get(looking->given, name))
            continue;
        if (keeps_refusal(looking, RANK_REQUIRED))
            error_set(&looking->refusal, ERROR_BAD_VALUE, (struct error_place){.field = name},
                      "given with this step", "the field is missing");
        return false;
    }
    if (!transition->note || slice_trim(looking->step->note).length)
        return true;
    if (keeps_refusal(looking, RANK_REQUIRED))
        error_set(&looking->refusal, ERROR_BAD_VALUE, (struct error_place){.field = "note"},
                  "words that say why", "the note is missing");
    return false;
}

static bool look_at(struct looking *looking, int index, struct error *err)
{
    const struct scene_transition *transition = &loop_stage(looking->loop)->next[index];
    const struct scene_condition *failed;
    bool fits;
    if (!look_at_hands(looking, transition, &fits, err))
        return false;
    if (!fits)
        return true;
    if (!conditions_hold(looking->engine, looking->loop, &transition->when, NULL, NULL, &failed,
                         &fits, err))
        return false;
    if (!fits && keeps_refusal(looking, RANK_GUARD))
        refuse_guard(looking->loop, failed, &looking->refusal);
    if (fits && look_at_given(looking, transition)) {
        looking->best = RANK_FITS;
        looking->transition = index;
    }
    return true;
}

static bool not_next(const struct loop *loop, struct slice to, struct error *err)
{
    const struct scene_stage *stage = loop_stage(loop);
    char expected[sizeof err->expected - 8] = "";
    char name[64];
    text_copy(name, sizeof name, to);
    if (scene_stage_of(loop_scene(loop), name) < 0)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "to"},
                         "a stage of the scene", "scene %s has no such stage",
                         loop_scene(loop)->name);
    for (size_t i = 0; i < stage->next_count; i++)
        if (stage->next[i].trigger == TRIGGER_BY)
            snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s",
                     expected[0] ? ", " : "by hand from here: ", stage->next[i].to.text);
    return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "to"},
                     expected[0] ? expected : "an event: no hand moves this stage",
                     "from %s no hand leads there", stage->name);
}

/* The transition that is taken, or why none is. */
static bool look(struct looking *looking, struct error *err)
{
    const struct scene_stage *stage = loop_stage(looking->loop);
    for (size_t i = 0; looking->best != RANK_FITS && i < stage->next_count; i++)
        if (stage->next[i].trigger == TRIGGER_BY &&
            slice_equal(slice_of(stage->next[i].to.text), looking->step->to) &&
            !look_at(looking, (int)i, err))
            return false;
    if (looking->best == RANK_FITS)
        return true;
    if (looking->best == RANK_NOT_NEXT)
        return not_next(looking->loop, looking->step->to, err);
    *err = looking->refusal;
    return false;
}

/* ---- Signatures */

struct signatures {
    int64_t users[SIGNERS_MAX]; /* by place; 0: not signed */
    timestamp at[SIGNERS_MAX];
};

static bool read_signatures(struct engine *engine, int64_t loop_no, struct signatures *ret,
                            struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(engine->sql, &signature_select, SQL_ARGUMENTS(sql_int(loop_no)),
                               &query, err);
    *ret = (struct signatures){{0}, {0}};
    while (done && (done = sql_next(query, &row, err)) && row)
        if (sql_get_int(query, 0) < SIGNERS_MAX) {
            ret->users[sql_get_int(query, 0)] = sql_get_int(query, 1);
            ret->at[sql_get_int(query, 0)] = sql_get_int(query, 2);
        }
    return done;
}

static void tell_missing(struct engine *engine, const struct loop *loop,
                         const struct scene_transition *transition,
                         const struct signatures *signatures, struct arena *arena,
                         struct loop_outcome *outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < transition->sign.count && i < SIGNERS_MAX && count < 7; i++) {
        struct buffer words;
        if (signatures->users[i])
            continue;
        buffer_init(&words, 400);
        scene_owner_words(loop_scene(loop), engine->platform->policy, &transition->sign.items[i],
                          false, &words);
        outcome->missing[count++] = arena_copy(arena, buffer_slice(&words).data, words.length);
        buffer_release(&words);
    }
    outcome->missing[count] = NULL;
}

/* The step waits: nothing moves until all have signed. */
static bool ask(struct looking *looking, struct arena *arena, struct loop_outcome *outcome,
                struct error *err)
{
    struct engine *engine = looking->engine;
    struct loop *loop = looking->loop;
    const struct scene_transition *transition = &loop_stage(loop)->next[looking->transition];
    struct signatures none = {{0}, {0}};
    struct act act = {.kind = ACT_ASKED,
                      .stage = loop->stage,
                      .fields = looking->given,
                      .note = looking->step->note};
    json_t *words = keep_json(engine, json_object());
    json_object_set(words, "fields", looking->given);
    json_object_set_new(words, "note",
                        json_stringn(act.note.length ? act.note.data : "", act.note.length));
    loop->marks[loop->stage].acted++;
    loop->tail.waits = 1;
    tell_missing(engine, loop, transition, &none, arena, outcome);
    return sql_run(engine->sql, &signature_drop, SQL_ARGUMENTS(sql_int(loop->no)), err) &&
           sql_run(engine->sql, &pending_put,
                   SQL_ARGUMENTS(sql_int(loop->no), sql_int(looking->transition),
                                 sql_int(engine->actor->user_no), sql_int(engine->now),
                                 sql_blob(words_pack(engine, CIPHER_PENDING, loop->no, words))),
                   err) &&
           loop_write(engine, loop, false, err) && act_write(engine, loop, &act, err);
}

static bool step_once(struct engine *engine, const struct loop_step *step, struct arena *arena,
                      struct loop_outcome *outcome, struct error *err)
{
    struct loop *loop;
    struct looking looking = {.engine = engine, .step = step};
    *outcome = (struct loop_outcome){.loop_no = step->loop_no};
    if (!take_loop(engine, step->loop_no, &loop, err) || !is_not_claimed(engine, loop, err) ||
        !fields_take(engine, loop_scene(loop), step->fields, &looking.given, err))
        return false;
    json_t *before = loop->fields;
    looking.loop = loop;
    loop->fields = keep_json(engine, json_copy(before));
    json_object_update(loop->fields, looking.given);
    if (step->note.length > ACT_WORDS_MAX / 4)
        return refuse(err, ERROR_TOO_LARGE, "note", "at most 16384 bytes", "the note is too long");
    if (!look(&looking, err))
        return false;
    const struct scene_transition *transition = &loop_stage(loop)->next[looking.transition];
    outcome->stage = loop_stage(loop)->name;
    if (transition->sign.count) {
        loop->fields = before;
        return ask(&looking, arena, outcome, err);
    }
    struct act how = {
        .kind = ACT_ADVANCED, .stage = loop->stage, .fields = looking.given, .note = step->note};
    if (!stage_enter(engine, loop, transition->to.index, &how, err))
        return false;
    outcome->stage = loop_stage(loop)->name;
    return true;
}

/* ---- Jobs */

struct job {
    struct loops *loops;
    const struct actor *actor;
    const struct loop_step *steps;
    size_t count;
    int64_t loop_no;
    struct slice note;
    bool flag; /* release a claim; close as failed */
    struct arena *arena;
    struct loop_outcome *outcomes;
    struct error *refusals; /* NULL: a refusal is the job's */
    bool (*act)(struct engine *engine, struct job *job, struct error *err);
};

static bool run_job(struct sql *sql, void *context, struct error *err)
{
    struct job *job = context;
    struct engine engine;
    if (!engine_begin(&engine, job->loops, sql, job->actor, err))
        return false;
    bool done = job->act(&engine, job, err);
    engine_end(&engine);
    return done;
}

static bool write_job(struct job *job, struct error *err)
{
    return loops_ready(job->loops, err) && store_refuse_sunset(job->loops->platform->store, err) &&
           store_write(job->loops->platform->store, run_job, job, err);
}

static bool act_step(struct engine *engine, struct job *job, struct error *err)
{
    return step_once(engine, job->steps, job->arena, job->outcomes, err);
}

bool loops_advance(struct loops *loops, const struct actor *actor, const struct loop_step *step,
                   struct arena *arena, struct loop_outcome *ret_outcome, struct error *err)
{
    struct job job = {.loops = loops,
                      .actor = actor,
                      .steps = step,
                      .count = 1,
                      .arena = arena,
                      .outcomes = ret_outcome,
                      .act = act_step};
    return write_job(&job, err);
}

/* What refuses one step; anything else undoes all of them. */
static bool is_refusal(enum error_code code)
{
    return error_kind(code)->http_status < 500;
}

/* A refused step has written nothing: it is looked at whole before. */
static bool act_steps(struct engine *engine, struct job *job, struct error *err)
{
    struct counts counts = {.count = 0};
    engine->counts = &counts;
    for (size_t i = 0; i < job->count; i++) {
        struct error refusal = {.code = ERROR_NONE};
        bool done = step_once(engine, &job->steps[i], job->arena, &job->outcomes[i], &refusal);
        if (!done && !is_refusal(refusal.code)) {
            *err = refusal;
            return false;
        }
        job->refusals[i] = refusal;
        arena_clear(engine->arena);
    }
    return counts_flush(engine, err);
}

enum { STEPS_A_JOB = 1000 };

bool loops_advance_many(struct loops *loops, const struct actor *actor,
                        const struct loop_step *steps, size_t count, struct arena *arena,
                        struct loop_outcome *outcomes, struct error *refusals, struct error *err)
{
    for (size_t i = 0; i < count; i += STEPS_A_JOB) {
        size_t part = count - i < STEPS_A_JOB ? count - i : STEPS_A_JOB;
        struct error failure;
        struct job job = {.loops = loops,
                          .actor = actor,
                          .steps = steps + i,
                          .count = part,
                          .arena = arena,
                          .outcomes = outcomes + i,
                          .refusals = refusals + i,
                          .act = act_steps};
        if (write_job(&job, &failure))
            continue;
        if (i == 0) {
            *err = failure;
            return false;
        }
        for (size_t k = i; k < count; k++)
            refusals[k] = failure;
        return true;
    }
    return true;
}

/* ---- Signing */

/* Whose signature of those that are missing the actor gives; −1 where none. */
static bool place_to_sign(struct engine *engine, const struct loop *loop,
                          const struct scene_transition *transition,
                          const struct signatures *signatures, int *ret_place, struct error *err)
{
    *ret_place = -1;
    for (size_t i = 0; *ret_place < 0 && i < transition->sign.count && i < SIGNERS_MAX; i++) {
        bool fits = false;
        if (!signatures->users[i] &&
            !hand_fits(engine, loop, &transition->sign.items[i], &fits, err))
            return false;
        if (fits)
            *ret_place = (int)i;
    }
    return true;
}

struct pending {
    int transition;
    int64_t user_no;
    timestamp at;
    json_t *words;
};

static bool read_pending(struct engine *engine, int64_t loop_no, struct pending *ret_pending,
                         struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(engine->sql, &pending_select, SQL_ARGUMENTS(sql_int(loop_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return refuse(err, ERROR_CONFLICT, "id", "a step that waits for signatures",
                      "nothing waits to be signed");
    ret_pending->transition = (int)sql_get_int(query, 0);
    ret_pending->user_no = sql_get_int(query, 1);
    ret_pending->at = sql_get_int(query, 3);
    struct slice cipher = sql_get_blob(query, 2);
    cipher.data = arena_copy(engine->arena, cipher.data, cipher.length);
    sql_end(query);
    return words_read(engine, CIPHER_PENDING, loop_no, cipher, &ret_pending->words, err);
}

bool loop_waits_for(struct engine *engine, const struct loop *loop,
                    struct loop_waiting *ret_waiting, struct error *err)
{
    struct pending pending;
    struct signatures signatures;
    struct error none;
    *ret_waiting = (struct loop_waiting){.transition = NULL};
    if (loop->state != LOOP_OPEN)
        return true;
    if (!read_pending(engine, loop->no, &pending, &none)) {
        if (none.code != ERROR_CONFLICT)
            *err = none;
        return none.code == ERROR_CONFLICT;
    }
    if (!read_signatures(engine, loop->no, &signatures, err))
        return false;
    ret_waiting->transition = &loop_stage(loop)->next[pending.transition];
    ret_waiting->asked_by = pending.user_no;
    ret_waiting->asked_at = pending.at;
    ret_waiting->words = pending.words;
    for (size_t i = 0; i < SIGNERS_MAX; i++) {
        ret_waiting->signatures[i].user_no = signatures.users[i];
        ret_waiting->signatures[i].at = signatures.at[i];
    }
    return true;
}

/* All have signed: the step is taken as it was asked for, if its guards still hold for the
 * asker. */
static bool take_pending(struct engine *engine, struct loop *loop, const struct pending *pending,
                         struct loop_outcome *outcome, struct error *err)
{
    const struct scene_transition *transition = &loop_stage(loop)->next[pending->transition];
    const struct scene_condition *failed;
    const struct actor *signer = engine->actor;
    struct actor asker = *signer;
    json_t *given = json_object_get(pending->words, "fields");
    json_t *note = json_object_get(pending->words, "note");
    bool hold;
    json_object_update(loop->fields, given);
    asker.user_no = pending->user_no;
    engine->actor = &asker;
    bool done = conditions_hold(engine, loop, &transition->when, NULL, NULL, &failed, &hold, err);
    engine->actor = signer;
    if (!done)
        return false;
    if (!hold) {
        refuse_guard(loop, failed, err);
        return false;
    }
    struct act how = {.kind = ACT_ADVANCED,
                      .stage = loop->stage,
                      .fields = given,
                      .note = {json_string_value(note), json_string_length(note)}};
    if (!stage_enter(engine, loop, transition->to.index, &how, err))
        return false;
    outcome->stage = loop_stage(loop)->name;
    return true;
}

static bool may_sign(struct engine *engine, const struct pending *pending,
                     const struct signatures *signatures, struct error *err)
{
    enum own_hand hand;
    if (!hand_in_waiting(engine, pending->user_no, signatures->users, &hand, err))
        return false;
    if (hand == HAND_ASKED)
        return refuse(err, ERROR_CONFLICT, "id", "another hand than the one that asked",
                      "you asked for this step");
    return hand == HAND_NONE ||
           refuse(err, ERROR_CONFLICT, "id", "different people", "you have signed it");
}

static bool act_sign(struct engine *engine, struct job *job, struct error *err)
{
    struct loop *loop;
    struct pending pending;
    struct signatures signatures;
    struct loop_outcome *outcome = job->outcomes;
    int place;
    *outcome = (struct loop_outcome){.loop_no = job->loop_no};
    if (!take_loop(engine, job->loop_no, &loop, err) ||
        !read_pending(engine, loop->no, &pending, err) ||
        !read_signatures(engine, loop->no, &signatures, err) ||
        !may_sign(engine, &pending, &signatures, err))
        return false;
    const struct scene_transition *transition = &loop_stage(loop)->next[pending.transition];
    if (!place_to_sign(engine, loop, transition, &signatures, &place, err))
        return false;
    if (place < 0)
        return refuse(err, ERROR_FORBIDDEN, "id", "one of those whose signature is missing",
                      "this signature is not yours to give");
    signatures.users[place] = engine->actor->user_no;
    loop->marks[loop->stage].acted++;
    struct act act = {.kind = ACT_SIGNED, .stage = loop->stage, .other_no = place};
    if (!sql_run(engine->sql, &signature_put,
                 SQL_ARGUMENTS(sql_int(loop->no), sql_int(place), sql_int(engine->actor->user_no),
                               sql_int(engine->now)),
                 err) ||
        !loop_write(engine, loop, false, err) || !act_write(engine, loop, &act, err))
        return false;
    outcome->stage = loop_stage(loop)->name;
    tell_missing(engine, loop, transition, &signatures, job->arena, outcome);
    return outcome->missing[0] || take_pending(engine, loop, &pending, outcome, err);
}

bool loops_sign(struct loops *loops, const struct actor *actor, int64_t loop_no,
                struct arena *arena, struct loop_outcome *ret_outcome, struct error *err)
{
    struct job job = {.loops = loops,
                      .actor = actor,
                      .loop_no = loop_no,
                      .arena = arena,
                      .outcomes = ret_outcome,
                      .act = act_sign};
    return write_job(&job, err);
}

/* ---- Claiming */

static bool act_claim(struct engine *engine, struct job *job, struct error *err)
{
    struct loop *loop;
    struct seat seat;
    bool holds;
    *job->outcomes = (struct loop_outcome){.loop_no = job->loop_no};
    if (!take_loop(engine, job->loop_no, &loop, err) || !is_not_claimed(engine, loop, err) ||
        !seat_read(engine->sql, loop->seat_no, &seat, err) ||
        !board_holds(engine->board, engine->sql, &seat, engine->actor->user_no, &holds, err))
        return false;
    if (!holds)
        return refuse(err, ERROR_FORBIDDEN, "id", "somebody of the owner",
                      "the loop is not yours to hold");
    if (loop_stage(loop)->claim == SCENE_UNSET)
        return refuse(err, ERROR_CONFLICT, "id", "a stage that may be held",
                      "in this stage nobody holds the loop alone");
    struct act act = {.kind = job->flag ? ACT_RELEASED : ACT_CLAIMED, .stage = loop->stage};
    loop->claim_user = job->flag ? 0 : engine->actor->user_no;
    loop->claim_until = job->flag ? 0 : engine->now + loop_stage(loop)->claim * SECOND;
    job->outcomes->stage = loop_stage(loop)->name;
    return loop_write(engine, loop, false, err) && act_write(engine, loop, &act, err);
}

bool loops_claim(struct loops *loops, const struct actor *actor, int64_t loop_no, bool release,
                 struct arena *arena, struct loop_outcome *ret_outcome, struct error *err)
{
    struct job job = {.loops = loops,
                      .actor = actor,
                      .loop_no = loop_no,
                      .flag = release,
                      .arena = arena,
                      .outcomes = ret_outcome,
                      .act = act_claim};
    return write_job(&job, err);
}

/* ---- What the command centre may always do */

static bool act_take_over(struct engine *engine, struct job *job, struct error *err)
{
    struct loop *loop;
    struct seat seat;
    *job->outcomes = (struct loop_outcome){.loop_no = job->loop_no};
    if (!actor_is_command(engine->actor))
        return refuse(err, ERROR_FORBIDDEN, "id", "the command centre",
                      "only the command centre takes a loop over");
    if (!slice_trim(job->note).length)
        return refuse(err, ERROR_BAD_VALUE, "note", "words that say why", "the note is missing");
    if (!take_loop(engine, job->loop_no, &loop, err))
        return false;
    struct act act = {
        .kind = job->flag ? ACT_CLOSED : ACT_TAKEN_OVER, .stage = loop->stage, .note = job->note};
    job->outcomes->stage = loop_stage(loop)->name;
    if (job->flag) {
        loop->state = LOOP_FAILED;
        loop->closed_at = engine->now;
        loop->wake_at = TIMESTAMP_NONE;
    } else {
        int64_t seat_before = loop->seat_no;
        command_seat(engine, &seat);
        if (!seat_number(engine->sql, &seat, true, &loop->seat_no, err) ||
            !party_add(engine, loop->no, loop->seat_no, false, err))
            return false;
        loop->claim_user = 0;
        loop->claim_until = 0;
        act.other_no = loop->seat_no;
        act.new_owner = loop->seat_no != seat_before;
    }
    return (!job->flag || party_untell(engine, loop->no, err)) &&
           loop_write(engine, loop, false, err) && act_write(engine, loop, &act, err) &&
           (!job->flag || indicators_count(engine, loop, err));
}

bool loops_take_over(struct loops *loops, const struct actor *actor, int64_t loop_no,
                     struct slice note, bool close, struct arena *arena,
                     struct loop_outcome *ret_outcome, struct error *err)
{
    struct job job = {.loops = loops,
                      .actor = actor,
                      .loop_no = loop_no,
                      .note = note,
                      .flag = close,
                      .arena = arena,
                      .outcomes = ret_outcome,
                      .act = act_take_over};
    return write_job(&job, err);
}
