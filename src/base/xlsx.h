/* Spreadsheets out (XLSX, by libxlsxwriter): sheets one after the other, row by row. A text is
 * always written as a text: never as a formula, a number or a link. */
#ifndef CHENGMAI_BASE_XLSX_H
#define CHENGMAI_BASE_XLSX_H

#include "base/time.h"

enum { XLSX_ROWS_MAX = 1048576, XLSX_COLUMNS_MAX = 256, XLSX_TEXT_BYTES_MAX = 32767 };

enum xlsx_form {
    XLSX_EMPTY, /* a cell without a value */
    XLSX_TEXT,
    XLSX_NUMBER,
    XLSX_BOOL,
    XLSX_DATE, /* shown as 2022-04-14 */
    XLSX_TIME, /* city time, shown as 2022-04-14T14:30:00+08:00 */
};
struct xlsx_cell {
    enum xlsx_form form;
    struct slice text; /* XLSX_TEXT, UTF-8 */
    double number;     /* XLSX_NUMBER, XLSX_BOOL (0 or 1) */
    int32_t day;       /* XLSX_DATE */
    timestamp time;    /* XLSX_TIME */
};
struct xlsx_column {
    struct slice name;
    enum xlsx_form form;        /* how its cells look, also those that are filled in later */
    bool required;              /* its name is shown in bold */
    const char *const *choices; /* drop-down of cells to be filled in; NULL after the last, may be
                                   NULL; left out where all together are over 255 bytes */
    double wide;                /* characters */
};

struct xlsx;
bool xlsx_open(struct xlsx **ret_xlsx, struct error *err) MUST_USE;
/* Begins the next sheet with a row of names; the one before is finished. `name` has at most 31
 * characters and none of []:*?/\. */
bool xlsx_sheet(struct xlsx *xlsx, const char *name, const struct xlsx_column *columns,
                size_t count, struct error *err) MUST_USE;
/* A row of `count` cells. ERROR_TOO_LARGE where the sheet or a text is full. */
bool xlsx_row(struct xlsx *xlsx, const struct xlsx_cell *cells, size_t count,
              struct error *err) MUST_USE;
/* The whole file, appended to `out`: ERROR_TOO_LARGE past its maximum. No sheet follows; free it in
 * any case. */
bool xlsx_finish(struct xlsx *xlsx, struct buffer *out, struct error *err) MUST_USE;
void xlsx_free(struct xlsx *xlsx); /* accepts NULL */

#endif
