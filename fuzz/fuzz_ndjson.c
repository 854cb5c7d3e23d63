/* Rows of an import, CSV or NDJSON, plain or gzip: every row has the header's fields or is
 * refused. */
#include <sys/mman.h>
#include <unistd.h>

#include "registry/import.h"

/* What a spreadsheet would run is written with an apostrophe before it. */
static void check_guard(struct slice field)
{
    struct buffer cell;
    double number;
    buffer_init(&cell, 64 << 20);
    registry_csv_put(&cell, field, true);
    size_t at = cell.length && cell.data[0] == '"';
    REQUIRE(!import_is_formula(field) || slice_to_double(field, &number) || cell.overflow ||
            cell.data[at] == '\'');
    buffer_release(&cell);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv_reader *reader;
    struct error err = {0};
    bool ndjson;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && file_write_all(fd, data, size, "fuzz", &err));
    lseek(fd, 0, SEEK_SET);
    if (!import_rows_open(fd, "fuzz", -1, &reader, &ndjson, &err)) {
        REQUIRE(err.code != ERROR_NONE);
        return 0;
    }
    size_t columns = csv_reader_header(reader)->count;
    for (;;) {
        const struct csv_row *row;
        err = (struct error){0};
        bool done = csv_reader_next(reader, &row, &err);
        REQUIRE(done || !ndjson); /* what we wrote ourselves is always well-formed */
        if (!done || !row)
            break;
        REQUIRE(row->count == 0 || row->count == columns);
        for (size_t i = 0; i < row->count; i++) {
            struct slice field = import_unprotect(slice_trim(row->fields[i]));
            REQUIRE(field.length <= row->fields[i].length);
            check_guard(field);
        }
    }
    csv_reader_free(reader);
    return 0;
}
