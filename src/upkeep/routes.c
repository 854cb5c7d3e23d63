/* Routes of jobs, and the room's entry in the list of modules. */
#include "policy/permissions.h"
#include "upkeep/upkeep_internal.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

static bool respond(const struct request *request, int64_t no, struct response *response,
                    struct error *err)
{
    struct json_writer writer;
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    bool done = job_put(request->platform->upkeep, no, &writer, err);
    json_writer_release(&writer);
    return done;
}

static bool begin(const struct request *request, enum job_kind kind, struct response *response,
                  struct error *err)
{
    int64_t no;
    response->status = 202;
    return job_begin(request->platform->upkeep, kind, &request->actor, &no, err) &&
           respond(request, no, response, err);
}

static bool handle_verify(const struct request *request, struct response *response,
                          struct error *err)
{
    return begin(request, JOB_AUDIT, response, err);
}

static bool handle_check(const struct request *request, struct response *response,
                         struct error *err)
{
    static const char *const fields[] = {"deep", NULL};
    struct json_place place = {.source = "body"};
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err))
        return false;
    const json_t *deep = json_object_get(body, "deep");
    if (deep && !json_is_boolean(deep))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "deep"},
                         "true or false", "neither");
    return begin(request, json_is_true(deep) ? JOB_HEALTH_DEEP : JOB_HEALTH, response, err);
}

static bool handle_one(const struct request *request, struct response *response, struct error *err)
{
    int64_t no;
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "the number of a job", "not a number");
    return respond(request, no, response, err);
}

static bool handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct json_writer writer;
    int64_t limit, after, last;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err))
        return false;
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    bool done = jobs_put(request->platform->upkeep, after, limit, &writer, &last, err);
    json_array_end(&writer);
    json_field_cursor(&writer, done ? last : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    return done;
}

#define TEXT "{\"type\":\"string\"}"
#define NUMBER "{\"type\":\"integer\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define LINE                                                                                       \
    "{\"type\":\"object\",\"required\":[\"level\",\"check\",\"words\"],\"properties\":{"           \
    "\"level\":{\"enum\":[\"ok\",\"warn\",\"fail\"]},\"check\":" TEXT ",\"words\":" TEXT "}}"
#define JOB                                                                                        \
    "{\"type\":\"object\",\"required\":[\"no\",\"kind\",\"by\",\"began_at\",\"ended_at\","         \
    "\"state\",\"doing\",\"done\",\"total\",\"lines\"],\"properties\":{\"no\":" NUMBER             \
    ",\"kind\":{\"enum\":[\"audit\",\"health\",\"health_deep\"]},\"by\":" TEXT                     \
    ",\"began_at\":" TIME ",\"ended_at\":" TIME_OR_NULL                                            \
    ",\"state\":{\"enum\":[\"waiting\",\"running\",\"done\","                                      \
    "\"failed\",\"cut_short\"]},\"doing\":" TEXT ",\"done\":" NUMBER ",\"total\":" NUMBER          \
    ",\"lines\":{\"type\":\"array\",\"items\":" LINE "}}}"

const struct route upkeep_routes[UPKEEP_ROUTES] = {
    {.method = HTTP_POST,
     .path = "/audit:verify",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_AUDIT_READ),
     .runs_again = true, /* who asks again gets the job that waits or runs */
     .summary = "Begins a walk of the audit chain, its heads and the seal of evidence, as a job",
     .response_schema = JOB,
     .success_status = 202,
     .handle = handle_verify},
    {.method = HTTP_POST,
     .path = "/health:check",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .runs_again = true,
     .summary = "Begins a look at everything that is stored, as a job: the lines of `doctor`",
     .request_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                       "\"deep\":{\"type\":\"boolean\"}}}",
     .response_schema = JOB,
     .success_status = 202,
     .handle = handle_check},
    {.method = HTTP_GET,
     .path = "/jobs",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .summary = "Long work: how far each is, who began it, what it found; newest first",
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor",
     .response_schema = "{\"type\":\"object\",\"required\":[\"items\",\"next\"],\"properties\":{"
                        "\"items\":{\"type\":\"array\",\"items\":" JOB "},"
                        "\"next\":{\"type\":[\"string\",\"null\"]}}}",
     .handle = handle_list},
    {.method = HTTP_GET,
     .path = "/jobs/{no}",
     .access = ROUTE_USER,
     .touches = TOUCH_SYSTEM,
     .permission = PERMISSION_BIT(PERMIT_SYSTEM_READ),
     .summary = "One job: how far it is, and its lines so far",
     .response_schema = JOB,
     .handle = handle_one},
};

static const struct migration migrations[] = {{"src/upkeep/schema/001_upkeep.sql"}};

const struct module upkeep_module = {
    .name = "upkeep",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .routes = upkeep_routes,
    .route_count = UPKEEP_ROUTES,
    .statements = (const struct sql_list *const[]){&job_statements, NULL},
};
