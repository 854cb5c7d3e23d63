/* Goal: the desk puts causes in the order of what acting is worth, drops none, says what waits and
 * why, knows what it knew at any hour, lets an alert be watched until a time, and explains itself.
 * Everything over the routes, the real store and the real engine. */
#include <math.h>
#include <sys/stat.h>

#include "base/embedded.h"
#include "server/test_alert_support.h"

/* The city's own policies/alerts.yaml from now on: the built-in one with one place changed. */
static void change_policy(struct loopback *loop, const char *from, const char *to)
{
    char path[200];
    struct error err;
    struct buffer text;
    snprintf(path, sizeof path, "%s/policies", loop->directory);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/policies/alerts.yaml", loop->directory);
    struct slice known = embedded_find("policies/alerts.yaml")->content;
    char *own = strndup(known.data, known.length), *at = strstr(own, from);
    if (!at)
        fail_msg("%s is not in the policy", from);
    buffer_init(&text, 1 << 16);
    buffer_append(&text, own, (size_t)(at - own));
    buffer_append_text(&text, to);
    buffer_append_text(&text, at + strlen(from));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    test_fail_on(
        file_write_all(fd, buffer_slice(&text).data, buffer_slice(&text).length, path, &err), &err);
    close(fd);
    buffer_release(&text);
    free(own);
    timestamp now_then = loop->platform->world->fixed;
    loopback_restart(loop);
    loop->platform->world->fixed = now_then;
}

static struct answer desk(struct loopback *loop, const char *user, const char *query)
{
    char path[200];
    snprintf(path, sizeof path, "/api/v1/alerts%s", query);
    struct answer answer = as(loop, user, HTTP_GET, path, NULL);
    if (answer.status != 200)
        fail_msg("%s: %d", path, answer.status);
    return answer;
}

static json_t *item(const struct answer *answer, size_t index)
{
    return json_array_get(json_object_get(answer->json, "items"), index);
}

static const char *text(json_t *object, const char *field)
{
    const char *value = json_string_value(json_object_get(object, field));
    return value ? value : "";
}

static double number(json_t *object, const char *field)
{
    return json_number_value(json_object_get(object, field));
}

static int64_t whole(json_t *object, const char *field)
{
    return json_integer_value(json_object_get(object, field));
}

/* The number of causes in a place, by the desk's own count and by its items. */
static void has(struct loopback *loop, const char *user, const char *place, int64_t count)
{
    struct answer answer = desk(loop, user, "?limit=1000");
    json_t *one;
    size_t i;
    int64_t seen = 0;
    json_array_foreach (json_object_get(answer.json, "items"), i, one)
        seen += strcmp(text(json_object_get(one, "cause"), "place"), place) == 0;
    int64_t said = whole(json_object_get(answer.json, "budget"), place);
    if (seen != count || said != count)
        fail_msg("%s: %lld shown, %lld said, expected %lld", place, (long long)seen,
                 (long long)said, (long long)count);
    answer_release(&answer);
}

static const char *const districts[] = {"320402", "320404", "320411", "320412",
                                        "320413", "320471", "320481"};

/* A positive at the checkpoints of so many districts. */
static void raise_districts(struct loopback *loop, int32_t day, size_t count)
{
    for (size_t i = 0; i < count; i++)
        send_one(loop, "checkpoint_positives", districts[i], day, 2);
    assert_int_equal(run(loop, day).raised, count);
}

static void causes_stand_in_the_order_of_their_worth_and_each_page_goes_on(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    raise_districts(loop, day, 7);
    struct answer all = desk(loop, "epidemiologist", "");
    double before = INFINITY;
    assert_int_equal(json_array_size(json_object_get(all.json, "items")), 7);
    for (size_t i = 0; i < 7; i++) {
        json_t *cause = json_object_get(item(&all, i), "cause");
        double value = number(cause, "value");
        assert_true(value <= before);
        assert_true(fabs(value - number(cause, "probability") * number(cause, "people") *
                                     number(cause, "days")) < 1e-6 * value);
        before = value;
    }
    /* the most people first: nothing else tells these apart */
    assert_string_equal(text(item(&all, 0), "area"), "320412");
    char path[80] = "?limit=2";
    size_t at = 0;
    while (path[0]) {
        struct answer page = desk(loop, "epidemiologist", path);
        for (size_t i = 0; i < json_array_size(json_object_get(page.json, "items")); i++, at++)
            assert_int_equal(whole(item(&page, i), "id"), whole(item(&all, at), "id"));
        const char *next = json_string_value(json_object_get(page.json, "next"));
        path[0] = 0;
        if (next)
            snprintf(path, sizeof path, "?limit=2&after=%s", next);
        answer_release(&page);
    }
    assert_int_equal(at, 7);
    answer_release(&all);
}

