/* What the status room gives the house. */
#include "status/redress.h"
#include "status/rule_sets.h"
#include "status/seal.h"
#include "status/status_internal.h"

static const struct migration migrations[] = {{"src/status/schema/001_status.sql"},
                                              {"src/status/schema/002_seal.sql"},
                                              {"src/status/schema/003_redress.sql"},
                                              {"src/status/schema/004_rules.sql"},
                                              {"src/status/schema/005_retired.sql"},
                                              {"src/status/schema/006_family.sql"},
                                              {"src/status/schema/007_positives.sql"},
                                              {"src/status/schema/008_override_by_person.sql"},
                                              {"src/status/schema/009_refusal_words.sql"}};

static const struct event_kind event_kinds[] = {
    {"evidence.recorded", "person"}, /* {"kind":NAME,"evidence":NUMBER}: one piece was added */
    {"evidence.bulk", "none"},       /* many were added or taken back: read all anew */
    {"override.requested", "person"},     /* {"id":NUMBER}, as the next ones */
    {"override.approved_once", "person"}, /* approvals are missing still */
    {"override.decided", "person"},
    {"appeal.filed", "person"},      /* payloads of the two: the language of scenes */
    {"appeal.decided", "person"},
    {"appeal.followed", "person"},   /* the evidence is annulled */
    {"appeal.overdue", "person"},    /* once an appeal */
    {"family.begun", "person"},      /* of the member; {"id":NUMBER} */
    {"family.ended", "person"},
    {"rules.proposed", "none"},      /* {"id":NUMBER} */
    {"rules.signed", "none"},        /* once a signature */
    {"evidence.foreign", "none"},    /* {"first":N,"last":N}: rows put in behind the gate */
};

static const struct sql_list statements =
    SQL_LIST(&evidence_insert_text, &evidence_insert_plain_text,
             &evidence_select_text, &evidence_range_text, &evidence_owner_text,
             &evidence_count_text, &evidence_person_area_text, &evidence_known_text,
             &evidence_undo_text, &evidence_export_text, &status_person_last_text);

const struct module status_module = {
    .name = "status",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .routes = status_routes,
    .route_count = STATUS_ROUTES,
    .commands = rule_commands,
    .command_count = RULE_COMMANDS,
    .event_kinds = event_kinds,
    .event_kind_count = sizeof event_kinds / sizeof *event_kinds,
    .statements =
        (const struct sql_list *const[]){
            &statements, &evidence_bulk_statements, &seal_statements, &seal_verify_statements,
            &redress_statements, &override_statements, &appeal_statements, &family_statements,
            &evidence_case_statements, &rule_set_statements, &rule_effect_statements, NULL},
    .ciphers = redress_ciphers,
    .cipher_count = REDRESS_CIPHERS,
    .plains = redress_plains,
    .plain_count = REDRESS_PLAINS,
};
