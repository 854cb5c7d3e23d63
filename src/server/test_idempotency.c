/* Idempotency keys: the same key and request are answered the same, another request under the key is
 * refused; over restarts, until they expire, also when two come at once; nothing of it can be read from
 * the disk. */
#include <pthread.h>

#include "server/test_support.h"

static struct call login(const char *key, int person)
{
    static char body[2][80];
    static int turn;
    turn = !turn;
    snprintf(body[turn], sizeof body[turn], "{\"provider\":\"stub\",\"person_no\":%d}", person);
    return (struct call){.method = HTTP_POST, .path = "/api/v1/sessions", .body = body[turn],
                         .key = key};
}

static void assert_same_answer(const struct answer *a, const struct answer *b)
{
    assert_int_equal(a->status, b->status);
    assert_string_equal(a->response.content_type, b->response.content_type);
    assert_true(slice_equal(buffer_slice(&a->response.body), buffer_slice(&b->response.body)));
    const char *cookie = answer_header(a, "Set-Cookie");
    if (cookie)
        assert_string_equal(cookie, answer_header(b, "Set-Cookie"));
}

static void the_same_key_and_body_are_answered_the_same_also_after_a_restart(void **state)
{
    struct loopback *loop = *state;
    struct call call = login("key-1", 7);
    struct answer first = loopback_call(loop, &call);
    assert_int_equal(first.status, 200);
    assert_non_null(answer_header(&first, "Set-Cookie"));
    assert_null(answer_header(&first, "Idempotency-Replayed"));
    for (int round = 0; round < 3; round++) {
        struct answer again = loopback_call(loop, &call);
        assert_same_answer(&first, &again);
        assert_string_equal(answer_header(&again, "Idempotency-Replayed"), "true");
        answer_release(&again);
        loopback_restart(loop);
        assert_int_equal(loopback_number(loop, "SELECT count(*) FROM idempotency"), 1);
    }
    struct call other_key = login("key-2", 7);
    struct answer second = loopback_call(loop, &other_key);
    assert_false(slice_equal(buffer_slice(&first.response.body),
                             buffer_slice(&second.response.body)));
    answer_release(&first);
    answer_release(&second);
}

static void another_body_or_target_under_the_key_is_a_conflict(void **state)
{
    struct loopback *loop = *state;
    struct call call = login("key", 7), other = login("key", 8);
    assert_int_equal(loopback_status(loop, &call), 200);
    loopback_refused(loop, &other, 409, "idempotency-key-reused");
    struct call target = login("key", 7);
    target.path = "/api/v1/sessions?x=1";
    loopback_refused(loop, &target, 409, "idempotency-key-reused");
    struct call batch = {.method = HTTP_POST, .path = "/api/v1/scans:batch", .body = "{}\n",
                         .key = "key"};
    loopback_refused(loop, &batch, 409, "idempotency-key-reused");
    assert_int_equal(loopback_status(loop, &call), 200); /* the first still stands */
}

/* A user, or the holder, who may take the route, with a purpose that is held. */
static const char *someone_for(struct loopback *loop, const struct route *route, char out[80],
                               char purpose[64])
{
    const struct policy *policy = loop->platform->policy;
    if (route->access == ROUTE_HOLDER)
        return loopback_holder(loop, 7, out);
    for (size_t r = 0; r < policy_role_count(policy); r++) {
        const struct role *role = policy_role_at(policy, r);
        uint64_t permissions = role->permissions | PERMISSION_NONE;
        snprintf(purpose, 64, "duty:%s", role->name);
        if ((permissions & route->permission) == route->permission)
            return loopback_user(loop, role->name, out);
    }
    fail_msg("nobody may take %s", route->path);
    return NULL;
}

