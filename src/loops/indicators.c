/* Indicators: what a scene measures of itself (scenes.md, "Indicators"), counted at the moment when
 * it is decided and never again.
 *   share: STAGE, of: closed|STAGE     a loop that ends counts once: in the whole where it ended in
 *                                      `of` (or at all), and as met where it ended in `share`
 *   from … to … within D               a loop counts when it enters `to` for the first time: met
 *                                      where no more than D passed since it was opened or last
 *                                      entered `from`; one that ends without `to` missed it, unless
 *                                      it was cancelled: then there was nothing to reach
 * What is open is not counted yet: its lateness stands in the lists and counts of overdue loops. */
#include <math.h>

#include "loops/loops_internal.h"

static const struct sql_text indicator_add = {
    "loop_indicator_add",
    "INSERT INTO loop_indicator (scene_no, place, area_no, day, split, met, total)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) ON CONFLICT (scene_no, place, area_no, day, split)"
    " DO UPDATE SET met = met + excluded.met, total = total + 1",
    "primary key"};
static const struct sql_text indicator_sum = {
    "loop_indicator_sum",
    "SELECT split, sum(met), sum(total) FROM loop_indicator WHERE scene_no = ?1 AND place = ?2"
    " AND area_no BETWEEN ?3 AND ?4 AND day BETWEEN ?5 AND ?6 GROUP BY split ORDER BY split",
    "primary key"};

const struct sql_list loop_indicator_statements = SQL_LIST(&indicator_add, &indicator_sum);

/* ---- Counting */

/* The value that it is split by; never a personal or hidden one, nor free text. */
static struct slice split_of(const struct loop *loop, const struct scene_indicator *indicator,
                             char out[24])
{
    if (!indicator->split.text || indicator->split.target != TARGET_FIELD)
        return SLICE("");
    const struct scene_field *field = &loop_scene(loop)->fields[indicator->split.index];
    json_t *value = loop_value(loop, &indicator->split);
    if (!value || field->personal || field->hidden_until.text || field->list ||
        field->type == TYPE_TEXT)
        return SLICE("");
    if (json_is_string(value))
        return (struct slice){json_string_value(value), json_string_length(value)};
    if (json_is_boolean(value))
        return json_is_true(value) ? SLICE("true") : SLICE("false");
    if (!json_is_integer(value))
        return SLICE("");
    snprintf(out, 24, "%lld", (long long)json_integer_value(value));
    return slice_of(out);
}

static bool count_one(struct engine *engine, const struct loop *loop, size_t place, bool met,
                      struct error *err)
{
    char text[24];
    struct slice split = split_of(loop, &loop_scene(loop)->indicators[place], text);
    return sql_run(engine->sql, &indicator_add,
                   SQL_ARGUMENTS(sql_int(loop->definition->scene_no), sql_int((int64_t)place),
                                 sql_int(loop->area_no),
                                 sql_int(time_day_of_seconds(engine->now / SECOND)),
                                 sql_text(split), sql_int(met)),
                   err);
}

/* When the way to `to` began; TIMESTAMP_NONE: it has not. */
static timestamp began_at(const struct loop *loop, const struct scene_name *from)
{
    if (from->target == TARGET_OPENED)
        return loop->opened_at;
    const struct mark *mark = &loop->marks[from->index];
    return mark->visits ? mark->entered_at : TIMESTAMP_NONE;
}

static bool count_way(struct engine *engine, const struct loop *loop, size_t place, bool ended,
                      struct error *err)
{
    const struct scene_indicator *indicator = &loop_scene(loop)->indicators[place];
    bool at_end = indicator->to.target == TARGET_CLOSED, here = ended && at_end;
    int32_t visits = at_end ? 0 : loop->marks[indicator->to.index].visits;
    bool by_force = ended && loop_stage(loop)->final == FINAL_NOT; /* it entered nothing */
    if (!at_end)
        here = !by_force && loop->stage == indicator->to.index && visits == 1;
    timestamp began = began_at(loop, &indicator->from);
    if (began == TIMESTAMP_NONE)
        return true;
    if (here)
        return count_one(engine, loop, place,
                         indicator->within == SCENE_UNSET ||
                             engine->now - began <= indicator->within * SECOND,
                         err);
    bool missed = ended && !visits && loop->state != LOOP_CANCELLED;
    return !missed || count_one(engine, loop, place, false, err);
}

static bool count_share(struct engine *engine, const struct loop *loop, size_t place,
                        struct error *err)
{
    const struct scene_indicator *indicator = &loop_scene(loop)->indicators[place];
    /* a loop that the command centre closed ended in no stage of its scene */
    bool in_stage = loop_stage(loop)->final != FINAL_NOT;
    bool of =
        indicator->of.target == TARGET_CLOSED || (in_stage && loop->stage == indicator->of.index);
    bool met = in_stage && loop->stage == indicator->share.index;
    return !(of || met) || count_one(engine, loop, place, met, err);
}

bool indicators_count(struct engine *engine, const struct loop *loop, struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    bool ended = loop->state != LOOP_OPEN;
    for (size_t i = 0; i < scene->indicator_count; i++)
        if (scene->indicators[i].is_share ? ended && !count_share(engine, loop, i, err)
                                          : !count_way(engine, loop, i, ended, err))
            return false;
    return true;
}

/* ---- Reading */

