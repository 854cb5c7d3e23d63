/* The pool: a list under one lock.
 *
 *   running ──pool_stop──► draining (no task is taken) ──queue empty──► stopped (no thread runs)
 *
 * Invariants: 1 `waiting` is the length of the list and never above `queue_max`. 2 a task is run
 * once for each submit that said true, begun in that order. 3 after pool_stop the list is empty. */
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

struct pool {
    pthread_mutex_t lock; /* owns first, last, waiting, stopping */
    pthread_cond_t filled;
    struct pool_task *first, *last;
    size_t waiting, queue_max;
    bool stopping;
    size_t worker_count; /* the starting and stopping thread's */
    pthread_t workers[];
};

/* The oldest task, waiting for one; NULL where the pool stops and none is left. Under the lock. */
static struct pool_task *take(struct pool *pool)
{
    while (!pool->first && !pool->stopping)
        pthread_cond_wait(&pool->filled, &pool->lock);
    struct pool_task *task = pool->first;
    if (task) {
        pool->first = task->next;
        if (!pool->first)
            pool->last = NULL;
        pool->waiting--;
    }
    REQUIRE(!pool->first == !pool->waiting);
    return task;
}

static void *worker_main(void *argument)
{
    struct pool *pool = argument;
    struct pool_task *task;
    pthread_mutex_lock(&pool->lock);
    while ((task = take(pool))) {
        pthread_mutex_unlock(&pool->lock);
        task->run(task);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

bool pool_start(size_t worker_count, size_t queue_max, struct pool **ret_pool, struct error *err)
{
    REQUIRE(worker_count > 0 && queue_max > 0);
    struct pool *pool = x_alloc(1, sizeof *pool + worker_count * sizeof *pool->workers);
    pool->queue_max = queue_max;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->filled, NULL);
    while (pool->worker_count < worker_count) {
        if (pthread_create(&pool->workers[pool->worker_count], NULL, worker_main, pool) != 0) {
            pool_free(pool);
            return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "threads"},
                             "room for a few threads", "a worker thread cannot be started");
        }
        pool->worker_count++;
    }
    *ret_pool = pool;
    return true;
}

bool pool_submit(struct pool *pool, struct pool_task *task)
{
    return pool_submit_within(pool, task, pool->queue_max);
}

bool pool_submit_within(struct pool *pool, struct pool_task *task, size_t waiting_max)
{
    pthread_mutex_lock(&pool->lock);
    bool room = !pool->stopping && pool->waiting < pool->queue_max && pool->waiting < waiting_max;
    if (room) {
        if (task->taken)
            task->taken(task);
        task->next = NULL;
        if (pool->last)
            pool->last->next = task;
        else
            pool->first = task;
        pool->last = task;
        pool->waiting++;
        pthread_cond_signal(&pool->filled);
    }
    pthread_mutex_unlock(&pool->lock);
    return room;
}

size_t pool_waiting(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}

void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->filled);
    pthread_mutex_unlock(&pool->lock);
    while (pool->worker_count)
        pthread_join(pool->workers[--pool->worker_count], NULL);
    REQUIRE(!pool->first && !pool->waiting);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool_stop(pool);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->filled);
    free(pool);
}
