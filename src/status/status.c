/* The status table: one small entry a person in memory, derived from evidence.
 *
 * Words: an entry is two atomic words, so that the scan path reads without a lock: A = until, colour,
 * next colour, epoch, flags; B = last negative, since. Entries lie in chunks that never move.
 * Invariants: 1 only `derive` writes entries, under `lock`; 2 after catch_up returned, the table equals
 * a full derivation at the event number it reports; 3 a snapshot is taken whole or not at all. */
#include "status/status.h"

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "status/status_internal.h"

enum { CHUNK_ENTRIES = 1 << 16, CHUNKS = 1 << 16, COLORS = 4 };

static const struct sql_text person_highest = {
    "person_highest", "SELECT max(person_no) FROM person", "primary key"};

struct word_pair {
    _Atomic uint64_t a, b;
};
struct pending {
    uint32_t until, person;
};

struct status_table {
    struct platform *platform;
    _Atomic(struct word_pair *) chunks[CHUNKS];
    atomic_uint known; /* persons 1 … known exist */
    _Atomic int64_t counts[COLORS];
    pthread_mutex_t lock; /* owns the rest, and writing */
    int64_t event_no;
    struct pending *heap; /* by until; entries may be stale */
    size_t heap_count, heap_capacity;
    struct arena scratch;
};

static uint32_t seconds_of(timestamp time)
{
    return time == TIMESTAMP_NONE ? 0 : (uint32_t)(time / SECOND);
}

/* ---- Entries */

static struct word_pair *entry_at(const struct status_table *table, uint32_t person)
{
    struct word_pair *chunk =
        atomic_load_explicit(&table->chunks[person / CHUNK_ENTRIES], memory_order_acquire);
    return chunk ? &chunk[person % CHUNK_ENTRIES] : NULL;
}

static struct status_entry unpack(uint64_t a, uint64_t b)
{
    return (struct status_entry){.until = (uint32_t)a,
                                 .color = (uint8_t)(a >> 32),
                                 .next_color = (uint8_t)(a >> 40),
                                 .session_epoch = (uint8_t)(a >> 48),
                                 .flags = (uint8_t)(a >> 56),
                                 .last_negative = (uint32_t)b,
                                 .since = (uint32_t)(b >> 32)};
}

struct status_entry status_get(const struct status_table *table, struct person_no person,
                               timestamp now)
{
    struct status_entry entry = {.color = COLOR_UNKNOWN, .next_color = COLOR_UNKNOWN};
    const struct word_pair *words = entry_at(table, person.n);
    if (!words || person.n == 0 || person.n > atomic_load(&table->known))
        return entry;
    entry = unpack(atomic_load_explicit(&words->a, memory_order_acquire),
                   atomic_load_explicit(&words->b, memory_order_relaxed));
    entry.flags |= STATUS_KNOWN;
    if (entry.until && (timestamp)entry.until * SECOND <= now) {
        entry.color = entry.next_color;
        entry.since = entry.until;
        entry.until = 0;
    }
    return entry;
}

static void heap_push(struct status_table *table, struct pending item)
{
    if (table->heap_count == table->heap_capacity) {
        table->heap_capacity = table->heap_capacity ? table->heap_capacity * 2 : 1024;
        table->heap = x_realloc(table->heap, table->heap_capacity * sizeof *table->heap);
    }
    size_t at = table->heap_count++;
    while (at && table->heap[(at - 1) / 2].until > item.until) {
        table->heap[at] = table->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    table->heap[at] = item;
}

static struct pending heap_pop(struct status_table *table)
{
    struct pending top = table->heap[0], last = table->heap[--table->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= table->heap_count)
            break;
        if (child + 1 < table->heap_count &&
            table->heap[child + 1].until < table->heap[child].until)
            child++;
        if (table->heap[child].until >= last.until)
            break;
        table->heap[at] = table->heap[child];
        at = child;
    }
    table->heap[at] = last;
    return top;
}

