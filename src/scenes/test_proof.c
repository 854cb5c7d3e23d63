/* The proof: what can be reached, what ends, owners and clocks that always stand, bounded cycles,
 * hands, escalation, retention, children, migration; then the files of the reference, every
 * built-in scene, and the time that a proof takes. Guards: test_guards.c. */
#include <dirent.h>

#include "base/embedded.h"
#include "scenes/test_trip.h"

struct row {
    const char *from, *to;
    const char *path; /* "a b c" of the first finding with one, NULL: not looked at */
};

static const char *path_text(struct arena *arena, const struct scene_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct scene_finding *finding = &findings->items[i];
        const char *text = "";
        for (size_t k = 0; k < finding->path_count; k++)
            text = arena_print(arena, "%s%s%s", text, k ? " " : "", finding->path[k]);
        if (finding->path_count)
            return text;
    }
    return "";
}

static void each_row(struct policy *policy, const struct row *rows, size_t count)
{
    struct bench bench;
    bench_begin(&bench, policy);
    for (size_t i = 0; i < count; i++) {
        struct scene_findings findings;
        struct slice text = with(&bench.arena, slice_of(good), rows[i].from, rows[i].to);
        expect_marks(&bench, rows[i].to, text, true);
        bench_check(&bench, text, &findings);
        const char *path = path_text(&bench.arena, &findings);
        if (rows[i].path && strcmp(path, rows[i].path) != 0)
            fail_msg("%s: the path is '%s', not '%s'", rows[i].to, path, rows[i].path);
    }
    bench_end(&bench);
}

/* ---- Graph */

static void stages_that_nothing_leads_to_are_found(void **state)
{
    static const struct row rows[] = {
        {"  - {name: end, final: done}\n",
         "  - {name: end, final: done}\n  - {name: left, final: failed}  # expect: "
         "unreachable-stage\n",
         NULL},
        {"  - {name: end, final: done}\n",
         "  - {name: end, final: done}\n"
         "  - name: d  # expect: unreachable-stage\n"
         "    owner: {unit_of: firm}\n"
         "    until: leave_by\n"
         "    next: [{to: end, by: [owner]}]\n",
         NULL},
    };
    each_row(*state, rows, ROWS(rows));
}

static void stages_that_never_end_are_found_with_the_way_there(void **state)
{
    static const struct row rows[] = {
        {"      - {to: end, by: [owner]}\n", "      - {to: d, by: [owner]}\n"
                                             "      - {to: end, by: [owner]}\n"
                                             "  - name: d  # expect: dead-end\n"
                                             "    owner: {unit_of: gate_unit}\n"
                                             "    within: 2h\n"
                                             "    max_visits: 2\n"
                                             "    next: [{to: d, by: [owner]}]\n"
                                             "  - name: e  # expect: unreachable-stage\n"
                                             "    owner: {unit_of: firm}\n"
                                             "    within: 2h\n"
                                             "    next:\n"
                                             "      - {to: end, by: [owner]}\n",
         "a b c d"},
    };
    struct bench bench;
    struct scene_findings findings;
    bench_begin(&bench, *state);
    struct slice text = with(&bench.arena, slice_of(good), rows[0].from, rows[0].to);
    text = with(&bench.arena, text, "gate_unit", "firm");
    expect_marks(&bench, "dead end", text, true);
    bench_check(&bench, text, &findings);
    assert_string_equal(path_text(&bench.arena, &findings), rows[0].path);
    /* a stage without next, or with an empty one, ends nowhere */
    static const char *const nexts[] = {"    next: []\n", ""};
    for (size_t i = 0; i < ROWS(nexts); i++) {
        text = with(&bench.arena, slice_of(good), "  - name: c\n",
                    "  - name: c  # expect: dead-end\n");
        text = with(&bench.arena, text,
                    "    next:\n      - {to: end, by: [owner]}\n      - {to: b, by: [command], "
                    "note: true}\n",
                    nexts[i]);
        text = with(&bench.arena, text, "- {name: end, final: done}",
                    "- {name: end, final: done}  # expect: unreachable-stage");
        text = with(&bench.arena, text, "- name: b\n", "- name: b  # expect: dead-end\n");
        text = with(&bench.arena, text, "- name: a\n", "- name: a  # expect: dead-end\n");
        expect_marks(&bench, "no next", text, true);
    }
    bench_end(&bench);
}

