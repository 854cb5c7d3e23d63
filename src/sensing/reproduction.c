/* R(t) by Cori's method.
 *
 * Cori et al. 2013 (see serial_interval.c); local and imported: Thompson et al., "Improved
 * inference of time-varying reproduction numbers during infectious disease outbreaks", Epidemics
 * 29 (2019) 100356. In a window the posterior of R is gamma with shape a0 + local cases and scale
 * 1 / (1/b0 + sum of infectivity); the prior has mean_prior and std_prior. A window that ends
 * before the mean of the discretised serial interval has no answer.
 *
 * uncertain_si: mean and deviation of the serial interval are normal, cut to their bounds; the
 * posterior is the mixture over them. The reference draws n1 intervals and n2 values each; here the
 * mixture over NODES x NODES quantiles of the two normals is solved itself, so that n1, n2 and
 * seeds have no effect and two runs are equal. */
#include "sensing/numerics.h"
#include "sensing/serial_interval.h"

enum { LEVELS = 7 };
static const double levels[LEVELS] = {0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975};
/* their standard normal quantiles: where the search for a gamma quantile begins */
static const double normal_levels[LEVELS] = {
    -1.959963984540054, -1.644853626951473, -0.674489750196082, 0,
    0.674489750196082,  1.644853626951473,  1.959963984540054};
static const char *const level_names[LEVELS] = {"q025", "q05", "q25", "median",
                                                "q75",  "q95", "q975"};

struct prior {
    double shape, scale;
};

static bool prior_read(const struct parameters *parameters, struct prior *prior, struct error *err)
{
    double mean, deviation;
    if (!parameter_number(parameters, "mean_prior", 5, 1e-6, 1e6, &mean, err) ||
        !parameter_number(parameters, "std_prior", 5, 1e-6, 1e6, &deviation, err))
        return false;
    prior->shape = (mean / deviation) * (mean / deviation);
    prior->scale = deviation * deviation / mean;
    return true;
}

struct estimate_columns {
    double *mean, *deviation, *quantiles[LEVELS];
    const char **reasons;
};

static void columns_begin(const struct windows *windows, struct arena *arena, struct table *table,
                          struct estimate_columns *columns)
{
    table_begin(table, windows->count);
    double *start = table_add(table, arena, "t_start", COLUMN_NUMBER);
    double *end = table_add(table, arena, "t_end", COLUMN_NUMBER);
    columns->mean = table_add(table, arena, "mean", COLUMN_NUMBER);
    columns->deviation = table_add(table, arena, "sd", COLUMN_NUMBER);
    for (size_t i = 0; i < LEVELS; i++)
        columns->quantiles[i] = table_add(table, arena, level_names[i], COLUMN_NUMBER);
    columns->reasons = arena_alloc(arena, (windows->count + 1) * sizeof *columns->reasons);
    table->reasons = columns->reasons;
    for (size_t i = 0; i < windows->count; i++) {
        start[i] = (double)windows->start[i];
        end[i] = (double)windows->end[i];
    }
}

static void none(struct estimate_columns *columns, size_t row)
{
    columns->mean[row] = columns->deviation[row] = NAN;
    for (size_t i = 0; i < LEVELS; i++)
        columns->quantiles[i][row] = NAN;
    columns->reasons[row] = reason_too_early;
}

static double window_sum(const double *values, const struct windows *windows, size_t i)
{
    double sum = 0;
    for (size_t t = windows->start[i] - 1; t < windows->end[i]; t++)
        sum += values[t];
    return sum;
}

static void estimate(const struct incidence *incidence, const struct windows *windows,
                     const double *lambda, double si_mean, const struct prior *prior,
                     struct estimate_columns *columns)
{
    for (size_t row = 0; row < windows->count; row++) {
        if (!((double)windows->end[row] > si_mean)) {
            none(columns, row);
            continue;
        }
        double shape = prior->shape + window_sum(incidence->local, windows, row);
        double scale = 1 / (1 / prior->scale + window_sum(lambda, windows, row));
        struct gamma_shape gamma;
        gamma_shape_init(&gamma, shape);
        columns->mean[row] = shape * scale;
        columns->deviation[row] = sqrt(shape) * scale;
        for (size_t i = 0; i < LEVELS; i++)
            columns->quantiles[i][row] =
                scale * gamma_quantile(&gamma, levels[i], normal_levels[i]);
    }
}

