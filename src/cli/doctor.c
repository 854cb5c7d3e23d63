/* doctor and audit verify: what is wrong, and what to do. */
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/cli.h"
#include "loops/loops.h"
#include "notices/notices.h"
#include "photos/photos.h"
#include "status/status.h"

extern const struct command init_command;
enum { COMMAND_AUDIT = 2, COMMAND_VERSION, CLI_COMMANDS };
static const struct command cli_commands[CLI_COMMANDS];
enum { PHOTOS_LOOKED_AT = 100 }; /* without --deep */

static const struct sql_text audit_since = {
    "audit_since", "SELECT no FROM audit WHERE city_at >= ?1 ORDER BY no LIMIT 1",
    "whole table, up to the first hit"};
static const struct sql_list statements = SQL_LIST(&audit_since);

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
            gigabytes,
            gigabytes < 2 ? " - make room; scans are refused when the disk is full" : "");
}

static void check_keys(struct report *report, struct platform *platform)
{
    const char *source;
    struct error failure;
    char words[400];
    bool good = keys_check(store_keys(platform->store), &source, &failure);
    snprintf(words, sizeof words, good ? "from a %s that only its owner may read" : "%s",
             good ? source : failure.what);
    say(report, good, "master key", words);
}

static void check_rules(struct report *report, struct platform *platform)
{
    size_t count = policy_unsigned_count(platform->policy);
    for (size_t i = 0; i < count; i++)
        fprintf(report->out,
                "warn rule sets: %s is not signed and not taken - `rules propose`, `rules sign`\n",
                policy_unsigned(platform->policy, i));
    if (!count)
        fprintf(report->out, "ok rule sets: built-in and signed ones only\n");
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

static bool check_evidence(struct report *report, struct platform *platform, struct error *err)
{
    struct evidence_verification seal;
    char words[200];
    if (!evidence_verify(platform->store, &seal, err))
        return false;
    if (seal.whole)
        snprintf(words, sizeof words, "%lld records under %lld seals", (long long)seal.rows,
                 (long long)seal.seals);
    else
        snprintf(words, sizeof words, "%s%s", seal.words,
                 seal.unsealed ? "; what is not sealed is no evidence, no status follows it" : "");
    say(report, seal.whole, "evidence seal", words);
    return true;
}

static bool verify_audit(struct platform *platform, int64_t from, int64_t *ret_broken,
                         int64_t *ret_count, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    int64_t heads;
    bool done =
        audit_verify(sql, from, ret_broken, ret_count, err) &&
        (*ret_broken || audit_heads_verify(sql, keys_of(store_keys(platform->store), KEY_AUDIT),
                                           ret_broken, &heads, err));
    store_read_end(platform->store, sql);
    return done;
}

/* Every loop once more from its acts. */
static bool check_loops(struct report *report, struct platform *platform, struct error *err)
{
    struct loops_verification verification;
    char words[160];
    if (!loops_verify(platform->loops, &verification, err))
        return false;
    if (verification.wrong_no)
        snprintf(words, sizeof words, "loop %lld is not what its acts say: %s",
                 (long long)verification.wrong_no, verification.words);
    else
        snprintf(words, sizeof words, "%lld derived again from their acts",
                 (long long)verification.loops);
    say(report, !verification.wrong_no, "loops", words);
    snprintf(words, sizeof words, "%lld differ from the loops",
             (long long)verification.counters_wrong);
    say(report, !verification.counters_wrong, "counters of loops",
        verification.counters_wrong ? words : "as the loops");
    return true;
}

static bool check_notices(struct report *report, struct platform *platform, struct error *err)
{
    struct notice_counts counts[NOTICE_CHANNELS];
    if (!notices_counts(platform->notices, counts, err))
        return false;
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        const char *name = notice_channel_name((enum notice_channel)i);
        if (counts[i].given_up)
            fprintf(report->out,
                    "warn notices: %lld by %s were given up - look at the receiver, then"
                    " `notices retry %s`\n",
                    (long long)counts[i].given_up, name, name);
        else
            fprintf(report->out, "ok notices: %lld by %s wait, none was given up\n",
                    (long long)counts[i].waiting, name);
    }
    return true;
}

