/* Commands through the owner's door: DIR/socket. The caller sends its words and its descriptors
 * (standard input, output, error, working directory); the server runs the command on them and
 * answers with the exit code. Only the owner's user can reach the socket (directory mode 0700).
 *
 *   request = u32 bytes of arguments │ u32 json │ arguments, each ended by NUL
 *   answer  = i32 exit code */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/forward.h"

static bool connect_socket(const char *directory, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
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

bool cli_forward(const struct cli_call *call, int *ret_code)
{
    int fd;
    if (!connect_socket(call->directory, &fd))
        return false;
    struct buffer words;
    buffer_init(&words, FORWARD_BYTES_MAX);
    for (int i = 0; i < call->argc; i++)
        buffer_append(&words, call->argv[i], strlen(call->argv[i]) + 1);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int descriptors[4] = {call->in_fd, fileno(call->out), fileno(call->words), here};
    struct forward_head head = {(uint32_t)words.length, call->json};
    int32_t code = EXIT_ENVIRONMENT;
    bool done = !words.overflow && here >= 0 && send_head(fd, &head, descriptors) &&
                send_all(fd, words.data, words.length) &&
                forward_receive(fd, &code, sizeof code);
    if (!done)
        fprintf(call->words, "error: the server did not finish the command, expected its answer\n");
    *ret_code = code;
    if (here >= 0)
        close(here);
    buffer_release(&words);
    close(fd);
    return true;
}
