/* What the peer drivers share: the events file, the table of exposed persons and its sorted columns,
 * and the loop that answers requests. A peer gets the same care as our own code: one flat table, a
 * radix sort, no allocation a row.
 *
 * Requests of `trace`, one a line:  PERSON FROM TO SECONDS   (unix seconds, [FROM, TO), |t1 - t2| ≤)
 * Answers:                          seconds=… rows=… count=… digest=…
 * rows = check-ins read from the index persons' venues; digest is over person, co_visits, gap. */
#ifndef CHENGMAI_BENCH_PEERS_H
#define CHENGMAI_BENCH_PEERS_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct event {
    uint32_t person, venue, time;
    uint16_t origin;
    uint8_t flags, unused;
};

static inline void fail(const char *what, const char *why)
{
    fprintf(stderr, "peer: %s: %s\n", what, why ? why : "failed");
    exit(3);
}

static inline double now_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Of this thread on a processor. */
static inline double thread_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static inline const struct event *map_events(const char *path, size_t count)
{
    int fd = open(path, O_RDONLY);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, count * sizeof(struct event), PROT_READ,
                                           MAP_SHARED | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        fail(path, "cannot be mapped");
    close(fd);
    return map;
}

/* Bytes of the files of a flat folder. */
static inline long long folder_bytes(const char *folder)
{
    char command[600], text[64] = "0";
    snprintf(command, sizeof command, "du -sb --apparent-size '%s' | cut -f1", folder);
    FILE *pipe = popen(command, "r");
    if (pipe && !fgets(text, sizeof text, pipe))
        text[0] = '0';
    if (pipe)
        pclose(pipe);
    return atoll(text);
}

/* ---- Radix sort of 64-bit keys by their lowest `bits` bits; the result is in `keys`. */

static inline void sort_keys(uint64_t *keys, uint64_t *scratch, size_t count, unsigned bits)
{
    uint64_t *from = keys, *to = scratch;
    for (unsigned shift = 0; shift < bits; shift += 11) {
        size_t starts[2049] = {0};
        for (size_t i = 0; i < count; i++)
            starts[(from[i] >> shift & 2047) + 1]++;
        for (size_t d = 0; d < 2048; d++)
            starts[d + 1] += starts[d];
        for (size_t i = 0; i < count; i++)
            to[starts[from[i] >> shift & 2047]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys)
        memcpy(keys, from, count * sizeof *keys);
}

/* ---- Exposed persons */

struct exposed {
    uint32_t person, co_visits, gap;
};
struct exposures {
    struct exposed *slots;
    size_t slot_count, used;
    uint32_t *list; /* slots in use */
    uint64_t *keys; /* two halves */
    uint32_t *columns;
    size_t capacity;
};

static inline void exposures_init(struct exposures *e)
{
    e->slot_count = 1 << 22;
    e->capacity = e->slot_count / 2;
    e->slots = calloc(e->slot_count, sizeof *e->slots);
    e->list = malloc(e->capacity * sizeof *e->list);
    e->keys = malloc(2 * e->capacity * sizeof *e->keys);
    e->columns = malloc(4 * e->capacity * sizeof *e->columns);
    e->used = 0;
    if (!e->slots || !e->list || !e->keys || !e->columns)
        fail("table", "no memory");
}

static inline void exposures_meet(struct exposures *e, uint32_t person, uint32_t gap)
{
    size_t at = (person * 0x9E3779B1u >> 7) & (e->slot_count - 1);
    while (e->slots[at].person != person) {
        if (!e->slots[at].person) {
            if (e->used == e->capacity)
                fail("table", "too many persons");
            e->slots[at] = (struct exposed){person, 0, UINT32_MAX};
            e->list[e->used++] = (uint32_t)at;
            break;
        }
        at = (at + 1) & (e->slot_count - 1);
    }
    e->slots[at].co_visits++;
    if (gap < e->slots[at].gap)
        e->slots[at].gap = gap;
}

/* Sorted columns (co_visits falling, gap rising, person rising; weight 1), then the table is empty
 * again. Gaps below 2^20, persons below 2^24. */
static inline void exposures_columns(struct exposures *e)
{
    for (size_t i = 0; i < e->used; i++) {
        struct exposed *x = &e->slots[e->list[i]];
        e->keys[i] = (uint64_t)(0xFFFFF - x->co_visits) << 44 | (uint64_t)x->gap << 24 | x->person;
        x->person = 0;
    }
    sort_keys(e->keys, e->keys + e->capacity, e->used, 64);
    float one = 1;
    for (size_t i = 0; i < e->used; i++) {
        e->columns[i] = e->keys[i] & 0xFFFFFF;
        e->columns[e->capacity + i] = 0xFFFFF - (uint32_t)(e->keys[i] >> 44);
        e->columns[2 * e->capacity + i] = e->keys[i] >> 24 & 0xFFFFF;
        memcpy(&e->columns[3 * e->capacity + i], &one, sizeof one);
    }
}

static inline uint64_t exposures_digest(const struct exposures *e)
{
    uint64_t digest = 0xCBF29CE484222325u;
    for (size_t i = 0; i < e->used; i++)
        for (int column = 0; column < 3; column++)
            digest = (digest ^ e->columns[(size_t)column * e->capacity + i]) * 0x100000001B3u;
    return digest;
}

/* ---- The loop of `trace` */

struct visit {
    uint32_t venue, time;
};
enum { VISITS_MAX = 1 << 16 };

/* Both read with whatever the peer does best. */
typedef size_t visits_reader(void *peer, uint32_t person, uint32_t from, uint32_t to,
                             struct visit *out);
typedef size_t venue_reader(void *peer, struct visit visit, uint32_t person, uint32_t reach,
                            struct exposures *e);

static inline uint32_t gap_of(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static inline void answer_traces(void *peer, visits_reader *read_visits, venue_reader *read_venue)
{
    static struct visit visits[VISITS_MAX];
    struct exposures e;
    char line[128];
    unsigned person, from, to, reach;
    exposures_init(&e);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%u %u %u %u", &person, &from, &to, &reach) != 4)
            fail("request", line);
        double begun = thread_seconds();
        size_t rows = 0, count = read_visits(peer, person, from, to, visits);
        for (size_t i = 0; i < count; i++)
            rows += read_venue(peer, visits[i], person, reach, &e);
        exposures_columns(&e);
        double seconds = thread_seconds() - begun;
        printf("seconds=%.9f rows=%zu count=%zu digest=%llu\n", seconds, rows, e.used,
               (unsigned long long)exposures_digest(&e));
        fflush(stdout);
        e.used = 0;
    }
}

#endif
