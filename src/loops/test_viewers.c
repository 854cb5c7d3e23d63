/* Goal: a view is told of to others exactly from when it is said until it ends, moves or is not
 * renewed; every table has its bound, and what finds no place is counted. Runs under
 * ThreadSanitizer too. */
#include "loops/viewers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LEASE = 30 };
static const struct viewer_limits small = {
    .lease_seconds = LEASE, .renew_seconds = 10, .loops = 3, .views_a_loop = 4, .views_a_user = 3};

static struct view view_on(int64_t loop_no, int64_t user_no, const char *page)
{
    struct view view = {.loop_no = loop_no, .user_no = user_no};
    snprintf(view.page, sizeof view.page, "%s", page);
    snprintf(view.name, sizeof view.name, "user-%lld", (long long)user_no);
    view.session[0] = (unsigned char)user_no;
    return view;
}

static bool say(struct viewers *viewers, int64_t loop_no, int64_t user_no, const char *page,
                int64_t second)
{
    struct view view = view_on(loop_no, user_no, page);
    return viewers_put(viewers, &view, second * SECOND, second * SECOND);
}

/* Numbers of the others on a loop, as one text. */
static const char *others(struct viewers *viewers, int64_t loop_no, int64_t but, int64_t second)
{
    static char text[200];
    struct view found[8];
    size_t count = viewers_of(viewers, loop_no, but, second * SECOND, found, 8);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld%s", i ? " " : "",
                 (long long)found[i].user_no, found[i].writing ? "w" : "");
    return text;
}

static void others_are_told_once_each_and_nobody_of_themselves(void **state)
{
    (void)state;
    struct viewers *viewers = viewers_open(&small);
    assert_true(say(viewers, 7, 1, "tab-1", 0));
    assert_string_equal(others(viewers, 7, 1, 0), "");
    assert_true(say(viewers, 7, 2, "tab-1", 1));
    assert_true(say(viewers, 7, 2, "tab-2", 2));
    assert_string_equal(others(viewers, 7, 1, 2), "2");
    assert_string_equal(others(viewers, 7, 2, 2), "1");
    assert_string_equal(others(viewers, 7, 3, 2), "1 2");
    assert_string_equal(others(viewers, 8, 1, 2), "");
    struct view found[1];
    assert_int_equal(viewers_of(viewers, 7, 1, 2 * SECOND, found, 1), 1);
    assert_int_equal(found[0].since, 1 * SECOND);
    viewers_close(viewers);
}

static void a_view_ends_when_its_page_its_session_or_its_lease_does(void **state)
{
    (void)state;
    struct viewers *viewers = viewers_open(&small);
    const unsigned char second_user[VIEW_SESSION_BYTES] = {2};
    say(viewers, 7, 1, "a", 0);
    say(viewers, 7, 2, "b", 0);
    say(viewers, 8, 2, "c", 0);
    viewers_remove(viewers, 8, 1, SLICE("a")); /* it is on loop 7 */
    assert_string_equal(others(viewers, 7, 9, 0), "1 2");
    viewers_remove(viewers, 7, 1, SLICE("b")); /* another's page */
    assert_string_equal(others(viewers, 7, 9, 0), "1 2");
    viewers_remove(viewers, 7, 1, SLICE("a"));
    assert_string_equal(others(viewers, 7, 9, 0), "2");
    viewers_end(viewers, second_user);
    assert_string_equal(others(viewers, 7, 9, 0), "");
    assert_string_equal(others(viewers, 8, 9, 0), "");
    say(viewers, 7, 1, "a", 0);
    say(viewers, 7, 1, "a", 20); /* renewed */
    assert_string_equal(others(viewers, 7, 9, LEASE + 19), "1");
    assert_string_equal(others(viewers, 7, 9, LEASE + 20), ""); /* also before the sweep */
    viewers_sweep(viewers, (LEASE + 19) * SECOND);
    assert_int_equal(viewers_counts(viewers).views, 1);
    viewers_sweep(viewers, (LEASE + 20) * SECOND);
    assert_int_equal(viewers_counts(viewers).views, 0);
    viewers_close(viewers);
}

static void a_page_that_moves_on_leaves_the_loop_before(void **state)
{
    (void)state;
    struct viewers *viewers = viewers_open(&small);
    say(viewers, 7, 1, "a", 0);
    say(viewers, 8, 1, "a", 5);
    assert_string_equal(others(viewers, 7, 9, 5), "");
    assert_string_equal(others(viewers, 8, 9, 5), "1");
    viewers_close(viewers);
}

