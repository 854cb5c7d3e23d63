/* Goal: import checkins counts every row once, names what it rejects, makes what is missing only
 * when asked, changes nothing when it is run again and can be taken back whole. */
#include "checkin/checkin_internal.h"
#include "registry/test_support.h"

static int set_up(void **state)
{
    struct test_city *city = x_alloc(1, sizeof *city);
    test_city_create(city, true);
    *state = city;
    return 0;
}
static int tear_down(void **state)
{
    test_city_remove(*state);
    free(*state);
    return 0;
}

static void expect(struct test_city *city, int code, const int64_t counts[5])
{
    static const char *const names[5] = {"rows", "inserted", "merged", "unchanged", "rejected"};
    if (code > EXIT_FINDINGS)
        fail_msg("%s", city->err.what);
    assert_int_equal(code, counts[4] ? EXIT_FINDINGS : EXIT_DONE);
    for (int i = 0; i < 5; i++)
        assert_int_equal(test_count(city, names[i]), counts[i]);
}

static int64_t stored_on(struct test_city *city, int32_t day)
{
    struct error err;
    struct presence_view *view;
    test_fail_on(presence_view_begin(city->platform.presence, &view, &err), &err);
    int64_t count = presence_day_count(view, day);
    presence_view_end(view);
    return count;
}

static const char rows[] = "person_id,venue_id,time,mode,evidence\n"
                           "a,x,2022-04-11T08:00:00+08:00,,\n"
                           "a,x,2022-04-11T00:00:00Z,device,sealed\n" /* the same second */
                           "b,x,2022-04-11T08:00:00+08:00,paper_code,attended\n"
                           "b,y,2022-04-12T23:59:59+08:00,,\n";

static void rows_are_counted_unchanged_again_and_taken_back(void **state)
{
    struct test_city *city = *state;
    test_put(city, "rows.csv", rows);
    expect(city, test_run(city, "import", "checkins", "rows.csv", "--source", "s"),
           (const int64_t[5]){4, 0, 0, 0, 4}); /* nobody is known yet */
    char *rejects = test_read(city, "rows.csv.rejects.csv");
    if (rejects)
        assert_non_null(strstr(rejects, "--create-missing"));
    free(rejects);
    assert_int_equal(stored_on(city, 19093), 0);
    expect(city, test_run(city, "import", "checkins", "rows.csv", "--source", "s",
                          "--create-missing", "--dry-run"), (const int64_t[5]){4, 0, 0, 0, 4});
    for (int round = 0; round < 2; round++)
        expect(city, test_run(city, "import", "checkins", "rows.csv", "--source", "s",
                              "--create-missing"),
               (const int64_t[5]){4, round ? 0 : 3, 1, round ? 3 : 0, 0});
    assert_int_equal(stored_on(city, 19093), 2);
    assert_int_equal(stored_on(city, 19094), 1);
    assert_int_equal(test_run(city, "export", "checkins", "--source", "s"), EXIT_DONE);
    assert_string_equal(city->out.data, "person,venue,time,mode,evidence\n"
                                        "a,x,2022-04-11T08:00:00+08:00,imported,claimed\n"
                                        "b,x,2022-04-11T08:00:00+08:00,paper_code,attended\n"
                                        "b,y,2022-04-12T23:59:59+08:00,imported,claimed\n");
}

static void each_rejected_row_names_its_field(void **state)
{
    struct test_city *city = *state;
    static const struct {
        const char *row, *field;
    } bad[] = {
        {",x,2022-04-11T08:00:00+08:00,,", "person_id"},
        {"a,,2022-04-11T08:00:00+08:00,,", "venue_id"},
        {"a,x,,,", "unix_time"},
        {"a,x,2022-04-11 08:00,,", "time"},
        {"a,x,1969-12-31T23:59:59Z,,", "time"},
        {"a,x,2106-02-07T06:28:16Z,,", "time"},
        {"a,x,2022-04-11T08:00:00+08:00,walk,", "mode"},
        {"a,x,2022-04-11T08:00:00+08:00,,certain", "evidence"},
    };
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_append_text(&text, "person_id,venue_id,time,mode,evidence\n");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        buffer_print(&text, "%s\n", bad[i].row);
    test_put(city, "bad.csv", text.data);
    buffer_release(&text);
    expect(city, test_run(city, "import", "checkins", "bad.csv", "--source", "s",
                          "--create-missing"),
           (const int64_t[5]){8, 0, 0, 0, 8});
    struct error err;
    json_t *answer;
    test_fail_on(json_read(buffer_slice(&city->out), "output", &answer, &err), &err);
    char *rejects = test_read(city, json_string_value(json_object_get(answer, "rejects_file")));
    json_decref(answer);
    assert_non_null(rejects);
    char *line = strchr(rejects, '\n') + 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[60], *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        snprintf(expected, sizeof expected, ",%zu,%s,", i + 1, bad[i].field);
        if (!strstr(line, expected))
            fail_msg("%s is not in %s", expected, line);
        line = end + 1;
    }
    free(rejects);
}

static void unix_times_are_read_and_a_day_that_was_forgotten_refuses_the_import(void **state)
{
    struct test_city *city = *state;
    struct error err;
    test_put(city, "unix.csv", "person_id,venue_id,unix_time\na,x,1649500000\nb,x,1649500000.7\n"
                               "c,x,-1\nd,x,4294967296\ne,x,soon\n");
    expect(city, test_run(city, "import", "checkins", "unix.csv", "--source", "u",
                          "--create-missing"),
           (const int64_t[5]){5, 2, 0, 0, 3});
    int32_t day = time_day_of_seconds(1649500000);
    assert_int_equal(stored_on(city, day), 2);
    test_fail_on(presence_drop_day(city->platform.presence, day, &err), &err);
    test_put(city, "late.csv", "person_id,venue_id,unix_time\na,x,1649500001\na,x,1649900000\n");
    int code = test_run(city, "import", "checkins", "late.csv", "--source", "u",
                        "--create-missing");
    assert_int_equal(code, EXIT_REFUSED);
    assert_int_equal(city->err.code, ERROR_GONE);
    assert_int_equal(stored_on(city, day), 0);
    assert_int_equal(stored_on(city, time_day_of_seconds(1649900000)), 0); /* whole or not at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_counted_unchanged_again_and_taken_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_rejected_row_names_its_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            unix_times_are_read_and_a_day_that_was_forgotten_refuses_the_import, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
