/* Goal: the sweep fails exactly the step it was armed for, and a named point does what was asked of
 * it at the passing that was asked. */
#include <pthread.h>

#include "base/test_support.h"

#ifdef CHENGMAI_FAULTS

static const enum fault_step_kind kinds[] = {FAULT_ALLOCATION, FAULT_WRITE, FAULT_SYNC,
                                             FAULT_RENAME, FAULT_SQL};

static void the_armed_step_fails_once_and_only_among_the_kinds_asked_for(void **state)
{
    (void)state;
    for (long k = 0; k < 7; k++) {
        fault_arm(k, FAULT_WRITE | FAULT_SYNC);
        long step = 0;
        for (int round = 0; round < 4; round++)
            for (size_t i = 0; i < ROWS(kinds); i++) {
                bool counted = kinds[i] == FAULT_WRITE || kinds[i] == FAULT_SYNC;
                assert_int_equal(fault_step(kinds[i]), counted && step == k);
                step += counted;
            }
        assert_true(fault_disarm());
    }
}

static void a_sweep_ends_where_no_step_is_left(void **state)
{
    (void)state;
    fault_arm(2, FAULT_SQL);
    assert_false(fault_step(FAULT_SQL));
    assert_false(fault_step(FAULT_SQL));
    assert_false(fault_disarm());
    assert_false(fault_step(FAULT_SQL)); /* disarmed: what was left over does not fire */
    fault_arm(0, FAULT_ALLOCATION);
    assert_null(x_try_alloc(1, 1));
    assert_true(fault_disarm());
}

static void *take_steps(void *argument)
{
    long *hits = argument;
    for (int i = 0; i < 10000; i++)
        *hits += fault_step(FAULT_SQL);
    return NULL;
}
static void one_step_of_all_threads_together_is_hit(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    long hits[THREADS] = {0}, sum = 0;
    pthread_t threads[THREADS];
    fault_arm(5000, FAULT_SQL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_steps, &hits[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += hits[i];
    }
    assert_true(fault_disarm());
    assert_int_equal(sum, 1);
}

static void every_point_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_POINT_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(fault_point_names[i], fault_point_names[k]);
}

/* Passes the point three times; exit code = number of errors, 1-based place of the error × 10. */
static void pass_three_times(void *context)
{
    const enum fault_point *point = context;
    int code = 0;
    for (int i = 1; i <= 3; i++) {
        struct error err = {0};
        if (!fault_at(*point, &err)) {
            if (err.code != ERROR_IO || strcmp(err.source, fault_point_names[*point]) != 0)
                _exit(99);
            code += 10 * i + 1;
        }
    }
    _exit(code);
}
static int pass_with_plan(enum fault_point point, const char *act, int at)
{
    char plan[100];
    snprintf(plan, sizeof plan, "%s:%s:%d", fault_point_names[point], act, at);
    setenv("CHENGMAI_FAULT", plan, 1);
    int status = test_in_child(pass_three_times, &point);
    unsetenv("CHENGMAI_FAULT");
    return status;
}

static void every_point_kills_or_fails_at_the_passing_asked_for(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_POINT_COUNT; i++) {
        enum fault_point point = (enum fault_point)i;
        int status = pass_with_plan(point, "kill", 2);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
        status = pass_with_plan(point, "error", 2);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 21);
        status = pass_with_plan(point, "error", 4); /* never reached */
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(WEXITSTATUS(test_in_child(pass_three_times, &point)), 0); /* no plan */
    }
}

static void a_plan_for_another_point_or_without_sense_does_nothing(void **state)
{
    (void)state;
    static const char *const plans[] = {"", ":", "before_sql", "before_sql_commit",
                                        "before_sql_commit:", "before_sql_commit:dance:1",
                                        "before_sql_commits:kill:1", "after_sql_commit:kill:1"};
    enum fault_point point = FAULT_POINT_before_sql_commit;
    for (size_t i = 0; i < ROWS(plans); i++) {
        setenv("CHENGMAI_FAULT", plans[i], 1);
        int status = test_in_child(pass_three_times, &point);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    unsetenv("CHENGMAI_FAULT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_armed_step_fails_once_and_only_among_the_kinds_asked_for),
        cmocka_unit_test(a_sweep_ends_where_no_step_is_left),
        cmocka_unit_test(one_step_of_all_threads_together_is_hit),
        cmocka_unit_test(every_point_has_a_name_of_its_own),
        cmocka_unit_test(every_point_kills_or_fails_at_the_passing_asked_for),
        cmocka_unit_test(a_plan_for_another_point_or_without_sense_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* A build without faults has the steps compiled away. */
static void without_faults_no_step_ever_fails(void **state)
{
    (void)state;
    struct error err;
    assert_false(fault_step(FAULT_WRITE));
    assert_true(fault_at(FAULT_POINT_before_sql_commit, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_faults_no_step_ever_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
