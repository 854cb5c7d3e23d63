/* loops: everything that must be brought to an end. The engine runs loops by the scenes that the
 * verifier has proved: it opens them by events, hands and parents, moves them by hands, events and
 * time, keeps their clocks, and tells more and more people until somebody acts.
 *
 *   event ──► open or advance ─┐
 *   hand ────► advance, sign ──┼──► stage entered: owner, deadline, children ──► … ──► closed
 *   clock ───► after, overdue ─┘         │ deadline passed
 *                                        └──► escalation, step by step, to the command centre
 *
 * Everything that happens to a loop is one row of loop_act, written in the transaction that does
 * it. See README.md for the idea, docs/scenes.md for the language. */
#ifndef CHENGMAI_LOOPS_LOOPS_H
#define CHENGMAI_LOOPS_LOOPS_H

#include "loops/viewers.h"
#include "module/module.h"
#include "scenes/scenes.h"

struct loops;
struct definition; /* one version of a scene */
/* Reads the versions that are loaded; a new city loads the built-in scenes and its own. */
bool loops_open(struct platform *platform, struct loops **ret_loops, struct error *err) MUST_USE;
/* After the store: its last commits still wake the room. Accepts NULL. */
void loops_close(struct loops *loops);
/* Waits until an event was written, `seconds` have passed, or loops_wake; false once it stops. */
bool loops_wait(struct loops *loops, int seconds) MUST_USE;
void loops_stop(struct loops *loops); /* ends all waiting, for ever */

/* Follows the event log, and does what the clock demands up to now, in order, in small jobs.
 * *ret_acts (may be NULL) counts what was done. Called by the server's job thread. */
bool loops_run(struct loops *loops, int64_t *ret_acts, struct error *err) MUST_USE;

/* Loads every scene of the data directory and the built-in ones that is new, or has a new version:
 * proved first; open loops move where the version says how. ERROR_REFUSED names the first finding;
 * then nothing is loaded. *ret_loaded counts versions. */
bool loops_load_scenes(struct loops *loops, int64_t *ret_loaded, struct error *err) MUST_USE;

/* Forgets closed loops, with everything that was done in them, as long after their end as their
 * scenes say; at most a bounded number. Called hourly. */
bool loops_forget(struct loops *loops, int64_t *ret_count, struct error *err) MUST_USE;

/* ---- Acts. Each is durable when it returns, and changes nothing where it fails. */

/* Opens a loop by hand, or joins the open one that is about the same. `fields` maps names to values
 * as the interface writes them (times RFC 3339, areas by code, others by number). */
struct loop_opening {
    struct slice scene;
    json_t *subject;         /* a number, or a code of a thing; NULL where the scene has none */
    json_t *fields;          /* may be NULL */
    const struct area *area; /* of a thing that is registered by this; may be NULL */
};
struct loop_outcome {
    int64_t loop_no;
    bool joined;            /* an open loop was there already */
    const char *stage;      /* where it stands now */
    const char *missing[8]; /* who has still to sign, in words; NULL at the end */
};
bool loops_open_by_hand(struct loops *loops, const struct actor *actor,
                        const struct loop_opening *opening, struct loop_outcome *ret_outcome,
                        struct error *err) MUST_USE;

/* A step by hand. ERROR_CONFLICT where the loop is closed, the stage is not next, a guard or
 * separate hands forbid it; ERROR_FORBIDDEN where the hand is not one of those named. */
struct loop_step {
    int64_t loop_no;
    struct slice to;
    json_t *fields; /* may be NULL */
    struct slice note;
};
bool loops_advance(struct loops *loops, const struct actor *actor, const struct loop_step *step,
                   struct arena *arena, struct loop_outcome *ret_outcome,
                   struct error *err) MUST_USE;
/* Many at once, each for itself: refusals[i].code is ERROR_NONE where it was done. False only where
 * none could be tried. */
