/* The tracing room's entry in the list of modules. */
#include "tracing/tracing_internal.h"

const struct module tracing_module = {
    .name = "tracing",
    .routes = tracing_routes,
    .route_count = TRACING_ROUTES,
    .commands = tracing_commands,
    .command_count = TRACING_COMMANDS,
    .statements = tracing_case_statements,
    .statement_count = TRACING_CASE_STATEMENTS,
};
