/* Goal: what is printed can be read: by cameras at the least size, by people whatever the name, and
 * the same values give the same bytes. */
#include "base/test_support.h"
#include "prints/prints_internal.h"
#include "tests/paper.h"

#define TOKEN "v1.AQIDBAUGBwgJCgsMDQ4PEA"
#define CODE "p1.AQIDBAUGBwgJCgsMDQ4PEBES"

static struct venue_poster poster_of(const char *name)
{
    return (struct venue_poster){.name = slice_of(name),
                                 .token = SLICE(TOKEN),
                                 .short_code = SLICE("ABCDE-FGHJK-M"),
                                 .venue_no = 4711,
                                 .version = 3,
                                 .issued_day = 19096};
}

static struct person_sheet sheet_of(const char *name)
{
    return (struct person_sheet){.name = {name, name ? strlen(name) : 0},
                                 .code = SLICE(CODE),
                                 .issued_at = 1649917800 * SECOND,
                                 .valid_until = (1649917800 + 14 * 86400) * SECOND};
}

static void draw(bool poster, const char *name, struct buffer *out)
{
    struct error err;
    struct venue_poster one = poster_of(name);
    struct person_sheet other = sheet_of(name);
    buffer_init(out, 4 << 20);
    test_done_or_fail(poster ? prints_venue_poster(&one, out, &err)
                             : prints_person_sheet(&other, out, &err),
                      &err);
    assert_memory_equal(out->data, "%PDF-", 5);
}

static void put_page(const struct test_directory *directory, bool poster, const char *name)
{
    struct buffer page;
    struct error err;
    draw(poster, name, &page);
    test_done_or_fail(file_replace(directory->fd, "page.pdf", page.data, page.length, &err), &err);
    buffer_release(&page);
}

static int begin(void **state)
{
    struct test_directory *directory = x_alloc(1, sizeof *directory);
    test_directory_make(directory);
    *state = directory;
    return 0;
}
static int end(void **state)
{
    test_directory_remove(*state);
    free(*state);
    return 0;
}

/* ---- */

static void the_same_values_give_the_same_bytes(void **state)
{
    (void)state;
    for (int poster = 0; poster < 2; poster++) {
        struct buffer a, b, c;
        draw(poster, "常州图书馆", &a);
        draw(poster, "常州图书館", &b);
        draw(poster, "常州图书馆", &c);
        assert_int_equal(a.length, c.length);
        assert_memory_equal(a.data, c.data, a.length);
        assert_true(a.length != b.length || memcmp(a.data, b.data, a.length) != 0);
        assert_true(a.length < 200000); /* subsets, their subroutines too: prints/README.md */
        buffer_release(&a);
        buffer_release(&b);
        buffer_release(&c);
    }
}

/* The code's side as printed is 29 modules; a camera that sees it 35 mm wide at 150 dots an inch
 * reads it. */
static void a_camera_reads_codes_of_35_mm_at_150_dots_an_inch(void **state)
{
    const struct test_directory *directory = *state;
    static const struct {
        bool poster;
        double module;
        const char *text;
    } rows[] = {{true, POSTER_MODULE_MM, TOKEN}, {false, SHEET_MODULE_MM, CODE}};
    if (!paper_tools())
        skip();
    for (size_t i = 0; i < ROWS(rows); i++) {
        char got[200];
        double side = 29 * rows[i].module;
        assert_true(side >= 35);
        put_page(directory, rows[i].poster, "常州图书馆");
        paper_read_code(directory->path, "page", 150, got, sizeof got);
        assert_string_equal(got, rows[i].text);
        paper_read_code(directory->path, "page", 150 * 35 / side, got, sizeof got);
        assert_string_equal(got, rows[i].text);
    }
}

struct picture {
    int width, height;
    unsigned char *pixels;
};

static void look_at(const struct test_directory *directory, int dots, struct picture *picture)
{
    char command[300], path[200];
    snprintf(command, sizeof command, "cd %s && pdftoppm -gray -r %d page.pdf seen",
             directory->path, dots);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/seen-1.pgm", directory->path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "P5 %d %d 255", &picture->width, &picture->height), 2);
    fgetc(file);
    size_t bytes = (size_t)picture->width * (size_t)picture->height;
    picture->pixels = x_alloc(bytes, 1);
    assert_int_equal(fread(picture->pixels, 1, bytes, file), bytes);
    fclose(file);
}

static bool is_black(const struct picture *picture, int x, int y)
{
    return picture->pixels[y * picture->width + x] < 128;
}

/* The upper left corner of the code: the first row with a black run of seven modules. */
static void find_corner(const struct picture *picture, int module, int *ret_x, int *ret_y)
{
    for (int y = 0; y < picture->height; y++)
        for (int x = 0, run = 0; x < picture->width; x++) {
            run = is_black(picture, x, y) ? run + 1 : 0;
            if (run >= 7 * module - 2 &&
                (x + 1 == picture->width || !is_black(picture, x + 1, y)) &&
                run <= 7 * module + 2) {
                *ret_x = x - run + 1;
                *ret_y = y;
                return;
            }
        }
    fail_msg("no code on the page");
}

/* Ten dots a millimetre. The two first bits of the format, behind their mask 10, are the level: 11
 * is Q (ISO/IEC 18004, 7.9). */
