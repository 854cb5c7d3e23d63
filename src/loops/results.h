/* POST /results and /results:batch. Inside the loops room only. */
#ifndef CHENGMAI_LOOPS_RESULTS_H
#define CHENGMAI_LOOPS_RESULTS_H

#include "module/module.h"

bool results_handle(const struct request *request, struct response *response,
                    struct error *err) MUST_USE;
/* One result a line; an answer a line. */
bool results_handle_batch(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;

#endif
