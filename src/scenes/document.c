/* A page about a scene, once in Chinese and once in English, from nothing but its file: what
 * opens it, what is asked, who must do what by when, what follows, how it is counted, when it is
 * forgotten. */
#include <math.h>

#include "scenes/scenes_internal.h"

struct page {
    const struct scene *scene;
    const struct policy *policy;
    struct buffer *out;
    bool chinese;
};

/* The text in the language of the page. */
static const char *say(const struct page *page, const char *zh, const char *en)
{
    return page->chinese ? zh : en;
}

/* A cell of a table: one line, no bar. */
static void put_cell(const struct page *page, const char *text)
{
    for (; *text; text++)
        if (*text == '|')
            buffer_append_text(page->out, "\\|");
        else
            buffer_append(page->out, *text == '\n' ? " " : text, 1);
}

static void put_owner(const struct page *page, const struct scene_owner *owner)
{
    scene_owner_words(page->scene, page->policy, owner, page->chinese, page->out);
}

static const char *name_title(const struct page *page, const struct scene_name *name)
{
    if (name->target == TARGET_FIELD)
        return scene_field_title(&page->scene->fields[name->index], page->chinese);
    if (name->target == TARGET_STAGE)
        return scene_stage_title(&page->scene->stages[name->index], page->chinese);
    if (name->target == TARGET_OPENED)
        return say(page, "开环", "opening");
    if (name->target == TARGET_CLOSED)
        return say(page, "全部已闭环", "all closed loops");
    if (name->target == TARGET_SUBJECT)
        return say(page, "对象", "the subject");
    return name->text;
}

static void put_conditions(const struct page *page, const struct scene_event *event,
                           const struct scene_conditions *when)
{
    for (size_t i = 0; i < when->count; i++) {
        buffer_append_text(page->out, i == 0 ? say(page, "，条件：", ", if ")
                                             : say(page, "；且", " and "));
        scene_condition_words(page->scene, event, &when->items[i], page->chinese, page->out);
    }
}

/* ---- Sections */

static void put_opening(const struct page *page)
{
    const struct scene *scene = page->scene;
    struct words subject = scene_kind_words(scene->subject);
    buffer_print(page->out, "- %s: %s\n", say(page, "对象", "About"),
                 say(page, subject.zh, subject.en));
    if (scene->opening_count == 0)
        buffer_print(page->out, "- %s\n",
                     say(page, "仅由上级闭环开启", "Opened only by another loop"));
    for (size_t i = 0; i < scene->opening_count; i++) {
        const struct scene_opening *opening = &scene->openings[i];
        buffer_print(page->out, "- %s: ", say(page, "开启", "Opened by"));
        if (opening->manual)
            buffer_append_text(page->out, say(page, "人工", "hand"));
        else if (opening->event)
            buffer_print(page->out, "%s (`%s`)",
                         say(page, opening->event->zh, opening->event->en), opening->event->name);
        else
            buffer_append_text(page->out, opening->event_name);
        put_conditions(page, opening->event, &opening->when);
        buffer_append_text(page->out, "\n");
    }
    buffer_print(page->out, "- %s: ",
                 say(page, "同时最多一个未结闭环，按", "At most one open loop at a time by"));
    for (size_t i = 0; i < scene->unique.count; i++)
        buffer_print(page->out, "%s%s", i ? say(page, "、", ", ") : "",
                     name_title(page, &scene->unique.items[i]));
    buffer_print(page->out, "%s\n\n",
                 scene->unique.count ? "" : say(page, "对象", "the subject"));
}

/* By its title, the name that files and the interface use behind it. */
static void put_choice(const struct page *page, const struct scene_field *field, size_t index)
{
    const char *name = field->values.items[index].text;
    const char *title = scene_choice_title(field, name, page->chinese);
    buffer_append_text(page->out, index ? say(page, "、", ", ") : say(page, "：", ": "));
    put_cell(page, title);
    if (title != name)
        buffer_print(page->out, " `%s`", name);
}

static void put_field(const struct page *page, const struct scene_field *field)
{
    struct words type = scene_type_words(field->type);
    buffer_append_text(page->out, "| ");
    put_cell(page, scene_field_title(field, page->chinese));
    buffer_print(page->out, " | `%s` | %s%s", field->name,
                 field->list ? say(page, "多个", "list of ") : "", say(page, type.zh, type.en));
    for (size_t i = 0; i < field->values.count; i++)
        put_choice(page, field, i);
    if (field->form != TEXT_FORM_ANY) {
        struct words form = scene_text_form_words(field->form);
        buffer_print(page->out, "%s%s", say(page, "：", ": "), say(page, form.zh, form.en));
    }
    if (isfinite(field->min))
        buffer_print(page->out, " ≥ %g", field->min);
    if (isfinite(field->max))
        buffer_print(page->out, " ≤ %g", field->max);
    buffer_print(page->out, " | %s%s%s |\n",
                 field->required ? say(page, "开启时必填", "required to open") : "",
                 field->personal || scene_kind_is_personal(scene_type_kind(field->type))
                     ? say(page, " 个人信息", " personal")
                     : "",
                 field->hidden_until.text ? say(page, " 暂不公开", " hidden at first") : "");
}

