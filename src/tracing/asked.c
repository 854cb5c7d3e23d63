/* The case that a request is about, and the fields that every answer has of a case. */
#include "access/shown.h"
#include "tracing/tracing_internal.h"

bool case_asked(const struct request *request, struct sql *sql, struct arena *arena,
                struct case_row *ret_case, struct error *err)
{
    int64_t no, named;
    struct slice purpose = request->purpose;
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "the number of a case in your area", "no such case");
    if (purpose.length < 5 || memcmp(purpose.data, "case:", 5) != 0 ||
        !slice_to_int64((struct slice){purpose.data + 5, purpose.length - 5}, 1, INT64_MAX,
                        &named) ||
        named != no)
        return error_set(err, ERROR_PURPOSE, (struct error_place){.field = "X-Purpose"},
                         "case: and the number of this case", "the purpose does not name it");
    return case_get(sql, no, request->actor.area_first, request->actor.area_last, arena, ret_case,
                    err);
}

void case_area_write(struct json_writer *writer, struct platform *platform, const char *key,
                     int64_t area_no)
{
    const struct area *area = registry_area(platform->registry, area_no);
    json_key(writer, key);
    if (!area) {
        json_put_null(writer);
        return;
    }
    json_object_begin(writer);
    json_field_text(writer, "code", area->code);
    json_field_text(writer, "name_zh", area->name_zh);
    json_field_text(writer, "name_en", area->name_en);
    json_object_end(writer);
}

bool case_write(const struct request *request, struct sql *sql, struct json_writer *writer,
                const struct case_row *row, struct arena *arena, struct error *err)
{
    struct person person;
    struct slice name = {NULL, 0};
    if (registry_person(request->platform, sql, row->person, arena, &person, err)) {
        if (person.name.data)
            name = shown_field(request->actor.reads, FIELD_NAME, person.name, arena);
    } else if (err->code != ERROR_NOT_FOUND) {
        return false;
    }
    json_field_int64(writer, "id", row->no);
    json_field_int64(writer, "person_no", row->person);
    if (name.data)
        json_field_text(writer, "name", name);
    else
        json_field_null(writer, "name");
    case_area_write(writer, request->platform, "area", row->area_no);
    json_field_text(writer, "kind", row->kind);
    json_field_time(writer, "at", row->at);
    json_field_time(writer, "recorded_at", row->recorded_at);
    return true;
}
