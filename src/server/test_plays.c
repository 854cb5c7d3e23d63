/* Goal: every scene is played from its opening to its end, along the way on which nobody acts, and
 * by its particular rule. What is played stands in tests/plays/SCENE.yaml; the steps are told in
 * tests/plays/README.md. A scene without a play, a stage that no play enters, a step that is not
 * known, an escalation out of order or time: failures. Every play has a city of its own; after it
 * each loop is what its acts say. */
#include <glob.h>

#include "policy/yaml.h"
#include "server/test_play_looks.h"

/* ---- Playing */

static int play_begin(void **state)
{
    struct play *play = *state;
    struct scene_folder *folder;
    struct error err;
    play->loop = cast_city();
    arena_init(&play->arena, 64 << 20);
    test_fail_on(scene_folder_open(-1, play->loop->platform->policy, &play->arena, &folder, &err),
                 &err);
    play->scene = scene_folder_find(folder, play->script->scene);
    play->evidence = loopback_number(play->loop, "SELECT count(*) FROM evidence");
    return play->scene == NULL;
}

static int play_end(void **state)
{
    struct play *play = *state;
    void *loop = play->loop;
    arena_release(&play->arena);
    return verify_and_remove(&loop);
}

static bool opens_by_event(const struct scene *scene)
{
    for (size_t i = 0; i < scene->opening_count; i++)
        if (!scene->openings[i].manual)
            return true;
    return false;
}

/* What a play of this name must show. */
static void expect_of_name(struct play *play)
{
    json_t *first = json_array_get(play->steps, 0);
    const char *how = json_string_value(json_object_get(first, "open"));
    size_t i, waits = 0;
    json_t *step;
    json_array_foreach (play->steps, i, step)
        waits += json_object_get(step, "nobody_acts") != NULL;
    if (strcmp(play->name, "nobody acts") == 0 && !waits)
        fail_msg("%s: it must hold a step nobody_acts", place);
    if (strcmp(play->name, "to the end") != 0)
        return;
    if (opens_by_event(play->scene) && (!how || !scene_event_find(how)))
        fail_msg("%s: it must begin with an opening event of the scene", place);
    play->id = last_of(play, play->script->scene);
    expect_member(play, "state", "done");
    expect_indicators(play);
}

/* Which ways the loops of the scene went, and what moved them, as their acts tell. */
static void note_way(struct play *play, size_t from, const struct scene_transition *way)
{
    static const char *const movers[] = {[TRIGGER_BY] = "user_no > 0",
                                         [TRIGGER_ON] = "user_no = 0 AND event_no > 0",
                                         [TRIGGER_AFTER] = "user_no = 0 AND event_no = 0"};
    char query[400];
    snprintf(query, sizeof query,
             "SELECT count(*) FROM loop_act WHERE kind = 2 AND stage = %zu AND to_stage = %d AND %s"
             " AND loop_no IN (SELECT loop_no FROM loop WHERE scene_no IN (SELECT scene_no FROM"
             " scene_version WHERE name = '%s'))",
             from, way->to.index, movers[way->trigger], play->script->scene);
    if (loopback_number(play->loop, query))
        play->script->gone[from][way->to.index] |= (uint8_t)(1u << way->trigger);
}

static void note_ways(struct play *play)
{
    for (size_t i = 0; i < play->scene->stage_count; i++)
        for (size_t k = 0; k < play->scene->stages[i].next_count; k++)
            note_way(play, i, &play->scene->stages[i].next[k]);
}

static void play_it(void **state)
{
    struct play *play = *state;
    json_t *step;
    json_array_foreach (play->steps, play->step, step) {
        snprintf(place, sizeof place, "%s, %s, step %zu", play->script->scene, play->name,
                 play->step + 1);
        form_of(step)->run(play, step);
    }
    snprintf(place, sizeof place, "%s, %s", play->script->scene, play->name);
    expect_of_name(play);
    note_ways(play);
}

/* After the plays of a scene: each of its ways was gone, and in each of its stages nobody acted. */
static void every_way_was_gone(void **state)
{
    static const char *const triggers[] = {
        [TRIGGER_BY] = "by hand", [TRIGGER_ON] = "on an event", [TRIGGER_AFTER] = "by time"};
    struct play *play = *state;
    const struct script *script = play->script;
    char missing[2000] = "";
    for (size_t i = 0; i < play->scene->stage_count; i++) {
        const struct scene_stage *stage = &play->scene->stages[i];
        if (stage->final == FINAL_NOT && !script->waited[i])
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing),
                     "\n  through %s with nobody acting", stage->name);
        for (size_t k = 0; k < stage->next_count; k++)
            if (!(script->gone[i][stage->next[k].to.index] >> stage->next[k].trigger & 1))
                snprintf(missing + strlen(missing), sizeof missing - strlen(missing),
                         "\n  from %s to %s %s", stage->name, stage->next[k].to.text,
                         triggers[stage->next[k].trigger]);
    }
    if (missing[0])
        fail_msg("%s: no play goes%s", script->scene, missing);
}

