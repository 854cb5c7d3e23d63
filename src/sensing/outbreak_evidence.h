/* Does an outbreak go on this week? A likelihood ratio over this week and the one before, and its
 * probability without any outbreak. */
#ifndef CHENGMAI_SENSING_OUTBREAK_EVIDENCE_H
#define CHENGMAI_SENSING_OUTBREAK_EVIDENCE_H

#include "sensing/count_grid.h"
#include "sensing/robust_baseline.h"

enum { OUTBREAK_SIZES = 9, MEAN_NODES = 5, ERROR_NODES = 2 * MEAN_NODES };

/* All tables that one week needs. */
struct outbreak_evidence {
    struct count_grid grid;
    size_t least; /* first cell above the expected mean: below it nothing alarms */
    size_t cap;   /* the week before counts at most like this cell */
    bool has_before;
    double begins[GRID_CELLS_MAX];                    /* LR of an outbreak that begins this week */
    double before[GRID_CELLS_MAX][OUTBREAK_SIZES];    /* LR of its first week, a week ago */
    double continues[GRID_CELLS_MAX][OUTBREAK_SIZES]; /* LR of its second week, now */
    /* without outbreak, at each node of the errors of mean and dispersion */
    double node_weight[ERROR_NODES];
    double before_mass[ERROR_NODES][GRID_CELLS_MAX], upper_tail[ERROR_NODES][GRID_CELLS_MAX];
};
/* `has_before`: the week before has a count; else this week is judged alone. */
void outbreak_evidence_make(const struct robust_prediction *prediction, bool has_before,
                            struct outbreak_evidence *ret_evidence);
/* Probability, without outbreak, of evidence at least as strong as that of these two counts; 1
 * where this week's is not above the mean. Falls as `count` grows. */
double outbreak_evidence_p(const struct outbreak_evidence *evidence, double count,
                           double count_before);
/* The greatest count of this week whose probability is above `alpha`; INFINITY where it is beyond
 * the tables. */
double outbreak_evidence_bound(const struct outbreak_evidence *evidence, double count_before,
                               double alpha);

#endif
