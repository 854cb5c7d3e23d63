/* Scenes as a page or a program needs them: what a loop may be opened with, what each step asks,
 * and the drawing. A new file in scenes/ is here as soon as it is loaded; nothing knows a scene by
 * name. Sets of definitions live until the room closes, so that no lock is held while one is
 * written out. */
#include <math.h>

#include "loops/catalogue.h"
#include "loops/loops_internal.h"
#include "loops/wording.h"

enum { SCENE_ANSWER_BYTES_MAX = 8 << 20 };

static const struct definitions *definitions_now(const struct request *request, struct error *err)
{
    struct loops *loops = request->platform->loops;
    return loops_ready(loops, err) ? atomic_load(&loops->definitions) : NULL;
}

/* ---- What all scenes say of themselves */

static void put_head(struct json_writer *writer, const struct definition *definition)
{
    const struct scene *scene = definition->scene;
    json_field_text(writer, "name", slice_of(scene->name));
    json_field_int64(writer, "version", scene->version);
    json_field_bool(writer, "opens", definition->opens);
    wording_put(writer, "title", scene->title, scene->name);
    wording_put(writer, "about", scene->about, "");
    json_key(writer, "subject");
    json_object_begin(writer);
    json_field_text(writer, "kind", slice_of(scene_kind_name(scene->subject)));
    wording_put(writer, "title", scene_kind_words(scene->subject), "");
    json_field_bool(writer, "by_code",
                    scene->subject == SCENE_AREA || kind_is_thing(scene->subject));
    json_object_end(writer);
    json_field_bool(writer, "by_hand", scene_opens_by_hand(scene));
}

/* ---- Fields */

static void put_bound(struct json_writer *writer, const char *key, double bound)
{
    if (isfinite(bound))
        json_field_double(writer, key, bound);
    else
        json_field_null(writer, key);
}

static void put_field(struct json_writer *writer, const struct scene_field *field)
{
    enum scene_kind kind = scene_type_kind(field->type);
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(field->name));
    wording_put(writer, "title", field->title, field->name);
    json_field_text(writer, "type", slice_of(scene_type_name(field->type)));
    wording_put(writer, "type_title", scene_type_words(field->type), "");
    json_field_bool(writer, "refers", kind != SCENE_NONE);
    json_field_bool(writer, "by_code", kind == SCENE_AREA || kind_is_thing(kind));
    json_field_bool(writer, "list", field->list);
    json_field_bool(writer, "required", field->required);
    json_field_bool(writer, "personal", scene_field_is_personal(field));
    if (field->hidden_until.text)
        json_field_text(writer, "hidden_until", slice_of(field->hidden_until.text));
    else
        json_field_null(writer, "hidden_until");
    json_field_text(writer, "form", slice_of(scene_text_form_name(field->form)));
    wording_put(writer, "form_title", scene_text_form_words(field->form), "");
    put_bound(writer, "min", field->min);
    put_bound(writer, "max", field->max);
    json_key(writer, "values");
    json_array_begin(writer);
    for (size_t i = 0; i < field->values.count; i++)
        json_put_text(writer, slice_of(field->values.items[i].text));
    json_array_end(writer);
    json_key(writer, "choices");
    json_array_begin(writer);
    for (size_t i = 0; i < field->values.count; i++) {
        const struct scene_value *choice = &field->values.items[i];
        json_object_begin(writer);
        json_field_text(writer, "name", slice_of(choice->text));
        wording_put(writer, "title", choice->title, choice->text);
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
}

/* ---- JSON Schema of an opening: the body of POST /loops */

static void put_reference_type(struct json_writer *writer, enum scene_kind kind)
{
    json_key(writer, "type");
    if (!kind_is_thing(kind)) {
        json_put_text(writer, kind == SCENE_AREA ? SLICE("string") : SLICE("integer"));
        return;
    }
    json_array_begin(writer);
    json_put_text(writer, SLICE("string"));
    json_put_text(writer, SLICE("integer"));
    json_array_end(writer);
}

static void put_choices(struct json_writer *writer, const struct scene_field *field)
{
    json_key(writer, "enum");
    json_array_begin(writer);
    for (size_t i = 0; i < field->values.count; i++)
        json_put_text(writer, slice_of(field->values.items[i].text));
    json_array_end(writer);
}

static void put_value_bounds(struct json_writer *writer, const struct scene_field *field)
{
    bool text = field->type == TYPE_TEXT;
    if (field->list || (!text && field->type != TYPE_INT && field->type != TYPE_NUMBER))
        return;
    if (text)
        json_field_int64(writer, "minLength", isfinite(field->min) ? (int64_t)field->min : 1);
    else if (isfinite(field->min))
        json_field_double(writer, "minimum", field->min);
    if (isfinite(field->max) && text)
        json_field_int64(writer, "maxLength", (int64_t)field->max);
    else if (isfinite(field->max))
        json_field_double(writer, "maximum", field->max);
}

