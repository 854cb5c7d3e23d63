/* Inside the dossier room only. */
#ifndef CHENGMAI_DOSSIER_INTERNAL_H
#define CHENGMAI_DOSSIER_INTERNAL_H

#include "access/access.h"
#include "access/shown.h"

enum { DOSSIER_ROUTES = 19 };
extern const struct route dossier_routes[DOSSIER_ROUTES];
enum { WATCH_COMMANDS = 2 };
extern const struct command watch_commands[WATCH_COMMANDS];
extern const struct sql_list watch_statements, person_statements, person_record_statements,
    unit_statements, export_request_statements, review_statements,
    audit_search_statements;

/* Every field that a record of a person has here. */
#define PERSON_FIELDS                                                                              \
    (FIELD_BIT(FIELD_NAME) | FIELD_BIT(FIELD_ID_NUMBER) | FIELD_BIT(FIELD_PHONE) |                 \
     FIELD_BIT(FIELD_BIRTH) | FIELD_BIT(FIELD_HOME))

/* persons.c: the numbers of at most `limit` persons of the areas [first, last], in order of area
 * and number, after the place `after` (zeros: from the start) whoever is there now, into
 * numbers[limit]. */
struct person_place {
    int64_t area_no;
    uint32_t no;
};
bool person_numbers(struct sql *sql, int64_t first, int64_t last, struct person_place after,
                    int64_t limit, uint32_t *numbers, size_t *ret_count,
                    struct error *err) MUST_USE;
bool person_list_handle(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool person_show_handle(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool person_search_handle(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool dossier_no_such_person(struct error *err);
/* record.c: the person whom the path names, where that is one of the reader's; ERROR_NOT_FOUND. */
bool dossier_person(const struct request *request, int64_t *ret_person, struct error *err) MUST_USE;
bool person_stays_handle(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool person_sources_handle(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
/* units.c */
bool unit_list_handle(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;
bool unit_kinds_handle(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool unit_show_handle(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;
/* Rows under KEY_IDENTITY, apart from the other rooms'. */
#define CIPHER_EXPORT ((int64_t)7 << 59)
#define CIPHER_WATCHED ((int64_t)9 << 59)
extern const struct sql_text export_words_block, export_words_replace, export_words_plain,
    export_words_encrypt, watch_words_block, watch_words_replace, watch_words_plain,
    watch_words_encrypt;
/* exports.c */
bool export_request_handle(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool export_list_handle(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool export_approve_handle(const struct request *request, struct response *response,
                           struct error *err) MUST_USE;
bool export_refuse_handle(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool export_file_handle(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
/* Names the export that a row's watermark belongs to; ERROR_NOT_FOUND where it is not ours. */
bool export_watermark_find(struct platform *platform, struct slice mark, int64_t *ret_export_no,
                           int64_t *ret_row, struct error *err) MUST_USE;
/* review.c */
bool own_accesses_handle(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool person_looks_handle(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool oddities_handle(const struct request *request, struct response *response,
                     struct error *err) MUST_USE;
/* audit_search.c */
bool audit_search_handle(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool audit_head_handle(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool watermark_handle(const struct request *request, struct response *response,
                      struct error *err) MUST_USE;

#endif
