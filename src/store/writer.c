/* The writer: one thread, the only one that changes the database.
 *
 * Words: a *job* is one caller's change; a *group* is the jobs that wait when the writer is free;
 * *acknowledged* is the moment `done` runs.
 * Invariants: 1 a group is one transaction, each job in its own savepoint; a failed job leaves
 * nothing: where it cannot be undone alone, the whole group is undone and told so. 2 `done` runs
 * after COMMIT returned, or with the reason why nothing was kept. 3 jobs run in the order they were
 * queued. 4 beyond WRITE_QUEUE_MAX jobs only those are queued whose callers wait.
 *
 *      idle ──job queued──► group open ──jobs run──► COMMIT ──► done callbacks ──► idle
 *                               └─── BEGIN, undoing or COMMIT fails: every job fails ───┘ */
#include "store/store_internal.h"

#include <stdlib.h>

enum { GROUP_JOBS_MAX = 256 };

/* Runs one job; job->failed: it gave up, was undone alone and has its own failure. False where the
 * transaction as a whole is lost: the job could not be undone alone, or the engine rolled
 * everything back (a full disk does that). Going on then would run jobs outside of any. */
static bool run_in_savepoint(struct sql *sql, struct write_job *job, struct error *err)
{
    if (!sql_script(sql, "SAVEPOINT job", &job->failure)) {
        job->failed = true;
        return true;
    }
    bool emitted_before = sql->emitted;
    bool kept = job->run(sql, job->context, &job->failure);
    sql_end_all(sql);
    job->failed = !kept;
    if (sqlite3_get_autocommit(sql->database)) {
        if (kept)
            return error_set(err, ERROR_IO, (struct error_place){.source = "writer"}, NULL,
                             "the database rolled the transaction back");
        *err = job->failure;
        return false;
    }
    if (!kept) {
        sql->emitted = emitted_before;
        if (!sql_script(sql, "ROLLBACK TO job", err))
            return false;
    }
    return sql_script(sql, "RELEASE job", err);
}

bool sql_part(struct sql *sql, bool (*run)(struct sql *sql, void *context, struct error *err),
              void *context, bool *ret_kept, struct error *failure, struct error *err)
{
    struct write_job part = {.run = run, .context = context};
    bool whole = run_in_savepoint(sql, &part, err);
    *ret_kept = whole && !part.failed;
    if (part.failed)
        *failure = part.failure;
    return whole;
}

/* Ends a transaction that is still open; what an engine already rolled back is done. */
static bool roll_back(struct sql *sql, struct error *err)
{
    return sqlite3_get_autocommit(sql->database) || sql_script(sql, "ROLLBACK", err);
}

/* True where the group's transaction is on disk. */
static bool run_group(struct store *store, struct write_job *first, struct error *err)
{
    struct sql *sql = store->writer;
    sql->emitted = false;
    if (!roll_back(sql, err) || !sql_script(sql, "BEGIN IMMEDIATE", err))
        return false;
    bool whole = true;
    for (struct write_job *job = first; whole && job; job = job->next)
        whole = run_in_savepoint(sql, job, err);
    if (!whole || !fault_at(FAULT_POINT_before_sql_commit, err) ||
        !sql_script(sql, "COMMIT", err)) {
        struct error ignored;
        bool gone = roll_back(sql, &ignored);
        (void)gone; /* where not: the next group tries again before it begins */
        return false;
    }
    return fault_at(FAULT_POINT_after_sql_commit, err);
}

/* Leaving WAL needs the database alone: no reader is open during the job, new ones wait. */
static bool run_unsynced_alone(struct store *store, struct write_job *job)
{
    struct error failure;
    if (!sql_script(store->writer, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                                   "PRAGMA secure_delete = OFF; PRAGMA cache_size = -262144;",
                    &job->failure))
        return false;
    bool done = run_group(store, job, &failure);
    if (!done && !job->failed)
        job->failure = failure;
    struct error *err = &job->failure;
    if (!sql_script(store->writer, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                   "PRAGMA secure_delete = ON; PRAGMA cache_size = -65536;"
                                   "PRAGMA wal_checkpoint(TRUNCATE);",
                    done ? err : &failure))
        done = false;
    return done && !job->failed;
}

static bool run_unsynced(struct store *store, struct write_job *job)
{
    readers_close(store);
    bool done = run_unsynced_alone(store, job);
    pthread_mutex_unlock(&store->reader_lock);
    return done;
}

