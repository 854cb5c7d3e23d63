/* Goal: every CSV or gzip file is read row by row with its numbers right, a bad row is told and
 * passed over, and no file makes memory grow without bound. */
#include <pthread.h>
#include <sys/resource.h>
#include <zlib.h>

#include "base/test_support.h"

/* What comes through a pipe, as from standard input: head, then text over and over, then tail. */
struct feed {
    const char *head;
    struct slice text;
    int repeat;
    const char *tail;
    int fd;
    pthread_t thread;
};
static void *feed_main(void *argument)
{
    struct feed *feed = argument;
    struct error err;
    bool open = !feed->head || file_write_all(feed->fd, feed->head, strlen(feed->head), "", &err);
    for (int i = 0; open && i < feed->repeat; i++)
        open = file_write_all(feed->fd, feed->text.data, feed->text.length, "", &err);
    if (open && feed->tail)
        open = file_write_all(feed->fd, feed->tail, strlen(feed->tail), "", &err);
    close(feed->fd); /* `open` false: the reader had enough */
    return NULL;
}
static int feed_start(struct feed *feed)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    feed->fd = ends[1];
    assert_int_equal(pthread_create(&feed->thread, NULL, feed_main, feed), 0);
    return ends[0];
}
static void feed_end(struct feed *feed)
{
    pthread_join(feed->thread, NULL);
}

/* All rows as "number:a|b|c" or "number!code", joined by blanks. */
static void read_all(int fd, struct buffer *out)
{
    struct csv_reader *reader;
    struct error err = {0};
    buffer_init(out, 1 << 20);
    if (!csv_reader_open(fd, "f.csv", &reader, &err)) {
        buffer_print(out, "open!%s", error_kind(err.code)->type);
        return;
    }
    for (;;) {
        const struct csv_row *row;
        memset(&err, 0, sizeof err);
        if (!csv_reader_next(reader, &row, &err)) {
            buffer_print(out, "%send!%s", out->length ? " " : "", error_kind(err.code)->type);
            break;
        }
        if (!row)
            break;
        buffer_print(out, "%s%lld", out->length ? " " : "", (long long)row->number);
        if (row->count == 0) {
            assert_int_equal(err.row, row->number);
            assert_string_equal(err.source, "f.csv");
            buffer_print(out, "!%s", error_kind(err.code)->type);
            continue;
        }
        for (size_t i = 0; i < row->count; i++)
            buffer_print(out, "%c%.*s", i ? '|' : ':', SLICE_ARG(row->fields[i]));
    }
    csv_reader_free(reader);
}

static void expect_rows(struct slice text, const char *expected)
{
    struct feed feed = {.text = text, .repeat = 1};
    struct buffer out;
    read_all(feed_start(&feed), &out);
    feed_end(&feed);
    test_slice_is(buffer_slice(&out), expected);
    buffer_release(&out);
}

static void rows_are_read_as_rfc_4180_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows;
    } table[] = {
        {"a,b\n1,2\n", "1:1|2"},
        {"a,b\r\n1,2\r\n3,4\r\n", "1:1|2 2:3|4"},           /* CRLF */
        {"a,b\n1,2", "1:1|2"},                              /* no line break at the end */
        {"\xEF\xBB\xBF" "a,b\n1,2\n", "1:1|2"},             /* byte order mark */
        {"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "1:x,y|say \"hi\""},
        {"a,b\n\"two\nlines\",2\n", "1:two\nlines|2"},
        {"a,b\n,\n", "1:|"},
        {"a,b\n\"\",\"\"\n", "1:|"},
        {"a,b\n 1 , 2 \n\" 3\",4\n", "1:1|2 2: 3|4"},         /* blanks count inside quotes only */
        {"a,b\n1,2\n\n3,4\n", "1:1|2 2:3|4"},               /* an empty line is no row */
        {"a\n城\n", "1:城"},
        {"a,b\n", ""},
    };
    for (size_t i = 0; i < ROWS(table); i++)
        expect_rows(slice_of(table[i].text), table[i].rows);
}

static void a_bad_row_is_told_with_its_number_and_reading_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows;
    } table[] = {
        {"a,b\n1\n3,4\n", "1!bad-value 2:3|4"},             /* too few */
        {"a,b\n1,2,3\n3,4\n", "1!bad-value 2:3|4"},         /* too many */
        {"a,b\n1,x\xFF\n3,4\n", "1!bad-value 2:3|4"},       /* not UTF-8 */
        {"a,b\n1,x\"y\n3,4\n", "1!syntax 2:3|4"},           /* a quote inside a field */
        {"a,b\n\"x\"y,2\n3,4\n", "1!syntax 2:3|4"},         /* text after a closing quote */
        {"a,b\n1,x\"y", "1!syntax"},
        {"a,b\n1,2\n1,x\"y\n1,x\"y\n3,4\n", "1:1|2 2!syntax 3!syntax 4:3|4"},
    };
    for (size_t i = 0; i < ROWS(table); i++)
        expect_rows(slice_of(table[i].text), table[i].rows);
    expect_rows((struct slice){"a,b\n1,x\0y\n3,4\n", 14}, "1!bad-value 2:3|4"); /* NUL */
}

