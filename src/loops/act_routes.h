/* The handlers of acts (act_routes.c). */
#ifndef CHENGMAI_LOOPS_ACT_ROUTES_H
#define CHENGMAI_LOOPS_ACT_ROUTES_H

#include "module/module.h"

/* The number in the path; ERROR_NOT_FOUND where it is none (routes.c). */
bool loop_path_number(const struct request *request, int64_t *ret_no, struct error *err) MUST_USE;
bool loop_handle_advance(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool loop_handle_sign(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;
bool loop_handle_claim(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool loop_handle_note(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;
bool loop_handle_take(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;
bool loop_handle_open(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;
bool loop_handle_advance_many(const struct request *request, struct response *response,
                              struct error *err) MUST_USE;

#endif
