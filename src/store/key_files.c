/* The files of DIR/keys: wrapped, shredded, listed, wrapped anew, copied.
 *
 * A change of the master key builds the whole directory anew beside the old one and exchanges the
 * two names in one step:
 *
 *   keys            ──build──► keys, keys.new(new master) ──exchange──► keys(new), keys.new(old)
 *   ──shred keys.new──► keys(new)            a crash anywhere: the opening shreds keys.new */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/keys_internal.h"

enum { KEY_FILE_BYTES_MAX = 4096, NAMES_MAX = 65536 };

/* ---- Single files */

enum key_file_kind key_file_kind(const char *name)
{
    static const char *const beginnings[] = {"class-", "day-", "backup-", "sunset-"};
    size_t length = strlen(name), suffix = sizeof TOMBSTONE - 1;
    bool key = false;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        key |= strncmp(name, beginnings[i], strlen(beginnings[i])) == 0;
    if (!key || length >= KEY_NAME_BYTES || (length > 4 && !strcmp(name + length - 4, ".new")))
        return KEY_FILE_OTHER;
    return length > suffix && strcmp(name + length - suffix, TOMBSTONE) == 0 ? KEY_FILE_TOMBSTONE
                                                                             : KEY_FILE_WRAPPED;
}

bool key_file_write(int fd, const unsigned char *master, const char *name,
                    const unsigned char *key, struct error *err)
{
    unsigned char wrapped[WRAPPED_BYTES];
    world_random_bytes(wrapped, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(wrapped + NONCE_BYTES, NULL, key, KEY_BYTES,
                                               (const unsigned char *)name, strlen(name), NULL,
                                               wrapped, master);
    return file_replace(fd, name, wrapped, sizeof wrapped, err);
}

bool key_file_read(int fd, const unsigned char *master, const char *name, unsigned char *out,
                   struct error *err)
{
    struct buffer wrapped;
    buffer_init(&wrapped, WRAPPED_BYTES);
    if (!file_read_whole(fd, name, &wrapped, err)) {
        buffer_release(&wrapped);
        return false;
    }
    const unsigned char *bytes = (const unsigned char *)wrapped.data;
    bool good = wrapped.length == WRAPPED_BYTES &&
                crypto_aead_xchacha20poly1305_ietf_decrypt(
                    out, NULL, NULL, bytes + NONCE_BYTES, KEY_BYTES + TAG_BYTES,
                    (const unsigned char *)name, strlen(name), bytes, master) == 0;
    buffer_release(&wrapped);
    return good || error_set(err, ERROR_CORRUPT, (struct error_place){.source = name},
                             "a key wrapped by this directory's master key",
                             "the key file is damaged or of another directory");
}

bool key_file_exists(int fd, const char *name)
{
    return faccessat(fd, name, F_OK, 0) == 0;
}

bool key_file_shred(int fd, const char *name, struct error *err)
{
    struct stat status;
    static const unsigned char nothing[KEY_FILE_BYTES_MAX];
    int file = openat(fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return errno == ENOENT || error_set_errno(err, name, "open");
    size_t length = fstat(file, &status) == 0 && status.st_size < KEY_FILE_BYTES_MAX
                        ? (size_t)status.st_size : KEY_FILE_BYTES_MAX;
    bool done = file_write_all(file, nothing, length, name, err) && file_sync(file, name, err);
    close(file);
    if (done && unlinkat(fd, name, 0) != 0 && errno != ENOENT)
        done = error_set_errno(err, name, "remove");
    return done;
}

bool key_file_copy(int from_fd, int to_fd, const char *name, struct error *err)
{
    struct buffer bytes;
    buffer_init(&bytes, KEY_FILE_BYTES_MAX);
    bool done = file_read_whole(from_fd, name, &bytes, err) &&
                file_replace(to_fd, name, bytes.data, bytes.length, err);
    if (bytes.data)
        sodium_memzero(bytes.data, bytes.length);
    buffer_release(&bytes);
    return done;
}

/* ---- Directories */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool key_directory_names(int fd, char ***ret_names, size_t *ret_count, struct error *err)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    struct dirent *entry;
    char **names = NULL;
    size_t count = 0, capacity = 0;
    if (!directory)
        return error_set_errno(err, "keys", "read");
    while ((entry = readdir(directory)) && count < NAMES_MAX) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            names = x_realloc(names, capacity * sizeof *names);
        }
        names[count++] = strdup(entry->d_name);
    }
    closedir(directory);
    if (count == NAMES_MAX) {
        key_names_free(names, count);
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "keys"},
                         "fewer files", "there are %d files and more", NAMES_MAX);
    }
    if (count)
        qsort(names, count, sizeof *names, compare_names);
    *ret_names = names;
    *ret_count = count;
    return true;
}

void key_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

