/* People and places of the synthetic city, from published aggregates: districts and towns with their
 * population, households of 2.7, ages by the census' broad groups, venues with heavy-tailed
 * popularity, a daily rhythm. Names are placeholders; ID numbers have area codes 999xxx. */
#include "sim/city.h"

#include <math.h>
#include <stdlib.h>

enum { PEOPLE_A_VENUE = 26, HOUSEHOLD_TENTHS = 27 };

static const struct {
    const char *category;
    enum need need;
    int share; /* of 1000 venues */
} venue_mix[] = {
    {"factory", NEED_WORK, 90},      {"office", NEED_WORK, 70},      {"enterprise", NEED_WORK, 90},
    {"construction_site", NEED_WORK, 20}, {"government", NEED_WORK, 15},
    {"school", NEED_SCHOOL, 20},     {"kindergarten", NEED_SCHOOL, 20}, {"university", NEED_SCHOOL, 3},
    {"shop", NEED_SHOP, 180},        {"supermarket", NEED_SHOP, 60}, {"market", NEED_SHOP, 25},
    {"mall", NEED_SHOP, 8},          {"pharmacy", NEED_SHOP, 40},    {"restaurant", NEED_FOOD, 150},
    {"cafe_bar", NEED_FOOD, 30},     {"bus", NEED_TRANSIT, 40},      {"metro_station", NEED_TRANSIT, 5},
    {"rail_station", NEED_TRANSIT, 2}, {"taxi", NEED_TRANSIT, 20},   {"cinema", NEED_LEISURE, 8},
    {"gym", NEED_LEISURE, 15},       {"park", NEED_LEISURE, 15},     {"barber", NEED_LEISURE, 30},
    {"chess_room", NEED_LEISURE, 10}, {"hotel", NEED_LEISURE, 12},   {"hospital", NEED_HEALTH, 7},
    {"testing_point", NEED_HEALTH, 15},
};
enum { MIX_COUNT = sizeof venue_mix / sizeof *venue_mix };

static const struct sql_text person_insert = {
    "sim_person_insert",
    "INSERT INTO person (person_no, area_no, household_no, birth_year, sex, identity,"
    " id_number_index, import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
    "primary key"};
static const struct sql_text household_insert = {
    "sim_household_insert",
    "INSERT INTO household (household_no, area_no, import_no) VALUES (?1, ?2, 0)", "primary key"};
static const struct sql_text venue_insert = {
    "sim_venue_insert",
    "INSERT INTO venue (venue_no, area_no, name, category, latitude, longitude, check_level,"
    " token_version, closed, import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, 0, 0)",
    "primary key"};
static const struct sql_text source_insert = {
    "sim_source_insert", "INSERT INTO source (source_no, name) VALUES (1, 'default')",
    "small table"};
static const struct sql_text external_insert = {
    "sim_external_insert",
    "INSERT INTO external_id (kind, source_no, id, no, import_no) VALUES (?1, 1, ?2, ?3, 0)",
    "external_id_by_id"};

const struct sql_list city_statements =
    SQL_LIST(&person_insert, &household_insert, &venue_insert, &source_insert, &external_insert);

/* ---- Plan */

static void plan_towns(struct city *city, int64_t people)
{
    const struct area *area = registry_city(city->platform->registry);
    const struct area **districts, **towns;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    int64_t whole = 0, given = 0, passed = 0;
    size_t district_count =
        registry_areas_under(city->platform->registry, area->no, &arena, &districts);
    for (int pass = 0; pass < 2; pass++)
        for (size_t d = 0; d < district_count; d++) {
            size_t count = registry_areas_under(city->platform->registry, districts[d]->no, &arena,
                                                &towns);
            for (size_t t = 0; t < count; t++) {
                if (pass == 0) {
                    whole += towns[t]->population;
                    continue;
                }
                passed += towns[t]->population;
                int64_t upto = people * passed / whole;
                city->towns =
                    x_realloc(city->towns, (city->town_count + 1) * sizeof *city->towns);
                city->towns[city->town_count++] =
                    (struct town){.area_no = towns[t]->no,
                                  .first_person = (uint32_t)given + 1,
                                  .person_count = (uint32_t)(upto - given),
                                  .latitude = towns[t]->latitude,
                                  .longitude = towns[t]->longitude};
                given = upto;
            }
        }
    arena_release(&arena);
}

