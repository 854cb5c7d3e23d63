/* Radix sort of 64-bit keys. */
#ifndef CHENGMAI_PRESENCE_SORT_H
#define CHENGMAI_PRESENCE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts `keys` by their lowest `bits` bits (the rest must be zero); `scratch` holds as many. */
void radix_sort(uint64_t *keys, uint64_t *scratch, size_t count, unsigned bits);

#endif
