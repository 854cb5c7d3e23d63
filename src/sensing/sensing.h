/* sensing: what is unusual, how fast it grows, what is not reported yet.
 *
 * Pure: a series and parameters in, a table out. Nothing here reads a clock, draws from the world
 * or keeps state between calls, so every function may run on any thread. The numbers equal the
 * field's reference implementations (the R packages surveillance and EpiEstim) within 1e-6; where
 * those are approximations or have habits of their own, the method's file says which are followed.
 *
 * Missing counts are NAN inside and NA outside. A row without an answer has NAN in its result
 * columns and its reason in the last column. */
#ifndef CHENGMAI_SENSING_SENSING_H
#define CHENGMAI_SENSING_SENSING_H

#include "base/base.h"

/* ---- Series -------------------------------------------------------------------------------- */

enum { SERIES_ROWS_MAX = 1 << 20 };
#define SERIES_COUNT_MAX 1e12

/* One time series of counts, row i of the file at index i - 1. Lives in its arena. */
struct series {
    const char *source;
    size_t count;
    double *observed;   /* whole numbers >= 0, NAN where missing */
    double *imported;   /* part of `observed` that came from outside; NULL where not told */
    double *population; /* >= 0, NAN where missing; NULL where not told */
    int32_t *days;      /* day numbers, strictly ascending; NULL where the file has no dates */
};

/* Reads CSV with the header `t[,date],count[,population]` or `t,local,imported`; takes over `fd`.
 * ERROR_SYNTAX and ERROR_BAD_VALUE name row and field. */
bool series_read(int fd, const char *source, struct arena *arena, struct series *ret_series,
                 struct error *err) MUST_USE;

/* Cases with the day they happened and the day they were reported; INT32_MIN where missing. */
struct line_list {
    const char *source;
    size_t count;
    int32_t *event_days, *report_days;
};
/* Reads CSV with a column dHosp, dOnset or dEvent and a column dReport; takes over `fd`. */
bool line_list_read(int fd, const char *source, struct arena *arena, struct line_list *ret_list,
                    struct error *err) MUST_USE;

/* ---- Parameters ---------------------------------------------------------------------------- */

/* One JSON object; keys that a method does not know are refused. Released by the owner. */
struct parameters {
    json_t *object;
};
/* `json` may be NULL. `assignments`: "NAME=VALUE", VALUE as JSON or else as text; they win. */
bool parameters_read(const char *json, const char *const *assignments, size_t assignment_count,
                     struct parameters *ret_parameters, struct error *err) MUST_USE;
void parameters_release(struct parameters *parameters);

/* ---- Tables -------------------------------------------------------------------------------- */

enum { TABLE_COLUMNS_MAX = 16 };
enum column_kind { COLUMN_NUMBER, COLUMN_DATE, COLUMN_TEXT };
struct table_column {
    const char *name;
    enum column_kind kind;
    double *values;     /* NAN is printed as NA; a date is its day number; NULL of texts */
    const char **texts; /* COLUMN_TEXT */
};
struct table {
    size_t row_count, column_count;
    struct table_column columns[TABLE_COLUMNS_MAX];
    const char **reasons; /* NULL, or a reason a row (NULL where it has an answer) */
};
/* CSV with header. */
void table_print(const struct table *table, FILE *out);
/* The numbers of the column of that name, NULL where there is none. */
const double *table_values(const struct table *table, const char *name);

/* ---- Methods ------------------------------------------------------------------------------- */

struct scan_counts;
struct venue_counts;
struct pool_counts;
enum method_input {
    INPUT_SERIES,
    INPUT_NOTHING,
    INPUT_LINE_LIST,
    INPUT_PLACES,
    INPUT_VENUES,
    INPUT_POOLS
};
struct method_call {
    const struct series *series;       /* INPUT_SERIES */
    const struct line_list *line_list; /* INPUT_LINE_LIST */
    const struct scan_counts *places;  /* INPUT_PLACES: scan.h */
    const struct venue_counts *venues; /* INPUT_VENUES: venue_excess.h */
    const struct pool_counts *pools;   /* INPUT_POOLS: pooled.h */
    const struct parameters *parameters;
    const char *table_name; /* NULL, or another table than the first: "cdf" */
    struct arena *arena;    /* the table lives here */
};
struct method {
    const char *command; /* "detect", "rt", "nowcast", "scan" or "incidence" */
    const char *name;
    enum method_input input;
    const char *words;
    bool (*run)(const struct method_call *call, struct table *ret_table, struct error *err);
};
extern const struct method methods[];
extern const size_t method_count;
/* NULL where there is none. */
const struct method *method_find(const char *command, const char *name);
/* What a method reads, whichever kind it is. */
struct method_room {
    struct series series;
    struct line_list line_list;
    struct scan_counts *places;
    struct venue_counts *venues;
    struct pool_counts *pools;
};
/* Reads the method's file into `room` and puts it into the call; takes over `fd`, which is -1 where
 * the method reads nothing. */
bool method_read(const struct method *method, int fd, const char *source, struct arena *arena,
                 struct method_room *room, struct method_call *call, struct error *err) MUST_USE;
/* Bytes that a call on `rows` rows may take of its arena. */
enum { METHOD_ARENA_BYTES_MAX = 1 << 30 };

#endif
