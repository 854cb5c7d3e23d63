/* notices: telling people. What the loops (and broken glass, and overrides) find is told to every
 * user whom it means at that time, at least once on every channel that the city has opened.
 *
 *   event log ──► follow ──► notice, a row a user ──► in_app   GET /notices, the event stream
 *                                │                 ├► webhook  signed, by libcurl ─┐ outbox rows:
 *                                └► outbox row ────┴► smtp     by libcurl ─────────┘ tried again
 *
 * A notice and its outbox rows are one transaction with the cursor of the log: exactly once made,
 * at least once delivered, always under the same id. See README.md for the idea, docs/notices.md
 * for receivers. */
#ifndef CHENGMAI_NOTICES_NOTICES_H
#define CHENGMAI_NOTICES_NOTICES_H

#include "module/module.h"

struct notices;
/* Reads policies/notices.yaml, the whole of it or nothing; no secret yet. After the loops. */
bool notices_open(struct platform *platform, struct notices **ret_notices,
                  struct error *err) MUST_USE;
/* After the store: its last commits still wake the room. Accepts NULL. */
void notices_close(struct notices *notices);

/* Before the sandbox: reads the secrets of the channels that are on, and makes what sends. Where
 * one is missing or readable by others: ERROR_ENVIRONMENT, naming the channel. */
bool notices_prepare(struct notices *notices, struct error *err) MUST_USE;
/* What the channels that are on need of the system: sockets of this machine, of the network. */
enum { NOTICES_NEED_LOCAL = 1, NOTICES_NEED_NETWORK = 2 };
unsigned notices_needs(const struct notices *notices);
/* The room's thread: follows the log, sends what is due, forgets what is old, until notices_stop.
 * Nothing else waits for it. After notices_prepare. */
void notices_serve(struct notices *notices);
void notices_stop(struct notices *notices);

/* Follows the event log up to its end; *ret_count (may be NULL): notices made. */
bool notices_follow(struct notices *notices, int64_t *ret_count, struct error *err) MUST_USE;
/* Forgets notices as old as policies/retention.yaml says (class notices), with what of them is
 * still in the outbox. *ret_count went. */
bool notices_forget(struct notices *notices, int64_t *ret_count, struct error *err) MUST_USE;

/* Number of a user's newest notice and how many are unread, from memory: for the event stream. */
struct notice_head {
    int64_t newest, unread;
};
struct notice_head notices_head(struct notices *notices, int64_t user_no);

/* Of each channel: waiting and given up now, delivered and tried again since the city began. */
enum notice_channel { CHANNEL_WEBHOOK, CHANNEL_SMTP, NOTICE_CHANNELS };
struct notice_counts {
    int64_t waiting, delivered, given_up, retries;
};
const char *notice_channel_name(enum notice_channel channel);
bool notices_counts(struct notices *notices, struct notice_counts out[NOTICE_CHANNELS],
                    struct error *err) MUST_USE;
/* The same from memory, about a second old; zeros where the room's thread does not run. */
void notices_counts_lately(struct notices *notices, struct notice_counts out[NOTICE_CHANNELS]);

extern const struct module notices_module;

#endif
