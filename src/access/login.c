/* Log-in: a slow hash, a wait that grows with failures, a second factor, the same words for every
 * fault.
 *
 * The hash is computed outside the writer, and also where there is no such user, so that time tells
 * nothing. Failures are counted apart for strangers and for each device that the user has logged in
 * from before (a signed cookie says so): who guesses from elsewhere makes strangers wait, never the
 * user at the usual desk.
 *
 * Second factor: RFC 6238 by liboath (30 s, six digits, one step either side). A code is taken
 * once: the step that was used last is kept, and only a later one is good. */
#include <liboath/oath.h>
#include <sodium.h>
#include <stdlib.h>

#include "access/access_internal.h"

static const struct sql_text login_user = {
    "login_user",
    "SELECT user_no, password_hash, failures, locked_until, factor, factor_step, role, duty_until"
    " FROM app_user WHERE name = ?1",
    "unique name"};
static const struct sql_text user_failures = {
    "user_failures", "UPDATE app_user SET failures = ?2, locked_until = ?3 WHERE user_no = ?1",
    "primary key"};
static const struct sql_text user_step = {
    "user_step", "UPDATE app_user SET factor_step = ?2 WHERE user_no = ?1", "primary key"};
static const struct sql_text user_factor = {
    "user_factor", "UPDATE app_user SET factor = ?2, factor_step = 0 WHERE user_no = ?1",
    "primary key"};
static const struct sql_text device_select = {
    "device_select",
    "SELECT failures, locked_until FROM known_device WHERE device = ?1 AND user_no = ?2",
    "primary key"};
static const struct sql_text device_put = {
    "device_put",
    "INSERT INTO known_device (device, user_no, failures, locked_until, seen_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (device) DO UPDATE"
    " SET failures = excluded.failures, locked_until = excluded.locked_until,"
    " seen_at = excluded.seen_at",
    "primary key"};
static const struct sql_text device_forget = {
    "device_forget", "DELETE FROM known_device WHERE seen_at <= ?1", "known_device_by_time"};

const struct sql_list login_statements =
    SQL_LIST(&login_user, &user_failures, &user_step, &user_factor, &device_select, &device_put,
             &device_forget);

enum {
    LOCK_AFTER = 5,
    SESSION_HOURS = 12,
    DEVICE_BYTES = 16,
    DEVICE_DAYS = 90,
    FACTOR_BYTES = 20, /* RFC 4226: 160 bits */
    FACTOR_DIGITS = 6,
    FACTOR_WINDOW = 1, /* steps either side */
};

struct login {
    struct access *access;
    const struct login_attempt *attempt;
    unsigned char device[DEVICE_BYTES];
    bool known_device;
    int64_t user_no;
    char hash[crypto_pwhash_STRBYTES]; /* empty: no such user, or without a password */
    bool has_factor, off_duty, role_needs_factor;
    unsigned char factor[FACTOR_BYTES];
    int64_t factor_step;
    int64_t failures;
    timestamp locked_until;
    enum { LOGIN_WRONG, LOGIN_CODE_WANTED, LOGIN_NO_FACTOR, LOGIN_GOOD } outcome;
    bool password_fits;
    int64_t step; /* of the code that fits, 0 where none does */
    char *token;
};

/* ---- Known devices: "d1." base64url(random 16 | mac 16) */

static void device_mac(const struct access *access, const unsigned char *device,
                       unsigned char out[DEVICE_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys_of(store_keys(access->platform->store), KEY_SESSION), 32,
                            DEVICE_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)"device", 6);
    crypto_generichash_update(&state, device, DEVICE_BYTES);
    crypto_generichash_final(&state, out, DEVICE_BYTES);
}

static void device_write(const struct access *access, const unsigned char *device,
                         char out[ACCESS_DEVICE_BYTES])
{
    unsigned char bytes[2 * DEVICE_BYTES];
    memcpy(bytes, device, DEVICE_BYTES);
    device_mac(access, device, bytes + DEVICE_BYTES);
    memcpy(out, "d1.", 3);
    text_to_base64url(bytes, sizeof bytes, out + 3);
}

/* False where it was not made here. */
static bool device_read(const struct access *access, struct slice text,
                        unsigned char out[DEVICE_BYTES])
{
    unsigned char bytes[2 * DEVICE_BYTES], mac[DEVICE_BYTES];
    bool form =
        text.length == ACCESS_DEVICE_BYTES - 1 && memcmp(text.data, "d1.", 3) == 0 &&
        text_from_base64url((struct slice){text.data + 3, text.length - 3}, bytes, sizeof bytes);
    if (!form)
        return false;
    device_mac(access, bytes, mac);
    memcpy(out, bytes, DEVICE_BYTES);
    return sodium_memcmp(mac, bytes + DEVICE_BYTES, sizeof mac) == 0;
}

