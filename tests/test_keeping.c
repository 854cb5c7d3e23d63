/* Goal: keys and forgetting by the real binary: a backup while the city is served, yesterday's
 * backup after today's retention, a served rotation, kill -9 in the middle of each, and a city
 * after its end. */
#include "server_process.h"

/* The city's clock, `days` later: the directory is closed meanwhile. */
static void days_pass(struct served *served, int days)
{
    char path[300], text[200];
    int demo;
    unsigned long long seed;
    long long offset;
    snprintf(path, sizeof path, "%s/data/city", served->directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "demo %d\nseed %llu\noffset %lld\n", &demo, &seed, &offset), 3);
    fclose(file);
    offset += (long long)days * DAY;
    snprintf(text, sizeof text, "demo %d\nseed %llu\noffset %lld\n", demo, seed, offset);
    write_text(served->directory, "data/city", text);
}

/* A shell line in the city's directory, $B the program; its output. */
static int shell(struct served *served, const char *line, char *out, size_t size)
{
    char command[1500];
    snprintf(command, sizeof command, "cd %s && B=%s && { %s; } 2>words.shell", served->directory,
             binary(), line);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, size - 1, pipe);
    out[got] = '\0';
    while (fgetc(pipe) != EOF)
        ;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
static void expect_shell(struct served *served, const char *line, const char *expected)
{
    char out[4000];
    int code = shell(served, line, out, sizeof out);
    if (code || strcmp(out, expected) != 0)
        fail_msg("%s: exit %d, '%s' and not '%s'", line, code, out, expected);
}

/* Days with check-ins in an export of a directory, one a line. */
#define DAYS(data)                                                                                 \
    "$B --data " data " export checkins --from 2022-04-01T00:00:00+08:00"                         \
    " --to 2022-05-30T00:00:00+08:00 | sed 1d | cut -d, -f3 | cut -c1-10 | sort -u | "

static void yesterdays_backup_cannot_read_the_dropped_day(void **state)
{
    struct served *served = *state;
    char before[200], out[2000];
    serve(served);
    assert_int_equal(shell(served, "$B --data data backup set", out, sizeof out), 0);
    assert_non_null(strstr(out, "\"backup\":\"backup-20220414t"));
    stop(served, SIGTERM, NULL);
    expect_run(served, "backup set", 4, "not empty");
    expect_shell(served, DAYS("data") "wc -l", "14\n");
    assert_int_equal(shell(served, "$B --data data export persons | sha256sum", before,
                           sizeof before), 0);
    days_pass(served, 17); /* the first two days have passed theirs */
    serve(served);         /* the keeper runs by itself */
    double begun = seconds_now();
    do
        usleep(200000);
    while (shell(served, "$B --data data retention report", out, sizeof out) == 1 &&
           seconds_now() - begun < 60);
    assert_non_null(strstr(out, "\"by\":\"daily\""));
    assert_non_null(strstr(out, "\"key\":\"day-2022-04-02\",\"state\":\"done\""));
    stop(served, SIGTERM, NULL);
    assert_int_equal(shell(served, "$B --data old restore set", out, sizeof out), 0);
    expect_shell(served, DAYS("old") "head -1", "2022-04-03\n");
    expect_shell(served, DAYS("old") "wc -l", "12\n");
    expect_shell(served, "ls old/presence | grep -c 'day-2022-04-0[12]' || true", "0\n");
    expect_shell(served, "$B --data old export persons | sha256sum", before);
    assert_int_equal(shell(served, "$B --data old doctor --deep", out, sizeof out), 0);
    expect_run(served, "restore set", 4, "not empty"); /* never into a city that is there */
}

