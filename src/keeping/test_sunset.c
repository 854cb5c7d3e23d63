/* Goal: the end needs a plan and two signatures of different hands, destroys every personal class
 * whatever interrupts it, leaves the aggregates, takes nothing in any more, and an outsider can
 * check it. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "command/command.h"
#include "keeping/test_support.h"

static void plan(struct loopback *loop)
{
    struct error err;
    struct buffer out;
    buffer_init(&out, SUNSET_BYTES_MAX);
    test_fail_on(sunset_plan(keeping_of(loop), "test", &out, &err), &err);
    buffer_release(&out);
}
static void sign(struct loopback *loop, int64_t user_no, const char *role, int key_fd,
                 struct buffer *out)
{
    struct actor actor = {.kind = ACTOR_USER, .user_no = user_no};
    struct error err;
    snprintf(actor.name, sizeof actor.name, "%s-%lld", role, (long long)user_no);
    snprintf(actor.role, sizeof actor.role, "%s", role);
    buffer_clear(out);
    test_fail_on(sunset_sign(keeping_of(loop), &actor, key_fd, out, &err), &err);
}
static void plan_and_sign(struct loopback *loop)
{
    struct buffer out;
    buffer_init(&out, 1 << 16);
    plan(loop);
    sign(loop, 1, "command", -1, &out);
    sign(loop, 2, "auditor", -1, &out);
    buffer_release(&out);
}
static bool execute(struct loopback *loop, struct error *err)
{
    struct buffer out;
    buffer_init(&out, SUNSET_BYTES_MAX);
    bool done = sunset_execute(keeping_of(loop), &out, err);
    if (done) {
        json_t *certificate = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(certificate);
        json_decref(certificate);
    }
    buffer_release(&out);
    return done;
}
static void execute_refused(struct loopback *loop, enum error_code code)
{
    struct error err;
    assert_false(execute(loop, &err));
    if (err.code != code)
        test_fail_on(false, &err);
    assert_false(store_is_sunset(loop->platform->store));
    assert_true(loopback_number(loop, "SELECT count(*) FROM person") > 0);
}

/* What `tools/verify-sunset` says of a directory: its exit code, its lines. */
static int outsider(const char *directory, const char *more, char *out, size_t size)
{
    char line[900];
    snprintf(line, sizeof line, "sh %s/tools/verify-sunset %s %s 2>&1", CHENGMAI_SOURCE_ROOT,
             directory, more);
    return shell(line, out, size);
}
static void outsider_agrees(const char *directory)
{
    char out[8000];
    int code = outsider(directory, "", out, sizeof out);
    if (code != 0 || strstr(out, "FAIL"))
        fail_msg("exit %d:\n%s", code, out);
}

/* ---- Hands */

static void without_two_hands_of_two_roles_nothing_happens(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    execute_refused(loop, ERROR_NOT_FOUND); /* no plan */
    plan(loop);
    execute_refused(loop, ERROR_REFUSED);
    sign(loop, 1, "command", -1, &out);
    execute_refused(loop, ERROR_REFUSED);
    sign(loop, 1, "command", -1, &out); /* the same hand twice is one */
    execute_refused(loop, ERROR_REFUSED);
    sign(loop, 3, "command", -1, &out); /* two users of one role */
    execute_refused(loop, ERROR_REFUSED);
    sign(loop, 4, "sampler", -1, &out); /* a role that does not sign */
    execute_refused(loop, ERROR_REFUSED);
    loopback_change(loop, "UPDATE app_user SET person_no = 7 WHERE user_no IN (1, 2, 3)");
    sign(loop, 2, "auditor", -1, &out); /* another account of the same human */
    execute_refused(loop, ERROR_REFUSED);
    loopback_change(loop, "UPDATE app_user SET person_no = NULL WHERE user_no IN (1, 2, 3)");
    plan(loop); /* another plan: nobody has signed it */
    execute_refused(loop, ERROR_REFUSED);
    sign(loop, 1, "command", -1, &out);
    sign(loop, 2, "auditor", -1, &out);
    loopback_change(loop, "UPDATE setting SET value = value || ' ' WHERE name = 'sunset.plan'");
    execute_refused(loop, ERROR_REFUSED); /* signed, and changed after it */
    plan_and_sign(loop);
    loopback_change(loop, "UPDATE sunset_signature SET signature = public_key || public_key"
                          " WHERE user_no = 2");
    execute_refused(loop, ERROR_REFUSED);
    plan_and_sign(loop);
    add_hold(loop, "presence", "2022-04-02", NULL, 30);
    execute_refused(loop, ERROR_REFUSED); /* held */
    test_fail_on(hold_lift(loop->platform, 1, "auditor", &err), &err);
    test_fail_on(execute(loop, &err) ? true : false, &err);
    buffer_release(&out);
}

