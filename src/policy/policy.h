/* policy: rules as data, and decide(): a person's colour as a pure function of evidence, rule set
 * and moment. No I/O, no clock, no hidden state: the same inputs give the same decision and the
 * same words for ever. Only the evidence kinds listed here exist; nothing else can have a colour.
 */
#ifndef CHENGMAI_POLICY_POLICY_H
#define CHENGMAI_POLICY_POLICY_H

#include "base/base.h"
#include "policy/permissions.h"

#define COLOR_TABLE(X)                                                                             \
    X(COLOR_GREEN, "green", "绿码")                                                                \
    X(COLOR_YELLOW, "yellow", "黄码")                                                              \
    X(COLOR_RED, "red", "红码")                                                                    \
    X(COLOR_UNKNOWN, "unknown", "未知")
enum color {
#define X(id, name, zh) id,
    COLOR_TABLE(X)
#undef X
        COLOR_COUNT
};
const char *color_name(enum color color);

/* kind, name, field of `at`, field of `until`, field of `detail` (NULL = none), refers to another
 */
#define EVIDENCE_TABLE(X)                                                                          \
    X(EVIDENCE_CASE, "case", "at", NULL, NULL, false)                                              \
    X(EVIDENCE_DISCHARGE, "discharge", "at", NULL, NULL, true)                                     \
    X(EVIDENCE_CLOSE_CONTACT, "close_contact", "last_exposure_at", NULL, NULL, false)              \
    X(EVIDENCE_SECONDARY_CONTACT, "secondary_contact", "last_exposure_at", NULL, NULL, false)      \
    X(EVIDENCE_SOURCE_POSITIVE, "source_positive", "at", NULL, NULL, true)                         \
    X(EVIDENCE_INBOUND, "inbound", "entry_at", NULL, NULL, false)                                  \
    X(EVIDENCE_AREA_STAY, "area_stay", "left_at", NULL, "level", false)                            \
    X(EVIDENCE_RISK_AREA_RESIDENT, "risk_area_resident", "from", NULL, "level", false)             \
    X(EVIDENCE_RISK_AREA_LIFT, "risk_area_lift", "at", NULL, NULL, true)                           \
    X(EVIDENCE_ZONE_RESIDENT, "zone_resident", "from", NULL, "zone", false)                        \
    X(EVIDENCE_ZONE_LIFT, "zone_lift", "at", NULL, NULL, true)                                     \
    X(EVIDENCE_SPATIOTEMPORAL, "spatiotemporal", "at", NULL, NULL, false)                          \
    X(EVIDENCE_SYMPTOMS, "symptoms", "at", NULL, NULL, false)                                      \
    X(EVIDENCE_ISOLATION_POST, "isolation_post", "from", "to", NULL, false)                        \
    X(EVIDENCE_PCR, "pcr", "sampled_at", "reported_at", "result", false)                           \
    X(EVIDENCE_OVERRIDE, "override", "from", "expires", "color", false)                            \
    X(EVIDENCE_ANNUL, "annul", "at", NULL, NULL, true)
enum evidence_kind {
#define X(id, name, at, until, detail, refers) id,
    EVIDENCE_TABLE(X)
#undef X
        EVIDENCE_KIND_COUNT
};
struct evidence_form {
    const char *name, *at_field, *until_field, *detail_field;
    bool refers;
};
const struct evidence_form *evidence_form(enum evidence_kind kind);
/* -1 where there is no such kind */
int evidence_kind_of(struct slice name);

enum evidence_level { LEVEL_MID, LEVEL_HIGH };
enum evidence_zone { ZONE_LOCKDOWN, ZONE_RESTRICTED, ZONE_PRECAUTION };
enum evidence_result { RESULT_NEGATIVE, RESULT_POSITIVE, RESULT_INCONCLUSIVE };
/* Name of a detail of that kind; number of a name, -1 where there is none. */
const char *evidence_detail_name(enum evidence_kind kind, unsigned detail);
int evidence_detail_of(enum evidence_kind kind, struct slice name);

struct evidence {
    int64_t no; /* unique among the pieces decided on; breaks ties */
    enum evidence_kind kind;
    timestamp recorded_at;
    timestamp at;                        /* see EVIDENCE_TABLE */
    timestamp until;                     /* TIMESTAMP_NONE where the kind has none */
    int64_t of;                          /* no of the piece it refers to, 0 = none */
    uint8_t detail;                      /* level, zone, result, or an override's enum color */
    uint16_t tube_size;                  /* pcr: 1 … 100 */
    struct slice reason_code, requester; /* override */
    const struct slice *approvers;
    size_t approver_count;
};

