/* Goal: every task that was taken runs once, in order; what does not fit is told at once; stopping
 * finishes what was taken and nothing after it. Runs under ThreadSanitizer too. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/test_support.h"

/* Holds workers until opened. */
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool gate_open;
static int gate_entered;

static void enter_gate(struct pool_task *task)
{
    (void)task;
    pthread_mutex_lock(&gate_lock);
    gate_entered++;
    pthread_cond_broadcast(&gate_changed);
    while (!gate_open)
        pthread_cond_wait(&gate_changed, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
}
static void await_entered(int count)
{
    pthread_mutex_lock(&gate_lock);
    while (gate_entered < count)
        pthread_cond_wait(&gate_changed, &gate_lock);
    pthread_mutex_unlock(&gate_lock);
}
static void open_gate(bool open)
{
    pthread_mutex_lock(&gate_lock);
    gate_open = open;
    if (!open)
        gate_entered = 0;
    pthread_cond_broadcast(&gate_changed);
    pthread_mutex_unlock(&gate_lock);
}

struct counted {
    struct pool_task task; /* first member */
    atomic_int runs, takings;
    int no;
};
static atomic_int next_no;
static atomic_int out_of_order;

static void count_run(struct pool_task *task)
{
    struct counted *counted = (struct counted *)task;
    atomic_fetch_add(&counted->runs, 1);
    if (atomic_fetch_add(&next_no, 1) != counted->no)
        atomic_fetch_add(&out_of_order, 1);
}
static void count_taking(struct pool_task *task)
{
    struct counted *counted = (struct counted *)task;
    assert_int_equal(atomic_load(&counted->runs), 0); /* before any worker began it */
    atomic_fetch_add(&counted->takings, 1);
}

static struct pool *start(size_t workers, size_t queue_max)
{
    struct pool *pool;
    struct error err;
    test_done_or_fail(pool_start(workers, queue_max, &pool, &err), &err);
    return pool;
}

static void one_worker_runs_tasks_once_and_in_order(void **state)
{
    (void)state;
    enum { TASKS = 1000 };
    static struct counted tasks[TASKS];
    struct pool *pool = start(1, TASKS);
    atomic_store(&next_no, 0);
    for (int i = 0; i < TASKS; i++) {
        tasks[i].no = i;
        tasks[i].task = (struct pool_task){.run = count_run, .taken = count_taking};
        assert_true(pool_submit(pool, &tasks[i].task));
    }
    pool_stop(pool);
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(atomic_load(&tasks[i].runs), 1);
        assert_int_equal(atomic_load(&tasks[i].takings), 1);
    }
    assert_int_equal(atomic_load(&out_of_order), 0);
    pool_free(pool);
}

static void a_full_queue_takes_nothing_and_says_so(void **state)
{
    (void)state;
    enum { WORKERS = 2, ROOM = 3 };
    static struct counted tasks[ROOM + 1];
    struct pool_task holding[WORKERS] = {{.run = enter_gate}, {.run = enter_gate}};
    struct pool *pool = start(WORKERS, ROOM);
    open_gate(false);
    for (int i = 0; i < WORKERS; i++)
        assert_true(pool_submit(pool, &holding[i]));
    await_entered(WORKERS); /* both workers are busy, the queue is empty */
    for (int i = 0; i <= ROOM; i++) {
        tasks[i].task = (struct pool_task){.run = count_run, .taken = count_taking};
        assert_int_equal(pool_submit(pool, &tasks[i].task), i < ROOM);
    }
    assert_int_equal(atomic_load(&tasks[ROOM].takings), 0);
    open_gate(true);
    pool_stop(pool);
    for (int i = 0; i <= ROOM; i++)
        assert_int_equal(atomic_load(&tasks[i].runs), i < ROOM);
    pool_free(pool);
}

static void a_task_that_matters_less_is_refused_before_the_queue_is_full(void **state)
{
    (void)state;
    enum { ROOM = 4, LESS = 2 };
    static struct counted tasks[ROOM + 2];
    struct pool_task holding = {.run = enter_gate};
    struct pool *pool = start(1, ROOM);
    open_gate(false);
    assert_true(pool_submit(pool, &holding));
    await_entered(1);
    for (int i = 0; i < ROOM + 2; i++)
        tasks[i].task = (struct pool_task){.run = count_run, .taken = count_taking};
    for (int i = 0; i <= LESS; i++)
        assert_int_equal(pool_submit_within(pool, &tasks[i].task, LESS), i < LESS);
    assert_true(pool_submit(pool, &tasks[LESS].task)); /* what matters is still taken */
    assert_true(pool_submit_within(pool, &tasks[LESS + 1].task, 100));
    assert_false(pool_submit_within(pool, &tasks[ROOM].task, 100)); /* the pool's own bound */
    assert_int_equal(pool_waiting(pool), ROOM);
    open_gate(true);
    pool_stop(pool);
    for (int i = 0; i < ROOM; i++)
        assert_int_equal(atomic_load(&tasks[i].runs), 1);
    pool_free(pool);
}

