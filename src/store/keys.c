/* The key ring: class keys with their versions, and named keys (days, backups).
 *
 * A wrapped key is nonce 24 | cipher 32 | tag 16, with its file name as associated data, so that
 * files cannot be exchanged.
 *
 *   keys/class-NAME, class-NAME.2 …   versions of a class's key; the first has no number
 *   keys/day-DATE, backup-ID …        named keys
 *   keys/….destroyed                  a tombstone: that key, or that class, is gone for ever
 *
 *   absent ──create──► wrapped ──destroy──► destroyed (tombstone first, then overwritten, removed)
 *
 * Invariants. 1 A name with a tombstone is never read, made or handed out again. 2 A version is on
 * disk before anything is encrypted with it. 3 The newest version encrypts; a version is destroyed
 * only when nothing needs it (keys_retire is called by who knows). */
#include "store/keys_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const class_names[KEY_CLASS_COUNT] = {
#define X(id, name) [id] = name,
    KEY_CLASS_TABLE(X)
#undef X
};

const char *key_class_name(enum key_class class_)
{
    return class_names[class_];
}

int key_class_of(struct slice name)
{
    for (int i = 0; i < KEY_CLASS_COUNT; i++)
        if (slice_equal(slice_of(class_names[i]), name))
            return i;
    return -1;
}

static void version_name(enum key_class class_, int number, const char *suffix,
                         char out[KEY_NAME_BYTES])
{
    if (number == 1 && !*suffix)
        snprintf(out, KEY_NAME_BYTES, "class-%s", class_names[class_]);
    else
        snprintf(out, KEY_NAME_BYTES, "class-%s.%d%s", class_names[class_], number, suffix);
}

static void class_tombstone(enum key_class class_, char out[KEY_NAME_BYTES])
{
    snprintf(out, KEY_NAME_BYTES, "class-%s" TOMBSTONE, class_names[class_]);
}

/* ---- Making */

bool keys_create(int directory_fd, struct error *err)
{
    if (sodium_init() < 0 || mkdirat(directory_fd, "keys", 0700) != 0)
        return error_set_errno(err, "keys", "create");
    int fd = openat(directory_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "keys", "open");
    unsigned char master[KEY_BYTES], key[KEY_BYTES];
    world_random_bytes(master, sizeof master);
    const char *source = key_source_has_passphrase() ? "passphrase" : "file";
    bool done = key_source_of(source)->seal(fd, master, err);
    for (int i = 0; done && i < KEY_CLASS_COUNT; i++) {
        char name[KEY_NAME_BYTES];
        version_name((enum key_class)i, 1, "", name);
        world_random_bytes(key, sizeof key);
        done = key_file_write(fd, master, name, key, err);
    }
    sodium_memzero(master, sizeof master);
    sodium_memzero(key, sizeof key);
    close(fd);
    return done;
}

/* ---- Opening */

/* A key of this process only takes the place of a class that was destroyed. */
static void put_stand_in(struct key_ring *ring)
{
    REQUIRE(ring->count < VERSIONS_MAX);
    world_random_bytes(ring->keys[ring->count], KEY_BYTES);
    ring->numbers[ring->count] = 0;
    ring->destroyed = true;
    atomic_store(&ring->current, ring->count++);
}

/* The number in "class-NAME", "class-NAME.N" or "class-NAME.N.destroyed"; 0: not of this class. */
static int number_of_name(const char *name, enum key_class class_, bool *ret_tombstone)
{
    size_t length = strlen(class_names[class_]);
    *ret_tombstone = false;
    if (strncmp(name, "class-", 6) != 0 || strncmp(name + 6, class_names[class_], length) != 0)
        return 0;
    const char *rest = name + 6 + length;
    if (!*rest)
        return 1;
    if (*rest != '.')
        return 0;
    int64_t number;
    size_t digits = strcspn(rest + 1, ".");
    const char *end = rest + 1 + digits;
    *ret_tombstone = strcmp(end, TOMBSTONE) == 0;
    return slice_to_int64((struct slice){rest + 1, digits}, 1, 1000000, &number) &&
                   (!*end || *ret_tombstone)
               ? (int)number : 0;
}

/* The versions that a directory holds, ascending (the names are sorted by bytes, numbers are not);
 * *ret_highest also counts those that were destroyed. */
