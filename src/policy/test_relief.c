/* Goal: relief rules say who is entitled, why, until when, and what cannot be said; their file and
 * the firms' file are taken as a whole or refused by row and field. */
#include <unistd.h>

#include "base/embedded.h"
#include "policy/relief.h"
#include "policy/test_support.h"

struct desk {
    struct relief *relief;
    struct arena arena;
};

static int desk_make(void **state)
{
    struct error err;
    struct desk *desk = x_alloc(1, sizeof *desk);
    test_fail_on(relief_open(-1, &desk->relief, &err), &err);
    arena_init(&desk->arena, 1 << 30);
    *state = desk;
    return 0;
}
static int desk_remove(void **state)
{
    struct desk *desk = *state;
    relief_free(desk->relief);
    arena_release(&desk->arena);
    free(desk);
    return 0;
}

static int32_t day_of(const char *text)
{
    int32_t day = 0;
    assert_true(time_parse_date(slice_of(text), &day));
    return day;
}

/* The answer of one rule to the one firm of `text`. */
static struct relief_answer ask(struct desk *desk, const char *text, const char *rule,
                                const char *day)
{
    struct error err;
    struct relief_firm *firms;
    struct relief_answer *answers;
    size_t count;
    test_fail_on(relief_firms_read(desk->relief, slice_of(text), "firms", &desk->arena, &firms,
                                   &count, &err),
                 &err);
    assert_int_equal(count, 1);
    size_t at = relief_rule_of(desk->relief, slice_of(rule));
    if (at == relief_rule_count(desk->relief))
        fail_msg("there is no rule %s", rule);
    relief_decide(desk->relief, &firms[0], day_of(day), &desk->arena, &answers);
    return answers[at];
}

static bool is_missing(const struct relief_answer *answer, const char *field)
{
    for (size_t i = 0; i < answer->missing_count; i++)
        if (strcmp(answer->missing[i], field) == 0)
            return true;
    return false;
}

static bool says(const struct relief_answer *answer, const char *words)
{
    for (size_t i = 0; i < answer->reason_count; i++)
        if (strstr(answer->reasons[i].en, words) || strstr(answer->reasons[i].zh, words))
            return true;
    return false;
}

/* ---- Every rule at its boundaries */

#define WUJIN "\"landlord\":\"district_state\",\"premises_area\":\"320412\""
#define PLANT WUJIN ",\"sector\":\"manufacturing\",\"premises\":\"standard_plant\""
#define SOE "\"landlord\":\"central_soe\",\"kind\":\"self_employed\""
#define LISTED SOE ",\"area_listed\":true,\"area_listed_on\":"
#define LOAN "\"severe\":true,\"size\":\"medium\",\"loan_due_on\":"
#define JOBS "\"insured_months\":12,\"insured_count\":"

