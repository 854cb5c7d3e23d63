/* Anonymous mappings with MADV_HUGEPAGE. */
#include "presence/pages.h"

#include <sys/mman.h>

#include "base/error.h"

enum { HUGE_BYTES = 2 << 20 };

void *pages_alloc(size_t bytes)
{
    void *memory = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    if (bytes >= HUGE_BYTES)
        madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: without it all is only slower */
    return memory;
}

void pages_free(void *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes ? bytes : 1);
}
