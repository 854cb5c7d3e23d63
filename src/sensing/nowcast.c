/* Nowcasts: how many cases of each of the last days will have been reported in the end.
 *
 * Lawless, "Adjustments for reporting delays and the prediction of occurred but not reported
 * events", Canadian Journal of Statistics 22 (1994) 15-31: from the reporting triangle n_{t,x}
 * (event day t, delay x <= D) the reverse hazards g(x) = n_x / N_x, the share F = prod (1 - g)
 * reported so far, and the prediction N / F with its variance. bayes_notrunc_bnb: Höhle & an der
 * Heiden, "Bayesian nowcasting during the STEC O104:H4 outbreak in Germany, 2011", Biometrics 70
 * (2014) 993-1002: delays under a Dirichlet prior, truncation not accounted for, a beta negative
 * binomial prediction. Parameters as surveillance's nowcast documents them.
 *
 * Followed: of Lawless' variance (2.16) only its last term N (1 - F) / F^2 is used; the truncated
 * normal is divided by its upper mass without taking its lower mass off; delays above D count as D;
 * quantiles are the first count whose cumulated mass is above the level. A level that is not
 * reached up to N.tInf.max is 0, the reference's convention for "not found", with the reason
 * "overflow"; such a bound is not an answer, and the reason says so. */
#include "sensing/nowcast_internal.h"
#include "sensing/numerics.h"

enum { DELAY_MAX = 3650, SUPPORT_MAX = 1 << 22, SPAN_MAX = 36500 };

static bool read_date(const char *name, json_t *value, int32_t preset, int32_t *ret_day,
                      struct error *err)
{
    *ret_day = preset;
    return !value ||
           (json_is_string(value) &&
            time_parse_date(slice_of(json_string_value(value)), ret_day)) ||
           parameter_error(err, name, "a date YYYY-MM-DD", "the parameter is no date");
}

static bool event_range(const struct line_list *list, int32_t *ret_first, int32_t *ret_last,
                        int32_t *ret_report, struct error *err)
{
    *ret_first = INT32_MAX;
    *ret_last = *ret_report = INT32_MIN;
    for (size_t i = 0; i < list->count; i++) {
        int32_t event = list->event_days[i], report = list->report_days[i];
        if (event != INT32_MIN && event < *ret_first)
            *ret_first = event;
        if (event > *ret_last)
            *ret_last = event;
        if (report > *ret_report)
            *ret_report = report;
    }
    return (*ret_last != INT32_MIN && *ret_report != INT32_MIN) ||
           error_set(err, ERROR_REFUSED, (struct error_place){.source = list->source},
                     "cases with both dates", "the line list has none");
}

static bool read_days(const struct method_call *call, struct nowcast *nowcast, struct error *err)
{
    const struct parameters *parameters = call->parameters;
    json_t *range = parameter(parameters, "dRange");
    int32_t first, last, report;
    if (range && json_array_size(range) != 2)
        return parameter_error(err, "dRange", "[first day, last day]",
                               "the parameter is no pair of dates");
    if (!event_range(call->line_list, &first, &last, &report, err) ||
        !read_date("now", parameter(parameters, "now"), report, &nowcast->now, err) ||
        !read_date("dRange", json_array_get(range, 0), first, &nowcast->first, err) ||
        !read_date("dRange", json_array_get(range, 1), last < nowcast->now ? nowcast->now : last,
                   &nowcast->last, err))
        return false;
    int64_t span = (int64_t)nowcast->now - nowcast->first;
    if (nowcast->last < nowcast->now - 1 || span < 1 || span > SPAN_MAX)
        return parameter_error(err, "dRange",
                               "days that begin before now and reach the day before it",
                               "the range does not hold the days to cast");
    nowcast->span = (size_t)span;
    return true;
}

bool nowcast_settings(const struct method_call *call, const char *method, struct nowcast *nowcast,
                      struct error *err)
{
    static const char *const names[] = {"now",    "D", "method",         "N.tInf.max", "alpha",
                                        "dRange", "m", "gd.prior.kappa", NULL};
    const char *const methods_named[] = {method, NULL};
    const struct parameters *parameters = call->parameters;
    int64_t delay, window, support;
    int named;
    if (!parameters_only(parameters, names, err) ||
        !parameter_choice(parameters, "method", methods_named, 0, &named, err) ||
        !read_days(call, nowcast, err) ||
        !parameter_whole(parameters, "D", 15, 1, DELAY_MAX, &delay, err) ||
        !parameter_whole(parameters, "m", (int64_t)nowcast->span, 1, SPAN_MAX, &window, err) ||
        !parameter_whole(parameters, "N.tInf.max", 300, 1, SUPPORT_MAX, &support, err) ||
        !parameter_number(parameters, "gd.prior.kappa", 0.1, 1e-9, 1e9, &nowcast->prior, err) ||
        !parameter_probability(parameters, "alpha", 0.05, &nowcast->alpha, err))
        return false;
    if ((size_t)delay > nowcast->span || window < delay)
        return parameter_error(err, "D", "a delay not above m and the days from dRange to now",
                               "long delays cannot be estimated");
    nowcast->delay_max = (size_t)delay;
    nowcast->window = (size_t)window < nowcast->span ? (size_t)window : nowcast->span;
    nowcast->support = (size_t)support;
    return true;
}

