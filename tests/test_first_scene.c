/* Goal: docs/first-scene.md takes an officer from an empty file to a loop closed. Every block of
 * the page is done as it stands: files are written, commands run, requests sent, answers
 * compared. */
#include "tests/server_process.h"

struct walk {
    struct served *served;
    long long loop; /* "LOOP" in a path: the one opened last */
    int files, commands, requests;
};

/* "```yaml data/scenes/NAME.yaml" */
static void write_file(struct walk *walk, const char *name, struct slice text)
{
    char path[400], text_copy_[16384];
    snprintf(text_copy_, sizeof text_copy_, "%.*s", SLICE_ARG(text));
    snprintf(path, sizeof path, "mkdir -p %s/data/scenes", walk->served->directory);
    assert_int_equal(system(path), 0);
    write_text(walk->served->directory, name, text_copy_);
    walk->files++;
}

/* "```sh": each line a command, `--data data` given or not. */
static void run_line(struct walk *walk, struct slice line)
{
    char text[400];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(line));
    if (strncmp(text, "chengmai ", 9) != 0)
        fail_msg("no command: %s", text);
    char *rest = text + 9;
    if (strncmp(rest, "--data data ", 12) == 0)
        rest += 12;
    struct ran ran = run(walk->served, rest);
    if (ran.code != 0)
        fail_msg("%s: exit %d, %s%s", text, ran.code, ran.out.data ? ran.out.data : "",
                 ran.words.data ? ran.words.data : "");
    ran_release(&ran);
    walk->commands++;
}

/* A path with the number of the loop in the place of "LOOP". */
static void fill_path(const struct walk *walk, const char *given, char out[200])
{
    const char *at = strstr(given, "LOOP");
    if (at)
        snprintf(out, 200, "%.*s%lld%s", (int)(at - given), given, walk->loop, at + 4);
    else
        snprintf(out, 200, "%s", given);
}

/* "```http": METHOD PATH as USER, the body, the status. */
static void send_block(struct walk *walk, struct slice block)
{
    char text[2000], method[8], given[150], user[60], path[200], token[80], request[3000], *body;
    int status;
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(block));
    if (sscanf(text, "%7s %149s as %59s", method, given, user) != 3)
        fail_msg("no request: %s", text);
    body = strchr(text, '\n') + 1;
    char *last = strrchr(text, '\n');
    assert_true(last >= body);
    status = atoi(last + 1);
    *last = '\0';
    fill_path(walk, given, path);
    token_of_user(walk->served, user, token);
    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             method, path, token, strlen(body), body);
    int fd = dial(walk->served);
    assert_true(say_text(fd, request));
    struct heard heard = hear(fd);
    close(fd);
    if (heard.status != status)
        fail_msg("%s: %d, expected %d\n%s", text, heard.status, status, heard.body.data);
    json_t *answer = json_loadb(heard.body.data, heard.body.length, 0, NULL);
    if (status == 201)
        walk->loop = json_integer_value(json_object_get(answer, "id"));
    json_decref(answer);
    buffer_release(&heard.body);
    walk->requests++;
}

static void do_block(struct walk *walk, const char *kind, struct slice block)
{
    if (strncmp(kind, "yaml ", 5) == 0)
        write_file(walk, kind + 5, block);
    else if (strcmp(kind, "http") == 0)
        send_block(walk, block);
    else if (strcmp(kind, "sh") == 0)
        for (const char *at = block.data, *end = block.data + block.length; at < end;) {
            const char *stop = memchr(at, '\n', (size_t)(end - at));
            stop = stop ? stop : end;
            run_line(walk, (struct slice){at, (size_t)(stop - at)});
            at = stop + 1;
        }
    else
        fail_msg("a block of kind '%s'", kind);
}

static void the_page_is_done_as_it_stands(void **state)
{
    struct walk walk = {.served = *state};
    struct buffer page;
    struct error err;
    buffer_init(&page, 1 << 20);
    if (!file_read_whole(AT_FDCWD, CHENGMAI_SOURCE_ROOT "/docs/first-scene.md", &page, &err))
        fail_msg("%s", err.what);
    for (char *at = page.data; (at = strstr(at, "\n```"));) {
        char kind[200];
        at += 4;
        size_t length = strcspn(at, "\n");
        snprintf(kind, sizeof kind, "%.*s", (int)length, at);
        char *block = at + length + 1, *end = strstr(block, "\n```");
        assert_non_null(end);
        do_block(&walk, kind, (struct slice){block, (size_t)(end - block)});
        at = end + 4;
    }
    buffer_release(&page);
    assert_int_equal(walk.files, 2);
    assert_int_equal(walk.commands, 4);
    assert_int_equal(walk.requests, 9);
}

/* A version under which loops live is not changed, not taken back and not removed. */
static void a_version_that_lives_is_not_changed(void **state)
{
    struct served *served = *state;
    struct walk walk = {.served = served};
    static const char scene[] =
        "scene: lamp\nversion: %d\ntitle: {zh: 灯, en: Lamp}\nsubject: venue\nopened_by: [manual]\n"
        "fields:\n  - {name: floor, type: int}\nstages:\n  - name: dark\n    owner: {role: %s, "
        "area: subject}\n    within: 1h\n    next:\n      - {to: bright, by: [owner]}\n"
        "  - {name: bright, final: done}\nescalate: [{after: 0m, to: command}]\n";
    char text[1000];
    struct slice kept = {text, 0};
    kept.length = (size_t)snprintf(text, sizeof text, scene, 2, "town_duty");
    write_file(&walk, "data/scenes/lamp.yaml", kept);
    run_line(&walk, SLICE("chengmai scene load"));
    send_block(&walk, SLICE("POST /api/v1/loops as command_duty\n"
                            "{\"scene\": \"lamp\", \"subject\": 1}\n201"));
    kept.length = (size_t)snprintf(text, sizeof text, scene, 2, "inspector");
    write_file(&walk, "data/scenes/lamp.yaml", kept);
    expect_run(served, "scene load", 4, "another text");
    kept.length = (size_t)snprintf(text, sizeof text, scene, 1, "town_duty");
    write_file(&walk, "data/scenes/lamp.yaml", kept);
    expect_run(served, "scene load", 4, "older");
    kept.length = (size_t)snprintf(text, sizeof text, "scene: lamp\nversion: 3\n");
    write_file(&walk, "data/scenes/lamp.yaml", kept);
    expect_run(served, "scene load", 4, "lamp");
    char command[300];
    snprintf(command, sizeof command, "rm %s/data/scenes/lamp.yaml", served->directory);
    assert_int_equal(system(command), 0);
    expect_run(served, "scene load", 4, "live under this scene");
    /* closed by the command centre, it may go; and opens nothing more */
    send_block(&walk, SLICE("POST /api/v1/loops/LOOP/take as command\n"
                            "{\"note\": \"no lamps any more\", \"close\": true}\n200"));
    run_line(&walk, SLICE("chengmai scene load"));
    send_block(&walk, SLICE("POST /api/v1/loops as command_duty\n"
                            "{\"scene\": \"lamp\", \"subject\": 1}\n400"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(the_page_is_done_as_it_stands),
        SERVED_TEST(a_version_that_lives_is_not_changed),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
