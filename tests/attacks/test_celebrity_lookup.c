/* Health Kit, 2020: photographs and numbers of celebrities were looked up and sold. Here a look-up
 * needs a duty, shows no whole number, is on record even where it finds nobody, the person is told,
 * and reads of a watched person stand first before the reviewer. */
#include "attack.h"

static void looking_up_somebody_known_is_seen_by_the_person_and_the_reviewer(void **state)
{
    struct served *served = *state;
    char duty[80], auditor[80], grid[80], session[120];
    token_of_user(served, "cdc_duty", duty);
    token_of_user(served, "auditor", auditor);
    token_of_user(served, "grid_worker", grid);
    with_the_file(served, "INSERT INTO watched_person (person_no, plain_words)"
                          " VALUES (7, 'singer')");
    struct reply refused = send_to(served, "GET", "/persons/7", grid, "duty:household_care", NULL);
    assert_int_equal(refused.status, 403);
    reply_release(&refused);
    struct reply looked = send_to(served, "GET", "/persons/7", duty, "duty:case_review", NULL);
    assert_int_equal(looked.status, 200);
    const char *number = json_string_value(json_object_get(looked.json, "id_number"));
    assert_non_null(strstr(number, "**********"));
    reply_release(&looked);
    struct reply tried = send_to(served, "POST", "/persons:search", duty, "duty:case_review",
                                 "{\"id_number\":\"11010519491231002X\"}");
    assert_int_equal(tried.status, 404);
    reply_release(&tried);
    assert_int_equal(
        with_the_file(served, "SELECT count(*) FROM audit WHERE act = 'person.search'"), 1);
    session_of_holder(served, 7, session);
    struct reply told = send_to(served, "GET", "/me/accesses", session, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(told.json, "items")), 1);
    assert_null(strstr(told.body.data, "\"cdc_duty\"")); /* the office is named, not the officer */
    reply_release(&told);
    struct reply ranked = send_to(served, "GET", "/audit/oddities", auditor, NULL, NULL);
    json_t *first = json_array_get(json_object_get(ranked.json, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "watched_person");
    assert_string_equal(json_string_value(json_object_get(first, "user")), "cdc_duty");
    reply_release(&ranked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(looking_up_somebody_known_is_seen_by_the_person_and_the_reviewer)};
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
