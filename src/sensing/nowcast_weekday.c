/* nowcast weekday: reporting delays that depend on the weekday of the report.
 *
 * Offices that report little on Sundays make each Monday look like a rise. A case that is not
 * reported before delay x is reported on day t + x with a probability (hazard) that depends on the
 * delay and on the weekday of that day, so that what waits over a weekend comes on the Monday
 * (Höhle & an der Heiden 2014, 3.3; Günther et al. 2021, "Nowcasting the COVID-19 pandemic in
 * Bavaria", Biometrical Journal 63):
 *   logit h(t, x) = delay effect[x] + weekday effect[(t + x) mod 7],  h(t, D) = 1
 *   F(t, d) = 1 − S(t, d),  S(t, d) = product over x = 0 … d of (1 − h(t, x))
 * The effects are the most likely ones given how many were reported so far of each day, so that
 * days that are not finished count for what they show (right truncation): with n cases of delay x
 * among N reported so far, R of them not before x,
 *   score of x = n − (R + N S / F) h,  information = diag((R + N S / F) h (1 − h)) − N S / F² h h'
 * Weekday effects have a normal prior of mean 0 and deviation 2; each delay effect weighs as if
 * gd.prior.kappa more cases had come with each delay. The covariance of the effects goes through to
 * log F; where counts vary more than the model says (Pearson's statistic over its degrees of
 * freedom, 1 or more), so do F's errors, and the day's own share. The cast is a beta negative
 * binomial with a beta of that mean and variance; the number itself has a flat prior.
 *
 * Parameters as the other nowcasts, N.tInf.max 100 000; D up to 60. A delay above D counts as D, so
 * D must be long. */
#include <lapacke.h>

#include "sensing/nowcast_internal.h"

enum {
    WEEKDAY_DELAY_MAX = 60,
    WEEKDAYS = 7,
    TERMS_MAX = WEEKDAY_DELAY_MAX + WEEKDAYS,
    ROUNDS = 60
};
static const double weekday_variance = 4;

struct weekday_fit {
    size_t delays, terms; /* D; D + 7: effects of delays 0 … D − 1, then of weekdays */
    double effect[TERMS_MAX];
    double information[TERMS_MAX * TERMS_MAX]; /* its Cholesky factor after the fit */
    double dispersion;
};

/* One event day as it is known: hazards of delays 0 … last, and the share reported within them. */
struct day_known {
    size_t last;      /* below D: of a finished day too, as the hazard of D is 1 */
    bool is_finished; /* D has passed */
    double hazard[WEEKDAY_DELAY_MAX], share, survival;
    size_t weekday[WEEKDAY_DELAY_MAX]; /* terms */
};

static void know_day(const struct weekday_fit *fit, const struct nowcast *nowcast, size_t t,
                     size_t days, struct day_known *known)
{
    known->is_finished = days >= fit->delays;
    known->last = known->is_finished ? fit->delays - 1 : days;
    known->survival = 1;
    for (size_t x = 0; x <= known->last; x++) {
        int64_t day = (int64_t)nowcast->first + (int64_t)(t + x);
        size_t weekday = fit->delays + (size_t)(((day + 3) % WEEKDAYS + WEEKDAYS) % WEEKDAYS);
        known->weekday[x] = weekday;
        known->hazard[x] = 1 / (1 + exp(-fit->effect[x] - fit->effect[weekday]));
        known->survival *= 1 - known->hazard[x];
    }
    if (known->is_finished) /* whoever is left comes with D */
        known->survival = 0;
    known->share = 1 - known->survival;
}

/* Adds what the day says to gradient and information. */
static void add_day(struct weekday_fit *fit, const struct day_known *known, const double *cells,
                    double gradient[TERMS_MAX])
{
    size_t n = fit->terms;
    double reported = known->is_finished ? cells[fit->delays] : 0, slope[TERMS_MAX] = {0};
    for (size_t x = 0; x <= known->last; x++)
        reported += cells[x];
    if (!(reported > 0))
        return;
    double left = reported, unseen = reported * known->survival / known->share;
    for (size_t x = 0; x <= known->last; x++) {
        double risk = left + unseen, h = known->hazard[x], weight = risk * h * (1 - h);
        size_t w = known->weekday[x];
        gradient[x] += cells[x] - risk * h;
        gradient[w] += cells[x] - risk * h;
        fit->information[x * n + x] += weight;
        fit->information[w * n + w] += weight;
        fit->information[w * n + x] += weight;
        slope[x] += h;
        slope[w] += h;
        left -= cells[x];
    }
    double lost = unseen / known->share; /* N S / F^2 */
    for (size_t i = 0; lost > 0 && i < n; i++)
        for (size_t j = 0; slope[i] > 0 && j <= i; j++)
            fit->information[i * n + j] -= lost * slope[i] * slope[j];
}

/* As if kappa cases more had each delay, on no weekday in particular. */
static void add_prior(struct weekday_fit *fit, double kappa, double gradient[TERMS_MAX])
{
    size_t n = fit->terms;
    for (size_t x = 0; x < fit->delays; x++) {
        double trials = kappa * (double)(fit->delays + 1 - x);
        double h = 1 / (1 + exp(-fit->effect[x]));
        gradient[x] += kappa - trials * h;
        fit->information[x * n + x] += trials * h * (1 - h);
    }
    for (size_t w = fit->delays; w < n; w++) {
        gradient[w] -= fit->effect[w] / weekday_variance;
        fit->information[w * n + w] += 1 / weekday_variance;
    }
}

