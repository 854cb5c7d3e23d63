/* Goal: time alone does what a scene says: children at their times, transitions past a deadline,
 * the command centre's seat where a stage is entered too often; whom a seat means follows duties;
 * a stay in isolation is played from its order to the hand-over at home. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/test_loop_support.h"

static int64_t loops_of(struct loopback *loop, const char *scene, const char *state)
{
    char query[300];
    snprintf(query, sizeof query,
             "SELECT count(*) FROM loop WHERE scene_no IN (SELECT scene_no FROM scene_version WHERE"
             " name = '%s') AND state %s",
             scene, state);
    return loopback_number(loop, query);
}

static void emit(struct loopback *loop, const char *kind, int64_t subject)
{
    char statement[300];
    snprintf(statement, sizeof statement,
             "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
             " VALUES ('%s', %lld, 0, 0, 0, '')",
             kind, (long long)subject);
    loopback_change(loop, statement);
    wait_until(loop, now(loop));
}

static void send_negative(struct loopback *loop, int64_t person, int accession)
{
    char body[400], sampled[TIME_TEXT_BYTES], reported[TIME_TEXT_BYTES];
    snprintf(body, sizeof body,
             "{\"laboratory\":\"L1\",\"accession\":\"N-%d\",\"sampled_at\":\"%s\","
             "\"reported_at\":\"%s\",\"result\":\"negative\",\"person\":%lld}",
             accession, time_format(now(loop) - HOUR, sampled), time_format(now(loop), reported),
             (long long)person);
    expect(loop, "lab_duty", HTTP_POST, "/api/v1/results", body, 201, NULL);
    wait_until(loop, now(loop));
}

/* A tube registers its sampling point, which stands for the site. */
static void register_site(struct loopback *loop)
{
    expect(
        loop, "lab_duty", HTTP_POST, "/api/v1/results",
        "{\"laboratory\":\"L1\",\"accession\":\"S\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
        "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"negative\",\"tube\":{"
        "\"code\":\"T-0\",\"point\":\"P-1\",\"area\":\"320412\",\"members\":[9]}}",
        201, NULL);
}

#define STAY                                                                                       \
    "{\"scene\":\"isolation_stay\",\"subject\":5,\"fields\":{\"site\":\"P-1\",\"home_area\":"      \
    "\"320412\",\"release_due\":\"2022-04-28T14:31:00+08:00\"}}"

/* The person whom a staff member is becomes the user who takes over at home. */
static int64_t receiver(struct loopback *loop)
{
    int64_t staff = loopback_number(loop, "SELECT max(staff_no) FROM staff");
    loopback_change(loop, "UPDATE app_user SET person_no = (SELECT person_no FROM staff WHERE"
                          " staff_no = (SELECT max(staff_no) FROM staff)) WHERE name ="
                          " 'unit_manager'");
    access_forget_cached(loop->platform->access);
    return staff;
}

static void a_stay_in_isolation_is_played_to_the_hand_over_at_home(void **state)
{
    struct loopback *loop = *state;
    char body[200], path[80];
    register_site(loop);
    int64_t staff = receiver(loop), id = open_loop(loop, "cdc_lead", STAY, 201);
    assert_true(staff > 0);
    timestamp opened = now(loop);
    /* children at their times: a watch every twelve hours, tests on four days */
    wait_until(loop, opened);
    assert_int_equal(loops_of(loop, "health_watch", ">= 0"), 1);
    assert_int_equal(loops_of(loop, "due_test", ">= 0"), 1);
    wait_until(loop, opened + 12 * HOUR);
    wait_until(loop, opened + 71 * HOUR);
    assert_int_equal(loops_of(loop, "due_test", ">= 0"), 1);
    send_negative(loop, 5, 1);
    wait_until(loop, opened + 72 * HOUR);
    assert_int_equal(loops_of(loop, "due_test", ">= 0"), 2);
    /* past the deadline the stage changes by itself; without the tests nobody is released */
    wait_until(loop, opened + 14 * DAY);
    is(loop, id, "stage", "releasing");
    snprintf(body, sizeof body, "{\"to\":\"on_the_way\",\"fields\":{\"community_contact\":%lld}}",
             (long long)staff);
    advance(loop, "cdc_duty-320412", id, body, 409, "negative");
    send_negative(loop, 5, 2);
    advance(loop, "cdc_duty-320412", id, body, 409, "negative");
    wait_until(loop, opened + 15 * DAY + HOUR);
    send_negative(loop, 5, 3);
    advance(loop, "cdc_duty-320412", id, body, 200, "on_the_way");
    /* two different hands sign: the site's, and the one who was named */
    advance(loop, "grid_worker-320412", id, "{\"to\":\"received\"}", 202, "missing");
    snprintf(path, sizeof path, "/api/v1/loops/%lld/sign", (long long)id);
    expect(loop, "unit_manager", HTTP_POST, path, "{}", 202, NULL);
    expect(loop, "unit_manager", HTTP_POST, path, "{}", 409, "you have signed");
    expect(loop, "site_staff-320412", HTTP_POST, path, "{}", 200, "received");
    is(loop, id, "state", "done");
}

