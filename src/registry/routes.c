/* Routes: the areas by code and name, for whoever chooses or reads one. No persons. */
#include "policy/permissions.h"
#include "registry/registry_internal.h"

enum { AREAS_BYTES_MAX = 8 << 20, LEVEL_CITY = 1, LEVEL_TOWN = 3 };

static void put_area(struct json_writer *writer, const struct request *request,
                     const struct area *area, const struct area *parent)
{
    json_object_begin(writer);
    json_field_text(writer, "code", area->code);
    if (parent)
        json_field_text(writer, "parent", parent->code);
    else
        json_field_null(writer, "parent");
    json_field_text(writer, "name_zh", area->name_zh);
    json_field_text(writer, "name_en", area->name_en);
    json_field_int64(writer, "level", area_level(area->no));
    json_field_bool(writer, "own",
                    area->no >= request->actor.area_first && area->no <= request->actor.area_last);
    json_object_end(writer);
}

/* An area before what is below it. A town's code need not begin with its district's. */
static void put_with_children(struct json_writer *writer, const struct request *request,
                              const struct area *area, const struct area *parent)
{
    const struct area **children;
    put_area(writer, request, area, parent);
    if (area_level(area->no) == LEVEL_TOWN)
        return;
    size_t count =
        registry_areas_under(request->platform->registry, area->no, request->arena, &children);
    for (size_t i = 0; i < count; i++)
        put_with_children(writer, request, children[i], area);
}

static bool handle_areas(const struct request *request, struct response *response,
                         struct error *err)
{
    const struct area *city = registry_city(request->platform->registry);
    struct json_writer writer;
    buffer_init(&response->body, AREAS_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    if (city)
        put_with_children(&writer, request, city, NULL);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    if (!response->body.overflow)
        return true;
    buffer_release(&response->body);
    return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "items"},
                     "fewer districts and towns", "the answer is too large");
}

const struct route registry_routes[REGISTRY_ROUTES] = {
    {.method = HTTP_GET,
     .path = "/areas",
     .access = ROUTE_USER,
     .touches = TOUCH_REGISTER,
     .permission = PERMISSION_NONE,
     .summary = "The city, its districts and towns by code and name; which are the reader's",
     .response_schema =
         "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":"
         "\"array\",\"items\":{\"type\":\"object\",\"required\":[\"code\",\"parent\",\"name_zh\","
         "\"name_en\",\"level\",\"own\"],\"properties\":{\"code\":{\"type\":\"string\"},"
         "\"parent\":{\"type\":[\"string\",\"null\"]},\"name_zh\":{\"type\":"
         "\"string\"},\"name_en\":{\"type\":\"string\"},\"level\":{\"type\":\"integer\"},\"own\":"
         "{\"type\":\"boolean\"}}}}}}",
     .handle = handle_areas},
};
