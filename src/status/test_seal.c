/* The seal of evidence: what is put in, changed or removed behind the gate is found, is named,
 * and no status follows it; what comes and goes by the gate verifies. */
#include "registry/test_support.h"
#include "status/seal.h"
#include "status/status_bulk.h"
#include "status/status_internal.h"

#define HEADER                                                                                     \
    "evidence_id,person_id,kind,recorded_at,at,until,of,detail,tube_size,reason_code,requester,"   \
    "approvers\n"
#define T(day, hour) "2022-04-" day "T" hour ":00:00+08:00"
#define SYMPTOMS(id, person) id "," person ",symptoms," T("01", "08") "," T("01", "07") ",,,,,,,\n"

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
static void city_restart(struct test_city *city)
{
    struct error err;
    status_free(city->platform.status);
    test_city_close(city);
    test_city_open(city);
    test_fail_on(status_open(&city->platform, &city->platform.status, &err), &err);
}
/* Three imports: records 1 and 2, 3, 4 and 5. */
static void city_fill(struct test_city *city)
{
    test_import(city, "evidence", HEADER SYMPTOMS("a", "p1") SYMPTOMS("b", "p2"),
                TEST_COUNTS(2, 0, 0, 0));
    test_import(city, "evidence", HEADER SYMPTOMS("c", "p3"), TEST_COUNTS(1, 0, 0, 0));
    test_import(city, "evidence", HEADER SYMPTOMS("d", "p4") SYMPTOMS("e", "p4"),
                TEST_COUNTS(2, 0, 0, 0));
}

static enum color color_of(struct test_city *city, uint32_t person)
{
    struct error err;
    test_fail_on(status_catch_up(city->platform.status, &err), &err);
    return (enum color)status_get(city->platform.status, (struct person_no){person},
                                  city->world.fixed)
        .color;
}

static bool run_change(struct sql *sql, void *context, struct error *err)
{
    return sql_run(sql, context, NULL, 0, err);
}
/* One statement, as someone with the database file runs it. */
#define BEHIND_THE_GATE(city, statement)                                                           \
    do {                                                                                           \
        static const struct sql_text text = {"behind", statement, "none"};                         \
        struct error failure;                                                                      \
        test_fail_on(store_write((city)->platform.store, run_change, (void *)(uintptr_t)&text,     \
                                 &failure),                                                        \
                     &failure);                                                                    \
    } while (0)

static struct evidence_verification verified(struct test_city *city)
{
    struct error err;
    struct evidence_verification result;
    test_fail_on(evidence_verify(city->platform.store, &result, &err), &err);
    return result;
}
static void assert_whole(struct test_city *city, int64_t rows)
{
    struct evidence_verification result = verified(city);
    if (!result.whole)
        fail_msg("%s", result.words);
    assert_int_equal(result.rows, rows);
    assert_int_equal(result.unsealed, 0);
}
static void assert_broken(struct test_city *city, int64_t no, const char *words)
{
    struct evidence_verification result = verified(city);
    if (result.whole || result.broken_no != no || !strstr(result.words, words))
        fail_msg("%d %lld %s", result.whole, (long long)result.broken_no, result.words);
}

#define FOREIGN_ROW(no, person)                                                                    \
    "INSERT INTO evidence (evidence_no, person_no, area_no, kind, recorded_at, at, of_no, detail," \
    " tube_size, import_no) SELECT " no ", " person ", area_no, 0, 1649000000000000,"              \
    " 1649000000000000, 0, 0, 0, 0 FROM person WHERE person_no = " person

/* ---- By the gate */

static void what_comes_by_the_gate_verifies(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    assert_whole(&city, 0);
    city_fill(&city);
    assert_whole(&city, 5);
    city_restart(&city);
    assert_whole(&city, 5);
    assert_int_equal(color_of(&city, 4), COLOR_YELLOW);
    city_remove(&city);
}

static void an_import_that_is_taken_back_leaves_the_chain_whole(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city); /* imports 2, 3, 4: the first was of persons */
    assert_int_equal(test_run(&city, "import undo", "3"), EXIT_DONE);
    assert_whole(&city, 4);
    assert_int_equal(color_of(&city, 3), COLOR_GREEN);
    assert_int_equal(test_run(&city, "import undo", "4"), EXIT_DONE);
    assert_whole(&city, 2);
    test_import(&city, "evidence", HEADER SYMPTOMS("f", "p5"), TEST_COUNTS(1, 0, 0, 0));
    assert_whole(&city, 3); /* under a number that was never given before */
    assert_int_equal(color_of(&city, 5), COLOR_YELLOW);
    city_restart(&city);
    assert_whole(&city, 3);
    city_remove(&city);
}

