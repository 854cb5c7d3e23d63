/* Goal: a scene's sheet goes out empty, comes in filled, a loop a row, and goes out again with what
 * became of it, without what is personal or hidden; importing it again changes nothing. Who is
 * entitled to relief and never asked is found by the loops that were opened. */
#include <zlib.h>

#include "tests/attacks/attack.h"

static const char units[] = "subject,request_no,place,benefit,rule,amount,paid_on\n"
                            "u0000001,R-1,320412,rent,wujin_rent_service,1000.5,\n"
                            "#2,R-2,320412,tax,,,2022-05-01\n"
                            "u0000002,R-2,320412,tax,,99,\n"
                            "u0000003,=R-3,320412,,,,\n"
                            "nobody,R-4,320412,,,,\n"
                            "#1,R-5,999999,,,,\n"
                            "#1,R-6,320412,gold,,,\n"
                            "#1,,320412,,,,\n"
                            "#1,R-7,320412,rent,,-1,\n"
                            "#1,R-8,320412,rent,,,yesterday\n"
                            "#0,R-9,320412,,,,\n";

/* Standard output of a command that ends with `code`; released by the caller. */
static struct buffer out_of(struct served *served, const char *line, int code)
{
    struct ran ran = run(served, line);
    if (ran.code != code)
        fail_msg("%s: exit %d, expected %d: %s", line, ran.code, code,
                 ran.words.data ? ran.words.data : "");
    buffer_release(&ran.words);
    return ran.out;
}

static void expect_out(struct served *served, const char *line, int code, const char *text)
{
    struct buffer out = out_of(served, line, code);
    if (!out.data || !strstr(out.data, text))
        fail_msg("%s: expected '%s' in:\n%s", line, text, out.data ? out.data : "");
    buffer_release(&out);
}

static void read_text_file(struct served *served, const char *name, struct buffer *out)
{
    char path[400];
    struct error err;
    snprintf(path, sizeof path, "%s/%s", served->directory, name);
    buffer_init(out, 64 << 20);
    if (!file_read_whole(AT_FDCWD, path, out, &err))
        fail_msg("%s: %s", path, err.what);
}

/* ---- In and out */

static void rows_open_loops_once_and_are_refused_by_field(void **state)
{
    struct served *served = *state;
    static const char *const refusals[] = {
        "nobody,R-4,320412,,,,,5,subject,\"the source has no such id, expected ",
        "#1,R-5,999999,,,,,6,place,\"unknown area, expected the code of an area\"",
        "#1,R-6,320412,gold,,,,7,benefit,\"none of the choices, expected one of rent, tax",
        "#1,,320412,,,,,8,request_no,\"the field is missing, expected ",
        "#1,R-7,320412,rent,,-1,,9,amount,\"outside of what the scene allows, expected ",
        "#1,R-8,320412,rent,,,yesterday,10,paid_on,\"not a date, expected YYYY-MM-DD\"",
        "#0,R-9,320412,,,,,11,subject,\"not a number, expected # and a number",
    };
    struct buffer rejects;
    write_text(served->directory, "r.csv", units);
    expect_out(served, "import loops r.csv --scene relief_application --dry-run", 1,
               "\"rows\":11,\"inserted\":3,\"merged\":1,\"unchanged\":0,\"rejected\":7,");
    struct buffer none = out_of(served, "export loops --scene relief_application", 0);
    assert_string_equal(none.data, "number,subject,request_no,place,benefit,rule,amount,decision,"
                                   "paid_on,stage,state,opened_at,deadline,closed_at\n");
    buffer_release(&none);
    expect_out(served, "import loops r.csv --scene relief_application", 1,
               "\"rows\":11,\"inserted\":3,\"merged\":1,\"unchanged\":0,\"rejected\":7,");
    read_text_file(served, "r.csv.rejects.csv", &rejects);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (!strstr(rejects.data, refusals[i]))
            fail_msg("'%s' is not in:\n%s", refusals[i], rejects.data);
    buffer_release(&rejects);
    struct buffer before = out_of(served, "export loops --scene relief_application", 0);
    assert_non_null(strstr(before.data, "\n1,u0000001,R-1,320412,rent,wujin_rent_service,1000.5,,,"
                                        "examining,open,2022-"));
    assert_non_null(strstr(before.data, "\n2,u0000002,R-2,320412,tax,,99,,2022-05-01,"));
    assert_non_null(strstr(before.data, "\n3,u0000003,'=R-3,320412,,,,,,examining,open,2022-"));
    expect_out(served, "import loops r.csv --scene relief_application", 1,
               "\"rows\":11,\"inserted\":0,\"merged\":0,\"unchanged\":4,\"rejected\":7,");
    struct buffer after = out_of(served, "export loops --scene relief_application", 0);
    assert_string_equal(before.data, after.data);
    buffer_release(&before);
    buffer_release(&after);
    struct buffer checks = out_of(served, "doctor --deep", 0);
    assert_null(strstr(checks.data, "fail"));
    buffer_release(&checks);
}

