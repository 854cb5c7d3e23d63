/* Goal: a loop goes from its opening to its end by the hands, events and clocks that its scene
 * names, everything else is refused in words, nobody who fails to act is left alone with it, and
 * its acts alone tell what it is. */
#include <pthread.h>

#include "server/test_loop_support.h"

/* ---- From its opening to its end */

static void hands_and_events_bring_a_loop_to_its_end(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    is(loop, id, "stage", "judging");
    advance(loop, "cdc_duty", id, PLACING, 200, "\"stage\":\"placing\"");
    /* an event about the subject moves it; another's does not */
    loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('isolation.ordered', 6, 0, 0, 0, '{}')");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, id, "stage", "placing");
    loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('isolation.ordered', 5, 0, 0, 0, '{}')");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, id, "stage", "in_isolation");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, id, "stage", "in_isolation");
    loopback_change(loop, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                          " VALUES ('isolation.ended', 5, 0, 0, 0, '{}')");
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
    is(loop, id, "stage", "released");
    is(loop, id, "state", "done");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?state=closed&scene=contact_management", NULL,
           200, "\"stage\":\"released\"");
    advance(loop, "cdc_duty", id, PLACING, 409, "closed");
    assert_int_equal(loopback_number(loop, "SELECT sum(open) FROM loop_count"),
                     loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 0"));
}

/* ---- What is refused, in words, with nothing changed */

static void what_a_scene_does_not_allow_is_refused_in_words(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    int64_t acts = loopback_number(loop, "SELECT count(*) FROM loop_act");
    static const struct {
        const char *user, *body;
        int status;
        const char *words;
    } steps[] = {
        {"cdc_duty", "{\"to\":\"placing\"}", 409, "In the city is yes"},
        {"cdc_duty", "{\"to\":\"placing\",\"fields\":{\"in_city\":true}}", 400, "missing"},
        {"cdc_duty", "{\"to\":\"released\"}", 409, "by hand from here"},
        {"cdc_duty", "{\"to\":\"nowhere\"}", 400, "no such stage"},
        {"cdc_duty", "{\"to\":\"watching\",\"fields\":{\"colour\":\"red\"}}", 400, "no such field"},
        {"cdc_duty", "{\"to\":\"watching\",\"fields\":{\"in_city\":\"yes\"}}", 400,
         "true or false"},
        {"cdc_duty", "{\"to\":\"watching\",\"fields\":{\"contact_level\":\"none\"}}", 400,
         "one of close"},
        {"cdc_duty", "{\"to\":\"watching\",\"fields\":{\"target_area\":\"999999\"}}", 400,
         "unknown area"},
        {"cdc_duty", "{\"to\":\"no_contact\",\"note\":\"no\"}", 403, "not yours"},
        {"cdc_lead", "{\"to\":\"no_contact\"}", 400, "note"},
        {"cdc_duty", "{\"to\":\"placing\",\"colour\":1}", 400, "colour"},
        {"cdc_duty", "{}", 400, "to"},
        {"epidemiologist", PLACING, 403, "not yours"},
        {"checkpoint_officer", PLACING, 404, "none of that number"},
        {"press", PLACING, 403, "role"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        advance(loop, steps[i].user, id, steps[i].body, steps[i].status, steps[i].words);
    advance(loop, "cdc_duty", 999, PLACING, 404, NULL);
    is(loop, id, "stage", "judging");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act"), acts);
}

static void what_cannot_be_opened_is_refused_in_words(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        const char *body;
        int status;
        const char *words;
    } openings[] = {
        {"{\"scene\":\"no_such\"}", 400, "scene list"},
        {"{\"scene\":\"contact_management\"}", 400, "subject"},
        {"{\"scene\":\"contact_management\",\"subject\":5}", 400, "source_case"},
        {"{\"scene\":\"contact_management\",\"subject\":99999999}", 400, "there is no person"},
        {"{\"scene\":\"contact_management\",\"subject\":\"5\"}", 400, "number"},
        {"{\"scene\":\"home_quarantine\",\"subject\":5}", 400, "missing"},
        {"{\"scene\":\"due_test\",\"subject\":5}", 409, "not opened by hand"},
        {"{\"scene\":\"contact_management\",\"subject\":5,\"fields\":{\"source_case\":1,"
         "\"contact_level\":\"close\",\"last_exposure_at\":\"yesterday\"}}",
         400, "RFC 3339"},
        {"[1]", 400, NULL},
    };
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++)
        expect(loop, "cdc_lead", HTTP_POST, "/api/v1/loops", openings[i].body, openings[i].status,
               openings[i].words);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop"), 0);
    /* a district's officer opens nothing about another district */
    loopback_change(loop, "UPDATE person SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320481') WHERE person_no = 5");
    expect(loop, "district_duty-320412", HTTP_POST, "/api/v1/loops", CONTACT, 403, "authority");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop"), 0);
}

