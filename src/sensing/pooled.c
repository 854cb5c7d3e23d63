/* See pooled.h. Everything is solved by halving on the score, which falls with p, so that no start
 * value and no step can fail. */
#include <stdlib.h>

#include "sensing/numerics.h"
#include "sensing/pooled.h"
#include "sensing/sensing_internal.h"

/* ---- The estimate */

struct score {
    double value, information, third; /* third central moment */
};

static struct score score_at(const struct pool_row *rows, size_t count,
                             const struct pool_test *test, double p)
{
    struct score score = {0};
    double gain = test->sensitivity + test->specificity - 1;
    for (size_t i = 0; i < count; i++) {
        const struct pool_row *row = &rows[i];
        double clean = exp(row->size * log1p(-p));
        double theta = test->sensitivity - gain * clean;
        double slope = gain * row->size * clean / (1 - p);
        double variance = theta * (1 - theta);
        if (!(variance > 0) || !(row->pools > 0))
            continue;
        double unit = slope / variance;
        score.value += (row->positive - row->pools * theta) * unit;
        score.information += row->pools * variance * unit * unit;
        score.third += row->pools * variance * (1 - 2 * theta) * unit * unit * unit;
    }
    return score;
}

/* The standardised score, less what its skewness adds at `z`. */
static double corrected(const struct score *score, double z)
{
    double deviation = sqrt(score->information);
    double skewness = score->third / (deviation * deviation * deviation);
    return score->value / deviation - skewness * (z * z - 1) / 6;
}

static double expected_positive(const struct pool_row *rows, size_t count,
                                const struct pool_test *test, double p)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += rows[i].pools * (test->sensitivity - (test->sensitivity + test->specificity - 1) *
                                                        exp(rows[i].size * log1p(-p)));
    return sum;
}

static const double share_least = 1e-12, share_most = 1 - 1e-9;

/* Where fewer tubes than (z² − 1) / 6 would be positive, the correction outweighs the score, which
 * turns and falls again towards p = 0: an upper end is looked for above. */
static double turn_of(const struct pool_row *rows, size_t count, const struct pool_test *test,
                      double z)
{
    double low = log(share_least), high = log(share_most), wanted = (z * z - 1) / 6;
    if (expected_positive(rows, count, test, share_least) >= wanted)
        return share_least;
    while (high - low > 1e-6) {
        double middle = (low + high) / 2;
        *(expected_positive(rows, count, test, exp(middle)) < wanted ? &low : &high) = middle;
    }
    return exp(high);
}

/* The p from `start` on at which the corrected score is `wanted` (`z` 1: uncorrected); 0 where it
 * is below from the start on, 1 where it is above to the end. */
static double solve(const struct pool_row *rows, size_t count, const struct pool_test *test,
                    double z, double wanted, double start)
{
    double low = log(start), high = log(share_most);
    struct score score = score_at(rows, count, test, start);
    if (!(corrected(&score, z) > wanted))
        return 0;
    score = score_at(rows, count, test, share_most);
    if (corrected(&score, z) > wanted)
        return 1;
    while (high - low > 1e-11) {
        double middle = (low + high) / 2;
        score = score_at(rows, count, test, exp(middle));
        *(corrected(&score, z) > wanted ? &low : &high) = middle;
    }
    return exp((low + high) / 2);
}

struct pool_estimate pool_estimate(const struct pool_row *rows, size_t count,
                                   const struct pool_test *test, double z)
{
    double pools = 0, positive = 0;
    for (size_t i = 0; i < count; i++) {
        pools += rows[i].pools;
        positive += rows[i].positive;
    }
    if (!(pools > 0))
        return (struct pool_estimate){NAN, NAN, NAN};
    double low = solve(rows, count, test, z, z, share_least);
    if (positive == pools)
        return (struct pool_estimate){1, low, 1};
    return (struct pool_estimate){
        positive > 0 || test->specificity < 1 ? solve(rows, count, test, 1, 0, share_least) : 0,
        low, solve(rows, count, test, z, -z, turn_of(rows, count, test, z))};
}

/* ---- The table */

static void put_day(const struct pool_row *rows, size_t count, const struct pool_test *test,
                    double alpha, double *const columns[8], size_t at)
{
    struct pool_estimate estimate = pool_estimate(rows, count, test, -normal_quantile(alpha / 2));
    columns[0][at] = rows[0].t;
    for (size_t i = 0; i < count; i++) {
        columns[1][at] += rows[i].pools;
        columns[2][at] += rows[i].positive;
        columns[3][at] += rows[i].pools * rows[i].size;
    }
    columns[4][at] = estimate.share;
    columns[5][at] = estimate.low;
    columns[6][at] = estimate.high;
    columns[7][at] = 1e5 * estimate.share;
}

