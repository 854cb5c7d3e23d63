/* Overrides: asked for by one, approved by two who stand outside the asker's line, and only then
 * evidence.
 *
 *   open ─── approve (1st) ───► open ─── approve (2nd) ───► approved: the piece "override" is added
 *     └───── refuse, with words ───────────────────────────► refused
 *
 * Invariants: 1 a request can only lower what is red or yellow at the moment it would begin (the
 * rules decide that: the request is tried on the person's evidence). 2 The second approval, the
 * evidence, the audit row and the event are one transaction. 3 Nobody decides twice, and no
 * decided request again. */
#include "access/access.h"
#include "policy/permissions.h"
#include "status/redress.h"

static const struct sql_text override_insert = {
    "override_insert",
    "INSERT INTO override_request (override_no, person_no, area_no, color, from_at, expires_at,"
    " reason_code, words, requester_no, requester, requested_at, state, evidence_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0)",
    "primary key"};
static const struct sql_text override_last = {
    "override_last", "SELECT max(override_no) FROM override_request", "primary key"};
#define OVERRIDE_COLUMNS                                                                           \
    "override_no, person_no, area_no, color, from_at, expires_at, reason_code, words,"             \
    " requester_no, requester, requested_at, state, evidence_no"
static const struct sql_text override_select = {
    "override_select",
    "SELECT " OVERRIDE_COLUMNS ", 0 FROM override_request WHERE override_no = ?1"
    " AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text override_page = {
    "override_page",
    "SELECT " OVERRIDE_COLUMNS ", (SELECT count(*) FROM override_decision d"
    " WHERE d.override_no = o.override_no AND d.approves = 1) FROM override_request o"
    " WHERE state = ?1 AND override_no > ?2 AND area_no BETWEEN ?3 AND ?4"
    " ORDER BY override_no LIMIT ?5",
    "override_by_state"};
static const struct sql_text override_of_person = {
    "override_of_person",
    "SELECT " OVERRIDE_COLUMNS ", (SELECT count(*) FROM override_decision d"
    " WHERE d.override_no = o.override_no AND d.approves = 1) FROM override_request o"
    " WHERE person_no = ?1 ORDER BY override_no DESC LIMIT ?2",
    "override_by_person"};
static const struct sql_text decisions_select = {
    "override_decisions",
    "SELECT name, approves, words, decided_at FROM override_decision WHERE override_no = ?1"
    " ORDER BY decided_at, user_no",
    "primary key"};
static const struct sql_text override_update = {
    "override_update",
    "UPDATE override_request SET state = ?2, evidence_no = ?3 WHERE override_no = ?1",
    "primary key"};
static const struct sql_text decision_insert = {
    "override_decision_insert",
    "INSERT INTO override_decision (override_no, user_no, name, approves, words, plain_words,"
    " decided_at) VALUES (?1, ?2, ?3, ?4, ?5, '', ?6)",
    "primary key"};
static const struct sql_text approver_users = {
    "override_approver_users",
    "SELECT user_no FROM override_decision WHERE override_no = ?1 AND approves = 1", "primary key"};
static const struct sql_text approvers_select = {
    "override_approvers",
    "SELECT name FROM override_decision WHERE override_no = ?1 AND approves = 1"
    " ORDER BY decided_at, user_no",
    "primary key"};

const struct sql_list override_statements =
    SQL_LIST(&override_insert, &override_last, &override_select, &override_page, &override_update,
             &decision_insert, &approver_users, &approvers_select, &override_of_person,
             &decisions_select);

enum { STATE_OPEN, STATE_APPROVED, STATE_REFUSED, STATES };
static const char *const state_names[STATES] = {"open", "approved", "refused"};
enum { APPROVERS_MAX = 8 };

struct override_row {
    int64_t no, person, area_no, color, from, expires, requester_no, requested_at, state,
        evidence_no, approvals;
    struct slice reason_code, requester, words;
};

static struct slice kept(struct slice text, struct arena *arena)
{
    return (struct slice){arena_copy(arena, text.data ? text.data : "", text.length),
                          text.length};
}