void triangle_make(const struct line_list *list, const struct nowcast *nowcast, struct arena *arena,
                   struct triangle *triangle)
{
    size_t days = nowcast->span + 1, delays = nowcast->delay_max + 1;
    double *n = triangle->cells = arena_alloc(arena, days * delays * sizeof *n);
    triangle->observed = arena_alloc(arena, days * sizeof(double));
    triangle->reported = arena_alloc(arena, days * sizeof(double));
    triangle->by_delay = arena_alloc(arena, delays * sizeof(double));
    triangle->by_delay_up_to = arena_alloc(arena, delays * sizeof(double));
    for (size_t i = 0; i < list->count; i++) {
        int64_t event = list->event_days[i], report = list->report_days[i];
        if (event < nowcast->first || event > nowcast->now || report == INT32_MIN ||
            report > nowcast->now)
            continue;
        size_t t = (size_t)(event - nowcast->first);
        triangle->observed[t]++;
        if (report < event)
            continue;
        size_t delay = (size_t)(report - event);
        n[t * delays + (delay < delays ? delay : delays - 1)]++;
        triangle->reported[t]++;
    }
    for (size_t x = 0; x < delays; x++)
        for (size_t t = nowcast->span - nowcast->window; t + x <= nowcast->span; t++) {
            triangle->by_delay[x] += n[t * delays + x];
            for (size_t y = 0; y <= x; y++)
                triangle->by_delay_up_to[x] += n[t * delays + y];
        }
}

/* F(d) for d = 0 … D: the share that is reported within d days (Lawless). */
static void lawless_shares(const struct nowcast *nowcast, const struct triangle *triangle,
                           double *share)
{
    share[nowcast->delay_max] = 1;
    for (size_t d = nowcast->delay_max; d-- > 0;) {
        double all = triangle->by_delay_up_to[d + 1];
        double hazard = all > 0 ? triangle->by_delay[d + 1] / all : 0;
        share[d] = share[d + 1] * (1 - hazard);
    }
}

/* Concentrations of the delays 0 … D, cumulated. */
static void dirichlet_sums(const struct nowcast *nowcast, const struct triangle *triangle,
                           double *sums)
{
    double sum = 0;
    for (size_t d = 0; d <= nowcast->delay_max; d++)
        sums[d] = sum += nowcast->prior + triangle->by_delay[d];
}

static void cast_levels(const struct nowcast *nowcast, double levels[CASTS])
{
    levels[CAST_LOW] = nowcast->alpha / 2;
    levels[CAST_MEDIAN] = 0.5;
    levels[CAST_HIGH] = 1 - nowcast->alpha / 2;
}

void nowcast_certain(const struct nowcast *nowcast, double count, double casts[CASTS])
{
    bool within = count == floor(count) && count <= (double)nowcast->support;
    for (size_t i = 0; i < CASTS; i++)
        casts[i] = within ? count : NAN;
}

static void lawless_cast(const struct nowcast *nowcast, double reported, double share,
                         double casts[CASTS])
{
    double levels[CASTS], mean = reported / share;
    double variance = reported * (1 - share) / (share * share);
    if (!isfinite(mean) || !(variance > 0)) {
        nowcast_certain(nowcast, mean, casts);
        return;
    }
    double deviation = sqrt(variance), left = normal_upper((reported - mean) / deviation);
    cast_levels(nowcast, levels);
    for (size_t i = 0; i < CASTS; i++) {
        /* least count k >= reported with Phi((k - mean) / deviation) / left above the level */
        double low = reported - 1, high = (double)nowcast->support + 1;
        while (high - low > 1) {
            double k = floor((low + high) / 2);
            bool above = normal_lower((k - mean) / deviation) / left > levels[i];
            *(above ? &high : &low) = k;
        }
        casts[i] = high <= (double)nowcast->support ? high : NAN;
    }
}

/* Masses of the beta negative binomial by their ratio, from the first on. */
void nowcast_bnb(const struct nowcast *nowcast, double reported, double a, double b,
                 double casts[CASTS])
{
    double levels[CASTS], n = reported + 1, sum = 0;
    double mass = exp(lgamma(n + a) + lgamma(a + b) - lgamma(n + a + b) - lgamma(a));
    size_t level = 0;
    cast_levels(nowcast, levels);
    casts[CAST_LOW] = casts[CAST_MEDIAN] = casts[CAST_HIGH] = NAN;
    for (double k = 0; reported + k <= (double)nowcast->support && level < CASTS; k++) {
        sum += mass;
        while (level < CASTS && sum > levels[level])
            casts[level++] = reported + k;
        mass *= (k + b) * (n + k) / ((n + k + a + b) * (k + 1));
    }
}

