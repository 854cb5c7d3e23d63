/* Xingtai, November 2022: lists of contacts with ID numbers went round in chat groups. Here a list
 * leaves the house only with two keys, shows ID numbers in part, expires, and every row says by
 * whose hands it left. */
#include "attack.h"

static void a_forwarded_row_names_the_two_who_let_it_out(void **state)
{
    struct served *served = *state;
    char lead[80], approver[80], auditor[80], path[160];
    token_of_user(served, "cdc_lead-320412", lead);
    token_of_user(served, "approver", approver);
    token_of_user(served, "auditor", auditor);
    struct reply asked =
        send_to(served, "POST", "/exports", lead, "duty:export",
                "{\"kind\":\"persons\",\"words\":\"contacts to be called today\"}");
    long long no = json_integer_value(json_object_get(asked.json, "no"));
    assert_int_equal(asked.status, 201);
    reply_release(&asked);
    snprintf(path, sizeof path, "/exports/%lld/file", no);
    struct reply early = send_to(served, "GET", path, lead, "duty:export", NULL);
    assert_int_equal(early.status, 403); /* one key opens nothing */
    reply_release(&early);
    snprintf(path, sizeof path, "/exports/%lld/approve", no);
    struct reply own = send_to(served, "POST", path, lead, NULL, "{}");
    assert_int_equal(own.status, 403); /* nor the same hand twice */
    reply_release(&own);
    struct reply approved = send_to(served, "POST", path, approver, NULL, "{}");
    assert_int_equal(approved.status, 200);
    reply_release(&approved);
    snprintf(path, sizeof path, "/exports/%lld/file", no);
    struct reply other = send_to(served, "GET", path, approver, "duty:approval", NULL);
    assert_int_equal(other.status, 403);
    reply_release(&other);
    struct reply file = send_to(served, "GET", path, lead, "duty:export", NULL);
    assert_int_equal(file.status, 200);
    char *row = strchr(file.body.data, '\n') + 1;
    row[strcspn(row, "\n")] = '\0';
    assert_non_null(strstr(row, "**********")); /* no whole ID number */
    snprintf(path, sizeof path, "/exports/marks/%s", strrchr(row, ',') + 1);
    struct reply found = send_to(served, "GET", path, auditor, NULL, NULL);
    assert_int_equal(found.status, 200);
    assert_int_equal(json_integer_value(json_object_get(found.json, "export_no")), no);
    assert_int_equal(json_integer_value(json_object_get(found.json, "person_no")), atoll(row));
    reply_release(&found);
    reply_release(&file);
    assert_int_equal(with_the_file(served, "SELECT count(*) FROM audit WHERE act IN"
                                           " ('export.request', 'export.approve', 'export.file')"),
                     3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SERVED_TEST(a_forwarded_row_names_the_two_who_let_it_out)};
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
