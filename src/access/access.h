/* access: who may do what. Users with roles and areas, tokens and sessions, holders' sessions, and
 * the gate that decides before a handler runs. Default is to deny. */
#ifndef CHENGMAI_ACCESS_ACCESS_H
#define CHENGMAI_ACCESS_ACCESS_H

#include "module/module.h"
#include "policy/permissions.h"
#include "policy/policy.h"

struct access;
bool access_open(struct platform *platform, struct access **ret_access, struct error *err) MUST_USE;
void access_close(struct access *access); /* accepts NULL */

/* Inside a job: a user with one role in one area. Password hashed by Argon2id (NULL: no password,
 * tokens only). ERROR_CONFLICT where the name exists. */
bool access_user_add(struct sql *sql, struct access *access, struct slice name, struct slice role,
                     int64_t area_no, const char *password, int64_t *ret_user_no,
                     struct error *err) MUST_USE;
/* The number of a user; 0 where there is none of that name. */
bool access_user_by_name(struct sql *sql, struct slice name, int64_t *ret_user_no,
                         struct error *err) MUST_USE;
/* Inside a job: whom the user answers to, by name. ERROR_BAD_VALUE where there is no such user
 * or the line would go round. */
bool access_user_set_lead(struct sql *sql, int64_t user_no, struct slice lead,
                          struct error *err) MUST_USE;
/* Whether two users stand in one line: the same one, one above the other, or of the same direct
 * lead. Who does must not approve for the other. */
bool access_same_line(struct sql *sql, int64_t a, int64_t b, bool *ret_same,
                      struct error *err) MUST_USE;
/* Whether two users are one human as far as the register knows (`user person`): the same user, or
 * users of the same person. Where two hands are asked for, two accounts of one human are one. */
bool access_same_human(struct sql *sql, int64_t a, int64_t b, bool *ret_same,
                       struct error *err) MUST_USE;
/* The person that a user is; 0: not known. */
bool access_user_person(struct sql *sql, int64_t user_no, int64_t *ret_person_no,
                        struct error *err) MUST_USE;
/* Whether one of two users is above the other. */
bool access_is_led(struct sql *sql, int64_t a, int64_t b, bool *ret_led,
                   struct error *err) MUST_USE;
/* A further bearer token of a user (inside a job), valid `days` days, into out[]. */
enum { ACCESS_TOKEN_BYTES = 64 };
bool access_token_issue(struct sql *sql, struct access *access, struct slice user, int days,
                        char out[ACCESS_TOKEN_BYTES], struct error *err) MUST_USE;
/* True where at least one user with a password exists (other addresses than loopback need it). */
bool access_has_users(struct access *access);

/* Log-in: a session's token into out[], and the device's mark for the next time into out_device[].
 * The same words for every fault; after five failures a growing wait, at most two minutes, apart
 * for strangers and for each device that the user came from before. ERROR_UNAUTHENTICATED with
 * field `code` where all is right but the second factor is missing. Slow. */
enum { ACCESS_DEVICE_BYTES = 3 + 43 + 1 }; /* "d1." and 32 bytes in base64url */
struct login_attempt {
    struct slice name;
    const char *password;
    struct slice code;   /* of the second factor; data NULL where not given */
    struct slice device; /* the mark that the device keeps; data NULL where it has none */
};
bool access_login(struct access *access, const struct login_attempt *attempt,
                  char out[ACCESS_TOKEN_BYTES], char out_device[ACCESS_DEVICE_BYTES],
                  struct error *err) MUST_USE;
/* The mark of the device whose cookie is `device`: the same where it was made here, else (also with
 * data NULL) a new one. 16 random bytes and their MAC. */
void access_device_mark(const struct access *access, struct slice device,
                        char out[ACCESS_DEVICE_BYTES]);
/* Whose hand a command is: the user of that name, proved by the password on the next line of `fd`
 * and, where there is a second factor, its code on the line after. No session is left behind. */
bool access_prove(struct access *access, struct slice name, int fd, struct actor *ret_actor,
                  struct error *err) MUST_USE;
/* Inside a job: gives the user a new second factor (RFC 6238); its secret in base32 into out[],
 * shown once. */
enum { ACCESS_FACTOR_BYTES = 64 };
bool access_factor_set(struct sql *sql, struct access *access, int64_t user_no,
                       char out[ACCESS_FACTOR_BYTES], struct error *err) MUST_USE;

