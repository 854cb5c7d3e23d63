/* The core of tracing: visits of the index person → rows of the same venues around each visit →
 * one entry a person → sorted columns.
 *
 * Rows come from the day store in blocks. Co-presences are gathered in entries, one a person in
 * order of first meeting, found through an open-addressing index of 8 bytes a slot; both are kept
 * between runs, and each run begins with a small index, so that a short trace stays in the cache.
 * At the end numbers that hold what decides the order are sorted by radix. */
#include "tracing/tracing_internal.h"

#include <math.h>
#include <stdlib.h>

#include "presence/pages.h"
#include "presence/sort.h"

enum { TABLE_SLOTS_MIN = 1 << 12, VISITS_MAX = 1 << 20, MINUTES_MAX = 10080 };

struct entry {
    uint32_t person;
    uint32_t co_visits;
    uint32_t closest_gap;
    float stays_apart; /* Π (1 − S): the chance that no pair overlapped */
};
struct slot {
    uint32_t person; /* 0: free */
    uint32_t entry;
};

struct tracer {
    struct platform *platform;
    struct slot *slots;
    size_t slot_count;      /* of this run; a power of two */
    size_t slot_capacity;
    struct entry *entries;  /* room for half of slot_capacity */
    size_t used;
    struct trace_visit *visits;
    size_t visit_count, visit_capacity;
    bool under_way;          /* visits[0] began before the range */
    size_t *venue_category;  /* of visited venues, by visit */
    const uint8_t *categories; /* of all venues by number, where the register is not to be read */
    uint32_t category_count;
    uint64_t *numbers;      /* three for each of sorted_capacity entries */
    uint32_t *columns;      /* four for each */
    size_t sorted_capacity;
    /* of the run at hand */
    const struct trace_request *request;
    const struct trace_visit *visit;
    const float *survival;
    size_t survival_minutes;
    int64_t rows_matched;
    struct arena scratch;
};

static const struct sql_text venue_category = {
    "trace_venue_category", "SELECT category FROM venue WHERE venue_no = ?1", "primary key"};
const struct sql_list trace_statements = SQL_LIST(&venue_category);

/* ---- The table */

static inline size_t slot_of(uint32_t person, size_t slot_count)
{
    return (person * 0x9E3779B1u >> 7) & (slot_count - 1);
}

/* Makes the index and the entries large enough for `slot_count` slots; the index is then empty. */
static void table_reserve(struct tracer *tracer, size_t slot_count)
{
    struct entry *entries = pages_alloc(slot_count / 2 * sizeof *entries);
    if (tracer->used)
        memcpy(entries, tracer->entries, tracer->used * sizeof *entries);
    pages_free(tracer->slots, tracer->slot_capacity * sizeof *tracer->slots);
    pages_free(tracer->entries, tracer->slot_capacity / 2 * sizeof *tracer->entries);
    tracer->slots = pages_alloc(slot_count * sizeof *tracer->slots);
    tracer->entries = entries;
    tracer->slot_capacity = slot_count;
}

static void table_clear(struct tracer *tracer)
{
    memset(tracer->slots, 0, tracer->slot_count * sizeof *tracer->slots);
    tracer->used = 0;
    tracer->slot_count = TABLE_SLOTS_MIN;
}

/* Room for `more` further persons at a load of at most one half. */
static void table_make_room(struct tracer *tracer, size_t more)
{
    size_t slot_count = tracer->slot_count;
    while ((tracer->used + more) * 2 > slot_count)
        slot_count *= 4;
    if (slot_count == tracer->slot_count)
        return;
    if (slot_count > tracer->slot_capacity)
        table_reserve(tracer, slot_count);
    else
        memset(tracer->slots, 0, tracer->slot_count * sizeof *tracer->slots);
    tracer->slot_count = slot_count;
    for (size_t i = 0; i < tracer->used; i++) {
        uint32_t person = tracer->entries[i].person;
        size_t at = slot_of(person, slot_count);
        while (tracer->slots[at].person)
            at = (at + 1) & (slot_count - 1);
        tracer->slots[at] = (struct slot){person, (uint32_t)i};
    }
}

