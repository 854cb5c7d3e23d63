/* Time: UTC inside, int64 microseconds since 1970; Asia/Shanghai (UTC+8, no summer time since
 * 1991) at the edges. A `day` is the number of the city's local day since 1970-01-01. */
#ifndef CHENGMAI_BASE_TIME_H
#define CHENGMAI_BASE_TIME_H

#include "base/text.h"

typedef int64_t timestamp; /* microseconds since 1970-01-01T00:00:00Z */

#define TIMESTAMP_NONE INT64_MIN
#define TIMESTAMP_NEVER INT64_MAX
#define SECOND ((timestamp)1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
enum { LOCAL_OFFSET_SECONDS = 8 * 3600, TIME_TEXT_BYTES = 40 };

/* Reads RFC 3339 (offset required, "T" or "t", fraction up to microseconds kept, leap second
 * refused), years 1900 to 2199. False where it is anything else. */
bool time_parse(struct slice text, timestamp *ret_time) MUST_USE;
/* Reads "YYYY-MM-DD"; gives the day number. */
bool time_parse_date(struct slice text, int32_t *ret_day) MUST_USE;
/* Writes "2022-04-14T14:30:00+08:00" (fraction only where not zero); returns `out`. */
const char *time_format(timestamp time, char out[TIME_TEXT_BYTES]);
/* Writes "2022-04-14"; returns `out`. */
const char *time_format_date(int32_t day, char out[TIME_TEXT_BYTES]);

/* The city's local day of unix seconds. */
static inline int32_t time_day_of_seconds(int64_t unix_seconds)
{
    int64_t local = unix_seconds + LOCAL_OFFSET_SECONDS;
    return (int32_t)(local >= 0 ? local / 86400 : -((-local + 86399) / 86400));
}
/* The unix second at which a local day begins. */
static inline int64_t time_day_start_seconds(int32_t day)
{
    return (int64_t)day * 86400 - LOCAL_OFFSET_SECONDS;
}

#endif
