/* Alerts: one an episode of (channel, place).
 *
 *            signal               disposition             quiet_days without a signal
 *   (none) ─────────► open
 * ──────────────────► judged
 * ─────────────────────────────► ended
 *                     │  ▲ signal: extended     │  ▲ signal: extended, nobody is told
 *                     └──┘                      └──┘ level rises though found to be
 * none: ended,
 *                                                    and a new one is raised
 * An alert that nobody judged never ends by itself, and nothing is raised beside it.
 *
 * Invariants: 1 of (kind, channel, area) at most one alert is not ended. 2 last_day, level only
 * rise. 3 alert.raised is emitted in the transaction that raises the alert, or raises its level. */
#include "alerts/alerts_internal.h"
#include "loops/things.h"

#define COLUMNS                                                                                    \
    "SELECT a.alert_no, a.kind, a.channel, a.area_no, a.thing_no, a.state, a.level, a.first_day,"  \
    " a.last_day, a.raised_at, a.detector, a.by_rule, a.observed, a.expected, a.bound, a.p,"       \
    " a.contribution, a.score, a.members, coalesce(d.verdict, -1), d.at,"                          \
    " (SELECT w.until FROM alert_watch w WHERE w.alert_no = a.alert_no AND w.level >= a.level"     \
    " ORDER BY w.at DESC LIMIT 1) FROM alert a"                                                    \
    " LEFT JOIN alert_disposition d ON d.alert_no = a.alert_no"
/* The same as it was known at ?1. */
#define STATE_THEN "CASE WHEN a.ended_at <= ?1 THEN 2 WHEN d.at <= ?1 THEN 1 ELSE 0 END"
#define COLUMNS_THEN                                                                               \
    "SELECT a.alert_no, a.kind, a.channel, a.area_no, a.thing_no, " STATE_THEN                     \
    ", c.level, a.first_day, c.last_day, a.raised_at, a.detector, c.by_rule, c.observed,"          \
    " c.expected, c.bound, c.p, c.contribution, c.score, c.members,"                               \
    " CASE WHEN d.at <= ?1 THEN d.verdict ELSE -1 END, CASE WHEN d.at <= ?1 THEN d.at END,"        \
    " (SELECT w.until FROM alert_watch w WHERE w.alert_no = a.alert_no AND w.level >= c.level"     \
    " AND w.at <= ?1 ORDER BY w.at DESC LIMIT 1) FROM alert a JOIN alert_change c"                 \
    " ON c.alert_no = a.alert_no AND c.at = (SELECT max(x.at) FROM alert_change x"                 \
    " WHERE x.alert_no = a.alert_no AND x.at <= ?1)"                                               \
    " LEFT JOIN alert_disposition d ON d.alert_no = a.alert_no WHERE a.raised_at <= ?1"

static const struct sql_text select_one = {"alert_select", COLUMNS " WHERE a.alert_no = ?1",
                                           "primary key"};
static const struct sql_text select_one_then = {"alert_select_then",
                                                COLUMNS_THEN " AND a.alert_no = ?2", "primary key"};
static const struct sql_text select_latest = {
    "alert_latest",
    COLUMNS " WHERE a.kind = ?1 AND a.channel = ?2 AND a.area_no = ?3"
            " ORDER BY a.alert_no DESC LIMIT 1",
    "alert_by_series"};
static const struct sql_text select_page = {
    "alert_page",
    COLUMNS " WHERE a.state = ?1 AND (a.level, a.alert_no) < (?2, ?3)"
            " AND a.area_no BETWEEN ?4 AND ?5 ORDER BY a.level DESC, a.alert_no DESC LIMIT ?6",
    "alert_by_state"};
static const struct sql_text select_page_then = {
    "alert_page_then",
    COLUMNS_THEN " AND " STATE_THEN " = ?2 AND (c.level, a.alert_no) < (?3, ?4)"
                 " AND a.area_no BETWEEN ?5 AND ?6 ORDER BY c.level DESC, a.alert_no DESC LIMIT ?7",
    "alert_by_raised"};
