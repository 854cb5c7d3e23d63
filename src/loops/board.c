/* The board: who is on duty at this moment, and so who may act for which seat.
 *
 * A loop belongs to a seat, not to a user. Whom a seat means is looked up when somebody asks, so
 * shifts, transfers and absences move no loop:
 *   role in an area   those on duty there with that role; else in the nearest area above where
 *                     someone is; at last the command centre
 *   unit, person      those on duty who serve there, or who are that person; else the role that
 *                     stands in (district_duty of the loop's area)
 *   lead of a seat    whom the seat's holders answer to; else the role that stands in
 * The board is made anew when users or duties change, and when the next duty begins or ends. */
#include <stdlib.h>

#include "loops/loops_internal.h"

static const struct sql_text duty_select = {
    "duty_select",
    "SELECT user_no, from_at, until_at FROM duty WHERE until_at > ?1 ORDER BY until_at",
    "duty_by_end"};
static const struct sql_text duty_any = {
    "duty_any", "SELECT user_no FROM duty WHERE user_no = ?1 LIMIT 1", "duty_by_user"};
static const struct sql_text absence_select = {
    "absence_select",
    "SELECT user_no, delegate_no, from_at, until_at FROM absence WHERE until_at > ?1"
    " ORDER BY until_at",
    "absence_by_end"};
static const struct sql_text seat_find = {
    "seat_find",
    "SELECT seat_no FROM seat WHERE form = ?1 AND role = ?2 AND area_no = ?3 AND object_no = ?4",
    "seat_by_what"};
static const struct sql_text seat_insert = {
    "seat_insert", "INSERT INTO seat (form, role, area_no, object_no) VALUES (?1, ?2, ?3, ?4)",
    "primary key"};
static const struct sql_text seat_select = {
    "seat_select", "SELECT form, role, area_no, object_no FROM seat WHERE seat_no = ?1",
    "primary key"};
static const struct sql_text seat_in_area = {
    "seat_in_area",
    "SELECT seat_no, form, role, area_no, object_no FROM seat WHERE form = ?1 AND role = ?2"
    " AND area_no BETWEEN ?3 AND ?4",
    "seat_by_what"};
static const struct sql_text seat_of_form = {
    "seat_of_form", "SELECT seat_no, form, role, area_no, object_no FROM seat WHERE form = ?1",
    "seat_by_what"};
static const struct sql_text seat_of_object = {
    "seat_of_object",
    "SELECT seat_no, form, role, area_no, object_no FROM seat WHERE object_no = ?2"
    " AND +form = ?1",
    "seat_by_object"};

const struct sql_list loop_board_statements =
    SQL_LIST(&duty_select, &duty_any, &absence_select, &seat_find, &seat_insert, &seat_select,
             &seat_in_area, &seat_of_form, &seat_of_object);

/* ---- Areas */

int64_t area_above(int64_t area_no)
{
    int64_t mask = ((int64_t)1 << AREA_LEVEL_BITS) - 1;
    for (int shift = 0; area_no && shift < AREA_LEVEL_BITS * AREA_LEVELS; shift += AREA_LEVEL_BITS)
        if (area_no >> shift & mask)
            return area_no & ~(mask << shift);
    return 0;
}

/* ---- Making a board */

static int compare_users(const void *a, const void *b)
{
    const struct board_user *x = a, *y = b;
    int by_role = strcmp(x->role, y->role);
    return by_role                    ? by_role
           : x->area_no != y->area_no ? (x->area_no > y->area_no ? 1 : -1)
                                      : (x->user_no > y->user_no) - (x->user_no < y->user_no);
}

/* What duties and absences say of a user now. */
struct presence_of_user {
    bool rostered, within, absent;
    int64_t delegate_no;
};
struct making {
    struct board *board;
    timestamp now;
    struct access_user *users;
    struct presence_of_user *states;
    size_t count;
};

