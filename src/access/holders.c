/* Holders' sessions. Stateless: numbers and a keyed hash, so that a scan costs no SQL. A session ends
 * when it expires, when its person's epoch is raised (status table), or when its holder ends it: then
 * its MAC stands in `ended_session` until it would have expired, and in memory while the city is open.
 *
 * A bound session's hash runs over the mark of its device too, still one block of BLAKE2b: what the
 * device must show costs the scan path nothing. */
#include <sodium.h>
#include <stdlib.h>

#include "access/access_internal.h"

const struct sql_text holder_end = {
    "holder_end", "INSERT INTO ended_session (mac, expires_at) VALUES (?1, ?2) ON CONFLICT (mac) DO NOTHING",
    "primary key"};
const struct sql_text holder_ended = {
    "holder_ended", "SELECT mac, expires_at FROM ended_session WHERE expires_at > ?1",
    "ended_session_by_time"};
const struct sql_text holder_forget = {
    "holder_forget", "DELETE FROM ended_session WHERE expires_at <= ?1", "ended_session_by_time"};

struct holder_bytes {
    uint32_t person, issued, expires;
    uint8_t epoch;
    uint8_t nonce[7];
    unsigned char mac[HOLDER_MAC_BYTES];
};
_Static_assert(sizeof(struct holder_bytes) == 36, "a holder's session is 36 bytes");
enum { HOLDER_SIGNED_BYTES = 20, MARK_BYTES = 32, FORM_BYTES = 3, ENDED_SLOTS_MIN = 256 };
static const char unbound[] = "h1.", bound[] = "h2.", marked[] = "d1.";

static bool ended(struct error *err, const char *what)
{
    return error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "Authorization"},
                     "a valid token or session", "%s", what);
}

/* ---- The set of ended sessions. Under the lock. */

static size_t slot_of(const struct access *access, const unsigned char *mac)
{
    uint64_t start;
    memcpy(&start, mac, sizeof start);
    size_t slot = start & (access->ended_slots - 1);
    while (access->ended[slot].expires && memcmp(access->ended[slot].mac, mac, HOLDER_MAC_BYTES))
        slot = (slot + 1) & (access->ended_slots - 1);
    return slot;
}

static void remember(struct access *access, const unsigned char *mac, uint32_t expires)
{
    struct ended *entry = &access->ended[slot_of(access, mac)];
    if (!entry->expires)
        atomic_fetch_add(&access->ended_count, 1);
    memcpy(entry->mac, mac, HOLDER_MAC_BYTES);
    entry->expires = expires;
}

/* Makes room; what has expired is left behind. */
static void make_room(struct access *access, uint32_t now)
{
    if (atomic_load(&access->ended_count) * 2 < access->ended_slots)
        return;
    struct ended *old = access->ended;
    size_t old_slots = access->ended_slots, living = 0;
    for (size_t i = 0; i < old_slots; i++)
        living += old[i].expires > now;
    access->ended_slots = ENDED_SLOTS_MIN;
    while (access->ended_slots < living * 4)
        access->ended_slots *= 2;
    access->ended = x_alloc(access->ended_slots, sizeof *access->ended);
    atomic_store(&access->ended_count, 0);
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].expires > now)
            remember(access, old[i].mac, old[i].expires);
    free(old);
}

static bool is_ended(struct access *access, const unsigned char *mac)
{
    if (atomic_load_explicit(&access->ended_count, memory_order_acquire) == 0)
        return false;
    pthread_rwlock_rdlock(&access->lock);
    bool found = access->ended[slot_of(access, mac)].expires != 0;
    pthread_rwlock_unlock(&access->lock);
    return found;
}

