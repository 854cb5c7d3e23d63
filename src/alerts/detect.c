/* Judging one series as of one day: its rules, then its detector. Pure.
 *
 * Every detector gives a p-value, so that all series of a night can be weighed together: the
 * regressions have their own; EARS' bound is mean + z deviation, from which mean and deviation are
 * taken back, and as the deviation is that of a few days Student's t of a new observation is used,
 * where EARS itself takes it for known and alarms far too often. Days without a report are left out
 * of EARS' baseline and are missing to the regressions. */
#include <gsl/gsl_cdf.h>
#include <stdlib.h>

#include "alerts/alerts_internal.h"

int32_t channel_history_days(const struct channel *channel)
{
    int64_t days = channel->history_rows * channel->step_days;
    for (size_t i = 0; i < channel->rule_count; i++)
        days = channel->rules[i].days > days ? channel->rules[i].days : days;
    return (int32_t)days;
}

static double value_of(const struct channel *channel, const struct series_point *point)
{
    double limit = isnan(point->limit) ? 0 : point->limit, count = (double)point->count;
    switch (channel->measure) {
    case MEASURE_DETECTED:
        return point->count > 0 && count >= limit;
    case MEASURE_LOAD:
        return fmax(count < limit ? limit / 2 : count, 0.5) *
               (isnan(point->flow) ? 1 : point->flow);
    default:
        return count;
    }
}

/* ---- Rules */

/* The first rule that holds; without a report of the day none does. */
static bool judge_rules(const struct channel *channel, const struct series_point *points,
                        size_t count, int32_t day, struct judgement *judgement)
{
    bool reported = count && points[count - 1].day == day;
    judgement->judged |= channel->rule_count && reported;
    for (size_t r = 0; reported && r < channel->rule_count; r++) {
        const struct channel_rule *rule = &channel->rules[r];
        double sum = 0;
        for (size_t i = count; i > 0 && points[i - 1].day > day - rule->days; i--)
            sum += value_of(channel, &points[i - 1]);
        judgement->observed = sum;
        judgement->bound = (double)rule->count;
        if (sum < (double)rule->count)
            continue;
        judgement->by_rule = judgement->enough = true;
        return true;
    }
    return false;
}

/* ---- Rows of the detector */

struct rows {
    double *values; /* NAN: not reported */
    size_t count, reported;
};

/* Row i from the end holds `step_days` days; begins with the first report. */
static struct rows rows_of(const struct channel *channel, const struct series_point *points,
                           size_t count, int32_t day, struct arena *arena)
{
    size_t rows = (size_t)channel->history_rows;
    struct rows out = {arena_alloc(arena, (rows + 1) * sizeof(double)), rows, 0};
    double *total = arena_alloc(arena, (rows + 1) * sizeof *total);
    int *days = arena_alloc(arena, (rows + 1) * sizeof *days), step = (int)channel->step_days;
    double totals = 0, with_total = 0;
    size_t first = rows;
    for (size_t i = 0; i < count; i++) {
        int64_t back = (day - points[i].day) / step;
        if (points[i].day > day || back >= (int64_t)rows)
            continue;
        size_t row = rows - 1 - (size_t)back;
        out.values[row] += value_of(channel, &points[i]);
        total[row] += points[i].total > 0 ? (double)points[i].total : 0;
        days[row]++;
        first = row < first ? row : first;
    }
    for (size_t row = 0; row < rows; row++) {
        if (days[row] < ceil(channel->completeness * step))
            days[row] = 0;
        double value = days[row] ? out.values[row] * step / days[row] : NAN;
        out.values[row] = channel->measure == MEASURE_LOAD ? value : rint(value);
        out.reported += days[row] > 0;
        if (channel->measure == MEASURE_SHARE && (!days[row] || total[row] <= 0))
            out.values[row] = NAN;
        totals += total[row];
        with_total += total[row] > 0;
    }
    /* a share as cases among the usual total: the detectors take counts */
    for (size_t row = 0; channel->measure == MEASURE_SHARE && row < rows; row++)
        if (!isnan(out.values[row]))
            out.values[row] = rint(out.values[row] * totals / with_total / total[row]);
    out.values += first < rows ? first : rows - 1;
    out.count = rows - (first < rows ? first : rows - 1);
    return out;
}

