/* Scores of a detector: see detection_scores.h. */
#include "bench/detection_scores.h"

#include <math.h>

/* Week of the first alarm within the outbreak, -1 where there is none. */
static int first_alarm(const struct judged_series *series, size_t alpha)
{
    for (int week = series->start; week <= series->end; week++)
        if (series->full[week] >> alpha & 1)
            return week;
    return -1;
}

static double weeks_waited(const struct judged_series *series, int found)
{
    return found < 0 ? series->end - series->start + 1 : found - series->start;
}

struct detection_score detection_score(const struct judged_series *series, size_t count,
                                       size_t alpha)
{
    double clean = 0, quiet = 0, quiet_weeks = 0, found = 0, waited = 0, waited_all = 0;
    for (size_t i = 0; i < count; i++) {
        int first = first_alarm(&series[i], alpha);
        for (int week = 0; week < EVALUATED_WEEKS; week++) {
            bool inside = week >= series[i].start && week <= series[i].end;
            clean += series[i].clean[week] >> alpha & 1;
            quiet += inside ? 0 : series[i].full[week] >> alpha & 1;
            quiet_weeks += !inside;
        }
        found += first >= 0;
        waited += first >= 0 ? weeks_waited(&series[i], first) : 0;
        waited_all += weeks_waited(&series[i], first);
    }
    return (struct detection_score){.fpr_clean = clean / (double)(count * EVALUATED_WEEKS),
                                    .fpr_quiet = quiet / quiet_weeks,
                                    .pod = found / (double)count,
                                    .timeliness_detected = found > 0 ? waited / found : NAN,
                                    .timeliness_all = waited_all / (double)count};
}

bool detection_at_rate(const struct detection_score *scores, size_t alpha_count, double rate,
                       struct between_alphas *ret_place)
{
    for (size_t a = 0; a + 1 < alpha_count; a++) {
        double one = scores[a].fpr_clean, other = scores[a + 1].fpr_clean;
        if (fmin(one, other) > rate || fmax(one, other) < rate)
            continue;
        bool apart = one < other || one > other;
        *ret_place = (struct between_alphas){a, apart ? (rate - one) / (other - one) : 0};
        return true;
    }
    return false;
}

struct detection_pair detection_compare(const struct judged_series *const series[2],
                                        const struct between_alphas places[2], size_t count)
{
    struct detection_pair pair = {0};
    double n = (double)count, pod_squares = 0, weeks_squares = 0;
    for (size_t i = 0; i < count; i++) {
        double pod[2], weeks[2];
        for (int side = 0; side < 2; side++) {
            const struct judged_series *one = &series[side][i];
            double part = places[side].part;
            int low = first_alarm(one, places[side].lower);
            int high = first_alarm(one, places[side].lower + 1);
            pod[side] = (1 - part) * (low >= 0) + part * (high >= 0);
            weeks[side] = (1 - part) * weeks_waited(one, low) + part * weeks_waited(one, high);
            pair.pod[side] += pod[side] / n;
            pair.weeks[side] += weeks[side] / n;
        }
        pod_squares += (pod[0] - pod[1]) * (pod[0] - pod[1]);
        weeks_squares += (weeks[0] - weeks[1]) * (weeks[0] - weeks[1]);
    }
    double pod_apart = pair.pod[0] - pair.pod[1], weeks_apart = pair.weeks[0] - pair.weeks[1];
    pair.pod_error = sqrt(fmax(0, pod_squares / n - pod_apart * pod_apart) / n);
    pair.weeks_error = sqrt(fmax(0, weeks_squares / n - weeks_apart * weeks_apart) / n);
    return pair;
}
