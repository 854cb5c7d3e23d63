/* What stands on a person's record, for officers: the pieces of evidence that the status follows
 * from, the overrides that were asked for, and the person's appeals. */
#include "status/redress.h"

static const struct sql_text cases_of_person = {
    "record_cases",
    "SELECT case_no, at FROM case_record WHERE person_no = ?1 AND area_no BETWEEN ?2 AND ?3"
    " ORDER BY case_no LIMIT 20",
    "case_by_person"};

const struct sql_list evidence_case_statements = SQL_LIST(&cases_of_person);

static bool read_person(const struct request *request, struct person_no *ret_person,
                        struct error *err)
{
    int64_t number;
    if (!slice_to_int64(request->parameters[0], 1, UINT32_MAX, &number))
        return evidence_no_such_person(err);
    ret_person->n = (uint32_t)number;
    return status_within_reach(request, *ret_person, err);
}

static void put_text_or_null(struct json_writer *writer, const char *key, struct slice text)
{
    if (text.length)
        json_field_text(writer, key, text);
    else
        json_field_null(writer, key);
}

static void put_number_or_null(struct json_writer *writer, const char *key, int64_t number)
{
    if (number)
        json_field_int64(writer, key, number);
    else
        json_field_null(writer, key);
}

/* The person's cases that the reader may open. */
struct own_cases {
    int64_t no[20];
    timestamp at[20];
    size_t count;
};

static bool read_cases(const struct request *request, struct sql *sql, struct person_no person,
                       struct own_cases *out, struct error *err)
{
    const struct actor *actor = &request->actor;
    struct sql_query *query;
    bool row, done;
    out->count = 0;
    if (!(actor->permissions & PERMISSION_BIT(PERMIT_CASE_READ)))
        return true;
    done = sql_begin(
        sql, &cases_of_person,
        SQL_ARGUMENTS(sql_int(person.n), sql_int(actor->area_first), sql_int(actor->area_last)),
        &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        out->no[out->count] = sql_get_int(query, 0);
        out->at[out->count++] = sql_get_int(query, 1);
    }
    return done;
}

/* The case that a piece speaks of: that of its t0, else the only one; 0 where that is not told. */
static int64_t case_of(const struct own_cases *cases, const struct evidence *piece)
{
    for (size_t i = 0; piece->kind == EVIDENCE_CASE && i < cases->count; i++)
        if (cases->at[i] == piece->at || cases->count == 1)
            return cases->no[i];
    return 0;
}

static void put_piece(struct json_writer *writer, const struct evidence *piece, int64_t case_no)
{
    const struct evidence_form *form = evidence_form(piece->kind);
    const char *detail =
        form->detail_field ? evidence_detail_name(piece->kind, piece->detail) : NULL;
    json_object_begin(writer);
    json_field_int64(writer, "id", piece->no);
    json_field_text(writer, "kind", slice_of(form->name));
    json_field_time(writer, "recorded_at", piece->recorded_at);
    json_field_time(writer, "at", piece->at);
    json_field_time(writer, "until", piece->until);
    put_number_or_null(writer, "of", piece->of);
    put_number_or_null(writer, "case", case_no);
    put_text_or_null(writer, "detail", detail ? slice_of(detail) : (struct slice){NULL, 0});
    put_number_or_null(writer, "tube_size", piece->tube_size);
    put_text_or_null(writer, "reason_code", piece->reason_code);
    put_text_or_null(writer, "requester", piece->requester);
    json_key(writer, "approvers");
    json_array_begin(writer);
    for (size_t i = 0; i < piece->approver_count; i++)
        json_put_text(writer, piece->approvers[i]);
    json_array_end(writer);
    json_object_end(writer);
}

/* ---- GET /persons/{no}/evidence */

bool evidence_handle_list(const struct request *request, struct response *response,
                          struct error *err)
{
    struct store *store = request->platform->store;
    struct person_no person;
    struct evidence *pieces;
    struct own_cases cases;
    struct json_writer writer;
    struct sql *sql;
    size_t count = 0;
    if (!read_person(request, &person, err) ||
        !status_audit_read(request, "evidence.read", person.n, 1, "evidence", err) ||
        !store_read_begin(store, &sql, err))
        return false;
    bool done = evidence_of_person(sql, person, request->arena, &pieces, &count, err) &&
                read_cases(request, sql, person, &cases, err);
    store_read_end(store, sql);
    if (!done)
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        put_piece(&writer, &pieces[i], case_of(&cases, &pieces[i]));
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

/* ---- GET /persons/{no}/redress */

/* What the rules in force ask of an override; null where none are. */
static void put_terms(struct json_writer *writer, const struct rule_set *rules)
{
    size_t count;
    json_key(writer, "terms");
    if (!rules) {
        json_put_null(writer);
        return;
    }
    const char *const *codes = rule_set_reason_codes(rules, &count);
    json_object_begin(writer);
    json_field_int64(writer, "approvers", rule_set_override_approvers(rules));
    json_field_int64(writer, "days_max", rule_set_override_days(rules));
    json_key(writer, "reason_codes");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        json_put_text(writer, slice_of(codes[i]));
    json_array_end(writer);
    json_object_end(writer);
}

bool redress_handle_list(const struct request *request, struct response *response,
                         struct error *err)
{
    struct store *store = request->platform->store;
    struct person_no person;
    struct json_writer writer;
    struct sql *sql;
    if (!read_person(request, &person, err) ||
        !status_audit_read(request, "redress.read", person.n, 1, "status,evidence", err) ||
        !store_read_begin(store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "overrides");
    json_array_begin(&writer);
    bool done = override_write_of_person(request, sql, person.n, &writer, err);
    json_array_end(&writer);
    json_key(&writer, "appeals");
    json_array_begin(&writer);
    done = done && appeal_write_of_person(request, sql, person.n, &writer, err);
    json_array_end(&writer);
    put_terms(&writer, policy_rules_in_force(request->platform->policy,
                                             world_now(request->platform->world)));
    json_object_end(&writer);
    json_writer_release(&writer);
    store_read_end(store, sql);
    return done;
}
