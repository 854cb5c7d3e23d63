/* Discretised serial intervals and infectivity.
 *
 * Cori, Ferguson, Fraser & Cauchemez, "A new framework and software to estimate time-varying
 * reproduction numbers during epidemics", American Journal of Epidemiology 178 (2013) 1505-1512 and
 * its web appendix. With F of shape a = ((mean - 1) / sd)^2 and scale b = sd^2 / (mean - 1):
 *   w_k = k F_a(k) + (k-2) F_a(k-2) - 2 (k-1) F_a(k-1) + a b (2 F_{a+1}(k-1) - F_{a+1}(k-2) -
 *   F_{a+1}(k))
 * and F_{a+1}(x) = F_a(x) - x^a e^-x / Gamma(a + 1), so that one function serves both. */
#include "sensing/serial_interval.h"
#include "sensing/numerics.h"

size_t serial_interval_gamma(double mean, double deviation, size_t count, double *ret_w)
{
    double shape = (mean - 1) * (mean - 1) / (deviation * deviation);
    double scale = deviation * deviation / (mean - 1), log_gamma = lgamma(shape + 1);
    double f[3] = {0}, g[3] = {0}; /* at k, k - 1, k - 2, for shape and shape + 1 */
    size_t support = 0;
    bool over = false;
    for (size_t k = 0; k < count; k++) {
        double x = (double)k / scale, upper;
        f[2] = f[1], f[1] = f[0], g[2] = g[1], g[1] = g[0];
        if (k && !over) {
            f[0] = gamma_lower(shape, x, &upper);
            g[0] = f[0] - exp(shape * log(x) - x - log_gamma);
            over = upper < 1e-19;
        }
        double day = (double)k;
        double w = day * f[0] + (day - 2) * f[2] - 2 * (day - 1) * f[1] +
                   shape * scale * (2 * g[1] - g[2] - g[0]);
        ret_w[k] = over && f[2] == f[0] ? 0 : fmax(0, w);
        if (ret_w[k] > 0)
            support = k + 1;
    }
    return support;
}

double serial_interval_mean(const double *w, size_t count)
{
    /* the reference sums in extended precision: a mean of just 4 is to be 4 */
    long double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)k * w[k];
    return (double)sum;
}

bool incidence_read(const struct series *series, struct arena *arena, struct incidence *ret,
                    struct error *err)
{
    for (size_t i = 0; i < series->count; i++)
        if (isnan(series->observed[i]))
            return error_set(err, ERROR_REFUSED,
                             (struct error_place){series->source, (int64_t)i + 1, "count"},
                             "a count on every day: fill it, or cut the series there",
                             "a missing day cannot be told from a day without cases");
    if (series->count < 2)
        return error_set(err, ERROR_REFUSED, (struct error_place){.source = series->source},
                         "at least two days", "the series is too short");
    double *local = arena_alloc(arena, series->count * sizeof *local);
    for (size_t i = 1; i < series->count; i++)
        local[i] = series->observed[i] - (series->imported ? series->imported[i] : 0);
    *ret = (struct incidence){series->count, series->observed, local};
    return true;
}

void infectivity(const struct incidence *incidence, const double *w, size_t support,
                 double *ret_lambda)
{
    ret_lambda[0] = NAN;
    for (size_t t = 1; t < incidence->count; t++) {
        size_t lags = t < support ? t + 1 : support;
        double sum = 0;
        for (size_t k = 0; k < lags; k++)
            sum += w[k] * incidence->total[t - k];
        ret_lambda[t] = sum;
    }
}

static bool listed_windows(const struct parameters *parameters, size_t days, struct arena *arena,
                           struct windows *windows, struct error *err)
{
    double *start, *end;
    size_t starts, ends;
    if (!parameter_numbers(parameters, "t_start", arena, &start, &starts, err) ||
        !parameter_numbers(parameters, "t_end", arena, &end, &ends, err))
        return false;
    if (!start || !end || starts != ends)
        return parameter_error(err, "t_start", "t_start and t_end of one length",
                               "the windows have not as many ends as starts");
    *windows = (struct windows){starts, arena_alloc(arena, starts * sizeof(size_t)),
                                arena_alloc(arena, starts * sizeof(size_t))};
    for (size_t i = 0; i < starts; i++) {
        if (start[i] != floor(start[i]) || end[i] != floor(end[i]) || start[i] < 2 ||
            end[i] < start[i] || end[i] > (double)days)
            return parameter_error(err, "t_start",
                                   "days from 2 to the last, no end before its start",
                                   "a window is not within the series");
        windows->start[i] = (size_t)start[i];
        windows->end[i] = (size_t)end[i];
    }
    return true;
}

bool windows_read(const struct parameters *parameters, size_t days, struct arena *arena,
                  struct windows *ret_windows, struct error *err)
{
    int64_t width, step;
    if (parameter(parameters, "t_start") || parameter(parameters, "t_end"))
        return listed_windows(parameters, days, arena, ret_windows, err);
    if (!parameter_whole(parameters, "width", 7, 1, SERIES_ROWS_MAX, &width, err) ||
        !parameter_whole(parameters, "step", 1, 1, SERIES_ROWS_MAX, &step, err))
        return false;
    if (days < (size_t)width + 1)
        return error_set(err, ERROR_REFUSED, (struct error_place){"parameters", 0, "width"},
                         "a longer series, or a smaller width",
                         "%zu days hold no window of %lld days from day 2 on", days,
                         (long long)width);
    size_t count = (days - (size_t)width - 1) / (size_t)step + 1;
    *ret_windows = (struct windows){count, arena_alloc(arena, count * sizeof(size_t)),
                                    arena_alloc(arena, count * sizeof(size_t))};
    for (size_t i = 0; i < count; i++) {
        ret_windows->start[i] = 2 + i * (size_t)step;
        ret_windows->end[i] = ret_windows->start[i] + (size_t)width - 1;
    }
    return true;
}

