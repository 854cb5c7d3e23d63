/* Overrides, notices, appeals and rule changes over their routes: who may not, what is refused
 * and in which words, what becomes evidence and when, and that no decision sets a status by
 * itself. */
#include "loops/loops.h"
#include "server/test_support.h"

static uint32_t person;         /* whom the test is about: green, without evidence */
static char request_path[80];   /* of an override for that person */
#define FROM "2022-04-14T14:00:00+08:00"
#define EXPIRES "2022-04-18T14:00:00+08:00"
#define REQUEST(color, expires, code)                                                              \
    "{\"color\":\"" color "\",\"from\":\"" FROM "\",\"expires\":\"" expires                        \
    "\",\"reason_code\":\"" code "\",\"words\":\"样本登记有误\"}"
#define GOOD_REQUEST REQUEST("green", EXPIRES, "lab_error")

/* ---- A person with a piece of evidence */

struct adding {
    struct evidence piece;
    int64_t area, no;
};
static int64_t area_of_person(struct loopback *loop)
{
    char query[100];
    snprintf(query, sizeof query, "SELECT area_no FROM person WHERE person_no = %u", person);
    return loopback_number(loop, query);
}
static bool add_piece(struct sql *sql, void *context, struct error *err)
{
    struct adding *adding = context;
    return evidence_add(sql, (struct person_no){person}, adding->area, &adding->piece, SLICE(""),
                        &adding->no, err);
}
static int64_t add(struct loopback *loop, struct evidence piece)
{
    struct error err;
    struct adding adding = {.piece = piece};
    adding.area = area_of_person(loop);
    adding.piece.recorded_at = world_now(loop->platform->world) - HOUR;
    test_fail_on(store_write(loop->platform->store, add_piece, &adding, &err), &err);
    test_fail_on(status_catch_up(loop->platform->status, &err), &err);
    return adding.no;
}
static void choose_person(struct loopback *loop)
{
    person = (uint32_t)loopback_number(loop, "SELECT min(person_no) FROM person p WHERE NOT EXISTS"
                                             " (SELECT 1 FROM evidence e WHERE e.person_no ="
                                             " p.person_no AND e.kind <> 14)"); /* negatives only */
    assert_true(person > 0);
    snprintf(request_path, sizeof request_path, "/api/v1/persons/%u/overrides", person);
}
static int64_t add_symptoms(struct loopback *loop)
{
    choose_person(loop);
    return add(loop, (struct evidence){.kind = EVIDENCE_SYMPTOMS,
                                       .at = world_now(loop->platform->world) - 2 * HOUR});
}

static enum color color_now(struct loopback *loop)
{
    return (enum color)status_get(loop->platform->status, (struct person_no){person},
                                  world_now(loop->platform->world))
        .color;
}

/* ---- Calls */

static struct answer call_as(struct loopback *loop, const char *user, enum http_method method,
                             const char *path, const char *body)
{
    char token[80], purpose[64]; /* the duty that everyone holds: the own role's */
    snprintf(purpose, sizeof purpose, "duty:%.*s", (int)strcspn(user, "-"), user);
    return loopback_call(loop, &(struct call){.method = method,
                                              .path = path,
                                              .body = body,
                                              .authorization = loopback_user(loop, user, token),
                                              .purpose = purpose});
}
static void expect_as(struct loopback *loop, const char *user, enum http_method method,
                      const char *path, const char *body, int status, const char *words)
{
    struct answer answer = call_as(loop, user, method, path, body);
    const char *text = answer.response.body.data ? answer.response.body.data : "";
    if (answer.status != status || !strstr(text, words))
        fail_msg("%s %s: %d %s", user, path, answer.status, text);
    answer_release(&answer);
}
static void expect_holder(struct loopback *loop, enum http_method method, const char *path,
                          const char *body, int status, const char *words)
{
    char token[80];
    struct answer answer =
        loopback_call(loop, &(struct call){.method = method,
                                           .path = path,
                                           .body = body,
                                           .authorization = loopback_holder(loop, person, token)});
    const char *text = answer.response.body.data ? answer.response.body.data : "";
    if (answer.status != status || !strstr(text, words))
        fail_msg("holder %s: %d %s", path, answer.status, text);
    answer_release(&answer);
}
/* ---- Overrides */

