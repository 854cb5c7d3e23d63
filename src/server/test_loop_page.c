/* Goal: the page of a loop tells whom its ladder reaches and when, exactly as the clock then does
 * it; who has signed a step that waits; how its children stand; and takes words and photos in
 * between, from those who have a part in it, without moving anything. */
#include "server/test_loop_support.h"

static struct answer page_of(struct loopback *loop, const char *user, int64_t id)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)id);
    struct answer answer = as(loop, user, HTTP_GET, path, NULL);
    if (answer.status != 200)
        fail_msg("loop %lld as %s: %d", (long long)id, user, answer.status);
    return answer;
}

static json_t *rung_of(const struct answer *page, size_t index)
{
    json_t *rung = json_array_get(json_object_get(page->json, "ladder"), index);
    assert_non_null(rung);
    return rung;
}

static const char *text_of(json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

static void time_is(json_t *object, const char *member, timestamp expected)
{
    char text[TIME_TEXT_BYTES];
    assert_string_equal(text_of(object, member), time_format(expected, text));
}

static void holder_is(json_t *rung, const char *name, const char *role, const char *area)
{
    json_t *holder = json_array_get(json_object_get(rung, "holders"), 0);
    assert_int_equal(json_integer_value(json_object_get(rung, "holder_count")),
                     json_array_size(json_object_get(rung, "holders")));
    assert_string_equal(text_of(holder, "name"), name);
    assert_string_equal(text_of(holder, "role"), role);
    assert_string_equal(text_of(holder, "area"), area);
}

/* ---- The ladder */

static void states_are(struct loopback *loop, int64_t id, const char *first, const char *second,
                       const char *third)
{
    struct answer page = page_of(loop, "command", id);
    assert_int_equal(json_array_size(json_object_get(page.json, "ladder")), 3);
    assert_string_equal(text_of(rung_of(&page, 0), "state"), first);
    assert_string_equal(text_of(rung_of(&page, 1), "state"), second);
    assert_string_equal(text_of(rung_of(&page, 2), "state"), third);
    answer_release(&page);
}

static void each_step_tells_when_it_comes_and_whom_it_reaches(void **state)
{
    static const int64_t after[] = {0, 1, 4};
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    timestamp due = now(loop) + 2 * HOUR;
    struct answer page = page_of(loop, "command", id);
    for (size_t i = 0; i < 3; i++) {
        json_t *rung = rung_of(&page, i);
        assert_int_equal(json_integer_value(json_object_get(rung, "after_seconds")),
                         after[i] * 3600);
        time_is(rung, "at", due + after[i] * HOUR);
        assert_true(json_is_null(json_object_get(rung, "told_at")));
    }
    assert_string_equal(text_of(json_object_get(rung_of(&page, 0), "to"), "en"),
                        "the lead of the owner's unit");
    assert_string_equal(text_of(json_object_get(rung_of(&page, 1), "seat"), "role"), "cdc_lead");
    holder_is(rung_of(&page, 1), "cdc_lead", "cdc_lead", "320400");
    assert_string_equal(text_of(json_object_get(rung_of(&page, 2), "to"), "en"), "Commander");
    answer_release(&page);
    states_are(loop, id, "next", "later", "later");
}

/* What the page foretold is what the clock did, to the second and to the seat. */
static void the_clock_does_what_the_ladder_foretold(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    timestamp due = now(loop) + 2 * HOUR;
    struct answer before = page_of(loop, "command", id);
    wait_until(loop, due);
    states_are(loop, id, "done", "next", "later");
    wait_until(loop, due + HOUR);
    states_are(loop, id, "done", "done", "next");
    wait_until(loop, due + 4 * HOUR + MINUTE); /* it comes to it a minute late */
    states_are(loop, id, "done", "done", "done");
    struct answer after = page_of(loop, "command", id);
    time_is(rung_of(&after, 0), "told_at", due);
    time_is(rung_of(&after, 1), "told_at", due + HOUR);
    time_is(rung_of(&after, 2), "told_at", due + 4 * HOUR + MINUTE);
    for (size_t i = 0; i < 3; i++)
        assert_true(json_equal(json_object_get(rung_of(&before, i), "seat"),
                               json_object_get(rung_of(&after, i), "seat")));
    answer_release(&before);
    answer_release(&after);
    /* the next stage begins its own; a loop that has ended has none */
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    states_are(loop, id, "next", "later", "later");
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"by mistake\",\"close\":true}", 200, NULL);
    struct answer closed = page_of(loop, "command", id);
    assert_int_equal(json_array_size(json_object_get(closed.json, "ladder")), 0);
    answer_release(&closed);
}

