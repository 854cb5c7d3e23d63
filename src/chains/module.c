/* The chains room's entry in the list of modules. */
#include "chains/chains_internal.h"

const struct module chains_module = {
    .name = "chains",
    .routes = chain_routes,
    .route_count = CHAIN_ROUTES,
    .statements = (const struct sql_list *const[]){&link_statements, &delay_statements, NULL},
};
