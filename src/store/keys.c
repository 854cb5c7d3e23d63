/* Keys: a master key wraps class keys and day keys; a wrapped key is nonce 24 | cipher 32 | tag 16,
 * with its file name as associated data, so that files cannot be exchanged.
 *
 *   absent ──keys_day(create)──► wrapped ──keys_day_destroy──► destroyed (tombstone, for ever) */
#include "store/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES,
    NAME_BYTES = 64,
};

static const char *const class_names[KEY_CLASS_COUNT] = {
#define X(id, name) [id] = name,
    KEY_CLASS_TABLE(X)
#undef X
};

struct keys {
    int fd; /* DIR/keys */
    pthread_mutex_t day_lock; /* a day's key is made, or destroyed, by one thread at a time */
    unsigned char master[KEY_BYTES];
    unsigned char classes[KEY_CLASS_COUNT][KEY_BYTES];
};

static bool write_wrapped(int fd, const unsigned char *master, const char *name,
                          const unsigned char *key, struct error *err)
{
    unsigned char wrapped[WRAPPED_BYTES];
    world_random_bytes(wrapped, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(wrapped + NONCE_BYTES, NULL, key, KEY_BYTES,
                                               (const unsigned char *)name, strlen(name), NULL,
                                               wrapped, master);
    return file_replace(fd, name, wrapped, sizeof wrapped, err);
}

static bool read_wrapped(const struct keys *keys, const char *name, unsigned char *out,
                         struct error *err)
{
    struct buffer wrapped;
    buffer_init(&wrapped, WRAPPED_BYTES);
    if (!file_read_whole(keys->fd, name, &wrapped, err)) {
        buffer_release(&wrapped);
        return false;
    }
    const unsigned char *bytes = (const unsigned char *)wrapped.data;
    bool good = wrapped.length == WRAPPED_BYTES &&
                crypto_aead_xchacha20poly1305_ietf_decrypt(
                    out, NULL, NULL, bytes + NONCE_BYTES, KEY_BYTES + TAG_BYTES,
                    (const unsigned char *)name, strlen(name), bytes, keys->master) == 0;
    buffer_release(&wrapped);
    return good || error_set(err, ERROR_CORRUPT, (struct error_place){.source = name},
                             "a key wrapped by this directory's master key",
                             "the key file is damaged or of another directory");
}

bool keys_create(int directory_fd, struct error *err)
{
    if (mkdirat(directory_fd, "keys", 0700) != 0)
        return error_set_errno(err, "keys", "create");
    int fd = openat(directory_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "keys", "open");
    unsigned char master[KEY_BYTES], key[KEY_BYTES];
    world_random_bytes(master, sizeof master);
    bool done = file_replace(fd, "master", master, sizeof master, err);
    for (int i = 0; done && i < KEY_CLASS_COUNT; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "class-%s", class_names[i]);
        world_random_bytes(key, sizeof key);
        done = write_wrapped(fd, master, name, key, err);
    }
    sodium_memzero(master, sizeof master);
    sodium_memzero(key, sizeof key);
    close(fd);
    return done;
}

static bool read_master(struct keys *keys, struct error *err)
{
    struct stat status;
    if (fstatat(keys->fd, "master", &status, 0) != 0)
        return error_set_errno(err, "keys/master", "look at");
    if (status.st_mode & 077)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "keys/master"},
                         "mode 0600", "others may read the master key");
    struct buffer bytes;
    buffer_init(&bytes, KEY_BYTES);
    bool done = file_read_whole(keys->fd, "master", &bytes, err);
    if (done && bytes.length != KEY_BYTES)
        done = error_set(err, ERROR_CORRUPT, (struct error_place){.source = "keys/master"},
                         "32 bytes", "the master key has %zu bytes", bytes.length);
    if (done) {
        memcpy(keys->master, bytes.data, KEY_BYTES);
        sodium_memzero(bytes.data, bytes.length);
    }
    buffer_release(&bytes);
    return done;
}

bool keys_open(int directory_fd, struct keys **ret_keys, struct error *err)
{
    struct keys *keys = x_alloc(1, sizeof *keys);
    pthread_mutex_init(&keys->day_lock, NULL);
    keys->fd = openat(directory_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = sodium_init() >= 0 && keys->fd >= 0 ? true : error_set_errno(err, "keys", "open");
    done = done && read_master(keys, err);
    for (int i = 0; done && i < KEY_CLASS_COUNT; i++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "class-%s", class_names[i]);
        done = read_wrapped(keys, name, keys->classes[i], err);
    }
    if (!done) {
        keys_free(keys);
        return false;
    }
    *ret_keys = keys;
    return true;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    if (keys->fd >= 0)
        close(keys->fd);
    pthread_mutex_destroy(&keys->day_lock);
    sodium_memzero(keys, sizeof *keys);
    free(keys);
}

