/* Building segments: from unsorted events of a day, or from segments that are merged. Both halves
 * are made at the same time by two threads; each sorts, packs, encrypts and syncs its own file. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "presence/pages.h"
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
    const uint32_t *flag_of;   /* dictionary number of each event; NULL: */
    const uint32_t *number_of; /* dictionary number by flags (events of one origin) */
    size_t count;
    uint32_t venue_high, person_high;
    bool merge_doubles;        /* of (person, venue, second) the one with the least flags stays */
    int64_t merged;
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

enum { TIME_BITS = 17 };

/* Where the parts of an event stand in its number: flag, other, time, key, from the lowest bit. */
struct layout {
    unsigned other_at, time_at, key_at, bits;
    uint32_t day_start;
};

static struct layout layout_of(const struct half *half)
{
    unsigned venue_bits = bits_needed(half->venue_high);
    unsigned person_bits = bits_needed(half->person_high);
    bool by_venue = half->order == ORDER_VENUE;
    struct layout layout = {.other_at = bits_needed((uint32_t)half->dictionary->count - 1),
                            .day_start = (uint32_t)time_day_start_seconds(half->day)};
    layout.time_at = layout.other_at + (by_venue ? person_bits : venue_bits);
    layout.key_at = layout.time_at + TIME_BITS;
    layout.bits = layout.key_at + (by_venue ? venue_bits : person_bits);
    return layout;
}

static inline uint64_t number_of_event(const struct half *half, const struct layout *layout,
                                       size_t i)
{
    const struct presence_event *event = &half->events[i];
    bool by_venue = half->order == ORDER_VENUE;
    uint64_t key = by_venue ? event->venue : event->person;
    uint64_t other = by_venue ? event->person : event->venue;
    uint64_t flag = half->number_of ? half->number_of[event->flags] : half->flag_of[i];
    return flag | other << layout->other_at |
           (uint64_t)(event->time - layout->day_start) << layout->time_at | key << layout->key_at;
}

/* Rows of the sorted numbers [0, count) as one block. */
static bool write_block(const struct layout *layout, const uint64_t *restrict numbers,
                        uint32_t count, struct row_block *rows, struct segment_writer *writer,
                        struct error *err)
{
    const uint64_t flag_mask = bits_mask(layout->other_at), time_mask = bits_mask(TIME_BITS);
    const uint64_t other_mask = bits_mask(layout->time_at - layout->other_at);
    rows->count = count;
    for (uint32_t k = 0; k < count; k++) {
        rows->flag[k] = (uint32_t)(numbers[k] & flag_mask);
        rows->other[k] = (uint32_t)(numbers[k] >> layout->other_at & other_mask);
        rows->time[k] = (uint32_t)(numbers[k] >> layout->time_at & time_mask);
        rows->key[k] = (uint32_t)(numbers[k] >> layout->key_at);
    }
    return segment_writer_add(writer, rows, err);
}

enum { BUCKET_BITS_MAX = 12, BUCKETS_MAX = 1 << BUCKET_BITS_MAX, BUCKET_NUMBERS = 2048 };

/* Buckets by the highest bits, in the order of the events; ends[b] = end of bucket b. Returns the
 * size of the largest. */
static size_t fill_buckets(const struct half *half, const struct layout *layout, unsigned shift,
                           uint64_t *restrict numbers, size_t ends[BUCKETS_MAX])
{
    size_t largest = 0, sum = 0;
    memset(ends, 0, BUCKETS_MAX * sizeof *ends);
    for (size_t i = 0; i < half->count; i++)
        ends[number_of_event(half, layout, i) >> shift]++;
    for (size_t b = 0; b < BUCKETS_MAX; b++) {
        size_t in_bucket = ends[b];
        largest = in_bucket > largest ? in_bucket : largest;
        ends[b] = sum;
        sum += in_bucket;
    }
    for (size_t i = 0; i < half->count; i++) {
        uint64_t number = number_of_event(half, layout, i);
        numbers[ends[number >> shift]++] = number;
    }
    return largest;
}

/* Sorts bucket by bucket and writes what is in order: of numbers that differ in the flag only, the
 * first (the least dictionary number) where doubles are merged. */
static bool write_buckets(struct half *half, const struct layout *layout, unsigned shift,
                          uint64_t *numbers, const size_t *ends, uint64_t *scratch,
                          struct segment_writer *writer, struct error *err)
{
    struct row_block *rows = x_alloc(1, sizeof *rows);
    size_t kept = 0, written = 0, first = 0;
    unsigned key_at = layout->key_at < shift ? layout->key_at : shift;
    bool done = true;
    for (size_t b = 0; done && b < BUCKETS_MAX && first < half->count; first = ends[b++]) {
        radix_sort_parts(numbers + first, scratch, ends[b] - first, layout->time_at, key_at, shift);
        for (size_t i = first; i < ends[b]; i++)
            if (!half->merge_doubles || kept == 0 ||
                numbers[i] >> layout->other_at != numbers[kept - 1] >> layout->other_at)
                numbers[kept++] = numbers[i];
        for (; done && kept - written >= BLOCK_ROWS; written += BLOCK_ROWS)
            done = write_block(layout, numbers + written, BLOCK_ROWS, rows, writer, err);
    }
    if (done && kept > written)
        done = write_block(layout, numbers + written, (uint32_t)(kept - written), rows, writer,
                           err);
    half->rows = (int64_t)kept;
    half->merged = (int64_t)(half->count - kept);
    free(rows);
    return done;
}

/* The usual way: an event fits one 64-bit number. A first pass spreads the numbers over buckets
 * that fit into the cache, where they are sorted: memory is touched once. */
