/* Fields from text to model. */
#include "scenes/scenes_internal.h"

#include <math.h>

static void field_name(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    if (read_identifier(reading, entry->value, "a field's name", &field->name))
        field->line = entry->value->line;
}
static void field_type(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    const char *name, *known[SCENE_TYPE_COUNT];
    if (!read_word(reading, entry->value, "a field's type", &name))
        return;
    int type = scene_type_of(name);
    for (int i = 0; i < SCENE_TYPE_COUNT; i++)
        known[i] = scene_type_name((enum scene_type)i);
    field->type_unknown = type < 0;
    if (type >= 0)
        field->type = (enum scene_type)type;
    else
        scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                   "there is no field type '%.60s'%s: see `scene vocabulary`", name,
                   scene_guess(reading->arena, name, known, SCENE_TYPE_COUNT));
}
static void field_required(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_bool(reading, entry->value, "required", &field->required);
}
static void field_min(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_number(reading, entry->value, "min", &field->min);
}
static void field_max(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_number(reading, entry->value, "max", &field->max);
}
static void field_values(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    const struct yaml_node *node = entry->value;
    if (!read_items(reading, node, "values", 1, ITEMS_MAX))
        return;
    struct scene_values *values = &field->values;
    values->items = arena_alloc(reading->arena, node->count * sizeof *values->items);
    for (size_t i = 0; i < node->count; i++) {
        struct scene_value *value = &values->items[values->count];
        value->line = node->entries[i].line;
        if (!read_identifier(reading, node->entries[i].value, "a choice", &value->text))
            continue;
        for (size_t k = 0; k < values->count; k++)
            if (strcmp(values->items[k].text, value->text) == 0) {
                scene_find(reading->findings, value->line, RULE_DUPLICATE_NAME,
                           "the choice '%s' stands twice: take one out", value->text);
                break;
            }
        values->count++;
    }
}
static void field_titles(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    const struct yaml_node *node = entry->value;
    field->titles_line = entry->line;
    if (node->shape != YAML_MAP || node->count > ITEMS_MAX) {
        scene_find(reading->findings, node->line, RULE_BAD_VALUE,
                   "titles is no map of at most %d choices: write {CHOICE: {zh: …, en: …}, …}",
                   ITEMS_MAX);
        return;
    }
    field->titles = arena_alloc(reading->arena, (node->count + 1) * sizeof *field->titles);
    for (size_t i = 0; i < node->count; i++) {
        struct scene_choice_title *title = &field->titles[field->title_count++];
        *title = (struct scene_choice_title){.choice = node->entries[i].key.data,
                                             .line = node->entries[i].line};
        read_title(reading, node->entries[i].value, &title->words);
    }
}
static void field_personal(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_bool(reading, entry->value, "personal", &field->personal);
}
static void field_index(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_bool(reading, entry->value, "index", &field->index);
}
static void field_title(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_title(reading, entry->value, &field->title);
}
static void field_list(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_bool(reading, entry->value, "list", &field->list);
}
static void field_hidden(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    read_name(reading, entry->value, "hidden_until", &field->hidden_until);
}
static void field_form(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene_field *field = target;
    const char *name, *known[SCENE_TEXT_FORM_COUNT];
    if (!read_word(reading, entry->value, "a text's form", &name))
        return;
    int form = scene_text_form_of(name);
    for (int i = 0; i < SCENE_TEXT_FORM_COUNT; i++)
        known[i] = scene_text_form_name((enum scene_text_form)i);
    if (form >= 0)
        field->form = (enum scene_text_form)form;
    else
        scene_find(reading->findings, entry->value->line, RULE_BAD_VALUE,
                   "there is no form of a text '%.60s'%s: see `scene vocabulary`", name,
                   scene_guess(reading->arena, name, known, SCENE_TEXT_FORM_COUNT));
}

enum { GIVEN_NAME, GIVEN_TYPE, GIVEN_MIN = 3, GIVEN_MAX, GIVEN_VALUES, GIVEN_FORM = 11 };
static const struct key_form field_forms[] = {
    {"name", field_name},   {"type", field_type},         {"required", field_required},
    {"min", field_min},     {"max", field_max},           {"values", field_values},
    {"personal", field_personal}, {"index", field_index}, {"title", field_title},
    {"list", field_list},   {"hidden_until", field_hidden},
    {"form", field_form},
    {"titles", field_titles},
};

static struct scene_value *choice_of(const struct scene_field *field, const char *name)
{
    for (size_t i = 0; i < field->values.count; i++)
        if (strcmp(field->values.items[i].text, name) == 0)
            return &field->values.items[i];
    return NULL;
}

static bool same_words(const char *one, const char *other)
{
    return one && other && strcmp(one, other) == 0;
}

