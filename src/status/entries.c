/* The entries of the status table: read without a lock, written by one at a time.
 *
 * A reader takes a, b, and a again: where the version in a is odd or has moved on, it reads anew, so
 * that it never sees the half of one decision with the half of another. The writer raises the version
 * to odd, stores b, stores a with the next even version; the release order of these three is what the
 * reader's acquires stand on. Chunks never move and are never freed while the table is open.
 *
 * Every entry has a wake: the second at which it must be derived anew (its colour ends, or a piece or
 * a report that lies in the future begins to count). The heap orders wakes; an item whose wake is no
 * longer its person's is stale and is dropped when it is met, and the heap is made anew when more
 * than half of it is stale, so that it stays within twice the persons that have a wake. */
#include <sched.h>
#include <stdlib.h>

#include "status/status_internal.h"

enum { HEAP_SLACK = 1024, SPINS = 64 };

static struct chunk *chunk_of(const struct status_table *table, uint32_t person)
{
    return atomic_load_explicit(&table->chunks[person / CHUNK_ENTRIES], memory_order_acquire);
}

/* ---- Reading */

static void read_words(const struct word_pair *words, uint64_t *ret_a, uint64_t *ret_b)
{
    for (unsigned spins = 1;; spins++) {
        uint64_t a = atomic_load_explicit(&words->a, memory_order_acquire);
        uint64_t b = atomic_load_explicit(&words->b, memory_order_acquire);
        bool whole = !(a & ENTRY_VERSION_ONE) &&
                     a == atomic_load_explicit(&words->a, memory_order_relaxed);
        if (whole) {
            *ret_a = a;
            *ret_b = b;
            return;
        }
        if (spins % SPINS == 0)
            sched_yield(); /* the writer was put aside between its three stores */
    }
}

struct status_entry status_get(const struct status_table *table, struct person_no person,
                               timestamp now)
{
    struct status_entry entry = {.color = COLOR_UNKNOWN, .next_color = COLOR_UNKNOWN};
    uint64_t a, b;
    if (person.n == 0 ||
        person.n > atomic_load_explicit(&table->known, memory_order_acquire))
        return entry;
    read_words(&chunk_of(table, person.n)->entries[person.n % CHUNK_ENTRIES], &a, &b);
    entry = (struct status_entry){.until = (uint32_t)a,
                                  .last_negative = (uint32_t)b,
                                  .since = (uint32_t)(b >> 32),
                                  .color = a >> 32 & 15,
                                  .next_color = a >> 36 & 15,
                                  .session_epoch = (uint8_t)(a >> ENTRY_EPOCH_SHIFT),
                                  .flags = STATUS_KNOWN};
    if (entry.until && (timestamp)entry.until * SECOND <= now) {
        entry.color = entry.next_color;
        entry.since = entry.until;
        entry.until = 0;
    }
    return entry;
}

struct derived entries_get(const struct status_table *table, uint32_t person)
{
    const struct chunk *chunk = chunk_of(table, person);
    const struct word_pair *words = &chunk->entries[person % CHUNK_ENTRIES];
    return (struct derived){atomic_load_explicit(&words->a, memory_order_relaxed) &
                                ENTRY_KEPT_MASK,
                            atomic_load_explicit(&words->b, memory_order_relaxed),
                            chunk->wake[person % CHUNK_ENTRIES]};
}

/* ---- Writing. Under lock, or several threads on persons of their own while it is held. */

void entries_put(struct status_table *table, uint32_t person, const struct derived *derived)
{
    struct chunk *chunk = chunk_of(table, person);
    struct word_pair *words = &chunk->entries[person % CHUNK_ENTRIES];
    uint64_t a = atomic_load_explicit(&words->a, memory_order_relaxed);
    uint64_t b = atomic_load_explicit(&words->b, memory_order_relaxed);
    chunk->wake[person % CHUNK_ENTRIES] = derived->wake;
    if ((a & ENTRY_DERIVED_MASK) == (derived->a & ENTRY_DERIVED_MASK) && b == derived->b)
        return;
    uint64_t writing = a + ENTRY_VERSION_ONE;
    uint64_t kept = (writing + ENTRY_VERSION_ONE) & ~ENTRY_DERIVED_MASK;
    REQUIRE(writing & ENTRY_VERSION_ONE);
    atomic_store_explicit(&words->a, writing, memory_order_relaxed);
    atomic_store_explicit(&words->b, derived->b, memory_order_release);
    atomic_store_explicit(&words->a, kept | (derived->a & ENTRY_DERIVED_MASK),
                          memory_order_release);
    unsigned before = a >> 32 & 15, after = derived->a >> 32 & 15;
    if (before != after) {
        atomic_fetch_sub_explicit(&table->counts[before], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&table->counts[after], 1, memory_order_relaxed);
    }
}

