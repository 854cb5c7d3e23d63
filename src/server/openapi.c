/* GET /openapi.json: OpenAPI 3.1, made from the tables of the modules, so that it lists exactly the
 * routes that exist. Schemas stand in the tables as JSON and are taken over as they are. */
#include "server/server_internal.h"

const char *const method_names[HTTP_METHOD_COUNT] = {"get", "post", "put", "delete"};

static const char components[] =
    "{\"securitySchemes\":{"
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
    "\"description\":\"a user's token or a holder's session\"},"
    "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"chengmai_session\","
    "\"description\":\"writes also send X-CSRF-Token\"}},"
    "\"schemas\":{\"Problem\":{\"type\":\"object\","
    "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"errors\"],\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"title_zh\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
    "\"detail\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"field\",\"reason\"],\"properties\":{"
    "\"field\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"}}}}}}},"
    "\"responses\":{\"Problem\":{\"description\":\"an RFC 9457 problem document\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}}";

static void put_parameter(struct json_writer *writer, struct slice name, const char *in,
                          struct slice type, struct slice words)
{
    json_object_begin(writer);
    json_field_text(writer, "name", name);
    json_field_text(writer, "in", slice_of(in));
    json_field_bool(writer, "required", strcmp(in, "path") == 0);
    if (words.length)
        json_field_text(writer, "description", words);
    json_key(writer, "schema");
    json_object_begin(writer);
    json_field_text(writer, "type", type);
    json_object_end(writer);
    json_object_end(writer);
}

/* "name:type:words;name:type:words" */
static void put_query(struct json_writer *writer, const char *query)
{
    for (const char *at = query; at && *at;) {
        size_t length = strcspn(at, ";"), name = strcspn(at, ":;");
        const char *type = at + name + (at[name] == ':');
        size_t type_length = strcspn(type, ":;");
        const char *words = type + type_length + (type[type_length] == ':');
        REQUIRE(name && type_length && words <= at + length);
        put_parameter(writer, (struct slice){at, name}, "query",
                      (struct slice){type, type_length},
                      (struct slice){words, (size_t)(at + length - words)});
        at += length + (at[length] == ';');
    }
}

static void put_parameters(struct json_writer *writer, const struct route *route)
{
    json_key(writer, "parameters");
    json_array_begin(writer);
    for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{')) {
        struct slice name = {at + 1, strcspn(at + 1, "}")};
        put_parameter(writer, name, "path", SLICE("string"), SLICE(""));
    }
    put_query(writer, route->query);
    if (route->opens_identity)
        put_parameter(writer, SLICE("X-Purpose"), "header", SLICE("string"),
                      SLICE("demanded: loop:ID, case:ID or duty:NAME"));
    if (route->method != HTTP_GET)
        put_parameter(writer, SLICE("Idempotency-Key"), "header", SLICE("string"),
                      SLICE("the same key and request are answered the same for 48 h"));
    json_array_end(writer);
}

static void put_content(struct json_writer *writer, const char *type, const char *schema)
{
    json_key(writer, "content");
    json_object_begin(writer);
    json_key(writer, type ? type : "application/json");
    json_object_begin(writer);
    if (schema) {
        json_key(writer, "schema");
        json_put_raw(writer, slice_of(schema));
    }
    json_object_end(writer);
    json_object_end(writer);
}

static void put_responses(struct json_writer *writer, const struct route *route)
{
    static const char *const problems[] = {"4XX", "5XX"};
    char status[8];
    snprintf(status, sizeof status, "%d", route->success_status ? route->success_status : 200);
    json_key(writer, "responses");
    json_object_begin(writer);
    json_key(writer, status);
    json_object_begin(writer);
    json_field_text(writer, "description", SLICE("done"));
    if (route->success_status != 204)
        put_content(writer, route->response_type, route->response_schema);
    json_object_end(writer);
    for (size_t i = 0; i < 2; i++) {
        json_key(writer, problems[i]);
        json_object_begin(writer);
        json_field_text(writer, "$ref", SLICE("#/components/responses/Problem"));
        json_object_end(writer);
    }
    json_object_end(writer);
}

