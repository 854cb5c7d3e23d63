/* Goal: a key is exchanged while everybody reads; a death at any moment loses no row; the old key
 * goes when and only when no row needs it. */
#include <sys/wait.h>

#include <liboath/oath.h>

#include "keeping/test_support.h"

static struct slice name_of(struct loopback *loop, uint32_t person, struct arena *arena)
{
    struct person found;
    struct error err;
    struct sql *sql;
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(registry_person(loop->platform, sql, person, arena, &found, &err), &err);
    store_read_end(loop->platform->store, sql);
    return found.name;
}

/* All names of the city under one hash. */
static void names_of(struct loopback *loop, unsigned char out[32])
{
    struct arena arena;
    struct buffer all;
    buffer_init(&all, 1 << 20);
    arena_init(&arena, 16 << 20);
    for (uint32_t person = 1; person <= LOOPBACK_PEOPLE; person++) {
        struct slice name = name_of(loop, person, &arena);
        assert_true(name.length > 0);
        buffer_append(&all, name.data, name.length);
        buffer_append(&all, "\n", 1);
    }
    hash_blake2b(out, 32, all.data, all.length, NULL);
    buffer_release(&all);
    arena_release(&arena);
}

static void every_row_is_encrypted_anew_and_reads_the_same(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    unsigned char before[32], after[32];
    int64_t rows;
    int versions;
    names_of(loop, before);
    loopback_change(loop, "CREATE TABLE old AS SELECT person_no, identity FROM person");
    test_fail_on(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err), &err);
    assert_int_equal(rows, LOOPBACK_PEOPLE);
    assert_int_equal(keys_version(store_keys(loop->platform->store), KEY_IDENTITY, &versions), 2);
    assert_int_equal(versions, 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM person p JOIN old o ON"
                                           " o.person_no = p.person_no AND o.identity ="
                                           " p.identity"), 0);
    for (int round = 0; round < 2; round++) {
        names_of(loop, after);
        assert_memory_equal(before, after, 32);
        reopen(loop);
    }
    /* what a copy of the table holds is unreadable from now on */
    loopback_change(loop, "UPDATE person SET identity = (SELECT identity FROM old WHERE"
                          " old.person_no = person.person_no) WHERE person_no = 5");
    loopback_change(loop, "DROP TABLE old");
    struct arena arena;
    struct person found;
    struct sql *sql;
    arena_init(&arena, 1 << 20);
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    assert_false(registry_person(loop->platform, sql, 5, &arena, &found, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    store_read_end(loop->platform->store, sql);
    arena_release(&arena);
    /* and a rotation that meets it stops, naming it, and destroys nothing */
    assert_false(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err));
    assert_int_equal(err.row, 5);
    (void)keys_version(store_keys(loop->platform->store), KEY_IDENTITY, &versions);
    assert_int_equal(versions, 2);
}

/* ---- Whatever lies under a key is still read after its rotation */

static void what_people_wrote_is_still_read(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    char holder[80], officer[80];
    int64_t rows;
    struct call file = {.method = HTTP_POST, .path = "/api/v1/me/appeals",
                        .body = "{\"words\":\"我没有发热\"}",
                        .authorization = loopback_holder(loop, 7, holder)};
    assert_int_equal(loopback_status(loop, &file), 201);
    for (int round = 0; round < 2; round++) {
        test_fail_on(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err), &err);
        assert_int_equal(rows, LOOPBACK_PEOPLE + 1);
        struct call list = {.path = "/api/v1/appeals", .purpose = "duty:appeal_decision",
                            .authorization = loopback_user(loop, "appeals_officer", officer)};
        struct answer answer = loopback_call(loop, &list);
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(answer.response.body.data, "我没有发热"));
        answer_release(&answer);
    }
}

/* The plain text of a cipher that `query` reads, under KEY_IDENTITY. */
static void reads(struct loopback *loop, const char *query, int64_t row, const char *words)
{
    struct error err;
    struct arena arena;
    struct sql *sql;
    struct sql_query *rows;
    struct slice plain = {NULL, 0};
    bool row_there;
    arena_init(&arena, 1 << 20);
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(sql_begin(sql, test_statement(query), NULL, 0, &rows, &err), &err);
    test_fail_on(sql_next(rows, &row_there, &err), &err);
    assert_true(row_there);
    test_fail_on(field_decrypt(sql_keys(sql), KEY_IDENTITY, row, sql_get_blob(rows, 0), &arena,
                               &plain, &err),
                 &err);
    assert_true(slice_equal(plain, slice_of(words)));
    sql_end(rows);
    store_read_end(loop->platform->store, sql);
    arena_release(&arena);
}

static void words_that_once_lay_in_plain_are_encrypted_at_opening_and_anew(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t rows;
    people_write(loop);
    for (int round = 0; round < 2; round++) {
        reads(loop, "SELECT reason FROM broken_glass", (int64_t)5 << 59 | 1, WORDS_OF_GLASS);
        reads(loop, "SELECT words FROM export_request", (int64_t)7 << 59 | 1, WORDS_OF_EXPORT);
        reads(loop, "SELECT words FROM override_decision", (int64_t)3 << 59 | 1,
              WORDS_OF_A_REFUSAL);
        reads(loop, "SELECT words FROM watched_person", (int64_t)9 << 59 | 7, WORDS_OF_A_WATCH);
        test_fail_on(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err), &err);
        assert_int_equal(rows, LOOPBACK_PEOPLE + 4);
    }
}

struct factor_job {
    struct access *access;
    int64_t area_no;
    char secret[ACCESS_FACTOR_BYTES];
};

