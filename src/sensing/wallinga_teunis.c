/* The case reproduction number of Wallinga and Teunis.
 *
 * Wallinga & Teunis, "Different epidemic curves for severe acute respiratory syndrome reveal
 * similar impacts of control measures", American Journal of Epidemiology 160 (2004) 509-516. A
 * case of day t was infected by one of day s with probability w_{t-s} / sum_u w_{t-u} I_u; R of
 * day s is what its cases can expect to have infected. A window's value is the mean over its
 * cases.
 *
 * The reference draws n_sim ancestries for sd_mc, q025_mc and q975_mc. Given the curve, the cases
 * infected from within a window are a sum of independent binomial numbers, one a later day: its
 * standard deviation and quantiles are computed, not drawn. With n_sim 0 they are NA. Windows that
 * start before the first case and windows without cases are dropped, as the reference does. */
#include <float.h>

#include "sensing/serial_interval.h"

struct ancestry {
    size_t days, support;
    const double *w, *cases;
    double *pressure; /* sum_u w_{t-u} I_u of day t */
};

/* Expected cases infected by one case of day s. */
static double reproduction_of(const struct ancestry *ancestry, size_t s)
{
    double sum = 0;
    for (size_t k = 1; k < ancestry->support && s + k < ancestry->days; k++) {
        size_t t = s + k;
        double share = ancestry->w[k] / ancestry->pressure[t];
        if (isfinite(share))
            sum += share * ancestry->cases[t];
    }
    return sum;
}

/* Probability that the infector of a case of day t (from 0) falls into days first … last. */
static double share_of_window(const struct ancestry *ancestry, size_t t, size_t first, size_t last)
{
    double sum = 0;
    for (size_t s = first; s <= last && s < t; s++)
        if (t - s < ancestry->support)
            sum += ancestry->w[t - s] * ancestry->cases[s];
    double share = sum / ancestry->pressure[t];
    return isfinite(share) ? fmin(share, 1) : 0;
}

/* Masses of a number: P(base + i), i < count. Tails below TAIL are cut. */
struct masses {
    double *p;
    size_t base, count;
};
static const double tail = 1e-14;

static void masses_trim(struct masses *masses)
{
    size_t low = 0;
    while (low + 1 < masses->count && masses->p[low] < tail)
        low++;
    while (masses->count > low + 1 && masses->p[masses->count - 1] < tail)
        masses->count--;
    memmove(masses->p, masses->p + low, (masses->count - low) * sizeof *masses->p);
    masses->base += low;
    masses->count -= low;
}

/* Masses of a binomial number around its mode. `room` holds n + 1. */
static struct masses binomial_masses(double n, double share, double *room)
{
    struct masses masses = {room, 0, 1};
    room[0] = 1;
    if (!(share > 0) || n == 0)
        return masses;
    if (share >= 1) {
        masses.base = (size_t)n;
        return masses;
    }
    double mode = floor((n + 1) * share), odds = share / (1 - share);
    mode = mode > n ? n : mode;
    double top = exp(lgamma(n + 1) - lgamma(mode + 1) - lgamma(n - mode + 1) + mode * log(share) +
                     (n - mode) * log1p(-share));
    double low = mode, p = top;
    for (; low > 0 && p > tail; low--)
        p *= low / ((n - low + 1) * odds);
    masses.base = (size_t)low;
    masses.count = 0;
    for (double k = low; k <= n && (k <= mode || p > tail); k++) {
        room[masses.count++] = p;
        p *= (n - k) / (k + 1) * odds;
    }
    return masses;
}

static void convolve(struct masses *sum, const struct masses *more, double *room)
{
    size_t count = sum->count + more->count - 1;
    memset(room, 0, count * sizeof *room);
    for (size_t i = 0; i < more->count; i++)
        for (size_t j = 0; j < sum->count; j++)
            room[i + j] += more->p[i] * sum->p[j];
    memcpy(sum->p, room, count * sizeof *room);
    sum->base += more->base;
    sum->count = count;
    masses_trim(sum);
}

static double masses_quantile(const struct masses *masses, double level)
{
    double reached = 0;
    for (size_t i = 0; i < masses->count; i++) {
        reached += masses->p[i];
        if (reached >= level)
            return (double)(masses->base + i);
    }
    return (double)(masses->base + masses->count - 1);
}

struct spread {
    double deviation, low, high;
};

/* `rooms`: three of room for all cases. */
static struct spread window_spread(const struct ancestry *ancestry, size_t first, size_t last,
                                   double cases, double *const rooms[3])
{
    struct masses sum = {rooms[0], 0, 1};
    double variance = 0;
    sum.p[0] = 1;
    for (size_t t = first + 1; t < ancestry->days && t < last + ancestry->support; t++) {
        double n = ancestry->cases[t], share = share_of_window(ancestry, t, first, last);
        if (n == 0 || share == 0)
            continue;
        variance += n * share * (1 - share);
        struct masses more = binomial_masses(n, share, rooms[1]);
        convolve(&sum, &more, rooms[2]);
    }
    return (struct spread){sqrt(variance) / cases, masses_quantile(&sum, 0.025) / cases,
                           masses_quantile(&sum, 0.975) / cases};
}

/* Leaves out windows that start before the first case, by the reference's reading: the first window
 * with a case before its start decides, counted from 1, and starts below that number go. Then
 * windows without cases. False where none has a case before it. */
