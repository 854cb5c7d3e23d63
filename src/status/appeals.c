/* Appeals: a person's own words against a status, a clock, and a decision in words by someone
 * who had no hand in it. A granted appeal names the annulment or override that is to follow and
 * shows whether it did; it changes no status itself. */
#include "access/access.h"
#include "policy/permissions.h"
#include "status/redress.h"

#define APPEAL_COLUMNS                                                                             \
    "appeal_no, person_no, area_no, about_no, words, filed_at, due_at, state, decided_at,"         \
    " decision_words, follows, follows_of"
static const struct sql_text appeal_insert = {
    "appeal_insert",
    "INSERT INTO appeal (appeal_no, person_no, area_no, about_no, words, filed_at, due_at,"
    " overdue_told, state, follows_of) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)",
    "primary key"};
static const struct sql_text appeal_last = {
    "appeal_last", "SELECT max(appeal_no) FROM appeal", "primary key"};
static const struct sql_text appeal_open_count = {
    "appeal_open_count", "SELECT count(*) FROM appeal WHERE person_no = ?1 AND state = 0",
    "appeal_by_person"};
static const struct sql_text appeal_own = {
    "appeal_own",
    "SELECT " APPEAL_COLUMNS " FROM appeal WHERE person_no = ?1 AND appeal_no > ?2"
    " ORDER BY appeal_no LIMIT ?3",
    "appeal_by_person"};
static const struct sql_text appeal_of_person = {
    "appeal_of_person",
    "SELECT " APPEAL_COLUMNS " FROM appeal WHERE person_no = ?1 ORDER BY appeal_no DESC LIMIT ?2",
    "appeal_by_person"};
static const struct sql_text appeal_page = {
    "appeal_page",
    "SELECT " APPEAL_COLUMNS " FROM appeal WHERE state = 0 AND due_at < ?1"
    " AND (due_at, appeal_no) > (coalesce((SELECT a.due_at FROM appeal a WHERE a.appeal_no = ?2),"
    " 0), ?2) AND area_no BETWEEN ?3 AND ?4 ORDER BY due_at, appeal_no LIMIT ?5",
    "appeal_by_due"};
static const struct sql_text appeal_select = {
    "appeal_select",
    "SELECT " APPEAL_COLUMNS " FROM appeal WHERE appeal_no = ?1 AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text appeal_update = {
    "appeal_update",
    "UPDATE appeal SET state = ?2, decided_at = ?3, decided_by = ?4, decision_words = ?5,"
    " follows = ?6, follows_of = ?7 WHERE appeal_no = ?1",
    "primary key"};
static const struct sql_text appeal_decider = {
    "appeal_decider", "SELECT decided_by FROM appeal WHERE appeal_no = ?1", "primary key"};
static const struct sql_text overdue_first = {
    "appeal_overdue_first",
    "SELECT min(due_at) FROM appeal WHERE overdue_told = 0 AND state = 0", "appeal_untold"};
static const struct sql_text overdue_select = {
    "appeal_overdue",
    "SELECT appeal_no, person_no, area_no FROM appeal"
    " WHERE overdue_told = 0 AND state = 0 AND due_at <= ?1 ORDER BY due_at LIMIT 1000",
    "appeal_untold"};
static const struct sql_text overdue_tell = {
    "appeal_overdue_tell", "UPDATE appeal SET overdue_told = 1 WHERE appeal_no = ?1",
    "primary key"};

const struct sql_list appeal_statements =
    SQL_LIST(&appeal_insert, &appeal_last, &appeal_open_count, &appeal_own, &appeal_page,
             &appeal_select, &appeal_update, &appeal_decider, &appeal_of_person, &overdue_first,
             &overdue_select, &overdue_tell);

enum { STATE_OPEN, STATE_GRANTED, STATE_REJECTED, STATES };
static const char *const state_names[STATES] = {"open", "granted", "rejected"};

struct appeal {
    int64_t no, person, area_no, about, filed_at, due_at, state, follows_of;
    timestamp decided_at;
    struct slice words, decision_words, follows; /* data NULL: none */
};

