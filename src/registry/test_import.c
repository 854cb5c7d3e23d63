/* Imports and exports: every row accounted for, whatever it came as; what comes out goes in again;
 * no identity in clear on the disk. */
#include <sys/wait.h>
#include <zlib.h>

#include "base/random.h"
#include "registry/test_support.h"

/* ---- One good file a kind, in the order that references need, and one bad row a kind */

struct kind_sample {
    const char *kind, *good, *changed, *bad, *field, *reason;
    int64_t rows;
    bool round_trip;
};

static const struct kind_sample samples[] = {
    {"areas",
     "code,gb_code,parent,name_zh,name_en,population,latitude,longitude\n"
     "320402109001,320402,320402109,郑陆村,Zhenglu village,2100,31.8,120.1\n"
     "320402109002,320402,320402109,焦溪村,,900,,\n",
     "code,gb_code,parent,name_zh,name_en,population,latitude,longitude\n"
     "320402109001,320402,320402109,郑陆村,Zhenglu village,2200,31.8,120.1\n"
     "320402109002,320402,320402109,焦溪村,,900,,\n",
     "code,gb_code,parent,name_zh,name_en,population,latitude,longitude\n"
     "320402109003,320402,320499,某村,,1,,\n",
     "parent", "no such area code", 2, true},
    {"households", "household_id,area\nh1,320402001\nh2,320404\n",
     "household_id,area\nh1,320402002\nh2,320404\n", "household_id,area\nh3,32040\n", "area",
     "no such area code", 2, true},
    {"units",
     "unit_id,area,name,credit_code,category\n"
     "u1,320411,常州某厂,91350100M000100Y43,factory\nu2,320412,\"某店, \"\"老\"\"\",,shop\n",
     "unit_id,area,name,credit_code,category\n"
     "u1,320411,常州新厂,91350100M000100Y43,factory\nu2,320412,\"某店, \"\"老\"\"\",,shop\n",
     "unit_id,area,name,credit_code,category\nu3,320411,某厂,91350100M000100Y44,factory\n",
     "credit_code", "the check character does not fit; expected check character 3", 2, true},
    {"persons",
     "person_id,area,birth_year,sex,household_id,unit_id,name,id_number,phone\n"
     "p1,320402001,1949,f,h1,u1,张三丰,11010519491231002x,13812345678\n"
     "p2,320404,1990,m,h2,,李四,,+86 139-1234-5678\np3,,,,,,,,\n",
     "person_id,area,birth_year,sex,household_id,unit_id,name,id_number,phone\n"
     "p1,320402002,1949,f,h1,u1,张三丰,11010519491231002x,13812345678\n"
     "p2,320404,1990,m,h2,,李四,,+86 139-1234-5678\np3,,,,,,,,\n",
     "person_id,name,id_number\np4,王五,110105194912310021\n", "id_number",
     "the check character does not fit; expected check character X", 3, true},
    {"venues",
     "venue_id,area,name,category,lat,lon,check_level,unit_id\n"
     "v1,320402,红梅公园,park,31.78,119.97,0,\nv2,320411,常州某厂,factory,,,2,u1\n",
     "venue_id,area,name,category,lat,lon,check_level,unit_id\n"
     "v1,320402,红梅公园,park,31.781,119.97,0,\nv2,320411,常州某厂,factory,,,2,u1\n",
     "venue_id,area,name,category\nv3,320402,某处,no_such_place\n", "category",
     "no such venue category", 2, true},
    {"vehicles", "vehicle_id,area,plate,unit_id,kind\nc1,320402,苏d12345,u1,truck\n",
     "vehicle_id,area,plate,unit_id,kind\nc1,320402,苏D12346,u1,truck\n",
     "vehicle_id,area,plate\nc2,320402,苏D1234O\n", "plate",
     "a character is not allowed; expected a letter, then letters without I, O or digits", 1, true},
    {"staff", "staff_id,area,person_id,unit_id,role\ns1,320411,p1,u1,厂医\n",
     "staff_id,area,person_id,unit_id,role\ns1,320411,p1,u1,门卫\n",
     "staff_id,area,person_id,unit_id,role\ns2,320411,p9,u1,厂医\n", "person_id",
     "no such external id in this source", 1, true},
    {"cases",
     "case_id,area,person_id,kind,at,recorded_at\n"
     "k1,320402,p1,case,2022-04-01T08:00:00+08:00,2022-04-03T12:00:00.5+08:00\n",
     "case_id,area,person_id,kind,at,recorded_at\n"
     "k1,320402,p1,asymptomatic,2022-04-01T08:00:00+08:00,2022-04-03T12:00:00.5+08:00\n",
     "case_id,area,person_id,kind,at,recorded_at\n"
     "k2,320402,p1,case,2022-04-01,2022-04-03T12:00:00+08:00\n", "at",
     "not an RFC 3339 time with its offset", 1, true},
    {"stays",
     "stay_id,area,person_id,unit_id,from,until\n"
     "y1,320412,p1,u1,2022-04-01T14:00:00+08:00,2022-04-15T14:00:00+08:00\n",
     "stay_id,area,person_id,unit_id,from,until\n"
     "y1,320412,p1,u1,2022-04-01T14:00:00+08:00,2022-04-16T14:00:00+08:00\n",
     "stay_id,area,person_id,unit_id,from,until\n"
     "y2,320412,p1,u1,2022-04-01T14:00:00+08:00,later\n", "until",
     "not an RFC 3339 time with its offset", 1, true},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static void import_samples(struct test_city *city)
{
    for (size_t i = 0; i < SAMPLES; i++)
        test_import(city, samples[i].kind, samples[i].good, TEST_COUNTS(samples[i].rows, 0, 0, 0));
}

static void every_kind_counts_inserted_merged_unchanged_and_rejected(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    import_samples(&city);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct kind_sample *s = &samples[i];
        test_import(&city, s->kind, s->good, TEST_COUNTS(0, 0, s->rows, 0));
        test_import(&city, s->kind, s->changed, TEST_COUNTS(0, 1, s->rows - 1, 0));
        test_import(&city, s->kind, s->changed, TEST_COUNTS(0, 0, s->rows, 0));
        test_import(&city, s->kind, s->bad, TEST_COUNTS(0, 0, 0, 1));
        char *rejects = test_read(&city, "rows.csv.rejects.csv");
        char wanted[400];
        assert_non_null(rejects);
        snprintf(wanted, sizeof wanted, ",1,%s,", s->field);
        if (!strstr(rejects, wanted) || !strstr(rejects, s->reason))
            fail_msg("%s: %s", s->kind, rejects);
        free(rejects);
    }
    test_city_remove(&city);
}

