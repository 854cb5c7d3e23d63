/* A thread pool: a few workers take tasks from one queue, oldest first.
 *
 * The queue is bounded: where it is full, or the pool is stopping, a task is not taken and the
 * caller sheds it (an HTTP request becomes a 503). Stopping drains: what was taken is finished. A
 * task is a member of what it works on, so that queueing allocates nothing and cannot fail. */
#ifndef CHENGMAI_BASE_POOL_H
#define CHENGMAI_BASE_POOL_H

#include "base/error.h"

struct pool_task {
    /* On a worker. The task is the pool's until `run` begins; from then on the pool forgets it, so
     * that `run` may free it or submit it again. */
    void (*run)(struct pool_task *task);
    /* In pool_submit, once there is room and before any worker can begin; may be NULL. Short, and
     * never a call into the pool: its lock is held. */
    void (*taken)(struct pool_task *task);
    struct pool_task *next; /* the pool's */
};

struct pool;

/* Starts `worker_count` threads; at most `queue_max` tasks wait. ERROR_ENVIRONMENT where the
 * threads cannot be had. */
bool pool_start(size_t worker_count, size_t queue_max, struct pool **ret_pool,
                struct error *err) MUST_USE;
/* From any thread. False where `queue_max` tasks wait or the pool stops: nothing is done. */
bool pool_submit(struct pool *pool, struct pool_task *task) MUST_USE;
/* The same for a task that matters less: taken only where fewer than `waiting_max` wait already (at
 * most the pool's own bound counts). */
bool pool_submit_within(struct pool *pool, struct pool_task *task, size_t waiting_max) MUST_USE;
/* How many tasks wait now. */
size_t pool_waiting(struct pool *pool);
/* Takes no more, finishes what was taken, ends the threads. pool_submit stays allowed and says
 * false. Never on a worker. Twice is done. */
void pool_stop(struct pool *pool);
/* Stops and frees. Accepts NULL. */
void pool_free(struct pool *pool);

#endif