/* ---- One about the same */

static void a_second_opening_joins_the_first(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    int64_t again = open_loop(loop, "cdc_duty",
                              "{\"scene\":\"contact_management\",\"subject\":5,\"fields\":"
                              "{\"source_case\":1,\"contact_level\":\"secondary\","
                              "\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\","
                              "\"in_city\":true}}",
                              200);
    assert_int_equal(again, id);
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)id);
    /* what was set stays, what was not is filled, the difference is written down */
    expect(loop, "command", HTTP_GET, path, NULL, 200,
           "\"differing\":{\"contact_level\":"
           "\"secondary\"}");
    expect(loop, "command", HTTP_GET, path, NULL, 200, "\"value\":\"close\"");
    expect(loop, "command", HTTP_GET, path, NULL, 200, "\"fields\":{\"in_city\":true}");
}

/* ---- Clocks */

static void who_fails_to_act_is_told_then_others_then_the_command_centre(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    timestamp opened = now(loop);
    wait_until(loop, opened + 2 * HOUR - SECOND);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE kind IN (5, 6)"),
                     0);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?overdue=true", NULL, 200, "\"items\":[]");
    wait_until(loop, opened + 2 * HOUR);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE kind = 5"), 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE kind = 6"), 1);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?overdue=true", NULL, 200, "\"overdue\":true");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=told", NULL, 200, "\"items\":[]");
    /* a stop of days: what was due happens in order, once */
    wait_until(loop, opened + 72 * HOUR);
    wait_until(loop, opened + 73 * HOUR);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE kind = 6"), 3);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE kind = 5"), 1);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=told", NULL, 200, "contact_management");
    expect(loop, "cdc_lead", HTTP_GET, "/api/v1/loops?owner=told", NULL, 200, "contact_management");
    /* it never removes the owner, and ends with the stage */
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=told", NULL, 200, "\"items\":[]");
    assert_int_equal(loopback_number(loop, "SELECT sum(overdue) FROM loop_count"), 0);
}

/* ---- Work lists */

static void a_list_is_what_the_reader_holds_or_may_see(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    loopback_change(loop, "UPDATE person SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '320412') WHERE person_no = 7");
    open_loop(loop, "cdc_lead",
              "{\"scene\":\"contact_management\",\"subject\":7,\"fields\":{\"source_case\":1,"
              "\"contact_level\":\"general\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
              201);
    (void)id;
    expect(loop, "district_duty-320412", HTTP_GET, "/api/v1/loops", NULL, 200, "\"no\":7");
    expect(loop, "district_duty-320481", HTTP_GET, "/api/v1/loops?scene=contact_management", NULL,
           200, NULL);
    /* a seat is held by the nearest who has the role, and by nobody else */
    static const char *const holders[] = {"cdc_investigator", "cdc_investigator-320412"};
    static const int64_t held[] = {5, 7};
    for (size_t i = 0; i < 2; i++) {
        struct answer mine = as(loop, holders[i], HTTP_GET, "/api/v1/loops?owner=me", NULL);
        json_t *items = json_object_get(mine.json, "items");
        assert_int_equal(json_array_size(items), 1);
        json_t *subject = json_object_get(json_array_get(items, 0), "subject");
        assert_int_equal(json_integer_value(json_object_get(subject, "no")), held[i]);
        answer_release(&mine);
    }
    expect(loop, "press", HTTP_GET, "/api/v1/loops", NULL, 403, NULL);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?limit=1", NULL, 200, "\"next\":\"");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?after=x", NULL, 400, "cursor");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=you", NULL, 400, "area, me or told");
    expect(loop, "district_duty-320412", HTTP_GET, "/api/v1/loops?area=320481", NULL, 403, NULL);
    expect(loop, "command", HTTP_GET, "/api/v1/loops:counts", NULL, 200, "\"open\":2");
}