/* The person's entry, a new one where there is none; room was made. */
static inline struct entry *table_find(struct tracer *tracer, uint32_t person)
{
    size_t mask = tracer->slot_count - 1, at = slot_of(person, tracer->slot_count);
    struct slot *slots = tracer->slots;
    while (slots[at].person != person) {
        if (!slots[at].person) {
            slots[at] = (struct slot){person, (uint32_t)tracer->used};
            tracer->entries[tracer->used] = (struct entry){person, 0, UINT32_MAX, 1};
            return &tracer->entries[tracer->used++];
        }
        at = (at + 1) & mask;
    }
    return &tracer->entries[slots[at].entry];
}

static void columns_release(struct tracer *tracer)
{
    pages_free(tracer->numbers, tracer->sorted_capacity * 3 * sizeof *tracer->numbers);
    pages_free(tracer->columns, tracer->sorted_capacity * 4 * sizeof *tracer->columns);
}

bool tracer_create(struct platform *platform, struct tracer **ret_tracer, struct error *err)
{
    (void)err;
    struct tracer *tracer = x_alloc(1, sizeof *tracer);
    tracer->platform = platform;
    table_reserve(tracer, TABLE_SLOTS_MIN);
    tracer->slot_count = TABLE_SLOTS_MIN;
    arena_init(&tracer->scratch, 64 << 20);
    *ret_tracer = tracer;
    return true;
}

void tracer_free(struct tracer *tracer)
{
    if (!tracer)
        return;
    arena_release(&tracer->scratch);
    pages_free(tracer->slots, tracer->slot_capacity * sizeof *tracer->slots);
    pages_free(tracer->entries, tracer->slot_capacity / 2 * sizeof *tracer->entries);
    free(tracer->visits);
    free(tracer->venue_category);
    columns_release(tracer);
    free(tracer);
}

void tracer_use_categories(struct tracer *tracer, const uint8_t *categories, uint32_t count)
{
    tracer->categories = categories;
    tracer->category_count = count;
}

bool trace_model_of(struct slice name, enum trace_model *ret_model)
{
    bool window = slice_equal(name, SLICE("window"));
    *ret_model = window ? TRACE_WINDOW : TRACE_DWELL;
    return window || slice_equal(name, SLICE("dwell"));
}

