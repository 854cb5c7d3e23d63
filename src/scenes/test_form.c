/* The form of a scene file: what is no YAML of ours, keys that do not exist, values of wrong form,
 * names that stand twice, references and fields that do not exist, types that do not fit. Each row
 * changes one place of a good scene; the marks in it are all that is found. */
#include "scenes/test_support.h"

static const char good[] =
    "scene: repair\n"
    "version: 2\n"
    "title: {zh: 整改, en: Repair}\n"
    "about: What is broken is put right.\n"
    "subject: venue\n"
    "opened_by: [inspection.finding_recorded, manual]\n"
    "unique: [finding_no]\n"
    "fields:\n"
    "  - {name: finding_no, type: text, required: true, max: 20}\n"
    "  - {name: severity, type: enum, required: true, values: [critical, major, minor]}\n"
    "  - {name: place, type: venue, required: true, index: true}\n"
    "  - {name: due_at, type: time}\n"
    "  - {name: seen_on, type: date}\n"
    "  - {name: score, type: int, min: 0, max: 100}\n"
    "  - {name: weight, type: number}\n"
    "  - {name: urgent, type: bool}\n"
    "  - {name: proof, type: photo}\n"
    "  - {name: helper, type: staff, title: {zh: 协助, en: Helper}}\n"
    "  - {name: firms, type: unit, list: true, max: 5, hidden_until: proving}\n"
    "stages:\n"
    "  - name: fixing\n"
    "    title: {zh: 整改中, en: Being put right}\n"
    "    owner: {unit_of: place, or: {role: district_duty, area: subject}}\n"
    "    within: {by: severity, critical: 2h, major: 24h, minor: 3d}\n"
    "    from: opened\n"
    "    max_visits: 3\n"
    "    claim: 15m\n"
    "    next:\n"
    "      - {to: proving, by: [owner], require: [proof, score], note: true}\n"
    "  - name: proving\n"
    "    owner: {role: inspector, area: place}\n"
    "    within: 24h\n"
    "    verifies: fixing\n"
    "    next:\n"
    "      - {to: closed, by: [owner, {role: inspector, area: place}], sign: [inspection_lead], "
    "when: [{separate_hands: [fixing]}]}\n"
    "      - {to: fixing, by: [owner], when: [{separate_hands: [fixing]}, {any: [{field: score, "
    "lt: 60}, {not: {acted: fixing, is: present}}]}]}\n"
    "      - {to: dropped, on: indicator.missed, about: place_area}\n"
    "  - {name: closed, title: {zh: 销号, en: Closed}, final: done}\n"
    "  - {name: dropped, final: cancelled}\n"
    "escalate: [{after: 0m, to: owner_lead}, {after: 4h, to: command}]\n"
    "indicators:\n"
    "  - {name: in_time, share: closed, of: closed, target: 0.95, split: severity}\n"
    "  - {name: quick, from: opened, to: proving, within: 1d, target: 0.5}\n"
    "retention: 365d\n";

static struct slice base(struct arena *arena)
{
    return with(arena, slice_of(good), "  - {name: due_at, type: time}\n",
                "  - {name: due_at, type: time}\n  - {name: place_area, type: area}\n");
}

struct row {
    const char *from, *to;
};

static void each_row(struct policy *policy, const struct row *rows, size_t count, bool exactly)
{
    struct bench bench;
    bench_begin(&bench, policy);
    for (size_t i = 0; i < count; i++) {
        struct slice text = with(&bench.arena, base(&bench.arena), rows[i].from, rows[i].to);
        expect_marks(&bench, rows[i].to, text, exactly);
    }
    bench_end(&bench);
}

static void a_scene_of_every_form_is_proved(void **state)
{
    struct bench bench;
    bench_begin(&bench, *state);
    expect_marks(&bench, "good", base(&bench.arena), true);
    /* as an editor on Windows writes it */
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "\xEF\xBB\xBF");
    for (const char *c = base(&bench.arena).data; *c; c++)
        buffer_append(&text, *c == '\n' ? "\r\n" : c, *c == '\n' ? 2 : 1);
    expect_marks(&bench, "good with a mark and CR LF", buffer_slice(&text), true);
    buffer_release(&text);
    bench_end(&bench);
}

