/* Changing the rules: propose → see what would change → two others sign → in force from its
 * valid_from. Inside the status room only. */
#ifndef CHENGMAI_STATUS_RULE_SETS_H
#define CHENGMAI_STATUS_RULE_SETS_H

#include "status/status_internal.h"

enum { RULE_SIGNERS = 2 };

/* Takes up the rule sets that are signed. What is not authentic is not taken: *ret_false of
 * them. */
bool rule_sets_load(struct platform *platform, int64_t *ret_false, struct error *err) MUST_USE;
/* Checks a rule set, computes what it would change, keeps it as a proposal. */
bool rule_set_propose(struct platform *platform, const struct actor *actor, struct slice yaml,
                      int64_t *ret_no, struct error *err) MUST_USE;
/* One signature; the second takes the rule set up. ERROR_REFUSED for the proposer,
 * ERROR_CONFLICT for who signed it before and where its valid_from has passed. *ret_missing
 * signatures are still needed. */
bool rule_set_sign(struct platform *platform, const struct actor *actor, int64_t no,
                   int64_t *ret_missing, struct error *err) MUST_USE;
/* One proposal as JSON, or all (number 0) as an array, without their texts. */
bool rule_sets_write(struct platform *platform, int64_t no, struct json_writer *writer,
                     struct error *err) MUST_USE;

/* Every rule set that is taken (in force, past, to come) and every proposal that is not, with all
 * its numbers, as an array: for versions side by side. */
bool rule_versions_write(struct platform *platform, struct json_writer *writer,
                         struct error *err) MUST_USE;

/* What a rule set would change if it were in force at a moment (rule_effect.c): persons by colour
 * before and after, in all and by district, derived from the evidence of now. */
bool rule_effect_write(struct platform *platform, const struct rule_set *after, timestamp at,
                       struct json_writer *writer, struct error *err) MUST_USE;

bool rules_handle_propose(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool rules_handle_list(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool rules_handle_versions(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool rules_handle_show(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool rules_handle_public(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool rules_handle_sign(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;

enum { RULE_COMMANDS = 3 };
extern const struct command rule_commands[RULE_COMMANDS];
extern const struct sql_list rule_set_statements, rule_effect_statements;

#endif
