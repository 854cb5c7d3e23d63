/* The steps of which plays are made, second half: those that look, and time alone; and the table of
 * all steps. */
#ifndef CHENGMAI_SERVER_TEST_PLAY_LOOKS_H
#define CHENGMAI_SERVER_TEST_PLAY_LOOKS_H

#include "server/test_play_steps.h"

/* ---- Steps that look */

static void step_is(struct play *play, json_t *step)
{
    const char *state = text_of(play, step, "state");
    expect_member(play, "stage", demand(play, step, "is"));
    if (state)
        expect_member(play, "state", state);
}

static void look_at_list(struct play *play, json_t *step, const char *verb, const char *owner,
                         bool wanted)
{
    const char *user = demand(play, step, verb);
    if (is_listed(play, user, owner) != wanted)
        fail_msg("%s: loop %lld is %sin the list of %s", place, (long long)play->id,
                 wanted ? "not " : "", user);
}
static void step_listed(struct play *play, json_t *step)
{
    look_at_list(play, step, "listed", "me", true);
}
static void step_not_listed(struct play *play, json_t *step)
{
    look_at_list(play, step, "not_listed", "me", false);
}
static void step_told(struct play *play, json_t *step)
{
    look_at_list(play, step, "told", "told", true);
}
static void step_not_told(struct play *play, json_t *step)
{
    look_at_list(play, step, "not_told", "told", false);
}

static void step_overdue(struct play *play, json_t *step)
{
    bool wanted = json_is_true(json_object_get(step, "overdue"));
    if ((of_loop(play, "SELECT overdue FROM loop WHERE loop_no = %lld") != 0) != wanted)
        fail_msg("%s: the loop is %soverdue", place, wanted ? "not " : "");
}

/* How long the stage has still until its deadline. */
static void step_due(struct play *play, json_t *step)
{
    timestamp left =
        of_loop(play, "SELECT due_at FROM loop WHERE loop_no = %lld") - now(play->loop);
    if ((left + SECOND / 2) / SECOND != play_duration(demand(play, step, "due")) / SECOND)
        fail_msg("%s: %lld seconds are left", place, (long long)(left / SECOND));
}

/* The page, as somebody reads it, has these words, or has not; or there is none for them. */
static void look_at_page(struct play *play, json_t *step, const char *verb, bool wanted)
{
    const char *words = demand(play, step, verb), *user = demand(play, step, "as");
    struct answer page = page_of(play, user);
    if (page.status != 200 || (strstr(page.response.body.data, words) != NULL) != wanted)
        fail_msg("%s: the page of %s is %d %s", place, user, page.status, page.response.body.data);
    answer_release(&page);
}
static void step_shown(struct play *play, json_t *step)
{
    look_at_page(play, step, "shown", true);
}
static void step_hidden(struct play *play, json_t *step)
{
    look_at_page(play, step, "hidden", false);
}
static void step_unseen(struct play *play, json_t *step)
{
    const char *user = demand(play, step, "unseen");
    struct answer page = page_of(play, user);
    if (page.status != 404)
        fail_msg("%s: %s sees it: %d", place, user, page.status);
    answer_release(&page);
}

/* How many loops of a scene there are, in a state where one is named. */
static void step_loops(struct play *play, json_t *step)
{
    static const char *const states[LOOP_STATES] = {"open", "done", "failed", "cancelled"};
    const char *state = text_of(play, step, "state");
    char query[300], of_state[40] = "";
    for (int i = 0; state && i < LOOP_STATES; i++)
        if (strcmp(states[i], state) == 0)
            snprintf(of_state, sizeof of_state, " AND state = %d", i);
    if (state && !of_state[0])
        fail_msg("%s: there is no such state", place);
    snprintf(query, sizeof query,
             "SELECT count(*) FROM loop WHERE scene_no IN (SELECT scene_no FROM scene_version"
             " WHERE name = '%s')%s",
             demand(play, step, "of"), of_state);
    int64_t count = loopback_number(play->loop, query);
    if (count != number_of(play, step, "loops", -1))
        fail_msg("%s: there are %lld", place, (long long)count);
}

