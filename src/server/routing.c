/* From a raw request to an answer: route, actor, CSRF, gate, idempotency key, handler, validators or
 * problem. Default is to deny: a route without declared access does not start. */
#include <stdlib.h>
#include <strings.h>

#include "server/server_internal.h"

enum {
    PARAMETERS_MAX = 4,
    QUERY_MAX = 32,
    ANSWER_BYTES_MAX = 256 << 20,
    PROBLEM_BYTES_MAX = 1 << 16,
};
static const char prefix[] = "/api/v1";

struct server_counters server_counters;

/* ---- Paths */

static bool decode_hex(char high, char low, unsigned char *out)
{
    static const char digits[] = "0123456789abcdef";
    const char *a = high ? strchr(digits, high | 0x20) : NULL;
    const char *b = low ? strchr(digits, low | 0x20) : NULL;
    if (!a || !b)
        return false;
    *out = (unsigned char)((a - digits) << 4 | (b - digits));
    return true;
}

/* Percent-decoding; false for %00, a broken escape, or what is not UTF-8. */
static bool decode(struct slice text, bool query, struct arena *arena, struct slice *ret_text)
{
    char *out = arena_alloc(arena, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '%') {
            if (i + 2 >= text.length || !decode_hex(text.data[i + 1], text.data[i + 2], &byte))
                return false;
            i += 2;
        } else if (query && byte == '+') {
            byte = ' ';
        }
        out[length++] = (char)byte;
    }
    *ret_text = (struct slice){out, length};
    return slice_is_utf8(*ret_text);
}

static struct slice next_segment(struct slice *path)
{
    while (path->length && path->data[0] == '/')
        *path = (struct slice){path->data + 1, path->length - 1};
    const char *stop = path->length ? memchr(path->data, '/', path->length) : NULL;
    size_t length = stop ? (size_t)(stop - path->data) : path->length;
    struct slice segment = {path->data, length};
    *path = (struct slice){path->data + length, path->length - length};
    return segment;
}

/* Parameters into `parameters` (raw); true where the pattern fits. */
static bool path_fits(const struct route *route, struct slice path, struct slice *parameters,
                      size_t *ret_count)
{
    size_t count = 0;
    struct slice pattern = slice_of(route->path);
    if (!route->at_root) {
        if (path.length < sizeof prefix || memcmp(path.data, prefix, sizeof prefix - 1) != 0 ||
            path.data[sizeof prefix - 1] != '/')
            return false;
        path = (struct slice){path.data + sizeof prefix - 1, path.length - (sizeof prefix - 1)};
    }
    for (;;) {
        struct slice a = next_segment(&pattern), b = next_segment(&path);
        *ret_count = count;
        if (!a.length || !b.length)
            return a.length == b.length;
        if (a.data[0] == '{' && count < PARAMETERS_MAX)
            parameters[count++] = b;
        else if (!slice_equal(a, b))
            return false;
    }
}

static struct slice without_query(struct slice path, struct slice *ret_query)
{
    const char *mark = path.length ? memchr(path.data, '?', path.length) : NULL;
    *ret_query = (struct slice){NULL, 0};
    if (!mark)
        return path;
    size_t length = (size_t)(mark - path.data);
    *ret_query = (struct slice){mark + 1, path.length - length - 1};
    return (struct slice){path.data, length};
}

/* Of several that fit, the one with the fewest parameters: a name before a place for one, whatever
 * the order of rooms. *ret_methods: bits of the other methods that this path has. */
static const struct route *find_route(enum http_method method, struct slice path,
                                      struct slice *parameters, size_t *ret_count,
                                      unsigned *ret_methods)
{
    const struct route *best = NULL;
    struct slice tried[PARAMETERS_MAX];
    size_t count;
    *ret_methods = 0;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            if (!path_fits(route, path, tried, &count))
                continue;
            if (route->method != method) {
                *ret_methods |= 1u << route->method;
            } else if (!best || count < *ret_count) {
                best = route;
                *ret_count = count;
                memcpy(parameters, tried, count * sizeof *tried);
            }
        }
    return best;
}

