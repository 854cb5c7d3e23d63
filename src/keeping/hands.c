/* Whose hand it is: a name with its password on one line of standard input, and a role that may. */
#include <sodium.h>
#include <unistd.h>

#include "keeping/keeping_internal.h"

/* One line without its end; what does not fit cannot be a password. */
static void read_line(int fd, char *out, size_t size)
{
    size_t length = 0;
    char c;
    while (length + 1 < size && read(fd, &c, 1) == 1 && c != '\n')
        out[length++] = c;
    out[length] = '\0';
}

bool hands_prove(struct command_context *context, const char *name, const struct hands *hands,
                 struct actor *ret_actor, struct error *err)
{
    struct access *access = context->platform->access;
    char password[256], bearer[8 + ACCESS_TOKEN_BYTES] = "Bearer ";
    read_line(context->in_fd, password, sizeof password);
    bool done = access_login(access, slice_of(name), password, bearer + 7, err);
    sodium_memzero(password, sizeof password);
    if (!done)
        return false;
    done = access_actor(access, slice_of(bearer), (struct slice){NULL, 0}, ret_actor, err) &&
           access_logout(access, slice_of(bearer + 7), err);
    sodium_memzero(bearer, sizeof bearer);
    if (!done)
        return false;
    return hands_have(hands, ret_actor->role) ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.source = name},
                     "a role that policies/retention.yaml names for this",
                     "the role %s may not do this", ret_actor->role);
}