static void a_hand_over_that_nobody_signs_is_broken(void **state)
{
    struct loopback *loop = *state;
    char body[200];
    register_site(loop);
    int64_t staff = receiver(loop), id = open_loop(loop, "cdc_lead", STAY, 201);
    timestamp opened = now(loop);
    wait_until(loop, opened + 13 * DAY);
    send_negative(loop, 5, 1);
    wait_until(loop, opened + 14 * DAY + HOUR);
    send_negative(loop, 5, 2);
    snprintf(body, sizeof body, "{\"to\":\"on_the_way\",\"fields\":{\"community_contact\":%lld}}",
             (long long)staff);
    advance(loop, "cdc_duty-320412", id, body, 200, "on_the_way");
    wait_until(loop, now(loop) + 7 * HOUR);
    is(loop, id, "stage", "broken");
    expect(loop, "district_duty-320412", HTTP_GET, "/api/v1/loops?owner=me&scene=isolation_stay",
           NULL, 200, "\"stage\":\"broken\"");
}

static void a_member_who_is_not_reached_is_searched_for(void **state)
{
    struct loopback *loop = *state;
    expect(
        loop, "lab_duty", HTTP_POST, "/api/v1/results",
        "{\"laboratory\":\"L1\",\"accession\":\"S\",\"sampled_at\":\"2022-04-14T08:00:00+08:00\","
        "\"reported_at\":\"2022-04-14T09:00:00+08:00\",\"result\":\"positive\",\"tube\":{"
        "\"code\":\"T-0\",\"point\":\"P-1\",\"area\":\"320412\",\"members\":[9]}}",
        201, NULL);
    wait_until(loop, now(loop));
    wait_until(loop, now(loop) + 2 * HOUR);
    expect(loop, "district_duty-320412", HTTP_GET, "/api/v1/loops?owner=me&scene=tube_hold", NULL,
           200, "\"stage\":\"searching\"");
    /* the stage that time entered has a clock of its own */
    wait_until(loop, now(loop) + HOUR);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE kind = 5"
                                           " AND stage = 1"),
                     0);
}

/* supplies_request: allotting may be entered three times. */
static void a_stage_that_is_entered_too_often_is_the_command_centres(void **state)
{
    struct loopback *loop = *state;
    loopback_change(loop, "UPDATE unit SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320412') WHERE unit_no = 1");
    int64_t id = open_loop(loop, "command_duty",
                           "{\"scene\":\"supplies_request\",\"subject\":1,\"fields\":"
                           "{\"request_no\":\"R-1\",\"place\":\"320412\"}}",
                           201);
    advance(loop, "district_duty-320412", id,
            "{\"to\":\"allotting\",\"fields\":{\"item\":\"mask\",\"quantity\":5,"
            "\"urgency\":\"today\"}}",
            200, NULL);
    for (int visit = 2; visit <= 4; visit++) {
        advance(loop, "district_duty-320412", id, "{\"to\":\"short\",\"note\":\"none\"}", 200,
                NULL);
        advance(loop, "command_duty-320412", id, "{\"to\":\"allotting\",\"note\":\"try\"}", 200,
                NULL);
    }
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "supplies_request");
    advance(loop, "district_duty-320412", id, "{\"to\":\"short\",\"note\":\"none\"}", 403, NULL);
    /* the deadline was taken from the urgency: six hours */
    assert_int_equal(loopback_number(loop, "SELECT (due_at - entered_at) / 3600000000 FROM loop"),
                     6);
}

/* ---- Whom a seat means */

static void absences_have_delegates_and_duty_tables_bound_a_duty(void **state)
{
    struct loopback *loop = *state;
    char statement[300];
    open_loop(loop, "cdc_lead", CONTACT, 201);
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "contact_management");
    /* away: whoever stands in has it */
    snprintf(statement, sizeof statement,
             "INSERT INTO absence (user_no, delegate_no, from_at, until_at) SELECT a.user_no,"
             " b.user_no, 0, %lld FROM app_user a, app_user b WHERE a.name = 'cdc_investigator' AND"
             " b.name = 'epidemiologist'",
             (long long)(now(loop) + HOUR));
    loopback_change(loop, statement);
    access_forget_cached(loop->platform->access);
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "contact_management");
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "\"items\":[]");
    /* back again when the absence ends, by time alone */
    loop->platform->world->fixed += HOUR;
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "contact_management");
    /* a duty table: on duty within its rows only; else the next above, at last the centre */
    snprintf(statement, sizeof statement,
             "INSERT INTO duty (user_no, from_at, until_at) SELECT user_no, %lld, %lld FROM"
             " app_user WHERE name = 'cdc_investigator'",
             (long long)(now(loop) + HOUR), (long long)(now(loop) + 9 * HOUR));
    loopback_change(loop, statement);
    access_forget_cached(loop->platform->access);
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "\"items\":[]");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "contact_management");
    loop->platform->world->fixed += HOUR;
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "contact_management");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "\"items\":[]");
}

