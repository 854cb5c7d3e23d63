/* Persons of the reader's jurisdiction: list, one, and look-up by ID number. Each answer is masked
 * by the role and recorded; who is not the reader's is answered as one who does not exist. */
#include <stdlib.h>

#include "dossier/dossier_internal.h"

/* Pages in order of area and number: the rest of the area in which the page before ended, then the
 * areas after it, each one range of an index. (Beside BETWEEN, a row value or a second lower bound
 * would have the range read from its start.) */
static const struct sql_text person_area = {
    "dossier_person_area", "SELECT area_no FROM person WHERE person_no = ?1", "primary key"};
static const struct sql_text person_rest = {
    "dossier_person_rest",
    "SELECT person_no, person_no FROM person WHERE area_no = ?1 AND person_no > ?2"
    " ORDER BY person_no LIMIT ?3",
    "person_by_area"};
static const struct sql_text person_next = {
    "dossier_person_next",
    "SELECT person_no, person_no FROM person WHERE area_no > ?1 AND area_no <= ?2"
    " ORDER BY area_no, person_no LIMIT ?3",
    "person_by_area"};
static const struct sql_text unit_page = {
    "dossier_unit_page",
    "SELECT person_no, person_no FROM person WHERE unit_no = ?1 AND person_no > ?2"
    " ORDER BY person_no LIMIT ?3",
    "person_by_unit"};
/* The cursor is the number of the stay handed out last. */
static const struct sql_text stay_area = {
    "dossier_stay_area", "SELECT area_no FROM person_stay WHERE stay_no = ?1", "primary key"};
static const struct sql_text stay_rest = {
    "dossier_stay_rest",
    "SELECT person_no, stay_no FROM person_stay WHERE area_no = ?1 AND stay_no > ?2"
    " AND from_at <= ?4 AND until_at > ?4 ORDER BY stay_no LIMIT ?3",
    "person_stay_by_area"};
static const struct sql_text stay_next = {
    "dossier_stay_next",
    "SELECT person_no, stay_no FROM person_stay WHERE area_no > ?1 AND area_no <= ?2"
    " AND from_at <= ?4 AND until_at > ?4 ORDER BY area_no, stay_no LIMIT ?3",
    "person_stay_by_area"};

const struct sql_list person_statements = SQL_LIST(&person_area, &person_rest, &person_next,
                                                   &unit_page, &stay_area, &stay_rest, &stay_next);

bool dossier_no_such_person(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "a person of your area", "no such person");
}

/* ---- The list */

struct page {
    enum where where;
    int64_t first, last, after; /* areas; the key that was handed out last */
    int64_t limit;              /* of numbers[] */
    uint32_t *numbers;
    size_t count;
    int64_t last_key, key_before; /* of numbers[count − 1] and of the one before it */
};

static bool take_numbers(struct sql *sql, const struct sql_text *text,
                         const struct sql_value *arguments, size_t argument_count,
                         struct page *page, struct error *err)
{
    struct sql_query *query;
    bool row = false, done = sql_begin(sql, text, arguments, argument_count, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        page->numbers[page->count++] = (uint32_t)sql_get_int(query, 0);
        page->key_before = page->last_key;
        page->last_key = sql_get_int(query, 1);
    }
    return done;
}

/* The rest of `area` after the key page->after, then the areas after it. ?1 an area, ?2 after it or
 * up to it, ?3 how many, ?4 (of stays) now. */
static bool numbers_after(struct sql *sql, const struct sql_text *rest, const struct sql_text *next,
                          int64_t area, timestamp now, struct page *page, struct error *err)
{
    size_t arguments = page->where == WHERE_STAY ? 4 : 3;
    const struct sql_value of_rest[] = {sql_int(area), sql_int(page->after), sql_int(page->limit),
                                        sql_int(now)};
    bool within = area >= page->first && area <= page->last;
    if (within && !take_numbers(sql, rest, of_rest, arguments, page, err))
        return false;
    const struct sql_value of_next[] = {sql_int(within ? area : page->first - 1),
                                        sql_int(page->last),
                                        sql_int(page->limit - (int64_t)page->count), sql_int(now)};
    return (int64_t)page->count == page->limit ||
           take_numbers(sql, next, of_next, arguments, page, err);
}

static bool numbers_of_areas(struct sql *sql, const struct sql_text *area_of,
                             const struct sql_text *rest, const struct sql_text *next,
                             timestamp now, struct page *page, struct error *err)
{
    int64_t area;
    return sql_one_int(sql, area_of, SQL_ARGUMENTS(sql_int(page->after)), 0, &area, err) &&
           numbers_after(sql, rest, next, area, now, page, err);
}

bool person_numbers(struct sql *sql, int64_t first, int64_t last, struct person_place after,
                    int64_t limit, uint32_t *numbers, size_t *ret_count, struct error *err)
{
    struct page page = {.where = WHERE_RESPONSIBLE,
                        .first = first,
                        .last = last,
                        .after = after.no,
                        .limit = limit,
                        .numbers = numbers};
    bool done = numbers_after(sql, &person_rest, &person_next, after.area_no, 0, &page, err);
    *ret_count = page.count;
    return done;
}

