/* Inside the policy room only. */
#ifndef CHENGMAI_POLICY_INTERNAL_H
#define CHENGMAI_POLICY_INTERNAL_H

#include "policy/permissions.h"
#include "policy/policy.h"

/* Every number of a rule set: its name says the unit; range as accepted by the loader. */
#define RULE_NUMBER_TABLE(X)                                                                       \
    X(RULE_CASE_RED, "case_red_after_discharge_days", 0, 365)                                      \
    X(RULE_CASE_YELLOW, "case_yellow_after_discharge_days", 0, 365)                                \
    X(RULE_CLOSE_CONTACT_RED, "close_contact_red_days", 0, 365)                                    \
    X(RULE_CLOSE_CONTACT_YELLOW, "close_contact_yellow_days", 0, 365)                              \
    X(RULE_SECONDARY_CONTACT_RED, "secondary_contact_red_days", 0, 365)                            \
    X(RULE_SOURCE_POSITIVE_RED, "source_positive_red_days", 0, 365)                                \
    X(RULE_SOURCE_POSITIVE_YELLOW, "source_positive_yellow_days", 0, 365)                          \
    X(RULE_INBOUND_RED, "inbound_red_days", 0, 365)                                                \
    X(RULE_INBOUND_YELLOW, "inbound_yellow_days", 0, 365)                                          \
    X(RULE_AREA_STAY_RED, "area_stay_red_days", 0, 365)                                            \
    X(RULE_AREA_STAY_YELLOW, "area_stay_yellow_days", 0, 365)                                      \
    X(RULE_LIFT_NEGATIVE, "risk_area_lift_negative_hours", 1, 720)                                 \
    X(RULE_SPATIOTEMPORAL_DAYS, "spatiotemporal_days", 0, 365)                                     \
    X(RULE_SPATIOTEMPORAL_NEGATIVES, "spatiotemporal_negatives", 2, 2)                             \
    X(RULE_SPATIOTEMPORAL_APART, "spatiotemporal_apart_hours", 0, 720)                             \
    X(RULE_OVERRIDE_DAYS, "override_days_max", 1, 30)                                              \
    X(RULE_OVERRIDE_APPROVERS, "override_approvers", 2, 5)
enum rule_number {
#define X(id, name, low, high) id,
    RULE_NUMBER_TABLE(X)
#undef X
        RULE_NUMBER_COUNT
};

enum { REASON_CODES_MAX = 16 };

struct rule_set {
    char *name, *version, *title_zh, *title_en, *legal_basis_zh, *legal_basis_en;
    timestamp valid_from, valid_to; /* TIMESTAMP_NONE: open */
    int64_t numbers[RULE_NUMBER_COUNT];
    char *reason_codes[REASON_CODES_MAX];
    size_t reason_code_count;
    json_t *document; /* as it was read: titles, sources of the numbers */
};

/* Reads and proves one role of roles.yaml; its texts are kept in `texts`. ERROR_BAD_VALUE names
 * role and field. (roles.c) */
bool role_read(const char *name, json_t *entry, struct arena *texts, struct role *ret_role,
               struct error *err) MUST_USE;

#endif
