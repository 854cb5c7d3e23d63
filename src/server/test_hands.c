/* Goal: whose hand an act really is. Two accounts of one human are one hand; nobody decides about
 * themselves; a loop that somebody opened for it opens nobody; rights end with the duty that gave
 * them; and nobody hands on what is not theirs to give. */
#include "server/test_loop_support.h"

enum { TWIN = 1777 }; /* the person whom two accounts belong to */

static void set_person(struct loopback *loop, const char *user, int64_t person)
{
    char text[160];
    snprintf(text, sizeof text, "UPDATE app_user SET person_no = %lld WHERE name = '%s'",
             (long long)person, user);
    loopback_change(loop, text);
}

static void ask(struct loopback *loop, const char *user, enum http_method method, const char *path,
                const char *purpose, const char *body, int status, const char *words)
{
    char token[80];
    struct answer answer =
        loopback_call(loop, &(struct call){.method = method,
                                           .path = path,
                                           .body = body,
                                           .purpose = purpose,
                                           .authorization = loopback_user(loop, user, token)});
    const char *text = answer.response.body.data ? answer.response.body.data : "";
    if (answer.status != status || (words && !strstr(text, words)))
        fail_msg("%s %s for %s: %d %s\nexpected %d with %s", user, path, purpose ? purpose : "-",
                 answer.status, text, status, words ? words : "-");
    answer_release(&answer);
}

/* A resident who lives in a district. */
static int64_t resident(struct loopback *loop, const char *district)
{
    char text[300];
    snprintf(text, sizeof text,
             "SELECT min(person_no) FROM person WHERE area_no BETWEEN (SELECT area_no FROM area"
             " WHERE code = '%s') AND (SELECT max(area_no) FROM area WHERE code LIKE '%s%%')",
             district, district);
    int64_t person = loopback_number(loop, text);
    assert_true(person > 0);
    return person;
}

/* ---- A loop as a purpose */

static int64_t open_arrival(struct loopback *loop, const char *user, int64_t person)
{
    char body[400];
    snprintf(body, sizeof body,
             "{\"scene\":\"arrival\",\"subject\":%lld,\"fields\":{\"target_area\":\"320412100\","
             "\"origin_level\":\"low\",\"enter_time\":\"2022-04-14T10:00:00+08:00\","
             "\"feed\":\"community_visit\"}}",
             (long long)person);
    return open_loop(loop, user, body, 201);
}

static void a_loop_that_one_opened_for_it_opens_nobody(void **state)
{
    struct loopback *loop = *state;
    char path[80], purpose[40];
    int64_t foreign = loopback_number(
        loop, "SELECT min(person_no) FROM person p WHERE area_no NOT BETWEEN (SELECT area_no FROM"
              " area WHERE code = '320412') AND (SELECT max(area_no) FROM area WHERE code LIKE"
              " '320412%') AND NOT EXISTS (SELECT 1 FROM person_stay s WHERE s.person_no ="
              " p.person_no) AND NOT EXISTS (SELECT 1 FROM case_record c WHERE c.person_no ="
              " p.person_no)");
    int64_t own = resident(loop, "320412");
    for (int i = 0; i < 2; i++) {
        int64_t person = i ? own : foreign;
        int64_t id = open_arrival(loop, "town_duty-320412", person);
        snprintf(path, sizeof path, "/api/v1/persons/%lld/status", (long long)person);
        snprintf(purpose, sizeof purpose, "loop:%lld", (long long)id);
        ask(loop, "town_duty-320412", HTTP_GET, path, purpose, NULL, i ? 200 : 403,
            i ? NULL : "you do not hold this loop");
    }
    /* whom somebody else put before them is theirs to look at */
    int64_t given = open_arrival(loop, "command", foreign + 1);
    snprintf(path, sizeof path, "/api/v1/persons/%lld/status", (long long)foreign + 1);
    snprintf(purpose, sizeof purpose, "loop:%lld", (long long)given);
    ask(loop, "town_duty-320412", HTTP_GET, path, purpose, NULL, 200, NULL);
}

/* ---- One human, two accounts */

static void two_accounts_of_one_human_are_one_key(void **state)
{
    struct loopback *loop = *state;
    char token[80], path[80];
    loopback_user(loop, "cdc_lead", token);
    loopback_user(loop, "approver", token);
    set_person(loop, "cdc_lead", TWIN);
    set_person(loop, "approver", TWIN);
    struct answer answer = loopback_call(
        loop, &(struct call){.method = HTTP_POST,
                             .path = "/api/v1/exports",
                             .body = "{\"kind\":\"persons\",\"words\":\"the weekly report\"}",
                             .purpose = "duty:export",
                             .authorization = loopback_user(loop, "cdc_lead", token)});
    assert_int_equal(answer.status, 201);
    int64_t no = json_integer_value(json_object_get(answer.json, "no"));
    answer_release(&answer);
    snprintf(path, sizeof path, "/api/v1/exports/%lld/approve", (long long)no);
    ask(loop, "approver", HTTP_POST, path, "duty:export", "{}", 403, "own request");
    set_person(loop, "approver", TWIN + 1);
    ask(loop, "approver", HTTP_POST, path, "duty:export", "{}", 200, "approved");
}

