/* A temporary demo city for the tests of this room: the rooms below it, opened from the ground up.
 */
#ifndef CHENGMAI_SIM_TEST_SUPPORT_H
#define CHENGMAI_SIM_TEST_SUPPORT_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/access.h"
#include "alerts/alerts.h"
#include "checkin/checkin.h"
#include "sim/outbreak.h"
#include "sim/sim.h"
#include "status/status.h"

struct demo {
    char directory[64];
    struct platform platform;
    struct world world;
    timestamp now; /* of its making */
};

static inline void done_or_fail(bool done, const struct error *err)
{
    char line[900];
    if (done)
        return;
    error_line(err, line, sizeof line);
    fail_msg("%s", line);
}

static inline bool demo_seed_areas(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return registry_seed_areas(sql, err);
}

/* The clock stands still at `now`. */
static inline void demo_open(struct demo *demo, timestamp now)
{
    struct error err;
    struct presence_options options = {.background = false};
    world_init(&demo->world);
    demo->world.fixed = now;
    demo->platform = (struct platform){
        .world = &demo->world, .directory = demo->directory, .demo = true};
    struct platform *p = &demo->platform;
    done_or_fail(store_open(demo->directory, p->world, &p->store, &err) &&
                     policy_open(store_directory_fd(p->store), &p->policy, &err) &&
                     registry_open(p, &p->registry, &err) && access_open(p, &p->access, &err) &&
                     presence_open(p->store, &options, &p->presence, &err) &&
                     status_open(p, &p->status, &err) && checkin_open(p, &p->checkin, &err) &&
                     alerts_open(p, &p->alerts, &err),
                 &err);
}

static inline void demo_close(struct demo *demo)
{
    struct platform *p = &demo->platform;
    alerts_close(p->alerts);
    checkin_close(p->checkin);
    presence_close(p->presence);
    status_close(p->status);
    access_close(p->access);
    registry_close(p->registry);
    policy_free(p->policy);
    store_close(p->store);
    *p = (struct platform){0};
}

/* A directory with areas and nobody in it. */
static inline void demo_create(struct demo *demo, uint64_t seed)
{
    struct error err;
    struct world world;
    struct store *store;
    struct store_creation creation = {.demo = true, .seed = seed};
    *demo = (struct demo){.directory = "/tmp/chengmai-demo-XXXXXX"};
    assert_non_null(mkdtemp(demo->directory));
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    demo->now = creation.city_start;
    done_or_fail(store_create(demo->directory, &creation, &err), &err);
    world_init(&world);
    done_or_fail(store_open(demo->directory, &world, &store, &err), &err);
    done_or_fail(store_write(store, demo_seed_areas, NULL, &err), &err);
    store_close(store);
    demo_open(demo, demo->now);
}

/* A whole city. Opened anew afterwards, as a server would find it. */
static inline void demo_build(struct demo *demo, int64_t people, uint64_t seed)
{
    struct error err;
    demo_create(demo, seed);
    FILE *quiet = fopen("/dev/null", "w");
    assert_non_null(quiet);
    struct sim_plan plan = {.people = people, .seed = seed, .now = demo->now,
                            .program = "chengmai", .out = quiet};
    done_or_fail(sim_city_build(&demo->platform, &plan, &err), &err);
    fclose(quiet);
    demo_close(demo);
    demo_open(demo, demo->now);
}

static inline void demo_remove(struct demo *demo)
{
    struct error err;
    if (demo->platform.store)
        demo_close(demo);
    done_or_fail(file_remove_tree(AT_FDCWD, demo->directory, &err), &err);
}

/* One export as text; the caller frees it. */
static inline char *demo_export(struct demo *demo, const struct export_kind *kind)
{
    struct error err;
    struct arena arena;
    char *text = NULL;
    size_t length = 0;
    int64_t rows = 0;
    FILE *out = open_memstream(&text, &length);
    arena_init(&arena, (size_t)1 << 30);
    struct export_request request = {.platform = &demo->platform,
                                     .source = SLICE("default"),
                                     .from = 0,
                                     .to = UINT32_MAX,
                                     .out = out,
                                     .rows = &rows,
                                     .arena = &arena};
    done_or_fail(kind->run(&request, &err), &err);
    fclose(out);
    arena_release(&arena);
    return text;
}

#endif
