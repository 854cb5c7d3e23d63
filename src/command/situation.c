/* The situation of an area, from counters: rolled up when read, each with the time it is true for;
 * as they are, or as they were known at a full hour (past.c). Only what is estimated of late
 * reports reads the cases of the last weeks (nowcast.c).
 *
 * Known or not is a matter of the whole city: a day on which the city has no scan (or no test) is
 * a day that nothing is known of, and is null; a district without one on a day that the city has
 * some is 0. Cases are known from the first day on that anything is known of, and no day is known
 * that begins after the time for which its count is true. A sum is as known as each of its days.
 * Today is partial. Who sees no person is told no small count of persons, and none that would give
 * one away (small.c): a counter says that it is hidden, a day is null. */
#include <math.h>

#include "access/shown.h"
#include "command/command_internal.h"
#include "policy/policy.h"
#include "status/status.h"

enum { TODAY = SITUATION_DAYS - 1, WEEK = 7, EARLIER_DAYS = KEPT_DAYS - SITUATION_DAYS };

/* Panels whose source is not there yet: shown as such, never as 0. */
static const char *const unfed[] = {"tests_due", "tubes"};

struct figures {
    int64_t value[COUNTER_COUNT][SLOTS];
    int64_t earlier[COUNTER_COUNT][EARLIER_DAYS]; /* of the days before the first shown */
};
struct situation {
    struct platform *platform;
    struct json_writer writer;
    timestamp now;      /* or the full hour that is asked for */
    timestamp known_at; /* when what is told was known: now, or the hour kept; NONE: nothing was */
    int32_t today;
    bool is_past;
    const struct area *city, *area;
    const struct area **districts;
    size_t district_count;
    struct counter_mark marks[COUNTER_COUNT][SLOTS];
    struct figures of_city, of_area;
    struct figures *of_district;
    int first_known; /* slot: cases before are not known; below 0: of the earlier days */
    bool earlier_known[EARLIER_DAYS]; /* something of that day is known */
    struct reproduction reproduction[KEPT_DAYS], nowcast[KEPT_DAYS];
    bool hides;      /* the reader is shown no small count of persons: */
    bool hidden_report[SITUATION_DAYS], hidden_sampling[SITUATION_DAYS];
    bool week_hidden, fortnight_hidden;
    struct small_counts small;
    bool small_hidden[SMALL_COLUMNS]; /* tests by day kept, persons */
    bool *district_hidden; /* the week's cases */
};

/* ---- Reading */

/* Below 0: of the days before the first shown. */
static int slot_of(const struct situation *s, int32_t day)
{
    return day ? day - (s->today - SITUATION_DAYS + 1) : SLOT_NOW;
}

static bool is_within(const struct area *area, int64_t area_no)
{
    return area_no >= area->no && area_no <= area_range_last(area->no);
}

static void add(struct figures *figures, const struct counter_row *row, int slot)
{
    if (slot >= 0)
        figures->value[row->counter][slot] += row->value;
    else
        figures->earlier[row->counter][EARLIER_DAYS + slot] += row->value;
}

static void take_row(void *context, const struct counter_row *row)
{
    struct situation *s = context;
    int slot = slot_of(s, row->day);
    REQUIRE(slot >= -EARLIER_DAYS && slot < SLOTS);
    if (!row->area_no) {
        if (slot >= 0)
            s->marks[row->counter][slot] = (struct counter_mark){
                .known = true, .value = row->value, .true_for = row->true_for};
        return;
    }
    if (slot < 0)
        s->earlier_known[EARLIER_DAYS + slot] |= row->counter == COUNTER_SCANS ||
                                                 row->counter == COUNTER_TESTS ||
                                                 row->counter == COUNTER_CASES_BY_REPORT;
    if (row->counter == COUNTER_TESTS && slot != SLOT_NOW)
        small_take(&s->small, row->area_no, (size_t)(slot + EARLIER_DAYS), row->value);
    if (row->counter == COUNTER_PERSONS && slot == SLOT_NOW)
        small_take(&s->small, row->area_no, SMALL_PERSONS, row->value);
    add(&s->of_city, row, slot);
    if (is_within(s->area, row->area_no))
        add(&s->of_area, row, slot);
    for (size_t i = 0; i < s->district_count; i++)
        if (is_within(s->districts[i], row->area_no))
            add(&s->of_district[i], row, slot);
}