static int versions_of(enum key_class class_, char **names, size_t count,
                       int numbers[VERSIONS_MAX], int *ret_highest)
{
    int found = 0;
    bool tombstone;
    *ret_highest = 0;
    for (size_t i = 0; i < count; i++) {
        int number = number_of_name(names[i], class_, &tombstone);
        if (number > *ret_highest)
            *ret_highest = number;
        if (!number || tombstone || found == VERSIONS_MAX)
            continue;
        int at = found++;
        for (; at > 0 && numbers[at - 1] > number; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = number;
    }
    return found;
}

static bool open_ring(struct keys *keys, enum key_class class_, char **names, size_t count,
                      struct error *err)
{
    struct key_ring *ring = &keys->rings[class_];
    char name[KEY_NAME_BYTES], tombstone[KEY_NAME_BYTES];
    int numbers[VERSIONS_MAX] = {1}, highest;
    class_tombstone(class_, tombstone);
    if (key_file_exists(keys->fd, tombstone)) {
        put_stand_in(ring);
        return keys_class_destroy(keys, class_, err); /* what a crash may have left */
    }
    int found = versions_of(class_, names, count, numbers, &highest);
    for (int i = 0; i < found || ring->count == 0; i++) {
        version_name(class_, numbers[i], TOMBSTONE, tombstone);
        version_name(class_, numbers[i], "", name);
        if (i + 1 < found && key_file_exists(keys->fd, tombstone)) {
            if (!key_file_shred(keys->fd, name, err))
                return false;
            continue;
        }
        if (!key_file_read(keys->fd, keys->master, name, ring->keys[ring->count], err))
            return false;
        ring->numbers[ring->count] = numbers[i];
        atomic_store(&ring->current, ring->count++);
    }
    return true;
}

static bool open_rings(struct keys *keys, struct error *err)
{
    char **names;
    size_t count;
    if (!key_directory_names(keys->fd, &names, &count, err))
        return false;
    bool done = true;
    for (int i = 0; done && i < KEY_CLASS_COUNT; i++)
        done = open_ring(keys, (enum key_class)i, names, count, err);
    key_names_free(names, count);
    return done;
}

bool keys_open(int directory_fd, struct keys **ret_keys, struct error *err)
{
    struct keys *keys = x_alloc(1, sizeof *keys);
    pthread_mutex_init(&keys->lock, NULL);
    pthread_rwlock_init(&keys->ring_lock, NULL);
    (void)mlock(keys, sizeof *keys); /* not into swap, where the system allows it */
    (void)madvise(keys, sizeof *keys, MADV_DONTDUMP);
    keys->directory_fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3);
    keys->fd = openat(directory_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = sodium_init() >= 0 && keys->fd >= 0 ? true : error_set_errno(err, "keys", "open");
    keys->source = done ? key_source_in_use(keys->fd) : NULL;
    /* beside DIR/keys there is something only after a crash: either side of the exchange it is the
     * copy that does not count */
    done = done && key_directory_shred(directory_fd, MASTER_ASIDE, err) &&
           keys->source->obtain(keys->fd, keys->master, err) && open_rings(keys, err);
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
    if (keys->directory_fd >= 0)
        close(keys->directory_fd);
    pthread_mutex_destroy(&keys->lock);
    pthread_rwlock_destroy(&keys->ring_lock);
    sodium_memzero(keys, sizeof *keys);
    munlock(keys, sizeof *keys);
    free(keys);
}

const unsigned char *keys_of(const struct keys *keys, enum key_class class_)
{
    const struct key_ring *ring = &keys->rings[class_];
    return ring->keys[atomic_load(&ring->current)];
}

/* ---- Versions */

static bool renew(struct keys *keys, enum key_class class_, struct error *err)
{
    struct key_ring *ring = &keys->rings[class_];
    char **names, name[KEY_NAME_BYTES];
    size_t count;
    int numbers[VERSIONS_MAX], highest;
    if (ring->destroyed)
        return error_set(err, ERROR_GONE, (struct error_place){.source = class_names[class_]},
                         "a class that is kept", "the key of this class was destroyed");
    if (ring->count == VERSIONS_MAX)
        return error_set(err, ERROR_CONFLICT, (struct error_place){.source = class_names[class_]},
                         "a restart first", "this process has seen %d versions of this key",
                         VERSIONS_MAX);
    if (!key_directory_names(keys->fd, &names, &count, err))
        return false;
    (void)versions_of(class_, names, count, numbers, &highest);
    key_names_free(names, count);
    unsigned char key[KEY_BYTES];
    world_random_bytes(key, sizeof key);
    version_name(class_, highest + 1, "", name);
    bool done = key_file_write(keys->fd, keys->master, name, key, err);
    if (done) {
        pthread_rwlock_wrlock(&keys->ring_lock);
        memcpy(ring->keys[ring->count], key, KEY_BYTES);
        ring->numbers[ring->count] = highest + 1;
        atomic_store(&ring->current, ring->count++);
        pthread_rwlock_unlock(&keys->ring_lock);
    }
    sodium_memzero(key, sizeof key);
    return done;
}

bool keys_renew(struct keys *keys, enum key_class class_, struct error *err)
{
    pthread_mutex_lock(&keys->lock);
    bool done = renew(keys, class_, err);
    pthread_mutex_unlock(&keys->lock);
    return done;
}

/* Tombstone, then the file. Under lock. */
static bool destroy_version(struct keys *keys, enum key_class class_, int number,
                            struct error *err)
{
    char name[KEY_NAME_BYTES], tombstone[KEY_NAME_BYTES];
    version_name(class_, number, "", name);
    version_name(class_, number, TOMBSTONE, tombstone);
    return (key_file_exists(keys->fd, tombstone) ||
            file_replace(keys->fd, tombstone, "", 0, err)) &&
           key_file_shred(keys->fd, name, err) && file_sync_directory(keys->fd, ".", err);
}

/* Takes a version out of memory. A key that was handed out by keys_of may still be read by its
 * caller for the length of one call: only keys of fields, which are read under the lock, are
 * wiped. */
static void wipe(struct keys *keys, enum key_class class_, int place)
{
    struct key_ring *ring = &keys->rings[class_];
    pthread_rwlock_wrlock(&keys->ring_lock);
    ring->numbers[place] = 0;
    if (class_ == KEY_IDENTITY || class_ == KEY_BLIND_INDEX)
        sodium_memzero(ring->keys[place], KEY_BYTES);
    pthread_rwlock_unlock(&keys->ring_lock);
}

bool keys_retire(struct keys *keys, enum key_class class_, struct error *err)
{
    struct key_ring *ring = &keys->rings[class_];
    bool done = true;
    pthread_mutex_lock(&keys->lock);
    for (int i = 0; done && i < ring->count; i++)
        if (ring->numbers[i] && i != atomic_load(&ring->current)) {
            done = destroy_version(keys, class_, ring->numbers[i], err);
            if (done)
                wipe(keys, class_, i);
        }
    pthread_mutex_unlock(&keys->lock);
    return done;
}

/* Under lock. */
static bool destroy_class_files(struct keys *keys, enum key_class class_, struct error *err)
{
    char **names, tombstone[KEY_NAME_BYTES];
    size_t count;
    class_tombstone(class_, tombstone);
    if (!key_file_exists(keys->fd, tombstone) && !file_replace(keys->fd, tombstone, "", 0, err))
        return false;
    if (!key_directory_names(keys->fd, &names, &count, err))
        return false;
    bool done = true, is_tombstone;
    for (size_t i = 0; done && i < count; i++)
        if (number_of_name(names[i], class_, &is_tombstone) && !is_tombstone)
            done = key_file_shred(keys->fd, names[i], err);
    key_names_free(names, count);
    return done && file_sync_directory(keys->fd, ".", err);
}

bool keys_class_destroy(struct keys *keys, enum key_class class_, struct error *err)
{
    struct key_ring *ring = &keys->rings[class_];
    pthread_mutex_lock(&keys->lock);
    bool done = destroy_class_files(keys, class_, err);
    if (done && !ring->destroyed) {
        pthread_rwlock_wrlock(&keys->ring_lock);
        if (ring->count == VERSIONS_MAX)
            ring->count--; /* the newest goes: its place is the stand-in's */
        put_stand_in(ring);
        pthread_rwlock_unlock(&keys->ring_lock);
        for (int i = 0; i + 1 < ring->count; i++)
            wipe(keys, class_, i);
    }
    pthread_mutex_unlock(&keys->lock);
    return done;
}

int keys_version(struct keys *keys, enum key_class class_, int *ret_count)
{
    struct key_ring *ring = &keys->rings[class_];
    pthread_rwlock_rdlock(&keys->ring_lock);
    int number = ring->numbers[atomic_load(&ring->current)];
    *ret_count = 0;
    for (int i = 0; i < ring->count; i++)
        *ret_count += ring->numbers[i] > 0;
    pthread_rwlock_unlock(&keys->ring_lock);
    return number;
}

/* ---- Named keys */

static bool is_named(const char *name)
{
    size_t length = strlen(name);
    bool known = strncmp(name, "day-", 4) == 0 || strncmp(name, "backup-", 7) == 0 ||
                 strncmp(name, "sunset-", 7) == 0;
    return known && length < KEY_NAME_BYTES - 16 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

void keys_day_name(int32_t day, char out[KEY_NAME_BYTES])
{
    char date[TIME_TEXT_BYTES];
    snprintf(out, KEY_NAME_BYTES, "day-%s", time_format_date(day, date));
}

static void tombstone_of(const char *name, char out[KEY_NAME_BYTES])
{
    REQUIRE(is_named(name));
    snprintf(out, KEY_NAME_BYTES, "%s" TOMBSTONE, name);
}

/* Under lock. */
static bool take_named(struct keys *keys, const char *name, bool create,
                       unsigned char out[KEY_BYTES], struct error *err)
{
    char tombstone[KEY_NAME_BYTES];
    tombstone_of(name, tombstone);
    if (key_file_exists(keys->fd, tombstone)) {
        bool day = strncmp(name, "day-", 4) == 0;
        return error_set(err, ERROR_GONE, (struct error_place){.source = name},
                         day ? "a day within its retention" : "a key that was not destroyed",
                         day ? "this day was forgotten" : "this key was destroyed");
    }
    if (create && !key_file_exists(keys->fd, name)) {
        unsigned char key[KEY_BYTES];
        world_random_bytes(key, sizeof key);
        bool written = key_file_write(keys->fd, keys->master, name, key, err);
        sodium_memzero(key, sizeof key);
        if (!written)
            return false;
    }
    return key_file_read(keys->fd, keys->master, name, out, err);
}

bool keys_named(struct keys *keys, const char *name, bool create, unsigned char out[KEY_BYTES],
                struct error *err)
{
    pthread_mutex_lock(&keys->lock);
    bool done = take_named(keys, name, create, out, err);
    pthread_mutex_unlock(&keys->lock);
    return done;
}

bool keys_peek(int keys_fd, const char *name, unsigned char out[KEY_BYTES], struct error *err)
{
    struct keys peeking = {.fd = keys_fd};
    if (!is_named(name))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "id"},
                         "the name of a key", "'%.60s' names no key", name);
    bool done = sodium_init() >= 0 &&
                key_source_in_use(keys_fd)->obtain(keys_fd, peeking.master, err) &&
                take_named(&peeking, name, false, out, err);
    sodium_memzero(&peeking, sizeof peeking);
    return done;
}