/* Photos against their rows: all, or some of them. */
static bool check_photos(struct report *report, struct platform *platform, bool all,
                         struct error *err)
{
    struct photos_verification found;
    char words[240];
    if (!photos_verify(platform->photos, all ? 0 : PHOTOS_LOOKED_AT, &found, err))
        return false;
    snprintf(words, sizeof words, "%lld kept, %lld opened%s%s", (long long)found.count,
             (long long)found.looked, found.wrong ? "; " : "", found.words);
    say(report, !found.wrong, "photos", words);
    return true;
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
        check_rules(&report, platform);
        done = check_evidence(&report, platform, err) && check_notices(&report, platform, err) &&
               check_photos(&report, platform, deep, err) &&
               (!deep || (check_status(&report, platform, err) &&
                          check_loops(&report, platform, err)));
    }
    if (!done)
        return command_fail(err);
    return report.failures ? EXIT_ENVIRONMENT : EXIT_DONE;
}

/* The first record written at or after that moment of the city, 0 where there is none. */
static bool first_since(struct platform *platform, const char *text, int64_t *ret_no,
                        struct error *err)
{
    timestamp from;
    struct sql *sql;
    if (!time_parse(slice_of(text), &from))
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--from"},
                         "an RFC 3339 time with its offset", "'%s' is not a time", text);
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = sql_one_int(sql, &audit_since, SQL_ARGUMENTS(sql_int(from)), 0, ret_no, err);
    store_read_end(platform->store, sql);
    return done;
}

static void print_verified(struct command_context *context, bool with_evidence, int64_t broken,
                           int64_t count, const struct evidence_verification *seal)
{
    FILE *out = context->out;
    if (context->json) {
        fprintf(out, "{\"whole\":%s,\"records\":%lld,\"broken\":%lld",
                broken || !seal->whole ? "false" : "true", (long long)count, (long long)broken);
        if (with_evidence) /* its words are of our own making: nothing in them needs escaping */
            fprintf(out,
                    ",\"evidence\":{\"records\":%lld,\"seals\":%lld,\"broken\":%lld,"
                    "\"words\":\"%s\"}",
                    (long long)seal->rows, (long long)seal->seals, (long long)seal->broken_no,
                    seal->words);
        fprintf(out, "}\n");
        return;
    }
    if (broken)
        fprintf(out, "broken at record %lld\n", (long long)broken);
    else
        fprintf(out, "whole: %lld records\n", (long long)count);
    if (with_evidence && seal->whole)
        fprintf(out, "evidence whole: %lld records under %lld seals\n", (long long)seal->rows,
                (long long)seal->seals);
    else if (with_evidence)
        fprintf(out, "evidence broken: %s\n", seal->words);
}

static int run_audit(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *from;
    int64_t first = 1, broken = 0, count = 0;
    struct evidence_verification seal = {.whole = true};
    if (!command_option(&argc, argv, "--from", &from, err) ||
        !command_arguments(&cli_commands[COMMAND_AUDIT], argc, argv, 0, 0, err) ||
        (from && !first_since(context->platform, from, &first, err)) ||
        (first && !verify_audit(context->platform, first, &broken, &count, err)) ||
        (!from && !evidence_verify(context->platform->store, &seal, err)))
        return command_fail(err);
    print_verified(context, !from, broken, count, &seal);
    return broken || !seal.whole ? EXIT_FINDINGS : EXIT_DONE;
}

static int run_version(struct command_context *context, int argc, char **argv, struct error *err)
{
    if (!command_arguments(&cli_commands[COMMAND_VERSION], argc, argv, 0, 0, err))
        return command_fail(err);
    fprintf(context->out, "chengmai %s\n", CHENGMAI_VERSION);
    return EXIT_DONE;
}

/* `init` stands in its own file; its entry is copied at the first look. */
static int run_init(struct command_context *context, int argc, char **argv, struct error *err)
{
    return init_command.run(context, argc, argv, err);
}

static const struct command cli_commands[CLI_COMMANDS] = {
    {.name = "init",
     .usage = "[--demo] [--people N]",
     .words = "makes the data directory; --demo fills it with a synthetic city",
     .needs_data = false,
     .run = run_init},
    {.name = "doctor",
     .usage = "[--deep]",
     .words = "checks everything that is stored",
     .needs_data = true,
     .run = run_doctor},
    [COMMAND_AUDIT] = {.name = "audit verify",
                       .usage = "[--from T]",
                       .words = "walks the audit chain and the seal of all evidence",
                       .needs_data = true,
                       .run = run_audit},
    [COMMAND_VERSION] = {.name = "version",
                         .usage = "",
                         .words = "the version",
                         .needs_data = false,
                         .run = run_version},
};

const struct module cli_module = {
    .name = "cli",
    .commands = cli_commands,
    .command_count = CLI_COMMANDS,
    .statements = (const struct sql_list *const[]){&statements, NULL},
};
