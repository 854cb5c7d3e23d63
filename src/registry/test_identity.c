/* Numbers that people and firms are known by: what is valid, what each refusal names, and that no
 * single wrong character passes. Then the masks under which they are shown. */
#include "registry/test_support.h"

static int32_t day(const char *date)
{
    int32_t number = 0;
    assert_true(time_parse_date(slice_of(date), &number));
    return number;
}

/* ---- GB 11643 */

struct number_row {
    const char *text, *normal, *warning, *what; /* what: the refusal; NULL where it is taken */
    bool demo;
};

static const struct number_row numbers[] = {
    {"11010519491231002X", "11010519491231002X", NULL, NULL, false}, /* the standard's examples */
    {"440524188001010014", "440524188001010014", NULL, NULL, false},
    {"11010519491231002x", "11010519491231002X", NULL, NULL, false},
    {"110105194912310021", NULL, NULL, "check character", false},
    {"1101051949123100", NULL, NULL, "wrong length", false},
    {"11010519491231002XX", NULL, NULL, "wrong length", false},
    {"", NULL, NULL, "wrong length", false},
    {"X1010519491231002X", NULL, NULL, "not a digit", false},
    {"1101051949123100X2", NULL, NULL, "not a digit", false},
    {"11010519491231 02X", NULL, NULL, "not a digit", false},
    {"110105194913310028", NULL, NULL, "no such date", false},
    {"110105194902290029", NULL, NULL, "no such date", false},
    {"110105000001010029", NULL, NULL, "no such date", false},
    {"110105194900310029", NULL, NULL, "no such date", false},
    {"110105194904310029", NULL, NULL, "no such date", false},
    {"110105190002290029", NULL, NULL, "no such date", false},
};

static void each_identity_number_is_taken_or_refused_by_its_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct number_row *row = &numbers[i];
        char normal[19];
        const char *warning;
        struct error err = {0};
        bool taken = identity_check_id_number(slice_of(row->text), day("2022-04-14"), row->demo,
                                              normal, &warning, &err);
        if (taken != (row->what == NULL))
            fail_msg("%s: %s", row->text, err.what);
        if (taken)
            assert_string_equal(normal, row->normal);
        else if (!strstr(err.what, row->what))
            fail_msg("%s: %s", row->text, err.what);
        if (!taken)
            assert_string_equal(err.field, "id_number");
    }
}

/* Seventeen digits with their check character. */
static const char *with_check(const char *digits, char out[19])
{
    snprintf(out, 19, "%s", digits);
    out[17] = identity_id_check_digit(out);
    out[18] = '\0';
    return out;
}

static enum error_code checked(const char *digits, bool demo, const char **ret_warning)
{
    char text[19], normal[19];
    struct error err = {0};
    *ret_warning = NULL;
    bool taken = identity_check_id_number(slice_of(with_check(digits, text)), day("2022-04-14"),
                                          demo, normal, ret_warning, &err);
    return taken ? ERROR_NONE : err.code;
}

static void dates_and_areas_are_judged_against_today_and_the_codes(void **state)
{
    (void)state;
    const char *warning;
    assert_int_equal(checked("32040220220414001", false, &warning), ERROR_NONE);
    assert_null(warning);
    assert_int_equal(checked("32040220220415001", false, &warning), ERROR_BAD_VALUE);
    assert_int_equal(checked("32040220200229001", false, &warning), ERROR_NONE);
    assert_int_equal(checked("32040220210229001", false, &warning), ERROR_BAD_VALUE);
    /* 320405, a county withdrawn in 2015: its holders keep their numbers */
    assert_int_equal(checked("32040519800101001", false, &warning), ERROR_NONE);
    assert_non_null(warning);
    assert_non_null(strstr(warning, "unknown county"));
    assert_int_equal(checked("99040219800101001", false, &warning), ERROR_BAD_VALUE);
    assert_int_equal(checked("00040219800101001", true, &warning), ERROR_BAD_VALUE);
    assert_int_equal(checked("99940219800101001", true, &warning), ERROR_NONE);
    assert_int_equal(checked("99940219800101001", false, &warning), ERROR_BAD_VALUE);
}

