/* Venues in use whose code nobody scanned: none on the day, and at least the usual number on the
 * same day of the week before. Two days of the store are read, each once a run. An area is known
 * where anybody scanned in it on that earlier day: one with small venues alone has none that fell
 * silent, and its series does not stop. */
#include <stdlib.h>

#include "feeds/feeds_internal.h"

struct day_scans {
    int32_t day;
    uint16_t *of_venue; /* at most UINT16_MAX; NULL: the city has no check-in of that day */
};

static bool count_scans(void *context, const struct presence_event *events, size_t count,
                        struct error *err)
{
    (void)err;
    struct feed_run *run = context;
    uint16_t *of_venue = run->scans[run->scans_count].of_venue;
    for (size_t i = 0; i < count; i++)
        if (events[i].venue < run->places.venue_limit && of_venue[events[i].venue] < UINT16_MAX)
            of_venue[events[i].venue]++;
    return true;
}

/* Refused scans count: the code hangs and is used. */
bool silent_scans(struct feed_run *run, int32_t day, const uint16_t **ret_scans, struct error *err)
{
    int64_t start = time_day_start_seconds(day);
    for (size_t i = 0; i < run->scans_count; i++)
        if (run->scans[i].day == day) {
            *ret_scans = run->scans[i].of_venue;
            return true;
        }
    run->scans = x_realloc(run->scans, (run->scans_count + 1) * sizeof *run->scans);
    run->scans[run->scans_count] = (struct day_scans){.day = day};
    if (presence_day_count(run->view, day) > 0) {
        uint16_t *of_venue = x_alloc(run->places.venue_limit + 1, sizeof *of_venue);
        run->scans[run->scans_count].of_venue = of_venue;
        if (!presence_scan(run->view, start, start + 86400, count_scans, run, err)) {
            free(of_venue);
            return false;
        }
    }
    *ret_scans = run->scans[run->scans_count++].of_venue;
    return true;
}

bool silent_scans_before(struct feed_run *run, int32_t day, const uint16_t **ret_scans,
                         struct error *err)
{
    int64_t before = run->feeds->settings.number[NUMBER_SILENT_BEFORE];
    return silent_scans(run, day - (int32_t)before, ret_scans, err);
}

bool silent_count(struct feed_run *run, int32_t day, struct tally *tallies, struct error *err)
{
    const struct places *places = &run->places;
    int64_t usual = policy_number(places->policy, NUMBER_VENUE_SILENT_SCANS);
    const uint16_t *now, *before;
    if (!silent_scans(run, day, &now, err) || !silent_scans_before(run, day, &before, err))
        return false;
    if (!now || !before)
        return true;
    for (uint32_t venue = 1; venue < places->venue_limit; venue++) {
        const struct venue_place *place = places_venue(places, venue);
        if (!place || !place->open || before[venue] == 0)
            continue;
        struct tally *tally = &tallies[place->area];
        tally->known = true;
        tally->total = -1;
        tally->count += now[venue] == 0 && before[venue] >= usual;
    }
    return true;
}

void silent_release(struct feed_run *run)
{
    for (size_t i = 0; i < run->scans_count; i++)
        free(run->scans[i].of_venue);
    free(run->scans);
    run->scans = NULL;
    run->scans_count = 0;
}