/* ---- The end */

static void persons_are_gone_and_aggregates_are_left(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    char command[80], holder[80];
    unsigned char key[KEY_BYTES];
    test_fail_on(command_counters_refresh(loop->platform, &err), &err);
    loopback_user(loop, "command", command);
    loopback_holder(loop, 7, holder);
    struct answer before = loopback_call(loop, GET("/api/v1/situation", command));
    int64_t counters = loopback_number(loop, "SELECT count(*) FROM counter");
    assert_true(counters > 10);
    plan_and_sign(loop);
    test_fail_on(execute(loop, &err), &err);
    for (int round = 0; round < 2; round++) {
        for (size_t t = 0; t < record_table_count; t++) {
            char query[100];
            snprintf(query, sizeof query, "SELECT count(*) FROM %s", record_tables[t].name);
            if (record_tables[t].closed)
                assert_int_equal(loopback_number(loop, query), 0);
        }
        assert_int_equal(loopback_number(loop, "SELECT count(*) FROM counter"), counters);
        test_fail_on(command_counters_refresh(loop->platform, &err), &err);
        assert_int_equal(loopback_number(loop, "SELECT count(*) FROM counter"), counters);
        assert_false(keys_named(store_keys(loop->platform->store), "day-2022-04-14", true, key,
                                &err));
        assert_int_equal(err.code, ERROR_GONE);
        assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 401);
        loopback_user(loop, "command", command); /* sessions ended: a new one */
        struct answer after = loopback_call(loop, GET("/api/v1/situation", command));
        assert_int_equal(after.status, 200);
        json_t *series = json_object_get(after.json, "series");
        assert_true(json_equal(json_object_get(series, "cases_by_report"),
                               json_object_get(json_object_get(before.json, "series"),
                                               "cases_by_report")));
        answer_release(&after);
        all_is_well(loop);
        outsider_agrees(loop->directory);
        test_fail_on(execute(loop, &err), &err); /* again: the same certificate */
        outsider_agrees(loop->directory);
        reopen(loop);
    }
    answer_release(&before);
}

static bool insert_person(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return sql_run(sql, test_statement("INSERT INTO person (area_no, import_no) VALUES (1, 1)"),
                   NULL, 0, err);
}