/* Makes room for persons up to `highest`; new ones are green, since no evidence says otherwise. */
static void know_up_to(struct status_table *table, uint32_t highest)
{
    uint32_t known = atomic_load(&table->known);
    if (highest <= known)
        return;
    for (uint32_t c = known / CHUNK_ENTRIES; c <= highest / CHUNK_ENTRIES; c++)
        if (!atomic_load(&table->chunks[c]))
            atomic_store_explicit(&table->chunks[c],
                                  x_alloc(CHUNK_ENTRIES, sizeof(struct word_pair)),
                                  memory_order_release);
    atomic_fetch_add(&table->counts[COLOR_GREEN], (int64_t)highest - known);
    atomic_store(&table->known, highest);
}

static void put_entry(struct status_table *table, uint32_t person, const struct decision *decision)
{
    know_up_to(table, person);
    struct word_pair *words = entry_at(table, person);
    uint64_t old = atomic_load(&words->a);
    uint32_t until = seconds_of(decision->until);
    uint64_t a = until | (uint64_t)decision->color << 32 | (uint64_t)decision->next_color << 40 |
                 (old & (uint64_t)0xFF << 48);
    uint64_t b = seconds_of(decision->last_negative_sampled_at) |
                 (uint64_t)seconds_of(decision->since) << 32;
    atomic_fetch_sub(&table->counts[old >> 32 & 3], 1);
    atomic_fetch_add(&table->counts[decision->color], 1);
    atomic_store_explicit(&words->b, b, memory_order_relaxed);
    atomic_store_explicit(&words->a, a, memory_order_release);
    if (until)
        heap_push(table, (struct pending){until, person});
}

/* ---- Deriving. All under lock. */

static const struct rule_set *rules_now(const struct status_table *table, timestamp now)
{
    return policy_rules_in_force(table->platform->policy, now);
}

struct derivation {
    struct status_table *table;
    const struct rule_set *rules;
    timestamp now;
};

static void derive_one(void *context, struct person_no person, const struct evidence *pieces,
                       size_t count, struct arena *arena)
{
    struct derivation *d = context;
    struct decision decision;
    policy_decide(d->rules, pieces, count, d->now, false, arena, &decision);
    put_entry(d->table, person.n, &decision);
}

static bool no_rules(struct error *err)
{
    return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "policies/rules"},
                     "a rule set in force today", "no rule set is in force");
}

static bool know_persons(struct status_table *table, struct sql *sql, struct error *err)
{
    int64_t highest;
    if (!sql_one_int(sql, &person_highest, NULL, 0, 0, &highest, err))
        return false;
    know_up_to(table, (uint32_t)highest);
    return true;
}

static void forget_all(struct status_table *table)
{
    uint32_t known = atomic_exchange(&table->known, 0);
    for (uint32_t c = 0; known && c <= known / CHUNK_ENTRIES; c++) {
        struct word_pair *chunk = atomic_load(&table->chunks[c]);
        for (size_t i = 0; i < CHUNK_ENTRIES; i++) {
            atomic_store(&chunk[i].a, 0);
            atomic_store(&chunk[i].b, 0);
        }
    }
    for (int color = 0; color < COLORS; color++)
        atomic_store(&table->counts[color], 0);
    table->heap_count = 0;
}

static bool derive_all(struct status_table *table, struct sql *sql, struct error *err)
{
    timestamp now = world_now(table->platform->world);
    struct derivation d = {table, rules_now(table, now), now};
    if (!d.rules)
        return no_rules(err);
    forget_all(table);
    return know_persons(table, sql, err) && event_last(sql, &table->event_no, err) &&
           evidence_each_person(sql, derive_one, &d, err);
}