/* Without the missing rows. */
static void leave_out_missing(struct rows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (!isnan(rows->values[i]))
            rows->values[kept++] = rows->values[i];
    rows->count = kept;
}

/* ---- Detectors */

/* Runs the channel's method on the last row. */
static bool run_method(const struct channel *channel, const struct rows *rows, double alpha,
                       struct arena *arena, struct table *ret_table, struct error *err)
{
    struct series series = {
        .source = channel->name, .count = rows->count, .observed = rows->values};
    struct parameters parameters = {json_deep_copy(channel->parameters)};
    struct method_call call = {.series = &series, .parameters = &parameters, .arena = arena};
    json_t *range = json_pack("[I, I]", (json_int_t)rows->count, (json_int_t)rows->count);
    json_object_set_new(parameters.object, "range", range);
    json_object_set_new(parameters.object, "alpha", json_real(alpha));
    bool done = channel->method->run(&call, ret_table, err);
    json_decref(parameters.object);
    return done;
}

/* Counts as 2 √(x + 3/8), whose deviation is 1 where nothing but chance is at work (Anscombe
 * 1948): without it the skew of small counts alarms. Mean and deviation out of two bounds; then
 * Student's t of one more observation. */
static double stabilised(double count)
{
    return 2 * sqrt(count + 0.375);
}

static double count_of(double value)
{
    return value <= 0 ? 0 : fmax(value * value / 4 - 0.375, 0);
}

static bool judge_ears(const struct channel *channel, struct rows *rows, struct arena *arena,
                       struct judgement *judgement, struct error *err)
{
    static const double alphas[] = {0.1, 0.01};
    double bounds[2], n = (double)channel->baseline;
    for (size_t i = 0; i < rows->count; i++)
        rows->values[i] = stabilised(rows->values[i]);
    for (size_t i = 0; i < 2; i++) {
        struct table table;
        if (!run_method(channel, rows, alphas[i], arena, &table, err))
            return false;
        bounds[i] = table_values(&table, "upperbound")[0];
        judgement->reason = table.reasons ? table.reasons[0] : NULL;
    }
    double z0 = gsl_cdf_ugaussian_Qinv(alphas[0]), z1 = gsl_cdf_ugaussian_Qinv(alphas[1]);
    double deviation = (bounds[1] - bounds[0]) / (z1 - z0), mean = bounds[0] - z0 * deviation;
    if (isnan(mean) || isnan(judgement->observed))
        return true;
    double error = deviation * sqrt(1 + 1 / n);
    judgement->judged = true;
    judgement->expected = count_of(mean);
    judgement->bound = count_of(mean + gsl_cdf_tdist_Qinv(channel->alpha, n - 1) * error);
    judgement->p = gsl_cdf_tdist_Q((stabilised(judgement->observed) - mean) / error, n - 1);
    return true;
}

static bool judge_regression(const struct channel *channel, const struct rows *rows,
                             struct arena *arena, struct judgement *judgement, struct error *err)
{
    struct table table;
    if (!run_method(channel, rows, channel->alpha, arena, &table, err))
        return false;
    const double *p = table_values(&table, "pvalue"), *expected = table_values(&table, "expected");
    judgement->reason = table.reasons ? table.reasons[0] : NULL;
    if (isnan(p[0]) || isnan(judgement->observed))
        return true;
    judgement->judged = true;
    judgement->p = p[0];
    judgement->expected = expected[0];
    judgement->bound = table_values(&table, "upperbound")[0];
    return true;
}

