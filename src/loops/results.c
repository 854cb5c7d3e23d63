/* POST /results: what a laboratory found in a person's sample or in a pooled tube.
 *
 *   person ──► evidence "pcr"                       ──► result.person_positive | _negative
 *   tube   ──► evidence "pcr" of every member (n:1) ──► result.tube_positive | _inconclusive
 *   … and when every member of such a tube has a later result of their own: result.retest_complete
 *
 * One transaction: the result, the evidence, the events, and the audit record that says who sent it
 * about whom. A result is known by (laboratory, accession): the same content again answers the
 * same, another content is refused. Whom it is about must be in the sender's area first, so that
 * nobody learns from the answers what another area's laboratory sent. Facts: domain.md §1.5. */
#include <stdlib.h>

#include "loops/loops_internal.h"
#include "loops/results.h"
#include "policy/permissions.h"

static const struct sql_text result_find = {
    "result_find", "SELECT result_no, digest FROM result WHERE laboratory = ?1 AND accession = ?2",
    "result_by_accession"};
static const struct sql_text result_insert = {
    "result_insert",
    "INSERT INTO result (laboratory, accession, digest, subject_no, is_tube, outcome, sampled_at,"
    " reported_at, recorded_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    "primary key"};
static const struct sql_text result_last = {"result_last", "SELECT max(result_no) FROM result",
                                            "primary key"};
static const struct sql_text member_put = {
    "tube_member_put", "INSERT OR IGNORE INTO tube_member (tube_no, person_no) VALUES (?1, ?2)",
    "primary key"};
static const struct sql_text retest_put = {
    "tube_retest_put",
    "INSERT OR IGNORE INTO tube_retest (tube_no, sampled_at, members, known, positives, complete)"
    " VALUES (?1, ?2, ?3, 0, 0, 0)",
    "primary key"};
static const struct sql_text retests_of = {
    "tube_retests_of",
    "SELECT t.tube_no FROM tube_member m JOIN tube_retest t ON t.tube_no = m.tube_no"
    " WHERE m.person_no = ?1 AND t.complete = 0 AND t.sampled_at < ?2 ORDER BY t.tube_no LIMIT 64",
    "tube_member_by_person"};
static const struct sql_text member_result = {
    "tube_member_result_put",
    "INSERT OR IGNORE INTO tube_member_result (tube_no, person_no, outcome) VALUES (?1, ?2, ?3)",
    "primary key"};
static const struct sql_text retest_add = {
    "tube_retest_add",
    "UPDATE tube_retest SET known = known + 1, positives = positives + ?2,"
    " complete = (known + 1 >= members) WHERE tube_no = ?1",
    "primary key"};
static const struct sql_text retest_complete = {
    "tube_retest_complete", "SELECT positives FROM tube_retest WHERE tube_no = ?1 AND complete = 1",
    "primary key"};

const struct sql_list loop_result_statements =
    SQL_LIST(&result_find, &result_insert, &result_last, &member_put, &retest_put, &retests_of,
             &member_result, &retest_add, &retest_complete);

enum { MEMBERS_MAX = 100, NAME_MAX_BYTES = 64, DIGEST_BYTES = 16 };

/* ---- Reading */

struct result {
    struct slice laboratory, accession;
    timestamp sampled_at, reported_at;
    enum evidence_result outcome;
    int64_t person; /* 0: a tube */
    struct slice tube, point;
    const struct area *area;
    int64_t members[MEMBERS_MAX];
    size_t member_count;
    unsigned char digest[DIGEST_BYTES];
};

static bool read_name(json_t *object, const char *field, struct json_place place,
                      struct slice *ret_name, struct error *err)
{
    if (!json_text(object, field, place, ret_name, err))
        return false;
    return (ret_name->length && ret_name->length <= NAME_MAX_BYTES &&
            slice_trim(*ret_name).length == ret_name->length) ||
           loop_bad_value(field, "1 to 64 bytes without blanks around", "not such a name", err);
}

static bool read_members(json_t *tube, struct result *result, struct error *err)
{
    json_t *members = json_object_get(tube, "members"), *item;
    size_t i;
    if (!json_is_array(members) || !json_array_size(members) ||
        json_array_size(members) > MEMBERS_MAX)
        return loop_bad_value("members", "a list of 1 to 100 numbers of persons", "not such a list",
                              err);
    json_array_foreach (members, i, item) {
        int64_t no = json_integer_value(item);
        if (!json_is_integer(item) || no < 1 || no > UINT32_MAX)
            return loop_bad_value("members", "numbers of persons", "not a number of a person", err);
        for (size_t k = 0; k < i; k++)
            if (result->members[k] == no)
                return loop_bad_value("members", "each person once", "a person stands twice", err);
        result->members[result->member_count++] = no;
    }
    return true;
}

static bool read_tube(const struct request *request, json_t *tube, struct json_place place,
                      struct result *result, struct error *err)
{
    static const char *const names[] = {"code", "point", "area", "members", NULL};
    struct slice area;
    if (!json_is_object(tube))
        return loop_bad_value("tube", "an object, where no person is named",
                              "neither person nor tube", err);
    if (!json_only_fields(tube, names, place, err) ||
        !read_name(tube, "code", place, &result->tube, err) ||
        !read_name(tube, "point", place, &result->point, err) ||
        !json_text(tube, "area", place, &area, err))
        return false;
    result->area = registry_area_by_code(request->platform->registry, area);
    if (!result->area)
        return loop_bad_value("area", "the code of an area", "unknown area", err);
    return read_members(tube, result, err);
}

static bool read_outcome(json_t *body, struct json_place place, struct result *result,
                         struct error *err)
{
    struct slice text;
    if (!json_text(body, "result", place, &text, err))
        return false;
    int outcome = evidence_detail_of(EVIDENCE_PCR, text);
    result->outcome = outcome < 0 ? RESULT_NEGATIVE : (enum evidence_result)outcome;
    return outcome >= 0 ||
           loop_bad_value("result", "negative, positive or inconclusive", "none of these", err);
}

static bool read_result(const struct request *request, json_t *body, int64_t row,
                        struct result *result, struct error *err)
{
    static const char *const names[] = {"laboratory", "accession", "sampled_at", "reported_at",
                                        "result",     "person",    "tube",       NULL};
    struct json_place place = {.source = "body", .row = row, .required = true};
    json_t *person = json_object_get(body, "person"), *tube = json_object_get(body, "tube");
    *result = (struct result){.person = 0};
    if (!json_only_fields(body, names, place, err) ||
        !read_name(body, "laboratory", place, &result->laboratory, err) ||
        !read_name(body, "accession", place, &result->accession, err) ||
        !json_time(body, "sampled_at", place, &result->sampled_at, err) ||
        !json_time(body, "reported_at", place, &result->reported_at, err) ||
        !read_outcome(body, place, result, err))
        return false;
    if (result->reported_at < result->sampled_at)
        return loop_bad_value("reported_at", "not before sampled_at",
                              "reported before it was sampled", err);
    if (result->reported_at > world_now(request->platform->world) + 5 * MINUTE)
        return loop_bad_value("reported_at", "a time that has come", "it lies in the future", err);
    if (person && tube)
        return loop_bad_value("tube", "a person or a tube", "both are given", err);
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    REQUIRE(text);
    blind_index(store_keys(request->platform->store), "result", slice_of(text), result->digest);
    free(text);
    return person ? json_int64(body, "person", place, 1, UINT32_MAX, &result->person, err)
                  : read_tube(request, tube, place, result, err);
}

/* ---- Keeping */

/* Of each person of the result, in order. */
struct areas {
    int64_t of[MEMBERS_MAX];
};

/* A person of the actor's area; others are not there. */
static bool person_area(struct engine *engine, int64_t person, int64_t *ret_area, struct error *err)
{
    struct object object;
    if (!object_read(engine, SCENE_PERSON, person, &object, err))
        return false;
    *ret_area = object.area_no;
    return (object.known && object.area_no >= engine->actor->area_first &&
            object.area_no <= engine->actor->area_last) ||
           error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "person"},
                     "a person of your area", "there is no person %lld", (long long)person);
}