static bool derive_person(struct status_table *table, struct sql *sql, uint32_t person,
                          struct error *err)
{
    struct evidence *pieces;
    size_t count;
    timestamp now = world_now(table->platform->world);
    struct derivation d = {table, rules_now(table, now), now};
    arena_clear(&table->scratch);
    if (!d.rules)
        return no_rules(err);
    if (!evidence_of_person(sql, (struct person_no){person}, &table->scratch, &pieces, &count,
                            err))
        return false;
    derive_one(&d, (struct person_no){person}, pieces, count, &table->scratch);
    return true;
}

struct following {
    struct status_table *table;
    uint32_t persons[1024];
    size_t count;
    bool everything;
    int64_t last_no;
};

static bool follow_event(const struct event *event, void *context, struct error *err)
{
    (void)err;
    struct following *f = context;
    f->last_no = event->no;
    if (slice_equal(event->kind, SLICE("evidence.bulk")))
        f->everything = true;
    if (slice_equal(event->kind, SLICE("evidence.recorded")))
        f->persons[f->count++] = (uint32_t)event->subject_no;
    return true;
}

static bool follow(struct status_table *table, struct sql *sql, struct error *err)
{
    struct following f = {.table = table};
    do {
        f.count = 0;
        f.last_no = table->event_no;
        if (!event_read(sql, table->event_no, 1024, follow_event, &f, err))
            return false;
        if (f.everything)
            return derive_all(table, sql, err);
        for (size_t i = 0; i < f.count; i++)
            if (!derive_person(table, sql, f.persons[i], err))
                return false;
        bool more = f.last_no != table->event_no;
        table->event_no = f.last_no;
        if (!more)
            break;
    } while (true);
    return know_persons(table, sql, err);
}

static bool expire(struct status_table *table, struct sql *sql, struct error *err)
{
    uint32_t now = (uint32_t)(world_now(table->platform->world) / SECOND);
    while (table->heap_count && table->heap[0].until <= now) {
        struct pending item = heap_pop(table);
        const struct word_pair *words = entry_at(table, item.person);
        if (words && (uint32_t)atomic_load(&words->a) == item.until &&
            !derive_person(table, sql, item.person, err))
            return false;
    }
    return true;
}

bool status_catch_up(struct status_table *table, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(table->platform->store, &sql, err))
        return false;
    pthread_mutex_lock(&table->lock);
    bool done = follow(table, sql, err) && expire(table, sql, err);
    pthread_mutex_unlock(&table->lock);
    store_read_end(table->platform->store, sql);
    return done;
}

void status_counts(const struct status_table *table, int64_t counts[4])
{
    for (int color = 0; color < COLORS; color++)
        counts[color] = atomic_load(&table->counts[color]);
}

uint32_t status_known(const struct status_table *table)
{
    return atomic_load(&table->known);
}

/* ---- Snapshot: header, then chunks of entries, each encrypted with its number as associated data */

struct snapshot_header {
    char magic[8];
    int64_t event_no;
    int64_t taken_at;
    uint32_t known;
    uint32_t rules; /* CRC32C of the rule set's version: another version derives anew */
};
_Static_assert(sizeof(struct snapshot_header) == 32, "the snapshot's header is 32 bytes");
enum {
    SNAPSHOT_NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SNAPSHOT_TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    CHUNK_BYTES = CHUNK_ENTRIES * 16,
    SEALED_BYTES = SNAPSHOT_NONCE + CHUNK_BYTES + SNAPSHOT_TAG,
};

static uint32_t rules_mark(const struct status_table *table, timestamp now)
{
    const struct rule_set *rules = rules_now(table, now);
    const char *version = rules ? rule_set_version(rules) : "";
    const char *name = rules ? rule_set_name(rules) : "";
    return hash_crc32c(hash_crc32c(0, name, strlen(name)), version, strlen(version));
}

static size_t chunk_count(uint32_t known)
{
    return known / CHUNK_ENTRIES + 1;
}

static void associated_data(const struct snapshot_header *header, uint32_t chunk,
                            unsigned char out[36])
{
    memcpy(out, header, 32);
    memcpy(out + 32, &chunk, 4);
}

