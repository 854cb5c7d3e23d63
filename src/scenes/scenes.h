/* scenes: closed loops as data. A scene is one YAML file; this room reads it into a model that an
 * engine can run from, and proves before it is accepted that every path ends, every stage has an
 * owner and a clock, cycles are bounded, guards leave no case out and escalation ends at the
 * command centre. Pure: no SQL, no clock. What a scene may say: docs/scenes.md; how the proof
 * goes: README.md.
 *
 *   struct scene_folder *folder = scene_folder_open(…)   the scenes that stand around
 *   scene_read(text, …)                                  one file → model and findings of its form
 *   scene_folder_put(…); scene_verify(…)                 the findings of the whole */
#ifndef CHENGMAI_SCENES_SCENES_H
#define CHENGMAI_SCENES_SCENES_H

#include "base/xlsx.h"
#include "module/module.h"
#include "policy/policy.h"

/* ---- Vocabulary ---------------------------------------------------------------------------- */

/* id, name, zh, en */
#define SCENE_KIND_TABLE(X)                                                                        \
    X(SCENE_PERSON, "person", "人员", "person")                                                    \
    X(SCENE_HOUSEHOLD, "household", "家庭户", "household")                                         \
    X(SCENE_UNIT, "unit", "单位", "unit")                                                          \
    X(SCENE_VENUE, "venue", "场所", "venue")                                                       \
    X(SCENE_VEHICLE, "vehicle", "车辆", "vehicle")                                                 \
    X(SCENE_AREA, "area", "区域", "area")                                                          \
    X(SCENE_CASE, "case", "病例", "case")                                                          \
    X(SCENE_TUBE, "tube", "混采管", "pooled tube")                                                 \
    X(SCENE_ALERT, "alert", "预警", "alert")                                                       \
    X(SCENE_BATCH, "batch", "批次", "batch")                                                       \
    X(SCENE_SITE, "site", "点位", "site")                                                          \
    X(SCENE_CHECKPOINT, "checkpoint", "卡口", "checkpoint")                                        \
    X(SCENE_STAFF, "staff", "工作人员", "staff member")                                            \
    X(SCENE_NONE, "none", "无", "nothing")
enum scene_kind {
#define X(id, name, zh, en) id,
    SCENE_KIND_TABLE(X)
#undef X
        SCENE_KIND_COUNT
};

/* id, name, zh, en, the registry kind that it names (SCENE_NONE: it is a value) */
#define SCENE_TYPE_TABLE(X)                                                                        \
    X(TYPE_TEXT, "text", "文字", "text", SCENE_NONE)                                               \
    X(TYPE_INT, "int", "整数", "whole number", SCENE_NONE)                                         \
    X(TYPE_NUMBER, "number", "数值", "number", SCENE_NONE)                                         \
    X(TYPE_BOOL, "bool", "是否", "yes or no", SCENE_NONE)                                          \
    X(TYPE_TIME, "time", "时刻", "moment", SCENE_NONE)                                             \
    X(TYPE_DATE, "date", "日期", "date", SCENE_NONE)                                               \
    X(TYPE_ENUM, "enum", "选项", "choice", SCENE_NONE)                                             \
    X(TYPE_PERSON, "person", "人员", "person", SCENE_PERSON)                                       \
    X(TYPE_HOUSEHOLD, "household", "家庭户", "household", SCENE_HOUSEHOLD)                         \
    X(TYPE_STAFF, "staff", "工作人员", "staff member", SCENE_STAFF)                                \
    X(TYPE_UNIT, "unit", "单位", "unit", SCENE_UNIT)                                               \
    X(TYPE_VENUE, "venue", "场所", "venue", SCENE_VENUE)                                           \
    X(TYPE_VEHICLE, "vehicle", "车辆", "vehicle", SCENE_VEHICLE)                                   \
    X(TYPE_TUBE, "tube", "混采管", "pooled tube", SCENE_TUBE)                                      \
    X(TYPE_CASE, "case", "病例", "case", SCENE_CASE)                                               \
    X(TYPE_ALERT, "alert", "预警", "alert", SCENE_ALERT)                                           \
    X(TYPE_BATCH, "batch", "批次", "batch", SCENE_BATCH)                                           \
    X(TYPE_AREA, "area", "区域", "area", SCENE_AREA)                                               \
    X(TYPE_SITE, "site", "点位", "site", SCENE_SITE)                                               \
    X(TYPE_CHECKPOINT, "checkpoint", "卡口", "checkpoint", SCENE_CHECKPOINT)                       \
    X(TYPE_PHOTO, "photo", "照片", "photo", SCENE_NONE)
