/* The policy room's entry in the list of modules. */
#ifndef CHENGMAI_POLICY_MODULE_H
#define CHENGMAI_POLICY_MODULE_H

#include "module/module.h"

extern const struct module policy_module;

#endif
