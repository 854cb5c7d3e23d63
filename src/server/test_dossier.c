/* Persons as each role is shown them, exports with two keys, who looked, and broken glass. */
#include "server/test_support.h"

#include "access/shown.h"
#include "command/command.h"
#include "dossier/dossier.h"

#define PURPOSE "duty:case_review"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct answer call_as(struct loopback *loop, const char *user, enum http_method method,
                             const char *path, const char *body, const char *purpose)
{
    char token[80];
    loopback_user(loop, user, token);
    return loopback_call(loop, &(struct call){.method = method,
                                              .path = path,
                                              .body = body,
                                              .authorization = token,
                                              .purpose = purpose});
}

static int status_as(struct loopback *loop, const char *user, enum http_method method,
                     const char *path, const char *body, const char *purpose)
{
    struct answer answer = call_as(loop, user, method, path, body, purpose);
    int status = answer.status;
    answer_release(&answer);
    return status;
}

/* ---- Masks */

static void each_role_is_shown_what_its_mask_says(void **state)
{
    struct loopback *loop = *state;
    struct answer full =
        call_as(loop, "cdc_investigator", HTTP_GET, "/api/v1/persons/7", NULL, PURPOSE);
    struct answer part = call_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons/7", NULL, PURPOSE);
    struct answer little =
        call_as(loop, "command", HTTP_GET, "/api/v1/persons/7", NULL, "duty:situation_review");
    assert_int_equal(full.status, 200);
    assert_int_equal(part.status, 200);
    assert_int_equal(little.status, 200);
    assert_null(strchr(text_of(full.json, "name"), '*'));
    assert_null(strchr(text_of(full.json, "phone"), '*'));
    assert_non_null(strchr(text_of(full.json, "id_number"), '*')); /* whole for nobody */
    assert_non_null(strchr(text_of(part.json, "name"), '*'));
    assert_memory_equal(text_of(part.json, "name"), text_of(full.json, "name"), 3);
    assert_non_null(strstr(text_of(part.json, "phone"), "****"));
    assert_true(json_integer_value(json_object_get(part.json, "birth_year")) > 1900);
    static const char *const hidden[] = {"id_number", "phone", "birth_year", "sex"};
    for (size_t i = 0; i < 4; i++)
        assert_true(json_is_null(json_object_get(little.json, hidden[i])));
    assert_int_equal(full.audits, 1);
    answer_release(&full);
    answer_release(&part);
    answer_release(&little);
}

