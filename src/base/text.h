/* Text: slices (pointer and length) inside, NUL only at libc's edge; buffers that know their
 * maximum at birth. */
#ifndef CHENGMAI_BASE_TEXT_H
#define CHENGMAI_BASE_TEXT_H

#include <string.h>

#include "base/memory.h"

struct slice {
    const char *data;
    size_t length;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_ARG(slice) (int)(slice).length, (slice).data /* for "%.*s" */

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}
/* Order by bytes, shorter first where one is the other's beginning: <0, 0, >0. */
int slice_compare(struct slice a, struct slice b);
/* Without ASCII blanks at both ends. */
struct slice slice_trim(struct slice text);
/* A whole decimal number within [low, high]; nothing else around it. */
bool slice_to_int64(struct slice text, int64_t low, int64_t high, int64_t *ret_value) MUST_USE;
/* A finite decimal number. */
bool slice_to_double(struct slice text, double *ret_value) MUST_USE;
/* Well-formed UTF-8 without NUL (overlong forms and surrogates refused). */
bool slice_is_utf8(struct slice text);
/* Copies into `out` (of `size` > 0 bytes, NUL-terminated), always as well-formed UTF-8: a byte that
 * belongs to no sequence becomes '?', a sequence that does not fit is left out whole. */
void text_copy(char *out, size_t size, struct slice text);

/* A growing byte sequence. Passing `max_bytes` sets `overflow` and drops what does not fit: the
 * owner checks once, at the end. */
struct buffer {
    char *data; /* NUL-terminated whenever not NULL */
    size_t length;
    size_t capacity;
    size_t max_bytes;
    bool overflow;
};

void buffer_init(struct buffer *buffer, size_t max_bytes);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_print(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* As the text of an XML document; control characters, which have no place there, become blanks. */
void buffer_append_xml(struct buffer *buffer, struct slice text);
void buffer_clear(struct buffer *buffer);
void buffer_release(struct buffer *buffer);
static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return (struct slice){buffer->data ? buffer->data : "", buffer->length};
}

#endif
