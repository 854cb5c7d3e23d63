/* What a scene may name: registry kinds, field types, event kinds with what they are about and what
 * they carry. Roles come from policies/roles.yaml. */
#include "scenes/scenes_internal.h"

static const char *const kind_names[SCENE_KIND_COUNT] = {
#define X(id, name, zh, en) [id] = name,
    SCENE_KIND_TABLE(X)
#undef X
};
static const struct words kind_words[SCENE_KIND_COUNT] = {
#define X(id, name, zh, en) [id] = {zh, en},
    SCENE_KIND_TABLE(X)
#undef X
};
static const char *const type_names[SCENE_TYPE_COUNT] = {
#define X(id, name, zh, en, kind) [id] = name,
    SCENE_TYPE_TABLE(X)
#undef X
};
static const struct words type_words[SCENE_TYPE_COUNT] = {
#define X(id, name, zh, en, kind) [id] = {zh, en},
    SCENE_TYPE_TABLE(X)
#undef X
};
static const struct {
    const char *name;
    struct words words;
    const char *pattern;
} text_forms[SCENE_TEXT_FORM_COUNT] = {
#define X(id, name, zh, en, pattern) [id] = {name, {zh, en}, pattern},
    SCENE_TEXT_FORM_TABLE(X)
#undef X
};
static const enum scene_kind type_kinds[SCENE_TYPE_COUNT] = {
#define X(id, name, zh, en, kind) [id] = kind,
    SCENE_TYPE_TABLE(X)
#undef X
};

#define RISK_LEVELS {"low", "mid", "high"}

/* Payloads that the language names are exact; the others carry what the domain facts record at that
 * point. An entry's name is the name of the field that it fills. */
