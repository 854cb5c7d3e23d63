/* Goal: what the pages of scenes, rules and the system read: proofs and versions of scenes,
 * versions of rules, duties and absences, jobs that verify and check, and who looked at whom. Each
 * for who may. */
#include <sys/stat.h>

#include "server/test_loop_support.h"

#define POST(text, content, token)                                                                 \
    (&(struct call){                                                                               \
        .method = HTTP_POST, .path = (text), .body = (content), .authorization = (token)})
#define DELETE(text, token)                                                                        \
    (&(struct call){.method = HTTP_DELETE, .path = (text), .authorization = (token)})

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static json_t *item_of(const struct answer *answer, const char *name, const char *value)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer->json, "items"), i, item)
        if (strcmp(text_at(item, name), value) == 0)
            return item;
    return NULL;
}

/* ---- Scenes */

#define SCENE "/api/v1/scenes/contact_management"

static void write_scene(struct loopback *loop, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/scenes", loop->directory);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/scenes/%s.yaml", loop->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void every_built_in_scene_is_proved_and_loaded_and_a_broken_file_says_where(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    loopback_user(loop, "district_duty", token);
    write_scene(loop, "never_ends",
                "scene: never_ends\nversion: 1\ntitle: {zh: 无终点, en: \"Never ends\"}\n"
                "subject: none\nopened_by: [manual]\nstages:\n  going:\n"
                "    owner: {role: district_duty}\n    within: 1h\n"
                "    next:\n      - {to: going, by: [owner]}\n"
                "escalate:\n  - {after: 1h, to: command_duty}\n");
    struct answer answer = loopback_call(loop, GET("/api/v1/scenes:proofs", token));
    assert_int_equal(answer.status, 200);
    size_t i, proved = 0;
    json_t *item;
    json_array_foreach (json_object_get(answer.json, "items"), i, item)
        if (json_array_size(json_object_get(item, "findings")) == 0) {
            proved++;
            assert_true(json_is_true(json_object_get(item, "loaded")));
            assert_true(json_is_false(json_object_get(item, "own")));
        }
    assert_true(proved >= 40);
    item = item_of(&answer, "name", "never_ends");
    assert_non_null(item);
    assert_true(json_is_false(json_object_get(item, "loaded")));
    assert_string_equal(text_at(item, "file"), "scenes/never_ends.yaml");
    const json_t *finding = json_array_get(json_object_get(item, "findings"), 0);
    assert_true(json_integer_value(json_object_get(finding, "line")) > 0);
    assert_true(strlen(text_at(finding, "rule")) > 0 && strlen(text_at(finding, "message")) > 0);
    answer_release(&answer);
    loopback_refused(loop, GET("/api/v1/scenes:proofs", loopback_user(loop, "press", token)), 403,
                     "forbidden");
}

static void versions_count_the_loops_that_live_under_each_in_the_readers_area(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    open_loop(loop, "cdc_lead", CONTACT, 201);
    int64_t open = loopback_number(
        loop, "SELECT count(*) FROM loop l JOIN scene_version v ON v.scene_no = l.scene_no"
              " WHERE l.state = 0 AND v.name = 'contact_management'");
    loopback_change(loop, "INSERT INTO scene_version (name, version, text, loaded_at, opens)"
                          " SELECT name, version + 1, replace(text, 'version: ' || version,"
                          " 'version: ' || (version + 1)), loaded_at + 1, 1 FROM scene_version"
                          " WHERE name = 'contact_management'");
    loopback_change(loop, "UPDATE scene_version SET opens = 0 WHERE name = 'contact_management'"
                          " AND version < (SELECT max(version) FROM scene_version"
                          " WHERE name = 'contact_management')");
    loopback_restart(loop);
    struct answer answer =
        loopback_call(loop, GET(SCENE "/versions", loopback_user(loop, "command_duty", token)));
    assert_int_equal(answer.status, 200);
    const json_t *items = json_object_get(answer.json, "items");
    assert_int_equal(json_array_size(items), 2);
    const json_t *newest = json_array_get(items, 0), *first = json_array_get(items, 1);
    assert_int_equal(json_integer_value(json_object_get(newest, "version")),
                     json_integer_value(json_object_get(first, "version")) + 1);
    assert_true(json_is_true(json_object_get(newest, "opens")));
    assert_int_equal(json_integer_value(json_object_get(newest, "open")), 0);
    assert_true(json_is_false(json_object_get(first, "opens")));
    assert_int_equal(json_integer_value(json_object_get(first, "open")), open);
    assert_true(open > 0);
    answer_release(&answer);
    /* who looks after no area counts nothing: null, not 0 */
    answer = loopback_call(loop, GET(SCENE "/versions", loopback_user(loop, "sampler", token)));
    items = json_object_get(answer.json, "items");
    assert_true(json_is_null(json_object_get(json_array_get(items, 1), "open")));
    answer_release(&answer);
    loopback_refused(loop, GET("/api/v1/scenes/none/versions", token), 404, "not-found");
}

static void a_scene_is_a_page_of_words_in_one_language(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    loopback_user(loop, "district_duty", token);
    static const struct {
        const char *path, *has, *has_not;
    } rows[] = {
        {"/api/v1/scenes/arrival/document", "### 环节", "### Stages"},
        {"/api/v1/scenes/arrival/document?language=zh", "### 逾期升级", "### Stages"},
        {"/api/v1/scenes/arrival/document?language=en&version=2", "### Stages", "### 环节"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = loopback_call(loop, GET(rows[i].path, token));
        assert_int_equal(answer.status, 200);
        assert_non_null(strstr(answer.response.body.data, rows[i].has));
        assert_null(strstr(answer.response.body.data, rows[i].has_not));
        answer_release(&answer);
    }
    loopback_refused(loop, GET("/api/v1/scenes/arrival/document?language=fr", token), 400,
                     "bad-value");
}

/* ---- Rules */

static void the_versions_of_the_rules_carry_every_number_with_its_source(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    struct answer answer =
        loopback_call(loop, GET("/api/v1/rules:versions", loopback_user(loop, "approver", token)));
    assert_int_equal(answer.status, 200);
    json_t *item = item_of(&answer, "rule_set", "jiangsu_2022_ed8");
    assert_non_null(item);
    assert_string_equal(text_at(item, "state"), "in_force");
    assert_true(json_is_null(json_object_get(item, "change")));
    assert_true(json_is_null(json_object_get(item, "valid_to")));
    const json_t *numbers = json_object_get(item, "numbers");
    assert_int_equal(json_array_size(numbers), 17);
    assert_string_equal(text_at(json_array_get(numbers, 0), "name"),
                        "case_red_after_discharge_days");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(numbers, 0), "value")), 14);
    assert_true(strlen(text_at(json_array_get(numbers, 0), "source")) > 0);
    assert_int_equal(json_array_size(json_object_get(item, "override_reason_codes")), 4);
    answer_release(&answer);
}