static const struct sql_text select_living_then = {
    "alert_living_then", COLUMNS_THEN " AND " STATE_THEN " < 2 AND a.area_no BETWEEN ?2 AND ?3",
    "alert_by_raised"};
static const struct sql_text select_living = {
    "alert_living", COLUMNS " WHERE a.state < 2 AND a.area_no BETWEEN ?1 AND ?2", "alert_by_state"};
static const struct sql_text last_no = {
    "alert_last", "SELECT coalesce(max(alert_no), 0) FROM alert", "primary key"};
static const struct sql_text insert = {
    "alert_insert",
    "INSERT INTO alert (alert_no, kind, channel, area_no, thing_no, state, level, first_day,"
    " last_day, raised_at, detector, by_rule, observed, expected, bound, p, contribution, score,"
    " members) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
    " ?16, ?17)",
    "primary key"};
static const struct sql_text extend = {
    "alert_extend",
    "UPDATE alert SET last_day = ?2, by_rule = ?3, observed = ?4, expected = ?5, bound = ?6,"
    " p = ?7, contribution = ?8, members = ?9 WHERE alert_no = ?1",
    "primary key"};
static const struct sql_text set_level = {
    "alert_level", "UPDATE alert SET level = ?2, score = ?3 WHERE alert_no = ?1", "primary key"};
static const struct sql_text end_one = {
    "alert_end", "UPDATE alert SET state = 2, ended_at = ?2 WHERE alert_no = ?1", "primary key"};
static const struct sql_text end_quiet = {
    "alert_end_quiet",
    "UPDATE alert SET state = 2, ended_at = ?2 WHERE state = 1 AND last_day < ?1",
    "alert_by_state"};
/* What is known of it from now on. */
static const struct sql_text note_change = {
    "alert_change_put",
    "INSERT INTO alert_change (alert_no, at, level, last_day, by_rule, observed, expected, bound,"
    " p, contribution, score, members) SELECT alert_no, ?2, level, last_day, by_rule, observed,"
    " expected, bound, p, contribution, score, members FROM alert WHERE alert_no = ?1"
    " ON CONFLICT (alert_no, at) DO UPDATE SET level = excluded.level,"
    " last_day = excluded.last_day, by_rule = excluded.by_rule, observed = excluded.observed,"
    " expected = excluded.expected, bound = excluded.bound, p = excluded.p,"
    " contribution = excluded.contribution, score = excluded.score, members = excluded.members",
    "primary key"};
#define OLD " FROM alert WHERE state = 2 AND last_day < ?1 AND alert_no < ?2"
static const struct sql_text forget_words = {
    "alert_forget_words",
    "DELETE FROM alert_disposition WHERE alert_no IN (SELECT alert_no" OLD ")", "primary key"};
static const struct sql_text forget_watches = {
    "alert_forget_watches", "DELETE FROM alert_watch WHERE alert_no IN (SELECT alert_no" OLD ")",
    "alert_watch_by_alert"};
static const struct sql_text forget_changes = {
    "alert_forget_changes", "DELETE FROM alert_change WHERE alert_no IN (SELECT alert_no" OLD ")",
    "primary key"};
static const struct sql_text forget = {"alert_forget", "DELETE" OLD, "alert_by_state"};

const struct sql_list episode_statements =
    SQL_LIST(&select_one, &select_one_then, &select_latest, &select_page, &select_page_then,
             &select_living, &select_living_then, &last_no, &insert, &extend, &set_level, &end_one,
             &end_quiet, &note_change, &forget_words, &forget_watches, &forget_changes, &forget);

