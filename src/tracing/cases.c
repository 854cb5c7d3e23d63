/* Cases: reading them by jurisdiction, and their windows of time.
 *
 *         source window                     window
 *   |─────────────────────────|───────────────┬──────────────────|
 *   t0 − trace_days      t0 − lookback        t0             report
 */
#include <stdlib.h>

#include "tracing/tracing_internal.h"

static const struct sql_text case_select = {
    "case_select",
    "SELECT case_no, area_no, person_no, kind, at, recorded_at FROM case_record"
    " WHERE case_no = ?1 AND area_no BETWEEN ?2 AND ?3",
    "primary key"};
static const struct sql_text case_select_page = {
    "case_select_page",
    "SELECT case_no, area_no, person_no, kind, at, recorded_at FROM case_record"
    " WHERE case_no < ?1 AND area_no BETWEEN ?2 AND ?3 ORDER BY case_no DESC LIMIT ?4",
    "primary key"};
static const struct sql_text case_select_between = {
    "case_select_between",
    "SELECT case_no, area_no, person_no, kind, at, recorded_at FROM case_record"
    " WHERE area_no BETWEEN ?1 AND ?2 AND at BETWEEN ?3 AND ?4",
    "case_by_area"};

const struct sql_list case_statements =
    SQL_LIST(&case_select, &case_select_page, &case_select_between);

/* ---- Reading */

static struct case_row read_row(struct sql_query *query, struct arena *arena)
{
    struct slice kind = sql_get_text(query, 3);
    return (struct case_row){
        .no = sql_get_int(query, 0),
        .area_no = sql_get_int(query, 1),
        .person = (uint32_t)sql_get_int(query, 2),
        .kind = {arena_copy(arena, kind.data ? kind.data : "", kind.length), kind.length},
        .at = sql_get_int(query, 4),
        .recorded_at = sql_get_int(query, 5)};
}

bool case_get(struct sql *sql, int64_t case_no, int64_t area_first, int64_t area_last,
              struct arena *arena, struct case_row *ret_case, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &case_select,
                   SQL_ARGUMENTS(sql_int(case_no), sql_int(area_first), sql_int(area_last)),
                   &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "the number of a case in your area", "no such case");
    *ret_case = read_row(query, arena);
    sql_end(query);
    return true;
}

static bool read_all(struct sql_query *query, struct arena *arena, struct case_row **ret_cases,
                     size_t *ret_count, struct error *err)
{
    struct case_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (;;) {
        bool row;
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            break;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            struct case_row *grown = arena_alloc(arena, capacity * sizeof *grown);
            if (count)
                memcpy(grown, rows, count * sizeof *grown);
            rows = grown;
        }
        rows[count++] = read_row(query, arena);
    }
    *ret_cases = rows;
    *ret_count = count;
    return true;
}

bool case_list(struct sql *sql, int64_t area_first, int64_t area_last, int64_t before,
               int64_t limit, struct arena *arena, struct case_row **ret_cases,
               size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    return sql_begin(sql, &case_select_page,
                     SQL_ARGUMENTS(sql_int(before ? before : INT64_MAX), sql_int(area_first),
                                   sql_int(area_last), sql_int(limit)),
                     &query, err) &&
           read_all(query, arena, ret_cases, ret_count, err);
}

static int by_person(const void *a, const void *b)
{
    const struct case_row *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return (x->no > y->no) - (x->no < y->no);
}

bool case_list_between(struct sql *sql, int64_t area_first, int64_t area_last, timestamp first,
                       timestamp last, struct arena *arena, struct case_row **ret_cases,
                       size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, &case_select_between,
                   SQL_ARGUMENTS(sql_int(area_first), sql_int(area_last), sql_int(first),
                                 sql_int(last)),
                   &query, err) ||
        !read_all(query, arena, ret_cases, ret_count, err))
        return false;
    if (*ret_count)
        qsort(*ret_cases, *ret_count, sizeof **ret_cases, by_person);
    return true;
}

const struct case_row *case_of_person(const struct case_row *cases, size_t count, uint32_t person)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cases[middle].person < person)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && cases[low].person == person ? &cases[low] : NULL;
}

/* ---- Windows */

/* The first whole second that is not before `time`. */
static int64_t second_from(timestamp time)
{
    return time / SECOND + (time % SECOND > 0);
}

struct case_range case_window(const struct policy *policy, const struct case_row *row)
{
    timestamp last = row->recorded_at > row->at ? row->recorded_at : row->at;
    return (struct case_range){
        second_from(row->at - policy_number(policy, NUMBER_LOOKBACK_DAYS) * DAY),
        second_from(last) + 1};
}

struct case_range case_source_window(const struct policy *policy, const struct case_row *row)
{
    return (struct case_range){
        second_from(row->at - policy_number(policy, NUMBER_TRACE_DAYS) * DAY),
        second_from(row->at) + 1};
}

void case_lane_days(const struct policy *policy, const struct case_row *row, int32_t *ret_first,
                    int32_t *ret_last)
{
    *ret_last = time_day_of_seconds(row->recorded_at / SECOND);
    *ret_first = *ret_last - (int32_t)policy_number(policy, NUMBER_TRACE_DAYS) + 1;
}

/* ---- Audit */

struct audit_job {
    struct platform *platform;
    const struct audited *audited;
};

static bool append_audit(struct sql *sql, void *context, struct error *err)
{
    const struct audit_job *job = context;
    struct audit_entry entry = {.actor = job->audited->actor,
                                .act = job->audited->act,
                                .purpose = job->audited->purpose,
                                .subject_no = job->audited->person,
                                .count = job->audited->count,
                                .fields = job->audited->fields};
    return audit_append(sql, &entry, world_now(job->platform->world), err);
}

bool trace_audit(struct platform *platform, const struct audited *entry, struct error *err)
{
    struct audit_job job = {platform, entry};
    return store_write(platform->store, append_audit, &job, err);
}
