/* Goal: jobs are kept or undone one by one, in order, and acknowledged only when on disk. */
#include "store/test_support.h"

static void queue(struct test_store *test, struct test_job *job)
{
    struct error err;
    test_done_or_fail(store_write_later(test->store, test_mark, job, test_job_done, &err), &err);
}

static int commits;
static int count_commit(void *context)
{
    (void)context;
    commits++;
    return 0;
}
static bool watch_commits(struct sql *sql, void *context, struct error *err)
{
    (void)err;
    sqlite3_commit_hook(sql->database, context ? count_commit : NULL, NULL);
    return true;
}

static void jobs_that_wait_share_one_commit(void **state)
{
    (void)state;
    enum { JOBS = 100 };
    struct test_store test;
    struct test_gate gate;
    struct test_job jobs[JOBS] = {{0}};
    struct error err;
    test_store_create(&test);
    test_done_or_fail(store_write(test.store, watch_commits, &test, &err), &err);
    test_gate_close(&test, &gate);
    commits = 0;
    for (int i = 0; i < JOBS; i++) {
        jobs[i].no = i;
        queue(&test, &jobs[i]);
    }
    test_gate_open(&gate);
    test_barrier(&test);
    assert_in_range(commits, 2, 3); /* the gate's, the hundred's, perhaps the barrier's own */
    test_done_or_fail(store_write(test.store, watch_commits, NULL, &err), &err);
    assert_int_equal(test_number(&test, &test_count_all, NULL), JOBS);
    test_store_remove(&test);
}

static void a_failed_job_leaves_nothing_and_harms_no_other(void **state)
{
    (void)state;
    enum { JOBS = 30 };
    struct test_store test;
    struct test_gate gate;
    struct test_job jobs[JOBS] = {{0}};
    test_store_create(&test);
    test_gate_close(&test, &gate);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct test_job){.no = i, .give_up = i % 3 == 1};
        queue(&test, &jobs[i]);
    }
    test_gate_open(&gate);
    test_barrier(&test);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].runs, 1);
        assert_int_equal(jobs[i].dones, 1);
        assert_int_equal(jobs[i].failed, i % 3 == 1);
        assert_int_equal(test_marks(&test, i), i % 3 != 1);
        if (jobs[i].failed) {
            assert_int_equal(jobs[i].failure.code, ERROR_REFUSED);
            assert_int_equal(jobs[i].failure.row, i);
        }
    }
    test_store_remove(&test);
}

struct parts {
    struct test_job jobs[20];
    bool give_up; /* the whole, after its parts */
};

static bool run_parts(struct sql *sql, void *context, struct error *err)
{
    struct parts *parts = context;
    for (int i = 0; i < 20; i++) {
        struct test_job *job = &parts->jobs[i];
        struct error failure = {0};
        bool kept;
        *job = (struct test_job){.no = 100 + i, .give_up = i % 2 == 1};
        if (!sql_part(sql, test_mark, job, &kept, &failure, err))
            return false;
        job->failed = !kept;
        job->failure = failure;
    }
    return !parts->give_up ||
           error_set(err, ERROR_REFUSED, (struct error_place){.row = 1}, NULL, "all of it");
}

static void a_failed_part_leaves_nothing_and_harms_no_other_part(void **state)
{
    (void)state;
    struct test_store test;
    struct parts parts = {.give_up = true};
    struct error err;
    test_store_create(&test);
    assert_false(store_write(test.store, run_parts, &parts, &err));
    assert_string_equal(err.what, "all of it");
    assert_int_equal(test_number(&test, &test_count_all, NULL), 0);
    parts.give_up = false;
    test_done_or_fail(store_write(test.store, run_parts, &parts, &err), &err);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(parts.jobs[i].runs, 1);
        assert_int_equal(parts.jobs[i].failed, i % 2 == 1);
        assert_int_equal(test_marks(&test, 100 + i), i % 2 == 0);
        assert_int_equal(parts.jobs[i].failure.row, i % 2 == 1 ? 100 + i : 0);
    }
    test_store_remove(&test);
}

struct order {
    int64_t *next_run, *next_done;
    int64_t no;
};
static bool run_in_order(struct sql *sql, void *context, struct error *err)
{
    (void)sql, (void)err;
    struct order *order = context;
    return (*order->next_run)++ == order->no;
}
static void done_in_order(void *context, const struct error *failure)
{
    struct order *order = context;
    if (!failure && *order->next_done == order->no)
        (*order->next_done)++;
}

