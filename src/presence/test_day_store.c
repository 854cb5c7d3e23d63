/* Goal: the day store equals a sorted array, whatever way events came in and however often it was
 * folded, merged, undone, dropped or closed; and so it does while several threads use it. */
#include <pthread.h>

#include "presence/test_twin.h"

enum { PERSONS = 12, VENUES = 5, DAYS = 5, FIRST_DAY = 19092 /* 2022-04-10 */, STEPS = 14 };

static int64_t first_second(void)
{
    return time_day_start_seconds(FIRST_DAY);
}

/* Few seconds are used, so that doubles are many. */
static struct presence_event random_event(struct random *random)
{
    uint32_t day = random_below(random, DAYS), hour = random_below(random, 24);
    return (struct presence_event){
        .person = 1 + random_below(random, PERSONS),
        .venue = 1 + random_below(random, VENUES),
        .time = (uint32_t)first_second() + day * 86400 + hour * 3600 +
                (random_below(random, 4) ? 0 : 3599),
        .flags = scan_flags((enum scan_mode)random_below(random, SCAN_MODE_COUNT),
                            (enum scan_evidence)random_below(random, SCAN_EVIDENCE_COUNT),
                            (enum scan_decision)random_below(random, SCAN_DECISION_COUNT))};
}

/* ---- One history */

static void act_live(struct presence *presence, struct twin *twin, struct random *random)
{
    for (uint32_t n = 1 + random_below(random, 8); n; n--) {
        struct presence_event event = random_event(random);
        struct test_wait wait = {.append.count = 1 + random_below(random, 3)};
        for (size_t i = 0; i < wait.append.count; i++)
            wait.append.records[i] = (struct scan_record){
                .person = 1 + (event.person + (uint32_t)i) % PERSONS, .venue = event.venue,
                .time = event.time, .flags = event.flags, .companion = (uint8_t)i,
                .companion_count = (uint8_t)(wait.append.count - 1)};
        enum error_code code = test_append(presence, &wait);
        bool gone = twin_dropped(twin, time_day_of_seconds(event.time));
        assert_int_equal(code, gone ? ERROR_GONE : ERROR_NONE);
        for (size_t i = 0; !gone && i < wait.append.count; i++)
            twin_add(twin, event_of_record(&wait.append.records[i]));
    }
}

static void act_bulk(struct presence *presence, struct twin *twin, struct random *random,
                     uint16_t origin)
{
    struct presence_event events[40];
    size_t count = 1 + random_below(random, 40);
    bool gone = false;
    for (size_t i = 0; i < count; i++) {
        bool known = twin->count && random_below(random, 4) == 0;
        events[i] = known ? twin->events[random_below(random, (uint32_t)twin->count)]
                          : random_event(random);
        gone |= twin_dropped(twin, time_day_of_seconds(events[i].time));
    }
    struct presence_bulk_result got, wanted;
    enum error_code code = add_bulk(presence, events, count, origin, &got);
    assert_int_equal(code, gone ? ERROR_GONE : ERROR_NONE);
    if (gone)
        return;
    wanted = twin_bulk(twin, events, count, origin);
    assert_int_equal(got.inserted, wanted.inserted);
    assert_int_equal(got.merged, wanted.merged);
    assert_int_equal(got.unchanged, wanted.unchanged);
}

static void act_undo(struct presence *presence, struct twin *twin, struct random *random,
                     uint16_t origins)
{
    struct error err;
    int64_t removed;
    uint16_t origin = (uint16_t)(1 + random_below(random, origins));
    test_fail_on(presence_undo(presence, origin, &removed, &err), &err);
    assert_int_equal(removed, twin_remove_origin(twin, origin));
}

static void act_drop(struct presence *presence, struct twin *twin, struct random *random)
{
    struct error err;
    int32_t day = FIRST_DAY + (int32_t)random_below(random, DAYS);
    bool ended = day < FIRST_DAY + DAYS - 1; /* today is the last of them */
    bool done = presence_drop_day(presence, day, &err);
    assert_int_equal(done, ended);
    if (done)
        twin_drop_day(twin, day);
    else
        assert_int_equal(err.code, ERROR_CONFLICT);
}