struct words {
    const char *zh, *en; /* in the arena */
};
struct decision_reason {
    const char *rule; /* "close_contact.red" */
    int64_t evidence; /* no */
    timestamp until;  /* TIMESTAMP_NONE: until another result or notice */
    struct words words;
};
struct decision_ignored {
    int64_t evidence;
    const char *reason;
};
struct decision {
    enum color color;
    timestamp since;                       /* TIMESTAMP_NONE: has no start */
    timestamp until;                       /* TIMESTAMP_NONE: never, if nothing more is recorded */
    enum color next_color;                 /* from `until` on */
    timestamp last_negative_sampled_at;    /* latest negative reported by now, not annulled */
    const struct decision_reason *reasons; /* by number of the evidence */
    size_t reason_count;
    const struct decision_ignored *ignored;
    size_t ignored_count;
};

/* ---- Rule sets */
struct policy;
struct rule_set;
/* The built-in files of policies/, and those of `directory_fd`/policies where given (−1: none),
 * which come first. Everything is checked before anything is taken. Rule sets are the built-in ones
 * and those adopted later; files below policies/rules of the directory are not taken. */
bool policy_open(int directory_fd, struct policy **ret_policy, struct error *err) MUST_USE;
void policy_free(struct policy *policy); /* accepts NULL */
/* Takes a further rule set, of a name of its own, while others read: for the room that holds its
 * two signatures. It is in force from its valid_from on. */
bool policy_adopt(struct policy *policy, struct slice yaml, const char *source,
                  struct error *err) MUST_USE;
/* Files of rule sets in the data directory that nobody signed: they are not taken. */
size_t policy_unsigned_count(const struct policy *policy);
const char *policy_unsigned(const struct policy *policy, size_t index);
/* A further file of policies/ ("policies/demo_city.yaml") for the room that it belongs to: the
 * city's own where `directory_fd` (−1: none) has one, else the built-in. The caller owns
 * *ret_document. */
bool policy_document_read(int directory_fd, const char *name, json_t **ret_document,
                          struct error *err) MUST_USE;
/* Reads `{name: {value: NUMBER, source: "…"}}` of such a file against a table: each name is given,
 * no other is, and each number is within its limits. ERROR_BAD_VALUE names file and field. */
struct number_form {
    const char *name;
    int64_t low, high;
};
bool policy_numbers_read(json_t *numbers, const char *file, const struct number_form *forms,
                         size_t count, int64_t *out, struct error *err) MUST_USE;
/* NULL where there is none of that name. */
const struct rule_set *policy_rules(const struct policy *policy, struct slice name);
/* The rule set in force at a moment (the latest that has begun); NULL where none is. */
const struct rule_set *policy_rules_in_force(const struct policy *policy, timestamp at);
const char *rule_set_name(const struct rule_set *rules);
const char *rule_set_version(const struct rule_set *rules);
struct slice rule_set_area(const struct rule_set *rules); /* six digits; lives as long as they do */
timestamp rule_set_valid_from(const struct rule_set *rules);
timestamp rule_set_valid_to(const struct rule_set *rules); /* TIMESTAMP_NONE: open */
/* For people; they live as long as the rule set. */
struct words rule_set_title(const struct rule_set *rules);
struct words rule_set_legal_basis(const struct rule_set *rules);
/* All rule sets that are taken, in the order in which they were; more may be added meanwhile. */
size_t policy_rules_count(const struct policy *policy);
const struct rule_set *policy_rules_at(const struct policy *policy, size_t index);
/* Members of an open object: name, version, title, when it is valid, area, legal basis, every
 * number with its source in the order of the table, reason codes. */
void rule_set_put(const struct rule_set *rules, struct json_writer *writer);
/* How many approvers an override needs. */
int64_t rule_set_override_approvers(const struct rule_set *rules);
/* How many days an override lasts at most, and the reason codes that it may carry, *ret_count of
 * them; they live as long as the rule set. */
int64_t rule_set_override_days(const struct rule_set *rules);
const char *const *rule_set_reason_codes(const struct rule_set *rules, size_t *ret_count);
/* Reads one rule set from YAML; for the loader, tests and fuzzing. */
bool rule_set_read(struct slice yaml, const char *source, struct rule_set **ret_rules,
                   struct error *err) MUST_USE;
