/* Routes of the house itself: health, metrics, and what is public. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "access/shown.h"
#include "loops/loops.h"
#include "notices/notices.h"
#include "registry/registry.h"
#include "server/server_internal.h"

enum { READY_REASONS_MAX = 4, DISK_BYTES_MIN = 16 << 20 };

struct ready_reason {
    const char *part, *words;
};

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

/* Why no work should be sent here now: 0 where there is no reason. */
static size_t reasons_not_ready(struct platform *platform, struct ready_reason *reasons)
{
    size_t count = 0;
    struct sql *sql;
    struct error err;
    struct statvfs disk;
    if (atomic_load(&server_counters.stopping))
        reasons[count++] = (struct ready_reason){"server", "it is stopping"};
    if (store_read_begin(platform->store, &sql, &err))
        store_read_end(platform->store, sql);
    else
        reasons[count++] = (struct ready_reason){"database", "it cannot be read"};
    if (!presence_ready(platform->presence, &err))
        reasons[count++] = (struct ready_reason){"scans", "they cannot be made durable"};
    if (fstatvfs(store_directory_fd(platform->store), &disk) != 0 ||
        (uint64_t)disk.f_bavail * disk.f_frsize < DISK_BYTES_MIN)
        reasons[count++] = (struct ready_reason){"disk", "less than 16 MB are free"};
    return count;
}

static bool handle_ready(const struct request *request, struct response *response,
                         struct error *err)
{
    (void)err;
    struct ready_reason reasons[READY_REASONS_MAX];
    size_t count = reasons_not_ready(request->platform, reasons);
    if (!count) {
        put(response, "{\"status\":\"ready\"}");
        return true;
    }
    struct json_writer writer;
    response->status = 503;
    response->content_type = "application/problem+json";
    response_header(response, "Retry-After: 1");
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_text(&writer, "type", SLICE("/problems/not-ready"));
    json_field_text(&writer, "title", SLICE("Not ready"));
    json_field_text(&writer, "title_zh", SLICE("尚未就绪"));
    json_field_int64(&writer, "status", 503);
    json_field_text(&writer, "detail", SLICE("send no work here now"));
    json_key(&writer, "errors");
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&writer);
        json_field_text(&writer, "field", slice_of(reasons[i].part));
        json_field_text(&writer, "reason", slice_of(reasons[i].words));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

static void put_metric(struct response *response, const char *name, const char *type,
                       const char *words)
{
    buffer_print(&response->body, "# HELP %s %s\n# TYPE %s %s\n", name, words, name, type);
}

static void put_refusals(struct response *response)
{
    struct buffer *body = &response->body;
    put_metric(response, "chengmai_shed_total", "counter",
               "Requests refused because too many waited, by class.");
    for (int i = SHED_DECORATION; i < SHED_COUNT; i++)
        buffer_print(body, "chengmai_shed_total{class=\"%s\"} %lld\n",
                     shed_name((enum route_shed)i),
                     (long long)atomic_load(&server_counters.shed[i]));
    put_metric(response, "chengmai_limited_total", "counter",
               "Requests refused because their asker sent too many.");
    for (int i = 0; i < LIMIT_KIND_COUNT; i++)
        buffer_print(body, "chengmai_limited_total{by=\"%s\"} %lld\n",
                     limit_name((enum limit_kind)i),
                     (long long)atomic_load(&server_counters.limited[i]));
    put_metric(response, "chengmai_limit_buckets_forgotten_total", "counter",
               "Askers whose bucket was given to another: the table is too small for them.");
    buffer_print(body, "chengmai_limit_buckets_forgotten_total %lld\n",
                 (long long)atomic_load(&server_counters.forgotten));
}

static void put_notices(const struct request *request, struct response *response)
{
    struct notice_counts counts[NOTICE_CHANNELS];
    struct buffer *body = &response->body;
    notices_counts_lately(request->platform->notices, counts);
    put_metric(response, "chengmai_notices", "gauge",
               "Notices that wait for their channel, and that were given up, by channel.");
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        const char *name = notice_channel_name((enum notice_channel)i);
        buffer_print(body,
                     "chengmai_notices{channel=\"%s\",state=\"waiting\"} %lld\n"
                     "chengmai_notices{channel=\"%s\",state=\"given_up\"} %lld\n",
                     name, (long long)counts[i].waiting, name, (long long)counts[i].given_up);
    }
    put_metric(response, "chengmai_notice_tries_total", "counter",
               "Tries to deliver a notice since the city began, by channel.");
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        const char *name = notice_channel_name((enum notice_channel)i);
        buffer_print(body,
                     "chengmai_notice_tries_total{channel=\"%s\",outcome=\"delivered\"} %lld\n"
                     "chengmai_notice_tries_total{channel=\"%s\",outcome=\"retried\"} %lld\n",
                     name, (long long)counts[i].delivered, name, (long long)counts[i].retries);
    }
}

