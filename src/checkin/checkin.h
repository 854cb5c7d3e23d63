/* checkin: the scan path. Venue codes, holders' codes, and POST /scans from bytes to a durable
 * answer without touching SQL:
 *
 *   body ─parse─► venue token ─MAC─► venue ┐
 *                 holder ─MAC─► person     ├─► status in memory ─► decision ─► day log ─► answer
 *
 * A scan is a claim of presence. It never changes a colour. What cannot be known is answered
 * `check` with its reason, never red. */
#ifndef CHENGMAI_CHECKIN_CHECKIN_H
#define CHENGMAI_CHECKIN_CHECKIN_H

#include "access/access.h"
#include "module/module.h"
#include "presence/presence.h"
#include "registry/registry.h"
#include "status/status.h"

/* Why a scan was answered as it was: bits, words and JSON name. */
#define SCAN_REASON_TABLE(X)                                                                       \
    X(REASON_RED, "red_code", "健康码为红码，请按防疫要求办理", "The health code is red")          \
    X(REASON_YELLOW, "yellow_code", "健康码为黄码，请人工核验", "The health code is yellow")       \
    X(REASON_UNKNOWN_STATUS, "status_unknown", "暂时无法核验状态，请人工核验",                     \
      "The status cannot be known now: manual check")                                              \
    X(REASON_NO_TEST, "test_missing", "没有核酸阴性记录，请人工核验",                              \
      "No negative test on record: manual check")                                                  \
    X(REASON_TEST_OLD, "test_expired", "核酸阴性已超过场所要求的时限",                             \
      "The last negative test is older than this venue asks")                                      \
    X(REASON_VENUE_CLOSED, "venue_closed", "该场所已停用", "This venue is closed")                 \
    X(REASON_LATE, "late", "离线补传", "Sent later, from an offline device")
enum scan_reason_index {
#define X(id, name, zh, en) id##_INDEX,
    SCAN_REASON_TABLE(X)
#undef X
        SCAN_REASON_COUNT
};
#define SCAN_REASON_BIT(id) ((uint16_t)(1u << id##_INDEX))

/* ---- Tokens (token.c): pure, keyed BLAKE2b, constant-time comparison */
enum { VENUE_TOKEN_BYTES = 32, VENUE_SHORT_CODE_BYTES = 16, PERSON_CODE_BYTES = 40 };
/* "v1." base64url(venue u32 | version u16 | mac 10) */
void venue_token_format(const struct keys *keys, uint32_t venue, uint16_t version,
                        char out[VENUE_TOKEN_BYTES]);
/* Ten Crockford base-32 characters and a check character, grouped "ABCDE-FGHJK-M": venue 28 bits,
 * low 4 bits of the version, mac 18 bits. For people who type. */
void venue_short_code_format(const struct keys *keys, uint32_t venue, uint16_t version,
                             char out[VENUE_SHORT_CODE_BYTES]);
/* Either form; *ret_version has only its low 4 bits where *ret_short. ERROR_BAD_VALUE names the
 * fault: form, check character, or not of this city. Versions are the caller's to compare. */
bool venue_token_parse(const struct keys *keys, struct slice text, uint32_t *ret_venue,
                       uint16_t *ret_version, bool *ret_short, struct error *err) MUST_USE;
/* What a venue's screen shows and changes: "r1." base64url(venue u32 | version u16 | issued u32 |
 * mac 10). `issued` in unix seconds of city time; its age is the caller's to check. A scan of it is
 * graded `rotating`, above a poster's `claimed`. */
void venue_rotating_format(const struct keys *keys, uint32_t venue, uint16_t version,
                           uint32_t issued, char out[VENUE_TOKEN_BYTES]);
bool venue_token_is_rotating(struct slice text);
bool venue_rotating_parse(const struct keys *keys, struct slice text, uint32_t *ret_venue,
                          uint16_t *ret_version, uint32_t *ret_issued,
                          struct error *err) MUST_USE;
/* A person's rotating code "c1." and paper code "p1.": base64url(person u32 | issued u32 | mac 10)
 */
void person_code_format(const struct keys *keys, char kind, uint32_t person, uint32_t issued,
                        char out[PERSON_CODE_BYTES]);
bool person_code_parse(const struct keys *keys, char kind, struct slice text,
                       uint32_t *ret_person, uint32_t *ret_issued, struct error *err) MUST_USE;

/* ---- The room */
struct checkin;
bool checkin_open(struct platform *platform, struct checkin **ret_checkin,
                  struct error *err) MUST_USE;
void checkin_close(struct checkin *checkin); /* accepts NULL */
/* Reads venues' versions, levels and closures again (after imports, revocations). */
bool checkin_reload_venues(struct checkin *checkin, struct error *err) MUST_USE;

/* What the room does of itself, each second: follows the event log (reads the venues again where an
 * import changed them) and, once a minute, looks for copied codes. One thread. */
bool checkin_follow(struct checkin *checkin, struct error *err) MUST_USE;
/* Looks for copied venue codes among the scans of this window and the one before: event
 * "venue.copied_code" once a venue and window. *ret_raised: new ones. */
bool checkin_watch(struct checkin *checkin, int64_t *ret_raised, struct error *err) MUST_USE;
/* Ends the venue's posters and short codes: raises its version, durable (event
 * "venue.code_revoked", audit row of `actor`) before the old code is refused. ERROR_NOT_FOUND where
 * there is no venue. */
bool checkin_revoke(struct checkin *checkin, uint32_t venue, struct slice actor,
                    struct error *err) MUST_USE;

/* Venue numbers are below this; a venue's token version, 0 where there is no such venue. */
uint32_t checkin_venue_count(const struct checkin *checkin);
uint16_t checkin_venue_version(const struct checkin *checkin, uint32_t venue);

/* The decision that a scan of this person at this venue gets at unix second `now`: the rule of the
 * scan path, without a request (demo life). False where there is no such venue. */
bool checkin_decide(const struct checkin *checkin, uint32_t venue, struct person_no person,
                    uint32_t now, struct scan_answer *ret_answer) MUST_USE;

/* ---- One scan */
struct scan_exchange {
    struct presence_append append; /* first member */
    struct checkin *checkin;
    /* Set by the caller: runs once, on the commit thread, or within scan_submit where the answer
     * needs no commit. */
    void (*answered)(struct scan_exchange *exchange);
    void *context;
    /* The answer: JSON, or a problem document where status ≥ 400. */
    int status;
    struct buffer body;
    struct error failure;
};
void scan_exchange_init(struct scan_exchange *exchange);
void scan_exchange_release(struct scan_exchange *exchange);
/* What a scan's sender shows beside the body; data NULL where absent. The session's cookie counts
 * where there is no Authorization, with its csrf, and only for a scan that asks for it: by staff,
 * or with the holder's session "current". */
struct scan_credentials {
    struct slice authorization; /* the header's value */
    struct slice device;        /* the device's cookie: bound sessions are good with it only */
    struct slice cookie;        /* the session's */
    struct slice csrf;          /* X-CSRF-Token */
};
/* `request_key` is the Idempotency-Key (empty where absent), `offline` a line of a batch. */
void scan_submit(struct checkin *checkin, const struct scan_credentials *shown,
                 struct slice request_key, struct slice body, bool offline,
                 struct scan_exchange *exchange);
/* RFC 9457 document of an error, for the scan path and the server alike. */
void problem_write(struct buffer *out, const struct error *err);

extern const struct module checkin_module;

#endif