static const char *const kind_names[] = {"signal", "feed"};
static const char *const state_names[] = {"open", "judged", "ended"};
static const char *const verdict_names[] = {
#define X(id, name, to, judgement) [id] = name,
    VERDICT_TABLE(X)
#undef X
};
const char *alert_kind_name(enum alert_kind kind)
{
    return kind_names[kind];
}
const char *alert_state_name(enum alert_state state)
{
    return state_names[state];
}
const char *verdict_name(int verdict)
{
    REQUIRE(verdict >= 0 && verdict < VERDICTS);
    return verdict_names[verdict];
}

/* ---- Reading */

static double real_at(struct sql_query *query, int column)
{
    return sql_is_null(query, column) ? NAN : sql_get_real(query, column);
}

static void read_row(struct sql_query *query, struct alert *alert)
{
    *alert = (struct alert){.no = sql_get_int(query, 0),
                            .kind = (enum alert_kind)sql_get_int(query, 1),
                            .area_no = sql_get_int(query, 3),
                            .thing_no = sql_get_int(query, 4),
                            .state = (enum alert_state)sql_get_int(query, 5),
                            .level = (int)sql_get_int(query, 6),
                            .first_day = (int32_t)sql_get_int(query, 7),
                            .last_day = (int32_t)sql_get_int(query, 8),
                            .raised_at = sql_get_time(query, 9),
                            .by_rule = sql_get_int(query, 11) != 0,
                            .observed = real_at(query, 12),
                            .expected = real_at(query, 13),
                            .bound = real_at(query, 14),
                            .p = real_at(query, 15),
                            .contribution = real_at(query, 16),
                            .score = real_at(query, 17),
                            .members = sql_get_int(query, 18),
                            .verdict = (int)sql_get_int(query, 19),
                            .judged_at = sql_get_time(query, 20),
                            .watch_until = sql_get_time(query, 21)};
    text_copy(alert->channel, sizeof alert->channel, sql_get_text(query, 2));
    text_copy(alert->detector, sizeof alert->detector, sql_get_text(query, 10));
}

static bool read_one(struct sql *sql, const struct sql_text *text,
                     const struct sql_value *arguments, size_t count, struct alert *alert,
                     bool *ret_found, struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, text, arguments, count, &query, err) || !sql_next(query, ret_found, err))
        return false;
    if (*ret_found) {
        read_row(query, alert);
        sql_end(query);
    }
    return true;
}

bool alert_read(struct sql *sql, int64_t no, timestamp as_of, struct alert *ret_alert,
                bool *ret_found, struct error *err)
{
    if (as_of != TIMESTAMP_NONE)
        return read_one(sql, &select_one_then, SQL_ARGUMENTS(sql_int(as_of), sql_int(no)),
                        ret_alert, ret_found, err);
    return read_one(sql, &select_one, SQL_ARGUMENTS(sql_int(no)), ret_alert, ret_found, err);
}

static bool read_all(struct sql_query *query, struct arena *arena, struct alert **ret_alerts,
                     size_t *ret_count, struct error *err)
{
    size_t count = 0, capacity = 0;
    struct alert *alerts = NULL;
    bool row, done;
    while ((done = sql_next(query, &row, err)) && row) {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct alert *more = arena_alloc(arena, capacity * sizeof *more);
            if (count)
                memcpy(more, alerts, count * sizeof *more);
            alerts = more;
        }
        read_row(query, &alerts[count++]);
    }
    *ret_alerts = alerts;
    *ret_count = count;
    return done;
}

bool alerts_read(struct sql *sql, const struct alert_query *query, struct arena *arena,
                 struct alert **ret_alerts, size_t *ret_count, struct error *err)
{
    struct sql_query *rows;
    if (query->as_of != TIMESTAMP_NONE)
        return sql_begin(sql, &select_page_then,
                         SQL_ARGUMENTS(sql_int(query->as_of), sql_int(query->state),
                                       sql_int(query->after_level), sql_int(query->after_no),
                                       sql_int(query->area_first), sql_int(query->area_last),
                                       sql_int(query->limit + 1)),
                         &rows, err) &&
               read_all(rows, arena, ret_alerts, ret_count, err);
    return sql_begin(sql, &select_page,
                     SQL_ARGUMENTS(sql_int(query->state), sql_int(query->after_level),
                                   sql_int(query->after_no), sql_int(query->area_first),
                                   sql_int(query->area_last), sql_int(query->limit + 1)),
                     &rows, err) &&
           read_all(rows, arena, ret_alerts, ret_count, err);
}