enum scene_type {
#define X(id, name, zh, en, kind) id,
    SCENE_TYPE_TABLE(X)
#undef X
        SCENE_TYPE_COUNT
};

/* What a text may be held to: id, name, zh, en, what its characters are as a JSON Schema pattern.
 * Sources: GB/T 2260 and the vehicle pass (domain.md §3.3), GB 32100-2015, GA 36. */
#define SCENE_TEXT_FORM_TABLE(X)                                                                   \
    X(TEXT_FORM_ANY, "any", "任意文字", "any text", "")                                            \
    X(TEXT_FORM_VEHICLE_PASS_NUMBER, "vehicle_pass_number", "区划代码六位加序号六位",              \
      "six digits of an area (GB/T 2260), six of a serial number", "^[0-9]{12}$")                  \
    X(TEXT_FORM_CREDIT_CODE, "credit_code", "统一社会信用代码", "unified social credit code",      \
      "^[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy]{18}$")                                                   \
    X(TEXT_FORM_PLATE, "plate", "车牌号", "number plate", "^.[A-HJ-NP-Za-hj-np-z].{5,6}$")
enum scene_text_form {
#define X(id, name, zh, en, pattern) id,
    SCENE_TEXT_FORM_TABLE(X)
#undef X
        SCENE_TEXT_FORM_COUNT
};
const char *scene_text_form_name(enum scene_text_form form);
struct words scene_text_form_words(enum scene_text_form form);
const char *scene_text_form_pattern(enum scene_text_form form);
/* −1 where there is none of that name. */
int scene_text_form_of(const char *name);

const char *scene_kind_name(enum scene_kind kind);
struct words scene_kind_words(enum scene_kind kind);
const char *scene_type_name(enum scene_type type);
struct words scene_type_words(enum scene_type type);
/* The registry kind that a field of the type names, SCENE_NONE where it holds a value. */
enum scene_kind scene_type_kind(enum scene_type type);
/* −1 where there is none of that name. */
int scene_kind_of(const char *name);
int scene_type_of(const char *name);
/* Whether roles can be found by what it names: area, checkpoint, site, venue, unit. */
bool scene_type_is_areal(enum scene_type type);
/* Whether it has a managing unit: unit, site, venue. */
bool scene_kind_has_unit(enum scene_kind kind);
/* person, household, staff, case: personal by nature. */
bool scene_kind_is_personal(enum scene_kind kind);

enum { SCENE_PAYLOAD_MAX = 8, SCENE_CHOICES_MAX = 8 };
/* One entry of an event's payload. */
struct scene_payload {
    const char *name;
    enum scene_type type;
    const char *choices[SCENE_CHOICES_MAX + 1]; /* TYPE_ENUM: NULL after the last */
};
struct scene_event {
    const char *name;
    enum scene_kind kind; /* what it is about */
    const char *zh, *en;
    const char *section;  /* of the domain facts */
    struct scene_payload payload[SCENE_PAYLOAD_MAX + 1]; /* name NULL after the last */
};
/* NULL where there is none of that name. */
const struct scene_event *scene_event_find(const char *name);
const struct scene_event *scene_event_all(size_t *ret_count);
/* What an entry of a payload is called; NULLs where there is none of that name. */
struct words scene_payload_words(const char *name);

