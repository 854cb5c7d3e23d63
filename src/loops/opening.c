/* Opening: one open loop about the same; a second opening joins it. Children are openings too. */
#include <stdlib.h>

#include "loops/loops_internal.h"

static const struct sql_text key_find = {
    "loop_key_find", "SELECT loop_no FROM loop WHERE unique_key = ?1", "loop_by_key"};
static const struct sql_text child_put = {
    "loop_child_put", "INSERT OR IGNORE INTO loop_child (parent_no, child_no) VALUES (?1, ?2)",
    "primary key"};
static const struct sql_text tube_persons = {
    "loop_tube_persons",
    "SELECT person_no FROM tube_member WHERE tube_no = ?1 AND person_no > ?2 ORDER BY person_no"
    " LIMIT 1000",
    "primary key"};
static const struct sql_text household_persons = {
    "loop_household_persons",
    "SELECT person_no FROM person WHERE household_no = ?1 AND person_no > ?2 ORDER BY person_no"
    " LIMIT 1000",
    "person_by_household"};
static const struct sql_text unit_persons = {
    "loop_unit_persons",
    "SELECT person_no FROM person WHERE unit_no = ?1 AND person_no > ?2 ORDER BY person_no"
    " LIMIT 1000",
    "person_by_unit"};
static const struct sql_text units_like = {
    "loop_units_like",
    "SELECT unit_no FROM unit WHERE area_no BETWEEN ?1 AND ?2 AND unit_no > ?3 AND unit_no <> ?4"
    " AND coalesce(category, '') = (SELECT coalesce(category, '') FROM unit WHERE unit_no = ?4)"
    " ORDER BY unit_no LIMIT 1000",
    "unit_by_area"};

const struct sql_list loop_opening_statements =
    SQL_LIST(&key_find, &child_put, &tube_persons, &household_persons, &unit_persons, &units_like);

/* ---- What makes two loops the same */

static bool key_of(struct engine *engine, struct loop *loop)
{
    const struct scene *scene = loop_scene(loop);
    struct buffer text;
    loop->keyed = scene->unique_line ? scene->unique.count > 0 : scene->subject != SCENE_NONE;
    if (!loop->keyed)
        return false;
    buffer_init(&text, 1 << 20);
    buffer_print(&text, "%s", scene->name);
    if (!scene->unique_line)
        buffer_print(&text, "\n%lld", (long long)loop->subject_no);
    for (size_t i = 0; scene->unique_line && i < scene->unique.count; i++) {
        const struct scene_name *name = &scene->unique.items[i];
        json_t *value = loop_value(loop, name);
        char *words = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        if (name->target == TARGET_SUBJECT)
            buffer_print(&text, "\n%lld", (long long)loop->subject_no);
        else
            buffer_print(&text, "\n%s", words ? words : "-");
        free(words);
    }
    blind_index(sql_keys(engine->sql), "loop", buffer_slice(&text), loop->unique_key);
    buffer_release(&text);
    return true;
}

/* The area of the subject, else of the first field that has one, else the city. */
static bool area_of(struct engine *engine, struct loop *loop, struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    const struct area *city = registry_city(engine->platform->registry);
    struct object object = {.known = false};
    if (scene->subject != SCENE_NONE &&
        !object_read(engine, scene->subject, loop->subject_no, &object, err))
        return false;
    for (size_t i = 0; !(object.known && object.area_no) && i < scene->field_count; i++) {
        json_t *value = json_object_get(loop->fields, scene->fields[i].name);
        if (scene_type_is_areal(scene->fields[i].type) && json_is_integer(value) &&
            !object_read(engine, scene_type_kind(scene->fields[i].type), json_integer_value(value),
                         &object, err))
            return false;
    }
    loop->area_no = object.known && object.area_no ? object.area_no : city ? city->no : 0;
    return true;
}

/* ---- Joining */

