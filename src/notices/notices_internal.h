/* Inside the notices room only. */
#ifndef CHENGMAI_NOTICES_INTERNAL_H
#define CHENGMAI_NOTICES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "notices/notices.h"

/* ---- Kinds: what is told */
#define NOTICE_KIND_TABLE(X)                                                                       \
    X(NOTICE_OWNER, "owner", "待办", "To do")              /* a loop is yours from now on */       \
    X(NOTICE_TOLD, "told", "上报", "Escalated")            /* a loop was escalated to you */       \
    X(NOTICE_OVERDUE, "overdue", "逾期", "Overdue")        /* a loop of yours is late */           \
    X(NOTICE_CLOSED, "closed", "办结", "Closed")           /* a loop that you opened has ended */  \
    X(NOTICE_GLASS, "glass", "紧急调阅", "Glass broken")   /* by who answers to you */             \
    X(NOTICE_OVERRIDE, "override", "人工赋码", "Override") /* asked for by who answers to you */   \
    X(NOTICE_DIGEST, "digest", "汇总", "Digest")           /* what was more than a minute's bound */
enum notice_kind {
#define X(id, name, zh, en) id,
    NOTICE_KIND_TABLE(X)
#undef X
        NOTICE_KINDS
};
struct notice_kind_words {
    const char *name, *zh, *en;
};
extern const struct notice_kind_words notice_kinds[NOTICE_KINDS];

/* ---- Settings (settings.c) */
enum { LADDER_MAX = 16, CHANNEL_ROLES_MAX = 32, URL_BYTES = 300, SECRET_BYTES_MAX = 512 };
struct channel_settings {
    bool on, tls_required;
    char url[URL_BYTES];
    char resolve[URL_BYTES]; /* "HOST:PORT:ADDRESS" for libcurl, "" where the host is literal */
    char socket[108], ca_file[200], secret[200], from[200], login[100];
    unsigned kinds; /* bit by kind */
    char roles[CHANNEL_ROLES_MAX][40];
    size_t role_count; /* 0: all */
    int64_t ladder[LADDER_MAX];
    size_t ladder_count;
    int64_t timeout_seconds, at_once;
};
struct notice_settings {
    int64_t apart_per_minute, days;
    char link[URL_BYTES];
    struct channel_settings channels[NOTICE_CHANNELS];
};
/* The whole document is checked; nothing is taken where something is wrong. */
bool notice_settings_read(json_t *document, struct notice_settings *ret_settings,
                          struct error *err) MUST_USE;
/* The days of class `notices` from a document of policies/retention.yaml. */
bool notice_days_read(json_t *document, int64_t *ret_days, struct error *err) MUST_USE;
/* "file:/PATH", "environment:NAME" or "credential:NAME" without blanks around it; at least
 * `bytes_min` bytes. ERROR_ENVIRONMENT where it is missing, too short, or a file that others may
 * read. */
bool notice_secret_read(const char *source, const char *channel, size_t bytes_min,
                        char out[SECRET_BYTES_MAX], size_t *ret_length, struct error *err) MUST_USE;
bool channel_wants(const struct channel_settings *settings, enum notice_kind kind,
                   const char *role);

/* ---- Notices in SQL (outbox.c) */
enum { NOTICE_ID_BYTES = 33, ADDRESS_BYTES = 255 };
struct notice {
    int64_t no, user_no, event_no, loop_no, found;
    enum notice_kind kind;
    timestamp at;
    struct slice words; /* JSON, decrypted */
};
/* Its name for ever, in every try and channel: 32 hexadecimal digits. */
void notice_id(const struct notice *notice, char out[NOTICE_ID_BYTES]);
/* Inside a job: a finding for a user becomes a notice, or is gathered in the minute's digest.
 * *ret_no is 0 where it was gathered into one that is there already. */
bool notice_add(struct notices *notices, struct sql *sql, const struct notice *notice,
                int64_t *ret_no, struct error *err) MUST_USE;
/* In `arena`; *ret_found false where it is forgotten. */
bool notice_read(struct sql *sql, int64_t no, struct arena *arena, struct notice *ret_notice,
                 bool *ret_found, struct error *err) MUST_USE;
/* Those of a user below `before`, newest first, and above `above`. */
struct notice_page {
    struct notice *items;
    size_t count;
    bool more;
};
bool notice_list(struct sql *sql, int64_t user_no, int64_t before, int64_t above, int64_t limit,
                 struct arena *arena, struct notice_page *ret_page, struct error *err) MUST_USE;
struct reader {
    int64_t newest, read_to, unread, minute, in_minute, digest_no;
};
bool reader_read(struct sql *sql, int64_t user_no, struct reader *ret_reader,
                 struct error *err) MUST_USE; /* zeros where the user was never told anything */