/* Of a serial interval that is known: w_k for k < support. */
static bool estimate_known(const struct method_call *call, const struct incidence *incidence,
                           const double *w, size_t support, struct table *ret_table,
                           struct error *err)
{
    struct windows windows;
    struct prior prior;
    struct estimate_columns columns;
    if (!prior_read(call->parameters, &prior, err) ||
        !windows_read(call->parameters, incidence->count, call->arena, &windows, err))
        return false;
    double *lambda = arena_alloc(call->arena, incidence->count * sizeof *lambda);
    infectivity(incidence, w, support, lambda);
    columns_begin(&windows, call->arena, ret_table, &columns);
    estimate(incidence, &windows, lambda, serial_interval_mean(w, support), &prior, &columns);
    return true;
}

bool rt_parametric_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"mean_si",   "std_si",  "width", "step", "mean_prior",
                                        "std_prior", "t_start", "t_end", NULL};
    struct incidence incidence;
    double mean, deviation;
    if (!parameters_only(call->parameters, names, err) ||
        !si_moments_read(call->parameters, &mean, &deviation, err) ||
        !incidence_read(call->series, call->arena, &incidence, err))
        return false;
    double *w = arena_alloc(call->arena, incidence.count * sizeof *w);
    size_t support = serial_interval_gamma(mean, deviation, incidence.count, w);
    return estimate_known(call, &incidence, w, support, ret_table, err);
}

bool rt_non_parametric_run(const struct method_call *call, struct table *ret_table,
                           struct error *err)
{
    static const char *const names[] = {"si_distr",  "width",   "step",  "mean_prior",
                                        "std_prior", "t_start", "t_end", NULL};
    struct incidence incidence;
    double *w;
    size_t support;
    return parameters_only(call->parameters, names, err) &&
           incidence_read(call->series, call->arena, &incidence, err) &&
           si_distribution_read(call->parameters, incidence.count, call->arena, &w, &support,
                                err) &&
           estimate_known(call, &incidence, w, support, ret_table, err);
}

/* ---- An uncertain serial interval ---- */

enum { NODES = 16, MIXED = NODES * NODES };

/* A normal distribution cut to [low, high], as NODES equally likely values. */
static bool cut_normal(const struct parameters *parameters, const char *name, double least,
                       double nodes[NODES], struct error *err)
{
    char key[4][32];
    double mean, deviation, low, high;
    snprintf(key[0], sizeof key[0], "%s_si", name);
    snprintf(key[1], sizeof key[1], "std_%s_si", name);
    snprintf(key[2], sizeof key[2], "min_%s_si", name);
    snprintf(key[3], sizeof key[3], "max_%s_si", name);
    if (!parameter_number(parameters, key[0], NAN, least, 1e5, &mean, err) ||
        !parameter_number(parameters, key[1], NAN, 0, 1e5, &deviation, err) ||
        !parameter_number(parameters, key[2], NAN, least, 1e5, &low, err) ||
        !parameter_number(parameters, key[3], NAN, least, 1e5, &high, err))
        return false;
    if (!(deviation > 0) || !(low <= mean && mean <= high && low < high))
        return parameter_error(err, key[0],
                               "a mean within its min and max, and a deviation above 0",
                               "the uncertainty of the serial interval is not given");
    double from = normal_lower((low - mean) / deviation);
    double to = normal_lower((high - mean) / deviation);
    for (size_t i = 0; i < NODES; i++) {
        double share = ((double)i + 0.5) / NODES;
        nodes[i] = mean + deviation * normal_quantile(from + (to - from) * share);
    }
    return true;
}

struct mixture {
    size_t count;
    double shape, log_gamma, scale[MIXED];
};

