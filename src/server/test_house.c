/* The house's own routes: health, readiness with its reasons, metrics, log-in of users and holders. */
#include "server/test_support.h"

static void healthz_answers_and_readyz_says_why_not(void **state)
{
    struct loopback *loop = *state;
    assert_int_equal(loopback_status(loop, GET("/healthz", NULL)), 200);
    assert_int_equal(loopback_status(loop, GET("/readyz", NULL)), 200);
    atomic_store(&server_counters.stopping, true);
    struct answer answer = loopback_call(loop, GET("/readyz", NULL));
    atomic_store(&server_counters.stopping, false);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.type, "not-ready");
    assert_non_null(answer_header(&answer, "Retry-After"));
    json_t *reason = json_array_get(json_object_get(answer.json, "errors"), 0);
    assert_string_equal(json_string_value(json_object_get(reason, "field")), "server");
    answer_release(&answer);
    assert_int_equal(loopback_status(loop, GET("/readyz", NULL)), 200);
}

static void a_database_that_cannot_be_read_is_not_ready_but_alive(void **state)
{
    struct loopback *loop = *state;
    struct arena arena;
    struct response response;
    struct raw_request raw = {.path = SLICE("/readyz")};
    arena_init(&arena, 1 << 20);
    fault_arm(0, FAULT_SQL);
    server_dispatch(loop->platform, &raw, &arena, &response);
    assert_true(fault_disarm());
    assert_int_equal(response.status, 503);
    assert_non_null(strstr(response.body.data, "\"database\""));
    buffer_release(&response.body);
    arena_release(&arena);
}

/* ---- Metrics: Prometheus text format 0.0.4 */

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || text[i] == '_'))
            return false;
    return length > 0;
}

/* name{label="value"} number */
static void check_sample(const char *line, const char *family)
{
    size_t name = strcspn(line, "{ ");
    char *end;
    assert_true(is_name(line, name));
    assert_int_equal(name, strlen(family));
    assert_memory_equal(line, family, name);
    const char *value = line + name;
    if (*value == '{') {
        size_t label = strcspn(value + 1, "=");
        assert_true(is_name(value + 1, label));
        assert_int_equal(value[label + 2], '"');
        value = strchr(value, '}') + 1;
    }
    assert_int_equal(*value, ' ');
    strtod(value + 1, &end);
    assert_int_equal(*end, '\0');
}

static void metrics_are_prometheus_text_without_persons(void **state)
{
    struct loopback *loop = *state;
    struct answer answer = loopback_call(loop, GET("/metrics", NULL));
    char family[80] = "", *rest = answer.response.body.data;
    size_t samples = 0, families = 0;
    assert_memory_equal(answer.response.content_type, "text/plain; version=0.0.4", 25);
    assert_int_equal(rest[answer.response.body.length - 1], '\n');
    for (char *line; (line = strsep(&rest, "\n"));) {
        char type[20];
        if (!*line)
            continue;
        if (strncmp(line, "# HELP ", 7) == 0) {
            sscanf(line + 7, "%79s", family);
            families++;
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            char named[80];
            assert_int_equal(sscanf(line + 7, "%79s %19s", named, type), 2);
            assert_string_equal(named, family);
            assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0);
            if (strcmp(type, "counter") == 0)
                assert_string_equal(family + strlen(family) - 6, "_total");
        } else {
            check_sample(line, family);
            samples++;
        }
    }
    assert_true(families >= 5 && samples >= 11);
    answer_release(&answer);
    /* labels are a class of status or a colour, values are counts: read once more as a whole */
    answer = loopback_call(loop, GET("/metrics", NULL));
    assert_null(strstr(answer.response.body.data, "999")); /* no ID number of the demo city */
    assert_null(strstr(answer.response.body.data, "person_no"));
    answer_release(&answer);
}

/* ---- Log-in */

/* Name and password of the first demo login into a body. */
static void demo_login(struct loopback *loop, char body[300], char name[80])
{
    struct answer about = loopback_call(loop, GET("/api/v1/public/about", NULL));
    json_t *first = json_array_get(json_object_get(about.json, "demo_logins"), 0);
    snprintf(name, 80, "%s", json_string_value(json_object_get(first, "name")));
    snprintf(body, 300, "{\"name\":\"%s\",\"password\":\"%s\"}", name,
             json_string_value(json_object_get(first, "password")));
    answer_release(&about);
}

