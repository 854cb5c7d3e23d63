/* Goal: with the real binary and real sockets, every notice reaches its receiver at least once
 * under one id, signed so that anybody with the key can prove it: when the receiver fails,
 * hangs or dies, and when the server is killed; and nothing else ever waits for a receiver. */
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "server_process.h"

#include <jansson.h>

static const char webhook_key[] = "a-key-of-more-than-sixteen-bytes";

/* ---- A receiver of webhooks */

enum manner { TAKES, FAILS_TWICE, HANGS, CLOSES };
enum { POSTS_MAX = 2000 };
struct post {
    char id[80], time[40], signature[100];
    char *body;
    int answered;
};
struct receiver {
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock; /* owns posts, count */
    struct post posts[POSTS_MAX];
    size_t count;
    atomic_int manner, delay_microseconds;
    atomic_bool stopping;
    atomic_int answering; /* calls that are not over */
};

static void header_of(const char *head, const char *name, char *out, size_t size)
{
    const char *at = strcasestr(head, name);
    out[0] = '\0';
    if (at)
        snprintf(out, size, "%.*s", (int)strcspn(at + strlen(name) + 2, "\r\n"),
                 at + strlen(name) + 2);
}

/* How often this id came before. */
static int came(const struct receiver *receiver, const char *id)
{
    int count = 0;
    for (size_t i = 0; i < receiver->count; i++)
        count += strcmp(receiver->posts[i].id, id) == 0;
    return count;
}

static int take_post(struct receiver *receiver, const char *head, struct slice body)
{
    enum manner manner = (enum manner)atomic_load(&receiver->manner);
    pthread_mutex_lock(&receiver->lock);
    assert_true(receiver->count < POSTS_MAX);
    struct post *post = &receiver->posts[receiver->count];
    header_of(head, "\r\nX-Chengmai-Notice", post->id, sizeof post->id);
    header_of(head, "\r\nX-Chengmai-Time", post->time, sizeof post->time);
    header_of(head, "\r\nX-Chengmai-Signature", post->signature, sizeof post->signature);
    post->body = strndup(body.data, body.length);
    post->answered = manner == FAILS_TWICE && came(receiver, post->id) < 2 ? 500 : 200;
    receiver->count++;
    int status = post->answered;
    pthread_mutex_unlock(&receiver->lock);
    return status;
}

