/* bench first-minute: seconds from a durable positive result to every exposure found and every loop
 * opened with an owner, visible in the lists. In process, in a demo city (full size: --people
 * 5278121), one positive person after the other, and before each the positive tube that the person
 * was in:
 *   first-minute.tube   the tube's result is durable → its hold, its retest and a hold of each of
 *                       its ten members are open
 *   first-minute        the person's result is durable → the case, all who were exposed, the places
 *                       and the units have loops, and the last one stands in its list
 * What the server's threads do as soon as they are woken is done here by this one; the time to wake
 * one is left out. There is no peer: one second stands in its place. */
#include <stdlib.h>

#include "base/random.h"
#include "bench/benches.h"
#include "cli/cli.h"
#include "contacts/contacts.h"
#include "loops/loops.h"
#include "registry/registry.h"

static const struct sql_text loop_last = {"bench_loop_last", "SELECT max(loop_no) FROM loop",
                                          "primary key"};
static const struct sql_text loop_where = {
    "bench_loop_where", "SELECT area_no FROM loop WHERE loop_no = ?1", "primary key"};
static const struct sql_text person_highest = {"bench_person_highest",
                                               "SELECT max(person_no) FROM person", "primary key"};

const struct sql_list bench_first_minute_statements =
    SQL_LIST(&loop_last, &loop_where, &person_highest);

enum { MEMBERS = 10, BODY_BYTES = 600, PAGE = 100 };
static const double seconds_max = 1;

struct minute {
    struct platform *platform;
    const struct route *results;
    struct actor laboratory;
    struct arena arena;
    struct random random;
    int64_t persons, accession, looked, opened;
};

/* ---- Results, as a laboratory sends them */

static bool send(struct minute *minute, const char *body, struct error *err)
{
    struct response response = {.status = 200};
    struct request request = {.platform = minute->platform,
                              .arena = &minute->arena,
                              .method = HTTP_POST,
                              .route = minute->results,
                              .body = slice_of(body),
                              .actor = minute->laboratory};
    buffer_init(&response.body, 1 << 16);
    bool done = minute->results->handle(&request, &response, err);
    buffer_release(&response.body);
    return done;
}

static int begin_body(struct minute *minute, char body[BODY_BYTES])
{
    char sampled[TIME_TEXT_BYTES], reported[TIME_TEXT_BYTES];
    timestamp now = world_now(minute->platform->world);
    return snprintf(body, BODY_BYTES,
                    "{\"laboratory\":\"bench\",\"accession\":\"B-%lld\",\"sampled_at\":\"%s\","
                    "\"reported_at\":\"%s\",\"result\":\"positive\",",
                    (long long)++minute->accession, time_format(now - 2 * HOUR, sampled),
                    time_format(now, reported));
}

static bool send_tube(struct minute *minute, int64_t person, struct error *err)
{
    char body[BODY_BYTES];
    int at = begin_body(minute, body);
    at += snprintf(body + at, (size_t)(BODY_BYTES - at),
                   "\"tube\":{\"code\":\"T-%lld\",\"point\":\"P-1\",\"area\":\"320412\","
                   "\"members\":[%lld",
                   (long long)minute->accession, (long long)person);
    for (int i = 1; i < MEMBERS; i++)
        at += snprintf(body + at, (size_t)(BODY_BYTES - at), ",%lld",
                       (long long)((person + i) % minute->persons + 1));
    snprintf(body + at, (size_t)(BODY_BYTES - at), "]}}");
    return send(minute, body, err);
}

static bool send_person(struct minute *minute, int64_t person, struct error *err)
{
    char body[BODY_BYTES];
    int at = begin_body(minute, body);
    snprintf(body + at, (size_t)(BODY_BYTES - at), "\"person\":%lld}", (long long)person);
    return send(minute, body, err);
}

/* ---- What follows */

