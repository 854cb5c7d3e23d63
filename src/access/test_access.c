/* Who may do what: passwords and tokens at rest, log-in, areas, and the roles of
 * policies/roles.yaml. */
#include <liboath/oath.h>
#include <sys/stat.h>

#include "access/test_support.h"
#include "registry/registry.h"

struct user_job {
    struct access *access;
    const char *name, *role, *password;
    int64_t area_no;
    int days;
    char token[ACCESS_TOKEN_BYTES];
};
static bool run_add(struct sql *sql, void *context, struct error *err)
{
    struct user_job *job = context;
    int64_t user_no;
    return access_user_add(sql, job->access, slice_of(job->name), slice_of(job->role), job->area_no,
                           job->password, &user_no, err);
}
static bool run_issue(struct sql *sql, void *context, struct error *err)
{
    struct user_job *job = context;
    return access_token_issue(sql, job->access, slice_of(job->name), job->days, job->token, err);
}

static const int64_t changzhou = (int64_t)1 << 48 | (int64_t)4 << 36;

static bool add(struct fixture *f, const char *name, const char *role, const char *password,
                struct error *err)
{
    struct user_job job = {f->platform.access, name, role, password, changzhou, 0, ""};
    return store_write(f->platform.store, run_add, &job, err);
}

static void issue(struct fixture *f, const char *name, int days, char out[ACCESS_TOKEN_BYTES])
{
    struct error err;
    struct user_job job = {.access = f->platform.access, .name = name, .days = days};
    fail_on(store_write(f->platform.store, run_issue, &job, &err), &err);
    memcpy(out, job.token, sizeof job.token);
}

static enum error_code resolve(struct fixture *f, const char *token, struct actor *actor)
{
    struct error err = {0};
    char header[200];
    struct slice none = {NULL, 0};
    snprintf(header, sizeof header, "Bearer %s", token);
    return access_actor(f->platform.access, slice_of(header), none, none, actor, &err)
               ? ERROR_NONE
               : err.code;
}

/* True where the bytes stand somewhere in a file of the data directory. */
static bool is_on_disk(struct fixture *f, const char *text)
{
    char command[400];
    snprintf(command, sizeof command, "grep -rqF -e '%s' %s", text, f->directory);
    return system(command) == 0;
}

/* ---- At rest */

static void passwords_and_tokens_are_not_on_the_disk(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char token[ACCESS_TOKEN_BYTES];
    fail_on(add(f, "li", "press", "a-secret-password", &err), &err);
    issue(f, "li", 1, token);
    close_city(f);
    assert_true(is_on_disk(f, "$argon2id$"));
    assert_false(is_on_disk(f, "a-secret-password"));
    assert_false(is_on_disk(f, token));
    assert_false(is_on_disk(f, token + 3));
    open_city(f);
}

static void equal_passwords_have_different_hashes(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct sql *sql;
    int64_t different;
    static const struct sql_text count = {
        "test", "SELECT count(DISTINCT password_hash) FROM app_user", "test"};
    fail_on(add(f, "li", "press", "the-same-password", &err), &err);
    fail_on(add(f, "wu", "press", "the-same-password", &err), &err);
    fail_on(store_read_begin(f->platform.store, &sql, &err), &err);
    fail_on(sql_one_int(sql, &count, NULL, 0, 0, &different, &err), &err);
    store_read_end(f->platform.store, sql);
    assert_int_equal(different, 2);
}

/* ---- Users and tokens */

static void users_that_cannot_be_are_refused(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char longest[62];
    memset(longest, 'n', 61);
    longest[61] = '\0';
    fail_on(add(f, "li", "press", NULL, &err), &err);
    assert_false(add(f, "li", "press", NULL, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_false(add(f, "wu", "king", NULL, &err));
    assert_int_equal(err.code, ERROR_BAD_VALUE);
    assert_string_equal(err.field, "role");
    const char *const names[] = {"", longest, "\xff"};
    for (size_t i = 0; i < 3; i++) {
        assert_false(add(f, names[i], "press", NULL, &err));
        assert_string_equal(err.field, "name");
    }
}

static void a_token_is_its_user_with_role_and_area_until_it_expires(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct actor actor;
    char token[ACCESS_TOKEN_BYTES], other[ACCESS_TOKEN_BYTES];
    fail_on(add(f, "li", "press", NULL, &err), &err);
    issue(f, "li", 1, token);
    issue(f, "li", 2, other);
    assert_string_not_equal(token, other);
    assert_int_equal(resolve(f, token, &actor), ERROR_NONE);
    assert_int_equal(actor.kind, ACTOR_USER);
    assert_string_equal(actor.name, "li");
    assert_string_equal(actor.role, "press");
    assert_int_equal(actor.permissions, PERMISSION_BIT(PERMIT_SITUATION_READ) | PERMISSION_NONE);
    assert_int_equal(actor.area_first, changzhou);
    assert_int_equal(actor.area_last, area_range_last(changzhou));
    f->world.fixed += DAY; /* also from the cache */
    assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED);
    assert_int_equal(resolve(f, other, &actor), ERROR_NONE);
    fail_on(access_prune(f->platform.access, &err), &err);
    f->world.fixed -= DAY; /* gone for good */
    access_forget_cached(f->platform.access);
    assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED);
    assert_int_equal(resolve(f, other, &actor), ERROR_NONE);
}