static void cycles_without_a_bound_are_found_at_their_first_stage(void **state)
{
    static const struct row rows[] = {
        {"    until: leave_by\n    max_visits: 3\n", "    until: leave_by\n", NULL},
        {"      - {to: c, by: [owner]}\n",
         "      - {to: c, by: [owner]}\n      - {to: a, on: pass.expired}\n", NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner]}\n      - {to: c, by: [owner], note: true}\n", NULL},
    };
    static const char *const marked[] = {"  - name: b", NULL, "  - name: c"};
    static const char *const paths[] = {"b c b", "", "c c"};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bench bench;
        struct scene_findings findings;
        bench_begin(&bench, *state);
        struct slice text = with(&bench.arena, slice_of(good), rows[i].from, rows[i].to);
        if (marked[i])
            text = with(&bench.arena, text, marked[i],
                        arena_print(&bench.arena, "%s  # expect: unbounded-cycle", marked[i]));
        expect_marks(&bench, rows[i].to, text, true);
        bench_check(&bench, text, &findings);
        assert_string_equal(path_text(&bench.arena, &findings), paths[i]);
        bench_end(&bench);
    }
}

/* ---- Owners and clocks */

static void owners_that_may_not_resolve_are_found(void **state)
{
    static const struct row rows[] = {
        {"    owner: {role: checkpoint_lead, area: gate}\n",
         "    owner: {unit_of: firm}  # expect: no-owner\n", "a"},
        {"    owner: {role: checkpoint_lead, area: gate}\n",
         "    owner: {unit_of: firm, or: {unit_of: firm}}  # expect: no-owner\n", "a"},
        {"    owner: {role: checkpoint_lead, area: gate}\n",
         "    owner: {unit_of: firm, or: {role: town_duty, area: gate}}\n", NULL},
        {"    owner: {role: checkpoint_lead, area: gate}\n",
         "    owner:  # expect: no-owner\n      role: town_duty\n      area: firm\n", "a"},
        {"by: [owner], require: [firm, leave_by, kind]}",
         "by: [{unit_of: firm}], require: [firm, leave_by, kind]}  # expect: no-owner", "a"},
        {"by: [owner], require: [firm, leave_by, kind]}",
         "by: [owner], sign: [{unit_of: firm}], require: [firm, leave_by, kind]}", NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner], sign: [{unit_of: firm}, approver]}\n", NULL},
    };
    each_row(*state, rows, ROWS(rows));
    struct bench bench;
    struct scene_findings findings;
    bench_begin(&bench, *state);
    /* what one way gives and another does not is not always set */
    struct slice text = with(&bench.arena, slice_of(good),
                             "      - {to: b, by: [owner], require: [firm, leave_by, kind]}\n",
                             "      - {to: b, by: [owner], require: [firm, leave_by, kind]}\n"
                             "      - {to: b, on: pass.expired}\n");
    text = with(&bench.arena, text, "{unit_of: firm}", "{unit_of: firm}  # expect: no-owner");
    text = with(&bench.arena, text, "until: leave_by", "until: leave_by  # expect: no-clock");
    text = with(&bench.arena, text, "within: {by: kind, food: 1h, steel: 2h}",
                "within: {by: kind, food: 1h, steel: 2h}  # expect: no-clock");
    expect_marks(&bench, "one way", text, true);
    bench_check(&bench, text, &findings);
    assert_string_equal(path_text(&bench.arena, &findings), "a b");
    /* a stage without owner is found at its name */
    text = with(&bench.arena, slice_of(good), "  - name: c\n    owner: {role: district_duty, area: "
                                              "subject}\n",
                "  - name: c  # expect: no-owner\n");
    expect_marks(&bench, "none", text, true);
    /* nobody's area is no area */
    text = with(&bench.arena, slice_of(good), "subject: vehicle", "subject: none");
    text = with(&bench.arena, text, "{role: district_duty, area: subject}",
                "{role: district_duty, area: subject}  # expect: no-owner");
    expect_marks(&bench, "subject none", text, true);
    bench_end(&bench);
}

