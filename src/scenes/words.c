/* Owners, conditions and titles in words, for drawings, pages and findings. */
#include "scenes/scenes_internal.h"

const char *scene_stage_title(const struct scene_stage *stage, bool chinese)
{
    const char *title = chinese ? stage->title.zh : stage->title.en;
    return title ? title : stage->name;
}

const char *scene_field_title(const struct scene_field *field, bool chinese)
{
    const char *title = chinese ? field->title.zh : field->title.en;
    return title ? title : field->name;
}

const char *scene_choice_title(const struct scene_field *field, const char *choice, bool chinese)
{
    for (size_t i = 0; i < field->values.count; i++)
        if (strcmp(field->values.items[i].text, choice) == 0) {
            struct words title = field->values.items[i].title;
            const char *words = chinese ? title.zh : title.en;
            return words ? words : choice;
        }
    return choice;
}

/* The field that a name stands for: an entry of a payload fills the field of its name. */
static const struct scene_field *field_of(const struct scene *scene, const struct scene_name *name)
{
    if (name->target == TARGET_FIELD)
        return &scene->fields[name->index];
    for (size_t i = 0; name->target == TARGET_PAYLOAD && i < scene->field_count; i++)
        if (strcmp(scene->fields[i].name, name->text) == 0)
            return &scene->fields[i];
    return NULL;
}

/* What the event says, which is not what the field said before it. */
static const char *payload_words(const struct scene_name *name, bool chinese)
{
    struct words words = scene_payload_words(name->text);
    return !words.zh ? name->text : chinese ? words.zh : words.en;
}

const char *scene_name_words(const struct scene *scene, const struct scene_name *name, bool chinese)
{
    switch (name->target) {
    case TARGET_SUBJECT:
        return chinese ? "对象" : "the subject";
    case TARGET_OPENED:
        return chinese ? "开环" : "opening";
    case TARGET_CLOSED:
        return chinese ? "闭环" : "closing";
    case TARGET_STAGE:
        return scene_stage_title(&scene->stages[name->index], chinese);
    case TARGET_FIELD:
        return scene_field_title(&scene->fields[name->index], chinese);
    case TARGET_PAYLOAD:
        return payload_words(name, chinese);
    case TARGET_UNKNOWN:
        break;
    }
    return name->text ? name->text : "?";
}

void scene_owner_words(const struct scene *scene, const struct policy *policy,
                       const struct scene_owner *owner, bool chinese, struct buffer *out)
{
    const char *place = scene_name_words(scene, &owner->place, chinese);
    const struct role *role = owner->role ? policy_role(policy, slice_of(owner->role)) : NULL;
    const char *title = role ? (chinese ? role->title_zh : role->title_en) : owner->role;
    switch (owner->form) {
    case OWNER_SELF:
        buffer_append_text(out, chinese ? "责任人" : "the owner");
        break;
    case OWNER_LEAD:
        buffer_append_text(out, chinese ? "责任单位负责人" : "the lead of the owner's unit");
        break;
    case OWNER_ROLE:
        if (owner->bare)
            buffer_append_text(out, title ? title : "?");
        else
            buffer_print(out, chinese ? "%2$s所在区域的%1$s" : "%1$s in the area of %2$s", title,
                         place);
        break;
    case OWNER_UNIT_OF:
        buffer_print(out, chinese ? "%s的管理单位" : "the unit of %s", place);
        break;
    case OWNER_PERSON_OF:
        buffer_print(out, chinese ? "%s本人" : "%s in person", place);
        break;
    }
    if (owner->otherwise) {
        buffer_append_text(out, chinese ? "，否则" : ", else ");
        scene_owner_words(scene, policy, owner->otherwise, chinese, out);
    }
}

static bool is_yes_or_no(const struct scene *scene, const struct scene_event *event,
                         const struct scene_name *name)
{
    const struct scene_field *field = field_of(scene, name);
    if (field)
        return field->type == TYPE_BOOL;
    return name->target == TARGET_PAYLOAD && event && event->payload[name->index].type == TYPE_BOOL;
}

/* "is yes": true and false as a reader says them. */
static void yes_or_no_words(const struct scene_condition *condition, bool chinese,
                            struct buffer *out)
{
    bool is = condition->comparison == OPERATOR_EQ;
    bool yes = condition->values.count && strcmp(condition->values.items[0].text, "true") == 0;
    if (chinese)
        buffer_print(out, "%s“%s”", is ? "为" : "不为", yes ? "是" : "否");
    else
        buffer_print(out, "%s %s", is ? "is" : "is not", yes ? "yes" : "no");
}