static void two_outside_the_line_make_an_override_evidence(void **state)
{
    struct loopback *loop = *state;
    add_symptoms(loop);
    assert_int_equal(color_now(loop), COLOR_YELLOW);
    struct answer asked = call_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST);
    assert_int_equal(asked.status, 202);
    assert_int_equal(asked.audits, 1);
    assert_int_equal(asked.events, 1);
    answer_release(&asked);
    assert_int_equal(color_now(loop), COLOR_YELLOW);
    expect_as(loop, "approver", HTTP_GET, "/api/v1/overrides", NULL, 200, "样本登记有误");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/approve", "", 202,
              "\"missing\":1");
    assert_int_equal(color_now(loop), COLOR_YELLOW);
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/approve", "", 409,
              "approved it already");
    struct answer done =
        call_as(loop, "inspection_lead", HTTP_POST, "/api/v1/overrides/1/approve", "");
    assert_int_equal(done.status, 200);
    assert_int_equal(done.audits, 1);
    assert_int_equal(done.events, 2); /* the evidence, and the decision */
    answer_release(&done);
    assert_int_equal(color_now(loop), COLOR_GREEN);
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/refuse", "{\"words\":\"迟了\"}",
              409, "decided before");
    expect_holder(loop, HTTP_GET, "/api/v1/me/notices", NULL, 200, "requesting office");
    loop->platform->world->fixed += 5 * DAY; /* it expires by itself */
    struct error err;
    test_fail_on(status_catch_up(loop->platform->status, &err), &err);
    assert_int_equal(color_now(loop), COLOR_YELLOW);
}

static void who_stands_in_the_line_does_not_approve(void **state)
{
    struct loopback *loop = *state;
    add_symptoms(loop);
    expect_as(loop, "lab_lead", HTTP_POST, request_path, GOOD_REQUEST, 202, "");
    loopback_change(loop, "UPDATE app_user SET lead_no = (SELECT user_no FROM app_user WHERE"
                          " name = 'lab_lead') WHERE name = 'approver'"); /* follows */
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/approve", "", 403, "line");
    loopback_change(loop, "UPDATE app_user SET lead_no = (SELECT user_no FROM app_user WHERE"
                          " name = 'inspection_lead') WHERE name = 'lab_lead'"); /* leads */
    expect_as(loop, "inspection_lead", HTTP_POST, "/api/v1/overrides/1/approve", "", 403, "line");
    loopback_change(loop, "UPDATE app_user SET lead_no = (SELECT user_no FROM app_user WHERE"
                          " name = 'inspection_lead') WHERE name = 'approver'"); /* same lead */
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/approve", "", 403, "line");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/refuse", "{\"words\":\"不\"}", 403,
              "line");
    loopback_change(loop, "UPDATE app_user SET lead_no = 0");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/refuse", "{\"words\":\"不\"}", 200,
              "refused");
    char path[80];
    snprintf(path, sizeof path, "/api/v1/persons/%u/redress", person);
    expect_as(loop, "cdc_duty", HTTP_GET, path, NULL, 200, "\"words\":\"不\"");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM override_decision WHERE"
                                           " plain_words = '' AND instr(words, '不') = 0"),
                     1);
    assert_int_equal(color_now(loop), COLOR_YELLOW);
}

static void what_does_not_lower_is_refused_in_words(void **state)
{
    struct loopback *loop = *state;
    choose_person(loop);
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 403, "lower nothing");
    add_symptoms(loop);
    static const struct {
        const char *body;
        int status;
        const char *words;
    } rows[] = {
        {REQUEST("yellow", EXPIRES, "lab_error"), 403, "lower nothing"},
        {REQUEST("red", EXPIRES, "lab_error"), 400, "only lowers"},
        {REQUEST("green", "2022-04-22T14:00:00+08:00", "lab_error"), 403, "override"},
        {REQUEST("green", "2022-04-14T14:10:00+08:00", "lab_error"), 400, "expires"},
        {REQUEST("green", EXPIRES, "depositor"), 403, "override"},
        {"{\"color\":\"green\"}", 400, "from"},
        {"{\"approvers\":[\"a\",\"b\"]}", 400, "approvers"},
        {"{\"status\":\"red\"}", 400, "status"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_as(loop, "cdc_duty", HTTP_POST, request_path, rows[i].body, rows[i].status,
                  rows[i].words);
    add(loop, (struct evidence){.kind = EVIDENCE_CASE,
                                .at = world_now(loop->platform->world) - 2 * HOUR});
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 403, "a case");
    expect_as(loop, "cdc_duty", HTTP_POST, "/api/v1/persons/99999999/overrides", GOOD_REQUEST, 404,
              "");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM override_request"), 0);
}