static void nothing_about_persons_is_taken_in_any_more(void **state)
{
    struct loopback *loop = *state;
    struct platform *platform = loop->platform;
    struct error err;
    struct presence_bulk *bulk;
    struct buffer out;
    plan_and_sign(loop);
    test_fail_on(execute(loop, &err), &err);
    assert_false(store_write(platform->store, insert_person, NULL, &err));
    assert_non_null(strstr(err.what, "personal data of this city were destroyed"));
    struct presence_append append = {.count = 1};
    append.records[0] = (struct scan_record){.person = 1, .venue = 1, .time = 1649900000};
    assert_false(presence_append(platform->presence, &append, &err));
    assert_int_equal(err.code, ERROR_GONE);
    assert_false(presence_bulk_begin(platform->presence, 1, &bulk, &err));
    assert_int_equal(err.code, ERROR_GONE);
    buffer_init(&out, 1 << 20);
    assert_false(backup_run(platform->keeping, AT_FDCWD, "/tmp/chengmai-never", &out, &err));
    assert_int_equal(err.code, ERROR_GONE);
    assert_false(retention_run(platform->keeping, "test", false, &out, &err));
    assert_false(sunset_plan(platform->keeping, "test", &out, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    struct sql *sql;
    struct person person;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    test_fail_on(store_read_begin(platform->store, &sql, &err), &err);
    assert_false(registry_person(platform, sql, 1, &arena, &person, &err));
    assert_int_equal(err.code, ERROR_GONE);
    store_read_end(platform->store, sql);
    arena_release(&arena);
    buffer_release(&out);
}

/* The bytes of names and of ciphers are in no file any more. */
static void no_byte_of_a_person_is_left_on_the_disk(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct sql *sql;
    struct sql_query *query;
    bool row;
    struct buffer whole;
    enum { WITNESSES = 20, WITNESS_BYTES = 24 };
    char witnesses[WITNESSES][WITNESS_BYTES];
    size_t count = 0;
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(sql_begin(sql, test_statement("SELECT identity FROM person LIMIT 20"), NULL, 0,
                           &query, &err), &err);
    while (sql_next(query, &row, &err) && row)
        memcpy(witnesses[count++], sql_get_blob(query, 0).data, WITNESS_BYTES);
    store_read_end(loop->platform->store, sql);
    assert_int_equal(count, WITNESSES);
    plan_and_sign(loop);
    test_fail_on(execute(loop, &err), &err);
    static const char *const files[] = {"city.db", "city.db-wal"};
    for (size_t f = 0; f < 2; f++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", loop->directory, files[f]);
        buffer_init(&whole, 512 << 20);
        if (file_read_whole(AT_FDCWD, path, &whole, &err))
            for (size_t i = 0; i < count; i++)
                if (memmem(whole.data ? whole.data : "", whole.length, witnesses[i],
                           WITNESS_BYTES))
                    fail_msg("%s still holds the cipher of a person", files[f]);
        buffer_release(&whole);
    }
}

static void no_words_about_a_person_are_left_in_any_file(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    char line[400], out[2000], auditor[80];
    people_write(loop);
    plan_and_sign(loop);
    test_fail_on(execute(loop, &err), &err);
    for (int round = 0; round < 2; round++) {
        snprintf(line, sizeof line,
                 "grep -raclF -e GLASSWORDS -e EXPORTWORDS -e REFUSALWORDS"
                 " -e WATCHWORDS %s",
                 loop->directory);
        if (shell(line, out, sizeof out) != 1)
            fail_msg("%s", out);
        /* that the glass was broken is kept, why is not */
        struct answer glass = loopback_call(
            loop, GET("/api/v1/break-glass", loopback_user(loop, "auditor", auditor)));
        json_t *item = json_array_get(json_object_get(glass.json, "items"), 0);
        assert_int_equal(glass.status, 200);
        assert_true(json_is_null(json_object_get(item, "reason")));
        answer_release(&glass);
        reopen(loop);
    }
    /* what an older program left in plain goes at the opening, and there is no key for it */
    loopback_change(loop, "UPDATE broken_glass SET plain_reason = '" WORDS_OF_GLASS "'");
    reopen(loop);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM broken_glass WHERE"
                                           " plain_reason = '' AND reason IS NULL"),
                     1);
}

/* ---- What an outsider sees */

static void an_outsider_sees_whatever_was_changed(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    char line[1200], out[8000], signer[300], key_path[200];
    struct buffer signed_;
    buffer_init(&signed_, 1 << 16);
    snprintf(key_path, sizeof key_path, "%s.pem", loop->directory);
    snprintf(line, sizeof line, "openssl genpkey -algorithm ed25519 -out %s", key_path);
    assert_int_equal(shell(line, out, sizeof out), 0);
    plan(loop);
    int fd = open(key_path, O_RDONLY);
    sign(loop, 1, "command", fd, &signed_);
    close(fd);
    json_t *answer = json_loadb(signed_.data, signed_.length, 0, NULL);
    const char *public_key = json_string_value(json_object_get(answer, "public_key"));
    snprintf(signer, sizeof signer, "--signer command-1=%s", public_key);
    sign(loop, 2, "auditor", -1, &signed_);
    test_fail_on(execute(loop, &err), &err);
    assert_int_equal(outsider(loop->directory, signer, out, sizeof out), 0);
    assert_non_null(strstr(out, "ok command-1 is known by this key"));
    assert_int_equal(outsider(loop->directory, "--signer command-1=AAAA", out, sizeof out), 1);
    assert_int_equal(outsider(loop->directory, "--signer notary=AAAA", out, sizeof out), 1);
    assert_int_equal(outsider("/nowhere", "", out, sizeof out), 2);
    static const char *const changes[] = {
        "sed -i 's/\"rows\":600/\"rows\":6/' sunset/certificate.json",
        "sed -i 's/\"left\":0/\"left\":1/' sunset/certificate.json",
        "printf x >> sunset/aggregates.csv",
        "sed -i 's/\"sunset 1\"/\"sunset 2\"/;s/destroy/keep/' sunset/plan.json",
        "sed -i '/\"role\":\"auditor\"/d' sunset/certificate.json",
        "sed -i '/day-2022-04-02/d' sunset/certificate.json",
        "printf x > keys/day-2022-04-02",
        "printf x > keys/class-identity",
        "printf x > keys/class-identity.2",
        "rm keys/day-2022-04-02.destroyed",
        "mkdir presence/day-2022-04-02 && printf x > presence/day-2022-04-02/segment-1.venue",
        "printf x > persons.csv",
        "printf x > city.db-backup",
        "rm sunset/aggregates.csv",
        /* One letter of every signature, whatever letter stands there. */
        "sed -i -e 's/[A-Z]\\(.\\{20\\}==\"}\\)$/a\\1/' -e t "
        "-e 's/[^A-Z]\\(.\\{20\\}==\"}\\)$/A\\1/' sunset/certificate.json",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        snprintf(line, sizeof line, "rm -rf %s.seen && cp -a %s %s.seen && cd %s.seen && %s",
                 loop->directory, loop->directory, loop->directory, loop->directory, changes[i]);
        assert_int_equal(shell(line, out, sizeof out), 0);
        snprintf(line, sizeof line, "diff -r %s %s.seen", loop->directory, loop->directory);
        if (shell(line, out, sizeof out) != 1)
            fail_msg("%s changed nothing", changes[i]);
        char seen[100];
        snprintf(seen, sizeof seen, "%s.seen", loop->directory);
        int code = outsider(seen, "", out, sizeof out);
        if (code != 1 || !strstr(out, "FAIL"))
            fail_msg("%s: exit %d\n%s", changes[i], code, out);
    }
    snprintf(line, sizeof line, "rm -rf %s.seen %s", loop->directory, key_path);
    assert_int_equal(shell(line, out, sizeof out), 0);
    json_decref(answer);
    buffer_release(&signed_);
}

