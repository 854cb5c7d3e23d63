/* Exports of the registry: streamed by number; identity never leaves by this way. */
#include <stdio.h>

#include "registry/registry_internal.h"

enum { COLUMNS_MAX = 16, NAME_BYTES = 32 };

void export_row(FILE *out, const struct slice *fields, size_t count)
{
    struct buffer line;
    buffer_init(&line, 4 << 20);
    for (size_t i = 0; i < count; i++)
        registry_csv_put(&line, fields[i].data ? fields[i] : SLICE(""), i == 0);
    csv_end(&line);
    fwrite(line.data, 1, line.length, out);
    buffer_release(&line);
}

/* ---- The audit record */

struct record_job {
    const char *kind;
    struct slice what;
    int64_t rows;
};

static bool record(struct sql *sql, void *context, struct error *err)
{
    const struct record_job *job = context;
    bool over = job->rows >= 0;
    char act[48];
    snprintf(act, sizeof act, "%s.%s", job->kind, over ? "exported" : "export");
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = slice_of(act),
                                .count = over ? job->rows : 0,
                                .fields = job->what};
    return audit_append(sql, &entry, sql_now(sql), err);
}

bool export_record(struct platform *platform, const char *kind, struct slice what, int64_t rows,
                   struct error *err)
{
    struct record_job job = {kind, what, rows};
    return store_write(platform->store, record, &job, err);
}

/* ---- Statements to rows */

struct export_columns {
    const char *header; /* names by comma */
    int count;
    unsigned times;     /* bit i: column i is a time in microseconds */
};

static void put_object(FILE *out, const struct export_columns *columns,
                       const struct slice *fields)
{
    struct buffer line;
    struct json_writer writer;
    const char *name = columns->header;
    buffer_init(&line, 4 << 20);
    json_writer_init(&writer, &line);
    json_object_begin(&writer);
    for (int i = 0; i < columns->count; i++) {
        char key[NAME_BYTES];
        size_t length = strcspn(name, ",");
        REQUIRE(length < sizeof key);
        memcpy(key, name, length);
        key[length] = '\0';
        name += length + 1;
        if (fields[i].data)
            json_field_text(&writer, key, fields[i]);
        else
            json_field_null(&writer, key);
    }
    json_object_end(&writer);
    json_writer_release(&writer);
    fprintf(out, "%s\n", line.data);
    buffer_release(&line);
}

/* Runs a statement whose columns are texts, numbers or times and writes its rows. */
static bool export_statement(const struct export_request *request, const struct sql_text *text,
                             const struct export_columns *columns, struct error *err)
{
    struct sql *sql;
    struct sql_query *query;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    if (!request->ndjson)
        fprintf(request->out, "%s\n", columns->header);
    bool done = sql_begin(sql, text, SQL_ARGUMENTS(sql_text(request->source)), &query, err);
    for (bool row = true; done && row;) {
        struct slice fields[COLUMNS_MAX];
        char times[COLUMNS_MAX][TIME_TEXT_BYTES];
        done = sql_next(query, &row, err);
        if (!done || !row)
            break;
        for (int i = 0; i < columns->count; i++) {
            bool is_time = columns->times >> i & 1;
            fields[i] = is_time ? slice_of(time_format(sql_get_int(query, i), times[i]))
                                : sql_get_text(query, i);
        }
        if (request->ndjson)
            put_object(request->out, columns, fields);
        else
            export_row(request->out, fields, (size_t)columns->count);
        ++*request->rows;
    }
    store_read_end(request->platform->store, sql);
    return done;
}

#define EXTERNAL(kind, no)                                                                         \
    "(SELECT e.id FROM external_id e JOIN source s ON s.source_no = e.source_no"                   \
    " WHERE e.kind = " kind " AND e.no = " no " AND s.name = ?1)"
#define AREA "(SELECT a.code FROM area a WHERE a.area_no = t.area_no)"
/* The number of the area above: twelve bits a level. */
#define ABOVE(bits) " WHEN t.area_no % " bits " <> 0 THEN t.area_no - t.area_no % " bits
#define PARENT "CASE" ABOVE("4096") ABOVE("16777216") ABOVE("68719476736")                         \
    ABOVE("281474976710656") " ELSE 0 END"

