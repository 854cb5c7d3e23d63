/* Reading. A view holds one catalog and the tail's runs of the same instant; nothing it reads can
 * change or vanish under it. Doubles of (person, venue, second) come once, with the strongest
 * evidence among them. */
#include <stdlib.h>

#include "presence/presence_internal.h"

struct presence_view {
    struct presence *presence;
    struct catalog *catalog;
    struct run *runs[TAIL_RUNS_MAX];
    size_t run_count;
    int64_t tail_rows_read;
    struct segment_decoder decoder;
};

bool presence_view_begin(struct presence *presence, struct presence_view **ret_view,
                         struct error *err)
{
    (void)err;
    struct presence_view *view = x_alloc(1, sizeof *view);
    view->presence = presence;
    segment_decoder_init(&view->decoder);
    pthread_mutex_lock(&presence->lock);
    view->catalog = presence->catalog;
    atomic_fetch_add(&view->catalog->references, 1);
    view->run_count = presence->run_count;
    for (size_t i = 0; i < view->run_count; i++) {
        view->runs[i] = presence->runs[i];
        atomic_fetch_add(&view->runs[i]->references, 1);
    }
    pthread_mutex_unlock(&presence->lock);
    *ret_view = view;
    return true;
}

void presence_view_end(struct presence_view *view)
{
    if (!view)
        return;
    segment_decoder_release(&view->decoder);
    for (size_t i = 0; i < view->run_count; i++)
        run_unref(view->runs[i]);
    catalog_unref(view->catalog);
    free(view);
}

int64_t presence_rows_read(const struct presence_view *view)
{
    return view->decoder.rows_read + view->tail_rows_read;
}

/* An event that arrived while its day was being dropped: the next fold leaves it out. */
static bool is_forgotten(const struct presence_view *view, uint32_t time)
{
    return view->catalog->dropped_count &&
           catalog_dropped(view->catalog, time_day_of_seconds(time));
}

int64_t presence_day_count(struct presence_view *view, int32_t day)
{
    if (catalog_dropped(view->catalog, day))
        return 0;
    const struct catalog_day *found = catalog_find(view->catalog, day);
    int64_t rows = found ? found->rows : 0;
    int64_t start = time_day_start_seconds(day);
    for (size_t i = 0; i < view->run_count; i++)
        for (size_t k = 0; k < view->runs[i]->count; k++)
            rows += view->runs[i]->by_person[k].time - start < 86400 &&
                    view->runs[i]->by_person[k].time >= start;
    return rows;
}

bool presence_day_range(struct presence_view *view, int32_t *ret_first, int32_t *ret_last)
{
    int32_t first = INT32_MAX, last = INT32_MIN;
    if (view->catalog->day_count) {
        first = view->catalog->days[0].day;
        last = view->catalog->days[view->catalog->day_count - 1].day;
    }
    for (size_t i = 0; i < view->run_count; i++)
        for (size_t k = 0; k < view->runs[i]->count; k++) {
            int32_t day = time_day_of_seconds(view->runs[i]->by_person[k].time);
            if (is_forgotten(view, view->runs[i]->by_person[k].time))
                continue;
            first = day < first ? day : first;
            last = day > last ? day : last;
        }
    *ret_first = first;
    *ret_last = last;
    return first <= last;
}

/* ---- Doubles */

static bool same_event(const struct presence_event *a, const struct presence_event *b)
{
    return a->person == b->person && a->venue == b->venue && a->time == b->time;
}

/* Of sorted events: keeps one of each, the strongest. Returns how many stay. */
static size_t merge_doubles(struct presence_event *events, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !same_event(&events[kept - 1], &events[i]))
            events[kept++] = events[i];
        else if (scan_flags_evidence(events[i].flags) >
                 scan_flags_evidence(events[kept - 1].flags))
            events[kept - 1] = events[i];
    }
    return kept;
}

/* ---- One key */

/* Events that must be sorted before they are handed out: of several segments, or of the tail too. */
struct gathering {
    struct presence_event *events;
    size_t count, capacity;
};

static bool gather(void *context, const struct presence_event *events, size_t count,
                   struct error *err)
{
    (void)err;
    struct gathering *g = context;
    if (g->count + count > g->capacity) {
        g->capacity = (g->count + count) * 2 > BLOCK_ROWS ? (g->count + count) * 2 : BLOCK_ROWS;
        g->events = x_realloc(g->events, g->capacity * sizeof *g->events);
    }
    memcpy(g->events + g->count, events, count * sizeof *events);
    g->count += count;
    return true;
}

