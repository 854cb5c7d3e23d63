/* The tail in memory: what the log holds and segments do not, as sorted runs. A committed group
 * becomes a run; runs of like size are merged at once (as in a binary counter), so that a read meets
 * few runs and an event is moved a logarithmic number of times. Runs are immutable and counted. */
#include <stdlib.h>

#include "presence/presence_internal.h"

struct run *run_create(const struct presence_event *events, size_t count)
{
    struct run *run = x_alloc(1, sizeof *run);
    atomic_init(&run->references, 1);
    run->count = count;
    run->by_venue = x_alloc(count, sizeof *events);
    run->by_person = x_alloc(count, sizeof *events);
    memcpy(run->by_venue, events, count * sizeof *events);
    memcpy(run->by_person, events, count * sizeof *events);
    events_sort(run->by_venue, count, ORDER_VENUE);
    events_sort(run->by_person, count, ORDER_PERSON);
    return run;
}

void run_unref(struct run *run)
{
    if (!run || atomic_fetch_sub(&run->references, 1) != 1)
        return;
    free(run->by_venue);
    free(run->by_person);
    free(run);
}

static void merge_events(const struct presence_event *a, size_t a_count,
                         const struct presence_event *b, size_t b_count,
                         enum segment_order order, struct presence_event *out)
{
    while (a_count && b_count) {
        if (event_compare(a, b, order) <= 0)
            *out++ = *a++, a_count--;
        else
            *out++ = *b++, b_count--;
    }
    memcpy(out, a_count ? a : b, (a_count + b_count) * sizeof *out);
}

static struct run *run_merge(const struct run *a, const struct run *b)
{
    struct run *run = x_alloc(1, sizeof *run);
    atomic_init(&run->references, 1);
    run->count = a->count + b->count;
    run->by_venue = x_alloc(run->count, sizeof *run->by_venue);
    run->by_person = x_alloc(run->count, sizeof *run->by_person);
    merge_events(a->by_venue, a->count, b->by_venue, b->count, ORDER_VENUE, run->by_venue);
    merge_events(a->by_person, a->count, b->by_person, b->count, ORDER_PERSON, run->by_person);
    return run;
}

void tail_add(struct presence *presence, struct run *run)
{
    presence->tail_events += run->count;
    presence->runs[presence->run_count++] = run;
    while (presence->run_count >= presence->frozen_runs + 2) {
        struct run *last = presence->runs[presence->run_count - 1];
        struct run *before = presence->runs[presence->run_count - 2];
        if (before->count > 2 * last->count && presence->run_count < TAIL_RUNS_MAX - 2)
            return;
        presence->runs[presence->run_count - 2] = run_merge(before, last);
        presence->run_count--;
        run_unref(before);
        run_unref(last);
    }
}
