/* Requests as they come from a hostile world: paths, methods, queries, bodies, cursors, limits, tags;
 * and what an answer costs and leaves behind. */
#include "server/test_support.h"

/* ---- Paths and methods */

static void paths_that_are_no_route_are_not_found(void **state)
{
    struct loopback *loop = *state;
    static const char *const paths[] = {"/api/v1",          "/api/v1/",
                                        "/api/v2/me",       "/api/v1/nothing",
                                        "/api/v1x/me",      "/nothing",
                                        "/healthz/x",       "/api/v1/me/why/more",
                                        "/../etc/passwd",   "/%2e%2e/city.db",
                                        "/web/dist/x",      "/./healthz",
                                        "/api/v1/../v1/me", "//",
                                        "/index.html%00.js"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        loopback_refused(loop, GET(paths[i], NULL), 404, "not-found");
}

static void encoded_nul_broken_escapes_and_bad_utf8_are_refused(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    static const char *const bad[] = {"/api/v1/cases?area=%00", "/api/v1/cases?area=3204%0012",
                                      "/api/v1/cases?area=%",   "/api/v1/cases?area=%4",
                                      "/api/v1/cases?area=%zz", "/api/v1/cases?area=%ff%fe",
                                      "/api/v1/cases?%00=1",    "/api/v1/cases?area=%c0%80",
                                      "/api/v1/cases/%00",      "/api/v1/cases/%ff",
                                      "/api/v1/cases/1%"};
    loopback_user(loop, "cdc_lead", token);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        loopback_refused(
            loop, &(struct call){.path = bad[i], .authorization = token, .purpose = "case:1"}, 400,
            "bad-value");
}

static void parameters_that_are_no_numbers_open_nothing(void **state)
{
    struct loopback *loop = *state;
    char token[80], path[200], big[160];
    static const char *const bad[] = {"0",         "-1",   "99999999999999999999",
                                      "%2e%2e",    "1'--", "1e3",
                                      "+1",        "1%20", "0x1",
                                      "%E4%B8%AD", "1;",   "..%2f",
                                      "4294967296"};
    loopback_user(loop, "cdc_lead", token);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct call call = {.path = path, .authorization = token, .purpose = "case:1"};
        snprintf(path, sizeof path, "/api/v1/cases/%s", bad[i]);
        int status = loopback_status(loop, &call);
        assert_true(status == 404 || status == 403);
        snprintf(path, sizeof path, "/api/v1/persons/%s/status", bad[i]);
        status = loopback_status(loop, &call);
        assert_true(status == 404 || status == 400);
    }
    memset(big, '9', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    snprintf(path, sizeof path, "/api/v1/persons/%s/status", big);
    loopback_refused(loop,
                     &(struct call){.path = path, .authorization = token, .purpose = "case:1"}, 400,
                     "bad-value");
}

static void other_methods_are_told_which_there_are(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        enum http_method method;
        const char *path, *allow;
    } rows[] = {{HTTP_POST, "/api/v1/me", "OPTIONS, GET, HEAD"},
                {HTTP_OTHER, "/api/v1/me", "OPTIONS, GET, HEAD"},
                {HTTP_GET, "/api/v1/sessions", "OPTIONS, POST"},
                {HTTP_PUT, "/api/v1/sessions/current", "OPTIONS, GET, HEAD, DELETE"},
                {HTTP_GET, "/api/v1/scans", "OPTIONS, POST"},
                {HTTP_DELETE, "/healthz", "OPTIONS, GET, HEAD"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call call = {.method = rows[i].method, .path = rows[i].path};
        struct answer answer = loopback_call(loop, &call);
        assert_int_equal(answer.status, 405);
        assert_string_equal(answer_header(&answer, "Allow"), rows[i].allow);
        answer_release(&answer);
        call.method = HTTP_OPTIONS;
        answer = loopback_call(loop, &call);
        assert_int_equal(answer.status, 204);
        assert_string_equal(answer_header(&answer, "Allow"), rows[i].allow);
        assert_int_equal(answer.response.body.length, 0);
        answer_release(&answer);
    }
    loopback_refused(loop, &(struct call){.method = HTTP_OPTIONS, .path = "/api/v1/nothing"}, 404,
                     "not-found");
}

/* ---- Queries, cursors, limits */

static void a_query_has_at_most_32_fields(void **state)
{
    struct loopback *loop = *state;
    char token[80], path[400] = "/api/v1/situation?";
    loopback_user(loop, "press", token);
    for (int i = 0; i < 32; i++)
        strcat(path, i ? "&a=1" : "a=1");
    assert_int_equal(loopback_status(loop, GET(path, token)), 200);
    strcat(path, "&a=1");
    loopback_refused(loop, GET(path, token), 400, "bad-value");
}

static void limits_and_cursors_are_checked(void **state)
{
    struct loopback *loop = *state;
    char token[80], path[200];
    static const char *const limits[] = {"0", "-1", "1001", "x", "", "1.5", "9223372036854775808"};
    static const char *const cursors[] = {"x",          "",   "AAAAAAAAAAAA", "AAAAAAAAAABcAA",
                                          "________XA", "..", "%00",          "AQAAAAAAAABc%3D"};
    loopback_user(loop, "cdc_lead", token);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        snprintf(path, sizeof path, "/api/v1/cases?limit=%s", limits[i]);
        loopback_refused(
            loop,
            &(struct call){.path = path, .authorization = token, .purpose = "duty:case_review"},
            400, "bad-value");
    }
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        snprintf(path, sizeof path, "/api/v1/cases?after=%s", cursors[i]);
        loopback_refused(
            loop,
            &(struct call){.path = path, .authorization = token, .purpose = "duty:case_review"},
            400, "bad-value");
    }
}