/* "get_persons_no_status" */
static void put_operation_id(struct json_writer *writer, const struct route *route)
{
    char id[128];
    size_t length = (size_t)snprintf(id, sizeof id, "%s", method_names[route->method]);
    for (const char *at = route->path; *at && length + 1 < sizeof id; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (letter)
            id[length++] = *at;
        else if (id[length - 1] != '_' && at[1])
            id[length++] = '_';
    }
    json_field_text(writer, "operationId", (struct slice){id, length});
}

static void put_access(struct json_writer *writer, const struct route *route)
{
    static const char *const names[] = {"public", "user", "holder", "user or holder"};
    static const char *const permissions[] = {
#define X(id, name) name,
        PERMISSION_TABLE(X)
#undef X
    };
    json_field_text(writer, "x-access", slice_of(names[route->access]));
    json_key(writer, "x-permissions");
    json_array_begin(writer);
    for (size_t i = 0; i < PERMISSION_COUNT; i++)
        if (route->permission & (uint64_t)1 << i)
            json_put_text(writer, slice_of(permissions[i]));
    json_array_end(writer);
    if (route->access == ROUTE_PUBLIC) {
        json_key(writer, "security");
        json_array_begin(writer);
        json_array_end(writer);
    }
}

static void put_operation(struct json_writer *writer, const struct route *route)
{
    json_key(writer, method_names[route->method]);
    json_object_begin(writer);
    put_operation_id(writer, route);
    json_field_text(writer, "summary", slice_of(route->summary));
    if (route->destructive)
        json_field_bool(writer, "x-destructive", true);
    put_access(writer, route);
    put_parameters(writer, route);
    if (route->request_schema) {
        json_key(writer, "requestBody");
        json_object_begin(writer);
        json_field_bool(writer, "required", true);
        put_content(writer, route->request_type, route->request_schema);
        json_object_end(writer);
    }
    put_responses(writer, route);
    json_object_end(writer);
}

static bool same_path(const struct route *a, const struct route *b)
{
    return a->at_root == b->at_root && strcmp(a->path, b->path) == 0;
}

/* All methods of a path stand together, though they stand apart in the tables. */
static void put_paths(struct json_writer *writer)
{
    const struct route *all[256];
    size_t count = 0;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            REQUIRE(count < sizeof all / sizeof *all);
            all[count++] = &modules[m]->routes[r];
        }
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen |= same_path(all[k], all[i]);
        if (seen)
            continue;
        char path[128];
        snprintf(path, sizeof path, "%s%s", all[i]->at_root ? "" : "/api/v1", all[i]->path);
        json_key(writer, path);
        json_object_begin(writer);
        for (size_t k = i; k < count; k++)
            if (same_path(all[k], all[i]))
                put_operation(writer, all[k]);
        json_object_end(writer);
    }
}

static void put_security(struct json_writer *writer)
{
    static const char *const schemes[] = {"bearer", "cookie"};
    json_key(writer, "security");
    json_array_begin(writer);
    for (size_t i = 0; i < 2; i++) {
        json_object_begin(writer);
        json_key(writer, schemes[i]);
        json_array_begin(writer);
        json_array_end(writer);
        json_object_end(writer);
    }
    json_array_end(writer);
}

void openapi_write(struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "openapi", SLICE("3.1.0"));
    json_key(&writer, "info");
    json_object_begin(&writer);
    json_field_text(&writer, "title", SLICE("Chengmai"));
    json_field_text(&writer, "version", SLICE(CHENGMAI_VERSION));
    json_object_end(&writer);
    put_security(&writer);
    json_key(&writer, "paths");
    json_object_begin(&writer);
    put_paths(&writer);
    json_object_end(&writer);
    json_key(&writer, "components");
    json_put_raw(&writer, slice_of(components));
    json_object_end(&writer);
    json_writer_release(&writer);
}

bool openapi_handle(const struct request *request, struct response *response, struct error *err)
{
    (void)request, (void)err;
    openapi_write(&response->body);
    return true;
}
