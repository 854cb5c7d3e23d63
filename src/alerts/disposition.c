/* What people found an alert to be: once, by who may, with words. The loop about the alert moves as
 * its scene lets the same hand move it; where it does not, the answer says why, and the loop stays
 * with its owner. From the verdicts: how often each detector is right. */
#include "access/access.h"
#include "alerts/alerts_internal.h"
#include "loops/things.h"

enum { WORDS_BYTES_MAX = 2000 };

static const struct sql_text insert = {
    "alert_disposition_insert",
    "INSERT INTO alert_disposition (alert_no, verdict, words, user_no, at)"
    " VALUES (?1, ?2, ?3, ?4, ?5)",
    "primary key"};
static const struct sql_text mark = {
    "alert_judge", "UPDATE alert SET state = 1 WHERE alert_no = ?1", "primary key"};
static const struct sql_text tally = {
    "alert_tally_add",
    "INSERT INTO alert_tally (day, detector, channel, verdict, count) VALUES (?1, ?2, ?3, ?4, 1)"
    " ON CONFLICT (day, detector, channel, verdict) DO UPDATE SET count = alert_tally.count + 1",
    "primary key"};
/* Of a feed that was silent a fault of the data is what it said. */
static const struct sql_text precision = {
    "alert_precision",
    "SELECT detector, sum(count), sum(CASE WHEN verdict = 0 OR (detector = 'silence' AND"
    " verdict = 3) THEN count ELSE 0 END) FROM alert_tally WHERE day >= ?1"
    " GROUP BY detector ORDER BY detector",
    "primary key"};
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
    SQL_LIST(&insert, &mark, &tally, &precision, &select_one, &block, &replace);
const struct cipher_column alert_ciphers[ALERT_CIPHERS] = {
    {"alert_disposition.words", KEY_IDENTITY, CIPHER_DISPOSITION, &block, &replace}};

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
    int64_t alert_no;
    int verdict;
    struct slice words;
    int64_t loop_no;
};

static bool take_alert(struct sql *sql, const struct recording *job, struct alert *alert,
                       struct error *err)
{
    const struct actor *actor = &job->request->actor;
    bool found;
    if (!alert_read(sql, job->alert_no, alert, &found, err))
        return false;
    if (!found || alert->area_no < actor->area_first || alert->area_no > actor->area_last)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "an alert of your area", "there is none of that number");
    return alert->state == ALERT_OPEN ||
           error_set(err, ERROR_CONFLICT, (struct error_place){.field = "id"},
                     "an alert that nobody judged yet", "it was judged already: %s",
                     alert->verdict < 0 ? alert_state_name(alert->state)
                                        : verdict_name(alert->verdict));
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

static bool record(struct sql *sql, void *context, struct error *err)
{
    struct recording *job = context;
    struct alert alert;
    int64_t now = sql_now(sql);
    if (!take_alert(sql, job, &alert, err))
        return false;
    struct slice cipher = field_encrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_DISPOSITION | alert.no,
                                        job->words, job->request->arena);
    return sql_run(sql, &insert,
                   SQL_ARGUMENTS(sql_int(alert.no), sql_int(job->verdict), sql_blob(cipher),
                                 sql_int(job->request->actor.user_no), sql_int(now)),
                   err) &&
           sql_run(sql, &mark, SQL_ARGUMENTS(sql_int(alert.no)), err) &&
           sql_run(sql, &tally,
                   SQL_ARGUMENTS(sql_int(time_day_of_seconds(now / SECOND)),
                                 sql_text(slice_of(alert.detector)),
                                 sql_text(slice_of(alert.channel)), sql_int(job->verdict)),
                   err) &&
           tell(sql, job, &alert, err) &&
           loop_open_about(sql, SCENE_ALERT, alert.thing_no, &job->loop_no, err);
}

/* ---- POST /alerts/{id}/disposition */

static bool read_body(const struct request *request, struct recording *job, struct error *err)
{
    static const char *const names[] = {"verdict", "words", NULL};
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
                         "true_signal, false_alarm, known or data_fault", "none of these");
    job->words = slice_trim(job->words);
    return (job->words.length && job->words.length <= WORDS_BYTES_MAX) ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "words"},
                     "words that say why, 1 to 2000 bytes", "none, or too many");
}

/* The same hand moves the loop, where its scene lets it. */
static void put_loop(const struct recording *job, struct json_writer *writer)
{
    struct loop_step step = {.loop_no = job->loop_no,
                             .to = slice_of(to_stage[job->verdict]),
                             .fields = json_pack("{s:s}", "judgement", judgements[job->verdict]),
                             .note = job->words};
    struct loop_outcome outcome;
    struct error refusal;
    json_key(writer, "loop");
    bool moved = job->loop_no && loops_advance(job->request->platform->loops, &job->request->actor,
                                               &step, job->request->arena, &outcome, &refusal);
    json_decref(step.fields);
    if (!job->loop_no) {
        json_put_null(writer);
        return;
    }
    json_object_begin(writer);
    json_field_int64(writer, "id", job->loop_no);
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

bool disposition_handle(const struct request *request, struct response *response, struct error *err)
{
    struct recording job = {.request = request};
    struct json_writer writer;
    if (!slice_to_int64(request->parameters[0], 1, INT64_MAX, &job.alert_no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "the number of an alert", "there is none of that number");
    if (!read_body(request, &job, err) || !loops_ready(request->platform->loops, err) ||
        !store_write(request->platform->store, record, &job, err))
        return false;
    buffer_init(&response->body, 64 << 10);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "id", job.alert_no);
    json_field_text(&writer, "verdict", slice_of(verdict_name(job.verdict)));
    put_loop(&job, &writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    response->status = 201;
    return true;
}

/* ---- Reading */

bool disposition_read(struct sql *sql, int64_t alert_no, bool words, struct arena *arena,
                      struct disposition *ret, struct error *err)
{
    struct sql_query *query;
    bool row;
    *ret = (struct disposition){.verdict = -1};
    if (!sql_begin(sql, &select_one, SQL_ARGUMENTS(sql_int(alert_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    struct slice cipher = sql_get_blob(query, 1);
    int64_t user = sql_get_int(query, 2);
    ret->verdict = (int)sql_get_int(query, 0);
    ret->at = sql_get_time(query, 3);
    bool done = !words || field_decrypt(sql_keys(sql), KEY_IDENTITY, CIPHER_DISPOSITION | alert_no,
                                        cipher, arena, &ret->words, err);
    sql_end(query);
    return done && access_user_name(sql, user, ret->by, err);
}

bool precision_put(struct sql *sql, int32_t since, struct json_writer *writer, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &precision, SQL_ARGUMENTS(sql_int(since)), &query, err);
    json_array_begin(writer);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int64_t judged = sql_get_int(query, 1), right = sql_get_int(query, 2);
        json_object_begin(writer);
        json_field_text(writer, "detector", sql_get_text(query, 0));
        json_field_int64(writer, "judged", judged);
        json_field_int64(writer, "true_signals", right);
        json_field_double(writer, "precision", (double)right / (double)judged);
        json_object_end(writer);
    }
    json_array_end(writer);
    return done;
}
