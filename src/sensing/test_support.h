/* What the tests of the sensing room share: series from text, a method run on them, values of its
 * table. */
#ifndef CHENGMAI_SENSING_TEST_SUPPORT_H
#define CHENGMAI_SENSING_TEST_SUPPORT_H

#include <math.h>
#include <sys/mman.h>

#include "base/test_support.h"
#include "sensing/sensing.h"

struct test_run {
    struct arena arena;
    struct method_room room;
    struct parameters parameters;
    struct table table;
};

static inline int test_file_of(const char *text)
{
    struct error err;
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    test_done_or_fail(file_write_all(fd, text, strlen(text), "test", &err), &err);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static inline void test_run_release(struct test_run *run)
{
    parameters_release(&run->parameters);
    arena_release(&run->arena);
}

/* Runs "detect ears_c1" on a file; false with `err` where it is refused. Released by the caller. */
static inline bool test_try_fd(struct test_run *run, const char *command, const char *name, int fd,
                               const char *parameters, const char *table, struct error *err)
{
    const struct method *method = method_find(command, name);
    *run = (struct test_run){0};
    arena_init(&run->arena, METHOD_ARENA_BYTES_MAX);
    assert_non_null(method);
    struct method_call call = {
        .parameters = &run->parameters, .table_name = table, .arena = &run->arena};
    return method_read(method, fd, "test.csv", &run->arena, &run->room, &call, err) &&
           parameters_read(parameters, NULL, 0, &run->parameters, err) &&
           method->run(&call, &run->table, err);
}

static inline bool test_try(struct test_run *run, const char *command, const char *name,
                            const char *text, const char *parameters, struct error *err)
{
    return test_try_fd(run, command, name, text ? test_file_of(text) : -1, parameters, NULL, err);
}

static inline void test_run(struct test_run *run, const char *command, const char *name,
                            const char *text, const char *parameters)
{
    struct error err = {0};
    bool done = test_try(run, command, name, text, parameters, &err);
    test_done_or_fail(done, &err);
}

/* A column that must be there. */
static inline const double *test_column(const struct test_run *run, const char *name)
{
    const double *values = table_values(&run->table, name);
    if (!values)
        fail_msg("there is no column %s", name);
    return values;
}

/* "t,count" of numbers; NAN is NA. Freed by the caller. */
static inline char *test_series(const double *counts, size_t count)
{
    struct buffer text;
    buffer_init(&text, 64 << 20);
    buffer_append_text(&text, "t,count\n");
    for (size_t i = 0; i < count; i++)
        if (isnan(counts[i]))
            buffer_print(&text, "%zu,NA\n", i + 1);
        else
            buffer_print(&text, "%zu,%.0f\n", i + 1, counts[i]);
    return text.data;
}

/* Within 1e-6 relative or 1e-9 absolute, NA alike, infinities equal. */
static inline bool test_same(double got, double expected)
{
    if (isnan(got) || isnan(expected))
        return isnan(got) && isnan(expected);
    if (isinf(got) || isinf(expected))
        return isinf(got) && isinf(expected) && (got > 0) == (expected > 0);
    return fabs(got - expected) <= fmax(1e-9, 1e-6 * fmax(fabs(got), fabs(expected)));
}

static inline void test_near(double got, double expected, double tolerance, const char *what)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.12g, expected %.12g", what, got, expected);
}

#endif