static void values_words(const struct scene *scene, const struct scene_event *event,
                         const struct scene_condition *condition, bool chinese, struct buffer *out)
{
    static const char *const zh[] = {"等于", "不等于", "小于", "不大于", "大于", "不小于"};
    static const char *const en[] = {"is", "is not", "is below", "is at most", "is above",
                                     "is at least"};
    const char *const *words = chinese ? zh : en;
    const struct scene_field *field = field_of(scene, &condition->name);
    if (condition->form == CONDITION_COMPARE && is_yes_or_no(scene, event, &condition->name)) {
        yes_or_no_words(condition, chinese, out);
        return;
    }
    buffer_append_text(out, condition->form == CONDITION_COMPARE ? words[condition->comparison]
                            : chinese                            ? "属于"
                                                                 : "is one of");
    for (size_t i = 0; i < condition->values.count; i++) {
        const char *text = condition->values.items[i].text;
        buffer_print(out, "%s%s", i == 0 ? " " : chinese ? "、" : ", ",
                     field ? scene_choice_title(field, text, chinese) : text);
    }
}

static void test_words(const struct scene_condition *condition, bool chinese, struct buffer *out)
{
    char within[32], apart[32];
    const char *result = condition->positive ? (chinese ? "阳性" : "positive")
                                             : (chinese ? "阴性" : "negative");
    scene_duration(condition->within, within);
    if (condition->times > 1)
        buffer_print(out,
                     chinese ? "%1$s内最近%2$lld次检测均为%3$s，间隔不少于%4$s"
                             : "the latest %2$lld tests within %1$s, %4$s apart, are %3$s",
                     within, (long long)condition->times, result,
                     scene_duration(condition->apart, apart));
    else
        buffer_print(out, chinese ? "%s内最近一次检测为%s" : "the latest test within %s is %s",
                     within, result);
}

static void risk_words(const struct scene *scene, const struct scene_condition *condition,
                       bool chinese, struct buffer *out)
{
    static const char *const zh[] = {"低", "中", "高"}, *const en[] = {"low", "mid", "high"};
    const char *between = "";
    buffer_print(out, chinese ? "%s的风险等级为" : "the risk of %s is ",
                 scene_name_words(scene, &condition->name, chinese));
    for (int level = 0; level < 3; level++)
        if (condition->risks >> level & 1) {
            buffer_print(out, "%s%s", between, chinese ? zh[level] : en[level]);
            between = chinese ? "或" : " or ";
        }
}

static void hands_words(const struct scene *scene, const struct scene_condition *condition,
                        bool chinese, struct buffer *out)
{
    buffer_append_text(out, chinese ? "经办人未参与过：" : "whoever acts did not act in ");
    for (size_t i = 0; i < condition->stages.count; i++)
        buffer_print(out, "%s%s",
                     i == 0    ? ""
                     : chinese ? "、"
                               : ", ",
                     scene_name_words(scene, &condition->stages.items[i], chinese));
}

void scene_condition_words(const struct scene *scene, const struct scene_event *event,
                           const struct scene_condition *condition, bool chinese,
                           struct buffer *out)
{
    const char *name = scene_name_words(scene, &condition->name, chinese);
    char duration[32];
    switch (condition->form) {
    case CONDITION_IS:
        buffer_print(out, "%s%s", name,
                     condition->present ? (chinese ? "已填" : " is given")
                                        : (chinese ? "未填" : " is not given"));
        break;
    case CONDITION_COMPARE:
    case CONDITION_IN:
        buffer_print(out, chinese ? "%s" : "%s ", name);
        values_words(scene, event, condition, chinese, out);
        break;
    case CONDITION_TEST:
        test_words(condition, chinese, out);
        break;
    case CONDITION_ELAPSED:
        buffer_print(out, chinese ? "自%2$s起已满%1$s" : "at least %1$s since %2$s",
                     scene_duration(condition->within, duration), name);
        break;
    case CONDITION_ACTED:
        buffer_print(out, chinese ? "“%s”环节%s" : "in \"%s\" %s", name,
                     condition->present ? (chinese ? "有人办理" : "somebody acted")
                                        : (chinese ? "无人办理" : "nobody acted"));
        break;
    case CONDITION_SEPARATE_HANDS:
        hands_words(scene, condition, chinese, out);
        break;
    case CONDITION_AREA_RISK:
        risk_words(scene, condition, chinese, out);
        break;
    case CONDITION_CHILDREN:
        buffer_append_text(out, chinese ? "子闭环全部办结" : "all children are closed");
        break;
    case CONDITION_NOT:
        buffer_append_text(out, chinese ? "非（" : "not (");
        if (condition->part_count)
            scene_condition_words(scene, event, condition->parts, chinese, out);
        buffer_append_text(out, chinese ? "）" : ")");
        break;
    case CONDITION_ANY:
        for (size_t i = 0; i < condition->part_count; i++) {
            buffer_append_text(out, i == 0 ? "" : chinese ? "，或" : ", or ");
            scene_condition_words(scene, event, &condition->parts[i], chinese, out);
        }
        break;
    }
}
