/* Whether what is compared, owned, counted and opened fits the types of the fields it names. */
#include <math.h>

#include "scenes/scenes_internal.h"

struct checking {
    struct scene *scene;
    struct scene_findings *findings;
};

/* ---- Operands */

bool scene_operand(const struct scene *scene, const struct scene_event *event,
                   const struct scene_name *name, struct operand *ret_operand)
{
    if (name->target == TARGET_FIELD) {
        const struct scene_field *field = &scene->fields[name->index];
        *ret_operand = (struct operand){field->type, field->list, field, NULL};
        return !field->type_unknown;
    }
    if (name->target == TARGET_PAYLOAD && event) {
        const struct scene_payload *payload = &event->payload[name->index];
        *ret_operand = (struct operand){payload->type, false, NULL, payload};
        return true;
    }
    return false;
}

size_t operand_choice_count(const struct operand *operand)
{
    size_t count = 0;
    if (operand->field)
        return operand->field->values.count;
    while (operand->payload->choices[count])
        count++;
    return count;
}

const char *operand_choice(const struct operand *operand, size_t index)
{
    return operand->field ? operand->field->values.items[index].text
                          : operand->payload->choices[index];
}

bool scene_field_takes(const struct scene_field *to, enum scene_type type, bool list,
                       const struct operand *from)
{
    if (to->type != type || to->list != list)
        return false;
    for (size_t i = 0; type == TYPE_ENUM && i < operand_choice_count(from); i++) {
        size_t k = 0;
        while (k < to->values.count &&
               strcmp(to->values.items[k].text, operand_choice(from, i)) != 0)
            k++;
        if (k == to->values.count)
            return false;
    }
    return true;
}

/* ---- Values */

static bool is_choice(const struct operand *operand, const char *text)
{
    for (size_t i = 0; i < operand_choice_count(operand); i++)
        if (strcmp(operand_choice(operand, i), text) == 0)
            return true;
    return false;
}

/* Reads a constant as the type asks; what it must look like where it does not. */
static const char *fit(struct scene_value *value, const struct operand *operand)
{
    struct slice text = slice_of(value->text);
    bool truth = value->plain && strcmp(value->text, "true") == 0;
    bool boolean = truth || (value->plain && strcmp(value->text, "false") == 0);
    double number;
    int32_t day;
    switch (operand->type) {
    case TYPE_INT:
        return value->plain && slice_to_int64(text, INT64_MIN + 1, INT64_MAX, &value->whole)
                   ? NULL
                   : "a whole number";
    case TYPE_NUMBER:
        return value->plain && slice_to_double(text, &value->real) ? NULL : "a number";
    case TYPE_BOOL:
        value->whole = truth;
        return boolean ? NULL : "true or false";
    case TYPE_TIME:
        return time_parse(text, &value->whole) ? NULL : "a moment with its offset (RFC 3339)";
    case TYPE_DATE:
        if (!time_parse_date(text, &day))
            return "a date YYYY-MM-DD";
        value->whole = day;
        return NULL;
    case TYPE_ENUM:
        return is_choice(operand, value->text) ? NULL : "one of its values";
    case TYPE_TEXT:
        return boolean || (value->plain && slice_to_double(text, &number)) ? "a text in quotes"
                                                                           : NULL;
    default:
        return boolean ? "a number or code of the registry" : NULL;
    }
}

static void mismatch(const struct checking *checking, int line, const char *name,
                     const struct operand *operand, const char *expected)
{
    scene_find(checking->findings, line, RULE_TYPE_MISMATCH, "'%s' is %s%s: expected %s", name,
               operand->list ? "a list of " : "", scene_type_name(operand->type), expected);
}

static void check_values(const struct checking *checking, struct scene_condition *condition,
                         const struct operand *operand)
{
    const char *name = condition->name.text;
    bool order = condition->form == CONDITION_COMPARE && condition->comparison >= OPERATOR_LT;
    bool ordered = operand->type == TYPE_INT || operand->type == TYPE_NUMBER ||
                   operand->type == TYPE_TIME || operand->type == TYPE_DATE;
    if (operand->list || operand->type == TYPE_PHOTO) {
        mismatch(checking, condition->line, name, operand,
                 "to ask only whether it is present or absent");
        return;
    }
    if (order && !ordered) {
        mismatch(checking, condition->line, name, operand,
                 "eq, ne or in (lt, le, gt, ge are for int, number, time and date)");
        return;
    }
    for (size_t i = 0; i < condition->values.count; i++) {
        struct scene_value *value = &condition->values.items[i];
        const char *expected = fit(value, operand);
        if (expected)
            scene_find(checking->findings, value->line, RULE_TYPE_MISMATCH,
                       "'%s' is %s, '%.60s' does not fit it: write %s", name,
                       scene_type_name(operand->type), value->text, expected);
    }
}

/* ---- Conditions */