bool si_distribution_read(const struct parameters *parameters, size_t count, struct arena *arena,
                          double **ret_w, size_t *ret_support, struct error *err)
{
    double *given, sum = 0;
    size_t length;
    if (!parameter_numbers(parameters, "si_distr", arena, &given, &length, err))
        return false;
    if (!given)
        return parameter_error(err, "si_distr", "probabilities of 0, 1, 2 … days",
                               "the serial interval is missing");
    bool good = given[0] == 0;
    for (size_t k = 0; k < length; k++) {
        good = good && given[k] >= 0 && given[k] <= 1;
        sum += given[k];
    }
    if (!good || fabs(sum - 1) > 0.01)
        return parameter_error(err, "si_distr",
                               "probabilities that begin with 0 for day 0 and sum to 1",
                               "the serial interval is no distribution");
    size_t rows = count > length ? count : length;
    *ret_w = arena_alloc(arena, (rows + 1) * sizeof **ret_w);
    memcpy(*ret_w, given, length * sizeof *given);
    *ret_support = length;
    return true;
}

bool si_moments_read(const struct parameters *parameters, double *ret_mean, double *ret_deviation,
                     struct error *err)
{
    if (!parameter_number(parameters, "mean_si", NAN, 1, 1e5, ret_mean, err) ||
        !parameter_number(parameters, "std_si", NAN, 0, 1e5, ret_deviation, err))
        return false;
    if (!(*ret_mean > 1) || !(*ret_deviation > 0))
        return parameter_error(err, *ret_mean > 1 ? "std_si" : "mean_si",
                               "mean_si above 1 and std_si above 0, in days",
                               "the serial interval is missing or out of bounds");
    return true;
}

/* ---- rt infectivity, rt discr_si ---- */

bool rt_infectivity_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"mean_si", "std_si", NULL};
    struct incidence incidence;
    double mean, deviation;
    if (!parameters_only(call->parameters, names, err) ||
        !si_moments_read(call->parameters, &mean, &deviation, err) ||
        !incidence_read(call->series, call->arena, &incidence, err))
        return false;
    table_begin(ret_table, incidence.count);
    double *t = table_add(ret_table, call->arena, "t", COLUMN_NUMBER);
    double *w = table_add(ret_table, call->arena, "w_k_with_k_eq_t_minus_1", COLUMN_NUMBER);
    double *lambda = table_add(ret_table, call->arena, "lambda", COLUMN_NUMBER);
    size_t support = serial_interval_gamma(mean, deviation, incidence.count, w);
    infectivity(&incidence, w, support, lambda);
    for (size_t i = 0; i < incidence.count; i++)
        t[i] = (double)(i + 1);
    return true;
}

bool rt_discr_si_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"kmax", "mean_si", "std_si", NULL};
    enum { KMAX_MAX = 100000, PAIRS_MAX = 1000 };
    double *means, *deviations;
    size_t count, deviation_count;
    int64_t last;
    if (!parameters_only(call->parameters, names, err) ||
        !parameter_whole(call->parameters, "kmax", 60, 0, KMAX_MAX, &last, err) ||
        !parameter_numbers(call->parameters, "mean_si", call->arena, &means, &count, err) ||
        !parameter_numbers(call->parameters, "std_si", call->arena, &deviations, &deviation_count,
                           err))
        return false;
    if (!means || !deviations || count != deviation_count || count > PAIRS_MAX ||
        count * (size_t)(last + 1) > SERIES_ROWS_MAX)
        return parameter_error(err, "mean_si", "as many mean_si as std_si, at most 1000",
                               "the serial intervals are not pairs");
    for (size_t i = 0; i < count; i++)
        if (!(means[i] > 1) || !(deviations[i] > 0) || means[i] > 1e5 || deviations[i] > 1e5)
            return parameter_error(err, "mean_si", "mean_si above 1 and std_si above 0, in days",
                                   "a serial interval is out of bounds");
    size_t rows = (size_t)last + 1;
    table_begin(ret_table, count * rows);
    double *mean = table_add(ret_table, call->arena, "mean_si", COLUMN_NUMBER);
    double *deviation = table_add(ret_table, call->arena, "std_si", COLUMN_NUMBER);
    double *k = table_add(ret_table, call->arena, "k", COLUMN_NUMBER);
    double *w = table_add(ret_table, call->arena, "w", COLUMN_NUMBER);
    for (size_t i = 0; i < count; i++) {
        serial_interval_gamma(means[i], deviations[i], rows, w + i * rows);
        for (size_t row = 0; row < rows; row++) {
            mean[i * rows + row] = means[i];
            deviation[i * rows + row] = deviations[i];
            k[i * rows + row] = (double)row;
        }
    }
    return true;
}
