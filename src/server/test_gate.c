/* The gate: what nobody, each role, and a holder may do, on every route of the house; jurisdiction,
 * purpose, CSRF, and the end of sessions. Default is to deny. */
#include "server/server_internal.h"
#include "server/test_support.h"

/* A path of the route with each parameter filled in. */
static const char *filled(const struct route *route, const char *value, char out[160])
{
    size_t length = (size_t)snprintf(out, 160, "%s", route->at_root ? "" : "/api/v1");
    for (const char *at = route->path; *at && length < 150; at++) {
        if (*at != '{') {
            out[length++] = *at;
            continue;
        }
        length += (size_t)snprintf(out + length, 160 - length, "%s", value);
        at = strchr(at, '}');
    }
    out[length] = '\0';
    return out;
}

static void every_route_is_closed_without_a_session_unless_public(void **state)
{
    struct loopback *loop = *state;
    size_t closed = 0;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            char path[160];
            struct call call = {.method = route->method, .path = filled(route, "1", path),
                                .body = "{}", .purpose = "case:1"};
            if (route->access == ROUTE_PUBLIC)
                continue;
            loopback_refused(loop, &call, 401, "unauthenticated");
            call.authorization = "Bearer u1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            loopback_refused(loop, &call, 401, "unauthenticated");
            call.authorization = "Basic YTpi";
            loopback_refused(loop, &call, 401, "unauthenticated");
            closed++;
        }
    assert_true(closed >= 10);
}

/* What is open to all; a new public route is to be thought about here. */
static void the_public_routes_are_these(void **state)
{
    (void)state;
    static const char *const open[] = {"GET /healthz",      "GET /readyz",       "GET /metrics",
                                       "GET /openapi.json", "GET /public/about", "POST /sessions",
                                       "POST /scans",       "POST /scans:batch",
                                       "GET /public/audit-head", "GET /public/rules",
                                       "GET /public/keeping"};
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    size_t found = 0;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            char name[100];
            bool listed = false;
            snprintf(name, sizeof name, "%s %s", methods[route->method], route->path);
            for (size_t i = 0; i < sizeof open / sizeof *open; i++)
                listed |= strcmp(open[i], name) == 0;
            if (listed != (route->access == ROUTE_PUBLIC))
                fail_msg("%s is %s", name, listed ? "closed" : "open");
            found += listed;
        }
    assert_int_equal(found, sizeof open / sizeof *open);
}

/* The build runs this over every route and fails with what it finds. */
static void a_route_that_does_not_declare_itself_is_a_fault(void **state)
{
    (void)state;
    const struct route good = {.method = HTTP_GET,
                               .path = "/persons/{no}",
                               .access = ROUTE_USER,
                               .permission = PERMISSION_BIT(PERMIT_PERSON_READ),
                               .touches = TOUCH_PERSONS,
                               .fields = FIELD_BIT(FIELD_NAME),
                               .opens_identity = true,
                               .about_person = true,
                               .handle = openapi_handle};
    struct route bad[6];
    assert_null(route_fault(&good));
    for (size_t i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].touches = TOUCH_UNDECLARED;
    bad[1].permission = 0;
    bad[2].opens_identity = false;
    bad[3].fields = 0;
    bad[4].handle = NULL;
    bad[5].opens_identity = bad[5].about_person = false;
    for (size_t i = 0; i < 6; i++)
        assert_non_null(route_fault(&bad[i]));
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++)
            assert_null(route_fault(&modules[m]->routes[r]));
}

/* ---- Role × route. Written down by hand: not read from roles.yaml. */

#define ALL_READERS "command command_duty cdc_lead cdc_duty cdc_investigator district_duty "
#define PERSON_READERS                                                                             \
    "command command_duty cdc_lead cdc_duty cdc_investigator site_lead unit_manager "
#define LOOP_HANDS                                                                                 \
    ALL_READERS "town_duty grid_worker checkpoint_lead checkpoint_officer sampler lab_duty "       \
                "lab_lead site_lead site_staff unit_manager venue_manager venue_staff inspector "  \
                "inspection_lead appeals_officer approver epidemiologist "
