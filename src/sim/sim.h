/* sim: a synthetic Changzhou, its history and its life. People, places and numbers are data of
 * policies/demo_city.yaml; see README.md for the idea. */
#ifndef CHENGMAI_SIM_SIM_H
#define CHENGMAI_SIM_SIM_H

#include "module/module.h"

enum { SIM_PEOPLE_MIN = 100, SIM_PEOPLE_MAX = 16000000 };

struct sim_plan {
    int64_t people;      /* SIM_PEOPLE_MIN … SIM_PEOPLE_MAX */
    uint64_t seed;
    timestamp now;       /* the city's moment of creation: its history ends here */
    const char *program; /* as the caller wrote it, for the commands to copy */
    FILE *out;
};
/* Fills a new data directory: people, places, 14 days of check-ins and tests, one outbreak that
 * spreads over co-presence, the evidence and cases that follow from it, users. Says on `out` one
 * login a role, the case to trace, and three commands to copy. The same seed, number and moment
 * give the same exports. */
bool sim_city_build(struct platform *platform, const struct sim_plan *plan,
                    struct error *err) MUST_USE;

/* Life in a demo city that is served: its people go on scanning, testing and meeting. */
struct sim_life;
/* Cheap: the people are woken by the first ticks. */
bool sim_life_open(struct platform *platform, struct sim_life **ret_life,
                   struct error *err) MUST_USE;
void sim_life_close(
    struct sim_life *life); /* accepts NULL; what was appended may still be durable */
/* What happened since the last tick, up to city time `now`; to be called every second or so.
 * Bounded work; what it draws follows from (seed, second). */
bool sim_life_tick(struct sim_life *life, timestamp now, struct error *err) MUST_USE;

/* Opens the next loop for show; *ret_more false when each scene has had its number. */
struct city;
bool matters_open_next(struct platform *platform, const struct city *city, timestamp now,
                       bool *ret_more, struct error *err) MUST_USE;

/* What the channels of the alert desk report of the city: all days before `made_day` that its
 * policy says, or further ones up to and with the last whose counts are in by `now`. Does nothing
 * where there is no alert desk, or no day to come. */
bool series_report(struct platform *platform, const struct city *city, timestamp now,
                   struct error *err) MUST_USE;

extern const struct module sim_module;

#endif
