/* Goal: a data directory is made once, private, owned by one process, and its schema only moves
 * forward, whole step by whole step. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/test_support.h"

/* This test's own house: more of the migrations are known as `migration_count` grows. */
static const struct migration migrations[] = {
    {"src/store/schema/001_store.sql"},
    {"src/registry/schema/001_registry.sql"},
    {"src/access/schema/001_access.sql"},
};
static size_t migration_count = ROWS(migrations);
static const struct migration *migrations_known = migrations;
const struct migration *house_migrations(size_t *ret_count)
{
    *ret_count = migration_count;
    return migrations_known;
}

static const struct sql_text tables = {
    "tables", "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name <> 'mark'", "none"};
static const struct sql_text applied = {"applied", "SELECT count(*) FROM migration", "small table"};
static const struct sql_text applied_at = {
    "applied_at", "SELECT sum(applied_at) FROM migration", "small table"};

static void expect_mode(struct test_store *test, const char *name, mode_t mode)
{
    struct stat status;
    assert_int_equal(fstatat(test->directory.fd, name, &status, 0), 0);
    if ((status.st_mode & 07777) != mode)
        fail_msg("%s has mode %o", name, status.st_mode & 07777);
}

static void a_new_directory_is_private_and_knows_its_city(void **state)
{
    (void)state;
    struct test_store test;
    test_store_create(&test);
    static const char *const directories[] = {".", "keys", "presence", "policies", "scenes"};
    static const char *const files[] = {"city", "lock", "keys/master", "keys/class-identity"};
    for (size_t i = 0; i < ROWS(directories); i++)
        expect_mode(&test, directories[i], 0700);
    for (size_t i = 0; i < ROWS(files); i++)
        expect_mode(&test, files[i], 0600);
    assert_true(store_is_demo(test.store));
    assert_int_equal(store_seed(test.store), 7);
    assert_ptr_equal(store_world(test.store), &test.world);
    assert_string_equal(store_directory(test.store), test.directory.path);
    assert_true(store_directory_fd(test.store) >= 0);
    assert_non_null(store_keys(test.store));
    test_store_remove(&test);
}

static void a_city_clock_goes_on_from_where_it_was_set(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    struct store *store;
    test_directory_make(&directory);
    timestamp start = 1649917800 * SECOND;
    struct store_creation creation = {.demo = true, .seed = 1, .city_start = start};
    test_done_or_fail(store_create(directory.path, &creation, &err), &err);
    for (int round = 0; round < 2; round++) {
        struct world world;
        world_init(&world);
        test_done_or_fail(store_open(directory.path, &world, &store, &err), &err);
        timestamp now = world_now(&world);
        assert_true(now >= start && now < start + MINUTE);
        store_close(store);
    }
    test_directory_remove(&directory);

    test_directory_make(&directory);
    creation = (struct store_creation){.city_start = TIMESTAMP_NONE};
    test_done_or_fail(store_create(directory.path, &creation, &err), &err);
    struct world world;
    world_init(&world);
    test_done_or_fail(store_open(directory.path, &world, &store, &err), &err);
    assert_false(store_is_demo(store));
    assert_true(world.offset == 0);
    store_close(store);
    store_close(NULL);
    test_directory_remove(&directory);
}

