/* Life while a demo city is served: what the generator would have made of this hour happens, second
 * by second; results of swabs come hours later; infection goes on behind it, found or not.
 *
 * An hour's visits are gathered before it begins, some people a tick, and sorted by second; so a
 * tick costs what happens in it. Words: *due* is what has a moment at or before now. What is due
 * and was missed while nobody served is made up for if it is a result or a step of the outbreak,
 * some a tick; scans are not: nobody scanned.
 *
 *   tick ─► visits of the seconds gone by ─► day log           (as the scan path decides them)
 *        ─► results due, pieces due ─► evidence, cases         (one job)
 *        ─► one step of the outbreak: a swab, a tracing, a day's spread ─► saved in one job
 *
 * State: `gathering` one hour ahead; outbreak NULL until loaded, and again after a failed job: then
 * what lies in the database holds. All of it belongs to the thread that calls. */
#include <stdlib.h>

#include "checkin/checkin.h"
#include "presence/sort.h"
#include "sim/outbreak.h"
#include "sim/sim.h"
#include "status/status.h"

enum {
    SECONDS_A_TICK_MAX = 30,     /* of scans; more went by unseen */
    PERSONS_A_TICK_MAX = 200000, /* gathered while the present hour is not whole */
    SCANS_A_TICK_MAX = 20000,
    PIECES_A_TICK_MAX = 200,
    TUBES_A_TICK_MAX = 128,
    WAY_BITS = 3,
};

struct hour {
    int64_t start; /* unix seconds; 0: unused */
    uint32_t next_person;
    uint64_t *visits, *scratch; /* second of the hour | venue | person | way */
    size_t count, capacity, at;
    bool whole; /* all people are in, and sorted */
};

struct sim_life {
    struct platform *platform;
    struct city *city; /* NULL until the first tick */
    struct outbreak *outbreak;
    struct tracer *tracer;
    bool resting; /* a demo city without people of ours */
    int64_t second, reported; /* scans, results are done up to here */
    int64_t matter_at;        /* when the next loop for show is opened */
    int64_t series_at;        /* when the channels of the alert desk are looked after next */
    unsigned person_bits, venue_bits;
    struct hour now, next;
};

bool sim_life_open(struct platform *platform, struct sim_life **ret_life, struct error *err)
{
    struct sim_life *life = x_alloc(1, sizeof *life);
    life->platform = platform;
    if (!tracer_create(platform, &life->tracer, err)) {
        free(life);
        return false;
    }
    *ret_life = life;
    return true;
}

static void hour_release(struct hour *hour)
{
    free(hour->visits);
    free(hour->scratch);
}

void sim_life_close(struct sim_life *life)
{
    if (!life)
        return;
    hour_release(&life->now);
    hour_release(&life->next);
    outbreak_free(life->outbreak);
    city_close(life->city);
    tracer_free(life->tracer);
    free(life);
}

/* ---- Waking */

static bool read_whole(struct sql *sql, const char *name, int64_t *ret_value, struct error *err)
{
    struct buffer text;
    buffer_init(&text, 64);
    bool done = store_setting_get(sql, name, &text, err);
    if (done && !slice_to_int64(buffer_slice(&text), 0, INT64_MAX, ret_value))
        *ret_value = 0;
    buffer_release(&text);
    return done;
}

static unsigned bits_of(uint32_t value)
{
    return value ? 32u - (unsigned)__builtin_clz(value) : 1u;
}

static bool wake(struct sim_life *life, int64_t now, struct sql *sql, struct error *err)
{
    int64_t people = 0;
    if (!life->city) {
        if (!read_whole(sql, "demo_people", &people, err))
            return false;
        life->resting = people < SIM_PEOPLE_MIN || people > SIM_PEOPLE_MAX;
        if (life->resting)
            return true;
        if (!city_open(life->platform, people, store_seed(life->platform->store), false,
                       &life->city, err))
            return false;
        life->person_bits = bits_of(life->city->person_count);
        life->venue_bits = bits_of(life->city->venue_count);
        life->second = now - 1;
    }
    return read_whole(sql, "demo_reported", &life->reported, err) &&
           outbreak_load(life->city, sql, &life->outbreak, err);
}

static bool awake(struct sim_life *life, int64_t now, struct error *err)
{
    struct sql *sql;
    if (life->outbreak || life->resting)
        return true;
    if (!store_read_begin(life->platform->store, &sql, err))
        return false;
    bool done = wake(life, now, sql, err);
    store_read_end(life->platform->store, sql);
    return done;
}

