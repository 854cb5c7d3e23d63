/* A venue that fell silent is told once, by the event venue.silent, and so becomes a loop.
 *
 *   scans of the day and of its week before (silent.c) ─┬─ a category that stands still together:
 *                                                       │  a day off, or an order; people judge the
 *                                                       │  channel's alert, no venue is asked
 *                                                       └─ a venue alone ─► venue_silence, and the
 *                                                          event where its silence began that day
 *
 * Only the newest day is told, never one that is counted for the past: who is asked today about a
 * code that hung a week ago cannot mend it. The rows, the events and how far it has come change in
 * one job. Numbers: policies/feeds.yaml, policies/checkin.yaml; what is asked of the venue:
 * scenes/venue_silent.yaml. */
#include <stdlib.h>

#include "feeds/feeds_internal.h"

static const struct sql_text silence_last = {
    "venue_silence_last", "SELECT last_day FROM venue_silence WHERE venue_no = ?1", "primary key"};
static const struct sql_text silence_put = {
    "venue_silence_put",
    "INSERT INTO venue_silence (venue_no, first_day, last_day) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (venue_no) DO UPDATE SET first_day = excluded.first_day,"
    " last_day = excluded.last_day",
    "primary key"};
static const struct sql_text silence_go_on = {
    "venue_silence_go_on", "UPDATE venue_silence SET last_day = ?2 WHERE venue_no = ?1",
    "primary key"};

const struct sql_list silence_statements =
    SQL_LIST(&silence_last, &silence_put, &silence_go_on);

static const char feed[] = "venue_silence";

struct silence {
    uint32_t venue;
    int64_t area_no;
    uint16_t usual; /* scans on the same day of the week before */
};
struct telling {
    int32_t day;
    struct silence *items;
    size_t count;
};
/* Venues of a category with the usual number of scans, and those of them without any now. */
struct category_sum {
    int64_t usual, silent;
};

static bool is_together(const int64_t *number, const struct category_sum *sum)
{
    return sum->silent >= number[NUMBER_SILENT_TOGETHER_LEAST] &&
           sum->silent * 100 >= sum->usual * number[NUMBER_SILENT_TOGETHER];
}

static void gather(struct feed_run *run, const uint16_t *now, const uint16_t *before,
                   struct telling *telling)
{
    const int64_t *number = run->feeds->settings.number;
    const struct places *places = &run->places;
    int64_t usual = policy_number(places->policy, NUMBER_VENUE_SILENT_SCANS);
    struct category_sum sums[CATEGORIES_MAX] = {{0, 0}};
    telling->items = x_alloc((size_t)places->venue_limit + 1, sizeof *telling->items);
    for (uint32_t venue = 1; venue < places->venue_limit; venue++) {
        const struct venue_place *place = places_venue(places, venue);
        if (!place || !place->open || before[venue] < usual)
            continue;
        sums[place->category].usual++;
        if (now[venue])
            continue;
        sums[place->category].silent++;
        telling->items[telling->count++] =
            (struct silence){venue, places->areas[place->area], before[venue]};
    }
    size_t kept = 0;
    for (size_t i = 0; i < telling->count; i++)
        if (!is_together(number, &sums[places->venues[telling->items[i].venue].category]))
            telling->items[kept++] = telling->items[i];
    telling->count = kept;
}

static bool emit(struct sql *sql, const struct silence *silence, int32_t day, struct error *err)
{
    char payload[100];
    timestamp since = time_day_start_seconds(day) * SECOND;
    int length = snprintf(payload, sizeof payload, "{\"silent_since\":%lld,\"usual_scans\":%u}",
                          (long long)since, (unsigned)silence->usual);
    struct event event = {.kind = SLICE("venue.silent"),
                          .subject_no = silence->venue,
                          .area_no = silence->area_no,
                          .at = since,
                          .payload = {payload, (size_t)length}};
    return event_emit(sql, &event, err);
}

static bool tell(struct sql *sql, const struct silence *silence, int32_t day, struct error *err)
{
    int64_t last;
    if (!sql_one_int(sql, &silence_last, SQL_ARGUMENTS(sql_int(silence->venue)), INT32_MIN, &last,
                     err))
        return false;
    if (last >= day - 1) /* it goes on, and was told */
        return sql_run(sql, &silence_go_on,
                       SQL_ARGUMENTS(sql_int(silence->venue), sql_int(day)), err);
    return sql_run(sql, &silence_put,
                   SQL_ARGUMENTS(sql_int(silence->venue), sql_int(day), sql_int(day)), err) &&
           emit(sql, silence, day, err);
}

static bool tell_all(struct sql *sql, void *context, struct error *err)
{
    const struct telling *telling = context;
    for (size_t i = 0; i < telling->count; i++)
        if (!tell(sql, &telling->items[i], telling->day, err))
            return false;
    return feed_state_set(sql, feed, telling->day, err);
}

bool silence_tell(struct feed_run *run, int32_t day, struct error *err)
{
    struct telling telling = {.day = day};
    const uint16_t *now, *before;
    int32_t last;
    if (!feed_state_read(run->sql, feed, &last, err))
        return false;
    if (last >= day)
        return true;
    if (!silent_scans(run, day, &now, err) || !silent_scans_before(run, day, &before, err))
        return false;
    if (!now || !before) /* nothing is known of the day */
        return true;
    gather(run, now, before, &telling);
    bool done = store_write(run->feeds->platform->store, tell_all, &telling, err);
    free(telling.items);
    return done;
}
