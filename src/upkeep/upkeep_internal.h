/* Inside the upkeep room only. */
#ifndef CHENGMAI_UPKEEP_INTERNAL_H
#define CHENGMAI_UPKEEP_INTERNAL_H

#include "upkeep/upkeep.h"

#define JOB_KIND_TABLE(X)                                                                          \
    X(JOB_AUDIT, "audit")             /* the chain, its heads, the seal of evidence */             \
    X(JOB_HEALTH, "health")           /* what `doctor` looks at */                                 \
    X(JOB_HEALTH_DEEP, "health_deep") /* and every status and loop derived again */
enum job_kind {
#define X(id, name) id,
    JOB_KIND_TABLE(X)
#undef X
        JOB_KIND_COUNT
};

/* Puts a job in the queue, or finds the one of its kind that waits or runs. */
bool job_begin(struct upkeep *upkeep, enum job_kind kind, const struct actor *actor,
               int64_t *ret_no, struct error *err) MUST_USE;
/* One job as a JSON object; ERROR_NOT_FOUND. */
bool job_put(struct upkeep *upkeep, int64_t no, struct json_writer *writer,
             struct error *err) MUST_USE;
/* Jobs with a number below `before` (0: all), newest first, at most `limit`: array items.
 * *ret_last: the number of the last one where there may be more, else 0. */
bool jobs_put(struct upkeep *upkeep, int64_t before, int64_t limit, struct json_writer *writer,
              int64_t *ret_last, struct error *err) MUST_USE;

enum { UPKEEP_ROUTES = 4 };
extern const struct route upkeep_routes[UPKEEP_ROUTES];
extern const struct sql_list job_statements;

#endif
