/* Counts on a grid: see count_grid.h. Johnson, Kemp & Kotz, "Univariate Discrete Distributions"
 * (3rd ed. 2005), ch. 5, for the law. */
#include "sensing/count_grid.h"

#include <math.h>

#include "sensing/numerics.h"

/* Below it the law counts as Poisson's. */
static const double dispersion_least = 1 + 1e-6;
static const double ratio_max = 1e150;
/* With more than this size the law is smooth within a cell, and its middle stands for it. */
static const double smooth_size = 30;
static const double counts_summed_max = 1e5; /* without it, cells are summed up to so many counts */
enum { CELLS_WANTED = 350 };

struct count_grid count_grid_make(double mean_low, double mean_high, double deviation,
                                  double dispersion)
{
    struct count_grid grid = {.low = fmax(0, floor(mean_low - 7 * deviation)), .step = 1};
    double high = mean_high + 12 * deviation + 12 * dispersion + 15;
    double span = high - grid.low;
    if (span > CELLS_WANTED)
        grid.step = ceil(span / CELLS_WANTED);
    grid.count = (size_t)(span / grid.step) + 1;
    return grid;
}

size_t count_grid_cell(const struct count_grid *grid, double count)
{
    double cell = floor((count - grid->low) / grid->step);
    if (!(cell > 0))
        return 0;
    return cell < (double)grid->count ? (size_t)cell : grid->count - 1;
}

static double log_mass(double count, double mean, double dispersion)
{
    if (dispersion < dispersion_least)
        return count * log(mean) - mean - lgamma(count + 1);
    double size = mean / (dispersion - 1);
    return lgamma(size + count) - lgamma(size) - lgamma(count + 1) - size * log(dispersion) +
           count * log1p(-1 / dispersion);
}

/* Each count's mass from the one before, summed up by cell. */
static void masses_of_counts(const struct count_grid *grid, double mean, double dispersion,
                             double *ret)
{
    bool poisson = dispersion < dispersion_least;
    double size = poisson ? 0 : mean / (dispersion - 1);
    double factor = poisson ? mean : 1 - 1 / dispersion;
    double mass = exp(log_mass(grid->low, mean, dispersion)), count = grid->low;
    for (size_t i = 0; i < grid->count; i++) {
        ret[i] = 0;
        for (double in_cell = 0; in_cell < grid->step; in_cell++, count++) {
            ret[i] += mass;
            mass *= factor * (poisson ? 1 : size + count) / (count + 1);
        }
    }
}

/* The middle's mass for all of its cell. */
static void masses_of_middles(const struct count_grid *grid, double mean, double dispersion,
                              double *ret)
{
    for (size_t i = 0; i < grid->count; i++)
        ret[i] = grid->step * exp(log_mass(count_grid_middle(grid, i), mean, dispersion));
}

/* The law is Poisson's around a gamma variable, and as good as that variable where counts are in
 * the thousands and differ as much. */
static void masses_of_gamma(const struct count_grid *grid, double mean, double dispersion,
                            double *ret)
{
    double size = mean / (dispersion - 1), above = 1, next;
    for (size_t i = 0; i < grid->count; i++) {
        double end = grid->low + (double)(i + 1) * grid->step - 0.5;
        gamma_lower(size, end / (dispersion - 1), &next);
        ret[i] = above - next;
        above = next;
    }
}

void count_masses(const struct count_grid *grid, double mean, double dispersion, double *ret)
{
    double sum = 0, span = (double)grid->count * grid->step;
    bool smooth = dispersion < dispersion_least || mean / (dispersion - 1) > smooth_size;
    bool few = grid->step == 1 || (!smooth && span < counts_summed_max);
    if (few && log_mass(grid->low, mean, dispersion) > -700)
        masses_of_counts(grid, mean, dispersion, ret);
    else if (smooth || few)
        masses_of_middles(grid, mean, dispersion, ret);
    else
        masses_of_gamma(grid, mean, dispersion, ret);
    for (size_t i = 0; i < grid->count; i++)
        sum += ret[i];
    ret[grid->count - 1] += fmax(0, 1 - sum);
}

void count_upper_tails(const struct count_grid *grid, double mean, double dispersion, double *ret)
{
    double sum = 0;
    count_masses(grid, mean, dispersion, ret);
    for (size_t i = grid->count; i-- > 0;)
        ret[i] = sum += ret[i];
}

double count_ratio(double count, double mean, double dispersion, double added)
{
    double logarithm;
    if (dispersion < dispersion_least) {
        logarithm = count * log1p(added / mean) - added;
    } else {
        double size = mean / (dispersion - 1), more = (mean + added) / (dispersion - 1);
        logarithm = lgamma(more + count) - lgamma(size + count) + lgamma(size) - lgamma(more) -
                    (more - size) * log(dispersion);
    }
    return logarithm < log(ratio_max) ? exp(logarithm) : ratio_max;
}

void count_ratios(const struct count_grid *grid, double mean, double dispersion, double added,
                  double *ret)
{
    bool poisson = dispersion < dispersion_least;
    double size = poisson ? mean : mean / (dispersion - 1);
    double more = poisson ? mean + added : (mean + added) / (dispersion - 1);
    if (grid->step > 1) {
        for (size_t i = 0; i < grid->count; i++)
            ret[i] = count_ratio(count_grid_middle(grid, i), mean, dispersion, added);
        return;
    }
    double ratio = count_ratio(grid->low, mean, dispersion, added);
    for (size_t i = 0; i < grid->count; i++) {
        double count = poisson ? 0 : grid->low + (double)i;
        ret[i] = ratio;
        ratio *= (more + count) / (size + count);
        ratio = ratio < ratio_max ? ratio : ratio_max;
    }
}
