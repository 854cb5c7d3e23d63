/* The handlers of the scenes' routes (catalogue.c, proofs.c). */
#ifndef CHENGMAI_LOOPS_CATALOGUE_H
#define CHENGMAI_LOOPS_CATALOGUE_H

#include "module/module.h"

bool scenes_handle_all(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool scenes_handle_one(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool scenes_handle_diagram(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
struct definition;
/* The version that is asked for, else the one that opens; ERROR_NOT_FOUND. */
bool scene_asked(const struct request *request, const struct definition **ret_definition,
                 struct error *err) MUST_USE;

bool scenes_handle_proofs(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool scenes_handle_versions(const struct request *request, struct response *response,
                            struct error *err) MUST_USE;
bool scenes_handle_document(const struct request *request, struct response *response,
                            struct error *err) MUST_USE;

#endif
