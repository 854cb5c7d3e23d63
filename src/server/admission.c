/* Admission: whose request it is, whether its asker may ask so much, and which queue it waits in.
 *
 *   network (address) ─► session or device (token) ─► log-ins: one worker of their own
 *                                                  └► everything else: two workers, or the
 *                                                      many that wait for the disk; shed by class
 *
 * All of it on the HTTP thread, without SQL. A local process (a loopback address, no proxy
 * declared) has no network: it is on this machine. Behind a proxy the client's address is what the
 * proxy says in X-Real-IP; from anybody else that header means nothing. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "server/http_internal.h"

static const char bearer[] = "Bearer ";

void admission_meet(struct exchange *exchange, const struct sockaddr *peer)
{
    const struct http_address *address = &exchange->http->address;
    static const unsigned char nobody[NETWORK_BYTES] = {0};
    exchange->peer_is_proxy = peer && peer->sa_family == AF_UNIX;
    exchange->peer_is_local = !peer || peer->sa_family == AF_UNIX;
    memcpy(exchange->peer, nobody, sizeof exchange->peer);
    if (!peer || peer->sa_family != AF_INET)
        return;
    char text[INET_ADDRSTRLEN];
    const struct sockaddr_in *internet = (const struct sockaddr_in *)(const void *)peer;
    uint32_t number = ntohl(internet->sin_addr.s_addr);
    if (!inet_ntop(AF_INET, &internet->sin_addr, text, sizeof text) ||
        !network_of_text(slice_of(text), exchange->peer))
        return;
    exchange->peer_is_local = number >> 24 == 127;
    exchange->peer_is_proxy =
        address->has_proxy && memcmp(exchange->peer, address->proxy, NETWORK_BYTES) == 0;
}

/* False where it is a process of this machine, which has none. */
static bool network_of(const struct exchange *exchange, unsigned char out[NETWORK_BYTES])
{
    memcpy(out, exchange->peer, NETWORK_BYTES);
    if (exchange->peer_is_proxy) {
        if (!network_of_text(slice_trim(exchange->head.client_address), out))
            memcpy(out, exchange->peer, NETWORK_BYTES); /* all that it does not name are one */
        return true;
    }
    return !exchange->peer_is_local;
}

/* The token that the request carries, data NULL where none. */
static struct slice token_of(const struct exchange *exchange)
{
    struct slice token = exchange->head.authorization;
    if (!token.data)
        return exchange_cookie((struct exchange *)(uintptr_t)exchange);
    if (token.length >= sizeof bearer - 1 &&
        strncasecmp(token.data, bearer, sizeof bearer - 1) == 0)
        token = (struct slice){token.data + sizeof bearer - 1, token.length - (sizeof bearer - 1)};
    return slice_trim(token);
}

static bool take(struct exchange *exchange, enum limit_kind kind, struct slice asker)
{
    int64_t now = (int64_t)(world_elapsed_seconds() * (double)SECOND);
    exchange->wait_seconds = limits_take(exchange->http->limits, kind, asker, now);
    if (exchange->wait_seconds)
        atomic_fetch_add(&server_counters.limited[kind], 1);
    return !exchange->wait_seconds;
}

/* A holder's sessions are one device, whatever their number; a token that is not good, or not this
 * device's, is a session as any other: it costs the one who made it up. */
static bool take_of_token(struct exchange *exchange)
{
    struct platform *platform = exchange->http->platform;
    struct slice token = token_of(exchange);
    uint32_t now = (uint32_t)(world_now(platform->world) / SECOND), person;
    uint8_t epoch;
    struct error ignored;
    if (!token.data)
        return true;
    if (access_is_holder_session(token) &&
        access_holder_verify(platform->access, token, exchange_device(exchange), now, &person,
                             &epoch, &ignored))
        return take(exchange, LIMIT_DEVICE, (struct slice){(const char *)&person, sizeof person});
    return take(exchange, LIMIT_SESSION, token);
}

/* Whether answering may hash a password. A holder's log-in does not: it names a provider, and no
 * password however spelled. */
static bool may_hash(const struct exchange *exchange)
{
    static const char provider[] = "\"provider\"", password[] = "\"password\"";
    const struct buffer *body = &exchange->body;
    if (!exchange->route || !exchange->route->secret_body)
        return false;
    return exchange->head.idempotency_key.data || !body->length ||
           memchr(body->data, '\\', body->length) ||
           memmem(body->data, body->length, password, sizeof password - 1) ||
           !memmem(body->data, body->length, provider, sizeof provider - 1);
}

bool admission_take(struct exchange *exchange, struct error *err)
{
    const struct route *route = exchange->route;
    unsigned char network[NETWORK_BYTES];
    if (route && (route->manner == ROUTE_SCAN || route->at_root))
        return true;
    struct slice asker = {(const char *)network, NETWORK_BYTES};
    bool named = network_of(exchange, network);
    if ((!named || (take(exchange, LIMIT_NETWORK, asker) &&
                    (!may_hash(exchange) || take(exchange, LIMIT_LOG_IN, asker)))) &&
        take_of_token(exchange))
        return true;
    return error_set(err, ERROR_LIMITED, (struct error_place){0}, "fewer requests",
                     "more was asked than one asker may; again in %d s", exchange->wait_seconds);
}

bool admission_queue(struct exchange *exchange, struct error *err)
{
    struct http *http = exchange->http;
    enum route_shed shed = shed_class(exchange->route);
    bool waits = exchange->route && exchange->route->waits;
    bool taken = may_hash(exchange)
                     ? pool_submit(http->log_ins, &exchange->task)
                     : pool_submit_within(waits ? http->waiters : http->workers, &exchange->task,
                                          limits_queue_max(http->limits, shed, WORK_QUEUE_MAX));
    if (taken)
        return true;
    atomic_fetch_add(&server_counters.shed[shed], 1);
    return error_set(err, ERROR_BUSY, (struct error_place){0}, "a try later",
                     "too many requests wait already");
}

bool admission_has_room(struct exchange *exchange, struct error *err)
{
    struct http *http = exchange->http;
    enum route_shed shed = shed_class(exchange->route);
    if (pool_waiting(http->workers) < limits_queue_max(http->limits, shed, WORK_QUEUE_MAX))
        return true;
    atomic_fetch_add(&server_counters.shed[shed], 1);
    return error_set(err, ERROR_BUSY, (struct error_place){0}, "a try later",
                     "too many requests wait already");
}