static void *stop_pool(void *pool)
{
    pool_stop(pool);
    return NULL;
}

static void stopping_finishes_what_was_taken_and_takes_no_more(void **state)
{
    (void)state;
    enum { TASKS = 20 };
    static struct counted tasks[TASKS], late;
    struct pool_task holding = {.run = enter_gate};
    struct pool *pool = start(1, TASKS + 1);
    pthread_t stopper;
    open_gate(false);
    assert_true(pool_submit(pool, &holding));
    await_entered(1);
    for (int i = 0; i < TASKS; i++) {
        tasks[i].task.run = count_run;
        assert_true(pool_submit(pool, &tasks[i].task));
    }
    assert_int_equal(pthread_create(&stopper, NULL, stop_pool, pool), 0);
    late.task.run = count_run;
    bool taken = pool_submit(pool, &late.task); /* the stopper may come first, or this */
    open_gate(true);
    pthread_join(stopper, NULL);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(atomic_load(&tasks[i].runs), 1);
    assert_int_equal(atomic_load(&late.runs), taken);
    assert_false(pool_submit(pool, &late.task)); /* stopped: allowed, and says false */
    pool_stop(pool);
    pool_free(pool);
}

/* Submits itself again until it ran often enough: the pool forgets a task when `run` begins. */
struct again {
    struct pool_task task;
    struct pool *pool;
    int left;
    atomic_bool *finished;
};
static void run_again(struct pool_task *task)
{
    struct again *again = (struct again *)task;
    if (again->left-- == 0)
        atomic_store(again->finished, true);
    else
        REQUIRE(pool_submit(again->pool, task));
}

static void a_task_may_submit_itself_again(void **state)
{
    (void)state;
    atomic_bool finished = false;
    struct pool *pool = start(2, 4);
    struct again again = {{.run = run_again}, pool, 1000, &finished};
    assert_true(pool_submit(pool, &again.task));
    while (!atomic_load(&finished))
        usleep(1000);
    pool_free(pool);
    assert_int_equal(again.left, -1);
}

enum { SUBMITTERS = 4, EACH = 2000 };
struct submitter {
    pthread_t thread;
    struct pool *pool;
    struct counted tasks[EACH];
    int shed;
};
static void *submit_all(void *argument)
{
    struct submitter *submitter = argument;
    for (int i = 0; i < EACH; i++) {
        submitter->tasks[i].task.run = count_run;
        submitter->shed += !pool_submit(submitter->pool, &submitter->tasks[i].task);
    }
    return NULL;
}

static void many_submitters_and_workers_lose_and_double_nothing(void **state)
{
    (void)state;
    struct pool *pool = start(3, 64);
    struct submitter *submitters = x_alloc(SUBMITTERS, sizeof *submitters);
    for (int s = 0; s < SUBMITTERS; s++) {
        submitters[s].pool = pool;
        assert_int_equal(
            pthread_create(&submitters[s].thread, NULL, submit_all, &submitters[s]), 0);
    }
    for (int s = 0; s < SUBMITTERS; s++)
        pthread_join(submitters[s].thread, NULL);
    pool_stop(pool);
    for (int s = 0; s < SUBMITTERS; s++) {
        int runs = 0;
        for (int i = 0; i < EACH; i++)
            runs += atomic_load(&submitters[s].tasks[i].runs);
        assert_int_equal(runs + submitters[s].shed, EACH);
    }
    pool_free(pool);
    free(submitters);
}

static void start_without_workers(void *context)
{
    (void)context;
    start(0, 1);
}
static void a_pool_without_workers_is_a_bug(void **state)
{
    (void)state;
    test_aborts(start_without_workers, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_runs_tasks_once_and_in_order),
        cmocka_unit_test(a_full_queue_takes_nothing_and_says_so),
        cmocka_unit_test(a_task_that_matters_less_is_refused_before_the_queue_is_full),
        cmocka_unit_test(stopping_finishes_what_was_taken_and_takes_no_more),
        cmocka_unit_test(a_task_may_submit_itself_again),
        cmocka_unit_test(many_submitters_and_workers_lose_and_double_nothing),
        cmocka_unit_test(a_pool_without_workers_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
