/* Inside the tracing room only. */
#ifndef CHENGMAI_TRACING_INTERNAL_H
#define CHENGMAI_TRACING_INTERNAL_H

#include "registry/registry.h"
#include "tracing/tracing.h"

struct case_row {
    int64_t no;
    int64_t area_no;
    uint32_t person;
    struct slice kind; /* "case" or "asymptomatic" */
    timestamp at;      /* t0: onset, or first positive sampling */
    timestamp recorded_at;
};

/* A case of an area between `area_first` and `area_last`; ERROR_NOT_FOUND for any other. */
bool case_get(struct sql *sql, int64_t case_no, int64_t area_first, int64_t area_last,
              struct arena *arena, struct case_row *ret_case, struct error *err) MUST_USE;
/* Cases of the areas with no < `before` (0: from the newest), newest number first. */
bool case_list(struct sql *sql, int64_t area_first, int64_t area_last, int64_t before,
               int64_t limit, struct arena *arena, struct case_row **ret_cases,
               size_t *ret_count, struct error *err) MUST_USE;
/* Cases of the areas whose t0 lies in [first, last], by person. */
bool case_list_between(struct sql *sql, int64_t area_first, int64_t area_last, timestamp first,
                       timestamp last, struct arena *arena, struct case_row **ret_cases,
                       size_t *ret_count, struct error *err) MUST_USE;
/* Among cases by person: the first one of `person`, NULL where it has none. */
const struct case_row *case_of_person(const struct case_row *cases, size_t count, uint32_t person);

/* A range of unix seconds [from, to). */
struct case_range {
    int64_t from, to;
};
/* When others may have been infected: from t0 − contact_lookback_days to the report. */
struct case_range case_window(const struct policy *policy, const struct case_row *row);
/* Where the case itself may have been infected: trace_days before t0, up to t0. */
struct case_range case_source_window(const struct policy *policy, const struct case_row *row);
/* The days that the lanes show: trace_days whole local days, the day of the report last. */
void case_lane_days(const struct policy *policy, const struct case_row *row, int32_t *ret_first,
                    int32_t *ret_last);

/* One likely step of infection between two cases. */
struct case_edge {
    int64_t from, to; /* case numbers: who may have infected, who was infected */
    float weight;     /* of co-presence in the dwell model */
    bool likely;      /* the greatest weight towards `to` */
};
/* Cases exposed to this one, and cases that this one was exposed to; nodes: this one first. */
bool case_chain(struct tracer *tracer, struct presence_view *view, const struct policy *policy,
                const struct case_row *row, const struct case_row *others, size_t other_count,
                struct arena *arena, const struct case_row ***ret_nodes, size_t *ret_node_count,
                struct case_edge **ret_edges, size_t *ret_edge_count, struct error *err) MUST_USE;

/* Writes the row that says who looked at whom; waits until it is on disk. */
struct audited {
    struct slice actor, act, purpose, fields;
    int64_t person, count;
};
bool trace_audit(struct platform *platform, const struct audited *entry,
                 struct error *err) MUST_USE;

enum { TRACING_COMMANDS = 1, TRACING_ROUTES = 4 };
extern const struct command tracing_commands[TRACING_COMMANDS];
extern const struct route tracing_routes[TRACING_ROUTES];
extern const struct sql_list case_statements, trace_statements;

#endif
