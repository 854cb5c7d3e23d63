/* The vocabulary told: for people, for programs, and as the JSON Schema that editors check files
 * by. The schema knows forms and words; what needs the whole scene stays with the verifier. */
#include "scenes/scenes_internal.h"

struct form {
    const char *written, *zh, *en;
};
static const struct form condition_forms[] = {
    {"{field: F, is: present|absent}", "字段已填或未填", "a field is given or not"},
    {"{field: F, eq|ne|lt|le|gt|ge: V}", "与一个值比较", "compared with a value"},
    {"{field: F, in: [V…]}", "为其中之一", "one of several values"},
    {"{test: negative|positive, within: D, times: N, apart: D}", "检测结果", "test results"},
    {"{elapsed: D, since: opened|STAGE|FIELD}", "已满时长", "at least so long since"},
    {"{acted: STAGE, is: present|absent}", "某环节有人办理", "somebody acted in a stage"},
    {"{separate_hands: [STAGE…]}", "经办人不同", "other hands than in those stages"},
    {"{area_risk: [low|mid|high…], of: FIELD}", "区域风险等级", "the risk of an area"},
    {"{children: closed}", "子闭环全部办结", "all children are closed"},
    {"{not: C}", "非", "not"},
    {"{any: [C…]}", "任一", "one of"},
};
static const struct form owner_forms[] = {
    {"{role: R, area: subject|FIELD}", "某区域的某岗位", "a role in an area"},
    {"{unit_of: subject|FIELD}", "管理单位", "the unit, or what manages a site or venue"},
    {"{person_of: subject|FIELD}", "本人", "a person or staff member"},
    {"{…, or: OWNER}", "否则", "used when the first does not resolve"},
};

/* ---- For people */

static void print_forms(struct buffer *out, const char *title, const struct form *forms,
                        size_t count)
{
    buffer_print(out, "\n%s\n", title);
    for (size_t i = 0; i < count; i++)
        buffer_print(out, "  %-58s %s  %s\n", forms[i].written, forms[i].zh, forms[i].en);
}

static void print_event(struct buffer *out, const struct scene_event *event)
{
    buffer_print(out, "  %-30s %-10s %s  %s  (%s)\n", event->name, scene_kind_name(event->kind),
                 event->zh, event->en, event->section);
    for (const struct scene_payload *entry = event->payload; entry->name; entry++) {
        buffer_print(out, "      %s: %s", entry->name, scene_type_name(entry->type));
        for (size_t i = 0; entry->choices[i]; i++)
            buffer_print(out, "%s%s", i ? ", " : " [", entry->choices[i]);
        buffer_append_text(out, entry->choices[0] ? "]\n" : "\n");
    }
}

static void print_words(const struct policy *policy, struct buffer *out)
{
    size_t count;
    const struct scene_event *events = scene_event_all(&count);
    buffer_append_text(out, "roles\n");
    for (size_t i = 0; i < policy_role_count(policy); i++) {
        const struct role *role = policy_role_at(policy, i);
        buffer_print(out, "  %-22s %s  %s\n", role->name, role->title_zh, role->title_en);
    }
    buffer_append_text(out, "  relations: owner, owner_lead\n\nsubject kinds\n");
    for (int i = 0; i < SCENE_KIND_COUNT; i++) {
        struct words words = scene_kind_words((enum scene_kind)i);
        buffer_print(out, "  %-22s %s  %s\n", scene_kind_name((enum scene_kind)i), words.zh,
                     words.en);
    }
    buffer_append_text(out, "\nfield types\n");
    for (int i = 0; i < SCENE_TYPE_COUNT; i++) {
        struct words words = scene_type_words((enum scene_type)i);
        buffer_print(out, "  %-22s %s  %s\n", scene_type_name((enum scene_type)i), words.zh,
                     words.en);
    }
    buffer_append_text(out, "\nforms of a text (form: F)\n");
    for (int i = 0; i < SCENE_TEXT_FORM_COUNT; i++) {
        struct words words = scene_text_form_words((enum scene_text_form)i);
        buffer_print(out, "  %-22s %s  %s\n", scene_text_form_name((enum scene_text_form)i),
                     words.zh, words.en);
    }
    buffer_append_text(out, "\nevent kinds: what each is about, and its payload\n");
    for (size_t i = 0; i < count; i++)
        print_event(out, &events[i]);
    print_forms(out, "owners", owner_forms, sizeof owner_forms / sizeof *owner_forms);
    print_forms(out, "conditions", condition_forms,
                sizeof condition_forms / sizeof *condition_forms);
}

/* ---- For programs */