static inline uint32_t gap_between(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

enum { EVENTS_AHEAD = 12 };

/* Fetches the slot of an event that comes soon into the cache. */
static inline void expect_person(const struct tracer *tracer, const struct presence_event *events,
                                 size_t i, size_t count)
{
    if (i + EVENTS_AHEAD < count)
        __builtin_prefetch(
            &tracer->slots[slot_of(events[i + EVENTS_AHEAD].person, tracer->slot_count)]);
}

/* Gaps lie within the window: the range that was asked for. */
static bool on_window(void *context, const struct presence_event *events, size_t count,
                      struct error *err)
{
    (void)err;
    struct tracer *tracer = context;
    uint32_t index_person = tracer->request->person.n, index_time = tracer->visit->time;
    table_make_room(tracer, count);
    for (size_t i = 0; i < count; i++) {
        expect_person(tracer, events, i, count);
        if (events[i].person == index_person)
            continue;
        uint32_t gap = gap_between(events[i].time, index_time);
        struct entry *entry = table_find(tracer, events[i].person);
        entry->co_visits++;
        entry->closest_gap = gap < entry->closest_gap ? gap : entry->closest_gap;
    }
    return true;
}

/* The chance that the two were there together: 0 beyond the model's reach, where a scan was
 * refused, and where the earlier of the two was scanning out. */
static inline float overlap(const struct tracer *tracer, const struct presence_event *event,
                            uint32_t gap)
{
    uint32_t index_time = tracer->visit->time;
    uint8_t earlier = event->time < index_time ? event->flags : tracer->visit->flags;
    bool left = event->time != index_time && (earlier & SCAN_OUT_BIT);
    if (gap / 60 >= tracer->survival_minutes || left ||
        scan_flags_decision(event->flags) == SCAN_REFUSE)
        return 0;
    return tracer->survival[gap / 60];
}

/* The same where the visit began before the range: a meeting counts in the range, so that of two
 * who both came before it each must have stayed until it begins. */
static inline float overlap_within(const struct tracer *tracer, const struct presence_event *event,
                                   uint32_t gap)
{
    int64_t from = tracer->request->from;
    float weight = overlap(tracer, event, gap);
    if (tracer->visit->time >= from || event->time >= from || weight <= 0)
        return weight;
    size_t own = (size_t)(from - tracer->visit->time) / 60;
    size_t other = (size_t)(from - event->time) / 60;
    if (own >= tracer->survival_minutes || other >= tracer->survival_minutes ||
        (event->flags & SCAN_OUT_BIT))
        return 0;
    return tracer->survival[own] * tracer->survival[other];
}

static bool on_dwell(void *context, const struct presence_event *events, size_t count,
                     struct error *err)
{
    (void)err;
    struct tracer *tracer = context;
    uint32_t index_person = tracer->request->person.n, index_time = tracer->visit->time;
    table_make_room(tracer, count);
    for (size_t i = 0; i < count; i++) {
        expect_person(tracer, events, i, count);
        uint32_t gap = gap_between(events[i].time, index_time);
        float weight = overlap_within(tracer, &events[i], gap);
        if (events[i].person == index_person || weight <= 0)
            continue;
        struct entry *entry = table_find(tracer, events[i].person);
        entry->co_visits++;
        entry->closest_gap = gap < entry->closest_gap ? gap : entry->closest_gap;
        entry->stays_apart *= 1 - weight;
    }
    return true;
}

/* ---- Visits */

static bool collect_visits(void *context, const struct presence_event *events, size_t count,
                           struct error *err)
{
    struct tracer *tracer = context;
    if (tracer->visit_count + count > VISITS_MAX)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "from"},
                         "a shorter range", "the index person has too many check-ins");
    if (tracer->visit_count + count > tracer->visit_capacity) {
        tracer->visit_capacity = (tracer->visit_count + count) * 2;
        tracer->visits =
            x_realloc(tracer->visits, tracer->visit_capacity * sizeof *tracer->visits);
        tracer->venue_category = x_realloc(
            tracer->venue_category, tracer->visit_capacity * sizeof *tracer->venue_category);
    }
    for (size_t i = 0; i < count; i++)
        tracer->visits[tracer->visit_count++] =
            (struct trace_visit){events[i].venue, events[i].time, events[i].flags};
    return true;
}

