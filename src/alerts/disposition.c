/* What people found an alert to be, and others of its cause with it: once, by who may, with words.
 * A watch is no finding: the alert stays open, leaves the desk until its time, and comes back by
 * itself, or when its level rises. The loop about an alert moves as its scene lets the same hand
 * move it; where it does not, the answer says why, and the loop stays with its owner. */
#include "access/access.h"
#include "alerts/alerts_internal.h"
#include "loops/things.h"

enum { WORDS_BYTES_MAX = 2000, CAUSE_MEMBERS_MAX = 200 };

static const struct sql_text insert = {
    "alert_disposition_insert",
    "INSERT INTO alert_disposition (alert_no, verdict, words, user_no, at)"
    " VALUES (?1, ?2, ?3, ?4, ?5)",
    "primary key"};
static const struct sql_text mark = {
    "alert_judge", "UPDATE alert SET state = 1 WHERE alert_no = ?1", "primary key"};
static const struct sql_text watch_insert = {
    "alert_watch_insert",
    "INSERT INTO alert_watch (watch_no, alert_no, at, until, level, words, user_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "primary key"};
static const struct sql_text watch_last = {
    "alert_watch_last", "SELECT coalesce(max(watch_no), 0) FROM alert_watch", "primary key"};
static const struct sql_text watch_select = {
    "alert_watch_select",
    "SELECT watch_no, words, user_no, at, until FROM alert_watch WHERE alert_no = ?1 AND until = ?2"
    " ORDER BY at DESC LIMIT 1",
    "alert_watch_by_alert"};
static const struct sql_text watch_block = {
    "alert_watch_block",
    "SELECT watch_no, words FROM alert_watch WHERE watch_no > ?1 ORDER BY watch_no LIMIT ?2",
    "primary key"};
static const struct sql_text watch_replace = {
    "alert_watch_replace", "UPDATE alert_watch SET words = ?2 WHERE watch_no = ?1", "primary key"};
static const struct sql_text count_between = {
    "alert_disposition_count",
    "SELECT count(*) FROM alert_disposition d JOIN alert a ON a.alert_no = d.alert_no"
    " WHERE d.at >= ?1 AND d.at <= ?2 AND a.area_no BETWEEN ?3 AND ?4",
    "alert_disposition_by_time"};
static const struct sql_text select_one = {
    "alert_disposition_select",
    "SELECT verdict, words, user_no, at FROM alert_disposition WHERE alert_no = ?1", "primary key"};
static const struct sql_text block = {
    "alert_disposition_block",
    "SELECT alert_no, words FROM alert_disposition WHERE alert_no > ?1 ORDER BY alert_no LIMIT ?2",
    "primary key"};
static const struct sql_text replace = {
    "alert_disposition_replace", "UPDATE alert_disposition SET words = ?2 WHERE alert_no = ?1",
    "primary key"};

const struct sql_list disposition_statements =
    SQL_LIST(&insert, &mark, &watch_insert, &watch_last, &watch_select, &watch_block,
             &watch_replace, &count_between, &select_one, &block, &replace);
const struct cipher_column alert_ciphers[ALERT_CIPHERS] = {
    {"alert_disposition.words", KEY_IDENTITY, CIPHER_DISPOSITION, &block, &replace},
    {"alert_watch.words", KEY_IDENTITY, CIPHER_WATCH, &watch_block, &watch_replace}};

static const char *const to_stage[] = {
#define X(id, name, to, judgement) [id] = to,
    VERDICT_TABLE(X)
#undef X
};
static const char *const judgements[] = {
#define X(id, name, to, judgement) [id] = judgement,
    VERDICT_TABLE(X)
#undef X
};

/* ---- Recording */

struct recording {
    const struct request *request;
    int verdict;
    timestamp until; /* of a watch */
    struct slice words;
    int64_t nos[CAUSE_MEMBERS_MAX],
        loop_nos[CAUSE_MEMBERS_MAX]; /* the first is the one asked for */
    size_t count;
};

static bool refuse_judged(struct sql *sql, const struct recording *job, const struct alert *alert,
                          struct error *err)
{
    struct disposition known;
    char at[TIME_TEXT_BYTES];
    if (!disposition_read(sql, alert, false, job->request->arena, &known, err))
        return false;
    if (known.verdict < 0)
        return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "id"},
                         "an alert that nobody judged yet", "alert %lld has %s",
                         (long long)alert->no, alert_state_name(alert->state));
    return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "id"},
                     "an alert that nobody judged yet",
                     "alert %lld was judged already: %s, by %s at %s", (long long)alert->no,
                     verdict_name(known.verdict), known.by, time_format(known.at, at));
}

