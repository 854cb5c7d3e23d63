/* `scene load`, `duty add`, `duty absent`; `import loops` and `export loops`: sheet_*.c. */
#include "loops/duties.h"
#include "loops/loops_internal.h"

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

static int run_duty_row(struct command_context *context, struct duty_row *row, char **argv,
                        struct error *err)
{
    int64_t no;
    row->name = slice_of(argv[0]);
    if (!time_parse(slice_of(argv[1]), &row->from) || !time_parse(slice_of(argv[2]), &row->until) ||
        row->until <= row->from) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "FROM UNTIL"},
                  "two RFC 3339 times, the later one last", "'%s' '%s'", argv[1], argv[2]);
        return command_fail(err);
    }
    return duty_put(context->platform, row, SLICE("command line"), NULL, &no, err)
               ? EXIT_DONE
               : command_fail(err);
}

static int run_duty(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct duty_row row = {.absent = false};
    if (!command_arguments(&loop_commands[1], argc, argv, 3, 3, err))
        return command_fail(err);
    return run_duty_row(context, &row, argv, err);
}

static int run_absent(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct duty_row row = {.absent = true};
    const char *delegate;
    if (!command_option(&argc, argv, "--delegate", &delegate, err) ||
        !command_arguments(&loop_commands[2], argc, argv, 3, 3, err))
        return command_fail(err);
    row.delegate = slice_of(delegate);
    return run_duty_row(context, &row, argv, err);
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
