/* Calendar arithmetic on day numbers (days since 1970-01-01), proleptic Gregorian. */
#include "sensing/calendar.h"

/* Years begin in March, so that the leap day is the last (Hinnant, "chrono-Compatible Low-Level
 * Date Algorithms"). */
static void civil_of(int32_t day, int64_t *ret_month_index, int *ret_day_of_month)
{
    int64_t z = (int64_t)day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    *ret_day_of_month = (int)(of_year - (153 * month + 2) / 5 + 1);
    *ret_month_index = (year + era * 400) * 12 + month;
}

static int32_t first_of_month(int64_t month_index)
{
    int64_t year = (month_index >= 0 ? month_index : month_index - 11) / 12;
    int64_t month = month_index - year * 12, era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400, of_year = (153 * month + 2) / 5;
    return (int32_t)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468);
}

int32_t day_plus_months(int32_t day, int months)
{
    int64_t month_index;
    int of_month;
    civil_of(day, &month_index, &of_month);
    return first_of_month(month_index + months) + of_month - 1;
}

int day_of_month(int32_t day)
{
    int64_t month_index;
    int of_month;
    civil_of(day, &month_index, &of_month);
    return of_month;
}

int day_of_week(int32_t day)
{
    int of_week = (day + 4) % 7; /* 1970-01-01 was a Thursday */
    return of_week < 0 ? of_week + 7 : of_week;
}

size_t series_find_day(const struct series *series, int32_t day)
{
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->days[middle] < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < series->count && series->days[low] == day ? low : SIZE_MAX;
}
