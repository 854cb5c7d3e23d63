/* Goal: RFC 3339 in and out is exact, and the city's day is the local one. */
#include "base/test_support.h"

static const struct {
    const char *text;
    int64_t seconds;
    int64_t microseconds;
} read_rows[] = {
    {"1970-01-01T00:00:00Z", 0, 0},
    {"1970-01-01t00:00:00z", 0, 0},
    {"1970-01-01T08:00:00+08:00", 0, 0},
    {"1969-12-31T16:00:00-08:00", 0, 0},
    {"1969-12-31T23:59:59Z", -1, 0},
    {"1969-12-31T23:59:59.25Z", -1, 250000},
    {"1969-07-20T20:17:40Z", -14182940, 0},
    {"2022-04-14T14:30:00+08:00", 1649917800, 0},
    {"2022-04-14T06:30:00Z", 1649917800, 0},
    {"2022-04-14T06:30:00-00:00", 1649917800, 0},
    {"2022-04-14T12:15:00+05:45", 1649917800, 0},
    {"2022-04-15T06:29:00+23:59", 1649917800, 0},
    {"2000-02-29T00:00:00Z", 951782400, 0},  /* leap: divisible by 400 */
    {"2024-02-29T23:59:59Z", 1709251199, 0},
    {"1900-01-01T00:00:00Z", -2208988800, 0},
    {"2199-12-31T23:59:59Z", 7258118399, 0},
    {"2022-04-14T06:30:00.1Z", 1649917800, 100000},
    {"2022-04-14T06:30:00.000001Z", 1649917800, 1},
    {"2022-04-14T06:30:00.1234567899Z", 1649917800, 123456}, /* finer is cut */
};

static void rfc_3339_times_are_read_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(read_rows); i++) {
        timestamp time;
        if (!time_parse(slice_of(read_rows[i].text), &time) ||
            time != read_rows[i].seconds * SECOND + read_rows[i].microseconds)
            fail_msg("%s", read_rows[i].text);
    }
}

static const char *const refused[] = {
    "",
    "2022-04-14",
    "2022-04-14T06:30:00",         /* no offset */
    "2022-04-14 06:30:00Z",        /* a blank for T */
    "2022-04-14T06:30Z",           /* no seconds */
    "2022-04-14T06:30:00Z ",
    " 2022-04-14T06:30:00Z",
    "2022-04-14T06:30:00ZZ",
    "2022-04-14T06:30:00.Z",       /* a point and no digits */
    "2022-04-14T06:30:00,5Z",
    "2022-04-14T06:30:00+8:00",
    "2022-04-14T06:30:00+0800",
    "2022-04-14T06:30:00+08",
    "2022-04-14T06:30:00+24:00",
    "2022-04-14T06:30:00+08:60",
    "2022-04-14T24:00:00Z",
    "2022-04-14T06:60:00Z",
    "2022-04-14T06:30:60Z",
    "2016-12-31T23:59:60Z",        /* a real leap second */
    "2022-00-14T06:30:00Z",
    "2022-13-14T06:30:00Z",
    "2022-04-00T06:30:00Z",
    "2022-04-31T06:30:00Z",
    "2022-02-29T06:30:00Z",        /* no leap year */
    "1900-02-29T06:30:00Z",        /* divisible by 100 only */
    "2100-02-29T06:30:00Z",
    "1899-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "+2022-04-14T06:30:00Z",
    "22-04-14T06:30:00Z",
    "2022-4-14T06:30:00Z",
    "2022/04/14T06:30:00Z",
    "2022-04-14T06:30:0xZ",
    "２０２２-04-14T06:30:00Z",
    "1649917800",
};

static void anything_else_is_refused_and_leaves_the_result_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(refused); i++) {
        timestamp time = 4711;
        if (time_parse(slice_of(refused[i]), &time) || time != 4711)
            fail_msg("'%s' was read", refused[i]);
    }
    timestamp time;
    assert_false(time_parse((struct slice){"2022-04-14T06:30:00\0", 20}, &time));
}