#define VENUE_READERS                                                                              \
    ALL_READERS "town_duty grid_worker checkpoint_lead checkpoint_officer sampler site_lead "      \
                "site_staff unit_manager venue_manager venue_staff inspector inspection_lead "     \
                "epidemiologist administrator "
#define EVIDENCE_READERS                                                                           \
    ALL_READERS "town_duty checkpoint_lead site_lead appeals_officer approver "
static const struct {
    enum http_method method;
    const char *path;
    const char *roles; /* that may; every other may not */
} rights[] = {
    {HTTP_GET, "/api/v1/persons/1/evidence", EVIDENCE_READERS},
    {HTTP_GET, "/api/v1/persons/1/redress", EVIDENCE_READERS},
    {HTTP_GET, "/api/v1/persons/1/stays", ALL_READERS "town_duty "},
    {HTTP_GET, "/api/v1/persons/1/sources", ALL_READERS "town_duty grid_worker appeals_officer "},
    {HTTP_GET, "/api/v1/persons/1/looks", "command command_duty cdc_lead "},
    {HTTP_GET, "/api/v1/persons/1/loops", EVIDENCE_READERS "grid_worker unit_manager "},
    {HTTP_GET, "/api/v1/loops:purposes", LOOP_HANDS},
    {HTTP_GET, "/api/v1/units", VENUE_READERS},
    {HTTP_GET, "/api/v1/units:kinds", VENUE_READERS},
    {HTTP_GET, "/api/v1/units/1", VENUE_READERS},
    {HTTP_GET, "/api/v1/units/1/loops", LOOP_HANDS},
    {HTTP_GET, "/api/v1/cases", ALL_READERS "town_duty epidemiologist "},
    {HTTP_GET, "/api/v1/cases/1", ALL_READERS "town_duty epidemiologist "},
    {HTTP_GET, "/api/v1/cases/1/exposures", ALL_READERS},
    {HTTP_GET, "/api/v1/cases/1/chain", ALL_READERS},
    {HTTP_GET, "/api/v1/cases/1/contacts", ALL_READERS},
    {HTTP_GET, "/api/v1/cases/1/loops", ALL_READERS "town_duty epidemiologist "},
    {HTTP_GET, "/api/v1/persons/1/status",
     ALL_READERS "town_duty grid_worker checkpoint_lead site_lead unit_manager appeals_officer "
                 "approver "},
    {HTTP_GET, "/api/v1/situation",
     ALL_READERS "town_duty lab_lead inspector inspection_lead epidemiologist press "},
    {HTTP_GET, "/api/v1/situation:hours",
     ALL_READERS "town_duty lab_lead inspector inspection_lead epidemiologist press "},
    {HTTP_GET, "/api/v1/venues/1/code", "venue_manager administrator "},
    {HTTP_GET, "/api/v1/venues/1/poster", "venue_manager administrator "},
    {HTTP_POST, "/api/v1/venues/1/revoke", "venue_manager administrator "},
    {HTTP_GET, "/api/v1/users", "administrator "},
    {HTTP_POST, "/api/v1/users:duty", "administrator "},
    {HTTP_POST, "/api/v1/users:unit", "administrator "},
    {HTTP_GET, "/api/v1/duties", "administrator "},
    {HTTP_POST, "/api/v1/duties", "administrator "},
    {HTTP_DELETE, "/api/v1/duties/1", "administrator "},
    {HTTP_POST, "/api/v1/absences", "administrator "},
    {HTTP_DELETE, "/api/v1/absences/1", "administrator "},
    {HTTP_POST, "/api/v1/break-glass", "cdc_duty cdc_investigator district_duty "},
    {HTTP_GET, "/api/v1/break-glass", "command command_duty cdc_lead auditor "},
    {HTTP_GET, "/api/v1/persons", PERSON_READERS},
    {HTTP_GET, "/api/v1/persons/1", PERSON_READERS},
    {HTTP_POST, "/api/v1/persons:search", "cdc_lead cdc_duty cdc_investigator "},
    {HTTP_POST, "/api/v1/exports", "cdc_lead "},
    {HTTP_GET, "/api/v1/exports", "approver "},
    {HTTP_POST, "/api/v1/exports/1/approve", "approver "},
    {HTTP_POST, "/api/v1/exports/1/refuse", "approver "},
    {HTTP_GET, "/api/v1/exports/1/file", "cdc_lead "},
    {HTTP_GET, "/api/v1/exports/marks/1", "auditor "},
    {HTTP_GET, "/api/v1/audit/oddities", "auditor "},
    {HTTP_GET, "/api/v1/audit/records", "auditor "},
    {HTTP_POST, "/api/v1/audit:verify", "auditor "},
    {HTTP_POST, "/api/v1/health:check", "auditor administrator "},
    {HTTP_GET, "/api/v1/jobs", "auditor administrator "},
    {HTTP_GET, "/api/v1/jobs/1", "auditor administrator "},
    {HTTP_GET, "/api/v1/retention", "auditor administrator "},
    {HTTP_GET, "/api/v1/retention/runs", "auditor administrator "},
    {HTTP_GET, "/api/v1/retention/runs/1", "auditor administrator "},
    {HTTP_GET, "/api/v1/holds", "auditor administrator "},
    {HTTP_GET, "/api/v1/sunset", "auditor administrator "},
    {HTTP_POST, "/api/v1/persons/1/overrides", "cdc_lead cdc_duty lab_lead "},
    {HTTP_GET, "/api/v1/overrides", "approver inspection_lead "},
    {HTTP_POST, "/api/v1/overrides/1/approve", "approver inspection_lead "},
    {HTTP_POST, "/api/v1/overrides/1/refuse", "approver inspection_lead "},
    {HTTP_GET, "/api/v1/appeals", "appeals_officer "},
    {HTTP_POST, "/api/v1/appeals/1/decision", "appeals_officer "},
    {HTTP_POST, "/api/v1/appeals/1/annulment", "cdc_lead cdc_duty "},
    {HTTP_POST, "/api/v1/rules", "cdc_lead "},
    {HTTP_POST, "/api/v1/rules/1/sign", "command approver inspection_lead "},
    {HTTP_GET, "/api/v1/venues/suspicions", VENUE_READERS},
    {HTTP_GET, "/api/v1/venues/clusters", ALL_READERS "town_duty inspector epidemiologist "},
    {HTTP_GET, "/api/v1/venue-codes/1/today",
     "checkpoint_lead checkpoint_officer venue_manager venue_staff "},
    {HTTP_GET, "/api/v1/venues/coverage", VENUE_READERS},
    {HTTP_GET, "/api/v1/venues/points", VENUE_READERS},
    {HTTP_GET, "/api/v1/venues", VENUE_READERS},
    {HTTP_GET, "/api/v1/venues/1", VENUE_READERS},
    {HTTP_POST, "/api/v1/venues:import", "cdc_lead administrator "},
    {HTTP_GET, "/api/v1/loops", LOOP_HANDS},
    {HTTP_GET, "/api/v1/loops:counts",
     ALL_READERS "town_duty lab_lead inspection_lead appeals_officer approver epidemiologist "},
    {HTTP_GET, "/api/v1/loops:indicators",
     ALL_READERS "town_duty lab_lead inspection_lead appeals_officer approver epidemiologist "},
    {HTTP_GET, "/api/v1/loops/1", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops:advance", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops/1/advance", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops/1/sign", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops/1/claim", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops/1/note", LOOP_HANDS},
    {HTTP_POST, "/api/v1/loops/1/take", "command command_duty "},
    {HTTP_POST, "/api/v1/photos", LOOP_HANDS},
    {HTTP_GET, "/api/v1/photos:limits", LOOP_HANDS},
    {HTTP_GET, "/api/v1/photos/1", LOOP_HANDS},
    {HTTP_PUT, "/api/v1/loops/1/viewers/1", LOOP_HANDS},
    {HTTP_DELETE, "/api/v1/loops/1/viewers/1", LOOP_HANDS},
    {HTTP_GET, "/api/v1/alerts", ALL_READERS "town_duty inspector epidemiologist "},
    {HTTP_GET, "/api/v1/alerts/1", ALL_READERS "town_duty inspector epidemiologist "},
    {HTTP_POST, "/api/v1/alerts/1/disposition", "cdc_lead cdc_duty epidemiologist "},
    {HTTP_POST, "/api/v1/series:batch", "cdc_lead administrator "},
    {HTTP_GET, "/api/v1/scenes", LOOP_HANDS},
    {HTTP_GET, "/api/v1/scenes/1", LOOP_HANDS},
    {HTTP_GET, "/api/v1/scenes/1/diagram", LOOP_HANDS},
    {HTTP_GET, "/api/v1/scenes/1/document", LOOP_HANDS},
    {HTTP_GET, "/api/v1/scenes/1/versions", LOOP_HANDS},
    {HTTP_GET, "/api/v1/scenes:proofs", LOOP_HANDS},
    {HTTP_POST, "/api/v1/results", "lab_duty lab_lead "},
    {HTTP_POST, "/api/v1/results:batch", "lab_duty lab_lead "},
    {HTTP_GET, "/api/v1/me/notices", ""},
    {HTTP_GET, "/api/v1/me/appeals", ""},
    {HTTP_POST, "/api/v1/me/appeals", ""},
    {HTTP_GET, "/api/v1/me", ""},
    {HTTP_GET, "/api/v1/me/code", ""},
    {HTTP_GET, "/api/v1/me/family", ""},
    {HTTP_POST, "/api/v1/me/family", ""},
    {HTTP_DELETE, "/api/v1/me/family/1", ""},
    {HTTP_GET, "/api/v1/me/accesses", ""},
    {HTTP_GET, "/api/v1/me/why", ""},
};

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

static void each_role_may_what_the_table_says_and_nothing_else(void **state)
{
    struct loopback *loop = *state;
    const struct policy *policy = loop->platform->policy;
    assert_int_equal(policy_role_count(policy), 26);
    for (size_t r = 0; r < policy_role_count(policy); r++) {
        const char *role = policy_role_at(policy, r)->name;
        char token[80];
        loopback_user(loop, role, token);
        for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
            struct answer answer = loopback_call(
                loop, &(struct call){.method = rights[i].method, .path = rights[i].path,
                                     .authorization = token, .purpose = "case:1"});
            bool let_in = strcmp(answer.type, "forbidden") != 0;
            if (let_in != has_word(rights[i].roles, role))
                fail_msg("%s on %s: %d %s", role, rights[i].path, answer.status, answer.type);
            assert_int_not_equal(answer.status, 401);
            assert_true(answer.status < 500);
            answer_release(&answer);
        }
    }
}

