/* What the sim room gives the house: its tables and named statements. */
#include "sim/outbreak.h"
#include "sim/register.h"
#include "sim/sim.h"

static const struct migration migrations[] = {{"src/sim/schema/001_sim.sql"},
                                               {"src/sim/schema/002_sources.sql"}};

const struct module sim_module = {
    .name = "sim",
    .migrations = migrations,
    .migration_count = sizeof migrations / sizeof *migrations,
    .statements = (const struct sql_list *const[]){&record_statements, &register_statements,
                                                   &matter_statements, NULL},
};
