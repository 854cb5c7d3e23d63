/* What acting on an alert is worth, and which alerts have one cause. Pure.
 *
 * worth = probability that it is real × people at risk × days gained (policies/alerts.yaml). The
 * order is by worth and not by level: a level says how much the channels of a place agree, not
 * whether anybody gains by looking now.
 *
 * Causes are gathered by leaders: the most valuable alert that is left leads, and takes what is
 * like it or like one of its members, as long as that lies near the leader itself in place and
 * time. So a chain of neighbours never becomes one cause of half a city. */
#include <stdlib.h>

#include "alerts/alerts_internal.h"

static double strength_of(const struct alert *alert)
{
    struct judgement judgement = {.by_rule = alert->by_rule, .p = alert->p};
    return alert->kind == ALERT_FEED ? 0.5 : judgement_strength(&judgement);
}

struct worth alert_worth(const struct alert_settings *settings, const struct channel *channel,
                         const struct alert *alert, const struct record *record, int64_t people,
                         int32_t today)
{
    size_t group =
        alert->kind == ALERT_FEED || !channel ? GROUPS : channel_group_index(channel->group);
    const struct reach *reach = &settings->reaches[group];
    const struct record_span *span = record ? &record->spans[1] : NULL;
    double right = settings->prior_right + (span ? (double)span->right : 0);
    double judged = settings->prior_judged + (span ? (double)span->judged : 0);
    double odds =
        right / (judged - right) * pow(settings->strength_odds, 2 * strength_of(alert) - 1);
    struct worth worth = {.probability = odds / (1 + odds),
                          .people = (people ? (double)people : settings->people_where_unknown) *
                                    reach->people_per_1000 / 1000,
                          .days =
                              fmax(reach->days - (today - alert->first_day), settings->least_days)};
    worth.value = worth.probability * worth.people * worth.days;
    return worth;
}

/* ---- Alike */

static int64_t area_at_level(int64_t area_no, int level)
{
    int bits = AREA_LEVEL_BITS * (AREA_LEVELS - 1 - level);
    return area_no >> bits << bits;
}

static const char *group_of(const struct alerts *alerts, const struct alert *alert)
{
    const struct channel *channel = channel_find(alerts, slice_of(alert->channel));
    return channel ? channel->group : alert->channel;
}

static int32_t days_apart(const struct alert *a, const struct alert *b)
{
    return a->first_day > b->last_day ? a->first_day - b->last_day : b->first_day - a->last_day;
}

static bool share_area(const struct alert *a, const struct alert *b, int level)
{
    if (a->area_no == b->area_no)
        return true;
    return area_level(a->area_no) >= level && area_level(b->area_no) >= level &&
           area_at_level(a->area_no, level) == area_at_level(b->area_no, level);
}

bool alerts_alike(const struct alerts *alerts, const struct alert *a, const struct alert *b)
{
    const struct alert_settings *settings = &alerts->settings;
    bool same_channel = strcmp(a->channel, b->channel) == 0;
    if (a->kind != b->kind || days_apart(a, b) > settings->cause_days)
        return false;
    if (a->kind == ALERT_FEED && strcmp(group_of(alerts, a), group_of(alerts, b)) != 0)
        return false; /* silence of different sources */
    return share_area(a, b, same_channel ? settings->cause_same : settings->cause_other);
}

/* ---- Gathering */

struct gathering {
    const struct alerts *alerts;
    const struct alert *list;
    const struct worth *worths;
    const bool *throttled;
    timestamp now;
    struct cause *causes;
    size_t count;
};

static bool is_watched(const struct alert *alert, timestamp now)
{
    return alert->watch_until != TIMESTAMP_NONE && alert->watch_until > now;
}

static bool belongs(const struct gathering *gathering, const struct cause *cause,
                    const struct alert *alert)
{
    const struct alert_settings *settings = &gathering->alerts->settings;
    const struct alert *lead = &gathering->list[cause->lead];
    int wide =
        settings->cause_same < settings->cause_other ? settings->cause_same : settings->cause_other;
    bool like = alerts_alike(gathering->alerts, lead, alert);
    if (is_watched(lead, gathering->now) != is_watched(alert, gathering->now) ||
        days_apart(lead, alert) > settings->cause_days || !share_area(lead, alert, wide))
        return false;
    for (size_t i = 0; i < cause->member_count && !like; i++)
        like = alerts_alike(gathering->alerts, &gathering->list[cause->members[i]], alert);
    return like;
}

static void join(struct cause *cause, size_t index, struct arena *arena)
{
    if ((cause->member_count & (cause->member_count - 1)) == 0) { /* room for twice as many */
        size_t room = cause->member_count ? 2 * cause->member_count : 1;
        size_t *more = arena_alloc(arena, room * sizeof *more);
        if (cause->member_count)
            memcpy(more, cause->members, cause->member_count * sizeof *more);
        cause->members = more;
    }
    cause->members[cause->member_count++] = index;
}

/* Takes what belongs to the leader out of the `left`, as often as a new member brings others. */
static size_t gather_one(struct gathering *gathering, size_t lead, size_t *left, size_t count,
                         struct arena *arena)
{
    struct cause *cause = &gathering->causes[gathering->count++];
    *cause = (struct cause){.lead = lead};
    for (size_t before = count + 1; count < before;) {
        size_t kept = 0;
        before = count;
        for (size_t i = 0; i < count; i++)
            if (belongs(gathering, cause, &gathering->list[left[i]]))
                join(cause, left[i], arena);
            else
                left[kept++] = left[i];
        count = kept;
    }
    return count;
}