/* ---- The model ------------------------------------------------------------------------------
 * Everything lives in the arena that scene_read was given. Lines count from 1. A duration is in
 * seconds, SCENE_UNSET where the key is absent. */

#define SCENE_UNSET INT64_MIN

enum scene_target {
    TARGET_UNKNOWN,  /* names nothing: a finding says so */
    TARGET_SUBJECT,
    TARGET_OPENED,   /* the moment of opening */
    TARGET_CLOSED,   /* the moment of closing, or all closed loops */
    TARGET_STAGE,    /* index: of scene->stages */
    TARGET_FIELD,    /* index: of scene->fields */
    TARGET_PAYLOAD,  /* index: of the event's payload */
};
/* A name in the file and what it turned out to name. */
struct scene_name {
    const char *text; /* NULL where the key is absent */
    int line;
    enum scene_target target;
    int index;
};
struct scene_names {
    struct scene_name *items;
    size_t count;
};

struct scene_value {
    const char *text;
    int line;
    bool plain;    /* stood without quotes */
    int64_t whole; /* int; bool 0 or 1; time (timestamp); date (day number) */
    double real;   /* number */
    struct words title; /* of an enum's choice; NULLs where absent */
};
struct scene_values {
    struct scene_value *items;
    size_t count;
};

/* What stands under `titles` of an enum; the words are also with the choice itself. */
struct scene_choice_title {
    const char *choice;
    int line;
    struct words words;
};
struct scene_field {
    const char *name;
    int line;
    enum scene_type type;
    bool type_unknown; /* said already: nothing that asks for a type says it again */
    bool list, required, personal, index;
    struct words title;         /* NULLs where absent */
    double min, max;            /* of the value; of a text its length; ±INFINITY where absent */
    struct scene_values values; /* enum */
    int titles_line;            /* 0 where the key is absent */
    struct scene_choice_title *titles;
    size_t title_count;
    enum scene_text_form form;  /* text */
    struct scene_name hidden_until;
};

enum scene_owner_form {
    OWNER_SELF,      /* `owner`: in `by` and `sign` only */
    OWNER_LEAD,      /* `owner_lead`: in `by` and `sign` only */
    OWNER_ROLE,
    OWNER_UNIT_OF,
    OWNER_PERSON_OF,
};
struct scene_owner {
    enum scene_owner_form form;
    int line;
    bool bare;               /* a role by its name alone: in the loop's area */
    const char *role;        /* OWNER_ROLE */
    struct scene_name place; /* `area` of a role, else what unit_of or person_of name */
    struct scene_owner *otherwise;
};
struct scene_owners {
    struct scene_owner *items;
    size_t count;
};

enum scene_operator {
    OPERATOR_EQ,
    OPERATOR_NE,
    OPERATOR_LT,
    OPERATOR_LE,
    OPERATOR_GT,
    OPERATOR_GE
};
enum scene_condition_form {
    CONDITION_IS,             /* name is present or absent */
    CONDITION_COMPARE,        /* name `comparison` values[0] */
    CONDITION_IN,             /* name among values */
    CONDITION_TEST,
    CONDITION_ELAPSED,        /* at least `within` since name */
    CONDITION_ACTED,          /* somebody acted in the stage `name`, or nobody did */
    CONDITION_SEPARATE_HANDS, /* the actor acted in none of `stages` */
    CONDITION_AREA_RISK,      /* the area of `name` has one of `risks` */
    CONDITION_CHILDREN,       /* all children are closed */
    CONDITION_NOT,            /* parts[0] */
    CONDITION_ANY,            /* one of parts */
};
enum { RISK_LOW = 1, RISK_MID = 2, RISK_HIGH = 4 };
struct scene_condition {
    enum scene_condition_form form;
    int line;
    struct scene_name name;
    bool present;                   /* is, acted */
    enum scene_operator comparison;
    struct scene_values values;
    bool positive;                  /* test */
    int64_t within, apart;          /* test, elapsed */
    int64_t times;                  /* test; 1 unless given */
    struct scene_names stages;
    unsigned risks;
    struct scene_condition *parts;
    size_t part_count;
};
struct scene_conditions {
    struct scene_condition *items;
    size_t count;
};

