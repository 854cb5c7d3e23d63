/* Keys and field encryption.
 *
 * A master key (32 random bytes, file 0600) wraps every other key (XChaCha20-Poly1305). A key a
 * record class, a key a presence day. Destroying the wrapped key of a day makes every copy of that
 * day unreadable, wherever it lies. */
#ifndef CHENGMAI_STORE_KEYS_H
#define CHENGMAI_STORE_KEYS_H

#include "base/base.h"

enum { KEY_BYTES = 32, BLIND_INDEX_BYTES = 16 };

#define KEY_CLASS_TABLE(X)                                                                         \
    X(KEY_IDENTITY, "identity")           /* names, numbers, phones, addresses */                 \
    X(KEY_BLIND_INDEX, "blind-index")     /* equality look-up of encrypted fields */              \
    X(KEY_SESSION, "session")             /* holder sessions, cookies, codes */                   \
    X(KEY_VENUE_TOKEN, "venue-token")     /* what a venue code carries */                         \
    X(KEY_IDEMPOTENCY, "idempotency")     /* digests of keys and bodies */                        \
    X(KEY_SNAPSHOT, "snapshot")           /* status snapshot */                                   \
    X(KEY_AUDIT, "audit")                 /* audit chain */

enum key_class {
#define X(id, name) id,
    KEY_CLASS_TABLE(X)
#undef X
        KEY_CLASS_COUNT
};

struct keys;

/* Makes DIR/keys with all class keys. */
bool keys_create(int directory_fd, struct error *err) MUST_USE;
bool keys_open(int directory_fd, struct keys **ret_keys, struct error *err) MUST_USE;
void keys_free(struct keys *keys); /* wipes */
/* The key of a class, 32 bytes, owned by `keys`. */
const unsigned char *keys_of(const struct keys *keys, enum key_class class_);

/* The key of a presence day into `out`. With `create` it is made (durably) where absent;
 * ERROR_GONE where the day's key was destroyed, ERROR_NOT_FOUND where it never was. */
bool keys_day(struct keys *keys, int32_t day, bool create, unsigned char out[KEY_BYTES],
              struct error *err) MUST_USE;
/* Overwrites and removes the wrapped key, leaves a tombstone. Twice is done. */
bool keys_day_destroy(struct keys *keys, int32_t day, struct error *err) MUST_USE;

/* Encrypts a field: nonce 24 | cipher | tag 16, bound to `row` (table and number) so that a cipher
 * cannot be moved to another row. The result lives in `arena`. */
struct slice field_encrypt(const struct keys *keys, enum key_class class_, int64_t row,
                           struct slice plain, struct arena *arena);
/* ERROR_CORRUPT where the cipher is not authentic for that row. */
bool field_decrypt(const struct keys *keys, enum key_class class_, int64_t row,
                   struct slice cipher, struct arena *arena, struct slice *ret_plain,
                   struct error *err) MUST_USE;
/* Keyed hash for equality look-up; `domain` keeps kinds apart ("id_number", "phone"). */
void blind_index(const struct keys *keys, const char *domain, struct slice value,
                 unsigned char out[BLIND_INDEX_BYTES]);

#endif
