/* Values of fields, and what they name.
 *
 * Stored: texts and choices as strings, whole numbers, numbers and booleans as they are, times in
 * microseconds, dates as day numbers, everything that is registered by its number. The interface
 * writes times and dates as RFC 3339 does, areas and things by their codes. An absent field is not
 * in the object. */
#include <math.h>

#include "loops/loops_internal.h"

static const struct sql_text person_object = {
    "loop_person",
    "SELECT area_no, coalesce(unit_no, 0), person_no FROM person"
    " WHERE person_no = ?1",
    "primary key"};
static const struct sql_text household_object = {
    "loop_household", "SELECT area_no, 0, 0 FROM household WHERE household_no = ?1", "primary key"};
static const struct sql_text unit_object = {
    "loop_unit", "SELECT area_no, unit_no, 0 FROM unit WHERE unit_no = ?1", "primary key"};
static const struct sql_text venue_object = {
    "loop_venue", "SELECT area_no, coalesce(unit_no, 0), 0 FROM venue WHERE venue_no = ?1",
    "primary key"};
static const struct sql_text vehicle_object = {
    "loop_vehicle", "SELECT area_no, coalesce(unit_no, 0), 0 FROM vehicle WHERE vehicle_no = ?1",
    "primary key"};
static const struct sql_text staff_object = {
    "loop_staff", "SELECT area_no, unit_no, person_no FROM staff WHERE staff_no = ?1",
    "primary key"};
static const struct sql_text case_object = {
    "loop_case", "SELECT area_no, 0, person_no FROM case_record WHERE case_no = ?1", "primary key"};
static const struct sql_text area_object = {
    "loop_area", "SELECT area_no, 0, 0 FROM area WHERE area_no = ?1", "primary key"};
static const struct sql_text thing_object = {
    "loop_thing", "SELECT area_no, unit_no, 0 FROM thing WHERE thing_no = ?1 AND kind = ?2",
    "primary key"};
static const struct sql_text thing_find = {
    "thing_find", "SELECT thing_no FROM thing WHERE kind = ?1 AND code = ?2", "thing_by_code"};
static const struct sql_text thing_insert = {
    "thing_insert",
    "INSERT INTO thing (kind, code, name, area_no, unit_no) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (kind, code) DO UPDATE SET name = excluded.name, area_no = excluded.area_no,"
    " unit_no = excluded.unit_no",
    "thing_by_code"};
static const struct sql_text thing_select = {
    "thing_select", "SELECT code FROM thing WHERE thing_no = ?1", "primary key"};

const struct sql_list loop_field_statements = SQL_LIST(
    &person_object, &household_object, &unit_object, &venue_object, &vehicle_object, &staff_object,
    &case_object, &area_object, &thing_object, &thing_find, &thing_insert, &thing_select);

/* ---- What a number names */

bool kind_is_thing(enum scene_kind kind)
{
    return kind == SCENE_TUBE || kind == SCENE_ALERT || kind == SCENE_BATCH || kind == SCENE_SITE ||
           kind == SCENE_CHECKPOINT;
}

