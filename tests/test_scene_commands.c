/* `scene …` of the real binary: exit codes, lines and JSON as promised, own scenes before built-in
 * ones, file names, several files as one folder. */
#include "tests/command_place.h"

static const char good[] = "scene: toy\n"
                           "version: 1\n"
                           "title: {zh: 玩具, en: Toy}\n"
                           "subject: unit\n"
                           "opened_by: [manual]\n"
                           "fields: []\n"
                           "stages:\n"
                           "  - name: a\n"
                           "    owner: {unit_of: subject}\n"
                           "    within: 2h\n"
                           "    next: [{to: end, by: [owner]}]\n"
                           "  - {name: end, final: done}\n"
                           "escalate: [{after: 0m, to: command}]\n";
static const char dead[] = "scene: dead\n"
                           "version: 1\n"
                           "title: {zh: 死, en: Dead}\n"
                           "subject: unit\n"
                           "opened_by: [manual]\n"
                           "fields: []\n"
                           "stages:\n"
                           "  - name: a\n"
                           "    owner: {unit_of: subject}\n"
                           "    within: 2h\n"
                           "    next: [{to: b, by: [owner]}]\n"
                           "  - name: b\n"
                           "    owner: {unit_of: subject}\n"
                           "    within: 2h\n"
                           "    max_visits: 2\n"
                           "    next: [{to: b, by: [owner]}]\n"
                           "escalate: [{after: 0m, to: command}]\n";

static int make_place(void **state)
{
    struct place *place = place_make();
    put(place, "toy.yaml", good);
    put(place, "dead.yaml", dead);
    put(place, "broken.yaml", "a: [1\n");
    *state = place;
    return 0;
}

static void each_command_ends_as_promised(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *line;
        int code;
        const char *words;
    } rows[] = {
        {"scene check toy.yaml", 0, "1 scene proved"},
        {"scene check - < toy.yaml", 0, "1 scene proved"},
        {"scene check dead.yaml", 1,
         "dead.yaml:12: dead-end: a loop that comes to 'b' never ends"},
        {"scene check dead.yaml", 1, "\n  path: a -> b\n"},
        {"scene check toy.yaml dead.yaml broken.yaml", 1, "broken.yaml:1: syntax: "},
        {"scene check", 2, "error: an argument is missing"},
        {"scene check nothing.yaml", 2, "error: the file cannot be opened"},
        {"scene check --all toy.yaml", 2, "error: unknown option, field --all"},
        {"scene draw toy.yaml", 0, "<svg xmlns="},
        {"scene draw dead.yaml", 0, "<svg xmlns="},
        {"scene draw broken.yaml", 1, "broken.yaml:1: syntax: "},
        {"scene draw toy.yaml -o", 2, "error: the value is missing, field -o"},
        {"scene draw toy.yaml -o none/x.svg", 2, "error: the file cannot be opened"},
        {"scene draw", 2, "error: an argument is missing"},
        {"scene list", 0, "freight_trip"},
        {"scene list x", 2, "error: too many arguments"},
        {"scene doc freight_trip", 0, "## 货运车辆闭环"},
        {"scene doc freight_trip", 0, "## Freight closed loop"},
        {"scene doc nothing_such", 1, "error: there is no scene 'nothing_such'"},
        {"scene vocabulary", 0, "checkpoint_lead"},
        {"--json scene vocabulary", 0, "\"name\":\"arrival.reported\",\"subject\":\"person\""},
        {"scene schema", 0, "https://json-schema.org/draft/2020-12/schema"},
        {"scene nonsense", 2, "error: unknown command"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        expect(place, rows[i].line, rows[i].code, rows[i].words);
}

static json_t *run_json(struct place *place, const char *line, int code)
{
    struct error err;
    json_t *document;
    assert_int_equal(run(place, line), code);
    test_done_or_fail(json_read(slice_of(place->output), line, &document, &err), &err);
    return document;
}

static void findings_come_as_json(void **state)
{
    struct place *place = *state;
    json_t *none = run_json(place, "--json scene check toy.yaml", 0);
    assert_true(json_is_array(none));
    assert_int_equal(json_array_size(none), 0);
    json_decref(none);
    json_t *found = run_json(place, "--json scene check toy.yaml dead.yaml", 1);
    assert_int_equal(json_array_size(found), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *item = json_array_get(found, i);
        assert_string_equal(json_string_value(json_object_get(item, "file")), "dead.yaml");
        assert_int_equal(json_integer_value(json_object_get(item, "line")), i ? 12 : 8);
        assert_string_equal(json_string_value(json_object_get(item, "rule")), "dead-end");
        assert_int_equal(json_array_size(json_object_get(item, "path")), i + 1);
        assert_true(strlen(json_string_value(json_object_get(item, "message"))) > 20);
    }
    json_decref(found);
    json_t *list = run_json(place, "--json scene list", 0);
    assert_true(json_array_size(list) >= 30);
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) assert_true(json_is_true(json_object_get(item, "proved")));
    json_decref(list);
    json_t *schema = run_json(place, "scene schema", 0);
    assert_true(json_is_object(json_object_get(schema, "$defs")));
    json_decref(schema);
}

