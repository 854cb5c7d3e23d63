/* `init`: makes a data directory; with --demo a living city (sim room). */
#include "cli/cli.h"
#include "registry/registry.h"
#include "sim/sim.h"

enum { DEMO_PEOPLE = 50000, PEOPLE_MAX = 16000000 };

static bool seed_areas(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return registry_seed_areas(sql, err);
}

static bool make_city(struct command_context *context, bool demo, int64_t people,
                      struct error *err)
{
    struct store_creation creation = {.demo = demo, .seed = 20220414,
                                      .city_start = TIMESTAMP_NONE};
    struct platform *platform;
    if (demo)
        REQUIRE(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    const char *directory = context->platform->directory;
    if (!store_create(directory, &creation, err))
        return false;
    struct world world;
    struct store *store;
    world_init(&world);
    if (!store_open(directory, &world, &store, err))
        return false;
    bool done = store_write(store, seed_areas, NULL, err);
    store_close(store);
    if (!done || !demo)
        return done;
    if (!platform_open(directory, false, &platform, err))
        return false;
    done = sim_city_build(platform, people, creation.seed, context->out, err);
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
    if ((text && !slice_to_int64(slice_of(text), 100, PEOPLE_MAX, &people)) || argc) {
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
