/* Keys and field encryption.
 *
 * A master key wraps every other key (XChaCha20-Poly1305). A key a record class, a key a presence
 * day, a key a backup. The master key comes from a *source*: a file (0600), a passphrase, or a
 * token. Every key lives in DIR/keys and in its one mirror, never in a backup: what is destroyed
 * there is unreadable in every copy of the data, wherever it lies (docs/decisions/004). */
#ifndef CHENGMAI_STORE_KEYS_H
#define CHENGMAI_STORE_KEYS_H

#include "base/base.h"

enum { KEY_BYTES = 32, BLIND_INDEX_BYTES = 16, KEY_NAME_BYTES = 80, KEY_FINGERPRINT_BYTES = 16 };

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
const char *key_class_name(enum key_class class_);
/* -1 where there is no such class */
int key_class_of(struct slice name);

struct keys;

/* Makes DIR/keys with all class keys. The master key is sealed by a passphrase where one is
 * configured (key_source.h), else it lies in a file. */
bool keys_create(int directory_fd, struct error *err) MUST_USE;
/* Opens them; finishes or takes back a change of the master key that a crash cut short. */
bool keys_open(int directory_fd, struct keys **ret_keys, struct error *err) MUST_USE;
void keys_free(struct keys *keys); /* wipes */
/* The present key of a class, 32 bytes, owned by `keys`. That of a class that was destroyed is one
 * of this process only: nothing old verifies, nothing new is readable later. */
const unsigned char *keys_of(const struct keys *keys, enum key_class class_);
/* ERROR_ENVIRONMENT where others may read what holds the master key. *ret_source is the name of
 * its source. */
bool keys_check(struct keys *keys, const char **ret_source, struct error *err) MUST_USE;

/* ---- Versions of a class's key: the newest encrypts, all that are left decrypt */

/* Makes a further version and takes it into use, durably. */
bool keys_renew(struct keys *keys, enum key_class class_, struct error *err) MUST_USE;
/* Destroys all versions but the newest. Nothing may need them any more. Twice is done. */
bool keys_retire(struct keys *keys, enum key_class class_, struct error *err) MUST_USE;
/* Destroys all versions for ever. Twice is done. */
bool keys_class_destroy(struct keys *keys, enum key_class class_, struct error *err) MUST_USE;
/* Number of the newest version (0: destroyed), and how many are left. */
int keys_version(struct keys *keys, enum key_class class_, int *ret_count);

/* ---- Named keys: of presence days ("day-2022-04-14"), of backups ("backup-…") */

/* A key into `out`. With `create` it is made (durably) where absent; ERROR_GONE where it was
 * destroyed, ERROR_NOT_FOUND where it never was. `name`: "day-", "backup-" or "sunset-", then
 * letters, digits and "-"; fewer than KEY_NAME_BYTES − 16 bytes. */
bool keys_named(struct keys *keys, const char *name, bool create, unsigned char out[KEY_BYTES],
                struct error *err) MUST_USE;
/* Overwrites and removes the wrapped key, leaves a tombstone, so that from then on it is gone
 * whatever copy comes back. Twice is done. */
bool keys_named_destroy(struct keys *keys, const char *name, struct error *err) MUST_USE;
bool keys_day(struct keys *keys, int32_t day, bool create, unsigned char out[KEY_BYTES],
              struct error *err) MUST_USE;
bool keys_day_destroy(struct keys *keys, int32_t day, struct error *err) MUST_USE;
void keys_day_name(int32_t day, char out[KEY_NAME_BYTES]);

/* ---- All of them */

/* One file of DIR/keys that is a key or the tombstone of one. */
struct key_entry {
    char name[KEY_NAME_BYTES]; /* "class-identity.2", "day-2022-04-14" */
    bool destroyed;
    timestamp changed_at;      /* real time */
    /* tells keys apart and nothing about them; zeros for a tombstone */
    unsigned char fingerprint[KEY_FINGERPRINT_BYTES];
};
/* Every entry, by name. The list is the caller's to free. */
bool keys_list(struct keys *keys, struct key_entry **ret_entries, size_t *ret_count,
               struct error *err) MUST_USE;

/* A new master key, sealed by `source` ("file", "passphrase", "pkcs11"; NULL: as it is): every key
 * is wrapped anew in a directory beside, the two are exchanged in one step, and the old one is
 * overwritten and removed. */
bool keys_renew_master(struct keys *keys, const char *source, struct error *err) MUST_USE;

/* ---- Copies of the key directory */

/* The one mirror: another directory (another disk) that holds the same files; `path` absolute, ""
 * for none. It is made and filled here. */
bool keys_mirror_set(struct keys *keys, const char *path, struct error *err) MUST_USE;
/* Its path into `out`, empty where there is none. */
bool keys_mirror(struct keys *keys, struct buffer *out, struct error *err) MUST_USE;
/* Makes the mirror equal: new keys come, destroyed ones are overwritten there. Done where there is
 * none; ERROR_IO and the like where it cannot be reached: try again. */
bool keys_mirror_sync(struct keys *keys, struct error *err) MUST_USE;
/* One named key of a key directory that another process may own: nothing is opened or changed.
 * Errors as keys_named; ERROR_CORRUPT also where the master key changes at that moment. */
bool keys_peek(int keys_fd, const char *name, unsigned char out[KEY_BYTES],
               struct error *err) MUST_USE;
/* Copies a key directory into DIR/keys of a directory that has none yet (restore). */
bool keys_adopt(int from_fd, int directory_fd, struct error *err) MUST_USE;

/* ---- Fields */

/* Encrypts a field: nonce 24 | cipher | tag 16, bound to `row` (table and number) so that a cipher
 * cannot be moved to another row. The result lives in `arena`. */
struct slice field_encrypt(const struct keys *keys, enum key_class class_, int64_t row,
                           struct slice plain, struct arena *arena);
/* ERROR_CORRUPT where the cipher is not authentic for that row, ERROR_GONE where the class was
 * destroyed. *ret_current (where not NULL): the newest version of the key opened it. */
bool field_decrypt_version(const struct keys *keys, enum key_class class_, int64_t row,
                           struct slice cipher, struct arena *arena, struct slice *ret_plain,
                           bool *ret_current, struct error *err) MUST_USE;
bool field_decrypt(const struct keys *keys, enum key_class class_, int64_t row,
                   struct slice cipher, struct arena *arena, struct slice *ret_plain,
                   struct error *err) MUST_USE;
/* The same for what is shown beside other things: *ret_plain has data NULL where there is no cipher
 * (data NULL), or where the class was destroyed. */
bool field_decrypt_left(const struct keys *keys, enum key_class class_, int64_t row,
                        struct slice cipher, struct arena *arena, struct slice *ret_plain,
                        struct error *err) MUST_USE;
/* Keyed hash for equality look-up; `domain` keeps kinds apart ("id_number", "phone"). */
void blind_index(const struct keys *keys, const char *domain, struct slice value,
                 unsigned char out[BLIND_INDEX_BYTES]);

#endif
