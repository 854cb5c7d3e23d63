/* Inside the alerts room only. */
#ifndef CHENGMAI_ALERTS_INTERNAL_H
#define CHENGMAI_ALERTS_INTERNAL_H

#include <math.h>
#include <pthread.h>

#include "alerts/alerts.h"
#include "registry/registry.h"
#include "sensing/sensing.h"

/* ---- Channels: data of policies/ (channels.c) ---------------------------------------------- */

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

enum { LEVELS = 4, GROUPS = 8, BUDGETS_MAX = 64 };
/* Whom a signal of a group of channels reaches, and how many days before the usual report. */
struct reach {
    double people_per_1000, days;
};
struct role_budget {
    char role[40];
    int64_t a_day;
};
struct alert_settings {
    double false_discovery_rate;
    int64_t quiet_days, score_days, run_hour, catch_up_days, keep_days;
    double levels[LEVELS]; /* scores from which they begin; blue from 0 */
    double prior_right, prior_judged, strength_odds, least_days, people_where_unknown;
    struct reach reaches[GROUPS + 1]; /* the last: of a feed that stopped */
    int64_t cause_days;
    int cause_same, cause_other; /* levels of areas */
    struct role_budget budgets[BUDGETS_MAX];
    size_t budget_count;
    int never_waits; /* a level */
    int64_t throttle_judged, watch_days_max;
    double throttle_below;
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
const char *const *channel_groups(void); /* names, NULL at the end */
size_t channel_group_index(const char *group);
/* Causes a day that a role is asked to judge. */
int64_t alert_budget(const struct alert_settings *settings, const char *role);
int level_of_score(const struct alert_settings *settings, double score);

/* Fields of the policy files; refusals name file and field (fields.c). */
bool field_bad(const char *source, const char *field, const char *expected, const char *what,
               struct error *err);
bool field_number(json_t *object, const char *source, const char *field, double low, double high,
                  double *ret_value, struct error *err) MUST_USE;
bool field_whole(json_t *object, const char *source, const char *field, int64_t low, int64_t high,
                 int64_t *ret_value, struct error *err) MUST_USE;
/* *ret_choice: index of the text among `names`. */
bool field_choice(json_t *object, const char *source, const char *field, const char *const *names,
                  size_t count, const char *expected, size_t *ret_choice,
                  struct error *err) MUST_USE;
bool field_map(json_t *object, const char *source, const char *field, json_t **ret_map,
               struct error *err) MUST_USE;

/* ---- Judging one series: pure (detect.c, trend.c) ------------------------------------------ */

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
/* Whether a night whose p-values up to `threshold` were signals raises it. */
bool judgement_is_signal(const struct channel *channel, const struct judgement *judgement,
                         double threshold);
/* What was seen in the last `rows` rows up to the day, NAN where nothing was reported. */
void channel_trail(const struct channel *channel, const struct series_point *points, size_t count,
                   int32_t day, size_t rows, struct arena *arena, double *values);
/* The greatest count of the day that would not have been a signal, by `threshold`; −1 where the day
 * is none, or any count would have been. Changes nothing of `points` when it returns. */
bool channel_quiet_count(const struct channel *channel, struct series_point *points, size_t count,
                         int32_t day, double threshold, struct arena *arena, int64_t *ret_count,
                         struct error *err) MUST_USE;
/* The share that a signal adds to its place's score, before the channel's weight: 0 to 1. */
double judgement_strength(const struct judgement *judgement);
/* Benjamini and Hochberg 1995: the greatest of the p-values that is at most rate × rank / count;
 * all up to it are signals. 0 where none is. Sorts `p`. */
double false_discovery_threshold(double *p, size_t count, double rate);

/* ---- Points (points.c) --------------------------------------------------------------------- */

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
/* Points of days [first, last] that were reported by `known_at`, by day, into the arena. */
bool series_points(struct sql *sql, const struct channel *channel, int64_t area_no, int32_t first,
                   int32_t last, timestamp known_at, struct arena *arena,
                   struct series_point **ret_points, size_t *ret_count, struct error *err) MUST_USE;
/* The series of a channel within areas [first, last]: how many, and of them those whose last report
 * is before `due` (late), and before `silent` (missing, not counted as late). */
struct feed_tally {
    int64_t series, late, missing;
};
bool series_tally(struct sql *sql, const struct channel *channel, int64_t area_first,
                  int64_t area_last, int32_t due, int32_t silent, struct feed_tally *ret_tally,
                  struct error *err) MUST_USE;
/* Days before `day` that the channel's judgement may read. */
int32_t channel_history_days(const struct channel *channel);

/* ---- Alerts (episodes.c) ------------------------------------------------------------------- */

enum alert_kind { ALERT_SIGNAL, ALERT_FEED, ALERT_KINDS };
enum alert_state { ALERT_OPEN, ALERT_JUDGED, ALERT_ENDED, ALERT_STATES };
#define VERDICT_TABLE(X)                                                                           \
    X(VERDICT_TRUE_SIGNAL, "true_signal", "on_site", "signal")                                     \
    X(VERDICT_FALSE_ALARM, "false_alarm", "dismissed", "noise")                                    \
    X(VERDICT_KNOWN, "known", "dismissed", "noise")                                                \
    X(VERDICT_DATA_FAULT, "data_fault", "dismissed", "noise")                                      \
    X(VERDICT_WATCH, "watch", "watching", "unclear") /* stays open, comes back */
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
    timestamp judged_at;                                      /* TIMESTAMP_NONE: not judged */
    timestamp watch_until; /* of the watch that holds; TIMESTAMP_NONE: none */
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
/* As known at `as_of`, TIMESTAMP_NONE: now. *ret_found false where there is none. */
bool alert_read(struct sql *sql, int64_t no, timestamp as_of, struct alert *ret_alert,
                bool *ret_found, struct error *err) MUST_USE;
struct alert_query {
    enum alert_state state;
    timestamp as_of; /* TIMESTAMP_NONE: now */
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
                 timestamp as_of, struct arena *arena, struct share **ret_shares, size_t *ret_count,
                 double *ret_score, struct error *err) MUST_USE;

/* ---- Dispositions (disposition.c) ---------------------------------------------------------- */

#define CIPHER_DISPOSITION ((int64_t)7 << 60 | (int64_t)1 << 58)
#define CIPHER_WATCH ((int64_t)6 << 60 | (int64_t)1 << 58)
struct disposition {
    int verdict; /* −1: none */
    timestamp until; /* of a watch */
    struct slice words;
    char by[64];
    timestamp at;
};
/* What was found, or the watch that was set last. */
bool disposition_read(struct sql *sql, const struct alert *alert, bool words, struct arena *arena,
                      struct disposition *ret_disposition, struct error *err) MUST_USE;
/* Dispositions within areas since a moment, up to another. */
bool dispositions_count(struct sql *sql, timestamp since, timestamp until, int64_t area_first,
                        int64_t area_last, int64_t *ret_count, struct error *err) MUST_USE;
bool disposition_handle(const struct request *request, struct response *response,
                        struct error *err);
bool series_feed_handle(const struct request *request, struct response *response,
                        struct error *err);

/* ---- Records of detectors (record.c) -------------------------------------------------------- */

enum { RECORD_DAYS = 28, RECORD_DAYS_LONG = 90 };
struct record_span {
    int64_t raised, judged, right;
    double delay_minutes; /* from raised to judged, median; NAN: none was judged */
};
struct record {
    char channel[48], detector[48];
    struct record_span spans[2]; /* of 28 days, of 90 */
};
struct records {
    struct record *items;
    size_t count;
};
/* By channel and detector, of the days up to `at`. */
bool records_read(struct sql *sql, timestamp at, struct arena *arena, struct records *ret_records,
                  struct error *err) MUST_USE;
/* NULL where nothing was raised in 90 days. */
const struct record *record_find(const struct records *records, const struct alert *alert);
bool record_throttled(const struct alert_settings *settings, const struct record *record);
void records_put(const struct alerts *alerts, const struct records *records,
                 struct json_writer *writer);

/* ---- The desk: causes, ranked (worth.c pure, desk.c) ---------------------------------------- */

struct worth {
    double probability, people, days, value;
};
/* `record` may be NULL; `people`: who live in the area, 0 where not known. */
struct worth alert_worth(const struct alert_settings *settings, const struct channel *channel,
                         const struct alert *alert, const struct record *record, int64_t people,
                         int32_t today);
/* Whether two alerts may have one cause. */
bool alerts_alike(const struct alerts *alerts, const struct alert *a, const struct alert *b);
enum desk_place { DESK_NOW, DESK_WAITS, DESK_THROTTLED, DESK_WATCHED, DESK_PLACES };
struct cause {
    size_t lead, *members; /* indices of alerts; members without the lead */
    size_t member_count;
    enum desk_place place;
    bool throttled;
    struct worth worth; /* of all its channels together */
    int64_t key;        /* the order of the desk: greatest first */
};
/* Gathers alerts under the most valuable one that they are like, and puts the causes in order:
 * now, as many as `left`; then those that wait, the throttled, the watched. */
size_t causes_gather(const struct alerts *alerts, const struct alert *list,
                     const struct worth *worths, const bool *throttled, size_t count, timestamp now,
                     int64_t left, struct arena *arena, struct cause **ret_causes);
bool desk_handle(const struct request *request, struct response *response, struct error *err);

/* ---- Showing (show.c) ----------------------------------------------------------------------- */

struct showing {
    const struct request *request;
    struct alerts *alerts;
    struct json_writer *writer;
    double below; /* counts below it are not shown to who is shown no person */
};
struct showing show_begin(const struct request *request, struct response *response,
                          struct json_writer *writer);
bool show_end(struct response *response, struct json_writer *writer, bool done) MUST_USE;
void show_words(struct json_writer *writer, const char *key, struct words words);
void show_day(struct json_writer *writer, const char *key, int32_t day);
/* NAN and small counts become null. */
void show_count(const struct showing *showing, const char *key, double value);
void show_observation(const struct showing *showing, double observed, double expected, double bound,
                      double p);
/* Members of an open object. */
void show_alert(const struct showing *showing, const struct alert *alert);

/* The night that looked at a day, as known at a moment; *ret_found false where there was none. */
struct night {
    int32_t day;
    timestamp ran_at;
    int64_t signals;
    double raise_below; /* p-values up to it were signals; 0: not known */
};
bool night_latest(struct sql *sql, timestamp as_of, struct night *ret_night, bool *ret_found,
                  struct error *err) MUST_USE;
bool night_of(struct sql *sql, int32_t day, struct night *ret_night, bool *ret_found,
              struct error *err) MUST_USE;

extern const struct sql_list point_statements, feed_statements, episode_statements,
    disposition_statements, run_statements, alert_record_statements;
enum { ALERT_ROUTES = 4, ALERT_COMMANDS = 3, ALERT_CIPHERS = 2 };
extern const struct cipher_column alert_ciphers[ALERT_CIPHERS];
extern const struct route alert_routes[ALERT_ROUTES];
extern const struct command alert_commands[ALERT_COMMANDS];
bool alerts_last_day(struct sql *sql, int32_t *ret_day, struct error *err) MUST_USE;

#endif
