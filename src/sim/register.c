/* The register of the demo city. External ids are written kind by kind in the order of their text,
 * so that both of their indexes only ever grow at the end; the one index whose keys are random (ID
 * numbers) is made when all people are in. */
#include "sim/register.h"

#include <math.h>

enum { STREAM_NAME = 0x5EED, STREAM_PLACE = 0x7E11, STREAM_STAY = 0x57A1, KM_A_DEGREE = 111 };

static const struct sql_text person_insert = {
    "sim_person_insert",
    "INSERT INTO person (person_no, area_no, household_no, unit_no, birth_year, sex, identity,"
    " id_number_index, import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
    "primary key"};
static const struct sql_text household_insert = {
    "sim_household_insert",
    "INSERT INTO household (household_no, area_no, import_no) VALUES (?1, ?2, 0)", "primary key"};
static const struct sql_text unit_insert = {
    "sim_unit_insert",
    "INSERT INTO unit (unit_no, area_no, name, category, import_no) VALUES (?1, ?2, ?3, ?4, 0)",
    "primary key"};
static const struct sql_text venue_insert = {
    "sim_venue_insert",
    "INSERT INTO venue (venue_no, area_no, unit_no, name, category, latitude, longitude,"
    " check_level, token_version, closed, import_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, 0, 0)",
    "primary key"};
static const struct sql_text vehicle_insert = {
    "sim_vehicle_insert",
    "INSERT INTO vehicle (vehicle_no, area_no, plate, unit_no, kind, import_no)"
    " VALUES (?1, ?2, ?3, ?4, 'freight', 0)",
    "primary key"};
static const struct sql_text staff_insert = {
    "sim_staff_insert",
    "INSERT INTO staff (staff_no, area_no, person_no, unit_no, role, import_no)"
    " VALUES (?1, ?2, ?3, ?4, 'venue_staff', 0)",
    "primary key"};
static const struct sql_text stay_insert = {
    "sim_stay_insert",
    "INSERT INTO person_stay (stay_no, area_no, person_no, from_at, until_at, import_no)"
    " VALUES (?1, ?2, ?3, ?4, ?5, 0)",
    "primary key"};
static const struct sql_text source_insert = {
    "sim_source_insert", "INSERT INTO source (source_no, name) VALUES (1, 'default')",
    "small table"};
static const struct sql_text external_insert = {
    "sim_external_insert",
    "INSERT INTO external_id (kind, source_no, id, no, import_no) VALUES (?1, 1, ?2, ?3, 0)",
    "external_id_by_id"};
/* as in src/registry/schema/001_registry.sql: a test compares them */
static const struct sql_text index_drop = {
    "sim_index_drop", "DROP INDEX person_by_id_number", "none"};
static const struct sql_text index_create = {
    "sim_index_create",
    "CREATE UNIQUE INDEX person_by_id_number ON person (id_number_index)"
    " WHERE id_number_index IS NOT NULL",
    "whole table"};

const struct sql_list register_statements =
    SQL_LIST(&person_insert, &household_insert, &unit_insert, &venue_insert, &vehicle_insert,
             &staff_insert, &stay_insert, &source_insert, &external_insert, &index_drop,
             &index_create);

struct registering {
    const struct city *city;
    struct sql *sql;
    struct arena arena; /* cleared now and then */
    int32_t today;
};

static bool add_external(struct registering *r, enum registry_kind kind, char letter, int digits,
                         int64_t no, struct error *err)
{
    char id[24];
    snprintf(id, sizeof id, "%c%0*lld", letter, digits, (long long)no);
    return sql_run(r->sql, &external_insert,
                   SQL_ARGUMENTS(sql_int(kind), sql_text(slice_of(id)), sql_int(no)), err);
}

static bool add_externals(struct registering *r, enum registry_kind kind, char letter, int digits,
                          uint32_t count, struct error *err)
{
    bool done = true;
    for (uint32_t no = 1; done && no <= count; no++)
        done = add_external(r, kind, letter, digits, no, err);
    return done;
}

/* ---- Persons */

void register_id_number(uint32_t person, struct profile profile, int32_t today, char out[19],
                        int *ret_birth_year)
{
    static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    enum { AREAS = 1000, DAYS = 365, PAIRS_SPREAD = 400 };
    char date[TIME_TEXT_BYTES];
    int year, this_month, this_day;
    time_format_date(today, date);
    REQUIRE(sscanf(date, "%d-%d-%d", &year, &this_month, &this_day) == 3);
    uint32_t area = (person - 1) % AREAS, row = (person - 1) / AREAS;
    uint32_t scatter = (uint32_t)random_mix(area);
    uint32_t day = (row + scatter) % DAYS, pair = row / DAYS + scatter % PAIRS_SPREAD;
    int month = 0;
    while (day >= month_days[month])
        day -= month_days[month++];
    bool to_come = month + 1 > this_month || (month + 1 == this_month && (int)day + 1 > this_day);
    *ret_birth_year = year - profile.age - to_come;
    snprintf(out, 19, "999%03u%04d%02d%02u%03u", area, *ret_birth_year, month + 1, day + 1,
             pair * 2 + (profile.flags & PERSON_MALE ? 1 : 0));
    out[17] = identity_id_check_digit(out);
    out[18] = '\0';
}

