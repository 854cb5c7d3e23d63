/* HTTP on libmicrohttpd in poll mode.
 *
 * Every connection owns one exchange that is reused by its requests. Scans are submitted at once and
 * resumed from the commit thread; everything else goes to a bounded queue of two workers. A
 * connection is suspended exactly while its exchange is with the commit thread or a worker. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "command/command.h"
#include "server/server_internal.h"

enum {
    BODY_BYTES_MAX = 1 << 20,
    BATCH_BYTES_MAX = 16 << 20,
    CONNECTIONS_MAX = 4096,
    WORKERS = 2,
    WORK_QUEUE_MAX = 256,
    STREAMS_MAX = 256,
    ARENA_BYTES = 256 << 20,
};

enum exchange_state { EXCHANGE_NEW, EXCHANGE_READING, EXCHANGE_WAITING, EXCHANGE_ANSWERED };

struct exchange {
    struct scan_exchange scan; /* first member */
    struct http *http;
    struct MHD_Connection *connection;
    enum exchange_state state;
    enum http_method method;
    const struct route *route;
    struct buffer body, path;
    bool too_large;
    struct arena arena;
    struct response response;
    struct exchange *next; /* in the work queue */
};

struct stream {
    struct http *http;
    struct MHD_Connection *connection;
    struct actor actor;
    bool suspended;
    uint64_t sent_version;
    struct buffer text;
    size_t sent;
    struct stream *next;
};

struct http {
    struct platform *platform;
    struct MHD_Daemon *daemon;
    pthread_t workers[WORKERS];
    size_t worker_count;
    pthread_mutex_t lock; /* owns the queue and the streams */
    pthread_cond_t filled;
    struct exchange *queue_first, *queue_last;
    size_t queue_count;
    struct stream *streams;
    size_t stream_count;
    uint64_t version;     /* of the counters */
    bool stopping;
    atomic_int in_flight; /* suspended exchanges */
};

/* ---- Answering */

static enum MHD_Result queue_response(struct exchange *exchange, int status, const char *type,
                                      struct slice body, const char *const *headers)
{
    atomic_fetch_add_explicit(&server_counters.requests[status / 100 % 6], 1,
                              memory_order_relaxed);
    /* the body lives in the exchange until its next request: no copy */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.length, (void *)(uintptr_t)body.data, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; headers && headers[i]; i++) {
        char name[64];
        const char *colon = strchr(headers[i], ':');
        snprintf(name, sizeof name, "%.*s", (int)(colon - headers[i]), headers[i]);
        MHD_add_response_header(response, name, colon + 2);
    }
    enum MHD_Result queued = MHD_queue_response(exchange->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result queue_problem(struct exchange *exchange, enum error_code code,
                                     const char *what)
{
    struct error err;
    error_set(&err, code, (struct error_place){0}, NULL, "%s", what);
    buffer_clear(&exchange->scan.body);
    problem_write(&exchange->scan.body, &err);
    static const char *const retry[] = {"Retry-After: 1", NULL};
    int status = error_kind(code)->http_status;
    return queue_response(exchange, status, "application/problem+json",
                          buffer_slice(&exchange->scan.body), status == 503 ? retry : NULL);
}

static void resume(struct exchange *exchange)
{
    exchange->state = EXCHANGE_ANSWERED;
    struct http *http = exchange->http;
    MHD_resume_connection(exchange->connection);
    atomic_fetch_sub(&http->in_flight, 1);
}

static void suspend(struct exchange *exchange)
{
    exchange->state = EXCHANGE_WAITING;
    atomic_fetch_add(&exchange->http->in_flight, 1);
    MHD_suspend_connection(exchange->connection);
}

static enum MHD_Result answer(struct exchange *exchange)
{
    if (exchange->route && exchange->route->manner == ROUTE_SCAN) {
        int status = exchange->scan.status;
        static const char *const retry[] = {"Retry-After: 1", NULL};
        return queue_response(exchange, status,
                              status < 400 ? "application/json" : "application/problem+json",
                              buffer_slice(&exchange->scan.body), status == 503 ? retry : NULL);
    }
    return queue_response(exchange, exchange->response.status, exchange->response.content_type,
                          buffer_slice(&exchange->response.body), exchange->response.headers);
}

/* ---- Headers */

static struct slice header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return slice_of(value);
}