static bool take_alert(struct sql *sql, const struct recording *job, int64_t no,
                       struct alert *alert, struct error *err)
{
    const struct actor *actor = &job->request->actor;
    bool found;
    if (!alert_read(sql, no, TIMESTAMP_NONE, alert, &found, err))
        return false;
    if (!found || alert->area_no < actor->area_first || alert->area_no > actor->area_last)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "an alert of your area", "there is none of number %lld", (long long)no);
    bool watched = alert->watch_until != TIMESTAMP_NONE && alert->watch_until > sql_now(sql);
    if (alert->state != ALERT_OPEN || (watched && job->verdict == VERDICT_WATCH))
        return refuse_judged(sql, job, alert, err);
    return true;
}

static bool tell(struct sql *sql, const struct recording *job, const struct alert *alert,
                 struct error *err)
{
    char payload[80], purpose[40];
    snprintf(payload, sizeof payload, "{\"verdict\":\"%s\"}", verdict_name(job->verdict));
    snprintf(purpose, sizeof purpose, "alert:%lld", (long long)alert->no);
    struct event event = {.kind = SLICE("alert.judged"),
                          .subject_no = alert->thing_no,
                          .area_no = alert->area_no,
                          .at = sql_now(sql),
                          .payload = slice_of(payload)};
    struct audit_entry entry = {.actor = slice_of(job->request->actor.name),
                                .act = SLICE("alert.judge"),
                                .purpose = slice_of(purpose)};
    return event_emit(sql, &event, err) && audit_append(sql, &entry, sql_now(sql), err);
}

static bool put_watch(struct sql *sql, const struct recording *job, const struct alert *alert,
                      struct error *err)
{
    int64_t no;
    if (!sql_one_int(sql, &watch_last, NULL, 0, 0, &no, err))
        return false;
    no++;
    struct slice cipher = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_WATCH | no, job->words,
                                        job->request->arena);
    return sql_run(sql, &watch_insert,
                   SQL_ARGUMENTS(sql_int(no), sql_int(alert->no), sql_int(sql_now(sql)),
                                 sql_int(job->until), sql_int(alert->level), sql_blob(cipher),
                                 sql_int(job->request->actor.user_no)),
                   err);
}

static bool put_verdict(struct sql *sql, const struct recording *job, const struct alert *alert,
                        struct error *err)
{
    struct slice cipher = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_DISPOSITION | alert->no,
                                        job->words, job->request->arena);
    return sql_run(sql, &insert,
                   SQL_ARGUMENTS(sql_int(alert->no), sql_int(job->verdict), sql_blob(cipher),
                                 sql_int(job->request->actor.user_no), sql_int(sql_now(sql))),
                   err) &&
           sql_run(sql, &mark, SQL_ARGUMENTS(sql_int(alert->no)), err);
}

/* All of them or none. */
static bool record(struct sql *sql, void *context, struct error *err)
{
    struct recording *job = context;
    for (size_t i = 0; i < job->count; i++) {
        struct alert alert;
        if (!take_alert(sql, job, job->nos[i], &alert, err) ||
            !(job->verdict == VERDICT_WATCH ? put_watch(sql, job, &alert, err)
                                            : put_verdict(sql, job, &alert, err)) ||
            !tell(sql, job, &alert, err) ||
            !loop_open_about(sql, SCENE_ALERT, alert.thing_no, &job->loop_nos[i], err))
            return false;
    }
    return true;
}

