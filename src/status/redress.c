/* What overrides, notices and appeals share; and the notices: what was done to a person's
 * status. */
#include "status/redress.h"

#include "access/access.h"
#include "access/shown.h"
#include "policy/permissions.h"
#include "registry/registry.h"

enum { NOTICES_MAX = 200 };

static const struct sql_text appeal_of_piece = {
    "appeal_of_piece",
    "SELECT max(appeal_no) FROM appeal WHERE person_no = ?1 AND about_no = ?2", "appeal_by_person"};

/* The words of people, for a rotation of the key that they lie under. */
#define WORDS_BLOCK(table, number, column)                                                         \
    "SELECT " number ", " column " FROM " table " WHERE " number " > ?1 AND " column               \
    " IS NOT NULL ORDER BY " number " LIMIT ?2"
#define WORDS_REPLACE(table, number, column)                                                       \
    "UPDATE " table " SET " column " = ?2 WHERE " number " = ?1"
static const struct sql_text override_words = {
    "override_words", WORDS_BLOCK("override_request", "override_no", "words"), "primary key"};
static const struct sql_text override_words_replace = {
    "override_words_replace", WORDS_REPLACE("override_request", "override_no", "words"),
    "primary key"};
static const struct sql_text appeal_words = {
    "appeal_words", WORDS_BLOCK("appeal", "appeal_no", "words"), "primary key"};
static const struct sql_text appeal_words_replace = {
    "appeal_words_replace", WORDS_REPLACE("appeal", "appeal_no", "words"), "primary key"};
static const struct sql_text decision_words = {
    "decision_words", WORDS_BLOCK("appeal", "appeal_no", "decision_words"), "primary key"};
static const struct sql_text decision_words_replace = {
    "decision_words_replace", WORDS_REPLACE("appeal", "appeal_no", "decision_words"),
    "primary key"};

static const struct sql_text refusal_words = {
    "refusal_words",
    "SELECT override_no, words FROM override_decision WHERE override_no > ?1 AND approves = 0"
    " AND words IS NOT NULL ORDER BY override_no LIMIT ?2",
    "primary key"};
static const struct sql_text refusal_words_replace = {
    "refusal_words_replace",
    "UPDATE override_decision SET words = ?2 WHERE override_no = ?1 AND approves = 0",
    "primary key"};
/* What is left of before they were encrypted. */
static const struct sql_text refusal_plain = {
    "refusal_plain",
    "SELECT override_no, plain_words FROM override_decision WHERE plain_words <> ''"
    " ORDER BY override_no LIMIT ?1",
    "whole index override_decision_plain: nothing, but for once"};
static const struct sql_text refusal_encrypt = {
    "refusal_encrypt",
    "UPDATE override_decision SET words = ?2, plain_words = '' WHERE override_no = ?1"
    " AND approves = 0",
    "primary key"};

const struct sql_list redress_statements =
    SQL_LIST(&appeal_of_piece, &override_words, &override_words_replace, &appeal_words,
             &appeal_words_replace, &decision_words, &decision_words_replace, &refusal_words,
             &refusal_words_replace, &refusal_plain, &refusal_encrypt);

#define WORDS_ROW(kind) ((int64_t)(kind) << WORDS_SHIFT)
const struct cipher_column redress_ciphers[REDRESS_CIPHERS] = {
    {"override_request.words", KEY_IDENTITY, WORDS_ROW(WORDS_OF_OVERRIDE), &override_words,
     &override_words_replace},
    {"appeal.words", KEY_IDENTITY, WORDS_ROW(WORDS_OF_APPEAL), &appeal_words,
     &appeal_words_replace},
    {"appeal.decision_words", KEY_IDENTITY, WORDS_ROW(WORDS_OF_DECISION), &decision_words,
     &decision_words_replace},
    {"override_decision.words", KEY_IDENTITY, WORDS_ROW(WORDS_OF_REFUSAL), &refusal_words,
     &refusal_words_replace},
};
const struct plain_column redress_plains[REDRESS_PLAINS] = {
    {&redress_ciphers[3], &refusal_plain, &refusal_encrypt},
};

static int64_t words_row(enum redress_words kind, int64_t no)
{
    return WORDS_ROW(kind) | no;
}

struct slice redress_encrypt(const struct sql *sql, enum redress_words kind, int64_t no,
                             struct slice plain, struct arena *arena)
{
    return field_encrypt(sql_keys(sql), KEY_IDENTITY, words_row(kind, no), plain, arena);
}

bool redress_decrypt(const struct sql *sql, enum redress_words kind, int64_t no,
                     struct slice cipher, struct arena *arena, struct slice *ret_plain,
                     struct error *err)
{
    return field_decrypt(sql_keys(sql), KEY_IDENTITY, words_row(kind, no), cipher, arena,
                         ret_plain, err);
}

