/* The seal of evidence. Inside the status room only.
 *
 * Rows of evidence lie in SQL, where whoever has the file can write. What makes a row evidence is
 * the seal: each transaction that adds rows adds one record to a chain, keyed with a key that is
 * not in the database:
 *
 *   digest_i  = BLAKE2b-128(key, all columns of row i)
 *   rows_hash = BLAKE2b-128(key, digest_first … digest_last)
 *   hash_n    = BLAKE2b-256(key, hash_{n−1} | n | kind | first | last | import | rows_hash)
 *
 * Invariants: 1 numbers of evidence are given once, in order, by the sealer alone. 2 A row is
 * evidence where its number is at or below the last authentic seal and in no gap. 3 A sealer
 * hashes the values that it binds itself, never what it finds: a foreign row is not sealed by
 * the next honest one; its numbers become a gap, with an event and an audit row. 4 An import
 * that is taken back leaves its seals standing and adds one that says so. 5 The head of the
 * chain is written into the audit chain from time to time ("evidence.sealed"), so that its end
 * cannot be cut off unseen. */
#ifndef CHENGMAI_STATUS_SEAL_H
#define CHENGMAI_STATUS_SEAL_H

#include "status/status.h"

enum {
    SEAL_ROWS_MAX = 16384,  /* of one seal; longer runs take several */
    SEAL_DIGEST_BYTES = 16, /* of a row, and of the rows of a seal */
    SEAL_HASH_BYTES = 32,
    SEAL_MARK_BYTES = 4,
};
enum seal_kind { SEAL_ROWS, SEAL_IMPORT_UNDONE };

struct seal_key {
    unsigned char bytes[KEY_BYTES];
};
/* The key of the chain, from those of the connection's store. */
struct seal_key seal_key_of(const struct sql *sql);

/* One row as it is bound and as it is read. */
enum { SEALED_NUMBERS = 11, SEALED_TEXTS = 5 };
struct sealed_row {
    int64_t numbers[SEALED_NUMBERS]; /* evidence_no … tube_size, import_no; NULL: TIMESTAMP_NONE */
    struct slice texts[SEALED_TEXTS]; /* reason_code … external_id; NULL: data NULL */
};
#define SEALED_COLUMNS                                                                             \
    "evidence_no, person_no, area_no, kind, recorded_at, at, until_at, of_no, detail, tube_size,"  \
    " import_no, reason_code, requester, approvers, source, external_id"
void sealed_row_read(struct sql_query *query, struct sealed_row *ret_row);
void sealed_row_digest(const struct seal_key *key, const struct sealed_row *row,
                       unsigned char out[SEAL_DIGEST_BYTES]);

struct seal {
    int64_t no; /* 1 and up; 0: there is none */
    int64_t kind, first_no, last_no, import_no;
    unsigned char rows_hash[SEAL_DIGEST_BYTES];
    unsigned char hash[SEAL_HASH_BYTES];
};
#define SEAL_COLUMNS "seal_no, kind, first_no, last_no, import_no, rows_hash, hash"
/* False where a hash is not of its length: no seal of ours. */
bool seal_read(struct sql_query *query, struct seal *ret_seal);
/* What the seal's hash must be after the seal before it (all zero before the first). */
void seal_hash(const struct seal_key *key, const unsigned char previous[SEAL_HASH_BYTES],
               const struct seal *seal, unsigned char out[SEAL_HASH_BYTES]);
/* The last seal that is authentic; *ret_forged seals stand after it. */
bool seal_last(struct sql *sql, const struct seal_key *key, struct seal *ret_seal,
               int64_t *ret_forged, struct error *err) MUST_USE;

/* ---- Writing, inside a job: {.sql = sql, .import_no = n}, rows, then end (or abandon). */
struct evidence_sealer {
    struct sql *sql;
    int64_t import_no;
    bool begun;
    struct seal_key key;
    struct seal last;       /* the seal before */
    int64_t first_no, count; /* of the run that is not sealed yet */
    struct buffer digests;
};
/* The number of the next row; begins where nothing was begun. */
bool evidence_seal_next(struct evidence_sealer *sealer, int64_t *ret_no,
                        struct error *err) MUST_USE;
/* Takes the row that was just inserted under that number. */
bool evidence_seal_row(struct evidence_sealer *sealer, const struct sealed_row *row,
                       struct error *err) MUST_USE;
/* Writes the seal of what was taken. Frees in any case. */
bool evidence_seal_end(struct evidence_sealer *sealer, struct error *err) MUST_USE;
void evidence_seal_abandon(struct evidence_sealer *sealer);
/* The rows of the import are gone: says so in the chain and leaves their numbers as gaps. */
bool evidence_seal_undone(struct sql *sql, int64_t import_no, struct error *err) MUST_USE;
/* Seals what was there before there were seals; does nothing where that was done. */
bool evidence_seal_adopt(struct store *store, struct error *err) MUST_USE;

/* ---- Reading: which numbers are evidence */
struct evidence_bounds {
    int64_t last_no;
    struct number_range {
        int64_t first_no, last_no;
    } *gaps; /* by number */
    size_t gap_count;
};
bool evidence_bounds_read(struct sql *sql, struct evidence_bounds *ret_bounds,
                          struct error *err) MUST_USE;
void evidence_bounds_release(struct evidence_bounds *bounds);
bool evidence_within(const struct evidence_bounds *bounds, int64_t no);

extern const struct sql_list seal_statements, seal_verify_statements;

#endif
