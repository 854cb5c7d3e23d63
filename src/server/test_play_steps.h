/* The steps of which plays are made, first half: those that open, move and wait. What each means
 * for who writes a play is told in tests/plays/README.md. */
#ifndef CHENGMAI_SERVER_TEST_PLAY_STEPS_H
#define CHENGMAI_SERVER_TEST_PLAY_STEPS_H

#include "photos/photos.h"
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
    if (strcmp(text, "$photo") == 0) {
        unsigned char digest[PHOTO_DIGEST_BYTES];
        char bytes[PICTURE_BYTES], hex[PHOTO_DIGEST_TEXT];
        picture(0, bytes);
        photo_digest((struct slice){bytes, sizeof bytes}, digest);
        text_to_hex(digest, sizeof digest, hex);
        return json_string(hex);
    }
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

/* Who names the photo in a step has sent it before, as a telephone does. */
static void send_photo(struct play *play, json_t *step)
{
    const char *name;
    char digest[PHOTO_DIGEST_TEXT];
    json_t *value;
    json_object_foreach (json_object_get(step, "with"), name, value) {
        const char *text = json_string_value(value);
        if (!text || strcmp(text, "$photo") != 0)
            continue;
        int status = send_picture(play->loop, demand(play, step, "as"), 0, digest);
        if (status != 200 && status != 201)
            fail_msg("%s: the photo of %s: %d", place, name, status);
    }
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
    send_photo(play, step);
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
    send_photo(play, step);
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

#endif
