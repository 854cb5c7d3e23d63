/* HTTP as a hostile network speaks it to the real binary: connections, bodies, broken requests,
 * slow and many clients, streams, and stopping under load. What is concurrent in the server runs
 * here, so that this program also runs under ThreadSanitizer. */
#include <pthread.h>
#include <stdatomic.h>

#include "server_process.h"

#define GET_HEALTH "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

/* ---- Connections */

static void a_connection_is_kept_for_many_requests(void **state)
{
    int fd = dial(*state);
    for (int i = 0; i < 50; i++) {
        assert_true(say_text(fd, GET_HEALTH));
        assert_int_equal(hear_status(fd), 200);
    }
    say_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(hear_status(fd), 200);
    assert_true(hear_end(fd, 5));
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    int fd = dial(*state);
    static const char *const paths[] = {"/healthz", "/api/v1/nothing", "/readyz", "/api/v1/me",
                                        "/metrics", "/api/v1/openapi.json"};
    static const int statuses[] = {200, 404, 200, 401, 200, 200};
    char all[2000] = "";
    for (int i = 0; i < 6; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n",
                 paths[i]);
    assert_true(say_text(fd, all));
    for (int i = 0; i < 6; i++)
        assert_int_equal(hear_status(fd), statuses[i]);
    close(fd);
}

static void http_1_0_and_head_are_spoken(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    say_text(fd, "GET /healthz HTTP/1.0\r\n\r\n");
    assert_int_equal(hear_status(fd), 200);
    assert_true(hear_end(fd, 5));
    close(fd);
    fd = dial(served);
    say_text(fd, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    char head[2000];
    size_t length = 0;
    while (!(length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0)) {
        assert_true(length < sizeof head - 1 && recv(fd, head + length, 1, 0) == 1);
        head[++length] = '\0';
    }
    assert_memory_equal(head, "HTTP/1.1 200", 12);
    assert_non_null(strcasestr(head, "Content-Length: "));
    say_text(fd, GET_HEALTH); /* no body came: the next answer is in step */
    assert_int_equal(hear_status(fd), 200);
    close(fd);
}

static void six_hundred_idle_connections_hinder_nobody(void **state)
{
    struct served *served = *state;
    enum { IDLE = 600 };
    int idle[IDLE];
    for (int i = 0; i < IDLE; i++)
        idle[i] = dial(served);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(served, GET_HEALTH), 200);
    for (int i = 0; i < IDLE; i++) { /* and each still serves */
        assert_true(say_text(idle[i], GET_HEALTH));
        assert_int_equal(hear_status(idle[i]), 200);
        close(idle[i]);
    }
}

/* ---- Bodies */

static void chunked_and_expected_bodies_are_read(void **state)
{
    struct served *served = *state;
    static const char body[] = "{\"provider\":\"stub\",\"person_no\":7}";
    char request[1000];
    int fd = dial(served);
    say_text(fd, "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < sizeof body - 1; i++) { /* a byte a chunk */
        snprintf(request, sizeof request, "1\r\n%c\r\n", body[i]);
        assert_true(say_text(fd, request));
    }
    say_text(fd, "0\r\n\r\n");
    assert_int_equal(hear_status(fd), 200);
    snprintf(request, sizeof request,
             "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
             "Content-Length: %zu\r\n\r\n",
             sizeof body - 1);
    say_text(fd, request);
    assert_int_equal(hear_status(fd), 100);
    say_text(fd, body);
    assert_int_equal(hear_status(fd), 200);
    close(fd);
}

static void expect_problem(int fd, int status, const char *type)
{
    struct heard heard = hear(fd);
    assert_int_equal(heard.status, status);
    assert_non_null(strcasestr(heard.head, "Content-Type: application/problem+json"));
    assert_non_null(strstr(heard.body.data, type));
    buffer_release(&heard.body);
}

