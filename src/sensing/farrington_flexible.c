/* The flexible Farrington method.
 *
 * Noufaily, Enki, Farrington, Garthwaite, Andrews & Charlett, "An improved algorithm for outbreak
 * detection in multiple surveillance systems", Statistics in Medicine 32 (2013) 1206-1222; Salmon,
 * Schumacher & Höhle, "Monitoring count time series in R", Journal of Statistical Software 70
 * (2016) no. 10, 3.1. Against 1996: all weeks of the baseline with a factor of `noPeriods` levels
 * for the season, a residual threshold of 2.58 for reweighting, the last `pastWeeksNotIncluded`
 * rows left out, one-sided alpha, and bounds by delta method, negative binomial plug-in or at the
 * upper end of the mean ("muan").
 *
 * Followed as the reference does it: standard errors and the trend's p-value take their dispersion
 * from the reweighting's weights where there was one; the score of nbPlugin and muan compares with
 * the linear predictor; with missing counts at the baseline's start the time of the prediction
 * counts from the first count that is there. The bound is NA without limit54's cases. A row whose
 * reference dates are not all in the series has no answer (the reference stops). Where the model
 * does not converge, `expected` is 0 and all else NA. */
#include "sensing/calendar.h"
#include "sensing/farrington.h"
#include "sensing/numerics.h"

enum threshold { THRESHOLD_DELTA, THRESHOLD_NEGBIN, THRESHOLD_MUAN };

struct flexible {
    struct farrington base;
    size_t periods, excluded;
    double trend_p;
    enum threshold threshold;
    double z;
};

static bool flexible_settings(const struct parameters *parameters, const struct series *series,
                              struct flexible *settings, struct error *err)
{
    static const char *const names[] = {"b",
                                        "w",
                                        "reweight",
                                        "weightsThreshold",
                                        "alpha",
                                        "trend",
                                        "limit54",
                                        "pThresholdTrend",
                                        "powertrans",
                                        "fitFun",
                                        "noPeriods",
                                        "populationOffset",
                                        "pastWeeksNotIncluded",
                                        "thresholdMethod",
                                        "range",
                                        "freq",
                                        "epochAsDate",
                                        "verbose",
                                        "glmWarnings",
                                        NULL};
    static const char *const thresholds[] = {"delta", "nbPlugin", "muan", NULL};
    struct farrington *base = &settings->base;
    int64_t periods, excluded;
    int threshold;
    if (!parameters_only(parameters, names, err) ||
        !farrington_settings(parameters, series, 2.58, base, err) ||
        !parameter_number(parameters, "pThresholdTrend", 0.05, 0, 1, &settings->trend_p, err) ||
        !parameter_whole(parameters, "noPeriods", 1, 1, GROUPS_MAX, &periods, err) ||
        !parameter_whole(parameters, "pastWeeksNotIncluded", (int64_t)base->half_width, 0,
                         SERIES_ROWS_MAX, &excluded, err) ||
        !parameter_flag(parameters, "populationOffset", false, &base->offset, err) ||
        !parameter_choice(parameters, "thresholdMethod", thresholds, 0, &threshold, err))
        return false;
    if (!farrington_offset_check(base, series, err))
        return false;
    if (periods > 1 && base->frequency < 2 * base->half_width + (size_t)periods)
        return parameter_error(err, "noPeriods", "windows and periods that fit into a year",
                               "there are too many periods");
    settings->periods = (size_t)periods;
    settings->excluded = (size_t)excluded;
    settings->threshold = (enum threshold)threshold;
    settings->z = normal_quantile(1 - base->alpha);
    return true;
}

/* Row t and the same row of past years, newest first; false where one is not in the series. */
static bool reference_rows(const struct farrington *base, const struct series *series, size_t t,
                           size_t *rows)
{
    rows[0] = t;
    for (size_t year = 1; year <= base->years; year++) {
        if (!base->by_dates) {
            if (t < year * base->frequency)
                return false;
            rows[year] = t - year * base->frequency;
            continue;
        }
        int32_t today = series->days[t];
        int32_t day = day_plus_months(today, -12 * (int)year);
        if (base->frequency == 52) {
            /* the nearest day of the same weekday; the earlier of the two tried first */
            int32_t one = day - (day_of_week(day) - day_of_week(today));
            int32_t other = one > day ? one - 7 : one + 7;
            day = abs(one - day) > abs(other - day) ? other : one;
        }
        rows[year] = series_find_day(series, day);
        if (rows[year] == SIZE_MAX)
            return false;
    }
    return rows[base->years] >= base->half_width;
}

/* Marks rows [low, t] of the baseline with their season: 0 none, 1 … periods - 1 between the
 * windows, `periods` the windows and the present. False where periods do not fit between. */
