/* Inside the status room only. */
#ifndef CHENGMAI_STATUS_INTERNAL_H
#define CHENGMAI_STATUS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "status/status.h"

/* ---- The table in memory (entries.c). See status.c for its design note. */

enum { CHUNK_ENTRIES = 1 << 16, CHUNKS = 1 << 16, COLORS = 4 };

/* An entry: a = until 32 | colour 4 | next colour 4 | session epoch 8 | version 16,
 *           b = last negative 32 | since 32. Zero: green without a single piece of evidence. */
struct word_pair {
    _Atomic uint64_t a, b;
};
#define ENTRY_EPOCH_SHIFT 40
#define ENTRY_VERSION_SHIFT 48
#define ENTRY_DERIVED_MASK (((uint64_t)1 << ENTRY_EPOCH_SHIFT) - 1) /* what evidence decides */
#define ENTRY_KEPT_MASK (((uint64_t)1 << ENTRY_VERSION_SHIFT) - 1)  /* what a snapshot keeps */
#define ENTRY_VERSION_ONE ((uint64_t)1 << ENTRY_VERSION_SHIFT)      /* set: being written */

struct chunk {
    struct word_pair entries[CHUNK_ENTRIES];
    uint32_t wake[CHUNK_ENTRIES]; /* under lock: the second to derive anew at, 0 = none */
};

/* What evidence, rules and moment make of a person. */
struct derived {
    uint64_t a, b;
    uint32_t wake;
};

struct waking {
    uint32_t wake, person;
};

struct status_table {
    struct platform *platform;
    _Atomic(struct chunk *) chunks[CHUNKS];
    atomic_uint known; /* persons 1 … known exist */
    _Atomic int64_t counts[COLORS];
    pthread_mutex_t lock; /* owns the rest, and writing */
    const struct rule_set *rules; /* derived by these; NULL: not derived yet */
    int64_t event_no;             /* follows the log up to here */
    int64_t changes;              /* since the snapshot on disk: derivations and events */
    struct waking *heap;          /* by wake; an item is stale unless it equals its chunk's wake */
    size_t heap_count, heap_capacity;
    size_t wake_count; /* persons with a wake */
    timestamp anchored_at; /* real time; of status_tick and closing */
    struct arena scratch;
};

/* Persons 1 … highest get room; green counts them at once. They are not known yet. */
void entries_reserve(struct status_table *table, uint32_t known, uint32_t highest);
/* Persons highest + 1 … known are no more. */
void entries_forget(struct status_table *table, uint32_t highest);
/* Writes what was derived (the epoch stays) and its wake, but not the heap. */
void entries_put(struct status_table *table, uint32_t person, const struct derived *derived);
/* The same with the heap. */
void entries_put_waking(struct status_table *table, uint32_t person,
                        const struct derived *derived);
/* The same as entries_put, and the epoch: while nobody reads yet. */
void entries_restore(struct status_table *table, uint32_t person, const struct derived *derived);
/* The entry as it lies, with its wake. Under lock. */
struct derived entries_get(const struct status_table *table, uint32_t person);
/* Makes the heap anew from the wakes of all. */
void entries_rebuild_heap(struct status_table *table);
/* The next person whose wake is at or before `now` (seconds); 0 where there is none. */
uint32_t entries_take_due(struct status_table *table, uint32_t now);

/* ---- The snapshot (snapshot.c). Under lock. */

bool snapshot_write(struct status_table *table, struct error *err) MUST_USE;
/* True where a whole, authentic snapshot of this history and these rules was loaded; else the
 * table is as it was. */
bool snapshot_load(struct status_table *table, struct sql *sql, const struct rule_set *rules,
                   timestamp now);

/* ---- Evidence in SQL (evidence_store.c) */

struct evidence_origin {
    struct slice source, external_id; /* data NULL: none */
};
struct evidence_sealer;
/* The row alone, of the sealer's import: no event, no check. */
bool evidence_insert(struct evidence_sealer *sealer, struct person_no person, int64_t area_no,
                     const struct evidence *piece, const struct evidence_origin *origin,
                     int64_t *ret_no, struct error *err) MUST_USE;
/* The event "evidence.recorded" of a row. */
bool evidence_emit(struct sql *sql, struct person_no person, int64_t area_no,
                   const struct evidence *piece, int64_t no, struct error *err) MUST_USE;
/* evidence_check, and the parts that an override must have. */
bool evidence_complete(const struct evidence *piece, struct error *err) MUST_USE;
/* Reads the columns of EVIDENCE_COLUMNS from column 0 on. */
#define EVIDENCE_COLUMNS                                                                           \
    "evidence_no, kind, recorded_at, at, until_at, of_no, detail, tube_size, reason_code,"         \
    " requester, approvers, person_no"
enum { EVIDENCE_COLUMN_PERSON = 11 };
void evidence_read_row(struct sql_query *query, struct arena *arena, struct evidence *piece);
/* Persons first … last that have evidence, by number. Pieces and arena live during the visit. */
bool evidence_each_person(struct sql *sql, uint32_t first, uint32_t last,
                          void (*visit)(void *context, struct person_no person,
                                        const struct evidence *pieces, size_t count,
                                        struct arena *arena),
                          void *context, struct error *err) MUST_USE;
/* The person's area; *ret_known false where there is no such person. */
bool evidence_person_area(struct sql *sql, struct person_no person, int64_t *ret_area,
                          bool *ret_known, struct error *err) MUST_USE;
/* *ret_room false where no more pieces are kept about the person (4096: ten years of daily tests). */
bool evidence_has_room(struct sql *sql, struct person_no person, bool *ret_room,
                       struct error *err) MUST_USE;
bool evidence_no_such_person(struct error *err);
bool status_no_rules(struct error *err);

/* ---- The module's parts */
enum { STATUS_ROUTES = 24 };
extern const struct route status_routes[STATUS_ROUTES];
extern const struct sql_list evidence_bulk_statements;
extern const struct sql_text evidence_insert_text, evidence_insert_plain_text,
    evidence_select_text, evidence_range_text, evidence_owner_text,
    evidence_count_text,
    evidence_person_area_text, evidence_known_text, evidence_undo_text, evidence_export_text,
    status_person_last_text;

#endif