/* From here on the steps are those of a child: the first of the scene that is open. */
static void step_child(struct play *play, json_t *step)
{
    const char *scene = demand(play, step, "child");
    char query[400];
    snprintf(query, sizeof query,
             "SELECT min(loop_no) FROM loop JOIN loop_child ON child_no = loop_no WHERE parent_no ="
             " %lld AND state = 0 AND scene_no IN (SELECT scene_no FROM scene_version WHERE name ="
             " '%s')",
             (long long)play->id, scene);
    play->id = loopback_number(play->loop, query);
    if (play->id <= 0)
        fail_msg("%s: no child of scene %s is open", place, scene);
}

/* From here on those of a loop of this scene: the last opened. */
static void step_loop(struct play *play, json_t *step)
{
    play->id = last_of(play, demand(play, step, "loop"));
    if (play->id <= 0)
        fail_msg("%s: there is none", place);
}

/* Nothing of all this became evidence or changed a status. */
static void step_untouched(struct play *play, json_t *step)
{
    (void)step;
    assert_int_equal(loopback_number(play->loop, "SELECT count(*) FROM evidence"), play->evidence);
    assert_int_equal(
        loopback_number(play->loop, "SELECT count(*) FROM event WHERE kind = 'status.changed'"), 0);
}

/* When the loop was opened, closed, or last entered a stage, as its page tells; TIMESTAMP_NONE
 * where it was not. */
static timestamp entered(json_t *page, const char *stage)
{
    timestamp at, found = TIMESTAMP_NONE;
    size_t i;
    json_t *act;
    if (strcmp(stage, "opened") == 0 || strcmp(stage, "closed") == 0) {
        const char *text =
            json_string_value(json_object_get(page, stage[0] == 'o' ? "opened_at" : "closed_at"));
        return text && time_parse(slice_of(text), &at) ? at : TIMESTAMP_NONE;
    }
    json_array_foreach (json_object_get(page, "history"), i, act) {
        const char *kind = json_string_value(json_object_get(act, "act"));
        const char *to = json_string_value(json_object_get(act, "to"));
        if ((strcmp(kind, "opened") == 0 || strcmp(kind, "advanced") == 0) &&
            strcmp(to, stage) == 0 &&
            time_parse(slice_of(json_string_value(json_object_get(act, "at"))), &at))
            found = at;
    }
    return found;
}

static void step_took(struct play *play, json_t *step)
{
    struct answer page = page_of(play, "command");
    timestamp from = entered(page.json, demand(play, step, "from"));
    timestamp until = entered(page.json, demand(play, step, "until"));
    if (from == TIMESTAMP_NONE || until == TIMESTAMP_NONE)
        fail_msg("%s: not both were entered", place);
    if ((until - from) / SECOND != play_duration(demand(play, step, "took")) / SECOND)
        fail_msg("%s: it took %lld seconds", place, (long long)((until - from) / SECOND));
    answer_release(&page);
}

/* What the scene measures of itself, as the route tells; the caller's to release. */
static struct answer indicators_of(struct play *play)
{
    char path[120];
    snprintf(path, sizeof path, "/api/v1/loops:indicators?days=366&scene=%s", play->script->scene);
    struct answer answer = as(play->loop, "command", HTTP_GET, path, NULL);
    if (answer.status != 200)
        fail_msg("%s: indicators: %d", place, answer.status);
    return answer;
}

static void step_indicator(struct play *play, json_t *step)
{
    const char *name = demand(play, step, "indicator");
    struct answer answer = indicators_of(play);
    bool found = false;
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer.json, "items"), i, item) {
        if (strcmp(json_string_value(json_object_get(item, "name")), name) != 0)
            continue;
        found = true;
        if (json_integer_value(json_object_get(item, "met")) != number_of(play, step, "met", -1) ||
            json_integer_value(json_object_get(item, "total")) !=
                number_of(play, step, "total", -1))
            fail_msg("%s: %s", place, json_dumps(item, JSON_COMPACT));
    }
    if (!found)
        fail_msg("%s: there is no such indicator", place);
    answer_release(&answer);
}

