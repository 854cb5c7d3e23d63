/* The steps of which plays are made: opening, moving, waiting, looking. Each is one row of the
 * table at the end; what each means for who writes a play is told in tests/plays/README.md. */
#ifndef CHENGMAI_SERVER_TEST_PLAY_STEPS_H
#define CHENGMAI_SERVER_TEST_PLAY_STEPS_H

#include "server/test_play_support.h"

/* ---- Plays */

enum { PLAY_STAGES_MAX = 32 };
struct script {
    char scene[48];
    json_t *document;
    /* by stage and stage, a bit a trigger: the ways that some play went */
    uint8_t gone[PLAY_STAGES_MAX][PLAY_STAGES_MAX];
    bool waited[PLAY_STAGES_MAX]; /* by stage: nobody acted in it in some play */
};
struct play {
    struct script *script;
    const char *name;
    json_t *steps;
    size_t step; /* from 1 */
    struct loopback *loop;
    struct arena arena;
    const struct scene *scene;
    int64_t id;       /* the loop that is being looked at */
    int64_t evidence; /* pieces, before the play */
    int64_t results;  /* sent so far */
};

static char place[200]; /* scene, play and step, for what fails */

static const char *text_of(struct play *play, json_t *step, const char *key)
{
    (void)play;
    json_t *value = json_object_get(step, key);
    if (value && !json_is_string(value))
        fail_msg("%s: %s is no text", place, key);
    return json_string_value(value);
}

static const char *demand(struct play *play, json_t *step, const char *key)
{
    const char *text = text_of(play, step, key);
    if (!text)
        fail_msg("%s: %s is missing", place, key);
    return text;
}

static int64_t number_of(struct play *play, json_t *step, const char *key, int64_t otherwise)
{
    (void)play;
    json_t *value = json_object_get(step, key);
    if (value && !json_is_integer(value))
        fail_msg("%s: %s is no number", place, key);
    return value ? json_integer_value(value) : otherwise;
}

/* One number from the database, about the loop that is being looked at (%lld, once). */
static int64_t of_loop(struct play *play, const char *format)
{
    char query[400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(query, sizeof query, format, (long long)play->id);
#pragma GCC diagnostic pop
    return loopback_number(play->loop, query);
}

/* ---- Values */

static json_t *resolved_text(struct play *play, const char *text)
{
    char query[200], time[TIME_TEXT_BYTES];
    if (strcmp(text, "$photo") == 0)
        return json_string("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    if (text[0] == '$') {
        cast_query(text + 1, query);
        if (!query[0])
            fail_msg("%s: there is no %s in the cast", place, text);
        return json_integer(loopback_number(play->loop, query));
    }
    timestamp at = play_time(play->loop, text);
    return json_string(at == TIMESTAMP_NONE ? text : time_format(at, time));
}

static json_t *resolved(struct play *play, json_t *value)
{
    const char *name;
    json_t *item, *out;
    size_t i;
    if (json_is_string(value))
        return resolved_text(play, json_string_value(value));
    if (json_is_array(value)) {
        out = json_array();
        json_array_foreach (value, i, item)
            json_array_append_new(out, resolved(play, item));
        return out;
    }
    if (!json_is_object(value))
        return json_incref(value);
    out = json_object();
    json_object_foreach (value, name, item)
        json_object_set_new(out, name, resolved(play, item));
    return out;
}

/* ---- Calls */

/* The answer has the status and the words of the step (`otherwise` where it names no status). */
static struct answer called(struct play *play, json_t *step, const char *user,
                            enum http_method method, const char *path, json_t *body, int otherwise)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct answer answer = as(play->loop, user, method, path, text);
    const char *said = answer.response.body.data ? answer.response.body.data : "";
    const char *words = text_of(play, step, "words");
    int64_t status = number_of(play, step, "status", otherwise);
    if (answer.status != status || (words && !strstr(said, words)))
        fail_msg("%s: %s %s as %s: %d %s\nexpected %lld with %s", place, path, text ? text : "",
                 user, answer.status, said, (long long)status, words ? words : "-");
    free(text);
    json_decref(body);
    return answer;
}

/* As the server's own thread does after every commit. */
static void follow(struct play *play)
{
    wait_until(play->loop, now(play->loop));
}

static void call(struct play *play, json_t *step, const char *user, const char *act, json_t *body,
                 int otherwise)
{
    char path[100];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/%s", (long long)play->id, act);
    struct answer answer = called(play, step, user, HTTP_POST, path, body, otherwise);
    answer_release(&answer);
    follow(play);
}

