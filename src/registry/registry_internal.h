/* Inside the registry room only. */
#ifndef CHENGMAI_REGISTRY_INTERNAL_H
#define CHENGMAI_REGISTRY_INTERNAL_H

#include "registry/registry.h"

extern const struct sql_text *const registry_statements[];
extern const size_t registry_statement_count;
extern const struct import_kind *const registry_import_kinds[];

#endif
