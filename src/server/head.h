/* head: what the head of a request says, and what it must not say.
 *
 * A request that two readers could take for two different ones (two lengths, a length and chunks, a
 * path with dots) is how a request is smuggled past a proxy. Such a request is refused, and its
 * connection ends with it: nothing that follows on it is read. */
#ifndef CHENGMAI_SERVER_HEAD_H
#define CHENGMAI_SERVER_HEAD_H

#include <microhttpd.h>

#include "base/base.h"

/* Values live as long as the request; data NULL where the header is absent. */
struct request_head {
    struct slice authorization, cookie, csrf, purpose, idempotency_key, if_none_match;
    struct slice content_length, transfer_encoding, host, expect, content_type;
    struct slice client_address; /* X-Real-IP: to be believed from a trusted proxy only */
    const char *fault;           /* NULL: none */
};

/* Reads the headers into `head` (one pass). ERROR_SYNTAX where the framing or a header is not
 * acceptable, ERROR_BAD_VALUE where `url` (raw, without its query) is not, ERROR_NOT_FOUND where it
 * is a second spelling of a path (dots, empty segments, escaped separators). */
bool request_head_read(struct MHD_Connection *connection, const char *url, const char *version,
                       struct request_head *head, struct error *err) MUST_USE;
/* The same of headers one by one, and of a path: for the reader and its tests. */
void request_head_add(struct request_head *head, struct slice name, struct slice value);
bool request_head_check(const struct request_head *head, const char *version,
                        struct error *err) MUST_USE;
bool request_path_check(struct slice path, struct error *err) MUST_USE;

#endif