/* The loop's page as the command centre reads it; the caller's to release. */
static struct answer page_of(struct play *play, const char *user)
{
    char path[100];
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)play->id);
    return as(play->loop, user, HTTP_GET, path, NULL);
}

static void expect_member(struct play *play, const char *member, const char *value)
{
    struct answer page = page_of(play, "command");
    const char *text = json_string_value(json_object_get(page.json, member));
    if (!text || strcmp(text, value) != 0)
        fail_msg("%s: %s of loop %lld is %s, expected %s", place, member, (long long)play->id,
                 text ? text : "-", value);
    answer_release(&page);
}

static bool is_listed(struct play *play, const char *user, const char *owner)
{
    char path[100];
    size_t i;
    json_t *item;
    bool found = false;
    snprintf(path, sizeof path, "/api/v1/loops?owner=%s&limit=1000", owner);
    struct answer list = as(play->loop, user, HTTP_GET, path, NULL);
    if (list.status != 200)
        fail_msg("%s: the list of %s: %d", place, user, list.status);
    json_array_foreach (json_object_get(list.json, "items"), i, item)
        found |= json_integer_value(json_object_get(item, "id")) == play->id;
    answer_release(&list);
    return found;
}

/* ---- Steps that open and move */

static int64_t last_of(struct play *play, const char *scene)
{
    char query[200];
    snprintf(query, sizeof query,
             "SELECT max(loop_no) FROM loop WHERE scene_no IN (SELECT scene_no FROM scene_version"
             " WHERE name = '%s')",
             scene);
    return loopback_number(play->loop, query);
}

static void emit(struct play *play, json_t *step, const char *kind)
{
    const struct scene_event *event = scene_event_find(kind);
    const char *name;
    json_t *item, *about = resolved(play, json_object_get(step, "about"));
    json_t *payload = resolved(play, json_object_get(step, "with"));
    struct buffer statement;
    if (!event || !json_is_integer(about))
        fail_msg("%s: %s", place, event ? "`about` is no number" : "there is no such event");
    json_object_foreach (payload, name, item) {
        const struct scene_payload *entry = event->payload;
        while (entry->name && strcmp(entry->name, name) != 0)
            entry++;
        if (!entry->name)
            fail_msg("%s: %s carries no %s", place, kind, name);
    }
    char *text = payload ? json_dumps(payload, JSON_COMPACT) : NULL;
    buffer_init(&statement, 1 << 20);
    buffer_print(&statement,
                 "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload) VALUES"
                 " ('%s', %lld, 0, %lld, %lld, '%s')",
                 kind, (long long)json_integer_value(about), (long long)now(play->loop),
                 (long long)now(play->loop), text ? text : "{}");
    loopback_change(play->loop, statement.data);
    buffer_release(&statement);
    free(text);
    json_decref(payload);
    json_decref(about);
    follow(play);
}

static void step_event(struct play *play, json_t *step)
{
    emit(play, step, demand(play, step, "event"));
}

/* By hand; the scene is the play's unless another is named. */
static void open_by_hand(struct play *play, json_t *step, const char *scene)
{
    static const char *const names[][2] = {
        {"about", "subject"}, {"with", "fields"}, {"area", "area"}};
    json_t *body = json_object();
    json_object_set_new(body, "scene", json_string(scene));
    for (size_t i = 0; i < 3; i++)
        if (json_object_get(step, names[i][0]))
            json_object_set_new(body, names[i][1],
                                resolved(play, json_object_get(step, names[i][0])));
    struct answer answer =
        called(play, step, demand(play, step, "as"), HTTP_POST, "/api/v1/loops", body, 201);
    if (answer.status < 300)
        play->id = json_integer_value(json_object_get(answer.json, "id"));
    answer_release(&answer);
    follow(play);
}

static void step_open(struct play *play, json_t *step)
{
    const char *how = demand(play, step, "open"), *scene = text_of(play, step, "scene");
    scene = scene ? scene : play->script->scene;
    if (strcmp(how, "by_hand") == 0) {
        open_by_hand(play, step, scene);
        return;
    }
    int64_t before = last_of(play, scene);
    emit(play, step, how);
    play->id = last_of(play, scene);
    if (play->id <= before)
        fail_msg("%s: %s opened no loop of %s", place, how, scene);
}

