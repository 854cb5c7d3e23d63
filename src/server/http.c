/* HTTP on libmicrohttpd in poll mode.
 *
 * Every connection owns one exchange that is reused by its requests. Scans are submitted at once
 * and resumed from the commit thread; everything else goes to a bounded queue of two workers, or to
 * the many that wait for the disk. A connection is suspended exactly while its exchange is with the
 * commit thread or a worker.
 *
 *   NEW ──headers──► READING ──body──► WAITING (suspended) ──► ANSWERED ──sent──► NEW
 *                       └── too large, stopping, queue full: answered at once ──┘
 *
 * A long answer (bodies.c) goes between WAITING and ANSWERED once a chunk.
 *
 * The library closes a connection that is silent for 60 s. One that is not silent but gets nowhere
 * (a byte now and then) is closed by http_close_slow. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http_internal.h"
#include "server/listen.h"

enum {
    BODY_BYTES_MAX = 1 << 20,
    BATCH_BYTES_MAX = 16 << 20,
    BODY_BYTES_KEPT = 64 << 10,  /* of a connection between its requests */
    CONNECTIONS_MAX = 4096,
    ARENA_BYTES = 256 << 20,
    DRAIN_BYTES_MAX = 1 << 20,   /* read and thrown away past a limit, so that 413 is heard */
    SILENT_SECONDS = 60,
    REQUEST_SECONDS = 60,        /* headers and usual bodies, from the end of the last request */
    TRANSFER_SECONDS = 300,      /* batches coming in, an answer or a chunk of it going out */
};