static bool read_row(struct sql *sql, struct sql_query *query, struct arena *arena,
                     struct appeal *ret_appeal, struct error *err)
{
    struct slice follows = sql_get_text(query, 10);
    *ret_appeal = (struct appeal){.no = sql_get_int(query, 0),
                                  .person = sql_get_int(query, 1),
                                  .area_no = sql_get_int(query, 2),
                                  .about = sql_get_int(query, 3),
                                  .filed_at = sql_get_int(query, 5),
                                  .due_at = sql_get_int(query, 6),
                                  .state = sql_get_int(query, 7),
                                  .decided_at = sql_get_time(query, 8),
                                  .follows_of = sql_get_int(query, 11)};
    if (follows.data)
        ret_appeal->follows = slice_of(arena_copy(arena, follows.data, follows.length));
    if (ret_appeal->state >= STATES)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "appeal"},
                         "a state of this program", "appeal %lld", (long long)ret_appeal->no);
    return redress_decrypt(sql, WORDS_OF_APPEAL, ret_appeal->no, sql_get_blob(query, 4), arena,
                           &ret_appeal->words, err) &&
           (sql_is_null(query, 9) ||
            redress_decrypt(sql, WORDS_OF_DECISION, ret_appeal->no, sql_get_blob(query, 9), arena,
                            &ret_appeal->decision_words, err));
}

static void put_text_or_null(struct json_writer *writer, const char *key, struct slice text)
{
    if (text.data)
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

static void put_fields(struct json_writer *writer, const struct appeal *appeal, timestamp now)
{
    bool overdue = appeal->state == STATE_OPEN && appeal->due_at <= now;
    json_field_int64(writer, "id", appeal->no);
    put_number_or_null(writer, "about", appeal->about);
    put_text_or_null(writer, "words", appeal->words);
    json_field_time(writer, "filed_at", appeal->filed_at);
    json_field_time(writer, "due_at", appeal->due_at);
    json_field_bool(writer, "overdue", overdue);
    json_field_text(writer, "state", slice_of(state_names[appeal->state]));
    json_field_time(writer, "decided_at", appeal->decided_at);
    put_text_or_null(writer, "decision_words", appeal->decision_words);
    put_text_or_null(writer, "follows", appeal->follows);
    put_number_or_null(writer, "follows_of", appeal->follows_of);
}

/* ---- Events. What the scene `appeal` counts: who has several open appeals has one loop, and only
 * the last decision lets it go on. */

static bool emit_filed(struct sql *sql, struct platform *platform, const struct appeal *appeal,
                       struct error *err)
{
    char payload[160], filed[TIME_TEXT_BYTES];
    struct status_entry status = status_get(
        platform->status, (struct person_no){(uint32_t)appeal->person}, appeal->filed_at);
    snprintf(payload, sizeof payload,
             "{\"id\":%lld,\"appeal_no\":\"%lld\",\"color\":\"%s\",\"filed_at\":\"%s\"}",
             (long long)appeal->no, (long long)appeal->no, color_name((enum color)status.color),
             time_format(appeal->filed_at, filed));
    return redress_emit_with(sql, "appeal.filed", appeal->person, appeal->area_no, payload, err);
}

static bool emit_decided(struct sql *sql, const struct appeal *appeal, struct error *err)
{
    char payload[200], decided[TIME_TEXT_BYTES];
    int64_t open;
    bool annul = appeal->follows.data && slice_equal(appeal->follows, SLICE("annul"));
    if (!sql_one_int(sql, &appeal_open_count, SQL_ARGUMENTS(sql_int(appeal->person)), 0, &open,
                     err))
        return false;
    snprintf(payload, sizeof payload,
             "{\"id\":%lld,\"appeal_no\":\"%lld\",\"decision\":\"%s\",\"decided_at\":\"%s\","
             "\"still_open\":%lld}",
             (long long)appeal->no, (long long)appeal->no,
             appeal->state == STATE_REJECTED ? "upheld"
             : annul                         ? "wrong_evidence"
                                             : "override",
             time_format(appeal->decided_at, decided), (long long)open);
    return redress_emit_with(sql, "appeal.decided", appeal->person, appeal->area_no, payload, err);
}

/* ---- POST /me/appeals; with `member` for someone whom the holder represents */

struct filing {
    const struct request *request;
    struct appeal appeal;
};

static bool about_own_evidence(struct sql *sql, const struct appeal *appeal, struct error *err)
{
    int64_t owner = 0;
    if (!appeal->about)
        return true;
    if (!sql_one_int(sql, &evidence_owner_text, SQL_ARGUMENTS(sql_int(appeal->about)), 0, &owner,
                     err))
        return false;
    return owner == appeal->person ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "about"},
                     "the number of a notice of yours", "no such notice");
}