/* A good end: something was counted, and all of it is met. */
static void expect_indicators(struct play *play)
{
    struct answer answer = indicators_of(play);
    int64_t counted = 0;
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(answer.json, "items"), i, item) {
        int64_t total = json_integer_value(json_object_get(item, "total"));
        counted += total;
        if (json_integer_value(json_object_get(item, "met")) != total)
            fail_msg("%s: it misses %s", place, json_string_value(json_object_get(item, "name")));
    }
    if (!counted)
        fail_msg("%s: no indicator counts it", place);
    answer_release(&answer);
}

/* ---- Nobody acts: time alone, from wake to wake */

/* One more was told: the next of the scene's escalation, at its time. */
static void expect_escalation(struct play *play, int64_t steps)
{
    const struct scene_step *step = &play->scene->escalate[steps - 1];
    char query[400];
    timestamp due = of_loop(play, "SELECT due_at FROM loop WHERE loop_no = %lld");
    timestamp entry = of_loop(play, "SELECT entered_at FROM loop WHERE loop_no = %lld");
    timestamp expected = due + step->after * SECOND;
    snprintf(query, sizeof query,
             "SELECT count(*) FROM (SELECT other_no, at FROM loop_act WHERE loop_no = %%lld AND"
             " kind = 6 ORDER BY act_no DESC LIMIT 1) JOIN seat ON seat_no = other_no WHERE at ="
             " %lld AND (form = 0 AND role = '%s' OR form = 3 AND 'owner_lead' = '%s' OR 'owner' ="
             " '%s')",
             (long long)now(play->loop), step->to, step->to, step->to);
    if (of_loop(play, query) != 1)
        fail_msg("%s: step %lld of the escalation is not to %s", place, (long long)steps, step->to);
    if (now(play->loop) != expected && expected > entry + SECOND)
        fail_msg("%s: %s is told %lld s late", place, step->to,
                 (long long)((now(play->loop) - expected) / SECOND));
}

static int64_t moves_of(struct play *play)
{
    return of_loop(play, "SELECT count(*) FROM loop_act WHERE loop_no = %lld AND kind = 2");
}

/* When the last transition of the present stage's that time alone takes is due. */
static timestamp last_by_time(struct play *play)
{
    int64_t stage = of_loop(play, "SELECT stage FROM loop WHERE loop_no = %lld");
    timestamp due = of_loop(play, "SELECT due_at FROM loop WHERE loop_no = %lld"), last = due;
    for (size_t i = 0; i < play->scene->stages[stage].next_count; i++) {
        const struct scene_transition *next = &play->scene->stages[stage].next[i];
        if (next->trigger == TRIGGER_AFTER && due + next->after * SECOND > last)
            last = due + next->after * SECOND;
    }
    return last;
}

/* Until the stage is left by time; false where nothing more will happen in it. */
static bool wait_in_stage(struct play *play)
{
    timestamp last = last_by_time(play);
    int64_t moves = moves_of(play);
    int64_t steps = of_loop(play, "SELECT steps FROM loop WHERE loop_no = %lld");
    for (int i = 0; i < 3000; i++) {
        timestamp wake = of_loop(play, "SELECT wake_at FROM loop WHERE loop_no = %lld");
        int64_t acts = of_loop(play, "SELECT count(*) FROM loop_act WHERE loop_no = %lld");
        if (wake <= 0 || (steps == (int64_t)play->scene->step_count && wake > last))
            return false;
        if (wake - SECOND > now(play->loop)) {
            wait_until(play->loop, wake - SECOND);
            if (of_loop(play, "SELECT count(*) FROM loop_act WHERE loop_no = %lld") != acts)
                fail_msg("%s: something happens before its time", place);
        }
        wait_until(play->loop, wake > now(play->loop) ? wake : now(play->loop));
        if (moves_of(play) != moves)
            return true;
        int64_t more = of_loop(play, "SELECT steps FROM loop WHERE loop_no = %lld");
        if (more > steps + 1 && more <= (int64_t)play->scene->step_count)
            fail_msg("%s: two steps of the escalation at once", place);
        if (more > steps)
            expect_escalation(play, more);
        steps = more;
    }
    fail_msg("%s: time alone does not come to an end", place);
    return false;
}

/* [{STAGE: who has it in their list}, …]: through these stages by time alone; in the last one, if
 * it is none of the ends, all are told, the command centre last, and the loop stays somebody's. */
