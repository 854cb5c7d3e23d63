/* Token buckets against a naive twin, askers that hinder nobody else, networks, shedding
 * classes. */
#include "server/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct limits *built_in(void)
{
    struct limits *limits;
    struct error err;
    assert_true(limits_open(-1, &limits, &err));
    return limits;
}

static struct slice asker_of(const int *number)
{
    return (struct slice){(const char *)number, sizeof *number};
}

/* How many of `count` requests at one moment are taken. */
static int taken_at(struct limits *limits, enum limit_kind kind, int asker, int count, int64_t now)
{
    int taken = 0;
    for (int i = 0; i < count; i++)
        taken += limits_take(limits, kind, asker_of(&asker), now) == 0;
    return taken;
}

static void a_bucket_holds_its_burst_and_fills_by_its_rate(void **state)
{
    (void)state;
    struct limits *limits = built_in(); /* a device: 60, then 5 a second */
    int64_t now = 1000 * SECOND;
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, 7, 100, now), 60);
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, 7, 100, now + SECOND), 5);
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, 7, 100, now + SECOND + SECOND / 5), 1);
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, 7, 100, now + 3600 * SECOND), 60);
    limits_free(limits);
}

static void what_is_refused_is_there_after_the_seconds_that_were_said(void **state)
{
    (void)state;
    struct limits *limits = built_in();
    int asker = 7;
    int64_t now = 1000 * SECOND;
    taken_at(limits, LIMIT_LOG_IN, asker, 120, now); /* 2 a second */
    for (int round = 0; round < 50; round++) {
        int seconds = limits_take(limits, LIMIT_LOG_IN, asker_of(&asker), now);
        assert_true(seconds >= 1 && seconds <= 2);
        now += seconds * SECOND;
        assert_int_equal(limits_take(limits, LIMIT_LOG_IN, asker_of(&asker), now), 0);
        taken_at(limits, LIMIT_LOG_IN, asker, 10, now);
    }
    limits_free(limits);
}

/* The naive twin counts tokens with a fraction, by the time that passed. */
static void over_thousands_of_requests_it_agrees_with_a_counted_bucket(void **state)
{
    (void)state;
    struct limits *limits = built_in();
    uint64_t random = 20220414;
    double tokens = 60;
    int64_t now = 1000 * SECOND, last = now;
    int asker = 3, differing = 0;
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        now += (int64_t)(random >> 33) % 300000;
        tokens += (double)(now - last) * 5 / (double)SECOND;
        tokens = tokens > 60 ? 60 : tokens;
        last = now;
        bool taken = limits_take(limits, LIMIT_DEVICE, asker_of(&asker), now) == 0;
        differing += taken != (tokens >= 1) && (tokens < 0.999 || tokens > 1.001);
        tokens -= taken;
    }
    assert_int_equal(differing, 0);
    limits_free(limits);
}

static void askers_and_kinds_do_not_hinder_each_other(void **state)
{
    (void)state;
    struct limits *limits = built_in();
    int64_t now = 1000 * SECOND;
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, 7, 100, now), 60);
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, 8, 100, now), 60);
    assert_int_equal(taken_at(limits, LIMIT_LOG_IN, 7, 200, now), 120);
    char token[4000];
    memset(token, 'a', sizeof token);
    struct slice longer = {token, sizeof token}, shorter = {token, sizeof token - 1};
    assert_int_equal(limits_take(limits, LIMIT_SESSION, longer, now), 0);
    for (int i = 0; i < 50000; i++)
        (void)!limits_take(limits, LIMIT_SESSION, longer, now);
    assert_true(limits_take(limits, LIMIT_SESSION, longer, now) > 0);
    assert_int_equal(limits_take(limits, LIMIT_SESSION, shorter, now), 0);
    limits_free(limits);
}