void exchange_enter(struct exchange *exchange, enum exchange_state state)
{
    atomic_store_explicit(&exchange->since,
                          atomic_load_explicit(&exchange->http->tick, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&exchange->state, (int)state, memory_order_release);
}

static enum exchange_state state_of(struct exchange *exchange)
{
    return (enum exchange_state)atomic_load_explicit(&exchange->state, memory_order_acquire);
}

/* ---- Answering */

/* What a browser may do with an answer of the API: nothing. Pages bring their own (builtin.c). */
static const char *const guards[][2] = {
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static bool says(const char *const *headers, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; headers && headers[i]; i++)
        if (strncasecmp(headers[i], name, length) == 0 && headers[i][length] == ':')
            return true;
    return false;
}

void answer_guard(struct MHD_Response *response, const char *const *headers)
{
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        if (!says(headers, guards[i][0]))
            MHD_add_response_header(response, guards[i][0], guards[i][1]);
}

static enum MHD_Result queue_made(struct exchange *exchange, int status, const char *type,
                                  struct MHD_Response *response, const char *const *headers)
{
    atomic_fetch_add_explicit(&server_counters.requests[status / 100 % 6], 1,
                              memory_order_relaxed);
    if (!response)
        return MHD_NO;
    if (type)
        MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; headers && headers[i]; i++) {
        char name[64];
        const char *colon = strchr(headers[i], ':');
        snprintf(name, sizeof name, "%.*s", (int)(colon - headers[i]), headers[i]);
        MHD_add_response_header(response, name, colon + 2);
    }
    answer_guard(response, headers);
    if (exchange->closing)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result queued = MHD_queue_response(exchange->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result queue_response(struct exchange *exchange, int status, const char *type,
                                      struct slice body, const char *const *headers)
{
    /* the body lives in the exchange until its next request: no copy */
    return queue_made(exchange, status, body.length ? type : NULL,
                      MHD_create_response_from_buffer(
                          body.length, (void *)(uintptr_t)body.data, MHD_RESPMEM_PERSISTENT),
                      headers);
}

enum MHD_Result exchange_problem(struct exchange *exchange, const struct error *err)
{
    static const char *const who[] = {"WWW-Authenticate: Bearer", NULL};
    char later[40];
    const char *const retry[] = {later, NULL};
    int status = error_kind(err->code)->http_status;
    snprintf(later, sizeof later, "Retry-After: %d",
             exchange->wait_seconds ? exchange->wait_seconds : 1);
    buffer_clear(&exchange->scan.body);
    problem_write(&exchange->scan.body, err);
    exchange_enter(exchange, EXCHANGE_ANSWERED);
    return queue_response(exchange, status, "application/problem+json",
                          buffer_slice(&exchange->scan.body),
                          status == 503 || status == 429 ? retry
                          : status == 401                ? who
                                                         : NULL);
}

static enum MHD_Result refuse(struct exchange *exchange, enum error_code code, const char *what)
{
    struct error err;
    error_set(&err, code, (struct error_place){0}, NULL, "%s", what);
    return exchange_problem(exchange, &err);
}

void exchange_resume(struct exchange *exchange)
{
    struct http *http = exchange->http;
    exchange_enter(exchange, EXCHANGE_ANSWERED);
    MHD_resume_connection(exchange->connection);
    atomic_fetch_sub(&http->in_flight, 1);
}

static void suspend(struct exchange *exchange)
{
    exchange_enter(exchange, EXCHANGE_WAITING);
    atomic_fetch_add(&exchange->http->in_flight, 1);
    MHD_suspend_connection(exchange->connection);
}

static enum MHD_Result answer_long(struct exchange *exchange)
{
    const struct response *response = &exchange->response;
    if (!exchange->chunks) {
        body_end(&exchange->response);
        return refuse(exchange, ERROR_BAD_VALUE, "an answer of this length needs HTTP/1.1");
    }
    return queue_made(exchange, response->status, response->content_type, body_response(exchange),
                      response->headers);
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
    if (exchange->response.stream.fill)
        return answer_long(exchange);
    return queue_response(exchange, exchange->response.status, exchange->response.content_type,
                          buffer_slice(&exchange->response.body), exchange->response.headers);
}

struct slice exchange_cookie(struct exchange *exchange)
{
    return slice_of(MHD_lookup_connection_value(exchange->connection, MHD_COOKIE_KIND,
                                                "chengmai_session"));
}

struct slice exchange_device(struct exchange *exchange)
{
    return slice_of(MHD_lookup_connection_value(exchange->connection, MHD_COOKIE_KIND,
                                                "chengmai_device"));
}

/* ---- Workers */

struct exchange *exchange_of_task(struct pool_task *task)
{
    return (struct exchange *)((char *)task - offsetof(struct exchange, task));
}

static struct slice accepted_encodings(struct exchange *exchange)
{
    return slice_of(MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                "Accept-Encoding"));
}

struct raw_request exchange_raw(struct exchange *exchange)
{
    return (struct raw_request){.method = exchange->method,
                                .path = buffer_slice(&exchange->path),
                                .authorization = exchange->head.authorization,
                                .cookie = exchange_cookie(exchange),
                                .device = exchange_device(exchange),
                                .csrf = exchange->head.csrf,
                                .purpose = exchange->head.purpose,
                                .idempotency_key = exchange->head.idempotency_key,
                                .if_none_match = exchange->head.if_none_match,
                                .accept_encoding = accepted_encodings(exchange),
                                .body = buffer_slice(&exchange->body)};
}

static void work(struct pool_task *task)
{
    struct exchange *exchange = exchange_of_task(task);
    struct raw_request raw = exchange_raw(exchange);
    server_dispatch(exchange->http->platform, &raw, &exchange->arena, &exchange->response);
    exchange_resume(exchange);
}

void exchange_suspend(struct pool_task *task)
{
    suspend(exchange_of_task(task));
}

/* ---- One request */

static enum http_method method_of(const char *name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {{"GET", HTTP_GET},       {"POST", HTTP_POST}, {"PUT", HTTP_PUT},
                   {"DELETE", HTTP_DELETE}, {"HEAD", HTTP_GET},  {"OPTIONS", HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(name, methods[i].name) == 0)
            return methods[i].method;
    return HTTP_OTHER;
}

static void on_scan_answered(struct scan_exchange *scan)
{
    atomic_fetch_add_explicit(&server_counters.scans, 1, memory_order_relaxed);
    exchange_resume((struct exchange *)scan);
}

static enum MHD_Result act(struct exchange *exchange)
{
    struct http *http = exchange->http;
    const struct route *route = exchange->route;
    if (exchange->too_large)
        return refuse(exchange, ERROR_TOO_LARGE, "the body is too large");
    if (http->stopping)
        return refuse(exchange, ERROR_BUSY, "the server is stopping");
    if (route && route->manner == ROUTE_SCAN) {
        exchange->scan.answered = on_scan_answered;
        suspend(exchange);
        struct scan_credentials shown = {.authorization = exchange->head.authorization,
                                         .device = exchange_device(exchange),
                                         .cookie = exchange_cookie(exchange),
                                         .csrf = exchange->head.csrf};
        scan_submit(http->platform->checkin, &shown, exchange->head.idempotency_key,
                    buffer_slice(&exchange->body), false, &exchange->scan);
        return MHD_YES;
    }
    struct error err;
    exchange->task = (struct pool_task){.run = work, .taken = exchange_suspend};
    if (!admission_take(exchange, &err))
        return exchange_problem(exchange, &err);
    if (route && route->manner == ROUTE_STREAM)
        return admission_has_room(exchange, &err) ? streams_open(exchange)
                                                  : exchange_problem(exchange, &err);
    return admission_queue(exchange, &err) ? MHD_YES : exchange_problem(exchange, &err);
}

/* A body that says it is far too large is refused before it is sent. */
static bool is_announced_too_large(struct exchange *exchange)
{
    int64_t length;
    struct slice text = exchange->head.content_length;
    return text.data && slice_to_int64(text, 0, INT64_MAX, &length) &&
           (uint64_t)length > exchange->body.max_bytes + DRAIN_BYTES_MAX;
}

static enum MHD_Result begin(struct exchange *exchange, const char *url, const char *method,
                             const char *version)
{
    static const char scans[] = "/api/v1/scans";
    struct error err;
    /* before http_close_slow can see this state: it would take an unset 0 for too slow */
    atomic_store_explicit(&exchange->reading_ticks, exchange->http->request_ticks,
                          memory_order_relaxed);
    exchange_enter(exchange, EXCHANGE_READING);
    exchange->too_large = false;
    exchange->drained = 0;
    exchange->wait_seconds = 0;
    exchange->chunks = strcmp(version, "HTTP/1.0") != 0;
    exchange->route = NULL;
    buffer_clear(&exchange->body);
    if (!request_head_read(exchange->connection, url, version, &exchange->head, &err)) {
        exchange->closing = err.code == ERROR_SYNTAX;
        return exchange_problem(exchange, &err);
    }
    exchange->method = method_of(method);
    exchange->is_head = strcmp(method, "HEAD") == 0;
    if (exchange->method == HTTP_POST && strcmp(url, scans) == 0) {
        exchange->route = exchange->http->scan_route;
    } else {
        buffer_clear(&exchange->path); /* its query follows in append_query */
        buffer_append_text(&exchange->path, url);
        exchange->route = server_route_of(exchange->method, slice_of(url));
    }
    const struct route *route = exchange->route;
    exchange->body.max_bytes = route && route->body_bytes_max ? route->body_bytes_max
                               : route && route->runs_again   ? BATCH_BYTES_MAX
                                                              : BODY_BYTES_MAX;
    if (exchange->body.max_bytes > BODY_BYTES_MAX)
        atomic_store_explicit(&exchange->reading_ticks, TRANSFER_SECONDS, memory_order_relaxed);
    if (is_announced_too_large(exchange))
        return refuse(exchange, ERROR_TOO_LARGE, "the body is too large");
    return MHD_YES;
}

/* False where so much came past the limit that nobody listens. */
static bool take_body(struct exchange *exchange, const char *upload, size_t length)
{
    if (!exchange->too_large) {
        buffer_append(&exchange->body, upload, length);
        exchange->too_large = exchange->body.overflow;
    }
    if (exchange->too_large)
        exchange->drained += length;
    return exchange->drained <= DRAIN_BYTES_MAX;
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
        return begin(exchange, url, method, version);
    }
    if (state_of(exchange) == EXCHANGE_ANSWERED)
        return answer(exchange);
    if (*upload_size) {
        bool goes_on = take_body(exchange, upload, *upload_size);
        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    if (state_of(exchange) != EXCHANGE_READING)
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
    body_end(&exchange->response); /* it reads from the arena */
    if (exchange->response.body.capacity) {
        buffer_release(&exchange->response.body);
        exchange->response = (struct response){0};
    }
    if (exchange->arena.blocks)
        arena_clear(&exchange->arena);
    if (exchange->body.capacity > BODY_BYTES_KEPT)
        buffer_release(&exchange->body);
    exchange_enter(exchange, EXCHANGE_NEW);
    *state = NULL;
}

static struct exchange *exchange_new(struct http *http, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct exchange *exchange = x_alloc(1, sizeof *exchange);
    scan_exchange_init(&exchange->scan);
    exchange->http = http;
    exchange->socket = info ? info->connect_fd : -1;
    admission_meet(exchange, peer ? peer->client_addr : NULL);
    buffer_init(&exchange->body, BODY_BYTES_MAX);
    buffer_init(&exchange->path, 1 << 16);
    arena_init(&exchange->arena, ARENA_BYTES);
    exchange_enter(exchange, EXCHANGE_NEW);
    atomic_fetch_add(&server_counters.connections, 1);
    pthread_mutex_lock(&http->connections_lock);
    exchange->after = http->connections;
    if (exchange->after)
        exchange->after->before = exchange;
    http->connections = exchange;
    pthread_mutex_unlock(&http->connections_lock);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    struct http *http = exchange->http;
    atomic_fetch_sub(&server_counters.connections, 1);
    pthread_mutex_lock(&http->connections_lock);
    if (exchange->before)
        exchange->before->after = exchange->after;
    else
        http->connections = exchange->after;
    if (exchange->after)
        exchange->after->before = exchange->before;
    pthread_mutex_unlock(&http->connections_lock);
    scan_exchange_release(&exchange->scan);
    body_end(&exchange->response);
    buffer_release(&exchange->response.body);
    buffer_release(&exchange->body);
    buffer_release(&exchange->path);
    arena_release(&exchange->arena);
    free(exchange);
}

/* The library tells of a connection's end before it closes the socket. */
static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = exchange_new(context, connection);
    } else if (*socket_context) {
        exchange_free(*socket_context);
        *socket_context = NULL;
    }
}

