/* The snapshot of the status table: what a restart loads instead of deriving everybody.
 *
 *   header 48 | chunk 0: nonce 24, cipher 1 MiB, tag 16 | chunk 1 … | wakes: nonce, cipher, tag
 *
 * Colours by number are data about people: every part is encrypted (XChaCha20-Poly1305, KEY_SNAPSHOT)
 * with the header and the part's number as associated data, so that nothing can be altered, cut, moved
 * or mixed. Wakes are those that differ from the end of the colour, as pairs of person and second.
 *
 * Invariant: a snapshot is taken whole or not at all, and only where the database still holds the event
 * it followed up to, the same rules are in force, and the clock has not gone back behind it. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "status/status_internal.h"

static const char file_name[] = "status.snapshot";

struct snapshot_header {
    char magic[8];
    int64_t event_no;
    int64_t taken_at; /* city time, microseconds */
    uint32_t known;
    uint32_t rules; /* CRC32C of name and version of the rule set */
    uint32_t event; /* CRC32C of the event `event_no`: another history derives anew */
    uint32_t wakes;
    int64_t reserved;
};
_Static_assert(sizeof(struct snapshot_header) == 48, "the snapshot's header is 48 bytes");
static const char magic[8] = {'C', 'M', 'S', 'T', 'A', 'T', 'U', '2'};

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SEAL = NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
    CHUNK_BYTES = CHUNK_ENTRIES * 16,
    ASSOCIATED_BYTES = sizeof(struct snapshot_header) + 4,
};

static size_t chunk_count(uint32_t known)
{
    return known / CHUNK_ENTRIES + 1;
}

static size_t file_bytes(const struct snapshot_header *header)
{
    return sizeof *header + chunk_count(header->known) * (SEAL + (size_t)CHUNK_BYTES) + SEAL +
           8 * (size_t)header->wakes;
}

static void associated_data(const struct snapshot_header *header, size_t part,
                            unsigned char out[ASSOCIATED_BYTES])
{
    uint32_t number = (uint32_t)part;
    memcpy(out, header, sizeof *header);
    memcpy(out + sizeof *header, &number, sizeof number);
}

static const unsigned char *snapshot_key(const struct status_table *table)
{
    return keys_of(store_keys(table->platform->store), KEY_SNAPSHOT);
}

/* ---- What it belongs to */

static uint32_t rules_mark(const struct rule_set *rules)
{
    const char *name = rule_set_name(rules), *version = rule_set_version(rules);
    return hash_crc32c(hash_crc32c(0, name, strlen(name) + 1), version, strlen(version));
}

static bool mark_event(const struct event *event, void *context, struct error *err)
{
    (void)err;
    uint32_t *mark = context;
    int64_t numbers[4] = {event->no, event->subject_no, event->at, event->recorded_at};
    *mark = hash_crc32c(0, numbers, sizeof numbers);
    *mark = hash_crc32c(*mark, event->kind.data, event->kind.length);
    return true;
}

/* Of the event with that number; 0 for none yet. False where the database has no such event. */
static bool event_mark(struct sql *sql, int64_t no, uint32_t *ret_mark, struct error *err)
{
    int64_t last;
    *ret_mark = 0;
    if (!event_last(sql, &last, err))
        return false;
    if (no > last)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = file_name}, NULL,
                         "it is ahead of the event log");
    return no == 0 || event_read(sql, no - 1, 1, mark_event, ret_mark, err);
}

/* ---- Writing */

static unsigned char *put_part(unsigned char *at, const struct status_table *table,
                               const struct snapshot_header *header, size_t part,
                               const void *plain, size_t bytes)
{
    unsigned char associated[ASSOCIATED_BYTES];
    randombytes_buf(at, NONCE);
    associated_data(header, part, associated);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE, NULL, plain, bytes, associated,
                                               sizeof associated, NULL, at, snapshot_key(table));
    return at + SEAL + bytes;
}

/* Wakes that are not the end of a colour; freed by the caller. */
static struct waking *gather_wakes(const struct status_table *table, uint32_t known,
                                   uint32_t *ret_count)
{
    struct waking *wakes = NULL;
    uint32_t count = 0, capacity = 0;
    for (uint32_t person = 1; person <= known; person++) {
        struct derived entry = entries_get(table, person);
        if (entry.wake == (uint32_t)entry.a)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            wakes = x_realloc(wakes, capacity * sizeof *wakes);
        }
        wakes[count++] = (struct waking){entry.wake, person};
    }
    *ret_count = count;
    return wakes;
}

static bool write_file(const struct status_table *table, const struct snapshot_header *header,
                       const struct waking *wakes, struct error *err)
{
    size_t bytes = file_bytes(header);
    unsigned char *out = x_try_alloc(1, bytes);
    if (!out)
        return error_set(err, ERROR_MEMORY, (struct error_place){.source = file_name}, NULL,
                         "no memory for the snapshot");
    uint64_t *plain = x_alloc(CHUNK_ENTRIES, 16);
    unsigned char *at = out + sizeof *header;
    memcpy(out, header, sizeof *header);
    for (size_t c = 0; c < chunk_count(header->known); c++) {
        memset(plain, 0, CHUNK_BYTES);
        for (uint32_t i = 0; i < CHUNK_ENTRIES; i++) {
            uint32_t person = (uint32_t)c * CHUNK_ENTRIES + i;
            if (person == 0 || person > header->known)
                continue;
            struct derived entry = entries_get(table, person);
            plain[2 * i] = entry.a;
            plain[2 * i + 1] = entry.b;
        }
        at = put_part(at, table, header, c, plain, CHUNK_BYTES);
    }
    at = put_part(at, table, header, chunk_count(header->known), wakes,
                  header->wakes * sizeof *wakes);
    REQUIRE(at == out + bytes);
    bool done = file_replace(store_directory_fd(table->platform->store), file_name, out, bytes,
                             err);
    free(plain);
    free(out);
    return done;
}

