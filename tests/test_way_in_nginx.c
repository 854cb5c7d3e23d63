/* The way in through the real nginx, with the very file that is shipped
 * (deploy/nginx/chengmai.conf): only addresses, paths and a few waiting times are put in place of
 * its own. Where nginx, curl or openssl are absent the tests are skipped. */
#include "way_in.h"

struct front {
    struct served served; /* first member */
    pid_t nginx;
    int tls_port, plain_port;
};

static const char *program(const char *name, char out[64])
{
    static const char *const places[] = {"/usr/sbin", "/usr/bin", "/usr/local/bin", "/sbin",
                                         "/bin"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(out, 64, "%s/%s", places[i], name);
        if (access(out, X_OK) == 0)
            return out;
    }
    return NULL;
}

static void need_programs(void)
{
    static const char *const names[] = {"nginx", "curl", "openssl"};
    char path[64];
    for (size_t i = 0; i < 3; i++)
        if (!program(names[i], path)) {
            print_message("skipped: %s is not installed\n", names[i]);
            skip();
        }
}

/* ---- Running programs */

/* Runs a shell line in the city's directory; its output. The exit code into *ret_code. */
static struct buffer shell(struct front *front, const char *input, size_t input_length,
                           int *ret_code, const char *format, ...)
{
    char line[4000], path[300];
    struct buffer out;
    struct error err;
    va_list arguments;
    va_start(arguments, format);
    int head = snprintf(line, sizeof line, "cd %s && exec <input && { ", front->served.directory);
    vsnprintf(line + head, sizeof line - (size_t)head - 40, format, arguments);
    va_end(arguments);
    strcat(line, " ; } >output 2>errors");
    snprintf(path, sizeof path, "%s/input", front->served.directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (input_length)
        assert_int_equal(fwrite(input, 1, input_length, file), input_length);
    fclose(file);
    int status = system(line);
    if (ret_code)
        *ret_code = exit_code(status);
    buffer_init(&out, 64 << 20);
    snprintf(path, sizeof path, "%s/output", front->served.directory);
    assert_true(file_read_whole(AT_FDCWD, path, &out, &err));
    return out;
}

/* What curl prints of `options URL`, where PATH follows https://localhost:PORT. */
static struct buffer fetch(struct front *front, const char *options, const char *path)
{
    return shell(
        front, NULL, 0, NULL,
        "curl -s -S --max-time 30 --cacert cert.pem --path-as-is %s 'https://localhost:%d%s'",
        options, front->tls_port, path);
}

static void expect_fetch(struct front *front, const char *options, const char *path,
                         const char *expected)
{
    struct buffer out = fetch(front, options, path);
    if (!out.data || !strstr(out.data, expected))
        fail_msg("curl %s %s: no '%s' in: %.600s", options, path, expected,
                 out.data ? out.data : "");
    buffer_release(&out);
}

/* ---- nginx */

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Every `from` becomes `to`; it must be there. */
static void put_in_place(struct buffer *text, const char *from, const char *to)
{
    struct buffer out;
    const char *at = text->data, *found;
    buffer_init(&out, 1 << 20);
    if (!strstr(at, from))
        fail_msg("the configuration has no '%s'", from);
    for (; (found = strstr(at, from)); at = found + strlen(from)) {
        buffer_append(&out, at, (size_t)(found - at));
        buffer_append_text(&out, to);
    }
    buffer_append_text(&out, at);
    buffer_release(text);
    *text = out;
}

static void write_configuration(struct front *front)
{
    static const char shipped[] = CHENGMAI_SOURCE_ROOT "/deploy/nginx/chengmai.conf";
    struct buffer text;
    struct error err;
    char with[300];
    buffer_init(&text, 1 << 20);
    assert_true(file_read_whole(AT_FDCWD, shipped, &text, &err));
    snprintf(with, sizeof with, "server unix:%s/http.sock;", front->served.directory);
    put_in_place(&text, "server unix:/run/chengmai/http.sock;", with);
    snprintf(with, sizeof with, "listen 127.0.0.1:%d ssl http2;", front->tls_port);
    put_in_place(&text, "listen 443 ssl http2;", with);
    put_in_place(&text, "listen [::]:443 ssl http2;", "");
    snprintf(with, sizeof with, "listen 127.0.0.1:%d;", front->plain_port);
    put_in_place(&text, "listen 80;", with);
    put_in_place(&text, "listen [::]:80;", "");
    put_in_place(&text, "/etc/chengmai/tls/fullchain.pem", "cert.pem");
    put_in_place(&text, "/etc/chengmai/tls/key.pem", "key.pem");
    put_in_place(&text, "/var/log/nginx/", "");
    put_in_place(&text, "client_header_timeout 10s;", "client_header_timeout 2s;");
    put_in_place(&text, "client_body_timeout 15s;", "client_body_timeout 2s;");
    put_in_place(&text, "chengmai_connections 200;", "chengmai_connections 8;");
    put_in_place(&text, "burst=4000", "burst=300");
    put_in_place(&text, "rate=1000r/s", "rate=50r/s");
    write_text(front->served.directory, "chengmai.conf", text.data);
    buffer_release(&text);
    write_text(front->served.directory, "nginx.conf",
               "daemon off; worker_processes 1; pid nginx.pid; error_log nginx-errors.log;\n"
               "events { worker_connections 512; }\n"
               "http { client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3;\n"
               " uwsgi_temp_path t4; scgi_temp_path t5; include chengmai.conf; }\n");
}

static bool accepts(int port)
{
    struct served there = {.port = port};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)there.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    bool accepted = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return accepted;
}

