/* The synthetic city's people and places as pure functions of (seed, number): who somebody is,
 * where they go on a day, when they are tested. Inside the sim room.
 *
 *   town ─ blocks of ten households ─ persons        venues: by town and need, popular ones first
 *
 * Nothing here is stored: the register, the check-ins of the past and the life of a served city are
 * all read off the same functions. */
#ifndef CHENGMAI_SIM_CITY_H
#define CHENGMAI_SIM_CITY_H

#include "registry/registry.h"
#include "sim/settings.h"

enum { CITY_DAYS = 14, HOUSEHOLDS_A_BLOCK = 10, BLOCK_PERSONS_MAX = 60, HOUSEHOLD_MAX = 60 };

struct town {
    int64_t area_no;
    uint32_t first_person, person_count;
    uint32_t first_household, household_count;
    uint32_t first_venue[NEED_COUNT], venue_count[NEED_COUNT]; /* numbers, consecutive */
    double latitude, longitude;
};

struct profile {
    uint32_t daily_venue; /* workplace or school, 0 none */
    uint16_t town;
    uint8_t age;
    uint8_t flags; /* PERSON_MALE … */
};
enum { PERSON_MALE = 1, PERSON_WORKS = 2, PERSON_STAFF = 4, PERSON_UNTESTED = 8 };

struct city {
    struct platform *platform;
    struct settings *settings;
    uint64_t seed;
    uint32_t person_count, household_count, venue_count, truck_count;
    struct town *towns;
    size_t town_count;
    uint32_t
        *venues_before[NEED_COUNT]; /* of a need, in towns before this one; [town_count] = all */
    uint8_t *kind_of_venue;              /* by number: index of settings->venues */
    uint8_t *category_of_venue;          /* by number: index of policy_category */
    struct profile *profiles;            /* by person; NULL: found anew where needed */
    uint32_t block_persons;
    uint32_t tube_count, tube_step, tube_unstep, tube_start; /* screening.c */
    int64_t level_seconds[4]; /* how old a negative may be, by check level; 0 = any */
};

/* The city of that many people; `cache` keeps all profiles in memory (8 bytes a person). */
bool city_open(struct platform *platform, int64_t people, uint64_t seed, bool cache,
               struct city **ret_city, struct error *err) MUST_USE;
void city_close(struct city *city); /* accepts NULL */

/* ---- People */
/* The block of a person: its first person, how many, and their profiles and households. */
struct block {
    uint32_t first_person, count;
    uint32_t first_household;
    uint8_t household[BLOCK_PERSONS_MAX]; /* within the block, ascending */
    struct profile profile[BLOCK_PERSONS_MAX];
};
void city_block(const struct city *city, uint32_t person, struct block *ret_block);
struct profile city_profile(const struct city *city, uint32_t person);
/* Persons of the household of `person`, by number, without themselves; how many. */
size_t city_housemates(const struct city *city, uint32_t person, uint32_t out[HOUSEHOLD_MAX]);
int64_t city_area_of(const struct city *city, uint32_t person);

/* ---- Places */
/* Somewhere for that need, for somebody of that town: mostly near, popularity heavy-tailed. */
uint32_t city_pick_venue(const struct city *city, struct random *random, size_t town,
                         enum need need);
/* Town and kind of a venue. */
size_t city_venue_town(const struct city *city, uint32_t venue);
static inline const struct venue_kind *city_venue_kind(const struct city *city, uint32_t venue)
{
    return &city->settings->venues[city->kind_of_venue[venue]];
}

/* ---- Days (day.c) */
static inline bool city_is_rest_day(int32_t day)
{
    int weekday = (int)((day + 4) % 7); /* 1970-01-01 was a Thursday; 0 = Sunday */
    return weekday == 0 || weekday == 6;
}
/* How a scan was made: eight ways, so that an event fits into one number. */
struct city_visit {
    uint32_t venue;
    uint32_t second; /* of the day */
    uint8_t way;     /* index of city_ways */
};
enum { CITY_WAYS = 8, CITY_VISITS_MAX = VISIT_PLANS_MAX + 1 };
extern const uint8_t city_ways[CITY_WAYS]; /* scan_flags */
/* Visits of one person on one day, in no order; how many. The same always. What the status table
 * knew then is known here from the turns of mass testing. */
size_t city_person_day(const struct city *city, uint32_t person, struct profile profile,
                       int32_t day, struct city_visit out[CITY_VISITS_MAX]);

/* ---- Mass testing (screening.c): tubes of neighbours in turn, every tube every few days */
/* Sets the order of tubes (once, by city_open). */
void screening_plan(struct city *city);
/* Whether the person is swabbed on that day, and when (unix seconds). */
bool screening_on(const struct city *city, uint32_t person, struct profile profile, int32_t day,
                  int64_t *ret_second);
/* First swab at or after a moment. False for those whom no round reaches. */
bool screening_next(const struct city *city, uint32_t person, struct profile profile,
                    int64_t second, int64_t *ret_second);
/* When the tube of that swab is reported: all members at once. */
int64_t screening_reported(const struct city *city, uint32_t person, int64_t swab);
/* The latest swab whose result was reported by `second`; 0 none. */
int64_t screening_known(const struct city *city, uint32_t person, struct profile profile,
                        int64_t second);
/* Persons of the tube of `person`: first and how many (tubes end with the city). */
uint32_t screening_tube(const struct city *city, uint32_t person, uint32_t *ret_count);
/* Tubes whose first swab is in [first, last) unix seconds, at most `max`; how many. */
size_t screening_tubes_between(const struct city *city, int64_t first, int64_t last,
                               uint32_t *out_first_person, size_t max);

#endif
