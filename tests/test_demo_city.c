/* Goal: the demo city by the program itself: what `init` prints can be copied and run, an `init`
 * that was killed leaves nothing that looks whole, and a served city lives. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static char directory[64];

static int begin(void **state)
{
    (void)state;
    if (!getenv("CHENGMAI_BINARY"))
        return -1;
    snprintf(directory, sizeof directory, "/tmp/chengmai-init-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}
static int end(void **state)
{
    struct error err;
    (void)state;
    return file_remove_tree(AT_FDCWD, directory, &err) ? 0 : -1;
}

/* Runs a shell line; its output (both streams) into `out`; the exit code. */
static int shell(const char *line, char *out, size_t size)
{
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t got = fread(out, 1, size - 1, pipe);
    out[got] = '\0';
    while (fgetc(pipe) != EOF)
        ;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(const char *data, const char *rest, char *out, size_t size)
{
    char line[600];
    snprintf(line, sizeof line, "'%s' --data '%s/%s' %s 2>&1", getenv("CHENGMAI_BINARY"),
             directory, data, rest);
    return shell(line, out, size);
}

/* A child that runs the program on a directory; its standard output comes by *ret_fd. */
static pid_t start(const char *data, const char *const *words, int *ret_fd)
{
    char path[160];
    const char *argv[12] = {getenv("CHENGMAI_BINARY"), "--data", path};
    int ends[2], count = 3;
    snprintf(path, sizeof path, "%s/%s", directory, data);
    for (; *words; words++)
        argv[count++] = *words;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    *ret_fd = ends[0];
    return child;
}

/* ---- Killed while it makes */

static void an_init_that_was_killed_leaves_nothing_that_looks_whole(void **state)
{
    (void)state;
    static const char *const words[] = {"init", "--demo", "--people", "60000", NULL};
    static const int after_ms[] = {30, 150, 400, 900};
    char out[4096], data[32], path[160];
    size_t killed = 0;
    for (size_t i = 0; i < sizeof after_ms / sizeof *after_ms; i++) {
        int fd, status;
        struct stat seen;
        snprintf(data, sizeof data, "killed%zu", i);
        snprintf(path, sizeof path, "%s/%s/unfinished", directory, data);
        pid_t child = start(data, words, &fd);
        for (int wait = 0; stat(path, &seen) != 0 && wait < 2000; wait++)
            usleep(5000);
        usleep((useconds_t)after_ms[i] * 1000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        close(fd);
        if (!WIFSIGNALED(status))
            continue; /* it was done already */
        killed++;
        assert_int_equal(run(data, "doctor", out, sizeof out), EXIT_ENVIRONMENT);
        assert_non_null(strstr(out, "did not end"));
        assert_non_null(strstr(out, "remove this one"));
        assert_int_equal(run(data, "serve --listen 127.0.0.1:0", out, sizeof out),
                         EXIT_ENVIRONMENT);
        assert_int_equal(run(data, "init --demo --people 100", out, sizeof out), EXIT_REFUSED);
        assert_non_null(strstr(out, "remove this one"));
    }
    assert_true(killed >= 2);
}

static void an_init_without_a_city_is_finished_too(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(run("plain", "init", out, sizeof out), EXIT_DONE);
    assert_int_equal(run("plain", "doctor", out, sizeof out), EXIT_DONE);
    assert_int_equal(run("plain", "init", out, sizeof out), EXIT_REFUSED);
    assert_non_null(strstr(out, "not empty"));
}

/* ---- What it prints */

static void the_commands_that_init_prints_can_be_copied(void **state)
{
    (void)state;
    char line[400], out[1 << 16];
    char *lines[3] = {NULL, NULL, NULL};
    size_t count = 0;
    snprintf(line, sizeof line, "cd '%s' && '%s' --data 'a city' init --demo --people 1000",
             directory, getenv("CHENGMAI_BINARY"));
    assert_int_equal(shell(line, out, sizeof out), EXIT_DONE);
    assert_non_null(strstr(out, "The case to trace: p0"));
    for (char *at = strtok(out, "\n"); at; at = strtok(NULL, "\n"))
        if (strncmp(at, "  ", 2) == 0 && strstr(at, " --data ") && count < 3)
            lines[count++] = at + 2;
    assert_int_equal(count, 3);
    char command[700], answer[1 << 16];
    snprintf(command, sizeof command, "cd '%s' && %s >traced && tail -1 traced", directory,
             lines[0]);
    assert_int_equal(shell(command, answer, sizeof answer), EXIT_DONE);
    assert_non_null(strstr(answer, "\"summary\""));
    assert_null(strstr(answer, "\"exposed\":0,"));
    snprintf(command, sizeof command, "cd '%s' && %s", directory, lines[2]);
    assert_int_equal(shell(command, answer, sizeof answer), EXIT_DONE);
    assert_non_null(strstr(lines[1], " serve"));
}

static void the_same_init_gives_the_same_exports(void **state)
{
    (void)state;
    static const char *const kinds[] = {"areas",    "persons", "households", "units",    "venues",
                                        "vehicles", "staff",   "checkins",   "evidence", "cases"};
    char out[4096], line[900];
    assert_int_equal(run("one", "init --demo --people 700", out, sizeof out), EXIT_DONE);
    assert_int_equal(run("two", "init --demo --people 700", out, sizeof out), EXIT_DONE);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *range = strcmp(kinds[i], "checkins") == 0
                                ? "--from 2022-03-01T00:00:00+08:00 --to 2022-05-01T00:00:00+08:00"
                                : "";
        for (int k = 0; k < 2; k++) {
            snprintf(line, sizeof line, "export %s %s >'%s/%s-%s.csv'", kinds[i], range,
                     directory, kinds[i], k ? "two" : "one");
            assert_int_equal(run(k ? "two" : "one", line, out, sizeof out), EXIT_DONE);
        }
        snprintf(line, sizeof line, "cmp '%s/%s-one.csv' '%s/%s-two.csv' && wc -l <'%s/%s-one.csv'",
                 directory, kinds[i], directory, kinds[i], directory, kinds[i]);
        assert_int_equal(shell(line, out, sizeof out), EXIT_DONE);
        assert_true(atoi(out) > 1);
    }
}

/* ---- Living */

static int64_t live_scans(const char *data)
{
    char out[256], line[400];
    snprintf(line, sizeof line,
             "'%s' --data '%s/%s' export checkins --from 2022-04-14T14:30:00+08:00"
             " --to 2022-04-15T00:00:00+08:00 | wc -l",
             getenv("CHENGMAI_BINARY"), directory, data);
    assert_int_equal(shell(line, out, sizeof out), EXIT_DONE);
    return atoll(out) - 1; /* the header */
}

static void stop(pid_t child)
{
    int status;
    kill(child, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_DONE);
}

static void a_served_city_lives_unless_it_is_told_to_stand_still(void **state)
{
    (void)state;
    static const char *const still[] = {"serve", "--listen", "127.0.0.1:0", "--still", NULL};
    static const char *const living[] = {"serve", "--listen", "127.0.0.1:0", NULL};
    char out[4096];
    int fd;
    assert_int_equal(run("alive", "init --demo --people 20000", out, sizeof out), EXIT_DONE);
    assert_int_equal(live_scans("alive"), 0);
    pid_t child = start("alive", still, &fd);
    assert_true(read(fd, out, 10) == 10 && memcmp(out, "listening ", 10) == 0);
    sleep(4);
    assert_int_equal(live_scans("alive"), 0);
    stop(child);
    close(fd);
    child = start("alive", living, &fd);
    assert_true(read(fd, out, 10) == 10 && memcmp(out, "listening ", 10) == 0);
    int64_t scans = 0;
    for (int wait = 0; scans < 3 && wait < 120; wait++) {
        sleep(1);
        scans = live_scans("alive");
    }
    assert_true(scans >= 3);
    stop(child);
    close(fd);
    assert_true(live_scans("alive") >= scans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_init_that_was_killed_leaves_nothing_that_looks_whole),
        cmocka_unit_test(an_init_without_a_city_is_finished_too),
        cmocka_unit_test(the_commands_that_init_prints_can_be_copied),
        cmocka_unit_test(the_same_init_gives_the_same_exports),
        cmocka_unit_test(a_served_city_lives_unless_it_is_told_to_stand_still),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
