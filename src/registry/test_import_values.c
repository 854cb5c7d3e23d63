/* Goal: values of rows. What is left out stays, who has a number keeps it, what is out of range is
 * rejected with its reason, and every source is a world of its own. */
#include <sys/wait.h>
#include <zlib.h>
#include "base/random.h"
#include "registry/test_support.h"

/* ---- What an import leaves out, and who else has the number */

static struct person person_of(struct test_city *city, const char *id, struct arena *arena)
{
    struct error err;
    struct sql *sql;
    struct person person = {0};
    uint32_t no = (uint32_t)test_number_of(city, REGISTRY_PERSON, id);
    test_fail_on(store_read_begin(city->platform.store, &sql, &err), &err);
    test_fail_on(registry_person(&city->platform, sql, no, arena, &person, &err), &err);
    store_read_end(city->platform.store, sql);
    return person;
}

static void what_a_row_leaves_out_stays_as_it_is(void **state)
{
    (void)state;
    struct test_city city;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    test_city_create(&city, true);
    test_import(&city, "households", "household_id,area\nh1,320402001\n", TEST_COUNTS(1, 0, 0, 0));
    test_import(&city, "units", "unit_id,area,name\nu1,320411,常州某厂\n", TEST_COUNTS(1, 0, 0, 0));
    test_import(&city, "persons",
                "person_id,area,birth_year,sex,household_id,unit_id,name,id_number,phone\n"
                "p1,320402001,1949,f,h1,u1,张三丰,11010519491231002x,13812345678\n",
                TEST_COUNTS(1, 0, 0, 0));
    test_import(&city, "persons", "person_id,area\np1,320413\n", TEST_COUNTS(0, 1, 0, 0));
    test_import(&city, "persons", "person_id,phone\np1,13900000000\n", TEST_COUNTS(0, 1, 0, 0));
    struct person person = person_of(&city, "p1", &arena);
    assert_true(slice_equal(person.name, SLICE("张三丰")));
    assert_true(slice_equal(person.id_number, SLICE("11010519491231002X")));
    assert_true(slice_equal(person.phone, SLICE("13900000000")));
    assert_int_equal(person.birth_year, 1949);
    const struct area *area = registry_area(city.platform.registry, person.area_no);
    assert_true(slice_equal(area->code, SLICE("320413")));
    test_import(&city, "areas", "code,name_zh\n320402,天宁区\n", TEST_COUNTS(0, 0, 1, 0));
    assert_true(registry_area_by_code(city.platform.registry, SLICE("320402"))->population ==
                666477);
    arena_release(&arena);
    test_city_remove(&city);
}

static void two_people_never_share_an_identity_number(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "persons",
                "person_id,id_number\na,11010519491231002X\nb,11010519491231002x\n",
                TEST_COUNTS(1, 0, 0, 1));
    char *rejects = test_read(&city, "rows.csv.rejects.csv");
    assert_non_null(strstr(rejects, ",2,id_number,another person has this ID number"));
    free(rejects);
    struct error err;
    struct sql *sql;
    uint32_t no;
    test_fail_on(store_read_begin(city.platform.store, &sql, &err), &err);
    test_fail_on(registry_person_by_id_number(&city.platform, sql, SLICE("11010519491231002X"),
                                              &no, &err),
                 &err);
    assert_int_equal(no, test_number_of(&city, REGISTRY_PERSON, "a"));
    test_fail_on(registry_person_by_id_number(&city.platform, sql, SLICE("440524188001010014"),
                                              &no, &err),
                 &err);
    assert_int_equal(no, 0);
    store_read_end(city.platform.store, sql);
    test_city_remove(&city);
}

