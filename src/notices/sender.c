/* Sending: what is due goes out by libcurl, many at a time on one thread, which waits for nobody: a
 * receiver that is slow holds its own transfers and no others, until its time is up.
 *
 * A transfer that ended stays here until what came of it is on disk; only then may its row be taken
 * up again. A crash in between sends it once more under the same id. */
#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>

#include "access/access.h"
#include "notices/notices_internal.h"

enum { MESSAGE_BYTES_MAX = 1 << 20, AT_ONCE_MAX = 32, SECRET_BYTES_MIN = 16 };

struct transfer {
    struct delivery delivery;
    CURL *easy; /* NULL: it never began */
    struct curl_slist *headers, *resolve, *recipients;
    struct buffer message;
    size_t given; /* of a mail */
    bool ended;
    enum outcome outcome;
    timestamp due_at;
    struct transfer *next;
};

/* Used by the room's thread alone, but for sender_wake. */
struct sender {
    struct notices *notices;
    CURLM *multi;
    char secrets[NOTICE_CHANNELS][SECRET_BYTES_MAX];
    size_t secret_lengths[NOTICE_CHANNELS];
    struct transfer *transfers;
    int64_t running[NOTICE_CHANNELS]; /* with those that ended and are not written down */
    bool failing[NOTICE_CHANNELS];    /* the last try did not get through: said once */
    double looked_at;
    bool moved;  /* something ended, or came, since the last look */
    bool failed; /* outcomes could not be written: said once */
};

static void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->resolve);
    curl_slist_free_all(transfer->recipients);
    buffer_release(&transfer->message);
    free(transfer);
}

/* ---- Opening */

bool sender_open(struct notices *notices, struct sender **ret_sender, struct error *err)
{
    struct sender *sender = x_alloc(1, sizeof *sender);
    sender->notices = notices;
    for (int i = 0; i < NOTICE_CHANNELS; i++) {
        const struct channel_settings *channel = &notices->settings.channels[i];
        if (channel->on && channel->secret[0] &&
            !notice_secret_read(channel->secret, notice_channel_name((enum notice_channel)i),
                                i == CHANNEL_WEBHOOK ? SECRET_BYTES_MIN : 1, sender->secrets[i],
                                &sender->secret_lengths[i], err)) {
            sender_free(sender);
            return false;
        }
    }
    REQUIRE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); /* may be called again */
    sender->multi = curl_multi_init();
    REQUIRE(sender->multi);
    *ret_sender = sender;
    return true;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    while (sender->transfers) {
        struct transfer *transfer = sender->transfers;
        sender->transfers = transfer->next;
        if (transfer->easy)
            curl_multi_remove_handle(sender->multi, transfer->easy);
        transfer_free(transfer);
    }
    curl_multi_cleanup(sender->multi);
    sodium_memzero(sender->secrets, sizeof sender->secrets);
    free(sender);
}

void sender_look(struct sender *sender)
{
    sender->moved = true;
}

void sender_wake(struct sender *sender)
{
    curl_multi_wakeup(sender->multi);
}

/* ---- One transfer */

static size_t discard(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    return size * count;
}

static size_t give(char *out, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t left = transfer->message.length - transfer->given;
    size_t given = left < size * count ? left : size * count;
    memcpy(out, transfer->message.data + transfer->given, given);
    transfer->given += given;
    return given;
}

static void header(struct transfer *transfer, const char *name, const char *value)
{
    char line[200];
    snprintf(line, sizeof line, "%s: %s", name, value);
    transfer->headers = curl_slist_append(transfer->headers, line);
}

/* What both channels have: no proxy, no look-up, no further place, an end. */
static void set_common(struct transfer *transfer, const struct channel_settings *channel,
                       const char *protocols)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_URL, channel->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)channel->timeout_seconds);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)channel->timeout_seconds);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "chengmai/" CHENGMAI_VERSION);
    if (channel->socket[0])
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, channel->socket);
    if (channel->ca_file[0])
        curl_easy_setopt(easy, CURLOPT_CAINFO, channel->ca_file);
    if (channel->resolve[0]) {
        transfer->resolve = curl_slist_append(NULL, channel->resolve);
        curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->resolve);
    }
}

