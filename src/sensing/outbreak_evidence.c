/* Evidence of an outbreak from two weeks: see outbreak_evidence.h.
 *
 * The outbreak is that of Noufaily et al. 2013, 3.1: k standard deviations of a week's count in
 * size, k = 2 … 10 alike likely, spread by a lognormal delay with parameters 0 and 0.5: half of the
 * cases in its first week, 42 % in its second, 8 % later. So
 *
 *     evidence(y', y) = mean_k L(y; k/2) + mean_k L(y'; k/2) L(y; 0.42 k)
 *                       begins now         began a week ago
 *
 * with L the likelihood ratio of added cases. y' counts at most like the count that one week in
 * fifty passes: a week that could alarm by itself has had its alarm and does not bring a second one
 * (nor one after the outbreak has passed), while a week that nearly did lends its weight. This
 * week's count must be above its mean: memory alone never alarms.
 *
 * Its distribution without outbreak is summed over both weeks' counts, exactly (on cells where
 * counts are many), and over the errors of the estimated mean, which both weeks share, and of the
 * dispersion (Gauss and Hermite's rule with five and with two points). As evidence grows with y and
 * with y', the region that is as strong lies above a falling staircase: one tail for each y'. */
#include "sensing/outbreak_evidence.h"

#include <math.h>

static const double share_first = 0.5, share_second = 0.4172; /* of floor(lognormal(0, 0.5)) */
static const double cap_probability = 0.02;
/* Nodes and weights of a standard normal, five points (Abramowitz & Stegun 25.10). */
static const double node_place[MEAN_NODES] = {-2.8569700138728056, -1.3556261799742659, 0,
                                              1.3556261799742659, 2.8569700138728056};
static const double node_weight[MEAN_NODES] = {0.011257411327720689, 0.22207592200561266,
                                               0.53333333333333333, 0.22207592200561266,
                                               0.011257411327720689};

static double outbreak_size(size_t k)
{
    return (double)k + 2;
}

static void fill_ratios(const struct robust_prediction *prediction,
                        struct outbreak_evidence *evidence)
{
    double ratios[GRID_CELLS_MAX], dispersion = prediction->dispersion;
    double deviation = sqrt(dispersion * prediction->mean);
    double deviation_before = sqrt(dispersion * prediction->mean_before);
    const struct count_grid *grid = &evidence->grid;
    memset(evidence->begins, 0, grid->count * sizeof *evidence->begins);
    for (size_t k = 0; k < OUTBREAK_SIZES; k++) {
        double size = outbreak_size(k);
        count_ratios(grid, prediction->mean, dispersion, share_first * size * deviation, ratios);
        for (size_t i = 0; i < grid->count; i++)
            evidence->begins[i] += ratios[i] / OUTBREAK_SIZES;
        if (!evidence->has_before)
            continue;
        count_ratios(grid, prediction->mean_before, dispersion,
                     share_first * size * deviation_before, ratios);
        for (size_t i = 0; i < grid->count; i++)
            evidence->before[i][k] = ratios[i] / OUTBREAK_SIZES;
        count_ratios(grid, prediction->mean, dispersion, share_second * size * deviation_before,
                     ratios);
        for (size_t i = 0; i < grid->count; i++)
            evidence->continues[i][k] = ratios[i];
    }
}

void outbreak_evidence_make(const struct robust_prediction *prediction, bool has_before,
                            struct outbreak_evidence *ret_evidence)
{
    struct outbreak_evidence *evidence = ret_evidence;
    double mean = prediction->mean, before = prediction->mean_before;
    double dispersion = prediction->dispersion, error = prediction->log_error;
    double greatest = fmax(mean, before);
    double deviation = sqrt(dispersion * greatest + greatest * greatest * error * error);
    evidence->has_before = has_before;
    evidence->grid =
        count_grid_make(fmin(mean, before), greatest * exp(error), deviation, dispersion);
    const struct count_grid *grid = &evidence->grid;
    for (evidence->least = 0; evidence->least + 1 < grid->count; evidence->least++)
        if (count_grid_middle(grid, evidence->least) > mean)
            break;
    fill_ratios(prediction, evidence);
    for (size_t n = 0; n < ERROR_NODES; n++) {
        double factor = exp(node_place[n / 2] * error);
        double spread = n % 2 ? prediction->dispersion_high : prediction->dispersion_low;
        evidence->node_weight[n] = node_weight[n / 2] / 2;
        count_upper_tails(grid, mean * factor, spread, evidence->upper_tail[n]);
        if (has_before)
            count_masses(grid, before * factor, spread, evidence->before_mass[n]);
    }
    if (!has_before)
        return;
    double tails[GRID_CELLS_MAX];
    count_upper_tails(grid, before, dispersion, tails);
    for (evidence->cap = 0; evidence->cap + 1 < grid->count; evidence->cap++)
        if (tails[evidence->cap] <= cap_probability)
            break;
}

/* Evidence of cells, the week before's already capped. */
static double strength(const struct outbreak_evidence *evidence, size_t before, size_t now)
{
    double sum = evidence->begins[now];
    if (evidence->has_before)
        for (size_t k = 0; k < OUTBREAK_SIZES; k++)
            sum += evidence->before[before][k] * evidence->continues[now][k];
    return sum;
}

static double p_of_cells(const struct outbreak_evidence *evidence, size_t before, size_t now)
{
    const double rounding = 1 - 1e-9; /* equal evidence counts as equal */
    double p = 0;
    if (now < evidence->least)
        return 1;
    if (!evidence->has_before) {
        for (size_t n = 0; n < ERROR_NODES; n++)
            p += evidence->node_weight[n] * evidence->upper_tail[n][now];
        return p;
    }
    double observed = strength(evidence, before, now) * rounding;
    size_t stair = evidence->grid.count; /* first cell of this week that is as strong */
    for (size_t i = 0; i < evidence->grid.count; i++) {
        if (i <= evidence->cap)
            while (stair > evidence->least && strength(evidence, i, stair - 1) >= observed)
                stair--;
        if (stair == evidence->grid.count)
            continue;
        for (size_t n = 0; n < ERROR_NODES; n++)
            p += evidence->node_weight[n] * evidence->before_mass[n][i] *
                 evidence->upper_tail[n][stair];
    }
    return fmin(p, 1);
}

static size_t cell_before(const struct outbreak_evidence *evidence, double count_before)
{
    if (!evidence->has_before)
        return 0;
    size_t cell = count_grid_cell(&evidence->grid, count_before);
    return cell < evidence->cap ? cell : evidence->cap;
}

double outbreak_evidence_p(const struct outbreak_evidence *evidence, double count,
                           double count_before)
{
    return p_of_cells(evidence, cell_before(evidence, count_before),
                      count_grid_cell(&evidence->grid, count));
}

double outbreak_evidence_bound(const struct outbreak_evidence *evidence, double count_before,
                               double alpha)
{
    size_t before = cell_before(evidence, count_before);
    size_t low = evidence->least, high = evidence->grid.count; /* alarms from `high` on */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p_of_cells(evidence, before, middle) <= alpha)
            high = middle;
        else
            low = middle + 1;
    }
    if (high == evidence->grid.count)
        return INFINITY;
    return evidence->grid.low + (double)high * evidence->grid.step - 1;
}
