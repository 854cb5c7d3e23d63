/* registry: who, what, where. Areas, persons, households, units, venues, vehicles, staff, the
 * external ids they are known by, and the import framework that fills them.
 *
 * Area numbers carry the tree: 12 bits a level (province, city, district, town, grid), so that an
 * area with all below it is one range and jurisdiction is `area_no BETWEEN first AND last` on an
 * indexed column. The managing unit decides the tree; the GB/T 2260 code is an attribute (the
 * Economic Development Zone lies in 320412 by code and is a district of its own by management). */
#ifndef CHENGMAI_REGISTRY_REGISTRY_H
#define CHENGMAI_REGISTRY_REGISTRY_H

#include "module/module.h"
#include "policy/policy.h"
#include "presence/presence.h"

struct area {
    int64_t no;
    struct slice code;    /* managed code, "320412", "320471", "320412101" */
    struct slice gb_code; /* GB/T 2260 */
    struct slice name_zh, name_en;
    int64_t population; /* 0 = not known */
    double latitude, longitude;
};

struct registry;
bool registry_open(struct platform *platform, struct registry **ret_registry,
                   struct error *err) MUST_USE;
void registry_close(struct registry *registry); /* accepts NULL */
/* Areas are held in memory. NULL where unknown. */
const struct area *registry_area_by_code(struct registry *registry, struct slice code);
const struct area *registry_area(struct registry *registry, int64_t area_no);
/* All areas of one level (0 province … 4 grid) under `parent`, by number, into an arena array. */
size_t registry_areas_under(struct registry *registry, int64_t parent, struct arena *arena,
                            const struct area ***ret_areas);
/* 0 province, 1 city, 2 district, 3 town, 4 grid. */
int area_level(int64_t area_no);
/* The city: the first area of level 1. NULL where no areas were loaded. */
const struct area *registry_city(struct registry *registry);
/* Loads the built-in areas of Changzhou (inside a job). */
bool registry_seed_areas(struct sql *sql, struct error *err) MUST_USE;
/* Reloads areas after an import. */
bool registry_reload(struct registry *registry, struct error *err) MUST_USE;

/* ---- Identity checks: pure. A refusal names the fault ("check digit 3, expected X"). */
/* GB 11643-1999: length, digits, date (real, not after `today`), check digit, area code. Writes the
 * normal form (upper-case X). *ret_warning: an unknown county under a known province (withdrawn
 * codes stay valid). 999xxx only where `demo`. */
bool identity_check_id_number(struct slice text, int32_t today, bool demo, char ret_normal[19],
                              const char **ret_warning, struct error *err) MUST_USE;
/* GB 32100-2015 unified social credit code, mod 31. */
bool identity_check_credit_code(struct slice text, char ret_normal[19], struct error *err) MUST_USE;
/* GA 36: province letter + 5 (6 for new energy) characters, no I or O. */
bool identity_check_plate(struct slice text, char ret_normal[16], struct error *err) MUST_USE;
/* Mainland mobile (11 digits, 1[3-9]) or landline with area code. */
bool identity_check_phone(struct slice text, char ret_normal[20], struct error *err) MUST_USE;
/* A vehicle pass number: the six digits of an area of GB/T 2260 (its province must be known, a
 * withdrawn county stays valid), six digits of a serial number that is not 0. domain.md §3.3. */
bool identity_check_vehicle_pass_number(struct slice text, struct error *err) MUST_USE;
/* Makes the check digit of 17 digits. */
char identity_id_check_digit(const char digits[17]);

/* ---- External ids */
enum registry_kind {
    REGISTRY_PERSON = 1,
    REGISTRY_VENUE,
    REGISTRY_UNIT,
    REGISTRY_HOUSEHOLD,
    REGISTRY_VEHICLE,
    REGISTRY_STAFF,
    REGISTRY_CASE,
    REGISTRY_STAY
};
/* *ret_no 0 where unknown. */
bool registry_lookup(struct sql *sql, enum registry_kind kind, struct slice source,
                     struct slice external_id, int64_t *ret_no, struct error *err) MUST_USE;
