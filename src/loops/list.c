/* Lists: open loops by deadline, closed ones by when they were closed.
 *
 * A list is a merge of runs that an index holds in order: one a seat (what is mine) or one an area
 * (what I may see). Of each only the head is read, so that a page costs as many look-ups as there
 * are runs and rows, however many loops there are. What was open at a moment (as_of.c) is a merge
 * of what is open still and one of what was closed since.
 *
 * What hides where it is must not be found by asking for places one by one, nor be felt there: such
 * a row leaves no trace in a page, neither in its end nor in its cursor. */
#include "loops/loops_internal.h"

#define ROW_COLUMNS                                                                                \
    "l.loop_no, l.scene_no, l.stage, l.state, l.area_no, l.subject_no, l.seat_no, l.opened_at,"    \
    " l.entered_at, l.due_at, l.closed_at, l.overdue, l.claim_user, l.claim_until, l.marks"
static const struct sql_text rows_of_seat = {
    "loop_rows_of_seat",
    "SELECT " ROW_COLUMNS " FROM loop l WHERE l.seat_no = ?1 AND l.state = 0"
    " AND (l.due_at, l.loop_no) > (?2, ?3) ORDER BY l.due_at, l.loop_no LIMIT ?4",
    "loop_by_seat"};
static const struct sql_text rows_of_area = {
    "loop_rows_of_area",
    "SELECT " ROW_COLUMNS " FROM loop l WHERE l.area_no = ?1 AND l.state = 0"
    " AND (l.due_at, l.loop_no) > (?2, ?3) ORDER BY l.due_at, l.loop_no LIMIT ?4",
    "loop_by_area"};
static const struct sql_text rows_closed = {
    "loop_rows_closed",
    "SELECT " ROW_COLUMNS " FROM loop l WHERE l.area_no = ?1 AND l.state <> 0"
    " AND (l.closed_at, l.loop_no) < (?2, ?3) ORDER BY l.closed_at DESC, l.loop_no DESC LIMIT ?4",
    "loop_by_closing"};
static const struct sql_text rows_of_venue = {
    "loop_rows_of_venue",
    "SELECT " ROW_COLUMNS " FROM loop l WHERE l.subject_kind = ?5 AND l.subject_no = ?1"
    " AND l.state = 0 AND l.area_no BETWEEN ?6 AND ?7 AND (l.due_at, l.loop_no) > (?2, ?3)"
    " ORDER BY l.due_at, l.loop_no LIMIT ?4",
    "loop_by_subject"};
static const struct sql_text rows_closed_since = {
    "loop_rows_closed_since",
    "SELECT " ROW_COLUMNS " FROM loop l WHERE l.area_no = ?1 AND l.state <> 0"
    " AND (l.closed_at, l.loop_no) > (?2, ?3) ORDER BY l.closed_at, l.loop_no LIMIT ?4",
    "loop_by_closing"};
/* Whom it was told to, newest first: the number stands for the time. */
static const struct sql_text rows_told = {
    "loop_rows_told",
    "SELECT " ROW_COLUMNS " FROM loop_party p JOIN loop l ON l.loop_no = p.loop_no"
    " WHERE p.seat_no = ?1 AND p.told = 1 AND p.loop_no > ?3 AND ?2 = ?2 ORDER BY p.loop_no"
    " LIMIT ?4",
    "loop_party_told"};
static const struct sql_text areas_with_loops = {
    "loop_areas", "SELECT area_no FROM loop_count WHERE area_no BETWEEN ?1 AND ?2 GROUP BY area_no",
    "primary key"};
static const struct sql_text counts_select = {
    "loop_counts",
    "SELECT scene_no, stage, sum(open), sum(overdue) FROM loop_count"
    " WHERE area_no BETWEEN ?1 AND ?2 GROUP BY scene_no, stage HAVING sum(open) > 0"
    " ORDER BY scene_no, stage",
    "primary key"};

const struct sql_list loop_list_statements =
    SQL_LIST(&rows_of_seat, &rows_of_area, &rows_closed, &rows_closed_since, &rows_of_venue,
             &rows_told, &areas_with_loops, &counts_select);

/* ---- Runs */