static void a_user_logs_in_reads_and_logs_out(void **state)
{
    struct loopback *loop = *state;
    char body[300], name[80], cookie[100];
    demo_login(loop, body, name);
    struct answer login = loopback_call(
        loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = body});
    assert_int_equal(login.status, 200);
    assert_string_equal(json_string_value(json_object_get(login.json, "kind")), "user");
    assert_string_equal(json_string_value(json_object_get(login.json, "name")), name);
    assert_null(strstr(login.response.body.data, "u1.")); /* the token is in the cookie only */
    const char *header = answer_header(&login, "Set-Cookie");
    assert_int_equal(sscanf(header, "chengmai_session=%99[^;]", cookie), 1);
    assert_int_equal(loopback_status(loop, &(struct call){.path = "/api/v1/situation",
                                                          .cookie = cookie}),
                     200);
    assert_int_equal(
        loopback_status(loop, &(struct call){.method = HTTP_DELETE,
                                             .path = "/api/v1/sessions/current", .cookie = cookie,
                                             .csrf = json_string_value(json_object_get(
                                                 login.json, "csrf"))}),
        200);
    loopback_refused(loop, &(struct call){.path = "/api/v1/situation", .cookie = cookie}, 401,
                     "unauthenticated");
    answer_release(&login);
}

/* Wrong name, wrong password and too many failures have the same words. */
static void failed_log_ins_tell_nothing_and_make_wait(void **state)
{
    struct loopback *loop = *state;
    char body[300], name[80], wrong[200], words[1000] = "";
    demo_login(loop, body, name);
    snprintf(wrong, sizeof wrong, "{\"name\":\"%s\",\"password\":\"wrong-password\"}", name);
    struct call call = {.method = HTTP_POST, .path = "/api/v1/sessions"};
    for (int i = 0; i < 6; i++) {
        call.body = i ? wrong : "{\"name\":\"nobody\",\"password\":\"wrong-password\"}";
        struct answer answer = loopback_call(loop, &call);
        assert_int_equal(answer.status, 401);
        if (words[0])
            assert_string_equal(words, answer.response.body.data);
        snprintf(words, sizeof words, "%s", answer.response.body.data);
        answer_release(&answer);
    }
    call.body = body; /* the right one, too soon */
    struct answer locked = loopback_call(loop, &call);
    assert_int_equal(locked.status, 401);
    assert_string_equal(words, locked.response.body.data);
    answer_release(&locked);
    loop->platform->world->fixed += 2 * SECOND;
    assert_int_equal(loopback_status(loop, &call), 200);
}

static void the_stub_provider_says_that_it_is_one(void **state)
{
    struct loopback *loop = *state;
    struct answer about = loopback_call(loop, GET("/api/v1/public/about", NULL));
    json_t *provider = json_array_get(json_object_get(about.json, "identity_providers"), 0);
    assert_string_equal(json_string_value(json_object_get(provider, "name")), "stub");
    assert_true(json_is_true(json_object_get(provider, "stub")));
    answer_release(&about);
    struct answer session = loopback_call(
        loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions",
                             .body = "{\"provider\":\"stub\",\"person_no\":7}"});
    assert_true(json_is_true(json_object_get(json_object_get(session.json, "provider"), "stub")));
    answer_release(&session);
    struct call nobody = {.method = HTTP_POST, .path = "/api/v1/sessions",
                          .body = "{\"provider\":\"stub\",\"person_no\":70000}"};
    loopback_refused(loop, &nobody, 401, "unauthenticated");
}

static void outside_a_demo_city_there_is_no_stub(void **state)
{
    struct loopback *loop = *state;
    loop->platform->demo = false;
    struct call call = {.method = HTTP_POST, .path = "/api/v1/sessions",
                        .body = "{\"provider\":\"stub\",\"person_no\":7}"};
    loopback_refused(loop, &call, 403, "refused");
    struct answer about = loopback_call(loop, GET("/api/v1/public/about", NULL));
    assert_int_equal(json_array_size(json_object_get(about.json, "identity_providers")), 0);
    assert_int_equal(json_array_size(json_object_get(about.json, "demo_logins")), 0);
    answer_release(&about);
    loop->platform->demo = true;
}