/* Channels are taken for independent: that a cause is real fails where each of them is wrong. Of a
 * channel the most probable member counts, the others say the same again. */
static struct worth cause_worth(const struct gathering *gathering, const struct cause *cause)
{
    const struct alert *list = gathering->list;
    const struct worth *worths = gathering->worths;
    struct worth worth = worths[cause->lead];
    double wrong = 1 - worth.probability;
    for (size_t i = 0; i < cause->member_count; i++) {
        size_t index = cause->members[i];
        double best = worths[index].probability;
        bool counted = strcmp(list[index].channel, list[cause->lead].channel) == 0;
        for (size_t k = 0; k < i && !counted; k++)
            counted = strcmp(list[index].channel, list[cause->members[k]].channel) == 0;
        for (size_t k = i + 1; k < cause->member_count; k++)
            if (strcmp(list[index].channel, list[cause->members[k]].channel) == 0)
                best = fmax(best, worths[cause->members[k]].probability);
        wrong *= counted ? 1 : 1 - best;
        worth.people = fmax(worth.people, worths[index].people);
    }
    worth.probability = 1 - wrong;
    worth.value = worth.probability * worth.people * worth.days;
    return worth;
}

static bool is_throttled(const struct gathering *gathering, const struct cause *cause)
{
    bool throttled = gathering->throttled[cause->lead];
    int level = gathering->list[cause->lead].level;
    for (size_t i = 0; i < cause->member_count; i++) {
        throttled &= gathering->throttled[cause->members[i]];
        level = gathering->list[cause->members[i]].level > level
                    ? gathering->list[cause->members[i]].level
                    : level;
    }
    return throttled && level < gathering->alerts->settings.never_waits;
}

static bool must_not_wait(const struct gathering *gathering, const struct cause *cause)
{
    int least = gathering->alerts->settings.never_waits;
    bool now = gathering->list[cause->lead].level >= least;
    for (size_t i = 0; i < cause->member_count; i++)
        now |= gathering->list[cause->members[i]].level >= least;
    return now;
}

/* Place, then worth by tenths, then number: 3 bits, 34, 26. */
static int64_t key_of(const struct gathering *gathering, const struct cause *cause)
{
    const struct alert *lead = &gathering->list[cause->lead];
    double tenths = fmin(cause->worth.value * 10, 0x1p34 - 1);
    return (int64_t)(DESK_PLACES - (int)cause->place) << 60 | (int64_t)tenths << 26 |
           (lead->no & ((1 << 26) - 1));
}

struct ranked {
    size_t index;
    double value;
    int64_t no;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return (x->no < y->no) - (x->no > y->no);
}

static int by_worth(const void *a, const void *b)
{
    const struct cause *x = a, *y = b;
    if (x->worth.value != y->worth.value)
        return x->worth.value > y->worth.value ? -1 : 1;
    return (x->lead > y->lead) - (x->lead < y->lead);
}

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const struct cause *)a)->key, y = ((const struct cause *)b)->key;
    return (x < y) - (x > y);
}

/* All causes, in no order yet. */
static void gather_all(struct gathering *gathering, size_t count, struct arena *arena)
{
    struct ranked *ranked = arena_alloc(arena, (count + 1) * sizeof *ranked);
    size_t *left = arena_alloc(arena, (count + 1) * sizeof *left), rest = count;
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){i, gathering->worths[i].value, gathering->list[i].no};
    qsort(ranked, count, sizeof *ranked, by_value);
    for (size_t i = 0; i < count; i++)
        left[i] = ranked[i].index;
    while (rest) {
        size_t lead = left[0];
        rest--;
        memmove(left, left + 1, rest * sizeof *left);
        rest = gather_one(gathering, lead, left, rest, arena);
    }
}

size_t causes_gather(const struct alerts *alerts, const struct alert *list,
                     const struct worth *worths, const bool *throttled, size_t count, timestamp now,
                     int64_t left, struct arena *arena, struct cause **ret_causes)
{
    struct cause *causes = arena_alloc(arena, (count + 1) * sizeof *causes);
    struct gathering gathering = {alerts, list, worths, throttled, now, causes, 0};
    gather_all(&gathering, count, arena);
    for (size_t c = 0; c < gathering.count; c++)
        causes[c].worth = cause_worth(&gathering, &causes[c]);
    qsort(causes, gathering.count, sizeof *causes, by_worth);
    for (size_t c = 0; c < gathering.count; c++) {
        struct cause *cause = &causes[c];
        cause->throttled = is_throttled(&gathering, cause);
        if (is_watched(&list[cause->lead], now))
            cause->place = DESK_WATCHED;
        else if (cause->throttled)
            cause->place = DESK_THROTTLED;
        else if (left > 0 || must_not_wait(&gathering, cause))
            cause->place = DESK_NOW;
        else
            cause->place = DESK_WAITS;
        left -= cause->place == DESK_NOW;
        cause->key = key_of(&gathering, cause);
    }
    qsort(causes, gathering.count, sizeof *causes, by_key);
    *ret_causes = causes;
    return gathering.count;
}