static bool check_area(struct engine *engine, const struct result *result, struct areas *areas,
                       struct error *err)
{
    if (result->person)
        return person_area(engine, result->person, &areas->of[0], err);
    if (result->area->no < engine->actor->area_first || result->area->no > engine->actor->area_last)
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "area"},
                         "an area of your own", "the area is not within your authority");
    for (size_t i = 0; i < result->member_count; i++)
        if (!person_area(engine, result->members[i], &areas->of[i], err))
            return false;
    return true;
}

static bool put_evidence(struct engine *engine, const struct result *result, int64_t person,
                         size_t tube_size, int64_t area, struct error *err)
{
    struct evidence piece = {.kind = EVIDENCE_PCR,
                             .recorded_at = engine->now,
                             .at = result->sampled_at,
                             .until = result->reported_at,
                             .detail = (uint8_t)result->outcome,
                             .tube_size = (uint16_t)tube_size};
    int64_t no;
    return evidence_add(engine->sql, (struct person_no){(uint32_t)person}, area, &piece,
                        (struct slice){NULL, 0}, &no, err);
}

static bool emit(struct engine *engine, const char *kind, int64_t subject, int64_t area_no,
                 timestamp at, const char *payload, struct error *err)
{
    struct event event = {.kind = slice_of(kind),
                          .subject_no = subject,
                          .area_no = area_no,
                          .at = at,
                          .payload = slice_of(payload)};
    return event_emit(engine->sql, &event, err);
}