void entries_restore(struct status_table *table, uint32_t person, const struct derived *derived)
{
    struct word_pair *words = &chunk_of(table, person)->entries[person % CHUNK_ENTRIES];
    entries_put(table, person, derived);
    uint64_t a = atomic_load_explicit(&words->a, memory_order_relaxed);
    uint64_t epoch = derived->a & ENTRY_KEPT_MASK & ~ENTRY_DERIVED_MASK;
    atomic_store_explicit(&words->a, (a & ~(ENTRY_KEPT_MASK & ~ENTRY_DERIVED_MASK)) | epoch,
                          memory_order_release);
}

void entries_reserve(struct status_table *table, uint32_t known, uint32_t highest)
{
    REQUIRE(highest >= known);
    for (uint32_t c = known / CHUNK_ENTRIES; c <= highest / CHUNK_ENTRIES; c++)
        if (!atomic_load(&table->chunks[c]))
            atomic_store_explicit(&table->chunks[c], x_alloc(1, sizeof(struct chunk)),
                                  memory_order_release);
    atomic_fetch_add(&table->counts[COLOR_GREEN], (int64_t)highest - known);
}

void entries_forget(struct status_table *table, uint32_t highest)
{
    static const struct derived nothing;
    uint32_t known = atomic_load(&table->known);
    if (highest >= known)
        return;
    atomic_store_explicit(&table->known, highest, memory_order_release);
    for (uint32_t person = known; person > highest; person--)
        entries_put(table, person, &nothing);
    atomic_fetch_sub(&table->counts[COLOR_GREEN], (int64_t)known - highest);
    entries_rebuild_heap(table);
}

/* ---- Wakes */

static void sift_down(struct waking *heap, size_t count, size_t at)
{
    struct waking item = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && heap[child + 1].wake < heap[child].wake)
            child++;
        if (heap[child].wake >= item.wake)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static void heap_add(struct status_table *table, struct waking item)
{
    if (table->heap_count == table->heap_capacity) {
        table->heap_capacity = table->heap_capacity ? table->heap_capacity * 2 : HEAP_SLACK;
        table->heap = x_realloc(table->heap, table->heap_capacity * sizeof *table->heap);
    }
    table->heap[table->heap_count++] = item;
}

void entries_rebuild_heap(struct status_table *table)
{
    uint32_t known = atomic_load(&table->known);
    table->heap_count = 0;
    for (uint32_t person = 1; person <= known; person++) {
        uint32_t wake = chunk_of(table, person)->wake[person % CHUNK_ENTRIES];
        if (wake)
            heap_add(table, (struct waking){wake, person});
    }
    table->wake_count = table->heap_count;
    for (size_t at = table->heap_count / 2; at-- > 0;)
        sift_down(table->heap, table->heap_count, at);
}

void entries_put_waking(struct status_table *table, uint32_t person,
                        const struct derived *derived)
{
    uint32_t before = chunk_of(table, person)->wake[person % CHUNK_ENTRIES];
    entries_put(table, person, derived);
    table->wake_count += (derived->wake != 0) - (before != 0);
    if (!derived->wake || derived->wake == before)
        return; /* where it is the same, its item still lies in the heap */
    heap_add(table, (struct waking){derived->wake, person});
    size_t at = table->heap_count - 1;
    while (at && table->heap[(at - 1) / 2].wake > derived->wake) {
        table->heap[at] = table->heap[(at - 1) / 2];
        at = (at - 1) / 2;
        table->heap[at] = (struct waking){derived->wake, person};
    }
    if (table->heap_count > 2 * table->wake_count + HEAP_SLACK)
        entries_rebuild_heap(table);
}

uint32_t entries_take_due(struct status_table *table, uint32_t now)
{
    while (table->heap_count && table->heap[0].wake <= now) {
        struct waking item = table->heap[0];
        table->heap[0] = table->heap[--table->heap_count];
        if (table->heap_count)
            sift_down(table->heap, table->heap_count, 0);
        if (item.person > atomic_load(&table->known) ||
            entries_get(table, item.person).wake != item.wake)
            continue;
        return item.person; /* whoever derives it sets another wake */
    }
    return 0;
}
