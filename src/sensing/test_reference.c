/* Every published reference case, field by field, in this process. The cases lie outside the source
 * tree and are skipped where absent. */
#include "sensing/test_support.h"

static const char folder[] = CHENGMAI_SOURCE_ROOT "/../shared/reference/detection";

struct algorithm {
    const char *name, *command, *method;
};
static const struct algorithm algorithms[] = {
    {"surveillance::farringtonFlexible", "detect", "farrington_flexible"},
    {"surveillance::farrington", "detect", "farrington"},
    {"surveillance::algo.cusum", "detect", "cusum"},
    {"surveillance::algo.glrpois", "detect", "glr_poisson"},
    {"surveillance::algo.glrnb", "detect", "glr_negbin"},
    {"surveillance::algo.bayes", "detect", "bayes"},
    {"surveillance::algo.rki", "detect", "rki"},
    {"surveillance::algo.cdc", "detect", "cdc"},
    {"surveillance::algo.outbreakP", "detect", "outbreak_p"},
    {"EpiEstim::estimate_R(parametric_si)", "rt", "parametric_si"},
    {"EpiEstim::estimate_R(parametric_si, local+imported)", "rt", "parametric_si"},
    {"EpiEstim::estimate_R(non_parametric_si)", "rt", "non_parametric_si"},
    {"EpiEstim::estimate_R(uncertain_si)", "rt", "uncertain_si"},
    {"EpiEstim::discr_si + overall_infectivity", "rt", "infectivity"},
    {"EpiEstim::discr_si", "rt", "discr_si"},
    {"EpiEstim::wallinga_teunis", "rt", "wallinga_teunis"},
    {"surveillance::nowcast(lawless)", "nowcast", "lawless"},
    {"surveillance::nowcast(lawless) delay CDF", "nowcast", "lawless"},
    {"surveillance::nowcast(bayes.notrunc.bnb)", "nowcast", "bayes_notrunc_bnb"},
};

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool find_algorithm(json_t *one, char method[32], const char **ret_command)
{
    const char *name = text_of(one, "algorithm");
    if (strcmp(name, "surveillance::earsC") == 0) {
        const char *kind = text_of(json_object_get(one, "params"), "method");
        snprintf(method, 32, "ears_c%c", kind[1]);
        *ret_command = "detect";
        return true;
    }
    for (size_t i = 0; i < ROWS(algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0) {
            snprintf(method, 32, "%s", algorithms[i].method);
            *ret_command = algorithms[i].command;
            return true;
        }
    return false;
}

/* The expected file as columns. */
enum { COLUMNS_MAX = 16, ROWS_MAX = 2000 };
struct expected {
    size_t columns, rows;
    char names[COLUMNS_MAX][48];
    double values[COLUMNS_MAX][ROWS_MAX];
};

static int open_file(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("%s cannot be opened", path);
    return fd;
}

static double value_of(struct slice field)
{
    double value;
    int32_t day;
    if (slice_to_double(field, &value))
        return value;
    if (time_parse_date(field, &day))
        return day;
    if (slice_equal(field, SLICE("Inf")))
        return INFINITY;
    if (slice_equal(field, SLICE("TRUE")) || slice_equal(field, SLICE("FALSE")))
        return field.length == 4;
    return NAN;
}

static void read_expected(const char *name, struct expected *expected)
{
    struct csv_reader *reader;
    struct error err;
    const struct csv_row *row;
    test_done_or_fail(csv_reader_open(open_file(name), name, &reader, &err), &err);
    const struct csv_row *header = csv_reader_header(reader);
    expected->columns = header->count;
    expected->rows = 0;
    assert_true(header->count <= COLUMNS_MAX);
    for (size_t c = 0; c < header->count; c++)
        text_copy(expected->names[c], sizeof expected->names[c], header->fields[c]);
    for (;;) {
        test_done_or_fail(csv_reader_next(reader, &row, &err), &err);
        if (!row)
            break;
        assert_true(row->count == expected->columns && expected->rows < ROWS_MAX);
        for (size_t c = 0; c < row->count; c++)
            expected->values[c][expected->rows] = value_of(row->fields[c]);
        expected->rows++;
    }
    csv_reader_free(reader);
}

static const double *expected_column(const struct expected *expected, const char *name)
{
    for (size_t c = 0; c < expected->columns; c++)
        if (strcmp(expected->names[c], name) == 0)
            return expected->values[c];
    return NULL;
}

static bool is_compared(json_t *one, const char *method, const char *column)
{
    const char *threshold = text_of(json_object_get(one, "params"), "thresholdMethod");
    if (strncmp(column, "mc_se", 5) == 0)
        return false;
    return strcmp(method, "farrington_flexible") != 0 || strcmp(column, "mu0") != 0 ||
           strcmp(threshold, "nbPlugin") == 0;
}

static void compare_column(const char *id, const struct expected *expected, size_t c,
                           const double *got)
{
    const char *name = expected->names[c];
    size_t length = strlen(name);
    bool form_only = length > 3 && strcmp(name + length - 3, "_mc") == 0;
    bool averaged = expected_column(expected, "mc_se_mean") && name[0] != 't';
    char error_name[64];
    snprintf(error_name, sizeof error_name, "mc_se_%s", name);
    const double *error = expected_column(expected, error_name);
    for (size_t row = 0; row < expected->rows; row++) {
        double wanted = expected->values[c][row];
        bool same = test_same(got[row], wanted);
        if (form_only)
            same = isnan(got[row]) == isnan(wanted);
        if (averaged && !same) {
            double tolerance = error ? 5 * error[row] : 0.1 * fabs(wanted) + 0.05;
            same = fabs(got[row] - wanted) <= fmax(tolerance, 1e-9);
        }
        if (!same)
            fail_msg("%s: row %zu, %s is %.12g, expected %.12g", id, row + 1, name, got[row],
                     wanted);
    }
}

static const char *series_file(json_t *manifest, const char *id)
{
    size_t i;
    json_t *series;
    json_array_foreach (json_object_get(manifest, "series"), i, series) {
        if (id && strcmp(text_of(series, "id"), id) == 0)
            return text_of(series, "file");
    }
    return NULL;
}

/* The parameters of the case as text; mu0 may be a column of the expected file. */
static char *parameters_text(json_t *one, const struct expected *expected)
{
    json_t *parameters = json_deep_copy(json_object_get(one, "params"));
    if (json_is_string(json_object_get(parameters, "mu0"))) {
        json_t *array = json_array();
        for (size_t row = 0; row < expected->rows; row++)
            json_array_append_new(array, json_real(expected_column(expected, "mu0")[row]));
        json_object_set_new(parameters, "mu0", array);
    }
    char *text = json_dumps(parameters, 0);
    json_decref(parameters);
    return text;
}

static void check_case(json_t *manifest, json_t *one, struct expected *expected)
{
    struct test_run run;
    struct error err = {0};
    const char *id = text_of(one, "id"), *command, *file;
    char method[32];
    if (!find_algorithm(one, method, &command))
        fail_msg("%s: nothing answers %s", id, text_of(one, "algorithm"));
    file = series_file(manifest, text_of(one, "series"));
    read_expected(text_of(one, "expected"), expected);
    char *parameters = parameters_text(one, expected);
    const char *table = strstr(text_of(one, "algorithm"), "CDF") ? "cdf" : NULL;
    bool done =
        test_try_fd(&run, command, method, file ? open_file(file) : -1, parameters, table, &err);
    free(parameters);
    if (!done)
        print_message("%s\n", id);
    test_done_or_fail(done, &err);
    if (run.table.row_count != expected->rows)
        fail_msg("%s: %zu rows, expected %zu", id, run.table.row_count, expected->rows);
    for (size_t c = 0; c < expected->columns; c++)
        if (is_compared(one, method, expected->names[c]))
            compare_column(id, expected, c, test_column(&run, expected->names[c]));
    test_run_release(&run);
}

static void check_manifest(const char *name, size_t cases_min)
{
    struct buffer text;
    struct error err;
    json_t *manifest, *one;
    size_t i;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (access(path, R_OK) != 0) {
        print_message("the reference cases are absent: %s\n", path);
        skip();
    }
    struct expected *expected = x_alloc(1, sizeof *expected);
    buffer_init(&text, 16 << 20);
    test_done_or_fail(file_read_whole(AT_FDCWD, path, &text, &err), &err);
    test_done_or_fail(json_read(buffer_slice(&text), path, &manifest, &err), &err);
    json_t *cases = json_object_get(manifest, "cases");
    assert_true(json_array_size(cases) >= cases_min);
    json_array_foreach (cases, i, one)
        check_case(manifest, one, expected);
    json_decref(manifest);
    buffer_release(&text);
    free(expected);
}

static void every_detector_equals_its_reference_cases(void **state)
{
    (void)state;
    check_manifest("manifest_detect.json", 100);
}

static void every_estimate_equals_its_reference_cases(void **state)
{
    (void)state;
    check_manifest("manifest_rt.json", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_detector_equals_its_reference_cases),
        cmocka_unit_test(every_estimate_equals_its_reference_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
