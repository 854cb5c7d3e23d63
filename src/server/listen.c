/* Where the server listens: a TCP address, or a Unix socket for the proxy in front. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/listen.h"

enum { BACKLOG = 511 };

static bool usage(const char *text, struct error *err)
{
    return error_set(err, ERROR_USAGE, (struct error_place){.field = "--listen"},
                     "HOST:PORT or unix:PATH", "'%s' is not HOST:PORT or unix:PATH", text);
}

bool http_address_parse(const char *text, struct http_address *ret_address, struct error *err)
{
    static const char prefix[] = "unix:";
    struct http_address address = {.port = 0};
    if (strncmp(text, prefix, sizeof prefix - 1) == 0) {
        const char *path = text + sizeof prefix - 1;
        if (!*path || strlen(path) >= sizeof address.unix_path)
            return usage(text, err);
        snprintf(address.unix_path, sizeof address.unix_path, "%s", path);
        *ret_address = address;
        return true;
    }
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || colon == text || colon - text >= (int)sizeof address.host ||
        !slice_to_int64(slice_of(colon + 1), 0, 65535, &port))
        return usage(text, err);
    snprintf(address.host, sizeof address.host, "%.*s", (int)(colon - text), text);
    if (strcmp(address.host, "localhost") == 0)
        snprintf(address.host, sizeof address.host, "127.0.0.1");
    address.port = (uint16_t)port;
    *ret_address = address;
    return true;
}

/* Whether somebody accepts connections there. */
static bool is_served(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    if (fd >= 0)
        close(fd);
    return served;
}

/* What a server that is gone left behind is removed; anything else at the path stays. */
static bool make_room(const struct sockaddr_un *address, struct error *err)
{
    struct stat old;
    if (lstat(address->sun_path, &old) != 0)
        return true; /* bind tells the rest */
    struct error_place place = {.source = address->sun_path, .field = "--listen"};
    if (!S_ISSOCK(old.st_mode))
        return error_set(err, ERROR_ENVIRONMENT, place, "a path of its own",
                         "there is something else at the path of the socket");
    if (is_served(address))
        return error_set(err, ERROR_ENVIRONMENT, place, "a path of its own",
                         "another server listens there");
    return unlink(address->sun_path) == 0 || error_set_errno(err, address->sun_path, "remove");
}

bool listen_unix(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (!make_room(&address, err))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* the mode is given before it has a name: it is never wider */
    if (fd < 0 || fchmod(fd, 0660) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0) {
        error_set_errno(err, path, "listen");
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}
