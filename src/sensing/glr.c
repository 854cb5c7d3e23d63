/* Generalised likelihood ratio charts for Poisson and negative binomial counts.
 *
 * Höhle & Paul, "Count data regression charts for the monitoring of surveillance time series",
 * Computational Statistics & Data Analysis 52 (2008) 4357-4368; Höhle, "Poisson regression charts
 * for the monitoring of surveillance time series" (SFB 386 discussion paper 500, 2006); Held,
 * Höhle & Hofmann, "A statistical framework for the analysis of multivariate infectious disease
 * surveillance counts", Statistical Modelling 5 (2005) 187-199 (the epidemic chart). In control a
 * count has mean mu0; out of control mu0 exp(kappa) (change "intercept": kappa known, `theta`, or
 * estimated) or mu0 + lambda x_{t-1} (change "epi"). An alarm starts the chart anew on the next
 * row.
 *
 * Followed: without window the estimated chart looks back over any number of rows, with M > 0 over
 * Mtilde + 1 to M + 1 rows from row Mtilde + 1 on; Newton's steps start at the estimate of the
 * window before and stop at 1e-6 (the epidemic chart's small values depend on it); the negative
 * binomial epidemic chart takes its estimate from the intercept chart's score; for "dec" a window
 * without any case counts as no change. Statistics below 0 are 0. A missing count is left out of
 * the chart. */
#include "sensing/glm.h"
#include "sensing/sensing_internal.h"

enum change { CHANGE_INTERCEPT, CHANGE_EPIDEMIC };

struct glr {
    enum change change;
    double limit;         /* c.ARL */
    double alpha;         /* 0: Poisson */
    double theta;         /* NAN: estimated */
    double direction;     /* 1 or -1 */
    ptrdiff_t window;     /* M; below 0: none */
    ptrdiff_t window_min; /* Mtilde */
    bool cases;
};

/* The rows since the last alarm: x counts, m means in control, b the counts before. The rest are
 * terms that do not depend on the estimate. */
struct chart {
    ptrdiff_t count;
    const double *x, *m, *b;
    double *information; /* m (alpha x + 1) */
    double *log_control; /* log(1 + alpha m) */
    double *log_mean;    /* log m */
    double *value, *cases;
};

static const double no_statistic = -1e99;
enum { STEPS_MAX = 1000 };

/* ---- Intercept charts with a known change ---- */

static ptrdiff_t known_change(const struct glr *glr, const struct chart *chart)
{
    double theta = glr->theta, rise = exp(theta), alpha = glr->alpha, before = 0;
    for (ptrdiff_t n = 0; n < chart->count; n++) {
        double x = chart->x[n], m = chart->m[n], per_case = theta, shift;
        if (alpha > 0) {
            double part = log((1 + alpha * m) / (1 + alpha * m * rise));
            per_case += part;
            shift = part / alpha;
        } else {
            shift = (1 - rise) * m;
        }
        if (glr->cases)
            chart->cases[n] = (glr->limit - before - shift) / per_case;
        before = chart->value[n] = fmax(0, before + per_case * x + shift);
        if (before > glr->limit)
            return n;
    }
    return chart->count;
}

/* ---- Intercept charts with an estimated change ---- */

/* The greatest log likelihood ratio of windows [k, n], low <= k <= high, with `last` as count of
 * row n. For one window with sums S and M it is S log(S / M) + M - S, and never above (S - M)^2 /
 * M: the logarithm is taken only where that could be the greatest. */
static double poisson_ratio(const struct glr *glr, const struct chart *chart, ptrdiff_t n,
                            double last, ptrdiff_t low, ptrdiff_t high)
{
    double sum = last, mean = chart->m[n], greatest = no_statistic;
    ptrdiff_t k = n;
    for (; k > high; k--) {
        sum += chart->x[k - 1];
        mean += chart->m[k - 1];
    }
    for (;;) {
        double apart = (sum - mean) * glr->direction;
        if (apart <= 0)
            greatest = fmax(greatest, 0);
        else if (sum > 0 && apart * apart > greatest * mean)
            greatest =
                fmax(greatest, sum * log1p((sum - mean) / mean) - (sum - mean)); /* no cancelling */
        if (--k < low)
            return greatest;
        sum += chart->x[k];
        mean += chart->m[k];
    }
}

