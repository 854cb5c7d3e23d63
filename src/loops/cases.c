/* Loops and cases: which loops name a case, and since when a person has stood in a stage that means
 * something to whoever asks (held, say). No scene is known here by name: the caller names it. */
#include <stdlib.h>

#include "loops/loops_internal.h"
#include "tracing/cases.h"

static const struct sql_text case_link = {
    "loop_case_put", "INSERT OR IGNORE INTO loop_case (case_no, loop_no) VALUES (?1, ?2)",
    "primary key"};
static const struct sql_text case_unlink = {
    "loop_case_forget", "DELETE FROM loop_case WHERE loop_no = ?1", "loop_case_by_loop"};
static const struct sql_text case_loops = {
    "loop_case_loops",
    "SELECT loop_no FROM loop_case WHERE case_no = ?1 AND loop_no > ?2 ORDER BY loop_no LIMIT ?3",
    "primary key"};
/* From the case to its loops, then to their scenes: never the scene's loops first. */
static const struct sql_text case_loops_of_scene = {
    "loop_case_loops_of_scene",
    "SELECT k.loop_no FROM loop_case k CROSS JOIN loop l ON l.loop_no = k.loop_no"
    " CROSS JOIN scene_version v ON v.scene_no = l.scene_no WHERE k.case_no = ?1 AND k.loop_no > ?2"
    " AND v.name = ?4 ORDER BY k.loop_no LIMIT ?3",
    "primary key"};
static const struct sql_text subject_open = {
    "loop_subject_open",
    "SELECT loop_no, scene_no FROM loop WHERE subject_kind = ?1 AND subject_no = ?2 AND state = 0"
    " LIMIT ?3",
    "loop_by_subject"};
static const struct sql_text subject_closed = {
    "loop_subject_closed",
    "SELECT loop_no, scene_no FROM loop WHERE subject_kind = ?1 AND subject_no = ?2 AND state <> 0"
    " ORDER BY loop_no DESC LIMIT ?3",
    "loop_by_past_subject"};
/* Stages are counted anew where a loop was moved to another version of its scene: not known. */
static const struct sql_text stage_entered = {
    "loop_stage_entered",
    "SELECT min(CASE WHEN to_stage = ?2 AND at >= ?3 THEN at END), max(kind = ?4) FROM loop_act"
    " WHERE loop_no = ?1",
    "loop_act_by_loop"};

const struct sql_list loop_case_statements =
    SQL_LIST(&case_link, &case_unlink, &case_loops, &case_loops_of_scene, &subject_open,
             &subject_closed, &stage_entered);

/* ---- Naming: inside a job */

static bool link_case(struct engine *engine, const struct loop *loop, json_t *value,
                      struct error *err)
{
    return !json_is_integer(value) ||
           sql_run(engine->sql, &case_link,
                   SQL_ARGUMENTS(sql_int(json_integer_value(value)), sql_int(loop->no)), err);
}

bool loop_cases_name(struct engine *engine, const struct loop *loop, const struct act *act,
                     struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    const char *name;
    json_t *value, *item;
    size_t i;
    if (act->kind == ACT_OPENED && scene->subject == SCENE_CASE &&
        !sql_run(engine->sql, &case_link,
                 SQL_ARGUMENTS(sql_int(loop->subject_no), sql_int(loop->no)), err))
        return false;
    json_object_foreach (act->fields, name, value) {
        int at = scene_field_of(scene, name);
        if (at < 0 || scene_type_kind(scene->fields[at].type) != SCENE_CASE)
            continue;
        if (!link_case(engine, loop, value, err))
            return false;
        json_array_foreach (value, i, item)
            if (!link_case(engine, loop, item, err))
                return false;
    }
    return true;
}

bool loop_cases_forget(struct sql *sql, int64_t loop_no, struct error *err)
{
    return sql_run(sql, &case_unlink, SQL_ARGUMENTS(sql_int(loop_no)), err);
}

/* ---- Since when */

enum { SUBJECT_LOOPS_MAX = 200 };

struct subject_loop {
    int64_t no, scene_no;
};

