/* The policy room's entry in the list of modules. */
#ifndef CHENGMAI_POLICY_MODULE_H
#define CHENGMAI_POLICY_MODULE_H

#include "module/module.h"

extern const struct module policy_module;

/* `policy relief` (relief_commands.c) */
int policy_run_relief(struct command_context *context, int argc, char **argv, struct error *err);

#endif