static void a_file_without_a_sound_header_is_refused(void **state)
{
    (void)state;
    static const char *const table[] = {"",      "\n",     "a,a\n1,2\n", "a, a\n1,2\n",
                                        "a,\"b\n", "a\"b,c\n"};
    for (size_t i = 0; i < ROWS(table); i++)
        expect_rows(slice_of(table[i]), "open!syntax");
    expect_rows((struct slice){"a,\xFF\n1,2\n", 8}, "open!bad-value");
    expect_rows(SLICE("a,b\n1,\"2\n3,4\n"), "end!syntax"); /* a quote that never closes */
}

static void columns_are_found_by_name_without_blanks_or_mark(void **state)
{
    (void)state;
    struct feed feed = {.head = "\xEF\xBB\xBFperson_id, time ,城\n1,2,3\n"};
    struct csv_reader *reader;
    struct error err;
    test_done_or_fail(csv_reader_open(feed_start(&feed), "f.csv", &reader, &err), &err);
    assert_int_equal(csv_reader_header(reader)->count, 3);
    assert_int_equal(csv_reader_column(reader, "person_id"), 0);
    assert_int_equal(csv_reader_column(reader, "time"), 1);
    assert_int_equal(csv_reader_column(reader, "城"), 2);
    assert_int_equal(csv_reader_column(reader, "venue_id"), -1);
    csv_reader_free(reader);
    feed_end(&feed);
    csv_reader_free(NULL);
}

static void fields_and_rows_have_their_maximum(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 8 << 20);
    for (int i = 0; i < 256; i++)
        buffer_print(&text, "%sc%d", i ? "," : "", i);
    buffer_append_text(&text, "\n");
    for (int i = 0; i < 257; i++)
        buffer_print(&text, "%s%d", i ? "," : "", i);
    buffer_append_text(&text, "\n");
    struct feed feed = {.text = buffer_slice(&text), .repeat = 1};
    struct buffer out;
    read_all(feed_start(&feed), &out);
    feed_end(&feed);
    test_slice_is(buffer_slice(&out), "1!too-large");
    buffer_release(&out);

    buffer_clear(&text);
    buffer_append_text(&text, "a,b\n\"");
    while (text.length < (1 << 20) - 100)
        buffer_append_text(&text, "0123456789");
    buffer_append_text(&text, "\",x\n1,2\n");
    feed = (struct feed){.text = buffer_slice(&text), .repeat = 1};
    struct csv_reader *reader;
    const struct csv_row *row;
    struct error err;
    test_done_or_fail(csv_reader_open(feed_start(&feed), "f", &reader, &err), &err);
    assert_true(csv_reader_next(reader, &row, &err));
    assert_int_equal(row->count, 2);
    assert_in_range(row->fields[0].length, (1 << 20) - 200, 1 << 20);
    assert_true(csv_reader_next(reader, &row, &err));
    test_slice_is(row->fields[1], "2");
    csv_reader_free(reader);
    feed_end(&feed);
    buffer_release(&text);
}