static void finish(struct store *store, struct write_job *job)
{
    if (!job->synchronous) {
        job->done(job->context, job->failed ? &job->failure : NULL);
        free(job);
        return;
    }
    pthread_mutex_lock(&store->queue_lock);
    job->finished = true; /* the caller's stack frame: gone once unlocked */
    pthread_cond_signal(&job->is_ended);
    pthread_mutex_unlock(&store->queue_lock);
}

static struct write_job *take_group(struct store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    while (!store->queue_first && !store->stopping)
        pthread_cond_wait(&store->queue_filled, &store->queue_lock);
    struct write_job *first = store->queue_first, *last = first;
    size_t taken = first ? 1 : 0;
    while (last && last->next && taken < GROUP_JOBS_MAX && !first->unsynced &&
           !last->next->unsynced) {
        last = last->next;
        taken++;
    }
    if (last) {
        store->queue_first = last->next;
        if (!last->next)
            store->queue_last = NULL;
        last->next = NULL;
        store->queue_count -= taken;
    }
    pthread_mutex_unlock(&store->queue_lock);
    return first;
}

static void *writer_main(void *argument)
{
    struct store *store = argument;
    for (;;) {
        struct write_job *group = take_group(store);
        if (!group)
            return NULL; /* stopping, and the queue is empty */
        struct error failure = {0};
        if (group->unsynced)
            group->failed = !run_unsynced(store, group);
        else if (!run_group(store, group, &failure))
            for (struct write_job *job = group; job; job = job->next)
                if (!job->failed) {
                    job->failed = true;
                    job->failure = failure;
                }
        bool emitted = store->writer->emitted && failure.code == ERROR_NONE;
        while (group) {
            struct write_job *next = group->next;
            finish(store, group);
            group = next;
        }
        for (size_t i = 0; emitted && i < store->listener_count; i++)
            store->listeners[i].wake(store->listeners[i].context);
    }
}

bool writer_start(struct store *store, struct error *err)
{
    if (pthread_create(&store->writer_thread, NULL, writer_main, store) != 0)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "writer"}, NULL,
                         "cannot start the writer thread");
    store->writer_started = true;
    return true;
}

void writer_stop(struct store *store)
{
    if (!store->writer_started)
        return;
    pthread_mutex_lock(&store->queue_lock);
    store->stopping = true;
    pthread_cond_broadcast(&store->queue_filled);
    pthread_mutex_unlock(&store->queue_lock);
    pthread_join(store->writer_thread, NULL);
    store->writer_started = false;
}

static bool enqueue(struct store *store, struct write_job *job, struct error *err)
{
    if (store->stopping || (!job->synchronous && store->queue_count >= WRITE_QUEUE_MAX))
        return error_set(err, ERROR_BUSY, (struct error_place){.source = "writer"}, NULL,
                         "%d changes wait already", WRITE_QUEUE_MAX);
    if (store->queue_last)
        store->queue_last->next = job;
    else
        store->queue_first = job;
    store->queue_last = job;
    store->queue_count++;
    pthread_cond_signal(&store->queue_filled);
    return true;
}

static bool write_and_wait(struct store *store, struct write_job *job, struct error *err)
{
    REQUIRE(!pthread_equal(pthread_self(), store->writer_thread));
    pthread_cond_init(&job->is_ended, NULL);
    pthread_mutex_lock(&store->queue_lock);
    bool queued = enqueue(store, job, err);
    while (queued && !job->finished)
        pthread_cond_wait(&job->is_ended, &store->queue_lock);
    pthread_mutex_unlock(&store->queue_lock);
    pthread_cond_destroy(&job->is_ended);
    if (queued && job->failed)
        *err = job->failure;
    return queued && !job->failed;
}

bool store_write(struct store *store, store_job *run, void *context, struct error *err)
{
    struct write_job job = {.run = run, .context = context, .synchronous = true};
    return write_and_wait(store, &job, err);
}

bool store_write_unsynced(struct store *store, store_job *run, void *context, struct error *err)
{
    struct write_job job = {
        .run = run, .context = context, .synchronous = true, .unsynced = true};
    return write_and_wait(store, &job, err);
}

bool store_write_later(struct store *store, store_job *run, void *context,
                       void (*done)(void *context, const struct error *failure),
                       struct error *err)
{
    struct write_job *job = x_alloc(1, sizeof *job);
    *job = (struct write_job){.run = run, .context = context, .done = done};
    pthread_mutex_lock(&store->queue_lock);
    bool queued = enqueue(store, job, err);
    pthread_mutex_unlock(&store->queue_lock);
    if (!queued)
        free(job);
    return queued;
}