static bool read_living(struct sql *sql, int64_t area_first, int64_t area_last, timestamp as_of,
                        struct arena *arena, struct alert **ret_alerts, size_t *ret_count,
                        struct error *err)
{
    struct sql_query *rows;
    if (as_of != TIMESTAMP_NONE)
        return sql_begin(sql, &select_living_then,
                         SQL_ARGUMENTS(sql_int(as_of), sql_int(area_first), sql_int(area_last)),
                         &rows, err) &&
               read_all(rows, arena, ret_alerts, ret_count, err);
    return sql_begin(sql, &select_living, SQL_ARGUMENTS(sql_int(area_first), sql_int(area_last)),
                     &rows, err) &&
           read_all(rows, arena, ret_alerts, ret_count, err);
}

/* ---- Places: how channels add up */

static bool was_none(const struct alert *alert)
{
    return alert->verdict >= 0 && alert->verdict != VERDICT_TRUE_SIGNAL;
}

/* The greatest contribution of each channel within an area; `self` counts whatever was found. */
static double add_up(const struct alerts *alerts, const struct alert *living, size_t count,
                     int64_t area_no, int32_t day, const struct alert *self,
                     struct share shares[CHANNELS_MAX])
{
    double score = 0;
    memset(shares, 0, CHANNELS_MAX * sizeof *shares);
    for (size_t i = 0; i < count; i++) {
        const struct alert *alert = &living[i];
        const struct channel *channel = channel_find(alerts, slice_of(alert->channel));
        if (!channel || alert->area_no < area_no || alert->area_no > area_range_last(area_no) ||
            alert->last_day <= day - alerts->settings.score_days ||
            (was_none(alert) && alert != self))
            continue;
        struct share *share = &shares[channel - alerts->channels];
        if (alert->contribution > share->contribution)
            *share = (struct share){channel, alert->no, alert->contribution};
    }
    for (size_t i = 0; i < CHANNELS_MAX; i++)
        score += shares[i].contribution;
    return score;
}

bool shares_read(struct alerts *alerts, struct sql *sql, int64_t area_no, int32_t day,
                 timestamp as_of, struct arena *arena, struct share **ret_shares, size_t *ret_count,
                 double *ret_score, struct error *err)
{
    struct share *shares = arena_alloc(arena, CHANNELS_MAX * sizeof *shares);
    struct alert *living;
    size_t count, kept = 0;
    if (!read_living(sql, area_no, area_range_last(area_no), as_of, arena, &living, &count, err))
        return false;
    *ret_score = add_up(alerts, living, count, area_no, day, NULL, shares);
    for (size_t i = 0; i < CHANNELS_MAX; i++)
        if (shares[i].channel)
            shares[kept++] = shares[i];
    *ret_shares = shares;
    *ret_count = kept;
    return true;
}

/* ---- Writing */

struct applying {
    struct alerts *alerts;
    struct sql *sql;
    int32_t day;
    struct alerts_report *report;
    int64_t *fresh; /* alerts raised by this run: their event waits for the level */
    size_t fresh_count;
};

static struct sql_value real_value(double value)
{
    return isnan(value) ? sql_null() : sql_real(value);
}

static bool changed(struct applying *applying, int64_t no, struct error *err)
{
    return sql_run(applying->sql, &note_change,
                   SQL_ARGUMENTS(sql_int(no), sql_int(sql_now(applying->sql))), err);
}

