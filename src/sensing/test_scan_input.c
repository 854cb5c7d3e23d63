/* The scan's files and parameters from outside: what is read, and what is refused with which words.
 */
#include "sensing/scan.h"
#include "sensing/test_support.h"

#define HEADER "place,x,y,date,count,expected\n"

static void counts_are_read_by_place_and_day_in_any_order(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "scan", "poisson",
             "date,count,place,lon,lat,population,note\n"
             "2022-04-03,4,\"B, east\",119.9,31.8,20,\n2022-04-01,NA,A,119.8,31.7,10,x\n"
             "2022-04-02,0,A,119.8,31.7,11,\n2022-04-01,2,\"B, east\",119.9,31.8,20,\n"
             "2022-04-02,1,\"B, east\",119.9,31.8,20,\n2022-04-03,,A,119.8,31.7,12,\n",
             "{\"replicates\":19}");
    const struct scan_counts *counts = run.room.places;
    assert_int_equal(counts->place_count, 2);
    assert_int_equal(counts->day_count, 3);
    assert_true(counts->sphere && counts->x[0] == 119.9 && counts->y[1] == 31.7);
    assert_string_equal(counts->places[0], "B, east");
    static const uint32_t cases[] = {2, 1, 4, 0, 0, 0};
    static const double expected[] = {20, 20, 20, 0, 11, 0}; /* none where the count is missing */
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(counts->cases[i], cases[i]);
        assert_true(counts->expected[i] == expected[i]);
    }
    assert_int_equal(counts->missing_row, 2);
    assert_true(counts->absent == SIZE_MAX);
    assert_true(run.table.row_count >= 1 && test_column(&run, "radius_km")[0] >= 0);
    assert_string_equal(run.table.columns[1].texts[0], "B, east");
    test_run_release(&run);
}

static void days_without_a_row_have_no_cases_in_the_permutation_model(void **state)
{
    (void)state;
    struct test_run run;
    test_run(&run, "scan", "permutation",
             "place,x,y,date,count\nA,0,0,2022-04-01,5\nB,1,0,2022-04-10,6\nA,0,0,2022-04-10,1\n",
             NULL);
    assert_int_equal(run.room.places->day_count, 10);
    assert_int_equal(run.room.places->absent, 1);
    assert_true(test_column(&run, "cases")[0] == 6);
    assert_true(test_column(&run, "expected")[0] == 6.0 * 7 / 12);
    char date[TIME_TEXT_BYTES];
    assert_string_equal(time_format_date((int32_t)test_column(&run, "last_day")[0], date),
                        "2022-04-10");
    test_run_release(&run);
}