void http_close_slow(struct http *http)
{
    long now = atomic_fetch_add(&http->tick, 1) + 1;
    atomic_store(&server_counters.forgotten, limits_forgotten(http->limits));
    pthread_mutex_lock(&http->connections_lock);
    for (struct exchange *exchange = http->connections; exchange; exchange = exchange->after) {
        enum exchange_state state = state_of(exchange);
        long age = now - atomic_load_explicit(&exchange->since, memory_order_relaxed);
        long most = http->transfer_ticks;
        if (state == EXCHANGE_NEW)
            most = http->request_ticks;
        else if (state == EXCHANGE_READING)
            most = atomic_load_explicit(&exchange->reading_ticks, memory_order_relaxed);
        bool with_client = state == EXCHANGE_NEW || state == EXCHANGE_READING ||
                           state == EXCHANGE_ANSWERED;
        if (with_client && age > most && exchange->socket >= 0)
            shutdown(exchange->socket, SHUT_RDWR);
    }
    pthread_mutex_unlock(&http->connections_lock);
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
    struct buffer document;
    buffer_init(&document, 64 << 20);
    openapi_write(&document);
    buffer_release(&document);
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++)
            REQUIRE(!route_fault(&modules[m]->routes[r]));
}

static bool start_daemon(struct http *http, const struct sockaddr_in *address, int unix_fd)
{
    unsigned cores = usable_cores();
    struct MHD_OptionItem more[6], *next = more;
    unsigned tls = http->address.tls ? MHD_USE_TLS : 0;
    if (cores > 1)
        *next++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)cores, NULL};
    if (unix_fd >= 0)
        *next++ = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, unix_fd, NULL};
    else
        *next++ = (struct MHD_OptionItem){MHD_OPTION_SOCK_ADDR, 0, (void *)(uintptr_t)address};
    if (tls) {
        *next++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, http->tls.key.data};
        *next++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, http->tls.certificate.data};
    }
    *next = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    http->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_SUPPRESS_DATE_NO_CLOCK | tls,
        http->address.port, NULL, NULL, on_request, http, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENT_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    return http->daemon != NULL;
}

