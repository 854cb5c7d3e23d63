/* `import loops`: one row of a scene's sheet opens one loop, by the same way as a hand does, and is
 * refused in the same words.
 *
 *   row ─► values (ids of the source, codes, times) ─► key of all it says ── known ─► unchanged
 *                                                          └── new ─► opened, or joined ─► merged
 *
 * Importing a sheet again changes nothing: the key of a row stays as long as its loop. */
#include <stdlib.h>
#include <strings.h>

#include "loops/loops_internal.h"
#include "registry/import.h"

static const struct sql_text row_find = {"loop_sheet_row_find",
                                         "SELECT loop_no FROM loop_sheet_row WHERE row_key = ?1",
                                         "primary key"};
static const struct sql_text row_put = {
    "loop_sheet_row_put", "INSERT INTO loop_sheet_row (row_key, loop_no) VALUES (?1, ?2)",
    "primary key"};

const struct sql_list loop_sheet_statements = SQL_LIST(&row_find, &row_put);

enum { ROWS_A_JOB = 100, ROW_KEY_BYTES = 16 };

/* The kind of import that a scene makes; the framework knows it by its first member. */
struct sheet_kind {
    struct import_kind kind;
    struct loops *loops;
    const struct scene *scene;
    const struct scene_column *columns;
    size_t column_count;
    struct actor actor;
};

enum row_fate { ROW_UNCHANGED, ROW_INSERTED, ROW_MERGED, ROW_REJECTED };
struct sheet_row {
    enum row_fate fate;
    struct error refusal;
};
struct sheet_job {
    const struct import_batch *batch;
    const struct sheet_kind *sheet;
    size_t first, count;
    struct sheet_row rows[ROWS_A_JOB];
};

static bool bad(const char *field, const char *expected, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_VALUE, (struct error_place){.field = field}, expected, "%s",
                     what);
}

/* ---- Cells */

/* "#7" is number 7 of the register, all else an id within the source. */
static bool take_object(const struct sheet_job *job, struct sql *sql,
                        const struct scene_column *column, struct slice cell, json_t **ret_value,
                        struct error *err)
{
    static const enum registry_kind kinds[SCENE_KIND_COUNT] = {
        [SCENE_PERSON] = REGISTRY_PERSON,   [SCENE_HOUSEHOLD] = REGISTRY_HOUSEHOLD,
        [SCENE_UNIT] = REGISTRY_UNIT,       [SCENE_VENUE] = REGISTRY_VENUE,
        [SCENE_VEHICLE] = REGISTRY_VEHICLE, [SCENE_STAFF] = REGISTRY_STAFF,
        [SCENE_CASE] = REGISTRY_CASE};
    int64_t no = 0;
    if (cell.data[0] == '#') {
        if (!slice_to_int64((struct slice){cell.data + 1, cell.length - 1}, 1, INT64_MAX, &no))
            return bad(column->name, "# and a number of the register", "not a number", err);
    } else if (!registry_lookup(sql, kinds[column->kind], job->batch->source, cell, &no, err)) {
        return false;
    }
    if (!no)
        return bad(column->name, "an id within the source, or # and a number of the register",
                   "the source has no such id", err);
    *ret_value = json_integer(no);
    return true;
}

static bool take_number(const struct scene_column *column, struct slice cell, bool whole,
                        json_t **ret_value, struct error *err)
{
    int64_t number;
    double real;
    if (whole && slice_to_int64(cell, INT64_MIN, INT64_MAX, &number)) {
        *ret_value = json_integer(number);
        return true;
    }
    if (!whole && slice_to_double(cell, &real)) {
        *ret_value = json_real(real);
        return true;
    }
    return bad(column->name, whole ? "a whole number" : "a number", "not a number", err);
}

/* Spreadsheets write TRUE. */
static bool take_truth(const struct scene_column *column, struct slice cell, json_t **ret_value,
                       struct error *err)
{
    bool yes = cell.length == 4 && strncasecmp(cell.data, "true", 4) == 0;
    if (!yes && (cell.length != 5 || strncasecmp(cell.data, "false", 5) != 0))
        return bad(column->name, "true or false", "neither", err);
    *ret_value = json_boolean(yes);
    return true;
}