static void serve_one(struct receiver *receiver, int fd)
{
    struct heard {
        char head[4096];
        size_t length;
    } heard = {.length = 0};
    struct timeval patience = {.tv_sec = 5};
    unsigned long left = 0;
    char body[8192], answer[100];
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (heard.length + 1 < sizeof heard.head && !strstr(heard.head, "\r\n\r\n")) {
        if (recv(fd, heard.head + heard.length, 1, 0) != 1)
            return;
        heard.length++;
    }
    const char *field = strcasestr(heard.head, "\r\nContent-Length:");
    if (field)
        sscanf(field + 17, "%lu", &left);
    assert_true(left < sizeof body);
    for (size_t at = 0; at < left;) {
        ssize_t got = recv(fd, body + at, left - at, 0);
        if (got <= 0)
            return;
        at += (size_t)got;
    }
    if (atomic_load(&receiver->manner) == CLOSES)
        return;
    int status = take_post(receiver, heard.head, (struct slice){body, left});
    while (atomic_load(&receiver->manner) == HANGS && !atomic_load(&receiver->stopping))
        usleep(10000);
    usleep((useconds_t)atomic_load(&receiver->delay_microseconds));
    snprintf(answer, sizeof answer,
             "HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    say_text(fd, answer);
}

struct call_of_one {
    struct receiver *receiver;
    int fd;
};

static void *one_main(void *argument)
{
    struct call_of_one *call = argument;
    serve_one(call->receiver, call->fd);
    close(call->fd);
    atomic_fetch_sub(&call->receiver->answering, 1);
    free(call);
    return NULL;
}

static void *receiver_main(void *argument)
{
    struct receiver *receiver = argument;
    while (!atomic_load(&receiver->stopping)) {
        struct pollfd one = {.fd = receiver->fd, .events = POLLIN};
        pthread_t thread;
        if (poll(&one, 1, 50) <= 0)
            continue;
        int fd = accept(receiver->fd, NULL, NULL);
        if (fd < 0)
            continue;
        struct call_of_one *call = x_alloc(1, sizeof *call);
        *call = (struct call_of_one){receiver, fd};
        atomic_fetch_add(&receiver->answering, 1);
        assert_int_equal(pthread_create(&thread, NULL, one_main, call), 0);
        pthread_detach(thread);
    }
    return NULL;
}

static int listen_on(int family, const char *path, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    int on = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (path)
        snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(path ? bind(fd, (struct sockaddr *)&local, sizeof local)
                          : bind(fd, (struct sockaddr *)&address, sizeof address),
                     0);
    assert_int_equal(listen(fd, 64), 0);
    if (!path) {
        getsockname(fd, (struct sockaddr *)&address, &length);
        *port = ntohs(address.sin_port);
    }
    return fd;
}

/* `path`: a Unix socket, else TCP at `port` (0: any). */
static struct receiver *receiver_begin(enum manner manner, const char *path, int port)
{
    struct receiver *receiver = x_alloc(1, sizeof *receiver);
    receiver->port = port;
    receiver->fd = listen_on(path ? AF_UNIX : AF_INET, path, &receiver->port);
    atomic_store(&receiver->manner, manner);
    pthread_mutex_init(&receiver->lock, NULL);
    assert_int_equal(pthread_create(&receiver->thread, NULL, receiver_main, receiver), 0);
    return receiver;
}

static void receiver_end(struct receiver *receiver)
{
    atomic_store(&receiver->stopping, true);
    pthread_join(receiver->thread, NULL);
    while (atomic_load(&receiver->answering) > 0) /* what it was answering ends */
        usleep(10000);
    close(receiver->fd);
    for (size_t i = 0; i < receiver->count; i++)
        free(receiver->posts[i].body);
    free(receiver);
}

static size_t post_count(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    size_t count = receiver->count;
    pthread_mutex_unlock(&receiver->lock);
    return count;
}

static void wait_for_posts(struct receiver *receiver, size_t count, double seconds)
{
    double until = seconds_now() + seconds;
    while (post_count(receiver) < count && seconds_now() < until)
        usleep(20000);
    if (post_count(receiver) < count)
        fail_msg("%zu posts came, expected %zu", post_count(receiver), count);
}

/* ---- A city with a receiver */

struct channels {
    const char *webhook, *smtp; /* true or false */
    const char *url, *address, *socket, *ladder;
    int smtp_port, timeout;
};

static void write_policy(struct served *served, const struct channels *channels)
{
    char text[4000], path[300];
    quiet_desk(served);
    snprintf(path, sizeof path, "%s/webhook.key", served->directory);
    write_text(served->directory, "webhook.key", webhook_key);
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(text, sizeof text,
             "numbers:\n  apart_per_minute: {value: 1000, source: \"test\"}\n"
             "link: \"https://city.example/loops/{loop}\"\nchannels:\n"
             "  webhook:\n    on: %s\n    url: \"%s\"\n    address: \"%s\"\n    socket: \"%s\"\n"
             "    ca_file: \"\"\n    secret: \"file:%s\"\n    kinds: [owner, told, overdue]\n"
             "    roles: []\n    retry_seconds: [%s]\n    timeout_seconds: %d\n    at_once: 4\n"
             "  smtp:\n    on: %s\n    url: \"smtp://127.0.0.1:%d/city.example\"\n"
             "    address: \"\"\n    socket: \"\"\n    ca_file: \"\"\n    secret: \"\"\n"
             "    from: \"chengmai@city.example\"\n    login: \"\"\n    tls: none\n"
             "    kinds: [owner]\n    roles: [cdc_investigator]\n    retry_seconds: [1]\n"
             "    timeout_seconds: 10\n    at_once: 2\n",
             channels->webhook, channels->url, channels->address ? channels->address : "",
             channels->socket ? channels->socket : "", path,
             channels->ladder ? channels->ladder : "1, 1, 1, 1, 1, 1, 1, 1",
             channels->timeout ? channels->timeout : 10, channels->smtp ? channels->smtp : "false",
             channels->smtp_port ? channels->smtp_port : 25);
    write_text(served->directory, "data/policies/notices.yaml", text);
}

static void begin_with(struct served *served, struct receiver *receiver, const char *ladder,
                       int timeout)
{
    char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/told", receiver->port);
    write_policy(served, &(struct channels){
                             .webhook = "true", .url = url, .ladder = ladder, .timeout = timeout});
    serve(served);
}

/* Opens a loop about a person; its number. */
static long long open_about(struct served *served, const char *token, int person)
{
    char body[400], request[900];
    int length = snprintf(body, sizeof body,
                          "{\"scene\":\"contact_management\",\"subject\":%d,\"fields\":{"
                          "\"source_case\":1,\"contact_level\":\"close\","
                          "\"last_exposure_at\":\"2022-04-13T09:00:00+08:00\"}}",
                          person);
    snprintf(request, sizeof request,
             "POST /api/v1/loops HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
             token, length, body);
    int fd = dial(served);
    say_text(fd, request);
    struct heard heard = hear(fd);
    close(fd);
    if (heard.status != 201)
        fail_msg("%d %s", heard.status, heard.body.data ? heard.body.data : "");
    json_t *answer = json_loads(heard.body.data, 0, NULL);
    long long id = json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    buffer_release(&heard.body);
    return id;
}

static struct heard get(struct served *served, const char *path, const char *token)
{
    char request[400];
    int fd = dial(served);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n", path,
             token ? "Authorization: Bearer " : "X: ", token ? token : "x");
    say_text(fd, request);
    struct heard heard = hear(fd);
    close(fd);
    return heard;
}

