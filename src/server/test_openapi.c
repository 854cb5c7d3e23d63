/* The OpenAPI document: its structure is that of OpenAPI 3.1, it lists exactly the routes that
 * exist, and what each documented route answers fits the schema that is written for it. */
#include "server/test_support.h"

/* ---- A subset of JSON Schema: type, enum, required, properties, items, minItems, maxItems, oneOf,
 * format date-time. Any other word in a schema is a failure: it would not be checked. */

static bool type_fits(json_t *value, const char *type)
{
    static const struct {
        const char *name;
        json_type type;
    } names[] = {{"object", JSON_OBJECT}, {"array", JSON_ARRAY},     {"string", JSON_STRING},
                 {"null", JSON_NULL},     {"integer", JSON_INTEGER}, {"number", JSON_REAL}};
    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, type) == 0)
            return json_typeof(value) == names[i].type;
    fail_msg("unknown type '%s'", type);
    return false;
}

static bool any_type_fits(json_t *value, json_t *types)
{
    size_t i;
    json_t *type;
    if (json_is_string(types))
        return type_fits(value, json_string_value(types));
    json_array_foreach(types, i, type) if (type_fits(value, json_string_value(type))) return true;
    return false;
}

static bool is_listed(json_t *value, json_t *list)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) if (json_equal(value, entry)) return true;
    return false;
}

static void check_words(json_t *schema)
{
    static const char *const words[] = {"type",     "enum",     "required", "properties", "items",
                                        "minItems", "maxItems", "oneOf",    "format"};
    const char *word;
    json_t *ignored;
    json_object_foreach(schema, word, ignored)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            known |= strcmp(words[i], word) == 0;
        if (!known)
            fail_msg("schema word '%s' is not checked", word);
    }
}

/* Fields that the schema does not name are a failure: they would be undocumented. */
static bool fits(json_t *value, json_t *schema, char *where, size_t size);

static bool object_fits(json_t *value, json_t *schema, char *where, size_t size)
{
    json_t *properties = json_object_get(schema, "properties"), *entry, *name;
    size_t i, length = strlen(where);
    const char *key;
    json_array_foreach(json_object_get(schema, "required"), i,
                       name) if (!json_object_get(value, json_string_value(name))) return false;
    if (!properties)
        return true;
    json_object_foreach(value, key, entry)
    {
        json_t *property = json_object_get(properties, key);
        snprintf(where + length, size - length, ".%s", key);
        if (!property || !fits(entry, property, where, size))
            return false;
        where[length] = '\0';
    }
    return true;
}

static bool array_fits(json_t *value, json_t *schema, char *where, size_t size)
{
    json_t *items = json_object_get(schema, "items"), *entry;
    json_t *low = json_object_get(schema, "minItems"), *high = json_object_get(schema, "maxItems");
    size_t i, length = strlen(where);
    if ((low && json_array_size(value) < (size_t)json_integer_value(low)) ||
        (high && json_array_size(value) > (size_t)json_integer_value(high)))
        return false;
    json_array_foreach(value, i, entry)
    {
        snprintf(where + length, size - length, "[%zu]", i);
        if (items && !fits(entry, items, where, size))
            return false;
        where[length] = '\0';
    }
    return true;
}

static bool fits(json_t *value, json_t *schema, char *where, size_t size)
{
    json_t *types = json_object_get(schema, "type"), *list = json_object_get(schema, "enum");
    timestamp time;
    check_words(schema);
    if ((types && !any_type_fits(value, types)) || (list && !is_listed(value, list)))
        return false;
    if (json_object_get(schema, "format") && json_is_string(value) &&
        !time_parse(slice_of(json_string_value(value)), &time))
        return false;
    if (json_is_object(value))
        return object_fits(value, schema, where, size);
    return !json_is_array(value) || array_fits(value, schema, where, size);
}

/* ---- The document */

static struct answer document(struct loopback *loop)
{
    struct answer answer = loopback_call(loop, GET("/api/v1/openapi.json", NULL));
    assert_int_equal(answer.status, 200);
    assert_non_null(answer.json);
    return answer;
}

static json_t *at(json_t *value, const char *path)
{
    char copy[200], *rest = copy;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key; value && (key = strsep(&rest, " "));)
        value = json_object_get(value, key);
    return value;
}

