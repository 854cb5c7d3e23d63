/* The promise of the proof, tried: random scenes are made, those that the verifier accepts are
 * walked at random, a million steps in all, by a small machine that knows only the language: no
 * loop is ever stuck, without owner or without clock, every overdue one reaches the command
 * centre, every walk ends. A verifier that accepts too much fails here. */
#include <math.h>

#include "scenes/test_support.h"

enum { STEPS = 1000000, STEPS_A_SCENE = 4000, MANY_SCENES = 200 };

/* ---- Making a scene */

/* Names that the payloads of events about units carry: events fill these fields. */
enum { FIELD_PLACE, FIELD_FIRM, FIELD_DUE, FIELD_KIND, FIELD_FLAG, FIELD_MISSING, FIELDS };
static const char *const field_lines[FIELDS] = {
    "name: place, type: area",         "name: firm, type: unit",
    "name: found_at, type: time",      "name: kind, type: enum, values: [x, y, z]",
    "name: flag, type: bool",          "name: missing, type: int, min: 0, max: 9"};
static const char *const field_names[FIELDS] = {"place", "firm", "found_at",
                                                "kind",  "flag", "missing"};

struct maker {
    struct random random;
    struct buffer text;
    uint32_t stages, finals;
};

static uint32_t draw(struct maker *maker, uint32_t bound)
{
    return random_below(&maker->random, bound);
}

static void make_condition(struct maker *maker, int depth)
{
    static const char *const simple[] = {
        "{field: kind, eq: x}",          "{field: kind, ne: y}",
        "{field: kind, in: [y, z]}",     "{field: flag, eq: true}",
        "{field: flag, eq: false}",      "{field: missing, lt: 3}",
        "{field: missing, ge: 3}",       "{field: missing, eq: 5}",
        "{children: closed}",            "{elapsed: 2h, since: opened}",
        "{separate_hands: [s0]}",        "{acted: s0, is: present}",
        "{area_risk: [low], of: place}", "{field: found_at, gt: \"2022-04-14T00:00:00+08:00\"}"};
    uint32_t form = draw(maker, 10);
    if (form < 4) {
        buffer_print(&maker->text, "{field: %s, is: %s}", field_names[draw(maker, FIELDS)],
                     draw(maker, 2) ? "present" : "absent");
    } else if (form < 8 || depth > 2) {
        buffer_append_text(&maker->text, simple[draw(maker, ROWS(simple))]);
    } else if (form == 8) {
        buffer_append_text(&maker->text, "{not: ");
        make_condition(maker, depth + 1);
        buffer_append_text(&maker->text, "}");
    } else {
        buffer_append_text(&maker->text, "{any: [");
        make_condition(maker, depth + 1);
        buffer_append_text(&maker->text, ", ");
        make_condition(maker, depth + 1);
        buffer_append_text(&maker->text, "]}");
    }
}

/* A target, mostly later in the file: scenes that go on are accepted more often. */
static void make_target(struct maker *maker, uint32_t stage)
{
    uint32_t later = maker->stages + maker->finals - stage - 1;
    uint32_t to = draw(maker, 4) == 0 ? draw(maker, maker->stages + maker->finals)
                  : draw(maker, 2)    ? stage + 1
                                      : stage + 1 + draw(maker, later);
    buffer_print(&maker->text, "      - {to: s%u", to);
}

static void make_transition(struct maker *maker, uint32_t stage)
{
    static const char *const events[] = {"request.filed", "letter.filed", "roster.gap_found"};
    uint32_t trigger = draw(maker, 4);
    make_target(maker, stage);
    if (trigger == 0)
        buffer_print(&maker->text, ", on: %s", events[draw(maker, 3)]);
    else if (trigger == 1)
        buffer_print(&maker->text, ", after: %uh", draw(maker, 3));
    else
        buffer_print(&maker->text, ", by: [%s]", draw(maker, 4) ? "owner" : "{unit_of: firm}");
    if (draw(maker, 3) == 0) {
        buffer_append_text(&maker->text, ", when: [");
        make_condition(maker, 0);
        if (draw(maker, 3) == 0) {
            buffer_append_text(&maker->text, ", ");
            make_condition(maker, 0);
        }
        buffer_append_text(&maker->text, "]");
    }
    if (trigger > 1 && draw(maker, 2))
        buffer_print(&maker->text, ", require: [%s]", field_names[draw(maker, FIELDS)]);
    buffer_append_text(&maker->text, "}\n");
}

