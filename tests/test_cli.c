/* The command line as contracts.md promises it: exit codes, words, the first line of `serve`,
 * commands through the running server, and stopping. */
#include <sys/ioctl.h>

#include "server_process.h"

/* ---- Exit codes and words */

static void each_kind_of_end_has_its_exit_code(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *line;
        int code;
        const char *words; /* NULL: nothing is said */
    } rows[] = {
        {"version", 0, NULL},
        {"help", 0, NULL},
        {"doctor", 0, NULL},
        {"audit verify", 0, NULL},
        {"user list", 0, NULL},
        {"venue token 1", 0, NULL},
        {"nonsense", 2, "error: unknown command, field nonsense, expected a command of"},
        {"user nonsense", 2, "error: unknown command"},
        {"doctor --shallow", 2, "error: unknown argument, field --shallow, expected [--deep]"},
        {"user list --all", 2, "error: unknown option, field --all"},
        {"user token", 2, "error: an argument is missing"},
        {"user token a b", 2, "error: too many arguments"},
        {"version x", 2, "error: too many arguments"},
        {"audit verify --from yesterday", 2, "error: 'yesterday' is not a time, field --from"},
        {"audit verify --from", 2, "error: the value is missing, field --from"},
        {"audit verify --from=x --from=y", 2, "error: given twice, field --from"},
        {"serve --listen", 2, "error: the value is missing, field --listen"},
        {"serve --listen nowhere", 2, "error: 'nowhere' is not HOST:PORT"},
        {"serve --listen 127.0.0.1:65536", 2, "is not HOST:PORT"},
        {"serve --listen 127.x:0", 2, "is not an address"},
        {"serve --quiet", 2, "error: unknown argument, field --quiet"},
        {"init", 4, "error: the directory is not empty"},
        {"init --people 1", 2, "error: wrong arguments"},
        {"user token nobody", 1, "error: no such user, field name"},
        {"venue token 99999999", 1, "error: no such venue"},
        {"import persons nothing.csv", 2, "error: the file cannot be opened"},
        {"import nonsense nothing.csv", 2, "error: "},
        {"export nonsense", 2, "error: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_run(served, rows[i].line, rows[i].code, rows[i].words);
}

static void what_is_wrong_before_the_command_is_said(void **state)
{
    struct served *served = *state;
    static const struct {
        char *argv[5];
        int code;
        const char *words;
    } rows[] = {{{NULL}, 2, "chengmai [--data DIR]"},
                {{(char *)(uintptr_t)"--nonsense", (char *)(uintptr_t)"help"}, 2,
                 "error: unknown option, field --nonsense"},
                {{(char *)(uintptr_t)"--data"}, 2, "error: "},
                {{(char *)(uintptr_t)"--data=elsewhere", (char *)(uintptr_t)"doctor"}, 1,
                 "a data directory made by `chengmai init`"},
                {{(char *)(uintptr_t)"--data", (char *)(uintptr_t)"/etc",
                  (char *)(uintptr_t)"doctor"}, 1, "error: not a data directory, /etc"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *argv[8] = {(char *)(uintptr_t)binary()};
        int out[2], err[2], status, none = open("/dev/null", O_RDONLY);
        struct ran ran = {0};
        for (size_t k = 0; k < 5; k++)
            argv[1 + k] = rows[i].argv[k];
        buffer_init(&ran.out, 1 << 20);
        buffer_init(&ran.words, 1 << 20);
        assert_true(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
        pid_t pid = spawn(served->directory, argv, none, out[1], err[1]);
        close(none);
        close(out[1]);
        close(err[1]);
        read_both(out[0], err[0], &ran);
        waitpid(pid, &status, 0);
        if (exit_code(status) != rows[i].code || !strstr(ran.words.data, rows[i].words))
            fail_msg("row %zu: exit %d, %s", i, exit_code(status), ran.words.data);
        ran_release(&ran);
    }
}

static void rejected_rows_end_with_one_and_are_counted(void **state)
{
    struct served *served = *state;
    write_text(served->directory, "cases.csv",
               "case_id,person_id,kind,at,recorded_at\n"
               "c1,p00000007,case,2022-04-13T08:00:00+08:00,2022-04-13T09:00:00+08:00\n"
               "c2,nobody,case,2022-04-13T08:00:00+08:00,2022-04-13T09:00:00+08:00\n");
    struct ran ran = run(served, "import cases cases.csv");
    assert_int_equal(ran.code, 1);
    assert_non_null(strstr(ran.out.data, "\"rows\":2"));
    assert_non_null(strstr(ran.out.data, "\"rejected\":1"));
    ran_release(&ran);
}

/* ---- Users */

static void users_are_made_with_a_password_on_standard_input(void **state)
{
    struct served *served = *state;
    static const char line[] = "user add li --role press --area 320400";
    struct ran ran = run_with(served, "a-long-password\n", line);
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
    ran = run_with(served, "a-long-password\n", line);
    assert_int_equal(ran.code, 4); /* there is one already */
    ran_release(&ran);
    ran = run_with(served, "short\n", "user add wu --role press --area 320400");
    assert_int_equal(ran.code, 2);
    ran_release(&ran);
    ran = run_with(served, "a-long-password\n", "user add wu --role king --area 320400");
    assert_int_equal(ran.code, 2);
    ran_release(&ran);
    ran = run_with(served, "a-long-password\n", "user add wu --role press --area 1");
    assert_int_equal(ran.code, 2);
    ran_release(&ran);
}

static void user_list_is_json_where_asked_and_has_a_user_for_every_role(void **state)
{
    struct served *served = *state;
    struct ran plain = run(served, "user list");
    size_t lines = 0, i;
    for (const char *c = plain.out.data; *c; c++)
        lines += *c == '\n';
    /* --json stands before the command */
    char command[600];
    snprintf(command, sizeof command, "cd %s && %s --json --data data user list > users.json",
             served->directory, binary());
    assert_int_equal(system(command), 0);
    char path[300];
    snprintf(path, sizeof path, "%s/users.json", served->directory);
    json_t *users = json_load_file(path, 0, NULL), *user;
    assert_int_equal(json_array_size(users), lines);
    assert_int_equal(lines, 26 * 3); /* every role in the city and in two districts */
    json_array_foreach(users, i, user)
    {
        assert_true(json_string_length(json_object_get(user, "name")) > 0);
        assert_int_equal(json_array_size(json_object_get(user, "roles")), 1);
        assert_int_equal(json_string_length(json_object_get(user, "area")), 6);
    }
    json_decref(users);
    ran_release(&plain);
}

static void each_token_is_a_further_one_alone_on_its_line(void **state)
{
    struct served *served = *state;
    struct ran first = run(served, "user token press"), second = run(served, "user token press");
    assert_int_equal(strcspn(first.out.data, "\n"), first.out.length - 1);
    assert_memory_equal(first.out.data, "u1.", 3);
    assert_string_not_equal(first.out.data, second.out.data);
    ran_release(&first);
    ran_release(&second);
}

/* ---- Serving */

static void a_second_server_ends_with_three_and_names_the_owner(void **state)
{
    struct served *served = *state;
    char words[100];
    serve(served);
    snprintf(words, sizeof words, "process %d owns it", (int)served->pid);
    expect_run(served, "serve --listen 127.0.0.1:0", 3, words);
    assert_int_equal(ask(served, "GET /healthz HTTP/1.0\r\n\r\n"), 200);
}

static void a_port_in_use_ends_with_three(void **state)
{
    struct served *served = *state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    char line[100];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    snprintf(line, sizeof line, "serve --listen 127.0.0.1:%d", ntohs(address.sin_port));
    expect_run(served, line, 3, "error: cannot listen on 127.0.0.1");
    close(fd);
}

static void other_addresses_than_loopback_need_users(void **state)
{
    struct served *served = *state;
    struct error err;
    struct ran ran;
    assert_true(file_remove_tree(AT_FDCWD, served->directory, &err));
    assert_int_equal(mkdir(served->directory, 0700), 0);
    ran = run(served, "init");
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
    expect_run(served, "serve --listen 0.0.0.0:0", 4, "is open to others");
    ran = run_with(served, "a-long-password\n", "user add li --role administrator --area 320400");
    assert_int_equal(ran.code, 0);
    ran_release(&ran);
    char *argv[] = {(char *)(uintptr_t)binary(), (char *)(uintptr_t)"--data",
                    (char *)(uintptr_t)"data", (char *)(uintptr_t)"serve",
                    (char *)(uintptr_t)"--listen", (char *)(uintptr_t)"0.0.0.0:0", NULL};
    int out[2], none = open("/dev/null", O_RDWR);
    char line[100] = "";
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    served->pid = spawn(served->directory, argv, none, out[1], none);
    close(out[1]);
    close(none);
    assert_true(read(out[0], line, sizeof line - 1) > 0);
    assert_memory_equal(line, "listening http://0.0.0.0:", 25);
    close(out[0]);
}

static mode_t mode_of(struct served *served, const char *name)
{
    char path[400];
    struct stat status;
    snprintf(path, sizeof path, "%s/data/%s", served->directory, name);
    return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static void only_the_owner_reaches_directory_socket_and_keys(void **state)
{
    struct served *served = *state;
    assert_int_equal(mode_of(served, "."), 0700);
    assert_int_equal(mode_of(served, "socket"), 0600);
    assert_int_equal(mode_of(served, "keys/master"), 0600);
    assert_int_equal(mode_of(served, "lock"), 0600);
}

static void what_a_killed_server_left_is_taken_over(void **state)
{
    struct served *served = *state;
    serve(served);
    assert_int_equal(stop(served, SIGKILL, NULL), 128 + SIGKILL);
    assert_int_equal(mode_of(served, "socket"), 0600); /* it lies there still */
    expect_run(served, "doctor", 0, NULL);
    serve(served);
    expect_run(served, "doctor", 0, NULL);
    assert_int_equal(stop(served, SIGTERM, NULL), 0);
    assert_int_equal(mode_of(served, "socket"), 0);
}

static void a_deep_directory_serves_too(void **state)
{
    struct served *served = *state;
    char command[800], deep[120];
    memset(deep, 'd', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    snprintf(command, sizeof command, "mkdir %s/%s && mv %s/data %s/%s/", served->directory, deep,
             served->directory, served->directory, deep);
    assert_int_equal(system(command), 0);
    struct served inner = *served;
    snprintf(inner.directory, sizeof inner.directory, "%s/%s", served->directory, deep);
    serve(&inner);
    expect_run(&inner, "user token press", 0, NULL);
    expect_run(&inner, "serve --listen 127.0.0.1:0", 3, "owns it"); /* it went through the socket */
    assert_int_equal(stop(&inner, SIGTERM, NULL), 0);
}

/* ---- Through the running server */

static void commands_say_the_same_with_and_without_a_server(void **state)
{
    struct served *served = *state;
    static const char *const lines[] = {
        "export persons", "export venues", "export evidence", "export areas", "export cases",
        "export checkins --from 2022-04-10T00:00:00+08:00 --to 2022-04-12T00:00:00+08:00",
        "trace --person p00000303 --from 2022-03-31T00:00:00+08:00 --to 2022-04-14T00:00:00+08:00"
        " --model window",
        "venue token 1", "user list", "nonsense", "venue token 99999999", "doctor --shallow"};
    enum { COUNT = sizeof lines / sizeof *lines };
    struct ran before[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        before[i] = run(served, lines[i]);
    serve(served);
    for (size_t i = 0; i < COUNT; i++) {
        struct ran after = run(served, lines[i]);
        size_t same = before[i].out.length; /* a trace's last line has its seconds */
        if (strncmp(lines[i], "trace", 5) == 0)
            same = (size_t)(strstr(before[i].out.data, "{\"summary\"") - before[i].out.data);
        else
            assert_int_equal(before[i].out.length, after.out.length);
        assert_int_equal(before[i].code, after.code);
        assert_true(after.out.length >= same);
        if (same)
            assert_memory_equal(before[i].out.data, after.out.data, same);
        assert_true(slice_equal(buffer_slice(&before[i].words), buffer_slice(&after.words)));
        ran_release(&before[i]);
        ran_release(&after);
    }
}

static char *many_checkins(int count)
{
    struct buffer text;
    buffer_init(&text, 64 << 20);
    buffer_append_text(&text, "person_id,venue_id,unix_time\n");
    for (int i = 0; i < count; i++)
        buffer_print(&text, "x%d,y%d,%d\n", i % 1000, i % 100, 1649800000 + i);
    return text.data;
}

static void an_import_comes_from_a_pipe_or_a_relative_path(void **state)
{
    struct served *served = *state;
    enum { ROWS = 50000 };
    char *text = many_checkins(ROWS);
    serve(served);
    struct ran piped = run_with(served, text, "import checkins - --source s --create-missing");
    assert_int_equal(piped.code, 0);
    assert_non_null(strstr(piped.out.data, "\"inserted\":50000"));
    ran_release(&piped);
    write_text(served->directory, "here.csv", text);
    struct ran again = run(served, "import checkins here.csv --source s");
    assert_int_equal(again.code, 0);
    assert_non_null(strstr(again.out.data, "\"unchanged\":50000"));
    ran_release(&again);
    struct ran out = run(served, "export checkins --source s --from 2022-04-01T00:00:00+08:00"
                                 " --to 2022-05-01T00:00:00+08:00");
    size_t lines = 0;
    for (size_t i = 0; i < out.out.length; i++)
        lines += out.out.data[i] == '\n';
    assert_true(lines > ROWS); /* big output, whole */
    ran_release(&out);
    free(text);
}

static void many_commands_at_once_all_end(void **state)
{
    struct served *served = *state;
    enum { COMMANDS = 12 };
    for (int round = 0; round < 2; round++) { /* without a server, and with one */
        pid_t pids[COMMANDS];
        if (round == 1)
            serve(served);
        for (int i = 0; i < COMMANDS; i++) {
            char *argv[] = {(char *)(uintptr_t)binary(), (char *)(uintptr_t)"--data",
                            (char *)(uintptr_t)"data", (char *)(uintptr_t)"export",
                            (char *)(uintptr_t)"persons", NULL};
            int none = open("/dev/null", O_RDWR | O_CLOEXEC);
            pids[i] = spawn(served->directory, argv, none, none, none);
            close(none);
        }
        for (int i = 0; i < COMMANDS; i++) {
            int status;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_int_equal(exit_code(status), 0);
        }
    }
}

/* A caller that goes away in the middle: its command ends with it, the server goes on. */
static void a_cancelled_caller_leaves_the_server_well(void **state)
{
    struct served *served = *state;
    serve(served);
    for (int i = 0; i < 6; i++) { /* more than run at once */
        char *argv[] = {(char *)(uintptr_t)binary(), (char *)(uintptr_t)"--data",
                        (char *)(uintptr_t)"data",   (char *)(uintptr_t)"import",
                        (char *)(uintptr_t)"checkins", (char *)(uintptr_t)"-",
                        (char *)(uintptr_t)"--create-missing", NULL};
        int in[2], none = open("/dev/null", O_RDWR | O_CLOEXEC), status;
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        pid_t pid = spawn(served->directory, argv, in[0], none, none);
        close(in[0]);
        assert_true(write(in[1], "person_id,venue_id,unix_time\n", 29) == 29);
        usleep(200000);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        expect_run(served, "venue token 1", 0, NULL); /* while the pipe is still open */
        close(in[1]);
        close(none);
    }
    assert_int_equal(ask(served, "GET /readyz HTTP/1.0\r\n\r\n"), 200);
}

static void a_closed_output_ends_the_command_not_the_server(void **state)
{
    struct served *served = *state;
    char command[600];
    serve(served);
    snprintf(command, sizeof command,
             "cd %s && %s --data data export evidence | head -1 > first && "
             "%s --data data venue token 1 < /dev/null 1</dev/null; test $? -ne 0 && test -s first",
             served->directory, binary(), binary());
    assert_int_equal(system(command), 0);
    expect_run(served, "venue token 1", 0, NULL);
}

/* ---- Stopping */

static void a_signal_ends_the_server_in_time_with_zero(void **state)
{
    struct served *served = *state;
    static const int signals[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        double seconds;
        serve(served);
        int idle = dial(served), half = dial(served);
        say_text(half, "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{");
        assert_int_equal(stop(served, signals[i], &seconds), 0);
        assert_true(seconds < 10);
        close(idle);
        close(half);
    }
}

static void a_command_that_hangs_does_not_hold_the_end(void **state)
{
    struct served *served = *state;
    double seconds;
    int in[2], none = open("/dev/null", O_RDWR | O_CLOEXEC), status;
    char *argv[] = {(char *)(uintptr_t)binary(), (char *)(uintptr_t)"--data",
                    (char *)(uintptr_t)"data", (char *)(uintptr_t)"import",
                    (char *)(uintptr_t)"persons", (char *)(uintptr_t)"-", NULL};
    serve(served);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    pid_t pid = spawn(served->directory, argv, in[0], none, none);
    close(in[0]);
    int waiting = 1; /* input is taken only once the server has the command */
    assert_int_equal(write(in[1], "p", 1), 1);
    while (waiting && ioctl(in[1], FIONREAD, &waiting) == 0)
        usleep(10000);
    assert_int_equal(stop(served, SIGTERM, &seconds), 0);
    assert_true(seconds < 10);
    close(in[1]);
    waitpid(pid, &status, 0);
    assert_int_equal(exit_code(status), 3);
    expect_run(served, "doctor", 0, NULL);
    close(none);
}

/* What is said about a person or a unit names one that is there. */
static void a_person_or_unit_that_is_not_there_is_refused(void **state)
{
    struct served *served = *state;
    expect_run(served, "watch add 999999 singer", 1, "there is no person 999999");
    expect_run(served, "watch lift 999999", 1, "there is no person 999999");
    expect_run(served, "user person command 999999", 1, "there is no number 999999");
    expect_run(served, "user unit command 999999", 1, "there is no number 999999");
    expect_run(served, "user person command no", 2, "the number of a person");
    expect_run(served, "watch add 7 singer", 0, NULL);
    expect_run(served, "user person command 7", 0, NULL);
    expect_run(served, "user unit command 1", 0, NULL);
    expect_run(served, "audit verify", 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CITY_TEST(each_kind_of_end_has_its_exit_code),
        CITY_TEST(what_is_wrong_before_the_command_is_said),
        CITY_TEST(rejected_rows_end_with_one_and_are_counted),
        CITY_TEST(users_are_made_with_a_password_on_standard_input),
        CITY_TEST(user_list_is_json_where_asked_and_has_a_user_for_every_role),
        CITY_TEST(each_token_is_a_further_one_alone_on_its_line),
        CITY_TEST(a_second_server_ends_with_three_and_names_the_owner),
        CITY_TEST(a_port_in_use_ends_with_three),
        CITY_TEST(other_addresses_than_loopback_need_users),
        SERVED_TEST(only_the_owner_reaches_directory_socket_and_keys),
        CITY_TEST(what_a_killed_server_left_is_taken_over),
        CITY_TEST(a_deep_directory_serves_too),
        CITY_TEST(commands_say_the_same_with_and_without_a_server),
        CITY_TEST(an_import_comes_from_a_pipe_or_a_relative_path),
        CITY_TEST(many_commands_at_once_all_end),
        CITY_TEST(a_person_or_unit_that_is_not_there_is_refused),
        CITY_TEST(a_cancelled_caller_leaves_the_server_well),
        CITY_TEST(a_closed_output_ends_the_command_not_the_server),
        CITY_TEST(a_signal_ends_the_server_in_time_with_zero),
        CITY_TEST(a_command_that_hangs_does_not_hold_the_end),
    };
    return cmocka_run_group_tests(tests, city_build, city_destroy);
}
