/* Goal: a body of any length comes whole or visibly cut, in chunks of bounded size, each on record
 * before it leaves, with nothing held between them. */
#include "server/test_support.h"

#include "dossier/dossier.h"

enum { MORE_PEOPLE = 2600, FIRST_NUMBER = 700000 };

/* People without names: their rows need no cipher. Half of them live in a town of the district. */
static void add_people(struct loopback *loop)
{
    char text[600];
    snprintf(text, sizeof text,
             "INSERT INTO person (person_no, area_no, import_no) WITH RECURSIVE n(i) AS"
             " (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT %d + i,"
             " CASE i %% 2 WHEN 0 THEN (SELECT area_no FROM area WHERE code = '320412')"
             " ELSE (SELECT min(area_no) FROM area WHERE area_no >"
             " (SELECT area_no FROM area WHERE code = '320412')) END, 0 FROM n",
             MORE_PEOPLE - 1, FIRST_NUMBER);
    loopback_change(loop, text);
}

static int64_t people_of_district(struct loopback *loop)
{
    char text[200];
    int64_t first = loopback_number(loop, "SELECT area_no FROM area WHERE code = '320412'");
    snprintf(text, sizeof text, "SELECT count(*) FROM person WHERE area_no BETWEEN %lld AND %lld",
             (long long)first, (long long)area_range_last(first));
    return loopback_number(loop, text);
}

/* The path of the file of an approved export of the district. */
static void approved_export(struct loopback *loop, char path[80])
{
    char lead[80], approver[80];
    loopback_user(loop, "cdc_lead-320412", lead);
    loopback_user(loop, "approver", approver);
    struct answer asked = loopback_call(
        loop, &(struct call){.method = HTTP_POST,
                             .path = "/api/v1/exports",
                             .body = "{\"kind\":\"persons\",\"words\":\"list for the visits\"}",
                             .authorization = lead,
                             .purpose = "duty:export"});
    long long no = json_integer_value(json_object_get(asked.json, "no"));
    assert_int_equal(asked.status, 201);
    answer_release(&asked);
    snprintf(path, 80, "/api/v1/exports/%lld/approve", no);
    assert_int_equal(
        loopback_status(
            loop, &(struct call){.method = HTTP_POST, .path = path, .authorization = approver}),
        200);
    snprintf(path, 80, "/api/v1/exports/%lld/file", no);
}

static struct answer fetch(struct loopback *loop, const char *path)
{
    char lead[80];
    loopback_user(loop, "cdc_lead-320412", lead);
    return loopback_call(
        loop, &(struct call){.path = path, .authorization = lead, .purpose = "duty:export"});
}

/* A long answer held in the middle: its first chunk was made. */
struct held {
    char path[80], lead[80];
    struct raw_request raw;
    struct arena arena;
    struct response response;
};
static void hold(struct loopback *loop, const char *path, struct held *held)
{
    snprintf(held->path, sizeof held->path, "%s", path);
    loopback_user(loop, "cdc_lead-320412", held->lead);
    held->raw = (struct raw_request){.path = slice_of(held->path),
                                     .authorization = slice_of(held->lead),
                                     .purpose = SLICE("duty:export")};
    arena_init(&held->arena, 64 << 20);
    server_dispatch(loop->platform, &held->raw, &held->arena, &held->response);
}
static void let_go(struct held *held)
{
    body_end(&held->response);
    buffer_release(&held->response.body);
    arena_release(&held->arena);
}

static int64_t number_of_row(const char *row)
{
    int64_t number;
    assert_true(slice_to_int64((struct slice){row, strcspn(row, ",")}, 1, UINT32_MAX, &number));
    return number;
}

/* Each number at the begin of a line once, in `times` (by number − FIRST_NUMBER); the lines. */
static int64_t count_rows(const struct buffer *body, unsigned char *times)
{
    int64_t lines = 0;
    for (const char *at = body->data; (at = strchr(at, '\n')) && at[1]; lines++) {
        int64_t number = number_of_row(++at) - FIRST_NUMBER;
        if (number >= 0 && number < MORE_PEOPLE)
            times[number]++;
    }
    return lines;
}

static void assert_each_once(const unsigned char *times)
{
    for (int i = 0; i < MORE_PEOPLE; i++)
        if (times[i] != 1)
            fail_msg("person %d stands %d times in the file", FIRST_NUMBER + i, times[i]);
}

/* ---- Whole */

static void a_long_export_comes_whole_and_each_of_it_is_told(void **state)
{
    struct loopback *loop = *state;
    static unsigned char times[MORE_PEOPLE];
    char path[80], head[] = "person_no,name,id_number,phone,birth_year,area,mark\n";
    struct error err;
    add_people(loop);
    approved_export(loop, path);
    memset(times, 0, sizeof times);
    struct answer file = fetch(loop, path);
    int64_t people = people_of_district(loop);
    assert_int_equal(file.status, 200);
    assert_int_equal(file.cut, ERROR_NONE);
    assert_true(people > MORE_PEOPLE && file.chunks >= 3);
    assert_int_equal(count_rows(&file.response.body, times), people);
    assert_each_once(times);
    assert_memory_equal(file.response.body.data, head, sizeof head - 1);
    assert_null(strstr(file.response.body.data + 1, "person_no"));
    assert_string_equal(answer_header(&file, "Cache-Control"), "no-store");
    assert_null(answer_header(&file, "ETag"));
    assert_int_equal(file.audits, file.chunks);
    assert_int_equal(
        loopback_number(loop, "SELECT sum(row_count) FROM audit WHERE act = 'export.file'"),
        people);
    assert_int_equal(loopback_number(loop, "SELECT max(row_count) FROM export_request"), people);
    test_fail_on(access_spread_seen(loop->platform, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM person p WHERE p.person_no >="
                                           " 700000 AND EXISTS (SELECT 1 FROM seen_person s WHERE"
                                           " s.person_no = p.person_no)"),
                     MORE_PEOPLE);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
    answer_release(&file);
}