static void changed_tokens_are_nobodys(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct actor actor;
    char token[ACCESS_TOKEN_BYTES];
    fail_on(add(f, "li", "press", NULL, &err), &err);
    issue(f, "li", 1, token);
    for (size_t i = 0; i < strlen(token); i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED);
        assert_int_equal(actor.kind, ACTOR_NONE);
        token[i] = kept;
    }
    assert_int_equal(resolve(f, "", &actor), ERROR_UNAUTHENTICATED);
    assert_int_equal(resolve(f, token, &actor), ERROR_NONE);
}

static void an_ended_token_leaves_the_cache_at_once(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct actor actor;
    char token[ACCESS_TOKEN_BYTES];
    fail_on(add(f, "li", "press", NULL, &err), &err);
    issue(f, "li", 1, token);
    assert_int_equal(resolve(f, token, &actor), ERROR_NONE);
    fail_on(access_logout(f->platform.access, slice_of(token), &err), &err);
    assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED);
}

static void users_without_a_password_open_no_port(void **state)
{
    struct fixture *f = *state;
    struct error err;
    assert_false(access_has_users(f->platform.access));
    fail_on(add(f, "li", "press", NULL, &err), &err);
    assert_false(access_has_users(f->platform.access));
    fail_on(add(f, "wu", "press", "a-password", &err), &err);
    assert_true(access_has_users(f->platform.access));
}

/* ---- Log-in */

/* `device` (of ACCESS_DEVICE_BYTES, empty: none) is taken and renewed. */
static bool log_in_with(struct fixture *f, const char *name, const char *password, const char *code,
                        char *device, struct error *err)
{
    char token[ACCESS_TOKEN_BYTES], mark[ACCESS_DEVICE_BYTES];
    struct actor actor;
    struct login_attempt attempt = {.name = slice_of(name), .password = password};
    if (code)
        attempt.code = slice_of(code);
    if (device && device[0])
        attempt.device = slice_of(device);
    bool done = access_login(f->platform.access, &attempt, token, mark, err);
    assert_true(!done || resolve(f, token, &actor) == ERROR_NONE);
    if (done && device)
        strcpy(device, mark);
    return done;
}

static bool log_in(struct fixture *f, const char *name, const char *password, struct error *err)
{
    return log_in_with(f, name, password, NULL, NULL, err);
}

static void whoever_guesses_elsewhere_does_not_lock_out_the_usual_desk(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char desk[ACCESS_DEVICE_BYTES] = "", other[ACCESS_DEVICE_BYTES] = "", kept[ACCESS_DEVICE_BYTES];
    fail_on(add(f, "li", "press", "right-password", &err), &err);
    fail_on(add(f, "wu", "press", "other-password", &err), &err);
    fail_on(log_in_with(f, "li", "right-password", NULL, desk, &err), &err);
    fail_on(log_in_with(f, "wu", "other-password", NULL, other, &err), &err);
    for (int i = 0; i < 20; i++)
        assert_false(log_in(f, "li", "guess", &err));
    assert_false(log_in(f, "li", "right-password", &err));                   /* strangers wait */
    assert_false(log_in_with(f, "li", "right-password", NULL, other, &err)); /* another's mark */
    strcpy(kept, desk);
    desk[20] = desk[20] == 'A' ? 'B' : 'A';
    assert_false(log_in_with(f, "li", "right-password", NULL, desk, &err)); /* a forged mark */
    fail_on(log_in_with(f, "li", "right-password", NULL, kept, &err), &err);
    for (int i = 0; i < 5; i++) /* the desk itself waits for its own failures */
        assert_false(log_in_with(f, "li", "guess", NULL, kept, &err));
    assert_false(log_in_with(f, "li", "right-password", NULL, kept, &err));
}