static void put_words(struct json_writer *writer, struct words words)
{
    json_key(writer, "title");
    json_object_begin(writer);
    json_field_text(writer, "zh", slice_of(words.zh));
    json_field_text(writer, "en", slice_of(words.en));
    json_object_end(writer);
}

static void put_named(struct json_writer *writer, const char *name, struct words words)
{
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(name));
    put_words(writer, words);
    json_object_end(writer);
}

static void put_event(struct json_writer *writer, const struct scene_event *event)
{
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(event->name));
    json_field_text(writer, "subject", slice_of(scene_kind_name(event->kind)));
    put_words(writer, (struct words){event->zh, event->en});
    json_key(writer, "payload");
    json_array_begin(writer);
    for (const struct scene_payload *entry = event->payload; entry->name; entry++) {
        json_object_begin(writer);
        json_field_text(writer, "name", slice_of(entry->name));
        json_field_text(writer, "type", slice_of(scene_type_name(entry->type)));
        if (entry->choices[0]) {
            json_key(writer, "values");
            json_array_begin(writer);
            for (size_t i = 0; entry->choices[i]; i++)
                json_put_text(writer, slice_of(entry->choices[i]));
            json_array_end(writer);
        }
        json_object_end(writer);
    }
    json_array_end(writer);
    json_object_end(writer);
}

