/* The way in, without a proxy: what a hostile client may send, how much one asker may ask, what is
 * given up first, and what the serving process gives up itself. The proxy: test_way_in_nginx.c. */
#include <jansson.h>
#include <sys/un.h>

#include "base/embedded.h"
#include "way_in.h"

/* ---- Requests */

/* One answer on a connection of its own; the body is the caller's to release. */
static struct heard ask_whole(const struct served *served, const char *request)
{
    int fd = dial(served);
    assert_true(say_text(fd, request));
    struct heard heard = hear(fd);
    close(fd);
    return heard;
}

static struct heard post(const struct served *served, const char *path, const char *headers,
                         const char *body)
{
    struct buffer request;
    buffer_init(&request, 32 << 20);
    buffer_print(&request, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", path,
                 headers, strlen(body));
    buffer_append_text(&request, body);
    struct heard heard = ask_whole(served, request.data);
    buffer_release(&request);
    return heard;
}

static int get_status(const struct served *served, const char *path, const char *headers)
{
    char request[700];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers);
    return ask(served, request);
}

static json_t *get_json(const struct served *served, const char *path)
{
    char request[200];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    struct heard heard = ask_whole(served, request);
    assert_int_equal(heard.status, 200);
    json_t *document = json_loadb(heard.body.data, heard.body.length, 0, NULL);
    assert_non_null(document);
    buffer_release(&heard.body);
    return document;
}

/* The value of a header of the answer, up to `;` or its end. */
static bool header_value(const struct heard *heard, const char *name, char *out, size_t size)
{
    const char *at = strcasestr(heard->head, name);
    if (!at)
        return false;
    at += strlen(name);
    snprintf(out, size, "%.*s", (int)strcspn(at, ";\r"), at);
    return true;
}

/* A holder's session as the page has it: "Cookie: …\r\n". */
static void holder_cookie(const struct served *served, int person, char out[300])
{
    char body[100], cookie[200];
    snprintf(body, sizeof body, "{\"provider\":\"stub\",\"person_no\":%d}", person);
    struct heard heard = post(served, "/api/v1/sessions", "", body);
    assert_int_equal(heard.status, 200);
    assert_true(header_value(&heard, "\r\nSet-Cookie: ", cookie, sizeof cookie));
    snprintf(out, 300, "Cookie: %s\r\n", cookie);
    buffer_release(&heard.body);
}

/* ---- Smuggling and spellings */

