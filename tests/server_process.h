/* The real binary as other processes see it: commands with their output and exit code, a server
 * with its address, and plain sockets. One small demo city a program, copied for every test. */
#ifndef CHENGMAI_TESTS_SERVER_PROCESS_H
#define CHENGMAI_TESTS_SERVER_PROCESS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

struct served {
    char directory[200]; /* holds "data" and whatever a test needs */
    pid_t pid;           /* 0: no server */
    int port;
};

static char city_template[64];

static inline const char *binary(void)
{
    const char *path = getenv("CHENGMAI_BINARY");
    if (!path)
        fail_msg("CHENGMAI_BINARY is not set");
    return path;
}

static inline double seconds_now(void)
{
    return world_elapsed_seconds();
}

/* ---- Commands */

struct ran {
    int code; /* exit code, or 128 + the signal's number */
    struct buffer out, words;
};
static inline void ran_release(struct ran *ran)
{
    buffer_release(&ran->out);
    buffer_release(&ran->words);
}

static inline int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void read_both(int out, int words, struct ran *ran)
{
    struct pollfd both[] = {{.fd = out, .events = POLLIN}, {.fd = words, .events = POLLIN}};
    struct buffer *into[] = {&ran->out, &ran->words};
    while (both[0].fd >= 0 || both[1].fd >= 0) {
        poll(both, 2, -1);
        for (int i = 0; i < 2; i++) {
            char chunk[65536];
            if (both[i].fd < 0 || !both[i].revents)
                continue;
            ssize_t got = read(both[i].fd, chunk, sizeof chunk);
            if (got > 0) {
                buffer_append(into[i], chunk, (size_t)got);
                continue;
            }
            close(both[i].fd);
            both[i].fd = -1;
        }
    }
}

/* Starts `argv` (NULL at its end) in `directory`; the descriptors become 0, 1, 2. */
static inline pid_t spawn(const char *directory, char *const argv[], int in, int out, int words)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    if (chdir(directory) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(words, 2) < 0)
        _exit(120);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execv(argv[0], argv);
    _exit(121);
}

/* Runs `chengmai --data data WORDS…` in the city's directory with `input` on standard input (NULL
 * is nothing). `line` is split at blanks. */
static inline struct ran run_with(struct served *served, const char *input, const char *line)
{
    struct ran ran = {0};
    char words[2000], *argv[64] = {(char *)(uintptr_t)binary(), (char *)(uintptr_t)"--data",
                                   (char *)(uintptr_t)"data"};
    int argc = 3, out[2], err[2], in[2], status;
    snprintf(words, sizeof words, "%s", line);
    for (char *rest = words, *word; (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    buffer_init(&ran.out, 256 << 20);
    buffer_init(&ran.words, 16 << 20);
    assert_true(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
                pipe2(in, O_CLOEXEC) == 0);
    pid_t pid = spawn(served->directory, argv, in[0], out[1], err[1]);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    pid_t feeder = input ? fork() : 0;
    if (input && feeder == 0) {
        signal(SIGPIPE, SIG_DFL);
        for (size_t at = 0, length = strlen(input); at < length;) {
            ssize_t wrote = write(in[1], input + at, length - at);
            if (wrote <= 0)
                break;
            at += (size_t)wrote;
        }
        _exit(0);
    }
    close(in[1]);
    read_both(out[0], err[0], &ran);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (feeder)
        waitpid(feeder, NULL, 0);
    ran.code = exit_code(status);
    return ran;
}
static inline struct ran run(struct served *served, const char *line)
{
    return run_with(served, NULL, line);
}

/* The exit code, and `text` somewhere in what people read (NULL: nothing there). */
static inline void expect_run(struct served *served, const char *line, int code, const char *text)
{
    struct ran ran = run(served, line);
    const char *words = ran.words.data ? ran.words.data : "";
    if (ran.code != code || (text ? !strstr(words, text) : words[0] != '\0'))
        fail_msg("%s: exit %d (%d), words: %s", line, ran.code, code, words);
    ran_release(&ran);
}

/* ---- The server */

static inline void write_text(const char *directory, const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The demo city's own alerts, their loops and notices stay away: its night begins at 23 h. */
static inline void quiet_desk(struct served *served)
{
    char command[600];
    snprintf(command, sizeof command,
             "mkdir -p -m 700 %s/data/policies && sed 's/^run_hour: 6$/run_hour: 23/'"
             " " CHENGMAI_SOURCE_ROOT "/policies/alerts.yaml > %s/data/policies/alerts.yaml &&"
             " grep -q '^run_hour: 23$' %s/data/policies/alerts.yaml",
             served->directory, served->directory, served->directory);
    assert_int_equal(system(command), 0);
}

/* Starts `serve OPTIONS` (split at blanks); its words go to the file "words". The port where it
 * listens on 127.0.0.1, else 0. */
static inline void serve_with(struct served *served, const char *options)
{
    char text[600], *argv[32] = {(char *)(uintptr_t)binary(), (char *)(uintptr_t)"--data",
                                 (char *)(uintptr_t)"data", (char *)(uintptr_t)"serve"};
    int argc = 4, out[2], none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char path[400], line[200];
    snprintf(text, sizeof text, "%s", options);
    for (char *rest = text, *word; argc < 31 && (word = strsep(&rest, " "));)
        argv[argc++] = word;
    snprintf(path, sizeof path, "%s/words", served->directory);
    int words = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(words >= 0 && none >= 0 && pipe2(out, O_CLOEXEC) == 0);
    served->pid = spawn(served->directory, argv, none, out[1], words);
    close(none);
    close(words);
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    served->port = 0;
    if (!fgets(line, sizeof line, lines) ||
        (strncmp(line, "listening unix:", 15) != 0 &&
         sscanf(line, "listening http://127.0.0.1:%d\n", &served->port) != 1))
        fail_msg("the first line is not 'listening …'");
    fclose(lines);
}
static inline void serve(struct served *served)
{
    serve_with(served, "--listen 127.0.0.1:0 --still");
}

/* Sends a signal and waits; the exit code, and the seconds it took. */
static inline int stop(struct served *served, int signal_no, double *ret_seconds)
{
    int status;
    double begun = seconds_now();
    assert_int_equal(kill(served->pid, signal_no), 0);
    assert_int_equal(waitpid(served->pid, &status, 0), served->pid);
    served->pid = 0;
    if (ret_seconds)
        *ret_seconds = seconds_now() - begun;
    return exit_code(status);
}

static inline int city_build(void **state)
{
    (void)state;
    struct served served = {.directory = ""};
    signal(SIGPIPE, SIG_IGN);
    snprintf(city_template, sizeof city_template, "/tmp/chengmai-served-XXXXXX");
    assert_non_null(mkdtemp(city_template));
    snprintf(served.directory, sizeof served.directory, "%s", city_template);
    struct ran ran = run(&served, "init --demo --people 600");
    if (ran.code)
        fail_msg("init: exit %d, %s", ran.code, ran.words.data);
    ran_release(&ran);
    return 0;
}

static inline int city_destroy(void **state)
{
    (void)state;
    struct error err;
    return file_remove_tree(AT_FDCWD, city_template, &err) ? 0 : 1;
}

static inline int city_copy(void **state)
{
    char command[300];
    struct served *served = x_alloc(1, sizeof *served);
    snprintf(served->directory, sizeof served->directory, "/tmp/chengmai-test-XXXXXX");
    assert_non_null(mkdtemp(served->directory));
    snprintf(command, sizeof command, "cp -a %s/. %s", city_template, served->directory);
    assert_int_equal(system(command), 0);
    *state = served;
    return 0;
}

static inline int city_copy_and_serve(void **state)
{
    city_copy(state);
    serve(*state);
    return 0;
}

static inline int city_end(void **state)
{
    struct served *served = *state;
    struct error err;
    int code = served->pid ? stop(served, SIGTERM, NULL) : 0;
    if (code) {
        char command[300];
        print_error("the server ended with %d\n", code);
        snprintf(command, sizeof command, "tail -n 60 %s/words >&2", served->directory);
        (void)!system(command);
    }
    bool removed = file_remove_tree(AT_FDCWD, served->directory, &err);
    free(served);
    return code || !removed;
}

/* ---- Sockets */

static inline int dial(const struct served *served)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)served->port)};
    struct timeval patience = {.tv_sec = 20};
    int on = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline bool say_bytes(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}
