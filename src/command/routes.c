/* GET /situation, now or as it was known at an hour; the hours that are kept. */
#include "command/command_internal.h"
#include "policy/permissions.h"

enum { BODY_BYTES_MAX = 4 << 20 };

static bool handle_situation(const struct request *request, struct response *response,
                             struct error *err)
{
    struct situation_question question = {.hides = command_hides_small(&request->actor)};
    buffer_init(&response->body, BODY_BYTES_MAX);
    return situation_area(request->platform, &request->actor, request_query(request, "area"),
                          &question.area, err) &&
           request_as_of(request, &question.as_of, err) &&
           situation_write(request->platform, &question, &response->body, err);
}

static void put_hour(void *context, int64_t hour)
{
    json_put_time(context, hour * HOUR);
}

/* The hours of the time bar of which what was known is kept. */
static bool handle_hours(const struct request *request, struct response *response,
                         struct error *err)
{
    struct platform *platform = request->platform;
    struct json_writer writer;
    struct sql *sql;
    timestamp now = world_now(platform->world), begun;
    int64_t days = policy_number(platform->policy, NUMBER_SNAPSHOT_DAYS);
    timestamp first =
        time_day_start_seconds(time_day_of_seconds(now / SECOND) - (int32_t)days + 1) * SECOND;
    if (!city_first_moment(platform, &begun, err) || !store_read_begin(platform->store, &sql, err))
        return false;
    first = begun > first ? begun : first;
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_time(&writer, "first", first);
    json_field_time(&writer, "last", now);
    json_field_int64(&writer, "stands_hours",
                     policy_number(platform->policy, NUMBER_SNAPSHOT_STANDS));
    json_key(&writer, "items");
    json_array_begin(&writer);
    bool done = past_hours(sql, past_hour_of(first), past_hour_of(now), put_hour, &writer, err);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(platform->store, sql);
    return done;
}

#define COUNT "{\"type\":[\"integer\",\"null\"]}"
#define TEXT "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define NUMBER "{\"type\":\"number\"}"
#define ESTIMATE                                                                                   \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"mean\",\"low\",\"high\"],"                    \
    "\"properties\":{\"mean\":" NUMBER ",\"low\":" NUMBER ",\"high\":" NUMBER "}}"
#define ESTIMATES                                                                                  \
    "{\"type\":\"array\",\"minItems\":14,\"maxItems\":14,\"items\":" ESTIMATE "}"
#define CAST                                                                                       \
    "{\"type\":[\"object\",\"null\"],\"required\":[\"median\",\"low\",\"high\"],"                  \
    "\"properties\":{\"median\":" NUMBER ",\"low\":" NUMBER ",\"high\":" NUMBER "}}"
#define CASTS "{\"type\":\"array\",\"minItems\":14,\"maxItems\":14,\"items\":" CAST "}"
#define DAYS "{\"type\":\"array\",\"minItems\":14,\"maxItems\":14,\"items\":" COUNT "}"
#define AREA                                                                                       \
    "{\"type\":\"object\",\"required\":[\"code\",\"name_zh\",\"name_en\"],"                        \
    "\"properties\":{\"code\":" TEXT ",\"name_zh\":" TEXT ",\"name_en\":" TEXT "}}"
#define COUNTER                                                                                    \
    "{\"type\":\"object\",\"required\":[\"name\",\"value\",\"hidden\",\"true_for\"],"              \
    "\"properties\":{\"name\":" TEXT ",\"value\":" COUNT                                           \
    ",\"hidden\":{\"type\":\"boolean\"},\"true_for\":" TIME_OR_NULL "}}"
#define SERIES                                                                                     \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"cases_by_report\",\"cases_by_sampling\",\"scans\",\"tests\","                 \
    "\"scans_week_before\",\"tests_week_before\","                                                 \
    "\"loops_opened\",\"loops_closed\",\"loops_overdue\"],"                                        \
    "\"properties\":{\"cases_by_report\":" DAYS ",\"cases_by_sampling\":" DAYS ","                 \
    "\"scans\":" DAYS ",\"tests\":" DAYS ",\"scans_week_before\":" DAYS ","                        \
    "\"tests_week_before\":" DAYS ",\"loops_opened\":" DAYS ","                                    \
    "\"loops_closed\":" DAYS ",\"loops_overdue\":" DAYS "}}"