static void a_step_reaches_who_is_on_duty_now(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    loopback_change(loop, "UPDATE app_user SET duty_until = 0 WHERE role = 'cdc_lead'");
    access_forget_cached(loop->platform->access);
    struct answer page = page_of(loop, "command", id);
    json_t *holders = json_object_get(rung_of(&page, 1), "holders");
    assert_true(json_array_size(holders) > 0);
    for (size_t i = 0; i < json_array_size(holders); i++)
        assert_non_null(strstr(text_of(json_array_get(holders, i), "role"), "command"));
    answer_release(&page);
}

/* Where it is not shown yet whom an inspection is about, no seat's area tells it. */
static void a_ladder_does_not_tell_a_hidden_place(void **state)
{
    struct loopback *loop = *state;
    char body[300];
    snprintf(body, sizeof body,
             "{\"scene\":\"inspection_visit\",\"subject\":1,\"fields\":{\"team_lead\":1,"
             "\"second_inspector\":2,\"place\":\"320412\",\"seed_hash\":\"abc\"}}");
    int64_t id = open_loop(loop, "inspection_lead", body, 201);
    struct answer page = page_of(loop, "command", id);
    for (size_t i = 0; i < 3; i++) {
        json_t *rung = rung_of(&page, i);
        assert_true(json_is_null(json_object_get(rung, "holders")));
        assert_true(json_is_null(json_object_get(rung, "holder_count")));
        assert_true(json_is_null(json_object_get(json_object_get(rung, "seat"), "area")));
    }
    answer_release(&page);
}

/* ---- Signatures and children */

static void a_waiting_step_tells_who_asked_and_who_signed(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    loop->platform->world->fixed += 5 * MINUTE;
    advance(loop, "cdc_duty", id, "{\"to\":\"at_home\",\"note\":\"a child\"}", 202, NULL);
    struct answer page = page_of(loop, "command", id);
    json_t *waiting = json_object_get(page.json, "waiting");
    assert_string_equal(text_of(waiting, "to"), "at_home");
    assert_string_equal(text_of(waiting, "asked_by"), "cdc_duty");
    time_is(waiting, "asked_at", now(loop));
    json_t *signatures = json_object_get(waiting, "signatures");
    assert_int_equal(json_array_size(signatures), 1);
    assert_true(json_is_null(json_object_get(json_array_get(signatures, 0), "by")));
    assert_string_equal(text_of(json_object_get(json_array_get(signatures, 0), "who"), "en"),
                        json_string_value(json_array_get(json_object_get(waiting, "missing"), 0)));
    answer_release(&page);
}

/* The closing of an area wants two signatures: one is given, one is missing. */
static void of_two_signatures_one_is_given(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "district_duty-320412",
                           "{\"scene\":\"area_seal_lift\",\"subject\":\"320412\",\"fields\":{"
                           "\"zone\":\"restricted\",\"authority\":\"No 12\",\"expires_at\":"
                           "\"2022-04-20T08:00:00+08:00\"}}",
                           201);
    advance(loop, "district_duty-320412", id,
            "{\"to\":\"sealing\",\"fields\":{\"residents\":1200,\"services\":\"daily\"}}", 202,
            NULL);
    loop->platform->world->fixed += MINUTE;
    snprintf(path, sizeof path, "/api/v1/loops/%lld/sign", (long long)id);
    expect(loop, "cdc_lead", HTTP_POST, path, "{}", 202, NULL);
    struct answer page = page_of(loop, "command", id);
    json_t *waiting = json_object_get(page.json, "waiting");
    json_t *signatures = json_object_get(waiting, "signatures"), *one;
    size_t i, given = 0;
    assert_int_equal(json_array_size(signatures), 2);
    assert_int_equal(json_array_size(json_object_get(waiting, "missing")), 1);
    json_array_foreach (signatures, i, one)
        if (!json_is_null(json_object_get(one, "by"))) {
            assert_string_equal(text_of(one, "by"), "cdc_lead");
            time_is(one, "at", now(loop));
            given++;
        }
    assert_int_equal(given, 1);
    json_t *history = json_object_get(page.json, "history");
    json_t *act = json_array_get(history, json_array_size(history) - 1);
    assert_string_equal(text_of(act, "act"), "signed");
    assert_false(json_is_null(json_object_get(
        json_array_get(signatures, (size_t)json_integer_value(json_object_get(act, "place"))),
        "by")));
    answer_release(&page);
}

/* Who signs sees what they sign; who has signed or asked is not asked to sign again; who reads
 * along is told no note. */