static void an_export_of_imported_rows_comes_in_again_as_unchanged(void **state)
{
    struct served *served = *state;
    write_text(served->directory, "r.csv",
               "subject,request_no,place,benefit\nu0000001,=R-1,320412,rent\n");
    expect_out(served, "import loops r.csv --scene relief_application", 0, "\"inserted\":1,");
    struct buffer out = out_of(served, "export loops --scene relief_application -o e.csv", 0);
    buffer_release(&out);
    expect_out(served, "import loops e.csv --scene relief_application", 0,
               "\"rows\":1,\"inserted\":0,\"merged\":0,\"unchanged\":1,\"rejected\":0,");
}

static void what_is_personal_or_hidden_never_leaves(void **state)
{
    struct served *served = *state;
    write_text(served->directory, "a.csv",
               "subject,target_area,origin_level,enter_time,feed,host_unit,address\n"
               "#5,320412,high,2022-04-14T09:00:00+08:00,unit_report,u0000001,SECRET ROAD 1\n");
    expect_out(served, "import loops a.csv --scene arrival", 0, "\"inserted\":1,");
    struct buffer out = out_of(served, "export loops --scene arrival --state open", 0);
    static const char arrivals[] =
        "number,target_area,origin_level,enter_time,feed,host_unit,verified,"
        "measure,stage,state,opened_at,deadline,closed_at\n1,320412,high,"
        "2022-04-14T09:00:00+08:00,unit_report,u0000001,,,";
    assert_true(strncmp(out.data, arrivals, sizeof arrivals - 1) == 0);
    assert_null(strstr(out.data, "SECRET"));
    assert_null(strstr(out.data, "#5"));
    buffer_release(&out);
    struct ran export = run(served, "export staff");
    char id[80] = "", rows[400];
    assert_int_equal(export.code, 0);
    assert_int_equal(sscanf(strchr(export.out.data, '\n') + 1, "%79[^,\n]", id), 1);
    ran_release(&export);
    snprintf(rows, sizeof rows,
             "subject,team_lead,second_inspector,place,seed_hash,seed\n"
             "v0000001,%s,%s,320412,abc,THE-SEED\n",
             id, id);
    write_text(served->directory, "v.csv", rows);
    out = out_of(served, "import loops v.csv --scene inspection_visit", 0);
    buffer_release(&out);
    out = out_of(served, "export loops --scene inspection_visit", 0);
    assert_true(strncmp(out.data, "number,seed_hash,checklist,", 27) == 0);
    assert_null(strstr(out.data, "THE-SEED"));
    assert_null(strstr(out.data, "v0000001"));
    assert_true(strstr(out.data, "\n2,abc,") != NULL);
    buffer_release(&out);
}

