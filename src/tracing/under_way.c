/* A stay that began before a range of time and may last into it.
 *
 *       bus      firm ├───────────────╌╌╌╌┤ dwell, 90th percentile
 *   ─────┴─────────┴──────┼──────────────────────── scans
 *                        from
 *
 * Who scanned elsewhere or on leaving since is there no more, so that at most one is under way: at
 * the last check-in before the range, if the dwell model of its venue's category gives it a tenth
 * or more to last until then. The same is drawn and counted on a case's page. */
#include "tracing/tracing_internal.h"

/* To whole seconds. */
static int64_t stay_seconds(const struct venue_category *category)
{
    return (int64_t)(category->dwell_p90_minutes * 60);
}

int64_t under_way_reach(const struct policy *policy)
{
    int64_t reach = 0;
    for (size_t i = 0; i < policy_category_count(policy); i++) {
        int64_t stay = stay_seconds(policy_category(policy, i));
        reach = stay > reach ? stay : reach;
    }
    return reach;
}

size_t under_way_keep(const struct policy *policy, struct trace_visit *visits, size_t *categories,
                      size_t count, int64_t from, bool *ret_under_way)
{
    size_t before = 0, last = count;
    for (; before < count && visits[before].time < from; before++)
        if (scan_flags_decision(visits[before].flags) != SCAN_REFUSE)
            last = before;
    *ret_under_way =
        last < before && !(visits[last].flags & SCAN_OUT_BIT) &&
        visits[last].time + stay_seconds(policy_category(policy, categories[last])) > from;
    if (*ret_under_way) {
        before--;
        visits[before] = visits[last];
        categories[before] = categories[last];
    }
    if (before) {
        memmove(visits, visits + before, (count - before) * sizeof *visits);
        memmove(categories, categories + before, (count - before) * sizeof *categories);
    }
    return count - before;
}
