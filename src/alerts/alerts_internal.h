/* Inside the alerts room only. */
#ifndef CHENGMAI_ALERTS_INTERNAL_H
#define CHENGMAI_ALERTS_INTERNAL_H

#include <math.h>
#include <pthread.h>

#include "alerts/alerts.h"
#include "registry/registry.h"
#include "sensing/sensing.h"

/* ---- Channels: data of policies/ (channels.c) ------------------------------------------------ */

enum { CHANNELS_MAX = 64, RULES_MAX = 4, HISTORY_ROWS_MAX = 1000, STEP_DAYS_MAX = 7 };

#define MEASURE_TABLE(X)                                                                           \
    X(MEASURE_COUNT, "count")       /* the count as it is */                                       \
    X(MEASURE_SHARE, "share")       /* count of a total */                                         \
    X(MEASURE_LOAD, "load")         /* a concentration times its flow */                           \
    X(MEASURE_DETECTED, "detected") /* 1 where the count is above the detection limit */
enum measure {
#define X(id, name) id,
    MEASURE_TABLE(X)
#undef X
        MEASURE_KINDS
};

/* `count` or more within the last `days` days, whatever was usual. */
struct channel_rule {
    int64_t count, days;
};
struct channel {
    const char *name, *group, *source; /* group: a channel of scenes/alert_disposition.yaml */
    struct words title, reported_by, asks;
    enum measure measure;
    int64_t step_days; /* 1, or 7: sums of weeks */
    int64_t delay_days, silent_after_days, minimum_count;
    double completeness, weight, alpha;
    struct channel_rule rules[RULES_MAX];
    size_t rule_count;
    const char *detector;        /* NULL: rules alone */
    const struct method *method; /* of the sensing room; NULL: log_trend, or rules alone */
    json_t *parameters;          /* of the method; NULL: none */
    int64_t history_rows, baseline;
    double growth, log_error; /* of log_trend */
};

enum { LEVELS = 4 };
struct alert_settings {
    double false_discovery_rate;
    int64_t quiet_days, score_days, run_hour, catch_up_days, keep_days;
    double levels[LEVELS]; /* scores from which they begin; blue from 0 */
};

struct alerts {
    struct platform *platform;
    struct arena texts;
    struct alert_settings settings;
    struct channel channels[CHANNELS_MAX]; /* by name */
    size_t channel_count;
    alerts_preparer *prepare; /* NULL: none */
    void *prepare_context;
    pthread_mutex_t acting; /* one run at a time */
    pthread_mutex_t lock;   /* owns stopping */
    pthread_cond_t changed;
    bool stopping, started;
    pthread_t thread;
};
/* One channel from a document, checked whole; texts in `texts`. ERROR_BAD_VALUE names file and
 * field. The parameters are the caller's to release, also after a failure. */
bool channel_read(json_t *document, const char *source, struct arena *texts,
                  struct channel *ret_channel, struct error *err) MUST_USE;
bool alert_settings_read(json_t *document, struct alert_settings *ret_settings,
                         struct error *err) MUST_USE;
bool channels_load(struct alerts *alerts, struct error *err) MUST_USE;
void channels_release(struct alerts *alerts);
/* NULL where there is none of that name. */
const struct channel *channel_find(const struct alerts *alerts, struct slice name);
const char *level_name(int level);
int level_of_score(const struct alert_settings *settings, double score);

/* ---- Judging one series: pure (detect.c, trend.c) -------------------------------------------- */

struct series_point {
    int32_t day;
    int64_t count, total; /* total −1: not told */
    double flow, limit;   /* NAN: not told */
};
struct judgement {
    bool judged;
    const char *reason; /* why not */
    bool by_rule;       /* a rule made it a signal: no p-value, not among the statistics */
    bool enough;        /* its minimum count, or growth, is reached */
    double observed, expected, bound, p;
};
/* What the channel's rules and detector say about the day from the points up to it, which are
 * ordered by day. False only where the method refuses its parameters. */
bool channel_judge(const struct channel *channel, const struct series_point *points, size_t count,
                   int32_t day, struct arena *arena, struct judgement *ret_judgement,
                   struct error *err) MUST_USE;
/* log_trend: the slope of the logarithm over the window. `values` NAN where there is none. */
void trend_judge(const struct channel *channel, const double *values, size_t rows,
                 struct judgement *judgement);
/* The share that a signal adds to its place's score, before the channel's weight: 0 to 1. */
double judgement_strength(const struct judgement *judgement);
/* Benjamini and Hochberg 1995: the greatest of the p-values that is at most rate × rank / count;
 * all up to it are signals. 0 where none is. Sorts `p`. */
double false_discovery_threshold(double *p, size_t count, double rate);

/* ---- Points (points.c) ----------------------------------------------------------------------- */

struct series_report {
    const struct channel *channel;
    int64_t area_no;
    struct series_point point;
    timestamp reported_at;
    struct slice source;
    int64_t import_no;
};
enum series_put { SERIES_INSERTED, SERIES_REPLACED, SERIES_SAME, SERIES_OLDER };
/* Texts of a report, as import and feed have them; data NULL where absent. */
struct series_texts {
    struct slice channel, area, date, count, total, flow, limit, reported_at;
};
/* ERROR_BAD_VALUE names the field. `now`: of a report that does not say when it was made. */
bool series_report_read(struct platform *platform, const struct series_texts *texts, timestamp now,
                        struct series_report *ret_report, struct error *err) MUST_USE;
