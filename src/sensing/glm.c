/* Log-linear regression: see glm.h. */
#include "sensing/glm.h"

#include <float.h>
#include <math.h>

#include <gsl/gsl_sf_psi.h>
#include <lapacke.h>

enum { ROUNDS_MAX = 25 };
static const double tolerance = 1e-8, mean_min = DBL_EPSILON;

static bool settled(double deviance, double before)
{
    return fabs(deviance - before) / (fabs(deviance) + 0.1) < tolerance;
}

/* ---- Groups and one slope ---- */

/* exp(level + slope time[i] + offset[i]) into `out`. Times mostly go up by 1: then the next value
 * is a product, anchored anew every ANCHOR rows. */
enum { ANCHOR = 32 };
static void exponentials(const double *restrict time, const double *restrict offset, double level,
                         double slope, size_t count, double *restrict out)
{
    double ratio = exp(slope);
    for (size_t i = 0; i < count; i++) {
        if (offset)
            out[i] = exp(level + slope * time[i] + offset[i]);
        else if (i % ANCHOR == 0 || time[i] - time[i - 1] != 1)
            out[i] = exp(level + slope * time[i]);
        else
            out[i] = out[i - 1] * ratio;
    }
}

/* What a round of weighted least squares takes from the rows: the weights w and targets z of each
 * group with times d from the group's first. As w = prior mean, no target is divided. */
struct sums {
    double w, wd, wdd, wz, wdz;
};

/* Adds the rows of group g at their present means; returns their part of the deviance. */
static double add_group(const struct grouped_rows *rows, size_t g, struct sums *ret_sums)
{
    double origin = rows->time[rows->start[g]], deviance = 0;
    struct sums sums = {0};
    for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
        double y = rows->response[i], mu = rows->mu[i], prior = rows->prior[i];
        double eta = rows->eta[i], d = rows->time[i] - origin, w = prior * mu;
        double target = rows->offset ? eta - rows->offset[i] : eta;
        double wz = w * target + prior * (y - mu);
        sums.w += w;
        sums.wd += w * d;
        sums.wdd += w * d * d;
        sums.wz += wz;
        sums.wdz += wz * d;
        deviance += prior * (y * (rows->log_response[i] - eta) - (y - mu));
    }
    *ret_sums = sums;
    return deviance;
}

/* Means of the present coefficients, the sums for the next round, and the deviance. */
static double evaluate(const struct grouped_rows *rows, const struct grouped_fit *fit,
                       struct sums *sums)
{
    double deviance = 0;
    for (size_t g = 0; g < rows->group_count; g++) {
        size_t first = rows->start[g], count = rows->start[g + 1] - first;
        double *restrict eta = rows->eta + first, *restrict mu = rows->mu + first;
        const double *restrict offset = rows->offset ? rows->offset + first : NULL;
        double level = fit->level[g];
        if (!fit->has_slope && !offset) {
            double mean = fmax(exp(level), mean_min);
            for (size_t i = 0; i < count; i++) {
                eta[i] = level;
                mu[i] = mean;
            }
        } else {
            const double *restrict time = rows->time + first;
            exponentials(time, offset, level, fit->slope, count, mu);
            for (size_t i = 0; i < count; i++) {
                eta[i] = level + fit->slope * time[i] + (offset ? offset[i] : 0);
                mu[i] = mu[i] > mean_min ? mu[i] : mean_min;
            }
        }
        deviance += add_group(rows, g, &sums[g]);
    }
    return 2 * deviance;
}

