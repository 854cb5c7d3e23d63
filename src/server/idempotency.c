/* Idempotency keys of every write but POST /scans (the day store keeps those).
 *
 * Words: the *name* of a request is a keyed hash of who asks and the key they gave; its *digest* covers
 * method, target and body. A name is kept 48 h with the digest and the answer.
 *
 *   name unknown            → handler runs, a 2xx is kept, then answered
 *   name known, same digest → what was answered is answered again; the handler does not run (where a
 *                             route `runs_again`, its handler does, and answers the same by itself)
 *   name known, other digest → 409
 *   name in hand on another thread → 503, ask again: the first one is about to be kept
 *
 * Invariants: 1 an answer leaves after it is on disk. 2 Only 2xx are kept: what was refused changed
 * nothing and may be tried again. 3 A kept answer is sealed with a key that is made of the request:
 * who has the data directory but not the request cannot open it. Where the body holds a password,
 * making that key costs what guessing the password costs (Argon2id). */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "server/server_internal.h"

enum { NAME_BYTES = 16, DIGEST_BYTES = 32, SEAL_BYTES = 32, KEY_TEXT_MAX = 255 };
static const timestamp kept = 48 * HOUR;

static const struct sql_text idempotency_select = {
    "idempotency_select",
    "SELECT digest, status, answer FROM idempotency WHERE key_hash = ?1 AND at > ?2",
    "primary key"};
static const struct sql_text idempotency_keep = {
    "idempotency_keep",
    "INSERT INTO idempotency (key_hash, digest, status, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (key_hash) DO UPDATE SET digest = excluded.digest, status = excluded.status,"
    " answer = excluded.answer, at = excluded.at",
    "primary key"};
static const struct sql_text idempotency_forget = {
    "idempotency_forget", "DELETE FROM idempotency WHERE at <= ?1", "idempotency_by_time"};

const struct sql_list idempotency_statements =
    SQL_LIST(&idempotency_select, &idempotency_keep, &idempotency_forget);

struct named {
    unsigned char name[NAME_BYTES];
    unsigned char made[DIGEST_BYTES + SEAL_BYTES]; /* digest, then the key of the seal */
    struct named *next;                            /* in hand */
};

static pthread_mutex_t in_hand_lock = PTHREAD_MUTEX_INITIALIZER; /* owns in_hand */
static struct named *in_hand;

/* ---- Names and digests */

static bool check_key(struct slice key, struct error *err)
{
    bool good = key.length > 0 && key.length <= KEY_TEXT_MAX;
    for (size_t i = 0; good && i < key.length; i++)
        good = key.data[i] > ' ' && key.data[i] < 0x7f;
    return good || error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "Idempotency-Key"},
                             "1 to 255 visible ASCII characters", "not such a key");
}

static const unsigned char *secret_of(const struct request *request)
{
    return keys_of(store_keys(request->platform->store), KEY_IDEMPOTENCY);
}

static void add_text(crypto_generichash_state *state, struct slice text)
{
    uint64_t length = text.length;
    crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
    crypto_generichash_update(state, (const unsigned char *)text.data, text.length);
}

/* Who asks: a user, a holder, or on public routes whatever authorization was sent. */
static void make_name(const struct request *request, unsigned char name[NAME_BYTES])
{
    crypto_generichash_state state;
    int64_t actor[3] = {request->actor.kind, request->actor.user_no, request->actor.person_no};
    crypto_generichash_init(&state, secret_of(request), KEY_BYTES, NAME_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)actor, sizeof actor);
    add_text(&state, request->actor.kind == ACTOR_NONE ? request->authorization : SLICE(""));
    add_text(&state, request->idempotency_key);
    crypto_generichash_final(&state, name, NAME_BYTES);
}

static bool make_digest(const struct request *request, struct slice target, struct named *named,
                        struct error *err)
{
    crypto_generichash_state state;
    unsigned char method = (unsigned char)request->method, plain[sizeof named->made];
    crypto_generichash_init(&state, secret_of(request), KEY_BYTES, sizeof plain);
    crypto_generichash_update(&state, &method, 1);
    crypto_generichash_update(&state, named->name, NAME_BYTES);
    add_text(&state, target);
    add_text(&state, request->body);
    crypto_generichash_final(&state, plain, sizeof plain);
    if (!request->route->secret_body) {
        memcpy(named->made, plain, sizeof plain);
        return true;
    }
    _Static_assert(NAME_BYTES == crypto_pwhash_SALTBYTES, "the name is the salt");
    return crypto_pwhash(named->made, sizeof named->made, (const char *)plain, sizeof plain,
                         named->name, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                         request->platform->demo ? 8u << 20 : 64u << 20,
                         crypto_pwhash_ALG_ARGON2ID13) == 0 ||
           error_set(err, ERROR_MEMORY, (struct error_place){.field = "Idempotency-Key"}, NULL,
                     "no memory to hash the request");
}

/* ---- In hand */

static bool take_in_hand(struct named *named, struct error *err)
{
    bool free_to_take = true;
    pthread_mutex_lock(&in_hand_lock);
    for (const struct named *other = in_hand; other; other = other->next)
        free_to_take &= memcmp(other->name, named->name, NAME_BYTES) != 0;
    if (free_to_take) {
        named->next = in_hand;
        in_hand = named;
    }
    pthread_mutex_unlock(&in_hand_lock);
    return free_to_take ||
           error_set(err, ERROR_BUSY, (struct error_place){.field = "Idempotency-Key"},
                     "the same request again in a second", "this request is being handled");
}

static void let_go(const struct named *named)
{
    pthread_mutex_lock(&in_hand_lock);
    struct named **at = &in_hand;
    while (*at != named)
        at = &(*at)->next;
    *at = named->next;
    pthread_mutex_unlock(&in_hand_lock);
}

