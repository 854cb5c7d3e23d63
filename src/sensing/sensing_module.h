/* The sensing room's entry in the list of modules. */
#ifndef CHENGMAI_SENSING_SENSING_MODULE_H
#define CHENGMAI_SENSING_SENSING_MODULE_H

#include "module/module.h"

extern const struct module sensing_module;

#endif