struct bulk_job {
    int64_t area, count;
};
static bool load_bulk(struct sql *sql, void *context, struct error *err)
{
    struct bulk_job *job = context;
    struct evidence_bulk *bulk;
    if (!evidence_bulk_begin(sql, &bulk, err))
        return false;
    for (int64_t i = 0; i < job->count; i++) {
        struct evidence piece = {.kind = EVIDENCE_PCR,
                                 .recorded_at = 1649000000000000 + i * SECOND,
                                 .at = 1649000000000000,
                                 .until = 1649000000000000 + i * SECOND,
                                 .detail = RESULT_NEGATIVE,
                                 .tube_size = 10};
        if (!evidence_bulk_add(bulk, (struct person_no){1 + (uint32_t)(i % 5)}, job->area, &piece,
                               err)) {
            evidence_bulk_abandon(bulk);
            return false;
        }
    }
    return evidence_bulk_end(bulk, &job->count, err);
}

static void a_bulk_load_takes_few_seals_and_names_the_one_changed_row(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    city_make(&city);
    struct bulk_job job = {registry_city(city.platform.registry)->no, 2 * SEAL_ROWS_MAX + 7};
    test_fail_on(store_write(city.platform.store, load_bulk, &job, &err), &err);
    assert_whole(&city, 2 * SEAL_ROWS_MAX + 7);
    assert_int_equal(verified(&city).seals, 3);
    BEHIND_THE_GATE(&city, "UPDATE evidence SET detail = 1 WHERE evidence_no = 20011");
    assert_broken(&city, 20011, "was changed behind the gate");
    city_remove(&city);
}

/* ---- Behind the gate */

static void a_row_put_in_at_the_end_is_no_evidence_and_is_named(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    BEHIND_THE_GATE(&city, FOREIGN_ROW("6", "5"));
    BEHIND_THE_GATE(&city, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                           " VALUES ('evidence.recorded', 5, 0, 0, 0, '')");
    assert_int_equal(color_of(&city, 5), COLOR_GREEN);
    assert_broken(&city, 6, "is not sealed");
    assert_int_equal(verified(&city).unsealed, 1);
    city_restart(&city); /* all is derived anew */
    assert_int_equal(color_of(&city, 5), COLOR_GREEN);
    /* honest evidence goes on; the foreign row stays none, and it was told */
    test_import(&city, "evidence", HEADER SYMPTOMS("g", "p1"), TEST_COUNTS(1, 0, 0, 0));
    assert_int_equal(color_of(&city, 5), COLOR_GREEN);
    assert_broken(&city, 6, "was put in behind the gate");
    assert_int_equal(test_run(&city, "export", "evidence"), EXIT_DONE);
    assert_null(strstr(city.out.data, "#6"));
    city_remove(&city);
}

static void a_row_in_the_place_of_one_taken_back_is_found(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    assert_int_equal(test_run(&city, "import undo", "3"), EXIT_DONE);
    BEHIND_THE_GATE(&city, FOREIGN_ROW("3", "5"));
    BEHIND_THE_GATE(&city, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                           " VALUES ('evidence.recorded', 5, 0, 0, 0, '')");
    assert_int_equal(color_of(&city, 5), COLOR_GREEN);
    assert_broken(&city, 3, "was put in behind the gate");
    city_remove(&city);
}

static void a_changed_a_removed_and_a_moved_row_are_named(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    BEHIND_THE_GATE(&city, "UPDATE evidence SET person_no = 5 WHERE evidence_no = 2");
    assert_broken(&city, 2, "was changed behind the gate");
    BEHIND_THE_GATE(&city, "UPDATE evidence SET person_no = 2 WHERE evidence_no = 2");
    assert_whole(&city, 5);
    BEHIND_THE_GATE(&city, "UPDATE evidence SET source = NULL WHERE evidence_no = 5");
    assert_broken(&city, 5, "was changed behind the gate");
    BEHIND_THE_GATE(&city, "DELETE FROM evidence WHERE evidence_no = 3");
    assert_broken(&city, 3, "was removed behind the gate");
    BEHIND_THE_GATE(&city, FOREIGN_ROW("-4", "5"));
    assert_broken(&city, -4, "was put in behind the gate");
    city_remove(&city);
}

