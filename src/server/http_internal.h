/* Inside the server's HTTP part: the connection's exchange and the daemon (http.c), event streams
 * (streams.c), long answers (bodies.c). */
#ifndef CHENGMAI_SERVER_HTTP_INTERNAL_H
#define CHENGMAI_SERVER_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>

#include "server/head.h"
#include "server/trial_tls.h"
#include "server/server_internal.h"

/* WAITERS: of routes that only wait for their commit, so that a commit takes many at once. */
enum { WORKERS = 2, WAITERS = 64, WORK_QUEUE_MAX = 256 };

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_READING,
    EXCHANGE_WAITING,
    EXCHANGE_ANSWERED,
    EXCHANGE_STREAMING,
};

struct exchange {
    struct scan_exchange scan; /* first member */
    struct http *http;
    struct MHD_Connection *connection;
    atomic_int state;          /* enum exchange_state; read by http_close_slow */
    atomic_long since;         /* the tick at which it became so */
    atomic_long reading_ticks; /* how long its body may take */
    int socket;
    unsigned char peer[NETWORK_BYTES]; /* zeros where it has no address */
    bool peer_is_proxy, peer_is_local;
    struct request_head head;
    int wait_seconds; /* Retry-After of a refusal; 0: one second */
    bool closing;     /* nothing more is read on this connection */
    struct exchange *before, *after; /* all connections; under http->connections_lock */
    enum http_method method;
    const struct route *route;
    struct buffer body, path;
    bool too_large;
    size_t drained;
    struct arena arena;
    struct response response;
    size_t sent;           /* of response.body, where that is a chunk of a longer one */
    bool cut;              /* the next chunk could not be made */
    bool chunks;           /* the client tells a body that was cut from a whole one (HTTP/1.1) */
    bool is_head;          /* the method HEAD: a GET without its body */
    struct pool_task task; /* while it waits for a worker */
};

struct snapshot;
struct stream;
struct http {
    struct platform *platform;
    struct MHD_Daemon *daemon;
    struct pool *workers; /* everything but scans, streams and log-ins; a full queue is 503 */
    struct pool *waiters; /* of routes that say so: they wait for their commit, nothing else */
    struct pool *log_ins; /* one worker: at most one password is hashed at a time */
    struct limits *limits;
    struct http_address address;
    struct trial_tls tls; /* empty where it is plain */
    pthread_mutex_t lock; /* owns the streams */
    struct stream *streams;
    size_t stream_count;
    uint64_t version;     /* of the counters */
    struct snapshot *snapshots; /* events of this version */
    atomic_bool stopping; /* set under the lock */
    atomic_int in_flight; /* suspended exchanges */
    const struct route *scan_route;
    atomic_long tick;     /* seconds, raised by http_close_slow */
    long request_ticks, transfer_ticks;
    pthread_mutex_t connections_lock; /* owns connections */
    struct exchange *connections;
};

void exchange_enter(struct exchange *exchange, enum exchange_state state);
struct exchange *exchange_of_task(struct pool_task *task);
/* What routing reads of it; lives as long as the request. */
struct raw_request exchange_raw(struct exchange *exchange);
/* A task's `taken`: before any worker can resume the connection. */
void exchange_suspend(struct pool_task *task);
/* The last thing that a worker does with an exchange. */
void exchange_resume(struct exchange *exchange);
struct slice exchange_cookie(struct exchange *exchange);
/* The cookie that marks the device; data NULL where absent. */
struct slice exchange_device(struct exchange *exchange);
enum MHD_Result exchange_problem(struct exchange *exchange, const struct error *err);
/* Headers that every answer has: what a browser may do with it, and that nobody keeps it, unless
 * `headers` (may be NULL) say otherwise. */
void answer_guard(struct MHD_Response *response, const char *const *headers);

/* bodies.c: the answer of an exchange whose response has more than one chunk. NULL: no memory. */
struct MHD_Response *body_response(struct exchange *exchange);

/* Who is on the other end of a new connection. */
void admission_meet(struct exchange *exchange, const struct sockaddr *peer);
/* Takes the request out of its askers' buckets. ERROR_LIMITED, with exchange->wait_seconds. */
bool admission_take(struct exchange *exchange, struct error *err) MUST_USE;
/* Queues exchange->task where its class allows. ERROR_BUSY, counted. */
bool admission_queue(struct exchange *exchange, struct error *err) MUST_USE;
/* The same question for what needs no worker. */
bool admission_has_room(struct exchange *exchange, struct error *err) MUST_USE;

/* Answers with server-sent events until the client goes or the server stops. */
enum MHD_Result streams_open(struct exchange *exchange);
/* Under http->lock, or when no stream is left. */
void streams_wake(struct http *http);
void streams_forget_snapshots(struct http *http);

#endif