static void own_scenes_come_before_built_in_ones(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdirat(place->directory.fd, "city", 0700), 0);
    assert_int_equal(mkdirat(place->directory.fd, "city/scenes", 0700), 0);
    put(place, "city/scenes/toy.yaml", good);
    expect(place, "--data city scene list", 0, "(own)");
    expect(place, "--data city scene doc toy", 0, "## 玩具");
    expect(place, "scene doc toy", 1, "error: there is no scene 'toy'");
    /* in a folder of its own a file is named as its scene; elsewhere it need not be */
    put(place, "city/scenes/other.yaml", good);
    expect(place, "--data city scene check city/scenes/other.yaml", 1,
           "city/scenes/other.yaml:1: bad-value: ");
    expect(place, "scene check city/scenes/other.yaml", 0, "proved");
    assert_int_equal(mkdirat(place->directory.fd, "city/policies", 0700), 0);
    put(place, "city/policies/roles.yaml",
        "roles:\n  command:\n    title: {zh: 指挥长, en: Commander}\n    permissions: []\n");
    expect(place, "scene check city/scenes/other.yaml", 1, ":1: bad-value: ");
    /* the city's own roles are the vocabulary */
    expect(place, "--data city scene vocabulary", 0, "Commander");
    int code = run(place, "--data city scene vocabulary");
    assert_int_equal(code, 0);
    assert_null(strstr(place->output, "checkpoint_lead"));
}

static void several_files_are_checked_as_one_folder(void **state)
{
    struct place *place = *state;
    put(place, "parent.yaml",
        "scene: parent\nversion: 1\ntitle: {zh: 父, en: Parent}\nsubject: unit\n"
        "opened_by: [manual]\nfields: []\nstages:\n  - name: a\n    owner: {unit_of: subject}\n"
        "    within: 2h\n    children: {scene: toy, for_each: subject}\n"
        "    next: [{to: end, by: [owner]}]\n  - {name: end, final: done}\n"
        "escalate: [{after: 0m, to: command}]\n");
    expect(place, "scene check parent.yaml", 1, "parent.yaml:11: unknown-reference: ");
    expect(place, "scene check parent.yaml toy.yaml", 0, "2 scenes proved");
    expect(place, "scene check toy.yaml parent.yaml", 0, "2 scenes proved");
}

static void a_drawing_shows_every_stage(void **state)
{
    struct place *place = *state;
    struct error err;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    expect(place, "scene draw dead.yaml -o drawn.svg", 0, "");
    test_done_or_fail(file_read_whole(place->directory.fd, "drawn.svg", &text, &err), &err);
    assert_non_null(strstr(text.data, "</svg>"));
    assert_non_null(strstr(text.data, ">a</text>"));
    assert_non_null(strstr(text.data, ">b</text>"));
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_command_ends_as_promised, make_place, remove_place),
        cmocka_unit_test_setup_teardown(findings_come_as_json, make_place, remove_place),
        cmocka_unit_test_setup_teardown(own_scenes_come_before_built_in_ones, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(several_files_are_checked_as_one_folder, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_drawing_shows_every_stage, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
