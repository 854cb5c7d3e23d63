/* Infection, spread and discovery. See outbreak.h for the words and invariants. */
#include "sim/outbreak.h"

#include <stdlib.h>

enum {
    STREAM_DISEASE = 0xD15E,
    STREAM_MEETING = 0x3EE7,
    STREAM_HOME = 0x803E,
    HITS_MAX = 64, /* infections by one person on one day */
    CLINIC_OPENS = 8 * 3600, CLINIC_CLOSES = 18 * 3600, SITE_HOUR = 9 * 3600, EVENING = 20 * 3600,
};

struct outbreak *outbreak_create(const struct city *city)
{
    struct outbreak *outbreak = x_alloc(1, sizeof *outbreak);
    outbreak->city = city;
    outbreak->isolation_capacity = 1024;
    outbreak->isolations =
        x_alloc(outbreak->isolation_capacity, sizeof *outbreak->isolations);
    outbreak->isolation_count = outbreak->saved_isolations = 1;
    return outbreak;
}

void outbreak_free(struct outbreak *outbreak)
{
    if (!outbreak)
        return;
    free(outbreak->infections);
    free(outbreak->isolations);
    free(outbreak->pieces);
    free(outbreak->cancels);
    free(outbreak);
}

/* ---- Isolation */

void outbreak_isolate(struct outbreak *outbreak, uint32_t person, int64_t from, int64_t until)
{
    if (outbreak->isolation_count == outbreak->isolation_capacity) {
        outbreak->isolation_capacity *= 2;
        outbreak->isolations =
            x_realloc(outbreak->isolations,
                      outbreak->isolation_capacity * sizeof *outbreak->isolations);
    }
    uint32_t *head = &outbreak->heads[outbreak_head(person)];
    outbreak->isolations[outbreak->isolation_count] =
        (struct isolation){person, *head, from, until};
    *head = (uint32_t)outbreak->isolation_count++;
}

bool outbreak_isolated(const struct outbreak *outbreak, uint32_t person, int64_t at,
                       int64_t *ret_until)
{
    int64_t until = 0;
    for (uint32_t i = outbreak->heads[outbreak_head(person)]; i;
         i = outbreak->isolations[i].next) {
        const struct isolation *isolation = &outbreak->isolations[i];
        if (isolation->person == person && isolation->from <= at && at < isolation->until &&
            isolation->until > until)
            until = isolation->until;
    }
    if (ret_until)
        *ret_until = until;
    return until != 0;
}

/* When the isolation began that covers a moment. */
static int64_t isolated_from(const struct outbreak *outbreak, uint32_t person, int64_t at)
{
    int64_t from = FOREVER;
    for (uint32_t i = outbreak->heads[outbreak_head(person)]; i;
         i = outbreak->isolations[i].next) {
        const struct isolation *isolation = &outbreak->isolations[i];
        if (isolation->person == person && isolation->from <= at && at < isolation->until &&
            isolation->from < from)
            from = isolation->from;
    }
    return from;
}

/* ---- Infection */

struct infection *outbreak_infection_of(struct outbreak *outbreak, uint32_t person)
{
    for (size_t i = 0; i < outbreak->count; i++)
        if (outbreak->infections[i].person == person)
            return &outbreak->infections[i];
    return NULL;
}

/* The next moment at which a clinic is open. */
static int64_t clinic_open(int64_t second)
{
    int32_t day = time_day_of_seconds(second);
    int64_t of_day = second - time_day_start_seconds(day);
    if (of_day >= CLINIC_CLOSES)
        return time_day_start_seconds(day + 1) + CLINIC_OPENS;
    return of_day < CLINIC_OPENS ? time_day_start_seconds(day) + CLINIC_OPENS : second;
}

/* Which swab will be the positive one: the next round of mass testing that finds anything, or the
 * fever clinic, whichever comes first. */