static bool file_job(struct sql *sql, void *context, struct error *err)
{
    struct filing *filing = context;
    struct appeal *appeal = &filing->appeal;
    const struct policy *policy = filing->request->platform->policy;
    int64_t open, own = filing->request->actor.person_no;
    bool known, is_own = appeal->person == own;
    if ((!is_own && !status_represent(sql, filing->request, "appeal.file", appeal->person, "",
                                      err)) ||
        !evidence_person_area(sql, (struct person_no){(uint32_t)appeal->person}, &appeal->area_no,
                              &known, err) ||
        (!known && !evidence_no_such_person(err)) || !about_own_evidence(sql, appeal, err) ||
        !sql_one_int(sql, &appeal_open_count, SQL_ARGUMENTS(sql_int(appeal->person)), 0, &open,
                     err) ||
        !sql_one_int(sql, &appeal_last, NULL, 0, 0, &appeal->no, err))
        return false;
    if (open >= policy_number(policy, NUMBER_APPEALS_OPEN))
        return error_set(err, ERROR_CONFLICT, (struct error_place){.source = "appeals"},
                         "fewer open appeals: those you have are being answered",
                         "%lld appeals are open", (long long)open);
    appeal->no++;
    appeal->filed_at = sql_now(sql);
    appeal->due_at = appeal->filed_at + policy_number(policy, NUMBER_APPEAL_HOURS) * HOUR;
    struct slice words = redress_encrypt(sql, WORDS_OF_APPEAL, appeal->no, appeal->words,
                                         filing->request->arena);
    return sql_run(sql, &appeal_insert,
                   SQL_ARGUMENTS(sql_int(appeal->no), sql_int(appeal->person),
                                 sql_int(appeal->area_no), sql_int(appeal->about),
                                 sql_blob(words), sql_int(appeal->filed_at),
                                 sql_int(appeal->due_at)),
                   err) &&
           (!is_own || redress_audit(sql, filing->request, "appeal.file", own, "", err)) &&
           emit_filed(sql, filing->request->platform, appeal, err);
}

static void put_appeal(const struct request *request, const struct appeal *appeal,
                       struct response *response)
{
    struct json_writer writer;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_fields(&writer, appeal, world_now(request->platform->world));
    json_object_end(&writer);
    json_writer_release(&writer);
}

bool appeal_handle_file(const struct request *request, struct response *response,
                        struct error *err)
{
    static const char *const fields[] = {"words", "about", "member", NULL};
    struct filing filing = {request, {.person = request->actor.person_no,
                                      .decided_at = TIMESTAMP_NONE}};
    int64_t member;
    json_t *body;
    if (!request_json(request, &body, err) ||
        !json_only_fields(body, fields, (struct json_place){.source = "body"}, err) ||
        !redress_words(body, "words", &filing.appeal.words, err) ||
        !json_int64(body, "about", (struct json_place){.source = "body"}, 1, INT64_MAX,
                    &filing.appeal.about, err) ||
        !json_int64(body, "member", (struct json_place){.source = "body"}, 1, UINT32_MAX, &member,
                    err))
        return false;
    if (member)
        filing.appeal.person = member;
    if (!store_write(request->platform->store, file_job, &filing, err))
        return false;
    put_appeal(request, &filing.appeal, response);
    response->status = 201;
    return true;
}