/* Coefficients from the sums. False where a group has no weight left. */
static bool solve(const struct grouped_rows *rows, bool with_slope, const struct sums *sums,
                  struct grouped_fit *fit)
{
    double information = 0, slope_part = 0, scale = 0;
    for (size_t g = 0; g < rows->group_count; g++) {
        const struct sums *sum = &sums[g];
        if (!(sum->w > 0) || !isfinite(sum->w))
            return false;
        double mean = sum->wd / sum->w;
        fit->weight[g] = sum->w;
        fit->time_mean[g] = rows->time[rows->start[g]] + mean;
        fit->level[g] = sum->wz / sum->w;
        information += sum->wdd - sum->wd * mean;
        slope_part += sum->wdz - sum->wz * mean;
        scale += sum->wdd;
    }
    /* a slope that no column is left for (all times of each group equal) is dropped */
    fit->has_slope = with_slope && information > 1e-13 * scale;
    fit->slope_information = fit->has_slope ? information : 0;
    fit->slope = fit->has_slope ? slope_part / information : 0;
    for (size_t g = 0; g < rows->group_count; g++)
        fit->level[g] -= fit->slope * fit->time_mean[g];
    return true;
}

/* Without slope and offset all rows of a group have one mean: the rows are read once. */
static double flat_evaluate(const struct grouped_rows *rows, const struct sums *constants,
                            const struct grouped_fit *fit, struct sums *sums)
{
    double deviance = 0;
    for (size_t g = 0; g < rows->group_count; g++) {
        double level = fit->level[g], mean = fmax(exp(level), mean_min);
        double prior = constants[g].w, response = constants[g].wz;
        sums[g].w = prior * mean;
        sums[g].wz = sums[g].w * level + response - prior * mean;
        deviance += constants[g].wdz - response * level - response + prior * mean;
    }
    return 2 * deviance;
}

/* Sums of prior weights (w), of responses (wz) and of response log response (wdz). */
static void flat_constants(const struct grouped_rows *rows, struct sums *constants)
{
    for (size_t g = 0; g < rows->group_count; g++) {
        struct sums sum = {0};
        for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
            double weighed = rows->prior[i] * rows->response[i];
            sum.w += rows->prior[i];
            sum.wz += weighed;
            sum.wdz += weighed * rows->log_response[i];
        }
        constants[g] = sum;
    }
}

/* The weights of the round that ended with `means` (those before it). */
static void keep_weights(const struct grouped_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        rows->weight[i] = rows->prior[i] * rows->mu[i];
}

static void flat_fill(const struct grouped_rows *rows, const struct grouped_fit *fit,
                      const double *means_before)
{
    for (size_t g = 0; g < rows->group_count; g++) {
        double mean = fmax(exp(fit->level[g]), mean_min);
        for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
            rows->eta[i] = fit->level[g];
            rows->mu[i] = mean;
            rows->weight[i] = rows->prior[i] * means_before[g];
        }
    }
}

/* R's start: every row's mean is its response + 0.1. */
static double start(const struct grouped_rows *rows, struct sums *sums, size_t *ret_used)
{
    double deviance = 0;
    size_t used = 0;
    for (size_t i = 0; i < rows->count; i++) {
        rows->mu[i] = rows->response[i] + 0.1;
        rows->eta[i] = rows->log_start[i];
        used += rows->prior[i] > 0;
    }
    for (size_t g = 0; g < rows->group_count; g++)
        deviance += add_group(rows, g, &sums[g]);
    *ret_used = used;
    return 2 * deviance;
}

