/* Definitions: the versions of scenes that loops live under, in SQL as text, in memory as models.
 *
 * Loading looks at the data directory's own scenes before the built-in ones, proves each among
 * those around it, and puts in what is new. A version that has been loaded never changes: another
 * text under the same number is refused. Loops keep the version that they began with, unless the
 * new one says where each of its predecessor's stages goes (`migrates`). */
#include <stdlib.h>

#include "loops/loops_internal.h"

static const struct sql_text version_select = {
    "scene_version_select",
    "SELECT scene_no, name, version, text, opens FROM scene_version ORDER BY scene_no",
    "small table"};
static const struct sql_text version_find = {
    "scene_version_find", "SELECT scene_no FROM scene_version WHERE name = ?1 AND version = ?2",
    "scene_version_by_name"};
static const struct sql_text version_insert = {
    "scene_version_insert",
    "INSERT INTO scene_version (name, version, text, loaded_at, opens) VALUES (?1, ?2, ?3, ?4, 1)",
    "primary key"};
static const struct sql_text version_retire = {"scene_version_retire",
                                               "UPDATE scene_version SET opens = 0 WHERE name = ?1",
                                               "scene_version_by_name"};
static const struct sql_text version_text = {
    "scene_version_text", "SELECT text FROM scene_version WHERE scene_no = ?1", "primary key"};
static const struct sql_text version_highest = {
    "scene_version_highest", "SELECT max(version) FROM scene_version WHERE name = ?1",
    "scene_version_by_name"};
static const struct sql_text version_loops = {
    "scene_version_loops",
    "SELECT loop_no FROM loop WHERE scene_no = ?1 AND loop_no > ?2 AND state = 0"
    " ORDER BY loop_no LIMIT ?3",
    "loop_by_scene"};
static const struct sql_text version_end = {
    "scene_version_end", "UPDATE scene_version SET opens = 0 WHERE scene_no = ?1", "primary key"};

const struct sql_list loop_definition_statements =
    SQL_LIST(&version_select, &version_find, &version_insert, &version_retire, &version_text,
             &version_highest, &version_loops, &version_end);

/* ---- In memory */

static void mark_about(struct definition *definition, struct arena *arena)
{
    const struct scene *scene = definition->scene;
    definition->is_about = arena_alloc(arena, scene->field_count + 1);
    for (size_t s = 0; s < scene->stage_count; s++)
        for (size_t t = 0; t < scene->stages[s].next_count; t++) {
            const struct scene_name *about = &scene->stages[s].next[t].about;
            if (about->text && about->target == TARGET_FIELD)
                definition->is_about[about->index] = true;
        }
}

/* The text was proved when it was loaded; that it cannot be read now is damage. */
static bool take_version(struct definitions *set, struct sql_query *query,
                         const struct policy *policy, struct error *err)
{
    struct scene_findings findings;
    struct scene *scene = NULL;
    struct slice text = sql_get_text(query, 3);
    struct definition *definition = &set->items[set->count];
    scene_findings_init(&findings, &set->arena);
    scene_read(text, policy, &set->arena, &scene, &findings);
    if (!scene || findings.count)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "scene_version"},
                         "the text that was proved when it was loaded", "scene %.*s: %s",
                         SLICE_ARG(sql_get_text(query, 1)),
                         findings.count ? findings.items[0].message : "no scene");
    definition->scene_no = sql_get_int(query, 0);
    definition->scene = scene;
    definition->opens = sql_get_int(query, 4) != 0;
    mark_about(definition, &set->arena);
    set->count++;
    return true;
}

enum { VERSIONS_MAX = 8192 };