/* ---- Lists */

/* The piece that followed a granted appeal; 0 where none did yet. */
static int64_t followed_by(const struct appeal *appeal, const struct evidence *pieces,
                           size_t count)
{
    bool annul = appeal->follows.data && slice_equal(appeal->follows, SLICE("annul"));
    for (size_t i = 0; appeal->state == STATE_GRANTED && i < count; i++) {
        const struct evidence *piece = &pieces[i];
        bool fits = annul ? piece->kind == EVIDENCE_ANNUL && piece->of == appeal->follows_of
                          : piece->kind == EVIDENCE_OVERRIDE;
        if (fits && piece->recorded_at >= appeal->decided_at)
            return piece->no;
    }
    return 0;
}

/* What one list shows: the holder's own (with what followed), or an officer's (with who it is). */
struct listing {
    const struct request *request;
    struct sql *sql;
    struct json_writer writer;
    const struct evidence *pieces;
    size_t piece_count;
    int64_t limit;
    struct redress_seen seen;
    bool own;
};

static void put_item(struct listing *listing, const struct appeal *appeal, timestamp now)
{
    struct json_writer *writer = &listing->writer;
    json_object_begin(writer);
    put_fields(writer, appeal, now);
    if (listing->own) {
        put_number_or_null(writer, "followed_by",
                           followed_by(appeal, listing->pieces, listing->piece_count));
    } else {
        json_field_int64(writer, "person_no", appeal->person);
        redress_home(writer, listing->request, appeal->area_no);
    }
    json_object_end(writer);
}

static bool put_items(struct listing *listing, struct sql_query *query, struct error *err)
{
    struct json_writer *writer = &listing->writer;
    timestamp now = world_now(listing->request->platform->world);
    struct appeal appeal = {.no = 0};
    char cursor[32];
    bool row;
    redress_seen_init(&listing->seen, listing->request, listing->limit);
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        if (!read_row(listing->sql, query, listing->request->arena, &appeal, err)) {
            sql_end(query);
            return false;
        }
        listing->seen.persons[listing->seen.count++] = (uint32_t)appeal.person;
        put_item(listing, &appeal, now);
    }
    json_array_end(writer);
    cursor_format(appeal.no, cursor);
    if ((int64_t)listing->seen.count == listing->limit)
        json_field_text(writer, "next", slice_of(cursor));
    else
        json_field_null(writer, "next");
    json_object_end(writer);
    return true;
}

/* Of one person, for the dossier. Their words are for who decides or carries out. */
bool appeal_write_of_person(const struct request *request, struct sql *sql, int64_t person,
                            struct json_writer *writer, struct error *err)
{
    const uint64_t hands =
        PERMISSION_BIT(PERMIT_APPEAL_DECIDE) | PERMISSION_BIT(PERMIT_EVIDENCE_WRITE);
    timestamp now = world_now(request->platform->world);
    struct sql_query *query;
    struct evidence *pieces;
    struct appeal appeal;
    size_t count;
    bool row = false;
    if (!evidence_of_person(sql, (struct person_no){(uint32_t)person}, request->arena, &pieces,
                            &count, err) ||
        !sql_begin(sql, &appeal_of_person, SQL_ARGUMENTS(sql_int(person), sql_int(REDRESS_SHOWN)),
                   &query, err))
        return false;
    bool done = true;
    while (done && (done = sql_next(query, &row, err)) && row &&
           (done = read_row(sql, query, request->arena, &appeal, err))) {
        if (!(request->actor.permissions & hands))
            appeal.words = (struct slice){NULL, 0};
        json_object_begin(writer);
        put_fields(writer, &appeal, now);
        put_number_or_null(writer, "followed_by", followed_by(&appeal, pieces, count));
        json_object_end(writer);
    }
    if (!done && row)
        sql_end(query);
    return done;
}