static void wait_for_metric(struct served *served, const char *line, double seconds)
{
    double until = seconds_now() + seconds;
    for (;;) {
        struct heard heard = get(served, "/metrics", NULL);
        bool found = heard.body.data && strstr(heard.body.data, line);
        if (!found && seconds_now() > until)
            fail_msg("%s did not come: %s", line,
                     heard.body.data ? strstr(heard.body.data, "chengmai_notices{") : "");
        buffer_release(&heard.body);
        if (found)
            return;
        usleep(50000);
    }
}

/* Proves the signature with another library than the one that made it. */
static bool is_authentic(const struct post *post)
{
    unsigned char mac[32];
    unsigned length = sizeof mac;
    char text[100] = "v1=";
    struct buffer signed_text;
    buffer_init(&signed_text, 1 << 16);
    buffer_print(&signed_text, "%s.%s", post->time, post->body);
    HMAC(EVP_sha256(), webhook_key, (int)strlen(webhook_key),
         (const unsigned char *)signed_text.data, signed_text.length, mac, &length);
    buffer_release(&signed_text);
    for (size_t i = 0; i < sizeof mac; i++)
        snprintf(text + 3 + 2 * i, 3, "%02x", mac[i]);
    return strcmp(text, post->signature) == 0;
}

static long long loop_of(const struct post *post)
{
    json_t *body = json_loads(post->body, 0, NULL);
    assert_non_null(body);
    assert_string_equal(json_string_value(json_object_get(body, "notice")), post->id);
    long long loop = json_integer_value(json_object_get(body, "loop"));
    json_decref(body);
    return loop;
}

