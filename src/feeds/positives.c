/* Who was found positive: the register of cases, evidence of cases, and positive tests of a tube of
 * one's own. A pooled tube says nothing about a member yet. */
#include <stdlib.h>

#include "feeds/feeds_internal.h"

static const struct sql_text case_select = {
    "feeds_positive_cases",
    "SELECT person_no, at, recorded_at FROM case_record"
    " WHERE area_no BETWEEN ?1 AND ?2 AND recorded_at >= ?3 AND recorded_at < ?4",
    "case_by_area"};
#define NOT_ANNULLED                                                                               \
    " AND NOT EXISTS (SELECT 1 FROM evidence a WHERE a.person_no = e.person_no AND a.kind = ?3"    \
    " AND a.of_no = e.evidence_no)"
static const struct sql_text test_select = {
    "feeds_positive_tests",
    "SELECT e.person_no, e.at, e.recorded_at FROM evidence e"
    " WHERE e.kind = 14 AND e.detail = 1 AND e.recorded_at >= ?1 AND e.recorded_at < ?2"
    " AND e.tube_size = 1" NOT_ANNULLED,
    "evidence_of_positives"};
static const struct sql_text evidence_select = {
    "feeds_positive_evidence",
    "SELECT e.person_no, e.at, e.recorded_at FROM evidence e"
    " WHERE e.area_no = ?4 AND e.kind = ?5 AND e.recorded_at >= ?1 AND e.recorded_at < ?2"
    NOT_ANNULLED,
    "evidence_by_area"};
static const struct sql_text household_select = {
    "feeds_household", "SELECT coalesce(household_no, 0) FROM person WHERE person_no = ?1",
    "primary key"};
_Static_assert(EVIDENCE_PCR == 14 && RESULT_POSITIVE == 1, "the numbers in evidence_of_positives");

const struct sql_list positive_statements =
    SQL_LIST(&case_select, &test_select, &evidence_select, &household_select);

struct reading {
    struct positive *items;
    size_t count, capacity;
};

static bool take(struct reading *reading, struct sql *sql, const struct sql_text *text,
                 const struct sql_value *arguments, size_t count, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, text, arguments, count, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (reading->count == reading->capacity) {
            reading->capacity = reading->capacity ? 2 * reading->capacity : 256;
            reading->items = x_realloc(reading->items, reading->capacity * sizeof *reading->items);
        }
        reading->items[reading->count++] =
            (struct positive){.person = (uint32_t)sql_get_int(query, 0),
                              .at = sql_get_int(query, 1),
                              .recorded_at = sql_get_int(query, 2)};
    }
    return done;
}

static int by_person(const void *a, const void *b)
{
    const struct positive *x = a, *y = b;
    return (x->person > y->person) - (x->person < y->person);
}

/* One a person, with the earliest of each time. */
static void merge(struct reading *reading)
{
    size_t kept = 0;
    if (reading->count)
        qsort(reading->items, reading->count, sizeof *reading->items, by_person);
    for (size_t i = 0; i < reading->count; i++) {
        const struct positive *next = &reading->items[i];
        struct positive *last = kept ? &reading->items[kept - 1] : NULL;
        if (!last || last->person != next->person) {
            reading->items[kept++] = *next;
            continue;
        }
        last->at = next->at < last->at ? next->at : last->at;
        last->recorded_at =
            next->recorded_at < last->recorded_at ? next->recorded_at : last->recorded_at;
    }
    reading->count = kept;
}

static bool read_households(struct reading *reading, struct sql *sql, struct error *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        struct positive *positive = &reading->items[i];
        int64_t household;
        if (!sql_one_int(sql, &household_select, SQL_ARGUMENTS(sql_int(positive->person)), 0,
                         &household, err))
            return false;
        positive->household =
            household ? (uint64_t)household : (uint64_t)1 << 32 | positive->person;
    }
    return true;
}

static bool read_all(const struct places *places, struct sql *sql, timestamp first, timestamp last,
                     struct reading *reading, struct error *err)
{
    if (!take(reading, sql, &case_select,
              SQL_ARGUMENTS(sql_int(0), sql_int(INT64_MAX), sql_int(first), sql_int(last)), err) ||
        !take(reading, sql, &test_select,
              SQL_ARGUMENTS(sql_int(first), sql_int(last), sql_int(EVIDENCE_ANNUL)), err))
        return false;
    for (size_t i = 0; i < places->area_count; i++)
        if (!take(reading, sql, &evidence_select,
                  SQL_ARGUMENTS(sql_int(first), sql_int(last), sql_int(EVIDENCE_ANNUL),
                                sql_int(places->areas[i]), sql_int(EVIDENCE_CASE)),
                  err))
            return false;
    merge(reading);
    return read_households(reading, sql, err);
}

bool positives_read(const struct places *places, struct sql *sql, timestamp first, timestamp last,
                    struct positive **ret_positives, size_t *ret_count, struct error *err)
{
    struct reading reading = {.count = 0};
    if (!read_all(places, sql, first, last, &reading, err)) {
        free(reading.items);
        return false;
    }
    *ret_positives = reading.items;
    *ret_count = reading.count;
    return true;
}