void rule_set_free(struct rule_set *rules);

/* Decides. `evidence` in any order; pieces recorded after `now` do not exist. The result's texts
 * live in `arena`. `with_words` false leaves reasons out (status tables of millions). */
void policy_decide(const struct rule_set *rules, const struct evidence *evidence, size_t count,
                   timestamp now, bool with_words, struct arena *arena,
                   struct decision *ret_decision);

/* ---- Evidence from outside */
/* From a JSON array of pieces with text ids. The whole of it is checked; unknown kinds are
 * ERROR_UNKNOWN_EVIDENCE. no = position + 1; (*ret_ids)[no − 1] is the text id. */
bool evidence_from_json(json_t *array, struct arena *arena, struct evidence **ret_evidence,
                        size_t *ret_count, const char ***ret_ids, struct error *err) MUST_USE;
/* Checks that a piece has what its kind asks (times, detail, tube size, override parts). */
bool evidence_check(const struct evidence *piece, const char *source, int64_t row,
                    struct error *err) MUST_USE;

/* ---- Venue categories and the dwell model (policies/venue_categories.yaml) */
struct venue_category {
    const char *name, *title_zh, *title_en;
    double dwell_median_minutes, dwell_p90_minutes;
    uint8_t check_level;
};
size_t policy_category_count(const struct policy *policy);
const struct venue_category *policy_category(const struct policy *policy, size_t index);
/* Index of a category; that of `default` where unknown. */
size_t policy_category_of(const struct policy *policy, struct slice name);
bool policy_category_known(const struct policy *policy, struct slice name);
/* S(gap): probability that a stay is longer than `gap` whole minutes, lognormal by median and 90 %
 * point; entries 0 … *ret_minutes − 1, beyond is 0 (the table ends where S < 0.001). */
const float *policy_dwell_survival(const struct policy *policy, size_t index, size_t *ret_minutes);

/* ---- Roles (policies/roles.yaml) */
enum { ROLE_DUTIES_MAX = 16 };
/* For persons of which jurisdiction: whose home, whose present stay, or whose case report lies in
 * the reader's area; or who belongs to the reader's unit. */
#define WHERE_TABLE(X)                                                                             \
    X(WHERE_RESPONSIBLE, "responsible")                                                            \
    X(WHERE_STAY, "stay")                                                                          \
    X(WHERE_REPORTING, "reporting")                                                                \
    X(WHERE_OWN_UNIT, "own_unit")
enum where {
#define X(id, name) id,
    WHERE_TABLE(X)
#undef X
        WHERE_COUNT
};
struct role {
    const char *name, *title_zh, *title_en;
    uint64_t permissions;                    /* bits of policy/permissions.h */
    field_mask reads;                        /* what of a person it is shown */
    unsigned where;                          /* bits of enum where */
    const char *duties[ROLE_DUTIES_MAX + 1]; /* NULL after the last */
    bool second_factor;
};
/* Of "responsible", "stay", "reporting", "own_unit"; −1 where it is none. */
int role_where_of(struct slice name);
/* True where the role holds the duty of that name: its own name, or one of its duties. */
bool role_has_duty(const struct role *role, struct slice duty);
size_t policy_role_count(const struct policy *policy);
const struct role *policy_role_at(const struct policy *policy, size_t index);
const struct role *policy_role(const struct policy *policy, struct slice name); /* NULL unknown */

/* ---- Numbers of scanning and tracing (policies/checkin.yaml), of appeals
 * (policies/appeals.yaml), of the situation (policies/situation.yaml) */
