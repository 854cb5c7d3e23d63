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
 * mixture is integrated by Gauss-Legendre nodes of the two normals, so that n2 and seeds have no
 * effect and two runs are equal. A window takes the intervals whose mean is below its end, as the
 * reference does; it has an answer where at least one of n1 drawn intervals (500 unless given)
 * would more likely than not be among them. */
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

/* Nodes of one normal distribution: POINTS in each panel, panels of at most one deviation within
 * REACH deviations of the mean, and besides one a whole day where there are at most DAYS_SPLIT. */
enum { POINTS = 3, REACH = 6, DAYS_SPLIT = 40, RULE_MAX = POINTS * (2 * REACH + DAYS_SPLIT + 3) };

struct rule {
    size_t count;
    double at[RULE_MAX], weight[RULE_MAX]; /* the weights sum to 1 */
};

/* Gauss-Legendre nodes of a normal distribution cut to [low, high]. With `by_days` no panel holds a
 * whole day inside: whether a window ends after the mean changes there. */
static void rule_make(double mean, double deviation, double low, double high, bool by_days,
                      struct rule *rule)
{
    static const double at[POINTS] = {-0.7745966692414834, 0, 0.7745966692414834};
    static const double weight[POINTS] = {5. / 18, 8. / 18, 5. / 18};
    double from = fmax(low, mean - REACH * deviation), to = fmin(high, mean + REACH * deviation);
    double sum = 0;
    by_days = by_days && to - from <= DAYS_SPLIT;
    rule->count = 0;
    while (from < to && rule->count + POINTS <= RULE_MAX) {
        double end = fmin(to, from + deviation);
        if (by_days)
            end = fmin(end, floor(from) + 1);
        if (!(end > from))
            break;
        for (size_t i = 0; i < POINTS; i++) {
            double x = (from + end) / 2 + at[i] * (end - from) / 2, z = (x - mean) / deviation;
            rule->at[rule->count] = x;
            sum += rule->weight[rule->count++] = weight[i] * (end - from) * exp(-z * z / 2);
        }
        from = end;
    }
    for (size_t i = 0; i < rule->count; i++)
        rule->weight[i] /= sum;
}

/* Reads mean, deviation and bounds of mean_si or std_si. */
static bool cut_normal(const struct parameters *parameters, const char *name, double least,
                       bool by_days, struct rule *rule, struct error *err)
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
    rule_make(mean, deviation, low, high, by_days, rule);
    return rule->count || parameter_error(err, key[1], "a deviation that the mean does not swallow",
                                          "the uncertainty of the serial interval is too small");
}

/* All serial intervals of the two rules: w_k for k < support of each, one after the other. */
struct interval {
    double mean, weight; /* a window must end after `mean` */
    size_t support;
    const double *w;
};
struct intervals {
    size_t count;
    struct interval *all;
};

static bool intervals_make(const struct rule *means, const struct rule *deviations, size_t days,
                           size_t windows, struct arena *arena, struct intervals *ret,
                           struct error *err)
{
    const double kept_max = 1 << 25, work_max = 1e10;
    double *w = arena_alloc(arena, days * sizeof *w), kept = 0;
    ret->all = arena_alloc(arena, means->count * deviations->count * sizeof *ret->all);
    ret->count = 0;
    for (size_t i = 0; i < means->count; i++)
        for (size_t j = 0; j < deviations->count; j++) {
            size_t support = serial_interval_gamma(means->at[i], deviations->at[j], days, w);
            kept += (double)support;
            if (kept > kept_max || kept * (double)windows > work_max)
                return parameter_error(err, "mean_si",
                                       "shorter serial intervals, or fewer and shorter windows",
                                       "the mixture of serial intervals is too large");
            double *copy = arena_alloc(arena, (support + 1) * sizeof *copy);
            memcpy(copy, w, support * sizeof *w);
            ret->all[ret->count++] =
                (struct interval){fmax(means->at[i], serial_interval_mean(w, support)),
                                  means->weight[i] * deviations->weight[j], support, copy};
        }
    return true;
}

