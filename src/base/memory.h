/* Memory: two words for one allocation, and arenas by lifetime.
 *
 * x_alloc is for our own, bounded sizes: it never returns NULL, the process ends with a report.
 * x_try_alloc is for sizes that come from outside: it returns NULL and the caller refuses.
 * An arena belongs to one thread at a time and is passed, never "current". */
#ifndef CHENGMAI_BASE_MEMORY_H
#define CHENGMAI_BASE_MEMORY_H

#include <stddef.h>

#include "base/error.h"

/* Zeroed memory of `count` × `size` bytes, aligned for any type; release with free(). */
void *x_alloc(size_t count, size_t size);
/* Grows or shrinks; new bytes are not zeroed. Never NULL. */
void *x_realloc(void *memory, size_t bytes);
/* As x_alloc, but NULL where memory or arithmetic does not suffice (also under fault sweep). */
void *x_try_alloc(size_t count, size_t size) MUST_USE;

struct arena_block;
struct arena_cleanup;
struct arena {
    struct arena_block *blocks;
    struct arena_cleanup *cleanups;
    size_t used_bytes;
    size_t max_bytes; /* passing it ends the process: an arena's size follows checked input */
};

/* An empty arena that may grow to `max_bytes`. */
void arena_init(struct arena *arena, size_t max_bytes);
/* `bytes` zeroed bytes, 16-byte aligned, living until clear or release. Never NULL. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* A NUL-terminated copy of `length` bytes. */
char *arena_copy(struct arena *arena, const char *data, size_t length);
/* printf into the arena. */
char *arena_print(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
/* `act(context)` runs at clear or release, last registered first. */
void arena_on_clear(struct arena *arena, void (*act)(void *), void *context);
/* Runs the clean-ups and forgets all; keeps one block for reuse. */
void arena_clear(struct arena *arena);
/* Runs the clean-ups and gives all memory back. Accepts a zeroed arena. */
void arena_release(struct arena *arena);

#endif
