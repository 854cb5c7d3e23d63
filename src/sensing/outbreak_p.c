/* OutbreakP: a likelihood ratio of a rise against a constant level, without a model of either.
 *
 * Frisén, Andersson & Schiöler, "Robust outbreak surveillance of epidemics in Sweden", Statistics
 * in Medicine 28 (2009) 476-493; Höhle's description in the surveillance package. The statistic of
 * rows 1…n is the product of (yhat_j / mean)^x_j, where yhat is the isotonic (never falling)
 * Poisson fit. The fit is a stack of plateaus that every row extends (pool adjacent violators), so
 * a whole series costs O(n); and log statistic = sum over plateaus of S log(S / n) - S_all
 * log(mean).
 *
 * It always starts at row 1, whatever the range. `ret` "cases": the least count of the row that
 * alarms, or 1 more than the greatest that does not, at most 100 000; the statistic rises with the
 * last count, so it is found by halving. A missing count is left out and its own row has no answer.
 *
 * The reference multiplies row by row, and its product can fall below the smallest number on the
 * way: it then says 0, or NaN where an infinite factor follows. outbreak_p follows it there and
 * gives the reason "underflow". A factor above the greatest number makes it infinite, with the
 * reason "overflow". outbreak_p_exact takes the product in logarithms and has no such
 * rows. */
#include "sensing/sensing_internal.h"

struct plateau {
    double sum, rows;
    double log_part; /* sum log(sum / rows) of this and all plateaus below */
    double sum_part; /* sum of this and all plateaus below */
};

struct outbreak {
    struct plateau *stack;
    size_t depth;
    double *counts; /* taken so far */
    double sum, rows, mean;
};

static inline double times_log(double sum, double rows)
{
    return sum > 0 ? sum * log(sum / rows) : 0;
}

/* The plateau that a count on top makes; *ret_depth plateaus stay below it. */
static inline struct plateau top_plateau(const struct outbreak *outbreak, double count,
                                         size_t *ret_depth)
{
    struct plateau top = {.sum = count, .rows = 1};
    size_t depth = outbreak->depth;
    while (depth &&
           top.sum * outbreak->stack[depth - 1].rows <= outbreak->stack[depth - 1].sum * top.rows) {
        depth--;
        top.sum += outbreak->stack[depth].sum;
        top.rows += outbreak->stack[depth].rows;
    }
    top.log_part = (depth ? outbreak->stack[depth - 1].log_part : 0) + times_log(top.sum, top.rows);
    top.sum_part = (depth ? outbreak->stack[depth - 1].sum_part : 0) + top.sum;
    *ret_depth = depth;
    return top;
}

/* Log of the statistic if the next count were `count`. */
static double log_statistic(const struct outbreak *outbreak, double count)
{
    size_t depth;
    struct plateau top = top_plateau(outbreak, count, &depth);
    return top.log_part - times_log(outbreak->sum + count, outbreak->rows + 1);
}

static void take(struct outbreak *outbreak, double count)
{
    size_t depth;
    struct plateau top = top_plateau(outbreak, count, &depth);
    outbreak->stack[depth] = top;
    outbreak->depth = depth + 1;
    outbreak->counts[(size_t)outbreak->rows] = count;
    outbreak->sum += count;
    outbreak->rows += 1;
    outbreak->mean += (count - outbreak->mean) / outbreak->rows;
}

/* Can the product row by row leave the range of numbers on its way up the plateaus? Its least value
 * is where plateaus pass the mean; no factor is greater than the rise from there. */
enum product_held { PRODUCT_HELD, PRODUCT_SMALL, PRODUCT_LARGE };
static enum product_held product_range(const struct outbreak *outbreak, double log_all)
{
    const double log_least = -700, log_most = 700;
    double log_mean = log(outbreak->mean);
    size_t low = 0, high = outbreak->depth;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (outbreak->stack[middle].sum < outbreak->mean * outbreak->stack[middle].rows)
            low = middle + 1;
        else
            high = middle;
    }
    double least = 0;
    if (low)
        least = outbreak->stack[low - 1].log_part - outbreak->stack[low - 1].sum_part * log_mean;
    if (least < log_least)
        return PRODUCT_SMALL;
    return log_all - least > log_most ? PRODUCT_LARGE : PRODUCT_HELD;
}

