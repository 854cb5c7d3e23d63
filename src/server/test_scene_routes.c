/* Goal: a page or a program that knows no scene gets from the routes all it needs to open loops and
 * to take steps; what a schema demands is what the engine demands; a new file is there after its
 * load. */
#include <errno.h>
#include <sys/stat.h>

#include "server/test_loop_support.h"

static struct answer get(struct loopback *loop, const char *path)
{
    struct answer answer = as(loop, "town_duty", HTTP_GET, path, NULL);
    if (answer.status != 200)
        fail_msg("%s: %d", path, answer.status);
    return answer;
}

static json_t *scene_in(json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(list, "items"), i, item)
        if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
            return item;
    return NULL;
}

static const char *text_at(json_t *object, const char *outer, const char *inner)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, outer), inner));
    return text ? text : "";
}

static json_t *schema_of_fields(json_t *scene)
{
    json_t *properties = json_object_get(json_object_get(scene, "opening"), "properties");
    return json_object_get(properties, "fields");
}

/* ---- Every scene */

/* Each choice in words of both languages, which no other choice of the field has. */
static void expect_choices(json_t *field)
{
    json_t *values = json_object_get(field, "values"), *choices = json_object_get(field, "choices");
    assert_int_equal(json_array_size(values), json_array_size(choices));
    for (size_t i = 0; i < json_array_size(choices); i++) {
        json_t *choice = json_array_get(choices, i);
        assert_true(json_equal(json_object_get(choice, "name"), json_array_get(values, i)));
        const char *zh = text_at(choice, "title", "zh");
        if (!zh[0] || !text_at(choice, "title", "en")[0] ||
            strcmp(zh, json_string_value(json_object_get(choice, "name"))) == 0)
            fail_msg("%s has no title", json_string_value(json_object_get(choice, "name")));
    }
}

static void expect_whole(json_t *scene)
{
    json_t *fields = json_object_get(scene, "fields"), *stages = json_object_get(scene, "stages");
    json_t *required = json_object_get(schema_of_fields(scene), "required");
    json_t *properties = json_object_get(schema_of_fields(scene), "properties"), *item;
    size_t i, demanded = 0;
    assert_true(json_array_size(stages) > 1);
    json_array_foreach (fields, i, item) {
        expect_choices(item);
        demanded += json_is_true(json_object_get(item, "required"));
    }
    json_array_foreach (stages, i, item) {
        bool final = json_is_string(json_object_get(item, "final"));
        assert_int_equal(json_array_size(json_object_get(item, "next")) == 0, final);
        assert_int_equal(json_is_null(json_object_get(item, "owner")), final);
        assert_true(text_at(item, "title", "zh")[0] && text_at(item, "title", "en")[0]);
    }
    if (!json_is_true(json_object_get(scene, "by_hand"))) {
        assert_true(json_is_null(json_object_get(scene, "opening")));
        return;
    }
    assert_int_equal(json_object_size(properties), json_array_size(fields));
    assert_int_equal(json_array_size(required), demanded);
    bool about = strcmp(text_at(scene, "subject", "kind"), "none") != 0;
    json_t *opening = json_object_get(json_object_get(scene, "opening"), "properties");
    assert_int_equal(json_object_get(opening, "subject") != NULL, about);
}

static void every_scene_that_opens_is_served_whole_with_its_drawing(void **state)
{
    struct loopback *loop = *state;
    struct answer all = get(loop, "/api/v1/scenes");
    json_t *items = json_object_get(all.json, "items"), *item, *stage;
    size_t i, s;
    assert_true(json_array_size(items) >= 40);
    json_array_foreach (items, i, item) {
        char path[120], mark[80];
        const char *name = json_string_value(json_object_get(item, "name"));
        snprintf(path, sizeof path, "/api/v1/scenes/%s", name);
        struct answer one = get(loop, path);
        expect_whole(one.json);
        snprintf(path, sizeof path, "/api/v1/scenes/%s/diagram", name);
        struct answer drawing = get(loop, path);
        assert_string_equal(drawing.response.content_type, "image/svg+xml");
        json_array_foreach (json_object_get(one.json, "stages"), s, stage) {
            snprintf(mark, sizeof mark, "data-stage=\"%s\"",
                     json_string_value(json_object_get(stage, "name")));
            assert_non_null(strstr(drawing.response.body.data, mark));
            assert_non_null(strstr(drawing.response.body.data, text_at(stage, "title", "zh")));
        }
        answer_release(&drawing);
        answer_release(&one);
    }
    answer_release(&all);
}