static bool read_subject_loops(struct sql *sql, const struct sql_text *text, enum scene_kind kind,
                               int64_t subject_no, struct subject_loop *loops, size_t *count,
                               struct error *err)
{
    struct sql_query *query;
    bool row,
        done =
            sql_begin(sql, text,
                      SQL_ARGUMENTS(sql_int(kind), sql_int(subject_no), sql_int(SUBJECT_LOOPS_MAX)),
                      &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        loops[(*count)++] = (struct subject_loop){sql_get_int(query, 0), sql_get_int(query, 1)};
    return done;
}

/* Takes the loop's entry into the stage where that is the earliest so far. */
static bool take_entry(struct sql *sql, const struct definition *definition, int64_t loop_no,
                       int stage, timestamp since, struct loop_entry *entry, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(
            sql, &stage_entered,
            SQL_ARGUMENTS(sql_int(loop_no), sql_int(stage), sql_int(since), sql_int(ACT_MIGRATED)),
            &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    timestamp at =
        sql_is_null(query, 0) || sql_get_int(query, 1) ? TIMESTAMP_NONE : sql_get_int(query, 0);
    sql_end(query);
    if (at != TIMESTAMP_NONE && (entry->at == TIMESTAMP_NONE || at < entry->at))
        *entry = (struct loop_entry){.at = at,
                                     .loop_no = loop_no,
                                     .scene = definition->scene,
                                     .stage = &definition->scene->stages[stage]};
    return true;
}

bool loops_entered(struct loops *loops, struct sql *sql, enum scene_kind kind, int64_t subject_no,
                   const struct loop_stage_name *stages, size_t stage_count, timestamp since,
                   struct loop_entry *ret_entry, struct error *err)
{
    const struct definitions *set = atomic_load(&loops->definitions);
    struct subject_loop found[2 * SUBJECT_LOOPS_MAX];
    struct loop_entry entry = {.at = TIMESTAMP_NONE};
    size_t count = 0;
    if (!read_subject_loops(sql, &subject_open, kind, subject_no, found, &count, err) ||
        !read_subject_loops(sql, &subject_closed, kind, subject_no, found, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct definition *definition = definition_of(set, found[i].scene_no);
        for (size_t s = 0; definition && s < stage_count; s++) {
            if (!slice_equal(stages[s].scene, slice_of(definition->scene->name)))
                continue;
            for (size_t k = 0; k < definition->scene->stage_count; k++)
                if (slice_equal(stages[s].stage, slice_of(definition->scene->stages[k].name)) &&
                    !take_entry(sql, definition, found[i].no, (int)k, since, &entry, err))
                    return false;
        }
    }
    *ret_entry = entry;
    return true;
}

/* ---- GET /cases/{id}/loops */

struct case_page {
    struct case_row row;
    int64_t after, limit;
    struct slice scene;
    int64_t *numbers; /* one more than is shown */
    size_t count;
};

static bool read_numbers(struct sql *sql, struct case_page *page, struct error *err)
{
    struct sql_query *query;
    const struct sql_value arguments[] = {sql_int(page->row.no), sql_int(page->after),
                                          sql_int(page->limit + 1), sql_text(page->scene)};
    bool row, done = sql_begin(sql, page->scene.data ? &case_loops_of_scene : &case_loops,
                               arguments, page->scene.data ? 4 : 3, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        page->numbers[page->count++] = sql_get_int(query, 0);
    return done;
}

static bool put_loop(struct engine *engine, int64_t no, struct json_writer *writer,
                     struct error *err)
{
    struct loop *loop;
    struct loop_part part = {.owns = false};
    bool visible = false;
    if (!loop_read(engine, no, &loop, err) ||
        (loop && !loop_is_visible(engine, loop, &visible, err)) ||
        (visible && !loop_part_of(engine, loop, &part, err)))
        return false;
    if (!visible)
        return true;
    struct loop_row row = loop_row_of(loop);
    if (row.hidden && !part.owns)
        return true;
    json_t *fields = json_object();
    json_object_begin(writer);
    bool done = loop_show_row(engine, writer, &row, false, err) &&
                loop_told_fields(engine, loop, fields, err);
    if (done) {
        json_key(writer, "fields");
        loop_put_json(writer, fields);
    }
    json_object_end(writer);
    json_decref(fields);
    return done;
}

static bool put_page(const struct request *request, struct sql *sql, struct case_page *page,
                     struct response *response, struct error *err)
{
    struct json_writer writer;
    struct engine engine;
    if (!case_asked(request, sql, request->arena, &page->row, err) ||
        !read_numbers(sql, page, err) ||
        !engine_begin(&engine, request->platform->loops, sql, &request->actor, err))
        return false;
    bool more = (int64_t)page->count > page->limit, done = true;
    page->count -= more;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; done && i < page->count; i++)
        done = put_loop(&engine, page->numbers[i], &writer, err);
    json_array_end(&writer);
    json_field_cursor(&writer, more ? page->numbers[page->count - 1] : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    engine_end(&engine);
    return done;
}

bool loops_handle_of_case(const struct request *request, struct response *response,
                          struct error *err)
{
    struct case_page page = {.scene = request_query(request, "scene")};
    struct sql *sql;
    if (!request_limit(request, &page.limit, err) || !request_cursor(request, &page.after, err) ||
        !loops_ready(request->platform->loops, err) ||
        !store_read_begin(request->platform->store, &sql, err))
        return false;
    page.numbers = arena_alloc(request->arena, ((size_t)page.limit + 1) * sizeof *page.numbers);
    bool done = put_page(request, sql, &page, response, err);
    store_read_end(request->platform->store, sql);
    return done && access_opened(request, "case.loops", page.row.person, &page.row.person, 1,
                                 SLICE("loops"), err);
}
