/* `policy relief` of the real binary: exit codes, one JSON object a firm, a directory's own rules
 * before the built-in ones, refusals with row and field. */
#include "base/json.h"
#include "tests/command_place.h"

static int make_place(void **state)
{
    struct place *place = place_make();
    put(place, "firms.csv",
        "code,name,kind,sector,taxpayer,monthly_sales,asked\n"
        "A1,甲饭店,enterprise,catering,small_scale,150000,insurance\n"
        "A2,乙厂,enterprise,manufacturing,general,150000,\n");
    put(place, "bad.csv", "code,sector\nA1,catering\nA2,cattering\n");
    *state = place;
    return 0;
}

static void each_line_ends_as_promised(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *line;
        int code;
        const char *words;
    } rows[] = {
        {"policy relief --unit firms.csv --at 2022-04-14", 0,
         "2022-04-14: 2 firms; entitled 1, of them never asked for all 1"},
        {"policy relief --unit - --at 2022-04-14 < firms.csv", 0, "until 2022-06-30"},
        {"policy relief --unit firms.csv --at 2022-07-01", 0, "ended on 2022-06-30"},
        {"policy relief --unit firms.csv --at 2022-04-14 --json", 0, "{\"code\":\"A1\""},
        {"--json policy relief --unit firms.csv --at 2022-04-14", 0,
         "{\"summary\":{\"at\":\"2022-04-14\",\"firms\":2,\"entitled\":1,"
         "\"with_unknown_rules\":2,\"entitled_never_asked\":1,\"entitled_asked_unknown\":0}}"},
        {"policy relief --unit firms.csv", 0, "2 firms"},
        {"policy relief --help", 0, "sector: 行业 / Sector, manufacturing | catering"},
        {"policy relief", 2, "error: an option is missing or unknown"},
        {"policy relief --unit firms.csv --on 2022-04-14", 2, "error: an option is missing"},
        {"policy relief --unit firms.csv --at 14.4.2022", 2, "error: '14.4.2022' is not a day"},
        {"policy relief --unit nothing.csv", 2, "error: the file cannot be opened"},
        {"policy relief --unit bad.csv", 2,
         "error: not a value of sector, bad.csv, row 2, field sector, expected one of "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(place, rows[i].line, rows[i].code, rows[i].words);
    run(place, "policy relief --unit bad.csv");
    assert_null(strstr(place->output, "A1")); /* nothing was answered */
}

static void json_tells_the_unasked_and_only_those_firms_with_the_flag(void **state)
{
    struct place *place = *state;
    struct error err;
    json_t *firm;
    assert_int_equal(run(place, "--json policy relief --unit firms.csv --at 2022-04-14 --unasked"),
                     0);
    char *end = strchr(place->output, '\n');
    assert_non_null(end);
    test_done_or_fail(
        json_read((struct slice){place->output, (size_t)(end - place->output)}, "line", &firm,
                  &err),
        &err);
    assert_string_equal(json_string_value(json_object_get(firm, "code")), "A1");
    json_t *unasked = json_object_get(firm, "unasked");
    assert_int_equal(json_array_size(unasked), 2);
    assert_string_equal(json_string_value(json_array_get(unasked, 0)), "six_taxes_two_fees_half");
    assert_string_equal(json_string_value(json_array_get(unasked, 1)),
                        "small_taxpayer_vat_exempt");
    json_decref(firm);
    assert_null(strstr(place->output, "\"code\":\"A2\""));
}

static void the_directory_s_own_rules_come_first_and_are_refused_as_a_whole(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdirat(place->directory.fd, "city", 0700), 0);
    assert_int_equal(mkdirat(place->directory.fd, "city/policies", 0700), 0);
    put(place, "city/policies/relief.yaml",
        "benefits: {tax: {zh: 税, en: Tax}}\n"
        "fields:\n"
        "  stars: {type: number, title: {zh: 星级, en: Stars}}\n"
        "rules:\n"
        "  starred:\n"
        "    benefit: tax\n"
        "    title: {zh: 星级减免, en: For stars}\n"
        "    gives: {zh: 减免, en: Less}\n"
        "    department: {zh: 税务局, en: Tax office}\n"
        "    window: {from: '2022-01-01', until: '2022-12-31'}\n"
        "    source: 'a test'\n"
        "    hand_in: []\n"
        "    needs: {field: stars, at_least: 3}\n");
    put(place, "stars.csv", "code,stars\nA,3\nB,2.5\n");
    expect(place, "--data city policy relief --unit stars.csv --at 2022-04-14", 0,
           "applies  starred");
    expect(place, "--data city policy relief --unit stars.csv --at 2022-04-14", 0,
           "Stars: 2.5 (must be at least 3)");
    expect(place, "policy relief --unit stars.csv", 2, "error: unknown field, stars.csv, field");
    put(place, "city/policies/relief.yaml", "benefits: {}\n");
    expect(place, "--data city policy relief --unit stars.csv", 2,
           "error: missing or empty, policies/relief.yaml, field benefits, expected ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_line_ends_as_promised, make_place, remove_place),
        cmocka_unit_test_setup_teardown(json_tells_the_unasked_and_only_those_firms_with_the_flag,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(
            the_directory_s_own_rules_come_first_and_are_refused_as_a_whole, make_place,
            remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
