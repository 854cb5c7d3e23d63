/* A robust regression averaged over models: see robust_baseline.h.
 *
 * Robust: each week weighs as likely as it holds no outbreak: w = 1 / (1 + odds × LR), LR the mean
 * likelihood ratio of 1, 2, 4 and 8 standard deviations of added cases, w = 1 where the count is
 * not above its mean or not above 1. The estimating equations
 *
 *     sum x [w(y) (y - m) - E w(Y) (Y - m)] = 0,   sum w(y) (y - m)^2 / m = dispersion × sum c,
 *     c = E w(Y) (Y - m)^2 / (dispersion m)
 *
 * subtract what the weights take from a series without any outbreak, so that mean and dispersion
 * stay right there (Fisher consistency: Cantoni & Ronchetti, "Robust inference for generalized
 * linear models", JASA 96 (2001) 1022-1030, with a weight that is a posterior probability in the
 * place of Huber's). They are solved by cleaning: response = w y + (1 - w) m - E w(Y)(Y - m), an
 * ordinary quasi-Poisson fit to it (McCullagh & Nelder 1989, ch. 9), and again.
 *
 * Averaged: the cleaned response is fitted with and without trend and with 0 … H harmonics; each
 * model counts exp(-QAIC / 2), QAIC = deviance / dispersion + 2 terms (Burnham & Anderson, "Model
 * selection and multimodel inference", 2nd ed. 2002, 2.5 and 4.2). The error of the prediction
 * holds that within the models and that between them. BIC's greater price a term drops trends that
 * are hardly seen and yet make a tail half as heavy again.
 *
 * Sparse series: half a case, spread over the baseline, keeps the level of an empty history finite
 * (Jeffreys' prior of a Poisson rate); a normal prior with a standard deviation of 2 (in standard
 * errors of the dispersion) keeps slopes and harmonics of a few cases finite. */
#include "sensing/robust_baseline.h"

#include <lapacke.h>
#include <math.h>

#include "sensing/count_grid.h"

enum { ROUNDS_MAX = 30, STEPS_MAX = 25, KNOTS = 8, ADDED = 4 };
static const double outbreak_odds = 0.05 / 0.95; /* a week in twenty, before its count is seen */
static const double added_deviations[ADDED] = {1, 2, 4, 8};
static const double prior_precision = 0.25;
static const double settled = 1e-6, cleaned = 1e-3; /* changes that count as none */
static const double eta_max = 35, step_max = 3, log_error_max = 1.5, dispersion_error_max = 0.5;
static const double trend_years = 5; /* unit of time: a prior of 2 is a factor of 7 in five years */

void robust_room_make(const double *observed, size_t series_rows,
                      const struct robust_settings *settings, struct arena *arena,
                      struct robust_room *ret_room)
{
    size_t harmonics = settings->harmonics;
    while (harmonics > 0 && 2 * (double)harmonics >= settings->period)
        harmonics--;
    size_t terms = 2 + 2 * harmonics, room = series_rows + 1;
    *ret_room = (struct robust_room){.observed = observed,
                                     .terms = terms,
                                     .harmonics = harmonics,
                                     .design = arena_alloc(arena, room * terms * sizeof(double)),
                                     .rows = arena_alloc(arena, room * sizeof(size_t)),
                                     .response = arena_alloc(arena, room * sizeof(double)),
                                     .eta = arena_alloc(arena, room * sizeof(double)),
                                     .mean = arena_alloc(arena, room * sizeof(double))};
    for (size_t i = 0; i < series_rows; i++) {
        double *x = ret_room->design + i * terms;
        x[1] = 1;
        for (size_t h = 1; h <= harmonics; h++) {
            double angle = 2 * M_PI * (double)h * (double)(i + 1) / settings->period;
            x[2 * h] = cos(angle);
            x[2 * h + 1] = sin(angle);
        }
    }
}

/* ---- One quasi-Poisson fit to room->response ---- */

/* Columns first … first + terms - 1 of the design. */
struct model {
    size_t first, terms;
    double beta[ROBUST_TERMS_MAX];
    double information[ROBUST_TERMS_MAX * ROBUST_TERMS_MAX]; /* its Cholesky factor, lower */
    double deviance;                                         /* up to a constant of the response */
};