static bool take_item(const struct sheet_job *job, struct sql *sql,
                      const struct scene_column *column, struct slice cell, json_t **ret_value,
                      struct error *err)
{
    enum scene_type type = column->field ? column->field->type : TYPE_TEXT;
    if (column->kind != SCENE_NONE && column->kind != SCENE_AREA && !kind_is_thing(column->kind))
        return take_object(job, sql, column, cell, ret_value, err);
    if (type == TYPE_INT || type == TYPE_NUMBER)
        return take_number(column, cell, type == TYPE_INT, ret_value, err);
    if (type == TYPE_BOOL)
        return take_truth(column, cell, ret_value, err);
    *ret_value = json_stringn(cell.data, cell.length);
    return true;
}

static bool take_cell(const struct sheet_job *job, struct sql *sql,
                      const struct scene_column *column, struct slice cell, json_t **ret_value,
                      struct error *err)
{
    if (!column->field || !column->field->list)
        return take_item(job, sql, column, cell, ret_value, err);
    json_t *list = json_array();
    while (cell.length) {
        const char *stop = memchr(cell.data, ';', cell.length);
        size_t length = stop ? (size_t)(stop - cell.data) : cell.length;
        struct slice piece = slice_trim((struct slice){cell.data, length});
        json_t *item;
        if (piece.length && !take_item(job, sql, column, piece, &item, err)) {
            json_decref(list);
            return false;
        }
        if (piece.length)
            json_array_append_new(list, item);
        length += stop != NULL;
        cell = (struct slice){cell.data + length, cell.length - length};
    }
    *ret_value = list;
    return true;
}

/* ---- Rows */

/* What the row says: {"subject":…, "area":…, "fields":{…}}. */
static bool read_row(const struct sheet_job *job, struct sql *sql, size_t row, json_t *said,
                     struct error *err)
{
    const struct sheet_kind *sheet = job->sheet;
    json_t *fields = json_object_get(said, "fields");
    for (size_t i = 0; i < sheet->column_count; i++) {
        const struct scene_column *column = &sheet->columns[i];
        struct slice cell = import_field(job->batch, row, (int)i);
        json_t *value;
        if (!cell.data && column->required)
            return bad(column->name, "given when the loop is opened", "the field is missing", err);
        if (!cell.data)
            continue;
        if (!take_cell(job, sql, column, cell, &value, err))
            return false;
        if (column->field)
            json_object_set_new(fields, column->name, value);
        else
            json_object_set_new(said, column->of_subject ? "area" : "subject", value);
    }
    return true;
}

static void key_of(struct sql *sql, const struct scene *scene, json_t *said,
                   unsigned char out[ROW_KEY_BYTES])
{
    struct buffer text;
    char *words = json_dumps(said, JSON_COMPACT | JSON_SORT_KEYS);
    REQUIRE(words);
    buffer_init(&text, 4 << 20);
    buffer_print(&text, "%s\n", scene->name);
    buffer_append_text(&text, words);
    REQUIRE(!text.overflow); /* a row has at most 1 MiB */
    blind_index(sql_keys(sql), "loop_sheet_row", buffer_slice(&text), out);
    buffer_release(&text);
    free(words);
}