static const struct {
    const char *rule, *day, *fields, *state;
} boundary_rows[] = {
    {"wujin_rent_service", "2022-03-01", WUJIN ",\"kind\":\"self_employed\"", "applies"},
    {"wujin_rent_service", "2022-08-31", WUJIN ",\"kind\":\"self_employed\"", "applies"},
    {"wujin_rent_service", "2022-02-28", WUJIN ",\"kind\":\"self_employed\"", "does_not"},
    {"wujin_rent_service", "2022-09-01", WUJIN ",\"kind\":\"self_employed\"", "does_not"},
    {"wujin_rent_service", "2022-04-01",
     WUJIN ",\"kind\":\"enterprise\",\"sector\":\"catering\",\"size\":\"small\"", "applies"},
    {"wujin_rent_service", "2022-04-01",
     WUJIN ",\"kind\":\"enterprise\",\"sector\":\"catering\",\"size\":\"medium\"", "does_not"},
    {"wujin_rent_service", "2022-04-01",
     WUJIN ",\"kind\":\"enterprise\",\"sector\":\"other\",\"size\":\"micro\"", "does_not"},
    {"wujin_rent_service", "2022-04-01",
     WUJIN ",\"kind\":\"non_profit\",\"sector\":\"other_service\"", "applies"},
    {"wujin_rent_service", "2022-04-01",
     "\"landlord\":\"private\",\"premises_area\":\"320412\",\"kind\":\"self_employed\"",
     "does_not"},
    {"wujin_rent_service", "2022-04-01",
     "\"landlord\":\"district_state\",\"premises_area\":\"320411\",\"kind\":\"self_employed\"",
     "does_not"},
    {"wujin_rent_manufacturing", "2022-04-30", PLANT ",\"size\":\"medium\"", "applies"},
    {"wujin_rent_manufacturing", "2022-05-01", PLANT ",\"size\":\"medium\"", "does_not"},
    {"wujin_rent_manufacturing", "2022-04-30", PLANT ",\"size\":\"large\"", "does_not"},
    {"wujin_rent_manufacturing", "2022-04-30",
     WUJIN ",\"sector\":\"manufacturing\",\"premises\":\"incubator\",\"size\":\"micro\"",
     "applies"},
    {"wujin_rent_manufacturing", "2022-04-30",
     WUJIN ",\"sector\":\"manufacturing\",\"premises\":\"other\",\"size\":\"micro\"", "does_not"},
    {"wujin_rent_manufacturing_severe", "2022-04-30", PLANT ",\"size\":\"small\",\"severe\":true",
     "does_not"},
    {"wujin_rent_manufacturing_severe", "2022-05-01", PLANT ",\"size\":\"small\",\"severe\":true",
     "applies"},
    {"wujin_rent_manufacturing_severe", "2022-08-31", PLANT ",\"size\":\"small\",\"severe\":true",
     "applies"},
    {"wujin_rent_manufacturing_severe", "2022-08-31", PLANT ",\"size\":\"small\",\"severe\":false",
     "does_not"},
    {"wujin_rent_manufacturing_severe", "2022-08-31", PLANT ",\"size\":\"small\"", "unknown"},
    {"central_soe_rent_first", "2022-06-30", SOE, "applies"},
    {"central_soe_rent_first", "2022-07-01", SOE, "does_not"},
    {"central_soe_rent_first", "2022-06-30",
     "\"landlord\":\"central_soe\",\"kind\":\"enterprise\",\"sector\":\"retail\","
     "\"size\":\"medium\"",
     "does_not"},
    {"central_soe_rent_listed", "2022-04-01", LISTED "\"2022-04-02\"", "does_not"},
    {"central_soe_rent_listed", "2022-04-02", LISTED "\"2022-04-02\"", "applies"},
    {"central_soe_rent_listed", "2022-06-02", LISTED "\"2022-04-02\"", "applies"},
    {"central_soe_rent_listed", "2022-06-03", LISTED "\"2022-04-02\"", "does_not"},
    {"central_soe_rent_listed", "2023-02-28", LISTED "\"2022-12-31\"", "applies"},
    {"central_soe_rent_listed", "2023-03-01", LISTED "\"2022-12-31\"", "does_not"},
    {"central_soe_rent_listed", "2023-02-01", LISTED "\"2023-01-01\"", "does_not"},
    {"central_soe_rent_listed", "2022-01-01", LISTED "\"2021-12-31\"", "does_not"},
    {"central_soe_rent_listed", "2022-04-02", SOE ",\"area_listed\":false", "does_not"},
    {"central_soe_rent_listed", "2022-04-02", SOE ",\"area_listed\":true", "unknown"},
    {"six_taxes_two_fees_half", "2022-01-01", "\"taxpayer\":\"small_scale\"", "applies"},
    {"six_taxes_two_fees_half", "2024-12-31", "\"low_profit\":true", "applies"},
    {"six_taxes_two_fees_half", "2025-01-01", "\"low_profit\":true", "does_not"},
    {"six_taxes_two_fees_half", "2022-04-01", "\"kind\":\"self_employed\"", "applies"},
    {"six_taxes_two_fees_half", "2022-04-01",
     "\"kind\":\"enterprise\",\"low_profit\":false,\"taxpayer\":\"general\"", "does_not"},
    {"profit_tax_reduced", "2022-04-01", "\"low_profit\":true,\"annual_profit\":1000000",
     "applies"},
    {"profit_tax_reduced", "2022-04-01", "\"low_profit\":true,\"annual_profit\":999999.99",
     "does_not"},
    {"profit_tax_reduced", "2022-04-01", "\"low_profit\":true,\"annual_profit\":3000000",
     "applies"},
    {"profit_tax_reduced", "2022-04-01", "\"low_profit\":true,\"annual_profit\":3000000.01",
     "does_not"},
    {"profit_tax_reduced", "2022-04-01", "\"low_profit\":false,\"annual_profit\":2000000",
     "does_not"},
    {"small_taxpayer_vat_exempt", "2022-12-31",
     "\"taxpayer\":\"small_scale\",\"monthly_sales\":150000", "applies"},
    {"small_taxpayer_vat_exempt", "2022-12-31",
     "\"taxpayer\":\"small_scale\",\"monthly_sales\":150000.01", "does_not"},
    {"small_taxpayer_vat_exempt", "2023-01-01", "\"taxpayer\":\"small_scale\",\"monthly_sales\":1",
     "does_not"},
    {"small_taxpayer_vat_exempt", "2022-12-31", "\"taxpayer\":\"general\",\"monthly_sales\":1",
     "does_not"},
    {"public_transport_vat_exempt", "2022-04-01", "\"sector\":\"public_transport\"", "applies"},
    {"public_transport_vat_exempt", "2022-04-01", "\"sector\":\"transport\"", "does_not"},
    {"pension_deferral", "2022-06-30", "\"sector\":\"catering\"", "applies"},
    {"pension_deferral", "2022-07-01", "\"sector\":\"catering\"", "does_not"},
    {"pension_deferral", "2022-06-30", "\"sector\":\"manufacturing\"", "does_not"},
    {"unemployment_injury_deferral", "2023-03-31", "\"sector\":\"tourism\"", "applies"},
    {"unemployment_injury_deferral", "2023-04-01", "\"sector\":\"tourism\"", "does_not"},
    {"job_keeping_refund", "2022-04-01", JOBS "31,\"layoff_rate\":5.5", "applies"},
    {"job_keeping_refund", "2022-04-01", JOBS "31,\"layoff_rate\":5.51", "does_not"},
    {"job_keeping_refund", "2022-04-01", JOBS "30,\"layoff_rate\":20", "applies"},
    {"job_keeping_refund", "2022-04-01", JOBS "30,\"layoff_rate\":20.1", "does_not"},
    {"job_keeping_refund", "2022-04-01", JOBS "31,\"layoff_rate\":20", "does_not"},
    {"job_keeping_refund", "2022-04-01",
     "\"insured_months\":11,\"insured_count\":1,\"layoff_rate\":0", "does_not"},
    {"loan_roll_over", "2022-04-01", LOAN "\"2022-01-01\"", "applies"},
    {"loan_roll_over", "2022-04-01", LOAN "\"2022-12-31\"", "applies"},
    {"loan_roll_over", "2022-04-01", LOAN "\"2021-12-31\"", "does_not"},
    {"loan_roll_over", "2022-04-01", LOAN "\"2023-01-01\"", "does_not"},
    {"loan_roll_over", "2022-04-01",
     "\"severe\":true,\"size\":\"large\",\"kind\":\"enterprise\",\"loan_due_on\":\"2022-05-01\"",
     "does_not"},
    {"loan_discount_2020", "2020-12-31", "\"key_supplier\":true", "applies"},
    {"loan_discount_2020", "2020-01-31", "\"key_supplier\":true", "does_not"},
    {"loan_discount_2020", "2020-12-31", "\"key_supplier\":false", "does_not"},
};
enum { BOUNDARY_ROWS = sizeof boundary_rows / sizeof *boundary_rows };

