/* Towns, households, ages, workplaces, venues of the synthetic city.
 *
 * Households are made in blocks: ten of them share out ten times the mean size, one person each to
 * begin with and the rest at random, so that the mean is exact and a person's household is found from
 * the block alone. Blocks never cross a town's border; the last of a town is smaller. */
#include "sim/city.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { STREAM_BLOCK = 0xB10C }; /* keeps these draws apart from others of the same numbers */

/* ---- Towns: shares of people by population, rounded so that the sum is kept */

static void add_town(struct city *city, const struct area *area, int64_t given, int64_t upto)
{
    city->towns = x_realloc(city->towns, (city->town_count + 1) * sizeof *city->towns);
    city->towns[city->town_count++] = (struct town){.area_no = area->no,
                                                    .first_person = (uint32_t)given + 1,
                                                    .person_count = (uint32_t)(upto - given),
                                                    .latitude = area->latitude,
                                                    .longitude = area->longitude};
}

static void plan_towns(struct city *city, const struct area *of)
{
    struct registry *registry = city->platform->registry;
    const struct area **districts, **towns;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    int64_t whole = 0, passed = 0, given = 0;
    size_t district_count = registry_areas_under(registry, of->no, &arena, &districts);
    for (int pass = 0; pass < 2; pass++)
        for (size_t d = 0; d < district_count; d++) {
            size_t count = registry_areas_under(registry, districts[d]->no, &arena, &towns);
            for (size_t t = 0; t < count; t++) {
                if (pass == 0) {
                    whole += towns[t]->population;
                    continue;
                }
                passed += towns[t]->population;
                int64_t upto = (int64_t)city->person_count * passed / whole;
                add_town(city, towns[t], given, upto);
                given = upto;
            }
        }
    arena_release(&arena);
}

static uint32_t households_of(const struct city *city, uint32_t persons)
{
    uint32_t count =
        (uint32_t)lround(persons / city->settings->number[PERSONS_A_HOUSEHOLD]);
    return persons && !count ? 1 : count < persons ? count : persons;
}

static void plan_households(struct city *city)
{
    city->block_persons = (uint32_t)lround(city->settings->number[PERSONS_A_HOUSEHOLD] *
                                           HOUSEHOLDS_A_BLOCK);
    REQUIRE(city->block_persons >= HOUSEHOLDS_A_BLOCK &&
            city->block_persons <= BLOCK_PERSONS_MAX);
    for (size_t t = 0; t < city->town_count; t++) {
        struct town *town = &city->towns[t];
        town->first_household = city->household_count + 1;
        town->household_count =
            town->person_count / city->block_persons * HOUSEHOLDS_A_BLOCK +
            households_of(city, town->person_count % city->block_persons);
        city->household_count += town->household_count;
    }
}

static size_t town_of(const struct city *city, uint32_t person)
{
    size_t low = 0, high = city->town_count; /* the last town that begins at or before `person` */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (city->towns[middle].first_person <= person)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- Places: numbers of a need follow each other within a town, popular kinds first */

static void plan_venues(struct city *city)
{
    const struct settings *settings = city->settings;
    double persons_a_venue = settings->number[PERSONS_A_VENUE];
    for (int need = 0; need < NEED_COUNT; need++)
        city->venues_before[need] =
            x_alloc(city->town_count + 1, sizeof *city->venues_before[need]);
    int64_t persons_before = 0;
    for (size_t t = 0; t < city->town_count; t++) {
        struct town *town = &city->towns[t];
        int64_t upto = persons_before + town->person_count;
        for (int need = 0; need < NEED_COUNT; need++) {
            double share = settings->per_1000_of[need] / (1000 * persons_a_venue);
            bool last = t + 1 == city->town_count;
            uint32_t before = city->venues_before[need][t];
            uint32_t after = (uint32_t)((double)upto * share);
            if (last && after == 0) /* every need has a place in the city */
                after = 1;
            town->first_venue[need] = city->venue_count + 1;
            town->venue_count[need] = after - before;
            city->venues_before[need][t + 1] = after;
            city->venue_count += after - before;
        }
        persons_before = upto;
    }
}

/* The k-th of all places of a need. */
static uint32_t nth_venue(const struct city *city, enum need need, uint32_t k)
{
    const uint32_t *before = city->venues_before[need];
    size_t low = 0, high = city->town_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (before[middle] <= k)
            low = middle;
        else
            high = middle;
    }
    return city->towns[low].first_venue[need] + (k - before[low]);
}

