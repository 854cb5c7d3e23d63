/* Goal: no outside byte gets past slices, numbers and text codes except the ones they promise. */
#include <math.h>

#include "base/test_support.h"

static const struct {
    const char *bytes;
    size_t length;
    bool good;
} utf8[] = {
    {"", 0, true},
    {"plain", 5, true},
    {"城脉", 6, true},
    {"\xC2\x80", 2, true},          /* lowest of two bytes */
    {"\xDF\xBF", 2, true},          /* highest of two */
    {"\xE0\xA0\x80", 3, true},      /* lowest of three */
    {"\xED\x9F\xBF", 3, true},      /* last before the surrogates */
    {"\xEE\x80\x80", 3, true},      /* first after them */
    {"\xEF\xBF\xBF", 3, true},
    {"\xF0\x90\x80\x80", 4, true},  /* lowest of four */
    {"\xF4\x8F\xBF\xBF", 4, true},  /* U+10FFFF */
    {"a\0b", 3, false},             /* NUL */
    {"\x80", 1, false},             /* continuation alone */
    {"\xBF", 1, false},
    {"\xC0\xAF", 2, false},         /* overlong '/' */
    {"\xC1\xBF", 2, false},
    {"\xE0\x9F\xBF", 3, false},     /* overlong */
    {"\xF0\x8F\xBF\xBF", 4, false}, /* overlong */
    {"\xED\xA0\x80", 3, false},     /* surrogate */
    {"\xED\xBF\xBF", 3, false},
    {"\xF4\x90\x80\x80", 4, false}, /* past U+10FFFF */
    {"\xF5\x80\x80\x80", 4, false},
    {"\xFF", 1, false},
    {"\xC2", 1, false},             /* cut */
    {"\xE5\x9F", 2, false},
    {"\xF0\x9F\x98", 3, false},
    {"\xC2\x41", 2, false},         /* second byte missing */
    {"\xE5\x41\x8E", 3, false},
    {"\xF0\x9F\x98\x41", 4, false},
};

static void utf8_is_accepted_and_refused_as_unicode_table_3_7_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(utf8); i++)
        if (slice_is_utf8((struct slice){utf8[i].bytes, utf8[i].length}) != utf8[i].good)
            fail_msg("row %zu", i);
}

static void copied_text_is_well_formed_and_cut_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *expected;
    } rows[] = {{"abc", 4, "abc"}, {"abc", 3, "ab"},   {"abc", 1, ""},     {"城脉", 7, "城脉"},
                {"城脉", 6, "城"}, {"城脉", 4, "城"},  {"城脉", 3, ""},    {"\xE5\x9F", 9, "??"},
                {"a\xFF城", 9, "a?城"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char out[16];
        memset(out, 'x', sizeof out);
        text_copy(out, rows[i].size, slice_of(rows[i].text));
        assert_string_equal(out, rows[i].expected);
        assert_int_equal(out[rows[i].size], 'x');
    }
    char out[8];
    text_copy(out, sizeof out, (struct slice){"a\0b", 3});
    assert_string_equal(out, "a?b");
    text_copy(out, sizeof out, (struct slice){NULL, 0});
    assert_string_equal(out, "");
}

static void whole_numbers_are_exactly_digits_within_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t low, high, value;
        bool good;
    } rows[] = {
        {"0", 0, 0, 0, true},
        {"-0", 0, 0, 0, true},
        {"007", 0, 9, 7, true},
        {"-5", -5, 5, -5, true},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, true},
        {"-9223372036854775807", INT64_MIN, INT64_MAX, -INT64_MAX, true},
        {"9223372036854775808", INT64_MIN, INT64_MAX, 0, false},
        {"99999999999999999999", INT64_MIN, INT64_MAX, 0, false},
        {"00000000000000000001", INT64_MIN, INT64_MAX, 0, false}, /* 20 digits */
        {"6", -5, 5, 0, false},
        {"-6", -5, 5, 0, false},
        {"", -5, 5, 0, false},
        {"-", -5, 5, 0, false},
        {"+1", -5, 5, 0, false},
        {" 1", -5, 5, 0, false},
        {"1 ", -5, 5, 0, false},
        {"1.0", -5, 5, 0, false},
        {"1e0", -5, 5, 0, false},
        {"0x1", -5, 5, 0, false},
        {"--1", -5, 5, 0, false},
        {"１", -5, 5, 0, false}, /* full-width digit */
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t value = 4711;
        bool good = slice_to_int64(slice_of(rows[i].text), rows[i].low, rows[i].high, &value);
        if (good != rows[i].good || value != (rows[i].good ? rows[i].value : 4711))
            fail_msg("'%s': %d, %lld", rows[i].text, good, (long long)value);
    }
}