static void what_is_alike_in_place_and_time_is_one_cause_and_judged_in_one_act(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    char path[80], body[200];
    send_one(loop, "checkpoint_positives", "320402001", day, 2);
    send_one(loop, "checkpoint_positives", "320402002", day, 2); /* same channel, same district */
    send_one(loop, "school_similar_cases", "320402001", day, 4); /* another channel, same town */
    send_one(loop, "checkpoint_positives", "320481001", day, 2);
    assert_int_equal(run(loop, day).raised, 4);
    struct answer answer = desk(loop, "epidemiologist", "");
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 2);
    int64_t lead = 0, others[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        json_t *members = json_object_get(json_object_get(item(&answer, i), "cause"), "members");
        bool tianning = strncmp(text(item(&answer, i), "area"), "320402", 6) == 0;
        assert_int_equal(json_array_size(members), tianning ? 2 : 0);
        if (!tianning)
            continue;
        lead = whole(item(&answer, i), "id");
        for (size_t k = 0; k < 2; k++)
            others[k] = whole(json_array_get(members, k), "id");
    }
    answer_release(&answer);
    snprintf(path, sizeof path, "/api/v1/alerts/%lld/disposition", (long long)lead);
    snprintf(body, sizeof body, "{\"verdict\":\"known\",\"words\":\"w\",\"with\":[%lld,%lld]}",
             (long long)others[0], (long long)lead);
    expect(loop, "epidemiologist", HTTP_POST, path, body, 400, "with");
    snprintf(body, sizeof body, "{\"verdict\":\"known\",\"words\":\"w\",\"with\":[%lld,999]}",
             (long long)others[0]);
    expect(loop, "epidemiologist", HTTP_POST, path, body, 404, "999");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM alert WHERE state = 1"), 0);
    snprintf(body, sizeof body, "{\"verdict\":\"known\",\"words\":\"w\",\"with\":[%lld,%lld]}",
             (long long)others[0], (long long)others[1]);
    expect(loop, "epidemiologist", HTTP_POST, path, body, 201, "\"stage\":\"dismissed\"");
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM alert WHERE state = 1"), 3);
    assert_int_equal(loopback_number(loop,
                                     "SELECT count(*) FROM loop WHERE state = 3 AND scene_no IN"
                                     " (SELECT scene_no FROM scene_version WHERE name ="
                                     " 'alert_disposition')"),
                     3);
    expect(loop, "cdc_duty", HTTP_POST, path, body, 409,
           "was judged already: known, by epidemiologist at 2022-04-14T14:");
    has(loop, "epidemiologist", "now", 1);
}

static void what_goes_beyond_the_days_budget_waits_and_is_said(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    raise_districts(loop, day, 7);
    has(loop, "epidemiologist", "now", 7);
    change_policy(loop, "default: 20, epidemiologist: 30, cdc_duty: 30",
                  "default: 20, epidemiologist: 2, cdc_duty: 5");
    has(loop, "epidemiologist", "now", 2);
    has(loop, "epidemiologist", "waits", 5);
    has(loop, "cdc_duty", "now", 5);
    judge(loop, "epidemiologist", alert_no(loop), "known", 201, NULL);
    has(loop, "epidemiologist", "now", 1); /* one of today's two is spent */
    has(loop, "epidemiologist", "waits", 5);
    loop->platform->world->fixed += DAY;
    has(loop, "epidemiologist", "now", 2); /* a new day */
    change_policy(loop, "never_waits: red", "never_waits: blue");
    has(loop, "epidemiologist", "now", 6); /* whatever the budget */
    has(loop, "epidemiologist", "waits", 0);
}

