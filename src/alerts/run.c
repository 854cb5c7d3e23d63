/* The nightly run: every series of every channel is judged as of a day, then all of them are
 * weighed together, then one transaction raises, extends and ends alerts. Reading and judging hold
 * nobody up; the transaction writes only what was found. */
#include <stdlib.h>

#include "alerts/alerts_internal.h"

static const struct sql_text run_put = {
    "alert_run_put",
    "INSERT INTO alert_run (day, ran_at, series, judged, signals, threshold, raise_below)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (day) DO UPDATE SET ran_at = excluded.ran_at,"
    " series = excluded.series, judged = excluded.judged, signals = excluded.signals,"
    " threshold = excluded.threshold, raise_below = excluded.raise_below"
    " WHERE alert_run.series <> excluded.series"
    " OR alert_run.judged <> excluded.judged OR alert_run.signals <> excluded.signals"
    " OR alert_run.threshold <> excluded.threshold",
    "primary key"};
static const struct sql_text run_last = {"alert_run_last", "SELECT max(day) FROM alert_run",
                                         "primary key"};
static const struct sql_text run_latest = {
    "alert_run_latest",
    "SELECT day, ran_at, signals, raise_below FROM alert_run WHERE day <= ?1 AND ran_at <= ?2"
    " ORDER BY day DESC LIMIT 1",
    "primary key"};
static const struct sql_text run_of = {
    "alert_run_of",
    "SELECT day, ran_at, signals, raise_below FROM alert_run WHERE day >= ?1"
    " ORDER BY day LIMIT 1",
    "primary key"};

const struct sql_list run_statements = SQL_LIST(&run_put, &run_last, &run_latest, &run_of);

enum { FINDINGS_MAX = 200000 };

struct run {
    struct alerts *alerts;
    struct sql *sql;
    int32_t day;
    struct arena kept;    /* findings */
    struct arena scratch; /* one series at a time */
    struct finding *findings;
    size_t count, capacity;
    struct alerts_report *report;
    double raise_below; /* a p-value up to it is a signal of this night, the others as they are */
};

static struct finding *add(struct run *run)
{
    if (run->count == run->capacity) {
        run->capacity = run->capacity ? 2 * run->capacity : 256;
        run->findings = x_realloc(run->findings, run->capacity * sizeof *run->findings);
    }
    run->findings[run->count] = (struct finding){.judgement = {.p = NAN}};
    return &run->findings[run->count++];
}

/* ---- Series */

/* As of the day whose reports are due by now, or of the last that was reported: what comes late is
 * judged when it comes, and a day that is judged again finds its alert there. */
static bool judge_feed(struct run *run, const struct channel *channel,
                       const struct series_feed *feed, struct error *err)
{
    int32_t day = run->day - (int32_t)channel->delay_days;
    struct series_point *points;
    struct judgement judgement;
    size_t count;
    run->report->series++;
    arena_clear(&run->scratch);
    day = feed->last_day < day ? feed->last_day : day;
    if (feed->last_day < run->day - channel->silent_after_days || feed->first_day > day)
        return true;
    if (!series_points(run->sql, channel, feed->area_no, day - channel_history_days(channel), day,
                       INT64_MAX, &run->scratch, &points, &count, err) ||
        !channel_judge(channel, points, count, day, &run->scratch, &judgement, err))
        return false;
    if (!judgement.judged)
        return true;
    run->report->judged++;
    if (run->count == FINDINGS_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = channel->name},
                         "at most 200000 series", "there are too many");
    struct finding *finding = add(run);
    finding->channel = channel;
    finding->area_no = feed->area_no;
    finding->day = day;
    finding->judgement = judgement;
    return true;
}

/* Feeds that have stopped. Where most of a channel's have, it is one cause: one alert of the
 * city. */
static void find_silent(struct run *run, const struct channel *channel,
                        const struct series_feed *feeds, size_t count)
{
    const struct area *city = registry_city(run->alerts->platform->registry);
    int32_t since = run->day - (int32_t)channel->silent_after_days;
    size_t silent = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        known += feeds[i].first_day <= run->day;
        silent += feeds[i].first_day <= run->day && feeds[i].last_day < since;
    }
    bool one_cause = city && silent > 1 && 2 * silent > known;
    for (size_t i = 0; i < count; i++) {
        if (feeds[i].first_day > run->day || feeds[i].last_day >= since)
            continue;
        struct finding *finding = add(run);
        finding->channel = channel;
        finding->kind = ALERT_FEED;
        finding->area_no = one_cause ? city->no : feeds[i].area_no;
        finding->members = one_cause ? (int64_t)silent : 1;
        finding->day = run->day;
        finding->judgement = (struct judgement){.observed = run->day - feeds[i].last_day,
                                                .expected = (double)channel->delay_days,
                                                .bound = (double)channel->silent_after_days,
                                                .p = NAN};
        if (one_cause)
            return;
    }
}

