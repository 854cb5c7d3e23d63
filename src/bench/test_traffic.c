/* Goal: both sides of a benchmark get the same city, and it is shaped like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/traffic.h"

enum { PEOPLE = 52000, DAYS = 3 };

static struct presence_event *day_of(const struct traffic *traffic, uint32_t day)
{
    struct presence_event *events = x_alloc(traffic->events_a_day, sizeof *events);
    traffic_day(traffic, day, events);
    return events;
}

static void the_same_day_is_made_twice_alike_and_days_differ(void **state)
{
    (void)state;
    struct traffic traffic = traffic_of(PEOPLE, DAYS);
    size_t bytes = traffic.events_a_day * sizeof(struct presence_event);
    struct presence_event *first = day_of(&traffic, 1), *again = day_of(&traffic, 1);
    struct presence_event *other = day_of(&traffic, 2);
    assert_memory_equal(first, again, bytes);
    assert_int_not_equal(memcmp(first, other, bytes), 0);
    free(first);
    free(again);
    free(other);
}

static void a_day_is_in_order_of_time_and_within_its_bounds(void **state)
{
    (void)state;
    struct traffic traffic = traffic_of(PEOPLE, DAYS);
    struct presence_event *events = day_of(&traffic, 2);
    int64_t start = time_day_start_seconds(traffic.first_day + 2);
    assert_int_equal(traffic.events_a_day, PEOPLE * 19 / 10);
    assert_int_equal(traffic.first_day + DAYS - 1, 19096); /* 2022-04-14 */
    for (uint32_t i = 0; i < traffic.events_a_day; i++) {
        assert_true(i == 0 || events[i - 1].time <= events[i].time);
        assert_true(events[i].time >= start && events[i].time < start + 86400);
        assert_true(events[i].person >= 1 && events[i].person <= traffic.people);
        assert_true(events[i].venue >= 1 && events[i].venue <= traffic.venues);
    }
    free(events);
}

static int falling(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x < y) - (x > y);
}

/* 2 000 venues: by 1 / (rank + 50) the greatest takes 1 / (50 ln 41) = 0.54 % of all. */
static void popularity_is_heavy_tailed(void **state)
{
    (void)state;
    struct traffic traffic = traffic_of(PEOPLE, DAYS);
    struct presence_event *events = day_of(&traffic, 0);
    uint32_t *counts = x_alloc(traffic.venues + 1, sizeof *counts);
    for (uint32_t i = 0; i < traffic.events_a_day; i++)
        counts[events[i].venue]++;
    qsort(counts, traffic.venues + 1, sizeof *counts, falling);
    double greatest = (double)counts[0] / traffic.events_a_day;
    double middle = (double)counts[traffic.venues / 2] / traffic.events_a_day;
    assert_true(greatest > 0.0045 && greatest < 0.0075);
    assert_true(greatest > 10 * middle);
    free(counts);
    free(events);
}

static void the_file_holds_the_days_one_after_another(void **state)
{
    (void)state;
    struct traffic traffic = traffic_of(1000, 2);
    char path[] = "/tmp/chengmai-test-traffic-XXXXXX";
    struct error err;
    struct presence_event read_back[2501];
    struct presence_event *first = day_of(&traffic, 0), *second = day_of(&traffic, 1);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(traffic_write(&traffic, 2500, path, &err));
    assert_int_equal(pread(fd, read_back, sizeof read_back, 0), 2500 * sizeof *read_back);
    assert_memory_equal(read_back, first, 1900 * sizeof *first);
    assert_memory_equal(read_back + 1900, second, 600 * sizeof *second);
    close(fd);
    unlink(path);
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_day_is_made_twice_alike_and_days_differ),
        cmocka_unit_test(a_day_is_in_order_of_time_and_within_its_bounds),
        cmocka_unit_test(popularity_is_heavy_tailed),
        cmocka_unit_test(the_file_holds_the_days_one_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