static void signers_see_what_was_submitted(void **state)
{
    static const struct {
        const char *user;
        bool mine, shown;
    } readers[] = {{"approver", true, true},
                   {"cdc_lead", false, true},             /* signed */
                   {"district_duty-320412", false, true}, /* asked, and owns it */
                   {"command", false, false}};
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "district_duty-320412",
                           "{\"scene\":\"area_seal_lift\",\"subject\":\"320412\",\"fields\":{"
                           "\"zone\":\"restricted\",\"authority\":\"No 12\",\"expires_at\":"
                           "\"2022-04-20T08:00:00+08:00\"}}",
                           201);
    advance(loop, "district_duty-320412", id,
            "{\"to\":\"sealing\",\"fields\":{\"residents\":1200,\"services\":\"daily\"},"
            "\"note\":\"two gates\"}",
            202, NULL);
    struct answer page = page_of(loop, "cdc_lead", id);
    assert_true(json_is_true(json_object_get(json_object_get(page.json, "waiting"), "mine")));
    answer_release(&page);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/sign", (long long)id);
    expect(loop, "cdc_lead", HTTP_POST, path, "{}", 202, NULL);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        page = page_of(loop, readers[i].user, id);
        json_t *waiting = json_object_get(page.json, "waiting");
        json_t *fields = json_object_get(waiting, "fields");
        json_t *note = json_object_get(waiting, "note");
        assert_int_equal(json_is_true(json_object_get(waiting, "mine")), readers[i].mine);
        assert_int_equal(json_is_true(json_object_get(waiting, "shown")), readers[i].shown);
        assert_int_equal(json_integer_value(json_object_get(waiting, "kept_back")), 0);
        assert_int_equal(json_object_size(fields), readers[i].shown ? 2 : 0);
        assert_int_equal(json_is_null(note), !readers[i].shown);
        if (readers[i].shown) {
            assert_int_equal(json_integer_value(json_object_get(fields, "residents")), 1200);
            assert_string_equal(json_string_value(note), "two gates");
        }
        answer_release(&page);
    }
}

static void a_child_stands_there_with_its_stage_and_its_clock(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    advance(loop, "cdc_duty", id, "{\"to\":\"at_home\",\"note\":\"a child\"}", 202, NULL);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/sign", (long long)id);
    expect(loop, "approver", HTTP_POST, path, "{}", 200, "at_home");
    struct answer page = page_of(loop, "command", id);
    json_t *children = json_object_get(page.json, "children");
    assert_int_equal(json_array_size(children), 1);
    json_t *child = json_array_get(children, 0);
    assert_string_equal(text_of(child, "scene"), "home_quarantine");
    assert_string_equal(text_of(child, "state"), "open");
    assert_true(json_is_false(json_object_get(child, "overdue")));
    assert_true(json_is_false(json_object_get(page.json, "more_children")));
    int64_t no = json_integer_value(json_object_get(child, "id"));
    struct answer own = page_of(loop, "command", no);
    static const char *const same[] = {"title", "stage", "stage_title", "due_at", "closed_at"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(
            json_equal(json_object_get(child, same[i]), json_object_get(own.json, same[i])));
    json_t *parents = json_object_get(own.json, "parents");
    assert_int_equal(json_array_size(parents), 1);
    assert_string_equal(text_of(json_array_get(parents, 0), "stage"), "at_home");
    answer_release(&own);
    answer_release(&page);
}

/* ---- Notes */

static void note(struct loopback *loop, const char *user, int64_t id, const char *body, int status,
                 const char *words)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/note", (long long)id);
    expect(loop, user, HTTP_POST, path, body, status, words);
}

static void look(struct loopback *loop, const char *user, const char *digest, int status)
{
    char path[120];
    snprintf(path, sizeof path, "/api/v1/photos/%s", digest);
    expect(loop, user, HTTP_GET, path, NULL, status, NULL);
}

