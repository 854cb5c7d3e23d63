/* Guards leave no case out: for an event, and for hands where nothing else comes. Each row is
 * what the transitions of one stage may be; a case that is left out is found at the first of
 * them. */
#include "scenes/test_trip.h"

/* ---- Guards: what stage b's transitions may be */

struct guards {
    bool covered;
    const char *next; /* lines of `next`; the first is where the finding is */
};

static void check_guards(struct policy *policy, const struct guards *rows, size_t count,
                         const char *subject)
{
    struct bench bench;
    bench_begin(&bench, policy);
    for (size_t i = 0; i < count; i++) {
        const char *stop = strchr(rows[i].next, '\n');
        struct slice text = with(
            &bench.arena, slice_of(good), "      - {to: c, by: [owner]}\n",
            rows[i].covered ? rows[i].next
                            : arena_print(&bench.arena, "%.*s  # expect: guards-not-exhaustive%s",
                                          (int)(stop - rows[i].next), rows[i].next, stop));
        if (strcmp(subject, "vehicle") != 0) {
            text = with(&bench.arena, text, "subject: vehicle",
                        arena_print(&bench.arena, "subject: %s", subject));
            text = with(&bench.arena, text, "escalate:", "retention: 28d\nescalate:");
        }
        expect_marks(&bench, rows[i].next, text, true);
    }
    bench_end(&bench);
}

#define ON(condition) "      - {to: c, on: pass.expired, when: [" condition "]}\n"
#define BY(condition) "      - {to: c, by: [owner], when: [" condition "]}\n"
#define GIVE(field, condition)                                                                     \
    "      - {to: c, by: [owner], require: [" field "], when: [" condition "]}\n"

static const struct guards event_guards[] = {
    {true, "      - {to: c, on: pass.expired}\n"},
    {false, ON("{field: seal_no, is: present}")},
    {false, ON("{field: seal_no, is: absent}")},
    {true, ON("{field: seal_no, is: present}") ON("{field: seal_no, is: absent}")},
    /* that somebody acted, and that nobody did, are one question */
    {true, ON("{acted: a, is: present}") ON("{acted: a, is: absent}")},
    {true, ON("{acted: a, is: absent}") ON("{not: {acted: a, is: absent}}")},
    {true, ON("{any: [{acted: a, is: absent}, {acted: a, is: present}]}")},
    {false, ON("{acted: a, is: present}") ON("{not: {acted: a, is: absent}}")},
    {false, ON("{acted: a, is: absent}") ON("{not: {acted: a, is: present}}")},
    {false, ON("{acted: a, is: absent}, {acted: a, is: present}")},
    {true, ON("{field: seal_no, is: present}") ON("{not: {field: seal_no, is: present}}")},
    {true, ON("{any: [{field: seal_no, is: absent}, {field: seal_no, is: present}]}")},
    {false, ON("{field: seal_no, is: absent}, {field: seal_no, is: present}")},
    /* kind is always set at b: its values are all cases */
    {true, ON("{field: kind, eq: food}") ON("{field: kind, eq: steel}")},
    {true, ON("{field: kind, eq: food}") ON("{field: kind, ne: food}")},
    {true, ON("{field: kind, in: [food, steel]}")},
    {true, ON("{field: kind, is: present}")},
    {false, ON("{field: kind, eq: food}")},
    /* count may be absent, and a comparison with it is false then */
    {false, ON("{field: count, lt: 3}") ON("{field: count, ge: 3}")},
    {true, ON("{field: count, lt: 3}") ON("{field: count, ge: 3}")
               ON("{field: count, is: absent}")},
    {true, ON("{field: count, lt: 3}") ON("{not: {field: count, lt: 3}}")},
    {true, ON("{field: count, le: 3}") ON("{field: count, gt: 3}")
               ON("{field: count, is: absent}")},
    {false, ON("{field: count, lt: 3}") ON("{field: count, gt: 3}")
                ON("{field: count, is: absent}")},
    {true, ON("{field: count, lt: 3}") ON("{field: count, gt: 3}")
               ON("{field: count, eq: 3}") ON("{field: count, is: absent}")},
    /* between 3 and 4 there is no whole number, above 9 and below 0 no count */
    {true, ON("{field: count, le: 3}") ON("{field: count, ge: 4}")
               ON("{field: count, is: absent}")},
    {false, ON("{field: count, le: 3}") ON("{field: count, ge: 5}")
                ON("{field: count, is: absent}")},
    {true, ON("{field: count, le: 9}") ON("{field: count, is: absent}")},
    {true, ON("{field: count, ge: 0}") ON("{field: count, is: absent}")},
    {false, ON("{field: count, le: 8}") ON("{field: count, is: absent}")},
    {true, ON("{field: count, in: [0, 1, 2, 3, 4]}") ON("{field: count, gt: 4}")
               ON("{field: count, is: absent}")},
    {true, ON("{field: leave_by, lt: \"2022-04-14T00:00:00+08:00\"}")
               ON("{field: leave_by, ge: \"2022-04-14T00:00:00+08:00\"}")},
    {false, ON("{field: leave_by, lt: \"2022-04-14T00:00:00+08:00\"}")
                ON("{field: leave_by, gt: \"2022-04-14T00:00:00+08:00\"}")},
    {false, ON("{field: seal_no, eq: x}") ON("{field: seal_no, eq: y}")
                ON("{field: seal_no, is: absent}")},
    {true, ON("{field: seal_no, eq: x}") ON("{field: seal_no, ne: x}")
               ON("{field: seal_no, is: absent}")},
    {true, ON("{field: crew, is: present}") ON("{field: crew, is: absent}")},
    /* free questions are yes or no */
    {false, ON("{elapsed: 2h, since: opened}")},
    {true, ON("{elapsed: 2h, since: opened}") ON("{not: {elapsed: 2h, since: opened}}")},
    {false, ON("{elapsed: 2h, since: opened}") ON("{not: {elapsed: 3h, since: opened}}")},
    {true, ON("{acted: a, is: present}") ON("{not: {acted: a, is: present}}")},
    {false, ON("{area_risk: [low], of: gate}")},
    {false, ON("{children: closed}")},
    /* what the event brings may be missing, and it may be asked without being a field */
    {false, ON("{field: pass_no, is: present}")},
    {true, ON("{field: pass_no, is: present}") ON("{field: pass_no, is: absent}")},
    /* two events are two questions, and so is an event about something else */
    {false, ON("{field: seal_no, is: present}")
            "      - {to: c, on: checkpoint.scanned, when: [{field: seal_no, is: absent}]}"
            "  # expect: guards-not-exhaustive\n"},
    /* a hand without a guard, or a time that always comes, is a way */
    {true, ON("{field: seal_no, is: present}") "      - {to: c, by: [owner]}\n"},
    {true, ON("{field: seal_no, is: present}") "      - {to: c, after: 1h}\n"},
    {false, ON("{field: seal_no, is: present}") BY("{field: seal_no, is: present}")},
    {false, ON("{field: seal_no, is: present}")
            "      - {to: c, after: 1h, when: [{field: count, is: present}]}\n"},
    {true, ON("{field: seal_no, is: present}")
           "      - {to: c, after: 1h, when: [{field: kind, is: present}]}\n"},
    {true, ON("{field: seal_no, is: present}")
           "      - {to: c, after: 1h, when: [{field: count, is: present}]}\n"
           "      - {to: end, after: 1h, when: [{field: count, is: absent}]}\n"},
    {false, ON("{field: seal_no, is: present}")
            "      - {to: c, after: 1h, when: [{field: count, is: present}]}\n"
            "      - {to: end, after: 2h, when: [{field: count, is: absent}]}\n"},
};