static bool read_now(struct situation *s, struct sql *sql, int32_t first, struct error *err)
{
    int64_t low = s->city->no, high = area_range_last(s->city->no);
    s->known_at = s->now;
    return counter_read(sql, 0, 0, 0, 0, take_row, s, err) &&
           counter_read(sql, first, s->today, 0, 0, take_row, s, err) &&
           counter_read(sql, 0, 0, low, high, take_row, s, err) &&
           counter_read(sql, first, s->today, low, high, take_row, s, err);
}

/* The last thing known at the hour, unless that was too long before. */
static bool read_past(struct situation *s, struct sql *sql, int32_t first, struct error *err)
{
    int64_t hour = past_hour_of(s->now), kept;
    s->known_at = TIMESTAMP_NONE;
    if (!past_find(sql, hour, &kept, err))
        return false;
    if (kept < 0 || hour - kept > policy_number(s->platform->policy, NUMBER_SNAPSHOT_STANDS))
        return true;
    s->known_at = kept * HOUR;
    return past_read(sql, kept, first, s->today, take_row, s, err);
}

static bool is_anything(const struct situation *s, int slot)
{
    return slot < 0
               ? s->earlier_known[EARLIER_DAYS + slot]
               : s->of_city.value[COUNTER_SCANS][slot] || s->of_city.value[COUNTER_TESTS][slot] ||
                     s->of_city.value[COUNTER_CASES_BY_REPORT][slot];
}

static bool read_counters(struct situation *s, struct error *err)
{
    struct sql *sql;
    int32_t first = s->today - KEPT_DAYS + 1;
    if (!store_read_begin(s->platform->store, &sql, err))
        return false;
    bool done = s->is_past ? read_past(s, sql, first, err) : read_now(s, sql, first, err);
    store_read_end(s->platform->store, sql);
    s->first_known = TODAY;
    for (int slot = TODAY; slot >= -EARLIER_DAYS; slot--)
        if (is_anything(s, slot))
            s->first_known = slot;
    return done;
}

/* ---- What is known */

static const struct counter_mark *mark_of(const struct situation *s, enum counter counter)
{
    return &s->marks[counter][counter == COUNTER_SCANS ? TODAY : SLOT_NOW];
}

/* A count that is true for a moment says nothing of a day that begins later. */
static bool is_begun(const struct situation *s, const struct counter_mark *mark, int slot)
{
    return mark->known && time_day_of_seconds(mark->true_for / SECOND) >= s->today - TODAY + slot;
}

static bool is_day_known(const struct situation *s, enum counter counter, int slot)
{
    const struct counter_mark *loops = &s->marks[COUNTER_LOOPS_OPENED][SLOT_NOW];
    bool any = slot == TODAY || s->of_city.value[counter][slot] > 0;
    switch (counter) {
    case COUNTER_SCANS:
        return s->marks[COUNTER_SCANS][slot].known && any;
    case COUNTER_TESTS:
        return is_begun(s, &s->marks[COUNTER_TESTS][SLOT_NOW], slot) && any;
    case COUNTER_LOOPS_OPENED:
    case COUNTER_LOOPS_CLOSED:
    case COUNTER_LOOPS_OVERDUE:
        return is_begun(s, loops, slot) && s->today - TODAY + slot >= loops->value;
    default:
        return is_begun(s, &s->marks[COUNTER_CASES_BY_REPORT][SLOT_NOW], slot) &&
               slot >= s->first_known;
    }
}

/* Whether each of the last `days` days is known. */
static bool are_days_known(const struct situation *s, enum counter counter, int days)
{
    for (int slot = SITUATION_DAYS - days; slot < SITUATION_DAYS; slot++)
        if (!is_day_known(s, counter, slot))
            return false;
    return true;
}