enum scene_trigger { TRIGGER_NONE, TRIGGER_BY, TRIGGER_ON, TRIGGER_AFTER };
struct scene_transition {
    int line;
    struct scene_name to;
    enum scene_trigger trigger;
    struct scene_owners by;
    const char *event_name;
    const struct scene_event *event; /* NULL where unknown */
    int event_line;
    struct scene_name about;         /* text NULL: the subject */
    int64_t after;
    struct scene_conditions when;
    struct scene_names require;
    bool note;
    struct scene_owners sign;
};

enum scene_for_each { EACH_PERSON, EACH_SUBJECT, EACH_FIELD, EACH_UNIT_IN };
struct scene_child {
    int line;
    const char *scene;
    int scene_line;
    enum scene_for_each each;
    struct scene_name field; /* EACH_FIELD: a list; EACH_UNIT_IN: an area-like field */
    int64_t repeat;          /* seconds between; SCENE_UNSET: once */
    int64_t *at;             /* seconds from the stage's entry */
    size_t at_count;
};

enum scene_final { FINAL_NOT, FINAL_DONE, FINAL_FAILED, FINAL_CANCELLED };
struct scene_stage {
    const char *name;
    int line;               /* of the name */
    bool is_named;          /* also where the name's form is wrong, which is said once */
    struct words title;     /* NULLs where absent */
    enum scene_final final;
    struct scene_owner *owner; /* NULL: a final stage, or a finding */
    int owner_line;
    int64_t within;         /* SCENE_UNSET where by a field, or until */
    int within_line;        /* 0 where the key is absent */
    struct scene_name within_by;
    struct scene_value *within_values; /* enum value → duration in `whole` */
    size_t within_value_count;
    struct scene_name until;
    struct scene_name from; /* text NULL: the entry of the stage */
    int64_t max_visits;     /* SCENE_UNSET: not bounded */
    struct scene_name verifies;
    int64_t claim;
    int children_line;
    struct scene_child *children;
    size_t child_count;
    struct scene_transition *next;
    size_t next_count;
};

struct scene_opening {
    int line;
    bool manual;
    const char *event_name;
    const struct scene_event *event; /* NULL: manual, or unknown */
    struct scene_conditions when;    /* names are of the payload */
};
struct scene_step {
    int line;
    int64_t after;
    const char *to; /* a role, `owner` or `owner_lead` */
    int to_line;
};
struct scene_indicator {
    const char *name;
    int line;
    bool is_share;              /* share of `of`; else from … to … within */
    struct scene_name share, of;
    struct scene_name from, to;
    int64_t within;
    double target;
    struct scene_name split;    /* text NULL where absent */
};
struct scene_move {
    const char *old_stage;
    int line;
    struct scene_name to;
};
struct scene_migration {
    int line;      /* 0: none */
    int map_line;
    int64_t from;
    struct scene_move *moves;
    size_t move_count;
};

struct scene {
    const char *name;
    int line; /* of `scene:`, 1 where it is missing */
    int64_t version;
    struct words title, about; /* about: both the same text where only one is given */
    enum scene_kind subject;
    int subject_line;          /* 0 where missing or unknown */
    int opened_by_line;
    struct scene_opening *openings;
    size_t opening_count;
    int unique_line;           /* 0: the subject */
    struct scene_names unique;
    struct scene_field *fields;
    size_t field_count;
    struct scene_stage *stages;
    size_t stage_count;
    int escalate_line;
    struct scene_step *escalate;
    size_t step_count;
    struct scene_indicator *indicators;
    size_t indicator_count;
    int64_t retention; /* SCENE_UNSET where absent */
    struct scene_migration migrates;
};
/* −1 where there is none. */
int scene_field_of(const struct scene *scene, const char *name);
int scene_stage_of(const struct scene *scene, const char *name);