static uint32_t venues_of(const struct town *town, enum need need)
{
    int share = 0;
    for (int m = 0; m < MIX_COUNT; m++)
        share += venue_mix[m].need == need ? venue_mix[m].share : 0;
    uint32_t count = (uint32_t)((int64_t)town->person_count * share / (1000 * PEOPLE_A_VENUE));
    return count ? count : 1;
}

/* The category of the k-th venue of a need: shares in order, spread evenly. */
static uint8_t category_of(const struct city *city, enum need need, uint32_t k)
{
    int whole = 0, at;
    for (int m = 0; m < MIX_COUNT; m++)
        whole += venue_mix[m].need == need ? venue_mix[m].share : 0;
    at = (int)(random_mix(k * 31u + (unsigned)need) % (uint64_t)whole);
    for (int m = 0; m < MIX_COUNT; m++) {
        if (venue_mix[m].need != need)
            continue;
        at -= venue_mix[m].share;
        if (at < 0)
            return (uint8_t)policy_category_of(city->platform->policy,
                                               slice_of(venue_mix[m].category));
    }
    return 0;
}

static void plan_venues(struct city *city)
{
    for (size_t t = 0; t < city->town_count; t++)
        for (int need = 0; need < NEED_COUNT; need++) {
            city->towns[t].first_venue[need] = city->venue_count + 1;
            city->towns[t].venue_count[need] = venues_of(&city->towns[t], (enum need)need);
            city->venue_count += city->towns[t].venue_count[need];
        }
    city->venue_category = x_alloc(city->venue_count + 1, 1);
    for (size_t t = 0; t < city->town_count; t++)
        for (int need = 0; need < NEED_COUNT; need++)
            for (uint32_t k = 0; k < city->towns[t].venue_count[need]; k++)
                city->venue_category[city->towns[t].first_venue[need] + k] =
                    category_of(city, (enum need)need, k);
}

/* Ages by broad groups of the 2020 census of the city: 13 % to 14, 63 % to 59, 24 % from 60. */
static uint8_t draw_age(struct random *random)
{
    uint32_t group = random_below(random, 100);
    if (group < 13)
        return (uint8_t)random_below(random, 15);
    if (group < 76)
        return (uint8_t)(15 + random_below(random, 45));
    return (uint8_t)(60 + random_below(random, 20) + random_below(random, 12));
}

uint32_t city_pick_venue(const struct city *city, struct random *random, size_t town,
                         enum need need)
{
    if (random_below(random, 100) < 15) /* elsewhere in the city */
        town = random_below(random, (uint32_t)city->town_count);
    const struct town *place = &city->towns[town];
    double u = random_unit(random);
    uint32_t rank = (uint32_t)(u * u * u * place->venue_count[need]); /* few are popular */
    return place->first_venue[need] + rank;
}

static void plan_people(struct city *city)
{
    for (size_t t = 0; t < city->town_count; t++)
        for (uint32_t k = 0; k < city->towns[t].person_count; k++) {
            uint32_t person = city->towns[t].first_person + k;
            struct random random;
            random_init(&random, city->seed, person);
            city->town_of[person] = (uint16_t)t;
            city->age_of[person] = draw_age(&random);
            uint8_t age = city->age_of[person];
            bool school = age >= 3 && age < 22;
            bool works = age >= 22 && age < 60 && random_below(&random, 100) < 78;
            const struct town *town = &city->towns[t];
            if (school)
                city->daily_venue[person] =
                    town->first_venue[NEED_SCHOOL] +
                    random_below(&random, town->venue_count[NEED_SCHOOL]);
            else if (works)
                city->daily_venue[person] = city_pick_venue(city, &random, t, NEED_WORK);
        }
}

bool city_plan(struct platform *platform, int64_t people, uint64_t seed, struct city **ret_city,
               struct error *err)
{
    if (!registry_city(platform->registry))
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = "areas"},
                         "the built-in areas", "the city has no areas");
    struct city *city = x_alloc(1, sizeof *city);
    city->platform = platform;
    city->seed = seed;
    city->person_count = (uint32_t)people;
    city->last_day = time_day_of_seconds(world_now(platform->world) / SECOND);
    city->town_of = x_alloc((size_t)people + 1, sizeof *city->town_of);
    city->age_of = x_alloc((size_t)people + 1, sizeof *city->age_of);
    city->daily_venue = x_alloc((size_t)people + 1, sizeof *city->daily_venue);
    plan_towns(city, people);
    plan_venues(city);
    plan_people(city);
    *ret_city = city;
    return true;
}

