/* bench loops: what the engine does in a second, durably.
 *
 * loops.http    steps through HTTP, one a request, 64 connections on the server's own cores; the
 *               load is wrk's, so that it is a script: bench/peers/steps.sh
 * The others are in process:
 * loops.bulk    steps through loops_advance_many, 5 000 a call, one caller
 * loops.single  steps through loops_advance, one a call, 64 callers at once
 * loops.clock   overdue deadlines with their first escalation, all due at one instant
 * There is no peer: what must hold stands in its place (50 000, 5 000 and 1 000 000 in 60 s). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "access/access.h"
#include "bench/benches.h"
#include "cli/cli.h"
#include "loops/loops.h"
#include "registry/registry.h"

enum { CALLERS = 64, BULK = 5000 };
static const double bulk_least = 50000, single_least = 5000, clock_least = 1e6 / 60;

struct stage_city {
    struct platform *platform;
    struct actor cdc;
    int64_t loops;
    json_t *placing, *contact;
};

static bool issue(struct sql *sql, void *context, struct error *err)
{
    void **both = context;
    struct stage_city *city = both[0];
    return access_token_issue(sql, city->platform->access, SLICE("cdc_duty"), 30, both[1], err);
}

static bool take_actor(struct stage_city *city, struct error *err)
{
    char token[7 + ACCESS_TOKEN_BYTES] = "Bearer ";
    void *both[] = {city, token + 7};
    struct slice none = {NULL, 0};
    return store_write(city->platform->store, issue, both, err) &&
           access_actor(city->platform->access, slice_of(token), none, none, &city->cdc, err);
}

static struct loop_step step_of(const struct stage_city *city, int64_t no)
{
    return (struct loop_step){.loop_no = no, .to = SLICE("placing"), .fields = city->placing};
}

static bool bulk(struct stage_city *city, int64_t first, int64_t last, double *ret_rate,
                 struct error *err)
{
    struct arena arena;
    double begun = world_elapsed_seconds();
    bool done = true;
    arena_init(&arena, (size_t)1 << 30);
    for (int64_t i = first; done && i <= last; i += BULK) {
        size_t count = (size_t)(last - i + 1 < BULK ? last - i + 1 : BULK);
        struct loop_step *steps = arena_alloc(&arena, count * sizeof *steps);
        struct loop_outcome *outcomes = arena_alloc(&arena, count * sizeof *outcomes);
        struct error *refusals = arena_alloc(&arena, count * sizeof *refusals);
        for (size_t k = 0; k < count; k++)
            steps[k] = step_of(city, i + (int64_t)k);
        done = loops_advance_many(city->platform->loops, &city->cdc, steps, count, &arena, outcomes,
                                  refusals, err);
        for (size_t k = 0; done && k < count; k++)
            if (refusals[k].code != ERROR_NONE) {
                *err = refusals[k];
                done = false;
            }
        arena_clear(&arena);
    }
    arena_release(&arena);
    *ret_rate = (double)(last - first + 1) / (world_elapsed_seconds() - begun);
    return done;
}

/* One call of many that are made at once. */
struct calling {
    struct stage_city *city;
    bool (*act)(struct stage_city *city, int64_t no, struct arena *arena, struct error *err);
    atomic_llong next;
    int64_t last;
    atomic_bool failed;
    struct error err; /* of the first that failed */
};

static bool act_open(struct stage_city *city, int64_t no, struct arena *arena, struct error *err)
{
    struct loop_opening opening = {
        .scene = SLICE("contact_management"), .fields = city->contact, .subject = json_integer(no)};
    struct loop_outcome outcome;
    (void)arena;
    bool done = loops_open_by_hand(city->platform->loops, &city->cdc, &opening, &outcome, err);
    json_decref(opening.subject);
    return done;
}

static bool act_step(struct stage_city *city, int64_t no, struct arena *arena, struct error *err)
{
    struct loop_step step = step_of(city, no);
    struct loop_outcome outcome;
    return loops_advance(city->platform->loops, &city->cdc, &step, arena, &outcome, err);
}

static void *call(void *context)
{
    struct calling *calling = context;
    struct arena arena;
    arena_init(&arena, 16 << 20);
    for (;;) {
        struct error err;
        int64_t no = atomic_fetch_add(&calling->next, 1);
        if (no > calling->last || atomic_load(&calling->failed))
            break;
        if (!calling->act(calling->city, no, &arena, &err) &&
            !atomic_exchange(&calling->failed, true))
            calling->err = err;
        arena_clear(&arena);
    }
    arena_release(&arena);
    return NULL;
}

