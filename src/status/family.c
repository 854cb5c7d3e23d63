/* Family: a holder looks after others, a child or someone old without a phone.
 *
 * Words: the *holder* has the session, the *member* is whom the holder represents.
 *
 *   POST /me/family ── the member's identity proof ─► represented ─┬─ until its end
 *                                                                  └─ DELETE by either side
 *
 * Invariants: 1 the member's identity proof is the consent: without it there is no row. 2 What a
 * representative reads of a member is what GET /me and /me/why show, and the code: no places, no
 * field of identity. 3 Each read looks at the row and leaves its audit row in one transaction:
 * after an end there is no read, and no read without its trace, which stands in the member's own
 * GET /me/accesses. 4 A row opens its member to its holder, nobody further: a member's member is a
 * stranger. */
#include "access/access.h"
#include "status/redress.h"

#define REPRESENTATION_COLUMNS "representation_no, holder_no, member_no, relation, since, until_at"
static const struct sql_text family_members = {
    "family_members",
    "SELECT " REPRESENTATION_COLUMNS " FROM representation WHERE holder_no = ?1 AND until_at > ?2"
    " ORDER BY member_no",
    "representation_by_holder"};
static const struct sql_text family_representatives = {
    "family_representatives",
    "SELECT " REPRESENTATION_COLUMNS " FROM representation WHERE member_no = ?1 AND until_at > ?2"
    " ORDER BY representation_no",
    "representation_by_member"};
static const struct sql_text family_represents = {
    "family_represents",
    "SELECT count(*) FROM representation WHERE holder_no = ?1 AND member_no = ?2"
    " AND until_at > ?3",
    "representation_by_holder"};
static const struct sql_text family_member_count = {
    "family_member_count", "SELECT count(*) FROM representation WHERE holder_no = ?1",
    "representation_by_holder"};
static const struct sql_text family_representative_count = {
    "family_representative_count", "SELECT count(*) FROM representation WHERE member_no = ?1",
    "representation_by_member"};
static const struct sql_text family_last = {
    "family_last", "SELECT max(representation_no) FROM representation", "primary key"};
static const struct sql_text family_insert = {"family_insert",
                                              "INSERT INTO representation (" REPRESENTATION_COLUMNS
                                              ", proof)"
                                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                                              "primary key"};
static const struct sql_text family_select = {"family_select",
                                              "SELECT " REPRESENTATION_COLUMNS
                                              " FROM representation WHERE representation_no = ?1",
                                              "primary key"};
static const struct sql_text family_delete = {
    "family_delete", "DELETE FROM representation WHERE representation_no = ?1", "primary key"};
static const struct sql_text family_expire = {
    "family_expire", "DELETE FROM representation WHERE until_at <= ?1", "representation_by_end"};

const struct sql_list family_statements =
    SQL_LIST(&family_members, &family_representatives, &family_represents, &family_member_count,
             &family_representative_count, &family_last, &family_insert, &family_select,
             &family_delete, &family_expire);

static const char *const relations[] = {"child", "parent", "spouse", "other"};
enum { RELATIONS = sizeof relations / sizeof *relations, ROWS_MAX = 100 };

struct representation {
    int64_t no, holder, member, relation;
    timestamp since, until;
};

static void read_representation(struct sql_query *query, struct representation *out)
{
    *out = (struct representation){sql_get_int(query, 0), sql_get_int(query, 1),
                                   sql_get_int(query, 2), sql_get_int(query, 3),
                                   sql_get_int(query, 4), sql_get_int(query, 5)};
}

static bool not_represented(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "member"},
                     "someone whom you represent (GET /me/family)", "there is no such member");
}

/* The trace of a representative's act, in the member's own list of accesses. */
static bool audit_representative(struct sql *sql, const struct request *request, const char *act,
                                 int64_t member, const char *fields, struct error *err)
{
    char actor[40];
    snprintf(actor, sizeof actor, STATUS_REPRESENTATIVE "%u", request->actor.person_no);
    struct audit_entry entry = {.actor = slice_of(actor),
                                .act = slice_of(act),
                                .purpose = SLICE("family"),
                                .subject_no = member,
                                .count = 1,
                                .fields = slice_of(fields)};
    return audit_append(sql, &entry, sql_now(sql), err);
}

