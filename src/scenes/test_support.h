/* What the tests of scenes share: a text is read and proved, its findings are compared with the
 * marks "# expect: RULE" in it, line by line. */
#ifndef CHENGMAI_SCENES_TEST_SUPPORT_H
#define CHENGMAI_SCENES_TEST_SUPPORT_H

#include "base/test_support.h"
#include "scenes/scenes.h"

struct bench {
    struct policy *policy;
    struct arena arena;
    struct scene_folder *folder;
};

static inline void bench_begin(struct bench *bench, struct policy *policy)
{
    struct error err;
    bench->policy = policy;
    arena_init(&bench->arena, (size_t)1 << 30);
    test_done_or_fail(scene_folder_open(-1, policy, &bench->arena, &bench->folder, &err), &err);
}
static inline void bench_end(struct bench *bench)
{
    arena_release(&bench->arena);
}

/* Reads and proves; the scene stands in the folder afterwards. */
static inline struct scene *bench_check(struct bench *bench, struct slice text,
                                        struct scene_findings *findings)
{
    struct scene *scene;
    scene_findings_init(findings, &bench->arena);
    scene_read(text, bench->policy, &bench->arena, &scene, findings);
    if (scene) {
        scene_folder_put(bench->folder, scene);
        scene_verify(scene, bench->folder, findings);
    }
    return scene;
}

static inline size_t findings_of(const struct scene_findings *findings, int line, const char *rule)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].line == line &&
                 strcmp(scene_rule_name(findings->items[i].rule), rule) == 0;
    return count;
}

static inline const char *findings_text(struct arena *arena,
                                        const struct scene_findings *findings)
{
    const char *text = "";
    for (size_t i = 0; i < findings->count; i++)
        text = arena_print(arena, "%s\n  %d: %s: %s", text, findings->items[i].line,
                           scene_rule_name(findings->items[i].rule), findings->items[i].message);
    return text;
}

/* The mark "# expect: RULE RULE …" of a line into `rules`; how many. */
static inline size_t marks_of(struct slice line, char rules[4][40])
{
    static const char mark[] = "# expect:";
    size_t count = 0;
    const char *at = memmem(line.data, line.length, mark, sizeof mark - 1);
    const char *end = line.data + line.length;
    for (at = at ? at + sizeof mark - 1 : end; at < end && count < 4; count++) {
        while (at < end && *at == ' ')
            at++;
        size_t length = 0;
        while (at + length < end && at[length] != ' ')
            length++;
        if (length == 0)
            break;
        text_copy(rules[count], sizeof rules[count], (struct slice){at, length});
        at += length;
    }
    return count;
}

/* Every mark is found at its line (a syntax mark at its line or one beside it); with `exactly`
 * nothing else is. `name` says in failures which text it is. */
static inline void expect_marks(struct bench *bench, const char *name, struct slice text,
                                bool exactly)
{
    struct scene_findings findings;
    size_t marked = 0;
    int number = 1;
    bench_check(bench, text, &findings);
    for (const char *at = text.data, *end = text.data + text.length; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        char rules[4][40];
        size_t count = marks_of((struct slice){at, (size_t)(stop - at)}, rules);
        for (size_t i = 0; i < count; i++, marked++) {
            int near = strcmp(rules[i], "syntax") == 0;
            size_t found = 0;
            for (int line = number - near; line <= number + near; line++)
                found += findings_of(&findings, line, rules[i]);
            if (!found)
                fail_msg("%s:%d: %s is not found; found:%s\n%.*s", name, number, rules[i],
                         findings_text(&bench->arena, &findings), SLICE_ARG(text));
        }
        at = stop + 1;
    }
    if ((exactly || marked == 0) && findings.count != marked)
        fail_msg("%s: %zu expected, found:%s\n%.*s", name, marked,
                 findings_text(&bench->arena, &findings), SLICE_ARG(text));
    for (size_t i = 1; i < findings.count; i++)
        assert_true(findings.items[i - 1].line <= findings.items[i].line);
}

/* The text with the first `from` replaced by `to`. */
static inline struct slice with(struct arena *arena, struct slice text, const char *from,
                                const char *to)
{
    const char *at = memmem(text.data, text.length, from, strlen(from));
    if (!at)
        fail_msg("'%s' does not stand in the text", from);
    size_t before = (size_t)(at - text.data);
    const char *after = at + strlen(from);
    return slice_of(arena_print(arena, "%.*s%s%.*s", (int)before, text.data, to,
                                (int)(text.length - before - strlen(from)), after));
}

static inline int open_policy(void **state)
{
    struct error err;
    struct policy *policy;
    test_done_or_fail(policy_open(-1, &policy, &err), &err);
    *state = policy;
    return 0;
}
static inline int close_policy(void **state)
{
    policy_free(*state);
    return 0;
}

#endif