static void what_is_no_yaml_of_ours_is_a_syntax_finding(void **state)
{
    static const struct row rows[] = {
        {"version: 2", "version: &v 2  # expect: syntax"},
        {"version: 2", "version: !!int 2  # expect: syntax"},
        {"version: 2\n", "version: 2\nversion: 3  # expect: syntax\n"},
        {"claim: 15m\n", "claim: 15m\n    claim: 16m  # expect: syntax\n"},
        {"{name: urgent, type: bool}", "{name: urgent, type: bool, type: bool}  # expect: syntax"},
        {"retention: 365d\n", "retention: 365d\n--- # expect: syntax\nx: 1\n"},
        {"score]", "score  # expect: syntax\n"},
        {"about: What is broken is put right.\n", "about: \"What  # expect: syntax\n"},
        {"version: 2", "version: [2  # expect: syntax"},
        {"version: 2", "\tversion: 2  # expect: syntax"},
        {"version: 2", "version: 2: 3  # expect: syntax"},
        {"scene: repair", "%YAML 1.1 # expect: syntax\n---\nscene: repair"},
        {"about: What is broken is put right.\n", "about: What \x01 is  # expect: syntax\n"},
        {"about: What is broken is put right.\n", "about: What \xff is  # expect: syntax\n"},
        {"about: What is broken is put right.\n", "about: \"What \\0\"  # expect: syntax\n"},
    };
    each_row(*state, rows, ROWS(rows), false);
    static const char *const texts[] = {
        "", "# nothing", "[a, b]", "scene", "~", "- scene: x", "{? [a]: b}", "a: *b", "a: b\n---\n",
        "a:\n  - &x {b: c}\n  - *x\n",
    };
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < ROWS(texts); i++) {
        struct scene_findings findings;
        bench_check(&bench, slice_of(texts[i]), &findings);
        bool found = false;
        for (size_t k = 0; k < findings.count; k++)
            found = found || findings.items[k].rule == RULE_SYNTAX;
        if (!found)
            fail_msg("taken: %s", texts[i]);
    }
    bench_end(&bench);
}

static void files_too_long_or_too_deep_are_refused(void **state)
{
    struct buffer text;
    struct bench bench;
    struct scene_findings findings;
    bench_begin(&bench, *state);
    buffer_init(&text, 2 << 20);
    for (int i = 0; i < SCENE_BYTES_MAX + 1; i++)
        buffer_append_text(&text, "#");
    bench_check(&bench, buffer_slice(&text), &findings);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.items[0].rule, RULE_SYNTAX);
    buffer_clear(&text);
    buffer_append_text(&text, "scene: x\nabout: ");
    for (int i = 0; i < 100; i++)
        buffer_append_text(&text, "[");
    bench_check(&bench, buffer_slice(&text), &findings);
    assert_int_equal(findings_of(&findings, 2, "syntax"), 1);
    buffer_release(&text);
    bench_end(&bench);
}

static void keys_that_do_not_exist_are_found(void **state)
{
    static const struct row rows[] = {
        {"version: 2\n", "version: 2\ncolour: red  # expect: unknown-key\n"},
        {"claim: 15m\n", "claim: 15m\n    color: red  # expect: unknown-key\n"},
        {"{name: urgent, type: bool}",
         "{name: urgent, type: bool, default: true}  # expect: unknown-key"},
        {"{to: proving, by: [owner], require: [proof, score], note: true}",
         "{to: proving, by: [owner], title: x}  # expect: unknown-key"},
        {"{after: 0m, to: owner_lead}, {after: 4h, to: command}]",
         "{after: 0m, to: owner_lead}, {after: 4h, to: command, cc: x}]  # expect: unknown-key"},
        {"within: 1d, target: 0.5}", "within: 1d, target: 0.5, of2: x}  # expect: unknown-key"},
        {"{zh: 整改, en: Repair}", "{zh: 整改, en: Repair, fr: R}  # expect: unknown-key"},
        {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
         "{field: score, lt: 60, colour: 1}]}]}  # expect: unknown-key"},
        {"{role: district_duty, area: subject}}",
         "{role: district_duty, area: subject, at: x}}  # expect: unknown-key"},
    };
    each_row(*state, rows, ROWS(rows), true);
}

