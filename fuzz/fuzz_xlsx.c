/* Spreadsheets as imports take them: read to rows that the CSV reader takes, or refused with words.
 * The first byte says what the rest is: one part of an archive that is well otherwise, or all. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zip.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    char letter;
    const char *path, *text;
} parts[] = {
    {'b', "xl/workbook.xml", "<workbook xmlns:r='r'><sheets><sheet r:id='a'/></sheets></workbook>"},
    {'r', "xl/_rels/workbook.xml.rels",
     "<Relationships><Relationship Id='a' Target='s.xml'/></Relationships>"},
    {'t', "xl/sharedStrings.xml", "<sst><si><t>one</t></si><si><t>two</t></si></sst>"},
    {'f', "xl/styles.xml",
     "<styleSheet><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='22'/></cellXfs>"
     "</styleSheet>"},
    {'s', "xl/s.xml",
     "<worksheet><sheetData><row><c t='s'><v>1</v></c><c s='1'><v>44665</v></c>"
     "<c s='2'><v>44665.5</v></c></row></sheetData></worksheet>"},
};

/* The archive with the given part in the place of its own. */
static int archive_with(char letter, const uint8_t *data, size_t size)
{
    zip_error_t error;
    zip_stat_t stat;
    struct error err;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *archive = zip_open_from_source(source, ZIP_TRUNCATE, &error);
    REQUIRE(archive);
    zip_source_keep(source);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool given = parts[i].letter == letter;
        zip_int64_t at =
            zip_file_add(archive, parts[i].path,
                         zip_source_buffer(archive, given ? (const void *)data : parts[i].text,
                                           given ? size : strlen(parts[i].text), 0),
                         0);
        REQUIRE(at >= 0 &&
                zip_set_file_compression(archive, (zip_uint64_t)at, ZIP_CM_STORE, 0) == 0);
    }
    REQUIRE(zip_close(archive) == 0 && zip_source_open(source) == 0 &&
            zip_source_stat(source, &stat) == 0);
    char *bytes = x_alloc(stat.size, 1);
    REQUIRE(zip_source_read(source, bytes, stat.size) == (zip_int64_t)stat.size);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(fd >= 0 && file_write_all(fd, bytes, stat.size, "fuzz", &err));
    free(bytes);
    zip_source_close(source);
    zip_source_free(source);
    return fd;
}

static void check_rows(int csv)
{
    struct csv_reader *reader;
    struct error err = {0};
    lseek(csv, 0, SEEK_SET);
    if (!csv_reader_open(csv, "rows", &reader, &err)) {
        REQUIRE(err.code == ERROR_SYNTAX); /* no row at all, or a name twice */
        return;
    }
    for (const struct csv_row *row = NULL;;) {
        REQUIRE(csv_reader_next(reader, &row, &err)); /* what we wrote is well-formed */
        if (!row)
            break;
    }
    csv_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    int fd, csv = memfd_create("csv", MFD_CLOEXEC);
    if (!size) {
        close(csv);
        return 0;
    }
    if (data[0] == 'z') {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        REQUIRE(fd >= 0 && file_write_all(fd, data + 1, size - 1, "fuzz", &err));
    } else {
        fd = archive_with((char)data[0], data + 1, size - 1);
    }
    if (xlsx_to_csv(fd, csv, "fuzz", &err)) {
        check_rows(csv); /* takes it over */
    } else {
        REQUIRE(err.code != ERROR_NONE && err.what[0]);
        close(csv);
    }
    close(fd);
    return 0;
}
