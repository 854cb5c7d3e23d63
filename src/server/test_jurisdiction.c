/* Goal: a person is a reader's by home, by a stay that lasts now, by a report, or by the reader's
 * own unit, each only where the role says so; a loop opens whom it is about, nobody else. */
#include "server/test_loop_support.h"

enum { PERSON = 5, OTHER = 6 };
#define DUTY(name) "duty:" name
#define CITY_AREA "(SELECT area_no FROM area WHERE code = '320412')"
#define AWAY_AREA "(SELECT area_no FROM area WHERE code = '320481')"

static int status_of(struct loopback *loop, const char *user, enum http_method method,
                     const char *path, const char *body, const char *purpose)
{
    char token[80];
    struct answer answer =
        loopback_call(loop, &(struct call){.method = method,
                                           .path = path,
                                           .body = body,
                                           .authorization = loopback_user(loop, user, token),
                                           .purpose = purpose});
    int status = answer.status;
    answer_release(&answer);
    return status;
}

static int opens(struct loopback *loop, const char *user, int64_t person, const char *purpose)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/persons/%lld/status", (long long)person);
    return status_of(loop, user, HTTP_GET, path, NULL, purpose);
}

/* How many persons the list has, −1 where it is refused. */
static int64_t listed(struct loopback *loop, const char *user, const char *query,
                      const char *purpose)
{
    char token[80], path[160];
    snprintf(path, sizeof path, "/api/v1/persons%s", query);
    struct answer answer =
        loopback_call(loop, &(struct call){.method = HTTP_GET,
                                           .path = path,
                                           .authorization = loopback_user(loop, user, token),
                                           .purpose = purpose});
    int64_t count =
        answer.status == 200 ? (int64_t)json_array_size(json_object_get(answer.json, "items")) : -1;
    answer_release(&answer);
    return count;
}

/* Both live in another district and belong to no unit; no case, no stay. */
static void send_away(struct loopback *loop)
{
    loopback_change(loop, "UPDATE person SET area_no = " AWAY_AREA ", unit_no = NULL WHERE"
                          " person_no IN (5, 6)");
    loopback_change(loop, "DELETE FROM case_record WHERE person_no IN (5, 6)");
    loopback_change(loop, "DELETE FROM person_stay");
}

static void a_stay_opens_its_person_to_the_site_while_it_lasts(void **state)
{
    struct loopback *loop = *state;
    char statement[300];
    send_away(loop);
    assert_int_equal(opens(loop, "site_lead-320412", PERSON, DUTY("site_care")), 404);
    snprintf(statement, sizeof statement,
             "INSERT INTO person_stay (area_no, person_no, from_at, until_at, import_no) SELECT"
             " area_no, %d, %lld, %lld, 0 FROM area WHERE code = '320412'",
             PERSON, (long long)(now(loop) - HOUR), (long long)(now(loop) + HOUR));
    loopback_change(loop, statement);
    assert_int_equal(opens(loop, "site_lead-320412", PERSON, DUTY("site_care")), 200);
    assert_int_equal(opens(loop, "site_lead-320412", OTHER, DUTY("site_care")), 404);
    assert_int_equal(opens(loop, "site_lead-320481", PERSON, DUTY("site_care")), 404);
    /* a role that looks after homes is not shown who only stays here */
    assert_int_equal(opens(loop, "grid_worker-320412", PERSON, DUTY("household_care")), 404);
    assert_int_equal(listed(loop, "site_lead-320412", "?where=stay", DUTY("site_care")), 1);
    assert_int_equal(listed(loop, "site_lead-320412", "", DUTY("site_care")), -1);
    assert_int_equal(listed(loop, "site_lead-320412", "?where=own_unit", DUTY("site_care")), -1);
    assert_int_equal(listed(loop, "cdc_duty-320412", "?where=stay", DUTY("case_review")), -1);
    assert_int_equal(listed(loop, "cdc_duty-320412", "?where=nearby", DUTY("case_review")), -1);
    loop->platform->world->fixed += HOUR;
    assert_int_equal(opens(loop, "site_lead-320412", PERSON, DUTY("site_care")), 404);
    assert_int_equal(listed(loop, "site_lead-320412", "?where=stay", DUTY("site_care")), 0);
}

static void a_list_of_stays_goes_on_where_it_stopped(void **state)
{
    struct loopback *loop = *state;
    char path[160] = "/api/v1/persons?where=stay&limit=2", token[80];
    int64_t seen = 0, expected = 1;
    loopback_change(loop, "DELETE FROM person_stay");
    loopback_change(loop, "INSERT INTO person_stay (area_no, person_no, from_at, until_at,"
                          " import_no) SELECT " CITY_AREA ", person_no, 0, 9000000000000000, 0"
                          " FROM person WHERE person_no <= 5 ORDER BY person_no");
    for (int page = 0; page < 3; page++) {
        struct answer answer = loopback_call(
            loop, &(struct call){.method = HTTP_GET,
                                 .path = path,
                                 .authorization = loopback_user(loop, "site_lead-320412", token),
                                 .purpose = DUTY("site_care")});
        json_t *items = json_object_get(answer.json, "items"), *item;
        const char *next = json_string_value(json_object_get(answer.json, "next"));
        size_t i;
        json_array_foreach (items, i, item)
            assert_int_equal(json_integer_value(json_object_get(item, "person_no")), expected++);
        seen += (int64_t)json_array_size(items);
        assert_int_equal(next != NULL, page < 2);
        snprintf(path, sizeof path, "/api/v1/persons?where=stay&limit=2&after=%s",
                 next ? next : "");
        answer_release(&answer);
    }
    assert_int_equal(seen, 5);
}

