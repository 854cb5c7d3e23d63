/* Building segments: from unsorted events of a day, or from segments that are merged. Both halves
 * are made at the same time by two threads; each sorts, packs, encrypts and syncs its own file. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/presence_internal.h"
#include "presence/sort.h"

/* ---- The dictionary of (flags, origin) pairs of one segment */

enum { DICTIONARY_SLOTS = 1 << 17, SLOT_EMPTY = 0 };

struct flag_dictionary {
    struct segment_flag *entries;
    size_t count, capacity;
    uint32_t *slots; /* entry number + 1 */
    uint32_t last_pair, last_number;
};

static void dictionary_init(struct flag_dictionary *dictionary)
{
    *dictionary = (struct flag_dictionary){.last_pair = UINT32_MAX};
    dictionary->slots = x_alloc(DICTIONARY_SLOTS, sizeof *dictionary->slots);
}

static void dictionary_release(struct flag_dictionary *dictionary)
{
    free(dictionary->entries);
    free(dictionary->slots);
}

static uint32_t dictionary_add(struct flag_dictionary *dictionary, uint16_t origin, uint8_t flags)
{
    uint32_t pair = (uint32_t)origin << 8 | flags;
    if (pair == dictionary->last_pair)
        return dictionary->last_number;
    size_t slot = random_mix(pair) & (DICTIONARY_SLOTS - 1);
    for (;; slot = (slot + 1) & (DICTIONARY_SLOTS - 1)) {
        uint32_t number = dictionary->slots[slot];
        if (number == SLOT_EMPTY)
            break;
        const struct segment_flag *entry = &dictionary->entries[number - 1];
        if (entry->origin == origin && entry->flags == flags) {
            dictionary->last_pair = pair;
            return dictionary->last_number = number - 1;
        }
    }
    if (dictionary->count == dictionary->capacity) {
        dictionary->capacity = dictionary->capacity ? dictionary->capacity * 2 : 16;
        dictionary->entries =
            x_realloc(dictionary->entries, dictionary->capacity * sizeof *dictionary->entries);
    }
    dictionary->entries[dictionary->count++] = (struct segment_flag){origin, flags, 0};
    dictionary->slots[slot] = (uint32_t)dictionary->count;
    dictionary->last_pair = pair;
    return dictionary->last_number = (uint32_t)dictionary->count - 1;
}

/* ---- One half */

struct half {
    struct presence *presence;
    enum segment_order order;
    int32_t day;
    uint64_t id;
    unsigned char key[KEY_BYTES];
    const struct flag_dictionary *dictionary;
    /* from events */
    const struct presence_event *events;
    const uint32_t *flag_of; /* dictionary number of each event */
    size_t count;
    uint32_t venue_high, person_high;
    /* or from segments */
    struct segment *const *segments;
    size_t segment_count;
    uint16_t origin_removed;
    int64_t removed;
    int64_t rows;
    int64_t bytes;
    bool done;
    struct error failure;
};

static unsigned bits_needed(uint32_t value)
{
    return value ? 32u - (unsigned)__builtin_clz(value) : 1u;
}

struct packing {
    unsigned flag_bits, other_bits, key_bits;
};
enum { TIME_BITS = 17 };

static struct packing packing_of(const struct half *half)
{
    unsigned venue = bits_needed(half->venue_high), person = bits_needed(half->person_high);
    return (struct packing){.flag_bits = bits_needed((uint32_t)half->dictionary->count - 1),
                            .other_bits = half->order == ORDER_VENUE ? person : venue,
                            .key_bits = half->order == ORDER_VENUE ? venue : person};
}