static bool open_said(const struct sheet_job *job, struct sql *sql, json_t *said,
                      struct sheet_row *fate, struct error *err)
{
    unsigned char key[ROW_KEY_BYTES];
    struct slice key_bytes = {(const char *)key, sizeof key};
    int64_t known;
    struct loop_outcome outcome;
    json_t *area = json_object_get(said, "area");
    struct loop_opening opening = {.scene = slice_of(job->sheet->scene->name),
                                   .subject = json_object_get(said, "subject"),
                                   .fields = json_object_get(said, "fields")};
    if (area) {
        struct slice code = {json_string_value(area), json_string_length(area)};
        opening.area = registry_area_by_code(job->batch->platform->registry, code);
        if (!opening.area)
            return bad("subject_area", "the code of an area", "unknown area", err);
    }
    key_of(sql, job->sheet->scene, said, key);
    if (!sql_one_int(sql, &row_find, SQL_ARGUMENTS(sql_blob(key_bytes)), 0, &known, err))
        return false;
    fate->fate = ROW_UNCHANGED;
    if (known)
        return true;
    if (!loop_open_within(job->sheet->loops, sql, &job->sheet->actor, &opening, &outcome, err))
        return false;
    fate->fate = outcome.joined ? ROW_MERGED : ROW_INSERTED;
    return sql_run(sql, &row_put, SQL_ARGUMENTS(sql_blob(key_bytes), sql_int(outcome.loop_no)),
                   err);
}

struct one_row {
    const struct sheet_job *job;
    size_t row;
    struct sheet_row *fate;
};

static bool open_row(struct sql *sql, void *context, struct error *err)
{
    const struct one_row *one = context;
    json_t *said = json_object();
    json_object_set_new(said, "fields", json_object());
    bool done = read_row(one->job, sql, one->row, said, err) &&
                open_said(one->job, sql, said, one->fate, err);
    json_decref(said);
    return done;
}

/* What the disk or the key refuses stops the import; what the row says stops the row. */
static bool is_the_row_s(enum error_code code)
{
    int status = error_kind(code)->http_status;
    return status >= 400 && status < 500;
}

static bool open_rows(struct sql *sql, void *context, struct error *err)
{
    struct sheet_job *job = context;
    for (size_t i = 0; i < job->count; i++) {
        struct sheet_row *fate = &job->rows[i];
        struct one_row one = {job, job->first + i, fate};
        bool kept;
        *fate = (struct sheet_row){.fate = ROW_UNCHANGED};
        if (!sql_part(sql, open_row, &one, &kept, &fate->refusal, err))
            return false;
        if (kept)
            continue;
        if (!is_the_row_s(fate->refusal.code)) {
            *err = fate->refusal;
            return false;
        }
        fate->fate = ROW_REJECTED;
    }
    return !job->batch->dry_run ||
           error_set(err, ERROR_REFUSED, (struct error_place){.source = "dry run"}, NULL,
                     "dry run");
}

/* ---- Batches */

static bool write_rows(struct sheet_job *job, struct error *err)
{
    struct error failure = {0};
    if (store_write(job->batch->platform->store, open_rows, job, &failure))
        return true;
    if (job->batch->dry_run && failure.code == ERROR_REFUSED &&
        strcmp(failure.source, "dry run") == 0)
        return true; /* all was tried, nothing is kept */
    *err = failure;
    return false;
}

static void count_rows(struct import_batch *batch, const struct sheet_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        const struct sheet_row *row = &job->rows[i];
        char reason[540];
        batch->result->unchanged += row->fate == ROW_UNCHANGED;
        batch->result->inserted += row->fate == ROW_INSERTED;
        batch->result->merged += row->fate == ROW_MERGED;
        if (row->fate != ROW_REJECTED)
            continue;
        snprintf(reason, sizeof reason, "%s%s%s", row->refusal.what,
                 row->refusal.expected[0] ? ", expected " : "", row->refusal.expected);
        import_reject(batch, job->first + i, row->refusal.field[0] ? row->refusal.field : NULL,
                      reason);
    }
}

static bool apply(struct import_batch *batch, struct sql *sql, struct error *err)
{
    struct sheet_job *job = x_alloc(1, sizeof *job);
    bool done = true;
    (void)sql;
    job->batch = batch;
    job->sheet = (const struct sheet_kind *)batch->kind;
    for (size_t at = 0; done && at < batch->row_count; at += ROWS_A_JOB) {
        job->first = at;
        job->count = batch->row_count - at < ROWS_A_JOB ? batch->row_count - at : ROWS_A_JOB;
        done = write_rows(job, err);
        if (done)
            count_rows(batch, job);
    }
    free(job);
    return done;
}