/* A role that looks after no areas sees what it has a part in, and nothing else of its area. */
static void who_looks_after_no_area_sees_no_loop_of_others(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)id);
    static const char *const others[] = {"venue_manager", "sampler", "site_staff",
                                         "checkpoint_officer", "grid_worker"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        expect(loop, others[i], HTTP_GET, "/api/v1/loops", NULL, 200, "\"items\":[]");
        expect(loop, others[i], HTTP_GET, "/api/v1/loops?owner=area", NULL, 403, "no areas");
        expect(loop, others[i], HTTP_GET, "/api/v1/loops?state=closed", NULL, 403, "no areas");
        expect(loop, others[i], HTTP_GET, path, NULL, 404, NULL);
        advance(loop, others[i], id, PLACING, 404, NULL);
    }
    /* once it waits for the grid worker, that one sees it */
    advance(loop, "cdc_duty", id,
            "{\"to\":\"watching\",\"fields\":{\"contact_level\":\"general\",\"target_area\":"
            "\"320412\",\"in_city\":true}}",
            200, "watching");
    expect(loop, "grid_worker-320412", HTTP_GET, "/api/v1/loops", NULL, 200, "\"no\":5");
    expect(loop, "grid_worker-320412", HTTP_GET, path, NULL, 200, "watching");
}

static void pages_follow_one_another_without_a_gap(void **state)
{
    enum { LOOPS = 57 };
    struct loopback *loop = *state;
    char body[300], path[120] = "/api/v1/loops?limit=5", next[64];
    int64_t seen[LOOPS] = {0}, count = 0;
    for (int person = 1; person <= LOOPS; person++) {
        snprintf(body, sizeof body,
                 "{\"scene\":\"contact_management\",\"subject\":%d,\"fields\":{\"source_case\":1,"
                 "\"contact_level\":\"general\",\"last_exposure_at\":"
                 "\"2022-04-13T09:00:00+08:00\"}}",
                 person);
        open_loop(loop, "cdc_lead", body, 201);
    }
    for (int page = 0; page < 50; page++) {
        size_t i;
        json_t *item;
        struct answer answer = as(loop, "command", HTTP_GET, path, NULL);
        json_array_foreach (json_object_get(answer.json, "items"), i, item)
            seen[count++] = json_integer_value(json_object_get(item, "id"));
        const char *cursor = json_string_value(json_object_get(answer.json, "next"));
        snprintf(next, sizeof next, "%s", cursor ? cursor : "");
        answer_release(&answer);
        if (!next[0])
            break;
        snprintf(path, sizeof path, "/api/v1/loops?limit=5&after=%s", next);
    }
    assert_int_equal(count, LOOPS);
    for (int i = 0; i < LOOPS; i++)
        for (int k = i + 1; k < LOOPS; k++)
            assert_true(seen[i] != seen[k]);
}

/* A list can begin at a moment: what is due earlier is left out, the rest is as it was. */
static void a_list_begins_at_a_moment(void **state)
{
    enum { LOOPS = 4 };
    struct loopback *loop = *state;
    char body[300], path[120], due[40];
    size_t length = 0;
    for (int person = 1; person <= LOOPS; person++) {
        snprintf(body, sizeof body,
                 "{\"scene\":\"contact_management\",\"subject\":%d,\"fields\":{\"source_case\":1,"
                 "\"contact_level\":\"general\",\"last_exposure_at\":"
                 "\"2022-04-13T09:00:00+08:00\"}}",
                 person);
        open_loop(loop, "cdc_lead", body, 201);
        loop->platform->world->fixed += MINUTE;
    }
    struct answer all = as(loop, "command", HTTP_GET, "/api/v1/loops", NULL);
    json_t *items = json_object_get(all.json, "items");
    assert_int_equal(json_array_size(items), LOOPS);
    const char *second =
        json_string_value(json_object_get(json_array_get(items, 1), "due_at"));
    for (; *second && length < sizeof due - 4; second++)
        length += (size_t)snprintf(due + length, sizeof due - length,
                                   *second == '+' ? "%%2B" : "%c", *second);
    snprintf(path, sizeof path, "/api/v1/loops?limit=2&from=%s", due);
    struct answer part = as(loop, "command", HTTP_GET, path, NULL);
    json_t *from = json_object_get(part.json, "items");
    assert_int_equal(json_array_size(from), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(from, i), "id")),
                         json_integer_value(json_object_get(json_array_get(items, i + 1), "id")));
    assert_false(json_is_null(json_object_get(part.json, "next")));
    answer_release(&part);
    answer_release(&all);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?from=2022-06-01T00:00:00%2B08:00", NULL, 200,
           "\"items\":[]");
    expect(loop, "command", HTTP_GET,
           "/api/v1/loops?state=closed&from=2022-06-01T00:00:00%2B08:00", NULL, 200,
           "\"items\":[]");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?from=noon", NULL, 400, "from");
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=told&from=2022-04-01T00:00:00%2B08:00",
           NULL, 400, "from");
}