static void plan_swab(const struct outbreak *outbreak, struct infection *infection)
{
    const struct city *city = outbreak->city;
    const struct settings *settings = city->settings;
    int64_t detectable = infection->infectious_at + setting_hours(settings, DETECTABLE_AFTER_HOURS);
    int64_t swab;
    infection->swabbed_at = FOREVER;
    if (screening_next(city, infection->person, city_profile(city, infection->person),
                       detectable, &swab)) {
        infection->swabbed_at = swab;
        infection->swab = SWAB_POOL;
    }
    if (infection->onset_at != FOREVER) {
        swab = clinic_open(infection->onset_at + setting_hours(settings, CLINIC_AFTER_HOURS));
        if (swab < infection->swabbed_at) {
            infection->swabbed_at = swab;
            infection->swab = SWAB_CLINIC;
        }
    }
    if (infection->swabbed_at >= infection->ends_at)
        infection->swabbed_at = FOREVER; /* negative again: never known */
}

static struct infection draw_course(const struct outbreak *outbreak, uint32_t person, int64_t at)
{
    const struct settings *settings = outbreak->city->settings;
    struct random random;
    random_init(&random, outbreak->city->seed ^ STREAM_DISEASE, person);
    double latent = settings->number[LATENT_HOURS_MIN] +
                    random_unit(&random) * (settings->number[LATENT_HOURS_MAX] -
                                            settings->number[LATENT_HOURS_MIN]);
    struct infection infection = {.person = person,
                                  .infected_at = at,
                                  .infectious_at = at + (int64_t)(latent * 3600),
                                  .onset_at = FOREVER,
                                  .removed_at = FOREVER,
                                  .recorded_at = FOREVER,
                                  .traced_at = FOREVER,
                                  .spread_day = time_day_of_seconds(at),
                                  .changed = true};
    infection.ends_at = infection.infectious_at + setting_days(settings, INFECTIOUS_DAYS);
    if (random_below(&random, 100) < setting_whole(settings, SYMPTOMATIC_PERCENT))
        infection.onset_at = infection.infectious_at + setting_hours(settings, ONSET_AFTER_HOURS);
    return infection;
}

bool outbreak_infect(struct outbreak *outbreak, uint32_t person, uint32_t infector,
                     uint32_t venue, int64_t at)
{
    if (outbreak->count >= (size_t)outbreak->city->settings->number[INFECTIONS_MAX] ||
        outbreak_infection_of(outbreak, person))
        return false;
    if (outbreak->count == outbreak->capacity) {
        outbreak->capacity = outbreak->capacity ? outbreak->capacity * 2 : 256;
        outbreak->infections =
            x_realloc(outbreak->infections, outbreak->capacity * sizeof *outbreak->infections);
    }
    struct infection *infection = &outbreak->infections[outbreak->count++];
    *infection = draw_course(outbreak, person, at);
    infection->infector = infector;
    infection->venue = venue;
    plan_swab(outbreak, infection);
    /* infected just before being taken in, and only seen now */
    int64_t from = isolated_from(outbreak, person, infection->infectious_at);
    if (from != FOREVER && from > at) {
        outbreak_swab_in_isolation(outbreak, infection, from);
        outbreak_cancel_tests(outbreak, person, infection->swabbed_at);
    }
    return true;
}

/* Somebody grown up who works, from the middle of the register on. */
static uint32_t first_person(const struct city *city)
{
    uint32_t middle = city->person_count / 2;
    for (uint32_t tries = 0; tries < city->person_count; tries++) {
        uint32_t person = (middle + tries) % city->person_count + 1;
        struct profile profile = city_profile(city, person);
        if (profile.flags & PERSON_WORKS && profile.age >= 25)
            return person;
    }
    return middle + 1;
}

