/* Someone with the database file writes evidence past the program: into a stopped city, and
 * beside a running one. The chain does not verify and names the record, the doctor says so, and
 * nobody's status follows it. */
#include "attack.h"

#define ROW                                                                                        \
    "INSERT INTO evidence (evidence_no, person_no, area_no, kind, recorded_at, at, of_no, detail," \
    " tube_size, import_no) SELECT (SELECT max(evidence_no) + 1 FROM evidence), person_no,"        \
    " area_no, 0, 1649000000000000, 1649000000000000, 0, 0, 0, 0 FROM person"                      \
    " WHERE person_no NOT IN (SELECT person_no FROM evidence WHERE kind <> 14) LIMIT 1"
#define EVENT                                                                                      \
    "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"                      \
    " SELECT 'evidence.recorded', person_no, area_no, 0, 0, '' FROM evidence"                      \
    " WHERE evidence_no = (SELECT max(evidence_no) FROM evidence)"

static void expect_verify(struct served *served, int code, const char *words)
{
    struct ran ran = run(served, "audit verify");
    if (ran.code != code || !strstr(ran.out.data, words))
        fail_msg("exit %d: %s", ran.code, ran.out.data);
    ran_release(&ran);
}
static void expect_doctor(struct served *served, int code, const char *words)
{
    struct ran ran = run(served, "doctor");
    if (ran.code != code || !strstr(ran.out.data, words))
        fail_msg("exit %d: %s", ran.code, ran.out.data);
    ran_release(&ran);
}

static void a_row_put_in_is_found_and_no_status_follows(void **state)
{
    struct served *served = *state;
    char words[80];
    long before[3];
    serve(served);
    count_colors(served, before);
    stop(served, SIGTERM, NULL);
    expect_verify(served, 0, "evidence whole: ");
    with_the_file(served, ROW);
    with_the_file(served, EVENT);
    long long no = with_the_file(served, "SELECT max(evidence_no) FROM evidence");
    snprintf(words, sizeof words, "evidence broken: record %lld is not sealed", no);
    expect_verify(served, 1, words);
    expect_doctor(served, 3, "no status follows it");
    serve(served);
    same_colors(served, before);
    stop(served, SIGTERM, NULL);
    struct ran deep = run(served, "doctor --deep");
    assert_non_null(strstr(deep.out.data, "ok status table"));
    ran_release(&deep);
}

static void a_row_put_in_beside_a_running_server_moves_nobody(void **state)
{
    struct served *served = *state;
    long before[3];
    serve(served);
    count_colors(served, before);
    with_the_file(served, ROW);
    with_the_file(served, EVENT);
    struct timespec moment = {.tv_sec = 3}; /* the status table follows each second */
    nanosleep(&moment, NULL);
    same_colors(served, before);
    expect_verify(served, 1, "is not sealed");
}

static void a_changed_and_a_removed_row_are_named(void **state)
{
    struct served *served = *state;
    char words[80];
    /* a negative becomes positive, a positive case disappears */
    long long no = with_the_file(served, "SELECT min(evidence_no) FROM evidence WHERE kind = 14"
                                         " AND detail = 0");
    with_the_file(served, "UPDATE evidence SET detail = 1 WHERE evidence_no = (SELECT"
                          " min(evidence_no) FROM evidence WHERE kind = 14 AND detail = 0)");
    snprintf(words, sizeof words, "record %lld was changed", no);
    expect_verify(served, 1, words);
    expect_doctor(served, 3, words);
    with_the_file(served, "DELETE FROM evidence WHERE evidence_no = 1");
    expect_verify(served, 1, "record 1 was removed");
}

static void the_end_of_the_chain_cannot_be_cut_off(void **state)
{
    struct served *served = *state;
    with_the_file(served, "DELETE FROM evidence WHERE evidence_no >= (SELECT first_no FROM"
                          " evidence_seal ORDER BY seal_no DESC LIMIT 1)");
    with_the_file(served, "DELETE FROM evidence_seal WHERE seal_no = (SELECT max(seal_no) FROM"
                          " evidence_seal)");
    expect_verify(served, 1, "was cut off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CITY_TEST(a_row_put_in_is_found_and_no_status_follows),
        CITY_TEST(a_row_put_in_beside_a_running_server_moves_nobody),
        CITY_TEST(a_changed_and_a_removed_row_are_named),
        CITY_TEST(the_end_of_the_chain_cannot_be_cut_off),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
