/* log_trend: whether a quantity that is measured once or twice a week grows.
 *
 * Ordinary least squares of the logarithm on the day; the slope against 0 by Student's t,
 * one-sided, with the residual deviation or the laboratory's own error, whichever is greater: few
 * samples that happen to lie on a line prove no more than a sample can. A signal also has to have
 * grown by the channel's factor over the window. Expected is the fitted value at the window's
 * begin, the bound that value times the factor. */
#include <gsl/gsl_cdf.h>

#include "alerts/alerts_internal.h"

enum { SAMPLES_LEAST = 4 };

void trend_judge(const struct channel *channel, const double *values, size_t rows,
                 struct judgement *judgement)
{
    double n = 0, sum_x = 0, sum_y = 0, xx = 0, xy = 0, rest = 0;
    size_t first = rows, last = 0;
    for (size_t i = 0; i < rows; i++)
        if (!isnan(values[i])) {
            first = first < i ? first : i;
            last = i;
            n++;
            sum_x += (double)i;
            sum_y += log(values[i]);
        }
    if (n < SAMPLES_LEAST) {
        judgement->reason = "short-baseline";
        return;
    }
    double x = sum_x / n, y = sum_y / n;
    for (size_t i = first; i <= last; i++)
        if (!isnan(values[i])) {
            xx += ((double)i - x) * ((double)i - x);
            xy += ((double)i - x) * (log(values[i]) - y);
        }
    double slope = xy / xx;
    for (size_t i = first; i <= last; i++)
        if (!isnan(values[i])) {
            double residual = log(values[i]) - y - slope * ((double)i - x);
            rest += residual * residual;
        }
    double variance = fmax(rest / (n - 2), channel->log_error * channel->log_error);
    judgement->judged = true;
    judgement->p = gsl_cdf_tdist_Q(slope / sqrt(variance / xx), n - 2);
    judgement->observed = values[last];
    judgement->expected = exp(y + slope * ((double)first - x));
    judgement->bound = judgement->expected * channel->growth;
    judgement->enough = exp(slope * (double)(last - first)) >= channel->growth;
}
