/* Who else has a loop open: a page says that it is there and is told who else is, and which act is
 * the newest. Nothing is written; who may not read the loop is told, as of its page, that there is
 * none. */
#include <stdlib.h>

#include "loops/act_routes.h"
#include "loops/loops_internal.h"
#include "loops/viewers.h"
#include "loops/wording.h"
#include "policy/policy.h"

static const struct sql_text act_newest = {
    "loop_act_newest",
    "SELECT act_no, at, kind, user_no, event_no FROM loop_act WHERE loop_no = ?1"
    " ORDER BY act_no DESC LIMIT 1",
    "loop_act_by_loop"};
static const struct sql_text unit_name = {
    "loop_viewer_unit", "SELECT name FROM unit WHERE unit_no = ?1", "primary key"};

const struct sql_list loop_viewer_statements = SQL_LIST(&act_newest, &unit_name);

/* ---- The room's part */

static bool read_limits(json_t *document, struct viewer_limits *out, struct error *err)
{
    static const char *const sections[] = {"numbers", NULL};
    static const struct number_form forms[] = {{"lease_seconds", 2, 3600},
                                               {"renew_seconds", 1, 1800},
                                               {"loops", 1, 4096},
                                               {"views_a_loop", 1, 64},
                                               {"views_a_user", 1, 64}};
    struct json_place place = {.source = "desk.yaml"};
    int64_t numbers[5];
    if (!json_only_fields(document, sections, place, err) ||
        !policy_numbers_read(json_object_get(document, "numbers"), place.source, forms, 5, numbers,
                             err))
        return false;
    *out = (struct viewer_limits){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
    return out->renew_seconds * 2 <= out->lease_seconds ||
           error_set(err, ERROR_BAD_VALUE,
                     (struct error_place){.source = place.source, .field = "renew_seconds"},
                     "at most half of lease_seconds", "a page would be gone between two renewals");
}

bool loop_viewers_open(struct loops *loops, struct error *err)
{
    struct viewer_limits limits;
    json_t *document;
    if (!policy_document_read(store_directory_fd(loops->platform->store), "policies/desk.yaml",
                              &document, err))
        return false;
    bool done = read_limits(document, &limits, err);
    json_decref(document);
    if (done)
        loops->viewers = viewers_open(&limits);
    return done;
}

static void session_of(struct slice token, unsigned char out[VIEW_SESSION_BYTES])
{
    hash_blake2b(out, VIEW_SESSION_BYTES, token.data, token.length, NULL);
}

/* The token that a request came with, as sessions.c has it. */
static struct slice token_of(const struct request *request)
{
    if (!request->authorization.data)
        return request->cookie;
    return slice_trim(
        (struct slice){request->authorization.data + 7, request->authorization.length - 7});
}

void loops_viewers_end(struct loops *loops, struct slice token)
{
    unsigned char session[VIEW_SESSION_BYTES];
    session_of(token, session);
    viewers_end(loops->viewers, session);
}

uint64_t loops_viewers_turn(struct loops *loops, int64_t user_no)
{
    return viewers_turn(loops->viewers, user_no);
}

bool loops_viewers_tick(struct loops *loops, uint64_t *turn)
{
    viewers_sweep(loops->viewers, world_real_now());
    uint64_t last = viewers_last_turn(loops->viewers);
    bool changed = last != *turn;
    *turn = last;
    return changed;
}

struct viewer_counts loops_viewers_counts(struct loops *loops)
{
    return viewers_counts(loops->viewers);
}

/* ---- The newest act */

struct newest {
    int64_t no, user_no, event_no;
    timestamp at;
    enum act_kind kind;
};

static bool read_newest(struct sql *sql, int64_t loop_no, struct newest *out, struct error *err)
{
    struct sql_query *query;
    bool row;
    *out = (struct newest){.no = 0};
    if (!sql_begin(sql, &act_newest, SQL_ARGUMENTS(sql_int(loop_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    *out = (struct newest){.no = sql_get_int(query, 0),
                           .at = sql_get_int(query, 1),
                           .kind = (enum act_kind)sql_get_int(query, 2),
                           .user_no = sql_get_int(query, 3),
                           .event_no = sql_get_int(query, 4)};
    sql_end(query);
    return out->kind < ACT_KINDS ||
           error_set(err, ERROR_CORRUPT, (struct error_place){.source = "loop_act", .row = out->no},
                     "what this program wrote", "a kind that no act has");
}

bool loops_viewers_look(struct loops *loops, struct error *err)
{
    int64_t room = viewers_limits(loops->viewers)->loops;
    if (!viewers_counts(loops->viewers).views)
        return true;
    int64_t *numbers = x_alloc((size_t)room, sizeof *numbers);
    size_t count = viewers_loops(loops->viewers, numbers, (size_t)room);
    struct sql *sql;
    bool done = store_read_begin(loops->platform->store, &sql, err);
    if (done) {
        for (size_t i = 0; done && i < count; i++) {
            struct newest newest;
            done = read_newest(sql, numbers[i], &newest, err);
            if (done && newest.no)
                viewers_acted(loops->viewers, numbers[i], newest.no);
        }
        store_read_end(loops->platform->store, sql);
    }
    free(numbers);
    return done;
}

/* ---- Routes */

struct announcing {
    const struct request *request;
    struct view view;
    struct newest newest;
    char newest_by[ACCESS_NAME_BYTES];
    const struct scene_stage *stage; /* lives as long as the room */
    const char *state;
};

/* The page's own name: letters, digits, - and _. */
static bool read_page(const struct request *request, char out[VIEW_PAGE_BYTES], struct error *err)
{
    struct slice page = request->parameters[1];
    bool good = page.length >= 8 && page.length < VIEW_PAGE_BYTES;
    for (size_t i = 0; good && i < page.length; i++) {
        char c = page.data[i];
        good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_';
    }
    if (good)
        text_copy(out, VIEW_PAGE_BYTES, page);
    return good || loop_bad_value("page", "8 to 32 letters, digits, - and _",
                                  "not the name of a page", err);
}

static bool read_announcing(const struct request *request, struct announcing *out,
                            struct error *err)
{
    static const char *const names[] = {"writing", NULL};
    struct json_place place = {.source = "body"};
    const struct actor *actor = &request->actor;
    json_t *body;
    *out = (struct announcing){.request = request, .state = ""};
    if (!loop_path_number(request, &out->view.loop_no, err) ||
        !read_page(request, out->view.page, err) || !request_json(request, &body, err) ||
        !json_only_fields(body, names, place, err))
        return false;
    json_t *writing = json_object_get(body, "writing");
    if (writing && !json_is_boolean(writing))
        return loop_bad_value("writing", "true or false", "neither", err);
    out->view.writing = json_is_true(writing);
    out->view.user_no = actor->user_no;
    out->view.area_no = actor->area_first;
    text_copy(out->view.name, sizeof out->view.name, slice_of(actor->name));
    text_copy(out->view.role, sizeof out->view.role, slice_of(actor->role));
    session_of(token_of(request), out->view.session);
    return true;
}

static bool read_unit(struct sql *sql, int64_t unit_no, char out[VIEW_UNIT_BYTES],
                      struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!unit_no)
        return true;
    if (!sql_begin(sql, &unit_name, SQL_ARGUMENTS(sql_int(unit_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        text_copy(out, VIEW_UNIT_BYTES, sql_get_text(query, 0));
        sql_end(query);
    }
    return true;
}

/* The loop as the asker sees it; ERROR_NOT_FOUND where they do not. */
static bool read_loop(struct engine *engine, struct announcing *announcing, struct error *err)
{
    struct view *view = &announcing->view;
    struct newest *newest = &announcing->newest;
    struct loop *loop;
    bool visible = false;
    if (!loop_read(engine, view->loop_no, &loop, err) ||
        (loop && !loop_is_visible(engine, loop, &visible, err)))
        return false;
    if (!visible)
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "id"},
                         "a loop of a list of yours", "there is none of that number");
    announcing->stage = loop_stage(loop);
    announcing->state = loop_state_name(loop->state);
    return read_newest(engine->sql, view->loop_no, newest, err) &&
           (!newest->user_no ||
            access_user_name(engine->sql, newest->user_no, announcing->newest_by, err)) &&
           read_unit(engine->sql, engine->actor->unit_no, view->unit, err);
}

static bool look(struct announcing *announcing, struct error *err)
{
    const struct request *request = announcing->request;
    struct loops *loops = request->platform->loops;
    struct engine engine;
    struct sql *sql;
    if (!loops_ready(loops, err) || !store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = engine_begin(&engine, loops, sql, &request->actor, err);
    if (done) {
        done = read_loop(&engine, announcing, err);
        engine_end(&engine);
    }
    store_read_end(request->platform->store, sql);
    return done;
}

static void put_newest(struct json_writer *writer, const struct announcing *announcing)
{
    const struct newest *newest = &announcing->newest;
    json_key(writer, "newest");
    json_object_begin(writer);
    json_field_int64(writer, "no", newest->no);
    json_field_text(writer, "act", slice_of(act_name(newest->kind)));
    json_field_text(writer, "by",
                    slice_of(newest->user_no    ? announcing->newest_by
                             : newest->event_no ? "event"
                                                : "clock"));
    json_field_time(writer, "at", newest->at);
    json_object_end(writer);
}

static void put_others(struct json_writer *writer, struct platform *platform,
                       const struct view *others, size_t count)
{
    json_key(writer, "others");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        const struct area *area = registry_area(platform->registry, others[i].area_no);
        json_object_begin(writer);
        json_field_text(writer, "name", slice_of(others[i].name));
        json_field_text(writer, "role", slice_of(others[i].role));
        if (area)
            json_field_text(writer, "area", area->code);
        else
            json_field_null(writer, "area");
        if (others[i].unit[0])
            json_field_text(writer, "unit", slice_of(others[i].unit));
        else
            json_field_null(writer, "unit");
        json_field_time(writer, "since", others[i].since);
        json_field_bool(writer, "writing", others[i].writing);
        json_object_end(writer);
    }
    json_array_end(writer);
}

bool viewers_handle_put(const struct request *request, struct response *response, struct error *err)
{
    struct viewers *viewers = request->platform->loops->viewers;
    size_t room = (size_t)viewers_limits(viewers)->views_a_loop;
    struct view *others = arena_alloc(request->arena, room * sizeof *others);
    struct announcing announcing;
    struct json_writer writer;
    if (!read_announcing(request, &announcing, err) || !look(&announcing, err))
        return false;
    timestamp now = world_real_now();
    bool listed = viewers_put(viewers, &announcing.view, world_now(request->platform->world), now);
    viewers_acted(viewers, announcing.view.loop_no, announcing.newest.no);
    size_t count =
        viewers_of(viewers, announcing.view.loop_no, request->actor.user_no, now, others, room);
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_field_bool(&writer, "listed", listed);
    json_field_int64(&writer, "renew_seconds", viewers_limits(viewers)->renew_seconds);
    json_field_text(&writer, "stage", slice_of(announcing.stage->name));
    wording_put(&writer, "stage_title", announcing.stage->title, announcing.stage->name);
    json_field_text(&writer, "state", slice_of(announcing.state));
    put_newest(&writer, &announcing);
    put_others(&writer, request->platform, others, count);
    json_object_end(&writer);
    json_writer_release(&writer);
    return true;
}

bool viewers_handle_remove(const struct request *request, struct response *response,
                           struct error *err)
{
    char page[VIEW_PAGE_BYTES];
    int64_t no;
    if (!loop_path_number(request, &no, err) || !read_page(request, page, err))
        return false;
    viewers_remove(request->platform->loops->viewers, no, request->actor.user_no, slice_of(page));
    buffer_append_text(&response->body, "{}");
    return true;
}