bool loops_advance_many(struct loops *loops, const struct actor *actor,
                        const struct loop_step *steps, size_t count, struct arena *arena,
                        struct loop_outcome *outcomes, struct error *refusals,
                        struct error *err) MUST_USE;
/* Signs the step that waits. */
bool loops_sign(struct loops *loops, const struct actor *actor, int64_t loop_no,
                struct arena *arena, struct loop_outcome *ret_outcome, struct error *err) MUST_USE;
/* Holds the loop for one person of its owner, as long as the stage allows; again: gives it back. */
bool loops_claim(struct loops *loops, const struct actor *actor, int64_t loop_no, bool release,
                 struct arena *arena, struct loop_outcome *ret_outcome, struct error *err) MUST_USE;
/* Words and photos (a list of at most 8 digests; NULL: none) for the history of an open loop, from
 * who has a part in it or may act next there. Nothing moves, and nobody counts as having acted. */
bool loops_note(struct loops *loops, const struct actor *actor, int64_t loop_no, struct slice note,
                json_t *photos, struct loop_outcome *ret_outcome, struct error *err) MUST_USE;
/* The command centre takes a loop over, or closes it as failed, with words. */
bool loops_take_over(struct loops *loops, const struct actor *actor, int64_t loop_no,
                     struct slice note, bool close, struct arena *arena,
                     struct loop_outcome *ret_outcome, struct error *err) MUST_USE;

/* Derives every loop again from its acts alone and compares, and the counters with the rows. */
struct loops_verification {
    int64_t loops;    /* looked at, up to the first that differs */
    int64_t wrong_no; /* 0: none */
    const char *words;
    int64_t counters_wrong;
};
bool loops_verify(struct loops *loops, struct loops_verification *ret_verification,
                  struct error *err) MUST_USE;

/* ---- Lists: open loops by deadline, closed ones by when they were closed */

enum loop_state { LOOP_OPEN, LOOP_DONE, LOOP_FAILED, LOOP_CANCELLED, LOOP_STATES };
struct loop_query {
    bool mine, told, closed; /* of the user's seats; escalated to them; else of the areas */
    bool overdue;
    struct slice scene; /* data NULL: all */
    int64_t venue_no;   /* of the areas: open ones about this venue, where that is told; 0: all */
    int64_t user_no, area_first, area_last, limit;
    bool narrower; /* areas are a part of those that the reader may see */
    timestamp now;
    timestamp as_of;   /* open at that moment, or closed by then; TIMESTAMP_NONE: now */
    bool closed_since; /* as_of: the second part of the list, what was closed since */
    int64_t after_key, after_no;
};
struct loop_row {
    int64_t no, area_no, subject_no, seat_no, claim_user;
    const struct definition *definition;
    int stage;
    enum loop_state state;
    timestamp opened_at, entered_at, due_at, closed_at, claim_until;
    bool overdue;
    bool hidden; /* what it is about is not told yet */
};
/* What still hides what it is about is found by a part of the areas, or by a venue, by its owner
 * alone: whoever else were to find it there would know where it is. */
struct loop_page {
    struct loop_row *rows;
    size_t count;
    bool more;
    bool closed_since; /* the next page is of that part */
    int64_t last_key, last_no;
};
/* Rows live in the arena; the next page begins after (last_key, last_no). loops_ready before. */
bool loops_list(struct loops *loops, struct sql *sql, const struct loop_query *query,
                struct arena *arena, struct loop_page *ret_page, struct error *err) MUST_USE;
/* Every loop of a scene, whatever its version, as one moment has them: open ones by number, then
 * closed ones by when they were closed. What is personal, or hidden until a stage, is not told. */
struct loop_told {
    int64_t no;
    int64_t subject_no; /* 0: none, or not told */
    const struct scene *scene;
    enum loop_state state;
    const char *stage;
    timestamp opened_at, due_at, closed_at;
    json_t *fields; /* name → value as the interface writes it; until the call returns */
};
/* `states`: bits of enum loop_state. ERROR_BAD_VALUE where there is no such scene. `take` reads
 * with `sql` only; false ends it. */
