/* A scene as a sheet: one row a loop, one column a field. The columns are the same for the empty
 * sheet that officials fill in, for its import and for the export of loops. */
#include <math.h>

#include "registry/registry.h"
#include "scenes/scenes_internal.h"

static bool is_thing(enum scene_kind kind)
{
    return kind == SCENE_TUBE || kind == SCENE_ALERT || kind == SCENE_BATCH || kind == SCENE_SITE ||
           kind == SCENE_CHECKPOINT;
}

bool scene_field_is_personal(const struct scene_field *field)
{
    return field->personal || scene_kind_is_personal(scene_type_kind(field->type));
}

size_t scene_columns(const struct scene *scene, struct arena *arena,
                     struct scene_column **ret_columns)
{
    struct scene_column *columns = arena_alloc(arena, (scene->field_count + 2) * sizeof *columns);
    size_t count = 0;
    bool hides = false;
    for (size_t i = 0; i < scene->field_count; i++)
        hides = hides || scene->fields[i].hidden_until.text;
    if (scene->subject != SCENE_NONE)
        columns[count++] =
            (struct scene_column){.name = "subject",
                                  .kind = scene->subject,
                                  .required = true,
                                  .kept_back = hides || scene_kind_is_personal(scene->subject)};
    if (is_thing(scene->subject))
        columns[count++] = (struct scene_column){
            .name = "subject_area", .kind = SCENE_AREA, .kept_back = true, .of_subject = true};
    for (size_t i = 0; i < scene->field_count; i++) {
        const struct scene_field *field = &scene->fields[i];
        columns[count++] = (struct scene_column){.name = field->name,
                                                 .field = field,
                                                 .kind = scene_type_kind(field->type),
                                                 .required = field->required,
                                                 .kept_back = field->hidden_until.text ||
                                                              scene_field_is_personal(field)};
    }
    *ret_columns = columns;
    return count;
}

bool scene_opens_by_hand(const struct scene *scene)
{
    for (size_t i = 0; i < scene->opening_count; i++)
        if (scene->openings[i].manual)
            return true;
    return false;
}

/* ---- How cells look */

static const char *const truths[] = {"true", "false", NULL};

struct xlsx_column scene_column_form(const struct scene_column *column, struct arena *arena)
{
    struct xlsx_column shown = {.name = slice_of(column->name),
                                .form = XLSX_TEXT,
                                .required = column->required,
                                .wide = 16};
    const struct scene_field *field = column->field;
    if (!field || field->list)
        return shown;
    switch (field->type) {
    case TYPE_INT:
    case TYPE_NUMBER:
        shown.form = XLSX_NUMBER;
        break;
    case TYPE_DATE:
        shown.form = XLSX_DATE;
        break;
    case TYPE_TIME:
        shown.form = XLSX_TIME;
        shown.wide = 26;
        break;
    case TYPE_BOOL:
        shown.choices = truths;
        break;
    case TYPE_ENUM: {
        const char **choices = arena_alloc(arena, (field->values.count + 1) * sizeof *choices);
        for (size_t i = 0; i < field->values.count; i++)
            choices[i] = field->values.items[i].text;
        shown.choices = choices;
        break;
    }
    default:
        break;
    }
    return shown;
}

/* ---- The notes beside the empty sheet */

/* What a cell must hold is the name; what it means stands behind it. */
static void put_choices(const struct scene_field *field, struct buffer *zh, struct buffer *en)
{
    for (size_t i = 0; i < field->values.count; i++) {
        const struct scene_value *choice = &field->values.items[i];
        buffer_print(zh, "%s%s", i ? "、" : "取值：", choice->text);
        buffer_print(en, "%s%s", i ? ", " : "one of ", choice->text);
        if (choice->title.zh && choice->title.en) {
            buffer_print(zh, "（%s）", choice->title.zh);
            buffer_print(en, " (%s)", choice->title.en);
        }
    }
}

static void put_form(const struct scene_column *column, struct buffer *zh, struct buffer *en)
{
    const struct scene_field *field = column->field;
    enum scene_type type = field ? field->type : TYPE_TEXT;
    bool list = field && field->list;
    if (column->kind == SCENE_AREA) {
        buffer_append_text(zh, "区域代码");
        buffer_append_text(en, "code of the area");
    } else if (is_thing(column->kind)) {
        buffer_append_text(zh, "编码");
        buffer_append_text(en, "its code");
    } else if (column->kind != SCENE_NONE) {
        buffer_append_text(zh, "来源中的编号，或 #登记号");
        buffer_append_text(en, "its id within the source, or # and its number in the register");
    } else if (type == TYPE_ENUM) {
        put_choices(field, zh, en);
    } else if (type == TYPE_TIME) {
        buffer_append_text(zh, "时间，如 2022-04-14T14:30:00+08:00");
        buffer_append_text(en, "a time as 2022-04-14T14:30:00+08:00");
    } else if (type == TYPE_DATE) {
        buffer_append_text(zh, "日期，如 2022-04-14");
        buffer_append_text(en, "a day as 2022-04-14");
    } else if (type == TYPE_BOOL) {
        buffer_append_text(zh, "true 或 false");
        buffer_append_text(en, "true or false");
    } else {
        buffer_append_text(zh, scene_type_words(type).zh);
        buffer_append_text(en, scene_type_words(type).en);
        if (field && field->form != TEXT_FORM_ANY) {
            buffer_print(zh, "：%s", scene_text_form_words(field->form).zh);
            buffer_print(en, ": %s", scene_text_form_words(field->form).en);
        }
        if (field && isfinite(field->min) && !list)
            buffer_print(en, ", at least %g", field->min);
        if (field && isfinite(field->max) && !list)
            buffer_print(en, ", at most %g", field->max);
    }
    if (list) {
        buffer_append_text(zh, "；多个以 ; 分隔");
        buffer_append_text(en, ", several apart by ;");
    }
}