static void put_fields(const struct page *page)
{
    if (page->scene->field_count == 0)
        return;
    buffer_print(page->out, "%s\n|---|---|---|---|\n",
                 say(page, "### 字段\n\n| 名称 | 标识 | 类型 | 说明 |",
                     "### Fields\n\n| name | key | type | notes |"));
    for (size_t i = 0; i < page->scene->field_count; i++)
        put_field(page, &page->scene->fields[i]);
    buffer_append_text(page->out, "\n");
}

static const char *choice_title(const struct page *page, const struct scene_name *field,
                                const char *choice)
{
    return field->target == TARGET_FIELD
               ? scene_choice_title(&page->scene->fields[field->index], choice, page->chinese)
               : choice;
}

static void put_clock(const struct page *page, const struct scene_stage *stage)
{
    char text[32];
    if (stage->until.text) {
        buffer_print(page->out, say(page, "截止：%s", "until %s"),
                     name_title(page, &stage->until));
        return;
    }
    for (size_t i = 0; i < stage->within_value_count; i++)
        buffer_print(page->out, "%s%s %s", i ? say(page, "，", ", ") : "",
                     choice_title(page, &stage->within_by, stage->within_values[i].text),
                     scene_duration(stage->within_values[i].whole, text));
    if (stage->within != SCENE_UNSET)
        buffer_append_text(page->out, scene_duration(stage->within, text));
    if (stage->within_by.text)
        buffer_print(page->out, say(page, "（按%s）", " (by %s)"),
                     name_title(page, &stage->within_by));
    if (stage->from.text)
        buffer_print(page->out, say(page, "（自%s起）", " (from %s)"),
                     name_title(page, &stage->from));
}

static void put_parties(const struct page *page, const struct scene_owners *parties)
{
    for (size_t i = 0; i < parties->count; i++) {
        buffer_append_text(page->out, i ? say(page, "、", ", ") : "");
        put_owner(page, &parties->items[i]);
    }
}

static void put_transition(const struct page *page, const struct scene_transition *transition)
{
    char text[32];
    buffer_print(page->out, "- → **%s**: ", name_title(page, &transition->to));
    if (transition->trigger == TRIGGER_BY) {
        put_parties(page, &transition->by);
        buffer_append_text(page->out, say(page, "办理", " acts"));
    } else if (transition->trigger == TRIGGER_ON && transition->event) {
        buffer_append_text(page->out, say(page, transition->event->zh, transition->event->en));
        if (transition->about.text)
            buffer_print(page->out, say(page, "（关于%s）", " (about %s)"),
                         name_title(page, &transition->about));
    } else if (transition->trigger == TRIGGER_AFTER && transition->after != SCENE_UNSET) {
        buffer_print(page->out, say(page, "超过时限 %s 后自动", "by itself %s past the deadline"),
                     scene_duration(transition->after, text));
    }
    put_conditions(page, transition->event, &transition->when);
    for (size_t i = 0; i < transition->require.count; i++)
        buffer_print(page->out, "%s%s",
                     i ? say(page, "、", ", ") : say(page, "；须填写：", "; gives "),
                     name_title(page, &transition->require.items[i]));
    buffer_append_text(page->out, transition->note ? say(page, "；须说明", "; with a note") : "");
    if (transition->sign.count) {
        buffer_append_text(page->out, say(page, "；会签：", "; signed by "));
        put_parties(page, &transition->sign);
    }
    buffer_append_text(page->out, "\n");
}

static void put_child(const struct page *page, const struct scene_child *child)
{
    char text[32];
    static const char *const zh[] = {"每个人员", "同一对象", "列表中每项", "同类单位"};
    static const char *const en[] = {"each person", "the same subject", "each of a list",
                                     "units like it"};
    buffer_print(page->out, "- %s `%s`: %s", say(page, "子闭环", "child loop"), child->scene,
                 say(page, zh[child->each], en[child->each]));
    if (child->each == EACH_FIELD || child->each == EACH_UNIT_IN)
        buffer_print(page->out, " (%s)", name_title(page, &child->field));
    if (child->repeat != SCENE_UNSET)
        buffer_print(page->out, say(page, "，每 %s 一次", ", every %s"),
                     scene_duration(child->repeat, text));
    for (size_t i = 0; i < child->at_count; i++)
        buffer_print(page->out, "%s%s", i ? say(page, "、", ", ") : say(page, "，于 ", ", at "),
                     scene_duration(child->at[i], text));
    buffer_append_text(page->out, "\n");
}