static void make_stage(struct maker *maker, uint32_t stage)
{
    static const char *const owners[] = {
        "{role: town_duty, area: subject}", "{role: town_duty, area: place}", "{unit_of: firm}",
        "{unit_of: firm, or: {role: command, area: subject}}", "{unit_of: subject}"};
    static const char *const clocks[] = {"within: 2h", "until: found_at",
                                         "within: {by: kind, x: 1h, y: 2h, z: 3h}"};
    buffer_print(&maker->text, "  - name: s%u\n    owner: %s\n    ", stage, owners[draw(maker, 5)]);
    uint32_t clock = draw(maker, 6);
    buffer_append_text(&maker->text, clocks[clock < 3 ? clock : 0]);
    if (clock == 4)
        buffer_print(&maker->text, "\n    from: s%u", draw(maker, maker->stages));
    if (clock == 5)
        buffer_append_text(&maker->text, "\n    from: found_at");
    if (draw(maker, 2))
        buffer_print(&maker->text, "\n    max_visits: %u", 1 + draw(maker, 3));
    buffer_append_text(&maker->text, "\n    next:\n");
    for (uint32_t i = 0, count = 1 + draw(maker, 4); i < count; i++)
        make_transition(maker, stage);
    if (draw(maker, 4) == 0)
        buffer_print(&maker->text, "      - {to: s%u, by: [command]}\n", maker->stages);
}

static void make_scene(struct maker *maker)
{
    buffer_clear(&maker->text);
    maker->stages = 3 + draw(maker, 4);
    maker->finals = 1 + draw(maker, 2);
    buffer_append_text(&maker->text, "scene: random\nversion: 1\ntitle: {zh: 随, en: Random}\n"
                                     "subject: unit\nopened_by: [manual]\nfields:\n");
    for (int i = 0; i < FIELDS; i++)
        buffer_print(&maker->text, "  - {%s%s}\n", field_lines[i],
                     draw(maker, 3) ? ", required: true" : "");
    buffer_append_text(&maker->text, "stages:\n");
    for (uint32_t i = 0; i < maker->stages; i++)
        make_stage(maker, i);
    for (uint32_t i = 0; i < maker->finals; i++)
        buffer_print(&maker->text, "  - {name: s%u, final: done}\n", maker->stages + i);
    buffer_print(&maker->text, "escalate: [{after: %um, to: owner_lead}, {after: 4h, to: %s}]\n",
                 draw(maker, 300), draw(maker, 8) ? "command" : "town_duty");
}

/* ---- Walking it: a loop with concrete values */

struct loop {
    const struct scene *scene;
    struct random *random;
    const char *text; /* told where it fails */
    int stage;
    bool set[FIELDS];
    int64_t values[FIELDS]; /* kind 0…2, flag 0…1, missing 0…9, found_at −1…1 about 0 */
    unsigned visits[16];
    unsigned moves, visits_allowed;
    bool closed;
};

/* How free questions are answered: by chance, or as whoever acts would like. */
enum answer { BY_CHANCE, AS_NEEDED };
enum verdict { IS_FALSE, IS_OPEN, IS_TRUE };

static bool compare(int64_t value, int64_t constant, enum scene_operator comparison)
{
    switch (comparison) {
    case OPERATOR_EQ:
        return value == constant;
    case OPERATOR_NE:
        return value != constant;
    case OPERATOR_LT:
        return value < constant;
    case OPERATOR_LE:
        return value <= constant;
    case OPERATOR_GT:
        return value > constant;
    case OPERATOR_GE:
        return value >= constant;
    }
    return false;
}

static int64_t constant_of(const struct scene_value *value, int field)
{
    switch (field) {
    case FIELD_KIND:
        return value->text[0] - 'x';
    case FIELD_DUE:
        return 0; /* the only moment that conditions name */
    case FIELD_FLAG:
        return strcmp(value->text, "true") == 0;
    default:
        return value->text[0] - '0';
    }
}

static enum verdict judge(struct loop *loop, const struct scene_condition *condition,
                          enum answer answer)
{
    int field = condition->name.index;
    enum verdict verdict = IS_FALSE;
    switch (condition->form) {
    case CONDITION_IS:
        return condition->present == loop->set[field] ? IS_TRUE : IS_FALSE;
    case CONDITION_COMPARE:
    case CONDITION_IN:
        for (size_t i = 0; loop->set[field] && i < condition->values.count; i++)
            if (compare(loop->values[field], constant_of(&condition->values.items[i], field),
                        condition->form == CONDITION_IN ? OPERATOR_EQ : condition->comparison))
                return IS_TRUE;
        return IS_FALSE;
    case CONDITION_NOT:
        return (enum verdict)(IS_TRUE - judge(loop, condition->parts, answer));
    case CONDITION_ANY:
        for (size_t i = 0; i < condition->part_count; i++) {
            enum verdict part = judge(loop, &condition->parts[i], answer);
            verdict = part > verdict ? part : verdict;
        }
        return verdict;
    default:
        return answer == AS_NEEDED ? IS_OPEN : random_below(loop->random, 2) ? IS_TRUE : IS_FALSE;
    }
}

