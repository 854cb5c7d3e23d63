/* Goal: what goes into a spreadsheet comes out of it as it was, texts are never formulas, and what
 * others write is read or refused in words. */
#include <sys/mman.h>
#include <zip.h>

#include "base/test_support.h"
#include "base/xlsx.h"
#include "base/xlsx_read.h"

static int memory_file(struct slice content)
{
    struct error err;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    test_done_or_fail(file_write_all(fd, content.data, content.length, "test", &err), &err);
    return fd;
}

/* The CSV of a file's first sheet, or the refusal. */
static bool read_sheet(struct slice file, struct buffer *out, struct error *err)
{
    int in = memory_file(file), csv = memfd_create("csv", MFD_CLOEXEC);
    char chunk[65536];
    ssize_t got;
    buffer_init(out, 64 << 20);
    bool done = xlsx_to_csv(in, csv, "test.xlsx", err);
    for (off_t at = 0; (got = pread(csv, chunk, sizeof chunk, at)) > 0; at += got)
        buffer_append(out, chunk, (size_t)got);
    close(in);
    close(csv);
    return done;
}

static void expect_sheet(struct slice file, const char *csv)
{
    struct error err;
    struct buffer out;
    test_done_or_fail(read_sheet(file, &out, &err), &err);
    if (strcmp(out.data ? out.data : "", csv) != 0)
        fail_msg("expected:\n%s\nfound:\n%s", csv, out.data ? out.data : "");
    buffer_release(&out);
}

/* ---- Out and in again */

static void what_is_written_is_read_as_it_was(void **state)
{
    (void)state;
    static const char *const choices[] = {"a", "b", NULL};
    static const struct xlsx_column columns[] = {
        {.name = SLICE("text"), .form = XLSX_TEXT, .required = true},
        {.name = SLICE("number"), .form = XLSX_NUMBER},
        {.name = SLICE("truth"), .form = XLSX_BOOL},
        {.name = SLICE("day"), .form = XLSX_DATE},
        {.name = SLICE("time"), .form = XLSX_TIME, .choices = choices},
    };
    static const char *const texts[] = {"=1+1", "@x, \"y\"", "http://x", "城脉\nline", "00123", ""};
    struct error err;
    struct xlsx *xlsx;
    struct buffer file;
    timestamp time;
    int32_t day;
    assert_true(time_parse(SLICE("2022-04-14T14:30:59+08:00"), &time));
    assert_true(time_parse_date(SLICE("2022-04-14"), &day));
    test_done_or_fail(xlsx_open(&xlsx, &err), &err);
    test_done_or_fail(xlsx_sheet(xlsx, "first", columns, 5, &err), &err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct xlsx_cell cells[] = {
            {.form = XLSX_TEXT, .text = slice_of(texts[i])},
            {.form = XLSX_NUMBER, .number = (double)i - 0.5},
            {.form = i % 2 ? XLSX_BOOL : XLSX_EMPTY, .number = i == 1},
            {.form = XLSX_DATE, .day = day + (int32_t)i},
            {.form = XLSX_TIME, .time = time + (timestamp)i * 86399 * SECOND},
        };
        test_done_or_fail(xlsx_row(xlsx, cells, 5, &err), &err);
    }
    test_done_or_fail(xlsx_sheet(xlsx, "second", columns, 1, &err), &err);
    buffer_init(&file, 16 << 20);
    test_done_or_fail(xlsx_finish(xlsx, &file, &err), &err);
    xlsx_free(xlsx);
    expect_sheet(buffer_slice(&file),
                 "text,number,truth,day,time\n"
                 "=1+1,-0.5,,2022-04-14,2022-04-14T14:30:59+08:00\n"
                 "\"@x, \"\"y\"\"\",0.5,true,2022-04-15,2022-04-15T14:30:58+08:00\n"
                 "http://x,1.5,,2022-04-16,2022-04-16T14:30:57+08:00\n"
                 "\"城脉\nline\",2.5,false,2022-04-17,2022-04-17T14:30:56+08:00\n"
                 "00123,3.5,,2022-04-18,2022-04-18T14:30:55+08:00\n"
                 ",4.5,false,2022-04-19,2022-04-19T14:30:54+08:00\n");
    buffer_release(&file);
}

