/* How well a detector finds known outbreaks at how many false alarms. Pure.
 *
 * Definitions are those of the benchmark after Noufaily et al. 2013: the last EVALUATED_WEEKS weeks
 * of a series, once as it is ("full") and once without any outbreak cases ("clean"). */
#ifndef CHENGMAI_BENCH_DETECTION_SCORES_H
#define CHENGMAI_BENCH_DETECTION_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVALUATED_WEEKS = 49, ALPHAS_MAX = 16 };

/* One series; weeks count from the first evaluated one. Bit a of `full` and `clean`: an alarm at
 * alpha number a. */
struct judged_series {
    int scenario, replicate;
    int start, end; /* first and last week with cases of the current outbreak */
    uint16_t full[EVALUATED_WEEKS], clean[EVALUATED_WEEKS];
};

struct detection_score {
    double fpr_clean; /* alarms a week without outbreaks */
    double fpr_quiet; /* alarms a week outside the current outbreak, past ones in the baseline */
    double pod;       /* share of outbreaks with an alarm from start to end */
    double timeliness_detected; /* weeks from start to the first alarm; NAN where none is found */
    double timeliness_all;      /* the same, a missed outbreak counting its length */
};
/* `count` >= 1 series at alpha number `alpha`. */
struct detection_score detection_score(const struct judged_series *series, size_t count,
                                       size_t alpha);

/* Where between two alphas, given with falling or rising false alarms, a rate lies: at alpha
 * `lower` plus `part` of the way to the next. False where they do not reach it. */
struct between_alphas {
    size_t lower;
    double part;
};
bool detection_at_rate(const struct detection_score *scores, size_t alpha_count, double rate,
                       struct between_alphas *ret_place);

/* Share found, and mean weeks (a missed outbreak counting its length), at such places of two
 * detectors on the same series, in the same order; with the standard error of the difference. */
struct detection_pair {
    double pod[2], pod_error, weeks[2], weeks_error;
};
struct detection_pair detection_compare(const struct judged_series *const series[2],
                                        const struct between_alphas places[2], size_t count);

#endif
