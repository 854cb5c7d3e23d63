/* The city's areas and venues by number, so that what is counted by venue or person is told by
 * area. */
#include <stdlib.h>

#include "feeds/feeds_internal.h"

static const struct sql_text area_select = {
    "feeds_areas", "SELECT area_no FROM area WHERE area_no BETWEEN ?1 AND ?2 ORDER BY area_no",
    "small table"};
static const struct sql_text venue_select = {
    "feeds_venues",
    "SELECT venue_no, area_no, category, closed FROM venue WHERE venue_no > ?1 ORDER BY venue_no",
    "primary key"};
static const struct sql_text venue_last = {"feeds_venue_last", "SELECT max(venue_no) FROM venue",
                                           "primary key"};

const struct sql_list place_statements = SQL_LIST(&area_select, &venue_select, &venue_last);

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static const int64_t *find(const struct places *places, int64_t area_no)
{
    return bsearch(&area_no, places->areas, places->area_count, sizeof area_no, by_number);
}

size_t places_area(const struct places *places, int64_t area_no)
{
    const int64_t *found = find(places, area_no);
    return found ? (size_t)(found - places->areas) : 0;
}

size_t places_town(const struct places *places, int64_t area_no)
{
    enum { TOWN = 3 };
    int64_t below = ((int64_t)1 << AREA_LEVEL_BITS) - 1;
    return places_area(places, area_level(area_no) > TOWN ? area_no & ~below : area_no);
}

const struct venue_place *places_venue(const struct places *places, uint32_t venue)
{
    return venue < places->venue_limit && places->venues[venue].area >= 0 ? &places->venues[venue]
                                                                          : NULL;
}

static bool read_areas(struct sql *sql, int64_t city_no, struct places *places, struct error *err)
{
    struct sql_query *query;
    size_t capacity = 0;
    bool row, done = sql_begin(sql, &area_select,
                               SQL_ARGUMENTS(sql_int(city_no), sql_int(area_range_last(city_no))),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (places->area_count == capacity) {
            capacity = capacity ? 2 * capacity : 128;
            places->areas = x_realloc(places->areas, capacity * sizeof *places->areas);
        }
        places->areas[places->area_count++] = sql_get_int(query, 0);
    }
    return done;
}

/* A venue whose area is not known counts as the city's; one of another city is none. */
static int32_t area_of_venue(const struct places *places, int64_t area_no)
{
    const int64_t *found = find(places, area_no);
    if (found)
        return (int32_t)(found - places->areas);
    return area_no == 0 ? 0 : -1;
}

static bool read_venues(struct sql *sql, struct places *places, struct error *err)
{
    struct sql_query *query;
    int64_t last;
    bool row;
    if (!sql_one_int(sql, &venue_last, NULL, 0, 0, &last, err))
        return false;
    places->venue_limit = (uint32_t)last + 1;
    places->venues = x_alloc(places->venue_limit, sizeof *places->venues);
    for (uint32_t v = 0; v < places->venue_limit; v++)
        places->venues[v].area = -1;
    bool done = sql_begin(sql, &venue_select, SQL_ARGUMENTS(sql_int(0)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct venue_place *venue = &places->venues[sql_get_int(query, 0)];
        venue->area = area_of_venue(places, sql_get_int(query, 1));
        venue->category = (uint8_t)policy_category_of(places->policy, sql_get_text(query, 2));
        venue->open = !sql_get_int(query, 3);
    }
    return done;
}

bool places_read(struct platform *platform, struct sql *sql, struct places *places,
                 struct error *err)
{
    const struct area *city = registry_city(platform->registry);
    *places = (struct places){.policy = platform->policy};
    if (!city) /* nothing is known of it */
        return true;
    if (read_areas(sql, city->no, places, err) && read_venues(sql, places, err)) {
        REQUIRE(places->area_count && places->areas[0] == city->no);
        return true;
    }
    places_release(places);
    return false;
}

void places_release(struct places *places)
{
    free(places->areas);
    free(places->venues);
    *places = (struct places){.area_count = 0};
}