static void what_is_no_map_is_refused_with_row_and_field(void **state)
{
    (void)state;
    static const char header[] = "error: the columns are not those of counts by place and day";
    static const struct {
        const char *method, *text, *words;
    } rows[] = {
        {"poisson", "", "error: "},
        {"poisson", HEADER, "error: the file is empty"},
        {"poisson", "place,x,date,count\nA,1,2022-04-01,1\n", header},
        {"poisson", "place,x,y,lat,lon,date,count\nA,1,1,1,1,2022-04-01,1\n", header},
        {"poisson", "place,x,y,date,count,expected,population\n", header},
        {"poisson", HEADER ",0,0,2022-04-01,1,1\n",
         "error: '' cannot be read, test.csv, row 1, field place"},
        {"poisson", HEADER "A,east,0,2022-04-01,1,1\n",
         "error: 'east' cannot be read, test.csv, row 1, field x"},
        {"poisson", "place,lat,lon,date,count\nA,91,0,2022-04-01,1\n",
         "error: '91' cannot be read, test.csv, row 1, field lat"},
        {"poisson", HEADER "A,0,0,2022-04-01,1,1\nA,0,2,2022-04-02,1,1\n",
         "error: '2' cannot be read, test.csv, row 2, field y"},
        {"poisson", HEADER "A,0,0,2022-02-30,1,1\n",
         "error: '2022-02-30' cannot be read, test.csv, row 1, field date"},
        {"poisson", HEADER "A,0,0,2022-04-01,1.5,1\n",
         "error: '1.5' cannot be read, test.csv, row 1, field count"},
        {"poisson", HEADER "A,0,0,2022-04-01,-1,1\n", "error: '-1' cannot be read"},
        {"poisson", HEADER "A,0,0,2022-04-01,10000001,1\n", "error: '10000001' cannot be read"},
        {"poisson", HEADER "A,0,0,2022-04-01,9000000,1\nA,0,0,2022-04-02,9000000,1\n",
         "error: the file has too many cases, test.csv, row 2, field count"},
        {"poisson", HEADER "A,0,0,2022-04-01,1,-1\n",
         "error: '-1' cannot be read, test.csv, row 1, field expected"},
        {"poisson", HEADER "A,0,0,2022-04-01,1,NA\n", "error: 'NA' cannot be read"},
        {"poisson", HEADER "A,0,0,2022-04-01,1,0\n",
         "error: '0' cannot be read, test.csv, row 1, field expected"},
        {"poisson", HEADER "A,0,0,2022-04-01,1,1\nA,0,0,2022-04-01,1,1\n",
         "error: place 'A' has a second row on 2022-04-01, test.csv, row 2, field date"},
        {"poisson", HEADER "A,0,0,2022-04-01,1,1\nB,0,1,2022-04-02,1,1\n",
         "error: place 'A' has no row on 2022-04-02, test.csv, field date"},
        {"poisson", "place,x,y,date,count\nA,0,0,2022-04-01,1\n",
         "error: the Poisson model needs what was to be expected, test.csv, field header"},
        {"permutation", "place,x,y,date,count\nA,0,0,2022-04-01,1\nA,0,0,2022-04-02,NA\n",
         "error: a count is missing, test.csv, row 2, field count"},
        {"permutation", "place,x,y,date,count\nA,0,0,1990-04-01,1\nA,0,0,2022-04-02,1\n",
         "error: the dates are 11689 days apart, test.csv, field date"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        char line[900];
        if (test_try(&run, "scan", rows[i].method, rows[i].text, NULL, &err))
            fail_msg("taken: '%s'", rows[i].text);
        error_line(&err, line, sizeof line);
        if (strncmp(line, rows[i].words, strlen(rows[i].words)) != 0)
            fail_msg("'%s' for '%s'", line, rows[i].text);
        test_run_release(&run);
    }
}

static void parameters_out_of_bounds_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *parameters, *field;
    } rows[] = {
        {"{\"places\":0}", "places"},
        {"{\"days\":17}", "days"},
        {"{\"days\":0}", "days"},
        {"{\"replicates\":-1}", "replicates"},
        {"{\"replicates\":1e6}", "replicates"},
        {"{\"stop\":1.5}", "stop"},
        {"{\"clusters\":0}", "clusters"},
        {"{\"clusters\":101}", "clusters"},
        {"{\"threads\":0}", "threads"},
        {"{\"threads\":9}", "threads"},
        {"{\"seed\":\"x\"}", "seed"},
        {"{\"radius\":2}", "radius"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct test_run run;
        struct error err = {0};
        assert_false(test_try(&run, "scan", "poisson", HEADER "A,0,0,2022-04-01,1,1\n",
                              rows[i].parameters, &err));
        assert_string_equal(err.field, rows[i].field);
        assert_true(err.expected[0] != 0);
        test_run_release(&run);
    }
}

/* 40 places × 60 days with 20 cases more at one of them on the last day. */
static char *map_text(void)
{
    struct buffer text;
    char date[TIME_TEXT_BYTES];
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, HEADER);
    for (int p = 0; p < 40; p++)
        for (int d = 0; d < 60; d++)
            buffer_print(&text, "place %d,%d,%d,%s,%d,1\n", p, p % 8, p / 8,
                         time_format_date(19000 + d, date),
                         (p * 7 + d * 5) % 3 + (p == 13 && d == 59 ? 20 : 0));
    return text.data;
}