static void run_history(struct test_city *city, uint64_t seed, bool background)
{
    struct random random;
    struct twin twin = {0};
    struct error err;
    random_init(&random, seed, 0);
    test_presence_reset(city, background);
    for (int step = 0; step < STEPS; step++) {
        uint32_t act = random_below(&random, 16);
        if (act < 5)
            act_live(city->presence, &twin, &random);
        else if (act < 9)
            act_bulk(city->presence, &twin, &random, (uint16_t)(step + 1));
        else if (act < 12)
            test_fail_on(presence_fold(city->presence, &err), &err);
        else if (act < 14)
            test_presence_reopen(city);
        else if (act < 15)
            act_undo(city->presence, &twin, &random, STEPS);
        else
            act_drop(city->presence, &twin, &random);
        if (background)
            fold_wake(city->presence);
        compare_with_twin(city->presence, &twin, VENUES, PERSONS, first_second(), DAYS * 86400, 2,
                          &random);
    }
    test_presence_reopen(city);
    compare_with_twin(city->presence, &twin, VENUES, PERSONS, first_second(), DAYS * 86400, 12,
                      &random);
    struct reported reported = verify_all(city->presence);
    if (reported.bad)
        fail_msg("%s", reported.words);
    twin_release(&twin);
}

static void run_histories(uint64_t first_seed, int runs, bool background)
{
    const char *wanted = getenv("CHENGMAI_SEED"), *count = getenv("CHENGMAI_RUNS");
    struct test_city city;
    first_seed = wanted ? strtoull(wanted, NULL, 10) : first_seed;
    runs = count ? atoi(count) : runs;
    test_city_create(&city);
    for (int i = 0; i < runs; i++) {
        if (i % 100 == 0)
            print_message("seeds from %llu\n", (unsigned long long)first_seed + (unsigned)i);
        run_history(&city, first_seed + (unsigned)i, background);
    }
    test_city_remove(&city);
}

static void any_history_equals_a_sorted_array(void **state)
{
    (void)state;
    run_histories(1, 120, false);
}

static void any_history_equals_a_sorted_array_while_the_background_folds(void **state)
{
    (void)state;
    run_histories(500001, 30, true);
}

/* ---- Large enough for many blocks, runs and merges */

static void many_blocks_and_segments_equal_a_sorted_array(void **state)
{
    (void)state;
    enum { MANY_PERSONS = 900, MANY_VENUES = 40, EVENTS = 6000 };
    struct test_city city;
    struct random random;
    struct twin twin = {0};
    struct error err;
    random_init(&random, 77, 0);
    test_city_create(&city);
    struct presence_event *events = x_alloc(EVENTS, sizeof *events);
    for (uint16_t origin = 1; origin <= 9; origin++) {
        for (size_t i = 0; i < EVENTS; i++) {
            uint32_t skew = random_below(&random, MANY_VENUES) * random_below(&random, MANY_VENUES);
            events[i] = (struct presence_event){
                .person = 1 + random_below(&random, MANY_PERSONS),
                .venue = 1 + skew / MANY_VENUES,
                .time = (uint32_t)first_second() + random_below(&random, 2 * 86400),
                .flags = (uint8_t)random_below(&random, 96)};
        }
        struct presence_bulk_result result;
        assert_int_equal(add_bulk(city.presence, events, EVENTS, origin, &result), ERROR_NONE);
        for (size_t i = 0; i < EVENTS; i++) {
            events[i].origin = origin;
            twin_add(&twin, events[i]);
        }
        if (origin == 4)
            test_fail_on(presence_fold(city.presence, &err), &err);
    }
    struct presence_view *view;
    struct presence_event *room = x_alloc(twin.count, sizeof *room);
    test_fail_on(presence_view_begin(city.presence, &view, &err), &err);
    for (int q = 0; q < 40; q++) {
        int64_t first = first_second() + random_below(&random, 86400);
        int64_t last = first + random_below(&random, 86400);
        compare_key(view, &twin, ORDER_VENUE, 1 + random_below(&random, MANY_VENUES), first, last,
                    room);
        compare_key(view, &twin, ORDER_PERSON, 1 + random_below(&random, MANY_PERSONS), first,
                    last, room);
    }
    compare_scan(view, &twin, first_second(), first_second() + 2 * 86400, room);
    presence_view_end(view);
    free(room);
    free(events);
    twin_release(&twin);
    test_city_remove(&city);
}