static const struct row wrong_values[] = {
    {"version: 2", "version: two  # expect: bad-value"},
    {"version: 2", "version: 0  # expect: bad-value"},
    {"version: 2", "version: \"2\"  # expect: bad-value"},
    {"version: 2", "version:  # expect: bad-value"},
    {"scene: repair", "scene: Repair  # expect: bad-value"},
    {"scene: repair", "scene: 2nd  # expect: bad-value"},
    {"{zh: 整改, en: Repair}", "{zh: 整改}  # expect: bad-value"},
    {"{zh: 整改, en: Repair}", "整改  # expect: bad-value"},
    {"required: true, index: true}", "required: yes}  # expect: bad-value"},
    {"type: bool}", "type: boolean}  # expect: bad-value"},
    {"type: bool}", "type: bool, min: 1}  # expect: bad-value"},
    {"type: bool}", "type: bool, values: [a]}  # expect: bad-value"},
    {"type: bool}", "type: enum}  # expect: bad-value"},
    {"min: 0, max: 100", "min: 10, max: 1  # expect: bad-value\n   "},
    {"min: 0, max: 100}", "min: a}  # expect: bad-value"},
    {"required: true, max: 20}", "required: true, form: pass  # expect: bad-value\n   }"},
    {"min: 0, max: 100}", "form: plate}  # expect: bad-value"},
    {"list: true, max: 5", "list: true  # expect: bad-value\n   "},
    {"values: [critical, major, minor]}",
     "values: [critical, major, minor, Big]}  # expect: bad-value"},
    {"claim: 15m", "claim: 15 m  # expect: bad-value"},
    {"claim: 15m", "claim: 1.5h  # expect: bad-value"},
    {"claim: 15m", "claim: 90s  # expect: bad-value"},
    {"claim: 15m", "claim: 15  # expect: bad-value"},
    {"claim: 15m", "claim: -1h  # expect: bad-value"},
    {"claim: 15m", "claim: 0m  # expect: bad-value"},
    {"max_visits: 3", "max_visits: 0  # expect: bad-value"},
    {"max_visits: 3", "max_visits: many  # expect: bad-value"},
    {"require: [proof, score], note: true}",
     "require: [proof, score], note: maybe}  # expect: bad-value"},
    {"require: [proof, score], note: true}", "require: proof}  # expect: bad-value"},
    {"require: [proof, score], note: true}", "require: [], note: true}  # expect: bad-value"},
    {"{to: proving, by: [owner], require: [proof, score], note: true}",
     "{to: proving}  # expect: bad-value guards-not-exhaustive"},
    {"{to: proving, by: [owner], require: [proof, score], note: true}",
     "{to: proving, by: [owner], after: 1h}  # expect: bad-value"},
    {"{to: proving, by: [owner], require: [proof, score], note: true}",
     "{to: proving, after: 1h, require: [proof]}  # expect: bad-value"},
    {"{to: proving, by: [owner], require: [proof, score], note: true}",
     "{to: proving, after: 1h, note: true}  # expect: bad-value"},
    {"{to: proving, by: [owner], require: [proof, score], note: true}",
     "{to: proving, after: 1h, sign: [approver]}  # expect: bad-value"},
    {"{to: proving, by: [owner], require: [proof, score], note: true}",
     "{to: proving, after: 1h, about: place}  # expect: bad-value"},
    {"final: done}", "final: ok}  # expect: bad-value"},
    {"{name: dropped, final: cancelled}",
     "{name: dropped, final: cancelled, within: 2h}  # expect: bad-value"},
    {"  - {name: dropped, final: cancelled}\n",
     "  - name: dropped\n    final: cancelled\n    next: []  # expect: bad-value\n"},
    {"from: opened\n", "\n"},
    {"{unit_of: place, or: {role: district_duty, area: subject}}",
     "{unit_of: place, person_of: helper}  # expect: bad-value"},
    {"{role: inspector, area: place}\n", "{role: inspector}  # expect: bad-value\n"},
    {"{role: inspector, area: place}\n", "inspector  # expect: bad-value\n"},
    {"by: [owner, {role", "by: [owner, {}, {role"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{field: score}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{field: score, lt: 60, gt: 2}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{field: score, is: given}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{field: score, in: []}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{children: open}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{area_risk: [huge], of: place}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "{elapsed: 2h}]}]}  # expect: bad-value"},
    {"{field: score, lt: 60}, {not: {acted: fixing, is: present}}]}]}",
     "score}]}  # expect: syntax"},
    {"target: 0.95", "target: 95  # expect: bad-value\n   "},
    {"share: closed, of: closed, target", "share: closed, target"},
    {"retention: 365d", "retention: forever  # expect: bad-value"},
    {"retention: 365d", "retention: 365d\nmigrates: {from: 1}  # expect: bad-value"},
    {"retention: 365d", "retention: 365d\nmigrates: {from: 2, map: {fixing: fixing, proving: "
                        "proving}}  # expect: bad-value"},
    {"retention: 365d",
     "retention: 365d\nmigrates: {from: 1, map: {fixing: fixing}}  # expect: bad-value"},
    {"opened_by: [inspection.finding_recorded, manual]",
     "opened_by: [{when: [{field: x, is: present}]}]  # expect: bad-value"},
    {"opened_by: [inspection.finding_recorded, manual]",
     "opened_by: [{on: inspection.finding_recorded, when: [{children: closed}]}]"
     "  # expect: bad-value"},
    {"unique: [finding_no]", "unique: finding_no  # expect: bad-value"},
};