static void a_case_that_comes_before_the_second_approval_stands(void **state)
{
    struct loopback *loop = *state;
    add_symptoms(loop);
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 202, "");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/overrides/1/approve", "", 202, "");
    add(loop, (struct evidence){.kind = EVIDENCE_CASE,
                                .at = world_now(loop->platform->world) - 2 * HOUR});
    int64_t before = loopback_number(loop, "SELECT count(*) FROM evidence");
    expect_as(loop, "inspection_lead", HTTP_POST, "/api/v1/overrides/1/approve", "", 403, "a case");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM evidence"), before);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM override_decision"), 1);
    assert_int_equal(color_now(loop), COLOR_RED);
}

static void a_district_sees_no_override_of_another(void **state)
{
    struct loopback *loop = *state;
    add_symptoms(loop);
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 202, "");
    int64_t area = area_of_person(loop);
    const struct area *wujin =
        registry_area_by_code(loop->platform->registry, SLICE("320412"));
    bool in_wujin = area >= wujin->no && area <= area_range_last(wujin->no);
    const char *foreign = in_wujin ? "approver-320481" : "approver-320412";
    expect_as(loop, foreign, HTTP_GET, "/api/v1/overrides", NULL, 200, "\"items\":[]");
    expect_as(loop, foreign, HTTP_POST, "/api/v1/overrides/1/approve", "", 404, "");
}

/* ---- Nothing takes a colour */

static bool names_a_colour(const char *name)
{
    return strcmp(name, "color") == 0 || strcmp(name, "colour") == 0 ||
           strcmp(name, "status") == 0;
}

/* What a request may carry, a file may bring and a table may hold: a colour has one place, the
 * one that an override lowers to. */
static void no_request_no_import_and_no_column_takes_a_colour(void **state)
{
    struct loopback *loop = *state;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            const char *schema = route->request_schema ? route->request_schema : "";
            bool named = strstr(schema, "\"color\"") || strstr(schema, "\"colour\"") ||
                         strstr(schema, "\"status\"");
            if (named != (strcmp(route->path, "/persons/{no}/overrides") == 0))
                fail_msg("%s", route->path);
        }
    for (size_t k = 0; k < import_kind_count; k++)
        for (const struct import_column *column = import_kinds[k]->columns; column->name; column++)
            if (names_a_colour(column->name))
                fail_msg("import %s: %s", import_kinds[k]->name, column->name);
    for (size_t m = 0; m < module_count; m++)
        for (size_t c = 0; c < modules[m]->command_count; c++) {
            const char *usage = modules[m]->commands[c].usage;
            assert_null(strstr(usage, "--color"));
            assert_null(strstr(usage, "--status"));
        }
    /* override_request.color, and the HTTP status of a kept answer */
    assert_int_equal(
        loopback_number(loop, "SELECT count(*) FROM sqlite_master m JOIN"
                              " pragma_table_info(m.name) c WHERE m.type = 'table'"
                              " AND c.name IN ('color', 'colour', 'status')"
                              " AND m.name || '.' || c.name NOT IN"
                              " ('override_request.color', 'idempotency.status')"),
        0);
}

/* ---- Notices and appeals */

static void a_notice_says_what_who_why_until_when_and_how_to_appeal(void **state)
{
    struct loopback *loop = *state;
    int64_t no = add_symptoms(loop);
    char token[80];
    struct answer answer =
        loopback_call(loop, GET("/api/v1/me/notices", loopback_holder(loop, person, token)));
    json_t *notice = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_int_equal(json_integer_value(json_object_get(notice, "evidence")), no);
    assert_string_equal(json_string_value(json_object_get(notice, "status_then")), "yellow");
    assert_non_null(json_object_get(json_object_get(notice, "why"), "zh"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(notice, "office"), "en")),
        "fever clinic");
    json_t *appeal = json_object_get(notice, "appeal");
    assert_int_equal(json_integer_value(json_object_get(appeal, "about")), no);
    assert_int_equal(json_integer_value(json_object_get(appeal, "answer_hours")), 24);
    answer_release(&answer);
}

