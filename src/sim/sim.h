/* sim: a synthetic Changzhou. */
#ifndef CHENGMAI_SIM_SIM_H
#define CHENGMAI_SIM_SIM_H

#include "module/module.h"

extern const struct module sim_module;

/* Fills a new data directory: people, venues, 14 days of check-ins and tests, one outbreak that
 * spreads over co-presence, evidence, cases, users. Says on `out` one login a role, the case to trace
 * and three commands. The same seed and number give the same exports. */
bool sim_city_build(struct platform *platform, int64_t people, uint64_t seed, FILE *out,
                    struct error *err) MUST_USE;
/* One second of life in a demo city that is served: people scan and are tested. */
bool sim_life_tick(struct platform *platform, timestamp now, struct error *err) MUST_USE;

#endif
