/* The demo city's logins. Inside the sim room. */
#ifndef CHENGMAI_SIM_USERS_H
#define CHENGMAI_SIM_USERS_H

#include "module/module.h"

/* One user for every role in the city and in two districts, with passwords drawn anew; those of the
 * city are written to `out` and kept for the log-in page. */
bool users_build(struct platform *platform, FILE *out, struct error *err) MUST_USE;

#endif
