/* Server-sent events: the counters of the reader's area (where the role may read them) and the
 * reader's own notices, sent at once and again whenever they may have changed; and that something
 * changed about the loops that they have open. A stream
 * with nothing to say is suspended; http_streams_wake resumes all. The reader's right is looked at
 * again before each event, so that a stream ends with its session. The counters of an area are made
 * once a version, whatever the number of its readers: these are the threads that take scans. */
#include <stdlib.h>

#include "command/command.h"
#include "loops/loops.h"
#include "notices/notices.h"
#include "policy/permissions.h"
#include "server/http_internal.h"

enum { STREAMS_MAX = 256, TOKEN_BYTES_MAX = 160, EVENT_BYTES_MAX = 1 << 20 };

struct stream {
    struct http *http;
    struct MHD_Connection *connection;
    const struct route *route;
    char token[TOKEN_BYTES_MAX]; /* header or cookie, as it came */
    char device[ACCESS_DEVICE_BYTES]; /* the device's cookie, "" where none */
    bool by_cookie;
    struct actor actor;
    bool suspended; /* under http->lock, as sent_version's comparison */
    uint64_t sent_version;
    bool greeted; /* whose stream it is was said */
    uint64_t viewers_turn;
    bool told; /* its notices, as `head` says */
    struct notice_head head;
    struct buffer text;
    size_t sent;
    struct stream *next; /* under http->lock */
};

/* The event of an area at a version; under http->lock, as the list. */
struct snapshot {
    int64_t area_no;
    bool hides; /* made for readers without small counts */
    struct buffer text;
    struct snapshot *next;
};

static bool may_read(struct stream *stream, struct error *err)
{
    struct slice token = slice_of(stream->token), none = {NULL, 0};
    return access_actor(stream->http->platform->access, stream->by_cookie ? none : token,
                        stream->by_cookie ? token : none, slice_of(stream->device),
                        &stream->actor, err) &&
           access_gate(stream->http->platform->access, stream->route, &stream->actor, none, err);
}

/* ---- Reading: on the HTTP thread of its connection */

enum next { NEXT_EVENT, NEXT_LATER, NEXT_END };

static enum next await_version(struct stream *stream, uint64_t *ret_version)
{
    struct http *http = stream->http;
    enum next next = NEXT_EVENT;
    pthread_mutex_lock(&http->lock);
    *ret_version = http->version;
    if (http->stopping) {
        next = NEXT_END;
    } else if (http->version == stream->sent_version) {
        next = NEXT_LATER;
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&http->lock);
    return next;
}

/* Copies the event that another reader of the area has had made; false where there is none. */
static bool take_snapshot(struct stream *stream, uint64_t version)
{
    struct http *http = stream->http;
    bool found = false;
    pthread_mutex_lock(&http->lock);
    for (const struct snapshot *s = http->snapshots; s && version == http->version; s = s->next)
        if (s->area_no == stream->actor.area_first &&
            s->hides == command_hides_small(&stream->actor)) {
            buffer_append(&stream->text, s->text.data, s->text.length);
            found = true;
            break;
        }
    pthread_mutex_unlock(&http->lock);
    return found;
}

static void give_snapshot(struct stream *stream, uint64_t version)
{
    struct http *http = stream->http;
    struct snapshot *snapshot = x_alloc(1, sizeof *snapshot);
    snapshot->area_no = stream->actor.area_first;
    snapshot->hides = command_hides_small(&stream->actor);
    buffer_init(&snapshot->text, EVENT_BYTES_MAX);
    buffer_append(&snapshot->text, stream->text.data, stream->text.length);
    pthread_mutex_lock(&http->lock);
    bool current = version == http->version;
    if (current) {
        snapshot->next = http->snapshots;
        http->snapshots = snapshot;
    }
    pthread_mutex_unlock(&http->lock);
    if (!current) {
        buffer_release(&snapshot->text);
        free(snapshot);
    }
}

void streams_forget_snapshots(struct http *http)
{
    while (http->snapshots) {
        struct snapshot *snapshot = http->snapshots;
        http->snapshots = snapshot->next;
        buffer_release(&snapshot->text);
        free(snapshot);
    }
}

static bool write_counters(struct stream *stream, uint64_t version)
{
    struct error err;
    if (take_snapshot(stream, version))
        return true;
    buffer_append_text(&stream->text, "event: counters\ndata: ");
    if (!command_counters_json(stream->http->platform, &stream->actor, &stream->text, &err)) {
        log_error("events", &err);
        return false; /* the reader comes back; half an event is none */
    }
    buffer_append_text(&stream->text, "\n\n");
    if (stream->text.overflow)
        return false;
    give_snapshot(stream, version);
    return true;
}

/* How many of the reader's own notices are unread, and the newest: at once, and whenever it
 * changes. The notices themselves are asked for (GET /notices): the threads here touch no SQL for
 * them. */
static void write_notices(struct stream *stream)
{
    struct notice_head head =
        notices_head(stream->http->platform->notices, stream->actor.user_no);
    if (stream->told && head.newest == stream->head.newest && head.unread == stream->head.unread)
        return;
    stream->told = true;
    stream->head = head;
    buffer_print(&stream->text,
                 "event: notice\ndata: {\"newest\":%lld,\"unread\":%lld}\n\n",
                 (long long)head.newest, (long long)head.unread);
}