/* A flood of made-up askers costs no memory; those who are known for less are forgotten first. */
static void a_flood_of_askers_is_counted_and_spares_who_asks_most(void **state)
{
    (void)state;
    struct limits *limits = built_in();
    int64_t now = 1000 * SECOND;
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, -1, 100, now), 60);
    for (int i = 0; i < 500000; i++)
        assert_int_equal(limits_take(limits, LIMIT_DEVICE, asker_of(&i), now), 0);
    assert_true(limits_forgotten(limits) > 400000);
    assert_int_equal(taken_at(limits, LIMIT_DEVICE, -1, 100, now), 0); /* not forgiven */
    limits_free(limits);
}

static void a_network_is_an_address_or_half_of_one(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {{"192.0.2.1", "192.0.2.1", true},
                {"192.0.2.1", "192.0.2.2", false},
                {"192.0.2.1", "::ffff:192.0.2.1", true},
                {"2001:db8::1", "2001:db8:0:0:ffff::2", true},
                {"2001:db8::1", "2001:db8:0:1::1", false}};
    unsigned char a[NETWORK_BYTES], b[NETWORK_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(network_of_text(slice_of(rows[i].a), a));
        assert_true(network_of_text(slice_of(rows[i].b), b));
        assert_int_equal(memcmp(a, b, sizeof a) == 0, rows[i].same);
    }
    static const char *const none[] = {"",
                                       "192.0.2",
                                       "192.0.2.1:80",
                                       "192.0.2.1, 192.0.2.2",
                                       "localhost",
                                       "0x7f.1",
                                       "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(network_of_text(slice_of(none[i]), a));
    assert_false(network_of_text((struct slice){"192.0.2.1\0x", 11}, a));
    assert_false(network_of_text((struct slice){NULL, 0}, a));
}

static void classes_are_shed_in_their_order_and_intake_at_the_very_end(void **state)
{
    (void)state;
    struct limits *limits = built_in();
    size_t before = 0;
    for (int shed = SHED_DECORATION; shed <= SHED_INTAKE; shed++) {
        size_t most = limits_queue_max(limits, (enum route_shed)shed, 256);
        assert_true(most > before && most <= 256);
        assert_true(limits_queue_max(limits, (enum route_shed)shed, 1) == 1);
        before = most;
    }
    assert_int_equal(before, 256);
    struct route read = {.method = HTTP_GET}, write = {.method = HTTP_POST},
                 told = {.method = HTTP_GET, .shed = SHED_HISTORY};
    assert_int_equal(shed_class(&read), SHED_DETAIL);
    assert_int_equal(shed_class(&write), SHED_INTAKE);
    assert_int_equal(shed_class(&told), SHED_HISTORY);
    assert_int_equal(shed_class(NULL), SHED_STATUS);
    limits_free(limits);
}

/* A write that could be given up before a read would lose what was observed; but for those that
 * leave nothing behind. */
static void no_route_of_the_house_gives_up_a_write_before_a_read(void **state)
{
    (void)state;
    size_t routes = 0;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++, routes++) {
            const struct route *route = &modules[m]->routes[r];
            enum route_shed shed = shed_class(route);
            assert_true(shed > SHED_BY_METHOD && shed < SHED_COUNT);
            assert_true(!route->leaves_nothing || route->method != HTTP_GET);
            if (route->method != HTTP_GET && !route->leaves_nothing)
                assert_int_equal(shed, SHED_INTAKE);
        }
    assert_true(routes >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_holds_its_burst_and_fills_by_its_rate),
        cmocka_unit_test(what_is_refused_is_there_after_the_seconds_that_were_said),
        cmocka_unit_test(over_thousands_of_requests_it_agrees_with_a_counted_bucket),
        cmocka_unit_test(askers_and_kinds_do_not_hinder_each_other),
        cmocka_unit_test(a_flood_of_askers_is_counted_and_spares_who_asks_most),
        cmocka_unit_test(a_network_is_an_address_or_half_of_one),
        cmocka_unit_test(classes_are_shed_in_their_order_and_intake_at_the_very_end),
        cmocka_unit_test(no_route_of_the_house_gives_up_a_write_before_a_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