static void each_rule_decides_at_its_boundaries(void **state)
{
    struct desk *desk = *state;
    for (size_t i = 0; i < BOUNDARY_ROWS; i++) {
        const char *text =
            arena_print(&desk->arena, "{\"code\":\"A\",%s}", boundary_rows[i].fields);
        struct relief_answer answer = ask(desk, text, boundary_rows[i].rule, boundary_rows[i].day);
        if (strcmp(relief_state_name(answer.state), boundary_rows[i].state) != 0)
            fail_msg("row %zu, %s on %s: %s, expected %s", i, boundary_rows[i].rule,
                     boundary_rows[i].day, relief_state_name(answer.state), boundary_rows[i].state);
        assert_true((answer.state == RELIEF_UNKNOWN) == (answer.missing_count > 0));
        assert_true((answer.state == RELIEF_UNKNOWN) == (answer.reason_count == 0));
    }
}

static void every_rule_has_a_row_that_applies_and_one_that_does_not(void **state)
{
    struct desk *desk = *state;
    for (size_t r = 0; r < relief_rule_count(desk->relief); r++) {
        const char *name = relief_rule_name(relief_rule_at(desk->relief, r));
        bool yes = false, no = false;
        for (size_t i = 0; i < BOUNDARY_ROWS; i++)
            if (strcmp(boundary_rows[i].rule, name) == 0) {
                yes |= strcmp(boundary_rows[i].state, "applies") == 0;
                no |= strcmp(boundary_rows[i].state, "does_not") == 0;
            }
        if (!yes || !no)
            fail_msg("no row tests the boundaries of %s", name);
    }
}

