/* Goal: life goes on as the past did: the same choices by the same people, decided as the scan path
 * decides; results come when they are due, once, whatever is switched off in between. */
#include "sim/test_support.h"

enum { PEOPLE = 3000, SEED = 20220414 };

static struct demo demo;

static int build(void **state)
{
    (void)state;
    demo_build(&demo, PEOPLE, SEED);
    return 0;
}
static int discard(void **state)
{
    (void)state;
    demo_remove(&demo);
    return 0;
}

/* Ticks once a `step` seconds from after `from` to `to`. */
static void live(struct demo *d, struct sim_life *life, int64_t from, int64_t to, int step)
{
    struct error err;
    for (int64_t second = from + step; second <= to; second += step) {
        d->world.fixed = second * SECOND;
        done_or_fail(status_catch_up(d->platform.status, &err), &err);
        done_or_fail(sim_life_tick(life, second * SECOND, &err), &err);
    }
}

static struct sim_life *wake(struct demo *d)
{
    struct error err;
    struct sim_life *life = NULL;
    done_or_fail(sim_life_open(&d->platform, &life, &err), &err);
    return life;
}

/* ---- Scans */

struct gathered {
    struct presence_event *events;
    size_t count;
};

static bool gather(void *context, const struct presence_event *events, size_t count,
                   struct error *err)
{
    (void)err;
    struct gathered *out = context;
    out->events = x_realloc(out->events, (out->count + count) * sizeof *events);
    memcpy(out->events + out->count, events, count * sizeof *events);
    out->count += count;
    return true;
}

/* What is acknowledged is shown; scans in flight are waited for. */
static struct gathered events_between(struct demo *d, int64_t from, int64_t to, size_t at_least)
{
    struct gathered out = {NULL, 0};
    struct error err;
    for (int tries = 0; tries < 500; tries++) {
        struct presence_view *view;
        out.count = 0;
        done_or_fail(presence_view_begin(d->platform.presence, &view, &err) &&
                         presence_scan(view, from, to, gather, &out, &err),
                     &err);
        presence_view_end(view);
        if (out.count >= at_least)
            break;
        usleep(10000);
    }
    return out;
}

static struct outbreak *load(struct demo *d, const struct city *city)
{
    struct error err;
    struct sql *sql = NULL;
    struct outbreak *outbreak = NULL;
    done_or_fail(store_read_begin(d->platform.store, &sql, &err) &&
                     outbreak_load(city, sql, &outbreak, &err),
                 &err);
    store_read_end(d->platform.store, sql);
    return outbreak;
}

static void a_lived_hour_is_the_hour_that_the_generator_would_have_made(void **state)
{
    (void)state;
    struct error err;
    struct city *city;
    int64_t from = demo.now / SECOND + 1, to = from + 5400; /* over the turn of an hour */
    int32_t day = time_day_of_seconds(from);
    struct sim_life *life = wake(&demo);
    live(&demo, life, from - 1, to - 1, 1);
    done_or_fail(city_open(&demo.platform, PEOPLE, SEED, true, &city, &err), &err);
    struct outbreak *outbreak = load(&demo, city);
    size_t expected = 0;
    for (uint32_t person = 1; person <= PEOPLE; person++) {
        struct city_visit visits[CITY_VISITS_MAX];
        size_t count = city_person_day(city, person, city_profile(city, person), day, visits);
        for (size_t i = 0; i < count; i++) {
            int64_t second = time_day_start_seconds(day) + visits[i].second;
            struct status_entry status =
                status_get(demo.platform.status, (struct person_no){person}, second * SECOND);
            expected += second >= from && second < to && status.color != COLOR_RED &&
                        !outbreak_isolated(outbreak, person, second, NULL);
        }
    }
    struct gathered lived = events_between(&demo, from, to, expected);
    assert_true(expected > 100);
    assert_int_equal(lived.count, expected);
    size_t checks = 0;
    for (size_t i = 0; i < lived.count; i++) {
        const struct presence_event *event = &lived.events[i];
        struct scan_answer answer;
        assert_true(checkin_decide(demo.platform.checkin, event->venue,
                                   (struct person_no){event->person}, event->time, &answer));
        assert_int_not_equal(answer.color, COLOR_RED);
        if (to - event->time < 5) /* the status has not changed since */
            assert_int_equal(scan_flags_decision(event->flags), answer.decision);
        checks += scan_flags_decision(event->flags) == SCAN_CHECK;
        assert_int_not_equal(scan_flags_decision(event->flags), SCAN_REFUSE);
    }
    assert_true(checks > 0 && checks < lived.count);
    free(lived.events);
    outbreak_free(outbreak);
    city_close(city);
    sim_life_close(life);
}

/* Goes on where the test before ended: 16:00 and later of the same day. */
static const struct sql_text count_evidence = {
    "test_count", "SELECT count(*) FROM evidence WHERE recorded_at > ?1", "whole table"};
static const struct sql_text doubled_evidence = {
    "test_doubled",
    "SELECT count(*) FROM (SELECT 1 FROM evidence WHERE kind = 14 GROUP BY person_no, at,"
    " tube_size HAVING count(*) > 1)",
    "whole table"};

