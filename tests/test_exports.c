/* Goal: a long answer over the wire, with the real binary: whole or visibly cut; clients that stop,
 * leave or are killed by the server's end hold nothing that others need. */
#include <pthread.h>
#include <stdatomic.h>

#include "attacks/attack.h"

enum { PEOPLE = 20000, LONG_ANSWERS_MAX = 8, AT_ONCE_BYTES = 4096 };

/* ---- A city with a district whose list is long */

static int build(void **state)
{
    struct served served = {.directory = ""};
    struct buffer text;
    int code = city_build(state);
    snprintf(served.directory, sizeof served.directory, "%s", city_template);
    buffer_init(&text, 4 << 20);
    buffer_append_text(&text, "person_id,area,birth_year,sex,name\n");
    for (int i = 0; i < PEOPLE; i++)
        buffer_print(&text, "many%d,320412,%d,f,\"Visited, Person %d\"\n", i, 1930 + i % 80, i);
    write_text(served.directory, "persons.csv", text.data);
    buffer_release(&text);
    struct ran ran = run(&served, "import persons persons.csv");
    if (ran.code || !strstr(ran.out.data, "\"rejected\":0"))
        fail_msg("%s%s", ran.out.data, ran.words.data);
    ran_release(&ran);
    return code;
}

/* A server that allows a chunk two seconds instead of 300, and keeps no freed memory. */
static int serve_impatiently(void **state)
{
    const char *options = getenv("ASAN_OPTIONS");
    char kept[200], small[300];
    snprintf(kept, sizeof kept, "%s", options ? options : "");
    snprintf(small, sizeof small, "%s:quarantine_size_mb=1:thread_local_quarantine_size_kb=64",
             kept);
    setenv("CHENGMAI_TRANSFER_SECONDS", "2", 1);
    setenv("ASAN_OPTIONS", small, 1);
    int code = city_copy_and_serve(state);
    unsetenv("CHENGMAI_TRANSFER_SECONDS");
    setenv("ASAN_OPTIONS", kept, 1);
    return code;
}

struct approved {
    char path[80], lead[80];
};
static struct approved approve_export(struct served *served)
{
    struct approved export = {.path = ""};
    char approver[80];
    token_of_user(served, "cdc_lead-320412", export.lead);
    token_of_user(served, "approver", approver);
    struct reply asked = send_to(served, "POST", "/exports", export.lead, "duty:export",
                                 "{\"kind\":\"persons\",\"words\":\"the visits of the week\"}");
    assert_int_equal(asked.status, 201);
    long long no = json_integer_value(json_object_get(asked.json, "no"));
    reply_release(&asked);
    snprintf(export.path, sizeof export.path, "/exports/%lld/approve", no);
    struct reply approved = send_to(served, "POST", export.path, approver, NULL, "{}");
    assert_int_equal(approved.status, 200);
    reply_release(&approved);
    snprintf(export.path, sizeof export.path, "/exports/%lld/file", no);
    return export;
}

static void ask_file(int fd, const struct approved *export, const char *method, const char *version)
{
    char request[400];
    snprintf(request, sizeof request,
             "%s /api/v1%s HTTP/%s\r\nHost: x\r\nX-Purpose: duty:export\r\n"
             "Authorization: Bearer %s\r\n\r\n",
             method, export->path, version, export->lead);
    assert_true(say_text(fd, request));
}

/* ---- Reading */

/* Status line and headers, byte by byte; the status, 0 where the connection ended first. */
static int hear_head(int fd, char head[AT_ONCE_BYTES])
{
    int status = 0;
    size_t length = 0;
    memset(head, 0, AT_ONCE_BYTES);
    while (length + 1 < AT_ONCE_BYTES && !strstr(head, "\r\n\r\n")) {
        if (recv(fd, head + length, 1, 0) != 1)
            return 0;
        length++;
    }
    sscanf(head, "HTTP/1.%*d %d", &status);
    return status;
}

static bool hear_exactly(int fd, char *out, size_t length)
{
    while (length) {
        ssize_t got = recv(fd, out, length, 0);
        if (got <= 0)
            return false;
        out += got;
        length -= (size_t)got;
    }
    return true;
}

