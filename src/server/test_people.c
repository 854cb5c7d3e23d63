/* The dossier's parts and the pages of units over their routes: what each role is shown, who is not
 * there, what is on record afterwards, and that no part opens more than the gate let in. */
#include "server/test_support.h"

#define PURPOSE "duty:case_review"
#define DISTRICT "320412"
#define OTHER "320481"

static struct answer call_as(struct loopback *loop, const char *user, const char *path,
                             const char *purpose)
{
    char token[80];
    return loopback_call(loop, &(struct call){.path = path,
                                              .authorization = loopback_user(loop, user, token),
                                              .purpose = purpose});
}

static int status_as(struct loopback *loop, const char *user, const char *path, const char *purpose)
{
    struct answer answer = call_as(loop, user, path, purpose);
    int status = answer.status;
    answer_release(&answer);
    return status;
}

static int64_t person_of(struct loopback *loop, const char *district)
{
    char query[200];
    snprintf(query, sizeof query,
             "SELECT min(p.person_no) FROM person p JOIN area a ON p.area_no BETWEEN a.area_no AND"
             " a.area_no + 16777215 WHERE a.code = '%s'",
             district);
    return loopback_number(loop, query);
}

static const char *const parts[] = {"evidence", "redress", "stays", "sources", "loops"};
enum { PARTS = sizeof parts / sizeof *parts };

/* ---- The parts of a dossier */

static void each_part_asks_for_a_purpose_and_leaves_a_record(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    for (size_t i = 0; i < PARTS; i++) {
        snprintf(path, sizeof path, "/api/v1/persons/7/%s", parts[i]);
        struct answer without = call_as(loop, "cdc_lead", path, NULL);
        assert_int_equal(without.status, 403);
        assert_string_equal(without.type, "purpose-required");
        assert_int_equal(without.audits, 0);
        struct answer with = call_as(loop, "cdc_lead", path, PURPOSE);
        assert_int_equal(with.status, 200);
        assert_int_equal(with.audits, 1);
        answer_release(&without);
        answer_release(&with);
    }
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE subject_no = 7 AND"
                                           " purpose = '" PURPOSE "' AND actor = 'cdc_lead'"),
                     PARTS);
}

static void a_person_of_elsewhere_is_not_there_in_any_part(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    long long theirs = person_of(loop, OTHER), own = person_of(loop, DISTRICT);
    for (size_t i = 0; i < PARTS; i++) {
        snprintf(path, sizeof path, "/api/v1/persons/%lld/%s", theirs, parts[i]);
        assert_int_equal(status_as(loop, "district_duty-" DISTRICT, path, PURPOSE), 404);
        snprintf(path, sizeof path, "/api/v1/persons/%lld/%s", own, parts[i]);
        assert_int_equal(status_as(loop, "district_duty-" DISTRICT, path, PURPOSE), 200);
    }
    snprintf(path, sizeof path, "/api/v1/persons/%lld/looks", theirs);
    assert_int_equal(status_as(loop, "cdc_lead-" DISTRICT, path, PURPOSE), 404);
}

static void a_role_that_is_shown_no_evidence_reads_no_pieces(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    long long own = person_of(loop, DISTRICT);
    static const char *const hidden[] = {"evidence", "redress", "stays"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/api/v1/persons/%lld/%s", own, hidden[i]);
        assert_int_equal(status_as(loop, "grid_worker-" DISTRICT, path, "duty:household_care"),
                         403);
    }
    snprintf(path, sizeof path, "/api/v1/persons/%lld/loops", own);
    assert_int_equal(status_as(loop, "grid_worker-" DISTRICT, path, "duty:household_care"), 200);
}

static void the_pieces_are_those_of_the_person(void **state)
{
    struct loopback *loop = *state;
    char path[80], query[120];
    long long person = loopback_number(
        loop, "SELECT person_no FROM evidence WHERE kind = 0 ORDER BY evidence_no LIMIT 1");
    assert_true(person > 0);
    snprintf(path, sizeof path, "/api/v1/persons/%lld/evidence", person);
    snprintf(query, sizeof query, "SELECT count(*) FROM evidence WHERE person_no = %lld", person);
    struct answer answer = call_as(loop, "cdc_lead", path, PURPOSE);
    json_t *items = json_object_get(answer.json, "items"), *item;
    size_t i, cases = 0;
    assert_int_equal(json_array_size(items), loopback_number(loop, query));
    json_array_foreach (items, i, item)
        cases += strcmp(json_string_value(json_object_get(item, "kind")), "case") == 0;
    assert_true(cases > 0);
    answer_release(&answer);
}