static const struct scene_event events[] = {
    {"arrival.reported", SCENE_PERSON, "来（返）常人员报告", "an arrival is reported", "§1.7",
     {{"target_area", TYPE_AREA, {0}},
      {"origin_level", TYPE_ENUM, RISK_LEVELS},
      {"enter_time", TYPE_TIME, {0}},
      {"feed", TYPE_ENUM, {"data_push", "unit_report", "community_visit", "carrier"}},
      {"host_unit", TYPE_UNIT, {0}}}},
    {"pass.activated", SCENE_VEHICLE, "通行证激活", "a pass becomes active", "§3.3",
     {{"consignee", TYPE_UNIT, {0}},
      {"entry_gate", TYPE_CHECKPOINT, {0}},
      {"leave_by", TYPE_TIME, {0}},
      {"driver", TYPE_PERSON, {0}},
      {"seal_no", TYPE_TEXT, {0}}}},
    {"pass.expired", SCENE_VEHICLE, "通行证到期", "a pass expires", "§3.3",
     {{"pass_no", TYPE_TEXT, {0}}, {"expired_at", TYPE_TIME, {0}}}},
    {"checkpoint.scanned", SCENE_VEHICLE, "卡口扫码", "a vehicle is scanned at a checkpoint", "§4",
     {{"gate", TYPE_CHECKPOINT, {0}},
      {"scanned_at", TYPE_TIME, {0}},
      {"seal_no", TYPE_TEXT, {0}}}},
    {"checkpoint.exit_scanned", SCENE_VEHICLE, "卡口离开扫码", "a vehicle is scanned out", "§3.3",
     {{"exit_gate", TYPE_CHECKPOINT, {0}}, {"left_at", TYPE_TIME, {0}}}},
    {"shift.ending", SCENE_CHECKPOINT, "班次将结束", "a shift is about to end", "§4",
     {{"shift_no", TYPE_TEXT, {0}},
      {"ends_at", TYPE_TIME, {0}},
      {"outgoing_lead", TYPE_STAFF, {0}},
      {"incoming_lead", TYPE_STAFF, {0}}}},
    {"result.person_positive", SCENE_PERSON, "个人检测阳性", "a person's test is positive", "§1.5",
     {{"sampled_at", TYPE_TIME, {0}},
      {"reported_at", TYPE_TIME, {0}},
      {"tube", TYPE_TUBE, {0}},
      {"laboratory", TYPE_UNIT, {0}}}},
    {"result.person_negative", SCENE_PERSON, "个人检测阴性", "a person's test is negative", "§1.5",
     {{"sampled_at", TYPE_TIME, {0}},
      {"reported_at", TYPE_TIME, {0}},
      {"tube", TYPE_TUBE, {0}},
      {"laboratory", TYPE_UNIT, {0}}}},
    {"result.tube_positive", SCENE_TUBE, "混采管初筛阳性", "a tube is positive", "§1.5",
     {{"point", TYPE_SITE, {0}}, {"members", TYPE_INT, {0}}, {"sampled_at", TYPE_TIME, {0}}}},
    {"result.tube_inconclusive", SCENE_TUBE, "混采管灰区", "a tube is inconclusive", "§1.5",
     {{"point", TYPE_SITE, {0}}, {"members", TYPE_INT, {0}}, {"sampled_at", TYPE_TIME, {0}}}},
    {"result.members_reached", SCENE_TUBE, "混采成员全部联系到", "all members are reached", "§1.5",
     {{"members", TYPE_INT, {0}}, {"reached_at", TYPE_TIME, {0}}}},
    {"result.retest_complete", SCENE_TUBE, "单采复核完成", "the retest is complete", "§1.5",
     {{"all_negative", TYPE_BOOL, {0}}, {"completed_at", TYPE_TIME, {0}}}},
    {"case.confirmed", SCENE_CASE, "病例确认", "a case is confirmed", "§1.1",
     {{"patient", TYPE_PERSON, {0}},
      {"confirmed_at", TYPE_TIME, {0}},
      {"onset_at", TYPE_TIME, {0}},
      {"symptomatic", TYPE_BOOL, {0}},
      {"place", TYPE_AREA, {0}}}},
    {"contact.proposed", SCENE_PERSON, "推定接触者", "a contact is proposed", "§1.1",
     {{"source_case", TYPE_CASE, {0}},
      {"contact_level", TYPE_ENUM, {"close", "secondary", "general", "spatiotemporal"}},
      {"last_exposure_at", TYPE_TIME, {0}}}},
    {"contact.confirmed", SCENE_PERSON, "接触者判定", "a contact is confirmed", "§1.1",
     {{"source_case", TYPE_CASE, {0}},
      {"contact_level", TYPE_ENUM, {"close", "secondary", "general", "spatiotemporal"}},
      {"last_exposure_at", TYPE_TIME, {0}}}},
    {"status.changed", SCENE_PERSON, "健康码变化", "a person's status changes", "§3.1",
     {{"color", TYPE_ENUM, {"green", "yellow", "red", "unknown"}},
      {"changed_at", TYPE_TIME, {0}}}},
    {"appeal.filed", SCENE_PERSON, "申诉提交", "an appeal is filed", "§11",
     {{"appeal_no", TYPE_TEXT, {0}},
      {"color", TYPE_ENUM, {"green", "yellow", "red", "unknown"}},
      {"filed_at", TYPE_TIME, {0}}}},
    {"appeal.decided", SCENE_PERSON, "申诉决定", "an appeal is decided", "§11",
     {{"appeal_no", TYPE_TEXT, {0}},
      {"decision", TYPE_ENUM, {"upheld", "wrong_evidence", "override"}},
      {"decided_at", TYPE_TIME, {0}},
      {"still_open", TYPE_INT, {0}}}},
    {"alert.raised", SCENE_ALERT, "预警产生", "an alert is raised", "§8",
     {{"level", TYPE_ENUM, {"blue", "yellow", "orange", "red"}},
      {"channel", TYPE_ENUM,
       {"school", "pharmacy", "clinic", "environment", "wastewater", "venue", "calls", "other"}},
      {"place", TYPE_AREA, {0}},
      {"raised_at", TYPE_TIME, {0}}}},
    {"venue.silent", SCENE_VENUE, "场所扫码异常减少", "a venue falls silent", "§2",
     {{"silent_since", TYPE_TIME, {0}}, {"usual_scans", TYPE_NUMBER, {0}}}},
    {"venue.copied_code", SCENE_VENUE, "场所码疑似被转发", "a venue's code was copied", "§11",
     {{"seen_at", TYPE_TIME, {0}}, {"scans", TYPE_INT, {0}}}},
    {"venue.exposed", SCENE_VENUE, "场所有感染者到过", "an infected person was at a venue", "§1.1",
     {{"source_case", TYPE_CASE, {0}},
      {"last_exposure_at", TYPE_TIME, {0}},
      {"contacts", TYPE_INT, {0}}}},
    {"unit.exposed", SCENE_UNIT, "单位涉疫", "a unit is concerned by a case", "§1.1",
     {{"source_case", TYPE_CASE, {0}},
      {"last_exposure_at", TYPE_TIME, {0}},
      {"contacts", TYPE_INT, {0}}}},
    {"inspection.finding_recorded", SCENE_VENUE, "督查发现问题", "an inspection finds a fault",
     "§7",
     {{"finding_no", TYPE_TEXT, {0}},
      {"severity", TYPE_ENUM, {"critical", "major", "minor"}},
      {"place", TYPE_VENUE, {0}}}},
    {"indicator.missed", SCENE_AREA, "指标未达", "an indicator misses its target", "§7",
     {{"indicator", TYPE_TEXT, {0}}, {"value", TYPE_NUMBER, {0}}, {"target", TYPE_NUMBER, {0}}}},
    {"roster.gap_found", SCENE_UNIT, "应纳未纳", "a roster lacks people", "§1.4",
     {{"missing", TYPE_INT, {0}}, {"roster_size", TYPE_INT, {0}}, {"found_at", TYPE_TIME, {0}}}},
    {"test.overdue", SCENE_PERSON, "应检未检", "a test is overdue", "§1.4",
     {{"due_at", TYPE_TIME, {0}}, {"employer", TYPE_UNIT, {0}}, {"home_area", TYPE_AREA, {0}}}},
    {"batch.received", SCENE_BATCH, "批次接收", "a batch is received", "§6",
     {{"chain", TYPE_ENUM, {"mail", "cold"}},
      {"handler", TYPE_UNIT, {0}},
      {"received_at", TYPE_TIME, {0}},
      {"items", TYPE_INT, {0}}}},
    {"step.missing", SCENE_BATCH, "环节缺失", "a step is missing", "§6",
     {{"step", TYPE_ENUM, {"received", "sorted", "disinfected", "held", "stored", "delivered"}},
      {"handler", TYPE_UNIT, {0}},
      {"due_at", TYPE_TIME, {0}}}},
    {"isolation.ordered", SCENE_PERSON, "隔离决定", "isolation is ordered", "§5",
     {{"site", TYPE_SITE, {0}},
      {"home_area", TYPE_AREA, {0}},
      {"last_exposure_at", TYPE_TIME, {0}},
      {"release_due", TYPE_TIME, {0}}}},
    {"isolation.ended", SCENE_PERSON, "隔离解除", "isolation ends", "§5",
     {{"site", TYPE_SITE, {0}}, {"ended_at", TYPE_TIME, {0}}}},
    {"request.filed", SCENE_UNIT, "申请提交", "a unit files a request", "§10",
     {{"request_no", TYPE_TEXT, {0}},
      {"request_kind", TYPE_ENUM, {"supplies", "relief", "production", "support"}},
      {"place", TYPE_AREA, {0}},
      {"filed_at", TYPE_TIME, {0}}}},
    {"letter.filed", SCENE_UNIT, "企业求助函", "a unit files a help letter", "§10",
     {{"letter_no", TYPE_TEXT, {0}}, {"place", TYPE_AREA, {0}}, {"filed_at", TYPE_TIME, {0}}}},
    {"plan.activated", SCENE_AREA, "预案启动", "an emergency plan is activated", "§1.5",
     {{"plan_level", TYPE_ENUM, {"i", "ii", "iii", "iv"}},
      {"drill", TYPE_BOOL, {0}},
      {"activated_at", TYPE_TIME, {0}}}},
    {"day.passed", SCENE_NONE, "一日已过", "a day has passed", "-", {{"day", TYPE_DATE, {0}}}},
    {"hour.passed", SCENE_NONE, "一小时已过", "an hour has passed", "-",
     {{"hour", TYPE_TIME, {0}}}},
};

