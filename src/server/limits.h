/* limits: how much one asker may ask, and what is given up first when too many ask at once.
 *
 * An asker is a session (its token), a device (a holder: all sessions of one person) or a network
 * (an IPv4 address, the first 64 bits of an IPv6 address). Each has a token bucket in a table of
 * fixed size, so that a flood of askers costs no memory. Requests that wait for a worker are shed
 * by class: decoration first, then history, detail, status; intake only where the queue is full.
 * The numbers are data: policies/limits.yaml. */
#ifndef CHENGMAI_SERVER_LIMITS_H
#define CHENGMAI_SERVER_LIMITS_H

#include "module/module.h"

#define LIMIT_TABLE(X)                                                                             \
    X(LIMIT_SESSION, "session")                                                                    \
    X(LIMIT_DEVICE, "device")                                                                      \
    X(LIMIT_NETWORK, "network")                                                                    \
    X(LIMIT_LOG_IN, "log_in") /* attempts of a network */
enum limit_kind {
#define X(id, name) id,
    LIMIT_TABLE(X)
#undef X
        LIMIT_KIND_COUNT
};
const char *limit_name(enum limit_kind kind);

struct limits;
/* Reads policies/limits.yaml, the city's own below `directory_fd` (−1: none) where it has one. */
bool limits_open(int directory_fd, struct limits **ret_limits, struct error *err) MUST_USE;
void limits_free(struct limits *limits); /* accepts NULL */

/* Takes one request out of the asker's bucket at `now` (monotonic microseconds, from any thread).
 * 0: taken; else nothing was taken, and one will be there after so many seconds (rounded up). */
int limits_take(struct limits *limits, enum limit_kind kind, struct slice asker, int64_t now);
/* How often an asker's bucket was given to another before it was full again: the table is too small
 * for those who ask, and limits are softer than they say. */
int64_t limits_forgotten(const struct limits *limits);

/* The network that an address belongs to, into `out` (16 bytes: IPv4 mapped into IPv6, IPv6 cut to
 * its first 64 bits). False where the text is no address. */
enum { NETWORK_BYTES = 16 };
bool network_of_text(struct slice address, unsigned char out[NETWORK_BYTES]) MUST_USE;

/* What a route's requests are shed as: its declaration, or by its method. Never SHED_BY_METHOD. */
enum route_shed shed_class(const struct route *route);
const char *shed_name(enum route_shed shed);
/* How many requests may wait already, of at most `queue_max`, for one of this class to be taken. */
size_t limits_queue_max(const struct limits *limits, enum route_shed shed, size_t queue_max);
/* How many log-ins by password may wait for their worker. */
size_t limits_log_ins_waiting(const struct limits *limits);

#endif
