/* The board of venues, kept up beside the scan path, which never touches it.
 *
 *   venue, unit ────(when a venue, a code, an import changed)──► rows by number, names ┐
 *   venue_suspicion ────────────────(each minute)──────────────► suspected             ├─► pages
 *   day store ─(today each minute, a past day when its count did)─► last scan by number ┘
 *
 * All of it is derived: after a start it is read again, today first, then back one day after the
 * other as time allows; what is not read yet is not known, and is never "silent".
 * Invariants:
 *   1 venues and units ascend by number; every venue's number is below `limit`
 *   2 last[v] is at least the last scan of v in the days first_day … today, as they were counted
 *   3 a day that has lost events (an import undone, a day forgotten) begins all days anew: a scan
 *     that is gone is shown nowhere
 *   4 what others read changes under the write lock alone, whole */
#include <math.h>
#include <stdlib.h>

#include "checkin/checkin_internal.h"

static const struct sql_text board_venues = {
    "board_venues",
    "SELECT venue_no, area_no, unit_no, name, category, latitude, longitude, closed FROM venue"
    " ORDER BY venue_no",
    "whole table, after changes"};
static const struct sql_text board_units = {
    "board_units", "SELECT unit_no, area_no, category FROM unit ORDER BY unit_no",
    "whole table, after changes"};
static const struct sql_text board_suspected = {
    "board_suspected",
    "SELECT s.venue_no FROM venue_suspicion s JOIN venue v ON v.venue_no = s.venue_no"
    " AND v.token_version = s.token_version WHERE s.raised_at >= ?1",
    "venue_suspicion_by_time"};

const struct sql_list board_statements = SQL_LIST(&board_venues, &board_units, &board_suspected);

enum { DAY_SECONDS = 86400, NAMES_BYTES_MAX = 1 << 30, NAME_BYTES_MAX = UINT16_MAX };
static const double seconds_max = 1.0; /* of past days in one call */

void venue_board_init(struct venue_board *board)
{
    pthread_mutex_init(&board->reading, NULL);
    pthread_rwlock_init(&board->lock, NULL);
    board->first_day = INT32_MAX;
}

void venue_board_release(struct venue_board *board)
{
    free(board->venues);
    free(board->units);
    free(board->names);
    free(board->last);
    pthread_rwlock_destroy(&board->lock);
    pthread_mutex_destroy(&board->reading);
}

static struct venue_board *board_of(struct checkin *checkin)
{
    return &checkin->venues.board;
}

/* ---- The register, built aside */

struct register_reading {
    const struct policy *policy;
    struct board_venue *venues;
    struct board_unit *units;
    size_t venue_count, venue_room, unit_count, unit_room;
    struct buffer names;
    uint32_t limit;
};

static void *grown(void *rows, size_t count, size_t *io_room, size_t size)
{
    if (count < *io_room)
        return rows;
    *io_room = *io_room ? *io_room * 2 : 4096;
    return x_realloc(rows, *io_room * size);
}

static void take_venue_row(struct register_reading *reading, struct sql_query *query)
{
    struct slice name = sql_get_text(query, 3);
    name.length = name.length > NAME_BYTES_MAX ? NAME_BYTES_MAX : name.length;
    reading->venues =
        grown(reading->venues, reading->venue_count, &reading->venue_room, sizeof *reading->venues);
    struct board_venue *venue = &reading->venues[reading->venue_count++];
    *venue = (struct board_venue){
        .no = (uint32_t)sql_get_int(query, 0),
        .area_no = sql_get_int(query, 1),
        .unit_no = (uint32_t)sql_get_int(query, 2),
        .name_at = (uint32_t)reading->names.length,
        .name_length = (uint16_t)name.length,
        .category = (uint16_t)policy_category_of(reading->policy, sql_get_text(query, 4)),
        .latitude = sql_is_null(query, 5) ? NAN : sql_get_real(query, 5),
        .longitude = sql_is_null(query, 6) ? NAN : sql_get_real(query, 6),
        .closed = sql_get_int(query, 7) != 0};
    buffer_append(&reading->names, name.data, name.length);
    reading->limit = venue->no + 1;
}