static int64_t one_number(struct demo *d, const struct sql_text *text, timestamp after)
{
    struct error err;
    struct sql *sql = NULL;
    int64_t number = 0;
    done_or_fail(store_read_begin(d->platform.store, &sql, &err), &err);
    bool bound = strchr(text->text, '?') != NULL;
    struct sql_value argument = sql_int(after);
    done_or_fail(sql_one_int(sql, text, &argument, bound, 0, &number, &err), &err);
    store_read_end(d->platform.store, sql);
    return number;
}

static void results_come_hours_later_and_once_over_restarts(void **state)
{
    (void)state;
    struct error err;
    struct city *city;
    int64_t from = demo.world.fixed / SECOND, hours = 5 * 3600, end = from + hours;
    done_or_fail(city_open(&demo.platform, PEOPLE, SEED, true, &city, &err), &err);
    /* three lives, with an hour in which nobody serves */
    for (int part = 0; part < 3; part++) {
        struct sim_life *life = wake(&demo);
        int64_t begin = from + part * hours / 3 + (part == 1 ? 3600 : 0);
        live(&demo, life, begin, from + (part + 1) * hours / 3, 20);
        sim_life_close(life);
        demo_close(&demo);
        demo_open(&demo, demo.world.fixed);
    }
    struct outbreak *outbreak = load(&demo, city);
    size_t expected = 0, touched = 0;
    for (uint32_t person = 1; person <= PEOPLE; person++) {
        int64_t swab;
        int32_t day = time_day_of_seconds(end);
        bool screened = screening_on(city, person, city_profile(city, person), day, &swab);
        touched += outbreak_touches(outbreak, person);
        if (!screened || outbreak_touches(outbreak, person))
            continue;
        int64_t reported = screening_reported(city, person, swab);
        expected += reported > demo.now / SECOND && reported <= end - 1200;
    }
    int64_t recorded = one_number(&demo, &count_evidence, demo.now);
    assert_true(expected > 100);
    assert_true(recorded >= (int64_t)expected);
    /* those whom the outbreak touches: what they are to somebody, and a swab, in these hours */
    assert_true(recorded <= (int64_t)(expected + 2 * touched));
    assert_int_equal(one_number(&demo, &doubled_evidence, 0), 0);
    outbreak_free(outbreak);
    city_close(city);
}

static void the_outbreak_goes_on_and_new_cases_are_recorded(void **state)
{
    (void)state;
    static const struct sql_text cases = {"test_case_count", "SELECT count(*) FROM case_record",
                                          "small table"};
    static const struct sql_text infected = {
        "test_infection_count", "SELECT count(*) FROM demo_infection", "small table"};
    struct error err;
    int64_t cases_before = one_number(&demo, &cases, 0);
    int64_t infected_before = one_number(&demo, &infected, 0);
    int64_t checked = 0, wrong = -1, from = demo.world.fixed / SECOND;
    struct sim_life *life = wake(&demo);
    live(&demo, life, from, from + 86400, 25);
    sim_life_close(life);
    assert_true(one_number(&demo, &cases, 0) > cases_before);
    assert_true(one_number(&demo, &infected, 0) >= infected_before);
    assert_int_equal(one_number(&demo, &doubled_evidence, 0), 0);
    done_or_fail(status_catch_up(demo.platform.status, &err) &&
                     status_verify(demo.platform.status, &checked, &wrong, &err),
                 &err);
    assert_int_equal(wrong, 0);
}

static void two_lives_of_the_same_city_are_the_same(void **state)
{
    (void)state;
    struct demo twins[2];
    char *texts[2][2];
    static const char *const kinds[2] = {"checkins", "evidence"};
    for (int i = 0; i < 2; i++) {
        demo_build(&twins[i], 800, 5);
        struct sim_life *life = wake(&twins[i]);
        live(&twins[i], life, twins[i].now / SECOND, twins[i].now / SECOND + 4 * 3600, 10);
        sim_life_close(life);
        demo_close(&twins[i]); /* what was taken is durable now */
        demo_open(&twins[i], twins[i].world.fixed);
        for (int k = 0; k < 2; k++)
            for (size_t e = 0; e < export_kind_count; e++)
                if (strcmp(export_kinds[e]->name, kinds[k]) == 0)
                    texts[i][k] = demo_export(&twins[i], export_kinds[e]);
    }
    for (int k = 0; k < 2; k++) {
        assert_string_equal(texts[0][k], texts[1][k]);
        free(texts[0][k]);
        free(texts[1][k]);
    }
    demo_remove(&twins[0]);
    demo_remove(&twins[1]);
}

static void a_city_without_our_people_rests(void **state)
{
    (void)state;
    struct demo empty;
    struct error err;
    demo_create(&empty, 1);
    struct sim_life *life = wake(&empty);
    for (int i = 0; i < 3; i++)
        done_or_fail(sim_life_tick(life, empty.now + i * SECOND, &err), &err);
    sim_life_close(life);
    demo_remove(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lived_hour_is_the_hour_that_the_generator_would_have_made),
        cmocka_unit_test(results_come_hours_later_and_once_over_restarts),
        cmocka_unit_test(the_outbreak_goes_on_and_new_cases_are_recorded),
        cmocka_unit_test(two_lives_of_the_same_city_are_the_same),
        cmocka_unit_test(a_city_without_our_people_rests),
    };
    return cmocka_run_group_tests(tests, build, discard);
}
