/* Days of past years, as R's seq.Date finds them. */
#ifndef CHENGMAI_SENSING_CALENDAR_H
#define CHENGMAI_SENSING_CALENDAR_H

#include "sensing/sensing.h"

/* `day` moved by whole months; a day that the month does not have runs over into the next (29
 * February - 12 months = 1 March). */
int32_t day_plus_months(int32_t day, int months);
/* Day of the month, 1 … 31. */
int day_of_month(int32_t day);
/* 0 Sunday … 6 Saturday. */
int day_of_week(int32_t day);
/* Index of a day in the series, SIZE_MAX where it has none. `series->days` is not NULL. */
size_t series_find_day(const struct series *series, int32_t day);

#endif
