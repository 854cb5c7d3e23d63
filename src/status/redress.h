/* Redress: overrides, notices, appeals. Inside the status room only.
 *
 *   officer: POST /persons/{no}/overrides ─► open ─┬─ two approvals ─► evidence "override" ─►
 * notice
 *                                                  └─ one refusal  ─► refused
 *   person:  GET /me/notices ─► POST /me/appeals ─► open (24 h) ─┬─ granted: names the annulment or
 *                                                                │   override that is to follow
 *                                                                └─ rejected, with words
 * None of it sets a colour: what changes a status is evidence, added by evidence_add. */
#ifndef CHENGMAI_STATUS_REDRESS_H
#define CHENGMAI_STATUS_REDRESS_H

#include "status/status_internal.h"

enum { REDRESS_WORDS_MAX = 2000 };
/* Keeps the ciphers of the tables apart (keys.h: a cipher is bound to its row). */
enum redress_words {
    WORDS_OF_OVERRIDE = 2,
    WORDS_OF_REFUSAL = 3, /* of an override: there is one at most */
    WORDS_OF_APPEAL = 4,
    WORDS_OF_DECISION = 6
};
enum { WORDS_SHIFT = 59, REDRESS_CIPHERS = 4, REDRESS_PLAINS = 1 };
extern const struct cipher_column redress_ciphers[REDRESS_CIPHERS];
extern const struct plain_column redress_plains[REDRESS_PLAINS];
struct slice redress_encrypt(const struct sql *sql, enum redress_words kind, int64_t no,
                             struct slice plain, struct arena *arena);
bool redress_decrypt(const struct sql *sql, enum redress_words kind, int64_t no,
                     struct slice cipher, struct arena *arena, struct slice *ret_plain,
                     struct error *err) MUST_USE;
/* Words of people in a body: 1 to 2000 bytes that are not all blank. */
bool redress_words(json_t *body, const char *field, struct slice *ret_words,
                   struct error *err) MUST_USE;
/* The first parameter of the path. ERROR_NOT_FOUND where it is no number. */
bool redress_number(const struct request *request, int64_t *ret_no, struct error *err) MUST_USE;
/* An audit row of the request's actor, inside a job. */
bool redress_audit(struct sql *sql, const struct request *request, const char *act,
                   int64_t person, const char *fields, struct error *err) MUST_USE;
/* Keeps the trace of a try that was refused: an audit row of its own. Always false, `err` stays. */
bool redress_refused(const struct request *request, const char *act, int64_t person,
                     struct error *err) MUST_USE;
/* Whom a list shows: each of them can be told who looked. */
struct redress_seen {
    const struct request *request;
    uint32_t *persons; /* room for the limit of the request, in its arena */
    size_t count;
};
void redress_seen_init(struct redress_seen *seen, const struct request *request, int64_t limit);
/* One audit record for the answer, traced at each person, before it leaves. */
bool redress_seen_record(const struct redress_seen *seen, const char *act,
                         struct error *err) MUST_USE;
/* "area": what the reader is shown of where the person lives; null where that is nothing. */
void redress_home(struct json_writer *writer, const struct request *request, int64_t area_no);
/* An event about a person with {"id":no} as its payload, inside a job. */
bool redress_emit(struct sql *sql, const char *kind, int64_t person, int64_t area_no, int64_t no,
                  struct error *err) MUST_USE;
/* The same with a payload of its own, a JSON object. */
bool redress_emit_with(struct sql *sql, const char *kind, int64_t person, int64_t area_no,
                       const char *payload, struct error *err) MUST_USE;
/* After a write: the table follows at once. */
bool redress_follow(const struct request *request, struct error *err) MUST_USE;

bool override_handle_request(const struct request *request, struct response *response,
                             struct error *err) MUST_USE;
bool override_handle_list(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool override_handle_approve(const struct request *request, struct response *response,
                             struct error *err) MUST_USE;
bool override_handle_refuse(const struct request *request, struct response *response,
                            struct error *err) MUST_USE;
/* Items of an open array: what was asked for and decided about a person, newest first, at most
 * REDRESS_SHOWN. */
enum { REDRESS_SHOWN = 100 };
bool override_write_of_person(const struct request *request, struct sql *sql, int64_t person,
                              struct json_writer *writer, struct error *err) MUST_USE;
bool appeal_write_of_person(const struct request *request, struct sql *sql, int64_t person,
                            struct json_writer *writer, struct error *err) MUST_USE;
/* record.c */
bool evidence_handle_list(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool redress_handle_list(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
bool notices_handle(const struct request *request, struct response *response,
                    struct error *err) MUST_USE;
bool appeal_handle_file(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool appeal_handle_own(const struct request *request, struct response *response,
                       struct error *err) MUST_USE;
bool appeal_handle_list(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool appeal_handle_annul(const struct request *request, struct response *response,
                         struct error *err);
bool appeal_handle_decide(const struct request *request, struct response *response,
                          struct error *err) MUST_USE;
bool family_handle_join(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool family_handle_list(const struct request *request, struct response *response,
                        struct error *err) MUST_USE;
bool family_handle_leave(const struct request *request, struct response *response,
                         struct error *err) MUST_USE;
/* Inside a job: that the request's holder represents the member now (ERROR_NOT_FOUND), with the
 * act's audit row. */
bool status_represent(struct sql *sql, const struct request *request, const char *act,
                      int64_t member, const char *fields, struct error *err) MUST_USE;
/* Inside an object: what GET /me shows of a person. */
void status_own_fields(struct json_writer *writer, struct status_entry entry);
/* Emits "appeal.overdue" once for each open appeal past its time. */
bool appeals_tick(struct platform *platform, struct error *err) MUST_USE;

extern const struct sql_list override_statements, appeal_statements, redress_statements,
    family_statements, evidence_case_statements;

#endif
