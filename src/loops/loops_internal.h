/* Inside the loops room only. */
#ifndef CHENGMAI_LOOPS_INTERNAL_H
#define CHENGMAI_LOOPS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/access.h"
#include "loops/loops.h"
#include "registry/registry.h"
#include "status/status.h"

/* ---- Definitions: the versions of scenes that are loaded (definitions.c) -------------------- */

struct definition {
    int64_t scene_no;
    const struct scene *scene;
    bool opens;
    bool *is_about; /* by field: some transition waits for an event about what it names */
};
/* A set never changes and lives until the room closes; loading scenes makes the next one. */
struct definitions {
    struct arena arena;
    struct definition *items; /* by scene_no */
    size_t count;
    struct definitions *before;
};
/* Reads what is loaded (inside any read). */
bool definitions_read(struct loops *loops, struct sql *sql, struct definitions **ret_definitions,
                      struct error *err) MUST_USE;
void definitions_free(struct definitions *definitions); /* and those before */
/* NULL where unknown. */
const struct definition *definition_of(const struct definitions *definitions, int64_t scene_no);
/* The version that opens; NULL where there is no scene of that name. */
const struct definition *definition_named(const struct definitions *definitions, struct slice name);

/* ---- The board: who is on duty now (board.c) ------------------------------------------------ */

enum seat_form { SEAT_ROLE, SEAT_UNIT, SEAT_PERSON, SEAT_LEAD, SEAT_FORMS };
struct seat {
    int64_t no;
    enum seat_form form;
    char role[40]; /* of SEAT_ROLE; of the others the role that stands in where nobody is */
    int64_t area_no;
    int64_t object_no; /* SEAT_LEAD: the seat whose lead it is */
};
struct board_user {
    int64_t user_no, lead_no, area_no, person_no, unit_no;
    char role[40];
    int64_t acts_as; /* who is there instead: the delegate of an absence, else itself */
};
struct board {
    struct arena arena;
    struct board_user *users; /* on duty, or with a delegate that is */
    size_t count;
    int64_t version;
    timestamp from, until; /* valid within */
    uint64_t users_generation;
    int64_t users_last, duties;
};
/* Whether a user may act for a seat now. `sql` reads the seat that a lead's seat is about. */
bool board_holds(const struct board *board, struct sql *sql, const struct seat *seat,
                 int64_t user_no, bool *ret_holds, struct error *err) MUST_USE;
/* Whether the seat names the user: not one who stands in for a person or a unit that has nobody on
 * duty, as their role in the loop's area does. */
bool board_names(const struct board *board, struct sql *sql, const struct seat *seat,
                 int64_t user_no, bool *ret_names, struct error *err) MUST_USE;
/* NULL where the user is not on duty and nobody acts for them. */
const struct board_user *board_user(const struct board *board, int64_t user_no);
/* The users whom a seat means now, each once, into the arena. */
bool board_users_of(const struct board *board, struct sql *sql, const struct seat *seat,
                    struct arena *arena, int64_t **ret_users, size_t *ret_count,
                    struct error *err) MUST_USE;
/* The area above, 0 above the highest. */
int64_t area_above(int64_t area_no);
/* Inside a job or read: the number of a seat, which is made where it is new (`create`; 0 where it
 * is not there and not to be made). */
bool seat_number(struct sql *sql, const struct seat *seat, bool create, int64_t *ret_no,
                 struct error *err) MUST_USE;
/* ERROR_CORRUPT where there is none of that number. */
bool seat_read(struct sql *sql, int64_t seat_no, struct seat *ret_seat, struct error *err) MUST_USE;
/* The seats that the user holds now, by number, into the arena. */
bool seats_held(const struct board *board, struct sql *sql, int64_t user_no, struct arena *arena,
                int64_t **ret_seats, size_t *ret_count, struct error *err) MUST_USE;
