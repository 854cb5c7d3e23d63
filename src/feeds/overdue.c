/* Groups that must test and are late: the staff of units of the policy's categories, as of the end
 * of a day. Late is who has no sampling within the group's hours and the grace before it. Where
 * somebody works at two units it counts in both: each has to look after its own roster. */
#include "feeds/feeds_internal.h"

static const struct sql_text staff_select = {
    "feeds_staff_tests",
    "SELECT s.area_no, u.category, (SELECT max(e.at) FROM evidence e WHERE"
    " e.person_no = s.person_no AND e.kind = ?1 AND e.at < ?2)"
    " FROM staff s JOIN unit u ON u.unit_no = s.unit_no WHERE u.category IS NOT NULL",
    "whole table"};

static const struct sql_text first_test = {
    "feeds_first_test", "SELECT min(recorded_at) FROM evidence WHERE area_no = ?1 AND kind = ?2",
    "evidence_by_area"};

const struct sql_list overdue_statements = SQL_LIST(&staff_select, &first_test);

/* Whether results have come in for as long as the longest duty looks back: before that nobody's
 * test is known, which is not the same as late. */
static bool knows_tests(struct feed_run *run, timestamp end, bool *ret_knows, struct error *err)
{
    const struct feed_settings *settings = &run->feeds->settings;
    int64_t longest = 0, earliest = INT64_MAX;
    for (size_t c = 0; c < CATEGORIES_MAX; c++)
        longest = settings->test_hours[c] > longest ? settings->test_hours[c] : longest;
    for (size_t i = 0; i < run->places.area_count; i++) {
        int64_t first;
        if (!sql_one_int(run->sql, &first_test,
                         SQL_ARGUMENTS(sql_int(run->places.areas[i]), sql_int(EVIDENCE_PCR)),
                         INT64_MAX, &first, err))
            return false;
        earliest = first < earliest ? first : earliest;
    }
    *ret_knows = earliest <= end - (longest + settings->number[NUMBER_GRACE_HOURS]) * HOUR;
    return true;
}

static bool count_staff(struct feed_run *run, timestamp end, struct tally *tallies,
                        struct error *err)
{
    const struct feed_settings *settings = &run->feeds->settings;
    struct sql_query *query;
    bool row, done = sql_begin(run->sql, &staff_select,
                               SQL_ARGUMENTS(sql_int(EVIDENCE_PCR), sql_int(end)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice category = sql_get_text(query, 1);
        if (!policy_category_known(run->places.policy, category))
            continue;
        int64_t hours = settings->test_hours[policy_category_of(run->places.policy, category)];
        if (!hours)
            continue;
        struct tally *tally = &tallies[places_area(&run->places, sql_get_int(query, 0))];
        timestamp since = end - (hours + settings->number[NUMBER_GRACE_HOURS]) * HOUR;
        tally->known = true;
        tally->total++;
        tally->count += sql_is_null(query, 2) || sql_get_int(query, 2) < since;
    }
    return done;
}

bool overdue_count(struct feed_run *run, int32_t day, struct tally *tallies, struct error *err)
{
    timestamp end = time_day_start_seconds(day + 1) * SECOND;
    bool knows;
    return knows_tests(run, end, &knows, err) && (!knows || count_staff(run, end, tallies, err));
}