/* ---- Several threads at once */

struct crowd {
    struct presence *presence;
    atomic_bool stop;
    atomic_int acknowledged; /* scans of person 1, seconds 0 … n − 1 of the first day */
};

static void *read_on(void *argument)
{
    struct crowd *crowd = argument;
    while (!atomic_load(&crowd->stop)) {
        struct error err;
        struct presence_view *view;
        struct collected got = {0};
        int64_t start = first_second();
        int known = atomic_load(&crowd->acknowledged);
        test_fail_on(presence_view_begin(crowd->presence, &view, &err), &err);
        test_fail_on(presence_by_person(view, (struct person_no){1}, start, start + 86400,
                                        collect, &got, &err), &err);
        assert_true(got.count >= (size_t)known); /* all that was acknowledged before the view */
        for (size_t i = 0; i < got.count; i++)   /* nothing twice, nothing left out */
            assert_int_equal(got.events[i].time, start + (int64_t)i);
        presence_view_end(view);
        free(got.events);
    }
    return NULL;
}

static void *maintain(void *argument)
{
    struct crowd *crowd = argument;
    struct random random;
    random_init(&random, 3, 0);
    for (uint16_t origin = 1; !atomic_load(&crowd->stop); origin++) {
        struct error err;
        struct presence_bulk_result result;
        struct presence_event events[20];
        int64_t removed;
        for (int i = 0; i < 20; i++) {
            events[i] = random_event(&random);
            events[i].person = 2 + events[i].person;
        }
        assert_int_equal(add_bulk(crowd->presence, events, 20, origin, &result), ERROR_NONE);
        fold_wake(crowd->presence);
        test_fail_on(presence_undo(crowd->presence, origin, &removed, &err), &err);
        assert_int_equal(removed, result.inserted);
    }
    return NULL;
}

static void views_are_whole_while_others_scan_fold_import_and_undo(void **state)
{
    (void)state;
    enum { SCANS = 600 };
    struct test_city city;
    test_city_create(&city);
    test_presence_reset(&city, true);
    struct crowd crowd = {.presence = city.presence};
    pthread_t readers[2], keeper;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &crowd), 0);
    assert_int_equal(pthread_create(&keeper, NULL, maintain, &crowd), 0);
    for (int i = 0; i < SCANS; i++) {
        struct presence_event event = {.person = 1, .venue = 1,
                                       .time = (uint32_t)first_second() + (uint32_t)i};
        assert_int_equal(append_event(city.presence, event), ERROR_NONE);
        atomic_store(&crowd.acknowledged, i + 1);
        if (i % 50 == 0)
            fold_wake(city.presence);
    }
    atomic_store(&crowd.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    pthread_join(keeper, NULL);
    struct reported reported = verify_all(city.presence);
    assert_int_equal(reported.bad, 0);
    test_city_remove(&city);
}

static void a_second_owner_is_refused_with_the_first_ones_number(void **state)
{
    (void)state;
    struct test_city city;
    struct store *second;
    struct world world;
    struct error err;
    char pid[32];
    test_city_create(&city);
    world_init(&world);
    assert_false(store_open(city.directory, &world, &second, &err));
    assert_int_equal(err.code, ERROR_OWNED);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_non_null(strstr(err.what, pid));
    test_city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_equals_a_sorted_array),
        cmocka_unit_test(any_history_equals_a_sorted_array_while_the_background_folds),
        cmocka_unit_test(many_blocks_and_segments_equal_a_sorted_array),
        cmocka_unit_test(views_are_whole_while_others_scan_fold_import_and_undo),
        cmocka_unit_test(a_second_owner_is_refused_with_the_first_ones_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