static void two_accounts_of_one_human_are_one_approver(void **state)
{
    struct loopback *loop = *state;
    char token[80], path[80];
    int64_t person = loopback_number(
        loop, "SELECT min(person_no) FROM evidence WHERE kind <> 14"); /* something to lower */
    snprintf(path, sizeof path, "/api/v1/persons/%lld/overrides", (long long)person);
    static const char request[] =
        "{\"color\":\"green\",\"from\":\"2022-04-14T14:00:00+08:00\",\"expires\":"
        "\"2022-04-18T14:00:00+08:00\",\"reason_code\":\"lab_error\",\"words\":\"样本登记有误\"}";
    static const char approve[] = "/api/v1/overrides/1/approve";
    loopback_user(loop, "approver", token);
    loopback_user(loop, "inspection_lead", token);
    ask(loop, "cdc_duty", HTTP_POST, path, "duty:cdc_duty", request, 202, NULL);
    set_person(loop, "approver", person);
    ask(loop, "approver", HTTP_POST, approve, "duty:approver", "", 403, "about themselves");
    set_person(loop, "approver", TWIN);
    set_person(loop, "inspection_lead", TWIN);
    ask(loop, "approver", HTTP_POST, approve, "duty:approver", "", 202, "\"missing\":1");
    ask(loop, "inspection_lead", HTTP_POST, approve, "duty:inspection_lead", "", 403,
        "two different people");
    set_person(loop, "inspection_lead", TWIN + 1);
    ask(loop, "inspection_lead", HTTP_POST, approve, "duty:inspection_lead", "", 200, NULL);
}

static void nobody_decides_an_own_appeal(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    int64_t person = loopback_number(loop, "SELECT min(person_no) FROM evidence WHERE kind <> 14");
    struct answer answer = loopback_call(
        loop, &(struct call){.method = HTTP_POST,
                             .path = "/api/v1/me/appeals",
                             .body = "{\"words\":\"样本不是我的\"}",
                             .authorization = loopback_holder(loop, (uint32_t)person, token)});
    if (answer.status != 201)
        fail_msg("%d %s", answer.status, answer.response.body.data);
    answer_release(&answer);
    loopback_user(loop, "appeals_officer", token);
    set_person(loop, "appeals_officer", person);
    static const char no[] = "{\"decision\":\"rejected\",\"words\":\"样本核对无误\"}";
    static const char path[] = "/api/v1/appeals/1/decision", duty[] = "duty:appeals_officer";
    ask(loop, "appeals_officer", HTTP_POST, path, duty, no, 403, "about themselves");
    set_person(loop, "appeals_officer", person + 1);
    ask(loop, "appeals_officer", HTTP_POST, path, duty, no, 200, NULL);
}

/* ---- Who verifies is not who acted */

static void who_reviews_is_another_human_than_who_acted(void **state)
{
    struct loopback *loop = *state;
    static const char opening[] =
        "{\"scene\":\"alert_disposition\",\"subject\":\"X-1\",\"area\":\"320412\","
        "\"fields\":{\"level\":\"red\",\"place\":\"320412\"}}";
    int64_t id = open_loop(loop, "cdc_lead", opening, 201);
    advance(loop, "epidemiologist-320412", id,
            "{\"to\":\"on_site\",\"fields\":{\"judgement\":\"signal\"}}", 200, NULL);
    static const char acting[] =
        "{\"to\":\"acting\",\"fields\":{\"finding\":\"twelve\",\"measures\":\"at home\"}}";
    advance(loop, "cdc_duty-320412", id, acting, 200, NULL);
    advance(loop, "district_duty-320412", id, "{\"to\":\"review\",\"note\":\"done\"}", 200, NULL);
    set_person(loop, "district_duty-320412", TWIN);
    set_person(loop, "epidemiologist-320412", TWIN);
    advance(loop, "epidemiologist-320412", id, "{\"to\":\"closed\"}", 409, "it must hold that");
    set_person(loop, "epidemiologist-320412", TWIN + 1);
    advance(loop, "epidemiologist-320412", id, "{\"to\":\"closed\"}", 200, NULL);
}

/* ---- Rules */

/* The built-in rules under another name, of an area, from an hour ahead. */
static void propose(struct loopback *loop, const char *user, const char *area, int status,
                    const char *words)
{
    struct slice text = embedded_find("policies/rules/jiangsu_2022_ed8.yaml")->content;
    char *yaml = strndup(text.data, text.length), *line;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    for (char *rest = yaml; (line = strsep(&rest, "\n"));)
        if (strncmp(line, "rule_set:", 9) == 0)
            buffer_append_text(&out, "rule_set: of_another\n");
        else if (strncmp(line, "valid_from:", 11) == 0)
            buffer_append_text(&out, "valid_from: \"2022-04-14T18:00:00+08:00\"\n");
        else if (strncmp(line, "area:", 5) == 0)
            buffer_print(&out, "area: \"%s\"\n", area);
        else
            buffer_print(&out, "%s\n", line);
    json_t *body = json_pack("{s:s%}", "yaml", out.data, out.length);
    char *sent = json_dumps(body, 0);
    expect(loop, user, HTTP_POST, "/api/v1/rules", sent, status, words);
    free(sent);
    json_decref(body);
    buffer_release(&out);
    free(yaml);
}

