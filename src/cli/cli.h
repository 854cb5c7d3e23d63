/* cli: commands from words to exit codes. A command runs in this process, or, where a server owns
 * the data directory, inside the server on the caller's descriptors. */
#ifndef CHENGMAI_CLI_CLI_H
#define CHENGMAI_CLI_CLI_H

#include "module/module.h"

/* Opens the rooms on a data directory: for one command, for serving (starts background work), or
 * for making it (one that store_finish has not been called for yet). */
enum platform_use { PLATFORM_COMMAND, PLATFORM_SERVING, PLATFORM_MAKING };
bool platform_open(const char *directory, enum platform_use use, struct platform **ret_platform,
                   struct error *err) MUST_USE;
/* Closes them, highest first. Accepts NULL. */
void platform_close(struct platform *platform);

struct cli_call {
    const char *directory; /* --data */
    bool json;
    int argc;              /* the command's words and arguments */
    char **argv;
    int in_fd, working_directory_fd;
    FILE *out, *words;
    struct platform *platform; /* open already (inside a server), or NULL */
};
/* Finds and runs the command, says its error once. The exit code. */
int cli_run(struct cli_call *call);
/* The command that the words name, NULL where none; *ret_words = words its name takes. */
const struct command *cli_find(int argc, char **argv, int *ret_words);

/* Through the owner's socket; false where nobody listens there (then *ret_code is not set). */
bool cli_forward(const struct cli_call *call, int *ret_code);

extern const struct module cli_module;

#endif
