/* Options of commands, and cursors: what a command takes out of its words, what it refuses, and
 * that a cursor is a number and nothing else is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "module/module.h"

enum { WORDS_MAX = 8 };

static int words_of(char *copy, size_t size, const char *line, char **argv)
{
    int argc = 0;
    snprintf(copy, size, "%s", line);
    for (char *rest = copy, *word; (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    return argc;
}

static void an_option_is_taken_out_with_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *line, *value, *rest; /* value NULL: absent; rest NULL: refused */
    } rows[] = {
        {"a --at x b", "x", "a b"},   {"--at=x", "x", ""},        {"a b", NULL, "a b"},
        {"--at= b", "", "b"},         {"a --at", NULL, NULL},     {"--at x --at y", NULL, NULL},
        {"--at=x --at y", NULL, NULL}, {"--attic x", NULL, "--attic x"},
        {"--at --at", "--at", ""},    {"-at x", NULL, "-at x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char copy[100], rest[100] = "", *argv[WORDS_MAX];
        struct error err;
        const char *value;
        int argc = words_of(copy, sizeof copy, rows[i].line, argv);
        bool done = command_option(&argc, argv, "--at", &value, &err);
        assert_int_equal(done, rows[i].rest != NULL);
        if (!done) {
            assert_int_equal(err.code, ERROR_USAGE);
            assert_string_equal(err.field, "--at");
            continue;
        }
        for (int k = 0; k < argc; k++)
            snprintf(rest + strlen(rest), sizeof rest - strlen(rest), k ? " %s" : "%s", argv[k]);
        assert_string_equal(rest, rows[i].rest);
        assert_int_equal(value != NULL, rows[i].value != NULL);
        if (value)
            assert_string_equal(value, rows[i].value);
    }
}

static void flags_are_taken_out_and_what_is_left_is_counted(void **state)
{
    (void)state;
    static const struct command command = {.name = "do", .usage = "A [B]"};
    char copy[100], *argv[WORDS_MAX];
    struct error err;
    int argc = words_of(copy, sizeof copy, "a --deep b --deep", argv);
    assert_true(command_flag(&argc, argv, "--deep"));
    assert_false(command_flag(&argc, argv, "--deep"));
    assert_int_equal(argc, 2);
    assert_true(command_arguments(&command, argc, argv, 1, 2, &err));
    assert_false(command_arguments(&command, argc, argv, 3, 3, &err));
    assert_string_equal(err.what, "an argument is missing");
    assert_string_equal(err.expected, "A [B]");
    assert_false(command_arguments(&command, argc, argv, 0, 1, &err));
    assert_string_equal(err.what, "too many arguments");
    argc = words_of(copy, sizeof copy, "a --shallow", argv);
    assert_false(command_arguments(&command, argc, argv, 0, 9, &err));
    assert_string_equal(err.what, "unknown option");
    assert_string_equal(err.field, "--shallow");
}

static bool read_cursor(const char *text, int64_t *ret_after)
{
    struct query_field field = {SLICE("after"), slice_of(text)};
    struct request request = {.query = &field, .query_count = 1};
    struct error err;
    return request_cursor(&request, ret_after, &err);
}

static void a_cursor_is_a_number_that_we_wrote(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 1, 255, 256, 4294967296, INT64_MAX};
    int64_t after;
    char text[32];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        cursor_format(numbers[i], text);
        assert_true(read_cursor(text, &after));
        assert_int_equal(after, numbers[i]);
        assert_true(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_") == strlen(text));
        text[strlen(text) - 1] ^= 1; /* the last byte is ours */
        assert_false(read_cursor(text, &after));
    }
    cursor_format(-1, text);
    assert_false(read_cursor(text, &after));
    assert_false(read_cursor("", &after));
    assert_false(read_cursor("0", &after));
}

static void headers_of_an_answer_are_kept_in_order(void **state)
{
    (void)state;
    struct response response = {0};
    response_header(&response, "A: 1");
    response_header(&response, "B: 2");
    assert_string_equal(response.headers[0], "A: 1");
    assert_string_equal(response.headers[1], "B: 2");
    assert_null(response.headers[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_taken_out_with_its_value),
        cmocka_unit_test(flags_are_taken_out_and_what_is_left_is_counted),
        cmocka_unit_test(a_cursor_is_a_number_that_we_wrote),
        cmocka_unit_test(headers_of_an_answer_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