static bool prepare_tls(struct http *http, struct error *err)
{
    const struct http_address *address = &http->address;
    if (!address->tls)
        return true;
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.field = "--tls"},
                         "libmicrohttpd built with GnuTLS", "the library knows no TLS");
    return trial_tls_open(store_directory_fd(http->platform->store), address->host, &http->tls,
                          err);
}

static bool listen_and_start(struct http *http, struct error *err)
{
    const struct http_address *address = &http->address;
    struct sockaddr_in internet = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    struct error_place place = {.field = "--listen"};
    int unix_fd = -1;
    if (address->unix_path[0]) {
        if (!listen_unix(address->unix_path, &unix_fd, err))
            return false;
    } else if (inet_pton(AF_INET, address->host, &internet.sin_addr) != 1) {
        return error_set(err, ERROR_USAGE, place, "an IPv4 address and a port",
                         "'%s' is not an address", address->host);
    }
    if (start_daemon(http, &internet, unix_fd))
        return true;
    if (unix_fd < 0)
        return error_set(err, ERROR_ENVIRONMENT, place, "a free port", "cannot listen on %s:%u",
                         address->host, address->port);
    close(unix_fd);
    unlink(address->unix_path);
    return error_set(err, ERROR_ENVIRONMENT, place, NULL, "cannot listen on %s",
                     address->unix_path);
}