/* Fields not yet set are filled; what differs is kept aside. */
static bool join(struct engine *engine, int64_t no, const struct opening *opening,
                 struct error *err)
{
    struct loop *loop;
    const char *name;
    json_t *value;
    struct act act = {.kind = ACT_JOINED,
                      .other_no = opening->parent ? opening->parent->no : 0,
                      .fields = keep_json(engine, json_object()),
                      .differing = keep_json(engine, json_object())};
    if (!loop_read(engine, no, &loop, err))
        return false;
    act.stage = loop->stage;
    json_object_foreach (opening->fields, name, value) {
        json_t *present = json_object_get(loop->fields, name);
        if (!present)
            json_object_set(act.fields, name, value);
        else if (!json_equal(present, value))
            json_object_set(act.differing, name, value);
    }
    json_object_update(loop->fields, act.fields);
    return (!json_object_size(act.fields) || loop_write(engine, loop, true, err)) &&
           act_write(engine, loop, &act, err);
}

static bool put_child(struct engine *engine, const struct loop *parent, int64_t child_no,
                      struct error *err)
{
    struct act act = {.kind = ACT_CHILD, .stage = parent->stage, .other_no = child_no};
    return sql_run(engine->sql, &child_put, SQL_ARGUMENTS(sql_int(parent->no), sql_int(child_no)),
                   err) &&
           act_write(engine, parent, &act, err);
}

bool loop_open(struct engine *engine, const struct opening *opening, int64_t *ret_no,
               bool *ret_joined, struct error *err)
{
    const struct scene *scene = opening->definition->scene;
    struct loop *loop = arena_alloc(engine->arena, sizeof *loop);
    struct act how = {.kind = ACT_OPENED,
                      .other_no = opening->parent ? opening->parent->no : 0,
                      .fields = opening->fields};
    loop->definition = opening->definition;
    loop->subject_no = opening->subject_no;
    loop->opened_at = engine->now;
    loop->closed_at = TIMESTAMP_NONE;
    loop->marks = arena_alloc(engine->arena, scene->stage_count * sizeof *loop->marks);
    loop->fields = keep_json(engine, opening->fields ? json_copy(opening->fields) : json_object());
    *ret_no = 0;
    if (key_of(engine, loop) &&
        !sql_one_int(engine->sql, &key_find,
                     SQL_ARGUMENTS(sql_blob(
                         (struct slice){(const char *)loop->unique_key, sizeof loop->unique_key})),
                     0, ret_no, err))
        return false;
    *ret_joined = *ret_no != 0;
    if (*ret_joined ? !join(engine, *ret_no, opening, err)
                    : !area_of(engine, loop, err) || !stage_enter(engine, loop, 0, &how, err))
        return false;
    if (!*ret_joined)
        *ret_no = loop->no;
    return !opening->parent || put_child(engine, opening->parent, *ret_no, err);
}

/* ---- Children */

/* A child's fields are the parent's of the same name and type. */
static json_t *inherited(struct engine *engine, const struct loop *parent,
                         const struct scene *child)
{
    const struct scene *scene = loop_scene(parent);
    json_t *fields = keep_json(engine, json_object());
    for (size_t i = 0; i < child->field_count; i++) {
        int at = scene_field_of(scene, child->fields[i].name);
        json_t *value = at < 0 ? NULL : json_object_get(parent->fields, child->fields[i].name);
        if (value && scene->fields[at].type == child->fields[i].type &&
            scene->fields[at].list == child->fields[i].list)
            json_object_set(fields, child->fields[i].name, value);
    }
    return fields;
}

static bool open_child(struct engine *engine, struct loop *parent,
                       const struct definition *definition, int64_t subject_no, struct error *err)
{
    struct opening opening = {.definition = definition,
                              .subject_no = subject_no,
                              .fields = inherited(engine, parent, definition->scene),
                              .parent = parent};
    int64_t no;
    bool joined;
    return loop_open(engine, &opening, &no, &joined, err);
}