/* ---- Findings ------------------------------------------------------------------------------ */

#define SCENE_RULE_TABLE(X)                                                                        \
    X(RULE_SYNTAX, "syntax")                                                                       \
    X(RULE_UNKNOWN_KEY, "unknown-key")                                                             \
    X(RULE_BAD_VALUE, "bad-value")                                                                 \
    X(RULE_DUPLICATE_NAME, "duplicate-name")                                                       \
    X(RULE_UNKNOWN_REFERENCE, "unknown-reference")                                                 \
    X(RULE_UNKNOWN_FIELD, "unknown-field")                                                         \
    X(RULE_TYPE_MISMATCH, "type-mismatch")                                                         \
    X(RULE_UNREACHABLE_STAGE, "unreachable-stage")                                                 \
    X(RULE_DEAD_END, "dead-end")                                                                   \
    X(RULE_NO_OWNER, "no-owner")                                                                   \
    X(RULE_NO_CLOCK, "no-clock")                                                                   \
    X(RULE_UNBOUNDED_CYCLE, "unbounded-cycle")                                                     \
    X(RULE_ESCALATION_OPEN, "escalation-open")                                                     \
    X(RULE_GUARDS_NOT_EXHAUSTIVE, "guards-not-exhaustive")                                         \
    X(RULE_SAME_HANDS, "same-hands")                                                               \
    X(RULE_PERSONAL_WITHOUT_RETENTION, "personal-without-retention")
enum scene_rule {
#define X(id, name) id,
    SCENE_RULE_TABLE(X)
#undef X
        SCENE_RULE_COUNT
};
const char *scene_rule_name(enum scene_rule rule);

struct scene_finding {
    int line;
    enum scene_rule rule;
    const char *message;     /* what is wrong and how to mend it */
    const char *const *path; /* stages, or scenes; the counterexample */
    size_t path_count;
};
struct scene_findings {
    struct arena *arena;
    struct scene_finding *items;
    size_t count, capacity;
};
void scene_findings_init(struct scene_findings *findings, struct arena *arena);

/* ---- Reading and proving ------------------------------------------------------------------- */

enum { SCENE_BYTES_MAX = 256 << 10 };
/* Reads one file: its form, the names it uses of itself and the vocabulary, types and values.
 * *ret_scene is NULL only where the text is no YAML mapping; else a model of all that could be
 * read. Findings are appended. `text` need not outlive the call. */
void scene_read(struct slice text, const struct policy *policy, struct arena *arena,
                struct scene **ret_scene, struct scene_findings *findings);

/* The scenes that stand around: those of a data directory's scenes/ before the built-in ones. */
struct scene_folder;
/* `directory_fd`: the data directory, −1 for the built-in scenes alone. Lives in `arena`. Files of
 * the directory that cannot be opened are an error. They are read when they are asked for; findings
 * in them are not looked at here. */
bool scene_folder_open(int directory_fd, const struct policy *policy, struct arena *arena,
                       struct scene_folder **ret_folder, struct error *err) MUST_USE;
/* Puts a scene in, in the place of one of its name. */
void scene_folder_put(struct scene_folder *folder, const struct scene *scene);
const struct scene *scene_folder_find(struct scene_folder *folder, const char *name);
/* The scene of that name and version, also where another took its place; NULL where unknown. */
const struct scene *scene_folder_version(struct scene_folder *folder, const char *name,
                                         int64_t version);
