/* Slices and bounded buffers. */
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int slice_compare(struct slice a, struct slice b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice text)
{
    while (text.length && is_blank(text.data[0]))
        text.data++, text.length--;
    while (text.length && is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

bool slice_to_int64(struct slice text, int64_t low, int64_t high, int64_t *ret_value)
{
    size_t i = 0;
    bool negative = text.length && text.data[0] == '-';
    if (negative)
        i++;
    if (i == text.length || text.length - i > 19)
        return false;
    uint64_t value = 0; /* 19 digits fit */
    for (; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (value > (uint64_t)INT64_MAX)
        return false;
    int64_t signed_value = negative ? -(int64_t)value : (int64_t)value;
    if (signed_value < low || signed_value > high)
        return false;
    *ret_value = signed_value;
    return true;
}

bool slice_to_double(struct slice text, double *ret_value)
{
    char copy[64];
    if (text.length == 0 || text.length >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (!strchr("0123456789+-.eE", text.data[i]) || text.data[i] == '\0')
            return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *end = NULL;
    double value = strtod(copy, &end);
    if (end != copy + text.length || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

/* Length of the well-formed sequence at `s`, 0 where there is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    if (s[0] != 0 && s[0] < 0x80)
        return 1;
    size_t need = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3
                : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    if (need == 0 || need > left)
        return 0;
    for (size_t k = 1; k < need; k++)
        if ((s[k] & 0xC0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool outside = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
    return overlong || outside ? 0 : need;
}

bool slice_is_utf8(struct slice text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.length;) {
        size_t step = utf8_sequence(bytes + i, text.length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

void text_copy(char *out, size_t size, struct slice text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t used = 0;
    for (size_t i = 0; i < text.length;) {
        size_t step = utf8_sequence(bytes + i, text.length - i);
        size_t need = step ? step : 1;
        if (need >= size - used)
            break;
        if (step)
            memcpy(out + used, bytes + i, step);
        else
            out[used] = '?';
        used += need;
        i += need;
    }
    out[used] = '\0';
}

void buffer_init(struct buffer *buffer, size_t max_bytes)
{
    *buffer = (struct buffer){.max_bytes = max_bytes};
}

static bool buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->overflow || more > buffer->max_bytes || buffer->length > buffer->max_bytes - more) {
        buffer->overflow = true;
        return false;
    }
    size_t need = buffer->length + more + 1;
    if (need <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;
    if (capacity < need)
        capacity = need;
    buffer->data = x_realloc(buffer->data, capacity);
    buffer->capacity = capacity;
    return true;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (!buffer_reserve(buffer, length))
        return;
    if (length)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0);
    if (buffer_reserve(buffer, (size_t)length)) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

void buffer_append_xml(struct buffer *buffer, struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        switch (text.data[i]) {
        case '&':
            buffer_append_text(buffer, "&amp;");
            break;
        case '<':
            buffer_append_text(buffer, "&lt;");
            break;
        case '>':
            buffer_append_text(buffer, "&gt;");
            break;
        case '"':
            buffer_append_text(buffer, "&quot;");
            break;
        default: {
            unsigned char c = (unsigned char)text.data[i];
            buffer_append(buffer, c < 0x20 || c == 0x7F ? " " : &text.data[i], 1);
        }
        }
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->overflow = false;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->max_bytes);
}