/* ---- The second factor: codes made by the library's own generator, the server's clock */

static bool set_factor(struct sql *sql, void *context, struct error *err)
{
    struct fixture *f = ((void **)context)[0];
    int64_t user_no;
    return access_user_number(sql, SLICE("li"), &user_no, err) &&
           access_factor_set(sql, f->platform.access, user_no, ((void **)context)[1], err);
}

static void make_code(const char *secret, int64_t ahead_seconds, char out[7])
{
    char *bytes;
    size_t length;
    assert_int_equal(oath_base32_decode(secret, strlen(secret), &bytes, &length), OATH_OK);
    assert_int_equal(length, 20);
    assert_int_equal(
        oath_totp_generate(bytes, length, world_real_now() / SECOND + ahead_seconds, 30, 0, 6, out),
        OATH_OK);
    free(bytes);
}

static void a_second_factor_is_asked_taken_once_and_never_late(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char secret[ACCESS_FACTOR_BYTES], now[7], soon[7], late[7];
    void *job[] = {f, secret};
    fail_on(add(f, "li", "press", "right-password", &err), &err);
    fail_on(store_write(f->platform.store, set_factor, job, &err), &err);
    assert_false(log_in(f, "li", "right-password", &err));
    assert_int_equal(err.code, ERROR_UNAUTHENTICATED);
    assert_string_equal(err.field, "code");
    assert_false(log_in(f, "li", "wrong", &err)); /* says nothing of the factor */
    assert_string_equal(err.field, "name");
    make_code(secret, 0, now);
    make_code(secret, 30, soon);
    make_code(secret, -120, late);
    assert_false(log_in_with(f, "li", "right-password", late, NULL, &err));
    assert_false(log_in_with(f, "li", "right-password", "12345", NULL, &err));
    assert_false(log_in_with(f, "li", "right-password", "abcdef", NULL, &err));
    assert_false(log_in_with(f, "li", "wrong", now, NULL, &err));
    f->world.fixed += 10 * MINUTE; /* the waits have passed; codes go by the real clock */
    fail_on(log_in_with(f, "li", "right-password", now, NULL, &err), &err);
    assert_false(
        log_in_with(f, "li", "right-password", now, NULL, &err)); /* seen over a shoulder */
    fail_on(log_in_with(f, "li", "right-password", soon, NULL, &err), &err);
    assert_false(log_in_with(f, "li", "right-password", now, NULL, &err));
}

/* ---- Duties */

