/* JSON-lines log on standard error: one object a line, real time, for people and machines. Never a
 * name, a number or a token of a person. */
#ifndef CHENGMAI_BASE_LOG_H
#define CHENGMAI_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_INFO, LOG_WARNING, LOG_FAULT };

/* One line {"at","level","room","words"}. */
void log_write(enum log_level level, const char *room, const char *format, ...) PRINTF_LIKE(3, 4);
/* The error as a line of level fault. */
void log_error(const char *room, const struct error *err);
/* Nothing below `level` is written. */
void log_set_level(enum log_level level);

#endif
