/* Goal: events are numbered without gaps in commit order, and a subscriber handles each exactly
 * once, over restarts and over a kill between handling and commit. */
#include "store/test_support.h"

static bool emit_number(struct sql *sql, void *context, struct error *err)
{
    const struct test_job *job = context;
    char payload[40];
    snprintf(payload, sizeof payload, "{\"n\":%lld}", (long long)job->no);
    struct event event = {.kind = job->heavy ? SLICE("test.heavy") : SLICE("test.counted"),
                          .subject_no = job->no,
                          .area_no = 320402,
                          .at = job->no * SECOND,
                          .payload = slice_of(payload)};
    return event_emit(sql, &event, err) &&
           (!job->give_up || error_set(err, ERROR_REFUSED, (struct error_place){0}, NULL, "no"));
}
static void emit(struct test_store *test, int64_t n)
{
    struct error err;
    struct test_job job = {.no = n};
    test_done_or_fail(store_write(test->store, emit_number, &job, &err), &err);
}

struct seen {
    int64_t count, last_no, stop_after;
};
static bool check_event(const struct event *event, void *context, struct error *err)
{
    struct seen *seen = context;
    char payload[40];
    assert_true(event->no == seen->last_no + 1);
    seen->last_no = event->no;
    snprintf(payload, sizeof payload, "{\"n\":%lld}", (long long)event->subject_no);
    test_slice_is(event->kind, "test.counted");
    test_slice_is(event->payload, payload);
    assert_int_equal(event->area_no, 320402);
    assert_true(event->at == event->subject_no * SECOND);
    assert_true(event->recorded_at == 1649917800 * SECOND); /* city time stands still */
    seen->count++;
    return seen->count != seen->stop_after ||
           error_set(err, ERROR_REFUSED, (struct error_place){0}, NULL, "enough");
}

static void events_are_numbered_in_commit_order_without_gaps(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *sql;
    int64_t last;
    test_store_create(&test);
    for (int64_t n = 1; n <= 20; n++) {
        struct test_job job = {.no = n, .give_up = n % 4 == 0};
        assert_int_equal(store_write(test.store, emit_number, &job, &err), n % 4 != 0);
        if (n == 10) {
            test_store_close(&test);
            test_store_open(&test);
        }
    }
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    test_done_or_fail(event_last(sql, &last, &err), &err);
    assert_int_equal(last, 15); /* a job that gave up used no number */
    struct seen seen = {0};
    test_done_or_fail(event_read(sql, 0, 100, check_event, &seen, &err), &err);
    assert_int_equal(seen.count, 15);
    seen = (struct seen){.last_no = 7};
    test_done_or_fail(event_read(sql, 7, 5, check_event, &seen, &err), &err);
    assert_int_equal(seen.last_no, 12);
    seen = (struct seen){.last_no = 15};
    test_done_or_fail(event_read(sql, 15, 5, check_event, &seen, &err), &err);
    assert_int_equal(seen.count, 0);
    seen = (struct seen){.stop_after = 3};
    assert_false(event_read(sql, 0, 100, check_event, &seen, &err)); /* the visitor stops it */
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_int_equal(seen.count, 3);
    seen = (struct seen){0};
    test_done_or_fail(event_read(sql, 0, 1, check_event, &seen, &err), &err); /* and it reads on */
    store_read_end(test.store, sql);
    test_store_remove(&test);
}

static void an_empty_log_has_no_last_event(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct sql *sql;
    int64_t last = 9;
    test_store_create(&test);
    test_done_or_fail(store_read_begin(test.store, &sql, &err), &err);
    test_done_or_fail(event_last(sql, &last, &err), &err);
    assert_int_equal(last, 0);
    store_read_end(test.store, sql);
    test_store_remove(&test);
}

