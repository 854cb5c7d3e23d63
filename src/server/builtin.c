/* Routes of the house itself: health, metrics, the OpenAPI document, sessions, what is public, and the
 * built pages. */
#include <stdlib.h>

#include "registry/registry.h"
#include "server/server_internal.h"

static void put(struct response *response, const char *text)
{
    buffer_append_text(&response->body, text);
}

static bool handle_health(const struct request *request, struct response *response,
                          struct error *err)
{
    (void)request, (void)err;
    put(response, "{\"status\":\"ok\",\"version\":\"" CHENGMAI_VERSION "\"}");
    return true;
}

static bool handle_ready(const struct request *request, struct response *response,
                         struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    store_read_end(request->platform->store, sql);
    put(response, "{\"status\":\"ready\"}");
    return true;
}

static bool handle_metrics(const struct request *request, struct response *response,
                           struct error *err)
{
    (void)err;
    int64_t counts[4];
    response->content_type = "text/plain; version=0.0.4";
    put(response, "# TYPE chengmai_requests_total counter\n");
    for (int i = 1; i < 6; i++)
        buffer_print(&response->body, "chengmai_requests_total{class=\"%dxx\"} %lld\n", i,
                     (long long)atomic_load(&server_counters.requests[i]));
    buffer_print(&response->body,
                 "# TYPE chengmai_scans_total counter\nchengmai_scans_total %lld\n",
                 (long long)atomic_load(&server_counters.scans));
    status_counts(request->platform->status, counts);
    put(response, "# TYPE chengmai_persons gauge\n");
    for (int color = 0; color < 3; color++)
        buffer_print(&response->body, "chengmai_persons{color=\"%s\"} %lld\n",
                     color_name((enum color)color), (long long)counts[color]);
    return true;
}

/* ---- OpenAPI */

static const char *method_name(enum http_method method)
{
    static const char *const names[] = {"get", "post", "put", "delete"};
    return names[method];
}

static void put_parameter(struct json_writer *writer, struct slice name, const char *in,
                          struct slice words)
{
    json_object_begin(writer);
    json_field_text(writer, "name", name);
    json_field_text(writer, "in", slice_of(in));
    json_field_bool(writer, "required", strcmp(in, "path") == 0);
    if (words.length)
        json_field_text(writer, "description", words);
    json_key(writer, "schema");
    json_object_begin(writer);
    json_field_text(writer, "type", SLICE("string"));
    json_object_end(writer);
    json_object_end(writer);
}

static void put_parameters(struct json_writer *writer, const struct route *route)
{
    json_key(writer, "parameters");
    json_array_begin(writer);
    for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{')) {
        struct slice name = {at + 1, strcspn(at + 1, "}")};
        put_parameter(writer, name, "path", SLICE(""));
    }
    for (const char *at = route->query; at && *at;) { /* "name:words;name:words" */
        size_t length = strcspn(at, ";"), name = strcspn(at, ":;");
        struct slice words = {at + name + (name < length), length - name - (name < length)};
        put_parameter(writer, (struct slice){at, name}, "query", words);
        at += length + (at[length] == ';');
    }
    if (route->opens_identity)
        put_parameter(writer, SLICE("X-Purpose"), "header", SLICE("loop:ID, case:ID, duty:NAME"));
    json_array_end(writer);
}