bool incidence_pooled_run(const struct method_call *call, struct table *ret_table,
                          struct error *err)
{
    static const char *const names[] = {"alpha", "sensitivity", "specificity", NULL};
    static const char *const columns[] = {"pools", "positive", "persons", "share",
                                          "low",   "high",     "per_100k"};
    const struct parameters *parameters = call->parameters;
    const struct pool_counts *counts = call->pools;
    struct pool_test test;
    double alpha, *values[8];
    if (!parameters_only(parameters, names, err) ||
        !parameter_probability(parameters, "alpha", 0.05, &alpha, err) ||
        !parameter_number(parameters, "sensitivity", 1, 0.5, 1, &test.sensitivity, err) ||
        !parameter_number(parameters, "specificity", 1, 0.5, 1, &test.specificity, err))
        return false;
    if (!(test.sensitivity + test.specificity > 1))
        return parameter_error(err, "sensitivity", "sensitivity + specificity above 1",
                               "the test says nothing");
    size_t days = 0, day = 0;
    for (size_t i = 0; i < counts->row_count; i++)
        days += i == 0 || counts->rows[i].t != counts->rows[i - 1].t;
    table_begin(ret_table, days);
    values[0] = table_add(ret_table, call->arena, counts->dated ? "date" : "t",
                          counts->dated ? COLUMN_DATE : COLUMN_NUMBER);
    for (size_t i = 0; i < 7; i++)
        values[i + 1] = table_add(ret_table, call->arena, columns[i], COLUMN_NUMBER);
    ret_table->reasons = arena_alloc(call->arena, (days + 1) * sizeof *ret_table->reasons);
    for (size_t from = 0, end; from < counts->row_count; from = end, day++) {
        for (end = from + 1;
             end < counts->row_count && counts->rows[end].t == counts->rows[from].t;)
            end++;
        put_day(&counts->rows[from], end - from, &test, alpha, values, day);
        if (isnan(values[4][day]))
            ret_table->reasons[day] = reason_missing;
    }
    return true;
}

/* ---- The reader */

struct reading {
    struct csv_reader *reader;
    const char *source;
    bool dated;
    int t, size, pools, positive; /* columns */
    struct pool_row *rows;
    size_t count, capacity;
};

static bool read_whole(const struct reading *reading, const struct csv_row *row, int column,
                       const char *name, double least, double most, const char *expected,
                       double *ret_value, struct error *err)
{
    struct slice field = row->fields[column];
    return (slice_to_double(field, ret_value) && *ret_value >= least && *ret_value <= most &&
            *ret_value == floor(*ret_value)) ||
           refuse_cell(err, reading->source, row->number, name, expected, field);
}

static bool read_time(const struct reading *reading, const struct csv_row *row, double *ret_t,
                      struct error *err)
{
    struct slice field = row->fields[reading->t];
    int32_t day;
    if (!reading->dated)
        return slice_to_double(field, ret_t) ||
               refuse_cell(err, reading->source, row->number, "t", "a number", field);
    if (!time_parse_date(field, &day))
        return refuse_cell(err, reading->source, row->number, "date", "a date YYYY-MM-DD", field);
    *ret_t = day;
    return true;
}

static bool read_row(const struct reading *reading, const struct csv_row *row, struct pool_row *out,
                     struct error *err)
{
    if (!read_time(reading, row, &out->t, err) ||
        !read_whole(reading, row, reading->size, "pool_size", 1, POOL_SIZE_MAX,
                    "a whole number from 1 to 1000", &out->size, err) ||
        !read_whole(reading, row, reading->pools, "pools", 0, 1e9, "a whole number from 0 to 10^9",
                    &out->pools, err) ||
        !read_whole(reading, row, reading->positive, "positive", 0, out->pools,
                    "a whole number from 0, at most the pools", &out->positive, err))
        return false;
    return reading->count == 0 || out->t >= reading->rows[reading->count - 1].t ||
           refuse_cell(err, reading->source, row->number, reading->dated ? "date" : "t",
                       "days in ascending order", row->fields[reading->t]);
}

static bool find_columns(struct reading *reading, struct error *err)
{
    const struct csv_reader *reader = reading->reader;
    reading->t = csv_reader_column(reader, "date");
    reading->dated = reading->t >= 0;
    if (!reading->dated)
        reading->t = csv_reader_column(reader, "t");
    reading->size = csv_reader_column(reader, "pool_size");
    reading->pools = csv_reader_column(reader, "pools");
    reading->positive = csv_reader_column(reader, "positive");
    return (reading->t >= 0 && reading->size >= 0 && reading->pools >= 0 &&
            reading->positive >= 0) ||
           error_set(err, ERROR_SYNTAX,
                     (struct error_place){.source = reading->source, .field = "header"},
                     "date,pool_size,pools,positive, or t for date",
                     "the columns are not those of pooled tests");
}

static bool read_rows(struct reading *reading, struct error *err)
{
    for (;; reading->count++) {
        const struct csv_row *row;
        if (!csv_reader_next(reading->reader, &row, err) || (row && row->count == 0))
            return false;
        if (!row)
            return true;
        if (reading->count == POOL_ROWS_MAX)
            return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = reading->source},
                             "at most 1048576 rows", "the file is too long");
        if (reading->count == reading->capacity) {
            reading->capacity = reading->capacity ? 2 * reading->capacity : 512;
            reading->rows = x_realloc(reading->rows, reading->capacity * sizeof *reading->rows);
        }
        if (!read_row(reading, row, &reading->rows[reading->count], err))
            return false;
    }
}

bool pool_counts_read(int fd, const char *source, struct arena *arena,
                      struct pool_counts *ret_counts, struct error *err)
{
    struct reading reading = {.source = source};
    if (!csv_reader_open(fd, source, &reading.reader, err))
        return false;
    bool done = find_columns(&reading, err) && read_rows(&reading, err);
    if (done) {
        struct pool_row *rows = arena_alloc(arena, (reading.count + 1) * sizeof *rows);
        if (reading.count)
            memcpy(rows, reading.rows, reading.count * sizeof *rows);
        *ret_counts = (struct pool_counts){arena_copy(arena, source, strlen(source)), reading.dated,
                                           reading.count, rows};
    }
    csv_reader_free(reading.reader);
    free(reading.rows);
    return done;
}
