/* Goal: whatever fails (a file step, a statement, the engine's own writes and syncs) and wherever
 * the process is killed: an error came back, the store opens again, what was acknowledged is there
 * and what was refused is not. */
#include "store/test_support.h"

#ifdef CHENGMAI_FAULTS

/* ---- The engine's files with the sweep's steps in them: a shim over SQLite's own unix files */

struct shim_file {
    sqlite3_file base; /* first */
    sqlite3_file *real;
};
static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim_vfs;

#define REAL(file) (((struct shim_file *)(file))->real)
#define FORWARD(name, parameters, ...)                                                             \
    static int shim_##name parameters                                                              \
    {                                                                                              \
        return REAL(file)->pMethods->x##name(__VA_ARGS__);                                         \
    }

FORWARD(Read, (sqlite3_file * file, void *out, int length, sqlite3_int64 at), REAL(file), out,
        length, at)
FORWARD(FileSize, (sqlite3_file * file, sqlite3_int64 *ret_size), REAL(file), ret_size)
FORWARD(Lock, (sqlite3_file * file, int level), REAL(file), level)
FORWARD(Unlock, (sqlite3_file * file, int level), REAL(file), level)
FORWARD(CheckReservedLock, (sqlite3_file * file, int *ret_held), REAL(file), ret_held)
FORWARD(FileControl, (sqlite3_file * file, int act, void *argument), REAL(file), act, argument)
FORWARD(SectorSize, (sqlite3_file * file), REAL(file))
FORWARD(DeviceCharacteristics, (sqlite3_file * file), REAL(file))
FORWARD(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
        REAL(file), page, size, extend, out)
FORWARD(ShmLock, (sqlite3_file * file, int offset, int count, int flags), REAL(file), offset,
        count, flags)
FORWARD(ShmUnmap, (sqlite3_file * file, int remove), REAL(file), remove)
FORWARD(Fetch, (sqlite3_file * file, sqlite3_int64 at, int length, void **out), REAL(file), at,
        length, out)
FORWARD(Unfetch, (sqlite3_file * file, sqlite3_int64 at, void *page), REAL(file), at, page)

static void shim_ShmBarrier(sqlite3_file *file)
{
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}
static int shim_Close(sqlite3_file *file)
{
    int code = REAL(file)->pMethods->xClose(REAL(file));
    free(REAL(file));
    return code;
}
static int shim_Write(sqlite3_file *file, const void *data, int length, sqlite3_int64 at)
{
    if (fault_step(FAULT_WRITE))
        return SQLITE_FULL;
    return REAL(file)->pMethods->xWrite(REAL(file), data, length, at);
}
static int shim_Truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fault_step(FAULT_WRITE))
        return SQLITE_IOERR_TRUNCATE;
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}
static int shim_Sync(sqlite3_file *file, int flags)
{
    if (fault_step(FAULT_SYNC))
        return SQLITE_IOERR_FSYNC;
    return REAL(file)->pMethods->xSync(REAL(file), flags);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 3,
    .xClose = shim_Close,
    .xRead = shim_Read,
    .xWrite = shim_Write,
    .xTruncate = shim_Truncate,
    .xSync = shim_Sync,
    .xFileSize = shim_FileSize,
    .xLock = shim_Lock,
    .xUnlock = shim_Unlock,
    .xCheckReservedLock = shim_CheckReservedLock,
    .xFileControl = shim_FileControl,
    .xSectorSize = shim_SectorSize,
    .xDeviceCharacteristics = shim_DeviceCharacteristics,
    .xShmMap = shim_ShmMap,
    .xShmLock = shim_ShmLock,
    .xShmBarrier = shim_ShmBarrier,
    .xShmUnmap = shim_ShmUnmap,
    .xFetch = shim_Fetch,
    .xUnfetch = shim_Unfetch,
};

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    (void)vfs;
    struct shim_file *shim = (struct shim_file *)file;
    shim->base.pMethods = NULL;
    shim->real = x_alloc(1, (size_t)real_vfs->szOsFile);
    int code = real_vfs->xOpen(real_vfs, name, shim->real, flags, ret_flags);
    if (code != SQLITE_OK || !shim->real->pMethods) {
        free(shim->real);
        return code;
    }
    shim->base.pMethods = &shim_methods;
    return SQLITE_OK;
}

static int shim_install(void **state)
{
    (void)state;
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "shim";
    shim_vfs.szOsFile = sizeof(struct shim_file);
    shim_vfs.xOpen = shim_open;
    return sqlite3_vfs_register(&shim_vfs, 1);
}

enum {
    EVERY_STEP = FAULT_ALLOCATION | FAULT_WRITE | FAULT_SYNC | FAULT_RENAME | FAULT_SQL,
    GROUP = 4,
};

