/* Persons of the reader's jurisdiction: list, one, and look-up by ID number. Each answer is masked
 * by the role and recorded; who is not the reader's is answered as one who does not exist. */
#include <stdlib.h>

#include "dossier/dossier_internal.h"

/* (area_no, person_no) after the person handed out last: one range of the index. */
static const struct sql_text person_page = {
    "dossier_person_page",
    "SELECT person_no FROM person WHERE area_no BETWEEN ?1 AND ?2 AND (area_no, person_no) >"
    " ((SELECT coalesce(max(p.area_no), -1) FROM person p WHERE p.person_no = ?3), ?3)"
    " ORDER BY area_no, person_no LIMIT ?4",
    "person_by_area"};

static const struct sql_text unit_page = {
    "dossier_unit_page",
    "SELECT person_no FROM person WHERE unit_no = ?1 AND person_no > ?2"
    " ORDER BY person_no LIMIT ?3",
    "person_by_unit"};
/* The cursor is the number of the stay handed out last. */
static const struct sql_text stay_page = {
    "dossier_stay_page",
    "SELECT person_no, stay_no FROM person_stay WHERE area_no BETWEEN ?1 AND ?2 AND (area_no,"
    " stay_no) > ((SELECT coalesce(max(s.area_no), -1) FROM person_stay s WHERE s.stay_no = ?3),"
    " ?3) AND from_at <= ?5 AND until_at > ?5 ORDER BY area_no, stay_no LIMIT ?4",
    "person_stay_by_area"};

const struct sql_list person_statements = SQL_LIST(&person_page, &unit_page, &stay_page);

static bool no_such_person(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "a person of your area", "no such person");
}

/* ---- The list */

bool person_numbers(struct sql *sql, int64_t first, int64_t last, int64_t after, int64_t limit,
                    uint32_t *numbers, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row = false, done;
    *ret_count = 0;
    done = sql_begin(sql, &person_page,
                     SQL_ARGUMENTS(sql_int(first), sql_int(last), sql_int(after), sql_int(limit)),
                     &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        numbers[(*ret_count)++] = (uint32_t)sql_get_int(query, 0);
    return done;
}

struct page {
    enum where where;
    int64_t first, last, after, limit;
    uint32_t *numbers; /* [limit + 1] */
    size_t count;
    int64_t next; /* 0 after the last */
};

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

/* Those of a unit, or of the stays that last now. */
static bool other_numbers(const struct request *request, struct sql *sql, struct page *page,
                          struct error *err)
{
    const struct sql_value of_unit[] = {sql_int(request->actor.unit_no), sql_int(page->after),
                                        sql_int(page->limit + 1)};
    const struct sql_value of_stays[] = {sql_int(page->first), sql_int(page->last),
                                         sql_int(page->after), sql_int(page->limit + 1),
                                         sql_int(world_now(request->platform->world))};
    bool unit = page->where == WHERE_OWN_UNIT, row = false;
    struct sql_query *query;
    int64_t key = 0;
    bool done = sql_begin(sql, unit ? &unit_page : &stay_page, unit ? of_unit : of_stays,
                          unit ? 3 : 5, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if ((int64_t)page->count == page->limit)
            page->next = key; /* there is one more */
        key = sql_get_int(query, unit ? 0 : 1);
        page->numbers[page->count++] = (uint32_t)sql_get_int(query, 0);
    }
    return done;
}

static bool read_page(const struct request *request, struct sql *sql, struct page *page,
                      struct error *err)
{
    bool home = page->where == WHERE_RESPONSIBLE;
    if (!(home ? person_numbers(sql, page->first, page->last, page->after, page->limit + 1,
                                page->numbers, &page->count, err)
               : other_numbers(request, sql, page, err)))
        return false;
    if ((int64_t)page->count > page->limit) {
        page->count = (size_t)page->limit;
        if (home)
            page->next = page->numbers[page->count - 1];
    }
    return true;
}

static bool write_page(const struct request *request, struct sql *sql, const struct page *page,
                       struct json_writer *writer, struct error *err)
{
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
    json_field_cursor(writer, page->next);
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
    page.numbers = arena_alloc(request->arena, ((size_t)page.limit + 1) * sizeof *page.numbers);
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done =
        read_page(request, sql, &page, err) && write_page(request, sql, &page, &writer, err);
    store_read_end(request->platform->store, sql);
    json_writer_release(&writer);
    return done &&
           opened_record(request, "person.list", page.numbers, page.count,
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
    return done && (within || no_such_person(err));
}

static bool show(const struct request *request, const char *act, uint32_t number,
                 struct response *response, struct error *err)
{
    struct person person;
    struct json_writer writer;
    if (!read_person(request, number, &person, err) ||
        !opened_record(request, act, &number, 1,
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
               : no_such_person(err);
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
    return opened_record(request, "person.search", NULL, 0, SLICE("nobody found"), err) &&
           no_such_person(err);
}