static void each_line_ends_as_promised(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *line;
        int code;
        const char *words;
    } rows[] = {
        {"scene sheet relief_application -o a.pdf", 2, "ends in .xlsx or .csv"},
        {"scene sheet relief_application", 2, "ends in .xlsx or .csv"},
        {"scene sheet nothing -o a.csv", 1, "error: there is no scene 'nothing'"},
        {"scene sheet due_test -o a.csv", 4, "error: scene due_test is not opened by hand"},
        {"import loops r.csv", 2, "error: missing, field --scene"},
        {"import loops r.csv --scene nothing", 2, "error: there is no scene 'nothing'"},
        {"import loops r.csv --scene due_test", 4, "is not opened by hand"},
        {"import loops none.csv --scene relief_application", 2, "cannot be opened"},
        {"import loops short.csv --scene relief_application", 2,
         "error: the column is missing, field subject"},
        {"import loops - --scene relief_application --user command", 2, "field --user"},
        {"import loops r.csv --scene relief_application --user nobody_such", 4, "error: "},
        {"export loops", 2, "error: missing, field --scene"},
        {"export loops --scene relief_application --state lost", 2, "is no state of a loop"},
        {"export loops --scene relief_application -o a.txt", 2, "ends in .xlsx or .csv"},
        {"export loops --scene relief_application -o none/a.csv", 2, "cannot be opened"},
        {"relief unasked", 2, "error: an argument is missing"},
        {"relief unasked r.csv", 2, "error: unknown field, r.csv, field subject"},
        {"relief unasked firms.csv --at tomorrow", 2, "is not a day"},
    };
    write_text(served->directory, "r.csv", units);
    write_text(served->directory, "short.csv", "request_no,place\nR-1,320412\n");
    write_text(served->directory, "firms.csv", "code\nu0000001\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_run(served, rows[i].line, rows[i].code, rows[i].words);
}

/* ---- Spreadsheets */