static bool emit_raised(struct applying *applying, const struct alert *alert, int level,
                        struct error *err)
{
    char payload[240], raised[TIME_TEXT_BYTES];
    const struct channel *channel = channel_find(applying->alerts, slice_of(alert->channel));
    snprintf(payload, sizeof payload,
             "{\"level\":\"%s\",\"channel\":\"%s\",\"place\":%lld,\"raised_at\":\"%s\"}",
             level_name(level), channel ? channel->group : "other", (long long)alert->area_no,
             time_format(sql_now(applying->sql), raised));
    struct event event = {.kind = SLICE("alert.raised"),
                          .subject_no = alert->thing_no,
                          .area_no = alert->area_no,
                          .at = sql_now(applying->sql),
                          .payload = slice_of(payload)};
    return event_emit(applying->sql, &event, err);
}

/* A new alert of the same content; its number and thing are its own. */
static bool raise_alert(struct applying *applying, struct alert *alert, struct error *err)
{
    char code[32];
    if (!sql_one_int(applying->sql, &last_no, NULL, 0, 0, &alert->no, err))
        return false;
    alert->no++;
    alert->raised_at = sql_now(applying->sql);
    snprintf(code, sizeof code, "A%lld", (long long)alert->no);
    applying->report->raised++;
    return loop_thing_register(applying->sql, SCENE_ALERT, slice_of(code), alert->area_no,
                               &alert->thing_no, err) &&
           sql_run(applying->sql, &insert,
                   SQL_ARGUMENTS(sql_int(alert->no), sql_int(alert->kind),
                                 sql_text(slice_of(alert->channel)), sql_int(alert->area_no),
                                 sql_int(alert->thing_no), sql_int(alert->level),
                                 sql_int(alert->first_day), sql_int(alert->raised_at),
                                 sql_text(slice_of(alert->detector)), sql_int(alert->by_rule),
                                 real_value(alert->observed), real_value(alert->expected),
                                 real_value(alert->bound), real_value(alert->p),
                                 sql_real(alert->contribution), sql_real(alert->score),
                                 sql_int(alert->members)),
                   err) &&
           changed(applying, alert->no, err);
}

static struct alert alert_of(const struct finding *finding)
{
    const struct judgement *judgement = &finding->judgement;
    struct alert alert = {.kind = finding->kind,
                          .area_no = finding->area_no,
                          .members = finding->members,
                          .first_day = finding->day,
                          .last_day = finding->day,
                          .by_rule = judgement->by_rule,
                          .observed = judgement->observed,
                          .expected = judgement->expected,
                          .bound = judgement->bound,
                          .p = judgement->by_rule ? NAN : judgement->p,
                          .verdict = -1};
    bool signal = finding->kind == ALERT_SIGNAL;
    const char *detector = finding->channel->detector;
    alert.contribution = signal ? finding->channel->weight * judgement_strength(judgement) : 0;
    snprintf(alert.channel, sizeof alert.channel, "%s", finding->channel->name);
    snprintf(alert.detector, sizeof alert.detector, "%s",
             !signal                           ? "silence"
             : judgement->by_rule || !detector ? "rule"
                                               : detector);
    return alert;
}

