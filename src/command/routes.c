/* GET /situation. */
#include "command/command_internal.h"
#include "policy/permissions.h"

enum { BODY_BYTES_MAX = 4 << 20 };

static bool handle_situation(const struct request *request, struct response *response,
                             struct error *err)
{
    const struct area *area;
    buffer_init(&response->body, BODY_BYTES_MAX);
    return situation_area(request->platform, &request->actor, request_query(request, "area"), &area,
                          err) &&
           situation_write(request->platform, area, command_hides_small(&request->actor), false,
                           &response->body, err);
}

#define COUNT "{\"type\":[\"integer\",\"null\"]}"
#define TEXT "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define DAYS "{\"type\":\"array\",\"minItems\":14,\"maxItems\":14,\"items\":" COUNT "}"
#define AREA                                                                                       \
    "{\"type\":\"object\",\"required\":[\"code\",\"name_zh\",\"name_en\"],"                        \
    "\"properties\":{\"code\":" TEXT ",\"name_zh\":" TEXT ",\"name_en\":" TEXT "}}"
#define COUNTER                                                                                    \
    "{\"type\":\"object\",\"required\":[\"name\",\"value\",\"true_for\"],"                         \
    "\"properties\":{\"name\":" TEXT ",\"value\":{\"type\":\"integer\"},\"true_for\":" TIME "}}"
#define SERIES                                                                                     \
    "{\"type\":\"object\","                                                                        \
    "\"required\":[\"cases_by_report\",\"cases_by_sampling\",\"scans\",\"tests\"],"                \
    "\"properties\":{\"cases_by_report\":" DAYS ",\"cases_by_sampling\":" DAYS ","                 \
    "\"scans\":" DAYS ",\"tests\":" DAYS "}}"
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
    "\"required\":[\"as_of\",\"demo\",\"area\",\"counters\",\"days\",\"series\",\"districts\"],"   \
    "\"properties\":{\"as_of\":" TIME ",\"demo\":{\"type\":\"boolean\"},\"area\":" AREA ","        \
    "\"counters\":{\"type\":\"array\",\"items\":" COUNTER "},"                                     \
    "\"days\":{\"type\":\"array\",\"items\":" TEXT "},\"series\":" SERIES ","                      \
    "\"districts\":{\"type\":\"array\",\"items\":" DISTRICT "}}}"

const struct route command_routes[COMMAND_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/situation",
     .access = ROUTE_USER,
     .touches = TOUCH_AGGREGATES,
     .permission = PERMISSION_BIT(PERMIT_SITUATION_READ),
     .summary = "Counters of an area, each with the time it is true for; null is not known",
     .query = "area:string:area code within the reader's own, default the reader's own",
     .response_schema = SITUATION,
     .handle = handle_situation},
};
