/* Goal: a demo city that lives has something to do: each scene that a hand may open gets its loops,
 * with an owner and a clock, the same again for the same seed, and never more than it should. */
#include "server/test_loop_support.h"
#include "sim/city.h"
#include "sim/sim.h"

static int64_t open_all(struct loopback *loop, int64_t most)
{
    struct error err;
    struct city *city;
    bool more = true;
    int64_t tries = 0;
    test_fail_on(city_open(loop->platform, LOOPBACK_PEOPLE, store_seed(loop->platform->store),
                           false, &city, &err),
                 &err);
    for (; more && tries < most; tries += more)
        test_fail_on(matters_open_next(loop->platform, city, now(loop), &more, &err), &err);
    city_close(city);
    return tries;
}

static void every_scene_that_a_hand_opens_has_its_loops(void **state)
{
    struct loopback *loop = *state;
    int64_t tries = open_all(loop, 1000);
    assert_true(tries > 100 && tries < 1000);
    assert_int_equal(open_all(loop, 10), 0); /* each scene has had its number */
    int64_t scenes = loopback_number(loop, "SELECT count(DISTINCT scene_no) FROM loop");
    if (scenes < 40)
        fail_msg("%lld scenes have loops after %lld tries", (long long)scenes, (long long)tries);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM loop WHERE seat_no = 0 OR"
                                           " due_at = 0"),
                     0);
    wait_until(loop, now(loop) + 26 * HOUR); /* and their clocks run */
    assert_true(loopback_number(loop, "SELECT count(*) FROM loop WHERE overdue = 1") > 20);
    expect(loop, "town_duty-320412", HTTP_GET, "/api/v1/loops?owner=me", NULL, 200, "\"items\":[{");
}

static void what_was_opened_goes_on_where_it_stopped(void **state)
{
    struct loopback *loop = *state;
    assert_int_equal(open_all(loop, 7), 7);
    int64_t loops = loopback_number(loop, "SELECT count(*) FROM loop");
    loopback_restart(loop);
    assert_int_equal(open_all(loop, 3), 3);
    assert_true(loopback_number(loop, "SELECT count(*) FROM loop") > loops);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(every_scene_that_a_hand_opens_has_its_loops),
        LOOP_TEST(what_was_opened_goes_on_where_it_stopped),
    };
    return LOOPBACK_RUN(tests);
}
