/* `import series` and the `alerts` commands of the real binary, alone and through a server: an
 * outbreak in a file becomes one open alert; a directory's own channels stand before the built-in
 * ones, and a bad one stops the program with its file and field. */
#include "base/test_support.h"

#include "tests/city_process.h"

static void put(const struct city_process *city, const char *name, const char *text)
{
    char path[300];
    struct error err;
    snprintf(path, sizeof path, "%s/%s", city->directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(file_write_all(fd, text, strlen(text), name, &err));
    close(fd);
}

static void expect(const struct city_process *city, const char *line, const char *input, int code,
                   const char *words)
{
    struct buffer out;
    char path[300] = "";
    buffer_init(&out, 1 << 20);
    if (input)
        snprintf(path, sizeof path, "%s/%s", city->directory, input);
    int got = city_run(city, line, input ? path : NULL, &out);
    if (got != code || !strstr(buffer_slice(&out).data, words))
        fail_msg("%s: exit %d, expected %d with '%s':\n%.2000s", line, got, code, words,
                 buffer_slice(&out).data);
    buffer_release(&out);
}

/* Four weeks at a level and one day far above it. */
static void put_outbreak(const struct city_process *city)
{
    struct buffer file;
    buffer_init(&file, 1 << 16);
    buffer_append_text(&file, "channel,area,date,count\n");
    for (int day = 15; day <= 31; day++)
        buffer_print(&file, "pharmacy_cough,320402,2022-03-%02d,16\n", day);
    for (int day = 1; day <= 12; day++)
        buffer_print(&file, "pharmacy_cough,320402,2022-04-%02d,%d\n", day, day == 12 ? 70 : 17);
    put(city, "series.csv", buffer_slice(&file).data);
    buffer_release(&file);
}

static void a_file_becomes_one_alert_and_a_second_run_nothing(void **state)
{
    struct city_process *city = *state;
    put_outbreak(city);
    expect(city, "import series -", "series.csv", 0, "\"inserted\":29");
    expect(city, "import series -", "series.csv", 0, "\"unchanged\":29");
    /* the file's one, the demo city's 28 with three planted rises, and what the platform feeds */
    expect(city, "alerts run", NULL, 0, "{\"day\":\"2022-04-13\",\"series\":");
    expect(city, "alerts run", NULL, 0, "\"signals\":4,");
    expect(city, "alerts run", NULL, 0, "\"raised\":0,\"extended\":0,\"ended\":0");
    expect(city, "alerts list", NULL, 0,
           "\"kind\":\"signal\",\"channel\":\"pharmacy_cough\",\"area\":\"320402\","
           "\"first_day\":\"2022-04-12\"");
    expect(city, "alerts run --at 2022-04-05", NULL, 0, "\"signals\":0");
    expect(city, "alerts run --at yesterday", NULL, 2, "");
    expect(city, "alerts run --at 2022-04-14", NULL, 2, "");
    expect(city, "alerts channels", NULL, 0, "wastewater_plant       wastewater   log_trend");
}

static void venue_clusters_are_a_table_without_persons(void **state)
{
    struct city_process *city = *state;
    static const char header[] = "venue,area,category,visitors,later_positive,expected,p,q,"
                                 "p_bonferroni,named,with\n";
    expect(city, "venue clusters", NULL, 0, header);
    expect(city, "venue clusters --to 2022-04-10 --days 7", NULL, 0, header);
    expect(city, "venue clusters --to 2022-04-15", NULL, 2, "");
    expect(city, "venue clusters --days 99", NULL, 2, "");
    expect(city, "venue clusters --person p1", NULL, 2, "");
}

static void a_server_judges_the_night_by_itself_and_opens_the_loop(void **state)
{
    struct city_process *city = *state;
    put_outbreak(city);
    expect(city, "import series -", "series.csv", 0, "\"inserted\":29");
    assert_true(city_serve(city));
    struct buffer out;
    bool listed = false;
    for (int i = 0; i < 100 && !listed; i++) {
        buffer_init(&out, 1 << 20);
        assert_int_equal(city_run(city, "alerts list", NULL, &out), 0);
        listed = strstr(buffer_slice(&out).data, "pharmacy_cough") != NULL;
        buffer_release(&out);
        usleep(100000);
    }
    assert_true(listed);
    expect(city, "alerts run", NULL, 0, "\"raised\":0");
    assert_int_equal(city_stop(city, SIGTERM), 0);
}

static void a_citys_own_channel_counts_and_a_bad_one_is_named(void **state)
{
    struct city_process *city = *state;
    char path[300];
    static const char own[] =
        "channel: dogs\ngroup: other\ntitle: {zh: 犬, en: Dogs}\nreported_by: {zh: 犬, en: Dogs}\n"
        "source: ours\nmeasure: count\nstep_days: 1\ndelay_days: 0\nsilent_after_days: 3\n"
        "completeness: 0.5\nminimum_count: 1\nweight: 1\nalpha: 0.01\n"
        "asks: {zh: 看, en: Look}\nrules: [{count: %s, days: 1}]\n";
    char text[1000];
    snprintf(path, sizeof path, "%s/data/policies", city->directory);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/data/policies/channels", city->directory);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(text, sizeof text, own, "2");
    put(city, "data/policies/channels/dogs.yaml", text);
    put(city, "series.csv", "channel,area,date,count\ndogs,320402,2022-04-13,2\n");
    expect(city, "import series -", "series.csv", 0, "\"inserted\":1");
    expect(city, "alerts run", NULL, 0, "\"raised\":5"); /* four of the demo city */
    snprintf(text, sizeof text, own, "none");
    put(city, "data/policies/channels/dogs.yaml", text);
    expect(city, "alerts run", NULL, 2, "");
}

static int make(void **state)
{
    struct city_process *city = x_alloc(1, sizeof *city);
    city_create(city, "300");
    *state = city;
    return 0;
}

static int take_away(void **state)
{
    city_remove(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_becomes_one_alert_and_a_second_run_nothing, make,
                                        take_away),
        cmocka_unit_test_setup_teardown(venue_clusters_are_a_table_without_persons, make,
                                        take_away),
        cmocka_unit_test_setup_teardown(a_server_judges_the_night_by_itself_and_opens_the_loop,
                                        make, take_away),
        cmocka_unit_test_setup_teardown(a_citys_own_channel_counts_and_a_bad_one_is_named, make,
                                        take_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