static void every_closed_route_stands_in_the_table_of_rights(void **state)
{
    (void)state;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            char path[160];
            bool found = route->access == ROUTE_PUBLIC || route->permission == PERMISSION_NONE;
            filled(route, "1", path);
            for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
                found |= strcmp(rights[i].path, path) == 0 && rights[i].method == route->method;
            if (!found)
                fail_msg("%s has no row", path);
        }
}

static void a_holder_sees_the_own_page_and_no_officers_route(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    loopback_holder(loop, 7, token);
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        struct call call = {.method = rights[i].method, .path = rights[i].path,
                            .authorization = token, .purpose = "case:1"};
        if (rights[i].roles[0])
            loopback_refused(loop, &call, 403, "forbidden");
        else
            assert_int_equal(loopback_status(loop, &call), call.method == HTTP_GET      ? 200
                                                           : call.method == HTTP_DELETE ? 404
                                                                                        : 400);
    }
    struct answer me = loopback_call(loop, GET("/api/v1/me", token));
    assert_string_equal(json_string_value(json_object_get(me.json, "status")), "known");
    answer_release(&me);
}

/* ---- Purpose */

/* A role that may take the route. */
static const char *role_of(const struct policy *policy, const struct route *route)
{
    for (size_t r = 0; r < policy_role_count(policy); r++) {
        const struct role *role = policy_role_at(policy, r);
        if ((role->permissions & route->permission) == route->permission)
            return role->name;
    }
    fail_msg("no role may take %s", route->path);
    return NULL;
}