/* Who may open a case is told which one a piece speaks of; who may not is told none. */
static void a_piece_of_a_case_names_it_to_who_may_open_it(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    long long case_no = loopback_number(loop, "SELECT min(case_no) FROM case_record c JOIN evidence"
                                              " e ON e.person_no = c.person_no AND e.at = c.at"
                                              " WHERE e.kind = 0");
    char query[120];
    snprintf(query, sizeof query, "SELECT person_no FROM case_record WHERE case_no = %lld",
             case_no);
    snprintf(path, sizeof path, "/api/v1/persons/%lld/evidence",
             (long long)loopback_number(loop, query));
    static const struct {
        const char *user, *purpose;
        bool told;
    } readers[] = {{"cdc_lead", PURPOSE, true}, {"appeals_officer", "duty:appeal_decision", false}};
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        struct answer answer = call_as(loop, readers[r].user, path, readers[r].purpose);
        json_t *items = json_object_get(answer.json, "items"), *item;
        size_t i, told = 0;
        if (answer.status != 200)
            fail_msg("%s: %d %s", readers[r].user, answer.status, answer.response.body.data);
        json_array_foreach (items, i, item) {
            json_t *named = json_object_get(item, "case");
            bool of_case = strcmp(json_string_value(json_object_get(item, "kind")), "case") == 0;
            told += json_is_integer(named);
            assert_true(json_is_null(named) || (of_case && json_integer_value(named) == case_no));
        }
        assert_int_equal(told, readers[r].told);
        answer_release(&answer);
    }
}

static void who_looked_names_the_officer_to_a_reviewer_alone(void **state)
{
    struct loopback *loop = *state;
    assert_int_equal(status_as(loop, "cdc_duty", "/api/v1/persons/7", PURPOSE), 200);
    assert_int_equal(status_as(loop, "cdc_duty", "/api/v1/persons/7/looks", PURPOSE), 403);
    struct answer answer = call_as(loop, "cdc_lead", "/api/v1/persons/7/looks", PURPOSE);
    assert_int_equal(answer.status, 200);
    json_t *items = json_object_get(answer.json, "items");
    assert_int_equal(json_array_size(items), 2); /* newest first: this look is one */
    json_t *own = json_array_get(items, 0), *before = json_array_get(items, 1);
    assert_string_equal(json_string_value(json_object_get(own, "act")), "person.looks");
    assert_string_equal(json_string_value(json_object_get(before, "user")), "cdc_duty");
    assert_string_equal(json_string_value(json_object_get(before, "act")), "person.read");
    assert_string_equal(json_string_value(json_object_get(before, "purpose")), PURPOSE);
    answer_release(&answer);
}

static void the_parts_of_one_record_are_not_many_reads(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    for (int round = 0; round < 8; round++)
        for (size_t i = 0; i < PARTS; i++) {
            snprintf(path, sizeof path, "/api/v1/persons/7/%s", parts[i]);
            assert_int_equal(status_as(loop, "cdc_duty", path, PURPOSE), 200);
        }
    struct answer answer = call_as(loop, "auditor", "/api/v1/audit/oddities", NULL);
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 0);
    answer_release(&answer);
    for (int person = 10; person < 40; person++) {
        snprintf(path, sizeof path, "/api/v1/persons/%d/evidence", person);
        assert_int_equal(status_as(loop, "cdc_duty", path, PURPOSE), 200);
    }
    answer = call_as(loop, "auditor", "/api/v1/audit/oddities", NULL);
    json_t *first = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "many_in_a_row");
    assert_int_equal(json_integer_value(json_object_get(first, "count")), 31);
    answer_release(&answer);
}