/* ---- Gathering an hour */

static void hour_begin(struct hour *hour, int64_t start)
{
    hour->start = start;
    hour->next_person = 1;
    hour->count = hour->at = 0;
    hour->whole = false;
}

static void hour_add(const struct sim_life *life, struct hour *hour, uint32_t person,
                     const struct city_visit *visit, uint32_t second)
{
    if (hour->count == hour->capacity) {
        hour->capacity = hour->capacity ? hour->capacity * 2 : 4096;
        hour->visits = x_realloc(hour->visits, hour->capacity * sizeof *hour->visits);
        hour->scratch = x_realloc(hour->scratch, hour->capacity * sizeof *hour->scratch);
    }
    unsigned venue_at = WAY_BITS + life->person_bits, second_at = venue_at + life->venue_bits;
    hour->visits[hour->count++] = visit->way | (uint64_t)person << WAY_BITS |
                                  (uint64_t)visit->venue << venue_at |
                                  (uint64_t)second << second_at;
}

static void gather(struct sim_life *life, struct hour *hour, uint32_t persons)
{
    const struct city *city = life->city;
    int32_t day = time_day_of_seconds(hour->start);
    int64_t first = hour->start - time_day_start_seconds(day);
    uint64_t last = (uint64_t)hour->next_person + persons;
    struct city_visit visits[CITY_VISITS_MAX];
    struct block block;
    while (hour->next_person <= city->person_count && hour->next_person < last) {
        city_block(city, hour->next_person, &block);
        for (uint32_t i = 0; i < block.count; i++) {
            uint32_t person = block.first_person + i;
            size_t count = city_person_day(city, person, block.profile[i], day, visits);
            for (size_t v = 0; v < count; v++)
                if (visits[v].second >= first && visits[v].second < first + 3600)
                    hour_add(life, hour, person, &visits[v],
                             visits[v].second - (uint32_t)first);
        }
        hour->next_person = block.first_person + block.count;
    }
    if (hour->next_person <= city->person_count)
        return;
    hour->whole = true;
    if (hour->count)
        radix_sort(hour->visits, hour->scratch, hour->count,
                   WAY_BITS + life->person_bits + life->venue_bits + 12 /* second < 4096 */);
}

/* The hour of `second` in life->now, as far as it goes; the next one grows beside it. */
static void turn_hours(struct sim_life *life, int64_t second)
{
    int64_t start = second - second % 3600; /* local hours are whole UTC hours */
    if (life->now.start != start) {
        struct hour old = life->now;
        life->now = life->next;
        life->next = old;
        if (life->now.start != start)
            hour_begin(&life->now, start);
        hour_begin(&life->next, start + 3600);
    }
    if (!life->now.whole) {
        gather(life, &life->now, PERSONS_A_TICK_MAX);
        return;
    }
    if (life->next.whole)
        return;
    uint32_t left = life->city->person_count + 1 - life->next.next_person;
    int64_t seconds = start + 3600 - second - 300; /* whole five minutes ahead */
    uint32_t portion = seconds > 1 ? left / (uint32_t)seconds + 1 : left;
    gather(life, &life->next, portion < PERSONS_A_TICK_MAX ? portion : PERSONS_A_TICK_MAX);
}

/* ---- Scans */

static void scan_done(struct presence_append *append, const struct error *failure)
{
    (void)failure; /* somebody whose scan could not be kept just goes on */
    free(append);
}

static bool scan(struct sim_life *life, uint32_t person, uint32_t venue, uint8_t way,
                 uint32_t second, struct error *err)
{
    struct platform *platform = life->platform;
    struct scan_answer answer;
    if (outbreak_isolated(life->outbreak, person, second, NULL) ||
        !checkin_decide(platform->checkin, venue, (struct person_no){person}, second, &answer) ||
        answer.color == COLOR_RED) /* stays at home */
        return true;
    uint8_t flags = city_ways[way];
    struct presence_append *append = x_alloc(1, sizeof *append);
    append->count = 1;
    append->done = scan_done;
    append->records[0] = (struct scan_record){
        .person = person,
        .venue = venue,
        .time = second,
        .flags = scan_flags(scan_flags_mode(flags), scan_flags_evidence(flags),
                            (enum scan_decision)answer.decision),
        .answer = answer};
    if (presence_append(platform->presence, append, err))
        return true;
    free(append);
    return false;
}

