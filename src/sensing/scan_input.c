/* The reader of counts by place and day: rows in any order, one a place and day. */
#include <math.h>

#include "sensing/names.h"
#include "sensing/scan.h"
#include "sensing/sensing_internal.h"

enum { ROWS_MAX = 1 << 22, NAME_BYTES_MAX = 200 };
static const double expected_least = 1e-9, expected_most = 1e12, coordinate_most = 1e9;

struct columns {
    int place, x, y, date, count, expected;
    const char *x_name, *y_name, *expected_name;
    bool sphere;
};

struct row {
    uint32_t place;
    int32_t day;
    double count, expected; /* NAN: missing, not told */
};
struct reading {
    struct csv_reader *reader;
    const char *source;
    struct arena *arena;
    struct columns columns;
    struct names names;
    double *x, *y; /* of the places */
    size_t place_capacity;
    struct row *rows;
    size_t count, capacity;
    double cases;
    int64_t missing_row;
};

static bool find_columns(struct reading *reading, struct error *err)
{
    const struct csv_reader *reader = reading->reader;
    struct columns columns = {.place = csv_reader_column(reader, "place"),
                              .x = csv_reader_column(reader, "x"),
                              .y = csv_reader_column(reader, "y"),
                              .date = csv_reader_column(reader, "date"),
                              .count = csv_reader_column(reader, "count"),
                              .expected = csv_reader_column(reader, "expected"),
                              .x_name = "x",
                              .y_name = "y",
                              .expected_name = "expected"};
    int lat = csv_reader_column(reader, "lat"), lon = csv_reader_column(reader, "lon");
    int population = csv_reader_column(reader, "population");
    bool plane = columns.x >= 0 && columns.y >= 0, sphere = lat >= 0 && lon >= 0;
    if (columns.place < 0 || columns.date < 0 || columns.count < 0 || plane == sphere ||
        (columns.expected >= 0 && population >= 0))
        return error_set(err, ERROR_SYNTAX,
                         (struct error_place){.source = reading->source, .field = "header"},
                         "place,x,y,date,count[,expected], with lat,lon or with population as well",
                         "the columns are not those of counts by place and day");
    if (sphere) {
        columns.x = lon;
        columns.y = lat;
        columns.x_name = "lon";
        columns.y_name = "lat";
        columns.sphere = true;
    }
    if (population >= 0) {
        columns.expected = population;
        columns.expected_name = "population";
    }
    reading->columns = columns;
    return true;
}

static bool read_coordinate(const struct reading *reading, const struct csv_row *row, int column,
                            const char *name, double most, double *ret_value, struct error *err)
{
    struct slice field = row->fields[column];
    char expected[80];
    if (slice_to_double(field, ret_value) && fabs(*ret_value) <= most)
        return true;
    snprintf(expected, sizeof expected, "a number from %.0f to %.0f", -most, most);
    return refuse_cell(err, reading->source, row->number, name, expected, field);
}

/* The place's number; its coordinates must be those it had before. */
static bool read_place(struct reading *reading, const struct csv_row *row, uint32_t *ret_place,
                       struct error *err)
{
    const struct columns *columns = &reading->columns;
    struct slice name = row->fields[columns->place];
    double x, y;
    if (name.length == 0 || name.length > NAME_BYTES_MAX)
        return refuse_cell(err, reading->source, row->number, "place", "a name of 1 to 200 bytes",
                           name);
    if (!read_coordinate(reading, row, columns->x, columns->x_name,
                         columns->sphere ? 180 : coordinate_most, &x, err) ||
        !read_coordinate(reading, row, columns->y, columns->y_name,
                         columns->sphere ? 90 : coordinate_most, &y, err))
        return false;
    size_t known = reading->names.count;
    uint32_t place = names_number(&reading->names, name, reading->arena);
    if (place == SCAN_PLACES_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         (struct error_place){reading->source, row->number, "place"},
                         "at most 20000 places", "the file has too many places");
    if (place == known) {
        if (known == reading->place_capacity) {
            reading->place_capacity = known ? 2 * known : 256;
            reading->x = x_realloc(reading->x, reading->place_capacity * sizeof *reading->x);
            reading->y = x_realloc(reading->y, reading->place_capacity * sizeof *reading->y);
        }
        reading->x[place] = x;
        reading->y[place] = y;
    }
    *ret_place = place;
    if (x != reading->x[place])
        return refuse_cell(err, reading->source, row->number, columns->x_name,
                           "the place's coordinate as before", row->fields[columns->x]);
    if (y != reading->y[place])
        return refuse_cell(err, reading->source, row->number, columns->y_name,
                           "the place's coordinate as before", row->fields[columns->y]);
    return true;
}

static bool read_numbers(struct reading *reading, const struct csv_row *row, struct row *out,
                         struct error *err)
{
    const struct columns *columns = &reading->columns;
    struct slice field = row->fields[columns->count];
    if (field.length == 0 || slice_equal(field, SLICE("NA"))) {
        out->count = NAN;
        if (reading->missing_row == 0)
            reading->missing_row = row->number;
    } else if (!slice_to_double(field, &out->count) || out->count < 0 ||
               out->count > SCAN_CASES_MAX || out->count != floor(out->count))
        return refuse_cell(err, reading->source, row->number, "count",
                           "a whole number from 0 to 10000000, or NA", field);
    reading->cases += isnan(out->count) ? 0 : out->count;
    if (reading->cases > SCAN_CASES_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         (struct error_place){reading->source, row->number, "count"},
                         "at most 10000000 cases in all", "the file has too many cases");
    out->expected = NAN;
    if (columns->expected < 0)
        return true;
    field = row->fields[columns->expected];
    if (!slice_to_double(field, &out->expected) || out->expected > expected_most ||
        (out->expected < expected_least && out->expected != 0))
        return refuse_cell(err, reading->source, row->number, columns->expected_name,
                           "0, or a number from 10^-9 to 10^12", field);
    if (out->expected == 0 && out->count > 0)
        return refuse_cell(err, reading->source, row->number, columns->expected_name,
                           "a number above 0 where there are cases", field);
    return true;
}