/* Inside a job. ERROR_BAD_VALUE where it is above the newest. */
bool reader_mark(struct sql *sql, int64_t user_no, int64_t up_to, struct error *err) MUST_USE;
/* All of them. */
bool heads_read(struct notices *notices, struct sql *sql, struct error *err) MUST_USE;
/* Inside a job: takes one away, with its part of the counters. */
bool notice_drop(struct sql *sql, int64_t no, int64_t user_no, struct error *err) MUST_USE;
/* Reads the user's counters anew into memory. */
bool head_refresh(struct notices *notices, struct sql *sql, int64_t user_no,
                  struct error *err) MUST_USE;

/* ---- Deliveries and addresses in SQL (deliveries.c) */
struct delivery {
    int64_t notice_no, attempts;
    enum notice_channel channel;
};
bool delivery_put(struct sql *sql, int64_t notice_no, enum notice_channel channel, timestamp due_at,
                  struct error *err) MUST_USE;
/* Those due at `now`, the longest due first, at most `limit`. */
bool delivery_due(struct sql *sql, enum notice_channel channel, timestamp now, int64_t limit,
                  struct delivery *out, size_t *ret_count, struct error *err) MUST_USE;
/* What came of a try: it went out, it is tried again at `due_at`, it is given up, or there is
 * nobody any more to send it to. */
enum outcome { OUTCOME_DELIVERED, OUTCOME_RETRY, OUTCOME_GIVEN_UP, OUTCOME_DROPPED };
bool delivery_end(struct sql *sql, const struct delivery *delivery, enum outcome outcome,
                  timestamp due_at, struct error *err) MUST_USE;
/* Reads the counters anew into memory. */
bool counts_refresh(struct notices *notices, struct error *err) MUST_USE;
/* Inside a job: those that were given up wait again, from the ladder's first step. */
bool delivery_retry(struct sql *sql, enum notice_channel channel, timestamp due_at,
                    int64_t *ret_count, struct error *err) MUST_USE;
bool address_put(struct sql *sql, int64_t user_no, struct slice address,
                 struct error *err) MUST_USE; /* empty: takes it away */
/* "" where there is none. */
bool address_read(struct sql *sql, int64_t user_no, struct arena *arena, char out[ADDRESS_BYTES],
                  struct error *err) MUST_USE;
bool address_known(struct sql *sql, int64_t user_no, bool *ret_known, struct error *err) MUST_USE;

/* ---- What is sent (words.c) */
void notice_write(const struct notices *notices, const struct notice *notice,
                  struct json_writer *writer); /* members of an open object */
/* A notice as it leaves the house. Texts are NUL-terminated. */
void webhook_body(const struct notices *notices, const struct notice *notice, const char *role,
                  struct buffer *out);
/* "v1=" and HMAC-SHA256 over TIME "." BODY in hexadecimal. */
enum { SIGNATURE_TEXT_BYTES = 3 + 64 + 1 };
void webhook_sign(const char *secret, size_t secret_length, const char *time, struct slice body,
                  char out[SIGNATURE_TEXT_BYTES]);
/* A whole message with CRLF; both addresses as they were checked. */
void mail_write(const struct notices *notices, const struct notice *notice, const char *from,
                const char *to, timestamp now, struct buffer *out);
/* local@domain of letters, digits and what mail allows unquoted, without blanks or controls. */
bool address_is_plain(struct slice address);

/* ---- The room */
struct head {
    int64_t user_no;
    struct notice_head head;
};
struct sender; /* sender.c */
struct notices {
    struct platform *platform;
    struct notice_settings settings; /* fixed after opening */
    pthread_mutex_t lock;            /* owns heads, head_count, head_capacity, counts */
    struct notice_counts counts[NOTICE_CHANNELS];
    struct head *heads; /* by user_no */
    size_t head_count, head_capacity;
    pthread_mutex_t following; /* one follows at a time */
    atomic_bool stopping, woken;
    _Atomic(struct sender *) sender; /* NULL unless prepared; set before the first write */
};

/* Sending (sender.c). */
bool sender_open(struct notices *notices, struct sender **ret_sender, struct error *err) MUST_USE;
void sender_free(struct sender *sender); /* accepts NULL */
/* One round: takes up what is due, sends, writes down what came of it; waits at most
 * `milliseconds`, until something moves or sender_wake. */
void sender_round(struct sender *sender, int milliseconds);
/* New deliveries are there: the next round looks. */
void sender_look(struct sender *sender);
void sender_wake(struct sender *sender); /* from any thread */

#define CIPHER_NOTICE ((int64_t)7 << 60)
#define CIPHER_ADDRESS ((int64_t)7 << 60 | (int64_t)1 << 59)

extern const struct sql_text address_block, address_replace;
extern const struct sql_list notice_statements, notice_delivery_statements,
    notice_follow_statements;
enum { NOTICE_ROUTES = 2, NOTICE_COMMANDS = 2, NOTICE_CIPHERS = 2 };
extern const struct cipher_column notice_ciphers[NOTICE_CIPHERS];
extern const struct route notice_routes[NOTICE_ROUTES];
extern const struct command notice_commands[NOTICE_COMMANDS];

#endif