/* The first count from 0 on at which the chart stops ("dec": the first that is not above the
 * limit); the statistic rises ("dec": falls) with the count of its last row, but for 0. */
static double cases_needed(const struct glr *glr, const struct chart *chart, ptrdiff_t n,
                           ptrdiff_t low, ptrdiff_t high)
{
    double below = -1, above = 0;
    for (double step = 1;; step *= 2) {
        double value = poisson_ratio(glr, chart, n, above, low, high);
        if (!(glr->direction * value < glr->direction * glr->limit) || above > SERIES_COUNT_MAX)
            break;
        below = above;
        above += step;
    }
    while (above - below > 1) {
        double middle = floor((below + above) / 2);
        double value = poisson_ratio(glr, chart, n, middle, low, high);
        *(glr->direction * value < glr->direction * glr->limit ? &below : &above) = middle;
    }
    return above;
}

static ptrdiff_t poisson_estimated(const struct glr *glr, const struct chart *chart)
{
    bool limited = glr->window > 0;
    ptrdiff_t start = limited ? glr->window_min : glr->window_min - 1;
    for (ptrdiff_t n = 0; n < chart->count; n++) {
        ptrdiff_t low = limited && n > glr->window ? n - glr->window : 0;
        ptrdiff_t high = limited ? n - glr->window_min : n;
        chart->value[n] = chart->cases[n] = 0;
        if (n < start)
            continue;
        if (high < low) { /* Mtilde above M: no window */
            chart->value[n] = no_statistic;
            continue;
        }
        chart->value[n] = poisson_ratio(glr, chart, n, chart->x[n], low, high);
        if (glr->cases)
            chart->cases[n] = cases_needed(glr, chart, n, low, high);
        if (chart->value[n] >= glr->limit)
            return n;
    }
    return chart->count;
}

/* Newton's method for kappa of window [k, n], from `kappa`. */
static double negbin_kappa(double alpha, const struct chart *chart, ptrdiff_t k, ptrdiff_t n,
                           double kappa)
{
    const double *restrict x = chart->x, *restrict m = chart->m;
    const double *restrict information = chart->information;
    double before = 0.4;
    for (int step = 0; kappa > -18 && fabs(kappa - before) > 1e-6 && step < STEPS_MAX; step++) {
        double rise = exp(kappa), score = 0, fisher = 0;
        for (ptrdiff_t i = k; i <= n; i++) {
            double raised = rise * m[i], part = 1 / (1 + alpha * raised);
            score += (x[i] - raised) * part;
            fisher += information[i] * part * part;
        }
        before = kappa;
        kappa += score / (rise * fisher);
    }
    return kappa;
}

static double negbin_ratio(double alpha, const struct chart *chart, ptrdiff_t k, ptrdiff_t n,
                           double kappa)
{
    double rise = exp(kappa), sum = 0;
    for (ptrdiff_t i = k; i <= n; i++)
        sum +=
            kappa * chart->x[i] + (chart->x[i] + 1 / alpha) *
                                      (chart->log_control[i] - log(1 + alpha * chart->m[i] * rise));
    return sum;
}

/* The epidemic chart's ratio for lambda = e^kappa. */
static double negbin_epidemic_ratio(double alpha, const struct chart *chart, ptrdiff_t k,
                                    ptrdiff_t n, double kappa)
{
    double lambda = exp(kappa), sum = 0;
    for (ptrdiff_t i = k; i <= n; i++) {
        double mean = chart->m[i] + lambda * chart->b[i];
        double part = chart->log_control[i] - log(1 + alpha * mean);
        sum += chart->x[i] * (log(mean) - chart->log_mean[i] + part) + part / alpha;
    }
    return sum;
}