void city_free(struct city *city)
{
    if (!city)
        return;
    free(city->towns);
    free(city->town_of);
    free(city->age_of);
    free(city->daily_venue);
    free(city->venue_category);
    free(city);
}

/* ---- Registration */

static const char *const surnames[] = {"赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈",
                                       "褚", "卫", "蒋", "沈", "韩", "杨", "朱", "秦", "许", "何"};

/* An ID number of its own for every person below 6 million: the million by area and sequence, the
 * rest by the day. */
static void make_id_number(const struct city *city, uint32_t person, uint64_t draw, bool male,
                           char out[19])
{
    uint32_t k = (person - 1) / 2;
    uint32_t day = (uint32_t)(draw % 58) * 6 + k / 500000 % 6;
    int year = 2022 - city->age_of[person];
    snprintf(out, 19, "999%03u%04d%02u%02u%03u", k % 1000u, year, day / 29 + 1, day % 29 % 28 + 1,
             k / 1000u % 500u * 2u + male);
    out[17] = identity_id_check_digit(out);
    out[18] = '\0';
}

static bool register_person(struct city *city, struct sql *sql, uint32_t person,
                            struct arena *arena, struct error *err)
{
    struct random random;
    struct keys *keys = store_keys(city->platform->store);
    char name[16], number[19], phone[12], id[16];
    random_init(&random, city->seed ^ 0x5EED, person);
    bool male = person & 1;
    snprintf(name, sizeof name, "%s%s", surnames[random_below(&random, 20)],
             random_below(&random, 3) ? "某某" : "某");
    make_id_number(city, person, random_next(&random), male, number);
    snprintf(phone, sizeof phone, "199%08u", person % 100000000u);
    snprintf(id, sizeof id, "p%08u", person);
    unsigned char index[BLIND_INDEX_BYTES];
    blind_index(keys, "id_number", slice_of(number), index);
    struct slice plain = identity_pack(slice_of(name), slice_of(number), slice_of(phone), arena);
    struct slice cipher = field_encrypt(keys, KEY_IDENTITY, person, plain, arena);
    int64_t household = (int64_t)person * 10 / HOUSEHOLD_TENTHS + 1;
    return sql_run(sql, &person_insert,
                   SQL_ARGUMENTS(sql_int(person),
                                 sql_int(city->towns[city->town_of[person]].area_no),
                                 sql_int(household), sql_int(2022 - city->age_of[person]),
                                 sql_text(male ? SLICE("m") : SLICE("f")), sql_blob(cipher),
                                 sql_blob((struct slice){(const char *)index, sizeof index})),
                   err) &&
           sql_run(sql, &external_insert,
                   SQL_ARGUMENTS(sql_int(REGISTRY_PERSON), sql_text(slice_of(id)),
                                 sql_int(person)),
                   err);
}

static bool register_venue(struct city *city, struct sql *sql, const struct town *town,
                           uint32_t venue, struct error *err)
{
    struct random random;
    char name[96], id[16];
    random_init(&random, city->seed ^ 0x7E11, venue);
    const struct venue_category *category =
        policy_category(city->platform->policy, city->venue_category[venue]);
    const struct area *area = registry_area(city->platform->registry, town->area_no);
    snprintf(name, sizeof name, "%.*s%s%u", SLICE_ARG(area->name_zh), category->title_zh, venue);
    snprintf(id, sizeof id, "v%07u", venue);
    double latitude = town->latitude + (random_unit(&random) - 0.5) * 0.06;
    double longitude = town->longitude + (random_unit(&random) - 0.5) * 0.08;
    return sql_run(sql, &venue_insert,
                   SQL_ARGUMENTS(sql_int(venue), sql_int(town->area_no), sql_text(slice_of(name)),
                                 sql_text(slice_of(category->name)), sql_real(latitude),
                                 sql_real(longitude), sql_int(category->check_level)),
                   err) &&
           sql_run(sql, &external_insert,
                   SQL_ARGUMENTS(sql_int(REGISTRY_VENUE), sql_text(slice_of(id)), sql_int(venue)),
                   err);
}

