/* The local door: commands of other processes run here, on the descriptors they sent. See
 * cli/forward.c for the protocol. At most DOOR_CALLS_MAX at a time; more wait in the listen queue.
 * (Each call may hold two of the store's readers; with the workers' they stay below its pool.
 * Who waits for the disk holds one at most, and none while waiting.) */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/forward.h"
#include "server/server_internal.h"

enum { DOOR_CALLS_MAX = 4, DESCRIPTORS = 4, ARGUMENTS_MAX = 4096, WORDS_SECONDS = 10 };

struct door {
    struct platform *platform;
    int listen_fd;
    int stop_pipe[2];
    pthread_t thread;
    pthread_mutex_t lock; /* owns calls, closing */
    pthread_cond_t changed;
    int calls;
    bool closing;
};

struct door_call {
    struct door *door;
    int fd;
};

static void door_free(struct door *door)
{
    int all[] = {door->listen_fd, door->stop_pipe[0], door->stop_pipe[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] >= 0)
            close(all[i]);
    pthread_mutex_destroy(&door->lock);
    pthread_cond_destroy(&door->changed);
    free(door);
}

static void close_all(int descriptors[DESCRIPTORS])
{
    for (int i = 0; i < DESCRIPTORS; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

/* Descriptors are the caller's to close, −1 where none came. */
static bool receive_head(int fd, struct forward_head *head, int descriptors[DESCRIPTORS])
{
    struct iovec part = {head, sizeof *head};
    union {
        char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    for (int i = 0; i < DESCRIPTORS; i++)
        descriptors[i] = -1;
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    size_t count = 0;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        REQUIRE(count <= DESCRIPTORS);
        memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
    }
    return got == (ssize_t)sizeof *head && count == DESCRIPTORS &&
           head->bytes <= FORWARD_BYTES_MAX;
}

/* Ends with the call's streams closed: they take over descriptors 1 and 2. */
static int run_call(struct door *door, struct forward_head head, char *words,
                    int descriptors[DESCRIPTORS])
{
    char *argv[ARGUMENTS_MAX + 1];
    int argc = 0, code = EXIT_ENVIRONMENT;
    size_t at = 0;
    for (; at < head.bytes && argc < ARGUMENTS_MAX; at += strlen(words + at) + 1)
        argv[argc++] = words + at;
    argv[argc] = NULL;
    FILE *out = fdopen(descriptors[1], "w"), *err = fdopen(descriptors[2], "w");
    descriptors[1] = out ? -1 : descriptors[1];
    descriptors[2] = err ? -1 : descriptors[2];
    if (out && err && at < head.bytes) {
        fprintf(err, "error: too many arguments, expected at most %d\n", ARGUMENTS_MAX);
        code = EXIT_USAGE;
    } else if (out && err) {
        struct cli_call call = {.directory = door->platform->directory,
                                .json = head.json != 0,
                                .argc = argc,
                                .argv = argv,
                                .in_fd = descriptors[0],
                                .working_directory_fd = descriptors[3],
                                .out = out,
                                .words = err,
                                .platform = door->platform};
        code = cli_run(&call);
    }
    if (out && fclose(out) != 0 && code == EXIT_DONE)
        code = EXIT_ENVIRONMENT;
    if (err)
        fclose(err);
    return code;
}

static void answer_call(struct door_call *call)
{
    struct forward_head head;
    int descriptors[DESCRIPTORS];
    char *words = NULL;
    if (receive_head(call->fd, &head, descriptors)) {
        words = x_alloc(1, (size_t)head.bytes + 1);
        if (forward_receive(call->fd, words, head.bytes)) {
            int32_t code = run_call(call->door, head, words, descriptors);
            ssize_t sent = send(call->fd, &code, sizeof code, MSG_NOSIGNAL);
            (void)sent; /* the caller may have gone */
        }
    }
    close_all(descriptors);
    free(words);
}

static void *call_main(void *argument)
{
    struct door_call *call = argument;
    struct door *door = call->door;
    answer_call(call);
    close(call->fd);
    free(call);
    pthread_mutex_lock(&door->lock);
    door->calls--;
    pthread_cond_broadcast(&door->changed);
    pthread_mutex_unlock(&door->lock);
    return NULL;
}

/* False where the door closes instead. */
static bool await_place(struct door *door)
{
    pthread_mutex_lock(&door->lock);
    while (door->calls >= DOOR_CALLS_MAX && !door->closing)
        pthread_cond_wait(&door->changed, &door->lock);
    bool may = !door->closing;
    door->calls += may;
    pthread_mutex_unlock(&door->lock);
    return may;
}

static void start_call(struct door *door, int fd)
{
    struct timeval patience = {.tv_sec = WORDS_SECONDS};
    pthread_t thread;
    pthread_attr_t attributes;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!await_place(door)) {
        close(fd);
        return;
    }
    struct door_call *call = x_alloc(1, sizeof *call);
    *call = (struct door_call){door, fd};
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    REQUIRE(pthread_create(&thread, &attributes, call_main, call) == 0);
    pthread_attr_destroy(&attributes);
}

static void *door_main(void *argument)
{
    struct door *door = argument;
    for (;;) {
        struct pollfd both[] = {{.fd = door->listen_fd, .events = POLLIN},
                                {.fd = door->stop_pipe[0], .events = POLLIN}};
        if (poll(both, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (both[1].revents)
            return NULL;
        int fd = both[0].revents ? accept4(door->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            start_call(door, fd);
    }
}

/* A socket that only its owner can reach. Of an owner that is gone one may lie there: the lock of the
 * directory is ours, so that it is removed. */
static bool listen_at(const struct door *door)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int directory = store_directory_fd(door->platform->store);
    forward_address(directory, &address);
    return (unlinkat(directory, "socket", 0) == 0 || errno == ENOENT) &&
           bind(door->listen_fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           fchmodat(directory, "socket", 0600, 0) == 0 && listen(door->listen_fd, 64) == 0;
}

bool door_open(struct platform *platform, struct door **ret_door, struct error *err)
{
    struct door *door = x_alloc(1, sizeof *door);
    *door = (struct door){.platform = platform, .stop_pipe = {-1, -1}};
    pthread_mutex_init(&door->lock, NULL);
    pthread_cond_init(&door->changed, NULL);
    door->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door->listen_fd < 0 || pipe2(door->stop_pipe, O_CLOEXEC) != 0 || !listen_at(door) ||
        pthread_create(&door->thread, NULL, door_main, door) != 0) {
        error_set_errno(err, "socket", "listen");
        door_free(door);
        return false;
    }
    *ret_door = door;
    return true;
}

void door_close(struct door *door)
{
    pthread_mutex_lock(&door->lock);
    door->closing = true;
    pthread_cond_broadcast(&door->changed);
    pthread_mutex_unlock(&door->lock);
    ssize_t wrote = write(door->stop_pipe[1], "x", 1);
    (void)wrote;
    pthread_join(door->thread, NULL);
    unlinkat(store_directory_fd(door->platform->store), "socket", 0);
    pthread_mutex_lock(&door->lock);
    while (door->calls)
        pthread_cond_wait(&door->changed, &door->lock);
    pthread_mutex_unlock(&door->lock);
    door_free(door);
}