static bool categories_of_visits(struct tracer *tracer, struct error *err)
{
    struct sql *sql;
    if (tracer->categories) {
        for (size_t i = 0; i < tracer->visit_count; i++) {
            REQUIRE(tracer->visits[i].venue <= tracer->category_count);
            tracer->venue_category[i] = tracer->categories[tracer->visits[i].venue];
        }
        return true;
    }
    if (!store_read_begin(tracer->platform->store, &sql, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < tracer->visit_count; i++) {
        struct sql_query *query;
        bool row;
        done = sql_begin(sql, &venue_category, SQL_ARGUMENTS(sql_int(tracer->visits[i].venue)),
                         &query, err) &&
               sql_next(query, &row, err);
        if (done) {
            struct slice name = row ? sql_get_text(query, 0) : SLICE("default");
            tracer->venue_category[i] = policy_category_of(tracer->platform->policy, name);
            sql_end(query);
        }
    }
    store_read_end(tracer->platform->store, sql);
    return done;
}

/* Range around a visit that the model looks at, in seconds. */
static int64_t reach_seconds(struct tracer *tracer, size_t visit)
{
    const struct trace_request *request = tracer->request;
    if (request->model == TRACE_WINDOW)
        return (int64_t)request->minutes * 60;
    tracer->survival = policy_dwell_survival(tracer->platform->policy,
                                             tracer->venue_category[visit],
                                             &tracer->survival_minutes);
    int64_t minutes = (int64_t)tracer->survival_minutes;
    if (request->minutes > 0 && request->minutes < minutes)
        minutes = request->minutes;
    return minutes * 60 - 1;
}

static bool find_visits(struct tracer *tracer, struct presence_view *view, struct error *err)
{
    const struct trace_request *request = tracer->request;
    const struct policy *policy = tracer->platform->policy;
    bool dwell = request->model == TRACE_DWELL, back = dwell && request->under_way;
    int64_t first = request->from - (back ? under_way_reach(policy) : 0);
    tracer->visit_count = 0;
    tracer->under_way = false;
    if (!presence_by_person(view, request->person, first, request->to, collect_visits, tracer,
                            err) ||
        (dwell && !categories_of_visits(tracer, err)))
        return false;
    if (back)
        tracer->visit_count =
            under_way_keep(policy, tracer->visits, tracer->venue_category, tracer->visit_count,
                           request->from, &tracer->under_way);
    return true;
}

static bool visit_counts(const struct tracer *tracer, const struct trace_visit *visit)
{
    return tracer->request->model == TRACE_WINDOW ||
           scan_flags_decision(visit->flags) != SCAN_REFUSE;
}

/* ---- Completeness */

static bool mark_seen(void *context, const struct presence_event *events, size_t count,
                      struct error *err)
{
    (void)events, (void)count, (void)err;
    *(bool *)context = true;
    return true;
}

static int compare_venues(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A visited venue is silent where some day of the range that holds events has none of that
 * venue. */
static bool count_silent(struct tracer *tracer, struct presence_view *view,
                         struct trace_completeness *out, struct error *err)
{
    uint32_t *venues = arena_alloc(&tracer->scratch, (tracer->visit_count + 1) * sizeof *venues);
    for (size_t i = 0; i < tracer->visit_count; i++)
        venues[i] = tracer->visits[i].venue;
    if (tracer->visit_count)
        qsort(venues, tracer->visit_count, sizeof *venues, compare_venues);
    int32_t first = time_day_of_seconds(tracer->request->from);
    int32_t last = time_day_of_seconds(tracer->request->to - 1), low, high;
    bool any = presence_day_range(view, &low, &high);
    out->days = last - first + 1;
    first = any && low > first ? low : first;
    last = any && high < last ? high : last;
    for (int32_t day = first; any && day <= last; day++)
        out->days_missing += presence_day_count(view, day) == 0;
    out->days_missing += any ? out->days - (last - first + 1) : out->days;
    for (size_t i = 0; i < tracer->visit_count; i++) {
        if (i && venues[i] == venues[i - 1])
            continue;
        out->venues++;
        bool silent = false;
        for (int32_t day = first; any && day <= last && !silent; day++) {
            bool seen = false;
            int64_t start = time_day_start_seconds(day);
            if (presence_day_count(view, day) == 0)
                continue;
            if (!presence_by_venue(view, (struct venue_no){venues[i]}, start, start + 86400,
                                   mark_seen, &seen, err))
                return false;
            silent = !seen;
        }
        out->venues_silent += silent;
    }
    return true;
}

bool trace_completeness_of(struct tracer *tracer, struct presence_view *view,
                           struct trace_result *result, struct error *err)
{
    struct trace_completeness *out = &result->completeness;
    *out = (struct trace_completeness){.visits = (int64_t)tracer->visit_count};
    for (size_t i = 0; i < tracer->visit_count; i++)
        out->visits_direct += scan_flags_evidence(tracer->visits[i].flags) > SCAN_CLAIMED;
    arena_clear(&tracer->scratch);
    return count_silent(tracer, view, out, err);
}

/* ---- Sorted columns */

static unsigned bits_of(uint32_t value)
{
    return value ? 32u - (unsigned)__builtin_clz(value) : 0u;
}

/* Widths of a number co_visits (falling) | gap | person. */
struct ranking {
    uint32_t co_visits_high;
    unsigned gap_at, co_visits_at, bits;
};

static struct ranking rank(const struct entry *restrict entries, size_t count)
{
    uint32_t person_high = 0, gap_high = 0, co_visits_high = 0;
    for (size_t i = 0; i < count; i++) {
        person_high |= entries[i].person;
        gap_high |= entries[i].closest_gap;
        co_visits_high = entries[i].co_visits > co_visits_high ? entries[i].co_visits
                                                               : co_visits_high;
    }
    struct ranking ranking = {.co_visits_high = co_visits_high, .gap_at = bits_of(person_high)};
    ranking.co_visits_at = ranking.gap_at + bits_of(gap_high);
    ranking.bits = ranking.co_visits_at + bits_of(co_visits_high - 1);
    return ranking;
}

static inline uint64_t number_of(const struct ranking *ranking, const struct entry *entry)
{
    return entry->person | (uint64_t)entry->closest_gap << ranking->gap_at |
           (uint64_t)(ranking->co_visits_high - entry->co_visits) << ranking->co_visits_at;
}

static int by_weight(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->stays_apart < y->stays_apart || x->stays_apart > y->stays_apart)
        return x->stays_apart < y->stays_apart ? -1 : 1;
    if (x->co_visits != y->co_visits)
        return x->co_visits > y->co_visits ? -1 : 1;
    if (x->closest_gap != y->closest_gap)
        return x->closest_gap < y->closest_gap ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

static void columns_reserve(struct tracer *tracer, struct trace_result *result)
{
    size_t count = result->count;
    if (count > tracer->sorted_capacity) {
        columns_release(tracer);
        tracer->sorted_capacity = count * 2;
        tracer->numbers = pages_alloc(tracer->sorted_capacity * 3 * sizeof *tracer->numbers);
        tracer->columns = pages_alloc(tracer->sorted_capacity * 4 * sizeof *tracer->columns);
    }
    result->person = tracer->columns;
    result->co_visits = tracer->columns + count;
    result->closest_gap_seconds = tracer->columns + 2 * count;
    result->weight = (float *)(void *)(tracer->columns + 3 * count);
}

/* Sorts the numbers [first, end), which have one weight, and takes them apart into the columns. */
static void put_group(const struct ranking *ranking, uint64_t *restrict numbers,
                      uint64_t *restrict scratch, size_t first, size_t end, float weight,
                      struct trace_result *result)
{
    uint32_t *restrict person = result->person, *restrict co_visits = result->co_visits;
    uint32_t *restrict gap = result->closest_gap_seconds;
    const uint64_t person_mask = ((uint64_t)1 << ranking->gap_at) - 1;
    const uint64_t gap_mask = ((uint64_t)1 << (ranking->co_visits_at - ranking->gap_at)) - 1;
    radix_sort_parts(numbers + first, scratch, end - first, ranking->gap_at, ranking->bits,
                     ranking->bits); /* co_visits and gap at once, then few are equal */
    for (size_t i = first; i < end; i++) {
        person[i] = (uint32_t)(numbers[i] & person_mask);
        gap[i] = (uint32_t)(numbers[i] >> ranking->gap_at & gap_mask);
        co_visits[i] = ranking->co_visits_high - (uint32_t)(numbers[i] >> ranking->co_visits_at);
        result->weight[i] = weight;
    }
}

/* All weights are equal: the numbers hold the whole result. */
static void columns_by_number(struct tracer *tracer, const struct ranking *ranking,
                              struct trace_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        tracer->numbers[i] = number_of(ranking, &tracer->entries[i]);
    put_group(ranking, tracer->numbers, tracer->numbers + result->count, 0, result->count, 1,
              result);
}

/* By weight first (floats of one sign are ordered as their bits are), then each group of equals. */
static void columns_by_weight(struct tracer *tracer, const struct ranking *ranking,
                              struct trace_result *result)
{
    size_t count = result->count;
    uint64_t *places = tracer->numbers, *numbers = places + count, *scratch = numbers + count;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &tracer->entries[i].stays_apart, sizeof bits);
        places[i] = (uint64_t)bits << 32 | i;
    }
    radix_sort_parts(places, scratch, count, 0, 32, 64);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && places[end] >> 32 == places[first] >> 32; end++)
            numbers[end] = number_of(ranking, &tracer->entries[(uint32_t)places[end]]);
        float weight = 1 - tracer->entries[(uint32_t)places[first]].stays_apart;
        put_group(ranking, numbers, scratch, first, end, weight, result);
    }
}

