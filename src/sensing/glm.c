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

/* Means of the present coefficients, and their deviance. */
static double evaluate(const struct grouped_rows *rows, struct grouped_fit *fit)
{
    const double *restrict time = rows->time, *restrict response = rows->response;
    double *restrict eta = rows->eta, *restrict mu = rows->mu;
    double deviance = 0;
    for (size_t g = 0; g < rows->group_count; g++) {
        size_t first = rows->start[g], end = rows->start[g + 1];
        double level = fit->level[g];
        if (!fit->has_slope && !rows->offset) {
            double mean = fmax(exp(level), mean_min);
            for (size_t i = first; i < end; i++) {
                eta[i] = level;
                mu[i] = mean;
            }
        } else {
            for (size_t i = first; i < end; i++)
                eta[i] = level + fit->slope * time[i] + (rows->offset ? rows->offset[i] : 0);
            for (size_t i = first; i < end; i++)
                mu[i] = fmax(exp(eta[i]), mean_min);
        }
        for (size_t i = first; i < end; i++)
            deviance += rows->prior[i] * (response[i] * (rows->log_response[i] - eta[i]) -
                                          (response[i] - mu[i]));
    }
    return 2 * deviance;
}

/* One round of weighted least squares. False where a group has no weight left. */
static bool solve(const struct grouped_rows *rows, bool with_slope, struct grouped_fit *fit)
{
    const double *restrict time = rows->time;
    double *restrict weight = rows->weight, *restrict work = rows->work;
    double information = 0, slope_part = 0, scale = 0;
    for (size_t i = 0; i < rows->count; i++) {
        weight[i] = rows->prior[i] * rows->mu[i];
        work[i] = rows->eta[i] + (rows->response[i] - rows->mu[i]) / rows->mu[i];
    }
    for (size_t i = 0; rows->offset && i < rows->count; i++)
        work[i] -= rows->offset[i];
    for (size_t g = 0; g < rows->group_count; g++) {
        double sum = 0, times = 0, targets = 0;
        for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
            sum += weight[i];
            times += weight[i] * time[i];
            targets += weight[i] * work[i];
        }
        if (!(sum > 0) || !isfinite(sum))
            return false;
        fit->weight[g] = sum;
        fit->time_mean[g] = times / sum;
        fit->level[g] = targets / sum;
    }
    for (size_t g = 0; with_slope && g < rows->group_count; g++) {
        double middle = fit->time_mean[g], centre = fit->level[g];
        for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
            double apart = time[i] - middle;
            information += weight[i] * apart * apart;
            slope_part += weight[i] * apart * (work[i] - centre);
        }
        scale += fit->weight[g] * middle * middle;
    }
    /* a slope that no column is left for (all times of each group equal) is dropped */
    fit->has_slope = with_slope && information > 1e-22 * (scale + information);
    fit->slope_information = fit->has_slope ? information : 0;
    fit->slope = fit->has_slope ? slope_part / information : 0;
    for (size_t g = 0; g < rows->group_count; g++)
        fit->level[g] -= fit->slope * fit->time_mean[g];
    return true;
}

