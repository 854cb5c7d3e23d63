/* Zhengzhou, June 2022: 871 people who were never in the city got a red code, because they had
 * scanned a venue code that someone had forwarded. Here a poster's code is forwarded and scanned
 * by people who stood elsewhere a moment before. The scans are claims: nobody's status moves, no
 * evidence is made. The code is suspected, once, for those in charge of the venue; they end it. */
#include "attack.h"

enum { PEOPLE = 5, FIRST = 20 };

/* Two open venues of the least check that lie far from each other. */
static void choose_venues(const struct served *served, int *ret_home, int *ret_forwarded)
{
    *ret_home = (int)with_the_file(served, "SELECT min(venue_no) FROM venue WHERE closed = 0"
                                           " AND latitude IS NOT NULL");
    char query[400];
    snprintf(query, sizeof query,
             "SELECT v.venue_no FROM venue v JOIN venue h ON h.venue_no = %d WHERE v.closed = 0"
             " AND v.latitude IS NOT NULL ORDER BY abs(v.latitude - h.latitude)"
             " + abs(v.longitude - h.longitude) DESC LIMIT 1",
             *ret_home);
    *ret_forwarded = (int)with_the_file(served, query);
}

static void token_of_venue(const struct served *served, const char *manager, int venue,
                           char out[64])
{
    char path[60];
    snprintf(path, sizeof path, "/venues/%d/code", venue);
    struct reply reply = send_to(served, "GET", path, manager, NULL, NULL);
    assert_int_equal(reply.status, 200);
    snprintf(out, 64, "%s", json_string_value(json_object_get(reply.json, "token")));
    reply_release(&reply);
}

static int scan(const struct served *served, const char *session, const char *token)
{
    char body[300];
    snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":{\"session\":\"%s\"}}", token,
             session);
    struct reply reply = send_to(served, "POST", "/scans", NULL, NULL, body);
    int status = reply.status;
    reply_release(&reply);
    return status;
}

/* The suspicions that an officer sees; waits up to ten seconds for `count` of them. */
static struct reply wait_for(const struct served *served, const char *officer, size_t count)
{
    double until = seconds_now() + 10;
    for (;;) {
        struct reply reply = send_to(served, "GET", "/venues/suspicions", officer, NULL, NULL);
        assert_int_equal(reply.status, 200);
        if (json_array_size(json_object_get(reply.json, "items")) >= count ||
            seconds_now() > until)
            return reply;
        reply_release(&reply);
        struct timespec moment = {.tv_nsec = 100000000};
        nanosleep(&moment, NULL);
    }
}

/* The suspicion about a venue, NULL where there is none. */
static json_t *about(json_t *answer, int venue)
{
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(answer, "items"), i, item)
        if (json_integer_value(json_object_get(item, "venue_no")) == venue)
            return item;
    return NULL;
}

static void a_forwarded_code_codes_nobody_and_is_suspected_once(void **state)
{
    struct served *served = *state;
    char manager[80], officer[80], session[120], home[64], forwarded[64], path[60];
    int home_no, forwarded_no;
    long before[3];
    token_of_user(served, "venue_manager", manager);
    token_of_user(served, "district_duty", officer);
    choose_venues(served, &home_no, &forwarded_no);
    token_of_venue(served, manager, home_no, home);
    token_of_venue(served, manager, forwarded_no, forwarded);
    count_colors(served, before);
    long long evidence = with_the_file(served, "SELECT count(*) FROM evidence");
    for (int i = 0; i < PEOPLE; i++) {
        session_of_holder(served, FIRST + i, session);
        assert_int_equal(scan(served, session, home), 200);
        assert_int_equal(scan(served, session, forwarded), 200); /* seconds later, far away */
    }
    stop(served, SIGTERM, NULL); /* what watches looks at once after a start, then each minute */
    serve(served);
    struct reply seen = wait_for(served, officer, 1);
    json_t *suspicion = about(seen.json, forwarded_no);
    assert_non_null(suspicion);
    assert_string_equal(json_string_value(json_object_get(suspicion, "reason")),
                        "impossible_travel");
    assert_int_equal(json_integer_value(json_object_get(suspicion, "count")), PEOPLE);
    size_t found = json_array_size(json_object_get(seen.json, "items"));
    reply_release(&seen);
    stop(served, SIGTERM, NULL); /* and tells nothing twice */
    serve(served);
    struct timespec moment = {.tv_sec = 3};
    nanosleep(&moment, NULL);
    seen = wait_for(served, officer, found);
    assert_int_equal(json_array_size(json_object_get(seen.json, "items")), found);
    reply_release(&seen);
    assert_int_equal(with_the_file(served, "SELECT count(*) FROM event"
                                           " WHERE kind = 'venue.copied_code'"), found);
    same_colors(served, before);
    assert_int_equal(with_the_file(served, "SELECT count(*) FROM evidence"), evidence);
    snprintf(path, sizeof path, "/venues/%d/revoke", forwarded_no);
    expect_reply(served, "POST", path, manager, "", 200, "token");
    session_of_holder(served, FIRST, session);
    assert_int_equal(scan(served, session, forwarded), 410);
}

static void a_district_sees_suspicions_of_its_own_venues_only(void **state)
{
    struct served *served = *state;
    char wujin[80], liyang[80];
    with_the_file(served, "INSERT INTO venue_suspicion (venue_no, area_no, window_start, reason,"
                          " scans, raised_at) SELECT venue_no, area_no, 0, 'rate', 5, 0 FROM venue"
                          " WHERE area_no BETWEEN (SELECT area_no FROM area WHERE code ="
                          " '320412') AND (SELECT area_no FROM area WHERE code = '320412')"
                          " + 16777215 LIMIT 1");
    token_of_user(served, "district_duty-320412", wujin);
    token_of_user(served, "district_duty-320481", liyang);
    struct reply reply = send_to(served, "GET", "/venues/suspicions", wujin, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 1);
    reply_release(&reply);
    reply = send_to(served, "GET", "/venues/suspicions", liyang, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 0);
    reply_release(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(a_forwarded_code_codes_nobody_and_is_suspected_once),
        SERVED_TEST(a_district_sees_suspicions_of_its_own_venues_only),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
