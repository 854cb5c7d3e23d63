/* Commands through the owner's door: DIR/socket. The caller sends its words and its descriptors
 * (standard input, output, error, working directory); the server runs the command on them and
 * answers with the exit code. Only the owner's user can reach the socket (directory mode 0700).
 *
 *   request = u32 bytes of arguments │ u32 json │ arguments, each ended by NUL
 *   answer  = i32 exit code */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/forward.h"

void forward_address(int directory_fd, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/socket",
             directory_fd);
}

static bool connect_socket(const char *directory, int *ret_fd)
{
    struct sockaddr_un address;
    int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0)
        return false;
    forward_address(directory_fd, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected =
        fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (!connected && fd >= 0)
        close(fd);
    close(directory_fd);
    *ret_fd = fd;
    return connected;
}

static bool send_all(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

bool forward_receive(int fd, void *data, size_t length)
{
    char *at = data;
    while (length) {
        ssize_t got = recv(fd, at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

static bool send_head(int fd, const struct forward_head *head, const int descriptors[4])
{
    struct iovec part = {(void *)(uintptr_t)head, sizeof *head};
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(4 * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, 4 * sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof *head;
}

/* ---- Standard input that is no file is copied by the caller, so that it ends with the caller: a
 * command that was interrupted does not go on reading from a terminal or a pipe. */

struct copying {
    int from, to;
};

static void *copy_main(void *argument)
{
    struct copying *copying = argument;
    char chunk[65536];
    for (;;) {
        ssize_t got = read(copying->from, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || !send_all(copying->to, chunk, (size_t)got))
            break;
    }
    close(copying->to);
    free(copying);
    return NULL;
}

/* *ret_fd: what the server reads, to be closed where it is not in_fd itself. */
static bool lend_input(int in_fd, int *ret_fd)
{
    struct stat status;
    int both[2];
    pthread_t thread;
    if (fstat(in_fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))) {
        *ret_fd = in_fd;
        return true;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0)
        return false;
    struct copying *copying = x_alloc(1, sizeof *copying);
    *copying = (struct copying){in_fd, both[1]};
    REQUIRE(pthread_create(&thread, NULL, copy_main, copying) == 0);
    pthread_detach(thread); /* it may wait for input that never comes */
    *ret_fd = both[0];
    return true;
}

static bool exchange_words(const struct cli_call *call, int fd, const struct buffer *words,
                           int32_t *ret_code)
{
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), input = -1;
    bool done = here >= 0 && lend_input(call->in_fd, &input);
    if (done) {
        int descriptors[4] = {input, fileno(call->out), fileno(call->words), here};
        struct forward_head head = {(uint32_t)words->length, call->json};
        done = send_head(fd, &head, descriptors) && send_all(fd, words->data, words->length);
    }
    if (input >= 0 && input != call->in_fd)
        close(input);
    if (here >= 0)
        close(here);
    return done && forward_receive(fd, ret_code, sizeof *ret_code);
}

bool cli_forward(const struct cli_call *call, int *ret_code)
{
    int fd;
    if (!connect_socket(call->directory, &fd))
        return false;
    struct buffer words;
    int32_t code = EXIT_ENVIRONMENT;
    buffer_init(&words, FORWARD_BYTES_MAX);
    for (int i = 0; i < call->argc; i++)
        buffer_append(&words, call->argv[i], strlen(call->argv[i]) + 1);
    if (words.overflow) {
        fprintf(call->words, "error: the arguments are too long, expected at most 1 MB\n");
        code = EXIT_USAGE;
    } else if (!exchange_words(call, fd, &words, &code)) {
        fprintf(call->words, "error: the server did not finish the command, expected its answer\n");
        code = EXIT_ENVIRONMENT;
    }
    *ret_code = code;
    buffer_release(&words);
    close(fd);
    return true;
}
