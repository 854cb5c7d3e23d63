/* doctor and audit verify: what is wrong, and what to do. What is looked at: the upkeep room. */
#include "cli/cli.h"
#include "upkeep/upkeep.h"

extern const struct command init_command;
enum { COMMAND_AUDIT = 2, COMMAND_VERSION, CLI_COMMANDS };
static const struct command cli_commands[CLI_COMMANDS];

static const struct sql_text audit_since = {
    "audit_since", "SELECT no FROM audit WHERE city_at >= ?1 ORDER BY no LIMIT 1",
    "whole table, up to the first hit"};
static const struct sql_list statements = SQL_LIST(&audit_since);

struct report {
    FILE *out;
    int failures;
};

static void say(void *context, enum check_level level, const char *check, const char *words)
{
    struct report *report = context;
    bool failed = level == CHECK_FAIL;
    fprintf(report->out, "%s %s: %s%s\n", check_level_name(level), check, words,
            failed ? " - " CHECK_FAIL_ADVICE : "");
    report->failures += failed;
}

static int run_doctor(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct report report = {.out = context->out};
    const struct check_listener listener = {.say = say, .context = &report};
    bool deep = command_flag(&argc, argv, "--deep");
    if (argc) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = argv[0]}, "[--deep]",
                  "unknown argument");
        return command_fail(err);
    }
    if (!upkeep_check(context->platform, deep, &listener, err))
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
    int64_t first = 1;
    struct audit_verification found = {.evidence.whole = true};
    if (!command_option(&argc, argv, "--from", &from, err) ||
        !command_arguments(&cli_commands[COMMAND_AUDIT], argc, argv, 0, 0, err) ||
        (from && !first_since(context->platform, from, &first, err)) ||
        (first && !upkeep_verify_audit(context->platform, first, !from, NULL, &found, err)))
        return command_fail(err);
    print_verified(context, !from, found.broken_no, found.records, &found.evidence);
    return found.broken_no || !found.evidence.whole ? EXIT_FINDINGS : EXIT_DONE;
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
