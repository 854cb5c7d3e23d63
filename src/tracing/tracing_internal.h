/* Inside the tracing room only. */
#ifndef CHENGMAI_TRACING_INTERNAL_H
#define CHENGMAI_TRACING_INTERNAL_H

#include "registry/registry.h"
#include "tracing/cases.h"
#include "tracing/tracing.h"

/* The days that the lanes show: trace_days whole local days, the day of the report last. */
void case_lane_days(const struct policy *policy, const struct case_row *row, int32_t *ret_first,
                    int32_t *ret_last);

/* Writes the row that says who looked at whom; waits until it is on disk. */
struct audited {
    struct slice actor, act, purpose, fields;
    int64_t person, count;
};
bool trace_audit(struct platform *platform, const struct audited *entry,
                 struct error *err) MUST_USE;

/* Stays that began before a range (under_way.c). */

/* Seconds before the range within which such a stay may have begun. */
int64_t under_way_reach(const struct policy *policy);
/* Of the visits of [from − reach, to), by time: leaves out those before `from` but the one, if
 * any, that may last into the range; gives how many are left. *ret_under_way: there is one,
 * visits[0]. `categories` go with them. */
size_t under_way_keep(const struct policy *policy, struct trace_visit *visits, size_t *categories,
                      size_t count, int64_t from, bool *ret_under_way);

enum { TRACING_COMMANDS = 1, TRACING_ROUTES = 3 };
extern const struct command tracing_commands[TRACING_COMMANDS];
extern const struct route tracing_routes[TRACING_ROUTES];
extern const struct sql_list case_statements, trace_statements;

#endif