void access_device_mark(const struct access *access, struct slice device,
                        char out[ACCESS_DEVICE_BYTES])
{
    unsigned char known[DEVICE_BYTES];
    if (!device.data || !device_read(access, device, known))
        world_random_bytes(known, sizeof known);
    device_write(access, known, out);
}

static struct slice device_slice(const struct login *login)
{
    return (struct slice){(const char *)login->device, DEVICE_BYTES};
}

/* ---- The user */

static bool read_factor(const struct login *login, struct slice sealed, unsigned char *out,
                        struct error *err)
{
    struct arena arena;
    struct slice plain;
    arena_init(&arena, 1 << 16);
    bool done = field_decrypt(store_keys(login->access->platform->store), KEY_SESSION,
                              login->user_no, sealed, &arena, &plain, err);
    if (done && plain.length != FACTOR_BYTES)
        done = error_set(err, ERROR_CORRUPT, (struct error_place){.source = "app_user"},
                         "a second factor of 20 bytes", "it has another length");
    if (done) {
        memcpy(out, plain.data, FACTOR_BYTES);
        sodium_memzero((void *)(uintptr_t)plain.data, plain.length);
    }
    arena_release(&arena);
    return done;
}

static bool read_device(struct sql *sql, struct login *login, struct error *err)
{
    struct sql_query *query;
    bool row;
    login->known_device = false;
    if (!login->attempt->device.data ||
        !device_read(login->access, login->attempt->device, login->device))
        return true;
    if (!sql_begin(sql, &device_select,
                   SQL_ARGUMENTS(sql_blob(device_slice(login)), sql_int(login->user_no)), &query,
                   err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    login->known_device = true;
    login->failures = sql_get_int(query, 0);
    login->locked_until = sql_get_int(query, 1);
    sql_end(query);
    return true;
}

static bool read_user(struct sql *sql, struct login *login, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &login_user, SQL_ARGUMENTS(sql_text(login->attempt->name)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    const struct policy *policy = login->access->platform->policy;
    const struct role *role = policy_role(policy, sql_get_text(query, 6));
    timestamp now = world_now(login->access->platform->world);
    login->user_no = sql_get_int(query, 0);
    if (!sql_is_null(query, 1))
        snprintf(login->hash, sizeof login->hash, "%.*s", SLICE_ARG(sql_get_text(query, 1)));
    login->failures = sql_get_int(query, 2);
    login->locked_until = sql_get_int(query, 3);
    login->has_factor = !sql_is_null(query, 4);
    login->factor_step = sql_get_int(query, 5);
    login->role_needs_factor = role && role->second_factor && !login->access->platform->demo;
    login->off_duty = !role || (!sql_is_null(query, 7) && sql_get_int(query, 7) <= now);
    bool done =
        !login->has_factor || read_factor(login, sql_get_blob(query, 4), login->factor, err);
    sql_end(query);
    return done && read_device(sql, login, err);
}

static bool verify_password(const struct login *login)
{
    /* hashes of the same cost that nothing fits */
    static const char in_demo[] = "$argon2id$v=19$m=8192,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const char in_earnest[] = "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const char *nobody = login->access->platform->demo ? in_demo : in_earnest;
    const char *password = login->attempt->password;
    bool fits = crypto_pwhash_str_verify(login->hash[0] ? login->hash : nobody, password,
                                         strlen(password)) == 0;
    return fits && login->hash[0];
}

/* The step whose code this is, 0 where it is none's. */
static int64_t step_of_code(const unsigned char *factor, struct slice code, timestamp now)
{
    char text[FACTOR_DIGITS + 1];
    uint64_t counter = 0;
    if (code.length != FACTOR_DIGITS || strspn(code.data, "0123456789") < FACTOR_DIGITS)
        return 0;
    memcpy(text, code.data, FACTOR_DIGITS);
    text[FACTOR_DIGITS] = '\0';
    int found = oath_totp_validate4((const char *)factor, FACTOR_BYTES, now / SECOND,
                                    OATH_TOTP_DEFAULT_TIME_STEP_SIZE, OATH_TOTP_DEFAULT_START_TIME,
                                    FACTOR_WINDOW, NULL, &counter, 0 /* SHA-1 */, text);
    return found >= 0 ? (int64_t)counter : 0;
}

static timestamp wait_after(int64_t failures)
{
    if (failures < LOCK_AFTER)
        return 0;
    return (failures < LOCK_AFTER + 7 ? 1 << (failures - LOCK_AFTER) : 128) * SECOND;
}

/* ---- What came of it: counted anew, since other attempts may have ended meanwhile */

static void judge(struct login *login, timestamp now)
{
    login->outcome = LOGIN_WRONG;
    if (!login->password_fits || login->locked_until > now || login->off_duty)
        return;
    if (!login->has_factor)
        login->outcome = login->role_needs_factor ? LOGIN_NO_FACTOR : LOGIN_GOOD;
    else if (!login->attempt->code.data)
        login->outcome = LOGIN_CODE_WANTED;
    else if (login->step > login->factor_step)
        login->outcome = LOGIN_GOOD;
}

static bool record_failures(struct sql *sql, struct login *login, timestamp now, struct error *err)
{
    bool failed = login->outcome == LOGIN_WRONG;
    int64_t failures = failed ? login->failures + 1 : 0;
    timestamp until = now + wait_after(failures);
    if (login->known_device)
        return sql_run(sql, &device_put,
                       SQL_ARGUMENTS(sql_blob(device_slice(login)), sql_int(login->user_no),
                                     sql_int(failures), sql_int(until), sql_int(now)),
                       err);
    return sql_run(sql, &user_failures,
                   SQL_ARGUMENTS(sql_int(login->user_no), sql_int(failures), sql_int(until)), err);
}

static bool open_session(struct sql *sql, struct login *login, timestamp now, struct error *err)
{
    if (!login->known_device)
        world_random_bytes(login->device, DEVICE_BYTES);
    return sql_run(sql, &device_put,
                   SQL_ARGUMENTS(sql_blob(device_slice(login)), sql_int(login->user_no), sql_int(0),
                                 sql_int(0), sql_int(now)),
                   err) &&
           sql_run(
               sql, &user_step,
               SQL_ARGUMENTS(sql_int(login->user_no), sql_int(login->has_factor ? login->step : 0)),
               err) &&
           token_issue(sql, login->user_no, "session", now, now + SESSION_HOURS * HOUR,
                       login->token, err);
}

static bool record_login(struct sql *sql, void *context, struct error *err)
{
    struct login *login = context;
    timestamp now = world_now(login->access->platform->world);
    if (!read_user(sql, login, err))
        return false;
    judge(login, now);
    if (login->outcome == LOGIN_CODE_WANTED) /* neither a failure nor a success */
        return true;
    return record_failures(sql, login, now, err) &&
           (login->outcome != LOGIN_GOOD || open_session(sql, login, now, err));
}

static bool answer(const struct login *login, struct error *err)
{
    switch (login->outcome) {
    case LOGIN_GOOD:
        return true;
    case LOGIN_CODE_WANTED:
        return error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "code"},
                         "the six digits that the second factor shows",
                         "this user has a second factor");
    case LOGIN_NO_FACTOR:
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "code"},
                         "a second factor (user factor NAME)",
                         "this role opens identity and has no second factor yet");
    case LOGIN_WRONG:
        break;
    }
    return error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "name"},
                     "a user's name, password and, where there is one, code",
                     "something of it is wrong, or log-in waits after failures");
}

