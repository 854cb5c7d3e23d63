/* Goal: versions of a key, another master key, sources and the mirror: what was encrypted stays
 * readable as long as it may, what was destroyed is destroyed everywhere, and a crash leaves one
 * whole side. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/test_support.h"
#include "store/keys.h"

enum { DAY_NUMBER = 19096 }; /* 2022-04-14 */

struct ring {
    struct test_directory directory;
    struct keys *keys;
    struct arena arena;
};

static void ring_open(struct ring *ring)
{
    struct error err;
    test_done_or_fail(keys_open(ring->directory.fd, &ring->keys, &err), &err);
}
static void ring_reopen(struct ring *ring)
{
    keys_free(ring->keys);
    ring_open(ring);
}
static int ring_make(void **state)
{
    struct error err;
    struct ring *ring = x_alloc(1, sizeof *ring);
    unsetenv("CHENGMAI_PASSPHRASE_FILE");
    test_directory_make(&ring->directory);
    test_done_or_fail(keys_create(ring->directory.fd, &err), &err);
    ring_open(ring);
    arena_init(&ring->arena, 1 << 20);
    *state = ring;
    return 0;
}
static int ring_remove(void **state)
{
    struct ring *ring = *state;
    keys_free(ring->keys);
    arena_release(&ring->arena);
    test_directory_remove(&ring->directory);
    free(ring);
    return 0;
}

static bool there(struct ring *ring, const char *path)
{
    return faccessat(ring->directory.fd, path, F_OK, 0) == 0;
}

/* Opens, and tells whether the newest version did. */
static enum error_code opens(struct ring *ring, struct slice cipher, bool *ret_current)
{
    struct slice plain;
    struct error err;
    *ret_current = false;
    if (!field_decrypt_version(ring->keys, KEY_IDENTITY, 7, cipher, &ring->arena, &plain,
                               ret_current, &err))
        return err.code;
    test_slice_is(plain, "张三");
    return ERROR_NONE;
}

/* ---- Versions */

static void an_old_version_opens_until_it_is_retired_and_never_again(void **state)
{
    struct ring *ring = *state;
    struct error err;
    bool current;
    int count;
    unsigned char first_audit[KEY_BYTES];
    memcpy(first_audit, keys_of(ring->keys, KEY_AUDIT), KEY_BYTES);
    struct slice old = field_encrypt(ring->keys, KEY_IDENTITY, 7, SLICE("张三"), &ring->arena);
    test_done_or_fail(keys_renew(ring->keys, KEY_IDENTITY, &err), &err);
    struct slice fresh = field_encrypt(ring->keys, KEY_IDENTITY, 7, SLICE("张三"), &ring->arena);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(keys_version(ring->keys, KEY_IDENTITY, &count), 2);
        assert_int_equal(count, 2);
        assert_int_equal(opens(ring, old, &current), ERROR_NONE);
        assert_false(current);
        assert_int_equal(opens(ring, fresh, &current), ERROR_NONE);
        assert_true(current);
        ring_reopen(ring);
    }
    for (int round = 0; round < 3; round++) {
        test_done_or_fail(keys_retire(ring->keys, KEY_IDENTITY, &err), &err); /* twice is done */
        assert_int_equal(keys_version(ring->keys, KEY_IDENTITY, &count), 2);
        assert_int_equal(count, 1);
        assert_int_equal(opens(ring, old, &current), ERROR_CORRUPT);
        assert_int_equal(opens(ring, fresh, &current), ERROR_NONE);
        assert_false(there(ring, "keys/class-identity"));
        assert_true(there(ring, "keys/class-identity.1.destroyed"));
        ring_reopen(ring);
    }
    assert_memory_equal(first_audit, keys_of(ring->keys, KEY_AUDIT), KEY_BYTES);
    /* numbers are never used again */
    test_done_or_fail(keys_renew(ring->keys, KEY_IDENTITY, &err), &err);
    assert_int_equal(keys_version(ring->keys, KEY_IDENTITY, &count), 3);
}

static void the_tenth_version_is_newer_than_the_ninth(void **state)
{
    struct ring *ring = *state;
    struct error err;
    int count;
    for (int version = 2; version <= 11; version++) {
        test_done_or_fail(keys_renew(ring->keys, KEY_SESSION, &err), &err);
        if (version != 11)
            test_done_or_fail(keys_retire(ring->keys, KEY_SESSION, &err), &err);
        unsigned char newest[KEY_BYTES];
        memcpy(newest, keys_of(ring->keys, KEY_SESSION), KEY_BYTES);
        ring_reopen(ring);
        assert_int_equal(keys_version(ring->keys, KEY_SESSION, &count), version);
        assert_memory_equal(newest, keys_of(ring->keys, KEY_SESSION), KEY_BYTES);
    }
    assert_int_equal(count, 2);
}