static bool mark_seasons(const struct flexible *settings, const size_t *references, uint8_t *season)
{
    size_t w = settings->base.half_width, t = references[0], periods = settings->periods;
    size_t low = references[settings->base.years] - w;
    memset(season + low, 0, t - low + 1);
    memset(season + (t >= w ? t - w : 0), (int)periods, t >= w ? w + 1 : t + 1);
    for (size_t year = 1; year <= settings->base.years; year++) {
        size_t centre = references[year];
        size_t end = centre + w < t ? centre + w : t;
        memset(season + centre - w, (int)periods, end - (centre - w) + 1);
        if (periods == 1)
            continue;
        size_t apart = references[year - 1] - centre;
        if (apart < 2 * w + periods)
            return false;
        size_t between = apart - 2 * w - 1, at = centre + w + 1;
        for (size_t p = 1; p < periods; p++) {
            size_t length = between / (periods - 1) + (p <= between % (periods - 1));
            memset(season + at, (int)p, length);
            at += length;
        }
    }
    return true;
}

struct baseline {
    size_t group; /* of the present season */
    double now;   /* time of the prediction */
    double response_max;
};

/* Sorts the marked rows into groups. False where the present season has no count. */
static bool gather(const struct flexible *settings, const struct series *series, size_t t,
                   const size_t *references, const uint8_t *season, struct farrington_room *room,
                   struct baseline *baseline)
{
    size_t low = references[settings->base.years] - settings->base.half_width;
    size_t end = t >= settings->excluded ? t - settings->excluded : 0;
    size_t counts[GROUPS_MAX + 1] = {0}, place[GROUPS_MAX + 1], first = SIZE_MAX, there = SIZE_MAX;
    bool dates = settings->base.by_dates;
    for (size_t i = low; i < end; i++) {
        if (!season[i])
            continue;
        first = first == SIZE_MAX ? i : first;
        if (farrington_usable(room, series->observed, i)) {
            there = there == SIZE_MAX ? i : there;
            counts[season[i]]++;
        }
    }
    struct grouped_rows *rows = &room->rows;
    rows->group_count = rows->count = 0;
    for (size_t p = 1; p <= settings->periods; p++) {
        if (!counts[p])
            continue;
        baseline->group = rows->group_count;
        rows->start[rows->group_count++] = place[p] = rows->count;
        rows->count += counts[p];
    }
    rows->start[rows->group_count] = rows->count;
    if (!counts[settings->periods])
        return false;
    double unit = dates && series->count > 1 ? series->days[1] - series->days[0] : 1;
    baseline->response_max = 0;
    for (size_t i = low; i < end; i++) {
        if (!season[i] || !farrington_usable(room, series->observed, i))
            continue;
        double time = dates ? (series->days[i] - series->days[first]) / unit : (double)(i + 1);
        farrington_row(room, series->observed, place[season[i]]++, i, time);
        baseline->response_max = fmax(baseline->response_max, series->observed[i]);
    }
    baseline->now = dates ? (series->days[t] - series->days[there]) / unit : (double)(t + 1);
    return true;
}

/* The linear predictor of the row and its standard error. */
struct prediction {
    double eta, error, dispersion;
    double trend_coefficient; /* NAN without a trend */
};

static bool predict(const struct flexible *settings, struct farrington_room *room,
                    const struct baseline *baseline, double offset, struct prediction *prediction)
{
    struct grouped_rows *rows = &room->rows;
    const double *scale_weights = settings->base.reweight ? rows->prior : rows->weight;
    struct grouped_fit fit;
    size_t group = baseline->group;
    if (!farrington_fit(&settings->base, rows, settings->base.trend, &fit, &prediction->dispersion))
        return false;
    if (fit.has_slope) {
        double scale = grouped_dispersion(rows, &fit, scale_weights);
        double t_value = fit.slope / sqrt(scale / fit.slope_information);
        double mean = exp(fit.level[group] + fit.slope * baseline->now + offset);
        bool keep = settings->base.years >= 3 && mean <= baseline->response_max &&
                    student_two_sided(t_value, fit.degrees) < settings->trend_p;
        if (!keep && !farrington_fit(&settings->base, rows, false, &fit, &prediction->dispersion))
            return false;
    }
    double scale = grouped_dispersion(rows, &fit, scale_weights);
    prediction->eta = fit.level[group] + fit.slope * baseline->now + offset;
    prediction->error = sqrt(scale * grouped_variance(&fit, group, baseline->now));
    prediction->trend_coefficient = fit.has_slope ? fit.slope : NAN;
    return isfinite(prediction->error) && isfinite(prediction->dispersion);
}

struct flexible_columns {
    double *expected, *score, *p_value, *mean, *dispersion, *trend, *trend_coefficient;
};

static void columns_none(struct flexible_columns *columns, size_t row)
{
    columns->expected[row] = columns->score[row] = columns->p_value[row] = NAN;
    columns->mean[row] = columns->dispersion[row] = NAN;
    columns->trend[row] = columns->trend_coefficient[row] = NAN;
}

