/* `export loops`: the loops of a scene in the columns of its sheet, with their number, stage, state
 * and times. What is personal, or hidden until a stage, has no column here: an export leaves the
 * house, and nobody's part in a loop goes with it. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loops/loops_internal.h"

enum { ENDING_COLUMNS = 5 };
static const char *const endings[ENDING_COLUMNS] = {"stage", "state", "opened_at", "deadline",
                                                    "closed_at"};

struct sheet_export {
    struct platform *platform;
    const struct scene_column *columns;
    size_t column_count;
    struct slice source;
    int64_t rows;
    struct xlsx *xlsx; /* NULL: CSV, written as it comes */
    FILE *out;
    struct arena row; /* cleared after each */
};

/* ---- Cells */

/* The id within the source, else # and the number of the register: as the import takes it. */
static bool object_text(struct sheet_export *export, struct sql *sql, enum scene_kind kind,
                        int64_t no, struct slice *ret_text, struct error *err)
{
    static const enum registry_kind kinds[SCENE_KIND_COUNT] = {[SCENE_UNIT] = REGISTRY_UNIT,
                                                               [SCENE_VENUE] = REGISTRY_VENUE,
                                                               [SCENE_VEHICLE] = REGISTRY_VEHICLE};
    if (kind == SCENE_AREA) {
        const struct area *area = registry_area(export->platform->registry, no);
        *ret_text = area ? area->code : SLICE("");
        return true;
    }
    if (kind_is_thing(kind))
        return thing_code(sql, no, &export->row, ret_text, err);
    *ret_text = (struct slice){NULL, 0};
    if (kinds[kind] &&
        !registry_external_id(sql, kinds[kind], export->source, no, &export->row, ret_text, err))
        return false;
    if (!ret_text->data)
        *ret_text = slice_of(arena_print(&export->row, "#%lld", (long long)no));
    return true;
}

static bool value_text(struct sheet_export *export, struct sql *sql, enum scene_kind kind,
                       json_t *value, struct slice *ret_text, struct error *err)
{
    if (json_is_integer(value) && kind != SCENE_NONE)
        return object_text(export, sql, kind, json_integer_value(value), ret_text, err);
    if (json_is_string(value))
        *ret_text = (struct slice){json_string_value(value), json_string_length(value)};
    else if (json_is_integer(value))
        *ret_text =
            slice_of(arena_print(&export->row, "%lld", (long long)json_integer_value(value)));
    else if (json_is_real(value))
        *ret_text = slice_of(arena_print(&export->row, "%.15g", json_real_value(value)));
    else
        *ret_text =
            json_is_boolean(value) ? slice_of(json_is_true(value) ? "true" : "false") : SLICE("");
    return true;
}

static bool list_text(struct sheet_export *export, struct sql *sql, enum scene_kind kind,
                      json_t *list, struct slice *ret_text, struct error *err)
{
    struct buffer text;
    struct slice one;
    size_t i;
    json_t *item;
    bool done = true;
    buffer_init(&text, 1 << 20);
    json_array_foreach (list, i, item) {
        done = done && value_text(export, sql, kind, item, &one, err);
        if (done && i)
            buffer_append_text(&text, ";");
        if (done)
            buffer_append(&text, one.data, one.length);
    }
    *ret_text = (struct slice){arena_copy(&export->row, buffer_slice(&text).data, text.length),
                               text.length};
    buffer_release(&text);
    return done;
}

/* As a cell of the column; what does not fit its form is a text. */
static bool cell_of(struct sheet_export *export, struct sql *sql, const struct scene_column *column,
                    json_t *value, struct xlsx_cell *cell, struct error *err)
{
    *cell = (struct xlsx_cell){.form = XLSX_TEXT, .text = SLICE("")};
    if (!value || json_is_null(value))
        return true;
    if (json_is_array(value))
        return list_text(export, sql, column->kind, value, &cell->text, err);
    if (!value_text(export, sql, column->kind, value, &cell->text, err))
        return false;
    enum scene_type type = column->field ? column->field->type : TYPE_TEXT;
    if (json_is_number(value) && column->kind == SCENE_NONE) {
        cell->form = XLSX_NUMBER;
        cell->number = json_number_value(value);
    } else if (type == TYPE_DATE && time_parse_date(cell->text, &cell->day)) {
        cell->form = XLSX_DATE;
    } else if (type == TYPE_TIME && time_parse(cell->text, &cell->time)) {
        cell->form = XLSX_TIME;
    }
    return true;
}

