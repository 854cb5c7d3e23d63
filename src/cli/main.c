/* chengmai: one program, one command a run. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"

/* Keys lie in memory: no core file, and nobody of the same user looks in. A leak checker has to. */
static void close_memory(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(int argc, char **argv)
{
    close_memory();
    signal(SIGPIPE, SIG_IGN);
    struct cli_call call = {.directory = "data",
                            .in_fd = STDIN_FILENO,
                            .working_directory_fd = AT_FDCWD,
                            .out = stdout,
                            .words = stderr};
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0 && strcmp(argv[at], "--help") != 0; at++) {
        if (strcmp(argv[at], "--json") == 0) {
            call.json = true;
        } else if (strncmp(argv[at], "--data=", 7) == 0) {
            call.directory = argv[at] + 7;
        } else if (strcmp(argv[at], "--data") == 0 && at + 1 < argc) {
            call.directory = argv[++at];
        } else {
            fprintf(stderr, "error: unknown option, field %s, expected --data DIR or --json\n",
                    argv[at]);
            return EXIT_USAGE;
        }
    }
    call.argc = argc - at;
    call.argv = argv + at;
    return cli_run(&call);
}
