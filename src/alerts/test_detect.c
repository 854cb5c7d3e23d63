/* Goal: one series is judged as its channel says: rules, baselines, gaps, shares; a whole quiet
 * year of places with weekdays and clustered counts raises few alerts, and a tripling is seen. The
 * rate of false discoveries equals its definition, computed by hand. */
#include "alerts/alerts_internal.h"
#include "base/test_support.h"

/* ---- Channels, read as the policy would be */

static struct channel read_channel(struct arena *arena, const char *measure, const char *rest)
{
    struct channel channel = {.name = NULL};
    struct error err;
    json_t *document;
    char *text = arena_print(
        arena,
        "{\"channel\":\"c\",\"group\":\"other\",\"title\":{\"zh\":\"a\",\"en\":\"a\"},"
        "\"reported_by\":{\"zh\":\"a\",\"en\":\"a\"},\"asks\":{\"zh\":\"a\",\"en\":\"a\"},"
        "\"source\":\"test\",\"measure\":\"%s\",\"delay_days\":0,\"silent_after_days\":3,"
        "\"completeness\":0.6,\"minimum_count\":5,\"weight\":1,\"alpha\":0.002,%s}",
        measure, rest);
    if (!json_read(slice_of(text), "test", &document, &err) ||
        !channel_read(document, "policies/channels/c.yaml", arena, &channel, &err))
        fail_msg("%s: %s, expected %s", err.field, err.what, err.expected);
    json_decref(document);
    return channel;
}
#define EARS                                                                                       \
    "\"step_days\":1,\"detector\":{\"method\":\"ears_c2\",\"history_rows\":28,\"parameters\":"     \
    "{\"baseline\":14,\"minSigma\":1}}"

struct bench {
    struct arena kept, scratch;
    struct channel channel;
    struct series_point points[800];
    size_t count;
};

static void bench_open(struct bench *bench, const char *measure, const char *rest)
{
    *bench = (struct bench){.count = 0};
    arena_init(&bench->kept, 1 << 20);
    arena_init(&bench->scratch, METHOD_ARENA_BYTES_MAX);
    bench->channel = read_channel(&bench->kept, measure, rest);
}

static void bench_close(struct bench *bench)
{
    json_decref(bench->channel.parameters);
    arena_release(&bench->kept);
    arena_release(&bench->scratch);
}

static void put(struct bench *bench, int32_t day, int64_t count, int64_t total)
{
    bench->points[bench->count++] = (struct series_point){day, count, total, NAN, NAN};
}

static struct judgement judge(struct bench *bench, int32_t day)
{
    struct judgement judgement;
    struct error err;
    arena_clear(&bench->scratch);
    if (!channel_judge(&bench->channel, bench->points, bench->count, day, &bench->scratch,
                       &judgement, &err))
        fail_msg("%s", err.what);
    return judgement;
}

/* ---- Rules */

static void a_rule_holds_by_its_sum_and_only_on_a_day_with_a_report(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, "count",
               "\"step_days\":1,\"rules\":[{\"count\":3,\"days\":1},{\"count\":5,\"days\":3}]");
    put(&bench, 100, 2, -1);
    put(&bench, 101, 2, -1);
    assert_true(judge(&bench, 101).judged && !judge(&bench, 101).by_rule);
    put(&bench, 102, 1, -1);
    struct judgement sum = judge(&bench, 102);
    assert_true(sum.by_rule && sum.enough && sum.observed == 5 && sum.bound == 5);
    assert_false(judge(&bench, 103).judged);
    put(&bench, 104, 3, -1);
    assert_true(judge(&bench, 104).by_rule && judge(&bench, 104).observed == 3);
    assert_true(judge(&bench, 100).judged && !judge(&bench, 100).by_rule); /* the past as it was */
    bench_close(&bench);
}

/* ---- Baselines */

/* A constant series of 16: the mean is 16 and the deviation the least one, so p is Student's tail
 * at a known place: 2 √36.375 − 2 √16.375 = 3.9691, over √(1 + 1/14) with 13 degrees:
 * 0.00103. */
