/* The scan on several threads: the same maxima, replicate by replicate. */
#include "sensing/test_scan_support.h"

static void results_are_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    for (int model = SCAN_POISSON; model <= SCAN_PERMUTATION; model++) {
        static struct test_map map;
        struct random random;
        struct scan_result one, several;
        struct arena arena;
        struct scan_settings settings = test_scan_settings(model, 10, 14, 150);
        random_init(&random, 4, 2);
        arena_init(&arena, METHOD_ARENA_BYTES_MAX);
        test_map_make(&map, 40, 30, false, false, &random);
        test_map_draw(&map, 900, &random);
        test_scan(&map, &settings, &arena, &one);
        for (size_t threads = 2; threads <= SCAN_THREADS_MAX; threads += 3) {
            settings.threads = threads;
            test_scan(&map, &settings, &arena, &several);
            assert_memory_equal(one.maxima, several.maxima, 150 * sizeof(double));
        }
        settings.seed++;
        test_scan(&map, &settings, &arena, &several);
        assert_memory_not_equal(one.maxima, several.maxima, 150 * sizeof(double));
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_the_same_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