/* The file "scenes/NAME.yaml" a scene was read from, "" for one that was put in; and its text. */
struct scene_source {
    const struct scene *scene;
    const char *file;
    struct slice text;
    bool own; /* of the data directory */
};
/* All that can be read, in order of their names; the list lives in the folder's arena. */
const struct scene_source *scene_folder_all(struct scene_folder *folder, size_t *ret_count);

/* Proves a scene among those around it: graph, guards, owners, clocks, children. Findings are
 * appended, then all of `findings` are put in order of lines and doubles taken out. */
void scene_verify(const struct scene *scene, struct scene_folder *folder,
                  struct scene_findings *findings);

/* ---- Showing ------------------------------------------------------------------------------- */

/* The state graph as one SVG document, its texts in Chinese (with the English title of a stage)
 * unless SCENE_DRAW_ENGLISH is among `manner`. SCENE_DRAW_PLAIN: without title, ground and colours,
 * for a page that has its own. The box of a stage carries its name as `data-stage`. */
enum { SCENE_DRAW_ENGLISH = 1, SCENE_DRAW_PLAIN = 2 };
void scene_draw(const struct scene *scene, const struct policy *policy, unsigned manner,
                struct buffer *out);
/* A page in Chinese and English (Markdown). */
void scene_document(const struct scene *scene, const struct policy *policy, struct buffer *out);
/* The half of it in one language. */
void scene_document_page(const struct scene *scene, const struct policy *policy, bool chinese,
                         struct buffer *out);
/* JSON Schema (2020-12) of scene files, for editors. */
void scene_schema(const struct policy *policy, struct buffer *out);
/* The vocabulary as JSON, or as lines for people. */
void scene_vocabulary(const struct policy *policy, bool json, struct buffer *out);
/* An owner form, and what a condition asks, in Chinese or English. `event` names what a payload's
 * entry is; NULL where there is none. */
void scene_owner_words(const struct scene *scene, const struct policy *policy,
                       const struct scene_owner *owner, bool chinese, struct buffer *out);
/* What a name names, by its title; its text where it names nothing. */
const char *scene_name_words(const struct scene *scene, const struct scene_name *name,
                             bool chinese);
void scene_condition_words(const struct scene *scene, const struct scene_event *event,
                           const struct scene_condition *condition, bool chinese,
                           struct buffer *out);
/* "90m", "2h", "14d": the largest unit that divides it. Returns `out`. */
const char *scene_duration(int64_t seconds, char out[32]);

/* ---- Sheets: one row a loop ----------------------------------------------------------------- */

struct scene_column {
    const char *name;
    const struct scene_field *field; /* NULL: what the loop is about */
    enum scene_kind kind;            /* what a cell names; SCENE_NONE: a value */
    bool required;                   /* where a loop is opened */
    bool kept_back;  /* personal, or hidden until a stage: taken in, never given out */
    bool of_subject; /* the area of a subject that nobody registered yet */
};
/* `subject`, `subject_area` and the fields in their order, as far as the scene has them. */
size_t scene_columns(const struct scene *scene, struct arena *arena,
                     struct scene_column **ret_columns);
/* How a spreadsheet shows the column's cells. */
struct xlsx_column scene_column_form(const struct scene_column *column, struct arena *arena);
bool scene_field_is_personal(const struct scene_field *field);
bool scene_opens_by_hand(const struct scene *scene);
/* The name of its sheet in a spreadsheet; returns `out`. */
const char *scene_sheet_name(const struct scene *scene, char out[32]);
/* Whether a file name asks for XLSX or CSV; ERROR_USAGE where for neither. */
bool scene_sheet_form(const char *path, bool *ret_xlsx, struct error *err) MUST_USE;
/* An empty sheet for import: a row of names; XLSX with drop-downs, formats and a sheet of notes.
 * ERROR_CONFLICT where the scene is not opened by hand. */
bool scene_sheet_write(const struct scene *scene, struct arena *arena, bool xlsx,
                       struct buffer *out, struct error *err) MUST_USE;

extern const struct module scenes_module;

#endif
