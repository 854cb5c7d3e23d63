/* The RocksDB peer: two keys an event, (venue, time, person) → flags and (person, time, venue) →
 * flags, big-endian, in two column families.
 *
 *   peer-rocksdb ingest EVENTS COUNT DIR   write batches, each synced through the log: a database
 *                                          that can be read at any time
 *   peer-rocksdb load EVENTS COUNT DIR     the same, with all that RocksDB offers for loading
 *   peer-rocksdb trace EVENTS COUNT DIR    bulk-loaded, then answers requests (peers.h)
 *
 * Ingest: batches of 10 000 events, two background threads, no compression, else RocksDB's
 * defaults (memtables of 64 MB as skip lists). Load: memtables are plain vectors that are sorted
 * when they are flushed, triggers of compaction out of the way, a flush at the end as part of the
 * time. Reading: all of the data bulk-loaded as sorted files, compacted, a block cache that holds
 * everything, no compression. */
#define _GNU_SOURCE /* qsort_r */
#include "peers.h"

#include <rocksdb/c.h>

enum { KEY_BYTES = 12, BATCH_EVENTS = 10000 };

struct database {
    rocksdb_t *db;
    rocksdb_column_family_handle_t *plain, *by_venue, *by_person;
    rocksdb_options_t *options;
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *venues, *persons;
};

static void check(char *error)
{
    if (error)
        fail("rocksdb", error);
}

static void put_key(char *out, uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t words[3] = {__builtin_bswap32(a), __builtin_bswap32(b), __builtin_bswap32(c)};
    memcpy(out, words, KEY_BYTES);
}

static uint32_t word_of(const char *key, int which)
{
    uint32_t word;
    memcpy(&word, key + 4 * which, 4);
    return __builtin_bswap32(word);
}

static void open_database(struct database *d, const char *folder, int loading)
{
    char *error = NULL;
    const char *names[] = {"default", "by_venue", "by_person"};
    rocksdb_column_family_handle_t *handles[3];
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_increase_parallelism(options, 2);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_max_open_files(options, -1);
    if (loading) {
        rocksdb_options_set_memtable_vector_rep(options);
        rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
        rocksdb_options_set_max_write_buffer_number(options, 4);
        rocksdb_options_set_level0_file_num_compaction_trigger(options, 64);
        rocksdb_options_set_level0_slowdown_writes_trigger(options, 128);
        rocksdb_options_set_level0_stop_writes_trigger(options, 256);
    }
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(
        table, rocksdb_cache_create_lru((size_t)12 << 30));
    rocksdb_block_based_options_set_block_size(table, 16 << 10);
    rocksdb_options_set_block_based_table_factory(options, table);
    const rocksdb_options_t *each[] = {options, options, options};
    d->options = options;
    d->db = rocksdb_open_column_families(options, folder, 3, names, each, handles, &error);
    check(error);
    d->plain = handles[0];
    d->by_venue = handles[1];
    d->by_person = handles[2];
}

static void flush(struct database *d)
{
    char *error = NULL;
    rocksdb_flushoptions_t *wait = rocksdb_flushoptions_create();
    rocksdb_flush_cf(d->db, wait, d->by_venue, &error);
    check(error);
    rocksdb_flush_cf(d->db, wait, d->by_person, &error);
    check(error);
}