bool redress_words(json_t *body, const char *field, struct slice *ret_words, struct error *err)
{
    struct json_place place = {.source = "body", .required = true};
    struct slice words;
    if (!json_text(body, field, place, &words, err))
        return false;
    words = slice_trim(words);
    if (!words.length || words.length > REDRESS_WORDS_MAX)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field},
                         "1 to 2000 bytes of words", words.length ? "too long" : "empty");
    *ret_words = words;
    return true;
}

bool redress_number(const struct request *request, int64_t *ret_no, struct error *err)
{
    return slice_to_int64(request->parameters[0], 1, ((int64_t)1 << WORDS_SHIFT) - 1, ret_no) ||
           error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                     "a number of a list of yours", "there is none of that number");
}

bool redress_audit(struct sql *sql, const struct request *request, const char *act,
                   int64_t person, const char *fields, struct error *err)
{
    struct audit_entry entry = {.actor = slice_of(request->actor.name),
                                .act = slice_of(act),
                                .purpose = request->purpose,
                                .subject_no = person,
                                .count = 1,
                                .fields = slice_of(fields)};
    return audit_append(sql, &entry, sql_now(sql), err);
}

/* ---- What lists show of persons */

void redress_seen_init(struct redress_seen *seen, const struct request *request, int64_t limit)
{
    *seen = (struct redress_seen){
        .request = request,
        .persons = arena_alloc(request->arena, (size_t)limit * sizeof *seen->persons)};
}

bool redress_seen_record(const struct redress_seen *seen, const char *act, struct error *err)
{
    const struct request *request = seen->request;
    struct slice shown = shown_names(request->actor.reads, FIELD_BIT(FIELD_HOME), request->arena);
    struct slice fields = slice_of(arena_print(request->arena, "%.*s,words", SLICE_ARG(shown)));
    return access_opened(request, act, 0, seen->persons, seen->count, fields, err);
}

void redress_home(struct json_writer *writer, const struct request *request, int64_t area_no)
{
    const struct area *area = registry_area(request->platform->registry, area_no);
    struct slice home = {NULL, 0};
    if (area)
        home = shown_field(request->actor.reads, FIELD_HOME, area->code, request->arena);
    if (home.data)
        json_field_text(writer, "area", home);
    else
        json_field_null(writer, "area");
}

/* ---- Refusals and events */

struct refusal {
    const struct request *request;
    const char *act;
    int64_t person;
    const char *why;
};

static bool refusal_job(struct sql *sql, void *context, struct error *err)
{
    const struct refusal *refusal = context;
    return redress_audit(sql, refusal->request, refusal->act, refusal->person, refusal->why, err);
}

bool redress_refused(const struct request *request, const char *act, int64_t person,
                     struct error *err)
{
    struct error failure;
    struct refusal refusal = {request, act, person, err->what};
    bool theirs = error_kind(err->code)->http_status < 500;
    if (theirs && !store_write(request->platform->store, refusal_job, &refusal, &failure))
        *err = failure; /* without its trace nothing is answered */
    return false;
}

bool redress_emit(struct sql *sql, const char *kind, int64_t person, int64_t area_no, int64_t no,
                  struct error *err)
{
    char payload[40];
    snprintf(payload, sizeof payload, "{\"id\":%lld}", (long long)no);
    return redress_emit_with(sql, kind, person, area_no, payload, err);
}

bool redress_emit_with(struct sql *sql, const char *kind, int64_t person, int64_t area_no,
                       const char *payload, struct error *err)
{
    struct event event = {.kind = slice_of(kind),
                          .subject_no = person,
                          .area_no = area_no,
                          .at = sql_now(sql),
                          .payload = slice_of(payload)};
    return event_emit(sql, &event, err);
}

bool redress_follow(const struct request *request, struct error *err)
{
    return status_catch_up(request->platform->status, err);
}

/* ---- Notices: derived from the evidence, so that there is none that evidence does not bear,
 * and no piece that lowered or raised a status without one. */

/* The kind of office that a kind of evidence comes from. */
static struct words office_of(enum evidence_kind kind)
{
    static const struct words offices[EVIDENCE_KIND_COUNT] = {
        [EVIDENCE_INBOUND] = {"口岸与来常人员管理专班", "border and arrivals desk"},
        [EVIDENCE_AREA_STAY] = {"口岸与来常人员管理专班", "border and arrivals desk"},
        [EVIDENCE_RISK_AREA_RESIDENT] = {"疫情防控指挥部", "command centre"},
        [EVIDENCE_ZONE_RESIDENT] = {"疫情防控指挥部", "command centre"},
        [EVIDENCE_SYMPTOMS] = {"发热门诊", "fever clinic"},
        [EVIDENCE_ISOLATION_POST] = {"用人单位与指挥部", "employer and command centre"},
        [EVIDENCE_PCR] = {"核酸检测机构", "laboratory"},
        [EVIDENCE_OVERRIDE] = {"申请单位与两名审批人", "requesting office and two approvers"},
    };
    static const struct words others = {"疾病预防控制中心", "centre for disease control"};
    return offices[kind].zh ? offices[kind] : others;
}