static void a_process_that_saw_too_many_versions_asks_for_a_restart(void **state)
{
    struct ring *ring = *state;
    struct error err;
    for (int i = 0; i < 7; i++)
        test_done_or_fail(keys_renew(ring->keys, KEY_SESSION, &err), &err);
    assert_false(keys_renew(ring->keys, KEY_SESSION, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    test_done_or_fail(keys_retire(ring->keys, KEY_SESSION, &err), &err);
    ring_reopen(ring);
    test_done_or_fail(keys_renew(ring->keys, KEY_SESSION, &err), &err);
}

static void a_destroyed_class_opens_nothing_and_encrypts_for_nobody(void **state)
{
    struct ring *ring = *state;
    struct error err;
    bool current;
    int count;
    struct slice old = field_encrypt(ring->keys, KEY_IDENTITY, 7, SLICE("张三"), &ring->arena);
    test_done_or_fail(keys_renew(ring->keys, KEY_IDENTITY, &err), &err);
    unsigned char before[KEY_BYTES], stand_in[KEY_BYTES];
    memcpy(before, keys_of(ring->keys, KEY_IDENTITY), KEY_BYTES);
    for (int round = 0; round < 3; round++) {
        test_done_or_fail(keys_class_destroy(ring->keys, KEY_IDENTITY, &err), &err);
        assert_int_equal(opens(ring, old, &current), ERROR_GONE);
        assert_int_equal(keys_version(ring->keys, KEY_IDENTITY, &count), 0);
        assert_int_equal(count, 0);
        assert_memory_not_equal(before, keys_of(ring->keys, KEY_IDENTITY), KEY_BYTES);
        memcpy(stand_in, keys_of(ring->keys, KEY_IDENTITY), KEY_BYTES);
        assert_false(there(ring, "keys/class-identity"));
        assert_false(there(ring, "keys/class-identity.2"));
        assert_true(there(ring, "keys/class-identity.destroyed"));
        ring_reopen(ring);
        assert_memory_not_equal(stand_in, keys_of(ring->keys, KEY_IDENTITY), KEY_BYTES);
    }
    assert_false(keys_renew(ring->keys, KEY_IDENTITY, &err));
    assert_int_equal(err.code, ERROR_GONE);
}

/* ---- The master key */

static void another_master_key_changes_every_file_and_no_key(void **state)
{
    struct ring *ring = *state;
    struct error err;
    unsigned char day[KEY_BYTES], again[KEY_BYTES], classes[KEY_CLASS_COUNT][KEY_BYTES];
    struct key_entry *before, *after;
    size_t before_count, after_count;
    struct buffer old_master, new_master;
    buffer_init(&old_master, 100);
    buffer_init(&new_master, 100);
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, true, day, &err), &err);
    test_done_or_fail(keys_day_destroy(ring->keys, DAY_NUMBER + 1, &err), &err);
    for (int i = 0; i < KEY_CLASS_COUNT; i++)
        memcpy(classes[i], keys_of(ring->keys, (enum key_class)i), KEY_BYTES);
    test_done_or_fail(keys_list(ring->keys, &before, &before_count, &err), &err);
    test_done_or_fail(file_read_whole(ring->directory.fd, "keys/master", &old_master, &err), &err);
    test_done_or_fail(keys_renew_master(ring->keys, NULL, &err), &err);
    test_done_or_fail(file_read_whole(ring->directory.fd, "keys/master", &new_master, &err), &err);
    assert_memory_not_equal(old_master.data, new_master.data, KEY_BYTES);
    assert_false(there(ring, "keys.new"));
    for (int round = 0; round < 2; round++) {
        test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, false, again, &err), &err);
        assert_memory_equal(day, again, KEY_BYTES);
        assert_false(keys_day(ring->keys, DAY_NUMBER + 1, true, again, &err));
        assert_int_equal(err.code, ERROR_GONE);
        for (int i = 0; i < KEY_CLASS_COUNT; i++)
            assert_memory_equal(classes[i], keys_of(ring->keys, (enum key_class)i), KEY_BYTES);
        ring_reopen(ring);
    }
    test_done_or_fail(keys_list(ring->keys, &after, &after_count, &err), &err);
    assert_int_equal(before_count, after_count);
    for (size_t i = 0; i < before_count; i++) {
        assert_string_equal(before[i].name, after[i].name);
        assert_int_equal(before[i].destroyed, after[i].destroyed);
        assert_memory_equal(before[i].fingerprint, after[i].fingerprint, KEY_FINGERPRINT_BYTES);
    }
    free(before);
    free(after);
    buffer_release(&old_master);
    buffer_release(&new_master);
}