static size_t index_of(const struct making *making, int64_t user_no)
{
    size_t low = 0, high = making->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (making->users[middle].user_no < user_no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < making->count && making->users[low].user_no == user_no ? low : making->count;
}

/* The board is valid until something begins or ends. */
static void bound(struct making *making, timestamp change)
{
    if (change > making->now && change < making->board->until)
        making->board->until = change;
}

static bool read_duties(struct making *making, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, &duty_select, SQL_ARGUMENTS(sql_int(making->now)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        size_t i = index_of(making, sql_get_int(query, 0));
        timestamp from = sql_get_int(query, 1), until = sql_get_int(query, 2);
        bound(making, from);
        bound(making, until);
        if (i < making->count && from <= making->now)
            making->states[i].within = true;
    }
    for (size_t i = 0; done && i < making->count; i++) {
        int64_t any;
        done = sql_one_int(sql, &duty_any, SQL_ARGUMENTS(sql_int(making->users[i].user_no)), 0,
                           &any, err);
        making->states[i].rostered = any != 0;
    }
    return done;
}

static bool read_absences(struct making *making, struct sql *sql, struct error *err)
{
    struct sql_query *query;
    bool row,
        done = sql_begin(sql, &absence_select, SQL_ARGUMENTS(sql_int(making->now)), &query, err);
    while (done && (done = sql_next(query, &row, err)) && row) {
        size_t i = index_of(making, sql_get_int(query, 0));
        timestamp from = sql_get_int(query, 2);
        bound(making, from);
        bound(making, sql_get_int(query, 3));
        if (i < making->count && from <= making->now) {
            making->states[i].absent = true;
            making->states[i].delegate_no = sql_get_int(query, 1);
        }
    }
    return done;
}

static bool is_there(const struct making *making, size_t i)
{
    const struct presence_of_user *state = &making->states[i];
    return i < making->count && making->users[i].duty_until > making->now &&
           (!state->rostered || state->within) && !state->absent;
}

static void fill(struct making *making)
{
    struct board *board = making->board;
    board->users = arena_alloc(&board->arena, (making->count + 1) * sizeof *board->users);
    for (size_t i = 0; i < making->count; i++) {
        const struct access_user *user = &making->users[i];
        int64_t acts = user->user_no;
        bound(making, user->duty_until);
        if (!is_there(making, i)) {
            acts = making->states[i].absent ? making->states[i].delegate_no : 0;
            if (!acts || user->duty_until <= making->now ||
                !is_there(making, index_of(making, acts)))
                continue;
        }
        struct board_user *out = &board->users[board->count++];
        *out = (struct board_user){.user_no = user->user_no,
                                   .lead_no = user->lead_no,
                                   .area_no = user->area_no,
                                   .person_no = user->person_no,
                                   .unit_no = user->unit_no,
                                   .acts_as = acts};
        memcpy(out->role, user->role, sizeof out->role);
    }
    qsort(board->users, board->count, sizeof *board->users, compare_users);
}

static bool board_make(struct loops *loops, struct sql *sql, struct board **ret_board,
                       struct error *err)
{
    struct board *board = x_alloc(1, sizeof *board);
    struct making making = {.board = board, .now = sql_now(sql)};
    arena_init(&board->arena, 256 << 20);
    board->from = making.now;
    board->until = TIMESTAMP_NEVER;
    board->users_generation = access_generation(loops->platform->access);
    board->duties = atomic_load(&loops->duties);
    bool done = access_user_last(sql, &board->users_last, err) &&
                access_users(sql, &board->arena, &making.users, &making.count, err);
    if (done)
        making.states = arena_alloc(&board->arena, (making.count + 1) * sizeof *making.states);
    done = done && read_duties(&making, sql, err) && read_absences(&making, sql, err);
    if (!done) {
        arena_release(&board->arena);
        free(board);
        return false;
    }
    fill(&making);
    *ret_board = board;
    return true;
}

void board_free(struct board *board)
{
    if (board)
        arena_release(&board->arena);
    free(board);
}

static bool is_valid(struct loops *loops, const struct board *board, timestamp now, int64_t last)
{
    return board && now >= board->from && now < board->until && board->users_last == last &&
           board->users_generation == access_generation(loops->platform->access) &&
           board->duties == atomic_load(&loops->duties);
}

bool board_take(struct loops *loops, struct sql *sql, const struct board **ret_board,
                struct error *err)
{
    timestamp now = sql_now(sql);
    int64_t last;
    if (!access_user_last(sql, &last, err))
        return false;
    pthread_rwlock_rdlock(&loops->board_lock);
    if (!is_valid(loops, loops->board, now, last)) {
        struct board *board;
        pthread_rwlock_unlock(&loops->board_lock);
        if (!board_make(loops, sql, &board, err))
            return false;
        pthread_rwlock_wrlock(&loops->board_lock);
        board_free(loops->board);
        loops->board = board;
        pthread_rwlock_unlock(&loops->board_lock);
        pthread_rwlock_rdlock(&loops->board_lock);
    }
    *ret_board = loops->board; /* it may be newer than asked for by now, which does no harm */
    return true;
}

void board_release(struct loops *loops)
{
    pthread_rwlock_unlock(&loops->board_lock);
}

/* ---- Whom a seat means */

/* The first user of a role in exactly an area; count where there is none. */
static size_t first_of(const struct board *board, const char *role, int64_t area_no)
{
    size_t low = 0, high = board->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct board_user *user = &board->users[middle];
        int by_role = strcmp(user->role, role);
        if (by_role < 0 || (by_role == 0 && user->area_no < area_no))
            low = middle + 1;
        else
            high = middle;
    }
    return low < board->count && board->users[low].area_no == area_no &&
                   strcmp(board->users[low].role, role) == 0
               ? low
               : board->count;
}