static void start_nginx(struct front *front)
{
    char path[64], directory[220],
        *argv[] = {path,
                   (char *)(uintptr_t) "-p",
                   directory,
                   (char *)(uintptr_t) "-c",
                   (char *)(uintptr_t) "nginx.conf",
                   (char *)(uintptr_t) "-e",
                   (char *)(uintptr_t) "nginx-errors.log",
                   NULL};
    assert_non_null(program("nginx", path));
    snprintf(directory, sizeof directory, "%s", front->served.directory);
    chmod(front->served.directory, 0755); /* root's nginx works as another user */
    char socket_path[300];
    snprintf(socket_path, sizeof socket_path, "%s/http.sock", front->served.directory);
    if (getuid() == 0)
        chmod(socket_path, 0666);
    int none = open("/dev/null", O_RDWR | O_CLOEXEC);
    front->nginx = spawn(front->served.directory, argv, none, none, none);
    close(none);
    for (int i = 0; i < 100 && !accepts(front->tls_port); i++)
        usleep(100000);
    assert_true(accepts(front->tls_port));
}

static int front_start(void **state)
{
    char path[64];
    if (!program("nginx", path) || !program("openssl", path))
        return city_copy(state); /* the test says that it is skipped */
    struct served *served;
    city_copy((void **)&served);
    struct front *front = x_alloc(1, sizeof *front);
    front->served = *served;
    free(served);
    front->tls_port = free_port();
    front->plain_port = free_port();
    int code;
    struct buffer out =
        shell(front, NULL, 0, &code,
              "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
              "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out "
              "cert.pem");
    buffer_release(&out);
    assert_int_equal(code, 0);
    write_configuration(front);
    serve_with(&front->served, "--listen unix:http.sock --still");
    start_nginx(front);
    *state = front;
    return 0;
}

static int front_end(void **state)
{
    struct front *front = *state;
    if (front->served.pid && front->nginx) {
        kill(front->nginx, SIGTERM);
        waitpid(front->nginx, NULL, 0);
    }
    return city_end(state);
}

/* ---- TLS by hand: raw bytes through `openssl s_client` */

static struct buffer say_raw(struct front *front, const char *bytes, size_t length)
{
    return shell(front, bytes, length, NULL,
                 "timeout 15 openssl s_client -quiet -ign_eof -connect 127.0.0.1:%d "
                 "-servername localhost",
                 front->tls_port);
}