/* Numbers too large for 64 bits together: by comparison. */
static void columns_by_comparison(struct tracer *tracer, struct trace_result *result)
{
    qsort(tracer->entries, result->count, sizeof *tracer->entries, by_weight);
    for (size_t i = 0; i < result->count; i++) {
        const struct entry *entry = &tracer->entries[i];
        result->person[i] = entry->person;
        result->co_visits[i] = entry->co_visits;
        result->closest_gap_seconds[i] = entry->closest_gap;
        result->weight[i] = tracer->request->model == TRACE_WINDOW ? 1 : 1 - entry->stays_apart;
    }
}

/* Empties the table into sorted columns. */
static void make_columns(struct tracer *tracer, struct trace_result *result)
{
    result->count = tracer->used;
    columns_reserve(tracer, result);
    if (result->count) {
        struct ranking ranking = rank(tracer->entries, result->count);
        if (ranking.bits > 64)
            columns_by_comparison(tracer, result);
        else if (tracer->request->model == TRACE_WINDOW)
            columns_by_number(tracer, &ranking, result);
        else
            columns_by_weight(tracer, &ranking, result);
    }
    table_clear(tracer);
}

static bool check_request(const struct trace_request *request, struct error *err)
{
    if (request->minutes < 0 || request->minutes > MINUTES_MAX)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "minutes"},
                         "a whole number from 0 to 10080", "not such a number");
    return request->to > request->from ||
           error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "to"},
                     "a time after `from`", "the range is empty");
}

