/* Counts whose variance is a multiple of their mean, as tables over a grid.
 *
 * The law is negative binomial with mean m and variance dispersion × m (Poisson where the
 * dispersion is 1). More cases of the same kind only add to the mean, so that the likelihood ratio
 * of m + added against m grows with the count: what compares such ratios need not look at single
 * counts. */
#ifndef CHENGMAI_SENSING_COUNT_GRID_H
#define CHENGMAI_SENSING_COUNT_GRID_H

#include <stdbool.h>
#include <stddef.h>

/* Cells of `step` whole counts each: cell i holds low + i step … low + (i + 1) step - 1. */
enum { GRID_CELLS_MAX = 400 };
struct count_grid {
    double low, step;
    size_t count;
};
/* Covers counts of means from `mean_low` to `mean_high`, whose standard deviation is at most
 * `deviation`, up to a mass beyond of about 1e-9; single counts where they are few enough, else
 * cells of about a twentieth of the deviation. */
struct count_grid count_grid_make(double mean_low, double mean_high, double deviation,
                                  double dispersion);
/* The cell of a count; the first or the last one where it is outside. */
size_t count_grid_cell(const struct count_grid *grid, double count);
/* The count that stands for a cell: its middle. */
static inline double count_grid_middle(const struct count_grid *grid, size_t cell)
{
    return grid->low + (double)cell * grid->step + (grid->step - 1) / 2;
}

/* Probability of each cell; what lies outside the grid counts to its last cell. */
void count_masses(const struct count_grid *grid, double mean, double dispersion, double *ret);
/* P(count in the cell or above). */
void count_upper_tails(const struct count_grid *grid, double mean, double dispersion, double *ret);

/* Likelihood ratio of a mean of mean + added against mean, at one count and for each cell (capped
 * where a product of two would leave the numbers). */
double count_ratio(double count, double mean, double dispersion, double added);
void count_ratios(const struct count_grid *grid, double mean, double dispersion, double added,
                  double *ret);

#endif