bool holders_open(struct access *access, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    bool row = false;
    uint32_t now = (uint32_t)(world_now(access->platform->world) / SECOND);
    if (!store_read_begin(access->platform->store, &sql, err))
        return false;
    bool done = sql_begin(sql, &holder_ended, SQL_ARGUMENTS(sql_int(now)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice mac = sql_get_blob(query, 0);
        make_room(access, now);
        if (mac.length == HOLDER_MAC_BYTES)
            remember(access, (const unsigned char *)mac.data, (uint32_t)sql_get_int(query, 1));
    }
    store_read_end(access->platform->store, sql);
    return done;
}

/* ---- Sessions */

static bool has_form(struct slice text, const char *form)
{
    return text.length > FORM_BYTES && memcmp(text.data, form, FORM_BYTES) == 0;
}

static bool decode(struct slice text, const char *form, void *out, size_t bytes)
{
    return has_form(text, form) &&
           text_from_base64url((struct slice){text.data + FORM_BYTES, text.length - FORM_BYTES},
                               out, bytes);
}

static void make_mac(const struct access *access, const struct holder_bytes *bytes,
                     unsigned char out[HOLDER_MAC_BYTES])
{
    hash_blake2b(out, HOLDER_MAC_BYTES, bytes, HOLDER_SIGNED_BYTES,
                 keys_of(store_keys(access->platform->store), KEY_SESSION));
}

/* The form stands before the numbers, so that no other text of this key is its like. */
static void make_bound_mac(const struct access *access, const struct holder_bytes *bytes,
                           const unsigned char mark[MARK_BYTES],
                           unsigned char out[HOLDER_MAC_BYTES])
{
    unsigned char text[FORM_BYTES + HOLDER_SIGNED_BYTES + MARK_BYTES];
    memcpy(text, bound, FORM_BYTES);
    memcpy(text + FORM_BYTES, bytes, HOLDER_SIGNED_BYTES);
    memcpy(text + FORM_BYTES + HOLDER_SIGNED_BYTES, mark, MARK_BYTES);
    hash_blake2b(out, HOLDER_MAC_BYTES, text, sizeof text,
                 keys_of(store_keys(access->platform->store), KEY_SESSION));
}

void access_holder_session(const struct access *access, uint32_t person_no, uint8_t epoch,
                           uint32_t issued, uint32_t expires, uint64_t nonce,
                           char out[HOLDER_SESSION_BYTES])
{
    struct holder_bytes bytes = {person_no, issued, expires, epoch, {0}, {0}};
    memcpy(bytes.nonce, &nonce, sizeof bytes.nonce);
    make_mac(access, &bytes, bytes.mac);
    memcpy(out, unbound, FORM_BYTES);
    text_to_base64url(&bytes, sizeof bytes, out + FORM_BYTES);
}

void access_holder_bind(const struct access *access, const char device[ACCESS_DEVICE_BYTES],
                        char session[HOLDER_SESSION_BYTES])
{
    struct holder_bytes bytes;
    unsigned char mark[MARK_BYTES];
    REQUIRE(decode(slice_of(session), unbound, &bytes, sizeof bytes));
    REQUIRE(decode(slice_of(device), marked, mark, sizeof mark));
    make_bound_mac(access, &bytes, mark, bytes.mac);
    memcpy(session, bound, FORM_BYTES);
    text_to_base64url(&bytes, sizeof bytes, session + FORM_BYTES);
}

bool access_is_holder_session(struct slice token)
{
    return has_form(token, unbound) || has_form(token, bound);
}

static bool open_session(const struct access *access, struct slice session, struct slice device,
                         struct holder_bytes *bytes, struct error *err)
{
    unsigned char mac[HOLDER_MAC_BYTES], mark[MARK_BYTES];
    bool is_bound = has_form(session, bound), shown = true;
    if (!decode(session, is_bound ? bound : unbound, bytes, sizeof *bytes))
        return ended(err, "not a holder's session");
    if (is_bound) {
        shown = decode(device, marked, mark, sizeof mark);
        if (shown)
            make_bound_mac(access, bytes, mark, mac);
    } else {
        shown = access->platform->demo;
        make_mac(access, bytes, mac);
    }
    return (shown && sodium_memcmp(mac, bytes->mac, sizeof mac) == 0) ||
           ended(err, "the session was not issued here");
}

bool access_holder_verify(const struct access *access, struct slice session, struct slice device,
                          uint32_t now, uint32_t *ret_person_no, uint8_t *ret_epoch,
                          struct error *err)
{
    struct holder_bytes bytes;
    if (!open_session(access, session, device, &bytes, err))
        return false;
    if (bytes.expires <= now || is_ended((struct access *)(uintptr_t)access, bytes.mac))
        return ended(err, "the session has ended");
    *ret_person_no = bytes.person;
    *ret_epoch = bytes.epoch;
    return true;
}

static bool store_end(struct sql *sql, void *context, struct error *err)
{
    const struct holder_bytes *bytes = context;
    return sql_run(sql, &holder_end,
                   SQL_ARGUMENTS(sql_blob((struct slice){(const char *)bytes->mac,
                                                         HOLDER_MAC_BYTES}),
                                 sql_int(bytes->expires)),
                   err);
}

bool access_holder_end(struct access *access, struct slice session, struct slice device,
                       struct error *err)
{
    struct holder_bytes bytes;
    if (!open_session(access, session, device, &bytes, err) ||
        !store_write(access->platform->store, store_end, &bytes, err))
        return false;
    pthread_rwlock_wrlock(&access->lock);
    make_room(access, (uint32_t)(world_now(access->platform->world) / SECOND));
    remember(access, bytes.mac, bytes.expires);
    pthread_rwlock_unlock(&access->lock);
    return true;
}
