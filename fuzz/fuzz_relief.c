/* Firms as `policy relief` takes them, and rules as a city may write them: refused with words, or
 * decided, each rule in one of three ways. The first byte says which of the two it is. */
#include "policy/relief.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(const struct relief *relief, struct slice text, struct arena *arena)
{
    struct error err = {0};
    struct relief_firm *firms;
    size_t count;
    if (!relief_firms_read(relief, text, "fuzz", arena, &firms, &count, &err)) {
        REQUIRE(err.code != ERROR_NONE && err.what[0]);
        return;
    }
    for (size_t i = 0; i < count && i < 16; i++) {
        struct relief_answer *answers;
        relief_decide(relief, &firms[i], 19096, arena, &answers);
        for (size_t r = 0; r < relief_rule_count(relief); r++) {
            bool unknown = answers[r].state == RELIEF_UNKNOWN;
            REQUIRE(unknown == (answers[r].missing_count > 0));
            REQUIRE(unknown == (answers[r].reason_count == 0));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct relief *built_in;
    struct relief *relief;
    struct error err = {0};
    struct arena arena;
    if (!size)
        return 0;
    struct slice text = {(const char *)data + 1, size - 1};
    arena_init(&arena, (size_t)1 << 30);
    if (!built_in)
        REQUIRE(relief_open(-1, &built_in, &err));
    if (data[0] != 'r') {
        decide(built_in, text, &arena);
    } else if (relief_read(text, "fuzz", &relief, &err)) {
        decide(relief, SLICE("{\"code\":\"A\"}"), &arena);
        relief_free(relief);
    } else {
        REQUIRE(err.code != ERROR_NONE && err.what[0]);
    }
    arena_release(&arena);
    return 0;
}