static struct slice session_cookie(struct MHD_Connection *connection)
{
    return slice_of(
        MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, "chengmai_session"));
}

/* ---- Workers */

static void work(struct exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;
    struct raw_request raw = {.method = exchange->method,
                              .path = buffer_slice(&exchange->path),
                              .authorization = header(connection, "Authorization"),
                              .cookie = session_cookie(connection),
                              .csrf = header(connection, "X-CSRF-Token"),
                              .purpose = header(connection, "X-Purpose"),
                              .idempotency_key = header(connection, "Idempotency-Key"),
                              .body = buffer_slice(&exchange->body)};
    server_dispatch(exchange->http->platform, &raw, &exchange->arena, &exchange->response);
    resume(exchange);
}

static void *worker_main(void *argument)
{
    struct http *http = argument;
    pthread_mutex_lock(&http->lock);
    for (;;) {
        while (!http->queue_first && !http->stopping)
            pthread_cond_wait(&http->filled, &http->lock);
        struct exchange *exchange = http->queue_first;
        if (!exchange)
            break;
        http->queue_first = exchange->next;
        if (!exchange->next)
            http->queue_last = NULL;
        http->queue_count--;
        pthread_mutex_unlock(&http->lock);
        work(exchange);
        pthread_mutex_lock(&http->lock);
    }
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

static bool enqueue(struct http *http, struct exchange *exchange)
{
    pthread_mutex_lock(&http->lock);
    bool room = http->queue_count < WORK_QUEUE_MAX && !http->stopping;
    if (room) {
        suspend(exchange);
        exchange->next = NULL;
        if (http->queue_last)
            http->queue_last->next = exchange;
        else
            http->queue_first = exchange;
        http->queue_last = exchange;
        http->queue_count++;
        pthread_cond_signal(&http->filled);
    }
    pthread_mutex_unlock(&http->lock);
    return room;
}

/* ---- Streams of events */

static ssize_t stream_read(void *context, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct stream *stream = context;
    struct http *http = stream->http;
    if (stream->sent == stream->text.length) {
        pthread_mutex_lock(&http->lock);
        uint64_t version = http->version;
        bool stopping = http->stopping;
        if (!stopping && version == stream->sent_version) {
            stream->suspended = true;
            MHD_suspend_connection(stream->connection);
        }
        pthread_mutex_unlock(&http->lock);
        if (stopping)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (stream->suspended)
            return 0;
        struct error err;
        stream->sent_version = version;
        buffer_clear(&stream->text);
        buffer_append_text(&stream->text, "event: counters\ndata: ");
        if (!command_counters_json(http->platform, &stream->actor, &stream->text, &err))
            buffer_append_text(&stream->text, "{}");
        buffer_append_text(&stream->text, "\n\n");
        stream->sent = 0;
    }
    size_t left = stream->text.length - stream->sent;
    size_t given = left < size ? left : size;
    memcpy(out, stream->text.data + stream->sent, given);
    stream->sent += given;
    return (ssize_t)given;
}

static void stream_free(void *context)
{
    struct stream *stream = context;
    struct http *http = stream->http;
    pthread_mutex_lock(&http->lock);
    for (struct stream **at = &http->streams; *at; at = &(*at)->next)
        if (*at == stream) {
            *at = stream->next;
            http->stream_count--;
            break;
        }
    pthread_mutex_unlock(&http->lock);
    buffer_release(&stream->text);
    free(stream);
}

static void wake_streams(struct http *http)
{
    for (struct stream *stream = http->streams; stream; stream = stream->next)
        if (stream->suspended) {
            stream->suspended = false;
            MHD_resume_connection(stream->connection);
        }
}

void http_streams_wake(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    http->version++;
    wake_streams(http);
    pthread_mutex_unlock(&http->lock);
}

static enum MHD_Result open_stream(struct exchange *exchange)
{
    struct http *http = exchange->http;
    struct error err;
    struct stream *stream = x_alloc(1, sizeof *stream);
    struct slice authorization = header(exchange->connection, "Authorization");
    stream->http = http;
    stream->connection = exchange->connection;
    buffer_init(&stream->text, 1 << 20);
    bool good = access_actor(http->platform->access, authorization,
                             authorization.data ? (struct slice){NULL, 0}
                                                : session_cookie(exchange->connection),
                             &stream->actor, &err) &&
                access_gate(exchange->route, &stream->actor, (struct slice){NULL, 0}, &err);
    pthread_mutex_lock(&http->lock);
    bool room = http->stream_count < STREAMS_MAX && !http->stopping;
    if (good && room) {
        stream->next = http->streams;
        http->streams = stream;
        http->stream_count++;
    }
    stream->sent_version = http->version - 1;
    pthread_mutex_unlock(&http->lock);
    if (!good || !room) {
        buffer_release(&stream->text);
        free(stream);
        return queue_problem(exchange, good ? ERROR_BUSY : err.code,
                             good ? "too many event streams" : err.what);
    }
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, stream, stream_free);
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result queued = MHD_queue_response(exchange->connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

/* ---- One request */

static bool method_of(const char *name, enum http_method *ret_method)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE"};
    for (int i = 0; i < HTTP_METHOD_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret_method = (enum http_method)i;
            return true;
        }
    *ret_method = HTTP_GET;
    return strcmp(name, "HEAD") == 0;
}

static void on_scan_answered(struct scan_exchange *scan)
{
    atomic_fetch_add_explicit(&server_counters.scans, 1, memory_order_relaxed);
    resume((struct exchange *)scan);
}

static enum MHD_Result act(struct exchange *exchange)
{
    struct http *http = exchange->http;
    const struct route *route = exchange->route;
    if (exchange->too_large)
        return queue_problem(exchange, ERROR_TOO_LARGE, "the body is too large");
    if (http->stopping)
        return queue_problem(exchange, ERROR_BUSY, "the server is stopping");
    if (route && route->manner == ROUTE_SCAN) {
        exchange->scan.answered = on_scan_answered;
        suspend(exchange);
        scan_submit(http->platform->checkin, header(exchange->connection, "Authorization"),
                    header(exchange->connection, "Idempotency-Key"),
                    buffer_slice(&exchange->body), false, &exchange->scan);
        return MHD_YES;
    }
    if (route && route->manner == ROUTE_STREAM)
        return open_stream(exchange);
    if (!enqueue(http, exchange))
        return queue_problem(exchange, ERROR_BUSY, "too many requests wait already");
    return MHD_YES;
}

static enum MHD_Result begin(struct exchange *exchange, const char *url, const char *method)
{
    exchange->state = EXCHANGE_READING;
    exchange->too_large = false;
    buffer_clear(&exchange->body);
    exchange->method = HTTP_GET;
    if (!method_of(method, &exchange->method))
        return queue_problem(exchange, ERROR_METHOD, "unknown method");
    static const char scans[] = "/api/v1/scans";
    static const struct route *scan_route;
    if (!scan_route)
        scan_route = server_route_of(HTTP_POST, SLICE("/api/v1/scans"));
    if (exchange->method == HTTP_POST && strcmp(url, scans) == 0) {
        exchange->route = scan_route;
    } else {
        buffer_clear(&exchange->path); /* `path` was filled with query by the URI log callback */
        buffer_append_text(&exchange->path, url);
        exchange->route = server_route_of(exchange->method, slice_of(url));
    }
    bool batch = exchange->route && strcmp(exchange->route->path, "/scans:batch") == 0;
    exchange->body.max_bytes = batch ? BATCH_BYTES_MAX : BODY_BYTES_MAX;
    return MHD_YES;
}

static enum MHD_Result append_query(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    struct exchange *exchange = context;
    bool first = !strchr(exchange->path.data, '?');
    buffer_print(&exchange->path, "%s%s%s%s", first ? "?" : "&", name, value ? "=" : "",
                 value ? value : "");
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
    (void)version;
    (void)context;
    struct exchange *exchange = *state;
    if (!exchange) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        exchange = info ? info->socket_context : NULL;
        if (!exchange)
            return MHD_NO;
        exchange->connection = connection;
        *state = exchange;
        return begin(exchange, url, method);
    }
    if (exchange->state == EXCHANGE_ANSWERED)
        return answer(exchange);
    if (*upload_size) {
        buffer_append(&exchange->body, upload, *upload_size);
        exchange->too_large |= exchange->body.overflow;
        *upload_size = 0;
        return MHD_YES;
    }
    if (exchange->state != EXCHANGE_READING)
        return MHD_YES;
    if (!exchange->route || exchange->route->manner != ROUTE_SCAN)
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, append_query, exchange);
    return act(exchange);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    struct exchange *exchange = *state;
    if (!exchange)
        return;
    if (exchange->response.body.capacity) {
        buffer_release(&exchange->response.body);
        exchange->response = (struct response){0};
    }
    if (exchange->arena.blocks)
        arena_clear(&exchange->arena);
    exchange->state = EXCHANGE_NEW;
    *state = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct exchange *exchange = x_alloc(1, sizeof *exchange);
        scan_exchange_init(&exchange->scan);
        exchange->http = context;
        buffer_init(&exchange->body, BODY_BYTES_MAX);
        buffer_init(&exchange->path, 1 << 16);
        arena_init(&exchange->arena, ARENA_BYTES);
        *socket_context = exchange;
        return;
    }
    struct exchange *exchange = *socket_context;
    if (!exchange)
        return;
    scan_exchange_release(&exchange->scan);
    buffer_release(&exchange->body);
    buffer_release(&exchange->path);
    arena_release(&exchange->arena);
    free(exchange);
    *socket_context = NULL;
}

