/* What a scene says of itself, in both languages, as members of an answer. */
#ifndef CHENGMAI_LOOPS_WORDING_H
#define CHENGMAI_LOOPS_WORDING_H

#include "base/json.h"
#include "policy/policy.h"
#include "scenes/scenes.h"

/* The member `key` with {"zh", "en"}; `otherwise` where there are no words. */
void wording_put(struct json_writer *writer, const char *key, struct words words,
                 const char *otherwise);
/* A value: who is meant, as {"zh", "en"}. */
void wording_owner(struct json_writer *writer, const struct scene *scene,
                   const struct policy *policy, const struct scene_owner *owner);
/* Members of an open object: to, trigger, by, sign, when, note, require, of an `on` the event. */
void wording_transition(struct json_writer *writer, const struct scene *scene,
                        const struct policy *policy, const struct scene_transition *transition);

#endif
