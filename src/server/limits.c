/* Token buckets and shedding classes.
 *
 * A bucket is one number: the moment at which it will be full again (the "generic cell rate").
 * Taking a request moves that moment by one interval; it is refused where the moment would lie more
 * than a burst ahead. A bucket whose moment has passed is full, which is what an asker who was
 * never seen has too: such a slot is free for anybody, and nothing has to be cleaned up.
 *
 *   slot = set of WAYS ── key (keyed hash of kind and asker) │ full_at
 *
 * Invariant: full_at ≤ now + burst × interval. Where a set has neither the asker nor a full bucket,
 * the one that is nearest to full is given away, and counted. */
#include "server/limits.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "policy/policy.h"

#define LIMIT_NUMBER_TABLE(X)                                                                      \
    X(NUMBER_SESSION_RATE, "session_per_second", 1, 1000000)                                       \
    X(NUMBER_SESSION_BURST, "session_burst", 1, 1000000)                                           \
    X(NUMBER_DEVICE_RATE, "device_per_second", 1, 1000000)                                         \
    X(NUMBER_DEVICE_BURST, "device_burst", 1, 1000000)                                             \
    X(NUMBER_NETWORK_RATE, "network_per_second", 1, 1000000)                                       \
    X(NUMBER_NETWORK_BURST, "network_burst", 1, 1000000)                                           \
    X(NUMBER_LOG_IN_RATE, "log_in_per_second", 1, 1000000)                                         \
    X(NUMBER_LOG_IN_BURST, "log_in_burst", 1, 1000000)                                             \
    X(NUMBER_LOG_INS_WAITING, "log_ins_waiting", 1, 10000)                                         \
    X(NUMBER_SHED_DECORATION, "shed_decoration_percent", 1, 100)                                   \
    X(NUMBER_SHED_HISTORY, "shed_history_percent", 1, 100)                                         \
    X(NUMBER_SHED_DETAIL, "shed_detail_percent", 1, 100)                                           \
    X(NUMBER_SHED_STATUS, "shed_status_percent", 1, 100)
enum limit_number {
#define X(id, name, low, high) id,
    LIMIT_NUMBER_TABLE(X)
#undef X
        LIMIT_NUMBER_COUNT
};
static const struct number_form number_forms[LIMIT_NUMBER_COUNT] = {
#define X(id, name, low, high) [id] = {name, low, high},
    LIMIT_NUMBER_TABLE(X)
#undef X
};

enum { SETS = 1 << 14, WAYS = 4, LOCKS = 64 };

struct slot {
    uint64_t key;    /* 0: never used */
    int64_t full_at; /* microseconds */
};

struct limits {
    int64_t numbers[LIMIT_NUMBER_COUNT];
    struct {
        int64_t interval, ahead_max; /* microseconds: of one request, of the whole bucket */
    } rules[LIMIT_KIND_COUNT];
    unsigned char secret[crypto_shorthash_KEYBYTES]; /* nobody can choose askers of one set */
    atomic_llong forgotten;
    pthread_mutex_t locks[LOCKS]; /* locks[set % LOCKS] owns the set's slots */
    struct slot slots[SETS][WAYS];
};

/* ---- Numbers */

static const char source[] = "limits.yaml";

static bool read_numbers(json_t *document, int64_t *out, struct error *err)
{
    static const char *const sections[] = {"numbers", NULL};
    if (!json_only_fields(document, sections, (struct json_place){.source = source}, err) ||
        !policy_numbers_read(json_object_get(document, "numbers"), source, number_forms,
                             LIMIT_NUMBER_COUNT, out, err))
        return false;
    for (size_t i = NUMBER_SHED_DECORATION; i < NUMBER_SHED_STATUS; i++)
        if (out[i] > out[i + 1])
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.source = source, .field = number_forms[i].name},
                             "decoration ≤ history ≤ detail ≤ status",
                             "it would be shed after what matters more");
    return true;
}

bool limits_open(int directory_fd, struct limits **ret_limits, struct error *err)
{
    json_t *document;
    if (!policy_document_read(directory_fd, "policies/limits.yaml", &document, err))
        return false;
    struct limits *limits = x_alloc(1, sizeof *limits);
    bool done = read_numbers(document, limits->numbers, err);
    json_decref(document);
    if (!done) {
        free(limits);
        return false;
    }
    for (size_t kind = 0; kind < LIMIT_KIND_COUNT; kind++) {
        limits->rules[kind].interval = SECOND / limits->numbers[2 * kind];
        limits->rules[kind].ahead_max =
            limits->rules[kind].interval * limits->numbers[2 * kind + 1];
    }
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&limits->locks[i], NULL);
    world_random_bytes(limits->secret, sizeof limits->secret);
    *ret_limits = limits;
    return true;
}
_Static_assert((int)NUMBER_SESSION_RATE == 2 * (int)LIMIT_SESSION &&
                   (int)NUMBER_DEVICE_RATE == 2 * (int)LIMIT_DEVICE &&
                   (int)NUMBER_NETWORK_RATE == 2 * (int)LIMIT_NETWORK &&
                   (int)NUMBER_LOG_IN_RATE == 2 * (int)LIMIT_LOG_IN,
               "rates and bursts stand in the order of the limits");