static int64_t sum_days(const struct figures *figures, enum counter counter, int days)
{
    int64_t sum = 0;
    for (int slot = SITUATION_DAYS - days; slot < SITUATION_DAYS; slot++)
        sum += figures->value[counter][slot];
    return sum;
}

/* ---- What is too small to be shown */

/* Of the last `days` days: one is hidden, so that the sum would tell of it. */
static bool any_hidden(const struct situation *s, int days)
{
    bool any = false;
    for (int slot = SITUATION_DAYS - days; slot < SITUATION_DAYS; slot++)
        any |= s->hidden_report[slot];
    return any;
}

static void hide_small(struct situation *s, struct arena *arena)
{
    int64_t below = policy_number(s->platform->policy, NUMBER_SUPPRESS_BELOW);
    int64_t *weeks = arena_alloc(arena, (s->district_count + 1) * sizeof *weeks);
    s->district_hidden = arena_alloc(arena, (s->district_count + 1) * sizeof *s->district_hidden);
    if (!s->hides)
        return;
    small_hide(&s->small, below, arena, s->small_hidden);
    s->fortnight_hidden = !shown_counts_suppress(s->of_area.value[COUNTER_CASES_BY_REPORT],
                                                 s->hidden_report, SITUATION_DAYS, below);
    s->week_hidden = any_hidden(s, WEEK);
    (void)!shown_counts_suppress(s->of_area.value[COUNTER_CASES_BY_SAMPLING], s->hidden_sampling,
                                 SITUATION_DAYS, below);
    for (size_t i = 0; i < s->district_count; i++)
        weeks[i] = sum_days(&s->of_district[i], COUNTER_CASES_BY_REPORT, WEEK);
    bool total = shown_counts_suppress(weeks, s->district_hidden, s->district_count, below) &&
                 (s->district_count > 1 || !s->week_hidden);
    for (size_t i = 0; !total && i < s->district_count; i++)
        s->district_hidden[i] = true;
}

/* ---- R(t), and cases that are not reported yet */

static int64_t of_kept_day(const struct figures *figures, enum counter counter, size_t i)
{
    return i < EARLIER_DAYS ? figures->earlier[counter][i]
                            : figures->value[counter][i - EARLIER_DAYS];
}

/* Who is shown no small counts gets none: an estimate tells of each day. */
static bool cast_cases(struct situation *s, struct error *err)
{
    int64_t shown[KEPT_DAYS];
    struct sql *sql;
    for (size_t i = 0; i < KEPT_DAYS; i++) {
        s->nowcast[i] = (struct reproduction){NAN, NAN, NAN};
        shown[i] = of_kept_day(&s->of_area, COUNTER_CASES_BY_SAMPLING, i);
    }
    if (s->hides || s->known_at == TIMESTAMP_NONE)
        return true;
    const struct nowcast_question question = {.policy = s->platform->policy,
                                              .area = s->area,
                                              .today = s->today,
                                              .known_at = s->known_at,
                                              .shown = shown,
                                              .is_past = s->is_past};
    if (!store_read_begin(s->platform->store, &sql, err))
        return false;
    bool done = nowcast_estimate(sql, &question, s->nowcast, err);
    store_read_end(s->platform->store, sql);
    return done;
}

/* From the first day known to yesterday; none where a day is hidden. */
static bool estimate(struct situation *s, struct error *err)
{
    int64_t cases[KEPT_DAYS];
    size_t first = (size_t)(s->first_known + EARLIER_DAYS), last = KEPT_DAYS - 1;
    bool any_hidden = false, hidden[KEPT_DAYS] = {false};
    for (size_t i = 0; i < KEPT_DAYS; i++) {
        s->reproduction[i] = (struct reproduction){NAN, NAN, NAN};
        cases[i] = of_kept_day(&s->of_area, COUNTER_CASES_BY_REPORT, i);
    }
    if (s->hides)
        (void)!shown_counts_suppress(cases, hidden, KEPT_DAYS,
                                     policy_number(s->platform->policy, NUMBER_SUPPRESS_BELOW));
    for (size_t i = 0; i < KEPT_DAYS; i++)
        any_hidden |= hidden[i];
    while (last > first && !is_day_known(s, COUNTER_CASES_BY_REPORT, (int)last - 1 - EARLIER_DAYS))
        last--; /* what was known last was known before today */
    return any_hidden || last <= first ||
           reproduction_estimate(s->platform->policy, cases + first, last - first,
                                 s->reproduction + first, err);
}

