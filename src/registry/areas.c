/* The area tree: the built-in one of Changzhou, and `import areas`. An area's number is its
 * parent's with the next slot of its level that was never used; an area never moves, because its
 * number says where it lies. */
#include "registry/registry_internal.h"

#include <stdlib.h>

enum { KIND_AREA = 8 }; /* beside enum registry_kind, in number_floor */

static const struct sql_text area_insert = {
    "area_insert",
    "INSERT INTO area (area_no, code, gb_code, name_zh, name_en, population, latitude, longitude,"
    " import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    "primary key"};
static const struct sql_text area_update = {
    "area_update",
    "UPDATE area SET gb_code = coalesce(?2, gb_code), name_zh = ?3,"
    " name_en = coalesce(?4, name_en), population = coalesce(?5, population),"
    " latitude = coalesce(?6, latitude), longitude = coalesce(?7, longitude)"
    " WHERE code = ?1 AND (gb_code <> coalesce(?2, gb_code) OR name_zh <> ?3 OR"
    " name_en <> coalesce(?4, name_en) OR population <> coalesce(?5, population) OR"
    " latitude <> coalesce(?6, latitude) OR longitude <> coalesce(?7, longitude))",
    "unique code"};
static const struct sql_text area_by_code = {
    "area_by_code", "SELECT area_no FROM area WHERE code = ?1", "unique code"};
static const struct sql_text area_last_child = {
    "area_last_child",
    "SELECT max(n) FROM (SELECT max(area_no) AS n FROM area WHERE area_no > ?1 AND area_no <= ?2"
    " UNION ALL SELECT no FROM number_floor WHERE kind = 8 AND scope = ?1)",
    "primary key"};
static const struct sql_text area_of_import = {
    "area_of_import", "SELECT area_no FROM area WHERE import_no = ?1 ORDER BY area_no",
    "small table"};
static const struct sql_text area_undo = {
    "area_undo", "DELETE FROM area WHERE import_no = ?1", "small table"};

const struct sql_list area_statements = SQL_LIST(&area_insert, &area_update, &area_by_code,
                                                 &area_last_child, &area_of_import, &area_undo);

static const struct import_column area_columns[] = {
    {"code", true, "managed code"},     {"gb_code", false, "GB/T 2260 code"},
    {"parent", false, "code of the area above; none for a province"},
    {"name_zh", true, "name"},          {"name_en", false, "name"},
    {"level", false, "not used"},       {"population", false, "people"},
    {"latitude", false, "degrees"},     {"longitude", false, "degrees"},
    {NULL, false, NULL}};
enum { CODE, GB_CODE, PARENT, NAME_ZH, NAME_EN, LEVEL, POPULATION, LATITUDE, LONGITUDE };

/* The number of the next child of `parent_no` (0: a province). False where 4095 are taken. */
static bool next_child(struct sql *sql, int64_t parent_no, int64_t *ret_no, struct error *err)
{
    int level = parent_no ? area_level(parent_no) + 1 : 0;
    if (level >= AREA_LEVELS)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "parent"},
                         "at most five levels", "too deep");
    int64_t step = (int64_t)1 << (AREA_LEVEL_BITS * (AREA_LEVELS - 1 - level));
    int64_t last = parent_no ? area_range_last(parent_no) : INT64_MAX, highest;
    if (!sql_one_int(sql, &area_last_child, SQL_ARGUMENTS(sql_int(parent_no), sql_int(last)),
                     parent_no, &highest, err))
        return false;
    *ret_no = highest / step * step + step;
    return *ret_no <= last || error_set(err, ERROR_TOO_LARGE,
                                        (struct error_place){.field = "parent"},
                                        "at most 4095 areas below one", "no number is left");
}

static struct slice or_empty(struct slice text)
{
    return text.data ? text : SLICE("");
}

static int64_t parent_of(int64_t area_no)
{
    int64_t mask = ((int64_t)1 << AREA_LEVEL_BITS) - 1;
    while (area_no && !(area_no & mask))
        mask <<= AREA_LEVEL_BITS;
    return area_no & ~mask;
}