static void a_forged_a_changed_and_a_missing_seal_are_found(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    BEHIND_THE_GATE(&city, FOREIGN_ROW("6", "5"));
    BEHIND_THE_GATE(&city, "INSERT INTO evidence_seal SELECT 4, 0, 6, 6, 0, rows_hash, marks, hash"
                           " FROM evidence_seal WHERE seal_no = 3");
    BEHIND_THE_GATE(&city, "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
                           " VALUES ('evidence.recorded', 5, 0, 0, 0, '')");
    assert_int_equal(color_of(&city, 5), COLOR_GREEN);
    assert_broken(&city, 6, "seal 4 does not verify");
    test_put(&city, "rows.csv", HEADER SYMPTOMS("g", "p1")); /* nothing is built on a forgery */
    assert_int_equal(test_run(&city, "import", "evidence", "rows.csv"), EXIT_ENVIRONMENT);
    assert_int_equal(city.err.code, ERROR_CORRUPT);
    BEHIND_THE_GATE(&city, "DELETE FROM evidence_seal WHERE seal_no = 4");
    BEHIND_THE_GATE(&city, "DELETE FROM evidence WHERE evidence_no = 6");
    assert_whole(&city, 5);
    BEHIND_THE_GATE(&city, "UPDATE evidence_seal SET import_no = 9 WHERE seal_no = 2");
    assert_broken(&city, 3, "seal 2 does not verify");
    BEHIND_THE_GATE(&city, "DELETE FROM evidence_seal WHERE seal_no = 2");
    assert_broken(&city, 3, "seal 2 does not verify");
    city_remove(&city);
}

static void a_gap_that_the_chain_does_not_know_hides_nothing(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    BEHIND_THE_GATE(&city, "INSERT INTO evidence_gap (first_no, last_no) VALUES (2, 2)");
    assert_broken(&city, 2, "a gap that the chain does not know");
    city_remove(&city);
}

static void an_end_that_was_cut_off_is_missed_by_the_audit_chain(void **state)
{
    (void)state;
    struct test_city city;
    struct error err;
    city_make(&city);
    city_fill(&city);
    test_fail_on(evidence_anchor(city.platform.store, &err), &err);
    assert_whole(&city, 5);
    BEHIND_THE_GATE(&city, "DELETE FROM evidence_seal WHERE seal_no = 3");
    BEHIND_THE_GATE(&city, "DELETE FROM evidence WHERE evidence_no > 3");
    assert_broken(&city, 4, "was cut off");
    city_remove(&city);
}

/* ---- Of before there were seals */

static void evidence_of_before_is_sealed_once(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    assert_int_equal(test_run(&city, "import undo", "3"), EXIT_DONE);
    BEHIND_THE_GATE(&city, "DELETE FROM evidence_seal");
    BEHIND_THE_GATE(&city, "DELETE FROM evidence_gap");
    BEHIND_THE_GATE(&city, "INSERT INTO setting (name, value) VALUES ('evidence_before_seals',"
                           " '5')");
    city_restart(&city);
    assert_whole(&city, 4);
    assert_int_equal(color_of(&city, 4), COLOR_YELLOW);
    assert_int_equal(test_run(&city, "import undo", "4"), EXIT_DONE);
    assert_whole(&city, 2);
    city_restart(&city);
    assert_whole(&city, 2);
    /* and never again: a mark that was set by hand adopts nothing */
    BEHIND_THE_GATE(&city, FOREIGN_ROW("9", "5"));
    BEHIND_THE_GATE(&city, "UPDATE setting SET value = '9' WHERE name = 'evidence_before_seals'");
    struct error err;
    assert_false(evidence_seal_adopt(city.platform.store, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_int_equal(color_of(&city, 5), COLOR_GREEN);
    city_remove(&city);
}

static void a_job_that_fails_leaves_neither_row_nor_seal(void **state)
{
    (void)state;
    struct test_city city;
    city_make(&city);
    city_fill(&city);
    test_put(&city, "rows.csv", HEADER SYMPTOMS("g", "p1") SYMPTOMS("h", "p2"));
    assert_int_equal(test_run(&city, "import", "evidence", "rows.csv", "--dry-run"), EXIT_DONE);
    assert_whole(&city, 5);
    assert_int_equal(verified(&city).seals, 3);
    city_remove(&city);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_by_the_gate_verifies),
        cmocka_unit_test(an_import_that_is_taken_back_leaves_the_chain_whole),
        cmocka_unit_test(a_bulk_load_takes_few_seals_and_names_the_one_changed_row),
        cmocka_unit_test(a_row_put_in_at_the_end_is_no_evidence_and_is_named),
        cmocka_unit_test(a_row_in_the_place_of_one_taken_back_is_found),
        cmocka_unit_test(a_changed_a_removed_and_a_moved_row_are_named),
        cmocka_unit_test(a_forged_a_changed_and_a_missing_seal_are_found),
        cmocka_unit_test(a_gap_that_the_chain_does_not_know_hides_nothing),
        cmocka_unit_test(an_end_that_was_cut_off_is_missed_by_the_audit_chain),
        cmocka_unit_test(evidence_of_before_is_sealed_once),
        cmocka_unit_test(a_job_that_fails_leaves_neither_row_nor_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