void outbreak_begin(struct outbreak *outbreak, int32_t day)
{
    const struct city *city = outbreak->city;
    int64_t evening = time_day_start_seconds(day) + EVENING;
    uint32_t person = first_person(city);
    uint32_t workplace = city_profile(city, person).daily_venue;
    REQUIRE(outbreak_infect(outbreak, person, 0, 0, evening));
    struct infection *first = &outbreak->infections[0];
    int32_t found = day + (int32_t)city->settings->number[FIRST_FOUND_DAYS];
    first->swab = SWAB_CLINIC;
    first->swabbed_at = time_day_start_seconds(found) + CLINIC_OPENS + 3600;
    first->onset_at = first->swabbed_at - setting_hours(city->settings, CLINIC_AFTER_HOURS);
    size_t wanted = (size_t)city->settings->number[SEED_PERSONS];
    for (uint32_t other = person + 1; other <= city->person_count && outbreak->count < wanted;
         other++)
        if (workplace && city_profile(city, other).daily_venue == workplace)
            outbreak_infect(outbreak, other, 0, 0, evening);
}

/* ---- Spread */

/* An even draw from [0, 1) that belongs to these two on this day. */
static double draw_of(const struct outbreak *outbreak, uint64_t stream, uint32_t from,
                      uint32_t to, int32_t day)
{
    struct random random;
    random_init(&random, outbreak->city->seed ^ stream ^ (uint64_t)day << 20,
                (uint64_t)from << 32 | to);
    return random_unit(&random);
}

static void spread_at_home(struct outbreak *outbreak, const struct infection *source, int32_t day)
{
    uint32_t housemates[HOUSEHOLD_MAX];
    size_t count = city_housemates(outbreak->city, source->person, housemates);
    int64_t evening = time_day_start_seconds(day) + EVENING;
    double risk = outbreak->city->settings->number[HOUSEHOLD_RISK_PERCENT] / 100;
    if (evening < source->infectious_at || evening >= source->removed_at ||
        evening >= source->ends_at)
        return;
    for (size_t i = 0; i < count; i++)
        if (!outbreak_isolated(outbreak, housemates[i], evening, NULL) &&
            draw_of(outbreak, STREAM_HOME, source->person, housemates[i], day) < risk)
            outbreak_infect(outbreak, housemates[i], source->person, 0, evening);
}

/* Who of the exposed is infected. Somebody meets closely only so many: in a crowd the chance to be
 * among them falls. */
static size_t choose_hits(const struct outbreak *outbreak, const struct infection *source,
                          int32_t day, const struct trace_result *exposed,
                          uint32_t hits[HITS_MAX])
{
    const struct settings *settings = outbreak->city->settings;
    double all = 0;
    for (size_t i = 0; i < exposed->count; i++)
        all += (double)exposed->weight[i];
    double close = settings->number[CLOSE_MEETINGS_A_DAY];
    double risk = settings->number[MEETING_RISK_PERCENT] / 100 * (all > close ? close / all : 1);
    size_t count = 0;
    for (size_t i = 0; i < exposed->count && count < HITS_MAX; i++)
        if (draw_of(outbreak, STREAM_MEETING, source->person, exposed->person[i], day) <
            (double)exposed->weight[i] * risk)
            hits[count++] = exposed->person[i];
    return count;
}

static int64_t meeting(const struct trace_place *place)
{
    return place->index_time > place->time ? place->index_time : place->time;
}

bool outbreak_spread(struct outbreak *outbreak, size_t index, int32_t day, struct tracer *tracer,
                     struct presence_view *view, struct error *err)
{
    struct infection source = outbreak->infections[index];
    int64_t from = time_day_start_seconds(day), to = from + 86400;
    from = source.infectious_at > from ? source.infectious_at : from;
    to = source.removed_at < to ? source.removed_at : to;
    to = source.ends_at < to ? source.ends_at : to;
    outbreak->infections[index].spread_day = day;
    outbreak->infections[index].changed = true;
    if (from >= to)
        return true;
    struct trace_request request = {
        .person = {source.person}, .from = from, .to = to, .model = TRACE_DWELL};
    struct trace_result exposed;
    struct trace_place *places;
    struct arena arena;
    uint32_t hits[HITS_MAX];
    size_t place_count;
    if (!trace_run(tracer, view, &request, &exposed, err))
        return false;
    size_t hit_count = choose_hits(outbreak, &source, day, &exposed, hits);
    arena_init(&arena, 64 << 20);
    bool done = hit_count == 0 || trace_places(tracer, view, &request, hits, hit_count, &arena,
                                               &places, &place_count, err);
    for (size_t i = 0; done && hit_count && i < place_count; i++) /* strongest first, a person */
        if (meeting(&places[i]) < source.removed_at)
            outbreak_infect(outbreak, places[i].person, source.person, places[i].venue,
                            meeting(&places[i]));
    arena_release(&arena);
    spread_at_home(outbreak, &source, day);
    return done;
}

