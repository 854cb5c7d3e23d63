/* Luca: the phone number was verified on the client only, so that anybody could check in as
 * anybody. Here identity is what the server's provider says and what the server signed: a client
 * that claims to be somebody is nobody. */
#include "attack.h"

static void a_client_that_claims_to_be_somebody_is_nobody(void **state)
{
    struct served *served = *state;
    static const char *const claims[] = {
        "{\"person_no\":7}",
        "{\"provider\":\"my-phone\",\"person_no\":7}",
        "{\"provider\":\"stub\",\"person_no\":7,\"verified\":true}",
        "{\"provider\":\"stub\",\"person_no\":99999999}",
        "{\"provider\":\"stub\",\"id_number\":\"999\"}",
    };
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct reply reply = send_to(served, "POST", "/sessions", NULL, NULL, claims[i]);
        if (reply.status < 400 || reply.status >= 500)
            fail_msg("%s: %d", claims[i], reply.status);
        reply_release(&reply);
    }
}

static void a_session_changed_in_any_character_scans_for_nobody(void **state)
{
    struct served *served = *state;
    char session[120], body[400];
    session_of_holder(served, 7, session);
    for (size_t i = 3; i < strlen(session); i += 5) {
        char kept = session[i];
        session[i] = kept == 'A' ? 'B' : 'A';
        snprintf(body, sizeof body, "{\"venue_token\":\"v1.AAAA\",\"holder\":{\"session\":\"%s\"}}",
                 session);
        struct reply reply = send_to(served, "POST", "/scans", session, NULL, body);
        assert_true(reply.status == 401 || reply.status == 400);
        reply_release(&reply);
        reply = send_to(served, "GET", "/me", session, NULL, NULL);
        assert_int_equal(reply.status, 401);
        reply_release(&reply);
        session[i] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(a_client_that_claims_to_be_somebody_is_nobody),
        SERVED_TEST(a_session_changed_in_any_character_scans_for_nobody),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
