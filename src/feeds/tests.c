/* What the day's test results tell about a place: tubes whose result was neither, of all tubes that
 * were reported; and positives who had passed a checkpoint. */
#include <math.h>
#include <stdlib.h>

#include "feeds/feeds_internal.h"

static const struct sql_text tests_select = {
    "feeds_tests_of_day",
    "SELECT detail, tube_size, count(*) FROM evidence WHERE area_no = ?1 AND kind = ?2"
    " AND recorded_at >= ?3 AND recorded_at < ?4 GROUP BY detail, tube_size",
    "evidence_by_area"};

const struct sql_list abnormal_statements = SQL_LIST(&tests_select);

static timestamp day_start(int32_t day)
{
    return time_day_start_seconds(day) * SECOND;
}

/* Evidence is a row a member: n rows of tubes of n make one tube. */
static bool count_tubes(struct feed_run *run, int64_t area_no, int32_t day, struct tally *tally,
                        struct error *err)
{
    double abnormal = 0, all = 0;
    struct sql_query *query;
    bool row, done = sql_begin(run->sql, &tests_select,
                               SQL_ARGUMENTS(sql_int(area_no), sql_int(EVIDENCE_PCR),
                                             sql_int(day_start(day)), sql_int(day_start(day + 1))),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        int64_t size = sql_get_int(query, 1);
        double tubes = (double)sql_get_int(query, 2) / (double)(size > 0 ? size : 1);
        all += tubes;
        abnormal += sql_get_int(query, 0) == RESULT_INCONCLUSIVE ? tubes : 0;
    }
    if (done && all > 0)
        *tally = (struct tally){true, (int64_t)ceil(abnormal), (int64_t)ceil(all)};
    return done;
}

bool abnormal_count(struct feed_run *run, int32_t day, struct tally *tallies, struct error *err)
{
    for (size_t i = 0; i < run->places.area_count; i++)
        if (!count_tubes(run, run->places.areas[i], day, &tallies[i], err))
            return false;
    return true;
}

/* ---- Checkpoints */

struct passage {
    const struct feed_run *run;
    struct tally *tallies;
    bool *passed; /* areas whose checkpoints this person passed */
};

static bool note_passages(void *context, const struct presence_event *events, size_t count,
                          struct error *err)
{
    (void)err;
    struct passage *passage = context;
    for (size_t i = 0; i < count; i++) {
        const struct venue_place *place = places_venue(&passage->run->places, events[i].venue);
        if (place && passage->run->feeds->settings.checkpoint[place->category])
            passage->passed[place->area] = true;
    }
    return true;
}

static bool count_passages(struct passage *passage, const struct positive *positive,
                           struct error *err)
{
    const struct feed_run *run = passage->run;
    int64_t at = positive->at / SECOND;
    int64_t from = at - run->feeds->settings.number[NUMBER_CHECKPOINT_HOURS] * 3600;
    memset(passage->passed, 0, run->places.area_count * sizeof *passage->passed);
    if (!presence_by_person(run->view, (struct person_no){positive->person}, from, at + 1,
                            note_passages, passage, err))
        return false;
    for (size_t i = 0; i < run->places.area_count; i++)
        passage->tallies[i].count += passage->passed[i];
    return true;
}

/* Positives who were first recorded on the day, each once an area. */
static bool count_positives(struct feed_run *run, int32_t day, struct passage *passage,
                            struct error *err)
{
    int32_t since = day - (int32_t)run->feeds->settings.number[NUMBER_CLUSTER_DAYS];
    struct positive *positives;
    size_t count;
    if (!positives_read(&run->places, run->sql, day_start(since), day_start(day + 1), &positives,
                        &count, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        if (positives[i].recorded_at >= day_start(day))
            done = count_passages(passage, &positives[i], err);
    free(positives);
    return done;
}

bool checkpoint_count(struct feed_run *run, int32_t day, struct tally *tallies, struct error *err)
{
    const struct places *places = &run->places;
    bool any = false;
    if (!presence_day_count(run->view, day))
        return true;
    for (uint32_t venue = 1; venue < places->venue_limit; venue++) {
        const struct venue_place *place = places_venue(places, venue);
        if (!place || !place->open || !run->feeds->settings.checkpoint[place->category])
            continue;
        tallies[place->area] = (struct tally){.known = true, .total = -1};
        any = true;
    }
    if (!any)
        return true;
    struct passage passage = {run, tallies, x_alloc(places->area_count, sizeof *passage.passed)};
    bool done = count_positives(run, day, &passage, err);
    free(passage.passed);
    return done;
}
