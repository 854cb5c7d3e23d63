/* Goal: the people and places of the demo city have the published aggregates, at every size, and
 * are the same whenever they are asked for. Four kinds of checks: extremes, conservation,
 * concordance of independent ways, within some standard errors. */
#include <math.h>

#include "sim/register.h"
#include "sim/test_support.h"

static struct demo demo;

static int create(void **state)
{
    (void)state;
    demo_create(&demo, 7);
    return 0;
}
static int discard(void **state)
{
    (void)state;
    demo_remove(&demo);
    return 0;
}

static struct city *city_of(int64_t people, bool cache)
{
    struct error err;
    struct city *city = NULL;
    done_or_fail(city_open(&demo.platform, people, 7, cache, &city, &err), &err);
    return city;
}

static void near(double value, double expected, double standard_error)
{
    if (fabs(value - expected) > 4.5 * standard_error)
        fail_msg("%g is %.1f standard errors from %g", value,
                 fabs(value - expected) / standard_error, expected);
}

/* ---- Who lives where */

static void every_district_has_its_share_of_people(void **state)
{
    (void)state;
    enum { PEOPLE = 527812 }; /* a tenth of the census */
    struct city *city = city_of(PEOPLE, false);
    const struct area *whole = registry_city(demo.platform.registry);
    const struct area **districts;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    size_t count =
        registry_areas_under(demo.platform.registry, whole->no, &arena, &districts);
    assert_int_equal(count, 7);
    int64_t all = 0, towns_all = 0;
    for (size_t d = 0; d < count; d++)
        all += districts[d]->population;
    for (size_t d = 0; d < count; d++) {
        int64_t people = 0;
        for (size_t t = 0; t < city->town_count; t++)
            if (city->towns[t].area_no > districts[d]->no &&
                city->towns[t].area_no <= area_range_last(districts[d]->no))
                people += city->towns[t].person_count;
        double expected = (double)PEOPLE * (double)districts[d]->population / (double)all;
        /* towns' populations are the districts', rounded a town */
        assert_true(fabs((double)people - expected) <= 12);
        towns_all += people;
    }
    assert_int_equal(towns_all, PEOPLE);
    arena_release(&arena);
    city_close(city);
}

static void households_have_two_point_seven_persons_and_one_grown_up(void **state)
{
    (void)state;
    struct city *city = city_of(54321, false);
    uint32_t households = 0, expected = 1, persons = 0;
    struct block block;
    for (uint32_t person = 1; person <= city->person_count; person += block.count) {
        city_block(city, person, &block);
        assert_int_equal(block.first_person, person);
        assert_int_equal(block.first_household, expected);
        persons += block.count;
        for (uint32_t i = 0; i < block.count; i++) {
            bool head = i == 0 || block.household[i] != block.household[i - 1];
            households += head;
            expected += head;
            if (head)
                assert_true(block.profile[i].age >= 18);
        }
    }
    assert_int_equal(persons, 54321);
    assert_int_equal(households, city->household_count);
    double mean = (double)persons / households;
    assert_true(fabs(mean - city->settings->number[PERSONS_A_HOUSEHOLD]) < 0.02);
    city_close(city);
}

static void housemates_agree_with_each_other(void **state)
{
    (void)state;
    struct city *city = city_of(1000, false);
    for (uint32_t person = 1; person <= 1000; person++) {
        uint32_t mates[HOUSEHOLD_MAX], theirs[HOUSEHOLD_MAX];
        size_t count = city_housemates(city, person, mates);
        for (size_t i = 0; i < count; i++) {
            size_t back = city_housemates(city, mates[i], theirs);
            bool found = false;
            for (size_t k = 0; k < back; k++)
                found |= theirs[k] == person;
            assert_true(found);
            assert_int_equal(back, count);
            assert_int_equal(city_area_of(city, person), city_area_of(city, mates[i]));
        }
    }
    city_close(city);
}

static void ages_and_sexes_have_the_shares_of_the_census(void **state)
{
    (void)state;
    enum { PEOPLE = 200000 };
    struct city *city = city_of(PEOPLE, true);
    double in_group[3] = {0}, male = 0;
    for (uint32_t person = 1; person <= PEOPLE; person++) {
        struct profile profile = city->profiles[person];
        in_group[profile.age < 15 ? 0 : profile.age < 60 ? 1 : 2]++;
        male += (profile.flags & PERSON_MALE) != 0;
    }
    static const double shares[3] = {0.13, 0.63, 0.24};
    for (int g = 0; g < 3; g++)
        near(in_group[g] / PEOPLE, shares[g], sqrt(shares[g] * (1 - shares[g]) / PEOPLE));
    near(male / PEOPLE, 0.5138, sqrt(0.25 / PEOPLE));
    city_close(city);
}