/* Walks a list page by page; ids of all items in order into out. */
static size_t walk(struct loopback *loop, const char *token, int limit, int64_t *out, size_t most)
{
    char path[200], next[64] = "";
    size_t count = 0;
    for (int pages = 0; pages < 100; pages++) {
        snprintf(path, sizeof path, "/api/v1/cases?limit=%d%s%s", limit, next[0] ? "&after=" : "",
                 next);
        struct answer answer = loopback_call(
            loop,
            &(struct call){.path = path, .authorization = token, .purpose = "duty:case_review"});
        assert_int_equal(answer.status, 200);
        json_t *items = json_object_get(answer.json, "items"), *item, *after;
        size_t i;
        assert_true(json_array_size(items) <= (size_t)limit);
        json_array_foreach (items, i, item) {
            assert_true(count < most);
            out[count++] = json_integer_value(json_object_get(item, "id"));
        }
        after = json_object_get(answer.json, "next");
        bool last = json_is_null(after);
        snprintf(next, sizeof next, "%s", last ? "" : json_string_value(after));
        answer_release(&answer);
        if (last)
            return count;
    }
    fail_msg("the list does not end");
    return 0;
}

static void add_cases(struct loopback *loop, int count)
{
    char statement[400];
    snprintf(statement, sizeof statement,
             "INSERT INTO case_record SELECT 2000 + person_no, area_no, person_no, 'confirmed',"
             " 1649800000000000, 1649810000000000, 0, NULL FROM person WHERE person_no <= %d",
             count);
    loopback_change(loop, statement);
}

static void every_page_size_walks_the_same_list_once(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    int64_t all[64], some[64];
    loopback_user(loop, "cdc_lead", token);
    add_cases(loop, 23);
    size_t count = walk(loop, token, 1000, all, 64);
    assert_true(count >= 24); /* the city has some of its own */
    static const int limits[] = {1, 2, 5, 23, 24, 25, 26};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        assert_int_equal(walk(loop, token, limits[i], some, 64), count);
        assert_memory_equal(all, some, count * sizeof *all);
    }
    char past[32], path[80];
    cursor_format(1, past); /* cases are listed downwards: nothing lies past the first */
    snprintf(path, sizeof path, "/api/v1/cases?after=%s", past);
    struct answer answer = loopback_call(
        loop, &(struct call){.path = path, .authorization = token, .purpose = "duty:case_review"});
    assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 0);
    assert_true(json_is_null(json_object_get(answer.json, "next")));
    answer_release(&answer);
}

/* ---- Bodies */

static void bodies_that_are_no_object_are_refused(void **state)
{
    struct loopback *loop = *state;
    enum { DEPTH = 100000 };
    char *deep = x_alloc(1, DEPTH + 1);
    memset(deep, '[', DEPTH);
    const char *const bad[] = {"",
                               "[]",
                               "1",
                               "null",
                               "{",
                               "{\"a\":1}{\"b\":2}",
                               "\xff\xfe",
                               "nul",
                               "{\"name\":\"a\",\"name\":\"b\"}",
                               "{\"name\":\"\\u0000\"}",
                               deep};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        loopback_refused(
            loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = bad[i]},
            400, "syntax");
    free(deep);
}

