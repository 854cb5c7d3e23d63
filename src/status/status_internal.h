/* Inside the status room, and for the sim's bulk loads. */
#ifndef CHENGMAI_STATUS_INTERNAL_H
#define CHENGMAI_STATUS_INTERNAL_H

#include "status/status.h"

/* The row alone: no event, no check. A bulk load emits one "evidence.bulk" at its end. */
bool evidence_insert_row(struct sql *sql, struct person_no person, int64_t area_no,
                         const struct evidence *piece, struct slice external_id,
                         int64_t import_no, struct error *err) MUST_USE;
/* All persons that have evidence, by number. */
bool evidence_each_person(struct sql *sql,
                          void (*visit)(void *context, struct person_no person,
                                        const struct evidence *pieces, size_t count,
                                        struct arena *arena),
                          void *context, struct error *err) MUST_USE;

#endif
