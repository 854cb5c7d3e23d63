/* The reader of visitors and later positives by venue and stratum. */
#include <math.h>
#include <stdlib.h>

#include "sensing/names.h"
#include "sensing/sensing_internal.h"
#include "sensing/venue_excess.h"

enum { NAME_BYTES_MAX = 200 };

struct reading {
    struct csv_reader *reader;
    const char *source;
    struct arena *arena;
    int venue, visitors, positive, share, stratum; /* columns */
    struct names venues, strata;
    struct venue_row *rows;
    double *visitors_of; /* strata */
    size_t count, capacity, stratum_capacity;
};

static bool find_columns(struct reading *reading, struct error *err)
{
    const struct csv_reader *reader = reading->reader;
    reading->venue = csv_reader_column(reader, "venue");
    reading->visitors = csv_reader_column(reader, "visitors");
    reading->positive = csv_reader_column(reader, "later_positive");
    reading->share = csv_reader_column(reader, "expected_share");
    reading->stratum = csv_reader_column(reader, "stratum");
    if (reading->venue >= 0 && reading->visitors >= 0 && reading->positive >= 0)
        return true;
    return error_set(err, ERROR_SYNTAX,
                     (struct error_place){.source = reading->source, .field = "header"},
                     "venue,visitors,later_positive[,expected_share][,stratum]",
                     "the columns are not those of venues and their visitors");
}

static bool read_whole(const struct reading *reading, const struct csv_row *row, int column,
                       const char *name, double most, const char *expected, double *ret_value,
                       struct error *err)
{
    struct slice field = row->fields[column];
    return (slice_to_double(field, ret_value) && *ret_value >= 0 && *ret_value <= most &&
            *ret_value == floor(*ret_value)) ||
           refuse_cell(err, reading->source, row->number, name, expected, field);
}

static bool read_names(struct reading *reading, const struct csv_row *row, struct venue_row *out,
                       struct error *err)
{
    struct slice venue = row->fields[reading->venue];
    struct slice stratum = reading->stratum < 0 ? SLICE("") : row->fields[reading->stratum];
    if (venue.length == 0 || venue.length > NAME_BYTES_MAX)
        return refuse_cell(err, reading->source, row->number, "venue", "a name of 1 to 200 bytes",
                           venue);
    if (stratum.length > NAME_BYTES_MAX)
        return refuse_cell(err, reading->source, row->number, "stratum",
                           "a name of at most 200 bytes", stratum);
    out->venue = names_number(&reading->venues, venue, reading->arena);
    out->stratum = names_number(&reading->strata, stratum, reading->arena);
    if (out->stratum >= reading->stratum_capacity) {
        size_t old = reading->stratum_capacity, now = old ? 2 * old : 64;
        reading->visitors_of = x_realloc(reading->visitors_of, now * sizeof(double));
        memset(&reading->visitors_of[old], 0, (now - old) * sizeof(double));
        reading->stratum_capacity = now;
    }
    return true;
}

static bool read_row(struct reading *reading, const struct csv_row *row, struct venue_row *out,
                     struct error *err)
{
    if (!read_names(reading, row, out, err) ||
        !read_whole(reading, row, reading->visitors, "visitors", VENUE_VISITORS_MAX,
                    "a whole number from 0 to 10^9", &out->visitors, err) ||
        !read_whole(reading, row, reading->positive, "later_positive", out->visitors,
                    "a whole number from 0, at most the visitors", &out->later_positive, err))
        return false;
    reading->visitors_of[out->stratum] += out->visitors;
    if (reading->visitors_of[out->stratum] > VENUE_VISITORS_MAX)
        return error_set(err, ERROR_TOO_LARGE,
                         (struct error_place){reading->source, row->number, "visitors"},
                         "at most 10^9 visitors a stratum", "the stratum has too many visitors");
    out->expected_share = NAN;
    if (reading->share < 0)
        return true;
    struct slice share = row->fields[reading->share];
    if (share.length == 0 || slice_equal(share, SLICE("NA")))
        return true;
    return (slice_to_double(share, &out->expected_share) && out->expected_share >= 0 &&
            out->expected_share <= 1) ||
           refuse_cell(err, reading->source, row->number, "expected_share",
                       "a probability from 0 to 1, or NA", share);
}

static bool read_rows(struct reading *reading, struct error *err)
{
    for (;; reading->count++) {
        const struct csv_row *row;
        if (!csv_reader_next(reading->reader, &row, err) || (row && row->count == 0))
            return false;
        if (!row)
            return true;
        if (reading->count == VENUE_ROWS_MAX)
            return error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = reading->source},
                             "at most 4194304 rows", "the file is too long");
        if (reading->count == reading->capacity) {
            reading->capacity = reading->capacity ? 2 * reading->capacity : 512;
            reading->rows = x_realloc(reading->rows, reading->capacity * sizeof *reading->rows);
        }
        if (!read_row(reading, row, &reading->rows[reading->count], err))
            return false;
    }
}

static uint64_t row_key(const struct venue_row *row)
{
    return (uint64_t)row->venue << 32 | row->stratum;
}
static int compare_keys(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

/* Refuses a venue that has two rows of one stratum. */
static bool check_rows(const struct reading *reading, struct error *err)
{
    uint64_t *keys = x_alloc(reading->count + 1, sizeof *keys);
    bool done = true;
    for (size_t i = 0; i < reading->count; i++)
        keys[i] = row_key(&reading->rows[i]);
    qsort(keys, reading->count, sizeof *keys, compare_keys);
    for (size_t i = 1; done && i < reading->count; i++)
        if (keys[i] == keys[i - 1])
            done = error_set(
                err, ERROR_BAD_VALUE,
                (struct error_place){.source = reading->source, .field = "venue"},
                "one row a venue and stratum", "venue '%.60s' has two rows of the stratum '%.60s'",
                reading->venues.texts[keys[i] >> 32], reading->strata.texts[keys[i] & UINT32_MAX]);
    free(keys);
    return done;
}

bool venue_counts_read(int fd, const char *source, struct arena *arena,
                       struct venue_counts *ret_counts, struct error *err)
{
    struct reading reading = {.source = source, .arena = arena};
    if (!csv_reader_open(fd, source, &reading.reader, err))
        return false;
    bool done =
        find_columns(&reading, err) && read_rows(&reading, err) && check_rows(&reading, err);
    if (done) {
        struct venue_row *rows = arena_alloc(arena, (reading.count + 1) * sizeof *rows);
        if (reading.count)
            memcpy(rows, reading.rows, reading.count * sizeof *rows);
        *ret_counts = (struct venue_counts){.source = arena_copy(arena, source, strlen(source)),
                                            .row_count = reading.count,
                                            .venue_count = reading.venues.count,
                                            .stratum_count = reading.strata.count,
                                            .rows = rows,
                                            .venues = names_keep(&reading.venues, arena)};
    }
    csv_reader_free(reading.reader);
    names_release(&reading.venues);
    names_release(&reading.strata);
    free(reading.rows);
    free(reading.visitors_of);
    return done;
}
