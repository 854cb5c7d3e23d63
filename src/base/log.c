/* The log. One write() a line, so that lines of several threads do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/world.h"

static atomic_int lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&lowest, (int)level);
}

void log_write(enum log_level level, const char *room, const char *format, ...)
{
    if ((int)level < atomic_load(&lowest))
        return;
    static const char *const names[] = {"info", "warning", "fault"};
    char whole[900], words[sizeof whole];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(whole, sizeof whole, format, arguments);
    va_end(arguments);
    text_copy(words, sizeof words, slice_of(whole));

    struct buffer line;
    buffer_init(&line, 8192);
    struct json_writer writer;
    json_writer_init(&writer, &line);
    json_object_begin(&writer);
    json_field_time(&writer, "at", world_real_now());
    json_field_text(&writer, "level", slice_of(names[level]));
    json_field_text(&writer, "room", slice_of(room));
    json_field_text(&writer, "words", slice_of(words));
    json_object_end(&writer);
    json_writer_release(&writer);
    buffer_append(&line, "\n", 1);
    ssize_t wrote = write(STDERR_FILENO, line.data, line.length);
    (void)wrote; /* a log that cannot be written has nobody to tell */
    buffer_release(&line);
}

void log_error(const char *room, const struct error *err)
{
    char line[900];
    error_line(err, line, sizeof line);
    log_write(LOG_FAULT, room, "%s", line);
}
