/* An upstream is down or behind: what cannot be known is answered `check` with its reason, never
 * red. And everybody's answer at a door is the colour that the evidence gives, with reasons. */
#include "attack.h"
#include "registry/registry.h"

enum { ASKED = 40 };

static struct reply scan_as_staff(const struct served *served, const char *staff,
                                  const char *token, const char *holder)
{
    char body[400];
    snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":%s}", token, holder);
    return send_to(served, "POST", "/scans", staff, NULL, body);
}

static void a_venue(const struct served *served, char out[64])
{
    char manager[80], path[60];
    token_of_user((struct served *)(uintptr_t)served, "venue_manager", manager);
    snprintf(path, sizeof path, "/venues/%lld/code",
             with_the_file(served, "SELECT min(venue_no) FROM venue WHERE closed = 0"));
    struct reply reply = send_to(served, "GET", path, manager, NULL, NULL);
    assert_int_equal(reply.status, 200);
    snprintf(out, 64, "%s", json_string_value(json_object_get(reply.json, "token")));
    reply_release(&reply);
}

static const char *text_of(const struct reply *reply, const char *field)
{
    return json_string_value(json_object_get(reply->json, field));
}

static void whom_no_register_knows_is_checked_by_hand(void **state)
{
    struct served *served = *state;
    char staff[80], token[64], holder[80];
    char number[19] = "99900119700101999";
    number[17] = identity_id_check_digit(number);
    token_of_user(served, "venue_staff", staff);
    a_venue(served, token);
    snprintf(holder, sizeof holder, "{\"id_number\":\"%s\"}", number);
    struct reply reply = scan_as_staff(served, staff, token, holder);
    assert_int_equal(reply.status, 200);
    assert_string_equal(text_of(&reply, "decision"), "check");
    assert_string_equal(text_of(&reply, "color"), "unknown");
    assert_non_null(strstr(reply.body.data, "status_unknown"));
    reply_release(&reply);
}

/* Tests' results stopped coming long ago: the last negative is too old, the colour stays. */
static void old_results_ask_for_a_check_and_are_no_red(void **state)
{
    struct served *served = *state;
    char session[120], token[64], holder[160];
    stop(served, SIGTERM, NULL);
    with_the_file(served, "UPDATE venue SET check_level = 3");
    with_the_file(served, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('registry.imported', 0, 0, 0, 0, '{\"kind\":\"venues\"}')");
    serve(served);
    a_venue(served, token);
    long long person = with_the_file(
        served, "SELECT min(person_no) FROM person p WHERE NOT EXISTS (SELECT 1 FROM evidence e"
                " WHERE e.person_no = p.person_no)");
    if (person < 1)
        person = with_the_file(served, "SELECT min(person_no) FROM person p WHERE NOT EXISTS"
                                       " (SELECT 1 FROM evidence e WHERE e.person_no = p.person_no"
                                       " AND e.kind <> 14)");
    session_of_holder(served, (int)person, session);
    snprintf(holder, sizeof holder, "{\"session\":\"%s\"}", session);
    struct reply reply = scan_as_staff(served, NULL, token, holder);
    assert_int_equal(reply.status, 200);
    assert_string_equal(text_of(&reply, "color"), "green");
    assert_null(strstr(reply.body.data, "red_code"));
    reply_release(&reply);
}

static void every_answer_is_the_colour_that_evidence_gives(void **state)
{
    struct served *served = *state;
    char officer[80], session[120], token[64], holder[160], path[80];
    token_of_user(served, "cdc_lead", officer);
    a_venue(served, token);
    for (int person = 1; person <= ASKED; person++) {
        session_of_holder(served, person, session);
        snprintf(holder, sizeof holder, "{\"session\":\"%s\"}", session);
        struct reply scanned = scan_as_staff(served, NULL, token, holder);
        snprintf(path, sizeof path, "/persons/%d/status", person);
        struct reply derived = send_to(served, "GET", path, officer, "duty:case_review", NULL);
        assert_int_equal(scanned.status, 200);
        assert_int_equal(derived.status, 200);
        assert_string_equal(text_of(&scanned, "color"), text_of(&derived, "color"));
        bool reasons = json_array_size(json_object_get(derived.json, "reasons")) > 0;
        assert_true(reasons || strcmp(text_of(&derived, "color"), "green") == 0);
        reply_release(&scanned);
        reply_release(&derived);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(whom_no_register_knows_is_checked_by_hand),
        SERVED_TEST(old_results_ask_for_a_check_and_are_no_red),
        SERVED_TEST(every_answer_is_the_colour_that_evidence_gives),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
