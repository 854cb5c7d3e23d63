/* The catalog of live segments and its file, the manifest.
 *
 * The manifest is small (32 bytes a segment) and always replaced as a whole: written aside, synced,
 * renamed. That rename is the one moment at which a fold, a merge, an import, an undo or a drop
 * becomes true.
 *
 *   manifest = header 40 B │ segments, 32 B each │ dropped days, 4 B each │ CRC32C
 *
 * Words. A catalog is *shown* while presence->catalog points to it; views hold older ones.
 *
 * Invariants.
 *  1 A catalog never changes; a change is a new catalog.
 *  2 The manifest is written before its catalog is shown, so that what was ever seen is on disk.
 *  3 Days ascend, none is empty, its rows are those of its segments.
 *  4 A dropped day has no segment.
 *  5 The folded position and next_segment never go back.
 *
 *   shown ─catalog_changed─► prepared ─manifest_write─► on disk ─lock─► shown (the old one lives as
 *                               └ failed: thrown away                         long as its views) */
#include <dirent.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/presence_internal.h"

struct manifest_header {
    char magic[8];
    uint32_t version;
    uint32_t segment_count;
    uint32_t dropped_count;
    int32_t folded_day;
    uint64_t folded_ordinal;
    uint64_t next_segment;
};
_Static_assert(sizeof(struct manifest_header) == 40, "the manifest's header is 40 bytes");
struct manifest_segment {
    uint64_t id;
    int64_t rows;
    int64_t bytes;
    int32_t day;
    uint32_t zero;
};
_Static_assert(sizeof(struct manifest_segment) == 32, "a manifest entry is 32 bytes");

enum { MANIFEST_BYTES_MAX = 64 << 20 };

static void day_folder(int32_t day, char out[SEGMENT_NAME_BYTES])
{
    char date[TIME_TEXT_BYTES];
    snprintf(out, SEGMENT_NAME_BYTES, "day-%s", time_format_date(day, date));
}

void segment_path(uint64_t id, int32_t day, enum segment_order order, char out[SEGMENT_NAME_BYTES])
{
    char folder[SEGMENT_NAME_BYTES];
    day_folder(day, folder);
    snprintf(out, SEGMENT_NAME_BYTES, "%.20s/segment-%010llx.%s", folder, (unsigned long long)id,
             order == ORDER_VENUE ? "venue" : "person");
}

/* ---- Segments */

bool segment_open(struct presence *presence, uint64_t id, int32_t day, int64_t rows,
                  struct segment **ret_segment, struct error *err)
{
    unsigned char key[KEY_BYTES];
    if (!keys_day(presence->keys, day, false, key, err))
        return false;
    struct segment *segment = x_alloc(1, sizeof *segment);
    segment->id = id;
    segment->day = day;
    segment->rows = rows;
    atomic_init(&segment->references, 1);
    char name[SEGMENT_NAME_BYTES];
    segment_path(id, day, ORDER_VENUE, name);
    bool done = segment_file_open(presence->directory_fd, name, ORDER_VENUE, day, key,
                                  &segment->venue, err);
    segment_path(id, day, ORDER_PERSON, name);
    done = done && segment_file_open(presence->directory_fd, name, ORDER_PERSON, day, key,
                                     &segment->person, err);
    OPENSSL_cleanse(key, sizeof key);
    if (done && (segment->venue.row_count != (uint64_t)rows ||
                 segment->person.row_count != (uint64_t)rows))
        done = error_set(err, ERROR_CORRUPT, (struct error_place){.source = name},
                         "as many rows as the manifest says", "the halves hold %llu and %llu rows",
                         (unsigned long long)segment->venue.row_count,
                         (unsigned long long)segment->person.row_count);
    segment->bytes = (int64_t)(segment->venue.map_bytes + segment->person.map_bytes);
    if (!done) {
        segment_unref(segment);
        return false;
    }
    *ret_segment = segment;
    return true;
}

void segment_unref(struct segment *segment)
{
    if (!segment || atomic_fetch_sub(&segment->references, 1) != 1)
        return;
    segment_file_close(&segment->venue);
    segment_file_close(&segment->person);
    free(segment);
}

/* ---- Catalogs */

