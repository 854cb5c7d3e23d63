/* Farrington's method of 1996, and what it shares with the flexible one.
 *
 * Farrington, Andrews, Beale & Catchpole, "A statistical algorithm for the early detection of
 * outbreaks of infectious disease", Journal of the Royal Statistical Society A 159 (1996) 547-563;
 * Höhle's notes in the surveillance package. An overdispersed Poisson regression on the weeks
 * around the same week of past years, past outbreaks weighed down; a trend stays only with three
 * years, p < 0.05 and a prediction not above all that was seen; alpha is two-sided.
 *
 * By dates the weeks are those whose weekday lies nearest to the date a year back (leap weeks: 53
 * weeks between two of them); else `freq` rows. Reference rows that do not exist are left out, and
 * so are missing counts (the reference stops there). Without limit54's cases the bound is 0, as in
 * the reference. */
#include <pthread.h>

#include "sensing/calendar.h"
#include "sensing/farrington.h"
#include "sensing/numerics.h"

bool farrington_settings(const struct parameters *parameters, const struct series *series,
                         double threshold, struct farrington *settings, struct error *err)
{
    static const char *const powers[] = {"none", "1/2", "2/3", NULL};
    int64_t years, width, frequency;
    double *limit;
    size_t limit_count;
    int power;
    struct arena arena;
    if (!parameter_whole(parameters, "b", 5, 1, BASELINE_YEARS_MAX, &years, err) ||
        !parameter_whole(parameters, "w", 3, 0, 366, &width, err) ||
        !parameter_whole(parameters, "freq", 52, 1, 366, &frequency, err) ||
        !parameter_flag(parameters, "reweight", true, &settings->reweight, err) ||
        !parameter_flag(parameters, "trend", true, &settings->trend, err) ||
        !parameter_flag(parameters, "epochAsDate", false, &settings->by_dates, err) ||
        !parameter_number(parameters, "weightsThreshold", threshold, 0, 1e6, &settings->threshold,
                          err) ||
        !parameter_probability(parameters, "alpha", 0.05, &settings->alpha, err) ||
        !parameter_choice(parameters, "powertrans", powers, POWER_TWO_THIRDS, &power, err))
        return false;
    arena_init(&arena, 64 << 20);
    bool done = parameter_numbers(parameters, "limit54", &arena, &limit, &limit_count, err);
    settings->few_cases = done && limit ? limit[0] : 5;
    double few_rows = done && limit_count == 2 ? limit[1] : 4;
    arena_release(&arena);
    if (!done)
        return false;
    if ((limit && limit_count != 2) || !(settings->few_cases >= 0) || few_rows < 1 ||
        few_rows > SERIES_ROWS_MAX || few_rows != floor(few_rows))
        return parameter_error(err, "limit54", "[cases, rows]: 0 or more cases in 1 or more rows",
                               "the limit is out of bounds");
    if (settings->by_dates && !series->days)
        return parameter_error(err, "epochAsDate", "a series with a column date",
                               "the series has no dates");
    if (settings->by_dates && frequency != 12 && frequency != 52 && frequency != 365)
        return parameter_error(err, "freq", "12, 52 or 365 with epochAsDate",
                               "no step of the calendar has this frequency");
    settings->years = (size_t)years;
    settings->half_width = (size_t)width;
    settings->frequency = (size_t)frequency;
    settings->few_rows = (size_t)few_rows;
    settings->power = (enum power)power;
    return true;
}

bool farrington_offset_check(const struct farrington *settings, const struct series *series,
                             struct error *err)
{
    return !settings->offset || series->population ||
           parameter_error(err, "populationOffset", "a series with a column population",
                           "the series has no population");
}

/* Functions of a count that every fit needs; those of small counts are made once. */
struct count_terms {
    double log_count, two_thirds, log_start;
};
enum { SMALL_COUNTS = 1024 };
static struct count_terms small_counts[SMALL_COUNTS];
static pthread_once_t small_once = PTHREAD_ONCE_INIT;