static void check_title(struct reading *reading, const struct scene_field *field, size_t index)
{
    const struct scene_choice_title *title = &field->titles[index];
    const char *known[ITEMS_MAX];
    for (size_t i = 0; i < field->values.count; i++)
        known[i] = field->values.items[i].text;
    if (!choice_of(field, title->choice))
        scene_find(reading->findings, title->line, RULE_BAD_VALUE,
                   "'%.60s' is no choice of '%s'%s: write one of its values", title->choice,
                   field->name ? field->name : "?",
                   scene_guess(reading->arena, title->choice, known, field->values.count));
    for (size_t i = 0; i < index; i++)
        if (same_words(field->titles[i].words.zh, title->words.zh) ||
            same_words(field->titles[i].words.en, title->words.en)) {
            scene_find(reading->findings, title->line, RULE_DUPLICATE_NAME,
                       "'%.60s' and '%.60s' have the same title: nobody could tell them apart",
                       field->titles[i].choice, title->choice);
            break;
        }
}

/* Titles are for all choices or for none: a form half in words would hide that some are missing. */
static void check_titles(struct reading *reading, const struct scene_field *field)
{
    for (size_t i = 0; i < field->title_count; i++) {
        struct scene_value *choice = choice_of(field, field->titles[i].choice);
        check_title(reading, field, i);
        if (choice)
            choice->title = field->titles[i].words;
    }
    for (size_t i = 0; i < field->values.count; i++) {
        size_t k = 0;
        while (k < field->title_count &&
               strcmp(field->titles[k].choice, field->values.items[i].text) != 0)
            k++;
        if (k == field->title_count)
            scene_find(reading->findings, field->titles_line, RULE_BAD_VALUE,
                       "the choice '%s' has no title: add %s: {zh: …, en: …}",
                       field->values.items[i].text, field->values.items[i].text);
    }
}

static bool whole_from(double value, double low)
{
    return value >= low && value <= 1e9 && value == floor(value);
}

/* What the keys of a field are to one another. */
static void check_field(struct reading *reading, const struct scene_field *field, int line,
                        uint64_t seen)
{
    struct scene_findings *findings = reading->findings;
    bool min = seen >> GIVEN_MIN & 1, max = seen >> GIVEN_MAX & 1, typed = seen >> GIVEN_TYPE & 1;
    bool number = field->type == TYPE_INT || field->type == TYPE_NUMBER;
    if (!(seen >> GIVEN_NAME & 1) || !typed)
        scene_find(findings, line, RULE_BAD_VALUE, "a field needs a name and a type: add '%s'",
                   typed ? "name" : "type");
    if (!typed || field->type_unknown)
        return;
    if (field->type == TYPE_ENUM && !(seen >> GIVEN_VALUES & 1))
        scene_find(findings, line, RULE_BAD_VALUE, "an enum needs its choices: add values: […]");
    if (field->type != TYPE_ENUM && seen >> GIVEN_VALUES & 1)
        scene_find(findings, line, RULE_BAD_VALUE,
                   "only an enum has values: make it `type: enum` or take them out");
    if (field->titles_line && field->type != TYPE_ENUM)
        scene_find(findings, field->titles_line, RULE_BAD_VALUE,
                   "only an enum has titles of choices: make it `type: enum` or take them out");
    else if (field->titles)
        check_titles(reading, field);
    if (field->list && !max)
        scene_find(findings, line, RULE_BAD_VALUE,
                   "a list needs the number of items it may have: add max: N");
    if ((field->list || field->type == TYPE_TEXT) && max && !whole_from(field->max, 1))
        scene_find(findings, line, RULE_BAD_VALUE, "max counts %s: write a whole number from 1",
                   field->list ? "items" : "characters");
    if (!field->list && max && !number && field->type != TYPE_TEXT)
        scene_find(findings, line, RULE_BAD_VALUE,
                   "max belongs to int, number, text and lists: take it out");
    if (min && !field->list && !number && field->type != TYPE_TEXT)
        scene_find(findings, line, RULE_BAD_VALUE,
                   "min belongs to int, number, text and lists: take it out");
    if (min && (field->list || field->type == TYPE_TEXT) && !whole_from(field->min, 0))
        scene_find(findings, line, RULE_BAD_VALUE, "min counts %s: write a whole number from 0",
                   field->list ? "items" : "characters");
    if (seen >> GIVEN_FORM & 1 && field->type != TYPE_TEXT)
        scene_find(findings, line, RULE_BAD_VALUE,
                   "only a text has a form: make it `type: text` or take it out");
    if (min && max && field->min > field->max)
        scene_find(findings, line, RULE_BAD_VALUE, "min is above max: no value would do");
}

void read_fields(struct reading *reading, const struct yaml_entry *entry, void *target)
{
    struct scene *scene = target;
    const struct yaml_node *node = entry->value;
    if (!read_items(reading, node, "fields", 0, FIELDS_MAX))
        return;
    scene->fields = arena_alloc(reading->arena, (node->count + 1) * sizeof *scene->fields);
    for (size_t i = 0; i < node->count; i++) {
        uint64_t seen;
        struct scene_field *field = &scene->fields[scene->field_count];
        *field = (struct scene_field){
            .line = node->entries[i].line, .min = -INFINITY, .max = INFINITY};
        if (!read_map(reading, node->entries[i].value, "a field", field_forms,
                      sizeof field_forms / sizeof *field_forms, field, &seen))
            continue;
        check_field(reading, field, node->entries[i].line, seen);
        if (field->name)
            scene->field_count++;
    }
}