static void a_missing_field_is_unknown_only_where_the_answer_hangs_on_it(void **state)
{
    struct desk *desk = *state;
    for (size_t i = 0; i < relief_rule_count(desk->relief); i++) {
        const char *rule = relief_rule_name(relief_rule_at(desk->relief, i));
        const char *day = strcmp(rule, "loan_discount_2020") == 0                ? "2020-06-01"
                          : strcmp(rule, "wujin_rent_manufacturing_severe") == 0 ? "2022-05-01"
                                                                                 : "2022-04-14";
        struct relief_answer answer = ask(desk, "{\"code\":\"A\"}", rule, day);
        assert_int_equal(answer.state, RELIEF_UNKNOWN);
        assert_true(answer.missing_count > 0);
    }
    struct relief_answer answer =
        ask(desk, "{\"code\":\"A\",\"landlord\":\"district_state\",\"kind\":\"enterprise\"}",
            "wujin_rent_service", "2022-04-14");
    assert_int_equal(answer.state, RELIEF_UNKNOWN);
    assert_true(is_missing(&answer, "premises_area") && is_missing(&answer, "sector") &&
                is_missing(&answer, "size"));
    assert_false(is_missing(&answer, "landlord") || is_missing(&answer, "severe"));
    answer = ask(desk, "{\"code\":\"A\",\"taxpayer\":\"general\"}", "small_taxpayer_vat_exempt",
                 "2022-04-14");
    assert_int_equal(answer.state, RELIEF_DOES_NOT);
}

static void reasons_name_what_holds_and_what_fails(void **state)
{
    struct desk *desk = *state;
    struct relief_answer answer =
        ask(desk, "{\"code\":\"A\",\"taxpayer\":\"small_scale\",\"monthly_sales\":150001}",
            "small_taxpayer_vat_exempt", "2022-04-14");
    assert_int_equal(answer.reason_count, 1);
    assert_string_equal(answer.reasons[0].en,
                        "Monthly sales in CNY: 150001 (must be at most 150000)");
    assert_string_equal(answer.reasons[0].zh, "月销售额（元）：150001（须不超过150000）");
    answer = ask(desk, "{\"code\":\"A\",\"kind\":\"self_employed\"}", "six_taxes_two_fees_half",
                 "2022-04-14");
    assert_int_equal(answer.reason_count, 1);
    assert_true(says(&answer, "Kind of firm: self-employed (must be self-employed, and is)"));
    assert_int_equal(answer.until, day_of("2024-12-31"));
    answer = ask(desk, "{\"code\":\"A\",\"sector\":\"retail\"}", "pension_deferral", "2022-07-01");
    assert_int_equal(answer.reason_count, 1);
    assert_true(says(&answer, "ended on 2022-06-30") && says(&answer, "已于2022-06-30截止"));
    answer = ask(desk, "{\"code\":\"A\"," LISTED "\"2022-12-31\"}", "central_soe_rent_listed",
                 "2023-02-28");
    assert_int_equal(answer.from, day_of("2022-12-31"));
    assert_int_equal(answer.until, day_of("2023-02-28"));
}