/* ---- Tests */

static void http_2_over_tls_is_spoken_with_hsts_and_the_platforms_headers(void **state)
{
    need_programs();
    struct front *front = *state;
    struct buffer out = fetch(front, "--http2 -i", "/healthz");
    static const char *const expected[] = {
        "HTTP/2 200",
        "strict-transport-security: max-age=63072000",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "referrer-policy: no-referrer",
        "{\"status\":\"ok\""};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(out.data, expected[i]))
            fail_msg("no '%s' in %s", expected[i], out.data);
    assert_null(strstr(strstr(out.data, "strict-transport") + 10, "strict-transport"));
    assert_null(strstr(out.data, "nginx/")); /* no version */
    buffer_release(&out);
    expect_fetch(front, "--http2 -i", "/", "script-src 'self'");
    expect_fetch(front, "--http1.1 -i", "/healthz", "HTTP/1.1 200");
    struct buffer plain =
        shell(front, NULL, 0, NULL, "curl -s -i http://127.0.0.1:%d/me?a=b", front->plain_port);
    assert_non_null(strstr(plain.data, "301"));
    assert_non_null(strstr(plain.data, "Location: https://127.0.0.1/me?a=b"));
    buffer_release(&plain);
}

static void old_tls_and_weak_ciphers_are_not_spoken_and_nothing_is_stapled(void **state)
{
    need_programs();
    struct front *front = *state;
    static const struct {
        const char *options;
        bool spoken;
    } rows[] = {{"-tls1_3", true},
                {"-tls1_2", true},
                {"-tls1_1 -cipher DEFAULT@SECLEVEL=0", false},
                {"-tls1 -cipher DEFAULT@SECLEVEL=0", false},
                {"-tls1_2 -cipher AES128-SHA:AES256-SHA:ECDHE-ECDSA-AES128-SHA", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code;
        struct buffer out =
            shell(front, NULL, 0, &code,
                  "timeout 15 openssl s_client -connect 127.0.0.1:%d -CAfile cert.pem "
                  "-servername localhost -status %s </dev/null",
                  front->tls_port, rows[i].options);
        bool spoken = out.data && strstr(out.data, "Verify return code: 0 (ok)") &&
                      !strstr(out.data, "Cipher is (NONE)");
        if (spoken != rows[i].spoken)
            fail_msg("%s: %.900s", rows[i].options, out.data ? out.data : "");
        assert_true(!spoken || strstr(out.data, "OCSP response: no response sent"));
        buffer_release(&out);
    }
}

static void a_session_cookie_is_secure_behind_tls(void **state)
{
    need_programs();
    struct front *front = *state;
    struct buffer out =
        fetch(front, "-i -d '{\"provider\":\"stub\",\"person_no\":7}'", "/api/v1/sessions");
    const char *cookie = strcasestr(out.data, "set-cookie: chengmai_session=");
    assert_non_null(cookie);
    char line[500];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(cookie, "\r"), cookie);
    assert_non_null(strcasestr(line, "; secure"));
    assert_non_null(strcasestr(line, "; httponly"));
    assert_non_null(strcasestr(line, "; samesite=strict"));
    buffer_release(&out);
}

static void no_smuggled_request_passes_the_proxy(void **state)
{
    need_programs();
    struct front *front = *state;
    for (int i = 0; i < SMUGGLINGS; i++) {
        struct buffer out = say_raw(front, smugglings[i].bytes, smugglings[i].length);
        if (out.length && !is_refusal_only(out.data, out.length))
            fail_msg("%s: %.900s", smugglings[i].name, out.data);
        buffer_release(&out);
    }
    expect_fetch(front, "-i", "/healthz", "200");
}

