/* The handlers of the scenes' routes (catalogue.c). */
#ifndef CHENGMAI_LOOPS_CATALOGUE_H
#define CHENGMAI_LOOPS_CATALOGUE_H

#include "module/module.h"

bool scenes_handle_all(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool scenes_handle_one(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool scenes_handle_diagram(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;

#endif