static void a_rise_over_a_level_has_the_p_value_of_the_formula(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, "count", EARS);
    for (int32_t day = 1; day <= 27; day++)
        put(&bench, day, 16, -1);
    put(&bench, 28, 36, -1);
    struct judgement judgement = judge(&bench, 28);
    assert_true(judgement.judged && judgement.enough && !judgement.by_rule);
    assert_true(fabs(judgement.expected - 16) < 1e-6);
    assert_true(judgement.p > 0.0009 && judgement.p < 0.0012);
    assert_true(judgement.bound > 30 && judgement.bound < 36);
    assert_true(judge(&bench, 27).p > 0.49);
    bench_close(&bench);
}

static void gaps_are_left_out_and_too_many_are_no_baseline(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, "count", EARS);
    for (int32_t day = 1; day <= 28; day++)
        if (day % 7 != 6 && day % 7 != 0) /* weekends are not reported */
            put(&bench, day, 16, -1);
    put(&bench, 29, 60, -1);
    assert_true(judge(&bench, 29).judged && judge(&bench, 29).p < 1e-4);
    struct judgement weekend = judge(&bench, 28);
    assert_false(weekend.judged);
    assert_string_equal(weekend.reason, "missing-count");
    bench.count = 0;
    for (int32_t day = 1; day <= 28; day += 2)
        put(&bench, day, 16, -1);
    assert_false(judge(&bench, 27).judged);
    assert_string_equal(judge(&bench, 27).reason, "incomplete");
    bench.count = 0;
    for (int32_t day = 20; day <= 28; day++)
        put(&bench, day, 16, -1);
    assert_string_equal(judge(&bench, 28).reason, "short-baseline");
    bench.count = 0;
    assert_false(judge(&bench, 28).judged); /* nothing at all */
    bench_close(&bench);
}

/* Twice the pupils with twice the absent is nothing; the same pupils with twice the absent is. */
static void a_share_does_not_see_its_total_grow(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, "share", EARS);
    for (int32_t day = 1; day <= 27; day++)
        put(&bench, day, 40, 1000);
    put(&bench, 28, 80, 2000);
    assert_true(judge(&bench, 28).judged && judge(&bench, 28).p > 0.2);
    bench.points[27] = (struct series_point){28, 80, 1000, NAN, NAN};
    assert_true(judge(&bench, 28).p < 0.001);
    bench_close(&bench);
}

static void weeks_are_sums_of_seven_days_up_to_the_day(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, "count",
               "\"step_days\":7,\"detector\":{\"method\":\"chengmai_ensemble\","
               "\"history_rows\":104,\"parameters\":{\"b\":2}}");
    for (int32_t day = 1; day <= 728; day++)
        put(&bench, day, day % 7 ? 3 : 2, -1);
    struct judgement level = judge(&bench, 728);
    assert_true(level.judged && level.observed == 20);
    assert_true(level.expected > 17 && level.expected < 23 && level.p > 0.2);
    for (size_t i = 721; i < 728; i++)
        bench.points[i].count = 15;
    assert_true(judge(&bench, 728).observed == 105 && judge(&bench, 728).p < 1e-6);
    bench_close(&bench);
}

static void few_samples_on_a_line_are_judged_by_the_laboratorys_error(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, "load",
               "\"step_days\":1,\"detector\":{\"method\":\"log_trend\",\"history_rows\":15,"
               "\"growth\":2,\"log_error\":0.2}");
    for (int i = 0; i < 3; i++)
        put(&bench, 1 + 4 * i, 1000 << i, -1);
    assert_string_equal(judge(&bench, 15).reason, "short-baseline");
    put(&bench, 13, 8000, -1);
    struct judgement growth = judge(&bench, 15);
    assert_true(growth.judged && growth.enough && growth.p > 1e-4 && growth.p < 0.01);
    assert_true(fabs(growth.expected - 1000) < 1 && fabs(growth.bound - 2000) < 2);
    for (int i = 0; i < 4; i++)
        bench.points[i].count = 1000 + 60 * i; /* grows, and not by the factor */
    assert_true(judge(&bench, 15).judged && !judge(&bench, 15).enough);
    bench_close(&bench);
}