const unsigned char *keys_of(const struct keys *keys, enum key_class class_)
{
    return keys->classes[class_];
}

static void day_name(int32_t day, const char *suffix, char out[NAME_BYTES])
{
    char date[TIME_TEXT_BYTES];
    snprintf(out, NAME_BYTES, "day-%s%s", time_format_date(day, date), suffix);
}

static bool exists(const struct keys *keys, const char *name)
{
    return faccessat(keys->fd, name, F_OK, 0) == 0;
}

/* Under day_lock. */
static bool take_day(struct keys *keys, int32_t day, bool create, unsigned char out[KEY_BYTES],
                     struct error *err)
{
    char name[NAME_BYTES], tombstone[NAME_BYTES];
    day_name(day, "", name);
    day_name(day, ".destroyed", tombstone);
    if (exists(keys, tombstone))
        return error_set(err, ERROR_GONE, (struct error_place){.source = name},
                         "a day within its retention", "this day was forgotten");
    if (create && !exists(keys, name)) {
        unsigned char key[KEY_BYTES];
        world_random_bytes(key, sizeof key);
        bool written = write_wrapped(keys->fd, keys->master, name, key, err);
        sodium_memzero(key, sizeof key);
        if (!written)
            return false;
    }
    return read_wrapped(keys, name, out, err);
}

bool keys_day(struct keys *keys, int32_t day, bool create, unsigned char out[KEY_BYTES],
              struct error *err)
{
    pthread_mutex_lock(&keys->day_lock);
    bool done = take_day(keys, day, create, out, err);
    pthread_mutex_unlock(&keys->day_lock);
    return done;
}

/* Under day_lock. */
static bool destroy_day(struct keys *keys, int32_t day, struct error *err)
{
    char name[NAME_BYTES], tombstone[NAME_BYTES];
    day_name(day, "", name);
    day_name(day, ".destroyed", tombstone);
    if (exists(keys, tombstone) && !exists(keys, name))
        return true;
    if (!file_replace(keys->fd, tombstone, "", 0, err))
        return false;
    int fd = openat(keys->fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || error_set_errno(err, name, "open");
    unsigned char nothing[WRAPPED_BYTES] = {0};
    bool done = file_write_all(fd, nothing, sizeof nothing, name, err) && file_sync(fd, name, err);
    close(fd);
    if (done && unlinkat(keys->fd, name, 0) != 0)
        done = error_set_errno(err, name, "remove");
    return done && file_sync_directory(keys->fd, ".", err);
}

bool keys_day_destroy(struct keys *keys, int32_t day, struct error *err)
{
    pthread_mutex_lock(&keys->day_lock);
    bool done = destroy_day(keys, day, err);
    pthread_mutex_unlock(&keys->day_lock);
    return done;
}

struct slice field_encrypt(const struct keys *keys, enum key_class class_, int64_t row,
                           struct slice plain, struct arena *arena)
{
    size_t length = NONCE_BYTES + plain.length + TAG_BYTES;
    unsigned char *out = arena_alloc(arena, length);
    randombytes_buf(out, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + NONCE_BYTES, NULL, (const unsigned char *)plain.data, plain.length,
        (const unsigned char *)&row, sizeof row, NULL, out, keys->classes[class_]);
    return (struct slice){(const char *)out, length};
}

bool field_decrypt(const struct keys *keys, enum key_class class_, int64_t row,
                   struct slice cipher, struct arena *arena, struct slice *ret_plain,
                   struct error *err)
{
    if (cipher.length >= NONCE_BYTES + TAG_BYTES) {
        size_t length = cipher.length - NONCE_BYTES - TAG_BYTES;
        unsigned char *out = arena_alloc(arena, length + 1);
        const unsigned char *bytes = (const unsigned char *)cipher.data;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                out, NULL, NULL, bytes + NONCE_BYTES, cipher.length - NONCE_BYTES,
                (const unsigned char *)&row, sizeof row, bytes, keys->classes[class_]) == 0) {
            *ret_plain = (struct slice){(const char *)out, length};
            return true;
        }
    }
    return error_set(err, ERROR_CORRUPT,
                     (struct error_place){.source = class_names[class_], .row = row},
                     "a field encrypted for this row", "an encrypted field does not verify");
}

void blind_index(const struct keys *keys, const char *domain, struct slice value,
                 unsigned char out[BLIND_INDEX_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, keys->classes[KEY_BLIND_INDEX], KEY_BYTES, BLIND_INDEX_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)domain, strlen(domain) + 1);
    crypto_generichash_update(&state, (const unsigned char *)value.data, value.length);
    crypto_generichash_final(&state, out, BLIND_INDEX_BYTES);
}
