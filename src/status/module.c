/* What the status room gives the house. */
#include "status/status_internal.h"

static const struct migration migrations[] = {{"src/status/schema/001_status.sql"}};

static const struct event_kind event_kinds[] = {
    {"evidence.recorded", "person"}, /* {"kind":NAME,"evidence":NUMBER}: one piece was added */
    {"evidence.bulk", "none"},       /* many were added or taken back: read all anew */
};

static const struct sql_list statements =
    SQL_LIST(&evidence_insert_text, &evidence_insert_plain_text, &evidence_last_text,
             &evidence_select_text, &evidence_range_text, &evidence_owner_text,
             &evidence_count_text, &evidence_person_area_text, &evidence_known_text,
             &evidence_undo_text, &evidence_export_text, &status_person_last_text);

const struct module status_module = {
    .name = "status",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .routes = status_routes,
    .route_count = STATUS_ROUTES,
    .event_kinds = event_kinds,
    .event_kind_count = sizeof event_kinds / sizeof *event_kinds,
    .statements = (const struct sql_list *const[]){&statements, &evidence_bulk_statements, NULL},
};
