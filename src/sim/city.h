/* The synthetic city's people and places; inside the sim room. */
#ifndef CHENGMAI_SIM_CITY_H
#define CHENGMAI_SIM_CITY_H

#include "registry/registry.h"
#include "sim/sim.h"

extern const struct sql_list city_statements, outbreak_statements;

/* What people go out for; every need has its kinds of venues. */
enum need { NEED_WORK, NEED_SCHOOL, NEED_SHOP, NEED_FOOD, NEED_TRANSIT, NEED_LEISURE, NEED_HEALTH,
            NEED_COUNT };

struct town {
    int64_t area_no;
    uint32_t first_person, person_count;
    uint32_t first_venue[NEED_COUNT], venue_count[NEED_COUNT]; /* venue numbers, consecutive */
    double latitude, longitude;
};

struct city {
    struct platform *platform;
    uint64_t seed;
    uint32_t person_count, venue_count;
    struct town *towns;
    size_t town_count;
    uint16_t *town_of;      /* by person number */
    uint8_t *age_of;        /* years, by person number */
    uint32_t *daily_venue;  /* workplace or school, 0 none */
    uint8_t *venue_category;/* by venue number, index of policy */
    int32_t last_day;       /* the city's day of creation */
};

/* Towns of the city with their shares of people and venues. */
bool city_plan(struct platform *platform, int64_t people, uint64_t seed, struct city **ret_city,
               struct error *err) MUST_USE;
void city_free(struct city *city);
/* Writes people, households, venues and external ids (one unsynced job). */
bool city_register(struct city *city, struct error *err) MUST_USE;
/* A venue of that need for somebody of that town: mostly near, popularity heavy-tailed. */
uint32_t city_pick_venue(const struct city *city, struct random *random, size_t town,
                         enum need need);
/* Events of one person on one day into `out` (room for CITY_EVENTS_MAX); how many. The same person,
 * day and seed give the same events. */
enum { CITY_EVENTS_MAX = 12 };
size_t city_person_day(const struct city *city, uint32_t person, int32_t day,
                       struct presence_event *out);

/* ---- The outbreak (outbreak.c) */
struct outbreak;
struct outbreak *outbreak_create(struct city *city);
void outbreak_free(struct outbreak *outbreak);
/* True where the person stays away from everything on that day. */
bool outbreak_is_isolated(const struct outbreak *outbreak, uint32_t person, int32_t day);
/* Spreads over the co-presences of the day that was just stored. */
bool outbreak_spread(struct outbreak *outbreak, int32_t day, struct error *err) MUST_USE;
/* Cases, their contacts and everybody's tests as evidence (one unsynced job). */
bool outbreak_record(struct outbreak *outbreak, struct error *err) MUST_USE;
/* External id of the case with the most exposures, and how many cases there are. */
uint32_t outbreak_index_person(const struct outbreak *outbreak, size_t *ret_cases);

#endif
