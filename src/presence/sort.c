/* Sorting events into the two orders of a day.
 *
 * Where venue, second, person and flag fit into 64 bits together (a city: 18 + 17 + 23 + 3), an event
 * becomes one number and is sorted by least-significant-digit radix; else by comparison. */
#include <stdlib.h>

#include "presence/pages.h"
#include "presence/presence_internal.h"
#include "presence/sort.h"

int event_compare(const struct presence_event *a, const struct presence_event *b,
                  enum segment_order order)
{
    uint32_t a_first = order == ORDER_VENUE ? a->venue : a->person;
    uint32_t b_first = order == ORDER_VENUE ? b->venue : b->person;
    if (a_first != b_first)
        return a_first < b_first ? -1 : 1;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    uint32_t a_last = order == ORDER_VENUE ? a->person : a->venue;
    uint32_t b_last = order == ORDER_VENUE ? b->person : b->venue;
    if (a_last != b_last)
        return a_last < b_last ? -1 : 1;
    if (a->origin != b->origin)
        return a->origin < b->origin ? -1 : 1;
    return (a->flags > b->flags) - (a->flags < b->flags);
}

static int compare_by_venue(const void *a, const void *b)
{
    return event_compare(a, b, ORDER_VENUE);
}
static int compare_by_person(const void *a, const void *b)
{
    return event_compare(a, b, ORDER_PERSON);
}

void events_sort(struct presence_event *events, size_t count, enum segment_order order)
{
    if (count > 1)
        qsort(events, count, sizeof *events,
              order == ORDER_VENUE ? compare_by_venue : compare_by_person);
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES_MAX = (64 + DIGIT_BITS - 1) / DIGIT_BITS };

/* One counting pass; false where all keys share the digit (nothing moved). */
static bool radix_pass(const uint64_t *restrict from, uint64_t *restrict to, size_t count,
                       unsigned shift, size_t *restrict histogram)
{
    if (histogram[from[0] >> shift & (DIGITS - 1)] == count)
        return false;
    size_t sum = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t in_digit = histogram[d];
        histogram[d] = sum;
        sum += in_digit;
    }
    for (size_t i = 0; i < count; i++)
        to[histogram[from[i] >> shift & (DIGITS - 1)]++] = from[i];
    return true;
}

static unsigned bits_of(uint32_t value)
{
    return value ? 32u - (unsigned)__builtin_clz(value) : 1u;
}

void radix_sort(uint64_t *keys, uint64_t *scratch, size_t count, unsigned bits)
{
    size_t ordered = 1;
    while (ordered < count && keys[ordered - 1] <= keys[ordered])
        ordered++;
    if (ordered >= count)
        return;
    unsigned passes = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
    size_t(*histograms)[DIGITS] = x_alloc(PASSES_MAX, sizeof *histograms);
    for (size_t i = 0; i < count; i++)
        for (unsigned pass = 0; pass < passes; pass++)
            histograms[pass][keys[i] >> (pass * DIGIT_BITS) & (DIGITS - 1)]++;
    uint64_t *from = keys, *to = scratch;
    for (unsigned pass = 0; pass < passes; pass++)
        if (radix_pass(from, to, count, pass * DIGIT_BITS, histograms[pass])) {
            uint64_t *swap = from;
            from = to;
            to = swap;
        }
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
    free(histograms);
}

/* ---- In parts: key and time by radix, the rest within each group of equals */

enum { PART_DIGIT_BITS_MAX = 12, PART_DIGITS = 1 << PART_DIGIT_BITS_MAX, INSERTION_MAX = 24 };

/* Stable passes over the bits [from_bit, end_bit); gives back where the keys are, *other the rest. */
static uint64_t *sort_bits(uint64_t *keys, uint64_t **other, size_t count, unsigned from_bit,
                           unsigned end_bit)
{
    size_t starts[PART_DIGITS];
    unsigned bits = end_bit - from_bit;
    unsigned passes = (bits + PART_DIGIT_BITS_MAX - 1) / PART_DIGIT_BITS_MAX;
    unsigned width = passes ? (bits + passes - 1) / passes : 0;
    for (unsigned pass = 0, shift = from_bit; pass < passes; pass++, shift += width) {
        const uint64_t mask = ((uint64_t)1 << (end_bit - shift < width ? end_bit - shift : width)) - 1;
        const uint64_t *restrict in = keys;
        uint64_t *restrict out = *other;
        memset(starts, 0, (mask + 1) * sizeof *starts);
        for (size_t i = 0; i < count; i++)
            starts[in[i] >> shift & mask]++;
        for (size_t digit = 0, sum = 0; digit <= mask; digit++) {
            size_t in_digit = starts[digit];
            starts[digit] = sum;
            sum += in_digit;
        }
        for (size_t i = 0; i < count; i++)
            out[starts[in[i] >> shift & mask]++] = in[i];
        *other = keys;
        keys = out;
    }
    return keys;
}

