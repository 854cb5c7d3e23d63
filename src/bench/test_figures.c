/* Goal: what a RESULT line says follows from the pairs and from nothing else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bench/figures.h"
#include "bench/peer.h"

#define assert_near(value, expected, by) assert_true(fabs((value) - (expected)) <= (by))

static void the_median_is_the_middle_value_and_the_lower_of_two(void **state)
{
    (void)state;
    double odd[] = {9, 1, 5}, even[] = {4, 3, 2, 1}, one[] = {7};
    assert_near(median(odd, 3), 5, 0);
    assert_near(median(even, 4), 2, 0);
    assert_near(median(one, 1), 7, 0);
}

static void a_percentile_is_passed_by_no_more_than_its_share(void **state)
{
    (void)state;
    double values[100];
    for (int i = 0; i < 100; i++)
        values[i] = 100 - i;
    assert_near(percentile(values, 100, 0.99), 99, 0);
    assert_near(percentile(values, 100, 0.5), 50, 0);
    assert_near(percentile(values, 100, 1), 100, 0);
    assert_near(percentile(values, 1, 0.01), 1, 0);
}

static void the_ratio_of_a_rate_is_ours_by_the_peers(void **state)
{
    (void)state;
    struct figures figures = {0};
    struct measure *rate = figures_add(&figures, "ingest.rocksdb", "events/s", false);
    measure_add(rate, 300, 100);
    measure_add(rate, 100, 100);
    measure_add(rate, 250, 50);
    struct pair middle = measure_median(rate);
    assert_near(middle.ours, 300, 0);
    assert_near(middle.peer, 100, 0);
    char line[RESULT_LINE_BYTES];
    result_line(rate, line);
    assert_string_equal(line,
                        "RESULT name=ingest.rocksdb ours=300 peer=100 ratio=3 unit=events/s");
}

static void the_ratio_of_a_time_is_the_peers_by_ours(void **state)
{
    (void)state;
    struct figures figures = {0};
    struct measure *time = figures_add(&figures, "trace.sqlite_p50", "ms", true);
    measure_add(time, 0.5, 4);
    char line[RESULT_LINE_BYTES];
    result_line(time, line);
    assert_string_equal(line, "RESULT name=trace.sqlite_p50 ours=0.5 peer=4 ratio=8 unit=ms");
}

static void print(const struct figures *figures, bool json, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    assert_non_null(out);
    figures_print(figures, "ingest", json, out);
    fclose(out);
}

static void the_last_line_is_a_result_and_measures_without_pairs_have_none(void **state)
{
    (void)state;
    struct figures figures = {0};
    char text[4096] = "";
    figures_add(&figures, "ingest.rocksdb", "events/s", false);
    struct measure *bytes = figures_add(&figures, "ingest.bytes", "bytes/event", true);
    bytes->peer_is_limit = true;
    measure_add(bytes, 10, 12);
    print(&figures, false, text, sizeof text);
    assert_null(strstr(text, "rocksdb"));
    const char *last = strstr(text, "RESULT");
    assert_string_equal(last,
                        "RESULT name=ingest.bytes ours=10 peer=12 ratio=1.2 unit=bytes/event\n");
}

static void json_is_one_object_with_every_pair(void **state)
{
    (void)state;
    struct figures figures = {0};
    char text[4096] = "";
    struct measure *rate = figures_add(&figures, "scans", "requests/s", false);
    measure_add(rate, 40, 100);
    measure_add(rate, 50, 100);
    print(&figures, true, text, sizeof text);
    json_error_t problem;
    json_t *object = json_loads(text, 0, &problem);
    assert_non_null(object);
    json_t *measure = json_array_get(json_object_get(object, "measures"), 0);
    assert_string_equal(json_string_value(json_object_get(measure, "name")), "scans");
    assert_near(json_number_value(json_object_get(measure, "ratio")), 0.4, 1e-9);
    assert_int_equal(json_array_size(json_object_get(measure, "pairs")), 2);
    json_decref(object);
}

static void an_answer_of_a_peer_is_read_by_whole_names(void **state)
{
    (void)state;
    double seconds;
    uint64_t digest;
    const char *answer = "milliseconds=9 seconds=0.25 digest=18446744073709551615";
    assert_true(peer_value(answer, "seconds", &seconds));
    assert_near(seconds, 0.25, 0);
    assert_true(peer_number(answer, "digest", &digest));
    assert_true(digest == UINT64_MAX);
    assert_false(peer_value(answer, "bytes", &seconds));
    assert_false(peer_number("rows=-1", "rows", &digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_the_middle_value_and_the_lower_of_two),
        cmocka_unit_test(a_percentile_is_passed_by_no_more_than_its_share),
        cmocka_unit_test(the_ratio_of_a_rate_is_ours_by_the_peers),
        cmocka_unit_test(the_ratio_of_a_time_is_the_peers_by_ours),
        cmocka_unit_test(the_last_line_is_a_result_and_measures_without_pairs_have_none),
        cmocka_unit_test(json_is_one_object_with_every_pair),
        cmocka_unit_test(an_answer_of_a_peer_is_read_by_whole_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