static void count_wake(void *context)
{
    ++*(int *)context;
}
static void listeners_wake_once_a_durable_commit_with_events(void **state)
{
    (void)state;
    struct test_store test;
    struct test_gate gate;
    struct error err;
    int wakes[2] = {0};
    test_store_create(&test);
    store_on_events(test.store, count_wake, &wakes[0]);
    store_on_events(test.store, count_wake, &wakes[1]);
    test_barrier(&test);
    struct test_job silent = {.no = 1}, refused = {.no = 2, .give_up = true};
    test_done_or_fail(store_write(test.store, test_mark, &silent, &err), &err);
    assert_false(store_write(test.store, emit_number, &refused, &err));
    test_barrier(&test);
    assert_int_equal(wakes[0], 0); /* nothing was emitted durably */
    struct test_job jobs[10] = {{0}};
    test_gate_close(&test, &gate);
    for (size_t i = 0; i < ROWS(jobs); i++) {
        jobs[i] = (struct test_job){.no = (int64_t)i + 10, .give_up = i == 9};
        test_done_or_fail(
            store_write_later(test.store, emit_number, &jobs[i], test_job_done, &err), &err);
    }
    test_gate_open(&gate);
    test_barrier(&test);
    test_barrier(&test);
    assert_int_equal(wakes[0], 1); /* one group, though its last job gave up */
    assert_int_equal(wakes[1], 1);
    test_store_remove(&test);
}

/* ---- Subscribers: effects are rows of `mark` */

struct handling {
    int64_t fail_at, kill_at, handled;
};
static bool handle(struct sql *sql, const struct event *event, void *context, struct error *err)
{
    struct handling *handling = context;
    handling->handled++;
    if (event->subject_no == handling->kill_at)
        raise(SIGKILL);
    if (!sql_run(sql, &test_insert, SQL_ARGUMENTS(sql_int(event->subject_no), sql_null()), err))
        return false;
    return event->subject_no != handling->fail_at ||
           error_set(err, ERROR_REFUSED, (struct error_place){0}, NULL, "cannot");
}
static void expect_each_once(struct test_store *test, int64_t count)
{
    static const struct sql_text distinct = {
        "distinct_marks", "SELECT count(DISTINCT no) FROM mark", "whole table"};
    assert_int_equal(test_number(test, &distinct, NULL), count);
    assert_int_equal(test_number(test, &test_count_all, NULL), count);
}

static void a_subscriber_goes_on_where_it_was_over_restarts(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct handling handling = {0};
    int64_t count;
    test_store_create(&test);
    for (int64_t n = 1; n <= 30; n++) {
        emit(&test, n);
        if (n % 7 == 0) {
            test_done_or_fail(
                store_subscriber_run(test.store, "one", handle, &handling, &count, &err), &err);
            assert_int_equal(count, 7);
            test_store_close(&test);
            test_store_open(&test);
        }
    }
    test_done_or_fail(store_subscriber_run(test.store, "one", handle, &handling, &count, &err),
                      &err);
    assert_int_equal(count, 2);
    test_done_or_fail(store_subscriber_run(test.store, "one", handle, &handling, &count, &err),
                      &err);
    assert_int_equal(count, 0);
    expect_each_once(&test, 30);
    test_done_or_fail(store_subscriber_run(test.store, "two", handle, &handling, &count, &err),
                      &err); /* cursors are apart */
    assert_int_equal(count, 30);
    test_store_remove(&test);
}

static void a_subscriber_works_through_more_than_one_batch(void **state)
{
    (void)state;
    enum { EVENTS = 2500 };
    struct test_store test;
    struct error err;
    struct handling handling = {0};
    struct test_job *jobs = x_alloc(EVENTS, sizeof *jobs);
    int64_t count;
    test_store_create(&test);
    for (int i = 0; i < EVENTS; i++) {
        jobs[i].no = i + 1;
        test_done_or_fail(
            store_write_later(test.store, emit_number, &jobs[i], test_job_done, &err), &err);
    }
    test_done_or_fail(store_subscriber_run(test.store, "one", handle, &handling, &count, &err),
                      &err);
    assert_int_equal(count, EVENTS);
    expect_each_once(&test, EVENTS);
    test_store_remove(&test);
    free(jobs);
}

