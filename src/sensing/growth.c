/* rt growth: how fast cases grow, and in how many days they double.
 *
 * Within a window counts are taken to grow by a constant factor a day: mean level × exp(growth ×
 * day), variance dispersion × mean. Given the window's total Y, the counts are spread over its days
 * in proportion to exp(growth × day), so that the level falls out and one equation is left:
 *   sum of day × count = Y m(growth),    m, v: mean and variance of the day under that spread.
 * (McCullagh & Nelder, "Generalized Linear Models", 2nd ed. 1989, 6.4: Poisson regression as
 * multinomial; ch. 9 for the dispersion.) The interval holds the growths that the score does not
 * reject: |sum of day × count − Y m| <= t sqrt(dispersion Y v), with Student's t of the window's
 * days less two, as the dispersion (Pearson) is an estimate too.
 *
 * The doubling time is log 2 / growth; negative, cases halve in so many days. Its interval goes
 * through infinity where the growth's holds 0: that end is Inf (or -Inf), "not even that is sure".
 *
 * Parameters: width 14 days (from 4), step 1, alpha 0.05, cases 20: a window with fewer has no
 * answer, nor has one of which no two days have cases. Days without a count are left out; with
 * fewer than four left there is no answer. */
#include <gsl/gsl_cdf.h>

#include "sensing/sensing_internal.h"

enum { WIDTH_MAX = 366, DAYS_LEAST = 4 };
static const double growth_max = 5; /* a day: 148 times as many */

struct spread {
    size_t days;
    const double *day, *count; /* days from the window's middle */
    double total, moment;      /* sums of count, of day × count */
};

struct moments {
    double sum, mean, variance; /* of exp(growth × day) and of the day under it */
};

static struct moments moments_of(const struct spread *spread, double growth)
{
    double sum = 0, first = 0, second = 0, top = -INFINITY;
    for (size_t i = 0; i < spread->days; i++)
        top = fmax(top, growth * spread->day[i]);
    for (size_t i = 0; i < spread->days; i++) {
        double weight = exp(growth * spread->day[i] - top);
        sum += weight;
        first += weight * spread->day[i];
        second += weight * spread->day[i] * spread->day[i];
    }
    double mean = first / sum;
    return (struct moments){sum * exp(top), mean, second / sum - mean * mean};
}

/* The score over its deviation; falls with the growth. */
static double score_of(const struct spread *spread, double growth, double dispersion)
{
    struct moments moments = moments_of(spread, growth);
    return (spread->moment - spread->total * moments.mean) /
           sqrt(dispersion * spread->total * moments.variance);
}