static void decimal_numbers_are_finite_and_plain(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool good;
    } rows[] = {
        {"0", 0, true},        {"31.77", 31.77, true},   {"-1.5e-3", -0.0015, true},
        {".5", 0.5, true},     {"1e308", 1e308, true},   {"+2", 2, true},
        {"1e309", 0, false},   {"-1e999", 0, false},     {"nan", 0, false},
        {"inf", 0, false},     {"0x1p3", 0, false},      {"1,5", 0, false},
        {" 1", 0, false},      {"1 ", 0, false},         {"", 0, false},
        {"1.2.3", 0, false},   {"e5", 0, false},         {"--1", 0, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        double value = 4711;
        bool good = slice_to_double(slice_of(rows[i].text), &value);
        if (good != rows[i].good || value != (rows[i].good ? rows[i].value : 4711))
            fail_msg("'%s': %d, %g", rows[i].text, good, value);
    }
    double value = 4711;
    assert_false(slice_to_double((struct slice){"1\0", 2}, &value));
    char many[80];
    memset(many, '1', sizeof many);
    assert_false(slice_to_double((struct slice){many, sizeof many}, &value));
    assert_true(value == 4711);
}

static void slices_compare_by_bytes_and_trim_blanks(void **state)
{
    (void)state;
    static const char *const ordered[] = {"", "a", "a\x01", "ab", "b", "\x7f", "城", "脉"};
    for (size_t i = 0; i < ROWS(ordered); i++)
        for (size_t k = 0; k < ROWS(ordered); k++) {
            int order = slice_compare(slice_of(ordered[i]), slice_of(ordered[k]));
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
            assert_int_equal(slice_equal(slice_of(ordered[i]), slice_of(ordered[k])), i == k);
        }
    test_slice_is(slice_trim(SLICE(" \t\r\n a b \n")), "a b");
    test_slice_is(slice_trim(SLICE(" \t ")), "");
    test_slice_is(slice_trim(SLICE("")), "");
    assert_null(slice_of(NULL).data);
    assert_true(slice_equal((struct slice){NULL, 0}, SLICE("")));
}

static void a_buffer_grows_to_its_maximum_and_says_when_it_did_not_suffice(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    assert_int_equal(buffer_slice(&buffer).length, 0);
    assert_non_null(buffer_slice(&buffer).data);
    for (int i = 0; i < 100; i++)
        buffer_print(&buffer, "%010d", i);
    assert_false(buffer.overflow);
    assert_int_equal(buffer.length, 1000);
    assert_int_equal(buffer.data[1000], '\0');
    buffer_append(&buffer, "x", 1);
    assert_true(buffer.overflow);
    assert_int_equal(buffer.length, 1000); /* nothing half appended */
    buffer_append(&buffer, "", 0);
    assert_true(buffer.overflow);          /* stays until cleared */
    buffer_clear(&buffer);
    assert_false(buffer.overflow);
    buffer_append_text(&buffer, "again");
    test_slice_is(buffer_slice(&buffer), "again");
    buffer_append(&buffer, "x", SIZE_MAX); /* a length from outside wraps nothing */
    assert_true(buffer.overflow);
    buffer_release(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.max_bytes, 1000);
    buffer_release(&buffer);
}

static void base64url_goes_there_and_back_and_refuses_all_else(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text;
    } vectors[] = {{"", ""},          {"f", "Zg"},        {"fo", "Zm8"},        {"foo", "Zm9v"},
                   {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
                   {"\xFB\xFF\xFE", "-__-"}}; /* RFC 4648, section 10 and the URL alphabet */
    for (size_t i = 0; i < ROWS(vectors); i++) {
        char text[64], back[64];
        size_t length = strlen(vectors[i].plain);
        text_to_base64url(vectors[i].plain, length, text);
        assert_string_equal(text, vectors[i].text);
        assert_true(text_from_base64url(slice_of(text), back, length));
        assert_memory_equal(back, vectors[i].plain, length);
    }
    static const char *const refused[] = {"Zm9v=", "Zm9vY", "Zm+v",  "Zm/v", "Zm 9v", "Zm9v\n",
                                          "Zm9",   "Zm9vZ", "Zm9vZm9v", "",  "Zm9\xC3"};
    for (size_t i = 0; i < ROWS(refused); i++) {
        char back[3];
        if (text_from_base64url(slice_of(refused[i]), back, sizeof back))
            fail_msg("'%s'", refused[i]);
    }
    char one[1];
    assert_true(text_from_base64url(SLICE("Zg"), one, 1));
    assert_false(text_from_base64url(SLICE("Zh"), one, 1)); /* spare bits that are not zero */
}

static void hex_is_lower_case_and_terminated(void **state)
{
    (void)state;
    char out[9];
    memset(out, 'x', sizeof out);
    text_to_hex("\x00\x7f\xAB\xff", 4, out);
    assert_string_equal(out, "007fabff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_accepted_and_refused_as_unicode_table_3_7_says),
        cmocka_unit_test(copied_text_is_well_formed_and_cut_whole),
        cmocka_unit_test(whole_numbers_are_exactly_digits_within_their_range),
        cmocka_unit_test(decimal_numbers_are_finite_and_plain),
        cmocka_unit_test(slices_compare_by_bytes_and_trim_blanks),
        cmocka_unit_test(a_buffer_grows_to_its_maximum_and_says_when_it_did_not_suffice),
        cmocka_unit_test(base64url_goes_there_and_back_and_refuses_all_else),
        cmocka_unit_test(hex_is_lower_case_and_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
