/* Rows of duties and absences, and the handlers of their routes (duties.c). */
#ifndef CHENGMAI_LOOPS_DUTIES_H
#define CHENGMAI_LOOPS_DUTIES_H

#include "module/module.h"

struct duty_row {
    struct slice name, delegate; /* users; delegate data NULL: nobody stands in */
    timestamp from, until;
    bool absent; /* an absence, else a row of the table of duties */
};
/* Durable when it returns. `by` is audited; `within`: whose area the users must belong to (NULL:
 * every area). ERROR_NOT_FOUND, ERROR_BAD_VALUE. */
bool duty_put(struct platform *platform, const struct duty_row *row, struct slice by,
              const struct actor *within, int64_t *ret_no, struct error *err) MUST_USE;

bool duties_handle_list(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool duties_handle_add(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool duties_handle_remove(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool absences_handle_add(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool absences_handle_remove(const struct request *request, struct response *response,
                            struct error *err) MUST_USE;

#endif
