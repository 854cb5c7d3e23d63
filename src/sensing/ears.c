/* EARS C1, C2, C3: yesterday against the days before it.
 *
 * Fricker, Hegler & Dunfee, "Comparing syndromic surveillance detection methods: EARS' versus a
 * CUSUM-based methodology", Statistics in Medicine 27 (2008) 3407-3429; parameters as
 * surveillance's earsC documents them. The bound of C1 and C2 is mean + z sd of `baseline` counts,
 * directly before the day (C1) or two days earlier (C2). C3 adds what C2 was above 1 on the two
 * days before.
 *
 * As in the reference, seven equal counts give a deviation of 0 (unless minSigma is set), so that
 * any rise alarms; in C3 such days divide 0 by 0 and have no answer. A missing count leaves every
 * day without an answer whose window holds it. */
#include "sensing/numerics.h"
#include "sensing/sensing_internal.h"

enum ears_kind { EARS_C1, EARS_C2, EARS_C3 };

struct ears {
    enum ears_kind kind;
    size_t baseline;
    double sigma_min, z;
};

static const char *const ears_names[] = {"C1", "C2", "C3", NULL};

static bool ears_settings(const struct parameters *parameters, enum ears_kind kind,
                          struct ears *ears, struct error *err)
{
    static const char *const names[] = {"method", "baseline", "minSigma", "alpha",
                                        "range",  "freq",     NULL};
    int64_t baseline;
    double alpha;
    int named;
    if (!parameters_only(parameters, names, err) ||
        !parameter_choice(parameters, "method", ears_names, (int)kind, &named, err) ||
        !parameter_whole(parameters, "baseline", 7, 3, SERIES_ROWS_MAX, &baseline, err) ||
        !parameter_number(parameters, "minSigma", 0, 0, 1e12, &ears->sigma_min, err) ||
        !parameter_probability(parameters, "alpha", kind == EARS_C3 ? 0.025 : 0.001, &alpha, err))
        return false;
    if (named != (int)kind)
        return parameter_error(err, "method", ears_names[kind],
                               "the parameter names another method than the command");
    ears->kind = kind;
    ears->baseline = (size_t)baseline;
    ears->z = normal_quantile(1 - alpha);
    return true;
}

/* max that keeps NAN, unlike fmax */
static inline double larger(double a, double b)
{
    return a > b || isnan(a) ? a : b;
}

/* Mean and deviation of the baseline that ends `gap` days before day `t`. */
static inline double window(const struct ears *ears, const double *observed, size_t t, size_t gap,
                            double *ret_deviation)
{
    const double *values = observed + t - gap - ears->baseline;
    double mean = mean_of(values, ears->baseline);
    *ret_deviation = larger(deviation_of(values, ears->baseline, mean), ears->sigma_min);
    return mean;
}

static double c3_bound(const struct ears *ears, const double *observed, size_t t)
{
    double excess = 0, deviation;
    for (size_t lag = 2; lag >= 1; lag--) {
        double mean = window(ears, observed, t - lag, 2, &deviation);
        excess += larger((observed[t - lag] - mean) / deviation - 1, 0);
    }
    window(ears, observed, t, 2, &deviation);
    return larger(observed[t] + deviation * (ears->z - excess), 0);
}

static bool ears_run(const struct method_call *call, enum ears_kind kind, struct table *ret_table,
                     struct error *err)
{
    static const size_t before[] = {[EARS_C1] = 0, [EARS_C2] = 2, [EARS_C3] = 4};
    const struct series *series = call->series;
    struct ears ears;
    struct range range;
    struct detection out;
    if (!ears_settings(call->parameters, kind, &ears, err) ||
        !parameter_range(call->parameters, series, ears.baseline + before[kind], &range, err))
        return false;
    detection_begin(series, range, "upperbound", call->arena, ret_table, &out);
    for (size_t t = range.first; t < range.end; t++) {
        size_t row = t - range.first;
        double bound, deviation;
        if (t < ears.baseline + before[kind]) {
            detection_none(&out, row, reason_short_baseline);
            continue;
        }
        if (kind == EARS_C3) {
            bound = c3_bound(&ears, series->observed, t);
        } else {
            double mean = window(&ears, series->observed, t, before[kind], &deviation);
            bound = mean + ears.z * deviation;
        }
        if (isnan(bound)) {
            bool missing = isnan(series->observed[t]);
            for (size_t lag = 1; !missing && lag <= ears.baseline + before[kind]; lag++)
                missing = isnan(series->observed[t - lag]);
            detection_none(&out, row, missing ? reason_missing : reason_no_spread);
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

bool ears_c1_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return ears_run(call, EARS_C1, ret_table, err);
}
bool ears_c2_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return ears_run(call, EARS_C2, ret_table, err);
}
bool ears_c3_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return ears_run(call, EARS_C3, ret_table, err);
}