static void a_second_spelling_is_no_route_behind_the_proxy_either(void **state)
{
    need_programs();
    struct front *front = *state;
    for (int i = 0; i < SPELLINGS; i++) {
        if (spellings[i][0] != '/')
            continue; /* curl would put the slash */
        struct buffer out = fetch(front, "-o /dev/null -w %{http_code}", spellings[i]);
        if (strcmp(out.data, "404") != 0 && strcmp(out.data, "400") != 0)
            fail_msg("%s: %s", spellings[i], out.data);
        buffer_release(&out);
    }
    expect_fetch(front, "-o /dev/null -w %{http_code}", "/metrics", "404"); /* not for outside */
    expect_fetch(front, "-i -X TRACE", "/healthz", "405");
    expect_fetch(front, "-i -X CONNECT", "/healthz", "40");
}

static void what_is_too_large_or_too_deep_is_a_problem(void **state)
{
    need_programs();
    struct front *front = *state;
    static const struct {
        const char *make, *options, *path, *status;
    } rows[] = {
        {"head -c 1100000 /dev/zero | tr '\\0' ' ' >big", "-i --data-binary @big",
         "/api/v1/sessions", "413"},
        {"head -c 17000000 /dev/zero | tr '\\0' ' ' >big", "-i --data-binary @big",
         "/api/v1/scans:batch", "413"},
        {"head -c 3000000 /dev/zero | tr '\\0' ' ' >big", "-i --data-binary @big",
         "/api/v1/scans:batch", "200"},
        {"head -c 100000 /dev/zero | tr '\\0' '[' >big", "-i --data-binary @big",
         "/api/v1/sessions", "400"},
        {"head -c 100000 /dev/zero | tr '\\0' '[' >big", "-i --data-binary @big", "/api/v1/scans",
         "400"},
        {"printf 'X-Long: %%030000d' 1 >big", "-i --http1.1 -H @big", "/healthz", "431"},
        {"printf 'X-Long: %%030000d' 1 >big", "-i --http2 -H @big", "/healthz", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[20];
        struct buffer made = shell(front, NULL, 0, NULL, rows[i].make);
        buffer_release(&made);
        struct buffer out = fetch(front, rows[i].options, rows[i].path);
        snprintf(line, sizeof line, "%s", rows[i].status);
        if (out.length && line[0] && !strstr(out.data, line))
            fail_msg("%s %s: %.500s", rows[i].make, rows[i].path, out.data);
        if (line[0] == '4')
            if (!strstr(out.data, "application/problem+json"))
                fail_msg("%s %s: %.700s", rows[i].make, rows[i].path, out.data);
        if (!line[0]) /* HTTP/2 may simply end the stream */
            assert_true(!out.length || !strstr(out.data, " 200"));
        if (line[0] == '4' || out.length)
            assert_true(!out.length || strcasestr(out.data, "strict-transport-security"));
        buffer_release(&out);
    }
}

static void slow_clients_are_let_go_by_the_proxy(void **state)
{
    need_programs();
    struct front *front = *state;
    static const char *const lines[] = {
        "{ printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n'; for i in 1 2 3 4 5 6 7 8 9 "
        "10 11 12; do sleep 1; printf 'X-A: b\\r\\n'; done; }",
        "{ printf 'POST /api/v1/sessions HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: "
        "100\\r\\n\\r\\n'; sleep 12; }"};
    for (size_t i = 0; i < 2; i++) {
        double begun = seconds_now();
        struct buffer out =
            shell(front, NULL, 0, NULL,
                  "mkfifo pipe%zu; %s >pipe%zu & exec 3<pipe%zu; timeout 20 openssl "
                  "s_client -quiet -ign_eof -connect 127.0.0.1:%d <&3; kill $!",
                  i, lines[i], i, i, front->tls_port);
        double took = seconds_now() - begun;
        if (took < 1.5 || took > 9 || (out.length && !is_refusal_only(out.data, out.length)))
            fail_msg("after %.1f s: %s", took, out.data);
        buffer_release(&out);
    }
}

static void one_address_has_so_many_connections_and_requests(void **state)
{
    need_programs();
    struct front *front = *state;
    char token[80];
    token_of_user(&front->served, "cdc_lead", token);
    /* more streams at once than an address may have (8 here) */
    struct buffer out =
        shell(front, NULL, 0, NULL,
              "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do curl -s -N --http1.1 --max-time "
              "4 --cacert cert.pem -o /dev/null -w '%%{http_code} ' -H "
              "'Authorization: Bearer %s' https://localhost:%d/api/v1/events/stream "
              "& done; wait",
              token, front->tls_port);
    int limited = 0, streams = 0;
    for (const char *at = out.data; (at = strstr(at, "429")); at += 3)
        limited++;
    for (const char *at = out.data; (at = strstr(at, "200")); at += 3)
        streams++;
    if (streams != 8 || limited != 4)
        fail_msg("%s", out.data);
    buffer_release(&out);
    out = shell(front, NULL, 0, NULL,
                "curl -s --http2 --parallel --parallel-max 4 --cacert cert.pem -o /dev/null -w "
                "'%%{http_code}\\n' 'https://localhost:%d/healthz?[1-1500]'",
                front->tls_port);
    assert_non_null(strstr(out.data, "200"));
    assert_non_null(strstr(out.data, "429"));
    buffer_release(&out);
}

static void only_the_proxy_says_who_the_client_is_and_its_log_tells_nothing(void **state)
{
    need_programs();
    struct front *front = *state;
    static const char number[] = "320402199003078515";
    char options[300], path[300];
    snprintf(
        options, sizeof options,
        "-i -H 'X-Real-IP: 192.0.2.1' -H 'X-Forwarded-For: 192.0.2.1' -H 'Authorization: Bearer "
        "u1.%s'",
        number);
    snprintf(path, sizeof path, "/api/v1/persons/%s/status?at=%s", number, number);
    expect_fetch(front, options, path, "401");
    struct buffer out = shell(front, NULL, 0, NULL, "cat chengmai.log chengmai-error.log words");
    assert_non_null(strstr(out.data, "GET 401"));
    assert_null(strstr(out.data, number));
    assert_null(strstr(out.data, "persons"));
    buffer_release(&out);
}

static void a_platform_that_is_gone_is_a_problem_with_retry_after(void **state)
{
    need_programs();
    struct front *front = *state;
    assert_int_equal(stop(&front->served, SIGTERM, NULL), 0);
    struct buffer out = fetch(front, "-i", "/api/v1/me");
    kill(front->nginx, SIGTERM);
    waitpid(front->nginx, NULL, 0);
    front->nginx = 0;
    assert_non_null(strstr(out.data, "HTTP/2 502"));
    assert_non_null(strcasestr(out.data, "retry-after: 1"));
    assert_non_null(strcasestr(out.data, "application/problem+json"));
    assert_non_null(strstr(out.data, "\"status\":502"));
    assert_non_null(strcasestr(out.data, "strict-transport-security"));
    buffer_release(&out);
}

#define FRONT_TEST(name) cmocka_unit_test_setup_teardown(name, front_start, front_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRONT_TEST(http_2_over_tls_is_spoken_with_hsts_and_the_platforms_headers),
        FRONT_TEST(old_tls_and_weak_ciphers_are_not_spoken_and_nothing_is_stapled),
        FRONT_TEST(a_session_cookie_is_secure_behind_tls),
        FRONT_TEST(no_smuggled_request_passes_the_proxy),
        FRONT_TEST(a_second_spelling_is_no_route_behind_the_proxy_either),
        FRONT_TEST(what_is_too_large_or_too_deep_is_a_problem),
        FRONT_TEST(slow_clients_are_let_go_by_the_proxy),
        FRONT_TEST(one_address_has_so_many_connections_and_requests),
        FRONT_TEST(only_the_proxy_says_who_the_client_is_and_its_log_tells_nothing),
        FRONT_TEST(a_platform_that_is_gone_is_a_problem_with_retry_after),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
