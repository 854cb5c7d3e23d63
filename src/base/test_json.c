/* Goal: whatever a body holds, it is read whole or refused with its place, and what we write is
 * what we would read. */
#include <math.h>

#include "base/test_support.h"

static enum error_code read_code(struct slice text)
{
    struct error err = {0};
    json_t *document = NULL;
    if (json_read(text, "body", &document, &err)) {
        json_decref(document);
        return ERROR_NONE;
    }
    assert_null(document);
    assert_string_equal(err.source, "body");
    return err.code;
}

static void one_well_formed_document_is_read_and_nothing_else(void **state)
{
    (void)state;
    static const char *const good[] = {"{}", "[]", " {\"a\":[1,2.5,true,null,\"x\"]} ", "3",
                                       "\"text\"", "{\"城\":\"脉\"}", "\"\\ud83d\\ude00\"", "1e308"};
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "{}{}",               /* two documents */
        "{} x",
        "{\"a\":1,\"a\":2}",  /* a doubled key */
        "{a:1}",
        "{'a':1}",
        "[1,]",
        "{\"a\":1,}",
        "[1 2]",
        "01",
        "+1",
        "1.",
        ".5",
        "1e999",              /* a huge number */
        "123456789012345678901234567890",
        "-9223372036854775809",
        "NaN",
        "Infinity",
        "\"\\u0000\"",        /* NUL in a text */
        "\"\\ud800\"",        /* half a pair */
        "\"\\x41\"",
        "\"a\nb\"",           /* a raw line break */
        "\"\xC0\xAF\"",       /* not UTF-8 */
        "\"\xED\xA0\x80\"",
        "\xEF\xBB\xBF{}",     /* a byte order mark */
        "/* comment */ {}",
    };
    for (size_t i = 0; i < ROWS(good); i++)
        if (read_code(slice_of(good[i])) != ERROR_NONE)
            fail_msg("'%s' was refused", good[i]);
    for (size_t i = 0; i < ROWS(bad); i++)
        if (read_code(slice_of(bad[i])) != ERROR_SYNTAX)
            fail_msg("'%s' was read", bad[i]);
    assert_int_equal(read_code((struct slice){"{}\0", 3}), ERROR_SYNTAX);
    assert_int_equal(read_code((struct slice){"\"a\0b\"", 5}), ERROR_SYNTAX);
    assert_int_equal(read_code((struct slice){NULL, 0}), ERROR_SYNTAX);
}

static void nesting_is_bounded_whatever_its_depth(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    struct buffer text;
    buffer_init(&text, 2 << 20);
    for (int i = 0; i < DEPTH; i++)
        buffer_append(&text, "[", 1);
    assert_int_equal(read_code(buffer_slice(&text)), ERROR_SYNTAX);
    for (int i = 0; i < DEPTH; i++)
        buffer_append(&text, "]", 1);
    assert_int_equal(read_code(buffer_slice(&text)), ERROR_SYNTAX);
    buffer_clear(&text);
    for (int i = 0; i < DEPTH; i++)
        buffer_append_text(&text, "{\"a\":");
    assert_int_equal(read_code(buffer_slice(&text)), ERROR_SYNTAX);
    buffer_clear(&text);
    for (int i = 0; i < 2048; i++)
        buffer_append(&text, "[", 1);
    for (int i = 0; i < 2048; i++)
        buffer_append(&text, "]", 1);
    assert_int_equal(read_code(buffer_slice(&text)), ERROR_NONE); /* the depth that is promised */
    buffer_release(&text);
}

static void a_syntax_error_names_its_line(void **state)
{
    (void)state;
    struct error err;
    json_t *document;
    assert_false(json_read(SLICE("{\n \"a\": 1,\n \"b\": x\n}"), "rules.json", &document, &err));
    assert_string_equal(err.source, "rules.json");
    assert_int_equal(err.row, 3);
    assert_non_null(strstr(err.what, "JSON: "));
}

static json_t *object_of(const char *text)
{
    struct error err;
    json_t *object;
    test_done_or_fail(json_read(slice_of(text), "test", &object, &err), &err);
    return object;
}

static void expect_refusal(const struct error *err, const char *field, const char *expected)
{
    assert_int_equal(err->code, ERROR_BAD_VALUE);
    assert_string_equal(err->source, "results");
    assert_int_equal(err->row, 12);
    assert_string_equal(err->field, field);
    assert_string_equal(err->expected, expected);
}

static void a_refused_field_names_source_row_field_and_expectation(void **state)
{
    (void)state;
    json_t *object = object_of("{\"n\":3,\"big\":11,\"half\":1.5,\"text\":\"x\",\"none\":null,"
                               "\"time\":\"2022-04-14\",\"ok\":\"2022-04-14T14:30:00+08:00\"}");
    const struct json_place required = {"results", 12, true};
    const char *number = "a whole number from 1 to 10";
    const char *moment = "an RFC 3339 time with its offset";
    struct error err;
    struct slice text;
    int64_t value;
    timestamp time;
    assert_false(json_text(object, "n", required, &text, &err));
    expect_refusal(&err, "n", "a text");
    assert_false(json_text(object, "absent", required, &text, &err));
    expect_refusal(&err, "absent", "a text");
    assert_string_equal(err.what, "missing");
    assert_false(json_text(object, "none", required, &text, &err));
    expect_refusal(&err, "none", "a text");
    assert_false(json_int64(object, "text", required, 1, 10, &value, &err));
    expect_refusal(&err, "text", number);
    assert_false(json_int64(object, "half", required, 1, 10, &value, &err));
    expect_refusal(&err, "half", number);
    assert_false(json_int64(object, "big", required, 1, 10, &value, &err));
    expect_refusal(&err, "big", number);
    assert_false(json_time(object, "time", required, &time, &err));
    expect_refusal(&err, "time", moment);
    assert_false(json_time(object, "n", required, &time, &err));
    expect_refusal(&err, "n", "a text");
    json_t *array = object_of("[]");
    assert_false(json_text(array, "n", required, &text, &err));
    expect_refusal(&err, "n", "a JSON object");
    json_decref(array);
    json_decref(object);
}

