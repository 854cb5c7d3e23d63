/* The error table and its rendering. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct error_kind error_kinds[ERROR_CODE_COUNT] = {
#define X(code, type, http, exit, zh, en) [code] = {type, http, exit, zh, en},
    ERROR_TABLE(X)
#undef X
};

const struct error_kind *error_kind(enum error_code code)
{
    REQUIRE(code > ERROR_NONE && code < ERROR_CODE_COUNT);
    return &error_kinds[code];
}

/* Errors quote outside text and travel as JSON: cut between characters, never inside one. */
static void copy_text(char *out, size_t size, const char *text)
{
    text_copy(out, size, slice_of(text));
}

bool error_set(struct error *err, enum error_code code, struct error_place place,
               const char *expected, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char what[sizeof err->what];
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);

    struct error next = {.code = code, .row = place.row};
    copy_text(next.what, sizeof next.what, what);
    copy_text(next.source, sizeof next.source, place.source);
    copy_text(next.field, sizeof next.field, place.field);
    copy_text(next.expected, sizeof next.expected, expected);
    *err = next;
    return false;
}

bool error_set_errno(struct error *err, const char *source, const char *act)
{
    int number = errno;
    bool full = number == ENOSPC || number == EDQUOT;
    return error_set(err, full ? ERROR_DISK_FULL : ERROR_IO, (struct error_place){.source = source},
                     full ? "free space on the disk of the data directory" : NULL, "%s: %s", act,
                     strerror(number));
}

void error_line(const struct error *err, char *out, size_t size)
{
    char row[32] = "";
    if (err->row > 0)
        snprintf(row, sizeof row, "row %lld", (long long)err->row);
    snprintf(out, size, "error: %s%s%s%s%s%s%s%s%s", err->what, err->source[0] ? ", " : "",
             err->source, row[0] ? ", " : "", row, err->field[0] ? ", field " : "", err->field,
             err->expected[0] ? ", expected " : "", err->expected);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
}

_Noreturn void require_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "bug: %s:%d: %s does not hold\n", file, line, condition);
    abort();
}