/* The external id within a source, data NULL where it has none; copied into the arena. */
bool registry_external_id(struct sql *sql, enum registry_kind kind, struct slice source, int64_t no,
                          struct arena *arena, struct slice *ret_id, struct error *err) MUST_USE;
/* Ties an external id to a number (inside a job). */
bool registry_add_external_id(struct sql *sql, enum registry_kind kind, struct slice source,
                              struct slice external_id, int64_t no, int64_t import_no,
                              struct error *err) MUST_USE;
/* Enters a case of a person (inside a job): `kind` "case" or "asymptomatic", `at` the onset or the
 * first positive sampling. */
bool registry_create_case(struct sql *sql, int64_t person_no, int64_t area_no, struct slice kind,
                          timestamp at, timestamp recorded_at, int64_t *ret_no,
                          struct error *err) MUST_USE;
/* Forgets the stays with first < stay_no ≤ last that ended before `cutoff`, and their external ids
 * (inside a job). */
bool registry_forget_stays(struct sql *sql, int64_t first, int64_t last, timestamp cutoff,
                           int64_t *ret_count, struct error *err) MUST_USE;
/* Makes an anonymous person, or a venue without a name, for an external id (inside a job).
 * Coordinates may be NAN, `category` empty. */
bool registry_create_anonymous(struct sql *sql, enum registry_kind kind, int64_t area_no,
                               struct slice source, struct slice external_id, struct slice category,
                               double latitude, double longitude, int64_t import_no,
                               int64_t *ret_no, struct error *err) MUST_USE;

/* ---- Persons: identity is encrypted; this opens it, so callers audit. */
struct person {
    uint32_t no;
    int64_t area_no;
    uint32_t household_no, unit_no;
    int16_t birth_year;
    char sex;                            /* 'm', 'f', '?' */
    struct slice name, id_number, phone; /* decrypted, data NULL where absent */
};
bool registry_person(struct platform *platform, struct sql *sql, uint32_t person_no,
                     struct arena *arena, struct person *ret_person, struct error *err) MUST_USE;
/* By full ID number (blind index); 0 where unknown. */
bool registry_person_by_id_number(struct platform *platform, struct sql *sql, struct slice number,
                                  uint32_t *ret_no, struct error *err) MUST_USE;
/* The identity record that is encrypted: name, ID number, phone (each under 256 bytes). */
struct slice identity_pack(struct slice name, struct slice id_number, struct slice phone,
                           struct arena *arena);
/* The one field-mask function: "张三" → "张*", ID numbers 3204**********002X, phones
 * 138****1234. */
enum mask { MASK_FULL, MASK_PARTIAL };
struct slice registry_mask_name(struct slice name, enum mask mask, struct arena *arena);
struct slice registry_mask_id_number(struct slice number, enum mask mask, struct arena *arena);
struct slice registry_mask_phone(struct slice phone, enum mask mask, struct arena *arena);

/* A CSV cell that no spreadsheet takes for a formula: what begins with = + - @ tab or CR (also
 * their full-width forms) and is no number gets an apostrophe before it; the imports take it off
 * again. */
void registry_csv_put(struct buffer *line, struct slice field, bool first);

/* ---- Venues (numbers, names and categories are no secret) */
struct venue {
    uint32_t no;
    int64_t area_no;
    uint32_t unit_no;
    struct slice name, category;
    double latitude, longitude; /* NAN = not known */
    uint8_t
        check_level; /* 0 green passes, 1 also a negative within 72 h, 2 within 48 h, 3 within 24 h */
    uint16_t token_version; /* 1 and up; raised by revocation */
    bool closed;
};
bool registry_venue(struct sql *sql, uint32_t venue_no, struct arena *arena,
                    struct venue *ret_venue, struct error *err) MUST_USE;

