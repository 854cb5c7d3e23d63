/* Evidence in and out: the closed list of kinds, references, what is never changed, and taking
 * back. */
#include "registry/test_support.h"
#include "status/status.h"

#define HEADER                                                                                     \
    "evidence_id,person_id,kind,recorded_at,at,until,of,detail,tube_size,reason_code,requester,"   \
    "approvers\n"
#define T(day, hour) "2022-04-" day "T" hour ":00:00+08:00"

/* One good row a kind; the lift stands before the resident that it names. */
static const char every_kind[] =
    HEADER "l,p2,risk_area_lift," T("10", "08") "," T("10", "08") ",,r,,,,,\n"
           "c,p1,case," T("01", "08") "," T("01", "07") ",,,,,,,\n"
           "d,p1,discharge," T("09", "08") "," T("09", "08") ",,c,,,,,\n"
           "k,p2,close_contact," T("01", "08") "," T("01", "07") ",,,,,,,\n"
           "s,p3,secondary_contact," T("01", "08") "," T("01", "07") ",,,,,,,\n"
           "q,p3,source_positive," T("02", "08") "," T("02", "07") ",,s,,,,,\n"
           "i,p4,inbound," T("01", "08") "," T("01", "07") ",,,,,,,\n"
           "a,p4,area_stay," T("01", "08") "," T("01", "07") ",,,high,,,,\n"
           "r,p2,risk_area_resident," T("01", "08") "," T("01", "07") ",,,mid,,,,\n"
           "z,p5,zone_resident," T("01", "08") "," T("01", "07") ",,,lockdown,,,,\n"
           "y,p5,zone_lift," T("05", "08") "," T("05", "08") ",,z,,,,,\n"
           "t,p5,spatiotemporal," T("01", "08") "," T("01", "07") ",,,,,,,\n"
           "m,p5,symptoms," T("01", "08") "," T("01", "07") ",,,,,,,\n"
           "o,p5,isolation_post," T("01", "08") "," T("01", "07") "," T("03", "07") ",,,,,,\n"
           "n,p5,pcr," T("02", "08") "," T("01", "20") "," T("02", "07") ",,negative,10,,,\n"
           "v,p2,override," T("11", "08") "," T("11", "08") "," T("14", "20")
           ",,yellow,,lab_error,sun,zhou;qian\n"
           "x,p2,annul," T("13", "08") "," T("13", "08") ",,k,,,,,\n";
enum { KINDS = 17 };

static void city_make(struct test_city *city)
{
    struct error err;
    test_city_create(city, true);
    test_import(city, "persons", "person_id\np1\np2\np3\np4\np5\n", TEST_COUNTS(5, 0, 0, 0));
    test_fail_on(status_open(&city->platform, &city->platform.status, &err), &err);
}
static void city_remove(struct test_city *city)
{
    status_free(city->platform.status);
    city->platform.status = NULL;
    test_city_remove(city);
}
static enum color color_of(struct test_city *city, uint32_t person)
{
    return (enum color)status_get(city->platform.status, (struct person_no){person},
                                  city->world.fixed)
        .color;
}
static void assert_verified(struct test_city *city)
{
    struct error err;
    int64_t checked, wrong;
    test_fail_on(status_verify(city->platform.status, &checked, &wrong, &err), &err);
    assert_int_equal(wrong, 0);
}

static void every_kind_comes_in_once_and_moves_the_table(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    assert_int_equal(KINDS, EVIDENCE_KIND_COUNT);
    test_import(&city, "evidence", every_kind, TEST_COUNTS(KINDS, 0, 0, 0));
    assert_int_equal(color_of(&city, 1), COLOR_RED);
    assert_int_equal(color_of(&city, 2), COLOR_YELLOW); /* red, lowered by the override */
    assert_int_equal(color_of(&city, 3), COLOR_RED);
    assert_verified(&city);
    test_import(&city, "evidence", every_kind, TEST_COUNTS(0, 0, KINDS, 0));
    assert_verified(&city);
    city_remove(&city);
}

