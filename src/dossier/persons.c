/* Persons of the reader's area: list, one, and look-up by ID number. Each answer is masked by the
 * role and recorded; who lives elsewhere is answered as one who does not exist. */
#include <stdlib.h>

#include "dossier/dossier_internal.h"

/* (area_no, person_no) after the person handed out last: one range of the index. */
static const struct sql_text person_page = {
    "dossier_person_page",
    "SELECT person_no FROM person WHERE area_no BETWEEN ?1 AND ?2 AND (area_no, person_no) >"
    " ((SELECT coalesce(max(p.area_no), -1) FROM person p WHERE p.person_no = ?3), ?3)"
    " ORDER BY area_no, person_no LIMIT ?4",
    "person_by_area"};

const struct sql_list person_statements = SQL_LIST(&person_page);

static bool no_such_person(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "a person of your area", "no such person");
}

static bool is_within(const struct actor *actor, const struct person *person)
{
    return person->area_no >= actor->area_first && person->area_no <= actor->area_last;
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

static bool write_page(const struct request *request, struct sql *sql, const uint32_t *numbers,
                       size_t count, bool more, struct json_writer *writer, struct error *err)
{
    struct person person;
    bool done = true;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = 0; done && i < count; i++) {
        done = registry_person(request->platform, sql, numbers[i], request->arena, &person, err);
        if (done)
            shown_person_write(writer, request->platform, request->actor.reads, &person,
                               request->arena);
    }
    json_array_end(writer);
    json_field_cursor(writer, more ? numbers[count - 1] : 0);
    json_object_end(writer);
    return done;
}

bool person_list_handle(const struct request *request, struct response *response, struct error *err)
{
    struct sql *sql;
    struct json_writer writer;
    int64_t limit, after, first, last;
    size_t count = 0;
    if (!request_limit(request, &limit, err) || !request_cursor(request, &after, err) ||
        !access_area_asked(request, &first, &last, err))
        return false;
    uint32_t *numbers = arena_alloc(request->arena, ((size_t)limit + 1) * sizeof *numbers);
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done = person_numbers(sql, first, last, after, limit + 1, numbers, &count, err);
    bool more = (int64_t)count > limit;
    count = more ? (size_t)limit : count;
    done = done && write_page(request, sql, numbers, count, more, &writer, err);
    store_read_end(request->platform->store, sql);
    json_writer_release(&writer);
    return done &&
           opened_record(request, "person.list", numbers, count,
                         shown_names(request->actor.reads, PERSON_FIELDS, request->arena), err);
}

/* ---- One */

static bool read_person(const struct request *request, uint32_t number, struct person *person,
                        struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = registry_person(request->platform, sql, number, request->arena, person, err);
    store_read_end(request->platform->store, sql);
    if (!done && err->code == ERROR_NOT_FOUND)
        return no_such_person(err);
    return done && (is_within(&request->actor, person) || no_such_person(err));
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