/* Whether a loop's notice was taken (answered 200); one id alone belongs to it. */
static bool was_taken(struct receiver *receiver, long long loop)
{
    bool taken = false;
    const char *id = NULL;
    pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < receiver->count; i++) {
        const struct post *post = &receiver->posts[i];
        if (loop_of(post) != loop)
            continue;
        assert_true(!id || strcmp(id, post->id) == 0);
        id = post->id;
        taken |= post->answered == 200;
    }
    pthread_mutex_unlock(&receiver->lock);
    return taken;
}

/* ---- Webhook */

static void a_receiver_that_fails_twice_gets_the_same_signed_notice_again(void **state)
{
    enum { LOOPS = 3 };
    struct served *served = *state;
    char token[80];
    struct receiver *receiver = receiver_begin(FAILS_TWICE, NULL, 0);
    begin_with(served, receiver, "1, 1, 1", 0);
    token_of_user(served, "cdc_lead", token);
    long long loops[LOOPS];
    for (int i = 0; i < LOOPS; i++)
        loops[i] = open_about(served, token, 5 + i);
    wait_for_posts(receiver, 3 * LOOPS, 20);
    wait_for_metric(
        served, "chengmai_notice_tries_total{channel=\"webhook\",outcome=\"delivered\"} 3\n", 5);
    wait_for_metric(served,
                    "chengmai_notice_tries_total{channel=\"webhook\",outcome=\"retried\"} 6\n", 5);
    wait_for_metric(served, "chengmai_notices{channel=\"webhook\",state=\"waiting\"} 0\n", 5);
    usleep(1500000);
    assert_int_equal(post_count(receiver), 3 * LOOPS); /* what was taken does not come again */
    for (int i = 0; i < LOOPS; i++)
        assert_true(was_taken(receiver, loops[i]));
    for (size_t i = 0; i < receiver->count; i++) {
        struct post *post = &receiver->posts[i];
        assert_true(is_authentic(post));
        assert_non_null(strstr(post->body, "\"kind\":\"owner\""));
        assert_non_null(strstr(post->body, "\"role\":\"cdc_investigator\""));
        assert_non_null(strstr(post->body, "https://city.example/loops/"));
        post->body[2] ^= 1; /* the proof can fail */
        assert_false(is_authentic(post));
        post->body[2] ^= 1;
    }
    expect_run(served, "doctor", 0, NULL);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    receiver_end(receiver);
}

static void a_receiver_that_hangs_holds_up_nobody(void **state)
{
    enum { LOOPS = 12 };
    struct served *served = *state;
    char token[80], line[80];
    double seconds;
    struct receiver *receiver = receiver_begin(HANGS, NULL, 0);
    begin_with(served, receiver, "1", 300);
    token_of_user(served, "cdc_lead", token);
    (void)open_about(served, token, 5);
    wait_for_posts(receiver, 1, 10);
    double begun = seconds_now();
    for (int i = 1; i < LOOPS; i++)
        (void)open_about(served, token, 5 + i);
    assert_true(seconds_now() - begun < 5);
    snprintf(line, sizeof line, "chengmai_notices{channel=\"webhook\",state=\"waiting\"} %d\n",
             LOOPS);
    wait_for_metric(served, line, 5);       /* all are made: the room's thread goes on */
    assert_true(post_count(receiver) <= 4); /* at_once */
    assert_int_equal(stop(served, SIGTERM, &seconds), 0);
    assert_true(seconds < 5);
    receiver_end(receiver);
}

