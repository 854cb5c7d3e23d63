/* TraceTogether, January 2021: data promised for contact tracing only were open to criminal
 * investigation. Here a read names a loop, a case or a duty that the reader really holds; no
 * purpose outside health exists, the attempt opens nothing, and what was opened lawfully is on
 * record. */
#include "attack.h"

static void no_other_purpose_opens_a_person(void **state)
{
    struct served *served = *state;
    char token[80];
    token_of_user(served, "cdc_investigator", token);
    static const char *const purposes[] = {"duty:police", "duty:criminal_procedure",
                                           "loop:1",      "case:987654",
                                           "police:1",    "duty:debt_collection"};
    static const char *const paths[] = {"/persons/7", "/persons?limit=5", "/persons/7/status",
                                        "/cases?limit=5"};
    /* the house itself writes to the chain, too: the seal of the evidence, each minute */
    static const char own[] = "SELECT count(*) FROM audit WHERE actor <> 'system'";
    long long before = with_the_file(served, own);
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
            struct reply reply = send_to(served, "GET", paths[k], token, purposes[i], NULL);
            assert_int_equal(reply.status, 403);
            assert_non_null(strstr(reply.body.data, "purpose-required"));
            assert_null(strstr(reply.body.data, "person_no"));
            reply_release(&reply);
        }
    assert_int_equal(with_the_file(served, own), before);
    struct reply lawful = send_to(served, "GET", "/persons/7", token, "duty:contact_tracing", NULL);
    assert_int_equal(lawful.status, 200);
    reply_release(&lawful);
    assert_int_equal(with_the_file(served, "SELECT count(*) FROM audit WHERE subject_no = 7 AND"
                                           " purpose = 'duty:contact_tracing'"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SERVED_TEST(no_other_purpose_opens_a_person)};
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
