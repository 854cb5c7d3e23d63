/* A data directory and the real binary on it: commands, a server, requests over a socket. */
#ifndef CHENGMAI_TESTS_CITY_PROCESS_H
#define CHENGMAI_TESTS_CITY_PROCESS_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

enum { ARGUMENTS_MAX = 16, ANSWER_BYTES_MAX = 65536 };

struct city_process {
    char directory[100]; /* holds data/ */
    pid_t server;
    int server_out;
    uint16_t port;
};

/* ---- Commands */

/* Starts `chengmai --data DIR/data WORDS…`; descriptors of its input and output. */
static inline pid_t city_spawn(const struct city_process *city, const char *words, int in, int out)
{
    char line[1000], data[120], *argv[ARGUMENTS_MAX + 4];
    int argc = 0;
    const char *binary = getenv("CHENGMAI_BINARY");
    assert_non_null(binary);
    snprintf(data, sizeof data, "%s/data", city->directory);
    snprintf(line, sizeof line, "%s", words);
    argv[argc++] = (char *)(uintptr_t)binary;
    argv[argc++] = (char *)(uintptr_t)"--data";
    argv[argc++] = data;
    for (char *rest = line, *word; (word = strsep(&rest, " ")) && argc < ARGUMENTS_MAX;)
        argv[argc++] = word;
    argv[argc] = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child)
        return child;
    int nothing = open("/dev/null", O_RDWR);
    dup2(in >= 0 ? in : nothing, 0);
    dup2(out >= 0 ? out : nothing, 1);
    if (!getenv("CHENGMAI_TEST_WORDS"))
        dup2(nothing, 2);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    execv(binary, argv);
    _exit(127);
}