/* The posterior of a window: gammas of a common shape and many scales; for the quantiles the scales
 * are gathered in BINS of their logarithm, each again a gamma. */
enum { BINS = 96 };

struct component {
    double weight, shape, scale, log_gamma;
};
struct mixture {
    size_t count;
    double mean, deviation;
    struct component bins[BINS];
};

static double mixture_lower(const struct mixture *mixture, double x, double *ret_density)
{
    double lower = 0, density = 0;
    for (size_t i = 0; i < mixture->count; i++) {
        const struct component *bin = &mixture->bins[i];
        double y = x / bin->scale;
        lower += bin->weight * gamma_lower(bin->shape, y, NULL);
        density += bin->weight * exp((bin->shape - 1) * log(y) - y - bin->log_gamma) / bin->scale;
    }
    *ret_density = density;
    return lower;
}

/* Bracketed by doubling first; then Newton's steps where they stay inside, halves where not. */
static double mixture_quantile(const struct mixture *mixture, double p, double start)
{
    double low = 0, high = mixture->mean, density, x;
    while (mixture_lower(mixture, high, &density) < p && high < 1e300) {
        low = high;
        high *= 2;
    }
    x = start > low && start < high ? start : (low + high) / 2;
    for (int step = 0; step < 400; step++) {
        double miss = mixture_lower(mixture, x, &density) - p;
        *(miss < 0 ? &low : &high) = x;
        double next = x - miss / density;
        if (!(next > low && next < high))
            next = (low + high) / 2;
        double move = fabs(next - x);
        x = next;
        if (move <= 1e-6 * x)
            break;
    }
    return x;
}

/* Mean and deviation of the weighted scales as they are, and the bins. */
static void mixture_make(double shape, const double *scales, const double *weights, size_t count,
                         struct mixture *mixture)
{
    double all = 0, mean = 0, squares = 0, least = INFINITY, most = 0;
    for (size_t i = 0; i < count; i++) {
        all += weights[i];
        mean += weights[i] * scales[i];
        least = fmin(least, scales[i]);
        most = fmax(most, scales[i]);
    }
    mean /= all;
    for (size_t i = 0; i < count; i++)
        squares += weights[i] / all * (scales[i] - mean) * (scales[i] - mean);
    mixture->mean = shape * mean;
    mixture->deviation = sqrt(shape * mean * mean + shape * (shape + 1) * squares);
    double bin_weight[BINS] = {0}, bin_sum[BINS] = {0}, log_least = log(least);
    double width = (log(most) - log_least) / BINS;
    for (size_t i = 0; i < count; i++) {
        double place = width > 0 ? floor((log(scales[i]) - log_least) / width) : 0;
        size_t bin = place < 0 ? 0 : place < BINS ? (size_t)place : BINS - 1;
        bin_weight[bin] += weights[i] / all;
        bin_sum[bin] += weights[i] / all * scales[i];
    }
    mixture->count = 0;
    for (size_t i = 0; i < BINS; i++) {
        if (!(bin_weight[i] > 0))
            continue;
        /* scales spread evenly over a bin have the relative variance width^2 / 12 */
        double centre = shape * bin_sum[i] / bin_weight[i];
        double like = 1 / (1 / shape + (1 + 1 / shape) * width * width / 12);
        mixture->bins[mixture->count++] =
            (struct component){bin_weight[i], like, centre / like, lgamma(like)};
    }
}

static void mixed_row(const struct mixture *mixture, struct estimate_columns *columns, size_t row)
{
    double mean = mixture->mean, variance = mixture->deviation * mixture->deviation;
    struct gamma_shape gamma;
    columns->mean[row] = mean;
    columns->deviation[row] = mixture->deviation;
    gamma_shape_init(&gamma, mean * mean / variance);
    for (size_t i = 0; i < LEVELS; i++)
        columns->quantiles[i][row] =
            mixture_quantile(mixture, levels[i],
                             gamma_quantile(&gamma, levels[i], normal_levels[i]) * variance / mean);
}

struct uncertain {
    struct incidence incidence;
    struct windows windows;
    struct prior prior;
    struct intervals intervals;
    double intervals_drawn; /* n1 of the reference */
    double *cases_before;   /* of days 1 … t, at t */
};