/* ---- Writing */

static void put_int_or_null(struct situation *s, const char *key, bool known, int64_t value)
{
    if (known)
        json_field_int64(&s->writer, key, value);
    else
        json_field_null(&s->writer, key);
}

enum telling { NOT_KNOWN, HIDDEN, TOLD };

static enum telling telling(bool known, bool hidden)
{
    return !known ? NOT_KNOWN : hidden ? HIDDEN : TOLD;
}

/* Null where it is not known, or hidden. */
static void put_counter(struct situation *s, const char *name, enum telling telling, int64_t value,
                        timestamp true_for)
{
    json_object_begin(&s->writer);
    json_field_text(&s->writer, "name", slice_of(name));
    put_int_or_null(s, "value", telling == TOLD, value);
    json_field_bool(&s->writer, "hidden", telling == HIDDEN);
    json_field_time(&s->writer, "true_for", telling != NOT_KNOWN ? true_for : TIMESTAMP_NONE);
    json_object_end(&s->writer);
}

static void put_counter_now(struct situation *s, enum counter counter)
{
    const struct counter_mark *mark = mark_of(s, counter);
    bool hidden = counter == COUNTER_PERSONS && s->small_hidden[SMALL_PERSONS];
    put_counter(s, counter_name(counter), telling(mark->known, hidden),
                s->of_area.value[counter][SLOT_NOW], mark->true_for);
}

/* The city's own figure comes from the day store at each refresh, a district's from the pass. */
static int64_t scans_today(const struct situation *s, const struct area *area,
                           const struct figures *figures, timestamp *ret_true_for)
{
    const struct counter_mark *stored = &s->marks[COUNTER_SCANS_STORED][TODAY];
    const struct counter_mark *passed = &s->marks[COUNTER_SCANS][TODAY];
    bool whole = area == s->city && stored->known;
    *ret_true_for = whole ? stored->true_for : passed->true_for;
    return whole ? stored->value : figures->value[COUNTER_SCANS][TODAY];
}

static void put_cases(struct situation *s, const char *name, int days, bool hidden)
{
    put_counter(s, name, telling(are_days_known(s, COUNTER_CASES_BY_REPORT, days), hidden),
                sum_days(&s->of_area, COUNTER_CASES_BY_REPORT, days),
                mark_of(s, COUNTER_CASES_BY_REPORT)->true_for);
}

/* Colours are counted for the city only: those of the status table, or as they were kept. */
static void put_colors(struct situation *s)
{
    static const enum counter counters[] = {COUNTER_STATUS_GREEN, COUNTER_STATUS_YELLOW,
                                            COUNTER_STATUS_RED};
    static const enum color shown[] = {COLOR_GREEN, COLOR_YELLOW, COLOR_RED};
    int64_t colors[COLOR_COUNT] = {0};
    bool hidden[COLOR_COUNT] = {false};
    if (!s->is_past)
        status_counts(s->platform->status, colors);
    for (size_t i = 0; s->is_past && i < sizeof shown / sizeof *shown; i++)
        colors[shown[i]] = s->marks[counters[i]][SLOT_NOW].value;
    if (s->hides)
        (void)!shown_counts_suppress(colors, hidden, COLOR_COUNT,
                                     policy_number(s->platform->policy, NUMBER_SUPPRESS_BELOW));
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct counter_mark *mark = &s->marks[counters[i]][SLOT_NOW];
        put_counter(s, counter_name(counters[i]),
                    telling(!s->is_past || mark->known, hidden[shown[i]]), colors[shown[i]],
                    s->is_past ? mark->true_for : s->now);
    }
}