static void an_event_must_always_find_a_way(void **state)
{
    check_guards(*state, event_guards, ROWS(event_guards), "vehicle");
}

static void somebody_can_always_act_where_nothing_else_comes(void **state)
{
    static const struct guards rows[] = {
        {true, "      - {to: c, by: [owner], require: [seal_no]}\n"},
        {false, BY("{field: seal_no, is: present}")},
        {true, BY("{field: seal_no, is: present}") BY("{field: seal_no, is: absent}")},
        {true, GIVE("seal_no", "{field: seal_no, is: present}")},
        {false, GIVE("seal_no", "{field: seal_no, is: absent}")},
        {true, GIVE("kind", "{field: kind, eq: food}") GIVE("kind", "{field: kind, eq: steel}")},
        {false, GIVE("kind", "{field: kind, eq: food}")},
        {false, GIVE("count", "{field: count, lt: 3}")},
        {true, GIVE("count", "{field: count, lt: 3}") GIVE("count", "{field: count, ge: 3}")},
        {true, BY("{separate_hands: [a]}")},
        {true, BY("{children: closed}")},
        {true, BY("{elapsed: 2h, since: opened}")},
        {true, BY("{area_risk: [low], of: gate}, {acted: a, is: present}")},
        {false, BY("{separate_hands: [a]}, {field: seal_no, is: present}")},
        {true, BY("{separate_hands: [a]}, {field: kind, eq: food}")
                   BY("{children: closed}, {field: kind, eq: steel}")},
        {false, "      - {to: c, after: 1h, when: [{field: count, is: present}]}\n"},
        {true, "      - {to: c, after: 1h}\n"},
    };
    check_guards(*state, rows, ROWS(rows), "vehicle");
}

static void tests_are_free_questions(void **state)
{
    static const struct guards rows[] = {
        {false, "      - {to: c, on: result.person_negative, when: [{test: negative, within: "
                "48h}]}\n"},
        {true, "      - {to: c, on: result.person_negative, when: [{test: negative, within: "
               "48h}]}\n"
               "      - {to: end, on: result.person_negative, when: [{not: {test: negative, "
               "within: 48h}}]}\n"},
        {false, "      - {to: c, on: result.person_negative, when: [{test: negative, within: "
                "48h}]}\n"
                "      - {to: end, on: result.person_negative, when: [{not: {test: negative, "
                "within: 24h}}]}\n"},
        {true, BY("{test: negative, within: 48h, times: 2, apart: 24h}")},
    };
    check_guards(*state, rows, ROWS(rows), "person");
}

