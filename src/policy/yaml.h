/* Strict YAML: one document becomes one JSON value. Anchors, aliases, tags, doubled keys, several
 * documents, depth over 32 and more than 1 MiB are refused with their line. */
#ifndef CHENGMAI_POLICY_YAML_H
#define CHENGMAI_POLICY_YAML_H

#include "base/base.h"

/* Plain scalars that are whole numbers, decimals, true, false or null become such; quoted ones stay
 * texts. The caller owns *ret_document. */
bool yaml_read(struct slice text, const char *source, json_t **ret_document,
               struct error *err) MUST_USE;

#endif
