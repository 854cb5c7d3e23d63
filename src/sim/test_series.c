/* Goal: the channels of the alert desk report the same counts for the same seed, with the rises and
 * silences that the policy plants, and go on day by day while the city lives, once. */
#include "alerts/alerts.h"
#include "sim/test_support.h"

enum { PEOPLE = 300, DISTRICTS = 7, CHANNELS = 4, DAYS = 45, SILENT_DAYS = 6 };
enum { POINTS = DAYS * DISTRICTS * CHANNELS - SILENT_DAYS };

static const struct sql_text counted = {
    "test_series_count", "SELECT count(*) FROM series_point WHERE day >= ?1", "test"};
static const struct sql_text sum = {
    "test_series_sum",
    "SELECT coalesce(sum(count * (day % 97) * (area_no % 89 + 1)), 0) FROM series_point"
    " WHERE day >= ?1",
    "test"};
static const struct sql_text one = {
    "test_series_one",
    "SELECT coalesce(sum(p.count), -1) FROM series_point p JOIN area a ON a.area_no = p.area_no"
    " WHERE p.day = ?1 AND p.channel = ?2 AND a.code = ?3",
    "test"};

static int64_t number(struct demo *demo, const struct sql_text *text,
                      const struct sql_value *arguments, size_t count)
{
    struct error err;
    struct sql *sql;
    int64_t value = 0;
    done_or_fail(store_read_begin(demo->platform.store, &sql, &err), &err);
    done_or_fail(sql_one_int(sql, text, arguments, count, -1, &value, &err), &err);
    store_read_end(demo->platform.store, sql);
    return value;
}

static int64_t all(struct demo *demo, const struct sql_text *text)
{
    return number(demo, text, SQL_ARGUMENTS(sql_int(0)));
}

static int64_t count_of(struct demo *demo, const char *channel, const char *area, int32_t day)
{
    return number(demo, &one,
                  SQL_ARGUMENTS(sql_int(day), sql_text(slice_of(channel)),
                                sql_text(slice_of(area))));
}

static void the_same_seed_gives_the_same_counts_and_what_is_planted_is_there(void **state)
{
    (void)state;
    struct demo twins[3];
    int64_t sums[3];
    static const uint64_t seeds[] = {5, 5, 6};
    for (int i = 0; i < 3; i++) {
        demo_build(&twins[i], PEOPLE, seeds[i]);
        assert_int_equal(all(&twins[i], &counted), POINTS);
        sums[i] = all(&twins[i], &sum);
    }
    assert_int_equal(sums[0], sums[1]);
    assert_int_not_equal(sums[0], sums[2]);
    int32_t made = time_day_of_seconds(twins[0].now / SECOND);
    assert_int_equal(count_of(&twins[0], "fever_clinic", "320412", made), -1); /* not over yet */
    assert_int_equal(count_of(&twins[0], "calls_12345", "320481", made - 1), -1);
    assert_true(count_of(&twins[0], "calls_12345", "320481", made - 7) >= 0);
    int64_t risen = 0, usual = 0;
    for (int back = 1; back <= 3; back++) {
        risen += count_of(&twins[0], "fever_clinic", "320412", made - back);
        usual += count_of(&twins[0], "fever_clinic", "320404", made - back);
    }
    assert_true(2 * risen > 3 * usual); /* planted: 2.1 times the mean */
    /* a hundredth of London's 651 and 714 calls of 26 and 25 August 2020, in every city */
    assert_int_equal(count_of(&twins[0], "calls_12345", "320402", made - 1), 7);
    assert_int_equal(count_of(&twins[2], "calls_12345", "320402", made - 2), 7);
    for (int i = 0; i < 3; i++)
        demo_remove(&twins[i]);
}

static void each_day_is_reported_when_it_is_over_and_once(void **state)
{
    (void)state;
    struct demo demo;
    struct error err;
    struct sim_life *life = NULL;
    demo_build(&demo, PEOPLE, 5);
    done_or_fail(sim_life_open(&demo.platform, &life, &err), &err);
    done_or_fail(sim_life_tick(life, demo.now + SECOND, &err), &err);
    assert_int_equal(all(&demo, &counted), POINTS);
    for (int hours = 12; hours <= 40; hours++) { /* up to the morning of the day after the next */
        demo.world.fixed = demo.now + hours * HOUR;
        done_or_fail(sim_life_tick(life, demo.world.fixed, &err), &err);
        bool in = demo.world.fixed >= demo.now + (14 * 60 + 30) * MINUTE; /* 5 in the morning */
        bool second = demo.world.fixed >= demo.now + (38 * 60 + 30) * MINUTE;
        int64_t more = (DISTRICTS * CHANNELS - 1) * ((int64_t)in + second);
        if (all(&demo, &counted) != POINTS + more)
            fail_msg("%d hours later: %lld points", hours, (long long)all(&demo, &counted));
    }
    sim_life_close(life);
    int32_t made = time_day_of_seconds(demo.now / SECOND);
    assert_true(count_of(&demo, "fever_clinic", "320412", made) < 60); /* the rise is over */
    demo_remove(&demo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_counts_and_what_is_planted_is_there),
        cmocka_unit_test(each_day_is_reported_when_it_is_over_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
