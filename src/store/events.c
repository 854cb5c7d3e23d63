/* The event log, subscribers and settings: thin over SQL. */
#include "store/store_internal.h"

static const struct sql_text event_insert = {
    "event_insert",
    "INSERT INTO event (kind, subject_no, area_no, at, recorded_at, payload)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    "primary key"};
static const struct sql_text event_select_last = {
    "event_select_last", "SELECT max(no) FROM event", "primary key"};
static const struct sql_text event_select_after = {
    "event_select_after",
    "SELECT no, kind, subject_no, area_no, at, recorded_at, payload FROM event"
    " WHERE no > ?1 ORDER BY no LIMIT ?2",
    "primary key"};
static const struct sql_text cursor_select = {
    "cursor_select", "SELECT after_no FROM event_cursor WHERE subscriber = ?1", "primary key"};
static const struct sql_text cursor_update = {
    "cursor_update",
    "INSERT INTO event_cursor (subscriber, after_no) VALUES (?1, ?2)"
    " ON CONFLICT (subscriber) DO UPDATE SET after_no = excluded.after_no",
    "primary key"};
static const struct sql_text setting_select = {
    "setting_select", "SELECT value FROM setting WHERE name = ?1", "primary key"};
static const struct sql_text setting_update = {
    "setting_update",
    "INSERT INTO setting (name, value) VALUES (?1, ?2)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "primary key"};
static const struct sql_text event_delete = {
    "event_delete",
    "DELETE FROM event WHERE no IN (SELECT no FROM event WHERE no <= ?1 ORDER BY no LIMIT ?2)"
    " AND no < (SELECT max(no) FROM event)",
    "primary key"};
static const struct sql_text event_floor_update = {
    "event_floor_update",
    "INSERT INTO setting (name, value)"
    " SELECT 'event_floor', CAST((SELECT min(no) FROM event) - 1 AS TEXT)"
    " WHERE (SELECT max(no) FROM event) IS NOT NULL"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "primary key"};

const struct sql_list event_statements =
    SQL_LIST(&event_insert, &event_delete, &event_floor_update,
             &event_select_last, &event_select_after, &cursor_select,
             &cursor_update, &setting_select, &setting_update);

bool event_emit(struct sql *sql, const struct event *event, struct error *err)
{
    timestamp recorded_at = event->recorded_at ? event->recorded_at : world_now(sql->world);
    struct slice payload = event->payload.data ? event->payload : SLICE("");
    if (!sql_run(sql, &event_insert,
                 SQL_ARGUMENTS(sql_text(event->kind), sql_int(event->subject_no),
                               sql_int(event->area_no), sql_int(event->at), sql_int(recorded_at),
                               sql_text(payload)),
                 err))
        return false;
    sql->emitted = true;
    return true;
}

bool event_last(struct sql *sql, int64_t *ret_no, struct error *err)
{
    return sql_one_int(sql, &event_select_last, NULL, 0, 0, ret_no, err);
}

bool event_read(struct sql *sql, int64_t after, int64_t limit,
                bool (*visit)(const struct event *event, void *context, struct error *err),
                void *context, struct error *err)
{
    struct sql_query *query;
    if (!sql_begin(sql, &event_select_after, SQL_ARGUMENTS(sql_int(after), sql_int(limit)), &query,
                   err))
        return false;
    for (;;) {
        bool row;
        if (!sql_next(query, &row, err))
            return false;
        if (!row)
            return true;
        struct event event = {.no = sql_get_int(query, 0),
                              .kind = sql_get_text(query, 1),
                              .subject_no = sql_get_int(query, 2),
                              .area_no = sql_get_int(query, 3),
                              .at = sql_get_int(query, 4),
                              .recorded_at = sql_get_int(query, 5),
                              .payload = sql_get_text(query, 6)};
        if (!visit(&event, context, err)) {
            sql_end(query);
            return false;
        }
    }
}

bool event_forget(struct sql *sql, int64_t last, int64_t limit, int64_t *ret_count,
                  struct error *err)
{
    return sql_run_count(sql, &event_delete, SQL_ARGUMENTS(sql_int(last), sql_int(limit)),
                         ret_count, err) &&
           sql_run(sql, &event_floor_update, NULL, 0, err);
}

enum { SUBSCRIBER_BATCH = 1024 };

struct subscriber_run {
    const char *subscriber;
    bool (*handle)(struct sql *sql, const struct event *event, void *context, struct error *err);
    void *context;
    const char *apart; /* see store_subscriber_run_apart; NULL: no kind is */
    struct sql *sql;
    int64_t last_no;
    int64_t count;
    bool ended; /* by an event that is the last of its transaction */
};

static bool subscriber_visit(const struct event *event, void *context, struct error *err)
{
    struct subscriber_run *run = context;
    if (!run->handle(run->sql, event, run->context, err))
        return false;
    run->last_no = event->no;
    run->count++;
    run->ended = run->apart && slice_equal(event->kind, slice_of(run->apart));
    return !run->ended;
}

static bool subscriber_batch(struct sql *sql, void *context, struct error *err)
{
    struct subscriber_run *run = context;
    struct slice name = slice_of(run->subscriber);
    run->sql = sql;
    run->count = 0;
    run->ended = false;
    if (!sql_one_int(sql, &cursor_select, SQL_ARGUMENTS(sql_text(name)), 0, &run->last_no, err) ||
        (!event_read(sql, run->last_no, SUBSCRIBER_BATCH, subscriber_visit, run, err) &&
         !run->ended))
        return false;
    return run->count == 0 ||
           sql_run(sql, &cursor_update, SQL_ARGUMENTS(sql_text(name), sql_int(run->last_no)), err);
}

bool store_subscriber_run_apart(struct store *store, const char *subscriber, const char *kind,
                                bool (*handle)(struct sql *sql, const struct event *event,
                                               void *context, struct error *err),
                                void *context, int64_t *ret_count, struct error *err)
{
    struct subscriber_run run = {
        .subscriber = subscriber, .handle = handle, .context = context, .apart = kind};
    int64_t total = 0;
    do {
        if (!store_write(store, subscriber_batch, &run, err))
            return false;
        total += run.count;
    } while (run.ended || run.count == SUBSCRIBER_BATCH);
    *ret_count = total;
    return true;
}

bool store_subscriber_run(struct store *store, const char *subscriber,
                          bool (*handle)(struct sql *sql, const struct event *event, void *context,
                                         struct error *err),
                          void *context, int64_t *ret_count, struct error *err)
{
    return store_subscriber_run_apart(store, subscriber, NULL, handle, context, ret_count, err);
}

void store_on_events(struct store *store, void (*wake)(void *context), void *context)
{
    REQUIRE(store->listener_count < LISTENERS_MAX);
    store->listeners[store->listener_count].wake = wake;
    store->listeners[store->listener_count++].context = context;
}

bool store_setting_get(struct sql *sql, const char *name, struct buffer *out, struct error *err)
{
    struct sql_query *query;
    bool row;
    if (!sql_begin(sql, &setting_select, SQL_ARGUMENTS(sql_text(slice_of(name))), &query, err) ||
        !sql_next(query, &row, err))
        return false;
    if (row) {
        struct slice value = sql_get_text(query, 0);
        buffer_append(out, value.data, value.length);
    }
    sql_end(query);
    return true;
}

bool store_setting_set(struct sql *sql, const char *name, struct slice value, struct error *err)
{
    return sql_run(sql, &setting_update, SQL_ARGUMENTS(sql_text(slice_of(name)), sql_text(value)),
                   err);
}
