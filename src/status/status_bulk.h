/* Loading evidence by the ten million: into a directory that is being made (demo city, migration).
 *
 * Everything happens inside one store job. Secondary indexes are dropped first and made anew at the
 * end; there is no event a row, but one "evidence.bulk" at the end, after which the status table
 * derives everybody anew. Rows in order of person make the later derivation fastest. */
#ifndef CHENGMAI_STATUS_BULK_H
#define CHENGMAI_STATUS_BULK_H

#include "status/status.h"

struct evidence_bulk;

/* Inside a job. Drops the secondary indexes. */
bool evidence_bulk_begin(struct sql *sql, struct evidence_bulk **ret_bulk,
                         struct error *err) MUST_USE;
/* One piece, checked as evidence_add checks it, save that `piece->of` and the person are taken on
 * trust. `piece->no` is not read: numbers follow the order of adding. */
bool evidence_bulk_add(struct evidence_bulk *bulk, struct person_no person, int64_t area_no,
                       const struct evidence *piece, struct error *err) MUST_USE;
/* Makes the indexes, emits "evidence.bulk", frees `bulk` in any case. *ret_count: pieces added. */
bool evidence_bulk_end(struct evidence_bulk *bulk, int64_t *ret_count,
                       struct error *err) MUST_USE;
/* Frees after a failure: the job must return false, so that nothing is kept. Accepts NULL. */
void evidence_bulk_abandon(struct evidence_bulk *bulk);

#endif
