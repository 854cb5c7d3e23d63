/* What is due before a night of the desk, in order; each count is read from a snapshot and written
 * as one job together with how far it has come.
 *
 *   days of a count: from the last one written less `days_again`, or `days_back` before, to the day
 *
 * Invariant: a count's state never says more than its points. A day that is counted again with the
 * same result writes nothing (alerts_feed). */
#include <stdlib.h>

#include "alerts/alerts.h"
#include "feeds/feeds_internal.h"

static const struct sql_text state_select = {"feed_state_select",
                                             "SELECT last_day FROM feed_state WHERE feed = ?1",
                                             "sqlite_autoindex_feed_state_1"};
static const struct sql_text state_put = {
    "feed_state_put",
    "INSERT INTO feed_state (feed, last_day) VALUES (?1, ?2)"
    " ON CONFLICT (feed) DO UPDATE SET last_day = excluded.last_day",
    "primary key"};

const char feed_source[] = "platform";

const struct sql_list night_statements = SQL_LIST(&state_select, &state_put);

/* By the name of their channel. */
static const struct {
    const char *channel;
    feed_count *count;
} counts[] = {
    {"silent_venues", silent_count},
    {"overdue_groups", overdue_count},
    {"pcr_abnormal", abnormal_count},
    {"checkpoint_positives", checkpoint_count},
};

bool feed_state_read(struct sql *sql, const char *feed, int32_t *ret_last, struct error *err)
{
    int64_t last;
    if (!sql_one_int(sql, &state_select, SQL_ARGUMENTS(sql_text(slice_of(feed))), INT32_MIN, &last,
                     err))
        return false;
    *ret_last = (int32_t)last;
    return true;
}

bool feed_state_set(struct sql *sql, const char *feed, int32_t last, struct error *err)
{
    return sql_run(sql, &state_put, SQL_ARGUMENTS(sql_text(slice_of(feed)), sql_int(last)), err);
}

/* ---- One count */

struct writing {
    struct feeds *feeds;
    const char *channel;
    struct alerts_count *points;
    size_t count, capacity;
    int32_t last;
    int64_t written;
};

static bool write_points(struct sql *sql, void *context, struct error *err)
{
    struct writing *writing = context;
    return alerts_feed(writing->feeds->platform->alerts, sql, slice_of(feed_source),
                       writing->points, writing->count, &writing->written, err) &&
           feed_state_set(sql, writing->channel, writing->last, err);
}

static void take_tallies(struct writing *writing, const struct places *places, int32_t day,
                         const struct tally *tallies)
{
    for (size_t i = 0; i < places->area_count; i++) {
        if (!tallies[i].known)
            continue;
        if (writing->count == writing->capacity) {
            writing->capacity = writing->capacity ? 2 * writing->capacity : 256;
            writing->points =
                x_realloc(writing->points, writing->capacity * sizeof *writing->points);
        }
        writing->points[writing->count++] = (struct alerts_count){
            writing->channel, places->areas[i], day, tallies[i].count, tallies[i].total,
            TIMESTAMP_NONE};
    }
}

static bool count_days(struct feed_run *run, feed_count *count, int32_t first, int32_t day,
                       struct writing *writing, struct error *err)
{
    struct tally *tallies = x_alloc(run->places.area_count + 1, sizeof *tallies);
    bool done = true;
    for (int32_t d = first; done && d <= day; d++) {
        memset(tallies, 0, run->places.area_count * sizeof *tallies);
        done = count(run, d, tallies, err);
        if (done)
            take_tallies(writing, &run->places, d, tallies);
    }
    free(tallies);
    return done;
}

static bool bring(struct feed_run *run, const char *channel, feed_count *count, int32_t day,
                  int64_t *ret_written, struct error *err)
{
    const int64_t *number = run->feeds->settings.number;
    struct writing writing = {.feeds = run->feeds, .channel = channel, .last = day};
    int32_t last, first = day - (int32_t)number[NUMBER_DAYS_BACK] + 1;
    *ret_written = 0;
    if (!feed_state_read(run->sql, channel, &last, err))
        return false;
    if (last != INT32_MIN && last + 1 - (int32_t)number[NUMBER_DAYS_AGAIN] > first)
        first = last + 1 - (int32_t)number[NUMBER_DAYS_AGAIN];
    if (first > day)
        return true;
    writing.last = last > day ? last : day;
    bool done = count_days(run, count, first, day, &writing, err) &&
                store_write(run->feeds->platform->store, write_points, &writing, err);
    free(writing.points);
    *ret_written = writing.written;
    return done;
}

/* ---- All of them */

/* Damage in one store, or a channel that the city made another one, must not silence the desk: the
 * count is missing, and its feed stops. */
static bool passable(bool done, const struct error *err)
{
    if (!done && (err->code == ERROR_CORRUPT || err->code == ERROR_BAD_VALUE)) {
        log_error("feeds", err);
        return true;
    }
    return done;
}

static bool bring_all(struct feed_run *run, int32_t day, int64_t *ret_written, struct error *err)
{
    int64_t written;
    *ret_written = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (!passable(bring(run, counts[i].channel, counts[i].count, day, &written, err), err))
            return false;
        *ret_written += written;
    }
    if (!passable(clusters_keep(run, day, &written, err), err))
        return false;
    *ret_written += written;
    return passable(silence_tell(run, day, err), err);
}

static bool run_day(struct feeds *feeds, int32_t day, int64_t *ret_written, struct error *err)
{
    struct platform *platform = feeds->platform;
    struct feed_run run = {.feeds = feeds};
    if (!store_read_begin(platform->store, &run.sql, err))
        return false;
    bool done = places_read(platform, run.sql, &run.places, err) &&
                presence_view_begin(platform->presence, &run.view, err);
    *ret_written = 0;
    if (done && run.places.area_count)
        done = bring_all(&run, day, ret_written, err);
    presence_view_end(run.view);
    silent_release(&run);
    places_release(&run.places);
    store_read_end(platform->store, run.sql);
    return done;
}

bool feeds_run(struct feeds *feeds, int32_t day, int64_t *ret_written, struct error *err)
{
    pthread_mutex_lock(&feeds->acting);
    bool done = run_day(feeds, day, ret_written, err);
    pthread_mutex_unlock(&feeds->acting);
    return done;
}