bool grouped_fit(const struct grouped_rows *rows, bool with_slope, struct grouped_fit *fit)
{
    double old_slope = 0, old_level[GROUPS_MAX], means_before[GROUPS_MAX];
    struct sums sums[GROUPS_MAX], constants[GROUPS_MAX];
    size_t used;
    bool flat = !with_slope && !rows->offset;
    double before = start(rows, sums, &used);
    if (flat)
        flat_constants(rows, constants);
    fit->converged = false;
    for (int round = 1; round <= ROUNDS_MAX && !fit->converged; round++) {
        if (!flat || round == 1)
            keep_weights(rows);
        for (size_t g = 0; flat && round > 1 && g < rows->group_count; g++)
            means_before[g] = fmax(exp(fit->level[g]), mean_min);
        if (!solve(rows, with_slope, sums, fit))
            return false;
        fit->deviance =
            flat ? flat_evaluate(rows, constants, fit, sums) : evaluate(rows, fit, sums);
        for (int halving = 0; !isfinite(fit->deviance); halving++) {
            if (round == 1 || halving == ROUNDS_MAX)
                return false;
            fit->slope = (fit->slope + old_slope) / 2;
            for (size_t g = 0; g < rows->group_count; g++)
                fit->level[g] = (fit->level[g] + old_level[g]) / 2;
            fit->deviance = evaluate(rows, fit, sums);
        }
        fit->converged = settled(fit->deviance, before);
        before = fit->deviance;
        old_slope = fit->slope;
        memcpy(old_level, fit->level, rows->group_count * sizeof *old_level);
        if (flat && (fit->converged || round == ROUNDS_MAX)) {
            if (round > 1)
                flat_fill(rows, fit, means_before);
            else
                evaluate(rows, fit, sums);
        }
    }
    fit->degrees = (double)used - (double)rows->group_count - fit->has_slope;
    return true;
}

double grouped_dispersion(const struct grouped_rows *rows, const struct grouped_fit *fit,
                          const double *weights)
{
    double sum = 0;
    if (!(fit->degrees > 0))
        return NAN;
    for (size_t i = 0; i < rows->count; i++) {
        double residual = (rows->response[i] - rows->mu[i]) / rows->mu[i];
        sum += weights[i] * residual * residual;
    }
    return sum / fit->degrees;
}

double grouped_variance(const struct grouped_fit *fit, size_t group, double time)
{
    double apart = time - fit->time_mean[group];
    return 1 / fit->weight[group] + (fit->has_slope ? apart * apart / fit->slope_information : 0);
}

/* mean^(-1/6) of row i, by a product where the times go up by 1. */
static inline void inverse_sixth(const struct grouped_rows *rows, size_t g, size_t i, double ratio,
                                 double *sixth)
{
    size_t row = i - rows->start[g];
    if (!rows->offset && row % ANCHOR && rows->time[i] - rows->time[i - 1] == 1 &&
        rows->mu[i] > mean_min)
        *sixth *= ratio;
    else
        *sixth = rows->mu[i] > mean_min ? exp(-rows->eta[i] / 6) : pow(mean_min, -1. / 6);
}

bool grouped_reweight(const struct grouped_rows *rows, const struct grouped_fit *fit,
                      double dispersion, double threshold)
{
    bool flat = !fit->has_slope && !rows->offset;
    double total = 0, limit = threshold * threshold, ratio = exp(-fit->slope / 6);
    for (size_t g = 0; g < rows->group_count; g++) {
        double sixth = 1, per_weight = 1 / fit->weight[g];
        double per_time = fit->has_slope ? 1 / fit->slope_information : 0;
        for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
            if (!flat || i == rows->start[g])
                inverse_sixth(rows, g, i, ratio, &sixth);
            double apart = rows->time[i] - fit->time_mean[g];
            double leverage = rows->weight[i] * (per_weight + apart * apart * per_time);
            double left = leverage > 1 - 10 * DBL_EPSILON ? 0 : 1 - leverage;
            double root = 1 / (sixth * sixth * sixth);
            double residual = 1.5 * (rows->response_two_thirds[i] * sixth - root);
            /* residual / sqrt(dispersion left) above the threshold, without the root */
            double square = residual * residual, unit = dispersion * left;
            bool odd = residual > 0 && square > limit * unit;
            rows->prior[i] = odd ? unit / square : 1;
            total += rows->prior[i];
        }
    }
    if (!(total > 0) || !isfinite(total))
        return false;
    double scale = (double)rows->count / total;
    for (size_t i = 0; i < rows->count; i++)
        rows->prior[i] *= scale;
    return true;
}

