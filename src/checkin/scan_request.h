/* The body of POST /scans, read by a streaming parser without touching the heap. */
#ifndef CHENGMAI_CHECKIN_SCAN_REQUEST_H
#define CHENGMAI_CHECKIN_SCAN_REQUEST_H

#include "presence/presence.h"

/* How a person is named; exactly one is given. */
#define HOLDER_FORM_TABLE(X)                                                                       \
    X(HOLDER_SESSION, "session")                                                                   \
    X(HOLDER_CODE, "code")                                                                         \
    X(HOLDER_PAPER_CODE, "paper_code")                                                             \
    X(HOLDER_ID_NUMBER, "id_number")                                                               \
    X(HOLDER_MEMBER, "member") /* of companions: whom the holder represents */
enum holder_form {
    HOLDER_NONE,
#define X(id, name) id,
    HOLDER_FORM_TABLE(X)
#undef X
        HOLDER_FORM_COUNT
};

enum { SCAN_TEXT_BYTES = 4096 };

struct scan_holder {
    enum holder_form form;
    struct slice text;
};
enum scan_direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_PASS };

struct scan_request {
    struct slice venue_token;
    struct scan_holder holder;
    struct scan_holder companions[PRESENCE_COMPANIONS_MAX];
    size_t companion_count;
    enum scan_direction direction;
    timestamp client_time; /* TIMESTAMP_NONE where absent */
    struct slice client_id;
    /* texts live here */
    char texts[SCAN_TEXT_BYTES];
    size_t text_bytes;
};

/* Fills *ret_request (large: reuse it). Refusals name the field. */
bool scan_request_parse(struct slice body, struct scan_request *ret_request,
                        struct error *err) MUST_USE;

#endif