static void values_of_wrong_form_are_found(void **state)
{
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < ROWS(wrong_values); i++) {
        struct slice text = with(&bench.arena, base(&bench.arena),
                                 wrong_values[i].from, wrong_values[i].to);
        if (strcmp(wrong_values[i].to, "by: [owner, {}, {role") == 0)
            text = with(&bench.arena, text, "when: [{separate_hands: [fixing]}]}\n",
                        "when: [{separate_hands: [fixing]}]}  # expect: bad-value\n");
        if (strcmp(wrong_values[i].to, "share: closed, target") == 0)
            text = with(&bench.arena, text, "split: severity}",
                        "split: severity}  # expect: bad-value");
        expect_marks(&bench, wrong_values[i].to, text, false);
    }
    bench_end(&bench);
}

#define SEVERITY "values: [critical, major, minor]}"
#define TITLED(rest)                                                                               \
    "values: [critical, major, minor],\n    titles: {critical: {zh: 严重, en: Critical},\n" rest
#define MAJOR "      major: {zh: 较大, en: Major},\n"
#define MINOR "      minor: {zh: 一般, en: Minor}"

static void titles_of_choices_are_for_all_of_them_and_no_others(void **state)
{
    static const struct row rows[] = {
        {SEVERITY, TITLED(MAJOR MINOR "}}")},
        {SEVERITY, TITLED(MAJOR MINOR ",\n      huge: {zh: 巨大, en: Huge}}}  # expect: bad-value")},
        {SEVERITY, "values: [critical, major, minor],\n    titles: {critical: {zh: 严重, en: C}, "
                   "major: {zh: 较大, en: M}}}  # expect: bad-value"},
        {SEVERITY, "values: [critical, major, minor],\n    titles: {}}"
                   "  # expect: bad-value bad-value bad-value"},
        {SEVERITY, TITLED(MAJOR "      minor: {zh: 较大, en: Minor}}}  # expect: duplicate-name")},
        {SEVERITY, TITLED(MAJOR "      minor: {zh: 一般, en: Major}}}  # expect: duplicate-name")},
        {SEVERITY, TITLED(MAJOR "      minor: {zh: 一般}}}  # expect: bad-value")},
        {SEVERITY, TITLED(MAJOR "      minor: small}}  # expect: bad-value")},
        {SEVERITY, "values: [critical, major, minor],\n    titles: [a]}  # expect: bad-value"},
        {"type: bool}", "type: bool, titles: {a: {zh: 甲, en: A}}}  # expect: bad-value"},
    };
    each_row(*state, rows, ROWS(rows), true);
    static const struct row twice[] = {
        {SEVERITY, TITLED(MAJOR MINOR ",\n      major: {zh: 大, en: Big}}}  # expect: syntax")},
    };
    each_row(*state, twice, ROWS(twice), false);
}

