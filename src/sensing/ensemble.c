/* The platform's own detector: chengmai_ensemble.
 *
 * Two ensembles. What the week would count without an outbreak is the average of regressions with
 * and without trend and with 0 … `harmonics` harmonics, fitted robustly to up to `b` years
 * (robust_baseline.c). Whether an outbreak goes on is the average of outbreaks of nine sizes that
 * begin this week or began a week ago (outbreak_evidence.c). The p-value is the probability of such
 * evidence in a series without outbreaks, with the error of the estimate in it: no constant is
 * fitted to false alarms, so that `alpha` is the rate of false alarms a week by construction, and
 * less where counts are too few to split it finer.
 *
 * Parameters: alpha 0.01; b 10, years of baseline at most; pastWeeksNotIncluded 26, as in Noufaily
 * et al. 2013; harmonics 3; freq 52, rows a year, any number (52.1775 where rows are weeks of the
 * calendar; 7 with harmonics 3 is a free weekday in daily counts); range. The result of a row
 * depends on nothing but alpha and the rows up to it.
 *
 * Answers: alarm 1 where pvalue <= alpha; upperbound, the greatest count that would not have
 * alarmed after what the week before was; expected, log_error, dispersion of the prediction. A week
 * before without a count leaves this week to be judged alone. */
#include "sensing/outbreak_evidence.h"
#include "sensing/robust_baseline.h"
#include "sensing/sensing_internal.h"

enum { YEARS_PRESET = 10, YEARS_MAX = 60, EXCLUDED_PRESET = 26, HARMONICS_PRESET = 3 };

static bool ensemble_settings(const struct parameters *parameters, struct robust_settings *settings,
                              double *ret_alpha, struct error *err)
{
    static const char *const names[] = {"alpha", "b", "pastWeeksNotIncluded", "harmonics", "freq",
                                        "range", NULL};
    int64_t years, excluded, harmonics;
    if (!parameters_only(parameters, names, err) ||
        !parameter_probability(parameters, "alpha", 0.01, ret_alpha, err) ||
        !parameter_whole(parameters, "b", YEARS_PRESET, 1, YEARS_MAX, &years, err) ||
        !parameter_whole(parameters, "pastWeeksNotIncluded", EXCLUDED_PRESET, 1, SERIES_ROWS_MAX,
                         &excluded, err) ||
        !parameter_whole(parameters, "harmonics", HARMONICS_PRESET, 0, ROBUST_HARMONICS_MAX,
                         &harmonics, err) ||
        !parameter_number(parameters, "freq", 52, 1, 400, &settings->period, err))
        return false;
    settings->harmonics = (size_t)harmonics;
    settings->rows_max = (size_t)ceil((double)years * settings->period);
    settings->excluded = (size_t)excluded;
    return true;
}

struct ensemble_columns {
    double *p_value, *expected, *log_error, *dispersion;
};

static void evaluate(const struct robust_prediction *prediction, const double *observed, size_t t,
                     double alpha, struct outbreak_evidence *evidence, struct detection *out,
                     struct ensemble_columns *columns)
{
    size_t row = t - out->range.first;
    double before = observed[t - 1];
    columns->expected[row] = prediction->mean;
    columns->log_error[row] = prediction->log_error;
    columns->dispersion[row] = prediction->dispersion;
    outbreak_evidence_make(prediction, !isnan(before), evidence);
    out->upperbound[row] = outbreak_evidence_bound(evidence, before, alpha);
    if (isnan(observed[t])) {
        out->alarm[row] = columns->p_value[row] = NAN;
        out->reasons[row] = reason_missing;
        return;
    }
    columns->p_value[row] = outbreak_evidence_p(evidence, observed[t], before);
    out->alarm[row] = columns->p_value[row] <= alpha;
}

bool chengmai_ensemble_run(const struct method_call *call, struct table *ret_table,
                           struct error *err)
{
    const struct series *series = call->series;
    struct robust_settings settings;
    struct robust_room room;
    struct range range;
    struct detection out;
    double alpha;
    if (!ensemble_settings(call->parameters, &settings, &alpha, err) ||
        !parameter_range(call->parameters, series,
                         (size_t)ceil(fmax(settings.period, ROBUST_ROWS_LEAST)) + settings.excluded,
                         &range, err))
        return false;
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    struct ensemble_columns columns = {
        table_add(ret_table, call->arena, "pvalue", COLUMN_NUMBER),
        table_add(ret_table, call->arena, "expected", COLUMN_NUMBER),
        table_add(ret_table, call->arena, "log_error", COLUMN_NUMBER),
        table_add(ret_table, call->arena, "dispersion", COLUMN_NUMBER)};
    robust_room_make(series->observed, series->count, &settings, call->arena, &room);
    struct outbreak_evidence *evidence = arena_alloc(call->arena, sizeof *evidence);
    for (size_t t = range.first; t < range.end; t++) {
        struct robust_prediction prediction;
        size_t row = t - range.first;
        enum robust_outcome outcome = robust_predict(&settings, &room, t, &prediction);
        if (outcome == ROBUST_DONE) {
            evaluate(&prediction, series->observed, t, alpha, evidence, &out, &columns);
            continue;
        }
        columns.p_value[row] = columns.expected[row] = NAN;
        columns.log_error[row] = columns.dispersion[row] = NAN;
        detection_none(&out, row,
                       outcome == ROBUST_SHORT ? reason_short_baseline : reason_no_convergence);
    }
    return true;
}
