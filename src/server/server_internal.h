/* Inside the server room only. */
#ifndef CHENGMAI_SERVER_INTERNAL_H
#define CHENGMAI_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "checkin/checkin.h"
#include "server/server.h"

struct http;
/* Starts listening on host:port (port 0: any); *ret_port the real one. */
bool http_start(struct platform *platform, const char *host, uint16_t port, struct http **ret_http,
                uint16_t *ret_port, struct error *err) MUST_USE;
/* Stops taking work, waits for what was taken (at most `seconds`), stops. */
void http_stop(struct http *http, int seconds);
/* Wakes event streams: counters may have changed. */
void http_streams_wake(struct http *http);

struct door;
bool door_open(struct platform *platform, struct door **ret_door, struct error *err) MUST_USE;
void door_close(struct door *door);

struct server_counters {
    atomic_llong requests[6]; /* by status class */
    atomic_llong scans;
};
extern struct server_counters server_counters;

extern const struct route builtin_routes[];
extern const size_t builtin_route_count;
/* Static files of web/dist: true where the path is one (or "/"). */
bool static_file(struct slice path, struct response *response, struct arena *arena);

#endif