static void check_moment(const struct checking *checking, const struct scene_name *name,
                         const struct scene_event *event)
{
    struct operand operand;
    if (scene_operand(checking->scene, event, name, &operand) &&
        (operand.list || (operand.type != TYPE_TIME && operand.type != TYPE_DATE)))
        mismatch(checking, name->line, name->text, &operand, "a time or a date to count from");
}

static void check_condition(const struct checking *checking, struct scene_condition *condition,
                            const struct scene_event *event)
{
    const struct scene *scene = checking->scene;
    struct operand operand;
    bool known = scene_operand(scene, event, &condition->name, &operand);
    switch (condition->form) {
    case CONDITION_COMPARE:
    case CONDITION_IN:
        if (known)
            check_values(checking, condition, &operand);
        break;
    case CONDITION_TEST:
        if (scene->subject_line && scene->subject != SCENE_PERSON && scene->subject != SCENE_STAFF)
            scene_find(checking->findings, condition->line, RULE_TYPE_MISMATCH,
                       "a %s has no test results: test is for scenes about a person or staff",
                       scene_kind_name(scene->subject));
        break;
    case CONDITION_ELAPSED:
        check_moment(checking, &condition->name, event);
        break;
    case CONDITION_AREA_RISK:
        if (known && (operand.list || !scene_type_is_areal(operand.type)))
            mismatch(checking, condition->name.line, condition->name.text, &operand,
                     "an area, checkpoint, site, venue or unit");
        break;
    case CONDITION_NOT:
    case CONDITION_ANY:
        for (size_t i = 0; i < condition->part_count; i++)
            check_condition(checking, &condition->parts[i], event);
        break;
    default:
        break;
    }
}

static void check_conditions(const struct checking *checking, struct scene_conditions *conditions,
                             const struct scene_event *event)
{
    for (size_t i = 0; i < conditions->count; i++)
        check_condition(checking, &conditions->items[i], event);
}

/* ---- Owners */

static void check_owner(const struct checking *checking, const struct scene_owner *owner)
{
    const struct scene *scene = checking->scene;
    for (; owner; owner = owner->otherwise) {
        const struct scene_name *place = &owner->place;
        struct operand operand;
        bool subject = place->target == TARGET_SUBJECT && scene->subject_line;
        if (scene_operand(scene, NULL, place, &operand)) {
            enum scene_kind kind = scene_type_kind(operand.type);
            if (owner->form == OWNER_ROLE && (operand.list || !scene_type_is_areal(operand.type)))
                mismatch(checking, place->line, place->text, &operand,
                         "an area, checkpoint, site, venue or unit to find the role in");
            if (owner->form == OWNER_UNIT_OF && (operand.list || !scene_kind_has_unit(kind)))
                mismatch(checking, place->line, place->text, &operand, "a unit, site or venue");
            if (owner->form == OWNER_PERSON_OF &&
                (operand.list || (kind != SCENE_PERSON && kind != SCENE_STAFF)))
                mismatch(checking, place->line, place->text, &operand, "a person or staff");
        } else if (subject && owner->form == OWNER_UNIT_OF &&
                   !scene_kind_has_unit(scene->subject)) {
            scene_find(checking->findings, place->line, RULE_TYPE_MISMATCH,
                       "the subject is a %s and has no unit: name a unit, site or venue",
                       scene_kind_name(scene->subject));
        } else if (subject && owner->form == OWNER_PERSON_OF && scene->subject != SCENE_PERSON &&
                   scene->subject != SCENE_STAFF) {
            scene_find(checking->findings, place->line, RULE_TYPE_MISMATCH,
                       "the subject is a %s: name a person or staff",
                       scene_kind_name(scene->subject));
        }
    }
}

/* ---- Events */

static void check_event(const struct checking *checking, const struct scene_transition *transition)
{
    const struct scene *scene = checking->scene;
    const struct scene_event *event = transition->event;
    struct operand operand;
    if (!event)
        return;
    if (scene_operand(scene, NULL, &transition->about, &operand)) {
        if (scene_type_kind(operand.type) != event->kind || event->kind == SCENE_NONE)
            mismatch(checking, transition->about.line, transition->about.text, &operand,
                     arena_print(checking->findings->arena,
                                 "a field that names what %s is about: %s",
                                 event->name, scene_kind_name(event->kind)));
        return;
    }
    if (!transition->about.text && scene->subject_line && event->kind != SCENE_NONE &&
        event->kind != scene->subject)
        scene_find(checking->findings, transition->event_line, RULE_TYPE_MISMATCH,
                   "%s is about a %s and never reaches a loop about a %s: add about: FIELD or "
                   "await another event",
                   event->name, scene_kind_name(event->kind), scene_kind_name(scene->subject));
}

