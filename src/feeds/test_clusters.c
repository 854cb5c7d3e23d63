/* Goal: a venue where people were infected is found among all venues, and in a city where nothing
 * is concentrated at a venue none is named more often than stated, also where a town has far more
 * positives than the others. Check-ins lie in a real day store; who is positive is drawn. */
#include <math.h>

#include "feeds/feeds_internal.h"
#include "registry/test_support.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))
enum { PEOPLE = 2000, VENUES = 160, HAUNTS = 6, DAYS = 14, TESTED = 60 };

/* ---- A city whose people have their haunts, most of them in their own town */

struct bench {
    struct test_city city;
    struct sql *sql;
    struct presence_view *view;
    struct feed_settings settings;
    struct places places;
    struct traffic traffic;
    struct arena arena;
    uint32_t haunts[PEOPLE + 1][HAUNTS];
    int32_t last;
};
static uint64_t drawn;

static uint32_t below(uint32_t bound)
{
    drawn += 0x9e3779b97f4a7c15u;
    uint64_t z = (drawn ^ (drawn >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * bound >> 32);
}

static bool in_second_town(uint32_t person)
{
    return person % 4 == 0;
}

/* The first quarter of the venues lies in the second town; few venues have most of the visits. */
static uint32_t draw_venue(bool second)
{
    double unit = below(1u << 30) / (double)(1u << 30);
    uint32_t count = second ? VENUES / 4 : VENUES - VENUES / 4;
    return 1 + (second ? 0 : VENUES / 4) + (uint32_t)(unit * unit * count);
}

static void register_city(struct bench *bench)
{
    static const char *const categories[] = {"restaurant", "shop", "office", "chess_room"};
    struct buffer rows;
    buffer_init(&rows, 1 << 20);
    buffer_append_text(&rows, "venue_id,name,category,area\n");
    for (uint32_t v = 1; v <= VENUES; v++)
        buffer_print(&rows, "v%u,某处,%s,%s\n", v, categories[v % 4],
                     v <= VENUES / 4 ? "320481001" : "320402001");
    test_import(&bench->city, "venues", buffer_slice(&rows).data, TEST_COUNTS(VENUES, 0, 0, 0));
    buffer_clear(&rows);
    buffer_append_text(&rows, "person_id,area\n");
    for (uint32_t p = 1; p <= PEOPLE; p++)
        buffer_print(&rows, "p%u,%s\n", p, in_second_town(p) ? "320481001" : "320402001");
    test_import(&bench->city, "persons", buffer_slice(&rows).data, TEST_COUNTS(PEOPLE, 0, 0, 0));
    buffer_release(&rows);
}

static void add_events(struct bench *bench, const struct presence_event *events, size_t count)
{
    struct presence_bulk *bulk;
    struct presence_bulk_result result;
    struct error err;
    test_fail_on(presence_bulk_begin(bench->city.platform.presence, 7, &bulk, &err), &err);
    test_fail_on(presence_bulk_add(bulk, events, count, &err), &err);
    test_fail_on(presence_bulk_commit(bulk, &result, &err), &err);
    presence_bulk_abandon(bulk);
}

static struct presence_event event(uint32_t person, uint32_t venue, int64_t time,
                                   enum scan_decision decision)
{
    return (struct presence_event){.person = person,
                                   .venue = venue,
                                   .time = (uint32_t)time,
                                   .flags =
                                       scan_flags(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, decision)};
}

static void live(struct bench *bench)
{
    struct presence_event *events = x_alloc(PEOPLE * DAYS * 2, sizeof *events);
    size_t count = 0;
    for (uint32_t p = 1; p <= PEOPLE; p++) {
        for (size_t h = 0; h < HAUNTS; h++)
            bench->haunts[p][h] =
                draw_venue(below(10) < 8 ? in_second_town(p) : !in_second_town(p));
        for (int32_t day = bench->last - DAYS + 1; day <= bench->last; day++)
            for (int visit = 0; visit < 2; visit++)
                events[count++] =
                    event(p, bench->haunts[p][below(HAUNTS)],
                          time_day_start_seconds(day) + 28800 + below(43200), SCAN_PASS);
    }
    add_events(bench, events, count);
    free(events);
}

static void look(struct bench *bench)
{
    struct platform *platform = &bench->city.platform;
    struct error err;
    test_fail_on(store_read_begin(platform->store, &bench->sql, &err), &err);
    test_fail_on(presence_view_begin(platform->presence, &bench->view, &err), &err);
    test_fail_on(places_read(platform, bench->sql, &bench->places, &err), &err);
    test_fail_on(traffic_read(&bench->settings, &bench->places, bench->sql, bench->view,
                              bench->last, DAYS, 1, &bench->traffic, &err),
                 &err);
}

static void look_away(struct bench *bench)
{
    traffic_release(&bench->traffic);
    places_release(&bench->places);
    presence_view_end(bench->view);
    store_read_end(bench->city.platform.store, bench->sql);
}

static int bench_make(void **state)
{
    struct bench *bench = x_alloc(1, sizeof *bench);
    struct error err;
    json_t *document;
    drawn = 7;
    test_city_create(&bench->city, true);
    bench->last = time_day_of_seconds(bench->city.world.fixed / SECOND) - 1;
    arena_init(&bench->arena, 1 << 28);
    test_fail_on(policy_document_read(-1, "policies/feeds.yaml", &document, &err), &err);
    test_fail_on(feed_settings_read(document, bench->city.platform.policy, &bench->settings, &err),
                 &err);
    json_decref(document);
    register_city(bench);
    live(bench);
    look(bench);
    *state = bench;
    return 0;
}

static int bench_remove(void **state)
{
    struct bench *bench = *state;
    look_away(bench);
    arena_release(&bench->arena);
    test_city_remove(&bench->city);
    free(bench);
    return 0;
}

/* ---- Positives */

struct drawing {
    struct positive items[PEOPLE];
    bool is[PEOPLE + 1];
    size_t count;
};

static void add_positive(struct bench *bench, struct drawing *drawing, uint32_t person)
{
    int64_t at = time_day_start_seconds(bench->last - (int32_t)below(5)) + below(86400);
    if (drawing->is[person])
        return;
    drawing->is[person] = true;
    drawing->items[drawing->count++] =
        (struct positive){person, at * SECOND, at * SECOND, (uint64_t)1 << 32 | person};
}

/* `odds`: of somebody in the second town, against others. */
static void draw_positives(struct bench *bench, struct drawing *drawing, size_t wanted,
                           uint32_t odds)
{
    while (drawing->count < wanted) {
        uint32_t person = 1 + below(PEOPLE);
        if (in_second_town(person) || below(odds) == 0)
            add_positive(bench, drawing, person);
    }
}

static bool haunts(const struct bench *bench, uint32_t person, uint32_t venue)
{
    for (size_t h = 0; h < HAUNTS; h++)
        if (bench->haunts[person][h] == venue)
            return true;
    return false;
}

static struct clusters find(struct bench *bench, const struct drawing *drawing)
{
    struct clusters clusters;
    struct error err;
    arena_clear(&bench->arena);
    test_fail_on(clusters_find(&bench->settings, &bench->places, &bench->traffic, bench->view,
                               drawing->items, drawing->count, &bench->arena, &clusters, &err),
                 &err);
    assert_int_equal(clusters.venues, VENUES);
    return clusters;
}

/* Nights of `nights` on which any venue is named, among positives who have nothing in common but
 * their town. */
static int nights_that_name(struct bench *bench, int nights, uint32_t odds)
{
    struct drawing *drawing = x_alloc(1, sizeof *drawing);
    int named = 0;
    for (int night = 0; night < nights; night++) {
        memset(drawing, 0, sizeof *drawing);
        draw_positives(bench, drawing, TESTED, odds);
        named += find(bench, drawing).named > 0;
    }
    free(drawing);
    return named;
}

/* ---- Tests */

static void where_nothing_is_concentrated_no_more_is_named_than_stated(void **state)
{
    enum { NIGHTS = 150 };
    int named = nights_that_name(*state, NIGHTS, 1);
    print_message("any venue named on %d of %d nights\n", named, NIGHTS);
    assert_true(named <= NIGHTS * 0.05 + 3 * sqrt(NIGHTS * 0.05 * 0.95));
}

static void a_town_with_many_times_the_risk_is_no_cluster_of_its_venues(void **state)
{
    enum { NIGHTS = 100 };
    int named = nights_that_name(*state, NIGHTS, 8);
    print_message("any venue named on %d of %d nights\n", named, NIGHTS);
    assert_true(named <= NIGHTS * 0.05 + 3 * sqrt(NIGHTS * 0.05 * 0.95));
}

static void a_planted_cluster_is_found_and_comes_first(void **state)
{
    struct bench *bench = *state;
    struct drawing *drawing = x_alloc(1, sizeof *drawing);
    enum { PLACE = 97, NIGHTS = 20 };
    int found = 0, first = 0;
    for (int night = 0; night < NIGHTS; night++) {
        memset(drawing, 0, sizeof *drawing);
        for (uint32_t p = 1; p <= PEOPLE && drawing->count < 12; p++)
            if (haunts(bench, p, PLACE))
                add_positive(bench, drawing, p);
        assert_int_equal(drawing->count, 12);
        draw_positives(bench, drawing, TESTED, 1);
        struct clusters clusters = find(bench, drawing);
        first += clusters.named && clusters.items[0].venue == PLACE;
        for (size_t i = 0; i < clusters.named; i++)
            found += clusters.items[i].venue == PLACE;
    }
    free(drawing);
    print_message("found on %d, first on %d of %d nights\n", found, first, NIGHTS);
    assert_true(found >= NIGHTS - 2);
    assert_true(first >= NIGHTS - 2);
}

/* Those whom one infected at two places stand out at both: both are named, told as one. */
static void two_places_of_the_same_positives_are_told_as_one(void **state)
{
    struct bench *bench = *state;
    struct drawing *drawing = x_alloc(1, sizeof *drawing);
    struct presence_event events[10];
    enum { PLACE = 97, OTHER = 101, NIGHTS_OUT = 10 };
    for (uint32_t p = 1; p <= PEOPLE && drawing->count < NIGHTS_OUT; p++)
        if (haunts(bench, p, PLACE) && !haunts(bench, p, OTHER)) {
            events[drawing->count] =
                event(p, OTHER, time_day_start_seconds(bench->last - 9) + 68400 + p, SCAN_PASS);
            add_positive(bench, drawing, p);
        }
    assert_int_equal(drawing->count, NIGHTS_OUT);
    look_away(bench);
    add_events(bench, events, NIGHTS_OUT);
    look(bench);
    draw_positives(bench, drawing, TESTED, 1);
    struct clusters clusters = find(bench, drawing);
    size_t seen = 0;
    for (size_t i = 0; i < clusters.named; i++) {
        const struct cluster *c = &clusters.items[i];
        seen += c->venue == PLACE || c->venue == OTHER;
        if (c->venue == PLACE || c->venue == OTHER)
            assert_true(c->with == 0 || c->with == (c->venue == PLACE ? OTHER : PLACE));
    }
    assert_int_equal(seen, 2);
    assert_true(clusters.items[0].with == 0);
    free(drawing);
}

static const struct cluster *of_venue(const struct clusters *clusters, uint32_t venue)
{
    for (size_t i = 0; i < clusters->count; i++)
        if (clusters->items[i].venue == venue)
            return &clusters->items[i];
    return NULL;
}

/* What does not count: a household's further members, visits of the last hours before the sample,
 * refused scans, visits after it; what does is counted by a naive twin. */
static void who_counts_at_a_venue_is_what_a_naive_twin_says(void **state)
{
    struct bench *bench = *state;
    struct drawing *drawing = x_alloc(1, sizeof *drawing);
    enum { FRESH = VENUES };
    int64_t noon = time_day_start_seconds(bench->last - 4) + 43200;
    struct presence_event events[] = {
        event(1, FRESH, noon - 90000, SCAN_PASS),   event(2, FRESH, noon - 90000, SCAN_PASS),
        event(3, FRESH, noon - 90000, SCAN_PASS),   event(5, FRESH, noon - 90000, SCAN_PASS),
        event(6, FRESH, noon - 3600, SCAN_PASS),    /* hours before */
        event(7, FRESH, noon - 90000, SCAN_REFUSE), /* was not let in */
        event(9, FRESH, noon + 3600, SCAN_PASS),    /* was found before */
    };
    look_away(bench);
    add_events(bench, events, ROWS(events));
    look(bench);
    for (uint32_t p = 1; p <= 9; p++)
        drawing->items[drawing->count++] =
            (struct positive){p, noon * SECOND, noon * SECOND, p <= 2 ? 11 : (uint64_t)1 << 32 | p};
    struct clusters clusters = find(bench, drawing);
    const struct cluster *c = of_venue(&clusters, FRESH);
    size_t visitors = 0, positive = 0;
    for (uint32_t p = 1; p <= PEOPLE; p++) /* its own haunters may have been there or not */
        visitors += haunts(bench, p, FRESH);
    for (uint32_t p = 1; p <= 9; p++)
        positive += haunts(bench, p, FRESH);
    assert_int_equal(positive, 0); /* of the draw: none of the nine */
    assert_non_null(c);
    assert_true(c->later_positive == 3); /* 1 and 2 live together, 3, 5 */
    assert_true(c->visitors >= 6 && c->visitors <= 6 + (double)visitors);
    assert_true(c->expected > 0 && c->p > 0 && c->p < 1);
    free(drawing);
}

/* A sample expects too much rather than too little, and not far too much. */
static void a_sample_stays_below_the_traffic_it_measures(void **state)
{
    struct bench *bench = *state;
    struct traffic sampled;
    struct error err;
    assert_int_equal(bench->traffic.sampled, PEOPLE); /* all: exact */
    bench->settings.number[NUMBER_CLUSTER_SAMPLED] = 1000;
    test_fail_on(traffic_read(&bench->settings, &bench->places, bench->sql, bench->view,
                              bench->last, DAYS, 1, &sampled, &err),
                 &err);
    assert_int_equal(sampled.sampled, 1000);
    double exact = 0, all = 0;
    for (size_t c = 0; c < CATEGORY_SLOTS; c++) {
        double whole = bench->traffic.of_category[c];
        exact += whole;
        if (whole > 0)
            assert_true(sampled.of_category[c] > 0.8 * whole && sampled.of_category[c] < whole);
    }
    assert_true(fabs(exact - bench->traffic.pairs) < 1e-6);
    for (size_t t = 0; t < bench->places.area_count; t++)
        all += bench->traffic.of_town[t];
    assert_true(fabs(all - bench->traffic.pairs) < 1e-6);
    assert_true(fabs(sampled.pairs / bench->traffic.pairs - 1) < 0.1);
    traffic_release(&sampled);
}

static void settings_are_refused_with_their_field(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *member, *json, *field;
    } rows[] = {
        {"numbers", "{}", "days_again"},
        {"checkpoints", "[\"moon\"]", "checkpoints"},
        {"clusters_leave_out", "\"hospital\"", "clusters_leave_out"},
        {"must_test", "[{\"category\":\"hospital\"}]", "every_hours"},
        {"must_test", "[{\"category\":\"hospital\",\"every_hours\":24,\"persons\":[]}]", "persons"},
        {"persons", "[]", "persons"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct feed_settings settings;
        struct error err;
        json_t *document, *value = NULL;
        assert_true(policy_document_read(-1, "policies/feeds.yaml", &document, &err));
        value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        json_object_set_new(document, rows[i].member, value);
        assert_false(feed_settings_read(document, bench->city.platform.policy, &settings, &err));
        assert_string_equal(err.field, rows[i].field);
        json_decref(document);
    }
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_make, bench_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(where_nothing_is_concentrated_no_more_is_named_than_stated),
        BENCH_TEST(a_town_with_many_times_the_risk_is_no_cluster_of_its_venues),
        BENCH_TEST(a_planted_cluster_is_found_and_comes_first),
        BENCH_TEST(two_places_of_the_same_positives_are_told_as_one),
        BENCH_TEST(who_counts_at_a_venue_is_what_a_naive_twin_says),
        BENCH_TEST(a_sample_stays_below_the_traffic_it_measures),
        BENCH_TEST(settings_are_refused_with_their_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