/* The built-in rule set as JSON, which is YAML too, with another name and one number changed. */
static char *proposal(const char *from)
{
    json_t *document, *number;
    struct error err;
    test_fail_on(policy_document_read(-1, "policies/rules/jiangsu_2022_ed8.yaml", &document, &err),
                 &err);
    json_object_set_new(document, "rule_set", json_string("jiangsu_trial"));
    json_object_set_new(document, "valid_from", json_string(from));
    number = json_object_get(json_object_get(document, "numbers"), "area_stay_red_days");
    json_object_set_new(number, "value", json_integer(10));
    char *yaml = json_dumps(document, 0);
    json_t *body = json_pack("{s:s}", "yaml", yaml);
    char *text = json_dumps(body, 0);
    free(yaml);
    json_decref(body);
    json_decref(document);
    return text;
}

static void a_proposal_stands_among_the_versions_until_two_have_signed_it(void **state)
{
    struct loopback *loop = *state;
    char lead[80], first[80], second[80];
    loopback_user(loop, "cdc_lead", lead);
    loopback_user(loop, "command", first);
    loopback_user(loop, "approver", second);
    char *body = proposal("2022-04-15T00:00:00+08:00");
    struct answer answer = loopback_call(loop, POST("/api/v1/rules", body, lead));
    free(body);
    assert_int_equal(answer.status, 201);
    assert_non_null(json_object_get(answer.json, "effect"));
    answer_release(&answer);
    static const char *const states[] = {"proposed", "proposed", "to_come"};
    for (size_t step = 0; step < 3; step++) {
        answer = loopback_call(loop, GET("/api/v1/rules:versions", lead));
        json_t *item = item_of(&answer, "rule_set", "jiangsu_trial");
        assert_non_null(item);
        assert_string_equal(text_at(item, "state"), states[step]);
        assert_int_equal(json_integer_value(json_object_get(item, "change")), 1);
        assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 2);
        answer_release(&answer);
        if (step < 2)
            assert_int_equal(
                loopback_status(loop, POST("/api/v1/rules/1/sign", "{}", step ? second : first)),
                step ? 200 : 202);
    }
    loopback_refused(loop, POST("/api/v1/rules/1/sign", "{}", lead), 403, "forbidden");
}

