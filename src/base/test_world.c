/* Goal: the clock can be stopped and shifted, and files are written whole or not at all, whatever
 * step fails. */
#include <errno.h>
#include <sys/stat.h>

#include "base/test_support.h"

static void a_world_is_real_shifted_or_stands_still(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    timestamp before = world_real_now();
    timestamp now = world_now(&world);
    assert_true(now >= before && now < before + MINUTE);
    world.offset = -40 * DAY;
    now = world_now(&world);
    assert_true(now >= before - 40 * DAY && now < before - 40 * DAY + MINUTE);
    world.fixed = 1649917800 * SECOND; /* a fixed moment wins over any offset */
    assert_true(world_now(&world) == 1649917800 * SECOND);
    assert_true(world_now(&world) == 1649917800 * SECOND);
    double first = world_elapsed_seconds();
    assert_true(world_elapsed_seconds() >= first);
}

static void random_bytes_differ_and_fill_all(void **state)
{
    (void)state;
    unsigned char a[1000] = {0}, b[1000] = {0};
    world_random_bytes(a, sizeof a);
    world_random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    int zeros = 0;
    for (size_t i = 0; i < sizeof a; i++)
        zeros += a[i] == 0;
    assert_in_range(zeros, 0, 40); /* 4 expected */
    world_random_bytes(a, 0);
}

static void expect_content(struct test_directory *directory, const char *name, const char *text)
{
    struct error err;
    struct buffer content;
    buffer_init(&content, 1 << 20);
    test_done_or_fail(file_read_whole(directory->fd, name, &content, &err), &err);
    test_slice_is(buffer_slice(&content), text);
    buffer_release(&content);
}

static bool exists(struct test_directory *directory, const char *name)
{
    return faccessat(directory->fd, name, F_OK, 0) == 0;
}

