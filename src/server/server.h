/* server: HTTP on libmicrohttpd, the gate before every handler, and the local door for commands.
 *
 * Threads: one HTTP thread a core (poll mode; epoll must not be used, see docs/decisions), two workers
 * for handlers that touch SQL, one job thread (status, life of a demo city, folding), one door
 * thread, and a thread a forwarded command (at most four). Scans are answered from the presence
 * room's commit thread. */
#ifndef CHENGMAI_SERVER_SERVER_H
#define CHENGMAI_SERVER_SERVER_H

#include "module/module.h"

/* Runs a request through routing, gate and handler, without a socket; what the HTTP thread does for
 * every route but POST /scans. `path` is the raw path with its query. The response is released by
 * the caller (buffer_release(&response->body)); its texts live in `arena`. */
struct raw_request {
    enum http_method method;
    struct slice path;
    /* headers, data NULL where absent */
    struct slice authorization, cookie, device, csrf, purpose, idempotency_key, if_none_match,
        accept_encoding;
    struct slice body;
};
void server_dispatch(struct platform *platform, const struct raw_request *raw,
                     struct arena *arena, struct response *response);
/* The route of method and raw path; NULL where there is none. */
const struct route *server_route_of(enum http_method method, struct slice path);

extern const struct module server_module;

#endif