/* ---- Acting for a member */

bool status_represent(struct sql *sql, const struct request *request, const char *act,
                      int64_t member, const char *fields, struct error *err)
{
    int64_t rows;
    return sql_one_int(sql, &family_represents,
                       SQL_ARGUMENTS(sql_int(request->actor.person_no), sql_int(member),
                                     sql_int(sql_now(sql))),
                       0, &rows, err) &&
           (rows > 0 || not_represented(err)) &&
           audit_representative(sql, request, act, member, fields, err);
}

bool status_represents(struct platform *platform, uint32_t holder, uint32_t member,
                       struct error *err)
{
    int64_t rows;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &family_represents,
                            SQL_ARGUMENTS(sql_int(holder), sql_int(member),
                                          sql_int(world_now(platform->world))),
                            0, &rows, err);
    store_read_end(platform->store, sql);
    return done && (rows > 0 || not_represented(err));
}

struct subject_job {
    const struct request *request;
    const char *act, *fields;
    int64_t member;
};

static bool subject_job(struct sql *sql, void *context, struct error *err)
{
    const struct subject_job *job = context;
    return status_represent(sql, job->request, job->act, job->member, job->fields, err);
}

bool status_subject(const struct request *request, const char *act, const char *fields,
                    uint32_t *ret_person, struct error *err)
{
    struct slice text = request_query(request, "member");
    struct subject_job job = {request, act, fields, 0};
    if (!text.data) {
        *ret_person = request->actor.person_no;
        return true;
    }
    if (!slice_to_int64(text, 1, UINT32_MAX, &job.member))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "member"},
                         "the number of a person", "not a number");
    if (!store_write(request->platform->store, subject_job, &job, err))
        return false;
    *ret_person = (uint32_t)job.member;
    return true;
}

/* ---- POST /me/family */

struct joining {
    const struct request *request;
    struct representation row;
    struct slice proof;
};

static bool has_room(struct sql *sql, const struct sql_text *count, int64_t person, int64_t most,
                     const char *words, struct error *err)
{
    int64_t rows;
    return sql_one_int(sql, count, SQL_ARGUMENTS(sql_int(person)), 0, &rows, err) &&
           (rows < most || error_set(err, ERROR_CONFLICT, (struct error_place){.field = "member"},
                                     "an end of another one first (DELETE /me/family/{no})",
                                     "%s: at most %lld", words, (long long)most));
}

static bool is_new(struct sql *sql, const struct representation *row, struct error *err)
{
    int64_t rows;
    return sql_one_int(
               sql, &family_represents,
               SQL_ARGUMENTS(sql_int(row->holder), sql_int(row->member), sql_int(sql_now(sql))), 0,
               &rows, err) &&
           (!rows || error_set(err, ERROR_CONFLICT, (struct error_place){.field = "member"},
                               "somebody whom you do not represent yet",
                               "you represent this person already"));
}

static bool join_job(struct sql *sql, void *context, struct error *err)
{
    struct joining *joining = context;
    struct representation *row = &joining->row;
    const struct policy *policy = joining->request->platform->policy;
    int64_t area;
    bool known;
    row->since = sql_now(sql);
    row->until = row->since + policy_number(policy, NUMBER_FAMILY_DAYS) * DAY;
    if (!sql_run(sql, &family_expire, SQL_ARGUMENTS(sql_int(row->since)), err) ||
        !evidence_person_area(sql, (struct person_no){(uint32_t)row->member}, &area, &known, err) ||
        (!known && !evidence_no_such_person(err)) || !is_new(sql, row, err) ||
        !has_room(sql, &family_member_count, row->holder,
                  policy_number(policy, NUMBER_FAMILY_MEMBERS),
                  "you represent as many as one holder may", err) ||
        !has_room(sql, &family_representative_count, row->member,
                  policy_number(policy, NUMBER_FAMILY_REPRESENTATIVES),
                  "as many represent this person as may", err) ||
        !sql_one_int(sql, &family_last, NULL, 0, 0, &row->no, err))
        return false;
    row->no++;
    return sql_run(sql, &family_insert,
                   SQL_ARGUMENTS(sql_int(row->no), sql_int(row->holder), sql_int(row->member),
                                 sql_int(row->relation), sql_int(row->since), sql_int(row->until),
                                 sql_text(joining->proof)),
                   err) &&
           audit_representative(sql, joining->request, "family.begin", row->member, "", err) &&
           redress_emit(sql, "family.begun", row->member, area, row->no, err);
}