static void a_known_piece_is_never_changed(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    test_import(&city, "evidence", every_kind, TEST_COUNTS(KINDS, 0, 0, 0));
    test_import(&city, "evidence",
                HEADER "c,p1,case," T("01", "08") "," T("01", "06") ",,,,,,,\n"
                       "k,p1,close_contact," T("01", "08") "," T("01", "07") ",,,,,,,\n"
                       "v,p2,override," T("11", "08") "," T("11", "08") "," T("14", "20")
                       ",,yellow,,lab_error,sun,zhou;li\n",
                TEST_COUNTS(0, 0, 0, 3));
    assert_int_equal(color_of(&city, 1), COLOR_RED);
    city_remove(&city);
}

static void what_is_no_health_evidence_has_no_way_in(void **state)
{
    (void)state;
    static const struct {
        const char *row, *field, *reason;
    } rows[] = {
        {"e,p1,venue_scan," T("01", "08") "," T("01", "08") ",,,,,,,", "kind",
         "unknown evidence kind"},
        {"e,p1,depositor," T("01", "08") "," T("01", "08") ",,,red,,,,", "kind",
         "unknown evidence kind"},
        {"e,p1,," T("01", "08") "," T("01", "08") ",,,,,,,", "kind", "missing"},
        {"e,p9,case," T("01", "08") "," T("01", "08") ",,,,,,,", "person_id",
         "no such person in this source"},
        {"e,p1,case,2022-04-01," T("01", "08") ",,,,,,,", "recorded_at",
         "not an RFC 3339 time with its offset"},
        {"e,p1,case," T("01", "08") ",,,,,,,,", "at", "missing"},
        {"e,p1,case," T("01", "08") "," T("01", "08") ",,,red,,,,", "detail",
         "this kind has no such field"},
        {"e,p1,pcr," T("01", "08") "," T("01", "08") "," T("01", "09") ",,maybe,1,,,", "detail",
         "not a value of this kind"},
        {"e,p1,pcr," T("01", "08") "," T("01", "08") "," T("01", "09") ",,negative,101,,,",
         "tube_size", "not a whole number from 1 to 100"},
        {"e,p1,pcr," T("01", "08") "," T("01", "08") "," T("01", "09") ",,negative,,,,",
         "tube_size", "missing"},
        {"e,p1,discharge," T("01", "08") "," T("01", "08") ",,nobody,,,,,", "of",
         "no such piece in this source"},
        {"e,p1,discharge," T("01", "08") "," T("01", "08") ",,k,,,,,", "of",
         "it is a piece about another person"},
        {",p1,case," T("01", "08") "," T("01", "08") ",,,,,,,", "evidence_id", "missing"},
        {"e,p1,override," T("01", "08") "," T("01", "08") "," T("02", "08")
         ",,red,,lab_error,sun,zhou;qian",
         "detail", "not a value of this kind"},
        {"e,p1,override," T("01", "08") "," T("01", "08") "," T("02", "08")
         ",,green,,lab_error,sun,zhou;;qian",
         "approvers", "missing or not a name"},
    };
    struct test_city city;
    city_make(&city);
    test_import(&city, "evidence", every_kind, TEST_COUNTS(KINDS, 0, 0, 0));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024], wanted[200];
        snprintf(text, sizeof text, "%s%s\n", HEADER, rows[i].row);
        test_import(&city, "evidence", text, TEST_COUNTS(0, 0, 0, 1));
        char *rejects = test_read(&city, "rows.csv.rejects.csv");
        snprintf(wanted, sizeof wanted, ",1,%s,", rows[i].field);
        if (!strstr(rejects, wanted) || !strstr(rejects, rows[i].reason))
            fail_msg("row %zu: %s", i, rejects);
        free(rejects);
    }
    assert_verified(&city);
    city_remove(&city);
}