/* MOD 11-2 catches every single wrong character; the only other spelling is x for X. */
static void every_single_wrong_character_of_an_identity_number_is_caught(void **state)
{
    (void)state;
    static const char *const good[] = {"11010519491231002X", "440524188001010014",
                                       "32040219800101001"};
    static const char alphabet[] = "0123456789Xx ";
    int tried = 0;
    for (size_t g = 0; g < sizeof good / sizeof *good; g++)
        for (int at = 0; at < 18; at++)
            for (const char *c = alphabet; *c; c++) {
                char text[19], normal[19];
                const char *warning;
                struct error err;
                snprintf(text, sizeof text, "%s", good[g]);
                if (strlen(good[g]) == 17)
                    with_check(good[g], text);
                bool same = text[at] == *c || (at == 17 && (text[at] | 32) == (*c | 32));
                text[at] = *c;
                bool taken = identity_check_id_number(slice_of(text), day("2022-04-14"), true,
                                                      normal, &warning, &err);
                if (taken != same)
                    fail_msg("%s %s", text, taken ? "passes" : "does not pass");
                tried++;
            }
    assert_int_equal(tried, 3 * 18 * 13);
}

/* ---- GB 32100 */

static const char *const credit_codes[] = {
    "91350100M000100Y43", /* the standard's example */
    "91330100799655058B", "9144030071526726XG", "914403001922038216",
};

static void unified_credit_codes_are_taken_and_every_wrong_character_is_caught(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    size_t count = 0;
    for (size_t g = 0; g < sizeof credit_codes / sizeof *credit_codes; g++) {
        char normal[19], text[19];
        struct error err;
        if (!identity_check_credit_code(slice_of(credit_codes[g]), normal, &err))
            fail_msg("%s: %s, %s", credit_codes[g], err.what, err.expected);
        assert_string_equal(normal, credit_codes[g]);
        for (int at = 0; at < 18; at++)
            for (const char *c = alphabet; *c; c++) {
                snprintf(text, sizeof text, "%s", credit_codes[g]);
                if (text[at] == *c)
                    continue;
                text[at] = *c;
                if (identity_check_credit_code(slice_of(text), normal, &err))
                    fail_msg("%s passes", text);
                assert_string_equal(err.field, "credit_code");
                count++;
            }
    }
    assert_true(count > 1800);
}

static void credit_codes_are_stored_in_capitals(void **state)
{
    (void)state;
    char normal[19];
    struct error err;
    assert_true(identity_check_credit_code(SLICE("91350100m000100y43"), normal, &err));
    assert_string_equal(normal, "91350100M000100Y43");
    assert_false(identity_check_credit_code(SLICE("91350100M000100Y4"), normal, &err));
    assert_false(identity_check_credit_code(SLICE(""), normal, &err));
}

/* ---- Plates, phones */

static void plates_have_seven_or_eight_characters_and_neither_i_nor_o(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
    } rows[] = {
        {"苏D12345", "苏D12345"},   {"苏D1234A", "苏D1234A"}, {"苏d1234a", "苏D1234A"},
        {"苏DD12345", "苏DD12345"}, {"沪AF12345", "沪AF12345"}, {"宁A00001", "宁A00001"},
        {"琼B8888Z", "琼B8888Z"},   {"苏D1234I", NULL},  {"苏D1234O", NULL},
        {"苏I12345", NULL},         {"苏O12345", NULL},  {"苏112345", NULL},
        {"苏D1234", NULL},          {"苏D1234567", NULL}, {"D123456", NULL},
        {"龙D12345", NULL},         {"苏D12 45", NULL},  {"苏D123·5", NULL},
        {"", NULL},                 {"苏", NULL},        {"\xE8\x8B", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char normal[16];
        struct error err = {0};
        bool taken = identity_check_plate(slice_of(rows[i].text), normal, &err);
        if (taken != (rows[i].normal != NULL))
            fail_msg("%s: %s", rows[i].text, err.what);
        if (taken)
            assert_string_equal(normal, rows[i].normal);
        else
            assert_string_equal(err.field, "plate");
    }
}