static void small_counts_cannot_be_worked_out(void **state)
{
    (void)state;
    struct {
        int64_t counts[6];
        bool hidden[6], total;
    } rows[] = {
        {{10, 0, 20, 7, 5, 9}, {0, 0, 0, 0, 0, 0}, true},
        {{10, 3, 20, 7, 0, 9}, {0, 1, 0, 1, 0, 0}, true}, /* one more, the smallest */
        {{1, 1, 20, 7, 0, 9}, {1, 1, 0, 1, 0, 0}, true},  /* two, but together below five */
        {{4, 4, 20, 7, 0, 9}, {1, 1, 0, 0, 0, 0}, true},
        {{0, 3, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, false},
        {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool hidden[6];
        bool total = shown_counts_suppress(rows[i].counts, hidden, 6, 5);
        if (total != rows[i].total || memcmp(hidden, rows[i].hidden, sizeof hidden) != 0)
            fail_msg("row %zu", i);
    }
}

/* ---- Lists */

static void a_district_walks_its_own_persons_once_by_the_index(void **state)
{
    struct loopback *loop = *state;
    char path[120] = "/api/v1/persons?limit=37", token[80];
    int64_t seen = 0;
    loopback_user(loop, "cdc_duty-320412", token);
    for (;;) {
        struct answer page = loopback_call(
            loop, &(struct call){.path = path, .authorization = token, .purpose = PURPOSE});
        json_t *items = json_object_get(page.json, "items"), *item;
        size_t i;
        assert_int_equal(page.status, 200);
        assert_int_equal(page.audits, 1);
        json_array_foreach (items, i, item)
            assert_memory_equal(text_of(item, "area"), "320412", 6);
        seen += (int64_t)json_array_size(items);
        const char *next = text_of(page.json, "next");
        if (next)
            snprintf(path, sizeof path, "/api/v1/persons?limit=37&after=%s", next);
        answer_release(&page);
        if (!next)
            break;
    }
    int64_t there =
        loopback_number(loop, "SELECT count(*) FROM person p JOIN area a ON a.code = '320412'"
                              " WHERE p.area_no BETWEEN a.area_no AND a.area_no + 16777215");
    assert_true(there > 37);
    assert_int_equal(seen, there);
    struct error err;
    assert_int_equal(loopback_number(loop, "SELECT sum(length(persons)) / 4 FROM seen_list"),
                     there);
    test_fail_on(access_spread_seen(loop->platform, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM seen_person"), there);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM seen_list"), 0);
}

static void a_search_is_recorded_also_where_it_finds_nobody(void **state)
{
    struct loopback *loop = *state;
    struct answer miss = call_as(loop, "cdc_duty", HTTP_POST, "/api/v1/persons:search",
                                 "{\"id_number\":\"11010519491231002X\"}", PURPOSE);
    assert_int_equal(miss.status, 404);
    assert_int_equal(miss.audits, 1);
    answer_release(&miss);
    assert_int_equal(status_as(loop, "cdc_duty", HTTP_POST, "/api/v1/persons:search",
                               "{\"id_number\":\"110105194912310021\"}", PURPOSE),
                     400);
}

/* ---- Exports */

static int64_t request_export(struct loopback *loop)
{
    struct answer asked =
        call_as(loop, "cdc_lead-320412", HTTP_POST, "/api/v1/exports",
                "{\"kind\":\"persons\",\"words\":\"list for the door-to-door visits of the week\"}",
                "duty:export");
    int64_t no = json_integer_value(json_object_get(asked.json, "no"));
    assert_int_equal(asked.status, 201);
    answer_release(&asked);
    return no;
}

static void an_export_needs_two_keys_and_the_requesters_hand(void **state)
{
    struct loopback *loop = *state;
    char file[80], approve[80];
    int64_t no = request_export(loop);
    snprintf(file, sizeof file, "/api/v1/exports/%lld/file", (long long)no);
    snprintf(approve, sizeof approve, "/api/v1/exports/%lld/approve", (long long)no);
    assert_int_equal(status_as(loop, "cdc_lead-320412", HTTP_GET, file, NULL, "duty:export"), 403);
    assert_int_equal(status_as(loop, "cdc_lead-320412", HTTP_POST, approve, NULL, NULL), 403);
    assert_int_equal(status_as(loop, "approver-320481", HTTP_POST, approve, NULL, NULL), 404);
    assert_int_equal(status_as(loop, "approver", HTTP_POST, approve, NULL, NULL), 200);
    assert_int_equal(status_as(loop, "approver", HTTP_POST, approve, NULL, NULL), 409);
    assert_int_equal(status_as(loop, "cdc_lead", HTTP_GET, file, NULL, "duty:export"), 403);
    struct answer fetched = call_as(loop, "cdc_lead-320412", HTTP_GET, file, NULL, "duty:export");
    assert_int_equal(fetched.status, 200);
    assert_int_equal(fetched.audits, 1);
    const char *text = fetched.response.body.data, *header = "person_no,name,id_number,phone,";
    assert_memory_equal(text, header, strlen(header));
    assert_non_null(strchr(text, '*')); /* masked as the role is */
    int64_t lines = -1;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, loopback_number(loop, "SELECT max(row_count) FROM export_request"));
    assert_true(lines > 10);
    /* the first row's watermark names the export */
    const char *row = strchr(text, '\n') + 1, *end = row + strcspn(row, "\r\n"), *mark = end;
    while (mark > row && mark[-1] != ',')
        mark--;
    char path[160];
    snprintf(path, sizeof path, "/api/v1/exports/marks/%.*s", (int)(end - mark), mark);
    struct answer found = call_as(loop, "auditor", HTTP_GET, path, NULL, NULL);
    assert_int_equal(found.status, 200);
    assert_int_equal(json_integer_value(json_object_get(found.json, "export_no")), no);
    path[strlen(path) - 1] ^= 1;
    assert_int_equal(status_as(loop, "auditor", HTTP_GET, path, NULL, NULL), 404);
    answer_release(&found);
    answer_release(&fetched);
    loop->platform->world->fixed += 25 * HOUR;
    assert_int_equal(status_as(loop, "cdc_lead-320412", HTTP_GET, file, NULL, "duty:export"), 410);
}

static void test_refresh(struct loopback *loop)
{
    struct error err;
    for (int i = 0; i < 100; i++)
        test_fail_on(command_counters_refresh(loop->platform, &err), &err);
}

/* ---- Who looked */

static void a_person_is_told_who_looked(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    assert_int_equal(
        status_as(loop, "cdc_investigator", HTTP_GET, "/api/v1/persons/7", NULL, PURPOSE), 200);
    assert_int_equal(
        status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons?limit=1000", NULL, PURPOSE), 200);
    loopback_holder(loop, 7, token);
    struct answer seen = loopback_call(loop, GET("/api/v1/me/accesses", token));
    json_t *items = json_object_get(seen.json, "items");
    assert_int_equal(seen.status, 200);
    assert_int_equal(json_array_size(items), 2);
    json_t *list = json_array_get(items, 0), *one = json_array_get(items, 1); /* newest first */
    assert_string_equal(text_of(list, "act"), "person.list");
    assert_string_equal(text_of(one, "act"), "person.read");
    assert_string_equal(text_of(json_object_get(one, "office"), "en"), "Case investigator");
    assert_string_equal(text_of(one, "purpose"), PURPOSE);
    assert_non_null(strstr(text_of(one, "fields"), "phone"));
    assert_null(strstr(seen.response.body.data, "cdc_investigator")); /* the office, no name */
    answer_release(&seen);
    /* what the system notes under the same number is nobody's look */
    loopback_change(loop, "UPDATE audit SET actor = 'system' WHERE act = 'person.read'");
    seen = loopback_call(loop, GET("/api/v1/me/accesses", token));
    assert_int_equal(json_array_size(json_object_get(seen.json, "items")), 1);
    answer_release(&seen);
    loopback_holder(loop, 8, token);
    seen = loopback_call(loop, GET("/api/v1/me/accesses", token));
    assert_int_equal(json_array_size(json_object_get(seen.json, "items")), 1);
    answer_release(&seen);
}

static const char *first_oddity(struct loopback *loop, char out[40])
{
    struct answer answer = call_as(loop, "auditor", HTTP_GET, "/api/v1/audit/oddities", NULL, NULL);
    json_t *first = json_array_get(json_object_get(answer.json, "items"), 0);
    assert_int_equal(answer.status, 200);
    snprintf(out, 40, "%s", first ? text_of(first, "kind") : "");
    answer_release(&answer);
    return out;
}

static void reviewers_see_the_gravest_oddity_first(void **state)
{
    struct loopback *loop = *state;
    char kind[40], path[64];
    assert_string_equal(first_oddity(loop, kind), "");
    for (int person = 20; person < 60; person++) {
        snprintf(path, sizeof path, "/api/v1/persons/%d", person);
        assert_int_equal(status_as(loop, "cdc_duty", HTTP_GET, path, NULL, PURPOSE), 200);
    }
    assert_string_equal(first_oddity(loop, kind), "many_in_a_row");
    loopback_change(loop, "INSERT INTO watched_person (person_no, plain_words) VALUES (9, '')");
    assert_int_equal(status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons/9", NULL, PURPOSE),
                     200);
    assert_string_equal(first_oddity(loop, kind), "watched_person");
    struct answer district =
        call_as(loop, "auditor-320481", HTTP_GET, "/api/v1/audit/oddities", NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(district.json, "items")), 0);
    answer_release(&district); /* the city's officers are not a district's to review */
}

static void reading_the_own_household_is_an_oddity(void **state)
{
    struct loopback *loop = *state;
    char kind[40];
    loopback_change(loop, "UPDATE app_user SET person_no = 7 WHERE name = 'cdc_duty'");
    assert_int_equal(status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons/7", NULL, PURPOSE),
                     200);
    assert_string_equal(first_oddity(loop, kind), "own_household");
}

/* The oddity of a kind; the caller's to release, NULL where there is none. */
static json_t *oddity_of(struct loopback *loop, const char *kind)
{
    struct answer answer = call_as(loop, "auditor", HTTP_GET, "/api/v1/audit/oddities", NULL, NULL);
    json_t *item, *found = NULL;
    size_t i;
    assert_int_equal(answer.status, 200);
    json_array_foreach (json_object_get(answer.json, "items"), i, item)
        if (strcmp(text_of(item, "kind"), kind) == 0)
            found = json_incref(item);
    answer_release(&answer);
    return found;
}

/* Asks for a page of two persons; *ret_first is the first of them. */
static void list_of_two(struct loopback *loop, int64_t *ret_first)
{
    struct answer page =
        call_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons?limit=2", NULL, PURPOSE);
    json_t *items = json_object_get(page.json, "items");
    assert_int_equal(page.status, 200);
    assert_int_equal(json_array_size(items), 2);
    *ret_first = json_integer_value(json_object_get(json_array_get(items, 0), "person_no"));
    answer_release(&page);
}

static void a_known_person_in_a_short_list_is_seen_as_one_of_a_list(void **state)
{
    struct loopback *loop = *state;
    char change[120];
    int64_t first;
    list_of_two(loop, &first);
    assert_null(oddity_of(loop, "watched_in_list"));
    snprintf(change, sizeof change,
             "INSERT INTO watched_person (person_no, plain_words) VALUES (%lld, '')",
             (long long)first);
    loopback_change(loop, change);
    assert_int_equal(
        status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons?limit=200", NULL, PURPOSE), 200);
    assert_null(oddity_of(loop, "watched_person")); /* a list is told as what it is */
    json_t *seen = oddity_of(loop, "watched_in_list");
    assert_non_null(seen);
    assert_string_equal(text_of(seen, "user"), "cdc_duty");
    assert_int_equal(json_integer_value(json_object_get(seen, "count")), 2);
    assert_int_equal(json_integer_value(json_object_get(seen, "list_of")), 2);
    double score = json_number_value(json_object_get(seen, "score"));
    assert_true(score > 10 && score < 10.2); /* half of a look at one, and a two-hundredth */
    json_decref(seen);
    struct answer district =
        call_as(loop, "auditor-320481", HTTP_GET, "/api/v1/audit/oddities", NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(district.json, "items")), 0);
    answer_release(&district);
    loop->platform->world->fixed += 8 * DAY; /* of the last week */
    assert_null(oddity_of(loop, "watched_in_list"));
}

static void the_own_household_in_a_list_is_an_oddity(void **state)
{
    struct loopback *loop = *state;
    char change[300];
    int64_t first;
    list_of_two(loop, &first);
    assert_null(oddity_of(loop, "household_in_list"));
    snprintf(change, sizeof change,
             "UPDATE app_user SET person_no = (SELECT max(p.person_no) FROM person p JOIN person q"
             " ON q.household_no = p.household_no WHERE q.person_no = %lld)"
             " WHERE name = 'cdc_duty'",
             (long long)first);
    loopback_change(loop, change);
    json_t *seen = oddity_of(loop, "household_in_list");
    assert_non_null(seen);
    assert_int_equal(json_integer_value(json_object_get(seen, "count")), 1);
    assert_int_equal(json_integer_value(json_object_get(seen, "list_of")), 2);
    json_decref(seen);
    assert_null(oddity_of(loop, "own_household"));
}

/* Three reads of a person without evidence, for a purpose; a day and more passes. */
static void read_thrice(struct loopback *loop, const char *purpose, int64_t person)
{
    char path[64];
    snprintf(path, sizeof path, "/api/v1/persons/%lld", (long long)person);
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_as(loop, "cdc_duty", HTTP_GET, path, NULL, purpose), 200);
}

