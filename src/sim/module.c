/* The sim room's entry in the list of modules. */
#include "sim/city.h"

const struct module sim_module = {
    .name = "sim",
    .statements = (const struct sql_list *const[]){&city_statements, &outbreak_statements, NULL},
};