/* Takes hold of the board as it is now; given back by board_release. Never twice on one thread, and
 * never while waiting for a store job: who makes the next board waits until nobody holds this one,
 * and may be a job. */
bool board_take(struct loops *loops, struct sql *sql, const struct board **ret_board,
                struct error *err) MUST_USE;
void board_release(struct loops *loops);
void board_free(struct board *board); /* accepts NULL */

/* ---- The room ------------------------------------------------------------------------------- */

struct loops {
    struct platform *platform;
    _Atomic(struct definitions *) definitions;
    pthread_rwlock_t board_lock; /* owns board; held for reading while a board is in use */
    struct board *board;
    atomic_llong duties;     /* raised with every change of duties and absences */
    pthread_mutex_t running; /* one runs the clock at a time */
    pthread_mutex_t loading; /* one loads scenes at a time */
    pthread_mutex_t waking;  /* owns the rest */
    pthread_cond_t changed;
    bool woken, stopping;
    struct proofs *proofs;
    struct viewers *viewers; /* who has what open; has its own lock */
};

/* What was found of all scenes lately (proofs.c). */
struct proofs *proofs_open(void);
void proofs_close(struct proofs *proofs); /* accepts NULL */

/* ---- A loop in memory (record.c) ------------------------------------------------------------ */

/* Of every stage: how often, when last, and whether a hand acted there. */
struct mark {
    int64_t entered_at;
    int32_t visits, acted;
};
enum { CHILDREN_MAX = 8, ACT_WORDS_MAX = 64 << 10 };
struct tail {                     /* of the present stage */
    uint64_t tried;               /* bit by transition: its time came and its guards did not hold */
    uint32_t fired[CHILDREN_MAX]; /* by child: how many were opened by time */
    int64_t waits;                /* 1: a step waits for signatures */
    int64_t ticked;               /* the last passing of an hour or a day that was looked at */
};
struct loop {
    int64_t no, area_no, subject_no, seat_no, steps, claim_user;
    const struct definition *definition;
    int stage;
    enum loop_state state;
    timestamp opened_at, entered_at, due_at, wake_at, closed_at, claim_until;
    bool overdue;
    bool keyed; /* unique_key holds while it is open */
    unsigned char unique_key[16];
    struct mark *marks;
    struct tail tail;
    json_t *fields;                   /* name → stored value; owned by the arena */
    const struct definition *counted; /* as it lies in SQL: what the counters know */
    int stored_stage;
    bool stored_open, stored_overdue;
    int64_t stored_seat;
    timestamp stored_entered, stored_due;
};
static inline const struct scene *loop_scene(const struct loop *loop)
{
    return loop->definition->scene;
}
static inline const struct scene_stage *loop_stage(const struct loop *loop)
{
    return &loop->definition->scene->stages[loop->stage];
}

#define ACT_TABLE(X)                                                                               \
    X(ACT_OPENED, "opened") /* other_no: the parent */                                             \
    X(ACT_JOINED, "joined") /* a second opening about the same */                                  \
    X(ACT_ADVANCED, "advanced")                                                                    \
    X(ACT_ASKED, "asked") /* a step that waits for signatures */                                   \
    X(ACT_SIGNED, "signed")                                                                        \
    X(ACT_OVERDUE, "overdue")                                                                      \
    X(ACT_ESCALATED, "escalated") /* other_no: the seat that was told */                           \
    X(ACT_CLAIMED, "claimed")                                                                      \
    X(ACT_RELEASED, "released")                                                                    \
    X(ACT_TAKEN_OVER, "taken_over")                                                                \
    X(ACT_CLOSED, "closed")     /* by the command centre, as failed */                             \
    X(ACT_CHILD, "child")       /* other_no: the loop that was opened */                           \
    X(ACT_FILLED, "filled")     /* an event filled fields, and no guard let it pass */             \
    X(ACT_MIGRATED, "migrated") /* other_no: the scene's version */                                \
    X(ACT_NOTED, "noted")       /* words or photos; nothing moves */
