/* Goal: the poster and the paper code come out of the real binary, by command and by route, out of
 * the sandbox too; each to whom it belongs, with the code that is good now and no more of a name
 * than a list shows; and a machine without Chinese fonts says so. */
#include "tests/server_process.h"

#include "tests/paper.h"

static void write_bytes(const struct served *served, const char *name, const struct buffer *bytes)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", served->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->length, file), bytes->length);
    assert_int_equal(fclose(file), 0);
}

static void expect_code(const struct served *served, const char *name, const char *text)
{
    char got[200];
    if (!paper_tools())
        return;
    paper_read_code(served->directory, name, 150, got, sizeof got);
    assert_string_equal(got, text);
}

/* The token of `venue token`. */
static void token_of_venue(struct served *served, const char *line, char out[80])
{
    struct ran ran = run(served, line);
    assert_int_equal(ran.code, 0);
    snprintf(out, 80, "%.*s", (int)strcspn(ran.out.data, " "), ran.out.data);
    ran_release(&ran);
}

static void a_poster_has_the_code_that_is_good_now(void **state)
{
    struct served *served = *state;
    char token[80], newer[80];
    token_of_venue(served, "venue token 3", token);
    expect_run(served, "venue poster 3 -o a.pdf", 0, NULL);
    expect_run(served, "venue poster 3 -o b.pdf", 0, NULL);
    expect_code(served, "a", token);
    char command[300];
    snprintf(command, sizeof command, "cmp -s %s/a.pdf %s/b.pdf", served->directory,
             served->directory);
    assert_int_equal(system(command), 0);
    token_of_venue(served, "venue revoke 3", newer);
    assert_string_not_equal(token, newer);
    expect_run(served, "venue poster 3 -o c.pdf", 0, NULL);
    expect_code(served, "c", newer);
    struct ran ran = run(served, "venue poster 3"); /* on standard output */
    assert_int_equal(ran.code, 0);
    assert_memory_equal(ran.out.data, "%PDF-", 5);
    ran_release(&ran);
    expect_run(served, "venue poster 999999 -o d.pdf", 1, "no such venue");
    expect_run(served, "venue poster 3 -o nowhere/d.pdf", 2, "cannot be opened");
    expect_run(served, "venue poster", 2, "venue poster");
}

/* Fontconfig is told of a folder of fonts without Chinese, and of none at all. */
static void a_machine_without_chinese_fonts_says_so(void **state)
{
    struct served *served = *state;
    static const char *const folders[] = {"/usr/share/fonts/truetype/dejavu", "/nowhere"};
    for (size_t i = 0; i < 2; i++) {
        char text[300], path[300];
        snprintf(text, sizeof text,
                 "<?xml version=\"1.0\"?><fontconfig><dir>%s</dir><cachedir>%s/fonts</cachedir>"
                 "</fontconfig>\n",
                 folders[i], served->directory);
        snprintf(path, sizeof path, "%s/fonts.conf", served->directory);
        write_text(served->directory, "fonts.conf", text);
        setenv("FONTCONFIG_FILE", path, 1);
        struct ran ran = run(served, "venue poster 3 -o a.pdf");
        unsetenv("FONTCONFIG_FILE");
        if (ran.code != 3 || !strstr(ran.words.data, "fonts-noto-cjk"))
            fail_msg("%s: exit %d, %s", folders[i], ran.code, ran.words.data);
        ran_release(&ran);
    }
}

static struct heard get(const struct served *served, const char *path, const char *headers)
{
    char request[700];
    int fd = dial(served);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers);
    say_text(fd, request);
    struct heard heard = hear(fd);
    close(fd);
    return heard;
}

static void expect_page(const struct served *served, const char *path, const char *headers,
                        const char *name)
{
    char file[40];
    struct heard heard = get(served, path, headers);
    if (heard.status != 200)
        fail_msg("%s: %d %s", path, heard.status, heard.body.data);
    assert_non_null(strcasestr(heard.head, "\r\nContent-Type: application/pdf\r\n"));
    assert_memory_equal(heard.body.data, "%PDF-", 5);
    snprintf(file, sizeof file, "%s.pdf", name);
    write_bytes(served, file, &heard.body);
    buffer_release(&heard.body);
}

static void holder_header(const struct served *served, int person, char out[300])
{
    char request[400], body[80];
    int fd = dial(served);
    snprintf(body, sizeof body, "{\"provider\":\"stub\",\"person_no\":%d}", person);
    snprintf(request, sizeof request,
             "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nIdempotency-Key: p%d\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             person, strlen(body), body);
    say_text(fd, request);
    struct heard heard = hear(fd);
    close(fd);
    assert_int_equal(heard.status, 200);
    const char *at = strcasestr(heard.head, "\r\nSet-Cookie: ");
    assert_non_null(at);
    snprintf(out, 300, "Cookie: %.*s\r\n", (int)strcspn(at + 14, ";\r"), at + 14);
    buffer_release(&heard.body);
}

/* The name on the card. */
static void name_shown(const struct served *served, char out[100])
{
    char command[500];
    snprintf(command, sizeof command, "pdftotext %s/own.pdf - | grep -A2 '姓名' | tail -1",
             served->directory);
    paper_ask(command, out, 100);
}

static void a_sandboxed_server_prints(void **state)
{
    struct served *served = *state;
    char token[80], user[80], headers[300], shown[100];
    setenv("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1", 1); /* leaks are sought by a ptrace */
    serve_with(served, "--listen 127.0.0.1:0 --still --sandbox");
    token_of_venue(served, "venue token 3", token);
    token_of_user(served, "administrator", user);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", user);
    for (int i = 0; i < 3; i++) {
        expect_page(served, "/api/v1/venues/3/poster", headers, "route");
        expect_code(served, "route", token);
    }
    expect_run(served, "venue poster 3 -o door.pdf", 0, NULL); /* through the server */
    expect_code(served, "door", token);
    holder_header(served, 7, headers);
    expect_page(served, "/api/v1/me/code?form=pdf", headers, "own");
    if (paper_tools()) {
        char got[200];
        paper_read_code(served->directory, "own", 150, got, sizeof got);
        assert_memory_equal(got, "p1.", 3);
        name_shown(served, shown);
        if (!strchr(shown, '*'))
            fail_msg("the name is shown as '%s'", shown);
    }
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
}

static void a_poster_is_for_those_of_its_area(void **state)
{
    struct served *served = *state;
    static const char *const users[] = {"venue_manager", "venue_manager-320412",
                                        "venue_manager-320481", "cdc_lead"};
    int statuses[4];
    for (size_t i = 0; i < 4; i++) {
        char user[80], headers[200];
        token_of_user(served, users[i], user);
        snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", user);
        struct heard heard = get(served, "/api/v1/venues/3/poster", headers);
        statuses[i] = heard.status;
        buffer_release(&heard.body);
    }
    assert_int_equal(statuses[0], 200);
    assert_true(statuses[1] == 404 || statuses[2] == 404); /* it lies in one district at most */
    assert_int_equal(statuses[3], 403);
    struct heard heard = get(served, "/api/v1/venues/3/poster", "");
    assert_int_equal(heard.status, 401);
    buffer_release(&heard.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CITY_TEST(a_poster_has_the_code_that_is_good_now),
        CITY_TEST(a_machine_without_chinese_fonts_says_so),
        CITY_TEST(a_sandboxed_server_prints),
        SERVED_TEST(a_poster_is_for_those_of_its_area),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