/* ---- Pieces */

void outbreak_add_piece(struct outbreak *outbreak, struct piece piece)
{
    if (outbreak->piece_count == outbreak->piece_capacity) {
        outbreak->piece_capacity = outbreak->piece_capacity ? outbreak->piece_capacity * 2 : 1024;
        outbreak->pieces =
            x_realloc(outbreak->pieces, outbreak->piece_capacity * sizeof *outbreak->pieces);
    }
    outbreak->pieces[outbreak->piece_count++] = piece;
}

void outbreak_add_test(struct outbreak *outbreak, uint32_t person, int64_t swabbed_at,
                       int64_t reported_at, enum evidence_result result, uint32_t tube_size)
{
    outbreak_add_piece(outbreak, (struct piece){.person = person,
                                                .kind = EVIDENCE_PCR,
                                                .detail = (uint8_t)result,
                                                .tube_size = (uint16_t)tube_size,
                                                .recorded_at = reported_at,
                                                .at = swabbed_at,
                                                .until = reported_at});
}

void outbreak_cancel_tests(struct outbreak *outbreak, uint32_t person, int64_t from)
{
    size_t kept = outbreak->saved_pieces;
    for (size_t i = kept; i < outbreak->piece_count; i++) {
        const struct piece *piece = &outbreak->pieces[i];
        if (piece->person != person || piece->kind != EVIDENCE_PCR || piece->at < from)
            outbreak->pieces[kept++] = *piece;
    }
    outbreak->piece_count = kept;
    outbreak->cancels = x_realloc(outbreak->cancels,
                                  (outbreak->cancel_count + 1) * sizeof *outbreak->cancels);
    outbreak->cancels[outbreak->cancel_count++] = (struct cancel){person, from};
}

/* ---- Discovery */

size_t outbreak_next_found(const struct outbreak *outbreak, int64_t limit)
{
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < outbreak->count; i++)
        if (outbreak->infections[i].stage == STAGE_HIDDEN &&
            outbreak->infections[i].swabbed_at < limit) {
            limit = outbreak->infections[i].swabbed_at;
            next = i;
        }
    return next;
}

size_t outbreak_next_traced(const struct outbreak *outbreak, int64_t limit)
{
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < outbreak->count; i++)
        if (outbreak->infections[i].stage == STAGE_FOUND &&
            outbreak->infections[i].traced_at < limit) {
            limit = outbreak->infections[i].traced_at;
            next = i;
        }
    return next;
}

/* A single-tube positive at `reported_at` makes the case: t0 is the onset, or the first positive
 * swab. Its contacts are known some hours later, at the earliest when the day is over. */
static void confirm(struct outbreak *outbreak, struct infection *infection, int64_t reported_at)
{
    const struct settings *settings = outbreak->city->settings;
    bool symptomatic = infection->onset_at <= infection->swabbed_at;
    int64_t next_day = time_day_start_seconds(time_day_of_seconds(infection->swabbed_at) + 1);
    infection->recorded_at = reported_at + setting_hours(settings, CASE_RECORDED_HOURS);
    infection->traced_at =
        infection->recorded_at + setting_hours(settings, CONTACTS_KNOWN_HOURS);
    if (infection->traced_at < next_day)
        infection->traced_at = next_day;
    infection->stage = STAGE_FOUND;
    infection->changed = true;
    outbreak_isolate(outbreak, infection->person, infection->removed_at, FOREVER);
    outbreak_add_piece(outbreak, (struct piece){.person = infection->person,
                                                .kind = EVIDENCE_CASE,
                                                .symptomatic = symptomatic,
                                                .recorded_at = infection->recorded_at,
                                                .at = symptomatic ? infection->onset_at
                                                                  : infection->swabbed_at,
                                                .until = FOREVER});
}