static void a_report_and_the_own_unit_open_theirs(void **state)
{
    struct loopback *loop = *state;
    send_away(loop);
    assert_int_equal(opens(loop, "cdc_duty-320412", PERSON, DUTY("case_review")), 404);
    loopback_change(loop, "INSERT INTO case_record (case_no, area_no, person_no, kind, at,"
                          " recorded_at, import_no) VALUES (5001, " CITY_AREA ", 5, 'case',"
                          " 1649900000000000, 1649900000000000, 0)");
    assert_int_equal(opens(loop, "cdc_duty-320412", PERSON, DUTY("case_review")), 200);
    assert_int_equal(opens(loop, "cdc_duty-320412", OTHER, DUTY("case_review")), 404);
    assert_int_equal(opens(loop, "lab_lead-320412", PERSON, DUTY("lab_correction")), 403);
    /* the unit: whoever serves there, wherever its people live */
    assert_int_equal(opens(loop, "unit_manager-320412", PERSON, DUTY("staff_care")), 404);
    loopback_change(loop, "UPDATE person SET unit_no = 1 WHERE person_no = 5");
    assert_int_equal(opens(loop, "unit_manager-320412", PERSON, DUTY("staff_care")), 404);
    loopback_change(loop, "UPDATE app_user SET unit_no = 1 WHERE name = 'unit_manager-320412'");
    access_forget_cached(loop->platform->access);
    assert_int_equal(opens(loop, "unit_manager-320412", PERSON, DUTY("staff_care")), 200);
    assert_int_equal(opens(loop, "unit_manager-320412", OTHER, DUTY("staff_care")), 404);
    assert_int_equal(listed(loop, "unit_manager-320412", "?where=own_unit", DUTY("staff_care")),
                     loopback_number(loop, "SELECT min(count(*), 100) FROM person WHERE"
                                           " unit_no = 1"));
    /* nobody's unit is not everybody's who has none */
    loopback_change(loop, "UPDATE person SET unit_no = 0 WHERE person_no = 6");
    loopback_change(loop, "UPDATE app_user SET unit_no = 0 WHERE name = 'unit_manager-320412'");
    access_forget_cached(loop->platform->access);
    assert_int_equal(opens(loop, "unit_manager-320412", OTHER, DUTY("staff_care")), 404);
}

static void a_loop_opens_whom_it_is_about_and_nobody_else(void **state)
{
    struct loopback *loop = *state;
    char purpose[40], path[80];
    send_away(loop);
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(purpose, sizeof purpose, "loop:%lld", (long long)id);
    assert_int_equal(opens(loop, "cdc_investigator-320481", PERSON, purpose), 200);
    assert_int_equal(opens(loop, "cdc_investigator-320481", OTHER, purpose), 404);
    assert_int_equal(
        status_of(loop, "cdc_investigator-320481", HTTP_GET, "/api/v1/persons/6", NULL, purpose),
        404);
    assert_int_equal(
        status_of(loop, "cdc_investigator-320481", HTTP_GET, "/api/v1/persons/5", NULL, purpose),
        200);
    /* it opens no lists, no cases, no files */
    static const char *const closed[] = {"/api/v1/persons", "/api/v1/cases", "/api/v1/cases/1",
                                         "/api/v1/cases/1/exposures"};
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        assert_int_equal(
            status_of(loop, "cdc_investigator-320481", HTTP_GET, closed[i], NULL, purpose), 403);
    /* who has no part in it may not name it; when it is closed nobody may */
    assert_int_equal(opens(loop, "grid_worker-320412", PERSON, purpose), 403);
    snprintf(path, sizeof path, "UPDATE loop SET state = 1 WHERE loop_no = %lld", (long long)id);
    loopback_change(loop, path);
    assert_int_equal(opens(loop, "cdc_investigator-320481", PERSON, purpose), 403);
    snprintf(path, sizeof path, "UPDATE loop SET state = 0 WHERE loop_no = %lld", (long long)id);
    loopback_change(loop, path);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_stay_opens_its_person_to_the_site_while_it_lasts),
        LOOP_TEST(a_list_of_stays_goes_on_where_it_stopped),
        LOOP_TEST(a_report_and_the_own_unit_open_theirs),
        LOOP_TEST(a_loop_opens_whom_it_is_about_and_nobody_else),
    };
    return LOOPBACK_RUN(tests);
}