enum act_kind {
#define X(id, name) id,
    ACT_TABLE(X)
#undef X
        ACT_KINDS
};
const char *act_name(enum act_kind kind);

/* Changes of counters that are written once, when a job of many acts ends. */
enum { COUNTS_GATHERED = 64 };
struct counts {
    struct count_change {
        int64_t area_no, scene_no, stage, open, overdue;
    } items[COUNTS_GATHERED];
    size_t count;
};

/* What one transaction works with. */
struct engine {
    struct loops *loops;
    struct platform *platform;
    struct sql *sql;
    struct arena *arena;
    const struct definitions *definitions;
    const struct board *board;
    timestamp now;
    const struct actor *actor; /* NULL: the clock or an event */
    int64_t event_no;          /* of an event, else 0 */
    int64_t acts;              /* rows of loop_act written */
    int64_t last_act;          /* the highest number of one; 0: not looked up yet */
    struct counts *counts;     /* the caller's to flush; NULL: each is written at once */
};

/* NULL fields never stand: an absent field is not in the object. Reads the loop with `no`;
 * *ret_loop NULL where there is none. */
bool loop_read(struct engine *engine, int64_t no, struct loop **ret_loop,
               struct error *err) MUST_USE;
/* The next loops of a version of a scene: open ones by number, closed ones by when they closed.
 * `loops` has room for LOOPS_A_BLOCK; fewer come at the end. */
enum { LOOPS_A_BLOCK = 500 };
struct loop_block {
    int64_t scene_no, after_no;
    timestamp after_closed;
    bool closed;
};
bool loops_read_block(struct engine *engine, const struct loop_block *block, struct loop *loops,
                      size_t *ret_count, struct error *err) MUST_USE;
/* Writes a new loop and gives it its number. */
bool loop_insert(struct engine *engine, struct loop *loop, struct error *err) MUST_USE;
bool loop_write(struct engine *engine, struct loop *loop, bool fields_too,
                struct error *err) MUST_USE;
/* Writes what was gathered; nothing is gathered after it. */
bool counts_flush(struct engine *engine, struct error *err) MUST_USE;
/* The highest number of a loop; 0 where none. */
bool loop_highest(struct sql *sql, int64_t *ret_no, struct error *err) MUST_USE;
/* What the scene measures of the loop, which has just entered its stage or was closed
 * (indicators.c). */
bool indicators_count(struct engine *engine, const struct loop *loop, struct error *err) MUST_USE;
/* All indicators of the scenes that open, items of an open array, over areas and city days. */
struct indicator_query {
    struct slice scene; /* data NULL: all */
    int64_t area_first, area_last;
    int64_t day_first, day_last;
    bool narrower; /* as in struct loop_query: without scenes that hide what they are about */
};
bool indicators_put(struct engine *engine, struct json_writer *writer,
                    const struct indicator_query *query, struct error *err) MUST_USE;
/* One row of what was done, and its event. `words` may be NULL. */
struct act {
    enum act_kind kind;
    int stage; /* in which */
    int64_t other_no;
    json_t *fields;    /* set by it; NULL: none */
    json_t *differing; /* given and not taken; NULL: none */
    struct slice note;
    json_t *photos; /* digests sent with the note; NULL: none */
    bool new_owner; /* the loop is another seat's from now on */
};
bool act_write(struct engine *engine, const struct loop *loop, const struct act *act,
               struct error *err) MUST_USE;
/* The words of an act, or of a step that waits: {"fields":…,"differing":…,"note":…}. */
bool words_read(struct engine *engine, int64_t base, int64_t no, struct slice cipher,
                json_t **ret_words, struct error *err) MUST_USE;
struct slice words_pack(struct engine *engine, int64_t base, int64_t no, json_t *words);
/* A part in a loop, for ever; `told`: escalated to in this stage. */
bool party_add(struct engine *engine, int64_t loop_no, int64_t seat_no, bool told,
               struct error *err) MUST_USE;
