/* The days before the city was made, as check-ins of the day store. Inside the sim room. */
#ifndef CHENGMAI_SIM_HISTORY_H
#define CHENGMAI_SIM_HISTORY_H

#include "sim/outbreak.h"

struct history; /* working memory, used again every day */
struct history *history_create(const struct city *city);
void history_free(struct history *history); /* accepts NULL */
/* Generates a day's check-ins before `until` (unix seconds), without those of isolated people, and
 * stores them. */
bool history_day(struct history *history, const struct outbreak *outbreak, int32_t day,
                 int64_t until, struct error *err) MUST_USE;

#endif