static bool add_li(struct sql *sql, void *context, struct error *err)
{
    struct factor_job *job = context;
    int64_t user_no;
    return access_user_add(sql, job->access, SLICE("li"), SLICE("cdc_lead"), job->area_no,
                           "a long password", &user_no, err) &&
           access_factor_set(sql, job->access, user_no, job->secret, err);
}

static void second_factors_go_on(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct factor_job job = {.access = loop->platform->access,
                             .area_no = registry_city(loop->platform->registry)->no};
    char token[ACCESS_TOKEN_BYTES], device[ACCESS_DEVICE_BYTES], code[7] = "", *secret;
    size_t length;
    int64_t rows;
    test_fail_on(store_write(loop->platform->store, add_li, &job, &err), &err);
    test_fail_on(rotation_run(keeping_of(loop), KEY_SESSION, true, &rows, &err), &err);
    assert_int_equal(rows, 1);
    assert_int_equal(oath_base32_decode(job.secret, strlen(job.secret), &secret, &length), OATH_OK);
    assert_int_equal(oath_totp_generate(secret, length, world_real_now() / SECOND, 30, 0, 6, code),
                     OATH_OK);
    free(secret);
    struct login_attempt attempt = {.name = SLICE("li"), .password = "a long password",
                                    .code = slice_of(code)};
    test_fail_on(access_login(loop->platform->access, &attempt, token, device, &err), &err);
}

/* ---- Readers meanwhile */

struct reading {
    struct loopback *loop;
    atomic_bool stop;
    atomic_long reads;
};
static void *read_on(void *context)
{
    struct reading *reading = context;
    struct arena arena;
    arena_init(&arena, 16 << 20);
    for (uint32_t person = 1; !atomic_load(&reading->stop); person = person % LOOPBACK_PEOPLE + 1) {
        if (name_of(reading->loop, person, &arena).length > 0)
            atomic_fetch_add(&reading->reads, 1);
        arena_clear(&arena);
    }
    arena_release(&arena);
    return NULL;
}

static void readers_never_notice(void **state)
{
    struct loopback *loop = *state;
    struct reading reading = {.loop = loop};
    struct error err;
    pthread_t threads[2];
    int64_t rows;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reading), 0);
    for (int round = 0; round < 4; round++) {
        test_fail_on(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err), &err);
        assert_int_equal(rows, LOOPBACK_PEOPLE);
        test_fail_on(keys_renew_master(store_keys(loop->platform->store), NULL, &err), &err);
    }
    atomic_store(&reading.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&reading.reads) > 100);
}

/* ---- Other classes */

static void what_a_rotation_would_end_is_asked_for_or_refused(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t rows;
    char holder[80];
    loopback_holder(loop, 7, holder);
    assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 200);
    static const enum key_class refused[] = {KEY_BLIND_INDEX, KEY_IDEMPOTENCY, KEY_AUDIT};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(rotation_run(keeping_of(loop), refused[i], true, &rows, &err));
        assert_int_equal(err.code, ERROR_REFUSED);
    }
    assert_false(rotation_run(keeping_of(loop), KEY_SESSION, false, &rows, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 200);
    test_fail_on(rotation_run(keeping_of(loop), KEY_SESSION, true, &rows, &err), &err);
    assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 401);
    loopback_holder(loop, 7, holder);
    assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 200);
    test_fail_on(rotation_run(keeping_of(loop), KEY_SNAPSHOT, false, &rows, &err), &err);
    reopen(loop);
    all_is_well(loop);
}

/* ---- Deaths */

#ifdef CHENGMAI_FAULTS
static void die_rotating(struct loopback *loop, const char *plan)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct platform *platform;
        struct error err;
        int64_t rows;
        setenv("CHENGMAI_FAULT", plan, 1);
        if (platform_open(loop->directory, PLATFORM_COMMAND, &platform, &err) &&
            rotation_run(platform->keeping, KEY_IDENTITY, false, &rows, &err))
            _exit(7);
        _exit(8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("%s: ended with %d", plan, WEXITSTATUS(status));
}

static void a_death_anywhere_in_a_rotation_loses_no_name(void **state)
{
    static const char *const plans[] = {"after_key_renewed:kill:1", "after_rows_encrypted:kill:1",
                                        "after_rows_encrypted:kill:2", "before_key_retired:kill:1",
                                        "before_sql_commit:kill:2",    "after_sql_commit:kill:3"};
    struct loopback *loop = *state;
    struct error err;
    unsigned char before[32], after[32];
    int64_t rows;
    int versions;
    names_of(loop, before);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        platform_close(loop->platform);
        die_rotating(loop, plans[i]);
        loopback_open(loop);
        names_of(loop, after);
        assert_memory_equal(before, after, 32); /* half done: all is readable */
        test_fail_on(rotation_resume(keeping_of(loop), &err), &err);
        (void)keys_version(store_keys(loop->platform->store), KEY_IDENTITY, &versions);
        assert_int_equal(versions, 1);
        names_of(loop, after);
        assert_memory_equal(before, after, 32);
    }
    test_fail_on(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err), &err);
    assert_int_equal(rows, LOOPBACK_PEOPLE);
    all_is_well(loop);
}
#endif

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(every_row_is_encrypted_anew_and_reads_the_same),
        LOOPBACK_TEST(what_people_wrote_is_still_read),
        LOOPBACK_TEST(words_that_once_lay_in_plain_are_encrypted_at_opening_and_anew),
        LOOPBACK_TEST(second_factors_go_on),
        LOOPBACK_TEST(readers_never_notice),
        LOOPBACK_TEST(what_a_rotation_would_end_is_asked_for_or_refused),
#ifdef CHENGMAI_FAULTS
        LOOPBACK_TEST(a_death_anywhere_in_a_rotation_loses_no_name),
#endif
    };
    return LOOPBACK_RUN(tests);
}
