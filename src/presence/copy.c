/* A consistent copy of the store for backups: manifest, log, segments of one instant.
 *
 * The log is handed out under maintenance_lock (only maintenance removes its files), each file up
 * to what a sync had covered. Segments never change and are mapped as long as their catalog is
 * held: they are handed out after the lock was given back, also where a merge removes their names
 * meanwhile. */
#include <stdlib.h>

#include "presence/presence_internal.h"

typedef bool taker(void *context, const struct presence_file *file, struct error *err);

struct log_copy {
    char name[SEGMENT_NAME_BYTES + 8];
    int fd;
    uint64_t bytes;
};

/* The durable part of the log as it is now; *ret_count files. The list is the caller's. */
static struct log_copy *durable_log(struct presence *presence, size_t *ret_count)
{
    pthread_mutex_lock(&presence->log_lock);
    const struct scan_log *log = &presence->log;
    struct log_copy *files = x_alloc(log->durable_files + 1, sizeof *files);
    for (size_t i = 0; i < log->durable_files; i++) {
        snprintf(files[i].name, sizeof files[i].name, "log/%s", log->files[i].name);
        files[i].fd = log->files[i].fd;
        files[i].bytes = i + 1 == log->durable_files ? log->durable_bytes : log->files[i].bytes;
    }
    *ret_count = log->durable_files;
    pthread_mutex_unlock(&presence->log_lock);
    return files;
}

static bool copy_log(struct presence *presence, taker *take, void *context, struct error *err)
{
    size_t count;
    bool done = true;
    struct log_copy *files = durable_log(presence, &count);
    for (size_t i = 0; done && i < count; i++)
        done = take(context,
                    &(struct presence_file){
                        .name = files[i].name, .fd = files[i].fd, .length = files[i].bytes},
                    err);
    free(files);
    return done;
}

static bool copy_half(const struct segment_file *file, taker *take, void *context,
                      struct error *err)
{
    return take(context,
                &(struct presence_file){.name = file->name, .bytes = file->map, .fd = -1,
                                        .length = file->map_bytes, .immutable = true},
                err);
}

static bool copy_catalog(const struct catalog *catalog, taker *take, void *context,
                         struct error *err)
{
    struct buffer bytes;
    catalog_manifest(catalog, &bytes);
    REQUIRE(!bytes.overflow); /* it was written once */
    bool done = take(context,
                     &(struct presence_file){.name = "manifest", .bytes = bytes.data, .fd = -1,
                                             .length = bytes.length},
                     err);
    buffer_release(&bytes);
    for (size_t d = 0; d < catalog->day_count; d++)
        for (size_t s = 0; s < catalog->days[d].segment_count; s++) {
            const struct segment *segment = catalog->days[d].segments[s];
            done = done && copy_half(&segment->venue, take, context, err) &&
                   copy_half(&segment->person, take, context, err);
        }
    return done;
}

bool presence_copy(struct presence *presence, taker *take, void *context, struct error *err)
{
    pthread_mutex_lock(&presence->maintenance_lock);
    pthread_mutex_lock(&presence->lock);
    struct catalog *catalog = presence->catalog;
    atomic_fetch_add(&catalog->references, 1);
    pthread_mutex_unlock(&presence->lock);
    bool done = copy_log(presence, take, context, err);
    pthread_mutex_unlock(&presence->maintenance_lock);
    done = done && copy_catalog(catalog, take, context, err);
    catalog_unref(catalog);
    return done;
}
