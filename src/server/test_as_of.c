/* Goal: what a list of loops and the situation say of a past hour is what they said at it, whatever
 * has happened since; a moment that is not the city's past is refused in words. */
#include "base/random.h"
#include "command/command.h"
#include "server/test_loop_support.h"

enum { HOURS = 9, PEOPLE = 14, ITEMS_MAX = 200 };

static void as_of_path(char *path, size_t bytes, const char *begin, timestamp as_of)
{
    char text[TIME_TEXT_BYTES], escaped[3 * TIME_TEXT_BYTES] = "";
    time_format(as_of, text);
    for (const char *c = text; *c; c++)
        strcat(escaped, *c == '+' ? "%2B" : (char[]){*c, 0});
    snprintf(path, bytes, "%s%cas_of=%s", begin, strchr(begin, '?') ? '&' : '?', escaped);
}

static int by_id(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "id"));
    return (x > y) - (x < y);
}

/* All pages of a list by the loops' numbers, without who held one for how long. */
static json_t *whole_list(struct loopback *loop, const char *begin, timestamp as_of)
{
    char path[400], page[600], next[64] = "";
    json_t *items[ITEMS_MAX], *all = json_array(), *item;
    size_t count = 0, i;
    if (as_of == TIMESTAMP_NONE)
        snprintf(path, sizeof path, "%s", begin);
    else
        as_of_path(path, sizeof path, begin, as_of);
    do {
        snprintf(page, sizeof page, "%s%s%s", path, next[0] ? "&after=" : "", next);
        struct answer answer = as(loop, "command", HTTP_GET, page, NULL);
        if (answer.status != 200)
            fail_msg("%s: %d %s", page, answer.status, answer.response.body.data);
        json_array_foreach (json_object_get(answer.json, "items"), i, item) {
            assert_true(count < ITEMS_MAX);
            json_object_del(item, "claimed_by");
            json_object_del(item, "claimed_until");
            items[count++] = json_incref(item);
        }
        const char *cursor = json_string_value(json_object_get(answer.json, "next"));
        snprintf(next, sizeof next, "%s", cursor ? cursor : "");
        answer_release(&answer);
    } while (next[0]);
    qsort(items, count, sizeof *items, by_id);
    for (i = 0; i < count; i++) {
        assert_true(i == 0 || by_id(&items[i - 1], &items[i]) < 0); /* each once */
        json_array_append_new(all, items[i]);
    }
    return all;
}

/* ---- Loops */

static void step(struct loopback *loop, int64_t id, const char *user, const char *body)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/%s", (long long)id,
             strstr(body, "\"to\"") ? "advance" : "take");
    struct answer answer = as(loop, user, HTTP_POST, path, body);
    answer_release(&answer); /* what is refused changes nothing, which is as well */
}

/* Somebody does something with a loop of these people, or a new one is opened. */
static void anything(struct loopback *loop, struct random *random)
{
    static const struct {
        const char *user, *body;
    } steps[] = {
        {"cdc_duty", PLACING},
        {"cdc_duty", "{\"to\":\"watching\",\"fields\":{\"contact_level\":\"general\","
                     "\"target_area\":\"320481\",\"in_city\":true}}"},
        {"cdc_duty", "{\"to\":\"at_home\",\"note\":\"a child\"}"},
        {"command", "{\"note\":\"nobody answers\"}"},
        {"command", "{\"note\":\"opened by mistake\",\"close\":true}"},
        {"cdc_lead", "{\"to\":\"no_contact\",\"note\":\"was away\"}"},
    };
    char body[300];
    int64_t last = loopback_number(loop, "SELECT coalesce(max(loop_no), 0) FROM loop");
    if (last == 0 || random_below(random, 3) == 0) {
        snprintf(body, sizeof body,
                 "{\"scene\":\"contact_management\",\"subject\":%u,\"fields\":{\"source_case\":1,"
                 "\"contact_level\":\"close\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
                 1 + random_below(random, PEOPLE));
        struct answer answer = as(loop, "cdc_lead", HTTP_POST, "/api/v1/loops", body);
        answer_release(&answer);
        return;
    }
    size_t which = random_below(random, sizeof steps / sizeof *steps);
    step(loop, 1 + (int64_t)random_below(random, (uint32_t)last), steps[which].user,
         steps[which].body);
}