static void the_code_is_of_level_q_with_its_size_and_its_quiet_zone(void **state)
{
    const struct test_directory *directory = *state;
    if (!paper_tools())
        skip();
    for (int poster = 0; poster < 2; poster++) {
        struct picture picture;
        int left, top, module = poster ? 30 : 16, last = 0;
        put_page(directory, poster, "常州图书馆");
        look_at(directory, 254, &picture);
        find_corner(&picture, module, &left, &top);
        for (int x = left; x < left + 32 * module; x++)
            last = is_black(&picture, x, top + 3) ? x : last;
        assert_in_range(last - left + 1, 29 * module - 2, 29 * module + 2);
        int row = top + 8 * module + module / 2;
        assert_false(is_black(&picture, left + module / 2, row));         /* 1 ^ 1 */
        assert_true(is_black(&picture, left + module + module / 2, row)); /* 1 ^ 0 */
        for (int y = top - 4 * module + 4; y < top + 33 * module - 4; y++)
            for (int x = left - 4 * module + 4; x < left + 33 * module - 4; x++)
                if ((x < left - 1 || y < top - 1 || x > last + 1) && y < top + 29 * module &&
                    is_black(&picture, x, y))
                    fail_msg("the quiet zone has a mark at %d, %d", x - left, y - top);
        free(picture.pixels);
    }
}

static void fonts_are_embedded_as_subsets(void **state)
{
    const struct test_directory *directory = *state;
    char command[300], list[4000];
    if (!paper_tools())
        skip();
    put_page(directory, true, "常州图书馆");
    snprintf(command, sizeof command,
             "pdffonts %s/page.pdf | tail -n +3 | grep -cv ' yes yes yes '; true", directory->path);
    paper_ask(command, list, sizeof list);
    assert_string_equal(list, "0");
    snprintf(command, sizeof command, "pdffonts %s/page.pdf | grep -c NotoSansCJK",
             directory->path);
    paper_ask(command, list, sizeof list);
    assert_string_not_equal(list, "0");
}

/* Eighty-five characters fill the register's 255 bytes. */
static void every_name_is_printed_whole(void **state)
{
    const struct test_directory *directory = *state;
    static const struct {
        const char *name, *shown;
    } rows[] = {
        {"常州图书馆", "常州图书馆"},
        {"阿卜杜热合曼·买买提艾力餐厅", "阿卜杜热合曼·买买提艾力餐厅"},
        {"𠮷野家（延陵西路店）", "𠮷野家（延陵西路店）"},
        {"㐂㛃龘䶮馆", "㐂㛃龘䶮馆"},
        {"A\nB\xE2\x80\xAE<C>&amp;", "AB<C>&amp;"},
        {"\xF0\xB0\xBB\x9D面馆", "\xF0\xB0\xBB\x9D面馆"}, /* biáng, of Unicode 13 */
        {"\xF3\xB0\x80\x80店", "〔U+F0000〕店"},          /* private use: no font has it */
        {"常州市新北区三井街道河海东路与太湖东路交叉口恐龙园"
         "迪诺水镇第二商业街区北侧一至三层综合农贸市场冷链冻品"
         "及水产专业批发交易中心三号大厅东门入口常州市天宁区"
         "红梅街道翠竹新村小学校",
         "学校"},
        {"International Convention and Exhibition Centre of the Changzhou Economic Development "
         "Zone, Hall Number Seven, Northern Entrance for Exhibitors, Suppliers, Craftsmen and "
         "Visitors with Reduced Mobility, beside the Bus Station of the Dinosaur Park Quarter",
         "Quarter"},
    };
    if (!paper_tools())
        skip();
    for (size_t i = 0; i < ROWS(rows); i++) {
        char command[300], text[8000], wanted[300], cut[8];
        put_page(directory, true, rows[i].name);
        snprintf(command, sizeof command, "pdftotext %s/page.pdf - | tr -d ' \\n'",
                 directory->path);
        paper_ask(command, text, sizeof text);
        snprintf(wanted, sizeof wanted, "%s", rows[i].shown);
        if (!strstr(text, wanted))
            fail_msg("'%s' is not in %s", wanted, text);
        snprintf(cut, sizeof cut, "…");
        assert_null(strstr(text, cut));
    }
}

static void a_page_that_does_not_fit_its_answer_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct buffer out;
    struct error err;
    struct venue_poster poster = poster_of("x");
    buffer_init(&out, 1000);
    buffer_append_text(&out, "before");
    assert_false(prints_venue_poster(&poster, &out, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    assert_string_equal(out.data, "before");
    buffer_release(&out);
    char long_token[4000];
    memset(long_token, 'x', sizeof long_token);
    poster.token = (struct slice){long_token, sizeof long_token};
    buffer_init(&out, 1 << 20);
    assert_false(prints_venue_poster(&poster, &out, &err));
    assert_string_equal(err.source, "code");
    assert_int_equal(out.length, 0);
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_values_give_the_same_bytes),
        cmocka_unit_test_setup_teardown(a_camera_reads_codes_of_35_mm_at_150_dots_an_inch, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_code_is_of_level_q_with_its_size_and_its_quiet_zone,
                                        begin, end),
        cmocka_unit_test_setup_teardown(fonts_are_embedded_as_subsets, begin, end),
        cmocka_unit_test_setup_teardown(every_name_is_printed_whole, begin, end),
        cmocka_unit_test(a_page_that_does_not_fit_its_answer_is_refused_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
