/* Cases, for the rooms that answer about one: reading them by jurisdiction, their windows of time,
 * the case that a request is about, and the fields that every answer has of it. */
#ifndef CHENGMAI_TRACING_CASES_H
#define CHENGMAI_TRACING_CASES_H

#include "module/module.h"
#include "policy/policy.h"

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
               int64_t limit, struct arena *arena, struct case_row **ret_cases, size_t *ret_count,
               struct error *err) MUST_USE;
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
/* The case of the path's {id}, where X-Purpose names that very case (ERROR_PURPOSE) and it lies in
 * the reader's area (ERROR_NOT_FOUND). */
bool case_asked(const struct request *request, struct sql *sql, struct arena *arena,
                struct case_row *ret_case, struct error *err) MUST_USE;
/* Members of an open object, as the reader's role is shown them: id, person_no, name, area, kind,
 * at, recorded_at. A case is of its own area, so that its name is opened even where its person has
 * moved. */
bool case_write(const struct request *request, struct sql *sql, struct json_writer *writer,
                const struct case_row *row, struct arena *arena, struct error *err) MUST_USE;
/* {"code","name_zh","name_en"}, or null. */
void case_area_write(struct json_writer *writer, struct platform *platform, const char *key,
                     int64_t area_no);

#endif
