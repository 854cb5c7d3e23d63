/* One day's check-ins: every worker generates a share of the people as numbers that sort into the
 * day store's order and sorts them; the sorted shares are merged into one array of events.
 *
 *   number = venue | second of the day 17 | person | way 3   (a city: 18 + 17 + 23 + 3 bits) */
#include "sim/history.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "presence/sort.h"

enum { WORKERS_MAX = 8, PERSONS_A_WORKER_MIN = 20000, TIME_BITS = 17, WAY_BITS = 3 };

struct worker {
    struct history *history;
    pthread_t thread;
    bool started;
    uint32_t first, last; /* persons */
    uint64_t *numbers, *scratch;
    size_t count, capacity, at; /* at: of the merge */
};

struct history {
    const struct city *city;
    const struct outbreak *outbreak;
    struct worker workers[WORKERS_MAX];
    size_t worker_count;
    unsigned person_bits, venue_bits;
    int32_t day;
    int64_t until;
    struct presence_event *events;
    size_t event_capacity;
};

static unsigned bits_of(uint32_t value)
{
    return value ? 32u - (unsigned)__builtin_clz(value) : 1u;
}

struct history *history_create(const struct city *city)
{
    struct history *history = x_alloc(1, sizeof *history);
    cpu_set_t cores;
    size_t usable = sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
    size_t wanted = city->person_count / PERSONS_A_WORKER_MIN + 1;
    history->city = city;
    history->worker_count = usable < wanted ? usable : wanted;
    if (history->worker_count > WORKERS_MAX)
        history->worker_count = WORKERS_MAX;
    history->person_bits = bits_of(city->person_count);
    history->venue_bits = bits_of(city->venue_count);
    REQUIRE(history->person_bits + history->venue_bits + TIME_BITS + WAY_BITS <= 64);
    for (size_t w = 0; w < history->worker_count; w++) {
        struct worker *worker = &history->workers[w];
        worker->history = history;
        worker->first = (uint32_t)((uint64_t)city->person_count * w / history->worker_count) + 1;
        worker->last = (uint32_t)((uint64_t)city->person_count * (w + 1) / history->worker_count);
    }
    return history;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    for (size_t w = 0; w < history->worker_count; w++) {
        free(history->workers[w].numbers);
        free(history->workers[w].scratch);
    }
    free(history->events);
    free(history);
}

/* ---- A worker's share */

static void make_room(struct worker *worker)
{
    if (worker->count + CITY_VISITS_MAX <= worker->capacity)
        return;
    worker->capacity = worker->capacity ? worker->capacity / 2 * 3
                                        : (size_t)(worker->last - worker->first + 1) * 9 / 4 + 1024;
    worker->numbers = x_realloc(worker->numbers, worker->capacity * sizeof *worker->numbers);
    worker->scratch = x_realloc(worker->scratch, worker->capacity * sizeof *worker->scratch);
}

static void *generate(void *context)
{
    struct worker *worker = context;
    const struct history *history = worker->history;
    const struct city *city = history->city;
    int64_t start = time_day_start_seconds(history->day);
    unsigned person_at = WAY_BITS, time_at = person_at + history->person_bits;
    unsigned venue_at = time_at + TIME_BITS;
    struct city_visit visits[CITY_VISITS_MAX];
    worker->count = worker->at = 0;
    for (uint32_t person = worker->first; person <= worker->last; person++) {
        size_t count =
            city_person_day(city, person, city_profile(city, person), history->day, visits);
        bool touched = outbreak_touches(history->outbreak, person);
        make_room(worker);
        for (size_t i = 0; i < count; i++) {
            int64_t second = start + visits[i].second;
            if (second >= history->until ||
                (touched && outbreak_isolated(history->outbreak, person, second, NULL)))
                continue;
            worker->numbers[worker->count++] =
                visits[i].way | (uint64_t)person << person_at |
                (uint64_t)visits[i].second << time_at | (uint64_t)visits[i].venue << venue_at;
        }
    }
    if (worker->count)
        radix_sort(worker->numbers, worker->scratch, worker->count,
                   venue_at + history->venue_bits);
    return NULL;
}

static void generate_all(struct history *history)
{
    for (size_t w = 1; w < history->worker_count; w++) {
        struct worker *worker = &history->workers[w];
        worker->started = pthread_create(&worker->thread, NULL, generate, worker) == 0;
    }
    generate(&history->workers[0]);
    for (size_t w = 1; w < history->worker_count; w++)
        if (history->workers[w].started)
            pthread_join(history->workers[w].thread, NULL);
        else
            generate(&history->workers[w]);
}

/* ---- Together */

static bool take_least(struct history *history, uint64_t *ret_number)
{
    struct worker *least = NULL;
    for (size_t w = 0; w < history->worker_count; w++) {
        struct worker *worker = &history->workers[w];
        if (worker->at < worker->count &&
            (!least || worker->numbers[worker->at] < least->numbers[least->at]))
            least = worker;
    }
    if (least)
        *ret_number = least->numbers[least->at++];
    return least != NULL;
}

/* Events in order; the same person at the same place in the same second comes once. */
static size_t merge(struct history *history)
{
    size_t all = 0, count = 0;
    for (size_t w = 0; w < history->worker_count; w++)
        all += history->workers[w].count;
    if (all > history->event_capacity) {
        history->event_capacity = all + all / 16;
        history->events =
            x_realloc(history->events, history->event_capacity * sizeof *history->events);
    }
    int64_t start = time_day_start_seconds(history->day);
    unsigned time_at = WAY_BITS + history->person_bits, venue_at = time_at + TIME_BITS;
    uint64_t number, last = UINT64_MAX;
    while (take_least(history, &number)) {
        if (number >> WAY_BITS == last >> WAY_BITS)
            continue;
        last = number;
        history->events[count++] = (struct presence_event){
            .person = (uint32_t)(number >> WAY_BITS & ((1ull << history->person_bits) - 1)),
            .venue = (uint32_t)(number >> venue_at),
            .time = (uint32_t)(start + (int64_t)(number >> time_at & ((1u << TIME_BITS) - 1))),
            .flags = city_ways[number & (CITY_WAYS - 1)]};
    }
    return count;
}

bool history_day(struct history *history, const struct outbreak *outbreak, int32_t day,
                 int64_t until, struct error *err)
{
    struct presence_bulk *bulk = NULL;
    struct presence_bulk_result result;
    history->outbreak = outbreak;
    history->day = day;
    history->until = until;
    generate_all(history);
    size_t count = merge(history);
    bool done = presence_bulk_begin(history->city->platform->presence, 0, &bulk, err) &&
                presence_bulk_day(bulk, day, history->events, count, err) &&
                presence_bulk_commit(bulk, &result, err);
    presence_bulk_abandon(bulk);
    return done;
}
