/* The kinds of the registry that are imported row by row: one table a kind, one way for all.
 *
 * A row's values are checked by the type of their column; its digest tells an equal row (unchanged)
 * from a changed one (merged). A changed row overwrites what it gives: a column that is absent and
 * a field that is empty leave what is known. External ids are those of the import's source. */
#include <math.h>
#include <stdlib.h>

#include "registry/registry_internal.h"

enum value_type {
    VALUE_ID,        /* the row's own external id */
    VALUE_AREA,      /* an area code */
    VALUE_TEXT,
    VALUE_CATEGORY,  /* a venue category of policies/ */
    VALUE_LATITUDE,  /* degrees */
    VALUE_LONGITUDE,
    VALUE_LEVEL,     /* a check level, 0 to 3 */
    VALUE_YEAR,
    VALUE_SEX,
    VALUE_TIME,
    VALUE_CREDIT_CODE,
    VALUE_PLATE,
    VALUE_CASE_KIND,
    VALUE_PERSON,    /* external ids of other kinds */
    VALUE_HOUSEHOLD,
    VALUE_UNIT,
    VALUE_NAME,      /* the three of a person's identity */
    VALUE_ID_NUMBER,
    VALUE_PHONE,
};

enum { VALUES_MAX = 12 };

struct kind_table {
    enum registry_kind kind;
    const enum value_type *types; /* of the columns */
    struct sql_text digest, insert, update, last, undo, undo_ids;
    /* insert and update take: ?1 number, ?2 area, ?3 import, ?4 digest, then the stored columns */
};

struct row_values {
    struct slice id;
    int64_t area_no;
    bool area_given;
    struct sql_value stored[VALUES_MAX];
    size_t stored_count;
    struct slice name, id_number, phone;
    bool identity;
};

struct row_place {
    struct import_batch *batch;
    struct sql *sql;
    size_t row;
    int column;
    const char *column_name;
};

static bool reject(const struct row_place *place, const char *reason)
{
    import_reject(place->batch, place->row, place->column_name, reason);
    return false;
}

static bool reject_error(const struct row_place *place, const struct error *err)
{
    char reason[600];
    snprintf(reason, sizeof reason, "%s%s%s", err->what, err->expected[0] ? "; expected " : "",
             err->expected);
    return reject(place, reason);
}

static struct sql_value arena_value(const struct row_place *place, const char *text)
{
    size_t length = strlen(text);
    return sql_text((struct slice){arena_copy(place->batch->arena, text, length), length});
}

static bool take_reference(const struct row_place *place, enum registry_kind kind,
                           struct slice field, struct sql_value *out)
{
    struct error err;
    int64_t no;
    if (!field.data) {
        *out = sql_null();
        return true;
    }
    if (!registry_lookup(place->sql, kind, place->batch->source, field, &no, &err))
        return reject_error(place, &err);
    if (!no)
        return reject(place, "no such external id in this source");
    *out = sql_int(no);
    return true;
}

static bool take_checked(const struct row_place *place, enum value_type type, struct slice field,
                         struct sql_value *out)
{
    struct error err;
    char normal[24];
    timestamp time;
    if (!field.data) {
        *out = sql_null();
        return true;
    }
    if (type == VALUE_TIME) {
        if (!time_parse(field, &time))
            return reject(place, "not an RFC 3339 time with its offset");
        *out = sql_int(time);
        return true;
    }
    bool good = type == VALUE_PLATE ? identity_check_plate(field, normal, &err)
                                    : identity_check_credit_code(field, normal, &err);
    if (!good)
        return reject_error(place, &err);
    *out = arena_value(place, normal);
    return true;
}

static bool take_degrees(const struct row_place *place, double most, struct slice field,
                         struct sql_value *out)
{
    double real;
    *out = sql_null();
    if (!field.data)
        return true;
    if (!slice_to_double(field, &real) || real < -most || real > most)
        return reject(place, most > 90 ? "not degrees from -180 to 180"
                                       : "not degrees from -90 to 90");
    *out = sql_real(real);
    return true;
}

