/* Tracing in a small city whose check-ins are written by hand: the two models, what is no
 * co-presence, what is listed, and what the answer may miss. */
#include <math.h>

#include "policy/policy.h"
#include "registry/test_support.h"
#include "tracing/tracing.h"

/* ---- A city: venues of three categories, check-ins placed by hand */

struct scene {
    struct test_city city;
    struct tracer *tracer;
};

static uint32_t seconds(const char *clock)
{
    char text[40];
    timestamp time;
    snprintf(text, sizeof text, "2022-04-%s+08:00", clock);
    assert_true(time_parse(slice_of(text), &time));
    return (uint32_t)(time / SECOND);
}

static void scene_make(struct scene *scene)
{
    struct error err;
    test_city_create(&scene->city, true);
    test_import(&scene->city, "venues",
                "venue_id,name,category\nv1,公园,park\nv2,公交,bus\nv3,某处,\nv4,学校,school\n",
                TEST_COUNTS(4, 0, 0, 0));
    test_import(&scene->city, "persons", "person_id\np1\np2\np3\np4\np5\n",
                TEST_COUNTS(5, 0, 0, 0));
    test_fail_on(tracer_create(&scene->city.platform, &scene->tracer, &err), &err);
}
static void scene_remove(struct scene *scene)
{
    tracer_free(scene->tracer);
    test_city_remove(&scene->city);
}

static void add_events(struct scene *scene, const struct presence_event *events, size_t count)
{
    struct presence *presence = scene->city.platform.presence;
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    test_fail_on(presence_bulk_begin(presence, 7, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, events, count, &err), &err);
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
}

static struct presence_event event(uint32_t person, uint32_t venue, const char *clock)
{
    return (struct presence_event){
        .person = person,
        .venue = venue,
        .time = seconds(clock),
        .flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_PASS)};
}

/* Runs a trace of person 1 over two weeks in a fresh view; the caller ends the view. */
static struct trace_result trace(struct scene *scene, enum trace_model model, int minutes,
                                 struct presence_view **ret_view)
{
    struct error err;
    struct trace_result result;
    struct trace_request request = {.person = {1},
                                    .from = seconds("01T00:00:00"),
                                    .to = seconds("15T00:00:00"),
                                    .model = model,
                                    .minutes = minutes};
    test_fail_on(presence_view_begin(scene->city.platform.presence, ret_view, &err), &err);
    test_fail_on(trace_run(scene->tracer, *ret_view, &request, &result, &err), &err);
    test_fail_on(trace_completeness_of(scene->tracer, *ret_view, &result, &err), &err);
    return result;
}

static double survival(const struct scene *scene, const char *category, size_t minutes)
{
    size_t count;
    const struct policy *policy = scene->city.platform.policy;
    const float *table =
        policy_dwell_survival(policy, policy_category_of(policy, slice_of(category)), &count);
    return minutes < count ? (double)table[minutes] : 0;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-6;
}

/* ---- Window */

static void the_window_counts_pairs_to_the_second_and_beyond_the_range(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    const struct presence_event events[] = {
        event(1, 1, "01T00:00:00"), /* the first second of the range */
        event(2, 1, "01T00:00:00"), /* set below: 120 minutes before the range */
        event(3, 1, "01T02:00:00"), /* exactly 120 minutes */
        event(4, 1, "01T02:00:01"), /* a second more */
        event(1, 2, "14T23:59:59"),
        event(5, 2, "15T01:00:00"), /* outside the range, near a visit */
        event(1, 2, "15T00:00:00"), /* the end of the range is not in it */
        event(3, 1, "01T01:00:00"), event(3, 1, "01T01:00:00"), /* a double counts once */
    };
    struct presence_event early = event(2, 1, "01T00:00:00");
    early.time -= 120 * 60; /* before the range */
    struct presence_event all[10];
    memcpy(all, events, sizeof events);
    all[1] = early;
    add_events(&scene, all, 9);
    struct trace_result result = trace(&scene, TRACE_WINDOW, 120, &view);
    assert_int_equal(result.visit_count, 2);
    assert_int_equal(result.count, 3);
    assert_int_equal(result.person[0], 3); /* two co-visits come first */
    assert_int_equal(result.co_visits[0], 2);
    assert_int_equal(result.closest_gap_seconds[0], 3600);
    assert_int_equal(result.person[1], 5); /* then the smaller gap */
    assert_int_equal(result.closest_gap_seconds[1], 3601);
    assert_int_equal(result.person[2], 2);
    assert_int_equal(result.closest_gap_seconds[2], 7200);
    for (size_t i = 0; i < 3; i++)
        assert_true(near(result.weight[i], 1));
    presence_view_end(view);
    scene_remove(&scene);
}

