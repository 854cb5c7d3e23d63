/* GET /audit/records: what a user opened, or who opened a person, from the audit chain. For the
 * role that reviews: it asks with a purpose, the question is itself a record of the chain, and only
 * acts of users of the reviewer's area are found. Persons stand by their numbers, nothing more. */
#include "dossier/dossier_internal.h"

#define RECORD_COLUMNS                                                                             \
    "a.no, a.city_at, a.real_at, a.actor, u.role, a.act, a.purpose, a.subject_no, a.row_count,"    \
    " a.fields"
#define OF_OWN_USERS " JOIN app_user u ON u.name = a.actor AND u.area_no BETWEEN ?1 AND ?2"
static const struct sql_text records_of_actor = {
    "audit_records_of_actor",
    "SELECT " RECORD_COLUMNS " FROM audit a" OF_OWN_USERS
    " WHERE a.actor = ?3 AND a.no < ?4 ORDER BY a.no DESC LIMIT ?5",
    "audit_by_actor"};
/* Lists hang beside the chain: see access/opened.c. */
static const struct sql_text records_of_person = {
    "audit_records_of_person",
    "SELECT " RECORD_COLUMNS " FROM audit a" OF_OWN_USERS " WHERE a.subject_no = ?3 AND a.no < ?4"
    " UNION ALL SELECT " RECORD_COLUMNS
    " FROM seen_person s JOIN audit a ON a.no = s.audit_no" OF_OWN_USERS
    " WHERE s.person_no = ?3 AND s.audit_no < ?4 ORDER BY 1 DESC LIMIT ?5",
    "audit_by_subject; seen_person's primary key"};

const struct sql_list audit_search_statements = SQL_LIST(&records_of_actor, &records_of_person);

struct search {
    struct slice actor;
    int64_t person_no; /* 0: not asked for */
    int64_t before, limit;
};

static bool read_search(const struct request *request, struct search *search, struct error *err)
{
    struct slice person = request_query(request, "person");
    *search = (struct search){.actor = request_query(request, "actor")};
    if (!request_limit(request, &search->limit, err) ||
        !request_cursor(request, &search->before, err))
        return false;
    if (!search->before)
        search->before = INT64_MAX;
    if (person.data && !slice_to_int64(person, 1, UINT32_MAX, &search->person_no))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "person"},
                         "the number of a person", "not such a number");
    return (search->actor.data != NULL) != (search->person_no != 0) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "actor"},
                     "a user or the number of a person, one of them",
                     search->person_no ? "both are given" : "neither is given");
}

static bool begin_search(const struct request *request, struct sql *sql,
                         const struct search *search, struct sql_query **ret_query,
                         struct error *err)
{
    const struct sql_value first = sql_int(request->actor.area_first);
    const struct sql_value last = sql_int(request->actor.area_last);
    const struct sql_value before = sql_int(search->before), limit = sql_int(search->limit + 1);
    if (search->person_no)
        return sql_begin(sql, &records_of_person,
                         SQL_ARGUMENTS(first, last, sql_int(search->person_no), before, limit),
                         ret_query, err);
    return sql_begin(sql, &records_of_actor,
                     SQL_ARGUMENTS(first, last, sql_text(search->actor), before, limit), ret_query,
                     err);
}

/* `reason`: why the glass was broken, where the record is of that; it is not in the chain. */
static bool put_record(const struct request *request, struct sql *sql, struct sql_query *query,
                       struct json_writer *writer, struct error *err)
{
    struct slice reason;
    if (!access_glass_reason(sql, &request->actor, sql_get_text(query, 6), request->arena, &reason,
                             err))
        return false;
    json_object_begin(writer);
    json_field_int64(writer, "no", sql_get_int(query, 0));
    json_field_time(writer, "at", sql_get_int(query, 1));
    json_field_time(writer, "real_at", sql_get_int(query, 2));
    json_field_text(writer, "user", sql_get_text(query, 3));
    json_field_text(writer, "role", sql_get_text(query, 4));
    json_field_text(writer, "act", sql_get_text(query, 5));
    json_field_text(writer, "purpose", sql_get_text(query, 6));
    if (reason.data)
        json_field_text(writer, "reason", reason);
    else
        json_field_null(writer, "reason");
    if (sql_get_int(query, 7))
        json_field_int64(writer, "subject_no", sql_get_int(query, 7));
    else
        json_field_null(writer, "subject_no");
    json_field_int64(writer, "rows", sql_get_int(query, 8));
    json_field_text(writer, "fields", sql_get_text(query, 9));
    json_object_end(writer);
    return true;
}

static bool put_records(const struct request *request, struct sql *sql, const struct search *search,
                        struct json_writer *writer, struct error *err)
{
    struct sql_query *query;
    int64_t count = 0, last = 0;
    bool row = false, done = begin_search(request, sql, search, &query, err);
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row && ++count <= search->limit) {
        last = sql_get_int(query, 0);
        if (!(done = put_record(request, sql, query, writer, err)))
            break;
    }
    if (row)
        sql_end(query);
    json_array_end(writer);
    json_field_cursor(writer, done && count > search->limit ? last : 0);
    json_object_end(writer);
    return done;
}

bool audit_search_handle(const struct request *request, struct response *response,
                         struct error *err)
{
    struct search search;
    struct sql *sql;
    struct json_writer writer;
    struct slice asked = SLICE("who looked");
    if (!read_search(request, &search, err) ||
        (search.person_no && !access_spread_seen(request->platform, err)))
        return false;
    if (search.actor.data)
        asked = slice_of(arena_print(request->arena, "user %.*s", SLICE_ARG(search.actor)));
    if (!access_opened(request, "audit.search", search.person_no, NULL, 0, asked, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done = put_records(request, sql, &search, &writer, err);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}