static void put_desk(const struct request *request, struct response *response)
{
    struct buffer *body = &response->body;
    struct viewer_counts views = loops_viewers_counts(request->platform->loops);
    put_metric(response, "chengmai_event_streams", "gauge", "Open event streams.");
    buffer_print(body, "chengmai_event_streams %lld\n",
                 (long long)atomic_load(&server_counters.streams));
    put_metric(response, "chengmai_loop_views", "gauge", "Pages that have a loop open.");
    buffer_print(body, "chengmai_loop_views %lld\n", (long long)views.views);
    put_metric(response, "chengmai_loop_views_unlisted_total", "counter",
               "Pages on a loop that found no place among those that are told of.");
    buffer_print(body, "chengmai_loop_views_unlisted_total %lld\n", (long long)views.unlisted);
}

/* Whoever asks: a small count is left out, and the one that would give it away. */
static void put_persons(const struct request *request, struct response *response)
{
    int64_t counts[COLOR_COUNT] = {0};
    bool hidden[COLOR_COUNT];
    status_counts(request->platform->status, counts);
    (void)!shown_counts_suppress(counts, hidden, COLOR_COUNT,
                                 policy_number(request->platform->policy, NUMBER_SUPPRESS_BELOW));
    put_metric(response, "chengmai_persons", "gauge",
               "Persons by colour of their status, without counts too small to be told.");
    for (int color = 0; color < 3; color++)
        if (!hidden[color])
            buffer_print(&response->body, "chengmai_persons{color=\"%s\"} %lld\n",
                         color_name((enum color)color), (long long)counts[color]);
}

static bool handle_metrics(const struct request *request, struct response *response,
                           struct error *err)
{
    (void)err;
    struct buffer *body = &response->body;
    response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    put_metric(response, "chengmai_requests_total", "counter", "Answers by class of status.");
    for (int i = 1; i < 6; i++)
        buffer_print(body, "chengmai_requests_total{class=\"%dxx\"} %lld\n", i,
                     (long long)atomic_load(&server_counters.requests[i]));
    put_metric(response, "chengmai_scans_total", "counter", "Scans answered.");
    buffer_print(body, "chengmai_scans_total %lld\n",
                 (long long)atomic_load(&server_counters.scans));
    put_metric(response, "chengmai_connections", "gauge", "Open connections.");
    buffer_print(body, "chengmai_connections %lld\n",
                 (long long)atomic_load(&server_counters.connections));
    put_metric(response, "chengmai_long_answers", "gauge", "Long answers on their way.");
    buffer_print(body, "chengmai_long_answers %lld\n",
                 (long long)atomic_load(&server_counters.bodies));
    put_desk(request, response);
    put_refusals(response);
    put_persons(request, response);
    put_notices(request, response);
    return true;
}

/* ---- What is public */

static bool handle_about(const struct request *request, struct response *response,
                         struct error *err)
{
    struct platform *platform = request->platform;
    struct buffer logins;
    struct sql *sql;
    buffer_init(&logins, 1 << 20);
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = !platform->demo || store_setting_get(sql, "demo_logins", &logins, err);
    store_read_end(platform->store, sql);
    if (done) {
        struct json_writer writer;
        json_writer_init(&writer, &response->body);
        json_object_begin(&writer);
        json_field_bool(&writer, "demo", platform->demo);
        json_field_time(&writer, "city_now", world_now(platform->world) / SECOND * SECOND);
        session_put_providers(&writer, platform);
        json_key(&writer, "demo_logins");
        json_put_raw(&writer, logins.length ? buffer_slice(&logins) : SLICE("[]"));
        json_object_end(&writer);
        json_writer_release(&writer);
    }
    buffer_release(&logins);
    return done;
}

#define TEXT "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define WORDS                                                                                      \
    "{\"type\":\"object\",\"required\":[\"zh\",\"en\"],"                                           \
    "\"properties\":{\"zh\":" TEXT ",\"en\":" TEXT "}}"
#define PROVIDER                                                                                   \
    "{\"type\":\"object\",\"required\":[\"name\",\"stub\",\"words\"],\"properties\":{"             \
    "\"name\":" TEXT ",\"stub\":{\"type\":\"boolean\"},\"words\":" WORDS "}}"
#define NAMED_AREA                                                                                 \
    "{\"type\":\"object\",\"required\":[\"code\",\"name_zh\",\"name_en\"],\"properties\":{"        \
    "\"code\":" TEXT ",\"name_zh\":" TEXT ",\"name_en\":" TEXT "}}"
#define USER_SESSION                                                                               \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"kind\",\"csrf\",\"name\",\"role\",\"area\",\"permissions\",\"duties\","       \
    "\"reads\",\"where\"],"                                                                        \
    "\"properties\":{\"kind\":{\"enum\":[\"user\"]},\"csrf\":" TEXT ",\"name\":" TEXT ","          \
    "\"role\":" TEXT ",\"area\":" NAMED_AREA ","                                                   \
    "\"permissions\":{\"type\":\"array\",\"items\":" TEXT "},"                                     \
    "\"duties\":{\"type\":\"array\",\"items\":" TEXT "},\"reads\":{\"type\":\"object\"},"          \
    "\"where\":{\"type\":\"array\",\"items\":{\"enum\":"                                          \
    "[\"responsible\",\"stay\",\"reporting\",\"own_unit\"]}}}}"
