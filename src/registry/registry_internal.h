/* Inside the registry room only. */
#ifndef CHENGMAI_REGISTRY_INTERNAL_H
#define CHENGMAI_REGISTRY_INTERNAL_H

#include "registry/registry.h"

extern const struct sql_list registry_statements, area_statements, import_statements,
    kind_statements, export_statements;
extern const struct import_kind *const registry_import_kinds[];

#endif
