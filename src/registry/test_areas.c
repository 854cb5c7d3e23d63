/* The area tree of the city: what lies where, one range a subtree, management apart from codes. */
#include <pthread.h>
#include <stdatomic.h>

#include "registry/test_support.h"

static const struct area *area_of(struct test_city *city, const char *code)
{
    const struct area *area = registry_area_by_code(city->platform.registry, slice_of(code));
    if (!area)
        fail_msg("there is no area %s", code);
    return area;
}

static bool ends_with(struct slice text, const char *end)
{
    size_t length = strlen(end);
    return text.length >= length && memcmp(text.data + text.length - length, end, length) == 0;
}

struct counts {
    size_t streets, towns, zones;
    int64_t population;
};

static void count_town(const struct area *area, struct counts *counts)
{
    bool street = ends_with(area->name_zh, "街道"), town = ends_with(area->name_zh, "镇");
    counts->streets += street;
    counts->towns += town;
    counts->zones += !street && !town;
    counts->population += area->population;
}

static void the_city_has_seven_managed_districts_with_their_streets_and_towns(void **state)
{
    (void)state;
    static const struct {
        const char *code, *gb_code;
        size_t streets, towns, zones;
    } districts[] = {{"320402", "320402", 6, 1, 0}, {"320404", "320404", 7, 1, 0},
                     {"320411", "320411", 5, 5, 0}, {"320412", "320412", 0, 8, 4},
                     {"320471", "320412", 3, 3, 0}, {"320413", "320413", 3, 6, 0},
                     {"320481", "320481", 3, 9, 0}};
    struct test_city city;
    struct arena arena;
    const struct area **areas;
    int64_t population = 0;
    arena_init(&arena, 1 << 20);
    test_city_create(&city, true);
    struct registry *registry = city.platform.registry;
    const struct area *changzhou = registry_city(registry);
    assert_true(slice_equal(changzhou->code, SLICE("320400")));
    assert_int_equal(area_level(changzhou->no), 1);
    assert_int_equal(registry_areas_under(registry, changzhou->no, &arena, &areas), 7);
    for (size_t i = 0; i < sizeof districts / sizeof *districts; i++) {
        const struct area *district = area_of(&city, districts[i].code);
        struct counts counts = {0};
        assert_true(slice_equal(district->gb_code, slice_of(districts[i].gb_code)));
        assert_int_equal(area_level(district->no), 2);
        size_t count = registry_areas_under(registry, district->no, &arena, &areas);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(area_level(areas[k]->no), 3);
            assert_true(slice_equal(areas[k]->gb_code, slice_of(districts[i].gb_code)));
            count_town(areas[k], &counts);
        }
        if (counts.streets != districts[i].streets || counts.towns != districts[i].towns ||
            counts.zones != districts[i].zones)
            fail_msg("%s: %zu streets, %zu towns, %zu zones", districts[i].code, counts.streets,
                     counts.towns, counts.zones);
        assert_true(counts.population == district->population);
        population += district->population;
    }
    assert_true(population == changzhou->population && population == 5278121);
    arena_release(&arena);
    test_city_remove(&city);
}

/* By code, 320412 holds 3 streets, 11 towns and 4 zones; by management, the Economic Development
 * Zone is a district of its own and its towns are not Wujin's. */
static void the_economic_development_zone_lies_in_320412_and_is_managed_apart(void **state)
{
    (void)state;
    struct test_city city;
    struct arena arena;
    const struct area **districts, **towns;
    struct counts by_code = {0};
    arena_init(&arena, 1 << 20);
    test_city_create(&city, true);
    struct registry *registry = city.platform.registry;
    size_t count = registry_areas_under(registry, registry_city(registry)->no, &arena, &districts);
    for (size_t i = 0; i < count; i++) {
        size_t below = registry_areas_under(registry, districts[i]->no, &arena, &towns);
        for (size_t k = 0; k < below; k++)
            if (slice_equal(towns[k]->gb_code, SLICE("320412")))
                count_town(towns[k], &by_code);
    }
    assert_int_equal(by_code.streets, 3);
    assert_int_equal(by_code.towns, 11);
    assert_int_equal(by_code.zones, 4);
    const struct area *wujin = area_of(&city, "320412"), *zone = area_of(&city, "320471");
    const struct area *qishuyan = area_of(&city, "320412001"); /* its code says Wujin */
    assert_true(qishuyan->no > zone->no && qishuyan->no <= area_range_last(zone->no));
    assert_false(qishuyan->no >= wujin->no && qishuyan->no <= area_range_last(wujin->no));
    arena_release(&arena);
    test_city_remove(&city);
}

static bool inside(const struct area *area, const struct area *above)
{
    return area->no >= above->no && area->no <= area_range_last(above->no);
}