static void a_profile_is_the_same_from_memory_and_made_anew(void **state)
{
    (void)state;
    struct city *kept = city_of(30000, true), *made = city_of(30000, false);
    for (uint32_t person = 1; person <= 30000; person += 7) {
        struct profile a = city_profile(kept, person), b = city_profile(made, person);
        assert_int_equal(a.daily_venue, b.daily_venue);
        assert_int_equal(a.age, b.age);
        assert_int_equal(a.town, b.town);
        assert_int_equal(a.flags, b.flags);
    }
    city_close(kept);
    city_close(made);
}

static void id_numbers_are_good_and_nobody_shares_one(void **state)
{
    (void)state;
    enum { PEOPLE = 120000, SLOTS = 1 << 19 };
    struct city *city = city_of(PEOPLE, true);
    int32_t today = time_day_of_seconds(demo.now / SECOND);
    uint64_t *seen = x_alloc(SLOTS, sizeof *seen);
    for (uint32_t person = 1; person <= PEOPLE; person++) {
        char number[19], normal[19], year[5];
        const char *warning;
        struct error err;
        int birth_year;
        struct profile profile = city->profiles[person];
        register_id_number(person, profile, today, number, &birth_year);
        done_or_fail(identity_check_id_number(slice_of(number), today, true, normal, &warning,
                                              &err),
                     &err);
        assert_memory_equal(number, "999", 3);
        snprintf(year, sizeof year, "%d", birth_year);
        assert_memory_equal(number + 6, year, 4);
        assert_int_equal((number[16] - '0') % 2, profile.flags & PERSON_MALE ? 1 : 0);
        assert_in_range(2022 - birth_year - profile.age, 0, 1);
        uint64_t value = strtoull(number, NULL, 10) / (number[17] == 'X' ? 1 : 10);
        size_t slot = random_mix(value) % SLOTS;
        while (seen[slot] && seen[slot] != value)
            slot = (slot + 1) % SLOTS;
        assert_true(seen[slot] != value);
        seen[slot] = value;
    }
    free(seen);
    city_close(city);
}

/* The numbers beyond the people of a test: rows of one area code up to sixteen million people. */
static void id_numbers_stay_apart_up_to_sixteen_million(void **state)
{
    (void)state;
    char (*numbers)[19] = x_alloc(16000, sizeof *numbers);
    for (uint32_t row = 0; row < 16000; row++) {
        int year;
        register_id_number(row * 1000 + 13, (struct profile){.age = 30}, 19096,
                           numbers[row], &year);
    }
    qsort(numbers, 16000, sizeof *numbers, (int (*)(const void *, const void *))strcmp);
    for (uint32_t row = 1; row < 16000; row++)
        assert_string_not_equal(numbers[row - 1], numbers[row]);
    free(numbers);
}

static void plates_are_good_and_differ(void **state)
{
    (void)state;
    char last[16] = "";
    for (uint32_t truck = 1; truck <= 800000; truck += 997) {
        char plate[16], normal[16];
        struct error err;
        register_plate(truck, plate);
        done_or_fail(identity_check_plate(slice_of(plate), normal, &err), &err);
        assert_string_not_equal(plate, last);
        snprintf(last, sizeof last, "%s", plate);
    }
}

/* ---- Places */

static void a_hundred_people_have_a_place_for_every_need(void **state)
{
    (void)state;
    struct city *city = city_of(100, false);
    struct random random;
    random_init(&random, 1, 1);
    for (int need = 0; need < NEED_COUNT; need++)
        for (size_t town = 0; town < city->town_count; town++) {
            uint32_t venue = city_pick_venue(city, &random, town, (enum need)need);
            assert_in_range(venue, 1, city->venue_count);
            assert_int_equal(city_venue_kind(city, venue)->need, need);
        }
    city_close(city);
}

static void few_places_have_most_visits(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    struct city *city = city_of(300000, false);
    const struct town *town = &city->towns[3];
    uint32_t places = town->venue_count[NEED_SHOP];
    double top = 0, near_home = 0;
    struct random random;
    random_init(&random, 2, 2);
    assert_true(places >= 40);
    for (int i = 0; i < DRAWS; i++) {
        uint32_t venue = city_pick_venue(city, &random, 3, NEED_SHOP);
        bool here = venue >= town->first_venue[NEED_SHOP] &&
                    venue < town->first_venue[NEED_SHOP] + places;
        near_home += here;
        top += here && venue - town->first_venue[NEED_SHOP] < places / 10;
    }
    /* u³ < 0.1 for u < 0.1^(1/3) */
    double share = cbrt((double)(places / 10) / places);
    near(top / near_home, share, sqrt(share * (1 - share) / near_home));
    assert_true(near_home / DRAWS > 0.85 && near_home / DRAWS < 0.9);
    city_close(city);
}

