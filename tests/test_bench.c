/* Goal: a benchmark runs from the command line without any peer, checks what it wrote, and says its
 * figures in the lines that outside tools read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
    const char *const names[] = {"ingest ", "trace ", "scans ", "start ", "noufaily "};
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

/* Two series of Poisson-like counts with an outbreak of three weeks, in a file of its own. */
static void write_series(const char *path, int weeks)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("scenario,replicate,week,cases,outbreak_cases\n", file);
    for (int scenario = 1; scenario <= 2; scenario++)
        for (int week = 1; week <= weeks; week++) {
            int added = week >= 600 && week < 603 ? 60 : 0;
            fprintf(file, "%d,1,%d,%d,%d\n", scenario, week, 5 + week * 7 % 11 + added, added);
        }
    assert_int_equal(fclose(file), 0);
}

/* Standard output of `bench noufaily` as lines: how many, and how many end with an alarm in `week`
 * of `version`. */
static int count_lines(const char *path, const char *arguments, const char *version, int week,
                       int *ret_alarms)
{
    char command[1024], line[256], ending[64];
    snprintf(command, sizeof command, "'%s' bench noufaily --series %s %s 2>&1",
             getenv("CHENGMAI_BINARY"), path, arguments);
    snprintf(ending, sizeof ending, ",%d,1\n", week);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    int lines = 0;
    for (*ret_alarms = 0; fgets(line, sizeof line, pipe); lines++)
        *ret_alarms += strstr(line, version) && strstr(line, ending) != NULL;
    assert_int_equal(pclose(pipe), 0);
    return lines;
}

static void noufaily_writes_every_week_of_both_versions_at_every_alpha(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES], path[] = "/tmp/chengmai-noufaily-XXXXXX", arguments[128];
    int fd = mkstemp(path), alarms;
    assert_true(fd >= 0 && close(fd) == 0);
    write_series(path, 624);
    static const struct {
        const char *method;
        int alphas;
    } rows[] = {{"chengmai_ensemble", 16}, {"farrington_flexible", 12}, {"ears_c1", 12}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(arguments, sizeof arguments, "--alone --method %s", rows[i].method);
        int lines = count_lines(path, arguments, ",full,", 600, &alarms);
        /* a header, the alarms; on standard error a header and a row an alpha */
        assert_int_equal(lines, 1 + rows[i].alphas * 2 * 2 * 49 + 1 + rows[i].alphas);
        assert_int_equal(alarms, 2 * rows[i].alphas);
        count_lines(path, arguments, ",clean,", 600, &alarms);
        assert_true(4 * alarms < 2 * rows[i].alphas); /* an alpha of 0.2 may */
    }
    snprintf(arguments, sizeof arguments, "bench noufaily --alone --series %s | head -n 2", path);
    assert_int_equal(run(arguments, output), 0);
    const char *begin = "method,alpha,version,scenario,replicate,week,alarm\n"
                        "chengmai_ensemble,0.002,full,1,1,576,0\n";
    assert_string_equal(output, begin);
    write_series(path, 623); /* a week too few */
    snprintf(arguments, sizeof arguments, "bench noufaily --alone --series %s", path);
    assert_int_equal(run(arguments, output), 2);
    assert_int_equal(run("bench noufaily --method guess", output), 2);
    assert_int_equal(remove(path), 0);
}

static void wrong_options_are_usage(void **state)
{
    (void)state;
    char output[OUTPUT_BYTES];
    assert_int_equal(run("bench ingest --events none", output), 2);
    assert_int_equal(run("bench trace --queries 0", output), 2);
    assert_int_equal(run("bench start everything", output), 2);
}

/* 95 % intervals of estimators of ours hold the truth in 93 to 97 of 100 epidemics of the model
 * that they assume. Those that equal a reference implementation are reported, not judged. */
static void intervals_hold_the_truth_as_often_as_they_say(void **state)
{
    (void)state;
    static const char *const judged[] = {"rt", "weekday", "growth", "pooled"};
    char output[OUTPUT_BYTES];
    assert_int_equal(run("bench coverage --queries 1000 --work /tmp", output), 0);
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        char name[80];
        double share = 0;
        snprintf(name, sizeof name, "RESULT name=coverage.%s ours=", judged[i]);
        const char *line = strstr(output, name);
        assert_non_null(line);
        assert_int_equal(sscanf(line + strlen(name), "%lf", &share), 1);
        if (share < 0.93 || share > 0.97)
            fail_msg("%s: %.3f", judged[i], share);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_names_every_benchmark),
        cmocka_unit_test(ingest_alone_ends_with_a_result_of_its_bytes),
        cmocka_unit_test(a_peer_that_is_absent_gives_no_result_and_exit_3),
        cmocka_unit_test(json_is_one_object),
        cmocka_unit_test(noufaily_writes_every_week_of_both_versions_at_every_alpha),
        cmocka_unit_test(wrong_options_are_usage),
        cmocka_unit_test(intervals_hold_the_truth_as_often_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
