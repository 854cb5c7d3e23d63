/* Zhengzhou, June 2022: officials gave 1317 depositors of a bank a red code, so that they could
 * not travel to protest. Here an officer with every log-in of the house tries to code a list of
 * people: by every import, by every route, by an override with friends. Nobody's status moves,
 * and it leaves a trace. What a laboratory sends must be believed, and what the data directory is
 * given too: who lies that way turns a list red, and the audit names the hand for each person. */
#include "attack.h"

enum { LISTED = 20 };

static void write_list(struct served *served, const char *name, const char *header,
                       const char *row)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_print(&text, "%s\n", header);
    for (int i = 1; i <= LISTED; i++) {
        buffer_print(&text, row, i, i);
        buffer_append_text(&text, "\n");
    }
    write_text(served->directory, name, text.data);
    buffer_release(&text);
}

static void no_import_takes_a_list(void **state)
{
    struct served *served = *state;
    static const char evidence[] = "evidence_id,person_id,kind,recorded_at,at,until,of,detail,"
                                   "tube_size,reason_code,requester,approvers";
#define AT "2022-04-14T08:00:00+08:00"
    static const char *const rows[] = {
        "d%d,p%d,depositor," AT "," AT ",,,,,,,",
        "d%d,p%d,red," AT "," AT ",,,,,,,",
        "d%d,p%d,venue_scan," AT "," AT ",,,,,,,",
        "d%d,p%d,override," AT "," AT ",2022-04-18T08:00:00+08:00,,red,,lab_error,a,b;c",
    };
    long before[3];
    count_colors(served, before);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_list(served, "list.csv", evidence, rows[i]);
        struct ran ran = run(served, "import evidence list.csv --create-missing");
        assert_int_equal(ran.code, 1);
        assert_non_null(strstr(ran.out.data, "\"inserted\":0"));
        assert_non_null(strstr(ran.out.data, "\"rejected\":20"));
        ran_release(&ran);
    }
    same_colors(served, before);
    /* no other kind has a column for it */
    static const char *const kinds[] = {"areas",  "persons",  "households", "units", "venues",
                                        "vehicles", "staff", "checkins", "cases", "evidence"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char line[100];
        snprintf(line, sizeof line, "import %s --help", kinds[i]);
        struct ran ran = run(served, line);
        assert_null(strcasestr(ran.out.data ? ran.out.data : "", "\"color\""));
        assert_null(strstr(ran.out.data ? ran.out.data : "", "  color "));
        assert_null(strstr(ran.out.data ? ran.out.data : "", "  status "));
        ran_release(&ran);
    }
    write_list(served, "list.csv", "person_id,color,status", "dep%d%d,red,red");
    struct ran ran = run(served, "import persons list.csv");
    ran_release(&ran); /* whether the columns are refused or passed over: nobody is red by them */
    double until = seconds_now() + 5;
    long after[3];
    do
        count_colors(served, after);
    while (after[0] == before[0] && seconds_now() < until);
    assert_int_equal(after[1], before[1]);
    assert_int_equal(after[2], before[2]);
    stop(served, SIGTERM, NULL);
    struct ran verified = run(served, "doctor --deep");
    assert_null(strstr(verified.out.data, "fail status table"));
    assert_null(strstr(verified.out.data, "fail evidence seal"));
    ran_release(&verified);
    serve(served);
    assert_true(with_the_file(served, "SELECT count(*) FROM import WHERE kind = 'evidence'"
                                      " AND inserted = 0 AND row_count = 20") >= 4); /* the trace */
}

/* The path of a route with the person's number for every parameter. */
static void fill_path(const char *path, int person, char out[200])
{
    size_t length = 0;
    for (const char *at = path; *at && length < 180; at++) {
        if (*at != '{') {
            out[length++] = *at;
            continue;
        }
        length += (size_t)snprintf(out + length, 200 - length, "%d", person);
        at = strchr(at, '}');
    }
    out[length] = '\0';
}