/* ---- Dwell */

static void dwell_is_the_chance_that_the_earlier_one_was_still_there(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    const struct presence_event events[] = {
        event(1, 1, "05T10:00:00"), event(2, 1, "05T10:30:59"), event(3, 1, "05T09:29:01"),
        event(1, 2, "06T10:00:00"), event(4, 2, "06T10:30:00"), event(5, 3, "06T10:30:00")};
    add_events(&scene, events, 6);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    assert_int_equal(result.count, 3);
    /* before or after is the same, whole minutes count, and a park keeps people longer than a bus
     */
    assert_int_equal(result.person[0], 2);
    assert_int_equal(result.person[1], 3);
    assert_true(near(result.weight[0], survival(&scene, "park", 30)));
    assert_true(near(result.weight[1], survival(&scene, "park", 30)));
    assert_int_equal(result.person[2], 4);
    assert_true(near(result.weight[2], survival(&scene, "bus", 30)));
    assert_true(result.weight[1] > result.weight[2] && result.weight[2] > 0);
    presence_view_end(view);
    scene_remove(&scene);
}

static void pairs_are_independent_and_weights_stay_within_one(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    struct presence_event events[120];
    size_t count = 0;
    scene_make(&scene);
    events[count++] = event(1, 1, "05T10:00:00");
    events[count++] = event(2, 1, "05T10:20:00");
    events[count++] = event(1, 1, "06T10:00:00");
    events[count++] = event(2, 1, "06T11:00:00");
    for (int i = 0; i < 50; i++) { /* someone who is always there */
        events[count] = event(1, 4, "07T08:00:00");
        events[count++].time += (uint32_t)i * 60;
        events[count] = event(3, 4, "07T08:00:00");
        events[count++].time += (uint32_t)i * 60;
    }
    add_events(&scene, events, count);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.person[0], 3);
    assert_true(near(result.weight[0], 1) && result.weight[0] <= 1);
    assert_int_equal(result.co_visits[0], 2500);
    double apart =
        (1 - survival(&scene, "park", 20)) * (1 - survival(&scene, "park", 60));
    assert_true(near(result.weight[1], 1 - apart));
    presence_view_end(view);
    scene_remove(&scene);
}

/* As the gap grows minute by minute the weight never rises, lies in (0, 1], and ends. */
static void the_weight_falls_with_the_gap_until_it_ends(void **state)
{
    (void)state;
    enum { MINUTES = 600 };
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    struct presence_event *events = x_alloc(MINUTES + 1, sizeof *events);
    events[0] = event(1, 1, "05T08:00:00");
    for (uint32_t m = 0; m < MINUTES; m++) {
        events[m + 1] = event(100 + m, 1, "05T08:00:00");
        events[m + 1].time += m * 60;
    }
    add_events(&scene, events, MINUTES + 1);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    size_t minutes;
    const struct policy *policy = scene.city.platform.policy;
    policy_dwell_survival(policy, policy_category_of(policy, SLICE("park")), &minutes);
    assert_true(minutes < MINUTES);
    assert_int_equal(result.count, minutes);
    for (size_t i = 0; i < result.count; i++) {
        assert_true(result.weight[i] > 0 && result.weight[i] <= 1);
        assert_true(i == 0 || result.weight[i] <= result.weight[i - 1]);
        assert_int_equal(result.person[i], 100 + i);
    }
    presence_view_end(view);
    result = trace(&scene, TRACE_DWELL, 15, &view); /* --minutes shortens the reach */
    assert_int_equal(result.count, 15);
    presence_view_end(view);
    free(events);
    scene_remove(&scene);
}

