/* A code that passes is worth lending: who may not pass borrows the session of someone who may,
 * as a text that the other copied and sent, and shows it on another phone. Bound to its device, the
 * session is nothing there: not for a scan, not for the page, not to log its owner out; no visit
 * stands to the owner's name. On the own phone it goes on. */
#include "attack.h"

enum { LENDER = 21 };

static void token_of_venue(const struct served *served, const char *manager, char out[64])
{
    struct reply reply = send_to(served, "GET", "/venues/1/code", manager, NULL, NULL);
    assert_int_equal(reply.status, 200);
    snprintf(out, 64, "%s", json_string_value(json_object_get(reply.json, "token")));
    reply_release(&reply);
}

struct phone {
    char session[120], csrf[80], device[120], cookies[300];
};

/* As the page of the holder does it. */
static void log_in(const struct served *served, int person, struct phone *phone)
{
    char body[100], head[4096];
    struct sent none = {NULL, NULL, NULL, NULL};
    snprintf(body, sizeof body, "{\"provider\":\"stub\",\"person_no\":%d,\"device\":true}", person);
    struct reply reply = send_as(served, "POST", "/sessions", &none, body, head);
    assert_int_equal(reply.status, 200);
    snprintf(phone->session, sizeof phone->session, "%s",
             json_string_value(json_object_get(reply.json, "session")));
    snprintf(phone->csrf, sizeof phone->csrf, "%s",
             json_string_value(json_object_get(reply.json, "csrf")));
    cookie_set(head, "chengmai_device", phone->device);
    assert_memory_equal(phone->device, "d1.", 3);
    snprintf(phone->cookies, sizeof phone->cookies, "chengmai_session=%s; chengmai_device=%s",
             phone->session, phone->device);
    reply_release(&reply);
}

static int status_of(const struct served *served, const char *method, const char *path,
                     const struct sent *as, const char *body)
{
    struct reply reply = send_as(served, method, path, as, body, NULL);
    int status = reply.status;
    if (status == 401)
        assert_non_null(strstr(reply.body.data, "the session was not issued here"));
    reply_release(&reply);
    return status;
}

/* Rows of the day store that are younger than the demo city's start, without the heading. */
static size_t count_scans(struct served *served)
{
    size_t lines = 0;
    struct ran ran = run(served, "export checkins --source demo --from 2022-04-14T14:30:00+08:00"
                                 " --to 2022-04-15T14:30:00+08:00");
    assert_int_equal(ran.code, 0);
    for (size_t i = 0; i < ran.out.length; i++)
        lines += ran.out.data[i] == '\n';
    ran_release(&ran);
    return lines;
}

static void a_lent_session_passes_nobody_and_leaves_no_visit(void **state)
{
    struct served *served = *state;
    struct phone lender, borrower;
    char manager[80], token[64], scan[300], batch[330], mixed[300];
    token_of_user(served, "venue_manager", manager);
    token_of_venue(served, manager, token);
    log_in(served, LENDER, &lender);
    log_in(served, LENDER + 1, &borrower);
    assert_string_not_equal(lender.device, borrower.device);
    snprintf(scan, sizeof scan, "{\"venue_token\":\"%s\",\"holder\":{\"session\":\"%s\"}}", token,
             lender.session);
    snprintf(batch, sizeof batch,
             "{\"venue_token\":\"%s\",\"holder\":{\"session\":\"%s\"},\"client_id\":\"x\"}\n",
             token, lender.session);
    snprintf(mixed, sizeof mixed, "chengmai_session=%s; chengmai_device=%s", lender.session,
             borrower.device);
    size_t before = count_scans(served);
    const struct sent lent[] = {{.token = lender.session},
                                {.token = lender.session, .cookies = borrower.cookies},
                                {.cookies = mixed, .csrf = lender.csrf}};
    for (size_t i = 0; i < sizeof lent / sizeof *lent; i++) {
        assert_int_equal(status_of(served, "GET", "/me", &lent[i], NULL), 401);
        assert_int_equal(status_of(served, "GET", "/events/stream", &lent[i], NULL), 401);
        assert_int_equal(status_of(served, "POST", "/scans", &lent[i], scan), 401);
        assert_int_equal(status_of(served, "DELETE", "/sessions/current", &lent[i], NULL), 401);
        struct reply reply = send_as(served, "POST", "/scans:batch", &lent[i], batch, NULL);
        assert_memory_equal(reply.body.data, "{\"status\":401,", 14);
        reply_release(&reply);
    }
    struct sent alone = {.cookies = borrower.cookies}; /* the text alone was sent */
    assert_int_equal(status_of(served, "POST", "/scans", &alone, scan), 401);
    assert_int_equal(count_scans(served), before);
    struct sent own = {.cookies = lender.cookies, .csrf = lender.csrf};
    assert_int_equal(status_of(served, "GET", "/me", &own, NULL), 200);
    assert_int_equal(status_of(served, "POST", "/scans", &own, scan), 200);
    assert_int_equal(count_scans(served), before + 1);
    assert_int_equal(status_of(served, "DELETE", "/sessions/current", &own, NULL), 200);
    struct reply reply = send_as(served, "POST", "/scans", &own, scan, NULL);
    assert_int_equal(reply.status, 401); /* ended also at home */
    reply_release(&reply);
    stop(served, SIGTERM, NULL);
    serve(served);
    reply = send_as(served, "GET", "/me", &own, NULL, NULL);
    assert_int_equal(reply.status, 401);
    reply_release(&reply);
    assert_int_equal(count_scans(served), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(a_lent_session_passes_nobody_and_leaves_no_visit),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