static void put_operation(struct json_writer *writer, const struct route *route)
{
    static const char *const problems[] = {"4XX", "5XX"};
    json_key(writer, method_name(route->method));
    json_object_begin(writer);
    json_field_text(writer, "summary", slice_of(route->summary));
    if (route->destructive)
        json_field_bool(writer, "x-destructive", true);
    if (route->access == ROUTE_PUBLIC) {
        json_key(writer, "security");
        json_array_begin(writer);
        json_array_end(writer);
    }
    put_parameters(writer, route);
    if (route->request_schema) {
        json_key(writer, "requestBody");
        json_object_begin(writer);
        json_field_bool(writer, "required", true);
        json_key(writer, "content");
        json_object_begin(writer);
        json_key(writer, "application/json");
        json_object_begin(writer);
        json_key(writer, "schema");
        json_object_begin(writer);
        json_field_text(writer, "type", SLICE("object"));
        json_field_text(writer, "x-schema", slice_of(route->request_schema));
        json_object_end(writer);
        json_object_end(writer);
        json_object_end(writer);
        json_object_end(writer);
    }
    json_key(writer, "responses");
    json_object_begin(writer);
    json_key(writer, route->success_status == 204 ? "204" : "200");
    json_object_begin(writer);
    json_field_text(writer, "description", SLICE("done"));
    json_object_end(writer);
    for (int i = 0; i < 2; i++) {
        json_key(writer, problems[i]);
        json_object_begin(writer);
        json_field_text(writer, "description", SLICE("an RFC 9457 problem document"));
        json_object_end(writer);
    }
    json_object_end(writer);
    json_object_end(writer);
}

/* All routes with one path stand together. */
static void put_paths(struct json_writer *writer)
{
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            bool seen = false;
            for (size_t k = 0; k < r; k++)
                seen |= strcmp(modules[m]->routes[k].path, route->path) == 0;
            if (seen)
                continue;
            char path[128];
            snprintf(path, sizeof path, "%s%s", route->at_root ? "" : "/api/v1", route->path);
            json_key(writer, path);
            json_object_begin(writer);
            for (size_t k = r; k < modules[m]->route_count; k++)
                if (strcmp(modules[m]->routes[k].path, route->path) == 0)
                    put_operation(writer, &modules[m]->routes[k]);
            json_object_end(writer);
        }
}

static bool handle_openapi(const struct request *request, struct response *response,
                           struct error *err)
{
    (void)request, (void)err;
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "openapi", SLICE("3.1.0"));
    json_key(&writer, "info");
    json_object_begin(&writer);
    json_field_text(&writer, "title", SLICE("Chengmai"));
    json_field_text(&writer, "version", SLICE(CHENGMAI_VERSION));
    json_object_end(&writer);
    json_key(&writer, "paths");
    json_object_begin(&writer);
    put_paths(&writer);
    json_object_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

/* ---- Sessions */

static void put_session(const struct request *request, struct response *response,
                        const struct actor *actor, struct slice token)
{
    struct json_writer writer;
    char csrf[48];
    const struct area *area = registry_area(request->platform->registry, actor->area_first);
    access_csrf(request->platform->access, token, csrf);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "name", slice_of(actor->name));
    json_field_text(&writer, "role", slice_of(actor->role));
    json_key(&writer, "area");
    json_object_begin(&writer);
    json_field_text(&writer, "code", area ? area->code : SLICE(""));
    json_field_text(&writer, "name_zh", area ? area->name_zh : SLICE(""));
    json_field_text(&writer, "name_en", area ? area->name_en : SLICE(""));
    json_object_end(&writer);
    json_field_text(&writer, "csrf", slice_of(csrf));
    json_object_end(&writer);
    json_writer_release(&writer);
}

static bool handle_login(const struct request *request, struct response *response,
                         struct error *err)
{
    json_t *body;
    struct slice name, password;
    struct json_place place = {.source = "body", .required = true};
    char token[ACCESS_TOKEN_BYTES];
    struct actor actor;
    if (!request_json(request, &body, err) || !json_text(body, "name", place, &name, err) ||
        !json_text(body, "password", place, &password, err))
        return false;
    if (password.length > 200)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "password"},
                         "at most 200 bytes", "too long");
    if (!access_login(request->platform->access, name, password.data, token, err) ||
        !access_actor(request->platform->access, (struct slice){NULL, 0}, slice_of(token), &actor,
                      err))
        return false;
    response->headers[0] = arena_print(
        request->arena,
        "Set-Cookie: chengmai_session=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200",
        token);
    put_session(request, response, &actor, slice_of(token));
    return true;
}

static struct slice token_of(const struct request *request)
{
    if (!request->authorization.data)
        return request->cookie;
    return slice_trim((struct slice){request->authorization.data + 7,
                                     request->authorization.length - 7});
}

static bool handle_session(const struct request *request, struct response *response,
                           struct error *err)
{
    (void)err;
    put_session(request, response, &request->actor, token_of(request));
    return true;
}