static void ingest(const char *path, size_t count, const char *folder, int loading)
{
    const struct event *events = map_events(path, count);
    struct database d;
    char *error = NULL, key[KEY_BYTES];
    open_database(&d, folder, loading);
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(write, 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    double begun = now_seconds();
    for (size_t i = 0; i < count; i++) {
        const struct event *e = &events[i];
        put_key(key, e->venue, e->time, e->person);
        rocksdb_writebatch_put_cf(batch, d.by_venue, key, KEY_BYTES, (const char *)&e->flags, 1);
        put_key(key, e->person, e->time, e->venue);
        rocksdb_writebatch_put_cf(batch, d.by_person, key, KEY_BYTES, (const char *)&e->flags, 1);
        if ((i + 1) % BATCH_EVENTS == 0 || i + 1 == count) {
            rocksdb_write(d.db, write, batch, &error);
            check(error);
            rocksdb_writebatch_clear(batch);
        }
    }
    if (loading) /* a vector is readable only after it was sorted */
        flush(&d);
    double seconds = now_seconds() - begun;
    rocksdb_compact_range_cf(d.db, d.by_venue, NULL, 0, NULL, 0); /* for the bytes only */
    rocksdb_compact_range_cf(d.db, d.by_person, NULL, 0, NULL, 0);
    rocksdb_column_family_handle_destroy(d.plain);
    rocksdb_column_family_handle_destroy(d.by_venue);
    rocksdb_column_family_handle_destroy(d.by_person);
    rocksdb_close(d.db);
    printf("seconds=%.6f bytes=%lld\n", seconds, folder_bytes(folder));
}

/* ---- Bulk load: sorted files, taken in whole */

struct order {
    const struct event *events;
    int by_venue;
};

static int compare_events(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    const struct event *x = &order->events[*(const uint32_t *)a];
    const struct event *y = &order->events[*(const uint32_t *)b];
    uint32_t x_key = order->by_venue ? x->venue : x->person;
    uint32_t y_key = order->by_venue ? y->venue : y->person;
    if (x_key != y_key)
        return x_key < y_key ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    uint32_t x_other = order->by_venue ? x->person : x->venue;
    uint32_t y_other = order->by_venue ? y->person : y->venue;
    return (x_other > y_other) - (x_other < y_other);
}

/* Numbers of the events in order: a counting sort by the first part of the key (events come in
 * order of time, so that each group already is, but for the last part), then small sorts. */
static uint32_t *put_in_order(const struct event *events, size_t count, int by_venue)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t key = by_venue ? events[i].venue : events[i].person;
        highest = key > highest ? key : highest;
    }
    size_t *starts = calloc((size_t)highest + 2, sizeof *starts);
    uint32_t *numbers = malloc(count * sizeof *numbers);
    if (!starts || !numbers)
        fail("load", "no memory");
    for (size_t i = 0; i < count; i++)
        starts[(by_venue ? events[i].venue : events[i].person) + 1]++;
    for (size_t k = 0; k <= highest; k++)
        starts[k + 1] += starts[k];
    for (size_t i = 0; i < count; i++)
        numbers[starts[by_venue ? events[i].venue : events[i].person]++] = (uint32_t)i;
    struct order order = {events, by_venue};
    for (size_t i = 0, end; i < count; i = end) { /* rows of the same key and second */
        const struct event *first = &events[numbers[i]];
        for (end = i + 1; end < count; end++) {
            const struct event *next = &events[numbers[end]];
            if (next->time != first->time || (by_venue ? next->venue != first->venue
                                                       : next->person != first->person))
                break;
        }
        if (end - i > 1)
            qsort_r(numbers + i, end - i, sizeof *numbers, compare_events, &order);
    }
    free(starts);
    return numbers;
}

