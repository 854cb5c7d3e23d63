/* SORMAS: a record was pseudonymised, and the user who had created it stood beside it in clear, so
 * that the person could be guessed. Here a masked record carries nothing that goes round the mask:
 * not in the list, not in the export, not in what people are told about their readers. */
#include "attack.h"

static void nothing_beside_a_masked_record_goes_round_the_mask(void **state)
{
    struct served *served = *state;
    char open[80], masked[80], session[120];
    token_of_user(served, "cdc_investigator", open);
    token_of_user(served, "command", masked);
    struct reply whole = send_to(served, "GET", "/persons/7", open, "duty:case_review", NULL);
    struct reply part = send_to(served, "GET", "/persons/7", masked, "duty:situation_review", NULL);
    assert_int_equal(whole.status, 200);
    assert_int_equal(part.status, 200);
    static const char *const secret[] = {"name", "phone"};
    for (size_t i = 0; i < 2; i++)
        assert_null(
            strstr(part.body.data, json_string_value(json_object_get(whole.json, secret[i]))));
    static const char *const shown[] = {"person_no", "name", "id_number",    "phone",  "birth_year",
                                        "sex",       "area", "household_no", "unit_no"};
    assert_int_equal(json_object_size(part.json), sizeof shown / sizeof *shown);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        assert_non_null(json_object_get(part.json, shown[i])); /* these and no creator, no source */
    session_of_holder(served, 7, session);
    struct reply told = send_to(served, "GET", "/me/accesses", session, NULL, NULL);
    assert_null(strstr(told.body.data, "cdc_investigator"));
    assert_null(strstr(told.body.data, "user"));
    reply_release(&told);
    reply_release(&whole);
    reply_release(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(nothing_beside_a_masked_record_goes_round_the_mask)};
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