/* ---- Many at once */

static void many_steps_have_a_result_each(void **state)
{
    struct loopback *loop = *state;
    char body[600];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(body, sizeof body,
             "{\"items\":[{\"id\":%lld,\"to\":\"placing\",\"fields\":{\"contact_level\":\"close\","
             "\"target_area\":\"320412\",\"in_city\":true}},{\"id\":999,\"to\":\"placing\"},"
             "{\"id\":%lld,\"to\":\"placing\"}]}",
             (long long)id, (long long)id);
    struct answer answer = as(loop, "cdc_duty", HTTP_POST, "/api/v1/loops:advance", body);
    assert_int_equal(answer.status, 200);
    json_t *items = json_object_get(answer.json, "items");
    assert_int_equal(json_array_size(items), 3);
    static const int statuses[] = {0, 404, 409};
    for (size_t i = 0; i < 3; i++) {
        json_t *item = json_array_get(items, i);
        assert_int_equal(json_is_true(json_object_get(item, "done")), statuses[i] == 0);
        assert_int_equal(json_integer_value(json_object_get(item, "status")), statuses[i]);
    }
    answer_release(&answer);
    is(loop, id, "stage", "placing");
    expect(loop, "cdc_duty", HTTP_POST, "/api/v1/loops:advance", "{\"items\":[]}", 400, "5000");
    expect(loop, "cdc_duty", HTTP_POST, "/api/v1/loops:advance", "{\"items\":[{\"id\":1}]}", 400,
           "to");
}

/* ---- Signatures */

static void a_step_waits_until_all_have_signed(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/sign", (long long)id);
    expect(loop, "approver", HTTP_POST, path, "{}", 409, "nothing waits");
    advance(loop, "cdc_duty", id, "{\"to\":\"at_home\"}", 400, "note");
    advance(loop, "cdc_duty", id, "{\"to\":\"at_home\",\"note\":\"a child of two years\"}", 202,
            "pprover");
    is(loop, id, "stage", "placing");
    expect(loop, "cdc_duty", HTTP_POST, path, "{}", 409, "you asked");
    expect(loop, "cdc_lead", HTTP_POST, path, "{}", 403, "not yours");
    /* two accounts of one human are one hand: refused, and not offered */
    char page[80];
    snprintf(page, sizeof page, "/api/v1/loops/%lld", (long long)id);
    expect(loop, "approver", HTTP_GET, page, NULL, 200, "\"mine\":true");
    loopback_change(loop,
                    "UPDATE app_user SET person_no = 7 WHERE name IN ('cdc_duty', 'approver')");
    expect(loop, "approver", HTTP_GET, page, NULL, 200, "\"mine\":false");
    expect(loop, "approver", HTTP_POST, path, "{}", 409, "you asked");
    loopback_change(loop, "UPDATE app_user SET person_no = 8 WHERE name = 'approver'");
    expect(loop, "approver", HTTP_POST, path, "{}", 200, "at_home");
    is(loop, id, "stage", "at_home");
    /* the stage opens a loop of its own about the same person, once */
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_child"), 1);
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)id);
    expect(loop, "command", HTTP_GET, path, NULL, 200, "home_quarantine");
    expect(loop, "command", HTTP_GET, path, NULL, 200, "a child of two years");
    /* it is not released while its child is open */
    advance(loop, "town_duty-320412", id, "{\"to\":\"released\"}", 409, "children");
}

/* ---- Holding a loop, and taking it over */