static void clocks_that_may_not_stand_are_found(void **state)
{
    static const struct row rows[] = {
        {"    owner: {role: checkpoint_lead, area: gate}\n    within: 2h\n",
         "    owner: {role: checkpoint_lead, area: gate}\n"
         "    until: leave_by  # expect: no-clock\n",
         "a"},
        {"    within: 2h\n    next",
         "    within: 2h\n    from: leave_by  # expect: no-clock\n    next", "a"},
        {"    within: 2h\n    next",
         "    within: 2h\n    from: c  # expect: no-clock\n    next", "a"},
        {"    within: 2h\n    next", "    within: 2h\n    from: a\n    next", NULL},
        {"    within: 2h\n    next", "    within: 2h\n    from: opened\n    next", NULL},
        {"    within: 2h\n    next",
         "    within: {by: kind, food: 1h, steel: 1h}  # expect: no-clock\n    next", "a"},
        {"    from: b\n", "    from: a\n", NULL},
        {"    from: b\n", "    from: c\n", NULL},
    };
    each_row(*state, rows, ROWS(rows));
    static const char *const clocks[] = {"", "    within: 1h\n    until: leave_by\n"};
    for (size_t i = 0; i < ROWS(clocks); i++) {
        struct bench bench;
        bench_begin(&bench, *state);
        struct slice text = with(&bench.arena, slice_of(good), "    until: leave_by\n", clocks[i]);
        text = with(&bench.arena, text, "- name: b\n", "- name: b  # expect: no-clock\n");
        expect_marks(&bench, clocks[i], text, true);
        bench_end(&bench);
    }
    struct bench bench;
    bench_begin(&bench, *state);
    struct slice text = with(&bench.arena, slice_of(good), "food: 1h, steel: 2h}",
                             "food: 1h}  # expect: bad-value");
    text = with(&bench.arena, text, "- name: c\n", "- name: c  # expect: no-clock\n");
    expect_marks(&bench, "a value without a clock", text, true);
    bench_end(&bench);
}

/* ---- Hands, escalation, retention */

static void who_verifies_is_not_who_acted(void **state)
{
    static const struct row rows[] = {
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner]}  # expect: same-hands\n", NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner], when: [{separate_hands: [a]}]}  # expect: same-hands\n",
         NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner], when: [{any: [{separate_hands: [b]}, {children: "
         "closed}]}]}  # expect: same-hands\n",
         NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner], when: [{not: {separate_hands: [b]}}]}  # expect: "
         "same-hands\n",
         NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner], when: [{separate_hands: [a, b]}]}\n", NULL},
        {"      - {to: end, by: [owner]}\n",
         "      - {to: end, by: [owner], when: [{any: [{separate_hands: [b]}, {separate_hands: [a, "
         "b]}]}]}\n",
         NULL},
        {"      - {to: end, by: [owner]}\n", "      - {to: end, on: pass.expired}\n", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bench bench;
        bench_begin(&bench, *state);
        struct slice text = with(&bench.arena, slice_of(good), "    from: b\n",
                                 "    from: b\n    verifies: b\n");
        text = with(&bench.arena, text, "by: [command], note: true}",
                    "by: [command], note: true, when: [{separate_hands: [b]}]}");
        text = with(&bench.arena, text, rows[i].from, rows[i].to);
        expect_marks(&bench, rows[i].to, text, true);
        bench_end(&bench);
    }
}