static bool register_all(struct sql *sql, void *context, struct error *err)
{
    struct city *city = context;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    bool done = sql_run(sql, &source_insert, NULL, 0, err);
    int64_t last_household = 0;
    for (uint32_t person = 1; done && person <= city->person_count; person++) {
        int64_t household = (int64_t)person * 10 / HOUSEHOLD_TENTHS + 1;
        if (household != last_household)
            done = sql_run(sql, &household_insert,
                           SQL_ARGUMENTS(sql_int(household),
                                         sql_int(city->towns[city->town_of[person]].area_no)),
                           err);
        last_household = household;
        done = done && register_person(city, sql, person, &arena, err);
        if (person % 64 == 0)
            arena_clear(&arena);
    }
    for (size_t t = 0; done && t < city->town_count; t++)
        for (int need = 0; done && need < NEED_COUNT; need++)
            for (uint32_t k = 0; done && k < city->towns[t].venue_count[need]; k++)
                done = register_venue(city, sql, &city->towns[t],
                                      city->towns[t].first_venue[need] + k, err);
    arena_release(&arena);
    return done;
}

bool city_register(struct city *city, struct error *err)
{
    return store_write_unsynced(city->platform->store, register_all, city, err);
}

/* ---- A person's day */

static void go(const struct city *city, struct random *random, uint32_t person, uint32_t venue,
               int64_t second, struct presence_event *out, size_t *count)
{
    const struct venue_category *category =
        policy_category(city->platform->policy, city->venue_category[venue]);
    bool attended = category->check_level >= 2 || random_below(random, 100) < 12;
    bool old = city->age_of[person] >= 70;
    out[(*count)++] = (struct presence_event){
        .person = person,
        .venue = venue,
        .time = (uint32_t)second,
        .flags = scan_flags(old ? SCAN_PAPER_CODE
                                : attended ? SCAN_STAFF_SCANS_PERSON : SCAN_PERSON_SCANS_VENUE,
                            attended || old ? SCAN_ATTENDED : SCAN_CLAIMED, SCAN_PASS)};
}

static int64_t around(struct random *random, int64_t start, double hour, double spread_hours)
{
    double sum = random_unit(random) + random_unit(random) + random_unit(random) - 1.5;
    int64_t second = start + (int64_t)((hour + sum * 2 * spread_hours) * 3600);
    return second < start ? start : second > start + 86399 ? start + 86399 : second;
}

size_t city_person_day(const struct city *city, uint32_t person, int32_t day,
                       struct presence_event *out)
{
    struct random random;
    random_init(&random, city->seed + (uint64_t)day * 0x9E37u, person);
    size_t count = 0, town = city->town_of[person];
    int64_t start = time_day_start_seconds(day);
    bool weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6; /* 1970-01-01 was a Thursday */
    bool out_today = random_below(&random, 100) < 85;
    uint32_t daily = city->daily_venue[person];
    if (!out_today)
        return 0;
    if (daily && !weekend && random_below(&random, 100) < 85) {
        if (random_below(&random, 100) < 22)
            go(city, &random, person, city_pick_venue(city, &random, town, NEED_TRANSIT),
               around(&random, start, 7.4, 0.5), out, &count);
        go(city, &random, person, daily, around(&random, start, 8.1, 0.6), out, &count);
        if (random_below(&random, 100) < 25)
            go(city, &random, person, city_pick_venue(city, &random, town, NEED_FOOD),
               around(&random, start, 12.0, 0.5), out, &count);
    }
    if (random_below(&random, 100) < (weekend ? 75u : 55u))
        go(city, &random, person, city_pick_venue(city, &random, town, NEED_SHOP),
           around(&random, start, daily && !weekend ? 18.0 : 10.0, 1.6), out, &count);
    if (random_below(&random, 100) < 30)
        go(city, &random, person, city_pick_venue(city, &random, town, NEED_SHOP),
           around(&random, start, 16.0, 2.5), out, &count);
    if (random_below(&random, 100) < (weekend ? 35u : 15u))
        go(city, &random, person, city_pick_venue(city, &random, town, NEED_FOOD),
           around(&random, start, 18.3, 0.7), out, &count);
    if (random_below(&random, 100) < (weekend ? 30u : 12u))
        go(city, &random, person, city_pick_venue(city, &random, town, NEED_LEISURE),
           around(&random, start, 19.5, 1.5), out, &count);
    if (random_below(&random, 100) < 4)
        go(city, &random, person, city_pick_venue(city, &random, town, NEED_HEALTH),
           around(&random, start, 9.5, 2.0), out, &count);
    return count;
}
