/* Zhengzhou, June 2022: officials gave 1317 depositors of a bank a red code, so that they could
 * not travel to protest. Here an officer with every log-in of the house tries to code a list of
 * people: by every import, by every route, by an override with friends. Nobody's status moves,
 * and it leaves a trace. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(no_import_takes_a_list),
        SERVED_TEST(no_route_takes_a_colour),
        SERVED_TEST(an_officer_with_friends_in_the_line_gets_nobody_coded),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
