/* What the console shows of keeping: rules, runs, holds, keys, the end. Acts are commands. */
#include <stdlib.h>

#include "keeping/keeping_internal.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

static bool handle_retention(const struct request *request, struct response *response,
                             struct error *err)
{
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    return retention_overview(request->platform->keeping, &response->body, err);
}

static bool handle_runs(const struct request *request, struct response *response,
                        struct error *err)
{
    int64_t limit, after;
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    return request_limit(request, &limit, err) && request_cursor(request, &after, err) &&
           retention_runs(request->platform, after, limit, &response->body, err);
}

static bool handle_run(const struct request *request, struct response *response,
                       struct error *err)
{
    int64_t no;
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &no))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "no"},
                         "the number of a run", "not a number");
    return retention_report(request->platform, no, &response->body, err);
}

static bool handle_holds(const struct request *request, struct response *response,
                         struct error *err)
{
    struct platform *platform = request->platform;
    timestamp now = world_now(platform->world);
    struct json_writer writer;
    struct hold *holds;
    size_t count = 0;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = holds_read(sql, false, now, request->arena, &holds, &count, err);
    store_read_end(platform->store, sql);
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; done && i < count; i++)
        hold_put(&writer, &holds[i], now);
    json_array_end(&writer);
    json_field_null(&writer, "next");
    json_object_end(&writer);
    json_writer_release(&writer);
    return done;
}

static bool handle_sunset(const struct request *request, struct response *response,
                          struct error *err)
{
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    return sunset_show(request->platform, &response->body, err);
}

#define TEXT "{\"type\":\"string\"}"
#define NUMBER "{\"type\":\"integer\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define MAYBE_TIME "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define MAYBE_TEXT "{\"type\":[\"string\",\"null\"]}"
#define HOLD                                                                                       \
    "{\"type\":\"object\",\"required\":[\"hold\",\"class\",\"from\",\"to\",\"made_at\","           \
    "\"until\",\"reason\",\"by\",\"state\"],\"properties\":{\"hold\":" NUMBER ",\"class\":" TEXT   \
    ",\"from\":" MAYBE_TEXT ",\"to\":" MAYBE_TEXT ",\"made_at\":" TIME ",\"until\":" TIME          \
    ",\"reason\":" TEXT ",\"by\":" TEXT                                                            \
    ",\"state\":{\"enum\":[\"active\",\"over\",\"lifted\"]},"                                      \
    "\"lifted_at\":" TIME ",\"lifted_by\":" TEXT "}}"
#define CLASS                                                                                      \
    "{\"type\":\"object\",\"required\":[\"class\",\"title_zh\",\"title_en\",\"days\",\"kept_by\"," \
    "\"at_sunset\",\"destroys\",\"basis\",\"source\"],\"properties\":{\"class\":" TEXT             \
    ",\"title_zh\":" TEXT ",\"title_en\":" TEXT ",\"days\":{\"type\":[\"integer\",\"null\"]},"     \
    "\"kept_by\":{\"enum\":[\"run\",\"room\",\"sunset\"]},"                                        \
    "\"at_sunset\":{\"enum\":[\"destroy\",\"keep\"]},\"destroys\":" TEXT ",\"basis\":" TEXT        \
    ",\"source\":" TEXT "}}"
#define RUN_FIELDS                                                                                 \
    "\"run\":" NUMBER ",\"by\":" TEXT ",\"city_day\":" TEXT ",\"began_at\":" TIME                  \
    ",\"ended_at\":" MAYBE_TIME
#define RUN_REQUIRED "\"run\",\"by\",\"city_day\",\"began_at\",\"ended_at\""
#define ACT                                                                                        \
    "{\"type\":\"object\",\"required\":[\"class\",\"state\",\"rows\"],\"properties\":{"            \
    "\"class\":" TEXT ",\"key\":" TEXT ",\"state\":{\"enum\":[\"begun\",\"done\",\"held\"]},"      \
    "\"rows\":" NUMBER ",\"words\":" TEXT "}}"
#define LIST(item)                                                                                 \
    "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"                      \
    "\"items\":{\"type\":\"array\",\"items\":" item "},\"next\":" MAYBE_TEXT "}}"

const struct route keeping_routes[KEEPING_ROUTES] = {
    {.method = HTTP_GET, .path = "/retention", .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .summary = "Classes of records with their days, holds in force, the last run, the next one",
     .response_schema = "{\"type\":\"object\",\"required\":[\"classes\",\"holds\",\"last_run\","
                        "\"next_run_at\"],"
                        "\"properties\":{\"classes\":{\"type\":\"array\",\"items\":" CLASS "},"
                        "\"holds\":{\"type\":\"array\",\"items\":" HOLD "},"
                        "\"last_run\":{\"type\":[\"integer\",\"null\"]},"
                        "\"next_run_at\":" TIME "}}",
     .handle = handle_retention},
    {.method = HTTP_GET, .path = "/retention/runs", .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ), .summary = "Retention runs, newest first",
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor",
     .response_schema = LIST("{\"type\":\"object\",\"required\":[" RUN_REQUIRED
                             "],\"properties\":{" RUN_FIELDS "}}"),
     .handle = handle_runs},
    {.method = HTTP_GET, .path = "/retention/runs/{no}", .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .summary = "What a run destroyed, what was held and why",
     .response_schema = "{\"type\":\"object\",\"required\":[" RUN_REQUIRED ",\"acts\"],"
                        "\"properties\":{" RUN_FIELDS
                        ",\"acts\":{\"type\":\"array\",\"items\":" ACT "}}}",
     .handle = handle_run},
    {.method = HTTP_GET, .path = "/holds", .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .summary = "Holds, newest first, also those that are over (at most 1024)",
     .response_schema = LIST(HOLD), .handle = handle_holds},
    {.method = HTTP_GET, .path = "/sunset", .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .summary = "The end: plan, signatures, certificate",
     .response_schema = "{\"type\":\"object\",\"required\":[\"state\",\"plan\",\"signatures\","
                        "\"certificate\"],\"properties\":{"
                        "\"state\":{\"enum\":[\"none\",\"planned\",\"begun\",\"done\"]},"
                        "\"plan\":{\"type\":[\"object\",\"null\"]},"
                        "\"signatures\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
                        "\"required\":[\"name\",\"role\",\"at\"],\"properties\":{"
                        "\"name\":" TEXT ",\"role\":" TEXT ",\"at\":" TIME "}}},"
                        "\"certificate\":{\"type\":[\"object\",\"null\"]}}}",
     .handle = handle_sunset},
    {.method = HTTP_GET, .path = "/public/keeping", .access = ROUTE_PUBLIC,
     .touches = TOUCH_NOTHING,
     .summary = "How long each class of records is kept, and whether the end is planned",
     .response_schema =
         "{\"type\":\"object\",\"required\":[\"state\",\"as_of\",\"classes\"],\"properties\":{"
         "\"state\":{\"enum\":[\"none\",\"planned\",\"begun\",\"done\"]},\"as_of\":" TIME
         ",\"classes\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":"
         "[\"class\",\"title_zh\",\"title_en\",\"days\",\"at_sunset\"],\"properties\":{\"class\":"
         TEXT ",\"title_zh\":" TEXT ",\"title_en\":" TEXT
         ",\"days\":{\"type\":[\"integer\",\"null\"]},"
         "\"at_sunset\":{\"enum\":[\"destroy\",\"keep\"]}}}}}}",
     .handle = keeping_handle_public},
};