/* ---- Days */

struct day_count {
    double visits, by_hour[24], school, people;
};

static struct day_count count_day(const struct city *city, const char *date)
{
    struct day_count out = {.people = city->person_count};
    struct city_visit visits[CITY_VISITS_MAX];
    int32_t day;
    assert_true(time_parse_date(slice_of(date), &day));
    for (uint32_t person = 1; person <= city->person_count; person++) {
        size_t count = city_person_day(city, person, city_profile(city, person), day, visits);
        for (size_t i = 0; i < count; i++) {
            assert_in_range(visits[i].venue, 1, city->venue_count);
            assert_in_range(visits[i].second, 0, 86399);
            out.visits++;
            out.by_hour[visits[i].second / 3600]++;
            out.school += city_venue_kind(city, visits[i].venue)->need == NEED_SCHOOL;
        }
    }
    return out;
}

static void a_working_day_has_its_rhythm_and_two_scans_a_person(void **state)
{
    (void)state;
    struct city *city = city_of(40000, true);
    struct day_count day = count_day(city, "2022-04-13"); /* a Wednesday */
    assert_true(day.visits / day.people > 1.75 && day.visits / day.people < 2.05);
    double morning = day.by_hour[7] + day.by_hour[8], evening = day.by_hour[17] + day.by_hour[18];
    double night = 0;
    for (int hour = 0; hour < 5; hour++)
        night += day.by_hour[hour];
    assert_true(morning / day.visits > 0.25);
    assert_true(evening / day.visits > 0.12);
    assert_true(night / day.visits < 0.01);
    city_close(city);
}

static void schools_are_empty_on_sunday_save_for_those_who_work_there(void **state)
{
    (void)state;
    struct city *city = city_of(40000, true);
    struct day_count work = count_day(city, "2022-04-13"), rest = count_day(city, "2022-04-10");
    assert_true(work.school > 3000);
    assert_true(rest.school < work.school * 0.05);
    assert_true(rest.by_hour[7] < work.by_hour[7] / 2);
    for (uint32_t person = 1; person <= city->person_count; person++) {
        struct profile profile = city->profiles[person];
        struct city_visit visits[CITY_VISITS_MAX];
        int32_t sunday;
        assert_true(time_parse_date(SLICE("2022-04-10"), &sunday));
        if (profile.flags & PERSON_WORKS || !profile.daily_venue)
            continue;
        size_t count = city_person_day(city, person, profile, sunday, visits);
        for (size_t i = 0; i < count; i++)
            assert_true(visits[i].venue != profile.daily_venue || profile.age >= 18);
    }
    city_close(city);
}

/* ---- Mass testing */

static void everybody_is_swabbed_once_in_three_days_or_never(void **state)
{
    (void)state;
    struct city *city = city_of(5003, true);
    double never = 0;
    for (uint32_t person = 1; person <= city->person_count; person++) {
        int swabs = 0;
        int64_t second;
        for (int32_t day = 19090; day < 19093; day++)
            swabs += screening_on(city, person, city->profiles[person], day, &second);
        assert_int_equal(swabs, city->profiles[person].flags & PERSON_UNTESTED ? 0 : 1);
        never += swabs == 0;
    }
    near(never / 5003, 0.06, sqrt(0.06 * 0.94 / 5003));
    city_close(city);
}

static void tubes_of_a_day_are_those_of_its_people(void **state)
{
    (void)state;
    struct city *city = city_of(5003, true);
    int64_t start = time_day_start_seconds(19095);
    uint32_t tubes[1024];
    size_t found = 0;
    uint8_t *seen = x_alloc(city->person_count + 11, 1);
    for (int64_t second = start; second < start + 86400; second += 137) {
        int64_t last = second + 137 < start + 86400 ? second + 137 : start + 86400;
        size_t count = screening_tubes_between(city, second, last, tubes + found, 1024 - found);
        for (size_t i = found; i < found + count; i++)
            seen[tubes[i]]++;
        found += count;
    }
    size_t expected = 0;
    for (uint32_t person = 1; person <= city->person_count; person += 10) {
        int64_t second;
        bool on = screening_on(city, person, (struct profile){0}, 19095, &second);
        assert_int_equal(seen[person], on);
        expected += on;
    }
    assert_int_equal(found, expected);
    free(seen);
    city_close(city);
}