static bool handle_logout(const struct request *request, struct response *response,
                          struct error *err)
{
    response->headers[0] =
        "Set-Cookie: chengmai_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
    put(response, "{}");
    return access_logout(request->platform->access, token_of(request), err);
}

static bool handle_about(const struct request *request, struct response *response,
                         struct error *err)
{
    struct platform *platform = request->platform;
    struct buffer logins;
    struct sql *sql;
    char now[TIME_TEXT_BYTES];
    buffer_init(&logins, 1 << 20);
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = !platform->demo || store_setting_get(sql, "demo_logins", &logins, err);
    store_read_end(platform->store, sql);
    if (done)
        buffer_print(&response->body, "{\"demo\":%s,\"city_now\":\"%s\",\"demo_logins\":%s}",
                     platform->demo ? "true" : "false",
                     time_format(world_now(platform->world) / SECOND * SECOND, now),
                     logins.length ? logins.data : "[]");
    buffer_release(&logins);
    return done;
}

/* ---- Built pages */

bool static_file(struct slice path, struct response *response, struct arena *arena)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
                 {".json", "application/json"},         {".woff2", "font/woff2"},
                 {".png", "image/png"}};
    bool root = slice_equal(path, SLICE("/"));
    char *name = arena_print(arena, "web/dist%.*s", SLICE_ARG(root ? SLICE("/index.html") : path));
    const struct embedded_file *file = embedded_find(name);
    if (!file)
        return false;
    response->content_type = "application/octet-stream";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t length = strlen(types[i].ending), whole = strlen(name);
        if (whole > length && strcmp(name + whole - length, types[i].ending) == 0)
            response->content_type = types[i].type;
    }
    bool hashed = strncmp(name, "web/dist/assets/", 16) == 0;
    response->headers[0] = hashed ? "Cache-Control: public, max-age=31536000, immutable"
                                  : "Cache-Control: no-cache";
    response->headers[1] = "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'";
    response->headers[2] = "X-Content-Type-Options: nosniff";
    response->headers[3] = "Referrer-Policy: no-referrer";
    buffer_append(&response->body, file->content.data, file->content.length);
    return true;
}

const struct route builtin_routes[] = {
    {.method = HTTP_GET, .path = "/healthz", .at_root = true, .access = ROUTE_PUBLIC,
     .summary = "The process lives", .handle = handle_health},
    {.method = HTTP_GET, .path = "/readyz", .at_root = true, .access = ROUTE_PUBLIC,
     .summary = "The store answers", .handle = handle_ready},
    {.method = HTTP_GET, .path = "/metrics", .at_root = true, .access = ROUTE_PUBLIC,
     .summary = "Counters for monitoring", .handle = handle_metrics},
    {.method = HTTP_GET, .path = "/openapi.json", .access = ROUTE_PUBLIC,
     .summary = "This document", .handle = handle_openapi},
    {.method = HTTP_GET, .path = "/public/about", .access = ROUTE_PUBLIC,
     .summary = "City clock, and the logins of a demo city", .handle = handle_about},
    {.method = HTTP_POST, .path = "/sessions", .access = ROUTE_PUBLIC,
     .summary = "Log in with name and password",
     .request_schema = "{\"required\":[\"name\",\"password\"]}", .handle = handle_login},
    {.method = HTTP_GET, .path = "/sessions/current", .access = ROUTE_USER,
     .permission = PERMISSION_NONE, .summary = "Who is logged in", .handle = handle_session},
    {.method = HTTP_DELETE, .path = "/sessions/current", .access = ROUTE_USER,
     .permission = PERMISSION_NONE, .destructive = true, .summary = "Log out",
     .handle = handle_logout},
    {.method = HTTP_GET, .path = "/events/stream", .access = ROUTE_USER,
     .permission = PERMISSION_BIT(PERMIT_SITUATION_READ), .manner = ROUTE_STREAM,
     .summary = "Server-sent events of the counters"},
};
const size_t builtin_route_count = sizeof builtin_routes / sizeof *builtin_routes;
