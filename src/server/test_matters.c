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

/* No text says that it is one: the demo city's settings have words for every text that a scene
 * demands of a hand. */
static void texts_of_what_was_opened_are_those_of_the_settings(void **state)
{
    struct loopback *loop = *state;
    int64_t topics = 0;
    (void)open_all(loop, 1000);
    int64_t last = loopback_number(loop, "SELECT max(loop_no) FROM loop");
    for (int64_t no = 1; no <= last; no++) {
        char path[80];
        snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)no);
        struct answer answer = as(loop, "command", HTTP_GET, path, NULL);
        assert_int_equal(answer.status, 200);
        const char *text = answer.response.body.data;
        if (strstr(text, "\"DEMO "))
            fail_msg("loop %lld: %.2000s", (long long)no, text);
        topics += strstr(text, "\"进门先扫码，各扫各的\"") != NULL;
        answer_release(&answer);
    }
    assert_int_equal(topics, 1);
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
        LOOP_TEST(texts_of_what_was_opened_are_those_of_the_settings),
        LOOP_TEST(what_was_opened_goes_on_where_it_stopped),
    };
    return LOOPBACK_RUN(tests);
}