static void one_person_holds_a_loop_for_a_while(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/claim", (long long)id);
    expect(loop, "cdc_investigator", HTTP_POST, path, "{}", 409, "nobody holds");
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    expect(loop, "cdc_duty", HTTP_POST, path, "{}", 403, "not yours");
    expect(loop, "town_duty-320412", HTTP_POST, path, "{}", 200, NULL);
    expect(loop, "town_duty-320412", HTTP_POST, path, "{}", 200, NULL);
    advance(loop, "cdc_duty", id, "{\"to\":\"at_home\",\"note\":\"x\"}", 409,
            "town_duty-320412 holds");
    loop->platform->world->fixed += 15 * MINUTE;
    advance(loop, "cdc_duty", id, "{\"to\":\"at_home\",\"note\":\"x\"}", 202, NULL);
}

static void the_command_centre_always_finds_a_way_out(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "cdc_lead", HTTP_POST, path, "{\"note\":\"x\"}", 403, NULL);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\" \"}", 400, "note");
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"nobody answers\"}", 200, NULL);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "contact_management");
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"opened by mistake\",\"close\":true}", 200,
           NULL);
    is(loop, id, "state", "failed");
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"again\",\"close\":true}", 409, "closed");
    assert_int_equal(loopback_number(loop, "SELECT sum(open) FROM loop_count"), 0);
}

/* ---- A loop as a purpose */

static void an_open_loop_is_a_purpose_for_those_who_have_a_part_in_it(void **state)
{
    struct loopback *loop = *state;
    char token[80], purpose[40];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(purpose, sizeof purpose, "loop:%lld", (long long)id);
    struct call call = {.path = "/api/v1/persons/5/status",
                        .purpose = purpose,
                        .authorization = loopback_user(loop, "cdc_investigator", token)};
    assert_int_equal(loopback_status(loop, &call), 200);
    call.authorization = loopback_user(loop, "town_duty", token);
    loopback_refused(loop, &call, 403, "purpose-required");
    call.purpose = "loop:999";
    call.authorization = loopback_user(loop, "cdc_investigator", token);
    loopback_refused(loop, &call, 403, "purpose-required");
}

/* ---- Duties */

static void a_loop_never_waits_for_someone_off_duty(void **state)
{
    struct loopback *loop = *state;
    open_loop(loop, "cdc_lead", CONTACT, 201);
    expect(loop, "cdc_investigator", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200,
           "contact_management");
    /* whoever has this role is off duty: the seat falls to the command centre */
    loopback_change(loop, "UPDATE app_user SET duty_until = 1 WHERE role = 'cdc_investigator'");
    access_forget_cached(loop->platform->access);
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "contact_management");
}

/* ---- Readers, writers and changes of duty at once: nobody waits for ever */

struct reader {
    struct loopback *loop;
    char token[80];
    atomic_bool *stop;
    atomic_int *reads;
};

static void *read_on(void *context)
{
    struct reader *reader = context;
    static const char *const paths[] = {"/api/v1/loops", "/api/v1/loops/1"};
    for (int i = 0; !atomic_load(reader->stop); i++) {
        struct raw_request raw = {.method = HTTP_GET,
                                  .path = slice_of(paths[i % 2]),
                                  .authorization = slice_of(reader->token)};
        struct response response = {.status = 0};
        struct arena arena;
        arena_init(&arena, 64 << 20);
        server_dispatch(reader->loop->platform, &raw, &arena, &response);
        buffer_release(&response.body);
        arena_release(&arena);
        atomic_fetch_add(reader->reads, 1);
    }
    return NULL;
}

static void readers_writers_and_changes_of_duty_never_block_one_another(void **state)
{
    enum { READERS = 3, ROUNDS = 150 };
    struct loopback *loop = *state;
    struct reader readers[READERS];
    pthread_t threads[READERS];
    atomic_bool stop = false;
    atomic_int reads = 0;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/claim", (long long)id);
    alarm(120); /* a standstill ends the program */
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.loop = loop, .stop = &stop, .reads = &reads};
        loopback_user(loop, "town_duty-320412", readers[i].token);
    }
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    for (int i = 0; i < ROUNDS; i++) {
        access_forget_cached(loop->platform->access);
        expect(loop, "town_duty-320412", HTTP_POST, path, "{}", 200, NULL);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    alarm(0);
    assert_true(atomic_load(&reads) > 0);
}

/* ---- Forgetting */