static bool add_person(struct registering *r, uint32_t person, struct profile profile,
                       uint32_t household, struct error *err)
{
    static const char *const surnames[] = {"赵", "钱", "孙", "李", "周", "吴", "郑",
                                           "王", "冯", "陈", "褚", "卫", "蒋", "沈",
                                           "韩", "杨", "朱", "秦", "许", "何"};
    const struct city *city = r->city;
    struct keys *keys = store_keys(city->platform->store);
    char name[16], number[19], phone[12];
    unsigned char index[BLIND_INDEX_BYTES];
    int birth_year;
    uint64_t draw = random_mix(city->seed ^ STREAM_NAME ^ (uint64_t)person << 20);
    snprintf(name, sizeof name, "%s%s", surnames[draw % 20], draw >> 32 & 3 ? "某某" : "某");
    register_id_number(person, profile, r->today, number, &birth_year);
    snprintf(phone, sizeof phone, "199%08u", person % 100000000u);
    blind_index(keys, "id_number", slice_of(number), index);
    struct slice plain =
        identity_pack(slice_of(name), slice_of(number), slice_of(phone), &r->arena);
    struct slice cipher = field_encrypt(keys, KEY_IDENTITY, person, plain, &r->arena);
    return sql_run(
        r->sql, &person_insert,
        SQL_ARGUMENTS(sql_int(person), sql_int(city->towns[profile.town].area_no),
                      sql_int(household),
                      profile.daily_venue ? sql_int(profile.daily_venue) : sql_null(),
                      sql_int(birth_year),
                      sql_text(profile.flags & PERSON_MALE ? SLICE("m") : SLICE("f")),
                      sql_blob(cipher),
                      sql_blob((struct slice){(const char *)index, sizeof index})),
        err);
}

static bool add_persons(struct registering *r, struct error *err)
{
    struct block block;
    bool done = sql_run(r->sql, &index_drop, NULL, 0, err);
    for (uint32_t person = 1; done && person <= r->city->person_count; person += block.count) {
        city_block(r->city, person, &block);
        for (uint32_t i = 0; done && i < block.count; i++)
            done = add_person(r, person + i, block.profile[i],
                              block.first_household + block.household[i], err);
        arena_clear(&r->arena);
    }
    return done && sql_run(r->sql, &index_create, NULL, 0, err) &&
           add_externals(r, REGISTRY_PERSON, 'p', 8, r->city->person_count, err);
}

static bool add_households(struct registering *r, struct error *err)
{
    bool done = true;
    for (size_t t = 0; done && t < r->city->town_count; t++) {
        const struct town *town = &r->city->towns[t];
        for (uint32_t k = 0; done && k < town->household_count; k++)
            done = sql_run(r->sql, &household_insert,
                           SQL_ARGUMENTS(sql_int(town->first_household + k),
                                         sql_int(town->area_no)),
                           err);
    }
    return done && add_externals(r, REGISTRY_HOUSEHOLD, 'h', 8, r->city->household_count, err);
}

/* Staff of places that are open to the public, in order of the persons. */
static bool add_staff(struct registering *r, struct error *err)
{
    const struct city *city = r->city;
    uint32_t count = 0;
    bool done = true;
    for (uint32_t person = 1; done && person <= city->person_count; person++) {
        struct profile profile = city_profile(city, person);
        if (profile.flags & PERSON_STAFF)
            done = sql_run(
                r->sql, &staff_insert,
                SQL_ARGUMENTS(sql_int(++count),
                              sql_int(city->towns[city_venue_town(city, profile.daily_venue)]
                                          .area_no),
                              sql_int(person), sql_int(profile.daily_venue)),
                err);
    }
    return done && add_externals(r, REGISTRY_STAFF, 's', 7, count, err);
}

/* Who is put up in another town: from some day of the past week, for one or two weeks. */
static bool add_stays(struct registering *r, struct error *err)
{
    const struct city *city = r->city;
    uint32_t count = 0;
    bool done = true;
    for (uint32_t person = 1; done && person <= city->person_count; person++) {
        struct random random;
        random_init(&random, city->seed ^ STREAM_STAY, person);
        if (random_unit(&random) * 1000 >= city->settings->number[STAYS_A_1000_PERSONS])
            continue;
        const struct town *town = &city->towns[random_below(&random, (uint32_t)city->town_count)];
        int32_t day = r->today - (int32_t)random_below(&random, 7);
        timestamp from = time_day_start_seconds(day) * SECOND + 14 * HOUR;
        timestamp until = from + (7 + (int64_t)random_below(&random, 8)) * DAY;
        done = sql_run(r->sql, &stay_insert,
                       SQL_ARGUMENTS(sql_int(++count), sql_int(town->area_no), sql_int(person),
                                     sql_int(from), sql_int(until)),
                       err);
    }
    return done && add_externals(r, REGISTRY_STAY, 'y', 8, count, err);
}