bool object_read(struct engine *engine, enum scene_kind kind, int64_t no, struct object *ret_object,
                 struct error *err)
{
    static const struct sql_text *const texts[SCENE_KIND_COUNT] = {
        [SCENE_PERSON] = &person_object,   [SCENE_HOUSEHOLD] = &household_object,
        [SCENE_UNIT] = &unit_object,       [SCENE_VENUE] = &venue_object,
        [SCENE_VEHICLE] = &vehicle_object, [SCENE_STAFF] = &staff_object,
        [SCENE_CASE] = &case_object,       [SCENE_AREA] = &area_object,
    };
    const struct sql_text *text = texts[kind] ? texts[kind] : &thing_object;
    struct sql_query *query;
    bool row;
    *ret_object = (struct object){.known = false};
    if (kind == SCENE_NONE)
        return true;
    if (!sql_begin(engine->sql, text, (const struct sql_value[]){sql_int(no), sql_int(kind)},
                   texts[kind] ? 1 : 2, &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    *ret_object =
        (struct object){true, sql_get_int(query, 0), sql_get_int(query, 1), sql_get_int(query, 2)};
    sql_end(query);
    return true;
}

bool thing_put(struct engine *engine, enum scene_kind kind, struct slice code, struct slice name,
               int64_t area_no, int64_t unit_no, int64_t *ret_no, struct error *err)
{
    return sql_run(engine->sql, &thing_insert,
                   SQL_ARGUMENTS(sql_int(kind), sql_text(code), sql_text(name), sql_int(area_no),
                                 sql_int(unit_no)),
                   err) &&
           sql_one_int(engine->sql, &thing_find, SQL_ARGUMENTS(sql_int(kind), sql_text(code)), 0,
                       ret_no, err);
}

bool thing_code(struct sql *sql, int64_t no, struct arena *arena, struct slice *ret_code,
                struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_code = (struct slice){NULL, 0};
    if (!sql_begin(sql, &thing_select, SQL_ARGUMENTS(sql_int(no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    struct slice code = sql_get_text(query, 0);
    *ret_code = (struct slice){arena_copy(arena, code.data, code.length), code.length};
    sql_end(query);
    return true;
}

bool object_number(struct engine *engine, enum scene_kind kind, json_t *given, const char *field,
                   int64_t *ret_no, struct error *err)
{
    struct object object;
    *ret_no = 0;
    if (json_is_string(given)) {
        struct slice code = {json_string_value(given), json_string_length(given)};
        if (kind == SCENE_AREA) {
            const struct area *area = registry_area_by_code(engine->platform->registry, code);
            *ret_no = area ? area->no : 0;
            return area || loop_bad_value(field, "the code of an area", "unknown area", err);
        }
        if (!kind_is_thing(kind))
            return loop_bad_value(field, "a number", "not a number", err);
        return sql_one_int(engine->sql, &thing_find, SQL_ARGUMENTS(sql_int(kind), sql_text(code)),
                           0, ret_no, err) &&
               (*ret_no ||
                loop_bad_value(field, "the code of one that is registered", "unknown code", err));
    }
    if (!json_is_integer(given) || json_integer_value(given) < 1 || kind == SCENE_AREA)
        return loop_bad_value(field,
                              kind == SCENE_AREA ? "the code of an area" : "a number, 1 or more",
                              "not of this form", err);
    if (!object_read(engine, kind, json_integer_value(given), &object, err))
        return false;
    if (!object.known)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field},
                         "the number of one that is registered", "there is no %s of this number",
                         scene_kind_words(kind).en);
    *ret_no = json_integer_value(given);
    return true;
}

/* ---- One value */

static size_t characters(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += (text.data[i] & 0xC0) != 0x80;
    return count;
}

/* What the registry checks of its own identities holds for fields of that form. */
static bool text_fits_form(const struct scene_field *field, struct slice text, struct error *err)
{
    char normal[32];
    struct error fault = {0};
    bool fits = true;
    switch (field->form) {
    case TEXT_FORM_VEHICLE_PASS_NUMBER:
        fits = identity_check_vehicle_pass_number(text, &fault);
        break;
    case TEXT_FORM_CREDIT_CODE:
        fits = identity_check_credit_code(text, normal, &fault);
        break;
    case TEXT_FORM_PLATE:
        fits = identity_check_plate(text, normal, &fault);
        break;
    default:
        break;
    }
    return fits || loop_bad_value(field->name, fault.expected, fault.what, err);
}

static bool take_text(const struct scene_field *field, json_t *given, struct error *err)
{
    char expected[80];
    if (!json_is_string(given))
        return loop_bad_value(field->name, "a text", "not a text", err);
    struct slice text = {json_string_value(given), json_string_length(given)};
    double most = isfinite(field->max) && !field->list ? field->max : ACT_WORDS_MAX / 4;
    double least = isfinite(field->min) && !field->list ? field->min : 1;
    double length = (double)characters(text);
    snprintf(expected, sizeof expected, "%.0f to %.0f characters", least, most);
    if (length < least || length > most || slice_trim(text).length == 0)
        return loop_bad_value(field->name, expected, text.length ? "not of this length" : "empty",
                              err);
    return text_fits_form(field, text, err);
}

static bool take_number(const struct scene_field *field, json_t *given, struct error *err)
{
    char expected[96];
    bool whole = field->type == TYPE_INT;
    if (whole ? !json_is_integer(given) : !json_is_number(given))
        return loop_bad_value(field->name, whole ? "a whole number" : "a number", "not a number",
                              err);
    double value = json_number_value(given);
    if (field->list || (value >= field->min && value <= field->max))
        return true;
    snprintf(expected, sizeof expected, "%g to %g", field->min, field->max);
    return loop_bad_value(field->name, expected, "outside of what the scene allows", err);
}

static bool take_choice(const struct scene_field *field, json_t *given, struct error *err)
{
    for (size_t i = 0; json_is_string(given) && i < field->values.count; i++)
        if (strcmp(field->values.items[i].text, json_string_value(given)) == 0)
            return true;
    char expected[190] = "";
    for (size_t i = 0; i < field->values.count; i++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s",
                 i ? ", " : "one of ", field->values.items[i].text);
    return loop_bad_value(field->name, expected, "none of the choices", err);
}

static bool take_digest(struct engine *engine, const struct scene_field *field, json_t *given,
                        struct error *err)
{
    const char *text = json_string_value(given);
    bool may;
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return loop_bad_value(field->name,
                              "the BLAKE2b-256 digest of the photo, 64 hexadecimal digits",
                              "not a digest", err);
    return loop_photo_may_be_named(engine, slice_of(text), &may, err) &&
           (may || loop_bad_value(field->name, "the digest that POST /photos answered",
                                  "send the photo first", err));
}

/* Not a list. */
static bool take_one(struct engine *engine, const struct scene_field *field, json_t *given,
                     json_t **ret_value, struct error *err)
{
    timestamp time;
    int32_t day;
    int64_t no;
    struct slice text = {json_string_value(given), json_string_length(given)};
    switch (field->type) {
    case TYPE_TEXT:
        *ret_value = json_incref(given);
        return take_text(field, given, err);
    case TYPE_INT:
    case TYPE_NUMBER:
        *ret_value = json_incref(given);
        return take_number(field, given, err);
    case TYPE_BOOL:
        *ret_value = json_incref(given);
        return json_is_boolean(given) ||
               loop_bad_value(field->name, "true or false", "neither", err);
    case TYPE_ENUM:
        *ret_value = json_incref(given);
        return take_choice(field, given, err);
    case TYPE_PHOTO:
        *ret_value = json_incref(given);
        return take_digest(engine, field, given, err);
    case TYPE_TIME:
        if (!text.data || !time_parse(text, &time))
            return loop_bad_value(field->name, "an RFC 3339 time", "not a time", err);
        *ret_value = json_integer(time);
        return true;
    case TYPE_DATE:
        if (!text.data || !time_parse_date(text, &day))
            return loop_bad_value(field->name, "YYYY-MM-DD", "not a date", err);
        *ret_value = json_integer(day);
        return true;
    default:
        if (!object_number(engine, scene_type_kind(field->type), given, field->name, &no, err))
            return false;
        *ret_value = json_integer(no);
        return true;
    }
}

static bool take_list(struct engine *engine, const struct scene_field *field, json_t *given,
                      json_t *list, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach (given, i, item) {
        json_t *value = NULL;
        if (!take_one(engine, field, item, &value, err)) {
            json_decref(value);
            return false;
        }
        json_array_append_new(list, value);
    }
    return true;
}

/* From the interface's form to the stored one; a refusal names the field. */
static bool field_take(struct engine *engine, const struct scene_field *field, json_t *given,
                       json_t **ret_value, struct error *err)
{
    char expected[64];
    *ret_value = NULL;
    if (!field->list) {
        bool done = take_one(engine, field, given, ret_value, err);
        (void)keep_json(engine, *ret_value);
        return done;
    }
    double most = isfinite(field->max) ? field->max : 1000;
    snprintf(expected, sizeof expected, "a list of 1 to %.0f", most);
    if (!json_is_array(given) || !json_array_size(given) || (double)json_array_size(given) > most)
        return loop_bad_value(field->name, expected, "not such a list", err);
    *ret_value = keep_json(engine, json_array());
    return take_list(engine, field, given, *ret_value, err);
}

bool fields_take(struct engine *engine, const struct scene *scene, json_t *given, json_t **into,
                 struct error *err)
{
    const char *name;
    json_t *item;
    if (!*into)
        *into = keep_json(engine, json_object());
    if (given && !json_is_object(given))
        return loop_bad_value("fields", "an object", "not an object", err);
    json_object_foreach (given, name, item) {
        json_t *value;
        int at = scene_field_of(scene, name);
        if (at < 0)
            return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = name},
                             "a field of the scene", "scene %s has no such field", scene->name);
        if (!field_take(engine, &scene->fields[at], item, &value, err))
            return false;
        json_object_set(*into, name, value);
    }
    return true;
}

/* ---- Showing */

static bool show_one(struct engine *engine, const struct scene_field *field, json_t *value,
                     json_t **ret_shown, struct error *err)
{
    char text[TIME_TEXT_BYTES];
    struct slice code;
    enum scene_kind kind = scene_type_kind(field->type);
    if (field->type == TYPE_TIME) {
        *ret_shown = json_string(time_format(json_integer_value(value), text));
    } else if (field->type == TYPE_DATE) {
        *ret_shown = json_string(time_format_date((int32_t)json_integer_value(value), text));
    } else if (kind == SCENE_AREA) {
        const struct area *area =
            registry_area(engine->platform->registry, json_integer_value(value));
        *ret_shown = area ? json_stringn(area->code.data, area->code.length) : json_null();
    } else if (kind_is_thing(kind)) {
        if (!thing_code(engine->sql, json_integer_value(value), engine->arena, &code, err))
            return false;
        *ret_shown = code.data ? json_stringn(code.data, code.length) : json_null();
    } else {
        *ret_shown = json_incref(value);
    }
    return true;
}

bool field_show(struct engine *engine, const struct scene_field *field, json_t *value,
                json_t **ret_shown, struct error *err)
{
    size_t i;
    json_t *item, *shown;
    if (!json_is_array(value))
        return show_one(engine, field, value, ret_shown, err);
    *ret_shown = json_array();
    json_array_foreach (value, i, item) {
        if (!show_one(engine, field, item, &shown, err)) {
            json_decref(*ret_shown);
            return false;
        }
        json_array_append_new(*ret_shown, shown);
    }
    return true;
}

/* ---- What an event carries */

/* The stored form of a payload's entry; NULL where it does not fit. New reference. */
static json_t *payload_value(const struct scene_field *field, json_t *given)
{
    timestamp time;
    int32_t day;
    struct slice text = {json_string_value(given), json_string_length(given)};
    switch (field->type) {
    case TYPE_TIME:
        return json_is_integer(given)                 ? json_incref(given)
               : text.data && time_parse(text, &time) ? json_integer(time)
                                                      : NULL;
    case TYPE_DATE:
        return json_is_integer(given)                     ? json_incref(given)
               : text.data && time_parse_date(text, &day) ? json_integer(day)
                                                          : NULL;
    case TYPE_TEXT:
        return json_is_string(given) && text.length ? json_incref(given) : NULL;
    case TYPE_ENUM:
        for (size_t i = 0; text.data && i < field->values.count; i++)
            if (slice_equal(slice_of(field->values.items[i].text), text))
                return json_incref(given);
        return NULL;
    case TYPE_BOOL:
        return json_is_boolean(given) ? json_incref(given) : NULL;
    case TYPE_NUMBER:
        return json_is_number(given) ? json_incref(given) : NULL;
    default:
        return json_is_integer(given) ? json_incref(given) : NULL;
    }
}

bool fields_of_payload(struct engine *engine, const struct scene *scene,
                       const struct scene_event *event, struct slice payload, json_t **ret_fields,
                       json_t **ret_payload, struct error *err)
{
    json_t *document = NULL;
    *ret_fields = keep_json(engine, json_object());
    *ret_payload = NULL;
    if (!payload.length)
        return true;
    if (!json_read(payload, "event", &document, err)) { /* it fills nothing; the event stands */
        log_error("loops", err);
        return true;
    }
    *ret_payload = keep_json(engine, document);
    for (const struct scene_payload *entry = event->payload; entry->name; entry++) {
        int at = scene_field_of(scene, entry->name);
        json_t *given = json_object_get(document, entry->name);
        if (at < 0 || !given || scene->fields[at].type != entry->type || scene->fields[at].list)
            continue;
        json_t *value = payload_value(&scene->fields[at], given);
        if (value)
            json_object_set_new(*ret_fields, entry->name, value);
    }
    return true;
}

json_t *loop_value(const struct loop *loop, const struct scene_name *name)
{
    return name->target == TARGET_FIELD
               ? json_object_get(loop->fields, loop_scene(loop)->fields[name->index].name)
               : NULL;
}