static void an_appeal_is_answered_in_words_and_sets_nothing(void **state)
{
    struct loopback *loop = *state;
    char body[200];
    int64_t no = add_symptoms(loop);
    snprintf(body, sizeof body, "{\"words\":\"我没有发热\",\"about\":%lld}", (long long)no);
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", body, 201,
                  "\"due_at\":\"2022-04-15T14:31");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\" \"}", 400, "words");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"x\",\"about\":1}", 400,
                  "about");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"x\",\"color\":\"green\"}",
                  400, "color");
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/appeals", NULL, 200, "我没有发热");
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/appeals?overdue=true", NULL, 200,
              "\"items\":[]");
    static const char *const bad[] = {
        "{\"decision\":\"granted\",\"words\":\"x\"}",
        "{\"decision\":\"granted\",\"words\":\"\",\"follows\":\"annul\"}",
        "{\"decision\":\"rejected\",\"words\":\"x\",\"follows\":\"annul\"}",
        "{\"decision\":\"granted\",\"words\":\"x\",\"follows\":\"green\"}",
        "{\"decision\":\"granted\",\"words\":\"x\",\"follows\":\"annul\",\"of\":1}",
        "{\"decision\":\"maybe\",\"words\":\"x\"}",
        "{\"decision\":\"rejected\",\"words\":\"x\",\"color\":\"green\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_as(loop, "appeals_officer", HTTP_POST, "/api/v1/appeals/1/decision", bad[i], 400,
                  "bad-value");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/appeals/1/annulment", NULL, 409,
              "no annulment follows it");
    struct answer answer =
        call_as(loop, "appeals_officer", HTTP_POST, "/api/v1/appeals/1/decision",
                "{\"decision\":\"granted\",\"words\":\"登记错误\",\"follows\":\"annul\"}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.events, 1); /* no evidence */
    answer_release(&answer);
    assert_int_equal(color_now(loop), COLOR_YELLOW);
    expect_holder(loop, HTTP_GET, "/api/v1/me/appeals", NULL, 200, "\"followed_by\":null");
    /* who decided does not carry it out, in whatever role; another hand does, once */
    loopback_change(loop, "UPDATE appeal SET decided_by = 'cdc_lead'");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/appeals/1/annulment", NULL, 403,
              "does not annul");
    loopback_change(loop, "UPDATE appeal SET decided_by = 'appeals_officer'");
    expect_as(loop, "cdc_lead-320481", HTTP_POST, "/api/v1/appeals/1/annulment", NULL, 404, "");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/appeals/1/annulment", NULL, 200, "granted");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/appeals/1/annulment", NULL, 409, "already");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM evidence WHERE of_no > 0"), 1);
    expect_holder(loop, HTTP_GET, "/api/v1/me/appeals", NULL, 200, "\"followed_by\":");
    loop->platform->world->fixed += 2 * HOUR;
    expect_as(loop, "appeals_officer", HTTP_POST, "/api/v1/appeals/1/decision",
              "{\"decision\":\"rejected\",\"words\":\"x\"}", 409, "decided before");
    struct error err;
    test_fail_on(status_catch_up(loop->platform->status, &err), &err);
    assert_int_equal(color_now(loop), COLOR_GREEN);
}

/* The scene `appeal` opens from what was filed, and goes on with the last decision. */
/* How often GET /me/accesses tells the person of an act. */
static int times_told(struct loopback *loop, const char *act)
{
    char token[80];
    struct answer answer =
        loopback_call(loop, &(struct call){.path = "/api/v1/me/accesses?limit=1000",
                                           .authorization = loopback_holder(loop, person, token)});
    json_t *item;
    size_t i;
    int count = 0;
    assert_int_equal(answer.status, 200);
    json_array_foreach (json_object_get(answer.json, "items"), i, item)
        count += strcmp(json_string_value(json_object_get(item, "act")), act) == 0;
    answer_release(&answer);
    return count;
}

