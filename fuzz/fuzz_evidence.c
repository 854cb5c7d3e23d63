/* Evidence as `policy decide` takes it: refused with a place, or decided; the order of pieces and
 * their later neighbours change nothing. */
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rule_set *rules(void)
{
    static struct policy *policy;
    struct error err;
    if (!policy)
        REQUIRE(policy_open(-1, &policy, &err));
    return policy_rules(policy, SLICE("jiangsu_2022_ed8"));
}

static void decide(const struct evidence *pieces, size_t count, timestamp at, struct arena *arena)
{
    struct decision first, again;
    struct evidence *turned = arena_alloc(arena, (count + 1) * sizeof *turned);
    size_t known = 0;
    for (size_t i = count; i-- > 0;)
        if (pieces[i].recorded_at <= at)
            turned[known++] = pieces[i];
    policy_decide(rules(), pieces, count, at, true, arena, &first);
    policy_decide(rules(), turned, known, at, true, arena, &again);
    REQUIRE(first.color == again.color && first.since == again.since);
    REQUIRE(first.until == again.until && first.next_color == again.next_color);
    REQUIRE(first.reason_count == again.reason_count);
    REQUIRE(first.ignored_count == again.ignored_count);
    REQUIRE(first.since == TIMESTAMP_NONE || first.since <= at);
    REQUIRE(first.until == TIMESTAMP_NONE || first.until > at);
    REQUIRE(first.color <= COLOR_RED && first.next_color <= COLOR_RED);
    REQUIRE(first.color == COLOR_GREEN || first.reason_count > 0);
    for (size_t i = 0; i < first.reason_count; i++)
        REQUIRE(first.reasons[i].words.zh[0] && first.reasons[i].words.en[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *document;
    struct error err = {0};
    struct arena arena;
    struct evidence *pieces;
    const char **ids;
    size_t count;
    if (!json_read((struct slice){(const char *)data, size}, "fuzz", &document, &err))
        return 0;
    arena_init(&arena, (size_t)256 << 20);
    if (evidence_from_json(document, &arena, &pieces, &count, &ids, &err)) {
        timestamp at = 1649917800 * SECOND;
        decide(pieces, count, at, &arena);
        for (size_t i = 0; i < count && i < 8; i++) {
            decide(pieces, count, pieces[i].recorded_at, &arena);
            decide(pieces, count, pieces[i].at - 1, &arena);
        }
    } else {
        REQUIRE(err.code != ERROR_NONE && err.what[0]);
    }
    json_decref(document);
    arena_release(&arena);
    return 0;
}