static void a_list_of_the_past_is_what_it_was_then(void **state)
{
    static const char *const lists[] = {
        "/api/v1/loops?owner=area&limit=3", "/api/v1/loops?owner=area&overdue=true&limit=100",
        "/api/v1/loops?state=closed&limit=4", "/api/v1/loops?area=320481&limit=100"};
    enum { LISTS = sizeof lists / sizeof *lists };
    struct loopback *loop = *state;
    struct random random;
    uint64_t seed = (uint64_t)world_real_now();
    json_t *then[HOURS][LISTS];
    print_message("# seed %llu\n", (unsigned long long)seed);
    random_init(&random, seed, 3);
    timestamp first = (now(loop) / HOUR + 1) * HOUR;
    for (int hour = 0; hour < HOURS; hour++) {
        for (int i = 0; i < 5; i++)
            anything(loop, &random);
        wait_until(loop, first + hour * HOUR);
        for (int list = 0; list < LISTS; list++)
            then[hour][list] = whole_list(loop, lists[list], TIMESTAMP_NONE);
        loop->platform->world->fixed += 10 * MINUTE;
    }
    for (int hour = 0; hour < HOURS; hour++)
        for (int list = 0; list < LISTS; list++) {
            json_t *past = whole_list(loop, lists[list], first + hour * HOUR + 9 * MINUTE);
            if (!json_equal(past, then[hour][list]))
                fail_msg("%s at hour %d: %s\nwas\n%s", lists[list], hour,
                         json_dumps(past, JSON_COMPACT | JSON_SORT_KEYS),
                         json_dumps(then[hour][list], JSON_COMPACT | JSON_SORT_KEYS));
            json_decref(past);
            json_decref(then[hour][list]);
        }
}

static void only_lists_of_areas_are_told_of_the_past(void **state)
{
    struct loopback *loop = *state;
    expect(loop, "command", HTTP_GET, "/api/v1/loops?owner=me&as_of=2022-04-14T14:00:00%2B08:00",
           NULL, 400, "owner=area");
    expect(loop, "grid_worker", HTTP_GET, "/api/v1/loops?as_of=2022-04-14T14:00:00%2B08:00", NULL,
           400, "owner=area");
    expect(loop, "district_duty-320412", HTTP_GET,
           "/api/v1/loops?area=320481&as_of=2022-04-14T14:00:00%2B08:00", NULL, 403, NULL);
}

/* ---- The moment */

static void a_moment_that_is_not_the_past_of_the_city_is_refused(void **state)
{
    struct loopback *loop = *state;
    static const char *const paths[] = {"/api/v1/situation", "/api/v1/loops"};
    static const struct {
        const char *as_of, *words;
    } moments[] = {{"2022-04-14T14:32:00%2B08:00", "what will be is not known"},
                   {"2022-03-31T23:59:00%2B08:00", "before its first day"},
                   {"yesterday", "not a time"},
                   {"", "not a time"}};
    char path[200];
    for (size_t p = 0; p < 2; p++) {
        for (size_t m = 0; m < sizeof moments / sizeof *moments; m++) {
            snprintf(path, sizeof path, "%s?as_of=%s", paths[p], moments[m].as_of);
            expect(loop, "command", HTTP_GET, path, NULL, 400, moments[m].words);
        }
        snprintf(path, sizeof path, "%s?as_of=2022-04-14T14:31:00%%2B08:00", paths[p]);
        expect(loop, "command", HTTP_GET, path, NULL, 200, NULL);
        snprintf(path, sizeof path, "%s?as_of=2022-04-01T00:00:00%%2B08:00", paths[p]);
        expect(loop, "command", HTTP_GET, path, NULL, 200, NULL);
    }
}

/* ---- The demo city's history */

static void a_demo_city_has_fourteen_days_of_hours(void **state)
{
    struct loopback *loop = *state;
    struct answer answer = as(loop, "command", HTTP_GET, "/api/v1/situation:hours", NULL);
    json_t *hours = json_object_get(answer.json, "items");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_array_size(hours), 13 * 24 + 15);
    assert_string_equal(json_string_value(json_array_get(hours, 0)), "2022-04-01T00:00:00+08:00");
    answer_release(&answer);
    /* the cases of a day grow hour by hour and are what they are at its end */
    json_int_t before = 0;
    for (int hour = 0; hour <= 14; hour++) {
        char path[200];
        as_of_path(path, sizeof path, "/api/v1/situation", (now(loop) / HOUR - 14 + hour) * HOUR);
        answer = as(loop, "command", HTTP_GET, path, NULL);
        json_t *days = json_object_get(json_object_get(answer.json, "series"), "scans");
        json_t *today = json_array_get(days, 13);
        assert_int_equal(answer.status, 200);
        assert_true(json_is_integer(today) && json_integer_value(today) >= before);
        assert_true(json_integer_value(json_array_get(days, 12)) > 0);
        before = json_integer_value(today);
        answer_release(&answer);
    }
    assert_true(before > 0);
    /* a role that is shown no persons is shown no small counts of the past either */
    expect(loop, "press", HTTP_GET, "/api/v1/situation?as_of=2022-04-08T12:00:00%2B08:00", NULL,
           200, "\"past\":true");
    expect(loop, "press", HTTP_GET, "/api/v1/situation?as_of=2022-04-08T12:00:00%2B08:00", NULL,
           200, "\"cases_by_day\":[null,null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_list_of_the_past_is_what_it_was_then),
        LOOP_TEST(only_lists_of_areas_are_told_of_the_past),
        LOOP_TEST(a_moment_that_is_not_the_past_of_the_city_is_refused),
        LOOP_TEST(a_demo_city_has_fourteen_days_of_hours),
    };
    return cmocka_run_group_tests(tests, loopback_template_create, loopback_template_remove);
}