static void the_same_rows_are_the_same_bytes(void **state)
{
    (void)state;
    static const struct xlsx_column column = {.name = SLICE("a"), .form = XLSX_TEXT};
    struct buffer files[2];
    struct error err;
    for (int i = 0; i < 2; i++) {
        struct xlsx *xlsx;
        test_done_or_fail(xlsx_open(&xlsx, &err), &err);
        test_done_or_fail(xlsx_sheet(xlsx, "s", &column, 1, &err), &err);
        buffer_init(&files[i], 1 << 20);
        test_done_or_fail(xlsx_finish(xlsx, &files[i], &err), &err);
        xlsx_free(xlsx);
        usleep(1100000);
    }
    assert_int_equal(files[0].length, files[1].length);
    assert_memory_equal(files[0].data, files[1].data, files[0].length);
    buffer_release(&files[0]);
    buffer_release(&files[1]);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct xlsx_column column = {.name = SLICE("a"), .form = XLSX_TEXT};
    struct error err = {0};
    struct xlsx *xlsx;
    struct buffer file;
    char *text = x_alloc(XLSX_TEXT_BYTES_MAX + 1, 1);
    memset(text, 'x', XLSX_TEXT_BYTES_MAX + 1);
    test_done_or_fail(xlsx_open(&xlsx, &err), &err);
    test_done_or_fail(xlsx_sheet(xlsx, "s", &column, 1, &err), &err);
    struct xlsx_cell cell = {.form = XLSX_TEXT, .text = {text, XLSX_TEXT_BYTES_MAX + 1}};
    assert_false(xlsx_row(xlsx, &cell, 1, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    cell.text.length--;
    test_done_or_fail(xlsx_row(xlsx, &cell, 1, &err), &err);
    buffer_init(&file, 100);
    assert_false(xlsx_finish(xlsx, &file, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    buffer_release(&file);
    xlsx_free(xlsx);
    free(text);
}

/* ---- What others write */

#define SHEET(rows) "<worksheet><sheetData>" rows "</sheetData></worksheet>"
static const char workbook[] = "<workbook xmlns:r='r'><sheets><sheet name='a' r:id='rId7'/>"
                               "<sheet name='b' r:id='rId8'/></sheets></workbook>";
static const char relations[] =
    "<Relationships><Relationship Id='rId8' Target='worksheets/sheet2.xml'/>"
    "<Relationship Id='rId7' Target='/xl/worksheets/sheet1.xml'/></Relationships>";
static const char shared[] =
    "<sst><si><t>name</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>sound</t></rPh></si>"
    "<si><t xml:space='preserve'> 二 </t></si></sst>";
static const char styles[] =
    "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\"年\"m\"月\"d\"日\"'/>"
    "<numFmt numFmtId='165' formatCode='[$-804]yyyy-mm-dd hh:mm'/>"
    "<numFmt numFmtId='166' formatCode='\"day\" 0.00'/></numFmts><cellStyleXfs>"
    "<xf numFmtId='14'/></cellStyleXfs><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/>"
    "<xf numFmtId='164'/><xf numFmtId='165'/><xf numFmtId='166'/></cellXfs></styleSheet>";

struct part {
    const char *path, *text;
};

static void pack(const struct part *parts, size_t count, struct buffer *out)
{
    zip_error_t error;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
    zip_stat_t stat;
    assert_non_null(archive);
    zip_source_keep(source);
    for (size_t i = 0; i < count; i++)
        if (parts[i].text)
            assert_true(
                zip_file_add(archive, parts[i].path,
                             zip_source_buffer(archive, parts[i].text, strlen(parts[i].text), 0),
                             0) >= 0);
    assert_int_equal(zip_close(archive), 0);
    assert_int_equal(zip_source_open(source), 0);
    assert_int_equal(zip_source_stat(source, &stat), 0);
    char *bytes = x_alloc(stat.size + 1, 1);
    assert_int_equal(zip_source_read(source, bytes, stat.size), stat.size);
    buffer_init(out, 64 << 20);
    buffer_append(out, bytes, stat.size);
    free(bytes);
    zip_source_close(source);
    zip_source_free(source);
}

/* A whole file with the given parts in the place of those that are well. */
static void make(const char *book, const char *texts, const char *sheet, struct buffer *out)
{
    const struct part parts[] = {
        {"xl/workbook.xml", book},           {"xl/_rels/workbook.xml.rels", relations},
        {"xl/sharedStrings.xml", texts},     {"xl/styles.xml", styles},
        {"xl/worksheets/sheet1.xml", sheet}, {"xl/worksheets/sheet2.xml", SHEET("")}};
    pack(parts, sizeof parts / sizeof *parts, out);
}

static void cells_of_every_kind_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *book, *sheet, *csv;
    } rows[] = {
        {workbook,
         SHEET("<row r='1'><c r='A1' t='s'><v>0</v></c><c r='C1' t='s'><v>1</v></c></row>"
               "<row r='3'><c r='B3' t='s'><v>2</v></c></row><row r='4'><c r='A4'/></row>"),
         "name,,two runs\n,\" 二 \",\n"},
        {workbook,
         SHEET("<row><c><v>1</v></c><c><v>0.1</v></c><c><v>1.23E5</v></c><c><v>320412000001</v>"
               "</c><c><v>12345678901234567890</v></c></row>"),
         "1,0.1,123000,320412000001,12345678901234567168\n"},
        {workbook,
         SHEET("<row><c s='1'><v>44665</v></c><c s='2'><v>44665</v></c><c s='3'><v>44665.5</v></c>"
               "<c s='4'><v>44665</v></c><c s='99'><v>44665</v></c></row>"),
         "2022-04-14,2022-04-14,2022-04-14T12:00:00+08:00,44665,44665\n"},
        {"<workbook xmlns:r='r'><workbookPr date1904='1'/><sheets><sheet r:id='rId7'/></sheets>"
         "</workbook>",
         SHEET("<row><c s='1'><v>43203</v></c></row>"), "2022-04-14\n"},
        {workbook,
         SHEET("<row><c t='b'><v>1</v></c><c t='b'><v>0</v></c><c t='str'><f>A1</f><v>x</v></c>"
               "<c t='e'><v>#N/A</v></c><c t='inlineStr'><is><t>=1</t></is></c></row>"),
         "true,false,x,#N/A,=1\n"},
        {workbook,
         SHEET("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"
               "<row><c r='A3'><v>4</v></c><c r='D3'><v>5</v></c></row>"),
         "1,2\n3,\n4,,,5\n"},
        {"<x:workbook xmlns:x='m' xmlns:r='r'><x:sheets><x:sheet r:id='rId7'/></x:sheets>"
         "</x:workbook>",
         "<x:worksheet xmlns:x='m'><x:sheetData><x:row><x:c><x:v>7</x:v></x:c></x:row>"
         "</x:sheetData></x:worksheet>",
         "7\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer file;
        make(rows[i].book, shared, rows[i].sheet, &file);
        expect_sheet(buffer_slice(&file), rows[i].csv);
        buffer_release(&file);
    }
}

static void what_is_no_spreadsheet_is_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *book, *sheet, *words;
    } rows[] = {
        {NULL, SHEET(""), "a part of the spreadsheet is missing"},
        {workbook, NULL, "a part of the spreadsheet is missing"},
        {"<workbook/>", SHEET(""), "there is no sheet"},
        {workbook, "<worksheet><sheetData>", "a part cannot be read"},
        {workbook, "<!DOCTYPE x [<!ENTITY a 'b'>]>" SHEET("<row><c><v>1</v></c></row>"),
         "a part declares a document type"},
        {workbook, SHEET("<row><c t='s'><v>3</v></c></row>"), "a text that is not there"},
        {workbook, SHEET("<row><c t='s'><v>x</v></c></row>"), "a text that is not there"},
        {workbook, SHEET("<row><c r='IW1'><v>1</v></c></row>"), "too many columns"},
        {workbook, SHEET("<row><c r='ZZZZZZZZZZZZZZZ1'><v>1</v></c></row>"), "too many columns"},
    };
    struct buffer file, out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        make(rows[i].book, shared, rows[i].sheet, &file);
        if (read_sheet(buffer_slice(&file), &out, &err) || !strstr(err.what, rows[i].words))
            fail_msg("row %zu: '%s', expected '%s'", i, err.what, rows[i].words);
        assert_string_equal(err.source, "test.xlsx");
        buffer_release(&file);
        buffer_release(&out);
    }
}

static void a_file_that_was_cut_or_changed_anywhere_is_read_or_refused(void **state)
{
    (void)state;
    struct buffer file, out;
    make(workbook, shared, SHEET("<row><c t='s'><v>0</v></c></row>"), &file);
    for (size_t i = 0; i < file.length; i += 3) {
        struct error err = {0};
        if (read_sheet((struct slice){file.data, i}, &out, &err))
            fail_msg("a file of %zu bytes was taken", i);
        assert_true(err.what[0]);
        buffer_release(&out);
        file.data[i] ^= 0x10;
        if (!read_sheet(buffer_slice(&file), &out, &err))
            assert_true(err.what[0]);
        file.data[i] ^= 0x10;
        buffer_release(&out);
    }
    buffer_release(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_as_it_was),
        cmocka_unit_test(the_same_rows_are_the_same_bytes),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(cells_of_every_kind_are_read),
        cmocka_unit_test(what_is_no_spreadsheet_is_refused_in_words),
        cmocka_unit_test(a_file_that_was_cut_or_changed_anywhere_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