/* What the entries of payloads are called. */
static const struct {
    const char *name;
    struct words words;
} payload_words[] = {
    {"target_area", {"目的区域", "target area"}},
    {"origin_level", {"来源地风险", "risk of the origin"}},
    {"enter_time", {"入常时间", "time of arrival"}},
    {"feed", {"发现途径", "how it became known"}},
    {"host_unit", {"接待单位", "host unit"}},
    {"consignee", {"收货单位", "consignee"}},
    {"entry_gate", {"入口卡口", "entry checkpoint"}},
    {"leave_by", {"最迟离开", "leave by"}},
    {"driver", {"驾驶员", "driver"}},
    {"seal_no", {"封签号", "seal number"}},
    {"pass_no", {"通行证号", "pass number"}},
    {"expired_at", {"到期时间", "expired at"}},
    {"gate", {"卡口", "checkpoint"}},
    {"scanned_at", {"扫码时间", "scanned at"}},
    {"exit_gate", {"出口卡口", "exit checkpoint"}},
    {"left_at", {"离开时间", "left at"}},
    {"shift_no", {"班次", "shift"}},
    {"ends_at", {"结束时间", "ends at"}},
    {"outgoing_lead", {"交班负责人", "outgoing lead"}},
    {"incoming_lead", {"接班负责人", "incoming lead"}},
    {"sampled_at", {"采样时间", "sampled at"}},
    {"reported_at", {"报告时间", "reported at"}},
    {"tube", {"采样管", "tube"}},
    {"laboratory", {"实验室", "laboratory"}},
    {"point", {"采样点", "sampling point"}},
    {"members", {"成员数", "members"}},
    {"reached_at", {"联系到的时间", "reached at"}},
    {"all_negative", {"全部阴性", "all negative"}},
    {"completed_at", {"完成时间", "completed at"}},
    {"patient", {"病例本人", "patient"}},
    {"confirmed_at", {"确认时间", "confirmed at"}},
    {"onset_at", {"发病时间", "onset"}},
    {"symptomatic", {"有症状", "symptomatic"}},
    {"place", {"地点", "place"}},
    {"source_case", {"来源病例", "source case"}},
    {"contact_level", {"接触类别", "kind of contact"}},
    {"last_exposure_at", {"末次暴露", "last exposure"}},
    {"color", {"码色", "colour"}},
    {"changed_at", {"变化时间", "changed at"}},
    {"appeal_no", {"申诉号", "appeal number"}},
    {"filed_at", {"提交时间", "filed at"}},
    {"decision", {"决定", "decision"}},
    {"decided_at", {"决定时间", "decided at"}},
    {"still_open", {"未决申诉数", "open appeals"}},
    {"level", {"级别", "level"}},
    {"channel", {"来源渠道", "channel"}},
    {"raised_at", {"产生时间", "raised at"}},
    {"silent_since", {"静默起始", "silent since"}},
    {"usual_scans", {"平常扫码数", "usual scans"}},
    {"seen_at", {"发现时间", "seen at"}},
    {"scans", {"扫码数", "scans"}},
    {"contacts", {"接触者数", "contacts"}},
    {"finding_no", {"问题编号", "finding number"}},
    {"severity", {"严重程度", "severity"}},
    {"indicator", {"指标", "indicator"}},
    {"value", {"数值", "value"}},
    {"target", {"目标值", "target"}},
    {"missing", {"缺少人数", "missing people"}},
    {"roster_size", {"名册人数", "people on the roster"}},
    {"found_at", {"发现时间", "found at"}},
    {"due_at", {"到期时间", "due at"}},
    {"employer", {"用人单位", "employer"}},
    {"home_area", {"住地", "home"}},
    {"chain", {"链条", "chain"}},
    {"handler", {"经手单位", "handler"}},
    {"received_at", {"接收时间", "received at"}},
    {"items", {"件数", "items"}},
    {"step", {"环节", "step"}},
    {"site", {"隔离点", "site"}},
    {"release_due", {"应解除时间", "due for release"}},
    {"ended_at", {"结束时间", "ended at"}},
    {"request_no", {"申请号", "request number"}},
    {"request_kind", {"申请类别", "kind of request"}},
    {"letter_no", {"来函号", "letter number"}},
    {"plan_level", {"响应级别", "level of the plan"}},
    {"drill", {"演练", "drill"}},
    {"activated_at", {"启动时间", "activated at"}},
    {"day", {"日期", "day"}},
    {"hour", {"时刻", "hour"}},
};