/* The statistic of the rows taken, multiplied row by row. */
static double product(const struct outbreak *outbreak)
{
    double value = 1;
    size_t row = 0;
    for (size_t i = 0; i < outbreak->depth; i++) {
        const struct plateau *plateau = &outbreak->stack[i];
        double ratio = plateau->sum / plateau->rows / outbreak->mean;
        for (size_t end = row + (size_t)plateau->rows; row < end; row++)
            value *= pow(ratio, outbreak->counts[row]);
    }
    return value;
}

/* What the count of a row must reach to alarm, NAN where there is none within bounds. */
static double needed_cases(const struct outbreak *outbreak, double count, bool alarm, double limit)
{
    const double cases_max = 1e5;
    double log_limit = log(limit), low, high; /* alarm at high, none at low */
    if (outbreak->rows == 0)
        return limit >= 1 ? NAN : 0;
    if (alarm) {
        low = 0;
        high = count;
        if (count <= 0 || log_statistic(outbreak, 0) > log_limit)
            return NAN;
    } else {
        low = count;
        high = cases_max;
        if (count >= cases_max || log_statistic(outbreak, cases_max) <= log_limit)
            return NAN;
    }
    while (high - low > 1) {
        double middle = floor((low + high) / 2);
        *(log_statistic(outbreak, middle) > log_limit ? &high : &low) = middle;
    }
    return high;
}

static void evaluate(bool cases, bool underflow, double statistic, double needed, double limit,
                     struct detection *out, size_t row)
{
    out->alarm[row] = isnan(statistic) ? NAN : statistic > limit;
    out->upperbound[row] = cases ? needed : statistic;
    if (underflow && cases)
        out->upperbound[row] = NAN;
    if (underflow)
        out->reasons[row] = reason_underflow;
}

static bool outbreak_run(const struct method_call *call, bool exact, struct table *ret_table,
                         struct error *err)
{
    static const char *const names[] = {"k", "ret", "range", "freq", NULL};
    static const char *const returns[] = {"cases", "value", NULL};
    const struct series *series = call->series;
    struct outbreak outbreak = {0};
    struct range range;
    struct detection out;
    double limit;
    int returned;
    if (!parameters_only(call->parameters, names, err) ||
        !parameter_number(call->parameters, "k", 100, 1e-300, 1e300, &limit, err) ||
        !parameter_choice(call->parameters, "ret", returns, 1, &returned, err) ||
        !parameter_range(call->parameters, series, 0, &range, err))
        return false;
    detection_begin(series, range, "value", call->arena, ret_table, &out);
    outbreak.stack = arena_alloc(call->arena, series->count * sizeof *outbreak.stack);
    outbreak.counts = arena_alloc(call->arena, series->count * sizeof *outbreak.counts);
    for (size_t t = 0; t < range.end; t++) {
        double count = series->observed[t];
        if (isnan(count)) {
            if (t >= range.first)
                detection_none(&out, t - range.first, reason_missing);
            continue;
        }
        if (t < range.first) {
            take(&outbreak, count);
            continue;
        }
        double log_all = log_statistic(&outbreak, count), statistic = exp(log_all), needed = NAN;
        if (returned == 0)
            needed = needed_cases(&outbreak, count, statistic > limit, limit);
        take(&outbreak, count);
        enum product_held left = exact ? PRODUCT_HELD : product_range(&outbreak, log_all);
        if (left != PRODUCT_HELD)
            statistic = product(&outbreak);
        evaluate(returned == 0, left == PRODUCT_SMALL, statistic, needed, limit, &out,
                 t - range.first);
        if (left == PRODUCT_LARGE && isinf(statistic))
            out.reasons[t - range.first] = reason_overflow;
    }
    return true;
}

bool outbreak_p_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return outbreak_run(call, false, ret_table, err);
}
bool outbreak_p_exact_run(const struct method_call *call, struct table *ret_table,
                          struct error *err)
{
    return outbreak_run(call, true, ret_table, err);
}
