/* A directory of its own to run `chengmai` in: files are put there, lines are run, and their exit
 * code and words are looked at. */
#ifndef CHENGMAI_TESTS_COMMAND_PLACE_H
#define CHENGMAI_TESTS_COMMAND_PLACE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/test_support.h"

struct place {
    struct test_directory directory;
    char output[1 << 18];
};

static inline void put(const struct place *place, const char *name, const char *text)
{
    struct error err;
    int fd = openat(place->directory.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    test_done_or_fail(file_write_all(fd, text, strlen(text), name, &err), &err);
    close(fd);
}

/* Runs `chengmai LINE` in the place; its standard output and errors into place->output. */
static inline int run(struct place *place, const char *line)
{
    char command[2048];
    snprintf(command, sizeof command, "cd %s && %s %s 2>&1", place->directory.path,
             getenv("CHENGMAI_BINARY"), line);
    FILE *stream = popen(command, "r");
    assert_non_null(stream);
    size_t length = fread(place->output, 1, sizeof place->output - 1, stream);
    place->output[length] = '\0';
    int status = pclose(stream);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline void expect(struct place *place, const char *line, int code, const char *words)
{
    int got = run(place, line);
    if (got != code || !strstr(place->output, words))
        fail_msg("%s: exit %d, expected %d with '%s':\n%.2000s", line, got, code, words,
                 place->output);
}

static inline struct place *place_make(void)
{
    struct place *place = x_alloc(1, sizeof *place);
    test_directory_make(&place->directory);
    return place;
}

static inline int remove_place(void **state)
{
    struct place *place = *state;
    test_directory_remove(&place->directory);
    free(place);
    return 0;
}

#endif