static void keys_are_rotated_while_the_city_is_served(void **state)
{
    struct served *served = *state;
    char before[200], out[4000];
    assert_int_equal(shell(served, "$B --data data export persons | sha256sum", before,
                           sizeof before), 0);
    quiet_desk(served); /* each of its loops would be a row more */
    serve(served);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shell(served, "$B --data data keys rotate identity", out, sizeof out), 0);
        assert_non_null(strstr(out, "\"rows\":600"));
        assert_int_equal(shell(served, "$B --data data keys rotate master", out, sizeof out), 0);
        expect_shell(served, "$B --data data export persons | sha256sum", before);
    }
    stop(served, SIGTERM, NULL);
    expect_shell(served, "$B --data data export persons | sha256sum", before);
    expect_run(served, "keys rotate audit", 4, "not rotated");
    expect_run(served, "keys rotate nothing", 2, "no such key");
    expect_run(served, "keys rotate session", 4, "--end-issued");
    write_text(served->directory, "secret", "a passphrase of some length\n");
    char line[300];
    snprintf(line, sizeof line, "chmod 600 secret; export CHENGMAI_PASSPHRASE_FILE=secret;"
                                " $B --data data keys rotate master --source passphrase");
    assert_int_equal(shell(served, line, out, sizeof out), 0);
    expect_run(served, "user list", 3, "sealed by a passphrase");
    snprintf(line, sizeof line, "CHENGMAI_PASSPHRASE_FILE=secret $B --data data doctor | grep -c"
                                " 'ok master key'");
    expect_shell(served, line, "1\n");
}

/* ---- kill -9 in the middle, by the clock: whatever is met, the city opens whole and goes on */

static void kill_in_the_middle_of_anything_leaves_a_whole_city(void **state)
{
    struct served *served = *state;
    char before[200], out[4000], line[300];
    struct random random;
    random_init(&random, 20220414, 7);
    assert_int_equal(shell(served, "$B --data data export persons | sha256sum", before,
                           sizeof before), 0);
    static const char *const acts[] = {"keys rotate identity", "keys rotate master",
                                       "backup killed", "retention run"};
    for (int round = 0; round < 16; round++) {
        int milliseconds = 40 + (int)(random_unit(&random) * 700);
        snprintf(line, sizeof line,
                 "$B --data data %s >/dev/null & p=$!; sleep 0.%03d; kill -9 $p; wait $p; true",
                 acts[round % 4], milliseconds);
        assert_int_equal(shell(served, line, out, sizeof out), 0);
        expect_shell(served, "$B --data data export persons | sha256sum", before);
        /* a set without its manifest is none */
        assert_int_equal(shell(served, "test -e killed/backup.json || ! $B --data never restore"
                                       " killed", out, sizeof out), 0);
        assert_int_equal(shell(served, "rm -rf killed never; $B --data data doctor --deep", out,
                               sizeof out), 0);
        if (round % 4 == 3)
            days_pass(served, 3);
    }
    serve(served); /* what was begun is finished by the keeper */
    double begun = seconds_now();
    do
        usleep(200000);
    while (shell(served, "ls data/keys | grep -c '^class-identity[.0-9]*$' | grep -qx 1", out,
                 sizeof out) && seconds_now() - begun < 30);
    expect_shell(served, "ls data/keys | grep -c '^class-identity[.0-9]*$'", "1\n");
    expect_shell(served, "ls -d data/keys.new 2>/dev/null | wc -l", "0\n");
}

/* ---- The end */

static void add_user(struct served *served, const char *name, const char *role)
{
    char line[200];
    snprintf(line, sizeof line, "user add %s --role %s --area 320400", name, role);
    struct ran ran = run_with(served, "a good password\n", line);
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
}
static int signs(struct served *served, const char *name, const char *password)
{
    char line[100];
    snprintf(line, sizeof line, "sunset sign %s", name);
    struct ran ran = run_with(served, password, line);
    int code = ran.code;
    ran_release(&ran);
    return code;
}

static int status_of(struct served *served, const char *token, const char *path, char *body,
                     size_t size)
{
    char text[700];
    int fd = dial(served);
    snprintf(text, sizeof text,
             "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Purpose: case:1\r\n\r\n",
             path, token);
    assert_true(say_text(fd, text));
    struct heard heard = hear(fd);
    close(fd);
    snprintf(body, size, "%s", heard.body.data ? heard.body.data : "");
    buffer_release(&heard.body);
    return heard.status;
}

