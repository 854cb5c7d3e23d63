/* The system calls of a server, as an allow-list (libseccomp). Found by running the tests' servers,
 * and grouped by why they are there. Whatever a library may want beyond them is a reason to look,
 * not to allow: the list is what an intruder would have.
 *
 * A forbidden call traps: the handler writes which it was and lets the default action of the signal
 * end the process. The handler runs wherever the call was made, so that it allocates nothing. */
#include "server/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

enum { CALLS_NAMED = 512, NAME_BYTES = 28 };
static char call_names[CALLS_NAMED][NAME_BYTES];

static const int allowed[] = {
    /* files of the data directory */
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(getdents64),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(fchown),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(fadvise64),
    SCMP_SYS(dup),
    SCMP_SYS(umask),
    SCMP_SYS(copy_file_range),
    SCMP_SYS(sync_file_range),
    /* imports: rows aside in memory; whole directories made durable */
    SCMP_SYS(memfd_create),
    SCMP_SYS(syncfs),
    /* memory; what is executable: below */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(msync),
    /* threads; new ones: below */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getcpu),
    /* time, randomness, who we are */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    /* connections of the sockets that listen already; new sockets: below */
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendfile),
    SCMP_SYS(shutdown),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
};

/* What AddressSanitizer and ThreadSanitizer need at the end of threads and of the process. */
static const int allowed_to_sanitizers[] = {
    SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(prctl), SCMP_SYS(open),
    SCMP_SYS(prlimit64),   SCMP_SYS(getrlimit),    SCMP_SYS(kill),
};

/* ---- A forbidden call */

static void on_forbidden(int signal_no, siginfo_t *info, void *context)
{
    (void)context;
    char line[300], at[TIME_TEXT_BYTES];
    int call = info->si_syscall;
    const char *name = call >= 0 && call < CALLS_NAMED ? call_names[call] : "";
    int length = snprintf(line, sizeof line,
                          "{\"at\":\"%s\",\"level\":\"fault\",\"room\":\"sandbox\","
                          "\"words\":\"system call %d (%s) is not among those of a server: "
                          "the process ends\"}\n",
                          time_format(world_real_now(), at), call, name[0] ? name : "unnamed");
    ssize_t wrote = write(STDERR_FILENO, line, (size_t)length);
    (void)wrote;                                                   /* it ends all the same */
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal_no); /* reset: its default action */
    _exit(128 + signal_no);
}

static bool catch_forbidden(void)
{
    struct sigaction action = {.sa_sigaction = on_forbidden,
                               .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER};
    for (int i = 0; i < CALLS_NAMED; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
        snprintf(call_names[i], NAME_BYTES, "%s", name ? name : "");
        free(name);
    }
    return sigaction(SIGSYS, &action, NULL) == 0;
}

/* ---- The filter */

static bool allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        if (code != 0 && code != -EDOM) /* EDOM: this machine has no such call */
            return false;
    }
    return true;
}

/* Memory is written or executed, never first one and then the other. */
static bool allow_memory(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable) == 0;
}

/* Threads, no processes. The arguments of clone3 lie in memory, where no filter can look: libc is
 * told that there is none and takes clone. */
static bool allow_threads(scmp_filter_ctx filter)
{
    enum { THREAD = 0x00010000, MEMORY = 0x00000100 }; /* CLONE_THREAD, CLONE_VM */
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD | MEMORY, THREAD | MEMORY)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                            SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)) == 0;
}

/* What a broken pipe does, which libcurl asks and sets around closing connections; of no other
 * signal. */
static bool allow_pipe_signal(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1,
                            SCMP_A0(SCMP_CMP_EQ, SIGPIPE, 0)) == 0;
}

/* "Is it a terminal", which standard output is asked; nothing else of a device. */
static bool allow_terminals(scmp_filter_ctx filter)
{
    static const scmp_datum_t asks[] = {TCGETS, TIOCGWINSZ, FIONREAD};
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_EQ, asks[i], 0)) != 0)
            return false;
    return true;
}

/* Connections to others, of the kinds that are needed. Whatever other kind a library asks for is
 * not there: it is told so, and goes on without. */
static bool allow_dialling(scmp_filter_ctx filter, unsigned needs)
{
    static const int calls[] = {SCMP_SYS(connect)};
    static const scmp_datum_t networks[] = {AF_INET, AF_INET6};
    bool done = allow(filter, calls, sizeof calls / sizeof *calls) &&
                seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0)) == 0 &&
                seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_GT, AF_INET6, 0)) == 0;
    for (size_t i = 0; done && i < sizeof networks / sizeof *networks; i++)
        done = seccomp_rule_add(filter,
                                needs & SANDBOX_DIALS_NETWORK ? SCMP_ACT_ALLOW
                                                              : SCMP_ACT_ERRNO(EAFNOSUPPORT),
                                SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, networks[i], 0)) == 0;
    return done;
}

static bool fill(scmp_filter_ctx filter, unsigned needs)
{
    return seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
           seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
           allow(filter, allowed, sizeof allowed / sizeof *allowed) &&
           (!IS_SANITIZED || allow(filter, allowed_to_sanitizers,
                                   sizeof allowed_to_sanitizers / sizeof *allowed_to_sanitizers)) &&
           (IS_SANITIZED || allow_pipe_signal(filter)) && allow_memory(filter) &&
           allow_threads(filter) && allow_terminals(filter) &&
           (!needs || allow_dialling(filter, needs));
}

void sandbox_prepare(void)
{
    static const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool sandbox_enter(unsigned needs, struct error *err)
{
    struct error_place place = {.field = "--sandbox"};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!IS_SANITIZED)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody of the same user reads its memory */
    bool done = filter && fill(filter, needs) && catch_forbidden() && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return done || error_set(err, ERROR_ENVIRONMENT, place,
                             "a kernel with seccomp filters, or serving without --sandbox",
                             "the system calls cannot be restricted");
}
