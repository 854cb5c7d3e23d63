/* The situation of an area, from counters alone: rolled up when read, each with the time it is true for.
 *
 * Known or not is a matter of the whole city: a day on which the city has no scan (or no test) is a
 * day that nothing is known of, and is null; a district without one on a day that the city has some
 * is 0. Cases are known from the first day on that anything is known of. Today is partial. */
#include "access/shown.h"
#include "command/command_internal.h"
#include "policy/policy.h"
#include "status/status.h"

enum { TODAY = SITUATION_DAYS - 1, WEEK = 7 };

struct figures {
    int64_t value[COUNTER_COUNT][SLOTS];
};
struct situation {
    struct platform *platform;
    struct json_writer writer;
    timestamp now;
    int32_t today;
    const struct area *city, *area;
    const struct area **districts;
    size_t district_count;
    struct counter_mark marks[COUNTER_COUNT][SLOTS];
    struct figures of_city, of_area;
    struct figures *of_district;
    int first_known; /* slot: cases before are not known */
    bool hides;      /* the reader is shown no small count of persons: */
    bool hidden_report[SITUATION_DAYS], hidden_sampling[SITUATION_DAYS];
    bool week_hidden, fortnight_hidden;
    bool *district_hidden; /* the week's cases */
};

/* ---- Reading */

static int slot_of(const struct situation *s, int32_t day)
{
    return day ? day - (s->today - SITUATION_DAYS + 1) : SLOT_NOW;
}

static void take_mark(void *context, const struct counter_row *row)
{
    struct situation *s = context;
    s->marks[row->counter][slot_of(s, row->day)] =
        (struct counter_mark){.known = true, .value = row->value, .true_for = row->true_for};
}

static bool is_within(const struct area *area, int64_t area_no)
{
    return area_no >= area->no && area_no <= area_range_last(area->no);
}

static void take_value(void *context, const struct counter_row *row)
{
    struct situation *s = context;
    int slot = slot_of(s, row->day);
    s->of_city.value[row->counter][slot] += row->value;
    if (is_within(s->area, row->area_no))
        s->of_area.value[row->counter][slot] += row->value;
    for (size_t i = 0; i < s->district_count; i++)
        if (is_within(s->districts[i], row->area_no))
            s->of_district[i].value[row->counter][slot] += row->value;
}

static bool read_counters(struct situation *s, struct error *err)
{
    struct sql *sql;
    int32_t first = s->today - SITUATION_DAYS + 1;
    int64_t low = s->city->no, high = area_range_last(s->city->no);
    if (!store_read_begin(s->platform->store, &sql, err))
        return false;
    bool done = counter_read(sql, 0, 0, 0, 0, take_mark, s, err) &&
                counter_read(sql, first, s->today, 0, 0, take_mark, s, err) &&
                counter_read(sql, 0, 0, low, high, take_value, s, err) &&
                counter_read(sql, first, s->today, low, high, take_value, s, err);
    store_read_end(s->platform->store, sql);
    s->first_known = TODAY;
    for (int slot = TODAY; slot >= 0; slot--)
        if (s->of_city.value[COUNTER_SCANS][slot] || s->of_city.value[COUNTER_TESTS][slot] ||
            s->of_city.value[COUNTER_CASES_BY_REPORT][slot])
            s->first_known = slot;
    return done;
}

/* ---- What is known */

static const struct counter_mark *mark_of(const struct situation *s, enum counter counter)
{
    return &s->marks[counter][counter == COUNTER_SCANS ? TODAY : SLOT_NOW];
}