/* Members of an open object: the schema of one value of the field. */
static void put_value_schema(struct json_writer *writer, const struct scene_field *field)
{
    static const struct {
        const char *type, *format;
    } forms[SCENE_TYPE_COUNT] = {
        [TYPE_TEXT] = {"string", NULL},        [TYPE_INT] = {"integer", NULL},
        [TYPE_NUMBER] = {"number", NULL},      [TYPE_BOOL] = {"boolean", NULL},
        [TYPE_TIME] = {"string", "date-time"}, [TYPE_DATE] = {"string", "date"},
        [TYPE_PHOTO] = {"string", NULL},
    };
    enum scene_kind kind = scene_type_kind(field->type);
    if (field->type == TYPE_ENUM)
        put_choices(writer, field);
    else if (kind != SCENE_NONE)
        put_reference_type(writer, kind);
    else
        json_field_text(writer, "type", slice_of(forms[field->type].type));
    if (forms[field->type].format)
        json_field_text(writer, "format", slice_of(forms[field->type].format));
    if (field->type == TYPE_PHOTO)
        json_field_text(writer, "pattern", SLICE("^[0-9a-f]{64}$"));
    if (field->form != TEXT_FORM_ANY)
        json_field_text(writer, "pattern", slice_of(scene_text_form_pattern(field->form)));
    put_value_bounds(writer, field);
}

static void put_field_schema(struct json_writer *writer, const struct scene_field *field)
{
    json_key(writer, field->name);
    json_object_begin(writer);
    json_field_text(writer, "title", slice_of(field->title.en ? field->title.en : field->name));
    if (field->list) {
        json_field_text(writer, "type", SLICE("array"));
        json_field_int64(writer, "minItems", 1);
        json_field_int64(writer, "maxItems", isfinite(field->max) ? (int64_t)field->max : 1000);
        json_key(writer, "items");
        json_object_begin(writer);
    }
    put_value_schema(writer, field);
    if (field->list)
        json_object_end(writer);
    json_object_end(writer);
}

static void put_fields_schema(struct json_writer *writer, const struct scene *scene)
{
    json_key(writer, "fields");
    json_object_begin(writer);
    json_field_text(writer, "type", SLICE("object"));
    json_field_bool(writer, "additionalProperties", false);
    json_key(writer, "required");
    json_array_begin(writer);
    for (size_t i = 0; i < scene->field_count; i++)
        if (scene->fields[i].required)
            json_put_text(writer, slice_of(scene->fields[i].name));
    json_array_end(writer);
    json_key(writer, "properties");
    json_object_begin(writer);
    for (size_t i = 0; i < scene->field_count; i++)
        put_field_schema(writer, &scene->fields[i]);
    json_object_end(writer);
    json_object_end(writer);
}

static bool requires_fields(const struct scene *scene)
{
    for (size_t i = 0; i < scene->field_count; i++)
        if (scene->fields[i].required)
            return true;
    return false;
}

static void put_opening(struct json_writer *writer, const struct scene *scene)
{
    json_key(writer, "opening");
    if (!scene_opens_by_hand(scene)) {
        json_put_null(writer);
        return;
    }
    json_object_begin(writer);
    json_field_text(writer, "$schema", SLICE("https://json-schema.org/draft/2020-12/schema"));
    json_field_text(writer, "type", SLICE("object"));
    json_field_bool(writer, "additionalProperties", false);
    json_key(writer, "required");
    json_array_begin(writer);
    json_put_text(writer, SLICE("scene"));
    if (scene->subject != SCENE_NONE)
        json_put_text(writer, SLICE("subject"));
    if (requires_fields(scene))
        json_put_text(writer, SLICE("fields"));
    json_array_end(writer);
    json_key(writer, "properties");
    json_object_begin(writer);
    json_key(writer, "scene");
    json_object_begin(writer);
    json_field_text(writer, "const", slice_of(scene->name));
    json_object_end(writer);
    if (scene->subject != SCENE_NONE) {
        json_key(writer, "subject");
        json_object_begin(writer);
        put_reference_type(writer, scene->subject);
        json_object_end(writer);
    }
    if (kind_is_thing(scene->subject)) {
        json_key(writer, "area");
        json_object_begin(writer);
        json_field_text(writer, "type", SLICE("string"));
        json_object_end(writer);
    }
    put_fields_schema(writer, scene);
    json_object_end(writer);
    json_object_end(writer);
}