static void set_webhook(struct sender *sender, struct transfer *transfer,
                        const struct notice *notice, const char *role)
{
    char time[24], id[NOTICE_ID_BYTES], signature[SIGNATURE_TEXT_BYTES];
    webhook_body(sender->notices, notice, role, &transfer->message);
    snprintf(time, sizeof time, "%lld", (long long)(world_real_now() / SECOND));
    notice_id(notice, id);
    webhook_sign(sender->secrets[CHANNEL_WEBHOOK], sender->secret_lengths[CHANNEL_WEBHOOK], time,
                 buffer_slice(&transfer->message), signature);
    header(transfer, "Content-Type", "application/json");
    header(transfer, "X-Chengmai-Notice", id);
    header(transfer, "X-Chengmai-Time", time);
    header(transfer, "X-Chengmai-Signature", signature);
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    set_common(transfer, &sender->notices->settings.channels[CHANNEL_WEBHOOK], "http,https");
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, transfer->message.data);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)transfer->message.length);
}

static void set_mail(struct sender *sender, struct transfer *transfer, const struct notice *notice,
                     const char *to)
{
    const struct channel_settings *channel = &sender->notices->settings.channels[CHANNEL_SMTP];
    mail_write(sender->notices, notice, channel->from, to, world_real_now(), &transfer->message);
    set_common(transfer, channel, "smtp,smtps");
    transfer->recipients = curl_slist_append(NULL, to);
    curl_easy_setopt(transfer->easy, CURLOPT_MAIL_FROM, channel->from);
    curl_easy_setopt(transfer->easy, CURLOPT_MAIL_RCPT, transfer->recipients);
    curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(transfer->easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_USE_SSL,
                     (long)(channel->tls_required ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    if (channel->login[0]) {
        curl_easy_setopt(transfer->easy, CURLOPT_USERNAME, channel->login);
        curl_easy_setopt(transfer->easy, CURLOPT_PASSWORD, sender->secrets[CHANNEL_SMTP]);
    }
}

static void end(struct sender *sender, struct transfer *transfer, enum outcome outcome)
{
    transfer->ended = true;
    transfer->outcome = outcome;
    sender->moved = true;
}

/* ---- Taking up what is due */

static bool is_under_way(const struct sender *sender, const struct delivery *delivery)
{
    for (const struct transfer *t = sender->transfers; t; t = t->next)
        if (t->delivery.notice_no == delivery->notice_no &&
            t->delivery.channel == delivery->channel)
            return true;
    return false;
}

static bool begin(struct sender *sender, struct sql *sql, const struct delivery *delivery,
                  struct error *err)
{
    struct arena arena;
    struct notice notice;
    char role[40], to[ADDRESS_BYTES] = "";
    bool found, is_mail = delivery->channel == CHANNEL_SMTP;
    arena_init(&arena, 1 << 20);
    bool done = notice_read(sql, delivery->notice_no, &arena, &notice, &found, err) &&
                (!found || access_user_role(sql, notice.user_no, role, err)) &&
                (!found || !is_mail || address_read(sql, notice.user_no, &arena, to, err));
    if (done) {
        struct transfer *transfer = x_alloc(1, sizeof *transfer);
        transfer->delivery = *delivery;
        transfer->next = sender->transfers;
        sender->transfers = transfer;
        sender->running[delivery->channel]++;
        buffer_init(&transfer->message, MESSAGE_BYTES_MAX);
        if (!found || (is_mail && !to[0])) {
            end(sender, transfer, OUTCOME_DROPPED);
        } else {
            transfer->easy = curl_easy_init();
            REQUIRE(transfer->easy);
            if (is_mail)
                set_mail(sender, transfer, &notice, to);
            else
                set_webhook(sender, transfer, &notice, role);
            REQUIRE(!transfer->message.overflow);
            REQUIRE(curl_multi_add_handle(sender->multi, transfer->easy) == CURLM_OK);
        }
    }
    arena_release(&arena);
    return done;
}

static bool take_up_channel(struct sender *sender, struct sql *sql, enum notice_channel channel,
                            struct error *err)
{
    int64_t at_once = sender->notices->settings.channels[channel].at_once;
    struct delivery due[2 * AT_ONCE_MAX];
    size_t count;
    if (!delivery_due(sql, channel, world_real_now(), 2 * at_once, due, &count, err))
        return false;
    for (size_t i = 0; i < count && sender->running[channel] < at_once; i++)
        if (!is_under_way(sender, &due[i]) && !begin(sender, sql, &due[i], err))
            return false;
    return true;
}

static bool take_up(struct sender *sender, struct error *err)
{
    struct store *store = sender->notices->platform->store;
    struct sql *sql;
    bool done = true;
    if (!store_read_begin(store, &sql, err))
        return false;
    for (int i = 0; done && i < NOTICE_CHANNELS; i++)
        if (sender->notices->settings.channels[i].on &&
            sender->running[i] < sender->notices->settings.channels[i].at_once)
            done = take_up_channel(sender, sql, (enum notice_channel)i, err);
    store_read_end(store, sql);
    return done;
}

/* ---- What came of it */

/* The next step of the ladder, up to a fifth later by chance, so that what failed together does not
 * come back together. */
static void end_failed(struct sender *sender, struct transfer *transfer, const char *why,
                       long status)
{
    const struct channel_settings *channel =
        &sender->notices->settings.channels[transfer->delivery.channel];
    int64_t tries = transfer->delivery.attempts;
    uint32_t chance;
    if (!sender->failing[transfer->delivery.channel])
        log_write(LOG_WARNING, "notices", "%s: the receiver does not take notices: %s, status %ld",
                  notice_channel_name(transfer->delivery.channel), why, status);
    sender->failing[transfer->delivery.channel] = true;
    if (tries >= (int64_t)channel->ladder_count) {
        log_write(LOG_WARNING, "notices",
                  "%s: notice %lld is given up after %lld tries: %s, status %ld",
                  notice_channel_name(transfer->delivery.channel),
                  (long long)transfer->delivery.notice_no, (long long)tries + 1, why, status);
        end(sender, transfer, OUTCOME_GIVEN_UP);
        return;
    }
    world_random_bytes(&chance, sizeof chance);
    int64_t wait = channel->ladder[tries] * SECOND;
    transfer->due_at = world_real_now() + wait + wait / 5 * (chance % 1000) / 1000;
    end(sender, transfer, OUTCOME_RETRY);
}

static void take_results(struct sender *sender)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(sender->multi, &left))) {
        struct transfer *transfer;
        CURLcode code = message->data.result;
        long status = 0;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        bool taken = code == CURLE_OK && status / 100 == 2;
        curl_multi_remove_handle(sender->multi, transfer->easy);
        if (taken) {
            end(sender, transfer, OUTCOME_DELIVERED);
            sender->failing[transfer->delivery.channel] = false;
        } else {
            end_failed(sender, transfer, curl_easy_strerror(code), status);
        }
    }
}