/* Inside a job; ERROR_NOT_FOUND where there is no such user. */
bool access_user_number(struct sql *sql, struct slice name, int64_t *ret_user_no,
                        struct error *err) MUST_USE;
/* The same within the jurisdiction of who asks: a user elsewhere is not there. */
bool access_user_within(struct sql *sql, struct slice name, const struct actor *actor,
                        int64_t *ret_user_no, struct error *err) MUST_USE;
/* Inside a job: says which person of the register a user is, so that reads of the own household are
 * seen by reviewers. */
bool access_user_is(struct sql *sql, struct slice name, uint32_t person_no,
                    struct error *err) MUST_USE;
/* Inside a job: the unit that a user serves in; 0: none. */
bool access_user_serves(struct sql *sql, struct slice name, int64_t unit_no,
                        struct error *err) MUST_USE;
/* All users, by number, into the arena. */
struct access_user {
    int64_t user_no, lead_no, area_no, person_no, unit_no;
    char role[40];
    timestamp duty_until; /* TIMESTAMP_NEVER: open */
};
bool access_users(struct sql *sql, struct arena *arena, struct access_user **ret_users,
                  size_t *ret_count, struct error *err) MUST_USE;
/* The role of a user, "" where there is none. */
bool access_user_role(struct sql *sql, int64_t user_no, char out[40], struct error *err) MUST_USE;
/* Whom the user answers to; 0: nobody. */
bool access_user_lead(struct sql *sql, int64_t user_no, int64_t *ret_lead_no,
                      struct error *err) MUST_USE;
/* The name of a user, "" where there is none. */
enum { ACCESS_NAME_BYTES = 64 };
bool access_user_name(struct sql *sql, int64_t user_no, char out[ACCESS_NAME_BYTES],
                      struct error *err) MUST_USE;
/* The highest number of a user; 0 where none. */
bool access_user_last(struct sql *sql, int64_t *ret_user_no, struct error *err) MUST_USE;
/* Changes whenever what a user may do has changed. */
uint64_t access_generation(struct access *access);
/* A user's transfer (role and area) or the end of the duty (TIMESTAMP_NONE: open). What the user
 * could do before ends at once, with all tokens where it is a transfer or the end has come. `by` is
 * audited. */
struct user_change {
    struct slice name;
    struct slice role; /* data NULL: the duty's end changes, else role and area */
    int64_t area_no;
    timestamp duty_until;
    int64_t by_first, by_last; /* the jurisdiction of who changes it: others are not there */
};
bool access_user_change(struct access *access, const struct user_change *change, struct slice by,
                        struct error *err) MUST_USE;
/* Ends a user's token or session: durable, and refused from now on. */
bool access_logout(struct access *access, struct slice token, struct error *err) MUST_USE;
/* Removes tokens and ended sessions that have expired. */
bool access_prune(struct access *access, struct error *err) MUST_USE;
/* What a cookie session must send as X-CSRF-Token. */
void access_csrf(const struct access *access, struct slice token, char out[48]);
/* Compares in constant time. */
bool access_csrf_fits(const struct access *access, struct slice token, struct slice csrf);
/* Forgets resolved tokens: after a user's or role's change. */
void access_forget_cached(struct access *access);

/* Resolves "Authorization: Bearer …" (user token or holder session) or the session cookie into an
 * actor; ACTOR_NONE where neither was sent. `device` is the device's cookie, which a bound holder
 * session needs (data NULL where there is none). ERROR_UNAUTHENTICATED where it is not good.
 * Cached: no SQL for a token seen before (ended ones leave the cache at once). */
bool access_actor(struct access *access, struct slice authorization, struct slice cookie,
                  struct slice device, struct actor *ret_actor, struct error *err) MUST_USE;
/* Whether an actor holds a loop, asked where X-Purpose names one; the loops room answers.
 * *ret_person_no: whom the loop is about, 0 where that is no person. */
typedef bool access_loop_holder(struct platform *platform, const struct actor *actor,
                                int64_t loop_no, bool *ret_holds, int64_t *ret_person_no,
                                struct error *err);
void access_ask_loops(struct access *access, access_loop_holder *holds);
/* The gate: ERROR_UNAUTHENTICATED, ERROR_FORBIDDEN or ERROR_PURPOSE, or true. Broken glass widens
 * the actor's area to the city. */
bool access_gate(struct access *access, const struct route *route, struct actor *actor,
                 struct slice purpose, struct error *err) MUST_USE;

/* Whether a person is the actor's to read: by home, stay, report or own unit as the role's `where`
 * says, or because the purpose is a loop about that very person. *ret_area_no: of the home, 0 where
 * there is no such person (who is within nobody's). domain.md §11. */
