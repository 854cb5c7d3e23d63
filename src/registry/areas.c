/* The area tree: the built-in one of Changzhou, and `import areas`. An area's number is its parent's
 * with the next free slot of its level. */
#include "registry/registry_internal.h"

static const struct sql_text area_insert = {
    "area_insert",
    "INSERT INTO area (area_no, code, gb_code, name_zh, name_en, population, latitude, longitude,"
    " import_no) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    "primary key"};
static const struct sql_text area_update = {
    "area_update",
    "UPDATE area SET gb_code = ?2, name_zh = ?3, name_en = ?4, population = ?5, latitude = ?6,"
    " longitude = ?7 WHERE code = ?1 AND (gb_code <> ?2 OR name_zh <> ?3 OR name_en <> ?4 OR"
    " population <> ?5 OR latitude <> ?6 OR longitude <> ?7)",
    "unique code"};
static const struct sql_text area_by_code = {
    "area_by_code", "SELECT area_no FROM area WHERE code = ?1", "unique code"};
static const struct sql_text area_last_child = {
    "area_last_child", "SELECT max(area_no) FROM area WHERE area_no > ?1 AND area_no <= ?2",
    "primary key"};
static const struct sql_text area_undo = {
    "area_undo", "DELETE FROM area WHERE import_no = ?1", "small table"};

const struct sql_list area_statements =
    SQL_LIST(&area_insert, &area_update, &area_by_code, &area_last_child, &area_undo);

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
    int64_t step = (int64_t)1 << (AREA_LEVEL_BITS * (AREA_LEVELS - 1 - level));
    int64_t last = parent_no ? area_range_last(parent_no) : INT64_MAX, highest;
    if (level >= AREA_LEVELS)
        return error_set(err, ERROR_TOO_LARGE, (struct error_place){.field = "parent"},
                         "at most five levels", "too deep");
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

struct area_row {
    struct slice fields[LONGITUDE + 1];
};

/* *ret_state: 0 inserted, 1 changed, 2 unchanged, 3 no such parent. */
static bool put_area(struct sql *sql, const struct area_row *row, int64_t import_no,
                     int *ret_state, struct error *err)
{
    int64_t no, parent_no = 0, population = 0, changed = 0;
    double latitude = 0, longitude = 0;
    const struct slice *f = row->fields;
    if ((f[POPULATION].data && !slice_to_int64(f[POPULATION], 0, INT32_MAX, &population)) ||
        (f[LATITUDE].data && !slice_to_double(f[LATITUDE], &latitude)) ||
        (f[LONGITUDE].data && !slice_to_double(f[LONGITUDE], &longitude)))
        return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = "population"},
                         "numbers", "population or coordinates are not numbers");
    struct slice gb = f[GB_CODE].data ? f[GB_CODE] : f[CODE];
    if (!sql_one_int(sql, &area_by_code, SQL_ARGUMENTS(sql_text(f[CODE])), 0, &no, err))
        return false;
    if (no) {
        *ret_state = 2;
        if (!sql_run_count(sql, &area_update,
                           SQL_ARGUMENTS(sql_text(f[CODE]), sql_text(gb), sql_text(f[NAME_ZH]),
                                         sql_text(or_empty(f[NAME_EN])), sql_int(population),
                                         sql_real(latitude), sql_real(longitude)),
                           &changed, err))
            return false;
        *ret_state = changed ? 1 : 2;
        return true;
    }
    if (f[PARENT].data &&
        !sql_one_int(sql, &area_by_code, SQL_ARGUMENTS(sql_text(f[PARENT])), 0, &parent_no, err))
        return false;
    *ret_state = f[PARENT].data && !parent_no ? 3 : 0;
    return *ret_state == 3 ||
           (next_child(sql, parent_no, &no, err) &&
            sql_run(sql, &area_insert,
                    SQL_ARGUMENTS(sql_int(no), sql_text(f[CODE]), sql_text(gb),
                                  sql_text(f[NAME_ZH]), sql_text(or_empty(f[NAME_EN])),
                                  sql_int(population), sql_real(latitude), sql_real(longitude),
                                  sql_int(import_no)),
                    err));
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
        int state;
        if (!put_area(sql, &row, 0, &state, err))
            return false;
        REQUIRE(state == 0);
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
        int state = 3;
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
        if (state == 3)
            import_reject(batch, i, "parent", "no such area code");
        batch->result->inserted += state == 0;
        batch->result->merged += state == 1;
        batch->result->unchanged += state == 2;
    }
    return true;
}

static bool areas_end(struct import_batch *batch, bool commit, struct error *err)
{
    return !commit || registry_reload(batch->platform->registry, err);
}

struct undo_job {
    int64_t import_no, removed;
};
static bool undo_rows(struct sql *sql, void *context, struct error *err)
{
    struct undo_job *job = context;
    return sql_run_count(sql, &area_undo, SQL_ARGUMENTS(sql_int(job->import_no)), &job->removed,
                         err);
}
static bool areas_undo(struct platform *platform, int64_t import_no, int64_t *ret_removed,
                       struct error *err)
{
    struct undo_job job = {import_no, 0};
    bool done = store_write(platform->store, undo_rows, &job, err) &&
                registry_reload(platform->registry, err);
    *ret_removed = job.removed;
    return done;
}

const struct import_kind import_areas = {.name = "areas",
                                         .words = "areas of the managing tree",
                                         .columns = area_columns,
                                         .apply = areas_apply,
                                         .end = areas_end,
                                         .undo = areas_undo};