struct words scene_payload_words(const char *name)
{
    for (size_t i = 0; i < sizeof payload_words / sizeof *payload_words; i++)
        if (strcmp(payload_words[i].name, name) == 0)
            return payload_words[i].words;
    return (struct words){NULL, NULL};
}

const char *scene_kind_name(enum scene_kind kind)
{
    REQUIRE(kind < SCENE_KIND_COUNT);
    return kind_names[kind];
}
struct words scene_kind_words(enum scene_kind kind)
{
    REQUIRE(kind < SCENE_KIND_COUNT);
    return kind_words[kind];
}
const char *scene_type_name(enum scene_type type)
{
    REQUIRE(type < SCENE_TYPE_COUNT);
    return type_names[type];
}
struct words scene_type_words(enum scene_type type)
{
    REQUIRE(type < SCENE_TYPE_COUNT);
    return type_words[type];
}
enum scene_kind scene_type_kind(enum scene_type type)
{
    REQUIRE(type < SCENE_TYPE_COUNT);
    return type_kinds[type];
}

int scene_kind_of(const char *name)
{
    for (int i = 0; i < SCENE_KIND_COUNT; i++)
        if (strcmp(kind_names[i], name) == 0)
            return i;
    return -1;
}

int scene_type_of(const char *name)
{
    for (int i = 0; i < SCENE_TYPE_COUNT; i++)
        if (strcmp(type_names[i], name) == 0)
            return i;
    return -1;
}

