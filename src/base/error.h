/* Errors: one table of kinds, one structure that carries what, where and what was expected.
 *
 * What may fail returns `bool` (true = done), is MUST_USE and takes `struct error *err` last; `err`
 * is written only on failure. Rooms return errors, they never print them: the command line and the
 * server say them once. Bugs are not errors: they end the process through REQUIRE. */
#ifndef CHENGMAI_BASE_ERROR_H
#define CHENGMAI_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))

enum { EXIT_DONE = 0, EXIT_FINDINGS = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3, EXIT_REFUSED = 4 };

/* code, problem type, HTTP status, exit code, title in Chinese, title in English */
#define ERROR_TABLE(X)                                                                             \
    X(ERROR_BAD_VALUE, "bad-value", 400, EXIT_USAGE, "值不合要求", "A value is not acceptable")   \
    X(ERROR_SYNTAX, "syntax", 400, EXIT_USAGE, "格式错误", "The input is not well formed")        \
    X(ERROR_USAGE, "usage", 400, EXIT_USAGE, "用法错误", "Wrong usage")                            \
    X(ERROR_TOO_LARGE, "too-large", 413, EXIT_USAGE, "超出上限", "The input is too large")        \
    X(ERROR_UNKNOWN_EVIDENCE, "unknown-evidence-kind", 422, EXIT_REFUSED, "未知证据种类",        \
      "Unknown evidence kind")                                                                     \
    X(ERROR_UNAUTHENTICATED, "unauthenticated", 401, EXIT_REFUSED, "未登录", "Log in first")      \
    X(ERROR_FORBIDDEN, "forbidden", 403, EXIT_REFUSED, "无权", "Not within your authority")       \
    X(ERROR_PURPOSE, "purpose-required", 403, EXIT_REFUSED, "须说明用途", "A purpose is required")\
    X(ERROR_NOT_FOUND, "not-found", 404, EXIT_FINDINGS, "不存在", "Not found")                     \
    X(ERROR_METHOD, "method-not-allowed", 405, EXIT_USAGE, "方法不适用", "Method not allowed")    \
    X(ERROR_CONFLICT, "conflict", 409, EXIT_REFUSED, "冲突", "Conflict with the present state")   \
    X(ERROR_KEY_REUSED, "idempotency-key-reused", 409, EXIT_REFUSED, "幂等键已用于另一请求",     \
      "The idempotency key was used for another request")                                          \
    X(ERROR_GONE, "gone", 410, EXIT_REFUSED, "已按期删除", "Forgotten as its retention demands")  \
    X(ERROR_REFUSED, "refused", 403, EXIT_REFUSED, "被拒绝", "Refused")                            \
    X(ERROR_CORRUPT, "corrupt", 500, EXIT_ENVIRONMENT, "数据损坏", "Stored data is damaged")      \
    X(ERROR_DISK_FULL, "disk-full", 503, EXIT_ENVIRONMENT, "磁盘已满", "The disk is full")        \
    X(ERROR_IO, "io", 503, EXIT_ENVIRONMENT, "读写失败", "Reading or writing failed")              \
    X(ERROR_LIMITED, "too-many-requests", 429, EXIT_REFUSED, "请求过于频繁", "Too many requests")  \
    X(ERROR_BUSY, "busy", 503, EXIT_ENVIRONMENT, "繁忙", "Too busy, try again")                    \
    X(ERROR_OWNED, "owned", 503, EXIT_ENVIRONMENT, "数据目录已被占用",                            \
      "Another process owns the data directory")                                                   \
    X(ERROR_ENVIRONMENT, "environment", 500, EXIT_ENVIRONMENT, "环境不符",                        \
      "The environment does not allow it")                                                         \
    X(ERROR_MEMORY, "memory", 503, EXIT_ENVIRONMENT, "内存不足", "Out of memory")

enum error_code {
    ERROR_NONE = 0,
#define X(code, type, http, exit, zh, en) code,
    ERROR_TABLE(X)
#undef X
        ERROR_CODE_COUNT
};

struct error_kind {
    const char *type; /* last part of the problem type URI */
    int http_status;
    int exit_code;
    const char *title_zh;
    const char *title_en;
};

/* Where in the input: every part may be absent (row 0, field NULL or empty, source NULL). */
struct error_place {
    const char *source; /* a file, a piece of evidence, a section */
    int64_t row;        /* 1 = first row after the header, or a line number */
    const char *field;
};

struct error {
    enum error_code code;
    char what[320];
    char source[160];
    int64_t row;
    char field[96];
    char expected[200];
};

/* The kind of a code; `code` must be one of the table. */
const struct error_kind *error_kind(enum error_code code);

/* Fills `err` and returns false, so that a caller writes `return error_set(...)`.
 * `expected` may be NULL where nothing else could have been given. */
bool error_set(struct error *err, enum error_code code, struct error_place place,
               const char *expected, const char *format, ...) PRINTF_LIKE(5, 6);

/* The same for a failed system call: adds the text of errno; ENOSPC and EDQUOT become
 * ERROR_DISK_FULL, everything else ERROR_IO. */
bool error_set_errno(struct error *err, const char *source, const char *act);

/* Writes "error: WHAT, WHERE, EXPECTED" into `out`, cut at `size`: one line without control
 * characters, so that quoted input can neither break it nor steer a terminal. */
void error_line(const struct error *err, char *out, size_t size);

/* A broken invariant of our own: reports file, line and condition and aborts. Never used on
 * outside input. */
#define REQUIRE(condition)                                                                         \
    ((condition) ? (void)0 : require_failed(__FILE__, __LINE__, #condition))
_Noreturn void require_failed(const char *file, int line, const char *condition);

#endif