struct area_row {
    struct slice fields[LONGITUDE + 1];
};
enum area_state { AREA_INSERTED, AREA_CHANGED, AREA_SAME, AREA_REJECTED };

static bool refuse(struct error *err, const char *field, const char *expected, const char *what)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected, "%s",
                     what);
}

/* A number of the row, NULL where it has none. */
static bool read_number(const struct area_row *row, int column, double low, double high,
                        struct sql_value *ret_value, struct error *err)
{
    int64_t whole;
    double real;
    struct slice field = row->fields[column];
    const char *name = area_columns[column].name;
    *ret_value = sql_null();
    if (!field.data)
        return true;
    if (column == POPULATION) {
        *ret_value = slice_to_int64(field, 0, INT32_MAX, &whole) ? sql_int(whole) : sql_null();
        return ret_value->type == SQL_INT || refuse(err, name, "a whole number", "not a number");
    }
    if (!slice_to_double(field, &real) || real < low || real > high)
        return refuse(err, name, "degrees", "not degrees");
    *ret_value = sql_real(real);
    return true;
}

static bool change_area(struct sql *sql, const struct area_row *row, const struct sql_value *numbers,
                        enum area_state *ret_state, struct error *err)
{
    int64_t changed = 0;
    const struct slice *f = row->fields;
    if (!sql_run_count(sql, &area_update,
                       SQL_ARGUMENTS(sql_text(f[CODE]), sql_text(f[GB_CODE]), sql_text(f[NAME_ZH]),
                                     sql_text(f[NAME_EN]), numbers[0], numbers[1], numbers[2]),
                       &changed, err))
        return false;
    *ret_state = changed ? AREA_CHANGED : AREA_SAME;
    return true;
}

static struct sql_value or_zero(struct sql_value value)
{
    return value.type == SQL_NULL ? sql_real(0) : value;
}

static bool insert_area(struct sql *sql, const struct area_row *row, int64_t parent_no,
                        const struct sql_value *numbers, int64_t import_no, struct error *err)
{
    int64_t no;
    const struct slice *f = row->fields;
    return next_child(sql, parent_no, &no, err) &&
           sql_run(sql, &area_insert,
                   SQL_ARGUMENTS(sql_int(no), sql_text(f[CODE]),
                                 sql_text(f[GB_CODE].data ? f[GB_CODE] : f[CODE]),
                                 sql_text(f[NAME_ZH]), sql_text(or_empty(f[NAME_EN])),
                                 numbers[0].type == SQL_NULL ? sql_int(0) : numbers[0],
                                 or_zero(numbers[1]), or_zero(numbers[2]), sql_int(import_no)),
                   err);
}

/* A row that is absent in part leaves what is known: only a new area needs its parent. */
static bool put_area(struct sql *sql, const struct area_row *row, int64_t import_no,
                     enum area_state *ret_state, struct error *err)
{
    int64_t no, parent_no = 0;
    struct sql_value numbers[3];
    const struct slice *f = row->fields;
    if (!read_number(row, POPULATION, 0, 0, &numbers[0], err) ||
        !read_number(row, LATITUDE, -90, 90, &numbers[1], err) ||
        !read_number(row, LONGITUDE, -180, 180, &numbers[2], err) ||
        !sql_one_int(sql, &area_by_code, SQL_ARGUMENTS(sql_text(f[CODE])), 0, &no, err) ||
        (f[PARENT].data && !sql_one_int(sql, &area_by_code, SQL_ARGUMENTS(sql_text(f[PARENT])), 0,
                                        &parent_no, err)))
        return false;
    if (f[PARENT].data && !parent_no)
        return refuse(err, "parent", "the code of an area", "no such area code");
    if (no && f[PARENT].data && parent_of(no) != parent_no)
        return refuse(err, "parent", "the area it lies in", "an area is never moved");
    *ret_state = AREA_INSERTED;
    return no ? change_area(sql, row, numbers, ret_state, err)
              : insert_area(sql, row, parent_no, numbers, import_no, err);
}