/* ---- Loops about one */

static void open_loop(struct loopback *loop, const char *user, const char *body)
{
    char token[80];
    struct answer answer =
        loopback_call(loop, &(struct call){.method = HTTP_POST,
                                           .path = "/api/v1/loops",
                                           .body = body,
                                           .authorization = loopback_user(loop, user, token)});
    if (answer.status != 201)
        fail_msg("%d: %.*s", answer.status, (int)answer.response.body.length,
                 answer.response.body.data);
    answer_release(&answer);
}

static size_t loops_seen(struct loopback *loop, const char *user, const char *path,
                         const char *purpose)
{
    struct answer answer = call_as(loop, user, path, purpose);
    assert_int_equal(answer.status, 200);
    size_t count = json_array_size(json_object_get(answer.json, "items"));
    answer_release(&answer);
    return count;
}

static void loops_about_a_unit_are_shown_to_who_sees_them(void **state)
{
    struct loopback *loop = *state;
    char path[80], body[200];
    long long unit = loopback_number(
        loop, "SELECT min(u.unit_no) FROM unit u JOIN area a ON u.area_no BETWEEN a.area_no AND"
              " a.area_no + 16777215 WHERE a.code = '" DISTRICT "'");
    snprintf(path, sizeof path, "/api/v1/units/%lld/loops", unit);
    assert_int_equal(loops_seen(loop, "district_duty-" DISTRICT, path, NULL), 0);
    snprintf(body, sizeof body,
             "{\"scene\":\"safety_hazard\",\"subject\":%lld,\"fields\":{\"hazard_no\":\"A-1\","
             "\"severity\":\"major\",\"place\":\"" DISTRICT "\"}}",
             unit);
    open_loop(loop, "district_duty-" DISTRICT, body);
    assert_int_equal(loops_seen(loop, "district_duty-" DISTRICT, path, NULL), 1);
    assert_int_equal(loops_seen(loop, "district_duty-" OTHER, path, NULL), 0);
}

static void purposes_are_the_loops_in_which_the_reader_has_a_part(void **state)
{
    struct loopback *loop = *state;
    static const char path[] = "/api/v1/loops:purposes?person=7";
    char purpose[40];
    loopback_change(loop, "UPDATE person SET area_no = (SELECT area_no FROM area WHERE code ="
                          " '" DISTRICT "') WHERE person_no = 7");
    open_loop(loop, "cdc_lead",
              "{\"scene\":\"contact_management\",\"subject\":7,\"fields\":{\"source_case\":1,"
              "\"contact_level\":\"general\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}");
    assert_int_equal(loops_seen(loop, "cdc_investigator-" DISTRICT, path, NULL), 1);
    /* who looks after the area sees the loop and has no part in it */
    assert_int_equal(loops_seen(loop, "district_duty-" DISTRICT, path, NULL), 0);
    assert_int_equal(loops_seen(loop, "cdc_investigator-" OTHER, path, NULL), 0);
    snprintf(purpose, sizeof purpose, "loop:%lld",
             (long long)loopback_number(loop, "SELECT max(loop_no) FROM loop"));
    assert_int_equal(
        status_as(loop, "cdc_investigator-" DISTRICT, "/api/v1/persons/7/loops", purpose), 200);
    assert_int_equal(status_as(loop, "district_duty-" DISTRICT, "/api/v1/persons/7/loops", purpose),
                     403);
    assert_int_equal(status_as(loop, "cdc_lead", "/api/v1/loops:purposes", NULL), 404);
}

/* ---- Units */

static void a_district_walks_its_own_units_once_by_the_index(void **state)
{
    struct loopback *loop = *state;
    char path[120] = "/api/v1/units?limit=2";
    size_t seen = 0;
    for (;;) {
        struct answer page = call_as(loop, "district_duty-" DISTRICT, path, NULL);
        json_t *items = json_object_get(page.json, "items"), *item;
        size_t i;
        assert_int_equal(page.status, 200);
        assert_int_equal(page.audits, 0); /* no persons */
        json_array_foreach (items, i, item)
            assert_memory_equal(json_string_value(json_object_get(item, "area")), DISTRICT, 6);
        seen += json_array_size(items);
        const char *next = json_string_value(json_object_get(page.json, "next"));
        if (next)
            snprintf(path, sizeof path, "/api/v1/units?limit=2&after=%s", next);
        answer_release(&page);
        if (!next)
            break;
    }
    int64_t there =
        loopback_number(loop, "SELECT count(*) FROM unit u JOIN area a ON a.code = '" DISTRICT "'"
                              " WHERE u.area_no BETWEEN a.area_no AND a.area_no + 16777215");
    assert_true(there > 2);
    assert_int_equal(seen, there);
}

