/* What an event of the room means to whom: a loop got a new owner, somebody was told, it is
 * overdue, it came to its end. The event names the act and the seat; whom the seat means is looked
 * up now, so that who took the duty over is told and who left is not. */
#include "loops/loops_internal.h"

static const struct sql_text told_act = {
    "loop_told_act", "SELECT user_no FROM loop_act WHERE act_no = ?1", "primary key"};
static const struct sql_text told_loop = {
    "loop_told_loop", "SELECT scene_no, stage, due_at, state FROM loop WHERE loop_no = ?1",
    "primary key"};
static const struct sql_text told_opener = {
    "loop_told_opener", "SELECT user_no FROM loop_act WHERE loop_no = ?1 ORDER BY act_no LIMIT 1",
    "loop_act_by_loop"};

const struct sql_list loop_told_statements = SQL_LIST(&told_act, &told_loop, &told_opener);

struct told {
    struct loop_finding *finding;
    struct arena *arena;
    json_t *payload;
    int64_t hand; /* whose act it was; 0: the clock or an event */
};

static bool payload_is(const struct told *told, const char *field, const char *value)
{
    const char *text = json_string_value(json_object_get(told->payload, field));
    return text && strcmp(text, value) == 0;
}

static int64_t payload_number(const struct told *told, const char *field)
{
    return json_integer_value(json_object_get(told->payload, field));
}

static enum loop_matter matter_of(const struct told *told, struct slice kind)
{
    if (!json_is_integer(json_object_get(told->payload, "act")))
        return LOOP_CONCERNS_NOBODY; /* not opened, or written before acts were named */
    if (slice_equal(kind, SLICE("loop.overdue")))
        return LOOP_IS_OVERDUE;
    if (slice_equal(kind, SLICE("loop.escalated")))
        return LOOP_TOLD;
    bool closes =
        slice_equal(kind, SLICE("loop.advanced")) || slice_equal(kind, SLICE("loop.opened")) ||
        slice_equal(kind, SLICE("loop.closed")) || slice_equal(kind, SLICE("loop.migrated"));
    if (closes && !payload_is(told, "state", loop_state_name(LOOP_OPEN)))
        return LOOP_HAS_ENDED;
    return json_is_true(json_object_get(told->payload, "new_owner")) ? LOOP_IS_THEIRS
                                                                     : LOOP_CONCERNS_NOBODY;
}

static enum loop_state state_of(const struct told *told)
{
    for (int state = LOOP_OPEN; state < LOOP_STATES; state++)
        if (payload_is(told, "state", loop_state_name((enum loop_state)state)))
            return (enum loop_state)state;
    return LOOP_OPEN;
}

/* Scene, stage and deadline; *ret_known false where the loop is forgotten. */
static bool read_loop(struct told *told, struct loops *loops, struct sql *sql, bool *ret_known,
                      struct error *err)
{
    struct loop_finding *finding = told->finding;
    struct sql_query *query;
    bool row;
    *ret_known = false;
    if (!sql_begin(sql, &told_loop, SQL_ARGUMENTS(sql_int(finding->loop_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return true;
    const struct definition *definition =
        definition_of(atomic_load(&loops->definitions), sql_get_int(query, 0));
    int64_t stage = sql_get_int(query, 1);
    timestamp due_at = sql_get_int(query, 2);
    bool is_open = sql_get_int(query, 3) == LOOP_OPEN;
    sql_end(query);
    const char *name = json_string_value(json_object_get(told->payload, "stage"));
    int then = definition && name ? scene_stage_of(definition->scene, name) : -1;
    if (then < 0)
        return true; /* a later version of the scene has no such stage */
    finding->scene = definition->scene;
    finding->stage = &definition->scene->stages[then];
    finding->due_at = is_open && stage == then ? due_at : TIMESTAMP_NONE;
    *ret_known = true;
    return true;
}

static void leave_out(struct loop_finding *finding, int64_t user_no)
{
    size_t left = 0;
    for (size_t i = 0; i < finding->user_count; i++)
        if (finding->users[i] != user_no)
            finding->users[left++] = finding->users[i];
    finding->user_count = left;
}

static bool find_opener(struct told *told, struct sql *sql, struct error *err)
{
    struct loop_finding *finding = told->finding;
    finding->users = arena_alloc(told->arena, sizeof *finding->users);
    if (!sql_one_int(sql, &told_opener, SQL_ARGUMENTS(sql_int(finding->loop_no)), 0,
                     &finding->users[0], err))
        return false;
    finding->user_count = finding->users[0] != 0;
    return true;
}

static bool find_holders(struct told *told, struct loops *loops, struct sql *sql, struct error *err)
{
    struct loop_finding *finding = told->finding;
    const struct board *board;
    struct seat seat;
    if (!seat_read(sql, payload_number(told, "seat"), &seat, err) ||
        !board_take(loops, sql, &board, err))
        return false;
    bool done =
        board_users_of(board, sql, &seat, told->arena, &finding->users, &finding->user_count, err);
    board_release(loops);
    return done;
}

static bool find(struct told *told, struct loops *loops, struct sql *sql, struct error *err)
{
    struct loop_finding *finding = told->finding;
    bool known;
    if (!read_loop(told, loops, sql, &known, err))
        return false;
    if (!known) {
        finding->matter = LOOP_CONCERNS_NOBODY;
        return true;
    }
    if (!sql_one_int(sql, &told_act, SQL_ARGUMENTS(sql_int(payload_number(told, "act"))), 0,
                     &told->hand, err) ||
        !(finding->matter == LOOP_HAS_ENDED ? find_opener(told, sql, err)
                                            : find_holders(told, loops, sql, err)))
        return false;
    leave_out(finding, told->hand);
    return true;
}

bool loops_finding(struct loops *loops, struct sql *sql, const struct event *event,
                   struct arena *arena, struct loop_finding *ret_finding, struct error *err)
{
    struct told told = {.finding = ret_finding, .arena = arena};
    *ret_finding = (struct loop_finding){.loop_no = event->subject_no, .due_at = TIMESTAMP_NONE};
    if (event->kind.length < 5 || memcmp(event->kind.data, "loop.", 5) != 0 ||
        !event->payload.length)
        return true;
    if (!json_read(event->payload, "event", &told.payload, err))
        return false;
    ret_finding->matter = matter_of(&told, event->kind);
    ret_finding->state = state_of(&told);
    bool done = ret_finding->matter == LOOP_CONCERNS_NOBODY || find(&told, loops, sql, err);
    json_decref(told.payload);
    return done;
}
