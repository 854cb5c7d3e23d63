/* What the tests of this room share: a store with users, without the rooms above. */
#ifndef CHENGMAI_ACCESS_TEST_SUPPORT_H
#define CHENGMAI_ACCESS_TEST_SUPPORT_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/access.h"

struct fixture {
    char directory[64];
    struct world world;
    struct platform platform;
};

static inline void fail_on(bool done, const struct error *err)
{
    if (!done) {
        char line[900];
        error_line(err, line, sizeof line);
        fail_msg("%s", line);
    }
}

static inline void open_city(struct fixture *f)
{
    struct error err;
    world_init(&f->world);
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &f->world.fixed));
    f->platform = (struct platform){.world = &f->world, .directory = f->directory, .demo = true};
    fail_on(store_open(f->directory, &f->world, &f->platform.store, &err), &err);
    fail_on(policy_open(store_directory_fd(f->platform.store), &f->platform.policy, &err), &err);
    fail_on(access_open(&f->platform, &f->platform.access, &err), &err);
}

static inline void close_city(struct fixture *f)
{
    access_close(f->platform.access);
    policy_free(f->platform.policy);
    store_close(f->platform.store);
}

static inline int create(void **state)
{
    struct error err;
    struct fixture *f = x_alloc(1, sizeof *f);
    snprintf(f->directory, sizeof f->directory, "/tmp/chengmai-access-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    struct store_creation creation = {.demo = true, .seed = 1};
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    fail_on(store_create(f->directory, &creation, &err), &err);
    open_city(f);
    *state = f;
    return 0;
}

static inline int destroy(void **state)
{
    struct error err;
    struct fixture *f = *state;
    close_city(f);
    fail_on(file_remove_tree(AT_FDCWD, f->directory, &err), &err);
    free(f);
    return 0;
}

#endif