static void jobs_run_and_are_told_in_the_order_they_were_queued(void **state)
{
    (void)state;
    enum { JOBS = 1000 }; /* more than one group */
    struct test_store test;
    struct order orders[JOBS];
    struct error err;
    int64_t next_run = 0, next_done = 0;
    test_store_create(&test);
    for (int i = 0; i < JOBS; i++) {
        orders[i] = (struct order){&next_run, &next_done, i};
        test_done_or_fail(
            store_write_later(test.store, run_in_order, &orders[i], done_in_order, &err), &err);
    }
    test_barrier(&test);
    assert_int_equal(next_run, JOBS);
    assert_int_equal(next_done, JOBS);
    test_store_remove(&test);
}

static void a_full_queue_sheds_with_busy_and_loses_nothing_it_took(void **state)
{
    (void)state;
    struct test_store test;
    struct test_gate gate;
    struct error err;
    struct test_job *jobs = x_alloc(WRITE_QUEUE_MAX + 2, sizeof *jobs);
    test_store_create(&test);
    test_gate_close(&test, &gate);
    for (int i = 0; i < WRITE_QUEUE_MAX; i++) {
        jobs[i].no = i;
        queue(&test, &jobs[i]);
    }
    for (int i = WRITE_QUEUE_MAX; i < WRITE_QUEUE_MAX + 2; i++) {
        assert_false(store_write_later(test.store, test_mark, &jobs[i], test_job_done, &err));
        assert_int_equal(err.code, ERROR_BUSY);
    }
    test_gate_open(&gate);
    test_barrier(&test); /* who waits is never shed */
    for (int i = 0; i < WRITE_QUEUE_MAX; i++) {
        assert_int_equal(jobs[i].dones, 1);
        assert_false(jobs[i].failed);
    }
    for (int i = WRITE_QUEUE_MAX; i < WRITE_QUEUE_MAX + 2; i++)
        assert_int_equal(jobs[i].runs + jobs[i].dones, 0);
    assert_int_equal(test_number(&test, &test_count_all, NULL), WRITE_QUEUE_MAX);
    free(jobs);
    test_store_remove(&test);
}

struct durable {
    struct test_store *test;
    int64_t seen_in_done;
};
static bool mark_one(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    struct test_job job = {.no = 1};
    return test_mark(sql, &job, err);
}
static void look_from_outside(void *context, const struct error *failure)
{
    struct durable *durable = context;
    durable->seen_in_done = failure ? -1 : test_marks(durable->test, 1);
}

static void done_runs_when_another_connection_sees_the_change(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    struct durable durable = {&test, -2};
    test_done_or_fail(store_write_later(test.store, mark_one, &durable, look_from_outside, &err),
                      &err);
    test_barrier(&test);
    assert_int_equal(durable.seen_in_done, 1);
    test_store_remove(&test);
}

static void a_read_is_a_snapshot_until_given_back(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *old, *new;
    int64_t count;
    struct test_job job = {.no = 1};
    test_store_create(&test);
    test_done_or_fail(store_read_begin(test.store, &old, &err), &err);
    assert_true(sql_one_int(old, &test_count_all, NULL, 0, -1, &count, &err));
    assert_int_equal(count, 0);
    test_done_or_fail(store_write(test.store, test_mark, &job, &err), &err);
    assert_true(sql_one_int(old, &test_count_all, NULL, 0, -1, &count, &err));
    assert_int_equal(count, 0);
    test_done_or_fail(store_read_begin(test.store, &new, &err), &err);
    assert_true(sql_one_int(new, &test_count_all, NULL, 0, -1, &count, &err));
    assert_int_equal(count, 1);
    store_read_end(test.store, new);
    store_read_end(test.store, old);
    store_read_end(test.store, NULL);
    assert_int_equal(test_number(&test, &test_count_all, NULL), 1);
    test_store_remove(&test);
}