static void the_rejects_file_has_the_original_columns_and_the_fault(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "persons",
                "person_id,note,sex,name\na,\"x, \"\"y\"\"\",q,张三\nb,,f,李四\n,,f,王五\n"
                "c,=1+1,q,赵六\nd,f\n",
                TEST_COUNTS(1, 0, 0, 4));
    char *rejects = test_read(&city, "rows.csv.rejects.csv");
    assert_string_equal(rejects,
                        "person_id,note,sex,name,row,field,reason\n"
                        ",,,,5,,2 fields for 4 columns\n" /* could not be read: before its batch */
                        "a,\"x, \"\"y\"\"\",q,张三,1,sex,m or f is needed\n"
                        ",,f,王五,3,person_id,missing\n"
                        "c,'=1+1,q,赵六,4,sex,m or f is needed\n");
    assert_non_null(strstr(city.words.data, "column note is not used"));
    free(rejects);
    test_city_remove(&city);
}

/* ---- What is refused before any row */

static void a_header_that_cannot_be_used_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field, *what;
        int code;
    } rows[] = {
        {"area,name\n320402,x\n", "person_id", "the column is missing", EXIT_USAGE},
        {"person_id,area,area\np1,,\n", "", "column area stands twice", EXIT_USAGE},
        {"person_id,\xFF\np1,\n", "", "not UTF-8", EXIT_USAGE},
        {"", "", "the file is empty", EXIT_USAGE},
    };
    struct test_city city;
    test_city_create(&city, true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_put(&city, "rows.csv", rows[i].text);
        assert_int_equal(test_run(&city, "import", "persons", "rows.csv"), rows[i].code);
        if (!strstr(city.err.what, rows[i].what))
            fail_msg("%s: %s", rows[i].text, city.err.what);
        assert_string_equal(city.err.field, rows[i].field);
    }
    assert_int_equal(test_run(&city, "import", "persons", "absent.csv"), EXIT_USAGE);
    assert_int_equal(test_run(&city, "import", "depositors", "rows.csv"), EXIT_USAGE);
    assert_int_equal(test_run(&city, "import", "persons"), EXIT_USAGE);
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv", "--fast"), EXIT_USAGE);
    assert_int_equal(test_run(&city, "export", "persons", "--format", "xml"), EXIT_USAGE);
    assert_int_equal(test_run(&city, "import", "undo", "x"), EXIT_USAGE);
    test_city_remove(&city);
}