static void every_write_route_takes_a_key(void **state)
{
    struct loopback *loop = *state;
    size_t writes = 0, kept = 0;
    for (size_t m = 0; m < module_count; m++)
        for (size_t r = 0; r < modules[m]->route_count; r++) {
            const struct route *route = &modules[m]->routes[r];
            if (route->method == HTTP_GET || route->manner == ROUTE_SCAN)
                continue; /* POST /scans keeps its keys in the day store */
            char path[120], user[80], purpose[64] = "";
            const char *brace = strchr(route->path, '{'), *rest = brace ? strchr(brace, '}') : NULL;
            snprintf(path, sizeof path, "/api/v1%.*s%s%s",
                     (int)(brace ? brace - route->path : (long)strlen(route->path)), route->path,
                     brace ? "1" : "", rest ? rest + 1 : "");
            struct call call = {.method = route->method, .path = path, .key = "bad key",
                                .authorization = someone_for(loop, route, user, purpose),
                                .purpose = purpose,
                                .body = "{\"provider\":\"stub\",\"person_no\":7}"};
            loopback_refused(loop, &call, 400, "bad-value");
            call.key = path; /* one of its own */
            struct answer answer = loopback_call(loop, &call);
            kept += answer.status < 300; /* others want a body of their own */
            assert_true((answer.status >= 200 && answer.status < 300) ||
                        (answer.status >= 400 && answer.status < 500));
            answer_release(&answer);
            writes++;
        }
    assert_true(writes >= 10 && kept >= 4);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM idempotency"), (int64_t)kept);
}

static void keys_are_bounded_and_of_visible_characters(void **state)
{
    struct loopback *loop = *state;
    char longest[257];
    memset(longest, 'k', 255);
    longest[255] = '\0';
    struct call call = login(longest, 7);
    assert_int_equal(loopback_status(loop, &call), 200);
    strcpy(longest + 255, "k");
    loopback_refused(loop, &call, 400, "bad-value");
    static const char *const bad[] = {"", "a b", "a\tb", "\xe5\x9f\x8e"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        call.key = bad[i];
        loopback_refused(loop, &call, 400, "bad-value");
    }
}

static void one_actors_key_is_not_anothers(void **state)
{
    struct loopback *loop = *state;
    char one[80], two[80];
    loopback_user(loop, "press", one);
    loopback_user(loop, "auditor", two);
    struct call call = {.method = HTTP_DELETE, .path = "/api/v1/sessions/current", .key = "k"};
    call.authorization = one;
    assert_int_equal(loopback_status(loop, &call), 200);
    call.authorization = two;
    struct answer answer = loopback_call(loop, &call);
    assert_int_equal(answer.status, 200);
    assert_null(answer_header(&answer, "Idempotency-Replayed"));
    answer_release(&answer);
}

static void what_was_refused_is_not_kept(void **state)
{
    struct loopback *loop = *state;
    struct call call = login("key", 7);
    call.body = "{\"provider\":\"nobody\"}";
    loopback_refused(loop, &call, 403, "refused");
    call.body = "{\"provider\":\"stub\",\"person_no\":7}";
    assert_int_equal(loopback_status(loop, &call), 200);
}

