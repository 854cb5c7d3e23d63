/* The tests of venues; what they assume: venue_excess.h. */
#include "sensing/venue_excess.h"

#include <stdlib.h>

#include "sensing/sensing_internal.h"

/* ---- Point masses ---- */

/* log n! less Stirling's formula for it */
static double stirling_error(double n)
{
    int sign;
    if (n == 0)
        return 0;
    if (n < 16)
        return lgamma_r(n + 1, &sign) - (n + 0.5) * log(n) + n - 0.5 * log(2 * M_PI);
    double square = n * n;
    return (1.0 / 12 -
            (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / square) / square) / square) /
                square) /
           n;
}

/* x log(x / mean) + mean - x, also where both are nearly equal */
static double deviance_half(double x, double mean)
{
    double difference = x - mean;
    if (fabs(difference) >= 0.1 * (x + mean))
        return x * log(x / mean) + mean - x;
    double v = difference / (x + mean), sum = difference * v, term = 2 * x * v;
    for (int j = 1; j < 1000; j++) {
        term *= v * v;
        double next = sum + term / (2 * j + 1);
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

double binomial_mass(double k, double trials, double probability)
{
    if (k < 0 || k > trials)
        return 0;
    if (probability <= 0)
        return k == 0;
    if (probability >= 1)
        return k == trials;
    if (k == 0)
        return exp(trials * log1p(-probability));
    if (k == trials)
        return exp(trials * log(probability));
    double log_mass = stirling_error(trials) - stirling_error(k) - stirling_error(trials - k) -
                      deviance_half(k, trials * probability) -
                      deviance_half(trials - k, trials * (1 - probability));
    return exp(log_mass) * sqrt(trials / (2 * M_PI * k * (trials - k)));
}

double hypergeometric_mass(double k, double total, double marked, double drawn)
{
    if (k < 0 || k > drawn || k > marked || drawn - k > total - marked)
        return 0;
    if (drawn == 0 || drawn == total)
        return 1;
    double share = drawn / total;
    return binomial_mass(k, marked, share) * binomial_mass(drawn - k, total - marked, share) /
           binomial_mass(drawn, total, share);
}

/* ---- One row ---- */

/* The law of a row's later positives: hypergeometric where `total` is above 0, else binomial. */
struct law {
    double total, marked, visitors, share;
};

static double law_mass(const struct law *law, double k)
{
    return law->total > 0 ? hypergeometric_mass(k, law->total, law->marked, law->visitors)
                          : binomial_mass(k, law->visitors, law->share);
}
static double law_mean(const struct law *law)
{
    return law->visitors * (law->total > 0 ? law->marked / law->total : law->share);
}
/* mass(k + 1) / mass(k) */
static double law_ratio(const struct law *law, double k)
{
    if (law->total > 0)
        return (law->marked - k) * (law->visitors - k) /
               ((k + 1) * (law->total - law->marked - law->visitors + k + 1));
    return (law->visitors - k) / (k + 1) * law->share / (1 - law->share);
}
/* The least and the greatest number that can be. */
static double law_low(const struct law *law)
{
    if (law->total > 0)
        return fmax(0, law->marked + law->visitors - law->total);
    return law->share >= 1 ? law->visitors : 0;
}
static double law_high(const struct law *law)
{
    if (law->total > 0)
        return fmin(law->marked, law->visitors);
    return law->share > 0 ? law->visitors : 0;
}

/* P(X >= k): the terms from k on where they fall, else all but those below. */
static double law_tail(const struct law *law, double k)
{
    double low = law_low(law), high = law_high(law), sum = 0, mass;
    if (k <= low)
        return 1;
    if (k > high)
        return 0;
    if (k > law_mean(law)) {
        mass = law_mass(law, k);
        for (; k <= high && mass > sum * 1e-18; k++) {
            sum += mass;
            mass *= k < high ? law_ratio(law, k) : 0;
        }
        return fmin(1, sum);
    }
    mass = law_mass(law, --k);
    for (; k >= low && mass > sum * 1e-18; k--) {
        sum += mass;
        mass /= k > low ? law_ratio(law, k - 1) : 1;
    }
    return fmax(0, 1 - sum);
}

/* ---- One venue ---- */

/* tails[x] = P(sum of the rows so far >= x), x = 0 … most; becomes that with one row more. Only
 * positive terms are added, so that small tails keep their accuracy. */
static void add_row(const struct law *law, size_t most, double *tails, double *masses)
{
    double low = law_low(law), high = law_high(law);
    size_t first = 0, last = 0; /* masses that count: [first, last) */
    for (size_t k = 0; k < most; k++) {
        masses[k] = (double)k < low || (double)k > high ? 0 : law_mass(law, (double)k);
        if (masses[k] > 0) {
            first = last == 0 ? k : first;
            last = k + 1;
        }
    }
    for (size_t x = most; x > 0; x--) {
        double sum = law_tail(law, (double)x);
        for (size_t k = first; k < last && k < x; k++)
            sum += masses[k] * tails[x - k];
        tails[x] = fmin(1, sum);
    }
}

static struct law law_of(const struct venue_row *row, const struct venue_row *strata)
{
    if (!isnan(row->expected_share))
        return (struct law){.visitors = row->visitors, .share = row->expected_share};
    const struct venue_row *stratum = &strata[row->stratum];
    if (stratum->visitors == 0)
        return (struct law){0};
    return (struct law){
        .total = stratum->visitors, .marked = stratum->later_positive, .visitors = row->visitors};
}

static bool test_venue(const struct venue_counts *counts, const struct venue_row *const *rows,
                       size_t row_count, const struct venue_row *strata, struct venue_excess *out,
                       struct error *err)
{
    for (size_t i = 0; i < row_count; i++) {
        struct law law = law_of(rows[i], strata);
        out->visitors += rows[i]->visitors;
        out->later_positive += rows[i]->later_positive;
        out->expected += law_mean(&law);
    }
    out->p = out->q = out->p_bonferroni = NAN;
    if (out->visitors == 0)
        return true;
    if (row_count == 1) {
        struct law law = law_of(rows[0], strata);
        out->p = law_tail(&law, out->later_positive);
        return true;
    }
    if (out->later_positive > VENUE_POSITIVES_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         (struct error_place){.source = counts->source, .field = "later_positive"},
                         "at most 10000 later positives of a venue with several strata",
                         "venue '%.60s' has %.0f", counts->venues[out->venue], out->later_positive);
    size_t most = (size_t)out->later_positive;
    double *tails = x_alloc(most + 1, sizeof *tails), *masses = x_alloc(most + 1, sizeof *masses);
    tails[0] = 1;
    for (size_t i = 0; i < row_count; i++) {
        struct law law = law_of(rows[i], strata);
        if (law.visitors > 0)
            add_row(&law, most, tails, masses);
    }
    out->p = tails[most];
    free(tails);
    free(masses);
    return true;
}

/* ---- All venues ---- */

static int compare_excess(const void *one, const void *other)
{
    const struct venue_excess *a = one, *b = other;
    if (isnan(a->p) != isnan(b->p))
        return isnan(a->p) ? 1 : -1;
    if (!isnan(a->p) && a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return a->venue < b->venue ? -1 : a->venue > b->venue;
}

/* In order of p: m p / rank, the least of this and all later ones. */
static void correct(struct venue_excess *excess, size_t count, size_t rowless)
{
    size_t tested = 0;
    double least = 1;
    while (tested < count && !isnan(excess[tested].p))
        tested++;
    double tests = (double)(tested + rowless);
    for (size_t i = tested; i-- > 0;) {
        excess[i].p_bonferroni = fmin(1, tests * excess[i].p);
        least = fmin(least, tests * excess[i].p / (double)(i + 1));
        excess[i].q = least;
    }
}

bool venue_excess(const struct venue_counts *counts, struct arena *arena,
                  struct venue_excess **ret_excess, struct error *err)
{
    size_t venues = counts->venue_count, rows = counts->row_count;
    struct venue_excess *excess = arena_alloc(arena, (venues + 1) * sizeof *excess);
    struct venue_row *strata = x_alloc(counts->stratum_count + 1, sizeof *strata);
    size_t *starts = x_alloc(venues + 2, sizeof *starts);
    const struct venue_row **of_venue = x_alloc(rows + 1, sizeof *of_venue);
    for (size_t i = 0; i < rows; i++) {
        const struct venue_row *row = &counts->rows[i];
        strata[row->stratum].visitors += row->visitors;
        strata[row->stratum].later_positive += row->later_positive;
        starts[row->venue + 2]++;
    }
    for (size_t v = 2; v < venues + 2; v++)
        starts[v] += starts[v - 1];
    for (size_t i = 0; i < rows; i++)
        of_venue[starts[counts->rows[i].venue + 1]++] = &counts->rows[i];
    bool done = true;
    for (size_t v = 0; done && v < venues; v++) {
        excess[v] = (struct venue_excess){.venue = (uint32_t)v};
        done = test_venue(counts, &of_venue[starts[v]], starts[v + 1] - starts[v], strata,
                          &excess[v], err);
    }
    free(of_venue);
    free(starts);
    free(strata);
    if (!done)
        return false;
    qsort(excess, venues, sizeof *excess, compare_excess);
    correct(excess, venues, counts->rowless);
    *ret_excess = excess;
    return true;
}

bool venue_excess_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    static const char *const names[] = {NULL};
    struct arena *arena = call->arena;
    struct venue_excess *excess;
    if (call->table_name)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--table"}, "no --table",
                         "the method has one table");
    if (!parameters_only(call->parameters, names, err) ||
        !venue_excess(call->venues, arena, &excess, err))
        return false;
    table_begin(ret_table, call->venues->venue_count);
    const char **venue = table_add_texts(ret_table, arena, "venue");
    double *visitors = table_add(ret_table, arena, "visitors", COLUMN_NUMBER);
    double *positive = table_add(ret_table, arena, "later_positive", COLUMN_NUMBER);
    double *expected = table_add(ret_table, arena, "expected", COLUMN_NUMBER);
    double *p = table_add(ret_table, arena, "p", COLUMN_NUMBER);
    double *q = table_add(ret_table, arena, "q", COLUMN_NUMBER);
    double *bonferroni = table_add(ret_table, arena, "p_bonferroni", COLUMN_NUMBER);
    for (size_t i = 0; i < ret_table->row_count; i++) {
        venue[i] = call->venues->venues[excess[i].venue];
        visitors[i] = excess[i].visitors;
        positive[i] = excess[i].later_positive;
        expected[i] = excess[i].expected;
        p[i] = excess[i].p;
        q[i] = excess[i].q;
        bonferroni[i] = excess[i].p_bonferroni;
    }
    return true;
}