static void a_holder_logs_in_by_id_number_and_sees_why(void **state)
{
    struct loopback *loop = *state;
    struct arena arena;
    struct person person;
    struct sql *sql;
    struct error err;
    char body[200], token[100];
    arena_init(&arena, 1 << 20);
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(registry_person(loop->platform, sql, 303, &arena, &person, &err), &err);
    store_read_end(loop->platform->store, sql);
    snprintf(body, sizeof body, "{\"provider\":\"stub\",\"id_number\":\"%.*s\"}",
             SLICE_ARG(person.id_number));
    arena_release(&arena);
    struct answer session = loopback_call(
        loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = body});
    assert_int_equal(session.status, 200);
    snprintf(token, sizeof token, "Bearer %s",
             json_string_value(json_object_get(session.json, "session")));
    struct answer me = loopback_call(loop, GET("/api/v1/me", token));
    struct answer why = loopback_call(loop, GET("/api/v1/me/why", token));
    assert_string_equal(json_string_value(json_object_get(me.json, "color")), "red"); /* a case */
    assert_string_equal(json_string_value(json_object_get(why.json, "color")), "red");
    json_t *words = json_object_get(
        json_array_get(json_object_get(why.json, "reasons"), 0), "words");
    assert_true(json_string_length(json_object_get(words, "zh")) > 0);
    assert_true(json_string_length(json_object_get(words, "en")) > 0);
    answer_release(&session);
    answer_release(&me);
    answer_release(&why);
}

/* A scan with the session that was given: the id number's way into POST /scans:batch. */
/* Logs person 7 in from the device whose cookie is `device` (NULL: a new one). */
static void bound_login(struct loopback *loop, const char *device, char session[100],
                        char csrf[60], char out_device[100])
{
    struct answer login =
        loopback_call(loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions",
                                           .device = device,
                                           .body = "{\"provider\":\"stub\",\"person_no\":7,"
                                                   "\"device\":true}"});
    assert_int_equal(login.status, 200);
    assert_true(json_is_true(json_object_get(login.json, "bound")));
    snprintf(session, 100, "%s", json_string_value(json_object_get(login.json, "session")));
    snprintf(csrf, 60, "%s", json_string_value(json_object_get(login.json, "csrf")));
    out_device[0] = '\0';
    for (size_t i = 0; login.response.headers[i]; i++)
        if (sscanf(login.response.headers[i], "Set-Cookie: chengmai_device=%99[^;]",
                   out_device) == 1) {
            assert_non_null(strstr(login.response.headers[i], "; HttpOnly; SameSite=Strict; "));
            assert_non_null(strstr(login.response.headers[i], "; Path=/api/v1; "));
        }
    assert_memory_equal(session, "h2.", 3);
    assert_memory_equal(out_device, "d1.", 3);
    assert_null(strstr(login.response.body.data, out_device)); /* in the cookie only */
    answer_release(&login);
}

static void a_bound_session_is_nothing_without_its_device(void **state)
{
    struct loopback *loop = *state;
    char session[100], csrf[60], device[100], other[100], kept[100], again[100], bearer[110];
    bound_login(loop, NULL, again, csrf, other);
    bound_login(loop, NULL, session, csrf, device);
    snprintf(bearer, sizeof bearer, "Bearer %s", session);
    const char *const bad[] = {NULL, other, "d1.",
                               "d1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct call calls[] = {
            {.path = "/api/v1/me", .cookie = session, .device = bad[i]},
            {.path = "/api/v1/me", .authorization = bearer, .device = bad[i]},
            {.path = "/api/v1/me/why", .authorization = bearer, .device = bad[i]},
            {.path = "/api/v1/me/accesses", .authorization = bearer, .device = bad[i]},
            {.path = "/api/v1/sessions/current", .cookie = session, .device = bad[i]},
            {.method = HTTP_DELETE, .path = "/api/v1/sessions/current", .cookie = session,
             .csrf = csrf, .device = bad[i]}};
        for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
            loopback_refused(loop, &calls[k], 401, "unauthenticated");
    }
    struct call me = {.path = "/api/v1/me", .cookie = session, .device = device};
    assert_int_equal(loopback_status(loop, &me), 200);
    bound_login(loop, device, again, csrf, kept); /* a second session of the same device */
    assert_string_equal(kept, device);
    assert_int_equal(loopback_status(loop, &me), 200);
    struct call end = {.method = HTTP_DELETE, .path = "/api/v1/sessions/current",
                       .authorization = bearer, .device = device};
    assert_int_equal(loopback_status(loop, &end), 200);
    loopback_refused(loop, &me, 401, "unauthenticated");
    me.cookie = again;
    assert_int_equal(loopback_status(loop, &me), 200);
    loopback_refused(loop,
                     &(struct call){.method = HTTP_POST, .path = "/api/v1/sessions",
                                    .body = "{\"provider\":\"stub\",\"person_no\":7,"
                                            "\"device\":\"yes\"}"},
                     400, "bad-value");
}

