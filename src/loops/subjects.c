/* Open loops about one person or one unit, as far as the reader sees them: by an area that the role
 * looks after, by a part in the loop, or as one who may act next. A loop that still hides from the
 * reader whom it is about is not found this way either. And those about a person which the reader
 * may name as a purpose: by a part in them alone, as the gate asks. */
#include "dossier/dossier.h"
#include "loops/loops_internal.h"

_Static_assert(DOSSIER_LOOP_OF_PERSON == (int)SCENE_PERSON, "the review of reads looks for these");

static const struct sql_text loops_about = {
    "loops_about",
    "SELECT loop_no FROM loop WHERE subject_kind = ?1 AND subject_no = ?2 AND state = 0"
    " AND loop_no > ?3 ORDER BY loop_no LIMIT ?4",
    "loop_by_subject"};

const struct sql_list loop_subject_statements = SQL_LIST(&loops_about);

struct subject_page {
    enum scene_kind kind;
    int64_t subject_no, after, limit;
    int64_t *numbers; /* one more than is shown */
    size_t count;
    bool held; /* only those in which the reader has a part */
};

static bool put_seen(struct engine *engine, int64_t no, bool held, struct json_writer *writer,
                     struct error *err)
{
    struct loop *loop;
    struct loop_part part = {.owns = false};
    bool visible = false;
    if (!loop_read(engine, no, &loop, err) ||
        (loop && !(held ? hand_is_party : loop_is_visible)(engine, loop, &visible, err)) ||
        (visible && !loop_part_of(engine, loop, &part, err)))
        return false;
    if (!visible)
        return true;
    struct loop_row row = loop_row_of(loop);
    if (row.hidden && !part.owns)
        return true;
    json_object_begin(writer);
    bool done = loop_show_row(engine, writer, &row, false, err);
    json_object_end(writer);
    return done;
}

static bool read_numbers(struct sql *sql, struct subject_page *page, struct error *err)
{
    struct sql_query *query;
    bool row = false;
    bool done = sql_begin(sql, &loops_about,
                          SQL_ARGUMENTS(sql_int(page->kind), sql_int(page->subject_no),
                                        sql_int(page->after), sql_int(page->limit + 1)),
                          &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        page->numbers[page->count++] = sql_get_int(query, 0);
    return done;
}

/* The engine is begun and ended here: what is recorded afterwards waits for a job. */
static bool put_page(const struct request *request, struct sql *sql, struct subject_page *page,
                     struct response *response, struct error *err)
{
    struct json_writer writer;
    struct engine engine;
    if (!read_numbers(sql, page, err) ||
        !engine_begin(&engine, request->platform->loops, sql, &request->actor, err))
        return false;
    bool more = (int64_t)page->count > page->limit, done = true;
    page->count -= more;
    json_writer_init(&writer, &response->body);
    json_object_begin(&writer);
    json_key(&writer, "items");
    json_array_begin(&writer);
    for (size_t i = 0; done && i < page->count; i++)
        done = put_seen(&engine, page->numbers[i], page->held, &writer, err);
    json_array_end(&writer);
    json_field_cursor(&writer, more ? page->numbers[page->count - 1] : 0);
    json_object_end(&writer);
    json_writer_release(&writer);
    engine_end(&engine);
    return done;
}

static bool read_subject(const struct request *request, struct slice number,
                         struct subject_page *page, struct error *err)
{
    if (!slice_to_int64(number, 1, UINT32_MAX, &page->subject_no))
        return error_set(err, ERROR_NOT_FOUND, (struct error_place){.field = "no"},
                         "a number of your area", "there is none of that number");
    if (!request_limit(request, &page->limit, err) || !request_cursor(request, &page->after, err) ||
        !loops_ready(request->platform->loops, err))
        return false;
    page->numbers = arena_alloc(request->arena, ((size_t)page->limit + 1) * sizeof *page->numbers);
    return true;
}

static bool answer_page(const struct request *request, struct subject_page *page,
                        struct response *response, struct error *err)
{
    struct sql *sql;
    if (!store_read_begin(request->platform->store, &sql, err))
        return false;
    bool done = put_page(request, sql, page, response, err);
    store_read_end(request->platform->store, sql);
    return done;
}

bool loops_handle_of_unit(const struct request *request, struct response *response,
                          struct error *err)
{
    struct subject_page page = {.kind = SCENE_UNIT};
    return read_subject(request, request->parameters[0], &page, err) &&
           answer_page(request, &page, response, err);
}

bool loops_handle_purposes(const struct request *request, struct response *response,
                           struct error *err)
{
    struct subject_page page = {.kind = SCENE_PERSON, .held = true};
    return read_subject(request, request_query(request, "person"), &page, err) &&
           answer_page(request, &page, response, err);
}

bool loops_handle_of_person(const struct request *request, struct response *response,
                            struct error *err)
{
    struct subject_page page = {.kind = SCENE_PERSON};
    struct person_no person;
    if (!read_subject(request, request->parameters[0], &page, err))
        return false;
    person.n = (uint32_t)page.subject_no;
    return status_within_reach(request, person, err) &&
           answer_page(request, &page, response, err) &&
           status_audit_read(request, "person.loops", person.n, 1, "loops", err);
}