static bool read_rows(struct reading *reading, struct error *err)
{
    for (;;) {
        const struct csv_row *row;
        if (!csv_reader_next(reading->reader, &row, err) || (row && row->count == 0))
            return false;
        if (!row)
            return true;
        if (reading->count == ROWS_MAX)
            return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = reading->source},
                             "at most 4194304 rows", "the file is too long");
        if (reading->count == reading->capacity) {
            reading->capacity = reading->capacity ? 2 * reading->capacity : 1024;
            reading->rows = x_realloc(reading->rows, reading->capacity * sizeof *reading->rows);
        }
        struct row *out = &reading->rows[reading->count];
        struct slice date = row->fields[reading->columns.date];
        if (!read_place(reading, row, &out->place, err))
            return false;
        if (!time_parse_date(date, &out->day))
            return refuse_cell(err, reading->source, row->number, "date", "a date YYYY-MM-DD",
                               date);
        if (!read_numbers(reading, row, out, err))
            return false;
        reading->count++;
    }
}

/* First day and number of days; refuses what is no table of places and days. */
static bool find_days(const struct reading *reading, int32_t *ret_first, size_t *ret_days,
                      struct error *err)
{
    struct error_place place = {.source = reading->source, .field = "date"};
    if (reading->count == 0)
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.source = reading->source},
                         "at least one row", "the file is empty");
    int32_t first = INT32_MAX, last = INT32_MIN;
    for (size_t i = 0; i < reading->count; i++) {
        first = reading->rows[i].day < first ? reading->rows[i].day : first;
        last = reading->rows[i].day > last ? reading->rows[i].day : last;
    }
    size_t days = (size_t)((int64_t)last - first) + 1;
    if (days > SCAN_DAYS_MAX)
        return error_set(err, ERROR_TOO_LARGE, place, "at most 4096 days",
                         "the dates are %zu days apart", days - 1);
    if (days * reading->names.count > SCAN_CELLS_MAX)
        return error_set(err, ERROR_TOO_LARGE, place, "at most 8388608 places × days",
                         "%zu places and %zu days are too many", reading->names.count, days);
    *ret_first = first;
    *ret_days = days;
    return true;
}

static bool fill_counts(const struct reading *reading, struct scan_counts *ret_counts,
                        struct error *err)
{
    size_t places = reading->names.count, days, cells;
    int32_t first;
    if (!find_days(reading, &first, &days, err))
        return false;
    cells = places * days;
    uint32_t *cases = arena_alloc(reading->arena, cells * sizeof *cases);
    double *expected = arena_alloc(reading->arena, cells * sizeof *expected);
    bool *seen = arena_alloc(reading->arena, cells);
    for (size_t i = 0; i < reading->count; i++) {
        const struct row *row = &reading->rows[i];
        size_t cell = row->place * days + (size_t)(row->day - first);
        char date[TIME_TEXT_BYTES];
        if (seen[cell])
            return error_set(err, ERROR_BAD_VALUE,
                             (struct error_place){reading->source, (int64_t)i + 1, "date"},
                             "one row a place and day", "place '%.60s' has a second row on %s",
                             reading->names.texts[row->place], time_format_date(row->day, date));
        seen[cell] = true;
        cases[cell] = isnan(row->count) ? 0 : (uint32_t)row->count;
        expected[cell] = isnan(row->count) ? 0 : row->expected;
    }
    const bool *absent = memchr(seen, false, cells);
    double *x = arena_alloc(reading->arena, places * sizeof *x);
    double *y = arena_alloc(reading->arena, places * sizeof *y);
    memcpy(x, reading->x, places * sizeof *x);
    memcpy(y, reading->y, places * sizeof *y);
    *ret_counts = (struct scan_counts){
        .source = arena_copy(reading->arena, reading->source, strlen(reading->source)),
        .place_count = places,
        .day_count = days,
        .places = names_keep(&reading->names, reading->arena),
        .x = x,
        .y = y,
        .sphere = reading->columns.sphere,
        .first_day = first,
        .cases = cases,
        .expected = reading->columns.expected >= 0 ? expected : NULL,
        .missing_row = reading->missing_row,
        .absent = absent ? (size_t)(absent - seen) : SIZE_MAX};
    return true;
}

bool scan_counts_read(int fd, const char *source, struct arena *arena,
                      struct scan_counts *ret_counts, struct error *err)
{
    struct reading reading = {.source = source, .arena = arena};
    if (!csv_reader_open(fd, source, &reading.reader, err))
        return false;
    bool done = find_columns(&reading, err) && read_rows(&reading, err) &&
                fill_counts(&reading, ret_counts, err);
    csv_reader_free(reading.reader);
    names_release(&reading.names);
    free(reading.x);
    free(reading.y);
    free(reading.rows);
    return done;
}