static void good_fields_are_read_and_absent_ones_are_neutral_where_allowed(void **state)
{
    (void)state;
    json_t *object = object_of("{\"n\":3,\"text\":\"x\",\"empty\":\"\",\"none\":null,"
                               "\"time\":\"2022-04-14T14:30:00+08:00\"}");
    const struct json_place required = {"results", 12, true}, allowed = {"results", 12, false};
    struct error err;
    struct slice text;
    int64_t value;
    timestamp time;
    assert_true(json_text(object, "text", required, &text, &err));
    test_slice_is(text, "x");
    assert_true(json_text(object, "empty", required, &text, &err));
    assert_non_null(text.data);
    assert_int_equal(text.length, 0);
    assert_true(json_int64(object, "n", required, 3, 3, &value, &err));
    assert_int_equal(value, 3);
    assert_true(json_time(object, "time", required, &time, &err));
    assert_true(time == 1649917800 * SECOND);
    for (int k = 0; k < 2; k++) {
        const char *field = k ? "none" : "absent";
        value = 7;
        assert_true(json_text(object, field, allowed, &text, &err));
        assert_null(text.data);
        assert_true(json_int64(object, field, allowed, 5, 6, &value, &err));
        assert_int_equal(value, 0);
        assert_true(json_time(object, field, allowed, &time, &err));
        assert_true(time == TIMESTAMP_NONE);
    }
    json_decref(object);
}

static void unknown_fields_are_named(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", NULL};
    const struct json_place place = {"results", 12, true};
    struct error err;
    json_t *object = object_of("{\"b\":1}");
    assert_true(json_only_fields(object, names, place, &err));
    json_decref(object);
    object = object_of("{\"a\":1,\"colour\":\"red\"}");
    assert_false(json_only_fields(object, names, place, &err));
    expect_refusal(&err, "colour", "no such field");
    json_decref(object);
}

static void what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_object_begin(&writer);
    json_field_text(&writer, "text", SLICE("a\"b\\c\n\t\x01城/"));
    json_field_text(&writer, "nothing", (struct slice){NULL, 0});
    json_field_int64(&writer, "low", INT64_MIN);
    json_field_int64(&writer, "high", INT64_MAX);
    json_field_double(&writer, "tenth", 0.1);
    json_field_double(&writer, "third", 1.0 / 3);
    json_field_double(&writer, "nan", NAN);
    json_field_double(&writer, "infinite", -INFINITY);
    json_field_bool(&writer, "yes", true);
    json_field_time(&writer, "at", 1649917800 * SECOND);
    json_field_time(&writer, "never", TIMESTAMP_NEVER);
    json_field_time(&writer, "none", TIMESTAMP_NONE);
    json_field_null(&writer, "null");
    json_key(&writer, "list");
    json_array_begin(&writer);
    json_put_int64(&writer, 1);
    json_put_bool(&writer, false);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    assert_string_equal(
        out.data,
        "{\"text\":\"a\\\"b\\\\c\\n\\t\\u0001城/\",\"nothing\":\"\","
        "\"low\":-9223372036854775808,\"high\":9223372036854775807,\"tenth\":0.1,"
        "\"third\":0.33333333333333331,\"nan\":null,\"infinite\":null,\"yes\":true,"
        "\"at\":\"2022-04-14T14:30:00+08:00\",\"never\":null,\"none\":null,\"null\":null,"
        "\"list\":[1,false]}");
    json_t *document = object_of(out.data);
    test_slice_is(slice_of(json_string_value(json_object_get(document, "text"))),
                  "a\"b\\c\n\t\x01城/");
    assert_true(json_real_value(json_object_get(document, "third")) == 1.0 / 3);
    json_decref(document);
    buffer_release(&out);
}

static void close_what_is_not_open(void *context)
{
    json_object_end(context);
}
static void wrong_order_of_writing_is_a_bug(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 10);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_array_begin(&writer);
    json_array_end(&writer);
    test_aborts(close_what_is_not_open, &writer);
    json_writer_release(&writer);
    json_writer_release(&writer);
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_well_formed_document_is_read_and_nothing_else),
        cmocka_unit_test(nesting_is_bounded_whatever_its_depth),
        cmocka_unit_test(a_syntax_error_names_its_line),
        cmocka_unit_test(a_refused_field_names_source_row_field_and_expectation),
        cmocka_unit_test(good_fields_are_read_and_absent_ones_are_neutral_where_allowed),
        cmocka_unit_test(unknown_fields_are_named),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(wrong_order_of_writing_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
