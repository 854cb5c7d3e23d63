/* What of a person a reader is shown: the one field-mask function, for API, exports, lists and
 * pages alike. The mask is the role's (policies/roles.yaml, `reads`). */
#ifndef CHENGMAI_ACCESS_SHOWN_H
#define CHENGMAI_ACCESS_SHOWN_H

#include "registry/registry.h"

/* A text field as it is shown: whole; in part (张**, 3204**********002X, 138****1234, a year's
 * decade, an area's first six digits); or data NULL where it is not shown or is absent. The result
 * is `value` itself or lives in `arena`. */
struct slice shown_field(uint32_t reads, enum field field, struct slice value, struct arena *arena);

/* A person as a JSON object: person_no, name, id_number, phone, birth_year, sex, area,
 * household_no, unit_no; each as the mask says, null where it is not shown. */
void shown_person_write(struct json_writer *writer, struct platform *platform, uint32_t reads,
                        const struct person *person, struct arena *arena);
/* The comma list of fields that the mask opens (of `fields`), for the audit, in `arena`. */
struct slice shown_names(uint32_t reads, unsigned fields, struct arena *arena);
/* Statistical disclosure: of `count` counts about persons whose total is shown, hides those from 1
 * to `below` − 1, and further ones (the smallest first) until no hidden one follows from the
 * others: at least two are hidden and together they are not below `below`. Zero is shown. False
 * where that cannot be reached: the total must not be shown either. */
bool shown_counts_suppress(const int64_t *counts, bool *hidden, size_t count, int64_t below);

#endif