/* A body in the chunked transfer encoding; true where its last chunk came. */
static bool hear_chunked(int fd, struct buffer *body)
{
    for (;;) {
        char size[20] = "", chunk[1 << 16];
        for (size_t at = 0; at + 1 < sizeof size && !strstr(size, "\r\n"); at++)
            if (!hear_exactly(fd, size + at, 1))
                return false;
        size_t left = strtoul(size, NULL, 16);
        assert_true(left < sizeof chunk - 2);
        if (!hear_exactly(fd, chunk, left + 2))
            return false;
        if (!left)
            return true;
        buffer_append(body, chunk, left);
    }
}

/* Complete lines without the header. */
static long count_lines(const struct buffer *body)
{
    long lines = -1;
    for (const char *at = body->data; at && (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

/* The whole file; its rows. */
static long fetch_whole(struct served *served, const struct approved *export)
{
    char head[AT_ONCE_BYTES];
    struct buffer body;
    int fd = dial(served);
    buffer_init(&body, 64 << 20);
    ask_file(fd, export, "GET", "1.1");
    assert_int_equal(hear_head(fd, head), 200);
    assert_true(hear_chunked(fd, &body));
    close(fd);
    long lines = count_lines(&body);
    buffer_release(&body);
    return lines;
}

static long number_of_metric(const struct served *served, const char *name)
{
    long number = -1;
    int fd = dial(served);
    say_text(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    struct heard heard = hear(fd);
    close(fd);
    const char *at = heard.body.data ? strstr(heard.body.data, name) : NULL;
    while (at && at > heard.body.data && at[-1] != '\n')
        at = strstr(at + 1, name);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(name), " %ld", &number), 1);
    buffer_release(&heard.body);
    return number;
}

static bool comes_to_nothing(const struct served *served, double seconds)
{
    double until = seconds_now() + seconds;
    while (number_of_metric(served, "chengmai_long_answers") > 0)
        if (seconds_now() > until)
            return false;
        else
            usleep(50000);
    return true;
}

static long people_of_district(const struct served *served)
{
    long long first = with_the_file(served, "SELECT area_no FROM area WHERE code = '320412'");
    char text[160];
    int64_t last = first, mask = 4095;
    for (; !(first & mask); mask = mask << 12 | 4095)
        last = first | mask;
    snprintf(text, sizeof text, "SELECT count(*) FROM person WHERE area_no BETWEEN %lld AND %lld",
             first, (long long)last);
    return (long)with_the_file(served, text);
}

/* ---- Whole */

static int by_number(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void a_long_file_arrives_whole_and_its_connection_is_kept(void **state)
{
    struct served *served = *state;
    struct approved export = approve_export(served);
    char head[AT_ONCE_BYTES];
    struct buffer body;
    int fd = dial(served);
    buffer_init(&body, 64 << 20);
    ask_file(fd, &export, "GET", "1.1");
    assert_int_equal(hear_head(fd, head), 200);
    assert_non_null(strcasestr(head, "\r\nTransfer-Encoding: chunked"));
    assert_non_null(strcasestr(head, "\r\nContent-Type: text/csv"));
    assert_non_null(strcasestr(head, "\r\nCache-Control: no-store"));
    assert_non_null(strcasestr(head, "\r\nX-Accel-Buffering: no"));
    assert_null(strcasestr(head, "\r\nX-Next"));
    assert_true(hear_chunked(fd, &body));
    long people = people_of_district(served), lines = count_lines(&body);
    assert_true(people > PEOPLE);
    assert_int_equal(lines, people);
    int *numbers = x_alloc((size_t)lines, sizeof *numbers);
    const char *at = body.data;
    for (long i = 0; i < lines; i++) {
        at = strchr(at, '\n') + 1;
        numbers[i] = atoi(at);
    }
    qsort(numbers, (size_t)lines, sizeof *numbers, by_number);
    for (long i = 1; i < lines; i++)
        assert_true(numbers[i - 1] < numbers[i]);
    free(numbers);
    buffer_release(&body);
    say_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(hear_status(fd), 200);
    close(fd);
    assert_int_equal(with_the_file(served, "SELECT sum(row_count) FROM audit WHERE act ="
                                           " 'export.file'"),
                     people);
    assert_int_equal(number_of_metric(served, "chengmai_long_answers"), 0);
}

static void head_has_no_body_and_http_1_0_gets_no_long_one(void **state)
{
    struct served *served = *state;
    struct approved export = approve_export(served);
    char head[AT_ONCE_BYTES];
    int fd = dial(served);
    ask_file(fd, &export, "HEAD", "1.1");
    assert_int_equal(hear_head(fd, head), 200);
    assert_non_null(strcasestr(head, "\r\nConnection: close"));
    assert_int_equal(recv(fd, head, 1, 0), 0); /* nothing follows it */
    close(fd);
    fd = dial(served);
    ask_file(fd, &export, "GET", "1.0"); /* it could not tell a cut file from a whole one */
    assert_int_equal(hear_status(fd), 400);
    close(fd);
    assert_true(comes_to_nothing(served, 5));
}

/* ---- Cut */

static void a_damaged_row_ends_the_connection_without_the_last_chunk(void **state)
{
    struct served *served = *state;
    struct approved export = approve_export(served);
    char head[AT_ONCE_BYTES];
    struct buffer body;
    with_the_file(served, "UPDATE person SET identity = x'00' WHERE person_no ="
                          " (SELECT max(person_no) FROM person) - 100");
    buffer_init(&body, 64 << 20);
    int fd = dial(served);
    ask_file(fd, &export, "GET", "1.1");
    assert_int_equal(hear_head(fd, head), 200);
    assert_false(hear_chunked(fd, &body));
    assert_true(count_lines(&body) >= PEOPLE - 2000);
    close(fd);
    buffer_release(&body);
    assert_int_equal(number_of_metric(served, "chengmai_long_answers"), 0);
    char command[300];
    snprintf(command, sizeof command,
             "grep -c 'exports/{no}/file was cut off: .* does not verify' %s/words >/dev/null",
             served->directory);
    assert_int_equal(system(command), 0);
}

/* ---- Clients that stop and clients that leave */

/* Asks for the file with hardly any room for it on the way, and reads its head only. */
static int open_file(const struct served *served, const struct approved *export)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)served->port)};
    struct timeval patience = {.tv_sec = 20};
    int segment = 536, room = 4096;
    char head[AT_ONCE_BYTES];
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ask_file(fd, export, "GET", "1.1");
    assert_int_equal(hear_head(fd, head), 200);
    return fd;
}