static void words_and_photos_come_into_the_history_and_nothing_moves(void **state)
{
    struct loopback *loop = *state;
    char digest[65], body[300];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    struct answer before = page_of(loop, "cdc_investigator", id);
    assert_int_equal(send_picture(loop, "cdc_investigator", 7, digest), 201);
    snprintf(body, sizeof body, "{\"note\":\"nobody opened\",\"photos\":[\"%s\"]}", digest);
    note(loop, "cdc_investigator", id, body, 200, "judging");
    struct answer after = page_of(loop, "cdc_investigator", id);
    static const char *const same[] = {"stage",  "due_at", "entered_at", "owner",
                                       "fields", "next",   "ladder"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!json_equal(json_object_get(before.json, same[i]),
                        json_object_get(after.json, same[i])))
            fail_msg("%s has changed", same[i]);
    json_t *history = json_object_get(after.json, "history");
    json_t *act = json_array_get(history, json_array_size(history) - 1);
    assert_string_equal(text_of(act, "act"), "noted");
    assert_string_equal(text_of(act, "by"), "cdc_investigator");
    assert_string_equal(text_of(act, "note"), "nobody opened");
    assert_string_equal(json_string_value(json_array_get(json_object_get(act, "photos"), 0)),
                        digest);
    answer_release(&before);
    answer_release(&after);
    char path[120];
    snprintf(path, sizeof path, "/api/v1/photos/%s", digest);
    struct answer picture = as(loop, "cdc_investigator", HTTP_GET, path, NULL);
    assert_string_equal(answer_header(&picture, "Cache-Control"), "no-store");
    assert_null(answer_header(&picture, "ETag"));
    answer_release(&picture);
    /* who has a part looks at it; who only sees the loop by its area reads neither */
    look(loop, "cdc_investigator", digest, 200);
    look(loop, "command", digest, 200);
    look(loop, "epidemiologist", digest, 404);
    struct answer other = page_of(loop, "epidemiologist", id);
    assert_null(strstr(other.response.body.data, digest));
    assert_null(strstr(other.response.body.data, "nobody opened"));
    answer_release(&other);
}

static void a_note_that_cannot_be_taken_is_refused_in_words(void **state)
{
    struct loopback *loop = *state;
    char digest[65], body[300], path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    int64_t acts = loopback_number(loop, "SELECT count(*) FROM loop_act");
    static const struct {
        const char *user, *body;
        int status;
        const char *words;
    } rows[] = {
        {"cdc_investigator", "{}", 400, "neither words nor"},
        {"cdc_investigator", "{\"note\":\"  \",\"photos\":[]}", 400, "neither words nor"},
        {"cdc_investigator", "{\"note\":5}", 400, "not a text"},
        {"cdc_investigator", "{\"photos\":\"x\"}", 400, "not such a list"},
        {"cdc_investigator", "{\"photos\":[5]}", 400, "not a text"},
        {"cdc_investigator", "{\"photos\":[\"x\"]}", 400, "send the photo first"},
        {"cdc_investigator", "{\"photos\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]}",
         400, "not such a list"},
        {"cdc_investigator", "{\"note\":\"x\",\"to\":\"placing\"}", 400, "to"},
        {"epidemiologist", "{\"note\":\"x\"}", 403, "not yours"},
        {"checkpoint_officer", "{\"note\":\"x\"}", 404, "none of that number"},
        {"press", "{\"note\":\"x\"}", 403, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        note(loop, rows[i].user, id, rows[i].body, rows[i].status, rows[i].words);
    /* a digest of another's photo opens nothing */
    assert_int_equal(send_picture(loop, "cdc_lead", 3, digest), 201);
    snprintf(body, sizeof body, "{\"photos\":[\"%s\"]}", digest);
    note(loop, "cdc_investigator", id, body, 400, "send the photo first");
    note(loop, "cdc_investigator", 999, "{\"note\":\"x\"}", 404, NULL);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act"), acts);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_photo"), 0);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"by mistake\",\"close\":true}", 200, NULL);
    note(loop, "cdc_investigator", id, "{\"note\":\"x\"}", 409, "closed");
}

/* ---- What is taken of photos */

static void what_a_photo_may_be_is_told_before_it_is_sent(void **state)
{
    struct loopback *loop = *state;
    struct answer answer = as(loop, "cdc_duty", HTTP_GET, "/api/v1/photos:limits", NULL);
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "bytes_max")), 8 << 20);
    assert_int_equal(json_integer_value(json_object_get(answer.json, "unnamed_hours")), 24);
    assert_int_equal(json_array_size(json_object_get(answer.json, "types")), 3);
    answer_release(&answer);
    expect(loop, "press", HTTP_GET, "/api/v1/photos:limits", NULL, 403, NULL);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(each_step_tells_when_it_comes_and_whom_it_reaches),
        LOOP_TEST(the_clock_does_what_the_ladder_foretold),
        LOOP_TEST(a_step_reaches_who_is_on_duty_now),
        LOOP_TEST(a_ladder_does_not_tell_a_hidden_place),
        LOOP_TEST(a_waiting_step_tells_who_asked_and_who_signed),
        LOOP_TEST(of_two_signatures_one_is_given),
        LOOP_TEST(signers_see_what_was_submitted),
        LOOP_TEST(a_child_stands_there_with_its_stage_and_its_clock),
        LOOP_TEST(words_and_photos_come_into_the_history_and_nothing_moves),
        LOOP_TEST(a_note_that_cannot_be_taken_is_refused_in_words),
        LOOP_TEST(what_a_photo_may_be_is_told_before_it_is_sent),
    };
    return LOOPBACK_RUN(tests);
}
