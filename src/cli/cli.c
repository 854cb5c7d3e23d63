/* Finding a command, giving it what it may touch, saying what came of it. */
#include "cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

enum { COMMAND_ARENA_BYTES = 1 << 30, OWNER_SECONDS = 30 };

const struct command *cli_find(int argc, char **argv, int *ret_words)
{
    for (int words = 2; words >= 1; words--) {
        char name[64];
        if (argc < words)
            continue;
        snprintf(name, sizeof name, "%s%s%s", argv[0], words == 2 ? " " : "",
                 words == 2 ? argv[1] : "");
        for (size_t m = 0; m < module_count; m++)
            for (size_t c = 0; c < modules[m]->command_count; c++)
                if (strcmp(modules[m]->commands[c].name, name) == 0) {
                    *ret_words = words;
                    return &modules[m]->commands[c];
                }
    }
    return NULL;
}

static int say(FILE *words, const struct error *err)
{
    char line[900];
    error_line(err, line, sizeof line);
    fprintf(words, "%s\n", line);
    return error_kind(err->code)->exit_code;
}

/* Runs the command inside the owner of the directory, or opens the directory here. Another command may
 * own it for a moment, or a server that does not listen yet: both are waited for. *ret_code is set
 * where the command ran elsewhere or cannot run (then *ret_opened stays NULL). */
static bool forward_or_open(struct cli_call *call, struct platform **ret_opened, int *ret_code)
{
    struct error err;
    double begun = world_elapsed_seconds();
    for (;;) {
        if (cli_forward(call, ret_code))
            return false;
        if (platform_open(call->directory, PLATFORM_COMMAND, ret_opened, &err))
            return true;
        if (err.code != ERROR_OWNED || world_elapsed_seconds() - begun > OWNER_SECONDS)
            break;
        usleep(20000);
    }
    *ret_code = say(call->words, &err);
    return false;
}

static int run_command(struct cli_call *call, const struct command *command, int skip)
{
    struct platform *opened = NULL, none = {.directory = call->directory};
    struct error err = {0};
    int code;
    if (command->needs_data && !call->platform && !forward_or_open(call, &opened, &code))
        return code;
    struct arena arena;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    struct command_context context = {
        .platform = call->platform ? call->platform : opened ? opened : &none,
        .arena = &arena,
        .out = call->out,
        .words = call->words,
        .in_fd = call->in_fd,
        .working_directory_fd = call->working_directory_fd,
        .json = call->json,
        .through_server = call->platform != NULL};
    code = command->run(&context, call->argc - skip, call->argv + skip, &err);
    if (err.code != ERROR_NONE)
        say(call->words, &err);
    arena_release(&arena);
    platform_close(opened);
    if (fflush(call->out) != 0 && code == EXIT_DONE)
        code = EXIT_ENVIRONMENT;
    fflush(call->words);
    return code;
}

static int print_help(FILE *out)
{
    fprintf(out, "chengmai [--data DIR] [--json] COMMAND …\n\n");
    for (size_t m = 0; m < module_count; m++)
        for (size_t c = 0; c < modules[m]->command_count; c++)
            fprintf(out, "  %s %s\n      %s\n", modules[m]->commands[c].name,
                    modules[m]->commands[c].usage, modules[m]->commands[c].words);
    return EXIT_DONE;
}

int cli_run(struct cli_call *call)
{
    if (call->argc == 0 || strcmp(call->argv[0], "help") == 0 ||
        strcmp(call->argv[0], "--help") == 0) {
        print_help(call->argc ? call->out : call->words);
        return call->argc ? EXIT_DONE : EXIT_USAGE;
    }
    int skip;
    const struct command *command = cli_find(call->argc, call->argv, &skip);
    if (!command) {
        struct error err;
        error_set(&err, ERROR_USAGE, (struct error_place){.field = call->argv[0]},
                  "a command of `chengmai help`", "unknown command");
        return say(call->words, &err);
    }
    return run_command(call, command, skip);
}
