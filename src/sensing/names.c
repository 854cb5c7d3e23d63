#include "sensing/names.h"

#include <stdlib.h>

static size_t slot_of(const struct names *names, struct slice name)
{
    size_t mask = names->slot_count - 1;
    size_t slot = random_mix(hash_crc32c(0, name.data, name.length)) & mask;
    while (names->slots[slot] && !slice_equal(slice_of(names->texts[names->slots[slot] - 1]), name))
        slot = (slot + 1) & mask;
    return slot;
}

static void grow(struct names *names)
{
    uint32_t *old = names->slots;
    names->slot_count = names->slot_count ? 2 * names->slot_count : 256;
    names->capacity = names->slot_count / 2;
    names->slots = x_alloc(names->slot_count, sizeof *names->slots);
    names->texts = x_realloc(names->texts, names->capacity * sizeof *names->texts);
    for (size_t i = 0; i < names->count; i++)
        names->slots[slot_of(names, slice_of(names->texts[i]))] = (uint32_t)i + 1;
    free(old);
}

uint32_t names_number(struct names *names, struct slice name, struct arena *arena)
{
    if (names->count == names->capacity)
        grow(names);
    size_t slot = slot_of(names, name);
    if (names->slots[slot] == 0) {
        REQUIRE(names->count < INT32_MAX);
        names->texts[names->count++] = arena_copy(arena, name.data, name.length);
        names->slots[slot] = (uint32_t)names->count;
    }
    return names->slots[slot] - 1;
}

const char **names_keep(const struct names *names, struct arena *arena)
{
    const char **kept = arena_alloc(arena, (names->count + 1) * sizeof *kept);
    if (names->count)
        memcpy(kept, names->texts, names->count * sizeof *kept);
    return kept;
}

void names_release(struct names *names)
{
    free(names->slots);
    free(names->texts);
    *names = (struct names){0};
}