/* ---- POST /alerts/{id}/disposition */

static bool read_until(json_t *body, struct recording *job, struct error *err)
{
    const struct platform *platform = job->request->platform;
    int64_t most = platform->alerts->settings.watch_days_max;
    timestamp now = world_now(platform->world);
    bool watch = job->verdict == VERDICT_WATCH;
    char expected[80];
    if (!watch && json_object_get(body, "until"))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "until"},
                         "no time, but for the verdict watch", "a time is given");
    if (!json_time(body, "until", (struct json_place){.source = "body", .required = watch},
                   &job->until, err))
        return false;
    snprintf(expected, sizeof expected, "a time to come, within %lld days", (long long)most);
    return !watch || (job->until > now && job->until <= now + most * DAY) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "until"}, expected,
                     "it is none");
}

/* Other alerts of the cause, judged in the same words. */
static bool read_others(json_t *body, struct recording *job, struct error *err)
{
    json_t *others = json_object_get(body, "with"), *one;
    size_t i;
    struct error_place place = {.field = "with"};
    static const char expected[] = "a list of numbers of alerts, each once, at most 199";
    if (!others)
        return true;
    if (!json_is_array(others) || json_array_size(others) >= CAUSE_MEMBERS_MAX)
        return error_set(err, ERROR_BAD_VALUE, place, expected, "not such a list");
    json_array_foreach (others, i, one) {
        int64_t no = json_is_integer(one) ? json_integer_value(one) : 0;
        for (size_t k = 0; k < job->count; k++)
            no = job->nos[k] == no ? 0 : no;
        if (no < 1)
            return error_set(err, ERROR_BAD_VALUE, place, expected, "one is not such a number");
        job->nos[job->count++] = no;
    }
    return true;
}

static bool read_body(const struct request *request, struct recording *job, struct error *err)
{
    static const char *const names[] = {"verdict", "words", "until", "with", NULL};
    struct json_place place = {.source = "body", .required = true};
    struct slice verdict;
    json_t *body;
    if (!request_json(request, &body, err) || !json_only_fields(body, names, place, err) ||
        !json_text(body, "verdict", place, &verdict, err) ||
        !json_text(body, "words", place, &job->words, err))
        return false;
    for (job->verdict = 0; job->verdict < VERDICTS; job->verdict++)
        if (slice_equal(verdict, slice_of(verdict_name(job->verdict))))
            break;
    if (job->verdict == VERDICTS)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "verdict"},
                         "true_signal, false_alarm, known, data_fault or watch", "none of these");
    job->words = slice_trim(job->words);
    if (!job->words.length || job->words.length > WORDS_BYTES_MAX)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "words"},
                         "words that say why, 1 to 2000 bytes", "none, or too many");
    return read_until(body, job, err) && read_others(body, job, err);
}

static json_t *fields_of(const struct recording *job)
{
    char until[TIME_TEXT_BYTES];
    if (job->verdict != VERDICT_WATCH)
        return json_pack("{s:s}", "judgement", judgements[job->verdict]);
    return json_pack("{s:s, s:s}", "judgement", judgements[job->verdict], "watch_until",
                     time_format(job->until, until));
}

/* The same hand moves the loop, where its scene lets it. */
static void put_loop(const struct recording *job, int64_t loop_no, struct json_writer *writer)
{
    struct loop_step step = {.loop_no = loop_no,
                             .to = slice_of(to_stage[job->verdict]),
                             .fields = fields_of(job),
                             .note = job->words};
    struct loop_outcome outcome;
    struct error refusal;
    bool moved = loop_no && loops_advance(job->request->platform->loops, &job->request->actor,
                                          &step, job->request->arena, &outcome, &refusal);
    json_decref(step.fields);
    if (!loop_no) {
        json_put_null(writer);
        return;
    }
    json_object_begin(writer);
    json_field_int64(writer, "id", loop_no);
    json_field_bool(writer, "moved", moved);
    if (moved) {
        json_field_text(writer, "stage", slice_of(outcome.stage));
        json_field_null(writer, "why");
    } else {
        json_field_null(writer, "stage");
        json_field_text(writer, "why", slice_of(refusal.what));
    }
    json_object_end(writer);
}