#define HOLDER_SESSION                                                                             \
    "{\"type\":\"object\",\"required\":[\"kind\",\"csrf\"],\"properties\":{"                       \
    "\"kind\":{\"enum\":[\"holder\"]},\"csrf\":" TEXT ",\"session\":" TEXT ","                     \
    "\"expires_at\":" TIME ",\"bound\":{\"type\":\"boolean\"},\"provider\":" PROVIDER "}}"
#define SESSION "{\"oneOf\":[" USER_SESSION "," HOLDER_SESSION "]}"
#define LOGIN                                                                                      \
    "{\"oneOf\":[{\"type\":\"object\",\"required\":[\"name\",\"password\"],\"properties\":{"       \
    "\"name\":" TEXT ",\"password\":" TEXT ",\"code\":" TEXT "}},{\"type\":\"object\","            \
    "\"required\":[\"provider\"],\"properties\":{\"provider\":" TEXT ",\"id_number\":" TEXT ","    \
    "\"person_no\":{\"type\":\"integer\"},\"device\":{\"type\":\"boolean\"}}}]}"
#define DEMO_LOGIN                                                                                 \
    "{\"type\":\"object\",\"required\":[\"name\",\"password\",\"role\"],\"properties\":{"          \
    "\"name\":" TEXT ",\"password\":" TEXT ",\"role\":" TEXT "}}"
#define ABOUT                                                                                      \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"demo\",\"city_now\",\"identity_providers\",\"demo_logins\"],"                 \
    "\"properties\":{\"demo\":{\"type\":\"boolean\"},\"city_now\":" TIME ","                       \
    "\"identity_providers\":{\"type\":\"array\",\"items\":" PROVIDER "},"                          \
    "\"demo_logins\":{\"type\":\"array\",\"items\":" DEMO_LOGIN "}}}"
#define STATUS_OBJECT                                                                              \
    "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":" TEXT ","          \
    "\"version\":" TEXT "}}"

const struct route builtin_routes[BUILTIN_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/healthz",
     .at_root = true,
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .shed = SHED_INTAKE,
     .summary = "The process lives",
     .response_schema = STATUS_OBJECT,
     .handle = handle_health},
    {.method = HTTP_GET,
     .path = "/readyz",
     .at_root = true,
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .shed = SHED_INTAKE,
     .summary = "Work may be sent here; 503 with reasons where not",
     .response_schema = STATUS_OBJECT,
     .handle = handle_ready},
    {.method = HTTP_GET,
     .path = "/metrics",
     .at_root = true,
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_AGGREGATES,
     .shed = SHED_INTAKE,
     .summary = "Counters for monitoring",
     .response_type = "text/plain",
     .handle = handle_metrics},
    {.method = HTTP_GET,
     .path = "/openapi.json",
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .shed = SHED_DECORATION,
     .summary = "This document",
     .response_schema = "{\"type\":\"object\",\"required\":[\"openapi\",\"info\",\"paths\"]}",
     .handle = openapi_handle},
    {.method = HTTP_GET,
     .path = "/public/about",
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .summary = "City clock, identity providers, and the logins of a demo city",
     .response_schema = ABOUT,
     .handle = handle_about},
    {.method = HTTP_POST,
     .path = "/sessions",
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .secret_body = true,
     .summary = "Log in: a user by name and password, a holder through an identity provider",
     .request_schema = LOGIN,
     .response_schema = SESSION,
     .handle = session_begin_handle},
    {.method = HTTP_GET,
     .path = "/sessions/current",
     .access = ROUTE_ANY,
     .touches = TOUCH_NOTHING,
     .shed = SHED_STATUS,
     .permission = PERMISSION_NONE,
     .summary = "Who is logged in",
     .response_schema = SESSION,
     .handle = session_show_handle},
    {.method = HTTP_DELETE,
     .path = "/sessions/current",
     .access = ROUTE_ANY,
     .touches = TOUCH_NOTHING,
     .permission = PERMISSION_NONE,
     .destructive = true,
     .summary = "Log out",
     .response_schema = "{\"type\":\"object\"}",
     .handle = session_end_handle},
    {.method = HTTP_GET,
     .path = "/events/stream",
     .access = ROUTE_USER,
     .touches = TOUCH_AGGREGATES,
     .permission = PERMISSION_NONE,
     .manner = ROUTE_STREAM,
     .shed = SHED_DECORATION,
     .summary = "Server-sent events: the reader's own notices, and counters for who may read them",
     .response_type = "text/event-stream"},
};