static void load_family(struct database *d, rocksdb_column_family_handle_t *family,
                        const struct event *events, size_t count, int by_venue,
                        const char *folder)
{
    char path[512], last[KEY_BYTES] = {0}, key[KEY_BYTES], *error = NULL;
    uint32_t *numbers = put_in_order(events, count, by_venue);
    snprintf(path, sizeof path, "%s/load.sst", folder);
    rocksdb_sstfilewriter_t *writer =
        rocksdb_sstfilewriter_create(rocksdb_envoptions_create(), d->options);
    rocksdb_ingestexternalfileoptions_t *move = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(move, 1);
    const char *files[] = {path};
    size_t in_file = 0;
    for (size_t i = 0; i < count; i++) {
        const struct event *e = &events[numbers[i]];
        if (by_venue)
            put_key(key, e->venue, e->time, e->person);
        else
            put_key(key, e->person, e->time, e->venue);
        if (memcmp(key, last, KEY_BYTES) != 0) { /* doubles are one */
            if (in_file == 0) {
                rocksdb_sstfilewriter_open(writer, path, &error);
                check(error);
            }
            rocksdb_sstfilewriter_put(writer, key, KEY_BYTES, (const char *)&e->flags, 1, &error);
            check(error);
            memcpy(last, key, KEY_BYTES);
            in_file++;
        }
        if (in_file && (in_file == 16 << 20 || i + 1 == count)) {
            rocksdb_sstfilewriter_finish(writer, &error);
            check(error);
            rocksdb_ingest_external_file_cf(d->db, family, files, 1, move, &error);
            check(error);
            in_file = 0;
        }
    }
    free(numbers);
}

/* ---- Reading */

static size_t read_visits(void *peer, uint32_t person, uint32_t from, uint32_t to,
                          struct visit *out)
{
    struct database *d = peer;
    char key[KEY_BYTES];
    size_t length, count = 0;
    put_key(key, person, from, 0);
    for (rocksdb_iter_seek(d->persons, key, KEY_BYTES);
         rocksdb_iter_valid(d->persons) && count < VISITS_MAX; rocksdb_iter_next(d->persons)) {
        const char *at = rocksdb_iter_key(d->persons, &length);
        if (word_of(at, 0) != person || word_of(at, 1) >= to)
            break;
        out[count++] = (struct visit){word_of(at, 2), word_of(at, 1)};
    }
    return count;
}

static size_t read_venue(void *peer, struct visit visit, uint32_t person, uint32_t reach,
                         struct exposures *e)
{
    struct database *d = peer;
    char key[KEY_BYTES];
    size_t length, rows = 0;
    put_key(key, visit.venue, visit.time - reach, 0);
    for (rocksdb_iter_seek(d->venues, key, KEY_BYTES); rocksdb_iter_valid(d->venues);
         rocksdb_iter_next(d->venues)) {
        const char *at = rocksdb_iter_key(d->venues, &length);
        uint32_t time = word_of(at, 1), other = word_of(at, 2);
        if (word_of(at, 0) != visit.venue || time > visit.time + reach)
            break;
        rows++;
        if (other != person)
            exposures_meet(e, other, gap_of(time, visit.time));
    }
    return rows;
}

static void trace(const char *path, size_t count, const char *folder)
{
    struct database d;
    double begun = now_seconds();
    const struct event *events = map_events(path, count);
    open_database(&d, folder, 0);
    load_family(&d, d.by_venue, events, count, 1, folder);
    load_family(&d, d.by_person, events, count, 0, folder);
    munmap((void *)(uintptr_t)events, count * sizeof *events);
    rocksdb_compact_range_cf(d.db, d.by_venue, NULL, 0, NULL, 0);
    rocksdb_compact_range_cf(d.db, d.by_person, NULL, 0, NULL, 0);
    d.read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(d.read, 1);
    d.venues = rocksdb_create_iterator_cf(d.db, d.read, d.by_venue);
    d.persons = rocksdb_create_iterator_cf(d.db, d.read, d.by_person);
    printf("seconds=%.3f bytes=%lld\n", now_seconds() - begun, folder_bytes(folder));
    fflush(stdout);
    answer_traces(&d, read_visits, read_venue);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        fail("usage", "ingest|load|trace EVENTS COUNT DIR");
    size_t count = strtoull(argv[3], NULL, 10);
    if (strcmp(argv[1], "ingest") == 0)
        ingest(argv[2], count, argv[4], 0);
    else if (strcmp(argv[1], "load") == 0)
        ingest(argv[2], count, argv[4], 1);
    else
        trace(argv[2], count, argv[4]);
    return 0;
}
