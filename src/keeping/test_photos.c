/* Goal: photos go through a rotation, a backup and its restore as they are, and none outlives the
 * city. */
#include "keeping/test_support.h"
#include "photos/photos.h"

enum { PHOTOS = 12 };

/* Half of them as if loops named them. */
static void send_photos(struct loopback *loop, char digests[PHOTOS][65])
{
    for (int i = 0; i < PHOTOS; i++)
        assert_int_equal(send_picture(loop, "command", (unsigned char)i, digests[i]), 201);
    loopback_change(loop, "UPDATE photo SET unnamed_at = NULL WHERE photo_no < 7");
}

static void expect_photo(struct loopback *loop, const char *digest, unsigned char value)
{
    unsigned char bytes[PHOTO_DIGEST_BYTES];
    char expected[PICTURE_BYTES];
    enum photo_form form;
    struct buffer out;
    struct error err;
    assert_true(photo_digest_parse(slice_of(digest), bytes));
    buffer_init(&out, PHOTO_BYTES_MAX);
    test_fail_on(photos_read(loop->platform->photos, bytes, &out, &form, &err), &err);
    picture(value, expected);
    assert_int_equal(out.length, PICTURE_BYTES);
    assert_memory_equal(out.data, expected, PICTURE_BYTES);
    assert_int_equal(form, PHOTO_PNG);
    buffer_release(&out);
}

static void expect_all(struct loopback *loop, char digests[PHOTOS][65])
{
    struct photos_verification found;
    struct error err;
    for (int i = 0; i < PHOTOS; i++)
        expect_photo(loop, digests[i], (unsigned char)i);
    test_fail_on(photos_verify(loop->platform->photos, 0, &found, &err), &err);
    if (found.wrong || found.looked != PHOTOS)
        fail_msg("%lld looked at: %s", (long long)found.looked, found.words);
}

static void a_rotation_renews_keys_and_touches_no_file(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    char digests[PHOTOS][65], line[300], before[200], after[200];
    int64_t rows;
    send_photos(loop, digests);
    snprintf(line, sizeof line, "cd %s && find photos -type f | sort | xargs sha256sum | sha256sum",
             loop->directory);
    assert_int_equal(shell(line, before, sizeof before), 0);
    loopback_change(loop, "CREATE TABLE old AS SELECT photo_no, secret FROM photo");
    test_fail_on(rotation_run(keeping_of(loop), KEY_IDENTITY, false, &rows, &err), &err);
    assert_int_equal(rows, LOOPBACK_PEOPLE + PHOTOS);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM photo p JOIN old o ON o.photo_no ="
                                           " p.photo_no AND o.secret = p.secret"),
                     0);
    assert_int_equal(shell(line, after, sizeof after), 0);
    assert_string_equal(before, after);
    expect_all(loop, digests);
    reopen(loop);
    expect_all(loop, digests);
    /* the old key is gone: a copy of the row opens nothing any more */
    loopback_change(loop, "UPDATE photo SET secret = (SELECT secret FROM old WHERE old.photo_no ="
                          " photo.photo_no)");
    struct photos_verification found;
    test_fail_on(photos_verify(loop->platform->photos, 0, &found, &err), &err);
    assert_int_equal(found.wrong, PHOTOS);
    loopback_change(loop, "DROP TABLE old");
}

static void a_backup_carries_them_and_what_went_since_is_in_it(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct buffer out;
    char digests[PHOTOS][65], set[100], target[100], line[400], text[200];
    int64_t count;
    send_photos(loop, digests);
    snprintf(set, sizeof set, "%s.set", loop->directory);
    snprintf(target, sizeof target, "%s.new", loop->directory);
    buffer_init(&out, 1 << 20);
    test_fail_on(backup_run(keeping_of(loop), AT_FDCWD, set, &out, &err), &err);
    days_pass(loop, 2);
    test_fail_on(photos_forget(loop->platform->photos, &count, &err), &err);
    assert_int_equal(count, 6);
    test_fail_on(restore_run(target, AT_FDCWD, set, NULL, &out, &err), &err);
    struct loopback other = {0};
    snprintf(other.directory, sizeof other.directory, "%.60s", target);
    loopback_open(&other);
    expect_all(&other, digests);
    platform_close(other.platform);
    test_fail_on(file_remove_tree(AT_FDCWD, target, &err), &err);
    /* one of its photos is not what was written: nothing is restored (links: not the city's) */
    snprintf(line, sizeof line,
             "cd %s && set -- $(find photos -type f | sort) && cp $1 x &&"
             " mv x $1 && printf x >>$1",
             set);
    assert_int_equal(shell(line, text, sizeof text), 0);
    assert_false(restore_run(target, AT_FDCWD, set, NULL, &out, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_non_null(strstr(err.source, "photos/"));
    test_fail_on(file_remove_tree(AT_FDCWD, set, &err), &err);
    buffer_release(&out);
}

static void sign_as(struct loopback *loop, int64_t user_no, const char *role, struct buffer *out)
{
    struct actor actor = {.kind = ACTOR_USER, .user_no = user_no};
    struct error err;
    snprintf(actor.name, sizeof actor.name, "%s-%lld", role, (long long)user_no);
    snprintf(actor.role, sizeof actor.role, "%s", role);
    test_fail_on(sunset_sign(keeping_of(loop), &actor, -1, out, &err), &err);
}

static void none_outlives_the_city(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct buffer out;
    char digests[PHOTOS][65], digest[65], line[400], text[8000];
    send_photos(loop, digests);
    buffer_init(&out, SUNSET_BYTES_MAX);
    test_fail_on(sunset_plan(keeping_of(loop), "test", &out, &err), &err);
    sign_as(loop, 1, "command", &out);
    sign_as(loop, 2, "auditor", &out);
    test_fail_on(sunset_execute(keeping_of(loop), &out, &err), &err);
    buffer_release(&out);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM photo"), 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM photo_sender"), 0);
    snprintf(line, sizeof line, "test -e %s/photos", loop->directory);
    assert_int_equal(shell(line, text, sizeof text), 1);
    snprintf(line, sizeof line, "sh %s/tools/verify-sunset %s 2>&1", CHENGMAI_SOURCE_ROOT,
             loop->directory);
    if (shell(line, text, sizeof text) != 0)
        fail_msg("%s", text);
    snprintf(line, sizeof line,
             "grep -q '\"table\":\"photo\",\"rows\":12,\"left\":0'"
             " %s/sunset/certificate.json",
             loop->directory);
    assert_int_equal(shell(line, text, sizeof text), 0);
    assert_int_equal(send_picture(loop, "command", 1, digest), 410);
    snprintf(line, sizeof line, "test -e %s/photos", loop->directory);
    assert_int_equal(shell(line, text, sizeof text), 1);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_rotation_renews_keys_and_touches_no_file),
        LOOPBACK_TEST(a_backup_carries_them_and_what_went_since_is_in_it),
        LOOPBACK_TEST(none_outlives_the_city),
    };
    return LOOPBACK_RUN(tests);
}
