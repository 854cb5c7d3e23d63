/* A temporary data directory for tests of rooms that need a store. */
#ifndef CHENGMAI_PRESENCE_TEST_SUPPORT_H
#define CHENGMAI_PRESENCE_TEST_SUPPORT_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "presence/presence.h"

struct test_city {
    char directory[64];
    struct world world;
    struct store *store;
    struct presence *presence;
};

static inline void test_fail_on(bool done, const struct error *err)
{
    if (!done) {
        char line[900];
        error_line(err, line, sizeof line);
        fail_msg("%s", line);
    }
}

static inline void test_city_open(struct test_city *city)
{
    struct error err;
    test_fail_on(store_open(city->directory, &city->world, &city->store, &err), &err);
    struct presence_options options = {.background = false};
    test_fail_on(presence_open(city->store, &options, &city->presence, &err), &err);
}

static inline void test_city_close(struct test_city *city)
{
    presence_close(city->presence);
    store_close(city->store);
    city->presence = NULL;
    city->store = NULL;
}

/* A demo city that stands still at 2022-04-14T14:30+08:00. */
static inline void test_city_create(struct test_city *city)
{
    struct error err;
    *city = (struct test_city){.directory = "/tmp/chengmai-test-XXXXXX"};
    if (access("/dev/shm", W_OK) == 0) /* in memory: thousands of openings in a test */
        snprintf(city->directory, sizeof city->directory, "/dev/shm/chengmai-test-XXXXXX");
    assert_non_null(mkdtemp(city->directory));
    world_init(&city->world);
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &city->world.fixed));
    struct store_creation creation = {
        .demo = true, .seed = 1, .city_start = city->world.fixed};
    test_fail_on(store_create(city->directory, &creation, &err), &err);
    test_city_open(city);
}

static inline void test_city_remove(struct test_city *city)
{
    struct error err;
    if (city->store)
        test_city_close(city);
    test_fail_on(file_remove_tree(AT_FDCWD, city->directory, &err), &err);
}

static inline void test_presence_open(struct test_city *city, bool background)
{
    struct error err;
    struct presence_options options = {.background = background};
    test_fail_on(presence_open(city->store, &options, &city->presence, &err), &err);
}

/* Closes and opens the day store alone: the store stays open. */
static inline void test_presence_reopen(struct test_city *city)
{
    presence_close(city->presence);
    test_presence_open(city, false);
}

/* An empty day store in the same city: as after creation, days' keys and tombstones gone too. */
static inline void test_presence_reset(struct test_city *city, bool background)
{
    struct error err;
    char path[96];
    presence_close(city->presence);
    test_fail_on(file_remove_tree(store_directory_fd(city->store), "presence", &err), &err);
    assert_int_equal(mkdirat(store_directory_fd(city->store), "presence", 0700), 0);
    snprintf(path, sizeof path, "%s/keys", city->directory);
    DIR *keys = opendir(path);
    assert_non_null(keys);
    struct dirent *entry;
    while ((entry = readdir(keys)))
        if (strncmp(entry->d_name, "day-", 4) == 0)
            assert_int_equal(unlinkat(dirfd(keys), entry->d_name, 0), 0);
    closedir(keys);
    test_presence_open(city, background);
}

/* presence_append that waits. */
struct test_wait {
    struct presence_append append;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool done;
    struct error failure;
};
static inline void test_done(struct presence_append *append, const struct error *failure)
{
    struct test_wait *wait = (struct test_wait *)append;
    pthread_mutex_lock(&wait->lock);
    wait->done = true;
    wait->failure = failure ? *failure : (struct error){0};
    pthread_cond_signal(&wait->finished);
    pthread_mutex_unlock(&wait->lock);
}
/* ERROR_NONE where it was acknowledged. */
static inline enum error_code test_append(struct presence *presence, struct test_wait *wait)
{
    struct error err;
    pthread_mutex_init(&wait->lock, NULL);
    pthread_cond_init(&wait->finished, NULL);
    wait->done = false;
    wait->append.done = test_done;
    if (!presence_append(presence, &wait->append, &err))
        return err.code;
    pthread_mutex_lock(&wait->lock);
    while (!wait->done)
        pthread_cond_wait(&wait->finished, &wait->lock);
    pthread_mutex_unlock(&wait->lock);
    pthread_mutex_destroy(&wait->lock);
    pthread_cond_destroy(&wait->finished);
    return wait->failure.code;
}

#endif