/* ---- A schema says what the engine demands */

static void what_a_schema_demands_is_what_the_engine_demands(void **state)
{
    static const char *const values[][2] = {
        {"petition_no", "\"P-7\""}, {"place", "\"320402001\""}, {"matter", "\"noise\""}};
    struct loopback *loop = *state;
    struct answer one = get(loop, "/api/v1/scenes/petition");
    json_t *required = json_object_get(schema_of_fields(one.json), "required");
    assert_int_equal(json_array_size(required), 3);
    for (size_t left_out = 0; left_out <= 3; left_out++) {
        char body[300] = "{\"scene\":\"petition\",\"fields\":{";
        bool first = true;
        for (size_t i = 0; i < 3; i++) {
            assert_string_equal(json_string_value(json_array_get(required, i)), values[i][0]);
            if (i == left_out)
                continue;
            snprintf(body + strlen(body), sizeof body - strlen(body), "%s\"%s\":%s",
                     first ? "" : ",", values[i][0], values[i][1]);
            first = false;
        }
        snprintf(body + strlen(body), sizeof body - strlen(body), "}}");
        expect(loop, "town_duty", HTTP_POST, "/api/v1/loops", body, left_out < 3 ? 400 : 201,
               left_out < 3 ? values[left_out][0] : "registered");
    }
    answer_release(&one);
}

/* ---- Refusals, manners of a drawing, areas */