static void what_opens_identity_demands_a_purpose(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    static const char *const wrong[] = {NULL, "", "case:", "case", "because", "case:1 2",
                                        "duty:../..", "loop:\x01", "CASE:1", "duty:%41"};
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            char path[160];
            if (!route->opens_identity)
                continue;
            loopback_user(loop, role_of(loop->platform->policy, route), token);
            for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                struct call call = {.method = route->method, .path = filled(route, "1", path),
                                    .authorization = token, .body = "{}", .purpose = wrong[i]};
                loopback_refused(loop, &call, 403, "purpose-required");
            }
        }
}

static void a_case_is_opened_only_for_its_own_number(void **state)
{
    struct loopback *loop = *state;
    char token[80];
    loopback_user(loop, "cdc_lead", token);
    static const char *const paths[] = {"/api/v1/cases/1", "/api/v1/cases/1/exposures",
                                        "/api/v1/cases/1/chain", "/api/v1/cases/1/contacts",
                                        "/api/v1/cases/1/loops"};
    for (size_t i = 0; i < 5; i++) {
        struct call call = {.path = paths[i], .authorization = token, .purpose = "case:2"};
        loopback_refused(loop, &call, 403, "purpose-required");
        call.purpose = "duty:case_review";
        loopback_refused(loop, &call, 403, "purpose-required");
        call.purpose = "case:1";
        assert_int_equal(loopback_status(loop, &call), 200);
    }
}

