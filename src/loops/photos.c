/* Photos that loops name: sending one, naming one, looking at one.
 *
 *   sent ──named by a step──► named by loops ──the last of them forgotten──► gone within the hour
 *     └ never named: gone after a day (policies/photos.yaml)
 *
 * Who may look: who has a part in a loop that names it, or may act next there, or the command
 * centre; never where that loop keeps the field back from them (show.c). One that came with a note
 * belongs to no field: as the note, it is shown to who has a part and to the command centre.
 * Who may name: who had the bytes in hand, or may look. So a digest alone, as a page shows it,
 * opens nothing. */
#include "photos/photos.h"
#include "loops/loops_internal.h"

static const struct sql_text photo_link = {
    "loop_photo_put",
    "INSERT OR IGNORE INTO loop_photo (photo_no, loop_no, field) VALUES (?1, ?2, ?3)",
    "primary key"};
static const struct sql_text photo_loops = {
    "loop_photo_loops",
    "SELECT loop_no, field FROM loop_photo WHERE photo_no = ?1 AND (loop_no, field) < (?2, ?3)"
    " ORDER BY loop_no DESC, field DESC LIMIT ?4",
    "primary key"};
static const struct sql_text loop_photos = {
    "loop_photo_only",
    "SELECT DISTINCT p.photo_no FROM loop_photo p WHERE p.loop_no = ?1 AND p.photo_no > ?2"
    " AND NOT EXISTS (SELECT 1 FROM loop_photo o WHERE o.photo_no = p.photo_no"
    " AND o.loop_no <> ?1) ORDER BY p.photo_no LIMIT ?3",
    "loop_photo_by_loop"};
static const struct sql_text photo_unlink = {
    "loop_photo_forget", "DELETE FROM loop_photo WHERE loop_no = ?1", "loop_photo_by_loop"};

const struct sql_list loop_photo_statements =
    SQL_LIST(&photo_link, &photo_loops, &loop_photos, &photo_unlink);

/* ---- Naming: inside a job */

static bool name_one(struct engine *engine, const struct loop *loop, const char *field,
                     json_t *value, struct error *err)
{
    unsigned char digest[PHOTO_DIGEST_BYTES];
    struct slice text = {json_string_value(value), json_string_length(value)};
    int64_t no;
    if (!text.data || !photo_digest_parse(text, digest))
        return true;
    if (!photo_find(engine->sql, digest, &no, err))
        return false;
    /* one that an event named and nobody has sent: the digest stands there for itself */
    return !no || (sql_run(engine->sql, &photo_link,
                           SQL_ARGUMENTS(sql_int(no), sql_int(loop->no), sql_text(slice_of(field))),
                           err) &&
                   photo_keep(engine->sql, no, err));
}

bool loop_photos_name(struct engine *engine, const struct loop *loop, json_t *fields,
                      struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    const char *name;
    json_t *value, *item;
    size_t i;
    json_object_foreach (fields, name, value) {
        int at = scene_field_of(scene, name);
        if (at < 0 || scene->fields[at].type != TYPE_PHOTO)
            continue;
        if (!json_is_array(value) && !name_one(engine, loop, name, value, err))
            return false;
        json_array_foreach (value, i, item)
            if (!name_one(engine, loop, name, item, err))
                return false;
    }
    return true;
}

bool loop_photos_note(struct engine *engine, const struct loop *loop, json_t *photos,
                      struct error *err)
{
    json_t *item;
    size_t i;
    json_array_foreach (photos, i, item)
        if (!name_one(engine, loop, "", item, err))
            return false;
    return true;
}

bool loop_photos_forget(struct sql *sql, int64_t loop_no, struct error *err)
{
    enum { AT_ONCE = 64 };
    int64_t numbers[AT_ONCE], after = 0;
    size_t count;
    do {
        struct sql_query *query;
        bool row,
            done = sql_begin(sql, &loop_photos,
                             SQL_ARGUMENTS(sql_int(loop_no), sql_int(after), sql_int(AT_ONCE)),
                             &query, err);
        count = 0;
        while (done && (done = sql_next(query, &row, err)) && row)
            numbers[count++] = sql_get_int(query, 0);
        for (size_t i = 0; done && i < count; i++)
            done = photo_let_go(sql, after = numbers[i], err);
        if (!done)
            return false;
    } while (count == AT_ONCE);
    return sql_run(sql, &photo_unlink, SQL_ARGUMENTS(sql_int(loop_no)), err);
}

/* ---- Who may look */

/* Whether this loop shows the actor what it names in this field. */
static bool shows(struct engine *engine, const struct loop *loop, const char *field,
                  bool *ret_shows, struct error *err)
{
    const struct scene *scene = loop_scene(loop);
    struct loop_part part;
    int at = scene_field_of(scene, field);
    *ret_shows = false;
    if (at < 0 && field[0]) /* a version without it: nobody can tell from whom it is kept */
        return true;
    if (!loop_part_of(engine, loop, &part, err))
        return false;
    if (at < 0) {
        *ret_shows = part.opens;
        return true;
    }
    if (!part.opens && !hand_is_next(engine, loop, ret_shows, err))
        return false;
    *ret_shows = (part.opens || *ret_shows) && !loop_keeps_back(loop, &scene->fields[at], &part);
    return true;
}

enum { NAMES_AT_ONCE = 32 };
struct naming {
    int64_t loop_no;
    char field[64];
};