static bool write_packed(const struct half *half, struct packing packing, const uint64_t *keys,
                         struct segment_writer *writer, struct error *err)
{
    struct row_block *rows = x_alloc(1, sizeof *rows);
    bool done = true;
    unsigned time_at = packing.flag_bits + packing.other_bits, key_at = time_at + TIME_BITS;
    for (size_t i = 0; done && i < half->count; i += rows->count) {
        size_t left = half->count - i;
        rows->count = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
        for (uint32_t k = 0; k < rows->count; k++) {
            uint64_t row = keys[i + k];
            rows->flag[k] = (uint32_t)(row & bits_mask(packing.flag_bits));
            rows->other[k] = (uint32_t)(row >> packing.flag_bits & bits_mask(packing.other_bits));
            rows->time[k] = (uint32_t)(row >> time_at & bits_mask(TIME_BITS));
            rows->key[k] = (uint32_t)(row >> key_at);
        }
        done = segment_writer_add(writer, rows, err);
    }
    free(rows);
    return done;
}

/* The usual way: an event fits one 64-bit number. */
static bool write_by_radix(struct half *half, struct packing packing,
                           struct segment_writer *writer, struct error *err)
{
    uint64_t *keys = x_alloc(half->count, 2 * sizeof *keys);
    int64_t start = time_day_start_seconds(half->day);
    unsigned time_at = packing.flag_bits + packing.other_bits, key_at = time_at + TIME_BITS;
    for (size_t i = 0; i < half->count; i++) {
        const struct presence_event *event = &half->events[i];
        bool by_venue = half->order == ORDER_VENUE;
        uint64_t key = by_venue ? event->venue : event->person;
        uint64_t other = by_venue ? event->person : event->venue;
        keys[i] = half->flag_of[i] | other << packing.flag_bits |
                  (uint64_t)(event->time - start) << time_at | key << key_at;
    }
    radix_sort(keys, keys + half->count, half->count, key_at + packing.key_bits);
    bool done = write_packed(half, packing, keys, writer, err);
    free(keys);
    return done;
}

/* Numbers too large for that: by comparison. */
static bool write_by_comparison(struct half *half, struct segment_writer *writer,
                                struct error *err)
{
    struct presence_event *events = x_alloc(half->count, sizeof *events);
    memcpy(events, half->events, half->count * sizeof *events);
    events_sort(events, half->count, half->order);
    struct flag_dictionary numbers = *half->dictionary; /* only looked up: all pairs are in it */
    struct row_block *rows = x_alloc(1, sizeof *rows);
    int64_t start = time_day_start_seconds(half->day);
    bool done = true;
    for (size_t i = 0; done && i < half->count; i += rows->count) {
        size_t left = half->count - i;
        rows->count = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
        for (uint32_t k = 0; k < rows->count; k++) {
            const struct presence_event *event = &events[i + k];
            bool by_venue = half->order == ORDER_VENUE;
            rows->key[k] = by_venue ? event->venue : event->person;
            rows->other[k] = by_venue ? event->person : event->venue;
            rows->time[k] = (uint32_t)(event->time - start);
            rows->flag[k] = dictionary_add(&numbers, event->origin, event->flags);
        }
        done = segment_writer_add(writer, rows, err);
    }
    free(rows);
    free(events);
    return done;
}

/* ---- Merging: cursors over the halves of several segments */

struct cursor {
    const struct segment_file *file;
    struct segment_decoder decoder;
    struct row_block rows;
    uint32_t block, row;
    bool ended;
};

static bool cursor_load(struct cursor *cursor, struct error *err)
{
    cursor->row = 0;
    cursor->ended = cursor->block == cursor->file->block_count;
    return cursor->ended ||
           segment_decode(&cursor->decoder, cursor->file, cursor->block++, &cursor->rows, err);
}

static bool cursor_before(const struct cursor *a, const struct cursor *b)
{
    if (a->rows.key[a->row] != b->rows.key[b->row])
        return a->rows.key[a->row] < b->rows.key[b->row];
    if (a->rows.time[a->row] != b->rows.time[b->row])
        return a->rows.time[a->row] < b->rows.time[b->row];
    return a->rows.other[a->row] < b->rows.other[b->row];
}

static struct cursor *cursor_least(struct cursor *cursors, size_t count)
{
    struct cursor *least = NULL;
    for (size_t i = 0; i < count; i++)
        if (!cursors[i].ended && (!least || cursor_before(&cursors[i], least)))
            least = &cursors[i];
    return least;
}