static void fields_of_wrong_kind_are_named(void **state)
{
    struct loopback *loop = *state;
    static const struct {
        const char *body, *field;
    } rows[] = {{"{}", "name"},
                {"{\"name\":1,\"password\":\"x\"}", "name"},
                {"{\"name\":\"x\"}", "password"},
                {"{\"name\":\"x\",\"password\":\"y\",\"role\":\"z\"}", "role"},
                {"{\"provider\":\"stub\"}", "id_number"},
                {"{\"provider\":\"stub\",\"person_no\":0}", "person_no"},
                {"{\"provider\":\"stub\",\"person_no\":4294967296}", "person_no"},
                {"{\"provider\":\"stub\",\"id_number\":\"320412199001011234\"}", "id_number"},
                {"{\"provider\":1}", "provider"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = loopback_call(
            loop,
            &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = rows[i].body});
        if (answer.status != 400)
            fail_msg("%s: %d", rows[i].body, answer.status);
        json_t *first = json_array_get(json_object_get(answer.json, "errors"), 0);
        const char *field = json_string_value(json_object_get(first, "field"));
        if (!field || !strstr(field, rows[i].field))
            fail_msg("%s names %s", rows[i].body, field);
        answer_release(&answer);
    }
}

static void moments_without_rules_are_refused_not_guessed(void **state)
{
    struct loopback *loop = *state;
    char token[80], path[120];
    static const char *const bad[] = {
        "1969-12-31T23:59:59Z", "2022-02-30T00:00:00Z", "now",       "",
        "2022-04-14",           "9999-01-01T00:00:00Z", "1649900000"};
    loopback_user(loop, "cdc_lead", token);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "/api/v1/persons/7/status?at=%s", bad[i]);
        loopback_refused(
            loop,
            &(struct call){.path = path, .authorization = token, .purpose = "duty:case_review"},
            400, "bad-value");
    }
    struct call call = {.path = "/api/v1/persons/7/status?at=2022-04-10T08:00:00%2B08:00",
                        .authorization = token,
                        .purpose = "duty:case_review"};
    struct answer first = loopback_call(loop, &call), again = loopback_call(loop, &call);
    assert_int_equal(first.status, 200);
    assert_true(
        slice_equal(buffer_slice(&first.response.body), buffer_slice(&again.response.body)));
    answer_release(&first);
    answer_release(&again);
}

static void a_problem_is_utf8_whatever_it_quotes(void **state)
{
    struct loopback *loop = *state;
    char body[2000] = "{\"";
    for (int i = 0; i < 300; i++)
        strcat(body, "\xe5\x9f\x8e");
    strcat(body, "\":1}");
    struct answer answer = loopback_call(
        loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = body});
    assert_int_equal(answer.status, 400); /* that it is JSON was checked already */
    answer_release(&answer);
    strcpy(body + 2 + 301, "\xe5\xff\"}");
    answer = loopback_call(
        loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = body});
    assert_int_equal(answer.status, 400);
    answer_release(&answer);
}

/* ---- Tags */

static void reads_that_open_nobody_have_tags_others_are_not_kept(void **state)
{
    struct loopback *loop = *state;
    char token[80], holder[80];
    loopback_user(loop, "cdc_lead", token);
    loopback_holder(loop, 7, holder);
    struct call call = {.path = "/api/v1/situation", .authorization = token};
    struct answer first = loopback_call(loop, &call);
    char tag[80], several[200];
    snprintf(tag, sizeof tag, "%s", answer_header(&first, "ETag"));
    assert_string_equal(answer_header(&first, "Cache-Control"), "private, no-cache");
    answer_release(&first);
    snprintf(several, sizeof several, "\"other\", W/%s", tag);
    const char *const same[] = {tag, several, "*"};
    for (size_t i = 0; i < 3; i++) {
        call.if_none_match = same[i];
        struct answer answer = loopback_call(loop, &call);
        assert_int_equal(answer.status, 304);
        assert_int_equal(answer.response.body.length, 0);
        assert_string_equal(answer_header(&answer, "ETag"), tag);
        answer_release(&answer);
    }
    call.if_none_match = "\"other\"";
    assert_int_equal(loopback_status(loop, &call), 200);
    const struct call never[] = {
        {.path = "/api/v1/me", .authorization = holder},
        {.path = "/api/v1/cases", .authorization = token, .purpose = "duty:case_review"},
        {.path = "/healthz"}};
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = loopback_call(loop, &never[i]);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
        assert_null(answer_header(&answer, "ETag"));
        answer_release(&answer);
    }
}

/* ---- Cost and traces. An N+1 shows as a cost that grows with the list. */

static struct answer costed(struct loopback *loop, const struct call *call)
{
    struct answer warm = loopback_call(loop, call); /* statements prepared, tokens cached */
    answer_release(&warm);
    return loopback_call(loop, call);
}

