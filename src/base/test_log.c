/* Goal: a log line is one JSON object, whatever words it carries. */
#include <pthread.h>

#include "base/test_support.h"

/* Runs `body` with standard error in a file and gives what was written. */
static void capture(void (*body)(void), struct buffer *out)
{
    struct error err;
    FILE *file = tmpfile();
    assert_non_null(file);
    int kept = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    body();
    dup2(kept, STDERR_FILENO);
    close(kept);
    off_t size = lseek(fileno(file), 0, SEEK_END);
    char *text = x_alloc((size_t)size + 1, 1);
    test_done_or_fail(file_read_at(fileno(file), text, (size_t)size, 0, "stderr", &err), &err);
    buffer_init(out, 1 << 20);
    buffer_append(out, text, (size_t)size);
    free(text);
    fclose(file);
}

/* The next line as an object; NULL at the end. */
static json_t *next_line(struct slice *rest)
{
    if (!rest->length)
        return NULL;
    struct error err;
    json_t *object;
    const char *end = memchr(rest->data, '\n', rest->length);
    assert_non_null(end);
    struct slice line = {rest->data, (size_t)(end - rest->data)};
    test_done_or_fail(json_read(line, "log", &object, &err), &err);
    assert_int_equal(json_object_size(object), 4);
    rest->data = end + 1;
    rest->length -= line.length + 1;
    return object;
}

static void expect_line(struct slice *rest, const char *level, const char *words)
{
    json_t *object = next_line(rest);
    timestamp at;
    assert_non_null(object);
    assert_true(time_parse(slice_of(json_string_value(json_object_get(object, "at"))), &at));
    assert_true(at <= world_real_now() && at > world_real_now() - MINUTE);
    assert_string_equal(json_string_value(json_object_get(object, "level")), level);
    assert_string_equal(json_string_value(json_object_get(object, "room")), "test");
    assert_string_equal(json_string_value(json_object_get(object, "words")), words);
    json_decref(object);
}

static void write_levels(void)
{
    struct error err;
    log_write(LOG_INFO, "test", "started with %d rooms", 3);
    log_write(LOG_WARNING, "test", "\"quoted\" \\ and\nbroken\tinto \x01 lines 城脉");
    error_set(&err, ERROR_IO, (struct error_place){"city.db", 0, NULL}, NULL, "write: failed");
    log_error("test", &err);
    log_set_level(LOG_FAULT);
    log_write(LOG_INFO, "test", "unheard");
    log_write(LOG_WARNING, "test", "unheard");
    log_write(LOG_FAULT, "test", "heard");
    log_set_level(LOG_INFO);
}

static void a_line_is_one_json_object_with_its_words_escaped(void **state)
{
    (void)state;
    struct buffer out;
    capture(write_levels, &out);
    struct slice rest = buffer_slice(&out);
    expect_line(&rest, "info", "started with 3 rooms");
    expect_line(&rest, "warning", "\"quoted\" \\ and\nbroken\tinto \x01 lines 城脉");
    expect_line(&rest, "fault", "error: write: failed, city.db");
    expect_line(&rest, "fault", "heard");
    assert_null(next_line(&rest));
    buffer_release(&out);
}

static void write_long_and_ill_formed(void)
{
    char text[4000];
    for (size_t i = 0; i + 4 < sizeof text; i += 3)
        memcpy(text + i, "城", 4);
    for (int shift = 0; shift < 3; shift++)
        log_write(LOG_INFO, "test", "%.*s%s", shift, "xx", text);
    log_write(LOG_INFO, "test", "id \xFF\xC3 end");
}

static void words_that_are_too_long_or_no_utf8_still_make_a_json_line(void **state)
{
    (void)state;
    struct buffer out;
    capture(write_long_and_ill_formed, &out);
    struct slice rest = buffer_slice(&out);
    for (int i = 0; i < 3; i++) {
        json_t *object = next_line(&rest);
        assert_in_range(json_string_length(json_object_get(object, "words")), 800, 900);
        json_decref(object);
    }
    expect_line(&rest, "info", "id ?? end");
    buffer_release(&out);
}

enum { THREADS = 4, LINES = 200 };
static void *write_lines(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_write(LOG_INFO, argument, "line %d of many words that fill the line somewhat", i);
    return NULL;
}
static void write_from_threads(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, "test"), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    struct buffer out;
    capture(write_from_threads, &out);
    struct slice rest = buffer_slice(&out);
    int lines = 0;
    for (json_t *object; (object = next_line(&rest)); lines++)
        json_decref(object);
    assert_int_equal(lines, THREADS * LINES);
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object_with_its_words_escaped),
        cmocka_unit_test(words_that_are_too_long_or_no_utf8_still_make_a_json_line),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
