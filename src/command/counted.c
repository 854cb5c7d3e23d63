/* What is counted by: the areas of the city, and the area of each venue. */
#include <stdlib.h>

#include "command/command_internal.h"

const struct sql_text refresh_venues = {
    "refresh_venues",
    "SELECT venue_no, area_no, closed FROM venue WHERE venue_no > ?1 ORDER BY venue_no",
    "primary key"};

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void counted_areas_gather(struct registry *registry, int64_t city_no, struct arena *arena,
                          struct counted_areas *ret_areas)
{
    size_t capacity = 64;
    int64_t *areas = arena_alloc(arena, capacity * sizeof *areas);
    size_t count = 0;
    areas[count++] = city_no;
    for (size_t i = 0; i < count; i++) {
        const struct area **below;
        size_t below_count = registry_areas_under(registry, areas[i], arena, &below);
        if (count + below_count > capacity) {
            capacity = (count + below_count) * 2;
            int64_t *grown = arena_alloc(arena, capacity * sizeof *grown);
            memcpy(grown, areas, count * sizeof *grown);
            areas = grown;
        }
        for (size_t k = 0; k < below_count; k++)
            areas[count++] = below[k]->no;
    }
    qsort(areas, count, sizeof *areas, by_number);
    *ret_areas = (struct counted_areas){areas, count};
}

int32_t counted_area_index(const struct counted_areas *areas, int64_t area_no)
{
    const int64_t *found =
        bsearch(&area_no, areas->numbers, areas->count, sizeof *areas->numbers, by_number);
    if (found)
        return (int32_t)(found - areas->numbers);
    bool inside = area_no == 0 ||
                  (area_no > areas->numbers[0] && area_no <= area_range_last(areas->numbers[0]));
    return inside ? 0 : -1;
}

bool venue_areas_read(struct sql *sql, const struct counted_areas *areas, struct arena *arena,
                      struct venue_areas *ret_venues, struct error *err)
{
    struct sql_query *query;
    uint32_t capacity = 0;
    struct venue_areas venues = {.open = arena_alloc(arena, areas->count * sizeof *venues.open)};
    bool row, done = sql_begin(sql, &refresh_venues, SQL_ARGUMENTS(sql_int(0)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        uint32_t no = (uint32_t)sql_get_int(query, 0);
        if (no >= capacity) {
            capacity = no < UINT32_MAX / 2 ? no * 2 + 1024 : UINT32_MAX;
            venues.area = x_realloc(venues.area, (size_t)capacity * sizeof *venues.area);
        }
        while (venues.limit < no)
            venues.area[venues.limit++] = -1;
        int32_t index = counted_area_index(areas, sql_get_int(query, 1));
        venues.area[no] = index;
        venues.limit = no + 1;
        venues.last = no;
        if (index >= 0 && !sql_get_int(query, 2))
            venues.open[index]++;
    }
    if (!venues.area)
        venues.area = x_alloc(1, sizeof *venues.area);
    *ret_venues = venues;
    return done;
}

void venue_areas_release(struct venue_areas *venues)
{
    free(venues->area);
    venues->area = NULL;
}
