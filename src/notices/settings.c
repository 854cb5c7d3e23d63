/* policies/notices.yaml: the channels that a city opens. The whole file or nothing. Secrets never
 * stand in it: it says where one is read from when a server starts.
 *
 * No name of a host is ever looked up: a url has a literal address, or `address` says it, or a
 * socket of this machine is dialled. A resolver needs plug-ins, files and answers of strangers that
 * a sandboxed process must not depend on. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notices/notices_internal.h"
#include "policy/policy.h"

static const char source[] = "notices.yaml";
static const char *const channel_names[NOTICE_CHANNELS] = {"webhook", "smtp"};

const char *notice_channel_name(enum notice_channel channel)
{
    return channel_names[channel];
}

const struct notice_kind_words notice_kinds[NOTICE_KINDS] = {
#define X(id, name, zh, en) [id] = {name, zh, en},
    NOTICE_KIND_TABLE(X)
#undef X
};

static bool bad(struct error *err, const char *section, const char *field, const char *expected,
                const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = section, .field = field},
                     expected, "%s", what);
}

/* ---- Values of a channel */

static bool read_text(json_t *entry, const char *section, const char *field, char *out, size_t size,
                      struct error *err)
{
    struct slice text;
    if (!json_text(entry, field, (struct json_place){.source = section, .required = true}, &text,
                   err))
        return false;
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.data[i] < 0x21 || text.data[i] == 0x7f)
            return bad(err, section, field, "a text without blanks",
                       "a blank or control stands in it");
    if (text.length >= size)
        return bad(err, section, field, "a shorter text", "the text is too long");
    text_copy(out, size, text);
    return true;
}

static bool read_kinds(json_t *entry, const char *section, unsigned *ret_kinds, struct error *err)
{
    size_t i;
    json_t *name, *list = json_object_get(entry, "kinds");
    if (!json_is_array(list))
        return bad(err, section, "kinds", "a list of kinds", "missing");
    *ret_kinds = 0;
    json_array_foreach (list, i, name) {
        const char *text = json_string_value(name);
        int kind = 0;
        while (kind < NOTICE_KINDS && (!text || strcmp(notice_kinds[kind].name, text) != 0))
            kind++;
        if (kind == NOTICE_KINDS)
            return bad(err, section, "kinds",
                       "owner, told, overdue, closed, glass, override, digest", "an unknown kind");
        *ret_kinds |= 1u << kind;
    }
    return true;
}

static bool read_roles(json_t *entry, const char *section, struct channel_settings *channel,
                       struct error *err)
{
    size_t i;
    json_t *name, *list = json_object_get(entry, "roles");
    if (!json_is_array(list) || json_array_size(list) > CHANNEL_ROLES_MAX)
        return bad(err, section, "roles", "a list of at most 32 roles", "missing or too long");
    json_array_foreach (list, i, name) {
        const char *text = json_string_value(name);
        if (!text || !*text || strlen(text) >= sizeof channel->roles[0])
            return bad(err, section, "roles", "names of roles", "not a name");
        snprintf(channel->roles[channel->role_count++], sizeof channel->roles[0], "%s", text);
    }
    return true;
}

static bool read_ladder(json_t *entry, const char *section, struct channel_settings *channel,
                        struct error *err)
{
    size_t i;
    json_t *step, *list = json_object_get(entry, "retry_seconds");
    if (!json_is_array(list) || json_array_size(list) > LADDER_MAX)
        return bad(err, section, "retry_seconds", "a list of at most 16 waits",
                   "missing or too long");
    json_array_foreach (list, i, step) {
        if (!json_is_integer(step) || json_integer_value(step) < 1 ||
            json_integer_value(step) > 7 * 86400)
            return bad(err, section, "retry_seconds", "seconds from 1 to 604800",
                       "not a wait that is possible");
        channel->ladder[channel->ladder_count++] = json_integer_value(step);
    }
    return true;
}

/* ---- Where it sends to */

struct url_parts {
    char *scheme, *host, *port;
};

static void parts_release(struct url_parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->host);
    curl_free(parts->port);
}

static bool split_url(const char *url, struct url_parts *parts)
{
    char *user = NULL;
    CURLU *handle = curl_url();
    REQUIRE(handle);
    bool done =
        curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_SCHEME, &parts->scheme, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_HOST, &parts->host, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
    curl_free(user);
    curl_url_cleanup(handle);
    return done;
}

static bool is_literal(const char *host)
{
    unsigned char bytes[16];
    char plain[80];
    size_t length = strlen(host);
    if (inet_pton(AF_INET, host, bytes) == 1)
        return true;
    if (length < 3 || length >= sizeof plain || host[0] != '[' || host[length - 1] != ']')
        return inet_pton(AF_INET6, host, bytes) == 1;
    memcpy(plain, host + 1, length - 2);
    plain[length - 2] = '\0';
    return inet_pton(AF_INET6, plain, bytes) == 1;
}

