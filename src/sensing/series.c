/* The readers of series and line lists, and the tables that methods print. */
#include "sensing/sensing_internal.h"

const char reason_short_baseline[] = "short-baseline", reason_missing[] = "missing-count",
           reason_few_cases[] = "few-cases", reason_no_convergence[] = "no-convergence",
           reason_too_early[] = "too-early", reason_no_spread[] = "no-spread",
           reason_overflow[] = "overflow", reason_underflow[] = "underflow";

static bool is_missing(struct slice field)
{
    return field.length == 0 || slice_equal(field, SLICE("NA"));
}

bool refuse_cell(struct error *err, const char *source, int64_t row, const char *field,
                 const char *expected, struct slice got)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){source, row, field}, expected,
                     "'%.*s' cannot be read", got.length > 60 ? 60 : (int)got.length, got.data);
}

static bool read_count(struct slice field, const char *source, int64_t row, const char *name,
                       bool may_miss, double *ret_count, struct error *err)
{
    double value;
    if (may_miss && is_missing(field)) {
        *ret_count = NAN;
        return true;
    }
    if (!slice_to_double(field, &value) || value < 0 || value > SERIES_COUNT_MAX ||
        value != floor(value))
        return refuse_cell(err, source, row, name,
                           may_miss ? "a whole number from 0 to 10^12, or NA"
                                    : "a whole number from 0 to 10^12",
                           field);
    *ret_count = value;
    return true;
}

/* ---- Series ---- */

struct columns {
    int t, date, count, population, local, imported;
};

static bool find_columns(const struct csv_reader *reader, const char *source,
                         struct columns *columns, struct error *err)
{
    *columns = (struct columns){
        csv_reader_column(reader, "t"),     csv_reader_column(reader, "date"),
        csv_reader_column(reader, "count"), csv_reader_column(reader, "population"),
        csv_reader_column(reader, "local"), csv_reader_column(reader, "imported")};
    bool split = columns->local >= 0 && columns->imported >= 0;
    if (columns->t >= 0 && (columns->count >= 0) != split)
        return true;
    return error_set(err, ERROR_SYNTAX, (struct error_place){.source = source, .field = "header"},
                     "t[,date],count[,population] or t,local,imported",
                     "the columns are not those of a series");
}

struct growing {
    double *observed, *imported, *population;
    int32_t *days;
    size_t count, capacity;
};

static void grow(struct growing *rows)
{
    if (rows->count < rows->capacity)
        return;
    rows->capacity = rows->capacity ? 2 * rows->capacity : 512;
    rows->observed = x_realloc(rows->observed, rows->capacity * sizeof *rows->observed);
    rows->imported = x_realloc(rows->imported, rows->capacity * sizeof *rows->imported);
    rows->population = x_realloc(rows->population, rows->capacity * sizeof *rows->population);
    rows->days = x_realloc(rows->days, rows->capacity * sizeof *rows->days);
}

static bool read_row(const struct csv_row *row, const struct columns *columns, const char *source,
                     struct growing *rows, struct error *err)
{
    const struct slice *fields = row->fields;
    size_t i = rows->count;
    int64_t t;
    grow(rows);
    if (!slice_to_int64(fields[columns->t], 1, SERIES_ROWS_MAX, &t) || (size_t)t != i + 1)
        return refuse_cell(err, source, row->number, "t", "the number of the row: 1, 2, 3 …",
                           fields[columns->t]);
    if (columns->date >= 0) {
        struct slice date = fields[columns->date];
        if (!time_parse_date(date, &rows->days[i]))
            return refuse_cell(err, source, row->number, "date", "a date YYYY-MM-DD", date);
        if (i && rows->days[i] <= rows->days[i - 1])
            return refuse_cell(err, source, row->number, "date", "a later date than the row before",
                               date);
    }
    if (columns->population >= 0) {
        struct slice population = fields[columns->population];
        rows->population[i] = NAN;
        if (!is_missing(population) &&
            (!slice_to_double(population, &rows->population[i]) || rows->population[i] < 0 ||
             rows->population[i] > SERIES_COUNT_MAX))
            return refuse_cell(err, source, row->number, "population", "a number from 0, or NA",
                               population);
    }
    if (columns->count >= 0)
        return read_count(fields[columns->count], source, row->number, "count", true,
                          &rows->observed[i], err);
    if (!read_count(fields[columns->local], source, row->number, "local", true, &rows->observed[i],
                    err) ||
        !read_count(fields[columns->imported], source, row->number, "imported", true,
                    &rows->imported[i], err))
        return false;
    rows->observed[i] += rows->imported[i];
    return true;
}