bool party_untell(struct engine *engine, int64_t loop_no, struct error *err) MUST_USE;
json_t *keep_json(struct engine *engine, json_t *value); /* freed with the arena */

/* Rows of ciphers under KEY_IDENTITY; 1 to 3, and halves between, are other rooms'. */
#define CIPHER_BASE(n) ((int64_t)(n) << 60)
#define CIPHER_FIELDS CIPHER_BASE(4)
#define CIPHER_WORDS CIPHER_BASE(5)
#define CIPHER_PENDING CIPHER_BASE(6)

/* ERROR_BAD_VALUE in a field; false. (record.c) */
bool loop_bad_value(const char *field, const char *expected, const char *what, struct error *err);

/* ---- Values (fields.c) ---------------------------------------------------------------------- */

/* All of an object; unknown names are refused. Merges into `into` (made where NULL). */
bool fields_take(struct engine *engine, const struct scene *scene, json_t *given, json_t **into,
                 struct error *err) MUST_USE;
/* From the stored form to the interface's; the caller's to release. */
bool field_show(struct engine *engine, const struct scene_field *field, json_t *value,
                json_t **ret_shown, struct error *err) MUST_USE;
/* Entries of an event's payload whose name and type a field has, in stored form. */
bool fields_of_payload(struct engine *engine, const struct scene *scene,
                       const struct scene_event *event, struct slice payload, json_t **ret_fields,
                       json_t **ret_payload, struct error *err) MUST_USE;
/* The stored value of a name that is a field; NULL where absent. */
json_t *loop_value(const struct loop *loop, const struct scene_name *name);
/* Number and area of what a kind and number name; *ret_known false where there is none. */
struct object {
    bool known;
    int64_t area_no, unit_no, person_no;
};
bool object_read(struct engine *engine, enum scene_kind kind, int64_t no, struct object *ret_object,
                 struct error *err) MUST_USE;
/* A number or the code of a thing (a string); *ret_no 0 where there is none. */
bool object_number(struct engine *engine, enum scene_kind kind, json_t *given, const char *field,
                   int64_t *ret_no, struct error *err) MUST_USE;
/* Whether the kind is one of the room's own things. */
bool kind_is_thing(enum scene_kind kind);
bool thing_put(struct engine *engine, enum scene_kind kind, struct slice code, struct slice name,
               int64_t area_no, int64_t unit_no, int64_t *ret_no, struct error *err) MUST_USE;
/* The code of a thing; data NULL where there is none. */
bool thing_code(struct sql *sql, int64_t no, struct arena *arena, struct slice *ret_code,
                struct error *err) MUST_USE;

/* ---- Guards (conditions.c) ------------------------------------------------------------------ */

/* Whether all hold; *ret_failed the first that does not. `event` names what TARGET_PAYLOAD is. */
bool conditions_hold(struct engine *engine, const struct loop *loop,
                     const struct scene_conditions *conditions, const struct scene_event *event,
                     json_t *payload, const struct scene_condition **ret_failed, bool *ret_hold,
                     struct error *err) MUST_USE;

/* ---- Hands (hands.c) ------------------------------------------------------------------------ */

/* The seat that an owner form resolves to in this loop; the command centre's where it does not. */
bool owner_seat(struct engine *engine, const struct loop *loop, const struct scene_owner *owner,
                struct seat *ret_seat, struct error *err) MUST_USE;
void command_seat(struct engine *engine, struct seat *ret_seat);
/* Whether the actor is one of those that a form names. */
bool hand_fits(struct engine *engine, const struct loop *loop, const struct scene_owner *hand,
               bool *ret_fits, struct error *err) MUST_USE;
bool actor_is_command(const struct actor *actor);
/* Whether the actor has a part in the loop: owner or party. */
bool hand_is_party(struct engine *engine, const struct loop *loop, bool *ret_party,
                   struct error *err) MUST_USE;

