/* retention, hold, keys, backup, restore, sunset. Answers are JSON, words go to people. */
#include <stdlib.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

/* Prints a document that was made, or fails. */
static int print_answer(struct command_context *context, bool done, struct buffer *answer,
                        struct error *err)
{
    if (done && answer->overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){0}, NULL,
                         "the answer is too large");
    struct slice text = slice_trim(buffer_slice(answer));
    if (done)
        fprintf(context->out, "%.*s\n", SLICE_ARG(text));
    buffer_release(answer);
    return done ? EXIT_DONE : command_fail(err);
}

static bool number(const char *text, int64_t *ret_number, struct error *err)
{
    return slice_to_int64(slice_of(text), 1, INT64_MAX, ret_number) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = text}, "a number from 1",
                     "'%s' is not a number", text);
}

/* ---- Retention */

static int run_retention(struct command_context *context, int argc, char **argv,
                         struct error *err)
{
    struct buffer answer;
    bool dry = command_flag(&argc, argv, "--dry-run");
    if (!command_arguments(&keeping_commands[0], argc, argv, 0, 0, err))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    return print_answer(
        context, retention_run(context->platform->keeping, "command line", dry, &answer, err),
        &answer, err);
}

static int run_report(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct buffer answer;
    int64_t run_no = 0;
    bool overview = command_flag(&argc, argv, "--classes");
    if (!command_arguments(&keeping_commands[1], argc, argv, 0, 1, err) ||
        (argc && !number(argv[0], &run_no, err)))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    bool done = overview ? retention_overview(context->platform->keeping, &answer, err)
                         : retention_report(context->platform, run_no, &answer, err);
    return print_answer(context, done, &answer, err);
}

/* ---- Holds */

static bool missing(const char *command, const char *expected, struct error *err)
{
    return error_set(err, ERROR_USAGE, (struct error_place){.source = command}, expected,
                     "an option is missing");
}

static bool date(const char *text, int32_t *ret_day, struct error *err)
{
    return !text || time_parse_date(slice_of(text), ret_day) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = text}, "YYYY-MM-DD",
                     "'%s' is not a date", text);
}

static bool read_hold(int *argc, char **argv, struct hold *hold, const char **ret_by,
                      struct error *err)
{
    const char *class_, *from, *to, *until, *reason;
    *hold = (struct hold){.first_day = INT32_MIN, .last_day = INT32_MAX};
    if (!command_option(argc, argv, "--class", &class_, err) ||
        !command_option(argc, argv, "--from", &from, err) ||
        !command_option(argc, argv, "--to", &to, err) ||
        !command_option(argc, argv, "--until", &until, err) ||
        !command_option(argc, argv, "--reason", &reason, err) ||
        !command_option(argc, argv, "--by", ret_by, err) ||
        !command_arguments(&keeping_commands[2], *argc, argv, 0, 0, err))
        return false;
    if (!class_ || !until || !reason || !*ret_by)
        return missing("hold add", keeping_commands[2].usage, err);
    if (!date(from, &hold->first_day, err) || !date(to, &hold->last_day, err))
        return false;
    if (!time_parse(slice_of(until), &hold->until_at))
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--until"},
                         "an RFC 3339 time with its offset", "'%s' is not a time", until);
    if (strlen(reason) >= sizeof hold->reason || !slice_is_utf8(slice_of(reason)))
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--reason"},
                         "at most 319 bytes of UTF-8", "the reason cannot be kept");
    snprintf(hold->class_, sizeof hold->class_, "%s", class_);
    snprintf(hold->reason, sizeof hold->reason, "%s", reason);
    return true;
}

static int run_hold_add(struct command_context *context, int argc, char **argv,
                        struct error *err)
{
    struct platform *platform = context->platform;
    struct hold hold;
    struct actor actor;
    const char *by;
    int64_t no;
    if (!read_hold(&argc, argv, &hold, &by, err) ||
        !hands_prove(context, by, &platform->keeping->policy.holds, &actor, err))
        return command_fail(err);
    snprintf(hold.made_by, sizeof hold.made_by, "%s", actor.name);
    if (!hold_add(platform, &hold, &no, err))
        return command_fail(err);
    fprintf(context->out, "{\"hold\":%lld}\n", (long long)no);
    return EXIT_DONE;
}

static int run_hold_list(struct command_context *context, int argc, char **argv,
                         struct error *err)
{
    struct platform *platform = context->platform;
    timestamp now = world_now(platform->world);
    struct json_writer writer;
    struct buffer answer;
    struct hold *holds;
    size_t count = 0;
    struct sql *sql;
    bool all = command_flag(&argc, argv, "--all");
    if (!command_arguments(&keeping_commands[3], argc, argv, 0, 0, err) ||
        !store_read_begin(platform->store, &sql, err))
        return command_fail(err);
    bool done = holds_read(sql, !all, now, context->arena, &holds, &count, err);
    store_read_end(platform->store, sql);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    json_writer_init(&writer, &answer);
    json_array_begin(&writer);
    for (size_t i = 0; done && i < count; i++)
        hold_put(&writer, &holds[i], now);
    json_array_end(&writer);
    json_writer_release(&writer);
    return print_answer(context, done, &answer, err);
}