static bool board_has(const struct board *board, const char *role, int64_t area_no)
{
    return first_of(board, role, area_no) < board->count;
}

enum meaning { MEANS_ROLE, MEANS_UNIT, MEANS_PERSON, MEANS_COMMAND };
struct resolved {
    enum meaning meaning;
    const char *role;
    int64_t area_no, object_no;
    bool leads; /* those whom they answer to */
};

static bool means(const struct resolved *resolved, const struct board_user *user)
{
    switch (resolved->meaning) {
    case MEANS_ROLE:
        return user->area_no == resolved->area_no && strcmp(user->role, resolved->role) == 0;
    case MEANS_UNIT:
        return user->unit_no == resolved->object_no;
    case MEANS_PERSON:
        return user->person_no == resolved->object_no;
    case MEANS_COMMAND:
        return strcmp(user->role, "command") == 0 || strcmp(user->role, "command_duty") == 0;
    }
    return false;
}

static bool means_anyone(const struct board *board, const struct resolved *resolved)
{
    for (size_t i = 0; i < board->count; i++)
        if (means(resolved, &board->users[i]))
            return true;
    return false;
}

static struct resolved resolve_role(const struct board *board, const char *role, int64_t area_no)
{
    int64_t area = area_no;
    while (area && !board_has(board, role, area))
        area = area_above(area);
    if (area)
        return (struct resolved){.meaning = MEANS_ROLE, .role = role, .area_no = area};
    return (struct resolved){.meaning = MEANS_COMMAND};
}

static struct resolved resolve_direct(const struct board *board, const struct seat *seat)
{
    struct resolved resolved = {.meaning = seat->form == SEAT_UNIT ? MEANS_UNIT : MEANS_PERSON,
                                .object_no = seat->object_no};
    if ((seat->form == SEAT_UNIT || seat->form == SEAT_PERSON) && seat->object_no &&
        means_anyone(board, &resolved))
        return resolved;
    return resolve_role(board, seat->role, seat->area_no);
}

const struct board_user *board_user(const struct board *board, int64_t user_no)
{
    for (size_t i = 0; i < board->count; i++)
        if (board->users[i].user_no == user_no)
            return &board->users[i];
    return NULL;
}

/* The leads of whom `of` means that are on duty: with `user_no` whether that one is among them,
 * with 0 whether there is any. */
static bool leads(const struct board *board, const struct resolved *of, int64_t user_no)
{
    for (size_t i = 0; i < board->count; i++) {
        const struct board_user *user = &board->users[i];
        if (!user->lead_no || !means(of, user))
            continue;
        const struct board_user *lead = board_user(board, user->lead_no);
        if (lead && (!user_no || lead->acts_as == user_no))
            return true;
    }
    return false;
}

