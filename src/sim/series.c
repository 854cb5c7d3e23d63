/* What the channels of the alert desk report of a demo city: a count a channel, district and day,
 * drawn around a mean or taken from a record (recorded.c), with the rises and the silences that
 * the policy plants and no others. A drawn count follows from (seed, channel, district, day)
 * alone, so that a city that is made again, or served after a rest, has the same.
 *
 * Words: the *made day* is the day of creation; the days before it are the past of the city. State:
 * the settings `demo_series_made` and `demo_series_to`, the last day that was reported, written in
 * the job that writes the counts. */
#include <math.h>

#include "alerts/alerts.h"
#include "base/random.h"
#include "registry/registry.h"
#include "sim/city.h"
#include "sim/sim.h"

enum { STREAM_SERIES = 0x5E21 };

struct reporting {
    struct platform *platform;
    const struct settings *settings;
    const struct area **districts;
    size_t district_count;
    int32_t made_day, first, last; /* days to report */
};

static int64_t poisson(double mean, struct random *random)
{
    int64_t count = -1;
    for (double left = exp(-mean), product = 1; product > left; count++)
        product *= random_unit(random);
    return count;
}

static const struct series_event *event_of(const struct reporting *reporting, const char *channel,
                                           const struct area *area, int32_t day)
{
    for (size_t i = 0; i < reporting->settings->event_count; i++) {
        const struct series_event *event = &reporting->settings->events[i];
        bool during = day >= reporting->made_day - event->days &&
                      (day < reporting->made_day || event->times <= 0);
        if (during && strcmp(event->channel, channel) == 0 &&
            slice_equal(area->code, slice_of(event->area)))
            return event;
    }
    return NULL;
}

static int64_t count_of(const struct reporting *reporting, size_t plan_index, size_t district,
                        int32_t day, double times)
{
    const struct settings *settings = reporting->settings;
    const struct series_plan *plan = &settings->series[plan_index];
    const struct area *area = reporting->districts[district];
    struct random random;
    if (plan->recorded[0])
        return llround(times *
                       (double)recorded_count(settings, plan, reporting->made_day, day, district));
    random_init(&random, store_seed(reporting->platform->store),
                random_mix((uint64_t)area->no) ^ (uint64_t)day << 24 ^ plan_index << 16 ^
                    STREAM_SERIES);
    return poisson(plan->mean * times, &random);
}

static bool report_one(const struct reporting *reporting, struct sql *sql, size_t plan_index,
                       size_t district, int32_t day, struct error *err)
{
    const struct settings *settings = reporting->settings;
    const struct series_plan *plan = &settings->series[plan_index];
    const struct area *area = reporting->districts[district];
    const struct series_event *event = event_of(reporting, plan->channel, area, day);
    if (event && event->times <= 0)
        return true; /* silent */
    int64_t reported =
        time_day_start_seconds(day + 1) + setting_hours(settings, SERIES_REPORTED_HOUR);
    int64_t written;
    struct alerts_count count = {.channel = plan->channel,
                                 .area_no = area->no,
                                 .day = day,
                                 .count = count_of(reporting, plan_index, district, day,
                                                   event ? event->times : 1),
                                 .total = -1,
                                 .reported_at = reported * SECOND};
    return alerts_feed(reporting->platform->alerts, sql, SLICE("demo"), &count, 1, &written, err);
}

static bool put_whole(struct sql *sql, const char *name, int64_t value, struct error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return store_setting_set(sql, name, slice_of(text), err);
}

static bool report(struct sql *sql, void *context, struct error *err)
{
    const struct reporting *reporting = context;
    for (int32_t day = reporting->first; day <= reporting->last; day++)
        for (size_t plan = 0; plan < reporting->settings->series_count; plan++)
            for (size_t i = 0; i < reporting->district_count; i++)
                if (!report_one(reporting, sql, plan, i, day, err))
                    return false;
    return put_whole(sql, "demo_series_made", reporting->made_day, err) &&
           put_whole(sql, "demo_series_to", reporting->last, err);
}

/* 0 where it was not written yet. */
static bool read_day(struct sql *sql, const char *name, int32_t *ret_day, struct error *err)
{
    struct buffer text;
    int64_t value = 0;
    buffer_init(&text, 64);
    bool done = store_setting_get(sql, name, &text, err);
    if (done && !slice_to_int64(buffer_slice(&text), 0, INT32_MAX, &value))
        value = 0;
    buffer_release(&text);
    *ret_day = (int32_t)value;
    return done;
}

static bool read_state(struct reporting *reporting, int32_t *ret_to, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(reporting->platform->store, &sql, err))
        return false;
    bool done = read_day(sql, "demo_series_made", &reporting->made_day, err) &&
                read_day(sql, "demo_series_to", ret_to, err);
    store_read_end(reporting->platform->store, sql);
    return done;
}

bool series_report(struct platform *platform, const struct city *city, timestamp now,
                   struct error *err)
{
    struct reporting reporting = {.platform = platform, .settings = city->settings};
    const struct area *whole = registry_city(platform->registry);
    struct arena arena;
    int32_t to;
    if (!platform->alerts || !whole)
        return true;
    if (!read_state(&reporting, &to, err))
        return false;
    int64_t in_by = now / SECOND - setting_hours(city->settings, SERIES_REPORTED_HOUR);
    reporting.last = time_day_of_seconds(in_by) - 1;
    reporting.first = to + 1;
    if (!reporting.made_day) { /* the city is being made */
        reporting.made_day = time_day_of_seconds(now / SECOND);
        reporting.first = reporting.made_day - (int32_t)city->settings->number[SERIES_DAYS];
    }
    if (reporting.first > reporting.last)
        return true;
    arena_init(&arena, 1 << 20);
    reporting.district_count =
        registry_areas_under(platform->registry, whole->no, &arena, &reporting.districts);
    bool done = store_write(platform->store, report, &reporting, err);
    arena_release(&arena);
    return done;
}