static bool read_row(struct sql *sql, struct sql_query *query, struct arena *arena,
                     struct override_row *ret_row, struct error *err)
{
    *ret_row = (struct override_row){.no = sql_get_int(query, 0),
                                     .person = sql_get_int(query, 1),
                                     .area_no = sql_get_int(query, 2),
                                     .color = sql_get_int(query, 3),
                                     .from = sql_get_int(query, 4),
                                     .expires = sql_get_int(query, 5),
                                     .reason_code = kept(sql_get_text(query, 6), arena),
                                     .requester_no = sql_get_int(query, 8),
                                     .requester = kept(sql_get_text(query, 9), arena),
                                     .requested_at = sql_get_int(query, 10),
                                     .state = sql_get_int(query, 11),
                                     .evidence_no = sql_get_int(query, 12),
                                     .approvals = sql_get_int(query, 13)};
    if (ret_row->color > COLOR_YELLOW || ret_row->state >= STATES)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "override_request"},
                         "values of this program", "request %lld", (long long)ret_row->no);
    return redress_decrypt(sql, WORDS_OF_OVERRIDE, ret_row->no, sql_get_blob(query, 7), arena,
                           &ret_row->words, err);
}

static struct evidence piece_of(const struct override_row *row, timestamp now,
                                const struct slice *approvers, size_t count)
{
    return (struct evidence){.no = INT64_MAX,
                             .kind = EVIDENCE_OVERRIDE,
                             .recorded_at = now,
                             .at = row->from,
                             .until = row->expires,
                             .detail = (uint8_t)row->color,
                             .reason_code = row->reason_code,
                             .requester = row->requester,
                             .approvers = approvers,
                             .approver_count = count};
}

/* ---- Trying it: what the rules make of the evidence with the override and without */

static bool refuse(struct error *err, const char *expected, const char *what)
{
    return error_set(err, ERROR_REFUSED, (struct error_place){.source = "override"}, expected, "%s",
                     what);
}

static bool lowers_something(struct platform *platform, struct sql *sql,
                             const struct override_row *row, const struct evidence *piece,
                             struct arena *arena, struct error *err)
{
    struct evidence *pieces;
    size_t count;
    struct decision before, after;
    timestamp at = piece->at > piece->recorded_at ? piece->at : piece->recorded_at;
    const struct rule_set *rules = policy_rules_in_force(platform->policy, at);
    if (!rules)
        return status_no_rules(err);
    if (!evidence_of_person(sql, (struct person_no){(uint32_t)row->person}, arena, &pieces, &count,
                            err))
        return false;
    struct evidence *tried = arena_alloc(arena, (count + 1) * sizeof *tried);
    memcpy(tried, pieces, count * sizeof *tried);
    tried[count] = *piece;
    policy_decide(rules, pieces, count, at, false, arena, &before);
    policy_decide(rules, tried, count + 1, at, false, arena, &after);
    for (size_t i = 0; i < after.ignored_count; i++)
        if (after.ignored[i].evidence == piece->no)
            return refuse(err, "an override that the rules take", after.ignored[i].reason);
    if (before.color <= (enum color)piece->detail)
        return refuse(err, "a red or yellow status that the override lowers",
                      "it would lower nothing: the status is not worse than that when it begins");
    return after.color < before.color ||
           refuse(err, "a status that an override may lower",
                  "it would lower nothing: a case and a single-tube positive are not lowered");
}

/* ---- POST /persons/{no}/overrides */

struct asking {
    const struct request *request;
    struct override_row row;
};

/* Who is not the reader's is not there. */
static bool person_within(struct sql *sql, const struct request *request, int64_t person,
                          int64_t *ret_area, struct error *err)
{
    bool within;
    return access_person_within(request->platform, sql, &request->actor, person, ret_area, &within,
                                err) &&
           (within || evidence_no_such_person(err));
}

static bool ask_job(struct sql *sql, void *context, struct error *err)
{
    static const struct slice two[] = {{"approver 1", 10}, {"approver 2", 10}};
    struct asking *asking = context;
    const struct request *request = asking->request;
    struct override_row *row = &asking->row;
    timestamp now = world_now(request->platform->world);
    struct evidence piece = piece_of(row, now, two, 2);
    if (!person_within(sql, request, row->person, &row->area_no, err) ||
        !lowers_something(request->platform, sql, row, &piece, request->arena, err) ||
        !sql_one_int(sql, &override_last, NULL, 0, 0, &row->no, err))
        return false;
    row->no++;
    struct slice words =
        redress_encrypt(sql, WORDS_OF_OVERRIDE, row->no, row->words, request->arena);
    return sql_run(sql, &override_insert,
                   SQL_ARGUMENTS(sql_int(row->no), sql_int(row->person), sql_int(row->area_no),
                                 sql_int(row->color), sql_int(row->from), sql_int(row->expires),
                                 sql_text(row->reason_code), sql_blob(words),
                                 sql_int(request->actor.user_no), sql_text(row->requester),
                                 sql_int(now)),
                   err) &&
           redress_audit(sql, request, "override.request", row->person, "status,evidence", err) &&
           redress_emit(sql, "override.requested", row->person, row->area_no, row->no, err);
}