static void a_subtree_is_one_range_and_ranges_do_not_overlap(void **state)
{
    (void)state;
    struct test_city city;
    struct arena arena;
    const struct area **districts, **towns, **others;
    arena_init(&arena, 1 << 20);
    test_city_create(&city, true);
    struct registry *registry = city.platform.registry;
    const struct area *changzhou = registry_city(registry);
    size_t count = registry_areas_under(registry, changzhou->no, &arena, &districts);
    for (size_t i = 0; i < count; i++) {
        assert_true(inside(districts[i], changzhou));
        size_t below = registry_areas_under(registry, districts[i]->no, &arena, &towns);
        for (size_t k = 0; k < below; k++)
            for (size_t d = 0; d < count; d++)
                assert_true(inside(towns[k], districts[d]) == (d == i));
    }
    assert_int_equal(registry_areas_under(registry, towns[0]->no, &arena, &others), 0);
    assert_true(area_range_last(towns[0]->no) < towns[1]->no);
    assert_null(registry_area(registry, changzhou->no + 1));
    assert_ptr_equal(registry_area(registry, towns[0]->no), towns[0]);
    assert_null(registry_area_by_code(registry, SLICE("")));
    assert_null(registry_area_by_code(registry, SLICE("32040")));
    arena_release(&arena);
    test_city_remove(&city);
}

/* ---- Importing areas */

static void an_area_never_moves_and_its_number_is_never_given_to_another(void **state)
{
    (void)state;
    struct test_city city;
    char number[24];
    test_city_create(&city, true);
    test_import(&city, "areas", "code,parent,name_zh\n320402001001,320402001,甲社区\n",
                TEST_COUNTS(1, 0, 0, 0));
    snprintf(number, sizeof number, "%lld", (long long)test_count(&city, "import"));
    int64_t first = area_of(&city, "320402001001")->no;
    assert_int_equal(area_level(first), 4);
    test_import(&city, "areas", "code,parent,name_zh\n320402001001,320402002,甲社区\n",
                TEST_COUNTS(0, 0, 0, 1));
    char *rejects = test_read(&city, "rows.csv.rejects.csv");
    assert_non_null(strstr(rejects, ",1,parent,an area is never moved"));
    free(rejects);
    assert_int_equal(test_run(&city, "import undo", number), EXIT_DONE);
    assert_null(registry_area_by_code(city.platform.registry, SLICE("320402001001")));
    test_import(&city, "areas", "code,parent,name_zh\n320402001002,320402001,乙社区\n",
                TEST_COUNTS(1, 0, 0, 0));
    assert_true(area_of(&city, "320402001002")->no == first + 1);
    test_import(&city, "areas", "code,parent,name_zh,population,latitude\n"
                                "a,320402001002,丙,,\n" /* a sixth level */
                                "b,320402001,丁,many,\nc,320402001,戊,-1,\nd,320402001,己,,91\n",
                TEST_COUNTS(0, 0, 0, 4));
    test_city_remove(&city);
}

static void areas_of_a_file_may_stand_on_each_other(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "areas",
                "code,parent,name_zh\n330000,,浙江省\n330100,330000,杭州市\n330106,330100,西湖区\n"
                "330106001,330106,某街道\n330106001001,330106001,某社区\n",
                TEST_COUNTS(5, 0, 0, 0));
    const struct area *zhejiang = area_of(&city, "330000");
    assert_true(inside(area_of(&city, "330106001001"), zhejiang));
    assert_false(inside(registry_city(city.platform.registry), zhejiang));
    assert_true(slice_equal(registry_city(city.platform.registry)->code, SLICE("320400")));
    test_city_remove(&city);
}

/* ---- Readers while areas are reloaded */

struct readers {
    struct registry *registry;
    atomic_bool stop;
    atomic_long looked;
};

static void *keep_looking(void *context)
{
    struct readers *readers = context;
    while (!atomic_load(&readers->stop)) {
        const struct area *area = registry_area_by_code(readers->registry, SLICE("320481"));
        if (!area || !slice_equal(area->name_zh, SLICE("溧阳市")) ||
            registry_area(readers->registry, area->no)->population != 782040)
            return NULL;
        atomic_fetch_add(&readers->looked, 1);
    }
    return readers;
}

static void areas_can_be_read_while_they_are_reloaded(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    pthread_t threads[2];
    test_city_create(&city, true);
    struct readers readers = {.registry = city.platform.registry};
    const struct area *held = registry_city(readers.registry);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_looking, &readers), 0);
    for (int i = 0; i < 50; i++)
        test_fail_on(registry_reload(readers.registry, &err), &err);
    while (atomic_load(&readers.looked) < 1000)
        sched_yield();
    atomic_store(&readers.stop, true);
    for (int i = 0; i < 2; i++) {
        void *good;
        pthread_join(threads[i], &good);
        assert_non_null(good);
    }
    assert_true(slice_equal(held->code, SLICE("320400"))); /* held over fifty reloads */
    test_city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_city_has_seven_managed_districts_with_their_streets_and_towns),
        cmocka_unit_test(the_economic_development_zone_lies_in_320412_and_is_managed_apart),
        cmocka_unit_test(a_subtree_is_one_range_and_ranges_do_not_overlap),
        cmocka_unit_test(an_area_never_moves_and_its_number_is_never_given_to_another),
        cmocka_unit_test(areas_of_a_file_may_stand_on_each_other),
        cmocka_unit_test(areas_can_be_read_while_they_are_reloaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
