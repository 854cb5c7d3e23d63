/* Goal: who sees no person is told no count of one to four persons, nor one that gives it away: not
 * by the situation of any area, not live, not by the metrics that anyone may ask for. */
#include "access/shown.h"
#include "command/command.h"
#include "server/test_loop_support.h"

enum { BELOW = 5, DAYS = 14 };
static const char *const blind[] = {"press", "inspector"};
static const char *const of_persons[] = {"persons",       "tests_today", "cases_today",
                                         "cases_7d",      "cases_14d",   "status_green",
                                         "status_yellow", "status_red"};

static json_t *counter_of(json_t *document, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_object_get(document, "counters"), i, entry)
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return entry;
    return NULL;
}

static json_t *situation_of(struct loopback *loop, const char *user, const char *area)
{
    char path[120];
    snprintf(path, sizeof path, "/api/v1/situation%s%s", area ? "?area=" : "", area ? area : "");
    struct answer answer = as(loop, user, HTTP_GET, path, NULL);
    assert_int_equal(answer.status, 200);
    json_t *document = json_incref(answer.json);
    answer_release(&answer);
    return document;
}

/* A number that is no small count; null says that it is hidden. */
static void is_told_well(json_t *document, const char *name)
{
    json_t *counter = counter_of(document, name);
    json_t *value = json_object_get(counter, "value"), *hidden = json_object_get(counter, "hidden");
    if (!counter)
        return;
    assert_true(json_is_null(value) || json_is_false(hidden));
    if (json_integer_value(value) > 0 && json_integer_value(value) < BELOW)
        fail_msg("%s: %lld", name, (long long)json_integer_value(value));
}

static void no_small_day(json_t *document, const char *name)
{
    size_t slot;
    json_t *value;
    json_array_foreach (json_object_get(json_object_get(document, "series"), name), slot, value)
        if (json_integer_value(value) > 0 && json_integer_value(value) < BELOW)
            fail_msg("%s %zu: %lld", name, slot, (long long)json_integer_value(value));
}

/* ---- Areas */

static void refresh(struct loopback *loop)
{
    struct error err;
    test_fail_on(status_catch_up(loop->platform->status, &err), &err);
    test_fail_on(command_counters_refresh(loop->platform, &err), &err);
}

static void no_area_tells_a_small_count_to_who_sees_no_person(void **state)
{
    struct loopback *loop = *state;
    json_t *area;
    size_t i, hidden_days = 0, slot;
    refresh(loop);
    struct answer areas = as(loop, "command", HTTP_GET, "/api/v1/areas?limit=1000", NULL);
    json_array_foreach (json_object_get(areas.json, "items"), i, area) {
        const char *code = json_string_value(json_object_get(area, "code"));
        json_t *mark, *whole = situation_of(loop, "command", code);
        for (size_t k = 0; k < 2; k++) {
            json_t *document = situation_of(loop, blind[k], code);
            for (size_t c = 0; c < sizeof of_persons / sizeof *of_persons; c++)
                is_told_well(document, of_persons[c]);
            no_small_day(document, "tests");
            no_small_day(document, "tests_week_before");
            no_small_day(document, "cases_by_report");
            no_small_day(document, "cases_by_sampling");
            json_t *marks = json_object_get(json_object_get(document, "hidden"), "tests");
            json_t *told = json_object_get(json_object_get(document, "series"), "tests");
            json_array_foreach (marks, slot, mark) {
                hidden_days += json_is_true(mark);
                assert_true(!json_is_true(mark) || json_is_null(json_array_get(told, slot)));
            }
            json_decref(document);
        }
        /* who sees persons is told what there is */
        json_array_foreach (json_object_get(json_object_get(whole, "hidden"), "tests"), slot, mark)
            assert_true(json_is_false(mark));
        assert_true(json_is_integer(json_object_get(counter_of(whole, "persons"), "value")));
        json_decref(whole);
    }
    assert_true(i > 20 && hidden_days > 0);
    answer_release(&areas);
}

