/* Spreadsheets over libxlsxwriter. The library writes to a name: that of a file in memory, so that
 * nothing half-written ever stands anywhere. */
#include "base/xlsx.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "base/text.h"

enum { CHOICE_BYTES_MAX = 255, DAYS_FROM_1899 = 25569, MADE_AT = 315532800 };

struct xlsx {
    int memory_fd;
    lxw_workbook *book; /* NULL once it was closed */
    lxw_worksheet *sheet;
    lxw_row_t row;
    lxw_format *forms[XLSX_TIME + 1], *head, *head_required;
};

static bool refuse(struct error *err, const char *what, lxw_error code)
{
    return error_set(err, code == LXW_ERROR_MEMORY_MALLOC_FAILED ? ERROR_MEMORY : ERROR_IO,
                     (struct error_place){.source = "xlsx"}, NULL, "%s: %s", what,
                     lxw_strerror(code));
}

static lxw_format *format(lxw_workbook *book, const char *shown, bool bold)
{
    lxw_format *made = workbook_add_format(book);
    if (made && shown)
        format_set_num_format(made, shown);
    if (made && bold)
        format_set_bold(made);
    return made;
}

bool xlsx_open(struct xlsx **ret_xlsx, struct error *err)
{
    char name[40];
    struct xlsx *xlsx = x_alloc(1, sizeof *xlsx);
    xlsx->memory_fd = memfd_create("sheet", MFD_CLOEXEC);
    if (xlsx->memory_fd < 0) {
        free(xlsx);
        return error_set_errno(err, "a file in memory", "create");
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", xlsx->memory_fd);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    xlsx->book = workbook_new_opt(name, &options);
    if (!xlsx->book) {
        xlsx_free(xlsx);
        return refuse(err, "the spreadsheet cannot be begun", LXW_ERROR_MEMORY_MALLOC_FAILED);
    }
    lxw_doc_properties properties = {.created = MADE_AT}; /* the same rows, the same bytes */
    workbook_set_properties(xlsx->book, &properties);
    xlsx->forms[XLSX_TEXT] = format(xlsx->book, "@", false);
    xlsx->forms[XLSX_DATE] = format(xlsx->book, "yyyy\\-mm\\-dd", false);
    xlsx->forms[XLSX_TIME] = format(xlsx->book, "yyyy\\-mm\\-dd\"T\"hh:mm:ss\"+08:00\"", false);
    xlsx->head = format(xlsx->book, "@", false);
    xlsx->head_required = format(xlsx->book, "@", true);
    *ret_xlsx = xlsx;
    return true;
}

/* The drop-down of the cells below a name. */
static bool offer(struct xlsx *xlsx, lxw_col_t at, const char *const *choices, struct error *err)
{
    size_t bytes = 0, count = 0;
    while (choices[count])
        bytes += strlen(choices[count++]) + 1;
    if (!count || bytes - 1 > CHOICE_BYTES_MAX)
        return true;
    lxw_data_validation validation = {.validate = LXW_VALIDATION_TYPE_LIST,
                                      .value_list = (char **)(uintptr_t)choices};
    lxw_error code =
        worksheet_data_validation_range(xlsx->sheet, 1, at, LXW_ROW_MAX - 1, at, &validation);
    return code == LXW_NO_ERROR || refuse(err, "a drop-down cannot be made", code);
}

bool xlsx_sheet(struct xlsx *xlsx, const char *name, const struct xlsx_column *columns,
                size_t count, struct error *err)
{
    REQUIRE(xlsx->book && count > 0 && count <= XLSX_COLUMNS_MAX);
    xlsx->sheet = workbook_add_worksheet(xlsx->book, name);
    if (!xlsx->sheet)
        return refuse(err, "a sheet cannot be begun", LXW_ERROR_MEMORY_MALLOC_FAILED);
    xlsx->row = 1;
    worksheet_freeze_panes(xlsx->sheet, 1, 0);
    for (size_t i = 0; i < count; i++) {
        lxw_col_t at = (lxw_col_t)i;
        char head[256];
        text_copy(head, sizeof head, columns[i].name);
        worksheet_set_column(xlsx->sheet, at, at, columns[i].wide > 0 ? columns[i].wide : 16,
                             xlsx->forms[columns[i].form]);
        lxw_error code = worksheet_write_string(
            xlsx->sheet, 0, at, head, columns[i].required ? xlsx->head_required : xlsx->head);
        if (code != LXW_NO_ERROR)
            return refuse(err, "a name cannot be written", code);
        if (columns[i].choices && !offer(xlsx, at, columns[i].choices, err))
            return false;
    }
    return true;
}

static lxw_error put_text(struct xlsx *xlsx, lxw_col_t at, struct slice text)
{
    char *copy = x_alloc(text.length + 1, 1);
    memcpy(copy, text.data, text.length);
    lxw_error code =
        worksheet_write_string(xlsx->sheet, xlsx->row, at, copy, xlsx->forms[XLSX_TEXT]);
    free(copy);
    return code;
}

static lxw_error put_cell(struct xlsx *xlsx, lxw_col_t at, const struct xlsx_cell *cell)
{
    double days;
    switch (cell->form) {
    case XLSX_TEXT:
        return cell->text.length ? put_text(xlsx, at, cell->text) : LXW_NO_ERROR;
    case XLSX_NUMBER:
        return worksheet_write_number(xlsx->sheet, xlsx->row, at, cell->number, NULL);
    case XLSX_BOOL:
        return worksheet_write_boolean(xlsx->sheet, xlsx->row, at, cell->number > 0, NULL);
    case XLSX_DATE:
        return worksheet_write_number(xlsx->sheet, xlsx->row, at, cell->day + DAYS_FROM_1899,
                                      xlsx->forms[XLSX_DATE]);
    case XLSX_TIME:
        days = (double)(cell->time / SECOND + LOCAL_OFFSET_SECONDS) / 86400 + DAYS_FROM_1899;
        return worksheet_write_number(xlsx->sheet, xlsx->row, at, days, xlsx->forms[XLSX_TIME]);
    default:
        return LXW_NO_ERROR;
    }
}

bool xlsx_row(struct xlsx *xlsx, const struct xlsx_cell *cells, size_t count, struct error *err)
{
    REQUIRE(xlsx->book && xlsx->sheet && count <= XLSX_COLUMNS_MAX);
    struct error_place place = {.source = "xlsx", .row = xlsx->row};
    if (xlsx->row >= XLSX_ROWS_MAX)
        return error_set(err, ERROR_TOO_LARGE, place, "CSV for more rows than a sheet has",
                         "the sheet is full");
    for (size_t i = 0; i < count; i++) {
        if (cells[i].form == XLSX_TEXT && cells[i].text.length > XLSX_TEXT_BYTES_MAX)
            return error_set(err, ERROR_TOO_LARGE, place, "CSV for texts over 32767 bytes",
                             "a text is too long for a cell");
        lxw_error code = put_cell(xlsx, (lxw_col_t)i, &cells[i]);
        if (code != LXW_NO_ERROR)
            return refuse(err, "a cell cannot be written", code);
    }
    xlsx->row++;
    return true;
}

bool xlsx_finish(struct xlsx *xlsx, struct buffer *out, struct error *err)
{
    REQUIRE(xlsx->book);
    lxw_error code = workbook_close(xlsx->book);
    xlsx->book = NULL;
    if (code != LXW_NO_ERROR)
        return refuse(err, "the spreadsheet cannot be made", code);
    char chunk[65536];
    for (off_t at = 0;;) {
        ssize_t got = pread(xlsx->memory_fd, chunk, sizeof chunk, at);
        if (got < 0)
            return error_set_errno(err, "a file in memory", "read");
        if (got == 0)
            break;
        buffer_append(out, chunk, (size_t)got);
        at += got;
    }
    return !out->overflow || error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "xlsx"},
                                       "CSV for so many rows", "the spreadsheet is too large");
}

void xlsx_free(struct xlsx *xlsx)
{
    if (!xlsx)
        return;
    if (xlsx->book)
        workbook_close(xlsx->book); /* gives its temporary files back */
    close(xlsx->memory_fd);
    free(xlsx);
}