static bool resolve(const struct board *board, struct sql *sql, const struct seat *seat,
                    struct resolved *ret_resolved, struct error *err)
{
    struct seat led;
    if (seat->form == SEAT_LEAD) {
        if (!seat_read(sql, seat->object_no, &led, err))
            return false;
        struct resolved of = led.form == SEAT_LEAD ? resolve_role(board, led.role, led.area_no)
                                                   : resolve_direct(board, &led);
        if (leads(board, &of, 0)) {
            if (of.meaning == MEANS_ROLE) /* a text that outlives `led` */
                of.role = board->users[first_of(board, of.role, of.area_no)].role;
            of.leads = true;
            *ret_resolved = of;
            return true;
        }
    }
    *ret_resolved = resolve_direct(board, seat);
    return true;
}

static bool means_user(const struct board *board, const struct resolved *resolved, int64_t user_no)
{
    if (resolved->leads)
        return leads(board, resolved, user_no);
    for (size_t i = 0; i < board->count; i++)
        if (board->users[i].acts_as == user_no && means(resolved, &board->users[i]))
            return true;
    return false;
}

bool board_holds(const struct board *board, struct sql *sql, const struct seat *seat,
                 int64_t user_no, bool *ret_holds, struct error *err)
{
    struct resolved resolved;
    if (!resolve(board, sql, seat, &resolved, err))
        return false;
    *ret_holds = means_user(board, &resolved, user_no);
    return true;
}

bool board_names(const struct board *board, struct sql *sql, const struct seat *seat,
                 int64_t user_no, bool *ret_names, struct error *err)
{
    struct resolved resolved;
    if (!resolve(board, sql, seat, &resolved, err))
        return false;
    bool stood_in = (seat->form == SEAT_PERSON && resolved.meaning != MEANS_PERSON) ||
                    (seat->form == SEAT_UNIT && resolved.meaning != MEANS_UNIT);
    *ret_names = !stood_in && means_user(board, &resolved, user_no);
    return true;
}

/* Those who act for `user`, once. */
static void add_user(int64_t *users, size_t *count, int64_t user_no)
{
    for (size_t i = 0; i < *count; i++)
        if (users[i] == user_no)
            return;
    users[(*count)++] = user_no;
}

bool board_users_of(const struct board *board, struct sql *sql, const struct seat *seat,
                    struct arena *arena, int64_t **ret_users, size_t *ret_count, struct error *err)
{
    struct resolved resolved;
    size_t most = 0, count = 0;
    if (!resolve(board, sql, seat, &resolved, err))
        return false;
    for (size_t i = 0; i < board->count; i++)
        most += means(&resolved, &board->users[i]);
    int64_t *users = arena_alloc(arena, (most + 1) * sizeof *users);
    for (size_t i = 0; i < board->count; i++) {
        const struct board_user *user = &board->users[i];
        if (!means(&resolved, user))
            continue;
        if (resolved.leads)
            user = user->lead_no ? board_user(board, user->lead_no) : NULL;
        if (user)
            add_user(users, &count, user->acts_as);
    }
    *ret_users = users;
    *ret_count = count;
    return true;
}

/* ---- Seats in SQL */

bool seat_number(struct sql *sql, const struct seat *seat, bool create, int64_t *ret_no,
                 struct error *err)
{
    const struct sql_value arguments[] = {sql_int(seat->form), sql_text(slice_of(seat->role)),
                                          sql_int(seat->area_no), sql_int(seat->object_no)};
    if (!sql_one_int(sql, &seat_find, arguments, 4, 0, ret_no, err))
        return false;
    if (*ret_no || !create)
        return true;
    return sql_run(sql, &seat_insert, arguments, 4, err) &&
           sql_one_int(sql, &seat_find, arguments, 4, 0, ret_no, err);
}

static void take_seat(struct sql_query *query, int column, struct seat *seat)
{
    seat->form = (enum seat_form)sql_get_int(query, column);
    text_copy(seat->role, sizeof seat->role, sql_get_text(query, column + 1));
    seat->area_no = sql_get_int(query, column + 2);
    seat->object_no = sql_get_int(query, column + 3);
}

bool seat_read(struct sql *sql, int64_t seat_no, struct seat *ret_seat, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &seat_select, SQL_ARGUMENTS(sql_int(seat_no)), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (!row)
        return error_set(err, ERROR_CORRUPT, (struct error_place){.source = "seat"},
                         "a seat that exists", "there is no seat %lld", (long long)seat_no);
    ret_seat->no = seat_no;
    take_seat(query, 0, ret_seat);
    sql_end(query);
    return ret_seat->form < SEAT_FORMS ||
           error_set(err, ERROR_CORRUPT, (struct error_place){.source = "seat"},
                     "a form of this program", "seat %lld", (long long)seat_no);
}

