/* CSV in and out (libcsv; RFC 4180), gzip read through zlib.
 *
 * A reader pulls rows one by one from a file descriptor, plain or gzip, with or without a UTF-8
 * byte order mark. The first row is the header. Blanks around a field that is not quoted do not
 * count; empty lines are no rows. Bounds: 1 MiB a row, 256 fields. */
#ifndef CHENGMAI_BASE_CSV_H
#define CHENGMAI_BASE_CSV_H

#include <stdio.h>

#include "base/text.h"

struct csv_reader;

/* One row; `fields` point into the reader and live until the next call. */
struct csv_row {
    int64_t number; /* 1 = first row after the header */
    size_t count;
    const struct slice *fields;
};

/* Takes over `fd`. Reads the header at once: ERROR_SYNTAX where there is none or a name is
 * doubled. Release with csv_reader_free. */
bool csv_reader_open(int fd, const char *source, struct csv_reader **ret_reader,
                     struct error *err) MUST_USE;
void csv_reader_free(struct csv_reader *reader);
const struct csv_row *csv_reader_header(const struct csv_reader *reader);
/* Column of that name, -1 where there is none. */
int csv_reader_column(const struct csv_reader *reader, const char *name);
/* The next row; *ret_row NULL at the end. A row that cannot be read (quote inside a field, too
 * long, not UTF-8, another number of fields) comes as *ret_row with `count` 0 and `err` filled
 * with the reason while the call returns true: it is a rejected row, reading goes on after it.
 * False only where nothing more can be read: a quote that is never closed, a broken gzip. */
bool csv_reader_next(struct csv_reader *reader, const struct csv_row **ret_row,
                     struct error *err) MUST_USE;

/* Writes one field, quoted where needed, with a comma before all but the first. */
void csv_put(struct buffer *out, struct slice field, bool first);
void csv_end(struct buffer *out);

#endif
