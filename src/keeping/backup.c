/* `backup DIR`: a consistent set of a city that goes on, without any key.
 *
 * Order: presence first, then the database, so that whoever is met in a check-in is known; then
 * photos, of which none that a row names goes meanwhile. The manifest is written last: a set
 * without one is none. Segments and photos are linked where the disk is the same. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"
#include "photos/photos.h"

struct backup {
    struct keeping *keeping;
    struct platform *platform;
    int fd;           /* of the set */
    int source_fd;    /* of the data directory */
    struct backup_manifest manifest;
    size_t capacity;
    int64_t bytes, linked;
    unsigned char key[KEY_BYTES];
};

/* Takes a written file into the manifest. */
static bool note_file(struct backup *backup, const char *path, struct error *err)
{
    struct backup_manifest *manifest = &backup->manifest;
    if (manifest->file_count == BACKUP_FILES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = path}, NULL,
                         "too many files");
    if (!backup_path_is_plain(slice_of(path)))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = path},
                         "letters, digits and -_. in the names of policies and scenes",
                         "this file's name could not be restored");
    if (manifest->file_count == backup->capacity) {
        backup->capacity = backup->capacity ? backup->capacity * 2 : 256;
        manifest->files = x_realloc(manifest->files, backup->capacity * sizeof *manifest->files);
    }
    struct backup_file *file = &manifest->files[manifest->file_count++];
    memset(file, 0, sizeof *file);
    snprintf(file->path, sizeof file->path, "%s", path);
    bool done = file_digest(backup->fd, path, file->digest, &file->bytes, err);
    backup->bytes += file->bytes;
    return done;
}