static void whoever_is_shown_in_a_list_of_appeals_or_overrides_is_told(void **state)
{
    struct loopback *loop = *state;
    char search[80];
    add_symptoms(loop);
    uint32_t appealing = person;
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 202, "");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"first\"}", 201, "");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"again\"}", 201, "");
    add_symptoms(loop); /* the next one, who has no evidence yet */
    assert_true(person != appealing);
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 202, "");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"mine\"}", 201, "");
    for (int round = 0; round < 2; round++) {
        struct answer listed = call_as(loop, "appeals_officer", HTTP_GET, "/api/v1/appeals", NULL);
        assert_int_equal(json_array_size(json_object_get(listed.json, "items")), 3);
        assert_int_equal(listed.audits, 1); /* one record, each person once */
        answer_release(&listed);
    }
    expect_as(loop, "approver", HTTP_GET, "/api/v1/overrides", NULL, 200, "");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(times_told(loop, "appeal.list"), 2);
        assert_int_equal(times_told(loop, "override.list"), 1);
        snprintf(search, sizeof search, "/api/v1/audit/records?person=%u", person);
        expect_as(loop, "auditor", HTTP_GET, search, NULL, 200, "\"appeal.list\"");
        expect_as(loop, "auditor", HTTP_GET, search, NULL, 200, "\"override.list\"");
        person = appealing;
    }
    assert_int_equal(times_told(loop, "person.list"), 0);
}

/* The area of these lists is where the person lives: a role is shown as much as its mask says. */
static void lists_of_appeals_and_overrides_show_no_more_of_the_home_than_the_role_may_see(
    void **state)
{
    struct loopback *loop = *state;
    add_symptoms(loop);
    expect_as(loop, "cdc_duty", HTTP_POST, request_path, GOOD_REQUEST, 202, "");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"x\"}", 201, "");
    const struct area *home = registry_area(loop->platform->registry, area_of_person(loop));
    assert_non_null(home);
    assert_true(home->code.length > 6); /* a town */
    char county[40];
    snprintf(county, sizeof county, "\"area\":\"%.6s\"", home->code.data);
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/appeals", NULL, 200, county);
    expect_as(loop, "approver", HTTP_GET, "/api/v1/overrides", NULL, 200, "\"area\":null");
    char path[80], whole[40];
    snprintf(whole, sizeof whole, "\"area\":\"%.*s\"", SLICE_ARG(home->code));
    snprintf(path, sizeof path, "/api/v1/persons/%u/redress", person);
    expect_as(loop, "cdc_duty", HTTP_GET, path, NULL, 200, whole);
}

static void an_appeal_has_a_loop_that_follows_its_decision(void **state)
{
    struct loopback *loop = *state;
    static const char reject[] = "{\"decision\":\"rejected\",\"words\":\"x\"}";
    struct error err;
    (void)add_symptoms(loop);
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"first\"}", 201, "");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"second\"}", 201, "");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/loops?owner=area&scene=appeal", NULL, 200,
              "\"stage\":\"received\"");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop"), 1);
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/loops/1", NULL, 200,
              "\"color\":\"yellow\"");
    expect_as(loop, "appeals_officer", HTTP_POST, "/api/v1/appeals/1/decision", reject, 200, "");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/loops/1", NULL, 200,
              "\"stage\":\"received\"");
    expect_as(loop, "appeals_officer", HTTP_POST, "/api/v1/appeals/2/decision", reject, 200, "");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    expect_as(loop, "appeals_officer", HTTP_GET, "/api/v1/loops/1", NULL, 200,
              "\"stage\":\"telling\"");
}