static void what_there_is_not_is_refused_in_words(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        const char *path;
        int status;
        const char *words;
    } rows[] = {
        {"/api/v1/scenes/no_such", 404, "no such scene"},
        {"/api/v1/scenes/petition?version=99", 404, "no such scene or version"},
        {"/api/v1/scenes/petition?version=one", 400, "version"},
        {"/api/v1/scenes/petition/diagram?language=fr", 400, "zh or en"},
        {"/api/v1/scenes/petition/diagram?plain=maybe", 400, "true or false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(loop, "town_duty", HTTP_GET, rows[i].path, NULL, rows[i].status, rows[i].words);
    expect(loop, "press", HTTP_GET, "/api/v1/scenes", NULL, 403, NULL);
}

static void a_drawing_is_in_the_language_and_manner_asked_for(void **state)
{
    struct loopback *loop = *state;
    struct answer own = get(loop, "/api/v1/scenes/petition/diagram");
    struct answer plain = get(loop, "/api/v1/scenes/petition/diagram?plain=true&language=en");
    assert_non_null(strstr(own.response.body.data, "<style>"));
    assert_non_null(strstr(own.response.body.data, "信访事项闭环"));
    assert_null(strstr(plain.response.body.data, "style"));
    assert_non_null(strstr(plain.response.body.data, "Being handled"));
    for (size_t i = 0; i < plain.response.body.length; i++) /* "·" is the only one beyond ASCII */
        assert_true((unsigned char)plain.response.body.data[i] < 0xE3);
    answer_release(&own);
    answer_release(&plain);
}

static void areas_come_with_names_and_whose_they_are(void **state)
{
    struct loopback *loop = *state;
    struct answer answer = as(loop, "district_duty-320412", HTTP_GET, "/api/v1/areas", NULL);
    json_t *item;
    size_t i, own = 0, others = 0;
    int64_t level = 1;
    assert_int_equal(answer.status, 200);
    json_array_foreach (json_object_get(answer.json, "items"), i, item) {
        const char *code = json_string_value(json_object_get(item, "code"));
        int64_t deeper = json_integer_value(json_object_get(item, "level"));
        bool mine = json_is_true(json_object_get(item, "own"));
        const char *parent = json_string_value(json_object_get(item, "parent"));
        assert_int_equal(parent == NULL, deeper == 1);
        assert_int_equal(mine, strcmp(code, "320412") == 0 ||
                                   (deeper == 3 && strcmp(parent, "320412") == 0));
        assert_true(deeper >= 1 && deeper <= 3 && deeper <= level + 1); /* parents come first */
        level = deeper;
        *(mine ? &own : &others) += 1;
    }
    assert_true(own > 5 && others > own);
    answer_release(&answer);
}

/* ---- A new file */

static void put_file(const struct loopback *loop, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/scenes", loop->directory);
    if (mkdir(path, 0700) != 0)
        assert_int_equal(errno, EEXIST);
    snprintf(path, sizeof path, "%s/scenes/lift_fault.yaml", loop->directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Of a version, with one more field or none. */
static void put_lift(const struct loopback *loop, int version, const char *field)
{
    char text[900];
    snprintf(text, sizeof text,
             "scene: lift_fault\nversion: %d\ntitle: {zh: 电梯故障, en: Lift}\nsubject: none\n"
             "opened_by: [manual]\nunique: [place]\nfields:\n"
             "  - {name: place, type: area, required: true, title: {zh: 区域, en: Area}}\n%s"
             "stages:\n"
             "  - name: reported\n    title: {zh: 已报告, en: Reported}\n"
             "    owner: {role: town_duty, area: place}\n    within: 2h\n"
             "    next: [{to: repaired, by: [owner]}]\n"
             "  - {name: repaired, title: {zh: 已修复, en: Repaired}, final: done}\n"
             "escalate: [{after: 0m, to: command}]\n",
             version, field);
    put_file(loop, text);
}

static void a_new_file_is_served_after_its_load_and_older_versions_stay(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    int64_t loaded;
    struct answer before = get(loop, "/api/v1/scenes");
    assert_null(scene_in(before.json, "lift_fault"));
    answer_release(&before);
    put_lift(loop, 1, "");
    test_fail_on(loops_load_scenes(loop->platform->loops, &loaded, &err), &err);
    assert_int_equal(loaded, 1);
    put_lift(loop, 2,
             "  - {name: floor, type: int, required: true, min: -5, max: 120,"
             " title: {zh: 楼层, en: Floor}}\n");
    test_fail_on(loops_load_scenes(loop->platform->loops, &loaded, &err), &err);
    struct answer after = get(loop, "/api/v1/scenes");
    json_t *head = scene_in(after.json, "lift_fault");
    assert_non_null(head);
    assert_int_equal(json_integer_value(json_object_get(head, "version")), 2);
    struct answer now = get(loop, "/api/v1/scenes/lift_fault");
    json_t *floor =
        json_object_get(json_object_get(schema_of_fields(now.json), "properties"), "floor");
    assert_string_equal(json_string_value(json_object_get(floor, "type")), "integer");
    assert_true(json_number_value(json_object_get(floor, "minimum")) == -5);
    assert_true(json_number_value(json_object_get(floor, "maximum")) == 120);
    struct answer older = get(loop, "/api/v1/scenes/lift_fault?version=1");
    assert_int_equal(json_array_size(json_object_get(older.json, "fields")), 1);
    assert_true(json_is_false(json_object_get(older.json, "opens")));
    answer_release(&after);
    answer_release(&now);
    answer_release(&older);
}

int main(void)
{
    log_set_level(LOG_FAULT);
    const struct CMUnitTest tests[] = {
        LOOP_TEST(every_scene_that_opens_is_served_whole_with_its_drawing),
        LOOP_TEST(what_a_schema_demands_is_what_the_engine_demands),
        LOOP_TEST(what_there_is_not_is_refused_in_words),
        LOOP_TEST(a_drawing_is_in_the_language_and_manner_asked_for),
        LOOP_TEST(areas_come_with_names_and_whose_they_are),
        LOOP_TEST(a_new_file_is_served_after_its_load_and_older_versions_stay),
    };
    return LOOPBACK_RUN(tests);
}
