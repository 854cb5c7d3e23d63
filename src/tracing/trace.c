/* The core of tracing: visits of the index person → rows of the same venues around each visit → one
 * entry a person → sorted columns.
 *
 * Rows come from the day store in blocks. Co-presences are gathered in an open-addressing table
 * that is kept between runs; a person's entry is 16 bytes. The table is sorted at the
 * end. */
#include "tracing/tracing.h"

#include <math.h>
#include <stdlib.h>

enum { TABLE_SLOTS_MIN = 1 << 12, VISITS_MAX = 1 << 20, MINUTES_MAX = 10080 };

struct entry {
    uint32_t person; /* 0: free */
    uint32_t co_visits;
    uint32_t closest_gap;
    float stays_apart; /* Π (1 − S): the chance that no pair overlapped */
};

struct tracer {
    struct platform *platform;
    struct entry *slots;
    size_t slot_count, used;
    struct trace_visit *visits;
    size_t visit_count, visit_capacity;
    size_t *venue_category;  /* of visited venues, by visit */
    const uint8_t *categories; /* of all venues by number, where the register is not to be read */
    uint32_t category_count;
    struct entry *sorted;
    size_t sorted_capacity;
    uint32_t *columns;
    size_t column_capacity;
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

bool tracer_create(struct platform *platform, struct tracer **ret_tracer, struct error *err)
{
    (void)err;
    struct tracer *tracer = x_alloc(1, sizeof *tracer);
    tracer->platform = platform;
    tracer->slot_count = TABLE_SLOTS_MIN;
    tracer->slots = x_alloc(tracer->slot_count, sizeof *tracer->slots);
    arena_init(&tracer->scratch, 64 << 20);
    *ret_tracer = tracer;
    return true;
}

void tracer_free(struct tracer *tracer)
{
    if (!tracer)
        return;
    arena_release(&tracer->scratch);
    free(tracer->slots);
    free(tracer->visits);
    free(tracer->venue_category);
    free(tracer->sorted);
    free(tracer->columns);
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

/* ---- The table */

static inline size_t slot_of(uint32_t person, size_t slot_count)
{
    return (person * 0x9E3779B1u >> 7) & (slot_count - 1);
}

static void grow(struct tracer *tracer)
{
    size_t old_count = tracer->slot_count;
    struct entry *old = tracer->slots;
    tracer->slot_count *= 4;
    tracer->slots = x_alloc(tracer->slot_count, sizeof *tracer->slots);
    for (size_t i = 0; i < old_count; i++)
        if (old[i].person) {
            size_t at = slot_of(old[i].person, tracer->slot_count);
            while (tracer->slots[at].person)
                at = (at + 1) & (tracer->slot_count - 1);
            tracer->slots[at] = old[i];
        }
    free(old);
}

static inline void meet(struct tracer *tracer, uint32_t person, uint32_t gap, float overlap)
{
    size_t mask = tracer->slot_count - 1, at = slot_of(person, tracer->slot_count);
    struct entry *slots = tracer->slots;
    while (slots[at].person != person) {
        if (!slots[at].person) {
            slots[at] = (struct entry){person, 0, UINT32_MAX, 1};
            tracer->used++;
            break;
        }
        at = (at + 1) & mask;
    }
    slots[at].co_visits++;
    slots[at].closest_gap = gap < slots[at].closest_gap ? gap : slots[at].closest_gap;
    slots[at].stays_apart *= 1 - overlap;
}

static bool on_window(void *context, const struct presence_event *events, size_t count,
                      struct error *err)
{
    (void)err;
    struct tracer *tracer = context;
    uint32_t index_person = tracer->request->person.n, index_time = tracer->visit->time;
    for (size_t i = 0; i < count; i++) {
        uint32_t gap = events[i].time > index_time ? events[i].time - index_time
                                                   : index_time - events[i].time;
        if (events[i].person == index_person)
            continue;
        if (tracer->used * 2 >= tracer->slot_count)
            grow(tracer);
        meet(tracer, events[i].person, gap, 0);
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

static bool on_dwell(void *context, const struct presence_event *events, size_t count,
                     struct error *err)
{
    (void)err;
    struct tracer *tracer = context;
    uint32_t index_person = tracer->request->person.n, index_time = tracer->visit->time;
    for (size_t i = 0; i < count; i++) {
        uint32_t gap = events[i].time > index_time ? events[i].time - index_time
                                                   : index_time - events[i].time;
        float weight = overlap(tracer, &events[i], gap);
        if (events[i].person == index_person || weight <= 0)
            continue;
        if (tracer->used * 2 >= tracer->slot_count)
            grow(tracer);
        meet(tracer, events[i].person, gap, weight);
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
    tracer->visit_count = 0;
    return presence_by_person(view, request->person, request->from, request->to, collect_visits,
                              tracer, err) &&
           (request->model == TRACE_WINDOW || categories_of_visits(tracer, err));
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

/* Empties the table into sorted columns. */
static void make_columns(struct tracer *tracer, struct trace_result *result)
{
    size_t count = tracer->used;
    if (count > tracer->sorted_capacity) {
        tracer->sorted_capacity = count * 2;
        tracer->sorted =
            x_realloc(tracer->sorted, tracer->sorted_capacity * sizeof *tracer->sorted);
        tracer->columns =
            x_realloc(tracer->columns, tracer->sorted_capacity * 4 * sizeof *tracer->columns);
    }
    size_t at = 0;
    for (size_t i = 0; i < tracer->slot_count && at < count; i++)
        if (tracer->slots[i].person)
            tracer->sorted[at++] = tracer->slots[i];
    REQUIRE(at == count);
    memset(tracer->slots, 0, tracer->slot_count * sizeof *tracer->slots);
    tracer->used = 0;
    if (count)
        qsort(tracer->sorted, count, sizeof *tracer->sorted, by_weight);
    result->count = count;
    result->person = tracer->columns;
    result->co_visits = tracer->columns + count;
    result->closest_gap_seconds = tracer->columns + 2 * count;
    result->weight = (float *)(void *)(tracer->columns + 3 * count);
    bool window = tracer->request->model == TRACE_WINDOW;
    for (size_t i = 0; i < count; i++) {
        result->person[i] = tracer->sorted[i].person;
        result->co_visits[i] = tracer->sorted[i].co_visits;
        result->closest_gap_seconds[i] = tracer->sorted[i].closest_gap;
        result->weight[i] = window ? 1 : 1 - tracer->sorted[i].stays_apart;
    }
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

bool trace_run(struct tracer *tracer, struct presence_view *view,
               const struct trace_request *request, struct trace_result *ret_result,
               struct error *err)
{
    double begun = world_elapsed_seconds();
    int64_t rows_before = presence_rows_read(view);
    tracer->request = request;
    if (!check_request(request, err) || !find_visits(tracer, view, err))
        return false;
    for (size_t i = 0; i < tracer->visit_count; i++) {
        tracer->visit = &tracer->visits[i];
        if (!visit_counts(tracer, tracer->visit))
            continue;
        int64_t reach = reach_seconds(tracer, i), time = tracer->visit->time;
        if (!presence_by_venue(view, (struct venue_no){tracer->visit->venue}, time - reach,
                               time + reach + 1,
                               request->model == TRACE_WINDOW ? on_window : on_dwell, tracer,
                               err)) {
            memset(tracer->slots, 0, tracer->slot_count * sizeof *tracer->slots);
            tracer->used = 0;
            return false;
        }
    }
    struct trace_result result = {.visits = tracer->visits, .visit_count = tracer->visit_count};
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
        float weight = window ? 1 : overlap(tracer, &events[i], gap);
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
