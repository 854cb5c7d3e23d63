/* What the tests of the ground floors share. */
#ifndef CHENGMAI_BASE_TEST_SUPPORT_H
#define CHENGMAI_BASE_TEST_SUPPORT_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

/* Fails the test with the error's own words. */
static inline void test_done_or_fail(bool done, const struct error *err)
{
    if (!done) {
        char line[900];
        error_line(err, line, sizeof line);
        fail_msg("%s", line);
    }
}

static inline void test_slice_is(struct slice got, const char *expected)
{
    if (!slice_equal(got, slice_of(expected)))
        fail_msg("got '%.*s', expected '%s'", SLICE_ARG(got), expected);
}

/* A directory of this test alone. */
struct test_directory {
    char path[64];
    int fd;
};
static inline void test_directory_make(struct test_directory *directory)
{
    *directory = (struct test_directory){.path = "/tmp/chengmai-test-XXXXXX"};
    assert_non_null(mkdtemp(directory->path));
    directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(directory->fd >= 0);
}
static inline void test_directory_remove(struct test_directory *directory)
{
    struct error err;
    close(directory->fd);
    test_done_or_fail(file_remove_tree(AT_FDCWD, directory->path, &err), &err);
}

/* Runs `body(context)` in a child process without standard error; returns its wait status. What
 * must end the process (a REQUIRE, a kill) is proved so. */
static inline int test_in_child(void (*body)(void *context), void *context)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        body(context);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}
static inline void test_aborts(void (*body)(void *context), void *context)
{
    int status = test_in_child(body, context);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

#endif
