/* RFC 3339 in and out. Calendar arithmetic is libc's (timegm, gmtime_r). */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

/* Reads `digits` decimal digits at *at, moves on. */
static bool digits(struct slice text, size_t *at, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (*at >= text.length || text.data[*at] < '0' || text.data[*at] > '9')
            return false;
        value = value * 10 + (text.data[*at] - '0');
    }
    *ret_value = value;
    return true;
}

static bool sign(struct slice text, size_t *at, char wanted)
{
    if (*at >= text.length || text.data[*at] != wanted)
        return false;
    (*at)++;
    return true;
}

static bool date(struct slice text, size_t *at, struct tm *ret_date)
{
    int year, month, day;
    if (!digits(text, at, 4, &year) || !sign(text, at, '-') || !digits(text, at, 2, &month) ||
        !sign(text, at, '-') || !digits(text, at, 2, &day))
        return false;
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1900 || year > 2199 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1])
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap)
        return false;
    *ret_date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return true;
}

static bool fraction(struct slice text, size_t *at, int64_t *ret_microseconds)
{
    *ret_microseconds = 0;
    if (*at >= text.length || text.data[*at] != '.')
        return true;
    (*at)++;
    int64_t scale = 100000;
    size_t first = *at;
    for (; *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        *ret_microseconds += scale * (text.data[*at] - '0');
        scale /= 10;
    }
    return *at > first;
}

static bool offset(struct slice text, size_t *at, int *ret_seconds)
{
    if (*at >= text.length)
        return false;
    char c = text.data[(*at)++];
    if (c == 'Z' || c == 'z') {
        *ret_seconds = 0;
        return true;
    }
    int hours, minutes;
    if ((c != '+' && c != '-') || !digits(text, at, 2, &hours) || !sign(text, at, ':') ||
        !digits(text, at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_seconds = (hours * 3600 + minutes * 60) * (c == '-' ? -1 : 1);
    return true;
}

bool time_parse(struct slice text, timestamp *ret_time)
{
    size_t at = 0;
    struct tm moment;
    int hour, minute, second, offset_seconds;
    int64_t microseconds;
    if (!date(text, &at, &moment) || at >= text.length ||
        (text.data[at] != 'T' && text.data[at] != 't'))
        return false;
    at++;
    if (!digits(text, &at, 2, &hour) || !sign(text, &at, ':') || !digits(text, &at, 2, &minute) ||
        !sign(text, &at, ':') || !digits(text, &at, 2, &second) ||
        !fraction(text, &at, &microseconds) || !offset(text, &at, &offset_seconds) ||
        at != text.length || hour > 23 || minute > 59 || second > 59)
        return false;
    moment.tm_hour = hour;
    moment.tm_min = minute;
    moment.tm_sec = second;
    *ret_time = ((int64_t)timegm(&moment) - offset_seconds) * SECOND + microseconds;
    return true;
}

bool time_parse_date(struct slice text, int32_t *ret_day)
{
    size_t at = 0;
    struct tm moment;
    if (!date(text, &at, &moment) || at != text.length)
        return false;
    *ret_day = (int32_t)(timegm(&moment) / 86400);
    return true;
}

const char *time_format(timestamp time, char out[TIME_TEXT_BYTES])
{
    int64_t seconds = time / SECOND;
    int64_t rest = time % SECOND;
    if (rest < 0)
        rest += SECOND, seconds--;
    time_t local = (time_t)(seconds + LOCAL_OFFSET_SECONDS);
    struct tm parts;
    gmtime_r(&local, &parts);
    size_t length = strftime(out, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest)
        length += (size_t)snprintf(out + length, TIME_TEXT_BYTES - length, ".%06d", (int)rest);
    snprintf(out + length, TIME_TEXT_BYTES - length, "+08:00");
    return out;
}

const char *time_format_date(int32_t day, char out[TIME_TEXT_BYTES])
{
    time_t start = (time_t)day * 86400;
    struct tm parts;
    gmtime_r(&start, &parts);
    strftime(out, TIME_TEXT_BYTES, "%Y-%m-%d", &parts);
    return out;
}
