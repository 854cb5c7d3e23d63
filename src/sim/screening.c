/* Mass testing in turns. Neighbours by number share a tube; a tube has its slot in an order that
 * scatters neighbouring tubes over days and hours, and that can be undone:
 *
 *   slot = (tube · step + start) mod tubes,   step and tubes coprime
 *   day: slot mod every,   hour: slot / every, spread evenly over the opening hours
 *
 * So it is known without a list both when somebody is swabbed and who is swabbed in a given second.
 */
#include "sim/city.h"

enum { SWAB_SECONDS = 20 }; /* from one member of a tube to the next */

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void screening_plan(struct city *city)
{
    uint32_t persons = setting_whole(city->settings, TUBE_PERSONS);
    uint32_t count = (city->person_count + persons - 1) / persons;
    uint32_t step = (uint32_t)((double)count * 0.6180339887) | 1; /* golden: far from all before */
    while (greatest_common_divisor(step, count) != 1)
        step++;
    int64_t r0 = count, r1 = step % count, s0 = 0, s1 = 1; /* extended Euclid: s0 undoes step */
    while (r1) {
        int64_t quotient = r0 / r1, r2 = r0 - quotient * r1, s2 = s0 - quotient * s1;
        r0 = r1, r1 = r2, s0 = s1, s1 = s2;
    }
    city->tube_count = count;
    city->tube_step = step % count;
    city->tube_unstep = (uint32_t)((s0 % count + count) % count);
    city->tube_start = (uint32_t)(random_mix(city->seed ^ 0x7E57) % count);
}

static uint32_t tube_of(const struct city *city, uint32_t person)
{
    return (person - 1) / setting_whole(city->settings, TUBE_PERSONS);
}

uint32_t screening_tube(const struct city *city, uint32_t person, uint32_t *ret_count)
{
    uint32_t size = setting_whole(city->settings, TUBE_PERSONS);
    uint32_t first = tube_of(city, person) * size + 1, left = city->person_count - first + 1;
    *ret_count = left < size ? left : size;
    return first;
}

/* ---- Slots, days and hours */

struct turn {
    int32_t every, phase; /* on days with day mod every = phase */
    int64_t second;       /* of the day, of the tube's first swab */
};

static int64_t slot_second(const struct city *city, uint32_t order)
{
    uint32_t every = setting_whole(city->settings, TEST_EVERY_DAYS);
    uint32_t orders = (city->tube_count + every - 1) / every;
    return setting_hours(city->settings, TEST_OPENS_HOUR) +
           order * setting_hours(city->settings, TEST_WINDOW_HOURS) / orders;
}

static struct turn turn_of(const struct city *city, uint32_t person)
{
    uint32_t every = setting_whole(city->settings, TEST_EVERY_DAYS);
    uint64_t slot = ((uint64_t)tube_of(city, person) * city->tube_step + city->tube_start) %
                    city->tube_count;
    return (struct turn){.every = (int32_t)every,
                         .phase = (int32_t)(slot % every),
                         .second = slot_second(city, (uint32_t)(slot / every))};
}

static int32_t turn_before(const struct turn *turn, int32_t day)
{
    int32_t past = (day - turn->phase) % turn->every;
    return day - (past < 0 ? past + turn->every : past);
}

static int64_t place_in_tube(const struct city *city, uint32_t person)
{
    return (int64_t)((person - 1) % setting_whole(city->settings, TUBE_PERSONS)) * SWAB_SECONDS;
}

/* ---- Asking */

bool screening_on(const struct city *city, uint32_t person, struct profile profile, int32_t day,
                  int64_t *ret_second)
{
    struct turn turn = turn_of(city, person);
    *ret_second = time_day_start_seconds(day) + turn.second + place_in_tube(city, person);
    return !(profile.flags & PERSON_UNTESTED) && turn_before(&turn, day) == day;
}

bool screening_next(const struct city *city, uint32_t person, struct profile profile,
                    int64_t second, int64_t *ret_second)
{
    struct turn turn = turn_of(city, person);
    int64_t offset = turn.second + place_in_tube(city, person);
    int32_t day = turn_before(&turn, time_day_of_seconds(second));
    if (time_day_start_seconds(day) + offset < second)
        day += turn.every;
    *ret_second = time_day_start_seconds(day) + offset;
    return !(profile.flags & PERSON_UNTESTED);
}

int64_t screening_reported(const struct city *city, uint32_t person, int64_t swab)
{
    return swab - place_in_tube(city, person) +
           setting_hours(city->settings, POOLED_RESULT_HOURS);
}

int64_t screening_known(const struct city *city, uint32_t person, struct profile profile,
                        int64_t second)
{
    if (profile.flags & PERSON_UNTESTED)
        return 0;
    struct turn turn = turn_of(city, person);
    int64_t latest = second - setting_hours(city->settings, POOLED_RESULT_HOURS);
    int32_t day = turn_before(&turn, time_day_of_seconds(latest));
    if (time_day_start_seconds(day) + turn.second > latest)
        day -= turn.every;
    return time_day_start_seconds(day) + turn.second + place_in_tube(city, person);
}

size_t screening_tubes_between(const struct city *city, int64_t first, int64_t last,
                               uint32_t *out_first_person, size_t max)
{
    const struct settings *settings = city->settings;
    uint32_t every = setting_whole(settings, TEST_EVERY_DAYS);
    uint32_t size = setting_whole(settings, TUBE_PERSONS);
    int64_t window = setting_hours(settings, TEST_WINDOW_HOURS);
    int64_t orders = (city->tube_count + every - 1) / every;
    size_t count = 0;
    for (int32_t day = time_day_of_seconds(first); day <= time_day_of_seconds(last - 1); day++) {
        int64_t start = time_day_start_seconds(day);
        int64_t from = first - start - setting_hours(settings, TEST_OPENS_HOUR);
        int64_t order = from > 0 ? from * orders / window : 0;
        for (; order < orders && count < max; order++) {
            int64_t second = start + slot_second(city, (uint32_t)order);
            uint64_t slot = (uint64_t)order * every + (uint32_t)(day % (int32_t)every);
            if (second >= last)
                break;
            if (second < first || slot >= city->tube_count)
                continue;
            uint64_t tube = (slot + city->tube_count - city->tube_start) % city->tube_count *
                            city->tube_unstep % city->tube_count;
            out_first_person[count++] = (uint32_t)tube * size + 1;
        }
    }
    return count;
}