#ifdef CHENGMAI_FAULTS
static void die_renewing(void *context)
{
    struct ring *ring = context;
    struct keys *keys;
    struct error err;
    if (!keys_open(ring->directory.fd, &keys, &err) || !keys_renew_master(keys, NULL, &err))
        _exit(9);
}

static void a_death_while_the_master_key_changes_leaves_one_whole_side(void **state)
{
    struct ring *ring = *state;
    struct error err;
    unsigned char day[KEY_BYTES], again[KEY_BYTES];
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, true, day, &err), &err);
    static const char *const points[] = {"before_keys_exchange:kill:1",
                                         "after_keys_exchange:kill:1"};
    for (size_t i = 0; i < ROWS(points); i++) {
        keys_free(ring->keys);
        setenv("CHENGMAI_FAULT", points[i], 1);
        int status = test_in_child(die_renewing, ring);
        unsetenv("CHENGMAI_FAULT");
        assert_true(WIFSIGNALED(status));
        assert_true(there(ring, "keys.new"));
        ring_open(ring);
        assert_false(there(ring, "keys.new")); /* the side that does not count is shredded */
        test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, false, again, &err), &err);
        assert_memory_equal(day, again, KEY_BYTES);
    }
}

static void under_any_fault_the_master_key_is_the_old_or_the_new_one(void **state)
{
    struct ring *ring = *state;
    struct error err;
    unsigned char day[KEY_BYTES], again[KEY_BYTES];
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, true, day, &err), &err);
    bool hit = true;
    long k = 0;
    for (; hit; k++) {
        fault_arm(k, FAULT_WRITE | FAULT_SYNC | FAULT_RENAME);
        bool done = keys_renew_master(ring->keys, NULL, &err);
        hit = fault_disarm();
        assert_true(done || hit);
        test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, false, again, &err), &err);
        assert_memory_equal(day, again, KEY_BYTES);
        ring_reopen(ring);
        test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, false, again, &err), &err);
        assert_memory_equal(day, again, KEY_BYTES);
    }
    assert_true(k > 30);
}
#endif

/* ---- Sources */

static void write_secret(struct ring *ring, const char *text, mode_t mode)
{
    char path[100];
    snprintf(path, sizeof path, "%s/passphrase", ring->directory.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    setenv("CHENGMAI_PASSPHRASE_FILE", path, 1);
}

static void expect_closed(struct ring *ring, enum error_code code)
{
    struct keys *keys;
    struct error err;
    assert_false(keys_open(ring->directory.fd, &keys, &err));
    assert_int_equal(err.code, code);
}

static void a_passphrase_seals_the_master_key_and_only_it_opens_it(void **state)
{
    struct ring *ring = *state;
    struct error err;
    unsigned char day[KEY_BYTES], again[KEY_BYTES];
    const char *source;
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, true, day, &err), &err);
    assert_false(keys_renew_master(ring->keys, "passphrase", &err)); /* none is given */
    assert_int_equal(err.code, ERROR_ENVIRONMENT);
    write_secret(ring, "too short\n", 0600);
    assert_false(keys_renew_master(ring->keys, "passphrase", &err));
    assert_int_equal(err.code, ERROR_BAD_VALUE);
    write_secret(ring, "correct horse battery staple\nrest\n", 0600);
    test_done_or_fail(keys_renew_master(ring->keys, "passphrase", &err), &err);
    assert_false(there(ring, "keys/master"));
    assert_true(there(ring, "keys/master.sealed"));
    ring_reopen(ring);
    test_done_or_fail(keys_check(ring->keys, &source, &err), &err);
    assert_string_equal(source, "passphrase");
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, false, again, &err), &err);
    assert_memory_equal(day, again, KEY_BYTES);
    write_secret(ring, "correct horse battery stable\n", 0600);
    expect_closed(ring, ERROR_REFUSED);
    write_secret(ring, "correct horse battery staple\n", 0644);
    expect_closed(ring, ERROR_ENVIRONMENT);
    unsetenv("CHENGMAI_PASSPHRASE_FILE");
    expect_closed(ring, ERROR_ENVIRONMENT);
    write_secret(ring, "correct horse battery staple", 0600); /* no end of line */
    ring_reopen(ring);
    test_done_or_fail(keys_renew_master(ring->keys, "file", &err), &err);
    assert_false(there(ring, "keys/master.sealed"));
    unsetenv("CHENGMAI_PASSPHRASE_FILE");
    ring_reopen(ring);
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, false, again, &err), &err);
    assert_memory_equal(day, again, KEY_BYTES);
}