/* Whose stream it is, by what its page knows of the session as well: a browser has one cookie for
 * all its pages, and a page must not take the counters of whoever logged in after it. */
static void write_session(struct stream *stream)
{
    char csrf[48];
    if (stream->greeted || !stream->by_cookie)
        return;
    stream->greeted = true;
    access_csrf(stream->http->platform->access, slice_of(stream->token), csrf);
    buffer_print(&stream->text, "event: session\ndata: {\"csrf\":\"%s\"}\n\n", csrf);
}

/* That something changed about the loops that the reader has open; what, their pages ask for. */
static void write_viewers(struct stream *stream)
{
    uint64_t turn = loops_viewers_turn(stream->http->platform->loops, stream->actor.user_no);
    if (turn == stream->viewers_turn)
        return;
    stream->viewers_turn = turn;
    buffer_print(&stream->text, "event: viewers\ndata: {\"turn\":%llu}\n\n",
                 (unsigned long long)turn);
}

/* May leave the text empty: nothing changed that this reader may see. */
static bool write_event(struct stream *stream, uint64_t version)
{
    struct error err;
    if (!may_read(stream, &err))
        return false;
    stream->sent_version = version;
    stream->sent = 0;
    buffer_clear(&stream->text);
    write_session(stream);
    if ((stream->actor.permissions & PERMISSION_BIT(PERMIT_SITUATION_READ)) &&
        !write_counters(stream, version))
        return false;
    write_notices(stream);
    write_viewers(stream);
    return !stream->text.overflow;
}

static ssize_t stream_read(void *context, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct stream *stream = context;
    while (stream->sent == stream->text.length) {
        uint64_t version;
        enum next next = await_version(stream, &version);
        if (next == NEXT_LATER)
            return 0;
        if (next == NEXT_END || !write_event(stream, version))
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t left = stream->text.length - stream->sent;
    size_t given = left < size ? left : size;
    memcpy(out, stream->text.data + stream->sent, given);
    stream->sent += given;
    return (ssize_t)given;
}

/* ---- Waking */

void streams_wake(struct http *http)
{
    for (struct stream *stream = http->streams; stream; stream = stream->next)
        if (stream->suspended) {
            stream->suspended = false;
            MHD_resume_connection(stream->connection);
        }
}

void http_streams_wake(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    http->version++;
    streams_forget_snapshots(http);
    streams_wake(http);
    pthread_mutex_unlock(&http->lock);
}

/* ---- Opening and closing */

static void stream_free(void *context)
{
    struct stream *stream = context;
    struct http *http = stream->http;
    pthread_mutex_lock(&http->lock);
    for (struct stream **at = &http->streams; *at; at = &(*at)->next)
        if (*at == stream) {
            *at = stream->next;
            http->stream_count--;
            atomic_fetch_sub(&server_counters.streams, 1);
            break;
        }
    pthread_mutex_unlock(&http->lock);
    buffer_release(&stream->text);
    free(stream);
}

static bool enlist(struct http *http, struct stream *stream, struct error *err)
{
    pthread_mutex_lock(&http->lock);
    bool room = http->stream_count < STREAMS_MAX && !http->stopping;
    if (room) {
        stream->next = http->streams;
        http->streams = stream;
        http->stream_count++;
        atomic_fetch_add(&server_counters.streams, 1);
        stream->sent_version = http->version - 1;
    }
    pthread_mutex_unlock(&http->lock);
    return room || error_set(err, ERROR_BUSY, (struct error_place){0}, "a try later",
                             "%d event streams are open already", STREAMS_MAX);
}

static bool stream_open(struct exchange *exchange, struct stream **ret_stream, struct error *err)
{
    struct slice authorization = exchange->head.authorization;
    struct slice token = authorization.data ? authorization : exchange_cookie(exchange);
    if (token.length >= TOKEN_BYTES_MAX)
        return error_set(err, ERROR_UNAUTHENTICATED, (struct error_place){.field = "Authorization"},
                         "a valid token", "the token is not valid");
    struct stream *stream = x_alloc(1, sizeof *stream);
    stream->http = exchange->http;
    stream->connection = exchange->connection;
    stream->route = exchange->route;
    stream->by_cookie = !authorization.data;
    if (token.data)
        memcpy(stream->token, token.data, token.length);
    struct slice device = exchange_device(exchange);
    if (device.length < sizeof stream->device) /* else it is no device's */
        snprintf(stream->device, sizeof stream->device, "%.*s", SLICE_ARG(device));
    buffer_init(&stream->text, EVENT_BYTES_MAX);
    if (!may_read(stream, err) || !enlist(exchange->http, stream, err)) {
        buffer_release(&stream->text);
        free(stream);
        return false;
    }
    *ret_stream = stream;
    return true;
}

enum MHD_Result streams_open(struct exchange *exchange)
{
    struct stream *stream;
    struct error err;
    if (!stream_open(exchange, &stream, &err))
        return exchange_problem(exchange, &err);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, stream, stream_free);
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    answer_guard(response, NULL);
    MHD_add_response_header(response, "Connection", "close");     /* nothing follows a stream */
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* nginx: let events pass */
    exchange_enter(exchange, EXCHANGE_STREAMING);
    atomic_fetch_add(&server_counters.requests[2], 1);
    enum MHD_Result queued = MHD_queue_response(exchange->connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}
