/* Venues with more later-positive visitors than their traffic explains.
 *
 *   positives ─by person─► (venue, household) pairs ─► venues with enough of them ─by venue─►
 *                                │                     visitors by town of home
 *   traffic ─────────────────────┴─► share of a category × ratio of a town ─► expected ─► exact
 *                                    tests, q
 *
 * Only what the positives visited is read: their own visits, and the traffic of venues that several
 * of them were at. All other venues count among the tests with p = 1. What the null is, what it
 * controls for and what it cannot tell: docs/detection.md "Venues straight from check-ins". */
#include <math.h>
#include <stdlib.h>

#include "feeds/feeds_internal.h"
#include "sensing/venue_excess.h"

/* A positive household at a venue before it was found: once, whoever of it came. */
struct pair {
    uint32_t venue, person;
    uint64_t household;
};
struct pairs {
    struct pair *items;
    size_t count, capacity;
};

struct span {
    size_t first, end;
};

struct finding {
    const struct feed_settings *settings;
    const struct places *places;
    const struct traffic *traffic;
    struct presence_view *view;
    struct pairs pairs; /* by (venue, household) */
    double all;         /* of pairs */
    double of_category[CATEGORY_SLOTS], *of_town;
    struct venue_row *rows;
    size_t row_count, row_capacity;
    struct span *spans; /* of pairs, a candidate */
    size_t candidates;
    uint32_t *visitors; /* of one venue */
    size_t visitor_count, visitor_capacity;
};

/* ---- Numerators: where the positives were */

struct visiting {
    struct finding *finding;
    const struct positive *positive;
};

static bool note_pairs(void *context, const struct presence_event *events, size_t count,
                       struct error *err)
{
    (void)err;
    struct visiting *visiting = context;
    struct finding *finding = visiting->finding;
    struct pairs *pairs = &finding->pairs;
    if (pairs->count + count > pairs->capacity) {
        pairs->capacity = 2 * (pairs->count + count);
        pairs->items = x_realloc(pairs->items, pairs->capacity * sizeof *pairs->items);
    }
    for (size_t i = 0; i < count; i++) {
        const struct venue_place *place = places_venue(finding->places, events[i].venue);
        if (place && !finding->settings->left_out[place->category] &&
            scan_flags_decision(events[i].flags) != SCAN_REFUSE)
            pairs->items[pairs->count++] = (struct pair){
                events[i].venue, visiting->positive->person, visiting->positive->household};
    }
    return true;
}

static int by_venue(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->venue != y->venue)
        return x->venue < y->venue ? -1 : 1;
    if (x->household != y->household)
        return x->household < y->household ? -1 : 1;
    return (x->person > y->person) - (x->person < y->person);
}

static void merge_pairs(struct pairs *pairs)
{
    size_t kept = 0;
    if (pairs->count)
        qsort(pairs->items, pairs->count, sizeof *pairs->items, by_venue);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *last = kept ? &pairs->items[kept - 1] : NULL;
        if (!last || last->venue != pairs->items[i].venue ||
            last->household != pairs->items[i].household)
            pairs->items[kept++] = pairs->items[i];
    }
    pairs->count = kept;
}

static bool gather_pairs(struct finding *finding, const struct positive *positives, size_t count,
                         struct error *err)
{
    const struct cluster_window *window = &finding->traffic->window;
    int64_t latent = finding->settings->number[NUMBER_CLUSTER_LATENT] * 3600;
    for (size_t i = 0; i < count; i++) {
        int64_t to = positives[i].at / SECOND - latent + 1;
        struct visiting visiting = {finding, &positives[i]};
        to = to < window->to ? to : window->to;
        if (positives[i].person < finding->traffic->person_limit &&
            finding->traffic->homes[positives[i].person] != UINT16_MAX && to > window->from &&
            !presence_by_person(finding->view, (struct person_no){positives[i].person},
                                window->from, to, note_pairs, &visiting, err))
            return false;
    }
    merge_pairs(&finding->pairs);
    for (size_t i = 0; i < finding->pairs.count; i++) {
        const struct pair *pair = &finding->pairs.items[i];
        const struct venue_place *place = places_venue(finding->places, pair->venue);
        finding->of_category[finding->traffic->slot[place->category]]++;
        finding->of_town[finding->traffic->homes[pair->person]]++;
        finding->all++;
    }
    return true;
}

/* ---- Denominators: who else was at those places */

