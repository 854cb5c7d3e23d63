/* bench lists: a page of a work list, in process, among N open loops (full size: 10 000 000).
 *
 * A demo city gives areas, users and persons; the loops are put in as rows, spread over the
 * persons' areas and a day of deadlines. Asked for are first pages and pages that begin at a
 * drawn moment of the day, 100 rows each: `lists.area` is all of a district for its duty officer,
 * `lists.mine` what waits for a town's officer in that district. There is no peer: 100 ms stand
 * in its place. */
#include <stdlib.h>

#include "access/access.h"
#include "base/random.h"
#include "bench/benches.h"
#include "cli/cli.h"
#include "loops/loops.h"
#include "registry/registry.h"

static const struct sql_text fill_seats = {
    "bench_fill_seats",
    "INSERT INTO seat (form, role, area_no, object_no)"
    " SELECT DISTINCT 0, 'town_duty', area_no, 0 FROM person",
    "whole table"};
static const struct sql_text fill_loops = {
    "bench_fill_loops",
    "INSERT INTO loop (scene_no, stage, state, area_no, subject_kind, subject_no, seat_no,"
    " opened_at, entered_at, due_at, wake_at, overdue, steps, claim_user, claim_until, marks,"
    " fields)"
    " WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)"
    " SELECT ?3, 0, 0, p.area_no, 0, p.person_no, s.seat_no, ?4, ?4,"
    " ?4 + (n.i * 7919 % 86400) * 1000000, ?4 + (n.i * 7919 % 86400) * 1000000, 0, 0, 0, 0,"
    " zeroblob(200), zeroblob(120) FROM n JOIN person p ON p.person_no = n.i % ?5 + 1"
    " JOIN seat s ON s.form = 0 AND s.role = 'town_duty' AND s.area_no = p.area_no"
    " AND s.object_no = 0",
    "whole table"};
static const struct sql_text fill_counts = {
    "bench_fill_counts",
    "INSERT INTO loop_count (area_no, scene_no, stage, open, overdue)"
    " SELECT area_no, scene_no, 0, count(*), 0 FROM loop GROUP BY area_no, scene_no",
    "whole table"};
static const struct sql_text scene_of_name = {
    "bench_scene", "SELECT max(scene_no) FROM scene_version WHERE name = 'contact_management'",
    "scene_version_by_name"};

const struct sql_list bench_list_statements =
    SQL_LIST(&fill_seats, &fill_loops, &fill_counts, &scene_of_name);

enum { PEOPLE = 20000, PAGE = 100, LOOPS_A_FILL = 500000 };
static const double page_milliseconds_max = 100;

struct fill {
    int64_t first, last;
    bool begins, ends;
};

static bool fill_job(struct sql *sql, void *context, struct error *err)
{
    const struct fill *fill = context;
    int64_t scene;
    return (!fill->begins || sql_run(sql, &fill_seats, NULL, 0, err)) &&
           sql_one_int(sql, &scene_of_name, NULL, 0, 0, &scene, err) &&
           sql_run(sql, &fill_loops,
                   SQL_ARGUMENTS(sql_int(fill->first), sql_int(fill->last), sql_int(scene),
                                 sql_int(sql_now(sql)), sql_int(PEOPLE)),
                   err) &&
           (!fill->ends || sql_run(sql, &fill_counts, NULL, 0, err));
}

static bool fill_city(struct workshop *workshop, struct platform *platform, int64_t loops,
                      struct error *err)
{
    double begun = world_elapsed_seconds();
    for (int64_t i = 1; i <= loops; i += LOOPS_A_FILL) {
        struct fill fill = {.first = i,
                            .last = i + LOOPS_A_FILL - 1 < loops ? i + LOOPS_A_FILL - 1 : loops,
                            .begins = i == 1};
        fill.ends = fill.last == loops;
        if (!store_write_unsynced(platform->store, fill_job, &fill, err))
            return false;
    }
    workshop_say(workshop, "%lld open loops put in, %.0f s", (long long)loops,
                 world_elapsed_seconds() - begun);
    return true;
}

static bool user_number(struct platform *platform, const char *name, int64_t *ret_no,
                        struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = access_user_number(sql, slice_of(name), ret_no, err);
    store_read_end(platform->store, sql);
    return done;
}