static bool nothing_followed(struct loopback *loop)
{
    json_t *found = oddity_of(loop, "no_later_act");
    bool any = found != NULL;
    json_decref(found);
    return any;
}

static void a_read_for_a_case_or_a_loop_asks_for_an_act_as_one_for_a_duty_does(void **state)
{
    struct loopback *loop = *state;
    char purpose[40], change[200];
    int64_t case_no = loopback_number(loop, "SELECT min(case_no) FROM case_record");
    assert_true(case_no > 0);
    snprintf(purpose, sizeof purpose, "case:%lld", (long long)case_no);
    read_thrice(loop, purpose, 7);
    assert_false(nothing_followed(loop)); /* there is a day's time */
    loop->platform->world->fixed += DAY + HOUR;
    assert_true(nothing_followed(loop));
    /* an act of somebody else in a loop of the case is none of the reader's */
    snprintf(change, sizeof change, "INSERT INTO loop_case (case_no, loop_no) VALUES (%lld, 900)",
             (long long)case_no);
    loopback_change(loop, change);
    static const char *const by = "INSERT INTO loop_act (loop_no, at, kind, stage, to_stage,"
                                  " user_no, event_no, other_no) SELECT 900, max(city_at) + 1, 2,"
                                  " 0, 0, user_no, 0, 0 FROM audit, app_user WHERE name = '%s'"
                                  " GROUP BY user_no";
    char act[300];
    snprintf(act, sizeof act, by, "auditor");
    loopback_change(loop, act);
    assert_true(nothing_followed(loop));
    snprintf(act, sizeof act, by, "cdc_duty");
    loopback_change(loop, act);
    assert_false(nothing_followed(loop));
    /* the same for a loop's number, and for an open loop about the person */
    loopback_change(loop, "UPDATE audit SET purpose = 'loop:900' WHERE act = 'person.read'");
    assert_false(nothing_followed(loop));
    loopback_change(loop, "UPDATE audit SET purpose = 'loop:901' WHERE act = 'person.read'");
    assert_true(nothing_followed(loop));
    loopback_change(loop, "INSERT INTO loop (loop_no, scene_no, stage, state, area_no,"
                          " subject_kind, subject_no, seat_no, opened_at, entered_at, due_at,"
                          " overdue, steps, claim_user, claim_until, marks, fields)"
                          " VALUES (900, 1, 0, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, x'', x'')");
    assert_false(nothing_followed(loop));
}