static void take_unit_row(struct register_reading *reading, struct sql_query *query)
{
    struct slice category = sql_get_text(query, 2);
    reading->units =
        grown(reading->units, reading->unit_count, &reading->unit_room, sizeof *reading->units);
    reading->units[reading->unit_count++] =
        (struct board_unit){.no = (uint32_t)sql_get_int(query, 0),
                            .area_no = sql_get_int(query, 1),
                            .category = (uint16_t)policy_category_of(reading->policy, category)};
}

static bool read_rows(struct register_reading *reading, struct sql *sql,
                      const struct sql_text *text,
                      void (*take)(struct register_reading *reading, struct sql_query *query),
                      struct error *err)
{
    struct sql_query *query;
    bool row, done = sql_begin(sql, text, NULL, 0, &query, err);
    while (done && (done = sql_next(query, &row, err)) && row)
        take(reading, query);
    return done;
}

static struct board_unit *find_unit(struct board_unit *units, size_t count, uint32_t no)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (units[middle].no < no)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && units[low].no == no ? &units[low] : NULL;
}

static void mark_coded(struct register_reading *reading)
{
    for (size_t i = 0; i < reading->venue_count; i++) {
        const struct board_venue *venue = &reading->venues[i];
        struct board_unit *unit = find_unit(reading->units, reading->unit_count, venue->unit_no);
        if (unit && !venue->closed)
            unit->coded = true;
    }
}

static void forget_days(struct venue_board *board)
{
    for (int i = 0; i < BOARD_DAYS; i++)
        board->days[i].count = -1;
    board->first_day = INT32_MAX;
    board->strangers = false;
    board->unfinished = true;
}

/* Puts what was read in the place of what was there. */
static void swap_register(struct venue_board *board, struct register_reading *reading)
{
    pthread_rwlock_wrlock(&board->lock);
    free(board->venues);
    free(board->units);
    free(board->names);
    board->venues = reading->venues;
    board->venue_count = reading->venue_count;
    board->units = reading->units;
    board->unit_count = reading->unit_count;
    board->names = reading->names.data;
    if (reading->limit > board->limit) {
        board->last = x_realloc(board->last, reading->limit * sizeof *board->last);
        memset(board->last + board->limit, 0,
               (reading->limit - board->limit) * sizeof *board->last);
        board->limit = reading->limit;
        if (board->strangers) /* what was passed over may be theirs */
            forget_days(board);
    }
    pthread_rwlock_unlock(&board->lock);
}

static bool read_register(struct checkin *checkin, struct sql *sql, struct error *err)
{
    struct venue_board *board = board_of(checkin);
    struct register_reading reading = {.policy = checkin->platform->policy};
    unsigned long long generation = atomic_load(&checkin->venues.generation);
    buffer_init(&reading.names, NAMES_BYTES_MAX);
    bool done = read_rows(&reading, sql, &board_venues, take_venue_row, err) &&
                read_rows(&reading, sql, &board_units, take_unit_row, err);
    if (done && reading.names.overflow)
        done = error_set(err, ERROR_TOO_LARGE, (struct error_place){.source = "venue"},
                         "names of a gigabyte at most", "the names of all venues are too long");
    if (!done) {
        free(reading.venues);
        free(reading.units);
        buffer_release(&reading.names);
        return false;
    }
    mark_coded(&reading);
    swap_register(board, &reading);
    atomic_store(&board->generation, generation);
    return true;
}

/* ---- Suspicions: of the code that hangs there now, within the days of the policy */

static bool read_suspicions(struct checkin *checkin, struct sql *sql, timestamp now,
                            struct error *err)
{
    struct venue_board *board = board_of(checkin);
    timestamp since =
        now - policy_number(checkin->platform->policy, NUMBER_COPIED_SHOWN_DAYS) * DAY;
    struct sql_query *query;
    bool row, done = sql_begin(sql, &board_suspected, SQL_ARGUMENTS(sql_time(since)), &query, err);
    if (!done)
        return false;
    pthread_rwlock_wrlock(&board->lock);
    for (size_t i = 0; i < board->venue_count; i++)
        board->venues[i].suspected = false;
    while ((done = sql_next(query, &row, err)) && row) {
        const struct board_venue *venue = venue_board_find(board, (uint32_t)sql_get_int(query, 0));
        if (venue)
            board->venues[venue - board->venues].suspected = true;
    }
    pthread_rwlock_unlock(&board->lock);
    return done;
}

