/* Fault sweep and named injection points. State is atomic: durable paths run on several threads. */
#include "base/fault.h"

const char *const fault_point_names[FAULT_POINT_COUNT] = {
#define X(name) #name,
    FAULT_POINT_TABLE(X)
#undef X
};

#ifdef CHENGMAI_FAULTS
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_long steps_left = -1;
static atomic_uint step_mask;
static atomic_bool step_hit;

bool fault_step(enum fault_step_kind kind)
{
    if (!(atomic_load(&step_mask) & (unsigned)kind))
        return false;
    if (atomic_fetch_sub(&steps_left, 1) != 0)
        return false;
    atomic_store(&step_hit, true);
    return true;
}

void fault_arm(long k, unsigned mask)
{
    atomic_store(&step_hit, false);
    atomic_store(&steps_left, k);
    atomic_store(&step_mask, mask);
}

bool fault_disarm(void)
{
    atomic_store(&step_mask, 0);
    return atomic_load(&step_hit);
}

bool fault_at(enum fault_point point, struct error *err)
{
    static atomic_int passed[FAULT_POINT_COUNT];
    const char *plan = getenv("CHENGMAI_FAULT");
    size_t length = strlen(fault_point_names[point]);
    if (!plan || strncmp(plan, fault_point_names[point], length) != 0 || plan[length] != ':')
        return true;
    char act[16] = "";
    int at = 1;
    if (sscanf(plan + length + 1, "%15[a-z]:%d", act, &at) < 1)
        return true;
    if (atomic_fetch_add(&passed[point], 1) + 1 != at)
        return true;
    if (strcmp(act, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(act, "wait") == 0)
        sleep(1);
    if (strcmp(act, "error") == 0)
        return error_set(err, ERROR_IO, (struct error_place){.source = fault_point_names[point]},
                         NULL, "injected fault");
    return true;
}
#endif