static void missing_keys_are_found_at_the_scene(void **state)
{
    static const struct row rows[] = {
        {"version: 2\n", ""},
        {"title: {zh: 整改, en: Repair}\n", ""},
        {"subject: venue\n", ""},
        {"opened_by: [inspection.finding_recorded, manual]\n", ""},
    };
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct slice text = with(&bench.arena, base(&bench.arena), rows[i].from, rows[i].to);
        text = with(&bench.arena, text, "scene: repair", "scene: repair  # expect: bad-value");
        expect_marks(&bench, rows[i].from, text, true);
    }
    static const char *const all[] = {"version", "title", "subject", "opened_by", "fields",
                                      "stages"};
    struct scene_findings findings;
    bench_check(&bench, SLICE("# a scene\nscene: bare\n"), &findings);
    assert_int_equal(findings_of(&findings, 2, "bad-value"), ROWS(all));
    assert_int_equal(findings_of(&findings, 2, "escalation-open"), 1);
    for (size_t i = 0; i < ROWS(all); i++)
        assert_non_null(strstr(findings_text(&bench.arena, &findings), all[i]));
    bench_end(&bench);
}

static void names_that_stand_twice_are_found_at_the_second(void **state)
{
    static const struct row rows[] = {
        {"{name: urgent, type: bool}", "{name: weight, type: bool}  # expect: duplicate-name"},
        {"  - {name: dropped, final: cancelled}\n",
         "  - {name: dropped, final: cancelled}\n"
         "  - {name: closed, final: done}  # expect: duplicate-name\n"},
        {"  - {name: dropped, final: cancelled}\n",
         "  - {name: dropped, final: cancelled}\n"
         "  - {name: urgent, final: done}  # expect: duplicate-name unreachable-stage\n"},
        {"[critical, major, minor]}",
         "[critical, major, minor, major]}  # expect: duplicate-name"},
        {"{name: quick, from", "{name: in_time, from"},
    };
    each_row(*state, rows, ROWS(rows) - 1, true);
    struct bench bench;
    bench_begin(&bench, *state);
    struct slice text = with(&bench.arena, base(&bench.arena), rows[4].from, rows[4].to);
    text = with(&bench.arena, text, "target: 0.5}", "target: 0.5}  # expect: duplicate-name");
    expect_marks(&bench, "indicators", text, true);
    bench_end(&bench);
}

static void what_does_not_exist_is_an_unknown_reference(void **state)
{
    static const struct row rows[] = {
        {"subject: venue", "subject: planet  # expect: unknown-reference"},
        {"opened_by: [inspection.finding_recorded, manual]",
         "opened_by: [inspection.found]  # expect: unknown-reference"},
        {"opened_by: [inspection.finding_recorded, manual]",
         "opened_by: [{on: manual}]  # expect: unknown-reference"},
        {"{to: proving, by: [owner], require: [proof, score], note: true}",
         "{to: proving, by: [owner, grid_walker]}  # expect: unknown-reference"},
        {"require: [proof, score], note: true}",
         "require: [proof, score], sign: [nobody]}  # expect: unknown-reference"},
        {"{role: inspector, area: place}\n",
         "{role: owner, area: place}  # expect: unknown-reference\n"},
        {"verifies: fixing", "verifies: mending  # expect: unknown-reference"},
        {"hidden_until: proving", "hidden_until: never  # expect: unknown-reference\n   "},
        {"{to: dropped, on: indicator.missed, about: place_area}",
         "{to: dropped, on: indicator.lost, about: place_area}  # expect: unknown-reference"},
        {"{to: dropped, on: indicator.missed, about: place_area}",
         "{to: lost, on: indicator.missed, about: place_area}  # expect: unknown-reference"},
        {"{after: 4h, to: command}]", "{after: 4h, to: command}, {after: 5h, to: boss}]"
                                      "  # expect: unknown-reference escalation-open"},
        {"claim: 15m\n", "claim: 15m\n    children: {scene: nothing_such, for_each: subject}"
                         "  # expect: unknown-reference\n"},
        {"to: proving, within: 1d, target: 0.5}",
         "to: done, within: 1d, target: 0.5}  # expect: unknown-reference"},
        {"{not: {acted: fixing, is: present}}]}]}",
         "{not: {acted: mending, is: present}}]}]}  # expect: unknown-reference"},
    };
    each_row(*state, rows, ROWS(rows), false);
}