static void an_unknown_category_dwells_as_the_default_one(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    const struct presence_event events[] = {event(1, 3, "05T10:00:00"), event(2, 3, "05T10:45:00"),
                                            event(1, 99, "06T10:00:00"),
                                            event(3, 99, "06T10:45:00")};
    add_events(&scene, events, 4);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    assert_int_equal(result.count, 2);
    assert_true(near(result.weight[0], survival(&scene, "default", 45)));
    assert_true(near(result.weight[1], survival(&scene, "default", 45)));
    presence_view_end(view);
    scene_remove(&scene);
}

static void a_refused_scan_is_no_co_presence(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    struct presence_event events[] = {event(1, 1, "05T10:00:00"), event(2, 1, "05T10:01:00"),
                                      event(1, 2, "06T10:00:00"), event(3, 2, "06T10:01:00")};
    events[1].flags = events[2].flags =
        scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_REFUSE);
    add_events(&scene, events, 4);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    assert_int_equal(result.count, 0);
    assert_int_equal(result.visit_count, 2); /* it is kept and shown */
    presence_view_end(view);
    result = trace(&scene, TRACE_WINDOW, 120, &view);
    assert_int_equal(result.count, 2); /* the window counts every check-in, nothing less */
    presence_view_end(view);
    scene_remove(&scene);
}

static void who_scanned_on_leaving_meets_nobody_who_comes_after(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    struct presence_event events[] = {
        event(1, 1, "05T10:00:00"), event(2, 1, "05T09:50:00"), event(3, 1, "05T10:10:00"),
        event(1, 2, "06T10:00:00"), event(4, 2, "06T09:55:00"), event(5, 2, "06T10:05:00")};
    events[1].flags |= SCAN_OUT_BIT; /* 2 left before 1 came */
    events[2].flags |= SCAN_OUT_BIT; /* 3 left after: they may have met */
    events[3].flags |= SCAN_OUT_BIT; /* 1 left after 4 came, before 5 did */
    add_events(&scene, events, 6);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.person[0] + result.person[1], 3 + 4);
    presence_view_end(view);
    scene_remove(&scene);
}

/* ---- A stay under way when the range begins */

/* A trace of person 1 from noon of the 5th; the stay that is under way then counts, or does not. */
static struct trace_result trace_from_noon(struct scene *scene, enum trace_model model,
                                           bool under_way, struct presence_view **ret_view)
{
    struct error err;
    struct trace_result result;
    struct trace_request request = {.person = {1},
                                    .from = seconds("05T12:00:00"),
                                    .to = seconds("15T00:00:00"),
                                    .model = model,
                                    .minutes = model == TRACE_WINDOW ? 120 : 0,
                                    .under_way = under_way};
    test_fail_on(presence_view_begin(scene->city.platform.presence, ret_view, &err), &err);
    test_fail_on(trace_run(scene->tracer, *ret_view, &request, &result, &err), &err);
    test_fail_on(trace_completeness_of(scene->tracer, *ret_view, &result, &err), &err);
    return result;
}

/* School from 11:00 on, noon is an hour later: who came meanwhile or comes after may have met. */
static void a_stay_under_way_when_the_range_begins_counts_where_it_is_asked_for(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    const struct presence_event events[] = {
        event(1, 2, "05T09:00:00"), event(2, 2, "05T09:00:30"), /* a bus, left since */
        event(1, 4, "05T11:00:00"), event(3, 4, "05T11:30:00"), event(4, 4, "05T12:30:00"),
        event(1, 1, "06T10:00:00"), event(5, 1, "06T10:10:00")};
    add_events(&scene, events, 7);
    struct trace_result result = trace_from_noon(&scene, TRACE_DWELL, false, &view);
    assert_int_equal(result.visit_count, 1);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.person[0], 5);
    assert_false(result.under_way);
    presence_view_end(view);
    result = trace_from_noon(&scene, TRACE_DWELL, true, &view);
    assert_true(result.under_way);
    assert_int_equal(result.visit_count, 2);
    assert_int_equal(result.completeness.visits, 2);
    assert_int_equal(result.visits[0].venue, 4);
    assert_int_equal(result.count, 3);
    double both = survival(&scene, "school", 60) * survival(&scene, "school", 30);
    for (size_t i = 0; i < result.count; i++) {
        uint32_t person = result.person[i];
        assert_true(person == 3 || person == 4 || person == 5);
        assert_true(near(result.weight[i], person == 3   ? both
                                           : person == 4 ? survival(&scene, "school", 90)
                                                         : survival(&scene, "park", 10)));
    }
    presence_view_end(view);
    /* the window model counts check-ins of the range: nothing more, nothing less */
    result = trace_from_noon(&scene, TRACE_WINDOW, true, &view);
    assert_int_equal(result.visit_count, 1);
    assert_int_equal(result.count, 1);
    presence_view_end(view);
    scene_remove(&scene);
}

