/* Bounds from the same weeks of this year and of past years: bayes, rki, cdc.
 *
 * bayes: Riebler, "Empirischer Vergleich von statistischen Methoden zur Ausbruchserkennung bei
 *   Surveillance Daten" (LMU Munich, 2004); Höhle, "surveillance: An R package for the monitoring
 *   of infectious diseases", Computational Statistics 22 (2007) 571-582: the predictive
 *   distribution of a Poisson count under Jeffreys' prior is negative binomial; an alarm is a
 *   count above its 1 - alpha quantile.
 * rki: Altmann, "The surveillance system of the Robert Koch Institute, Germany" (2003), same paper:
 *   mean + 2 sd above a mean of 20, below it the upper 95 % limits of a Poisson mean tabled by Crow
 *   & Gardner, Biometrika 46 (1959) 441-453, at the mean cut to a whole number.
 * cdc: Stroup et al., "Detection of aberrations in the occurrence of notifiable diseases
 *   surveillance data", Statistics in Medicine 8 (1989) 323-329, with the prediction interval of
 *   Farrington & Andrews (2003): four weeks' sum against those of b years, m months around.
 *
 * A missing count among those a row needs leaves the row without an answer, but for bayes: it takes
 * the counts that are there, as the reference does, and needs one. Where the reference
 * reads before the series' start, so does the row here. cdc honours m other than 1; the reference
 * sets it to 1 unasked. */
#include "sensing/numerics.h"
#include "sensing/sensing_internal.h"

enum { YEARS_MAX = 100 };

/* ---- bayes and rki ---- */

struct reference {
    size_t years, half_width, frequency;
    bool this_year;
};

/* Running sums of the counts and of how many are missing. Whole numbers, so nothing is rounded. */
struct sums {
    double *sum; /* of the rows before index i */
    uint32_t *missing;
};

static bool reference_settings(const struct parameters *parameters, int64_t years_preset,
                               int64_t width_preset, bool this_year_preset,
                               struct reference *reference, struct error *err)
{
    int64_t years, width, frequency;
    if (!parameter_whole(parameters, "b", years_preset, 0, YEARS_MAX, &years, err) ||
        !parameter_whole(parameters, "w", width_preset, 0, SERIES_ROWS_MAX, &width, err) ||
        !parameter_whole(parameters, "freq", 52, 1, 366, &frequency, err) ||
        !parameter_flag(parameters, "actY", this_year_preset, &reference->this_year, err))
        return false;
    if ((years == 0 && !reference->this_year) || (width == 0 && reference->this_year))
        return parameter_error(err, "w", "b of 1 or more, or actY with w of 1 or more",
                               "there would be no reference values");
    reference->years = (size_t)years;
    reference->half_width = (size_t)width;
    reference->frequency = (size_t)frequency;
    return true;
}

static size_t reference_first(const struct reference *reference)
{
    return reference->years * reference->frequency + reference->half_width;
}

/* Windows of row `t` in turn: this year's (without t), then one a year back. */
static bool reference_window(const struct reference *reference, size_t t, size_t year,
                             struct range *ret_window)
{
    size_t w = reference->half_width;
    if (year == 0) {
        *ret_window = (struct range){t - w, t};
        return reference->this_year;
    }
    size_t centre = t - year * reference->frequency;
    /* with a window wider than the period it reaches row t and beyond, which are not known yet */
    size_t end = centre + w + 1;
    *ret_window = (struct range){centre - w, end < t ? end : t};
    return true;
}

static void sums_make(const struct series *series, struct arena *arena, struct sums *sums)
{
    size_t count = series->count + 1;
    sums->sum = arena_alloc(arena, count * sizeof *sums->sum);
    sums->missing = arena_alloc(arena, count * sizeof *sums->missing);
    for (size_t i = 0; i < series->count; i++) {
        bool none = isnan(series->observed[i]);
        double value = none ? 0 : series->observed[i];
        sums->sum[i + 1] = sums->sum[i] + value;
        sums->missing[i + 1] = sums->missing[i] + none;
    }
}

/* Number of reference values that are there and their sum; false where one is missing. */
static inline bool reference_sum(const struct reference *reference, const struct sums *sums,
                                 size_t t, double *ret_sum, double *ret_count)
{
    double sum = 0, count = 0;
    uint32_t missing = 0;
    for (size_t year = 0; year <= reference->years; year++) {
        struct range window;
        if (!reference_window(reference, t, year, &window))
            continue;
        sum += sums->sum[window.end] - sums->sum[window.first];
        missing += sums->missing[window.end] - sums->missing[window.first];
        count += (double)(window.end - window.first);
    }
    *ret_sum = sum;
    *ret_count = count - missing;
    return missing == 0;
}

/* The last quantile that was asked: neighbouring rows often have the same history. */
struct bayes_memory {
    double sum, count, bound;
    bool filled;
};

bool bayes_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"b", "w", "actY", "alpha", "range", "freq", NULL};
    const struct series *series = call->series;
    struct reference reference;
    struct range range;
    struct detection out;
    struct sums sums;
    struct bayes_memory memory = {0};
    double alpha, sum, count;
    if (!parameters_only(call->parameters, names, err) ||
        !reference_settings(call->parameters, 0, 6, true, &reference, err) ||
        !parameter_probability(call->parameters, "alpha", 0.05, &alpha, err) ||
        !parameter_range(call->parameters, series, reference_first(&reference), &range, err))
        return false;
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    sums_make(series, call->arena, &sums);
    for (size_t t = range.first; t < range.end; t++) {
        size_t row = t - range.first;
        if (t < reference_first(&reference)) {
            detection_none(&out, row, reason_short_baseline);
            continue;
        }
        if (!reference_sum(&reference, &sums, t, &sum, &count) && count == 0) {
            detection_none(&out, row, reason_missing);
            continue;
        }
        if (!memory.filled || memory.sum != sum || memory.count != count)
            memory = (struct bayes_memory){
                sum, count, negbin_quantile(1 - alpha, sum + 0.5, count / (count + 1)), true};
        out.upperbound[row] = memory.bound;
        out.alarm[row] = series->observed[t] > memory.bound;
        if (isnan(series->observed[t])) {
            out.alarm[row] = NAN;
            out.reasons[row] = reason_missing;
        }
    }
    return true;
}

