/* POST /scans (answered by the server's fast path) and POST /scans:batch. */
#include <pthread.h>
#include <stdlib.h>

#include "checkin/checkin_internal.h"
#include "checkin/venue_schema.h"
#include "policy/permissions.h"

enum { BATCH_LINES_MAX = 10000, LINES_AT_ONCE = 256 };

static const char scan_schema[] =
    "{\"type\":\"object\",\"required\":[\"venue_token\",\"holder\"],\"properties\":{"
    "\"venue_token\":{\"type\":\"string\"},\"holder\":{\"type\":\"object\"},"
    "\"direction\":{\"enum\":[\"in\",\"out\",\"pass\"]},\"companions\":{\"type\":\"array\","
    "\"maxItems\":8},\"client_time\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"client_id\":{\"type\":\"string\"}}}";

static const char code_schema[] =
    "{\"type\":\"object\",\"required\":[\"venue_no\",\"version\",\"token\",\"short_code\","
    "\"rotating_token\",\"rotating_until\"],\"properties\":{\"venue_no\":{\"type\":\"integer\"},"
    "\"version\":{\"type\":\"integer\"},\"token\":{\"type\":\"string\"},"
    "\"short_code\":{\"type\":\"string\"},\"rotating_token\":{\"type\":\"string\"},"
    "\"rotating_until\":{\"type\":\"string\",\"format\":\"date-time\"}}}";

static const char own_code_schema[] =
    "{\"type\":\"object\","
    "\"required\":[\"form\",\"code\",\"issued_at\",\"rotate_at\",\"valid_until\"],"
    "\"properties\":{\"form\":{\"enum\":[\"rotating\",\"paper\"]},\"code\":{\"type\":\"string\"},"
    "\"issued_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"rotate_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
    "\"valid_until\":{\"type\":\"string\",\"format\":\"date-time\"}}}";

static const char answer_schema[] =
    "{\"type\":\"object\",\"required\":[\"decision\",\"color\",\"valid_until\",\"last_negative_at\","
    "\"reasons\",\"event\",\"events\"],\"properties\":{"
    "\"decision\":{\"enum\":[\"pass\",\"refuse\",\"check\"]},"
    "\"color\":{\"enum\":[\"green\",\"yellow\",\"red\",\"unknown\"]},"
    "\"valid_until\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
    "\"last_negative_at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
    "\"reasons\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"required\":[\"code\",\"words\"],\"properties\":{\"code\":{\"type\":\"string\"},"
    "\"words\":{\"type\":\"object\",\"required\":[\"zh\",\"en\"],\"properties\":{"
    "\"zh\":{\"type\":\"string\"},\"en\":{\"type\":\"string\"}}}}}},"
    "\"event\":{\"type\":\"string\"},"
    "\"events\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}";

#define VENUE_NAMES "\"venue_no\",\"name\",\"category\",\"negative_within_hours\",\"closed\""
#define VENUE_FIELDS                                                                               \
    "\"venue_no\":{\"type\":\"integer\"},\"name\":{\"type\":\"string\"},"                          \
    "\"category\":{\"type\":\"string\"},"                                                          \
    "\"negative_within_hours\":{\"type\":[\"integer\",\"null\"]},\"closed\":{\"type\":\"boolean\"}"
#define COUNT_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
static const char venue_of_code_schema[] = "{\"type\":\"object\",\"required\":[" VENUE_NAMES
                                           "],\"properties\":{" VENUE_FIELDS "}}";
static const char venue_today_schema[] =
    "{\"type\":\"object\",\"required\":[" VENUE_NAMES ",\"as_of\",\"scans\",\"pass\",\"check\","
    "\"refuse\",\"usual_scans\",\"silent\",\"last_scan_at\",\"told_from\"],\"properties\":{"
    VENUE_FIELDS
    ",\"as_of\":{\"type\":\"string\",\"format\":\"date-time\"},\"scans\":" COUNT_OR_NULL
    ",\"pass\":" COUNT_OR_NULL ",\"check\":" COUNT_OR_NULL ",\"refuse\":" COUNT_OR_NULL
    ",\"usual_scans\":" COUNT_OR_NULL ",\"silent\":{\"type\":[\"boolean\",\"null\"]}"
    ",\"last_scan_at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},"
    "\"told_from\":{\"type\":\"integer\"}}}";

