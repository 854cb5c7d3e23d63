/* Traffic: how many distinct (person, venue) pairs the days of visits hold, by category of venue
 * and by town of home. Reading all of them would read the whole store; they are estimated from the
 * visits of sampled persons, drawn with replacement by a seed of the day, and taken two standard
 * errors below the estimate, so that what is expected of a venue is too much rather than too
 * little. Where the city has no more persons than the sample, all are read and nothing is
 * estimated. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "feeds/feeds_internal.h"

static const struct sql_text home_select = {
    "feeds_homes", "SELECT person_no, area_no FROM person WHERE area_no BETWEEN ?1 AND ?2",
    "person_by_area"};
static const struct sql_text person_last = {"feeds_person_last",
                                            "SELECT max(person_no) FROM person", "primary key"};

const struct sql_list traffic_statements = SQL_LIST(&home_select, &person_last);

/* A category with a greater relative error than this is pooled with the others of its kind, as is
 * one with few places: it would be compared with little but itself. */
static const double pooled_error = 0.25;

static bool read_homes(const struct places *places, struct sql *sql, struct traffic *traffic,
                       struct error *err)
{
    struct sql_query *query;
    int64_t last;
    bool row;
    REQUIRE(places->area_count < UINT16_MAX);
    if (!sql_one_int(sql, &person_last, NULL, 0, 0, &last, err))
        return false;
    traffic->person_limit = (uint32_t)last + 1;
    traffic->homes = x_alloc(traffic->person_limit, sizeof *traffic->homes);
    memset(traffic->homes, 0xff, traffic->person_limit * sizeof *traffic->homes);
    bool done =
        sql_begin(sql, &home_select, SQL_ARGUMENTS(sql_int(0), sql_int(INT64_MAX)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        traffic->homes[sql_get_int(query, 0)] =
            (uint16_t)places_town(places, sql_get_int(query, 1));
        traffic->persons++;
    }
    return done;
}

/* ---- The sample */

/* Sum and sum of squares, over persons, of a person's pairs. */
struct moments {
    double sum, squares;
};
struct sampling {
    const struct feed_settings *settings;
    const struct places *places;
    struct traffic *traffic;
    struct presence_view *view;
    uint32_t *venues; /* of one person */
    size_t count, capacity;
    struct moments all, *of_town, of_category[CATEGORY_SLOTS];
};

static bool note_venues(void *context, const struct presence_event *events, size_t count,
                        struct error *err)
{
    (void)err;
    struct sampling *sampling = context;
    if (sampling->count + count > sampling->capacity) {
        sampling->capacity = 2 * (sampling->count + count);
        sampling->venues =
            x_realloc(sampling->venues, sampling->capacity * sizeof *sampling->venues);
    }
    for (size_t i = 0; i < count; i++) {
        const struct venue_place *place = places_venue(sampling->places, events[i].venue);
        if (place && !sampling->settings->left_out[place->category] &&
            scan_flags_decision(events[i].flags) != SCAN_REFUSE)
            sampling->venues[sampling->count++] = events[i].venue;
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void add(struct moments *moments, double pairs)
{
    moments->sum += pairs;
    moments->squares += pairs * pairs;
}

static bool sample_person(struct sampling *sampling, uint32_t person, struct error *err)
{
    struct traffic *traffic = sampling->traffic;
    uint32_t of_category[CATEGORIES_MAX] = {0}, pairs = 0;
    sampling->count = 0;
    if (!presence_by_person(sampling->view, (struct person_no){person}, traffic->window.from,
                            traffic->window.to, note_venues, sampling, err))
        return false;
    if (sampling->count)
        qsort(sampling->venues, sampling->count, sizeof *sampling->venues, by_value);
    for (size_t i = 0; i < sampling->count; i++) {
        if (i && sampling->venues[i] == sampling->venues[i - 1])
            continue;
        of_category[places_venue(sampling->places, sampling->venues[i])->category]++;
        pairs++;
    }
    traffic->sampled++;
    add(&sampling->all, pairs);
    add(&sampling->of_town[traffic->homes[person]], pairs);
    for (size_t c = 0; c < CATEGORIES_MAX; c++)
        if (of_category[c])
            add(&sampling->of_category[c], of_category[c]);
    return true;
}

static bool draw_sample(struct sampling *sampling, int64_t wanted, uint64_t seed, struct error *err)
{
    struct traffic *traffic = sampling->traffic;
    struct random random;
    if (traffic->persons <= wanted) {
        for (uint32_t person = 1; person < traffic->person_limit; person++)
            if (traffic->homes[person] != UINT16_MAX && !sample_person(sampling, person, err))
                return false;
        return true;
    }
    random_init(&random, seed, (uint64_t)traffic->window.last);
    while (traffic->sampled < wanted) {
        uint32_t person = 1 + random_below(&random, traffic->person_limit - 1);
        if (traffic->homes[person] != UINT16_MAX && !sample_person(sampling, person, err))
            return false;
    }
    return true;
}

/* ---- The estimates */

static double relative_error(const struct traffic *traffic, struct moments m)
{
    if (m.sum == 0 || traffic->sampled == traffic->persons)
        return 0;
    double variance = m.squares - m.sum * m.sum / (double)traffic->sampled;
    return sqrt(fmax(0, variance)) / m.sum;
}

/* In the city, at least. */
static double scaled(const struct traffic *traffic, struct moments m)
{
    double estimate = m.sum * (double)traffic->persons / (double)traffic->sampled;
    return estimate * fmax(0, 1 - 2 * relative_error(traffic, m));
}

static void estimate(struct sampling *sampling)
{
    struct traffic *traffic = sampling->traffic;
    struct moments *pooled = &sampling->of_category[POOLED];
    int64_t venues[CATEGORIES_MAX] = {0};
    for (uint32_t venue = 1; venue < sampling->places->venue_limit; venue++) {
        const struct venue_place *place = places_venue(sampling->places, venue);
        if (place)
            venues[place->category]++;
    }
    for (size_t c = 0; c < CATEGORIES_MAX; c++) {
        struct moments m = sampling->of_category[c];
        bool alone = venues[c] >= sampling->settings->number[NUMBER_CLUSTER_CATEGORY] &&
                     m.sum > 0 && relative_error(traffic, m) <= pooled_error;
        traffic->slot[c] = alone ? (uint16_t)c : POOLED;
        if (!alone) { /* squares of a person's sum are at most twice those of two parts */
            pooled->sum += m.sum;
            pooled->squares += 2 * m.squares;
        }
    }
    for (size_t c = 0; c < CATEGORY_SLOTS; c++)
        traffic->of_category[c] = scaled(traffic, sampling->of_category[c]);
    for (size_t t = 0; t < sampling->places->area_count; t++)
        traffic->of_town[t] = scaled(traffic, sampling->of_town[t]);
    traffic->pairs = sampling->all.sum * (double)traffic->persons / (double)traffic->sampled;
}

static bool sample(const struct feed_settings *settings, const struct places *places,
                   struct presence_view *view, uint64_t seed, struct traffic *traffic,
                   struct error *err)
{
    struct sampling sampling = {
        .settings = settings, .places = places, .traffic = traffic, .view = view};
    traffic->of_town = x_alloc(places->area_count + 1, sizeof *traffic->of_town);
    if (!traffic->persons)
        return true;
    sampling.of_town = x_alloc(places->area_count + 1, sizeof *sampling.of_town);
    bool done = draw_sample(&sampling, settings->number[NUMBER_CLUSTER_SAMPLED], seed, err);
    if (done)
        estimate(&sampling);
    free(sampling.of_town);
    free(sampling.venues);
    return done;
}

bool traffic_read(const struct feed_settings *settings, const struct places *places,
                  struct sql *sql, struct presence_view *view, int32_t last, int64_t days,
                  uint64_t seed, struct traffic *traffic, struct error *err)
{
    *traffic = (struct traffic){.window = {.first = last - (int32_t)days + 1, .last = last}};
    traffic->window.from = time_day_start_seconds(traffic->window.first);
    traffic->window.to = time_day_start_seconds(last + 1);
    for (int32_t day = traffic->window.first; day <= last; day++)
        traffic->days += presence_day_count(view, day) > 0;
    if (!traffic->days || !places->area_count)
        return true;
    if (read_homes(places, sql, traffic, err) && sample(settings, places, view, seed, traffic, err))
        return true;
    traffic_release(traffic);
    return false;
}

void traffic_release(struct traffic *traffic)
{
    free(traffic->homes);
    free(traffic->of_town);
    *traffic = (struct traffic){.days = 0};
}