static void a_channel_that_only_cries_is_throttled_by_name_and_stays(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    change_policy(loop, "{judged: 20, precision_below: 0.1}", "{judged: 3, precision_below: 0.1}");
    raise_districts(loop, day, 4);
    for (int64_t no = 1; no <= 3; no++)
        judge(loop, "epidemiologist", no, "false_alarm", 201, NULL);
    has(loop, "epidemiologist", "throttled", 1);
    has(loop, "epidemiologist", "now", 0);
    struct answer answer = desk(loop, "epidemiologist", "");
    json_t *detector = json_array_get(json_object_get(answer.json, "detectors"), 0);
    json_t *days = json_object_get(detector, "days_90");
    assert_true(json_is_true(json_object_get(detector, "throttled")));
    assert_int_equal(whole(days, "raised"), 4);
    assert_int_equal(whole(days, "judged"), 3);
    assert_true(number(days, "precision") == 0);
    assert_true(json_is_number(json_object_get(days, "delay_minutes")));
    answer_release(&answer);
    /* another channel of the same place joins: it is looked at */
    send_one(loop, "school_similar_cases", districts[3], day, 4);
    assert_int_equal(run(loop, day).raised, 1);
    has(loop, "epidemiologist", "throttled", 0);
    has(loop, "epidemiologist", "now", 1);
}

static void the_desk_is_shown_as_it_was_known_then(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    raise_districts(loop, day, 2);
    int64_t first = alert_no(loop) - 1;
    loop->platform->world->fixed += 2 * HOUR; /* 16:30 */
    judge(loop, "epidemiologist", first, "known", 201, NULL);
    loop->platform->world->fixed += HOUR;
    has(loop, "epidemiologist", "now", 1);
    struct answer then = desk(loop, "epidemiologist", "?as_of=2022-04-14T16:00:00%2B08:00");
    assert_int_equal(json_array_size(json_object_get(then.json, "items")), 2);
    assert_string_equal(text(then.json, "as_of"), "2022-04-14T16:00:00+08:00");
    assert_int_equal(whole(json_object_get(then.json, "budget"), "judged_today"), 0);
    json_t *statement = json_object_get(then.json, "statement");
    assert_true(json_is_null(json_object_get(statement, "late")));
    assert_string_equal(text(statement, "night"), "2022-04-13");
    answer_release(&then);
    then = desk(loop, "epidemiologist", "?as_of=2022-04-14T14:00:00%2B08:00");
    assert_int_equal(json_array_size(json_object_get(then.json, "items")), 0);
    assert_true(json_is_null(json_object_get(json_object_get(then.json, "statement"), "night")));
    answer_release(&then);
    expect(loop, "epidemiologist", HTTP_GET,
           "/api/v1/alerts?state=judged&as_of=2022-04-14T17:00:00%2B08:00", NULL, 200,
           "\"verdict\":\"known\"");
    expect(loop, "epidemiologist", HTTP_GET,
           "/api/v1/alerts?state=judged&as_of=2022-04-14T16:00:00%2B08:00", NULL, 200,
           "\"items\":[]");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts?as_of=2022-04-15T00:00:00%2B08:00",
           NULL, 400, "as_of");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts?as_of=noon", NULL, 400, "as_of");
    char path[120];
    snprintf(path, sizeof path, "/api/v1/alerts/%lld?as_of=2022-04-14T16:00:00%%2B08:00",
             (long long)first);
    expect(loop, "epidemiologist", HTTP_GET, path, NULL, 200, "\"disposition\":null");
    snprintf(path, sizeof path, "/api/v1/alerts/%lld?as_of=2022-04-14T14:00:00%%2B08:00",
             (long long)first);
    expect(loop, "epidemiologist", HTTP_GET, path, NULL, 404, NULL);
}