static double linear(const struct robust_room *room, const struct model *model, size_t row)
{
    const double *x = room->design + row * room->terms + model->first;
    double eta = 0;
    for (size_t c = 0; c < model->terms; c++)
        eta += model->beta[c] * x[c];
    return eta < -eta_max ? -eta_max : eta < eta_max ? eta : eta_max;
}

/* One step of Fisher's scoring. *ret_moved: the greatest change of a coefficient. */
static bool scoring_step(struct robust_room *room, struct model *model, double dispersion,
                         double *ret_moved)
{
    size_t terms = model->terms, level = 1 - model->first;
    double a[ROBUST_TERMS_MAX * ROBUST_TERMS_MAX] = {0}, b[ROBUST_TERMS_MAX] = {0}, deviance = 0;
    for (size_t i = 0; i < room->count; i++) {
        const double *restrict x = room->design + room->rows[i] * room->terms + model->first;
        double eta = linear(room, model, room->rows[i]), mu = exp(eta), y = room->response[i];
        room->eta[i] = eta;
        room->mean[i] = mu;
        deviance += 2 * (mu - y * eta);
        for (size_t r = 0; r < terms; r++) {
            double part = mu * x[r], *restrict line = a + r * ROBUST_TERMS_MAX;
            b[r] += (y - mu) * x[r];
            for (size_t c = 0; c <= r; c++)
                line[c] += part * x[c];
        }
    }
    for (size_t c = 0; c < terms; c++)
        if (c != level) {
            a[c * ROBUST_TERMS_MAX + c] += prior_precision * dispersion;
            b[c] -= prior_precision * dispersion * model->beta[c];
        }
    lapack_int n = (lapack_int)terms;
    model->deviance = deviance;
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, a, ROBUST_TERMS_MAX) != 0 ||
        LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', n, 1, a, ROBUST_TERMS_MAX, b, 1) != 0)
        return false;
    memcpy(model->information, a, sizeof a);
    *ret_moved = 0;
    for (size_t c = 0; c < terms; c++) {
        if (!isfinite(b[c]))
            return false;
        model->beta[c] += fmax(-step_max, fmin(b[c], step_max));
        *ret_moved = fmax(*ret_moved, fabs(b[c]));
    }
    return true;
}

static bool fit_model(struct robust_room *room, struct model *model, double dispersion, int steps)
{
    double moved = INFINITY;
    for (int step = 0; step < steps && moved > settled; step++)
        if (!scoring_step(room, model, dispersion, &moved))
            return false;
    return true;
}

/* ---- Cleaning ---- */

/* Mean likelihood ratio of an outbreak's week to weight. */
static inline double weight_of(double ratio_sum)
{
    return 1 / (1 + outbreak_odds * ratio_sum / ADDED);
}

/* One case is none. */
static inline bool may_be_outbreak(double count, double mean)
{
    return count > mean && count > 1;
}

/* What the weights take from a series without outbreaks, at a mean. */
struct expectation {
    double shift; /* E w(Y) (Y - m) */
    double share; /* E w(Y) (Y - m)^2 / (dispersion m) */
    double power; /* E [w(Y) (Y - m)^2 / (dispersion m)]^2 */
};

static struct expectation expect(double mean, double dispersion)
{
    double masses[GRID_CELLS_MAX], ratios[ADDED][GRID_CELLS_MAX];
    double deviation = sqrt(dispersion * mean);
    struct expectation result = {0};
    struct count_grid grid = count_grid_make(mean, mean, deviation, dispersion);
    count_masses(&grid, mean, dispersion, masses);
    for (size_t k = 0; k < ADDED; k++)
        count_ratios(&grid, mean, dispersion, added_deviations[k] * deviation, ratios[k]);
    for (size_t i = 0; i < grid.count; i++) {
        double count = count_grid_middle(&grid, i), apart = count - mean, weight = 1;
        if (may_be_outbreak(count, mean))
            weight = weight_of(ratios[0][i] + ratios[1][i] + ratios[2][i] + ratios[3][i]);
        result.shift += masses[i] * weight * apart;
        double part = weight * apart * apart / (dispersion * mean);
        result.share += masses[i] * part;
        result.power += masses[i] * part * part;
    }
    return result;
}