/* Escapes stay: decoding is routing's, which refuses NUL. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

/* ---- Starting and stopping */

static unsigned usable_cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : (unsigned)count;
}

static void check_routes(void)
{
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            REQUIRE(route->access != ROUTE_USER || route->permission != 0);
            REQUIRE(route->handle || route->manner != ROUTE_PLAIN);
        }
}

bool http_start(struct platform *platform, const char *host, uint16_t port, struct http **ret_http,
                uint16_t *ret_port, struct error *err)
{
    struct http *http = x_alloc(1, sizeof *http);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    check_routes();
    http->platform = platform;
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->filled, NULL);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        free(http);
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--listen"},
                         "an IPv4 address and a port", "'%s' is not an address", host);
    }
    unsigned cores = usable_cores();
    struct MHD_OptionItem pool[] = {
        {cores > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)cores, NULL},
        {MHD_OPTION_END, 0, NULL}};
    http->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
        port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
    if (!http->daemon) {
        free(http);
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.field = "--listen"},
                         "a free port", "cannot listen on %s:%u", host, port);
    }
    while (http->worker_count < WORKERS &&
           pthread_create(&http->workers[http->worker_count], NULL, worker_main, http) == 0)
        http->worker_count++;
    REQUIRE(http->worker_count == WORKERS);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    *ret_port = info ? info->port : port;
    *ret_http = http;
    return true;
}

void http_stop(struct http *http, int seconds)
{
    MHD_socket listening = MHD_quiesce_daemon(http->daemon);
    pthread_mutex_lock(&http->lock);
    http->stopping = true;
    wake_streams(http);
    pthread_cond_broadcast(&http->filled);
    pthread_mutex_unlock(&http->lock);
    for (size_t i = 0; i < http->worker_count; i++)
        pthread_join(http->workers[i], NULL);
    for (int k = 0; k < seconds * 100 && atomic_load(&http->in_flight) > 0; k++)
        usleep(10000);
    usleep(50000); /* answers already queued leave their buffers */
    MHD_stop_daemon(http->daemon);
    if (listening >= 0)
        close(listening);
    pthread_mutex_destroy(&http->lock);
    pthread_cond_destroy(&http->filled);
    free(http);
}