static bool read_asking(const struct request *request, struct override_row *row,
                        struct error *err)
{
    static const char *const fields[] = {"color", "from", "expires", "reason_code", "words", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct slice color;
    json_t *body;
    timestamp now = world_now(request->platform->world);
    if (!redress_number(request, &row->person, err) || !request_json(request, &body, err) ||
        !json_only_fields(body, fields, place, err) ||
        !json_text(body, "color", place, &color, err) ||
        !json_time(body, "from", place, &row->from, err) ||
        !json_time(body, "expires", place, &row->expires, err) ||
        !json_text(body, "reason_code", place, &row->reason_code, err) ||
        !redress_words(body, "words", &row->words, err))
        return false;
    row->color = evidence_detail_of(EVIDENCE_OVERRIDE, color);
    row->requester = slice_of(request->actor.name);
    if (row->color < 0)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "color"},
                         "green or yellow: an override only lowers", "not a colour to lower to");
    if (row->person > UINT32_MAX)
        return evidence_no_such_person(err);
    return row->expires > now ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "expires"},
                     "a time to come", "it has passed");
}

static void put_state(const struct override_row *row, int64_t missing, struct response *response)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "id", row->no);
    json_field_text(&writer, "state", slice_of(state_names[row->state]));
    json_field_int64(&writer, "missing", missing);
    if (row->evidence_no)
        json_field_int64(&writer, "evidence", row->evidence_no);
    else
        json_field_null(&writer, "evidence");
    json_object_end(&writer);
    json_writer_release(&writer);
}

bool override_handle_request(const struct request *request, struct response *response,
                             struct error *err)
{
    struct asking asking = {request, {.no = 0}};
    if (!read_asking(request, &asking.row, err) ||
        !store_write(request->platform->store, ask_job, &asking, err))
        return redress_refused(request, "override.request_refused", asking.row.person, err);
    const struct rule_set *rules = policy_rules_in_force(request->platform->policy,
                                                         world_now(request->platform->world));
    put_state(&asking.row, rules ? rule_set_override_approvers(rules) : 0, response);
    response->status = 202;
    return true;
}

/* ---- Deciding */

struct deciding {
    const struct request *request;
    bool approves;
    struct slice words; /* of a refusal */
    int64_t missing;
    struct override_row row;
};

static bool conflict(struct error *err, const char *what)
{
    return error_set(err, ERROR_CONFLICT, (struct error_place){.source = "override"},
                     "an open request", "%s", what);
}

