/* Files and parameters from outside: what is read, and what is refused with which words. */
#include "sensing/test_support.h"

static void a_series_keeps_dates_holes_and_population(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "detect", "outbreak_p",
             "t,date,count,population\n1,2022-03-01,5,100\n2,2022-03-02,NA,\n3,2022-03-04,,120\n",
             "{\"ret\":\"value\"}");
    assert_int_equal(run.room.series.count, 3);
    assert_true(run.room.series.observed[0] == 5 && isnan(run.room.series.observed[1]) &&
                isnan(run.room.series.observed[2]));
    assert_true(isnan(run.room.series.population[1]) && run.room.series.population[2] == 120);
    assert_int_equal(run.room.series.days[2] - run.room.series.days[0], 3);
    assert_null(run.room.series.imported);
    test_run_release(&run);
}

static void what_is_no_series_is_refused_with_row_and_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "error: "},
        {"t,count\n", "error: the series is empty"},
        {"x,count\n1,2\n", "error: the columns are not those of a series, test.csv, field header"},
        {"t,count,local,imported\n1,2,1,1\n", "error: the columns are not those"},
        {"t,local\n1,2\n", "error: the columns are not those"},
        {"t,count\n1,2\n3,4\n", "error: '3' cannot be read, test.csv, row 2, field t"},
        {"t,count\n1,-2\n", "error: '-2' cannot be read, test.csv, row 1, field count"},
        {"t,count\n1,2.5\n", "error: '2.5' cannot be read, test.csv, row 1, field count"},
        {"t,count\n1,many\n", "error: 'many' cannot be read"},
        {"t,count\n1,1e13\n", "error: '1e13' cannot be read"},
        {"t,count\n1,nan\n", "error: 'nan' cannot be read"},
        {"t,date,count\n1,2022-02-30,1\n", "error: '2022-02-30' cannot be read, test.csv, row 1, "
                                           "field date"},
        {"t,date,count\n1,2022-02-02,1\n2,2022-02-02,1\n", "error: '2022-02-02' cannot be read, "
                                                           "test.csv, row 2, field date"},
        {"t,count,population\n1,1,-5\n", "error: '-5' cannot be read, test.csv, row 1, field "
                                         "population"},
        {"t,count\n1,2,3\n", "error: "},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        char line[900];
        assert_false(test_try(&run, "detect", "ears_c1", rows[i].text, NULL, &err));
        error_line(&err, line, sizeof line);
        if (strncmp(line, rows[i].words, strlen(rows[i].words)) != 0)
            fail_msg("'%s' for '%s'", line, rows[i].text);
        test_run_release(&run);
    }
}