/* ---- Scans */

struct pass {
    uint32_t *last;
    uint32_t limit, newest;
    bool strangers;
};

static bool visit_scans(void *context, const struct presence_event *events, size_t count,
                        struct error *err)
{
    (void)err;
    struct pass *pass = context;
    for (size_t i = 0; i < count; i++) {
        uint32_t venue = events[i].venue, time = events[i].time;
        pass->newest = time > pass->newest ? time : pass->newest;
        if (venue >= pass->limit)
            pass->strangers = true;
        else if (time > pass->last[venue])
            pass->last[venue] = time;
    }
    return true;
}

/* Reads one day of `count` events into the board. */
static bool read_day(struct venue_board *board, struct presence_view *view, int32_t day,
                     int64_t count, struct error *err)
{
    int64_t start = time_day_start_seconds(day);
    struct pass pass = {.last = x_alloc((size_t)board->limit + 1, sizeof *pass.last),
                        .limit = board->limit};
    bool done = presence_scan(view, start, start + DAY_SECONDS, visit_scans, &pass, err);
    if (done) {
        pthread_rwlock_wrlock(&board->lock);
        for (uint32_t v = 0; v < board->limit; v++)
            if (pass.last[v] > board->last[v])
                board->last[v] = pass.last[v];
        board->newest = pass.newest > board->newest ? pass.newest : board->newest;
        pthread_rwlock_unlock(&board->lock);
        board->strangers |= pass.strangers;
        board->days[day % BOARD_DAYS].day = day;
        board->days[day % BOARD_DAYS].count = count;
    }
    free(pass.last);
    return done;
}

static bool day_is_read(const struct venue_board *board, int32_t day, int64_t count)
{
    return board->days[day % BOARD_DAYS].day == day && board->days[day % BOARD_DAYS].count == count;
}

/* Where a day has fewer events than were read of it. */
static bool lost_events(const struct venue_board *board, struct presence_view *view, int32_t today)
{
    for (int i = 0; i < BOARD_DAYS; i++) {
        int32_t day = board->days[i].day;
        if (board->days[i].count > 0 && day > today - BOARD_DAYS &&
            presence_day_count(view, day) < board->days[i].count)
            return true;
    }
    return false;
}

static void begin_anew(struct venue_board *board)
{
    pthread_rwlock_wrlock(&board->lock);
    memset(board->last, 0, board->limit * sizeof *board->last);
    board->newest = 0;
    forget_days(board);
    pthread_rwlock_unlock(&board->lock);
}

static bool read_days(struct venue_board *board, struct presence_view *view, timestamp now,
                      struct error *err)
{
    int32_t today = time_day_of_seconds(now / SECOND), first = today + 1;
    double begun = world_elapsed_seconds();
    if (board->last && lost_events(board, view, today))
        begin_anew(board);
    board->unfinished = false;
    for (int32_t day = today; day > today - BOARD_DAYS; day--) {
        int64_t count = presence_day_count(view, day);
        if (!day_is_read(board, day, count)) {
            board->unfinished = day < today && world_elapsed_seconds() - begun > seconds_max;
            if (board->unfinished)
                break;
            if (!read_day(board, view, day, count, err))
                return false;
        }
        first = day;
    }
    pthread_rwlock_wrlock(&board->lock);
    board->first_day = first;
    board->true_for = now;
    pthread_rwlock_unlock(&board->lock);
    return true;
}

/* ---- Refreshing */

static bool is_current(struct checkin *checkin)
{
    return atomic_load(&board_of(checkin)->generation) == atomic_load(&checkin->venues.generation);
}

/* The register where it has changed, and what is suspected. */
static bool read_rows_anew(struct checkin *checkin, struct sql *sql, struct error *err)
{
    return (is_current(checkin) || read_register(checkin, sql, err)) &&
           read_suspicions(checkin, sql, world_now(checkin->platform->world), err);
}

