/* The sandbox in processes of its own: what an intruder would do ends the process with a line in
 * the log; what a server does goes on. */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ENDED_WELL = 42 };

static unsigned sandbox_needs; /* what the sandbox is told to leave */

/* Runs `act` sandboxed in a child; its status, and what it wrote to standard error. */
static int run_sandboxed(void (*act)(void), char *words, size_t size)
{
    int both[2], status;
    assert_int_equal(pipe(both), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err;
        dup2(both[1], STDERR_FILENO);
        sandbox_prepare();
        if (!sandbox_enter(sandbox_needs, &err))
            _exit(1);
        act();
        _exit(ENDED_WELL);
    }
    close(both[1]);
    size_t length = 0;
    for (ssize_t got;
         length < size - 1 && (got = read(both[0], words + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    words[length] = '\0';
    close(both[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void start_a_program(void)
{
    char *const none[] = {NULL};
    execve("/bin/true", none, none);
}
static void start_a_process(void)
{
    syscall(SYS_fork);
}
static void clone_a_process(void)
{
    syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}
static void open_a_socket(void)
{
    syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static void look_into_a_process(void)
{
    syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
}
static void map_executable_memory(void)
{
    syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
            -1, 0);
}
static void make_memory_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
}
static void become_another_user(void)
{
    syscall(SYS_setuid, 0);
}
static void signal_another_process(void)
{
    syscall(SYS_tgkill, 1, 1, 0);
}
static void use_a_ring(void)
{
    syscall(425 /* io_uring_setup */, 1, NULL);
}
static void type_into_a_terminal(void)
{
    syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
}

static void what_a_server_does_not_do_ends_it_with_a_line_in_the_log(void **state)
{
    (void)state;
    static const struct {
        void (*act)(void);
        const char *call;
    } rows[] = {{start_a_program, "(execve)"},          {start_a_process, "(fork)"},
                {clone_a_process, "(clone)"},           {open_a_socket, "(socket)"},
                {look_into_a_process, "(ptrace)"},      {map_executable_memory, "(mmap)"},
                {make_memory_executable, "(mprotect)"}, {become_another_user, "(setuid)"},
                {signal_another_process, "(tgkill)"},   {use_a_ring, "(io_uring_setup)"},
                {type_into_a_terminal, "(ioctl)"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[2000];
        int status = run_sandboxed(rows[i].act, words, sizeof words);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS || WCOREDUMP(status) ||
            !strstr(words, "\"room\":\"sandbox\"") || !strstr(words, rows[i].call))
            fail_msg("%s: status %x, words: %s", rows[i].call, (unsigned)status, words);
    }
}

static void *name_itself(void *argument)
{
    *(int *)argument = pthread_setname_np(pthread_self(), "worker") == 0;
    return NULL;
}

static void do_what_a_server_does(void)
{
    pthread_t threads[4];
    int done[4] = {0}, ends[2], descriptors[2];
    char name[] = "/tmp/chengmai-sandbox-XXXXXX", byte;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, name_itself, &done[i]) != 0)
            _exit(2);
    for (int i = 0; i < 4; i++)
        if (pthread_join(threads[i], NULL) != 0 || !done[i])
            _exit(3);
    int fd = mkstemp(name);
    if (fd < 0 || write(fd, "x", 1) != 1 || fdatasync(fd) != 0 || unlink(name) != 0 || close(fd))
        _exit(4);
    if (pipe2(ends, O_CLOEXEC) != 0 || write(ends[1], "x", 1) != 1 || read(ends[0], &byte, 1) != 1)
        _exit(5);
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || munmap(memory, 1 << 20) != 0)
        _exit(6);
    world_random_bytes(descriptors, sizeof descriptors);
    (void)isatty(0);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        _exit(7);
}

static void dial_locally(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/nowhere/relay"};
    if (fd < 0 || connect(fd, (struct sockaddr *)&nowhere, sizeof nowhere) == 0 || errno != ENOENT)
        _exit(8);
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT)
        _exit(9);
}

static void dial_the_network(void)
{
    if (socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_INET6, SOCK_STREAM, 0) < 0)
        _exit(8);
    if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EAFNOSUPPORT)
        _exit(9);
}

/* A server that sends notices dials what it needs to, and is told of every other kind of socket
 * that this system has none. */
static void a_server_that_sends_notices_dials_what_it_needs(void **state)
{
    (void)state;
    char words[2000];
    sandbox_needs = SANDBOX_DIALS_LOCAL;
    int local = run_sandboxed(dial_locally, words, sizeof words);
    sandbox_needs = SANDBOX_DIALS_NETWORK;
    int network = run_sandboxed(dial_the_network, words, sizeof words);
    int program = run_sandboxed(start_a_program, words, sizeof words);
    sandbox_needs = 0;
    assert_true(WIFEXITED(local) && WEXITSTATUS(local) == ENDED_WELL);
    assert_true(WIFEXITED(network) && WEXITSTATUS(network) == ENDED_WELL);
    assert_true(WIFSIGNALED(program) && WTERMSIG(program) == SIGSYS); /* the rest stays shut */
}

static void what_a_server_does_goes_on(void **state)
{
    (void)state;
    char words[2000];
    int status = run_sandboxed(do_what_a_server_does, words, sizeof words);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != ENDED_WELL)
        fail_msg("status %x, words: %s", (unsigned)status, words);
}

static void try_core_dumps(void)
{
    struct rlimit limit = {1, 1};
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur || limit.rlim_max)
        _exit(7);
}

static void every_server_gives_up_core_dumps(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        sandbox_prepare();
        try_core_dumps();
        _exit(ENDED_WELL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ENDED_WELL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_does_not_do_ends_it_with_a_line_in_the_log),
        cmocka_unit_test(what_a_server_does_goes_on),
        cmocka_unit_test(a_server_that_sends_notices_dials_what_it_needs),
        cmocka_unit_test(every_server_gives_up_core_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