#define POLICY_NUMBER_TABLE(X)                                                                     \
    X(NUMBER_LEVEL_1_HOURS, "level_1_negative_within_hours", 1, 720)                               \
    X(NUMBER_LEVEL_2_HOURS, "level_2_negative_within_hours", 1, 720)                               \
    X(NUMBER_LEVEL_3_HOURS, "level_3_negative_within_hours", 1, 720)                               \
    X(NUMBER_LATE_HOURS, "offline_scan_accepted_hours", 1, 336)                                    \
    X(NUMBER_AHEAD_SECONDS, "client_clock_ahead_seconds", 0, 3600)                                 \
    X(NUMBER_CODE_SECONDS, "person_code_valid_seconds", 30, 3600)                                  \
    X(NUMBER_ROTATION_SECONDS, "person_code_rotation_seconds", 10, 3600)                           \
    X(NUMBER_PAPER_DAYS, "paper_code_valid_days", 1, 90)                                           \
    X(NUMBER_LOOKBACK_DAYS, "contact_lookback_days", 0, 14)                                        \
    X(NUMBER_TRACE_DAYS, "trace_days", 1, 60)                                                      \
    X(NUMBER_GLASS_MINUTES, "break_glass_minutes", 1, 240)                                         \
    X(NUMBER_EXPORT_HOURS, "export_valid_hours", 1, 720)                                           \
    X(NUMBER_HEAD_MINUTES, "audit_head_minutes", 1, 1440)                                          \
    X(NUMBER_SUPPRESS_BELOW, "suppress_counts_below", 2, 100)                                      \
    X(NUMBER_COPIED_SPEED, "copied_code_speed_kmh", 60, 2000)                                      \
    X(NUMBER_COPIED_DISTANCE, "copied_code_distance_km", 1, 200)                                   \
    X(NUMBER_COPIED_WINDOW, "copied_code_window_minutes", 5, 1440)                                 \
    X(NUMBER_COPIED_TRAVELLERS, "copied_code_travellers", 1, 10000)                                \
    X(NUMBER_COPIED_RATE, "copied_code_rate_factor", 2, 1000)                                      \
    X(NUMBER_COPIED_SCANS, "copied_code_scans_at_least", 10, 1000000)                              \
    X(NUMBER_COPIED_SHOWN_DAYS, "copied_code_shown_days", 1, 90)                                   \
    X(NUMBER_VENUE_IN_USE_HOURS, "venue_in_use_hours", 1, 168)                                     \
    X(NUMBER_BACKDATED_MINUTES, "import_backdated_minutes", 1, 44640)                              \
    X(NUMBER_VENUE_SILENT_SCANS, "venue_silent_usual_scans", 5, 100000)                            \
    X(NUMBER_CONTACT_CLOSE, "contact_close_percent", 1, 100)                                       \
    X(NUMBER_CONTACT_GENERAL, "contact_general_percent", 1, 100)                                   \
    X(NUMBER_CONTACT_LEAST, "contact_least_percent", 1, 100)                                       \
    X(NUMBER_CONTACT_UNIT_PERSONS, "contact_unit_persons", 1, 1000)                                \
    X(NUMBER_FAMILY_MEMBERS, "family_members_max", 0, 20)                                          \
    X(NUMBER_FAMILY_REPRESENTATIVES, "family_representatives_max", 1, 20)                          \
    X(NUMBER_FAMILY_DAYS, "family_valid_days", 1, 3650)                                            \
    X(NUMBER_APPEAL_HOURS, "appeal_answer_hours", 1, 720)                                          \
    X(NUMBER_APPEALS_OPEN, "appeals_open_max", 1, 100)                                             \
    X(NUMBER_SNAPSHOT_DAYS, "snapshot_days", 1, 366)                                               \
    X(NUMBER_SNAPSHOT_STANDS, "snapshot_stands_hours", 1, 168)                                     \
    X(NUMBER_SERIAL_INTERVAL, "serial_interval_hours", 25, 720)                                    \
    X(NUMBER_SERIAL_SPREAD, "serial_interval_spread_hours", 1, 720)                                \
    X(NUMBER_REPRODUCTION_WINDOW, "reproduction_window_days", 2, 14)                               \
    X(NUMBER_REPRODUCTION_CASES, "reproduction_cases_least", 1, 1000)                              \
    X(NUMBER_NOWCAST_DELAY, "nowcast_delay_days", 2, 20)                                           \
    X(NUMBER_NOWCAST_CASES, "nowcast_cases_least", 1, 1000)
enum policy_number {
#define X(id, name, low, high) id,
    POLICY_NUMBER_TABLE(X)
#undef X
        POLICY_NUMBER_COUNT
};
/* Where those of appeals.yaml and of situation.yaml begin; the first are in checkin.yaml. */
enum {
    POLICY_APPEAL_NUMBERS = NUMBER_APPEAL_HOURS,
    POLICY_SITUATION_NUMBERS = NUMBER_SNAPSHOT_DAYS
};
int64_t policy_number(const struct policy *policy, enum policy_number number);

extern const char *const policy_color_words_zh[COLOR_COUNT];

#endif