/* Whether the stage names the actor among those who may act or sign next. */
bool hand_is_next(struct engine *engine, const struct loop *loop, bool *ret_next,
                  struct error *err) MUST_USE;
/* Whether the actor sees the loop: by its area where the role looks after areas, by a part in it,
 * or as one who may act next. */
bool loop_is_visible(struct engine *engine, const struct loop *loop, bool *ret_visible,
                     struct error *err) MUST_USE;
/* Inside a job: one that the actor may see and that is open; ERROR_NOT_FOUND, ERROR_CONFLICT. */
bool take_loop(struct engine *engine, int64_t no, struct loop **ret_loop,
               struct error *err) MUST_USE;
/* A refusal that says which guard does not hold, in words. */
void refuse_guard(const struct loop *loop, const struct scene_condition *failed, struct error *err);

/* ---- Moving (opening.c, stages.c, steps.c, clock.c, follow.c) -------------------------------- */

struct opening {
    const struct definition *definition;
    int64_t subject_no;
    json_t *fields;            /* stored form; may be NULL */
    const struct loop *parent; /* NULL: none */
};
bool loop_open(struct engine *engine, const struct opening *opening, int64_t *ret_no,
               bool *ret_joined, struct error *err) MUST_USE;
/* loops_open_by_hand inside a job; loops_ready before. What it wrote goes with the job, or the part
 * of it, where it fails. */
bool loop_open_within(struct loops *loops, struct sql *sql, const struct actor *actor,
                      const struct loop_opening *opening, struct loop_outcome *ret_outcome,
                      struct error *err) MUST_USE;
/* Enters a stage: owner, clock, children; or closes. A loop without a number is inserted. `how` is
 * the act that led there. */
bool stage_enter(struct engine *engine, struct loop *loop, int stage, const struct act *how,
                 struct error *err) MUST_USE;
/* What a stage's kind of end makes of a loop that enters it. */
enum loop_state loop_state_of(enum scene_final final);
/* When the loop's stage is due; and whose it is by its scene: the command centre's where the stage
 * was entered more often than it may be. */
timestamp loop_deadline(const struct loop *loop);
bool stage_owner_seat(struct engine *engine, const struct loop *loop, struct seat *ret_seat,
                      struct error *err) MUST_USE;
/* Whom a step of the scene's `escalate` tells in this loop; its number may be 0. */
bool step_seat(struct engine *engine, const struct loop *loop, const struct scene_step *step,
               struct seat *ret_seat, struct error *err) MUST_USE;
/* When the clock has to look at it next; TIMESTAMP_NONE: never. */
timestamp loop_next_wake(const struct loop *loop);
/* Does everything of this loop whose time has come, in order, at most one stage further. */
bool loop_wake(struct engine *engine, struct loop *loop, struct error *err) MUST_USE;
/* The loops that a stage of the parent names for a child, opened or joined. */
bool children_open(struct engine *engine, struct loop *parent, const struct scene_child *child,
                   struct error *err) MUST_USE;
/* The event log, up to its end; the clock, up to now. Counts of acts are added. */
bool loops_follow(struct loops *loops, int64_t *acts, struct error *err) MUST_USE;
bool loops_clock(struct loops *loops, int64_t *acts, struct error *err) MUST_USE;

/* Makes a row that is open now, or was closed after `as_of`, into what it was then (as_of.c): its
 * stage −1 and its deadline TIMESTAMP_NONE where they are not known. */
bool loop_row_as_of(struct engine *engine, timestamp as_of, struct loop_row *row,
                    struct error *err) MUST_USE;
/* loops_list of what was open at query->as_of, in areas: what is open still, then (closed_since)
 * what was closed since. A page may be short before the end. */
bool loops_list_as_of(struct engine *engine, const struct loop_query *query, struct arena *arena,
                      struct loop_page *ret_page, struct error *err) MUST_USE;