static void a_key_is_forgotten_after_two_days(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    struct call call = login("key", 7), other = login("key", 8);
    assert_int_equal(loopback_status(loop, &call), 200);
    loop->platform->world->fixed += 48 * HOUR - SECOND;
    loopback_refused(loop, &other, 409, "idempotency-key-reused");
    test_fail_on(idempotency_prune(loop->platform, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM idempotency"), 1);
    loop->platform->world->fixed += SECOND;
    test_fail_on(idempotency_prune(loop->platform, &err), &err);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM idempotency"), 0);
    assert_int_equal(loopback_status(loop, &other), 200);
}

static void a_kept_answer_cannot_be_read_without_the_request(void **state)
{
    struct loopback *loop = *state;
    struct call call = login("key", 7);
    struct answer answer = loopback_call(loop, &call);
    char query[200];
    const char *session = json_string_value(json_object_get(answer.json, "session"));
    snprintf(query, sizeof query,
             "SELECT count(*) FROM idempotency WHERE instr(answer, CAST('%s' AS BLOB)) > 0",
             session);
    assert_int_equal(loopback_number(loop, query), 0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM idempotency WHERE"
                                           " instr(answer, CAST('session' AS BLOB)) > 0"),
                     0);
    assert_int_equal(loopback_number(loop, "SELECT count(*) FROM idempotency WHERE"
                                           " length(answer) > 100"),
                     1);
    loopback_change(loop, "UPDATE idempotency SET answer = zeroblob(length(answer))");
    loopback_refused(loop, &call, 500, "corrupt"); /* and a changed one is found */
    answer_release(&answer);
}

/* ---- At once */

struct racer {
    struct loopback *loop;
    const struct call *call;
    int status;
    struct buffer body;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    struct arena arena;
    struct response response;
    struct raw_request raw = {.method = racer->call->method,
                              .path = slice_of(racer->call->path),
                              .body = slice_of(racer->call->body),
                              .idempotency_key = slice_of(racer->call->key)};
    arena_init(&arena, 64 << 20);
    server_dispatch(racer->loop->platform, &raw, &arena, &response);
    racer->status = response.status;
    racer->body = response.body;
    arena_release(&arena);
    return NULL;
}

static void two_at_once_are_answered_by_one_run(void **state)
{
    struct loopback *loop = *state;
    enum { RACERS = 4 };
    for (int round = 0; round < 5; round++) {
        char key[20];
        snprintf(key, sizeof key, "race-%d", round);
        struct call call = login(key, 7);
        struct racer racers[RACERS];
        pthread_t threads[RACERS];
        struct slice answered = {NULL, 0};
        for (int i = 0; i < RACERS; i++) {
            racers[i] = (struct racer){.loop = loop, .call = &call};
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < RACERS; i++)
            pthread_join(threads[i], NULL);
        for (int i = 0; i < RACERS; i++) {
            assert_true(racers[i].status == 200 || racers[i].status == 503);
            if (racers[i].status != 200)
                continue;
            if (answered.data)
                assert_true(slice_equal(answered, buffer_slice(&racers[i].body)));
            answered = buffer_slice(&racers[i].body);
        }
        assert_non_null(answered.data);
        for (int i = 0; i < RACERS; i++)
            buffer_release(&racers[i].body);
    }
}

/* A failing disk: either the first answer was kept, or none is; never two sessions for a key. */
static void a_fault_anywhere_leaves_no_half_kept_key(void **state)
{
    struct loopback *loop = *state;
    bool hit = true;
    for (long k = 0; hit && k < 200; k++) {
        char key[20];
        snprintf(key, sizeof key, "fault-%ld", k);
        struct call call = login(key, 7);
        struct racer racer = {.loop = loop, .call = &call};
        fault_arm(k, FAULT_SQL | FAULT_WRITE | FAULT_SYNC);
        race(&racer);
        hit = fault_disarm();
        assert_true(racer.status == 200 || (hit && racer.status >= 500));
        struct answer again = loopback_call(loop, &call);
        assert_int_equal(again.status, 200);
        if (racer.status == 200)
            assert_true(slice_equal(buffer_slice(&racer.body), buffer_slice(&again.response.body)));
        answer_release(&again);
        buffer_release(&racer.body);
    }
    assert_false(hit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOPBACK_TEST(the_same_key_and_body_are_answered_the_same_also_after_a_restart),
        LOOPBACK_TEST(another_body_or_target_under_the_key_is_a_conflict),
        LOOPBACK_TEST(every_write_route_takes_a_key),
        LOOPBACK_TEST(keys_are_bounded_and_of_visible_characters),
        LOOPBACK_TEST(one_actors_key_is_not_anothers),
        LOOPBACK_TEST(what_was_refused_is_not_kept),
        LOOPBACK_TEST(a_key_is_forgotten_after_two_days),
        LOOPBACK_TEST(a_kept_answer_cannot_be_read_without_the_request),
        LOOPBACK_TEST(two_at_once_are_answered_by_one_run),
        LOOPBACK_TEST(a_fault_anywhere_leaves_no_half_kept_key),
    };
    return LOOPBACK_RUN(tests);
}