static long resident_kilobytes_max(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* `head`, then `megabytes` of `piece` (8 bytes) without a line break, then a good row. */
static void read_long_line(const char *head, const char *piece, int megabytes, const char *expected)
{
    enum { MEGABYTE = 1 << 20, GROWTH_KILOBYTES_MAX = 64 << 10 };
    char *text = x_alloc(MEGABYTE, 1);
    for (size_t i = 0; i < MEGABYTE; i += 8)
        memcpy(text + i, piece, 8);
    struct feed feed = {head, {text, MEGABYTE}, megabytes, "\n1\n", -1, 0};
    struct buffer out;
    int fd = feed_start(&feed);
    long before = resident_kilobytes_max();
    read_all(fd, &out);
    feed_end(&feed);
    test_slice_is(buffer_slice(&out), expected);
    assert_true(resident_kilobytes_max() - before < GROWTH_KILOBYTES_MAX);
    buffer_release(&out);
    free(text);
}

static void a_line_of_two_gigabytes_is_refused_in_bounded_memory(void **state)
{
    (void)state;
    read_long_line("", "xxxxxxxx", 2048, "open!too-large");        /* as header */
    read_long_line("a\n", "xxxxxxxx", 2048, "1!too-large 2:1");    /* as a field */
    read_long_line("a\n\"", "xxxxxxxx", 2048, "end!syntax");       /* a quote that never closes */
    read_long_line("a\n1\"", "xxxxxxxx", 64, "1!syntax 2:1");    /* after a stray quote */
    read_long_line("a\n", "x,x,x,x,", 32, "1!too-large 2:1");     /* as 2^24 fields */
}

static void gzip_is_read_as_if_it_were_plain_and_a_cut_one_is_refused(void **state)
{
    (void)state;
    struct test_directory directory;
    test_directory_make(&directory);
    char path[128];
    snprintf(path, sizeof path, "%s/rows.csv.gz", directory.path);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    gzprintf(file, "a,b\n");
    for (int i = 0; i < 30000; i++)
        gzprintf(file, "%d,%d\n", i, i * 7919 % 10007);
    gzclose(file);

    struct csv_reader *reader;
    const struct csv_row *row;
    struct error err;
    int fd = open(path, O_RDONLY);
    test_done_or_fail(csv_reader_open(fd, path, &reader, &err), &err);
    for (int i = 0; i < 30000; i++) {
        char text[16];
        assert_true(csv_reader_next(reader, &row, &err));
        assert_int_equal(row->number, i + 1);
        snprintf(text, sizeof text, "%d", i * 7919 % 10007);
        test_slice_is(row->fields[1], text);
    }
    assert_true(csv_reader_next(reader, &row, &err));
    assert_null(row);
    assert_true(csv_reader_next(reader, &row, &err)); /* the end stays the end */
    assert_null(row);
    csv_reader_free(reader);

    fd = open(path, O_RDWR);
    off_t size = lseek(fd, 0, SEEK_END);
    assert_int_equal(ftruncate(fd, size / 2), 0);
    lseek(fd, 0, SEEK_SET);
    test_done_or_fail(csv_reader_open(fd, path, &reader, &err), &err);
    bool going = true;
    int64_t rows = 0;
    while (going && (going = csv_reader_next(reader, &row, &err)) && row)
        rows++;
    assert_false(going); /* never a silent end */
    assert_int_equal(err.code, ERROR_SYNTAX);
    assert_in_range(rows, 1, 29999);
    csv_reader_free(reader);
    test_directory_remove(&directory);
}

static void written_fields_read_back_the_same(void **state)
{
    (void)state;
    static const char *const fields[] = {"plain", "",     "a,b",  "say \"hi\"", "two\nlines", "\r",
                                         " lead", "end ", "城脉", "\"",         "a\"",        "'=",
                                         "tab\t", "\ttab"};
    struct buffer text;
    buffer_init(&text, 1 << 16);
    for (size_t i = 0; i < ROWS(fields); i++)
        buffer_print(&text, "%sc%zu", i ? "," : "", i);
    csv_end(&text);
    for (size_t i = 0; i < ROWS(fields); i++)
        csv_put(&text, slice_of(fields[i]), i == 0);
    csv_end(&text);
    struct feed feed = {.text = buffer_slice(&text), .repeat = 1};
    struct csv_reader *reader;
    const struct csv_row *row;
    struct error err;
    test_done_or_fail(csv_reader_open(feed_start(&feed), "f", &reader, &err), &err);
    assert_true(csv_reader_next(reader, &row, &err));
    assert_int_equal(row->count, ROWS(fields));
    for (size_t i = 0; i < ROWS(fields); i++)
        test_slice_is(row->fields[i], fields[i]);
    csv_reader_free(reader);
    feed_end(&feed);
    buffer_release(&text);
}

static void rows_across_chunks_keep_their_texts(void **state)
{
    (void)state;
    struct buffer text;
    struct random random;
    buffer_init(&text, 4 << 20);
    random_init(&random, 9, 0);
    buffer_append_text(&text, "n,filler\n");
    int rows = 0;
    while (text.length < 3 << 20) {
        buffer_print(&text, "%d,\"", rows++);
        for (uint32_t i = random_below(&random, 3000); i; i--)
            buffer_append(&text, i % 50 ? "x" : "\n", 1);
        buffer_print(&text, "%d\"\n", rows - 1);
    }
    struct feed feed = {.text = buffer_slice(&text), .repeat = 1};
    struct csv_reader *reader;
    const struct csv_row *row;
    struct error err;
    test_done_or_fail(csv_reader_open(feed_start(&feed), "f", &reader, &err), &err);
    for (int i = 0; i < rows; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        assert_true(csv_reader_next(reader, &row, &err));
        test_slice_is(row->fields[0], number);
        size_t length = strlen(number);
        test_slice_is((struct slice){row->fields[1].data + row->fields[1].length - length, length},
                      number);
    }
    csv_reader_free(reader);
    feed_end(&feed);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_rfc_4180_says),
        cmocka_unit_test(a_bad_row_is_told_with_its_number_and_reading_goes_on),
        cmocka_unit_test(a_file_without_a_sound_header_is_refused),
        cmocka_unit_test(columns_are_found_by_name_without_blanks_or_mark),
        cmocka_unit_test(fields_and_rows_have_their_maximum),
        cmocka_unit_test(a_line_of_two_gigabytes_is_refused_in_bounded_memory),
        cmocka_unit_test(gzip_is_read_as_if_it_were_plain_and_a_cut_one_is_refused),
        cmocka_unit_test(written_fields_read_back_the_same),
        cmocka_unit_test(rows_across_chunks_keep_their_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
