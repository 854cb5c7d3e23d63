/* What the sim room gives the house: its tables and named statements. */
#include "sim/outbreak.h"
#include "sim/sim.h"

static const struct migration migrations[] = {{"src/sim/schema/001_sim.sql"}};

const struct module sim_module = {
    .name = "sim",
    .migrations = migrations,
    .migration_count = 1,
    .statements = record_statements,
    .statement_count = RECORD_STATEMENTS,
};
