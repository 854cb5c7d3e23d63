/* venue_excess: venues with more later-positive visitors than their traffic explains.
 *
 * A row is a venue's visitors in one stratum (a day, a category of venues, both): distinct persons,
 * and how many of them became positive afterwards. Within a stratum a visit leads to a positive as
 * often anywhere, so that
 *   without `expected_share`  the stratum's later positives fall on its visits at random: the
 *                             venue's number is hypergeometric, given the stratum's totals in this
 *                             file (Fisher's exact test), which therefore holds all venues;
 *   with `expected_share`     each visitor becomes positive with that probability: binomial.
 * A venue's p-value is the probability of its sum over all its rows, or more: exact, by the sum of
 * independent counts. Rows without a later positive belong into the file: leaving them out would
 * choose what is tested by its result.
 *
 * Many venues are tested at once, m of them: all with a visitor. Who cannot give a row for each may
 * leave out venues without a later positive and tell how many (`rowless`): their p is 1 whatever
 * their traffic was. Of venues with one, those with fewer than a number set beforehand may be left
 * out too: their p counts as 1, which makes the others' q greater, never smaller.
 *   p_bonferroni = min(1, m p): venues below alpha are all right with probability 1 - alpha.
 *   q (Benjamini & Hochberg 1995): of the venues below it, at most that share is wrong on average;
 *     holds under positive dependence too (Benjamini & Yekutieli 2001), as where venues share
 *     visitors.
 * What it does not know: positives of one household who came together count singly and make an
 * excess look less of a chance than it is; an excess says that a venue deserves a visit, not that
 * the infection happened there. */
#ifndef CHENGMAI_SENSING_VENUE_EXCESS_H
#define CHENGMAI_SENSING_VENUE_EXCESS_H

#include "base/base.h"

enum {
    VENUE_ROWS_MAX = 1 << 22,
    VENUE_VISITORS_MAX = 1000000000, /* of a stratum */
    VENUE_POSITIVES_MAX = 10000,     /* of a venue with several rows */
};

struct venue_row {
    uint32_t venue, stratum;
    double visitors, later_positive; /* whole, later_positive <= visitors */
    double expected_share;           /* NAN: as the stratum */
};
struct venue_counts {
    const char *source;
    size_t row_count, venue_count, stratum_count;
    const struct venue_row *rows;
    const char **venues; /* their names */
    size_t rowless;      /* further venues that count among the tests, their p 1 */
};

/* Reads CSV with the columns `venue`, `visitors`, `later_positive` and, where told,
 * `expected_share`, `stratum`; one row a venue and stratum. Takes over `fd`. Errors name row and
 * field. */
bool venue_counts_read(int fd, const char *source, struct arena *arena,
                       struct venue_counts *ret_counts, struct error *err) MUST_USE;

struct venue_excess {
    uint32_t venue;
    double visitors, later_positive, expected;
    double p, q, p_bonferroni; /* NAN without a visitor */
};
/* One a venue, the least p first (of equal ones the earlier in the file), in the arena.
 * ERROR_TOO_LARGE past VENUE_POSITIVES_MAX. */
bool venue_excess(const struct venue_counts *counts, struct arena *arena,
                  struct venue_excess **ret_excess, struct error *err) MUST_USE;

/* Point masses to full relative accuracy, after Loader 2000, "Fast and accurate computation of
 * binomial probabilities". P(X = k) of `trials` with `probability`; P(X = k) of `marked` among
 * `total` when `drawn` are drawn. Whole numbers. */
double binomial_mass(double k, double trials, double probability);
double hypergeometric_mass(double k, double total, double marked, double drawn);

#endif
