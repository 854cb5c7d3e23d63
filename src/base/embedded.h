/* Files built into the binary: policies/, scenes/, web/dist/, schema and data of the rooms. */
#ifndef CHENGMAI_BASE_EMBEDDED_H
#define CHENGMAI_BASE_EMBEDDED_H

#include "base/text.h"

struct embedded_file {
    const char *name; /* path from the source root: "policies/roles.yaml" */
    struct slice content;
};
/* NULL where there is none of that name. */
const struct embedded_file *embedded_find(const char *name);
/* All, ordered by name. */
const struct embedded_file *embedded_all(size_t *ret_count);

#endif
