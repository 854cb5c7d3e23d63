/* Goal: an arena gives zeroed, aligned memory up to its maximum, runs its clean-ups last to first,
 * and what was given back cannot be read unnoticed. */
#include <stdint.h>

#include "base/test_support.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static void memory_from_an_arena_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    unsigned char *previous = NULL;
    size_t previous_bytes = 0;
    for (size_t bytes = 1; bytes < 3 << 20; bytes = bytes * 3 + 1) {
        unsigned char *memory = arena_alloc(&arena, bytes);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xAA, bytes);
        if (previous)
            for (size_t i = 0; i < previous_bytes; i++)
                assert_int_equal(previous[i], 0xAA);
        previous = memory;
        previous_bytes = bytes;
    }
    arena_clear(&arena);
    assert_int_equal(arena.used_bytes, 0);
    unsigned char *again = arena_alloc(&arena, 1000); /* the kept block is zeroed again */
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(again[i], 0);
    arena_release(&arena);
}

static void texts_live_in_the_arena(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char source[] = "bed 12";
    char *copy = arena_copy(&arena, source, 3);
    memset(source, 'x', sizeof source);
    assert_string_equal(copy, "bed");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_string_equal(arena_print(&arena, "%s-%05d", "row", 42), "row-00042");
    char *empty = arena_alloc(&arena, 0);
    assert_non_null(empty);
    arena_release(&arena);
}

static char order[8];
static void note_a(void *context)
{
    strcat(order, context);
}
static void clean_ups_run_last_registered_first_and_once(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    order[0] = '\0';
    arena_on_clear(&arena, note_a, "1");
    arena_on_clear(&arena, note_a, "2");
    arena_on_clear(&arena, note_a, "3");
    arena_clear(&arena);
    assert_string_equal(order, "321");
    arena_clear(&arena);
    assert_string_equal(order, "321");
    arena_on_clear(&arena, note_a, "4");
    arena_release(&arena);
    assert_string_equal(order, "3214");
    arena_release(&arena);
    assert_string_equal(order, "3214");
    struct arena zeroed = {0};
    arena_release(&zeroed);
}

static void pass_the_maximum(void *context)
{
    arena_alloc(context, 513);
}
static void ask_for_all_memory(void *context)
{
    arena_alloc(context, SIZE_MAX);
}
static void passing_the_maximum_ends_the_process(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    arena_alloc(&arena, 512);
    test_aborts(pass_the_maximum, &arena);
    test_aborts(ask_for_all_memory, &arena);
    arena_alloc(&arena, 512); /* exactly the rest */
    arena_release(&arena);
}

static void what_an_arena_took_back_is_poisoned(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *memory = arena_alloc(&arena, 32);
    assert_false(__asan_address_is_poisoned(memory));
    assert_false(__asan_address_is_poisoned(memory + 31));
    assert_true(__asan_address_is_poisoned(memory + 32)); /* the unused rest */
    arena_clear(&arena);
    assert_true(__asan_address_is_poisoned(memory));
    arena_release(&arena);
#endif
}

static void a_size_from_outside_that_cannot_be_had_is_null(void **state)
{
    (void)state;
    assert_null(x_try_alloc(SIZE_MAX / 2, 4)); /* count × size overflows */
    unsigned char *memory = x_try_alloc(10, 3);
    assert_non_null(memory);
    for (int i = 0; i < 30; i++)
        assert_int_equal(memory[i], 0);
    free(memory);
    void *nothing = x_try_alloc(0, 0);
    assert_non_null(nothing);
    free(nothing);
}

static void ask_for_too_much(void *context)
{
    (void)context;
    free(x_alloc(SIZE_MAX / 2, 4));
}
static void our_own_allocation_never_returns_null(void **state)
{
    (void)state;
    test_aborts(ask_for_too_much, NULL);
    char *memory = x_alloc(4, 1);
    memcpy(memory, "abc", 4);
    memory = x_realloc(memory, 100000);
    assert_string_equal(memory, "abc");
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_from_an_arena_is_zeroed_aligned_and_apart),
        cmocka_unit_test(texts_live_in_the_arena),
        cmocka_unit_test(clean_ups_run_last_registered_first_and_once),
        cmocka_unit_test(passing_the_maximum_ends_the_process),
        cmocka_unit_test(what_an_arena_took_back_is_poisoned),
        cmocka_unit_test(a_size_from_outside_that_cannot_be_had_is_null),
        cmocka_unit_test(our_own_allocation_never_returns_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
