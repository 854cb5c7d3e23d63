/* What is shown of scenes: drawings of many stages in which nothing meets, pages in two
 * languages, the vocabulary and the schema that agree with what the reader takes. */
#include "scenes/layout.h"
#include "scenes/test_support.h"

/* ---- Layout */

static bool meet(const struct layout_node *a, const struct layout_node *b)
{
    double x = a->x > b->x ? a->x - b->x : b->x - a->x;
    double y = a->y > b->y ? a->y - b->y : b->y - a->y;
    return x < (a->width + b->width) / 2 && y < (a->height + b->height) / 2;
}

static void random_graph(struct layout *layout, struct arena *arena, struct random *random,
                         int nodes, int edges)
{
    *layout = (struct layout){.arena = arena, .graph_count = (size_t)nodes};
    layout->nodes = arena_alloc(arena, (size_t)nodes * sizeof *layout->nodes);
    layout->edges = arena_alloc(arena, (size_t)edges * sizeof *layout->edges);
    for (int i = 0; i < nodes; i++) {
        layout->nodes[i].width = 60 + random_below(random, 200);
        layout->nodes[i].height = 40 + random_below(random, 50);
    }
    for (int i = 0; i < edges; i++) {
        int from = (int)random_below(random, (uint32_t)nodes);
        int to = (int)random_below(random, (uint32_t)nodes);
        if (from != to)
            layout->edges[layout->edge_count++] =
                (struct layout_edge){.from = from,
                                     .to = to,
                                     .label_width = 30 + random_below(random, 200),
                                     .label_height = 16};
    }
}

static void no_boxes_or_labels_meet_and_all_lie_inside(void **state)
{
    struct random random;
    (void)state;
    random_init(&random, 12, 1);
    for (int round = 0; round < 300; round++) {
        struct arena arena;
        struct layout layout;
        arena_init(&arena, 64 << 20);
        random_graph(&layout, &arena, &random, 1 + (int)random_below(&random, 14),
                     (int)random_below(&random, 30));
        layout_run(&layout);
        for (size_t i = 0; i < layout.node_count; i++) {
            const struct layout_node *node = &layout.nodes[i];
            assert_true(node->x - node->width / 2 > -0.01);
            assert_true(node->x + node->width / 2 < layout.width + 0.01);
            assert_true(node->y + node->height / 2 < layout.height + 0.01);
            for (size_t k = 0; k < i; k++)
                if (meet(node, &layout.nodes[k]))
                    fail_msg("round %d: %zu and %zu meet", round, k, i);
        }
        for (size_t i = 0; i < layout.edge_count; i++) {
            const struct layout_edge *edge = &layout.edges[i];
            assert_int_equal(edge->chain[0], edge->turned ? edge->to : edge->from);
            assert_int_equal(edge->chain[edge->chain_count - 1],
                             edge->turned ? edge->from : edge->to);
            assert_true(edge->label >= 0);
            for (size_t k = 1; k < edge->chain_count; k++)
                assert_true(layout.nodes[edge->chain[k]].y > layout.nodes[edge->chain[k - 1]].y);
        }
        arena_release(&arena);
    }
}

/* ---- Built-in scenes, drawn and described */

