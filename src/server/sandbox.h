/* sandbox: what the serving process gives up. */
#ifndef CHENGMAI_SERVER_SANDBOX_H
#define CHENGMAI_SERVER_SANDBOX_H

#include "base/base.h"

/* What every server gives up: core dumps (they would hold keys and persons) and new privileges. */
void sandbox_prepare(void);
/* What a server may need beyond that to send notices: to dial sockets of this machine; the network
 * (which includes them). */
enum { SANDBOX_DIALS_LOCAL = 1, SANDBOX_DIALS_NETWORK = 2 };
/* Leaves this process and all its threads only the system calls that serving needs, for good: no
 * new program, process, socket (but for `needs`) or executable memory. A forbidden call writes one
 * line to the log and ends the process by SIGSYS. ERROR_ENVIRONMENT where the kernel has no seccomp
 * filters. */
bool sandbox_enter(unsigned needs, struct error *err) MUST_USE;

#endif