/* The growth at which the score is `wanted`, infinite where none below growth_max is. */
static double growth_at(const struct spread *spread, double wanted, double dispersion)
{
    double low = -growth_max, high = growth_max;
    if (score_of(spread, low, dispersion) <= wanted)
        return -INFINITY;
    if (score_of(spread, high, dispersion) >= wanted)
        return INFINITY;
    while (high - low > 1e-12) {
        double middle = (low + high) / 2;
        *(score_of(spread, middle, dispersion) > wanted ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

static double dispersion_of(const struct spread *spread, double growth)
{
    struct moments moments = moments_of(spread, growth);
    double pearson = 0;
    for (size_t i = 0; i < spread->days; i++) {
        double mean = spread->total * exp(growth * spread->day[i]) / moments.sum;
        pearson += (spread->count[i] - mean) * (spread->count[i] - mean) / mean;
    }
    return pearson / (double)(spread->days - 2);
}

/* ---- Windows */

struct growth_settings {
    int64_t width, step;
    double alpha, cases;
};

enum { GROWTH, GROWTH_LOW, GROWTH_HIGH, DOUBLING, DOUBLING_LOW, DOUBLING_HIGH, RESULTS };

static void spread_of(const struct series *series, size_t first, size_t width, double *day,
                      double *count, struct spread *spread)
{
    *spread = (struct spread){.day = day, .count = count};
    for (size_t i = 0; i < width; i++) {
        double value = series->observed[first + i];
        if (isnan(value))
            continue;
        double at = (double)i - (double)(width - 1) / 2;
        day[spread->days] = at;
        count[spread->days++] = value;
        spread->total += value;
        spread->moment += at * value;
    }
}

static void doubling(const double growth[3], double out[3])
{
    bool grows = growth[0] > 0;
    out[0] = M_LN2 / growth[0];
    double fast = grows ? growth[2] : growth[1], slow = grows ? growth[1] : growth[2];
    bool sure = grows ? slow > 0 : slow < 0;
    double near = M_LN2 / fast, far = sure ? M_LN2 / slow : grows ? INFINITY : -INFINITY;
    out[1] = fmin(near, far);
    out[2] = fmax(near, far);
}

/* The reason why there is no answer, NULL where there is one. */
static const char *estimate(const struct spread *spread, const struct growth_settings *settings,
                            double out[RESULTS])
{
    if (spread->days < DAYS_LEAST)
        return reason_missing;
    if (spread->total < settings->cases)
        return reason_few_cases;
    double growth = growth_at(spread, 0, 1);
    if (!isfinite(growth))
        return reason_no_spread;
    double dispersion = fmax(dispersion_of(spread, growth), 1e-9);
    double t = gsl_cdf_tdist_Qinv(settings->alpha / 2, (double)(spread->days - 2));
    out[GROWTH] = growth;
    out[GROWTH_LOW] = growth_at(spread, t, dispersion);
    out[GROWTH_HIGH] = growth_at(spread, -t, dispersion);
    doubling(&out[GROWTH], &out[DOUBLING]);
    return NULL;
}

bool rt_growth_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"width", "step", "alpha", "cases", NULL};
    static const char *const columns[RESULTS] = {"growth",   "growth_low",   "growth_high",
                                                 "doubling", "doubling_low", "doubling_high"};
    const struct parameters *parameters = call->parameters;
    const struct series *series = call->series;
    struct growth_settings settings;
    if (!parameters_only(parameters, names, err) ||
        !parameter_whole(parameters, "width", 14, DAYS_LEAST, WIDTH_MAX, &settings.width, err) ||
        !parameter_whole(parameters, "step", 1, 1, SERIES_ROWS_MAX, &settings.step, err) ||
        !parameter_number(parameters, "cases", 20, 2, 1e12, &settings.cases, err) ||
        !parameter_probability(parameters, "alpha", 0.05, &settings.alpha, err))
        return false;
    size_t width = (size_t)settings.width, step = (size_t)settings.step;
    if (series->count < width)
        return error_set(err, ERROR_REFUSED, (struct error_place){"parameters", 0, "width"},
                         "a longer series, or a smaller width",
                         "%zu days hold no window of %zu days", series->count, width);
    size_t rows = (series->count - width) / step + 1;
    double day[WIDTH_MAX], count[WIDTH_MAX], *results[RESULTS];
    table_begin(ret_table, rows);
    double *start = table_add(ret_table, call->arena, "t_start", COLUMN_NUMBER);
    double *end = table_add(ret_table, call->arena, "t_end", COLUMN_NUMBER);
    double *cases = table_add(ret_table, call->arena, "cases", COLUMN_NUMBER);
    for (size_t i = 0; i < RESULTS; i++)
        results[i] = table_add(ret_table, call->arena, columns[i], COLUMN_NUMBER);
    ret_table->reasons = arena_alloc(call->arena, (rows + 1) * sizeof *ret_table->reasons);
    for (size_t row = 0; row < rows; row++) {
        double out[RESULTS] = {NAN, NAN, NAN, NAN, NAN, NAN};
        struct spread spread;
        spread_of(series, row * step, width, day, count, &spread);
        ret_table->reasons[row] = estimate(&spread, &settings, out);
        start[row] = (double)(row * step + 1);
        end[row] = (double)(row * step + width);
        cases[row] = spread.total;
        for (size_t i = 0; i < RESULTS; i++)
            results[i][row] = out[i];
    }
    return true;
}