uint32_t city_pick_venue(const struct city *city, struct random *random, size_t town,
                         enum need need)
{
    const struct settings *settings = city->settings;
    const struct town *near = &city->towns[town];
    uint32_t all = city->venues_before[need][city->town_count];
    bool elsewhere = random_below(random, 100) < setting_whole(settings, ELSEWHERE_PERCENT);
    double popular = random_unit(random), u = popular;
    for (int power = (int)settings->number[POPULARITY_EXPONENT]; power > 1; power--)
        popular *= u;
    if (!elsewhere && near->venue_count[need])
        return near->first_venue[need] + (uint32_t)(popular * near->venue_count[need]);
    if (elsewhere) /* another town, each as often as it has places */
        near = &city->towns[city_venue_town(
            city, nth_venue(city, need, random_below(random, all)))];
    return near->venue_count[need]
               ? near->first_venue[need] + (uint32_t)(popular * near->venue_count[need])
               : nth_venue(city, need, (uint32_t)(popular * all));
}

size_t city_venue_town(const struct city *city, uint32_t venue)
{
    size_t low = 0, high = city->town_count; /* the last town whose numbers begin at or before */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (city->towns[middle].first_venue[0] <= venue)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Kinds by rank within town and need, in the order and with the shares of the settings. */
static uint8_t kind_of_rank(const struct settings *settings, enum need need, double rank)
{
    double at = rank * settings->per_1000_of[need];
    size_t found = 0;
    for (size_t i = 0; i < settings->venue_count && at >= 0; i++)
        if (settings->venues[i].need == need) {
            found = i;
            at -= settings->venues[i].per_1000;
        }
    return (uint8_t)found;
}

static void plan_kinds(struct city *city)
{
    city->kind_of_venue = x_alloc((size_t)city->venue_count + 1, 1);
    city->category_of_venue = x_alloc((size_t)city->venue_count + 1, 1);
    for (size_t t = 0; t < city->town_count; t++)
        for (int need = 0; need < NEED_COUNT; need++) {
            const struct town *town = &city->towns[t];
            for (uint32_t k = 0; k < town->venue_count[need]; k++)
                city->kind_of_venue[town->first_venue[need] + k] =
                    kind_of_rank(city->settings, (enum need)need,
                                 (k + 0.5) / town->venue_count[need]);
        }
    for (uint32_t venue = 1; venue <= city->venue_count; venue++)
        city->category_of_venue[venue] = city_venue_kind(city, venue)->category;
}

/* ---- People */

static uint8_t draw_age(const struct settings *settings, struct random *random, bool head)
{
    double at = random_unit(random);
    size_t i = 0;
    for (;; i++) {
        double share = head ? settings->ages[i].head_share : settings->ages[i].other_share;
        if (at < share || i + 1 == settings->age_count)
            break;
        at -= share;
    }
    const struct age_group *group = &settings->ages[i];
    uint32_t age = (uint32_t)group->from +
                   random_below(random, (uint32_t)(group->to - group->from + 1));
    return (uint8_t)(head && age < 18 ? 18 : age);
}

/* A workplace: a firm, or a place that is open to the public. */
static uint32_t draw_workplace(const struct city *city, struct random *random, size_t town,
                               uint8_t *flags)
{
    static const enum need services[] = {NEED_SHOP,   NEED_SHOP,    NEED_FOOD,   NEED_FOOD,
                                         NEED_SCHOOL, NEED_LEISURE, NEED_HEALTH, NEED_TRANSIT};
    const struct settings *settings = city->settings;
    *flags |= PERSON_WORKS;
    if (random_below(random, 100) >= setting_whole(settings, SERVICE_PERCENT))
        return city_pick_venue(city, random, town, NEED_WORK);
    if (random_below(random, 100) < setting_whole(settings, STAFF_PERCENT))
        *flags |= PERSON_STAFF;
    return city_pick_venue(city, random, town,
                           services[random_below(random, sizeof services / sizeof *services)]);
}

static struct profile draw_profile(const struct city *city, struct random *random, size_t town,
                                   bool head)
{
    const struct settings *settings = city->settings;
    struct profile profile = {.town = (uint16_t)town, .age = draw_age(settings, random, head)};
    if (random_unit(random) * 100 < settings->number[MALE_PERCENT])
        profile.flags |= PERSON_MALE;
    if (random_below(random, 100) < setting_whole(settings, UNTESTED_PERCENT))
        profile.flags |= PERSON_UNTESTED;
    for (size_t i = 0; i < settings->daily_count; i++) {
        const struct daily_rule *rule = &settings->daily[i];
        if (profile.age < rule->from || profile.age > rule->to ||
            random_below(random, 100) >= rule->percent)
            continue;
        profile.daily_venue = rule->need == NEED_WORK
                                  ? draw_workplace(city, random, town, &profile.flags)
                                  : city_pick_venue(city, random, town, rule->need);
        break;
    }
    return profile;
}

/* Sizes of the block's households, in order. */
static void draw_households(struct random *random, uint32_t households, struct block *block)
{
    uint8_t size[HOUSEHOLDS_A_BLOCK];
    memset(size, 1, sizeof size);
    for (uint32_t extra = block->count - households; extra > 0; extra--)
        size[random_below(random, households)]++;
    uint32_t person = 0;
    for (uint32_t h = 0; h < households; h++)
        for (uint8_t i = 0; i < size[h]; i++)
            block->household[person++] = (uint8_t)h;
    REQUIRE(person == block->count);
}

static void make_block(const struct city *city, uint32_t person, struct block *block)
{
    size_t t = town_of(city, person);
    const struct town *town = &city->towns[t];
    uint32_t number = (person - town->first_person) / city->block_persons;
    uint32_t offset = number * city->block_persons, left = town->person_count - offset;
    struct random random;
    block->first_person = town->first_person + offset;
    block->count = left < city->block_persons ? left : city->block_persons;
    block->first_household = town->first_household + number * HOUSEHOLDS_A_BLOCK;
    random_init(&random, city->seed ^ STREAM_BLOCK, block->first_person);
    uint32_t households = block->count == city->block_persons ? HOUSEHOLDS_A_BLOCK
                                                              : households_of(city, block->count);
    draw_households(&random, households, block);
    for (uint32_t i = 0; i < block->count; i++) {
        bool head = i == 0 || block->household[i] != block->household[i - 1];
        block->profile[i] = draw_profile(city, &random, t, head);
    }
}

void city_block(const struct city *city, uint32_t person, struct block *ret_block)
{
    REQUIRE(person >= 1 && person <= city->person_count);
    make_block(city, person, ret_block);
}

struct profile city_profile(const struct city *city, uint32_t person)
{
    struct block block;
    if (city->profiles)
        return city->profiles[person];
    city_block(city, person, &block);
    return block.profile[person - block.first_person];
}

size_t city_housemates(const struct city *city, uint32_t person, uint32_t out[HOUSEHOLD_MAX])
{
    struct block block;
    size_t count = 0;
    city_block(city, person, &block);
    uint8_t household = block.household[person - block.first_person];
    for (uint32_t i = 0; i < block.count; i++)
        if (block.household[i] == household && block.first_person + i != person)
            out[count++] = block.first_person + i;
    return count;
}

int64_t city_area_of(const struct city *city, uint32_t person)
{
    return city->towns[town_of(city, person)].area_no;
}

/* ---- Opening */

struct filling {
    struct city *city;
    uint32_t first, last;
};

static void *fill_profiles(void *context)
{
    struct filling *filling = context;
    struct block block;
    for (uint32_t person = filling->first; person <= filling->last; person++) {
        city_block(filling->city, person, &block);
        for (; person < block.first_person + block.count && person <= filling->last; person++)
            filling->city->profiles[person] = block.profile[person - block.first_person];
        person--;
    }
    return NULL;
}

/* On two threads: each half is made alone. */
static void cache_profiles(struct city *city)
{
    uint32_t middle = city->person_count / 2;
    struct filling halves[2] = {{city, 1, middle}, {city, middle + 1, city->person_count}};
    pthread_t thread;
    struct profile *profiles = x_alloc((size_t)city->person_count + 1, sizeof *profiles);
    city->profiles = profiles;
    bool second = pthread_create(&thread, NULL, fill_profiles, &halves[1]) == 0;
    fill_profiles(&halves[0]);
    if (second)
        pthread_join(thread, NULL);
    else
        fill_profiles(&halves[1]);
}

bool city_open(struct platform *platform, int64_t people, uint64_t seed, bool cache,
               struct city **ret_city, struct error *err)
{
    const struct area *area = registry_city(platform->registry);
    if (!area)
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "areas"},
                         "the built-in areas", "the city has no areas");
    struct settings *settings;
    if (!settings_open(store_directory_fd(platform->store), platform->policy, &settings, err))
        return false;
    struct city *city = x_alloc(1, sizeof *city);
    city->platform = platform;
    city->settings = settings;
    city->seed = seed;
    city->person_count = (uint32_t)people;
    city->truck_count =
        (uint32_t)((double)people * settings->number[TRUCKS_A_1000_PERSONS] / 1000);
    for (int level = 1; level <= 3; level++)
        city->level_seconds[level] =
            policy_number(platform->policy, (enum policy_number)(NUMBER_LEVEL_1_HOURS + level - 1)) *
            3600;
    plan_towns(city, area);
    plan_households(city);
    plan_venues(city);
    plan_kinds(city);
    screening_plan(city);
    if (cache)
        cache_profiles(city);
    *ret_city = city;
    return true;
}

void city_close(struct city *city)
{
    if (!city)
        return;
    for (int need = 0; need < NEED_COUNT; need++)
        free(city->venues_before[need]);
    free(city->kind_of_venue);
    free(city->category_of_venue);
    free(city->profiles);
    free(city->settings);
    free(city->towns);
    free(city);
}