static void a_replaced_file_is_whole_private_and_alone(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    struct stat status;
    test_directory_make(&directory);
    assert_true(file_replace(directory.fd, "city", "one", 3, &err));
    expect_content(&directory, "city", "one");
    assert_true(file_replace(directory.fd, "city", "", 0, &err));
    expect_content(&directory, "city", "");
    assert_int_equal(fstatat(directory.fd, "city", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_false(exists(&directory, "city.new"));
    assert_int_equal(mkdirat(directory.fd, "sub", 0700), 0);
    assert_true(file_replace(directory.fd, "sub/city", "two", 3, &err));
    expect_content(&directory, "sub/city", "two");
    assert_false(file_replace(directory.fd, "absent/city", "x", 1, &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_string_equal(err.source, "absent/city.new");
    test_directory_remove(&directory);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    char name[600];
    test_directory_make(&directory);
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = i % 2 ? '/' : '.';
    memcpy(name + sizeof name - 5, "city", 5);
    assert_false(file_replace(directory.fd, name, "x", 1, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    test_directory_remove(&directory);
}

#ifdef CHENGMAI_FAULTS
static void under_any_fault_a_file_is_the_old_one_or_the_new_one(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    test_directory_make(&directory);
    bool hit = true;
    long k = 0;
    for (; hit; k++) {
        test_done_or_fail(file_replace(directory.fd, "city", "old", 3, &err), &err);
        err = (struct error){0};
        fault_arm(k, FAULT_WRITE | FAULT_SYNC | FAULT_RENAME);
        bool done = file_replace(directory.fd, "city", "new and longer", 14, &err);
        hit = fault_disarm();
        assert_int_equal(done, !hit);
        struct buffer content;
        buffer_init(&content, 100);
        test_done_or_fail(file_read_whole(directory.fd, "city", &content, &err), &err);
        bool old = slice_equal(buffer_slice(&content), SLICE("old"));
        bool new = slice_equal(buffer_slice(&content), SLICE("new and longer"));
        assert_true(old || new);
        assert_true(!done || new);
        assert_false(exists(&directory, "city.new"));
        buffer_release(&content);
    }
    assert_int_equal(k, 5); /* write, sync, rename, sync of the directory, none */
    test_directory_remove(&directory);
}
#endif

static void a_full_disk_has_an_error_of_its_own(void **state)
{
    (void)state;
    struct error err;
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    assert_false(file_write_all(fd, "x", 1, "log", &err));
    assert_int_equal(err.code, ERROR_DISK_FULL);
    assert_int_equal(error_kind(err.code)->http_status, 503);
    assert_string_equal(err.source, "log");
    assert_false(file_write_at(fd, "x", 1, 0, "log", &err));
    assert_int_equal(err.code, ERROR_DISK_FULL);
    close(fd);
    assert_false(file_write_all(-1, "x", 1, "log", &err));
    assert_int_equal(err.code, ERROR_IO);
    assert_false(file_sync(-1, "log", &err));
    assert_int_equal(err.code, ERROR_IO);
}

static void reading_past_the_end_is_damage_and_names_the_place(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    char bytes[8];
    test_directory_make(&directory);
    int fd = openat(directory.fd, "log", O_RDWR | O_CREAT, 0600);
    assert_true(file_write_all(fd, "0123", 4, "log", &err));
    assert_true(file_write_at(fd, "89", 2, 8, "log", &err));
    assert_true(file_read_at(fd, bytes, 8, 2, "log", &err));
    assert_memory_equal(bytes, "23\0\0\0\0" "89", 8);
    assert_true(file_read_at(fd, bytes, 0, 1000, "log", &err));
    assert_false(file_read_at(fd, bytes, 8, 3, "log", &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_string_equal(err.source, "log");
    assert_string_equal(err.what, "the file ends before byte 10");
    assert_true(file_sync(fd, "log", &err));
    close(fd);
    assert_false(file_read_at(-1, bytes, 1, 0, "log", &err));
    assert_int_equal(err.code, ERROR_IO);
    test_directory_remove(&directory);
}

static void a_whole_file_is_read_up_to_the_buffers_maximum(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    struct buffer out;
    test_directory_make(&directory);
    char *text = x_alloc(100000, 1);
    memset(text, 'x', 100000);
    assert_true(file_replace(directory.fd, "big", text, 100000, &err));
    buffer_init(&out, 100000);
    assert_true(file_read_whole(directory.fd, "big", &out, &err));
    assert_int_equal(out.length, 100000);
    buffer_release(&out);
    buffer_init(&out, 99999);
    assert_false(file_read_whole(directory.fd, "big", &out, &err));
    assert_int_equal(err.code, ERROR_TOO_LARGE);
    buffer_release(&out);
    assert_false(file_read_whole(directory.fd, "absent", &out, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_false(file_read_whole(directory.fd, ".", &out, &err));
    assert_int_equal(err.code, ERROR_IO);
    buffer_release(&out);
    free(text);
    test_directory_remove(&directory);
}

static void a_tree_is_removed_whole_without_following_links(void **state)
{
    (void)state;
    struct test_directory directory;
    struct error err;
    test_directory_make(&directory);
    assert_int_equal(mkdirat(directory.fd, "day", 0700), 0);
    assert_int_equal(mkdirat(directory.fd, "day/a", 0700), 0);
    assert_int_equal(mkdirat(directory.fd, "day/a/b", 0700), 0);
    assert_true(file_replace(directory.fd, "day/a/b/log", "x", 1, &err));
    assert_true(file_replace(directory.fd, "kept", "x", 1, &err));
    assert_int_equal(symlinkat("../kept", directory.fd, "day/file-link"), 0);
    assert_int_equal(symlinkat("../..", directory.fd, "day/a/directory-link"), 0);
    assert_true(file_remove_tree(directory.fd, "day", &err));
    assert_false(exists(&directory, "day"));
    assert_true(exists(&directory, "kept"));
    assert_true(file_remove_tree(directory.fd, "day", &err)); /* absent is done */
    assert_true(file_remove_tree(directory.fd, "kept", &err));
    assert_false(exists(&directory, "kept"));
    test_directory_remove(&directory);
}

static void built_in_files_are_found_by_name_and_ordered(void **state)
{
    (void)state;
    size_t count;
    const struct embedded_file *all = embedded_all(&count);
    assert_true(count > 5);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(embedded_find(all[i].name), &all[i]);
        assert_true(i == 0 || strcmp(all[i - 1].name, all[i].name) < 0);
        assert_int_equal(all[i].content.data[all[i].content.length], '\0');
    }
    assert_null(embedded_find("src/store/schema/999_absent.sql"));
    assert_null(embedded_find(""));
    const struct embedded_file *schema = embedded_find("src/store/schema/001_store.sql");
    assert_non_null(schema);
    assert_non_null(strstr(schema->content.data, "CREATE TABLE event "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_is_real_shifted_or_stands_still),
        cmocka_unit_test(random_bytes_differ_and_fill_all),
        cmocka_unit_test(a_replaced_file_is_whole_private_and_alone),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
#ifdef CHENGMAI_FAULTS
        cmocka_unit_test(under_any_fault_a_file_is_the_old_one_or_the_new_one),
#endif
        cmocka_unit_test(a_full_disk_has_an_error_of_its_own),
        cmocka_unit_test(reading_past_the_end_is_damage_and_names_the_place),
        cmocka_unit_test(a_whole_file_is_read_up_to_the_buffers_maximum),
        cmocka_unit_test(a_tree_is_removed_whole_without_following_links),
        cmocka_unit_test(built_in_files_are_found_by_name_and_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