/* ---- Imports: the framework that every KIND uses.
 * Prints the reconciliation of contracts.md, writes rejects, records the import (a number that can
 * be undone), re-import is `unchanged`. A kind gives its columns and a batch function. */
struct import_result {
    int64_t rows, inserted, merged, unchanged, rejected;
    int64_t backdated; /* of the inserted: recorded, by their own word, long before the import */
};
struct import_batch { /* up to 4096 rows, columns resolved by name */
    const struct import_kind *kind;
    struct platform *platform;
    struct slice source;
    bool create_missing, dry_run;
    int64_t area_first, area_last; /* of rows that may be touched; 0, 0: of all */
    int64_t import_no;
    timestamp begun_at;
    size_t row_count;
    const struct csv_row *rows;   /* fields in the file's order */
    const int *column_of;         /* field index of kind->columns[i], -1 where absent */
    struct import_result *result; /* inserted, merged, unchanged are the kind's to count */
    struct arena *arena;
    void *state;              /* of the kind, over the whole import */
    void *reporter;           /* the framework's */
    struct error *row_errors; /* rows that could not be read: code set */
};
/* Field of row `row` for column number `column` of the kind, trimmed; data NULL where absent or
 * empty. */
struct slice import_field(const struct import_batch *batch, size_t row, int column);
/* Rejects a row; never twice the same. `field` NULL for the whole row. */
void import_reject(struct import_batch *batch, size_t row, const char *field, const char *reason);
/* Says a warning about a row that is taken all the same; counted, the first twenty are shown. */
void import_warn(struct import_batch *batch, size_t row, const char *field, const char *words);
struct import_column {
    const char *name;
    bool required;
    const char *words; /* for import --help */
};
struct import_kind {
    const char *name;
    const struct import_column *columns; /* name NULL at the end */
    const char *words;
    /* Optional: before the first and after the last batch (commit = false: undo what begin did). */
    bool (*begin)(struct import_batch *batch, struct error *err);
    bool (*end)(struct import_batch *batch, bool commit, struct error *err);
    /* One batch. With `sql` (inside a store job) unless `direct`. False = the import stops, nothing
     * of this batch is kept. */
    bool (*apply)(struct import_batch *batch, struct sql *sql, struct error *err);
    bool direct; /* apply and undo get sql NULL and run on the caller's thread (checkins) */
    /* Takes rows back, with `sql` inside a store job unless `direct`; optional: afterwards, when
     * that is on disk. */
    bool (*undo)(struct platform *platform, struct sql *sql, int64_t import_no,
                 int64_t *ret_removed, struct error *err);
    bool (*undone)(struct platform *platform, struct error *err);
};
/* Rooms above register their kinds here (src/modules.c lists them). */
extern const struct import_kind *const import_kinds[];
extern const size_t import_kind_count;

/* ---- Exports: streamed, ordered by number, the same data give the same bytes. */
struct export_request {
    struct platform *platform;
    struct slice source; /* external ids of this source */
    int64_t from, to;    /* unix seconds, for kinds that have a time */
    bool ndjson;
    FILE *out;
    int64_t *rows; /* counted by the kind */
    struct arena *arena;
};
struct export_kind {
    const char *name, *words;
    bool (*run)(const struct export_request *request, struct error *err);
};
extern const struct export_kind *const export_kinds[];
extern const size_t export_kind_count;
/* The audit record of an export: before a row leaves (`rows` negative), `what` says which rows were
 * asked for; and when all have left, with their number. */
bool export_record(struct platform *platform, const char *kind, struct slice what, int64_t rows,
                   struct error *err) MUST_USE;
/* One row: quotes, and neutralises cells that a spreadsheet would take for a formula. */
void export_row(FILE *out, const struct slice *fields, size_t count);
/* Whether a cell, after any "'", begins as a formula does. Protecting puts one "'" before such a
 * cell (not before a plain number), and import takes one off: nothing else is changed either way.
 * */
bool import_is_formula(struct slice field);
struct slice import_unprotect(struct slice field);

extern const struct module registry_module;

#endif