static bool list_own(struct listing *listing, int64_t after, struct error *err)
{
    const struct request *request = listing->request;
    struct sql_query *query;
    struct evidence *pieces;
    if (!evidence_of_person(listing->sql, (struct person_no){request->actor.person_no},
                            request->arena, &pieces, &listing->piece_count, err))
        return false;
    listing->pieces = pieces;
    return sql_begin(listing->sql, &appeal_own,
                     SQL_ARGUMENTS(sql_int(request->actor.person_no), sql_int(after),
                                   sql_int(listing->limit)),
                     &query, err) &&
           put_items(listing, query, err);
}

static bool list_open(struct listing *listing, int64_t after, struct error *err)
{
    const struct request *request = listing->request;
    struct slice overdue = request_query(request, "overdue");
    struct sql_query *query;
    timestamp before = TIMESTAMP_NEVER;
    if (overdue.data && slice_equal(overdue, SLICE("true")))
        before = world_now(request->platform->world) + 1;
    else if (overdue.data && !slice_equal(overdue, SLICE("false")))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "overdue"},
                         "true or false", "neither");
    return sql_begin(listing->sql, &appeal_page,
                     SQL_ARGUMENTS(sql_int(before), sql_int(after),
                                   sql_int(request->actor.area_first),
                                   sql_int(request->actor.area_last), sql_int(listing->limit)),
                     &query, err) &&
           put_items(listing, query, err);
}

static bool list(struct listing *listing, struct response *response, struct error *err)
{
    struct store *store = listing->request->platform->store;
    int64_t after;
    if (!request_cursor(listing->request, &after, err) ||
        !request_limit(listing->request, &listing->limit, err) ||
        !store_read_begin(store, &listing->sql, err))
        return false;
    json_writer_init(&listing->writer, &response->body);
    bool done =
        listing->own ? list_own(listing, after, err) : list_open(listing, after, err);
    json_writer_release(&listing->writer);
    store_read_end(store, listing->sql);
    return done;
}

bool appeal_handle_own(const struct request *request, struct response *response,
                       struct error *err)
{
    struct listing listing = {.request = request, .own = true};
    return list(&listing, response, err);
}

bool appeal_handle_list(const struct request *request, struct response *response,
                        struct error *err)
{
    struct listing listing = {.request = request};
    return list(&listing, response, err) && redress_seen_record(&listing.seen, "appeal.list", err);
}

/* ---- POST /appeals/{id}/decision */

struct deciding {
    const struct request *request;
    struct slice words;
    int64_t state, of;
    const char *follows; /* NULL where rejected */
    struct appeal appeal;
};

static bool refuse(struct error *err, enum error_code code, const char *expected, const char *what)
{
    return error_set(err, code, (struct error_place){.source = "appeal"}, expected, "%s", what);
}

static bool had_a_hand(const struct evidence *piece, struct slice name)
{
    bool had = slice_equal(piece->requester, name);
    for (size_t i = 0; i < piece->approver_count; i++)
        had |= slice_equal(piece->approvers[i], name);
    return piece->kind == EVIDENCE_OVERRIDE && had;
}

/* Nobody has a hand in an appeal of their own. */
static bool is_another(struct sql *sql, const struct request *request, const struct appeal *appeal,
                       struct error *err)
{
    int64_t person_no;
    if (!access_user_person(sql, request->actor.user_no, &person_no, err))
        return false;
    return !person_no || person_no != appeal->person ||
           refuse(err, ERROR_REFUSED, "another than the one who appeals",
                  "nobody decides about themselves");
}

/* Who recorded what the appeal is about (any of it, where it is about the status as a whole)
 * does not decide. */