/* ---- Duties */

static void shifts_and_absences_are_put_in_and_taken_out_by_who_manages_users(void **state)
{
    struct loopback *loop = *state;
    char admin[80];
    loopback_user(loop, "administrator", admin);
    struct answer answer =
        loopback_call(loop, POST("/api/v1/duties",
                                 "{\"name\":\"cdc_duty\",\"from\":\"2022-04-15T08:00:00+08:00\","
                                 "\"until\":\"2022-04-15T20:00:00+08:00\"}",
                                 admin));
    assert_int_equal(answer.status, 201);
    assert_int_equal(answer.audits, 1);
    int64_t no = json_integer_value(json_object_get(answer.json, "no"));
    answer_release(&answer);
    answer = loopback_call(
        loop, POST("/api/v1/absences",
                   "{\"name\":\"cdc_lead\",\"from\":\"2022-04-14T08:00:00+08:00\","
                   "\"until\":\"2022-04-15T20:00:00+08:00\",\"delegate\":\"cdc_duty\"}",
                   admin));
    assert_int_equal(answer.status, 201);
    answer_release(&answer);
    answer = loopback_call(loop, GET("/api/v1/duties", admin));
    assert_int_equal(json_array_size(json_object_get(answer.json, "duties")), 1);
    const json_t *absence = json_array_get(json_object_get(answer.json, "absences"), 0);
    assert_string_equal(text_at(absence, "delegate"), "cdc_duty");
    /* the shift is tomorrow: today the user is off duty */
    const json_t *off = json_object_get(answer.json, "off_duty");
    assert_int_equal(json_array_size(off), 1);
    assert_string_equal(json_string_value(json_array_get(off, 0)), "cdc_duty");
    answer_release(&answer);
    char path[80];
    snprintf(path, sizeof path, "/api/v1/duties/%lld", (long long)no);
    assert_int_equal(loopback_status(loop, DELETE(path, admin)), 200);
    loopback_refused(loop, DELETE(path, admin), 404, "not-found");
    answer = loopback_call(loop, GET("/api/v1/duties", admin));
    assert_int_equal(json_array_size(json_object_get(answer.json, "duties")), 0);
    assert_int_equal(json_array_size(json_object_get(answer.json, "off_duty")), 0);
    answer_release(&answer);
    assert_int_equal(loopback_status(loop, DELETE("/api/v1/absences/1", admin)), 200);
}