static bool take_whole(const struct row_place *place, int64_t low, int64_t high,
                       struct slice field, struct sql_value *out)
{
    int64_t whole;
    char reason[80];
    *out = sql_null();
    if (!field.data)
        return true;
    if (!slice_to_int64(field, low, high, &whole)) {
        snprintf(reason, sizeof reason, "not a whole number from %lld to %lld", (long long)low,
                 (long long)high);
        return reject(place, reason);
    }
    *out = sql_int(whole);
    return true;
}

static bool take_identity(const struct row_place *place, enum value_type type, struct slice field,
                          struct row_values *values)
{
    struct error err;
    char normal[24];
    const char *warning = NULL;
    struct platform *platform = place->batch->platform;
    values->identity |= field.data != NULL;
    if (!field.data)
        return true;
    if (type == VALUE_NAME) {
        values->name = field;
        return field.length <= 200 || reject(place, "longer than 200 bytes");
    }
    int32_t today = time_day_of_seconds(world_now(platform->world) / SECOND);
    bool good = type == VALUE_PHONE
                    ? identity_check_phone(field, normal, &err)
                    : identity_check_id_number(field, today, platform->demo, normal, &warning,
                                               &err);
    if (!good)
        return reject_error(place, &err);
    if (warning)
        import_warn(place->batch, place->row, place->column_name, warning);
    struct slice kept = {arena_copy(place->batch->arena, normal, strlen(normal)), strlen(normal)};
    *(type == VALUE_PHONE ? &values->phone : &values->id_number) = kept;
    return true;
}

static bool take_value(const struct row_place *place, enum value_type type, struct slice field,
                       struct row_values *values)
{
    struct sql_value *out = &values->stored[values->stored_count];
    struct platform *platform = place->batch->platform;
    switch (type) {
    case VALUE_ID:
        values->id = field;
        return (field.data && field.length <= 128) || reject(place, "1 to 128 bytes are needed");
    case VALUE_AREA: {
        const struct area *area = field.data
                                      ? registry_area_by_code(platform->registry, field)
                                      : registry_city(platform->registry);
        values->area_no = area ? area->no : 0;
        values->area_given = field.data != NULL;
        return area || reject(place, "no such area code");
    }
    case VALUE_NAME:
    case VALUE_ID_NUMBER:
    case VALUE_PHONE:
        return take_identity(place, type, field, values);
    default:
        break;
    }
    values->stored_count++;
    switch (type) {
    case VALUE_TEXT:
        *out = sql_text(field);
        return field.length <= 400 || reject(place, "longer than 400 bytes");
    case VALUE_CATEGORY:
        *out = sql_text(field);
        return !field.data || policy_category_known(platform->policy, field) ||
               reject(place, "no such venue category");
    case VALUE_SEX:
        *out = sql_text(field);
        return !field.data || slice_equal(field, SLICE("m")) || slice_equal(field, SLICE("f")) ||
               reject(place, "m or f is needed");
    case VALUE_CASE_KIND:
        *out = sql_text(field);
        return slice_equal(field, SLICE("case")) || slice_equal(field, SLICE("asymptomatic")) ||
               reject(place, "case or asymptomatic is needed");
    case VALUE_LATITUDE:
        return take_degrees(place, 90, field, out);
    case VALUE_LONGITUDE:
        return take_degrees(place, 180, field, out);
    case VALUE_LEVEL:
        return take_whole(place, 0, 3, field, out);
    case VALUE_YEAR:
        return take_whole(place, 1900, 2100, field, out);
    case VALUE_PERSON:
        return take_reference(place, REGISTRY_PERSON, field, out);
    case VALUE_HOUSEHOLD:
        return take_reference(place, REGISTRY_HOUSEHOLD, field, out);
    case VALUE_UNIT:
        return take_reference(place, REGISTRY_UNIT, field, out);
    default:
        return take_checked(place, type, field, out);
    }
}

/* Keyed hash of the row's fields with their lengths: an unkeyed one would let whoever holds the
 * database try ID numbers until one fits. */
