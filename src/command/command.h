/* command: what the command centre sees first: counters, each with the time it is true for. */
#ifndef CHENGMAI_COMMAND_COMMAND_H
#define CHENGMAI_COMMAND_COMMAND_H

#include "module/module.h"

/* Refreshes the maintained counters as far as they are due. Called by the server's job thread. */
bool command_counters_refresh(struct platform *platform, struct error *err) MUST_USE;
/* What the situation would have said at each full hour from the beginning of `first_day` up to
 * `until`, worked out from the stores and kept as if a server had run: for the history that a demo
 * city is made with. What the stores do not tell (colours, loops) stays unknown then. */
bool command_past_make(struct platform *platform, int32_t first_day, timestamp until,
                       struct error *err) MUST_USE;
/* One JSON object {"counters":[…]} of what the actor may see, on one line. */
bool command_counters_json(struct platform *platform, const struct actor *actor, struct buffer *out,
                           struct error *err) MUST_USE;

/* True for a reader who is shown no person's status, and so no small count of persons. */
bool command_hides_small(const struct actor *actor);

extern const struct module command_module;

#endif