static void no_smuggled_request_is_answered(void **state)
{
    struct served *served = *state;
    for (int i = 0; i < SMUGGLINGS; i++) {
        if (smugglings[i].by_proxy_only)
            continue;
        char all[8192];
        size_t length = 0;
        ssize_t got;
        int fd = dial(served);
        assert_true(say_bytes(fd, smugglings[i].bytes, smugglings[i].length));
        struct timeval patience = {.tv_sec = 10};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        while (length < sizeof all - 1 &&
               (got = recv(fd, all + length, sizeof all - 1 - length, 0)) > 0)
            length += (size_t)got;
        all[length] = '\0';
        if (got < 0 && errno == EAGAIN)
            fail_msg("%s: the connection stays open", smugglings[i].name);
        if (!is_refusal_only(all, length))
            fail_msg("%s: %s", smugglings[i].name, all);
        close(fd);
    }
    assert_int_equal(ask(served, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

static void a_second_spelling_of_a_path_is_no_route(void **state)
{
    struct served *served = *state;
    for (int i = 0; i < SPELLINGS; i++) {
        int status = get_status(served, spellings[i], "");
        if (status != 404 && status != 400)
            fail_msg("%s: %d", spellings[i], status);
    }
    static const char *const strange[] = {"GET /healthz\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
                                          "GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
                                          "GET /\xe5\x9f\x8e HTTP/1.1\r\nHost: x\r\n\r\n",
                                          "GET * HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
        assert_int_equal(ask(served, strange[i]), 400);
    assert_int_equal(get_status(served, "/healthz/", ""), 200); /* a last slash is none */
}

static int serve_hastily(void **state)
{
    setenv("CHENGMAI_REQUEST_SECONDS", "2", 1);
    int code = city_copy_and_serve(state);
    unsetenv("CHENGMAI_REQUEST_SECONDS");
    return code;
}

static void a_body_that_dribbles_is_closed(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    double begun = seconds_now();
    bool open = say_text(fd, POST_HEAD "Content-Length: 1000\r\n\r\n");
    while (open && seconds_now() - begun < 20) {
        char byte;
        open = say_text(fd, " ") && recv(fd, &byte, 1, MSG_DONTWAIT) != 0;
        usleep(200000);
    }
    assert_false(open);
    close(fd);
}

/* ---- Headers of answers */

static void expect_strict(const struct heard *heard, const char *what)
{
    static const char *const all[] = {
        "\r\nX-Content-Type-Options: nosniff\r\n",           "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n", "\r\nCache-Control: ",
        "\r\nContent-Security-Policy: default-src '", "frame-ancestors 'none'"};
    /* a page and its files may use this server's; an answer of the API may use nothing */
    bool built = strstr(heard->head, "\r\nPermissions-Policy: ") != NULL;
    if (!strstr(heard->head, built ? "default-src 'self'; script-src 'self'; "
                                   : "default-src 'none'; "))
        fail_msg("%s: a laxer policy in %s", what, heard->head);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *found = strstr(heard->head, all[i]);
        if (!found)
            fail_msg("%s: no %s in %s", what, all[i], heard->head);
        if (all[i][0] == '\r' && strstr(found + 2, all[i]))
            fail_msg("%s: %s stands twice", what, all[i]);
    }
    assert_null(strcasestr(heard->head, "\r\nServer:"));
    assert_null(strcasestr(heard->head, "\r\nAccess-Control-"));
}

/* The path of an operation with each parameter filled in. */
static void fill_path(const char *path, char *out)
{
    for (; *path; path++)
        if (*path == '{') {
            *out++ = '1';
            path = strchr(path, '}');
        } else {
            *out++ = *path;
        }
    *out = '\0';
}

static void every_answer_of_every_route_carries_strict_headers(void **state)
{
    struct served *served = *state;
    char token[80], path[200], request[900], name[20];
    const char *pattern, *method;
    json_t *operations, *operation, *api = get_json(served, "/api/v1/openapi.json");
    int answers = 0;
    token_of_user(served, "cdc_lead", token);
    json_object_foreach (json_object_get(api, "paths"), pattern, operations)
        json_object_foreach (operations, method, operation) {
            bool destroys = json_is_true(json_object_get(operation, "x-destructive"));
            fill_path(pattern, path);
            for (size_t i = 0; method[i] || !i; i++)
                name[i] = (char)(method[i] & ~0x20), name[i + 1] = '\0';
            for (int with = 0; with < (destroys ? 1 : 2); with++) {
                snprintf(request, sizeof request,
                         "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Purpose: case:1\r\n"
                         "%s%s%s\r\n{}",
                         name, path, with ? "Authorization: Bearer " : "", with ? token : "",
                         with ? "\r\n" : "");
                struct heard heard = ask_whole(served, request);
                assert_true(heard.status >= 200);
                expect_strict(&heard, request);
                buffer_release(&heard.body);
                answers++;
            }
        }
    assert_true(answers >= 40);
    static const char *const others[] = {"/", "/me", "/nothing", "/api/v1/nothing", "/..", "\\"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", others[i]);
        struct heard heard = ask_whole(served, request);
        expect_strict(&heard, request);
        buffer_release(&heard.body);
    }
    json_decref(api);
}

/* ---- Writes of a page */

static void every_write_of_a_cookie_session_needs_its_csrf_text(void **state)
{
    struct served *served = *state;
    char cookie[300], path[200], request[900], name[20];
    const char *pattern, *method;
    json_t *operations, *operation, *api = get_json(served, "/api/v1/openapi.json");
    int writes = 0;
    holder_cookie(served, 7, cookie);
    json_object_foreach (json_object_get(api, "paths"), pattern, operations)
        json_object_foreach (operations, method, operation) {
            const char *access = json_string_value(json_object_get(operation, "x-access"));
            if (strcmp(method, "get") == 0 || strcmp(access, "public") == 0)
                continue;
            fill_path(pattern, path);
            for (size_t i = 0; method[i]; i++)
                name[i] = (char)(method[i] & ~0x20), name[i + 1] = '\0';
            for (int with = 0; with < 2; with++) {
                snprintf(request, sizeof request,
                         "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n%s%s\r\n{}", name, path,
                         cookie, with ? "X-CSRF-Token: AAAAAAAAAAAAAAAAAAAAAA\r\n" : "");
                struct heard heard = ask_whole(served, request);
                for (int tries = 0; heard.status == 429 && tries < 60; tries++) {
                    buffer_release(&heard.body); /* the session's share comes again */
                    sleep(1);
                    heard = ask_whole(served, request);
                }
                if (heard.status != 403 || !strstr(heard.body.data, "X-CSRF-Token"))
                    fail_msg("%s: %d %s", request, heard.status, heard.body.data);
                buffer_release(&heard.body);
            }
            writes++;
        }
    assert_true(writes >= 2);
    int status; /* so many requests may have used the session's share: it comes again */
    for (int tries = 0; (status = get_status(served, "/api/v1/me", cookie)) == 429 && tries < 60;
         tries++)
        usleep(250000);
    assert_int_equal(status, 200); /* nothing was done */
    json_decref(api);
}

/* ---- Limits */

struct limit {
    const char *name;
    int value;
};

/* The built-in limits with some of them changed, as the city's own. */
static void write_limits(struct served *served, const struct limit *limits, size_t count)
{
    const struct embedded_file *file = embedded_find("policies/limits.yaml");
    struct buffer text;
    char path[300];
    buffer_init(&text, 1 << 20);
    for (const char *at = file->content.data, *end = at + file->content.length; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)(stop - at) + 1, i = 0, name = strspn(at, " ");
        while (i < count && (strncmp(at + name, limits[i].name, strlen(limits[i].name)) != 0 ||
                             at[name + strlen(limits[i].name)] != ':'))
            i++;
        if (i < count)
            buffer_print(&text, "  %s: {value: %d, source: \"test\"}\n", limits[i].name,
                         limits[i].value);
        else
            buffer_append(&text, at, length);
        at += length;
    }
    snprintf(path, sizeof path, "%s/data/policies", served->directory);
    mkdir(path, 0700);
    write_text(path, "limits.yaml", text.data);
    buffer_release(&text);
}
#define WRITE_LIMITS(served, ...)                                                                  \
    write_limits(served, (const struct limit[]){__VA_ARGS__},                                      \
                 sizeof((const struct limit[]){__VA_ARGS__}) / sizeof(struct limit))

static void expect_limited(const struct served *served, const char *path, const char *headers)
{
    char request[700], later[20];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers);
    struct heard heard = ask_whole(served, request);
    assert_int_equal(heard.status, 429);
    assert_true(header_value(&heard, "\r\nRetry-After: ", later, sizeof later));
    assert_true(atoi(later) >= 1);
    assert_non_null(strcasestr(heard.head, "Content-Type: application/problem+json"));
    assert_non_null(strstr(heard.body.data, "/problems/too-many-requests"));
    expect_strict(&heard, "429");
    buffer_release(&heard.body);
}

static void a_session_that_asks_too_much_is_told_when_to_come_again(void **state)
{
    struct served *served = *state;
    char first[80], second[80], headers[2][200];
    WRITE_LIMITS(served, {"session_per_second", 1}, {"session_burst", 20});
    token_of_user(served, "cdc_lead", first);
    token_of_user(served, "cdc_lead", second);
    snprintf(headers[0], sizeof headers[0], "Authorization: Bearer %s\r\n", first);
    snprintf(headers[1], sizeof headers[1], "Authorization: Bearer %s\r\n", second);
    serve(served);
    int status = 200, taken = 0;
    for (; taken < 400 && status == 200; taken++)
        status = get_status(served, "/api/v1/situation", headers[0]);
    assert_int_equal(status, 429);
    assert_true(taken > 20);
    expect_limited(served, "/api/v1/situation", headers[0]);
    assert_int_equal(get_status(served, "/api/v1/situation", headers[1]), 200); /* not hers */
    assert_int_equal(get_status(served, "/healthz", headers[0]), 200);
    struct heard scan = post(served, "/api/v1/scans", headers[0], "{}");
    assert_int_equal(scan.status, 400); /* read and refused for what it says */
    buffer_release(&scan.body);
    struct heard metrics = ask_whole(served, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *line = strstr(metrics.body.data, "chengmai_limited_total{by=\"session\"} ");
    assert_non_null(line);
    assert_true(atoi(strchr(line, '}') + 2) >= 2);
    buffer_release(&metrics.body);
}

static void a_holder_is_one_device_whatever_the_number_of_sessions(void **state)
{
    struct served *served = *state;
    char cookies[3][300];
    WRITE_LIMITS(served, {"device_per_second", 1}, {"device_burst", 10});
    serve(served);
    holder_cookie(served, 7, cookies[0]);
    holder_cookie(served, 7, cookies[1]);
    holder_cookie(served, 8, cookies[2]);
    assert_string_not_equal(cookies[0], cookies[1]);
    int status = 200;
    for (int i = 0; i < 200 && status == 200; i++)
        status = get_status(served, "/api/v1/me", cookies[i % 2]);
    assert_int_equal(status, 429);
    assert_int_equal(get_status(served, "/api/v1/me", cookies[2]), 200);
}

static int get_from(const struct served *served, const char *address)
{
    char header[200];
    snprintf(header, sizeof header, "X-Real-IP: %s\r\n", address);
    return get_status(served, "/api/v1/public/about", header);
}

/* How many of `count` requests from an address are answered before the first 429. */
static int taken_from(const struct served *served, const char *address, int count)
{
    int taken = 0;
    while (taken < count && get_from(served, address) == 200)
        taken++;
    return taken;
}

static void a_network_is_what_the_trusted_proxy_says_and_nobody_else(void **state)
{
    struct served *served = *state;
    WRITE_LIMITS(served, {"network_per_second", 1}, {"network_burst", 10});
    serve_with(served, "--listen 127.0.0.1:0 --still --proxy 127.0.0.1");
    assert_true(taken_from(served, "192.0.2.1", 200) < 200);
    assert_int_equal(get_from(served, "192.0.2.2"), 200);
    assert_true(taken_from(served, "2001:db8:1:1::1", 200) < 200);
    assert_int_equal(get_from(served, "2001:db8:1:1:ffff::9"), 429); /* the same 64 bits */
    assert_int_equal(get_from(served, "2001:db8:1:2::1"), 200);
    assert_true(taken_from(served, "nonsense", 200) < 200); /* not named: one network */
    assert_int_equal(get_status(served, "/api/v1/public/about", ""), 429);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    serve_with(served, "--listen 127.0.0.1:0 --still --proxy 192.0.2.7");
    assert_int_equal(taken_from(served, "192.0.2.1", 60), 60); /* a local process says nothing */
}

static void a_city_with_senseless_limits_does_not_serve(void **state)
{
    struct served *served = *state;
    WRITE_LIMITS(served, {"shed_decoration_percent", 90}, {"shed_detail_percent", 10});
    expect_run(served, "serve --listen 127.0.0.1:0", 2, "shed_decoration_percent");
    WRITE_LIMITS(served, {"session_burst", 0});
    expect_run(served, "serve --listen 127.0.0.1:0", 2, "session_burst");
    expect_run(served, "serve --listen 127.0.0.1:0 --proxy here", 2, "--proxy");
    expect_run(served, "serve --listen unix:", 2, "--listen");
}

/* ---- Shedding: workers that are busy with long batches, and what is still taken meanwhile */

enum { BATCHES_MAX = 20 };

/* Connections on which a batch of ten thousand lines waits for its answer. */
static void post_batches(const struct served *served, int *fds, int count)
{
    enum { LINES = 10000 };
    struct buffer request;
    buffer_init(&request, 1 << 20);
    buffer_print(&request,
                 "POST /api/v1/scans:batch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                 LINES * 3);
    for (int i = 0; i < LINES; i++)
        buffer_append_text(&request, "{}\n");
    for (int i = 0; i < count; i++) {
        fds[i] = dial(served);
        assert_true(say_bytes(fds[i], request.data, request.length));
    }
    buffer_release(&request);
    usleep(50000);
}

static void under_load_decoration_goes_first_and_intake_last(void **state)
{
    struct served *served = *state;
    char token[80], headers[200];
    static const struct {
        const char *path;
        int until; /* so many may wait before it is shed */
        int status;
    } rows[] = {{"/api/v1/openapi.json", 2, 200},
                {"/api/v1/cases/1/chain", 5, 403},
                {"/api/v1/situation", 10, 200},
                {"/api/v1/persons/1/status", 100, 403},
                {"/healthz", 100, 200}};
    WRITE_LIMITS(served, {"shed_decoration_percent", 1}, {"shed_history_percent", 2},
                 {"shed_detail_percent", 4});
    token_of_user(served, "cdc_lead", token);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
    serve(served);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(get_status(served, rows[i].path, headers), rows[i].status);
    int fds[BATCHES_MAX];
    post_batches(served, fds, BATCHES_MAX);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(get_status(served, rows[i].path, headers), 503);
    struct heard scan = post(served, "/api/v1/scans", "", "{}");
    assert_int_equal(scan.status, 400); /* at once: it waits in no queue */
    buffer_release(&scan.body);
    for (size_t i = 3; i < 5; i++)
        assert_int_equal(get_status(served, rows[i].path, headers), rows[i].status);
    for (int i = 0; i < BATCHES_MAX; i++) {
        assert_int_equal(hear_status(fds[i]), 200); /* no batch was given up */
        close(fds[i]);
    }
    struct heard metrics = ask_whole(served, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    static const char *const counted[] = {"decoration", "history", "detail", "status", "intake"};
    for (int i = 0; i < 5; i++) {
        char line[100];
        snprintf(line, sizeof line, "chengmai_shed_total{class=\"%s\"} %d\n", counted[i], i < 3);
        assert_non_null(strstr(metrics.body.data, line));
    }
    buffer_release(&metrics.body);
}

static void a_flood_of_log_ins_takes_one_worker_of_its_own(void **state)
{
    struct served *served = *state;
    enum { CONNECTIONS = 200 };
    static const char body[] = "{\"name\":\"nobody\",\"password\":\"wrong-password\"}";
    char request[300], token[80], headers[200], cookie[300];
    int fds[CONNECTIONS], waited = 0, shed = 0;
    token_of_user(served, "cdc_lead", token);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", token);
    snprintf(request, sizeof request, POST_HEAD "Content-Length: %zu\r\n\r\n%s", sizeof body - 1,
             body);
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = dial(served);
        assert_true(say_text(fds[i], request));
    }
    for (int i = 0; i < 20; i++) /* nobody else waits behind them, not even who logs in as holder */
        assert_int_equal(get_status(served, "/api/v1/situation", headers), 200);
    holder_cookie(served, 7, cookie);
    for (int i = 0; i < CONNECTIONS; i++) {
        int status = hear_status(fds[i]);
        assert_true(status == 401 || status == 503);
        waited += status == 401;
        shed += status == 503;
        close(fds[i]);
    }
    assert_true(waited >= 33 && shed > 0);
}

/* ---- A Unix socket */

static int dial_unix(const struct served *served, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 20};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/%s", served->directory, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void a_unix_socket_serves_the_proxy_alone(void **state)
{
    struct served *served = *state;
    char path[300];
    struct stat about;
    WRITE_LIMITS(served, {"network_per_second", 1}, {"network_burst", 5});
    snprintf(path, sizeof path, "%s/http.sock", served->directory);
    serve_with(served, "--listen unix:http.sock --still");
    assert_int_equal(stat(path, &about), 0);
    assert_true(S_ISSOCK(about.st_mode));
    assert_int_equal(about.st_mode & 07777, 0660);
    int fd = dial_unix(served, "http.sock"), limited = 0;
    assert_true(fd >= 0);
    for (int i = 0; i < 40; i++) { /* its other end names the clients */
        say_text(fd,
                 "GET /api/v1/public/about HTTP/1.1\r\nHost: x\r\nX-Real-IP: 192.0.2.1\r\n\r\n");
        limited += hear_status(fd) == 429;
    }
    assert_true(limited > 0);
    say_text(fd, "GET /api/v1/public/about HTTP/1.1\r\nHost: x\r\nX-Real-IP: 192.0.2.2\r\n\r\n");
    assert_int_equal(hear_status(fd), 200);
    close(fd);
    assert_int_equal(kill(served->pid, SIGKILL), 0); /* it lies there; the next one takes it over */
    assert_int_equal(waitpid(served->pid, NULL, 0), served->pid);
    assert_int_equal(stat(path, &about), 0);
    serve_with(served, "--listen unix:http.sock --still");
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    assert_int_equal(stat(path, &about), -1); /* and this one cleaned up */
    write_text(served->directory, "http.sock", "something of somebody\n");
    expect_run(served, "serve --listen unix:http.sock", 3, "something else");
}

/* ---- The sandbox */

static void proc_line(const struct served *served, const char *name, char out[60])
{
    char path[60], line[200];
    snprintf(path, sizeof path, "/proc/%d/status", served->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    out[0] = '\0';
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            snprintf(out, 60, "%.*s", (int)strcspn(line + strlen(name), "\n"), line + strlen(name));
    fclose(file);
}

static void a_sandboxed_server_does_all_kinds_of_work(void **state)
{
    struct served *served = *state;
    char token[80], headers[300], line[60];
    static const char *const paths[] = {"/",
                                        "/me",
                                        "/metrics",
                                        "/readyz",
                                        "/api/v1/openapi.json",
                                        "/api/v1/me",
                                        "/api/v1/situation",
                                        "/api/v1/cases",
                                        "/api/v1/cases/1",
                                        "/api/v1/cases/1/exposures",
                                        "/api/v1/cases/1/chain",
                                        "/api/v1/persons/1/status",
                                        "/api/v1/venues/1/code"};
    setenv("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1", 1); /* leaks are sought by a ptrace */
    serve_with(served, "--listen 127.0.0.1:0 --sandbox");
    proc_line(served, "Seccomp:\t", line);
    assert_string_equal(line, "2");
    proc_line(served, "NoNewPrivs:\t", line);
    assert_string_equal(line, "1");
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            static const char *const users[] = {"cdc_lead", "venue_manager"};
            token_of_user(served, users[k], token); /* a command, through the door */
            snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\nX-Purpose: case:1\r\n",
                     token);
            int status = get_status(served, paths[i], headers);
            assert_true(status == 200 || status == 403 || status == 404);
        }
    struct heard login = post(served, "/api/v1/sessions", "Idempotency-Key: k\r\n",
                              "{\"name\":\"nobody\",\"password\":\"wrong-password\"}");
    assert_int_equal(login.status, 401);
    buffer_release(&login.body);
    int fds[BATCHES_MAX];
    post_batches(served, fds, BATCHES_MAX);
    for (int i = 0; i < BATCHES_MAX; i++) {
        assert_int_equal(hear_status(fds[i]), 200);
        close(fds[i]);
    }
    static const char *const commands[] = {"export persons", "export checkins", "audit verify",
                                           "doctor",         "doctor --deep",   "user list"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct ran ran = run(served, commands[i]);
        if (ran.code)
            fail_msg("%s: %d %s", commands[i], ran.code, ran.words.data);
        ran_release(&ran);
    }
    write_text(served->directory, "rows.csv",
               "person_id,venue_id,time\na,b,2022-04-14T14:00:00+08:00\n");
    write_text(served->directory, "rows.ndjson",
               "{\"person_id\":\"c\",\"venue_id\":\"b\",\"time\":\"2022-04-14T14:00:00+08:00\"}\n");
    for (int i = 0; i < 2; i++) {
        struct ran ran = run(served, i ? "import checkins rows.ndjson --create-missing"
                                       : "import checkins rows.csv --create-missing");
        if (ran.code || !strstr(ran.out.data, "\"inserted\":1"))
            fail_msg("%d %s %s", ran.code, ran.out.data, ran.words.data);
        ran_release(&ran);
    }
    usleep(1500000); /* the jobs' rounds */
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
}

/* ---- The log */

static void expect_absent(const char *text, const char *secret)
{
    if (strlen(secret) < 8 || strstr(text, secret))
        fail_msg("the log holds %s", secret);
}

static void the_log_of_a_busy_and_broken_server_holds_no_secret(void **state)
{
    struct served *served = *state;
    char token[80], cookie[300], headers[900];
    static const char password[] = "hunter2-hunter2", number[] = "320402199003078515";
    token_of_user(served, "cdc_lead", token);
    setenv("CHENGMAI_FAULT", "before_sql_commit:error:9", 1); /* something to write into the log */
    serve(served);
    unsetenv("CHENGMAI_FAULT");
    holder_cookie(served, 7, cookie);
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nX-Purpose: case:1\r\nIdempotency-Key: %s\r\n", token,
             number);
    for (int i = 0; i < 6; i++) {
        char body[400], path[200];
        snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"%s\"}",
                 i % 2 ? "cdc_lead" : number, password);
        struct heard heard = post(served, "/api/v1/sessions", i % 3 ? "" : headers, body);
        buffer_release(&heard.body);
        snprintf(body, sizeof body, "{\"venue_token\":\"%s\",\"holder\":{\"id_number\":\"%s\"}}",
                 token, number);
        heard = post(served, "/api/v1/scans", headers, body);
        buffer_release(&heard.body);
        heard = post(served, "/api/v1/sessions", "",
                     "{\"provider\":\"stub\",\"id_number\":\"320402199003078515\"}");
        buffer_release(&heard.body);
        snprintf(path, sizeof path, "/api/v1/persons/%s/status?at=%s", number, token);
        get_status(served, path, headers);
        get_status(served, "/api/v1/cases/1/exposures", headers);
        get_status(served, "/api/v1/me", cookie);
    }
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    struct buffer words;
    struct error err;
    char path[300];
    buffer_init(&words, 64 << 20);
    snprintf(path, sizeof path, "%s/words", served->directory);
    assert_true(file_read_whole(AT_FDCWD, path, &words, &err));
    assert_non_null(strstr(words.data, "\"level\":\"fault\"")); /* it did write something */
    expect_absent(words.data, token);
    expect_absent(words.data, token + 3);
    expect_absent(words.data, password);
    expect_absent(words.data, number);
    expect_absent(words.data, strchr(cookie, '=') + 1);
    buffer_release(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(no_smuggled_request_is_answered),
        SERVED_TEST(a_second_spelling_of_a_path_is_no_route),
        cmocka_unit_test_setup_teardown(a_body_that_dribbles_is_closed, serve_hastily, city_end),
        SERVED_TEST(every_answer_of_every_route_carries_strict_headers),
        SERVED_TEST(every_write_of_a_cookie_session_needs_its_csrf_text),
        CITY_TEST(a_session_that_asks_too_much_is_told_when_to_come_again),
        CITY_TEST(a_holder_is_one_device_whatever_the_number_of_sessions),
        CITY_TEST(a_network_is_what_the_trusted_proxy_says_and_nobody_else),
        CITY_TEST(a_city_with_senseless_limits_does_not_serve),
        CITY_TEST(under_load_decoration_goes_first_and_intake_last),
        SERVED_TEST(a_flood_of_log_ins_takes_one_worker_of_its_own),
        CITY_TEST(a_unix_socket_serves_the_proxy_alone),
        CITY_TEST(a_sandboxed_server_does_all_kinds_of_work),
        CITY_TEST(the_log_of_a_busy_and_broken_server_holds_no_secret),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