bool access_person_within(struct platform *platform, struct sql *sql, const struct actor *actor,
                          int64_t person_no, int64_t *ret_area_no, bool *ret_within,
                          struct error *err) MUST_USE;
/* The range of ?area=CODE, the reader's own where it is absent; ERROR_FORBIDDEN where it is not
 * within that. */
bool access_area_asked(const struct request *request, int64_t *ret_first, int64_t *ret_last,
                       struct error *err) MUST_USE;

/* The reason of the broken glass that an audit record's purpose names ("glass:NUMBER"), for who
 * reviews its area; data NULL where the purpose names none, or where its key was destroyed. */
bool access_glass_reason(struct sql *sql, const struct actor *reviewer, struct slice purpose,
                         struct arena *arena, struct slice *ret_reason, struct error *err) MUST_USE;

/* ---- What an answer opens of whom (opened.c) */

/* One audit record, and a row with the persons beside the one it names, so that each can be told
 * who looked. On disk before the answer leaves. `subject_no`: whom it is about (0: the only person,
 * or nobody in particular). */
bool access_opened(const struct request *request, const char *act, int64_t subject_no,
                   const uint32_t *persons, size_t count, struct slice fields,
                   struct error *err) MUST_USE;
/* Inside a job: the same for what was done to persons, in the transaction that did it. `arena`
 * lives as long as the job. */
bool access_record(struct sql *sql, const struct audit_entry *entry, const uint32_t *persons,
                   size_t count, struct arena *arena, struct error *err) MUST_USE;
/* A job of the server, once a minute, and before a person is told: puts what lists opened under
 * each person. */
bool access_spread_seen(struct platform *platform, struct error *err) MUST_USE;

/* ---- Holder sessions: stateless, signed, so that the scan path touches no SQL.
 * "h1." base64url(person u32 | issued u32 | expires u32 | epoch u8 | nonce u8[7] | mac 16): whoever
 * has the text has the session, so that it is good in demo cities only.
 * "h2.", the same numbers: the MAC also covers the mark of one device, which the text does not hold
 * (ACCESS_DEVICE_BYTES, in an HttpOnly cookie). A copy of the text is worth nothing elsewhere. */
enum { HOLDER_SESSION_BYTES = 72 };
void access_holder_session(const struct access *access, uint32_t person_no, uint8_t epoch,
                           uint32_t issued, uint32_t expires, uint64_t nonce,
                           char out[HOLDER_SESSION_BYTES]);
/* Binds a session of access_holder_session to a device, in place. */
void access_holder_bind(const struct access *access, const char device[ACCESS_DEVICE_BYTES],
                        char session[HOLDER_SESSION_BYTES]);
/* Whether a token has the form of a holder's session: nothing is said of its being good. */
bool access_is_holder_session(struct slice token);
/* ERROR_UNAUTHENTICATED where it is not authentic, is bound to another device than the one whose
 * cookie `device` is (data NULL: none came), was ended, or has expired at unix second `now`; the
 * same words for a false one and one of another device. The epoch is the caller's to compare with
 * the status table's. */
bool access_holder_verify(const struct access *access, struct slice session, struct slice device,
                          uint32_t now, uint32_t *ret_person_no, uint8_t *ret_epoch,
                          struct error *err) MUST_USE;

/* Ends one session before its time, durably; by its own device where it is bound. */
bool access_holder_end(struct access *access, struct slice session, struct slice device,
                       struct error *err) MUST_USE;

/* ---- Identity providers: who a holder is (identity_provider.c) */
struct identity_claim {
    struct slice id_number; /* data NULL where not given */
    int64_t person_no;      /* 0 where not given */
};
struct identity_provider {
    const char *name;
    bool is_stub, demo_only;
    const char *words_zh, *words_en; /* what it is, for people */
    /* The person of a claim; 0 where it knows none. */
    bool (*identify)(struct platform *platform, const struct identity_claim *claim,
                     uint32_t *ret_person_no, struct error *err);
};
/* Those of this city, NULL at the end. */
const struct identity_provider *access_identity_provider(const struct platform *platform,
                                                         size_t index);
/* ERROR_REFUSED where the city has no provider of that name. */
bool access_identify(struct platform *platform, struct slice provider,
                     const struct identity_claim *claim, uint32_t *ret_person_no,
                     struct error *err) MUST_USE;

extern const struct module access_module;

#endif