static size_t count_of(const struct buffer *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text->data; at && (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

static void every_scene_is_drawn_and_described_whole(void **state)
{
    struct bench bench;
    struct buffer text;
    size_t count;
    bench_begin(&bench, *state);
    const struct scene_source *all = scene_folder_all(bench.folder, &count);
    buffer_init(&text, 16 << 20);
    for (size_t i = 0; i < count; i++) {
        const struct scene *scene = all[i].scene;
        buffer_clear(&text);
        scene_draw(scene, bench.policy, 0, &text);
        assert_false(text.overflow);
        assert_non_null(strstr(text.data, "</svg>"));
        for (size_t s = 0; s < scene->stage_count; s++)
            if (!strstr(text.data, scene->stages[s].title.zh))
                fail_msg("%s: %s is not drawn", scene->name, scene->stages[s].name);
        buffer_clear(&text);
        scene_document(scene, bench.policy, &text);
        assert_int_equal(count_of(&text, "\n#### "), 2 * scene->stage_count);
        for (size_t s = 0; s < scene->stage_count; s++) {
            assert_non_null(strstr(text.data, scene->stages[s].title.zh));
            assert_non_null(strstr(text.data, scene->stages[s].title.en));
        }
        for (size_t f = 0; f < scene->field_count; f++)
            assert_non_null(strstr(text.data, scene->fields[f].title.zh));
        assert_null(strstr(text.data, "(null)"));
    }
    buffer_release(&text);
    bench_end(&bench);
}

static void events_and_what_they_carry_are_called_by_words(void **state)
{
    struct bench bench;
    struct buffer text;
    size_t count;
    const struct scene_event *events = scene_event_all(&count);
    for (size_t i = 0; i < count; i++)
        for (const struct scene_payload *entry = events[i].payload; entry->name; entry++)
            if (!scene_payload_words(entry->name).zh || !scene_payload_words(entry->name).en)
                fail_msg("%s of %s has no words", entry->name, events[i].name);
    static const struct {
        const char *scene, *zh, *en, *never;
    } rows[] = {
        {"appeal", "未决申诉数等于 0", "open appeals is 0", "still_open"},
        {"tube_retest", "全部阴性为“是”", "All negative is yes", "等于 true"},
        {"alert_disposition", "限时按“级别”", "limit by “Level”", "按 level"},
    };
    bench_begin(&bench, *state);
    const struct scene_source *all = scene_folder_all(bench.folder, &count);
    buffer_init(&text, 16 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct scene *scene = NULL;
        for (size_t k = 0; k < count; k++)
            if (strcmp(all[k].scene->name, rows[i].scene) == 0)
                scene = all[k].scene;
        assert_non_null(scene);
        buffer_clear(&text);
        scene_draw(scene, bench.policy, 0, &text);
        assert_null(strstr(text.data, rows[i].never));
        scene_draw(scene, bench.policy, SCENE_DRAW_ENGLISH, &text);
        scene_document(scene, bench.policy, &text);
        if (!strstr(text.data, rows[i].zh) || !strstr(text.data, rows[i].en))
            fail_msg("%s: %s, %s", rows[i].scene, rows[i].zh, rows[i].en);
    }
    buffer_release(&text);
    bench_end(&bench);
}

static void what_is_drawn_is_escaped(void **state)
{
    static const char text[] = "scene: x\nversion: 1\n"
                               "title: {zh: \"<script>&\", en: \"a \\\"b\\\"\\x01\"}\n"
                               "subject: unit\nopened_by: [manual]\nfields: []\nstages:\n"
                               "  - {name: a, title: {zh: \"</svg>\", en: b}, final: done}\n"
                               "escalate: [{after: 0m, to: command}]\n";
    struct bench bench;
    struct scene_findings findings;
    struct buffer out;
    bench_begin(&bench, *state);
    const struct scene *scene = bench_check(&bench, slice_of(text), &findings);
    buffer_init(&out, 1 << 20);
    scene_draw(scene, bench.policy, 0, &out);
    assert_null(strstr(out.data, "<script"));
    assert_int_equal(count_of(&out, "</svg>"), 1);
    for (size_t i = 0; i < out.length; i++)
        assert_true((unsigned char)out.data[i] >= 0x20 || out.data[i] == '\n');
    buffer_release(&out);
    bench_end(&bench);
}

/* Also what the check has found fault with: an event that is no word, a stage without a name. */
static void what_is_wrong_is_drawn_all_the_same(void **state)
{
    static const char *const ons[] = {"[pass.expired]", "{a: b}", "[]", "{}", "~", ""};
    struct bench bench;
    bench_begin(&bench, *state);
    for (size_t i = 0; i < sizeof ons / sizeof *ons; i++) {
        struct scene_findings findings;
        struct buffer out;
        char *text = arena_print(&bench.arena,
                                 "scene: x\nversion: 1\ntitle: {zh: x, en: x}\nsubject: unit\n"
                                 "opened_by: [manual]\nfields: []\nstages:\n"
                                 "  - name: a\n    owner: {role: command, area: subject}\n"
                                 "    within: 1h\n    next: [{to: b, on: %s}]\n"
                                 "  - {name: b, final: done}\n"
                                 "escalate: [{after: 0m, to: command}]\n",
                                 ons[i]);
        const struct scene *scene = bench_check(&bench, slice_of(text), &findings);
        assert_true(findings.count > 0);
        buffer_init(&out, 1 << 20);
        for (int chinese = 0; chinese < 2; chinese++)
            scene_draw(scene, bench.policy, chinese, &out);
        assert_int_equal(count_of(&out, "</svg>"), 2);
        buffer_release(&out);
    }
    bench_end(&bench);
}

/* ---- Vocabulary and schema */

static void the_vocabulary_has_what_the_language_promises(void **state)
{
    static const char *const events[] = {"arrival.reported",
                                         "pass.activated",
                                         "pass.expired",
                                         "checkpoint.scanned",
                                         "checkpoint.exit_scanned",
                                         "shift.ending",
                                         "result.person_positive",
                                         "result.person_negative",
                                         "result.tube_positive",
                                         "result.tube_inconclusive",
                                         "result.members_reached",
                                         "result.retest_complete",
                                         "case.confirmed",
                                         "contact.proposed",
                                         "contact.confirmed",
                                         "status.changed",
                                         "appeal.filed",
                                         "appeal.decided", /* this house's own */
                                         "alert.raised",
                                         "venue.silent",
                                         "venue.copied_code",
                                         "venue.exposed",
                                         "unit.exposed", /* these two are, too */
                                         "inspection.finding_recorded",
                                         "indicator.missed",
                                         "roster.gap_found",
                                         "test.overdue",
                                         "batch.received",
                                         "step.missing",
                                         "isolation.ordered",
                                         "isolation.ended",
                                         "request.filed",
                                         "letter.filed",
                                         "plan.activated",
                                         "day.passed",
                                         "hour.passed"};
    static const char *const roles[] = {
        "command",         "command_duty",  "cdc_lead",    "cdc_duty",        "cdc_investigator",
        "district_duty",   "town_duty",     "grid_worker", "checkpoint_lead", "checkpoint_officer",
        "sampler",         "lab_duty",      "lab_lead",    "site_lead",       "site_staff",
        "unit_manager",    "venue_manager", "venue_staff", "inspector",       "inspection_lead",
        "appeals_officer", "approver",      "auditor",     "epidemiologist",  "press",
        "administrator"};
    struct buffer text;
    struct error err;
    json_t *document;
    buffer_init(&text, 1 << 20);
    scene_vocabulary(*state, true, &text);
    test_done_or_fail(json_read(buffer_slice(&text), "vocabulary", &document, &err), &err);
    for (size_t i = 0; i < ROWS(events); i++) {
        const struct scene_event *event = scene_event_find(events[i]);
        if (!event)
            fail_msg("no event %s", events[i]);
        assert_true(event->payload[0].name != NULL && event->zh[0] && event->en[0]);
    }
    assert_int_equal(json_array_size(json_object_get(document, "events")), ROWS(events));
    for (size_t i = 0; i < ROWS(roles); i++)
        assert_non_null(policy_role(*state, slice_of(roles[i])));
    assert_int_equal(json_array_size(json_object_get(document, "roles")), ROWS(roles));
    assert_int_equal(json_array_size(json_object_get(document, "subjects")), SCENE_KIND_COUNT);
    json_decref(document);
    buffer_release(&text);
}

/* Every reference of the schema has its definition. */
static void check_references(json_t *node, json_t *definitions)
{
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach (node, key, value) {
        if (strcmp(key, "$ref") == 0) {
            const char *name = strrchr(json_string_value(value), '/') + 1;
            if (!json_object_get(definitions, name))
                fail_msg("no definition of %s", name);
        }
        check_references(value, definitions);
    }
    json_array_foreach (node, i, value)
        check_references(value, definitions);
}

static void the_schema_refers_to_nothing_that_is_not_there(void **state)
{
    struct buffer text;
    struct error err;
    json_t *document;
    buffer_init(&text, 1 << 20);
    scene_schema(*state, &text);
    test_done_or_fail(json_read(buffer_slice(&text), "schema", &document, &err), &err);
    check_references(document, json_object_get(document, "$defs"));
    assert_int_equal(json_array_size(json_object_get(document, "required")), 8);
    json_decref(document);
    buffer_release(&text);
}

static void durations_are_told_in_the_largest_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{0, "0m"},     {900, "15m"},   {3600, "1h"},    {5400, "90m"},
                {86400, "1d"}, {90000, "25h"}, {1209600, "14d"}};
    char text[32];
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(scene_duration(rows[i].seconds, text), rows[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_boxes_or_labels_meet_and_all_lie_inside),
        cmocka_unit_test(every_scene_is_drawn_and_described_whole),
        cmocka_unit_test(events_and_what_they_carry_are_called_by_words),
        cmocka_unit_test(what_is_drawn_is_escaped),
        cmocka_unit_test(what_is_wrong_is_drawn_all_the_same),
        cmocka_unit_test(the_vocabulary_has_what_the_language_promises),
        cmocka_unit_test(the_schema_refers_to_nothing_that_is_not_there),
        cmocka_unit_test(durations_are_told_in_the_largest_unit),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