/* One line of a batch: its status. */
static int batch_status(struct loopback *loop, const char *session, const char *device)
{
    char token[VENUE_TOKEN_BYTES], body[400];
    int status = 0;
    uint16_t version = checkin_venue_version(loop->platform->checkin, 1);
    venue_token_format(store_keys(loop->platform->store), 1, version, token);
    snprintf(body, sizeof body,
             "{\"venue_token\":\"%s\",\"holder\":{\"session\":\"%s\"},\"client_id\":\"a\"}\n",
             token, session);
    struct answer answer =
        loopback_call(loop, &(struct call){.method = HTTP_POST, .path = "/api/v1/scans:batch",
                                           .body = body, .device = device});
    assert_int_equal(answer.status, 200);
    assert_int_equal(sscanf(answer.response.body.data, "{\"status\":%d", &status), 1);
    answer_release(&answer);
    return status;
}

static void a_batch_takes_bound_sessions_of_its_device_only(void **state)
{
    struct loopback *loop = *state;
    char session[100], csrf[60], device[100], other[100], unused[100];
    bound_login(loop, NULL, unused, csrf, other);
    bound_login(loop, NULL, session, csrf, device);
    assert_int_equal(batch_status(loop, session, NULL), 401);
    assert_int_equal(batch_status(loop, session, other), 401);
    assert_int_equal(batch_status(loop, session, device), 200);
}

static void a_holders_session_scans(void **state)
{
    struct loopback *loop = *state;
    char token[VENUE_TOKEN_BYTES], session[80], body[400];
    uint16_t version = checkin_venue_version(loop->platform->checkin, 1);
    venue_token_format(store_keys(loop->platform->store), 1, version, token);
    loopback_holder(loop, 7, session);
    snprintf(body, sizeof body,
             "{\"venue_token\":\"%s\",\"holder\":{\"session\":\"%s\"},\"client_id\":\"a\"}\n"
             "{\"venue_token\":\"%s\",\"holder\":{\"session\":\"h1.x\"},\"client_id\":\"b\"}\n",
             token, session + 7, token);
    struct call call = {.method = HTTP_POST, .path = "/api/v1/scans:batch", .body = body,
                        .key = "batch-1"};
    struct answer first = loopback_call(loop, &call), again = loopback_call(loop, &call);
    assert_int_equal(first.status, 200);
    assert_string_equal(first.response.content_type, "application/x-ndjson");
    json_t *line = json_loadb(first.response.body.data,
                              strcspn(first.response.body.data, "\n"), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_non_null(json_object_get(json_object_get(line, "result"), "event"));
    assert_non_null(strstr(first.response.body.data, "{\"status\":401,"));
    assert_true(slice_equal(buffer_slice(&first.response.body),
                            buffer_slice(&again.response.body))); /* the same event */
    json_decref(line);
    answer_release(&first);
    answer_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(healthz_answers_and_readyz_says_why_not),
        LOOPBACK_TEST(a_database_that_cannot_be_read_is_not_ready_but_alive),
        LOOPBACK_TEST(metrics_are_prometheus_text_without_persons),
        LOOPBACK_TEST(a_user_logs_in_reads_and_logs_out),
        LOOPBACK_TEST(failed_log_ins_tell_nothing_and_make_wait),
        LOOPBACK_TEST(the_stub_provider_says_that_it_is_one),
        LOOPBACK_TEST(outside_a_demo_city_there_is_no_stub),
        LOOPBACK_TEST(a_holder_logs_in_by_id_number_and_sees_why),
        LOOPBACK_TEST(a_bound_session_is_nothing_without_its_device),
        LOOPBACK_TEST(a_batch_takes_bound_sessions_of_its_device_only),
        LOOPBACK_TEST(a_holders_session_scans),
    };
    return LOOPBACK_RUN(tests);
}