static void bound_of(const struct flexible *settings, const struct prediction *prediction,
                     double count, double *ret_upper, double *ret_p, double *ret_centre,
                     double *ret_mean)
{
    double mean = fmax(exp(prediction->eta), 0x1p-52), phi = prediction->dispersion;
    if (settings->threshold == THRESHOLD_DELTA) {
        double error = mean * prediction->error;
        struct power_bound bound =
            farrington_bound(settings->base.power, mean, error, phi, settings->z, count);
        *ret_upper = bound.upper;
        *ret_p = bound.upper_probability;
        *ret_centre = mean;
        *ret_mean = exp(mean + settings->z * error);
        return;
    }
    double at = settings->threshold == THRESHOLD_MUAN ? settings->z * prediction->error : 0;
    mean = exp(prediction->eta + at);
    *ret_mean = mean;
    *ret_centre = prediction->eta;
    *ret_upper = *ret_p = NAN;
    if (isinf(mean))
        return;
    double level = 1 - settings->base.alpha, size = mean / (phi - 1);
    *ret_upper = phi > 1 ? negbin_quantile(level, size, 1 / phi) : poisson_quantile(level, mean);
    if (!isnan(count))
        *ret_p = phi > 1 ? negbin_upper(count - 1, size, 1 / phi) : poisson_upper(count - 1, mean);
}

static void evaluate(const struct flexible *settings, const double *observed, size_t t,
                     const struct prediction *prediction, struct detection *out,
                     struct flexible_columns *columns)
{
    size_t row = t - out->range.first;
    double count = observed[t], upper, centre;
    double enough = farrington_enough(&settings->base, observed, t);
    bound_of(settings, prediction, count, &upper, &columns->p_value[row], &centre,
             &columns->mean[row]);
    double score = (count - centre) / (upper - centre);
    bool shown = enough == 1;
    columns->score[row] = score;
    columns->expected[row] = shown && !isnan(upper) ? fmax(exp(prediction->eta), 0x1p-52) : NAN;
    columns->dispersion[row] = prediction->dispersion;
    columns->trend[row] = !isnan(prediction->trend_coefficient);
    columns->trend_coefficient[row] = prediction->trend_coefficient;
    out->upperbound[row] = shown ? upper : NAN;
    out->alarm[row] = shown && score > 1 && count != 0;
    if (isnan(enough))
        out->reasons[row] = reason_missing;
    else if (!shown)
        out->reasons[row] = reason_few_cases;
    else if (isnan(upper))
        out->reasons[row] = reason_overflow;
}

static void columns_add(struct table *table, struct arena *arena, struct flexible_columns *columns)
{
    columns->expected = table_add(table, arena, "expected", COLUMN_NUMBER);
    columns->score = table_add(table, arena, "score", COLUMN_NUMBER);
    columns->p_value = table_add(table, arena, "pvalue", COLUMN_NUMBER);
    columns->mean = table_add(table, arena, "mu0", COLUMN_NUMBER);
    columns->dispersion = table_add(table, arena, "phi", COLUMN_NUMBER);
    columns->trend = table_add(table, arena, "trend", COLUMN_NUMBER);
    columns->trend_coefficient = table_add(table, arena, "trend_coef", COLUMN_NUMBER);
}

bool farrington_flexible_run(const struct method_call *call, struct table *ret_table,
                             struct error *err)
{
    const struct series *series = call->series;
    struct flexible settings;
    struct farrington_room room;
    struct range range;
    struct detection out;
    struct flexible_columns columns;
    size_t references[BASELINE_YEARS_MAX + 1];
    if (!flexible_settings(call->parameters, series, &settings, err) ||
        !parameter_range(call->parameters, series,
                         settings.base.frequency * settings.base.years + settings.base.half_width,
                         &range, err))
        return false;
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    columns_add(ret_table, call->arena, &columns);
    farrington_room_make(series, &settings.base, series->count, call->arena, &room);
    uint8_t *season = arena_alloc(call->arena, series->count + 1);
    for (size_t t = range.first; t < range.end; t++) {
        struct baseline baseline = {0};
        struct prediction prediction;
        const char *reason = NULL;
        double offset = room.offset ? room.log_population[t] : 0;
        if (!reference_rows(&settings.base, series, t, references) ||
            !mark_seasons(&settings, references, season))
            reason = reason_short_baseline;
        else if (isnan(offset) ||
                 !gather(&settings, series, t, references, season, &room, &baseline))
            reason = reason_missing;
        else if (!predict(&settings, &room, &baseline, offset, &prediction))
            reason = reason_no_convergence;
        if (reason) {
            detection_none(&out, t - range.first, reason);
            columns_none(&columns, t - range.first);
            if (reason == reason_no_convergence)
                columns.expected[t - range.first] = 0;
        } else {
            evaluate(&settings, series->observed, t, &prediction, &out, &columns);
        }
    }
    return true;
}