static bool hand_out(struct gathering *g, enum segment_order order, presence_visitor *visit,
                     void *context, struct error *err)
{
    events_sort(g->events, g->count, order);
    g->count = merge_doubles(g->events, g->count);
    bool done = g->count == 0 || visit(context, g->events, g->count, err);
    g->count = 0;
    return done;
}

/* One segment alone is in order: its events pass through, the last one a block late, for a double of
 * it may begin the next block. */
struct passage {
    struct presence_event block[1 + BLOCK_ROWS]; /* [0]: the event held back */
    bool holds;
    presence_visitor *visit;
    void *context;
};

static bool pass(void *context, const struct presence_event *events, size_t count,
                 struct error *err)
{
    struct passage *p = context;
    REQUIRE(events == p->block + 1);
    struct presence_event *from = p->holds ? p->block : p->block + 1;
    size_t ready = merge_doubles(from, p->holds ? count + 1 : count) - 1;
    if (ready && !p->visit(p->context, from, ready, err))
        return false;
    p->block[0] = from[ready];
    p->holds = true;
    return true;
}

/* Index of the run's first event with (key, time) not below. */
static size_t run_lower_bound(const struct presence_event *events, size_t count,
                              enum segment_order order, uint32_t key, int64_t time)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t at = order == ORDER_VENUE ? events[middle].venue : events[middle].person;
        if (at < key || (at == key && (int64_t)events[middle].time < time))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The tail's events of one key from where the last day ended: positions in the runs move on. */
struct tail_reader {
    struct presence_view *view;
    enum segment_order order;
    uint32_t key;
    size_t at[TAIL_RUNS_MAX];
};

static const struct presence_event *tail_next(const struct tail_reader *tail, size_t r,
                                              int64_t before)
{
    const struct run *run = tail->view->runs[r];
    const struct presence_event *event =
        (tail->order == ORDER_VENUE ? run->by_venue : run->by_person) + tail->at[r];
    if (tail->at[r] == run->count || (int64_t)event->time >= before)
        return NULL;
    return (tail->order == ORDER_VENUE ? event->venue : event->person) == tail->key ? event : NULL;
}

static void tail_begin(struct tail_reader *tail, int64_t first)
{
    for (size_t r = 0; r < tail->view->run_count; r++) {
        const struct run *run = tail->view->runs[r];
        tail->at[r] = run_lower_bound(tail->order == ORDER_VENUE ? run->by_venue : run->by_person,
                                      run->count, tail->order, tail->key, first);
    }
}

static bool tail_has(const struct tail_reader *tail, int64_t before)
{
    for (size_t r = 0; r < tail->view->run_count; r++)
        if (tail_next(tail, r, before))
            return true;
    return false;
}

static bool tail_gather(struct tail_reader *tail, int64_t before, struct gathering *g,
                        struct error *err)
{
    const struct presence_event *event;
    for (size_t r = 0; r < tail->view->run_count; r++)
        for (; (event = tail_next(tail, r, before)); tail->at[r]++) {
            tail->view->tail_rows_read++;
            if (!is_forgotten(tail->view, event->time) && !gather(g, event, 1, err))
                return false;
        }
    return true;
}

/* The day's segments, and the tail's events before the day's end. */
static bool read_day(struct presence_view *view, const struct catalog_day *day,
                     struct tail_reader *tail, int64_t first, int64_t last, struct passage *p,
                     struct gathering *g, struct error *err)
{
    int64_t start = time_day_start_seconds(day->day);
    int64_t end = start + 86400 < last ? start + 86400 : last;
    bool alone = day->segment_count == 1 && !tail_has(tail, end);
    for (size_t s = 0; s < day->segment_count; s++) {
        const struct segment_file *file =
            tail->order == ORDER_VENUE ? &day->segments[s]->venue : &day->segments[s]->person;
        if (!segment_read_events(&view->decoder, file, tail->key, first - start, end - start,
                                 p->block + 1, alone ? pass : gather,
                                 alone ? (void *)p : (void *)g, err))
            return false;
    }
    if (!alone)
        return tail_gather(tail, end, g, err) &&
               hand_out(g, tail->order, p->visit, p->context, err);
    bool held = p->holds;
    p->holds = false;
    return !held || p->visit(p->context, p->block, 1, err);
}

