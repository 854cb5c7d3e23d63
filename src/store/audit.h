/* Audit: append-only and hash-chained (BLAKE2b): each record's hash covers the one before. Every
 * read of a person has a row here. */
#ifndef CHENGMAI_STORE_AUDIT_H
#define CHENGMAI_STORE_AUDIT_H

#include "store/sql.h"

struct audit_entry {
    struct slice actor;   /* user name, "holder", "system", "command line" */
    struct slice act;     /* "person.read", "trace", "override.apply" */
    struct slice purpose; /* loop:ID, case:ID, duty:NAME; empty for acts that open nobody */
    int64_t subject_no;   /* person, or 0 */
    int64_t count;        /* rows opened */
    struct slice fields;  /* comma list of fields opened */
};

/* Inside a job. `city_now` is city time; real time is added here. */
bool audit_append(struct sql *sql, const struct audit_entry *entry, timestamp city_now,
                  struct error *err) MUST_USE;
/* Walks the chain from record `from` (1 = all) to `last` (INT64_MAX = the end). *ret_broken =
 * number of the first record that does not verify, 0 where whole. *ret_count = records walked. A
 * long chain is walked in stretches, each in a read of its own: the next begins behind the last. */
bool audit_verify(struct sql *sql, int64_t from, int64_t last, int64_t *ret_broken,
                  int64_t *ret_count, struct error *err) MUST_USE;
/* The number of the newest record, 0 where there is none. */
bool audit_newest(struct sql *sql, int64_t *ret_no, struct error *err) MUST_USE;

/* A head: number and hash of the newest record, signed (Ed25519) with a key that is derived from
 * the audit key. Published outside, it proves later that nothing before it was changed or cut off.
 * */
enum { AUDIT_HASH_BYTES = 32, AUDIT_SIGNATURE_BYTES = 64, AUDIT_PUBLIC_KEY_BYTES = 32 };
struct audit_head {
    int64_t no;
    timestamp real_at;
    unsigned char hash[AUDIT_HASH_BYTES], signature[AUDIT_SIGNATURE_BYTES],
        public_key[AUDIT_PUBLIC_KEY_BYTES];
};
/* Inside a job: signs the chain as it stands, where it has grown since the last head. `key`: the
 * audit key, 32 bytes. */
bool audit_head_sign(struct sql *sql, const unsigned char *key, struct error *err) MUST_USE;
/* The newest head; *ret_found false where none was signed yet. */
bool audit_head_last(struct sql *sql, struct audit_head *ret_head, bool *ret_found,
                     struct error *err) MUST_USE;
/* Checks every head: signed with the pair of `key` (the audit key) and no other, and its record
 * stands unchanged. *ret_broken = the record of the first head that does not hold, 0 where all do;
 * *ret_count = heads checked. */
bool audit_heads_verify(struct sql *sql, const unsigned char *key, int64_t *ret_broken,
                        int64_t *ret_count, struct error *err) MUST_USE;

#endif