bool key_directory_shred(int at, const char *name, struct error *err)
{
    char **names = NULL;
    size_t count = 0;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT || error_set_errno(err, name, "open");
    bool done = key_directory_names(fd, &names, &count, err);
    for (size_t i = 0; done && i < count; i++)
        done = key_file_shred(fd, names[i], err);
    key_names_free(names, count);
    close(fd);
    if (done && unlinkat(at, name, AT_REMOVEDIR) != 0)
        done = error_set_errno(err, name, "remove");
    return done && file_sync_directory(at, ".", err);
}

/* ---- The list */

static void describe(struct keys *keys, const char *name, struct key_entry *entry)
{
    struct stat status;
    struct error unreadable;
    unsigned char key[KEY_BYTES];
    memset(entry, 0, sizeof *entry);
    entry->destroyed = key_file_kind(name) == KEY_FILE_TOMBSTONE;
    size_t length = strlen(name) - (entry->destroyed ? sizeof TOMBSTONE - 1 : 0);
    memcpy(entry->name, name, length);
    if (fstatat(keys->fd, name, &status, 0) == 0)
        entry->changed_at = status.st_mtim.tv_sec * SECOND;
    if (!entry->destroyed && key_file_read(keys->fd, keys->master, name, key, &unreadable)) {
        static const char domain[] = "fingerprint of a key";
        hash_blake2b(entry->fingerprint, sizeof entry->fingerprint, domain, sizeof domain, key);
        sodium_memzero(key, sizeof key);
    }
}

bool keys_list(struct keys *keys, struct key_entry **ret_entries, size_t *ret_count,
               struct error *err)
{
    char **names;
    size_t count, kept = 0;
    pthread_mutex_lock(&keys->lock);
    bool done = key_directory_names(keys->fd, &names, &count, err);
    if (done) {
        struct key_entry *entries = x_alloc(count + 1, sizeof *entries);
        for (size_t i = 0; i < count; i++)
            if (key_file_kind(names[i]) != KEY_FILE_OTHER)
                describe(keys, names[i], &entries[kept++]);
        key_names_free(names, count);
        *ret_entries = entries;
        *ret_count = kept;
    }
    pthread_mutex_unlock(&keys->lock);
    return done;
}

bool keys_check(struct keys *keys, const char **ret_source, struct error *err)
{
    struct stat status;
    pthread_mutex_lock(&keys->lock);
    *ret_source = keys->source->name;
    bool found = fstatat(keys->fd, keys->source->file, &status, 0) == 0;
    bool private = found && !(status.st_mode & 077);
    pthread_mutex_unlock(&keys->lock);
    return private || error_set(err, ERROR_ENVIRONMENT,
                                (struct error_place){.source = keys->source->file}, "mode 0600",
                                found ? "others may read it" : "it is gone");
}

/* ---- Another master key */

/* One file of the old directory into the new one. */
static bool rewrap(struct keys *keys, int to_fd, const unsigned char *master, const char *name,
                   struct error *err)
{
    unsigned char key[KEY_BYTES];
    switch (key_file_kind(name)) {
    case KEY_FILE_TOMBSTONE:
        return key_file_copy(keys->fd, to_fd, name, err);
    case KEY_FILE_WRAPPED: {
        bool done = key_file_read(keys->fd, keys->master, name, key, err) &&
                    key_file_write(to_fd, master, name, key, err);
        sodium_memzero(key, sizeof key);
        return done;
    }
    case KEY_FILE_OTHER:
        break;
    }
    return strcmp(name, MIRROR_FILE) != 0 || key_file_copy(keys->fd, to_fd, name, err);
}