/* ---- What was asked */

static void who_asked_is_known_by_rule_by_benefit_or_not_at_all(void **state)
{
    struct desk *desk = *state;
    static const struct {
        const char *asked;
        enum relief_asked tax, insurance;
    } rows[] = {
        {"", RELIEF_ASKED_UNKNOWN, RELIEF_ASKED_UNKNOWN},
        {",\"asked\":null", RELIEF_ASKED_UNKNOWN, RELIEF_ASKED_UNKNOWN},
        {",\"asked\":[]", RELIEF_NEVER_ASKED, RELIEF_NEVER_ASKED},
        {",\"asked\":\"\"", RELIEF_NEVER_ASKED, RELIEF_NEVER_ASKED},
        {",\"asked\":[\"tax\"]", RELIEF_ASKED, RELIEF_NEVER_ASKED},
        {",\"asked\":[\"six_taxes_two_fees_half\"]", RELIEF_ASKED, RELIEF_NEVER_ASKED},
        {",\"asked\":[\"profit_tax_reduced\"]", RELIEF_NEVER_ASKED, RELIEF_NEVER_ASKED},
        {",\"asked\":\"insurance; six_taxes_two_fees_half\"", RELIEF_ASKED, RELIEF_ASKED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = arena_print(
            &desk->arena, "{\"code\":\"A\",\"low_profit\":true,\"sector\":\"catering\"%s}",
            rows[i].asked);
        struct relief_answer tax = ask(desk, text, "six_taxes_two_fees_half", "2022-04-14");
        struct relief_answer insurance = ask(desk, text, "pension_deferral", "2022-04-14");
        if (tax.asked != rows[i].tax || insurance.asked != rows[i].insurance)
            fail_msg("row %zu: %d %d", i, tax.asked, insurance.asked);
        assert_true(relief_is_unasked(&tax) == (rows[i].tax == RELIEF_NEVER_ASKED));
        assert_true(relief_is_unasked(&insurance) == (rows[i].insurance == RELIEF_NEVER_ASKED));
    }
}

static void an_application_for_nothing_named_leaves_the_rest_unknown(void **state)
{
    struct desk *desk = *state;
    struct error err;
    struct relief_firm *firms;
    size_t count;
    test_fail_on(relief_firms_read(desk->relief, SLICE("{\"code\":\"A\",\"asked\":[\"loan\"]}"),
                                   "firms", &desk->arena, &firms, &count, &err),
                 &err);
    size_t loan = relief_rule_of(desk->relief, SLICE("loan_roll_over"));
    size_t tax = relief_rule_of(desk->relief, SLICE("profit_tax_reduced"));
    assert_true(relief_mark_asked(desk->relief, firms, SLICE("by word of mouth"), SLICE("rent")));
    assert_int_equal(firms[0].asked[tax], RELIEF_NEVER_ASKED);
    assert_false(relief_mark_asked(desk->relief, firms, SLICE(""), SLICE("")));
    assert_int_equal(firms[0].asked[tax], RELIEF_ASKED_UNKNOWN);
    assert_int_equal(firms[0].asked[loan], RELIEF_ASKED);
}

/* ---- The firms' file */

static void firms_come_as_json_ndjson_or_csv_and_mean_the_same(void **state)
{
    struct desk *desk = *state;
    static const char *const texts[] = {
        "{\n \"code\": \"甲\",\n \"size\": \"micro\", \"severe\": true, \"monthly_sales\": 1.5,\n"
        " \"loan_due_on\": \"2022-05-01\", \"asked\": [\"tax\"]\n}\n",
        "[{\"code\":\"甲\",\"size\":\"micro\",\"severe\":true,\"monthly_sales\":1.5,"
        "\"loan_due_on\":\"2022-05-01\",\"asked\":\"tax\"}]",
        "{\"code\":\"甲\",\"size\":\"micro\",\"severe\":true,\"monthly_sales\":1.5,"
        "\"loan_due_on\":\"2022-05-01\",\"asked\":[\"tax\"],\"name\":null}\n\n",
        "\xEF\xBB\xBF"
        "asked,loan_due_on,monthly_sales,severe,size,code,sector\n"
        "tax,2022-05-01,1.5,true,micro,甲,\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct relief_answer loan = ask(desk, texts[i], "loan_roll_over", "2022-04-14");
        assert_int_equal(loan.state, RELIEF_APPLIES);
        assert_true(says(&loan, "2022-05-01"));
        assert_int_equal(loan.asked, RELIEF_NEVER_ASKED);
        assert_int_equal(ask(desk, texts[i], "profit_tax_reduced", "2022-04-14").asked,
                         RELIEF_ASKED);
        assert_int_equal(ask(desk, texts[i], "pension_deferral", "2022-04-14").state,
                         RELIEF_UNKNOWN);
    }
}

static void a_firms_file_with_any_fault_is_refused_by_row_and_field(void **state)
{
    struct desk *desk = *state;
    static const struct {
        const char *text;
        int64_t row;
        const char *field, *expected;
    } rows[] = {
        {"", 0, "", "JSON, NDJSON or CSV"},
        {" \n\n", 0, "", "JSON, NDJSON or CSV"},
        {"{\"code\":\"A\"", 1, "", "JSON document"},
        {"{\"code\":\"A\"}\n{\"code\":\"B\"\n", 2, "", "JSON document"},
        {"{\"size\":\"micro\"}", 1, "code", "a text"},
        {"{\"code\":\"\"}", 1, "code", "1 to 64"},
        {"{\"code\":7}", 1, "code", "a text"},
        {"[{\"code\":\"A\"},7]", 2, "code", "a JSON object"},
        {"{\"code\":\"A\"}\n{\"code\":\"A\"}", 2, "code", "each firm once"},
        {"{\"code\":\"A\",\"sise\":\"micro\"}", 1, "sise", "a field of policies/relief.yaml"},
        {"{\"code\":\"A\",\"size\":\"tiny\"}", 1, "size", "one of micro, small"},
        {"{\"code\":\"A\",\"size\":1}", 1, "size", "one of micro, small"},
        {"{\"code\":\"A\"}\n{\"code\":\"B\",\"severe\":\"true\"}", 2, "severe", "true or false"},
        {"{\"code\":\"A\",\"monthly_sales\":\"1\"}", 1, "monthly_sales", "a number"},
        {"{\"code\":\"A\",\"monthly_sales\":1e300}", 1, "monthly_sales", "a number"},
        {"{\"code\":\"A\",\"loan_due_on\":\"2022-02-30\"}", 1, "loan_due_on", "YYYY-MM-DD"},
        {"{\"code\":\"A\",\"premises_area\":\"\"}", 1, "premises_area", "1 to 64"},
        {"{\"code\":\"A\",\"premises_area\":\"\\u001b[2J\"}", 1, "premises_area", "1 to 64"},
        {"{\"code\":\"A\",\"asked\":[\"money\"]}", 1, "asked", "names of rules or benefits"},
        {"{\"code\":\"A\",\"asked\":7}", 1, "asked", "a list"},
        {"size\nmicro\n", 0, "code", "a header with the column code"},
        {"code,sise\nA,micro\n", 0, "sise", "a field of policies/relief.yaml"},
        {"code,size\nA,micro\nB,tiny\n", 2, "size", "one of micro, small"},
        {"code,severe\nA,yes\n", 1, "severe", "true or false"},
        {"code,size\nA,micro\n,micro\n", 2, "code", "1 to 64"},
        {"code,size\nA,micro\nA,small\n", 2, "code", "each firm once"},
        {"code,size\nA,micro\nB\n", 2, "", ""},
        {"code,monthly_sales\nA,12x\n", 1, "monthly_sales", "a number"},
        {"code,asked\nA,tax;money\n", 1, "asked", "names of rules or benefits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        struct relief_firm *firms = NULL;
        size_t count;
        if (relief_firms_read(desk->relief, slice_of(rows[i].text), "firms", &desk->arena, &firms,
                              &count, &err))
            fail_msg("row %zu was taken: %s", i, rows[i].text);
        assert_null(firms);
        assert_int_equal(error_kind(err.code)->exit_code, EXIT_USAGE);
        if (err.row != rows[i].row || strcmp(err.field, rows[i].field) != 0 ||
            !strstr(err.expected, rows[i].expected))
            fail_msg("row %zu: row %lld, field '%s', expected '%s': %s", i, (long long)err.row,
                     err.field, err.expected, err.what);
    }
}

/* ---- The rules' file */

static const char small_file[] =
    "benefits:\n  tax: {zh: 税, en: Tax}\n"
    "fields:\n"
    "  size: {type: enum, title: {zh: 型, en: Size}, values: {micro: {zh: 微, en: micro}}}\n"
    "  sales: {type: number, title: {zh: 额, en: Sales}}\n"
    "  on: {type: date, title: {zh: 日, en: Day}}\n"
    "  hit: {type: bool, title: {zh: 重, en: Hit}}\n"
    "rules:\n"
    "  half:\n"
    "    benefit: tax\n"
    "    title: {zh: 半, en: Half}\n"
    "    gives: {zh: 减半, en: Half of it}\n"
    "    department: {zh: 局, en: Office}\n"
    "    window: {from: '2022-01-01', until: {field: on, months: 2}}\n"
    "    source: 'test'\n"
    "    hand_in: [{zh: 表, en: Form}]\n"
    "    needs: {all: [{field: size, eq: micro}, {any: [{field: sales, at_most: 5},"
    " {field: hit, eq: true}]}]}\n";

static void a_rules_file_with_any_fault_is_refused_by_rule_and_field(void **state)
{
    struct desk *desk = *state;
    static const struct {
        const char *from, *to, *source, *field;
    } rows[] = {
        {"benefits:", "benefit:", "relief.yaml", "benefit"},
        {"rules:", "roles:", "relief.yaml", "roles"},
        {"tax: {zh: 税, en: Tax}", "tax: {zh: 税}", "benefits", "en"},
        {"tax: {zh: 税, en: Tax}", "tax: {zh: 税, en: ''}", "benefits", "tax"},
        {"  tax: {zh", "  Tax: {zh", "benefits", "Tax"},
        {"type: number", "type: money", "field sales", "type"},
        {"type: number, ", "", "field sales", "type"},
        {"  sales: {", "  asked: {", "fields", "asked"},
        {"type: date,", "type: date, values: {a: {zh: 一, en: a}},", "field on", "values"},
        {", values: {micro: {zh: 微, en: micro}}", "", "field size", "values"},
        {"benefit: tax", "benefit: rent", "rule half", "benefit"},
        {"    gives: {zh: 减半, en: Half of it}\n", "", "rule half", "gives"},
        {"    source: 'test'\n", "", "rule half", "source"},
        {"source: 'test'", "source: ' '", "rule half", "source"},
        {"from: '2022-01-01'", "from: '2022-13-01'", "rule half", "from"},
        {"from: '2022-01-01', ", "", "rule half", "from"},
        {"field: on, months", "field: sales, months", "rule half", "until"},
        {"months: 2", "months: 121", "rule half", "months"},
        {"until: {field: on, months: 2}", "until: '2021-12-31'", "rule half", "window"},
        {"hand_in: [{zh: 表, en: Form}]", "hand_in: none", "rule half", "hand_in"},
        {"{field: size, eq: micro}", "{field: seize, eq: micro}", "rule half", "needs.all[0]"},
        {"eq: micro", "eq: tiny", "rule half", "needs.all[0].eq"},
        {"eq: micro", "is: micro", "rule half", "needs.all[0]"},
        {"eq: micro", "in: micro", "rule half", "needs.all[0].in"},
        {"eq: micro", "in: []", "rule half", "needs.all[0].in"},
        {"eq: micro", "at_least: micro", "rule half", "needs.all[0].at_least"},
        {"eq: micro", "eq: micro, in: [micro]", "rule half", "needs.all[0]"},
        {"at_most: 5", "at_most: five", "rule half", "needs.all[1].any[0].at_most"},
        {"eq: true", "eq: 1", "rule half", "needs.all[1].any[1].eq"},
        {"{all: [", "{none: [", "rule half", "needs"},
        {"{field: hit, eq: true}", "{any: []}", "rule half", "needs.all[1].any[1].any[0]"},
        {"{field: hit, eq: true}",
         "{all: [{all: [{all: [{all: [{all: [{all: [{all: [{field: hit, eq: true}]}]}]}]}]}]}]}",
         "rule half", "needs.all[1].any[1].all[0].all[0].all[0].all[0].all[0].all[0].all[0]"},
        {"    needs:", "    need:", "rule half", "need"},
        {"  half:", "  Half:", "rules", "Half"},
    };
    struct error err = {0};
    struct relief *relief = NULL;
    test_fail_on(relief_read(slice_of(small_file), "relief.yaml", &relief, &err), &err);
    relief_free(relief);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(small_file, rows[i].from);
        if (!at)
            fail_msg("row %zu: '%s' does not stand there", i, rows[i].from);
        const char *text = arena_print(&desk->arena, "%.*s%s%s", (int)(at - small_file), small_file,
                                       rows[i].to, at + strlen(rows[i].from));
        err = (struct error){0};
        relief = NULL;
        if (relief_read(slice_of(text), "relief.yaml", &relief, &err))
            fail_msg("row %zu was taken: %s", i, rows[i].to);
        assert_null(relief);
        assert_int_equal(error_kind(err.code)->exit_code, EXIT_USAGE);
        if (strcmp(err.source, rows[i].source) != 0 || strcmp(err.field, rows[i].field) != 0)
            fail_msg("row %zu: %s, field '%s': %s", i, err.source, err.field, err.what);
        assert_true(err.expected[0]);
    }
}

static void the_benefits_are_those_that_an_application_names(void **state)
{
    struct desk *desk = *state;
    const struct embedded_file *scene = embedded_find("scenes/relief_application.yaml");
    struct buffer values;
    assert_non_null(scene);
    buffer_init(&values, 1000);
    buffer_append_text(&values, "{name: benefit, type: enum, values: [");
    for (size_t i = 0; i < relief_benefit_count(desk->relief); i++)
        buffer_print(&values, "%s%s", i ? ", " : "", relief_benefit_name(desk->relief, i));
    buffer_append_text(&values, "]");
    assert_non_null(memmem(scene->content.data, scene->content.length, values.data, values.length));
    buffer_release(&values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_decides_at_its_boundaries),
        cmocka_unit_test(every_rule_has_a_row_that_applies_and_one_that_does_not),
        cmocka_unit_test(a_missing_field_is_unknown_only_where_the_answer_hangs_on_it),
        cmocka_unit_test(reasons_name_what_holds_and_what_fails),
        cmocka_unit_test(who_asked_is_known_by_rule_by_benefit_or_not_at_all),
        cmocka_unit_test(an_application_for_nothing_named_leaves_the_rest_unknown),
        cmocka_unit_test(firms_come_as_json_ndjson_or_csv_and_mean_the_same),
        cmocka_unit_test(a_firms_file_with_any_fault_is_refused_by_row_and_field),
        cmocka_unit_test(a_rules_file_with_any_fault_is_refused_by_rule_and_field),
        cmocka_unit_test(the_benefits_are_those_that_an_application_names),
    };
    return cmocka_run_group_tests(tests, desk_make, desk_remove);
}