static void bodies_over_the_limit_are_refused(void **state)
{
    struct served *served = *state;
    char request[300], *block = x_alloc(1, 65536);
    int fd = dial(served);
    memset(block, ' ', 65536);
    snprintf(request, sizeof request,
             "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
             (1 << 20) + 65536);
    say_text(fd, request);
    for (int i = 0; i < 17; i++)
        assert_true(say_bytes(fd, block, 65536));
    expect_problem(fd, 413, "/problems/too-large"); /* after the body: the connection goes on */
    say_text(fd, GET_HEALTH);
    assert_int_equal(hear_status(fd), 200);
    close(fd);
    fd = dial(served); /* 10 GB, announced: refused before a byte of it */
    say_text(fd, "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n"
                 "Expect: 100-continue\r\n\r\n");
    expect_problem(fd, 413, "/problems/too-large");
    close(fd);
    fd = dial(served); /* without end, not announced: cut off */
    say_text(fd, "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    bool open = true;
    for (int i = 0; open && i < 1000; i++)
        open = say_text(fd, "10000\r\n") && say_bytes(fd, block, 65536) && say_text(fd, "\r\n");
    assert_false(open);
    close(fd);
    free(block);
}

/* A route that takes more than others says so, and its handler how much. */
static void photos_may_be_larger_than_other_bodies(void **state)
{
    static const struct {
        size_t bytes;
        int status;
    } rows[] = {{3 << 20, 201}, {8 << 20, 201}, {(8 << 20) + 1, 413}, {(16 << 20) + 1, 413}};
    struct served *served = *state;
    char token[80], request[300];
    size_t most = (16 << 20) + 1;
    char *bytes = x_alloc(1, most);
    memcpy(bytes, "\xff\xd8\xff", 3);
    token_of_user(served, "command", token);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = dial(served);
        snprintf(request, sizeof request,
                 "POST /api/v1/photos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n",
                 token, rows[i].bytes);
        say_text(fd, request);
        assert_true(say_bytes(fd, bytes, rows[i].bytes));
        assert_int_equal(hear_status(fd), rows[i].status);
        close(fd);
    }
    free(bytes);
    struct ran ran = run(served, "doctor");
    assert_int_equal(ran.code, 0);
    assert_non_null(strstr(ran.out.data, "ok photos: 2 kept, 2 opened"));
    ran_release(&ran);
}

static void deep_json_over_the_wire_is_a_problem(void **state)
{
    enum { DEPTH = 100000 };
    int fd = dial(*state);
    char request[200], *deep = x_alloc(1, DEPTH + 1);
    static const char *const paths[] = {"/api/v1/sessions", "/api/v1/scans"};
    memset(deep, '[', DEPTH);
    for (int i = 0; i < 2; i++) {
        snprintf(request, sizeof request,
                 "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", paths[i], DEPTH);
        say_text(fd, request);
        say_bytes(fd, deep, DEPTH);
        struct heard heard = hear(fd);
        assert_int_equal(heard.status, 400);
        assert_non_null(strcasestr(heard.head, "problem+json"));
        buffer_release(&heard.body);
    }
    close(fd);
    free(deep);
}

/* ---- Broken requests */

static void broken_requests_end_their_connection_only(void **state)
{
    struct served *served = *state;
    static const char *const broken[] = {
        "nonsense\r\n\r\n", "GET\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "\r\n\r\n\r\n\r\n",
        "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", "GET /healthz HTTP/1.1\r\n\r\n", /* no Host */
        "GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        int fd = dial(served);
        say_text(fd, broken[i]);
        shutdown(fd, SHUT_WR);
        int status = hear_status(fd);
        assert_true(status == 0 || (status >= 400 && status < 600) || status == 200);
        close(fd);
        assert_int_equal(ask(served, GET_HEALTH), 200);
    }
}

static void headers_past_the_limit_are_refused(void **state)
{
    struct served *served = *state;
    char *header = x_alloc(1, 100001);
    memset(header, 'a', 100000);
    int fd = dial(served);
    say_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ");
    say_bytes(fd, header, 100000);
    say_text(fd, "\r\n\r\n");
    int status = hear_status(fd);
    assert_true(status == 0 || status == 431 || status == 414 || status == 413);
    close(fd);
    assert_int_equal(ask(served, GET_HEALTH), 200);
    free(header);
}