/* ---- Level, trend and seasons ---- */

struct design {
    size_t rows, terms;
    size_t repeat;           /* row i has the terms of row i - repeat; 0: rows do not repeat */
    const double *x;         /* row by row */
    const double *y, *log_y; /* log_y: 0 where y is 0 */
    double *eta, *mu;
    double *work; /* room for the weighted rows and targets */
    double beta[BASELINE_TERMS_MAX];
};

/* cos and sin of 2 pi t / period; a whole period has that many of them. */
struct circle {
    double period;
    size_t count;         /* of `values`, 0 where the period is no whole number */
    const double *values; /* cos, sin, cos, sin … */
};

static struct circle circle_make(double period, struct arena *arena)
{
    struct circle circle = {.period = period};
    if (period != floor(period))
        return circle;
    circle.count = (size_t)period;
    double *values = arena_alloc(arena, 2 * circle.count * sizeof *values);
    for (size_t i = 0; i < circle.count; i++) {
        values[2 * i] = cos(2 * M_PI / period * (double)i);
        values[2 * i + 1] = sin(2 * M_PI / period * (double)i);
    }
    circle.values = values;
    return circle;
}

/* Terms of row t (from 1). */
static void design_row(const struct baseline_model *model, const struct circle *circle, size_t t,
                       double centre, double *x)
{
    size_t term = 0;
    x[term++] = 1;
    if (model->trend)
        x[term++] = (double)t - centre;
    for (size_t s = 1; s <= model->harmonics; s++) {
        if (circle->count) {
            const double *pair = circle->values + 2 * (s * t % circle->count);
            x[term++] = pair[0];
            x[term++] = pair[1];
        } else {
            double angle = 2 * (double)s * M_PI / circle->period * (double)t;
            x[term++] = cos(angle);
            x[term++] = sin(angle);
        }
    }
}

static double deviance_of(const struct design *design, double theta)
{
    double sum = 0;
    for (size_t i = 0; i < design->rows; i++) {
        double y = design->y[i], mu = design->mu[i];
        double log_mean = mu > mean_min ? design->eta[i] : log(mean_min);
        sum += y * (design->log_y[i] - log_mean);
        sum -= isinf(theta) ? y - mu : (y + theta) * log((y + theta) / (mu + theta));
    }
    return 2 * sum;
}

static inline double weight_of(double mu, double theta)
{
    return isinf(theta) ? mu : mu / (1 + mu / theta);
}

/* Least squares by an orthogonal decomposition, for columns that hardly differ where the weight is
 * (one giant count among small ones). */
static bool orthogonal(struct design *design, double theta)
{
    size_t terms = design->terms, rows = design->rows;
    double *a = design->work, *b = design->work + rows * terms;
    for (size_t i = 0; i < rows; i++) {
        double mu = design->mu[i], root = sqrt(weight_of(mu, theta));
        for (size_t c = 0; c < terms; c++)
            a[i * terms + c] = root * design->x[i * terms + c];
        b[i] = root * (design->eta[i] + (design->y[i] - mu) / mu);
    }
    if (LAPACKE_dgels(LAPACK_ROW_MAJOR, 'N', (lapack_int)rows, (lapack_int)terms, 1, a,
                      (lapack_int)terms, b, 1) != 0)
        return false;
    memcpy(design->beta, b, terms * sizeof *b);
    return true;
}

