/* Goal: a backup gives the same city again, as far as its keys still live, and nothing else; damage
 * anywhere is found before a byte is written. */
#include <dirent.h>
#include <sys/stat.h>

#include "keeping/test_support.h"

struct copy {
    char set[100], target[100];
};

static void make_backup(struct loopback *loop, struct copy *copy)
{
    struct error err;
    struct buffer summary;
    snprintf(copy->set, sizeof copy->set, "%s.set", loop->directory);
    snprintf(copy->target, sizeof copy->target, "%s.new", loop->directory);
    buffer_init(&summary, 1 << 20);
    test_fail_on(backup_run(keeping_of(loop), AT_FDCWD, copy->set, &summary, &err), &err);
    buffer_release(&summary);
}
static void copy_remove(struct copy *copy)
{
    struct error err;
    test_fail_on(file_remove_tree(AT_FDCWD, copy->set, &err), &err);
    test_fail_on(file_remove_tree(AT_FDCWD, copy->target, &err), &err);
}
static bool restore(struct copy *copy, const char *keys, struct error *err)
{
    struct buffer summary;
    buffer_init(&summary, 1 << 20);
    bool done = restore_run(copy->target, AT_FDCWD, copy->set, keys, &summary, err);
    buffer_release(&summary);
    return done;
}
static void restore_refused(struct copy *copy, const char *keys, enum error_code code)
{
    struct error err;
    struct stat status;
    if (restore(copy, keys, &err))
        fail_msg("it was restored");
    if (err.code != code)
        test_fail_on(false, &err);
    assert_int_equal(stat(copy->target, &status), -1); /* nothing was written */
}

/* The restored city, opened; closed and removed by the caller. */
static struct loopback open_restored(struct copy *copy)
{
    struct loopback other = {0};
    assert_true(strlen(copy->target) < sizeof other.directory);
    snprintf(other.directory, sizeof other.directory, "%.60s", copy->target);
    loopback_open(&other);
    return other;
}

static int64_t evidence_of(struct loopback *loop)
{
    return loopback_number(loop, "SELECT count(*) FROM evidence");
}

static void a_restored_city_is_the_same_city(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct copy copy;
    make_backup(loop, &copy);
    loopback_change(loop, "DELETE FROM evidence"); /* what happens later is not in it */
    test_fail_on(restore(&copy, NULL, &err), &err);
    struct loopback other = open_restored(&copy);
    assert_true(evidence_of(&other) > 0 && evidence_of(loop) == 0);
    for (int day = 1; day <= 14; day++) {
        char date[20];
        snprintf(date, sizeof date, "2022-04-%02d", day);
        assert_int_equal(events_of_day(&other, date), events_of_day(loop, date));
    }
    all_is_well(&other);
    platform_close(other.platform);
    assert_false(restore(&copy, NULL, &err)); /* not into what is there */
    assert_int_equal(err.code, ERROR_REFUSED);
    copy_remove(&copy);
}

static void no_key_is_in_a_backup_and_nothing_reads_without(void **state)
{
    struct loopback *loop = *state;
    struct copy copy;
    char line[400], out[400];
    make_backup(loop, &copy);
    snprintf(line, sizeof line, "find %s -name 'keys' -o -name 'master*' -o -name '*.db'"
                                " -o -name 'class-*'", copy.set);
    assert_int_equal(shell(line, out, sizeof out), 0);
    assert_string_equal(out, "");
    /* a table's name stands in every plain database */
    snprintf(line, sizeof line, "grep -rlq case_record %s", copy.set);
    assert_int_equal(shell(line, out, sizeof out), 1);
    snprintf(line, sizeof line, "%s", loop->directory);
    platform_close(loop->platform);
    char away[100];
    snprintf(away, sizeof away, "%s/away", loop->directory);
    snprintf(line, sizeof line, "%s/keys", loop->directory);
    assert_int_equal(rename(line, away), 0);
    restore_refused(&copy, NULL, ERROR_REFUSED);
    struct error err;
    test_fail_on(restore(&copy, away, &err), &err); /* where they went */
    assert_int_equal(rename(away, line), 0);
    loopback_open(loop);
    copy_remove(&copy);
}

