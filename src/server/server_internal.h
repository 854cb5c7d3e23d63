/* Inside the server room only. */
#ifndef CHENGMAI_SERVER_INTERNAL_H
#define CHENGMAI_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "checkin/checkin.h"
#include "server/limits.h"
#include "server/server.h"

/* Where to listen: HOST:PORT (port 0: any), or a Unix socket, whose other end is a proxy. */
struct http_address {
    char host[64];      /* IPv4; empty where it is a Unix socket */
    uint16_t port;
    char unix_path[108]; /* empty where it is TCP */
    bool tls;           /* with a certificate of the server's own making (trial_tls.h) */
    bool has_proxy;     /* connections of `proxy` name their client in X-Real-IP */
    unsigned char proxy[NETWORK_BYTES];
};
/* "HOST:PORT" or "unix:PATH". ERROR_USAGE. */
bool http_address_parse(const char *text, struct http_address *ret_address,
                        struct error *err) MUST_USE;

struct http;
/* Starts listening; *ret_port is the real one. A Unix socket has mode 0660; one that nobody serves
 * any more is replaced. ERROR_ENVIRONMENT. */
bool http_start(struct platform *platform, const struct http_address *address,
                struct http **ret_http, uint16_t *ret_port, struct error *err) MUST_USE;
/* Stops taking work, waits for what was taken (at most `seconds`), stops. */
void http_stop(struct http *http, int seconds);
/* Once stopped, and once nobody calls it any more. */
void http_free(struct http *http);
/* Wakes event streams: counters may have changed. */
void http_streams_wake(struct http *http);

/* Closes connections that are not silent but get nowhere: a request that does not end, an answer
 * that is not taken. Called once a second. */
void http_close_slow(struct http *http);

struct door;
bool door_open(struct platform *platform, struct door **ret_door, struct error *err) MUST_USE;
void door_close(struct door *door);

struct server_counters {
    atomic_llong requests[6]; /* by status class */
    atomic_llong scans;
    atomic_llong shed[SHED_COUNT]; /* refused with 503 because too many waited */
    atomic_llong limited[LIMIT_KIND_COUNT]; /* refused with 429 */
    atomic_llong forgotten;   /* limits_forgotten */
    atomic_llong connections; /* open now */
    atomic_llong bodies;      /* long answers on their way now */
    atomic_llong streams;     /* event streams open now */
    atomic_bool stopping;     /* takes no new work */
};
extern struct server_counters server_counters;

enum { BUILTIN_ROUTES = 9 };
extern const struct route builtin_routes[BUILTIN_ROUTES];
extern const struct sql_list idempotency_statements;

/* Runs a write that carries an Idempotency-Key: the first time by its handler, again from what was
 * answered (idempotency.c). `target` is path and query. */
bool idempotency_run(const struct request *request, struct slice target,
                     struct response *response, struct error *err) MUST_USE;
/* Forgets keys older than they are kept (48 h). */
bool idempotency_prune(struct platform *platform, struct error *err) MUST_USE;

/* "identity_providers":[…] of this city. */
void session_put_providers(struct json_writer *writer, const struct platform *platform);
/* Lower case, as OpenAPI writes them. */
extern const char *const method_names[HTTP_METHOD_COUNT];

/* declarations.c: what is missing in what a route says of itself, in words; NULL where nothing. */
const char *route_fault(const struct route *route);
int run_routes(struct command_context *context, int argc, char **argv, struct error *err);
enum { COMMAND_ROUTES = 1, SERVER_COMMANDS };
extern const struct command server_commands[SERVER_COMMANDS];

/* bodies.c: bodies that are made as they are taken. With body_begin the first chunk is in
 * response->body; while response->stream.fill is set there are more, and body_next puts the next
 * one there. body_begin: ERROR_BUSY where BODIES_MAX are on their way. body_next: that of the gate
 * where the asker's right has ended. Both: what the stream's fill says, ERROR_TOO_LARGE. */
enum { BODIES_MAX = 8 };
bool body_begin(struct response *response, struct error *err) MUST_USE;
bool body_next(struct platform *platform, const struct raw_request *raw, struct response *response,
               struct error *err) MUST_USE;
/* Gives up what was not made yet; nothing where the body is whole. */
void body_end(struct response *response);
/* routing.c: whether the asker may (still) ask this: session, epoch, CSRF, gate. */
bool server_admits(struct platform *platform, const struct raw_request *raw,
                   struct error *err) MUST_USE;

/* Routes by file. */
/* The document of all routes. A route that is described wrongly ends the process: it is written once
 * at start. */
void openapi_write(struct buffer *out);
bool openapi_handle(const struct request *request, struct response *response,
                    struct error *err) MUST_USE;
bool session_begin_handle(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool session_show_handle(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool session_end_handle(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
/* Static files of web/dist: true where the path is one (or "/"). */
bool static_file(const struct raw_request *raw, struct slice path, struct response *response,
                 struct arena *arena);

#endif