static bool stands_apart(struct sql *sql, struct deciding *deciding, struct error *err)
{
    const struct appeal *appeal = &deciding->appeal;
    struct slice name = slice_of(deciding->request->actor.name);
    struct evidence *pieces;
    size_t count;
    if (!is_another(sql, deciding->request, appeal, err) ||
        !evidence_of_person(sql, (struct person_no){(uint32_t)appeal->person},
                            deciding->request->arena, &pieces, &count, err))
        return false;
    bool found = !deciding->of;
    for (size_t i = 0; i < count; i++) {
        found |= pieces[i].no == deciding->of;
        if ((!appeal->about || pieces[i].no == appeal->about) && had_a_hand(&pieces[i], name))
            return refuse(err, ERROR_REFUSED, "someone who had no hand in it",
                          "who recorded the evidence does not decide about it");
    }
    return found || error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "of"},
                              "a piece of evidence about this person", "no such piece");
}

static bool find_row(struct sql *sql, const struct request *request, struct appeal *appeal,
                     struct error *err)
{
    struct sql_query *query;
    int64_t no;
    bool row;
    if (!redress_number(request, &no, err) ||
        !sql_begin(sql, &appeal_select,
                   SQL_ARGUMENTS(sql_int(no), sql_int(request->actor.area_first),
                                 sql_int(request->actor.area_last)),
                   &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "an appeal of your area", "no such appeal");
    bool done = read_row(sql, query, request->arena, appeal, err);
    sql_end(query);
    return done;
}

static bool decide_job(struct sql *sql, void *context, struct error *err)
{
    struct deciding *deciding = context;
    const struct request *request = deciding->request;
    struct appeal *appeal = &deciding->appeal;
    if (!find_row(sql, request, appeal, err))
        return false;
    if (appeal->state != STATE_OPEN)
        return refuse(err, ERROR_CONFLICT, "an open appeal", "it was decided before");
    if (deciding->follows && strcmp(deciding->follows, "annul") == 0 && !deciding->of)
        deciding->of = appeal->about;
    if (deciding->follows && strcmp(deciding->follows, "annul") == 0 && !deciding->of)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "of"},
                         "the number of the piece that is to be annulled", "missing");
    if (!stands_apart(sql, deciding, err))
        return false;
    appeal->state = deciding->state;
    appeal->decided_at = sql_now(sql);
    appeal->decision_words = deciding->words;
    appeal->follows = slice_of(deciding->follows);
    appeal->follows_of = deciding->of;
    struct slice words =
        redress_encrypt(sql, WORDS_OF_DECISION, appeal->no, deciding->words, request->arena);
    return sql_run(sql, &appeal_update,
                   SQL_ARGUMENTS(sql_int(appeal->no), sql_int(appeal->state),
                                 sql_int(appeal->decided_at),
                                 sql_text(slice_of(request->actor.name)), sql_blob(words),
                                 sql_text(appeal->follows), sql_int(appeal->follows_of)),
                   err) &&
           redress_audit(sql, request, "appeal.decide", appeal->person, "words", err) &&
           emit_decided(sql, appeal, err);
}

static bool read_decision(json_t *body, struct deciding *deciding, struct error *err)
{
    static const char *const fields[] = {"decision", "words", "follows", "of", NULL};
    static const char *const acts[] = {"annul", "override"};
    struct json_place must = {.source = "body", .required = true}, may = {.source = "body"};
    struct slice decision, follows;
    if (!json_only_fields(body, fields, must, err) ||
        !json_text(body, "decision", must, &decision, err) ||
        !redress_words(body, "words", &deciding->words, err) ||
        !json_text(body, "follows", may, &follows, err) ||
        !json_int64(body, "of", may, 1, INT64_MAX, &deciding->of, err))
        return false;
    deciding->state = slice_equal(decision, SLICE("granted")) ? STATE_GRANTED : STATE_REJECTED;
    if (deciding->state == STATE_REJECTED && !slice_equal(decision, SLICE("rejected")))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "decision"},
                         "granted or rejected", "neither");
    for (size_t i = 0; i < 2; i++)
        if (follows.data && slice_equal(follows, slice_of(acts[i])))
            deciding->follows = acts[i];
    bool granted = deciding->state == STATE_GRANTED;
    return (granted ? deciding->follows != NULL : !follows.data && !deciding->of) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "follows"},
                     "annul or override where granted, nothing where rejected",
                     "a decision changes no status: it names what is to follow");
}