/* The built-in file is ours and plain: no quotes, no empty lines. */
bool registry_seed_areas(struct sql *sql, struct error *err)
{
    const struct embedded_file *file = embedded_find("src/registry/data/changzhou_areas.csv");
    REQUIRE(file);
    const char *at = memchr(file->content.data, '\n', file->content.length) + 1;
    const char *end = file->content.data + file->content.length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        struct area_row row = {0};
        for (int i = 0; i <= LONGITUDE; i++) {
            const char *comma = memchr(at, ',', (size_t)(stop - at));
            comma = comma ? comma : stop;
            if (comma > at)
                row.fields[i] = (struct slice){at, (size_t)(comma - at)};
            at = comma < stop ? comma + 1 : stop;
        }
        enum area_state state;
        if (!put_area(sql, &row, 0, &state, err))
            return false;
        REQUIRE(state == AREA_INSERTED);
        at = stop + 1;
    }
    return true;
}

static bool areas_apply(struct import_batch *batch, struct sql *sql, struct error *err)
{
    for (size_t i = 0; i < batch->row_count; i++) {
        struct area_row row;
        for (int c = 0; c <= LONGITUDE; c++)
            row.fields[c] = import_field(batch, i, c);
        enum area_state state = AREA_REJECTED;
        struct error fault = {0};
        if (!row.fields[CODE].data || !row.fields[NAME_ZH].data) {
            import_reject(batch, i, row.fields[CODE].data ? "name_zh" : "code", "missing");
            continue;
        }
        if (!put_area(sql, &row, batch->import_no, &state, &fault)) {
            if (fault.code != ERROR_BAD_VALUE && fault.code != ERROR_TOO_LARGE) {
                *err = fault;
                return false;
            }
            import_reject(batch, i, fault.field, fault.what);
            continue;
        }
        batch->result->inserted += state == AREA_INSERTED;
        batch->result->merged += state == AREA_CHANGED;
        batch->result->unchanged += state == AREA_SAME;
    }
    return true;
}

static bool areas_end(struct import_batch *batch, bool commit, struct error *err)
{
    return !commit || registry_reload(batch->platform->registry, err);
}

/* The numbers of an import, freed by the caller. */
static bool numbers_of_import(struct sql *sql, int64_t import_no, int64_t **ret_numbers,
                              size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    size_t capacity = 0;
    bool row;
    *ret_numbers = NULL;
    *ret_count = 0;
    if (!sql_begin(sql, &area_of_import, SQL_ARGUMENTS(sql_int(import_no)), &query, err))
        return false;
    for (;;) {
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        if (*ret_count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            *ret_numbers = x_realloc(*ret_numbers, capacity * sizeof **ret_numbers);
        }
        (*ret_numbers)[(*ret_count)++] = sql_get_int(query, 0);
    }
}

static bool areas_undo(struct platform *platform, struct sql *sql, int64_t import_no,
                       int64_t *ret_removed, struct error *err)
{
    int64_t *numbers;
    size_t count;
    (void)platform;
    bool done = numbers_of_import(sql, import_no, &numbers, &count, err);
    for (size_t i = 0; done && i < count; i++)
        done = registry_keep_floor(sql, KIND_AREA, parent_of(numbers[i]), numbers[i], err);
    free(numbers);
    return done &&
           sql_run_count(sql, &area_undo, SQL_ARGUMENTS(sql_int(import_no)), ret_removed, err);
}

static bool areas_undone(struct platform *platform, struct error *err)
{
    return registry_reload(platform->registry, err);
}

const struct import_kind import_areas = {.name = "areas",
                                         .words = "areas of the managing tree",
                                         .columns = area_columns,
                                         .apply = areas_apply,
                                         .end = areas_end,
                                         .undo = areas_undo,
                                         .undone = areas_undone};
