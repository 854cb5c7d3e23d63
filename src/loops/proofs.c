/* Scenes as they are kept: whether each is proved, its versions with the loops that live under
 * them, and its page of words.
 *
 * What is loaded was proved then; here it is proved once more among the scenes that stand around it
 * now, with the files of the data directory that wait to be loaded. That takes a part of a second,
 * so that the answer is kept for a moment and made by one at a time. */
#include <pthread.h>
#include <stdlib.h>

#include "loops/catalogue.h"
#include "loops/loops_internal.h"

static const struct sql_text proof_versions = {
    "scene_proof_versions", "SELECT scene_no, loaded_at FROM scene_version ORDER BY scene_no",
    "small table"};
static const struct sql_text proof_counts = {
    "scene_proof_counts",
    "SELECT scene_no, sum(open), sum(overdue) FROM loop_count WHERE area_no BETWEEN ?1 AND ?2"
    " GROUP BY scene_no",
    "primary key"};

const struct sql_list loop_proof_statements = SQL_LIST(&proof_versions, &proof_counts);

enum { PROOF_BYTES_MAX = 8 << 20 };
static const timestamp kept_for = 10 * SECOND; /* of real time */

/* ---- Proofs */

struct proofs {
    pthread_mutex_t lock; /* owns the rest */
    timestamp made_at;    /* real time; 0: never */
    const struct definitions *of;
    struct buffer text;
};

struct proofs *proofs_open(void)
{
    struct proofs *proofs = x_alloc(1, sizeof *proofs);
    pthread_mutex_init(&proofs->lock, NULL);
    buffer_init(&proofs->text, PROOF_BYTES_MAX);
    return proofs;
}

void proofs_close(struct proofs *proofs)
{
    if (!proofs)
        return;
    buffer_release(&proofs->text);
    pthread_mutex_destroy(&proofs->lock);
    free(proofs);
}

static void put_finding(struct json_writer *writer, const struct scene_finding *finding)
{
    json_object_begin(writer);
    json_field_int64(writer, "line", finding->line);
    json_field_text(writer, "rule", slice_of(scene_rule_name(finding->rule)));
    json_field_text(writer, "message", slice_of(finding->message));
    json_key(writer, "path");
    json_array_begin(writer);
    for (size_t i = 0; i < finding->path_count; i++)
        json_put_text(writer, slice_of(finding->path[i]));
    json_array_end(writer);
    json_object_end(writer);
}

/* The version that opens under this name, 0 where none does. */
static int64_t opening_version(const struct definitions *set, const char *name)
{
    const struct definition *definition = definition_named(set, slice_of(name));
    return definition ? definition->scene->version : 0;
}

static void put_proof(struct json_writer *writer, const struct definitions *set,
                      const struct scene_source *source, const struct scene_findings *findings)
{
    json_object_begin(writer);
    json_field_text(writer, "name", slice_of(source->scene->name));
    json_field_int64(writer, "version", source->scene->version);
    json_field_text(writer, "file", slice_of(source->file));
    json_field_bool(writer, "own", source->own);
    json_field_bool(writer, "loaded",
                    opening_version(set, source->scene->name) == source->scene->version);
    json_key(writer, "findings");
    json_array_begin(writer);
    for (size_t i = 0; i < findings->count; i++)
        put_finding(writer, &findings->items[i]);
    json_array_end(writer);
    json_object_end(writer);
}

static bool prove_all(struct loops *loops, const struct definitions *set, struct buffer *out,
                      struct error *err)
{
    struct platform *platform = loops->platform;
    struct scene_folder *folder;
    struct json_writer writer;
    struct arena arena;
    size_t count;
    arena_init(&arena, (size_t)1 << 30);
    bool done = scene_folder_open(store_directory_fd(platform->store), platform->policy, &arena,
                                  &folder, err);
    if (done) {
        const struct scene_source *sources = scene_folder_all(folder, &count);
        json_writer_init(&writer, out);
        json_object_begin(&writer);
        json_field_time(&writer, "true_for", world_now(platform->world));
        json_key(&writer, "items");
        json_array_begin(&writer);
        for (size_t i = 0; i < count; i++) {
            struct scene_findings findings;
            struct scene *scene;
            scene_findings_init(&findings, &arena);
            scene_read(sources[i].text, platform->policy, &arena, &scene, &findings);
            scene_verify(sources[i].scene, folder, &findings);
            put_proof(&writer, set, &sources[i], &findings);
        }
        json_array_end(&writer);
        json_object_end(&writer);
        json_writer_release(&writer);
    }
    arena_release(&arena);
    return done;
}