static void an_overdue_appeal_is_told_once_and_stands_first(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    static const char overdue[] = "SELECT count(*) FROM event WHERE kind = 'appeal.overdue'";
    choose_person(loop);
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"first\"}", 201, "");
    loop->platform->world->fixed += 20 * HOUR;
    char token[80];
    loopback_holder(loop, person + 1, token);
    assert_int_equal(loopback_status(loop, &(struct call){.method = HTTP_POST,
                                                          .path = "/api/v1/me/appeals",
                                                          .body = "{\"words\":\"second\"}",
                                                          .authorization = token}),
                     201);
    test_fail_on(status_tick(loop->platform->status, &err), &err);
    assert_int_equal(loopback_number(loop, overdue), 0);
    loop->platform->world->fixed += 5 * HOUR;
    for (int i = 0; i < 3; i++)
        test_fail_on(status_tick(loop->platform->status, &err), &err);
    assert_int_equal(loopback_number(loop, overdue), 1);
    loopback_restart(loop);
    loop->platform->world->fixed += 25 * HOUR;
    test_fail_on(status_tick(loop->platform->status, &err), &err);
    struct answer answer =
        call_as(loop, "appeals_officer", HTTP_GET, "/api/v1/appeals?limit=1", NULL);
    json_t *first = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "words")), "first");
    assert_true(json_is_true(json_object_get(first, "overdue")));
    char path[100];
    snprintf(path, sizeof path, "/api/v1/appeals?limit=1&after=%s",
             json_string_value(json_object_get(answer.json, "next")));
    answer_release(&answer);
    expect_as(loop, "appeals_officer", HTTP_GET, path, NULL, 200, "second");
}

static void who_had_a_hand_in_the_override_does_not_decide_about_it(void **state)
{
    struct loopback *loop = *state;
    static const struct slice approvers[] = {{"appeals_officer", 15}, {"approver", 8}};
    choose_person(loop);
    timestamp now = world_now(loop->platform->world);
    int64_t no = add(loop, (struct evidence){.kind = EVIDENCE_OVERRIDE,
                                             .at = now,
                                             .until = now + DAY,
                                             .detail = COLOR_YELLOW,
                                             .reason_code = SLICE("lab_error"),
                                             .requester = SLICE("lab_lead"),
                                             .approvers = approvers,
                                             .approver_count = 2});
    char body[200];
    snprintf(body, sizeof body, "{\"words\":\"x\",\"about\":%lld}", (long long)no);
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", body, 201, "");
    expect_as(loop, "appeals_officer", HTTP_POST, "/api/v1/appeals/1/decision",
              "{\"decision\":\"rejected\",\"words\":\"x\"}", 403, "recorded the evidence");
}

static void appeals_of_one_person_have_a_limit(void **state)
{
    struct loopback *loop = *state;
    choose_person(loop);
    for (int i = 0; i < 5; i++)
        expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"x\"}", 201, "");
    expect_holder(loop, HTTP_POST, "/api/v1/me/appeals", "{\"words\":\"x\"}", 409, "open");
}

/* ---- Rules */

/* The built-in rules with changes: `pairs` of texts, NULL after the last. As a JSON body. */
static char *rules_body(const char *const *pairs)
{
    struct slice text = embedded_find("policies/rules/jiangsu_2022_ed8.yaml")->content;
    char *yaml = strndup(text.data, text.length);
    for (; pairs[0]; pairs += 2) {
        char *at = strstr(yaml, pairs[0]), *changed;
        assert_non_null(at);
        assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - yaml), yaml, pairs[1],
                             at + strlen(pairs[0])) > 0);
        free(yaml);
        yaml = changed;
    }
    json_t *body = json_pack("{s:s}", "yaml", yaml);
    char *out = json_dumps(body, 0);
    json_decref(body);
    free(yaml);
    return out;
}

/* Every count of an effect, null as −1, by the districts; fails where a small one is shown or
 * follows from the others. */
static void nothing_small_is_told(json_t *effect, int64_t below)
{
    json_t *districts = json_object_get(effect, "districts"), *district, *change;
    size_t d, c;
    json_array_foreach (districts, d, district) {
        int64_t left = json_integer_value(json_object_get(district, "persons"));
        int64_t hidden = 0;
        json_array_foreach (json_object_get(district, "changes"), c, change) {
            json_t *persons = json_object_get(change, "persons");
            hidden += json_is_null(persons);
            left -= json_integer_value(persons);
            assert_true(json_is_null(persons) || json_integer_value(persons) >= below);
        }
        assert_true(hidden != 1);
        assert_true(left == 0 || left >= below);
        assert_int_equal(json_is_null(json_object_get(district, "changed")), hidden > 0);
    }
}