static bool drop_windows(const struct incidence *incidence, struct windows *windows)
{
    size_t decisive = 0, kept = 0, first_case = 0;
    while (first_case < incidence->count && incidence->total[first_case] == 0)
        first_case++;
    while (decisive < windows->count && windows->start[decisive] - 1 <= first_case)
        decisive++;
    if (decisive == windows->count)
        return false;
    for (size_t i = 0; i < windows->count; i++) {
        double cases = 0;
        for (size_t t = windows->start[i] - 1; t < windows->end[i]; t++)
            cases += incidence->total[t];
        if (windows->start[i] < decisive + 1 || cases == 0)
            continue;
        windows->start[kept] = windows->start[i];
        windows->end[kept++] = windows->end[i];
    }
    windows->count = kept;
    return true;
}

static bool read_interval(const struct method_call *call, size_t days, double **ret_w,
                          size_t *ret_support, struct error *err)
{
    static const char *const kinds[] = {"parametric_si", "non_parametric_si", NULL};
    double mean, deviation;
    int kind, preset = parameter(call->parameters, "si_distr") != NULL;
    if (!parameter_choice(call->parameters, "method", kinds, preset, &kind, err))
        return false;
    if (kind == 1)
        return si_distribution_read(call->parameters, days + 1, call->arena, ret_w, ret_support,
                                    err);
    if (!si_moments_read(call->parameters, &mean, &deviation, err))
        return false;
    *ret_w = arena_alloc(call->arena, (days + 1) * sizeof **ret_w);
    *ret_support = serial_interval_gamma(mean, deviation, days, *ret_w);
    return true;
}

static bool too_many_cases(const struct incidence *incidence, size_t *ret_total)
{
    const double cases_max = 2e7;
    double total = 0;
    for (size_t i = 0; i < incidence->count; i++)
        total += incidence->total[i];
    *ret_total = total > cases_max ? 0 : (size_t)total;
    return total > cases_max;
}

bool rt_wallinga_teunis_run(const struct method_call *call, struct table *ret_table,
                            struct error *err)
{
    static const char *const names[] = {"method",  "mean_si", "std_si", "si_distr", "width", "step",
                                        "t_start", "t_end",   "n_sim",  "seed",     NULL};
    struct incidence incidence;
    struct windows windows;
    struct ancestry ancestry;
    int64_t simulations;
    size_t total;
    double *w;
    if (!parameters_only(call->parameters, names, err) ||
        !parameter_whole(call->parameters, "n_sim", 1000, 0, 1 << 30, &simulations, err) ||
        !incidence_read(call->series, call->arena, &incidence, err) ||
        !read_interval(call, incidence.count, &w, &ancestry.support, err) ||
        !windows_read(call->parameters, incidence.count, call->arena, &windows, err))
        return false;
    if (simulations > 0 && too_many_cases(&incidence, &total))
        return parameter_error(err, "n_sim", "n_sim 0 for more than 20 million cases",
                               "the spread of so many cases is not computed");
    if (!drop_windows(&incidence, &windows))
        return error_set(err, ERROR_REFUSED, (struct error_place){.source = call->series->source},
                         "a case before at least one window's start",
                         "no window starts after the first case");
    ancestry.days = incidence.count;
    ancestry.w = w;
    ancestry.cases = incidence.total;
    ancestry.pressure = arena_alloc(call->arena, incidence.count * sizeof(double));
    infectivity(&incidence, w, ancestry.support, ancestry.pressure);
    ancestry.pressure[0] = 0;
    table_begin(ret_table, windows.count);
    double *start = table_add(ret_table, call->arena, "t_start", COLUMN_NUMBER);
    double *end = table_add(ret_table, call->arena, "t_end", COLUMN_NUMBER);
    double *mean = table_add(ret_table, call->arena, "mean", COLUMN_NUMBER);
    double *deviation = table_add(ret_table, call->arena, "sd_mc", COLUMN_NUMBER);
    double *low = table_add(ret_table, call->arena, "q025_mc", COLUMN_NUMBER);
    double *high = table_add(ret_table, call->arena, "q975_mc", COLUMN_NUMBER);
    double *by_day = arena_alloc(call->arena, incidence.count * sizeof *by_day);
    double *rooms[3] = {0};
    for (size_t i = 0; simulations > 0 && i < 3; i++)
        rooms[i] = arena_alloc(call->arena, (total + 2) * sizeof(double));
    for (size_t s = 0; s < incidence.count; s++)
        by_day[s] = reproduction_of(&ancestry, s);
    for (size_t i = 0; i < windows.count; i++) {
        double sum = 0, cases = 0;
        for (size_t t = windows.start[i] - 1; t < windows.end[i]; t++) {
            sum += by_day[t] * incidence.total[t];
            cases += incidence.total[t];
        }
        struct spread spread = {NAN, NAN, NAN};
        if (simulations > 0)
            spread =
                window_spread(&ancestry, windows.start[i] - 1, windows.end[i] - 1, cases, rooms);
        start[i] = (double)windows.start[i];
        end[i] = (double)windows.end[i];
        mean[i] = sum / cases;
        deviation[i] = spread.deviation;
        low[i] = spread.low;
        high[i] = spread.high;
    }
    return true;
}