/* What the press sees of cases: no count from one to four, and none that could be worked out. */
static void who_is_shown_no_person_sees_no_small_count(void **state)
{
    struct loopback *loop = *state;
    test_refresh(loop);
    struct answer whole = call_as(loop, "command", HTTP_GET, "/api/v1/situation", NULL, NULL);
    struct answer press = call_as(loop, "press", HTTP_GET, "/api/v1/situation", NULL, NULL);
    json_t *days = json_object_get(json_object_get(whole.json, "series"), "cases_by_report");
    json_t *shown = json_object_get(json_object_get(press.json, "series"), "cases_by_report");
    size_t i, small = 0, hidden = 0;
    json_t *day;
    assert_int_equal(json_array_size(days), 14);
    json_array_foreach (days, i, day) {
        int64_t count = json_integer_value(day);
        bool is_small = json_is_integer(day) && count > 0 && count < 5;
        json_t *there = json_array_get(shown, i);
        small += is_small;
        hidden += json_is_integer(day) && json_is_null(there);
        assert_false(is_small && !json_is_null(there));
        if (!json_is_null(there))
            assert_int_equal(json_integer_value(there), count);
    }
    assert_true(small > 0); /* else this shows nothing */
    assert_true(hidden >= 2);
    json_array_foreach (json_object_get(press.json, "districts"), i, day) {
        json_t *week = json_object_get(day, "cases_7d");
        assert_true(json_is_null(week) || json_integer_value(week) == 0 ||
                    json_integer_value(week) >= 5);
        assert_true(json_is_null(json_object_get(day, "cases_today")));
    }
    answer_release(&whole);
    answer_release(&press);
}