static bool judge_channels(struct run *run, struct error *err)
{
    for (size_t c = 0; c < run->alerts->channel_count; c++) {
        const struct channel *channel = &run->alerts->channels[c];
        struct series_feed *feeds;
        size_t count;
        arena_clear(&run->kept);
        if (!series_feeds(run->sql, channel, &run->kept, &feeds, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!judge_feed(run, channel, &feeds[i], err))
                return false;
        find_silent(run, channel, feeds, count);
    }
    return true;
}

/* ---- Weighing */

/* Leaves what is a signal: what a rule made, and what stands out among all series of the night and
 * at its channel's own level, with the least count that is worth a walk. */
static void keep_signals(struct run *run)
{
    double *p = x_alloc(run->count + 1, sizeof *p);
    size_t tests = 0, kept = 0;
    for (size_t i = 0; i < run->count; i++)
        if (run->findings[i].kind == ALERT_SIGNAL && !isnan(run->findings[i].judgement.p))
            p[tests++] = run->findings[i].judgement.p;
    double threshold =
        false_discovery_threshold(p, tests, run->alerts->settings.false_discovery_rate);
    size_t found = 0;
    while (found < tests && p[found] <= threshold)
        found++;
    run->raise_below = tests ? run->alerts->settings.false_discovery_rate *
                                   (double)(found ? found : 1) / (double)tests
                             : 0;
    free(p);
    for (size_t i = 0; i < run->count; i++) {
        const struct finding *finding = &run->findings[i];
        const struct judgement *judgement = &finding->judgement;
        if (finding->kind == ALERT_SIGNAL &&
            !judgement_is_signal(finding->channel, judgement, threshold))
            continue;
        run->report->signals += finding->kind == ALERT_SIGNAL;
        run->findings[kept++] = *finding;
    }
    run->count = kept;
    run->report->threshold = threshold;
}

static bool write_run(struct sql *sql, void *context, struct error *err)
{
    struct run *run = context;
    struct alerts_report *report = run->report;
    report->raised = report->extended = report->ended = 0;
    arena_clear(&run->scratch);
    return episodes_apply(run->alerts, sql, run->day, run->findings, run->count, &run->scratch,
                          report, err) &&
           sql_run(sql, &run_put,
                   SQL_ARGUMENTS(sql_int(run->day), sql_int(sql_now(sql)), sql_int(report->series),
                                 sql_int(report->judged), sql_int(report->signals),
                                 sql_real(report->threshold), sql_real(run->raise_below)),
                   err);
}

static bool run_day(struct run *run, struct error *err)
{
    struct store *store = run->alerts->platform->store;
    if (!store_read_begin(store, &run->sql, err))
        return false;
    bool done = judge_channels(run, err);
    store_read_end(store, run->sql);
    if (!done)
        return false;
    keep_signals(run);
    return store_write(store, write_run, run, err);
}

static int32_t today_of(const struct alerts *alerts)
{
    return time_day_of_seconds(world_now(alerts->platform->world) / SECOND);
}

bool alerts_run(struct alerts *alerts, int32_t day, struct alerts_report *ret_report,
                struct error *err)
{
    struct run run = {.alerts = alerts, .day = day, .report = ret_report};
    *ret_report = (struct alerts_report){.series = 0};
    if (day >= today_of(alerts))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--at"},
                         "a day that has ended", "the day is not over");
    if (alerts->prepare && !alerts->prepare(alerts->prepare_context, day, err))
        return false;
    arena_init(&run.kept, 64 << 20);
    arena_init(&run.scratch, METHOD_ARENA_BYTES_MAX);
    pthread_mutex_lock(&alerts->acting);
    bool done = run_day(&run, err);
    pthread_mutex_unlock(&alerts->acting);
    free(run.findings);
    arena_release(&run.kept);
    arena_release(&run.scratch);
    return done;
}

/* ---- When */

bool alerts_last_day(struct sql *sql, int32_t *ret_day, struct error *err)
{
    int64_t day;
    if (!sql_one_int(sql, &run_last, NULL, 0, INT32_MIN, &day, err))
        return false;
    *ret_day = (int32_t)day;
    return true;
}

static bool read_night(struct sql *sql, const struct sql_text *text,
                       const struct sql_value *arguments, size_t count, struct night *ret_night,
                       bool *ret_found, struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, text, arguments, count, &query, err) || !sql_next(query, ret_found, err))
        return false;
    if (*ret_found) {
        *ret_night = (struct night){(int32_t)sql_get_int(query, 0), sql_get_time(query, 1),
                                    sql_get_int(query, 2), sql_get_real(query, 3)};
        sql_end(query);
    }
    return true;
}

bool night_latest(struct sql *sql, timestamp as_of, struct night *ret_night, bool *ret_found,
                  struct error *err)
{
    timestamp until = as_of == TIMESTAMP_NONE ? INT64_MAX : as_of;
    int64_t day = as_of == TIMESTAMP_NONE ? INT32_MAX : time_day_of_seconds(as_of / SECOND);
    return read_night(sql, &run_latest, SQL_ARGUMENTS(sql_int(day), sql_int(until)), ret_night,
                      ret_found, err);
}

bool night_of(struct sql *sql, int32_t day, struct night *ret_night, bool *ret_found,
              struct error *err)
{
    return read_night(sql, &run_of, SQL_ARGUMENTS(sql_int(day)), ret_night, ret_found, err);
}

bool alerts_run_due(struct alerts *alerts, int64_t *ret_days, struct error *err)
{
    int64_t seconds = world_now(alerts->platform->world) / SECOND;
    int32_t today = time_day_of_seconds(seconds), last;
    int32_t first = today - (int32_t)alerts->settings.catch_up_days;
    struct alerts_report report;
    struct sql *sql;
    *ret_days = 0;
    if (seconds - time_day_start_seconds(today) < alerts->settings.run_hour * 3600)
        return true;
    if (!store_read_begin(alerts->platform->store, &sql, err))
        return false;
    bool done = alerts_last_day(sql, &last, err);
    store_read_end(alerts->platform->store, sql);
    if (last == INT32_MIN)
        first = today - 1; /* the first night of a city */
    for (int32_t day = last >= first ? last + 1 : first; done && day < today; day++) {
        done = alerts_run(alerts, day, &report, err);
        *ret_days += done;
    }
    return done;
}