static void a_short_export_is_an_answer_as_any_other(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    approved_export(loop, path);
    struct answer file = fetch(loop, path);
    assert_int_equal(file.status, 200);
    assert_int_equal(file.chunks, 0);
    assert_int_equal(file.audits, 1);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
    answer_release(&file);
}

static void who_moves_away_between_chunks_is_no_reason_to_begin_anew(void **state)
{
    struct loopback *loop = *state;
    static unsigned char times[MORE_PEOPLE];
    char path[80], text[120];
    struct error err;
    struct held held;
    struct buffer whole;
    add_people(loop);
    approved_export(loop, path);
    memset(times, 0, sizeof times);
    buffer_init(&whole, 16 << 20);
    hold(loop, path, &held);
    assert_int_equal(held.response.status, 200);
    for (bool more = true; more;) {
        buffer_append(&whole, held.response.body.data, held.response.body.length);
        /* the last one of the chunk leaves the city */
        const char *row = whole.data + whole.length - 2;
        while (row[-1] != '\n')
            row--;
        snprintf(text, sizeof text, "UPDATE person SET area_no = 1 WHERE person_no = %ld",
                 (long)number_of_row(row));
        loopback_change(loop, text);
        more = held.response.stream.fill;
        if (more)
            test_fail_on(body_next(loop->platform, &held.raw, &held.response, &err), &err);
    }
    count_rows(&whole, times);
    assert_each_once(times);
    buffer_release(&whole);
    let_go(&held);
}

/* ---- Cut */

static void an_approval_that_expires_cuts_the_file_off(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    struct error err;
    struct held held;
    add_people(loop);
    approved_export(loop, path);
    hold(loop, path, &held);
    assert_non_null(held.response.stream.fill);
    loop->platform->world->fixed += 25 * HOUR;
    assert_false(body_next(loop->platform, &held.raw, &held.response, &err));
    assert_int_equal(err.code, ERROR_GONE);
    assert_null(held.response.stream.fill);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
    let_go(&held);
}

static void a_session_that_ends_cuts_the_file_off(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    struct error err;
    struct held held;
    add_people(loop);
    approved_export(loop, path);
    hold(loop, path, &held);
    assert_non_null(held.response.stream.fill);
    int64_t audits = loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'export.file'");
    assert_int_equal(loopback_status(loop, &(struct call){.method = HTTP_DELETE,
                                                          .path = "/api/v1/sessions/current",
                                                          .authorization = held.lead}),
                     200);
    assert_false(body_next(loop->platform, &held.raw, &held.response, &err));
    assert_int_equal(err.code, ERROR_UNAUTHENTICATED);
    assert_int_equal(held.response.body.length, 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'export.file'"),
                     audits);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
    let_go(&held);
}

static void a_damaged_row_cuts_the_file_off_or_is_a_problem(void **state)
{
    struct loopback *loop = *state;
    char path[80], text[120];
    add_people(loop);
    approved_export(loop, path);
    snprintf(text, sizeof text, "UPDATE person SET identity = x'00' WHERE person_no = %d",
             FIRST_NUMBER + MORE_PEOPLE - 2);
    loopback_change(loop, text);
    struct answer later = fetch(loop, path);
    assert_int_equal(later.status, 200);
    assert_int_equal(later.cut, ERROR_CORRUPT);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
    answer_release(&later);
    loopback_change(loop, "UPDATE person SET identity = x'00' WHERE person_no = 700000");
    struct answer first = fetch(loop, path); /* nothing left yet: it can still be said */
    assert_int_equal(first.status, 500);
    assert_string_equal(first.type, "corrupt");
    assert_int_equal(first.audits, 0);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
    answer_release(&first);
}

static void no_more_than_eight_are_on_their_way(void **state)
{
    struct loopback *loop = *state;
    static struct held held[BODIES_MAX];
    char path[80];
    add_people(loop);
    approved_export(loop, path);
    for (int i = 0; i < BODIES_MAX; i++) {
        hold(loop, path, &held[i]);
        assert_int_equal(held[i].response.status, 200);
    }
    struct answer refused = fetch(loop, path);
    assert_int_equal(refused.status, 503);
    assert_string_equal(refused.type, "busy");
    assert_non_null(answer_header(&refused, "Retry-After"));
    assert_int_equal(refused.audits, 0);
    answer_release(&refused);
    let_go(&held[3]);
    struct answer file = fetch(loop, path);
    assert_int_equal(file.status, 200);
    answer_release(&file);
    for (int i = 0; i < BODIES_MAX; i++)
        if (i != 3)
            let_go(&held[i]);
    assert_int_equal(atomic_load(&server_counters.bodies), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(a_long_export_comes_whole_and_each_of_it_is_told),
        LOOPBACK_TEST(a_short_export_is_an_answer_as_any_other),
        LOOPBACK_TEST(who_moves_away_between_chunks_is_no_reason_to_begin_anew),
        LOOPBACK_TEST(an_approval_that_expires_cuts_the_file_off),
        LOOPBACK_TEST(a_session_that_ends_cuts_the_file_off),
        LOOPBACK_TEST(a_damaged_row_cuts_the_file_off_or_is_a_problem),
        LOOPBACK_TEST(no_more_than_eight_are_on_their_way),
    };
    return LOOPBACK_RUN(tests);
}