static bool merge_rows(struct half *half, struct cursor *cursors, struct row_block *out,
                       struct segment_writer *writer, struct error *err)
{
    struct flag_dictionary numbers = *half->dictionary; /* only looked up */
    struct cursor *from;
    while ((from = cursor_least(cursors, half->segment_count))) {
        struct segment_flag flag = from->file->dictionary[from->rows.flag[from->row]];
        if (half->origin_removed && flag.origin == half->origin_removed) {
            half->removed++;
        } else {
            out->key[out->count] = from->rows.key[from->row];
            out->time[out->count] = from->rows.time[from->row];
            out->other[out->count] = from->rows.other[from->row];
            out->flag[out->count] = dictionary_add(&numbers, flag.origin, flag.flags);
            half->rows++;
            if (++out->count == BLOCK_ROWS) {
                if (!segment_writer_add(writer, out, err))
                    return false;
                out->count = 0;
            }
        }
        if (++from->row == from->rows.count && !cursor_load(from, err))
            return false;
    }
    return out->count == 0 || segment_writer_add(writer, out, err);
}

static bool write_by_merging(struct half *half, struct segment_writer *writer, struct error *err)
{
    struct cursor *cursors = x_alloc(half->segment_count, sizeof *cursors);
    struct row_block *out = x_alloc(1, sizeof *out);
    bool done = true;
    for (size_t i = 0; i < half->segment_count; i++) {
        segment_decoder_init(&cursors[i].decoder);
        cursors[i].file = half->order == ORDER_VENUE ? &half->segments[i]->venue
                                                     : &half->segments[i]->person;
    }
    for (size_t i = 0; done && i < half->segment_count; i++)
        done = cursor_load(&cursors[i], err);
    done = done && merge_rows(half, cursors, out, writer, err);
    for (size_t i = 0; i < half->segment_count; i++)
        segment_decoder_release(&cursors[i].decoder);
    free(out);
    free(cursors);
    return done;
}

static void *write_half(void *argument)
{
    struct half *half = argument;
    struct error *err = &half->failure;
    char name[SEGMENT_NAME_BYTES];
    segment_path(half->id, half->day, half->order, name);
    struct segment_writer *writer = NULL;
    bool done = segment_writer_begin(half->presence->directory_fd, name, half->order, half->day,
                                     half->key, half->dictionary->entries,
                                     half->dictionary->count, &writer, err);
    if (done && half->segments) {
        done = write_by_merging(half, writer, err);
    } else if (done) {
        struct packing packing = packing_of(half);
        bool fits = packing.flag_bits + packing.other_bits + TIME_BITS + packing.key_bits <= 64;
        half->rows = (int64_t)half->count;
        done = fits ? write_by_radix(half, packing, writer, err)
                    : write_by_comparison(half, writer, err);
    }
    half->done = done && segment_writer_finish(writer, &half->bytes, err);
    segment_writer_free(writer);
    return NULL;
}

/* Writes both halves, syncs the folder, opens the result. */
static bool write_halves(struct half *venue, struct half *person, struct segment **ret_segment,
                         struct error *err)
{
    struct presence *presence = venue->presence;
    pthread_t thread;
    bool large = venue->segments || venue->count > 4 * BLOCK_ROWS;
    bool second = large &&
                  pthread_create(&thread, NULL, write_half, person) == 0;
    write_half(venue);
    if (second)
        pthread_join(thread, NULL);
    else
        write_half(person);
    OPENSSL_cleanse(venue->key, sizeof venue->key);
    OPENSSL_cleanse(person->key, sizeof person->key);
    bool done = venue->done && person->done;
    if (!done)
        *err = venue->done ? person->failure : venue->failure;
    char folder[SEGMENT_NAME_BYTES];
    segment_path(venue->id, venue->day, ORDER_VENUE, folder);
    *strchr(folder, '/') = '\0';
    done = done && file_sync_directory(presence->directory_fd, folder, err) &&
           segment_open(presence, venue->id, venue->day, venue->rows, ret_segment, err);
    if (!done) {
        struct segment gone = {.id = venue->id, .day = venue->day};
        segment_discard(presence, &gone);
    }
    return done;
}