/* The level that an alert had then, though it has risen since. */
static void what_changed_later_is_not_known_before(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    send_one(loop, "checkpoint_positives", "320402001", day, 2);
    assert_int_equal(run(loop, day).raised, 1);
    loop->platform->world->fixed += 2 * HOUR;
    send_one(loop, "school_similar_cases", "320402001", day, 4);
    assert_int_equal(run(loop, day).raised, 1);
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts/1", NULL, 200, "\"level\":\"red\"");
    expect(loop, "cdc_duty", HTTP_GET, "/api/v1/alerts/1?as_of=2022-04-14T15:00:00%2B08:00", NULL,
           200, "\"level\":\"yellow\"");
}

static void watch(struct loopback *loop, int64_t no, const char *until, int status,
                  const char *words)
{
    char path[80], body[160];
    snprintf(path, sizeof path, "/api/v1/alerts/%lld/disposition", (long long)no);
    snprintf(body, sizeof body, "{\"verdict\":\"watch\",\"words\":\"one more night\"%s%s%s}",
             until ? ",\"until\":\"" : "", until ? until : "", until ? "\"" : "");
    expect(loop, "epidemiologist", HTTP_POST, path, body, status, words);
}

static void a_watched_alert_leaves_the_desk_and_comes_back_by_itself(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    send_one(loop, "checkpoint_positives", "320402001", day, 2);
    assert_int_equal(run(loop, day).raised, 1);
    watch(loop, 1, NULL, 400, "until");
    watch(loop, 1, "2022-04-14T14:00:00+08:00", 400, "within 7 days");
    watch(loop, 1, "2022-05-14T14:00:00+08:00", 400, "until");
    expect(loop, "epidemiologist", HTTP_POST, "/api/v1/alerts/1/disposition",
           "{\"verdict\":\"known\",\"words\":\"w\",\"until\":\"2022-04-15T09:00:00+08:00\"}", 400,
           "until");
    watch(loop, 1, "2022-04-15T09:00:00+08:00", 201, "\"stage\":\"watching\"");
    has(loop, "epidemiologist", "watched", 1);
    has(loop, "epidemiologist", "now", 0);
    watch(loop, 1, "2022-04-15T10:00:00+08:00", 409, "watch, by epidemiologist");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts/1", NULL, 200,
           "\"words\":\"one more night\"");
    expect(loop, "command", HTTP_GET, "/api/v1/alerts/1", NULL, 200, "\"words\":null");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts", NULL, 200,
           "\"watch_until\":\"2022-04-15T09:00:00+08:00\"");
    loop->platform->world->fixed += 19 * HOUR; /* 09:31 */
    wait_until(loop, now(loop));
    has(loop, "epidemiologist", "watched", 0);
    has(loop, "epidemiologist", "now", 1);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE state = 0 AND scene_no"
                                           " IN (SELECT scene_no FROM scene_version WHERE name ="
                                           " 'alert_disposition')"),
                     1);
    judge(loop, "epidemiologist", 1, "known", 201, "\"stage\":\"dismissed\"");
}

static void a_watch_ends_when_the_level_rises(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    send_one(loop, "checkpoint_positives", "320402001", day, 2);
    assert_int_equal(run(loop, day).raised, 1);
    watch(loop, 1, "2022-04-15T09:00:00+08:00", 201, NULL);
    has(loop, "epidemiologist", "watched", 1);
    send_one(loop, "school_similar_cases", "320402001", day, 4);
    assert_int_equal(run(loop, day).raised, 1);
    has(loop, "epidemiologist", "watched", 0);
    has(loop, "epidemiologist", "now", 1);
}

/* Four weeks at about 16, then 70. */
static void an_alert_says_the_greatest_count_that_would_have_been_quiet(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 2;
    struct buffer body;
    buffer_init(&body, 1 << 20);
    for (int32_t back = 28; back > 0; back--)
        add_line(&body, "calls_12345", "320402", day - back, 15 + back % 3, "");
    add_line(&body, "calls_12345", "320402", day, 70, "");
    send(loop, "cdc_lead", &body);
    assert_int_equal(run(loop, day + 1).raised, 1);
    struct answer answer = as(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts/1", NULL);
    json_t *why = json_object_get(answer.json, "why");
    int64_t quiet = (int64_t)number(why, "quiet_count");
    assert_in_range(quiet, 20, 45);
    answer_release(&answer);
    answer = desk(loop, "epidemiologist", "?trail=true");
    json_t *trail = json_object_get(item(&answer, 0), "trail");
    assert_int_equal(json_array_size(trail), 28);
    assert_true(json_number_value(json_array_get(trail, 27)) == 70);
    answer_release(&answer);
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts?trail=true&limit=1000", NULL, 400,
           "limit");
    /* the same night with that count, and with one more */
    for (int more = 0; more < 2; more++) {
        loopback_change(loop, "DELETE FROM alert");
        send_one(loop, "calls_12345", "320402", day, quiet + more);
        assert_int_equal(run(loop, day + 1).raised, more);
    }
}