static void a_district_administrator_ends_no_citys_duty(void **state)
{
    struct loopback *loop = *state;
    static const char *const end = "{\"name\":\"command\",\"until\":\"2022-04-14T00:00:00+08:00\"}";
    char token[80];
    loopback_user(loop, "command", token);
    assert_int_equal(
        status_as(loop, "administrator-320412", HTTP_POST, "/api/v1/users:duty", end, NULL), 404);
    assert_int_equal(loopback_status(loop, GET("/api/v1/situation", token)), 200);
    assert_int_equal(status_as(loop, "administrator", HTTP_POST, "/api/v1/users:duty", end, NULL),
                     200);
    assert_int_equal(loopback_status(loop, GET("/api/v1/situation", token)), 401);
}

static const unsigned char *audit_key(const struct loopback *loop)
{
    return keys_of(store_keys(loop->platform->store), KEY_AUDIT);
}

static bool sign_head(struct sql *sql, void *key, struct error *err)
{
    return audit_head_sign(sql, key, err);
}

static void the_signed_head_shows_what_was_cut_off(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct sql *sql;
    int64_t broken, heads;
    assert_int_equal(loopback_status(loop, GET("/api/v1/public/audit-head", NULL)), 404);
    for (int i = 0; i < 2; i++)
        assert_int_equal(status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons/9", NULL, PURPOSE),
                         200);
    test_fail_on(dossier_sign_head(loop->platform, &err), &err);
    struct answer head = loopback_call(loop, GET("/api/v1/public/audit-head", NULL));
    assert_int_equal(head.status, 200);
    answer_release(&head);
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(audit_heads_verify(sql, audit_key(loop), &broken, &heads, &err), &err);
    store_read_end(loop->platform->store, sql);
    assert_int_equal(heads, 1);
    assert_int_equal(broken, 0);
    int64_t last = loopback_number(loop, "SELECT max(no) FROM audit");
    loopback_change(loop, "DELETE FROM audit WHERE no = (SELECT max(no) FROM audit)");
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(audit_heads_verify(sql, audit_key(loop), &broken, &heads, &err), &err);
    store_read_end(loop->platform->store, sql);
    assert_int_equal(broken, last);
    loopback_change(loop, "UPDATE audit_head SET hash = (SELECT hash FROM audit ORDER BY no DESC"
                          " LIMIT 1), no = (SELECT max(no) FROM audit)");
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(audit_heads_verify(sql, audit_key(loop), &broken, &heads, &err), &err);
    store_read_end(loop->platform->store, sql);
    assert_true(broken > 0); /* a head moved to fit is not signed */
    /* whoever rewrites the chain can sign it too, but not with the city's key */
    static const unsigned char foreign[KEY_BYTES] = {1};
    loopback_change(loop, "DELETE FROM audit_head");
    test_fail_on(store_write(loop->platform->store, sign_head, (void *)(uintptr_t)foreign, &err),
                 &err);
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(audit_heads_verify(sql, audit_key(loop), &broken, &heads, &err), &err);
    store_read_end(loop->platform->store, sql);
    assert_true(broken > 0);
}