enum { VISITS_AHEAD = 2 };

/* The rows around a visit that lies ahead are fetched while those before it are read. */
static void expect_visit(struct tracer *tracer, struct presence_view *view, size_t i)
{
    if (i >= tracer->visit_count)
        return;
    int64_t reach = reach_seconds(tracer, i), time = tracer->visits[i].time;
    presence_expect_venue(view, (struct venue_no){tracer->visits[i].venue}, time - reach,
                          time + reach + 1);
}

static bool meet_all(struct tracer *tracer, struct presence_view *view, struct error *err)
{
    presence_visitor *visitor =
        tracer->request->model == TRACE_WINDOW ? on_window : on_dwell;
    for (size_t i = 0; i < VISITS_AHEAD; i++)
        expect_visit(tracer, view, i);
    for (size_t i = 0; i < tracer->visit_count; i++) {
        expect_visit(tracer, view, i + VISITS_AHEAD);
        tracer->visit = &tracer->visits[i];
        if (!visit_counts(tracer, tracer->visit))
            continue;
        int64_t reach = reach_seconds(tracer, i), time = tracer->visit->time;
        if (!presence_by_venue(view, (struct venue_no){tracer->visit->venue}, time - reach,
                               time + reach + 1, visitor, tracer, err))
            return false;
    }
    return true;
}

