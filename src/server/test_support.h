/* The socketless loopback: a request as bytes goes through routing, gate and handler on a small demo
 * city; the answer comes back with what it cost (SQL statements, allocations) and what it left (events,
 * audit rows). The city is built once a program and copied for every test. */
#ifndef CHENGMAI_SERVER_TEST_SUPPORT_H
#define CHENGMAI_SERVER_TEST_SUPPORT_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "loops/loops.h"
#include "registry/registry.h"
#include "server/server_internal.h"
#include "sim/sim.h"

enum { LOOPBACK_PEOPLE = 600 };

static inline void test_fail_on(bool done, const struct error *err)
{
    if (!done) {
        char line[900];
        error_line(err, line, sizeof line);
        fail_msg("%s", line);
    }
}

/* ---- Counting allocations: through the sanitizer's hook, nothing where it is absent */

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *))
    __attribute__((weak));
static atomic_long test_allocations;
static inline void test_on_malloc(const volatile void *memory, size_t size)
{
    (void)memory, (void)size;
    atomic_fetch_add_explicit(&test_allocations, 1, memory_order_relaxed);
}
static inline void test_on_free(const volatile void *memory)
{
    (void)memory;
}

/* ---- The city */

struct loopback {
    char directory[64];
    struct platform *platform;
};

static char test_template[64];

static inline bool test_seed_areas(struct sql *sql, void *context, struct error *err)
{
    (void)context;
    return registry_seed_areas(sql, err);
}

static inline int loopback_template_create(void **state)
{
    (void)state;
    struct error err;
    struct store_creation creation = {.demo = true, .seed = 20220414};
    struct world world;
    struct store *store;
    struct platform *platform;
    FILE *quiet = fopen("/dev/null", "w");
    assert_true(time_parse(SLICE("2022-04-14T14:30:00+08:00"), &creation.city_start));
    snprintf(test_template, sizeof test_template, "/tmp/chengmai-template-XXXXXX");
    assert_non_null(mkdtemp(test_template));
    test_fail_on(store_create(test_template, &creation, &err), &err);
    world_init(&world);
    test_fail_on(store_open(test_template, &world, &store, &err), &err);
    test_fail_on(store_write(store, test_seed_areas, NULL, &err), &err);
    store_close(store);
    test_fail_on(platform_open(test_template, PLATFORM_COMMAND, &platform, &err), &err);
    struct sim_plan plan = {.people = LOOPBACK_PEOPLE, .seed = creation.seed,
                            .now = creation.city_start, .program = "chengmai", .out = quiet};
    test_fail_on(sim_city_build(platform, &plan, &err), &err);
    int64_t scenes;
    test_fail_on(loops_load_scenes(platform->loops, &scenes, &err), &err);
    platform_close(platform);
    fclose(quiet);
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(test_on_malloc, test_on_free);
    return 0;
}

static inline int loopback_template_remove(void **state)
{
    (void)state;
    struct error err;
    test_fail_on(file_remove_tree(AT_FDCWD, test_template, &err), &err);
    return 0;
}

/* The clock stands still at 2022-04-14T14:31+08:00. */
static inline void loopback_open(struct loopback *loop)
{
    struct error err;
    test_fail_on(platform_open(loop->directory, false, &loop->platform, &err), &err);
    assert_true(time_parse(SLICE("2022-04-14T14:31:00+08:00"), &loop->platform->world->fixed));
}

static inline int loopback_create(void **state)
{
    char command[200];
    struct loopback *loop = x_alloc(1, sizeof *loop);
    snprintf(loop->directory, sizeof loop->directory, "/tmp/chengmai-loop-XXXXXX");
    assert_non_null(mkdtemp(loop->directory));
    snprintf(command, sizeof command, "cp -a %s/. %s", test_template, loop->directory);
    assert_int_equal(system(command), 0);
    loopback_open(loop);
    *state = loop;
    return 0;
}

static inline int loopback_remove(void **state)
{
    struct loopback *loop = *state;
    struct error err;
    platform_close(loop->platform);
    test_fail_on(file_remove_tree(AT_FDCWD, loop->directory, &err), &err);
    free(loop);
    return 0;
}

static inline void loopback_restart(struct loopback *loop)
{
    platform_close(loop->platform);
    loopback_open(loop);
}

/* Connections keep statements by their address: one a text, for ever. */
static inline const struct sql_text *test_statement(const char *text)
{
    static struct kept {
        struct sql_text statement;
        struct kept *next;
    } *all;
    for (struct kept *kept = all; kept; kept = kept->next)
        if (strcmp(kept->statement.text, text) == 0)
            return &kept->statement;
    struct kept *kept = x_alloc(1, sizeof *kept);
    *kept = (struct kept){{"test", strdup(text), "test"}, all};
    all = kept;
    return &kept->statement;
}