enum { HEADS_FEW = 4, HEAD_ROWS = 16, SCANNED_MAX = 20000, DERIVED_MAX = 2000 };

struct run {
    int64_t no; /* of the seat, the area */
    struct loop_row *rows;
    size_t count, next;
    bool ended;
};
struct merge {
    struct sql *sql;
    struct arena *arena;
    const struct definitions *definitions;
    const struct sql_text *text;
    bool backwards;
    int64_t area_first, area_last; /* of rows_of_venue */
    struct run *runs;
    size_t run_count, head_rows;
    int64_t key, no; /* after these */
};

static void take_row(const struct merge *merge, struct sql_query *query, struct loop_row *row)
{
    *row = (struct loop_row){.no = sql_get_int(query, 0),
                             .definition = definition_of(merge->definitions, sql_get_int(query, 1)),
                             .stage = (int)sql_get_int(query, 2),
                             .state = (enum loop_state)sql_get_int(query, 3),
                             .area_no = sql_get_int(query, 4),
                             .subject_no = sql_get_int(query, 5),
                             .seat_no = sql_get_int(query, 6),
                             .opened_at = sql_get_int(query, 7),
                             .entered_at = sql_get_int(query, 8),
                             .due_at = sql_get_int(query, 9),
                             .closed_at = sql_get_time(query, 10),
                             .overdue = sql_get_int(query, 11) != 0,
                             .claim_user = sql_get_int(query, 12),
                             .claim_until = sql_get_int(query, 13)};
    struct slice marks = sql_get_blob(query, 14);
    row->hidden = row->definition && loop_is_hidden(row->definition->scene, marks);
}

static int64_t key_of_row(const struct merge *merge, const struct loop_row *row)
{
    if (merge->text == &rows_told)
        return 0;
    return merge->text == &rows_closed || merge->text == &rows_closed_since ? row->closed_at
                                                                            : row->due_at;
}

/* The next rows of a run after (key, no). */
static bool fill(struct merge *merge, struct run *run, int64_t key, int64_t no, struct error *err)
{
    struct sql_query *query;
    const struct sql_value arguments[] = {sql_int(run->no),
                                          sql_int(key),
                                          sql_int(no),
                                          sql_int((int64_t)merge->head_rows),
                                          sql_int(SCENE_VENUE),
                                          sql_int(merge->area_first),
                                          sql_int(merge->area_last)};
    bool row, done = sql_begin(merge->sql, merge->text, arguments,
                               merge->text == &rows_of_venue ? 7 : 4, &query, err);
    run->count = run->next = 0;
    if (!run->rows)
        run->rows = arena_alloc(merge->arena, merge->head_rows * sizeof *run->rows);
    while (done && (done = sql_next(query, &row, err)) && row)
        take_row(merge, query, &run->rows[run->count++]);
    run->ended = run->count < merge->head_rows;
    return done;
}

static bool is_before(const struct merge *merge, const struct loop_row *a, const struct loop_row *b)
{
    int64_t x = key_of_row(merge, a), y = key_of_row(merge, b);
    if (merge->backwards)
        return x != y ? x > y : a->no > b->no;
    return x != y ? x < y : a->no < b->no;
}

/* The first row of all runs; NULL at the end. */
static bool pop(struct merge *merge, const struct loop_row **ret_row, struct error *err)
{
    struct run *first = NULL;
    for (size_t i = 0; i < merge->run_count; i++) {
        struct run *run = &merge->runs[i];
        if (run->next == run->count && !run->ended) {
            int64_t key = merge->key, no = merge->no;
            if (run->count) {
                key = key_of_row(merge, &run->rows[run->count - 1]);
                no = run->rows[run->count - 1].no;
            }
            if (!fill(merge, run, key, no, err))
                return false;
        }
        if (run->next < run->count &&
            (!first || is_before(merge, &run->rows[run->next], &first->rows[first->next])))
            first = run;
    }
    *ret_row = first ? &first->rows[first->next++] : NULL;
    return true;
}

/* ---- What is asked for */

