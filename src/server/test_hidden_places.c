/* Goal: where a loop is that hides it is found by no narrower question than what the reader sees as
 * a whole: not in a list of an area or a venue nor by its pages, not in counts or indicators, not
 * in the past; its owner finds it. */
#include "command/command.h"
#include "server/test_loop_support.h"

/* Of a venue in a town of the district; its number. Its owner is no user: who is on duty in the
 * district stands in. */
static int64_t hide_one(struct loopback *loop, int64_t *ret_venue)
{
    const struct area *district = registry_area_by_code(loop->platform->registry, SLICE("320481"));
    char text[300];
    snprintf(text, sizeof text,
             "SELECT min(venue_no) FROM venue WHERE area_no > %lld AND area_no <= %lld",
             (long long)district->no, (long long)area_range_last(district->no));
    *ret_venue = loopback_number(loop, text);
    snprintf(text, sizeof text,
             "{\"scene\":\"inspection_visit\",\"subject\":%lld,\"fields\":{\"team_lead\":1,"
             "\"second_inspector\":2,\"place\":\"320481\",\"seed_hash\":\"abc\"}}",
             (long long)*ret_venue);
    return open_loop(loop, "inspection_lead", text, 201);
}

/* The code of the loop's area: of a town. */
static void code_of(struct loopback *loop, int64_t id, char out[16])
{
    char query[100];
    snprintf(query, sizeof query, "SELECT area_no FROM loop WHERE loop_no = %lld", (long long)id);
    const struct area *area = registry_area(loop->platform->registry, loopback_number(loop, query));
    assert_non_null(area);
    snprintf(out, 16, "%.*s", SLICE_ARG(area->code));
}

/* On any page of the list, of which no page is empty before the end. */
static bool lists(struct loopback *loop, const char *user, const char *query, int64_t id)
{
    char next[64] = "", path[300];
    bool found = false;
    do {
        size_t i;
        json_t *item;
        snprintf(path, sizeof path, "/api/v1/loops?limit=1&%s%s%s", query, next[0] ? "&after=" : "",
                 next);
        struct answer answer = as(loop, user, HTTP_GET, path, NULL);
        if (answer.status != 200)
            fail_msg("%s: %d %s", path, answer.status, answer.response.body.data);
        json_array_foreach (json_object_get(answer.json, "items"), i, item)
            found |= json_integer_value(json_object_get(item, "id")) == id;
        const char *cursor = json_string_value(json_object_get(answer.json, "next"));
        assert_true(!cursor || i == 1);
        snprintf(next, sizeof next, "%s", cursor ? cursor : "");
        answer_release(&answer);
    } while (next[0]);
    return found;
}

static bool counts(struct loopback *loop, const char *user, const char *route, const char *area)
{
    char path[120];
    size_t i;
    bool found = false;
    json_t *item;
    snprintf(path, sizeof path, "/api/v1/%s%s%s", route, area ? "?area=" : "", area ? area : "");
    struct answer answer = as(loop, user, HTTP_GET, path, NULL);
    assert_int_equal(answer.status, 200);
    json_array_foreach (json_object_get(answer.json, "items"), i, item)
        found |= strcmp(json_string_value(json_object_get(item, "scene")), "inspection_visit") == 0;
    answer_release(&answer);
    return found;
}

static void nobody_finds_a_hidden_place_by_asking_area_by_area(void **state)
{
    struct loopback *loop = *state;
    char town[16], query[160], past[100], of_venue[40];
    int64_t venue, id = hide_one(loop, &venue);
    code_of(loop, id, town);
    assert_true(strlen(town) > 6); /* what follows asks for less than the district */
    snprintf(of_venue, sizeof of_venue, "venue=%lld", (long long)venue);
    wait_until(loop, now(loop) + 90 * MINUTE);
    static const char *const users[] = {"command", "district_duty-320481"};
    for (size_t i = 0; i < 2; i++) {
        assert_true(lists(loop, users[i], "owner=area", id)); /* there is one somewhere */
        snprintf(query, sizeof query, "area=%s", town);
        assert_false(lists(loop, users[i], query, id));
        snprintf(query, sizeof query, "area=%s&scene=inspection_visit", town);
        assert_false(lists(loop, users[i], query, id));
        snprintf(past, sizeof past, "area=%s&as_of=2022-04-14T16:00:00%%2B08:00", town);
        assert_false(lists(loop, users[i], past, id));
        assert_false(lists(loop, users[i], of_venue, id));
        assert_true(counts(loop, users[i], "loops:counts", NULL));
        assert_false(counts(loop, users[i], "loops:counts", town));
        assert_true(counts(loop, users[i], "loops:indicators", NULL));
        assert_false(counts(loop, users[i], "loops:indicators", town));
    }
}

static void whoever_owns_it_finds_it(void **state)
{
    struct loopback *loop = *state;
    char town[16], query[200], path[80], of_venue[40];
    int64_t venue, id = hide_one(loop, &venue);
    code_of(loop, id, town);
    snprintf(query, sizeof query, "area=%s", town);
    snprintf(of_venue, sizeof of_venue, "venue=%lld", (long long)venue);
    assert_false(lists(loop, "command", query, id));
    snprintf(path, sizeof path, "/api/v1/loops/%lld/take", (long long)id);
    expect(loop, "command", HTTP_POST, path, "{\"note\":\"no answer\"}", 200, NULL);
    assert_true(lists(loop, "command", query, id));
    assert_true(lists(loop, "command", of_venue, id));
    assert_false(lists(loop, "inspection_lead", query, id));
}

/* The situation tells loops by area: of such a scene it counts them for the city alone. */
static void the_situation_of_an_area_does_not_count_a_hidden_place(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t venue, opened[2][2];
    for (int after = 0; after < 2; after++) {
        test_fail_on(command_counters_refresh(loop->platform, &err), &err);
        for (int of_city = 0; of_city < 2; of_city++) {
            struct answer answer =
                as(loop, "command", HTTP_GET,
                   of_city ? "/api/v1/situation" : "/api/v1/situation?area=320481", NULL);
            opened[after][of_city] = json_integer_value(json_array_get(
                json_object_get(json_object_get(answer.json, "series"), "loops_opened"), 13));
            answer_release(&answer);
        }
        if (!after)
            hide_one(loop, &venue);
    }
    assert_int_equal(opened[1][0], opened[0][0]);
    assert_int_equal(opened[1][1], opened[0][1] + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(nobody_finds_a_hidden_place_by_asking_area_by_area),
        LOOP_TEST(whoever_owns_it_finds_it),
        LOOP_TEST(the_situation_of_an_area_does_not_count_a_hidden_place),
    };
    return cmocka_run_group_tests(tests, loopback_template_create, loopback_template_remove);
}