/* ---- The command */

static const struct import_column *import_columns(const struct sheet_kind *sheet,
                                                  struct arena *arena)
{
    struct import_column *columns = arena_alloc(arena, (sheet->column_count + 1) * sizeof *columns);
    for (size_t i = 0; i < sheet->column_count; i++)
        columns[i] = (struct import_column){
            .name = sheet->columns[i].name, .required = sheet->columns[i].required, .words = ""};
    return columns;
}

/* Whose hand it is: a user who may act, proved by the password on standard input; else that of who
 * may use the data directory. */
static bool take_hand(struct command_context *context, const char *user, struct actor *ret_actor,
                      struct error *err)
{
    if (!user) {
        *ret_actor = (struct actor){.name = "command line", .area_last = INT64_MAX};
        return true;
    }
    return access_prove(context->platform->access, slice_of(user), context->in_fd, ret_actor,
                        err) &&
           ((ret_actor->permissions & PERMISSION_BIT(PERMIT_LOOP_ACT)) ||
            error_set(err, ERROR_FORBIDDEN, (struct error_place){.field = "--user"},
                      "a role that may open loops", "your role may not do this"));
}

bool sheet_scene(struct loops *loops, const char *name, const struct scene **ret_scene,
                 struct error *err)
{
    if (!loops_ready(loops, err))
        return false;
    const struct definition *definition =
        name ? definition_named(atomic_load(&loops->definitions), slice_of(name)) : NULL;
    if (!definition)
        return error_set(err, ERROR_USAGE, (struct error_place){.field = "--scene"},
                         "a name of `scene list`", name ? "there is no scene '%s'" : "missing",
                         name);
    *ret_scene = definition->scene;
    return true;
}

static bool import(struct command_context *context, const char *path, struct sheet_kind *sheet,
                   const struct import_options *options, bool *ret_rejected, struct error *err)
{
    struct scene_column *columns;
    if (!store_refuse_sunset(context->platform->store, err))
        return false;
    if (!scene_opens_by_hand(sheet->scene))
        return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "--scene"},
                         "a scene with `manual` among its openings",
                         "scene %s is not opened by hand", sheet->scene->name);
    sheet->column_count = scene_columns(sheet->scene, context->arena, &columns);
    sheet->columns = columns;
    sheet->kind = (struct import_kind){.name = "loops",
                                       .columns = import_columns(sheet, context->arena),
                                       .words = "rows of a scene's sheet",
                                       .apply = apply,
                                       .direct = true};
    return import_run(context, &sheet->kind, path, options, ret_rejected, err);
}

int sheet_run_import(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct sheet_kind sheet = {.loops = context->platform->loops};
    struct import_options options = {.source = "default"};
    const char *name, *user, *source;
    bool rejected;
    options.dry_run = command_flag(&argc, argv, "--dry-run");
    if (!command_option(&argc, argv, "--scene", &name, err) ||
        !command_option(&argc, argv, "--user", &user, err) ||
        !command_option(&argc, argv, "--source", &source, err) ||
        !command_arguments(&loop_commands[LOOP_COMMAND_IMPORT], argc, argv, 1, 1, err))
        return command_fail(err);
    if (user && strcmp(argv[0], "-") == 0) {
        error_set(err, ERROR_USAGE, (struct error_place){.field = "--user"},
                  "a file: the password comes by standard input", "both come by one way");
        return command_fail(err);
    }
    options.source = source ? source : options.source;
    if (!sheet_scene(sheet.loops, name, &sheet.scene, err) ||
        !take_hand(context, user, &sheet.actor, err))
        return command_fail(err);
    options.actor = slice_of(sheet.actor.name);
    options.purpose = slice_of(sheet.scene->name);
    if (!import(context, argv[0], &sheet, &options, &rejected, err))
        return command_fail(err);
    return rejected ? EXIT_FINDINGS : EXIT_DONE;
}