/* Tests do not wait a minute. */
static long ticks_of(const char *variable, long seconds)
{
#ifdef CHENGMAI_FAULTS
    if (getenv(variable))
        return atol(getenv(variable));
#endif
    (void)variable;
    return seconds;
}

bool http_start(struct platform *platform, const struct http_address *address,
                struct http **ret_http, uint16_t *ret_port, struct error *err)
{
    struct http *http = x_alloc(1, sizeof *http);
    check_routes();
    http->platform = platform;
    http->address = *address;
    pthread_mutex_init(&http->lock, NULL);
    pthread_mutex_init(&http->connections_lock, NULL);
    http->scan_route = server_route_of(HTTP_POST, SLICE("/api/v1/scans"));
    atomic_store(&server_counters.stopping, false);
    http->request_ticks = ticks_of("CHENGMAI_REQUEST_SECONDS", REQUEST_SECONDS);
    http->transfer_ticks = ticks_of("CHENGMAI_TRANSFER_SECONDS", TRANSFER_SECONDS);
    if (!limits_open(store_directory_fd(platform->store), &http->limits, err) ||
        !pool_start(WORKERS, WORK_QUEUE_MAX + BODIES_MAX, &http->workers, err) ||
        !pool_start(WAITERS, WORK_QUEUE_MAX, &http->waiters, err) ||
        !pool_start(1, limits_log_ins_waiting(http->limits), &http->log_ins, err) ||
        !prepare_tls(http, err) || !listen_and_start(http, err)) {
        http_free(http);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    *ret_port = info ? info->port : address->port;
    *ret_http = http;
    return true;
}

/* Whether an answer is still on its way out. */
static bool answers_leave(struct http *http)
{
    bool leaving = false;
    pthread_mutex_lock(&http->connections_lock);
    for (struct exchange *exchange = http->connections; exchange; exchange = exchange->after)
        leaving |= state_of(exchange) == EXCHANGE_ANSWERED;
    pthread_mutex_unlock(&http->connections_lock);
    return leaving;
}

void http_stop(struct http *http, int seconds)
{
    MHD_socket listening = MHD_quiesce_daemon(http->daemon);
    atomic_store(&server_counters.stopping, true);
    pthread_mutex_lock(&http->lock);
    http->stopping = true;
    streams_wake(http);
    pthread_mutex_unlock(&http->lock);
    pool_stop(http->workers);
    pool_stop(http->waiters);
    pool_stop(http->log_ins);
    for (int k = 0; k < seconds * 100 && atomic_load(&http->in_flight) > 0; k++)
        usleep(10000);
    for (int k = 0; k < 100 && answers_leave(http); k++)
        usleep(10000);
    MHD_stop_daemon(http->daemon);
    if (listening >= 0)
        close(listening);
    if (http->address.unix_path[0])
        unlink(http->address.unix_path);
}

void http_free(struct http *http)
{
    streams_forget_snapshots(http);
    pthread_mutex_destroy(&http->lock);
    pthread_mutex_destroy(&http->connections_lock);
    pool_free(http->workers);
    pool_free(http->waiters);
    pool_free(http->log_ins);
    limits_free(http->limits);
    trial_tls_release(&http->tls);
    free(http);
}