/* ---- The seats that a user holds */

struct gathering {
    struct arena *arena;
    struct seat *seats;
    size_t count, capacity;
};

static void gather_one(struct gathering *gathering, struct sql_query *query)
{
    if (gathering->count == gathering->capacity) {
        size_t capacity = gathering->capacity ? 2 * gathering->capacity : 64;
        struct seat *seats = arena_alloc(gathering->arena, capacity * sizeof *seats);
        if (gathering->count)
            memcpy(seats, gathering->seats, gathering->count * sizeof *seats);
        gathering->seats = seats;
        gathering->capacity = capacity;
    }
    struct seat *seat = &gathering->seats[gathering->count++];
    seat->no = sql_get_int(query, 0);
    take_seat(query, 1, seat);
}

static bool gather(struct gathering *gathering, struct sql *sql, const struct sql_text *text,
                   const struct sql_value *arguments, size_t count, struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, text, arguments, count, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        gather_one(gathering, query);
    return done;
}

/* Every seat that may mean this user: of the role and area, of the unit and person, and of those
 * for whom the role stands in; the command centre may be meant by all roles'. */
static bool gather_of(struct gathering *gathering, struct sql *sql, const struct board_user *user,
                      struct error *err)
{
    int64_t last = area_range_last(user->area_no);
    bool commands = strcmp(user->role, "command") == 0 || strcmp(user->role, "command_duty") == 0;
    for (int form = SEAT_ROLE; form < SEAT_FORMS; form++) {
        if (commands ? !gather(gathering, sql, &seat_of_form, SQL_ARGUMENTS(sql_int(form)), err)
                     : !gather(gathering, sql, &seat_in_area,
                               SQL_ARGUMENTS(sql_int(form), sql_text(slice_of(user->role)),
                                             sql_int(user->area_no), sql_int(last)),
                               err))
            return false;
    }
    return (!user->unit_no ||
            gather(gathering, sql, &seat_of_object,
                   SQL_ARGUMENTS(sql_int(SEAT_UNIT), sql_int(user->unit_no)), err)) &&
           (!user->person_no ||
            gather(gathering, sql, &seat_of_object,
                   SQL_ARGUMENTS(sql_int(SEAT_PERSON), sql_int(user->person_no)), err));
}

/* The leads' seats above the seats of those who answer to the user. */
static bool gather_led(struct gathering *gathering, const struct board *board, struct sql *sql,
                       int64_t user_no, struct error *err)
{
    struct gathering below = {.arena = gathering->arena};
    for (size_t i = 0; i < board->count; i++)
        if (board->users[i].lead_no == user_no && !gather_of(&below, sql, &board->users[i], err))
            return false;
    for (size_t i = 0; i < below.count; i++)
        if (!gather(gathering, sql, &seat_of_object,
                    SQL_ARGUMENTS(sql_int(SEAT_LEAD), sql_int(below.seats[i].no)), err))
            return false;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

bool seats_held(const struct board *board, struct sql *sql, int64_t user_no, struct arena *arena,
                int64_t **ret_seats, size_t *ret_count, struct error *err)
{
    struct gathering gathering = {.arena = arena};
    size_t held = 0;
    bool done = true;
    for (size_t i = 0; done && i < board->count; i++) {
        const struct board_user *user = &board->users[i];
        if (user->acts_as == user_no)
            done = gather_of(&gathering, sql, user, err) &&
                   gather_led(&gathering, board, sql, user->user_no, err);
    }
    int64_t *seats = arena_alloc(arena, (gathering.count + 1) * sizeof *seats);
    for (size_t i = 0; done && i < gathering.count; i++) {
        bool holds = false;
        done = board_holds(board, sql, &gathering.seats[i], user_no, &holds, err);
        if (holds)
            seats[held++] = gathering.seats[i].no;
    }
    qsort(seats, held, sizeof *seats, compare_numbers);
    *ret_count = 0;
    for (size_t i = 0; i < held; i++)
        if (i == 0 || seats[i] != seats[i - 1])
            seats[(*ret_count)++] = seats[i];
    *ret_seats = seats;
    return done;
}