static void time_cell(struct sheet_export *export, timestamp time, struct xlsx_cell *cell)
{
    char text[TIME_TEXT_BYTES];
    *cell = (struct xlsx_cell){.form = XLSX_TEXT, .text = SLICE("")};
    if (time == TIMESTAMP_NONE || time == TIMESTAMP_NEVER)
        return;
    time_format(time, text);
    *cell = (struct xlsx_cell){.form = XLSX_TIME,
                               .text = {arena_copy(&export->row, text, strlen(text)), strlen(text)},
                               .time = time};
}

/* ---- Rows */

static bool put_row(struct sheet_export *export, const struct xlsx_cell *cells, size_t count,
                    struct error *err)
{
    if (export->xlsx)
        return xlsx_row(export->xlsx, cells, count, err);
    struct slice *texts = arena_alloc(&export->row, count * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = cells[i].text;
    export_row(export->out, texts, count);
    return true;
}

static bool put_loop(void *context, struct sql *sql, const struct loop_told *told,
                     struct error *err)
{
    struct sheet_export *export = context;
    size_t count = 0;
    struct xlsx_cell *cells =
        arena_alloc(&export->row, (export->column_count + 1 + ENDING_COLUMNS) * sizeof *cells);
    const char *number = arena_print(&export->row, "%lld", (long long)told->no);
    cells[count++] = (struct xlsx_cell){
        .form = XLSX_NUMBER, .number = (double)told->no, .text = slice_of(number)};
    for (size_t i = 0; i < export->column_count; i++) {
        const struct scene_column *column = &export->columns[i];
        json_t *subject =
            column->field || !told->subject_no ? NULL : json_integer(told->subject_no);
        json_t *value = column->field ? json_object_get(told->fields, column->name) : subject;
        bool done = cell_of(export, sql, column, value, &cells[count++], err);
        json_decref(subject);
        if (!done)
            return false;
    }
    cells[count++] = (struct xlsx_cell){.form = XLSX_TEXT, .text = slice_of(told->stage)};
    cells[count++] =
        (struct xlsx_cell){.form = XLSX_TEXT, .text = slice_of(loop_state_name(told->state))};
    time_cell(export, told->opened_at, &cells[count++]);
    time_cell(export, told->state == LOOP_OPEN ? told->due_at : TIMESTAMP_NONE, &cells[count++]);
    time_cell(export, told->closed_at, &cells[count++]);
    bool done = put_row(export, cells, count, err);
    export->rows++;
    arena_clear(&export->row);
    return done;
}

/* A name that a field has already gets "loop_" before it. */
static struct slice own_name(const struct sheet_export *export, struct arena *arena,
                             const char *name)
{
    for (size_t i = 0; i < export->column_count; i++)
        if (strcmp(export->columns[i].name, name) == 0)
            return slice_of(arena_print(arena, "loop_%s", name));
    return slice_of(name);
}

static bool put_names(struct sheet_export *export, const struct scene *scene, struct arena *arena,
                      struct error *err)
{
    size_t count = 0;
    char sheet[32];
    struct xlsx_column *names =
        arena_alloc(arena, (export->column_count + 1 + ENDING_COLUMNS) * sizeof *names);
    names[count++] = (struct xlsx_column){
        .name = own_name(export, arena, "number"), .form = XLSX_NUMBER, .wide = 12};
    for (size_t i = 0; i < export->column_count; i++) {
        names[count] = scene_column_form(&export->columns[i], arena);
        names[count++].choices = NULL;
    }
    for (size_t i = 0; i < ENDING_COLUMNS; i++)
        names[count++] = (struct xlsx_column){.name = own_name(export, arena, endings[i]),
                                              .form = i < 2 ? XLSX_TEXT : XLSX_TIME,
                                              .wide = i < 2 ? 16 : 26};
    if (export->xlsx)
        return xlsx_sheet(export->xlsx, scene_sheet_name(scene, sheet), names, count, err);
    struct slice *texts = arena_alloc(arena, count * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[i] = names[i].name;
    export_row(export->out, texts, count);
    return true;
}

/* ---- The command */

static bool take_state(const char *name, unsigned *ret_states, struct error *err)
{
    const unsigned all = (1u << LOOP_STATES) - 1;
    *ret_states = 0;
    if (!name || strcmp(name, "all") == 0)
        *ret_states = all;
    else if (strcmp(name, "closed") == 0)
        *ret_states = all & ~(1u << LOOP_OPEN);
    for (int i = 0; !*ret_states && i < LOOP_STATES; i++)
        if (strcmp(name, loop_state_name((enum loop_state)i)) == 0)
            *ret_states = 1u << i;
    return *ret_states || error_set(err, ERROR_USAGE, (struct error_place){.field = "--state"},
                                    "open, done, failed, cancelled, closed or all",
                                    "'%s' is no state of a loop", name);
}

struct wish {
    const char *path;
    const struct scene *scene;
    unsigned states;
    bool xlsx;
};

static bool finish(struct sheet_export *export, const char *path, struct error *err)
{
    struct buffer whole;
    if (!export->xlsx)
        return true;
    buffer_init(&whole, (size_t)1 << 30);
    bool done = xlsx_finish(export->xlsx, &whole, err);
    if (done && fwrite(whole.data, 1, whole.length, export->out) != whole.length)
        done = error_set_errno(err, path, "write");
    buffer_release(&whole);
    return done;
}

static bool write_all(struct sheet_export *export, struct command_context *context,
                      const struct wish *wish, struct error *err)
{
    struct scene_column *columns;
    size_t count = scene_columns(wish->scene, context->arena, &columns);
    for (size_t i = 0; i < count; i++)
        if (!columns[i].kept_back)
            columns[export->column_count++] = columns[i];
    export->columns = columns;
    return (!wish->xlsx || xlsx_open(&export->xlsx, err)) &&
           put_names(export, wish->scene, context->arena, err) &&
           loops_each(context->platform->loops, slice_of(wish->scene->name), wish->states, put_loop,
                      export, err) &&
           finish(export, wish->path, err);
}

static bool open_out(struct command_context *context, const char *path, FILE **ret_out,
                     struct error *err)
{
    *ret_out = context->out;
    if (!path)
        return true;
    int fd =
        openat(context->working_directory_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    *ret_out = fd < 0 ? NULL : fdopen(fd, "w");
    return *ret_out || error_set(err, ERROR_USAGE, (struct error_place){.source = path},
                                 "a file that can be written", "the file cannot be opened: %m");
}

static bool run(struct command_context *context, const struct wish *wish, struct slice source,
                struct error *err)
{
    struct sheet_export export = {.platform = context->platform, .source = source};
    struct error ignored;
    if (!store_refuse_sunset(context->platform->store, err) ||
        !open_out(context, wish->path, &export.out, err))
        return false;
    const char *what =
        arena_print(context->arena, "scene:%s,source:%.*s,states:%u,to:%s", wish->scene->name,
                    SLICE_ARG(source), wish->states, wish->path ? wish->path : "");
    arena_init(&export.row, 64 << 20);
    bool done = export_record(context->platform, "loops", slice_of(what), -1, err) &&
                write_all(&export, context, wish, err);
    xlsx_free(export.xlsx);
    arena_release(&export.row);
    if (wish->path && fclose(export.out) != 0)
        done = error_set_errno(done ? err : &ignored, wish->path, "write") && done;
    return done && export_record(context->platform, "loops", slice_of(what), export.rows, err);
}

int sheet_run_export(struct command_context *context, int argc, char **argv, struct error *err)
{
    struct wish wish = {.path = NULL};
    const char *name, *state, *source;
    if (!command_option(&argc, argv, "--scene", &name, err) ||
        !command_option(&argc, argv, "--state", &state, err) ||
        !command_option(&argc, argv, "--source", &source, err) ||
        !command_option(&argc, argv, "-o", &wish.path, err) ||
        !command_arguments(&loop_commands[LOOP_COMMAND_EXPORT], argc, argv, 0, 0, err) ||
        !take_state(state, &wish.states, err) ||
        (wish.path && !scene_sheet_form(wish.path, &wish.xlsx, err)) ||
        !sheet_scene(context->platform->loops, name, &wish.scene, err) ||
        !run(context, &wish, slice_of(source ? source : "default"), err))
        return command_fail(err);
    return EXIT_DONE;
}