static void a_damaged_seal_is_refused_wherever_it_is_damaged(void **state)
{
    struct ring *ring = *state;
    struct error err;
    write_secret(ring, "correct horse battery staple\n", 0600);
    test_done_or_fail(keys_renew_master(ring->keys, "passphrase", &err), &err);
    int fd = openat(ring->directory.fd, "keys/master.sealed", O_RDWR);
    for (off_t at = 0; at < 112; at += at < 24 ? 1 : 13) {
        unsigned char byte;
        struct keys *keys;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        unsigned char changed = byte ^ 0x40;
        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        assert_false(keys_open(ring->directory.fd, &keys, &err));
        assert_true(err.code == ERROR_CORRUPT || err.code == ERROR_REFUSED);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    ring_reopen(ring);
    unsetenv("CHENGMAI_PASSPHRASE_FILE");
}

static void a_token_says_that_it_is_not_built_in(void **state)
{
    struct ring *ring = *state;
    struct error err;
    assert_false(keys_renew_master(ring->keys, "pkcs11", &err));
    assert_int_equal(err.code, ERROR_ENVIRONMENT);
    assert_non_null(strstr(err.what, "PKCS#11"));
    assert_false(keys_renew_master(ring->keys, "paper", &err));
    assert_int_equal(err.code, ERROR_USAGE);
    ring_reopen(ring);
}

/* ---- The mirror */

static void the_mirror_follows_and_loses_what_is_destroyed(void **state)
{
    struct ring *ring = *state;
    struct error err;
    unsigned char key[KEY_BYTES], peeked[KEY_BYTES];
    char path[100];
    struct buffer kept;
    buffer_init(&kept, 200);
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER, true, key, &err), &err);
    assert_false(keys_mirror_set(ring->keys, "relative", &err));
    snprintf(path, sizeof path, "%s/second", ring->directory.path);
    test_done_or_fail(keys_mirror_set(ring->keys, path, &err), &err);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    test_done_or_fail(keys_peek(fd, "day-2022-04-14", peeked, &err), &err);
    assert_memory_equal(key, peeked, KEY_BYTES);
    assert_int_equal(faccessat(fd, "mirror", F_OK, 0), -1);
    /* another name for the same bytes on the disk, to see them overwritten */
    assert_int_equal(linkat(fd, "day-2022-04-14", ring->directory.fd, "linked", 0), 0);
    test_done_or_fail(keys_day_destroy(ring->keys, DAY_NUMBER, &err), &err);
    test_done_or_fail(keys_day(ring->keys, DAY_NUMBER + 1, true, key, &err), &err);
    test_done_or_fail(keys_mirror_sync(ring->keys, &err), &err);
    assert_false(keys_peek(fd, "day-2022-04-14", peeked, &err));
    assert_int_equal(err.code, ERROR_GONE);
    test_done_or_fail(keys_peek(fd, "day-2022-04-15", peeked, &err), &err);
    test_done_or_fail(file_read_whole(ring->directory.fd, "linked", &kept, &err), &err);
    for (size_t i = 0; i < kept.length; i++)
        assert_int_equal(kept.data[i], 0);
    test_done_or_fail(keys_renew_master(ring->keys, NULL, &err), &err);
    test_done_or_fail(keys_mirror_sync(ring->keys, &err), &err); /* all files are others */
    test_done_or_fail(keys_peek(fd, "day-2022-04-15", peeked, &err), &err);
    assert_memory_equal(key, peeked, KEY_BYTES);
    assert_false(keys_peek(fd, "../master", peeked, &err));
    assert_int_equal(err.code, ERROR_BAD_VALUE);
    assert_int_equal(renameat(ring->directory.fd, "second", ring->directory.fd, "away"), 0);
    assert_false(keys_mirror_sync(ring->keys, &err)); /* not reached: said, not passed over */
    test_done_or_fail(keys_mirror_set(ring->keys, "", &err), &err);
    test_done_or_fail(keys_mirror_sync(ring->keys, &err), &err);
    buffer_release(&kept);
    close(fd);
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, ring_make, ring_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RING_TEST(an_old_version_opens_until_it_is_retired_and_never_again),
        RING_TEST(the_tenth_version_is_newer_than_the_ninth),
        RING_TEST(a_process_that_saw_too_many_versions_asks_for_a_restart),
        RING_TEST(a_destroyed_class_opens_nothing_and_encrypts_for_nobody),
        RING_TEST(another_master_key_changes_every_file_and_no_key),
#ifdef CHENGMAI_FAULTS
        RING_TEST(a_death_while_the_master_key_changes_leaves_one_whole_side),
        RING_TEST(under_any_fault_the_master_key_is_the_old_or_the_new_one),
#endif
        RING_TEST(a_passphrase_seals_the_master_key_and_only_it_opens_it),
        RING_TEST(a_damaged_seal_is_refused_wherever_it_is_damaged),
        RING_TEST(a_token_says_that_it_is_not_built_in),
        RING_TEST(the_mirror_follows_and_loses_what_is_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