static void a_stay_that_ended_before_the_range_does_not_count(void **state)
{
    (void)state;
    static const struct {
        uint32_t venue;
        const char *clock;
        uint8_t more_flags;
        bool refused, counts;
    } ends[] = {{4, "05T11:00:00", 0, false, true},  /* nothing ends it */
                {1, "05T11:30:00", 0, false, true},  /* the park's is under way then */
                {2, "05T09:00:00", 0, false, false}, /* longer ago than a bus ride takes */
                {4, "05T11:30:00", SCAN_OUT_BIT, false, false}, /* left */
                {2, "05T11:59:00", 0, true, true}};             /* not let in: still at school */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct scene scene;
        struct presence_view *view;
        scene_make(&scene);
        struct presence_event events[] = {event(1, 4, "05T08:00:00"), event(2, 4, "05T08:00:00"),
                                          event(1, ends[i].venue, ends[i].clock)};
        events[2].flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED,
                                     ends[i].refused ? SCAN_REFUSE : SCAN_PASS) |
                          ends[i].more_flags;
        add_events(&scene, events, 3);
        struct trace_result result = trace_from_noon(&scene, TRACE_DWELL, true, &view);
        assert_int_equal(result.visit_count, ends[i].counts);
        assert_int_equal(result.under_way, ends[i].counts);
        presence_view_end(view);
        scene_remove(&scene);
    }
}

/* ---- Places */

static void places_say_why_somebody_is_in_the_list(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    struct trace_place *places;
    struct arena arena;
    struct error err;
    size_t count;
    arena_init(&arena, 1 << 20);
    scene_make(&scene);
    const struct presence_event events[] = {event(1, 1, "05T10:00:00"), event(2, 1, "05T10:40:00"),
                                            event(2, 1, "05T10:10:00"), event(3, 1, "05T10:00:00"),
                                            event(1, 2, "06T10:00:00"), event(2, 2, "06T10:05:00")};
    add_events(&scene, events, 6);
    struct trace_request request = {.person = {1},
                                    .from = seconds("01T00:00:00"),
                                    .to = seconds("15T00:00:00"),
                                    .model = TRACE_DWELL};
    const uint32_t wanted[] = {2};
    test_fail_on(presence_view_begin(scene.city.platform.presence, &view, &err), &err);
    test_fail_on(trace_places(scene.tracer, view, &request, wanted, 1, &arena, &places, &count,
                              &err),
                 &err);
    assert_int_equal(count, 3);
    double apart = 1;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(places[i].person, 2);
        assert_true(i == 0 || places[i].weight <= places[i - 1].weight);
        apart *= 1 - (double)places[i].weight;
    }
    struct trace_result result;
    test_fail_on(trace_run(scene.tracer, view, &request, &result, &err), &err);
    assert_int_equal(result.person[0], 3);
    assert_int_equal(result.person[1], 2);
    assert_true(near(result.weight[1], 1 - apart)); /* the places make up the weight */
    presence_view_end(view);
    arena_release(&arena);
    scene_remove(&scene);
}

/* ---- Completeness */