static bool refresh(struct checkin *checkin, struct error *err)
{
    struct platform *platform = checkin->platform;
    struct venue_board *board = board_of(checkin);
    struct presence_view *view = NULL;
    struct sql *sql;
    if (!store_read_begin(platform->store, &sql, err))
        return false;
    bool done = read_rows_anew(checkin, sql, err) &&
                presence_view_begin(platform->presence, &view, err) &&
                read_days(board, view, world_now(platform->world), err);
    presence_view_end(view);
    store_read_end(platform->store, sql);
    return done;
}

bool venue_board_refresh(struct checkin *checkin, struct error *err)
{
    struct venue_board *board = board_of(checkin);
    pthread_mutex_lock(&board->reading);
    bool done = refresh(checkin, err);
    pthread_mutex_unlock(&board->reading);
    return done;
}

bool venue_board_tick(struct checkin *checkin, struct error *err)
{
    struct venue_board *board = board_of(checkin);
    timestamp real = world_real_now();
    bool done = true;
    pthread_mutex_lock(&board->reading);
    bool young = real >= board->read_at && real - board->read_at < MINUTE;
    if (!young || board->unfinished || !is_current(checkin)) {
        board->read_at = real;
        done = refresh(checkin, err);
    }
    pthread_mutex_unlock(&board->reading);
    return done;
}

/* ---- Reading */

/* Waits for nobody unless there is nothing to show yet. */
static bool read_what_changed(struct checkin *checkin, struct error *err)
{
    struct venue_board *board = board_of(checkin);
    bool done = true;
    struct sql *sql;
    if (is_current(checkin))
        return true;
    if (!atomic_load(&board->generation))
        pthread_mutex_lock(&board->reading);
    else if (pthread_mutex_trylock(&board->reading) != 0)
        return true; /* whoever reads it brings what has changed */
    if (!is_current(checkin)) {
        done = store_read_begin(checkin->platform->store, &sql, err);
        if (done) {
            done = read_rows_anew(checkin, sql, err);
            store_read_end(checkin->platform->store, sql);
        }
    }
    pthread_mutex_unlock(&board->reading);
    return done;
}

bool venue_board_begin(struct checkin *checkin, const struct venue_board **ret_board,
                       struct error *err)
{
    if (!read_what_changed(checkin, err))
        return false;
    pthread_rwlock_rdlock(&board_of(checkin)->lock);
    *ret_board = board_of(checkin);
    return true;
}

void venue_board_end(struct checkin *checkin)
{
    pthread_rwlock_unlock(&board_of(checkin)->lock);
}

uint32_t venue_board_since(const struct checkin *checkin, const struct venue_board *board)
{
    int64_t hours = policy_number(checkin->platform->policy, NUMBER_VENUE_IN_USE_HOURS);
    int64_t since = board->true_for / SECOND - hours * 3600;
    bool known =
        board->true_for && board->first_day <= time_day_of_seconds(since) && board->newest > since;
    return known && since > 0 ? (uint32_t)since : UINT32_MAX;
}

enum venue_use venue_board_use(const struct venue_board *board, const struct board_venue *venue,
                               uint32_t since)
{
    if (venue->closed)
        return VENUE_CLOSED_USE;
    if (since == UINT32_MAX)
        return VENUE_USE_UNKNOWN;
    return board->last[venue->no] > since ? VENUE_IN_USE : VENUE_SILENT;
}

const char *venue_use_name(enum venue_use use)
{
    static const char *const names[] = {[VENUE_CLOSED_USE] = "closed",
                                        [VENUE_IN_USE] = "in_use",
                                        [VENUE_SILENT] = "silent",
                                        [VENUE_USE_UNKNOWN] = "unknown"};
    return names[use];
}

uint32_t venue_board_last(const struct venue_board *board, uint32_t venue_no)
{
    if (!board->true_for || venue_no >= board->limit)
        return 0;
    int32_t first = time_day_of_seconds(board->true_for / SECOND) - BOARD_DAYS + 1;
    uint32_t last = board->last[venue_no];
    return last >= time_day_start_seconds(first) ? last : 0;
}

const struct board_venue *venue_board_find(const struct venue_board *board, uint32_t venue_no)
{
    size_t low = 0, high = board->venue_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (board->venues[middle].no < venue_no)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < board->venue_count && board->venues[low].no == venue_no;
    return found ? &board->venues[low] : NULL;
}