/* loops_list for one who holds the board. */
/* Whether the reader is named as the owner of a row. */
bool loop_row_is_own(const struct board *board, struct sql *sql, const struct loop_row *row,
                     int64_t user_no, bool *ret_own, struct error *err) MUST_USE;
bool loops_list_by(const struct board *board, struct loops *loops, struct sql *sql,
                   const struct loop_query *query, struct arena *arena, struct loop_page *ret_page,
                   struct error *err) MUST_USE;
/* Whether a field of the scene hides what it is about until a stage that was not entered yet;
 * `marks` as stored. */
bool loop_is_hidden(const struct scene *scene, struct slice marks);
/* Whether its loops hide something until a stage. */
bool scene_hides(const struct scene *scene);

/* ---- Showing (show.c) ----------------------------------------------------------------------- */

/* Members of an open object: what a list shows of a loop. `hidden`: not what it is about. */
bool loop_show_row(struct engine *engine, struct json_writer *writer, const struct loop_row *row,
                   bool hidden, struct error *err) MUST_USE;
/* What a list shows of a loop in memory. */
struct loop_row loop_row_of(const struct loop *loop);
/* The whole page of a loop for the engine's actor. */
bool loop_show(struct engine *engine, const struct loop *loop, struct json_writer *writer,
               struct error *err) MUST_USE;
bool seat_show(struct engine *engine, struct json_writer *writer, const char *key, int64_t seat_no,
               bool hidden, struct error *err) MUST_USE;
void loop_put_json(struct json_writer *writer, json_t *value);
/* Fields that are neither personal nor hidden, name → value as the interface writes it, into an
 * object (every.c). */
bool loop_told_fields(struct engine *engine, const struct loop *loop, json_t *into,
                      struct error *err) MUST_USE;
void seat_put(struct engine *engine, struct json_writer *writer, const char *key,
              const struct seat *seat, bool hidden);
/* The member "ladder": the steps of the present stage's escalation (ladder.c). */
bool ladder_put(struct engine *engine, struct json_writer *writer, const struct loop *loop,
                bool hidden, struct error *err) MUST_USE;
/* The step that waits for signatures; its transition NULL where none waits. */
enum { SIGNERS_MAX = 8 };
/* Whose hand asked for the step or signed it, as the actor's own, also through another account. */
enum own_hand { HAND_NONE, HAND_ASKED, HAND_SIGNED };
bool hand_in_waiting(struct engine *engine, int64_t asked_by, const int64_t signers[SIGNERS_MAX],
                     enum own_hand *ret_hand, struct error *err) MUST_USE;
struct loop_waiting {
    const struct scene_transition *transition;
    int64_t asked_by;
    timestamp asked_at;
    json_t *words; /* the engine's: `fields` and `note` that the step was submitted with */
    struct {
        int64_t user_no; /* 0: missing */
        timestamp at;
    } signatures[SIGNERS_MAX]; /* by place in `sign` of the transition */
};
bool loop_waits_for(struct engine *engine, const struct loop *loop,
                    struct loop_waiting *ret_waiting, struct error *err) MUST_USE;

/* What part the engine's actor has in a loop, and what it keeps back from them. */
struct loop_part {
    bool owns;  /* named as the owner: who only stands in is not told what hides */
    bool opens; /* owner, party or the command centre: personal fields are shown */
};
bool loop_part_of(struct engine *engine, const struct loop *loop, struct loop_part *ret_part,
                  struct error *err) MUST_USE;
bool loop_keeps_back(const struct loop *loop, const struct scene_field *field,
                     const struct loop_part *part);

/* ---- About one person or unit (subjects.c) -------------------------------------------------- */

bool loops_handle_of_person(const struct request *request, struct response *response,
                            struct error *err);
bool loops_handle_purposes(const struct request *request, struct response *response,
                           struct error *err);
bool loops_handle_of_unit(const struct request *request, struct response *response,
                          struct error *err);

/* ---- About cases (cases.c) ------------------------------------------------------------------ */