static void escalation_ends_at_the_command_centre(void **state)
{
    static const char all[] = "escalate: [{after: 0m, to: owner_lead}, {after: 4h, to: command}]\n";
    static const struct row rows[] = {
        {all, "escalate: []  # expect: escalation-open\n", NULL},
        {all, "escalate: [{after: 0m, to: district_duty}]  # expect: escalation-open\n", NULL},
        {all, "escalate: [{after: 0m, to: command}]\n", NULL},
        {all,
         "escalate:\n  - {after: 2h, to: owner_lead}\n"
         "  - {after: 2h, to: command}  # expect: escalation-open\n",
         NULL},
        {all,
         "escalate:\n  - {after: 2h, to: owner_lead}\n"
         "  - {after: 119m, to: command}  # expect: escalation-open\n",
         NULL},
        {all,
         "escalate:\n  - {after: 0m, to: owner}\n  - after: 4h\n"
         "    to: command_duty  # expect: escalation-open\n",
         NULL},
    };
    each_row(*state, rows, ROWS(rows));
    struct bench bench;
    bench_begin(&bench, *state);
    struct slice text = with(&bench.arena, slice_of(good), all, "");
    text = with(&bench.arena, text, "scene: trip", "scene: trip  # expect: escalation-open");
    expect_marks(&bench, "no escalate", text, true);
    bench_end(&bench);
}

static void what_is_personal_is_forgotten(void **state)
{
    static const struct row rows[] = {
        {"{name: firm, type: unit}",
         "{name: firm, type: unit, personal: true}  # expect: personal-without-retention", NULL},
        {"{name: firm, type: unit}",
         "{name: firm, type: unit}\n"
         "  - {name: x, type: person}  # expect: personal-without-retention\n"
         "  - {name: y, type: case}",
         NULL},
        {"{name: firm, type: unit}",
         "{name: firm, type: unit}\n"
         "  - {name: x, type: household}  # expect: personal-without-retention",
         NULL},
        {"{name: firm, type: unit}",
         "{name: firm, type: unit}\n"
         "  - {name: x, type: staff, list: true, max: 2}  # expect: personal-without-retention",
         NULL},
        {"subject: vehicle", "subject: case  # expect: personal-without-retention", NULL},
        {"subject: vehicle", "subject: household  # expect: personal-without-retention", NULL},
        {"subject: vehicle", "retention: 28d\nsubject: person", NULL},
    };
    each_row(*state, rows, ROWS(rows));
}

/* ---- Around */

static const char child[] = "scene: child\n"
                            "version: 1\n"
                            "title: {zh: 子, en: Child}\n"
                            "subject: %s\n"
                            "opened_by: []\n"
                            "fields: [{name: %s, type: %s, required: true}]\n"
                            "stages:\n"
                            "  - name: a\n"
                            "    owner: {role: command, area: subject}\n"
                            "    within: 1h\n"
                            "%s"
                            "    next: [{to: end, by: [owner]}]\n"
                            "  - {name: end, final: done}\n"
                            "retention: 1d\n"
                            "escalate: [{after: 0m, to: command}]\n";

/* A fault of form is said once: what would follow from it is not said as well. */
static void one_fault_is_one_finding(void **state)
{
    static const struct row rows[] = {
        {"{name: firm, type: unit}", "{name: firm, type: company}  # expect: bad-value", NULL},
        {"{name: leave_by, type: time}", "{name: leave_by, type: datetime}  # expect: bad-value",
         NULL},
        {"type: enum, values: [food, steel]}",
         "type: choice, values: [food, steel]}  # expect: bad-value", NULL},
        {"  - {name: end, final: done}\n",
         "  - {name: end, final: done}\n  - {name: give-up, final: failed}  # expect: bad-value\n",
         NULL},
        {"subject: vehicle\n",
         "subject: person\nretention: forever  # expect: bad-value\n", NULL},
    };
    each_row(*state, rows, ROWS(rows));
}