static void rules_change_by_two_signatures_and_never_backwards(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    char *body = rules_body((const char *const[]){
        "jiangsu_2022_ed8", "jiangsu_2022_ed9", "2022-01-01T00:00:00+08:00",
        "2022-04-15T00:00:00+08:00", "secondary_contact_red_days: {value: 7",
        "secondary_contact_red_days: {value: 0", NULL});
    choose_person(loop);
    add(loop, (struct evidence){.kind = EVIDENCE_SECONDARY_CONTACT,
                                .at = world_now(loop->platform->world) - DAY});
    assert_int_equal(color_now(loop), COLOR_RED);
    struct answer answer = call_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", body);
    assert_int_equal(answer.status, 201);
    json_t *effect = json_object_get(answer.json, "effect");
    assert_int_equal(json_integer_value(json_object_get(effect, "persons")),
                     status_known(loop->platform->status));
    nothing_small_is_told(effect, 5);
    answer_release(&answer);
    expect_as(loop, "approver", HTTP_POST, "/api/v1/rules/1/sign", "", 202, "proposed");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/rules/1/sign", "", 409, "signed it already");
    assert_null(policy_rules(loop->platform->policy, SLICE("jiangsu_2022_ed9")));
    expect_as(loop, "command", HTTP_POST, "/api/v1/rules/1/sign", "", 200, "\"signed\"");
    assert_non_null(policy_rules(loop->platform->policy, SLICE("jiangsu_2022_ed9")));
    assert_int_equal(color_now(loop), COLOR_RED); /* not before its time */
    expect_as(loop, "inspection_lead", HTTP_POST, "/api/v1/rules/1/sign", "", 409, "already");
    loopback_restart(loop);
    assert_non_null(policy_rules(loop->platform->policy, SLICE("jiangsu_2022_ed9")));
    loop->platform->world->fixed += 10 * HOUR;
    test_fail_on(status_catch_up(loop->platform->status, &err), &err);
    assert_int_equal(color_now(loop), COLOR_GREEN);
    char path[120];
    snprintf(path, sizeof path, "/api/v1/persons/%u/status?at=2022-04-14T15:00:00%%2B08:00",
             person);
    expect_as(loop, "cdc_lead", HTTP_GET, path, NULL, 200, "\"color\":\"red\""); /* as it was */
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", body, 409, "already");
    free(body);
}

static void what_would_change_is_told_in_no_small_counts(void **state)
{
    struct loopback *loop = *state;
    char *body = rules_body((const char *const[]){
        "jiangsu_2022_ed8", "jiangsu_2022_ed9", "2022-01-01T00:00:00+08:00",
        "2022-04-15T00:00:00+08:00", "secondary_contact_red_days: {value: 7",
        "secondary_contact_red_days: {value: 0", NULL});
    /* forty of one district, one of another */
    static const char *const who[] = {
        "SELECT person_no FROM person p JOIN area a ON a.code = '320412' WHERE p.area_no BETWEEN"
        " a.area_no AND a.area_no + 16777215 ORDER BY person_no LIMIT 1 OFFSET %d",
        "SELECT person_no FROM person p JOIN area a ON a.code = '320481' WHERE p.area_no BETWEEN"
        " a.area_no AND a.area_no + 16777215 ORDER BY person_no LIMIT 1 OFFSET %d"};
    for (int i = 0; i < 41; i++) {
        char query[300];
        snprintf(query, sizeof query, who[i == 40], i % 40);
        person = (uint32_t)loopback_number(loop, query);
        add(loop, (struct evidence){.kind = EVIDENCE_SECONDARY_CONTACT,
                                    .at = world_now(loop->platform->world) - DAY});
    }
    struct answer answer = call_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", body);
    assert_int_equal(answer.status, 201);
    json_t *effect = json_object_get(answer.json, "effect"), *change;
    nothing_small_is_told(effect, 5);
    int64_t told = 0;
    size_t i;
    json_array_foreach (json_object_get(effect, "changes"), i, change)
        told += json_integer_value(json_object_get(change, "persons"));
    assert_true(told >= 41); /* the city's sum is not small */
    answer_release(&answer);
    free(body);
}

