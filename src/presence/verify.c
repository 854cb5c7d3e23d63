/* Verification: every block of every live file (doctor), and every scan that was answered
 * (scans verify). */
#include <stdlib.h>

#include "presence/presence_internal.h"

/* ---- doctor */

/* Decodes every block; rows must be in order. */
static bool verify_half(const struct segment_file *file, char *words, size_t size)
{
    struct segment_decoder *decoder = x_alloc(1, sizeof *decoder);
    struct row_block *rows = x_alloc(1, sizeof *rows);
    segment_decoder_init(decoder);
    struct error failure;
    bool good = true;
    uint32_t key = 0, time = 0, other = 0;
    for (uint32_t b = 0; good && b < file->block_count; b++) {
        good = segment_decode(decoder, file, b, rows, &failure);
        if (!good)
            snprintf(words, size, "%s, block %u: %s", file->name, b + 1, failure.what);
        for (uint32_t i = 0; good && i < rows->count; i++) {
            bool before = rows->key[i] < key ||
                          (rows->key[i] == key && (rows->time[i] < time ||
                           (rows->time[i] == time && rows->other[i] < other)));
            if (before || rows->time[i] >= 86400) {
                snprintf(words, size, "%s, block %u: rows out of order", file->name, b + 1);
                good = false;
            }
            key = rows->key[i];
            time = rows->time[i];
            other = rows->other[i];
        }
    }
    segment_decoder_release(decoder);
    free(rows);
    free(decoder);
    return good;
}

static bool ignore_records(void *context, int32_t day, uint64_t first_ordinal,
                           const struct scan_record *records, size_t count, struct error *err)
{
    (void)day, (void)first_ordinal, (void)records, (void)err;
    *(int64_t *)context += (int64_t)count;
    return true;
}

bool presence_verify(struct presence *presence,
                     void (*report)(void *context, bool good, const char *check,
                                    const char *words),
                     void *context, struct error *err)
{
    struct presence_view *view;
    if (!presence_view_begin(presence, &view, err))
        return false;
    pthread_mutex_lock(&presence->lock);
    struct catalog *catalog = presence->catalog;
    atomic_fetch_add(&catalog->references, 1);
    pthread_mutex_unlock(&presence->lock);
    char words[512];
    int64_t rows = 0;
    size_t bad = 0, segments = 0;
    for (size_t d = 0; d < catalog->day_count; d++)
        for (size_t s = 0; s < catalog->days[d].segment_count; s++) {
            const struct segment *segment = catalog->days[d].segments[s];
            segments++;
            rows += segment->rows;
            if (!verify_half(&segment->venue, words, sizeof words) ||
                !verify_half(&segment->person, words, sizeof words)) {
                report(context, false, "presence segment", words);
                bad++;
            }
        }
    snprintf(words, sizeof words, "%zu segments, %lld events, %zu damaged", segments,
             (long long)rows, bad);
    report(context, bad == 0, "presence segments", words);
    catalog_unref(catalog);
    presence_view_end(view);

    struct error failure;
    int64_t records = 0;
    pthread_mutex_lock(&presence->log_lock);
    bool good = log_visit(&presence->log, ignore_records, &records, &failure);
    pthread_mutex_unlock(&presence->log_lock);
    const struct scan_log *log = &presence->log;
    if (!good)
        snprintf(words, sizeof words, "%s: %s", failure.source, failure.what);
    else if (log->cut.bytes) /* set at opening only */
        snprintf(words, sizeof words,
                 "%lld records; the opening cut a torn tail of %llu bytes off %s at byte %llu",
                 (long long)records, (unsigned long long)log->cut.bytes, log->cut.name,
                 (unsigned long long)log->cut.offset);
    else
        snprintf(words, sizeof words, "%lld records", (long long)records);
    report(context, good, "presence log", words);
    return true;
}

/* ---- scans verify */

struct answered {
    struct scan_event_id id;
    uint32_t person, venue, time;
};
struct answered_list {
    struct answered *items;
    size_t count, capacity;
};

static bool collect(void *context, int32_t day, uint64_t first_ordinal,
                    const struct scan_record *records, size_t count, struct error *err)
{
    (void)err;
    struct answered_list *list = context;
    for (size_t i = 0; i < count; i++) {
        if (list->count == list->capacity) {
            list->capacity = list->capacity ? list->capacity * 2 : 4096;
            list->items = x_realloc(list->items, list->capacity * sizeof *list->items);
        }
        list->items[list->count++] =
            (struct answered){{day, first_ordinal + i}, records[i].person, records[i].venue,
                              records[i].time};
    }
    return true;
}