const struct catalog_day *catalog_find(const struct catalog *catalog, int32_t day)
{
    size_t low = 0, high = catalog->day_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (catalog->days[middle].day == day)
            return &catalog->days[middle];
        if (catalog->days[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool catalog_dropped(const struct catalog *catalog, int32_t day)
{
    for (size_t i = 0; i < catalog->dropped_count; i++)
        if (catalog->dropped[i] == day)
            return true;
    return false;
}

void catalog_unref(struct catalog *catalog)
{
    if (!catalog || atomic_fetch_sub(&catalog->references, 1) != 1)
        return;
    for (size_t i = 0; i < catalog->day_count; i++) {
        for (size_t k = 0; k < catalog->days[i].segment_count; k++)
            segment_unref(catalog->days[i].segments[k]);
        free(catalog->days[i].segments);
    }
    free(catalog->days);
    free(catalog->dropped);
    free(catalog);
}

static int compare_segments(const void *a, const void *b)
{
    const struct segment *x = *(struct segment *const *)a, *y = *(struct segment *const *)b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* A catalog of the given segments (sorted here; references pass over). */
static struct catalog *catalog_create(struct segment **segments, size_t count)
{
    struct catalog *catalog = x_alloc(1, sizeof *catalog);
    atomic_init(&catalog->references, 1);
    if (count)
        qsort(segments, count, sizeof *segments, compare_segments);
    catalog->days = x_alloc(count, sizeof *catalog->days);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && segments[end]->day == segments[i]->day)
            end++;
        struct catalog_day *day = &catalog->days[catalog->day_count++];
        day->day = segments[i]->day;
        day->segment_count = end - i;
        day->segments = x_alloc(end - i, sizeof *day->segments);
        for (; i < end; i++) {
            day->segments[i - (end - day->segment_count)] = segments[i];
            day->rows += segments[i]->rows;
        }
    }
    return catalog;
}

static void catalog_assert_state(const struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->day_count; i++) {
        const struct catalog_day *day = &catalog->days[i];
        int64_t rows = 0;
        for (size_t k = 0; k < day->segment_count; k++) {
            REQUIRE(day->segments[k]->day == day->day &&
                    day->segments[k]->id < catalog->next_segment);
            rows += day->segments[k]->rows;
        }
        REQUIRE(day->segment_count && rows == day->rows && !catalog_dropped(catalog, day->day));
        REQUIRE(i == 0 || catalog->days[i - 1].day < day->day);
    }
    for (size_t i = 1; i < catalog->dropped_count; i++)
        REQUIRE(catalog->dropped[i - 1] < catalog->dropped[i]);
}

static int compare_days(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* ---- The manifest */

void catalog_manifest(const struct catalog *catalog, struct buffer *bytes)
{
    buffer_init(bytes, MANIFEST_BYTES_MAX);
    struct manifest_header header = {.magic = {'C', 'M', 'M', 'A', 'N', 'I', 'F', '1'},
                                     .version = 1,
                                     .dropped_count = (uint32_t)catalog->dropped_count,
                                     .folded_day = catalog->folded.day,
                                     .folded_ordinal = catalog->folded.ordinal,
                                     .next_segment = catalog->next_segment};
    for (size_t i = 0; i < catalog->day_count; i++)
        header.segment_count += (uint32_t)catalog->days[i].segment_count;
    buffer_append(bytes, &header, sizeof header);
    for (size_t i = 0; i < catalog->day_count; i++)
        for (size_t k = 0; k < catalog->days[i].segment_count; k++) {
            const struct segment *segment = catalog->days[i].segments[k];
            struct manifest_segment entry = {.id = segment->id, .rows = segment->rows,
                                             .bytes = segment->bytes, .day = segment->day};
            buffer_append(bytes, &entry, sizeof entry);
        }
    buffer_append(bytes, catalog->dropped, catalog->dropped_count * sizeof *catalog->dropped);
    uint32_t crc = hash_crc32c(0, bytes->data, bytes->length);
    buffer_append(bytes, &crc, sizeof crc);
}

static bool manifest_write(struct presence *presence, const struct catalog *catalog,
                           struct error *err)
{
    struct buffer bytes;
    catalog_manifest(catalog, &bytes);
    bool done = !bytes.overflow
                    ? true
                    : error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "manifest"},
                                "at most 2 million segments", "the manifest is too large");
    done = done && fault_at(FAULT_POINT_before_manifest_rename, err) &&
           file_replace(presence->directory_fd, "manifest", bytes.data, bytes.length, err);
    buffer_release(&bytes);
    return done;
}

struct day_list {
    int32_t *days; /* ascending */
    size_t count;
};

static void add_day(struct day_list *list, int32_t day)
{
    if (list->count && bsearch(&day, list->days, list->count, sizeof day, compare_days))
        return;
    list->days[list->count++] = day;
    qsort(list->days, list->count, sizeof day, compare_days);
}