static void too_many_cases_are_said_and_not_guessed(void **state)
{
    struct bench bench;
    struct buffer text;
    struct scene_findings findings;
    bench_begin(&bench, *state);
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "scene: many\nversion: 1\ntitle: {zh: 多, en: Many}\nsubject: unit\n"
                              "opened_by: [manual]\nfields:\n");
    for (int i = 0; i < 30; i++)
        buffer_print(&text, "  - {name: f%d, type: bool}\n", i);
    buffer_append_text(&text, "stages:\n  - name: a\n    owner: {role: command, area: subject}\n"
                              "    within: 1h\n    next:\n");
    /* a parity of thirty questions, two by two: no guard holds before nearly all are decided */
    for (int i = 0; i < 30; i++)
        buffer_print(&text,
                     "      - {to: end, by: [owner], when: [{field: f%d, eq: true}, {field: f%d, "
                     "eq: false}, {field: f%d, eq: true}]}\n",
                     i, (i + 7) % 30, (i + 13) % 30);
    buffer_append_text(&text, "  - {name: end, final: done}\n"
                              "escalate: [{after: 0m, to: command}]\n");
    double begun = world_elapsed_seconds();
    bench_check(&bench, buffer_slice(&text), &findings);
    assert_true(findings.count >= 1);
    assert_int_equal(findings.items[0].rule, RULE_GUARDS_NOT_EXHAUSTIVE);
    assert_true(world_elapsed_seconds() - begun < 5);
    buffer_release(&text);
    bench_end(&bench);
}

static void a_case_left_out_is_told_in_words(void **state)
{
    static const struct {
        const char *next, *words;
    } rows[] = {
        {ON("{field: seal_no, is: present}"), "'seal_no' is absent"},
        {ON("{field: kind, eq: food}"), "'kind' is 'steel'"},
        {ON("{field: count, le: 3}") ON("{field: count, ge: 5}") ON("{field: count, is: absent}"),
         "'count' is above 3 and below 5"},
        {ON("{field: count, ge: 3}") ON("{field: count, is: absent}"), "'count' is below 3"},
        {ON("{field: count, lt: 3}") ON("{field: count, gt: 3}") ON("{field: count, is: absent}"),
         "'count' is 3"},
        {ON("{field: seal_no, eq: x}") ON("{field: seal_no, is: absent}"),
         "'seal_no' is anything else"},
        {ON("{children: closed}"), "all children are closed (not so)"},
    };
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct scene_findings findings;
        bench_check(&bench,
                    with(&bench.arena, slice_of(good), "      - {to: c, by: [owner]}\n",
                         rows[i].next),
                    &findings);
        assert_int_equal(findings.count, 1);
        if (!strstr(findings.items[0].message, rows[i].words))
            fail_msg("'%s' does not say '%s'", findings.items[0].message, rows[i].words);
    }
    bench_end(&bench);
}

/* However many questions and constants a stage has: each is looked at, and silence is no proof. */
static void nothing_is_dropped_however_much_is_asked(void **state)
{
    enum { LISTS = 4, ITEMS = 45 };
    struct bench bench;
    bench_begin(&bench, *state);
    for (int i = 0; i < 4; i++) {
        bool complete = i % 2, questions = i / 2;
        struct buffer next;
        struct scene_findings findings;
        buffer_init(&next, 1 << 20);
        for (int list = 0; list < LISTS; list++) {
            buffer_append_text(&next, "      - {to: c, on: pass.expired, when: [{");
            buffer_append_text(&next, questions ? "any: [" : "field: seal_no, in: [");
            for (int k = list * ITEMS; k < (list + 1) * ITEMS; k++)
                buffer_print(&next, questions ? "%s{elapsed: %dm, since: opened}" : "%st%d",
                             k % ITEMS ? ", " : "", k + 1);
            buffer_append_text(&next, "]}]}\n");
        }
        buffer_append_text(&next, ON("{field: seal_no, is: absent}"));
        if (complete) /* the last one, and what it is not */
            buffer_print(&next, questions ? ON("{not: {elapsed: %dm, since: opened}}")
                                          : ON("{not: {field: seal_no, in: [t%d]}}"),
                         LISTS * ITEMS);
        bench_check(&bench,
                    with(&bench.arena, slice_of(good), "      - {to: c, by: [owner]}\n",
                         arena_print(&bench.arena, "%s", next.data)),
                    &findings);
        if (findings.count != !complete)
            fail_msg("%d: %zu findings: %s", i, findings.count,
                     findings.count ? findings.items[0].message : "");
        buffer_release(&next);
    }
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_must_always_find_a_way),
        cmocka_unit_test(somebody_can_always_act_where_nothing_else_comes),
        cmocka_unit_test(tests_are_free_questions),
        cmocka_unit_test(too_many_cases_are_said_and_not_guessed),
        cmocka_unit_test(a_case_left_out_is_told_in_words),
        cmocka_unit_test(nothing_is_dropped_however_much_is_asked),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
