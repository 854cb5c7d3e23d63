/* upkeep: looking at the whole of what is stored. The checks of `doctor`, and the jobs in which a
 * page has them made: long work goes on by itself, and who began it reads how far it is. */
#ifndef CHENGMAI_UPKEEP_UPKEEP_H
#define CHENGMAI_UPKEEP_UPKEEP_H

#include "module/module.h"
#include "status/status.h"

struct upkeep;
/* Jobs that another process left behind are marked as cut short. */
bool upkeep_open(struct platform *platform, struct upkeep **ret_upkeep, struct error *err) MUST_USE;
/* Ends the job that runs at its next stretch, and closes. Accepts NULL. */
void upkeep_close(struct upkeep *upkeep);

/* ---- Checks */

enum check_level { CHECK_OK, CHECK_WARN, CHECK_FAIL };
const char *check_level_name(enum check_level level);

/* Whom the checks tell. `words` holds no person; what is to be done stands in those of a warning,
 * what is to be done on a failure is always the same (CHECK_FAIL_ADVICE). */
#define CHECK_FAIL_ADVICE "restore from a backup, or ask for help before writing further"
struct check_listener {
    void (*say)(void *context, enum check_level level, const char *check, const char *words);
    /* How far it is, of `total` (records, or checks); false ends the work with ERROR_BUSY. */
    bool (*step)(void *context, const char *doing, int64_t done, int64_t total);
    void *context;
};
/* Everything that is stored, a line each; `deep` also derives every status and every loop again. */
bool upkeep_check(struct platform *platform, bool deep, const struct check_listener *listener,
                  struct error *err) MUST_USE;

struct audit_verification {
    int64_t records, broken_no; /* walked; the first that does not verify, 0 where whole */
    struct evidence_verification evidence; /* whole where it was not looked at */
};
/* The audit chain from record `from` (1 = all) on and its signed heads; with `evidence` the seal
 * of all evidence too. */
bool upkeep_verify_audit(struct platform *platform, int64_t from, bool evidence,
                         const struct check_listener *listener,
                         struct audit_verification *ret_result, struct error *err) MUST_USE;

extern const struct module upkeep_module;

#endif