/* ?where=responsible|stay|own_unit: which of the role's jurisdictions. */
static bool asked_where(const struct request *request, enum where *ret_where, struct error *err)
{
    struct slice text = request_query(request, "where");
    int where = text.data ? role_where_of(text) : WHERE_RESPONSIBLE;
    *ret_where = (enum where)where;
    if (where < 0 || where == WHERE_REPORTING)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "where"},
                         "responsible, stay or own_unit; cases are listed by /cases",
                         "no list of this kind");
    return request->actor.where & 1u << where ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "where"},
                     "a jurisdiction of your role", "your role does not reach persons this way");
}

static bool read_page(const struct request *request, struct sql *sql, struct page *page,
                      struct error *err)
{
    timestamp now = world_now(request->platform->world);
    if (page->where == WHERE_RESPONSIBLE)
        return numbers_of_areas(sql, &person_area, &person_rest, &person_next, now, page, err);
    if (page->where == WHERE_STAY)
        return numbers_of_areas(sql, &stay_area, &stay_rest, &stay_next, now, page, err);
    return take_numbers(
        sql, &unit_page,
        SQL_ARGUMENTS(sql_int(request->actor.unit_no), sql_int(page->after), sql_int(page->limit)),
        page, err);
}

/* One more was read than is shown: then there is a next page. */
static bool write_page(const struct request *request, struct sql *sql, struct page *page,
                       struct json_writer *writer, struct error *err)
{
    bool more = (int64_t)page->count == page->limit;
    page->count -= more;
    struct person person;
    bool done = true;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; done && i < page->count; i++) {
        done =
            registry_person(request->platform, sql, page->numbers[i], request->arena, &person, err);
        if (done)
            shown_person_write(writer, request->platform, request->actor.reads, &person,
                               request->arena);
    }
    json_array_end(writer);
    json_field_cursor(writer, more ? page->key_before : 0);
    json_object_end(writer);
    return done;
}

bool person_list_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct json_writer writer;
    struct page page = {0};
    if (!request_limit(request, &page.limit, err) || !request_cursor(request, &page.after, err) ||
        !asked_where(request, &page.where, err) ||
        !access_area_asked(request, &page.first, &page.last, err))
        return false;
    page.limit++;
    page.numbers = arena_alloc(request->arena, (size_t)page.limit * sizeof *page.numbers);
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done =
        read_page(request, sql, &page, err) && write_page(request, sql, &page, &writer, err);
    store_read_end(request->platform->store, sql);
    json_writer_release(&writer);
    return done &&
           access_opened(request, "person.list", 0, page.numbers, page.count,
                         shown_names(request->actor.reads, PERSON_FIELDS, request->arena), err);
}

/* ---- One */

static bool read_person(const struct request *request, uint32_t number, struct person *person,
                        struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    int64_t area_no;
    bool within = false;
    bool done =
        access_person_within(request->platform, sql, &request->actor, number, &area_no, &within,
                             err) &&
        (!within || registry_person(request->platform, sql, number, request->arena, person, err));
    store_read_end(request->platform->store, sql);
    return done && (within || dossier_no_such_person(err));
}

static bool show(const struct request *request, const char *act, uint32_t number,
                 struct response *response, struct error *err)
{
    struct person person;
    struct json_writer writer;
    if (!read_person(request, number, &person, err) ||
        !access_opened(request, act, 0, &number, 1,
                       shown_names(request->actor.reads, PERSON_FIELDS, request->arena), err))
        return false;
    json_writer_init(&writer, &response->body);
    shown_person_write(&writer, request->platform, request->actor.reads, &person, request->arena);
    json_writer_release(&writer);
    return true;
}

bool person_show_handle(const struct request *request, struct response *response, struct error *err)
{
    int64_t number;
    return slice_to_int64(request->parameters[0], 1, UINT32_MAX, &number)
               ? show(request, "person.read", (uint32_t)number, response, err)
               : dossier_no_such_person(err);
}

/* A look-up is recorded also where it finds nobody: whoever tries numbers leaves a trace. */
bool person_search_handle(const struct request *request, struct response *response,
                          struct error *err)
{
    static const char *const fields[] = {"id_number", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct platform *platform = request->platform;
    int32_t today = time_day_of_seconds(world_now(platform->world) / SECOND);
    struct slice number;
    struct sql *sql;
    uint32_t person_no = 0;
    char normal[19];
    const char *warning;
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, fields, place, err) ||
        !json_text(body, "id_number", place, &number, err) ||
        !identity_check_id_number(number, today, platform->demo, normal, &warning, err) ||
        !store_read_begin(platform->store, &sql, err))
        return false;
    bool done = registry_person_by_id_number(platform, sql, slice_of(normal), &person_no, err);
    store_read_end(platform->store, sql);
    if (!done)
        return false;
    if (person_no && show(request, "person.search", person_no, response, err))
        return true;
    if (person_no && err->code != ERROR_NOT_FOUND)
        return false;
    return access_opened(request, "person.search", 0, NULL, 0, SLICE("nobody found"), err) &&
           dossier_no_such_person(err);
}