/* ---- Jurisdiction */

static int64_t person_in(struct loopback *loop, const char *code)
{
    char query[300];
    const struct area *area = registry_area_by_code(loop->platform->registry, slice_of(code));
    snprintf(query, sizeof query,
             "SELECT min(person_no) FROM person WHERE area_no BETWEEN %lld AND %lld",
             (long long)area->no, (long long)area_range_last(area->no));
    return loopback_number(loop, query);
}

static void a_district_sees_no_person_of_another(void **state)
{
    struct loopback *loop = *state;
    char wujin[80], liyang[80], city[80], path[80];
    loopback_user(loop, "district_duty-320412", wujin);
    loopback_user(loop, "district_duty-320481", liyang);
    loopback_user(loop, "cdc_lead", city);
    snprintf(path, sizeof path, "/api/v1/persons/%lld/status",
             (long long)person_in(loop, "320412"));
    struct call call = {.path = path, .authorization = wujin, .purpose = "duty:case_review"};
    assert_int_equal(loopback_status(loop, &call), 200);
    call.authorization = city;
    assert_int_equal(loopback_status(loop, &call), 200);
    call.authorization = liyang;
    loopback_refused(loop, &call, 404, "not-found");
    call.path = "/api/v1/persons/99999999/status"; /* as one who does not exist */
    loopback_refused(loop, &call, 404, "not-found");
}

static void add_case(struct loopback *loop, int number, const char *district)
{
    char statement[400];
    snprintf(statement, sizeof statement,
             "INSERT INTO case_record SELECT %d, area_no, person_no, 'case', 1649800000000000,"
             " 1649810000000000, 0, NULL FROM person WHERE person_no = %lld",
             number, (long long)person_in(loop, district));
    loopback_change(loop, statement);
    snprintf(statement, sizeof statement, "SELECT count(*) FROM case_record WHERE case_no = %d",
             number);
    assert_int_equal(loopback_number(loop, statement), 1);
}