/* Waits for several exchanges. */
struct batch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t waiting;
};

static void on_answered(struct scan_exchange *exchange)
{
    struct batch *batch = exchange->context;
    pthread_mutex_lock(&batch->lock);
    if (--batch->waiting == 0)
        pthread_cond_signal(&batch->changed);
    pthread_mutex_unlock(&batch->lock);
}

static size_t next_lines(struct slice *body, struct slice *lines)
{
    size_t count = 0;
    while (count < LINES_AT_ONCE && body->length) {
        const char *stop = memchr(body->data, '\n', body->length);
        size_t length = stop ? (size_t)(stop - body->data) : body->length;
        struct slice line = slice_trim((struct slice){body->data, length});
        if (line.length)
            lines[count++] = line;
        size_t used = stop ? length + 1 : length;
        *body = (struct slice){body->data + used, body->length - used};
    }
    return count;
}

static size_t count_lines(struct slice body)
{
    struct slice lines[LINES_AT_ONCE];
    size_t total = 0, count;
    while ((count = next_lines(&body, lines)) > 0)
        total += count;
    return total;
}

static bool handle_batch(const struct request *request, struct response *response,
                         struct error *err)
{
    struct batch batch = {.waiting = 0};
    struct slice body = request->body, lines[LINES_AT_ONCE];
    if (count_lines(body) > BATCH_LINES_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "body"},
                         "at most 10000 lines", "too many lines");
    struct scan_exchange *exchanges = x_alloc(LINES_AT_ONCE, sizeof *exchanges);
    pthread_mutex_init(&batch.lock, NULL);
    pthread_cond_init(&batch.changed, NULL);
    struct scan_credentials shown = {.authorization = request->authorization,
                                     .device = request->device};
    size_t count;
    while ((count = next_lines(&body, lines)) > 0) {
        batch.waiting = count;
        for (size_t i = 0; i < count; i++) {
            scan_exchange_init(&exchanges[i]);
            exchanges[i].answered = on_answered;
            exchanges[i].context = &batch;
            scan_submit(request->platform->checkin, &shown, (struct slice){NULL, 0}, lines[i], true,
                        &exchanges[i]);
        }
        pthread_mutex_lock(&batch.lock);
        while (batch.waiting)
            pthread_cond_wait(&batch.changed, &batch.lock);
        pthread_mutex_unlock(&batch.lock);
        for (size_t i = 0; i < count; i++) {
            buffer_print(&response->body, "{\"status\":%d,\"result\":", exchanges[i].status);
            buffer_append(&response->body, exchanges[i].body.data, exchanges[i].body.length);
            buffer_append_text(&response->body, "}\n");
            scan_exchange_release(&exchanges[i]);
        }
    }
    free(exchanges);
    pthread_mutex_destroy(&batch.lock);
    pthread_cond_destroy(&batch.changed);
    response->content_type = "application/x-ndjson";
    return true;
}