static void rows_that_are_not_utf_8_or_too_long_are_rejected_and_reading_goes_on(void **state)
{
    (void)state;
    struct test_city city;
    struct buffer text;
    test_city_create(&city, true);
    test_import(&city, "persons", "person_id,name\na,\xC3\x28\nb,\xED\xA0\x80\nc,\xC0\xAF\nd,ok\n",
                TEST_COUNTS(1, 0, 0, 3));
    buffer_init(&text, 8 << 20);
    buffer_append_text(&text, "person_id,name\na,");
    for (int i = 0; i < 300; i++)
        buffer_append_text(&text, "很");
    buffer_append_text(&text, "\ne,");
    for (int i = 0; i < 1000; i++) /* more than 256 fields */
        buffer_append_text(&text, ",");
    buffer_append_text(&text, "\nf,ok\n");
    test_import(&city, "persons", text.data, TEST_COUNTS(1, 0, 0, 2));
    buffer_release(&text);
    test_city_remove(&city);
}

static void a_quote_out_of_place_rejects_its_row_and_an_open_one_stops_the_import(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "persons", "person_id,name\na,x\nb,y\"z\nc,w\n", TEST_COUNTS(2, 0, 0, 1));
    test_put(&city, "rows.csv", "person_id,name\na,x\nb,\"open\n");
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv"), EXIT_USAGE);
    assert_int_equal(city.err.code, ERROR_SYNTAX);
    assert_true(city.err.row == 2);
    test_city_remove(&city);
}

/* ---- The forms that a file may have */

