/* The tracing room's entry in the list of modules. */
#include "tracing/tracing_internal.h"

const struct module tracing_module = {
    .name = "tracing",
    .routes = tracing_routes,
    .route_count = TRACING_ROUTES,
    .commands = tracing_commands,
    .command_count = TRACING_COMMANDS,
    .statements = (const struct sql_list *const[]){&case_statements, &trace_statements, NULL},
};