/* Every event that opens a loop brings what the loop must have. */
static void check_opening(const struct checking *checking, struct scene_opening *opening)
{
    const struct scene *scene = checking->scene;
    const struct scene_event *event = opening->event;
    check_conditions(checking, &opening->when, event);
    if (!event)
        return;
    if (scene->subject_line && event->kind != scene->subject)
        scene_find(checking->findings, opening->line, RULE_TYPE_MISMATCH,
                   "%s is about a %s, the scene about a %s: it cannot open a loop", event->name,
                   scene_kind_name(event->kind), scene_kind_name(scene->subject));
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *field = &scene->fields[i];
        bool brought = !field->required;
        for (int p = 0; !brought && event->payload[p].name; p++) {
            const struct scene_payload *payload = &event->payload[p];
            struct operand from = {payload->type, false, NULL, payload};
            brought = strcmp(payload->name, field->name) == 0 &&
                      scene_field_takes(field, payload->type, false, &from);
        }
        if (!brought)
            scene_find(checking->findings, scene->opened_by_line, RULE_UNKNOWN_FIELD,
                       "%s does not bring the required field '%s' (%s): open by hand, take "
                       "`required` off, or name it as the event does",
                       event->name, field->name, scene_type_name(field->type));
    }
}

/* ---- Stages */

static void check_clock(const struct checking *checking, const struct scene_stage *stage)
{
    struct operand operand;
    if (scene_operand(checking->scene, NULL, &stage->until, &operand) &&
        (operand.list || operand.type != TYPE_TIME))
        mismatch(checking, stage->until.line, stage->until.text, &operand, "a time");
    check_moment(checking, &stage->from, NULL);
    if (!scene_operand(checking->scene, NULL, &stage->within_by, &operand))
        return;
    if (operand.list || operand.type != TYPE_ENUM) {
        mismatch(checking, stage->within_by.line, stage->within_by.text, &operand, "an enum");
        return;
    }
    for (size_t i = 0; i < stage->within_value_count; i++)
        if (!is_choice(&operand, stage->within_values[i].text))
            scene_find(checking->findings, stage->within_values[i].line, RULE_TYPE_MISMATCH,
                       "'%.60s' is no value of '%s': write one of its values",
                       stage->within_values[i].text, stage->within_by.text);
}

static void check_child(const struct checking *checking, const struct scene_child *child)
{
    const struct scene *scene = checking->scene;
    struct operand operand;
    bool groups = scene->subject == SCENE_TUBE || scene->subject == SCENE_HOUSEHOLD ||
                  scene->subject == SCENE_UNIT || scene->subject == SCENE_VEHICLE;
    if (child->each == EACH_PERSON && scene->subject_line && !groups)
        scene_find(checking->findings, child->field.line, RULE_TYPE_MISMATCH,
                   "a %s has no persons: for_each: person is for a tube, household, unit or "
                   "vehicle",
                   scene_kind_name(scene->subject));
    if (!scene_operand(scene, NULL, &child->field, &operand))
        return;
    if (child->each == EACH_FIELD && !operand.list)
        mismatch(checking, child->field.line, child->field.text, &operand,
                 "a list (list: true, max: N)");
    if (child->each == EACH_UNIT_IN && (operand.list || !scene_type_is_areal(operand.type)))
        mismatch(checking, child->field.line, child->field.text, &operand,
                 "an area, checkpoint, site, venue or unit");
}

static void check_stage(const struct checking *checking, struct scene_stage *stage)
{
    check_owner(checking, stage->owner);
    check_clock(checking, stage);
    for (size_t i = 0; i < stage->child_count; i++)
        check_child(checking, &stage->children[i]);
    for (size_t i = 0; i < stage->next_count; i++) {
        struct scene_transition *transition = &stage->next[i];
        check_event(checking, transition);
        check_conditions(checking, &transition->when, transition->event);
        for (size_t k = 0; k < transition->by.count; k++)
            check_owner(checking, &transition->by.items[k]);
        for (size_t k = 0; k < transition->sign.count; k++)
            check_owner(checking, &transition->sign.items[k]);
    }
}

static void check_final(const struct checking *checking, const struct scene_name *name,
                        const char *what)
{
    if (name->target == TARGET_STAGE && !checking->scene->stages[name->index].final)
        scene_find(checking->findings, name->line, RULE_TYPE_MISMATCH,
                   "%s counts closed loops, '%s' is not a final stage: name one, or count a time "
                   "by from and to",
                   what, name->text);
}

void scene_check_types(struct scene *scene, struct scene_findings *findings)
{
    struct checking checking = {scene, findings};
    for (size_t i = 0; i < scene->opening_count; i++)
        check_opening(&checking, &scene->openings[i]);
    for (size_t i = 0; i < scene->stage_count; i++)
        check_stage(&checking, &scene->stages[i]);
    for (size_t i = 0; i < scene->indicator_count; i++) {
        check_final(&checking, &scene->indicators[i].share, "share");
        check_final(&checking, &scene->indicators[i].of, "of");
    }
}