static void expect_key(struct presence_view *view, enum segment_order order, uint32_t key,
                       int64_t first, int64_t last)
{
    for (size_t d = 0; d < view->catalog->day_count; d++) {
        const struct catalog_day *day = &view->catalog->days[d];
        int64_t start = time_day_start_seconds(day->day);
        if (start + 86400 <= first || start >= last)
            continue;
        for (size_t s = 0; s < day->segment_count; s++)
            segment_expect(order == ORDER_VENUE ? &day->segments[s]->venue
                                                : &day->segments[s]->person,
                           key, first - start);
    }
}

void presence_expect_venue(struct presence_view *view, struct venue_no venue, int64_t first,
                           int64_t last)
{
    expect_key(view, ORDER_VENUE, venue.n, first, last);
}

static bool by_key(struct presence_view *view, enum segment_order order, uint32_t key,
                   int64_t first, int64_t last, presence_visitor *visit, void *context,
                   struct error *err)
{
    struct gathering g = {0};
    struct tail_reader tail = {.view = view, .order = order, .key = key};
    struct passage p;
    bool done = true;
    p.holds = false;
    p.visit = visit;
    p.context = context;
    first = first < 0 ? 0 : first;
    last = last > UINT32_MAX ? (int64_t)UINT32_MAX + 1 : last;
    tail_begin(&tail, first);
    if (order == ORDER_PERSON) /* a block a day */
        expect_key(view, order, key, first, last);
    for (size_t d = 0; done && d < view->catalog->day_count; d++) {
        int64_t start = time_day_start_seconds(view->catalog->days[d].day);
        if (start + 86400 > first && start < last)
            done = read_day(view, &view->catalog->days[d], &tail, first, last, &p, &g, err);
    }
    done = done && tail_gather(&tail, last, &g, err) && hand_out(&g, order, visit, context, err);
    free(g.events);
    return done;
}

bool presence_by_venue(struct presence_view *view, struct venue_no venue, int64_t first,
                       int64_t last, presence_visitor *visit, void *context, struct error *err)
{
    return by_key(view, ORDER_VENUE, venue.n, first, last, visit, context, err);
}

bool presence_by_person(struct presence_view *view, struct person_no person, int64_t first,
                        int64_t last, presence_visitor *visit, void *context, struct error *err)
{
    return by_key(view, ORDER_PERSON, person.n, first, last, visit, context, err);
}

static bool count_hours(void *context, const struct presence_event *events, size_t count,
                        struct error *err)
{
    (void)err;
    uint32_t *counts = context;
    for (size_t i = 0; i < count; i++)
        counts[(events[i].time + LOCAL_OFFSET_SECONDS) % 86400u / 3600u]++;
    return true;
}

bool presence_hour_counts(struct presence_view *view, struct venue_no venue, int32_t day,
                          uint32_t counts[24], struct error *err)
{
    memset(counts, 0, 24 * sizeof *counts);
    int64_t start = time_day_start_seconds(day);
    return presence_by_venue(view, venue, start, start + 86400, count_hours, counts, err);
}

/* ---- Everything: a merge of a day's segments and the tail's share of it */

struct source {
    const struct segment_file *file; /* NULL: `events` are a sorted array of the tail */
    const struct presence_event *tail;
    size_t tail_count;
    uint32_t block;
    struct segment_decoder *decoder;
    struct row_block *rows;
    struct presence_event *events; /* the block at hand */
    size_t count, at;
    bool ended;
};

static bool source_fill(struct source *source, struct error *err)
{
    source->at = 0;
    if (!source->file || source->block == source->file->block_count) {
        source->ended = true;
        return true;
    }
    if (!segment_decode(source->decoder, source->file, source->block++, source->rows, err))
        return false;
    int64_t start = time_day_start_seconds(source->file->day);
    source->count = source->rows->count;
    for (size_t i = 0; i < source->count; i++) {
        struct segment_flag flag = source->file->dictionary[source->rows->flag[i]];
        source->events[i] = (struct presence_event){.venue = source->rows->key[i],
                                                    .person = source->rows->other[i],
                                                    .time = (uint32_t)(start + source->rows->time[i]),
                                                    .origin = flag.origin,
                                                    .flags = flag.flags};
    }
    return true;
}

struct scan_output {
    struct presence_event block[BLOCK_ROWS];
    size_t count;
    int64_t first, last;
    presence_visitor *visit;
    void *context;
};