static void step_nobody_acts(struct play *play, json_t *step)
{
    json_t *stages = json_object_get(step, "nobody_acts"), *item;
    size_t i;
    if (!json_array_size(stages))
        fail_msg("%s: a list of stages, each with who has it", place);
    json_array_foreach (stages, i, item) {
        const char *stage = json_object_iter_key(json_object_iter(item));
        const char *user = stage ? json_string_value(json_object_get(item, stage)) : NULL;
        bool last = i + 1 == json_array_size(stages);
        if (!stage || json_object_size(item) != 1)
            fail_msg("%s: stage %zu is not STAGE: USER", place, i + 1);
        expect_member(play, "scene", play->script->scene);
        expect_member(play, "stage", stage);
        play->script->waited[of_loop(play, "SELECT stage FROM loop WHERE loop_no = %lld")] = true;
        bool open = of_loop(play, "SELECT state = 0 FROM loop WHERE loop_no = %lld") != 0;
        if (open && (!user || !is_listed(play, user, "me")))
            fail_msg("%s: %s is not in the list of %s", place, stage, user ? user : "nobody");
        if (!open) {
            if (!last || user)
                fail_msg("%s: the loop is closed in %s", place, stage);
            return;
        }
        if (wait_in_stage(play) == last)
            fail_msg("%s: time alone %s %s", place, last ? "leaves" : "does not leave", stage);
    }
    if (of_loop(play, "SELECT overdue FROM loop WHERE loop_no = %lld") != 1 ||
        of_loop(play, "SELECT steps FROM loop WHERE loop_no = %lld") !=
            (int64_t)play->scene->step_count ||
        !is_listed(play, "command", "told"))
        fail_msg("%s: not all are told in the end", place);
}

/* ---- The table of steps: the verb, and what may stand beside it */

static const struct step_form {
    const char *verb, *keys[8];
    void (*run)(struct play *play, json_t *step);
} step_forms[] = {
    {"open", {"scene", "as", "about", "area", "with", "status", "words"}, step_open},
    {"to", {"as", "with", "note", "status", "words"}, step_to},
    {"sign", {"status", "words"}, step_sign},
    {"claim", {"status", "words"}, step_claim},
    {"close", {"note", "status", "words"}, step_close},
    {"event", {"about", "with"}, step_event},
    {"result", {"about", "ago", "status", "words"}, step_result},
    {"wait", {NULL}, step_wait},
    {"is", {"state"}, step_is},
    {"listed", {NULL}, step_listed},
    {"not_listed", {NULL}, step_not_listed},
    {"told", {NULL}, step_told},
    {"not_told", {NULL}, step_not_told},
    {"overdue", {NULL}, step_overdue},
    {"due", {NULL}, step_due},
    {"shown", {"as"}, step_shown},
    {"hidden", {"as"}, step_hidden},
    {"unseen", {NULL}, step_unseen},
    {"loops", {"of", "state"}, step_loops},
    {"child", {NULL}, step_child},
    {"loop", {NULL}, step_loop},
    {"took", {"from", "until"}, step_took},
    {"indicator", {"met", "total"}, step_indicator},
    {"untouched", {NULL}, step_untouched},
    {"nobody_acts", {NULL}, step_nobody_acts},
};
enum { STEP_FORMS = sizeof step_forms / sizeof *step_forms };

/* The first key of a step is its verb. */
static const struct step_form *form_of(json_t *step)
{
    const char *verb = json_object_iter_key(json_object_iter(step)), *name;
    const struct step_form *form = NULL;
    json_t *value;
    for (size_t i = 0; verb && i < STEP_FORMS; i++)
        if (strcmp(step_forms[i].verb, verb) == 0)
            form = &step_forms[i];
    if (!form)
        fail_msg("%s: %s is no step", place, verb ? verb : "this");
    json_object_foreach (step, name, value) {
        bool known = strcmp(name, verb) == 0;
        for (size_t i = 0; i < 8 && form->keys[i]; i++)
            known |= strcmp(form->keys[i], name) == 0;
        if (!known)
            fail_msg("%s: %s knows no %s", place, verb, name);
    }
    return form;
}

#endif