/* Those before `last`, newest first. */
static bool read_names(struct engine *engine, int64_t photo_no, const struct naming *last,
                       struct naming *names, size_t *ret_count, struct error *err)
{
    struct sql_query *query;
    bool row,
        done = sql_begin(engine->sql, &photo_loops,
                         SQL_ARGUMENTS(sql_int(photo_no), sql_int(last->loop_no),
                                       sql_text(slice_of(last->field)), sql_int(NAMES_AT_ONCE)),
                         &query, err);
    *ret_count = 0;
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct naming *name = &names[(*ret_count)++];
        name->loop_no = sql_get_int(query, 0);
        text_copy(name->field, sizeof name->field, sql_get_text(query, 1));
    }
    return done;
}

/* The newest loop that shows it to the actor; *ret_loop NULL where none does. */
static bool find_loop(struct engine *engine, int64_t photo_no, struct loop **ret_loop,
                      struct error *err)
{
    struct naming names[NAMES_AT_ONCE], last = {.loop_no = INT64_MAX};
    size_t count = 0;
    *ret_loop = NULL;
    do {
        if (!read_names(engine, photo_no, &last, names, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            struct loop *loop;
            bool shown = false;
            if (!loop_read(engine, names[i].loop_no, &loop, err) ||
                (loop && !shows(engine, loop, names[i].field, &shown, err)))
                return false;
            if (shown) {
                *ret_loop = loop;
                return true;
            }
            last = names[i];
        }
    } while (count == NAMES_AT_ONCE);
    return true;
}

bool loop_photo_may_be_named(struct engine *engine, struct slice text, bool *ret_may,
                             struct error *err)
{
    unsigned char digest[PHOTO_DIGEST_BYTES];
    struct loop *loop = NULL;
    int64_t no = 0;
    *ret_may = false;
    if (!photo_digest_parse(text, digest))
        return true;
    if (!photo_find(engine->sql, digest, &no, err))
        return false;
    if (!no || !engine->actor || engine->actor->kind != ACTOR_USER) { /* a command: nobody looks */
        *ret_may = no != 0;
        return true;
    }
    if (!photo_was_sent_by(engine->sql, no, engine->actor->user_no, ret_may, err) ||
        (!*ret_may && !find_loop(engine, no, &loop, err)))
        return false;
    *ret_may |= loop != NULL;
    return true;
}

/* ---- Routes */

bool photos_handle_send(const struct request *request, struct response *response, struct error *err)
{
    unsigned char digest[PHOTO_DIGEST_BYTES];
    char hex[PHOTO_DIGEST_TEXT];
    bool new;
    if (!photos_take(request->platform->photos, request->body, request->actor.user_no, digest, &new,
                     err))
        return false;
    text_to_hex(digest, sizeof digest, hex);
    buffer_print(&response->body, "{\"digest\":\"%s\",\"bytes\":%zu}", hex, request->body.length);
    response->status = new ? 201 : 200;
    return true;
}

/* What is taken, before anybody sends it. */
bool photos_handle_limits(const struct request *request, struct response *response,
                          struct error *err)
{
    struct photo_limits limits = photos_limits(request->platform->photos);
    struct json_writer writer;
    (void)err;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_int64(&writer, "bytes_max", limits.bytes_max);
    json_field_int64(&writer, "unnamed_hours", limits.unnamed_hours);
    json_key(&writer, "types");
    json_array_begin(&writer);
    for (int form = 0; form < PHOTO_FORMS; form++)
        json_put_text(&writer, slice_of(photo_media_type((enum photo_form)form)));
    json_array_end(&writer);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

static bool none(struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "digest"},
                     "a photo of a loop of yours", "there is none of that digest");
}

/* The loop by which the actor may look, and the person it is about (0: none). */
struct looking {
    int64_t loop_no, person_no;
    bool personal;
};

static bool look_up(const struct request *request, const unsigned char *digest,
                    struct looking *looking, struct error *err)
{
    struct loops *loops = request->platform->loops;
    struct engine engine;
    struct loop *loop = NULL;
    struct sql *sql;
    int64_t no;
    if (!loops_ready(loops, err) || !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = engine_begin(&engine, loops, sql, &request->actor, err);
    if (done) {
        done = photo_find(sql, digest, &no, err) && (!no || find_loop(&engine, no, &loop, err));
        if (done && loop)
            *looking = (struct looking){
                loop->no, loop_scene(loop)->subject == SCENE_PERSON ? loop->subject_no : 0,
                loop_scene(loop)->retention != SCENE_UNSET};
        engine_end(&engine);
    }
    store_read_end(request->platform->store, sql);
    return done && (loop || none(err));
}

/* As a page of the loop is (routes.c). */
static bool audit(const struct request *request, const struct looking *looking, struct error *err)
{
    struct request named = *request;
    char purpose[40];
    snprintf(purpose, sizeof purpose, "loop:%lld", (long long)looking->loop_no);
    named.purpose = slice_of(purpose);
    return status_audit_read(&named, "photo.read", (uint32_t)looking->person_no, 1, "photo", err);
}

bool photos_handle_look(const struct request *request, struct response *response, struct error *err)
{
    unsigned char digest[PHOTO_DIGEST_BYTES];
    struct looking looking = {.loop_no = 0};
    enum photo_form form;
    if (!photo_digest_parse(request->parameters[0], digest))
        return none(err);
    if (!look_up(request, digest, &looking, err) ||
        (looking.personal && !audit(request, &looking, err)))
        return false;
    buffer_init(&response->body, PHOTO_BYTES_MAX);
    if (!photos_read(request->platform->photos, digest, &response->body, &form, err)) {
        buffer_release(&response->body);
        return false;
    }
    response->content_type = photo_media_type(form);
    return true;
}
