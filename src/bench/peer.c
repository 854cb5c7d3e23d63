/* Starting peers on two pipes. */
#include "bench/peer.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bool peer_own_path(char ret_path[PEER_PATH_BYTES], struct error *err)
{
    ssize_t length = readlink("/proc/self/exe", ret_path, PEER_PATH_BYTES - 1);
    if (length <= 0)
        return error_set_errno(err, "/proc/self/exe", "read");
    ret_path[length] = '\0';
    return true;
}

bool peer_find(const char *name, char ret_path[PEER_PATH_BYTES])
{
    const char *folder = getenv("CHENGMAI_BENCH_PEERS");
    char own[PEER_PATH_BYTES], beside[PEER_PATH_BYTES];
    struct error err;
    if (!folder) {
        if (!peer_own_path(own, &err))
            return false;
        *strrchr(own, '/') = '\0';
        if ((size_t)snprintf(beside, sizeof beside, "%s/../bench", own) >= sizeof beside)
            return false;
        folder = beside;
    }
    int length = snprintf(ret_path, PEER_PATH_BYTES, "%s/peer-%s", folder, name);
    return length < PEER_PATH_BYTES && access(ret_path, X_OK) == 0;
}

static bool spawn(const char *path, char **argv, int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    bool done = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) == 0 &&
                posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0 &&
                posix_spawn(ret_pid, path, &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return done;
}

bool peer_start(const char *name, const char *path, const char *const *arguments,
                struct peer *ret_peer, struct error *err)
{
    char *argv[PEER_ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)path};
    int to[2], from[2];
    for (size_t i = 0; arguments[i]; i++) {
        REQUIRE(i < PEER_ARGUMENTS_MAX);
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    if (pipe2(to, O_CLOEXEC) != 0)
        return error_set_errno(err, path, "start");
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]);
        close(to[1]);
        return error_set_errno(err, path, "start");
    }
    struct peer peer = {.name = name};
    bool done = spawn(path, argv, to[0], from[1], &peer.pid);
    close(to[0]);
    close(from[1]);
    if (!done) {
        close(to[1]);
        close(from[0]);
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = path},
                         "a program that can be run", "it does not start");
    }
    peer.to = fdopen(to[1], "w");
    peer.from = fdopen(from[0], "r");
    REQUIRE(peer.to && peer.from);
    *ret_peer = peer;
    return true;
}

bool peer_ask(struct peer *peer, const char *line, char ret_answer[PEER_ANSWER_BYTES],
              struct error *err)
{
    if (line) {
        fprintf(peer->to, "%s\n", line);
        fflush(peer->to);
    }
    if (!fgets(ret_answer, PEER_ANSWER_BYTES, peer->from))
        return error_set(err, ERROR_ENVIRONMENT, (struct error_place){.source = peer->name},
                         "a line of answer", "the peer ended");
    ret_answer[strcspn(ret_answer, "\n")] = '\0';
    return true;
}

bool peer_finish(struct peer *peer)
{
    int status = 0;
    if (!peer->pid)
        return true;
    fclose(peer->to);
    fclose(peer->from);
    bool ended = waitpid(peer->pid, &status, 0) == peer->pid;
    *peer = (struct peer){0};
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The text after "NAME=", NULL where there is none. */
static const char *value_of(const char *answer, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = answer; (at = strstr(at, name)); at += length)
        if ((at == answer || at[-1] == ' ') && at[length] == '=')
            return at + length + 1;
    return NULL;
}

bool peer_value(const char *answer, const char *name, double *ret_value)
{
    const char *text = value_of(answer, name);
    return text && slice_to_double((struct slice){text, strcspn(text, " ")}, ret_value);
}

bool peer_number(const char *answer, const char *name, uint64_t *ret_value)
{
    const char *text = value_of(answer, name);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return false;
    *ret_value = strtoull(text, &end, 10);
    return *end == '\0' || *end == ' ';
}