static bool find_row(struct sql *sql, const struct request *request, struct override_row *row,
                     struct error *err)
{
    struct sql_query *query;
    int64_t no;
    bool found;
    if (!redress_number(request, &no, err) ||
        !sql_begin(sql, &override_select,
                   SQL_ARGUMENTS(sql_int(no), sql_int(request->actor.area_first),
                                 sql_int(request->actor.area_last)),
                   &query, err) ||
        !sql_next(query, &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "a request of your area", "no such request");
    bool done = read_row(sql, query, request->arena, row, err);
    sql_end(query);
    return done;
}

/* Two approvers are two humans, and neither is the person whom it is about. */
static bool is_a_further_human(struct sql *sql, const struct deciding *deciding,
                               struct error *err)
{
    int64_t users[APPROVERS_MAX], person_no;
    int64_t own = deciding->request->actor.user_no;
    size_t count = 0;
    struct sql_query *query;
    bool row, same = false;
    if (!access_user_person(sql, own, &person_no, err))
        return false;
    if (person_no && person_no == deciding->row.person)
        return refuse(err, "another than the person whom it is about",
                      "nobody decides about themselves");
    bool done = sql_begin(sql, &approver_users, SQL_ARGUMENTS(sql_int(deciding->row.no)), &query,
                          err);
    while (done && (done = sql_next(query, &row, err)) && row)
        if (count < APPROVERS_MAX)
            users[count++] = sql_get_int(query, 0);
    for (size_t i = 0; done && !same && i < count; i++)
        done = users[i] == own || access_same_human(sql, users[i], own, &same, err);
    return done && (!same || refuse(err, "two different people",
                                    "who approved it before has another account"));
}

/* Whoever decides stands outside the requester's line. */
static bool may_decide(struct sql *sql, const struct deciding *deciding, struct error *err)
{
    bool same;
    if (deciding->row.state != STATE_OPEN)
        return conflict(err, "it was decided before");
    if (!access_same_line(sql, deciding->request->actor.user_no, deciding->row.requester_no,
                          &same, err) ||
        !is_a_further_human(sql, deciding, err))
        return false;
    return !same || refuse(err, "someone outside the requester's line",
                           "who asked, who leads or follows them, and who answers to the same "
                           "lead do not decide");
}

static bool read_approvers(struct sql *sql, const struct deciding *deciding, struct slice *names,
                           size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret_count = 0;
    if (!sql_begin(sql, &approvers_select, SQL_ARGUMENTS(sql_int(deciding->row.no)), &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        if (*ret_count < APPROVERS_MAX)
            names[(*ret_count)++] = kept(sql_get_text(query, 0), deciding->request->arena);
    }
}

/* The last approval: what was asked for becomes evidence. */
static bool put_into_effect(struct sql *sql, struct deciding *deciding, const struct slice *names,
                            size_t count, struct error *err)
{
    struct platform *platform = deciding->request->platform;
    struct override_row *row = &deciding->row;
    timestamp now = world_now(platform->world);
    struct evidence piece = piece_of(row, now, names, count);
    if (row->expires <= now)
        return conflict(err, "it has expired meanwhile: refuse it");
    if (!lowers_something(platform, sql, row, &piece, deciding->request->arena, err))
        return false;
    piece.no = 0;
    if (!evidence_add(sql, (struct person_no){(uint32_t)row->person}, row->area_no, &piece,
                      SLICE(""), &row->evidence_no, err))
        return false;
    row->state = STATE_APPROVED;
    return true;
}

static bool decide_job(struct sql *sql, void *context, struct error *err)
{
    struct deciding *deciding = context;
    const struct request *request = deciding->request;
    struct override_row *row = &deciding->row;
    timestamp now = world_now(request->platform->world);
    const struct rule_set *rules = policy_rules_in_force(request->platform->policy, now);
    struct slice names[APPROVERS_MAX];
    size_t count;
    if (!rules)
        return status_no_rules(err);
    if (!find_row(sql, request, row, err) || !may_decide(sql, deciding, err))
        return false;
    struct sql_value words = sql_null();
    if (!deciding->approves)
        words = sql_blob(
            redress_encrypt(sql, WORDS_OF_REFUSAL, row->no, deciding->words, request->arena));
    if (!sql_run(sql, &decision_insert,
                 SQL_ARGUMENTS(sql_int(row->no), sql_int(request->actor.user_no),
                               sql_text(slice_of(request->actor.name)), sql_int(deciding->approves),
                               words, sql_int(now)),
                 err))
        return err->code == ERROR_CONFLICT ? conflict(err, "you have approved it already") : false;
    if (!read_approvers(sql, deciding, names, &count, err))
        return false;
    if (deciding->approves)
        deciding->missing = rule_set_override_approvers(rules) - (int64_t)count;
    if (!deciding->approves)
        row->state = STATE_REFUSED;
    else if (deciding->missing <= 0 && !put_into_effect(sql, deciding, names, count, err))
        return false;
    return sql_run(sql, &override_update,
                   SQL_ARGUMENTS(sql_int(row->no), sql_int(row->state),
                                 sql_int(row->evidence_no)),
                   err) &&
           redress_audit(sql, request, deciding->approves ? "override.approve" : "override.refuse",
                         row->person, "status,evidence", err) &&
           redress_emit(sql, row->state == STATE_OPEN ? "override.approved_once"
                                                      : "override.decided",
                        row->person, row->area_no, row->no, err);
}

static bool decide(struct deciding *deciding, struct response *response, struct error *err)
{
    const struct request *request = deciding->request;
    if (!store_write(request->platform->store, decide_job, deciding, err))
        return redress_refused(request, "override.decision_refused", deciding->row.person, err);
    if (!redress_follow(request, err))
        return false;
    put_state(&deciding->row, deciding->missing, response);
    response->status = deciding->row.state == STATE_OPEN ? 202 : 200;
    return true;
}

bool override_handle_approve(const struct request *request, struct response *response,
                             struct error *err)
{
    struct deciding deciding = {.request = request, .approves = true};
    return decide(&deciding, response, err);
}

bool override_handle_refuse(const struct request *request, struct response *response,
                            struct error *err)
{
    static const char *const fields[] = {"words", NULL};
    struct deciding deciding = {.request = request};
    json_t *body;
    return request_json(request, &body, err) &&
           json_only_fields(body, fields, (struct json_place){.source = "body"}, err) &&
           redress_words(body, "words", &deciding.words, err) &&
           decide(&deciding, response, err);
}

/* ---- GET /overrides: the work list */

/* The object is the caller's. */
static void put_row(struct json_writer *writer, const struct request *request,
                    const struct override_row *row)
{
    json_field_int64(writer, "id", row->no);
    json_field_int64(writer, "person_no", row->person);
    redress_home(writer, request, row->area_no);
    json_field_text(writer, "to", slice_of(color_name((enum color)row->color)));
    json_field_time(writer, "from", row->from);
    json_field_time(writer, "expires", row->expires);
    json_field_text(writer, "reason_code", row->reason_code);
    json_field_text(writer, "words", row->words);
    json_field_text(writer, "requester", row->requester);
    json_field_time(writer, "requested_at", row->requested_at);
    json_field_text(writer, "state", slice_of(state_names[row->state]));
    json_field_int64(writer, "approvals", row->approvals);
}

/* ---- Of one person, for the dossier: with what each hand decided */

static bool put_decisions(struct sql *sql, int64_t override_no, struct json_writer *writer,
                          struct arena *arena, struct error *err)
{
    struct sql_query *query;
    struct slice words = SLICE("");
    bool row = false;
    bool done = sql_begin(sql, &decisions_select, SQL_ARGUMENTS(sql_int(override_no)), &query, err);
    json_key(writer, "decisions");
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (!sql_is_null(query, 2) &&
            !(done = redress_decrypt(sql, WORDS_OF_REFUSAL, override_no, sql_get_blob(query, 2),
                                     arena, &words, err)))
            break;
        json_object_begin(writer);
        json_field_text(writer, "name", sql_get_text(query, 0));
        json_field_bool(writer, "approves", sql_get_int(query, 1) != 0);
        json_field_text(writer, "words", sql_is_null(query, 2) ? SLICE("") : words);
        json_field_time(writer, "decided_at", sql_get_int(query, 3));
        json_object_end(writer);
    }
    if (!done && row)
        sql_end(query);
    json_array_end(writer);
    return done;
}

bool override_write_of_person(const struct request *request, struct sql *sql, int64_t person,
                              struct json_writer *writer, struct error *err)
{
    struct override_row *rows = arena_alloc(request->arena, REDRESS_SHOWN * sizeof *rows);
    struct sql_query *query;
    size_t count = 0;
    bool found = false;
    bool done = sql_begin(sql, &override_of_person,
                          SQL_ARGUMENTS(sql_int(person), sql_int(REDRESS_SHOWN)), &query, err);
    while (done && (done = sql_next(query, &found, err)) && found &&
           (done = read_row(sql, query, request->arena, &rows[count], err)))
        count++;
    if (!done && found)
        sql_end(query);
    for (size_t i = 0; done && i < count; i++) {
        json_object_begin(writer);
        put_row(writer, request, &rows[i]);
        done = put_decisions(sql, rows[i].no, writer, request->arena, err);
        json_object_end(writer);
    }
    return done;
}

/* ---- The list */

static bool list_rows(const struct request *request, struct sql *sql, int64_t state,
                      struct json_writer *writer, struct redress_seen *seen, struct error *err)
{
    struct sql_query *query;
    struct override_row row = {.no = 0};
    int64_t after, limit;
    bool found;
    char cursor[32];
    if (!request_cursor(request, &after, err) || !request_limit(request, &limit, err) ||
        !sql_begin(sql, &override_page,
                   SQL_ARGUMENTS(sql_int(state), sql_int(after),
                                 sql_int(request->actor.area_first),
                                 sql_int(request->actor.area_last), sql_int(limit)),
                   &query, err))
        return false;
    redress_seen_init(seen, request, limit);
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (;;) {
        if (!sql_next(query, &found, err))
            return false;
        if (!found)
            break;
        if (!read_row(sql, query, request->arena, &row, err)) {
            sql_end(query);
            return false;
        }
        seen->persons[seen->count++] = (uint32_t)row.person;
        json_object_begin(writer);
        put_row(writer, request, &row);
        json_object_end(writer);
    }
    json_array_end(writer);
    cursor_format(row.no, cursor);
    if ((int64_t)seen->count == limit)
        json_field_text(writer, "next", slice_of(cursor));
    else
        json_field_null(writer, "next");
    json_object_end(writer);
    return true;
}

bool override_handle_list(const struct request *request, struct response *response,
                          struct error *err)
{
    struct slice text = request_query(request, "state");
    int64_t state = STATE_OPEN;
    struct redress_seen seen;
    struct json_writer writer;
    struct sql *sql;
    while (text.data && state < STATES && !slice_equal(text, slice_of(state_names[state])))
        state++;
    if (state == STATES)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "state"},
                         "open, approved or refused", "no such state");
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done = list_rows(request, sql, state, &writer, &seen, err);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done && redress_seen_record(&seen, "override.list", err);
}