static void parameters_out_of_bounds_are_refused_by_name(void **state)
{
    (void)state;
    static const char text[] = "t,count\n1,1\n2,2\n3,1\n4,4\n5,1\n6,2\n7,3\n8,1\n9,2\n10,3\n";
    static const struct {
        const char *method, *parameters, *field;
    } rows[] = {
        {"ears_c1", "{\"nonsense\":1}", "nonsense"},
        {"ears_c1", "{\"alpha\":0}", "alpha"},
        {"ears_c1", "{\"alpha\":1}", "alpha"},
        {"ears_c1", "{\"alpha\":\"x\"}", "alpha"},
        {"ears_c1", "{\"baseline\":2}", "baseline"},
        {"ears_c1", "{\"baseline\":3.5}", "baseline"},
        {"ears_c1", "{\"minSigma\":-1}", "minSigma"},
        {"ears_c1", "{\"method\":\"C2\"}", "method"},
        {"ears_c1", "{\"range\":[0,3]}", "range"},
        {"ears_c1", "{\"range\":[3,11]}", "range"},
        {"ears_c1", "{\"range\":[5,4]}", "range"},
        {"ears_c1", "{\"range\":7}", "range"},
        {"farrington", "{\"epochAsDate\":true}", "epochAsDate"},
        {"farrington", "{\"populationOffset\":true}", "populationOffset"},
        {"farrington_flexible", "{\"thresholdMethod\":\"best\"}", "thresholdMethod"},
        {"farrington_flexible", "{\"limit54\":[5]}", "limit54"},
        {"farrington_flexible", "{\"noPeriods\":60}", "noPeriods"},
        {"farrington_flexible", "{\"powertrans\":0.5}", "powertrans"},
        {"cusum", "{\"m\":-1}", "m"},
        {"cusum", "{\"m\":\"median\"}", "m"},
        {"cusum", "{\"trans\":\"log\"}", "trans"},
        {"glr_poisson", "{\"alpha\":0.1}", "alpha"},
        {"glr_poisson", "{\"mu0\":[1,2]}", "mu0"},
        {"glr_poisson", "{\"mu0\":0}", "mu0"},
        {"glr_poisson", "{\"theta\":0,\"mu0\":1}", "theta"},
        {"glr_poisson", "{\"mu0\":{\"Q\":1}}", "Q"},
        {"glr_negbin", "{\"mu0\":2}", "alpha"},
        {"glr_negbin", "{\"ret\":\"cases\",\"mu0\":2,\"alpha\":0.1}", "ret"},
        {"bayes", "{\"b\":0,\"actY\":false}", "w"},
        {"cdc", "{\"b\":0}", "b"},
        {"outbreak_p", "{\"ret\":\"both\"}", "ret"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        if (test_try(&run, "detect", rows[i].method, text, rows[i].parameters, &err))
            fail_msg("%s takes %s", rows[i].method, rows[i].parameters);
        if (strcmp(err.field, rows[i].field) != 0)
            fail_msg("%s %s: field '%s' (%s)", rows[i].method, rows[i].parameters, err.field,
                     err.what);
        assert_true(err.expected[0] != 0);
        test_run_release(&run);
    }
}

static void assignments_win_over_the_object(void **state)
{
    (void)state;
    struct parameters parameters;
    struct error err;
    static const char *const assignments[] = {"alpha=0.5", "trans=rossi", "range=[1,2]", "s=a=b"};
    test_done_or_fail(parameters_read("{\"alpha\":0.1,\"k\":2}", assignments, 4, &parameters, &err),
                      &err);
    assert_true(json_real_value(json_object_get(parameters.object, "alpha")) == 0.5);
    assert_int_equal(json_integer_value(json_object_get(parameters.object, "k")), 2);
    assert_string_equal(json_string_value(json_object_get(parameters.object, "trans")), "rossi");
    assert_string_equal(json_string_value(json_object_get(parameters.object, "s")), "a=b");
    assert_int_equal(json_array_size(json_object_get(parameters.object, "range")), 2);
    parameters_release(&parameters);
    static const char *const bad[] = {"alpha"};
    assert_false(parameters_read(NULL, bad, 1, &parameters, &err));
    assert_false(parameters_read("[1]", NULL, 0, &parameters, &err));
    assert_false(parameters_read("{", NULL, 0, &parameters, &err));
}

static void a_line_list_may_miss_dates_but_not_columns(void **state)
{
    (void)state;
    struct test_run run;
    struct error err = {0};
    assert_false(
        test_try(&run, "nowcast", "lawless", "dHosp,day\n2022-04-01,2022-04-02\n", NULL, &err));
    assert_string_equal(err.field, "header");
    test_run_release(&run);
    assert_false(
        test_try(&run, "nowcast", "lawless", "dHosp,dReport\nsoon,2022-04-02\n", NULL, &err));
    assert_int_equal(err.row, 1);
    test_run_release(&run);
    assert_false(test_try(&run, "nowcast", "lawless", "dHosp,dReport\nNA,NA\n", NULL, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    test_run_release(&run);
    test_run(&run, "nowcast", "lawless",
             "dOnset,dReport\n2022-04-01,2022-04-02\n,2022-04-03\n2022-04-02,\n"
             "2022-04-03,2022-04-05\n2022-04-04,2022-04-05\n",
             "{\"D\":2}");
    assert_int_equal(run.table.row_count, 2);
    test_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_keeps_dates_holes_and_population),
        cmocka_unit_test(what_is_no_series_is_refused_with_row_and_field),
        cmocka_unit_test(parameters_out_of_bounds_are_refused_by_name),
        cmocka_unit_test(assignments_win_over_the_object),
        cmocka_unit_test(a_line_list_may_miss_dates_but_not_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