static void a_dropped_day_is_gone_from_yesterdays_backup(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct copy copy;
    int64_t rows, second = events_of_day(loop, "2022-04-02");
    make_backup(loop, &copy);
    days_pass(loop, 16);
    json_t *report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "presence", "done", &rows), 1);
    json_decref(report);
    test_fail_on(restore(&copy, NULL, &err), &err);
    struct loopback other = open_restored(&copy);
    assert_int_equal(events_of_day(&other, "2022-04-01"), 0);
    assert_int_equal(events_of_day(&other, "2022-04-02"), second);
    char line[200], out[200];
    snprintf(line, sizeof line, "ls %s/presence | grep -c 2022-04-01", copy.target);
    (void)shell(line, out, sizeof out);
    assert_string_equal(out, "0\n");
    all_is_well(&other);
    platform_close(other.platform);
    copy_remove(&copy);
}

static void a_backup_is_gone_with_its_own_key(void **state)
{
    struct loopback *loop = *state;
    struct copy copy;
    int64_t rows;
    make_backup(loop, &copy);
    days_pass(loop, 29);
    json_decref(run_retention(loop, false));
    struct error err;
    test_fail_on(restore(&copy, NULL, &err), &err);
    test_fail_on(file_remove_tree(AT_FDCWD, copy.target, &err), &err);
    days_pass(loop, 2);
    json_t *report = run_retention(loop, false);
    assert_int_equal(acts_of(report, "backups", "done", &rows), 1);
    json_decref(report);
    restore_refused(&copy, NULL, ERROR_GONE);
    copy_remove(&copy);
}

static void the_mirror_restores_after_the_disk_is_gone(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct copy copy;
    char mirror[100], keys[100], away[100];
    snprintf(mirror, sizeof mirror, "%s.mirror", loop->directory);
    snprintf(keys, sizeof keys, "%s/keys", loop->directory);
    snprintf(away, sizeof away, "%s/away", loop->directory);
    test_fail_on(keys_mirror_set(store_keys(loop->platform->store), mirror, &err), &err);
    make_backup(loop, &copy);
    days_pass(loop, 16);
    json_decref(run_retention(loop, false)); /* the mirror loses the day as well */
    platform_close(loop->platform);
    assert_int_equal(rename(keys, away), 0);
    test_fail_on(restore(&copy, NULL, &err), &err);
    struct loopback other = open_restored(&copy);
    assert_int_equal(events_of_day(&other, "2022-04-01"), 0);
    assert_true(events_of_day(&other, "2022-04-02") > 0);
    platform_close(other.platform);
    assert_int_equal(rename(away, keys), 0);
    loopback_open(loop);
    copy_remove(&copy);
    test_fail_on(file_remove_tree(AT_FDCWD, mirror, &err), &err);
}

/* ---- Damage */