static ptrdiff_t window_low(const struct glr *glr, ptrdiff_t n)
{
    return glr->window == -1 || n < glr->window ? 0 : n - glr->window;
}

static ptrdiff_t negbin_estimated(const struct glr *glr, const struct chart *chart)
{
    for (ptrdiff_t n = 0; n < chart->count; n++) {
        double greatest = no_statistic, kappa = 0.5;
        chart->value[n] = 0;
        if (n < glr->window_min - 1)
            continue;
        for (ptrdiff_t k = window_low(glr, n); k <= n - (glr->window_min - 1); k++) {
            kappa = negbin_kappa(glr->alpha, chart, k, n, kappa);
            double ratio;
            if (glr->change == CHANGE_EPIDEMIC) {
                ratio = negbin_epidemic_ratio(glr->alpha, chart, k, n, kappa);
            } else {
                kappa = glr->direction * fmax(0, glr->direction * kappa);
                ratio = kappa == 0 ? 0 : negbin_ratio(glr->alpha, chart, k, n, kappa);
            }
            if (ratio > greatest)
                greatest = ratio;
        }
        chart->value[n] = greatest;
        if (greatest >= glr->limit)
            return n;
    }
    return chart->count;
}

/* ---- The Poisson epidemic chart ---- */

static double epidemic_lambda(const struct chart *chart, ptrdiff_t k, ptrdiff_t n, double lambda)
{
    const double *restrict x = chart->x, *restrict m = chart->m, *restrict b = chart->b;
    double phi = log(lambda), rise = exp(phi), old_rise = exp(2.0);
    for (int step = 0; phi > -18 && fabs(rise - old_rise) > 1e-6 && step < STEPS_MAX; step++) {
        double score = 0, fisher = 0;
        for (ptrdiff_t i = k; i <= n; i++) {
            double part = b[i] / (rise * b[i] + m[i]), weighed = x[i] * part;
            score += weighed - b[i];
            fisher += weighed * part;
        }
        score *= rise;
        phi += score / (rise * rise * fisher - score);
        old_rise = rise;
        rise = exp(phi);
    }
    return rise;
}

static ptrdiff_t poisson_epidemic(const struct glr *glr, const struct chart *chart)
{
    for (ptrdiff_t n = 0; n < chart->count; n++) {
        double greatest = no_statistic, lambda = 0.5;
        chart->value[n] = 0;
        if (n < glr->window_min - 1)
            continue;
        for (ptrdiff_t k = window_low(glr, n); k <= n - (glr->window_min - 1); k++) {
            lambda = epidemic_lambda(chart, k, n, lambda);
            double ratio = 0;
            for (ptrdiff_t i = k; i <= n; i++)
                ratio += chart->x[i] * log(lambda * chart->b[i] / chart->m[i] + 1) -
                         lambda * chart->b[i];
            if (ratio > greatest)
                greatest = ratio;
        }
        chart->value[n] = greatest;
        if (greatest > glr->limit)
            return n;
    }
    return chart->count;
}

static ptrdiff_t run_chart(const struct glr *glr, const struct chart *chart)
{
    if (glr->change == CHANGE_EPIDEMIC)
        return glr->alpha > 0 ? negbin_estimated(glr, chart) : poisson_epidemic(glr, chart);
    if (!isnan(glr->theta))
        return known_change(glr, chart);
    return glr->alpha > 0 ? negbin_estimated(glr, chart) : poisson_estimated(glr, chart);
}

/* ---- Settings ---- */