static void a_district_sees_no_case_of_another(void **state)
{
    struct loopback *loop = *state;
    char wujin[80], liyang[80];
    add_case(loop, 1001, "320412");
    add_case(loop, 1002, "320481");
    loopback_user(loop, "district_duty-320412", wujin);
    loopback_user(loop, "district_duty-320481", liyang);
    static const char *const paths[] = {"/api/v1/cases/1001", "/api/v1/cases/1001/exposures",
                                        "/api/v1/cases/1001/chain", "/api/v1/cases/1001/contacts",
                                        "/api/v1/cases/1001/loops"};
    for (size_t i = 0; i < 5; i++) {
        struct call call = {.path = paths[i], .authorization = wujin, .purpose = "case:1001"};
        assert_int_equal(loopback_status(loop, &call), 200);
        call.authorization = liyang;
        /* as one that does not exist */
        loopback_refused(loop, &call, 403, "purpose-required");
    }
    struct call list = {.path = "/api/v1/cases?limit=1000", .authorization = liyang,
                        .purpose = "duty:case_review"};
    struct answer answer = loopback_call(loop, &list);
    json_t *items = json_object_get(answer.json, "items"), *item;
    size_t i;
    assert_true(json_array_size(items) >= 1);
    json_array_foreach(items, i, item)
    {
        const char *code = json_string_value(
            json_object_get(json_object_get(item, "area"), "code"));
        assert_memory_equal(code, "320481", 6);
    }
    answer_release(&answer);
    list.path = "/api/v1/cases?area=320412";
    loopback_refused(loop, &list, 403, "forbidden");
    list.path = "/api/v1/cases?area=nowhere";
    loopback_refused(loop, &list, 400, "bad-value");
}

static void a_district_sees_no_other_districts_situation(void **state)
{
    struct loopback *loop = *state;
    char liyang[80];
    loopback_user(loop, "district_duty-320481", liyang);
    assert_int_equal(loopback_status(loop, GET("/api/v1/situation?area=320481", liyang)), 200);
    loopback_refused(loop, GET("/api/v1/situation?area=320412", liyang), 403, "forbidden");
    loopback_refused(loop, GET("/api/v1/situation?area=320400", liyang), 403, "forbidden");
    struct answer own = loopback_call(loop, GET("/api/v1/situation", liyang));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(own.json, "area"), "code")), "320481");
    assert_int_equal(json_array_size(json_object_get(own.json, "districts")), 1);
    answer_release(&own);
}

/* ---- Cookies and the end of sessions */

/* Logs a holder in through the stub; *ret_cookie and *ret_csrf live in `answer`. */
static struct answer log_in(struct loopback *loop, const char **ret_cookie, const char **ret_csrf)
{
    struct answer answer = loopback_call(
        loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions",
                             .body = "{\"provider\":\"stub\",\"person_no\":7}"});
    assert_int_equal(answer.status, 200);
    *ret_cookie = json_string_value(json_object_get(answer.json, "session"));
    *ret_csrf = json_string_value(json_object_get(answer.json, "csrf"));
    assert_non_null(*ret_cookie);
    assert_non_null(*ret_csrf);
    return answer;
}

static void a_cookie_is_for_pages_only_and_writes_need_its_csrf(void **state)
{
    struct loopback *loop = *state;
    const char *cookie, *csrf;
    struct answer session = log_in(loop, &cookie, &csrf);
    const char *header = answer_header(&session, "Set-Cookie");
    assert_non_null(header);
    assert_non_null(strstr(header, "; HttpOnly"));
    assert_non_null(strstr(header, "; SameSite=Strict"));
    assert_non_null(strstr(header, "; Path=/"));
    assert_int_equal(loopback_status(loop, &(struct call){.path = "/api/v1/me", .cookie = cookie}),
                     200);
    struct call end = {.method = HTTP_DELETE, .path = "/api/v1/sessions/current",
                       .cookie = cookie};
    loopback_refused(loop, &end, 403, "forbidden");
    end.csrf = "AAAAAAAAAAAAAAAAAAAAAA";
    loopback_refused(loop, &end, 403, "forbidden");
    end.csrf = csrf;
    assert_int_equal(loopback_status(loop, &end), 200);
    answer_release(&session);
}