static void no_route_takes_a_colour(void **state)
{
    struct served *served = *state;
    static const char *const users[] = {"command",  "cdc_lead",        "cdc_duty", "lab_lead",
                                        "approver", "inspection_lead", "appeals_officer",
                                        "administrator", "district_duty"};
    static const char *const bodies[] = {
        "{\"color\":\"red\"}", "{\"status\":\"red\"}", "{\"persons\":[1,2,3],\"color\":\"red\"}",
        "{\"words\":\"x\",\"color\":\"red\"}",
        "{\"kind\":\"depositor\",\"at\":\"" AT "\",\"recorded_at\":\"" AT "\"}"};
    char tokens[9][80], path[200];
    long before[3];
    size_t tried = 0;
    for (size_t u = 0; u < 9; u++)
        token_of_user(served, users[u], tokens[u]);
    count_colors(served, before);
    struct reply openapi = send_to(served, "GET", "/openapi.json", NULL, NULL, NULL);
    const char *name, *method;
    json_t *route, *operation;
    json_object_foreach(json_object_get(openapi.json, "paths"), name, route)
        json_object_foreach(route, method, operation)
        {
            bool writes = strcmp(method, "post") == 0 || strcmp(method, "put") == 0;
            if (!writes || strncmp(name, "/api/v1", 7) != 0)
                continue;
            const char *upper = strcmp(method, "post") == 0 ? "POST" : "PUT";
            for (size_t u = 0; u < 9; u++)
                for (size_t b = 0; b < sizeof bodies / sizeof *bodies; b++) {
                    fill_path(name + 7, 3, path);
                    char purpose[64]; /* one that is held, so that the gate is not what stops it */
                    snprintf(purpose, sizeof purpose, "duty:%s", users[u]);
                    struct reply reply =
                        send_to(served, upper, path, tokens[u], purpose, bodies[b]);
                    bool batch = strstr(name, ":batch") != NULL; /* answers a result a line */
                    bool code = strstr(name, "/revoke") != NULL; /* takes no body */
                    if (reply.status < 300 && !batch && !code)
                        fail_msg("%s %s took %s", upper, name, bodies[b]);
                    tried++;
                    reply_release(&reply);
                }
        }
    reply_release(&openapi);
    assert_true(tried > 300);
    same_colors(served, before);
}

static void an_officer_with_friends_in_the_line_gets_nobody_coded(void **state)
{
    struct served *served = *state;
    char officer[80], friend[80];
    long before[3];
    count_colors(served, before);
    long long audits = with_the_file(served, "SELECT count(*) FROM audit");
    token_of_user(served, "cdc_lead", officer);
    token_of_user(served, "approver", friend);
    for (int person = 1; person <= LISTED; person++) {
        char path[80], purpose_free[300];
        snprintf(path, sizeof path, "/persons/%d/overrides", person);
        snprintf(purpose_free, sizeof purpose_free,
                 "{\"color\":\"red\",\"from\":\"%s\",\"expires\":\"2022-04-18T08:00:00+08:00\","
                 "\"reason_code\":\"medical_need\",\"words\":\"维稳\"}",
                 AT);
        expect_reply(served, "POST", path, officer, purpose_free, 400, "only lowers");
    }
    expect_reply(served, "POST", "/overrides/1/approve", friend, "", 404, "");
    expect_reply(served, "POST", "/overrides/1/approve", officer, "", 403, "forbidden");
    same_colors(served, before);
    /* each try stands in the audit chain, by name */
    assert_true(with_the_file(served, "SELECT count(*) FROM audit WHERE actor = 'cdc_lead'"
                                      " AND act = 'override.request_refused'") == LISTED);
    assert_true(with_the_file(served, "SELECT count(*) FROM audit") > audits);
    struct ran ran = run(served, "audit verify");
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
}

/* ---- Ways that do code somebody: whose hand it was */

static bool is_red(const struct served *served, long long person, const char *reader)
{
    char path[80];
    snprintf(path, sizeof path, "/persons/%lld/status", person);
    struct reply reply = send_to(served, "GET", path, reader, "duty:cdc_lead", NULL);
    assert_int_equal(reply.status, 200);
    bool red = strcmp(json_string_value(json_object_get(reply.json, "color")), "red") == 0;
    reply_release(&reply);
    return red;
}

static void wait_for_red(const struct served *served, long long person, const char *reader)
{
    double until = seconds_now() + 20;
    while (!is_red(served, person, reader) && seconds_now() < until)
        usleep(20000);
    assert_true(is_red(served, person, reader));
}

/* The person finds the act among those on them, by the officer's role. */
static void expect_told(struct served *served, int person, const char *auditor)
{
    char session[120], path[80];
    session_of_holder(served, person, session);
    struct reply reply = send_to(served, "GET", "/me/accesses", session, NULL, NULL);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.body.data, "result.record"));
    reply_release(&reply);
    snprintf(path, sizeof path, "/audit/records?person=%d", person);
    reply = send_to(served, "GET", path, auditor, "duty:auditor", NULL);
    assert_int_equal(reply.status, 200);
    size_t i, named = 0;
    json_t *item;
    json_array_foreach (json_object_get(reply.json, "items"), i, item)
        named += strcmp(json_string_value(json_object_get(item, "act")), "result.record") == 0 &&
                 strcmp(json_string_value(json_object_get(item, "user")), "lab_duty") == 0;
    if (named != 1)
        fail_msg("person %d: %s", person, reply.body.data);
    reply_release(&reply);
}

#define LISTED_RESULT                                                                              \
    "{\"laboratory\":\"L\",\"accession\":\"dep%d\",\"sampled_at\":\"2022-04-14T10:00:00+08:00\","  \
    "\"reported_at\":\"2022-04-14T14:00:00+08:00\",\"result\":\"positive\",\"person\":%d}\n"