static bool glr_settings(const struct parameters *parameters, bool negbin, struct glr *glr,
                         struct error *err)
{
    static const char *const names[] = {"mu0",    "c.ARL",  "alpha", "alpha_used", "M",
                                        "Mtilde", "change", "theta", "dir",        "ret",
                                        "range",  "freq",   "xMax",  NULL};
    static const char *const changes[] = {"intercept", "epi", NULL};
    static const char *const directions[] = {"inc", "dec", NULL};
    static const char *const returns[] = {"value", "cases", NULL};
    int change, direction, returned;
    int64_t window, window_min;
    if (!parameters_only(parameters, names, err) ||
        !parameter_number(parameters, "c.ARL", 5, 0, 1e12, &glr->limit, err) ||
        !parameter_number(parameters, "alpha", negbin ? NAN : 0, 0, negbin ? 1e6 : 0, &glr->alpha,
                          err) ||
        !parameter_number(parameters, "theta", NAN, -50, 50, &glr->theta, err) ||
        !parameter_whole(parameters, "M", -1, -1, SERIES_ROWS_MAX, &window, err) ||
        !parameter_whole(parameters, "Mtilde", 1, 1, SERIES_ROWS_MAX, &window_min, err) ||
        !parameter_choice(parameters, "change", changes, CHANGE_INTERCEPT, &change, err) ||
        !parameter_choice(parameters, "dir", directions, 0, &direction, err) ||
        !parameter_choice(parameters, "ret", returns, 0, &returned, err))
        return false;
    glr->change = (enum change)change;
    glr->direction = direction == 0 ? 1 : -1;
    glr->window = (ptrdiff_t)window;
    glr->window_min = (ptrdiff_t)window_min;
    glr->cases = returned == 1;
    if (glr->theta == 0)
        return parameter_error(err, "theta", "a change other than 0", "there is nothing to find");
    bool has_cases = !isnan(glr->theta) ? glr->change == CHANGE_INTERCEPT
                                        : glr->change == CHANGE_INTERCEPT && glr->alpha == 0;
    if (glr->cases && !has_cases)
        return parameter_error(err, "ret", "\"value\"",
                               "this chart cannot say which count would have alarmed");
    return true;
}

/* The parameter mu0: one number, an array over the range, or a model. */
struct control {
    bool modelled, refit;
    struct baseline_model model;
};

static bool read_model(json_t *object, const struct parameters *parameters, struct control *control,
                       struct error *err)
{
    static const char *const names[] = {"S", "trend", "refit", NULL};
    struct parameters model = {object ? object : json_object()};
    int64_t harmonics;
    bool done = parameters_only(&model, names, err) &&
                parameter_whole(&model, "S", 1, 0, HARMONICS_MAX, &harmonics, err) &&
                parameter_flag(&model, "trend", false, &control->model.trend, err) &&
                parameter_flag(&model, "refit", false, &control->refit, err) &&
                parameter_number(parameters, "freq", 52, 1, 366, &control->model.period, err);
    if (done)
        control->model.harmonics = (size_t)harmonics;
    control->modelled = true;
    if (!object)
        json_decref(model.object);
    return done;
}

static bool read_control(const struct method_call *call, struct range range, struct glr *glr,
                         struct control *control, double *means, struct error *err)
{
    json_t *mu0 = parameter(call->parameters, "mu0");
    size_t rows = range.end - range.first, count;
    double *given;
    *control = (struct control){0};
    if (!mu0 || json_is_object(mu0))
        return read_model(mu0, call->parameters, control, err) &&
               baseline_fit(&control->model, call->series->observed, range.first, range.first,
                            range.end, glr->alpha, call->arena, means, &glr->alpha, err);
    if (!parameter_numbers(call->parameters, "mu0", call->arena, &given, &count, err))
        return false;
    if (count != rows && count != 1)
        return parameter_error(err, "mu0", "one number, one a row of the range, or a model",
                               "the array has another length than the range");
    for (size_t i = 0; i < rows; i++) {
        means[i] = given[count == 1 ? 0 : i];
        if (!(means[i] > 0) || means[i] > SERIES_COUNT_MAX)
            return parameter_error(err, "mu0", "numbers above 0", "an expected count is not");
    }
    if (isnan(glr->alpha))
        return parameter_error(err, "alpha", "alpha, where mu0 is not estimated",
                               "there is nothing to estimate alpha from");
    return true;
}