#define EXPORT(ident, shown, words_, header, columns, times, select, from)                         \
    static const struct sql_text ident##_export_text = {                                           \
        #ident "_export", "SELECT " select " FROM " from, "whole table, by primary key"};          \
    static bool ident##_export(const struct export_request *request, struct error *err)            \
    {                                                                                              \
        static const struct export_columns shown_columns = {header, columns, times};               \
        return export_statement(request, &ident##_export_text, &shown_columns, err);               \
    }                                                                                              \
    const struct export_kind export_##ident = {shown, words_, ident##_export};

EXPORT(areas, "areas", "the area tree",
       "code,gb_code,parent,name_zh,name_en,population,latitude,longitude", 8, 0,
       "t.code, t.gb_code, (SELECT p.code FROM area p WHERE p.area_no = " PARENT
       "), t.name_zh, t.name_en, t.population, t.latitude, t.longitude",
       "area t WHERE ?1 IS NOT NULL ORDER BY t.area_no")
EXPORT(persons, "persons", "people without their identity",
       "person_id,area,birth_year,sex,household_id,unit_id", 6, 0,
       EXTERNAL("1", "t.person_no") ", " AREA ", t.birth_year, t.sex, " EXTERNAL(
           "4", "t.household_no") ", " EXTERNAL("3", "t.unit_no"),
       "person t ORDER BY t.person_no")
EXPORT(households, "households", "households", "household_id,area", 2, 0,
       EXTERNAL("4", "t.household_no") ", " AREA, "household t ORDER BY t.household_no")
EXPORT(units, "units", "organisations", "unit_id,area,name,credit_code,category", 5, 0,
       EXTERNAL("3", "t.unit_no") ", " AREA ", t.name, t.credit_code, t.category",
       "unit t ORDER BY t.unit_no")
EXPORT(venues, "venues", "places with a code",
       "venue_id,area,name,category,lat,lon,check_level,unit_id", 8, 0,
       EXTERNAL("2", "t.venue_no") ", " AREA
       ", t.name, t.category, t.latitude, t.longitude, t.check_level, " EXTERNAL("3", "t.unit_no"),
       "venue t ORDER BY t.venue_no")
EXPORT(vehicles, "vehicles", "vehicles", "vehicle_id,area,plate,unit_id,kind", 5, 0,
       EXTERNAL("5", "t.vehicle_no") ", " AREA ", t.plate, " EXTERNAL("3", "t.unit_no") ", t.kind",
       "vehicle t ORDER BY t.vehicle_no")
EXPORT(staff, "staff", "people who work for a unit", "staff_id,area,person_id,unit_id,role", 5, 0,
       EXTERNAL("6", "t.staff_no") ", " AREA ", " EXTERNAL("1", "t.person_no") ", " EXTERNAL(
           "3", "t.unit_no") ", t.role",
       "staff t ORDER BY t.staff_no")
EXPORT(cases, "cases", "infections", "case_id,area,person_id,kind,at,recorded_at", 6,
       1u << 4 | 1u << 5,
       EXTERNAL("7", "t.case_no") ", " AREA ", " EXTERNAL(
           "1", "t.person_no") ", t.kind, t.at, t.recorded_at",
       "case_record t ORDER BY t.case_no")
EXPORT(stays, "stays", "where people stay who live elsewhere",
       "stay_id,area,person_id,unit_id,from,until", 6, 1u << 4 | 1u << 5,
       EXTERNAL("8", "t.stay_no") ", " AREA ", " EXTERNAL("1", "t.person_no") ", " EXTERNAL(
           "3", "t.unit_no") ", t.from_at, t.until_at",
       "person_stay t ORDER BY t.stay_no")

const struct sql_list export_statements =
    SQL_LIST(&areas_export_text, &persons_export_text, &households_export_text, &units_export_text,
             &venues_export_text, &vehicles_export_text, &staff_export_text, &cases_export_text,
             &stays_export_text);
