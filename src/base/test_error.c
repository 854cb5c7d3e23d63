/* Goal: every error tells the same thing to HTTP, shell and people, on one line, whatever outside
 * text it quotes. */
#include <errno.h>

#include "base/test_support.h"

/* The contract: these numbers are what scripts and clients rely on. */
static const struct {
    enum error_code code;
    const char *type;
    int http_status;
    int exit_code;
} contract[] = {
    {ERROR_BAD_VALUE, "bad-value", 400, 2},
    {ERROR_SYNTAX, "syntax", 400, 2},
    {ERROR_USAGE, "usage", 400, 2},
    {ERROR_TOO_LARGE, "too-large", 413, 2},
    {ERROR_UNKNOWN_EVIDENCE, "unknown-evidence-kind", 422, 4},
    {ERROR_UNAUTHENTICATED, "unauthenticated", 401, 4},
    {ERROR_FORBIDDEN, "forbidden", 403, 4},
    {ERROR_PURPOSE, "purpose-required", 403, 4},
    {ERROR_NOT_FOUND, "not-found", 404, 1},
    {ERROR_METHOD, "method-not-allowed", 405, 2},
    {ERROR_CONFLICT, "conflict", 409, 4},
    {ERROR_KEY_REUSED, "idempotency-key-reused", 409, 4},
    {ERROR_GONE, "gone", 410, 4},
    {ERROR_REFUSED, "refused", 403, 4},
    {ERROR_CORRUPT, "corrupt", 500, 3},
    {ERROR_DISK_FULL, "disk-full", 503, 3},
    {ERROR_IO, "io", 503, 3},
    {ERROR_LIMITED, "too-many-requests", 429, 4},
    {ERROR_BUSY, "busy", 503, 3},
    {ERROR_OWNED, "owned", 503, 3},
    {ERROR_ENVIRONMENT, "environment", 500, 3},
    {ERROR_MEMORY, "memory", 503, 3},
};

static void every_code_keeps_its_type_status_and_exit_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(contract); i++) {
        const struct error_kind *kind = error_kind(contract[i].code);
        assert_string_equal(kind->type, contract[i].type);
        assert_int_equal(kind->http_status, contract[i].http_status);
        assert_int_equal(kind->exit_code, contract[i].exit_code);
    }
    assert_int_equal(ROWS(contract), ERROR_CODE_COUNT - 1);
}

static void every_code_has_words_in_both_languages_and_a_type_of_its_own(void **state)
{
    (void)state;
    for (int code = 1; code < ERROR_CODE_COUNT; code++) {
        const struct error_kind *kind = error_kind((enum error_code)code);
        assert_true(slice_is_utf8(slice_of(kind->title_zh)));
        assert_true((unsigned char)kind->title_zh[0] >= 0xE4); /* begins with a Chinese character */
        assert_in_range(kind->title_en[0], 'A', 'Z');
        for (int other = 1; other < code; other++)
            assert_string_not_equal(kind->type, error_kind((enum error_code)other)->type);
    }
}

static void ask_for_no_code(void *context)
{
    (void)context;
    error_kind(ERROR_NONE);
}
static void ask_past_the_table(void *context)
{
    (void)context;
    error_kind(ERROR_CODE_COUNT);
}
static void a_code_outside_the_table_is_a_bug(void **state)
{
    (void)state;
    test_aborts(ask_for_no_code, NULL);
    test_aborts(ask_past_the_table, NULL);
}

static void an_error_carries_what_where_and_what_was_expected(void **state)
{
    (void)state;
    struct error err = {.what = "left over", .row = 9, .field = "old"};
    assert_false(error_set(&err, ERROR_BAD_VALUE, (struct error_place){"people.csv", 3, "sex"},
                           "m or f", "'%s' is neither", "x"));
    assert_int_equal(err.code, ERROR_BAD_VALUE);
    assert_string_equal(err.what, "'x' is neither");
    assert_string_equal(err.source, "people.csv");
    assert_int_equal(err.row, 3);
    assert_string_equal(err.field, "sex");
    assert_string_equal(err.expected, "m or f");
    error_set(&err, ERROR_IO, (struct error_place){0}, NULL, "later");
    assert_string_equal(err.source, "");
    assert_int_equal(err.row, 0);
    assert_string_equal(err.field, "");
    assert_string_equal(err.expected, "");
}

