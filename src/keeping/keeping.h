/* keeping: how long records are kept, what destroys them, and the copies of them.
 *
 *   retention  by class and city day (policies/retention.yaml), each run with a report
 *   holds      what is not destroyed in the meantime, why, until when, by whom
 *   keys       new versions, rows encrypted anew while everybody reads
 *   backup     a consistent set without any key; restore verifies all of it before it writes
 *   sunset     plan, two signatures, destruction of every personal class, certificate
 *
 * One thing at a time: runs, rotations, backups and the end wait for each other. */
#ifndef CHENGMAI_KEEPING_KEEPING_H
#define CHENGMAI_KEEPING_KEEPING_H

#include "module/module.h"

struct keeping;

/* Reads policies/retention.yaml; refuses the whole file with class and field. The rooms below are
 * open in `platform`. */
bool keeping_open(struct platform *platform, struct keeping **ret_keeping,
                  struct error *err) MUST_USE;
void keeping_close(struct keeping *keeping); /* accepts NULL; stops its thread */
/* Starts the keeper, a thread of its own: once a city day, in its early hours, a retention run; and
 * a rotation or an end that was cut short is finished. */
void keeping_start(struct keeping *keeping);
void keeping_stop(struct keeping *keeping); /* twice is done */

/* For fuzzing: a whole retention file, or the manifest of a backup, is refused or taken. */
bool keeping_check_policy(struct slice yaml, struct error *err) MUST_USE;
bool keeping_check_manifest(struct slice json, struct error *err) MUST_USE;

extern const struct module keeping_module;

#endif