static void undo_takes_evidence_back_and_the_table_with_it(void **state)
{
    (void)state;
    struct test_city city;
    char number[24];
    city_make(&city);
    test_import(&city, "evidence", HEADER "c,p4,case," T("01", "08") "," T("01", "07") ",,,,,,,\n",
                TEST_COUNTS(1, 0, 0, 0));
    snprintf(number, sizeof number, "%lld", (long long)test_count(&city, "import"));
    test_import(&city, "evidence",
                HEADER "m,p5,symptoms," T("01", "08") "," T("01", "07") ",,,,,,,\n",
                TEST_COUNTS(1, 0, 0, 0));
    assert_int_equal(color_of(&city, 4), COLOR_RED);
    assert_int_equal(test_run(&city, "import undo", number), EXIT_DONE);
    assert_true(test_count(&city, "removed") == 1);
    assert_int_equal(color_of(&city, 4), COLOR_GREEN);
    assert_int_equal(color_of(&city, 5), COLOR_YELLOW);
    assert_verified(&city);
    test_import(&city, "evidence", HEADER "c,p4,case," T("01", "08") "," T("01", "07") ",,,,,,,\n",
                TEST_COUNTS(1, 0, 0, 0));
    assert_int_equal(color_of(&city, 4), COLOR_RED);
    city_remove(&city);
}

/* It stays allowed, since a city's history is loaded so; and it is seen. The city stands still at
 * 2022-04-14T14:30+08:00. */
static void what_changes_the_past_is_told_by_the_record_of_the_import(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
#define SYMPTOMS(id, recorded) id ",p4,symptoms," recorded "," T("01", "07") ",,,,,,,\n"
    static const char rows[] = HEADER SYMPTOMS("x", "2022-04-14T13:31:00+08:00")
        SYMPTOMS("y", "2022-04-14T13:29:00+08:00") SYMPTOMS("z", T("01", "08"));
    test_import(&city, "evidence", rows, TEST_COUNTS(3, 0, 0, 0));
    assert_int_equal(test_audits(&city, "evidence.import", "%inserted:3,%,backdated:2"), 1);
    test_import(&city, "evidence", rows, TEST_COUNTS(0, 0, 3, 0)); /* changes nothing */
    assert_int_equal(test_audits(&city, "evidence.import", "%backdated%"), 1);
    assert_int_equal(test_audits(&city, "evidence.import", "%unchanged:3%"), 1);
    assert_int_equal(test_run(&city, "export", "evidence"), EXIT_DONE);
    assert_int_equal(test_audits(&city, "evidence.exported", "%"), 1);
    city_remove(&city);
}

static void a_dry_run_of_evidence_changes_no_colour(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    test_put(&city, "rows.csv", every_kind);
    assert_int_equal(test_run(&city, "import", "evidence", "rows.csv", "--dry-run"), EXIT_DONE);
    assert_true(test_count(&city, "inserted") == KINDS);
    for (uint32_t person = 1; person <= 5; person++)
        assert_int_equal(color_of(&city, person), COLOR_GREEN);
    assert_int_equal(test_run(&city, "export", "evidence"), EXIT_DONE);
    assert_int_equal(strchr(city.out.data, '\n') - city.out.data + 1, city.out.length);
    city_remove(&city);
}

static void exported_evidence_goes_in_and_comes_out_equal(void **state)
{
    (void)state;
    static const char *const formats[] = {"csv", "ndjson"};
    struct test_city from;
    city_make(&from);
    test_import(&from, "evidence", every_kind, TEST_COUNTS(KINDS, 0, 0, 0));
    for (size_t f = 0; f < 2; f++) {
        struct test_city to;
        city_make(&to);
        assert_int_equal(test_run(&from, "export", "evidence", "--format", formats[f]), EXIT_DONE);
        test_import(&to, "evidence", from.out.data, TEST_COUNTS(KINDS, 0, 0, 0));
        assert_int_equal(test_run(&to, "export", "evidence", "--format", formats[f]), EXIT_DONE);
        assert_string_equal(to.out.data, from.out.data);
        for (uint32_t person = 1; person <= 5; person++)
            assert_int_equal(color_of(&to, person), color_of(&from, person));
        city_remove(&to);
    }
    city_remove(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_in_once_and_moves_the_table),
        cmocka_unit_test(a_known_piece_is_never_changed),
        cmocka_unit_test(what_is_no_health_evidence_has_no_way_in),
        cmocka_unit_test(undo_takes_evidence_back_and_the_table_with_it),
        cmocka_unit_test(a_dry_run_of_evidence_changes_no_colour),
        cmocka_unit_test(what_changes_the_past_is_told_by_the_record_of_the_import),
        cmocka_unit_test(exported_evidence_goes_in_and_comes_out_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