static bool judge_detector(const struct channel *channel, const struct series_point *points,
                           size_t count, int32_t day, struct arena *arena,
                           struct judgement *judgement, struct error *err)
{
    struct rows rows = rows_of(channel, points, count, day, arena);
    if (!channel->method) {
        trend_judge(channel, rows.values, rows.count, judgement);
        return true;
    }
    judgement->observed = rows.values[rows.count - 1];
    judgement->reason = "missing-count";
    judgement->enough = judgement->observed >= (double)channel->minimum_count;
    if (isnan(judgement->observed) && count)
        return true;
    judgement->reason = "incomplete";
    if ((double)rows.reported < channel->completeness * (double)rows.count)
        return true;
    judgement->reason = NULL;
    if (channel->baseline)
        leave_out_missing(&rows);
    return channel->baseline ? judge_ears(channel, &rows, arena, judgement, err)
                             : judge_regression(channel, &rows, arena, judgement, err);
}

bool channel_judge(const struct channel *channel, const struct series_point *points, size_t count,
                   int32_t day, struct arena *arena, struct judgement *ret_judgement,
                   struct error *err)
{
    *ret_judgement = (struct judgement){.observed = NAN, .expected = NAN, .bound = NAN, .p = NAN};
    while (count && points[count - 1].day > day)
        count--;
    if (judge_rules(channel, points, count, day, ret_judgement) || !channel->detector)
        return true;
    return judge_detector(channel, points, count, day, arena, ret_judgement, err);
}

/* ---- What was seen, and what would not have alarmed */

void channel_trail(const struct channel *channel, const struct series_point *points, size_t count,
                   int32_t day, size_t rows, struct arena *arena, double *values)
{
    struct channel wide = *channel;
    while (count && points[count - 1].day > day)
        count--;
    if (wide.history_rows < (int64_t)rows)
        wide.history_rows = (int64_t)rows;
    struct rows seen = rows_of(&wide, points, count, day, arena);
    for (size_t i = 0; i < rows; i++)
        values[i] = i + seen.count < rows ? NAN : seen.values[i + seen.count - rows];
}

bool judgement_is_signal(const struct channel *channel, const struct judgement *judgement,
                         double threshold)
{
    return judgement->by_rule || (judgement->judged && judgement->enough &&
                                  judgement->p <= threshold && judgement->p <= channel->alpha);
}

/* The greater the count the likelier the signal: halving finds the border. */
bool channel_quiet_count(const struct channel *channel, struct series_point *points, size_t count,
                         int32_t day, double threshold, struct arena *arena, int64_t *ret_count,
                         struct error *err)
{
    struct judgement judgement;
    *ret_count = -1;
    while (count && points[count - 1].day > day)
        count--;
    if (!count || points[count - 1].day != day)
        return true;
    struct series_point *last = &points[count - 1];
    int64_t seen = last->count, quiet = -1, loud = seen;
    bool done = channel_judge(channel, points, count, day, arena, &judgement, err);
    if (done && judgement_is_signal(channel, &judgement, threshold))
        while (done && loud - quiet > 1) {
            last->count = quiet + (loud - quiet) / 2;
            arena_clear(arena);
            done = channel_judge(channel, points, count, day, arena, &judgement, err);
            *(judgement_is_signal(channel, &judgement, threshold) ? &loud : &quiet) = last->count;
        }
    last->count = seen;
    *ret_count = quiet;
    return done;
}

/* ---- Weighing */

double judgement_strength(const struct judgement *judgement)
{
    if (judgement->by_rule)
        return 1;
    return isnan(judgement->p) ? 0 : fmin(-log10(fmax(judgement->p, 1e-300)) / 6, 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double false_discovery_threshold(double *p, size_t count, double rate)
{
    double threshold = 0;
    qsort(p, count, sizeof *p, by_value);
    for (size_t i = 0; i < count; i++)
        if (p[i] <= rate * (double)(i + 1) / (double)count)
            threshold = p[i];
    return threshold;
}