void limits_free(struct limits *limits)
{
    if (!limits)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&limits->locks[i]);
    free(limits);
}

/* ---- Buckets */

const char *limit_name(enum limit_kind kind)
{
    static const char *const names[LIMIT_KIND_COUNT] = {
#define X(id, name) [id] = name,
        LIMIT_TABLE(X)
#undef X
    };
    REQUIRE(kind < LIMIT_KIND_COUNT);
    return names[kind];
}

static uint64_t key_of(const struct limits *limits, enum limit_kind kind, struct slice asker)
{
    enum { ASKER_BYTES_MAX = 64 };
    unsigned char text[1 + ASKER_BYTES_MAX] = {(unsigned char)kind}, hash[crypto_shorthash_BYTES];
    uint64_t key;
    if (asker.length > ASKER_BYTES_MAX) { /* a token that is none */
        hash_blake2b(text + 1, ASKER_BYTES_MAX, asker.data, asker.length, NULL);
        asker.length = ASKER_BYTES_MAX;
    } else {
        memcpy(text + 1, asker.data, asker.length);
    }
    crypto_shorthash(hash, text, 1 + asker.length, limits->secret);
    memcpy(&key, hash, sizeof key);
    return key ? key : 1;
}

/* The asker's slot, or the one that is his from now on. Under the set's lock. */
static struct slot *slot_of(struct limits *limits, struct slot *set, uint64_t key, int64_t now)
{
    struct slot *fullest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].full_at < fullest->full_at)
            fullest = &set[i];
    }
    if (fullest->key && fullest->full_at > now)
        atomic_fetch_add_explicit(&limits->forgotten, 1, memory_order_relaxed);
    *fullest = (struct slot){.key = key};
    return fullest;
}

int limits_take(struct limits *limits, enum limit_kind kind, struct slice asker, int64_t now)
{
    uint64_t key = key_of(limits, kind, asker);
    size_t set = key % SETS;
    int64_t interval = limits->rules[kind].interval, late;
    pthread_mutex_t *lock = &limits->locks[set % LOCKS];
    pthread_mutex_lock(lock);
    struct slot *slot = slot_of(limits, limits->slots[set], key, now);
    int64_t full_at = (slot->full_at > now ? slot->full_at : now) + interval;
    late = full_at - now - limits->rules[kind].ahead_max;
    if (late <= 0)
        slot->full_at = full_at;
    pthread_mutex_unlock(lock);
    return late <= 0 ? 0 : (int)((late + SECOND - 1) / SECOND);
}

int64_t limits_forgotten(const struct limits *limits)
{
    return atomic_load_explicit(&limits->forgotten, memory_order_relaxed);
}

bool network_of_text(struct slice address, unsigned char out[NETWORK_BYTES])
{
    char text[INET6_ADDRSTRLEN];
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (address.length == 0 || address.length >= sizeof text ||
        memchr(address.data, '\0', address.length))
        return false;
    memcpy(text, address.data, address.length);
    text[address.length] = '\0';
    memcpy(out, mapped, sizeof mapped);
    if (inet_pton(AF_INET, text, out + sizeof mapped) == 1)
        return true;
    if (inet_pton(AF_INET6, text, out) != 1)
        return false;
    if (memcmp(out, mapped, sizeof mapped) != 0)
        memset(out + 8, 0, 8);
    return true;
}

/* ---- Shedding */

enum route_shed shed_class(const struct route *route)
{
    if (!route) /* a page, or no route at all */
        return SHED_STATUS;
    if (route->shed != SHED_BY_METHOD)
        return route->shed;
    return route->method == HTTP_GET ? SHED_DETAIL : SHED_INTAKE;
}

const char *shed_name(enum route_shed shed)
{
    static const char *const names[SHED_COUNT] = {
        [SHED_BY_METHOD] = "by_method", [SHED_DECORATION] = "decoration",
        [SHED_HISTORY] = "history",     [SHED_DETAIL] = "detail",
        [SHED_STATUS] = "status",       [SHED_INTAKE] = "intake"};
    REQUIRE(shed < SHED_COUNT);
    return names[shed];
}

size_t limits_queue_max(const struct limits *limits, enum route_shed shed, size_t queue_max)
{
    static const enum limit_number numbers[SHED_INTAKE] = {[SHED_DECORATION] =
                                                               NUMBER_SHED_DECORATION,
                                                           [SHED_HISTORY] = NUMBER_SHED_HISTORY,
                                                           [SHED_DETAIL] = NUMBER_SHED_DETAIL,
                                                           [SHED_STATUS] = NUMBER_SHED_STATUS};
    REQUIRE(shed > SHED_BY_METHOD && shed <= SHED_INTAKE);
    if (shed == SHED_INTAKE)
        return queue_max;
    size_t most = queue_max * (size_t)limits->numbers[numbers[shed]] / 100;
    return most ? most : 1;
}

size_t limits_log_ins_waiting(const struct limits *limits)
{
    return (size_t)limits->numbers[NUMBER_LOG_INS_WAITING];
}