static double row_weight(double count, double mean, double dispersion)
{
    double sum = 0, deviation = sqrt(dispersion * mean);
    if (!may_be_outbreak(count, mean))
        return 1;
    for (size_t k = 0; k < ADDED; k++)
        sum += count_ratio(count, mean, dispersion, added_deviations[k] * deviation);
    return weight_of(sum);
}

/* What these weights say of the dispersion, without its bound of 1. */
struct spread {
    double dispersion, log_error;
};

/* Cleans the response at the present means. The expectations are smooth in log mean and are
 * interpolated between KNOTS. */
static struct spread clean(struct robust_room *room, double dispersion, size_t terms)
{
    struct expectation knots[KNOTS];
    double low = INFINITY, high = -INFINITY, squares = 0, shares = 0, variance = 0;
    double rows = (double)room->count;
    for (size_t i = 0; i < room->count; i++) {
        low = room->eta[i] < low ? room->eta[i] : low;
        high = room->eta[i] > high ? room->eta[i] : high;
    }
    double apart = (high - low) / (KNOTS - 1) + 1e-9;
    for (size_t k = 0; k < KNOTS; k++)
        knots[k] = expect(exp(low + (double)k * apart), dispersion);
    for (size_t i = 0; i < room->count; i++) {
        double mean = room->mean[i], count = room->observed[room->rows[i]];
        double place = (room->eta[i] - low) / apart;
        size_t k = place < KNOTS - 2 ? (size_t)place : KNOTS - 2;
        double part = place - (double)k, weight = row_weight(count, mean, dispersion);
        double shift = knots[k].shift + part * (knots[k + 1].shift - knots[k].shift);
        room->response[i] =
            weight * count + (1 - weight) * mean - shift + 0.5 / rows; /* see "Sparse" */
        squares += weight * (count - mean) * (count - mean) / mean;
        double share = knots[k].share + part * (knots[k + 1].share - knots[k].share);
        shares += share;
        variance += knots[k].power + part * (knots[k + 1].power - knots[k].power) - share * share;
    }
    return (struct spread){squares / shares * rows / (rows - (double)terms),
                           fmin(sqrt(variance) / shares, dispersion_error_max)};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* First responses: counts cut where one in twenty is greater, and some way above, so that no giant
 * draws the first fit away; returns their mean. */
static double start_responses(struct robust_room *room)
{
    double sum = 0, rows = (double)room->count;
    for (size_t i = 0; i < room->count; i++)
        room->mean[i] = room->observed[room->rows[i]];
    qsort(room->mean, room->count, sizeof *room->mean, compare);
    double bound = room->mean[room->count - 1 - room->count / 20];
    bound += 4 * sqrt(bound + 1);
    for (size_t i = 0; i < room->count; i++) {
        room->response[i] = fmin(room->observed[room->rows[i]], bound) + 0.5 / rows;
        sum += room->response[i];
    }
    return sum / rows;
}

/* The largest model and the dispersion, robustly; leaves the cleaned response. */
static bool fit_robustly(struct robust_room *room, struct model *model,
                         struct robust_prediction *prediction)
{
    struct spread spread = {0};
    double dispersion = 1, squares = 0, rows = (double)room->count;
    model->beta[1 - model->first] = log(start_responses(room));
    if (!fit_model(room, model, dispersion, STEPS_MAX))
        return false;
    for (size_t i = 0; i < room->count; i++) {
        double apart = room->response[i] - room->mean[i];
        squares += apart * apart / room->mean[i];
    }
    dispersion = fmax(1, squares / (rows - (double)model->terms));
    for (int round = 0; round < ROUNDS_MAX; round++) {
        double moved, before = dispersion;
        spread = clean(room, dispersion, model->terms);
        dispersion = fmax(1, spread.dispersion);
        if (!isfinite(dispersion) || !scoring_step(room, model, dispersion, &moved))
            return false;
        if (fabs(dispersion - before) < cleaned * before && moved < cleaned)
            break;
    }
    prediction->dispersion = dispersion;
    prediction->dispersion_low = fmax(1, spread.dispersion * exp(-spread.log_error));
    prediction->dispersion_high = fmax(1, spread.dispersion * exp(spread.log_error));
    return true;
}

/* ---- Averaging ---- */

struct candidate {
    double criterion, eta, eta_before, variance;
};

static bool judge(struct robust_room *room, const struct model *model, double dispersion, size_t t,
                  struct candidate *ret_candidate)
{
    double x[ROBUST_TERMS_MAX];
    const double *row = room->design + t * room->terms + model->first;
    memcpy(x, row, model->terms * sizeof *x);
    if (LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', (lapack_int)model->terms, 1, model->information,
                       ROBUST_TERMS_MAX, x, 1) != 0)
        return false;
    double quadratic = 0;
    for (size_t c = 0; c < model->terms; c++)
        quadratic += x[c] * row[c];
    *ret_candidate = (struct candidate){model->deviance / dispersion + 2 * (double)model->terms,
                                        linear(room, model, t), linear(room, model, t - 1),
                                        dispersion * quadratic};
    return isfinite(ret_candidate->criterion) && isfinite(ret_candidate->variance);
}

