/* What is sent: the members of a notice, the signed body of a webhook, a mail. Nothing here names a
 * person: a loop by its number, its scene and stage by their titles, a user by number and role. */
#include <sodium.h>

#include "base/hash.h"
#include "notices/notices_internal.h"

/* ---- Members */

/* The link of a notice about a loop; "" where it is about none, or the city gives no link. */
static void link_of(const struct notices *notices, const struct notice *notice, char *out,
                    size_t size)
{
    const char *link = notices->settings.link, *hole = strstr(link, "{loop}");
    if (!notice->loop_no || !hole)
        out[0] = '\0';
    else
        snprintf(out, size, "%.*s%lld%s", (int)(hole - link), link, (long long)notice->loop_no,
                 hole + 6);
}

void notice_write(const struct notices *notices, const struct notice *notice,
                  struct json_writer *writer)
{
    char id[NOTICE_ID_BYTES], link[URL_BYTES + 20];
    notice_id(notice, id);
    link_of(notices, notice, link, sizeof link);
    json_field_text(writer, "notice", slice_of(id));
    json_field_text(writer, "kind", slice_of(notice_kinds[notice->kind].name));
    json_field_time(writer, "at", notice->at / SECOND * SECOND);
    json_field_int64(writer, "found", notice->found);
    if (notice->loop_no)
        json_field_int64(writer, "loop", notice->loop_no);
    else
        json_field_null(writer, "loop");
    json_key(writer, "about"); /* {} where it is about no loop */
    json_put_raw(writer, notice->words);
    json_field_text(writer, "link", slice_of(link));
}

/* ---- Webhook */

void webhook_body(const struct notices *notices, const struct notice *notice, const char *role,
                  struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    notice_write(notices, notice, &writer);
    json_key(&writer, "to");
    json_object_begin(&writer);
    json_field_int64(&writer, "user", notice->user_no);
    json_field_text(&writer, "role", slice_of(role));
    json_object_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
}

void webhook_sign(const char *secret, size_t secret_length, const char *time, struct slice body,
                  char out[SIGNATURE_TEXT_BYTES])
{
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, secret_length);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)time, strlen(time));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.data, body.length);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
    memcpy(out, "v1=", 3);
    text_to_hex(mac, sizeof mac, out + 3);
}

/* ---- Mail */

bool address_is_plain(struct slice address)
{
    const char *at = memchr(address.data, '@', address.length);
    if (!at || address.length >= ADDRESS_BYTES || at == address.data ||
        at == address.data + address.length - 1 ||
        memchr(at + 1, '@', address.length - (size_t)(at + 1 - address.data)))
        return false;
    for (size_t i = 0; i < address.length; i++) {
        char c = address.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("@.-_+", c);
        if (!c || !plain)
            return false;
    }
    return true;
}

/* Base64 in lines (RFC 2045: at most 76 characters). */
static void put_base64(struct slice text, struct buffer *out)
{
    enum { LINE_BYTES = 57 };
    char line[sodium_base64_ENCODED_LEN(LINE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    for (size_t at = 0; at < text.length; at += LINE_BYTES) {
        size_t length = text.length - at < LINE_BYTES ? text.length - at : LINE_BYTES;
        sodium_bin2base64(line, sizeof line, (const unsigned char *)text.data + at, length,
                          sodium_base64_VARIANT_ORIGINAL);
        buffer_print(out, "%s\r\n", line);
    }
}

/* "Subject: " in encoded words (RFC 2047: lines of at most 76 bytes, no character cut in two). */
static void put_subject(struct slice text, struct buffer *out)
{
    enum { WORD_BYTES = 36 };
    char word[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    buffer_append_text(out, "Subject:");
    for (size_t at = 0, length; at < text.length; at += length) {
        length = text.length - at < WORD_BYTES ? text.length - at : WORD_BYTES;
        while (at + length < text.length && ((unsigned char)text.data[at + length] & 0xC0) == 0x80)
            length--;
        sodium_bin2base64(word, sizeof word, (const unsigned char *)text.data + at, length,
                          sodium_base64_VARIANT_ORIGINAL);
        buffer_print(out, " =?UTF-8?B?%s?=\r\n", word);
    }
}

static const char *text_in(json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    return text ? text : "";
}

static void put_texts(const struct notices *notices, const struct notice *notice, json_t *about,
                      struct buffer *subject, struct buffer *body)
{
    const struct notice_kind_words *kind = &notice_kinds[notice->kind];
    json_t *title = json_object_get(about, "title"), *stage = json_object_get(about, "stage_title");
    const char *deadline = text_in(about, "deadline");
    char link[URL_BYTES + 20], at[TIME_TEXT_BYTES];
    link_of(notices, notice, link, sizeof link);
    time_format(notice->at / SECOND * SECOND, at);
    buffer_print(subject, "[城脉] %s · %s", kind->zh, kind->en);
    buffer_print(body, "%s · %s\n%s\n", kind->zh, kind->en, at);
    if (notice->kind == NOTICE_DIGEST) {
        buffer_print(subject, " (%lld)", (long long)notice->found);
        buffer_print(body, "这一分钟内另有 %lld 项 · %lld more within this minute\n",
                     (long long)notice->found, (long long)notice->found);
    } else if (notice->loop_no) {
        buffer_print(subject, ": %s #%lld", text_in(title, "zh"), (long long)notice->loop_no);
        buffer_print(body, "%s · %s #%lld\n%s · %s\n", text_in(title, "zh"), text_in(title, "en"),
                     (long long)notice->loop_no, text_in(stage, "zh"), text_in(stage, "en"));
    }
    if (*deadline)
        buffer_print(body, "期限 · Deadline: %s\n", deadline);
    if (*link)
        buffer_print(body, "%s\n", link);
}

/* RFC 5322: "Thu, 14 Apr 2022 06:30:00 +0000". */
static void put_date(timestamp now, struct buffer *out)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[TIME_TEXT_BYTES];
    int64_t month;
    time_format(now / SECOND * SECOND, text);
    int32_t day = time_day_of_seconds(now / SECOND);
    REQUIRE(slice_to_int64((struct slice){text + 5, 2}, 1, 12, &month) && day >= 0);
    buffer_print(out, "Date: %s, %.2s %s %.4s %.8s +0800\r\n", days[day % 7], text + 8,
                 months[month - 1], text, text + 11);
}

void mail_write(const struct notices *notices, const struct notice *notice, const char *from,
                const char *to, timestamp now, struct buffer *out)
{
    char id[NOTICE_ID_BYTES];
    struct buffer subject, body;
    json_t *about = json_loadb(notice->words.data, notice->words.length, 0, NULL);
    buffer_init(&subject, 4096);
    buffer_init(&body, 1 << 16);
    put_texts(notices, notice, about, &subject, &body);
    notice_id(notice, id);
    buffer_print(out, "From: <%s>\r\nTo: <%s>\r\n", from, to);
    put_subject(buffer_slice(&subject), out);
    put_date(now, out);
    buffer_print(out, "Message-ID: <%s%s>\r\n", id, strchr(from, '@'));
    buffer_append_text(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: base64\r\n\r\n");
    put_base64(buffer_slice(&body), out);
    buffer_release(&subject);
    buffer_release(&body);
    json_decref(about);
}
