/* What the register knows of one person beside the identity: stays elsewhere, and from which
 * sources the record came. Each answer is recorded before it leaves. */
#include "dossier/dossier_internal.h"
#include "status/status.h"

static const struct sql_text stays_of = {
    "dossier_stays_of",
    "SELECT stay_no, area_no, unit_no, from_at, until_at FROM person_stay WHERE person_no = ?1"
    " AND stay_no > ?2 ORDER BY stay_no LIMIT ?3",
    "person_stay_by_person"};
/* Under what sources the person is known; the ids themselves stay inside. */
static const struct sql_text sources_of = {
    "dossier_sources_of",
    "SELECT e.import_no, s.name, i.begun_at FROM external_id e"
    " JOIN source s ON s.source_no = e.source_no LEFT JOIN import i ON i.import_no = e.import_no"
    " WHERE e.kind = ?1 AND e.no = ?2 ORDER BY e.source_no, e.import_no",
    "external_id_by_no"};

const struct sql_list person_record_statements = SQL_LIST(&stays_of, &sources_of);

bool dossier_person(const struct request *request, int64_t *ret_person, struct error *err)
{
    if (!slice_to_int64(request->parameters[0], 1, UINT32_MAX, ret_person))
        return dossier_no_such_person(err);
    return status_within_reach(request, (struct person_no){(uint32_t)*ret_person}, err);
}

static void put_stay(const struct request *request, struct sql_query *query,
                     struct json_writer *writer)
{
    const struct area *area = registry_area(request->platform->registry, sql_get_int(query, 1));
    json_object_begin(writer);
    json_field_int64(writer, "stay_no", sql_get_int(query, 0));
    if (area)
        json_field_text(writer, "area", area->code);
    else
        json_field_null(writer, "area");
    if (sql_is_null(query, 2))
        json_field_null(writer, "unit_no");
    else
        json_field_int64(writer, "unit_no", sql_get_int(query, 2));
    json_field_time(writer, "from", sql_get_int(query, 3));
    json_field_time(writer, "until", sql_get_int(query, 4));
    json_object_end(writer);
}

bool person_stays_handle(const struct request *request, struct response *response,
                         struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t person, limit, after, count = 0, last = 0;
    bool row = false;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err) ||
        !dossier_person(request, &person, err) ||
        !status_audit_read(request, "person.stays", (uint32_t)person, 1, "places", err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done =
        sql_begin(sql, &stays_of,
                  SQL_ARGUMENTS(sql_int(person), sql_int(after), sql_int(limit + 1)), &query, err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    while (done && (done = sql_next(query, &row, err)) && row && ++count <= limit) {
        last = sql_get_int(query, 0);
        put_stay(request, query, &writer);
    }
    if (done && row)
        sql_end(query);
    json_array_end(&writer);
    json_field_cursor(&writer, count > limit ? last : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}

bool person_sources_handle(const struct request *request, struct response *response,
                           struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    struct json_writer writer;
    int64_t person;
    bool row = false;
    if (!dossier_person(request, &person, err) ||
        !status_audit_read(request, "person.sources", (uint32_t)person, 1, "sources", err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = sql_begin(sql, &sources_of,
                          SQL_ARGUMENTS(sql_int(REGISTRY_PERSON), sql_int(person)), &query, err);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        json_object_begin(&writer);
        json_field_text(&writer, "source", sql_get_text(query, 1));
        if (sql_get_int(query, 0))
            json_field_int64(&writer, "import_no", sql_get_int(query, 0));
        else
            json_field_null(&writer, "import_no");
        json_field_time(&writer, "imported_at", sql_get_time(query, 2));
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}