/* ---- Broken glass */

#define GLASS_REASON "unconscious at the checkpoint, kin wanted"

static void broken_glass_opens_other_areas_for_its_time_and_is_told(void **state)
{
    struct loopback *loop = *state;
    char path[80];
    int64_t elsewhere =
        loopback_number(loop, "SELECT min(person_no) FROM person p JOIN area a ON a.code = '320481'"
                              " WHERE p.area_no BETWEEN a.area_no AND a.area_no + 16777215");
    snprintf(path, sizeof path, "/api/v1/persons/%lld", (long long)elsewhere);
    const char *user = "cdc_duty-320412", *glass = "duty:break_glass";
    assert_int_equal(status_as(loop, user, HTTP_GET, path, NULL, PURPOSE), 404);
    assert_int_equal(status_as(loop, user, HTTP_GET, path, NULL, glass), 403);
    assert_int_equal(
        status_as(loop, user, HTTP_POST, "/api/v1/break-glass", "{\"reason\":\"x\"}", NULL), 400);
    struct answer broken = call_as(loop, user, HTTP_POST, "/api/v1/break-glass",
                                   "{\"reason\":\"" GLASS_REASON "\"}", NULL);
    assert_int_equal(broken.status, 200);
    assert_int_equal(broken.events, 1);
    assert_int_equal(broken.audits, 1);
    answer_release(&broken);
    assert_int_equal(status_as(loop, user, HTTP_GET, path, NULL, PURPOSE), 404);
    assert_int_equal(status_as(loop, user, HTTP_GET, path, NULL, glass), 200);
    assert_int_equal(status_as(loop, "cdc_duty-320481", HTTP_GET, path, NULL, glass), 403);
    struct answer told =
        call_as(loop, "cdc_lead-320412", HTTP_GET, "/api/v1/break-glass", NULL, NULL);
    json_t *item = json_array_get(json_object_get(told.json, "items"), 0);
    assert_string_equal(text_of(item, "user"), user);
    assert_string_equal(text_of(item, "reason"), GLASS_REASON);
    answer_release(&told);
    loop->platform->world->fixed += 31 * MINUTE;
    assert_int_equal(status_as(loop, user, HTTP_GET, path, NULL, glass), 403);
}

