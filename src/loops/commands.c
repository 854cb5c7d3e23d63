/* `scene load`, `duty add`, `duty absent`; `import loops` and `export loops`: sheet_*.c. */
#include "loops/loops_internal.h"

static const struct sql_text duty_insert = {
    "duty_insert", "INSERT INTO duty (user_no, from_at, until_at) VALUES (?1, ?2, ?3)",
    "primary key"};
static const struct sql_text absence_insert = {
    "absence_insert",
    "INSERT INTO absence (user_no, delegate_no, from_at, until_at) VALUES (?1, ?2, ?3, ?4)",
    "primary key"};

const struct sql_list loop_command_statements = SQL_LIST(&duty_insert, &absence_insert);

static int run_load(struct command_context *context, int argc, char **argv, struct error *err)
{
    int64_t loaded;
    if (!command_arguments(&loop_commands[0], argc, argv, 0, 0, err) ||
        !loops_load_scenes(context->platform->loops, &loaded, err))
        return command_fail(err);
    fprintf(context->out, "%lld\n", (long long)loaded);
    fprintf(context->words, "%lld new version%s of scenes\n", (long long)loaded,
            loaded == 1 ? "" : "s");
    return EXIT_DONE;
}

struct duty_job {
    struct platform *platform;
    struct slice name, delegate; /* data NULL: nobody */
    timestamp from, until;
    bool absent;
};

static bool put_duty(struct sql *sql, void *context, struct error *err)
{
    const struct duty_job *job = context;
    int64_t user_no, delegate_no = 0;
    struct audit_entry entry = {.actor = SLICE("command line"),
                                .act = job->absent ? SLICE("duty.absent") : SLICE("duty.add"),
                                .purpose = job->name};
    if (!access_user_number(sql, job->name, &user_no, err) ||
        (job->delegate.data && !access_user_number(sql, job->delegate, &delegate_no, err)))
        return false;
    if (delegate_no == user_no)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "--delegate"},
                         "another user", "nobody stands in for themselves");
    return (job->absent
                ? sql_run(sql, &absence_insert,
                          SQL_ARGUMENTS(sql_int(user_no), sql_int(delegate_no), sql_int(job->from),
                                        sql_int(job->until)),
                          err)
                : sql_run(sql, &duty_insert,
                          SQL_ARGUMENTS(sql_int(user_no), sql_int(job->from), sql_int(job->until)),
                          err)) &&
           audit_append(sql, &entry, sql_now(sql), err);
}

static int run_duty_job(struct command_context *context, struct duty_job *job, char **argv,
                        struct error *err)
{
    job->platform = context->platform;
    job->name = slice_of(argv[0]);
    if (!time_parse(slice_of(argv[1]), &job->from) || !time_parse(slice_of(argv[2]), &job->until) ||
        job->until <= job->from) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "FROM UNTIL"},
                  "two RFC 3339 times, the later one last", "'%s' '%s'", argv[1], argv[2]);
        return command_fail(err);
    }
    bool done = store_write(context->platform->store, put_duty, job, err);
    atomic_fetch_add(&context->platform->loops->duties, 1);
    return done ? EXIT_DONE : command_fail(err);
}

static int run_duty(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct duty_job job = {.absent = false};
    if (!command_arguments(&loop_commands[1], argc, argv, 3, 3, err))
        return command_fail(err);
    return run_duty_job(context, &job, argv, err);
}

static int run_absent(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct duty_job job = {.absent = true};
    const char *delegate;
    if (!command_option(&argc, argv, "--delegate", &delegate, err) ||
        !command_arguments(&loop_commands[2], argc, argv, 3, 3, err))
        return command_fail(err);
    job.delegate = slice_of(delegate);
    return run_duty_job(context, &job, argv, err);
}

const struct command loop_commands[LOOP_COMMANDS] = {
    {.name = "scene load",
     .usage = "",
     .words = "takes new scenes and versions into use, each proved first; open loops stay or move",
     .needs_data = true,
     .run = run_load},
    {.name = "duty add",
     .usage = "NAME FROM UNTIL",
     .words = "a row of a duty table: who stands in one is on duty within its rows only",
     .needs_data = true,
     .run = run_duty},
    {.name = "duty absent",
     .usage = "NAME FROM UNTIL [--delegate NAME]",
     .words = "an absence: what waits for the user waits for the delegate, or the next above",
     .needs_data = true,
     .run = run_absent},
    [LOOP_COMMAND_IMPORT] =
        {.name = "import loops",
         .usage = "FILE|- --scene NAME [--source NAME] [--user NAME] [--dry-run]",
         .words = "a loop for each row of a scene's sheet; rows taken before change nothing",
         .needs_data = true,
         .run = sheet_run_import},
    [LOOP_COMMAND_EXPORT] =
        {.name = "export loops",
         .usage = "--scene NAME [--state open|done|failed|cancelled|closed|all] [--source NAME]"
                  " [-o F.xlsx|F.csv]",
         .words = "loops in the columns of their scene's sheet, nothing personal or hidden",
         .needs_data = true,
         .run = sheet_run_export},
};