/* Inside a job. The latest report of a day wins. */
bool series_put(struct sql *sql, const struct series_report *report, enum series_put *ret_put,
                struct error *err) MUST_USE;
bool series_undo(struct sql *sql, int64_t import_no, int64_t *ret_removed,
                 struct error *err) MUST_USE;
struct series_feed {
    int64_t area_no;
    int32_t first_day, last_day;
};
/* All series of a channel, by area, into the arena. */
bool series_feeds(struct sql *sql, const struct channel *channel, struct arena *arena,
                  struct series_feed **ret_feeds, size_t *ret_count, struct error *err) MUST_USE;
/* Points of days [first, last], by day, into the arena. */
bool series_points(struct sql *sql, const struct channel *channel, int64_t area_no, int32_t first,
                   int32_t last, struct arena *arena, struct series_point **ret_points,
                   size_t *ret_count, struct error *err) MUST_USE;
/* Days before `day` that the channel's judgement may read. */
int32_t channel_history_days(const struct channel *channel);

/* ---- Alerts (episodes.c) --------------------------------------------------------------------- */

enum alert_kind { ALERT_SIGNAL, ALERT_FEED, ALERT_KINDS };
enum alert_state { ALERT_OPEN, ALERT_JUDGED, ALERT_ENDED, ALERT_STATES };
#define VERDICT_TABLE(X)                                                                           \
    X(VERDICT_TRUE_SIGNAL, "true_signal", "on_site", "signal")                                     \
    X(VERDICT_FALSE_ALARM, "false_alarm", "dismissed", "noise")                                    \
    X(VERDICT_KNOWN, "known", "dismissed", "noise")                                                \
    X(VERDICT_DATA_FAULT, "data_fault", "dismissed", "noise")
enum alert_verdict {
#define X(id, name, to, judgement) id,
    VERDICT_TABLE(X)
#undef X
        VERDICTS
};
struct alert {
    int64_t no, area_no, thing_no, members;
    enum alert_kind kind;
    enum alert_state state;
    int level;
    char channel[48], detector[48];
    int32_t first_day, last_day;
    timestamp raised_at;
    bool by_rule;
    double observed, expected, bound, p, contribution, score; /* NAN: none */
    int verdict;                                              /* −1: not judged */
};
const char *alert_kind_name(enum alert_kind kind);
const char *alert_state_name(enum alert_state state);
const char *verdict_name(int verdict);

/* What one run found of one series. */
struct finding {
    const struct channel *channel;
    enum alert_kind kind;
    int64_t area_no, members;
    int32_t day;
    struct judgement judgement;
};
/* Inside a job: raises, extends and ends, and settles the scores of places. */
bool episodes_apply(struct alerts *alerts, struct sql *sql, int32_t day,
                    const struct finding *findings, size_t count, struct arena *arena,
                    struct alerts_report *report, struct error *err) MUST_USE;
/* *ret_found false where there is none. */
bool alert_read(struct sql *sql, int64_t no, struct alert *ret_alert, bool *ret_found,
                struct error *err) MUST_USE;
struct alert_query {
    enum alert_state state;
    int64_t area_first, area_last, limit;
    int64_t after_level, after_no; /* the next page begins behind; INT64_MAX first */
};
/* Highest level first, then newest; one more than the limit where there are more. */
bool alerts_read(struct sql *sql, const struct alert_query *query, struct arena *arena,
                 struct alert **ret_alerts, size_t *ret_count, struct error *err) MUST_USE;
/* The channels that make up the score of an area: of each the greatest contribution of an alert
 * within it, of the score's days, that nobody found to be none. */
struct share {
    const struct channel *channel;
    int64_t alert_no;
    double contribution;
};
bool shares_read(struct alerts *alerts, struct sql *sql, int64_t area_no, int32_t day,
                 struct arena *arena, struct share **ret_shares, size_t *ret_count,
                 double *ret_score, struct error *err) MUST_USE;

/* ---- Dispositions (disposition.c) ------------------------------------------------------------ */

#define CIPHER_DISPOSITION ((int64_t)7 << 60 | (int64_t)1 << 58)
struct disposition {
    int verdict; /* −1: none */
    struct slice words;
    char by[64];
    timestamp at;
};
bool disposition_read(struct sql *sql, int64_t alert_no, bool words, struct arena *arena,
                      struct disposition *ret_disposition, struct error *err) MUST_USE;
/* Detectors with what became of their alerts since a day, as an array. */
bool precision_put(struct sql *sql, int32_t since, struct json_writer *writer,
                   struct error *err) MUST_USE;
bool disposition_handle(const struct request *request, struct response *response,
                        struct error *err);
bool series_feed_handle(const struct request *request, struct response *response,
                        struct error *err);

extern const struct sql_list point_statements, feed_statements, episode_statements,
    disposition_statements, run_statements;
enum { ALERT_ROUTES = 4, ALERT_COMMANDS = 3, ALERT_CIPHERS = 1 };
extern const struct cipher_column alert_ciphers[ALERT_CIPHERS];
extern const struct route alert_routes[ALERT_ROUTES];
extern const struct command alert_commands[ALERT_COMMANDS];
bool alerts_last_day(struct sql *sql, int32_t *ret_day, struct error *err) MUST_USE;

#endif