static bool positive_at(const struct outbreak *outbreak, const struct infection *infection,
                        int64_t swabbed_at)
{
    return infection && swabbed_at < infection->ends_at &&
           swabbed_at >= infection->infectious_at + setting_hours(outbreak->city->settings,
                                                                  DETECTABLE_AFTER_HOURS);
}

/* A positive tube: its members are isolated when it is reported, swabbed again one by one, and let
 * go with their negative. */
static void find_in_tube(struct outbreak *outbreak, const struct infection *found)
{
    const struct city *city = outbreak->city;
    uint32_t count, first = screening_tube(city, found->person, &count);
    int32_t day = time_day_of_seconds(found->swabbed_at);
    uint32_t members[20];
    int64_t swabs[20], reported = 0;
    size_t present = 0;
    for (uint32_t person = first; person < first + count; person++) {
        int64_t swab;
        bool on = screening_on(city, person, city_profile(city, person), day, &swab);
        if (person == first)
            reported = screening_reported(city, person, swab);
        if (!on || outbreak_isolated(outbreak, person, swab, NULL))
            continue;
        members[present] = person;
        swabs[present++] = swab;
    }
    int64_t again = reported + setting_hours(city->settings, RETEST_AFTER_HOURS);
    int64_t known = again + setting_hours(city->settings, SINGLE_RESULT_HOURS);
    for (size_t i = 0; i < present; i++) {
        struct infection *infection = outbreak_infection_of(outbreak, members[i]);
        bool positive = positive_at(outbreak, infection, swabs[i]) &&
                        infection->stage == STAGE_HIDDEN;
        outbreak_add_test(outbreak, members[i], swabs[i], reported, RESULT_POSITIVE,
                          (uint32_t)present);
        outbreak_add_test(outbreak, members[i], again, known,
                          positive ? RESULT_POSITIVE : RESULT_NEGATIVE, 1);
        outbreak_isolate(outbreak, members[i], reported, known);
        if (positive) {
            infection->swabbed_at = swabs[i];
            infection->swab = SWAB_POOL;
            infection->removed_at = reported;
            confirm(outbreak, infection, known);
        }
    }
}

void outbreak_find(struct outbreak *outbreak, size_t index)
{
    struct infection *infection = &outbreak->infections[index];
    if (infection->swab == SWAB_POOL) {
        find_in_tube(outbreak, infection);
        if (infection->stage == STAGE_HIDDEN) { /* was not there: taken in meanwhile */
            infection->swabbed_at = FOREVER;
            infection->changed = true;
        }
        return;
    }
    int64_t reported =
        infection->swabbed_at + setting_hours(outbreak->city->settings, SINGLE_RESULT_HOURS);
    if (infection->removed_at > infection->swabbed_at)
        infection->removed_at = infection->swabbed_at; /* waits in the clinic */
    outbreak_add_test(outbreak, infection->person, infection->swabbed_at, reported,
                      RESULT_POSITIVE, 1);
    confirm(outbreak, infection, reported);
}

int64_t outbreak_site_swab(int64_t from, int i)
{
    static const int days[SITE_SWABS] = {1, 4, 7, 14};
    return time_day_start_seconds(time_day_of_seconds(from) + days[i]) + SITE_HOUR;
}

void outbreak_swab_in_isolation(struct outbreak *outbreak, struct infection *infection,
                                int64_t from)
{
    if (infection->stage != STAGE_HIDDEN || infection->swabbed_at < from)
        return;
    infection->removed_at = from;
    infection->swabbed_at = FOREVER;
    infection->swab = SWAB_ISOLATION;
    infection->changed = true;
    for (int i = SITE_SWABS - 1; i >= 0; i--)
        if (positive_at(outbreak, infection, outbreak_site_swab(from, i)))
            infection->swabbed_at = outbreak_site_swab(from, i);
}