static bool ask_page(struct platform *platform, const struct loop_query *query, struct arena *arena,
                     double *ret_milliseconds, struct error *err)
{
    struct loop_page page;
    struct sql *sql;
    double begun = world_elapsed_seconds();
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = loops_list(platform->loops, sql, query, arena, &page, err);
    store_read_end(platform->store, sql);
    *ret_milliseconds = (world_elapsed_seconds() - begun) * 1e3;
    return done && (page.count == PAGE ||
                    error_set(err, ERROR_CORRUPT, (struct error_place){.source = "bench lists"},
                              "a full page", "%zu rows", page.count));
}

static bool measure_list(struct workshop *workshop, struct platform *platform, const char *name,
                         struct loop_query query, struct error *err)
{
    struct measure *measure = figures_add(&workshop->figures, name, "ms", true);
    struct random random;
    struct arena arena;
    double *taken = x_alloc((size_t)workshop->queries, sizeof *taken);
    bool done = true;
    measure->peer_is_limit = true;
    random_init(&random, 7, 0);
    arena_init(&arena, 256 << 20);
    for (int64_t pair = 0; done && pair < workshop->pairs; pair++) {
        for (int64_t i = 0; done && i < workshop->queries; i++) {
            query.after_key =
                i % 2 ? INT64_MIN : query.now + (int64_t)random_below(&random, 80000) * SECOND;
            done = ask_page(platform, &query, &arena, &taken[i], err);
            arena_clear(&arena);
        }
        if (done) {
            double p99 = percentile(taken, (size_t)workshop->queries, 0.99);
            workshop_say(workshop, "%s: p50 %.2f ms, p99 %.2f ms", name,
                         percentile(taken, (size_t)workshop->queries, 0.5), p99);
            measure_add(measure, p99, page_milliseconds_max);
        }
    }
    arena_release(&arena);
    free(taken);
    return done;
}

static bool measure_lists(struct workshop *workshop, struct platform *platform, struct error *err)
{
    const struct area *district = registry_area_by_code(platform->registry, SLICE("320412"));
    struct loop_query area = {.limit = PAGE,
                              .now = world_now(platform->world),
                              .area_first = district->no,
                              .area_last = area_range_last(district->no)};
    struct loop_query mine = area;
    mine.mine = true;
    return user_number(platform, "town_duty-320412", &mine.user_no, err) &&
           measure_list(workshop, platform, "lists.area", area, err) &&
           measure_list(workshop, platform, "lists.mine", mine, err);
}

bool bench_loop_city(struct workshop *workshop, const char *directory,
                     struct platform **ret_platform, struct error *err)
{
    char own[WORKSHOP_PATH_BYTES], people[24];
    snprintf(people, sizeof people, "%lld", (long long)workshop->people);
    workshop_path(workshop, "city", own);
    directory = directory ? directory : own;
    const char *const arguments[] = {"--data",   directory, "init", "--demo",
                                     "--people", people,    NULL};
    return workshop_run_self(arguments, err) &&
           platform_open(directory, PLATFORM_COMMAND, ret_platform, err) &&
           loops_ready((*ret_platform)->loops, err);
}

bool bench_loop_count(int *argc, char **argv, int64_t otherwise, int64_t *ret_loops,
                      struct error *err)
{
    const char *text;
    if (!command_option(argc, argv, "--loops", &text, err))
        return false;
    *ret_loops = otherwise;
    return !text || slice_to_int64(slice_of(text), 1000, 20000000, ret_loops) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = "--loops"}, "1000 to 20000000",
                     "'%s'", text);
}

int bench_lists(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.people = PEOPLE, .days = 14, .pairs = 3, .queries = 1000};
    struct platform *platform = NULL;
    const char *city;
    int64_t loops;
    if (!bench_loop_count(&argc, argv, 1000000, &loops, err) ||
        !command_option(&argc, argv, "--city", &city, err))
        return command_fail(err);
    if (!workshop_open(&workshop, context, &bench_commands[BENCH_LISTS], argc, argv, err))
        return workshop_close(&workshop, "lists", false, err);
    bool done = bench_loop_city(&workshop, city, &platform, err) &&
                fill_city(&workshop, platform, loops, err) &&
                (city || (measure_lists(&workshop, platform, err) &&
                          bench_person_list(&workshop, platform, loops, err)));
    platform_close(platform);
    return workshop_close(&workshop, "lists", done, err);
}
