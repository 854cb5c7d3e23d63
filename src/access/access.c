/* Tokens, sessions and who is behind them. Log-in: login.c; the gate: gate.c; duties: users.c.
 *
 * A token is 32 random bytes shown once; only its BLAKE2b is stored. Resolved tokens are kept in a
 * small table in memory so that a request costs no SQL; whatever ends a token clears the table.
 * Holders' sessions: holders.c. */
#include <liboath/oath.h>
#include <sodium.h>
#include <stdlib.h>

#include "access/access_internal.h"

static const struct sql_text user_insert = {
    "user_insert",
    "INSERT INTO app_user (name, role, area_no, password_hash, failures, locked_until)"
    " VALUES (?1, ?2, ?3, ?4, 0, 0)",
    "unique name"};
static const struct sql_text user_by_name = {
    "user_by_name",
    "SELECT user_no, password_hash, failures, locked_until FROM app_user WHERE name = ?1",
    "unique name"};
static const struct sql_text user_count = {
    "user_count", "SELECT count(*) FROM app_user WHERE password_hash IS NOT NULL", "small table"};
static const struct sql_text token_insert = {
    "token_insert",
    "INSERT INTO user_token (token_hash, user_no, kind, issued_at, expires_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5)",
    "primary key"};
static const struct sql_text token_delete = {
    "token_delete", "DELETE FROM user_token WHERE token_hash = ?1", "primary key"};
static const struct sql_text token_forget = {
    "token_forget", "DELETE FROM user_token WHERE expires_at <= ?1", "user_token_by_time"};
static const struct sql_text token_select = {
    "token_select",
    "SELECT u.user_no, u.name, u.role, u.area_no, t.expires_at, u.duty_until,"
    " coalesce(u.unit_no, 0) FROM user_token t"
    " JOIN app_user u ON u.user_no = t.user_no WHERE t.token_hash = ?1",
    "primary key"};

static const struct sql_list statements =
    SQL_LIST(&user_insert, &user_by_name, &user_count, &token_insert, &token_delete, &token_select,
             &token_forget, &holder_end, &holder_ended, &holder_forget);

bool access_open(struct platform *platform, struct access **ret_access, struct error *err)
{
    struct access *access = x_alloc(1, sizeof *access);
    access->platform = platform;
    pthread_rwlock_init(&access->lock, NULL);
    REQUIRE(oath_init() == OATH_OK); /* of the whole process, may be called again */
    if (!holders_open(access, err)) {
        access_close(access);
        return false;
    }
    *ret_access = access;
    return true;
}

void access_close(struct access *access)
{
    if (!access)
        return;
    pthread_rwlock_destroy(&access->lock);
    free(access->ended);
    free(access);
}

void access_forget_cached(struct access *access)
{
    pthread_rwlock_wrlock(&access->lock);
    memset(access->cache, 0, sizeof access->cache);
    access->generation++;
    pthread_rwlock_unlock(&access->lock);
}

uint64_t access_generation(struct access *access)
{
    pthread_rwlock_rdlock(&access->lock);
    uint64_t generation = access->generation;
    pthread_rwlock_unlock(&access->lock);
    return generation;
}

bool access_unauthenticated(struct error *err, const char *what)
{
    return error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "Authorization"},
                     "a valid token or session", "%s", what);
}

/* ---- Users */

bool access_user_add(struct sql *sql, struct access *access, struct slice name, struct slice role,
                     int64_t area_no, const char *password, int64_t *ret_user_no,
                     struct error *err)
{
    char hash[crypto_pwhash_STRBYTES];
    if (!policy_role(access->platform->policy, role))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "role"},
                         "a role of policies/roles.yaml", "unknown role");
    if (name.length < 1 || name.length > 60 || !slice_is_utf8(name))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "name"},
                         "1 to 60 bytes of UTF-8", "not a name");
    if (password && crypto_pwhash_str(hash, password, strlen(password),
                                      crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                      access->platform->demo ? 8u << 20 : 64u << 20) != 0)
        return error_set(err, ERROR_MEMORY, (struct error_place){.field = "password"}, NULL,
                         "no memory to hash the password");
    if (!sql_run(sql, &user_insert,
                 SQL_ARGUMENTS(sql_text(name), sql_text(role), sql_int(area_no),
                               password ? sql_text(slice_of(hash)) : sql_null()),
                 err)) {
        if (err->code == ERROR_CONFLICT)
            error_set(err, ERROR_CONFLICT, (struct error_place){.field = "name"},
                      "a name that no user has", "there is such a user already");
        return false;
    }
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &user_by_name, SQL_ARGUMENTS(sql_text(name)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    *ret_user_no = sql_get_int(query, 0);
    sql_end(query);
    return true;
}

bool access_has_users(struct access *access)
{
    struct sql *sql;
    struct error err;
    int64_t count = 0;
    if (!store_read_begin(access->platform->store, &sql, &err))
        return false;
    bool done = sql_one_int(sql, &user_count, NULL, 0, 0, &count, &err);
    store_read_end(access->platform->store, sql);
    return done && count > 0;
}

