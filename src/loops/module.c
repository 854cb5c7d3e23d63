/* What the loops room gives the house; opening and closing it. */
#include <stdlib.h>

#include "loops/loops_internal.h"

static const struct migration migrations[] = {
    {"src/loops/schema/001_loops.sql"},      {"src/loops/schema/002_results.sql"},
    {"src/loops/schema/003_indicators.sql"}, {"src/loops/schema/004_sheet_rows.sql"},
    {"src/loops/schema/005_photos.sql"},     {"src/loops/schema/006_cases.sql"},
    {"src/loops/schema/007_recorded_by.sql"}};

/* {"scene","stage","state","act","seat","new_owner"}; the subject is the loop, `seat` its owner or
 * who was told */
static const struct event_kind event_kinds[] = {
#define X(id, name) {"loop." name, "loop"},
    ACT_TABLE(X)
#undef X
        {"loop.not_opened",
         "none"}, /* {"scene","missing","event"}: the event lacked what is required */
};

static const struct sql_text first_hand = {
    "loop_first_hand", "SELECT user_no FROM loop_act WHERE loop_no = ?1 ORDER BY act_no LIMIT 1",
    "loop_act_by_loop"};
static const struct sql_list purpose_statements = SQL_LIST(&first_hand);

/* A loop that the reader opened by hand gives no more than the reader has: else whoever may open
 * one could open anybody. */
static bool is_given(struct platform *platform, struct sql *sql, const struct actor *actor,
                     int64_t loop_no, int64_t person_no, bool *io_holds, struct error *err)
{
    int64_t opener, area_no;
    if (!*io_holds || !person_no)
        return true;
    if (!sql_one_int(sql, &first_hand, SQL_ARGUMENTS(sql_int(loop_no)), 0, &opener, err))
        return false;
    return opener != actor->user_no ||
           access_person_within(platform, sql, actor, person_no, &area_no, io_holds, err);
}

/* Who may name a loop as the purpose of a read: those who have a part in it. */
static bool holds_loop(struct platform *platform, const struct actor *actor, int64_t loop_no,
                       bool *ret_holds, int64_t *ret_person_no, struct error *err)
{
    struct sql *sql;
    struct engine engine;
    struct loop *loop = NULL;
    *ret_holds = false;
    *ret_person_no = 0;
    if (!loops_ready(platform->loops, err) || !store_read_begin(platform->store, &sql, err))
        return false;
    bool done = engine_begin(&engine, platform->loops, sql, actor, err);
    if (done) {
        done = loop_read(&engine, loop_no, &loop, err) &&
               (!loop || loop->state != LOOP_OPEN || hand_is_party(&engine, loop, ret_holds, err));
        if (done && loop && loop_scene(loop)->subject == SCENE_PERSON)
            *ret_person_no = loop->subject_no;
        done = done && is_given(platform, sql, actor, loop_no, *ret_person_no, ret_holds, err);
        engine_end(&engine);
    }
    store_read_end(platform->store, sql);
    return done;
}

/* On the store's writer thread, after a commit with events. */
static void wake(void *context)
{
    struct loops *loops = context;
    pthread_mutex_lock(&loops->waking);
    loops->woken = true;
    pthread_cond_signal(&loops->changed);
    pthread_mutex_unlock(&loops->waking);
}

bool loops_wait(struct loops *loops, int seconds)
{
    struct timespec until = {.tv_sec = world_real_now() / SECOND + seconds};
    pthread_mutex_lock(&loops->waking);
    while (!loops->stopping && !loops->woken &&
           pthread_cond_timedwait(&loops->changed, &loops->waking, &until) == 0)
        ;
    loops->woken = false;
    bool goes_on = !loops->stopping;
    pthread_mutex_unlock(&loops->waking);
    return goes_on;
}

void loops_stop(struct loops *loops)
{
    pthread_mutex_lock(&loops->waking);
    loops->stopping = true;
    pthread_cond_broadcast(&loops->changed);
    pthread_mutex_unlock(&loops->waking);
}

bool loops_open(struct platform *platform, struct loops **ret_loops, struct error *err)
{
    struct loops *loops = x_alloc(1, sizeof *loops);
    loops->platform = platform;
    if (!loop_viewers_open(loops, err)) {
        free(loops);
        return false;
    }
    loops->proofs = proofs_open();
    pthread_rwlockattr_t attributes; /* the next board does not wait for ever behind readers */
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&loops->board_lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&loops->running, NULL);
    pthread_mutex_init(&loops->loading, NULL);
    pthread_mutex_init(&loops->waking, NULL);
    pthread_cond_init(&loops->changed, NULL);
    store_on_events(platform->store, wake, loops);
    access_ask_loops(platform->access, holds_loop);
    *ret_loops = loops;
    return true;
}

void loops_close(struct loops *loops)
{
    if (!loops)
        return;
    proofs_close(loops->proofs);
    viewers_close(loops->viewers);
    definitions_free(atomic_load(&loops->definitions));
    board_free(loops->board);
    pthread_rwlock_destroy(&loops->board_lock);
    pthread_mutex_destroy(&loops->running);
    pthread_mutex_destroy(&loops->loading);
    pthread_mutex_destroy(&loops->waking);
    pthread_cond_destroy(&loops->changed);
    free(loops);
}

bool loops_run(struct loops *loops, int64_t *ret_acts, struct error *err)
{
    int64_t acts = 0;
    if (!loops_ready(loops, err))
        return false;
    pthread_mutex_lock(&loops->running);
    bool done = loops_follow(loops, &acts, err) && loops_clock(loops, &acts, err) &&
                loops_viewers_look(loops, err);
    pthread_mutex_unlock(&loops->running);
    if (ret_acts)
        *ret_acts = acts;
    return done;
}

const struct module loops_module = {
    .name = "loops",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .routes = loop_routes,
    .route_count = LOOP_ROUTES,
    .commands = loop_commands,
    .command_count = LOOP_COMMANDS,
    .event_kinds = event_kinds,
    .event_kind_count = sizeof event_kinds / sizeof *event_kinds,
    .statements =
        (const struct sql_list *const[]){
            &loop_definition_statements, &loop_board_statements, &loop_record_statements,
            &loop_field_statements, &loop_condition_statements, &loop_hand_statements,
            &loop_opening_statements, &loop_stage_statements, &loop_step_statements,
            &loop_clock_statements, &loop_follow_statements, &loop_list_statements,
            &loop_show_statements, &loop_forget_statements,
            &loop_result_statements, &loop_verify_statements, &loop_indicator_statements,
            &loop_told_statements, &loop_sheet_statements, &loop_photo_statements,
            &loop_thing_statements, &loop_duty_statements, &loop_proof_statements,
            &loop_as_of_statements, &loop_subject_statements, &loop_viewer_statements,
            &loop_case_statements, &loop_ladder_statements, &purpose_statements, NULL},
    .ciphers = loop_ciphers,
    .cipher_count = LOOP_CIPHERS,
};