static void permissions_end_with_the_duty_and_with_a_transfer(void **state)
{
    struct fixture *f = *state;
    struct error err;
    char token[ACCESS_TOKEN_BYTES];
    struct actor actor;
    struct user_change change = {
        .name = SLICE("li"), .duty_until = f->world.fixed + HOUR, .by_last = INT64_MAX};
    fail_on(add(f, "li", "press", NULL, &err), &err);
    issue(f, "li", 30, token);
    fail_on(access_user_change(f->platform.access, &change, SLICE("test"), &err), &err);
    assert_int_equal(resolve(f, token, &actor), ERROR_NONE);
    f->world.fixed += HOUR; /* also out of the cache, without anybody's act */
    assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED);
    change.duty_until = TIMESTAMP_NONE;
    fail_on(access_user_change(f->platform.access, &change, SLICE("test"), &err), &err);
    assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED); /* it does not wake */
    issue(f, "li", 30, token);
    assert_int_equal(resolve(f, token, &actor), ERROR_NONE);
    change.role = SLICE("inspector");
    change.area_no = changzhou;
    fail_on(access_user_change(f->platform.access, &change, SLICE("test"), &err), &err);
    assert_int_equal(resolve(f, token, &actor), ERROR_UNAUTHENTICATED);
    issue(f, "li", 30, token);
    assert_int_equal(resolve(f, token, &actor), ERROR_NONE);
    assert_string_equal(actor.role, "inspector");
    change.role = SLICE("king");
    assert_false(access_user_change(f->platform.access, &change, SLICE("test"), &err));
    change = (struct user_change){
        .name = SLICE("li"), .duty_until = TIMESTAMP_NONE, .by_last = changzhou - 1};
    assert_false(access_user_change(f->platform.access, &change, SLICE("test"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND); /* another's area: not there */
    change = (struct user_change){
        .name = SLICE("nobody"), .duty_until = TIMESTAMP_NONE, .by_last = INT64_MAX};
    assert_false(access_user_change(f->platform.access, &change, SLICE("test"), &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
}

static void waits_grow_with_failures_to_two_minutes_and_end_with_success(void **state)
{
    struct fixture *f = *state;
    struct error err;
    static const int waits[] = {0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 128, 128};
    fail_on(add(f, "li", "press", "right-password", &err), &err);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_false(log_in(f, "li", "wrong", &err));
        assert_int_equal(err.code, ERROR_UNAUTHENTICATED);
        if (!waits[i])
            continue;
        f->world.fixed += waits[i] * SECOND - 1;
        assert_false(log_in(f, "li", "right-password", &err)); /* too soon: not even tried */
        f->world.fixed += 1;
    }
    assert_true(log_in(f, "li", "right-password", &err));
    assert_false(log_in(f, "li", "wrong", &err));
    assert_true(log_in(f, "li", "right-password", &err)); /* counted from nothing again */
}

static void nobody_and_users_without_password_cannot_log_in(void **state)
{
    struct fixture *f = *state;
    struct error err;
    fail_on(add(f, "li", "press", NULL, &err), &err);
    assert_false(log_in(f, "li", "", &err));
    assert_false(log_in(f, "nobody", "", &err));
    assert_false(log_in(f, "", "x", &err));
}

static void a_csrf_text_is_its_sessions_only(void **state)
{
    struct fixture *f = *state;
    char csrf[48];
    struct access *access = f->platform.access;
    access_csrf(access, SLICE("u1.one"), csrf);
    assert_true(access_csrf_fits(access, SLICE("u1.one"), slice_of(csrf)));
    assert_false(access_csrf_fits(access, SLICE("u1.two"), slice_of(csrf)));
    assert_false(access_csrf_fits(access, SLICE("u1.one"), (struct slice){NULL, 0}));
    assert_false(access_csrf_fits(access, SLICE("u1.one"), (struct slice){csrf, strlen(csrf) - 1}));
    csrf[0] ^= 1;
    assert_false(access_csrf_fits(access, SLICE("u1.one"), slice_of(csrf)));
}

/* ---- Areas: all below one number are one range */

static void the_range_of_an_area_holds_what_is_below_it_and_nothing_else(void **state)
{
    (void)state;
    int64_t province = (int64_t)1 << 48, city = province | (int64_t)4 << 36;
    int64_t district = city | (int64_t)2 << 24, town = district | (int64_t)7 << 12, grid = town | 9;
    const int64_t chain[] = {province, city, district, town, grid};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) {
            bool inside = chain[k] >= chain[i] && chain[k] <= area_range_last(chain[i]);
            assert_int_equal(inside, k >= i);
        }
    int64_t next = city | (int64_t)3 << 24;
    assert_true(next > area_range_last(district));
    assert_true((province | (int64_t)5 << 36) > area_range_last(city));
    assert_int_equal(area_range_last(grid), grid);
}

/* ---- Roles */

static bool load_roles(const char *text, struct error *err)
{
    char directory[] = "/tmp/chengmai-roles-XXXXXX", path[100];
    struct error ignored;
    struct policy *policy = NULL;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/policies", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    strcat(path, "/roles.yaml");
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = policy_open(fd, &policy, err);
    close(fd);
    if (done)
        policy_free(policy);
    assert_true(file_remove_tree(AT_FDCWD, directory, &ignored));
    return done;
}

#define TITLE "    title: {zh: 甲, en: A}\n"
#define READER "roles:\n  a:\n" TITLE "    permissions: [person.read]\n    reads: "
#define WHERE "    where: [responsible]\n"
static void role_files_with_faults_are_refused_whole(void **state)
{
    (void)state;
    struct error err;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"roles:\n  a:\n" TITLE "    permissions: [situation.read]\n", true},
        {"roles:\n  a:\n" TITLE "    permissions: [situation.red]\n", false},
        {"roles:\n  a:\n" TITLE "    permissions: [1]\n", false},
        {"roles:\n  a:\n" TITLE "    permissions: [situation.read]\n    other: 1\n", false},
        {"roles:\n  a:\n" TITLE "    permissions: [situation.read]\n"
         "  a:\n" TITLE "    permissions: [area.read]\n",
         false},                                                      /* twice */
        {"roles:\n  a:\n    permissions: [situation.read]\n", false}, /* no title */
        {"roles:\n  administrator:\n" TITLE "    permissions: [user.manage, person.read]\n", false},
        {"roles:\n  helper:\n" TITLE "    permissions: [user.manage, person.read]\n", false},
        {"roles:\n  a:\n" TITLE "    permissions: [situation.read, area.read, venue.read, "
         "venue.manage, scan.staff, person.read, person.search, status.read, case.read, trace.run, "
         "evidence.write, import.run, export.request, export.approve, glass.break, glass.review, "
         "audit.read, user.manage, system.read]\n",
         false},
        {"roles:\n  a:\n" TITLE "    permissions: [export.request, export.approve]\n", false},
        {"roles:\n  a:\n" TITLE "    permissions: [export.request]\n", true},
        {READER "{name: partial, status: full}\n" WHERE, true},
        {READER "{name: partial, status: full}\n", false}, /* of whom? */
        {READER "{name: partial, status: partial}\n" WHERE, false},
        {READER "{name: some}\n" WHERE, false},
        {READER "{face: full}\n" WHERE, false},
        {READER "{name: full}\n" WHERE, false}, /* without a second factor */
        {READER "{name: full}\n" WHERE "    second_factor: true\n", true},
        {READER "{name: full}\n" WHERE "    second_factor: 1\n", false},
        {READER "{name: partial}\n    where: [anywhere]\n", false},
        {READER "{name: partial}\n" WHERE "    duties: [tracing, \"two words\"]\n", false},
        {READER "{name: full, id_number: full, phone: full, birth: full, home: full, status: full, "
                "evidence: full, places: full}\n" WHERE "    second_factor: true\n",
         false},
        {"roles:\n  administrator:\n" TITLE "    permissions: [user.manage]\n"
         "    reads: {name: partial}\n" WHERE,
         false},
        {"roles: &x\n  a: *x\n", false}, /* anchors */
        {"roles:\n  a: [\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (load_roles(rows[i].text, &err) != rows[i].good)
            fail_msg("row %zu", i);
}

static void no_role_of_the_house_may_do_everything_and_no_manager_opens_a_person(void **state)
{
    struct fixture *f = *state;
    const struct policy *policy = f->platform.policy;
    uint64_t all = ((uint64_t)1 << PERMISSION_COUNT) - 1, ever = 0;
    uint64_t opens = PERMISSION_BIT(PERMIT_PERSON_READ) | PERMISSION_BIT(PERMIT_PERSON_SEARCH) |
                     PERMISSION_BIT(PERMIT_STATUS_READ) | PERMISSION_BIT(PERMIT_CASE_READ) |
                     PERMISSION_BIT(PERMIT_TRACE_RUN) | PERMISSION_BIT(PERMIT_EXPORT_REQUEST) |
                     PERMISSION_BIT(PERMIT_GLASS_BREAK);
    for (size_t i = 0; i < policy_role_count(policy); i++) {
        uint64_t permissions = policy_role_at(policy, i)->permissions;
        assert_true(permissions != all);
        if (permissions & PERMISSION_BIT(PERMIT_USER_MANAGE))
            assert_int_equal(permissions & opens, 0);
        ever |= permissions;
    }
    assert_int_equal(ever, all); /* every permission is somebody's */
    assert_null(policy_role(policy, SLICE("king")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
    const struct CMUnitTest tests[] = {
        TEST(passwords_and_tokens_are_not_on_the_disk),
        TEST(equal_passwords_have_different_hashes),
        TEST(users_that_cannot_be_are_refused),
        TEST(a_token_is_its_user_with_role_and_area_until_it_expires),
        TEST(changed_tokens_are_nobodys),
        TEST(an_ended_token_leaves_the_cache_at_once),
        TEST(users_without_a_password_open_no_port),
        TEST(waits_grow_with_failures_to_two_minutes_and_end_with_success),
        TEST(nobody_and_users_without_password_cannot_log_in),
        TEST(whoever_guesses_elsewhere_does_not_lock_out_the_usual_desk),
        TEST(a_second_factor_is_asked_taken_once_and_never_late),
        TEST(permissions_end_with_the_duty_and_with_a_transfer),
        TEST(a_csrf_text_is_its_sessions_only),
        cmocka_unit_test(the_range_of_an_area_holds_what_is_below_it_and_nothing_else),
        cmocka_unit_test(role_files_with_faults_are_refused_whole),
        TEST(no_role_of_the_house_may_do_everything_and_no_manager_opens_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