/* ---- The run ---- */

/* Columns of the rows with a count; `row` is where each stands in the range. */
struct present {
    size_t count;
    double *x, *m, *b, *information, *log_control, *log_mean, *value, *cases;
    size_t *row;
};

static void present_make(const struct series *series, struct range range, struct arena *arena,
                         struct present *present)
{
    size_t rows = range.end - range.first;
    double **columns[] = {&present->x,           &present->m,           &present->b,
                          &present->information, &present->log_control, &present->log_mean,
                          &present->value,       &present->cases};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        *columns[i] = arena_alloc(arena, (rows + 1) * sizeof(double));
    present->row = arena_alloc(arena, (rows + 1) * sizeof *present->row);
    present->count = 0;
    for (size_t i = 0; i < rows; i++)
        if (!isnan(series->observed[range.first + i])) {
            present->x[present->count] = series->observed[range.first + i];
            present->row[present->count++] = i;
        }
}

/* Terms of the means, from the present row `from` on. */
static void present_terms(struct present *present, size_t from, double alpha, const double *means)
{
    for (size_t i = from; i < present->count; i++) {
        double m = present->m[i] = means[present->row[i]];
        if (alpha > 0) {
            present->information[i] = m * (alpha * present->x[i] + 1);
            present->log_control[i] = log(1 + alpha * m);
            present->log_mean[i] = log(m);
        }
        if (i > from)
            present->b[i] = present->x[i - 1];
    }
}

static bool run_charts(const struct method_call *call, const struct glr *glr,
                       const struct control *control, struct present *present, double *means,
                       struct detection *out, struct error *err)
{
    size_t done = 0;
    double alpha = glr->alpha;
    present->b[0] = 0;
    present_terms(present, 0, alpha, means);
    while (done < present->count) {
        struct chart chart = {(ptrdiff_t)(present->count - done),
                              present->x + done,
                              present->m + done,
                              present->b + done,
                              present->information + done,
                              present->log_control + done,
                              present->log_mean + done,
                              present->value + done,
                              present->cases + done};
        ptrdiff_t stopped = run_chart(glr, &chart);
        if (stopped == chart.count)
            return true;
        done += (size_t)stopped + 1;
        out->alarm[present->row[done - 1]] = 1;
        if (done == present->count)
            return true;
        present->b[done] = present->x[done - 1];
        if (control->refit) {
            size_t from = present->row[done], first = out->range.first + from;
            double same;
            if (!baseline_fit(&control->model, call->series->observed, first, first, out->range.end,
                              alpha, call->arena, means + from, &same, err))
                return false;
            present_terms(present, done, alpha, means);
        }
    }
    return true;
}

static bool glr_run(const struct method_call *call, bool negbin, struct table *ret_table,
                    struct error *err)
{
    const struct series *series = call->series;
    struct glr glr;
    struct control control;
    struct range range;
    struct detection out;
    struct present present;
    if (!glr_settings(call->parameters, negbin, &glr, err) ||
        !parameter_range(call->parameters, series, 1, &range, err))
        return false;
    detection_begin(series, range, "upperbound_or_stat", call->arena, ret_table, &out);
    double *means = table_add(ret_table, call->arena, "mu0", COLUMN_NUMBER);
    present_make(series, range, call->arena, &present);
    if (!read_control(call, range, &glr, &control, means, err) ||
        !run_charts(call, &glr, &control, &present, means, &out, err))
        return false;
    for (size_t row = 0; row < range.end - range.first; row++)
        if (isnan(series->observed[range.first + row]))
            detection_none(&out, row, reason_missing);
    for (size_t i = 0; i < present.count; i++) {
        double value = glr.cases ? present.cases[i] : present.value[i];
        out.upperbound[present.row[i]] = value > 0 ? value : 0;
    }
    return true;
}

bool glr_poisson_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return glr_run(call, false, ret_table, err);
}
bool glr_negbin_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return glr_run(call, true, ret_table, err);
}