/* ---- Reading */

static bool complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return false;
}

/* A play of a scene is there for its end, one for nobody acting, one for what is particular. */
static bool is_whole(const char *path, const struct script *script)
{
    json_t *plays = json_object_get(script->document, "plays"), *play;
    const char *scene = json_string_value(json_object_get(script->document, "scene"));
    size_t i, ends = 0, silent = 0;
    if (json_object_size(script->document) != 2 || !scene || strcmp(scene, script->scene) != 0)
        return complain(path, "it has other keys than scene: (the file's name) and plays:");
    json_array_foreach (plays, i, play) {
        const char *name = json_string_value(json_object_get(play, "name"));
        if (!name || json_object_size(play) != 2 ||
            !json_array_size(json_object_get(play, "steps")))
            return complain(path, "a play is not name: and steps:");
        ends += strcmp(name, "to the end") == 0;
        silent += strcmp(name, "nobody acts") == 0;
    }
    return (ends == 1 && silent == 1 && json_array_size(plays) >= 3) ||
           complain(path, "it must hold: to the end, nobody acts, and one for its particular rule");
}

static bool script_read(const char *scene_path, struct script *script)
{
    char path[300];
    struct buffer text;
    struct error err;
    const char *slash = strrchr(scene_path, '/') + 1;
    snprintf(script->scene, sizeof script->scene, "%.*s", (int)(strlen(slash) - 5), slash);
    snprintf(path, sizeof path, CHENGMAI_SOURCE_ROOT "/tests/plays/%s.yaml", script->scene);
    buffer_init(&text, 1 << 20);
    bool done = file_read_whole(AT_FDCWD, path, &text, &err) &&
                yaml_read(buffer_slice(&text), path, &script->document, &err);
    buffer_release(&text);
    if (!done) {
        char line[900];
        error_line(&err, line, sizeof line);
        return complain(path, line);
    }
    return is_whole(path, script);
}

enum { PLAYS_MAX = 1000, SCRIPTS_MAX = 200 };
static struct script scripts[SCRIPTS_MAX];
static struct play plays[PLAYS_MAX];
static struct CMUnitTest tests[PLAYS_MAX];
static size_t play_count;

static void add(struct script *script, const char *name, json_t *steps, CMUnitTestFunction run)
{
    char title[120];
    REQUIRE(play_count < PLAYS_MAX);
    snprintf(title, sizeof title, "%s: %s", script->scene, name);
    plays[play_count] = (struct play){.script = script, .name = name, .steps = steps};
    tests[play_count] = (struct CMUnitTest){.name = strdup(title),
                                            .test_func = run,
                                            .setup_func = play_begin,
                                            .teardown_func = play_end,
                                            .initial_state = &plays[play_count]};
    play_count++;
}

/* With a scene as its argument it plays that one alone. */
int main(int count, char **arguments)
{
    glob_t found;
    bool whole = true;
    log_set_level(LOG_FAULT);
    if (glob(CHENGMAI_SOURCE_ROOT "/scenes/*.yaml", 0, NULL, &found) != 0)
        return 1;
    for (size_t i = 0; i < found.gl_pathc && i < SCRIPTS_MAX; i++) {
        struct script *script = &scripts[i];
        bool read = script_read(found.gl_pathv[i], script);
        size_t k;
        json_t *play;
        if (count > 1 && strcmp(arguments[1], script->scene) != 0)
            continue;
        whole &= read;
        json_array_foreach (json_object_get(script->document, "plays"), k, play)
            add(script, json_string_value(json_object_get(play, "name")),
                json_object_get(play, "steps"), play_it);
        add(script, "every way was gone", NULL, every_way_was_gone);
    }
    globfree(&found);
    int failed =
        _cmocka_run_group_tests("plays", tests, play_count, cast_create, loopback_template_remove);
    for (size_t i = 0; i < SCRIPTS_MAX; i++)
        json_decref(scripts[i].document);
    for (size_t i = 0; i < play_count; i++)
        free((void *)(uintptr_t)tests[i].name);
    return failed || !whole;
}