/* Visits up to `second` of the hour at hand. */
static bool scan_until(struct sim_life *life, int64_t second, int *budget, struct error *err)
{
    struct hour *hour = &life->now;
    unsigned venue_at = WAY_BITS + life->person_bits, second_at = venue_at + life->venue_bits;
    for (; hour->whole && hour->at < hour->count; hour->at++) {
        uint64_t visit = hour->visits[hour->at];
        int64_t at = hour->start + (int64_t)(visit >> second_at);
        if (at > second)
            break;
        if (at <= life->second || --*budget < 0)
            continue; /* went by unseen */
        if (!scan(life, (uint32_t)(visit >> WAY_BITS & ((1ull << life->person_bits) - 1)),
                  (uint32_t)(visit >> venue_at & ((1ull << life->venue_bits) - 1)),
                  (uint8_t)(visit & (CITY_WAYS - 1)), (uint32_t)at, err))
            return false;
    }
    return true;
}

static bool scan_seconds(struct sim_life *life, int64_t now, struct error *err)
{
    int budget = SCANS_A_TICK_MAX;
    bool done = true;
    if (now - life->second > SECONDS_A_TICK_MAX)
        life->second = now - SECONDS_A_TICK_MAX;
    for (int64_t hour = life->second - life->second % 3600; done && hour <= now; hour += 3600) {
        int64_t until = hour + 3599 < now ? hour + 3599 : now;
        if (until <= life->second)
            continue;
        turn_hours(life, until);
        done = scan_until(life, until, &budget, err);
        life->second = until;
    }
    return done || err->code == ERROR_BUSY || err->code == ERROR_DISK_FULL;
}

/* ---- Results */

struct results_job {
    struct sim_life *life;
    int64_t until; /* reported up to here */
    int64_t now;
};

static bool report_tube(struct sql *sql, const struct sim_life *life, uint32_t first,
                        struct error *err)
{
    const struct city *city = life->city;
    uint32_t count;
    screening_tube(city, first, &count);
    for (uint32_t person = first; person < first + count; person++) {
        int64_t swab, no, reported = life->reported + 1;
        struct profile profile = city_profile(city, person);
        int64_t earliest = reported - setting_hours(city->settings, POOLED_RESULT_HOURS);
        if (!screening_next(city, person, profile, earliest, &swab))
            continue;
        reported = screening_reported(city, person, swab);
        if (outbreak_isolated(life->outbreak, person, swab, NULL) ||
            outbreak_isolated(life->outbreak, person, reported, NULL))
            continue;
        struct evidence piece = {.kind = EVIDENCE_PCR,
                                 .recorded_at = reported * SECOND,
                                 .at = swab * SECOND,
                                 .until = reported * SECOND,
                                 .detail = RESULT_NEGATIVE,
                                 .tube_size = (uint16_t)count};
        if (!evidence_add(sql, (struct person_no){person}, city->towns[profile.town].area_no,
                          &piece, (struct slice){NULL, 0}, &no, err))
            return false;
    }
    return true;
}

static bool report(struct sql *sql, void *context, struct error *err)
{
    struct results_job *job = context;
    struct sim_life *life = job->life;
    uint32_t tubes[TUBES_A_TICK_MAX];
    int64_t pieces, delay = setting_hours(life->city->settings, POOLED_RESULT_HOURS);
    size_t count = screening_tubes_between(life->city, life->reported + 1 - delay,
                                           job->until + 1 - delay, tubes, TUBES_A_TICK_MAX);
    char text[24];
    for (size_t i = 0; i < count; i++)
        if (!report_tube(sql, life, tubes[i], err))
            return false;
    snprintf(text, sizeof text, "%lld", (long long)job->until);
    return outbreak_record_due(life->city, sql, job->now, PIECES_A_TICK_MAX, &pieces, err) &&
           store_setting_set(sql, "demo_reported", slice_of(text), err);
}

/* As many seconds as give about half of what a tick may report. */
static int64_t report_span(const struct city *city)
{
    int64_t window = setting_hours(city->settings, TEST_WINDOW_HOURS);
    int64_t tubes_a_day =
        city->tube_count / setting_whole(city->settings, TEST_EVERY_DAYS) + 1;
    int64_t span = window * (TUBES_A_TICK_MAX / 2) / tubes_a_day;
    return span < 1 ? 1 : span > 600 ? 600 : span;
}

