/* The index from key hashes to event ids: open addressing, 16 bytes a slot, in a file that is mapped
 * and already unlinked, so that it costs no anonymous memory and is gone with the process. It is
 * rebuilt from the log at opening. Full key hashes are compared in the log's record by the caller. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "presence/presence_internal.h"

struct answer_slot {
    uint64_t fingerprint; /* 0 = free, 1 = removed */
    uint64_t place;       /* day << 40 | ordinal */
};

enum { SLOTS_MIN = 1 << 12, ORDINAL_BITS = 40 };
#define SLOTS_MAX ((size_t)1 << 28) /* 4 GiB of file: 134 million keys in 48 h */

static uint64_t fingerprint_of(const unsigned char key[16])
{
    uint64_t value;
    memcpy(&value, key, sizeof value);
    return value < 2 ? value + 2 : value;
}

static uint64_t place_of(struct scan_event_id id)
{
    return (uint64_t)(uint32_t)id.day << ORDINAL_BITS | id.ordinal;
}

static bool map_slots(int directory_fd, size_t count, int *ret_fd, struct answer_slot **ret_slots,
                      struct error *err)
{
    int fd = openat(directory_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        fd = openat(directory_fd, "answers.index", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd >= 0)
            unlinkat(directory_fd, "answers.index", 0);
    }
    if (fd < 0)
        return error_set_errno(err, "answers.index", "create");
    void *map = MAP_FAILED;
    /* room for all of it now: a mapped page that a full disk cannot hold would kill the process */
    errno = posix_fallocate(fd, 0, (off_t)(count * sizeof **ret_slots));
    if (errno == 0)
        map = mmap(NULL, count * sizeof **ret_slots, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        error_set_errno(err, "answers.index", "map");
        close(fd);
        return false;
    }
    *ret_fd = fd;
    *ret_slots = map;
    return true;
}

bool answer_index_open(struct answer_index *index, int directory_fd, struct error *err)
{
    *index = (struct answer_index){.fd = -1, .slot_count = SLOTS_MIN};
    index->directory_fd = directory_fd;
    return map_slots(directory_fd, index->slot_count, &index->fd, &index->slots, err);
}

void answer_index_release(struct answer_index *index)
{
    if (index->slots)
        munmap(index->slots, index->slot_count * sizeof *index->slots);
    if (index->fd >= 0)
        close(index->fd);
    *index = (struct answer_index){.fd = -1};
}

static void put(struct answer_slot *slots, size_t count, struct answer_slot entry)
{
    size_t slot = entry.fingerprint & (count - 1);
    while (slots[slot].fingerprint > 1)
        slot = (slot + 1) & (count - 1);
    slots[slot] = entry;
}

/* Moves the live entries at or after `first`, without those of the day `forgotten`, into a table of
 * `count` slots. */
static bool rebuild(struct answer_index *index, size_t count, uint64_t first, int32_t forgotten,
                    struct error *err)
{
    int fd;
    struct answer_slot *slots;
    if (!map_slots(index->directory_fd, count, &fd, &slots, err))
        return false;
    size_t used = 0;
    for (size_t i = 0; i < index->slot_count; i++)
        if (index->slots[i].fingerprint > 1 && index->slots[i].place >= first &&
            (int32_t)(index->slots[i].place >> ORDINAL_BITS) != forgotten) {
            put(slots, count, index->slots[i]);
            used++;
        }
    munmap(index->slots, index->slot_count * sizeof *index->slots);
    close(index->fd);
    index->slots = slots;
    index->slot_count = count;
    index->used = used;
    index->fd = fd;
    return true;
}

bool answer_index_add(struct answer_index *index, const unsigned char key[16],
                      struct scan_event_id id, struct error *err)
{
    if (index->used * 2 >= index->slot_count) {
        if (index->slot_count >= SLOTS_MAX)
            return error_set(err, ERROR_BUSY, (struct error_place){.source = "answers"}, NULL,
                             "too many requests within 48 hours");
        if (!rebuild(index, index->slot_count * 2, 0, INT32_MIN, err))
            return false;
    }
    put(index->slots, index->slot_count,
        (struct answer_slot){fingerprint_of(key), place_of(id)});
    index->used++;
    return true;
}

static struct answer_slot *find(const struct answer_index *index, const unsigned char key[16])
{
    uint64_t fingerprint = fingerprint_of(key);
    size_t slot = fingerprint & (index->slot_count - 1);
    for (; index->slots[slot].fingerprint; slot = (slot + 1) & (index->slot_count - 1))
        if (index->slots[slot].fingerprint == fingerprint)
            return &index->slots[slot];
    return NULL;
}

bool answer_index_find(const struct answer_index *index, const unsigned char key[16],
                       struct scan_event_id *ret_id)
{
    const struct answer_slot *slot = find(index, key);
    if (!slot)
        return false;
    ret_id->day = (int32_t)(slot->place >> ORDINAL_BITS);
    ret_id->ordinal = slot->place & (((uint64_t)1 << ORDINAL_BITS) - 1);
    return true;
}

void answer_index_remove(struct answer_index *index, const unsigned char key[16])
{
    struct answer_slot *slot = find(index, key);
    if (slot)
        slot->fingerprint = 1;
}

bool answer_index_expire(struct answer_index *index, struct scan_event_id first,
                         int32_t forgotten, struct error *err)
{
    return rebuild(index, index->slot_count, place_of(first), forgotten, err);
}
