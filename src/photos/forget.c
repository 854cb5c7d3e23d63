/* What goes: photos that no loop names, files that no row knows.
 *
 * The row goes first, and with it the key; the file after the commit. A crash between the two
 * leaves a file that nobody can read, as a crash while one is taken does: the first run of the
 * next server sweeps both, an hour after its start. It looks at files of an hour and older alone,
 * so that one which is being taken is never met. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "photos/photos_internal.h"

static const struct sql_text old_photos = {
    "photo_old",
    "SELECT photo_no, file FROM photo WHERE unnamed_at <= ?1 ORDER BY unnamed_at, photo_no"
    " LIMIT ?2",
    "photo_unnamed"};
static const struct sql_text forget_photo = {
    "photo_forget", "DELETE FROM photo WHERE photo_no = ?1", "primary key"};
static const struct sql_text forget_senders = {
    "photo_forget_senders", "DELETE FROM photo_sender WHERE photo_no = ?1", "primary key"};
static const struct sql_text known_file = {
    "photo_known_file", "SELECT photo_no FROM photo WHERE file = ?1", "photo_by_file"};

const struct sql_list photo_forget_statements =
    SQL_LIST(&old_photos, &forget_photo, &forget_senders, &known_file);

enum { PHOTOS_A_JOB = 200, JOBS_A_RUN = 500 };

struct forgetting {
    const struct photos *photos;
    unsigned char files[PHOTOS_A_JOB][PHOTO_NAME_BYTES];
    int64_t numbers[PHOTOS_A_JOB];
    size_t count;
};

static bool forget_job(struct sql *sql, void *context, struct error *err)
{
    struct forgetting *forgetting = context;
    struct sql_query *query;
    timestamp border = sql_now(sql) - forgetting->photos->unnamed_hours * HOUR;
    bool row, done = sql_begin(sql, &old_photos,
                               SQL_ARGUMENTS(sql_int(border), sql_int(PHOTOS_A_JOB)), &query, err);
    forgetting->count = 0;
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice file = sql_get_blob(query, 1);
        unsigned char *name = forgetting->files[forgetting->count];
        forgetting->numbers[forgetting->count++] = sql_get_int(query, 0);
        memset(name, 0, PHOTO_NAME_BYTES); /* of a damaged row: a file that is not there */
        if (file.length == PHOTO_NAME_BYTES)
            memcpy(name, file.data, PHOTO_NAME_BYTES);
    }
    for (size_t i = 0; done && i < forgetting->count; i++)
        done = sql_run(sql, &forget_senders, SQL_ARGUMENTS(sql_int(forgetting->numbers[i])), err) &&
               sql_run(sql, &forget_photo, SQL_ARGUMENTS(sql_int(forgetting->numbers[i])), err);
    return done;
}

static bool forget_rows(struct photos *photos, int64_t *ret_count, struct error *err)
{
    struct forgetting *forgetting = x_alloc(1, sizeof *forgetting);
    bool done = true;
    forgetting->photos = photos;
    for (int job = 0; done && job < JOBS_A_RUN; job++) {
        done = store_write(photos->platform->store, forget_job, forgetting, err) &&
               fault_at(FAULT_POINT_after_photo_forgotten, err);
        for (size_t i = 0; done && i < forgetting->count; i++)
            done = photo_remove_file(photos, forgetting->files[i], err);
        if (!done)
            atomic_store(&photos->leftovers, true);
        *ret_count += done ? (int64_t)forgetting->count : 0;
        if (forgetting->count < PHOTOS_A_JOB)
            break;
    }
    free(forgetting);
    return done;
}

/* ---- Files without a row */

static bool is_known(struct sql *sql, const char *name, bool *ret_known, struct error *err)
{
    unsigned char file[PHOTO_NAME_BYTES];
    int64_t no = 0;
    unsigned value;
    *ret_known = false;
    if (strlen(name) != 2 * sizeof file)
        return true; /* written aside and left there */
    for (size_t i = 0; i < sizeof file; i++) {
        if (sscanf(name + 2 * i, "%2x", &value) != 1)
            return true;
        file[i] = (unsigned char)value;
    }
    if (!sql_one_int(sql, &known_file, SQL_ARGUMENTS(sql_blob(photo_bytes(file, sizeof file))), 0,
                     &no, err))
        return false;
    *ret_known = no != 0;
    return true;
}

static bool sweep_file(struct sql *sql, int folder, const char *name, timestamp before,
                       struct error *err)
{
    struct stat status;
    bool known;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || error_set_errno(err, name, "look at");
    if (!S_ISREG(status.st_mode) || status.st_mtime * SECOND > before)
        return true;
    if (!is_known(sql, name, &known, err))
        return false;
    return known || unlinkat(folder, name, 0) == 0 || errno == ENOENT ||
           error_set_errno(err, name, "remove");
}

static bool sweep_folder(struct photos *photos, struct sql *sql, int number, timestamp before,
                         struct error *err)
{
    char path[PHOTO_PATH_BYTES];
    struct dirent *entry;
    bool done = true;
    snprintf(path, sizeof path, "photos/%02x", (unsigned)number);
    int fd = openat(store_directory_fd(photos->platform->store), path,
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory)
        return errno == ENOENT || error_set_errno(err, path, "read");
    while (done && (entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            done = sweep_file(sql, fd, entry->d_name, before, err);
    closedir(directory);
    return done;
}

static bool sweep(struct photos *photos, struct error *err)
{
    struct store *store = photos->platform->store;
    timestamp before = world_real_now() - HOUR;
    bool done = true;
    if (!atomic_exchange(&photos->leftovers, false))
        return true;
    for (int number = 0; done && number < 256; number++) {
        struct sql *sql; /* a snapshot a folder: what is younger than an hour is not looked at */
        done = store_read_begin(store, &sql, err);
        if (!done)
            break;
        done = sweep_folder(photos, sql, number, before, err);
        store_read_end(store, sql);
    }
    if (!done)
        atomic_store(&photos->leftovers, true);
    return done;
}

bool photos_forget(struct photos *photos, int64_t *ret_count, struct error *err)
{
    *ret_count = 0;
    pthread_mutex_lock(&photos->removing);
    bool done = forget_rows(photos, ret_count, err) && sweep(photos, err);
    pthread_mutex_unlock(&photos->removing);
    return done;
}

void photos_hold(struct photos *photos)
{
    pthread_mutex_lock(&photos->removing);
}

void photos_release(struct photos *photos)
{
    pthread_mutex_unlock(&photos->removing);
}

bool photos_destroy(struct photos *photos, struct error *err)
{
    pthread_mutex_lock(&photos->removing);
    int fd = store_directory_fd(photos->platform->store);
    bool done = file_remove_tree(fd, "photos", err) && file_sync_directory(fd, ".", err);
    pthread_mutex_unlock(&photos->removing);
    return done;
}