bool keys_day(struct keys *keys, int32_t day, bool create, unsigned char out[KEY_BYTES],
              struct error *err)
{
    char name[KEY_NAME_BYTES];
    keys_day_name(day, name);
    return keys_named(keys, name, create, out, err);
}

/* Under lock. */
static bool destroy_named(struct keys *keys, const char *name, struct error *err)
{
    char tombstone[KEY_NAME_BYTES];
    tombstone_of(name, tombstone);
    if (key_file_exists(keys->fd, tombstone) && !key_file_exists(keys->fd, name))
        return true;
    return file_replace(keys->fd, tombstone, "", 0, err) && key_file_shred(keys->fd, name, err) &&
           file_sync_directory(keys->fd, ".", err);
}

bool keys_named_destroy(struct keys *keys, const char *name, struct error *err)
{
    pthread_mutex_lock(&keys->lock);
    bool done = destroy_named(keys, name, err);
    pthread_mutex_unlock(&keys->lock);
    return done;
}

bool keys_day_destroy(struct keys *keys, int32_t day, struct error *err)
{
    char name[KEY_NAME_BYTES];
    keys_day_name(day, name);
    return keys_named_destroy(keys, name, err);
}

/* ---- Fields */

struct slice field_encrypt(const struct keys *keys, enum key_class class_, int64_t row,
                           struct slice plain, struct arena *arena)
{
    size_t length = NONCE_BYTES + plain.length + TAG_BYTES;
    unsigned char *out = arena_alloc(arena, length);
    randombytes_buf(out, NONCE_BYTES);
    pthread_rwlock_t *lock = (pthread_rwlock_t *)(uintptr_t)&keys->ring_lock;
    pthread_rwlock_rdlock(lock);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + NONCE_BYTES, NULL, (const unsigned char *)plain.data, plain.length,
        (const unsigned char *)&row, sizeof row, NULL, out, keys_of(keys, class_));
    pthread_rwlock_unlock(lock);
    return (struct slice){(const char *)out, length};
}