static void check_parameters(json_t *parameters, const char *path)
{
    size_t i, in_path = 0, braces = 0;
    json_t *parameter;
    json_array_foreach(parameters, i, parameter)
    {
        char brace[80];
        const char *in = json_string_value(json_object_get(parameter, "in"));
        const char *name = json_string_value(json_object_get(parameter, "name"));
        assert_non_null(name);
        assert_true(strcmp(in, "path") == 0 || strcmp(in, "query") == 0 ||
                    strcmp(in, "header") == 0);
        assert_true(json_is_object(json_object_get(parameter, "schema")));
        const char *type = json_string_value(at(parameter, "schema type"));
        assert_true(strcmp(type, "string") == 0 || strcmp(type, "integer") == 0);
        if (strcmp(in, "path") != 0)
            continue;
        snprintf(brace, sizeof brace, "{%s}", name);
        assert_non_null(strstr(path, brace));
        assert_true(json_is_true(json_object_get(parameter, "required")));
        in_path++;
    }
    for (const char *c = path; *c; c++)
        braces += *c == '{';
    assert_int_equal(in_path, braces);
}

static void check_operation(json_t *root, json_t *operation, const char *path)
{
    static const char *const problems[] = {"4XX", "5XX"};
    const char *status;
    json_t *response;
    size_t good = 0;
    assert_true(json_string_length(json_object_get(operation, "operationId")) > 0);
    assert_true(json_string_length(json_object_get(operation, "summary")) > 0);
    check_parameters(json_object_get(operation, "parameters"), path);
    json_object_foreach(json_object_get(operation, "responses"), status, response) if (*status ==
                                                                                       '2')
    {
        good++;
        assert_true(json_string_length(json_object_get(response, "description")) > 0);
        assert_true(json_object_size(json_object_get(response, "content")) == 1);
    }
    assert_int_equal(good, 1);
    for (size_t i = 0; i < 2; i++) {
        json_t *problem = json_object_get(json_object_get(operation, "responses"), problems[i]);
        assert_string_equal(json_string_value(json_object_get(problem, "$ref")),
                            "#/components/responses/Problem");
    }
    assert_non_null(at(root, "components responses Problem content application/problem+json"));
    json_t *body = json_object_get(operation, "requestBody");
    if (body)
        assert_true(json_object_size(json_object_get(body, "content")) == 1);
}

static void the_document_is_well_formed_and_lists_the_routes_that_exist(void **state)
{
    struct answer answer = document(*state);
    json_t *root = answer.json, *item, *operation;
    const char *path, *method;
    size_t listed = 0, exist = 0;
    json_t *seen = json_object();
    assert_memory_equal(json_string_value(json_object_get(root, "openapi")), "3.1.", 4);
    assert_true(json_string_length(at(root, "info title")) > 0);
    assert_true(json_string_length(at(root, "info version")) > 0);
    assert_non_null(at(root, "components securitySchemes bearer"));
    json_object_foreach(json_object_get(root, "paths"), path, item)
    {
        assert_int_equal(path[0], '/');
        json_object_foreach(item, method, operation)
        {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            assert_null(json_object_get(seen, id)); /* unique */
            json_object_set_new(seen, id, json_true());
            check_operation(root, operation, path);
            listed++;
        }
    }
    for (size_t m = 0; m < module_count; m++)
        exist += modules[m]->route_count;
    assert_int_equal(listed, exist);
    json_decref(seen);
    answer_release(&answer);
}

static void each_route_is_documented_as_it_is(void **state)
{
    struct answer answer = document(*state);
    static const char *const methods[] = {"get", "post", "put", "delete"};
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            char path[128];
            snprintf(path, sizeof path, "%s%s", route->at_root ? "" : "/api/v1", route->path);
            json_t *item = json_object_get(json_object_get(answer.json, "paths"), path);
            json_t *operation = json_object_get(item, methods[route->method]);
            assert_non_null(operation);
            json_t *security = json_object_get(operation, "security");
            assert_int_equal(route->access == ROUTE_PUBLIC,
                             security && json_array_size(security) == 0);
            assert_int_equal(route->destructive,
                             json_is_true(json_object_get(operation, "x-destructive")));
            json_t *parameters = json_object_get(operation, "parameters"), *parameter;
            size_t i, purpose = 0, key = 0;
            json_array_foreach(parameters, i, parameter)
            {
                const char *name = json_string_value(json_object_get(parameter, "name"));
                purpose += strcmp(name, "X-Purpose") == 0;
                key += strcmp(name, "Idempotency-Key") == 0;
            }
            assert_int_equal(purpose, route->opens_identity);
            assert_int_equal(key, route->method != HTTP_GET);
        }
    answer_release(&answer);
}

static json_t *schema_of(json_t *root, const char *method, const char *path)
{
    json_t *item = json_object_get(json_object_get(root, "paths"), path);
    return at(json_object_get(item, method), "responses 200 content application/json schema");
}