static void a_closed_loop_is_forgotten_when_its_scene_says(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t forgotten;
    char path[80];
    int64_t id = open_loop(loop, "cdc_lead", CONTACT, 201);
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"x\",\"close\":true}", 200, NULL);
    loopback_change(loop, "INSERT INTO loop_sheet_row (row_key, loop_no) VALUES (x'01', 1)");
    loopback_change(loop, "INSERT INTO loop_sheet_row (row_key, loop_no) VALUES (x'02', 2)");
    open_loop(loop, "cdc_lead", CONTACT, 201);
    loop->platform->world->fixed += 364 * DAY;
    test_fail_on(loops_forget(loop->platform->loops, &forgotten, &err), &err);
    assert_int_equal(forgotten, 0);
    loop->platform->world->fixed += 2 * DAY;
    test_fail_on(loops_forget(loop->platform->loops, &forgotten, &err), &err);
    assert_int_equal(forgotten, 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop"), 1);
    assert_int_equal(id, 1);
    assert_int_equal(loopback_number(loop, "SELECT sum(loop_no) FROM loop_sheet_row"), 2);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop_act WHERE loop_no NOT IN"
                                           " (SELECT loop_no FROM loop)"),
                     0);
}

static void what_does_not_follow_from_its_acts_is_found(void **state)
{
    struct loopback *loop = *state;
    struct loops_verification verification;
    struct error err;
    static const char *const changes[] = {
        "UPDATE loop SET stage = 2 WHERE loop_no = 1",
        "UPDATE loop SET steps = 1 WHERE loop_no = 1",
        "DELETE FROM loop_act WHERE loop_no = 1 AND kind = 0",
        "UPDATE loop SET entered_at = entered_at + 1 WHERE loop_no = 1",
    };
    open_loop(loop, "cdc_lead", CONTACT, 201);
    advance(loop, "cdc_duty", 1, PLACING, 200, NULL);
    loopback_change(loop, "CREATE TABLE kept AS SELECT * FROM loop");
    loopback_change(loop, "CREATE TABLE kept_act AS SELECT * FROM loop_act");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        loopback_change(loop, changes[i]);
        test_fail_on(loops_verify(loop->platform->loops, &verification, &err), &err);
        assert_int_equal(verification.wrong_no, 1);
        loopback_change(loop, "DELETE FROM loop");
        loopback_change(loop, "DELETE FROM loop_act");
        loopback_change(loop, "INSERT INTO loop SELECT * FROM kept");
        loopback_change(loop, "INSERT INTO loop_act SELECT * FROM kept_act");
    }
    loopback_change(loop, "UPDATE loop_count SET open = open + 1");
    test_fail_on(loops_verify(loop->platform->loops, &verification, &err), &err);
    assert_int_equal(verification.wrong_no, 0);
    assert_true(verification.counters_wrong > 0);
    loopback_change(loop, "UPDATE loop_count SET open = open - 1");
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(hands_and_events_bring_a_loop_to_its_end),
        LOOP_TEST(what_a_scene_does_not_allow_is_refused_in_words),
        LOOP_TEST(what_cannot_be_opened_is_refused_in_words),
        LOOP_TEST(a_second_opening_joins_the_first),
        LOOP_TEST(who_fails_to_act_is_told_then_others_then_the_command_centre),
        LOOP_TEST(a_list_is_what_the_reader_holds_or_may_see),
        LOOP_TEST(who_looks_after_no_area_sees_no_loop_of_others),
        LOOP_TEST(pages_follow_one_another_without_a_gap),
        LOOP_TEST(a_list_begins_at_a_moment),
        LOOP_TEST(many_steps_have_a_result_each),
        LOOP_TEST(a_step_waits_until_all_have_signed),
        LOOP_TEST(one_person_holds_a_loop_for_a_while),
        LOOP_TEST(the_command_centre_always_finds_a_way_out),
        LOOP_TEST(an_open_loop_is_a_purpose_for_those_who_have_a_part_in_it),
        LOOP_TEST(a_loop_never_waits_for_someone_off_duty),
        LOOP_TEST(readers_writers_and_changes_of_duty_never_block_one_another),
        LOOP_TEST(what_does_not_follow_from_its_acts_is_found),
        LOOP_TEST(a_closed_loop_is_forgotten_when_its_scene_says),
    };
    return LOOPBACK_RUN(tests);
}
