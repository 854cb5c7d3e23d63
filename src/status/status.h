/* status: what each person's status is, and why.
 *
 * Evidence is kept in SQL; nothing else can change a colour. The table in memory (one small entry a
 * person) is derived from it by policy_decide and follows the event log; a restart loads a
 * checksummed snapshot and replays what came since. A scan of a venue code is no evidence. */
#ifndef CHENGMAI_STATUS_STATUS_H
#define CHENGMAI_STATUS_STATUS_H

#include "module/module.h"
#include "policy/policy.h"
#include "presence/presence.h"

/* 16 bytes a person; times are unix seconds, 0 = none. */
struct status_entry {
    uint32_t until;         /* the colour changes then */
    uint32_t last_negative; /* latest negative, by sampling time */
    uint32_t since;
    uint8_t color;         /* enum color */
    uint8_t next_color;    /* from `until` on, until re-derived */
    uint8_t session_epoch; /* raised to end all holder sessions of the person */
    uint8_t flags;         /* STATUS_KNOWN … */
};
enum { STATUS_KNOWN = 1 }; /* unset: no such person */

struct status_table;

/* Opens: snapshot + replay of events since (full derivation where there is no good snapshot). */
bool status_open(struct platform *platform, struct status_table **ret_table,
                 struct error *err) MUST_USE;
/* Writes the snapshot, frees. Accepts NULL. */
void status_close(struct status_table *table);
/* Frees without writing. */
void status_free(struct status_table *table);
/* What status does of itself, each second: tells appeals that are past their time, and each
 * minute in which it moved writes the head of the evidence's seal into the audit chain. One
 * thread. */
bool status_tick(struct status_table *table, struct error *err) MUST_USE;
/* Writes the snapshot now (hourly, so that a crash replays little). */
bool status_snapshot(struct status_table *table, struct error *err) MUST_USE;
/* Persons 1 … n exist. */
uint32_t status_known(const struct status_table *table);
/* The entry at city time `now` (a passed `until` already gives next_color). Lock-free, for the
 * scan path. All zero (flags 0) for an unknown person. */
struct status_entry status_get(const struct status_table *table, struct person_no person,
                               timestamp now);
/* Follows the event log up to its end; re-derives whose `until` has passed. */
bool status_catch_up(struct status_table *table, struct error *err) MUST_USE;
/* Persons by colour (maintained): counts[enum color]. */
void status_counts(const struct status_table *table, int64_t counts[4]);
/* Re-derives every person from evidence and compares; *ret_wrong entries differ. */
bool status_verify(struct status_table *table, int64_t *ret_checked, int64_t *ret_wrong,
                   struct error *err) MUST_USE;

/* Adds evidence inside a store job: checked, row + event "evidence.recorded". `piece->of` is an
 * evidence no; `external_id` may be empty. *ret_no is its number. */
bool evidence_add(struct sql *sql, struct person_no person, int64_t area_no,
                  const struct evidence *piece, struct slice external_id, int64_t *ret_no,
                  struct error *err) MUST_USE;
/* Forgets one piece inside a store job, as retention demands: the row goes, its keyed digest stays
 * so that the seal over its neighbours verifies. A number without a row is done. */
bool evidence_retire(struct sql *sql, int64_t no, struct error *err) MUST_USE;
/* Walks the seal of all evidence: what was put in, changed or removed behind the gate is found. */
struct evidence_verification {
    bool whole;
    int64_t rows, seals; /* walked, up to the first fault */
    int64_t broken_no;   /* number of the first broken record, 0 where whole */
    int64_t unsealed;    /* rows after the last seal: no evidence, no status follows them */
    char words[120];     /* what is wrong with it */
};
bool evidence_verify(struct store *store, struct evidence_verification *ret_result,
                     struct error *err) MUST_USE;
/* Writes the head of the seal into the audit chain where it has moved. */
bool evidence_anchor(struct store *store, struct error *err) MUST_USE;

/* All pieces of a person in order of number. */
bool evidence_of_person(struct sql *sql, struct person_no person, struct arena *arena,
                        struct evidence **ret_pieces, size_t *ret_count,
                        struct error *err) MUST_USE;
/* The decision for a person at a past or present moment, with reasons in words. */
bool status_decide_at(struct platform *platform, struct person_no person, timestamp at,
                      struct arena *arena, struct decision *ret_decision,
                      struct error *err) MUST_USE;

/* One object: colour, since, until, reasons in words. `rules` may be NULL. */
void status_decision_write(struct json_writer *writer, const struct decision *decision,
                           const struct rule_set *rules);
/* ERROR_NOT_FOUND, as for one who does not exist, unless the person is the reader's
 * (access_person_within). */
bool status_within_reach(const struct request *request, struct person_no person,
                         struct error *err) MUST_USE;
/* The audit row of a read of persons (durable before the answer). */
bool status_audit_read(const struct request *request, const char *act, uint32_t person,
                       int64_t count, const char *fields, struct error *err) MUST_USE;

/* ---- Whom a holder's request is about (family.c) */

/* An audit row's actor that begins so, with the holder's number after it, is a representative. */
#define STATUS_REPRESENTATIVE "family:"
/* The holder, or with ?member=NO the member, whom the holder must represent now (ERROR_NOT_FOUND);
 * a member's read has its audit row (`act`, `fields`) on disk when this returns. */
bool status_subject(const struct request *request, const char *act, const char *fields,
                    uint32_t *ret_person, struct error *err) MUST_USE;
/* That a holder represents a member now (ERROR_NOT_FOUND): for a scan, which shows nothing of the
 * member. */
bool status_represents(struct platform *platform, uint32_t holder, uint32_t member,
                       struct error *err) MUST_USE;

extern const struct module status_module;

#endif