static int compare_place(const void *a, const void *b)
{
    const struct answered *x = a, *y = b;
    if (x->venue != y->venue)
        return x->venue < y->venue ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

static int compare_id(const void *a, const void *b)
{
    const struct scan_event_id *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* How often a live event (origin 0) stands in the store, doubles counted. */
struct multiplicity {
    const struct answered *wanted;
    const struct segment_file *file;
    int64_t count;
};

static bool count_piece(void *context, const struct segment_piece *piece, struct error *err)
{
    (void)err;
    struct multiplicity *m = context;
    for (size_t i = 0; i < piece->count; i++)
        m->count += piece->other[i] == m->wanted->person &&
                    m->file->dictionary[piece->flag[i]].origin == 0;
    return true;
}

static int64_t count_in_run(const struct run *run, const struct answered *wanted)
{
    struct presence_event probe = {.venue = wanted->venue, .time = wanted->time,
                                   .person = wanted->person};
    size_t low = 0, high = run->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (event_compare(&run->by_venue[middle], &probe, ORDER_VENUE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t count = 0;
    for (; low < run->count && run->by_venue[low].venue == wanted->venue &&
           run->by_venue[low].time == wanted->time && run->by_venue[low].person == wanted->person;
         low++)
        count++;
    return count;
}

static bool count_stored(struct presence *presence, struct segment_decoder *decoder,
                         const struct answered *wanted, int64_t *ret_count, struct error *err)
{
    struct multiplicity m = {.wanted = wanted};
    int32_t day = time_day_of_seconds(wanted->time);
    const struct catalog_day *found = catalog_find(presence->catalog, day);
    int64_t second = wanted->time - time_day_start_seconds(day);
    for (size_t s = 0; found && s < found->segment_count; s++) {
        m.file = &found->segments[s]->venue;
        if (!segment_read_key(decoder, m.file, wanted->venue, second, second + 1, count_piece, &m,
                              err))
            return false;
    }
    for (size_t r = 0; r < presence->run_count; r++)
        m.count += count_in_run(presence->runs[r], wanted);
    *ret_count = m.count;
    return true;
}

static void note(struct buffer *out, struct scan_event_id id)
{
    char text[SCAN_EVENT_ID_BYTES];
    scan_event_id_format(id, text);
    buffer_print(out, "%s\n", text);
}

/* Compares, place by place, answers with stored events. */
static bool compare_stored(struct presence *presence, struct answered_list *list,
                           struct scans_verification *result, struct error *err)
{
    struct segment_decoder *decoder = x_alloc(1, sizeof *decoder);
    segment_decoder_init(decoder);
    bool done = true;
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_place);
    for (size_t i = 0; done && i < list->count;) {
        size_t end = i;
        while (end < list->count && compare_place(&list->items[i], &list->items[end]) == 0)
            end++;
        int64_t stored = 0;
        bool forgotten = catalog_dropped(presence->catalog,
                                         time_day_of_seconds(list->items[i].time));
        done = forgotten || count_stored(presence, decoder, &list->items[i], &stored, err);
        for (size_t k = i; done && !forgotten && k < end; k++) {
            if ((int64_t)(k - i) >= stored)
                note(&result->missing, list->items[k].id);
            else if (stored > (int64_t)(end - i))
                note(&result->twice, list->items[k].id);
        }
        i = end;
    }
    segment_decoder_release(decoder);
    free(decoder);
    return done;
}

bool presence_verify_scans(struct presence *presence, const struct scan_event_id *ids,
                           size_t count, struct scans_verification *ret_result, struct error *err)
{
    struct answered_list list = {0};
    buffer_init(&ret_result->missing, 64 << 20);
    buffer_init(&ret_result->twice, 64 << 20);
    pthread_mutex_lock(&presence->maintenance_lock); /* catalog and runs stay as they are */
    pthread_mutex_lock(&presence->log_lock);
    bool done = log_visit(&presence->log, collect, &list, err);
    pthread_mutex_lock(&presence->lock);
    pthread_mutex_unlock(&presence->log_lock);
    if (done) {
        /* ids asked for: each must stand in the log exactly once */
        struct scan_event_id *known = x_alloc(list.count, sizeof *known);
        for (size_t i = 0; i < list.count; i++)
            known[i] = list.items[i].id;
        if (list.count)
            qsort(known, list.count, sizeof *known, compare_id);
        for (size_t i = 0; i < count; i++)
            if (!list.count || !bsearch(&ids[i], known, list.count, sizeof *known, compare_id))
                note(&ret_result->missing, ids[i]);
        for (size_t i = 1; i < list.count; i++)
            if (compare_id(&known[i - 1], &known[i]) == 0)
                note(&ret_result->twice, known[i]);
        free(known);
        done = compare_stored(presence, &list, ret_result, err);
    }
    pthread_mutex_unlock(&presence->lock);
    pthread_mutex_unlock(&presence->maintenance_lock);
    ret_result->checked = (int64_t)count;
    ret_result->stored = (int64_t)list.count;
    free(list.items);
    if (!done) {
        buffer_release(&ret_result->missing);
        buffer_release(&ret_result->twice);
    }
    return done;
}