static void after_its_end_a_city_answers_aggregates_and_refuses_persons(void **state)
{
    struct served *served = *state;
    char out[20000], token[100], path[600];
    add_user(served, "chief", "command");
    add_user(served, "notary", "auditor");
    serve(served); /* the end of a city that is served, by commands through its server */
    expect_run(served, "sunset execute", 1, "there is no plan");
    assert_int_equal(shell(served, "$B --data data sunset plan", out, sizeof out), 0);
    assert_int_equal(signs(served, "chief", "a bad password\n"), 4);
    assert_int_equal(signs(served, "chief", "a good password\n"), 0);
    expect_run(served, "sunset execute", 4, "1 valid signature");
    assert_int_equal(signs(served, "notary", "a good password\n"), 0);
    assert_int_equal(shell(served, "$B --data data sunset execute", out, sizeof out), 0);
    assert_non_null(strstr(out, "chengmai sunset 1"));
    expect_run(served, "export persons", 4, "personal data of this city were destroyed");
    expect_run(served, "trace --person 1 --from 2022-04-01T00:00:00+08:00"
                       " --to 2022-04-20T00:00:00+08:00", 4, "personal data of this city");
    expect_run(served, "backup late", 4, "personal data of this city were destroyed");
    write_text(served->directory, "p.csv", "person_id\np1\n");
    expect_run(served, "import persons p.csv", 4, "personal data of this city were destroyed");
    assert_int_equal(shell(served, "$B --data data user token chief", token, sizeof token), 0);
    token[strcspn(token, "\n")] = '\0';
    assert_int_equal(status_of(served, token, "/api/v1/situation", out, sizeof out), 200);
    assert_non_null(strstr(out, "\"counters\""));
    assert_int_equal(status_of(served, token, "/api/v1/persons/1/status", out, sizeof out) / 100,
                     4);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    snprintf(path, sizeof path, "sh %s/tools/verify-sunset data", CHENGMAI_SOURCE_ROOT);
    if (shell(served, path, out, sizeof out) != 0)
        fail_msg("%s", out);
    assert_int_equal(shell(served, "$B --data data doctor", out, sizeof out), 0);
    serve(served); /* and again after a restart */
    assert_int_equal(status_of(served, token, "/api/v1/situation", out, sizeof out), 200);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    if (shell(served, path, out, sizeof out) != 0)
        fail_msg("%s", out);
}

#ifdef CHENGMAI_FAULTS
static void an_end_that_was_killed_is_finished_by_the_next_server(void **state)
{
    struct served *served = *state;
    char out[20000], path[600];
    add_user(served, "chief", "command");
    add_user(served, "notary", "auditor");
    assert_int_equal(shell(served, "$B --data data sunset plan", out, sizeof out), 0);
    assert_int_equal(signs(served, "chief", "a good password\n"), 0);
    assert_int_equal(signs(served, "notary", "a good password\n"), 0);
    assert_true(shell(served, "CHENGMAI_FAULT=after_class_destroyed:kill:3 $B --data data sunset"
                              " execute", out, sizeof out) > 128);
    assert_int_equal(shell(served, "test -e data/sunset/certificate.json", out, sizeof out), 1);
    serve(served);
    double begun = seconds_now();
    do
        usleep(200000);
    while (shell(served, "test -e data/sunset/certificate.json", out, sizeof out) &&
           seconds_now() - begun < 60);
    usleep(500000);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    snprintf(path, sizeof path, "sh %s/tools/verify-sunset data", CHENGMAI_SOURCE_ROOT);
    if (shell(served, path, out, sizeof out) != 0)
        fail_msg("%s", out);
}
#endif

#define CITY_TEST(name) cmocka_unit_test_setup_teardown(name, city_copy, city_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CITY_TEST(yesterdays_backup_cannot_read_the_dropped_day),
        CITY_TEST(keys_are_rotated_while_the_city_is_served),
        CITY_TEST(kill_in_the_middle_of_anything_leaves_a_whole_city),
        CITY_TEST(after_its_end_a_city_answers_aggregates_and_refuses_persons),
#ifdef CHENGMAI_FAULTS
        CITY_TEST(an_end_that_was_killed_is_finished_by_the_next_server),
#endif
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
