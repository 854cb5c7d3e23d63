/* A data directory of its own for each test of the store, and a table to write into. */
#ifndef CHENGMAI_STORE_TEST_SUPPORT_H
#define CHENGMAI_STORE_TEST_SUPPORT_H

#include <pthread.h>

#include "base/test_support.h"
#include "store/store_internal.h"

struct test_store {
    struct test_directory directory;
    struct world world;
    struct store *store;
};

static const struct sql_text test_insert = {
    "test_insert", "INSERT INTO mark (no, word) VALUES (?1, ?2)", "primary key"};
static const struct sql_text test_count = {
    "test_count", "SELECT count(*) FROM mark WHERE no = ?1", "whole table"};
static const struct sql_text test_count_all = {
    "test_count_all", "SELECT count(*) FROM mark", "whole table"};

static inline bool test_make_table(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_script(sql, "CREATE TABLE IF NOT EXISTS mark (no BIGINT NOT NULL, word TEXT)", err);
}

static inline void test_store_open(struct test_store *test)
{
    struct error err;
    test_done_or_fail(store_open(test->directory.path, &test->world, &test->store, &err), &err);
}
static inline void test_store_close(struct test_store *test)
{
    store_close(test->store);
    test->store = NULL;
}
/* A demo directory that stands still at 2022-04-14T14:30+08:00, with the table `mark`. */
static inline void test_store_create(struct test_store *test)
{
    struct error err;
    *test = (struct test_store){0};
    test_directory_make(&test->directory);
    world_init(&test->world);
    test->world.fixed = 1649917800 * SECOND;
    struct store_creation creation = {.demo = true, .seed = 7, .city_start = test->world.fixed};
    test_done_or_fail(store_create(test->directory.path, &creation, &err), &err);
    test_store_open(test);
    test_done_or_fail(store_write(test->store, test_make_table, NULL, &err), &err);
}
static inline void test_store_remove(struct test_store *test)
{
    test_store_close(test);
    test_directory_remove(&test->directory);
}

/* One whole number by a statement that takes at most one argument. */
static inline int64_t test_number(struct test_store *test, const struct sql_text *text,
                                  const int64_t *argument)
{
    struct error err;
    struct sql *sql;
    int64_t value = -1;
    test_done_or_fail(store_read_begin(test->store, &sql, &err), &err);
    struct sql_value value_of = sql_int(argument ? *argument : 0);
    test_done_or_fail(sql_one_int(sql, text, &value_of, argument ? 1 : 0, -1, &value, &err), &err);
    store_read_end(test->store, sql);
    return value;
}
static inline int64_t test_marks(struct test_store *test, int64_t no)
{
    return test_number(test, &test_count, &no);
}

/* A job that writes its number, and may give up afterwards. */
struct test_job {
    int64_t no;
    bool give_up;
    bool heavy; /* emits a "test.heavy" */
    int runs, dones;
    bool failed;
    struct error failure;
};
static inline bool test_mark(struct sql *sql, void *context, struct error *err)
{
    struct test_job *job = context;
    job->runs++;
    if (!sql_run(sql, &test_insert, SQL_ARGUMENTS(sql_int(job->no), sql_text(SLICE("word"))), err))
        return false;
    return !job->give_up || error_set(err, ERROR_REFUSED, (struct error_place){.row = job->no},
                                      NULL, "job %lld gives up", (long long)job->no);
}
/* Runs on the writer thread; read after store_close or another barrier. */
static inline void test_job_done(void *context, const struct error *failure)
{
    struct test_job *job = context;
    job->dones++;
    job->failed = failure != NULL;
    job->failure = failure ? *failure : (struct error){0};
}

/* Holds the writer inside a job until opened, so that what is queued meanwhile makes one group. */
struct test_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered, open;
};
static inline bool test_gate_job(struct sql *sql, void *context, struct error *err)
{
    (void)sql, (void)err;
    struct test_gate *gate = context;
    pthread_mutex_lock(&gate->lock);
    gate->entered = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return true;
}
static inline void test_gate_done(void *context, const struct error *failure)
{
    (void)context, (void)failure;
}
static inline void test_gate_close(struct test_store *test, struct test_gate *gate)
{
    struct error err;
    *gate = (struct test_gate){0};
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
    test_done_or_fail(store_write_later(test->store, test_gate_job, gate, test_gate_done, &err),
                      &err);
    pthread_mutex_lock(&gate->lock);
    while (!gate->entered)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}
static inline void test_gate_open(struct test_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}
static inline bool test_nothing(struct sql *sql, void *context, struct error *err)
{
    (void)sql, (void)context, (void)err;
    return true;
}
/* When it returns, all that was queued before is done (it may itself be in a group that failed). */
static inline void test_barrier(struct test_store *test)
{
    struct error ignored;
    bool done = store_write(test->store, test_nothing, NULL, &ignored);
    (void)done;
}

#endif