static bool number(struct minute *minute, const struct sql_text *text, int64_t argument,
                   int64_t *ret_number, struct error *err)
{
    struct sql *sql;
    const struct sql_value value = sql_int(argument);
    if (!store_read_begin(minute->platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, text, &value, argument != 0, 0, ret_number, err);
    store_read_end(minute->platform->store, sql);
    return done;
}

/* The newest loop stands in the list of its area. */
static bool see_last(struct minute *minute, int64_t loop_no, struct error *err)
{
    struct loop_query query = {.limit = PAGE, .now = world_now(minute->platform->world)};
    struct loop_page page;
    struct sql *sql;
    bool seen = false, done;
    if (!number(minute, &loop_where, loop_no, &query.area_first, err) ||
        !store_read_begin(minute->platform->store, &sql, err))
        return false;
    query.area_last = query.area_first;
    query.after_key = INT64_MIN;
    do {
        done = loops_list(minute->platform->loops, sql, &query, &minute->arena, &page, err);
        for (size_t i = 0; done && i < page.count; i++)
            seen |= page.rows[i].no == loop_no;
        query.after_key = page.last_key;
        query.after_no = page.last_no;
    } while (done && !seen && page.more);
    store_read_end(minute->platform->store, sql);
    return done &&
           (seen || error_set(err, ERROR_CORRUPT, (struct error_place){.source = "bench"},
                              "a loop in its list", "loop %lld is in none", (long long)loop_no));
}

/* Until nothing follows any more; *ret_opened loops. */
static bool follow(struct minute *minute, int64_t *ret_opened, struct error *err)
{
    int64_t before, after, acts = 1, cases = 1;
    if (!number(minute, &loop_last, 0, &before, err))
        return false;
    while (acts || cases)
        if (!contacts_follow(minute->platform, &minute->looked, &cases, err) ||
            !loops_run(minute->platform->loops, &acts, err))
            return false;
    if (!number(minute, &loop_last, 0, &after, err))
        return false;
    *ret_opened = after - before;
    return after == before || see_last(minute, after, err);
}

struct taken {
    double *tube, *person, *loops;
};

static bool one_minute(struct minute *minute, size_t at, struct taken *taken, struct error *err)
{
    int64_t person = 1 + (int64_t)random_below(&minute->random, (uint32_t)minute->persons), opened;
    if (!send_tube(minute, person, err))
        return false;
    double begun = world_elapsed_seconds();
    if (!follow(minute, &opened, err))
        return false;
    taken->tube[at] = world_elapsed_seconds() - begun;
    if (!send_person(minute, person, err))
        return false;
    begun = world_elapsed_seconds();
    if (!follow(minute, &opened, err))
        return false;
    taken->person[at] = world_elapsed_seconds() - begun;
    taken->loops[at] = (double)opened;
    arena_clear(&minute->arena);
    return true;
}

static bool measure(struct workshop *workshop, struct minute *minute, struct error *err)
{
    struct measure *tube = figures_add(&workshop->figures, "first-minute.tube", "s", true);
    struct measure *person = figures_add(&workshop->figures, "first-minute", "s", true);
    size_t count = (size_t)workshop->queries;
    struct taken taken = {x_alloc(count, sizeof(double)), x_alloc(count, sizeof(double)),
                          x_alloc(count, sizeof(double))};
    int64_t opened;
    tube->peer_is_limit = person->peer_is_limit = true;
    bool done = follow(minute, &opened, err);
    for (int64_t pair = 0; done && pair < workshop->pairs; pair++) {
        for (size_t i = 0; done && i < count; i++)
            done = one_minute(minute, i, &taken, err);
        if (!done)
            break;
        workshop_say(workshop,
                     "first-minute: p50 %.3f s, p99 %.3f s; loops of a person: p50 %.0f, most %.0f",
                     percentile(taken.person, count, 0.5), percentile(taken.person, count, 0.99),
                     percentile(taken.loops, count, 0.5), percentile(taken.loops, count, 1));
        measure_add(tube, percentile(taken.tube, count, 0.99), seconds_max);
        measure_add(person, percentile(taken.person, count, 0.99), seconds_max);
    }
    free(taken.tube);
    free(taken.person);
    free(taken.loops);
    return done;
}

static bool make_city(struct workshop *workshop, struct platform **ret_platform, struct error *err)
{
    char directory[WORKSHOP_PATH_BYTES], people[24];
    snprintf(people, sizeof people, "%lld", (long long)workshop->people);
    workshop_path(workshop, "city", directory);
    const char *const arguments[] = {"--data",   directory, "init", "--demo",
                                     "--people", people,    NULL};
    return workshop_run_self(arguments, err) &&
           platform_open(directory, PLATFORM_COMMAND, ret_platform, err) &&
           loops_ready((*ret_platform)->loops, err);
}

static const struct route *route_of_results(void)
{
    for (size_t i = 0; i < loops_module.route_count; i++)
        if (strcmp(loops_module.routes[i].path, "/results") == 0)
            return &loops_module.routes[i];
    return NULL;
}

int bench_first_minute(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct workshop workshop = {.people = 50000, .days = 14, .pairs = 5, .queries = 20};
    struct minute minute = {.results = route_of_results()};
    if (!workshop_open(&workshop, context, &bench_commands[BENCH_FIRST_MINUTE], argc, argv, err))
        return workshop_close(&workshop, "first-minute", false, err);
    arena_init(&minute.arena, 256 << 20);
    random_init(&minute.random, 23, 0);
    bool done = make_city(&workshop, &minute.platform, err) &&
                number(&minute, &person_highest, 0, &minute.persons, err);
    if (done) {
        const struct area *city = registry_city(minute.platform->registry);
        minute.laboratory = (struct actor){.kind = ACTOR_USER,
                                           .user_no = 1,
                                           .name = "lab_duty",
                                           .role = "lab_duty",
                                           .area_first = city->no,
                                           .area_last = area_range_last(city->no)};
        done = measure(&workshop, &minute, err);
    }
    platform_close(minute.platform);
    arena_release(&minute.arena);
    return workshop_close(&workshop, "first-minute", done, err);
}