static bool runs_of_areas(struct merge *merge, int64_t first, int64_t last, struct error *err)
{
    struct sql_query *query;
    size_t capacity = 4096;
    merge->runs = arena_alloc(merge->arena, capacity * sizeof *merge->runs);
    bool row, done = sql_begin(merge->sql, &areas_with_loops,
                               SQL_ARGUMENTS(sql_int(first), sql_int(last)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        if (merge->run_count == capacity) {
            struct run *runs = arena_alloc(merge->arena, 2 * capacity * sizeof *runs);
            memcpy(runs, merge->runs, capacity * sizeof *runs);
            merge->runs = runs;
            capacity *= 2;
        }
        merge->runs[merge->run_count++].no = sql_get_int(query, 0);
    }
    return done;
}

static bool runs_of_seats(struct merge *merge, const struct board *board, int64_t user_no,
                          struct error *err)
{
    int64_t *seats;
    if (!seats_held(board, merge->sql, user_no, merge->arena, &seats, &merge->run_count, err))
        return false;
    merge->runs = arena_alloc(merge->arena, (merge->run_count + 1) * sizeof *merge->runs);
    for (size_t i = 0; i < merge->run_count; i++)
        merge->runs[i].no = seats[i];
    return true;
}

static void run_of_venue(struct merge *merge, const struct loop_query *query)
{
    merge->area_first = query->area_first;
    merge->area_last = query->area_last;
    merge->run_count = 1;
    merge->runs = arena_alloc(merge->arena, sizeof *merge->runs);
    merge->runs[0].no = query->venue_no;
}

static bool begin(struct merge *merge, const struct board *board, struct loops *loops,
                  const struct loop_query *query, struct error *err)
{
    merge->definitions = atomic_load(&loops->definitions);
    merge->text = query->venue_no       ? &rows_of_venue
                  : query->told         ? &rows_told
                  : query->closed       ? &rows_closed
                  : query->closed_since ? &rows_closed_since
                  : query->mine         ? &rows_of_seat
                                        : &rows_of_area;
    merge->backwards = query->closed;
    merge->key = query->after_key;
    merge->no = query->after_no;
    if (query->venue_no)
        run_of_venue(merge, query);
    else if (query->mine || query->told
            ? !runs_of_seats(merge, board, query->user_no, err)
            : !runs_of_areas(merge, query->area_first, query->area_last, err))
        return false;
    merge->head_rows = merge->run_count <= HEADS_FEW ? (size_t)query->limit + 1 : HEAD_ROWS;
    return true;
}

static bool fits(const struct loop_row *row, const struct loop_query *query)
{
    return row->definition &&
           (!query->scene.data ||
            slice_equal(slice_of(row->definition->scene->name), query->scene)) &&
           (!query->told || row->state == LOOP_OPEN);
}

bool loop_row_is_own(const struct board *board, struct sql *sql, const struct loop_row *row,
                     int64_t user_no, bool *ret_own, struct error *err)
{
    struct seat seat;
    return seat_read(sql, row->seat_no, &seat, err) &&
           board_names(board, sql, &seat, user_no, ret_own, err);
}

/* Whether being found would tell the reader where a loop is that hides it. */
static bool is_unfindable(const struct board *board, struct sql *sql,
                          const struct loop_query *query, const struct loop_row *row, bool *ret_is,
                          struct error *err)
{
    bool own;
    *ret_is = row->hidden && (query->venue_no || query->narrower) && !query->mine && !query->told;
    if (!*ret_is)
        return true;
    if (!loop_row_is_own(board, sql, row, query->user_no, &own, err))
        return false;
    *ret_is = !own;
    return true;
}

bool loops_list(struct loops *loops, struct sql *sql, const struct loop_query *query,
                struct arena *arena, struct loop_page *ret_page, struct error *err)
{
    const struct board *board;
    if (!board_take(loops, sql, &board, err))
        return false;
    bool done = loops_list_by(board, loops, sql, query, arena, ret_page, err);
    board_release(loops);
    return done;
}

bool loops_list_by(const struct board *board, struct loops *loops, struct sql *sql,
                   const struct loop_query *query, struct arena *arena, struct loop_page *ret_page,
                   struct error *err)
{
    struct merge merge = {.sql = sql, .arena = arena};
    const struct loop_row *row = NULL;
    int64_t scanned = 0;
    bool unfindable;
    *ret_page = (struct loop_page){
        .rows = arena_alloc(arena, ((size_t)query->limit + 1) * sizeof *ret_page->rows)};
    if (!begin(&merge, board, loops, query, err))
        return false;
    for (;;) {
        if (!pop(&merge, &row, err))
            return false;
        if (!row || (query->overdue && row->due_at > query->now))
            return true; /* by deadline: those overdue come first */
        if (!is_unfindable(board, sql, query, row, &unfindable, err))
            return false;
        if (unfindable)
            continue;
        if ((int64_t)ret_page->count == query->limit || scanned++ == SCANNED_MAX) {
            ret_page->more = true;
            return true;
        }
        ret_page->last_key = key_of_row(&merge, row);
        ret_page->last_no = row->no;
        if (fits(row, query))
            ret_page->rows[ret_page->count++] = *row;
    }
}

/* Rows of one part of the list into the page, until it is full or `io_scanned` is at its bound.
 * *ret_ended where the part is over. */
static bool gather_part(struct engine *engine, const struct loop_query *query, struct arena *arena,
                        int64_t *io_scanned, struct loop_page *page, bool *ret_ended,
                        struct error *err)
{
    struct merge merge = {.sql = engine->sql, .arena = arena};
    const struct loop_row *found;
    bool unfindable;
    *ret_ended = false;
    if (!begin(&merge, engine->board, engine->loops, query, err))
        return false;
    for (;;) {
        if (!pop(&merge, &found, err))
            return false;
        *ret_ended = !found;
        if (!found)
            return true;
        if (!is_unfindable(engine->board, engine->sql, query, found, &unfindable, err))
            return false;
        if (unfindable) /* what hides now hid then */
            continue;
        if ((int64_t)page->count == query->limit || (*io_scanned)++ == DERIVED_MAX) {
            page->more = true;
            return true;
        }
        page->last_key = key_of_row(&merge, found);
        page->last_no = found->no;
        struct loop_row row = *found;
        if (row.opened_at > query->as_of || !fits(&row, query))
            continue;
        if (!loop_row_as_of(engine, query->as_of, &row, err) ||
            !is_unfindable(engine->board, engine->sql, query, &row, &unfindable, err))
            return false;
        if (unfindable)
            continue;
        if (!query->overdue || (row.due_at != TIMESTAMP_NONE && row.due_at <= query->as_of))
            page->rows[page->count++] = row;
    }
}

bool loops_list_as_of(struct engine *engine, const struct loop_query *query, struct arena *arena,
                      struct loop_page *ret_page, struct error *err)
{
    struct loop_query part = *query;
    int64_t scanned = 0;
    bool ended;
    *ret_page = (struct loop_page){
        .rows = arena_alloc(arena, ((size_t)query->limit + 1) * sizeof *ret_page->rows)};
    if (!gather_part(engine, &part, arena, &scanned, ret_page, &ended, err))
        return false;
    if (ended && !part.closed_since) {
        part.closed_since = true;
        part.after_key = query->as_of;
        part.after_no = INT64_MAX;
        ret_page->last_key = part.after_key;
        ret_page->last_no = part.after_no;
        if (!gather_part(engine, &part, arena, &scanned, ret_page, &ended, err))
            return false;
    }
    ret_page->closed_since = part.closed_since;
    return true;
}

bool loops_counts(struct loops *loops, struct sql *sql, int64_t area_first, int64_t area_last,
                  bool narrower, void (*take)(void *context, const struct loop_count *count),
                  void *context, struct error *err)
{
    const struct definitions *set = atomic_load(&loops->definitions);
    struct sql_query *query;
    bool row, done = sql_begin(sql, &counts_select,
                               SQL_ARGUMENTS(sql_int(area_first), sql_int(area_last)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        struct loop_count count = {.definition = definition_of(set, sql_get_int(query, 0)),
                                   .stage = (int)sql_get_int(query, 1),
                                   .open = sql_get_int(query, 2),
                                   .overdue = sql_get_int(query, 3)};
        if (count.definition && !(narrower && scene_hides(count.definition->scene)))
            take(context, &count);
    }
    return done;
}