static void times_are_written_in_city_time_and_read_back(void **state)
{
    (void)state;
    static const struct {
        timestamp time;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T08:00:00+08:00"},
        {-1, "1970-01-01T07:59:59.999999+08:00"},
        {1649917800 * SECOND, "2022-04-14T14:30:00+08:00"},
        {1649917800 * SECOND + 1000, "2022-04-14T14:30:00.001000+08:00"},
        {-14182940 * SECOND, "1969-07-21T04:17:40+08:00"},
        {951782400 * SECOND - 1, "2000-02-29T07:59:59.999999+08:00"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[TIME_TEXT_BYTES];
        timestamp back;
        assert_string_equal(time_format(rows[i].time, text), rows[i].text);
        assert_true(time_parse(slice_of(text), &back));
        assert_true(back == rows[i].time);
    }
    char text[TIME_TEXT_BYTES]; /* the two marks are never formatted, and never overrun */
    assert_true(strlen(time_format(TIMESTAMP_NONE, text)) < TIME_TEXT_BYTES);
    assert_true(strlen(time_format(TIMESTAMP_NEVER, text)) < TIME_TEXT_BYTES);
}

static void every_microsecond_of_a_thousand_random_times_survives(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 2022, 4);
    for (int i = 0; i < 1000; i++) {
        /* whole seconds of 1900 to 2199 in every time zone */
        timestamp time = -2208988800 * SECOND + DAY +
                         (timestamp)(random_next(&random) %
                                     (uint64_t)((7258118399 + 2208988800) * SECOND - 2 * DAY));
        char text[TIME_TEXT_BYTES];
        timestamp back;
        if (!time_parse(slice_of(time_format(time, text)), &back) || back != time)
            fail_msg("%s", text);
    }
}

static void dates_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t day;
    } rows[] = {{"1970-01-01", 0},     {"1969-12-31", -1},    {"2022-04-14", 19096},
                {"2000-02-29", 11016}, {"2000-03-01", 11017}, {"1900-01-01", -25567},
                {"2199-12-31", 84005}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        int32_t day;
        char text[TIME_TEXT_BYTES];
        assert_true(time_parse_date(slice_of(rows[i].text), &day));
        assert_int_equal(day, rows[i].day);
        assert_string_equal(time_format_date(day, text), rows[i].text);
    }
    static const char *const bad[] = {"", "2022-4-14", "2022-04-31", "2022-02-29", "2022-04-14T",
                                      "14.04.2022", "2022-04-14 ", "20220414", "2200-01-01"};
    for (size_t i = 0; i < ROWS(bad); i++) {
        int32_t day;
        if (time_parse_date(slice_of(bad[i]), &day))
            fail_msg("'%s' was read", bad[i]);
    }
}

static void the_citys_day_begins_at_local_midnight(void **state)
{
    (void)state;
    static const struct {
        const char *time;
        const char *day;
    } rows[] = {{"2022-04-14T00:00:00+08:00", "2022-04-14"},
                {"2022-04-13T23:59:59+08:00", "2022-04-13"},
                {"2022-04-13T16:00:00Z", "2022-04-14"},
                {"2022-04-13T15:59:59Z", "2022-04-13"},
                {"1970-01-01T00:00:00+08:00", "1970-01-01"},
                {"1969-12-31T23:59:59+08:00", "1969-12-31"},
                {"1969-12-31T00:00:00+08:00", "1969-12-31"},
                {"1969-12-30T23:59:59+08:00", "1969-12-30"}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        timestamp time;
        char text[TIME_TEXT_BYTES];
        assert_true(time_parse(slice_of(rows[i].time), &time));
        int32_t day = time_day_of_seconds(time / SECOND);
        assert_string_equal(time_format_date(day, text), rows[i].day);
    }
    for (int32_t day = -800; day < 30000; day += 7) {
        int64_t start = time_day_start_seconds(day);
        assert_int_equal(time_day_of_seconds(start), day);
        assert_int_equal(time_day_of_seconds(start - 1), day - 1);
        assert_int_equal(time_day_of_seconds(start + 86399), day);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_times_are_read_exactly),
        cmocka_unit_test(anything_else_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(times_are_written_in_city_time_and_read_back),
        cmocka_unit_test(every_microsecond_of_a_thousand_random_times_survives),
        cmocka_unit_test(dates_are_read_and_written),
        cmocka_unit_test(the_citys_day_begins_at_local_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