static bool write_outcomes(struct sql *sql, void *context, struct error *err)
{
    const struct sender *sender = context;
    for (const struct transfer *t = sender->transfers; t; t = t->next)
        if (t->ended && !delivery_end(sql, &t->delivery, t->outcome, t->due_at, err))
            return false;
    return true;
}

static bool has_ended(const struct sender *sender)
{
    for (const struct transfer *t = sender->transfers; t; t = t->next)
        if (t->ended)
            return true;
    return false;
}

static void settle(struct sender *sender)
{
    struct error err;
    if (!has_ended(sender))
        return;
    if (!store_write(sender->notices->platform->store, write_outcomes, sender, &err)) {
        if (!sender->failed) /* they are kept, and written as soon as that is possible */
            log_error("notices", &err);
        sender->failed = true;
        return;
    }
    sender->failed = false;
    for (struct transfer **at = &sender->transfers; *at;) {
        struct transfer *transfer = *at;
        if (!transfer->ended) {
            at = &transfer->next;
            continue;
        }
        *at = transfer->next;
        sender->running[transfer->delivery.channel]--;
        transfer_free(transfer);
    }
}

void sender_round(struct sender *sender, int milliseconds)
{
    enum { LOOK_MILLISECONDS = 500 };
    double now = world_elapsed_seconds();
    struct error err;
    int running;
    if (sender->moved || now - sender->looked_at >= LOOK_MILLISECONDS / 1000.0) {
        sender->moved = false;
        sender->looked_at = now;
        if (!take_up(sender, &err))
            log_error("notices", &err);
    }
    curl_multi_perform(sender->multi, &running);
    take_results(sender);
    settle(sender);
    curl_multi_poll(sender->multi, NULL, 0, sender->moved && !sender->failed ? 0 : milliseconds,
                    NULL);
}
