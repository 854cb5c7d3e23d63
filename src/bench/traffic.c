/* Events by inverse distribution functions: one draw each for second, person and venue. */
#include "bench/traffic.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TRAFFIC_SEED = 20220414,
    LAST_DAY = 19096, /* 2022-04-14 */
    PEOPLE_A_VENUE = 26,
    POPULARITY_SHIFT = 50,
    OWN_PLACES = 4,
    HOURS = 24,
};
/* Coprime to every number of venues: spreads the popular ones over the numbers. */
#define SPREAD_PRIME 2147483647u

/* Share of a day's check-ins in each hour, of 1003. */
static const int rhythm[HOURS] = {2,  1,  1,  1,  2,  10, 35, 95, 85, 60, 55, 60,
                                  70, 50, 45, 48, 60, 85, 90, 65, 40, 22, 12, 9};

struct traffic traffic_of(uint32_t people, uint32_t days)
{
    uint32_t venues = people / PEOPLE_A_VENUE;
    return (struct traffic){.seed = TRAFFIC_SEED,
                            .people = people,
                            .venues = venues ? venues : 1,
                            .first_day = LAST_DAY + 1 - (int32_t)days,
                            .days = days,
                            .events_a_day = (uint32_t)((uint64_t)people * 19 / 10)};
}

/* The venue at a share `u` in [0, 1) of all popularity. */
static uint32_t popular_venue(const struct traffic *traffic, double u)
{
    double shift = POPULARITY_SHIFT, venues = traffic->venues;
    double rank = shift * exp(u * log1p(venues / shift)) - shift;
    uint64_t whole = rank < venues - 1 ? (uint64_t)rank : traffic->venues - 1;
    return 1 + (uint32_t)(whole * SPREAD_PRIME % traffic->venues);
}

static double unit_of(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1.0p-53;
}

static uint32_t draw_person(const struct traffic *traffic, struct random *random)
{
    double u = random_unit(random), share = u < 1.0 / 3 ? u * 0.75 : 0.25 + (u - 1.0 / 3) * 1.125;
    uint32_t number = (uint32_t)(share * traffic->people);
    return 1 + (number < traffic->people ? number : traffic->people - 1);
}

static uint32_t draw_venue(const struct traffic *traffic, struct random *random, uint32_t person)
{
    uint64_t draw = random_next(random);
    if (draw & 1)
        return popular_venue(traffic, unit_of(draw));
    uint64_t place = (uint64_t)person * OWN_PLACES + (draw >> 1) % OWN_PLACES;
    return popular_venue(traffic, unit_of(random_mix(traffic->seed ^ place)));
}

void traffic_day(const struct traffic *traffic, uint32_t day, struct presence_event *out)
{
    struct random random;
    double total = 0;
    uint32_t made = 0;
    random_init(&random, traffic->seed, day);
    for (int hour = 0; hour < HOURS; hour++)
        total += rhythm[hour];
    int64_t start = time_day_start_seconds(traffic->first_day + (int32_t)day);
    double before = 0;
    for (int hour = 0; hour < HOURS; hour++) {
        uint32_t end = hour == HOURS - 1 ? traffic->events_a_day
                                         : (uint32_t)((before + rhythm[hour]) / total *
                                                      traffic->events_a_day);
        uint32_t count = end - made;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t person = draw_person(traffic, &random);
            out[made++] = (struct presence_event){
                .person = person,
                .venue = draw_venue(traffic, &random, person),
                .time = (uint32_t)(start + hour * 3600 + (int64_t)((uint64_t)i * 3600 / count)),
                .flags = scan_flags(SCAN_PERSON_SCANS_VENUE,
                                    random_below(&random, 8) ? SCAN_CLAIMED : SCAN_ATTENDED,
                                    SCAN_PASS)};
        }
        before += rhythm[hour];
    }
}

bool traffic_write(const struct traffic *traffic, uint64_t count, const char *path,
                   struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, path, "create");
    struct presence_event *events = x_alloc(traffic->events_a_day, sizeof *events);
    bool done = true;
    for (uint32_t day = 0; done && count && day < traffic->days; day++) {
        uint64_t taken = count < traffic->events_a_day ? count : traffic->events_a_day;
        traffic_day(traffic, day, events);
        done = file_write_all(fd, events, taken * sizeof *events, path, err);
        count -= taken;
    }
    free(events);
    close(fd);
    return done;
}
