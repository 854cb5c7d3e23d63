/* Goal: keys are private, bound to their place and refused when touched; a destroyed day is gone
 * for ever; a field's cipher opens in its own row only. */
#include <sys/stat.h>

#include "base/test_support.h"
#include "store/keys.h"

enum { DAY_NUMBER = 19096 }; /* 2022-04-14 */

static void make(struct test_directory *directory, struct keys **ret_keys)
{
    struct error err;
    test_directory_make(directory);
    test_done_or_fail(keys_create(directory->fd, &err), &err);
    test_done_or_fail(keys_open(directory->fd, ret_keys, &err), &err);
}

static const char *const class_files[KEY_CLASS_COUNT] = {
#define X(id, name) [id] = "keys/class-" name,
    KEY_CLASS_TABLE(X)
#undef X
};

static void keys_are_private_differ_and_stay_the_same(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys, *again;
    struct error err;
    struct stat status;
    make(&directory, &keys);
    test_done_or_fail(keys_open(directory.fd, &again, &err), &err);
    assert_int_equal(fstatat(directory.fd, "keys", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(fstatat(directory.fd, "keys/master", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, KEY_BYTES);
    for (int i = 0; i < KEY_CLASS_COUNT; i++) {
        const unsigned char *key = keys_of(keys, (enum key_class)i);
        assert_int_equal(fstatat(directory.fd, class_files[i], &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_memory_equal(key, keys_of(again, (enum key_class)i), KEY_BYTES);
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(key, keys_of(keys, (enum key_class)k), KEY_BYTES);
    }
    keys_free(again);
    keys_free(keys);
    keys_free(NULL);
    test_directory_remove(&directory);
}

static void keys_of_two_directories_differ(void **state)
{
    (void)state;
    struct test_directory a, b;
    struct keys *keys_a, *keys_b;
    make(&a, &keys_a);
    make(&b, &keys_b);
    for (int i = 0; i < KEY_CLASS_COUNT; i++)
        assert_memory_not_equal(keys_of(keys_a, (enum key_class)i),
                                keys_of(keys_b, (enum key_class)i), KEY_BYTES);
    keys_free(keys_a);
    keys_free(keys_b);
    test_directory_remove(&a);
    test_directory_remove(&b);
}

static void expect_refused(struct test_directory *directory, enum error_code code,
                           const char *source)
{
    struct error err;
    struct keys *keys;
    assert_false(keys_open(directory->fd, &keys, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.source, source);
}

static void flip(struct test_directory *directory, const char *name, off_t at)
{
    struct error err;
    unsigned char byte;
    int fd = openat(directory->fd, name, O_RDWR);
    assert_true(fd >= 0);
    test_done_or_fail(file_read_at(fd, &byte, 1, at, name, &err), &err);
    byte ^= 0x10;
    test_done_or_fail(file_write_at(fd, &byte, 1, at, name, &err), &err);
    close(fd);
}

static void a_changed_byte_anywhere_in_a_wrapped_key_is_refused_by_name(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys;
    make(&directory, &keys);
    keys_free(keys);
    for (int i = 0; i < KEY_CLASS_COUNT; i++)
        for (off_t at = 0; at < 72; at += 7) {
            flip(&directory, class_files[i], at);
            expect_refused(&directory, ERROR_CORRUPT, class_files[i] + strlen("keys/"));
            flip(&directory, class_files[i], at);
        }
    struct error err;
    test_done_or_fail(keys_open(directory.fd, &keys, &err), &err);
    keys_free(keys);
    test_directory_remove(&directory);
}

static void exchanged_cut_and_missing_key_files_are_refused_by_name(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys;
    make(&directory, &keys);
    keys_free(keys);
    int keys_fd = openat(directory.fd, "keys", O_RDONLY | O_DIRECTORY);
    assert_int_equal(renameat2(keys_fd, "class-identity", keys_fd, "class-session", 2), 0);
    expect_refused(&directory, ERROR_CORRUPT, "class-identity"); /* exchanged */
    assert_int_equal(renameat2(keys_fd, "class-identity", keys_fd, "class-session", 2), 0);
    int fd = openat(keys_fd, "class-audit", O_RDWR);
    unsigned char kept[72];
    struct error err;
    test_done_or_fail(file_read_at(fd, kept, 72, 0, "class-audit", &err), &err);
    for (off_t size = 71; size >= 0; size -= 71) {
        assert_int_equal(ftruncate(fd, size), 0);
        expect_refused(&directory, ERROR_CORRUPT, "class-audit");
    }
    test_done_or_fail(file_write_at(fd, kept, 72, 0, "class-audit", &err), &err);
    close(fd);
    test_done_or_fail(keys_open(directory.fd, &keys, &err), &err);
    keys_free(keys);
    assert_int_equal(unlinkat(keys_fd, "class-snapshot", 0), 0);
    expect_refused(&directory, ERROR_NOT_FOUND, "class-snapshot");
    close(keys_fd);
    test_directory_remove(&directory);
}

static void a_master_key_others_may_read_or_of_wrong_size_is_refused(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys;
    make(&directory, &keys);
    keys_free(keys);
    for (mode_t bit = 1; bit < 0100; bit <<= 1) {
        assert_int_equal(fchmodat(directory.fd, "keys/master", 0600 | bit, 0), 0);
        expect_refused(&directory, ERROR_ENVIRONMENT, "keys/master");
    }
    assert_int_equal(fchmodat(directory.fd, "keys/master", 0600, 0), 0);
    flip(&directory, "keys/master", 5); /* another master: no wrapped key opens */
    expect_refused(&directory, ERROR_CORRUPT, "class-identity");
    flip(&directory, "keys/master", 5);
    int fd = openat(directory.fd, "keys/master", O_RDWR);
    assert_int_equal(ftruncate(fd, 31), 0);
    close(fd);
    expect_refused(&directory, ERROR_CORRUPT, "keys/master");
    assert_int_equal(unlinkat(directory.fd, "keys/master", 0), 0);
    expect_refused(&directory, ERROR_IO, "keys/master");
    test_directory_remove(&directory);
    test_directory_make(&directory);
    expect_refused(&directory, ERROR_IO, "keys"); /* none at all */
    test_directory_remove(&directory);
}

/* ---- Days */

static void a_day_has_one_key_until_it_is_destroyed_for_ever(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys;
    struct error err;
    unsigned char first[KEY_BYTES], again[KEY_BYTES], other[KEY_BYTES];
    make(&directory, &keys);
    assert_false(keys_day(keys, DAY_NUMBER, false, first, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    test_done_or_fail(keys_day(keys, DAY_NUMBER, true, first, &err), &err);
    test_done_or_fail(keys_day(keys, DAY_NUMBER, true, again, &err), &err);
    assert_memory_equal(first, again, KEY_BYTES);
    test_done_or_fail(keys_day(keys, DAY_NUMBER + 1, true, other, &err), &err);
    assert_memory_not_equal(first, other, KEY_BYTES);

    test_done_or_fail(keys_day_destroy(keys, DAY_NUMBER, &err), &err);
    assert_int_equal(faccessat(directory.fd, "keys/day-2022-04-14", F_OK, 0), -1);
    assert_int_equal(faccessat(directory.fd, "keys/day-2022-04-14.destroyed", F_OK, 0), 0);
    for (int round = 0; round < 2; round++) {
        for (int create = 0; create < 2; create++) {
            assert_false(keys_day(keys, DAY_NUMBER, create != 0, again, &err));
            assert_int_equal(err.code, ERROR_GONE);
            assert_string_equal(err.source, "day-2022-04-14");
        }
        test_done_or_fail(keys_day_destroy(keys, DAY_NUMBER, &err), &err); /* twice is done */
        keys_free(keys);
        test_done_or_fail(keys_open(directory.fd, &keys, &err), &err); /* over a restart */
    }
    test_done_or_fail(keys_day(keys, DAY_NUMBER + 1, false, again, &err), &err);
    assert_memory_equal(other, again, KEY_BYTES);
    test_done_or_fail(keys_day_destroy(keys, DAY_NUMBER + 9, &err), &err); /* one never used */
    assert_false(keys_day(keys, DAY_NUMBER + 9, true, again, &err));
    assert_int_equal(err.code, ERROR_GONE);
    keys_free(keys);
    test_directory_remove(&directory);
}

static void a_backup_of_the_key_file_brings_no_destroyed_day_back(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys;
    struct error err;
    unsigned char key[KEY_BYTES];
    make(&directory, &keys);
    test_done_or_fail(keys_day(keys, DAY_NUMBER, true, key, &err), &err);
    assert_int_equal(linkat(directory.fd, "keys/day-2022-04-14", directory.fd, "kept", 0), 0);
    test_done_or_fail(keys_day_destroy(keys, DAY_NUMBER, &err), &err);
    struct buffer left;
    buffer_init(&left, 1000);
    test_done_or_fail(file_read_whole(directory.fd, "kept", &left, &err), &err);
    for (size_t i = 0; i < left.length; i++)
        assert_int_equal(left.data[i], 0); /* overwritten before it was removed */
    buffer_release(&left);
    assert_int_equal(renameat(directory.fd, "kept", directory.fd, "keys/day-2022-04-14"), 0);
    assert_false(keys_day(keys, DAY_NUMBER, false, key, &err));
    assert_int_equal(err.code, ERROR_GONE);
    keys_free(keys);
    test_directory_remove(&directory);
}

#ifdef CHENGMAI_FAULTS
static void under_any_fault_a_day_key_is_whole_absent_or_gone(void **state)
{
    (void)state;
    struct test_directory directory;
    struct keys *keys;
    struct error err;
    unsigned char key[KEY_BYTES], again[KEY_BYTES];
    const unsigned mask = FAULT_ALLOCATION | FAULT_WRITE | FAULT_SYNC | FAULT_RENAME;
    make(&directory, &keys);
    int32_t day = DAY_NUMBER;
    bool hit = true;
    for (long k = 0; hit; k++, day++) {
        fault_arm(k, mask);
        bool made = keys_day(keys, day, true, key, &err);
        hit = fault_disarm();
        assert_int_equal(made, !hit);
        test_done_or_fail(keys_day(keys, day, true, again, &err), &err);
        if (made)
            assert_memory_equal(key, again, KEY_BYTES);
    }
    assert_true(day > DAY_NUMBER + 4);
    hit = true;
    for (long k = 0; hit; k++, day++) {
        test_done_or_fail(keys_day(keys, day, true, key, &err), &err);
        fault_arm(k, mask);
        bool destroyed = keys_day_destroy(keys, day, &err);
        hit = fault_disarm();
        assert_int_equal(destroyed, !hit);
        bool readable = keys_day(keys, day, false, again, &err);
        assert_true(readable || err.code == ERROR_GONE);
        if (readable)
            assert_memory_equal(key, again, KEY_BYTES);
        test_done_or_fail(keys_day_destroy(keys, day, &err), &err); /* done by trying again */
        assert_false(keys_day(keys, day, false, again, &err));
        assert_int_equal(err.code, ERROR_GONE);
    }
    keys_free(keys);
    test_directory_remove(&directory);
}
#endif

/* ---- Fields */

static void a_field_opens_in_its_own_row_and_class_only(void **state)
{
    (void)state;
    static const char *const plains[] = {
        "", "张", "13800000000", "a longer text than one block of any cipher has, with its end"};
    struct test_directory directory;
    struct keys *keys;
    struct error err;
    struct arena arena;
    struct slice plain;
    make(&directory, &keys);
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ROWS(plains); i++) {
        struct slice text = slice_of(plains[i]);
        struct slice cipher = field_encrypt(keys, KEY_IDENTITY, 17, text, &arena);
        struct slice twin = field_encrypt(keys, KEY_IDENTITY, 17, text, &arena);
        assert_int_equal(cipher.length, text.length + 40);
        assert_false(slice_equal(cipher, twin)); /* equal values look different */
        test_done_or_fail(
            field_decrypt(keys, KEY_IDENTITY, 17, cipher, &arena, &plain, &err), &err);
        test_slice_is(plain, plains[i]);
        plain = SLICE("untouched");
        static const int64_t rows[] = {16, 18, -17, 0};
        for (size_t r = 0; r < ROWS(rows); r++) {
            assert_false(
                field_decrypt(keys, KEY_IDENTITY, rows[r], cipher, &arena, &plain, &err));
            assert_int_equal(err.code, ERROR_CORRUPT);
            assert_string_equal(err.source, "identity");
            assert_int_equal(err.row, rows[r]);
        }
        assert_false(field_decrypt(keys, KEY_SESSION, 17, cipher, &arena, &plain, &err));
        assert_int_equal(err.code, ERROR_CORRUPT);
        for (size_t cut = 0; cut < cipher.length; cut++)
            assert_false(field_decrypt(keys, KEY_IDENTITY, 17, (struct slice){cipher.data, cut},
                                       &arena, &plain, &err));
        char *changed = arena_copy(&arena, cipher.data, cipher.length);
        for (size_t at = 0; at < cipher.length; at++) {
            changed[at] ^= 1;
            assert_false(field_decrypt(keys, KEY_IDENTITY, 17,
                                       (struct slice){changed, cipher.length}, &arena, &plain,
                                       &err));
            changed[at] ^= 1;
        }
        test_slice_is(plain, "untouched");
    }
    assert_false(field_decrypt(keys, KEY_IDENTITY, 17, (struct slice){NULL, 0}, &arena, &plain,
                               &err));
    arena_release(&arena);
    keys_free(keys);
    test_directory_remove(&directory);
}

static void blind_indexes_of_two_domains_or_directories_never_meet(void **state)
{
    (void)state;
    struct test_directory directory, other_directory;
    struct keys *keys, *other;
    unsigned char index[BLIND_INDEX_BYTES], twin[BLIND_INDEX_BYTES];
    make(&directory, &keys);
    make(&other_directory, &other);
    blind_index(keys, "phone", SLICE("13800000000"), index);
    blind_index(keys, "phone", SLICE("13800000000"), twin);
    assert_memory_equal(index, twin, sizeof index);
    blind_index(keys, "phone", SLICE("13800000001"), twin);
    assert_memory_not_equal(index, twin, sizeof index);
    blind_index(keys, "id_number", SLICE("13800000000"), twin);
    assert_memory_not_equal(index, twin, sizeof index);
    blind_index(other, "phone", SLICE("13800000000"), twin);
    assert_memory_not_equal(index, twin, sizeof index);
    blind_index(keys, "phone1", SLICE("3800000000"), twin); /* the border of domain and value */
    assert_memory_not_equal(index, twin, sizeof index);
    keys_free(keys);
    keys_free(other);
    test_directory_remove(&directory);
    test_directory_remove(&other_directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_private_differ_and_stay_the_same),
        cmocka_unit_test(keys_of_two_directories_differ),
        cmocka_unit_test(a_changed_byte_anywhere_in_a_wrapped_key_is_refused_by_name),
        cmocka_unit_test(exchanged_cut_and_missing_key_files_are_refused_by_name),
        cmocka_unit_test(a_master_key_others_may_read_or_of_wrong_size_is_refused),
        cmocka_unit_test(a_day_has_one_key_until_it_is_destroyed_for_ever),
        cmocka_unit_test(a_backup_of_the_key_file_brings_no_destroyed_day_back),
#ifdef CHENGMAI_FAULTS
        cmocka_unit_test(under_any_fault_a_day_key_is_whole_absent_or_gone),
#endif
        cmocka_unit_test(a_field_opens_in_its_own_row_and_class_only),
        cmocka_unit_test(blind_indexes_of_two_domains_or_directories_never_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