static bool put_note(struct xlsx *xlsx, const struct scene *scene,
                     const struct scene_column *column, struct error *err)
{
    struct buffer zh, en;
    struct words title = column->field        ? column->field->title
                         : column->of_subject ? (struct words){"对象尚未登记时其所在区域",
                                                               "Area of a subject not registered"}
                                              : scene_kind_words(scene->subject);
    buffer_init(&zh, 8192);
    buffer_init(&en, 8192);
    put_form(column, &zh, &en);
    struct slice texts[] = {slice_of(column->name),
                            slice_of(title.zh ? title.zh : column->name),
                            slice_of(title.en ? title.en : column->name),
                            column->required ? SLICE("是 yes") : SLICE(""),
                            buffer_slice(&zh),
                            buffer_slice(&en)};
    struct xlsx_cell cells[6];
    for (size_t i = 0; i < 6; i++)
        cells[i] = (struct xlsx_cell){.form = XLSX_TEXT, .text = texts[i]};
    bool done = xlsx_row(xlsx, cells, 6, err);
    buffer_release(&zh);
    buffer_release(&en);
    return done;
}

static bool put_notes(struct xlsx *xlsx, const struct scene *scene,
                      const struct scene_column *columns, size_t count, struct error *err)
{
    static const struct xlsx_column heads[] = {
        {.name = SLICE("column"), .form = XLSX_TEXT, .wide = 20},
        {.name = SLICE("名称"), .form = XLSX_TEXT, .wide = 24},
        {.name = SLICE("title"), .form = XLSX_TEXT, .wide = 32},
        {.name = SLICE("必填 required"), .form = XLSX_TEXT, .wide = 14},
        {.name = SLICE("填法"), .form = XLSX_TEXT, .wide = 40},
        {.name = SLICE("form"), .form = XLSX_TEXT, .wide = 60},
    };
    if (!xlsx_sheet(xlsx, "notes", heads, sizeof heads / sizeof *heads, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!put_note(xlsx, scene, &columns[i], err))
            return false;
    return true;
}

/* ---- The empty sheet */

const char *scene_sheet_name(const struct scene *scene, char out[32])
{
    text_copy(out, 32, slice_of(strcmp(scene->name, "notes") == 0 ? "loops" : scene->name));
    return out;
}

static bool write_xlsx(const struct scene *scene, struct arena *arena, struct buffer *out,
                       struct error *err)
{
    struct scene_column *columns;
    struct xlsx *xlsx;
    char name[32];
    size_t count = scene_columns(scene, arena, &columns);
    struct xlsx_column *forms = arena_alloc(arena, count * sizeof *forms + 1);
    for (size_t i = 0; i < count; i++)
        forms[i] = scene_column_form(&columns[i], arena);
    if (!xlsx_open(&xlsx, err))
        return false;
    bool done = xlsx_sheet(xlsx, scene_sheet_name(scene, name), forms, count, err) &&
                put_notes(xlsx, scene, columns, count, err) && xlsx_finish(xlsx, out, err);
    xlsx_free(xlsx);
    return done;
}

static void write_csv(const struct scene *scene, struct arena *arena, struct buffer *out)
{
    struct scene_column *columns;
    size_t count = scene_columns(scene, arena, &columns);
    for (size_t i = 0; i < count; i++)
        registry_csv_put(out, slice_of(columns[i].name), i == 0);
    csv_end(out);
}

bool scene_sheet_form(const char *path, bool *ret_xlsx, struct error *err)
{
    size_t length = path ? strlen(path) : 0;
    *ret_xlsx = length > 5 && strcmp(path + length - 5, ".xlsx") == 0;
    return *ret_xlsx || (length > 4 && strcmp(path + length - 4, ".csv") == 0) ||
           error_set(err, ERROR_USAGE, (struct error_place){.field = "-o"},
                     "a name that ends in .xlsx or .csv", "the name does not say which form");
}

bool scene_sheet_write(const struct scene *scene, struct arena *arena, bool xlsx,
                       struct buffer *out, struct error *err)
{
    if (!scene_opens_by_hand(scene))
        return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "NAME"},
                         "a scene with `manual` among its openings",
                         "scene %s is not opened by hand", scene->name);
    struct scene_column *columns;
    if (!scene_columns(scene, arena, &columns))
        return error_set(err, ERROR_CONFLICT, (struct error_place){.field = "NAME"},
                         "a scene with a subject or a field", "scene %s asks nothing", scene->name);
    if (xlsx)
        return write_xlsx(scene, arena, out, err);
    write_csv(scene, arena, out);
    return true;
}