bool grouped_fit(const struct grouped_rows *rows, bool with_slope, struct grouped_fit *fit)
{
    double before = 0, old_slope = 0, old_level[GROUPS_MAX];
    size_t used = 0;
    for (size_t i = 0; i < rows->count; i++) {
        double mu = rows->response[i] + 0.1;
        rows->mu[i] = mu;
        rows->eta[i] = log(mu);
        before += 2 * rows->prior[i] *
                  (rows->response[i] * (rows->log_response[i] - rows->eta[i]) + 0.1);
        used += rows->prior[i] > 0;
    }
    fit->converged = false;
    for (int round = 1; round <= ROUNDS_MAX; round++) {
        if (!solve(rows, with_slope, fit))
            return false;
        fit->deviance = evaluate(rows, fit);
        for (int halving = 0; !isfinite(fit->deviance); halving++) {
            if (round == 1 || halving == ROUNDS_MAX)
                return false;
            fit->slope = (fit->slope + old_slope) / 2;
            for (size_t g = 0; g < rows->group_count; g++)
                fit->level[g] = (fit->level[g] + old_level[g]) / 2;
            fit->deviance = evaluate(rows, fit);
        }
        if (settled(fit->deviance, before)) {
            fit->converged = true;
            break;
        }
        before = fit->deviance;
        old_slope = fit->slope;
        memcpy(old_level, fit->level, rows->group_count * sizeof *old_level);
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
    return 1 / fit->weight[group] +
           (fit->has_slope ? apart * apart / fit->slope_information : 0);
}

bool grouped_reweight(const struct grouped_rows *rows, const struct grouped_fit *fit,
                      double dispersion, double threshold)
{
    bool flat = !fit->has_slope && !rows->offset;
    double total = 0;
    for (size_t g = 0; g < rows->group_count; g++) {
        double root = 0, sixth = 0, per_weight = 1 / fit->weight[g];
        for (size_t i = rows->start[g]; i < rows->start[g + 1]; i++) {
            if (!flat || i == rows->start[g]) {
                root = sqrt(rows->mu[i]);
                sixth = 1 / cbrt(root);
            }
            double leverage = rows->weight[i] * (flat ? per_weight
                                                      : grouped_variance(fit, g, rows->time[i]));
            double left = leverage > 1 - 10 * DBL_EPSILON ? 0 : 1 - leverage;
            double residual = 1.5 * (rows->response_two_thirds[i] * sixth - root);
            /* residual / sqrt(dispersion left) above the threshold, without the root */
            double square = residual * residual, unit = dispersion * left;
            bool odd = residual > 0 && square > threshold * threshold * unit;
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
    const double *x; /* row by row */
    const double *y;
    double *eta, *mu;
    double *work; /* room for the weighted rows and targets */
    double beta[BASELINE_TERMS_MAX];
};

static void design_row(const struct baseline_model *model, double t, double centre, double *x)
{
    size_t term = 0;
    x[term++] = 1;
    if (model->trend)
        x[term++] = t - centre;
    for (size_t s = 1; s <= model->harmonics; s++) {
        double angle = 2 * (double)s * M_PI / model->period * t;
        x[term++] = cos(angle);
        x[term++] = sin(angle);
    }
}

static double deviance_of(const struct design *design, double theta)
{
    double sum = 0;
    for (size_t i = 0; i < design->rows; i++) {
        double y = design->y[i], mu = design->mu[i];
        if (isinf(theta))
            sum += (y > 0 ? y * log(y / mu) : 0) - (y - mu);
        else
            sum += y * log(fmax(1, y) / mu) - (y + theta) * log((y + theta) / (mu + theta));
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

/* Normal equations with one step of refinement: as exact as an orthogonal decomposition unless the
 * columns hardly differ (Björck, "Numerical Methods for Least Squares Problems", 1996, 6.6.5). */
static bool normal_equations(struct design *design, double theta)
{
    double a[BASELINE_TERMS_MAX * BASELINE_TERMS_MAX] = {0}, b[BASELINE_TERMS_MAX] = {0};
    double rest[BASELINE_TERMS_MAX] = {0};
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
    for (size_t i = 0; i < design->rows; i++) {
        const double *x = design->x + i * terms;
        double mu = design->mu[i];
        double left = design->eta[i] + (design->y[i] - mu) / mu;
        for (size_t c = 0; c < terms; c++)
            left -= x[c] * b[c];
        left *= weight_of(mu, theta);
        for (size_t c = 0; c < terms; c++)
            rest[c] += left * x[c];
    }
    if (LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', n, 1, a, n, rest, 1) != 0)
        return false;
    for (size_t c = 0; c < terms; c++)
        design->beta[c] = b[c] + rest[c];
    return true;
}

static void evaluate_design(struct design *design)
{
    for (size_t i = 0; i < design->rows; i++) {
        double eta = 0;
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
            information += psi_1 - gsl_sf_psi_1(theta + y) - 1 / theta + 2 / sum -
                           (y + theta) / (sum * sum);
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
    double *x = arena_alloc(arena, (count + 1) * design.terms * sizeof *x);
    double *columns = arena_alloc(arena, 4 * (count + 1) * sizeof *columns);
    design.work = arena_alloc(arena, (count + 1) * (design.terms + 1) * sizeof *design.work);
    double *y = columns, *means = columns + 3 * (count + 1), centre = (double)count / 2;
    design.eta = columns + (count + 1);
    design.mu = columns + 2 * (count + 1);
    for (size_t i = 0; i < count; i++) {
        if (isnan(observed[i]))
            continue;
        design_row(model, (double)(i + 1), centre, x + design.rows * design.terms);
        y[design.rows++] = observed[i];
    }
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
        design_row(model, (double)(i + 1), centre, row);
        for (size_t c = 0; c < design.terms; c++)
            eta += row[c] * design.beta[c];
        ret_means[i - first] = fmax(exp(eta), mean_min);
    }
    *ret_alpha = isinf(theta) ? 0 : 1 / theta;
    return true;
}
