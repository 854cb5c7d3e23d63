/* Whose hand it is: a name with its password on one line of standard input, and a role that may. */
#include "keeping/keeping_internal.h"

bool hands_prove(struct command_context *context, const char *name, const struct hands *hands,
                 struct actor *ret_actor, struct error *err)
{
    if (!access_prove(context->platform->access, slice_of(name), context->in_fd, ret_actor, err))
        return false;
    return hands_have(hands, ret_actor->role) ||
           error_set(err, ERROR_FORBIDDEN, (struct error_place){.source = name},
                     "a role that policies/retention.yaml names for this",
                     "the role %s may not do this", ret_actor->role);
}