/* Sum of infectivity over a window: by lags, each from the cases of as many days before. */
static double window_infectivity(const struct uncertain *uncertain, const struct interval *interval,
                                 size_t start, size_t end)
{
    double sum = 0;
    const double *before = uncertain->cases_before;
    size_t whole = interval->support < start ? interval->support : start, k = 1;
    for (; k < whole; k++)
        sum += interval->w[k] * (before[end - k] - before[start - 1 - k]);
    for (; k < interval->support && k < end; k++)
        sum += interval->w[k] * before[end - k];
    return sum;
}

static void uncertain_rows(const struct uncertain *uncertain, struct arena *arena,
                           struct estimate_columns *columns)
{
    const struct intervals *intervals = &uncertain->intervals;
    double *scales = arena_alloc(arena, intervals->count * sizeof *scales);
    double *weights = arena_alloc(arena, intervals->count * sizeof *weights);
    struct mixture *mixture = arena_alloc(arena, sizeof *mixture);
    for (size_t row = 0; row < uncertain->windows.count; row++) {
        size_t start = uncertain->windows.start[row], end = uncertain->windows.end[row], count = 0;
        double all = 0;
        for (size_t i = 0; i < intervals->count; i++) {
            const struct interval *interval = &intervals->all[i];
            if (!((double)end > interval->mean))
                continue;
            all += weights[count] = interval->weight;
            scales[count++] = 1 / (1 / uncertain->prior.scale +
                                   window_infectivity(uncertain, interval, start, end));
        }
        if (!(all * uncertain->intervals_drawn > M_LN2)) {
            none(columns, row);
            continue;
        }
        double shape = uncertain->prior.shape +
                       window_sum(uncertain->incidence.local, &uncertain->windows, row);
        mixture_make(shape, scales, weights, count, mixture);
        mixed_row(mixture, columns, row);
    }
}

bool rt_uncertain_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {"mean_si", "std_mean_si", "min_mean_si", "max_mean_si",
                                        "std_si",  "std_std_si",  "min_std_si",  "max_std_si",
                                        "width",   "step",        "mean_prior",  "std_prior",
                                        "t_start", "t_end",       "n1",          "n2",
                                        "seeds",   "seed",        NULL};
    enum { WINDOWS_MAX = 20000, DRAWN_PRESET = 500, DRAWN_MAX = 1000000000 };
    struct uncertain uncertain = {0};
    struct estimate_columns columns;
    struct rule means, deviations;
    int64_t drawn;
    if (!parameters_only(call->parameters, names, err) ||
        !cut_normal(call->parameters, "mean", 1, true, &means, err) ||
        !cut_normal(call->parameters, "std", 1e-3, false, &deviations, err) ||
        !parameter_whole(call->parameters, "n1", DRAWN_PRESET, 1, DRAWN_MAX, &drawn, err) ||
        !prior_read(call->parameters, &uncertain.prior, err) ||
        !incidence_read(call->series, call->arena, &uncertain.incidence, err) ||
        !windows_read(call->parameters, uncertain.incidence.count, call->arena, &uncertain.windows,
                      err))
        return false;
    size_t days = uncertain.incidence.count, windows = uncertain.windows.count;
    if (windows > WINDOWS_MAX)
        return parameter_error(err, parameter(call->parameters, "t_start") ? "t_start" : "step",
                               "at most 20000 windows: a greater step, or a shorter series",
                               "there are too many windows for an uncertain serial interval");
    if (!intervals_make(&means, &deviations, days, windows, call->arena, &uncertain.intervals, err))
        return false;
    uncertain.intervals_drawn = (double)drawn;
    uncertain.cases_before = arena_alloc(call->arena, (days + 1) * sizeof(double));
    for (size_t t = 0; t < days; t++)
        uncertain.cases_before[t + 1] = uncertain.cases_before[t] + uncertain.incidence.total[t];
    columns_begin(&uncertain.windows, call->arena, ret_table, &columns);
    uncertain_rows(&uncertain, call->arena, &columns);
    return true;
}