static bool all_at_once(struct calling *calling, double *ret_rate, struct error *err)
{
    pthread_t threads[CALLERS];
    int64_t count = calling->last - atomic_load(&calling->next) + 1;
    double begun = world_elapsed_seconds();
    for (int i = 0; i < CALLERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, call, calling) == 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    *ret_rate = (double)count / (world_elapsed_seconds() - begun);
    if (atomic_load(&calling->failed))
        *err = calling->err;
    return !atomic_load(&calling->failed);
}

static bool measure_http(struct workshop *workshop, struct error *err)
{
    struct peer peer = {0};
    char path[PEER_PATH_BYTES], own[PEER_PATH_BYTES], answer[PEER_ANSWER_BYTES];
    struct measure *steps = figures_add(&workshop->figures, "loops.http", "1/s", false);
    steps->peer_is_limit = true;
    if (!workshop_peer(workshop, "steps", path))
        return true;
    const char *const arguments[] = {own, workshop->folder, "1", NULL};
    double stepped, refused;
    bool done = peer_own_path(own, err) && peer_start("steps", path, arguments, &peer, err) &&
                peer_ask(&peer, NULL, answer, err);
    if (done)
        done = (peer_value(answer, "stepped", &stepped) &&
                peer_value(answer, "refused", &refused) && stepped > 0 && refused < 1) ||
               error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "steps"},
                         "stepped=… refused=0", "'%s'", answer);
    if (done) {
        workshop_say(workshop, "%s", answer);
        measure_add(steps, stepped, single_least);
    }
    return peer_finish(&peer) && done;
}

static bool measure_all(struct workshop *workshop, struct stage_city *city, struct error *err)
{
    struct measure *measures[3];
    static const char *const names[] = {"loops.bulk", "loops.single", "loops.clock"};
    const double least[] = {bulk_least, single_least, clock_least};
    int64_t half = city->loops / 2, acts;
    double rates[3], opened;
    for (int i = 0; i < 3; i++) {
        measures[i] = figures_add(&workshop->figures, names[i], "1/s", false);
        measures[i]->peer_is_limit = true;
    }
    struct calling opening = {.city = city, .act = act_open, .next = 1, .last = city->loops};
    struct calling stepping = {
        .city = city, .act = act_step, .next = half + 1, .last = city->loops};
    if (!take_actor(city, err) || !all_at_once(&opening, &opened, err) ||
        !bulk(city, 1, half, &rates[0], err) || !all_at_once(&stepping, &rates[1], err))
        return false;
    workshop_say(workshop, "%lld loops opened, %.0f a second", (long long)city->loops, opened);
    /* every deadline lies within twelve hours from here */
    city->platform->world->fixed = world_now(city->platform->world) + 12 * HOUR;
    double begun = world_elapsed_seconds();
    if (!loops_run(city->platform->loops, &acts, err))
        return false;
    rates[2] = (double)city->loops / (world_elapsed_seconds() - begun);
    workshop_say(workshop, "%lld loops overdue, %lld acts", (long long)city->loops,
                 (long long)acts);
    for (int i = 0; i < 3; i++)
        measure_add(measures[i], rates[i], least[i]);
    return true;
}

int bench_loops(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.people = 20000, .days = 14, .pairs = 1};
    struct stage_city city = {.platform = NULL};
    if (!bench_loop_count(&argc, argv, 20000, &city.loops, err))
        return command_fail(err);
    if (city.loops > workshop.people)
        workshop.people = city.loops; /* one a person */
    if (!workshop_open(&workshop, context, &bench_commands[BENCH_LOOPS], argc, argv, err))
        return workshop_close(&workshop, "loops", false, err);
    city.placing =
        json_pack("{s:s,s:s,s:b}", "contact_level", "close", "target_area", "320412", "in_city", 1);
    city.contact = json_pack("{s:i,s:s,s:s}", "source_case", 1, "contact_level", "close",
                             "last_exposure_at", "2022-04-13T09:00:00+08:00");
    bool done = measure_http(&workshop, err) &&
                bench_loop_city(&workshop, NULL, &city.platform, err) &&
                measure_all(&workshop, &city, err);
    json_decref(city.placing);
    json_decref(city.contact);
    platform_close(city.platform);
    return workshop_close(&workshop, "loops", done, err);
}