/* The parts of a zip archive, all deflated texts one after the other. */
static void unzip(const struct buffer *archive, struct buffer *out)
{
    buffer_init(out, 64 << 20);
    for (size_t at = 0; at + 30 < archive->length;) {
        const unsigned char *head = (const unsigned char *)archive->data + at;
        if (memcmp(head, "PK\3\4", 4) != 0)
            return;
        size_t packed = head[18] | head[19] << 8 | head[20] << 16;
        size_t skip = 30u + (head[26] | head[27] << 8) + (head[28] | head[29] << 8);
        char text[65536];
        z_stream stream = {.next_in = (unsigned char *)(uintptr_t)head + skip,
                           .avail_in = (unsigned)packed,
                           .next_out = (unsigned char *)text,
                           .avail_out = sizeof text};
        assert_int_equal(inflateInit2(&stream, -15), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        buffer_append(out, text, stream.total_out);
        inflateEnd(&stream);
        at += skip + packed;
    }
}

static void a_spreadsheet_has_choices_formats_and_no_formulas(void **state)
{
    struct served *served = *state;
    struct buffer file, text;
    struct buffer out = out_of(served, "scene sheet relief_application -o empty.xlsx", 0);
    buffer_release(&out);
    read_text_file(served, "empty.xlsx", &file);
    unzip(&file, &text);
    assert_non_null(strstr(text.data, "<formula1>\"rent,tax,insurance,loan,refund\"</formula1>"));
    assert_non_null(strstr(text.data, "yyyy\\-mm\\-dd"));
    assert_non_null(strstr(text.data, "<t>request_no</t>"));
    assert_non_null(strstr(text.data, "<t>申请号</t>"));
    buffer_release(&file);
    buffer_release(&text);
    write_text(served->directory, "r.csv",
               "subject,request_no,place,amount,paid_on\n"
               "u0000001,=1+1,320412,12.5,2022-05-01\n");
    expect_out(served, "import loops r.csv --scene relief_application", 0, "\"inserted\":1,");
    out = out_of(served, "export loops --scene relief_application -o full.xlsx", 0);
    buffer_release(&out);
    read_text_file(served, "full.xlsx", &file);
    unzip(&file, &text);
    assert_non_null(strstr(text.data, "t=\"inlineStr\"><is><t>=1+1</t></is></c>"));
    assert_null(strstr(text.data, "<f>"));
    assert_non_null(strstr(text.data, "<v>12.5</v>"));
    assert_non_null(strstr(text.data, "<v>44682</v>")); /* 2022-05-01 */
    buffer_release(&file);
    buffer_release(&text);
}

static void spreadsheets_come_in_as_csv_does(void **state)
{
    struct served *served = *state;
    struct buffer csv, again;
    write_text(served->directory, "r.csv",
               "subject,request_no,place,benefit,amount,paid_on\n"
               "u0000001,=R-1,320412,tax,12.5,2022-05-01\n#2,0012,320402,,,\n");
    expect_out(served, "import loops r.csv --scene relief_application", 0, "\"inserted\":2,");
    csv = out_of(served, "export loops --scene relief_application -o x.xlsx", 0);
    buffer_release(&csv);
    expect_out(served, "import loops x.xlsx --scene relief_application", 0,
               "\"rows\":2,\"inserted\":0,\"merged\":0,\"unchanged\":2,\"rejected\":0,");
    csv = out_of(served, "export loops --scene relief_application", 0);
    write_text(served->directory, "cut.xlsx", "PK\3\4 and no more");
    expect_run(served, "import loops cut.xlsx --scene relief_application", 2,
               "error: the file is no whole archive, cut.xlsx, expected a spreadsheet");
    expect_run(served, "import units cut.xlsx", 2, "error: the file is no whole archive");
    again = out_of(served, "export loops --scene relief_application", 0);
    assert_string_equal(csv.data, again.data);
    buffer_release(&csv);
    buffer_release(&again);
}

#define HAZARDS                                                                                    \
    "subject,hazard_no,severity,place,stopped,measure_no\n"                                        \
    "%s,H-1,major,320412,TRUE,3\nu0000001,H-2,major,320404,,\n"

static void rows_are_a_user_s_act_within_that_user_s_area(void **state)
{
    struct served *served = *state;
    static const char line[] = "import loops r.csv --scene safety_hazard --user wang";
    char rows[400], unit[80];
    struct buffer units_out = out_of(served, "export units", 0);
    const char *inside = strstr(units_out.data, ",320412"), *begin = inside;
    assert_non_null(inside);
    while (begin > units_out.data && begin[-1] != '\n')
        begin--;
    snprintf(unit, sizeof unit, "%.*s", (int)(inside - begin), begin);
    buffer_release(&units_out);
    struct ran ran =
        run_with(served, "a-long-password\n", "user add wang --role town_duty --area 320412");
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
    struct buffer form = out_of(served, "scene sheet safety_hazard -o form.csv", 0);
    buffer_release(&form);
    read_text_file(served, "form.csv", &form);
    assert_true(strncmp(form.data, "subject,hazard_no,", 18) == 0);
    buffer_release(&form);
    snprintf(rows, sizeof rows, HAZARDS, unit);
    write_text(served->directory, "r.csv", rows);
    ran = run_with(served, "a-wrong-password\n", line);
    assert_int_equal(ran.code, 4);
    ran_release(&ran);
    ran = run_with(served, "a-long-password\n", line);
    if (ran.code != 1 || !strstr(ran.out.data, "\"inserted\":1,") ||
        !strstr(ran.out.data, "\"rejected\":1,"))
        fail_msg("exit %d: %s %s", ran.code, ran.out.data, ran.words.data);
    ran_release(&ran);
    read_text_file(served, "r.csv.rejects.csv", &form);
    assert_non_null(strstr(form.data, "it is not within your authority"));
    buffer_release(&form);
    assert_int_equal(with_the_file(served, "SELECT count(*) FROM audit WHERE act = 'loops.import'"
                                           " AND actor = 'wang' AND purpose = 'safety_hazard' AND"
                                           " fields LIKE '%inserted:1,%rejected:1'"),
                     1);
    form = out_of(served, "export loops --scene safety_hazard", 0);
    buffer_release(&form);
    assert_int_equal(with_the_file(served, "SELECT row_count FROM audit WHERE act ="
                                           " 'loops.exported' AND actor = 'command line'"),
                     1);
}

/* ---- Relief that nobody asked for */

static void applications_tell_who_never_asked(void **state)
{
    struct served *served = *state;
    static const char firms[] = "code,kind,sector,low_profit,asked\n"
                                "u0000001,self_employed,catering,,\n"
                                "u0000002,enterprise,catering,true,\n"
                                "u0000003,enterprise,catering,true,\n"
                                "u0000004,enterprise,catering,true,tax;insurance\n"
                                "unknown,enterprise,catering,true,\n";
    write_text(served->directory, "firms.csv", firms);
    expect_out(served, "relief unasked firms.csv --json", 0,
               "{\"summary\":{\"at\":\"2022-04-14\",\"firms\":5,\"in_register\":4,\"entitled\":5,"
               "\"entitled_never_asked\":3,\"applications\":0,\"applications_without_rule\":0}}");
    write_text(served->directory, "r.csv",
               "subject,request_no,place,benefit,rule\n"
               "u0000001,R-1,320412,insurance,\n"
               "u0000001,R-2,320412,tax,six_taxes_two_fees_half\n"
               "u0000002,R-3,320412,insurance,pension_deferral\n"
               "u0000003,R-4,320412,,\n");
    expect_out(served, "import loops r.csv --scene relief_application", 0, "\"inserted\":4,");
    struct buffer out = out_of(served, "relief unasked firms.csv --json", 0);
    assert_null(strstr(out.data, "\"code\":\"u0000001\""));
    assert_non_null(strstr(out.data, "\"code\":\"u0000002\""));
    assert_non_null(strstr(out.data, "\"unasked\":[\"six_taxes_two_fees_half\","
                                     "\"unemployment_injury_deferral\"]"));
    assert_null(strstr(out.data, "\"code\":\"u0000003\"")); /* asked for what is not known */
    assert_null(strstr(out.data, "\"code\":\"u0000004\"")); /* the file says so */
    assert_null(strstr(out.data, "\"code\":\"unknown\""));
    assert_non_null(strstr(out.data, "\"entitled_never_asked\":1,\"applications\":4,"
                                     "\"applications_without_rule\":1}}"));
    buffer_release(&out);
}

static void a_running_server_takes_sheets_too(void **state)
{
    struct served *served = *state;
    write_text(served->directory, "r.csv", units);
    expect_out(served, "import loops r.csv --scene relief_application", 1, "\"inserted\":3,");
    expect_out(served, "export loops --scene relief_application --state open", 0,
               ",u0000003,'=R-3,320412,,,,,,examining,open,2022-");
    struct buffer out = out_of(served, "export loops --scene relief_application -o f.xlsx", 0);
    buffer_release(&out);
    read_text_file(served, "f.xlsx", &out);
    assert_memory_equal(out.data, "PK\3\4", 4);
    buffer_release(&out);
}

#define CITY_TEST(name) cmocka_unit_test_setup_teardown(name, city_copy, city_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CITY_TEST(rows_open_loops_once_and_are_refused_by_field),
        CITY_TEST(an_export_of_imported_rows_comes_in_again_as_unchanged),
        CITY_TEST(what_is_personal_or_hidden_never_leaves),
        CITY_TEST(each_line_ends_as_promised),
        CITY_TEST(a_spreadsheet_has_choices_formats_and_no_formulas),
        CITY_TEST(spreadsheets_come_in_as_csv_does),
        CITY_TEST(rows_are_a_user_s_act_within_that_user_s_area),
        CITY_TEST(applications_tell_who_never_asked),
        cmocka_unit_test_setup_teardown(a_running_server_takes_sheets_too, city_copy_and_serve,
                                        city_end),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