static void put_counters(struct situation *s)
{
    timestamp true_for;
    int64_t scans = scans_today(s, s->area, &s->of_area, &true_for);
    json_key(&s->writer, "counters");
    json_array_begin(&s->writer);
    put_counter_now(s, COUNTER_PERSONS);
    put_counter_now(s, COUNTER_VENUES);
    put_counter_now(s, COUNTER_VENUES_IN_USE);
    put_counter(s, "scans_today", telling(mark_of(s, COUNTER_SCANS)->known, false), scans,
                true_for);
    put_counter_now(s, COUNTER_SCANS_24H);
    put_counter(s, "tests_today",
                telling(is_day_known(s, COUNTER_TESTS, TODAY), s->small_hidden[KEPT_DAYS - 1]),
                s->of_area.value[COUNTER_TESTS][TODAY], mark_of(s, COUNTER_TESTS)->true_for);
    put_cases(s, "cases_today", 1, s->hidden_report[TODAY]);
    put_cases(s, "cases_7d", WEEK, s->week_hidden);
    put_cases(s, "cases_14d", SITUATION_DAYS, s->fortnight_hidden);
    if (s->area == s->city && s->platform->status)
        put_colors(s);
    json_array_end(&s->writer);
}

/* `hidden` may be NULL: none is. */
static void put_days(struct situation *s, const char *key, const struct area *area,
                     const struct figures *figures, enum counter counter, const bool *hidden)
{
    timestamp true_for;
    json_key(&s->writer, key);
    json_array_begin(&s->writer);
    for (int slot = 0; slot < SITUATION_DAYS; slot++)
        if (!is_day_known(s, counter, slot) || (hidden && hidden[slot]))
            json_put_null(&s->writer);
        else if (counter == COUNTER_SCANS && slot == TODAY)
            json_put_int64(&s->writer, scans_today(s, area, figures, &true_for));
        else
            json_put_int64(&s->writer, figures->value[counter][slot]);
    json_array_end(&s->writer);
}

/* What the area had seven days before each day: its own baseline. Of the days before the first
 * shown, a day on which the city has none is one that nothing is known of. */
static void put_week_before(struct situation *s, const char *key, enum counter counter)
{
    json_key(&s->writer, key);
    json_array_begin(&s->writer);
    for (int slot = -WEEK; slot < SITUATION_DAYS - WEEK; slot++) {
        size_t i = (size_t)(slot + EARLIER_DAYS);
        bool known =
            slot < 0 ? of_kept_day(&s->of_city, counter, i) > 0 : is_day_known(s, counter, slot);
        if (known && !(counter == COUNTER_TESTS && s->small_hidden[i]))
            json_put_int64(&s->writer, of_kept_day(&s->of_area, counter, i));
        else
            json_put_null(&s->writer);
    }
    json_array_end(&s->writer);
}

static void put_area_names(struct situation *s, const struct area *area)
{
    json_field_text(&s->writer, "code", area->code);
    json_field_text(&s->writer, "name_zh", area->name_zh);
    json_field_text(&s->writer, "name_en", area->name_en);
}

static void put_district(struct situation *s, size_t i)
{
    const struct area *area = s->districts[i];
    const struct figures *figures = &s->of_district[i];
    const struct counter_mark *cases = mark_of(s, COUNTER_CASES_BY_REPORT);
    const struct counter_mark *scans = mark_of(s, COUNTER_SCANS);
    const struct counter_mark *in_use = mark_of(s, COUNTER_VENUES_IN_USE);
    const struct counter_mark *venues = mark_of(s, COUNTER_VENUES);
    const struct counter_mark *all[] = {cases, scans, in_use, venues};
    timestamp oldest = TIMESTAMP_NONE;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k]->known && (oldest == TIMESTAMP_NONE || all[k]->true_for < oldest))
            oldest = all[k]->true_for;
    json_object_begin(&s->writer);
    put_area_names(s, area);
    put_int_or_null(s, "population", area->population > 0, area->population);
    static const bool all_hidden[SITUATION_DAYS] = {true, true, true, true, true, true, true,
                                                    true, true, true, true, true, true, true};
    put_int_or_null(s, "cases_today", is_day_known(s, COUNTER_CASES_BY_REPORT, TODAY) && !s->hides,
                    sum_days(figures, COUNTER_CASES_BY_REPORT, 1));
    put_int_or_null(s, "cases_7d",
                    are_days_known(s, COUNTER_CASES_BY_REPORT, WEEK) && !s->district_hidden[i],
                    sum_days(figures, COUNTER_CASES_BY_REPORT, WEEK));
    put_days(s, "cases_by_day", area, figures, COUNTER_CASES_BY_REPORT,
             s->hides ? all_hidden : NULL);
    put_int_or_null(s, "scans_today", scans->known, figures->value[COUNTER_SCANS][TODAY]);
    put_int_or_null(s, "venues", venues->known, figures->value[COUNTER_VENUES][SLOT_NOW]);
    put_int_or_null(s, "venues_in_use_24h", in_use->known,
                    figures->value[COUNTER_VENUES_IN_USE][SLOT_NOW]);
    json_field_time(&s->writer, "true_for", oldest);
    json_object_end(&s->writer);
}