static void a_withdrawn_county_is_a_warning_and_999_only_for_demo_cities(void **state)
{
    (void)state;
    struct test_city city;
    char withdrawn[19] = "32040519800101001", synthetic[19] = "99940219800101001", text[200];
    withdrawn[17] = identity_id_check_digit(withdrawn);
    synthetic[17] = identity_id_check_digit(synthetic);
    for (int demo = 0; demo < 2; demo++) {
        test_city_create(&city, demo);
        snprintf(text, sizeof text, "person_id,id_number\na,%s\nb,%s\n", withdrawn, synthetic);
        test_import(&city, "persons", text, TEST_COUNTS(demo ? 2 : 1, 0, 0, demo ? 0 : 1));
        assert_true(test_count(&city, "warnings") == 1);
        assert_non_null(strstr(city.words.data, "warning: unknown county"));
        assert_non_null(strstr(city.words.data, "row 1, field id_number"));
        test_city_remove(&city);
    }
}

/* Values that no row may bring in. */
static void values_out_of_range_are_rejected(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_import(&city, "venues",
                "venue_id,name,category,lat,lon,check_level\n"
                "a,x,park,90.1,0,0\nb,x,park,0,-180.5,0\nc,x,park,0,0,4\nd,x,park,0,0,-1\n"
                "e,x,park,nan,0,0\nf,x,park,inf,0,0\ng,x,park,1,1,2.5\nh,,park,1,1,1\n"
                "i,x,park,1e1,1,1\n",
                TEST_COUNTS(1, 0, 0, 8));
    test_import(&city, "persons",
                "person_id,birth_year\na,1899\nb,2101\nc,19x0\nd,1969\n",
                TEST_COUNTS(1, 0, 0, 3));
    test_city_remove(&city);
}

static void a_new_venue_starts_with_the_check_level_of_its_category(void **state)
{
    (void)state;
    struct test_city city;
    struct arena arena;
    struct error err;
    struct sql *sql;
    struct venue venue;
    arena_init(&arena, 1 << 20);
    test_city_create(&city, true);
    test_import(&city, "venues", "venue_id,name,category,check_level\n"
                "a,x,hospital,\nb,x,,\nc,x,school,0\n",
                TEST_COUNTS(3, 0, 0, 0));
    static const struct {
        const char *id;
        int level;
    } rows[] = {{"a", 2}, {"b", 1}, {"c", 0}};
    for (size_t i = 0; i < 3; i++) {
        uint32_t no = (uint32_t)test_number_of(&city, REGISTRY_VENUE, rows[i].id);
        test_fail_on(store_read_begin(city.platform.store, &sql, &err), &err);
        test_fail_on(registry_venue(sql, no, &arena, &venue, &err), &err);
        store_read_end(city.platform.store, sql);
        assert_int_equal(venue.check_level, rows[i].level);
    }
    arena_release(&arena);
    test_city_remove(&city);
}

/* ---- Sources are worlds of their own */

static void external_ids_belong_to_their_source(void **state)
{
    (void)state;
    struct test_city city;
    test_city_create(&city, true);
    test_put(&city, "rows.csv", "person_id,sex\na,m\n");
    assert_int_equal(test_run(&city, "import", "persons", "rows.csv", "--source", "police"),
                     EXIT_DONE);
    assert_true(test_count(&city, "inserted") == 1);
    test_import(&city, "persons", "person_id,sex\na,f\n", TEST_COUNTS(1, 0, 0, 0));
    assert_int_equal(test_run(&city, "export", "persons", "--source", "police"), EXIT_DONE);
    assert_non_null(strstr(city.out.data, "\na,320400,,m,,\n"));
    test_import(&city, "staff", "staff_id,person_id,unit_id\ns,a,u\n", TEST_COUNTS(0, 0, 0, 1));
    test_city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_row_leaves_out_stays_as_it_is),
        cmocka_unit_test(two_people_never_share_an_identity_number),
        cmocka_unit_test(a_withdrawn_county_is_a_warning_and_999_only_for_demo_cities),
        cmocka_unit_test(values_out_of_range_are_rejected),
        cmocka_unit_test(a_new_venue_starts_with_the_check_level_of_its_category),
        cmocka_unit_test(external_ids_belong_to_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
