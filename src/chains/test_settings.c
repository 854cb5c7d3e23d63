/* Goal: policies/chains.yaml is taken as a whole, or refused with its place. */
#include "base/test_support.h"
#include "chains/chains_internal.h"
#include "policy/yaml.h"

static bool read_text(struct slice text, struct chains *chains, struct error *err)
{
    struct policy *policy;
    json_t *document;
    test_done_or_fail(policy_open(-1, &policy, err), err);
    test_done_or_fail(yaml_read(text, "chains.yaml", &document, err), err);
    *chains = (struct chains){.platform = NULL};
    bool done = chain_settings_read(document, policy, chains, err);
    json_decref(document);
    policy_free(policy);
    return done;
}

static void the_built_in_file_is_taken(void **state)
{
    (void)state;
    struct error err;
    struct chains chains;
    const struct embedded_file *file = embedded_find("policies/chains.yaml");
    assert_non_null(file);
    test_done_or_fail(read_text(file->content, &chains, &err), &err);
    assert_true(chains.held_count >= 4 && chains.held_at_count >= 1);
    assert_true(slice_equal(chains.held[0].scene, SLICE("isolation_stay")));
    assert_true(slice_equal(chains.held[0].stage, SLICE("staying")));
    for (int i = 0; i < CHAIN_NUMBERS; i++)
        assert_true(chains.number[i] > 0);
}

#define NUMBERS                                                                                    \
    "numbers:\n  generations: {value: 4, source: t}\n  cases: {value: 40, source: t}\n"            \
    "  sources: {value: 8, source: t}\n  looks: {value: 200, source: t}\n"                         \
    "  apart_hours: {value: 24, source: t}\n  least_percent: {value: 1, source: t}\n"

static void what_is_wrong_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field;
        int64_t row;
    } rows[] = {
        {"held: []\nheld_at: []\n", "numbers", 0},
        {NUMBERS "held_at: []\n", "held", 0},
        {NUMBERS "held: []\n", "held_at", 0},
        {NUMBERS "held: [here]\nheld_at: []\n", "held", 1},
        {NUMBERS "held: [{scene: a, stage: b, source: t}, {scene: a, source: t}]\nheld_at: []\n",
         "stage", 2},
        {NUMBERS "held: [{scene: a, stage: b, source: t, more: 1}]\nheld_at: []\n", "more", 1},
        {NUMBERS "held: [{scene: \"\", stage: b, source: t}]\nheld_at: []\n", "scene", 1},
        {NUMBERS "held: []\nheld_at: [castle]\n", "held_at", 1},
        {NUMBERS "held: []\nheld_at: []\nothers: 1\n", "others", 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct error err;
        struct chains chains;
        assert_false(read_text(slice_of(rows[i].text), &chains, &err));
        assert_int_equal(err.code, ERROR_BAD_VALUE);
        assert_string_equal(err.field, rows[i].field);
        assert_int_equal(err.row, rows[i].row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_file_is_taken),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