static void what_a_dead_receiver_did_not_take_is_given_up_said_and_tried_again(void **state)
{
    struct served *served = *state;
    char token[80];
    int port;
    struct receiver *receiver = receiver_begin(CLOSES, NULL, 0);
    begin_with(served, receiver, "1", 0);
    port = receiver->port;
    token_of_user(served, "cdc_lead", token);
    long long loop = open_about(served, token, 5);
    usleep(300000);
    receiver_end(receiver); /* now nobody listens */
    wait_for_metric(served, "chengmai_notices{channel=\"webhook\",state=\"given_up\"} 1\n", 15);
    struct ran doctor = run(served, "doctor");
    assert_int_equal(doctor.code, 0);
    assert_non_null(strstr(doctor.out.data, "warn notices: 1 by webhook were given up"));
    ran_release(&doctor);
    struct ran rotated = run(served, "keys rotate identity"); /* its words stay readable */
    assert_int_equal(rotated.code, 0);
    ran_release(&rotated);
    receiver = receiver_begin(TAKES, NULL, port);
    struct ran again = run(served, "notices retry webhook");
    assert_int_equal(again.code, 0);
    assert_string_equal(again.out.data, "{\"waiting_again\":1}\n");
    ran_release(&again);
    wait_for_posts(receiver, 1, 10);
    assert_true(was_taken(receiver, loop));
    assert_non_null(strstr(receiver->posts[0].body, "\"stage\":\"judging\""));
    wait_for_metric(served, "chengmai_notices{channel=\"webhook\",state=\"given_up\"} 0\n", 5);
    expect_run(served, "notices retry pigeon", 2, "webhook or smtp");
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    receiver_end(receiver);
}

static void a_kill_loses_no_notice(void **state)
{
    enum { KILLS = 3, LOOPS_A_KILL = 8 };
    struct served *served = *state;
    char token[80];
    long long loops[KILLS * LOOPS_A_KILL];
    size_t count = 0;
    struct receiver *receiver = receiver_begin(TAKES, NULL, 0);
    atomic_store(&receiver->delay_microseconds, 30000);
    begin_with(served, receiver, NULL, 0);
    token_of_user(served, "cdc_lead", token);
    for (int k = 0; k < KILLS; k++) {
        for (int i = 0; i < LOOPS_A_KILL; i++, count++)
            loops[count] = open_about(served, token, 5 + (int)count);
        usleep((useconds_t)(k * 60000));
        assert_int_equal(stop(served, SIGKILL, NULL), 128 + SIGKILL);
        serve(served);
    }
    wait_for_metric(served, "chengmai_notices{channel=\"webhook\",state=\"waiting\"} 0\n", 30);
    for (size_t i = 0; i < count; i++) {
        double until = seconds_now() + 20;
        while (!was_taken(receiver, loops[i]) && seconds_now() < until)
            usleep(50000);
        if (!was_taken(receiver, loops[i]))
            fail_msg("the notice of loop %lld was lost", loops[i]);
    }
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    receiver_end(receiver);
}

static void notices_go_out_of_the_sandbox_by_socket_and_by_network(void **state)
{
    struct served *served = *state;
    char token[80], path[300], url[100];
    snprintf(path, sizeof path, "%s/relay", served->directory);
    struct receiver *local = receiver_begin(TAKES, path, 0);
    struct receiver *network = receiver_begin(TAKES, NULL, 0);
    setenv("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1", 1); /* leaks are sought by a ptrace */
    write_policy(served, &(struct channels){.webhook = "true",
                                            .socket = path,
                                            .url = "http://receiver.example/told"});
    serve_with(served, "--listen 127.0.0.1:0 --still --sandbox");
    token_of_user(served, "cdc_lead", token);
    long long loop = open_about(served, token, 5);
    wait_for_posts(local, 1, 10);
    assert_true(was_taken(local, loop));
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    snprintf(url, sizeof url, "http://receiver.example:%d/told", network->port);
    write_policy(served, &(struct channels){.webhook = "true",
                                            .url = url,
                                            .address = "127.0.0.1"}); /* no name is looked up */
    serve_with(served, "--listen 127.0.0.1:0 --still --sandbox");
    loop = open_about(served, token, 6);
    wait_for_posts(network, 1, 10);
    assert_true(was_taken(network, loop));
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    receiver_end(local);
    receiver_end(network);
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    struct served *served = *state;
    char path[300], line[300];
    write_policy(served, &(struct channels){.webhook = "true", .url = "http://127.0.0.1:9/"});
    snprintf(path, sizeof path, "%s/webhook.key", served->directory);
    assert_int_equal(chmod(path, 0640), 0);
    snprintf(line, sizeof line, "serve --listen 127.0.0.1:0");
    expect_run(served, line, 3, "others may read the file");
    assert_int_equal(unlink(path), 0);
    expect_run(served, line, 3, "the file cannot be read");
}