static void the_turn_moves_with_what_others_see_and_with_acts_only(void **state)
{
    (void)state;
    struct viewers *viewers = viewers_open(&small);
    assert_int_equal(viewers_turn(viewers, 1), 0);
    say(viewers, 7, 1, "a", 0);
    uint64_t turn = viewers_turn(viewers, 1);
    assert_true(turn > 0);
    say(viewers, 7, 1, "a", 1); /* a renewal changes nothing */
    say(viewers, 8, 2, "b", 1); /* nor does another loop */
    assert_int_equal(viewers_turn(viewers, 1), turn);
    say(viewers, 7, 2, "c", 1);
    assert_true(viewers_turn(viewers, 1) > turn);
    turn = viewers_turn(viewers, 1);
    struct view writing = view_on(7, 2, "c");
    writing.writing = true;
    viewers_put(viewers, &writing, 1 * SECOND, 1 * SECOND);
    assert_true(viewers_turn(viewers, 1) > turn);
    assert_string_equal(others(viewers, 7, 1, 1), "2w");
    turn = viewers_turn(viewers, 1);
    viewers_acted(viewers, 7, 100); /* the first look says what is known */
    viewers_acted(viewers, 9, 100); /* nobody has it open */
    assert_int_equal(viewers_turn(viewers, 1), turn);
    viewers_acted(viewers, 7, 101);
    assert_true(viewers_turn(viewers, 1) > turn);
    turn = viewers_turn(viewers, 1);
    viewers_acted(viewers, 7, 101);
    viewers_acted(viewers, 7, 100); /* read before the other, said after it */
    assert_int_equal(viewers_turn(viewers, 1), turn);
    viewers_remove(viewers, 7, 2, SLICE("c"));
    assert_true(viewers_turn(viewers, 1) > turn);
    assert_int_equal(viewers_turn(viewers, 3), 0);
    viewers_close(viewers);
}

static void the_tables_are_bounded_and_what_finds_no_place_is_counted(void **state)
{
    (void)state;
    struct viewers *viewers = viewers_open(&small);
    int64_t loops[8];
    for (int user = 1; user <= 4; user++)
        assert_true(say(viewers, 7, user, "a", 0));
    assert_false(say(viewers, 7, 5, "a", 0)); /* four a loop */
    assert_int_equal(viewers_counts(viewers).unlisted, 1);
    assert_string_equal(others(viewers, 7, 5, 0), "1 2 3 4"); /* it is still told of others */
    assert_true(say(viewers, 7, 4, "a", 1));                  /* who has a place keeps it */
    assert_true(say(viewers, 8, 5, "a", 1));
    assert_true(say(viewers, 9, 5, "b", 2));
    assert_false(say(viewers, 10, 6, "a", 2)); /* three loops */
    assert_int_equal(viewers_loops(viewers, loops, 8), 3);
    assert_true(say(viewers, 8, 5, "c", 3));
    assert_true(say(viewers, 8, 5, "d", 4)); /* three a user: the oldest goes */
    assert_int_equal(viewers_counts(viewers).views, 4 + 3);
    viewers_remove(viewers, 9, 5, SLICE("b"));
    assert_true(say(viewers, 10, 6, "a", 4)); /* a loop that nobody has open gives its place */
    assert_int_equal(viewers_counts(viewers).unlisted, 2);
    viewers_close(viewers);
}

/* ---- Several threads */

enum { THREADS = 4, ROUNDS = 2000 };
struct walker {
    struct viewers *viewers;
    int64_t user_no;
};

static void *walk(void *argument)
{
    const struct walker *walker = argument;
    struct viewers *viewers = walker->viewers;
    struct view found[8];
    int64_t loops[8];
    for (int64_t round = 0; round < ROUNDS; round++) {
        int64_t loop_no = 1 + (round + walker->user_no) % 5;
        say(viewers, loop_no, walker->user_no, "a", round);
        viewers_acted(viewers, loop_no, round + 1);
        assert_true(viewers_of(viewers, loop_no, walker->user_no, round * SECOND, found, 8) < 8);
        assert_true(viewers_turn(viewers, walker->user_no) <= viewers_last_turn(viewers));
        assert_true(viewers_loops(viewers, loops, 8) <= 3);
        if (round % 16 == 0)
            viewers_sweep(viewers, round * SECOND);
    }
    viewers_remove(viewers, 1 + (ROUNDS - 1 + walker->user_no) % 5, walker->user_no, SLICE("a"));
    return NULL;
}

static void threads_share_it(void **state)
{
    (void)state;
    struct viewers *viewers = viewers_open(&small);
    struct walker walkers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        walkers[i] = (struct walker){viewers, i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, walk, &walkers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(viewers_counts(viewers).views, 0); /* each took its last one away */
    viewers_close(viewers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_told_once_each_and_nobody_of_themselves),
        cmocka_unit_test(a_view_ends_when_its_page_its_session_or_its_lease_does),
        cmocka_unit_test(a_page_that_moves_on_leaves_the_loop_before),
        cmocka_unit_test(the_turn_moves_with_what_others_see_and_with_acts_only),
        cmocka_unit_test(the_tables_are_bounded_and_what_finds_no_place_is_counted),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