static bool read_relation(json_t *body, int64_t *ret_relation, struct error *err)
{
    struct slice text;
    if (!json_text(body, "relation", (struct json_place){.source = "body", .required = true}, &text,
                   err))
        return false;
    for (int64_t i = 0; i < RELATIONS; i++)
        if (slice_equal(text, slice_of(relations[i]))) {
            *ret_relation = i;
            return true;
        }
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "relation"},
                     "child, parent, spouse or other", "no such relation");
}

/* Whom the provider proved: a person of this city, and not the holder. */
static bool prove_member(const struct request *request, json_t *body, struct joining *joining,
                         struct error *err)
{
    struct json_place place = {.source = "body"}, required = {.source = "body", .required = true};
    struct platform *platform = request->platform;
    struct identity_claim claim;
    struct person_no member;
    if (!json_text(body, "provider", required, &joining->proof, err) ||
        !json_text(body, "id_number", place, &claim.id_number, err) ||
        !json_int64(body, "person_no", place, 1, UINT32_MAX, &claim.person_no, err) ||
        !access_identify(platform, joining->proof, &claim, &member.n, err))
        return false;
    struct error_place claimed = {.field = claim.id_number.data ? "id_number" : "person_no"};
    if (!member.n ||
        !(status_get(platform->status, member, world_now(platform->world)).flags & STATUS_KNOWN))
        return error_set(err, ERROR_BAD_VALUE, claimed,
                         "a person whom the identity provider and this city know",
                         "no such person");
    joining->row.member = member.n;
    return member.n != request->actor.person_no ||
           error_set(err, ERROR_BAD_VALUE, claimed, "somebody else", "this is yourself");
}

/* What GET /me shows, nothing more. */
static void put_member(struct json_writer *writer, const struct platform *platform,
                       const struct representation *row)
{
    timestamp now = world_now(platform->world);
    struct status_entry entry =
        status_get(platform->status, (struct person_no){(uint32_t)row->member}, now);
    json_object_begin(writer);
    json_field_int64(writer, "no", row->no);
    json_field_int64(writer, "person_no", row->member);
    json_field_text(writer, "relation", slice_of(relations[row->relation]));
    json_field_time(writer, "represented_since", row->since);
    json_field_time(writer, "represented_until", row->until);
    status_own_fields(writer, entry);
    json_object_end(writer);
}

bool family_handle_join(const struct request *request, struct response *response, struct error *err)
{
    static const char *const fields[] = {"provider", "id_number", "person_no", "relation", NULL};
    struct joining joining = {request, {.holder = request->actor.person_no}, {NULL, 0}};
    struct json_writer writer;
    json_t *body;
    if (!request_json(request, &body, err) ||
        !json_only_fields(body, fields, (struct json_place){.source = "body"}, err) ||
        !read_relation(body, &joining.row.relation, err) ||
        !prove_member(request, body, &joining, err) ||
        !store_write(request->platform->store, join_job, &joining, err))
        return false;
    json_writer_init(&writer, &response->body);
    put_member(&writer, request->platform, &joining.row);
    json_writer_release(&writer);
    response->status = 201;
    return true;
}

/* ---- GET /me/family */

struct family {
    const struct request *request;
    struct representation members[ROWS_MAX], representatives[ROWS_MAX];
    size_t member_count, representative_count;
};