static void the_answer_says_what_it_may_miss(void **state)
{
    (void)state;
    struct scene scene;
    struct presence_view *view;
    scene_make(&scene);
    struct presence_event events[] = {
        event(1, 1, "05T10:00:00"), event(1, 1, "07T10:00:00"), event(1, 2, "05T11:00:00"),
        event(1, 4, "06T10:00:00"), event(2, 2, "06T10:00:00"), event(2, 2, "07T10:00:00")};
    events[2].flags = scan_flags(SCAN_DEVICE, SCAN_ATTENDED, SCAN_PASS);
    events[3].flags = scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_ROTATING, SCAN_CHECK);
    add_events(&scene, events, 6);
    struct trace_result result = trace(&scene, TRACE_DWELL, 0, &view);
    const struct trace_completeness *c = &result.completeness;
    assert_int_equal(c->visits, 4);
    assert_int_equal(c->visits_direct, 2); /* rotating and attended are above claimed */
    assert_int_equal(c->venues, 3);
    assert_int_equal(c->venues_silent, 2); /* v1 on the 6th, v4 on the 5th and 7th; v2 on none */
    assert_int_equal(c->days, 14);
    assert_int_equal(c->days_missing, 11);
    presence_view_end(view);
    scene_remove(&scene);
}

static void nobody_exposed_still_comes_with_its_completeness(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene);
    struct presence_event alone = event(1, 1, "05T10:00:00");
    add_events(&scene, &alone, 1);
    assert_int_equal(test_run(&scene.city, "trace", "--person", "p1", "--from",
                              "2022-04-01T00:00:00+08:00", "--to", "2022-04-15T00:00:00+08:00"),
                     EXIT_DONE);
    struct error err;
    json_t *line;
    test_fail_on(json_read(buffer_slice(&scene.city.out), "trace", &line, &err), &err);
    json_t *summary = json_object_get(line, "summary");
    static const char *const fields[] = {"visits", "venues", "exposed", "rows_read", "seconds",
                                         "completeness"};
    for (size_t i = 0; i < 6; i++)
        assert_non_null(json_object_get(summary, fields[i]));
    assert_int_equal(json_object_size(summary), 6);
    assert_int_equal(json_integer_value(json_object_get(summary, "visits")), 1);
    assert_int_equal(json_integer_value(json_object_get(summary, "exposed")), 0);
    json_t *completeness = json_object_get(summary, "completeness");
    assert_int_equal(json_integer_value(json_object_get(completeness, "visits_direct")), 0);
    assert_int_equal(json_integer_value(json_object_get(completeness, "days_missing")), 13);
    json_decref(line);
    scene_remove(&scene);
}

/* ---- The command */

static void the_command_names_people_and_places_by_their_own_ids(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene);
    const struct presence_event events[] = {event(1, 1, "05T10:00:00"), event(2, 1, "05T10:10:00"),
                                            event(9, 1, "05T10:20:00")};
    add_events(&scene, events, 3);
    assert_int_equal(test_run(&scene.city, "trace", "--person", "p1", "--model", "window",
                              "--minutes", "15", "--from", "2022-04-01T00:00:00+08:00", "--to",
                              "2022-04-15T00:00:00+08:00"),
                     EXIT_DONE);
    const char *out = scene.city.out.data;
    const char *expected =
        "{\"person\":\"p2\",\"weight\":1,\"co_visits\":1,\"closest_gap_s\":600,\"places\":["
        "{\"venue\":\"v1\",\"index_time\":\"2022-04-05T10:00:00+08:00\","
        "\"time\":\"2022-04-05T10:10:00+08:00\",\"gap_s\":600,\"weight\":1}]}\n"
        "{\"summary\":{\"visits\":1,\"venues\":1,\"exposed\":1,";
    if (strncmp(out, expected, strlen(expected)) != 0)
        fail_msg("%s", out);
    assert_int_equal(test_run(&scene.city, "trace", "--person", "p1", "--from",
                              "2022-04-01T00:00:00+08:00", "--to", "2022-04-15T00:00:00+08:00"),
                     EXIT_DONE);
    assert_non_null(strstr(scene.city.out.data, "{\"person\":\"p2\""));
    assert_non_null(strstr(scene.city.out.data, "{\"person\":\"#9\"")); /* without an id here */
    scene_remove(&scene);
}

