/* The outbreak: what truly happens (infections), what is done about it (isolations), and what is
 * recorded of it (pieces of evidence). Inside the sim room.
 *
 *   infected ─latent─► infectious ─► swabbed positive ─► case ─► contacts known
 *      HIDDEN                             FOUND                     TRACED
 *
 * Invariants: 1 an infector met the infected person while infectious and not removed, at a place of
 * the day store or at home. 2 whoever is isolated has no check-in. 3 evidence says what could be
 * known at its moment, never more. 4 all draws follow from (seed, persons, day), not from an order.
 */
#ifndef CHENGMAI_SIM_OUTBREAK_H
#define CHENGMAI_SIM_OUTBREAK_H

#include "sim/city.h"
#include "tracing/tracing.h"

#define FOREVER INT64_MAX /* of unix seconds */

enum infection_stage { STAGE_HIDDEN, STAGE_FOUND, STAGE_TRACED };

/* Moments are unix seconds; FOREVER: not to be expected. */
struct infection {
    uint32_t person, infector, venue; /* infector 0: from outside; venue 0: at home */
    int64_t infected_at, infectious_at, ends_at;
    int64_t onset_at;    /* first symptoms; FOREVER: none */
    int64_t swabbed_at;  /* the swab that will be positive */
    int64_t removed_at;  /* meets nobody from then on */
    int64_t recorded_at; /* a case from then on */
    int64_t traced_at;   /* its contacts are known */
    int32_t spread_day;  /* spread over this day's meetings and those before */
    uint8_t stage;       /* enum infection_stage */
    uint8_t swab;        /* enum swab_kind */
    bool changed;        /* since it was saved */
};
enum swab_kind { SWAB_POOL, SWAB_CLINIC, SWAB_ISOLATION };

struct isolation {
    uint32_t person, next; /* next: chain of the table */
    int64_t from, until;
};

/* Evidence to be recorded, or recorded. */
struct piece {
    uint32_t person;
    uint8_t kind; /* enum evidence_kind */
    uint8_t detail;
    uint16_t tube_size;
    bool symptomatic; /* of a case */
    int64_t recorded_at, at, until; /* until FOREVER: none */
    uint32_t source, via; /* of a contact: of whose case, and through whom (0: met the case) */
};

/* Tests of a person from a moment on that will not be as they were foreseen. */
struct cancel {
    uint32_t person;
    int64_t from;
};

enum { ISOLATION_HEADS = 1 << 16 };

struct outbreak {
    const struct city *city;
    struct infection *infections;
    size_t count, capacity;
    struct isolation *isolations; /* [0] unused */
    size_t isolation_count, isolation_capacity;
    uint32_t heads[ISOLATION_HEADS];
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    struct cancel *cancels;
    size_t cancel_count;
    size_t saved_isolations, saved_pieces; /* lie in the database (record.c) */
};

struct outbreak *outbreak_create(const struct city *city);
void outbreak_free(struct outbreak *outbreak); /* accepts NULL */
/* The first infections: colleagues, in the middle of the register, who were infected elsewhere
 * on the evening of that day. */
void outbreak_begin(struct outbreak *outbreak, int32_t day);

/* ---- What truly happens */
/* Infects at a moment. False where the person is infected already, or the bound is reached. */
bool outbreak_infect(struct outbreak *outbreak, uint32_t person, uint32_t infector,
                     uint32_t venue, int64_t at);
struct infection *outbreak_infection_of(struct outbreak *outbreak, uint32_t person);
/* Spreads from one infection over the meetings of a day that is over. */
bool outbreak_spread(struct outbreak *outbreak, size_t index, int32_t day, struct tracer *tracer,
                     struct presence_view *view, struct error *err) MUST_USE;

/* ---- What is done */
void outbreak_isolate(struct outbreak *outbreak, uint32_t person, int64_t from, int64_t until);
static inline uint32_t outbreak_head(uint32_t person)
{
    return person * 0x9E3779B1u >> 16;
}
/* Quick: false where the person is never isolated. */
static inline bool outbreak_touches(const struct outbreak *outbreak, uint32_t person)
{
    return outbreak->heads[outbreak_head(person)] != 0;
}
/* Isolated at that moment; *ret_until (may be NULL) is when the last such isolation ends. */
bool outbreak_isolated(const struct outbreak *outbreak, uint32_t person, int64_t at,
                       int64_t *ret_until);
/* The hidden infection whose positive swab comes first, if before `limit`; SIZE_MAX where none. */
size_t outbreak_next_found(const struct outbreak *outbreak, int64_t limit);
/* Its swab is taken: the tube's members are isolated and swabbed again, the case is recorded. */
void outbreak_find(struct outbreak *outbreak, size_t index);
/* A found case whose contacts become known first, if before `limit`; SIZE_MAX where none. */
size_t outbreak_next_traced(const struct outbreak *outbreak, int64_t limit);
/* Its contacts and their households are isolated and tested (contacts.c). */
bool outbreak_trace(struct outbreak *outbreak, size_t index, struct tracer *tracer,
                    struct presence_view *view, struct error *err) MUST_USE;
/* The infection of somebody who is isolated from then on: later swabs are those of the site. */
void outbreak_swab_in_isolation(struct outbreak *outbreak, struct infection *infection,
                                int64_t from);
/* Takes back the results of the person's swabs from that moment on. */
void outbreak_cancel_tests(struct outbreak *outbreak, uint32_t person, int64_t from);
/* Day after isolation `from` on which swab number i of the site is taken, at nine o'clock. */
enum { SITE_SWABS = 4 };
int64_t outbreak_site_swab(int64_t from, int i);
void outbreak_add_piece(struct outbreak *outbreak, struct piece piece);
/* A PCR result; `tube_size` 1: single. */
void outbreak_add_test(struct outbreak *outbreak, uint32_t person, int64_t swabbed_at,
                       int64_t reported_at, enum evidence_result result, uint32_t tube_size);

/* ---- What is recorded (record.c) */
/* Mass tests of the past days, pieces up to `now`, cases: one bulk job. The rest is saved for life.
 */
bool outbreak_record(struct outbreak *outbreak, int32_t first_day, int64_t now,
                     struct error *err) MUST_USE;
/* Inside a job: what changed since it was saved last. */
bool outbreak_save(struct outbreak *outbreak, struct sql *sql, struct error *err) MUST_USE;
/* What was saved; pieces are left where they are. */
bool outbreak_load(const struct city *city, struct sql *sql, struct outbreak **ret_outbreak,
                   struct error *err) MUST_USE;
/* Inside a job: records saved pieces up to `now`, at most `max`; *ret_count of them. */
bool outbreak_record_due(const struct city *city, struct sql *sql, int64_t now, int64_t max,
                         int64_t *ret_count, struct error *err) MUST_USE;
extern const struct sql_list record_statements;

#endif