/* Today is not over, and has no estimate. `middle`: what the estimate in the middle is called. */
static void put_estimates(struct situation *s, const char *key, const char *middle,
                          const struct reproduction estimates[KEPT_DAYS])
{
    json_key(&s->writer, key);
    json_array_begin(&s->writer);
    for (int slot = 0; slot < SITUATION_DAYS; slot++) {
        const struct reproduction *estimate = &estimates[EARLIER_DAYS + slot];
        if (isnan(estimate->mean)) {
            json_put_null(&s->writer);
            continue;
        }
        json_object_begin(&s->writer);
        json_field_double(&s->writer, middle, estimate->mean);
        json_field_double(&s->writer, "low", estimate->low);
        json_field_double(&s->writer, "high", estimate->high);
        json_object_end(&s->writer);
    }
    json_array_end(&s->writer);
}

/* Which days are null because they are hidden, not because they are not known. */
static void put_hidden_days(struct situation *s, const char *key, enum counter counter,
                            const bool *hidden)
{
    json_key(&s->writer, key);
    json_array_begin(&s->writer);
    for (int slot = 0; slot < SITUATION_DAYS; slot++)
        json_put_bool(&s->writer, hidden[slot] && is_day_known(s, counter, slot));
    json_array_end(&s->writer);
}

static void put_hidden(struct situation *s)
{
    json_key(&s->writer, "hidden");
    json_object_begin(&s->writer);
    put_hidden_days(s, "cases_by_report", COUNTER_CASES_BY_REPORT, s->hidden_report);
    put_hidden_days(s, "cases_by_sampling", COUNTER_CASES_BY_SAMPLING, s->hidden_sampling);
    put_hidden_days(s, "tests", COUNTER_TESTS, s->small_hidden + EARLIER_DAYS);
    json_object_end(&s->writer);
}

static void put_unfed(struct situation *s)
{
    json_key(&s->writer, "unfed");
    json_array_begin(&s->writer);
    for (size_t i = 0; i < sizeof unfed / sizeof *unfed; i++)
        json_put_text(&s->writer, slice_of(unfed[i]));
    json_array_end(&s->writer);
}