static void insertion_sort(uint64_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        size_t at = i;
        for (; at > 0 && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* Orders each group of keys that are equal from `low_at` up. */
static void sort_groups(uint64_t *keys, uint64_t *scratch, size_t count, unsigned low_at)
{
    for (size_t first = 0, end; first < count; first = end) {
        uint64_t group = keys[first] >> low_at;
        for (end = first + 1; end < count && keys[end] >> low_at == group; end++)
            ;
        if (end - first > INSERTION_MAX)
            radix_sort(keys + first, scratch, end - first, low_at);
        else
            insertion_sort(keys + first, end - first);
    }
}

void radix_sort_parts(uint64_t *keys, uint64_t *scratch, size_t count, unsigned low_at,
                      unsigned high_at, unsigned bits)
{
    if (count <= INSERTION_MAX) {
        insertion_sort(keys, count);
        return;
    }
    uint64_t middle = ((uint64_t)1 << (high_at - low_at)) - 1;
    size_t in_order = 1;
    while (in_order < count &&
           (keys[in_order - 1] >> low_at & middle) <= (keys[in_order] >> low_at & middle))
        in_order++;
    uint64_t *from = keys, *other = scratch;
    if (in_order < count)
        from = sort_bits(from, &other, count, low_at, high_at);
    from = sort_bits(from, &other, count, high_at, bits);
    sort_groups(from, other, count, low_at);
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
}

enum { TIME_BITS = 17, SMALL_COUNT = 256 };

void events_sort_day(struct presence_event *events, size_t count, int32_t day)
{
    uint32_t venue_high = 0, person_high = 0;
    unsigned flag_count = 0;
    uint8_t number_of[256] = {0}, flags_of[256] = {0};
    bool seen[256] = {false};
    for (size_t i = 0; i < count; i++) {
        venue_high = events[i].venue > venue_high ? events[i].venue : venue_high;
        person_high = events[i].person > person_high ? events[i].person : person_high;
        seen[events[i].flags] = true;
    }
    for (unsigned f = 0; f < 256; f++) /* numbers ascend with flags: the order of event_compare */
        if (seen[f]) {
            number_of[f] = (uint8_t)flag_count;
            flags_of[flag_count++] = (uint8_t)f;
        }
    unsigned person_at = flag_count ? bits_of(flag_count - 1) : 1;
    unsigned time_at = person_at + bits_of(person_high), venue_at = time_at + TIME_BITS;
    unsigned bits = venue_at + bits_of(venue_high);
    if (count < SMALL_COUNT || bits > 64) {
        events_sort(events, count, ORDER_VENUE);
        return;
    }
    uint16_t origin = events[0].origin;
    int64_t start = time_day_start_seconds(day);
    uint64_t *keys = pages_alloc(count * 2 * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = number_of[events[i].flags] | (uint64_t)events[i].person << person_at |
                  (uint64_t)(events[i].time - start) << time_at |
                  (uint64_t)events[i].venue << venue_at;
    radix_sort_parts(keys, keys + count, count, time_at, venue_at, bits);
    for (size_t i = 0; i < count; i++)
        events[i] = (struct presence_event){
            .venue = (uint32_t)(keys[i] >> venue_at),
            .time = (uint32_t)(start + (int64_t)(keys[i] >> time_at & bits_mask(TIME_BITS))),
            .person = (uint32_t)(keys[i] >> person_at & bits_mask(time_at - person_at)),
            .flags = flags_of[keys[i] & bits_mask(person_at)],
            .origin = origin};
    pages_free(keys, count * 2 * sizeof *keys);
}