bool access_login(struct access *access, const struct login_attempt *attempt,
                  char out[ACCESS_TOKEN_BYTES], char out_device[ACCESS_DEVICE_BYTES],
                  struct error *err)
{
    struct login login = {.access = access, .attempt = attempt, .token = out};
    struct store *store = access->platform->store;
    struct sql *sql;
    if (!store_read_begin(store, &sql, err))
        return false;
    bool done = read_user(sql, &login, err);
    store_read_end(store, sql);
    timestamp now = world_now(access->platform->world);
    if (done && login.locked_until <= now) {
        login.password_fits = verify_password(&login);
        if (login.has_factor && attempt->code.data)
            login.step = step_of_code(login.factor, attempt->code, world_real_now());
        done = !login.user_no || store_write(store, record_login, &login, err);
    }
    sodium_memzero(login.factor, sizeof login.factor);
    if (!done || !answer(&login, err))
        return false;
    device_write(access, login.device, out_device);
    return true;
}

bool devices_forget(struct sql *sql, timestamp now, struct error *err)
{
    return sql_run(sql, &device_forget, SQL_ARGUMENTS(sql_int(now - DEVICE_DAYS * DAY)), err);
}

/* ---- Enrolment */

bool access_factor_set(struct sql *sql, struct access *access, int64_t user_no,
                       char out[ACCESS_FACTOR_BYTES], struct error *err)
{
    unsigned char factor[FACTOR_BYTES];
    struct arena arena;
    char *text;
    size_t length;
    world_random_bytes(factor, sizeof factor);
    if (oath_base32_encode((const char *)factor, sizeof factor, &text, &length) != OATH_OK)
        return error_set(err, ERROR_MEMORY, (struct error_place){.field = "factor"}, NULL,
                         "no memory");
    REQUIRE(length < ACCESS_FACTOR_BYTES);
    memcpy(out, text, length + 1);
    sodium_memzero(text, length);
    free(text);
    arena_init(&arena, 1 << 16);
    struct slice plain = {(const char *)factor, sizeof factor};
    bool done = sql_run(sql, &user_factor,
                        SQL_ARGUMENTS(sql_int(user_no),
                                      sql_blob(field_encrypt(store_keys(access->platform->store),
                                                             KEY_SESSION, user_no, plain, &arena))),
                        err);
    arena_release(&arena);
    sodium_memzero(factor, sizeof factor);
    return done;
}