static void a_handler_that_fails_undoes_its_batch_and_is_given_it_again(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct handling handling = {.fail_at = 5};
    int64_t count = -1;
    test_store_create(&test);
    for (int64_t n = 1; n <= 8; n++)
        emit(&test, n);
    assert_false(store_subscriber_run(test.store, "one", handle, &handling, &count, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_int_equal(count, -1);
    expect_each_once(&test, 0);
    handling.fail_at = 0;
    test_done_or_fail(store_subscriber_run(test.store, "one", handle, &handling, &count, &err),
                      &err);
    assert_int_equal(count, 8);
    expect_each_once(&test, 8);
    test_store_remove(&test);
}

/* A handler that fails then undoes what came after the last such event, and no more. */
static void an_event_of_the_kind_apart_is_the_last_of_its_transaction(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct handling handling = {.fail_at = 7};
    int64_t count = -1;
    test_store_create(&test);
    for (int64_t n = 1; n <= 9; n++) {
        struct test_job job = {.no = n, .heavy = n == 2 || n == 3 || n == 5 || n == 9};
        test_done_or_fail(store_write(test.store, emit_number, &job, &err), &err);
    }
    assert_false(store_subscriber_run_apart(test.store, "one", "test.heavy", handle, &handling,
                                            &count, &err));
    assert_int_equal(count, -1);
    expect_each_once(&test, 5); /* 1 2 | 3 | 4 5 | 6 7: fails */
    handling = (struct handling){0};
    test_done_or_fail(store_subscriber_run_apart(test.store, "one", "test.heavy", handle, &handling,
                                                 &count, &err),
                      &err);
    assert_int_equal(count, 4); /* 6 7 8 9 | */
    assert_int_equal(handling.handled, 4);
    expect_each_once(&test, 9);
    test_store_remove(&test);
}

struct doomed {
    struct test_store *test;
    struct handling handling;
};
static void handle_in_child(void *context)
{
    struct doomed *doomed = context;
    struct error err;
    int64_t count;
    test_store_open(doomed->test);
    bool done = store_subscriber_run(doomed->test->store, "one", handle, &doomed->handling, &count,
                                     &err);
    _exit(done ? 0 : 1);
}

static void a_kill_while_handling_or_around_the_commit_doubles_and_loses_nothing(void **state)
{
    (void)state;
    static const char *const plans[] = {"", "before_sql_commit:kill:", "after_sql_commit:kill:"};
    struct test_store test;
    test_store_create(&test);
    int64_t emitted = 0;
    int kills = 0;
    for (size_t p = 0; p < ROWS(plans); p++)
        for (int at = 1; at <= 4; at++) {
            for (int i = 0; i < 6; i++)
                emit(&test, ++emitted);
            test_store_close(&test);
            struct doomed doomed = {&test, {.kill_at = p == 0 ? emitted - at : 0}};
            char plan[60];
            snprintf(plan, sizeof plan, "%s%d", plans[p], at);
            if (p)
                setenv("CHENGMAI_FAULT", plan, 1);
            int status = test_in_child(handle_in_child, &doomed);
            unsetenv("CHENGMAI_FAULT");
            kills += WIFSIGNALED(status);
            test_store_open(&test);
            struct handling handling = {0};
            struct error err;
            int64_t count;
            test_done_or_fail(
                store_subscriber_run(test.store, "one", handle, &handling, &count, &err), &err);
            expect_each_once(&test, emitted);
        }
#ifdef CHENGMAI_FAULTS
    /* a run commits twice after opening's own commit of the migration table: later points pass */
    assert_in_range(kills, 4 + 2 * 2, 4 + 2 * 4);
#else
    assert_int_equal(kills, 4);
#endif
    test_store_remove(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_numbered_in_commit_order_without_gaps),
        cmocka_unit_test(an_empty_log_has_no_last_event),
        cmocka_unit_test(listeners_wake_once_a_durable_commit_with_events),
        cmocka_unit_test(a_subscriber_goes_on_where_it_was_over_restarts),
        cmocka_unit_test(a_subscriber_works_through_more_than_one_batch),
        cmocka_unit_test(a_handler_that_fails_undoes_its_batch_and_is_given_it_again),
        cmocka_unit_test(an_event_of_the_kind_apart_is_the_last_of_its_transaction),
        cmocka_unit_test(a_kill_while_handling_or_around_the_commit_doubles_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
