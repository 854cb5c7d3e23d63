/* Exports of the registry: streamed by number; identity never leaves by this way. */
#include <stdio.h>

#include "registry/registry_internal.h"

void export_row(FILE *out, const struct slice *fields, size_t count)
{
    struct buffer line;
    buffer_init(&line, 4 << 20);
    for (size_t i = 0; i < count; i++) {
        struct slice field = fields[i].data ? fields[i] : SLICE("");
        double number;
        bool formula = field.length && memchr("=+-@\t\r", field.data[0], 6) &&
                       !slice_to_double(field, &number);
        bool quoted = field.length > 1 && field.data[0] == '\'' &&
                      memchr("=+-@\t\r", field.data[1], 6);
        struct buffer guarded;
        buffer_init(&guarded, 2 << 20);
        if (formula || quoted) {
            buffer_append(&guarded, "'", 1);
            buffer_append(&guarded, field.data, field.length);
            field = buffer_slice(&guarded);
        }
        csv_put(&line, field, i == 0);
        buffer_release(&guarded);
    }
    csv_end(&line);
    fwrite(line.data, 1, line.length, out);
    buffer_release(&line);
}

/* Runs a statement whose columns are all texts or numbers and writes them under `header`. */
static bool export_statement(const struct export_request *request, const struct sql_text *text,
                             const char *header, int columns, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    fprintf(request->out, "%s\n", header);
    bool done = sql_begin(sql, text, SQL_ARGUMENTS(sql_text(request->source)), &query, err);
    for (bool row = true; done && row;) {
        struct slice fields[16];
        done = sql_next(query, &row, err);
        if (!done || !row)
            break;
        for (int i = 0; i < columns; i++)
            fields[i] = sql_get_text(query, i);
        export_row(request->out, fields, (size_t)columns);
    }
    store_read_end(request->platform->store, sql);
    return done;
}

#define EXTERNAL(kind, no)                                                                         \
    "(SELECT e.id FROM external_id e JOIN source s ON s.source_no = e.source_no"                   \
    " WHERE e.kind = " kind " AND e.no = " no " AND s.name = ?1)"
#define AREA "(SELECT a.code FROM area a WHERE a.area_no = t.area_no)"

#define EXPORT(ident, shown, words_, header, columns, select, from)                                \
    static const struct sql_text ident##_export_text = {                                           \
        #ident "_export", "SELECT " select " FROM " from, "whole table, by primary key"};          \
    static bool ident##_export(const struct export_request *request, struct error *err)            \
    {                                                                                              \
        return export_statement(request, &ident##_export_text, header, columns, err);              \
    }                                                                                              \
    const struct export_kind export_##ident = {shown, words_, ident##_export};

EXPORT(areas, "areas", "the area tree", "code,gb_code,name_zh,name_en,population", 5,
       "t.code, t.gb_code, t.name_zh, t.name_en, t.population",
       "area t WHERE ?1 IS NOT NULL ORDER BY t.area_no")
EXPORT(persons, "persons", "people without their identity",
       "person_id,area,birth_year,sex,household_id,unit_id", 6,
       EXTERNAL("1", "t.person_no") ", " AREA ", t.birth_year, t.sex, " EXTERNAL(
           "4", "t.household_no") ", " EXTERNAL("3", "t.unit_no"),
       "person t ORDER BY t.person_no")
EXPORT(households, "households", "households", "household_id,area", 2,
       EXTERNAL("4", "t.household_no") ", " AREA, "household t ORDER BY t.household_no")
EXPORT(units, "units", "organisations", "unit_id,area,name,credit_code,category", 5,
       EXTERNAL("3", "t.unit_no") ", " AREA ", t.name, t.credit_code, t.category",
       "unit t ORDER BY t.unit_no")
EXPORT(venues, "venues", "places with a code", "venue_id,area,name,category,lat,lon,check_level",
       7,
       EXTERNAL("2", "t.venue_no") ", " AREA
       ", t.name, t.category, t.latitude, t.longitude, t.check_level",
       "venue t ORDER BY t.venue_no")
EXPORT(vehicles, "vehicles", "vehicles", "vehicle_id,area,plate,unit_id,kind", 5,
       EXTERNAL("5", "t.vehicle_no") ", " AREA ", t.plate, " EXTERNAL("3", "t.unit_no") ", t.kind",
       "vehicle t ORDER BY t.vehicle_no")
EXPORT(staff, "staff", "people who work for a unit", "staff_id,area,person_id,unit_id,role", 5,
       EXTERNAL("6", "t.staff_no") ", " AREA ", " EXTERNAL("1", "t.person_no") ", " EXTERNAL(
           "3", "t.unit_no") ", t.role",
       "staff t ORDER BY t.staff_no")
EXPORT(cases, "cases", "infections (times in microseconds since 1970)",
       "case_id,area,person_id,kind,at,recorded_at", 6,
       EXTERNAL("7", "t.case_no") ", " AREA ", " EXTERNAL(
           "1", "t.person_no") ", t.kind, t.at, t.recorded_at",
       "case_record t ORDER BY t.case_no")

const struct sql_list export_statements =
    SQL_LIST(&areas_export_text, &persons_export_text, &households_export_text, &units_export_text,
             &venues_export_text, &vehicles_export_text, &staff_export_text, &cases_export_text);
