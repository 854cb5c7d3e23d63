/* Permissions and fields: what a role may be allowed to do, and what of a person it is shown. The
 * names stand in policies/roles.yaml; the bits in struct route and struct actor. */
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
    X(PERMIT_EXPORT_REQUEST, "export.request")                                                     \
    X(PERMIT_EXPORT_APPROVE, "export.approve")                                                     \
    X(PERMIT_GLASS_BREAK, "glass.break")                                                           \
    X(PERMIT_GLASS_REVIEW, "glass.review")                                                         \
    X(PERMIT_AUDIT_READ, "audit.read")                                                             \
    X(PERMIT_USER_MANAGE, "user.manage")                                                           \
    X(PERMIT_SYSTEM_READ, "system.read")                                                           \
    X(PERMIT_OVERRIDE_REQUEST, "override.request")                                                 \
    X(PERMIT_OVERRIDE_APPROVE, "override.approve")                                                 \
    X(PERMIT_APPEAL_DECIDE, "appeal.decide")                                                       \
    X(PERMIT_RULES_PROPOSE, "rules.propose")                                                       \
    X(PERMIT_RULES_SIGN, "rules.sign")                                                             \
    X(PERMIT_LOOP_READ, "loop.read")                                                               \
    X(PERMIT_LOOP_AREA, "loop.area")                                                               \
    X(PERMIT_LOOP_ACT, "loop.act")                                                                 \
    X(PERMIT_LOOP_TAKE, "loop.take")                                                               \
    X(PERMIT_RESULT_WRITE, "result.write")                                                     \
    X(PERMIT_ALERT_READ, "alert.read")                                                             \
    X(PERMIT_ALERT_JUDGE, "alert.judge")

enum permission_index {
#define X(id, name) id##_INDEX,
    PERMISSION_TABLE(X)
#undef X
        PERMISSION_COUNT
};
#define PERMISSION_BIT(id) ((uint64_t)1 << id##_INDEX)
/* A route that every user may take; every role has this bit. */
#define PERMISSION_NONE ((uint64_t)1 << 63)

/* What a record of a person consists of. A role is shown each field full, in part, or not at all
 * (then it may count, no more). */
#define FIELD_TABLE(X)                                                                             \
    X(FIELD_NAME, "name")           /* 张** */                                                     \
    X(FIELD_ID_NUMBER, "id_number") /* 3204**********002X */                                       \
    X(FIELD_PHONE, "phone")         /* 138****1234 */                                              \
    X(FIELD_BIRTH, "birth")         /* year and sex; in part: the decade */                        \
    X(FIELD_HOME, "home")           /* managed area, household, unit; in part: the district */     \
    X(FIELD_STATUS, "status")       /* colour and its times */                                     \
    X(FIELD_EVIDENCE, "evidence")   /* why: reasons in words, tests */                             \
    X(FIELD_PLACES, "places")       /* where and when the person was */

enum field {
#define X(id, name) id,
    FIELD_TABLE(X)
#undef X
        FIELD_COUNT
};
#define FIELD_BIT(id) (1u << (id))
enum shown { SHOWN_NOT, SHOWN_PARTIAL, SHOWN_FULL };
/* How each field is shown, two bits a field. */
typedef uint32_t field_mask;
static inline enum shown shown_of(field_mask mask, enum field field)
{
    return (enum shown)(mask >> (2 * (unsigned)field) & 3u);
}

#endif