/* Reads numbers whole before the first child is opened. */
static bool read_numbers(struct engine *engine, const struct sql_text *text,
                         const struct sql_value *arguments, size_t count, int64_t out[1000],
                         size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(engine->sql, text, arguments, count, &query, err);
    *ret_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row)
        out[(*ret_count)++] = sql_get_int(query, 0);
    return done;
}

static bool each_person(struct engine *engine, struct loop *parent,
                        const struct definition *definition, struct error *err)
{
    enum scene_kind kind = loop_scene(parent)->subject;
    const struct sql_text *text = kind == SCENE_TUBE        ? &tube_persons
                                  : kind == SCENE_HOUSEHOLD ? &household_persons
                                                            : &unit_persons;
    int64_t persons[1000], after = 0;
    size_t count = 1000;
    if (kind != SCENE_TUBE && kind != SCENE_HOUSEHOLD && kind != SCENE_UNIT)
        return true; /* who rides in a vehicle is not registered */
    while (count == 1000) {
        if (!read_numbers(engine, text, SQL_ARGUMENTS(sql_int(parent->subject_no), sql_int(after)),
                          persons, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!open_child(engine, parent, definition, persons[i], err))
                return false;
        after = count ? persons[count - 1] : 0;
    }
    return true;
}

static bool each_unit(struct engine *engine, struct loop *parent,
                      const struct definition *definition, const struct scene_child *child,
                      struct error *err)
{
    struct object place, subject;
    int64_t units[1000], after = 0;
    size_t count = 1000;
    json_t *value = loop_value(parent, &child->field);
    enum scene_kind kind = scene_type_kind(loop_scene(parent)->fields[child->field.index].type);
    if (!json_is_integer(value))
        return true;
    if (!object_read(engine, kind, json_integer_value(value), &place, err) ||
        !object_read(engine, loop_scene(parent)->subject, parent->subject_no, &subject, err))
        return false;
    while (place.known && subject.unit_no && count == 1000) {
        if (!read_numbers(engine, &units_like,
                          SQL_ARGUMENTS(sql_int(place.area_no),
                                        sql_int(area_range_last(place.area_no)), sql_int(after),
                                        sql_int(subject.unit_no)),
                          units, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!open_child(engine, parent, definition, units[i], err))
                return false;
        after = count ? units[count - 1] : 0;
    }
    return true;
}

bool children_open(struct engine *engine, struct loop *parent, const struct scene_child *child,
                   struct error *err)
{
    const struct definition *definition =
        definition_named(engine->definitions, slice_of(child->scene));
    size_t i;
    json_t *item;
    if (!definition)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = child->scene},
                         "a scene that is loaded", "the child's scene is not loaded");
    switch (child->each) {
    case EACH_PERSON:
        return each_person(engine, parent, definition, err);
    case EACH_SUBJECT:
        return open_child(engine, parent, definition, parent->subject_no, err);
    case EACH_UNIT_IN:
        return each_unit(engine, parent, definition, child, err);
    case EACH_FIELD:
        json_array_foreach (loop_value(parent, &child->field), i, item)
            if (!open_child(engine, parent, definition, json_integer_value(item), err))
                return false;
        return true;
    }
    return true;
}

/* ---- By hand */

struct by_hand {
    struct loops *loops;
    const struct actor *actor;
    const struct loop_opening *given;
    struct loop_outcome *outcome;
};

static bool is_opened_by_hand(const struct scene *scene, struct error *err)
{
    return scene_opens_by_hand(scene) ||
           error_set(err, ERROR_CONFLICT, (struct error_place){.field = "scene"},
                     "a scene with `manual` among its openings", "scene %s is not opened by hand",
                     scene->name);
}