bool snapshot_write(struct status_table *table, struct error *err)
{
    struct snapshot_header header = {.event_no = table->event_no,
                                     .taken_at = world_now(table->platform->world),
                                     .known = atomic_load(&table->known),
                                     .rules = rules_mark(table->rules)};
    struct sql *sql;
    memcpy(header.magic, magic, sizeof magic);
    if (!store_read_begin(table->platform->store, &sql, err))
        return false;
    bool done = event_mark(sql, header.event_no, &header.event, err);
    store_read_end(table->platform->store, sql);
    if (!done)
        return false;
    struct waking *wakes = gather_wakes(table, header.known, &header.wakes);
    done = write_file(table, &header, wakes, err);
    free(wakes);
    if (done)
        table->changes = 0;
    return done;
}

/* ---- Loading */

static bool open_part(const struct status_table *table, const struct snapshot_header *header,
                      size_t part, const unsigned char *sealed, void *plain, size_t bytes)
{
    unsigned char associated[ASSOCIATED_BYTES];
    associated_data(header, part, associated);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               plain, NULL, NULL, sealed + NONCE, bytes + SEAL - NONCE, associated,
               sizeof associated, sealed, snapshot_key(table)) == 0;
}

static bool colors_good(uint64_t a)
{
    return (a >> 32 & 15) < COLORS && (a >> 36 & 15) < COLORS;
}

static bool take_chunk(struct status_table *table, const struct snapshot_header *header, size_t c,
                       const uint64_t *plain)
{
    for (uint32_t i = 0; i < CHUNK_ENTRIES; i++) {
        uint32_t person = (uint32_t)c * CHUNK_ENTRIES + i;
        struct derived entry = {plain[2 * i], plain[2 * i + 1], (uint32_t)plain[2 * i]};
        if (!(entry.a | entry.b) || person == 0 || person > header->known)
            continue;
        if (!colors_good(entry.a))
            return false;
        entries_restore(table, person, &entry);
    }
    return true;
}

static bool take_parts(struct status_table *table, int fd, const struct snapshot_header *header,
                       struct error *err)
{
    size_t wake_bytes = 8 * (size_t)header->wakes;
    size_t most = (wake_bytes > CHUNK_BYTES ? wake_bytes : (size_t)CHUNK_BYTES) + SEAL;
    unsigned char *sealed = x_try_alloc(1, most);
    uint64_t *plain = x_try_alloc(1, most);
    size_t parts = chunk_count(header->known) + 1;
    off_t at = sizeof *header;
    bool done = sealed && plain;
    for (size_t part = 0; done && part < parts; part++) {
        bool last = part == parts - 1;
        size_t bytes = last ? wake_bytes : (size_t)CHUNK_BYTES;
        done = file_read_at(fd, sealed, bytes + SEAL, at, file_name, err) &&
               open_part(table, header, part, sealed, plain, bytes) &&
               (last || take_chunk(table, header, part, plain));
        at += (off_t)(bytes + SEAL);
    }
    for (uint32_t i = 0; done && i < header->wakes; i++) {
        struct waking item = ((const struct waking *)plain)[i];
        done = item.person >= 1 && item.person <= header->known;
        if (done) {
            struct derived entry = entries_get(table, item.person);
            entry.wake = item.wake;
            entries_restore(table, item.person, &entry);
        }
    }
    free(sealed);
    free(plain);
    return done;
}

static bool header_good(int fd, const struct snapshot_header *header,
                        const struct rule_set *rules, timestamp now)
{
    struct stat file;
    return memcmp(header->magic, magic, sizeof magic) == 0 && header->event_no >= 0 &&
           header->known < UINT32_MAX && header->taken_at <= now &&
           header->rules == rules_mark(rules) && fstat(fd, &file) == 0 &&
           (uint64_t)file.st_size == file_bytes(header);
}

bool snapshot_load(struct status_table *table, struct sql *sql, const struct rule_set *rules,
                   timestamp now)
{
    struct error err;
    struct snapshot_header header;
    uint32_t mark;
    int fd = openat(store_directory_fd(table->platform->store), file_name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = file_read_at(fd, &header, sizeof header, 0, file_name, &err) &&
                header_good(fd, &header, rules, now) &&
                event_mark(sql, header.event_no, &mark, &err) && mark == header.event;
    if (done) {
        entries_reserve(table, 0, header.known);
        atomic_store(&table->known, header.known);
        done = take_parts(table, fd, &header, &err);
        if (done)
            entries_rebuild_heap(table);
        else
            entries_forget(table, 0);
    }
    close(fd);
    if (done) {
        table->event_no = header.event_no;
        table->rules = rules;
    }
    return done;
}
