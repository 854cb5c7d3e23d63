/* contacts: what follows from a positive person at once (README.md). */
#ifndef CHENGMAI_CONTACTS_CONTACTS_H
#define CHENGMAI_CONTACTS_CONTACTS_H

#include "module/module.h"

/* A job of the server, after every commit with events: follows results up to the newest event. What
 * has no positive result in it costs one read. *looked: the newest event that was looked at, the
 * caller's to keep between calls, 0 at first. *ret_cases: cases that it entered. */
bool contacts_follow(struct platform *platform, int64_t *looked, int64_t *ret_cases,
                     struct error *err) MUST_USE;

extern const struct module contacts_module;

#endif
