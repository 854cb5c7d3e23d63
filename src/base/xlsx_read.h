/* Spreadsheets in (XLSX, by libzip and expat): the first sheet becomes CSV, so that one reader
 * serves all. Dates come as 2022-04-14, times as RFC 3339 in city time, truths as true and false;
 * of a formula its last result. Rows without a value are passed over. */
#ifndef CHENGMAI_BASE_XLSX_READ_H
#define CHENGMAI_BASE_XLSX_READ_H

#include "base/text.h"

/* Whether the file begins as a zip archive; the place in it stays. */
bool xlsx_begins(int fd);
/* Writes the rows of the first sheet to `out_fd`, each with as many fields as the first one, or
 * more where it has more. `fd` must be seekable and stays open. ERROR_SYNTAX where it is no such
 * file, ERROR_TOO_LARGE past 256 columns, 1 MiB a cell, 256 MiB of shared texts or 1 GiB of a
 * sheet. */
bool xlsx_to_csv(int fd, int out_fd, const char *source, struct error *err) MUST_USE;

#endif