static bool normal_equations(struct design *design, double theta)
{
    double a[BASELINE_TERMS_MAX * BASELINE_TERMS_MAX] = {0}, b[BASELINE_TERMS_MAX] = {0};
    size_t terms = design->terms;
    for (size_t i = 0; i < design->rows; i++) {
        const double *x = design->x + i * terms;
        double mu = design->mu[i];
        double weight = weight_of(mu, theta);
        double target = design->eta[i] + (design->y[i] - mu) / mu;
        for (size_t r = 0; r < terms; r++) {
            double part = weight * x[r];
            b[r] += part * target;
            for (size_t c = 0; c <= r; c++)
                a[r * terms + c] += part * x[c];
        }
    }
    lapack_int n = (lapack_int)terms;
    double least = INFINITY, greatest = 0;
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', n, 1, a, n, b, 1) != 0)
        return orthogonal(design, theta);
    for (size_t c = 0; c < terms; c++) {
        least = fmin(least, a[c * terms + c]);
        greatest = fmax(greatest, a[c * terms + c]);
    }
    if (!(least > 1e-4 * greatest))
        return orthogonal(design, theta);
    memcpy(design->beta, b, terms * sizeof *b);
    return true;
}

static void evaluate_design(struct design *design)
{
    for (size_t i = 0; i < design->rows; i++) {
        double eta = 0;
        if (design->repeat && i >= design->repeat) {
            design->eta[i] = design->eta[i - design->repeat];
            design->mu[i] = design->mu[i - design->repeat];
            continue;
        }
        for (size_t c = 0; c < design->terms; c++)
            eta += design->x[i * design->terms + c] * design->beta[c];
        design->eta[i] = eta;
        design->mu[i] = fmax(exp(eta), mean_min);
    }
}

/* From the means in `design->mu`; theta infinite: Poisson. */
static bool fit_design(struct design *design, double theta)
{
    double before = deviance_of(design, theta), old[BASELINE_TERMS_MAX];
    for (int round = 1; round <= ROUNDS_MAX; round++) {
        if (!normal_equations(design, theta))
            return false;
        evaluate_design(design);
        double deviance = deviance_of(design, theta);
        for (int halving = 0; !isfinite(deviance); halving++) {
            if (round == 1 || halving == ROUNDS_MAX)
                return false;
            for (size_t c = 0; c < design->terms; c++)
                design->beta[c] = (design->beta[c] + old[c]) / 2;
            evaluate_design(design);
            deviance = deviance_of(design, theta);
        }
        if (settled(deviance, before))
            return true;
        before = deviance;
        memcpy(old, design->beta, sizeof old);
    }
    return true; /* the last round's, as the reference takes it */
}

static void start_means(struct design *design, bool poisson)
{
    for (size_t i = 0; i < design->rows; i++) {
        double y = design->y[i];
        design->mu[i] = poisson ? y + 0.1 : y + (y == 0 ? 1. / 6 : 0);
        design->eta[i] = log(design->mu[i]);
    }
}

/* Maximum likelihood of theta for fixed means by Newton's method on the score. */
static double theta_of(const struct design *design, const double *means)
{
    const double enough = sqrt(sqrt(DBL_EPSILON));
    double squares = 0, theta, step = 1;
    for (size_t i = 0; i < design->rows; i++) {
        double ratio = design->y[i] / means[i] - 1;
        squares += ratio * ratio;
    }
    theta = (double)design->rows / squares;
    for (int round = 1; round < ROUNDS_MAX && fabs(step) > enough; round++) {
        double score = 0, information = 0;
        theta = fabs(theta);
        if (!(theta > 1e-300) || !isfinite(theta))
            return NAN;
        double psi = gsl_sf_psi(theta), psi_1 = gsl_sf_psi_1(theta), log_theta = log(theta);
        for (size_t i = 0; i < design->rows; i++) {
            double y = design->y[i], mu = means[i], sum = theta + mu;
            score += gsl_sf_psi(theta + y) - psi + log_theta + 1 - log(sum) - (y + theta) / sum;
            information +=
                psi_1 - gsl_sf_psi_1(theta + y) - 1 / theta + 2 / sum - (y + theta) / (sum * sum);
        }
        step = score / information;
        theta += step;
    }
    return theta < 0 ? 0 : theta;
}

