/* `init`: makes a data directory; with --demo a living city (sim room). */
#include <errno.h>

#include "cli/cli.h"
#include "loops/loops.h"
#include "registry/registry.h"
#include "sim/sim.h"

enum { DEMO_PEOPLE = 50000, DEMO_SEED = 20220414 };

static bool seed_areas(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return registry_seed_areas(sql, err);
}

static bool seed(const char *directory, struct error *err)
{
    struct world world;
    struct store *store;
    world_init(&world);
    if (!store_open_unfinished(directory, &world, &store, err))
        return false;
    bool done = store_write(store, seed_areas, NULL, err);
    store_close(store);
    return done;
}

/* The directory is marked unfinished until all of it is made, whatever ends this process. */
static bool make_city(struct command_context *context, bool demo, int64_t people,
                      struct error *err)
{
    struct store_creation creation = {
        .demo = demo, .seed = DEMO_SEED, .city_start = TIMESTAMP_NONE, .unfinished = true};
    struct platform *platform;
    if (demo)
        REQUIRE(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    const char *directory = context->platform->directory;
    if (!store_create(directory, &creation, err) || !seed(directory, err) ||
        !platform_open(directory, PLATFORM_MAKING, &platform, err))
        return false;
    struct sim_plan plan = {.people = people,
                            .seed = creation.seed,
                            .now = creation.city_start,
                            .program = program_invocation_name,
                            .out = context->out};
    int64_t scenes;
    bool done = (!demo || sim_city_build(platform, &plan, err)) &&
                loops_load_scenes(platform->loops, &scenes, err) &&
                store_finish(platform->store, err);
    platform_close(platform);
    return done;
}

static int run_init(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *text;
    int64_t people = DEMO_PEOPLE;
    bool demo = command_flag(&argc, argv, "--demo");
    if (!command_option(&argc, argv, "--people", &text, err))
        return command_fail(err);
    bool counted =
        !text || slice_to_int64(slice_of(text), SIM_PEOPLE_MIN, SIM_PEOPLE_MAX, &people);
    if (!counted || argc) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "init"},
                  "[--demo] [--people 100 to 16000000]", "wrong arguments");
        return command_fail(err);
    }
    return make_city(context, demo, people, err) ? EXIT_DONE : command_fail(err);
}

const struct command init_command = {.name = "init",
                                     .usage = "[--demo] [--people N]",
                                     .words = "makes the data directory; --demo a synthetic city",
                                     .needs_data = false,
                                     .run = run_init};
