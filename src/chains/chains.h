/* chains: how a case may hang together with others: who may have infected it, whom it may have
 * infected, generation by generation, and how long each took from onset to isolation. */
#ifndef CHENGMAI_CHAINS_CHAINS_H
#define CHENGMAI_CHAINS_CHAINS_H

#include "module/module.h"

struct chains;
/* Reads policies/chains.yaml. */
bool chains_open(struct platform *platform, struct chains **ret_chains, struct error *err) MUST_USE;
void chains_close(struct chains *chains); /* accepts NULL */

extern const struct module chains_module;

#endif