static struct slice row_digest(const struct import_batch *batch, size_t row, int columns)
{
    struct buffer text;
    buffer_init(&text, 2 << 20);
    for (int c = 0; c < columns; c++) {
        struct slice field = import_field(batch, row, c);
        uint64_t length = field.length;
        buffer_append(&text, &length, sizeof length);
        buffer_append(&text, field.data, field.length);
    }
    unsigned char *digest = arena_alloc(batch->arena, BLIND_INDEX_BYTES);
    blind_index(store_keys(batch->platform->store), "row", buffer_slice(&text), digest);
    buffer_release(&text);
    return (struct slice){(const char *)digest, BLIND_INDEX_BYTES};
}

static bool same_digest(struct sql *sql, const struct kind_table *table, int64_t no,
                        struct slice digest, bool *ret_same, int64_t *ret_area, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &table->digest, SQL_ARGUMENTS(sql_int(no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    *ret_same = row && slice_equal(sql_get_blob(query, 0), digest);
    *ret_area = row ? sql_get_int(query, 1) : 0;
    sql_end(query);
    return true;
}

/* What the row leaves out of a known person's identity stays as it is. */
static bool keep_identity(const struct row_place *place, int64_t no, struct row_values *values,
                          struct error *err)
{
    struct person person;
    if (values->name.data && values->id_number.data && values->phone.data)
        return true;
    if (!registry_person(place->batch->platform, place->sql, (uint32_t)no, place->batch->arena,
                         &person, err))
        return false;
    values->name = values->name.data ? values->name : person.name;
    values->id_number = values->id_number.data ? values->id_number : person.id_number;
    values->phone = values->phone.data ? values->phone : person.phone;
    return true;
}

static size_t person_values(const struct import_batch *batch, int64_t no,
                            struct row_values *values)
{
    struct keys *keys = store_keys(batch->platform->store);
    size_t at = values->stored_count;
    values->stored[at] = values->stored[at + 1] = sql_null();
    if (values->identity) {
        struct slice plain =
            identity_pack(values->name, values->id_number, values->phone, batch->arena);
        values->stored[at] =
            sql_blob(field_encrypt(keys, KEY_IDENTITY, no, plain, batch->arena));
    }
    if (values->id_number.data) {
        unsigned char *index = arena_alloc(batch->arena, BLIND_INDEX_BYTES);
        blind_index(keys, "id_number", values->id_number, index);
        values->stored[at + 1] =
            sql_blob((struct slice){(const char *)index, BLIND_INDEX_BYTES});
    }
    return at + 2;
}

/* A new venue starts with the check level of its category. */
static void start_level(const struct import_batch *batch, struct row_values *values)
{
    enum { CATEGORY = 1, LEVEL = 4 };
    const struct policy *policy = batch->platform->policy;
    struct sql_value *level = &values->stored[LEVEL], *category = &values->stored[CATEGORY];
    struct slice name = category->type == SQL_TEXT ? category->bytes : SLICE("default");
    if (level->type == SQL_NULL)
        *level = sql_int(policy_category(policy, policy_category_of(policy, name))->check_level);
}

/* *ret_no 0 where the id is new, else its number; *ret_same: nothing has changed; *ret_area: where
 * it is. */
static bool find_row(const struct row_place *place, const struct kind_table *table, struct slice id,
                     struct slice digest, int64_t *ret_no, bool *ret_same, int64_t *ret_area,
                     struct error *err)
{
    *ret_same = false;
    return registry_lookup(place->sql, table->kind, place->batch->source, id, ret_no, err) &&
           (!*ret_no || same_digest(place->sql, table, *ret_no, digest, ret_same, ret_area, err));
}

static bool may_touch(const struct import_batch *batch, int64_t area_no)
{
    return !batch->area_last || (area_no >= batch->area_first && area_no <= batch->area_last);
}

static bool store_row(const struct row_place *place, const struct kind_table *table, int columns,
                      struct row_values *values, struct error *err)
{
    struct import_batch *batch = place->batch;
    struct slice digest = row_digest(batch, place->row, columns);
    int64_t no, area_no = 0;
    bool same, person = table->kind == REGISTRY_PERSON;
    if (!find_row(place, table, values->id, digest, &no, &same, &area_no, err))
        return false;
    bool known = no != 0;
    if ((known && !may_touch(batch, area_no)) ||
        ((!known || values->area_given) && !may_touch(batch, values->area_no))) {
        import_reject(batch, place->row, "area",
                      known && !may_touch(batch, area_no) ? "it lies outside your area already"
                                                          : "not an area of your own");
        return true;
    }
    if (same) {
        batch->result->unchanged++;
        return true;
    }
    if (!known && !sql_one_int(place->sql, &table->last, SQL_ARGUMENTS(sql_int(table->kind)), 0,
                               &no, err))
        return false;
    no += !known;
    if (known && person && values->identity && !keep_identity(place, no, values, err))
        return false;
    if (!known && table->kind == REGISTRY_VENUE)
        start_level(batch, values);
    size_t count = person ? person_values(batch, no, values) : values->stored_count;
    bool keep_area = known && !values->area_given;
    struct sql_value arguments[4 + VALUES_MAX] = {
        sql_int(no), keep_area ? sql_null() : sql_int(values->area_no), sql_int(batch->import_no),
        sql_blob(digest)};
    memcpy(arguments + 4, values->stored, count * sizeof *arguments);
    if (!sql_run(place->sql, known ? &table->update : &table->insert, arguments, 4 + count, err)) {
        if (err->code != ERROR_CONFLICT)
            return false;
        *err = (struct error){0};
        import_reject(batch, place->row, "id_number", "another person has this ID number");
        return true;
    }
    batch->result->inserted += !known;
    batch->result->merged += known;
    return known || registry_add_external_id(place->sql, table->kind, batch->source, values->id,
                                             no, batch->import_no, err);
}

static bool apply_table(struct import_batch *batch, struct sql *sql, const struct kind_table *table,
                        const struct import_column *columns, struct error *err)
{
    int count = 0;
    while (columns[count].name)
        count++;
    for (size_t row = 0; row < batch->row_count; row++) {
        struct row_values values = {0};
        struct row_place place = {batch, sql, row, 0, NULL};
        bool good = true;
        for (int c = 0; good && c < count; c++) {
            place.column = c;
            place.column_name = columns[c].name;
            struct slice field = import_field(batch, row, c);
            if (!field.data && columns[c].required)
                good = reject(&place, "missing");
            else
                good = take_value(&place, table->types[c], field, &values);
        }
        place.column_name = columns[0].name;
        if (good && !store_row(&place, table, count, &values, err))
            return false;
    }
    return true;
}

static bool undo_rows(struct sql *sql, const struct kind_table *table, int64_t import_no,
                      int64_t *ret_removed, struct error *err)
{
    int64_t highest;
    return sql_one_int(sql, &table->last, SQL_ARGUMENTS(sql_int(table->kind)), 0, &highest, err) &&
           registry_keep_floor(sql, table->kind, 0, highest, err) &&
           sql_run(sql, &table->undo_ids, SQL_ARGUMENTS(sql_int(table->kind), sql_int(import_no)),
                   err) &&
           sql_run_count(sql, &table->undo, SQL_ARGUMENTS(sql_int(import_no)), ret_removed, err);
}

/* ---- The tables. A changed row keeps the import that made it. */

#define KIND(ident, shown, words_, registry_kind_, table_, key_, names_, marks_, sets_, ...)       \
    static const struct import_column ident##_columns[];                                           \
    static const enum value_type ident##_types[];                                                  \
    static const struct kind_table ident##_table = {                                               \
        .kind = registry_kind_,                                                                    \
        .types = ident##_types,                                                                    \
        .digest = {#ident "_digest", "SELECT digest, area_no FROM " table_ " WHERE " key_ " = ?1", \
                   "primary key"},                                                                 \
        .insert = {#ident "_insert",                                                               \
                   "INSERT INTO " table_ " (" key_ ", area_no, import_no, digest" names_           \
                   ") VALUES (?1, ?2, ?3, ?4" marks_ ")",                                          \
                   "primary key"},                                                                 \
        .update = {#ident "_update",                                                               \
                   "UPDATE " table_ " SET area_no = coalesce(?2, area_no),"                        \
                   " import_no = coalesce(import_no, ?3),"                                         \
                   " digest = ?4" sets_ " WHERE " key_ " = ?1",                                    \
                   "primary key"},                                                                 \
        .last = {#ident "_last", HIGHEST_NUMBER(key_, table_, "?1"), "primary key"},               \
        .undo = {#ident "_undo", "DELETE FROM " table_ " WHERE import_no = ?1", "whole table"},    \
        .undo_ids = {#ident "_undo_ids",                                                           \
                     "DELETE FROM external_id WHERE kind = ?1 AND import_no = ?2", "whole kind"},  \
    };                                                                                             \
    static bool ident##_apply(struct import_batch *batch, struct sql *sql, struct error *err)      \
    {                                                                                              \
        return apply_table(batch, sql, &ident##_table, ident##_columns, err);                      \
    }                                                                                              \
    static bool ident##_undo(struct platform *platform, struct sql *sql, int64_t import_no,        \
                             int64_t *ret_removed, struct error *err)                              \
    {                                                                                              \
        (void)platform;                                                                            \
        return undo_rows(sql, &ident##_table, import_no, ret_removed, err);                        \
    }                                                                                              \
    const struct import_kind import_##ident = {.name = shown,                                      \
                                               .words = words_,                                    \
                                               .columns = ident##_columns,                         \
                                               .apply = ident##_apply,                             \
                                               .undo = ident##_undo};

/* In an update: the value given, else the one that is there. */
#define KEEP(column, argument) ", " #column " = coalesce(?" #argument ", " #column ")"

KIND(persons, "persons", "people with their encrypted identity", REGISTRY_PERSON, "person",
     "person_no",
     ", birth_year, sex, household_no, unit_no, identity, id_number_index",
     ", ?5, ?6, ?7, ?8, ?9, ?10",
     KEEP(birth_year, 5) KEEP(sex, 6) KEEP(household_no, 7) KEEP(unit_no, 8) KEEP(identity, 9)
         KEEP(id_number_index, 10))
static const struct import_column persons_columns[] = {
    {"person_id", true, "external id"},       {"area", false, "area code; the city where absent"},
    {"birth_year", false, "year"},            {"sex", false, "m or f"},
    {"household_id", false, "external id"},   {"unit_id", false, "external id"},
    {"name", false, "encrypted"},             {"id_number", false, "GB 11643, encrypted"},
    {"phone", false, "encrypted"},            {NULL, false, NULL}};
static const enum value_type persons_types[] = {VALUE_ID,        VALUE_AREA, VALUE_YEAR,
                                                VALUE_SEX,       VALUE_HOUSEHOLD, VALUE_UNIT,
                                                VALUE_NAME,      VALUE_ID_NUMBER, VALUE_PHONE};

KIND(households, "households", "households by area", REGISTRY_HOUSEHOLD, "household",
     "household_no", "", "", "")
static const struct import_column households_columns[] = {{"household_id", true, "external id"},
                                                          {"area", false, "area code"},
                                                          {NULL, false, NULL}};
static const enum value_type households_types[] = {VALUE_ID, VALUE_AREA};

KIND(units, "units", "organisations", REGISTRY_UNIT, "unit", "unit_no",
     ", name, credit_code, category", ", ?5, ?6, coalesce(?7, 'default')",
     KEEP(name, 5) KEEP(credit_code, 6) KEEP(category, 7))
static const struct import_column units_columns[] = {
    {"unit_id", true, "external id"},      {"area", false, "area code"},
    {"name", true, "name"},                {"credit_code", false, "GB 32100"},
    {"category", false, "venue category"}, {NULL, false, NULL}};
static const enum value_type units_types[] = {VALUE_ID, VALUE_AREA, VALUE_TEXT, VALUE_CREDIT_CODE,
                                              VALUE_CATEGORY};

KIND(venues, "venues", "places with a code", REGISTRY_VENUE, "venue", "venue_no",
     ", name, category, latitude, longitude, check_level, unit_no, token_version, closed",
     ", ?5, coalesce(?6, 'default'), ?7, ?8, ?9, ?10, 1, 0",
     KEEP(name, 5) KEEP(category, 6) KEEP(latitude, 7) KEEP(longitude, 8) KEEP(check_level, 9)
         KEEP(unit_no, 10))
static const struct import_column venues_columns[] = {
    {"venue_id", true, "external id"},     {"area", false, "area code"},
    {"name", true, "name"},                {"category", false, "venue category"},
    {"lat", false, "degrees"},             {"lon", false, "degrees"},
    {"check_level", false, "0 to 3"},      {"unit_id", false, "external id"},
    {NULL, false, NULL}};
static const enum value_type venues_types[] = {VALUE_ID,     VALUE_AREA,   VALUE_TEXT,
                                               VALUE_CATEGORY, VALUE_LATITUDE, VALUE_LONGITUDE,
                                               VALUE_LEVEL,  VALUE_UNIT};

KIND(vehicles, "vehicles", "vehicles by plate", REGISTRY_VEHICLE, "vehicle", "vehicle_no",
     ", plate, unit_no, kind", ", ?5, ?6, ?7", KEEP(plate, 5) KEEP(unit_no, 6) KEEP(kind, 7))
static const struct import_column vehicles_columns[] = {
    {"vehicle_id", true, "external id"}, {"area", false, "area code"},
    {"plate", true, "GA 36"},            {"unit_id", false, "external id"},
    {"kind", false, "words"},            {NULL, false, NULL}};
static const enum value_type vehicles_types[] = {VALUE_ID, VALUE_AREA, VALUE_PLATE, VALUE_UNIT,
                                                 VALUE_TEXT};

KIND(staff, "staff", "people who work for a unit", REGISTRY_STAFF, "staff", "staff_no",
     ", person_no, unit_no, role", ", ?5, ?6, ?7", KEEP(person_no, 5) KEEP(unit_no, 6) KEEP(role, 7))
static const struct import_column staff_columns[] = {
    {"staff_id", true, "external id"},  {"area", false, "area code"},
    {"person_id", true, "external id"}, {"unit_id", true, "external id"},
    {"role", false, "words"},           {NULL, false, NULL}};
static const enum value_type staff_types[] = {VALUE_ID, VALUE_AREA, VALUE_PERSON, VALUE_UNIT,
                                              VALUE_TEXT};

KIND(cases, "cases", "confirmed and asymptomatic infections", REGISTRY_CASE, "case_record",
     "case_no", ", person_no, kind, at, recorded_at", ", ?5, ?6, ?7, ?8",
     KEEP(person_no, 5) KEEP(kind, 6) KEEP(at, 7) KEEP(recorded_at, 8))
static const struct import_column cases_columns[] = {
    {"case_id", true, "external id"},       {"area", false, "area code"},
    {"person_id", true, "external id"},     {"kind", true, "case or asymptomatic"},
    {"at", true, "onset or first positive sampling"}, {"recorded_at", true, "when it was reported"},
    {NULL, false, NULL}};
static const enum value_type cases_types[] = {VALUE_ID,        VALUE_AREA, VALUE_PERSON,
                                              VALUE_CASE_KIND, VALUE_TIME, VALUE_TIME};

KIND(stays, "stays", "where people stay who live elsewhere", REGISTRY_STAY, "person_stay",
     "stay_no", ", person_no, unit_no, from_at, until_at", ", ?5, ?6, ?7, ?8",
     KEEP(person_no, 5) KEEP(unit_no, 6) KEEP(from_at, 7) KEEP(until_at, 8))
static const struct import_column stays_columns[] = {
    {"stay_id", true, "external id"},    {"area", true, "area code of the place"},
    {"person_id", true, "external id"},  {"unit_id", false, "external id of who runs it"},
    {"from", true, "arrival"},           {"until", true, "departure, as it is planned"},
    {NULL, false, NULL}};
static const enum value_type stays_types[] = {VALUE_ID,   VALUE_AREA, VALUE_PERSON,
                                              VALUE_UNIT, VALUE_TIME, VALUE_TIME};

#define KIND_STATEMENTS(ident)                                                                     \
    &ident##_table.digest, &ident##_table.insert, &ident##_table.update, &ident##_table.last,      \
        &ident##_table.undo, &ident##_table.undo_ids
const struct sql_list kind_statements =
    SQL_LIST(KIND_STATEMENTS(persons), KIND_STATEMENTS(households), KIND_STATEMENTS(units),
             KIND_STATEMENTS(venues), KIND_STATEMENTS(vehicles), KIND_STATEMENTS(staff),
             KIND_STATEMENTS(cases), KIND_STATEMENTS(stays));