/* ---- Places: a unit runs each of them, with the same number */

static bool add_venue(struct registering *r, const struct town *town, uint32_t venue,
                      struct error *err)
{
    const struct city *city = r->city;
    const struct venue_kind *kind = city_venue_kind(city, venue);
    const struct venue_category *category =
        policy_category(city->platform->policy, kind->category);
    const struct area *area = registry_area(city->platform->registry, town->area_no);
    struct random random;
    char name[96], unit[110];
    random_init(&random, city->seed ^ STREAM_PLACE, venue);
    double km = city->settings->number[PLACE_RADIUS_KM] * sqrt(random_unit(&random));
    double angle = random_unit(&random) * 6.283185307179586;
    double latitude = town->latitude + km * sin(angle) / KM_A_DEGREE;
    double longitude = town->longitude + km * cos(angle) / (KM_A_DEGREE * 0.85 /* cos 31.7° */);
    snprintf(name, sizeof name, "%.*s%s%u", SLICE_ARG(area->name_zh), category->title_zh, venue);
    snprintf(unit, sizeof unit, "%s（示范）", name);
    return sql_run(r->sql, &unit_insert,
                   SQL_ARGUMENTS(sql_int(venue), sql_int(town->area_no), sql_text(slice_of(unit)),
                                 sql_text(slice_of(category->name))),
                   err) &&
           sql_run(r->sql, &venue_insert,
                   SQL_ARGUMENTS(sql_int(venue), sql_int(town->area_no), sql_int(venue),
                                 sql_text(slice_of(name)), sql_text(slice_of(category->name)),
                                 sql_real(latitude), sql_real(longitude),
                                 sql_int(category->check_level)),
                   err);
}

static bool add_venues(struct registering *r, struct error *err)
{
    const struct city *city = r->city;
    bool done = true;
    for (uint32_t venue = 1; done && venue <= city->venue_count; venue++)
        done = add_venue(r, &city->towns[city_venue_town(city, venue)], venue, err);
    return done && add_externals(r, REGISTRY_VENUE, 'v', 7, city->venue_count, err) &&
           add_externals(r, REGISTRY_UNIT, 'u', 7, city->venue_count, err);
}

/* ---- Trucks: of the units of workplaces */

void register_plate(uint32_t truck, char out[16])
{
    static const char characters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"; /* no I, O */
    enum { CHARACTERS = sizeof characters - 1 };
    uint32_t k = truck - 1, digits = k % 1000, rest = k / 1000;
    REQUIRE(rest < CHARACTERS * CHARACTERS);
    snprintf(out, 16, "苏D%c%c%03u", characters[rest % CHARACTERS],
             characters[rest / CHARACTERS], digits);
}

static bool add_trucks(struct registering *r, struct error *err)
{
    const struct city *city = r->city;
    bool done = true;
    for (uint32_t truck = 1; done && truck <= city->truck_count; truck++) {
        struct random random;
        char plate[16];
        random_init(&random, city->seed ^ STREAM_PLACE, (uint64_t)truck << 32);
        uint32_t person = 1 + random_below(&random, city->person_count);
        uint32_t unit = city_pick_venue(city, &random, city_profile(city, person).town, NEED_WORK);
        register_plate(truck, plate);
        done = sql_run(r->sql, &vehicle_insert,
                       SQL_ARGUMENTS(sql_int(truck),
                                     sql_int(city->towns[city_venue_town(city, unit)].area_no),
                                     sql_text(slice_of(plate)), sql_int(unit)),
                       err);
    }
    return done && add_externals(r, REGISTRY_VEHICLE, 't', 7, city->truck_count, err);
}

/* In the order of registry_kind, so that external ids come in order. */
static bool register_all(struct sql *sql, void *context, struct error *err)
{
    struct registering *r = context;
    r->sql = sql;
    return sql_run(sql, &source_insert, NULL, 0, err) && add_persons(r, err) &&
           add_venues(r, err) && add_households(r, err) && add_trucks(r, err) &&
           add_staff(r, err) && add_stays(r, err);
}

bool register_city(const struct city *city, struct error *err)
{
    struct platform *platform = city->platform;
    struct registering registering = {.city = city};
    registering.today = time_day_of_seconds(world_now(platform->world) / SECOND);
    arena_init(&registering.arena, 1 << 20);
    bool done = store_write_unsynced(platform->store, register_all, &registering, err);
    arena_release(&registering.arena);
    return done;
}