const struct route checkin_routes[] = {
    {.method = HTTP_POST,
     .path = "/scans",
     .touches = TOUCH_PERSONS,
     .access = ROUTE_PUBLIC, /* the holder's session or the staff's token is checked by the scan */
     .manner = ROUTE_SCAN,
     .summary = "A scan of a venue code: durable, answered with a decision",
     .request_schema = scan_schema,
     .response_schema = answer_schema},
    {.method = HTTP_POST,
     .path = "/scans:batch",
     .access = ROUTE_PUBLIC,
     .touches = TOUCH_PERSONS,
     .runs_again = true, /* each line by its client_id */
     .summary = "Offline scans as NDJSON, each with its own client_id: a result a line",
     .request_type = "application/x-ndjson",
     .response_type = "application/x-ndjson",
     .request_schema = scan_schema,
     .handle = handle_batch},
    {.method = HTTP_GET,
     .path = "/venues/{no}/code",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .shed = SHED_STATUS, /* without it nobody can scan */
     .permission = PERMISSION_BIT(PERMIT_VENUE_MANAGE),
     .summary = "A venue's current code, short code, and the rotating code for its screen",
     .response_schema = code_schema,
     .handle = checkin_handle_code},
    {.method = HTTP_GET,
     .path = "/venues/{no}/poster",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_MANAGE),
     .summary = "A venue's poster, A4: its current code and short code, to be hung up",
     .response_type = "application/pdf",
     .handle = checkin_handle_poster},
    {.method = HTTP_GET,
     .path = "/me/code",
     .access = ROUTE_HOLDER,
     .touches = TOUCH_OWN,
     .shed = SHED_STATUS, /* what a guard scans */
     .query = "member:integer:the number of a person whom the holder represents;"
              "form:string:rotating (where absent), paper (its text) or pdf (to be printed)",
     .summary = "The code that staff scan, the holder's own or a member's: rotating, or for paper",
     .response_schema = own_code_schema,
     .handle = checkin_handle_own_code},
    {.method = HTTP_POST,
     .path = "/venues/{no}/revoke",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_MANAGE),
     .destructive = true,
     .summary = "Ends all codes of a venue and gives its new ones",
     .response_schema = code_schema,
     .handle = checkin_handle_revoke},
    {.method = HTTP_GET,
     .path = "/venues/suspicions",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .query = "limit:integer:1 to 1000, default 100;after:string:cursor",
     .summary = "Venue codes of the reader's area that seem to be copied, the youngest first",
     .response_schema = VENUE_SUSPICIONS,
     .handle = checkin_handle_suspicions},
    {.method = HTTP_GET,
     .path = "/venue-codes/{code}",
     .access = ROUTE_ANY,
     .touches = TOUCH_REGISTER,
     .shed = SHED_STATUS, /* what stands above the answer of a scan */
     .permission = PERMISSION_NONE,
     .summary = "The venue that a code belongs to, for who has the code: name, what it checks",
     .response_schema = venue_of_code_schema,
     .handle = checkin_handle_venue_of_code},
    {.method = HTTP_GET,
     .path = "/venue-codes/{code}/today",
     .access = ROUTE_USER,
     .touches = TOUCH_AGGREGATES,
     .permission = PERMISSION_BIT(PERMIT_SCAN_STAFF),
     .summary = "Scans of a venue today so far, and usually by this time; small counts are null",
     .response_schema = venue_today_schema,
     .handle = checkin_handle_venue_today},
    {.method = HTTP_GET,
     .path = "/venues/coverage",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .query = "area:string:code of an area within the reader's own, which is the default",
     .summary = "Venues by category and area below: registered, in use, silent, suspected",
     .response_schema = VENUE_COVERAGE,
     .handle = checkin_handle_coverage},
    {.method = HTTP_GET,
     .path = "/venues/points",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .shed = SHED_DECORATION,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .query = VENUE_FILTER,
     .summary = "Where open venues are, in columns for a map: degrees times 100000, and a letter"
                " each: u in use, s silent, c a copied code is suspected, ? not known",
     .response_schema = VENUE_POINTS,
     .handle = checkin_handle_points},
    {.method = HTTP_GET,
     .path = "/venues",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .query = VENUE_FILTER ";limit:integer:1 to 1000, default 100;after:string:cursor",
     .summary = "Venues of the reader's area by number",
     .response_schema = VENUE_LIST,
     .handle = checkin_handle_venues},
    {.method = HTTP_GET,
     .path = "/venues/{no}",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_VENUE_READ),
     .summary = "A venue: its place, unit, use by day, and what is suspected of its code",
     .response_schema = VENUE_PAGE,
     .handle = checkin_handle_venue},
    {.method = HTTP_POST,
     .path = "/venues:import",
     .access = ROUTE_USER,
     .waits = true,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_BIT(PERMIT_IMPORT_RUN),
     .body_bytes_max = 32 << 20,
     .query = "source:string:whose external ids they are, default \"default\";"
              "dry_run:string:true: everything is tried, nothing is kept",
     .summary = "Registers venues of the sender's area from a sheet (CSV, XLSX, NDJSON), which"
                " gives each its code; rejected rows come back, the first thousand",
     .request_type = "text/csv",
     .request_schema = "{\"type\":\"string\"}",
     .response_schema = VENUE_IMPORT,
     .handle = checkin_handle_import},
};
const size_t checkin_route_count = sizeof checkin_routes / sizeof *checkin_routes;