static void put_gzip(struct test_city *city, const char *name, const char *text)
{
    int fd = openat(city->files_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    gzFile file = gzdopen(fd, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

/* A pipe that a child fills. */
static int pipe_of(const char *text, pid_t *ret_child)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *ret_child = fork();
    if (*ret_child == 0) {
        size_t length = strlen(text), at = 0;
        close(ends[0]);
        while (at < length) {
            ssize_t done = write(ends[1], text + at, length - at);
            if (done <= 0)
                _exit(1);
            at += (size_t)done;
        }
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}

static void import_piped(struct test_city *city, const char *text, const char *kind)
{
    pid_t child;
    int status, fd = pipe_of(text, &child);
    assert_int_equal(test_run_from(city, fd, "import", kind, "-", (const char *)NULL), EXIT_DONE);
    close(fd);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void csv_gzip_bom_ndjson_and_pipes_give_the_same_rows(void **state)
{
    (void)state;
    static const char csv[] = "household_id,area\nh1,320402\nh2,\n";
    static const char ndjson[] = "{\"household_id\":\"h1\",\"area\":\"320402\"}\n\n"
                                 "  {\"household_id\":\"h2\",\"other\":null}\r\n";
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "households", csv, TEST_COUNTS(2, 0, 0, 0));
    test_import(&city, "households", "\xEF\xBB\xBFhousehold_id,area\r\nh1,320402\r\nh2,\r\n",
                TEST_COUNTS(0, 0, 2, 0));
    test_import(&city, "households", ndjson, TEST_COUNTS(0, 0, 2, 0));
    test_import(&city, "households", "\xEF\xBB\xBF{\"area\":\"320402\",\"household_id\":\"h1\"}",
                TEST_COUNTS(0, 0, 1, 0));
    put_gzip(&city, "rows.csv.gz", csv);
    assert_int_equal(test_run(&city, "import", "households", "rows.csv.gz"), EXIT_DONE);
    assert_true(test_count(&city, "unchanged") == 2);
    put_gzip(&city, "rows.ndjson.gz", ndjson);
    assert_int_equal(test_run(&city, "import", "households", "rows.ndjson.gz"), EXIT_DONE);
    assert_true(test_count(&city, "unchanged") == 2);
    import_piped(&city, csv, "households");
    assert_true(test_count(&city, "unchanged") == 2);
    import_piped(&city, ndjson, "households");
    assert_true(test_count(&city, "unchanged") == 2);
    test_city_remove(&city);
}

static void lines_that_are_no_flat_object_are_rejected_by_their_number(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "households",
                "{\"household_id\":\"h1\"}\nhello\n[1]\n{\"household_id\":[\"h2\"]}\n"
                "{\"household_id\":{\"a\":1}}\n{\"household_id\":\"h3\"\n"
                "{\"household_id\":\"a\",\"household_id\":\"b\"}\n{}\n{\"household_id\":\"h4\"}\n",
                TEST_COUNTS(2, 0, 0, 7));
    char *rejects = test_read(&city, "rows.csv.rejects.csv");
    assert_non_null(strstr(rejects, ",2,,not a flat JSON object\n"));
    assert_non_null(strstr(rejects, ",7,,not a flat JSON object\n"));
    assert_non_null(strstr(rejects, ",8,household_id,missing\n"));
    free(rejects);
    test_put(&city, "rows.csv", "{nonsense\n");
    assert_int_equal(test_run(&city, "import", "households", "rows.csv"), EXIT_USAGE);
    assert_int_equal(city.err.code, ERROR_SYNTAX);
    test_city_remove(&city);
}

static void json_nested_a_hundred_thousand_deep_is_one_rejected_row(void **state)
{
    (void)state;
    struct test_city city;
    struct buffer text;
    test_city_create(&city, true);
    buffer_init(&text, 8 << 20);
    buffer_append_text(&text, "{\"household_id\":\"h1\"}\n{\"household_id\":");
    for (int i = 0; i < 100000; i++)
        buffer_append_text(&text, "[");
    buffer_append_text(&text, "\n");
    test_import(&city, "households", text.data, TEST_COUNTS(1, 0, 0, 1));
    buffer_release(&text);
    test_city_remove(&city);
}

/* ---- Formulas */

static void formulas_are_protected_on_export_and_taken_back_on_import(void **state)
{
    (void)state;
    static const struct {
        const char *cell, *stored, *exported;
    } rows[] = {{"=1+1", "=1+1", "'=1+1"},       {"'=1+1", "=1+1", "'=1+1"},
                {"''=1+1", "'=1+1", "''=1+1"},   {"@SUM(A1)", "@SUM(A1)", "'@SUM(A1)"},
                {"+cmd|' /C calc'!A0", "+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"},
                {"-5", "-5", "-5"},              {"+86", "+86", "+86"},
                {"-5x", "-5x", "'-5x"},          {"'quoted'", "'quoted'", "'quoted'"},
                {"'", "'", "'"},                 {"a=b", "a=b", "a=b"}};
    struct test_city city;
    char text[400];
    test_city_create(&city, true);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice stored = import_unprotect(slice_of(rows[i].cell));
        if (!slice_equal(stored, slice_of(rows[i].stored)))
            fail_msg("%s is stored as %.*s", rows[i].cell, SLICE_ARG(stored));
        snprintf(text, sizeof text, "unit_id,name\nu,\"%s\"\n", rows[i].cell);
        test_put(&city, "rows.csv", text);
        assert_int_equal(test_run(&city, "import", "units", "rows.csv"), EXIT_DONE);
        assert_int_equal(test_run(&city, "export", "units"), EXIT_DONE);
        snprintf(text, sizeof text, ",%s,", rows[i].exported);
        if (!strstr(city.out.data, text))
            fail_msg("%s is exported as %s", rows[i].cell, city.out.data);
    }
    test_city_remove(&city);
}

/* ---- Dry runs, resuming, undoing */

static void a_dry_run_counts_and_changes_nothing(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    import_samples(&city);
    assert_int_equal(test_run(&city, "export", "persons"), EXIT_DONE);
    char *before = strdup(city.out.data);
    test_put(&city, "rows.csv", "person_id,sex\np1,m\np2,m\np8,f\np9,q\n");
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv", "--dry-run"), EXIT_FINDINGS);
    assert_true(test_count(&city, "rows") == 4 && test_count(&city, "inserted") == 1 &&
                test_count(&city, "merged") == 2 && test_count(&city, "rejected") == 1);
    assert_true(test_count(&city, "import") == -1); /* null: it has no number */
    assert_int_equal(city.err.code, ERROR_NONE);
    assert_int_equal(test_run(&city, "export", "persons"), EXIT_DONE);
    assert_string_equal(city.out.data, before);
    test_import(&city, "persons", "person_id,sex\np8,f\n", TEST_COUNTS(1, 0, 0, 0));
    int64_t number = test_count(&city, "import");
    test_put(&city, "rows.csv", "person_id,sex\np9,f\n");
    test_run(&city, "import", "persons", "rows.csv", "--dry-run");
    test_import(&city, "persons", "person_id,sex\np9,f\n", TEST_COUNTS(1, 0, 0, 0));
    assert_true(test_count(&city, "import") == number + 1);
    free(before);
    test_city_remove(&city);
}

/* A file that breaks off, then the whole of it with --resume. */
static void an_import_that_broke_off_is_resumed_without_doubles(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    struct test_city city;
    struct buffer text;
    test_city_create(&city, true);
    buffer_init(&text, 8 << 20);
    buffer_append_text(&text, "household_id\n");
    for (int i = 0; i < ROWS; i++)
        buffer_print(&text, "h%d\n", i);
    size_t whole = text.length;
    buffer_append_text(&text, "\"broken");
    test_put(&city, "rows.csv", text.data);
    assert_int_equal(test_run(&city, "import", "households", "rows.csv"), EXIT_USAGE);
    test_put_bytes(&city, "rows.csv", (struct slice){text.data, whole});
    assert_int_equal(test_run(&city, "import", "households", "rows.csv", "--resume"), EXIT_DONE);
    int64_t kept = test_count(&city, "unchanged");
    assert_true(kept > 0 && kept + test_count(&city, "inserted") == ROWS);
    assert_int_equal(test_run(&city, "export", "households"), EXIT_DONE);
    size_t lines = 0;
    for (const char *at = city.out.data; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, ROWS + 1);
    buffer_release(&text);
    test_city_remove(&city);
}

/* Whoever comes later must not inherit the check-ins or the evidence of one who was taken back. */
static void undo_takes_one_import_back_and_its_numbers_are_never_used_again(void **state)
{
    (void)state;
    struct test_city city;
    char number[24];
    test_city_create(&city, true);
    test_import(&city, "persons", "person_id\na\nb\n", TEST_COUNTS(2, 0, 0, 0));
    test_import(&city, "persons", "person_id\nc\nd\n", TEST_COUNTS(2, 0, 0, 0));
    int64_t import_no = test_count(&city, "import");
    int64_t last = test_number_of(&city, REGISTRY_PERSON, "d");
    snprintf(number, sizeof number, "%lld", (long long)import_no);
    assert_int_equal(test_run(&city, "import undo", number), EXIT_DONE);
    assert_true(test_count(&city, "removed") == 2);
    assert_int_equal(test_run(&city, "export", "persons"), EXIT_DONE);
    assert_non_null(strstr(city.out.data, "\nb,"));
    assert_null(strstr(city.out.data, "\nc,"));
    assert_true(test_number_of(&city, REGISTRY_PERSON, "d") == 0);
    test_import(&city, "persons", "person_id\nd\n", TEST_COUNTS(1, 0, 0, 0));
    assert_true(test_number_of(&city, REGISTRY_PERSON, "d") == last + 1);
    assert_int_equal(test_run(&city, "import undo", number), EXIT_DONE);
    assert_true(test_count(&city, "removed") == 0);
    assert_int_equal(test_run(&city, "import undo", "999"), EXIT_FINDINGS);
    test_city_remove(&city);
}

/* ---- Who did it */

static void what_comes_in_goes_back_and_leaves_is_on_record(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    int64_t broken, records;
    struct sql *sql;
    char number[24], wanted[120];
    test_city_create(&city, true);
    test_import(&city, "persons", "person_id,birth_year\na,1980\nb,1980\nc,x\n",
                TEST_COUNTS(2, 0, 0, 1));
    snprintf(number, sizeof number, "%lld", (long long)test_count(&city, "import"));
    snprintf(wanted, sizeof wanted,
             "import:%s,source:default,state:done,rows:3,inserted:2,merged:0,unchanged:0,"
             "rejected:1",
             number);
    assert_int_equal(test_audits(&city, "persons.import", wanted), 1);
    test_put(&city, "rows.csv", "person_id\nd\n");
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv", "--dry-run"), EXIT_DONE);
    assert_int_equal(test_audits(&city, "persons.import", "%"), 1);
    /* a file that ends in nonsense: what came before is kept, and said */
    test_put(&city, "rows.csv", "person_id\ne\n\"f\" g,\n");
    assert_int_not_equal(test_run(&city, "import", "persons", "rows.csv"), EXIT_DONE);
    assert_int_equal(test_audits(&city, "persons.import", "%"), 2);
    /* before the first row, and with their number after the last */
    assert_int_equal(test_run(&city, "export", "persons", "--format", "ndjson"), EXIT_DONE);
    assert_int_equal(test_audits(&city, "persons.export", "source:default,%,format:ndjson"), 1);
    assert_int_equal(test_audits(&city, "persons.exported", "%"), 1);
    assert_int_equal(test_run(&city, "export", "everything"), EXIT_USAGE);
    assert_int_equal(test_audits(&city, "%export%", "%"), 0);
    assert_int_equal(test_run(&city, "import undo", number), EXIT_DONE);
    snprintf(wanted, sizeof wanted, "import:%s,removed:2", number);
    assert_int_equal(test_audits(&city, "persons.undo", wanted), 1);
    assert_int_equal(test_run(&city, "import undo", "999"), EXIT_FINDINGS);
    assert_int_equal(test_audits(&city, "persons.undo", "%"), 1);
    test_fail_on(store_read_begin(city.platform.store, &sql, &err), &err);
    test_fail_on(audit_verify(sql, 1, INT64_MAX, &broken, &records, &err), &err);
    store_read_end(city.platform.store, sql);
    assert_int_equal(broken, 0);
    test_city_remove(&city);
}

/* ---- Out and in again */

static void export_of_every_kind_goes_in_and_comes_out_equal(void **state)
{
    (void)state;
    struct test_city from, to;
    test_city_create(&from, true);
    test_city_create(&to, true);
    import_samples(&from);
    for (size_t i = 0; i < SAMPLES; i++) {
        const char *kind = samples[i].kind;
        static const char *const formats[] = {"csv", "ndjson"};
        for (size_t f = 0; f < 2; f++) {
            assert_int_equal(test_run(&from, "export", kind, "--format", formats[f]), EXIT_DONE);
            char *first = strdup(from.out.data);
            test_put(&to, "rows", first);
            assert_int_equal(test_run(&to, "import", kind, "rows"), EXIT_DONE);
            assert_true(test_count(&to, "rejected") == 0);
            assert_int_equal(test_run(&to, "export", kind, "--format", formats[f]), EXIT_DONE);
            assert_string_equal(to.out.data, first);
            test_put(&to, "rows", first);
            assert_int_equal(test_run(&to, "import", kind, "rows"), EXIT_DONE);
            assert_true(test_count(&to, "inserted") == 0 && test_count(&to, "merged") == 0);
            free(first);
        }
    }
    test_city_remove(&from);
    test_city_remove(&to);
}

/* ---- Identity on the disk */

static bool file_holds(const char *path, const char *needle)
{
    struct error err;
    struct buffer text;
    buffer_init(&text, (size_t)256 << 20);
    bool found = file_read_whole(AT_FDCWD, path, &text, &err) &&
                 memmem(text.data, text.length, needle, strlen(needle));
    buffer_release(&text);
    return found;
}

static void no_identity_lies_in_clear_in_the_database_or_its_log(void **state)
{
    (void)state;
    static const char *const secrets[] = {"张三丰", "11010519491231002", "13812345678",
                                          "13912345678"};
    static const char *const files[] = {"city.db", "city.db-wal"};
    struct test_city city;
    char path[200];
    test_city_create(&city, true);
    import_samples(&city);
    size_t read_files = 0;
    for (int closed = 0; closed < 2; closed++) {
        for (size_t f = 0; f < 2; f++) {
            snprintf(path, sizeof path, "%s/%s", city.data, files[f]);
            read_files += access(path, R_OK) == 0;
            for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
                if (file_holds(path, secrets[i]))
                    fail_msg("%s holds %s", path, secrets[i]);
        }
        if (!closed) { /* what is no secret can be found: the search itself works */
            snprintf(path, sizeof path, "%s/city.db-wal", city.data);
            assert_true(file_holds(path, "红梅公园"));
            test_city_close(&city);
            snprintf(path, sizeof path, "%s/city.db", city.data);
            assert_true(file_holds(path, "红梅公园"));
        }
    }
    assert_true(read_files >= 2);
    test_city_remove(&city);
}

/* ---- Size */

static void a_hundred_thousand_persons_are_imported_in_bounded_time(void **state)
{
    (void)state;
    enum { ROWS = 100000 };
    struct test_city city;
    struct buffer text;
    test_city_create(&city, true);
    buffer_init(&text, 64 << 20);
    buffer_append_text(&text, "person_id,area,birth_year,sex,name,id_number,phone\n");
    for (int i = 0; i < ROWS; i++) {
        char number[19];
        snprintf(number, sizeof number, "999402%04d%02d%02d%03d", 1940 + i % 80, 1 + i / 80 % 12,
                 1 + i / 960 % 28, i / 26880);
        number[17] = identity_id_check_digit(number);
        number[18] = '\0';
        buffer_print(&text, "p%d,3204020%02d,%d,%c,张%d,%s,138%08d\n", i, 1 + i % 6,
                     1940 + i % 80, i & 1 ? 'm' : 'f', i, number, i);
    }
    test_put_bytes(&city, "rows.csv", buffer_slice(&text));
    double begun = world_elapsed_seconds();
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv"), EXIT_DONE);
    double first = world_elapsed_seconds() - begun;
    assert_true(test_count(&city, "inserted") == ROWS);
    begun = world_elapsed_seconds();
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv"), EXIT_DONE);
    assert_true(test_count(&city, "unchanged") == ROWS);
    print_message("%d rows: %.1f s, again %.1f s\n", ROWS, first, world_elapsed_seconds() - begun);
    assert_true(first < 120);
    buffer_release(&text);
    test_city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_counts_inserted_merged_unchanged_and_rejected),
        cmocka_unit_test(the_rejects_file_has_the_original_columns_and_the_fault),
        cmocka_unit_test(a_header_that_cannot_be_used_is_refused),
        cmocka_unit_test(rows_that_are_not_utf_8_or_too_long_are_rejected_and_reading_goes_on),
        cmocka_unit_test(a_quote_out_of_place_rejects_its_row_and_an_open_one_stops_the_import),
        cmocka_unit_test(csv_gzip_bom_ndjson_and_pipes_give_the_same_rows),
        cmocka_unit_test(lines_that_are_no_flat_object_are_rejected_by_their_number),
        cmocka_unit_test(json_nested_a_hundred_thousand_deep_is_one_rejected_row),
        cmocka_unit_test(formulas_are_protected_on_export_and_taken_back_on_import),
        cmocka_unit_test(a_dry_run_counts_and_changes_nothing),
        cmocka_unit_test(an_import_that_broke_off_is_resumed_without_doubles),
        cmocka_unit_test(undo_takes_one_import_back_and_its_numbers_are_never_used_again),
        cmocka_unit_test(what_comes_in_goes_back_and_leaves_is_on_record),
        cmocka_unit_test(export_of_every_kind_goes_in_and_comes_out_equal),
        cmocka_unit_test(no_identity_lies_in_clear_in_the_database_or_its_log),
        cmocka_unit_test(a_hundred_thousand_persons_are_imported_in_bounded_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