static void put_forms(struct json_writer *writer, const char *key, const struct form *forms,
                      size_t count)
{
    json_key(writer, key);
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(writer);
        json_field_text(writer, "form", slice_of(forms[i].written));
        put_words(writer, (struct words){forms[i].zh, forms[i].en});
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void put_vocabulary(const struct policy *policy, struct json_writer *writer)
{
    size_t count;
    const struct scene_event *events = scene_event_all(&count);
    json_object_begin(writer);
    json_key(writer, "roles");
    json_array_begin(writer);
    for (size_t i = 0; i < policy_role_count(policy); i++) {
        const struct role *role = policy_role_at(policy, i);
        put_named(writer, role->name, (struct words){role->title_zh, role->title_en});
    }
    json_array_end(writer);
    json_key(writer, "relations");
    json_array_begin(writer);
    json_put_text(writer, SLICE("owner"));
    json_put_text(writer, SLICE("owner_lead"));
    json_array_end(writer);
    json_key(writer, "subjects");
    json_array_begin(writer);
    for (int i = 0; i < SCENE_KIND_COUNT; i++)
        put_named(writer, scene_kind_name((enum scene_kind)i),
                  scene_kind_words((enum scene_kind)i));
    json_array_end(writer);
    json_key(writer, "types");
    json_array_begin(writer);
    for (int i = 0; i < SCENE_TYPE_COUNT; i++)
        put_named(writer, scene_type_name((enum scene_type)i),
                  scene_type_words((enum scene_type)i));
    json_array_end(writer);
    json_key(writer, "text_forms");
    json_array_begin(writer);
    for (int i = 0; i < SCENE_TEXT_FORM_COUNT; i++)
        put_named(writer, scene_text_form_name((enum scene_text_form)i),
                  scene_text_form_words((enum scene_text_form)i));
    json_array_end(writer);
    json_key(writer, "events");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        put_event(writer, &events[i]);
    json_array_end(writer);
    put_forms(writer, "owners", owner_forms, sizeof owner_forms / sizeof *owner_forms);
    put_forms(writer, "conditions", condition_forms,
              sizeof condition_forms / sizeof *condition_forms);
    json_object_end(writer);
}

void scene_vocabulary(const struct policy *policy, bool json, struct buffer *out)
{
    struct json_writer writer;
    if (!json) {
        print_words(policy, out);
        return;
    }
    json_writer_init(&writer, out);
    put_vocabulary(policy, &writer);
    json_writer_release(&writer);
    buffer_append_text(out, "\n");
}

/* ---- The schema */

static void put_enum_begin(struct json_writer *writer, const char *key)
{
    json_key(writer, key);
    json_object_begin(writer);
    json_key(writer, "enum");
    json_array_begin(writer);
}

static void put_enum_end(struct json_writer *writer)
{
    json_array_end(writer);
    json_object_end(writer);
}

/* Words of the vocabulary, by the names that schema.c refers to. */
static void put_lists(const struct policy *policy, struct json_writer *writer)
{
    size_t count;
    const struct scene_event *events = scene_event_all(&count);
    put_enum_begin(writer, "role");
    for (size_t i = 0; i < policy_role_count(policy); i++)
        json_put_text(writer, slice_of(policy_role_at(policy, i)->name));
    put_enum_end(writer);
    put_enum_begin(writer, "subject");
    for (int i = 0; i < SCENE_KIND_COUNT; i++)
        json_put_text(writer, slice_of(scene_kind_name((enum scene_kind)i)));
    put_enum_end(writer);
    put_enum_begin(writer, "type");
    for (int i = 0; i < SCENE_TYPE_COUNT; i++)
        json_put_text(writer, slice_of(scene_type_name((enum scene_type)i)));
    put_enum_end(writer);
    put_enum_begin(writer, "text_form");
    for (int i = 0; i < SCENE_TEXT_FORM_COUNT; i++)
        json_put_text(writer, slice_of(scene_text_form_name((enum scene_text_form)i)));
    put_enum_end(writer);
    put_enum_begin(writer, "event");
    for (size_t i = 0; i < count; i++)
        json_put_text(writer, slice_of(events[i].name));
    put_enum_end(writer);
}

#define NAME "{\"$ref\":\"#/$defs/name\"}"
#define DURATION "{\"$ref\":\"#/$defs/duration\"}"
#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"
#define LIST(item) "{\"type\":\"array\",\"items\":" item "}"
#define OBJECT(required, properties)                                                               \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required                  \
    "],\"properties\":{" properties "}}"

static const struct {
    const char *name, *schema;
} parts[] = {
    {"name", "{\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9_]{0,39}$\"}"},
    {"duration", "{\"type\":\"string\",\"pattern\":\"^[0-9]{1,6}[mhd]$\"}"},
    {"title", OBJECT("\"zh\",\"en\"", "\"zh\":{\"type\":\"string\"},\"en\":{\"type\":\"string\"}")},
    {"owner", "{\"oneOf\":[" OBJECT("\"role\",\"area\"", "\"role\":" REF("role") ",\"area\":" NAME
                                    ",\"or\":" REF("owner")) "," OBJECT("\"unit_of\"",
                                    "\"unit_of\":" NAME ",\"or\":" REF("owner")) ","
              OBJECT("\"person_of\"", "\"person_of\":" NAME ",\"or\":" REF("owner")) "]}"},
    {"party", "{\"anyOf\":[{\"enum\":[\"owner\",\"owner_lead\"]}," REF("role") "," REF("owner")
              "]}"},
    {"presence", "{\"enum\":[\"present\",\"absent\"]}"},
    {"condition",
     "{\"oneOf\":["
     "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"field\"],"
     "\"minProperties\":2,\"maxProperties\":2,\"properties\":{\"field\":" NAME
     ",\"is\":" REF("presence") ",\"eq\":{},\"ne\":{},\"lt\":{},\"le\":{},\"gt\":{},\"ge\":{},"
     "\"in\":{\"type\":\"array\",\"minItems\":1}}},"
     OBJECT("\"test\",\"within\"", "\"test\":{\"enum\":[\"negative\",\"positive\"]},\"within\":"
            DURATION ",\"times\":{\"type\":\"integer\",\"minimum\":1},\"apart\":" DURATION) ","
     OBJECT("\"elapsed\",\"since\"", "\"elapsed\":" DURATION ",\"since\":" NAME) ","
     OBJECT("\"acted\",\"is\"", "\"acted\":" NAME ",\"is\":" REF("presence")) ","
     OBJECT("\"separate_hands\"", "\"separate_hands\":" LIST(NAME)) ","
     OBJECT("\"area_risk\",\"of\"", "\"area_risk\":" LIST("{\"enum\":[\"low\",\"mid\",\"high\"]}")
            ",\"of\":" NAME) ","
     OBJECT("\"children\"", "\"children\":{\"const\":\"closed\"}") ","
     OBJECT("\"not\"", "\"not\":" REF("condition")) ","
     OBJECT("\"any\"", "\"any\":" REF("conditions")) "]}"},
    {"conditions", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("condition") "}"},
    {"transition",
     "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"to\"],\"oneOf\":["
     "{\"required\":[\"by\"]},{\"required\":[\"on\"]},{\"required\":[\"after\"]}],"
     "\"properties\":{\"to\":" NAME ",\"by\":" LIST(REF("party")) ",\"on\":" REF("event")
     ",\"about\":" NAME ",\"after\":" DURATION ",\"when\":" REF("conditions") ",\"require\":"
     LIST(NAME) ",\"note\":{\"type\":\"boolean\"},\"sign\":" LIST(REF("party")) "}}"},
    {"child",
     OBJECT("\"scene\",\"for_each\"", "\"scene\":" NAME ",\"for_each\":{\"anyOf\":[" NAME ","
            OBJECT("\"units_in\",\"like\"",
                   "\"units_in\":" NAME ",\"like\":{\"const\":\"subject\"}")
            "]},\"repeat\":" OBJECT("\"every\"", "\"every\":" DURATION) ",\"at\":"
            LIST(DURATION))},
    {"stage",
     "{\"oneOf\":[" OBJECT("\"name\",\"final\"", "\"name\":" NAME ",\"title\":" REF("title")
     ",\"final\":{\"enum\":[\"done\",\"failed\",\"cancelled\"]}") ","
     OBJECT("\"name\",\"owner\",\"next\"", "\"name\":" NAME ",\"title\":" REF("title")
     ",\"owner\":" REF("owner") ",\"within\":{\"anyOf\":[" DURATION ",{\"type\":\"object\","
     "\"required\":[\"by\"]}]},\"until\":" NAME ",\"from\":" NAME ",\"next\":"
     LIST(REF("transition")) ",\"max_visits\":{\"type\":\"integer\",\"minimum\":1},\"verifies\":"
     NAME ",\"claim\":" DURATION ",\"children\":{\"anyOf\":[" REF("child") ","
     LIST(REF("child")) "]}") "]}"},
    {"field",
     OBJECT("\"name\",\"type\"", "\"name\":" NAME ",\"type\":" REF("type")
     ",\"required\":{\"type\":\"boolean\"},\"min\":{\"type\":\"number\"},\"max\":{\"type\":"
     "\"number\"},\"values\":" LIST(NAME) ",\"personal\":{\"type\":\"boolean\"},\"index\":"
     "{\"type\":\"boolean\"},\"list\":{\"type\":\"boolean\"},\"title\":" REF("title")
     ",\"hidden_until\":" NAME ",\"form\":" REF("text_form") ",\"titles\":{\"type\":"
     "\"object\",\"minProperties\":1,\"propertyNames\":" NAME ",\"additionalProperties\":"
     REF("title") "}")},
    {"indicator",
     "{\"oneOf\":[" OBJECT("\"name\",\"share\",\"of\",\"target\"", "\"name\":" NAME
     ",\"share\":" NAME ",\"of\":" NAME ",\"target\":{\"type\":\"number\"},\"split\":" NAME) ","
     OBJECT("\"name\",\"from\",\"to\",\"within\",\"target\"", "\"name\":" NAME ",\"from\":" NAME
     ",\"to\":" NAME ",\"within\":" DURATION ",\"target\":{\"type\":\"number\"},\"split\":" NAME)
     "]}"},
};

static const char top[] =
    "{\"scene\":" NAME ",\"version\":{\"type\":\"integer\",\"minimum\":1},\"title\":" REF("title")
    ",\"about\":{\"anyOf\":[{\"type\":\"string\"}," REF("title") "]},\"subject\":" REF("subject")
    ",\"opened_by\":" LIST("{\"anyOf\":[{\"const\":\"manual\"}," REF("event") ","
    OBJECT("\"on\"", "\"on\":" REF("event") ",\"when\":" REF("conditions")) "]}")
    ",\"unique\":" LIST(NAME) ",\"fields\":" LIST(REF("field")) ",\"stages\":{\"type\":\"array\","
    "\"minItems\":1,\"items\":" REF("stage") "},\"escalate\":{\"type\":\"array\",\"minItems\":1,"
    "\"items\":" OBJECT("\"after\",\"to\"", "\"after\":" DURATION ",\"to\":{\"anyOf\":[{\"enum\":"
    "[\"owner\",\"owner_lead\"]}," REF("role") "]}") "},\"indicators\":" LIST(REF("indicator"))
    ",\"retention\":" DURATION ",\"migrates\":" OBJECT("\"from\",\"map\"",
    "\"from\":{\"type\":\"integer\",\"minimum\":1},\"map\":{\"type\":\"object\","
    "\"additionalProperties\":" NAME "}") "}";

void scene_schema(const struct policy *policy, struct buffer *out)
{
    static const char *const required[] = {"scene", "version", "title",  "subject",
                                           "opened_by", "fields", "stages", "escalate"};
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_field_text(&writer, "$schema", SLICE("https://json-schema.org/draft/2020-12/schema"));
    json_field_text(&writer, "title", SLICE("Scene of a closed loop"));
    json_field_text(&writer, "type", SLICE("object"));
    json_field_bool(&writer, "additionalProperties", false);
    json_key(&writer, "required");
    json_array_begin(&writer);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        json_put_text(&writer, slice_of(required[i]));
    json_array_end(&writer);
    json_key(&writer, "properties");
    json_put_raw(&writer, slice_of(top));
    json_key(&writer, "$defs");
    json_object_begin(&writer);
    put_lists(policy, &writer);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_key(&writer, parts[i].name);
        json_put_raw(&writer, slice_of(parts[i].schema));
    }
    json_object_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    buffer_append_text(out, "\n");
}