static const struct {
    struct error_place place;
    const char *expected, *what, *line;
} lines[] = {
    {{0}, NULL, "no", "error: no"},
    {{"f.csv", 0, NULL}, NULL, "no", "error: no, f.csv"},
    {{"f.csv", 7, NULL}, NULL, "no", "error: no, f.csv, row 7"},
    {{"f.csv", 7, "age"}, "a year", "no", "error: no, f.csv, row 7, field age, expected a year"},
    {{NULL, 0, "age"}, NULL, "no", "error: no, field age"},
    {{NULL, -1, NULL}, "a year", "no", "error: no, expected a year"},
    {{"a\nb", 0, "c\rd"}, NULL, "1\n2\r\n3", "error: 1 2  3, a b, field c d"},
    {{0}, NULL, "\x1b[2Jclear\tit\x7f", "error:  [2Jclear it "},
    {{0}, NULL, "城\xFF脉\xE5\x9F", "error: 城?脉??"},
};

static void an_error_line_is_one_line_without_control_characters(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        struct error err;
        char line[900];
        error_set(&err, ERROR_BAD_VALUE, lines[i].place, lines[i].expected, "%s", lines[i].what);
        error_line(&err, line, sizeof line);
        assert_string_equal(line, lines[i].line);
    }
}

static void long_quoted_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[1200];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "城", 4);
        struct error err;
        error_set(&err, ERROR_BAD_VALUE, (struct error_place){text, 0, text}, text, "%s", text);
        assert_true(slice_is_utf8(slice_of(err.what)));
        assert_true(slice_is_utf8(slice_of(err.source)));
        assert_true(slice_is_utf8(slice_of(err.field)));
        assert_true(slice_is_utf8(slice_of(err.expected)));
        assert_in_range(strlen(err.source), sizeof err.source - 4, sizeof err.source - 1);
        char line[900];
        error_line(&err, line, sizeof line);
        assert_true(slice_is_utf8(slice_of(line)));
    }
}

static void a_small_line_buffer_cuts_and_stays_a_text(void **state)
{
    (void)state;
    struct error err;
    char line[16];
    memset(line, 'x', sizeof line);
    error_set(&err, ERROR_IO, (struct error_place){"source", 0, NULL}, NULL, "what happened");
    error_line(&err, line, 12);
    assert_string_equal(line, "error: what");
    assert_int_equal(line[12], 'x');
}

static void a_full_disk_is_told_apart_from_other_failures(void **state)
{
    (void)state;
    static const struct {
        int number;
        enum error_code code;
    } numbers[] = {{ENOSPC, ERROR_DISK_FULL}, {EDQUOT, ERROR_DISK_FULL}, {EIO, ERROR_IO},
                   {EACCES, ERROR_IO},        {EMFILE, ERROR_IO}};
    for (size_t i = 0; i < ROWS(numbers); i++) {
        struct error err;
        errno = numbers[i].number;
        assert_false(error_set_errno(&err, "log", "write"));
        assert_int_equal(err.code, numbers[i].code);
        assert_non_null(strstr(err.what, "write: "));
        assert_non_null(strstr(err.what, strerror(numbers[i].number)));
        assert_string_equal(err.source, "log");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_keeps_its_type_status_and_exit_code),
        cmocka_unit_test(every_code_has_words_in_both_languages_and_a_type_of_its_own),
        cmocka_unit_test(a_code_outside_the_table_is_a_bug),
        cmocka_unit_test(an_error_carries_what_where_and_what_was_expected),
        cmocka_unit_test(an_error_line_is_one_line_without_control_characters),
        cmocka_unit_test(long_quoted_text_is_cut_between_characters),
        cmocka_unit_test(a_small_line_buffer_cuts_and_stays_a_text),
        cmocka_unit_test(a_full_disk_is_told_apart_from_other_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
