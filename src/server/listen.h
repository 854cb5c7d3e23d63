/* listen: the listening Unix socket of the server (TCP is the HTTP library's). */
#ifndef CHENGMAI_SERVER_LISTEN_H
#define CHENGMAI_SERVER_LISTEN_H

#include "server/server_internal.h"

/* A non-blocking listening socket at `path` with mode 0660. The caller closes it and removes the
 * path. ERROR_ENVIRONMENT or ERROR_IO where somebody else has the path, or it cannot be made. */
bool listen_unix(const char *path, int *ret_fd, struct error *err) MUST_USE;

#endif
