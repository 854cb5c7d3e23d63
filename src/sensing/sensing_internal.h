/* What the files of the sensing room share. */
#ifndef CHENGMAI_SENSING_INTERNAL_H
#define CHENGMAI_SENSING_INTERNAL_H

#include <math.h>

#include "sensing/sensing.h"

/* Reasons of rows without an answer. */
extern const char reason_short_baseline[], reason_missing[], reason_few_cases[],
    reason_no_convergence[], reason_too_early[], reason_no_spread[], reason_overflow[],
    reason_underflow[];

/* ---- Parameters ---- */

/* ERROR_BAD_VALUE where a key is not among `names` (NULL-terminated). */
bool parameters_only(const struct parameters *parameters, const char *const *names,
                     struct error *err) MUST_USE;
/* NULL where absent or null. */
json_t *parameter(const struct parameters *parameters, const char *name);
/* Each takes `preset` where absent or null, refuses what is not within [low, high]. */
bool parameter_number(const struct parameters *parameters, const char *name, double preset,
                      double low, double high, double *ret_value, struct error *err) MUST_USE;
bool parameter_whole(const struct parameters *parameters, const char *name, int64_t preset,
                     int64_t low, int64_t high, int64_t *ret_value, struct error *err) MUST_USE;
bool parameter_flag(const struct parameters *parameters, const char *name, bool preset,
                    bool *ret_value, struct error *err) MUST_USE;
/* Index into `choices` (NULL-terminated); `preset` is an index. */
bool parameter_choice(const struct parameters *parameters, const char *name,
                      const char *const *choices, int preset, int *ret_choice,
                      struct error *err) MUST_USE;
/* One number or an array of finite numbers; *ret_values NULL where absent. */
bool parameter_numbers(const struct parameters *parameters, const char *name, struct arena *arena,
                       double **ret_values, size_t *ret_count, struct error *err) MUST_USE;
/* A probability strictly between 0 and 1. */
bool parameter_probability(const struct parameters *parameters, const char *name, double preset,
                           double *ret_value, struct error *err) MUST_USE;
bool parameter_error(struct error *err, const char *name, const char *expected, const char *what);

/* Rows of a series, as indexes: [first, end). */
struct range {
    size_t first, end;
};
/* The parameter `range` ([first, last], rows from 1); absent: from `preset_first` (an index) to the
 * end. ERROR_REFUSED where the series is shorter than that. */
bool parameter_range(const struct parameters *parameters, const struct series *series,
                     size_t preset_first, struct range *ret_range, struct error *err) MUST_USE;

/* ---- Tables ---- */

void table_begin(struct table *table, size_t row_count);
/* A new column of zeroes. */
double *table_add(struct table *table, struct arena *arena, const char *name,
                  enum column_kind kind);

/* A new column of texts, to be set by the caller. */
const char **table_add_texts(struct table *table, struct arena *arena, const char *name);

/* The table that every detector prints: t[, date], observed, alarm, upperbound. */
struct detection {
    struct range range;
    double *alarm, *upperbound; /* one a row of the range */
    const char **reasons;
};
void detection_begin(const struct series *series, struct range range, const char *bound_name,
                     struct arena *arena, struct table *table, struct detection *ret_detection);
/* Row `row` has no answer. */
static inline void detection_none(struct detection *detection, size_t row, const char *reason)
{
    detection->alarm[row] = detection->upperbound[row] = NAN;
    detection->reasons[row] = reason;
}

/* ---- Methods, one run function each ---- */

/* Refuses a cell of a file with its row, its column and what it should be: always false. */
bool refuse_cell(struct error *err, const char *source, int64_t row, const char *field,
                 const char *expected, struct slice got) MUST_USE;

#define METHOD_FUNCTION(name)                                                                      \
    bool name(const struct method_call *call, struct table *ret_table, struct error *err) MUST_USE
METHOD_FUNCTION(ears_c1_run);
METHOD_FUNCTION(ears_c2_run);
METHOD_FUNCTION(ears_c3_run);
METHOD_FUNCTION(farrington_run);
METHOD_FUNCTION(farrington_flexible_run);
METHOD_FUNCTION(cusum_run);
METHOD_FUNCTION(glr_poisson_run);
METHOD_FUNCTION(glr_negbin_run);
METHOD_FUNCTION(bayes_run);
METHOD_FUNCTION(rki_run);
METHOD_FUNCTION(cdc_run);
METHOD_FUNCTION(outbreak_p_run);
METHOD_FUNCTION(outbreak_p_exact_run);
METHOD_FUNCTION(chengmai_ensemble_run);
METHOD_FUNCTION(rt_parametric_run);
METHOD_FUNCTION(rt_non_parametric_run);
METHOD_FUNCTION(rt_uncertain_run);
METHOD_FUNCTION(rt_infectivity_run);
METHOD_FUNCTION(rt_discr_si_run);
METHOD_FUNCTION(rt_wallinga_teunis_run);
METHOD_FUNCTION(nowcast_lawless_run);
METHOD_FUNCTION(nowcast_bnb_run);
METHOD_FUNCTION(scan_poisson_run);
METHOD_FUNCTION(scan_permutation_run);
METHOD_FUNCTION(venue_excess_run);
METHOD_FUNCTION(rt_growth_run);
METHOD_FUNCTION(nowcast_weekday_run);
METHOD_FUNCTION(incidence_pooled_run);

#endif