static void a_directory_that_is_not_empty_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    struct store_creation creation = {.city_start = TIMESTAMP_NONE};
    test_directory_make(&directory);
    assert_true(file_replace(directory.fd, "photo.jpg", "x", 1, &err));
    assert_false(store_create(directory.path, &creation, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_string_equal(err.source, directory.path);
    assert_int_equal(faccessat(directory.fd, "keys", F_OK, 0), -1);
    test_directory_remove(&directory);

    struct test_store test;
    test_store_create(&test);
    test_store_close(&test);
    assert_false(store_create(test.directory.path, &creation, &err)); /* nor twice */
    assert_int_equal(err.code, ERROR_REFUSED);
    test_store_remove(&test);
}

static void an_unfinished_directory_opens_only_for_its_maker_until_it_is_finished(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    struct world world;
    struct store *store;
    struct store_creation creation = {.city_start = TIMESTAMP_NONE, .unfinished = true};
    test_directory_make(&directory);
    world_init(&world);
    test_done_or_fail(store_create(directory.path, &creation, &err), &err);
    assert_false(store_open(directory.path, &world, &store, &err));
    assert_int_equal(err.code, ERROR_ENVIRONMENT);
    assert_false(store_create(directory.path, &creation, &err)); /* nor is it made over */
    assert_int_equal(err.code, ERROR_REFUSED);
    test_done_or_fail(store_open_unfinished(directory.path, &world, &store, &err), &err);
    test_done_or_fail(store_write_unsynced(store, test_make_table, NULL, &err), &err);
    store_close(store); /* the maker died before it was finished */
    assert_false(store_open(directory.path, &world, &store, &err));
    test_done_or_fail(store_open_unfinished(directory.path, &world, &store, &err), &err);
    test_done_or_fail(store_finish(store, &err), &err);
    store_close(store);
    test_done_or_fail(store_open(directory.path, &world, &store, &err), &err);
    store_close(store);
    test_directory_remove(&directory);
}

static void what_is_no_data_directory_is_not_found(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    struct world world;
    struct store *store;
    char absent[100];
    test_directory_make(&directory);
    world_init(&world);
    snprintf(absent, sizeof absent, "%s/absent", directory.path);
    const char *const paths[] = {absent, directory.path};
    for (size_t i = 0; i < ROWS(paths); i++) {
        assert_false(store_open(paths[i], &world, &store, &err));
        assert_int_equal(err.code, ERROR_NOT_FOUND);
        assert_string_equal(err.source, paths[i]);
    }
    test_directory_remove(&directory);
}

static void a_damaged_city_file_is_named(void **state)
{
    (void)state;
    static const char *const damaged[] = {"x", "demo 1\n", "demo 1\nseed\noffset 3\n",
                                          "seed 1\ndemo 1\noffset 0\n"};
    struct test_store test;
    struct error err;
    test_store_create(&test);
    test_store_close(&test);
    for (size_t i = 0; i < ROWS(damaged); i++) {
        assert_true(file_replace(test.directory.fd, "city", damaged[i], strlen(damaged[i]), &err));
        assert_false(store_open(test.directory.path, &test.world, &test.store, &err));
        assert_int_equal(err.code, ERROR_CORRUPT);
        assert_string_equal(err.source, "city");
    }
    assert_true(file_replace(test.directory.fd, "city", "", 0, &err));
    assert_false(store_open(test.directory.path, &test.world, &test.store, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    test_store_remove(&test);
}

/* ---- One owner */

static void open_as_second_owner(void *context)
{
    struct test_store *test = context;
    struct error err;
    struct world world;
    struct store *store;
    char pid[32];
    world_init(&world);
    if (store_open(test->directory.path, &world, &store, &err))
        _exit(1);
    snprintf(pid, sizeof pid, "process %ld owns it", (long)getppid());
    _exit(err.code == ERROR_OWNED && strcmp(err.what, pid) == 0 ? 42 : 2);
}

static void a_second_owner_is_refused_with_the_first_ones_pid(void **state)
{
    (void)state;
    struct test_store test;
    test_store_create(&test);
    assert_int_equal(WEXITSTATUS(test_in_child(open_as_second_owner, &test)), 42);
    assert_int_equal(error_kind(ERROR_OWNED)->exit_code, 3);
    test_barrier(&test); /* the first is unharmed */
    test_store_close(&test);
    assert_int_equal(WEXITSTATUS(test_in_child(open_as_second_owner, &test)), 1); /* free again */
    test_store_open(&test);
    test_store_remove(&test);
}

static void own_and_die(void *context)
{
    struct test_store *test = context;
    test_store_open(test);
    raise(SIGKILL);
}
static void a_killed_owner_leaves_the_directory_free(void **state)
{
    (void)state;
    struct test_store test;
    test_store_create(&test);
    test_store_close(&test);
    int status = test_in_child(own_and_die, &test);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    test_store_open(&test);
    test_store_remove(&test);
}

/* ---- Migrations */

static void migrations_are_applied_in_order_and_once(void **state)
{
    (void)state;
    struct test_store test;
    migration_count = 1;
    test_store_create(&test);
    int64_t tables_first = test_number(&test, &tables, NULL);
    assert_int_equal(test_number(&test, &applied, NULL), 1);
    test_store_close(&test);
    migration_count = 3; /* a newer program */
    test_store_open(&test);
    assert_int_equal(test_number(&test, &applied, NULL), 3);
    assert_true(test_number(&test, &tables, NULL) > tables_first);
    int64_t moments = test_number(&test, &applied_at, NULL);
    for (int round = 0; round < 2; round++) {
        test_store_close(&test);
        test_store_open(&test);
        assert_int_equal(test_number(&test, &applied, NULL), 3);
        assert_true(test_number(&test, &applied_at, NULL) == moments);
    }
    test_store_remove(&test);
}

static void an_older_program_refuses_a_newer_schema(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    test_store_close(&test);
    migration_count = 2;
    assert_false(store_open(test.directory.path, &test.world, &test.store, &err));
    assert_int_equal(err.code, ERROR_ENVIRONMENT);
    assert_string_equal(err.what, "the data directory has a newer schema");
    migration_count = 3;
    test_store_open(&test);
    test_store_remove(&test);
}

static bool run_script(struct sql *sql, void *context, struct error *err)
{
    return sql_script(sql, context, err);
}

static void a_migration_that_breaks_half_way_leaves_the_old_schema(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    migration_count = 1;
    test_store_create(&test);
    /* the last table of the next migration stands in its way: all before it was made already */
    test_done_or_fail(
        store_write(test.store, run_script, "CREATE TABLE case_record (no INTEGER)", &err), &err);
    int64_t tables_before = test_number(&test, &tables, NULL);
    test_store_close(&test);
    migration_count = 3;
    for (int round = 0; round < 2; round++) {
        assert_false(store_open(test.directory.path, &test.world, &test.store, &err));
        assert_int_equal(err.code, ERROR_IO);
        assert_non_null(strstr(err.what, "case_record"));
    }
    migration_count = 1;
    test_store_open(&test);
    assert_int_equal(test_number(&test, &tables, NULL), tables_before);
    assert_int_equal(test_number(&test, &applied, NULL), 1);
    test_done_or_fail(store_write(test.store, run_script, "DROP TABLE case_record", &err), &err);
    test_store_close(&test);
    migration_count = 3;
    test_store_open(&test);
    assert_int_equal(test_number(&test, &applied, NULL), 3);
    test_store_remove(&test);
}

static void a_migration_that_is_not_built_in_is_named(void **state)
{
    (void)state;
    static const struct migration unknown[] = {{"src/store/schema/001_store.sql"},
                                               {"src/store/schema/002_absent.sql"}};
    struct test_directory directory;
    struct error err;
    struct store_creation creation = {.city_start = TIMESTAMP_NONE};
    migrations_known = unknown;
    migration_count = 2;
    test_directory_make(&directory);
    assert_false(store_create(directory.path, &creation, &err));
    assert_int_equal(err.code, ERROR_ENVIRONMENT);
    assert_string_equal(err.source, "src/store/schema/002_absent.sql");
    test_directory_remove(&directory);
    migrations_known = migrations;
    migration_count = ROWS(migrations);
}

/* ---- Settings and doctor */

static bool set_setting(struct sql *sql, void *context, struct error *err)
{
    struct slice *value = context;
    return store_setting_set(sql, "retention", *value, err);
}
static void expect_setting(struct test_store *test, const char *expected)
{
    struct error err;
    struct sql *sql;
    struct buffer value;
    buffer_init(&value, 100);
    test_done_or_fail(store_read_begin(test->store, &sql, &err), &err);
    test_done_or_fail(store_setting_get(sql, "retention", &value, &err), &err);
    test_slice_is(buffer_slice(&value), expected);
    buffer_release(&value);
    store_read_end(test->store, sql);
}

static void a_setting_is_empty_until_set_and_then_the_last_value(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    expect_setting(&test, "");
    struct slice values[] = {SLICE("28"), SLICE("二十八"), SLICE("")};
    for (size_t i = 0; i < ROWS(values); i++) {
        test_done_or_fail(store_write(test.store, set_setting, &values[i], &err), &err);
        expect_setting(&test, values[i].data);
        test_store_close(&test);
        test_store_open(&test);
        expect_setting(&test, values[i].data);
    }
    test_store_remove(&test);
}

struct report {
    int good, bad;
    char bad_check[40];
    char bad_words[200];
};
static void note(void *context, bool good, const char *check, const char *words)
{
    struct report *report = context;
    report->good += good;
    report->bad += !good;
    if (!good) {
        snprintf(report->bad_check, sizeof report->bad_check, "%s", check);
        snprintf(report->bad_words, sizeof report->bad_words, "%s", words);
    }
}
static bool emit(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    struct event event = {.kind = SLICE("test.seen"), .subject_no = 1, .at = 1};
    return event_emit(sql, &event, err);
}

static void doctor_finds_a_hole_in_the_event_log(void **state)
{
    (void)state;
    struct test_store test;
    struct error err;
    test_store_create(&test);
    for (int i = 0; i < 5; i++)
        test_done_or_fail(store_write(test.store, emit, NULL, &err), &err);
    struct report report = {0};
    test_done_or_fail(store_verify(test.store, note, &report, &err), &err);
    assert_int_equal(report.good, 2);
    assert_int_equal(report.bad, 0);
    test_done_or_fail(store_write(test.store, run_script, "DELETE FROM event WHERE no = 3", &err),
                      &err);
    report = (struct report){0};
    test_done_or_fail(store_verify(test.store, note, &report, &err), &err);
    assert_int_equal(report.bad, 1);
    assert_string_equal(report.bad_check, "event log");
    assert_string_equal(report.bad_words, "1 numbers missing");
    test_store_remove(&test);
}

static void damage_of_the_database_is_an_error_or_a_finding_and_never_silence(void **state)
{
    (void)state;
    struct test_store test;
    struct error err = {0};
    test_store_create(&test);
    struct test_job jobs[2000] = {{0}};
    for (size_t i = 0; i < ROWS(jobs); i++)
        test_done_or_fail(store_write_later(test.store, test_mark, &jobs[i], test_job_done, &err),
                          &err);
    test_store_close(&test);
    int fd = openat(test.directory.fd, "city.db", O_RDWR);
    assert_true(fd >= 0);
    char noise[4096];
    memset(noise, 0x5A, sizeof noise);
    off_t pages = lseek(fd, 0, SEEK_END) / 4096;
    for (off_t page = 2; page < pages; page++) /* all but the first two pages */
        test_done_or_fail(file_write_at(fd, noise, sizeof noise, page * 4096, "city.db", &err),
                          &err);
    close(fd);
    struct report report = {0};
    bool opened = store_open(test.directory.path, &test.world, &test.store, &err);
    bool verified = opened && store_verify(test.store, note, &report, &err);
    if (!verified)
        assert_int_equal(err.code, ERROR_CORRUPT);
    else
        assert_true(report.bad > 0);
    if (!opened)
        test.store = NULL;
    test_store_remove(&test);
}

/* ---- Reads that have begun */

struct awaiting {
    struct store *store;
    atomic_bool over;
};

static void *await_readers(void *context)
{
    struct awaiting *awaiting = context;
    store_await_readers(awaiting->store);
    atomic_store(&awaiting->over, true);
    return NULL;
}

/* Who waits for the reads that have begun waits for no later one. */
static void reads_that_have_begun_are_waited_for_and_no_later_ones(void **state)
{
    (void)state;
    struct test_store test;
    struct awaiting awaiting = {.over = false};
    struct error err;
    struct sql *before, *later;
    pthread_t thread;
    test_store_create(&test);
    awaiting.store = test.store;
    store_await_readers(test.store); /* nobody reads */
    test_done_or_fail(store_read_begin(test.store, &before, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, await_readers, &awaiting), 0);
    usleep(50000);
    assert_false(atomic_load(&awaiting.over));
    test_done_or_fail(store_read_begin(test.store, &later, &err), &err);
    store_read_end(test.store, before);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(atomic_load(&awaiting.over));
    store_read_end(test.store, later);
    test_store_remove(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_directory_is_private_and_knows_its_city),
        cmocka_unit_test(a_city_clock_goes_on_from_where_it_was_set),
        cmocka_unit_test(a_directory_that_is_not_empty_is_refused_and_left_alone),
        cmocka_unit_test(an_unfinished_directory_opens_only_for_its_maker_until_it_is_finished),
        cmocka_unit_test(what_is_no_data_directory_is_not_found),
        cmocka_unit_test(a_damaged_city_file_is_named),
        cmocka_unit_test(a_second_owner_is_refused_with_the_first_ones_pid),
        cmocka_unit_test(a_killed_owner_leaves_the_directory_free),
        cmocka_unit_test(migrations_are_applied_in_order_and_once),
        cmocka_unit_test(an_older_program_refuses_a_newer_schema),
        cmocka_unit_test(a_migration_that_breaks_half_way_leaves_the_old_schema),
        cmocka_unit_test(a_migration_that_is_not_built_in_is_named),
        cmocka_unit_test(a_setting_is_empty_until_set_and_then_the_last_value),
        cmocka_unit_test(reads_that_have_begun_are_waited_for_and_no_later_ones),
        cmocka_unit_test(doctor_finds_a_hole_in_the_event_log),
        cmocka_unit_test(damage_of_the_database_is_an_error_or_a_finding_and_never_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