static double negbin_likelihood(const struct design *design, const double *means, double theta)
{
    double sum = 0, base = lgamma(theta), log_theta = log(theta);
    for (size_t i = 0; i < design->rows; i++) {
        double y = design->y[i], mu = means[i];
        sum += lgamma(theta + y) - base + theta * log_theta + (y > 0 ? y * log(mu) : 0) -
               (theta + y) * log(theta + mu);
    }
    return sum;
}

/* Means and theta in turn until both rest. */
static bool fit_theta(struct design *design, double *means, double *ret_theta)
{
    start_means(design, true);
    if (!fit_design(design, INFINITY))
        return false;
    memcpy(means, design->mu, design->rows * sizeof *means);
    double theta = theta_of(design, means), change = 1;
    double scale = sqrt(2 * fmax(1, (double)design->rows - (double)design->terms));
    double now = negbin_likelihood(design, means, theta), before = now + 2 * scale;
    for (int round = 1; round <= ROUNDS_MAX; round++) {
        if (!(theta > 0) || !isfinite(theta) || !isfinite(now))
            return false;
        if (!(fabs(before - now) / scale + fabs(change) > tolerance))
            break;
        for (size_t i = 0; i < design->rows; i++) {
            design->mu[i] = means[i];
            design->eta[i] = log(means[i]);
        }
        if (!fit_design(design, theta))
            return false;
        double next = theta_of(design, means);
        memcpy(means, design->mu, design->rows * sizeof *means);
        change = theta - next;
        theta = next;
        before = now;
        now = negbin_likelihood(design, means, theta);
    }
    *ret_theta = theta;
    return true;
}

bool baseline_fit(const struct baseline_model *model, const double *observed, size_t count,
                  size_t first, size_t end, double alpha, struct arena *arena, double *ret_means,
                  double *ret_alpha, struct error *err)
{
    const struct error_place place = {.source = "mu0"};
    struct design design = {.terms = 1 + model->trend + 2 * model->harmonics};
    struct circle circle = circle_make(model->period, arena);
    size_t room = count + 1;
    double *x = arena_alloc(arena, room * design.terms * sizeof *x);
    double *columns = arena_alloc(arena, 5 * room * sizeof *columns);
    double *y = columns, *log_y = columns + 4 * room, *means = columns + 3 * room;
    double centre = (double)count / 2;
    design.eta = columns + room;
    design.mu = columns + 2 * room;
    design.work = arena_alloc(arena, room * (design.terms + 1) * sizeof *design.work);
    for (size_t i = 0; i < count; i++) {
        if (isnan(observed[i]))
            continue;
        design_row(model, &circle, i + 1, centre, x + design.rows * design.terms);
        log_y[design.rows] = observed[i] > 0 ? log(observed[i]) : 0;
        y[design.rows++] = observed[i];
    }
    design.log_y = log_y;
    design.repeat = design.rows == count && !model->trend ? circle.count : 0;
    design.x = x;
    design.y = y;
    if (design.rows <= design.terms)
        return error_set(err, ERROR_REFUSED, place, "a range that begins later",
                         "%zu counts before the range cannot carry a baseline of %zu terms",
                         design.rows, design.terms);
    double theta = alpha > 0 ? 1 / alpha : INFINITY;
    start_means(&design, isinf(theta));
    if (isnan(alpha) ? !fit_theta(&design, means, &theta) : !fit_design(&design, theta))
        return error_set(err, ERROR_REFUSED, place, "a baseline that the counts can carry",
                         "the regression of the counts before the range has no finite fit");
    for (size_t i = first; i < end; i++) {
        double row[BASELINE_TERMS_MAX], eta = 0;
        design_row(model, &circle, i + 1, centre, row);
        for (size_t c = 0; c < design.terms; c++)
            eta += row[c] * design.beta[c];
        ret_means[i - first] = fmax(exp(eta), mean_min);
    }
    *ret_alpha = isinf(theta) ? 0 : 1 / theta;
    return true;
}
