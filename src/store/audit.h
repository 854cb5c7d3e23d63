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
/* Walks the chain from record `from` (1 = all). *ret_broken = number of the first record that does
 * not verify, 0 where whole. *ret_count = records walked. */
bool audit_verify(struct sql *sql, int64_t from, int64_t *ret_broken, int64_t *ret_count,
                  struct error *err) MUST_USE;

#endif
