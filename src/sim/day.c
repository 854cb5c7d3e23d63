/* A person's day: who goes where, when, and how the scan is made. */
#include "sim/city.h"

enum { STREAM_DAY = 0xDA1 };
enum { WAY_PHONE, WAY_GATE, WAY_PAPER, WAY_COMPANION, WAY_CHECK_BIT = 4, COMPANION_AGE = 6 };

#define WAY(mode, evidence, decision) ((mode) | (evidence) << 3 | (decision) << 5) /* scan_flags */
const uint8_t city_ways[CITY_WAYS] = {
    [WAY_PHONE] = WAY(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_PASS),
    [WAY_GATE] = WAY(SCAN_STAFF_SCANS_PERSON, SCAN_ATTENDED, SCAN_PASS),
    [WAY_PAPER] = WAY(SCAN_PAPER_CODE, SCAN_ATTENDED, SCAN_PASS),
    [WAY_COMPANION] = WAY(SCAN_COMPANION, SCAN_CLAIMED, SCAN_PASS),
    [WAY_PHONE | WAY_CHECK_BIT] = WAY(SCAN_PERSON_SCANS_VENUE, SCAN_CLAIMED, SCAN_CHECK),
    [WAY_GATE | WAY_CHECK_BIT] = WAY(SCAN_STAFF_SCANS_PERSON, SCAN_ATTENDED, SCAN_CHECK),
    [WAY_PAPER | WAY_CHECK_BIT] = WAY(SCAN_PAPER_CODE, SCAN_ATTENDED, SCAN_CHECK),
    [WAY_COMPANION | WAY_CHECK_BIT] = WAY(SCAN_COMPANION, SCAN_CLAIMED, SCAN_CHECK),
};

struct outing {
    const struct city *city;
    struct random random;
    uint32_t person;
    struct profile profile;
    int32_t day;
    struct city_visit *visits;
    size_t count;
};

static bool happens(struct outing *outing, uint32_t percent)
{
    return random_below(&outing->random, 100) < percent;
}

static void go(struct outing *outing, uint32_t venue, uint32_t second)
{
    const struct city *city = outing->city;
    const struct venue_kind *kind = city_venue_kind(city, venue);
    bool gate = kind->check_level >= city->settings->number[GATE_LEVEL] ||
                happens(outing, setting_whole(city->settings, GATE_PERCENT));
    unsigned way = outing->profile.age < COMPANION_AGE ? WAY_COMPANION
                   : outing->profile.age >= city->settings->number[PAPER_CODE_AGE] ? WAY_PAPER
                   : gate                                                          ? WAY_GATE
                                                                                   : WAY_PHONE;
    int64_t limit = city->level_seconds[kind->check_level & 3];
    if (limit) {
        int64_t now = time_day_start_seconds(outing->day) + second;
        int64_t known = screening_known(city, outing->person, outing->profile, now);
        if (!known || now - known > limit)
            way |= WAY_CHECK_BIT;
    }
    outing->visits[outing->count++] = (struct city_visit){venue, second, (uint8_t)way};
}

/* Around the plan's hour: the sum of three even draws, near enough to a bell. */
static uint32_t draw_second(struct outing *outing, const struct visit_plan *plan)
{
    struct random *random = &outing->random;
    double sum = random_unit(random) + random_unit(random) + random_unit(random) - 1.5;
    double second = (plan->hour + sum * 2 * plan->spread) * 3600;
    return second < 0 ? 0 : second > 86399 ? 86399 : (uint32_t)second;
}

size_t city_person_day(const struct city *city, uint32_t person, struct profile profile,
                       int32_t day, struct city_visit out[CITY_VISITS_MAX])
{
    const struct settings *settings = city->settings;
    struct outing outing = {
        .city = city, .person = person, .profile = profile, .day = day, .visits = out};
    bool rest = city_is_rest_day(day);
    int64_t swab;
    random_init(&outing.random, city->seed ^ STREAM_DAY ^ (uint64_t)day << 16, person);
    if (screening_on(city, person, profile, day, &swab))
        go(&outing, city_pick_venue(city, &outing.random, profile.town, NEED_TEST),
           (uint32_t)(swab - time_day_start_seconds(day)));
    if (!happens(&outing, setting_whole(settings, OUT_PERCENT)))
        return outing.count;
    bool open = !rest || profile.flags & PERSON_WORKS;
    bool attends = profile.daily_venue && open &&
                   happens(&outing, setting_whole(settings, rest ? ATTEND_RESTDAY_PERCENT
                                                                   : ATTEND_PERCENT));
    for (size_t i = 0; i < settings->visit_count; i++) {
        const struct visit_plan *plan = &settings->visits[i];
        if ((plan->who == VISITOR_ATTENDING && !attends) ||
            (plan->who == VISITOR_FREE && attends) || !happens(&outing, plan->percent[rest]))
            continue;
        uint32_t venue = plan->need == NEED_DAILY
                             ? profile.daily_venue
                             : city_pick_venue(city, &outing.random, profile.town, plan->need);
        go(&outing, venue, draw_second(&outing, plan));
    }
    return outing.count;
}