static void flip(const char *set, const char *path, off_t at)
{
    char name[300];
    unsigned char byte;
    snprintf(name, sizeof name, "%s/%s", set, path);
    chmod(name, 0600);
    int fd = open(name, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void every_damaged_missing_or_added_file_is_refused(void **state)
{
    struct loopback *loop = *state;
    struct copy copy;
    char line[600], list[8000];
    make_backup(loop, &copy);
    /* links to the city's own segments: a copy is damaged, not the city */
    snprintf(line, sizeof line, "cp -r %s %s2 && rm -r %s && mv %s2 %s", copy.set, copy.set,
             copy.set, copy.set, copy.set);
    assert_int_equal(shell(line, list, sizeof list), 0);
    snprintf(line, sizeof line, "cd %s && find . -type f | sed 's|^./||' | sort", copy.set);
    assert_int_equal(shell(line, list, sizeof list), 0);
    int files = 0;
    for (char *rest = list, *path; (path = strsep(&rest, "\n")) && *path; files++) {
        flip(copy.set, path, 20);
        struct error err;
        if (restore(&copy, NULL, &err))
            fail_msg("%s was changed and restored", path);
        assert_true(err.code == ERROR_CORRUPT || err.code == ERROR_NOT_FOUND ||
                    err.code == ERROR_SYNTAX || err.code == ERROR_BAD_VALUE);
        struct stat status;
        assert_int_equal(stat(copy.target, &status), -1);
        flip(copy.set, path, 20);
        char name[300], away[310];
        snprintf(name, sizeof name, "%s/%s", copy.set, path);
        snprintf(away, sizeof away, "%s.away", name);
        assert_int_equal(rename(name, away), 0);
        assert_false(restore(&copy, NULL, &err));
        assert_int_equal(rename(away, name), 0);
    }
    assert_true(files >= 30);
    struct error err;
    test_fail_on(restore(&copy, NULL, &err), &err); /* whole again */
    copy_remove(&copy);
}

/* ---- The manifest's parser */

static void a_manifest_leads_nowhere_else(void **state)
{
    (void)state;
    static const char good[] =
        "{\"format\":\"chengmai backup 1\",\"id\":\"backup-20220414t143000-0123abcd\","
        "\"version\":\"1\",\"made_at\":\"2022-04-14T14:30:00+08:00\","
        "\"city_time\":\"2022-04-14T14:30:00+08:00\",\"keys\":\"/k\",\"mirror\":\"\",\"files\":["
        "{\"path\":\"city\",\"bytes\":1,\"sha256\":"
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"},"
        "{\"path\":\"city.db.sealed\",\"bytes\":1,\"sha256\":"
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]}";
    static const struct {
        const char *piece, *other;
    } rows[] = {{"\"city\"", "\"../city\""},
                {"\"city\"", "\"/etc/passwd\""},
                {"\"city\"", "\"policies/../../x\""},
                {"\"city\"", "\"policies//x\""},
                {"\"city\"", "\"policies/.x\""},
                {"\"city\"", "\"policies/\""},
                {"\"city\"", "\"policies/a b\""},
                {"\"city\"", "\"policies/\\u0000\""},
                {"\"city\"", "\"keys/master\""},
                {"\"city\"", "\"city.db\""},
                {"\"city\"", "\"lock\""},
                {"\"city\"", "\"city.db.sealed\""},
                {"\"city\"", "7"},
                {"\"bytes\":1", "\"bytes\":-1"},
                {"\"bytes\":1", "\"bytes\":1.5"},
                {"0123456789abcdef\"},", "0123456789abcde\"},"},
                {"0123456789abcdef\"},", "0123456789abcdeg\"},"},
                {"chengmai backup 1", "chengmai backup 2"},
                {"backup-20220414t143000-0123abcd", "backup-x"},
                {"backup-20220414t143000-0123abcd", "day-2022-04-14"},
                {"backup-20220414t143000-0123abcd", "backup-20221314t143000-0123abcd"},
                {"\"made_at\":\"2022-04-14T14:30:00+08:00\"", "\"made_at\":\"today\""},
                {"\"version\":\"1\"", "\"version\":\"1\",\"more\":1"},
                {"\"files\":[", "\"files\":[3,"}};
    struct error err;
    test_fail_on(keeping_check_manifest(slice_of(good), &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(good, rows[i].piece);
        assert_non_null(at);
        struct buffer text;
        buffer_init(&text, 1 << 16);
        buffer_append(&text, good, (size_t)(at - good));
        buffer_append_text(&text, rows[i].other);
        buffer_append_text(&text, at + strlen(rows[i].piece));
        if (keeping_check_manifest(buffer_slice(&text), &err))
            fail_msg("row %zu was taken: %s", i, rows[i].other);
        buffer_release(&text);
    }
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_restored_city_is_the_same_city),
        LOOPBACK_TEST(no_key_is_in_a_backup_and_nothing_reads_without),
        LOOPBACK_TEST(a_dropped_day_is_gone_from_yesterdays_backup),
        LOOPBACK_TEST(a_backup_is_gone_with_its_own_key),
        LOOPBACK_TEST(the_mirror_restores_after_the_disk_is_gone),
        LOOPBACK_TEST(every_damaged_missing_or_added_file_is_refused),
        cmocka_unit_test(a_manifest_leads_nowhere_else),
    };
    return LOOPBACK_RUN(tests);
}