/* Runs a command with `input` (NULL: none); its exit code (−1: killed), its output into `out`. */
static inline int city_run(const struct city_process *city, const char *words,
                           const char *input_path, struct buffer *out)
{
    int ends[2], status, in = input_path ? open(input_path, O_RDONLY) : -1;
    char chunk[65536];
    ssize_t got;
    assert_true(!input_path || in >= 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = city_spawn(city, words, in, ends[1]);
    close(ends[1]);
    if (in >= 0)
        close(in);
    while ((got = read(ends[0], chunk, sizeof chunk)) > 0)
        if (out)
            buffer_append(out, chunk, (size_t)got);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The one JSON object that a command prints. */
static inline json_t *city_run_json(const struct city_process *city, const char *words,
                                    const char *input_path, int *ret_code)
{
    struct buffer out;
    buffer_init(&out, 256 << 20);
    int code = city_run(city, words, input_path, &out);
    json_t *answer = json_loadb(out.data, out.length, 0, NULL);
    buffer_release(&out);
    if (ret_code)
        *ret_code = code;
    else
        assert_int_equal(code, 0);
    assert_non_null(answer);
    return answer;
}
static inline long long json_number(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    assert_true(json_is_integer(value));
    return (long long)json_integer_value(value);
}

/* ---- The server */

/* False where it ended without listening. */
static inline bool city_serve(struct city_process *city)
{
    int ends[2];
    char line[200] = "";
    size_t length = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    city->server = city_spawn(city, "serve --still --listen 127.0.0.1:0", -1, ends[1]);
    close(ends[1]);
    city->server_out = ends[0];
    while (length < sizeof line - 1 && !strchr(line, '\n') &&
           read(ends[0], line + length, 1) == 1)
        length++;
    const char *colon = strrchr(line, ':');
    if (strncmp(line, "listening http://", 17) != 0 || !colon)
        return false;
    city->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return true;
}

/* Its exit code, −1 where a signal ended it. */
static inline int city_stop(struct city_process *city, int signal_no)
{
    int status;
    kill(city->server, signal_no);
    assert_int_equal(waitpid(city->server, &status, 0), city->server);
    close(city->server_out);
    city->server = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Requests: one at a time on a connection of their own or on `*fd` (−1: a new one) */

struct http_answer {
    int status;
    size_t body_length;
    char body[ANSWER_BYTES_MAX];
};

static inline int http_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool http_read(int fd, struct http_answer *answer)
{
    char bytes[ANSWER_BYTES_MAX + 4096];
    size_t length = 0, wanted = 0, head = 0;
    while (!wanted || length < wanted) {
        ssize_t got = recv(fd, bytes + length, sizeof bytes - 1 - length, 0);
        if (got <= 0)
            return false;
        length += (size_t)got;
        bytes[length] = '\0';
        char *end = wanted ? NULL : strstr(bytes, "\r\n\r\n");
        if (end) {
            const char *field = strcasestr(bytes, "\r\nContent-Length:");
            if (!field || field > end)
                return false;
            head = (size_t)(end + 4 - bytes);
            wanted = head + strtoul(field + 17, NULL, 10);
            REQUIRE(wanted - head < ANSWER_BYTES_MAX);
        }
    }
    answer->status = atoi(bytes + 9);
    answer->body_length = wanted - head;
    memcpy(answer->body, bytes + head, answer->body_length);
    answer->body[answer->body_length] = '\0';
    return true;
}

/* False where the connection broke: nothing is known about the request then. */
static inline bool http_send(int *fd, uint16_t port, const char *method, const char *path,
                             const char *headers, const char *body, struct http_answer *answer)
{
    struct buffer text;
    if (*fd < 0 && (*fd = http_connect(port)) < 0)
        return false;
    buffer_init(&text, 1 << 20);
    buffer_print(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s",
                 method, path, headers, strlen(body), body);
    bool done = send(*fd, text.data, text.length, MSG_NOSIGNAL) == (ssize_t)text.length &&
                http_read(*fd, answer);
    buffer_release(&text);
    if (!done) {
        close(*fd);
        *fd = -1;
    }
    return done;
}

static inline void city_get(const struct city_process *city, const char *path,
                            struct http_answer *answer)
{
    int fd = -1;
    assert_true(http_send(&fd, city->port, "GET", path, "", "", answer));
    close(fd);
}

/* ---- Scan requests, as `bench requests scan` makes them */

struct scan_post {
    char key[40], path[40], headers[200];
    char *body;
};
struct scan_posts {
    struct scan_post *items;
    size_t count;
};

static inline void scan_posts_make(const struct city_process *city, size_t count,
                                   struct scan_posts *posts)
{
    char words[80];
    struct buffer out;
    buffer_init(&out, 512 << 20);
    snprintf(words, sizeof words, "bench requests scan --count %zu", count);
    assert_int_equal(city_run(city, words, NULL, &out), 0);
    posts->items = x_alloc(count, sizeof *posts->items);
    for (char *line = out.data, *end; posts->count < count && (end = strchr(line, '\n'));
         line = end + 1) {
        struct scan_post *post = &posts->items[posts->count++];
        json_t *request = json_loadb(line, (size_t)(end - line), 0, NULL);
        assert_non_null(request);
        const char *key = json_string_value(
            json_object_get(json_object_get(request, "headers"), "Idempotency-Key"));
        snprintf(post->key, sizeof post->key, "%s", key);
        snprintf(post->path, sizeof post->path, "%s",
                 json_string_value(json_object_get(request, "path")));
        snprintf(post->headers, sizeof post->headers,
                 "Content-Type: application/json\r\nIdempotency-Key: %s\r\n", key);
        post->body = strdup(json_string_value(json_object_get(request, "body")));
        json_decref(request);
    }
    assert_int_equal(posts->count, count);
    buffer_release(&out);
}

static inline void scan_posts_release(struct scan_posts *posts)
{
    for (size_t i = 0; i < posts->count; i++)
        free(posts->items[i].body);
    free(posts->items);
    *posts = (struct scan_posts){0};
}

/* The event id of a 2xx answer. */
static inline void event_of_answer(const struct http_answer *answer, char out[32])
{
    json_t *body = json_loadb(answer->body, answer->body_length, 0, NULL);
    const char *id = json_string_value(json_object_get(body, "event"));
    assert_non_null(id);
    snprintf(out, 32, "%s", id);
    json_decref(body);
}

/* ---- Life */

static inline void city_create(struct city_process *city, const char *people)
{
    char words[80];
    *city = (struct city_process){.directory = "/tmp/chengmai-city-XXXXXX"};
    assert_non_null(mkdtemp(city->directory));
    snprintf(words, sizeof words, "init --demo --people %s", people);
    assert_int_equal(city_run(city, words, NULL, NULL), 0);
}

static inline void city_remove(struct city_process *city)
{
    struct error err;
    if (city->server)
        city_stop(city, SIGKILL);
    assert_true(file_remove_tree(AT_FDCWD, city->directory, &err));
}

#endif