static void who_is_shown_no_person_is_shown_no_small_count_anywhere(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    send_one(loop, "checkpoint_positives", "320402001", day, 2);
    assert_int_equal(run(loop, day).raised, 1);
    struct answer answer = desk(loop, "inspector", "?trail=true");
    assert_true(json_is_null(json_object_get(item(&answer, 0), "observed")));
    assert_true(json_is_null(json_array_get(json_object_get(item(&answer, 0), "trail"), 27)));
    answer_release(&answer);
    answer = desk(loop, "epidemiologist", "?trail=true");
    assert_true(json_number_value(json_array_get(json_object_get(item(&answer, 0), "trail"), 27)) ==
                2);
    answer_release(&answer);
    expect(loop, "inspector", HTTP_GET, "/api/v1/alerts/1", NULL, 200, "\"quiet_count\":null");
    expect(loop, "epidemiologist", HTTP_GET, "/api/v1/alerts/1", NULL, 200, "\"quiet_count\":0");
}

static void nothing_unusual_is_a_statement_with_what_was_looked_at(void **state)
{
    struct loopback *loop = *state;
    int32_t day = day_of(loop) - 1;
    struct answer answer = desk(loop, "epidemiologist", "");
    assert_true(json_is_null(json_object_get(json_object_get(answer.json, "statement"), "night")));
    answer_release(&answer);
    send_one(loop, "checkpoint_positives", "320402", day, 0);
    send_one(loop, "checkpoint_positives", "320404", day - 1, 0); /* due, and not in */
    send_one(loop, "checkpoint_positives", "320411", day, 0);
    send_one(loop, "checkpoint_positives", "320481", day - 20, 0);
    assert_int_equal(run(loop, day).raised, 1); /* the feed that stopped */
    judge(loop, "epidemiologist", alert_no(loop), "data_fault", 201, NULL);
    answer = desk(loop, "epidemiologist", "");
    json_t *statement = json_object_get(answer.json, "statement");
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 0);
    assert_int_equal(whole(statement, "series"), 4);
    assert_int_equal(whole(statement, "late"), 1);
    assert_int_equal(whole(statement, "missing"), 1);
    assert_string_equal(text(statement, "night"), "2022-04-13");
    answer_release(&answer);
    answer = desk(loop, "district_duty-320481", ""); /* of the own area */
    statement = json_object_get(answer.json, "statement");
    assert_int_equal(whole(statement, "series"), 1);
    assert_int_equal(whole(statement, "late"), 0);
    assert_int_equal(whole(statement, "missing"), 1);
    answer_release(&answer);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        ALERT_TEST(causes_stand_in_the_order_of_their_worth_and_each_page_goes_on),
        ALERT_TEST(what_is_alike_in_place_and_time_is_one_cause_and_judged_in_one_act),
        ALERT_TEST(what_goes_beyond_the_days_budget_waits_and_is_said),
        ALERT_TEST(a_channel_that_only_cries_is_throttled_by_name_and_stays),
        ALERT_TEST(the_desk_is_shown_as_it_was_known_then),
        ALERT_TEST(what_changed_later_is_not_known_before),
        ALERT_TEST(a_watched_alert_leaves_the_desk_and_comes_back_by_itself),
        ALERT_TEST(a_watch_ends_when_the_level_rises),
        ALERT_TEST(an_alert_says_the_greatest_count_that_would_have_been_quiet),
        ALERT_TEST(who_is_shown_no_person_is_shown_no_small_count_anywhere),
        ALERT_TEST(nothing_unusual_is_a_statement_with_what_was_looked_at),
    };
    return LOOPBACK_RUN(tests);
}