bool scenes_handle_proofs(const struct request *request, struct response *response,
                          struct error *err)
{
    struct loops *loops = request->platform->loops;
    if (!loops_ready(loops, err))
        return false;
    struct proofs *proofs = loops->proofs;
    const struct definitions *set = atomic_load(&loops->definitions);
    buffer_init(&response->body, PROOF_BYTES_MAX);
    pthread_mutex_lock(&proofs->lock);
    timestamp now = world_real_now();
    bool done = true;
    if (!proofs->made_at || proofs->of != set || now - proofs->made_at > kept_for) {
        buffer_clear(&proofs->text);
        done = prove_all(loops, set, &proofs->text, err);
        proofs->made_at = done ? now : 0;
        proofs->of = set;
    }
    if (done)
        buffer_append(&response->body, proofs->text.data, proofs->text.length);
    pthread_mutex_unlock(&proofs->lock);
    return done;
}

/* ---- Versions */

struct version_row {
    const struct definition *definition;
    timestamp loaded_at;
    int64_t open, overdue;
};
struct versions {
    struct version_row *rows; /* of one scene, by number */
    size_t count;
};

static struct version_row *row_of(const struct versions *versions, int64_t scene_no)
{
    for (size_t i = 0; i < versions->count; i++)
        if (versions->rows[i].definition->scene_no == scene_no)
            return &versions->rows[i];
    return NULL;
}

static bool read_versions(const struct request *request, struct sql *sql, struct versions *versions,
                          struct error *err)
{
    struct sql_query *query;
    struct version_row *found;
    bool row, done = sql_begin(sql, &proof_versions, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        if ((found = row_of(versions, sql_get_int(query, 0))))
            found->loaded_at = sql_get_int(query, 1);
    done = done && sql_begin(sql, &proof_counts,
                             SQL_ARGUMENTS(sql_int(request->actor.area_first),
                                           sql_int(request->actor.area_last)),
                             &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        if ((found = row_of(versions, sql_get_int(query, 0)))) {
            found->open = sql_get_int(query, 1);
            found->overdue = sql_get_int(query, 2);
        }
    return done;
}

/* Who looks after no area counts nothing there: null, which is not 0. */
static void put_version(struct json_writer *writer, const struct version_row *row, bool counts)
{
    json_object_begin(writer);
    json_field_int64(writer, "version", row->definition->scene->version);
    json_field_bool(writer, "opens", row->definition->opens);
    json_field_time(writer, "loaded_at", row->loaded_at);
    if (counts) {
        json_field_int64(writer, "open", row->open);
        json_field_int64(writer, "overdue", row->overdue);
    } else {
        json_field_null(writer, "open");
        json_field_null(writer, "overdue");
    }
    json_object_end(writer);
}

bool scenes_handle_versions(const struct request *request, struct response *response,
                            struct error *err)
{
    const struct definition *definition;
    struct versions versions = {.count = 0};
    struct json_writer writer;
    struct sql *sql;
    if (!scene_asked(request, &definition, err))
        return false;
    const struct definitions *set = atomic_load(&request->platform->loops->definitions);
    versions.rows = arena_alloc(request->arena, set->count * sizeof *versions.rows);
    for (size_t i = set->count; i-- > 0;)
        if (strcmp(set->items[i].scene->name, definition->scene->name) == 0)
            versions.rows[versions.count++].definition = &set->items[i];
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = read_versions(request, sql, &versions, err);
    store_read_end(request->platform->store, sql);
    if (!done)
        return false;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_time(&writer, "true_for", world_now(request->platform->world));
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; i < versions.count; i++)
        put_version(&writer, &versions.rows[i],
                    request->actor.permissions & PERMISSION_BIT(PERMIT_LOOP_AREA));
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

/* ---- The page of words */

bool scenes_handle_document(const struct request *request, struct response *response,
                            struct error *err)
{
    struct slice language = request_query(request, "language");
    const struct definition *definition;
    bool english = slice_equal(language, SLICE("en"));
    if (language.data && !english && !slice_equal(language, SLICE("zh")))
        return loop_bad_value("language", "zh or en", "neither", err);
    if (!scene_asked(request, &definition, err))
        return false;
    buffer_init(&response->body, PROOF_BYTES_MAX);
    response->content_type = "text/markdown; charset=utf-8";
    scene_document_page(definition->scene, request->platform->policy, !english, &response->body);
    return true;
}