static bool something_due(struct sim_life *life, int64_t until, int64_t now)
{
    uint32_t tube;
    int64_t delay = setting_hours(life->city->settings, POOLED_RESULT_HOURS);
    return screening_tubes_between(life->city, life->reported + 1 - delay, until + 1 - delay,
                                   &tube, 1) > 0 ||
           now % 60 == 0 || until < now;
}

static bool report_results(struct sim_life *life, int64_t now, struct error *err)
{
    int64_t span = report_span(life->city), until = now;
    if (until - life->reported > span)
        until = life->reported + span;
    struct results_job job = {life, until, now};
    if (until <= life->reported || !something_due(life, until, now))
        return true;
    if (!store_write(life->platform->store, report, &job, err))
        return false;
    life->reported = until;
    return true;
}

/* ---- The outbreak goes on */

/* A day that is over and on which the infection may have spread and was not followed yet. */
static bool spread_due(struct infection *infection, int32_t today)
{
    int64_t end = infection->removed_at < infection->ends_at ? infection->removed_at
                                                             : infection->ends_at;
    for (; infection->spread_day + 1 < today; infection->spread_day++) {
        int64_t start = time_day_start_seconds(infection->spread_day + 1);
        if (infection->infectious_at < start + 86400 && end > start)
            return true;
    }
    return false;
}

static bool step(struct sim_life *life, int64_t now, bool *ret_changed, struct error *err)
{
    struct outbreak *outbreak = life->outbreak;
    struct presence_view *view;
    size_t found = outbreak_next_found(outbreak, now + 1), traced = SIZE_MAX, spreads = 0;
    *ret_changed = true;
    if (found != SIZE_MAX) {
        outbreak_find(outbreak, found);
        return true;
    }
    while (spreads < outbreak->count &&
           !spread_due(&outbreak->infections[spreads], time_day_of_seconds(now)))
        spreads++;
    if (spreads == outbreak->count)
        traced = outbreak_next_traced(outbreak, now + 1);
    *ret_changed = spreads < outbreak->count || traced != SIZE_MAX;
    if (!*ret_changed)
        return true;
    if (!presence_view_begin(life->platform->presence, &view, err))
        return false;
    bool done = traced != SIZE_MAX
                    ? outbreak_trace(outbreak, traced, life->tracer, view, err)
                    : outbreak_spread(outbreak, spreads,
                                      outbreak->infections[spreads].spread_day + 1,
                                      life->tracer, view, err);
    presence_view_end(view);
    return done;
}

static bool save(struct sql *sql, void *context, struct error *err)
{
    return outbreak_save(context, sql, err);
}

static bool go_on(struct sim_life *life, int64_t now, struct error *err)
{
    bool changed;
    return step(life, now, &changed, err) &&
           (!changed || store_write(life->platform->store, save, life->outbreak, err));
}

/* Something to do, every so often. What fails here stops nobody's life. */
static void open_matters(struct sim_life *life, int64_t second)
{
    struct error err;
    bool more;
    if (!life->platform->loops || second < life->matter_at)
        return;
    if (!matters_open_next(life->platform, life->city, second * SECOND, &more, &err)) {
        log_error("sim", &err);
        more = true;
    }
    life->matter_at =
        more ? second + (int64_t)life->city->settings->number[MATTER_SECONDS] : INT64_MAX;
}

/* The counts of the days gone by, once an hour. What fails here stops nobody's life. */
static void report_series(struct sim_life *life, int64_t second)
{
    struct error err;
    if (second < life->series_at)
        return;
    if (!series_report(life->platform, life->city, second * SECOND, &err))
        log_error("sim", &err);
    life->series_at = second - second % 3600 + 3600;
}

bool sim_life_tick(struct sim_life *life, timestamp now, struct error *err)
{
    int64_t second = now / SECOND;
    if (!awake(life, second, err))
        return false;
    if (life->resting)
        return true;
    open_matters(life, second);
    report_series(life, second);
    bool scanned = second <= life->second || scan_seconds(life, second, err);
    if (scanned && report_results(life, second, err) && go_on(life, second, err))
        return true;
    outbreak_free(life->outbreak); /* the next tick loads what is on disk */
    life->outbreak = NULL;
    return false;
}
