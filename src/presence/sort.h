/* Radix sort of 64-bit keys. */
#ifndef CHENGMAI_PRESENCE_SORT_H
#define CHENGMAI_PRESENCE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts `keys` by their lowest `bits` bits (the rest must be zero); `scratch` holds as many. */
void radix_sort(uint64_t *keys, uint64_t *scratch, size_t count, unsigned bits);
/* Sorts by (the bits from `high_at` up to `bits`, the bits from `low_at` up to `high_at`, the
 * bits below): the same order as radix_sort, faster for keys that come in order of their middle
 * part, or where the upper two parts together leave few equals. */
void radix_sort_parts(uint64_t *keys, uint64_t *scratch, size_t count, unsigned low_at,
                      unsigned high_at, unsigned bits);

#endif