/* The place of the version that opens it, −1 where none does. Under ring_lock. */
static int open_field(const struct key_ring *ring, int64_t row, struct slice cipher,
                      unsigned char *out)
{
    const unsigned char *bytes = (const unsigned char *)cipher.data;
    for (int i = ring->count; i-- > 0;)
        if ((ring->numbers[i] || (ring->destroyed && i == atomic_load(&ring->current))) &&
            crypto_aead_xchacha20poly1305_ietf_decrypt(
                out, NULL, NULL, bytes + NONCE_BYTES, cipher.length - NONCE_BYTES,
                (const unsigned char *)&row, sizeof row, bytes, ring->keys[i]) == 0)
            return i;
    return -1;
}

bool field_decrypt_version(const struct keys *keys, enum key_class class_, int64_t row,
                           struct slice cipher, struct arena *arena, struct slice *ret_plain,
                           bool *ret_current, struct error *err)
{
    const struct key_ring *ring = &keys->rings[class_];
    struct error_place place = {.source = class_names[class_], .row = row};
    int opened = -1, current = -1;
    unsigned char *out = NULL;
    bool destroyed = false;
    if (cipher.length >= NONCE_BYTES + TAG_BYTES) {
        out = arena_alloc(arena, cipher.length - NONCE_BYTES - TAG_BYTES + 1);
        pthread_rwlock_t *lock = (pthread_rwlock_t *)(uintptr_t)&keys->ring_lock;
        pthread_rwlock_rdlock(lock);
        opened = open_field(ring, row, cipher, out);
        current = atomic_load(&ring->current);
        destroyed = ring->destroyed;
        pthread_rwlock_unlock(lock);
    }
    if (opened < 0 && destroyed)
        return error_set(err, ERROR_GONE, place, "a class that is kept",
                         "the key of this field was destroyed");
    if (opened < 0)
        return error_set(err, ERROR_CORRUPT, place, "a field encrypted for this row",
                         "an encrypted field does not verify");
    *ret_plain = (struct slice){(const char *)out, cipher.length - NONCE_BYTES - TAG_BYTES};
    if (ret_current)
        *ret_current = opened == current;
    return true;
}