static bool note_visitors(void *context, const struct presence_event *events, size_t count,
                          struct error *err)
{
    (void)err;
    struct finding *finding = context;
    if (finding->visitor_count + count > finding->visitor_capacity) {
        finding->visitor_capacity = 2 * (finding->visitor_count + count);
        finding->visitors =
            x_realloc(finding->visitors, finding->visitor_capacity * sizeof *finding->visitors);
    }
    for (size_t i = 0; i < count; i++)
        if (events[i].person < finding->traffic->person_limit &&
            finding->traffic->homes[events[i].person] != UINT16_MAX &&
            scan_flags_decision(events[i].flags) != SCAN_REFUSE)
            finding->visitors[finding->visitor_count++] = events[i].person;
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What a visitor from a town at a place of a category has as a share of later positives: that of
 * the category's traffic, times how the town's people compare with the city's. */
static double expected_share(const struct finding *finding, size_t category, size_t town)
{
    const struct traffic *traffic = finding->traffic;
    size_t slot = traffic->slot[category];
    double share = finding->of_category[slot] / traffic->of_category[slot];
    double ratio = finding->of_town[town] / traffic->of_town[town];
    ratio /= finding->all / traffic->pairs;
    return finding->of_town[town] == 0 ? 0 : fmin(1, share * ratio); /* x / 0: 1 */
}

/* Of the candidate that is being read. */
static void add_row(struct finding *finding, size_t category, size_t town, double visitors,
                    double positive)
{
    if (finding->row_count == finding->row_capacity) {
        finding->row_capacity = finding->row_capacity ? 2 * finding->row_capacity : 1024;
        finding->rows = x_realloc(finding->rows, finding->row_capacity * sizeof *finding->rows);
    }
    finding->rows[finding->row_count++] =
        (struct venue_row){.venue = (uint32_t)finding->candidates,
                           .stratum = (uint32_t)town,
                           .visitors = visitors,
                           .later_positive = positive,
                           .expected_share = expected_share(finding, category, town)};
}

/* One row a town of home. */
static bool read_candidate(struct finding *finding, struct span span, double *visitors,
                           double *positive, struct error *err)
{
    const struct cluster_window *window = &finding->traffic->window;
    uint32_t venue = finding->pairs.items[span.first].venue;
    const struct venue_place *place = places_venue(finding->places, venue);
    size_t towns = finding->places->area_count;
    finding->visitor_count = 0;
    if (!presence_by_venue(finding->view, (struct venue_no){venue}, window->from, window->to,
                           note_visitors, finding, err))
        return false;
    memset(visitors, 0, towns * sizeof *visitors);
    memset(positive, 0, towns * sizeof *positive);
    if (finding->visitor_count)
        qsort(finding->visitors, finding->visitor_count, sizeof *finding->visitors, by_value);
    for (size_t i = 0; i < finding->visitor_count; i++)
        if (!i || finding->visitors[i] != finding->visitors[i - 1])
            visitors[finding->traffic->homes[finding->visitors[i]]]++;
    for (size_t i = span.first; i < span.end; i++)
        positive[finding->traffic->homes[finding->pairs.items[i].person]]++;
    for (size_t town = 0; town < towns; town++)
        if (visitors[town] > 0)
            add_row(finding, place->category, town, visitors[town], positive[town]);
    finding->spans[finding->candidates++] = span;
    return true;
}

static bool read_candidates(struct finding *finding, struct error *err)
{
    const struct pairs *pairs = &finding->pairs;
    size_t least = (size_t)finding->settings->number[NUMBER_CLUSTER_LEAST];
    size_t towns = finding->places->area_count;
    double *counts = x_alloc(2 * towns, sizeof *counts);
    bool done = true;
    finding->spans = x_alloc(pairs->count / least + 1, sizeof *finding->spans);
    for (size_t i = 0, end; done && i < pairs->count; i = end) {
        for (end = i; end < pairs->count && pairs->items[end].venue == pairs->items[i].venue;)
            end++;
        if (end - i >= least)
            done = read_candidate(finding, (struct span){i, end}, counts, counts + towns, err);
    }
    free(counts);
    return done;
}

/* ---- What remains */

/* Positive households that two venues have in common, as a share of the smaller number. */
static double shared(const struct finding *finding, struct span a, struct span b)
{
    const struct pair *pairs = finding->pairs.items;
    size_t count = 0,
           smaller = a.end - a.first < b.end - b.first ? a.end - a.first : b.end - b.first;
    for (size_t i = a.first, k = b.first; i < a.end && k < b.end;) {
        count += pairs[i].household == pairs[k].household;
        bool forward = pairs[i].household <= pairs[k].household;
        k += pairs[k].household <= pairs[i].household;
        i += forward;
    }
    return (double)count / (double)smaller;
}

/* Named ones come in order of p: each is told with the first one that it shares its positives
 * with. */
static void join(const struct finding *finding, struct cluster *items, const struct span *spans,
                 size_t named)
{
    double most = (double)finding->settings->number[NUMBER_CLUSTER_SHARED] / 100;
    for (size_t i = 1; i < named; i++)
        for (size_t k = 0; k < i && !items[i].with; k++)
            if (!items[k].with && shared(finding, spans[k], spans[i]) >= most)
                items[i].with = items[k].venue;
}

static bool judge(const struct finding *finding, struct arena *arena, struct clusters *clusters,
                  struct error *err)
{
    double rate = (double)finding->settings->number[NUMBER_CLUSTER_FALSE] / 100;
    const char **names = arena_alloc(arena, (finding->candidates + 1) * sizeof *names);
    struct cluster *items = arena_alloc(arena, (finding->candidates + 1) * sizeof *items);
    struct span *spans = arena_alloc(arena, (finding->candidates + 1) * sizeof *spans);
    struct venue_excess *excess;
    for (size_t i = 0; i < finding->candidates; i++)
        names[i] = arena_print(arena, "%u", finding->pairs.items[finding->spans[i].first].venue);
    struct venue_counts counts = {.source = "check-ins",
                                  .row_count = finding->row_count,
                                  .venue_count = finding->candidates,
                                  .stratum_count = finding->places->area_count,
                                  .rows = finding->rows,
                                  .venues = names,
                                  .rowless = (size_t)clusters->venues - finding->candidates};
    if (!venue_excess(&counts, arena, &excess, err))
        return false;
    for (size_t i = 0; i < finding->candidates; i++) {
        struct venue_excess *e = &excess[i];
        spans[i] = finding->spans[e->venue];
        uint32_t venue = finding->pairs.items[spans[i].first].venue;
        items[i] = (struct cluster){.venue = venue,
                                    .area = (size_t)places_venue(finding->places, venue)->area,
                                    .visitors = e->visitors,
                                    .later_positive = e->later_positive,
                                    .expected = e->expected,
                                    .p = e->p,
                                    .q = e->q,
                                    .p_bonferroni = e->p_bonferroni,
                                    .named = e->q <= rate};
        clusters->named += items[i].named;
    }
    join(finding, items, spans, clusters->named);
    clusters->items = items;
    clusters->count = finding->candidates;
    return true;
}

/* All that could have been named: registered, of no category that is left out. */
static int64_t count_venues(const struct feed_settings *settings, const struct places *places)
{
    int64_t count = 0;
    for (uint32_t venue = 1; venue < places->venue_limit; venue++) {
        const struct venue_place *place = places_venue(places, venue);
        count += place && !settings->left_out[place->category];
    }
    return count;
}

bool clusters_find(const struct feed_settings *settings, const struct places *places,
                   const struct traffic *traffic, struct presence_view *view,
                   const struct positive *positives, size_t positive_count, struct arena *arena,
                   struct clusters *clusters, struct error *err)
{
    struct finding finding = {
        .settings = settings, .places = places, .traffic = traffic, .view = view};
    *clusters = (struct clusters){.positives = (int64_t)positive_count,
                                  .venues = count_venues(settings, places)};
    if (!traffic->days || !traffic->persons)
        return true;
    finding.of_town = x_alloc(places->area_count, sizeof *finding.of_town);
    bool done = gather_pairs(&finding, positives, positive_count, err) &&
                read_candidates(&finding, err) && judge(&finding, arena, clusters, err);
    free(finding.of_town);
    free(finding.pairs.items);
    free(finding.rows);
    free(finding.spans);
    free(finding.visitors);
    return done;
}

bool clusters_of_day(struct feeds *feeds, const struct places *places, struct sql *sql,
                     struct presence_view *view, int32_t last, int64_t days, struct arena *arena,
                     struct traffic *traffic, struct clusters *clusters, struct error *err)
{
    const struct feed_settings *settings = &feeds->settings;
    struct positive *positives;
    size_t count;
    *traffic = (struct traffic){.days = 0};
    timestamp from = time_day_start_seconds(last - (int32_t)days + 1) * SECOND;
    timestamp to = time_day_start_seconds(last + 1) * SECOND;
    if (!positives_read(places, sql, from, to, &positives, &count, err))
        return false;
    bool done =
        traffic_read(settings, places, sql, view, last, days, (uint64_t)last, traffic, err) &&
        clusters_find(settings, places, traffic, view, positives, count, arena, clusters, err);
    free(positives);
    if (!done)
        traffic_release(traffic);
    return done;
}