/* The chain can never be changed: no words about a person stand in it. */
static void the_audit_names_the_broken_glass_by_number_and_shows_its_reason(void **state)
{
    struct loopback *loop = *state;
    struct answer broken = call_as(loop, "cdc_duty", HTTP_POST, "/api/v1/break-glass",
                                   "{\"reason\":\"" GLASS_REASON "\"}", NULL);
    assert_int_equal(broken.status, 200);
    answer_release(&broken);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM audit WHERE act = 'glass.break'"
                                           " AND purpose = 'glass:1'"),
                     1);
    assert_int_equal(loopback_number(loop,
                                     "SELECT count(*) FROM broken_glass WHERE plain_reason = ''"
                                     " AND instr(reason, 'checkpoint') = 0"),
                     1);
    struct answer shown = call_as(loop, "auditor", HTTP_GET, "/api/v1/audit/records?actor=cdc_duty",
                                  NULL, "duty:auditor");
    json_t *item = json_array_get(json_object_get(shown.json, "items"), 0);
    assert_int_equal(shown.status, 200);
    assert_string_equal(text_of(item, "purpose"), "glass:1");
    assert_string_equal(text_of(item, "reason"), GLASS_REASON);
    answer_release(&shown);
}

static void a_purpose_is_one_that_the_reader_holds(void **state)
{
    struct loopback *loop = *state;
    static const char *const not_held[] = {"duty:site_care", "duty:cdc_lead", "loop:1",
                                           "case:999999", "duty:curiosity"};
    for (size_t i = 0; i < sizeof not_held / sizeof *not_held; i++)
        assert_int_equal(
            status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons/7", NULL, not_held[i]), 403);
    assert_int_equal(
        status_as(loop, "cdc_duty", HTTP_GET, "/api/v1/persons/7", NULL, "duty:cdc_duty"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(each_role_is_shown_what_its_mask_says),
        cmocka_unit_test(small_counts_cannot_be_worked_out),
        LOOPBACK_TEST(a_district_walks_its_own_persons_once_by_the_index),
        LOOPBACK_TEST(a_search_is_recorded_also_where_it_finds_nobody),
        LOOPBACK_TEST(an_export_needs_two_keys_and_the_requesters_hand),
        LOOPBACK_TEST(a_person_is_told_who_looked),
        LOOPBACK_TEST(reviewers_see_the_gravest_oddity_first),
        LOOPBACK_TEST(reading_the_own_household_is_an_oddity),
        LOOPBACK_TEST(a_known_person_in_a_short_list_is_seen_as_one_of_a_list),
        LOOPBACK_TEST(the_own_household_in_a_list_is_an_oddity),
        LOOPBACK_TEST(a_read_for_a_case_or_a_loop_asks_for_an_act_as_one_for_a_duty_does),
        LOOPBACK_TEST(who_is_shown_no_person_sees_no_small_count),
        LOOPBACK_TEST(a_district_administrator_ends_no_citys_duty),
        LOOPBACK_TEST(the_signed_head_shows_what_was_cut_off),
        LOOPBACK_TEST(broken_glass_opens_other_areas_for_its_time_and_is_told),
        LOOPBACK_TEST(the_audit_names_the_broken_glass_by_number_and_shows_its_reason),
        LOOPBACK_TEST(a_purpose_is_one_that_the_reader_holds),
    };
    return LOOPBACK_RUN(tests);
}