/* ---- The sweep over one group of jobs: two are kept, one gives up, one emits events */

static bool emit_two(struct sql *sql, void *context, struct error *err)
{
    const struct test_job *job = context;
    struct event event = {.kind = SLICE("test.swept"), .subject_no = job->no, .at = 1};
    return event_emit(sql, &event, err) && event_emit(sql, &event, err);
}

static void queue_group(struct test_store *test, int64_t first, struct test_job jobs[GROUP])
{
    struct error err;
    for (int i = 0; i < GROUP; i++) {
        jobs[i] = (struct test_job){.no = first + i, .give_up = i == 1};
        test_done_or_fail(store_write_later(test->store, i == 2 ? emit_two : test_mark, &jobs[i],
                                            test_job_done, &err), &err);
    }
}

static int64_t events_of(struct test_store *test, int64_t no)
{
    static const struct sql_text count = {
        "events_of", "SELECT count(*) FROM event WHERE subject_no = ?1", "whole table"};
    return test_number(test, &count, &no);
}

static void expect_truth(struct test_store *test, const struct test_job jobs[GROUP])
{
    for (int i = 0; i < GROUP; i++) {
        assert_int_equal(jobs[i].dones, 1);
        if (jobs[i].failed)
            assert_true(jobs[i].failure.code > ERROR_NONE);
        int64_t stored = i == 2 ? events_of(test, jobs[i].no) / 2 : test_marks(test, jobs[i].no);
        if (stored != !jobs[i].failed)
            fail_msg("job %d of %lld: failed %d, stored %lld (%s)", i, (long long)jobs[0].no,
                     jobs[i].failed, (long long)stored, jobs[i].failure.what);
    }
    assert_true(jobs[1].failed); /* it gives up by itself */
}

static void no_bad_finding(void *context, bool good, const char *check, const char *words)
{
    (void)context;
    if (!good)
        fail_msg("%s: %s", check, words);
}

static void a_group_tells_the_truth_whatever_step_fails(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    long swept = 0;
    test_store_create(&test);
    bool hit = true;
    for (long k = 0; hit; k++) {
        struct test_gate gate;
        struct test_job jobs[GROUP];
        test_gate_close(&test, &gate);
        queue_group(&test, k * GROUP, jobs);
        fault_arm(k, EVERY_STEP); /* in the gate's own commit first, then in the group */
        test_gate_open(&gate);
        test_barrier(&test);
        hit = fault_disarm();
        swept += hit;
        expect_truth(&test, jobs);
        test_store_close(&test); /* again from the disk */
        test_store_open(&test);
        expect_truth(&test, jobs);
        test_done_or_fail(store_verify(test.store, no_bad_finding, NULL, &err), &err);
        struct test_job next = {.no = -k - 1};
        test_done_or_fail(store_write(test.store, test_mark, &next, &err), &err); /* goes on */
    }
    assert_true(swept > 20);
    test_store_remove(&test);
}

/* ---- The sweep over subscribers */

static bool take(struct sql *sql, const struct event *event, void *context, struct error *err)
{
    (void)context;
    return sql_run(sql, &test_insert, SQL_ARGUMENTS(sql_int(event->no), sql_null()), err);
}

static void a_subscriber_handles_exactly_once_whatever_step_fails(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    int64_t events = 0, count;
    long swept = 0;
    test_store_create(&test);
    bool hit = true;
    for (long k = 0; hit; k++) {
        struct test_job job = {.no = k};
        test_done_or_fail(store_write(test.store, emit_two, &job, &err), &err);
        events += 2;
        fault_arm(k, EVERY_STEP);
        bool done = store_subscriber_run(test.store, "sweep", take, NULL, &count, &err);
        hit = fault_disarm();
        swept += hit;
        assert_int_equal(test_number(&test, &test_count_all, NULL), done ? events : events - 2);
        if (k % 4 == 0) {
            test_store_close(&test);
            test_store_open(&test);
        }
        test_done_or_fail(
            store_subscriber_run(test.store, "sweep", take, NULL, &count, &err), &err);
        assert_int_equal(count, done ? 0 : 2);
        assert_int_equal(test_number(&test, &test_count_all, NULL), events);
    }
    assert_true(swept > 8);
    test_store_remove(&test);
}

/* ---- The sweep over opening and making */