void cast_table_begin(const struct nowcast *nowcast, struct arena *arena, struct table *table,
                      struct cast_table *ret)
{
    table_begin(table, nowcast->delay_max);
    ret->date = table_add(table, arena, "date", COLUMN_DATE);
    ret->observed = table_add(table, arena, "observed_so_far", COLUMN_NUMBER);
    ret->cast[CAST_MEDIAN] = table_add(table, arena, "nowcast_median", COLUMN_NUMBER);
    ret->cast[CAST_LOW] = table_add(table, arena, "pi_lo", COLUMN_NUMBER);
    ret->cast[CAST_HIGH] = table_add(table, arena, "pi_hi", COLUMN_NUMBER);
    ret->delay = table_add(table, arena, "delay", COLUMN_NUMBER);
    table->reasons = ret->reasons =
        arena_alloc(arena, (nowcast->delay_max + 1) * sizeof *ret->reasons);
}

void cast_table_put(const struct cast_table *out, const struct nowcast *nowcast,
                    const struct triangle *triangle, size_t row, const double casts[CASTS])
{
    size_t days = nowcast->delay_max - row;
    out->date[row] = nowcast->now - (int32_t)days;
    out->observed[row] = triangle->observed[nowcast->span - days];
    out->delay[row] = (double)days;
    for (size_t i = 0; i < CASTS; i++)
        out->cast[i][row] = casts[i];
    if (isnan(casts[CAST_HIGH]))
        out->reasons[row] = reason_overflow;
}

/* The reference's 0 for a level that is not reached; its reason stays. */
static void unreached_zero(const struct cast_table *out, size_t row)
{
    for (size_t i = 0; i < CASTS; i++)
        if (isnan(out->cast[i][row]))
            out->cast[i][row] = 0;
}

static bool print_delays(const struct nowcast *nowcast, const double *shares, bool all_days,
                         struct arena *arena, struct table *ret_table)
{
    size_t rows = (all_days ? nowcast->span : nowcast->delay_max) + 1;
    table_begin(ret_table, rows);
    double *delay = table_add(ret_table, arena, "delay", COLUMN_NUMBER);
    double *share = table_add(ret_table, arena, "F", COLUMN_NUMBER);
    for (size_t d = 0; d < rows; d++) {
        delay[d] = (double)d;
        share[d] = d < nowcast->delay_max ? shares[d] : 1;
    }
    return true;
}

static bool nowcast_run(const struct method_call *call, bool bayes, struct table *ret_table,
                        struct error *err)
{
    struct nowcast nowcast;
    struct triangle triangle;
    struct arena *arena = call->arena;
    if (call->table_name && strcmp(call->table_name, "cdf") != 0)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--table"}, "cdf",
                         "there is no table '%.40s'", call->table_name);
    if (!nowcast_settings(call, bayes ? "bayes.notrunc.bnb" : "lawless", &nowcast, err))
        return false;
    size_t delay_max = nowcast.delay_max;
    triangle_make(call->line_list, &nowcast, arena, &triangle);
    double *shares = arena_alloc(arena, (delay_max + 1) * sizeof *shares);
    double *sums = arena_alloc(arena, (delay_max + 1) * sizeof *sums);
    dirichlet_sums(&nowcast, &triangle, sums);
    if (bayes)
        for (size_t d = 0; d <= delay_max; d++)
            shares[d] = sums[d] / sums[delay_max];
    else
        lawless_shares(&nowcast, &triangle, shares);
    if (call->table_name)
        return print_delays(&nowcast, shares, !bayes, arena, ret_table);
    struct cast_table out;
    cast_table_begin(&nowcast, arena, ret_table, &out);
    for (size_t row = 0; row < delay_max; row++) {
        size_t days = delay_max - row, t = nowcast.span - days;
        double casts[CASTS], count = triangle.reported[t];
        if (bayes && days < delay_max)
            nowcast_bnb(&nowcast, count, sums[days], sums[delay_max] - sums[days], casts);
        else if (bayes)
            nowcast_certain(&nowcast, count, casts);
        else
            lawless_cast(&nowcast, count, shares[days], casts);
        cast_table_put(&out, &nowcast, &triangle, row, casts);
        if (bayes || isfinite(count / shares[days]))
            unreached_zero(&out, row);
    }
    return true;
}

bool nowcast_lawless_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return nowcast_run(call, false, ret_table, err);
}
bool nowcast_bnb_run(const struct method_call *call, struct table *ret_table, struct error *err)
{
    return nowcast_run(call, true, ret_table, err);
}