/* ---- Stages */

static void put_transition(struct json_writer *writer, const struct scene *scene,
                           const struct policy *policy, const struct scene_transition *transition)
{
    json_object_begin(writer);
    wording_transition(writer, scene, policy, transition);
    if (transition->trigger == TRIGGER_AFTER)
        json_field_int64(writer, "after_seconds", transition->after);
    json_object_end(writer);
}

static void put_stage(struct json_writer *writer, const struct scene *scene,
                      const struct policy *policy, const struct scene_stage *stage)
{
    static const char *const finals[] = {NULL, "done", "failed", "cancelled"};
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(stage->name));
    wording_put(writer, "title", stage->title, stage->name);
    if (finals[stage->final])
        json_field_text(writer, "final", slice_of(finals[stage->final]));
    else
        json_field_null(writer, "final");
    json_key(writer, "owner");
    if (stage->owner)
        wording_owner(writer, scene, policy, stage->owner);
    else
        json_put_null(writer);
    if (stage->within != SCENE_UNSET)
        json_field_int64(writer, "within_seconds", stage->within);
    else
        json_field_null(writer, "within_seconds");
    json_field_bool(writer, "claimed", stage->claim != SCENE_UNSET);
    json_key(writer, "next");
    json_array_begin(writer);
    for (size_t i = 0; i < stage->next_count; i++)
        put_transition(writer, scene, policy, &stage->next[i]);
    json_array_end(writer);
    json_object_end(writer);
}

/* ---- Routes */

bool scenes_handle_all(const struct request *request, struct response *response, struct error *err)
{
    const struct definitions *set = definitions_now(request, err);
    struct json_writer writer;
    if (!set)
        return false;
    buffer_init(&response->body, SCENE_ANSWER_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; i < set->count; i++) {
        if (!set->items[i].opens)
            continue;
        json_object_begin(&writer);
        put_head(&writer, &set->items[i]);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

bool scene_asked(const struct request *request, const struct definition **ret_definition,
                 struct error *err)
{
    struct slice asked = request_query(request, "version");
    const struct definitions *set = definitions_now(request, err);
    int64_t version = 0;
    *ret_definition = NULL;
    if (!set)
        return false;
    if (asked.data && !slice_to_int64(asked, 1, INT32_MAX, &version))
        return loop_bad_value("version", "a version's number", "not such a number", err);
    if (!version)
        *ret_definition = definition_named(set, request->parameters[0]);
    for (size_t i = 0; version && i < set->count; i++)
        if (set->items[i].scene->version == version &&
            slice_equal(slice_of(set->items[i].scene->name), request->parameters[0]))
            *ret_definition = &set->items[i];
    return *ret_definition ||
           error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "name"},
                     "a scene of GET /scenes", "there is no such scene or version");
}

bool scenes_handle_one(const struct request *request, struct response *response, struct error *err)
{
    const struct definition *definition;
    struct json_writer writer;
    if (!scene_asked(request, &definition, err))
        return false;
    const struct scene *scene = definition->scene;
    buffer_init(&response->body, SCENE_ANSWER_BYTES_MAX);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    put_head(&writer, definition);
    json_key(&writer, "fields");
    json_array_begin(&writer);
    for (size_t i = 0; i < scene->field_count; i++)
        put_field(&writer, &scene->fields[i]);
    json_array_end(&writer);
    json_key(&writer, "stages");
    json_array_begin(&writer);
    for (size_t i = 0; i < scene->stage_count; i++)
        put_stage(&writer, scene, request->platform->policy, &scene->stages[i]);
    json_array_end(&writer);
    put_opening(&writer, scene);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

bool scenes_handle_diagram(const struct request *request, struct response *response,
                           struct error *err)
{
    struct slice language = request_query(request, "language");
    struct slice plain = request_query(request, "plain");
    const struct definition *definition;
    unsigned manner = 0;
    if (slice_equal(language, SLICE("en")))
        manner |= SCENE_DRAW_ENGLISH;
    else if (language.data && !slice_equal(language, SLICE("zh")))
        return loop_bad_value("language", "zh or en", "neither", err);
    if (slice_equal(plain, SLICE("true")))
        manner |= SCENE_DRAW_PLAIN;
    else if (plain.data && !slice_equal(plain, SLICE("false")))
        return loop_bad_value("plain", "true or false", "neither", err);
    if (!scene_asked(request, &definition, err))
        return false;
    buffer_init(&response->body, SCENE_ANSWER_BYTES_MAX);
    response->content_type = "image/svg+xml";
    scene_draw(definition->scene, request->platform->policy, manner, &response->body);
    return true;
}