static void paths_reach_routing_as_they_were_sent(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *request;
        int status;
    } rows[] = {{"GET /%68ealthz HTTP/1.0\r\n\r\n", 404}, /* no second spelling of a route */
                {"GET /../../etc/passwd HTTP/1.0\r\n\r\n", 404},
                {"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.0\r\n\r\n", 404},
                {"GET /healthz%00 HTTP/1.0\r\n\r\n", 404},
                {"PATCH /healthz HTTP/1.0\r\n\r\n", 405},
                {"OPTIONS /healthz HTTP/1.0\r\n\r\n", 204},
                {"BREW /healthz HTTP/1.0\r\n\r\n", 405},
                {"GET /healthz?a=%zz HTTP/1.0\r\n\r\n", 400}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ask(served, rows[i].request) != rows[i].status)
            fail_msg("%s", rows[i].request);
}

/* ---- Slow clients: the test server allows a request three seconds instead of sixty */

static int serve_impatiently(void **state)
{
    setenv("CHENGMAI_REQUEST_SECONDS", "2", 1);
    int code = city_copy_and_serve(state);
    unsetenv("CHENGMAI_REQUEST_SECONDS");
    return code;
}

static void a_client_that_dribbles_is_closed(void **state)
{
    struct served *served = *state;
    int slow[20];
    for (int i = 0; i < 20; i++)
        slow[i] = dial(served);
    static const char head[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaa";
    double begun = seconds_now();
    bool open = true;
    for (size_t at = 0; open && at < sizeof head - 1; at++) {
        for (int i = 0; i < 20; i++)
            (void)!send(slow[i], head + at, 1, MSG_NOSIGNAL);
        usleep(200000);
        char byte;
        open = recv(slow[19], &byte, 1, MSG_DONTWAIT) != 0;
    }
    assert_false(open);
    assert_true(seconds_now() - begun < 9);
    for (int i = 0; i < 20; i++) {
        assert_true(hear_end(slow[i], 3));
        close(slow[i]);
    }
    assert_int_equal(ask(served, GET_HEALTH), 200);
}

/* ---- Load: shed with 503 and Retry-After, never a lost answer */

struct load {
    const struct served *served;
    const char *request;
    int requests;
    atomic_int answers[6], retry_after;
};

static void *load_main(void *argument)
{
    struct load *load = argument;
    for (int i = 0; i < load->requests; i++) {
        int fd = dial(load->served);
        say_text(fd, load->request);
        struct heard heard = hear(fd);
        atomic_fetch_add(&load->answers[heard.status / 100 % 6], 1);
        if (heard.status == 503 && strcasestr(heard.head, "\r\nRetry-After: "))
            atomic_fetch_add(&load->retry_after, 1);
        buffer_release(&heard.body);
        close(fd);
    }
    return NULL;
}

/* More log-ins at once than their queue holds: each costs an Argon2 hash, and one is hashed at a
 * time. */
static void work_past_the_queue_is_shed_with_retry_after(void **state)
{
    struct served *served = *state;
    enum { CONNECTIONS = 400 };
    static const char body[] = "{\"name\":\"nobody\",\"password\":\"wrong-password\"}";
    int fds[CONNECTIONS], shed = 0, answered = 0;
    char request[300];
    snprintf(request, sizeof request,
             "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
             sizeof body - 1, body);
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = dial(served);
    for (int i = 0; i < CONNECTIONS; i++)
        assert_true(say_text(fds[i], request));
    for (int i = 0; i < CONNECTIONS; i++) {
        struct heard heard = hear(fds[i]);
        if (heard.status != 401 && heard.status != 503)
            fail_msg("log-in %d of %d was answered %d: %s", i, CONNECTIONS, heard.status,
                     heard.head);
        if (heard.status == 503) {
            assert_non_null(strcasestr(heard.head, "\r\nRetry-After: "));
            assert_non_null(strstr(heard.body.data, "/problems/busy"));
            shed++;
        } else {
            answered++;
        }
        buffer_release(&heard.body);
        close(fds[i]);
    }
    assert_true(shed > 0 && answered >= 33); /* 32 wait, one is hashed (policies/limits.yaml) */
    assert_int_equal(ask(served, GET_HEALTH), 200);
}

static void clients_that_leave_before_the_answer_harm_nobody(void **state)
{
    struct served *served = *state;
    char token[80], request[300];
    token_of_user(served, "cdc_lead", token);
    snprintf(request, sizeof request,
             "GET /api/v1/cases/1/exposures HTTP/1.1\r\nHost: x\r\nX-Purpose: case:1\r\n"
             "Authorization: Bearer %s\r\n\r\n",
             token);
    for (int i = 0; i < 100; i++) {
        int fd = dial(served);
        struct linger now = {1, 0};
        say_text(fd, request);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now); /* a reset, not an end */
        close(fd);
    }
    assert_int_equal(ask(served, request), 200);
}