bool trace_run(struct tracer *tracer, struct presence_view *view,
               const struct trace_request *request, struct trace_result *ret_result,
               struct error *err)
{
    double begun = world_elapsed_seconds();
    int64_t rows_before = presence_rows_read(view);
    tracer->request = request;
    if (!check_request(request, err) || !find_visits(tracer, view, err))
        return false;
    if (!meet_all(tracer, view, err)) {
        table_clear(tracer);
        return false;
    }
    struct trace_result result = {.visits = tracer->visits,
                                  .visit_count = tracer->visit_count,
                                  .under_way = tracer->under_way};
    make_columns(tracer, &result);
    result.rows_read = presence_rows_read(view) - rows_before;
    result.seconds = world_elapsed_seconds() - begun;
    *ret_result = result;
    return true;
}

/* ---- Places */

struct place_search {
    struct tracer *tracer;
    const uint32_t *persons; /* sorted */
    size_t count;
    struct arena *arena;
    struct trace_place *places;
    size_t place_count, place_capacity;
};

static bool collect_places(void *context, const struct presence_event *events, size_t count,
                           struct error *err)
{
    (void)err;
    struct place_search *s = context;
    const struct tracer *tracer = s->tracer;
    bool window = tracer->request->model == TRACE_WINDOW;
    for (size_t i = 0; i < count; i++) {
        if (!bsearch(&events[i].person, s->persons, s->count, sizeof *s->persons, compare_venues))
            continue;
        uint32_t gap = events[i].time > tracer->visit->time ? events[i].time - tracer->visit->time
                                                            : tracer->visit->time - events[i].time;
        float weight = window ? 1 : overlap_within(tracer, &events[i], gap);
        if (weight <= 0)
            continue;
        if (s->place_count == s->place_capacity) {
            size_t capacity = s->place_capacity ? s->place_capacity * 2 : 256;
            struct trace_place *grown = arena_alloc(s->arena, capacity * sizeof *grown);
            if (s->place_count)
                memcpy(grown, s->places, s->place_count * sizeof *grown);
            s->places = grown;
            s->place_capacity = capacity;
        }
        s->places[s->place_count++] = (struct trace_place){
            events[i].person, events[i].venue, tracer->visit->time, events[i].time, weight};
    }
    return true;
}

static int by_person_and_weight(const void *a, const void *b)
{
    const struct trace_place *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    if (x->weight < y->weight || x->weight > y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->index_time != y->index_time)
        return x->index_time < y->index_time ? -1 : 1;
    return (x->time > y->time) - (x->time < y->time);
}

bool trace_places(struct tracer *tracer, struct presence_view *view,
                  const struct trace_request *request, const uint32_t *persons, size_t count,
                  struct arena *arena, struct trace_place **ret_places, size_t *ret_count,
                  struct error *err)
{
    uint32_t *sorted = arena_alloc(arena, (count + 1) * sizeof *sorted);
    memcpy(sorted, persons, count * sizeof *sorted);
    if (count)
        qsort(sorted, count, sizeof *sorted, compare_venues);
    struct place_search search = {
        .tracer = tracer, .persons = sorted, .count = count, .arena = arena};
    tracer->request = request;
    if (!check_request(request, err) || !find_visits(tracer, view, err))
        return false;
    for (size_t i = 0; i < tracer->visit_count; i++) {
        tracer->visit = &tracer->visits[i];
        if (!visit_counts(tracer, tracer->visit))
            continue;
        int64_t reach = reach_seconds(tracer, i), time = tracer->visit->time;
        if (!presence_by_venue(view, (struct venue_no){tracer->visit->venue}, time - reach,
                               time + reach + 1, collect_places, &search, err))
            return false;
    }
    if (search.place_count)
        qsort(search.places, search.place_count, sizeof *search.places, by_person_and_weight);
    *ret_places = search.places;
    *ret_count = search.place_count;
    return true;
}
