/* What tests of loops share: acting as somebody over the routes, and looking after every test that
 * each loop is what its acts say. */
#ifndef CHENGMAI_SERVER_TEST_LOOP_SUPPORT_H
#define CHENGMAI_SERVER_TEST_LOOP_SUPPORT_H

#include "server/test_support.h"

/* ---- Acting as somebody */

static inline struct answer as(struct loopback *loop, const char *user, enum http_method method,
                               const char *path, const char *body)
{
    char token[80];
    struct call call = {.method = method,
                        .path = path,
                        .body = body,
                        .authorization = loopback_user(loop, user, token)};
    return loopback_call(loop, &call);
}

/* The answer has this status, and its text holds these words (NULL: whatever it says). */
static inline void expect(struct loopback *loop, const char *user, enum http_method method,
                          const char *path, const char *body, int status, const char *words)
{
    struct answer answer = as(loop, user, method, path, body);
    const char *text = answer.response.body.data ? answer.response.body.data : "";
    if (answer.status != status || (words && !strstr(text, words)))
        fail_msg("%s %s %s as %s: %d %s\nexpected %d with %s", method == HTTP_GET ? "GET" : "POST",
                 path, body ? body : "", user, answer.status, text, status, words ? words : "-");
    answer_release(&answer);
}

static inline void advance(struct loopback *loop, const char *user, int64_t id, const char *body,
                           int status, const char *words)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld/advance", (long long)id);
    expect(loop, user, HTTP_POST, path, body, status, words);
}

static inline int64_t open_loop(struct loopback *loop, const char *user, const char *body,
                                int status)
{
    struct answer answer = as(loop, user, HTTP_POST, "/api/v1/loops", body);
    if (answer.status != status)
        fail_msg("%s: %d %s", body, answer.status, answer.response.body.data);
    int64_t id = json_integer_value(json_object_get(answer.json, "id"));
    answer_release(&answer);
    return id;
}

/* A member of the loop's page: the text of "stage", "state"; fails where it is not `value`. */
static inline void is(struct loopback *loop, int64_t id, const char *member, const char *value)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/loops/%lld", (long long)id);
    struct answer answer = as(loop, "command", HTTP_GET, path, NULL);
    const char *text = json_string_value(json_object_get(answer.json, member));
    if (answer.status != 200 || !text || strcmp(text, value) != 0)
        fail_msg("loop %lld: %s is %s, expected %s", (long long)id, member, text ? text : "-",
                 value);
    answer_release(&answer);
}

static inline void wait_until(struct loopback *loop, timestamp time)
{
    struct error err;
    loop->platform->world->fixed = time;
    test_fail_on(loops_run(loop->platform->loops, NULL, &err), &err);
}

static inline timestamp now(struct loopback *loop)
{
    return world_now(loop->platform->world);
}

#define CONTACT                                                                                    \
    "{\"scene\":\"contact_management\",\"subject\":5,\"fields\":{\"source_case\":1,"               \
    "\"contact_level\":\"close\",\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}"
#define PLACING                                                                                    \
    "{\"to\":\"placing\",\"fields\":{\"contact_level\":\"close\",\"target_area\":\"320412\","      \
    "\"in_city\":true}}"

/* After every test: each loop is what its acts say, and so are the counters. */
static inline int verify_and_remove(void **state)
{
    struct loopback *loop = *state;
    struct loops_verification verification;
    struct error err;
    bool done = loops_verify(loop->platform->loops, &verification, &err);
    if (!done || verification.wrong_no || verification.counters_wrong) {
        print_error("loop %lld: %s; %lld counters\n", (long long)verification.wrong_no,
                    done ? verification.words : err.what, (long long)verification.counters_wrong);
        done = false;
    }
    return loopback_remove(state) || !done;
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, loopback_create, verify_and_remove)

#endif
