/* The local door: commands of other processes run here, on the descriptors they sent. See
 * cli/forward.c for the protocol. At most DOOR_CALLS_MAX at a time; more wait in the listen queue. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/forward.h"
#include "server/server_internal.h"

enum { DOOR_CALLS_MAX = 4, DESCRIPTORS = 4, ARGUMENTS_MAX = 4096 };

struct door {
    struct platform *platform;
    int listen_fd;
    int stop_pipe[2];
    pthread_t thread;
    pthread_mutex_t lock; /* owns calls */
    pthread_cond_t changed;
    int calls;
};

struct door_call {
    struct door *door;
    int fd;
};

static bool receive_head(int fd, struct forward_head *head, int descriptors[DESCRIPTORS])
{
    struct iovec part = {head, sizeof *head};
    union {
        char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof *head)
        return false;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(DESCRIPTORS * sizeof(int)))
        return false;
    memcpy(descriptors, CMSG_DATA(header), DESCRIPTORS * sizeof(int));
    return head->bytes <= FORWARD_BYTES_MAX;
}

static int run_call(struct door *door, struct forward_head head, char *words,
                    const int descriptors[DESCRIPTORS])
{
    char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    for (size_t i = 0; i < head.bytes && argc < ARGUMENTS_MAX; i += strlen(words + i) + 1)
        argv[argc++] = words + i;
    argv[argc] = NULL;
    FILE *out = fdopen(descriptors[1], "w"), *err = fdopen(descriptors[2], "w");
    REQUIRE(out && err);
    struct cli_call call = {.directory = door->platform->directory,
                            .json = head.json != 0,
                            .argc = argc,
                            .argv = argv,
                            .in_fd = descriptors[0],
                            .working_directory_fd = descriptors[3],
                            .out = out,
                            .words = err,
                            .platform = door->platform};
    int code = cli_run(&call);
    fclose(out);
    fclose(err);
    close(descriptors[0]);
    close(descriptors[3]);
    return code;
}

static void *call_main(void *argument)
{
    struct door_call *call = argument;
    struct door *door = call->door;
    struct forward_head head;
    int descriptors[DESCRIPTORS];
    if (receive_head(call->fd, &head, descriptors)) {
        char *words = x_alloc(1, (size_t)head.bytes + 1);
        if (forward_receive(call->fd, words, head.bytes)) {
            int32_t code = run_call(door, head, words, descriptors);
            ssize_t sent = send(call->fd, &code, sizeof code, MSG_NOSIGNAL);
            (void)sent; /* the caller may have gone */
        } else {
            for (int i = 0; i < DESCRIPTORS; i++)
                close(descriptors[i]);
        }
        free(words);
    }
    close(call->fd);
    free(call);
    pthread_mutex_lock(&door->lock);
    door->calls--;
    pthread_cond_broadcast(&door->changed);
    pthread_mutex_unlock(&door->lock);
    return NULL;
}

static void start_call(struct door *door, int fd)
{
    struct door_call *call = x_alloc(1, sizeof *call);
    pthread_t thread;
    pthread_attr_t attributes;
    *call = (struct door_call){door, fd};
    pthread_mutex_lock(&door->lock);
    while (door->calls >= DOOR_CALLS_MAX)
        pthread_cond_wait(&door->changed, &door->lock);
    door->calls++;
    pthread_mutex_unlock(&door->lock);
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

bool door_open(struct platform *platform, struct door **ret_door, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct door *door = x_alloc(1, sizeof *door);
    door->platform = platform;
    pthread_mutex_init(&door->lock, NULL);
    pthread_cond_init(&door->changed, NULL);
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/socket",
                          store_directory(platform->store));
    door->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done = length > 0 && (size_t)length < sizeof address.sun_path && door->listen_fd >= 0 &&
                pipe2(door->stop_pipe, O_CLOEXEC) == 0;
    if (done)
        unlink(address.sun_path); /* of an owner that is gone: the lock is ours */
    done = done && bind(door->listen_fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(door->listen_fd, 64) == 0 &&
           pthread_create(&door->thread, NULL, door_main, door) == 0;
    if (!done) {
        error_set_errno(err, "socket", "listen");
        free(door);
        return false;
    }
    *ret_door = door;
    return true;
}

void door_close(struct door *door)
{
    ssize_t wrote = write(door->stop_pipe[1], "x", 1);
    (void)wrote;
    pthread_join(door->thread, NULL);
    pthread_mutex_lock(&door->lock);
    while (door->calls)
        pthread_cond_wait(&door->changed, &door->lock);
    pthread_mutex_unlock(&door->lock);
    unlinkat(store_directory_fd(door->platform->store), "socket", 0);
    close(door->listen_fd);
    close(door->stop_pipe[0]);
    close(door->stop_pipe[1]);
    pthread_mutex_destroy(&door->lock);
    pthread_cond_destroy(&door->changed);
    free(door);
}