/* What the areas of a parent are told on a day never leaves one small count to be worked out. */
static void the_areas_of_a_district_never_leave_one_to_be_worked_out(void **state)
{
    struct loopback *loop = *state;
    json_t *area, *part;
    size_t i, k, seen = 0;
    refresh(loop);
    struct answer areas = as(loop, "command", HTTP_GET, "/api/v1/areas?limit=1000", NULL);
    json_t *items = json_object_get(areas.json, "items");
    json_array_foreach (items, i, area) {
        const char *code = json_string_value(json_object_get(area, "code"));
        json_t *parent = situation_of(loop, "press", code);
        int64_t left[DAYS] = {0};
        size_t parts = 0;
        for (size_t day = 0; day < DAYS; day++)
            left[day] = json_integer_value(
                json_array_get(json_object_get(json_object_get(parent, "series"), "tests"), day));
        json_array_foreach (items, k, part) {
            const char *up = json_string_value(json_object_get(part, "parent"));
            if (!up || strcmp(up, code) != 0)
                continue;
            parts++;
            json_t *document =
                situation_of(loop, "press", json_string_value(json_object_get(part, "code")));
            for (size_t day = 0; day < DAYS; day++)
                left[day] -= json_integer_value(json_array_get(
                    json_object_get(json_object_get(document, "series"), "tests"), day));
            json_decref(document);
        }
        for (size_t day = 0; parts && day < DAYS; day++) {
            if (json_is_null(json_array_get(
                    json_object_get(json_object_get(parent, "series"), "tests"), day)))
                continue;
            if (left[day] > 0 && left[day] < BELOW)
                fail_msg("%s day %zu leaves %lld", code, day, (long long)left[day]);
            seen += left[day] > 0;
        }
        json_decref(parent);
    }
    assert_true(seen > 0);
    answer_release(&areas);
}

/* ---- Colours */

struct ill {
    uint32_t person;
    timestamp at;
};
static bool add_symptoms(struct sql *sql, void *context, struct error *err)
{
    const struct ill *ill = context;
    int64_t no;
    struct evidence piece = {
        .kind = EVIDENCE_SYMPTOMS, .at = ill->at, .recorded_at = ill->at, .until = TIMESTAMP_NONE};
    return evidence_add(sql, (struct person_no){ill->person}, 1, &piece, (struct slice){NULL, 0},
                        &no, err);
}

/* Until somebody is yellow by it. */
static void make_one_yellow(struct loopback *loop, int64_t counts[COLOR_COUNT])
{
    struct error err;
    struct ill ill = {.at = now(loop)};
    do {
        ill.person++;
        assert_true(ill.person <= LOOPBACK_PEOPLE);
        test_fail_on(store_write(loop->platform->store, add_symptoms, &ill, &err), &err);
        test_fail_on(status_catch_up(loop->platform->status, &err), &err);
        status_counts(loop->platform->status, counts);
    } while (!counts[COLOR_YELLOW]);
    refresh(loop);
    assert_in_range(counts[COLOR_YELLOW], 1, BELOW - 1);
}

static void one_yellow_person_is_told_to_nobody_who_sees_no_person(void **state)
{
    static const char *const colors[] = {"green", "yellow", "red"};
    struct loopback *loop = *state;
    struct error err;
    int64_t counts[COLOR_COUNT];
    size_t hidden = 0;
    make_one_yellow(loop, counts);
    json_t *document = situation_of(loop, "press", NULL);
    struct answer metrics = loopback_call(loop, GET("/metrics", NULL));
    for (size_t i = 0; i < 3; i++) {
        char name[40], label[60];
        snprintf(name, sizeof name, "status_%s", colors[i]);
        snprintf(label, sizeof label, "chengmai_persons{color=\"%s\"}", colors[i]);
        is_told_well(document, name);
        bool is_hidden = json_is_true(json_object_get(counter_of(document, name), "hidden"));
        assert_int_equal(strstr(metrics.response.body.data, label) == NULL, is_hidden);
        hidden += is_hidden;
    }
    assert_true(hidden >= 2); /* one alone follows from the others */
    json_decref(document);
    answer_release(&metrics);
    document = situation_of(loop, "command", NULL);
    json_t *yellow = json_object_get(counter_of(document, "status_yellow"), "value");
    assert_int_equal(json_integer_value(yellow), counts[COLOR_YELLOW]);
    json_decref(document);
    /* live, as the event stream writes it */
    const struct area *city = registry_city(loop->platform->registry);
    struct actor actor = {
        .kind = ACTOR_USER, .area_first = city->no, .area_last = area_range_last(city->no)};
    struct buffer text;
    buffer_init(&text, 1 << 20);
    test_fail_on(command_counters_json(loop->platform, &actor, &text, &err), &err);
    document = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    json_t *live = counter_of(document, "status_yellow");
    assert_true(json_is_null(json_object_get(live, "value")));
    assert_true(json_is_true(json_object_get(live, "hidden")));
    json_decref(document);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(no_area_tells_a_small_count_to_who_sees_no_person),
        LOOP_TEST(the_areas_of_a_district_never_leave_one_to_be_worked_out),
        LOOP_TEST(one_yellow_person_is_told_to_nobody_who_sees_no_person),
    };
    return cmocka_run_group_tests(tests, loopback_template_create, loopback_template_remove);
}