static void *keep(struct arena *arena, const void *values, size_t bytes)
{
    void *kept = arena_alloc(arena, bytes ? bytes : 1);
    if (bytes)
        memcpy(kept, values, bytes);
    return kept;
}

static bool too_long(struct error *err, const char *source)
{
    return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = source},
                     "at most 1048576 rows", "the file is too long");
}

static bool read_rows(struct csv_reader *reader, const struct columns *columns, const char *source,
                      struct growing *rows, struct error *err)
{
    for (;;) {
        const struct csv_row *row;
        if (!csv_reader_next(reader, &row, err) || (row && row->count == 0))
            return false;
        if (!row)
            return true;
        if (rows->count == SERIES_ROWS_MAX)
            return too_long(err, source);
        if (!read_row(row, columns, source, rows, err))
            return false;
        rows->count++;
    }
}

bool series_read(int fd, const char *source, struct arena *arena, struct series *ret_series,
                 struct error *err)
{
    struct csv_reader *reader;
    struct columns columns;
    struct growing rows = {0};
    if (!csv_reader_open(fd, source, &reader, err))
        return false;
    bool done = find_columns(reader, source, &columns, err) &&
                read_rows(reader, &columns, source, &rows, err);
    if (done && rows.count == 0)
        done = error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = source},
                         "at least one row", "the series is empty");
    size_t bytes = rows.count * sizeof(double);
    if (done)
        *ret_series = (struct series){
            .source = arena_copy(arena, source, strlen(source)),
            .count = rows.count,
            .observed = keep(arena, rows.observed, bytes),
            .imported = columns.imported >= 0 && columns.count < 0
                            ? keep(arena, rows.imported, bytes)
                            : NULL,
            .population = columns.population >= 0 ? keep(arena, rows.population, bytes) : NULL,
            .days = columns.date >= 0 ? keep(arena, rows.days, rows.count * sizeof(int32_t)) : NULL,
        };
    free(rows.observed);
    free(rows.imported);
    free(rows.population);
    free(rows.days);
    csv_reader_free(reader);
    return done;
}

/* ---- Line lists ---- */

static bool read_day(struct slice field, const char *source, int64_t row, const char *name,
                     int32_t *ret_day, struct error *err)
{
    *ret_day = INT32_MIN;
    return is_missing(field) || time_parse_date(field, ret_day) ||
           refuse_cell(err, source, row, name, "a date YYYY-MM-DD, or NA", field);
}

static bool read_cases(struct csv_reader *reader, const char *source, int32_t **days,
                       size_t *ret_count, struct error *err)
{
    static const char *const event_names[] = {"dHosp", "dOnset", "dEvent"};
    int event = -1, report = csv_reader_column(reader, "dReport");
    size_t count = 0, capacity = 0;
    for (size_t i = 0; event < 0 && i < 3; i++)
        event = csv_reader_column(reader, event_names[i]);
    if (event < 0 || report < 0)
        return error_set(
            err, ERROR_SYNTAX, (struct error_place){.source = source, .field = "header"},
            "dHosp,dReport (or dOnset, dEvent)", "the columns are not those of a line list");
    for (;; count++) {
        const struct csv_row *row;
        if (!csv_reader_next(reader, &row, err) || (row && row->count == 0))
            return false;
        if (!row)
            break;
        if (count == SERIES_ROWS_MAX)
            return too_long(err, source);
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 512;
            *days = x_realloc(*days, 2 * capacity * sizeof **days);
        }
        if (!read_day(row->fields[event], source, row->number, "dHosp", &(*days)[2 * count], err) ||
            !read_day(row->fields[report], source, row->number, "dReport", &(*days)[2 * count + 1],
                      err))
            return false;
    }
    *ret_count = count;
    return true;
}