static int run_hold_lift(struct command_context *context, int argc, char **argv,
                         struct error *err)
{
    struct platform *platform = context->platform;
    struct actor actor;
    const char *by;
    int64_t no;
    if (!command_option(&argc, argv, "--by", &by, err) ||
        !command_arguments(&keeping_commands[4], argc, argv, 1, 1, err) ||
        !number(argv[0], &no, err) || (!by && !missing("hold lift", "NUMBER --by NAME", err)) ||
        !hands_prove(context, by, &platform->keeping->policy.holds, &actor, err) ||
        !hold_lift(platform, no, actor.name, err))
        return command_fail(err);
    return EXIT_DONE;
}

/* ---- Keys */

static void put_key(struct json_writer *writer, const struct key_entry *entry)
{
    char hex[2 * KEY_FINGERPRINT_BYTES + 1];
    text_to_hex(entry->fingerprint, KEY_FINGERPRINT_BYTES, hex);
    json_object_begin(writer);
    json_field_text(writer, "key", slice_of(entry->name));
    json_field_text(writer, "state", entry->destroyed ? SLICE("destroyed") : SLICE("kept"));
    json_field_time(writer, "changed_at", entry->changed_at);
    if (!entry->destroyed)
        json_field_text(writer, "fingerprint", slice_of(hex));
    json_object_end(writer);
}

static int run_keys_list(struct command_context *context, int argc, char **argv,
                         struct error *err)
{
    struct keys *keys;
    struct key_entry *entries;
    struct json_writer writer;
    struct buffer answer, mirror;
    const char *source;
    size_t count;
    if (!command_arguments(&keeping_commands[5], argc, argv, 0, 0, err))
        return command_fail(err);
    keys = store_keys(context->platform->store);
    buffer_init(&mirror, 4096);
    if (!keys_check(keys, &source, err) || !keys_mirror(keys, &mirror, err) ||
        !keys_list(keys, &entries, &count, err)) {
        buffer_release(&mirror);
        return command_fail(err);
    }
    buffer_init(&answer, ANSWER_BYTES_MAX);
    json_writer_init(&writer, &answer);
    json_object_begin(&writer);
    json_field_text(&writer, "source", slice_of(source));
    if (mirror.length)
        json_field_text(&writer, "mirror", buffer_slice(&mirror));
    else
        json_field_null(&writer, "mirror");
    json_key(&writer, "keys");
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        put_key(&writer, &entries[i]);
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    free(entries);
    buffer_release(&mirror);
    return print_answer(context, true, &answer, err);
}

/* Re-wraps every key under a new master key. */
static bool rotate_master(struct command_context *context, const char *source, struct error *err)
{
    struct keeping *keeping = context->platform->keeping;
    struct keys *keys = store_keys(context->platform->store);
    pthread_mutex_lock(&keeping->acting);
    bool done = keys_renew_master(keys, source, err) && keys_mirror_sync(keys, err);
    pthread_mutex_unlock(&keeping->acting);
    if (done)
        fprintf(context->out, "{\"rotated\":\"master\"}\n");
    return done;
}

static int run_rotate(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *source;
    int64_t rows;
    int versions;
    bool ends = command_flag(&argc, argv, "--end-issued");
    if (!command_option(&argc, argv, "--source", &source, err) ||
        !command_arguments(&keeping_commands[6], argc, argv, 1, 1, err))
        return command_fail(err);
    if (strcmp(argv[0], "master") == 0)
        return rotate_master(context, source, err) ? EXIT_DONE : command_fail(err);
    int class_ = key_class_of(slice_of(argv[0]));
    if (class_ < 0 || source) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = argv[0]},
                  "master, or a class of `keys list` without --source", "no such key");
        return command_fail(err);
    }
    if (!rotation_run(context->platform->keeping, (enum key_class)class_, ends, &rows, err))
        return command_fail(err);
    fprintf(context->out, "{\"rotated\":\"%s\",\"version\":%d,\"rows\":%lld}\n", argv[0],
            keys_version(store_keys(context->platform->store), (enum key_class)class_, &versions),
            (long long)rows);
    return EXIT_DONE;
}

static int run_mirror(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct keys *keys;
    if (!command_arguments(&keeping_commands[7], argc, argv, 0, 1, err))
        return command_fail(err);
    keys = store_keys(context->platform->store);
    bool none = argc && strcmp(argv[0], "none") == 0;
    bool done = argc ? keys_mirror_set(keys, none ? "" : argv[0], err)
                     : keys_mirror_sync(keys, err);
    return done ? EXIT_DONE : command_fail(err);
}