static void every_documented_answer_fits_its_schema(void **state)
{
    struct loopback *loop = *state;
    char token[80], holder[80], manager[80];
    loopback_user(loop, "cdc_lead", token);
    loopback_user(loop, "venue_manager", manager);
    loopback_holder(loop, 7, holder);
    const struct {
        const char *method, *path;
        struct call call;
    } rows[] = {
        {"get", "/healthz", {.path = "/healthz"}},
        {"get", "/readyz", {.path = "/readyz"}},
        {"get", "/api/v1/openapi.json", {.path = "/api/v1/openapi.json"}},
        {"get", "/api/v1/public/about", {.path = "/api/v1/public/about"}},
        {"post", "/api/v1/sessions",
         {.method = HTTP_POST, .path = "/api/v1/sessions",
          .body = "{\"provider\":\"stub\",\"person_no\":7}"}},
        {"get", "/api/v1/sessions/current",
         {.path = "/api/v1/sessions/current", .authorization = token}},
        {"get", "/api/v1/sessions/current",
         {.path = "/api/v1/sessions/current", .authorization = holder}},
        {"get", "/api/v1/me", {.path = "/api/v1/me", .authorization = holder}},
        {"get", "/api/v1/me/why", {.path = "/api/v1/me/why", .authorization = holder}},
        {"get", "/api/v1/me/code", {.path = "/api/v1/me/code", .authorization = holder}},
        {"get", "/api/v1/me/family", {.path = "/api/v1/me/family", .authorization = holder}},
        {"get", "/api/v1/situation", {.path = "/api/v1/situation", .authorization = token}},
        {"get", "/api/v1/persons/{no}/status",
         {.path = "/api/v1/persons/303/status",
          .authorization = token,
          .purpose = "duty:case_review"}},
        {"get", "/api/v1/cases",
         {.path = "/api/v1/cases", .authorization = token, .purpose = "duty:case_review"}},
        {"get", "/api/v1/cases/{id}",
         {.path = "/api/v1/cases/1", .authorization = token, .purpose = "case:1"}},
        {"get", "/api/v1/cases/{id}/exposures",
         {.path = "/api/v1/cases/1/exposures?limit=20", .authorization = token,
          .purpose = "case:1"}},
        {"get", "/api/v1/cases/{id}/chain",
         {.path = "/api/v1/cases/1/chain", .authorization = token, .purpose = "case:1"}},
        {"get", "/api/v1/cases/{id}/contacts",
         {.path = "/api/v1/cases/1/contacts", .authorization = token, .purpose = "case:1"}},
        {"get", "/api/v1/cases/{id}/loops",
         {.path = "/api/v1/cases/1/loops", .authorization = token, .purpose = "case:1"}},
        {"get", "/api/v1/venues/{no}/code",
         {.path = "/api/v1/venues/1/code", .authorization = manager}},
        {"post", "/api/v1/venues/{no}/revoke",
         {.method = HTTP_POST, .path = "/api/v1/venues/1/revoke", .authorization = manager,
          .body = "{}"}},
        {"delete", "/api/v1/sessions/current",
         {.method = HTTP_DELETE, .path = "/api/v1/sessions/current", .authorization = token}},
    };
    struct answer all = document(loop);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char where[300] = "";
        json_t *schema = schema_of(all.json, rows[i].method, rows[i].path);
        struct answer answer = loopback_call(loop, &rows[i].call);
        assert_int_equal(answer.status, 200);
        if (!schema)
            fail_msg("%s has no schema", rows[i].path);
        if (!fits(answer.json, schema, where, sizeof where))
            fail_msg("%s%s does not fit its schema: %.*s", rows[i].path, where,
                     (int)(answer.response.body.length < 600 ? answer.response.body.length : 600),
                     answer.response.body.data);
        answer_release(&answer);
    }
    answer_release(&all);
}

static void the_schema_check_refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *value;
        bool good;
    } rows[] = {
        {"{\"type\":\"object\",\"required\":[\"a\"]}", "{\"a\":1}", true},
        {"{\"type\":\"object\",\"required\":[\"a\"]}", "{\"b\":1}", false},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"b\":1}", false},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", "[\"x\",1]", false},
        {"{\"type\":\"array\",\"minItems\":2}", "[1]", false},
        {"{\"enum\":[\"a\",\"b\"]}", "\"c\"", false},
        {"{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}", "\"yesterday\"", false},
        {"{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}", "null", true},
        {"{\"type\":\"integer\"}", "1.5", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char where[100] = "";
        json_t *schema = json_loads(rows[i].schema, 0, NULL);
        json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        assert_int_equal(fits(value, schema, where, sizeof where), rows[i].good);
        json_decref(schema);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(the_document_is_well_formed_and_lists_the_routes_that_exist),
        LOOPBACK_TEST(each_route_is_documented_as_it_is),
        LOOPBACK_TEST(every_documented_answer_fits_its_schema),
        cmocka_unit_test(the_schema_check_refuses_what_does_not_fit),
    };
    return LOOPBACK_RUN(tests);
}