static bool build_aside(struct keys *keys, const struct key_source *source,
                        const unsigned char *master, int *ret_fd, struct error *err)
{
    char **names;
    size_t count;
    if (!key_directory_shred(keys->directory_fd, MASTER_ASIDE, err))
        return false;
    if (mkdirat(keys->directory_fd, MASTER_ASIDE, 0700) != 0)
        return error_set_errno(err, MASTER_ASIDE, "create");
    int fd = openat(keys->directory_fd, MASTER_ASIDE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, MASTER_ASIDE, "open");
    bool done = source->seal(fd, master, err) &&
                key_directory_names(keys->fd, &names, &count, err);
    if (done) {
        for (size_t i = 0; done && i < count; i++)
            done = rewrap(keys, fd, master, names[i], err);
        key_names_free(names, count);
    }
    if (!done) {
        close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

/* Under lock. */
static bool renew_master(struct keys *keys, const struct key_source *source,
                         const unsigned char *master, struct error *err)
{
    int fd;
    if (!build_aside(keys, source, master, &fd, err))
        return false;
    bool done = fault_at(FAULT_POINT_before_keys_exchange, err) &&
                (renameat2(keys->directory_fd, MASTER_ASIDE, keys->directory_fd, "keys",
                           RENAME_EXCHANGE) == 0 ||
                 error_set_errno(err, "keys", "exchange"));
    if (!done) {
        close(fd);
        return false;
    }
    close(keys->fd);
    keys->fd = fd;
    keys->source = source;
    memcpy(keys->master, master, KEY_BYTES);
    return file_sync_directory(keys->directory_fd, ".", err) &&
           fault_at(FAULT_POINT_after_keys_exchange, err) &&
           key_directory_shred(keys->directory_fd, MASTER_ASIDE, err);
}

bool keys_renew_master(struct keys *keys, const char *name, struct error *err)
{
    const struct key_source *source = name ? key_source_of(name) : keys->source;
    unsigned char master[KEY_BYTES];
    if (!source)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--source"},
                         "file, passphrase or pkcs11", "there is no source '%s'", name);
    world_random_bytes(master, sizeof master);
    pthread_mutex_lock(&keys->lock);
    bool done = renew_master(keys, source, master, err);
    pthread_mutex_unlock(&keys->lock);
    sodium_memzero(master, sizeof master);
    return done;
}

/* ---- Copies */

static bool has_name(char **names, size_t count, const char *name)
{
    return count && bsearch(&name, names, count, sizeof *names, compare_names);
}

static bool same_file(int a_fd, int b_fd, const char *name)
{
    struct buffer a, b;
    struct error unreadable;
    buffer_init(&a, KEY_FILE_BYTES_MAX);
    buffer_init(&b, KEY_FILE_BYTES_MAX);
    bool same = file_read_whole(a_fd, name, &a, &unreadable) &&
                file_read_whole(b_fd, name, &b, &unreadable) && a.length == b.length &&
                memcmp(buffer_slice(&a).data, buffer_slice(&b).data, a.length) == 0;
    buffer_release(&a);
    buffer_release(&b);
    return same;
}

/* Makes `to` hold what `from` holds. Tombstones come first: a key that is gone here is gone there
 * before anything else is written. */
static bool copy_all(int from_fd, int to_fd, struct error *err)
{
    char **from, **to = NULL;
    size_t from_count, to_count = 0;
    if (!key_directory_names(from_fd, &from, &from_count, err))
        return false;
    bool done = key_directory_names(to_fd, &to, &to_count, err);
    for (size_t i = 0; done && i < from_count; i++)
        if (key_file_kind(from[i]) == KEY_FILE_TOMBSTONE && !has_name(to, to_count, from[i]))
            done = key_file_copy(from_fd, to_fd, from[i], err);
    for (size_t i = 0; done && i < to_count; i++)
        if (!has_name(from, from_count, to[i]) && strcmp(to[i], MIRROR_FILE) != 0)
            done = key_file_shred(to_fd, to[i], err);
    for (size_t i = 0; done && i < from_count; i++)
        if (strcmp(from[i], MIRROR_FILE) != 0 && !same_file(from_fd, to_fd, from[i]))
            done = key_file_copy(from_fd, to_fd, from[i], err);
    key_names_free(from, from_count);
    key_names_free(to, to_count);
    return done && file_sync_directory(to_fd, ".", err);
}

/* Under lock. */
static bool read_mirror(struct keys *keys, struct buffer *out, struct error *err)
{
    return !key_file_exists(keys->fd, MIRROR_FILE) ||
           file_read_whole(keys->fd, MIRROR_FILE, out, err);
}

bool keys_mirror(struct keys *keys, struct buffer *out, struct error *err)
{
    pthread_mutex_lock(&keys->lock);
    bool done = read_mirror(keys, out, err);
    pthread_mutex_unlock(&keys->lock);
    return done;
}

/* Under lock. */
static bool sync_mirror(struct keys *keys, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, path, "open the mirror of the keys at");
    bool done = copy_all(keys->fd, fd, err);
    close(fd);
    return done;
}

bool keys_mirror_sync(struct keys *keys, struct error *err)
{
    struct buffer path;
    buffer_init(&path, KEY_FILE_BYTES_MAX);
    pthread_mutex_lock(&keys->lock);
    bool done = read_mirror(keys, &path, err) &&
                (path.length == 0 || sync_mirror(keys, path.data, err));
    pthread_mutex_unlock(&keys->lock);
    buffer_release(&path);
    return done;
}

bool keys_mirror_set(struct keys *keys, const char *path, struct error *err)
{
    struct error_place place = {.source = path};
    if (*path && *path != '/')
        return error_set(err, ERROR_USAGE, place, "an absolute path", "the path is relative");
    if (strlen(path) >= KEY_FILE_BYTES_MAX - 1)
        return error_set(err, ERROR_TOO_LARGE, place, NULL, "the path is too long");
    if (*path && mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, path, "create");
    pthread_mutex_lock(&keys->lock);
    bool done = !*path || sync_mirror(keys, path, err);
    done = done && file_replace(keys->fd, MIRROR_FILE, path, strlen(path), err);
    pthread_mutex_unlock(&keys->lock);
    return done;
}

bool keys_adopt(int from_fd, int directory_fd, struct error *err)
{
    if (mkdirat(directory_fd, "keys", 0700) != 0)
        return error_set_errno(err, "keys", "create");
    int fd = openat(directory_fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "keys", "open");
    bool done = copy_all(from_fd, fd, err);
    close(fd);
    return done;
}