static void put_stage(const struct page *page, const struct scene_stage *stage)
{
    static const char *const zh[] = {"", "办结", "未办成", "取消"};
    static const char *const en[] = {"", "done", "failed", "cancelled"};
    char text[32];
    buffer_print(page->out, "#### %s (`%s`)\n\n", scene_stage_title(stage, page->chinese),
                 stage->name);
    if (stage->final) {
        buffer_print(page->out, "%s: %s\n\n", say(page, "终点", "The end"),
                     say(page, zh[stage->final], en[stage->final]));
        return;
    }
    buffer_append_text(page->out, say(page, "责任：", "Owner: "));
    if (stage->owner)
        put_owner(page, stage->owner);
    buffer_append_text(page->out, say(page, "；时限：", "; clock: "));
    put_clock(page, stage);
    if (stage->max_visits != SCENE_UNSET)
        buffer_print(page->out, say(page, "；最多 %lld 次，超过交指挥部", "; at most %lld times, "
                                    "then the command centre has it"),
                     (long long)stage->max_visits);
    if (stage->claim != SCENE_UNSET)
        buffer_print(page->out, say(page, "；一人认领 %s", "; one person may hold it for %s"),
                     scene_duration(stage->claim, text));
    buffer_append_text(page->out, "\n\n");
    for (size_t i = 0; i < stage->child_count; i++)
        put_child(page, &stage->children[i]);
    for (size_t i = 0; i < stage->next_count; i++)
        put_transition(page, &stage->next[i]);
    buffer_append_text(page->out, "\n");
}

static const char *step_title(const struct page *page, const char *to)
{
    const struct role *role = to ? policy_role(page->policy, slice_of(to)) : NULL;
    if (role)
        return say(page, role->title_zh, role->title_en);
    return to && strcmp(to, "owner") == 0 ? say(page, "责任人", "the owner")
                                          : say(page, "责任单位负责人",
                                                "the lead of the owner's unit");
}

static void put_end(const struct page *page)
{
    const struct scene *scene = page->scene;
    char text[32];
    buffer_print(page->out, "### %s\n\n", say(page, "逾期升级", "When a clock runs out"));
    for (size_t i = 0; i < scene->step_count; i++)
        buffer_print(page->out, "- +%s: %s\n",
                     scene->escalate[i].after == SCENE_UNSET
                         ? "?"
                         : scene_duration(scene->escalate[i].after, text),
                     step_title(page, scene->escalate[i].to));
    if (scene->indicator_count)
        buffer_print(page->out, "\n### %s\n\n", say(page, "指标", "Indicators"));
    for (size_t i = 0; i < scene->indicator_count; i++) {
        const struct scene_indicator *indicator = &scene->indicators[i];
        buffer_print(page->out, "- `%s` ≥ %g %%: ", indicator->name, indicator->target * 100);
        if (indicator->is_share)
            buffer_print(page->out, say(page, "%2$s中%1$s的比例", "share of %s among %s"),
                         name_title(page, &indicator->share), name_title(page, &indicator->of));
        else
            buffer_print(page->out, say(page, "%s到%s不超过 %s", "%s to %s within %s"),
                         name_title(page, &indicator->from), name_title(page, &indicator->to),
                         indicator->within == SCENE_UNSET
                             ? "?"
                             : scene_duration(indicator->within, text));
        if (indicator->split.text)
            buffer_print(page->out, say(page, "，按%s分列", ", by %s"),
                         name_title(page, &indicator->split));
        buffer_append_text(page->out, "\n");
    }
}

static void put_page(const struct page *page)
{
    const struct scene *scene = page->scene;
    char text[32];
    const char *title = say(page, scene->title.zh, scene->title.en);
    const char *about = say(page, scene->about.zh, scene->about.en);
    buffer_print(page->out, "## %s\n\n", title ? title : scene->name);
    if (about)
        buffer_print(page->out, "%s\n\n", about);
    put_opening(page);
    put_fields(page);
    buffer_print(page->out, "### %s\n\n", say(page, "环节", "Stages"));
    for (size_t i = 0; i < scene->stage_count; i++)
        put_stage(page, &scene->stages[i]);
    put_end(page);
    if (scene->retention != SCENE_UNSET)
        buffer_print(page->out, say(page, "\n办结后 %s 删除个人信息。\n",
                                    "\nPersonal data are deleted %s after the end.\n"),
                     scene_duration(scene->retention, text));
    buffer_append_text(page->out, "\n");
}

void scene_document_page(const struct scene *scene, const struct policy *policy, bool chinese,
                         struct buffer *out)
{
    put_page(&(struct page){scene, policy, out, chinese});
}

void scene_document(const struct scene *scene, const struct policy *policy, struct buffer *out)
{
    buffer_print(out, "# %s (v%lld)\n\n", scene->name, (long long)scene->version);
    scene_document_page(scene, policy, true, out);
    scene_document_page(scene, policy, false, out);
}