/* The first step tells the owner's lead (cdc_lead is the investigator's). */
static void the_lead_of_the_owner_is_told_first(void **state)
{
    struct loopback *loop = *state;
    open_loop(loop, "cdc_duty", CONTACT, 201);
    wait_until(loop, now(loop) + 2 * HOUR);
    expect(loop, "cdc_lead", HTTP_GET, "/api/v1/loops?owner=told", NULL, 200, "contact_management");
    expect(loop, "district_duty", HTTP_GET, "/api/v1/loops?owner=told", NULL, 200, "\"items\":[]");
}

/* closed_loop_production: the unit's own people, or the district where it has none on duty. */
static void a_units_loop_waits_for_those_who_serve_there(void **state)
{
    struct loopback *loop = *state;
    char body[300];
    int64_t unit = loopback_number(loop, "SELECT max(unit_no) FROM unit");
    snprintf(body, sizeof body,
             "INSERT INTO seat (form, role, area_no, object_no) SELECT 1, 'district_duty', area_no,"
             " unit_no FROM unit WHERE unit_no = %lld",
             (long long)unit);
    loopback_change(loop, body);
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    loopback_change(loop, "CREATE TABLE kept AS SELECT seat_no FROM loop");
    loopback_change(loop,
                    "UPDATE loop SET seat_no = (SELECT max(seat_no) FROM seat WHERE form = 1)");
    expect(loop, "unit_manager", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "\"items\":[]");
    snprintf(body, sizeof body, "UPDATE app_user SET unit_no = %lld WHERE name = 'unit_manager'",
             (long long)unit);
    loopback_change(loop, body);
    access_forget_cached(loop->platform->access);
    expect(loop, "unit_manager", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "contact_management");
    snprintf(body, sizeof body,
             "UPDATE loop SET seat_no = (SELECT seat_no FROM kept) WHERE"
             " loop_no = %lld",
             (long long)id);
    loopback_change(loop, body);
}

/* ---- After the end */

static void after_the_end_no_loop_is_opened_or_moved(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    char mark[120];
    snprintf(mark, sizeof mark, "%s/sunset", loop->directory);
    assert_int_equal(mkdir(mark, 0700), 0);
    snprintf(mark, sizeof mark, "%s/" STORE_SUNSET_MARK, loop->directory);
    int fd = open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    store_begin_sunset(loop->platform->store);
    expect(loop, "cdc_lead", HTTP_POST, "/api/v1/loops", CONTACT, 410, NULL);
    advance(loop, "cdc_duty", id, PLACING, 410, NULL);
}

/* ---- A damaged loop */

static void a_damaged_loop_stops_no_other(void **state)
{
    struct loopback *loop = *state;
    open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", 1, PLACING, 200, NULL);
    loopback_change(loop, "CREATE TABLE kept AS SELECT fields FROM loop WHERE loop_no = 1");
    loopback_change(loop, "UPDATE loop SET fields = x'00' WHERE loop_no = 1");
    emit(loop, "isolation.ordered", 5);
    int64_t id = open_loop(loop, "cdc_lead",
                           "{\"scene\":\"contact_management\",\"subject\":6,\"fields\":"
                           "{\"source_case\":1,\"contact_level\":\"close\",\"last_exposure_at\":"
                           "\"2022-04-13T09:00:00+08:00\"}}",
                           201);
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    emit(loop, "isolation.ordered", 6);
    is(loop, id, "stage", "in_isolation");
    wait_until(loop, now(loop) + 13 * HOUR);
    loopback_change(loop, "UPDATE loop SET fields = (SELECT fields FROM kept) WHERE loop_no = 1");
    is(loop, 1, "stage", "placing");
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_stay_in_isolation_is_played_to_the_hand_over_at_home),
        LOOP_TEST(a_hand_over_that_nobody_signs_is_broken),
        LOOP_TEST(a_member_who_is_not_reached_is_searched_for),
        LOOP_TEST(a_stage_that_is_entered_too_often_is_the_command_centres),
        LOOP_TEST(absences_have_delegates_and_duty_tables_bound_a_duty),
        LOOP_TEST(the_lead_of_the_owner_is_told_first),
        LOOP_TEST(a_units_loop_waits_for_those_who_serve_there),
        LOOP_TEST(after_the_end_no_loop_is_opened_or_moved),
        LOOP_TEST(a_damaged_loop_stops_no_other),
    };
    return LOOPBACK_RUN(tests);
}
