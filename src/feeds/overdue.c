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

const struct sql_list overdue_statements = SQL_LIST(&staff_select);

bool overdue_count(struct feed_run *run, int32_t day, struct tally *tallies, struct error *err)
{
    const struct feed_settings *settings = &run->feeds->settings;
    timestamp end = time_day_start_seconds(day + 1) * SECOND;
    struct sql_query *query;
    bool row, done = sql_begin(run->sql, &staff_select,
                               SQL_ARGUMENTS(sql_int(EVIDENCE_PCR), sql_int(end)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct slice category = sql_get_text(query, 1);
        if (!policy_category_known(run->places.policy, category))
            continue;
        int64_t hours =
            settings->test_hours[policy_category_of(run->places.policy, category)];
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