bool loops_each(struct loops *loops, struct slice scene, unsigned states,
                bool (*take)(void *context, struct sql *sql, const struct loop_told *told,
                             struct error *err),
                void *context, struct error *err) MUST_USE;
const char *loop_state_name(enum loop_state state);
/* When a subject first stood in one of some stages, of whatever scenes and versions, from `since`
 * on, in open loops and closed ones (at most 200 each, of the closed the latest): `at`
 * TIMESTAMP_NONE where never, or where only loops say so that moved to another version since.
 * loops_ready before. */
struct loop_stage_name {
    struct slice scene, stage;
};
struct loop_entry {
    timestamp at;
    int64_t loop_no;
    const struct scene *scene;
    const struct scene_stage *stage; /* both live as long as the room */
};
bool loops_entered(struct loops *loops, struct sql *sql, enum scene_kind kind, int64_t subject_no,
                   const struct loop_stage_name *stages, size_t stage_count, timestamp since,
                   struct loop_entry *ret_entry, struct error *err) MUST_USE;
/* Open loops by scene and stage, as every act maintains them; `narrower` as in struct loop_query:
 * without scenes that hide what they are about. */
struct loop_count {
    const struct definition *definition;
    int stage;
    int64_t open, overdue;
};
bool loops_counts(struct loops *loops, struct sql *sql, int64_t area_first, int64_t area_last,
                  bool narrower, void (*take)(void *context, const struct loop_count *count),
                  void *context, struct error *err) MUST_USE;
/* The scenes whose loops open, at most `room` of them, in the order in which they were loaded; they
 * live as long as the room. loops_ready before. */
struct scene;
size_t loops_scenes(struct loops *loops, const struct scene **ret_scenes, size_t room);
/* Whether loops of a scene, in any version, hide where they are until a stage; true also where
 * scenes are not loaded (loops_ready). */
bool loops_hide_places(struct loops *loops, struct slice scene);
/* Reads what is loaded when it is first needed; a new city loads its scenes. Not inside a job. */
bool loops_ready(struct loops *loops, struct error *err) MUST_USE;

/* ---- Who has a loop open, in memory alone (viewers.h) */

/* Every view of the session with that token ends. */
void loops_viewers_end(struct loops *loops, struct slice token);
/* Changes with what a user could be told of the loops that they have open; 0: none is open. */
uint64_t loops_viewers_turn(struct loops *loops, int64_t user_no);
/* Ends what was not renewed; whether anything has changed since *turn, which it moves on. */
bool loops_viewers_tick(struct loops *loops, uint64_t *turn);
struct viewer_counts loops_viewers_counts(struct loops *loops);

/* ---- What an event of the room means to whom */

enum loop_matter {
    LOOP_CONCERNS_NOBODY,
    LOOP_IS_THEIRS, /* they own it from now on */
    LOOP_TOLD,      /* escalated to them */
    LOOP_IS_OVERDUE,
    LOOP_HAS_ENDED, /* they opened it */
};
struct loop_finding {
    enum loop_matter matter;
    int64_t loop_no;
    const struct scene *scene;
    const struct scene_stage *stage; /* in which it was then; lives as long as the room */
    enum loop_state state;           /* as it was then */
    timestamp due_at;                /* TIMESTAMP_NONE: it has moved on since */
    int64_t *users;                  /* whom it means now, each once; never whose act it was */
    size_t user_count;
};
/* Inside a job. The users lie in the arena. What is forgotten already concerns nobody. loops_ready
 * before. */
bool loops_finding(struct loops *loops, struct sql *sql, const struct event *event,
                   struct arena *arena, struct loop_finding *ret_finding,
                   struct error *err) MUST_USE;

extern const struct module loops_module;

#endif