static void *read_once(void *context)
{
    return (void *)(intptr_t)test_number(context, &test_count_all, NULL);
}
static void a_reader_waits_where_all_are_out(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *readers[READERS_MAX];
    pthread_t thread;
    void *count;
    test_store_create(&test);
    for (int i = 0; i < READERS_MAX; i++)
        test_done_or_fail(store_read_begin(test.store, &readers[i], &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, read_once, &test), 0);
    usleep(20000);
    store_read_end(test.store, readers[3]);
    pthread_join(thread, &count); /* would hang for ever if the reader did not come back */
    assert_int_equal((intptr_t)count, 0);
    for (int i = 0; i < READERS_MAX; i++)
        if (i != 3)
            store_read_end(test.store, readers[i]);
    test_store_remove(&test);
}

static void *give_back_later(void *context)
{
    struct sql **sql = context;
    usleep(50000);
    store_read_end((struct store *)sql[1], sql[0]);
    return NULL;
}

static void an_unsynced_job_waits_for_readers_and_leaves_wal_behind(void **state)
{
    (void)state;
    static const struct sql_text journal_mode = {
        "journal_mode", "SELECT journal_mode = 'wal' FROM pragma_journal_mode", "none"};
    static const struct sql_text synchronous = {
        "synchronous", "SELECT synchronous FROM pragma_synchronous", "none"};
    struct test_store test;
    struct error err;
    struct sql *held[2] = {NULL, NULL};
    int64_t count;
    pthread_t thread;
    test_store_create(&test);
    test_done_or_fail(store_read_begin(test.store, &held[0], &err), &err);
    held[1] = (struct sql *)test.store; /* what give_back_later needs besides */
    assert_true(sql_one_int(held[0], &test_count_all, NULL, 0, -1, &count, &err));
    assert_int_equal(pthread_create(&thread, NULL, give_back_later, held), 0);
    struct test_job job = {.no = 1};
    test_done_or_fail(store_write_unsynced(test.store, test_mark, &job, &err), &err);
    pthread_join(thread, NULL);
    assert_int_equal(test_marks(&test, 1), 1);
    job = (struct test_job){.no = 2, .give_up = true};
    assert_false(store_write_unsynced(test.store, test_mark, &job, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_int_equal(test_number(&test, &journal_mode, NULL), 1);
    assert_true(sql_one_int(test.store->writer, &synchronous, NULL, 0, -1, &count, &err));
    assert_int_equal(count, 2); /* FULL */
    job = (struct test_job){.no = 3};
    test_done_or_fail(store_write(test.store, test_mark, &job, &err), &err);
    test_store_close(&test);
    test_store_open(&test);
    assert_int_equal(test_marks(&test, 1), 1);
    assert_int_equal(test_marks(&test, 3), 1);
    test_store_remove(&test);
}

static void closing_finishes_what_was_queued(void **state)
{
    (void)state;
    enum { JOBS = 700 };
    struct test_store test;
    struct test_gate gate;
    struct test_job jobs[JOBS] = {{0}};
    test_store_create(&test);
    test_gate_close(&test, &gate);
    for (int i = 0; i < JOBS; i++)
        queue(&test, &jobs[i]);
    test_gate_open(&gate);
    test_store_close(&test);
    for (int i = 0; i < JOBS; i++)
        assert_true(jobs[i].dones == 1 && !jobs[i].failed);
    test_store_open(&test);
    assert_int_equal(test_number(&test, &test_count_all, NULL), JOBS);
    test_store_remove(&test);
}

/* ---- What a bad day does */

static bool limit_pages(struct sql *sql, void *context, struct error *err)
{
    return sql_script(sql, context, err);
}
static bool fill_disk(struct sql *sql, void *context, struct error *err)
{
    static const struct sql_text big = {
        "fill_disk", "INSERT INTO mark (no, word) VALUES (-1, randomblob(1000000))", "none"};
    (void)context;
    return sql_run(sql, &big, NULL, 0, err);
}

static void a_full_disk_refuses_and_writing_goes_on_when_there_is_room(void **state)
{
    (void)state;
    struct test_store test;
    struct test_gate gate;
    struct error err;
    test_store_create(&test);
    test_done_or_fail(store_write(test.store, limit_pages, "PRAGMA max_page_count = 1", &err),
                      &err); /* the engine takes the present size as the least */
    struct test_job before = {.no = 1}, after = {.no = 2}, full = {0};
    test_gate_close(&test, &gate);
    queue(&test, &before);
    test_done_or_fail(store_write_later(test.store, fill_disk, &full, test_job_done, &err), &err);
    queue(&test, &after);
    test_gate_open(&gate);
    test_barrier(&test);
    assert_true(full.failed);
    assert_int_equal(full.failure.code, ERROR_DISK_FULL);
    assert_int_equal(test_marks(&test, 1), !before.failed); /* told the truth, whichever it was */
    assert_int_equal(test_marks(&test, 2), !after.failed);
    assert_int_equal(test_marks(&test, -1), 0);
    test_done_or_fail(
        store_write(test.store, limit_pages, "PRAGMA max_page_count = 1000000", &err), &err);
    test_done_or_fail(store_write(test.store, fill_disk, NULL, &err), &err);
    assert_int_equal(test_marks(&test, -1), 1);
    test_store_remove(&test);
}

/* What the engine does by itself after some failures: everything of the transaction is gone. */
static bool lose_transaction(struct sql *sql, void *context, struct error *err)
{
    bool *give_up = context;
    return sql_script(sql, "ROLLBACK", err) &&
           (!*give_up || error_set(err, ERROR_IO, (struct error_place){0}, NULL, "lost"));
}

static void where_the_engine_rolled_back_no_job_of_the_group_is_told_it_was_kept(void **state)
{
    (void)state;
    for (int give_up = 0; give_up < 2; give_up++) {
        struct test_store test;
        struct test_gate gate;
        struct error err;
        struct test_job before = {.no = 1}, after = {.no = 2};
        struct {
            bool give_up;
        } lost = {give_up != 0};
        test_store_create(&test);
        test_gate_close(&test, &gate);
        queue(&test, &before);
        test_done_or_fail(
            store_write_later(test.store, lose_transaction, &lost, test_gate_done, &err), &err);
        queue(&test, &after);
        test_gate_open(&gate);
        test_barrier(&test);
        assert_true(before.dones == 1 && before.failed);
        assert_true(after.dones == 1 && after.failed);
        assert_int_equal(before.failure.code, ERROR_IO);
        assert_int_equal(test_number(&test, &test_count_all, NULL), 0);
        struct test_job next = {.no = 3};
        test_done_or_fail(store_write(test.store, test_mark, &next, &err), &err);
        assert_int_equal(test_marks(&test, 3), 1);
        test_store_remove(&test);
    }
}

static bool leave_query_open(struct sql *sql, void *context, struct error *err)
{
    struct sql_query *query;
    bool row;
    (void)context;
    return sql_begin(sql, &test_count_all, NULL, 0, &query, err) && sql_next(query, &row, err);
}

static void a_job_may_leave_a_query_open(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    for (int i = 0; i < 2; i++)
        test_done_or_fail(store_write(test.store, leave_query_open, NULL, &err), &err);
    test_store_remove(&test);
}

static bool write_from_a_job(struct sql *sql, void *context, struct error *err)
{
    (void)sql;
    return store_write(context, test_nothing, NULL, err);
}
static void write_inside_write(void *context)
{
    (void)context;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    bool done = store_write(test.store, write_from_a_job, test.store, &err);
    _exit(done ? 1 : 2);
}
static void waiting_for_the_writer_on_the_writer_is_a_bug(void **state)
{
    (void)state;
    test_aborts(write_inside_write, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_that_wait_share_one_commit),
        cmocka_unit_test(a_failed_job_leaves_nothing_and_harms_no_other),
        cmocka_unit_test(a_failed_part_leaves_nothing_and_harms_no_other_part),
        cmocka_unit_test(jobs_run_and_are_told_in_the_order_they_were_queued),
        cmocka_unit_test(a_full_queue_sheds_with_busy_and_loses_nothing_it_took),
        cmocka_unit_test(done_runs_when_another_connection_sees_the_change),
        cmocka_unit_test(a_read_is_a_snapshot_until_given_back),
        cmocka_unit_test(a_reader_waits_where_all_are_out),
        cmocka_unit_test(an_unsynced_job_waits_for_readers_and_leaves_wal_behind),
        cmocka_unit_test(closing_finishes_what_was_queued),
        cmocka_unit_test(a_full_disk_refuses_and_writing_goes_on_when_there_is_room),
        cmocka_unit_test(where_the_engine_rolled_back_no_job_of_the_group_is_told_it_was_kept),
        cmocka_unit_test(a_job_may_leave_a_query_open),
        cmocka_unit_test(waiting_for_the_writer_on_the_writer_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