static long resident_kilobytes(const struct served *served)
{
    char path[60], line[200];
    long kilobytes = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)served->pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (kilobytes < 0 && fgets(line, sizeof line, file))
        sscanf(line, "VmRSS: %ld", &kilobytes);
    fclose(file);
    return kilobytes;
}

static void readers_that_stop_hold_no_worker_and_are_closed(void **state)
{
    struct served *served = *state;
    struct approved export = approve_export(served);
    long people = people_of_district(served);
    int slow[LONG_ANSWERS_MAX];
    assert_int_equal(fetch_whole(served, &export), people); /* what one costs is there already */
    long before = resident_kilobytes(served);
    double begun = seconds_now();
    for (int i = 0; i < LONG_ANSWERS_MAX; i++)
        slow[i] = open_file(served, &export);
    assert_int_equal(number_of_metric(served, "chengmai_long_answers"), LONG_ANSWERS_MAX);
    int fd = dial(served);
    ask_file(fd, &export, "GET", "1.1");
    struct heard refused = hear(fd);
    assert_int_equal(refused.status, 503);
    assert_non_null(strcasestr(refused.head, "\r\nRetry-After: "));
    buffer_release(&refused.body);
    close(fd);
    for (int i = 0; i < 50; i++) { /* by the workers that the eight do not hold */
        struct reply page =
            send_to(served, "GET", "/persons?limit=10", export.lead, "duty:export", NULL);
        assert_int_equal(page.status, 200);
        reply_release(&page);
    }
    long grown = resident_kilobytes(served) - before;
    if (grown > 16 << 10)
        fail_msg("eight readers that stopped cost %ld kB", grown);
    assert_true(comes_to_nothing(served, 10));
    assert_true(seconds_now() - begun > 1.5); /* by the clock, not by the reading */
    for (int i = 0; i < LONG_ANSWERS_MAX; i++) {
        struct buffer rest;
        buffer_init(&rest, 64 << 20);
        assert_false(hear_chunked(slow[i], &rest));
        buffer_release(&rest);
        close(slow[i]);
    }
    assert_int_equal(fetch_whole(served, &export), people);
}