const struct route *server_route_of(enum http_method method, struct slice path)
{
    struct slice parameters[PARAMETERS_MAX], query;
    size_t count;
    unsigned methods;
    return find_route(method, without_query(path, &query), parameters, &count, &methods);
}

/* ---- Requests */

static bool bad_path(struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "path"},
                     "percent-encoded UTF-8 without NUL", "the path or query is not acceptable");
}

static bool parse_query(struct slice text, struct arena *arena, struct request *request,
                        struct error *err)
{
    struct query_field *fields = arena_alloc(arena, QUERY_MAX * sizeof *fields);
    request->query = fields;
    while (text.length) {
        const char *stop = memchr(text.data, '&', text.length);
        size_t length = stop ? (size_t)(stop - text.data) : text.length;
        const char *equals = memchr(text.data, '=', length);
        size_t name = equals ? (size_t)(equals - text.data) : length;
        struct slice value = {text.data + name + (equals ? 1 : 0), length - name - (equals ? 1 : 0)};
        if (request->query_count == QUERY_MAX ||
            !decode((struct slice){text.data, name}, true, arena,
                    &fields[request->query_count].name) ||
            !decode(value, true, arena, &fields[request->query_count].value))
            return bad_path(err);
        request->query_count++;
        size_t used = stop ? length + 1 : length;
        text = (struct slice){text.data + used, text.length - used};
    }
    return true;
}

static bool check_csrf(const struct raw_request *raw, struct platform *platform,
                       const struct actor *actor, struct error *err)
{
    bool by_cookie = !raw->authorization.data && raw->cookie.data && actor->kind != ACTOR_NONE;
    return !by_cookie || raw->method == HTTP_GET ||
           access_csrf_fits(platform->access, raw->cookie, raw->csrf) ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "X-CSRF-Token"},
                     "the csrf of the session", "missing or wrong");
}

/* A holder's session ends with its person's epoch; users' end with their token. */
static bool check_epoch(struct platform *platform, const struct actor *actor, struct error *err)
{
    if (actor->kind != ACTOR_HOLDER)
        return true;
    struct status_entry status = status_get(
        platform->status, (struct person_no){actor->person_no}, world_now(platform->world));
    return ((status.flags & STATUS_KNOWN) && status.session_epoch == actor->session_epoch) ||
           error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "Authorization"},
                     "a new session", "the session was ended");
}

/* No such method on this path, or no such path. OPTIONS is answered with what there is. */
static bool without_route(const struct raw_request *raw, unsigned methods, struct arena *arena,
                          struct response *response, struct error *err)
{
    static const char *const names[HTTP_METHOD_COUNT] = {", GET, HEAD", ", POST", ", PUT",
                                                         ", DELETE"};
    if (!methods)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "path"},
                         "a route of /api/v1/openapi.json", "no such route");
    char allowed[64] = "";
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++)
        if (methods & 1u << i)
            strcat(allowed, names[i]);
    response_header(response, arena_print(arena, "Allow: OPTIONS%s", allowed));
    if (raw->method == HTTP_OPTIONS) {
        response->status = 204;
        return true;
    }
    return error_set(err, ERROR_METHOD, (struct error_place){.field = "path"},
                     "a method of the Allow header", "this method is not served here");
}

/* Who asks, and may they: before anything of the request is read. */
static bool admit(const struct raw_request *raw, struct request *request, struct error *err)
{
    struct platform *platform = request->platform;
    const struct route *route = request->route;
    struct slice cookie = raw->authorization.data ? (struct slice){NULL, 0} : raw->cookie;
    if (route->access != ROUTE_PUBLIC &&
        (!access_actor(platform->access, raw->authorization, cookie, raw->device,
                       &request->actor, err) ||
         !check_epoch(platform, &request->actor, err) ||
         !check_csrf(raw, platform, &request->actor, err)))
        return false;
    return access_gate(platform->access, route, &request->actor, raw->purpose, err);
}

bool server_admits(struct platform *platform, const struct raw_request *raw, struct error *err)
{
    struct request request = {.platform = platform,
                              .route = server_route_of(raw->method, raw->path)};
    REQUIRE(request.route);
    return admit(raw, &request, err);
}

