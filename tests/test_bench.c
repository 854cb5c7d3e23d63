/* Goal: a benchmark runs from the command line without any peer, checks what it wrote, and says its
 * figures in the lines that outside tools read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define assert_near(value, expected, by) assert_true(fabs((value) - (expected)) <= (by))

enum { OUTPUT_BYTES = 16384 };

/* Runs `chengmai ARGUMENTS`; its standard output into `output`, the exit code back. */
static int run(const char *arguments, char output[OUTPUT_BYTES])
{
    char command[1024];
    const char *binary = getenv("CHENGMAI_BINARY");
    assert_non_null(binary);
    snprintf(command, sizeof command, "CHENGMAI_BENCH_PEERS=/nonexistent '%s' %s 2>/dev/null",
             binary, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, OUTPUT_BYTES - 1, pipe);
    output[length] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *last_line(char *output)
{
    size_t length = strlen(output);
    assert_true(length && output[length - 1] == '\n');
    output[length - 1] = '\0';
    char *line = strrchr(output, '\n');
    return line ? line + 1 : output;
}

static void the_list_names_every_benchmark(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES];
    assert_int_equal(run("bench list", output), 0);
    const char *const names[] = {"ingest ", "trace ", "scans ", "start "};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(strstr(output, names[i]));
}

static void ingest_alone_ends_with_a_result_of_its_bytes(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES], unit[32];
    double ours, peer, ratio;
    assert_int_equal(run("bench ingest --alone --events 20000 --pairs 2 --work /tmp", output), 0);
    assert_int_equal(strncmp(output, "measure ", 8), 0);
    const char *line = last_line(output);
    assert_int_equal(sscanf(line,
                            "RESULT name=ingest.bytes ours=%lf peer=%lf ratio=%lf unit=%31s",
                            &ours, &peer, &ratio, unit), 4);
    assert_near(peer, 12, 0);
    assert_true(ours > 4 && ours < 40); /* small segments carry their frame */
    assert_near(ratio, peer / ours, 0.01 * ratio);
    assert_string_equal(unit, "bytes/event");
}

static void a_peer_that_is_absent_gives_no_result_and_exit_3(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES];
    assert_int_equal(run("bench ingest --events 20000 --pairs 1 --work /tmp", output), 3);
    assert_null(strstr(output, "RESULT name=ingest.rocksdb"));
    assert_non_null(strstr(output, "RESULT name=ingest.bytes"));
    assert_int_equal(run("bench scans --pairs 1 --work /tmp", output), 3);
    assert_null(strstr(output, "RESULT"));
}

static void json_is_one_object(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES];
    assert_int_equal(
        run("--json bench ingest --alone --events 5000 --pairs 1 --work /tmp", output), 0);
    const char *begin = "{\"bench\":\"ingest\",\"measures\":[{\"name\":\"ingest.bytes\",";
    assert_int_equal(strncmp(output, begin, strlen(begin)), 0);
    assert_string_equal(output + strlen(output) - 3, "]}\n");
}

static void wrong_options_are_usage(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES];
    assert_int_equal(run("bench ingest --events none", output), 2);
    assert_int_equal(run("bench trace --queries 0", output), 2);
    assert_int_equal(run("bench start everything", output), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_names_every_benchmark),
        cmocka_unit_test(ingest_alone_ends_with_a_result_of_its_bytes),
        cmocka_unit_test(a_peer_that_is_absent_gives_no_result_and_exit_3),
        cmocka_unit_test(json_is_one_object),
        cmocka_unit_test(wrong_options_are_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
