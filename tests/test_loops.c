/* Goal: in the served city a result that is acknowledged becomes loops with owners within moments,
 * and a kill at any moment loses none of them and opens none twice. */
#include "tests/server_process.h"

#define TUBE                                                                                       \
    "{\"laboratory\":\"L1\",\"accession\":\"A-%d\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","  \
    "\"reported_at\":\"2022-04-14T14:00:00+08:00\",\"result\":\"positive\",\"tube\":{\"code\":"    \
    "\"T-%d\",\"point\":\"P-1\",\"area\":\"320412\",\"members\":[%d,%d,%d]}}"

static char laboratory[80], command_centre[80];

/* The status; the body into `out` where that is not NULL. 0: the server is gone. */
static int call(struct served *served, const char *token, const char *method, const char *path,
                const char *body, struct buffer *out)
{
    char request[1400];
    int fd = dial(served);
    snprintf(request, sizeof request,
             "%s /api/v1%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             method, path, token, strlen(body), body);
    struct heard heard = {0};
    if (say_text(fd, request))
        heard = hear(fd);
    close(fd);
    if (out)
        buffer_append(out, buffer_slice(&heard.body).data, heard.body.length);
    buffer_release(&heard.body);
    return heard.status;
}

/* Without those of the night: the demo city has alerts and silent venues of its own. */
static size_t open_loops(struct served *served)
{
    struct buffer body;
    buffer_init(&body, 16 << 20);
    assert_int_equal(call(served, command_centre, "GET", "/loops?limit=1000", "", &body), 200);
    json_t *page = json_loadb(body.data, body.length, 0, NULL);
    json_t *loop;
    size_t i, count = 0;
    json_array_foreach (json_object_get(page, "items"), i, loop) {
        const char *scene = json_string_value(json_object_get(loop, "scene"));
        count += scene && strcmp(scene, "alert_disposition") != 0 &&
                 strcmp(scene, "venue_silent") != 0;
    }
    json_decref(page);
    buffer_release(&body);
    return count;
}

static int send_tube(struct served *served, int tube)
{
    char body[500];
    snprintf(body, sizeof body, TUBE, tube, tube, 3 * tube + 1, 3 * tube + 2, 3 * tube + 3);
    return call(served, laboratory, "POST", "/results", body, NULL);
}

static void wait_for_loops(struct served *served, size_t count)
{
    for (int i = 0; i < 400 && open_loops(served) < count; i++)
        usleep(25000);
    assert_int_equal(open_loops(served), count);
}

static void a_result_becomes_loops_within_moments(void **state)
{
    struct served *served = *state;
    token_of_user(served, "lab_duty", laboratory);
    token_of_user(served, "command", command_centre);
    assert_int_equal(open_loops(served), 0);
    assert_int_equal(send_tube(served, 1), 201);
    wait_for_loops(served, 4);
    assert_int_equal(send_tube(served, 1), 200);
    usleep(300000);
    assert_int_equal(open_loops(served), 4);
}

/* Tubes are sent while the server is killed again and again; sent anew they are the same. */
static void a_kill_loses_no_loop_and_opens_none_twice(void **state)
{
    enum { KILLS = 4, TUBES_A_KILL = 6 };
    struct served *served = *state;
    token_of_user(served, "lab_duty", laboratory);
    token_of_user(served, "command", command_centre);
    int tube = 0;
    for (int k = 0; k < KILLS; k++) {
        for (int i = 0; i < TUBES_A_KILL; i++)
            assert_int_equal(send_tube(served, tube++), 201);
        usleep((useconds_t)(k * 7000));
        assert_int_equal(stop(served, SIGKILL, NULL), 128 + SIGKILL);
        serve(served);
    }
    wait_for_loops(served, (size_t)tube * 4);
    for (int i = 0; i < tube; i++)
        assert_int_equal(send_tube(served, i), 200);
    usleep(300000);
    assert_int_equal(open_loops(served), tube * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_result_becomes_loops_within_moments, city_copy_and_serve,
                                        city_end),
        cmocka_unit_test_setup_teardown(a_kill_loses_no_loop_and_opens_none_twice,
                                        city_copy_and_serve, city_end),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