bool appeal_handle_decide(const struct request *request, struct response *response,
                          struct error *err)
{
    struct deciding deciding = {.request = request};
    json_t *body;
    if (!request_json(request, &body, err) || !read_decision(body, &deciding, err) ||
        !store_write(request->platform->store, decide_job, &deciding, err))
        return false;
    put_appeal(request, &deciding.appeal, response);
    return true;
}

/* ---- POST /appeals/{id}/annulment: the piece that a granted appeal names, by another hand */

struct annulling {
    const struct request *request;
    struct appeal appeal;
};

/* Who decided does not carry it out. */
static bool another_hand(struct sql *sql, const struct annulling *annulling, struct error *err)
{
    struct sql_query *query;
    char decider[ACCESS_NAME_BYTES] = "";
    int64_t decider_no;
    bool row, same;
    if (!sql_begin(sql, &appeal_decider, SQL_ARGUMENTS(sql_int(annulling->appeal.no)), &query,
                   err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        text_copy(decider, sizeof decider, sql_get_text(query, 0));
        sql_end(query);
    }
    if (!access_user_by_name(sql, slice_of(decider), &decider_no, err) ||
        !access_same_human(sql, decider_no, annulling->request->actor.user_no, &same, err) ||
        !is_another(sql, annulling->request, &annulling->appeal, err))
        return false;
    return !same || refuse(err, ERROR_REFUSED, "somebody else than who decided",
                           "who grants an appeal does not annul the evidence");
}

static bool annul_job(struct sql *sql, void *context, struct error *err)
{
    struct annulling *annulling = context;
    const struct request *request = annulling->request;
    struct appeal *appeal = &annulling->appeal;
    struct evidence *pieces;
    size_t count;
    int64_t no;
    if (!find_row(sql, request, appeal, err) || !another_hand(sql, annulling, err))
        return false;
    struct person_no person = {(uint32_t)appeal->person};
    if (appeal->state != STATE_GRANTED || !slice_equal(appeal->follows, SLICE("annul")))
        return refuse(err, ERROR_CONFLICT, "a granted appeal that an annulment follows",
                      "no annulment follows it");
    if (!evidence_of_person(sql, person, request->arena, &pieces, &count, err))
        return false;
    if (followed_by(appeal, pieces, count))
        return refuse(err, ERROR_CONFLICT, "an appeal that waits for it", "it is annulled already");
    struct evidence piece = {.kind = EVIDENCE_ANNUL,
                             .recorded_at = sql_now(sql),
                             .at = sql_now(sql),
                             .until = TIMESTAMP_NONE,
                             .of = appeal->follows_of};
    return evidence_add(sql, person, appeal->area_no, &piece, SLICE(""), &no, err) &&
           redress_audit(sql, request, "appeal.annul", appeal->person, "evidence", err) &&
           redress_emit(sql, "appeal.followed", appeal->person, appeal->area_no, appeal->no, err);
}

bool appeal_handle_annul(const struct request *request, struct response *response,
                         struct error *err)
{
    struct annulling annulling = {.request = request};
    if (!store_write(request->platform->store, annul_job, &annulling, err))
        return false;
    put_appeal(request, &annulling.appeal, response);
    return true;
}

/* ---- The clock */

static bool tell_job(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &overdue_select, SQL_ARGUMENTS(sql_int(sql_now(sql))), &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        int64_t no = sql_get_int(query, 0);
        if (!redress_emit(sql, "appeal.overdue", sql_get_int(query, 1), sql_get_int(query, 2), no,
                          err) ||
            !sql_run(sql, &overdue_tell, SQL_ARGUMENTS(sql_int(no)), err)) {
            sql_end(query);
            return false;
        }
    }
}

bool appeals_tick(struct platform *platform, struct error *err)
{
    struct sql *sql;
    int64_t first;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &overdue_first, NULL, 0, INT64_MAX, &first, err);
    store_read_end(platform->store, sql);
    return done && (first > world_now(platform->world) ||
                    store_write(platform->store, tell_job, NULL, err));
}