static bool check_target(struct channel_settings *channel, const struct url_parts *parts,
                         const char *section, const char *address, struct error *err)
{
    bool is_smtp = strcmp(section, "smtp") == 0;
    const char *const schemes[] = {is_smtp ? "smtp" : "http", is_smtp ? "smtps" : "https"};
    if (strcmp(parts->scheme, schemes[0]) != 0 && strcmp(parts->scheme, schemes[1]) != 0)
        return bad(err, section, "url", is_smtp ? "smtp:// or smtps://" : "http:// or https://",
                   "another scheme");
    if (*address && !is_literal(address))
        return bad(err, section, "address", "an IPv4 or IPv6 address", "not an address");
    if (channel->socket[0] && channel->socket[0] != '/')
        return bad(err, section, "socket", "an absolute path", "not an absolute path");
    if (!channel->on || channel->socket[0] || is_literal(parts->host))
        return true;
    if (!*address)
        return bad(err, section, "address", "the literal address of the url's host, or a socket",
                   "no name is looked up");
    snprintf(channel->resolve, sizeof channel->resolve, "%s:%s:%s", parts->host, parts->port,
             address);
    return true;
}

static bool read_target(json_t *entry, const char *section, struct channel_settings *channel,
                        struct error *err)
{
    struct url_parts parts = {NULL, NULL, NULL};
    char address[80];
    if (!read_text(entry, section, "url", channel->url, sizeof channel->url, err) ||
        !read_text(entry, section, "address", address, sizeof address, err) ||
        !read_text(entry, section, "socket", channel->socket, sizeof channel->socket, err) ||
        !read_text(entry, section, "ca_file", channel->ca_file, sizeof channel->ca_file, err))
        return false;
    bool done = split_url(channel->url, &parts)
                    ? check_target(channel, &parts, section, address, err)
                    : bad(err, section, "url", "an address without a user in it", "not a url");
    parts_release(&parts);
    return done;
}

static bool read_secret(json_t *entry, const char *section, struct channel_settings *channel,
                        struct error *err)
{
    static const char *const from[] = {"file:/", "environment:", "credential:"};
    if (!read_text(entry, section, "secret", channel->secret, sizeof channel->secret, err))
        return false;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        if (strncmp(channel->secret, from[i], strlen(from[i])) == 0)
            return true;
    return !channel->secret[0] ||
           bad(err, section, "secret", "file:/PATH, environment:NAME or credential:NAME",
               "a secret never stands in the file itself");
}

static bool read_mail(json_t *entry, struct channel_settings *channel, struct error *err)
{
    char tls[20];
    if (!read_text(entry, "smtp", "from", channel->from, sizeof channel->from, err) ||
        !read_text(entry, "smtp", "login", channel->login, sizeof channel->login, err) ||
        !read_text(entry, "smtp", "tls", tls, sizeof tls, err))
        return false;
    channel->tls_required = strcmp(tls, "required") == 0;
    if (!channel->tls_required && strcmp(tls, "none") != 0)
        return bad(err, "smtp", "tls", "required or none", "neither");
    if (!address_is_plain(slice_of(channel->from)))
        return bad(err, "smtp", "from", "an address as NAME@DOMAIN", "not an address");
    if (channel->on && !channel->login[0] != !channel->secret[0])
        return bad(err, "smtp", "secret", "a secret with a login, none without",
                   "one of the two is missing");
    return !channel->login[0] || channel->tls_required || channel->socket[0] ||
           bad(err, "smtp", "tls", "required", "a password would travel in the open");
}

static bool read_channel(json_t *entry, enum notice_channel which, struct channel_settings *channel,
                         struct error *err)
{
    static const char *const hook_keys[] = {
        "on",    "url",   "address",       "socket",          "ca_file", "secret",
        "kinds", "roles", "retry_seconds", "timeout_seconds", "at_once", NULL};
    static const char *const mail_keys[] = {
        "on",  "url",   "address", "socket",        "ca_file",         "secret",  "from", "login",
        "tls", "kinds", "roles",   "retry_seconds", "timeout_seconds", "at_once", NULL};
    const char *section = channel_names[which];
    struct json_place place = {.source = section, .required = true};
    if (!json_is_object(entry))
        return bad(err, source, section, "a section of channels", "missing");
    if (!json_only_fields(entry, which == CHANNEL_SMTP ? mail_keys : hook_keys, place, err))
        return false;
    if (!json_is_boolean(json_object_get(entry, "on")))
        return bad(err, section, "on", "true or false", "neither");
    channel->on = json_is_true(json_object_get(entry, "on"));
    if (!read_target(entry, section, channel, err) || !read_secret(entry, section, channel, err) ||
        !read_kinds(entry, section, &channel->kinds, err) ||
        !read_roles(entry, section, channel, err) || !read_ladder(entry, section, channel, err) ||
        !json_int64(entry, "timeout_seconds", place, 1, 300, &channel->timeout_seconds, err) ||
        !json_int64(entry, "at_once", place, 1, 32, &channel->at_once, err) ||
        (which == CHANNEL_SMTP && !read_mail(entry, channel, err)))
        return false;
    return which != CHANNEL_WEBHOOK || !channel->on || channel->secret[0] ||
           bad(err, section, "secret", "where the key of the signature is", "missing");
}