/* ---- Event streams */

static int open_stream(const struct served *served, const char *token)
{
    char request[300];
    int fd = dial(served);
    snprintf(request, sizeof request,
             "GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
             token);
    say_text(fd, request);
    return fd;
}

/* Reads until `text` came, at most `seconds`; false where the end came first. */
static bool hear_text(int fd, const char *text, double seconds)
{
    struct buffer all;
    double until = seconds_now() + seconds;
    bool found = false;
    buffer_init(&all, 1 << 20);
    while (!found && seconds_now() < until) {
        char chunk[4096];
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (poll(&one, 1, 100) <= 0)
            continue;
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0)
            break;
        buffer_append(&all, chunk, (size_t)got);
        found = strstr(all.data, text) != NULL;
    }
    buffer_release(&all);
    return found;
}

static void a_stream_gives_its_first_event_at_once_and_more_later(void **state)
{
    struct served *served = *state;
    char token[80];
    token_of_user(served, "command_duty", token);
    int fd = open_stream(served, token);
    assert_true(hear_text(fd, "event: counters\ndata: {\"counters\":[", 5));
    for (int i = 0; i < 2; i++)
        assert_true(hear_text(fd, "event: counters", 10));
    close(fd);
    /* a page's stream begins with what its page knows of the session, before anything of it */
    char request[300];
    snprintf(request, sizeof request,
             "GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nCookie: chengmai_session=%s\r\n\r\n",
             token);
    fd = dial(served);
    say_text(fd, request);
    assert_true(hear_text(fd, "\nevent: session\ndata: {\"csrf\":\"", 5));
    close(fd);
    assert_int_equal(ask(served, "GET /api/v1/events/stream HTTP/1.0\r\n\r\n"), 401);
    token_of_user(served, "sampler", token); /* reads no situation: notices alone */
    fd = open_stream(served, token);
    assert_true(hear_text(fd, "event: notice\ndata: {\"newest\":0,\"unread\":0}\n\n", 5));
    assert_false(hear_text(fd, "event:", 5));
    close(fd);
}

static void a_stream_ends_with_its_session_and_with_the_server(void **state)
{
    struct served *served = *state;
    char token[80], other[80], request[300];
    double seconds;
    token_of_user(served, "command_duty", token);
    token_of_user(served, "command_duty", other);
    int ended = open_stream(served, token), going = open_stream(served, other);
    assert_true(hear_text(ended, "event: counters", 5));
    assert_true(hear_text(going, "event: counters", 5));
    snprintf(request, sizeof request,
             "DELETE /api/v1/sessions/current HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
             "\r\n",
             token);
    assert_int_equal(ask(served, request), 200);
    assert_true(hear_end(ended, 10));
    assert_true(hear_text(going, "event: counters", 10));
    assert_int_equal(stop(served, SIGTERM, &seconds), 0);
    assert_true(seconds < 10);
    assert_true(hear_end(going, 5));
    close(ended);
    close(going);
}