bool field_decrypt(const struct keys *keys, enum key_class class_, int64_t row,
                   struct slice cipher, struct arena *arena, struct slice *ret_plain,
                   struct error *err)
{
    return field_decrypt_version(keys, class_, row, cipher, arena, ret_plain, NULL, err);
}

bool field_decrypt_left(const struct keys *keys, enum key_class class_, int64_t row,
                        struct slice cipher, struct arena *arena, struct slice *ret_plain,
                        struct error *err)
{
    *ret_plain = (struct slice){NULL, 0};
    return !cipher.data || field_decrypt(keys, class_, row, cipher, arena, ret_plain, err) ||
           err->code == ERROR_GONE;
}

void blind_index(const struct keys *keys, const char *domain, struct slice value,
                 unsigned char out[BLIND_INDEX_BYTES])
{
    crypto_generichash_state state;
    pthread_rwlock_t *lock = (pthread_rwlock_t *)(uintptr_t)&keys->ring_lock;
    pthread_rwlock_rdlock(lock);
    crypto_generichash_init(&state, keys_of(keys, KEY_BLIND_INDEX), KEY_BYTES, BLIND_INDEX_BYTES);
    pthread_rwlock_unlock(lock);
    crypto_generichash_update(&state, (const unsigned char *)domain, strlen(domain) + 1);
    crypto_generichash_update(&state, (const unsigned char *)value.data, value.length);
    crypto_generichash_final(&state, out, BLIND_INDEX_BYTES);
}