static void phones_are_mobile_or_have_an_area_code(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
    } rows[] = {
        {"13812345678", "13812345678"},        {"+8613812345678", "13812345678"},
        {"+86 138-1234-5678", "13812345678"},  {"19912345678", "19912345678"},
        {"0519-85681234", "051985681234"},     {"010-12345678", "01012345678"},
        {"12812345678", NULL},                 {"1381234567", NULL},
        {"138123456789", NULL},                {"85681234", NULL},
        {"0519856812345678", NULL},            {"13812345a78", NULL},
        {"", NULL},                            {"-", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char normal[20];
        struct error err = {0};
        bool taken = identity_check_phone(slice_of(rows[i].text), normal, &err);
        if (taken != (rows[i].normal != NULL))
            fail_msg("%s", rows[i].text);
        if (taken)
            assert_string_equal(normal, rows[i].normal);
    }
}

/* ---- Masks */

static void names_keep_their_first_character_and_their_length(void **state)
{
    (void)state;
    static const struct {
        const char *name, *masked;
    } rows[] = {{"张", "张*"},
                {"张三", "张*"},
                {"欧阳修", "欧**"},
                {"司马相如", "司***"},
                {"买买提·吐尔逊", "买******"},
                {"𠮷田", "𠮷*"},
                {"ئالىم", "ئ****"},
                {"Anna Li", "A******"},
                {"Ö", "Ö*"},
                {"", ""}};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice masked = registry_mask_name(slice_of(rows[i].name), MASK_PARTIAL, &arena);
        if (!slice_equal(masked, slice_of(rows[i].masked)))
            fail_msg("%s becomes %.*s", rows[i].name, SLICE_ARG(masked));
        assert_true(slice_is_utf8(masked));
        masked = registry_mask_name(slice_of(rows[i].name), MASK_FULL, &arena);
        assert_true(slice_equal(masked, slice_of(rows[i].name)));
    }
    arena_release(&arena);
}

static void numbers_show_their_ends_only_where_enough_is_hidden(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct slice masked =
        registry_mask_id_number(SLICE("11010519491231002X"), MASK_PARTIAL, &arena);
    assert_true(slice_equal(masked, SLICE("1101**********002X")));
    masked = registry_mask_phone(SLICE("13812345678"), MASK_PARTIAL, &arena);
    assert_true(slice_equal(masked, SLICE("138****5678")));
    masked = registry_mask_phone(SLICE("1234567"), MASK_PARTIAL, &arena);
    assert_true(slice_equal(masked, SLICE("*******")));
    masked = registry_mask_phone(SLICE("12"), MASK_PARTIAL, &arena);
    assert_true(slice_equal(masked, SLICE("**")));
    masked = registry_mask_phone((struct slice){NULL, 0}, MASK_PARTIAL, &arena);
    assert_null(masked.data);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_identity_number_is_taken_or_refused_by_its_fault),
        cmocka_unit_test(dates_and_areas_are_judged_against_today_and_the_codes),
        cmocka_unit_test(every_single_wrong_character_of_an_identity_number_is_caught),
        cmocka_unit_test(unified_credit_codes_are_taken_and_every_wrong_character_is_caught),
        cmocka_unit_test(credit_codes_are_stored_in_capitals),
        cmocka_unit_test(plates_have_seven_or_eight_characters_and_neither_i_nor_o),
        cmocka_unit_test(phones_are_mobile_or_have_an_area_code),
        cmocka_unit_test(names_keep_their_first_character_and_their_length),
        cmocka_unit_test(numbers_show_their_ends_only_where_enough_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