/* The tubes for which this result was waited for. */
static bool settle_tubes(struct engine *engine, const struct result *result, struct error *err)
{
    struct sql_query *query;
    int64_t tubes[64], changed, positives;
    size_t count = 0;
    bool row, done = sql_begin(engine->sql, &retests_of,
                               SQL_ARGUMENTS(sql_int(result->person), sql_int(result->sampled_at)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        tubes[count++] = sql_get_int(query, 0);
    for (size_t i = 0; done && i < count; i++) {
        struct object tube;
        char payload[80], time[TIME_TEXT_BYTES];
        if (!sql_run_count(
                engine->sql, &member_result,
                SQL_ARGUMENTS(sql_int(tubes[i]), sql_int(result->person), sql_int(result->outcome)),
                &changed, err) ||
            (changed &&
             !sql_run(engine->sql, &retest_add,
                      SQL_ARGUMENTS(sql_int(tubes[i]), sql_int(result->outcome == RESULT_POSITIVE)),
                      err)) ||
            !sql_one_int(engine->sql, &retest_complete, SQL_ARGUMENTS(sql_int(tubes[i])), -1,
                         &positives, err) ||
            !object_read(engine, SCENE_TUBE, tubes[i], &tube, err))
            return false;
        snprintf(payload, sizeof payload, "{\"all_negative\":%s,\"completed_at\":\"%s\"}",
                 positives ? "false" : "true", time_format(engine->now, time));
        if (positives >= 0)
            done = emit(engine, "result.retest_complete", tubes[i], tube.area_no, engine->now,
                        payload, err);
    }
    return done;
}

static bool put_person(struct engine *engine, const struct result *result, int64_t area,
                       struct error *err)
{
    char payload[160], sampled[TIME_TEXT_BYTES], reported[TIME_TEXT_BYTES];
    if (!put_evidence(engine, result, result->person, 1, area, err))
        return false;
    if (result->outcome == RESULT_INCONCLUSIVE) /* neither: the person is sampled again */
        return true;
    snprintf(payload, sizeof payload, "{\"sampled_at\":\"%s\",\"reported_at\":\"%s\"}",
             time_format(result->sampled_at, sampled), time_format(result->reported_at, reported));
    return emit(engine,
                result->outcome == RESULT_POSITIVE ? "result.person_positive"
                                                   : "result.person_negative",
                result->person, area, result->reported_at, payload, err) &&
           settle_tubes(engine, result, err);
}

static bool put_tube(struct engine *engine, const struct result *result, const struct areas *areas,
                     int64_t *ret_tube, struct error *err)
{
    char payload[160], sampled[TIME_TEXT_BYTES];
    int64_t point;
    if (!thing_put(engine, SCENE_SITE, result->point, result->point, result->area->no, 0, &point,
                   err) ||
        !thing_put(engine, SCENE_TUBE, result->tube, result->tube, result->area->no, 0, ret_tube,
                   err))
        return false;
    for (size_t i = 0; i < result->member_count; i++)
        if (!put_evidence(engine, result, result->members[i], result->member_count, areas->of[i],
                          err) ||
            !sql_run(engine->sql, &member_put,
                     SQL_ARGUMENTS(sql_int(*ret_tube), sql_int(result->members[i])), err))
            return false;
    if (result->outcome == RESULT_NEGATIVE)
        return true;
    snprintf(payload, sizeof payload, "{\"point\":%lld,\"members\":%zu,\"sampled_at\":\"%s\"}",
             (long long)point, result->member_count, time_format(result->sampled_at, sampled));
    return sql_run(engine->sql, &retest_put,
                   SQL_ARGUMENTS(sql_int(*ret_tube), sql_int(result->sampled_at),
                                 sql_int((int64_t)result->member_count)),
                   err) &&
           emit(engine,
                result->outcome == RESULT_POSITIVE ? "result.tube_positive"
                                                   : "result.tube_inconclusive",
                *ret_tube, result->area->no, result->reported_at, payload, err);
}

struct keeping_job {
    const struct request *request;
    const struct result *result;
    int64_t no;
    bool repeated;
};

/* What is there under this accession. */
static bool find_result(struct engine *engine, struct keeping_job *job, struct error *err)
{
    const struct result *result = job->result;
    struct sql_query *query;
    bool row;
    if (!sql_begin(engine->sql, &result_find,
                   SQL_ARGUMENTS(sql_text(result->laboratory), sql_text(result->accession)), &query,
                   err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    struct slice digest = sql_get_blob(query, 1);
    bool same = slice_equal(digest, (struct slice){(const char *)result->digest, DIGEST_BYTES});
    job->no = sql_get_int(query, 0);
    job->repeated = true;
    sql_end(query);
    return same || error_set(err, ERROR_CONFLICT, (struct error_place){.field = "accession"},
                             "another accession, or the same content",
                             "this accession was sent with another content");
}

/* Who sent what about whom; each member of a tube finds it too. What was found is not said here:
 * who reads the audit learns nobody's state of health from it. */
static bool put_audit(struct engine *engine, const struct result *result, struct error *err)
{
    char accession[2 * NAME_MAX_BYTES + 16], fields[NAME_MAX_BYTES + 40] = "result";
    uint32_t members[MEMBERS_MAX];
    for (size_t i = 0; i < result->member_count; i++)
        members[i] = (uint32_t)result->members[i];
    snprintf(accession, sizeof accession, "accession:%.*s/%.*s", SLICE_ARG(result->laboratory),
             SLICE_ARG(result->accession));
    if (!result->person)
        snprintf(fields, sizeof fields, "result,tube:%.*s,members:%zu", SLICE_ARG(result->tube),
                 result->member_count);
    struct audit_entry entry = {.actor = slice_of(engine->actor->name),
                                .act = SLICE("result.record"),
                                .purpose = slice_of(accession),
                                .subject_no = result->person,
                                .fields = slice_of(fields)};
    return access_record(engine->sql, &entry, members, result->member_count, engine->arena, err);
}

static bool keep(struct engine *engine, struct keeping_job *job, struct error *err)
{
    const struct result *result = job->result;
    int64_t subject = result->person;
    struct areas areas;
    if (!check_area(engine, result, &areas, err) || !find_result(engine, job, err))
        return false;
    if (job->repeated)
        return true;
    if (result->person ? !put_person(engine, result, areas.of[0], err)
                       : !put_tube(engine, result, &areas, &subject, err))
        return false;
    return put_audit(engine, result, err) &&
           sql_run(
               engine->sql, &result_insert,
               SQL_ARGUMENTS(sql_text(result->laboratory), sql_text(result->accession),
                             sql_blob((struct slice){(const char *)result->digest, DIGEST_BYTES}),
                             sql_int(subject), sql_int(!result->person), sql_int(result->outcome),
                             sql_int(result->sampled_at), sql_int(result->reported_at),
                             sql_int(engine->actor->user_no)),
               err) &&
           sql_one_int(engine->sql, &result_last, NULL, 0, 0, &job->no, err);
}

static bool keep_job(struct sql *sql, void *context, struct error *err)
{
    struct keeping_job *job = context;
    struct engine engine;
    job->no = 0;
    job->repeated = false;
    if (!engine_begin(&engine, job->request->platform->loops, sql, &job->request->actor, err))
        return false;
    bool done = keep(&engine, job, err);
    engine_end(&engine);
    return done;
}

static bool take(const struct request *request, json_t *body, int64_t row, struct keeping_job *job,
                 struct error *err)
{
    struct result result;
    *job = (struct keeping_job){.request = request, .result = &result};
    bool done = loops_ready(request->platform->loops, err) &&
                read_result(request, body, row, &result, err) &&
                store_refuse_sunset(request->platform->store, err) &&
                store_write(request->platform->store, keep_job, job, err);
    job->result = NULL;
    return done;
}

/* ---- Routes */

static void put_kept(struct json_writer *writer, const struct keeping_job *job)
{
    json_field_int64(writer, "id", job->no);
    json_field_bool(writer, "repeated", job->repeated);
}

bool results_handle(const struct request *request, struct response *response, struct error *err)
{
    struct keeping_job job;
    struct json_writer writer;
    json_t *body;
    if (!request_json(request, &body, err) || !take(request, body, 0, &job, err))
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_kept(&writer, &job);
    json_object_end(&writer);
    json_writer_release(&writer);
    response->status = job.repeated ? 200 : 201;
    return true;
}

/* One line of NDJSON and its answer on a line of its own. */
static void take_line(const struct request *request, struct slice line, int64_t row,
                      struct response *response)
{
    struct keeping_job job;
    struct json_writer writer;
    struct error refusal = {.code = ERROR_NONE};
    json_t *body = NULL;
    bool done =
        json_read(line, "line", &body, &refusal) &&
        (json_is_object(body) || loop_bad_value("line", "an object", "not an object", &refusal)) &&
        take(request, body, row, &job, &refusal);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "line", row);
    json_field_bool(&writer, "done", done);
    if (done) {
        put_kept(&writer, &job);
    } else {
        json_field_text(&writer, "error", slice_of(error_kind(refusal.code)->type));
        json_field_text(&writer, "detail", slice_of(refusal.what));
        json_field_text(&writer, "field", slice_of(refusal.field));
        json_field_text(&writer, "expected", slice_of(refusal.expected));
    }
    json_object_end(&writer);
    json_writer_release(&writer);
    buffer_append_text(&response->body, "\n");
    json_decref(body);
}

bool results_handle_batch(const struct request *request, struct response *response,
                          struct error *err)
{
    enum { LINES_MAX = 5000, ANSWER_BYTES_MAX = 16 << 20 };
    struct slice rest = slice_trim(request->body);
    int64_t row = 0, lines = rest.length ? 1 : 0;
    for (size_t i = 0; i < rest.length; i++)
        lines += rest.data[i] == '\n';
    if (!lines || lines > LINES_MAX)
        return loop_bad_value("body", "1 to 5000 lines, each an object",
                              lines ? "more than 5000 lines" : "no line", err);
    buffer_init(&response->body, ANSWER_BYTES_MAX);
    response->content_type = "application/x-ndjson";
    while (rest.length) {
        const char *end = memchr(rest.data, '\n', rest.length);
        struct slice line = {rest.data, end ? (size_t)(end - rest.data) : rest.length};
        size_t used = line.length + (end != NULL);
        rest = (struct slice){rest.data + used, rest.length - used};
        row++;
        if (slice_trim(line).length)
            take_line(request, line, row, response);
    }
    return true;
}
