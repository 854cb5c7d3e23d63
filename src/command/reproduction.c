/* R(t) of the cases by day of report: Cori's estimate of the sensing room over the policy's serial
 * interval and window. A window with few cases says nothing and has no estimate. */
#include <math.h>

#include "command/command_internal.h"
#include "sensing/sensing.h"

static const double seconds_a_day = 86400, seconds_an_hour = 3600;

/* The estimates of windows, each at the day on which its window ends. */
static void place(const struct policy *policy, const struct table *table, const int64_t *cases,
                  size_t days, struct reproduction *estimates)
{
    const double *end = table_values(table, "t_end"), *mean = table_values(table, "mean");
    const double *low = table_values(table, "q025"), *high = table_values(table, "q975");
    size_t width = (size_t)policy_number(policy, NUMBER_REPRODUCTION_WINDOW);
    for (size_t row = 0; row < table->row_count; row++) {
        size_t day = (size_t)end[row] - 1;
        int64_t sum = 0;
        REQUIRE(day < days && day + 1 >= width);
        for (size_t i = day + 1 - width; i <= day; i++)
            sum += cases[i];
        if (sum >= policy_number(policy, NUMBER_REPRODUCTION_CASES))
            estimates[day] = (struct reproduction){mean[row], low[row], high[row]};
    }
}

static bool run(const struct policy *policy, const struct method_call *call, const int64_t *cases,
                size_t days, struct reproduction *estimates, struct error *err)
{
    const struct method *method = method_find("rt", "parametric_si");
    struct table table;
    REQUIRE(method);
    if (!method->run(call, &table, err))
        return false;
    place(policy, &table, cases, days, estimates);
    return true;
}

bool reproduction_estimate(const struct policy *policy, const int64_t *cases, size_t days,
                           struct reproduction *ret_estimates, struct error *err)
{
    double hours_to_days = seconds_an_hour / seconds_a_day;
    int64_t width = policy_number(policy, NUMBER_REPRODUCTION_WINDOW);
    for (size_t i = 0; i < days; i++)
        ret_estimates[i] = (struct reproduction){NAN, NAN, NAN};
    if (days < (size_t)width + 1) /* the first window begins on the second day */
        return true;
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct series series = {.source = "cases by report",
                            .count = days,
                            .observed = arena_alloc(&arena, days * sizeof *series.observed)};
    for (size_t i = 0; i < days; i++)
        series.observed[i] = (double)cases[i];
    struct parameters parameters = {
        json_pack("{s:f,s:f,s:I}", "mean_si",
                  hours_to_days * (double)policy_number(policy, NUMBER_SERIAL_INTERVAL), "std_si",
                  hours_to_days * (double)policy_number(policy, NUMBER_SERIAL_SPREAD), "width",
                  (json_int_t)width)};
    struct method_call call = {.series = &series, .parameters = &parameters, .arena = &arena};
    bool done = run(policy, &call, cases, days, ret_estimates, err);
    parameters_release(&parameters);
    arena_release(&arena);
    return done;
}
