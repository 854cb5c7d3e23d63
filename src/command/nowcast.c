/* How many cases of each of the last days there will be in the end: the nowcast of the sensing room
 * over the delays from onset (or first sampling) to report of the cases of the days kept.
 *
 * Today is not over: the reports of whole days count, to yesterday, so that the last day told of is
 * the day before yesterday. A day of which few cases are reported says nothing and has no estimate;
 * nor has one whose cases are others than were known at the time that is told of, as where cases
 * were imported later, or where the delays of so few cases cannot be told. */
#include <math.h>
#include <stdlib.h>

#include "command/command_internal.h"
#include "sensing/sensing.h"

const struct sql_text nowcast_reports = {
    "nowcast_reports",
    "SELECT at, recorded_at FROM case_record WHERE recorded_at BETWEEN ?1 AND ?2"
    " AND area_no BETWEEN ?3 AND ?4",
    "case_by_report"};

enum { FIRST_ROWS = 256 };
static const double alpha = 0.05; /* the intervals of the situation are all of 95 % */

static void push(struct line_list *list, size_t *io_capacity, int32_t event, int32_t report)
{
    if (list->count == *io_capacity) {
        size_t bytes = (*io_capacity ? *io_capacity * 2 : FIRST_ROWS) * sizeof *list->event_days;
        *io_capacity = bytes / sizeof *list->event_days;
        list->event_days = x_realloc(list->event_days, bytes);
        list->report_days = x_realloc(list->report_days, bytes);
    }
    list->event_days[list->count] = event;
    list->report_days[list->count++] = report;
}

/* The cases known then, of the days kept; ret_seen: by day, whatever the day of their report. */
static bool read_cases(struct sql *sql, const struct nowcast_question *question,
                       struct line_list *list, int64_t seen[KEPT_DAYS], struct error *err)
{
    int32_t first = question->today - KEPT_DAYS + 1;
    size_t capacity = 0;
    struct sql_query *query;
    if (!sql_begin(sql, &nowcast_reports,
                   SQL_ARGUMENTS(sql_int(time_day_start_seconds(first) * SECOND),
                                 sql_int(question->known_at), sql_int(question->area->no),
                                 sql_int(area_range_last(question->area->no))),
                   &query, err))
        return false;
    for (bool row = true;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        int32_t event = time_day_of_seconds(sql_get_int(query, 0) / SECOND);
        int32_t report = time_day_of_seconds(sql_get_int(query, 1) / SECOND);
        if (event < first || event > question->today)
            continue;
        seen[event - first]++;
        if (report < question->today)
            push(list, &capacity, event, report);
    }
}

static void place(const struct nowcast_question *question, const struct table *table,
                  const int64_t seen[KEPT_DAYS], struct reproduction estimates[KEPT_DAYS])
{
    const double *date = table_values(table, "date"),
                 *told = table_values(table, "observed_so_far");
    const double *low = table_values(table, "pi_lo"), *high = table_values(table, "pi_hi");
    const double *median = table_values(table, "nowcast_median");
    int64_t least = policy_number(question->policy, NUMBER_NOWCAST_CASES);
    for (size_t row = 0; row < table->row_count; row++) {
        int32_t day = (int32_t)date[row] - (question->today - KEPT_DAYS + 1);
        REQUIRE(day >= 0 && day < KEPT_DAYS);
        if (told[row] >= (double)least && seen[day] == question->shown[day] &&
            isfinite(median[row]) && isfinite(low[row]) && isfinite(high[row]))
            estimates[day] = (struct reproduction){median[row], low[row], high[row]};
    }
}

/* A day more than the longest that was seen, within the policy's: of delays that never came, a few
 * cases cannot tell. */
static int64_t delay_of(const struct nowcast_question *question, const struct line_list *list)
{
    int64_t most = policy_number(question->policy, NUMBER_NOWCAST_DELAY), delay = 1;
    for (size_t i = 0; i < list->count; i++)
        if (list->report_days[i] - list->event_days[i] > delay)
            delay = list->report_days[i] - list->event_days[i];
    return delay < most ? delay + 1 : most;
}

static bool cast(const struct nowcast_question *question, const struct line_list *list,
                 const int64_t seen[KEPT_DAYS], struct reproduction estimates[KEPT_DAYS],
                 struct error *err)
{
    char first[TIME_TEXT_BYTES], now[TIME_TEXT_BYTES];
    const struct method *method = method_find("nowcast", "weekday");
    struct table table;
    struct arena arena;
    REQUIRE(method);
    arena_init(&arena, 16 << 20);
    time_format_date(question->today - KEPT_DAYS + 1, first);
    time_format_date(question->today - 1, now);
    struct parameters parameters = {json_pack("{s:s,s:[s,s],s:I,s:f}", "now", now, "dRange", first,
                                              now, "D", (json_int_t)delay_of(question, list),
                                              "alpha", alpha)};
    struct method_call call = {.line_list = list, .parameters = &parameters, .arena = &arena};
    bool done = method->run(&call, &table, err);
    if (done)
        place(question, &table, seen, estimates);
    parameters_release(&parameters);
    arena_release(&arena);
    return done || err->code == ERROR_REFUSED; /* so few that no delays can be told: none */
}

/* Of the past: cases that were entered later under an earlier time are among those that are read
 * now; they move the delays of every day. */
static bool is_what_was_known(const struct nowcast_question *question,
                              const int64_t seen[KEPT_DAYS])
{
    for (size_t i = 0; question->is_past && i < KEPT_DAYS; i++)
        if (seen[i] != question->shown[i] && (question->shown[i] >= 0 || seen[i] > 0))
            return false;
    return true;
}

bool nowcast_estimate(struct sql *sql, const struct nowcast_question *question,
                      struct reproduction ret_estimates[KEPT_DAYS], struct error *err)
{
    int64_t seen[KEPT_DAYS] = {0};
    struct line_list list = {.source = "cases by onset or sampling"};
    for (size_t i = 0; i < KEPT_DAYS; i++)
        ret_estimates[i] = (struct reproduction){NAN, NAN, NAN};
    bool done = read_cases(sql, question, &list, seen, err);
    if (done && is_what_was_known(question, seen) &&
        (int64_t)list.count >= policy_number(question->policy, NUMBER_NOWCAST_CASES))
        done = cast(question, &list, seen, ret_estimates, err);
    free(list.event_days);
    free(list.report_days);
    return done;
}