static void duties_are_refused_where_they_make_no_sense_or_lie_elsewhere(void **state)
{
    struct loopback *loop = *state;
    char admin[80], district[80], duty[80];
    loopback_user(loop, "administrator", admin);
    loopback_user(loop, "administrator-320412", district);
    loopback_user(loop, "cdc_duty", duty);
#define RANGE "\"from\":\"2022-04-15T08:00:00+08:00\",\"until\":\"2022-04-15T20:00:00+08:00\""
    static const struct {
        const char *path, *body;
        int status;
        const char *type;
    } rows[] = {
        {"/api/v1/duties", "{\"name\":\"nobody\"," RANGE "}", 404, "not-found"},
        {"/api/v1/duties",
         "{\"name\":\"cdc_duty\",\"from\":\"2022-04-15T08:00:00+08:00\","
         "\"until\":\"2022-04-15T08:00:00+08:00\"}",
         400, "bad-value"},
        {"/api/v1/duties", "{\"name\":\"cdc_duty\"," RANGE ",\"delegate\":\"cdc_lead\"}", 400,
         "bad-value"},
        {"/api/v1/absences", "{\"name\":\"cdc_duty\"," RANGE ",\"delegate\":\"cdc_duty\"}", 400,
         "bad-value"},
        {"/api/v1/absences", "{\"name\":\"cdc_duty\"," RANGE ",\"delegate\":\"nobody\"}", 404,
         "not-found"},
        {"/api/v1/users:unit", "{\"name\":\"cdc_duty\",\"unit\":999999}", 400, "bad-value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        loopback_refused(loop, POST(rows[i].path, rows[i].body, admin), rows[i].status,
                         rows[i].type);
    /* a user of the city is not there for the administrator of a district */
    loopback_refused(loop, POST("/api/v1/duties", "{\"name\":\"cdc_duty\"," RANGE "}", district),
                     404, "not-found");
    loopback_refused(loop,
                     POST("/api/v1/users:unit", "{\"name\":\"cdc_duty\",\"unit\":null}", district),
                     404, "not-found");
    assert_int_equal(
        loopback_status(loop, POST("/api/v1/duties", "{\"name\":\"cdc_duty\"," RANGE "}", admin)),
        201);
    loopback_refused(loop, DELETE("/api/v1/duties/1", district), 404, "not-found");
    loopback_refused(loop, GET("/api/v1/duties", duty), 403, "forbidden");
}

static void a_users_unit_and_lead_are_listed(void **state)
{
    struct loopback *loop = *state;
    char admin[80];
    loopback_user(loop, "administrator", admin);
    int64_t unit = loopback_number(loop, "SELECT min(unit_no) FROM unit");
    char body[120];
    snprintf(body, sizeof body, "{\"name\":\"unit_manager\",\"unit\":%lld}", (long long)unit);
    assert_int_equal(loopback_status(loop, POST("/api/v1/users:unit", body, admin)), 200);
    struct answer answer = loopback_call(loop, GET("/api/v1/users?limit=1000", admin));
    json_t *item = item_of(&answer, "name", "unit_manager");
    assert_int_equal(json_integer_value(json_object_get(item, "unit")), unit);
    assert_non_null(json_object_get(item, "lead"));
    answer_release(&answer);
}

/* ---- Jobs */

/* Waits until the job has ended; its answer is the caller's. */
static struct answer ended_job(struct loopback *loop, int64_t no, const char *token)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/jobs/%lld", (long long)no);
    for (int i = 0; i < 600; i++) {
        struct answer answer = loopback_call(loop, GET(path, token));
        const char *now = text_at(answer.json, "state");
        if (strcmp(now, "waiting") != 0 && strcmp(now, "running") != 0)
            return answer;
        answer_release(&answer);
        usleep(100000);
    }
    fail_msg("the job does not end");
    return (struct answer){0};
}

static int64_t begin(struct loopback *loop, const char *path, const char *body, const char *token)
{
    struct answer answer = loopback_call(loop, POST(path, body, token));
    assert_int_equal(answer.status, 202);
    int64_t no = json_integer_value(json_object_get(answer.json, "no"));
    answer_release(&answer);
    assert_true(no > 0);
    return no;
}

static json_t *line_of(const struct answer *answer, const char *check)
{
    size_t i;
    json_t *line;
    json_array_foreach (json_object_get(answer->json, "lines"), i, line)
        if (strcmp(text_at(line, "check"), check) == 0)
            return line;
    fail_msg("no line of %s", check);
    return NULL;
}