static bool is_day_known(const struct situation *s, enum counter counter, int slot)
{
    if (counter == COUNTER_SCANS)
        return s->marks[COUNTER_SCANS][slot].known &&
               (slot == TODAY || s->of_city.value[counter][slot] > 0);
    if (counter == COUNTER_TESTS)
        return s->marks[COUNTER_TESTS][SLOT_NOW].known &&
               (slot == TODAY || s->of_city.value[counter][slot] > 0);
    return s->marks[COUNTER_CASES_BY_REPORT][SLOT_NOW].known && slot >= s->first_known;
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

/* ---- Writing */

static void put_counter(struct situation *s, const char *name, int64_t value, timestamp true_for)
{
    json_object_begin(&s->writer);
    json_field_text(&s->writer, "name", slice_of(name));
    json_field_int64(&s->writer, "value", value);
    json_field_time(&s->writer, "true_for", true_for);
    json_object_end(&s->writer);
}

static void put_counter_now(struct situation *s, enum counter counter)
{
    const struct counter_mark *mark = mark_of(s, counter);
    if (mark->known)
        put_counter(s, counter_name(counter), s->of_area.value[counter][SLOT_NOW], mark->true_for);
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

static void put_counters(struct situation *s)
{
    const struct counter_mark *cases = mark_of(s, COUNTER_CASES_BY_REPORT);
    const struct counter_mark *tests = mark_of(s, COUNTER_TESTS);
    timestamp true_for;
    json_key(&s->writer, "counters");
    json_array_begin(&s->writer);
    put_counter_now(s, COUNTER_PERSONS);
    put_counter_now(s, COUNTER_VENUES);
    put_counter_now(s, COUNTER_VENUES_IN_USE);
    if (mark_of(s, COUNTER_SCANS)->known) {
        int64_t scans = scans_today(s, s->area, &s->of_area, &true_for);
        put_counter(s, "scans_today", scans, true_for);
    }
    put_counter_now(s, COUNTER_SCANS_24H);
    if (tests->known)
        put_counter(s, "tests_today", s->of_area.value[COUNTER_TESTS][TODAY], tests->true_for);
    if (cases->known) {
        if (!s->hidden_report[TODAY])
            put_counter(s, "cases_today", sum_days(&s->of_area, COUNTER_CASES_BY_REPORT, 1),
                        cases->true_for);
        if (!s->week_hidden)
            put_counter(s, "cases_7d", sum_days(&s->of_area, COUNTER_CASES_BY_REPORT, WEEK),
                        cases->true_for);
        if (!s->fortnight_hidden)
            put_counter(s, "cases_14d",
                        sum_days(&s->of_area, COUNTER_CASES_BY_REPORT, SITUATION_DAYS),
                        cases->true_for);
    }
    if (s->area == s->city && s->platform->status) { /* colours are counted for the city only */
        static const char *const names[] = {"status_green", "status_yellow", "status_red"};
        static const enum color shown[] = {COLOR_GREEN, COLOR_YELLOW, COLOR_RED};
        int64_t colors[COLOR_COUNT];
        bool hidden[COLOR_COUNT] = {false};
        status_counts(s->platform->status, colors);
        if (s->hides)
            (void)!shown_counts_suppress(colors, hidden, COLOR_COUNT,
                                         policy_number(s->platform->policy, NUMBER_SUPPRESS_BELOW));
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
            if (!hidden[shown[i]])
                put_counter(s, names[i], colors[shown[i]], s->now);
    }
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

static void put_int_or_null(struct situation *s, const char *key, bool known, int64_t value)
{
    if (known)
        json_field_int64(&s->writer, key, value);
    else
        json_field_null(&s->writer, key);
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
    put_int_or_null(s, "cases_today", cases->known && !s->hides,
                    sum_days(figures, COUNTER_CASES_BY_REPORT, 1));
    put_int_or_null(s, "cases_7d", cases->known && !s->district_hidden[i],
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

static void put_situation(struct situation *s)
{
    char text[TIME_TEXT_BYTES];
    json_field_time(&s->writer, "as_of", s->now);
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
    put_days(s, "tests", s->area, &s->of_area, COUNTER_TESTS, NULL);
    json_object_end(&s->writer);
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

bool situation_write(struct platform *platform, const struct area *area, bool hides,
                     bool counters_only, struct buffer *out, struct error *err)
{
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct situation *s = arena_alloc(&arena, sizeof *s);
    const struct area **self = arena_alloc(&arena, sizeof *self);
    s->platform = platform;
    s->now = world_now(platform->world);
    s->today = time_day_of_seconds(s->now / SECOND);
    s->city = registry_city(platform->registry);
    s->area = area;
    s->hides = hides;
    *self = area;
    s->districts = self; /* below the city an area stands for itself */
    s->district_count = 1;
    if (area == s->city)
        s->district_count =
            registry_areas_under(platform->registry, area->no, &arena, &s->districts);
    s->of_district = arena_alloc(&arena, (s->district_count + 1) * sizeof *s->of_district);
    bool done = read_counters(s, err);
    if (done) {
        hide_small(s, &arena);
        json_writer_init(&s->writer, out);
        json_object_begin(&s->writer);
        if (counters_only)
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
    const struct area *area;
    return situation_area(platform, actor, (struct slice){NULL, 0}, &area, err) &&
           situation_write(platform, area, command_hides_small(actor), true, out, err);
}
