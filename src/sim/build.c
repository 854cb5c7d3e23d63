/* Making a demo city. The register is written by the writer thread while this one generates the
 * days and lets the infection spread; evidence comes when both are done. */
#include <pthread.h>
#include <stdlib.h>

#include "command/command.h"
#include "sim/history.h"
#include "sim/register.h"
#include "sim/sim.h"
#include "sim/users.h"
#include "status/status.h"

struct building {
    const struct sim_plan *plan;
    struct platform *platform;
    struct city *city;
    struct outbreak *outbreak;
    struct history *history;
    int64_t now; /* unix seconds */
    int32_t first_day, last_day;
    bool registered;
    struct error register_error;
};

static void *run_register(void *context)
{
    struct building *building = context;
    building->registered = register_city(building->city, &building->register_error);
    return NULL;
}

/* ---- One day, in the order in which it happens */

static bool anybody_infectious(const struct outbreak *outbreak, int32_t day)
{
    int64_t end = time_day_start_seconds(day) + 86400;
    for (size_t i = 0; i < outbreak->count; i++)
        if (outbreak->infections[i].infectious_at < end)
            return true;
    return false;
}

/* The evening of a day: who met the infectious, and whom the cases met. */
static bool look_back(struct building *building, int32_t day, struct error *err)
{
    struct outbreak *outbreak = building->outbreak;
    struct tracer *tracer = NULL;
    struct presence_view *view = NULL;
    int64_t next_day = time_day_start_seconds(day + 1);
    bool over = day < building->last_day; /* the last day goes on in life */
    bool done = tracer_create(building->platform, &tracer, err) &&
                presence_view_begin(building->platform->presence, &view, err);
    if (done) /* the register is still being written */
        tracer_use_categories(tracer, building->city->category_of_venue,
                              building->city->venue_count);
    size_t known = outbreak->count;
    for (size_t i = 0; done && over && i < known; i++)
        if (outbreak->infections[i].spread_day < day)
            done = outbreak_spread(outbreak, i, day, tracer, view, err);
    /* contacts become known tomorrow; they are isolated before tomorrow is generated */
    int64_t limit = over ? next_day + 86400 : building->now + 1;
    limit = limit <= building->now + 1 ? limit : building->now + 1;
    size_t index;
    while (done && (index = outbreak_next_traced(outbreak, limit)) != SIZE_MAX)
        done = outbreak_trace(outbreak, index, tracer, view, err);
    presence_view_end(view);
    tracer_free(tracer);
    return done;
}

static bool build_day(struct building *building, int32_t day, struct error *err)
{
    struct outbreak *outbreak = building->outbreak;
    int64_t end = time_day_start_seconds(day) + 86400;
    end = end < building->now ? end : building->now;
    size_t index;
    if (day == building->last_day - (int32_t)building->city->settings->number[SEED_DAYS_BEFORE])
        outbreak_begin(outbreak, day);
    while ((index = outbreak_next_found(outbreak, end)) != SIZE_MAX)
        outbreak_find(outbreak, index);
    return history_day(building->history, outbreak, day, end, err) &&
           (!anybody_infectious(outbreak, day) || look_back(building, day, err));
}

static bool build_days(struct building *building, struct error *err)
{
    bool done = true;
    for (int32_t day = building->first_day; done && day <= building->last_day; day++)
        done = build_day(building, day, err);
    return done;
}

/* Days and register at the same time. */
static bool build_past(struct building *building, struct error *err)
{
    pthread_t thread;
    bool beside = pthread_create(&thread, NULL, run_register, building) == 0;
    if (!beside)
        run_register(building);
    bool done = (beside || building->registered) && build_days(building, err);
    if (beside)
        pthread_join(thread, NULL);
    if (!building->registered) {
        *err = building->register_error;
        done = false;
    }
    return done && outbreak_record(building->outbreak, building->first_day, building->now, err);
}

/* ---- What is said at the end */

/* The recorded case that infected most, the earliest of those. */
static const struct infection *case_to_trace(const struct building *building, size_t *ret_cases)
{
    const struct outbreak *outbreak = building->outbreak;
    const struct infection *best = NULL;
    size_t best_count = 0;
    *ret_cases = 0;
    for (size_t i = 0; i < outbreak->count; i++) {
        const struct infection *infection = &outbreak->infections[i];
        size_t count = 0;
        if (infection->recorded_at > building->now)
            continue;
        ++*ret_cases;
        for (size_t k = 0; k < outbreak->count; k++)
            count += outbreak->infections[k].infector == infection->person;
        if (!best || count > best_count ||
            (count == best_count && infection->recorded_at < best->recorded_at)) {
            best = infection;
            best_count = count;
        }
    }
    return best;
}

/* A word of a shell command, quoted where it must be. */
static void print_word(FILE *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_-./:=@%+,";
    if (word[0] && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            fputs("'\\''", out);
        else
            fputc(*c, out);
    fputc('\'', out);
}

static void print_command(const struct building *building, const char *rest)
{
    FILE *out = building->plan->out;
    fputs("  ", out);
    print_word(out, building->plan->program);
    fputs(" --data ", out);
    print_word(out, building->platform->directory);
    fprintf(out, " %s\n", rest);
}

static void say(const struct building *building)
{
    FILE *out = building->plan->out;
    size_t cases;
    const struct infection *traced = case_to_trace(building, &cases);
    char from[TIME_TEXT_BYTES], to[TIME_TEXT_BYTES], command[160];
    fprintf(out, "%lld people, %u places, %zu cases", (long long)building->plan->people,
            building->city->venue_count, cases);
    if (traced) {
        time_format(time_day_start_seconds(building->first_day) * SECOND, from);
        time_format(building->now * SECOND, to);
        snprintf(command, sizeof command, "trace --person p%08u --from %s --to %s",
                 traced->person, from, to);
        fprintf(out, ". The case to trace: p%08u\n", traced->person);
        print_command(building, command);
    } else {
        fputc('\n', out);
    }
    print_command(building, "serve");
    print_command(building, "doctor");
}

bool sim_city_build(struct platform *platform, const struct sim_plan *plan, struct error *err)
{
    struct building building = {.plan = plan, .platform = platform};
    building.now = plan->now / SECOND;
    building.last_day = time_day_of_seconds(building.now);
    building.first_day = building.last_day - (CITY_DAYS - 1);
    if (!city_open(platform, plan->people, plan->seed, true, &building.city, err))
        return false;
    building.outbreak = outbreak_create(building.city);
    building.history = history_create(building.city);
    bool done = build_past(&building, err);
    history_free(building.history);
    done = done && series_report(platform, building.city, plan->now, err) &&
           users_build(platform, plan->out, err) && status_catch_up(platform->status, err) &&
           command_past_make(platform, building.first_day, plan->now, err);
    if (done)
        say(&building);
    outbreak_free(building.outbreak);
    city_close(building.city);
    return done;
}
