/* Faults on purpose: how tests reach the branches that only a bad day reaches.
 *
 * Two mechanisms, both compiled in only with -DCHENGMAI_FAULTS (debug and sanitizer builds):
 * - the sweep: `fault_arm(k)` makes the k-th step (allocation, write, sync, rename, SQL step) of
 *   all threads fail once; a test runs its body with k = 0, 1, 2 … until none was hit;
 * - named points in durable paths: CHENGMAI_FAULT="after_log_write:kill:3" kills (or fails, or
 *   delays) the process at the third passing of that point. The list below is what the crash test
 *   iterates, so a new point is crash-tested without anyone asking. */
#ifndef CHENGMAI_BASE_FAULT_H
#define CHENGMAI_BASE_FAULT_H

#include "base/error.h"

enum fault_step_kind {
    FAULT_ALLOCATION = 1,
    FAULT_WRITE = 2,
    FAULT_SYNC = 4,
    FAULT_RENAME = 8,
    FAULT_SQL = 16,
};

#define FAULT_POINT_TABLE(X)                                                                       \
    X(after_log_write)                                                                             \
    X(after_log_sync)                                                                              \
    X(after_segment_write)                                                                         \
    X(before_manifest_rename)                                                                      \
    X(after_manifest_rename)                                                                       \
    X(before_log_remove)                                                                           \
    X(before_day_key_destroyed)                                                                    \
    X(after_day_key_destroyed)                                                                     \
    X(before_sql_commit)                                                                           \
    X(after_sql_commit)                                                                            \
    X(before_keys_exchange)                                                                        \
    X(after_keys_exchange)                                                                         \
    X(after_key_renewed)                                                                           \
    X(after_rows_encrypted)                                                                        \
    X(before_key_retired)                                                                          \
    X(after_photo_written)                                                                         \
    X(after_photo_forgotten)                                                                       \
    X(after_rows_forgotten)                                                                        \
    X(after_class_destroyed)                                                                       \
    X(before_certificate)

enum fault_point {
#define X(name) FAULT_POINT_##name,
    FAULT_POINT_TABLE(X)
#undef X
        FAULT_POINT_COUNT
};

extern const char *const fault_point_names[FAULT_POINT_COUNT];

#ifdef CHENGMAI_FAULTS
/* True where this step is the armed one. */
bool fault_step(enum fault_step_kind kind);
/* Arms step number `k` (from 0) among the kinds of `mask`, in every thread. */
void fault_arm(long k, unsigned mask);
/* Disarms; true where the armed step was reached. */
bool fault_disarm(void);
/* Acts as CHENGMAI_FAULT says; false with `err` set where it says `error`. */
bool fault_at(enum fault_point point, struct error *err) MUST_USE;
#else
static inline bool fault_step(enum fault_step_kind kind)
{
    (void)kind;
    return false;
}
static inline bool fault_at(enum fault_point point, struct error *err)
{
    (void)point, (void)err;
    return true;
}
#endif

#endif
