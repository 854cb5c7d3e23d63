/* `restore DIR`: a new data directory from a backup and the keys that are left.
 *
 * All is verified before anything is written: the manifest by the key of the backup, every file
 * by its digest. A day whose key was destroyed since is not there; neither is a backup whose own
 * key is gone. The new directory is marked unfinished until it opens. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"

struct restore {
    int from_fd, keys_fd;
    struct backup_manifest manifest;
    unsigned char key[KEY_BYTES];
    int64_t bytes;
};

/* ---- Verifying */

static bool open_keys(struct restore *restore, int working_directory_fd, const char *given,
                      struct error *err)
{
    const char *places[] = {restore->manifest.keys, restore->manifest.mirror};
    if (given)
        restore->keys_fd = openat(working_directory_fd, given, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; !given && restore->keys_fd < 0 && i < 2; i++)
        if (places[i][0] == '/')
            restore->keys_fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return restore->keys_fd >= 0 ||
           error_set(err, ERROR_REFUSED, (struct error_place){.source = given ? given
                                                              : restore->manifest.keys},
                     "--keys DIR: the directory of the keys, or their mirror",
                     "a backup holds no keys, and they are not where they lay");
}

static bool verify_mac(struct restore *restore, struct slice manifest, struct error *err)
{
    struct buffer text;
    unsigned char mac[BACKUP_MAC_BYTES];
    char hex[2 * BACKUP_MAC_BYTES + 1];
    buffer_init(&text, 256);
    bool done = file_read_whole(restore->from_fd, "backup.mac", &text, err);
    backup_mac(manifest, restore->key, mac);
    text_to_hex(mac, sizeof mac, hex);
    struct slice stored = slice_trim(buffer_slice(&text));
    bool same = done && stored.length == strlen(hex) &&
                sodium_memcmp(stored.data, hex, stored.length) == 0;
    buffer_release(&text);
    return done && (same || error_set(err, ERROR_CORRUPT,
                                      (struct error_place){.source = "backup.json"},
                                      "the manifest as it was written",
                                      "the manifest does not verify"));
}

static bool verify_files(struct restore *restore, struct error *err)
{
    for (size_t i = 0; i < restore->manifest.file_count; i++) {
        const struct backup_file *file = &restore->manifest.files[i];
        unsigned char digest[32];
        int64_t bytes;
        if (!file_digest(restore->from_fd, file->path, digest, &bytes, err))
            return false;
        if (bytes != file->bytes || memcmp(digest, file->digest, sizeof digest) != 0)
            return error_set(err, ERROR_CORRUPT, (struct error_place){.source = file->path},
                             "the file as it was written", "the file does not verify");
        restore->bytes += bytes;
    }
    return true;
}

static bool verify(struct restore *restore, int working_directory_fd, const char *keys_path,
                   struct error *err)
{
    struct buffer text;
    buffer_init(&text, 512 << 20);
    bool done = file_read_whole(restore->from_fd, "backup.json", &text, err) &&
                backup_manifest_parse(buffer_slice(&text), &restore->manifest, err) &&
                open_keys(restore, working_directory_fd, keys_path, err) &&
                keys_peek(restore->keys_fd, restore->manifest.id, restore->key, err) &&
                verify_mac(restore, buffer_slice(&text), err) && verify_files(restore, err);
    buffer_release(&text);
    return done;
}

/* ---- Writing */

static bool write_file(struct restore *restore, int to_directory, const struct backup_file *file,
                       struct error *err)
{
    bool sealed = strcmp(file->path, "city.db.sealed") == 0;
    const char *path = sealed ? "city.db" : file->path;
    int from = openat(restore->from_fd, file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0)
        return error_set_errno(err, file->path, "open");
    int to = -1;
    bool done = make_parents(to_directory, path, err);
    if (done && (to = openat(to_directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                             0600)) < 0)
        done = error_set_errno(err, path, "create");
    done = done && (sealed ? unseal_file(from, to, restore->key, path, err)
                           : copy_bytes(from, to, (uint64_t)file->bytes, path, err)) &&
           file_sync(to, path, err);
    if (to >= 0)
        close(to);
    close(from);
    return done;
}

static bool audit_restore(struct sql *sql, void *context, struct error *err)
{
    struct store *store = context;
    struct audit_entry entry = {.actor = SLICE("command line"), .act = SLICE("restore")};
    return audit_append(sql, &entry, world_now(store_world(store)), err);
}

/* Opens it once: missing migrations run, forgotten days go, and only then it is finished. */
static bool finish(const char *directory, int64_t *ret_first, int64_t *ret_last,
                   struct error *err)
{
    struct world world;
    struct store *store;
    struct presence *presence = NULL;
    struct presence_options options = {.background = false};
    int32_t first = 0, last = 0;
    world_init(&world);
    if (!store_open_unfinished(directory, &world, &store, err))
        return false;
    bool done = presence_open(store, &options, &presence, err);
    struct presence_view *view;
    if (done && (done = presence_view_begin(presence, &view, err))) {
        (void)presence_day_range(view, &first, &last);
        presence_view_end(view);
    }
    done = done && store_write(store, audit_restore, store, err);
    presence_close(presence);
    done = done && store_finish(store, err);
    store_close(store);
    *ret_first = first;
    *ret_last = last;
    return done;
}

static bool write_all(struct restore *restore, const char *directory, struct buffer *summary,
                      struct error *err)
{
    int fd;
    int64_t first = 0, last = 0;
    char dates[2][TIME_TEXT_BYTES];
    if (!store_prepare(directory, &fd, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < restore->manifest.file_count; i++)
        done = write_file(restore, fd, &restore->manifest.files[i], err);
    done = done && keys_adopt(restore->keys_fd, fd, err) && finish(directory, &first, &last, err);
    close(fd);
    if (done)
        buffer_print(summary,
                     "{\"backup\":\"%s\",\"files\":%zu,\"bytes\":%lld,\"first_day\":\"%s\","
                     "\"last_day\":\"%s\"}",
                     restore->manifest.id, restore->manifest.file_count, (long long)restore->bytes,
                     time_format_date((int32_t)first, dates[0]),
                     time_format_date((int32_t)last, dates[1]));
    return done;
}

bool restore_run(const char *directory, int working_directory_fd, const char *from,
                 const char *keys_path, struct buffer *summary, struct error *err)
{
    struct restore *restore = x_alloc(1, sizeof *restore);
    restore->keys_fd = -1;
    restore->from_fd = openat(working_directory_fd, from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = restore->from_fd >= 0 || error_set_errno(err, from, "open the backup at");
    done = done && verify(restore, working_directory_fd, keys_path, err) &&
           write_all(restore, directory, summary, err);
    if (restore->from_fd >= 0)
        close(restore->from_fd);
    if (restore->keys_fd >= 0)
        close(restore->keys_fd);
    sodium_memzero(restore->key, sizeof restore->key);
    backup_manifest_release(&restore->manifest);
    free(restore);
    return done;
}