static bool may_pass(struct loop *loop, const struct scene_transition *transition,
                     enum answer answer)
{
    for (size_t i = 0; i < transition->when.count; i++)
        if (judge(loop, &transition->when.items[i], answer) == IS_FALSE)
            return false;
    return true;
}

static void give(struct loop *loop, int field)
{
    static const uint32_t bounds[FIELDS] = {1, 1, 3, 3, 2, 10};
    loop->set[field] = true;
    loop->values[field] = (int64_t)random_below(loop->random, bounds[field]) -
                          (field == FIELD_DUE);
}

/* The walk's failures: `what` does not hold where the loop stands. */
static void must(const struct loop *loop, bool holds, const char *what)
{
    if (!holds)
        fail_msg("at %s: %s\n%s", loop->scene->stages[loop->stage].name, what, loop->text);
}

static bool owner_stands(const struct loop *loop, const struct scene_owner *owner)
{
    for (; owner; owner = owner->otherwise)
        if (owner->bare || owner->place.target == TARGET_SUBJECT || loop->set[owner->place.index])
            return true;
    return false;
}

static bool clock_stands(const struct loop *loop, const struct scene_stage *stage)
{
    if (stage->until.text)
        return loop->set[stage->until.index];
    if (stage->from.target == TARGET_FIELD && !loop->set[stage->from.index])
        return false;
    if (stage->from.target == TARGET_STAGE && loop->visits[stage->from.index] == 0)
        return false;
    if (!stage->within_by.text)
        return stage->within != SCENE_UNSET;
    for (size_t i = 0; i < stage->within_value_count; i++)
        if (loop->set[FIELD_KIND] &&
            stage->within_values[i].text[0] - 'x' == loop->values[FIELD_KIND])
            return true;
    return false;
}

/* What holds whenever a loop comes to a stage. */
static void enter(struct loop *loop, int to)
{
    const struct scene *scene = loop->scene;
    const struct scene_stage *stage = &scene->stages[to];
    loop->stage = to;
    loop->moves++;
    loop->visits[to]++;
    if (stage->final) {
        loop->closed = true;
        return;
    }
    must(loop, owner_stands(loop, stage->owner), "nobody owns the loop");
    must(loop, clock_stands(loop, stage), "the loop has no clock");
    if (stage->max_visits != SCENE_UNSET && loop->visits[to] > (unsigned)stage->max_visits)
        loop->closed = true; /* the command centre has it now, and may end it */
    must(loop, loop->moves <= (loop->visits_allowed + 2) * (scene->stage_count + 1),
         "the loop goes round without end");
}

static bool unguarded_hand(const struct scene_stage *stage)
{
    for (size_t i = 0; i < stage->next_count; i++)
        if (stage->next[i].trigger == TRIGGER_BY && stage->next[i].when.count == 0)
            return true;
    return false;
}

/* Tries the transitions of one moment in order; −1 where none applies. */
static int time_moves(struct loop *loop, const struct scene_stage *stage)
{
    for (int64_t hour = 0; hour <= 3; hour++)
        for (size_t i = 0; i < stage->next_count; i++)
            if (stage->next[i].trigger == TRIGGER_AFTER && stage->next[i].after == hour * 3600 &&
                may_pass(loop, &stage->next[i], BY_CHANCE))
                return stage->next[i].to.index;
    return -1;
}

static void deadline_passes(struct loop *loop)
{
    const struct scene *scene = loop->scene;
    const struct scene_step *last = &scene->escalate[scene->step_count - 1];
    int to = time_moves(loop, &scene->stages[loop->stage]);
    must(loop, scene->step_count > 0 && strcmp(last->to, "command") == 0,
         "an overdue loop never reaches the command centre");
    for (size_t i = 1; i < scene->step_count; i++)
        must(loop, scene->escalate[i].after > scene->escalate[i - 1].after, "steps out of order");
    if (to >= 0)
        enter(loop, to);
}