static bool snapshot_write(struct status_table *table, struct error *err)
{
    timestamp now = world_now(table->platform->world);
    struct snapshot_header header = {.magic = {'C', 'M', 'S', 'T', 'A', 'T', 'U', '1'},
                                     .event_no = table->event_no,
                                     .taken_at = now,
                                     .known = atomic_load(&table->known),
                                     .rules = rules_mark(table, now)};
    const unsigned char *key = keys_of(store_keys(table->platform->store), KEY_SNAPSHOT);
    size_t chunks = chunk_count(header.known);
    size_t bytes = sizeof header + chunks * SEALED_BYTES;
    unsigned char *out = x_alloc(1, bytes), associated[36];
    memcpy(out, &header, sizeof header);
    uint64_t *plain = x_alloc(CHUNK_ENTRIES, 16);
    for (uint32_t c = 0; c < chunks; c++) {
        struct word_pair *chunk = atomic_load(&table->chunks[c]);
        for (size_t i = 0; chunk && i < CHUNK_ENTRIES; i++) {
            plain[2 * i] = atomic_load(&chunk[i].a);
            plain[2 * i + 1] = atomic_load(&chunk[i].b);
        }
        unsigned char *at = out + sizeof header + (size_t)c * SEALED_BYTES;
        randombytes_buf(at, SNAPSHOT_NONCE);
        associated_data(&header, c, associated);
        crypto_aead_xchacha20poly1305_ietf_encrypt(at + SNAPSHOT_NONCE, NULL,
                                                   (unsigned char *)plain, CHUNK_BYTES, associated,
                                                   sizeof associated, NULL, at, key);
    }
    bool done = file_replace(store_directory_fd(table->platform->store), "status.snapshot", out,
                             bytes, err);
    free(plain);
    free(out);
    return done;
}

static void take_entry(struct status_table *table, uint32_t person, uint64_t a, uint64_t b)
{
    struct word_pair *words = entry_at(table, person);
    atomic_fetch_sub(&table->counts[COLOR_GREEN], 1);
    atomic_fetch_add(&table->counts[a >> 32 & 3], 1);
    atomic_store(&words->b, b);
    atomic_store(&words->a, a);
    if ((uint32_t)a)
        heap_push(table, (struct pending){(uint32_t)a, person});
}

static bool snapshot_chunks(struct status_table *table, int fd,
                            const struct snapshot_header *header, struct error *err)
{
    const unsigned char *key = keys_of(store_keys(table->platform->store), KEY_SNAPSHOT);
    unsigned char *sealed = x_alloc(1, SEALED_BYTES), associated[36];
    uint64_t *plain = x_alloc(CHUNK_ENTRIES, 16);
    bool done = true;
    know_up_to(table, header->known);
    for (uint32_t c = 0; done && c < chunk_count(header->known); c++) {
        associated_data(header, c, associated);
        done = file_read_at(fd, sealed, SEALED_BYTES,
                            (off_t)(sizeof *header + (size_t)c * SEALED_BYTES), "status.snapshot",
                            err) &&
               crypto_aead_xchacha20poly1305_ietf_decrypt(
                   (unsigned char *)plain, NULL, NULL, sealed + SNAPSHOT_NONCE,
                   CHUNK_BYTES + SNAPSHOT_TAG, associated, sizeof associated, sealed, key) == 0;
        for (uint32_t i = 0; done && i < CHUNK_ENTRIES; i++) {
            uint32_t person = c * CHUNK_ENTRIES + i;
            if (person >= 1 && person <= header->known && (plain[2 * i] || plain[2 * i + 1]))
                take_entry(table, person, plain[2 * i], plain[2 * i + 1]);
        }
    }
    free(sealed);
    free(plain);
    return done;
}

