/* Routes: a user's own notices, and saying that they were read. */
#include "notices/notices_internal.h"
#include "policy/permissions.h"

enum { BODY_BYTES_MAX = 8 << 20 };

/* ---- GET /notices */

struct asked {
    int64_t limit, before;
    bool unread;
};

static bool read_asked(const struct request *request, struct asked *asked, struct error *err)
{
    struct slice unread = request_query(request, "unread");
    asked->unread = slice_equal(unread, SLICE("true"));
    if (unread.data && !asked->unread && !slice_equal(unread, SLICE("false")))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "unread"},
                         "true or false", "neither");
    if (!request_limit(request, &asked->limit, err) ||
        !request_cursor(request, &asked->before, err))
        return false;
    if (!asked->before)
        asked->before = INT64_MAX;
    return true;
}

static void put_page(const struct request *request, struct json_writer *writer,
                     const struct notice_page *page, const struct reader *reader)
{
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; i < page->count; i++) {
        json_object_begin(writer);
        json_field_int64(writer, "id", page->items[i].no);
        notice_write(request->platform->notices, &page->items[i], writer);
        json_field_bool(writer, "unread", page->items[i].no > reader->read_to);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_field_int64(writer, "unread", reader->unread);
    json_field_int64(writer, "newest", reader->newest);
    json_field_cursor(writer, page->more ? page->items[page->count - 1].no : 0);
    json_object_end(writer);
}

static bool handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct asked asked;
    struct reader reader;
    struct notice_page page;
    struct sql *sql;
    if (!read_asked(request, &asked, err) || !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done =
        reader_read(sql, request->actor.user_no, &reader, err) &&
        notice_list(sql, request->actor.user_no, asked.before, asked.unread ? reader.read_to : 0,
                    asked.limit, request->arena, &page, err);
    store_read_end(request->platform->store, sql);
    if (!done)
        return false;
    struct json_writer writer;
    buffer_init(&response->body, BODY_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    put_page(request, &writer, &page, &reader);
    json_writer_release(&writer);
    REQUIRE(!response->body.overflow); /* a thousand of at most some kilobytes */
    return true;
}

/* ---- POST /notices:read */

struct mark_job {
    int64_t user_no, up_to;
};

static bool mark(struct sql *sql, void *context, struct error *err)
{
    const struct mark_job *job = context;
    return reader_mark(sql, job->user_no, job->up_to, err);
}

static bool handle_read(const struct request *request, struct response *response, struct error *err)
{
    static const char *const fields[] = {"up_to", NULL};
    struct platform *platform = request->platform;
    struct json_place place = {.source = "body", .required = true};
    struct mark_job job = {.user_no = request->actor.user_no};
    struct sql *sql;
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err) ||
        !json_int64(body, "up_to", place, 1, INT64_MAX, &job.up_to, err) ||
        !store_write(platform->store, mark, &job, err) ||
        !store_read_begin(platform->store, &sql, err))
        return false;
    bool done = head_refresh(platform->notices, sql, job.user_no, err);
    store_read_end(platform->store, sql);
    if (!done)
        return false;
    struct notice_head head = notices_head(platform->notices, job.user_no);
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "unread", head.unread);
    json_field_int64(&writer, "newest", head.newest);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

#define INTEGER "{\"type\":\"integer\"}"
#define TEXT "{\"type\":\"string\"}"
#define NOTICE                                                                                     \
    "{\"type\":\"object\",\"required\":[\"id\",\"notice\",\"kind\",\"at\",\"found\",\"loop\","     \
    "\"about\",\"link\",\"unread\"],\"properties\":{\"id\":" INTEGER ",\"notice\":" TEXT ","       \
    "\"kind\":{\"enum\":[\"owner\",\"told\",\"overdue\",\"closed\",\"glass\",\"override\","        \
    "\"digest\"]},\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"found\":" INTEGER ","    \
    "\"loop\":{\"type\":[\"integer\",\"null\"]},\"about\":{\"type\":\"object\"},"                  \
    "\"link\":" TEXT ",\"unread\":{\"type\":\"boolean\"}}}"
#define HEAD "\"unread\":" INTEGER ",\"newest\":" INTEGER

const struct route notice_routes[NOTICE_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/notices",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_NONE,
     .summary = "The reader's own notices, newest first",
     .query = "unread:string:true for those that were not read yet, default false;"
              "limit:integer:at most 1000, default 100;after:string:`next` of an earlier answer",
     .response_schema =
         "{\"type\":\"object\",\"required\":[\"items\",\"unread\",\"newest\","
         "\"next\"],\"properties\":{\"items\":{\"type\":\"array\","
         "\"items\":" NOTICE "}," HEAD ",\"next\":{\"type\":[\"string\",\"null\"]}}}",
     .handle = handle_list},
    {.method = HTTP_POST,
     .path = "/notices:read",
     .access = ROUTE_USER,
     .touches = TOUCH_LOOPS,
     .permission = PERMISSION_NONE,
     .waits = true,
     .summary = "All of the reader's own notices up to this id were read",
     .request_schema = "{\"type\":\"object\",\"required\":[\"up_to\"],\"properties\":{"
                       "\"up_to\":" INTEGER "}}",
     .response_schema = "{\"type\":\"object\",\"required\":[\"unread\",\"newest\"],"
                        "\"properties\":{" HEAD "}}",
     .handle = handle_read},
};