static void hash_token(struct slice token, unsigned char out[TOKEN_HASH_BYTES])
{
    hash_blake2b(out, TOKEN_HASH_BYTES, token.data, token.length, NULL);
}

bool token_issue(struct sql *sql, int64_t user_no, const char *kind, timestamp now,
                 timestamp expires, char out[ACCESS_TOKEN_BYTES], struct error *err)
{
    unsigned char secret[32], hash[TOKEN_HASH_BYTES];
    world_random_bytes(secret, sizeof secret);
    memcpy(out, "u1.", 3);
    text_to_base64url(secret, sizeof secret, out + 3);
    sodium_memzero(secret, sizeof secret);
    hash_token(slice_of(out), hash);
    return sql_run(sql, &token_insert,
                   SQL_ARGUMENTS(sql_blob((struct slice){(const char *)hash, sizeof hash}),
                                 sql_int(user_no), sql_text(slice_of(kind)), sql_int(now),
                                 sql_int(expires)),
                   err);
}

bool access_token_issue(struct sql *sql, struct access *access, struct slice user, int days,
                        char out[ACCESS_TOKEN_BYTES], struct error *err)
{
    struct sql_query *query;
    bool row;
    timestamp now = world_now(access->platform->world);
    if (!sql_begin(sql, &user_by_name, SQL_ARGUMENTS(sql_text(user)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    int64_t user_no = row ? sql_get_int(query, 0) : 0;
    sql_end(query);
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "name"},
                         "the name of a user", "no such user");
    return token_issue(sql, user_no, "token", now, now + days * DAY, out, err);
}

/* ---- Sessions end */

static bool end_session(struct sql *sql, void *context, struct error *err)
{
    return sql_run(sql, &token_delete,
                   SQL_ARGUMENTS(sql_blob((struct slice){context, TOKEN_HASH_BYTES})), err);
}

bool access_logout(struct access *access, struct slice token, struct error *err)
{
    unsigned char hash[TOKEN_HASH_BYTES];
    hash_token(token, hash);
    bool done = store_write(access->platform->store, end_session, hash, err);
    access_forget_cached(access);
    return done;
}

static bool forget_ended(struct sql *sql, void *context, struct error *err)
{
    const timestamp *now = context;
    return sql_run(sql, &token_forget, SQL_ARGUMENTS(sql_int(*now)), err) &&
           sql_run(sql, &holder_forget, SQL_ARGUMENTS(sql_int(*now / SECOND)), err) &&
           devices_forget(sql, *now, err);
}

bool access_prune(struct access *access, struct error *err)
{
    timestamp now = world_now(access->platform->world);
    return store_write(access->platform->store, forget_ended, &now, err);
}

void access_csrf(const struct access *access, struct slice token, char out[48])
{
    unsigned char mac[16];
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys_of(store_keys(access->platform->store), KEY_SESSION), 32,
                            sizeof mac);
    crypto_generichash_update(&state, (const unsigned char *)"csrf", 4);
    crypto_generichash_update(&state, (const unsigned char *)token.data, token.length);
    crypto_generichash_final(&state, mac, sizeof mac);
    text_to_base64url(mac, sizeof mac, out);
}

bool access_csrf_fits(const struct access *access, struct slice token, struct slice csrf)
{
    char expected[48];
    access_csrf(access, token, expected);
    return csrf.length == strlen(expected) && sodium_memcmp(csrf.data, expected, csrf.length) == 0;
}

/* ---- Resolving */

static bool find_cached(struct access *access, const unsigned char *hash, timestamp now,
                        struct actor *ret_actor, uint64_t *ret_generation)
{
    size_t slot;
    memcpy(&slot, hash, sizeof slot);
    pthread_rwlock_rdlock(&access->lock);
    const struct cached *cached = &access->cache[slot % CACHE_SLOTS];
    bool found = cached->expires_at > now && memcmp(cached->hash, hash, TOKEN_HASH_BYTES) == 0;
    if (found)
        *ret_actor = cached->actor;
    *ret_generation = access->generation;
    pthread_rwlock_unlock(&access->lock);
    return found;
}

/* Kept unless the cache was cleared since `generation`: the token may have ended meanwhile. */
static void put_cached(struct access *access, uint64_t generation, const unsigned char *hash,
                       timestamp expires_at, const struct actor *actor)
{
    size_t slot;
    memcpy(&slot, hash, sizeof slot);
    pthread_rwlock_wrlock(&access->lock);
    struct cached *cached = &access->cache[slot % CACHE_SLOTS];
    if (generation == access->generation) {
        memcpy(cached->hash, hash, TOKEN_HASH_BYTES);
        cached->expires_at = expires_at;
        cached->actor = *actor;
    }
    pthread_rwlock_unlock(&access->lock);
}