bool notice_settings_read(json_t *document, struct notice_settings *ret_settings, struct error *err)
{
    static const char *const keys[] = {"numbers", "link", "channels", NULL};
    static const struct number_form apart = {"apart_per_minute", 1, 1000};
    static const char *const channel_keys[] = {"webhook", "smtp", NULL};
    struct notice_settings settings = {.days = 0};
    struct json_place place = {.source = source};
    json_t *channels = json_object_get(document, "channels");
    if (!json_only_fields(document, keys, place, err) ||
        !policy_numbers_read(json_object_get(document, "numbers"), source, &apart, 1,
                             &settings.apart_per_minute, err) ||
        !read_text(document, source, "link", settings.link, sizeof settings.link, err) ||
        !json_only_fields(channels, channel_keys, place, err))
        return false;
    for (int i = 0; i < NOTICE_CHANNELS; i++)
        if (!read_channel(json_object_get(channels, channel_names[i]), (enum notice_channel)i,
                          &settings.channels[i], err))
            return false;
    *ret_settings = settings;
    return true;
}

bool notice_days_read(json_t *document, int64_t *ret_days, struct error *err)
{
    json_t *class_ = json_object_get(json_object_get(document, "classes"), "notices");
    struct json_place place = {.source = "retention.yaml, class notices", .required = true};
    return json_int64(class_, "days", place, 1, 3650, ret_days, err);
}

bool channel_wants(const struct channel_settings *settings, enum notice_kind kind, const char *role)
{
    if (!settings->on || !(settings->kinds >> kind & 1))
        return false;
    for (size_t i = 0; i < settings->role_count; i++)
        if (strcmp(settings->roles[i], role) == 0)
            return true;
    return settings->role_count == 0;
}

/* ---- Secrets */

static bool no_secret(const char *channel, const char *what, struct error *err)
{
    return error_set(err, ERROR_ENVIRONMENT,
                     (struct error_place){.source = channel, .field = "secret"},
                     "a secret that only the server's user may read", "%s", what);
}

static bool read_secret_file(const char *path, const char *channel, struct buffer *out,
                             struct error *err)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        if (fd >= 0)
            close(fd);
        return no_secret(channel, "the file cannot be read", err);
    }
    char bytes[SECRET_BYTES_MAX];
    ssize_t got = read(fd, bytes, sizeof bytes);
    close(fd);
    if (got > 0)
        buffer_append(out, bytes, (size_t)got);
    sodium_memzero(bytes, sizeof bytes);
    if (!S_ISREG(about.st_mode) || about.st_mode & 077)
        return no_secret(channel, "others may read the file", err);
    return got < SECRET_BYTES_MAX || no_secret(channel, "the file is too large", err);
}

static bool fetch_secret(const char *from, const char *channel, struct buffer *out,
                         struct error *err)
{
    char path[600];
    const char *name = strchr(from, ':') + 1;
    if (strncmp(from, "file:", 5) == 0)
        return read_secret_file(name, channel, out, err);
    if (strncmp(from, "credential:", 11) == 0) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        if (!directory || strchr(name, '/'))
            return no_secret(channel, "there is no such credential", err);
        snprintf(path, sizeof path, "%s/%s", directory, name);
        return read_secret_file(path, channel, out, err);
    }
    const char *value = getenv(name);
    if (!value)
        return no_secret(channel, "the environment has none of that name", err);
    buffer_append_text(out, value);
    return true;
}

bool notice_secret_read(const char *from, const char *channel, size_t bytes_min,
                        char out[SECRET_BYTES_MAX], size_t *ret_length, struct error *err)
{
    struct buffer text;
    buffer_init(&text, SECRET_BYTES_MAX - 1);
    bool done = fetch_secret(from, channel, &text, err);
    if (done) {
        struct slice line = slice_trim(buffer_slice(&text));
        if (text.overflow || line.length < bytes_min) {
            done = no_secret(channel, "the secret is too short or too long", err);
        } else {
            memcpy(out, line.data, line.length);
            out[line.length] = '\0';
            *ret_length = line.length;
        }
    }
    if (text.data)
        sodium_memzero(text.data, text.length);
    buffer_release(&text);
    return done;
}