static void put_done(const struct recording *job, struct json_writer *writer)
{
    json_object_begin(writer);
    json_field_int64(writer, "id", job->nos[0]);
    json_field_text(writer, "verdict", slice_of(verdict_name(job->verdict)));
    json_field_time(writer, "until", job->until);
    json_key(writer, "loop");
    put_loop(job, job->loop_nos[0], writer);
    json_key(writer, "with");
    json_array_begin(writer);
    for (size_t i = 1; i < job->count; i++) {
        json_object_begin(writer);
        json_field_int64(writer, "id", job->nos[i]);
        json_key(writer, "loop");
        put_loop(job, job->loop_nos[i], writer);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
}

bool disposition_handle(const struct request *request, struct response *response, struct error *err)
{
    struct recording *job = arena_alloc(request->arena, sizeof *job);
    struct json_writer writer;
    *job = (struct recording){.request = request, .until = TIMESTAMP_NONE, .count = 1};
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &job->nos[0]))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "the number of an alert", "there is none of that number");
    if (!read_body(request, job, err) || !loops_ready(request->platform->loops, err) ||
        !store_write(request->platform->store, record, job, err))
        return false;
    buffer_init(&response->body, 256 << 10);
    json_writer_init(&writer, &response->body);
    put_done(job, &writer);
    json_writer_release(&writer);
    response->status = 201;
    return true;
}

/* ---- Reading */

bool dispositions_count(struct sql *sql, timestamp since, timestamp until, int64_t area_first,
                        int64_t area_last, int64_t *ret_count, struct error *err)
{
    return sql_one_int(
        sql, &count_between,
        SQL_ARGUMENTS(sql_int(since), sql_int(until), sql_int(area_first), sql_int(area_last)), 0,
        ret_count, err);
}

/* A row of words, who, when; until where it is a watch. */
static bool read_row(struct sql *sql, struct sql_query *query, int64_t cipher_of, bool words,
                     struct arena *arena, struct disposition *ret, struct error *err)
{
    struct slice cipher = sql_get_blob(query, 1);
    int64_t user = sql_get_int(query, 2);
    ret->at = sql_get_time(query, 3);
    bool done = !words || field_decrypt(sql_keys(sql), KEY_IDENTITY, cipher_of, cipher, arena,
                                        &ret->words, err);
    sql_end(query);
    return done && access_user_name(sql, user, ret->by, err);
}

static bool read_watch(struct sql *sql, const struct alert *alert, bool words, struct arena *arena,
                       struct disposition *ret, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &watch_select,
                   SQL_ARGUMENTS(sql_int(alert->no), sql_int(alert->watch_until)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    ret->verdict = VERDICT_WATCH;
    ret->until = sql_get_time(query, 4);
    return read_row(sql, query, CIPHER_WATCH | sql_get_int(query, 0), words, arena, ret, err);
}

bool disposition_read(struct sql *sql, const struct alert *alert, bool words, struct arena *arena,
                      struct disposition *ret, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret = (struct disposition){.verdict = -1, .until = TIMESTAMP_NONE};
    if (alert->verdict < 0)
        return alert->watch_until == TIMESTAMP_NONE ||
               read_watch(sql, alert, words, arena, ret, err);
    if (!sql_begin(sql, &select_one, SQL_ARGUMENTS(sql_int(alert->no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    ret->verdict = (int)sql_get_int(query, 0);
    return read_row(sql, query, CIPHER_DISPOSITION | alert->no, words, arena, ret, err);
}