static bool write_by_radix(struct half *half, const struct layout *layout,
                           struct segment_writer *writer, struct error *err)
{
    size_t *ends = x_alloc(BUCKETS_MAX, sizeof *ends), bytes = half->count * sizeof(uint64_t);
    uint64_t *numbers = pages_alloc(bytes);
    unsigned bucket_bits = 0;
    while (bucket_bits < BUCKET_BITS_MAX && half->count >> bucket_bits > BUCKET_NUMBERS)
        bucket_bits++;
    unsigned shift = layout->bits - bucket_bits; /* ≥ time_at: key and time have ≥ 18 bits */
    size_t largest;
    if (bucket_bits == 0) { /* one bucket; a shift by 64 has no meaning */
        for (size_t i = 0; i < half->count; i++)
            numbers[i] = number_of_event(half, layout, i);
        for (size_t b = 0; b < BUCKETS_MAX; b++)
            ends[b] = half->count;
        largest = half->count;
    } else {
        largest = fill_buckets(half, layout, shift, numbers, ends);
    }
    uint64_t *scratch = pages_alloc(largest * sizeof *scratch);
    bool done = write_buckets(half, layout, shift, numbers, ends, scratch, writer, err);
    pages_free(scratch, largest * sizeof *scratch);
    pages_free(numbers, bytes);
    free(ends);
    return done;
}

/* Numbers too large for that: by comparison. */
static bool write_by_comparison(struct half *half, struct segment_writer *writer,
                                struct error *err)
{
    struct presence_event *events = x_alloc(half->count, sizeof *events);
    size_t kept = 0;
    memcpy(events, half->events, half->count * sizeof *events);
    events_sort(events, half->count, half->order);
    for (size_t i = 0; i < half->count; i++)
        if (!half->merge_doubles || kept == 0 || events[kept - 1].time != events[i].time ||
            events[kept - 1].venue != events[i].venue ||
            events[kept - 1].person != events[i].person)
            events[kept++] = events[i];
    half->rows = (int64_t)kept;
    half->merged = (int64_t)(half->count - kept);
    struct flag_dictionary numbers = *half->dictionary; /* only looked up: all pairs are in it */
    struct row_block *rows = x_alloc(1, sizeof *rows);
    int64_t start = time_day_start_seconds(half->day);
    bool done = true;
    for (size_t i = 0; done && i < kept; i += rows->count) {
        rows->count = kept - i < BLOCK_ROWS ? (uint32_t)(kept - i) : BLOCK_ROWS;
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
        struct layout layout = layout_of(half);
        done = layout.bits <= 64 ? write_by_radix(half, &layout, writer, err)
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

/* Highest numbers, and whether all events came by one import. */
static bool survey(const struct presence_event *restrict events, size_t count, struct half *half,
                   bool seen[256])
{
    uint32_t venue_high = 0, person_high = 0;
    uint16_t other_origin = 0;
    for (size_t i = 0; i < count; i++) {
        venue_high = events[i].venue > venue_high ? events[i].venue : venue_high;
        person_high = events[i].person > person_high ? events[i].person : person_high;
        other_origin |= events[i].origin ^ events[0].origin;
        seen[events[i].flags] = true;
    }
    half->venue_high = venue_high;
    half->person_high = person_high;
    return other_origin == 0;
}

static bool build(struct presence *presence, int32_t day, const struct presence_event *events,
                  size_t count, bool merge_doubles, struct segment **ret_segment,
                  int64_t *ret_merged, struct error *err)
{
    REQUIRE(count > 0);
    struct flag_dictionary dictionary;
    struct half venue, person, facts;
    uint32_t number_of[256] = {0}, *flag_of = NULL;
    bool seen[256] = {false};
    dictionary_init(&dictionary);
    if (survey(events, count, &facts, seen)) {
        for (unsigned flags = 0; flags < 256; flags++) /* numbers ascend with flags */
            if (seen[flags])
                number_of[flags] = dictionary_add(&dictionary, events[0].origin, (uint8_t)flags);
    } else {
        flag_of = x_alloc(count, sizeof *flag_of);
        for (size_t i = 0; i < count; i++)
            flag_of[i] = dictionary_add(&dictionary, events[i].origin, events[i].flags);
    }
    bool done = dictionary.count <= FLAG_DICTIONARY_MAX
                    ? true
                    : error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "presence"},
                                "fewer than 256 imports a day", "too many import origins");
    done = done && prepare_halves(presence, day, &dictionary, &venue, &person, err);
    if (done) {
        venue.events = events;
        venue.flag_of = flag_of;
        venue.number_of = flag_of ? NULL : number_of;
        venue.count = count;
        venue.venue_high = facts.venue_high;
        venue.person_high = facts.person_high;
        venue.merge_doubles = merge_doubles;
        person = venue;
        person.order = ORDER_PERSON;
        done = write_halves(&venue, &person, ret_segment, err);
        REQUIRE(!done || venue.rows == person.rows);
        *ret_merged = venue.merged;
    }
    free(flag_of);
    dictionary_release(&dictionary);
    return done;
}

bool segment_build(struct presence *presence, int32_t day, struct presence_event *events,
                   size_t count, struct segment **ret_segment, struct error *err)
{
    int64_t merged;
    return build(presence, day, events, count, false, ret_segment, &merged, err);
}

bool segment_build_unique(struct presence *presence, int32_t day,
                          const struct presence_event *events, size_t count,
                          struct segment **ret_segment, int64_t *ret_merged, struct error *err)
{
    return build(presence, day, events, count, true, ret_segment, ret_merged, err);
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
