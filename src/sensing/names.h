/* Names of a file, numbered in the order in which they come. */
#ifndef CHENGMAI_SENSING_NAMES_H
#define CHENGMAI_SENSING_NAMES_H

#include "base/base.h"

/* All zeroes is empty. Names live in the arena given with them, the rest until names_release. */
struct names {
    size_t count, slot_count, capacity;
    uint32_t *slots; /* number + 1, 0 where free; half of them at least are free */
    const char **texts;
};
/* The number of the name; it is taken in where it is new. At most 2^31 names. */
uint32_t names_number(struct names *names, struct slice name, struct arena *arena);
/* The texts by number, in the arena. */
const char **names_keep(const struct names *names, struct arena *arena);
void names_release(struct names *names);

#endif