struct split_sum {
    struct slice value;
    int64_t met, total;
};
enum { SPLITS_MAX = 1000 };
struct sum {
    struct split_sum splits[SPLITS_MAX];
    size_t count;
    int64_t met, total;
};

static void add_split(struct sum *sum, struct slice value, int64_t met, int64_t total,
                      struct arena *arena)
{
    size_t at = 0;
    while (at < sum->count && !slice_equal(sum->splits[at].value, value))
        at++;
    sum->met += met;
    sum->total += total;
    if (at == SPLITS_MAX)
        return; /* it is in the whole */
    if (at == sum->count) {
        const char *kept = arena_copy(arena, value.data, value.length);
        sum->splits[sum->count++] = (struct split_sum){.value = {kept, value.length}};
    }
    sum->splits[at].met += met;
    sum->splits[at].total += total;
}

static bool add_version(struct engine *engine, const struct definition *definition, size_t place,
                        const struct indicator_query *query, struct sum *sum, struct error *err)
{
    struct sql_query *rows;
    bool row, done = sql_begin(engine->sql, &indicator_sum,
                               SQL_ARGUMENTS(sql_int(definition->scene_no), sql_int((int64_t)place),
                                             sql_int(query->area_first), sql_int(query->area_last),
                                             sql_int(query->day_first), sql_int(query->day_last)),
                               &rows, err);
    while (done && (done = sql_next(rows, &row, err)) && row)
        add_split(sum, sql_get_text(rows, 0), sql_get_int(rows, 1), sql_get_int(rows, 2),
                  engine->arena);
    return done;
}

/* Versions of a scene count together where their indicators have one name. */
static bool add_versions(struct engine *engine, const struct scene *scene, const char *name,
                         const struct indicator_query *query, struct sum *sum, struct error *err)
{
    for (size_t i = 0; i < engine->definitions->count; i++) {
        const struct definition *definition = &engine->definitions->items[i];
        if (strcmp(definition->scene->name, scene->name) != 0)
            continue;
        for (size_t k = 0; k < definition->scene->indicator_count; k++)
            if (strcmp(definition->scene->indicators[k].name, name) == 0 &&
                !add_version(engine, definition, k, query, sum, err))
                return false;
    }
    return true;
}

static void put_share(struct json_writer *writer, int64_t met, int64_t total)
{
    json_field_int64(writer, "met", met);
    json_field_int64(writer, "total", total);
    if (total)
        json_field_double(writer, "share", round((double)met / (double)total * 1e4) / 1e4);
    else
        json_field_null(writer, "share");
}

/* What the split's value is called: an area or a thing by its code. */
static bool put_split(struct engine *engine, struct json_writer *writer,
                      const struct scene_field *field, const struct split_sum *split,
                      struct error *err)
{
    int64_t no;
    struct slice value = split->value;
    if (value.length && slice_to_int64(value, 1, INT64_MAX, &no)) {
        const struct area *area =
            field->type == TYPE_AREA ? registry_area(engine->platform->registry, no) : NULL;
        if (area)
            value = area->code;
        else if (kind_is_thing(scene_type_kind(field->type)) &&
                 !thing_code(engine->sql, no, engine->arena, &value, err))
            return false;
    }
    json_object_begin(writer);
    json_field_text(writer, "value", value);
    put_share(writer, split->met, split->total);
    json_object_end(writer);
    return true;
}

static bool put_indicator(struct engine *engine, struct json_writer *writer,
                          const struct scene *scene, const struct scene_indicator *indicator,
                          const struct sum *sum, struct error *err)
{
    bool splits = indicator->split.text && indicator->split.target == TARGET_FIELD;
    json_object_begin(writer);
    json_field_text(writer, "scene", slice_of(scene->name));
    json_field_text(writer, "name", slice_of(indicator->name));
    json_field_double(writer, "target", indicator->target);
    put_share(writer, sum->met, sum->total);
    if (sum->total)
        json_field_bool(writer, "reached",
                        (double)sum->met >= indicator->target * (double)sum->total);
    else
        json_field_null(writer, "reached");
    json_field_text(writer, "split", splits ? slice_of(indicator->split.text) : SLICE(""));
    json_key(writer, "splits");
    json_array_begin(writer);
    for (size_t i = 0; splits && i < sum->count; i++)
        if (!put_split(engine, writer, &scene->fields[indicator->split.index], &sum->splits[i],
                       err))
            return false;
    json_array_end(writer);
    json_object_end(writer);
    return true;
}

bool indicators_put(struct engine *engine, struct json_writer *writer,
                    const struct indicator_query *query, struct error *err)
{
    struct sum *sum = arena_alloc(engine->arena, sizeof *sum);
    for (size_t i = 0; i < engine->definitions->count; i++) {
        const struct definition *definition = &engine->definitions->items[i];
        const struct scene *scene = definition->scene;
        if (!definition->opens || (query->narrower && scene_hides(scene)) ||
            (query->scene.data && !slice_equal(query->scene, slice_of(scene->name))))
            continue;
        for (size_t k = 0; k < scene->indicator_count; k++) {
            const struct scene_indicator *indicator = &scene->indicators[k];
            *sum = (struct sum){.count = 0};
            if (!add_versions(engine, scene, indicator->name, query, sum, err) ||
                !put_indicator(engine, writer, scene, indicator, sum, err))
                return false;
        }
    }
    return true;
}