bool definitions_read(struct loops *loops, struct sql *sql, struct definitions **ret_definitions,
                      struct error *err)
{
    struct definitions *set = x_alloc(1, sizeof *set);
    struct sql_query *query;
    arena_init(&set->arena, (size_t)1 << 30);
    set->items = arena_alloc(&set->arena, VERSIONS_MAX * sizeof *set->items);
    bool row = false, done = sql_begin(sql, &version_select, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (set->count == VERSIONS_MAX)
            done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "scene_version"},
                             "at most 8192 versions", "too many versions of scenes");
        done = done && take_version(set, query, loops->platform->policy, err);
        if (!done)
            sql_end(query);
    }
    if (!done) {
        definitions_free(set);
        return false;
    }
    *ret_definitions = set;
    return true;
}

void definitions_free(struct definitions *definitions)
{
    while (definitions) {
        struct definitions *before = definitions->before;
        arena_release(&definitions->arena);
        free(definitions);
        definitions = before;
    }
}

const struct definition *definition_of(const struct definitions *definitions, int64_t scene_no)
{
    size_t low = 0, high = definitions->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (definitions->items[middle].scene_no < scene_no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < definitions->count && definitions->items[low].scene_no == scene_no
               ? &definitions->items[low]
               : NULL;
}

const struct definition *definition_named(const struct definitions *definitions, struct slice name)
{
    for (size_t i = 0; i < definitions->count; i++)
        if (definitions->items[i].opens &&
            slice_equal(slice_of(definitions->items[i].scene->name), name))
            return &definitions->items[i];
    return NULL;
}

/* ---- Loading */

struct loading {
    struct loops *loops;
    struct arena *arena;
    struct scene_folder *folder;
    const struct scene_source *sources;
    size_t count;
    int64_t loaded;
};

static bool refuse_finding(const struct scene_source *source, const struct scene_finding *finding,
                           struct error *err)
{
    return error_set(err, ERROR_REFUSED,
                     (struct error_place){.source = source->file, .row = finding->line},
                     "a scene that `scene check` proves", "%s: %s", scene_rule_name(finding->rule),
                     finding->message);
}

static bool prove(struct loading *loading, const struct scene_source *source, struct error *err)
{
    struct scene_findings findings;
    struct scene *scene;
    scene_findings_init(&findings, loading->arena);
    scene_read(source->text, loading->loops->platform->policy, loading->arena, &scene, &findings);
    scene_verify(source->scene, loading->folder, &findings);
    return !findings.count || refuse_finding(source, &findings.items[0], err);
}

/* What is loaded under this name and number: *ret_same true where it is this very text. */
static bool find_version(struct sql *sql, const struct scene_source *source, bool *ret_same,
                         struct error *err)
{
    struct slice name = slice_of(source->scene->name);
    struct sql_query *query;
    int64_t scene_no, highest;
    bool row;
    *ret_same = false;
    if (!sql_one_int(sql, &version_find,
                     SQL_ARGUMENTS(sql_text(name), sql_int(source->scene->version)), 0, &scene_no,
                     err) ||
        !sql_one_int(sql, &version_highest, SQL_ARGUMENTS(sql_text(name)), 0, &highest, err))
        return false;
    struct error_place place = {.source = source->file, .field = "version"};
    if (!scene_no)
        return source->scene->version > highest ||
               error_set(err, ERROR_CONFLICT, place, "a version above the newest",
                         "version %lld of %s is loaded, %lld is older", (long long)highest,
                         source->scene->name, (long long)source->scene->version);
    if (!sql_begin(sql, &version_text, SQL_ARGUMENTS(sql_int(scene_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    *ret_same = row && slice_equal(sql_get_text(query, 0), source->text);
    if (row)
        sql_end(query);
    return *ret_same ||
           error_set(err, ERROR_CONFLICT, place, "the next version number",
                     "version %lld of %s is loaded with another text, and loops live under it",
                     (long long)source->scene->version, source->scene->name);
}

static bool put_version(struct sql *sql, const struct scene_source *source, struct error *err)
{
    struct slice name = slice_of(source->scene->name);
    return sql_run(sql, &version_retire, SQL_ARGUMENTS(sql_text(name)), err) &&
           sql_run(sql, &version_insert,
                   SQL_ARGUMENTS(sql_text(name), sql_int(source->scene->version),
                                 sql_text(source->text), sql_int(sql_now(sql))),
                   err);
}

static bool is_among(const struct loading *loading, const char *name)
{
    for (size_t i = 0; i < loading->count; i++)
        if (strcmp(loading->sources[i].scene->name, name) == 0)
            return true;
    return false;
}

/* A scene whose file is gone opens nothing more; while loops live under it, that is refused. */
static bool close_removed(struct loading *loading, struct sql *sql, struct error *err)
{
    const struct definitions *set = atomic_load(&loading->loops->definitions);
    for (size_t i = 0; set && i < set->count; i++) {
        const struct definition *definition = &set->items[i];
        int64_t living;
        if (!definition->opens || is_among(loading, definition->scene->name))
            continue;
        if (!sql_one_int(sql, &version_loops,
                         SQL_ARGUMENTS(sql_int(definition->scene_no), sql_int(0), sql_int(1)), 0,
                         &living, err))
            return false;
        if (living)
            return error_set(err, ERROR_REFUSED,
                             (struct error_place){.source = definition->scene->name},
                             "its file in scenes/ until they are closed",
                             "loop %lld and perhaps more live under this scene", (long long)living);
        if (!sql_run(sql, &version_end, SQL_ARGUMENTS(sql_int(definition->scene_no)), err))
            return false;
        loading->loaded++;
    }
    return true;
}

static bool load_job(struct sql *sql, void *context, struct error *err)
{
    struct loading *loading = context;
    loading->loaded = 0;
    if (!close_removed(loading, sql, err))
        return false;
    for (size_t i = 0; i < loading->count; i++) {
        bool same;
        if (!find_version(sql, &loading->sources[i], &same, err))
            return false;
        if (same)
            continue;
        if (!prove(loading, &loading->sources[i], err) ||
            !put_version(sql, &loading->sources[i], err))
            return false;
        loading->loaded++;
    }
    return true;
}

/* ---- Moving open loops to a version that says how */

enum { MOVES_A_JOB = 500 };

struct moving {
    struct loops *loops;
    const struct definition *from, *to;
    int64_t after, moved;
};

static int stage_after(const struct moving *moving, int stage)
{
    const struct scene_migration *map = &moving->to->scene->migrates;
    const char *name = moving->from->scene->stages[stage].name;
    for (size_t i = 0; i < map->move_count; i++)
        if (strcmp(map->moves[i].old_stage, name) == 0)
            return map->moves[i].to.index;
    return scene_stage_of(moving->to->scene, name);
}

static bool move_one(struct engine *engine, const struct moving *moving, int64_t no,
                     struct error *err)
{
    struct loop *loop;
    if (!loop_read(engine, no, &loop, err) || !loop)
        return loop == NULL;
    int stage = stage_after(moving, loop->stage);
    if (stage < 0)
        return true; /* the verifier asks for a total map: what is left stays where it is */
    struct mark *marks = arena_alloc(engine->arena, moving->to->scene->stage_count * sizeof *marks);
    for (size_t s = 0; s < moving->from->scene->stage_count; s++) {
        int at = scene_stage_of(moving->to->scene, moving->from->scene->stages[s].name);
        if (at >= 0)
            marks[at] = loop->marks[s];
    }
    struct act how = {.kind = ACT_MIGRATED, .stage = loop->stage, .other_no = moving->to->scene_no};
    loop->definition = moving->to;
    loop->marks = marks;
    return stage_enter(engine, loop, stage, &how, err);
}

static bool move_job(struct sql *sql, void *context, struct error *err)
{
    struct moving *moving = context;
    struct engine engine;
    struct sql_query *query;
    int64_t numbers[MOVES_A_JOB];
    size_t count = 0;
    bool row, done = sql_begin(sql, &version_loops,
                               SQL_ARGUMENTS(sql_int(moving->from->scene_no),
                                             sql_int(moving->after), sql_int(MOVES_A_JOB)),
                               &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        numbers[count++] = sql_get_int(query, 0);
    if (!done || !engine_begin(&engine, moving->loops, sql, NULL, err))
        return false;
    for (size_t i = 0; done && i < count; i++)
        done = move_one(&engine, moving, numbers[i], err);
    engine_end(&engine);
    moving->moved = (int64_t)count;
    if (count)
        moving->after = numbers[count - 1];
    return done;
}

/* Done again after a crash: who has moved is no more under the old version. */
static bool move_loops(struct loops *loops, struct error *err)
{
    const struct definitions *set = atomic_load(&loops->definitions);
    for (size_t i = 0; i < set->count; i++) {
        struct moving moving = {.loops = loops, .to = &set->items[i]};
        const struct scene *scene = moving.to->scene;
        if (!moving.to->opens || !scene->migrates.line)
            continue;
        for (size_t j = 0; j < set->count; j++)
            if (strcmp(set->items[j].scene->name, scene->name) == 0 &&
                set->items[j].scene->version == scene->migrates.from)
                moving.from = &set->items[j];
        if (!moving.from)
            continue;
        do
            if (!store_write(loops->platform->store, move_job, &moving, err))
                return false;
        while (moving.moved == MOVES_A_JOB);
    }
    return true;
}

static bool read_again(struct loops *loops, struct error *err)
{
    struct definitions *set;
    struct sql *sql;
    if (!store_read_begin(loops->platform->store, &sql, err))
        return false;
    bool done = definitions_read(loops, sql, &set, err);
    store_read_end(loops->platform->store, sql);
    if (done) {
        set->before = atomic_load(&loops->definitions);
        atomic_store(&loops->definitions, set);
    }
    return done;
}

/* Under `loading`. */
static bool load(struct loops *loops, int64_t *ret_loaded, struct error *err)
{
    struct platform *platform = loops->platform;
    struct arena arena;
    struct loading loading = {.loops = loops, .arena = &arena};
    arena_init(&arena, (size_t)1 << 30);
    bool done = scene_folder_open(store_directory_fd(platform->store), platform->policy, &arena,
                                  &loading.folder, err);
    if (done)
        loading.sources = scene_folder_all(loading.folder, &loading.count);
    done = done && store_write(platform->store, load_job, &loading, err);
    arena_release(&arena);
    *ret_loaded = done ? loading.loaded : 0;
    return done && (!loading.loaded || read_again(loops, err)) && move_loops(loops, err);
}

bool loops_load_scenes(struct loops *loops, int64_t *ret_loaded, struct error *err)
{
    pthread_mutex_lock(&loops->loading);
    bool done = (atomic_load(&loops->definitions) || read_again(loops, err)) &&
                load(loops, ret_loaded, err);
    pthread_mutex_unlock(&loops->loading);
    return done;
}

bool loops_ready(struct loops *loops, struct error *err)
{
    int64_t loaded;
    if (atomic_load(&loops->definitions))
        return true;
    pthread_mutex_lock(&loops->loading);
    bool done = atomic_load(&loops->definitions) ||
                (read_again(loops, err) &&
                 (atomic_load(&loops->definitions)->count || load(loops, &loaded, err)));
    pthread_mutex_unlock(&loops->loading);
    return done;
}

bool loops_hide_places(struct loops *loops, struct slice scene)
{
    const struct definitions *set = atomic_load(&loops->definitions);
    for (size_t i = 0; set && i < set->count; i++)
        if (slice_equal(slice_of(set->items[i].scene->name), scene) &&
            scene_hides(set->items[i].scene))
            return true;
    return !set;
}

size_t loops_scenes(struct loops *loops, const struct scene **ret_scenes, size_t room)
{
    const struct definitions *set = atomic_load(&loops->definitions);
    size_t count = 0;
    for (size_t i = 0; i < set->count && count < room; i++)
        if (set->items[i].opens)
            ret_scenes[count++] = set->items[i].scene;
    return count;
}