/* An event comes, with some of its payload; some other way must exist where it finds none. */
static void event_comes(struct loop *loop, const struct scene_event *event)
{
    const struct scene_stage *stage = &loop->scene->stages[loop->stage];
    for (const struct scene_payload *entry = event->payload; entry->name; entry++) {
        int field = scene_field_of(loop->scene, entry->name);
        if (field >= 0 && loop->scene->fields[field].type == entry->type &&
            random_below(loop->random, 2))
            give(loop, field);
    }
    for (size_t i = 0; i < stage->next_count; i++)
        if (stage->next[i].event == event && may_pass(loop, &stage->next[i], BY_CHANCE)) {
            enter(loop, stage->next[i].to.index);
            return;
        }
    int to = unguarded_hand(stage) ? -1 : time_moves(loop, stage);
    must(loop, to >= 0 || unguarded_hand(stage), "an event found no way, and nothing else comes");
    if (to >= 0)
        enter(loop, to);
}

/* A person acts: gives what is required, then the guard must hold. */
static bool hand_acts(struct loop *loop, const struct scene_transition *transition,
                      enum answer answer)
{
    struct loop before = *loop;
    for (size_t i = 0; i < transition->by.count; i++)
        must(loop, transition->by.items[i].form == OWNER_SELF ||
                       owner_stands(loop, &transition->by.items[i]),
             "who may act does not resolve");
    for (size_t i = 0; i < transition->require.count; i++)
        if (!loop->set[transition->require.items[i].index] || random_below(loop->random, 2))
            give(loop, transition->require.items[i].index);
    if (may_pass(loop, transition, answer)) {
        enter(loop, transition->to.index);
        return true;
    }
    *loop = before;
    return false;
}

/* Whether somebody can act as the loop stands, if questions of other things turn out as needed. */
static bool somebody_can_act(const struct loop *loop, const struct scene_stage *stage)
{
    for (size_t i = 0; i < stage->next_count; i++)
        for (int trial = 0; stage->next[i].trigger == TRIGGER_BY && trial < 60; trial++) {
            struct loop copy = *loop;
            for (size_t k = 0; k < stage->next[i].require.count; k++)
                if (trial % 2 || !copy.set[stage->next[i].require.items[k].index])
                    give(&copy, stage->next[i].require.items[k].index);
            if (may_pass(&copy, &stage->next[i], AS_NEEDED))
                return true;
        }
    return false;
}

static void step(struct loop *loop)
{
    const struct scene_stage *stage = &loop->scene->stages[loop->stage];
    const struct scene_transition *chosen =
        &stage->next[random_below(loop->random, (uint32_t)stage->next_count)];
    bool awaits = false;
    for (size_t i = 0; i < stage->next_count; i++)
        awaits = awaits || stage->next[i].trigger == TRIGGER_ON;
    if (chosen->trigger == TRIGGER_ON)
        event_comes(loop, chosen->event);
    else if (chosen->trigger == TRIGGER_AFTER)
        deadline_passes(loop);
    else if (!hand_acts(loop, chosen, BY_CHANCE) && !awaits && time_moves(loop, stage) < 0)
        must(loop, somebody_can_act(loop, stage), "nobody can act and nothing comes");
}

static void open_loop(struct loop *loop, const struct scene *scene, struct random *random,
                      const char *text)
{
    *loop = (struct loop){.scene = scene, .random = random, .text = text};
    for (size_t i = 0; i < scene->stage_count; i++)
        if (scene->stages[i].max_visits != SCENE_UNSET)
            loop->visits_allowed += (unsigned)scene->stages[i].max_visits;
    for (int i = 0; i < FIELDS; i++)
        if (scene->fields[i].required)
            give(loop, i);
    enter(loop, 0);
}

static void what_is_proved_never_gets_stuck(void **state)
{
    struct maker maker = {.stages = 0};
    struct bench bench;
    size_t steps = 0, accepted = 0, made = 0, walks = 0;
    bench_begin(&bench, *state);
    random_init(&maker.random, 20220414, 7);
    buffer_init(&maker.text, 1 << 20);
    while (steps < STEPS) {
        struct scene_findings findings;
        struct scene *scene;
        struct arena arena;
        arena_init(&arena, 64 << 20);
        made++;
        make_scene(&maker);
        scene_findings_init(&findings, &arena);
        scene_read(buffer_slice(&maker.text), bench.policy, &arena, &scene, &findings);
        scene_verify(scene, bench.folder, &findings);
        if (findings.count == 0) {
            accepted++;
            for (size_t budget = STEPS_A_SCENE; budget > 0;) {
                struct loop loop;
                open_loop(&loop, scene, &maker.random, maker.text.data);
                walks++;
                for (; !loop.closed && budget > 0; budget--, steps++)
                    step(&loop);
            }
        }
        arena_release(&arena);
    }
    print_message("# %zu scenes made, %zu proved, %zu walks, %zu steps\n", made, accepted, walks,
                  steps);
    assert_true(accepted >= MANY_SCENES);
    assert_true(accepted < made);
    buffer_release(&maker.text);
    bench_end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_proved_never_gets_stuck)};
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