/* ---- Mail */

struct mailbox {
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock; /* owns the rest */
    char text[32768];     /* all that was said to it */
    int messages;
    atomic_bool stopping;
};

static bool read_said(struct mailbox *mailbox, FILE *lines, char *line, size_t size)
{
    if (!fgets(line, (int)size, lines))
        return false;
    pthread_mutex_lock(&mailbox->lock);
    size_t length = strlen(mailbox->text);
    snprintf(mailbox->text + length, sizeof mailbox->text - length, "%s", line);
    pthread_mutex_unlock(&mailbox->lock);
    return true;
}

static void converse(struct mailbox *mailbox, int fd)
{
    char line[2000];
    FILE *lines = fdopen(fd, "r+");
    bool in_message = false;
    setvbuf(lines, NULL, _IONBF, 0);
    say_text(fd, "220 mail.example\r\n");
    while (read_said(mailbox, lines, line, sizeof line)) {
        if (in_message) {
            if (strcmp(line, ".\r\n") != 0)
                continue;
            in_message = false;
            pthread_mutex_lock(&mailbox->lock);
            mailbox->messages++;
            pthread_mutex_unlock(&mailbox->lock);
        }
        in_message = strncasecmp(line, "DATA", 4) == 0;
        bool quits = strncasecmp(line, "QUIT", 4) == 0;
        say_text(fd, in_message ? "354 go on\r\n" : quits ? "221 bye\r\n" : "250 well\r\n");
        if (quits)
            break;
    }
    fclose(lines);
}

static void *mailbox_main(void *argument)
{
    struct mailbox *mailbox = argument;
    while (!atomic_load(&mailbox->stopping)) {
        struct pollfd one = {.fd = mailbox->fd, .events = POLLIN};
        if (poll(&one, 1, 50) <= 0)
            continue;
        int fd = accept(mailbox->fd, NULL, NULL);
        if (fd >= 0)
            converse(mailbox, fd);
    }
    return NULL;
}

static bool mail_says(struct mailbox *mailbox, const char *text)
{
    pthread_mutex_lock(&mailbox->lock);
    bool says = strstr(mailbox->text, text) != NULL;
    pthread_mutex_unlock(&mailbox->lock);
    return says;
}