/* One whole number from the database. */
static inline int64_t loopback_number(struct loopback *loop, const char *query)
{
    struct sql *sql;
    struct error err;
    int64_t number = 0;
    test_fail_on(store_read_begin(loop->platform->store, &sql, &err), &err);
    test_fail_on(sql_one_int(sql, test_statement(query), NULL, 0, -1, &number, &err), &err);
    store_read_end(loop->platform->store, sql);
    return number;
}

static inline bool loopback_run_change(struct sql *sql, void *context, struct error *err)
{
    return sql_run(sql, test_statement(context), NULL, 0, err);
}
/* One statement without parameters. */
static inline void loopback_change(struct loopback *loop, const char *statement)
{
    struct error err;
    test_fail_on(store_write(loop->platform->store, loopback_run_change,
                             (void *)(uintptr_t)statement, &err),
                 &err);
}

/* ---- Tokens */

struct loopback_token {
    struct access *access;
    const char *user;
    char *out;
};
static inline bool loopback_issue(struct sql *sql, void *context, struct error *err)
{
    struct loopback_token *job = context;
    return access_token_issue(sql, job->access, slice_of(job->user), 30, job->out, err);
}
/* "Bearer …" of a user of the demo city: a role's name, with "-320412" or "-320481" after it for a
 * district's. */
static inline const char *loopback_user(struct loopback *loop, const char *user, char out[80])
{
    struct error err;
    strcpy(out, "Bearer ");
    struct loopback_token job = {loop->platform->access, user, out + 7};
    test_fail_on(store_write(loop->platform->store, loopback_issue, &job, &err), &err);
    return out;
}
static inline const char *loopback_holder(struct loopback *loop, uint32_t person, char out[80])
{
    uint32_t now = (uint32_t)(world_now(loop->platform->world) / SECOND);
    strcpy(out, "Bearer ");
    access_holder_session(loop->platform->access, person, 0, now, now + 3600, person, out + 7);
    return out;
}

/* ---- Calls */

struct call {
    enum http_method method;
    const char *path, *body;
    size_t body_bytes; /* 0: the body is a text */
    const char *authorization, *cookie, *device, *csrf, *purpose, *key, *if_none_match,
        *accept_encoding;
};
struct answer {
    int status;
    char type[80];    /* last part of a problem's type, "" where it is none */
    json_t *json;     /* NULL where it is not JSON */
    struct response response;
    struct arena arena;
    int64_t statements, allocations, events, audits;
    size_t chunks;        /* of a body that came in several; 0: in one */
    enum error_code cut;  /* why it ended before its end; status and body say nothing of it */
};

static inline void answer_release(struct answer *answer)
{
    json_decref(answer->json);
    buffer_release(&answer->response.body);
    arena_release(&answer->arena);
    *answer = (struct answer){0};
}

/* "name: value" of the answer's header, NULL where it has none. */
static inline const char *answer_header(const struct answer *answer, const char *name)
{
    for (size_t i = 0; answer->response.headers[i]; i++)
        if (strncasecmp(answer->response.headers[i], name, strlen(name)) == 0 &&
            answer->response.headers[i][strlen(name)] == ':')
            return answer->response.headers[i] + strlen(name) + 2;
    return NULL;
}

static inline struct slice loopback_slice(const char *text)
{
    return text ? slice_of(text) : (struct slice){NULL, 0};
}

/* Every problem is well formed, whatever the test looks at. */
static inline void answer_check_problem(struct answer *answer)
{
    static const char *const texts[] = {"type", "title", "title_zh", "detail", NULL};
    size_t i;
    json_t *entry;
    assert_string_equal(answer->response.content_type, "application/problem+json");
    assert_true(json_is_object(answer->json));
    for (const char *const *name = texts; *name; name++)
        assert_true(json_string_length(json_object_get(answer->json, *name)) > 0);
    assert_int_equal(json_integer_value(json_object_get(answer->json, "status")), answer->status);
    json_t *errors = json_object_get(answer->json, "errors");
    assert_true(json_is_array(errors));
    json_array_foreach(errors, i, entry)
    {
        assert_true(json_is_string(json_object_get(entry, "field")));
        assert_true(json_is_string(json_object_get(entry, "reason")));
    }
    const char *type = json_string_value(json_object_get(answer->json, "type"));
    assert_memory_equal(type, "/problems/", 10);
    snprintf(answer->type, sizeof answer->type, "%s", type + 10);
}

/* The whole of a body that is made as it is taken, as a client would have it. */
static inline void loopback_take(struct loopback *loop, const struct raw_request *raw,
                                 struct answer *answer)
{
    struct error err;
    struct buffer whole;
    bool more = answer->response.stream.fill;
    if (!more)
        return;
    buffer_init(&whole, 256 << 20);
    do {
        const struct buffer *chunk = &answer->response.body;
        assert_true(chunk->length <= RESPONSE_CHUNK_BYTES_MAX);
        buffer_append(&whole, chunk->data, chunk->length);
        answer->chunks++;
        more = answer->response.stream.fill;
        if (more && !body_next(loop->platform, raw, &answer->response, &err)) {
            answer->cut = err.code;
            more = false;
        }
    } while (more);
    buffer_release(&answer->response.body);
    answer->response.body = whole;
}