static void other_tables_are_members_and_maxima(void **state)
{
    (void)state;
    struct test_run run;
    struct error err = {0};
    char *text = map_text();
    assert_true(test_try_fd(&run, "scan", "poisson", test_file_of(text), "{\"replicates\":99}",
                            "members", &err));
    double cases = 0;
    for (size_t row = 0; row < run.table.row_count; row++)
        cases += test_column(&run, "rank")[row] == 1 ? test_column(&run, "cases")[row] : 0;
    assert_string_equal(run.table.columns[1].texts[0], "place 13");
    test_run_release(&run);
    test_run(&run, "scan", "poisson", text, "{\"replicates\":99}");
    assert_true(test_column(&run, "cases")[0] == cases && cases >= 20);
    assert_true(test_column(&run, "p")[0] == 0.01);
    test_run_release(&run);
    assert_true(test_try_fd(&run, "scan", "permutation", test_file_of(text), "{\"replicates\":99}",
                            "maxima", &err));
    assert_int_equal(run.table.row_count, 99);
    assert_true(test_column(&run, "llr")[98] > 0);
    test_run_release(&run);
    assert_false(test_try_fd(&run, "scan", "poisson", test_file_of(text), NULL, "cdf", &err));
    assert_string_equal(err.field, "--table");
    test_run_release(&run);
    free(text);
}

static void the_table_quotes_names_that_need_it(void **state)
{
    (void)state;
    struct test_run run;
    char *printed = NULL;
    size_t length = 0;
    test_run(&run, "scan", "poisson",
             HEADER "\"a \"\"b\"\", c\",0,0,2022-04-01,9,1\nd,1,1,2022-04-01,0,1\n",
             "{\"replicates\":9}");
    FILE *out = open_memstream(&printed, &length);
    table_print(&run.table, out);
    fclose(out);
    assert_non_null(strstr(printed, "\n1,\"a \"\"b\"\", c\",0,1,2022-04-01,2022-04-01,9,4.5,Inf,"));
    free(printed);
    test_run_release(&run);
}

/* Runs the program itself; its exit code, what it printed into `out`. */
static int run_program(const char *arguments, const char *file, char *out, size_t size)
{
    char line[600];
    const char *program = getenv("CHENGMAI_BINARY");
    assert_non_null(program);
    snprintf(line, sizeof line, "%s %s %s 2>&1", program, arguments, file);
    FILE *from = popen(line, "r");
    assert_non_null(from);
    size_t length = fread(out, 1, size - 1, from);
    out[length] = 0;
    return WEXITSTATUS(pclose(from));
}

static void the_command_prints_clusters_and_says_what_is_wrong(void **state)
{
    (void)state;
    char out[8192], file[100], *text = map_text();
    struct test_directory directory;
    struct error err;
    test_directory_make(&directory);
    snprintf(file, sizeof file, "%s/map.csv", directory.path);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    test_done_or_fail(file_write_all(fd, text, strlen(text), file, &err), &err);
    close(fd);
    assert_int_equal(
        run_program("scan poisson -p replicates=199 -p clusters=1", file, out, sizeof out), 0);
    static const char begins[] =
        "rank,centre,radius,places,first_day,last_day,cases,expected,relative_risk,llr,p,"
        "replicates\n1,place 13,0,1,2022-03-08,2022-03-08,";
    if (strncmp(out, begins, strlen(begins)) != 0)
        fail_msg("%s", out);
    assert_non_null(strstr(out, ",0.0050000000000000001,199\n"));
    assert_int_equal(run_program("scan elliptic", file, out, sizeof out), 2);
    assert_non_null(strstr(out, "one of poisson permutation venues"));
    assert_int_equal(run_program("scan venues", file, out, sizeof out), 2);
    assert_non_null(strstr(out, "later_positive"));
    free(text);
    test_directory_remove(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read_by_place_and_day_in_any_order),
        cmocka_unit_test(days_without_a_row_have_no_cases_in_the_permutation_model),
        cmocka_unit_test(what_is_no_map_is_refused_with_row_and_field),
        cmocka_unit_test(parameters_out_of_bounds_are_refused_by_name),
        cmocka_unit_test(other_tables_are_members_and_maxima),
        cmocka_unit_test(the_table_quotes_names_that_need_it),
        cmocka_unit_test(the_command_prints_clusters_and_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