static void average(const struct candidate *candidates, size_t count,
                    struct robust_prediction *prediction)
{
    double best = INFINITY, sum = 0, eta = 0, eta_before = 0, variance = 0;
    for (size_t i = 0; i < count; i++)
        best = fmin(best, candidates[i].criterion);
    for (size_t i = 0; i < count; i++) {
        double weight = exp((best - candidates[i].criterion) / 2);
        sum += weight;
        eta += weight * candidates[i].eta;
        eta_before += weight * candidates[i].eta_before;
    }
    eta /= sum;
    for (size_t i = 0; i < count; i++) {
        double weight = exp((best - candidates[i].criterion) / 2) / sum;
        double apart = candidates[i].eta - eta;
        variance += weight * (candidates[i].variance + apart * apart);
    }
    prediction->mean = exp(eta);
    prediction->mean_before = exp(eta_before / sum);
    prediction->log_error = fmin(sqrt(variance), log_error_max);
}

/* Rows of the baseline that have a count; their time, in years from the predicted row. */
static void gather(const struct robust_settings *settings, struct robust_room *room, size_t t)
{
    size_t end = t > settings->excluded ? t - settings->excluded : 0;
    size_t first = end > settings->rows_max ? end - settings->rows_max : 0;
    room->count = 0;
    for (size_t i = first; i < end; i++)
        if (!isnan(room->observed[i]))
            room->rows[room->count++] = i;
    for (size_t i = first; i <= t; i++)
        room->design[i * room->terms] = -(double)(t - i) / (trend_years * settings->period);
}

enum robust_outcome robust_predict(const struct robust_settings *settings, struct robust_room *room,
                                   size_t t, struct robust_prediction *ret_prediction)
{
    struct candidate candidates[2 * (ROBUST_HARMONICS_MAX + 1)];
    size_t candidate_count = 0;
    gather(settings, room, t);
    double years = (double)room->count / settings->period;
    if (years < 1 || room->count < ROBUST_ROWS_LEAST)
        return ROBUST_SHORT;
    /* a trend wants two years, and so does a season, which else is one */
    size_t first = years < 2 ? 1 : 0, harmonics = years < 2 ? 0 : room->harmonics;
    struct model full = {.first = first, .terms = 2 - first + 2 * harmonics};
    if (!fit_robustly(room, &full, ret_prediction))
        return ROBUST_NO_FIT;
    for (; first < 2; first++)
        for (size_t h = 0; h <= harmonics; h++) {
            struct model model = {.first = first, .terms = 2 - first + 2 * h};
            memcpy(model.beta, full.beta + (first - full.first), model.terms * sizeof *model.beta);
            if (!fit_model(room, &model, ret_prediction->dispersion, STEPS_MAX) ||
                !judge(room, &model, ret_prediction->dispersion, t, &candidates[candidate_count++]))
                return ROBUST_NO_FIT;
        }
    average(candidates, candidate_count, ret_prediction);
    return isfinite(ret_prediction->mean) && ret_prediction->mean > 0 ? ROBUST_DONE : ROBUST_NO_FIT;
}
