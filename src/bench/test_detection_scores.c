/* Goal: the scores of a detector are those that the benchmark's definitions give by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/detection_scores.h"

#define assert_near(value, expected, by) assert_true(fabs((value) - (expected)) <= (by))

/* Two outbreaks: weeks 10 … 12, seen in week 11 at alpha 0 and in week 10 at alpha 1; weeks
 * 20 … 23, missed at alpha 0 and seen in week 23 at alpha 1. Alarms before and after are false. */
static void two_outbreaks(struct judged_series series[2])
{
    series[0] = (struct judged_series){.scenario = 1, .start = 10, .end = 12};
    series[1] = (struct judged_series){.scenario = 2, .start = 20, .end = 23};
    series[0].full[10] = 2;
    series[0].full[11] = 3;
    series[0].full[12] = 3;
    series[0].full[13] = 2; /* after its end */
    series[0].clean[48] = 3;
    series[1].full[19] = 1; /* before its start */
    series[1].full[23] = 2;
    series[1].clean[0] = 2;
    series[1].clean[11] = 2;
}

static void a_score_counts_alarms_inside_and_outside_of_outbreaks(void **state)
{
    (void)state;
    struct judged_series series[2];
    two_outbreaks(series);
    struct detection_score strict = detection_score(series, 2, 0);
    struct detection_score loose = detection_score(series, 2, 1);
    assert_near(strict.fpr_clean, 1. / 98, 1e-12);
    assert_near(loose.fpr_clean, 3. / 98, 1e-12);
    assert_near(strict.fpr_quiet, 1. / (98 - 7), 1e-12);
    assert_near(loose.fpr_quiet, 1. / (98 - 7), 1e-12);
    assert_near(strict.pod, 0.5, 1e-12);
    assert_near(loose.pod, 1, 1e-12);
    assert_near(strict.timeliness_detected, 1, 1e-12);
    assert_near(loose.timeliness_detected, 1.5, 1e-12);
    assert_near(strict.timeliness_all, (1 + 4) / 2., 1e-12);
    assert_near(loose.timeliness_all, (0 + 3) / 2., 1e-12);
}

static void nothing_found_has_no_time_to_be_found(void **state)
{
    (void)state;
    struct judged_series series[2];
    two_outbreaks(series);
    struct detection_score none = detection_score(series, 2, 7);
    assert_true(none.pod <= 0 && isnan(none.timeliness_detected));
    assert_near(none.timeliness_all, 3.5, 1e-12);
}

static void a_rate_lies_on_a_line_between_its_neighbours(void **state)
{
    (void)state;
    static const struct detection_score rising[] = {
        {.fpr_clean = 0.001}, {.fpr_clean = 0.01}, {.fpr_clean = 0.03}};
    static const struct detection_score falling[] = {
        {.fpr_clean = 0.03}, {.fpr_clean = 0.01}, {.fpr_clean = 0.001}};
    struct between_alphas place;
    assert_true(detection_at_rate(rising, 3, 0.015, &place));
    assert_int_equal(place.lower, 1);
    assert_near(place.part, 0.25, 1e-12);
    assert_true(detection_at_rate(falling, 3, 0.015, &place));
    assert_int_equal(place.lower, 0);
    assert_near(place.part, 0.75, 1e-12);
    assert_false(detection_at_rate(rising, 3, 0.0005, &place));
    assert_false(detection_at_rate(rising, 3, 0.05, &place));
    assert_false(detection_at_rate(rising, 1, 0.001, &place));
}

static void a_difference_has_the_error_of_its_pairs(void **state)
{
    (void)state;
    struct judged_series one[2], other[2];
    two_outbreaks(one);
    two_outbreaks(other);
    const struct judged_series *const both[2] = {one, other};
    const struct between_alphas places[2] = {{0, 1}, {0, 0}}; /* alpha 1 against alpha 0 */
    struct detection_pair pair = detection_compare(both, places, 2);
    assert_near(pair.pod[0], 1, 1e-12);
    assert_near(pair.pod[1], 0.5, 1e-12);
    /* differences 0 and 1 */
    assert_near(pair.pod_error, 0.5 / sqrt(2), 1e-12);
    assert_near(pair.weeks[0] - pair.weeks[1], -1, 1e-12);
    /* both -1 */
    assert_near(pair.weeks_error, 0, 1e-12);
    const struct between_alphas halfway[2] = {{0, 0.5}, {0, 0.5}};
    pair = detection_compare(both, halfway, 2);
    assert_near(pair.pod[0], 0.75, 1e-12);
    assert_near(pair.weeks[0], 2, 1e-12);
    assert_near(pair.pod_error, 0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_score_counts_alarms_inside_and_outside_of_outbreaks),
        cmocka_unit_test(nothing_found_has_no_time_to_be_found),
        cmocka_unit_test(a_rate_lies_on_a_line_between_its_neighbours),
        cmocka_unit_test(a_difference_has_the_error_of_its_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
