/* Goal: a laboratory's result is kept once, becomes evidence, and a tube that is not negative is
 * followed to the end of every member. */
#include "server/test_loop_support.h"

/* ---- From a positive tube to the end of every member's loop */

#define TUBE(accession, result)                                                                    \
    "{\"laboratory\":\"L1\",\"accession\":\"" accession "\",\"sampled_at\":"                       \
    "\"2022-04-14T08:00:00+08:00\",\"reported_at\":\"2022-04-14T14:00:00+08:00\",\"result\":"      \
    "\"" result "\",\"tube\":{\"code\":\"T-1\",\"point\":\"P-1\",\"area\":\"320412\","             \
    "\"members\":[3,4,5]}}"

static void send_result(struct loopback *loop, int64_t person, const char *result, int status)
{
    char body[300];
    snprintf(body, sizeof body,
             "{\"laboratory\":\"L1\",\"accession\":\"P-%lld\",\"sampled_at\":"
             "\"2022-04-14T14:10:00+08:00\",\"reported_at\":\"2022-04-14T14:30:00+08:00\","
             "\"result\":\"%s\",\"person\":%lld}",
             (long long)person, result, (long long)person);
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", body, status, NULL);
}

static void a_positive_tube_is_followed_to_the_end_of_every_member(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t before = loopback_number(loop, "SELECT count(*) FROM evidence");
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", TUBE("A-1", "positive"), 201,
           "\"repeated\":false");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM evidence"), before + 3);
    /* sent again it is the same result; another content under its accession is none */
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", TUBE("A-1", "positive"), 200,
           "\"repeated\":true");
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", TUBE("A-1", "negative"), 409,
           "accession");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop"), 4);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_child"), 3);
    expect(loop, "district_duty-320412", HTTP_GET, "/api/v1/loops?scene=tube_retest", NULL, 200,
           "\"code\":\"T-1\"");
    expect(loop, "town_duty-320412", HTTP_GET, "/api/v1/loops?owner=me&scene=tube_hold", NULL, 200,
           "\"no\":5");
    /* every member's own result ends their loop; the last of them the tube's */
    advance(loop, "cdc_duty-320412", 1, "{\"to\":\"retesting\",\"note\":\"all are reached\"}", 200,
            "retesting");
    send_result(loop, 3, "negative", 201);
    send_result(loop, 4, "negative", 201);
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, 1, "state", "open");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 1"), 2);
    send_result(loop, 5, "negative", 201);
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, 1, "stage", "released");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 0"), 0);
}

static void a_positive_member_is_reported(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", TUBE("A-1", "inconclusive"), 201, NULL);
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    advance(loop, "cdc_duty-320412", 1, "{\"to\":\"retesting\",\"note\":\"all are reached\"}", 200,
            "retesting");
    send_result(loop, 3, "negative", 201);
    send_result(loop, 4, "positive", 201);
    send_result(loop, 5, "negative", 201);
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, 1, "stage", "reporting");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE scene_no = (SELECT"
                                           " scene_no FROM scene_version WHERE name ="
                                           " 'tube_hold') AND state = 1"),
                     3);
}

static void bad_results_are_refused_and_leave_nothing(void **state)
{
    struct loopback *loop = *state;
    int64_t before = loopback_number(loop, "SELECT count(*) FROM evidence");
    static const struct {
        const char *body;
        int status;
        const char *words;
    } results[] = {
        {"{}", 400, "laboratory"},
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"maybe\",\"person\":3}",
         400, "negative, positive"},
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-14T07:00:00+08:00\",\"result\":\"negative\",\"person\":3}",
         400, "sampled_at"},
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-15T07:00:00+08:00\",\"result\":\"negative\",\"person\":3}",
         400, "future"},
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"negative\"}",
         400, "neither person nor tube"},
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"negative\",\"person\":999999}",
         404, "no person"},
        /* one member who is not there: none is kept */
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"negative\",\"tube\":{\"code\":"
         "\"T\",\"point\":\"P\",\"area\":\"320412\",\"members\":[3,999999]}}",
         404, "no person"},
        {"{\"laboratory\":\"L1\",\"accession\":\"A\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
         "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"negative\",\"tube\":{\"code\":"
         "\"T\",\"point\":\"P\",\"area\":\"320412\",\"members\":[3,3]}}",
         400, "twice"},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", results[i].body, results[i].status,
               results[i].words);
    expect(loop, "cdc_lead", HTTP_POST, "/api/v1/results", TUBE("A-1", "positive"), 403, NULL);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM evidence"), before);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM result"), 0);
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results:batch",
           TUBE("A-1", "positive") "\n{}\n" TUBE("A-1", "positive"), 200, "\"repeated\":true");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM result"), 1);
}

/* ---- Who sent it */

static int64_t records(struct loopback *loop)
{
    return loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'result.record'");
}

static void expect_reviewed(struct loopback *loop, const char *path, const char *words)
{
    char token[80];
    struct call call = {.path = path,
                        .authorization = loopback_user(loop, "auditor", token),
                        .purpose = "duty:auditor"};
    struct answer answer = loopback_call(loop, &call);
    if (answer.status != 200 || !strstr(answer.response.body.data, words))
        fail_msg("%s: %d %s\nexpected %s", path, answer.status, answer.response.body.data, words);
    answer_release(&answer);
}