static void a_notice_is_mailed_to_whose_it_is(void **state)
{
    static const char *const owners[] = {"cdc_investigator", "cdc_investigator-320412",
                                         "cdc_investigator-320481"};
    struct served *served = *state;
    struct mailbox *mailbox = x_alloc(1, sizeof *mailbox);
    char token[80], line[200];
    mailbox->fd = listen_on(AF_INET, NULL, &mailbox->port);
    pthread_mutex_init(&mailbox->lock, NULL);
    assert_int_equal(pthread_create(&mailbox->thread, NULL, mailbox_main, mailbox), 0);
    write_policy(served, &(struct channels){.webhook = "false",
                                            .url = "http://127.0.0.1:9/",
                                            .smtp = "true",
                                            .smtp_port = mailbox->port});
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "user address %s box%zu@mail.example", owners[i], i);
        expect_run(served, line, 0, NULL);
    }
    expect_run(served, "user address cdc_lead lead@mail.example", 0, NULL); /* not meant */
    expect_run(served, "user address cdc_lead x<y@mail.example", 2, "not a plain address");
    expect_run(served, "user address nobody n@mail.example", 1, "no such user");
    struct ran rotated = run(served, "keys rotate identity"); /* addresses stay readable */
    assert_int_equal(rotated.code, 0);
    ran_release(&rotated);
    serve(served);
    token_of_user(served, "cdc_lead", token);
    (void)open_about(served, token, 5);
    wait_for_metric(served,
                    "chengmai_notice_tries_total{channel=\"smtp\",outcome=\"delivered\"} 1\n", 15);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    atomic_store(&mailbox->stopping, true);
    pthread_join(mailbox->thread, NULL);
    assert_int_equal(mailbox->messages, 1);
    assert_true(mail_says(mailbox, "MAIL FROM:<chengmai@city.example>"));
    assert_true(mail_says(mailbox, "RCPT TO:<box"));
    assert_false(mail_says(mailbox, "lead@mail.example"));
    assert_true(mail_says(mailbox, "\r\nSubject: =?UTF-8?B?"));
    assert_true(mail_says(mailbox, "\r\nAuto-Submitted: auto-generated\r\n"));
    const char *id = strstr(mailbox->text, "\r\nMessage-ID: <");
    assert_non_null(id);
    assert_int_equal(strspn(id + 15, "0123456789abcdef"), 32);
    assert_memory_equal(id + 15 + 32, "@city.example>\r\n", 16);
    close(mailbox->fd);
    free(mailbox);
}

/* ---- In the app */

static void a_user_hears_of_the_own_notices_and_of_no_others(void **state)
{
    static const char *const owners[] = {"cdc_investigator", "cdc_investigator-320412",
                                         "cdc_investigator-320481"};
    struct served *served = *state;
    char token[80], mine[80], other[80], request[300];
    quiet_desk(served);
    serve(served);
    token_of_user(served, "cdc_lead", token);
    token_of_user(served, "sampler", other);
    (void)open_about(served, token, 5);
    int found = 0;
    for (int i = 0; i < 3; i++) {
        bool has = false;
        token_of_user(served, owners[i], mine);
        for (int tries = 0; tries < 60 && !has && !found; tries++) {
            struct heard heard = get(served, "/api/v1/notices", mine);
            has = strstr(heard.body.data, "\"kind\":\"owner\"") != NULL;
            buffer_release(&heard.body);
            usleep(has ? 0 : 20000);
        }
        found += has;
        if (!has)
            continue;
        int fd = dial(served);
        snprintf(
            request, sizeof request,
            "GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
            mine);
        say_text(fd, request);
        char text[65536] = "";
        size_t length = 0;
        double until = seconds_now() + 10;
        while (!strstr(text, "event: notice") && length < sizeof text - 1 &&
               seconds_now() < until) {
            ssize_t got = recv(fd, text + length, sizeof text - 1 - length, 0);
            if (got <= 0)
                break;
            length += (size_t)got;
            text[length] = '\0';
        }
        close(fd);
        assert_non_null(strstr(text, "event: notice\ndata: {\"newest\":1,\"unread\":1}"));
    }
    assert_int_equal(found, 1);
    struct heard heard = get(served, "/api/v1/notices", other);
    assert_non_null(strstr(heard.body.data, "{\"items\":[],\"unread\":0,\"newest\":0"));
    buffer_release(&heard.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CITY_TEST(a_receiver_that_fails_twice_gets_the_same_signed_notice_again),
        CITY_TEST(a_receiver_that_hangs_holds_up_nobody),
        CITY_TEST(what_a_dead_receiver_did_not_take_is_given_up_said_and_tried_again),
        CITY_TEST(a_kill_loses_no_notice),
        CITY_TEST(notices_go_out_of_the_sandbox_by_socket_and_by_network),
        CITY_TEST(a_secret_that_others_may_read_is_refused),
        CITY_TEST(a_notice_is_mailed_to_whose_it_is),
        CITY_TEST(a_user_hears_of_the_own_notices_and_of_no_others),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