static void step_to(struct play *play, json_t *step)
{
    json_t *body = json_object();
    json_object_set_new(body, "to", json_string(demand(play, step, "to")));
    if (json_object_get(step, "with"))
        json_object_set_new(body, "fields", resolved(play, json_object_get(step, "with")));
    if (json_object_get(step, "note"))
        json_object_set_new(body, "note", json_string(demand(play, step, "note")));
    call(play, step, demand(play, step, "as"), "advance", body, 200);
}

static void step_sign(struct play *play, json_t *step)
{
    call(play, step, demand(play, step, "sign"), "sign", json_object(), 200);
}

static void step_claim(struct play *play, json_t *step)
{
    call(play, step, demand(play, step, "claim"), "claim", json_object(), 200);
}

static void step_close(struct play *play, json_t *step)
{
    json_t *body = json_object();
    json_object_set_new(body, "note", json_string(demand(play, step, "note")));
    json_object_set_new(body, "close", json_true());
    call(play, step, demand(play, step, "close"), "take", body, 200);
}

/* A laboratory's result of a person, sampled `ago` before now. */
static void step_result(struct play *play, json_t *step)
{
    char accession[40], time[TIME_TEXT_BYTES];
    const char *ago = text_of(play, step, "ago");
    timestamp sampled = now(play->loop) - (ago ? play_duration(ago) : 0);
    json_t *body = json_object();
    snprintf(accession, sizeof accession, "P-%lld", (long long)++play->results);
    json_object_set_new(body, "laboratory", json_string("L1"));
    json_object_set_new(body, "accession", json_string(accession));
    json_object_set_new(body, "sampled_at", json_string(time_format(sampled, time)));
    json_object_set_new(body, "reported_at", json_string(time_format(now(play->loop), time)));
    json_object_set_new(body, "result", json_string(demand(play, step, "result")));
    json_object_set_new(body, "person", resolved(play, json_object_get(step, "about")));
    struct answer answer = called(play, step, "lab_duty", HTTP_POST, "/api/v1/results", body, 201);
    answer_release(&answer);
    follow(play);
}

/* From one due time of any loop to the next, as a server that runs does what is due. */
static void step_wait(struct play *play, json_t *step)
{
    timestamp length = play_duration(demand(play, step, "wait"));
    if (length == TIMESTAMP_NONE)
        fail_msg("%s: not a duration", place);
    for (timestamp end = now(play->loop) + length, at = 0; at < end;) {
        at = loopback_number(play->loop, "SELECT coalesce(min(wake_at), 0) FROM loop WHERE wake_at"
                                         " IS NOT NULL");
        at = at <= 0 || at > end ? end : at <= now(play->loop) ? now(play->loop) + 1 : at;
        wait_until(play->loop, at);
    }
    /* what a stage entered just now has to do at once */
    wait_until(play->loop, now(play->loop) + 1);
}

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

/* When the loop was opened, closed, or entered a stage, first or last, as its page tells;
 * TIMESTAMP_NONE where it was not. */
static timestamp entered(json_t *page, const char *stage, bool first)
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
            strcmp(to, stage) == 0 && (!first || found == TIMESTAMP_NONE) &&
            time_parse(slice_of(json_string_value(json_object_get(act, "at"))), &at))
            found = at;
    }
    return found;
}

static void step_took(struct play *play, json_t *step)
{
    struct answer page = page_of(play, "command");
    timestamp from = entered(page.json, demand(play, step, "from"), false);
    timestamp until = entered(page.json, demand(play, step, "until"), false);
    if (from == TIMESTAMP_NONE || until == TIMESTAMP_NONE)
        fail_msg("%s: not both were entered", place);
    if ((until - from) / SECOND != play_duration(demand(play, step, "took")) / SECOND)
        fail_msg("%s: it took %lld seconds", place, (long long)((until - from) / SECOND));
    answer_release(&page);
}

/* What the scene counts: the loop's way is within each of its times that it touches. */
static void expect_indicators(struct play *play)
{
    struct answer page = page_of(play, "command");
    for (size_t i = 0; i < play->scene->indicator_count; i++) {
        const struct scene_indicator *indicator = &play->scene->indicators[i];
        if (indicator->is_share)
            continue;
        timestamp from = entered(page.json, indicator->from.text, true);
        timestamp to = entered(page.json, indicator->to.text, true);
        if (from != TIMESTAMP_NONE && to != TIMESTAMP_NONE &&
            to - from > indicator->within * SECOND)
            fail_msg("%s: misses its indicator %s by %lld s", place, indicator->name,
                     (long long)((to - from) / SECOND - indicator->within));
    }
    answer_release(&page);
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