static void opening_fails_cleanly_whatever_step_fails(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    struct test_job job = {.no = 1};
    test_done_or_fail(store_write(test.store, test_mark, &job, &err), &err);
    bool hit = true;
    long k = 0, refused = 0;
    for (; hit; k++) {
        test_store_close(&test);
        fault_arm(k, EVERY_STEP);
        bool opened = store_open(test.directory.path, &test.world, &test.store, &err);
        hit = fault_disarm();
        refused += !opened;
        if (!opened) {
            assert_true(hit && err.code > ERROR_NONE);
            test_store_open(&test);
        }
        assert_int_equal(test_marks(&test, 1), 1);
    }
    assert_true(refused > 5);
    test_store_remove(&test);
}

static void making_a_directory_fails_cleanly_whatever_step_fails(void **state)
{
    (void)state;
    struct store_creation creation = {.demo = true, .seed = 7, .city_start = TIMESTAMP_NONE};
    bool hit = true;
    long step = 1;
    for (long k = 0; hit; k += step) {
        struct test_directory directory;
        struct error err = {0};
        test_directory_make(&directory);
        fault_arm(k, EVERY_STEP);
        bool made = store_create(directory.path, &creation, &err);
        hit = fault_disarm();
        if (!made)
            assert_true(hit && err.code > ERROR_NONE);
        struct world world;
        struct store *store;
        world_init(&world);
        if (made) { /* what was acknowledged opens */
            test_done_or_fail(store_open(directory.path, &world, &store, &err), &err);
            store_close(store);
        }
        test_directory_remove(&directory);
        step = k < 60 ? 1 : 7; /* every step of the keys; then of the many alike ones a share */
    }
}

/* ---- Kills at every named point: a child writes and tells each acknowledgement through a pipe */

enum { CHILD_WRITES = 6 };
struct child {
    struct test_store *test;
    int pipe;
    int64_t first;
};
static void write_and_tell(void *context)
{
    struct child *child = context;
    struct error err;
    test_store_open(child->test);
    for (int64_t no = child->first; no < child->first + CHILD_WRITES; no++) {
        struct test_job job = {.no = no};
        if (!store_write(child->test->store, emit_two, &job, &err) ||
            !store_write(child->test->store, test_mark, &job, &err) ||
            write(child->pipe, &no, sizeof no) != sizeof no)
            _exit(1);
    }
    _exit(0);
}

static void killed_at_any_point_nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    int64_t first = 0;
    test_store_create(&test);
    for (int point = 0; point < FAULT_POINT_COUNT; point++) {
        int kills = 0;
        for (int at = 1; at <= 8; at += 2, first += CHILD_WRITES) {
            int ends[2];
            char plan[80];
            assert_int_equal(pipe(ends), 0);
            struct child child = {&test, ends[1], first};
            test_store_close(&test);
            snprintf(plan, sizeof plan, "%s:kill:%d", fault_point_names[point], at);
            setenv("CHENGMAI_FAULT", plan, 1);
            int status = test_in_child(write_and_tell, &child);
            unsetenv("CHENGMAI_FAULT");
            close(ends[1]);
            kills += WIFSIGNALED(status);
            assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
            test_store_open(&test);
            int64_t no, told = 0;
            for (; read(ends[0], &no, sizeof no) == sizeof no; told++) {
                assert_int_equal(test_marks(&test, no), 1);
                assert_int_equal(events_of(&test, no), 2);
            }
            close(ends[0]);
            assert_true(WIFSIGNALED(status) || told == CHILD_WRITES);
            for (no = first; no < first + CHILD_WRITES; no++) {
                assert_in_range(test_marks(&test, no), 0, 1);
                int64_t events = events_of(&test, no);
                assert_true(events == 0 || events == 2); /* a job is whole or not there */
            }
            test_done_or_fail(store_verify(test.store, no_bad_finding, NULL, &err), &err);
        }
        bool of_the_store = strstr(fault_point_names[point], "_sql_") != NULL;
        assert_int_equal(kills, of_the_store ? 4 : 0); /* the others are the day store's */
    }
    test_store_remove(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_tells_the_truth_whatever_step_fails),
        cmocka_unit_test(a_subscriber_handles_exactly_once_whatever_step_fails),
        cmocka_unit_test(opening_fails_cleanly_whatever_step_fails),
        cmocka_unit_test(making_a_directory_fails_cleanly_whatever_step_fails),
        cmocka_unit_test(killed_at_any_point_nothing_acknowledged_is_lost),
    };
    return cmocka_run_group_tests(tests, shim_install, NULL);
}

#else

/* A build without faults keeps one promise of these tests: a store that was closed opens again. */
static void what_was_acknowledged_is_there_after_opening_again(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    struct test_job job = {.no = 1};
    test_store_create(&test);
    test_done_or_fail(store_write(test.store, test_mark, &job, &err), &err);
    test_store_close(&test);
    test_store_open(&test);
    assert_int_equal(test_marks(&test, 1), 1);
    test_store_remove(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_is_there_after_opening_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