static void reads_cost_no_more_statements_than_these(void **state)
{
    struct loopback *loop = *state;
    char token[80], holder[80];
    loopback_user(loop, "cdc_lead", token);
    loopback_holder(loop, 7, holder);
    const struct {
        struct call call;
        int64_t statements, allocations, audits;
    } rows[] = {
        {{.path = "/healthz"}, 0, 8, 0},
        {{.path = "/metrics"}, 0, 12, 0},
        {{.path = "/api/v1/me", .authorization = holder}, 0, 12, 0},
        {{.path = "/api/v1/me/why", .authorization = holder}, 4, 30, 0},
        {{.path = "/api/v1/situation", .authorization = token}, 5, 90, 0}, /* with a nowcast */
        {{.path = "/api/v1/sessions/current", .authorization = token}, 0, 12, 0},
        {{.path = "/api/v1/persons/7/status",
          .authorization = token,
          .purpose = "duty:case_review"},
         7,
         82, /* the audit row stands in an index by actor too */
         1},
        {{.path = "/api/v1/openapi.json"}, 0, 60, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = costed(loop, &rows[i].call);
        assert_int_equal(answer.status, 200);
        if (answer.statements > rows[i].statements || answer.audits != rows[i].audits ||
            answer.events != 0 || answer.allocations > rows[i].allocations)
            fail_msg("%s: %lld statements, %lld allocations, %lld audit rows, %lld events",
                     rows[i].call.path, (long long)answer.statements, (long long)answer.allocations,
                     (long long)answer.audits, (long long)answer.events);
        answer_release(&answer);
    }
}

/* One look-up a person shown is what the list costs (identity is opened one by one, decrypted); no
 * second one. Two statements record who was seen. */
static void a_list_costs_one_statement_a_row_at_most(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    loopback_user(loop, "cdc_lead", token);
    add_cases(loop, 40);
    struct call call = {
        .path = "/api/v1/cases?limit=1", .authorization = token, .purpose = "duty:case_review"};
    struct answer one = costed(loop, &call);
    call.path = "/api/v1/cases?limit=40";
    struct answer forty = costed(loop, &call);
    assert_int_equal(json_array_size(json_object_get(forty.json, "items")), 40);
    assert_true(forty.statements <= one.statements + 39 + 2);
    assert_int_equal(forty.audits, 1);
    answer_release(&one);
    answer_release(&forty);
}

static void opening_a_case_leaves_one_audit_row_with_its_purpose(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    loopback_user(loop, "cdc_lead", token);
    static const char *const acts[] = {"case.read", "case.exposures", "case.chain", "case.contacts",
                                       "case.loops"};
    static const char *const paths[] = {"/api/v1/cases/1", "/api/v1/cases/1/exposures",
                                        "/api/v1/cases/1/chain", "/api/v1/cases/1/contacts",
                                        "/api/v1/cases/1/loops"};
    for (size_t i = 0; i < 5; i++) {
        char query[300];
        struct answer answer = loopback_call(
            loop, &(struct call){.path = paths[i], .authorization = token, .purpose = "case:1"});
        assert_int_equal(answer.audits, 1);
        assert_int_equal(answer.events, 0);
        answer_release(&answer);
        snprintf(query, sizeof query,
                 "SELECT count(*) FROM audit WHERE act = '%s' AND purpose = 'case:1' AND actor ="
                 " 'cdc_lead' AND subject_no > 0 AND length(fields) > 0",
                 acts[i]);
        assert_int_equal(loopback_number(loop, query), 1);
    }
    struct answer refused =
        loopback_call(loop, &(struct call){.path = "/api/v1/cases/1", .authorization = token});
    assert_int_equal(refused.audits, 0);
    answer_release(&refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(paths_that_are_no_route_are_not_found),
        LOOPBACK_TEST(encoded_nul_broken_escapes_and_bad_utf8_are_refused),
        LOOPBACK_TEST(parameters_that_are_no_numbers_open_nothing),
        LOOPBACK_TEST(other_methods_are_told_which_there_are),
        LOOPBACK_TEST(a_query_has_at_most_32_fields),
        LOOPBACK_TEST(limits_and_cursors_are_checked),
        LOOPBACK_TEST(every_page_size_walks_the_same_list_once),
        LOOPBACK_TEST(bodies_that_are_no_object_are_refused),
        LOOPBACK_TEST(fields_of_wrong_kind_are_named),
        LOOPBACK_TEST(moments_without_rules_are_refused_not_guessed),
        LOOPBACK_TEST(a_problem_is_utf8_whatever_it_quotes),
        LOOPBACK_TEST(reads_that_open_nobody_have_tags_others_are_not_kept),
        LOOPBACK_TEST(reads_cost_no_more_statements_than_these),
        LOOPBACK_TEST(a_list_costs_one_statement_a_row_at_most),
        LOOPBACK_TEST(opening_a_case_leaves_one_audit_row_with_its_purpose),
    };
    return LOOPBACK_RUN(tests);
}
