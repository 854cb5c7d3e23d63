/* Allocation words and arenas. An arena is a list of blocks, newest first; blocks double up to
 * 1 MiB. Under AddressSanitizer the unused rest of a block is poisoned. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define UNPOISON(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#else
#define POISON(address, bytes) ((void)(address), (void)(bytes))
#define UNPOISON(address, bytes) ((void)(address), (void)(bytes))
#endif

enum { BLOCK_BYTES_FIRST = 4096, BLOCK_BYTES_LIMIT = 1 << 20, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    size_t capacity;
    size_t used;
    size_t unused_; /* keeps data 16-byte aligned */
    char data[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*act)(void *);
    void *context;
};

static _Noreturn void out_of_memory(size_t count, size_t size)
{
    fprintf(stderr, "fatal: no memory for %zu x %zu bytes\n", count, size);
    abort();
}

static void *zeroed(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return calloc(1, bytes ? bytes : 1);
}

void *x_alloc(size_t count, size_t size)
{
    void *memory = zeroed(count, size);
    if (!memory)
        out_of_memory(count, size);
    return memory;
}

void *x_realloc(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes ? bytes : 1);
    if (!grown)
        out_of_memory(1, bytes);
    return grown;
}

void *x_try_alloc(size_t count, size_t size)
{
    if (fault_step(FAULT_ALLOCATION))
        return NULL;
    return zeroed(count, size);
}

void arena_init(struct arena *arena, size_t max_bytes)
{
    *arena = (struct arena){.max_bytes = max_bytes};
}

static struct arena_block *arena_grow(struct arena *arena, size_t bytes)
{
    size_t capacity = arena->blocks ? arena->blocks->capacity * 2 : BLOCK_BYTES_FIRST;
    if (capacity > BLOCK_BYTES_LIMIT)
        capacity = BLOCK_BYTES_LIMIT;
    if (capacity < bytes)
        capacity = bytes;
    struct arena_block *block = x_alloc(1, sizeof *block + capacity);
    block->capacity = capacity;
    block->next = arena->blocks;
    POISON(block->data, capacity);
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    REQUIRE(bytes <= SIZE_MAX - ALIGNMENT);
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    REQUIRE(bytes <= arena->max_bytes && arena->used_bytes <= arena->max_bytes - bytes);
    struct arena_block *block = arena->blocks;
    if (!block || block->capacity - block->used < bytes)
        block = arena_grow(arena, bytes);
    void *memory = block->data + block->used;
    UNPOISON(memory, bytes);
    memset(memory, 0, bytes);
    block->used += bytes;
    arena->used_bytes += bytes;
    return memory;
}

char *arena_copy(struct arena *arena, const char *data, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length)
        memcpy(copy, data, length);
    return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_on_clear(struct arena *arena, void (*act)(void *), void *context)
{
    struct arena_cleanup *cleanup = arena_alloc(arena, sizeof *cleanup);
    *cleanup = (struct arena_cleanup){arena->cleanups, act, context};
    arena->cleanups = cleanup;
}

static void run_cleanups(struct arena *arena)
{
    for (struct arena_cleanup *c = arena->cleanups; c; c = c->next)
        c->act(c->context);
    arena->cleanups = NULL;
}

void arena_clear(struct arena *arena)
{
    run_cleanups(arena);
    struct arena_block *kept = arena->blocks;
    if (kept) {
        struct arena_block *rest = kept->next;
        while (rest) {
            struct arena_block *next = rest->next;
            UNPOISON(rest->data, rest->capacity);
            free(rest);
            rest = next;
        }
        kept->next = NULL;
        kept->used = 0;
        POISON(kept->data, kept->capacity);
    }
    arena->used_bytes = 0;
}

void arena_release(struct arena *arena)
{
    arena_clear(arena);
    if (arena->blocks)
        UNPOISON(arena->blocks->data, arena->blocks->capacity);
    free(arena->blocks);
    arena->blocks = NULL;
}
