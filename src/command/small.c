/* Which counts of persons in an area are too small to be told to who sees no person (domain.md 11).
 *
 * An area is one of those of its parent, whose sum everybody is told: so a small count takes a
 * further one of its siblings with it (shown_counts_suppress), whichever of them is asked for. From
 * the city down; what a parent counts outside of its areas stands beside them as one more. Where a
 * parent is not told, one of its areas is not told either: their sum would tell it. */
#include "access/shown.h"
#include "command/command_internal.h"

static bool is_in(const struct area *area, int64_t area_no)
{
    return area_no >= area->no && area_no <= area_range_last(area->no);
}

void small_begin(struct small_counts *small, struct registry *registry, const struct area *city,
                 const struct area *area, struct arena *arena)
{
    *small = (struct small_counts){.city = city};
    for (const struct area *parent = city; parent != area && small->level_count < SMALL_LEVELS;) {
        struct small_level *level = &small->levels[small->level_count++];
        level->parent = parent;
        level->count = registry_areas_under(registry, parent->no, arena, &level->areas);
        level->values = arena_alloc(arena, (level->count + 1) * sizeof *level->values);
        level->own = 0;
        while (level->own < level->count && !is_in(level->areas[level->own], area->no))
            level->own++;
        if (level->own == level->count)
            return; /* of no area below: it stands beside them */
        parent = level->areas[level->own];
    }
}

void small_take(struct small_counts *small, int64_t area_no, size_t column, int64_t value)
{
    REQUIRE(column < SMALL_COLUMNS);
    if (is_in(small->city, area_no))
        small->whole[column] += value;
    for (size_t i = 0; i < small->level_count; i++) {
        struct small_level *level = &small->levels[i];
        size_t at = 0;
        if (!is_in(level->parent, area_no))
            return; /* nor in what is below */
        while (at < level->count && !is_in(level->areas[at], area_no))
            at++;
        level->values[at][column] += value;
    }
}

static bool hide_below(const struct small_level *level, size_t column, int64_t below,
                       bool parent_hidden, struct arena *arena)
{
    size_t count = level->count + 1, smallest = count;
    int64_t *counts = arena_alloc(arena, count * sizeof *counts);
    bool any = false, *hidden = arena_alloc(arena, count * sizeof *hidden);
    for (size_t i = 0; i < count; i++)
        counts[i] = level->values[i][column];
    (void)!shown_counts_suppress(counts, hidden, count, below);
    for (size_t i = 0; i < count; i++) {
        any |= hidden[i];
        if (counts[i] > 0 && (smallest == count || counts[i] < counts[smallest]))
            smallest = i;
    }
    return hidden[level->own] || (parent_hidden && !any && smallest == level->own);
}

void small_hide(const struct small_counts *small, int64_t below, struct arena *arena,
                bool hidden[SMALL_COLUMNS])
{
    for (size_t column = 0; column < SMALL_COLUMNS; column++) {
        int64_t whole = small->whole[column];
        hidden[column] = whole > 0 && whole < below;
        for (size_t i = 0; i < small->level_count; i++)
            hidden[column] = hide_below(&small->levels[i], column, below, hidden[column], arena);
    }
}
