/* Strict reading of a request's head (RFC 9110, 9112): stricter than the library, which decides the
 * framing before anybody is asked. */
#include "server/head.h"

#include <strings.h>

/* Headers that mean something here: each at most once. */
#define SINGLE(text, member)                                                                       \
    {                                                                                              \
        text, sizeof(text) - 1, offsetof(struct request_head, member)                              \
    }
static const struct {
    const char *name;
    size_t length, offset;
} singles[] = {
    SINGLE("Host", host),
    SINGLE("Content-Length", content_length),
    SINGLE("Authorization", authorization),
    SINGLE("Idempotency-Key", idempotency_key),
    SINGLE("Content-Type", content_type),
    SINGLE("Cookie", cookie),
    SINGLE("X-Real-IP", client_address),
    SINGLE("X-Purpose", purpose),
    SINGLE("X-CSRF-Token", csrf),
    SINGLE("If-None-Match", if_none_match),
    SINGLE("Transfer-Encoding", transfer_encoding),
    SINGLE("Expect", expect),
};

static bool is_token(struct slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!letter && (c <= ' ' || c >= 0x7f || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.length > 0;
}

static bool is_plain(struct slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

void request_head_add(struct request_head *head, struct slice name, struct slice value)
{
    if (!is_token(name))
        head->fault = "a header's name is not a token";
    else if (!is_plain(value))
        head->fault = "a header's value holds a control character";
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        if (name.length != singles[i].length ||
            strncasecmp(name.data, singles[i].name, name.length) != 0)
            continue;
        struct slice *kept = (struct slice *)((char *)head + singles[i].offset);
        if (kept->data)
            head->fault = "a header stands twice that may stand once";
        *kept = value;
        return;
    }
}

static bool is_number(struct slice text)
{
    int64_t number;
    return text.length && text.data[0] >= '0' && text.data[0] <= '9' &&
           slice_to_int64(text, 0, INT64_MAX, &number);
}

static const char *framing_fault(const struct request_head *head, bool http_1_1)
{
    struct slice length = slice_trim(head->content_length);
    struct slice encoding = slice_trim(head->transfer_encoding);
    if (head->fault)
        return head->fault;
    if (http_1_1 && !head->host.data)
        return "the host is missing";
    if (head->content_length.data && !is_number(length))
        return "the length is not a whole number";
    if (!head->transfer_encoding.data)
        return NULL;
    if (head->content_length.data)
        return "a length and a transfer encoding exclude each other";
    if (!http_1_1)
        return "HTTP/1.0 has no transfer encoding";
    return encoding.length == 7 && strncasecmp(encoding.data, "chunked", 7) == 0
               ? NULL
               : "the transfer encoding is not chunked";
}

bool request_head_check(const struct request_head *head, const char *version, struct error *err)
{
    const char *fault = framing_fault(head, strcmp(version, "HTTP/1.1") == 0);
    return !fault || error_set(err, ERROR_SYNTAX, (struct error_place){.source = "headers"},
                               "one unambiguous request", "%s", fault);
}

/* ---- Paths */

/* The byte at `at`, one escape decoded; *ret_next after it. −1 where the escape is broken. */
static int byte_at(struct slice path, size_t at, size_t *ret_next)
{
    static const char digits[] = "0123456789abcdef";
    *ret_next = at + 1;
    if (path.data[at] != '%')
        return (unsigned char)path.data[at];
    if (at + 2 >= path.length)
        return -1;
    const char *high = strchr(digits, path.data[at + 1] | 0x20);
    const char *low = strchr(digits, path.data[at + 2] | 0x20);
    *ret_next = at + 3;
    return high && low && *high && *low ? (int)((high - digits) << 4 | (low - digits)) : -1;
}

/* A segment of dots only, an empty one that is not the last, an escaped separator or NUL: a second
 * spelling, which a proxy and this server could read differently. */
static bool is_second_spelling(struct slice path)
{
    size_t dots = 0, others = 0, next;
    for (size_t at = 1; at <= path.length; at = next) {
        int byte = at < path.length ? byte_at(path, at, &next) : '/';
        bool escaped = at < path.length && path.data[at] == '%';
        if (at == path.length)
            next = at + 1;
        if (escaped && (byte == '/' || byte == '\\' || byte == 0))
            return true;
        if (byte == '/') {
            bool last = at == path.length;
            if (!others && (dots == 1 || dots == 2 || (dots == 0 && !last)))
                return true;
            dots = others = 0;
        } else if (byte == '.') {
            dots++;
        } else {
            others++;
        }
    }
    return false;
}

bool request_path_check(struct slice path, struct error *err)
{
    struct error_place place = {.field = "path"};
    bool printable = path.length && path.data[0] == '/';
    for (size_t i = 0; printable && i < path.length; i++)
        printable = path.data[i] > ' ' && path.data[i] < 0x7f && path.data[i] != '\\';
    if (!printable)
        return error_set(err, ERROR_BAD_VALUE, place,
                         "a slash and printable ASCII without backslash",
                         "the path is not acceptable");
    return !is_second_spelling(path) ||
           error_set(err, ERROR_NOT_FOUND, place, "a route of /api/v1/openapi.json",
                     "no such route");
}

/* ---- Reading */

static enum MHD_Result add(void *context, enum MHD_ValueKind kind, const char *name,
                           size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    request_head_add(context, (struct slice){name, name_length},
                     (struct slice){value ? value : "", value_length});
    return MHD_YES;
}

bool request_head_read(struct MHD_Connection *connection, const char *url, const char *version,
                       struct request_head *head, struct error *err)
{
    *head = (struct request_head){.fault = NULL};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add, head);
    return request_head_check(head, version, err) && request_path_check(slice_of(url), err);
}