/* Opens what a manifest names. A day whose key was destroyed is a dropped day, also where the
 * manifest does not know it yet: it comes from a backup that was made before the drop. */
static bool open_segments(struct presence *presence, const char *entries, size_t count,
                          struct segment **segments, size_t *ret_opened,
                          struct day_list *dropped, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct manifest_segment entry;
        memcpy(&entry, entries + i * sizeof entry, sizeof entry);
        bool opened = segment_open(presence, entry.id, entry.day, entry.rows,
                                   &segments[*ret_opened], err);
        *ret_opened += opened;
        if (!opened && err->code != ERROR_GONE)
            return false;
        if (!opened)
            add_day(dropped, entry.day);
    }
    return true;
}

static bool manifest_parse(struct presence *presence, struct slice bytes, struct error *err)
{
    struct error_place place = {.source = "presence/manifest"};
    struct manifest_header header;
    uint32_t crc;
    if (bytes.length < sizeof header + sizeof crc)
        return error_set(err, ERROR_CORRUPT, place, "a whole manifest", "the file is too short");
    memcpy(&header, bytes.data, sizeof header);
    memcpy(&crc, bytes.data + bytes.length - sizeof crc, sizeof crc);
    size_t expected = sizeof header + header.segment_count * sizeof(struct manifest_segment) +
                      header.dropped_count * sizeof(int32_t) + sizeof crc;
    if (memcmp(header.magic, "CMMANIF1", 8) != 0 || header.version != 1 ||
        expected != bytes.length || crc != hash_crc32c(0, bytes.data, bytes.length - sizeof crc))
        return error_set(err, ERROR_CORRUPT, place, "an undamaged manifest",
                         "the manifest does not verify");
    const char *entries = bytes.data + sizeof header;
    struct segment **segments = x_alloc(header.segment_count, sizeof *segments);
    struct day_list dropped = {
        .days = x_alloc(header.dropped_count + header.segment_count, sizeof *dropped.days),
        .count = header.dropped_count};
    if (header.dropped_count)
        memcpy(dropped.days, entries + header.segment_count * sizeof(struct manifest_segment),
               header.dropped_count * sizeof(int32_t));
    size_t opened = 0;
    bool done = open_segments(presence, entries, header.segment_count, segments, &opened, &dropped,
                              err);
    if (!done)
        while (opened)
            segment_unref(segments[--opened]);
    if (done) {
        struct catalog *catalog = catalog_create(segments, opened);
        catalog->dropped_count = dropped.count;
        catalog->dropped = dropped.days;
        dropped.days = NULL;
        catalog->folded = (struct scan_event_id){header.folded_day, header.folded_ordinal};
        catalog->next_segment = header.next_segment;
        presence->catalog = catalog;
        presence->next_segment = header.next_segment;
    }
    free(dropped.days);
    free(segments);
    return done;
}

static bool named(const struct catalog_day *day, const char *name)
{
    for (size_t i = 0; day && i < day->segment_count; i++)
        for (int order = ORDER_VENUE; order <= ORDER_PERSON; order++) {
            char path[SEGMENT_NAME_BYTES];
            segment_path(day->segments[i]->id, day->day, (enum segment_order)order, path);
            if (strcmp(strchr(path, '/') + 1, name) == 0)
                return true;
        }
    return false;
}

/* Removes files of one day's folder that no live segment names. */
static bool sweep_day(struct presence *presence, const char *folder, int32_t day,
                      struct error *err)
{
    const struct catalog_day *live = catalog_find(presence->catalog, day);
    if (!live)
        return file_remove_tree(presence->directory_fd, folder, err);
    int fd = openat(presence->directory_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory)
        return error_set_errno(err, folder, "read");
    bool done = true;
    struct dirent *entry;
    while (done && (entry = readdir(directory)))
        if (strncmp(entry->d_name, "segment-", 8) == 0 && !named(live, entry->d_name))
            done = file_remove_tree(dirfd(directory), entry->d_name, err);
    closedir(directory);
    return done;
}

static bool sweep(struct presence *presence, struct error *err)
{
    int fd = openat(presence->directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory)
        return error_set_errno(err, "presence", "read");
    bool done = true;
    struct dirent *entry;
    while (done && (entry = readdir(directory))) {
        int32_t day;
        if (strncmp(entry->d_name, "day-", 4) == 0 &&
            time_parse_date(slice_of(entry->d_name + 4), &day))
            done = sweep_day(presence, entry->d_name, day, err);
    }
    closedir(directory);
    return done;
}