/* True where a good snapshot of these rules was loaded. */
static bool snapshot_load(struct status_table *table)
{
    struct error err;
    struct snapshot_header header;
    int fd = openat(store_directory_fd(table->platform->store), "status.snapshot",
                    O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = file_read_at(fd, &header, sizeof header, 0, "status.snapshot", &err) &&
                memcmp(header.magic, "CMSTATU1", 8) == 0 && header.known < UINT32_MAX / 2 &&
                header.rules == rules_mark(table, world_now(table->platform->world)) &&
                snapshot_chunks(table, fd, &header, &err);
    close(fd);
    if (done)
        table->event_no = header.event_no;
    else
        forget_all(table);
    return done;
}

/* ---- Opening */

bool status_open(struct platform *platform, struct status_table **ret_table, struct error *err)
{
    struct status_table *table = x_alloc(1, sizeof *table);
    struct sql *sql;
    table->platform = platform;
    pthread_mutex_init(&table->lock, NULL);
    arena_init(&table->scratch, (size_t)256 << 20);
    bool done = true;
    if (!snapshot_load(table)) {
        done = store_read_begin(platform->store, &sql, err);
        if (done) {
            done = derive_all(table, sql, err);
            store_read_end(platform->store, sql);
        }
    }
    if (!done || !status_catch_up(table, err)) {
        platform->status = NULL;
        status_free(table);
        return false;
    }
    *ret_table = table;
    return true;
}

void status_free(struct status_table *table)
{
    for (size_t c = 0; c < CHUNKS; c++)
        free(atomic_load(&table->chunks[c]));
    pthread_mutex_destroy(&table->lock);
    arena_release(&table->scratch);
    free(table->heap);
    free(table);
}

bool status_snapshot(struct status_table *table, struct error *err)
{
    pthread_mutex_lock(&table->lock);
    bool done = snapshot_write(table, err);
    pthread_mutex_unlock(&table->lock);
    return done;
}

void status_close(struct status_table *table)
{
    if (!table)
        return;
    struct error err; /* without a snapshot the next opening derives from evidence */
    if (!status_snapshot(table, &err))
        log_error("status", &err);
    status_free(table);
}

/* ---- Proof */

struct verification {
    struct status_table *table;
    const struct rule_set *rules;
    timestamp now;
    int64_t checked, wrong;
};

static void verify_one(void *context, struct person_no person, const struct evidence *pieces,
                       size_t count, struct arena *arena)
{
    struct verification *v = context;
    struct decision decision;
    policy_decide(v->rules, pieces, count, v->now, false, arena, &decision);
    struct status_entry entry = status_get(v->table, person, v->now);
    v->checked++;
    v->wrong += entry.color != decision.color || entry.until != seconds_of(decision.until) ||
                entry.last_negative != seconds_of(decision.last_negative_sampled_at);
}

bool status_verify(struct status_table *table, int64_t *ret_checked, int64_t *ret_wrong,
                   struct error *err)
{
    struct sql *sql;
    if (!status_catch_up(table, err) || !store_read_begin(table->platform->store, &sql, err))
        return false;
    timestamp now = world_now(table->platform->world);
    struct verification v = {.table = table, .rules = rules_now(table, now), .now = now};
    bool done = v.rules ? evidence_each_person(sql, verify_one, &v, err) : no_rules(err);
    store_read_end(table->platform->store, sql);
    *ret_checked = v.checked;
    *ret_wrong = v.wrong;
    return done;
}

bool status_decide_at(struct platform *platform, struct person_no person, timestamp at,
                      struct arena *arena, struct decision *ret_decision, struct error *err)
{
    struct sql *sql;
    struct evidence *pieces;
    size_t count;
    const struct rule_set *rules = policy_rules_in_force(platform->policy, at);
    if (!rules)
        return no_rules(err);
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = evidence_of_person(sql, person, arena, &pieces, &count, err);
    store_read_end(platform->store, sql);
    if (done)
        policy_decide(rules, pieces, count, at, true, arena, ret_decision);
    return done;
}