static void two_hundred_readers_of_a_stream_hinder_nobody(void **state)
{
    struct served *served = *state;
    enum { READERS = 200 };
    int fds[READERS];
    char token[80];
    token_of_user(served, "command_duty", token);
    for (int i = 0; i < READERS; i++)
        fds[i] = open_stream(served, token);
    for (int i = 0; i < READERS; i++)
        assert_true(hear_text(fds[i], "event: counters", 20));
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(served, GET_HEALTH), 200);
    for (int i = 0; i < READERS; i += 2) /* half of them leave */
        close(fds[i]);
    for (int i = 1; i < READERS; i += 2) {
        assert_true(hear_text(fds[i], "event: counters", 20));
        close(fds[i]);
    }
    int more[300], refused = 0;
    for (int i = 0; i < 300; i++)
        more[i] = open_stream(served, token);
    for (int i = 0; i < 300; i++) {
        refused += hear_status(more[i]) == 503;
        close(more[i]);
    }
    assert_true(refused > 0); /* 256 at most */
    assert_int_equal(ask(served, GET_HEALTH), 200);
}

/* ---- Stopping under load: what was acknowledged is there */

static char *scan_requests(struct served *served, int count)
{
    char line[100];
    snprintf(line, sizeof line, "bench requests scan --count %d", count);
    struct ran ran = run(served, line);
    assert_int_equal(ran.code, 0);
    buffer_release(&ran.words);
    return ran.out.data;
}

struct scanner {
    const struct served *served;
    char *lines; /* NDJSON requests, this scanner's part */
    struct buffer events;
    atomic_int *acknowledged;
};

static void *scan_main(void *argument)
{
    struct scanner *scanner = argument;
    char *rest = scanner->lines;
    int fd = dial(scanner->served);
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        char head[400];
        json_t *request = json_loads(line, 0, NULL);
        const char *body = json_string_value(json_object_get(request, "body"));
        snprintf(head, sizeof head,
                 "POST /api/v1/scans HTTP/1.1\r\nHost: x\r\nIdempotency-Key: %s\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 json_string_value(json_object_get(json_object_get(request, "headers"),
                                                   "Idempotency-Key")),
                 strlen(body));
        bool said = say_text(fd, head) && say_text(fd, body);
        json_decref(request);
        if (!said)
            break;
        struct heard heard = hear(fd);
        json_t *answer = heard.status == 200
                             ? json_loadb(heard.body.data, heard.body.length, 0, NULL)
                             : NULL;
        int status = heard.status;
        buffer_release(&heard.body);
        if (answer) {
            buffer_print(&scanner->events, "%s\n",
                         json_string_value(json_object_get(answer, "event")));
            atomic_fetch_add(scanner->acknowledged, 1);
            json_decref(answer);
        }
        if (status == 0)
            break;
    }
    close(fd);
    return NULL;
}

static void stopping_under_load_loses_nothing_acknowledged(void **state)
{
    struct served *served = *state;
    enum { SCANNERS = 8, EACH = 2000 };
    struct scanner scanners[SCANNERS];
    pthread_t threads[SCANNERS];
    struct buffer all;
    double seconds;
    atomic_int acknowledged = 0;
    char *lines = scan_requests(served, SCANNERS * EACH), *at = lines;
    buffer_init(&all, 1 << 20);
    for (int i = 0; i < SCANNERS; i++) {
        scanners[i] = (struct scanner){.served = served, .lines = at,
                                       .acknowledged = &acknowledged};
        buffer_init(&scanners[i].events, 1 << 20);
        for (int k = 0; k < EACH; k++)
            at = strchr(at, '\n') + 1;
        at[-1] = '\0';
    }
    for (int i = 0; i < SCANNERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scan_main, &scanners[i]), 0);
    while (atomic_load(&acknowledged) < 500)
        usleep(1000);
    assert_int_equal(stop(served, SIGTERM, &seconds), 0);
    assert_true(seconds < 10);
    for (int i = 0; i < SCANNERS; i++) {
        pthread_join(threads[i], NULL);
        if (scanners[i].events.length)
            buffer_append(&all, scanners[i].events.data, scanners[i].events.length);
        buffer_release(&scanners[i].events);
    }
    assert_true(atomic_load(&acknowledged) >= 500);
    struct ran ran = run_with(served, all.data, "scans verify -");
    if (ran.code != 0)
        fail_msg("of %d acknowledged: %s", atomic_load(&acknowledged), ran.out.data);
    ran_release(&ran);
    buffer_release(&all);
    free(lines);
}