static void the_last_known_swab_is_found_without_looking_for_it(void **state)
{
    (void)state;
    struct city *city = city_of(3000, true);
    struct random random;
    random_init(&random, 3, 3);
    for (int i = 0; i < 2000; i++) {
        uint32_t person = 1 + random_below(&random, 3000);
        struct profile profile = city->profiles[person];
        int64_t now = time_day_start_seconds(19090) + random_below(&random, 5 * 86400);
        int64_t expected = 0, swab;
        for (int32_t day = 19080; day <= 19096; day++)
            if (screening_on(city, person, profile, day, &swab) &&
                screening_reported(city, person, swab) <= now)
                expected = swab;
        assert_int_equal(screening_known(city, person, profile, now), expected);
        if (screening_next(city, person, profile, now, &swab)) {
            int64_t again;
            assert_true(swab >= now && swab < now + 3 * 86400);
            assert_true(screening_on(city, person, profile, time_day_of_seconds(swab), &again));
            assert_int_equal(swab, again);
        }
    }
    city_close(city);
}

/* ---- Settings */

static void settings_with_a_fault_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *number, *key;
        double value;
        const char *text;
    } faults[] = {
        {"male_percent", "value", 101, NULL},       {"male_percent", "value", -1, NULL},
        {"male_percent", "unit", 0, "persons"},     {"male_percent", "source", 0, ""},
        {"latent_hours_max", "value", 24.5, "low"}, {"no_such_number", NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        json_t *document = NULL;
        struct settings *settings;
        struct error err = {0};
        done_or_fail(policy_document_read(-1, "policies/demo_city.yaml", &document, &err), &err);
        json_t *numbers = json_object_get(document, "numbers");
        json_t *entry = json_object_get(numbers, faults[i].number);
        if (!faults[i].key)
            json_object_set_new(numbers, faults[i].number, json_object());
        else if (strcmp(faults[i].key, "value") == 0)
            json_object_set_new(entry, "value", json_real(faults[i].value));
        else
            json_object_set_new(entry, faults[i].key, json_string(faults[i].text));
        if (faults[i].text && strcmp(faults[i].text, "low") == 0)
            json_object_set_new(json_object_get(numbers, "latent_hours_min"), "value",
                                json_integer(200));
        assert_false(settings_read(document, demo.platform.policy, &settings, &err));
        assert_int_equal(err.code, ERROR_BAD_VALUE);
        assert_string_equal(err.field, faults[i].number);
        json_decref(document);
    }
}

static void lists_with_a_fault_are_refused_by_row(void **state)
{
    (void)state;
    static const char *const lists[] = {"ages", "daily", "venues", "visits",
                                        "series", "rises", "matters"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *document = NULL;
        struct settings *settings;
        struct error err = {0};
        done_or_fail(policy_document_read(-1, "policies/demo_city.yaml", &document, &err), &err);
        json_object_set_new(json_array_get(json_object_get(document, lists[i]), 1), "more",
                            json_true());
        assert_false(settings_read(document, demo.platform.policy, &settings, &err));
        assert_int_equal(err.row, 2);
        assert_string_equal(err.source, "policies/demo_city.yaml");
        json_decref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_district_has_its_share_of_people),
        cmocka_unit_test(households_have_two_point_seven_persons_and_one_grown_up),
        cmocka_unit_test(housemates_agree_with_each_other),
        cmocka_unit_test(ages_and_sexes_have_the_shares_of_the_census),
        cmocka_unit_test(a_profile_is_the_same_from_memory_and_made_anew),
        cmocka_unit_test(id_numbers_are_good_and_nobody_shares_one),
        cmocka_unit_test(id_numbers_stay_apart_up_to_sixteen_million),
        cmocka_unit_test(plates_are_good_and_differ),
        cmocka_unit_test(a_hundred_people_have_a_place_for_every_need),
        cmocka_unit_test(few_places_have_most_visits),
        cmocka_unit_test(a_working_day_has_its_rhythm_and_two_scans_a_person),
        cmocka_unit_test(schools_are_empty_on_sunday_save_for_those_who_work_there),
        cmocka_unit_test(everybody_is_swabbed_once_in_three_days_or_never),
        cmocka_unit_test(tubes_of_a_day_are_those_of_its_people),
        cmocka_unit_test(the_last_known_swab_is_found_without_looking_for_it),
        cmocka_unit_test(settings_with_a_fault_are_refused_by_name),
        cmocka_unit_test(lists_with_a_fault_are_refused_by_row),
    };
    return cmocka_run_group_tests(tests, create, discard);
}