static bool equal(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool extend_alert(struct applying *applying, const struct alert *known,
                         const struct alert *now, struct error *err)
{
    if (known->last_day == now->last_day && known->by_rule == now->by_rule &&
        equal(known->observed, now->observed) && equal(known->expected, now->expected) &&
        equal(known->bound, now->bound) && equal(known->p, now->p) &&
        known->members == now->members)
        return true;
    applying->report->extended++;
    return sql_run(applying->sql, &extend,
                   SQL_ARGUMENTS(sql_int(known->no), sql_int(now->last_day), sql_int(now->by_rule),
                                 real_value(now->observed), real_value(now->expected),
                                 real_value(now->bound), real_value(now->p),
                                 sql_real(now->contribution), sql_int(now->members)),
                   err) &&
           changed(applying, known->no, err);
}

static bool apply_finding(struct applying *applying, const struct finding *finding,
                          struct error *err)
{
    struct alert known, now = alert_of(finding);
    bool found;
    if (!read_one(applying->sql, &select_latest,
                  SQL_ARGUMENTS(sql_int(finding->kind), sql_text(slice_of(now.channel)),
                                sql_int(finding->area_no)),
                  &known, &found, err))
        return false;
    if (found && known.state != ALERT_ENDED)
        return now.last_day < known.last_day || extend_alert(applying, &known, &now, err);
    if (found && now.last_day <= known.last_day)
        return true; /* a day that was judged before */
    if (!raise_alert(applying, &now, err))
        return false;
    applying->fresh[applying->fresh_count++] = now.no;
    return now.kind == ALERT_SIGNAL || emit_raised(applying, &now, 0, err);
}

static bool is_fresh(const struct applying *applying, int64_t no)
{
    for (size_t i = 0; i < applying->fresh_count; i++)
        if (applying->fresh[i] == no)
            return true;
    return false;
}

/* The score of an alert's place may raise its level: who has it is told, or, where somebody found
 * it to be none, it is raised anew. */
static bool settle(struct applying *applying, const struct alert *living, size_t count,
                   const struct alert *alert, struct error *err)
{
    struct share shares[CHANNELS_MAX];
    double score =
        add_up(applying->alerts, living, count, alert->area_no, applying->day, alert, shares);
    int level = level_of_score(&applying->alerts->settings, score);
    bool fresh = is_fresh(applying, alert->no);
    struct alert again = *alert;
    if (!fresh && (level < alert->level || (level == alert->level && score == alert->score)))
        return true;
    if (!fresh && level > alert->level && was_none(alert)) {
        again.level = level;
        again.score = score;
        again.first_day = alert->last_day;
        return sql_run(applying->sql, &end_one,
                       SQL_ARGUMENTS(sql_int(alert->no), sql_int(sql_now(applying->sql))), err) &&
               raise_alert(applying, &again, err) && emit_raised(applying, &again, level, err);
    }
    if (!sql_run(applying->sql, &set_level,
                 SQL_ARGUMENTS(sql_int(alert->no), sql_int(level), sql_real(score)), err) ||
        !changed(applying, alert->no, err))
        return false;
    bool tells = fresh || (level > alert->level && alert->state == ALERT_OPEN);
    return !tells || emit_raised(applying, alert, level, err);
}

static bool end_and_forget(struct applying *applying, struct error *err)
{
    const struct alert_settings *settings = &applying->alerts->settings;
    struct sql_value old = sql_int(applying->day - settings->keep_days);
    int64_t last;
    return sql_run_count(applying->sql, &end_quiet,
                         SQL_ARGUMENTS(sql_int(applying->day - settings->quiet_days),
                                       sql_int(sql_now(applying->sql))),
                         &applying->report->ended, err) &&
           sql_one_int(applying->sql, &last_no, NULL, 0, 0, &last, err) &&
           sql_run(applying->sql, &forget_words, SQL_ARGUMENTS(old, sql_int(last)), err) &&
           sql_run_count(applying->sql, &forget, SQL_ARGUMENTS(old, sql_int(last)),
                         &applying->report->forgotten, err);
}

bool episodes_apply(struct alerts *alerts, struct sql *sql, int32_t day,
                    const struct finding *findings, size_t count, struct arena *arena,
                    struct alerts_report *report, struct error *err)
{
    struct applying applying = {
        alerts, sql, day, report, arena_alloc(arena, (count + 1) * sizeof(int64_t)), 0};
    struct alert *living;
    size_t living_count;
    for (size_t i = 0; i < count; i++)
        if (!apply_finding(&applying, &findings[i], err))
            return false;
    if (!read_living(sql, 0, INT64_MAX, TIMESTAMP_NONE, arena, &living, &living_count, err))
        return false;
    for (size_t i = 0; i < living_count; i++)
        if (living[i].kind == ALERT_SIGNAL &&
            !settle(&applying, living, living_count, &living[i], err))
            return false;
    return end_and_forget(&applying, err);
}