static void a_backup_of_before_is_unreadable_after_it(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct buffer out;
    char set[100], target[100];
    snprintf(set, sizeof set, "%s.set", loop->directory);
    snprintf(target, sizeof target, "%s.new", loop->directory);
    buffer_init(&out, 1 << 20);
    test_fail_on(backup_run(keeping_of(loop), AT_FDCWD, set, &out, &err), &err);
    plan_and_sign(loop);
    test_fail_on(execute(loop, &err), &err);
    assert_false(restore_run(target, AT_FDCWD, set, NULL, &out, &err));
    assert_int_equal(err.code, ERROR_GONE);
    buffer_release(&out);
    test_fail_on(file_remove_tree(AT_FDCWD, set, &err), &err);
}

/* ---- Deaths */

#ifdef CHENGMAI_FAULTS
static void die_ending(struct loopback *loop, const char *fault)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct platform *platform;
        struct error err;
        struct buffer out;
        setenv("CHENGMAI_FAULT", fault, 1);
        buffer_init(&out, SUNSET_BYTES_MAX);
        if (platform_open(loop->directory, PLATFORM_COMMAND, &platform, &err) &&
            sunset_execute(platform->keeping, &out, &err))
            _exit(7);
        _exit(8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("%s: ended with %d", fault, WEXITSTATUS(status));
}

static void an_end_that_is_killed_anywhere_goes_on_and_never_back(void **state)
{
    static const char *const faults[] = {
        "after_class_destroyed:kill:1",  "after_class_destroyed:kill:7",
        "after_class_destroyed:kill:16", "before_manifest_rename:kill:3",
        "after_manifest_rename:kill:1",  "before_sql_commit:kill:20",
        "after_sql_commit:kill:30",      "before_certificate:kill:1"};
    struct loopback *loop = *state;
    (void)loop;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        void *fresh;
        loopback_create(&fresh);
        struct loopback *other = fresh;
        struct error err;
        plan_and_sign(other);
        platform_close(other->platform);
        die_ending(other, faults[i]);
        loopback_open(other);
        if (!store_is_sunset(other->platform->store)) /* not begun: nothing is gone */
            fail_msg("%s came before the mark", faults[i]);
        assert_false(store_refuse_sunset(other->platform->store, &err));
        test_fail_on(sunset_resume(keeping_of(other), &err), &err);
        outsider_agrees(other->directory);
        all_is_well(other);
        loopback_remove(&fresh);
    }
}
#endif

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(without_two_hands_of_two_roles_nothing_happens),
        LOOPBACK_TEST(persons_are_gone_and_aggregates_are_left),
        LOOPBACK_TEST(nothing_about_persons_is_taken_in_any_more),
        LOOPBACK_TEST(no_byte_of_a_person_is_left_on_the_disk),
        LOOPBACK_TEST(no_words_about_a_person_are_left_in_any_file),
        LOOPBACK_TEST(an_outsider_sees_whatever_was_changed),
        LOOPBACK_TEST(a_backup_of_before_is_unreadable_after_it),
#ifdef CHENGMAI_FAULTS
        LOOPBACK_TEST(an_end_that_is_killed_anywhere_goes_on_and_never_back),
#endif
    };
    return LOOPBACK_RUN(tests);
}