static bool read_token(struct access *access, struct sql *sql, const unsigned char *hash,
                       timestamp now, struct actor *actor, timestamp *ret_expires,
                       struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &token_select,
                   SQL_ARGUMENTS(sql_blob((struct slice){(const char *)hash, TOKEN_HASH_BYTES})),
                   &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return access_unauthenticated(err, "the token is not valid");
    struct slice name = sql_get_text(query, 1), role = sql_get_text(query, 2);
    *actor = (struct actor){.kind = ACTOR_USER, .user_no = sql_get_int(query, 0)};
    snprintf(actor->name, sizeof actor->name, "%.*s", SLICE_ARG(name));
    snprintf(actor->role, sizeof actor->role, "%.*s", SLICE_ARG(role));
    const struct role *known = policy_role(access->platform->policy, role);
    actor->permissions = known ? known->permissions | PERMISSION_NONE : 0;
    actor->reads = known ? known->reads : 0;
    actor->where = known ? known->where : 0;
    actor->unit_no = sql_get_int(query, 6);
    actor->area_first = sql_get_int(query, 3);
    actor->area_last = area_range_last(actor->area_first);
    *ret_expires = sql_get_int(query, 4);
    if (!sql_is_null(query, 5) && sql_get_int(query, 5) < *ret_expires)
        *ret_expires = sql_get_int(query, 5); /* permissions end with the duty, at once */
    sql_end(query);
    return *ret_expires > now ||
           access_unauthenticated(err, "the token has expired, or the duty has ended");
}

static bool user_actor(struct access *access, struct slice token, struct actor *ret_actor,
                       struct error *err)
{
    unsigned char hash[TOKEN_HASH_BYTES];
    timestamp now = world_now(access->platform->world), expires = 0;
    uint64_t generation;
    if (token.length < 10 || token.length > 128)
        return access_unauthenticated(err, "the token is not valid");
    hash_token(token, hash);
    if (find_cached(access, hash, now, ret_actor, &generation))
        return true;
    struct sql *sql;
    struct actor actor;
    if (!store_read_begin(access->platform->store, &sql, err))
        return false;
    bool done = read_token(access, sql, hash, now, &actor, &expires, err);
    store_read_end(access->platform->store, sql);
    if (!done)
        return false;
    put_cached(access, generation, hash, expires, &actor);
    *ret_actor = actor;
    return true;
}

bool access_actor(struct access *access, struct slice authorization, struct slice cookie,
                  struct slice device, struct actor *ret_actor, struct error *err)
{
    struct slice token = cookie;
    *ret_actor = (struct actor){.kind = ACTOR_NONE};
    if (authorization.data) {
        if (authorization.length < 7 || strncasecmp(authorization.data, "Bearer ", 7) != 0)
            return access_unauthenticated(err, "only bearer tokens are taken");
        token = slice_trim((struct slice){authorization.data + 7, authorization.length - 7});
    }
    if (!token.data)
        return true;
    if (access_is_holder_session(token)) {
        uint32_t now = (uint32_t)(world_now(access->platform->world) / SECOND);
        if (!access_holder_verify(access, token, device, now, &ret_actor->person_no,
                                  &ret_actor->session_epoch, err))
            return false;
        ret_actor->kind = ACTOR_HOLDER;
        snprintf(ret_actor->name, sizeof ret_actor->name, "holder");
        return true;
    }
    return user_actor(access, token, ret_actor, err);
}

static const struct migration migrations[] = {{"src/access/schema/001_access.sql"},
                                              {"src/access/schema/002_ended_sessions.sql"},
                                              {"src/access/schema/003_duties.sql"},
                                              {"src/access/schema/003_leads.sql"},
                                              {"src/access/schema/004_units.sql"},
                                              {"src/access/schema/005_glass_reason.sql"}};

/* The second factors, for a rotation of the key that they lie under; reasons: glass.c. */
static const struct sql_text factor_block = {
    "factor_block",
    "SELECT user_no, factor FROM app_user WHERE user_no > ?1 AND factor IS NOT NULL"
    " ORDER BY user_no LIMIT ?2",
    "primary key"};
static const struct sql_text factor_replace = {
    "factor_replace", "UPDATE app_user SET factor = ?2 WHERE user_no = ?1", "primary key"};
static const struct sql_list cipher_statements = SQL_LIST(&factor_block, &factor_replace);
static const struct cipher_column ciphers[] = {
    {"app_user.factor", KEY_SESSION, 0, &factor_block, &factor_replace},
    {"broken_glass.reason", KEY_IDENTITY, CIPHER_GLASS, &glass_reason_block, &glass_reason_replace},
};
static const struct plain_column plains[] = {
    {&ciphers[1], &glass_reason_plain, &glass_reason_encrypt},
};

const struct module access_module = {
    .name = "access",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .commands = access_commands,
    .command_count = ACCESS_COMMANDS,
    .routes = access_routes,
    .route_count = ACCESS_ROUTES,
    .statements = (const struct sql_list *const[]){&statements, &login_statements, &user_statements,
                                                   &purpose_statements, &access_command_statements,
                                                   &access_lead_statements, &cipher_statements,
                                                   &within_statements, &opened_statements,
                                                   &glass_statements, NULL},
    .ciphers = ciphers,
    .cipher_count = sizeof ciphers / sizeof *ciphers,
    .plains = plains,
    .plain_count = sizeof plains / sizeof *plains,
};