/* Slow, but it takes a chunk within its time: longer in all than one may take. */
static void a_slow_reader_that_goes_on_gets_the_whole_file(void **state)
{
    struct served *served = *state;
    struct approved export = approve_export(served);
    int fd = open_file(served, &export);
    double begun = seconds_now();
    struct buffer body;
    long people = people_of_district(served);
    bool whole = false;
    buffer_init(&body, 64 << 20);
    for (;;) {
        char chunk[8192];
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        assert_true(got > 0);
        buffer_append(&body, chunk, (size_t)got);
        whole = body.length > 5 && memcmp(body.data + body.length - 5, "0\r\n\r\n", 5) == 0;
        if (whole)
            break;
        usleep(30000);
    }
    assert_true(seconds_now() - begun > 4); /* twice what a chunk may take */
    assert_true(count_lines(&body) > people);
    buffer_release(&body);
    close(fd);
}

static void clients_that_leave_in_the_middle_free_their_places(void **state)
{
    struct served *served = *state;
    struct approved export = approve_export(served);
    for (int round = 0; round < 3; round++) {
        int fds[LONG_ANSWERS_MAX];
        for (int i = 0; i < LONG_ANSWERS_MAX; i++)
            fds[i] = open_file(served, &export);
        for (int i = 0; i < LONG_ANSWERS_MAX; i++) {
            struct linger now = {1, 0};
            if (i % 2)
                setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
            close(fds[i]);
        }
        assert_true(comes_to_nothing(served, 10));
    }
    assert_int_equal(fetch_whole(served, &export), people_of_district(served));
}

/* ---- The server's end */

struct reader {
    struct served *served;
    const struct approved *export;
    atomic_int *begun;
    struct buffer body;
    bool whole;
};
static void *reader_main(void *argument)
{
    struct reader *reader = argument;
    int fd = open_file(reader->served, reader->export);
    atomic_fetch_add(reader->begun, 1);
    reader->whole = hear_chunked(fd, &reader->body);
    close(fd);
    return NULL;
}

static void end_in_the_middle(struct served *served, int signal_no, int code)
{
    struct approved export = approve_export(served);
    struct reader readers[LONG_ANSWERS_MAX];
    pthread_t threads[LONG_ANSWERS_MAX];
    atomic_int begun = 0;
    double seconds;
    long rows = 0, cut = 0, people = people_of_district(served);
    for (int i = 0; i < LONG_ANSWERS_MAX; i++) {
        readers[i] = (struct reader){.served = served, .export = &export, .begun = &begun};
        buffer_init(&readers[i].body, 64 << 20);
        assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &readers[i]), 0);
    }
    while (atomic_load(&begun) < LONG_ANSWERS_MAX)
        usleep(1000);
    assert_int_equal(stop(served, signal_no, &seconds), code);
    assert_true(seconds < 10);
    for (int i = 0; i < LONG_ANSWERS_MAX; i++) {
        pthread_join(threads[i], NULL);
        long lines = count_lines(&readers[i].body);
        assert_true(readers[i].whole ? lines == people : lines < people);
        rows += lines > 0 ? lines : 0;
        cut += !readers[i].whole;
        buffer_release(&readers[i].body);
    }
    serve(served);
    /* whoever is in a file, in part or not, is on record */
    assert_true(rows > 0 && cut > 0);
    assert_true(with_the_file(served, "SELECT sum(row_count) FROM audit WHERE act ="
                                      " 'export.file'") >= rows);
    assert_int_equal(fetch_whole(served, &export), people);
}

static void a_server_that_stops_cuts_what_is_on_its_way(void **state)
{
    end_in_the_middle(*state, SIGTERM, 0);
}

static void a_server_that_is_killed_has_on_record_what_it_gave(void **state)
{
    end_in_the_middle(*state, SIGKILL, 128 + SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(a_long_file_arrives_whole_and_its_connection_is_kept),
        SERVED_TEST(head_has_no_body_and_http_1_0_gets_no_long_one),
        SERVED_TEST(a_damaged_row_ends_the_connection_without_the_last_chunk),
        cmocka_unit_test_setup_teardown(readers_that_stop_hold_no_worker_and_are_closed,
                                        serve_impatiently, city_end),
        cmocka_unit_test_setup_teardown(a_slow_reader_that_goes_on_gets_the_whole_file,
                                        serve_impatiently, city_end),
        SERVED_TEST(clients_that_leave_in_the_middle_free_their_places),
        SERVED_TEST(a_server_that_stops_cuts_what_is_on_its_way),
        SERVED_TEST(a_server_that_is_killed_has_on_record_what_it_gave),
    };
    return cmocka_run_group_tests(tests, build, city_destroy);
}