static void verifying_the_audit_is_a_job_that_finds_a_changed_record(void **state)
{
    struct loopback *loop = *state;
    char auditor[80];
    loopback_user(loop, "auditor", auditor);
    int64_t no = begin(loop, "/api/v1/audit:verify", "{}", auditor);
    struct answer answer = ended_job(loop, no, auditor);
    assert_string_equal(text_at(answer.json, "state"), "done");
    assert_string_equal(text_at(answer.json, "by"), "auditor");
    assert_string_equal(text_at(line_of(&answer, "audit chain"), "level"), "ok");
    assert_string_equal(text_at(line_of(&answer, "evidence seal"), "level"), "ok");
    int64_t done = json_integer_value(json_object_get(answer.json, "done"));
    assert_int_equal(done, json_integer_value(json_object_get(answer.json, "total")));
    assert_true(done > 0);
    answer_release(&answer);
    loopback_change(loop, "UPDATE audit SET act = 'nothing' WHERE no = 2");
    int64_t second = begin(loop, "/api/v1/audit:verify", "{}", auditor);
    assert_true(second > no);
    answer = ended_job(loop, second, auditor);
    assert_string_equal(text_at(answer.json, "state"), "done");
    assert_string_equal(text_at(line_of(&answer, "audit chain"), "level"), "fail");
    assert_string_equal(text_at(line_of(&answer, "audit chain"), "words"),
                        "record 2 does not verify");
    answer_release(&answer);
}

static void health_is_a_job_with_the_lines_of_doctor_and_shows_no_person(void **state)
{
    struct loopback *loop = *state;
    char admin[80];
    loopback_user(loop, "administrator", admin);
    int64_t no = begin(loop, "/api/v1/health:check", "{\"deep\":true}", admin);
    struct answer answer = ended_job(loop, no, admin);
    assert_string_equal(text_at(answer.json, "state"), "done");
    static const char *const checks[] = {
        "database",     "event log", "presence segments", "audit chain", "master key",
        "disk space",   "rule sets", "evidence seal",     "notices",     "photos",
        "status table", "loops",     "counters of loops"};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        assert_string_not_equal(text_at(line_of(&answer, checks[i]), "level"), "fail");
    assert_null(strstr(answer.response.body.data, loop->directory));
    answer_release(&answer);
    answer = loopback_call(loop, GET("/api/v1/jobs?limit=1", admin));
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 1);
    answer_release(&answer);
    loopback_refused(loop, GET("/api/v1/jobs/99", admin), 404, "not-found");
    loopback_refused(loop, POST("/api/v1/health:check", "{\"deep\":1}", admin), 400, "bad-value");
    loopback_refused(loop, POST("/api/v1/audit:verify", "{}", admin), 403, "forbidden");
}

static void a_job_that_its_process_left_behind_is_cut_short_and_one_of_a_kind_runs(void **state)
{
    struct loopback *loop = *state;
    char auditor[80];
    loopback_change(loop, "INSERT INTO job (job_no, kind, began_by, began_at, state, done, total,"
                          " lines) VALUES (7, 'audit', 'auditor', 1649917800000000, 'running', 5,"
                          " 10, '[]')");
    loopback_user(loop, "auditor", auditor);
    struct answer answer = loopback_call(loop, GET("/api/v1/jobs/7", auditor));
    assert_string_equal(text_at(answer.json, "state"), "cut_short"); /* nothing runs here */
    answer_release(&answer);
    loopback_restart(loop);
    answer = loopback_call(loop, GET("/api/v1/jobs/7", auditor));
    assert_string_equal(text_at(answer.json, "state"), "cut_short");
    assert_false(json_is_null(json_object_get(answer.json, "ended_at")));
    answer_release(&answer);
    /* one that waits: who asks again gets it */
    loopback_change(loop, "INSERT INTO job (job_no, kind, began_by, began_at, state, done, total,"
                          " lines) VALUES (8, 'audit', 'auditor', 1649917800000000, 'waiting', 0,"
                          " 0, '[]')");
    assert_int_equal(begin(loop, "/api/v1/audit:verify", "{}", auditor), 8);
    answer = ended_job(loop, 8, auditor);
    assert_string_equal(text_at(answer.json, "state"), "done");
    answer_release(&answer);
}

/* ---- Who looked at whom */

static struct call search(const char *path, const char *token)
{
    return (struct call){.path = path, .authorization = token, .purpose = "duty:auditor"};
}