static double mixture_quantile(const struct mixture *mixture, double p, double start)
{
    double low = 0, high = INFINITY, x = start;
    for (int step = 0; step < 60; step++) {
        double lower = 0, density = 0;
        for (size_t i = 0; i < mixture->count; i++) {
            double y = x / mixture->scale[i];
            lower += gamma_lower(mixture->shape, y, NULL);
            density +=
                exp((mixture->shape - 1) * log(y) - y - mixture->log_gamma) / mixture->scale[i];
        }
        double miss = lower / (double)mixture->count - p;
        *(miss < 0 ? &low : &high) = x;
        double next = x - miss * (double)mixture->count / density;
        if (!(next > low && next < high))
            next = isinf(high) ? 2 * x : (low + high) / 2;
        double move = fabs(next - x);
        x = next;
        if (move < 1e-5 * x)
            break;
    }
    return x;
}

static void mixed_row(const struct mixture *mixture, struct estimate_columns *columns, size_t row)
{
    double mean = 0, squares = 0, shape = mixture->shape, count = (double)mixture->count;
    struct gamma_shape gamma;
    if (mixture->count == 0) {
        none(columns, row);
        return;
    }
    for (size_t i = 0; i < mixture->count; i++) {
        mean += shape * mixture->scale[i] / count;
        squares += shape * (shape + 1) * mixture->scale[i] * mixture->scale[i] / count;
    }
    double variance = squares - mean * mean, like = mean * mean / variance;
    columns->mean[row] = mean;
    columns->deviation[row] = sqrt(variance);
    gamma_shape_init(&gamma, like);
    for (size_t i = 0; i < LEVELS; i++)
        columns->quantiles[i][row] = mixture_quantile(
            mixture, levels[i],
            fmax(1e-12, gamma_quantile(&gamma, levels[i], normal_levels[i]) * variance / mean));
}

bool rt_uncertain_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"mean_si", "std_mean_si", "min_mean_si", "max_mean_si",
                                        "std_si",  "std_std_si",  "min_std_si",  "max_std_si",
                                        "width",   "step",        "mean_prior",  "std_prior",
                                        "t_start", "t_end",       "n1",          "n2",
                                        "seeds",   "seed",        NULL};
    struct incidence incidence;
    struct windows windows;
    struct prior prior;
    struct estimate_columns columns;
    double means[NODES], deviations[NODES];
    if (!parameters_only(call->parameters, names, err) ||
        !cut_normal(call->parameters, "mean", 1, means, err) ||
        !cut_normal(call->parameters, "std", 1e-3, deviations, err) ||
        !prior_read(call->parameters, &prior, err) ||
        !incidence_read(call->series, call->arena, &incidence, err) ||
        !windows_read(call->parameters, incidence.count, call->arena, &windows, err))
        return false;
    size_t days = incidence.count;
    double *w = arena_alloc(call->arena, days * sizeof *w);
    double *lambda = arena_alloc(call->arena, days * sizeof *lambda);
    struct mixture *mixtures = arena_alloc(call->arena, windows.count * sizeof *mixtures);
    for (size_t node = 0; node < MIXED; node++) {
        double mean = means[node / NODES];
        size_t support = serial_interval_gamma(mean, deviations[node % NODES], days, w);
        double known = fmax(mean, serial_interval_mean(w, support));
        infectivity(&incidence, w, support, lambda);
        for (size_t i = 0; i < windows.count; i++)
            if ((double)windows.end[i] > known)
                mixtures[i].scale[mixtures[i].count++] =
                    1 / (1 / prior.scale + window_sum(lambda, &windows, i));
    }
    columns_begin(&windows, call->arena, ret_table, &columns);
    for (size_t i = 0; i < windows.count; i++) {
        mixtures[i].shape = prior.shape + window_sum(incidence.local, &windows, i);
        mixtures[i].log_gamma = lgamma(mixtures[i].shape);
        mixed_row(&mixtures[i], &columns, i);
    }
    return true;
}