static double rki_bound(const struct reference *reference, const double *observed, size_t t,
                        double mean, double count)
{
    static const double upper_limits[] = {3.285,  5.323,  6.686,  8.102,  9.598,  11.177, 12.817,
                                          13.765, 14.921, 16.768, 17.633, 19.050, 20.335, 21.364,
                                          22.945, 23.762, 25.400, 26.306, 27.735, 28.966, 30.017};
    double squares = 0;
    if (mean <= 20)
        return upper_limits[(size_t)mean];
    for (size_t year = 0; year <= reference->years; year++) {
        struct range window;
        if (!reference_window(reference, t, year, &window))
            continue;
        for (size_t i = window.first; i < window.end; i++)
            squares += (observed[i] - mean) * (observed[i] - mean);
    }
    return mean + 2 * sqrt(squares / (count - 1));
}

bool rki_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"b", "w", "actY", "range", "freq", NULL};
    const struct series *series = call->series;
    struct reference reference;
    struct range range;
    struct detection out;
    struct sums sums;
    double sum, count;
    if (!parameters_only(call->parameters, names, err) ||
        !reference_settings(call->parameters, 2, 4, false, &reference, err) ||
        !parameter_range(call->parameters, series, reference_first(&reference), &range, err))
        return false;
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    sums_make(series, call->arena, &sums);
    for (size_t t = range.first; t < range.end; t++) {
        size_t row = t - range.first;
        if (t < reference_first(&reference)) {
            detection_none(&out, row, reason_short_baseline);
            continue;
        }
        if (!reference_sum(&reference, &sums, t, &sum, &count)) {
            detection_none(&out, row, reason_missing);
            continue;
        }
        double bound = rki_bound(&reference, series->observed, t, sum / count, count);
        if (isnan(bound)) { /* one reference value has no deviation */
            detection_none(&out, row, reason_no_spread);
            continue;
        }
        out.upperbound[row] = bound;
        out.alarm[row] = series->observed[t] > bound;
        if (isnan(series->observed[t])) {
            out.alarm[row] = NAN;
            out.reasons[row] = reason_missing;
        }
    }
    return true;
}

/* ---- cdc ---- */

enum { MONTH_WEEKS = 4 };

/* The sum of four rows that begin at `first`, NAN where one is missing. */
static inline double month_sum(const double *observed, size_t first)
{
    return observed[first] + observed[first + 1] + observed[first + 2] + observed[first + 3];
}

bool cdc_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"b", "m", "alpha", "range", "freq", NULL};
    const struct series *series = call->series;
    int64_t years, months, frequency;
    double alpha;
    struct range range;
    struct detection out;
    if (!parameters_only(call->parameters, names, err) ||
        !parameter_whole(call->parameters, "b", 5, 1, YEARS_MAX, &years, err) ||
        !parameter_whole(call->parameters, "m", 1, 0, 26, &months, err) ||
        !parameter_whole(call->parameters, "freq", 52, 1, 366, &frequency, err) ||
        !parameter_probability(call->parameters, "alpha", 0.025, &alpha, err))
        return false;
    size_t year_months = 2 * (size_t)months + 1, count = year_months * (size_t)years;
    size_t needed = (size_t)(years * frequency + MONTH_WEEKS * months) + MONTH_WEEKS - 1;
    if (frequency < MONTH_WEEKS * (months + 1))
        return parameter_error(err, "m", "months that fit into the period freq",
                               "the months around would reach into this one");
    if (count < 2)
        return parameter_error(err, "b", "b (2m + 1) of 2 or more", "one month has no deviation");
    if (!parameter_range(call->parameters, series, needed, &range, err))
        return false;
    double z = normal_quantile(1 - alpha / 2) * sqrt(1 + 1 / (double)count);
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    double *aggregate = table_add(ret_table, call->arena, "aggr4", COLUMN_NUMBER);
    double *sums = arena_alloc(call->arena, count * sizeof *sums);
    for (size_t t = range.first; t < range.end; t++) {
        size_t row = t - range.first, n = 0;
        aggregate[row] = t >= 3 ? month_sum(series->observed, t - 3) : NAN;
        if (t < needed) {
            detection_none(&out, row, reason_short_baseline);
            continue;
        }
        for (size_t year = (size_t)years; year >= 1; year--) {
            size_t start = t - year * (size_t)frequency - MONTH_WEEKS * (size_t)months - 3;
            for (size_t month = 0; month < year_months; month++)
                sums[n++] = month_sum(series->observed, start + MONTH_WEEKS * month);
        }
        double mean = mean_of(sums, count);
        out.upperbound[row] = mean + z * deviation_of(sums, count, mean);
        out.alarm[row] = aggregate[row] > out.upperbound[row];
        if (isnan(aggregate[row]) || isnan(out.upperbound[row])) {
            out.alarm[row] = NAN;
            out.reasons[row] = reason_missing;
        }
    }
    return true;
}
