/* Check-ins of a synthetic city for benchmarks: the same parameters give the same events.
 *
 * Not the demo city (sim): only what decides speed is here. A day follows the rhythm of a city; a
 * quarter of the people makes a third of the visits; half of a person's visits go to its own few
 * places; popularity of venues falls as 1 / (rank + 50), so that the greatest venue of a city of
 * 5.28 M takes about 24 000 check-ins a day. */
#ifndef CHENGMAI_BENCH_TRAFFIC_H
#define CHENGMAI_BENCH_TRAFFIC_H

#include "presence/presence.h"

struct traffic {
    uint64_t seed;
    uint32_t people;
    uint32_t venues;
    int32_t first_day; /* the city's local day */
    uint32_t days;
    uint32_t events_a_day;
};

enum { TRAFFIC_PEOPLE_MAX = 16000000, TRAFFIC_DAYS_MAX = 60 };

/* A city of `people` for `days` days up to 2022-04-14: 1.9 check-ins a person and day, one venue
 * for 26 people. */
struct traffic traffic_of(uint32_t people, uint32_t days);
/* The events of day number `day` (0 …) in order of time into `out` (room for events_a_day). */
void traffic_day(const struct traffic *traffic, uint32_t day, struct presence_event *out);
/* Writes the first `count` events of the days, one after another, 16 bytes each as they are in
 * memory: what every side reads. */
bool traffic_write(const struct traffic *traffic, uint64_t count, const char *path,
                   struct error *err) MUST_USE;

#endif
