/* Inside the registry room only. */
#ifndef CHENGMAI_REGISTRY_INTERNAL_H
#define CHENGMAI_REGISTRY_INTERNAL_H

#include "registry/registry.h"

extern const struct sql_list registry_statements, area_statements, import_statements,
    kind_statements, export_statements;
extern const struct import_kind *const registry_import_kinds[];

/* No number up to `no` is handed out again for that kind within that scope (inside a job). */
bool registry_keep_floor(struct sql *sql, int64_t kind, int64_t scope, int64_t no,
                         struct error *err) MUST_USE;
/* The highest number of a table or of what was once in it, as a query. */
#define HIGHEST_NUMBER(key, table, kind)                                                           \
    "SELECT coalesce(max(n), 0) FROM (SELECT max(" key ") AS n FROM " table                        \
    " UNION ALL SELECT no FROM number_floor WHERE kind = " kind " AND scope = 0)"

enum { REGISTRY_ROUTES = 1 };
extern const struct route registry_routes[REGISTRY_ROUTES];

#endif