/* Inside a job: the loop names, from now until it is forgotten, the cases that an act set, and the
 * case that it is about. */
bool loop_cases_name(struct engine *engine, const struct loop *loop, const struct act *act,
                     struct error *err) MUST_USE;
bool loop_cases_forget(struct sql *sql, int64_t loop_no, struct error *err) MUST_USE;
bool loops_handle_of_case(const struct request *request, struct response *response,
                          struct error *err);

/* ---- Photos (photos.c) ---------------------------------------------------------------------- */

/* Inside a job: the loop names, from now until it is forgotten, the photos that an act set. */
bool loop_photos_name(struct engine *engine, const struct loop *loop, json_t *fields,
                      struct error *err) MUST_USE;
/* The same for photos that came with a note and belong to no field. */
bool loop_photos_note(struct engine *engine, const struct loop *loop, json_t *photos,
                      struct error *err) MUST_USE;
/* Inside the job that forgets the loop; what no other loop names goes with it. */
bool loop_photos_forget(struct sql *sql, int64_t loop_no, struct error *err) MUST_USE;
/* Whether a photo of this digest was sent, by the actor or as one that the actor may look at. */
bool loop_photo_may_be_named(struct engine *engine, struct slice digest, bool *ret_may,
                             struct error *err) MUST_USE;
bool photos_handle_send(const struct request *request, struct response *response,
                        struct error *err);
bool photos_handle_limits(const struct request *request, struct response *response,
                          struct error *err);
bool photos_handle_look(const struct request *request, struct response *response,
                        struct error *err);

/* ---- Who has what open (viewer_routes.c) ---------------------------------------------------- */

/* Reads policies/desk.yaml. */
bool loop_viewers_open(struct loops *loops, struct error *err) MUST_USE;
/* Whether loops that somebody has open have moved: a turn for each that has. */
bool loops_viewers_look(struct loops *loops, struct error *err) MUST_USE;
bool viewers_handle_put(const struct request *request, struct response *response,
                        struct error *err);
bool viewers_handle_remove(const struct request *request, struct response *response,
                           struct error *err);

/* Begins and ends what a job works with. */
bool engine_begin(struct engine *engine, struct loops *loops, struct sql *sql,
                  const struct actor *actor, struct error *err) MUST_USE;
void engine_end(struct engine *engine);

extern const struct sql_list loop_definition_statements, loop_board_statements,
    loop_record_statements, loop_field_statements, loop_condition_statements, loop_hand_statements,
    loop_opening_statements, loop_show_statements, loop_stage_statements, loop_step_statements,
    loop_clock_statements, loop_follow_statements, loop_list_statements,
    loop_forget_statements, loop_result_statements, loop_verify_statements,
    loop_indicator_statements, loop_told_statements, loop_sheet_statements, loop_photo_statements,
    loop_thing_statements, loop_duty_statements, loop_proof_statements, loop_as_of_statements,
    loop_subject_statements, loop_viewer_statements, loop_case_statements,
    loop_ladder_statements;
/* ---- Sheets (sheet_import.c, sheet_export.c) ------------------------------------------------ */

/* The version of a scene that opens; ERROR_USAGE where `name` is NULL or names none. */
bool sheet_scene(struct loops *loops, const char *name, const struct scene **ret_scene,
                 struct error *err) MUST_USE;
int sheet_run_import(struct command_context *context, int argc, char **argv, struct error *err);
int sheet_run_export(struct command_context *context, int argc, char **argv, struct error *err);

enum { LOOP_ROUTES = 33, LOOP_COMMANDS = 5, LOOP_CIPHERS = 3 };
enum { LOOP_COMMAND_IMPORT = 3, LOOP_COMMAND_EXPORT = 4 };
extern const struct cipher_column loop_ciphers[LOOP_CIPHERS];
extern const struct route loop_routes[LOOP_ROUTES];
extern const struct command loop_commands[LOOP_COMMANDS];

#endif