/* Everything at once, for the race detector: reads, scans, streams, commands, log-outs. */
static void all_kinds_of_work_at_once(void **state)
{
    struct served *served = *state;
    char token[80], reads[2][400], *lines = scan_requests(served, 600);
    struct load loads[2];
    pthread_t threads[5];
    atomic_int acknowledged = 0;
    struct scanner scanner = {.served = served, .lines = lines, .acknowledged = &acknowledged};
    token_of_user(served, "cdc_lead", token);
    buffer_init(&scanner.events, 1 << 20);
    static const char *const paths[] = {"/api/v1/cases/1/exposures", "/api/v1/situation"};
    for (int i = 0; i < 2; i++) {
        snprintf(reads[i], sizeof reads[i],
                 "GET %s HTTP/1.1\r\nHost: x\r\nX-Purpose: case:1\r\nAuthorization: Bearer %s\r\n"
                 "\r\n",
                 paths[i], token);
        loads[i] = (struct load){.served = served, .request = reads[i], .requests = 60};
        assert_int_equal(pthread_create(&threads[i], NULL, load_main, &loads[i]), 0);
    }
    assert_int_equal(pthread_create(&threads[2], NULL, scan_main, &scanner), 0);
    int streams[10];
    for (int i = 0; i < 10; i++)
        streams[i] = open_stream(served, token);
    for (int i = 0; i < 3; i++) {
        char name[80];
        expect_run(served, "export venues", 0, NULL);
        token_of_user(served, "press", name);
    }
    for (int i = 0; i < 10; i++) {
        assert_true(hear_text(streams[i], "event: counters", 20));
        close(streams[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&acknowledged), 600);
    assert_int_equal(atomic_load(&loads[0].answers[2]), 60);
    assert_int_equal(atomic_load(&loads[1].answers[2]), 60);
    buffer_release(&scanner.events);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(a_connection_is_kept_for_many_requests),
        SERVED_TEST(pipelined_requests_are_answered_in_order),
        SERVED_TEST(http_1_0_and_head_are_spoken),
        SERVED_TEST(six_hundred_idle_connections_hinder_nobody),
        SERVED_TEST(chunked_and_expected_bodies_are_read),
        SERVED_TEST(bodies_over_the_limit_are_refused),
        SERVED_TEST(photos_may_be_larger_than_other_bodies),
        SERVED_TEST(deep_json_over_the_wire_is_a_problem),
        SERVED_TEST(broken_requests_end_their_connection_only),
        SERVED_TEST(headers_past_the_limit_are_refused),
        SERVED_TEST(paths_reach_routing_as_they_were_sent),
        cmocka_unit_test_setup_teardown(a_client_that_dribbles_is_closed, serve_impatiently,
                                        city_end),
        SERVED_TEST(work_past_the_queue_is_shed_with_retry_after),
        SERVED_TEST(clients_that_leave_before_the_answer_harm_nobody),
        SERVED_TEST(a_stream_gives_its_first_event_at_once_and_more_later),
        SERVED_TEST(a_stream_ends_with_its_session_and_with_the_server),
        SERVED_TEST(two_hundred_readers_of_a_stream_hinder_nobody),
        SERVED_TEST(stopping_under_load_loses_nothing_acknowledged),
        SERVED_TEST(all_kinds_of_work_at_once),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