/* The policy keeps both lists below ROWS_MAX. */
static bool read_rows(struct sql *sql, const struct sql_text *text, uint32_t person,
                      struct representation *rows, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_count = 0;
    if (!sql_begin(sql, text, SQL_ARGUMENTS(sql_int(person), sql_int(sql_now(sql))), &query, err))
        return false;
    while (sql_next(query, &row, err)) {
        if (!row)
            return true;
        REQUIRE(*ret_count < ROWS_MAX);
        read_representation(query, &rows[(*ret_count)++]);
    }
    return false;
}

/* Reads and leaves the traces of what is about to be shown. */
static bool family_job(struct sql *sql, void *context, struct error *err)
{
    struct family *family = context;
    uint32_t person = family->request->actor.person_no;
    if (!read_rows(sql, &family_members, person, family->members, &family->member_count, err) ||
        !read_rows(sql, &family_representatives, person, family->representatives,
                   &family->representative_count, err))
        return false;
    for (size_t i = 0; i < family->member_count; i++)
        if (!audit_representative(sql, family->request, "status.read", family->members[i].member,
                                  "status", err))
            return false;
    return true;
}

static void put_representative(struct json_writer *writer, const struct representation *row)
{
    json_object_begin(writer);
    json_field_int64(writer, "no", row->no);
    json_field_int64(writer, "person_no", row->holder);
    json_field_text(writer, "as", slice_of(relations[row->relation]));
    json_field_time(writer, "represented_since", row->since);
    json_field_time(writer, "represented_until", row->until);
    json_object_end(writer);
}

bool family_handle_list(const struct request *request, struct response *response, struct error *err)
{
    struct family *family = arena_alloc(request->arena, sizeof *family);
    struct json_writer writer;
    family->request = request;
    if (!store_write(request->platform->store, family_job, family, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "members");
    json_array_begin(&writer);
    for (size_t i = 0; i < family->member_count; i++)
        put_member(&writer, request->platform, &family->members[i]);
    json_array_end(&writer);
    json_key(&writer, "representatives");
    json_array_begin(&writer);
    for (size_t i = 0; i < family->representative_count; i++)
        put_representative(&writer, &family->representatives[i]);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

/* ---- DELETE /me/family/{no} */

struct leaving {
    const struct request *request;
    int64_t no;
};

static bool find_own(struct sql *sql, const struct leaving *leaving, struct representation *ret_row,
                     struct error *err)
{
    struct sql_query *query;
    bool found;
    int64_t self = leaving->request->actor.person_no;
    if (!sql_begin(sql, &family_select, SQL_ARGUMENTS(sql_int(leaving->no)), &query, err) ||
        !sql_next(query, &found, err))
        return false;
    if (found) {
        read_representation(query, ret_row);
        sql_end(query);
    }
    return (found && (ret_row->holder == self || ret_row->member == self)) ||
           error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                     "a number of GET /me/family", "there is none of that number");
}

static bool leave_job(struct sql *sql, void *context, struct error *err)
{
    const struct leaving *leaving = context;
    const struct request *request = leaving->request;
    struct representation row;
    int64_t area;
    bool known;
    if (!find_own(sql, leaving, &row, err) ||
        !evidence_person_area(sql, (struct person_no){(uint32_t)row.member}, &area, &known, err) ||
        !sql_run(sql, &family_delete, SQL_ARGUMENTS(sql_int(row.no)), err))
        return false;
    bool own = row.member == request->actor.person_no;
    return (own ? redress_audit(sql, request, "family.end", row.member, "", err)
                : audit_representative(sql, request, "family.end", row.member, "", err)) &&
           redress_emit(sql, "family.ended", row.member, area, row.no, err);
}

bool family_handle_leave(const struct request *request, struct response *response,
                         struct error *err)
{
    struct leaving leaving = {.request = request};
    if (!redress_number(request, &leaving.no, err) ||
        !store_write(request->platform->store, leave_job, &leaving, err))
        return false;
    buffer_append_text(&response->body, "{}");
    return true;
}