static struct count_terms terms_of(double count)
{
    double root = cbrt(count);
    return (struct count_terms){count > 0 ? log(count) : 0, root * root, log(count + 0.1)};
}

static void small_counts_make(void)
{
    for (size_t i = 0; i < SMALL_COUNTS; i++)
        small_counts[i] = terms_of((double)i);
}

void farrington_room_make(const struct series *series, const struct farrington *settings,
                          size_t rows_max, struct arena *arena, struct farrington_room *room)
{
    enum { COLUMNS = 10 };
    size_t count = series->count + 1;
    double *columns = arena_alloc(arena, COLUMNS * (rows_max + 1) * sizeof *columns);
    double *column[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        column[i] = columns + i * (rows_max + 1);
    *room = (struct farrington_room){
        .log_count = arena_alloc(arena, count * sizeof(double)),
        .two_thirds = arena_alloc(arena, count * sizeof(double)),
        .log_start = arena_alloc(arena, count * sizeof(double)),
        .log_population = settings->offset ? arena_alloc(arena, count * sizeof(double)) : NULL,
        .response = column[0],
        .time = column[1],
        .row_log = column[2],
        .row_two_thirds = column[3],
        .row_log_start = column[9],
        .offset = settings->offset ? column[4] : NULL,
    };
    room->rows = (struct grouped_rows){
        .response = column[0],
        .time = column[1],
        .log_response = column[2],
        .response_two_thirds = column[3],
        .offset = room->offset,
        .prior = column[5],
        .eta = column[6],
        .mu = column[7],
        .weight = column[8],
        .log_start = column[9],
    };
    pthread_once(&small_once, small_counts_make);
    for (size_t i = 0; i < series->count; i++) {
        double value = series->observed[i];
        struct count_terms terms =
            value < SMALL_COUNTS ? small_counts[(size_t)value] : terms_of(value);
        room->log_count[i] = terms.log_count;
        room->two_thirds[i] = terms.two_thirds;
        room->log_start[i] = terms.log_start;
        if (settings->offset)
            room->log_population[i] = series->population[i] > 0 ? log(series->population[i]) : NAN;
    }
}

bool farrington_fit(const struct farrington *settings, struct grouped_rows *rows, bool with_trend,
                    struct grouped_fit *fit, double *ret_dispersion)
{
    for (size_t i = 0; i < rows->count; i++)
        rows->prior[i] = 1;
    if (!grouped_fit(rows, with_trend, fit))
        return false;
    if (!fit->converged && with_trend) {
        with_trend = false;
        if (!grouped_fit(rows, false, fit))
            return false;
    }
    if (!fit->converged)
        return false;
    double dispersion = grouped_dispersion(rows, fit, rows->weight);
    dispersion = dispersion < 1 ? 1 : dispersion;
    if (isfinite(dispersion) && settings->reweight) {
        if (!grouped_reweight(rows, fit, dispersion, settings->threshold) ||
            !grouped_fit(rows, with_trend, fit))
            return false;
        dispersion = grouped_dispersion(rows, fit, rows->weight);
        dispersion = dispersion < 1 ? 1 : dispersion;
    }
    *ret_dispersion = dispersion;
    return true;
}

double farrington_enough(const struct farrington *settings, const double *observed, size_t t)
{
    double sum = 0;
    for (size_t lag = 0; lag < settings->few_rows && lag <= t; lag++)
        sum += observed[t - lag];
    return isnan(sum) ? NAN : sum >= settings->few_cases;
}

static double raise(enum power power, double value)
{
    if (power == POWER_NONE)
        return value;
    if (power == POWER_HALF)
        return sqrt(value);
    double root = cbrt(value);
    return root * root;
}

/* The inverse of raise(), NAN below 0 where it has no real value. */
static double lower_back(enum power power, double value)
{
    if (power == POWER_NONE)
        return value;
    if (power == POWER_HALF)
        return value * value;
    return value * sqrt(value);
}

struct power_bound farrington_bound(enum power power, double mean, double mean_error,
                                    double dispersion, double z, double count)
{
    double variance = dispersion + mean_error * mean_error / mean;
    double centre = raise(power, mean), deviation;
    if (power == POWER_NONE)
        deviation = sqrt(mean * variance);
    else if (power == POWER_HALF)
        deviation = sqrt(variance / 4);
    else
        deviation = sqrt(4. / 9 * cbrt(mean) * variance);
    double low = lower_back(power, centre - z * deviation);
    double high = lower_back(power, centre + z * deviation);
    double place = (raise(power, count) - centre) / deviation;
    return (struct power_bound){.upper = fmax(low, high), /* one may be NAN */
                                .lower_probability = normal_lower(place),
                                .upper_probability = normal_upper(place),
                                .median = mean};
}

/* ---- The method of 1996 ---- */

/* Reference rows of t into `rows`, at most years (2 w + 1). */
static size_t references_by_rows(const struct farrington *settings, size_t t, size_t *rows)
{
    size_t count = 0;
    ptrdiff_t width = (ptrdiff_t)settings->half_width;
    for (size_t year = settings->years; year >= 1; year--)
        for (ptrdiff_t shift = -width; shift <= width; shift++) {
            ptrdiff_t row = (ptrdiff_t)t - (ptrdiff_t)(settings->frequency * year) + shift;
            if (row >= 0)
                rows[count++] = (size_t)row;
        }
    return count;
}

static int32_t reference_day(const struct farrington *settings, int32_t today, int32_t centre,
                             int shift)
{
    if (settings->frequency == 365)
        return centre + shift;
    if (settings->frequency == 12) {
        int32_t day = day_plus_months(centre, shift);
        return day - (day_of_month(day) - day_of_month(today));
    }
    int32_t day = centre + 7 * shift;
    int forward = (day_of_week(today) - day_of_week(day) + 7) % 7;
    int backward = (day_of_week(day) - day_of_week(today) + 7) % 7;
    return day + (forward < backward ? forward : -backward);
}

static size_t references_by_dates(const struct farrington *settings, const struct series *series,
                                  size_t t, size_t *rows)
{
    size_t count = 0;
    int32_t today = series->days[t];
    int width = (int)settings->half_width;
    for (size_t year = 1; year <= settings->years; year++) {
        int32_t centre = day_plus_months(today, -12 * (int)year);
        for (int shift = -width; shift <= width; shift++) {
            size_t row = series_find_day(series, reference_day(settings, today, centre, shift));
            if (row != SIZE_MAX)
                rows[count++] = row;
        }
    }
    return count;
}

struct farrington_columns {
    double *trend, *quantile, *median;
};

/* Row `row` of the table, from the fitted references in `room`. */
static void evaluate(const struct farrington *settings, const struct series *series,
                     struct farrington_room *room, size_t t, double response_max,
                     struct detection *out, struct farrington_columns *columns)
{
    size_t row = t - out->range.first;
    struct grouped_fit fit;
    double dispersion, now = (double)(t + 1);
    double offset = room->offset ? room->log_population[t] : 0, count = series->observed[t];
    bool fitted = farrington_fit(settings, &room->rows, settings->trend, &fit, &dispersion);
    if (fitted && fit.has_slope) {
        double mean = exp(fit.level[0] + fit.slope * now + offset);
        double scale = grouped_dispersion(&room->rows, &fit, room->rows.weight);
        double t_value = fit.slope / sqrt(scale / fit.slope_information);
        bool keep = settings->years >= 3 && student_two_sided(t_value, fit.degrees) < 0.05 &&
                    mean <= response_max;
        if (!keep)
            fitted = farrington_fit(settings, &room->rows, false, &fit, &dispersion);
    }
    if (!fitted || !isfinite(dispersion) || isnan(offset)) {
        detection_none(out, row, isnan(offset) ? reason_missing : reason_no_convergence);
        columns->trend[row] = columns->quantile[row] = columns->median[row] = NAN;
        return;
    }
    double mean = fmax(exp(fit.level[0] + fit.slope * now + offset), 0x1p-52);
    double error = mean * sqrt(dispersion * grouped_variance(&fit, 0, now));
    struct power_bound bound = farrington_bound(settings->power, mean, error, dispersion,
                                                normal_quantile(1 - settings->alpha / 2), count);
    double enough = farrington_enough(settings, series->observed, t);
    columns->trend[row] = fit.has_slope;
    columns->quantile[row] = bound.lower_probability;
    columns->median[row] = bound.median;
    out->upperbound[row] = isnan(enough) ? NAN : enough != 0 ? bound.upper : 0;
    out->alarm[row] = enough != 0 ? (count - mean) / (bound.upper - mean) > 1 : 0;
    if (isnan(enough)) {
        out->alarm[row] = NAN;
        out->reasons[row] = reason_missing;
    } else if (enough == 0) {
        out->reasons[row] = reason_few_cases;
    }
}

/* fitFun says whether the population is an offset. */
static bool classic_settings(const struct parameters *parameters, const struct series *series,
                             struct farrington *settings, struct error *err)
{
    static const char *const names[] = {"b",       "w",           "reweight", "trend",
                                        "alpha",   "limit54",     "fitFun",   "powertrans",
                                        "range",   "epochAsDate", "freq",     "populationOffset",
                                        "verbose", "plot",        NULL};
    static const char *const functions[] = {"algo.farrington.fitGLM.fast", "algo.farrington.fitGLM",
                                            "algo.farrington.fitGLM.populationOffset", NULL};
    int function;
    bool offset;
    if (!parameters_only(parameters, names, err) ||
        !farrington_settings(parameters, series, 1, settings, err) ||
        !parameter_choice(parameters, "fitFun", functions, 0, &function, err) ||
        !parameter_flag(parameters, "populationOffset", function == 2, &offset, err))
        return false;
    settings->offset = offset;
    return farrington_offset_check(settings, series, err);
}

bool farrington_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    const struct series *series = call->series;
    struct farrington settings;
    struct farrington_room room;
    struct range range;
    struct detection out;
    if (!classic_settings(call->parameters, series, &settings, err))
        return false;
    size_t first = settings.frequency * settings.years;
    first = first > settings.half_width ? first - settings.half_width - 1 : 0;
    if (!parameter_range(call->parameters, series, first, &range, err))
        return false;
    size_t rows_max = settings.years * (2 * settings.half_width + 1);
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    struct farrington_columns columns = {
        table_add(ret_table, call->arena, "trend", COLUMN_NUMBER),
        table_add(ret_table, call->arena, "pd_quantile", COLUMN_NUMBER),
        table_add(ret_table, call->arena, "predictive_median", COLUMN_NUMBER)};
    farrington_room_make(series, &settings, rows_max, call->arena, &room);
    size_t *references = arena_alloc(call->arena, (rows_max + 1) * sizeof *references);
    for (size_t t = range.first; t < range.end; t++) {
        size_t found = settings.by_dates ? references_by_dates(&settings, series, t, references)
                                         : references_by_rows(&settings, t, references);
        size_t used = 0;
        double response_max = 0;
        for (size_t i = 0; i < found; i++) {
            double value = series->observed[references[i]];
            if (!farrington_usable(&room, series->observed, references[i]) || references[i] >= t)
                continue;
            farrington_row(&room, series->observed, used++, references[i],
                           (double)(references[i] + 1));
            response_max = value > response_max ? value : response_max;
        }
        room.rows.count = room.rows.start[1] = used;
        room.rows.group_count = 1;
        if (used < 2) {
            size_t row = t - range.first;
            detection_none(&out, row, reason_short_baseline);
            columns.trend[row] = columns.quantile[row] = columns.median[row] = NAN;
            continue;
        }
        evaluate(&settings, series, &room, t, response_max, &out, &columns);
    }
    return true;
}
