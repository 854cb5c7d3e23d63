/* CSV from outside: whatever the bytes, rows come out or one error; and rows that are written again
 * read back as the same rows. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t size)
{
    struct error err;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && file_write_all(fd, data, size, "fuzz", &err));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void put_row(struct buffer *out, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        csv_put(out, row->fields[i], i == 0);
    if (row->count == 1 && row->fields[0].length == 0)
        buffer_append_text(out, "\"\""); /* else an empty line, which is no row */
    csv_end(out);
}

/* Good rows into `out`; false where the header or the file is refused. */
static bool read_rows(int fd, struct buffer *out)
{
    struct csv_reader *reader;
    struct error err = {0};
    if (!csv_reader_open(fd, "fuzz", &reader, &err)) {
        REQUIRE(err.code != ERROR_NONE);
        return false;
    }
    size_t columns = csv_reader_header(reader)->count;
    put_row(out, csv_reader_header(reader));
    for (;;) {
        const struct csv_row *row;
        err = (struct error){0};
        if (!csv_reader_next(reader, &row, &err)) {
            REQUIRE(err.code != ERROR_NONE);
            break;
        }
        if (!row)
            break;
        REQUIRE(row->count == 0 || row->count == columns);
        REQUIRE((row->count == 0) == (err.code != ERROR_NONE));
        if (row->count)
            put_row(out, row);
    }
    csv_reader_free(reader);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer first, again;
    buffer_init(&first, 64 << 20);
    buffer_init(&again, 64 << 20);
    if (read_rows(file_of(data, size), &first) && first.length) {
        REQUIRE(read_rows(file_of(first.data, first.length), &again));
        REQUIRE(slice_equal(buffer_slice(&first), buffer_slice(&again)));
    }
    buffer_release(&first);
    buffer_release(&again);
    return 0;
}