/* A thing that nobody registered yet is registered by its first loop, where its area is given. */
static bool take_subject(struct engine *engine, const struct scene *scene,
                         const struct loop_opening *given, int64_t *ret_no, struct error *err)
{
    struct error_place place = {.field = "subject"};
    struct slice code = {json_string_value(given->subject), json_string_length(given->subject)};
    *ret_no = 0;
    if (scene->subject == SCENE_NONE)
        return !given->subject || error_set(err, ERROR_BAD_VALUE, place, "none",
                                            "scene %s is about nothing", scene->name);
    if (!given->subject)
        return error_set(err, ERROR_BAD_VALUE, place, scene_kind_words(scene->subject).en,
                         "the subject is missing");
    if (!kind_is_thing(scene->subject) || !code.data || !given->area)
        return object_number(engine, scene->subject, given->subject, "subject", ret_no, err);
    if (!code.length || code.length > 64 || slice_trim(code).length != code.length)
        return error_set(err, ERROR_BAD_VALUE, place, "a code of 1 to 64 bytes", "not a code");
    if (given->area->no < engine->actor->area_first || given->area->no > engine->actor->area_last)
        return error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "area"},
                         "an area of your own", "the area is not within your authority");
    if (object_number(engine, scene->subject, given->subject, "subject", ret_no, err))
        return true;
    return err->code == ERROR_BAD_VALUE && /* unknown, not unreadable */
           thing_put(engine, scene->subject, code, code, given->area->no, 0, ret_no, err);
}

/* Who opens a loop is within its area. */
static bool is_within(struct engine *engine, int64_t no, struct error *err)
{
    struct loop *loop;
    bool party = false;
    if (!loop_read(engine, no, &loop, err))
        return false;
    bool within =
        loop->area_no >= engine->actor->area_first && loop->area_no <= engine->actor->area_last;
    if (!within && !hand_is_party(engine, loop, &party, err))
        return false;
    return within || party ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "subject"},
                     "one of your own area", "it is not within your authority");
}

static bool open_by_hand(struct engine *engine, const struct by_hand *job, struct error *err)
{
    const struct loop_opening *given = job->given;
    struct opening opening = {.definition = definition_named(engine->definitions, given->scene)};
    struct loop *loop;
    if (!opening.definition)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "scene"},
                         "a name of `scene list`", "there is no such scene");
    const struct scene *scene = opening.definition->scene;
    if (!is_opened_by_hand(scene, err) ||
        !take_subject(engine, scene, given, &opening.subject_no, err) ||
        !fields_take(engine, scene, given->fields, &opening.fields, err))
        return false;
    for (size_t i = 0; i < scene->field_count; i++)
        if (scene->fields[i].required && !json_object_get(opening.fields, scene->fields[i].name))
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){.field = scene->fields[i].name},
                             "given when the loop is opened", "the field is missing");
    if (!loop_open(engine, &opening, &job->outcome->loop_no, &job->outcome->joined, err) ||
        !is_within(engine, job->outcome->loop_no, err) ||
        !loop_read(engine, job->outcome->loop_no, &loop, err))
        return false;
    job->outcome->stage = loop_stage(loop)->name;
    return true;
}

bool loop_open_within(struct loops *loops, struct sql *sql, const struct actor *actor,
                      const struct loop_opening *opening, struct loop_outcome *ret_outcome,
                      struct error *err)
{
    struct by_hand job = {loops, actor, opening, ret_outcome};
    struct engine engine;
    *ret_outcome = (struct loop_outcome){.loop_no = 0};
    if (!engine_begin(&engine, loops, sql, actor, err))
        return false;
    bool done = open_by_hand(&engine, &job, err);
    engine_end(&engine);
    return done;
}

static bool run_by_hand(struct sql *sql, void *context, struct error *err)
{
    const struct by_hand *job = context;
    return loop_open_within(job->loops, sql, job->actor, job->given, job->outcome, err);
}

bool loops_open_by_hand(struct loops *loops, const struct actor *actor,
                        const struct loop_opening *opening, struct loop_outcome *ret_outcome,
                        struct error *err)
{
    struct by_hand job = {loops, actor, opening, ret_outcome};
    return loops_ready(loops, err) && store_refuse_sunset(loops->platform->store, err) &&
           store_write(loops->platform->store, run_by_hand, &job, err);
}