const char *scene_text_form_name(enum scene_text_form form)
{
    REQUIRE(form < SCENE_TEXT_FORM_COUNT);
    return text_forms[form].name;
}
struct words scene_text_form_words(enum scene_text_form form)
{
    REQUIRE(form < SCENE_TEXT_FORM_COUNT);
    return text_forms[form].words;
}
const char *scene_text_form_pattern(enum scene_text_form form)
{
    REQUIRE(form < SCENE_TEXT_FORM_COUNT);
    return text_forms[form].pattern;
}
int scene_text_form_of(const char *name)
{
    for (int i = 0; i < SCENE_TEXT_FORM_COUNT; i++)
        if (strcmp(text_forms[i].name, name) == 0)
            return i;
    return -1;
}

bool scene_type_is_areal(enum scene_type type)
{
    return type == TYPE_AREA || type == TYPE_CHECKPOINT || type == TYPE_SITE ||
           type == TYPE_VENUE || type == TYPE_UNIT;
}

bool scene_kind_has_unit(enum scene_kind kind)
{
    return kind == SCENE_UNIT || kind == SCENE_SITE || kind == SCENE_VENUE;
}

bool scene_kind_is_personal(enum scene_kind kind)
{
    return kind == SCENE_PERSON || kind == SCENE_HOUSEHOLD || kind == SCENE_STAFF ||
           kind == SCENE_CASE;
}

const struct scene_event *scene_event_all(size_t *ret_count)
{
    *ret_count = sizeof events / sizeof *events;
    return events;
}

const struct scene_event *scene_event_find(const char *name)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i].name, name) == 0)
            return &events[i];
    return NULL;
}

const char *scene_duration(int64_t seconds, char out[32])
{
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
    for (size_t i = 0; i < 3; i++)
        if (seconds >= units[i].seconds && seconds % units[i].seconds == 0) {
            snprintf(out, 32, "%lld%c", (long long)(seconds / units[i].seconds), units[i].letter);
            return out;
        }
    snprintf(out, 32, "%lldm", (long long)(seconds / 60));
    return out;
}