/* ---- Copies */

static int run_backup(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct buffer answer;
    if (!command_arguments(&keeping_commands[8], argc, argv, 1, 1, err))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    return print_answer(context,
                        backup_run(context->platform->keeping, context->working_directory_fd,
                                   argv[0], &answer, err),
                        &answer, err);
}

static int run_restore(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *keys;
    struct buffer answer;
    if (!command_option(&argc, argv, "--keys", &keys, err) ||
        !command_arguments(&keeping_commands[9], argc, argv, 1, 1, err))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    return print_answer(context,
                        restore_run(context->platform->directory, context->working_directory_fd,
                                    argv[0], keys, &answer, err),
                        &answer, err);
}

/* ---- Sunset */

static int run_plan(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct buffer answer;
    if (!command_arguments(&keeping_commands[10], argc, argv, 0, 0, err))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    return print_answer(context,
                        sunset_plan(context->platform->keeping, "command line", &answer, err),
                        &answer, err);
}

static int run_sign(struct command_context *context, int argc, char **argv, struct error *err)
{
    const char *key;
    int fd = -1;
    struct actor actor;
    struct buffer answer;
    struct keeping *keeping;
    if (!command_option(&argc, argv, "--key", &key, err) ||
        !command_arguments(&keeping_commands[11], argc, argv, 1, 1, err))
        return command_fail(err);
    keeping = context->platform->keeping;
    if (!hands_prove(context, argv[0], &keeping->policy.sunset, &actor, err) ||
        (key && !command_open(context, key, &fd, err)))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    bool done = sunset_sign(keeping, &actor, fd, &answer, err);
    if (fd >= 0)
        close(fd);
    return print_answer(context, done, &answer, err);
}

static int run_execute(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct buffer answer;
    if (!command_arguments(&keeping_commands[12], argc, argv, 0, 0, err))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    return print_answer(context, sunset_execute(context->platform->keeping, &answer, err), &answer,
                        err);
}

static int run_show(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct buffer answer;
    if (!command_arguments(&keeping_commands[13], argc, argv, 0, 0, err))
        return command_fail(err);
    buffer_init(&answer, ANSWER_BYTES_MAX);
    return print_answer(context, sunset_show(context->platform, &answer, err), &answer, err);
}

const struct command keeping_commands[KEEPING_COMMANDS] = {
    {.name = "retention run", .usage = "[--dry-run]",
     .words = "destroys what has passed its days; --dry-run only tells what would go",
     .needs_data = true, .run = run_retention},
    {.name = "retention report", .usage = "[NUMBER] [--classes]",
     .words = "the last run, or that one; --classes: the rules in force", .needs_data = true,
     .run = run_report},
    {.name = "hold add",
     .usage = "--class C|all [--from DAY] [--to DAY] --until T --reason WORDS --by NAME",
     .words = "keeps what would be destroyed; the password of NAME on standard input",
     .needs_data = true, .run = run_hold_add},
    {.name = "hold list", .usage = "[--all]", .words = "holds in force; --all: those that were",
     .needs_data = true, .run = run_hold_list},
    {.name = "hold lift", .usage = "NUMBER --by NAME",
     .words = "ends a hold; the password of NAME on standard input", .needs_data = true,
     .run = run_hold_lift},
    {.name = "keys list", .usage = "", .words = "every key, kept or destroyed, and where they lie",
     .needs_data = true, .run = run_keys_list},
    {.name = "keys rotate", .usage = "master [--source file|passphrase] | CLASS [--end-issued]",
     .words = "a new key in use, and what the old one encrypted encrypted anew",
     .needs_data = true, .run = run_rotate},
    {.name = "keys mirror", .usage = "[DIR|none]",
     .words = "keeps a second copy of the keys in DIR; alone: brings it up to date",
     .needs_data = true, .run = run_mirror},
    {.name = "backup", .usage = "DIR", .words = "a copy without keys, while the city goes on",
     .needs_data = true, .run = run_backup},
    {.name = "restore", .usage = "DIR [--keys KEYS]",
     .words = "makes the data directory from a backup and the keys that are left",
     .needs_data = false, .run = run_restore},
    {.name = "sunset plan", .usage = "", .words = "what the end destroys and what it leaves",
     .needs_data = true, .run = run_plan},
    {.name = "sunset sign", .usage = "NAME [--key FILE]",
     .words = "signs the plan; the password of NAME on standard input", .needs_data = true,
     .run = run_sign},
    {.name = "sunset execute", .usage = "",
     .words = "destroys all personal data and writes the certificate; needs two signatures",
     .needs_data = true, .run = run_execute},
    {.name = "sunset show", .usage = "", .words = "plan, signatures, certificate",
     .needs_data = true, .run = run_show},
};