static bool output_flush(struct scan_output *out, bool all, struct error *err)
{
    size_t ready = merge_doubles(out->block, out->count);
    size_t held = !all && ready ? 1 : 0; /* a double of the last one may follow */
    size_t given = 0;
    struct presence_event last = ready ? out->block[ready - 1] : (struct presence_event){0};
    for (size_t i = 0; i < ready - held; i++)
        if ((int64_t)out->block[i].time >= out->first && (int64_t)out->block[i].time < out->last)
            out->block[given++] = out->block[i];
    if (given && !out->visit(out->context, out->block, given, err))
        return false;
    out->count = held;
    if (held)
        out->block[0] = last;
    return true;
}

static bool scan_sources(struct source *sources, size_t count, struct scan_output *out,
                         struct error *err)
{
    for (;;) {
        struct source *least = NULL;
        for (size_t i = 0; i < count; i++)
            if (!sources[i].ended &&
                (!least || event_compare(&sources[i].events[sources[i].at],
                                         &least->events[least->at], ORDER_VENUE) < 0))
                least = &sources[i];
        if (!least)
            return output_flush(out, true, err);
        out->block[out->count++] = least->events[least->at];
        if (out->count == BLOCK_ROWS && !output_flush(out, false, err))
            return false;
        if (++least->at == least->count && !source_fill(least, err))
            return false;
    }
}

static bool scan_day(struct presence_view *view, const struct catalog_day *day,
                     struct presence_event *tail, size_t tail_count, struct scan_output *out,
                     struct error *err)
{
    size_t count = (day ? day->segment_count : 0) + 1;
    struct source *sources = x_alloc(count, sizeof *sources);
    bool done = true;
    for (size_t i = 0; done && i + 1 < count; i++) {
        sources[i].file = &day->segments[i]->venue;
        sources[i].decoder = x_alloc(1, sizeof *sources[i].decoder);
        segment_decoder_init(sources[i].decoder);
        sources[i].rows = x_alloc(1, sizeof *sources[i].rows);
        sources[i].events = x_alloc(BLOCK_ROWS, sizeof *sources[i].events);
        done = source_fill(&sources[i], err);
    }
    sources[count - 1] = (struct source){
        .events = tail, .count = tail_count, .ended = tail_count == 0};
    done = done && scan_sources(sources, count, out, err);
    for (size_t i = 0; i + 1 < count && sources[i].decoder; i++) {
        view->tail_rows_read += sources[i].decoder->rows_read;
        segment_decoder_release(sources[i].decoder);
        free(sources[i].decoder);
        free(sources[i].rows);
        free(sources[i].events);
    }
    free(sources);
    return done;
}

/* The tail's events of one day, sorted by venue; the caller frees. */
static struct presence_event *tail_of_day(const struct presence_view *view, int32_t day,
                                          size_t *ret_count)
{
    size_t total = 0, count = 0;
    for (size_t i = 0; i < view->run_count; i++)
        total += view->runs[i]->count;
    struct presence_event *events = x_alloc(total, sizeof *events);
    for (size_t i = 0; i < view->run_count; i++)
        for (size_t k = 0; k < view->runs[i]->count; k++)
            if (time_day_of_seconds(view->runs[i]->by_venue[k].time) == day &&
                !is_forgotten(view, view->runs[i]->by_venue[k].time))
                events[count++] = view->runs[i]->by_venue[k];
    events_sort(events, count, ORDER_VENUE);
    *ret_count = count;
    return events;
}

bool presence_scan(struct presence_view *view, int64_t first, int64_t last,
                   presence_visitor *visit, void *context, struct error *err)
{
    int32_t low, high;
    if (!presence_day_range(view, &low, &high) || last <= first)
        return true;
    first = first < 0 ? 0 : first;
    last = last > UINT32_MAX ? (int64_t)UINT32_MAX + 1 : last;
    if (time_day_of_seconds(first) > low)
        low = time_day_of_seconds(first);
    if (time_day_of_seconds(last - 1) < high)
        high = time_day_of_seconds(last - 1);
    struct scan_output *out = x_alloc(1, sizeof *out);
    out->first = first;
    out->last = last;
    out->visit = visit;
    out->context = context;
    bool done = true;
    for (int32_t day = low; done && day <= high; day++) {
        const struct catalog_day *found = catalog_find(view->catalog, day);
        size_t tail_count = 0;
        struct presence_event *tail =
            view->run_count ? tail_of_day(view, day, &tail_count) : NULL;
        if (found || tail_count)
            done = scan_day(view, found, tail, tail_count, out, err);
        free(tail);
    }
    free(out);
    return done;
}