static void a_rule_set_that_begins_in_the_past_or_lapsed_is_refused(void **state)
{
    struct loopback *loop = *state;
    char *past = rules_body((const char *const[]){"jiangsu_2022_ed8", "other", NULL});
    char *soon = rules_body((const char *const[]){"jiangsu_2022_ed8", "other",
                                                  "2022-01-01T00:00:00+08:00",
                                                  "2022-04-14T15:00:00+08:00", NULL});
    char *fault = rules_body((const char *const[]){"case_red_after_discharge_days: {value: 14",
                                                   "case_red_after_discharge_days: {value: -1",
                                                   NULL});
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", past, 400, "valid_from");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", fault, 400, "bad-value");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", soon, 201, "");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/rules/1/sign", "", 202, "");
    loop->platform->world->fixed += HOUR;
    expect_as(loop, "command", HTTP_POST, "/api/v1/rules/1/sign", "", 409, "begun already");
    expect_as(loop, "command", HTTP_GET, "/api/v1/rules/1", NULL, 200, "lapsed");
    free(past);
    free(soon);
    free(fault);
}

static void the_proposer_does_not_sign(void **state)
{
    struct loopback *loop = *state;
    char *body = rules_body((const char *const[]){"jiangsu_2022_ed8", "other",
                                                  "2022-01-01T00:00:00+08:00",
                                                  "2022-05-01T00:00:00+08:00", NULL});
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", body, 201, "");
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules/1/sign", "", 403, "forbidden");
    loopback_change(loop, "UPDATE rule_change SET proposer_no ="
                          " (SELECT user_no FROM app_user WHERE name = 'approver')");
    expect_as(loop, "approver", HTTP_POST, "/api/v1/rules/1/sign", "", 403, "does not sign");
    free(body);
}

static void a_rule_set_signed_in_the_database_by_hand_is_not_taken(void **state)
{
    struct loopback *loop = *state;
    char *body = rules_body((const char *const[]){"jiangsu_2022_ed8", "other",
                                                  "2022-01-01T00:00:00+08:00",
                                                  "2022-05-01T00:00:00+08:00", NULL});
    expect_as(loop, "cdc_lead", HTTP_POST, "/api/v1/rules", body, 201, "");
    loopback_change(loop, "INSERT INTO rule_signature SELECT 1, user_no, name, 0 FROM app_user"
                          " WHERE name IN ('approver', 'command')");
    loopback_change(loop, "UPDATE rule_change SET state = 1, seal = zeroblob(32)");
    loopback_restart(loop);
    assert_null(policy_rules(loop->platform->policy, SLICE("other")));
    expect_as(loop, "command", HTTP_GET, "/api/v1/rules", NULL, 200, "not authentic");
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(two_outside_the_line_make_an_override_evidence),
        LOOPBACK_TEST(who_stands_in_the_line_does_not_approve),
        LOOPBACK_TEST(what_does_not_lower_is_refused_in_words),
        LOOPBACK_TEST(a_case_that_comes_before_the_second_approval_stands),
        LOOPBACK_TEST(a_district_sees_no_override_of_another),
        LOOPBACK_TEST(no_request_no_import_and_no_column_takes_a_colour),
        LOOPBACK_TEST(a_notice_says_what_who_why_until_when_and_how_to_appeal),
        LOOPBACK_TEST(an_appeal_is_answered_in_words_and_sets_nothing),
        LOOPBACK_TEST(whoever_is_shown_in_a_list_of_appeals_or_overrides_is_told),
        LOOPBACK_TEST(
            lists_of_appeals_and_overrides_show_no_more_of_the_home_than_the_role_may_see),
        LOOPBACK_TEST(an_appeal_has_a_loop_that_follows_its_decision),
        LOOPBACK_TEST(an_overdue_appeal_is_told_once_and_stands_first),
        LOOPBACK_TEST(who_had_a_hand_in_the_override_does_not_decide_about_it),
        LOOPBACK_TEST(appeals_of_one_person_have_a_limit),
        LOOPBACK_TEST(rules_change_by_two_signatures_and_never_backwards),
        LOOPBACK_TEST(what_would_change_is_told_in_no_small_counts),
        LOOPBACK_TEST(a_rule_set_that_begins_in_the_past_or_lapsed_is_refused),
        LOOPBACK_TEST(the_proposer_does_not_sign),
        LOOPBACK_TEST(a_rule_set_signed_in_the_database_by_hand_is_not_taken),
    };
    return LOOPBACK_RUN(tests);
}
