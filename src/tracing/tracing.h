/* tracing: who was where with an infected person.
 *
 * trace_run is the core: from a person and a range to sorted columns (person, co_visits, gap,
 * weight). Two models (contracts.md `trace`):
 *   window  every check-in of another person at the same venue with |t1 − t2| ≤ minutes counts as
 *           one co-visit, weight 1;
 *   dwell   each such pair has the probability that both were there at the same time, given only
 *           scan-in times: S_c(|t1 − t2|), the chance that the earlier of the two stayed
 *           longer than the gap, by the dwell model of the venue's category c (policies/);
 *           pairs are taken as independent: weight = 1 − Π (1 − S).
 * In the dwell model a refused scan is no co-presence, nor is anything after a scan on leaving; the
 * window model counts every check-in.
 * The range is one of check-ins: [from, to). A question about a time instead (who was there while
 * somebody was infectious) asks for the stay that is under way when it begins as well. */
#ifndef CHENGMAI_TRACING_TRACING_H
#define CHENGMAI_TRACING_TRACING_H

#include "module/module.h"
#include "policy/policy.h"
#include "presence/presence.h"

enum trace_model { TRACE_WINDOW, TRACE_DWELL };

struct trace_request {
    struct person_no person;
    int64_t from, to;        /* unix seconds, [from, to) */
    enum trace_model model;
    int minutes;             /* window 0 … 10080; dwell: 0 = as far as the model reaches */
    bool under_way;          /* dwell: the stay that the index person began before `from` and that
                                may last into the range counts as well (under_way.c) */
};

/* One check-in of the index person. */
struct trace_visit {
    uint32_t venue, time;
    uint8_t flags;
};

struct trace_completeness {
    int64_t visits, visits_direct; /* direct: evidence above claimed */
    int64_t venues, venues_silent; /* visited venues that have no scan at all on some day of the
                                      range on which the city has scans */
    int64_t days, days_missing;    /* days of the range that are dropped or hold nothing */
};

/* Columns of equal length, greatest weight first (then co_visits, then smaller gap, then
 * person). */
struct trace_result {
    size_t count;
    uint32_t *person;
    uint32_t *co_visits;
    uint32_t *closest_gap_seconds;
    float *weight;
    struct trace_visit *visits;
    size_t visit_count;
    bool under_way; /* visits[0] is such a stay */
    int64_t rows_read;
    double seconds;
    struct trace_completeness completeness;
};

struct tracer; /* working memory, reusable, one thread at a time */
bool tracer_create(struct platform *platform, struct tracer **ret_tracer,
                   struct error *err) MUST_USE;
void tracer_free(struct tracer *tracer); /* accepts NULL */
/* Takes the categories of venues 1 … count (indexes of policy_category) from there instead of from
 * the register: for a city that is being made. The array stays the caller's and must outlive the
 * tracer. */
void tracer_use_categories(struct tracer *tracer, const uint8_t *categories, uint32_t count);
/* The result lives in the tracer until the next run. */
bool trace_run(struct tracer *tracer, struct presence_view *view,
               const struct trace_request *request, struct trace_result *ret_result,
               struct error *err) MUST_USE;

/* Completeness of the run just made: how much the answer may miss. Fills result->completeness. */
bool trace_completeness_of(struct tracer *tracer, struct presence_view *view,
                           struct trace_result *result, struct error *err) MUST_USE;

/* The pairs behind some exposed persons (at most 1000): why they are in the list. */
struct trace_place {
    uint32_t person, venue, index_time, time;
    float weight;
};
bool trace_places(struct tracer *tracer, struct presence_view *view,
                  const struct trace_request *request, const uint32_t *persons, size_t count,
                  struct arena *arena, struct trace_place **ret_places, size_t *ret_count,
                  struct error *err) MUST_USE;

/* Parses "window" or "dwell". */
bool trace_model_of(struct slice name, enum trace_model *ret_model) MUST_USE;

/* One object with the shares that a reader must know before "no exposure". */
void trace_completeness_write(struct json_writer *writer, const struct trace_completeness *c);

extern const struct module tracing_module;

#endif