static void rules_of_the_city_are_not_a_districts(void **state)
{
    struct loopback *loop = *state;
    propose(loop, "cdc_lead-320481", "320400", 403, "somebody of the whole city");
    propose(loop, "cdc_lead", "320481", 400, "area");
    propose(loop, "cdc_lead", "320400", 201, NULL);
    expect(loop, "approver-320481", HTTP_POST, "/api/v1/rules/1/sign", "", 403, "whole city");
    char token[80];
    loopback_user(loop, "approver", token);
    loopback_user(loop, "inspection_lead", token);
    loopback_user(loop, "cdc_lead", token);
    set_person(loop, "approver", TWIN);
    set_person(loop, "cdc_lead", TWIN);
    expect(loop, "approver", HTTP_POST, "/api/v1/rules/1/sign", "", 403, "does not sign");
    set_person(loop, "cdc_lead", TWIN + 1);
    set_person(loop, "inspection_lead", TWIN);
    expect(loop, "approver", HTTP_POST, "/api/v1/rules/1/sign", "", 202, NULL);
    expect(loop, "inspection_lead", HTTP_POST, "/api/v1/rules/1/sign", "", 409, "another user");
    set_person(loop, "inspection_lead", TWIN + 2);
    expect(loop, "inspection_lead", HTTP_POST, "/api/v1/rules/1/sign", "", 200, "signed");
}

/* ---- What is handed on */

static void seats_and_units_are_not_an_administrators_to_give_away(void **state)
{
    struct loopback *loop = *state;
    char body[300], token[80];
    static const char absence[] = "{\"name\":\"approver\",\"from\":\"2022-04-14T08:00:00+08:00\","
                                  "\"until\":\"2022-04-15T20:00:00+08:00\",\"delegate\":\"%s\"}";
    loopback_user(loop, "approver", token);
    loopback_user(loop, "venue_staff", token);
    snprintf(body, sizeof body, absence, "venue_staff");
    expect(loop, "administrator", HTTP_POST, "/api/v1/absences", body, 403, "same role");
    int64_t unit = loopback_number(loop, "SELECT min(unit_no) FROM unit WHERE area_no < (SELECT"
                                         " area_no FROM area WHERE code = '320412')");
    assert_true(unit > 0);
    loopback_user(loop, "unit_manager-320412", token);
    snprintf(body, sizeof body, "{\"name\":\"unit_manager-320412\",\"unit\":%lld}",
             (long long)unit);
    expect(loop, "administrator-320412", HTTP_POST, "/api/v1/users:unit", body, 400,
           "a unit of your area");
    expect(loop, "administrator", HTTP_POST, "/api/v1/users:unit", body, 200, NULL);
}

static void broken_glass_ends_with_the_role_that_may_break_it(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    struct error err;
    snprintf(path, sizeof path, "/api/v1/persons/%lld/status",
             (long long)resident(loop, "320481"));
    ask(loop, "cdc_duty-320412", HTTP_POST, "/api/v1/break-glass", NULL,
        "{\"reason\":\"unconscious at the gate, no card\"}", 200, NULL);
    ask(loop, "cdc_duty-320412", HTTP_GET, path, "duty:break_glass", NULL, 200, NULL);
    struct user_change change = {.name = SLICE("cdc_duty-320412"),
                                 .role = SLICE("district_duty"), /* which may break it as well */
                                 .by_last = INT64_MAX};
    change.area_no = loopback_number(loop, "SELECT area_no FROM area WHERE code = '320412'");
    test_fail_on(access_user_change(loop->platform->access, &change, SLICE("test"), &err), &err);
    ask(loop, "cdc_duty-320412", HTTP_GET, path, "duty:break_glass", NULL, 403,
        "no glass is broken");
    change.role = SLICE("unit_manager");
    test_fail_on(access_user_change(loop->platform->access, &change, SLICE("test"), &err), &err);
    ask(loop, "cdc_duty-320412", HTTP_GET, path, "duty:break_glass", NULL, 403, NULL);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_loop_that_one_opened_for_it_opens_nobody),
        LOOPBACK_TEST(two_accounts_of_one_human_are_one_key),
        LOOPBACK_TEST(two_accounts_of_one_human_are_one_approver),
        LOOPBACK_TEST(nobody_decides_an_own_appeal),
        LOOPBACK_TEST(who_reviews_is_another_human_than_who_acted),
        LOOPBACK_TEST(rules_of_the_city_are_not_a_districts),
        LOOPBACK_TEST(seats_and_units_are_not_an_administrators_to_give_away),
        LOOPBACK_TEST(broken_glass_ends_with_the_role_that_may_break_it),
    };
    return LOOPBACK_RUN(tests);
}
