/* Luca, April 2021: the code on a key fob was a key to thirty days of its holder's history. Here
 * every code that people carry or pass on (a venue's, a person's paper code, a holder's session of
 * another) opens nobody's places. */
#include "attack.h"

static void a_code_opens_no_history(void **state)
{
    struct served *served = *state;
    char staff[80];
    struct ran ran = run(served, "venue token v1");
    token_of_user(served, "venue_staff", staff);
    static const char *const paths[] = {"/cases?limit=10", "/cases/1", "/persons?limit=10",
                                        "/persons/7", "/persons/7/status"};
    const char *code = ran.code == 0 ? ran.out.data : "v1.none";
    char carried[160];
    snprintf(carried, sizeof carried, "%.*s", (int)strcspn(code, "\n\" "), code);
    const char *const keys[] = {carried, "p1.AAAAAAAAAAAAAAAAAAAA", staff};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            struct reply reply =
                send_to(served, "GET", paths[i], keys[k], "duty:case_review", NULL);
            assert_int_equal(reply.status, k == 2 ? 403 : 401);
            reply_release(&reply);
        }
    ran_release(&ran);
}

static void a_holder_sees_the_own_status_and_no_places_of_anybody(void **state)
{
    struct served *served = *state;
    char session[120];
    session_of_holder(served, 7, session);
    static const char *const own[] = {"/me", "/me/why", "/me/accesses"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct reply reply = send_to(served, "GET", own[i], session, NULL, NULL);
        assert_int_equal(reply.status, 200);
        assert_null(strstr(reply.body.data, "venue"));
        reply_release(&reply);
    }
    struct reply reply = send_to(served, "GET", "/persons/8", session, "duty:case_review", NULL);
    assert_int_equal(reply.status, 403);
    reply_release(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(a_code_opens_no_history),
        SERVED_TEST(a_holder_sees_the_own_status_and_no_places_of_anybody),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
