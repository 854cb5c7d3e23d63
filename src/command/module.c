/* The command room's entry in the list of modules. */
#include "command/command_internal.h"

static const struct migration migrations[] = {{"src/command/schema/001_counters.sql"},
                                              {"src/command/schema/002_past.sql"}};
static const struct sql_list statements =
    SQL_LIST(&counter_select, &counter_clear, &counter_clear_from, &counter_set, &counter_add,
             &counter_prune, &refresh_cases, &refresh_evidence, &refresh_venues, &refresh_persons,
             &refresh_person_last, &nowcast_reports);

const struct module command_module = {
    .name = "command",
    .migrations = migrations,
    .migration_count = 2,
    .routes = command_routes,
    .route_count = COMMAND_ROUTES,
    .commands = command_commands,
    .command_count = COMMAND_COMMANDS,
    .statements = (const struct sql_list *const[]){&statements, &past_statements, NULL},
};