bool catalog_load(struct presence *presence, struct error *err)
{
    struct buffer bytes;
    buffer_init(&bytes, MANIFEST_BYTES_MAX);
    bool done = true;
    if (faccessat(presence->directory_fd, "manifest", F_OK, 0) == 0)
        done = file_read_whole(presence->directory_fd, "manifest", &bytes, err) &&
               manifest_parse(presence, buffer_slice(&bytes), err);
    else {
        presence->catalog = catalog_create(NULL, 0);
        presence->catalog->folded.day = INT32_MIN;
        presence->catalog->next_segment = presence->next_segment = 1;
    }
    buffer_release(&bytes);
    /* a drop that a crash cut short is finished: keys here, folders by the sweep */
    for (size_t i = 0; done && i < presence->catalog->dropped_count; i++)
        done = keys_day_destroy(presence->keys, presence->catalog->dropped[i], err);
    return done && sweep(presence, err);
}

static bool is_removed(const struct catalog_change *change, const struct segment *segment)
{
    for (size_t i = 0; i < change->removed_count; i++)
        if (change->removed[i] == segment)
            return true;
    return change->drops && segment->day == change->dropped_day;
}

static struct catalog *catalog_changed(struct presence *presence,
                                       const struct catalog_change *change)
{
    const struct catalog *old = presence->catalog; /* only changed under maintenance_lock */
    size_t count = change->added_count;
    for (size_t i = 0; i < old->day_count; i++)
        count += old->days[i].segment_count;
    struct segment **segments = x_alloc(count, sizeof *segments);
    count = 0;
    for (size_t i = 0; i < old->day_count; i++)
        for (size_t k = 0; k < old->days[i].segment_count; k++)
            if (!is_removed(change, old->days[i].segments[k])) {
                segments[count] = old->days[i].segments[k];
                atomic_fetch_add(&segments[count++]->references, 1);
            }
    for (size_t i = 0; i < change->added_count; i++) {
        segments[count] = change->added[i];
        atomic_fetch_add(&segments[count++]->references, 1);
    }
    struct catalog *catalog = catalog_create(segments, count);
    free(segments);
    bool drops = change->drops && !catalog_dropped(old, change->dropped_day);
    catalog->dropped_count = old->dropped_count + drops;
    catalog->dropped = x_alloc(catalog->dropped_count, sizeof *catalog->dropped);
    if (old->dropped_count)
        memcpy(catalog->dropped, old->dropped, old->dropped_count * sizeof *old->dropped);
    if (drops)
        catalog->dropped[old->dropped_count] = change->dropped_day;
    if (catalog->dropped_count)
        qsort(catalog->dropped, catalog->dropped_count, sizeof *catalog->dropped, compare_days);
    catalog->folded = change->folds ? change->folded : old->folded;
    return catalog;
}

/* Takes the folded runs out of the tail. Under presence->lock. */
static void consume_runs(struct presence *presence, size_t count)
{
    REQUIRE(count <= presence->run_count);
    for (size_t i = 0; i < count; i++) {
        presence->tail_events -= presence->runs[i]->count;
        run_unref(presence->runs[i]);
    }
    memmove(presence->runs, presence->runs + count,
            (presence->run_count - count) * sizeof *presence->runs);
    presence->run_count -= count;
    presence->frozen_runs = 0;
    atomic_store(&presence->tail_full, presence->tail_events >= TAIL_EVENTS_MAX);
}

bool catalog_apply(struct presence *presence, const struct catalog_change *change,
                   struct error *err)
{
    struct catalog *catalog = catalog_changed(presence, change);
    pthread_mutex_lock(&presence->lock);
    catalog->next_segment = presence->next_segment;
    pthread_mutex_unlock(&presence->lock);
    catalog_assert_state(catalog);
    if (!manifest_write(presence, catalog, err)) {
        catalog_unref(catalog);
        return false;
    }
    struct error injected; /* too late to fail: only killing and waiting mean anything here */
    (void)!fault_at(FAULT_POINT_after_manifest_rename, &injected);
    pthread_mutex_lock(&presence->lock);
    struct catalog *old = presence->catalog;
    presence->catalog = catalog;
    if (change->consumed_runs)
        consume_runs(presence, change->consumed_runs);
    pthread_mutex_unlock(&presence->lock);
    for (size_t i = 0; i < change->added_count; i++)
        segment_unref(change->added[i]); /* the catalog holds its own */
    for (size_t i = 0; i < change->removed_count; i++)
        segment_discard(presence, change->removed[i]);
    catalog_unref(old);
    return true;
}
