/* Goal: who has a loop open is told to those who may read that loop, and to nobody else; it leaves
 * nothing behind, neither in the store nor after the session. */
#include "server/test_loop_support.h"

#define PAGE_A "/viewers/page-aaaa"
#define PAGE_B "/viewers/page-bbbb"

static void path_of(int64_t id, const char *rest, char out[120])
{
    snprintf(out, 120, "/api/v1/loops/%lld%s", (long long)id, rest);
}

static struct answer announce(struct loopback *loop, const char *user, int64_t id, const char *page,
                              const char *body)
{
    char path[120];
    path_of(id, page, path);
    return as(loop, user, HTTP_PUT, path, body);
}

/* The names of the others that are told, as one text; "" where the answer is no 200. */
static const char *others(struct loopback *loop, const char *user, int64_t id, const char *page)
{
    static char text[300];
    size_t i;
    json_t *other;
    struct answer answer = announce(loop, user, id, page, "{}");
    text[0] = '\0';
    json_array_foreach (json_object_get(answer.json, "others"), i, other) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? " " : "",
                 json_string_value(json_object_get(other, "name")),
                 json_is_true(json_object_get(other, "writing")) ? "(w)" : "");
    }
    answer_release(&answer);
    return text;
}

static int64_t open_one(struct loopback *loop)
{
    return open_loop(loop, "cdc_lead", CONTACT, 201);
}

static void two_officers_on_one_loop_are_told_of_each_other(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_one(loop);
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), "");
    struct answer answer = announce(loop, "command", id, PAGE_B, "{\"writing\":true}");
    assert_int_equal(answer.status, 200);
    json_t *other = json_array_get(json_object_get(answer.json, "others"), 0);
    assert_string_equal(json_string_value(json_object_get(other, "name")), "cdc_lead");
    assert_string_equal(json_string_value(json_object_get(other, "role")), "cdc_lead");
    assert_string_equal(json_string_value(json_object_get(other, "area")), "320400");
    assert_string_equal(json_string_value(json_object_get(other, "since")),
                        "2022-04-14T14:31:00+08:00");
    assert_true(json_is_true(json_object_get(answer.json, "listed")));
    assert_int_equal(json_integer_value(json_object_get(answer.json, "renew_seconds")), 10);
    assert_int_equal(answer.audits, 0); /* no person of the register is read */
    assert_int_equal(answer.events, 0);
    answer_release(&answer);
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), "command(w)");
    char path[120];
    path_of(id, PAGE_B, path);
    expect(loop, "command", HTTP_DELETE, path, NULL, 200, "{}");
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), "");
}

static void who_may_not_read_the_loop_is_told_of_nobody(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_one(loop);
    char path[120];
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), "");
    path_of(id, "", path);
    expect(loop, "district_duty-320481", HTTP_GET, path, NULL, 404, "not-found");
    path_of(id, PAGE_B, path);
    expect(loop, "district_duty-320481", HTTP_PUT, path, "{}", 404, "not-found");
    expect(loop, "press", HTTP_PUT, path, "{}", 403, "forbidden");
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), ""); /* nor are they listed */
    expect(loop, "cdc_lead", HTTP_PUT, "/api/v1/loops/999999/viewers/page-aaaa", "{}", 404, NULL);
}

static void what_is_said_is_checked(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_one(loop);
    char path[120];
    path_of(id, "/viewers/short", path);
    expect(loop, "cdc_lead", HTTP_PUT, path, "{}", 400, "8 to 32 letters");
    path_of(id, "/viewers/with%20blank%20in", path);
    expect(loop, "cdc_lead", HTTP_PUT, path, "{}", 400, "8 to 32 letters");
    path_of(id, PAGE_A, path);
    expect(loop, "cdc_lead", HTTP_PUT, path, "{\"writing\":1}", 400, "true or false");
    expect(loop, "cdc_lead", HTTP_PUT, path, "{\"reading\":true}", 400, "reading");
    expect(loop, "cdc_lead", HTTP_PUT, path, "[]", 400, NULL);
}

static void the_newest_act_is_told_and_moves_the_turn(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_one(loop);
    struct loops *loops = loop->platform->loops;
    int64_t user = loopback_number(loop, "SELECT user_no FROM app_user WHERE name = 'cdc_lead'");
    char path[120];
    path_of(id, "", path);
    struct answer page = as(loop, "cdc_lead", HTTP_GET, path, NULL);
    int64_t last = json_integer_value(json_object_get(page.json, "last_act"));
    answer_release(&page);
    assert_true(last > 0);
    struct answer first = announce(loop, "cdc_lead", id, PAGE_A, "{}");
    json_t *newest = json_object_get(first.json, "newest");
    assert_int_equal(json_integer_value(json_object_get(newest, "no")), last);
    assert_string_equal(json_string_value(json_object_get(newest, "act")), "opened");
    answer_release(&first);
    uint64_t turn = loops_viewers_turn(loops, user);
    assert_true(turn > 0);
    advance(loop, "cdc_duty", id, PLACING, 200, NULL);
    wait_until(loop, now(loop) + SECOND);
    assert_true(loops_viewers_turn(loops, user) > turn);
    struct answer second = announce(loop, "cdc_lead", id, PAGE_A, "{}");
    newest = json_object_get(second.json, "newest");
    assert_true(json_integer_value(json_object_get(newest, "no")) > last);
    assert_string_equal(json_string_value(json_object_get(second.json, "stage")), "placing");
    answer_release(&second);
}

static void log_out_and_restart_leave_nobody(void **state)
{
    struct loopback *loop = *state;
    int64_t id = open_one(loop);
    char token[80], path[120];
    path_of(id, PAGE_A, path);
    struct call put = {.method = HTTP_PUT,
                       .path = path,
                       .body = "{}",
                       .authorization = loopback_user(loop, "command", token)};
    assert_int_equal(loopback_status(loop, &put), 200);
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), "command");
    struct call end = {
        .method = HTTP_DELETE, .path = "/api/v1/sessions/current", .authorization = token};
    assert_int_equal(loopback_status(loop, &end), 200);
    assert_string_equal(others(loop, "cdc_lead", id, PAGE_A), "");
    assert_int_equal(loopback_status(loop, &put), 401);
    assert_int_equal(loops_viewers_counts(loop->platform->loops).views, 1);
    loopback_restart(loop);
    assert_int_equal(loops_viewers_counts(loop->platform->loops).views, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(two_officers_on_one_loop_are_told_of_each_other),
        LOOP_TEST(who_may_not_read_the_loop_is_told_of_nobody),
        LOOP_TEST(what_is_said_is_checked),
        LOOP_TEST(the_newest_act_is_told_and_moves_the_turn),
        LOOP_TEST(log_out_and_restart_leave_nobody),
    };
    return LOOPBACK_RUN(tests);
}