/* One step of Newton's method; *ret_move is the greatest change. */
static bool step(struct weekday_fit *fit, const struct nowcast *nowcast, const double *cells,
                 double *ret_move)
{
    double gradient[TERMS_MAX] = {0};
    lapack_int n = (lapack_int)fit->terms;
    memset(fit->information, 0, sizeof fit->information);
    for (size_t t = nowcast->span - nowcast->window; t <= nowcast->span; t++) {
        struct day_known known;
        know_day(fit, nowcast, t, nowcast->span - t, &known);
        add_day(fit, &known, &cells[t * (fit->delays + 1)], gradient);
    }
    add_prior(fit, nowcast->prior, gradient);
    if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, fit->information, n) ||
        LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', n, 1, fit->information, n, gradient, 1))
        return false;
    *ret_move = 0;
    for (size_t i = 0; i < fit->terms; i++) {
        double move = fmax(-1.5, fmin(1.5, gradient[i]));
        fit->effect[i] += move;
        *ret_move = fmax(*ret_move, fabs(move));
    }
    return isfinite(*ret_move);
}

/* Pearson's statistic of the counts by delay, given each day's number, over its degrees of freedom.
 * Cells that expect less than half a case say nothing. */
static double dispersion_of(const struct weekday_fit *fit, const struct nowcast *nowcast,
                            const double *cells)
{
    double pearson = 0, degrees = -(double)fit->terms;
    for (size_t t = nowcast->span - nowcast->window; t <= nowcast->span; t++) {
        const double *row = &cells[t * (fit->delays + 1)];
        struct day_known known;
        know_day(fit, nowcast, t, nowcast->span - t, &known);
        double reported = 0, survival = 1;
        for (size_t x = 0; x <= known.last; x++)
            reported += row[x];
        degrees -= 1;
        for (size_t x = 0; x <= known.last; x++) {
            double mean = reported * survival * known.hazard[x] / known.share;
            survival *= 1 - known.hazard[x];
            if (!(mean > 0.5))
                continue;
            pearson += (row[x] - mean) * (row[x] - mean) / mean;
            degrees += 1;
        }
    }
    return degrees > 1 ? fmax(1, pearson / degrees) : 1;
}

static bool fit_weekdays(struct weekday_fit *fit, const struct nowcast *nowcast,
                         const double *cells, struct error *err)
{
    double move = 1;
    bool going = true;
    *fit =
        (struct weekday_fit){.delays = nowcast->delay_max, .terms = nowcast->delay_max + WEEKDAYS};
    for (size_t x = 0; x < fit->delays; x++)
        fit->effect[x] = -1;
    for (int round = 0; going && move > 1e-9 && round < ROUNDS; round++)
        going = step(fit, nowcast, cells, &move);
    if (!going || move > 1e-6)
        return error_set(err, ERROR_REFUSED, (struct error_place){.field = "D"},
                         "a shorter D, or more cases", "the delays cannot be fitted");
    fit->dispersion = dispersion_of(fit, nowcast, cells);
    return true;
}

/* The variance of log F. */
static double variance_of(const struct weekday_fit *fit, const struct day_known *known)
{
    double slope[TERMS_MAX] = {0}, solved[TERMS_MAX], variance = 0;
    for (size_t x = 0; x <= known->last; x++) {
        double part = known->survival * known->hazard[x] / known->share;
        slope[x] += part;
        slope[known->weekday[x]] += part;
    }
    memcpy(solved, slope, sizeof slope);
    lapack_int n = (lapack_int)fit->terms;
    lapack_int failed = LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', n, 1, fit->information, n, solved, 1);
    REQUIRE(failed == 0); /* the factor is of the size that it was made with */
    for (size_t i = 0; i < fit->terms; i++)
        variance += slope[i] * solved[i];
    return variance * fit->dispersion;
}

static void cast_day(const struct weekday_fit *fit, const struct nowcast *nowcast, double reported,
                     size_t t, size_t days, double casts[CASTS])
{
    struct day_known known;
    know_day(fit, nowcast, t, days, &known);
    double share = known.share, spread = share * known.survival;
    if (!(spread > 1e-12)) {
        nowcast_certain(nowcast, reported, casts);
        return;
    }
    double whole = (reported + 1) / share;
    double variance =
        variance_of(fit, &known) * share * share + (fit->dispersion - 1) * spread / whole;
    double size = spread / fmax(variance, 1e-12) - 1;
    size = fmax(size, 1 / share); /* a share of which nothing is known: no denser towards 0 */
    nowcast_bnb(nowcast, reported, share * size, known.survival * size, casts);
}

bool nowcast_weekday_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    struct nowcast nowcast;
    struct triangle triangle;
    struct cast_table out;
    struct weekday_fit *fit = arena_alloc(call->arena, sizeof *fit);
    if (call->table_name)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--table"}, "no --table",
                         "there is no table '%.40s'", call->table_name);
    if (!nowcast_settings(call, "weekday", &nowcast, err))
        return false;
    if (nowcast.delay_max > WEEKDAY_DELAY_MAX)
        return parameter_error(err, "D", "a delay of at most 60 days",
                               "as many delays cannot be told from weekdays");
    if (!parameter(call->parameters, "N.tInf.max"))
        nowcast.support = 100000;
    triangle_make(call->line_list, &nowcast, call->arena, &triangle);
    if (!fit_weekdays(fit, &nowcast, triangle.cells, err))
        return false;
    cast_table_begin(&nowcast, call->arena, ret_table, &out);
    for (size_t row = 0; row < nowcast.delay_max; row++) {
        size_t days = nowcast.delay_max - row, t = nowcast.span - days;
        double casts[CASTS];
        cast_day(fit, &nowcast, triangle.reported[t], t, days, casts);
        cast_table_put(&out, &nowcast, &triangle, row, casts);
    }
    return true;
}