static bool dispatch(struct platform *platform, const struct raw_request *raw,
                     struct arena *arena, struct response *response, struct error *err)
{
    struct slice parameters[PARAMETERS_MAX], query;
    struct slice path = without_query(raw->path, &query);
    unsigned methods;
    size_t count = 0;
    const struct route *route = find_route(raw->method, path, parameters, &count, &methods);
    struct request request = {.platform = platform, .arena = arena, .method = raw->method,
                              .route = route, .path = path, .body = raw->body,
                              .idempotency_key = raw->idempotency_key, .purpose = raw->purpose,
                              .authorization = raw->authorization, .cookie = raw->cookie,
                              .device = raw->device};
    if (!route)
        return (raw->method == HTTP_GET && static_file(raw, path, response, arena)) ||
               without_route(raw, methods, arena, response, err);
    if (!admit(raw, &request, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!decode(parameters[i], false, arena, &request.parameters[i]))
            return bad_path(err);
    if (!parse_query(query, arena, &request, err))
        return false;
    if (!route->handle)
        return error_set(err, ERROR_METHOD, (struct error_place){.field = "path"}, NULL,
                         "this route is served on a connection only");
    if (route->method != HTTP_GET && raw->idempotency_key.data)
        return idempotency_run(&request, raw->path, response, err);
    return route->handle(&request, response, err);
}

/* ---- Answers */

/* What may be kept by whom. What opens identity, and what a route says, is kept by nobody; other
 * reads may be asked for again by their tag. */
static void put_validators(const struct raw_request *raw, struct arena *arena,
                           struct response *response)
{
    const struct route *route = server_route_of(raw->method, raw->path);
    bool common = !response->stream.fill &&
                  (!route || (!route->at_root && !route->opens_identity && !route->kept_by_nobody &&
                             (route->access == ROUTE_USER || route->access == ROUTE_PUBLIC)));
    if (raw->method != HTTP_GET || !common) {
        response_header(response, "Cache-Control: no-store");
        return;
    }
    unsigned char hash[16];
    char tag[32];
    hash_blake2b(hash, sizeof hash, response->body.data, response->body.length, NULL);
    text_to_base64url(hash, sizeof hash, tag);
    response_header(response, arena_print(arena, "ETag: \"%s\"", tag));
    if (route)
        response_header(response, "Cache-Control: private, no-cache");
    char quoted[40];
    snprintf(quoted, sizeof quoted, "\"%s\"", tag);
    bool same = raw->if_none_match.data &&
                (slice_equal(slice_trim(raw->if_none_match), SLICE("*")) ||
                 memmem(raw->if_none_match.data, raw->if_none_match.length, quoted,
                        strlen(quoted)));
    if (same) {
        response->status = 304;
        buffer_clear(&response->body);
    }
}

static void answer_problem(struct response *response, const struct error *err)
{
    if (error_kind(err->code)->http_status >= 500 && err->code != ERROR_BUSY)
        log_error("server", err);
    buffer_release(&response->body); /* half an answer, its length bounded by the route */
    buffer_init(&response->body, PROBLEM_BYTES_MAX);
    response->status = error_kind(err->code)->http_status;
    response->content_type = "application/problem+json";
    if (response->status != 405)
        memset(response->headers, 0, sizeof response->headers);
    if (response->status == 401)
        response_header(response, "WWW-Authenticate: Bearer");
    if (response->status == 503)
        response_header(response, "Retry-After: 1");
    response_header(response, "Cache-Control: no-store");
    problem_write(&response->body, err);
}

void server_dispatch(struct platform *platform, const struct raw_request *raw,
                     struct arena *arena, struct response *response)
{
    struct error err = {0};
    *response = (struct response){.status = 0};
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    bool done = dispatch(platform, raw, arena, response, &err);
    REQUIRE(!response->stream.fill || (done && raw->method == HTTP_GET));
    if (response->stream.fill)
        done = body_begin(response, &err);
    if (done && response->body.overflow)
        done = error_set(&err, ERROR_TOO_LARGE, (struct error_place){0}, "a smaller question",
                         "the answer is too large");
    if (!done) {
        answer_problem(response, &err);
        return;
    }
    if (!response->status)
        response->status = 200;
    if (!response->content_type)
        response->content_type = "application/json";
    if (response->status == 200)
        put_validators(raw, arena, response);
}