static void an_ended_session_is_refused_also_after_a_restart(void **state)
{
    struct loopback *loop = *state;
    const char *cookie, *csrf;
    char user[80], holder[80];
    struct answer session = log_in(loop, &cookie, &csrf);
    struct call end = {.method = HTTP_DELETE, .path = "/api/v1/sessions/current",
                       .cookie = cookie, .csrf = csrf};
    struct call me = {.path = "/api/v1/me", .cookie = cookie};
    assert_int_equal(loopback_status(loop, &end), 200);
    loopback_refused(loop, &me, 401, "unauthenticated");
    loopback_user(loop, "press", user);
    assert_int_equal(loopback_status(loop, GET("/api/v1/sessions/current", user)), 200);
    assert_int_equal(loopback_status(loop, &(struct call){.method = HTTP_DELETE,
                                                          .path = "/api/v1/sessions/current",
                                                          .authorization = user}),
                     200);
    loopback_refused(loop, GET("/api/v1/sessions/current", user), 401, "unauthenticated");
    loopback_restart(loop);
    loopback_refused(loop, &me, 401, "unauthenticated");
    loopback_refused(loop, GET("/api/v1/sessions/current", user), 401, "unauthenticated");
    loopback_holder(loop, 7, holder); /* another session of the same person goes on */
    assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 200);
    answer_release(&session);
}

static void a_session_of_an_older_epoch_is_refused(void **state)
{
    struct loopback *loop = *state;
    char token[80] = "Bearer ";
    uint32_t now = (uint32_t)(world_now(loop->platform->world) / SECOND);
    access_holder_session(loop->platform->access, 7, 3, now, now + 60, 1, token + 7);
    loopback_refused(loop, GET("/api/v1/me", token), 401, "unauthenticated");
    access_holder_session(loop->platform->access, LOOPBACK_PEOPLE + 5, 0, now, now + 60, 1,
                          token + 7);
    loopback_refused(loop, GET("/api/v1/me", token), 401, "unauthenticated"); /* nobody */
}

static void tokens_and_sessions_expire(void **state)
{
    struct loopback *loop = *state;
    char user[80], holder[80];
    loopback_user(loop, "press", user);
    loopback_holder(loop, 7, holder);
    assert_int_equal(loopback_status(loop, GET("/api/v1/situation", user)), 200);
    assert_int_equal(loopback_status(loop, GET("/api/v1/me", holder)), 200);
    loop->platform->world->fixed += HOUR;
    loopback_refused(loop, GET("/api/v1/me", holder), 401, "unauthenticated");
    assert_int_equal(loopback_status(loop, GET("/api/v1/situation", user)), 200);
    loop->platform->world->fixed += 30 * DAY;
    loopback_refused(loop, GET("/api/v1/situation", user), 401, "unauthenticated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_that_does_not_declare_itself_is_a_fault),
        LOOPBACK_TEST(every_route_is_closed_without_a_session_unless_public),
        cmocka_unit_test(the_public_routes_are_these),
        LOOPBACK_TEST(each_role_may_what_the_table_says_and_nothing_else),
        cmocka_unit_test(every_closed_route_stands_in_the_table_of_rights),
        LOOPBACK_TEST(a_holder_sees_the_own_page_and_no_officers_route),
        LOOPBACK_TEST(what_opens_identity_demands_a_purpose),
        LOOPBACK_TEST(a_case_is_opened_only_for_its_own_number),
        LOOPBACK_TEST(a_district_sees_no_person_of_another),
        LOOPBACK_TEST(a_district_sees_no_case_of_another),
        LOOPBACK_TEST(a_district_sees_no_other_districts_situation),
        LOOPBACK_TEST(a_cookie_is_for_pages_only_and_writes_need_its_csrf),
        LOOPBACK_TEST(an_ended_session_is_refused_also_after_a_restart),
        LOOPBACK_TEST(a_session_of_an_older_epoch_is_refused),
        LOOPBACK_TEST(tokens_and_sessions_expire),
    };
    return LOOPBACK_RUN(tests);
}