static inline bool say_text(int fd, const char *text)
{
    return say_bytes(fd, text, strlen(text));
}

/* One answer: status line and headers in `head`, the body by its Content-Length. */
struct heard {
    int status;      /* 0: the connection ended first */
    char head[4096];
    struct buffer body;
};
static inline struct heard hear(int fd)
{
    struct heard heard = {0};
    size_t length = 0;
    buffer_init(&heard.body, 64 << 20);
    while (length + 1 < sizeof heard.head && !strstr(heard.head, "\r\n\r\n")) {
        if (recv(fd, heard.head + length, 1, 0) != 1)
            return heard;
        length++;
    }
    sscanf(heard.head, "HTTP/1.%*d %d", &heard.status);
    const char *field = strcasestr(heard.head, "\r\nContent-Length:");
    unsigned long left = 0;
    if (field)
        sscanf(field + 17, "%lu", &left);
    while (left) {
        char chunk[65536];
        ssize_t got = recv(fd, chunk, left < sizeof chunk ? left : sizeof chunk, 0);
        if (got <= 0)
            break;
        buffer_append(&heard.body, chunk, (size_t)got);
        left -= (size_t)got;
    }
    return heard;
}
/* The status alone. */
static inline int hear_status(int fd)
{
    struct heard heard = hear(fd);
    buffer_release(&heard.body);
    return heard.status;
}
/* True where the other side closes within `seconds` (what comes before is read away). */
static inline bool hear_end(int fd, double seconds)
{
    double until = seconds_now() + seconds;
    char chunk[4096];
    while (seconds_now() < until) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (poll(&one, 1, 100) > 0 && recv(fd, chunk, sizeof chunk, 0) <= 0)
            return true;
    }
    return false;
}
/* One request on a connection of its own; the status. */
static inline int ask(const struct served *served, const char *request)
{
    int fd = dial(served);
    say_text(fd, request);
    int status = hear_status(fd);
    close(fd);
    return status;
}

/* "u1.…" of a user. */
static inline void token_of_user(struct served *served, const char *user, char out[80])
{
    char line[100];
    snprintf(line, sizeof line, "user token %s", user);
    struct ran ran = run(served, line);
    assert_int_equal(ran.code, 0);
    snprintf(out, 80, "%.*s", (int)strcspn(ran.out.data, "\n"), ran.out.data);
    ran_release(&ran);
}

#define CITY_TEST(name) cmocka_unit_test_setup_teardown(name, city_copy, city_end)
#define SERVED_TEST(name) cmocka_unit_test_setup_teardown(name, city_copy_and_serve, city_end)

#endif