static void what_cannot_be_traced_is_refused_by_its_option(void **state)
{
    (void)state;
    static const struct {
        const char *person, *source, *from, *to, *model, *minutes;
        enum error_code code;
        const char *field;
    } rows[] = {
        {"nobody", "default", "2022-04-01T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "dwell",
         "5", ERROR_NOT_FOUND, "--person"},
        {"p1", "elsewhere", "2022-04-01T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "dwell",
         "5", ERROR_NOT_FOUND, "--person"},
        {"p1", "default", "2022-04-01", "2022-04-02T00:00:00+08:00", "dwell", "5",
         ERROR_BAD_VALUE, "--from, --to"},
        {"p1", "default", "2022-04-02T00:00:00+08:00", "2022-04-01T00:00:00+08:00", "dwell", "5",
         ERROR_BAD_VALUE, "to"},
        {"p1", "default", "2022-04-02T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "dwell", "5",
         ERROR_BAD_VALUE, "to"},
        {"p1", "default", "2022-04-01T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "gravity",
         "5", ERROR_BAD_VALUE, "--model"},
        {"p1", "default", "2022-04-01T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "window",
         "-1", ERROR_BAD_VALUE, "--minutes"},
        {"p1", "default", "2022-04-01T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "window",
         "10081", ERROR_BAD_VALUE, "--minutes"},
        {"p1", "default", "2022-04-01T00:00:00+08:00", "2022-04-02T00:00:00+08:00", "window",
         "2h", ERROR_BAD_VALUE, "--minutes"},
    };
    struct scene scene;
    scene_make(&scene);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code = test_run(&scene.city, "trace", "--person", rows[i].person, "--source",
                            rows[i].source, "--from", rows[i].from, "--to", rows[i].to, "--model",
                            rows[i].model, "--minutes", rows[i].minutes);
        if (scene.city.err.code != rows[i].code)
            fail_msg("row %zu: %s", i, scene.city.err.what);
        assert_int_equal(code, error_kind(rows[i].code)->exit_code);
        assert_string_equal(scene.city.err.field, rows[i].field);
        assert_int_equal(scene.city.out.length, 0);
    }
    assert_int_equal(test_run(&scene.city, "trace", "--person", "p1"), EXIT_USAGE);
    scene_remove(&scene);
}

/* ---- Every look at a person is written down */

static bool count_audit(struct sql *sql, void *context, struct error *err)
{
    int64_t broken;
    return audit_verify(sql, 1, INT64_MAX, &broken, context, err) && broken == 0;
}

static void a_trace_leaves_its_row_in_the_audit_chain(void **state)
{
    (void)state;
    struct scene scene;
    struct error err;
    int64_t before, after;
    scene_make(&scene);
    test_fail_on(store_write(scene.city.platform.store, count_audit, &before, &err), &err);
    test_run(&scene.city, "trace", "--person", "p1", "--from", "2022-04-01T00:00:00+08:00",
             "--to", "2022-04-15T00:00:00+08:00");
    test_fail_on(store_write(scene.city.platform.store, count_audit, &after, &err), &err);
    assert_int_equal(after, before + 1);
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_counts_pairs_to_the_second_and_beyond_the_range),
        cmocka_unit_test(dwell_is_the_chance_that_the_earlier_one_was_still_there),
        cmocka_unit_test(pairs_are_independent_and_weights_stay_within_one),
        cmocka_unit_test(the_weight_falls_with_the_gap_until_it_ends),
        cmocka_unit_test(an_unknown_category_dwells_as_the_default_one),
        cmocka_unit_test(a_refused_scan_is_no_co_presence),
        cmocka_unit_test(who_scanned_on_leaving_meets_nobody_who_comes_after),
        cmocka_unit_test(a_stay_under_way_when_the_range_begins_counts_where_it_is_asked_for),
        cmocka_unit_test(a_stay_that_ended_before_the_range_does_not_count),
        cmocka_unit_test(places_say_why_somebody_is_in_the_list),
        cmocka_unit_test(the_answer_says_what_it_may_miss),
        cmocka_unit_test(nobody_exposed_still_comes_with_its_completeness),
        cmocka_unit_test(the_command_names_people_and_places_by_their_own_ids),
        cmocka_unit_test(what_cannot_be_traced_is_refused_by_its_option),
        cmocka_unit_test(a_trace_leaves_its_row_in_the_audit_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