/* The moment from which the piece may have worked. */
static timestamp beginning_of(const struct evidence *piece)
{
    timestamp from = piece->kind == EVIDENCE_PCR ? piece->until : piece->at;
    return from > piece->recorded_at ? from : piece->recorded_at;
}

static void put_words(struct json_writer *writer, const char *key, struct words words)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh));
    json_field_text(writer, "en", slice_of(words.en));
    json_object_end(writer);
}

static void put_notice(struct json_writer *writer, const struct evidence *piece,
                       const struct decision *decision, const struct decision_reason *reason,
                       timestamp from, int64_t hours, int64_t appeal_no)
{
    static const struct words how = {"您可以提出申诉，须在限时内书面答复", "You may appeal; the "
                                     "answer in words is due within the hours given"};
    json_object_begin(writer);
    json_field_int64(writer, "evidence", piece->no);
    json_field_text(writer, "kind", slice_of(evidence_form(piece->kind)->name));
    json_field_time(writer, "recorded_at", piece->recorded_at);
    json_field_time(writer, "from", from);
    json_field_text(writer, "status_then", slice_of(color_name(decision->color)));
    json_field_time(writer, "until", decision->until);
    json_field_text(writer, "rule", slice_of(reason->rule));
    put_words(writer, "why", reason->words);
    put_words(writer, "office", office_of(piece->kind));
    json_key(writer, "appeal");
    json_object_begin(writer);
    json_field_text(writer, "path", SLICE("/api/v1/me/appeals"));
    json_field_int64(writer, "about", piece->no);
    json_field_int64(writer, "answer_hours", hours);
    if (appeal_no)
        json_field_int64(writer, "filed", appeal_no);
    else
        json_field_null(writer, "filed");
    put_words(writer, "words", how);
    json_object_end(writer);
    json_object_end(writer);
}

/* Writes the piece's notice where it moved the status when it began. */
static bool notice_piece(const struct request *request, struct sql *sql,
                         const struct evidence *pieces, size_t count,
                         const struct evidence *piece, struct json_writer *writer,
                         struct error *err)
{
    struct platform *platform = request->platform;
    timestamp from = beginning_of(piece);
    const struct rule_set *rules = policy_rules_in_force(platform->policy, from);
    struct decision decision;
    int64_t appeal_no;
    bool condition = piece->kind == EVIDENCE_PCR && piece->detail == RESULT_NEGATIVE;
    if (!rules || condition || from > world_now(platform->world))
        return true;
    policy_decide(rules, pieces, count, from, true, request->arena, &decision);
    for (size_t i = 0; i < decision.reason_count; i++)
        if (decision.reasons[i].evidence == piece->no) {
            if (!sql_one_int(sql, &appeal_of_piece,
                             SQL_ARGUMENTS(sql_int(request->actor.person_no), sql_int(piece->no)),
                             0, &appeal_no, err))
                return false;
            put_notice(writer, piece, &decision, &decision.reasons[i], from,
                       policy_number(platform->policy, NUMBER_APPEAL_HOURS), appeal_no);
            return true;
        }
    return true;
}

static bool write_notices(const struct request *request, struct sql *sql,
                          struct json_writer *writer, struct error *err)
{
    struct evidence *pieces;
    size_t count;
    int64_t after, limit, next = 0, shown = 0;
    if (!request_cursor(request, &after, err) || !request_limit(request, &limit, err) ||
        !evidence_of_person(sql, (struct person_no){request->actor.person_no}, request->arena,
                            &pieces, &count, err))
        return false;
    limit = limit < NOTICES_MAX ? limit : NOTICES_MAX;
    json_object_begin(writer);
    json_key(writer, "items");
    json_array_begin(writer);
    for (size_t i = count; i > 0 && !next; i--) { /* the youngest first */
        if (after && pieces[i - 1].no >= after)
            continue;
        if (!notice_piece(request, sql, pieces, count, &pieces[i - 1], writer, err))
            return false;
        if (++shown == limit && i > 1)
            next = pieces[i - 1].no;
    }
    json_array_end(writer);
    char cursor[32];
    cursor_format(next, cursor);
    if (next)
        json_field_text(writer, "next", slice_of(cursor));
    else
        json_field_null(writer, "next");
    json_object_end(writer);
    return true;
}

bool notices_handle(const struct request *request, struct response *response, struct error *err)
{
    struct json_writer writer;
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    json_writer_init(&writer, &response->body);
    bool done = write_notices(request, sql, &writer, err);
    json_writer_release(&writer);
    store_read_end(request->platform->store, sql);
    return done;
}