static void who_turns_a_list_red_in_the_laboratory_is_named_for_each_of_them(void **state)
{
    struct served *served = *state;
    char laboratory[80], auditor[80], reader[80];
    int persons[LISTED];
    struct buffer lines;
    token_of_user(served, "cdc_lead", reader);
    token_of_user(served, "lab_duty", laboratory);
    token_of_user(served, "auditor", auditor);
    buffer_init(&lines, 1 << 16);
    for (int i = 0; i < LISTED; i++) {
        persons[i] = 300 + i;
        buffer_print(&lines, LISTED_RESULT, persons[i], persons[i]);
    }
    struct reply reply = send_to(served, "POST", "/results:batch", laboratory, NULL, lines.data);
    assert_int_equal(reply.status, 200);
    assert_null(strstr(reply.body.data, "\"done\":false"));
    reply_release(&reply);
    for (int i = 0; i < LISTED; i++)
        wait_for_red(served, persons[i], reader);
    /* again: no further trace */
    reply = send_to(served, "POST", "/results:batch", laboratory, NULL, lines.data);
    assert_null(strstr(reply.body.data, "\"repeated\":false"));
    reply_release(&reply);
    for (int i = 0; i < LISTED; i++)
        expect_told(served, persons[i], auditor);
    assert_true(with_the_file(served,
                              "SELECT count(*) FROM audit WHERE act = 'result.record' AND"
                              " actor = 'lab_duty' AND purpose LIKE 'accession:L/dep%'") == LISTED);
    assert_true(with_the_file(served, "SELECT count(*) FROM result r JOIN app_user u ON u.user_no ="
                                      " r.recorded_by WHERE u.name = 'lab_duty' AND r.accession"
                                      " LIKE 'dep%'") == LISTED);
    expect_run(served, "audit verify", 0, NULL);
    buffer_release(&lines);
}

/* The command line needs no log-in: who may use the data directory may lie. Making a hand, lending
 * it, lying about the past, taking it back and giving the list away are five records. */
static void who_turns_a_list_red_by_commands_leaves_a_record_of_each(void **state)
{
    struct served *served = *state;
    static const char rows[] =
        "evidence_id,person_id,kind,recorded_at,at,until,of,detail,tube_size,reason_code,requester,"
        "approvers\ndep1,dep1,case," AT "," AT ",,,,,,,\n";
    char reader[80];
    token_of_user(served, "cdc_lead", reader);
    struct ran ran =
        run_with(served, "a long password\n", "user add nobody --role lab_duty --area 320400");
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
    expect_run(served, "user token nobody", 0, NULL);
    write_text(served->directory, "list.csv", "person_id\ndep1\n");
    expect_run(served, "import persons list.csv", 0, NULL);
    write_text(served->directory, "list.csv", rows);
    ran = run(served, "import evidence list.csv");
    assert_int_equal(ran.code, 0);
    json_t *printed = json_loads(ran.out.data, 0, NULL);
    long long import_no = json_integer_value(json_object_get(printed, "import"));
    json_decref(printed);
    ran_release(&ran);
    wait_for_red(served,
                 with_the_file(served, "SELECT no FROM external_id WHERE kind = 1 AND id = 'dep1'"),
                 reader);
    ran = run(served, "export evidence");
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
    char line[60];
    snprintf(line, sizeof line, "import undo %lld", import_no);
    expect_run(served, line, 0, NULL);
#define ON_RECORD(where)                                                                           \
    assert_true(with_the_file(served, "SELECT count(*) FROM audit WHERE actor = 'command line'"    \
                                      " AND " where) == 1)
    ON_RECORD("act = 'user.add' AND purpose = 'nobody' AND fields = 'role:lab_duty,area:320400'");
    ON_RECORD("act = 'user.token' AND purpose = 'nobody'");
    ON_RECORD("act = 'persons.import' AND fields LIKE '%inserted:1,%'");
    ON_RECORD("act = 'evidence.import' AND fields LIKE '%inserted:1,%backdated:1'");
    ON_RECORD("act = 'evidence.export'");
    ON_RECORD("act = 'evidence.exported' AND row_count > 0");
    ON_RECORD("act = 'evidence.undo' AND fields LIKE 'import:%,removed:1'");
    expect_run(served, "audit verify", 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(no_import_takes_a_list),
        SERVED_TEST(no_route_takes_a_colour),
        SERVED_TEST(an_officer_with_friends_in_the_line_gets_nobody_coded),
        SERVED_TEST(who_turns_a_list_red_in_the_laboratory_is_named_for_each_of_them),
        SERVED_TEST(who_turns_a_list_red_by_commands_leaves_a_record_of_each),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