static void fields_that_do_not_exist_are_found(void **state)
{
    static const struct row rows[] = {
        {"{unit_of: place, or: {role: district_duty, area: subject}}",
         "{unit_of: plaice}  # expect: unknown-field"},
        {"{role: inspector, area: place}\n",
         "{role: inspector, area: town}  # expect: unknown-field\n"},
        {"    within: 24h\n", "    until: when_done  # expect: unknown-field\n"},
        {"from: opened", "from: beginning  # expect: unknown-field"},
        {"{by: severity, critical", "{by: gravity, critical"},
        {"about: place_area}", "about: somewhere}  # expect: unknown-field"},
        {"split: severity}", "split: district}  # expect: unknown-field"},
        {"require: [proof, score]", "require: [proof, points]  # expect: unknown-field\n       "},
        {"unique: [finding_no]", "unique: [number]  # expect: unknown-field"},
        {"{not: {acted: fixing, is: present}}]}]}",
         "{field: points, is: present}]}]}  # expect: unknown-field"},
        {"{not: {acted: fixing, is: present}}]}]}",
         "{elapsed: 2h, since: never}]}]}  # expect: unknown-field"},
        {"{not: {acted: fixing, is: present}}]}]}",
         "{area_risk: [low], of: town}]}]}  # expect: unknown-field"},
        {"opened_by: [inspection.finding_recorded, manual]",
         "opened_by: [venue.silent]  # expect: unknown-field unknown-field unknown-field"},
        {"opened_by: [inspection.finding_recorded, manual]",
         "opened_by: [{on: inspection.finding_recorded, when: [{field: score, gt: 3}]}]"
         "  # expect: unknown-field"},
        {"claim: 15m\n", "claim: 15m\n    children: {scene: freight_trip, for_each: trucks}"
                         "  # expect: unknown-field\n"},
        {"claim: 15m\n",
         "claim: 15m\n    children: {scene: rectification, for_each: {units_in: town, like: "
         "subject}}  # expect: unknown-field\n"},
    };
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct slice text = with(&bench.arena, base(&bench.arena), rows[i].from, rows[i].to);
        if (strstr(rows[i].to, "gravity"))
            text = with(&bench.arena, text, "minor: 3d}", "minor: 3d}  # expect: unknown-field");
        expect_marks(&bench, rows[i].to, text, false);
    }
    bench_end(&bench);
}