static void every_new_result_says_who_sent_it_and_a_repeat_does_not(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    send_result(loop, 3, "positive", 201);
    assert_int_equal(records(loop), 1);
    send_result(loop, 3, "positive", 200);
    send_result(loop, 3, "negative", 409);
    assert_int_equal(records(loop), 1);
    assert_int_equal(loopback_number(loop, "SELECT recorded_by FROM result"),
                     loopback_number(loop, "SELECT user_no FROM app_user WHERE name = 'lab_duty'"));
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE actor = 'lab_duty' AND"
                                           " subject_no = 3 AND purpose = 'accession:L1/P-3'"),
                     1);
    /* of a tube every member; what was found is not for who reviews */
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results:batch",
           TUBE("A-1", "positive") "\n" TUBE("A-1", "positive"), 200, "\"repeated\":true");
    assert_int_equal(records(loop), 2);
    for (int person = 3; person <= 5; person++) {
        char path[60];
        snprintf(path, sizeof path, "/api/v1/audit/records?person=%d", person);
        expect_reviewed(loop, path, "accession:L1/A-1");
    }
    expect_reviewed(loop, "/api/v1/audit/records?actor=lab_duty", "tube:T-1,members:3");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'result.record'"
                                           " AND (fields LIKE '%positive%' OR subject_no IN (4, 5)"
                                           " OR row_count > 0)"),
                     0);
    struct call own = {.path = "/api/v1/me/accesses",
                       .authorization = loopback_holder(loop, 3, token)};
    struct answer answer = loopback_call(loop, &own);
    json_t *items = json_object_get(answer.json, "items"); /* both, and the reviewer's question */
    assert_int_equal(json_array_size(items), 3);
    for (size_t i = 1; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(items, i), "act")),
                            "result.record");
    answer_release(&answer);
    /* one refused leaves nothing: not the record either */
    send_result(loop, 999999, "negative", 404);
    assert_int_equal(records(loop), 2);
}

/* A person of the one district and of no other. */
static int64_t person_of(struct loopback *loop, const char *district)
{
    char query[200];
    snprintf(query, sizeof query,
             "SELECT p.person_no FROM person p JOIN area a ON a.area_no = p.area_no"
             " WHERE a.code LIKE '%s%%' ORDER BY p.person_no LIMIT 1",
             district);
    int64_t person = loopback_number(loop, query);
    assert_true(person > 0);
    return person;
}

/* The two answers are one, but for the person's number. */
static void expect_alike(struct loopback *loop, const char *known, const char *unknown, int status)
{
    struct answer first = as(loop, "lab_duty-320481", HTTP_POST, "/api/v1/results", known);
    struct answer second = as(loop, "lab_duty-320481", HTTP_POST, "/api/v1/results", unknown);
    if (first.status != status || second.status != status ||
        strcmp(first.response.body.data, second.response.body.data) != 0)
        fail_msg("%d %s\n%d %s", first.status, first.response.body.data, second.status,
                 second.response.body.data);
    answer_release(&first);
    answer_release(&second);
}

static void another_area_s_laboratory_learns_nothing_by_sending_it_again(void **state)
{
    struct loopback *loop = *state;
    char tube[3][400], single[3][400];
    int64_t person = person_of(loop, "320412"), own = person_of(loop, "320481");
    static const char *const results[] = {"positive", "negative", "positive"};
    static const char *const accessions[] = {"G-1", "G-1", "never sent"};
#define SENT                                                                                       \
    "{\"laboratory\":\"L1\",\"accession\":\"%s\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","    \
    "\"reported_at\":\"2022-04-14T14:00:00+08:00\",\"result\":\"%s\","
    for (int i = 0; i < 3; i++) {
        snprintf(single[i], sizeof single[i], SENT "\"person\":%lld}", accessions[i], results[i],
                 (long long)person);
        snprintf(tube[i], sizeof tube[i],
                 SENT "\"tube\":{\"code\":\"T-2\",\"point\":\"P-1\",\"area\":\"320412\","
                      "\"members\":[%lld]}}",
                 i < 2 ? "G-2" : accessions[i], results[i], (long long)person);
    }
    expect(loop, "lab_duty-320412", HTTP_POST, "/api/v1/results", single[0], 201, NULL);
    expect(loop, "lab_duty-320412", HTTP_POST, "/api/v1/results", tube[0], 201, NULL);
    for (int i = 0; i < 2; i++) { /* a right guess, a wrong one: as of one that was never sent */
        expect_alike(loop, single[i], single[2], 404);
        expect_alike(loop, tube[i], tube[2], 403);
    }
    /* a tube of the own area that guesses at a member elsewhere */
    char member[2][400];
    for (int i = 0; i < 2; i++)
        snprintf(member[i], sizeof member[i],
                 SENT "\"tube\":{\"code\":\"T-3\",\"point\":\"P-1\",\"area\":\"320481\","
                      "\"members\":[%lld,%lld]}}",
                 i ? "never sent" : "G-3", "negative", (long long)own, (long long)person);
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", member[0], 201, NULL);
    expect_alike(loop, member[0], member[1], 404);
    expect(loop, "lab_duty-320412", HTTP_POST, "/api/v1/results", single[0], 200, "true");
    expect(loop, "lab_duty-320412", HTTP_POST, "/api/v1/results", single[1], 409, "accession");
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_positive_tube_is_followed_to_the_end_of_every_member),
        LOOP_TEST(a_positive_member_is_reported),
        LOOP_TEST(bad_results_are_refused_and_leave_nothing),
        LOOP_TEST(every_new_result_says_who_sent_it_and_a_repeat_does_not),
        LOOP_TEST(another_area_s_laboratory_learns_nothing_by_sending_it_again),
    };
    return LOOPBACK_RUN(tests);
}
