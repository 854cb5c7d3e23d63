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

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_positive_tube_is_followed_to_the_end_of_every_member),
        LOOP_TEST(a_positive_member_is_reported),
        LOOP_TEST(bad_results_are_refused_and_leave_nothing),
    };
    return LOOPBACK_RUN(tests);
}