/* The answer is the caller's to release. */
static inline struct answer loopback_call(struct loopback *loop, const struct call *call)
{
    struct answer answer = {0};
    struct slice body = call->body ? slice_of(call->body) : SLICE("");
    if (call->body_bytes)
        body = (struct slice){call->body, call->body_bytes};
    struct raw_request raw = {.method = call->method,
                              .path = slice_of(call->path),
                              .body = body,
                              .authorization = loopback_slice(call->authorization),
                              .cookie = loopback_slice(call->cookie),
                              .device = loopback_slice(call->device),
                              .csrf = loopback_slice(call->csrf),
                              .purpose = loopback_slice(call->purpose),
                              .idempotency_key = loopback_slice(call->key),
                              .if_none_match = loopback_slice(call->if_none_match),
                              .accept_encoding = loopback_slice(call->accept_encoding)};
    int64_t events = loopback_number(loop, "SELECT count(*) FROM event");
    int64_t audits = loopback_number(loop, "SELECT count(*) FROM audit");
    arena_init(&answer.arena, 64 << 20);
    int64_t statements = store_statements_run(loop->platform->store);
    long allocations = atomic_load(&test_allocations);
    server_dispatch(loop->platform, &raw, &answer.arena, &answer.response);
    loopback_take(loop, &raw, &answer);
    answer.allocations = atomic_load(&test_allocations) - allocations;
    answer.statements = store_statements_run(loop->platform->store) - statements;
    answer.events = loopback_number(loop, "SELECT count(*) FROM event") - events;
    answer.audits = loopback_number(loop, "SELECT count(*) FROM audit") - audits;
    answer.status = answer.response.status;
    answer.json = json_loadb(answer.response.body.data ? answer.response.body.data : "",
                             answer.response.body.length, JSON_REJECT_DUPLICATES, NULL);
    if (answer.status >= 400)
        answer_check_problem(&answer);
    return answer;
}

/* Only the status matters. */
static inline int loopback_status(struct loopback *loop, const struct call *call)
{
    struct answer answer = loopback_call(loop, call);
    int status = answer.status;
    answer_release(&answer);
    return status;
}
#define GET(text, token) (&(struct call){.path = (text), .authorization = (token)})

/* The status, and the problem's type. */
static inline void loopback_refused(struct loopback *loop, const struct call *call, int status,
                                    const char *type)
{
    struct answer answer = loopback_call(loop, call);
    if (answer.status != status || strcmp(answer.type, type) != 0)
        fail_msg("%s: %d %s, expected %d %s", call->path, answer.status, answer.type, status, type);
    answer_release(&answer);
}

/* ---- Photos */

/* A PNG of one point; `value` tells pictures apart. */
enum { PICTURE_BYTES = 70 };
static inline void picture(unsigned char value, char out[PICTURE_BYTES])
{
    static const unsigned char image[] = {
        0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,    13,   'I', 'H',
        'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,    8,    0,    0,   0,
        0,    0x3a, 0x7e, 0x9b, 0x55, 0,    0,    0,    10,   'I',  'D',  'A',  'T', 0x78,
        0x9c, 0x63, 0x60, 0,    0,    0,    2,    0,    1,    0x48, 0xaf, 0xa4, 0x71};
    memset(out, 0, PICTURE_BYTES);
    memcpy(out, image, sizeof image);
    out[PICTURE_BYTES - 1] = (char)value; /* past the end of the image: nobody draws it */
}

/* Sends the picture as somebody; the digest by which steps name it, and the status. */
static inline int send_picture(struct loopback *loop, const char *user, unsigned char value,
                               char digest[65])
{
    char token[80], bytes[PICTURE_BYTES];
    picture(value, bytes);
    struct call call = {.method = HTTP_POST,
                        .path = "/api/v1/photos",
                        .body = bytes,
                        .body_bytes = sizeof bytes,
                        .authorization = loopback_user(loop, user, token)};
    struct answer answer = loopback_call(loop, &call);
    int status = answer.status;
    const char *text = json_string_value(json_object_get(answer.json, "digest"));
    snprintf(digest, 65, "%s", text ? text : "");
    answer_release(&answer);
    return status;
}

#define LOOPBACK_TEST(name) cmocka_unit_test_setup_teardown(name, loopback_create, loopback_remove)
#define LOOPBACK_RUN(tests)                                                                        \
    cmocka_run_group_tests(tests, loopback_template_create, loopback_template_remove)

#endif