#define MARKS                                                                                      \
    "{\"type\":\"array\",\"minItems\":14,\"maxItems\":14,\"items\":{\"type\":\"boolean\"}}"
#define HIDDEN                                                                                     \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"cases_by_report\",\"cases_by_sampling\",\"tests\"],"                          \
    "\"properties\":{\"cases_by_report\":" MARKS ",\"cases_by_sampling\":" MARKS                   \
    ",\"tests\":" MARKS "}}"
#define DISTRICT                                                                                   \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"code\",\"name_zh\",\"name_en\",\"population\",\"cases_today\",\"cases_7d\","  \
    "\"cases_by_day\",\"scans_today\",\"venues\",\"venues_in_use_24h\",\"true_for\"],"             \
    "\"properties\":{\"code\":" TEXT ",\"name_zh\":" TEXT ",\"name_en\":" TEXT ","                 \
    "\"population\":" COUNT ",\"cases_today\":" COUNT ",\"cases_7d\":" COUNT ","                   \
    "\"cases_by_day\":" DAYS ",\"scans_today\":" COUNT ",\"venues\":" COUNT ","                    \
    "\"venues_in_use_24h\":" COUNT ",\"true_for\":{\"type\":[\"string\",\"null\"]}}}"
#define SITUATION                                                                                  \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"as_of\",\"past\",\"known_at\",\"demo\",\"area\",\"counters\",\"days\","       \
    "\"series\",\"hidden\",\"reproduction\",\"nowcast\",\"unfed\",\"districts\"],"                 \
    "\"properties\":{\"as_of\":" TIME                                                              \
    ",\"past\":{\"type\":\"boolean\"},\"known_at\":" TIME_OR_NULL                                  \
    ",\"demo\":{\"type\":\"boolean\"},\"area\":" AREA ","                                          \
    "\"counters\":{\"type\":\"array\",\"items\":" COUNTER "},"                                     \
    "\"days\":{\"type\":\"array\",\"items\":" TEXT "},\"series\":" SERIES ",\"hidden\":" HIDDEN    \
    ","                                                                                            \
    "\"reproduction\":" ESTIMATES ",\"nowcast\":" CASTS                                            \
    ",\"unfed\":{\"type\":\"array\",\"items\":" TEXT "},"                                          \
    "\"districts\":{\"type\":\"array\",\"items\":" DISTRICT "}}}"
#define HOURS                                                                                      \
    "{\"type\":\"object\",\"required\":[\"first\",\"last\",\"stands_hours\",\"items\"],"           \
    "\"properties\":{\"first\":" TIME ",\"last\":" TIME                                            \
    ",\"stands_hours\":{\"type\":\"integer\"},"                                                    \
    "\"items\":{\"type\":\"array\",\"items\":" TIME "}}}"

const struct route command_routes[COMMAND_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/situation",
     .access = ROUTE_USER,
     .touches = TOUCH_AGGREGATES,
     .permission = PERMISSION_BIT(PERMIT_SITUATION_READ),
     .summary = "Counters of an area, each with the time it is true for; null is not known, or"
                " hidden: too small, or giving away one that is, for who sees no person",
     .query = "area:string:area code within the reader's own, default the reader's own;"
              "as_of:string:as it was known at the full hour at or before this time, default now",
     .response_schema = SITUATION,
     .handle = handle_situation},
    {.method = HTTP_GET,
     .path = "/situation:hours",
     .access = ROUTE_USER,
     .touches = TOUCH_AGGREGATES,
     .permission = PERMISSION_BIT(PERMIT_SITUATION_READ),
     .summary = "The hours of the last days at which what was known is kept, for ?as_of",
     .response_schema = HOURS,
     .handle = handle_hours},
};
