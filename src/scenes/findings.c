/* Findings: collected in any order, shown in the order of lines. */
#include <stdarg.h>
#include <stdlib.h>

#include "scenes/scenes_internal.h"

enum { MESSAGE_BYTES = 600, FINDINGS_MAX = 2000 };

static const char *const rule_names[SCENE_RULE_COUNT] = {
#define X(id, name) [id] = name,
    SCENE_RULE_TABLE(X)
#undef X
};

const char *scene_rule_name(enum scene_rule rule)
{
    REQUIRE(rule < SCENE_RULE_COUNT);
    return rule_names[rule];
}

void scene_findings_init(struct scene_findings *findings, struct arena *arena)
{
    *findings = (struct scene_findings){.arena = arena};
}

/* The words quote the file: one line of well-formed text without control characters. */
static const char *clean(struct arena *arena, const char *text)
{
    char message[MESSAGE_BYTES];
    text_copy(message, sizeof message, slice_of(text));
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    return arena_copy(arena, message, strlen(message));
}

static void append(struct scene_findings *findings, struct scene_finding finding)
{
    if (findings->count == FINDINGS_MAX)
        return; /* the last one says so */
    if (findings->count == FINDINGS_MAX - 1)
        finding = (struct scene_finding){.line = finding.line,
                                         .rule = finding.rule,
                                         .message = "and more: mend the findings above first"};
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity ? findings->capacity * 2 : 16;
        struct scene_finding *items = arena_alloc(findings->arena, capacity * sizeof *items);
        if (findings->count)
            memcpy(items, findings->items, findings->count * sizeof *items);
        findings->items = items;
        findings->capacity = capacity;
    }
    findings->items[findings->count++] = finding;
}

void scene_find(struct scene_findings *findings, int line, enum scene_rule rule,
                const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(findings, (struct scene_finding){
                         .line = line, .rule = rule, .message = clean(findings->arena, text)});
}

void scene_find_path(struct scene_findings *findings, int line, enum scene_rule rule,
                     const char *const *path, size_t path_count, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(findings, (struct scene_finding){.line = line,
                                            .rule = rule,
                                            .message = clean(findings->arena, text),
                                            .path = path,
                                            .path_count = path_count});
}

/* By line, then rule, then words. */
static int compare(const void *a, const void *b)
{
    const struct scene_finding *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->rule != y->rule)
        return x->rule < y->rule ? -1 : 1;
    return strcmp(x->message, y->message);
}

void scene_findings_order(struct scene_findings *findings)
{
    size_t kept = 0;
    if (findings->count)
        qsort(findings->items, findings->count, sizeof *findings->items, compare);
    for (size_t i = 0; i < findings->count; i++)
        if (kept == 0 || compare(&findings->items[kept - 1], &findings->items[i]) != 0)
            findings->items[kept++] = findings->items[i];
    findings->count = kept;
}

/* ---- Guessing what was meant */

enum { GUESS_BYTES = 48 };

/* Number of letters to put in, take out, change or swap (optimal string alignment distance). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][GUESS_BYTES + 1], n = strlen(a), m = strlen(b);
    if (n > GUESS_BYTES || m > GUESS_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = above[j] < row[j - 1] ? above[j] + 1 : row[j - 1] + 1;
            if (change < row[j])
                row[j] = change;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

const char *scene_guess(struct arena *arena, const char *word, const char *const *words,
                        size_t count)
{
    const char *best = NULL;
    size_t least = strlen(word) < 5 ? 2 : 3; /* nearer than this */
    for (size_t i = 0; i < count; i++) {
        size_t far = distance(word, words[i]);
        if (far < least) {
            least = far;
            best = words[i];
        }
    }
    return best ? arena_print(arena, " (did you mean '%s'?)", best) : "";
}
