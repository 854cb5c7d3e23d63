/* doctor and audit verify: what is wrong, and what to do. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/cli.h"
#include "status/status.h"

extern const struct command init_command;
static const struct command cli_commands[];

struct report {
    FILE *out;
    int failures;
};

static void say(void *context, bool good, const char *check, const char *words)
{
    struct report *report = context;
    fprintf(report->out, "%s %s: %s%s\n", good ? "ok" : "fail", check, words,
            good ? "" : " - restore from a backup, or ask for help before writing further");
    report->failures += !good;
}

static void check_space(struct report *report, struct platform *platform)
{
    struct statvfs disk;
    if (fstatvfs(store_directory_fd(platform->store), &disk) != 0)
        return;
    double gigabytes = (double)disk.f_bavail * (double)disk.f_frsize / 1e9;
    fprintf(report->out, "%s disk space: %.1f GB free%s\n", gigabytes < 2 ? "warn" : "ok",
            gigabytes, gigabytes < 2 ? " - make room; scans are refused when the disk is full" : "");
}

static void check_keys(struct report *report, struct platform *platform)
{
    struct stat status;
    bool good = fstatat(store_directory_fd(platform->store), "keys/master", &status, 0) == 0 &&
                (status.st_mode & 077) == 0;
    say(report, good, "master key", good ? "only its owner may read it" : "others may read it");
}

static bool check_status(struct report *report, struct platform *platform, struct error *err)
{
    int64_t checked, wrong;
    char words[120];
    if (!status_verify(platform->status, &checked, &wrong, err))
        return false;
    snprintf(words, sizeof words, "%lld persons with evidence derived again, %lld differ",
             (long long)checked, (long long)wrong);
    say(report, wrong == 0, "status table", words);
    return true;
}

static bool verify_audit(struct platform *platform, int64_t from, int64_t *ret_broken,
                         int64_t *ret_count, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = audit_verify(sql, from, ret_broken, ret_count, err);
    store_read_end(platform->store, sql);
    return done;
}

static int run_doctor(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct report report = {.out = context->out};
    struct platform *platform = context->platform;
    int64_t broken = 0, count = 0;
    char words[80];
    bool deep = command_flag(&argc, argv, "--deep");
    if (argc) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = argv[0]}, "[--deep]",
                  "unknown argument");
        return command_fail(err);
    }
    bool done = store_verify(platform->store, say, &report, err) &&
                presence_verify(platform->presence, say, &report, err) &&
                verify_audit(platform, 1, &broken, &count, err);
    if (done) {
        snprintf(words, sizeof words, broken ? "record %lld does not verify" : "%lld records",
                 (long long)(broken ? broken : count));
        say(&report, broken == 0, "audit chain", words);
        check_keys(&report, platform);
        check_space(&report, platform);
        done = !deep || check_status(&report, platform, err);
    }
    if (!done)
        return command_fail(err);
    return report.failures ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static int run_audit(struct command_context *context, int argc, char **argv, struct error *err)
{
    int64_t broken, count;
    if (argc) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = argv[0]}, "no argument",
                  "unknown argument");
        return command_fail(err);
    }
    if (!verify_audit(context->platform, 1, &broken, &count, err))
        return command_fail(err);
    if (broken)
        fprintf(context->out, "broken at record %lld\n", (long long)broken);
    else
        fprintf(context->out, "whole: %lld records\n", (long long)count);
    return broken ? EXIT_FINDINGS : EXIT_DONE;
}

static int run_version(struct command_context *context, int argc, char **argv, struct error *err)
{
    (void)argc, (void)argv, (void)err;
    fprintf(context->out, "chengmai %s\n", CHENGMAI_VERSION);
    return EXIT_DONE;
}

/* `init` stands in its own file; its entry is copied at the first look. */
static int run_init(struct command_context *context, int argc, char **argv, struct error *err)
{
    return init_command.run(context, argc, argv, err);
}

static const struct command cli_commands[] = {
    {.name = "init", .usage = "[--demo] [--people N]",
     .words = "makes the data directory; --demo fills it with a synthetic city",
     .needs_data = false, .run = run_init},
    {.name = "doctor", .usage = "[--deep]", .words = "checks everything that is stored",
     .needs_data = true, .run = run_doctor},
    {.name = "audit verify", .usage = "", .words = "walks the audit chain", .needs_data = true,
     .run = run_audit},
    {.name = "version", .usage = "", .words = "the version", .needs_data = false,
     .run = run_version},
};

const struct module cli_module = {
    .name = "cli",
    .commands = cli_commands,
    .command_count = sizeof cli_commands / sizeof *cli_commands,
};
