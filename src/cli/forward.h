/* What goes over DIR/socket; see forward.c and server/door.c. */
#ifndef CHENGMAI_CLI_FORWARD_H
#define CHENGMAI_CLI_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

enum { FORWARD_BYTES_MAX = 1 << 20 };
struct forward_head {
    uint32_t bytes;
    uint32_t json;
};
/* The address of the door of an open data directory, whatever the length of its path. */
void forward_address(int directory_fd, struct sockaddr_un *ret_address);
/* Exactly `length` bytes; false where the other side closed. */
bool forward_receive(int fd, void *data, size_t length);

#endif