static bool prepare_halves(struct presence *presence, int32_t day,
                           const struct flag_dictionary *dictionary, struct half *venue,
                           struct half *person, struct error *err)
{
    char folder[SEGMENT_NAME_BYTES];
    *venue = (struct half){.presence = presence, .order = ORDER_VENUE, .day = day,
                           .id = next_segment_id(presence), .dictionary = dictionary};
    if (!keys_day(presence->keys, day, true, venue->key, err))
        return false;
    segment_path(venue->id, day, ORDER_VENUE, folder);
    *strchr(folder, '/') = '\0';
    if (mkdirat(presence->directory_fd, folder, 0700) == 0) {
        if (!file_sync_directory(presence->directory_fd, ".", err))
            return false;
    } else if (errno != EEXIST) {
        return error_set_errno(err, folder, "create");
    }
    *person = *venue;
    person->order = ORDER_PERSON;
    return true;
}

bool segment_build(struct presence *presence, int32_t day, struct presence_event *events,
                   size_t count, struct segment **ret_segment, struct error *err)
{
    REQUIRE(count > 0);
    struct flag_dictionary dictionary;
    struct half venue, person;
    dictionary_init(&dictionary);
    uint32_t *flag_of = x_alloc(count, sizeof *flag_of);
    uint32_t venue_high = 0, person_high = 0;
    for (size_t i = 0; i < count; i++) {
        flag_of[i] = dictionary_add(&dictionary, events[i].origin, events[i].flags);
        venue_high = events[i].venue > venue_high ? events[i].venue : venue_high;
        person_high = events[i].person > person_high ? events[i].person : person_high;
    }
    bool done = dictionary.count <= FLAG_DICTIONARY_MAX
                    ? true
                    : error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "presence"},
                                "fewer than 256 imports a day", "too many import origins");
    done = done && prepare_halves(presence, day, &dictionary, &venue, &person, err);
    if (done) {
        venue.events = events;
        venue.flag_of = flag_of;
        venue.count = count;
        venue.venue_high = venue_high;
        venue.person_high = person_high;
        person = venue;
        person.order = ORDER_PERSON;
        done = write_halves(&venue, &person, ret_segment, err);
    }
    free(flag_of);
    dictionary_release(&dictionary);
    return done;
}

bool segment_merge(struct presence *presence, int32_t day, struct segment *const *segments,
                   size_t count, uint16_t origin_removed, struct segment **ret_segment,
                   int64_t *ret_removed, struct error *err)
{
    struct flag_dictionary dictionary;
    struct half venue, person;
    dictionary_init(&dictionary);
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < segments[i]->venue.dictionary_count; k++) {
            struct segment_flag flag = segments[i]->venue.dictionary[k];
            if (!origin_removed || flag.origin != origin_removed)
                dictionary_add(&dictionary, flag.origin, flag.flags);
        }
        rows += segments[i]->rows;
    }
    if (dictionary.count == 0) { /* nothing is left */
        *ret_segment = NULL;
        *ret_removed = rows;
        dictionary_release(&dictionary);
        return true;
    }
    bool done = prepare_halves(presence, day, &dictionary, &venue, &person, err);
    if (done) {
        venue.segments = person.segments = segments;
        venue.segment_count = person.segment_count = count;
        venue.origin_removed = person.origin_removed = origin_removed;
        done = write_halves(&venue, &person, ret_segment, err);
        *ret_removed = venue.removed;
    }
    dictionary_release(&dictionary);
    return done;
}

void segment_discard(struct presence *presence, struct segment *segment)
{
    for (int order = ORDER_VENUE; order <= ORDER_PERSON; order++) {
        char name[SEGMENT_NAME_BYTES];
        segment_path(segment->id, segment->day, (enum segment_order)order, name);
        unlinkat(presence->directory_fd, name, 0); /* what stays is swept at the next opening */
    }
}

uint64_t next_segment_id(struct presence *presence)
{
    pthread_mutex_lock(&presence->lock);
    uint64_t id = presence->next_segment++;
    pthread_mutex_unlock(&presence->lock);
    return id;
}