static void types_that_do_not_fit_are_found(void **state)
{
    static const char condition[] = "{not: {acted: fixing, is: present}}]}]}";
    static const struct row rows[] = {
        {"{field: score, lt: 60}", "{field: severity, ge: 2}"},
        {"{field: score, lt: 60}", "{field: finding_no, lt: \"b\"}"},
        {"{field: score, lt: 60}", "{field: urgent, gt: false}"},
        {"{field: score, lt: 60}", "{field: severity, eq: huge}"},
        {"{field: score, lt: 60}", "{field: severity, in: [minor, huge]}"},
        {"{field: score, lt: 60}", "{field: score, eq: \"60\"}"},
        {"{field: score, lt: 60}", "{field: score, eq: 1.5}"},
        {"{field: score, lt: 60}", "{field: urgent, eq: yes}"},
        {"{field: score, lt: 60}", "{field: due_at, lt: 2022-04-14}"},
        {"{field: score, lt: 60}", "{field: seen_on, lt: \"14.4.2022\"}"},
        {"{field: score, lt: 60}", "{field: weight, le: heavy}"},
        {"{field: score, lt: 60}", "{field: finding_no, eq: 7}"},
        {"{field: score, lt: 60}", "{field: proof, eq: x}"},
        {"{field: score, lt: 60}", "{field: firms, eq: 7}"},
        {"{field: score, lt: 60}", "{test: negative, within: 48h}"},
        {"{field: score, lt: 60}", "{elapsed: 2h, since: score}"},
        {"{field: score, lt: 60}", "{area_risk: [low], of: score}"},
        {"{field: score, lt: 60}", "{area_risk: [low], of: firms}"},
    };
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct slice text = with(&bench.arena, base(&bench.arena), rows[i].from, rows[i].to);
        text = with(&bench.arena, text, condition,
                    arena_print(&bench.arena, "%s  # expect: type-mismatch", condition));
        expect_marks(&bench, rows[i].to, text, true);
    }
    static const struct row others[] = {
        {"{unit_of: place, or:", "{unit_of: severity, or:"},
        {"{role: inspector, area: place}\n",
         "{role: inspector, area: severity}  # expect: type-mismatch\n"},
        {"{role: inspector, area: place}\n", "{person_of: place}  # expect: type-mismatch\n"},
        {"{role: inspector, area: place}\n", "{person_of: subject}  # expect: type-mismatch\n"},
        {"from: opened", "from: finding_no  # expect: type-mismatch"},
        {"about: place_area}", "about: place}  # expect: type-mismatch"},
        {", on: indicator.missed, about: place_area}",
         ", on: indicator.missed}  # expect: type-mismatch"},
        {"opened_by: [inspection.finding_recorded, manual]",
         "opened_by: [inspection.finding_recorded, pass.activated]"
         "  # expect: type-mismatch unknown-field"},
        {"share: closed, of: closed", "share: proving, of: closed"},
        {"minor: 3d}", "minor: 3d, huge: 1h}  # expect: type-mismatch"},
        {"claim: 15m\n", "claim: 15m\n    children: {scene: rectification, for_each: person}"
                         "  # expect: type-mismatch\n"},
        {"claim: 15m\n", "claim: 15m\n    children: {scene: rectification, for_each: place}"
                         "  # expect: type-mismatch\n"},
        {"claim: 15m\n", "claim: 15m\n    children: {scene: freight_trip, for_each: subject}"
                         "  # expect: type-mismatch\n"},
    };
    for (size_t i = 0; i < ROWS(others); i++) {
        struct slice text = with(&bench.arena, base(&bench.arena), others[i].from, others[i].to);
        if (strstr(others[i].to, "unit_of: severity"))
            text = with(&bench.arena, text, "area: subject}}",
                        "area: subject}}  # expect: type-mismatch");
        if (strstr(others[i].to, "share: proving"))
            text = with(&bench.arena, text, "split: severity}",
                        "split: severity}  # expect: type-mismatch");
        expect_marks(&bench, others[i].to, text, false);
    }
    bench_end(&bench);
}

static void until_takes_a_time_and_within_an_enum(void **state)
{
    static const struct row rows[] = {
        {"    within: 24h\n", "    until: seen_on  # expect: type-mismatch\n"},
        {"{by: severity, critical: 2h, major: 24h, minor: 3d}",
         "{by: finding_no, a: 2h}  # expect: type-mismatch"},
    };
    each_row(*state, rows, ROWS(rows), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scene_of_every_form_is_proved),
        cmocka_unit_test(what_is_no_yaml_of_ours_is_a_syntax_finding),
        cmocka_unit_test(files_too_long_or_too_deep_are_refused),
        cmocka_unit_test(keys_that_do_not_exist_are_found),
        cmocka_unit_test(values_of_wrong_form_are_found),
        cmocka_unit_test(titles_of_choices_are_for_all_of_them_and_no_others),
        cmocka_unit_test(missing_keys_are_found_at_the_scene),
        cmocka_unit_test(names_that_stand_twice_are_found_at_the_second),
        cmocka_unit_test(what_does_not_exist_is_an_unknown_reference),
        cmocka_unit_test(fields_that_do_not_exist_are_found),
        cmocka_unit_test(types_that_do_not_fit_are_found),
        cmocka_unit_test(until_takes_a_time_and_within_an_enum),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