bool line_list_read(int fd, const char *source, struct arena *arena, struct line_list *ret_list,
                    struct error *err)
{
    struct csv_reader *reader;
    int32_t *days = NULL;
    size_t count = 0;
    if (!csv_reader_open(fd, source, &reader, err))
        return false;
    bool done = read_cases(reader, source, &days, &count, err);
    if (done) {
        *ret_list = (struct line_list){arena_copy(arena, source, strlen(source)), count,
                                       arena_alloc(arena, (count + 1) * sizeof(int32_t)),
                                       arena_alloc(arena, (count + 1) * sizeof(int32_t))};
        for (size_t i = 0; i < count; i++) {
            ret_list->event_days[i] = days[2 * i];
            ret_list->report_days[i] = days[2 * i + 1];
        }
    }
    free(days);
    csv_reader_free(reader);
    return done;
}

/* ---- Tables ---- */

void table_begin(struct table *table, size_t row_count)
{
    *table = (struct table){.row_count = row_count};
}

double *table_add(struct table *table, struct arena *arena, const char *name, enum column_kind kind)
{
    REQUIRE(table->column_count < TABLE_COLUMNS_MAX);
    struct table_column *column = &table->columns[table->column_count++];
    size_t bytes = (table->row_count + 1) * sizeof *column->values;
    *column = (struct table_column){name, kind, arena_alloc(arena, bytes), NULL};
    return column->values;
}

const char **table_add_texts(struct table *table, struct arena *arena, const char *name)
{
    REQUIRE(table->column_count < TABLE_COLUMNS_MAX);
    struct table_column *column = &table->columns[table->column_count++];
    size_t bytes = (table->row_count + 1) * sizeof *column->texts;
    *column = (struct table_column){name, COLUMN_TEXT, NULL, arena_alloc(arena, bytes)};
    return column->texts;
}

void detection_begin(const struct series *series, struct range range, const char *bound_name,
                     struct arena *arena, struct table *table, struct detection *ret_detection)
{
    size_t rows = range.end - range.first;
    table_begin(table, rows);
    double *t = table_add(table, arena, "t", COLUMN_NUMBER);
    double *date = series->days ? table_add(table, arena, "date", COLUMN_DATE) : NULL;
    double *observed = table_add(table, arena, "observed", COLUMN_NUMBER);
    *ret_detection = (struct detection){range, table_add(table, arena, "alarm", COLUMN_NUMBER),
                                        table_add(table, arena, bound_name, COLUMN_NUMBER),
                                        arena_alloc(arena, (rows + 1) * sizeof(const char *))};
    table->reasons = ret_detection->reasons;
    for (size_t i = 0; i < rows; i++) {
        t[i] = (double)(range.first + i + 1);
        observed[i] = series->observed[range.first + i];
        if (date)
            date[i] = series->days[range.first + i];
    }
}

const double *table_values(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return table->columns[i].values;
    return NULL;
}

static void print_value(FILE *out, enum column_kind kind, double value)
{
    char text[TIME_TEXT_BYTES];
    if (isnan(value))
        fputs("NA", out);
    else if (isinf(value))
        fputs(value > 0 ? "Inf" : "-Inf", out);
    else if (kind == COLUMN_DATE)
        fputs(time_format_date((int32_t)value, text), out);
    else
        fprintf(out, "%.17g", value);
}

static void print_text(FILE *out, const char *text)
{
    struct buffer field;
    buffer_init(&field, 1 << 20);
    csv_put(&field, slice_of(text), true);
    fwrite(field.data ? field.data : "", 1, field.length, out);
    buffer_release(&field);
}

void table_print(const struct table *table, FILE *out)
{
    for (size_t c = 0; c < table->column_count; c++)
        fprintf(out, "%s%s", c ? "," : "", table->columns[c].name);
    fputs(table->reasons ? ",reason\n" : "\n", out);
    for (size_t row = 0; row < table->row_count; row++) {
        for (size_t c = 0; c < table->column_count; c++) {
            if (c)
                fputc(',', out);
            if (table->columns[c].kind == COLUMN_TEXT)
                print_text(out, table->columns[c].texts[row]);
            else
                print_value(out, table->columns[c].kind, table->columns[c].values[row]);
        }
        if (table->reasons)
            fprintf(out, ",%s", table->reasons[row] ? table->reasons[row] : "");
        fputc('\n', out);
    }
}