/* ---- Together */

static void the_rate_of_false_discoveries_is_that_of_the_definition(void **state)
{
    (void)state;
    /* 8 tests at 0.05: 0.00625 0.0125 0.01875 0.025 …: the third is above its own line and below
     * the fourth's, and the fourth holds */
    double p[] = {0.9, 0.001, 0.024, 0.02, 0.008, 0.5, 0.6, 0.04};
    assert_true(false_discovery_threshold(p, 8, 0.05) == 0.024);
    double none[] = {0.2, 0.03, 0.5};
    assert_true(false_discovery_threshold(none, 3, 0.05) == 0);
    assert_true(false_discovery_threshold(none, 0, 0.05) == 0);
}

static uint64_t drawn = 7;

static double uniform(void)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return ((double)(drawn >> 11) + 0.5) / 9007199254740992.0;
}

static int64_t poisson(double mean)
{
    int64_t count = -1;
    for (double left = exp(-mean), product = 1; product > left; count++)
        product *= uniform();
    return count;
}

/* Weekends at 70 %, and a daily factor that spreads by a fifth (what is usual, not a fault). */
static int64_t usual(int32_t day, double mean)
{
    double factor = 1 + 0.2 * (uniform() + uniform() + uniform() - 1.5) * 2;
    return poisson(mean * factor * (day % 7 < 2 ? 0.7 : 1));
}

enum { PLACES = 60, YEAR = 365 };

static void a_quiet_year_raises_few_and_a_tripling_is_seen(void **state)
{
    (void)state;
    static struct bench places[PLACES];
    int alarms = 0, nights = 0, seen = 0;
    for (int i = 0; i < PLACES; i++) {
        bench_open(&places[i], "count", EARS);
        for (int32_t day = 1; day <= 28 + YEAR; day++)
            put(&places[i], day, usual(day, 4 + 2 * (double)(i % 20)), -1);
    }
    for (int32_t day = 29; day <= 28 + YEAR; day++) {
        double p[PLACES], sorted[PLACES];
        for (int i = 0; i < PLACES; i++)
            p[i] = sorted[i] = judge(&places[i], day).p;
        double threshold = false_discovery_threshold(sorted, PLACES, 0.05);
        int before = alarms;
        for (int i = 0; i < PLACES; i++)
            alarms += p[i] <= threshold && p[i] <= places[i].channel.alpha;
        nights += alarms > before;
    }
    for (int i = 0; i < PLACES; i++) { /* three times the usual for three days in one place */
        struct judgement strongest = {.p = 1};
        for (int32_t day = 0; day < 3; day++) {
            places[i].points[390 + day].count = usual(391 + day, 3 * (4 + 2 * (double)(i % 20)));
            struct judgement judgement = judge(&places[i], 391 + day);
            strongest = judgement.p < strongest.p ? judgement : strongest;
        }
        seen += strongest.p <= 0.05 / PLACES && strongest.p <= places[i].channel.alpha;
        bench_close(&places[i]);
    }
    print_message("# quiet year: %d alarms of %d judgements, in %d of %d nights;"
                  " threefold for three days: %d of %d seen\n",
                  alarms, PLACES * YEAR, nights, YEAR, seen, PLACES);
    assert_true(nights <= YEAR * 5 / 100);
    assert_true(seen >= PLACES * 6 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_holds_by_its_sum_and_only_on_a_day_with_a_report),
        cmocka_unit_test(a_rise_over_a_level_has_the_p_value_of_the_formula),
        cmocka_unit_test(gaps_are_left_out_and_too_many_are_no_baseline),
        cmocka_unit_test(a_share_does_not_see_its_total_grow),
        cmocka_unit_test(weeks_are_sums_of_seven_days_up_to_the_day),
        cmocka_unit_test(few_samples_on_a_line_are_judged_by_the_laboratorys_error),
        cmocka_unit_test(the_rate_of_false_discoveries_is_that_of_the_definition),
        cmocka_unit_test(a_quiet_year_raises_few_and_a_tripling_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
