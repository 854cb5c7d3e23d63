/* Go.Data: fields that pick a record from a list showed people whom the user had no right to see.
 * Here every list, look-up and filter of a district's officer answers with the district's own
 * people, and says of others what it says of nobody. */
#include "attack.h"

static long long person_of(struct served *served, const char *area)
{
    char statement[300];
    snprintf(statement, sizeof statement,
             "SELECT min(person_no) FROM person p JOIN area a ON a.code = '%s'"
             " WHERE p.area_no BETWEEN a.area_no AND a.area_no + 16777215",
             area);
    return with_the_file(served, statement);
}

static void lists_filters_and_numbers_know_nobody_of_another_district(void **state)
{
    struct served *served = *state;
    char token[80], path[120];
    const char *purpose = "duty:case_review";
    token_of_user(served, "cdc_duty-320481", token);
    long long own = person_of(served, "320481"), other = person_of(served, "320412");
    assert_true(own > 0 && other > 0);
    struct reply list = send_to(served, "GET", "/persons?limit=1000", token, purpose, NULL);
    json_t *items = json_object_get(list.json, "items"), *item;
    size_t i;
    assert_true(json_array_size(items) > 5);
    json_array_foreach (items, i, item)
        assert_memory_equal(json_string_value(json_object_get(item, "area")), "320481", 6);
    reply_release(&list);
    struct reply filtered = send_to(served, "GET", "/persons?area=320412", token, purpose, NULL);
    assert_int_equal(filtered.status, 403);
    reply_release(&filtered);
    snprintf(path, sizeof path, "/persons/%lld", other);
    struct reply foreign = send_to(served, "GET", path, token, purpose, NULL);
    struct reply nobody = send_to(served, "GET", "/persons/4000000000", token, purpose, NULL);
    assert_int_equal(foreign.status, 404);
    assert_int_equal(nobody.status, 404);
    assert_string_equal(foreign.body.data, nobody.body.data); /* not a hair's difference */
    reply_release(&foreign);
    reply_release(&nobody);
    snprintf(path, sizeof path, "/persons/%lld", own);
    struct reply mine = send_to(served, "GET", path, token, purpose, NULL);
    assert_int_equal(mine.status, 200);
    reply_release(&mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(lists_filters_and_numbers_know_nobody_of_another_district)};
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