static bool create(struct backup *backup, const char *path, int *ret_fd, struct error *err)
{
    if (!make_parents(backup->fd, path, err))
        return false;
    *ret_fd = openat(backup->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *ret_fd >= 0 || error_set_errno(err, path, "create");
}

/* ---- Presence */

static bool take_presence(void *context, const struct presence_file *file, struct error *err)
{
    struct backup *backup = context;
    char path[BACKUP_PATH_BYTES];
    int fd;
    snprintf(path, sizeof path, "presence/%s", file->name);
    if (!make_parents(backup->fd, path, err))
        return false;
    if (file->immutable && linkat(backup->source_fd, path, backup->fd, path, 0) == 0) {
        backup->linked++;
        return note_file(backup, path, err);
    }
    if (!create(backup, path, &fd, err))
        return false;
    bool done = file->bytes ? file_write_all(fd, file->bytes, file->length, path, err)
                            : copy_bytes(file->fd, fd, file->length, path, err);
    done = done && file_sync(fd, path, err);
    close(fd);
    return done && note_file(backup, path, err);
}

/* ---- The database */

static bool seal_copy(struct backup *backup, const char *copy, struct error *err)
{
    static const char path[] = "city.db.sealed";
    int to, from = openat(backup->source_fd, copy, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set_errno(err, copy, "open");
    bool done = create(backup, path, &to, err);
    if (done) {
        done = seal_file(from, to, backup->key, path, err) && file_sync(to, path, err);
        close(to);
    }
    close(from);
    return done && note_file(backup, path, err);
}

/* The copy lies beside the database for a moment, where the database's own rules guard it. */
static bool take_database(struct backup *backup, struct error *err)
{
    static const char copy[] = "backup.db";
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", store_directory(backup->platform->store), copy);
    if (unlinkat(backup->source_fd, copy, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, copy, "remove");
    /* an empty file is written into as it is: its mode is ours */
    int fd = openat(backup->source_fd, copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, copy, "create");
    close(fd);
    bool done = store_copy_database(backup->platform->store, path, err);
    done = done && seal_copy(backup, copy, err);
    unlinkat(backup->source_fd, copy, 0);
    return done;
}

/* ---- What is not about persons */

static bool take_plain(struct backup *backup, const char *path, struct error *err)
{
    struct stat status;
    int to, from = openat(backup->source_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0 || fstat(from, &status) != 0)
        return error_set_errno(err, path, "open");
    bool done = create(backup, path, &to, err);
    if (done) {
        done = copy_bytes(from, to, (uint64_t)status.st_size, path, err) &&
               file_sync(to, path, err);
        close(to);
    }
    close(from);
    return done && note_file(backup, path, err);
}

/* A photo never changes. One that is being taken, or was sent twice at once, may go before it is
 * copied: no row of this set names it. */
static bool take_photo(struct backup *backup, const char *path, struct error *err)
{
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".new") == 0)
        return true;
    if (!make_parents(backup->fd, path, err))
        return false;
    if (linkat(backup->source_fd, path, backup->fd, path, 0) == 0) {
        backup->linked++;
        return note_file(backup, path, err);
    }
    return errno == ENOENT || take_plain(backup, path, err);
}

enum { FOLDER_DEPTH_MAX = 4 };
typedef bool take_file(struct backup *backup, const char *path, struct error *err);

static bool take_folder(struct backup *backup, const char *folder, int depth, take_file *take,
                        struct error *err)
{
    int fd = openat(backup->source_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    struct stat status;
    bool done = true;
    if (!directory)
        return errno == ENOENT || error_set_errno(err, folder, "read");
    while (done && (entry = readdir(directory))) {
        char path[BACKUP_PATH_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = entry->d_name},
                             NULL, "the name is too long");
        else if (fstatat(backup->source_fd, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
            done = (take == take_photo && errno == ENOENT) || error_set_errno(err, path, "look at");
        else if (S_ISREG(status.st_mode))
            done = take(backup, path, err);
        else if (S_ISDIR(status.st_mode) && depth < FOLDER_DEPTH_MAX)
            done = take_folder(backup, path, depth + 1, take, err);
    }
    closedir(directory);
    return done;
}

static bool take_rows_and_photos(struct backup *backup, struct error *err)
{
    photos_hold(backup->platform->photos);
    bool done = take_database(backup, err) && take_folder(backup, "photos", 0, take_photo, err);
    photos_release(backup->platform->photos);
    return done;
}

/* ---- The whole */

static bool open_target(int working_directory_fd, const char *path, int *ret_fd,
                        struct error *err)
{
    struct dirent *entry;
    bool empty = true;
    if (mkdirat(working_directory_fd, path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, path, "create");
    int fd = openat(working_directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int again = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = again < 0 ? NULL : fdopendir(again);
    if (!directory)
        return error_set_errno(err, path, "open");
    while ((entry = readdir(directory)))
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    if (!empty) {
        close(fd);
        return error_set(err, ERROR_REFUSED, (struct error_place){.source = path},
                         "a new or empty directory", "the directory is not empty");
    }
    *ret_fd = fd;
    return true;
}

static void name_backup(struct backup *backup)
{
    struct backup_manifest *manifest = &backup->manifest;
    unsigned char random[4];
    char text[TIME_TEXT_BYTES], hex[9];
    manifest->made_at = world_real_now() / SECOND * SECOND;
    manifest->city_time = world_now(backup->platform->world) / SECOND * SECOND;
    time_format(manifest->city_time, text);
    world_random_bytes(random, sizeof random);
    text_to_hex(random, sizeof random, hex);
    snprintf(manifest->id, sizeof manifest->id, "backup-%.4s%.2s%.2st%.2s%.2s%.2s-%s", text,
             text + 5, text + 8, text + 11, text + 14, text + 17, hex);
    snprintf(manifest->version, sizeof manifest->version, "%s", CHENGMAI_VERSION);
    snprintf(manifest->keys, sizeof manifest->keys, "%s/keys",
             store_directory(backup->platform->store));
}

static bool name_mirror(struct backup *backup, struct error *err)
{
    struct buffer mirror;
    buffer_init(&mirror, sizeof backup->manifest.mirror - 1);
    bool done = keys_mirror(store_keys(backup->platform->store), &mirror, err);
    if (done && mirror.length)
        snprintf(backup->manifest.mirror, sizeof backup->manifest.mirror, "%s", mirror.data);
    buffer_release(&mirror);
    return done;
}

static bool write_manifest(struct backup *backup, struct error *err)
{
    struct buffer text;
    unsigned char mac[BACKUP_MAC_BYTES];
    char hex[2 * BACKUP_MAC_BYTES + 1];
    buffer_init(&text, 512 << 20);
    backup_manifest_write(&backup->manifest, &text);
    backup_mac(buffer_slice(&text), backup->key, mac);
    text_to_hex(mac, sizeof mac, hex);
    bool done = !text.overflow || error_set(err, ERROR_TOO_LARGE, (struct error_place){0}, NULL,
                                            "the manifest is too large");
    if (done && syncfs(backup->fd) != 0)
        done = error_set_errno(err, "backup", "sync");
    done = done && file_replace(backup->fd, "backup.mac", hex, strlen(hex), err) &&
           file_replace(backup->fd, "backup.json", text.data, text.length, err);
    buffer_release(&text);
    return done;
}

static bool audit_backup(struct sql *sql, void *context, struct error *err)
{
    const struct backup *backup = context;
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = SLICE("backup"),
                                .fields = slice_of(backup->manifest.id)};
    return audit_append(sql, &entry, world_now(backup->platform->world), err);
}

/* Under `acting`. */
static bool make(struct backup *backup, struct error *err)
{
    struct platform *platform = backup->platform;
    name_backup(backup);
    return name_mirror(backup, err) && presence_fold(platform->presence, err) &&
           keys_named(store_keys(platform->store), backup->manifest.id, true, backup->key, err) &&
           presence_copy(platform->presence, take_presence, backup, err) &&
           take_rows_and_photos(backup, err) && take_plain(backup, "city", err) &&
           take_folder(backup, "policies", 0, take_plain, err) &&
           take_folder(backup, "scenes", 0, take_plain, err) &&
           keys_mirror_sync(store_keys(platform->store), err) && write_manifest(backup, err) &&
           store_write(platform->store, audit_backup, backup, err);
}

bool backup_run(struct keeping *keeping, int working_directory_fd, const char *path,
                struct buffer *summary, struct error *err)
{
    struct backup *backup = x_alloc(1, sizeof *backup);
    double begun = world_elapsed_seconds();
    backup->keeping = keeping;
    backup->platform = keeping->platform;
    backup->source_fd = store_directory_fd(keeping->platform->store);
    backup->fd = -1;
    bool done = store_refuse_sunset(keeping->platform->store, err) &&
                open_target(working_directory_fd, path, &backup->fd, err);
    if (done) {
        pthread_mutex_lock(&keeping->acting);
        done = make(backup, err);
        pthread_mutex_unlock(&keeping->acting);
        close(backup->fd);
    }
    if (done)
        buffer_print(summary,
                     "{\"backup\":\"%s\",\"files\":%zu,\"bytes\":%lld,\"linked\":%lld,"
                     "\"seconds\":%.3f}",
                     backup->manifest.id, backup->manifest.file_count, (long long)backup->bytes,
                     (long long)backup->linked, world_elapsed_seconds() - begun);
    sodium_memzero(backup->key, sizeof backup->key);
    backup_manifest_release(&backup->manifest);
    free(backup);
    return done;
}