/* ---- Kept answers: nonce | sealed (content type NUL, headers each NUL, NUL, body) */

static void seal(const struct response *response, const struct named *named, struct buffer *out)
{
    enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
           TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };
    struct buffer plain;
    unsigned char nonce[NONCE];
    buffer_init(&plain, response->body.length + (64 << 10));
    const char *type = response->content_type ? response->content_type : "application/json";
    buffer_append(&plain, type, strlen(type) + 1);
    for (size_t i = 0; response->headers[i]; i++)
        buffer_append(&plain, response->headers[i], strlen(response->headers[i]) + 1);
    buffer_append(&plain, "", 1);
    buffer_append(&plain, response->body.data, response->body.length);
    REQUIRE(!plain.overflow);
    world_random_bytes(nonce, sizeof nonce);
    unsigned char *cipher = x_alloc(1, plain.length + TAG);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        cipher, NULL, (const unsigned char *)plain.data, plain.length, named->name, NAME_BYTES,
        NULL, nonce, named->made + DIGEST_BYTES);
    buffer_init(out, plain.length + NONCE + TAG);
    buffer_append(out, nonce, NONCE);
    buffer_append(out, cipher, plain.length + TAG);
    sodium_memzero(plain.data, plain.length);
    buffer_release(&plain);
    free(cipher);
}

static bool unseal(struct slice sealed, const struct named *named, struct arena *arena,
                   struct response *response, struct error *err)
{
    enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
           TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };
    const unsigned char *bytes = (const unsigned char *)sealed.data;
    unsigned long long length = 0;
    char *plain = arena_alloc(arena, sealed.length + 1);
    if (sealed.length < NONCE + TAG ||
        crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain, &length, NULL,
                                                   bytes + NONCE, sealed.length - NONCE,
                                                   named->name, NAME_BYTES, bytes,
                                                   named->made + DIGEST_BYTES) != 0)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "idempotency"}, NULL,
                         "a kept answer does not open");
    const char *end = plain + length;
    response->content_type = plain;
    char *at = plain + strlen(plain) + 1;
    for (; at < end && *at; at += strlen(at) + 1)
        response_header(response, at);
    buffer_append(&response->body, at + 1, (size_t)(end - at) - 1);
    return true;
}

/* ---- Running */

static timestamp now_of(const struct request *request)
{
    return world_now(request->platform->world);
}

/* *ret_known: the name is kept; then the response is what was answered, unless the route runs
 * again. */
static bool look_up(const struct request *request, const struct named *named,
                    struct response *response, bool *ret_known, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    bool row = false;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    struct slice name = {(const char *)named->name, NAME_BYTES};
    bool done = sql_begin(sql, &idempotency_select,
                          SQL_ARGUMENTS(sql_blob(name), sql_int(now_of(request) - kept)), &query,
                          err) &&
                sql_next(query, &row, err);
    if (done && row) {
        struct slice digest = sql_get_blob(query, 0);
        if (digest.length != DIGEST_BYTES ||
            sodium_memcmp(digest.data, named->made, DIGEST_BYTES) != 0)
            done = error_set(err, ERROR_KEY_REUSED,
                             (struct error_place){.field = "Idempotency-Key"},
                             "a new key for a new request", "the key was used for another request");
        else if (!request->route->runs_again) {
            response->status = (int)sql_get_int(query, 1);
            done = unseal(sql_get_blob(query, 2), named, request->arena, response, err);
            response_header(response, "Idempotency-Replayed: true");
        }
        sql_end(query);
    }
    store_read_end(request->platform->store, sql);
    *ret_known = row;
    return done;
}

struct keep_job {
    const struct named *named;
    int status;
    struct slice answer;
    timestamp at;
};

static bool keep(struct sql *sql, void *context, struct error *err)
{
    const struct keep_job *job = context;
    struct slice name = {(const char *)job->named->name, NAME_BYTES};
    struct slice digest = {(const char *)job->named->made, DIGEST_BYTES};
    return sql_run(sql, &idempotency_keep,
                   SQL_ARGUMENTS(sql_blob(name), sql_blob(digest), sql_int(job->status),
                                 sql_blob(job->answer), sql_int(job->at)),
                   err);
}

static bool run_and_keep(const struct request *request, const struct named *named,
                         struct response *response, struct error *err)
{
    if (!request->route->handle(request, response, err))
        return false;
    struct buffer sealed = {0};
    if (!request->route->runs_again)
        seal(response, named, &sealed);
    struct keep_job job = {named, response->status ? response->status : 200,
                           buffer_slice(&sealed), now_of(request)};
    bool done = store_write(request->platform->store, keep, &job, err);
    buffer_release(&sealed);
    return done;
}

bool idempotency_run(const struct request *request, struct slice target,
                     struct response *response, struct error *err)
{
    struct named named;
    bool known = false;
    if (!check_key(request->idempotency_key, err))
        return false;
    make_name(request, named.name);
    if (!make_digest(request, target, &named, err) || !take_in_hand(&named, err))
        return false;
    bool done = look_up(request, &named, response, &known, err);
    if (done && !known)
        done = run_and_keep(request, &named, response, err);
    else if (done && request->route->runs_again)
        done = request->route->handle(request, response, err);
    let_go(&named);
    sodium_memzero(&named, sizeof named);
    return done;
}

static bool forget_old(struct sql *sql, void *context, struct error *err)
{
    const timestamp *now = context;
    return sql_run(sql, &idempotency_forget, SQL_ARGUMENTS(sql_int(*now - kept)), err);
}

bool idempotency_prune(struct platform *platform, struct error *err)
{
    timestamp now = world_now(platform->world);
    return store_write(platform->store, forget_old, &now, err);
}
