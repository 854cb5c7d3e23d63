/* Permissions: what a role may be allowed to do. The names stand in policies/roles.yaml; the bits in
 * struct route and struct actor. */
#ifndef CHENGMAI_POLICY_PERMISSIONS_H
#define CHENGMAI_POLICY_PERMISSIONS_H

#include <stdint.h>

#define PERMISSION_TABLE(X)                                                                        \
    X(PERMIT_SITUATION_READ, "situation.read")                                                     \
    X(PERMIT_AREA_READ, "area.read")                                                               \
    X(PERMIT_VENUE_READ, "venue.read")                                                             \
    X(PERMIT_VENUE_MANAGE, "venue.manage")                                                         \
    X(PERMIT_SCAN_STAFF, "scan.staff")                                                             \
    X(PERMIT_PERSON_READ, "person.read")                                                           \
    X(PERMIT_PERSON_SEARCH, "person.search")                                                       \
    X(PERMIT_STATUS_READ, "status.read")                                                           \
    X(PERMIT_CASE_READ, "case.read")                                                               \
    X(PERMIT_TRACE_RUN, "trace.run")                                                               \
    X(PERMIT_EVIDENCE_WRITE, "evidence.write")                                                     \
    X(PERMIT_IMPORT_RUN, "import.run")                                                             \
    X(PERMIT_EXPORT_RUN, "export.run")                                                             \
    X(PERMIT_AUDIT_READ, "audit.read")                                                             \
    X(PERMIT_USER_MANAGE, "user.manage")                                                           \
    X(PERMIT_SYSTEM_READ, "system.read")                                                           \
    X(PERMIT_OVERRIDE_REQUEST, "override.request")                                                 \
    X(PERMIT_OVERRIDE_APPROVE, "override.approve")                                                 \
    X(PERMIT_APPEAL_DECIDE, "appeal.decide")                                                       \
    X(PERMIT_RULES_PROPOSE, "rules.propose")                                                       \
    X(PERMIT_RULES_SIGN, "rules.sign")

enum permission_index {
#define X(id, name) id##_INDEX,
    PERMISSION_TABLE(X)
#undef X
        PERMISSION_COUNT
};
#define PERMISSION_BIT(id) ((uint64_t)1 << id##_INDEX)
/* A route that every user may take; every role has this bit. */
#define PERMISSION_NONE ((uint64_t)1 << 63)

#endif