static void put_situation(struct situation *s)
{
    char text[TIME_TEXT_BYTES];
    json_field_time(&s->writer, "as_of", s->now);
    json_field_bool(&s->writer, "past", s->is_past);
    json_field_time(&s->writer, "known_at", s->known_at);
    json_field_bool(&s->writer, "demo", s->platform->demo);
    json_key(&s->writer, "area");
    json_object_begin(&s->writer);
    put_area_names(s, s->area);
    json_object_end(&s->writer);
    put_counters(s);
    json_key(&s->writer, "days");
    json_array_begin(&s->writer);
    for (int32_t day = s->today - TODAY; day <= s->today; day++)
        json_put_text(&s->writer, slice_of(time_format_date(day, text)));
    json_array_end(&s->writer);
    json_key(&s->writer, "series");
    json_object_begin(&s->writer);
    put_days(s, "cases_by_report", s->area, &s->of_area, COUNTER_CASES_BY_REPORT, s->hidden_report);
    put_days(s, "cases_by_sampling", s->area, &s->of_area, COUNTER_CASES_BY_SAMPLING,
             s->hidden_sampling);
    put_days(s, "scans", s->area, &s->of_area, COUNTER_SCANS, NULL);
    put_days(s, "tests", s->area, &s->of_area, COUNTER_TESTS, s->small_hidden + EARLIER_DAYS);
    put_week_before(s, "scans_week_before", COUNTER_SCANS);
    put_week_before(s, "tests_week_before", COUNTER_TESTS);
    put_days(s, "loops_opened", s->area, &s->of_area, COUNTER_LOOPS_OPENED, NULL);
    put_days(s, "loops_closed", s->area, &s->of_area, COUNTER_LOOPS_CLOSED, NULL);
    put_days(s, "loops_overdue", s->area, &s->of_area, COUNTER_LOOPS_OVERDUE, NULL);
    json_object_end(&s->writer);
    put_hidden(s);
    put_estimates(s, "reproduction", "mean", s->reproduction);
    put_estimates(s, "nowcast", "median", s->nowcast);
    put_unfed(s);
    json_key(&s->writer, "districts");
    json_array_begin(&s->writer);
    for (size_t i = 0; i < s->district_count; i++)
        put_district(s, i);
    json_array_end(&s->writer);
}

/* ---- The door */

bool situation_area(struct platform *platform, const struct actor *actor, struct slice code,
                    const struct area **ret_area, struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    const struct area *area = code.length ? registry_area_by_code(platform->registry, code)
                                          : registry_area(platform->registry, actor->area_first);
    if (!city)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "area"}, NULL,
                         "this city has no areas yet");
    if (code.length && !area)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "area"},
                         "the code of an area", "unknown area");
    if (area && is_within(area, city->no))
        area = city; /* a province sees its city */
    if (!area || area->no < actor->area_first || area_range_last(area->no) > actor->area_last)
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "area"},
                         "an area of your own", "the area is not within your authority");
    *ret_area = area;
    return true;
}

bool command_hides_small(const struct actor *actor)
{
    return shown_of(actor->reads, FIELD_STATUS) == SHOWN_NOT;
}

static void begin(struct situation *s, struct platform *platform,
                  const struct situation_question *question, struct arena *arena)
{
    const struct area **self = arena_alloc(arena, sizeof *self);
    s->platform = platform;
    s->is_past = question->as_of != TIMESTAMP_NONE;
    s->now = s->is_past ? past_hour_of(question->as_of) * HOUR : world_now(platform->world);
    s->today = time_day_of_seconds(s->now / SECOND);
    s->city = registry_city(platform->registry);
    s->area = question->area;
    s->hides = question->hides;
    *self = question->area;
    s->districts = self; /* below the city an area stands for itself */
    s->district_count = 1;
    if (s->area == s->city)
        s->district_count =
            registry_areas_under(platform->registry, s->area->no, arena, &s->districts);
    s->of_district = arena_alloc(arena, (s->district_count + 1) * sizeof *s->of_district);
    small_begin(&s->small, platform->registry, s->city, s->area, arena);
}

bool situation_write(struct platform *platform, const struct situation_question *question,
                     struct buffer *out, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct situation *s = arena_alloc(&arena, sizeof *s);
    begin(s, platform, question, &arena);
    bool done = read_counters(s, err);
    if (done)
        hide_small(s, &arena);
    done = done && (question->counters_only || (estimate(s, err) && cast_cases(s, err)));
    if (done) {
        json_writer_init(&s->writer, out);
        json_object_begin(&s->writer);
        if (question->counters_only)
            put_counters(s);
        else
            put_situation(s);
        json_object_end(&s->writer);
        json_writer_release(&s->writer);
    }
    arena_release(&arena);
    return done;
}

bool command_counters_json(struct platform *platform, const struct actor *actor, struct buffer *out,
                           struct error *err)
{
    struct situation_question question = {
        .hides = command_hides_small(actor), .counters_only = true, .as_of = TIMESTAMP_NONE};
    return situation_area(platform, actor, (struct slice){NULL, 0}, &question.area, err) &&
           situation_write(platform, &question, out, err);
}
