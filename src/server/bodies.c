/* Bodies of any length (module.h's response_stream): at most BODIES_MAX at once, a chunk of memory
 * each, whatever their length and however slow their readers.
 *
 *   handler ─► BEGUN ──first chunk──► WHOLE: an answer as any other
 *                │ (slot taken)
 *                ▼ more
 *              TAKEN by the client, on an HTTP thread ──empty──► MAKING: suspended, in the workers'
 *                ▲                                                  │    queue, then on one
 *                └───────────────── resumed ◄─────────────────────┘
 *   TAKEN, nothing more to make ──► END        MAKING failed, or the server stops ──► CUT
 *
 * Invariants: 1 response.stream.fill is set exactly while there is more to make; with it goes the
 * slot. 2 A chunk is made only when the one before was taken. 3 Before each the asker's right is
 * looked at again: a body ends with its session. 4 Each body has at most one task in the queue of
 * the workers, where BODIES_MAX places are kept for them: only a server that stops refuses one.
 * 5 What was cut ends without the last chunk of the transfer encoding. */
#include "server/http_internal.h"

enum { BLOCK_BYTES = 16 << 10 };

/* ---- Making: on a worker, or in the loopback of the tests */

void body_end(struct response *response)
{
    if (!response->stream.fill)
        return;
    response->stream.release(response->stream.context);
    response->stream = (struct response_stream){0};
    atomic_fetch_sub(&server_counters.bodies, 1);
}

static bool make_chunk(struct response *response, struct error *err)
{
    struct response_stream *stream = &response->stream;
    bool end = false;
    buffer_clear(&response->body);
    bool done = stream->fill(stream->context, &response->body, &end, err);
    if (done && response->body.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){0}, "256 kB",
                         "a chunk of the answer is too large");
    REQUIRE(!done || end || response->body.length);
    if (!done || end)
        body_end(response);
    return done;
}

bool body_begin(struct response *response, struct error *err)
{
    if (atomic_fetch_add(&server_counters.bodies, 1) >= BODIES_MAX) {
        body_end(response);
        return error_set(err, ERROR_BUSY, (struct error_place){0}, "a try later",
                         "%d long answers are on their way already", BODIES_MAX);
    }
    buffer_release(&response->body);
    buffer_init(&response->body, RESPONSE_CHUNK_BYTES_MAX);
    return make_chunk(response, err);
}

bool body_next(struct platform *platform, const struct raw_request *raw, struct response *response,
               struct error *err)
{
    REQUIRE(response->stream.fill);
    if (server_admits(platform, raw, err))
        return make_chunk(response, err);
    buffer_clear(&response->body);
    body_end(response);
    return false;
}

/* ---- Taking: on the HTTP thread of its connection */

static void make_on_worker(struct pool_task *task)
{
    struct exchange *exchange = exchange_of_task(task);
    struct raw_request raw = exchange_raw(exchange);
    struct error err;
    char line[900];
    exchange->sent = 0;
    if (!body_next(exchange->http->platform, &raw, &exchange->response, &err)) {
        error_line(&err, line, sizeof line);
        log_write(LOG_FAULT, "server", "an answer of %s was cut off: %s", exchange->route->path,
                  line);
        exchange->cut = true;
    }
    exchange_resume(exchange);
}

static ssize_t take(void *context, uint64_t position, char *out, size_t size)
{
    (void)position;
    struct exchange *exchange = context;
    const struct buffer *body = &exchange->response.body;
    if (exchange->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (exchange->sent == body->length) {
        if (!exchange->response.stream.fill)
            return MHD_CONTENT_READER_END_OF_STREAM;
        exchange->task = (struct pool_task){.run = make_on_worker, .taken = exchange_suspend};
        bool taken = pool_submit(exchange->http->workers, &exchange->task);
        return taken ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t left = body->length - exchange->sent;
    size_t given = left < size ? left : size;
    memcpy(out, body->data + exchange->sent, given);
    exchange->sent += given;
    return (ssize_t)given;
}

struct MHD_Response *body_response(struct exchange *exchange)
{
    exchange->sent = 0;
    exchange->cut = false;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, take, exchange, NULL);
    if (!response)
        return NULL;
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* nginx: no files of it */
    if (exchange->is_head) /* the library would send the last chunk of a body that it does not */
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}