static void kinds_add_up_and_narrow_the_list(void **state)
{
    struct loopback *loop = *state;
    struct answer kinds = call_as(loop, "command", "/api/v1/units:kinds", NULL);
    json_t *items = json_object_get(kinds.json, "items"), *item;
    size_t i;
    int64_t sum = 0;
    json_array_foreach (items, i, item)
        sum += json_integer_value(json_object_get(item, "units"));
    assert_int_equal(sum, loopback_number(loop, "SELECT count(*) FROM unit"));
    json_t *first = json_array_get(items, 0);
    char path[160];
    snprintf(path, sizeof path, "/api/v1/units?limit=1000&category=%s",
             json_string_value(json_object_get(first, "category")));
    struct answer page = call_as(loop, "command", path, NULL);
    assert_int_equal(json_array_size(json_object_get(page.json, "items")),
                     json_integer_value(json_object_get(first, "units")));
    answer_release(&kinds);
    answer_release(&page);
}

static void small_numbers_of_people_are_kept_from_who_sees_no_person(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    loopback_change(loop, "UPDATE person SET unit_no = NULL WHERE unit_no = 1");
    loopback_change(loop, "UPDATE person SET unit_no = 1 WHERE person_no IN (1, 2, 3)");
    struct answer seen = call_as(loop, "command", "/api/v1/units/1", NULL);
    struct answer kept = call_as(loop, "inspector", "/api/v1/units/1", NULL);
    assert_int_equal(json_integer_value(json_object_get(seen.json, "people")), 3);
    assert_true(json_is_null(json_object_get(seen.json, "people_below")));
    assert_true(json_is_null(json_object_get(kept.json, "people")));
    assert_int_equal(json_integer_value(json_object_get(kept.json, "people_below")), 5);
    assert_int_equal(json_array_size(json_object_get(seen.json, "venues")),
                     loopback_number(loop, "SELECT count(*) FROM venue WHERE unit_no = 1"));
    answer_release(&seen);
    answer_release(&kept);
    long long other = loopback_number(
        loop, "SELECT min(u.unit_no) FROM unit u JOIN area a ON u.area_no BETWEEN a.area_no AND"
              " a.area_no + 16777215 WHERE a.code = '" OTHER "'");
    snprintf(path, sizeof path, "/api/v1/units/%lld", other);
    assert_int_equal(status_as(loop, "district_duty-" DISTRICT, path, NULL), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(each_part_asks_for_a_purpose_and_leaves_a_record),
        LOOPBACK_TEST(a_person_of_elsewhere_is_not_there_in_any_part),
        LOOPBACK_TEST(a_role_that_is_shown_no_evidence_reads_no_pieces),
        LOOPBACK_TEST(the_pieces_are_those_of_the_person),
        LOOPBACK_TEST(a_piece_of_a_case_names_it_to_who_may_open_it),
        LOOPBACK_TEST(who_looked_names_the_officer_to_a_reviewer_alone),
        LOOPBACK_TEST(the_parts_of_one_record_are_not_many_reads),
        LOOPBACK_TEST(loops_about_a_unit_are_shown_to_who_sees_them),
        LOOPBACK_TEST(purposes_are_the_loops_in_which_the_reader_has_a_part),
        LOOPBACK_TEST(a_district_walks_its_own_units_once_by_the_index),
        LOOPBACK_TEST(kinds_add_up_and_narrow_the_list),
        LOOPBACK_TEST(small_numbers_of_people_are_kept_from_who_sees_no_person),
    };
    return LOOPBACK_RUN(tests);
}