static void the_reviewer_finds_who_looked_and_the_question_is_a_record_itself(void **state)
{
    struct loopback *loop = *state;
    char auditor[80], lead[80], district[80];
    loopback_user(loop, "auditor", auditor);
    loopback_user(loop, "cdc_lead", lead);
    loopback_user(loop, "auditor-320412", district);
    assert_int_equal(loopback_status(loop, &(struct call){.path = "/api/v1/persons/5",
                                                          .authorization = lead,
                                                          .purpose = "duty:cdc_lead"}),
                     200);
    struct call by_person = search("/api/v1/audit/records?person=5", auditor);
    struct answer answer = loopback_call(loop, &by_person);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.audits, 1);
    json_t *item = item_of(&answer, "user", "cdc_lead");
    assert_non_null(item);
    assert_string_equal(text_at(item, "act"), "person.read");
    assert_string_equal(text_at(item, "purpose"), "duty:cdc_lead");
    assert_int_equal(json_integer_value(json_object_get(item, "subject_no")), 5);
    answer_release(&answer);
    struct call by_user = search("/api/v1/audit/records?actor=auditor", auditor);
    answer = loopback_call(loop, &by_user);
    assert_non_null(item_of(&answer, "act", "audit.search"));
    answer_release(&answer);
    /* a district's reviewer finds nothing of a user of the city */
    struct call elsewhere = search("/api/v1/audit/records?person=5", district);
    answer = loopback_call(loop, &elsewhere);
    assert_null(item_of(&answer, "user", "cdc_lead"));
    answer_release(&answer);
    static const char *const bad[] = {"/api/v1/audit/records", "/api/v1/audit/records?person=0",
                                      "/api/v1/audit/records?person=5&actor=cdc_lead"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct call call = search(bad[i], auditor);
        loopback_refused(loop, &call, 400, "bad-value");
    }
    loopback_refused(loop, GET("/api/v1/audit/records?person=5", auditor), 403, "purpose-required");
    loopback_refused(
        loop, GET("/api/v1/audit/records?person=5", loopback_user(loop, "administrator", lead)),
        403, "forbidden");
}

static void retention_says_when_its_next_run_is(void **state)
{
    struct loopback *loop = *state;
    char admin[80];
    struct answer answer =
        loopback_call(loop, GET("/api/v1/retention", loopback_user(loop, "administrator", admin)));
    /* none was yet, and today's hour has passed: it is due */
    assert_string_equal(text_at(answer.json, "next_run_at"), "2022-04-14T03:00:00+08:00");
    answer_release(&answer);
    loopback_change(loop, "INSERT INTO retention_run (began_by, city_day, began_at, ended_at)"
                          " VALUES ('daily', 19096, 1649880000000000, 1649880001000000)");
    answer = loopback_call(loop, GET("/api/v1/retention", admin));
    assert_string_equal(text_at(answer.json, "next_run_at"), "2022-04-15T03:00:00+08:00");
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(every_built_in_scene_is_proved_and_loaded_and_a_broken_file_says_where),
        LOOPBACK_TEST(versions_count_the_loops_that_live_under_each_in_the_readers_area),
        LOOPBACK_TEST(a_scene_is_a_page_of_words_in_one_language),
        LOOPBACK_TEST(the_versions_of_the_rules_carry_every_number_with_its_source),
        LOOPBACK_TEST(a_proposal_stands_among_the_versions_until_two_have_signed_it),
        LOOPBACK_TEST(shifts_and_absences_are_put_in_and_taken_out_by_who_manages_users),
        LOOPBACK_TEST(duties_are_refused_where_they_make_no_sense_or_lie_elsewhere),
        LOOPBACK_TEST(a_users_unit_and_lead_are_listed),
        LOOPBACK_TEST(verifying_the_audit_is_a_job_that_finds_a_changed_record),
        LOOPBACK_TEST(health_is_a_job_with_the_lines_of_doctor_and_shows_no_person),
        LOOPBACK_TEST(a_job_that_its_process_left_behind_is_cut_short_and_one_of_a_kind_runs),
        LOOPBACK_TEST(the_reviewer_finds_who_looked_and_the_question_is_a_record_itself),
        LOOPBACK_TEST(retention_says_when_its_next_run_is),
    };
    return LOOPBACK_RUN(tests);
}