static void children_get_what_they_must_have(void **state)
{
    static const struct {
        const char *subject, *field, *type, *children;
    } rows[] = {
        {"vehicle", "gate", "checkpoint", "{scene: child, for_each: subject}"},
        {"vehicle", "gate", "site", "{scene: child, for_each: subject}  # expect: unknown-field"},
        {"vehicle", "door", "site", "{scene: child, for_each: subject}  # expect: unknown-field"},
        {"vehicle", "firm", "unit", "{scene: child, for_each: subject}  # expect: unknown-field"},
        {"person", "gate", "checkpoint", "{scene: child, for_each: person}"},
        {"person", "gate", "checkpoint",
         "{scene: child, for_each: subject}  # expect: type-mismatch"},
        {"unit", "gate", "checkpoint", "{scene: child, for_each: crew}"},
        {"unit", "gate", "checkpoint", "{scene: child, for_each: {units_in: gate, like: subject}}"},
        {"vehicle", "gate", "checkpoint",
         "{scene: child, for_each: crew}  # expect: type-mismatch"},
        {"vehicle", "gate", "checkpoint",
         "{scene: nobody, for_each: subject}  # expect: unknown-reference"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bench bench;
        struct scene_findings findings;
        bench_begin(&bench, *state);
        char *other = arena_print(&bench.arena, child, rows[i].subject, rows[i].field,
                                  rows[i].type, "");
        bench_check(&bench, slice_of(other), &findings);
        if (findings.count)
            fail_msg("the child:%s", findings_text(&bench.arena, &findings));
        struct slice text =
            with(&bench.arena, slice_of(good), "    within: 2h\n    next",
                 arena_print(&bench.arena, "    within: 2h\n    children: %s\n    next",
                             rows[i].children));
        expect_marks(&bench, rows[i].children, text, true);
        bench_end(&bench);
    }
}

static void a_scene_does_not_open_itself(void **state)
{
    struct bench bench;
    struct scene_findings findings;
    bench_begin(&bench, *state);
    struct slice text = with(&bench.arena, slice_of(good), "    within: 2h\n    next",
                             "    within: 2h\n    children: {scene: trip, for_each: subject}"
                             "  # expect: unbounded-cycle\n    next");
    expect_marks(&bench, "itself", text, true);
    bench_check(&bench, text, &findings);
    assert_string_equal(path_text(&bench.arena, &findings), "trip trip");
    /* by way of another */
    char *other = arena_print(&bench.arena, child, "vehicle", "gate", "checkpoint",
                              "    children: {scene: trip, for_each: subject}\n");
    bench_check(&bench, slice_of(other), &findings);
    text = with(&bench.arena, slice_of(good), "    within: 2h\n    next",
                "    within: 2h\n    children:  # expect: unbounded-cycle\n"
                "      - {scene: child, for_each: subject, repeat: {every: 12h}}\n    next");
    expect_marks(&bench, "by another", text, true);
    bench_check(&bench, text, &findings);
    assert_string_equal(path_text(&bench.arena, &findings), "trip child trip");
    bench_end(&bench);
}

static void a_migration_moves_every_stage_of_the_version_before(void **state)
{
    static const struct {
        const char *map;
        bool known; /* version 2 is at hand */
    } rows[] = {
        {"{from: 2, map: {a: a, b: b, c: c}}", true},
        {"{from: 2, map: {a: b, b: b, c: b}}", true},
        {"{from: 2, map: {a: a, b: b}}  # expect: bad-value", true},
        {"{from: 2, map: {a: a, b: b, c: c, d: c}}  # expect: unknown-reference", true},
        {"{from: 2, map: {a: a, b: b, c: z}}  # expect: unknown-reference", true},
        {"{from: 1, map: {a: a, b: b, old: c}}", false},
        {"{from: 1, map: {a: a, b: b}}  # expect: bad-value", false},
        {"{from: 3, map: {a: a, b: b, c: c}}  # expect: bad-value", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bench bench;
        struct scene_findings findings;
        bench_begin(&bench, *state);
        if (rows[i].known)
            bench_check(&bench, with(&bench.arena, slice_of(good), "version: 3", "version: 2"),
                        &findings);
        struct slice text = slice_of(
            arena_print(&bench.arena, "%smigrates: %s\n", good, rows[i].map));
        expect_marks(&bench, rows[i].map, text, true);
        bench_end(&bench);
    }
}

/* ---- Whole files */

static const char reference[] = CHENGMAI_SOURCE_ROOT "/../shared/reference/scenes";

static void every_mark_of_the_reference_is_found_and_good_files_have_none(void **state)
{
    DIR *folder = opendir(reference);
    if (!folder) {
        print_message("the reference scenes are not there\n");
        skip();
    }
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct bench bench;
        struct buffer text;
        struct error err;
        char path[512];
        if (!strstr(entry->d_name, ".yaml"))
            continue;
        bench_begin(&bench, *state);
        buffer_init(&text, 1 << 20);
        snprintf(path, sizeof path, "%s/%s", reference, entry->d_name);
        test_done_or_fail(file_read_whole(AT_FDCWD, path, &text, &err), &err);
        expect_marks(&bench, entry->d_name, buffer_slice(&text), true);
        buffer_release(&text);
        bench_end(&bench);
        count++;
    }
    closedir(folder);
    assert_true(count >= 16);
}

static void every_built_in_scene_is_proved_under_its_own_name(void **state)
{
    struct bench bench;
    size_t count;
    bench_begin(&bench, *state);
    const struct scene_source *all = scene_folder_all(bench.folder, &count);
    assert_true(count >= 30);
    for (size_t i = 0; i < count; i++) {
        struct scene_source source = all[i]; /* proving puts the scene in its own place */
        expect_marks(&bench, source.file, source.text, true);
        assert_string_equal(source.file, arena_print(&bench.arena, "scenes/%s.yaml",
                                                     source.scene->name));
        for (size_t s = 0; s < source.scene->stage_count; s++)
            if (!source.scene->stages[s].title.zh)
                fail_msg("%s: '%s' has no title", source.file, source.scene->stages[s].name);
        if (!memmem(source.text.data, source.text.length, "Facts: §", strlen("Facts: §")))
            fail_msg("%s does not name its facts", source.file);
    }
    bench_end(&bench);
}

static void a_proof_takes_less_than_fifty_milliseconds(void **state)
{
    struct bench bench;
    size_t count;
    bench_begin(&bench, *state);
    const struct scene_source *all = scene_folder_all(bench.folder, &count);
    for (size_t i = 0; i < count; i++) {
        struct scene_findings findings;
        double begun = world_thread_seconds();
        bench_check(&bench, all[i].text, &findings);
        assert_true(world_thread_seconds() - begun < 0.05);
    }
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_that_nothing_leads_to_are_found),
        cmocka_unit_test(stages_that_never_end_are_found_with_the_way_there),
        cmocka_unit_test(cycles_without_a_bound_are_found_at_their_first_stage),
        cmocka_unit_test(owners_that_may_not_resolve_are_found),
        cmocka_unit_test(clocks_that_may_not_stand_are_found),
        cmocka_unit_test(who_verifies_is_not_who_acted),
        cmocka_unit_test(escalation_ends_at_the_command_centre),
        cmocka_unit_test(what_is_personal_is_forgotten),
        cmocka_unit_test(one_fault_is_one_finding),
        cmocka_unit_test(children_get_what_they_must_have),
        cmocka_unit_test(a_scene_does_not_open_itself),
        cmocka_unit_test(a_migration_moves_every_stage_of_the_version_before),
        cmocka_unit_test(every_mark_of_the_reference_is_found_and_good_files_have_none),
        cmocka_unit_test(every_built_in_scene_is_proved_under_its_own_name),
        cmocka_unit_test(a_proof_takes_less_than_fifty_milliseconds),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
